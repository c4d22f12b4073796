"""Reading what standings follow from: evidence about people, and the rows that say where they stand."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from courses.briefings.models import Attendance, BriefingSession, ReflectionResult, Standing
from courses.briefings.rules import Attended, Evidence
from courses.briefings.statements import Told
from courses.catalog.models import CourseVersion
from courses.catalog.queries import newest_versions
from courses.enrolment.models import Briefing
from courses.learning import queries as learning
from courses.learning.rules import NOT_BEGUN, Reached, Record, reached
from lms.accounts import queries as accounts
from lms.accounts.models import Person, PersonLink
from lms.db import config_of
from lms.doors import Row

MANY = 500
"""From so many people on it is quicker to read everybody."""

Links = Mapping[int, Sequence[int]]
"""Whose duplicates, by the id of the record that counts."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of people in one briefing, by the id of the record: everything but what was decided."""

    online: Mapping[int, Reached] = field(default_factory=dict)
    sittings: Mapping[int, Sequence[Attended]] = field(default_factory=dict)
    reflections: Mapping[int, tuple[datetime | None, datetime | None]] = field(default_factory=dict)
    links: Links = field(default_factory=dict)

    def evidence(self, person_id: int, *, leave: bool, opened_at: datetime) -> Evidence:
        """What is known of one record."""
        submitted_at, accepted_at = self.reflections.get(person_id, (None, None))
        online, sittings = self.online.get(person_id, NOT_BEGUN), self.sittings.get(person_id, ())
        return Evidence(online, sittings, submitted_at, accepted_at, leave, opened_at)


def known(session: Session, briefing: Briefing, person_ids: Collection[int] | None) -> Known:
    """What these people (None: all) and the records that are one person with them have done for the briefing."""
    few = person_ids is not None and len(person_ids) <= MANY
    links = by_kept(session.execute(accounts.links_of(person_ids or ()) if few else accounts.all_links()))
    if few:
        everybody = {*(person_ids or ()), *(other for others in links.values() for other in others)}
        wanted = [(one, briefing.course_id) for one in sorted(everybody)]
        records = learning.records(session, wanted)
    else:
        everybody, records = None, learning.all_records(session, briefing.course_id)
    return Known(
        online={person_id: reach(session, record) for (person_id, _), record in records.items()},
        sittings=sittings(session.execute(sittings_of(briefing, everybody))) if not briefing.plain else {},
        reflections=reflections(session, briefing, everybody) if not briefing.plain else {},
        links=links,
    )


def reach(session: Session, record: Record) -> Reached:
    """How far the record has come in the version of the course it belongs to."""
    edition = learning.edition(session, record.version_id)
    return reached(edition.outline, edition.settings, record)


def sittings_of(briefing: Briefing, person_ids: Collection[int] | None) -> Select[*tuple[Any, ...]]:
    """Person, kind of the sitting, state and moment, for each sitting of the briefing and person in it."""
    query = (
        select(Attendance.person_id, BriefingSession.kind, Attendance.state, Attendance.at)
        .join(BriefingSession, BriefingSession.id == Attendance.session_id)
        .where(BriefingSession.briefing_id == briefing.id)
        .order_by(Attendance.at, Attendance.session_id)
    )
    return query if person_ids is None else query.where(Attendance.person_id.in_(person_ids))


def sittings(rows: Iterable[SqlRow[*tuple[Any, ...]]]) -> dict[int, list[Attended]]:
    """Rows of `sittings_of` by person."""
    found: dict[int, list[Attended]] = {}
    for person_id, kind, state, at in rows:
        found.setdefault(person_id, []).append(Attended(kind == "make_up", state, at))
    return found


def sittings_from(session: Session, briefing: Briefing, rows: Mapping[Any, Row]) -> dict[int, list[Attended]]:
    """The same from rows of attendance that are expected, by `projection.Key`."""
    held = select(BriefingSession.id, BriefingSession.kind).where(BriefingSession.briefing_id == briefing.id)
    kinds = {session_id: kind for session_id, kind in session.execute(held)}  # noqa: C416 - rows are no pairs to mypy
    found: dict[int, list[tuple[datetime, int, Attended]]] = {}
    for (kind, session_id, person_id), row in rows.items():
        if kind == "attendance" and session_id in kinds:
            seen = Attended(kinds[session_id] == "make_up", row["state"], row["at"])
            found.setdefault(person_id, []).append((row["at"], session_id, seen))
    return {
        person_id: [seen for *_, seen in sorted(told, key=lambda one: one[:2])] for person_id, told in found.items()
    }


