"""Reading briefings, what standings follow from, and the rows that say where people stand."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row as SqlRow
from sqlalchemy import Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from courses.briefings.models import Attendance, BriefingSession, FrozenRoll, ReflectionResult, Standing
from courses.briefings.rehearsal import Rehearsal, Wanted, rehearsed
from courses.briefings.rules import (
    COLUMNS,
    MEMBERS,
    TOLD_OF,
    Attended,
    Evidence,
    Line,
    Policy,
    Short,
    distance,
    joined,
    policy_of,
    row_of_line,
    short,
    stand,
)
from courses.briefings.statements import Told
from courses.catalog.models import Course, CourseVersion
from courses.catalog.queries import NEWEST_TITLES, newest_versions
from courses.enrolment import queries as enrolment
from courses.enrolment.models import Briefing, RollDecision
from courses.enrolment.queries import OnRoll, called
from courses.learning import queries as learning
from courses.learning.rules import NOT_BEGUN, Reached, Record, reached
from lms.accounts import queries as accounts
from lms.accounts.models import Person, PersonLink
from lms.clock import VIETNAM, day_of
from lms.db import config_of, remembered
from lms.doors import OwnData, Row

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

    def together(self, person_id: int, *, leave: bool, opened_at: datetime) -> Evidence:
        """What is known of a person, in all records that are one with this one."""
        own, others = self.evidence(person_id, leave=leave, opened_at=opened_at), self.links.get(person_id)
        if not others:
            return own
        return joined([own, *(self.evidence(one, leave=leave, opened_at=opened_at) for one in others)])


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


def known_alone(session: Session, rows: Sequence[SqlRow[*tuple[Any, ...]]], attended: Mapping[Any, Row]) -> Known:
    """What is known of people in one briefing whose standings these are (`STANDINGS_IN_BRIEFING`), each with one record
    alone, and of whom all rows of attendance are at hand. One query.
    """
    briefing: Briefing = rows[0][1]
    records = learning.records(session, [(row.person_id, briefing.course_id) for row, *_ in rows])
    online = {person_id: reach(session, record) for (person_id, _), record in records.items()}
    if briefing.plain:
        return Known(online=online)
    reflections = {row.person_id: (submitted_at, accepted_at) for row, *_, submitted_at, accepted_at in rows}
    return Known(online=online, sittings=sittings_from(session, briefing, attended), reflections=reflections)


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
    held = sittings_held(session, {session_id for name, session_id, _person in rows if name == "attendance"})
    found: dict[int, list[tuple[datetime, int, Attended]]] = {}
    for (name, session_id, person_id), row in rows.items():
        briefing_id, kind = held.get(session_id, (None, "")) if name == "attendance" else (None, "")
        if briefing_id == briefing.id:
            seen = Attended(kind == "make_up", row["state"], row["at"])
            found.setdefault(person_id, []).append((row["at"], session_id, seen))
    return {
        person_id: [seen for *_, seen in sorted(told, key=lambda one: one[:2])] for person_id, told in found.items()
    }


def sittings_held(session: Session, ids: Iterable[int]) -> Mapping[int, tuple[int, str]]:
    """The briefing and the kind of these sittings; both are for good, so they are remembered."""

    def find(missing: list[Any]) -> dict[Any, Any]:
        columns = select(BriefingSession.id, BriefingSession.briefing_id, BriefingSession.kind)
        rows = session.execute(columns.where(BriefingSession.id.in_(missing)))
        return {session_id: (briefing_id, kind) for session_id, briefing_id, kind in rows}

    return remembered(session, "sitting", ids, find)


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


def line_of(
    briefing: Briefing, policy: Policy, person_id: int, category: str, party: str, place: Line, known: Known
) -> Line:
    """A standing: of somebody on the roll, which says the values of `ROLL_COLUMNS`, of whom this is known."""
    *_, leave = place
    seen = known.together(person_id, leave=leave, opened_at=briefing.opened_at)
    return (*place, party in MEMBERS, *TOLD_OF(stand(policy, category, seen)))


def lines_of(briefing: Briefing, roll: Iterable[OnRoll], known: Known, policy: Policy | None = None) -> dict[int, Line]:
    """Standings by person: of everyone on this roll, of whom this is known, under its policy or this one."""
    policy = policy or policy_of(briefing.policy)
    found: dict[int, Line] = {}
    for one in roll:
        place = (one.unit_id, one.assignment_id, one.due_at, one.decided.exempt, one.decided.leave)
        found[one.person_id] = line_of(briefing, policy, one.person_id, one.category, one.party, place, known)
    return found


def standings_of(
    briefing: Briefing, roll: Iterable[OnRoll], known: Known, policy: Policy | None = None
) -> dict[int, Row]:
    """The same as rows."""
    return {person_id: row_of_line(line) for person_id, line in lines_of(briefing, roll, known, policy).items()}


def rehearsal(session: Session, briefing: Briefing, wanted: Wanted, *, now: datetime) -> Rehearsal:
    """What another policy and other due dates would change: all on the roll are judged anew, nothing is written."""
    roll = enrolment.roll(session, briefing.id, on=day_of(now), dues=wanted.dues)
    after = standings_of(briefing, roll, known(session, briefing, None), wanted.policy)
    before = actual_standings(session, briefing.id, None)
    return rehearsed(wanted, briefing.policy_number, before, after, now=now)


def on_roll_of(briefing: Briefing) -> Select[int]:
    """The ids of everybody on the roll of the briefing."""
    return select(Standing.person_id).where(Standing.briefing_id == briefing.id)


def standings_of_people(person_ids: Collection[int], *, course_id: int) -> Select[Standing, Briefing, str, str, bool]:
    """Where these people stand on a course, or who stands for them: with the briefing, category, party, and whether
    records join.

    Locked until the transaction ends: whoever comes second sees what the first has written.
    """
    return locked_standings(list(person_ids)).where(Briefing.course_id == course_id)


def locked_standings(people: Any) -> Select[Standing, Briefing, str, str, bool]:
    """What `standings_of_people` asks, of people by their ids or by a parameter for these."""
    links = accounts.all_links()
    kept = links.with_only_columns(PersonLink.person_id).where(PersonLink.duplicate_id.in_(people))
    joins = links.where(PersonLink.person_id == Standing.person_id).correlate(Standing).exists()
    return (
        select(Standing, Briefing, Person.category, Person.party, joins)
        .join(Briefing, Briefing.id == Standing.briefing_id)
        .join(Person, Person.id == Standing.person_id)
        .where(or_(Standing.person_id.in_(people), Standing.person_id.in_(kept)))
        .order_by(Standing.briefing_id, Standing.person_id)
        .with_for_update(of=Standing)
        .execution_options(populate_existing=True)
    )


def in_briefing() -> Select[Standing, Briefing, str, str, bool, datetime | None, datetime | None]:
    """The same in one briefing with the moments of each one's own reflection, by named parameters."""
    own = and_(ReflectionResult.briefing_id == Standing.briefing_id, ReflectionResult.person_id == Standing.person_id)
    return (
        locked_standings(bindparam("people", expanding=True))
        .add_columns(ReflectionResult.submitted_at, ReflectionResult.accepted_at)
        .outerjoin(ReflectionResult, own)
        .where(Standing.briefing_id == bindparam("briefing"))
    )


