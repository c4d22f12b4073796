"""The only clock. Everything stored is UTC and aware; days are those of Vietnam."""

from datetime import UTC, date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Vietnam keeps one offset all year, so no time zone database is needed."""


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The calendar day in Vietnam: memberships, units and due dates change with it."""
    return now().astimezone(VIETNAM).date()


def day_of(moment: datetime) -> date:
    """The calendar day in Vietnam on which an aware moment falls."""
    return moment.astimezone(VIETNAM).date()


def end_of_day(day: date) -> datetime:
    """The last second of a day in Vietnam, as an aware UTC moment: a due date is due then."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=VIETNAM).astimezone(UTC)
