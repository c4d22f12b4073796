"""How figures become an answer: the state of a unit, the words for a document, what a person still lacks. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from analytics.facts.rules import PEOPLE, Branch, Count, Headline, N
from analytics.facts.vocabulary import document_of as document_of
from analytics.facts.vocabulary import in_sentence as in_sentence
from courses.briefings.rules import ONLINE, Asked, days_overdue
from courses.catalog.rules import Outline, Settings
from courses.learning.rules import Record, Result
from lms.clock import day_of
from lms.text import sort_key

STATES = {
    "": ("not_started", "in_progress", "briefed"),
    "not_briefed": ("not_started", "in_progress"),
    "not_started": ("not_started",),
    "in_progress": ("in_progress",),
    "not_passed": ("briefed",),
    "overdue": ("not_started", "in_progress", "briefed"),
}
"""What one may ask of those who have not completed, and the standings meant. Overdue asks for the due date as well."""


def asked_state(code: str) -> str:
    """What is asked of the list of names: a key of `STATES`, or a count of people; what is neither asks for all."""
    return code if code in STATES or code in PEOPLE else ""


def many(count: Count, state: str) -> int:
    """How many people are in the state that is asked for."""
    if state not in STATES or state == "overdue":
        return int(getattr(count, state))
    return sum(count.by_state[one] for one in STATES[state])


def unit_state(count: Headline) -> str:
    """nobody, not_begun, completed, overdue, briefed or under_way: where a unit stands as a whole."""
    if count.people == 0:
        return "nobody"
    if count.started == 0:
        return "not_begun"
    if count.completed == count.people:
        return "completed"
    if count.overdue:
        return "overdue"
    return "briefed" if count.briefed == count.people else "under_way"


def most_urgent(branches: Iterable[Branch[N]]) -> list[Branch[N]]:
    """The branches that have people, the ones to be urged on first.

    Before all others those with people who are late, the larger share first; then by the share of people briefed, the
    lowest first, and by the share of those who have completed. Equals keep their order.
    """
    return sorted((one for one in branches if one.count.people), key=lambda one: urgency(one.count))


URGED = 5
"""So many units are named as those to be urged on."""


def to_urge(branches: Iterable[Branch[N]]) -> list[Branch[N]]:
    """The first of `most_urgent` that have pages of their own and have not all completed."""
    waiting = (one for one in most_urgent(branches) if one.count.not_completed and not one.itself and one.open)
    return list(islice(waiting, URGED))


def urgency(count: Headline) -> tuple[float, float, float]:
    """What `most_urgent` sorts by, for a unit with people."""
    return -count.overdue / count.people, count.briefed / count.people, count.completed / count.people


STANDING = ("overdue", "not_begun", "under_way", "briefed", "completed")
"""States of a unit, the one to be urged on first."""

COLUMNS: dict[str, Callable[[Branch[Headline]], Any]] = {
    "name": lambda one: sort_key(one.name),
    "rate": lambda one: one.count.briefed / one.count.people,
    "change": lambda one: one.change.briefed / one.count.people,
    "completed": lambda one: one.count.completed,
    "late": lambda one: one.count.overdue,
    "state": lambda one: STANDING.index(unit_state(one.count)),
}
"""By what the table of units can be sorted, and what is compared."""

FALLING = frozenset({"change", "completed", "late"})
"""Columns that are sorted by the largest first, unless one asks otherwise."""

SHOWN, FOLDED_FROM = 15, 20
"""Of a table of more units than `FOLDED_FROM` only the first `SHOWN` stand there, until all are asked for.

A row is 2 kB of a page, and lines are weak: all of a province's would be nine tenths of its page.
"""


@dataclass(frozen=True, slots=True)
class Order:
    """By which column the table of units is sorted; "" is `most_urgent`."""

    column: str = ""
    falling: bool = False

    @property
    def code(self) -> str:
        """As it stands in an address: "rate", or "-rate" from the largest down."""
        return f"-{self.column}" if self.falling else self.column

    def of(self, column: str) -> str:
        """What the heading of this column asks for: its own order, or the other way round where that holds."""
        return Order(column, not self.falling if column == self.column else column in FALLING).code


def order_of(code: str) -> Order:
    """The order an address asks for; what makes no sense asks for none."""
    column = code.removeprefix("-")
    return Order(column, code.startswith("-")) if column in COLUMNS else Order()


def ordered(branches: Iterable[Branch[N]], order: Order) -> list[Branch[N]]:
    """The branches that have people, in this order. Equals stand as in `most_urgent`."""
    known = most_urgent(branches)
    return sorted(known, key=COLUMNS[order.column], reverse=order.falling) if order.column else known


def first_shown(branches: Sequence[Branch[Headline]]) -> int:
    """How many rows stand there until all are asked for."""
    return SHOWN if len(branches) > FOLDED_FROM else len(branches)


def late_since(late: Sequence[Branch[Headline]]) -> datetime | None:
    """The due date that has passed, when it is the same for all these branches and none of them has another to come."""
    days = {one.last_due for one in late}
    return days.pop() if len(days) == 1 and all(one.next_due is None for one in late) else None


def days_late(due_at: datetime | None, now: datetime, day: date | None) -> int:
    """As `days_overdue`; on a day that is over, asked at its last moment, by the calendar: the first day after is 1."""
    if day is None or due_at is None or due_at >= now:
        return days_overdue(due_at, now)
    return max(1, (day - day_of(due_at)).days)


@dataclass(frozen=True, slots=True)
class Done:
    """How much of a course a person has done: lessons finished and required tests passed, each of how many."""

    lessons: int
    of_lessons: int
    tests: int
    of_tests: int


def done(outline: Outline, settings: Settings, record: Record, *, until: datetime | None = None) -> Done:
    """What the record of a person contains of the version this person studies; `until`: contained at that moment."""
    lessons, tests = outline.lessons(), outline.required_tests()
    nothing = Result()
    read = [record.results.get(one.activity_id, nothing).completed_at for one in lessons]
    passed = [record.results.get(one.activity_id, nothing).passed(settings) for one in tests]
    by_then = [[at for at in one if at is not None and (until is None or at <= until)] for one in (read, passed)]
    return Done(len(by_then[0]), len(lessons), len(by_then[1]), len(tests))


def unsaid(asked: Asked, lacks: Sequence[str], so_far: Done | None) -> list[str]:
    """What of that is lacking no other words on the line say: lessons and tests are told by how many are done.

    Of whoever is not briefed yet only the way to be briefed is told.
    """
    if "ways" in lacks:
        reading = so_far is not None and so_far.lessons < so_far.of_lessons
        return [] if reading and ONLINE in asked.ways else ["ways"]
    told = so_far is not None and so_far.lessons >= so_far.of_lessons and so_far.tests < so_far.of_tests
    return [one for one in lacks if one != "test" or not told]
