"""What a version of a course contains, as typed values. Pure."""

from typing import Any, Literal

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a course is tested. Shown to the learner; part of every version.

    `counts`: whether every module's own test counts or one final test. `attempt`: which attempt counts.
    `pass_mark` is a share of the score (0.7 is shown as 7 on the scale of 10). `max_attempts` and minutes: 0 is no limit.
    """

    counts: Literal["modules", "final"] = "modules"
    attempt: Literal["best", "last", "first"] = "best"
    max_attempts: int = 0
    pass_mark: float = 0.7
    questions: int = 6
    final_questions: int = 20
    minutes: int = 15
    final_minutes: int = 40


class OutlineLesson(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson in the outline of a version."""

    activity_id: int
    code: str
    title: str
    title_en: str
    minutes: int


class OutlineTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test in the outline of a version; `required` says whether it counts towards completion."""

    activity_id: int
    code: str
    required: bool


class OutlineModule(msgspec.Struct, frozen=True, kw_only=True):
    """A module in the outline, with the version of it that this version of the course contains."""

    module_id: int
    module_version_id: int
    code: str
    number: int
    title: str
    title_en: str
    minutes: int
    lessons: list[OutlineLesson]
    test: OutlineTest


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a page needs to know of a version of a course, in the order in which it is studied."""

    modules: list[OutlineModule]
    final: OutlineTest

    def lessons(self) -> list[OutlineLesson]:
        """All lessons, in order."""
        return [lesson for module in self.modules for lesson in module.lessons]

    def tests(self) -> list[OutlineTest]:
        """All tests, in order: the modules' own, then the final one."""
        return [*(module.test for module in self.modules), self.final]

    def required_tests(self) -> list[OutlineTest]:
        """The tests without which the course is not completed."""
        return [test for test in self.tests() if test.required]

    def module_of(self, lesson_code: str) -> OutlineModule:
        """The module a lesson belongs to; KeyError when the version has no such lesson."""
        for module in self.modules:
            if any(lesson.code == lesson_code for lesson in module.lessons):
                return module
        raise KeyError(lesson_code)


def outline_of(document: dict[str, Any]) -> Outline:
    """The outline kept with a course version."""
    return msgspec.convert(document, Outline)


def settings_of(document: dict[str, Any]) -> Settings:
    """The settings kept with a course version."""
    return msgspec.convert(document, Settings)
