"""Reading progress, and the versions it is measured by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, cast

from flask_babel import lazy_gettext as _l
from sqlalchemy import Integer, Row, Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from courses.catalog.models import Activity, Course, CourseVersion, ModuleVersion
from courses.catalog.queries import NEWEST_TITLES, activity_titles
from courses.catalog.rules import Outline, Register, Settings, outline_of, register_of, settings_of
from courses.enrolment.models import Assignment, Briefing, RollDecision
from courses.enrolment.projection import begun
from courses.enrolment.queries import on_the_roll
from courses.enrolment.rules import Decided, due_moment
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.rules import Record, Result
from lms.accounts import queries as accounts
from lms.accounts.models import Person, PersonLink
from lms.clock import day_of
from lms.db import UtcDateTime, recalled, remember, remembered
from lms.doors import OwnData
from lms.organisation.models import Unit
from lms.xapi.models import XapiActivity, XapiAgent, XapiStatement
from lms.xapi.rules import own_account

NEVER = datetime.max.replace(tzinfo=UTC)
RESULT_COLUMNS = Result.__struct_fields__
BEGUN = CourseProgress.__table__.c
DONE = ActivityProgress.__table__.c

# Read at every click of every learner: columns of the tables, not mapped objects, in statements that are built once.
BEGINNING = (
    *(BEGUN.person_id, BEGUN.course_id),
    *(BEGUN.course_version_id, BEGUN.registration, BEGUN.started_at, BEGUN.concluded_at),
)
RESULT = DONE.activity_id, *(DONE[name] for name in RESULT_COLUMNS)
ALL_BEGUN: Select[*tuple[Any, ...]] = select(*BEGINNING)
ALL_RESULTS: Select[*tuple[Any, ...]] = select(DONE.person_id, DONE.course_id, *RESULT)
ALL_JOINED = select(*BEGINNING, *RESULT).select_from(
    CourseProgress.__table__.outerjoin(
        ActivityProgress.__table__, and_(DONE.person_id == BEGUN.person_id, DONE.course_id == BEGUN.course_id)
    )
)
JOINED = ALL_JOINED.where(
    BEGUN.course_id == bindparam("course"), BEGUN.person_id.in_(bindparam("people", expanding=True))
)
RESULTS = select(*RESULT).where(DONE.person_id == bindparam("person"))
HOLDING = (
    PersonLink.person_id.in_(bindparam("people", expanding=True)),
    PersonLink.same,
    PersonLink.undone_at.is_(None),
)
EACH = select(Person.id).where(Person.id.in_(bindparam("people", expanding=True)))
WITH_LINKED = (
    ALL_JOINED.outerjoin(PersonLink, and_(PersonLink.duplicate_id == BEGUN.person_id, *HOLDING))
    .add_columns(func.coalesce(PersonLink.person_id, BEGUN.person_id).label("counted"))
    .where(BEGUN.person_id.in_(EACH.union_all(select(PersonLink.duplicate_id).where(*HOLDING))))
)
"""What these people have done, and what stands in the records that count by theirs (decision 0022)."""
NOTHING_BEFORE = Briefing.policy["counts_before"].as_boolean().is_(False)
"""Whether a briefing has it that nothing counts which was studied online before it was opened."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A version of a course as a value, with its decoded documents."""

    id: int
    number: int
    title: str
    title_en: str
    summary: str
    summary_en: str
    intro_html: str
    published_at: datetime
    outline: Outline
    settings: Settings
    register: Register


@dataclass(frozen=True, slots=True)
class Place:
    """What an IRI of ours stands for: a course, or one of its activities."""

    course_id: int
    activity_id: int | None


def records(session: Session, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Record]:
    """The records of (person, course) pairs that have begun, with one query a course."""
    found: dict[tuple[int, int], Record] = {}
    by_course: dict[int, set[int]] = {}
    for person_id, course_id in pairs:
        by_course.setdefault(course_id, set()).add(person_id)
    for course_id, people in by_course.items():
        gather(found, session.execute(JOINED, {"course": course_id, "people": list(people)}))
    return found


