"""Reading progress, and the versions it is measured by."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, and_, select
from sqlalchemy.orm import Session

from courses.catalog.models import Activity, Course, CourseVersion
from courses.catalog.rules import Outline, Settings, outline_of, settings_of
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.rules import Record, Result
from lms.accounts.models import Person
from lms.db import remembered

RESULT_COLUMNS = tuple(field.name for field in fields(Result))


@dataclass(frozen=True, slots=True)
class Edition:
    """A version of a course with its decoded documents."""

    id: int
    number: int
    published_at: datetime
    outline: Outline
    settings: Settings


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
        rows = session.execute(
            select(CourseProgress, ActivityProgress)
            .outerjoin(
                ActivityProgress,
                and_(
                    ActivityProgress.person_id == CourseProgress.person_id,
                    ActivityProgress.course_id == CourseProgress.course_id,
                ),
            )
            .where(CourseProgress.course_id == course_id, CourseProgress.person_id.in_(people))
            .execution_options(populate_existing=True)
        )
        gather(found, rows.all())
    return found


def all_records(session: Session, course_id: int | None = None) -> dict[tuple[int, int], Record]:
    """Every record, or every record of one course."""
    begun = select(CourseProgress)
    results = select(ActivityProgress)
    if course_id is not None:
        begun = begun.where(CourseProgress.course_id == course_id)
        results = results.where(ActivityProgress.course_id == course_id)
    found: dict[tuple[int, int], Record] = {}
    mutable: dict[tuple[int, int], dict[int, Result]] = {}
    for one in session.scalars(begun):
        key = (one.person_id, one.course_id)
        mutable[key] = {}
        found[key] = Record(one.course_version_id, one.registration, one.started_at, one.concluded_at, mutable[key])
    for row in session.scalars(results):
        if (row.person_id, row.course_id) in mutable:
            mutable[row.person_id, row.course_id][row.activity_id] = result_of(row)
    return found


def gather(found: dict[tuple[int, int], Record], rows: Iterable[Row[CourseProgress, ActivityProgress | None]]) -> None:
    """Add joined rows to the records they belong to."""
    results: dict[tuple[int, int], dict[int, Result]] = {}
    for begun, row in rows:
        key = (begun.person_id, begun.course_id)
        mine = results.setdefault(key, {})
        if row is not None:
            mine[row.activity_id] = result_of(row)
        found[key] = Record(begun.course_version_id, begun.registration, begun.started_at, begun.concluded_at, mine)


def result_of(row: ActivityProgress) -> Result:
    """The row as a value."""
    return Result(**{name: getattr(row, name) for name in RESULT_COLUMNS})


def editions(session: Session, course_id: int) -> list[Edition]:
    """All versions of a course, oldest first."""
    versions = session.scalars(
        select(CourseVersion).where(CourseVersion.course_id == course_id).order_by(CourseVersion.number)
    )
    return [decoded(version) for version in versions]


def edition(session: Session, version_id: int) -> Edition:
    """One version, decoded; versions never change, so it is remembered."""
    found = remembered(
        session, "edition", [version_id], lambda ids: {ids[0]: decoded(session.get_one(CourseVersion, ids[0]))}
    )
    return cast(Edition, found[version_id])


def decoded(version: CourseVersion) -> Edition:
    return Edition(
        version.id, version.number, version.published_at, outline_of(version.outline), settings_of(version.settings)
    )


def people_by_account(session: Session, accounts: Iterable[str]) -> Mapping[str, int]:
    """The ids of our people by the account names that statements carry. Names that are not ours are left out."""

    def find(names: list[Any]) -> dict[Any, Any]:
        ours = {public_id: name for name in names if (public_id := parsed(name)) is not None}
        rows = session.execute(select(Person.public_id, Person.id).where(Person.public_id.in_(ours)))
        return {ours[public_id]: person_id for public_id, person_id in rows}

    return remembered(session, "account", accounts, find)


def parsed(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None


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
