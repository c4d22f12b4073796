"""Tallies: how many people of a unit stand where. A dashboard reads these, never one row per person."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import WITHOUT_ROWID, Base


class Tally(Base):
    """The people counted in one unit itself (not below it) who are on the roll of a briefing, due at one moment.

    `due_at` is `rules.NEVER_DUE` where nothing is. `people` is A, `started` have begun, `briefed` is B
    (which includes those completed) and the sum of `by_point`, `online` and `made_up`; `completed` is C. `excused` and
    `unexcused` were away and are not briefed. `submitted` and `accepted` are reflections; `tested` have passed the
    required tests; `scored` have taken them all, and `score` is the sum of their scores, in thousandths of a point of
    ten. `exempt` are on the roll and not among A; `members` are members of the Party among both.
    """

    __tablename__ = "tally"
    __table_args__ = (Index("ix_tally_unit", "unit_id", "briefing_id"), WITHOUT_ROWID)

    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    people: Mapped[int]
    started: Mapped[int]
    briefed: Mapped[int]
    completed: Mapped[int]
    by_point: Mapped[int]
    online: Mapped[int]
    made_up: Mapped[int]
    excused: Mapped[int]
    unexcused: Mapped[int]
    submitted: Mapped[int]
    accepted: Mapped[int]
    tested: Mapped[int]
    scored: Mapped[int]
    score: Mapped[int]
    exempt: Mapped[int]
    members: Mapped[int]


class TallyDay(Base):
    """How many of the people now counted in one unit itself were briefed, and completed a briefing, on that day.

    Days are Vietnam's. The exempt are not counted; the sum over all days is B, and C, of `Tally`.
    """

    __tablename__ = "tally_day"
    __table_args__ = WITHOUT_ROWID

    briefing_id: Mapped[int] = mapped_column(ForeignKey("briefing.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    briefed: Mapped[int]
    completed: Mapped[int]
