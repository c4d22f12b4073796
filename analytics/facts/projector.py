"""Tallies follow from standings: each change adds to one unit and takes from another."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from analytics.facts.models import Tally
from analytics.facts.rules import COUNTS, NEVER_DUE, counted
from courses.briefings.projector import StandingProjection, StandingsChanged
from lms.doors import Expected, Row

Key = tuple[int, int, datetime]


def project_tally(session: Session, event: StandingsChanged) -> None:
    """Add all changes up, then write each tally that changed once, in one order for all writers."""
    sums: dict[Key, Counter[str]] = {}
    for change in event.changes:
        for row, sign in ((change.before, -1), (change.after, 1)):
            if row is not None:
                tally = sums.setdefault(key_of(change.briefing_id, row), Counter())
                for name, number in counted(row).items():
                    tally[name] += sign * number
    rows = [row_of(key, tally) for key, tally in sorted(sums.items()) if any(tally.values())]
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    add = dialect.insert(Tally)
    table = Tally.__table__.c
    session.execute(
        add.on_conflict_do_update(
            index_elements=["briefing_id", "unit_id", "due_at"],
            set_={name: table[name] + add.excluded[name] for name in COUNTS},
        ),
        rows,
    )


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


class TallyProjection:
    """All tallies, counted anew from the standings that are expected."""

    name = "tallies"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By briefing, unit and due date."""
        sums: dict[Key, Counter[str]] = {}
        for (briefing_id, _person_id), row in below[StandingProjection.name].items():
            sums.setdefault(key_of(briefing_id, row), Counter()).update(counted(row))
        return {key: row_of(key, tally) for key, tally in sums.items()}

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By briefing, unit and due date. A tally that counts nobody any more says the same as none."""
        something = or_(*(Tally.__table__.c[name] != 0 for name in COUNTS))
        return {
            (one.briefing_id, one.unit_id, one.due_at): row_of(
                (one.briefing_id, one.unit_id, one.due_at), {name: getattr(one, name) for name in COUNTS}
            )
            for one in session.scalars(select(Tally).where(something))
        }

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty the table and write what is expected."""
        session.execute(delete(Tally))
        if expected:
            session.execute(insert(Tally), [dict(row) for row in expected.values()])