def records_with_linked(
    session: Session, person_ids: Sequence[int], course_id: int | None = None
) -> dict[tuple[int, int], dict[int, Record]]:
    """The records of these people by person and course, each by the id of whose it is: their own, and those that count
    by theirs. In one course, or in all; one statement.
    """
    query = WITH_LINKED if course_id is None else WITH_LINKED.where(BEGUN.course_id == course_id)
    rows = session.execute(query, {"people": list(person_ids)}).all()
    records_found: dict[tuple[int, int], Record] = {}
    gather(records_found, (row[:-1] for row in rows))
    counted = {row[0]: row[-1] for row in rows}
    found: dict[tuple[int, int], dict[int, Record]] = {}
    for (own, course), record in records_found.items():
        found.setdefault((counted[own], course), {})[own] = record
    return found


def record_of(progress: CourseProgress | None, results: dict[int, Result]) -> Record | None:
    """A person's record from its rows; None when the course has not been begun."""
    if progress is None:
        return None
    return Record(
        progress.course_version_id, progress.registration, progress.started_at, progress.concluded_at, results
    )


def remember_known(session: Session, person_id: int, course_id: int, record: Record | None) -> None:
    """What was just read under the person's lock: it spares the next `known` its query."""
    session.info.setdefault("known", {})[person_id, course_id] = record


def known(session: Session, person_id: int, course_id: int) -> Record | None:
    """What is known of a person in a course; whoever asks holds the person's lock.

    What was read along with the course serves once: the next one asks again, after what has been done since.
    """
    memo: dict[tuple[int, int], Record | None] = session.info.get("known", {})
    key = (person_id, course_id)
    return memo.pop(key) if key in memo else records(session, [key]).get(key)


def all_records(session: Session, course_id: int | None = None) -> dict[tuple[int, int], Record]:
    """Every record, or every record of one course. Two statements: joined, each result would bring its record along."""
    begun, done = ALL_BEGUN, ALL_RESULTS
    if course_id is not None:
        begun, done = begun.where(BEGUN.course_id == course_id), done.where(DONE.course_id == course_id)
    results: dict[tuple[int, int], dict[int, Result]] = {}
    found: dict[tuple[int, int], Record] = {}
    for person_id, of_course, version_id, registration, started_at, concluded_at in session.execute(begun):
        key = (person_id, of_course)
        results[key] = {}
        found[key] = Record(version_id, registration, started_at, concluded_at, results[key])
    for person_id, of_course, activity_id, *values in session.execute(done):
        own = results.get((person_id, of_course))
        if own is not None:
            own[activity_id] = Result(*values)
    return found


def gather(found: dict[tuple[int, int], Record], rows: Iterable[Row[*tuple[Any, ...]] | tuple[Any, ...]]) -> None:
    """Add joined rows to the records they belong to."""
    results: dict[tuple[int, int], dict[int, Result]] = {}
    for person_id, course_id, version_id, registration, started_at, concluded_at, activity_id, *values in rows:
        key = (person_id, course_id)
        if key not in results:
            results[key] = {}
            found[key] = Record(version_id, registration, started_at, concluded_at, results[key])
        if activity_id is not None:
            results[key][activity_id] = Result(*values)


EDITION = "edition"


def editions(session: Session, course_id: int) -> list[Edition]:
    """All versions of a course, oldest first."""
    versions = session.scalars(
        select(CourseVersion).where(CourseVersion.course_id == course_id).order_by(CourseVersion.number)
    )
    found = [recalled(session, EDITION, version.id) or decoded(version) for version in versions]
    for one in found:
        remember(session, EDITION, one.id, one)
    return found


def edition(session: Session, version_id: int) -> Edition:
    """One version, decoded; versions never change, so it is remembered."""
    found = remembered(
        session, EDITION, [version_id], lambda ids: {ids[0]: decoded(session.get_one(CourseVersion, ids[0]))}
    )
    return cast(Edition, found[version_id])


def decoded(version: CourseVersion) -> Edition:
    return Edition(
        id=version.id,
        number=version.number,
        title=version.title,
        title_en=version.title_en,
        summary=version.summary,
        summary_en=version.summary_en,
        intro_html=version.intro_html,
        published_at=version.published_at,
        outline=outline_of(version.outline),
        settings=settings_of(version.settings),
        register=register_of(version.register),
    )


