"""The only clock. Everything stored is UTC and aware; days are those of Vietnam."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Vietnam keeps one offset all year, so no time zone database is needed."""


_moved: ContextVar[datetime | None] = ContextVar("moved", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _moved.get() or datetime.now(UTC)


def true_now() -> datetime:
    """The present moment, also while history is being written: `stored` never lies."""
    return datetime.now(UTC)


@contextmanager
def moved_to(moment: datetime) -> Iterator[None]:
    """Let this be the present for the block: so that history (demo data) is written by the actions of every day.

    No request and no client can reach it.
    """
    token = _moved.set(moment)
    try:
        yield
    finally:
        _moved.reset(token)


def today() -> date:
    """The calendar day in Vietnam: memberships, units and due dates change with it."""
    return now().astimezone(VIETNAM).date()


def in_vietnam(moment: datetime) -> datetime:
    """An aware moment on the clocks of Vietnam; the last hours of the year 9999, which have no name there, in UTC."""
    try:
        return moment.astimezone(VIETNAM)
    except OverflowError:
        return moment.astimezone(UTC)


def day_of(moment: datetime) -> date:
    """The calendar day in Vietnam on which an aware moment falls."""
    return in_vietnam(moment).date()


def start_of_day(day: date) -> datetime:
    """The first moment of a day in Vietnam, as an aware UTC moment."""
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """The last second of a day in Vietnam, as an aware UTC moment: a due date is due then."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=VIETNAM).astimezone(UTC)