STANDINGS_IN_BRIEFING = in_briefing()
"""Composed once: every entry at a meeting point asks it."""


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
        person_id: row_of_line(tuple(values))
        for person_id, *values in session.execute(query)
        if wanted is None or person_id in wanted
    }


@dataclass(frozen=True, slots=True)
class Placed:
    """Somebody on the roll of a briefing, and the name of the unit where the person is counted in it."""

    standing: Standing
    briefing: Briefing
    person: Person
    unit: str


def record_of(session: Session, public_id: uuid.UUID) -> int | None:
    """The id of a person nobody has erased."""
    return session.scalar(select(Person.id).where(Person.public_id == public_id, Person.erased_at.is_(None)))


def decision_about(public_id: uuid.UUID) -> Select[RollDecision, uuid.UUID, str]:
    """A decision with the public id of the person and the code of the briefing."""
    return (
        select(RollDecision, Person.public_id, Briefing.code)
        .join(Person, Person.id == RollDecision.person_id)
        .join(Briefing, Briefing.id == RollDecision.briefing_id)
        .where(RollDecision.public_id == public_id)
    )


def evidence_about(session: Session, placed: Placed) -> tuple[Evidence, list[int]]:
    """What is known of somebody on a roll, and the ids of all records that are this person."""
    one = placed.standing
    found = known(session, placed.briefing, [one.person_id])
    seen = found.together(one.person_id, leave=one.leave, opened_at=placed.briefing.opened_at)
    return seen, [one.person_id, *found.links.get(one.person_id, ())]


