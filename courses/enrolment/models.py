"""Assignments of courses to units."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalog.models import Course
from lms.db import Base, once
from lms.organisation.models import Unit


class Assignment(Base):
    """From `assigned_at` on, whoever is counted in the unit or below it studies the course by `due_at`.

    Where several assignments of a course reach a person, the one given nearest to the person's unit holds, then the
    latest. None is deleted: `withdrawn_at` ends one.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        Index("ix_assignment_unit", "course_id", "tree", "unit_id"),
        once("uq_assignment_open", "course_id", "unit_id", "tree", "due_at", where="withdrawn_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    tree: Mapped[str] = mapped_column(default="state")
    due_at: Mapped[datetime]
    policy_version: Mapped[int] = mapped_column(default=1)
    assigned_at: Mapped[datetime]
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]

    course: Mapped[Course] = relationship()
    unit: Mapped[Unit] = relationship()


class AssignmentHandover(Base):
    """By an operation of the organisation an assignment passed on to a unit that takes over: kept to be undone.

    `begun_id` is the assignment given to `to_unit_id` for it; None where one that reaches the unit anyway takes its
    place. The former stays as it is: from that day on its unit is in no tree, and it reaches nobody.
    """

    __tablename__ = "assignment_handover"

    id: Mapped[int] = mapped_column(primary_key=True)
    operation_id: Mapped[int] = mapped_column(ForeignKey("unit_operation.id"), index=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    begun_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    to_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
