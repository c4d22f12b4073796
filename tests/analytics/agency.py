"""Agencies with people at every stage of a course, for tests of figures.

Progress is put in as rows, standings and tallies follow from it by the product's own projections: thousands of people
cost a second. `tests/analytics/test_names.py` walks the whole way from a click.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from courses.briefings.projector import settle_briefing
from courses.catalog.models import Course
from courses.enrolment.actions import assign
from courses.enrolment.models import Briefing
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.queries import editions
from lms import clock, text
from lms.accounts.models import Membership, Person
from lms.organisation.models import STATE_TREE, Unit
from tests.library_course import load_small_course
from tests.make import LONG_AGO, Make

FORTNIGHT = timedelta(days=14)


@dataclass(frozen=True)
class Staff:
    """So many people of a unit who have completed, been briefed only, begun only, and not begun."""

    completed: int = 0
    briefed: int = 0
    begun: int = 0
    not_begun: int = 0

    @property
    def people(self) -> int:
        return self.completed + self.briefed + self.begun + self.not_begun


def course_loaded(make: Make, folder: Path) -> int:
    """The small course; its id."""
    code = load_small_course(make, folder)
    with make.reading() as session:
        return session.scalars(select(Course.id).where(Course.code == code)).one()


def assigned(make: Make, course_id: int, unit: Unit, *, due_in: timedelta = FORTNIGHT) -> None:
    """Give the course to the unit."""
    with make.writing() as session:
        course, top = session.get_one(Course, course_id), session.get_one(Unit, unit.id)
        assign(session, course, top, due_at=clock.now() + due_in)


def staffed(make: Make, course_id: int, unit: Unit, staff: Staff, *, names: Sequence[str] = ()) -> list[int]:
    """Put people into the unit, the most advanced first, and let figures follow. Their ids, in that order."""
    with make.writing() as session:
        ids = hired(session, unit, staff.people, names)
        done, briefed, begun = staff.completed, staff.completed + staff.briefed, staff.people - staff.not_begun
        studied(session, course_id, ids[:done], lessons=4, tests=2)
        studied(session, course_id, ids[done:briefed], lessons=4, tests=1)
        studied(session, course_id, ids[briefed:begun], lessons=1, tests=0)
        for briefing_id in session.scalars(select(Briefing.id).where(Briefing.course_id == course_id)).all():
            settle_briefing(session, briefing_id)
    return ids


def hired(session: Session, unit: Unit, number: int, names: Sequence[str] = (), *, since: date = LONG_AGO) -> list[int]:
    """People counted in the unit, without accounts."""
    if not number:
        return []
    shown = [text.nfc(names[i]) if i < len(names) else f"Nguyễn Văn {i}" for i in range(number)]
    rows = [
        {
            "public_id": uuid.uuid4(),
            "full_name": name,
            "sort_key": text.person_sort_key(name),
            "search_key": text.fold(name),
            "position": "Chuyên viên",
            "created_at": clock.now(),
        }
        for name in shown
    ]
    ids = list(session.scalars(insert(Person).returning(Person.id, sort_by_parameter_order=True), rows))
    belong = {"unit_id": unit.id, "tree": STATE_TREE, "kind": "main", "valid_from": since}
    session.execute(insert(Membership), [{"person_id": one, **belong} for one in ids])
    return ids


def studied(session: Session, course_id: int, people: Sequence[int], *, lessons: int, tests: int) -> None:
    """Progress of these people in the newest version: the first `lessons` lessons and the first `tests` tests."""
    if not people:
        return
    version, now = editions(session, course_id)[-1], clock.now()
    begun = {"course_id": course_id, "course_version_id": version.id, "started_at": now}
    session.execute(insert(CourseProgress), [{"person_id": one, **begun} for one in people])
    outline = version.outline
    read = [{"activity_id": one.activity_id, "completed_at": now} for one in outline.lessons()[:lessons]]
    passed = [passed_test(one.activity_id, now) for one in outline.required_tests()[:tests]]
    for results in (read, passed):
        rows = [{"person_id": one, "course_id": course_id, **result} for one in people for result in results]
        if rows:
            session.execute(insert(ActivityProgress), rows)


def passed_test(activity_id: int, at: datetime) -> dict[str, object]:
    """A test passed at the first attempt with all points."""
    scores = {"first_score": 1.0, "last_score": 1.0, "best_score": 1.0, "attempts": 1}
    return {"activity_id": activity_id, "passed_at": at, "first_at": at, "last_at": at, **scores}
