"""On which day somebody is reminded of what, and at which hour. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lms.clock import day_of

MADE_UP_FOR = 2
"""Nights on which no worker ran and whose reminders are still sent: older ones would say what is no longer so."""

A_WEEK, THREE_YEARS = 7, 3 * 366


@dataclass(frozen=True, slots=True)
class Plan:
    """Days before and after the due date, days since the assignment where nothing is due, and the hours of mail.

    After the last day `without_due` it goes on, as far apart as the last two: what is never due is never silent.
    `above`: days after the due date on which the level above is told of those who remain.
    """

    before: tuple[int, ...] = (7, 1)
    after: tuple[int, ...] = (1, 7, 14)
    without_due: tuple[int, ...] = (14, 30, 60)
    by_mail: bool = True
    from_hour: int = 7
    to_hour: int = 19
    above: tuple[int, ...] = (3, 10)

    @property
    def again(self) -> int:
        """So many days lie between reminders without a due date after the last of the plan; a week at least."""
        last = sorted({0, *self.without_due})[-2:]
        return max(last[-1] - last[0], A_WEEK)

    def days_without(self) -> Iterator[int]:
        """Days since the assignment on which somebody without a due date is reminded, for three years."""
        if self.without_due:
            yield from self.without_due
            yield from range(max(self.without_due) + self.again, THREE_YEARS, self.again)


STANDARD = Plan()

BEFORE, AFTER, WITHOUT = "before", "after", "without"


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why somebody is reminded: so many days `before` the due date, `after` it, or `without` one since the assignment.

    `day` is the day in question: that of the due date, or that of the assignment.
    """

    kind: str
    days: int
    day: date

    @property
    def code(self) -> str:
        """By which it is known that it came once."""
        return f"{self.kind} {self.days} {self.day.isoformat()}"

    @classmethod
    def from_code(cls, code: str) -> "Occasion":
        """The occasion with this code."""
        kind, days, day = code.split(" ")
        return cls(kind, int(days), date.fromisoformat(day))


def occasions(plan: Plan, today: date) -> Iterator[Occasion]:
    """Everything somebody may be reminded of today, and what was left undone on the nights before."""
    for late in range(MADE_UP_FOR + 1):
        then = today - timedelta(days=late)
        for days in plan.before:
            if days >= late:  # else the due date has passed, and something else is to be said
                yield Occasion(BEFORE, days, then + timedelta(days=days))
        for days in plan.after:
            yield Occasion(AFTER, days, then - timedelta(days=days))
        for days in plan.days_without():
            yield Occasion(WITHOUT, days, then - timedelta(days=days))


def occasion_of(plan: Plan, due_at: datetime | None, assigned_at: datetime, today: date) -> Occasion | None:
    """What somebody with this due date is reminded of today: of several occasions the latest. None: of nothing."""
    day = day_of(due_at) if due_at is not None else day_of(assigned_at)
    kinds = (WITHOUT,) if due_at is None else (BEFORE, AFTER)
    return next((one for one in occasions(plan, today) if one.kind in kinds and one.day == day), None)


def steps_above(plan: Plan, today: date) -> dict[date, Occasion]:
    """For each due date, what the level above is told today, missed nights included: of several steps the latest."""
    found: dict[date, Occasion] = {}
    for late in range(MADE_UP_FOR + 1):
        for days in sorted(plan.above, reverse=True):
            day = today - timedelta(days=days + late)
            found.setdefault(day, Occasion(AFTER, days, day))
    return found
