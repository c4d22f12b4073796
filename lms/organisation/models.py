"""Units, the edges of the trees they stand in, and the closure of those trees, all with dates.

A unit may stand in the state tree (where people work) and in the Party tree. `valid_to` is the first day on which a row
no longer holds; None means that it holds still. Nothing is ever deleted.
"""

import uuid
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base

STATE_TREE = "state"
PARTY_TREE = "party"


class Unit(Base):
    """An agency, a locality or a Party organisation. `public_id` names it outside; `code` is for people."""

    __tablename__ = "unit"
    __table_args__ = (CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name="dates"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    short_name: Mapped[str]
    sort_key: Mapped[bytes] = mapped_column(LargeBinary)
    counted: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class UnitEdge(Base):
    """In this tree, from this day, the child stands directly below the parent. Position orders siblings."""

    __tablename__ = "unit_edge"
    __table_args__ = (
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        CheckConstraint("parent_id <> child_id", name="not_itself"),
        CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name="dates"),
        Index("ix_unit_edge_parent", "tree", "parent_id"),
        Index("uq_unit_edge_child", "tree", "child_id", "valid_from", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tree: Mapped[str]
    parent_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    child_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    position: Mapped[int] = mapped_column(default=0)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    parent: Mapped[Unit] = relationship(foreign_keys=parent_id)
    child: Mapped[Unit] = relationship(foreign_keys=child_id)


class UnitClosure(Base):
    """In this tree, between these days, the descendant stands `depth` levels below the ancestor (0: itself)."""

    __tablename__ = "unit_closure"
    __table_args__ = (Index("ix_unit_closure_descendant", "tree", "descendant_id", "ancestor_id"),)

    tree: Mapped[str] = mapped_column(primary_key=True)
    ancestor_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    descendant_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    depth: Mapped[int]
    valid_to: Mapped[date | None]