def short_of(session: Session, placed: Placed, policy: Policy) -> list[Short]:
    """The required tests by which somebody falls short of the mark, of the record by which the person stands online.

    None where it is not known of each test whether it counts.
    """
    own, course_id = placed.standing.person_id, placed.briefing.course_id
    records = learning.records_with_linked(session, [own], course_id).get((own, course_id), {})
    record = records.get(furthest_record(session, records, own))
    if record is None or (not policy.counts_before and placed.standing.score is None):
        return []
    edition = learning.edition(session, record.version_id)
    return short(edition.outline, edition.settings, record, policy.of(placed.person.category).pass_mark)


def furthest_record(session: Session, records: Mapping[int, Record], own: int) -> int:
    """Whose record it is by which a person stands online, of several by the id of whose they are.

    `own` unless another's has come further (decision 0022).
    """
    come = {one: reach(session, record) for one, record in records.items()}
    come.setdefault(own, NOT_BEGUN)
    return min(come, key=lambda one: (distance(come[one]), one != own))


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """Where the person stands in each briefing, as heads see it, and by which record."""
    rows = session.execute(
        select(Course.id, called().label("briefing"), Standing.state, Standing.briefed_at, Standing.completed_at)
        .select_from(Standing)
        .join(Briefing, Briefing.id == Standing.briefing_id)
        .join(Course, Course.id == Briefing.course_id)
        .where(Standing.person_id == person_id)
        .order_by(Briefing.id)
    ).all()
    known = learning.records_with_linked(session, [person_id]) if rows else {}
    counts = [furthest_record(session, known.get((person_id, row.id), {}), person_id) for row in rows]
    by = dict(session.execute(select(Person.id, Person.public_id).where(Person.id.in_(counts))).all()) if rows else {}
    columns = {
        "briefing": _l("Đợt học tập, quán triệt"),
        "standing": _l("Được tính là"),
        "briefed": _l("Quán triệt lúc"),
        "completed": _l("Hoàn thành lúc"),
        "record": _l("Theo hồ sơ (mã trong bản ghi học tập)"),
    }
    told = [[row.briefing, row.state, row.briefed_at, row.completed_at] for row in rows]
    yield OwnData(
        "standings",
        _l("Kết quả được tính"),
        columns,
        [[*one, str(by[own])] for one, own in zip(told, counts, strict=True)],
    )


def titles_of(session: Session, briefings: Iterable[Briefing]) -> dict[int, tuple[str, str]]:
    """What briefings are called, in Vietnamese and English, by id: a plain one as its course is now."""
    known = list(briefings)
    plain = {one.course_id for one in known if one.plain}
    courses: dict[int, tuple[str, str]] = {}
    if plain:
        newest = newest_versions().with_only_columns(
            CourseVersion.course_id, CourseVersion.title, CourseVersion.title_en
        )
        rows = session.execute(newest.where(CourseVersion.course_id.in_(plain)).order_by(None))
        courses = {course_id: (title, title_en) for course_id, title, title_en in rows}
    return {
        one.id: courses.get(one.course_id, (one.code, "")) if one.plain else (one.title, one.title_en) for one in known
    }


def told_of(session: Session, briefing: Briefing) -> Told:
    """What all sentences about this briefing have in common."""
    title, _english = titles_of(session, [briefing])[briefing.id]
    return Told(config_of(session).iri_base, briefing.code, title, briefing.policy_number)


def rolls_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """Of which briefing frozen rolls are and of which moment, by their opaque ids (`called` in lms/doors.py)."""
    query = (
        select(FrozenRoll.public_id, enrolment.TITLE, FrozenRoll.frozen_at)
        .join(Briefing, Briefing.id == FrozenRoll.briefing_id)
        .outerjoin(NEWEST_TITLES, enrolment.OF_COURSE)
        .where(FrozenRoll.public_id.in_([uuid.UUID(one) for one in ids]))
    )
    rows = session.execute(query)
    return {str(own): f"{title}, {at.astimezone(VIETNAM):%H:%M, %d/%m/%Y}" for own, title, at in rows}