def reflections(
    session: Session, briefing: Briefing, person_ids: Collection[int] | None
) -> dict[int, tuple[datetime | None, datetime | None]]:
    """When reflections were handed in and accepted, by person."""
    table = ReflectionResult.__table__.c
    query = select(table.person_id, table.submitted_at, table.accepted_at).where(table.briefing_id == briefing.id)
    if person_ids is not None:
        query = query.where(table.person_id.in_(person_ids))
    return {person_id: (submitted_at, accepted_at) for person_id, submitted_at, accepted_at in session.execute(query)}


def by_kept(rows: Iterable[SqlRow[int, int]]) -> Links:
    """Links by the record that counts."""
    found: dict[int, list[int]] = {}
    for duplicate, person_id in rows:
        found.setdefault(person_id, []).append(duplicate)
    return found


def standings_of_people(
    person_ids: Collection[int], *, briefing_id: int | None = None, course_id: int | None = None
) -> Select[Standing, Briefing, str, str, bool]:
    """Where these people stand, or who stands for them: with the briefing, category, party, and whether records join.

    Locked until the transaction ends: whoever comes second sees what the first has written.
    """
    ids = list(person_ids)
    kept = accounts.all_links().with_only_columns(PersonLink.person_id).where(PersonLink.duplicate_id.in_(ids))
    joins = accounts.all_links().where(PersonLink.person_id == Standing.person_id).correlate(Standing).exists()
    query = (
        select(Standing, Briefing, Person.category, Person.party, joins)
        .join(Briefing, Briefing.id == Standing.briefing_id)
        .join(Person, Person.id == Standing.person_id)
        .where(or_(Standing.person_id.in_(ids), Standing.person_id.in_(kept)))
        .order_by(Standing.briefing_id, Standing.person_id)
        .with_for_update(of=Standing)
        .execution_options(populate_existing=True)
    )
    if briefing_id is not None:
        query = query.where(Standing.briefing_id == briefing_id)
    if course_id is not None:
        query = query.where(Briefing.course_id == course_id)
    return query


COLUMNS = tuple(column.name for column in Standing.__table__.columns if column.name not in {"briefing_id", "person_id"})


def row_of(one: Standing) -> dict[str, Any]:
    """The columns of a standing that follow from others."""
    return {name: getattr(one, name) for name in COLUMNS}


def actual_standings(session: Session, briefing_id: int, person_ids: tuple[int, ...] | None) -> dict[int, Row]:
    """Standings by person, as they stand."""
    table = Standing.__table__.c
    query = select(table.person_id, *(table[name] for name in COLUMNS)).where(table.briefing_id == briefing_id)
    few = person_ids is not None and len(person_ids) <= MANY
    if few and person_ids is not None:
        query = query.where(table.person_id.in_(person_ids))
    wanted = set(person_ids) if person_ids is not None else None
    return {
        row.person_id: {name: getattr(row, name) for name in COLUMNS}
        for row in session.execute(query)
        if wanted is None or row.person_id in wanted
    }


def titles_of(session: Session, briefings: Iterable[Briefing]) -> dict[int, tuple[str, str]]:
    """What briefings are called, in Vietnamese and English, by id: a plain one as its course is now."""
    known = list(briefings)
    plain = {one.course_id for one in known if one.plain}
    newest = newest_versions().with_only_columns(CourseVersion.course_id, CourseVersion.title, CourseVersion.title_en)
    rows = session.execute(newest.where(CourseVersion.course_id.in_(plain)).order_by(None)) if plain else ()
    courses = {course_id: (title, title_en) for course_id, title, title_en in rows}
    return {
        one.id: courses.get(one.course_id, (one.code, "")) if one.plain else (one.title, one.title_en) for one in known
    }


def told_of(session: Session, briefing: Briefing) -> Told:
    """What all sentences about this briefing have in common."""
    title, _english = titles_of(session, [briefing])[briefing.id]
    return Told(config_of(session).iri_base, briefing.code, title, briefing.policy_number)
