"""How statements add up to progress, and what that means for the learner's next step. Pure.

The same folding serves each new statement and the rebuild of all.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby
from math import fsum

from msgspec import Struct, structs

from courses.catalog.rules import Outline, OutlineLesson, OutlineModule, OutlineTest, Settings
from lms.clock import day_of
from lms.xapi import vocabulary

HEEDED = frozenset(
    {vocabulary.INITIALIZED, vocabulary.ATTEMPTED, vocabulary.COMPLETED, vocabulary.PASSED, vocabulary.FAILED}
)
"""The verbs progress knows. Answers to single questions, for one, say nothing of it."""


Risen = tuple[float, datetime]
"""A score, and since when it counts."""


class Result(Struct, frozen=True, gc=False):
    """What a person's statements say of one lesson or test. Scores are scaled, 0 to 1.

    `rises` are the later attempts of which each was better than all before it; of a lesson, each later time it was
    finished, with a score of 1.
    """

    completed_at: datetime | None = None
    attempts: int = 0
    first_score: float | None = None
    first_at: datetime | None = None
    last_score: float | None = None
    last_at: datetime | None = None
    best_score: float | None = None
    passed_at: datetime | None = None
    rises: tuple[Risen, ...] = ()

    def finished(self, since: datetime) -> datetime | None:
        """When a lesson was finished first from that moment on, for the first time or again; None: not since."""
        moments = (self.completed_at, *(at for _score, at in self.rises))
        return min((at for at in moments if at is not None and at >= since), default=None)

    def score(self, settings: Settings) -> float | None:
        """The score of the attempt that counts under the course's settings; None before any."""
        return {"best": self.best_score, "last": self.last_score, "first": self.first_score}[settings.attempt]

    def passed(self, settings: Settings) -> datetime | None:
        """When the test was passed under the settings, or None."""
        score = self.score(settings)
        if score is None or score < settings.pass_mark:
            return None
        return {"best": self.passed_at, "last": self.last_at, "first": self.first_at}[settings.attempt]

    def risen(self, settings: Settings) -> tuple[Risen, ...]:
        """The scores that counted one after the other and still do, the lowest first: with "best" each one that was
        the best; else the one that counts. Nothing before any attempt."""
        if self.first_score is None or self.first_at is None or self.last_score is None or self.last_at is None:
            return ()
        first, last = (self.first_score, self.first_at), (self.last_score, self.last_at)
        return {"best": (first, *self.rises), "last": (last,), "first": (first,)}[settings.attempt]


NOTHING = Result()

