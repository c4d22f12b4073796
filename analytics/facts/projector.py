"""Tallies follow from standings: each change adds to one unit and takes from another."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from analytics.facts.models import Tally
from courses.briefings.projector import StandingProjection, StandingsChanged
from lms.doors import Expected, Row

COUNTS = ("people", "started", "briefed", "completed")
Key = tuple[int, int, int]


def counted(state: str | None) -> Counter[str]:
    """What a person in this state adds to the tally of a unit. Completed includes briefed, briefed includes started."""
    if state is None:
        return Counter()
    reached = {"not_started": 0, "in_progress": 1, "briefed": 2, "completed": 3}[state]
    return Counter(COUNTS[: reached + 1])


def project_tally(session: Session, event: StandingsChanged) -> None:
    """Add all changes up, then write each tally that changed once, in one order for all writers."""
    sums: dict[Key, Counter[str]] = {}
    for change in event.changes:
        tally = sums.setdefault((change.course_id, change.unit_id, change.assignment_id), Counter())
        tally.update(counted(change.after))
        tally.subtract(counted(change.before))
    rows = [row_of(key, tally) for key, tally in sorted(sums.items()) if any(tally.values())]
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    add = dialect.insert(Tally)
    table = Tally.__table__.c
    session.execute(
        add.on_conflict_do_update(
            index_elements=["course_id", "unit_id", "assignment_id"],
            set_={name: table[name] + add.excluded[name] for name in COUNTS},
        ),
        rows,
    )


def row_of(key: Key, tally: Mapping[str, int]) -> dict[str, int]:
    course_id, unit_id, assignment_id = key
    return {
        "course_id": course_id,
        "unit_id": unit_id,
        "assignment_id": assignment_id,
        **{name: tally.get(name, 0) for name in COUNTS},
    }


class TallyProjection:
    """All tallies, counted anew from the standings that are expected."""

    name = "tallies"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By course, unit and assignment."""
        sums: dict[Key, Counter[str]] = {}
        for (course_id, _person_id), row in below[StandingProjection.name].items():
            sums.setdefault((course_id, row["unit_id"], row["assignment_id"]), Counter()).update(counted(row["state"]))
        return {key: row_of(key, tally) for key, tally in sums.items()}

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By course, unit and assignment. A tally that counts nobody any more says the same as none."""
        something = or_(*(Tally.__table__.c[name] != 0 for name in COUNTS))
        return {
            (one.course_id, one.unit_id, one.assignment_id): row_of(
                (one.course_id, one.unit_id, one.assignment_id), {name: getattr(one, name) for name in COUNTS}
            )
            for one in session.scalars(select(Tally).where(something))
        }

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty the table and write what is expected."""
        session.execute(delete(Tally))
        if expected:
            session.execute(insert(Tally), [dict(row) for row in expected.values()])
