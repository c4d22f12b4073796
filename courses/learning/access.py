"""Obtaining a course or lesson for a learner: always in the version that this learner studies."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session, defer

from courses.catalog.models import Course, CourseVersion, Lesson
from courses.catalog.rules import Outline, OutlineLesson, OutlineModule, Settings
from courses.enrolment.models import Briefing
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.queries import (
    DONE,
    NOTHING_BEFORE,
    RESULT_COLUMNS,
    Edition,
    duties,
    edition,
    record_of,
    remember_known,
)
from courses.learning.rules import Result, registration_of
from lms import clock
from lms.db import lock_people
from lms.web.acting import Actor, NotFound

# Read at every click: built once, as in `queries`.
NEWEST = select(func.max(CourseVersion.number)).where(CourseVersion.course_id == Course.id).correlate(Course)
ANEW = (
    select(func.max(Briefing.opened_at))
    .where(Briefing.course_id == Course.id, NOTHING_BEFORE)
    .correlate(Course)
    .scalar_subquery()
)
STUDIED = (
    select(Course, CourseVersion.id, CourseVersion.number, CourseProgress, ANEW)
    .join(
        CourseVersion,
        and_(CourseVersion.course_id == Course.id, CourseVersion.number == NEWEST.scalar_subquery()),
    )
    .outerjoin(
        CourseProgress,
        and_(CourseProgress.course_id == Course.id, CourseProgress.person_id == bindparam("person")),
    )
    .order_by(Course.id)
)
"""Every published course with id and number of its newest version, with the person's progress in it, and since when
alone what was studied counts in some briefing on it."""
ONE_STUDIED = STUDIED.where(Course.code == bindparam("code"))
ONE_STUDIED_WITH_RESULTS = ONE_STUDIED.outerjoin(
    ActivityProgress,
    and_(ActivityProgress.course_id == Course.id, ActivityProgress.person_id == bindparam("person")),
).add_columns(DONE.activity_id, *(DONE[name] for name in RESULT_COLUMNS))
LESSON = (
    select(Lesson)
    .where(Lesson.module_version_id == bindparam("module_version"), Lesson.activity_id == bindparam("activity"))
    .options(defer(Lesson.body, raiseload=True))
)


@dataclass(frozen=True, slots=True)
class Study:
    """A learner and a course: the version that was begun, or the newest when none was.

    `newest` is the number of the newest version. `anew`: some briefing on the course, of whomever, counts nothing that
    was studied before then (`counts_since`).
    """

    course: Course
    version: Edition
    progress: CourseProgress | None
    registration: uuid.UUID
    newest: int
    anew: datetime | None = None

    @property
    def outline(self) -> Outline:
        """What the version contains, in order."""
        return self.version.outline

    @property
    def settings(self) -> Settings:
        """How the version is tested."""
        return self.version.settings


def access_course(session: Session, actor: Actor, code: str, *, to_change: bool = False) -> Study:
    """The course as this learner studies it. Every published course is open to all who are signed in.

    `to_change` takes the learner's lock first and reads what is known of the learner along with the course
    (`queries.known`): needed before `actions` are called.
    """
    named = {"person": actor.person_id, "code": code}
    if not to_change:
        row = session.execute(ONE_STUDIED, named).one_or_none()
        if row is None:
            raise NotFound
        return study_of(session, actor, *row)
    lock_people(session, [actor.person_id])
    rows = session.execute(ONE_STUDIED_WITH_RESULTS, named).all()
    if not rows:
        raise NotFound
    study = study_of(session, actor, *rows[0][:5])
    done = [(activity_id, values) for _, _, _, _, _, activity_id, *values in rows if activity_id is not None]
    results = {activity_id: Result(*values) for activity_id, values in done}
    remember_known(session, actor.person_id, study.course.id, record_of(study.progress, results))
    return study


def access_courses(session: Session, actor: Actor) -> list[Study]:
    """All courses as this learner studies them, in the order in which they were added."""
    rows = session.execute(STUDIED, {"person": actor.person_id}).all()
    return [study_of(session, actor, *row) for row in rows]


def study_of(
    session: Session,
    actor: Actor,
    course: Course,
    newest_id: int,
    newest: int,
    progress: CourseProgress | None,
    anew: datetime | None,
) -> Study:
    """A row of `queries.STUDIED` as a value."""
    version = edition(session, progress.course_version_id if progress is not None else newest_id)
    return Study(course, version, progress, registration_of(actor.public_id, course.iri), newest, anew)


def counts_since(session: Session, actor: Actor, study: Study) -> datetime | None:
    """From when on alone what this learner studies online counts; None where all of it does.

    Of whoever has begun since, nothing is asked.
    """
    if study.anew is None or study.progress is None or study.progress.started_at >= study.anew:
        return None
    duty = duties(session, actor.person_id, on=clock.today()).get(study.course.id)
    return duty.anew if duty is not None else None


def access_lesson_place(study: Study, lesson_code: str) -> tuple[OutlineModule, OutlineLesson]:
    """Where a lesson stands in the learner's version, without reading its text. Raises `NotFound`."""
    try:
        module = study.outline.module_of(lesson_code)
    except KeyError:
        raise NotFound from None
    return module, next(one for one in module.lessons if one.code == lesson_code)


def access_lesson(session: Session, study: Study, lesson_code: str) -> tuple[OutlineModule, Lesson]:
    """The page of a lesson of the learner's version, without its Markdown. Raises `NotFound`."""
    module, place = access_lesson_place(study, lesson_code)
    lesson = session.scalar(LESSON, {"module_version": module.module_version_id, "activity": place.activity_id})
    if lesson is None:
        raise NotFound
    return module, lesson
