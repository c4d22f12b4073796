"""Tallies: how many people of a unit stand where. A dashboard reads these, never one row per person."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class Tally(Base):
    """The people counted in one unit itself (not below it) who must study a course under one assignment.

    `people` is A, `briefed` is B (which includes those completed), `completed` is C; `started` have begun or more.
    """

    __tablename__ = "tally"
    __table_args__ = (Index("ix_tally_unit", "unit_id", "course_id"),)

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    people: Mapped[int]
    started: Mapped[int]
    briefed: Mapped[int]
    completed: Mapped[int]
