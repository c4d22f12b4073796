"""Which of several assignments of a briefing holds for a person, and by when it is due. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from lms.clock import day_of, end_of_day


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


def due_moment(
    due_at: datetime | None, due_days: int | None, assigned_at: datetime, since: date, decided: Decided
) -> datetime | None:
    """When it is due for somebody who came to the unit on the day `since`: as assigned, or as decided; None: never.

    A due date relative to the assignment counts from the assignment, or from the day on which the person came. Of both
    the later holds: whoever was given more time does not have less than all others, once these have been given more.
    """
    if due_days is not None:
        due_at = end_of_day(max(day_of(assigned_at), since) + timedelta(days=due_days))
    return max((one for one in (due_at, decided.due_at) if one is not None), default=None)
