"""Bringing the questions of the built-in courses into the bank."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments.bank.models import Question, QuestionVersion
from assessments.bank.queries import newest_versions
from courses.catalog.loader import LIBRARY, QuestionFile, read_questions
from courses.catalog.models import Course, Module
from lms import clock


@dataclass(slots=True)
class Changes:
    """How many questions a loading touched."""

    added: int = 0
    reworded: int = 0
    withdrawn: int = 0


def load_questions(session: Session, library: Path = LIBRARY) -> Iterator[str]:
    """Make the bank agree with the question files of the courses that are there; one line for each course changed.

    A new wording becomes a new version and the old one is kept; a question no longer in its file is withdrawn, and
    comes back when it is there again. When all agrees nothing is written. Raises `CourseBroken`.
    """
    for course in session.scalars(select(Course).order_by(Course.code)):
        folder = library / course.code
        if folder.is_dir():
            done = load_course(session, course, read_questions(folder))
            if done != Changes():
                counts = f"{done.added} added, {done.reworded} reworded, {done.withdrawn} withdrawn"
                yield f"{course.code}: questions: {counts}"


def load_course(session: Session, course: Course, bank: dict[str, list[QuestionFile]]) -> Changes:
    """Make the bank of one course agree with its files, by module."""
    known = {question.code: (question, version) for question, version in session.execute(newest_versions(course.id))}
    modules = dict(session.execute(select(Module.code, Module.id).where(Module.course_id == course.id)).all())
    changes = Changes()
    for module in bank.keys() & modules.keys():
        for file in bank[module]:
            if file.code in known:
                changes.reworded += reword(session, *known.pop(file.code), file)
            else:
                add(session, modules[module], file)
                changes.added += 1
    changes.withdrawn = withdraw(question for question, _ in known.values())
    return changes


def add(session: Session, module_id: int, file: QuestionFile) -> None:
    """A new question with its first wording."""
    question = Question(module_id=module_id, code=file.code)
    question.versions = [QuestionVersion(number=1, published_at=clock.now(), **wording(file))]
    session.add(question)


def reword(session: Session, question: Question, newest: QuestionVersion, file: QuestionFile) -> bool:
    """Publish the file's wording where it differs; whether anything changed."""
    changed = question.withdrawn_at is not None
    question.withdrawn_at = None
    told = wording(file)
    if any(getattr(newest, name) != value for name, value in told.items()):
        number = newest.number + 1
        session.add(QuestionVersion(question_id=question.id, number=number, published_at=clock.now(), **told))
        changed = True
    return changed


def withdraw(questions: Iterable[Question]) -> int:
    """Draw these no more; how many were still drawn."""
    standing = [question for question in questions if question.withdrawn_at is None]
    for question in standing:
        question.withdrawn_at = clock.now()
    return len(standing)


def wording(file: QuestionFile) -> dict[str, Any]:
    """The columns of a version. Files count positions from 1, the bank from 0."""
    return {
        "kind": file.kind,
        "scenario": file.scenario,
        "topic": file.topic,
        "level": file.level,
        "lesson_code": file.lesson,
        "sources": list(file.sources),
        "stem": file.stem,
        "options": list(file.options),
        "answers": list(file.answers),
        "key": [position - 1 for position in file.key],
        "explanation": file.explanation,
    }
