"""Publishing: a version of a module, then a version of the course that contains it. Both are written once."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from courses.catalog.loader import LIBRARY, read_course
from courses.catalog.models import Activity, Course, CourseVersion, Lesson, Module, ModuleVersion
from courses.catalog.queries import course_by_code, lessons_of, modules_of
from courses.catalog.render import intro_html, lesson_html
from courses.catalog.rules import (
    CourseText,
    ModuleText,
    Outline,
    OutlineLesson,
    OutlineModule,
    OutlineTest,
    Register,
    cited_in_core,
    register_of,
    settings_of,
)
from lms import clock
from lms.audit.actions import note as note_down
from lms.db import adds_identities, config_of
from lms.doors import tell
from lms.xapi.vocabulary import activity_iri, course_iri

FINAL_TEST = "final-test"


@dataclass(frozen=True, slots=True)
class CoursePublished:
    """Told when a course has a new version."""

    course_id: int
    course_version_id: int


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes; nobody for what the product itself brings along."""

    person_id: int | None = None
    public_id: uuid.UUID | None = None


THE_PRODUCT = Publisher()


def load_library(session: Session) -> Iterator[str]:
    """Load every built-in course that is not there yet; one line to print for each."""
    for folder in sorted(path.parent for path in LIBRARY.glob("*/course.md")):
        course = load_course(session, folder)
        if course is None:
            yield f"course {folder.name}: already there"
            continue
        lessons = session.scalar(
            select(func.count()).select_from(Activity).where(Activity.course_id == course.id, Activity.kind == "lesson")
        )
        yield f"course {course.code}: loaded as version 1, {lessons} lessons"


def load_course(session: Session, folder: Path) -> Course | None:
    """Add the course in a folder as version 1. Does nothing, and returns None, when its code is taken.

    Raises `CourseBroken` when the folder breaks a rule.
    """
    if session.scalar(course_by_code(folder.name)) is not None:
        return None
    written = read_course(folder)
    now = clock.now()
    adds_identities(session)
    course = Course(code=written.code, iri=course_iri(config_of(session).iri_base, written.code), created_at=now)
    session.add(course)
    session.flush()  # modules and activities need its id
    versions = []
    for position, text in enumerate(written.modules, 1):
        module = Module(course_id=course.id, code=text.code, position=position)
        session.add(module)
        session.flush()  # its version needs its id
        versions.append(
            publish_module_version(
                session,
                course,
                module,
                text,
                register=written.text.register,
                figures=written.figures,
                note=written.version_note,
                by=THE_PRODUCT,
            )
        )
    publish_course_version(session, course, written.text, versions, note=written.version_note, by=THE_PRODUCT)
    return course


def publish_module_version(
    session: Session,
    course: Course,
    module: Module,
    text: ModuleText,
    *,
    register: Register,
    figures: Mapping[str, str],
    note: str,
    by: Publisher,
) -> ModuleVersion:
    """Write the next version of a module and its lessons. No course contains it until `publish_course_version`."""
    latest = session.scalar(select(func.max(ModuleVersion.number)).where(ModuleVersion.module_id == module.id))
    version = ModuleVersion(
        module_id=module.id,
        number=(latest or 0) + 1,
        title=text.title,
        title_en=text.title_en,
        minutes=sum(lesson.minutes for lesson in text.lessons),
        objectives=text.objectives,
        intro=text.intro,
        intro_html=intro_html(text.intro),
        note=note,
        published_at=clock.now(),
        published_by_id=by.person_id,
    )
    version.lessons = [
        Lesson(
            activity_id=activity(session, course, lesson.code, "lesson").id,
            position=position,
            sources=cited_in_core(lesson.body),
            html=lesson_html(lesson.body, register=register, figures=figures),
            **msgspec.structs.asdict(lesson),
        )
        for position, lesson in enumerate(text.lessons, 1)
    ]
    session.add(version)
    session.flush()  # the outline of the course needs its id
    return version


def publish_course_version(
    session: Session,
    course: Course,
    text: CourseText,
    modules: Sequence[ModuleVersion],
    *,
    note: str,
    by: Publisher,
) -> CourseVersion:
    """Write the next version of a course, made of these versions of its modules in this order.

    Learners who have begun keep theirs. It is noted in the audit log, and `CoursePublished` is told.
    """
    latest = session.scalar(select(func.max(CourseVersion.number)).where(CourseVersion.course_id == course.id))
    before = session.scalar(select(CourseVersion.settings).filter_by(course_id=course.id, number=latest)) or {}
    adds_identities(session)  # an edition is remembered once it is committed
    version = CourseVersion(
        course_id=course.id,
        number=(latest or 0) + 1,
        title=text.title,
        title_en=text.title_en,
        summary=text.summary,
        summary_en=text.summary_en,
        minutes=sum(module.minutes for module in modules),
        intro=text.intro,
        intro_html=intro_html(text.intro),
        settings=msgspec.to_builtins(text.settings),
        outline=msgspec.to_builtins(outline(session, course, text, modules)),
        register=msgspec.to_builtins(text.register),
        note=note,
        published_at=clock.now(),
        published_by_id=by.person_id,
    )
    session.add(version)
    session.flush()  # those who are told read it
    changes = {name: (before.get(name), value) for name, value in version.settings.items()}
    told = {"version": version.number, "changes": changes, "modules": {one.module.code: one.number for one in modules}}
    note_down(session, "course.publish", actor=by.public_id, object_kind="course", object_id=course.code, **told)
    tell(session, CoursePublished(course.id, version.id))
    return version


def text_of(version: CourseVersion) -> CourseText:
    """What a version says beside its modules, to publish the next one with."""
    return CourseText(
        title=version.title,
        title_en=version.title_en,
        summary=version.summary,
        summary_en=version.summary_en,
        intro=version.intro,
        settings=settings_of(version.settings),
        register=register_of(version.register),
    )


def outline(session: Session, course: Course, text: CourseText, modules: Sequence[ModuleVersion]) -> Outline:
    """What a version made of these modules contains. Tests are always there; the settings say which are required."""
    codes = {module.id: module.code for module in modules_of(session, course).values()}
    by_modules = text.settings.counts == "modules"
    return Outline(
        modules=[
            OutlineModule(
                module_id=version.module_id,
                module_version_id=version.id,
                code=codes[version.module_id],
                number=version.number,
                title=version.title,
                title_en=version.title_en,
                minutes=version.minutes,
                lessons=[
                    OutlineLesson(
                        activity_id=lesson.activity_id,
                        code=lesson.code,
                        title=lesson.title,
                        title_en=lesson.title_en,
                        minutes=lesson.minutes,
                    )
                    for lesson in session.scalars(lessons_of(version.id))
                ],
                test=test(session, course, f"{codes[version.module_id]}-test", required=by_modules),
            )
            for version in modules
        ],
        final=test(session, course, FINAL_TEST, required=not by_modules),
    )


def test(session: Session, course: Course, code: str, *, required: bool) -> OutlineTest:
    """A test of the course as its outline names it."""
    return OutlineTest(activity_id=activity(session, course, code, "test").id, code=code, required=required)


def activity(session: Session, course: Course, code: str, kind: str) -> Activity:
    """The activity of a course with this code; added when there is none, and then the same for ever."""
    found = session.scalar(select(Activity).where(Activity.course_id == course.id, Activity.code == code))
    if found is None:
        adds_identities(session)
        iri = activity_iri(config_of(session).iri_base, course.code, code)
        found = Activity(course_id=course.id, code=code, kind=kind, iri=iri)
        session.add(found)
        session.flush()  # lessons and outlines need its id
    return found
