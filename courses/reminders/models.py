"""How a briefing reminds, and what was sent to whom."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class ReminderPlan(Base):
    """On which days people of a briefing are reminded; a briefing without a row follows `rules.STANDARD`.

    `before` and `after` count days to and since the due date, `without_due` days since the assignment where nothing is
    due. Mail goes out between two hours of the day in Vietnam. `above`: so many days after the due date the head of the
    unit above is told (`analytics/chasing`).
    """

    __tablename__ = "reminder_plan"
    __table_args__ = (CheckConstraint("0 <= from_hour AND from_hour < to_hour AND to_hour <= 24", name="hours"),)

    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    before: Mapped[list[Any]]
    after: Mapped[list[Any]]
    without_due: Mapped[list[Any]]
    by_mail: Mapped[bool]
    from_hour: Mapped[int]
    to_hour: Mapped[int]
    above: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[3, 10]'"))


class ReminderSent(Base):
    """Somebody was reminded in a briefing on an occasion: once. `mailed`: by mail too, where there is an address.

    `occasion` is before, after or without, the number of days and the due date.
    """

    __tablename__ = "reminder_sent"
    __table_args__ = (
        Index("uq_reminder_sent_once", "briefing_id", "person_id", "occasion", unique=True),
        Index("ix_reminder_sent_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    occasion: Mapped[str]
    mailed: Mapped[bool]
    sent_at: Mapped[datetime]
