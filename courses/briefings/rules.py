"""The policy of "briefed", as data with a readable sentence, and a person's standing under it. Pure.

Đã quán triệt (B): attended, made up, or completed the lessons. Hoàn thành (C): B, and the required tests passed.
Policy 1 knows one way of being briefed, studying online.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from courses.learning.rules import Reached


@dataclass(frozen=True, slots=True)
class Policy:
    """What must have happened. `number` is its version: an assignment names the one it is judged by."""

    number: int
    briefed_by_lessons: bool
    completed_by_tests: bool


POLICIES = {1: Policy(1, briefed_by_lessons=True, completed_by_tests=True)}


NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stand:
    """A person's standing: `state` and since when."""

    state: str
    started_at: datetime | None
    briefed_at: datetime | None
    completed_at: datetime | None


def stand(policy: Policy, come: Reached) -> Stand:
    """Where somebody stands who has come so far."""
    briefed = come.lessons_at if policy.briefed_by_lessons else None
    tested = come.tests_at if policy.completed_by_tests else briefed
    completed = max(briefed, tested) if briefed and tested else None
    if completed:
        state = "completed"
    elif briefed:
        state = "briefed"
    else:
        state = "in_progress" if come.started_at else "not_started"
    return Stand(state, come.started_at, briefed, completed)


REACHED = ("not_started", "in_progress", "briefed", "completed")


def rank(one: Stand) -> tuple[int, datetime, datetime, datetime]:
    """What is least for whoever has come furthest, and among those that stand alike got there first."""
    moments = (one.completed_at or NEVER, one.briefed_at or NEVER, one.started_at or NEVER)
    return -REACHED.index(one.state), *moments


def furthest(stands: Iterable[Stand]) -> Stand:
    """The standing of somebody of whom there are several records: that of the record that has come furthest.

    Among those that stand alike, the one that got there first; begun since the first of all.
    """
    known = list(stands)
    best = min(known, key=rank)
    begun = [one.started_at for one in known if one.started_at is not None]
    return replace(best, started_at=min(begun, default=None))


def days_overdue(due_at: datetime, now: datetime) -> int:
    """Whole days since the due date; 0 while it has not passed, 1 on the first day after."""
    return 0 if now <= due_at else (now - due_at) // timedelta(days=1) + 1