MOST_AGAIN = 20
"""So many of the times are known at which a lesson was finished again, the last ones: others may say it each day."""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything known of one person in one course. `version_id` is fixed by the first statement."""

    version_id: int
    registration: uuid.UUID | None
    started_at: datetime
    concluded_at: datetime | None = None
    results: Mapping[int, Result] = field(default_factory=dict)


class Reached(Struct, frozen=True, gc=False):
    """How far a person has come. Moments are None until it is so.

    `lessons_at`: the last of all lessons was completed. `tests_at`: the last of all required tests was passed. Once all
    of these were taken: `score`, the mean of the scores that count (0 to 1), `taken_at`, the last attempt at any, and
    `risen`: up to which score each of them had come since when, the lowest first. `again`: the results of all lessons,
    where one was finished again.
    """

    started_at: datetime | None = None
    lessons_at: datetime | None = None
    tests_at: datetime | None = None
    score: float | None = None
    risen: tuple[Risen, ...] = ()
    taken_at: datetime | None = None
    again: tuple[Result, ...] = ()

    @property
    def lowest(self) -> float | None:
        """The least of the scores that count, once all required tests were taken."""
        return self.risen[-1][0] if self.risen else None

    def passed(self, mark: float) -> datetime | None:
        """When the score that counts had reached this mark in every required test; None when it has not."""
        return next((at for score, at in self.risen if score >= mark), None)


NOT_BEGUN = Reached()


def heeded(
    record: Record, verb: str, activity_id: int | None, at: datetime, scaled: float | None, mark: float
) -> Record:
    """The record after one statement about an activity of the course, or (None) about the course itself."""
    if activity_id is None:
        concluded = verb == vocabulary.COMPLETED and record.concluded_at is None
        return replace(record, concluded_at=at) if concluded else record
    old = record.results.get(activity_id, NOTHING)
    new = result_after(old, verb, at, scaled, mark)
    if new is old:
        return record
    results = {**record.results, activity_id: new}
    return Record(record.version_id, record.registration, record.started_at, record.concluded_at, results)


def result_after(old: Result, verb: str, at: datetime, scaled: float | None, mark: float) -> Result:
    """The result of a lesson or test after one statement about it; the very same where that says nothing new."""
    if verb == vocabulary.COMPLETED and old.completed_at is None:
        return Result(at) if old is NOTHING else structs.replace(old, completed_at=at)
    if verb == vocabulary.COMPLETED and not old.attempts:
        return structs.replace(old, rises=(*old.rises, (1.0, at))[-MOST_AGAIN:])
    if verb in (vocabulary.PASSED, vocabulary.FAILED) and scaled is not None:
        return attempted(old, scaled, at, mark)
    return old


def attempted(old: Result, scaled: float, at: datetime, mark: float) -> Result:
    """The result of a test after one more attempt ended."""
    first, better = old.attempts == 0, old.best_score is not None and scaled > old.best_score
    return structs.replace(
        old,
        attempts=old.attempts + 1,
        first_score=scaled if first else old.first_score,
        first_at=at if first else old.first_at,
        last_score=scaled,
        last_at=at,
        best_score=scaled if old.best_score is None else max(old.best_score, scaled),
        passed_at=at if old.passed_at is None and scaled >= mark else old.passed_at,
        rises=(*old.rises, (scaled, at)) if better else () if first else old.rises,
    )


def reached(outline: Outline, settings: Settings, record: Record | None) -> Reached:
    """How far the record brings a person through this version of the course."""
    if record is None:
        return NOT_BEGUN
    lessons = [record.results.get(one.activity_id, NOTHING) for one in outline.lessons()]
    tests = [record.results.get(one.activity_id, NOTHING) for one in outline.required_tests()]
    scores = [score for one in tests if (score := one.score(settings)) is not None]
    all_taken = bool(tests) and len(scores) == len(tests)
    return Reached(
        started_at=record.started_at,
        lessons_at=latest([one.completed_at for one in lessons]),
        tests_at=latest([one.passed(settings) for one in tests]) if tests else record.started_at,
        score=round(fsum(scores) / len(scores), 6) if all_taken else None,
        risen=risen([one.risen(settings) for one in tests]) if all_taken else (),
        taken_at=latest([one.last_at for one in tests]) if all_taken else None,
        again=tuple(lessons) if any(one.rises for one in lessons) else (),
    )


def counting(
    outline: Outline, settings: Settings, record: Record | None, since: datetime | None
) -> Mapping[int, Result]:
    """The results as far as they count from that moment on (None: all of them), by lesson and test.

    Lessons that had all been read before, and required tests that had all been taken, are to be done again.
    """
    if record is None or since is None:
        return record.results if record is not None else {}
    come, found = reached(outline, settings, record), dict(record.results)
    if come.lessons_at is not None and come.lessons_at < since:
        found |= {one.activity_id: Result(found[one.activity_id].finished(since)) for one in outline.lessons()}
    if come.taken_at is not None and come.taken_at < since:
        tests = [one.activity_id for one in outline.required_tests()]
        found |= {own: Result(attempts=found[own].attempts) for own in tests}
    return found


def risen(tests: Sequence[Sequence[Risen]]) -> tuple[Risen, ...]:
    """Up to which score all of these tests had come since when, the lowest first. Each has been taken."""
    lowest = min(one[-1][0] for one in tests)
    steps = sorted({score for one in tests for score, _at in one if score <= lowest})
    return tuple((step, max(next(at for score, at in one if score >= step) for one in tests)) for step in steps)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another record of the same person has come further, and counts. `state`: in_progress, briefed or completed."""

    state: str
    since: datetime


def further(own: Reached, others: Iterable[Reached]) -> Elsewhere | None:
    """How far another record of the same person has come, where that is further than one's own (decision 0022).

    The standing of the person is the furthest of all (`courses.briefings.rules.furthest`); this is told to the person.
    """
    best = max(map(way_come, others), default=None)
    if best is None or best[0] <= way_come(own)[0]:
        return None
    far, ago = best
    return Elsewhere(("not_started", "in_progress", "briefed", "completed")[far], datetime.fromtimestamp(-ago, UTC))


def way_come(come: Reached) -> tuple[int, float]:
    """How far somebody has come, from 0 (not begun) to 3 (completed), and since when: the earlier is the greater."""
    moments = [come.started_at, come.lessons_at, latest([come.lessons_at, come.tests_at])]
    since = [one for one in moments if one is not None]
    return len(since), -since[-1].timestamp() if since else 0.0


def latest(moments: list[datetime | None]) -> datetime | None:
    """The last of the moments when there is none missing."""
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None


def registration_of(person: uuid.UUID, course_iri: str) -> uuid.UUID:
    """The registration under which all statements of a person about a course stand: always the same."""
    return uuid.uuid5(person, course_iri)


