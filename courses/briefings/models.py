"""The standing of each person on the roll of a course: a projection of roll, progress and policy."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base

STATES = ("not_started", "in_progress", "briefed", "completed")


class Standing(Base):
    """A person must study the course, is counted in `unit_id`, and stands at `state`.

    briefed: quán triệt (B); completed: hoàn thành (C), which includes briefed. Being overdue is not kept: it follows
    from the assignment's due date and the moment one asks.
    """

    __tablename__ = "standing"
    __table_args__ = (
        CheckConstraint("state IN ('not_started', 'in_progress', 'briefed', 'completed')", name="state"),
        Index("ix_standing_unit", "course_id", "unit_id", "state"),
    )

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    state: Mapped[str]
    started_at: Mapped[datetime | None]
    briefed_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
