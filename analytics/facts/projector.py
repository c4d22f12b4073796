"""Tallies follow from standings: each change adds to one unit and takes from another. So do the days of a unit."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from analytics.facts.models import Tally, TallyDay
from analytics.facts.rules import COUNTED, COUNTED_AT, COUNTS, DAYS, NEVER_DUE, counted, days
from courses.briefings.projector import StandingProjection, StandingsChanged, alike
from lms.db import Base
from lms.doors import Expected, Row

Key = tuple[int, int, datetime]
DayKey = tuple[int, int, date]


def project_tally(session: Session, event: StandingsChanged) -> None:
    """Add all changes up, then write each tally and day that changed once, in one order for all writers."""
    sums: dict[Key, Counter[str]] = {}
    days_of: dict[DayKey, Counter[str]] = {}
    for change in event.changes:
        for row, sign in ((change.before, -1), (change.after, 1)):
            if row is not None:
                add(sums.setdefault(key_of(change.briefing_id, row), Counter()), counted(row), sign)
                for key, name in day_keys(change.briefing_id, row):
                    days_of.setdefault(key, Counter())[name] += sign
    rows = [row_of(key, tally) for key, tally in sorted(sums.items()) if any(tally.values())]
    add_rows(session, Tally, rows, ("briefing_id", "unit_id", "due_at"), COUNTS)
    rows = [day_row(key, found) for key, found in sorted(days_of.items()) if any(found.values())]
    add_rows(session, TallyDay, rows, ("briefing_id", "unit_id", "day"), DAYS)


def add(sums: Counter[str], found: Mapping[str, int], times: int) -> None:
    for name, number in found.items():
        sums[name] += times * number


def add_rows(
    session: Session, model: type[Base], rows: list[dict[str, Any]], key: tuple[str, ...], names: tuple[str, ...]
) -> None:
    """Add to what stands under each key, or begin it."""
    if rows:
        session.execute(adding(model, session.get_bind().dialect.name, key, names), rows)


@cache
def adding(
    model: type[Base], dialect: str, key: tuple[str, ...], names: tuple[str, ...]
) -> postgresql.Insert | sqlite.Insert:
    """The statement for `add_rows`: made once, since making it costs more than sending it."""
    table = model.__table__
    new = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    sums = {name: table.c[name] + new.excluded[name] for name in names}
    ready: postgresql.Insert | sqlite.Insert = new.on_conflict_do_update(index_elements=list(key), set_=sums)
    return ready


KEY_COLUMNS = ("unit_id", "due_at")
"""The columns of a standing that `key_of` reads."""


def key_of(briefing_id: int, row: Row) -> Key:
    """The tally in which a standing is counted."""
    return briefing_id, row["unit_id"], row["due_at"] or NEVER_DUE


def row_of(key: Key, tally: Mapping[str, int]) -> dict[str, Any]:
    briefing_id, unit_id, due_at = key
    return {
        "briefing_id": briefing_id,
        "unit_id": unit_id,
        "due_at": due_at,
        **{name: tally.get(name, 0) for name in COUNTS},
    }


def day_keys(briefing_id: int, row: Row) -> Iterator[tuple[DayKey, str]]:
    """The days in which a standing is counted, and as what."""
    for day, name in days(row):
        yield (briefing_id, row["unit_id"], day), name


def day_row(key: DayKey, found: Mapping[str, int]) -> dict[str, Any]:
    briefing_id, unit_id, day = key
    return {"briefing_id": briefing_id, "unit_id": unit_id, "day": day, **{name: found.get(name, 0) for name in DAYS}}


class TallyProjection:
    """All tallies, counted anew from the standings that are expected."""

    name = "tallies"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By briefing, unit and due date."""
        sums: dict[Key, Counter[str]] = defaultdict(Counter)
        for briefing_id, row, number in alike(below[StandingProjection.name], (*KEY_COLUMNS, *COUNTED), COUNTED_AT):
            add(sums[key_of(briefing_id, row)], counted(row), number)
        return {key: row_of(key, tally) for key, tally in sums.items()}

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By briefing, unit and due date. A tally that counts nobody any more says the same as none."""
        columns = Tally.__table__.c
        something = or_(*(columns[name] != 0 for name in COUNTS))
        rows = session.execute(select(*columns).where(something))
        return {(row.briefing_id, row.unit_id, row.due_at): dict(row._mapping) for row in rows}

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty the table and write what is expected."""
        session.execute(delete(Tally))
        if expected:
            session.execute(insert(Tally), [dict(row) for row in expected.values()])


class TallyDayProjection:
    """The days of all units, counted anew from the standings that are expected."""

    name = "days"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By briefing, unit and day."""
        sums: dict[DayKey, Counter[str]] = defaultdict(Counter)
        for (briefing_id, _person_id), row in below[StandingProjection.name].items():
            for key, name in day_keys(briefing_id, row):
                sums[key][name] += 1
        return {key: day_row(key, found) for key, found in sums.items()}

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By briefing, unit and day. A day on which nothing happened says the same as none."""
        columns = TallyDay.__table__.c
        something = or_(*(columns[name] != 0 for name in DAYS))
        rows = session.execute(select(*columns).where(something))
        return {(row.briefing_id, row.unit_id, row.day): dict(row._mapping) for row in rows}

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty the table and write what is expected."""
        session.execute(delete(TallyDay))
        if expected:
            session.execute(insert(TallyDay), [dict(row) for row in expected.values()])
