"""Counting attempts, each in one statement: whoever comes at the same moment waits for the row and is counted too."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from lms import clock
from lms.throttle.models import ThrottleCounter
from lms.throttle.rules import FORGOTTEN_AFTER, WINDOWS, Budget, window_of


def digest(text: str) -> bytes:
    """What is kept of a key: neither user names nor addresses can be read from the table."""
    return hashlib.sha256(text.encode()).digest()


def key_of(budget: Budget) -> bytes:
    """The row of a budget."""
    return digest(f"{budget.kind} {budget.value}")


def refused_until(session: Session, budget: Budget) -> datetime | None:
    """Count one attempt. None: it may be evaluated; otherwise the moment before which none is.

    A window that was filled is followed by one twice as long: delays grow while somebody keeps guessing.
    """
    now = clock.now()
    started, attempts, strikes = session.execute(counting(session, budget, now)).one()
    return None if attempts <= budget.limit else started + window_of(strikes)


def waiting_until(session: Session, budget: Budget) -> datetime | None:
    """The moment before which nothing under this key is evaluated, or None; without counting an attempt."""
    return tried(session, budget).until


@dataclass(frozen=True, slots=True)
class Tried:
    """Whether attempts are counted under a key, and the moment before which nothing is evaluated."""

    counted: bool
    until: datetime | None


def tried(session: Session, budget: Budget) -> Tried:
    """What stands under this key; without counting an attempt. Where nothing is counted, nothing need be forgiven."""
    found = session.execute(COUNTED, {"key": key_of(budget)}).one_or_none()
    if found is None:
        return Tried(counted=False, until=None)
    over = found.window_start + window_of(found.strikes) if found.attempts >= budget.limit else None
    return Tried(counted=True, until=over if over is not None and over > clock.now() else None)


COUNTED = select(ThrottleCounter.window_start, ThrottleCounter.attempts, ThrottleCounter.strikes).where(
    ThrottleCounter.key == bindparam("key")
)


def counting(session: Session, budget: Budget, now: datetime) -> ReturningInsert[Any]:
    """The statement that makes the row or adds to it."""
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(ThrottleCounter)
    row, last = ThrottleCounter, len(WINDOWS) - 1
    over = or_(
        *(
            and_(row.strikes == strikes if strikes < last else row.strikes >= last, row.window_start <= now - window)
            for strikes, window in enumerate(WINDOWS)
        )
    )
    filled = and_(row.attempts >= budget.limit, row.window_start > now - FORGOTTEN_AFTER)
    values = insert.values(
        key=key_of(budget),
        window_start=now,
        attempts=1,
        strikes=0,
        subject=digest(budget.subject) if budget.subject else None,
    )
    counted: ReturningInsert[Any] = values.on_conflict_do_update(
        index_elements=[row.key],
        set_={
            "window_start": case((over, now), else_=row.window_start),
            "attempts": case((over, 1), else_=row.attempts + 1),
            "strikes": case((and_(over, filled), row.strikes + 1), (over, 0), else_=row.strikes),
        },
    ).returning(row.window_start, row.attempts, row.strikes)
    return counted


def take_back(session: Session, budget: Budget) -> None:
    """Take one attempt back: it was a good one, as most are that come from one office's address."""
    session.execute(
        update(ThrottleCounter)
        .where(ThrottleCounter.key == key_of(budget), ThrottleCounter.attempts > 0)
        .values(attempts=ThrottleCounter.attempts - 1)
    )


def forgive(session: Session, budget: Budget) -> None:
    """Forget what was counted under this key: the right answer was given."""
    session.execute(delete(ThrottleCounter).where(ThrottleCounter.key == key_of(budget)))


def forgive_all(session: Session, subject: str) -> None:
    """Forget everything that was counted about a subject: an administrator lets the person try again."""
    session.execute(delete(ThrottleCounter).where(ThrottleCounter.subject == digest(subject)))


def attempts_about(subject: str) -> ScalarSelect[int]:
    """How many attempts stand against a subject, in its fullest row."""
    return (
        select(func.coalesce(func.max(ThrottleCounter.attempts), 0))
        .where(ThrottleCounter.subject == digest(subject))
        .scalar_subquery()
    )


def forget_old(session: Session, now: datetime) -> None:
    """Remove what no longer counts; a duty of the night."""
    session.execute(
        delete(ThrottleCounter)
        .where(ThrottleCounter.window_start < now - FORGOTTEN_AFTER)
        .execution_options(synchronize_session=False)
    )
