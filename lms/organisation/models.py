"""Units with their names, the trees they stand in, and the operations that changed them, all with dates.

A unit may stand in the state tree (where people work) and in the Party tree. `valid_to` is the first day on which a row
no longer holds; None means that it holds still. No unit and no operation is ever deleted.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import WITHOUT_ROWID, Base

STATE_TREE = "state"
PARTY_TREE = "party"
TREES = (STATE_TREE, PARTY_TREE)


KIND = (
    "kind IN ('province', 'provincial_party_committee', 'party_committee_direct', 'party_body', 'party_agency', "
    "'peoples_council', 'peoples_committee', 'steering_committee', 'department', 'district', 'commune', 'office', "
    "'partner')"
)
"""What kinds of unit there are, as the tables ask for them."""


class Unit(Base):
    """An agency, a locality or a Party organisation. `public_id` names it outside; `code` is for people.

    `code`, `kind` and the names are those of the settled day, the last ones of a unit that has ended, the first ones of
    a unit to come: they follow from `UnitName`, which has them on any day. `undone`: the operation that made the unit
    was undone; it has held on no day, and only its code stays taken.
    """

    __tablename__ = "unit"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name="dates"),
        CheckConstraint(KIND, name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    short_name: Mapped[str]
    sort_key: Mapped[bytes] = mapped_column(LargeBinary)
    counted: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str] = mapped_column(default="")
    undone: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class UnitName(Base):
    """What a unit is called, of what kind it is and which code it bears between two days."""

    __tablename__ = "unit_name"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name="dates"),
        CheckConstraint(KIND, name="kind"),
    )

    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    short_name: Mapped[str]
    sort_key: Mapped[bytes] = mapped_column(LargeBinary)


class UnitCode(Base):
    """A code some unit bears or has borne, in small letters: it is never used for another."""

    __tablename__ = "unit_code"

    code: Mapped[str] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)


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


class UnitRoot(Base):
    """In this tree, between these days, the unit stands at the top."""

    __tablename__ = "unit_root"
    __table_args__ = (
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name="dates"),
    )

    tree: Mapped[str] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]


class UnitClosure(Base):
    """In this tree, between these days, the descendant stands `depth` levels below the ancestor (0: itself).

    Follows from edges and roots; `lms verify` computes it anew.
    """

    __tablename__ = "unit_closure"
    __table_args__ = (
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        Index("ix_unit_closure_descendant", "tree", "descendant_id", "ancestor_id"),
        WITHOUT_ROWID,
    )

    tree: Mapped[str] = mapped_column(primary_key=True)
    ancestor_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    descendant_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    depth: Mapped[int]
    valid_to: Mapped[date | None]


UNDONE = text("undone_at IS NOT NULL")


class UnitOperation(Base):
    """A change of the organisation that takes effect on a day, with the document it rests on.

    `changes` says which dated rows it added, ended and removed, so that it can be undone. `entered_by` is the public id
    of a person. Operations on the same unit follow each other in the order of their ids and of their days alike.
    """

    __tablename__ = "unit_operation"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('create', 'rename', 'recode', 'reclassify', 'move', 'consolidate', 'absorb', 'divide', "
            "'separate', 'abolish')",
            name="kind",
        ),
        Index("ix_unit_operation_undone", "undone_at", sqlite_where=UNDONE, postgresql_where=UNDONE),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    kind: Mapped[str]
    effective_on: Mapped[date]
    document_number: Mapped[str] = mapped_column(default="")
    document_date: Mapped[date | None]
    document_issuer: Mapped[str] = mapped_column(default="")
    changes: Mapped[list[Any]] = mapped_column(default=list)
    entered_at: Mapped[datetime]
    entered_by: Mapped[uuid.UUID | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[uuid.UUID | None]


class UnitOperationUnit(Base):
    """An operation changed this unit: its names, its place, its dates, or what took it over."""

    __tablename__ = "unit_operation_unit"

    operation_id: Mapped[int] = mapped_column(ForeignKey("unit_operation.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True, index=True)


class UnitLineage(Base):
    """By this operation the successor takes over from the predecessor. Each may have several of the other.

    Whoever belongs to a predecessor that ends and was given no other place goes to the successor that is `heir`.
    """

    __tablename__ = "unit_lineage"
    __table_args__ = (CheckConstraint("predecessor_id <> successor_id", name="not_itself"),)

    operation_id: Mapped[int] = mapped_column(ForeignKey("unit_operation.id"), primary_key=True)
    predecessor_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True, index=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True, index=True)
    heir: Mapped[bool] = mapped_column(default=False)

    operation: Mapped[UnitOperation] = relationship()
