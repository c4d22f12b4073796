"""What statements about meeting points and reflections amount to: kept in two tables, and read again from the start."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Select, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from courses.briefings.models import Attendance, BriefingSession, MeetingPoint, ReflectionResult
from courses.enrolment.models import Briefing
from courses.learning.projector import upsert
from courses.learning.queries import people_by_account
from lms.db import config_of, remembered
from lms.doors import Expected, Row
from lms.xapi import vocabulary
from lms.xapi.projection import Recorded, recorded_below

CODE = r"[^/?#]+"
PLACE = re.compile(rf"/({CODE})/(?:sessions/({CODE})/points/({CODE})|reflection)")
STATES = {vocabulary.ATTENDED: ("present", "late", "left_early"), vocabulary.ABSENT: ("unexcused", "excused")}
"""What may be said of somebody at a point, by verb; who says nothing more has said the first."""

JUDGED = {vocabulary.SUBMITTED: "submitted", vocabulary.PASSED: "accepted", vocabulary.FAILED: "returned"}
"""What may be said of a reflection, by verb."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What an IRI below a briefing stands for: a point of a sitting, or (None) the reflection of the briefing."""

    briefing_id: int
    session_id: int | None
    point_id: int | None


@dataclass(frozen=True, slots=True)
class Handed:
    """What statements say of a person's reflection. One that is handed in anew is judged anew."""

    submitted_at: datetime | None = None
    accepted_at: datetime | None = None

    def after(self, said: str, at: datetime) -> "Handed":
        """With one more statement. What has been accepted stays accepted until it is returned."""
        if said == "submitted":
            return replace(self, submitted_at=at)
        if said == "returned":
            return replace(self, accepted_at=None)
        return replace(self, accepted_at=at if self.accepted_at is None else self.accepted_at)


@dataclass(frozen=True, slots=True)
class Heard:
    """A statement about one of our people at a spot of ours."""

    person_id: int
    spot: Spot
    one: Recorded


Key = tuple[str, int, int]
"""attendance with the ids of sitting and person, or reflection with those of briefing and person."""


def below_briefings(home: str) -> str:
    """How the IRIs of everything below a briefing begin."""
    return f"{home}/xapi/briefings/"


def heard_of(session: Session, statements: Iterable[Recorded]) -> list[Heard]:
    """Those statements that are about our people and our briefings, in order. Costs nothing when there are none."""
    start = below_briefings(config_of(session).iri_base)
    ours = [one for one in statements if one.activity.startswith(start)]
    if not ours:
        return []
    people = people_by_account(session, [one.account for one in ours])
    spots = spots_of(session, [one.activity for one in ours])
    return [
        Heard(people[one.account], spots[one.activity], one)
        for one in ours
        if one.account in people and one.activity in spots
    ]


def spots_of(session: Session, iris: Iterable[str]) -> Mapping[str, Spot]:
    """What the IRIs stand for; those that are none of our points and reflections are left out."""
    start = len(below_briefings(config_of(session).iri_base)) - 1

    def find(missing: list[Any]) -> dict[Any, Any]:
        wanted = {iri: found.groups() for iri in missing if (found := PLACE.fullmatch(iri, start)) is not None}
        codes = {code for code, _, _ in wanted.values()}
        rows = session.execute(select(Briefing.code, Briefing.id).where(Briefing.code.in_(codes)))
        briefings = dict(rows.all())
        points = {
            (code, sitting, point): Spot(briefing_id, session_id, point_id)
            for code, sitting, point, briefing_id, session_id, point_id in session.execute(
                select(
                    Briefing.code,
                    BriefingSession.code,
                    MeetingPoint.code,
                    Briefing.id,
                    BriefingSession.id,
                    MeetingPoint.id,
                )
                .join(BriefingSession, BriefingSession.briefing_id == Briefing.id)
                .join(MeetingPoint, MeetingPoint.session_id == BriefingSession.id)
                .where(Briefing.code.in_(codes), MeetingPoint.code.in_({point for _, _, point in wanted.values()}))
            )
        }
        spots: dict[Any, Any] = {}
        for iri, (code, sitting, point) in wanted.items():
            if sitting is None and code in briefings:
                spots[iri] = Spot(briefings[code], None, None)
            elif (code, sitting, point) in points:
                spots[iri] = points[code, sitting, point]
        return spots

    return cast(Mapping[str, Spot], remembered(session, "spot", iris, find))


