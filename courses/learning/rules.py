"""How statements add up to progress. Pure: the same folding serves each new statement and the rebuild of all."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from courses.catalog.rules import Outline, Settings
from lms.xapi import vocabulary


@dataclass(frozen=True, slots=True)
class Result:
    """What a person's statements say of one lesson or test. Scores are scaled, 0 to 1."""

    completed_at: datetime | None = None
    attempts: int = 0
    first_score: float | None = None
    first_at: datetime | None = None
    last_score: float | None = None
    last_at: datetime | None = None
    best_score: float | None = None
    passed_at: datetime | None = None

    def score(self, settings: Settings) -> float | None:
        """The score of the attempt that counts under the course's settings; None before any."""
        return {"best": self.best_score, "last": self.last_score, "first": self.first_score}[settings.attempt]

    def passed(self, settings: Settings) -> datetime | None:
        """When the test was passed under the settings, or None."""
        score = self.score(settings)
        if score is None or score < settings.pass_mark:
            return None
        return {"best": self.passed_at, "last": self.last_at, "first": self.first_at}[settings.attempt]


@dataclass(frozen=True, slots=True)
class Record:
    """Everything known of one person in one course. `version_id` is fixed by the first statement."""

    version_id: int
    registration: uuid.UUID | None
    started_at: datetime
    concluded_at: datetime | None = None
    results: Mapping[int, Result] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a person has come. Moments are None until it is so.

    `lessons_at`: the last of all lessons was completed. `tests_at`: the last of all required tests was passed.
    """

    started_at: datetime | None = None
    lessons_at: datetime | None = None
    tests_at: datetime | None = None


NOT_BEGUN = Reached()


def heeded(
    record: Record, verb: str, activity_id: int | None, at: datetime, scaled: float | None, mark: float
) -> Record:
    """The record after one statement about an activity of the course, or (None) about the course itself."""
    if activity_id is None:
        concluded = verb == vocabulary.COMPLETED and record.concluded_at is None
        return replace(record, concluded_at=at) if concluded else record
    old = record.results.get(activity_id, Result())
    new = old
    if verb == vocabulary.COMPLETED and old.completed_at is None:
        new = replace(old, completed_at=at)
    elif verb in (vocabulary.PASSED, vocabulary.FAILED) and scaled is not None:
        new = attempted(old, scaled, at, mark)
    return record if new == old else replace(record, results={**record.results, activity_id: new})


def attempted(old: Result, scaled: float, at: datetime, mark: float) -> Result:
    """The result of a test after one more attempt ended."""
    first = old.attempts == 0
    return replace(
        old,
        attempts=old.attempts + 1,
        first_score=scaled if first else old.first_score,
        first_at=at if first else old.first_at,
        last_score=scaled,
        last_at=at,
        best_score=scaled if old.best_score is None else max(old.best_score, scaled),
        passed_at=at if old.passed_at is None and scaled >= mark else old.passed_at,
    )


def reached(outline: Outline, settings: Settings, record: Record | None) -> Reached:
    """How far the record brings a person through this version of the course."""
    if record is None:
        return NOT_BEGUN
    lessons = [record.results.get(one.activity_id, Result()).completed_at for one in outline.lessons()]
    tests = [record.results.get(one.activity_id, Result()).passed(settings) for one in outline.required_tests()]
    return Reached(
        started_at=record.started_at,
        lessons_at=latest(lessons),
        tests_at=latest(tests) if tests else record.started_at,
    )


def latest(moments: list[datetime | None]) -> datetime | None:
    """The last of the moments when there is none missing."""
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None


def registration_of(person: uuid.UUID, course_iri: str) -> uuid.UUID:
    """The registration under which all statements of a person about a course stand: always the same."""
    return uuid.uuid5(person, course_iri)
