"""Obtaining a course or lesson for a learner: always in the version that this learner studies."""

import uuid
from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from courses.catalog.models import Course, CourseVersion, Lesson
from courses.catalog.rules import Outline, OutlineLesson, OutlineModule, Settings
from courses.learning.models import CourseProgress
from courses.learning.queries import decoded
from courses.learning.rules import registration_of
from lms.db import person_lock
from lms.web.acting import Actor, NotFound


@dataclass(frozen=True, slots=True)
class Study:
    """A learner and a course: the version that was begun, or the newest when none was."""

    course: Course
    version: CourseVersion
    outline: Outline
    settings: Settings
    progress: CourseProgress | None
    registration: uuid.UUID


def access_course(session: Session, actor: Actor, code: str, *, to_change: bool = False) -> Study:
    """The course as this learner studies it. Every published course is open to all who are signed in.

    `to_change` takes the learner's lock with the same query: needed before `actions` are called.
    """
    newest = (
        select(func.max(CourseVersion.number))
        .where(CourseVersion.course_id == Course.id)
        .correlate(Course)
        .scalar_subquery()
    )
    row = session.execute(
        select(Course, CourseVersion, CourseProgress, *(person_lock(session, actor.person_id) if to_change else ()))
        .outerjoin(
            CourseProgress,
            and_(CourseProgress.course_id == Course.id, CourseProgress.person_id == actor.person_id),
        )
        .join(
            CourseVersion,
            and_(
                CourseVersion.course_id == Course.id,
                (CourseVersion.id == CourseProgress.course_version_id)
                | (CourseProgress.course_version_id.is_(None) & (CourseVersion.number == newest)),
            ),
        )
        .where(Course.code == code)
    ).one_or_none()
    if row is None:
        raise NotFound
    course, version, progress = row[:3]
    edition = decoded(version)
    registration = registration_of(actor.public_id, course.iri)
    return Study(course, version, edition.outline, edition.settings, progress, registration)


def access_lesson_place(study: Study, lesson_code: str) -> tuple[OutlineModule, OutlineLesson]:
    """Where a lesson stands in the learner's version, without reading its text. Raises `NotFound`."""
    try:
        module = study.outline.module_of(lesson_code)
    except KeyError:
        raise NotFound from None
    return module, next(one for one in module.lessons if one.code == lesson_code)


def access_lesson(session: Session, study: Study, lesson_code: str) -> tuple[OutlineModule, Lesson]:
    """The text of a lesson of the learner's version. Raises `NotFound`."""
    module, place = access_lesson_place(study, lesson_code)
    lesson = session.scalar(
        select(Lesson).where(
            Lesson.module_version_id == module.module_version_id, Lesson.activity_id == place.activity_id
        )
    )
    if lesson is None:
        raise NotFound
    return module, lesson
