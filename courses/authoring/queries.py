"""Reading what trainers work on: the published text of each lesson, and the draft beside it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, joinedload

from courses.authoring.models import LessonDraft
from courses.catalog.models import CourseVersion, Lesson, Module, ModuleVersion
from courses.catalog.rules import LessonText


@dataclass(frozen=True, slots=True)
class LessonAtWork:
    """A lesson: what learners see, and what is being written. `revision` 0: there is no draft yet."""

    position: int
    published: LessonText
    working: LessonText
    revision: int
    changed_at: datetime | None

    @property
    def changed(self) -> bool:
        """Whether publishing would change it."""
        return self.published != self.working


@dataclass(frozen=True, slots=True)
class ModuleAtWork:
    """A module in its newest version, with the drafts of its lessons."""

    module: Module
    version: ModuleVersion
    lessons: tuple[LessonAtWork, ...]

    @property
    def changed(self) -> tuple[LessonAtWork, ...]:
        """The lessons that publishing would change."""
        return tuple(lesson for lesson in self.lessons if lesson.changed)

    @property
    def state(self) -> str:
        """A mark that differs as soon as a draft of the module is saved or a version published."""
        return "-".join(str(number) for number in (self.version.number, *(one.revision for one in self.lessons)))


def modules_at_work(session: Session, *conditions: ColumnElement[bool]) -> list[ModuleAtWork]:
    """The modules that meet the conditions, in the order of their courses. Three statements, whatever their number.

    Rows this session has read before are read again: after a lock they may be others.
    """
    anew = {"populate_existing": True}
    numbers = select(func.max(ModuleVersion.number)).where(ModuleVersion.module_id == Module.id)
    versions = session.scalars(
        select(ModuleVersion)
        .join(Module, Module.id == ModuleVersion.module_id)
        .options(joinedload(ModuleVersion.module).joinedload(Module.course))
        .where(ModuleVersion.number == numbers.correlate(Module).scalar_subquery(), *conditions)
        .order_by(Module.course_id, Module.position)
        .execution_options(**anew)
    ).all()
    published = select(Lesson).where(Lesson.module_version_id.in_([version.id for version in versions]))
    lessons: dict[int, list[Lesson]] = {}
    for lesson in session.scalars(published.order_by(Lesson.position)):
        lessons.setdefault(lesson.module_version_id, []).append(lesson)
    drafts = {
        (draft.module_id, draft.code): draft
        for draft in session.scalars(
            select(LessonDraft)
            .where(LessonDraft.module_id.in_([version.module_id for version in versions]))
            .execution_options(**anew)
        )
    }
    return [
        ModuleAtWork(
            version.module,
            version,
            tuple(
                lesson_at_work(lesson, drafts.get((version.module_id, lesson.code)))
                for lesson in lessons.get(version.id, [])
            ),
        )
        for version in versions
    ]


def lesson_at_work(lesson: Lesson, draft: LessonDraft | None) -> LessonAtWork:
    """A lesson with its draft; without one, what was published is what one begins from."""
    published = text_of(lesson)
    if draft is None:
        return LessonAtWork(lesson.position, published, published, 0, None)
    return LessonAtWork(lesson.position, published, text_of(draft), draft.revision, draft.changed_at)


def text_of(row: Lesson | LessonDraft) -> LessonText:
    """The text of a lesson, published or not."""
    return LessonText(
        code=row.code,
        title=row.title,
        title_en=row.title_en,
        minutes=row.minutes,
        objectives=list(row.objectives),
        action=row.action,
        body=row.body,
    )


def draft_of(module_id: int, code: str) -> Select[LessonDraft]:
    """The draft of a lesson."""
    return select(LessonDraft).where(and_(LessonDraft.module_id == module_id, LessonDraft.code == code))


def versions_of(module_id: int) -> Select[ModuleVersion]:
    """All versions of a module, newest first."""
    return select(ModuleVersion).where(ModuleVersion.module_id == module_id).order_by(ModuleVersion.number.desc())


def course_versions(course_id: int) -> Select[CourseVersion]:
    """All versions of a course, newest first."""
    return select(CourseVersion).where(CourseVersion.course_id == course_id).order_by(CourseVersion.number.desc())
