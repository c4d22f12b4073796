"""What statements about meeting points amount to at each point: kept in a table, and read again from the start."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from courses.briefings.projection import STATES, Heard, below_briefings, heard_of
from courses.learning.projector import upsert
from courses.meetings.models import PointSighting
from lms.db import config_of
from lms.doors import Expected, Row
from lms.xapi import vocabulary
from lms.xapi.projection import recorded_below

Key = tuple[int, int]
"""Point and person."""

SEEN = PointSighting.__table__


def folded(home: str, heard: Iterable[Heard]) -> dict[Key, Row]:
    """Rows from statements in the order in which they were stored; those about reflections are left out."""
    verbs = {vocabulary.verb_iri(home, verb): states for verb, states in STATES.items()}
    rows: dict[Key, Row] = {}
    for one in heard:
        states = verbs.get(one.one.verb)
        if one.spot.point_id is not None and states is not None:
            said = one.one.response
            rows[one.spot.point_id, one.person_id] = {
                "point_id": one.spot.point_id,
                "person_id": one.person_id,
                "state": said if said in states else states[0],
                "at": one.one.timestamp,
                "statement_id": one.one.statement_id,
            }
    return rows


def rows_of(session: Session, people: Iterable[int] | None = None) -> dict[Key, Row]:
    """The rows as they stand, of these people alone or (None) of all."""
    query = select(SEEN)
    if people is not None:
        query = query.where(SEEN.c.person_id.in_(set(people)))
    return {(row.point_id, row.person_id): dict(row._mapping) for row in session.execute(query)}


def write(session: Session, rows: Mapping[Key, Row]) -> None:
    """Insert rows, or bring those that stand already to these values."""
    upsert(session, PointSighting, [dict(row) for _key, row in sorted(rows.items())], ("point_id", "person_id"))


class SightingProjection:
    """The table, computed anew from every statement about a point that counts."""

    name = "sightings"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By point and person."""
        home = config_of(session).iri_base
        return folded(home, heard_of(session, recorded_below(session, below_briefings(home))))

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """The table as it stands."""
        return rows_of(session)

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty the table and write what is expected."""
        session.execute(delete(PointSighting))
        if expected:
            session.execute(insert(PointSighting), [dict(row) for row in expected.values()])
