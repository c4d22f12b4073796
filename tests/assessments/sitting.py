"""A learner who takes the tests of the small course, and knows the key to them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from werkzeug.test import TestResponse

from assessments.attempts.models import Attempt, AttemptItem
from assessments.attempts.queries import Keyed, keyed
from assessments.attempts.rules import Printed, code, field_names
from assessments.bank.actions import load_questions
from courses.catalog.models import CourseVersion
from lms.accounts.models import Person
from lms.xapi.models import XapiBody
from tests.browser import Browser
from tests.library_course import CODE, small_course
from tests.make import Make

TEST = f"/courses/{CODE}/tests/m1-test"
SINGLES = f"/courses/{CODE}/tests/m2-test"
FINAL = f"/courses/{CODE}/tests/final-test"

ONE_RIGHT = """kind = "single"
options = ["Phương án một", "Phương án hai", "Phương án ba", "Phương án bốn"]
key = [{key}]"""

ALL_KINDS = {
    7: """kind = "multiple"
options = ["Ý đúng", "Ý sai thứ nhất", "Ý đúng nữa", "Ý sai thứ hai"]
key = [1, 3]""",
    8: """kind = "order"
options = ["Việc trước tiên", "Việc kế đó", "Việc thứ ba", "Việc sau cùng"]""",
    9: """kind = "match"
options = ["Chính quyền số", "Kinh tế số", "Xã hội số"]
answers = ["Hiệu lực bộ máy", "Sức cạnh tranh", "Khoảng cách số"]""",
    10: """kind = "order"
options = ["Bước một", "Bước hai", "Bước ba"]""",
}

QUESTION = """\
[[question]]
code = "m1-q{number:02}"
scenario = false
topic = "chu-de-{topic}"
level = "understand"
lesson = "m1-1"
sources = ["BT L1"]
stem = "Câu {number} của chuyên đề 1?"
explanation = "EXPLAINED: vì bài học nêu như vậy ở câu {number}."
{rest}

"""


def write_questions(library: Path) -> None:
    """Questions of every kind for the first module; what would give a key away carries a word of its own."""
    single = (
        'kind = "single"\noptions = ["Phương án một", "Phương án hai", "Phương án ba", "Phương án bốn"]\nkey = [{key}]'
    )
    text = "".join(
        QUESTION.format(number=n, topic=n % 4 + 1, rest=ALL_KINDS.get(n) or single.format(key=n % 4 + 1))
        for n in range(1, 11)
    )
    (library / CODE / "m1" / "questions.toml").write_text(text, "utf-8")


def questions_and_a_learner(make: Make, folder: Path) -> Person:
    """The world of a sitting, for tests/kept.py: the small course with these questions, and who learns it."""
    small_course(make, folder)
    write_questions(folder)
    with make.writing() as session:
        list(load_questions(session, folder))
    return make.person()


class Sitting:
    """A learner in a browser, and what a test needs to know behind the pages."""

    def __init__(self, make: Make, *, library: Path, learner: Person | None = None) -> None:
        """`learner`: the one in a world where the questions are loaded; None: both are made here."""
        self.make = make
        self.library = library
        if learner is None:
            self.load()
        self.learner = learner or make.person()
        self.browser = make.browser(self.learner)

    def load(self) -> list[str]:
        """Bring the question files into the bank; the lines that would be printed."""
        with self.make.writing() as session:
            return list(load_questions(session, self.library))

    def settings(self, **changes: Any) -> None:
        """Publish the course anew with other settings; who has not begun gets them."""
        with self.make.writing() as session:
            old = session.scalars(select(CourseVersion).order_by(CourseVersion.number.desc())).first()
            assert old is not None
            columns = {one.key: getattr(old, one.key) for one in CourseVersion.__table__.columns if one.key != "id"}
            session.add(CourseVersion(**columns | {"number": old.number + 1, "settings": old.settings | changes}))

    def start(self, test: str = TEST, browser: Browser | None = None) -> str:
        """Start an attempt through the pages, or go on with the open one; the address of its paper."""
        browser = browser or self.browser
        browser.get(test)
        if "Tiếp tục làm bài" in browser.text:
            browser.get(re.findall(rf'href="({test}/attempts/[^"/]+)"', browser.text)[0])
        else:
            browser.submit(test)
        assert "/attempts/" in browser.path, browser.text
        return browser.path

    def attempts(self, person: Person | None = None) -> list[Attempt]:
        """All attempts of the learner, oldest first."""
        with self.make.reading() as session:
            query = select(Attempt).where(Attempt.person_id == (person or self.learner).id).order_by(Attempt.id)
            return list(session.scalars(query))

    def paper(self, attempt: Attempt | None = None) -> list[Keyed]:
        """The questions of an attempt (the last one) with their keys."""
        with self.make.reading() as session:
            return keyed(session, (attempt or self.attempts()[-1]).id)

    def items(self) -> list[AttemptItem]:
        """The rows of the last attempt's paper."""
        with self.make.reading() as session:
            query = select(AttemptItem).where(AttemptItem.attempt_id == self.attempts()[-1].id)
            return list(session.scalars(query.order_by(AttemptItem.position)))

    def fields(self, answers: Mapping[int, list[int | None]]) -> dict[str, str | list[str]]:
        """Answers by position, in original positions, as the fields of the page on which they are chosen."""
        return fields_of(self.paper(), answers)

    def right(self) -> dict[int, list[int | None]]:
        """The right answers to the last attempt, by position."""
        return right_answers(self.paper())

    def save(
        self, answers: Mapping[int, list[int | None]], *, then: str = "stay", browser: Browser | None = None
    ) -> TestResponse:
        """Fill these answers into the paper the browser shows and press a button below it."""
        return self.press(self.fields(answers), then=then, browser=browser)

    def press(
        self, fields: Mapping[str, str | list[str]], *, then: str = "stay", browser: Browser | None = None
    ) -> TestResponse:
        """The same with fields by name."""
        filled: dict[str, Any] = {**fields, "_then": then}
        return (browser or self.browser).submit("Lưu bài", **filled)

    def hand_in(self, answers: Mapping[int, list[int | None]] | None = None) -> None:
        """From the paper: fill in, look once more, hand in."""
        self.save(answers or {}, then="confirm")
        self.browser.submit("/submit")
        assert self.browser.path.endswith("/review"), self.browser.path

    def statements(self) -> list[dict[str, Any]]:
        """Everything recorded, in order."""
        with self.make.reading() as session:
            bodies = session.scalars(select(XapiBody.body).order_by(XapiBody.sequence))
            return [msgspec.json.decode(body) for body in bodies]


def right_answers(paper: Sequence[Keyed]) -> dict[int, list[int | None]]:
    """The right answers, by position."""
    return {
        one.position: list(one.key) if one.kind in ("single", "multiple") else list(range(len(one.options)))
        for one in paper
    }


def fields_of(paper: Sequence[Keyed], answers: Mapping[int, list[int | None]]) -> dict[str, str | list[str]]:
    """Answers by position, in original positions, as the fields of the page on which they are chosen."""
    fields: dict[str, str | list[str]] = {}
    for one in paper:
        if one.position in answers:
            shown = Printed(one.position, one.kind, one.shown)
            text, names = code(shown, answers[one.position]), field_names(shown)
            fields |= {names[0]: list(text)} if len(names) == 1 else dict(zip(names, text.split(","), strict=True))
    return fields


def status(browser: Browser) -> int:
    """The status of the page the browser is on."""
    assert browser.page is not None
    return browser.page.status_code
