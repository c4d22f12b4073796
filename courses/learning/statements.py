"""The sentences the course player says."""

import uuid
from datetime import datetime
from typing import Any

from courses.catalog.rules import OutlineLesson, OutlineModule
from lms.xapi import vocabulary
from lms.xapi.statement import Activity, sentence


def course_activity(iri: str, title: str, title_en: str) -> Activity:
    """The course as statements name it."""
    return Activity(iri, vocabulary.COURSE, title, title_en)


def module_activity(home: str, course: str, module: OutlineModule) -> Activity:
    """A module as statements name it."""
    iri = vocabulary.activity_iri(home, course, module.code)
    return Activity(iri, vocabulary.MODULE, module.title, module.title_en)


def lesson_activity(home: str, course: str, lesson: OutlineLesson) -> Activity:
    """A lesson as statements name it."""
    iri = vocabulary.activity_iri(home, course, lesson.code)
    return Activity(iri, vocabulary.LESSON, lesson.title, lesson.title_en)


def began_course(
    home: str, person: uuid.UUID, course: Activity, *, at: datetime, registration: uuid.UUID, revision: int
) -> dict[str, Any]:
    """This person began this version of the course."""
    return sentence(home, person, vocabulary.INITIALIZED, course, at=at, registration=registration, revision=revision)


def completed_lesson(
    home: str,
    person: uuid.UUID,
    lesson: Activity,
    *,
    within: tuple[Activity, ...],
    at: datetime,
    registration: uuid.UUID,
    revision: int,
) -> dict[str, Any]:
    """This person finished the lesson, and said so."""
    return sentence(
        home,
        person,
        vocabulary.COMPLETED,
        lesson,
        at=at,
        registration=registration,
        revision=revision,
        within=within,
        result={"completion": True},
    )


def completed_course(
    home: str, person: uuid.UUID, course: Activity, *, at: datetime, registration: uuid.UUID, revision: int
) -> dict[str, Any]:
    """This person has completed all lessons and passed all required tests of the version."""
    return sentence(
        home,
        person,
        vocabulary.COMPLETED,
        course,
        at=at,
        registration=registration,
        revision=revision,
        result={"completion": True},
    )
