"""When heads are told, and what was told to whom."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class DigestPlan(Base):
    """At most one row: whether heads get a mail a day, between which hours; without it `rules.STANDARD` holds."""

    __tablename__ = "digest_plan"
    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint("0 <= from_hour AND from_hour < to_hour AND to_hour <= 24", name="hours"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    daily: Mapped[bool]
    from_hour: Mapped[int]
    to_hour: Mapped[int]


class HeadTold(Base):
    """A head or deputy was told something on a day, once: `key` is the same for the same.

    `digest`: the daily mail about what is open, with the first of the head's units. `above`: that people are still
    `overdue`, out of so many `people` due on the day of the `occasion` of the briefing's plan, in the unit `unit_id`,
    which stands below the unit of the head (`above_id`) in this `tree`. `mailed`: by mail too, where there is an
    address and mail about the unit is wanted.
    """

    __tablename__ = "head_told"
    __table_args__ = (
        CheckConstraint("kind IN ('digest', 'above')", name="kind"),
        CheckConstraint("tree IN ('state', 'party')", name="tree"),
        Index("ix_head_told_person", "person_id", "day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    day: Mapped[date]
    briefing_id: Mapped[int | None] = mapped_column(ForeignKey("briefing.id"))
    above_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    tree: Mapped[str]
    occasion: Mapped[str]
    overdue: Mapped[int]
    people: Mapped[int]
    mailed: Mapped[bool]
    sent_at: Mapped[datetime]