def people_by_account(session: Session, accounts: Iterable[str]) -> Mapping[str, int]:
    """The ids of our people by the account names that statements carry. Names that are not ours are left out."""

    def find(names: list[Any]) -> dict[Any, Any]:
        ours = [public_id for name in names if (public_id := own_account(name)) is not None]
        rows = session.execute(select(Person.public_id, Person.id).where(Person.public_id.in_(ours)))
        return {str(public_id): person_id for public_id, person_id in rows}

    return remembered(session, "account", accounts, find)


def accounts_told_by_clients(session: Session, course_id: int) -> list[str]:
    """The account names of those about whom other systems have stated something of the course that counts."""
    course = select(Course.iri).where(Course.id == course_id).scalar_subquery()
    told = (
        select(XapiStatement.actor_id)
        .join(XapiActivity, XapiActivity.id == XapiStatement.activity_id)
        .where(
            XapiStatement.client_id.is_not(None),
            XapiStatement.counts,
            ~XapiStatement.voided,
            or_(XapiActivity.iri == course, XapiActivity.iri.startswith(course + "/")),
        )
    )
    agents = session.scalars(select(XapiAgent.identifier).where(XapiAgent.id.in_(told)))
    return [agent["account"]["name"] for agent in agents if "account" in agent]


def places(session: Session, iris: Iterable[str]) -> Mapping[str, Place]:
    """What the IRIs stand for; those that are none of our courses are left out."""

    def find(missing: list[Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = {
            iri: Place(course_id, activity_id)
            for iri, course_id, activity_id in session.execute(
                select(Activity.iri, Activity.course_id, Activity.id).where(Activity.iri.in_(missing))
            )
        }
        if len(found) < len(missing):
            courses = select(Course.iri, Course.id).where(Course.iri.in_(missing))
            found |= {iri: Place(course_id, None) for iri, course_id in session.execute(courses)}
        return found

    return remembered(session, "place", iris, find)


def results(session: Session, person_id: int) -> dict[int, Result]:
    """What the person's statements say of each lesson and test, over all courses."""
    return {activity_id: Result(*values) for activity_id, *values in session.execute(RESULTS, {"person": person_id})}


def activities_with_results(person_id: int) -> Select[Activity]:
    """The lessons and tests of which the person's statements say something."""
    return (
        select(Activity)
        .join(ActivityProgress, ActivityProgress.activity_id == Activity.id)
        .where(ActivityProgress.person_id == person_id)
        .order_by(Activity.id)
    )


@dataclass(frozen=True, slots=True)
class Duty:
    """A course was given to the person, through this unit, to be finished by then (None: at no set time).

    `briefed`: by a briefing of its own, in which the person stands somewhere. `judged`: by a policy that somebody set,
    which may ask for another pass mark than the course. `anew`: what was studied online before then does not count.
    """

    due_at: datetime | None
    unit: str
    briefed: bool = False
    judged: bool = False
    anew: datetime | None = None


def duties(session: Session, person_id: int, *, on: date) -> dict[int, Duty]:
    """What the person must study that day, by course; not what the person is exempt from.

    Of several briefings on one course the due date that comes next holds, and when all have passed, the last.
    """
    found: dict[int, list[Duty]] = {}
    rows = session.execute(duties_on(on), {"person": person_id}).all()
    days_from = begun(session, rows, {}, on=on)
    for row in rows:
        since = days_from.get((row.briefing_id, person_id), row.since)
        due_at = due_moment(row.due_at, row.due_days, since, Decided(due_at=row.decided_due))
        found.setdefault(row.course_id, []).append(Duty(due_at, row.unit, not row.plain, row.judged, row.anew))
    return {course_id: next_due(known, on) for course_id, known in found.items()}


def next_due(known: Sequence[Duty], on: date) -> Duty:
    """The duty whose due date comes next (when all have passed, that was due last), with what holds for any of them."""
    coming = [one for one in known if one.due_at is None or day_of(one.due_at) >= on]
    found = (min if coming else max)(coming or known, key=lambda one: one.due_at or NEVER)
    anew = max((one.anew for one in known if one.anew is not None), default=None)
    return replace(found, briefed=any(one.briefed for one in known), judged=any(one.judged for one in known), anew=anew)


@lru_cache(maxsize=2)
def duties_on(day: date) -> Select[*tuple[Any, ...]]:
    """The statement of `duties`, built once a day."""
    held = on_the_roll(None, on=day, person_ids=select(bindparam("person", type_=Integer))).subquery()
    others = accounts.all_links().with_only_columns(PersonLink.duplicate_id)
    decided = and_(
        RollDecision.briefing_id == held.c.briefing_id,
        or_(
            RollDecision.person_id == held.c.person_id,
            RollDecision.person_id.in_(others.where(PersonLink.person_id == held.c.person_id).correlate(held)),
        ),
        RollDecision.revoked_at.is_(None),
    )
    return (
        select(
            Assignment.course_id,
            Briefing.plain,
            *(held.c[name] for name in ("briefing_id", "person_id", "assignment_id")),
            or_(~Briefing.plain, Briefing.policy_number > 1).label("judged"),
            held.c.due_at,
            held.c.due_days,
            held.c.assigned_at,
            held.c.since,
            func.max(RollDecision.due_at, type_=UtcDateTime).label("decided_due"),
            func.max(case((NOTHING_BEFORE, Briefing.opened_at)), type_=UtcDateTime).label("anew"),
            Unit.name.label("unit"),
        )
        .select_from(held)
        .join(Assignment, held.c.assignment_id == Assignment.id)
        .join(Briefing, Briefing.id == Assignment.briefing_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(RollDecision, decided)
        .group_by(*held.c, Assignment.course_id, Briefing.plain, Briefing.policy_number, Unit.name)
        .having(func.coalesce(func.sum(case((RollDecision.kind == "exempt", 1), else_=0)), 0) == 0)
    )


@dataclass(frozen=True, slots=True)
class Preface:
    """What stands before the lessons of a module."""

    objectives: list[str]
    intro_html: str


def prefaces(session: Session, outline: Outline) -> dict[int, Preface]:
    """The prefaces of the modules of a course, by module version; such versions never change, so remembered."""

    def find(missing: list[Any]) -> dict[Any, Any]:
        versions = session.scalars(select(ModuleVersion).where(ModuleVersion.id.in_(missing)))
        return {one.id: Preface(one.objectives, one.intro_html) for one in versions}

    return remembered(session, "preface", [module.module_version_id for module in outline.modules], find)


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """The courses a person has begun, and the lessons and tests that are done."""
    begun = session.execute(
        select(CourseVersion.title, CourseVersion.number, CourseProgress.started_at, CourseProgress.concluded_at)
        .join(CourseVersion, CourseVersion.id == CourseProgress.course_version_id)
        .where(CourseProgress.person_id == person_id)
        .order_by(CourseProgress.started_at)
    )
    columns = {
        "title": _l("Khóa học"),
        "version": _l("Phiên bản"),
        "started": _l("Bắt đầu lúc"),
        "ended": _l("Hoàn thành lúc"),
    }
    yield OwnData("courses", _l("Khóa học"), columns, [list(row) for row in begun])
    titles, own = activity_titles(session), ActivityProgress
    done = session.execute(
        select(NEWEST_TITLES.c.title, Activity, own.completed_at, own.attempts, own.best_score, own.passed_at)
        .join(Activity, Activity.id == own.activity_id)
        .join(NEWEST_TITLES, NEWEST_TITLES.c.course_id == own.course_id)
        .where(own.person_id == person_id)
        .order_by(Activity.id)
    )
    columns = {
        "course": _l("Khóa học"),
        "activity": _l("Bài"),
        "completed": _l("Hoàn thành lúc"),
        "attempts": _l("Số lượt"),
        "best": _l("Điểm cao nhất"),
        "passed": _l("Đạt lúc"),
    }
    told = [[title, titles.get(one.id, one.code), *rest] for title, one, *rest in done]
    yield OwnData("results", _l("Kết quả từng bài"), columns, told)
