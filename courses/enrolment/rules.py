"""Which of several assignments of a course holds for a person. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


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
