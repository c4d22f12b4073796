"""Reading attempts and papers. What a page of an open attempt reads holds no key and no explanation."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from assessments.attempts.models import Attempt, AttemptItem
from assessments.attempts.rules import GRACE
from assessments.bank.models import Question, QuestionVersion
from courses.catalog.models import Activity, Course
from courses.catalog.queries import NEWEST_TITLES, activity_titles
from lms.accounts.models import Person
from lms.doors import OwnData, Underway


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a paper as it may be shown while the attempt is open."""

    position: int
    kind: str
    shown: list[int]
    response: list[int | None] | None
    saved_at: datetime | None
    stem: str
    options: list[str]
    answers: list[str]


@dataclass(frozen=True, slots=True)
class Keyed(Asked):
    """The same with its key: for grading, and for the review of an attempt that has ended."""

    version_id: int
    code: str
    number: int
    key: list[int]
    explanation: str
    lesson_code: str
    sources: list[str]
    score: float | None


COLUMNS = {
    **{name: getattr(AttemptItem, name) for name in ("position", "shown", "response", "saved_at", "score")},
    **{name: getattr(QuestionVersion, name) for name in ("kind", "stem", "options", "answers", "number", "key")},
    **{name: getattr(QuestionVersion, name) for name in ("explanation", "lesson_code", "sources")},
    "version_id": QuestionVersion.id,
    "code": Question.code,
}


def attempts_of(person_id: int, activity_id: int) -> Select[Attempt]:
    """All attempts of a person at a test, the first one first."""
    return (
        select(Attempt)
        .where(Attempt.person_id == person_id, Attempt.activity_id == activity_id)
        .order_by(Attempt.number)
    )


def paper_of(kind: type[Asked]) -> Select[*tuple[Any, ...]]:
    """The columns of that value for each question of the attempt `:attempt_id`. Built once: composing costs time."""
    return (
        select(*(COLUMNS[field.name] for field in fields(kind)))
        .join(QuestionVersion, QuestionVersion.id == AttemptItem.question_version_id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(AttemptItem.attempt_id == bindparam("attempt_id"))
        .order_by(AttemptItem.position)
    )


ASKED = paper_of(Asked)
KEYED = paper_of(Keyed)


def asked(session: Session, attempt_id: int) -> list[Asked]:
    """The paper of an attempt, without the key."""
    return [Asked(*row) for row in session.execute(ASKED, {"attempt_id": attempt_id})]


def keyed(session: Session, attempt_id: int) -> list[Keyed]:
    """The paper of an attempt with everything known of its questions."""
    return [Keyed(*row) for row in session.execute(KEYED, {"attempt_id": attempt_id})]


OPEN = select(Attempt.activity_id, Attempt.deadline_at).where(
    Attempt.person_id == bindparam("person"), Attempt.submitted_at.is_(None)
)


def open_attempts(session: Session, person_id: int) -> list[Underway]:
    """The tests the person is sitting, also those whose time is over and which nobody has closed yet."""
    return [Underway(*row) for row in session.execute(OPEN, {"person": person_id})]


def expired_attempts(now: datetime) -> Select[Attempt, Person, str, str]:
    """Attempts whose time is over and which nobody closed, with person, code of the course and code of the test."""
    return (
        select(Attempt, Person, Course.code, Activity.code)
        .join(Person, Person.id == Attempt.person_id)
        .join(Activity, Activity.id == Attempt.activity_id)
        .join(Course, Course.id == Activity.course_id)
        .where(Attempt.submitted_at.is_(None), Attempt.deadline_at < now - GRACE)
        .order_by(Attempt.person_id, Attempt.id)
    )


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """The attempts of a person, with their scores."""
    titles = activity_titles(session)
    rows = session.execute(
        select(
            NEWEST_TITLES.c.title,
            Activity,
            Attempt.number,
            Attempt.started_at,
            Attempt.submitted_at,
            Attempt.scaled,
            Attempt.passed,
        )
        .join(Activity, Activity.id == Attempt.activity_id)
        .join(NEWEST_TITLES, NEWEST_TITLES.c.course_id == Activity.course_id)
        .where(Attempt.person_id == person_id)
        .order_by(Attempt.id)
    )
    columns = {
        "course": _l("Khóa học"),
        "test": _l("Bài kiểm tra"),
        "number": _l("Lượt"),
        "started": _l("Bắt đầu lúc"),
        "submitted": _l("Nộp lúc"),
        "score": _l("Điểm"),
        "passed": _l("Đạt"),
    }
    told = [[title, titles.get(one.id, one.code), *rest] for title, one, *rest in rows]
    yield OwnData("attempts", _l("Các lượt làm bài kiểm tra"), columns, told)


def attempts_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """At which test attempts are, and which one in a row, by their opaque ids (`called` in lms/doors.py)."""
    query = select(Attempt.public_id, Activity.id, Activity.code, Attempt.number)
    known = Attempt.public_id.in_([uuid.UUID(one) for one in ids])
    rows = session.execute(query.join(Activity, Activity.id == Attempt.activity_id).where(known)).all()
    titles = activity_titles(session) if rows else {}
    return {str(own): f"{titles.get(test, code)}, {number}" for own, test, code, number in rows}
