"""The table of work to be done, and the day up to which the work of days is done."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class Job(Base):
    """One piece of work for the worker. `key` makes a job unique: the same one is never queued twice."""

    __tablename__ = "job"
    __table_args__ = (
        Index(
            "ix_job_waiting", "due_at", sqlite_where=text("done_at IS NULL"), postgresql_where=text("done_at IS NULL")
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str | None] = mapped_column(unique=True)
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    taken_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class SettledDay(Base):
    """One row: the day in Vietnam up to which everything that changes with the day has been settled."""

    __tablename__ = "settled_day"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    day: Mapped[date]
