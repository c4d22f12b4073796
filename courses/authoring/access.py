"""Obtaining a module or lesson to work on. Courses belong to the whole province: so must the permission."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from courses.authoring.queries import LessonAtWork, ModuleAtWork, modules_at_work
from courses.catalog.loader import LIBRARY, read_figures
from courses.catalog.models import Course, CourseVersion, Module
from courses.catalog.queries import newest_version, newest_versions
from courses.catalog.rules import Register, outline_of, register_of
from lms.web.acting import Actor, NotFound

READ, EDIT, PUBLISH = "module:read", "module:edit", "module:publish"


@dataclass(frozen=True, slots=True)
class Desk:
    """A module to work on, in the newest version of its course, with what its lessons may cite and show."""

    course: Course
    version: CourseVersion
    at_work: ModuleAtWork
    register: Register
    figures: dict[str, str]
    numbers: dict[str, int]
    """The number of each lesson among all of the course, as learners see it, by code."""


def access_shelf(session: Session, actor: Actor) -> list[tuple[CourseVersion, list[ModuleAtWork]]]:
    """Every course with its modules. Raises `NotFound` for whoever may not read them at work."""
    if not actor.everywhere(READ):
        raise NotFound
    modules = modules_at_work(session)
    return [
        (version, [one for one in modules if one.module.course_id == version.course_id])
        for version in session.scalars(newest_versions())
    ]


def access_settings(session: Session, actor: Actor, permission: str, course: str) -> CourseVersion:
    """The newest version of the course with this code. Raises `NotFound`."""
    if not actor.everywhere(permission):
        raise NotFound
    version = session.scalar(newest_versions().where(Course.code == course))
    if version is None:
        raise NotFound
    return version


def access_module(session: Session, actor: Actor, permission: str, course: str, module: str) -> Desk:
    """The module with this code. Raises `NotFound`."""
    if not actor.everywhere(permission):
        raise NotFound
    found = modules_at_work(session, Module.code == module, Module.course.has(Course.code == course))
    if not found:
        raise NotFound
    at_work = found[0]
    version = session.scalars(newest_version(at_work.module.course_id)).one()
    return Desk(
        course=at_work.module.course,
        version=version,
        at_work=at_work,
        register=register_of(version.register),
        figures=read_figures(LIBRARY / at_work.module.course.code),
        numbers={one.code: number for number, one in enumerate(outline_of(version.outline).lessons(), 1)},
    )


def access_lesson(
    session: Session, actor: Actor, permission: str, course: str, lesson: str
) -> tuple[Desk, LessonAtWork]:
    """The lesson with this code, and the module it stands in. Raises `NotFound`."""
    desk = access_module(session, actor, permission, course, lesson.split("-")[0])
    found = [one for one in desk.at_work.lessons if one.working.code == lesson]
    if not found:
        raise NotFound
    return desk, found[0]
