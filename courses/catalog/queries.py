"""Reading courses and their versions."""

from collections.abc import Iterable, Mapping

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from courses.catalog.models import Course, CourseVersion, Lesson, Module, ModuleVersion
from courses.catalog.rules import outline_of
from lms.db import config_of
from lms.doors import Taught
from lms.xapi.vocabulary import activity_iri


def course_by_code(code: str) -> Select[Course]:
    """The course with this code."""
    return select(Course).where(Course.code == code)


def newest_versions() -> Select[CourseVersion]:
    """The newest version of every course, in the order in which the courses were added."""
    newest = (
        select(func.max(CourseVersion.number))
        .where(CourseVersion.course_id == Course.id)
        .correlate(Course)
        .scalar_subquery()
    )
    return (
        select(CourseVersion)
        .join(Course, Course.id == CourseVersion.course_id)
        .where(CourseVersion.number == newest)
        .order_by(Course.id)
    )


NEWEST_TITLES = (
    newest_versions()
    .with_only_columns(CourseVersion.course_id, CourseVersion.title, CourseVersion.title_en)
    .order_by(None)
    .subquery()
)
"""What each course is called now, in both languages, to be joined. Made once: making it costs more than asking."""


def newest_version(course_id: int) -> Select[CourseVersion]:
    """The version in which a learner would begin the course now."""
    return newest_versions().where(Course.id == course_id)


def newest_module_version(module_id: int) -> Select[ModuleVersion]:
    """The latest version of a module."""
    return (
        select(ModuleVersion).where(ModuleVersion.module_id == module_id).order_by(ModuleVersion.number.desc()).limit(1)
    )


def lessons_of(module_version_id: int) -> Select[Lesson]:
    """The lessons of a version of a module, in order."""
    return select(Lesson).where(Lesson.module_version_id == module_version_id).order_by(Lesson.position)


def modules_of(session: Session, course: Course) -> dict[str, Module]:
    """The modules of a course by code, in order."""
    found = session.scalars(select(Module).where(Module.course_id == course.id).order_by(Module.position))
    return {module.code: module for module in found}


def courses_called(session: Session, codes: Iterable[str]) -> Mapping[str, str]:
    """What the courses with these codes are called now (`called` in lms/doors.py)."""
    query = newest_versions().with_only_columns(Course.code, CourseVersion.title).where(Course.code.in_(list(codes)))
    return dict(session.execute(query).all())


def activity_titles(session: Session) -> dict[int, str]:
    """What lessons and tests are called in the newest versions of their courses, by id; a test by its module."""
    found: dict[int, str] = {}
    for outline in map(outline_of, session.scalars(newest_versions().with_only_columns(CourseVersion.outline))):
        found |= {lesson.activity_id: lesson.title for lesson in outline.lessons()}
        found |= {one.test.activity_id: str(_l("Kiểm tra: %(module)s", module=one.title)) for one in outline.modules}
        found[outline.final.activity_id] = str(_l("Bài kiểm tra cuối khóa"))
    return found


def taught_courses(session: Session) -> Iterable[Taught]:
    """Every course by its activity, with the titles of its newest version and of the modules in it."""
    home = config_of(session).iri_base
    columns = (Course.code, Course.iri, CourseVersion.title, CourseVersion.title_en, CourseVersion.outline)
    for code, iri, title, title_en, document in session.execute(newest_versions().with_only_columns(*columns)):
        parts = (
            Taught(activity_iri(home, code, one.code), one.title, one.title_en) for one in outline_of(document).modules
        )
        yield Taught(iri, title, title_en, tuple(parts))
