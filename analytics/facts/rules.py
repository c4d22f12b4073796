"""People counted by where they stand, as values that can be added. Pure."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Count:
    """So many people must study; so many have begun, been briefed, completed; so many are late.

    `people` is A, `briefed` B, `completed` C. Each includes the next; `overdue` are those of A without C whose due date
    has passed.
    """

    people: int = 0
    started: int = 0
    briefed: int = 0
    completed: int = 0
    overdue: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.people + other.people,
            self.started + other.started,
            self.briefed + other.briefed,
            self.completed + other.completed,
            self.overdue + other.overdue,
        )

    @property
    def not_briefed(self) -> int:
        """Must be briefed and are not yet."""
        return self.people - self.briefed

    @property
    def not_completed(self) -> int:
        """Have something left to do."""
        return self.people - self.completed

    @property
    def by_state(self) -> dict[str, int]:
        """The people by the state of their standing: each is in one of the four."""
        return {
            "not_started": self.people - self.started,
            "in_progress": self.started - self.briefed,
            "briefed": self.briefed - self.completed,
            "completed": self.completed,
        }


@dataclass(frozen=True, slots=True)
class Branch:
    """A unit directly below the one looked at with everything below it, or (`itself`) the one looked at alone.

    `open`: there is a page of it for whoever looks.
    """

    public_id: uuid.UUID
    code: str
    name: str
    short_name: str
    itself: bool
    count: Count
    next_due: datetime | None
    last_due: datetime | None
    open: bool = True


@dataclass(frozen=True, slots=True)
class UnitsBelow:
    """Of the units at any depth below: how many have people who must study, all briefed, or nobody who has begun."""

    concerned: int = 0
    briefed: int = 0
    not_begun: int = 0


def total(branches: Iterable[Branch]) -> Count:
    """Everybody in the branches. A parent is the sum of its children's people, never a mean of their rates."""
    return sum((branch.count for branch in branches), Count())


def due_date(branches: Iterable[Branch]) -> datetime | None:
    """The next due date to come, or the last one when all have passed; None when nothing is assigned."""
    known = list(branches)
    coming = [branch.next_due for branch in known if branch.next_due is not None]
    passed = [branch.last_due for branch in known if branch.last_due is not None]
    return min(coming) if coming else max(passed, default=None)
