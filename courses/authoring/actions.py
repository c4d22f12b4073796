"""Saving drafts and publishing them. Nobody overwrites what another has written since."""

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from courses.authoring.models import LessonDraft
from courses.authoring.queries import draft_of, modules_at_work, text_of
from courses.catalog.actions import Publisher, publish_course_version, publish_module_version
from courses.catalog.actions import text_of as course_text
from courses.catalog.loader import LIBRARY, read_figures
from courses.catalog.models import Course, CourseVersion, Module, ModuleVersion
from courses.catalog.queries import newest_version
from courses.catalog.rules import LessonText, ModuleText, Register, Settings, outline_of, problems
from lms import clock


class Outdated(Exception):
    """What this was based on has been changed by somebody else since."""


class NothingToPublish(Exception):
    """No draft of the module differs from what learners see."""


class NotPublishable(ValueError):
    """Lessons break rules that must be kept; `codes` names them."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__(", ".join(codes))
        self.codes = codes


def save_draft(
    session: Session, module: Module, text: LessonText, *, position: int, seen: int, by: Publisher
) -> LessonDraft:
    """Keep the working text of a lesson. Raises `Outdated` when `seen` is not the revision that stands now.

    Saving what is already saved changes nothing, so that a double submit is harmless.
    """
    session.execute(select(Module.id).where(Module.id == module.id).with_for_update(key_share=True))
    draft = session.scalar(draft_of(module.id, text.code).execution_options(populate_existing=True))
    if draft is not None and text_of(draft) == text:
        return draft
    if seen != (draft.revision if draft is not None else 0):
        raise Outdated
    if draft is None:
        draft = LessonDraft(module_id=module.id, code=text.code, revision=0)
        session.add(draft)
    draft.position = position
    draft.title = text.title
    draft.title_en = text.title_en
    draft.minutes = text.minutes
    draft.objectives = text.objectives
    draft.action = text.action
    draft.body = text.body
    draft.revision += 1
    draft.changed_at = clock.now()
    draft.changed_by_id = by.person_id
    return draft


def publish_module(session: Session, course: Course, module: Module, *, note: str, seen: str, by: Publisher) -> int:
    """Publish the drafts of a module: a new version of it, and of the course. Returns the number of the module's.

    `seen` is the state that was shown to whoever decided. Raises `Outdated`, `NothingToPublish`, `NotPublishable`.
    """
    # One who publishes at a time. Learners who write rows that refer to these go on (FOR NO KEY UPDATE), for they hold
    # locks that the telling of the new version waits for.
    session.execute(select(Course.id).where(Course.id == course.id).with_for_update(key_share=True))
    session.execute(select(Module.id).where(Module.id == module.id).with_for_update(key_share=True))
    (at_work,) = modules_at_work(session, Module.id == module.id)
    if not at_work.changed:
        raise NothingToPublish
    if at_work.state != seen:
        raise Outdated
    newest = session.scalars(newest_version(course.id)).one()
    texts = course_text(newest)
    figures = read_figures(LIBRARY / course.code)
    lessons = [lesson.working for lesson in at_work.lessons]
    if broken := unpublishable(lessons, texts.register, figures):
        raise NotPublishable(broken)
    version = publish_module_version(
        session,
        course,
        module,
        rewritten(at_work.version, lessons),
        register=texts.register,
        figures=figures,
        note=note,
        by=by,
    )
    versions = [version if one.module_id == module.id else one for one in modules_in(session, newest)]
    publish_course_version(session, course, texts, versions, note=note, by=by)
    return version.number


def publish_settings(
    session: Session, course: Course, settings: Settings, *, note: str, seen: int, by: Publisher
) -> int:
    """Publish the course with other settings and the same modules. Returns the number of the new version.

    `seen` is the version that was shown to whoever decided. Raises `Outdated`, `NothingToPublish`.
    """
    # the row stays as it is: learners who begin the course refer to it meanwhile, and need not wait
    session.execute(select(Course.id).where(Course.id == course.id).with_for_update(key_share=True))
    newest = session.scalars(newest_version(course.id).execution_options(populate_existing=True)).one()
    texts = course_text(newest)
    if texts.settings == settings:
        raise NothingToPublish
    if newest.number != seen:
        raise Outdated
    texts = msgspec.structs.replace(texts, settings=settings)
    return publish_course_version(session, course, texts, modules_in(session, newest), note=note, by=by).number


def unpublishable(lessons: list[LessonText], register: Register, figures: dict[str, str]) -> list[str]:
    """The codes of the lessons that break a rule which must be kept."""
    return [
        lesson.code
        for lesson in lessons
        if any(one.blocks for one in problems(lesson.body, register=register, figures=figures))
    ]


def rewritten(version: ModuleVersion, lessons: list[LessonText]) -> ModuleText:
    """A module as it was published, with other lessons."""
    return ModuleText(
        code=version.module.code,
        title=version.title,
        title_en=version.title_en,
        minutes=sum(lesson.minutes for lesson in lessons),
        objectives=list(version.objectives),
        intro=version.intro,
        lessons=lessons,
    )


def modules_in(session: Session, version: CourseVersion) -> list[ModuleVersion]:
    """The versions of modules that a version of the course contains, in order."""
    ids = [module.module_version_id for module in outline_of(version.outline).modules]
    found = {one.id: one for one in session.scalars(select(ModuleVersion).where(ModuleVersion.id.in_(ids)))}
    return [found[one] for one in ids]
