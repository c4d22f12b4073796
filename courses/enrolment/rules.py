"""Which of several assignments of a briefing holds for a person, and by when it is due. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias

from lms.clock import end_of_day

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reaching:
    """An assignment that reaches a person, from a unit `depth` levels above the person's own (0: the same unit)."""

    assignment_id: int
    depth: int
    assigned_at: datetime


def effective_assignment(assignments_with_depth: Iterable[Reaching]) -> Reaching | None:
    """The one that holds: given nearest to the person's unit, then the latest, then the one written last.

    None when none reaches the person. `queries.roll` says the same in SQL, and a test compares the two.
    """
    return min(
        assignments_with_depth,
        key=lambda one: (one.depth, -one.assigned_at.timestamp(), -one.assignment_id),
        default=None,
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about somebody in a briefing: exempt, away with a reason (`leave`), another due date."""

    exempt: bool = False
    leave: bool = False
    due_at: datetime | None = None

    def also(self, kind: str, due_at: datetime | None) -> "Decided":
        """With one more decision; of several due dates the latest holds."""
        later = max((one for one in (self.due_at, due_at) if one is not None), default=None)
        return replace(self, exempt=self.exempt or kind == "exempt", leave=self.leave or kind == "leave", due_at=later)


NOTHING_DECIDED = Decided()


def due_moment(due_at: datetime | None, due_days: int | None, begun: date, decided: Decided) -> datetime | None:
    """When it is due: as assigned, or so many days after the day from which they count, or as decided; None: never.

    Of what was assigned and what was decided the later holds: whoever was given more time does not have less than all
    others, once these have been given more. Never is later than any day.
    """
    if due_days is not None:
        due_at = end_of_day(begun + timedelta(days=due_days))
    if due_at is None or decided.due_at is None:
        return due_at
    return max(due_at, decided.due_at)


@dataclass(frozen=True, slots=True)
class Given:
    """An assignment of a briefing to a unit of a tree from the day `on`, before `until` (None: it holds).

    It has `passed` on to these units, where another took its place.
    """

    unit_id: int
    tree: str
    on: date
    until: date | None = None
    passed: tuple[int, ...] = ()
    briefing_id: int = 0


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody was counted in a unit from the day `since`, before `until` (None: still is)."""

    unit_id: int
    since: date
    until: date | None = None


Held: TypeAlias = Mapping[tuple[str, int, int], Sequence[tuple[date, date | None]]]
"""When a unit stood at or below another: from which day, before which; by tree, the unit above and the one below."""


class PastReach:
    """Which assignments reached whom on which day."""

    def __init__(self, given: Mapping[int, Given], held: Held) -> None:
        self._given, self._held = given, held
        self._replaced: dict[tuple[Given, date], tuple[Given, ...]] = {}

    def days_count_from(self, own: int, stays: Sequence[Stay], day: date) -> date:
        """From which day the days of a due date count for somebody for whom the assignment `own` holds on that day.

        From the assignment, or from when the person came to where it reaches. Whomever it has reached without a gap did
        not come: neither by a move below its unit, nor when units were merged and it took the place of another.
        """
        one = self._given[own]
        found = self.since(one, stays, day)
        begun = day if found is None else found
        while True:
            eve = begun - ONE_DAY
            steps = ((each, self.since(each, stays, eve)) for each in (one, *self.replaced(one, begun)))
            step = next(((each, since) for each, since in steps if since is not None), None)
            if step is None:
                return begun
            one, begun = step

    def since(self, one: Given, stays: Sequence[Stay], day: date) -> date | None:
        """Since when at least the assignment had reached somebody that day; None: it did not."""
        if day < one.on or (one.until is not None and day >= one.until):
            return None
        stay = next((each for each in stays if covers(each.since, each.until, day)), None)
        if stay is None:
            return None
        under = self._held.get((one.tree, one.unit_id, stay.unit_id), ())
        stood = next((since for since, until in under if covers(since, until, day)), None)
        return max(one.on, stay.since, stood) if stood is not None else None

    def replaced(self, one: Given, day: date) -> tuple[Given, ...]:
        """The assignments of the same briefing that have passed on to units which this one reached that day."""
        if (one, day) not in self._replaced:
            alike = [
                each for each in self._given.values() if each.briefing_id == one.briefing_id and each.tree == one.tree
            ]
            passed_on = (each for each in alike if any(self.reached(one, unit_id, day) for unit_id in each.passed))
            self._replaced[one, day] = tuple(passed_on)
        return self._replaced[one, day]

    def reached(self, one: Given, unit_id: int, day: date) -> bool:
        """Whether the unit stood where the assignment reaches."""
        return any(covers(*each, day) for each in self._held.get((one.tree, one.unit_id, unit_id), ()))


def covers(since: date, until: date | None, day: date) -> bool:
    """Whether a time from one day on and before another has that day in it."""
    return since <= day and (until is None or day < until)
