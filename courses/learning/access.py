"""Obtaining a course or lesson for a learner: always in the version that this learner studies."""

import uuid
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, defer

from courses.catalog.models import Course, Lesson
from courses.catalog.rules import Outline, OutlineLesson, OutlineModule, Settings
from courses.learning.models import CourseProgress
from courses.learning.queries import STUDIED, Edition, edition
from courses.learning.rules import registration_of
from lms.db import person_lock
from lms.web.acting import Actor, NotFound

# Read at every click: built once, as in `queries`.
ONE_STUDIED = STUDIED.where(Course.code == bindparam("code"))
LESSON = (
    select(Lesson)
    .where(Lesson.module_version_id == bindparam("module_version"), Lesson.activity_id == bindparam("activity"))
    .options(defer(Lesson.body, raiseload=True))
)


@dataclass(frozen=True, slots=True)
class Study:
    """A learner and a course: the version that was begun, or the newest when none was.

    `newest` is the number of the newest version.
    """

    course: Course
    version: Edition
    progress: CourseProgress | None
    registration: uuid.UUID
    newest: int

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

    `to_change` takes the learner's lock with the same query: needed before `actions` are called.
    """
    query = ONE_STUDIED.add_columns(*person_lock(session, actor.person_id)) if to_change else ONE_STUDIED
    row = session.execute(query, {"person": actor.person_id, "code": code}).one_or_none()
    if row is None:
        raise NotFound
    return study_of(session, actor, *row[:4])


def access_courses(session: Session, actor: Actor) -> list[Study]:
    """All courses as this learner studies them, in the order in which they were added."""
    rows = session.execute(STUDIED, {"person": actor.person_id}).all()
    return [study_of(session, actor, *row) for row in rows]


def study_of(
    session: Session, actor: Actor, course: Course, newest_id: int, newest: int, progress: CourseProgress | None
) -> Study:
    """A row of `queries.STUDIED` as a value."""
    version = edition(session, progress.course_version_id if progress is not None else newest_id)
    return Study(course, version, progress, registration_of(actor.public_id, course.iri), newest)


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