def folded(home: str, heard: Iterable[Heard], rows: dict[Key, Row]) -> None:
    """Fold statements, in the order in which they were stored, into rows of both tables by key."""
    verbs = {vocabulary.verb_iri(home, verb): verb for verb in (*STATES, *JUDGED)}
    for one in heard:
        verb = verbs.get(one.one.verb)
        if one.spot.session_id is not None and verb in STATES:
            key: Key = ("attendance", one.spot.session_id, one.person_id)
            rows[key] = attendance_row(one, STATES[verb])
        elif one.spot.session_id is None and verb in JUDGED:
            key = ("reflection", one.spot.briefing_id, one.person_id)
            before = rows.get(key, {})
            known = Handed(before.get("submitted_at"), before.get("accepted_at"))
            known = known.after(JUDGED[verb], one.one.timestamp)
            rows[key] = {
                "briefing_id": one.spot.briefing_id,
                "person_id": one.person_id,
                "submitted_at": known.submitted_at,
                "accepted_at": known.accepted_at,
            }


def attendance_row(one: Heard, states: tuple[str, ...]) -> Row:
    said = one.one.response
    return {
        "session_id": one.spot.session_id,
        "person_id": one.person_id,
        "point_id": one.spot.point_id,
        "state": said if said in states else states[0],
        "at": one.one.timestamp,
        "statement_id": one.one.statement_id,
    }


TABLES: Mapping[str, tuple[type[Attendance] | type[ReflectionResult], tuple[str, ...]]] = {
    "attendance": (Attendance, ("session_id", "person_id")),
    "reflection": (ReflectionResult, ("briefing_id", "person_id")),
}


def rows_of(
    session: Session, people: Iterable[int] | None = None, *, names: Iterable[str] = tuple(TABLES)
) -> dict[Key, Row]:
    """The rows of both tables (or those named) as they stand, of these people alone or (None) of all."""
    found: dict[Key, Row] = {}
    few = people is not None
    values = {"people": list(set(people))} if people is not None else {}
    for name in names:
        first = TABLES[name][1][0]
        for row in session.execute(reading(name, few=few), values):
            found[name, getattr(row, first), row.person_id] = dict(row._mapping)
    return found


@cache
def reading(name: str, *, few: bool) -> Select[*tuple[Any, ...]]:
    """The statement of `rows_of`, made once."""
    table = TABLES[name][0].__table__
    query = select(table)
    return query.where(table.c.person_id.in_(bindparam("people", expanding=True))) if few else query


def names_heard(heard: Iterable[Heard]) -> set[str]:
    """The tables that these statements are about."""
    return {"attendance" if one.spot.session_id is not None else "reflection" for one in heard}


def write(session: Session, rows: Mapping[Key, Row]) -> None:
    """Insert rows, or bring those that stand already to these values."""
    for name, (model, key) in TABLES.items():
        new = [dict(row) for (kind, *_), row in sorted(rows.items()) if kind == name]
        upsert(session, model, new, key)


class BriefingRecordProjection:
    """Both tables, computed anew from every statement about a briefing that counts."""

    name = "briefing records"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By `Key`."""
        home = config_of(session).iri_base
        rows: dict[Key, Row] = {}
        folded(home, heard_of(session, recorded_below(session, below_briefings(home))), rows)
        return rows

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """The tables as they stand."""
        return rows_of(session)

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty both tables and write what is expected."""
        for name, (model, _key) in TABLES.items():
            session.execute(delete(model))
            if rows := [dict(row) for (kind, *_), row in expected.items() if kind == name]:
                session.execute(insert(model), rows)


def own_ids(heard: Iterable[Heard]) -> dict[int, set[int]]:
    """The people concerned, by briefing."""
    found: dict[int, set[int]] = {}
    for one in heard:
        found.setdefault(one.spot.briefing_id, set()).add(one.person_id)
    return found