@dataclass(frozen=True, slots=True)
class Step:
    """A lesson or a test on the way through a course, and where the learner stands with it.

    A lesson has `lesson` and its `number` among all lessons; a test has neither. `chapter` is the place of its module
    in the course, from 1; the final test has no `module` and stands in chapter 0. `done_at` is when it was completed or
    passed; `closed` says that no further attempt at a test could count.
    """

    code: str
    chapter: int
    module: OutlineModule | None
    lesson: OutlineLesson | None
    number: int
    required: bool
    result: Result
    score: float | None = None
    done_at: datetime | None = None
    closed: bool = False

    @property
    def waits(self) -> bool:
        """Whether it is still to be done, and can be."""
        return self.required and self.done_at is None and not self.closed

    @property
    def state(self) -> str:
        """not_started or completed for a lesson; not_taken, passed or failed for a test."""
        if self.lesson is not None:
            return "completed" if self.done_at else "not_started"
        if self.score is None:
            return "not_taken"
        return "passed" if self.done_at else "failed"


def way(outline: Outline, settings: Settings, results: Mapping[int, Result]) -> list[Step]:
    """All lessons and tests of a version in the order in which they are studied.

    The final test is there only when it is required; the tests of the modules always, since they serve for practice.
    """
    steps: list[Step] = []
    numbers = count(1)
    for chapter, module in enumerate(outline.modules, 1):
        for lesson in module.lessons:
            result = results.get(lesson.activity_id, Result())
            steps.append(step_of_lesson(chapter, module, lesson, next(numbers), result))
        steps.append(step_of_test(chapter, module, module.test, settings, results))
    if outline.final.required:
        steps.append(step_of_test(0, None, outline.final, settings, results))
    return steps


def step_of_lesson(chapter: int, module: OutlineModule, lesson: OutlineLesson, number: int, result: Result) -> Step:
    """A lesson on the way."""
    return Step(lesson.code, chapter, module, lesson, number, required=True, result=result, done_at=result.completed_at)


def step_of_test(
    chapter: int, module: OutlineModule | None, test: OutlineTest, settings: Settings, results: Mapping[int, Result]
) -> Step:
    """A test on the way."""
    result = results.get(test.activity_id, Result())
    most = 1 if settings.attempt == "first" else settings.max_attempts
    closed, score, passed = 0 < most <= result.attempts, result.score(settings), result.passed(settings)
    return Step(test.code, chapter, module, None, 0, test.required, result, score, passed, closed)


def next_step(steps: Sequence[Step]) -> Step | None:
    """The first thing still to be done; None when there is nothing left that can be done."""
    return next((step for step in steps if step.waits), None)


def step_after(steps: Sequence[Step], code: str) -> Step | None:
    """The first thing still to be done behind the one with this code."""
    place = [step.code for step in steps].index(code)
    return next_step(steps[place + 1 :])


def neighbours(steps: Sequence[Step], code: str) -> tuple[Step | None, Step | None]:
    """What stands before and behind the one with this code, done or not, as one leafs through a book."""
    leaves = [step for step in steps if step.required]
    place = [step.code for step in leaves].index(code)
    return (leaves[place - 1] if place else None), (leaves[place + 1] if place + 1 < len(leaves) else None)


def by_module(steps: Sequence[Step]) -> list[list[Step]]:
    """The way, module by module; the final test stands alone at the end."""
    return [list(group) for _, group in groupby(steps, lambda step: step.chapter)]


@dataclass(frozen=True, slots=True)
class Overview:
    """How far a learner has come in a course, and by when it is due (None: not assigned).

    `state` is not_started, in_progress, overdue or completed. `days_left` is below 0 when overdue, 0 on the last day.
    """

    lessons_done: int
    lessons: int
    tests_done: int
    tests: int
    following: Step | None
    completed_at: datetime | None
    due_at: datetime | None
    days_left: int | None
    state: str


def overview(steps: Sequence[Step], *, begun: bool, due_at: datetime | None, now: datetime) -> Overview:
    """What the pages say of a course at a glance."""
    lessons = [step for step in steps if step.lesson is not None]
    tests = [step for step in steps if step.lesson is None and step.required]
    completed_at = latest([step.done_at for step in (*lessons, *tests)])
    left = days_left(due_at, now) if due_at is not None else None
    if completed_at is not None:
        state = "completed"
    elif left is not None and left < 0:
        state = "overdue"
    else:
        state = "in_progress" if begun else "not_started"
    return Overview(
        lessons_done=sum(step.done_at is not None for step in lessons),
        lessons=len(lessons),
        tests_done=sum(step.done_at is not None for step in tests),
        tests=len(tests),
        following=next_step(steps),
        completed_at=completed_at,
        due_at=due_at,
        days_left=left,
        state=state,
    )


def joined(own: Overview, elsewhere: Elsewhere | None) -> Overview:
    """What the pages say where another record of the same person may have come further: nothing is asked twice."""
    if elsewhere is None:
        return own
    if elsewhere.state == "completed":
        return replace(own, state="completed", completed_at=elsewhere.since, following=None)
    return replace(own, state="in_progress") if own.state == "not_started" else own


def days_left(due_at: datetime, now: datetime) -> int:
    """Days in Vietnam's calendar until the due date; once it has passed, whole days since, below 0: -1 at first."""
    if now > due_at:
        return -((now - due_at) // timedelta(days=1) + 1)
    return (day_of(due_at) - day_of(now)).days
