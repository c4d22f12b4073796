"""The rules of the way through a course, by tables of cases."""

from datetime import UTC, date, datetime, timedelta

import pytest

from courses.briefings.rules import PLAIN, Evidence, days_overdue, stand
from courses.catalog.rules import Outline, OutlineLesson, OutlineModule, OutlineTest, Settings
from courses.learning.rules import (
    Record,
    Result,
    Step,
    by_module,
    days_left,
    heeded,
    neighbours,
    next_step,
    overview,
    reached,
    step_after,
    way,
)
from lms.clock import end_of_day
from lms.xapi.vocabulary import COMPLETED, FAILED, INITIALIZED, PASSED

NOON = datetime(2026, 3, 10, 5, tzinfo=UTC)
DUE = end_of_day(date(2026, 3, 10))


def outline(*, final: bool = False) -> Outline:
    """Two modules: lessons 1 and 2 with test 3, lesson 4 with test 5; the final test is 6."""

    def module(number: int, lessons: list[int], test: int) -> OutlineModule:
        return OutlineModule(
            module_id=number,
            module_version_id=number,
            code=f"m{number}",
            number=1,
            title=f"Chuyên đề {number}",
            title_en="",
            minutes=5,
            lessons=[OutlineLesson(activity_id=n, code=f"l{n}", title="", title_en="", minutes=5) for n in lessons],
            test=OutlineTest(activity_id=test, code=f"t{test}", required=not final),
        )

    last = OutlineTest(activity_id=6, code="t6", required=final)
    return Outline(modules=[module(1, [1, 2], 3), module(2, [4], 5)], final=last)


def read(hour: int = 0) -> Result:
    return Result(completed_at=NOON + timedelta(hours=hour))


def scored(*scores: float) -> Result:
    """The result of a test taken once an hour."""
    record = Record(1, None, NOON)
    for hour, score in enumerate(scores):
        verb = PASSED if score >= 0.7 else FAILED
        record = heeded(record, verb, 3, NOON + timedelta(hours=hour), score, 0.7)
    return record.results[3]


def codes(steps: list[Step]) -> list[str]:
    return [step.code for step in steps]


def test_lessons_and_tests_come_in_order_and_the_final_test_only_where_it_counts() -> None:
    steps = way(outline(), Settings(), {})
    assert codes(steps) == ["l1", "l2", "t3", "l4", "t5"]
    assert [step.number for step in steps] == [1, 2, 0, 3, 0]
    assert [codes(part) for part in by_module(steps)] == [["l1", "l2", "t3"], ["l4", "t5"]]
    steps = way(outline(final=True), Settings(counts="final"), {})
    assert [(step.code, step.required) for step in steps if step.lesson is None] == [
        ("t3", False),
        ("t5", False),
        ("t6", True),
    ]
    assert codes(by_module(steps)[-1]) == ["t6"]


@pytest.mark.parametrize(
    ("results", "settings", "following"),
    [
        ({}, Settings(), "l1"),
        ({1: read()}, Settings(), "l2"),
        ({2: read()}, Settings(), "l1"),
        ({1: read(), 2: read()}, Settings(), "t3"),
        ({1: read(), 2: read(), 3: scored(0.5)}, Settings(), "t3"),
        ({1: read(), 2: read(), 3: scored(0.5)}, Settings(max_attempts=2), "t3"),
        ({1: read(), 2: read(), 3: scored(0.5, 0.6)}, Settings(max_attempts=2), "l4"),
        ({1: read(), 2: read(), 3: scored(0.5)}, Settings(attempt="first"), "l4"),
        ({1: read(), 2: read(), 3: scored(0.9, 0.5)}, Settings(), "l4"),
        ({1: read(), 2: read(), 3: scored(0.9, 0.5)}, Settings(attempt="last"), "t3"),
        ({1: read(), 2: read(), 3: scored(0.9), 4: read(), 5: scored(0.7)}, Settings(), None),
    ],
)
def test_the_next_step_is_the_first_that_is_open_and_can_be_done(
    results: dict[int, Result], settings: Settings, following: str | None
) -> None:
    step = next_step(way(outline(), settings, results))
    assert (step.code if step else None) == following


@pytest.mark.parametrize(
    ("result", "settings", "state", "score"),
    [
        (Result(), Settings(), "not_taken", None),
        (scored(0.5), Settings(), "failed", 0.5),
        (scored(0.5, 0.7), Settings(), "passed", 0.7),
        (scored(0.9, 0.4), Settings(), "passed", 0.9),
        (scored(0.9, 0.4), Settings(attempt="last"), "failed", 0.4),
        (scored(0.4, 0.9), Settings(attempt="first"), "failed", 0.4),
    ],
)
def test_a_test_shows_the_attempt_that_counts(
    result: Result, settings: Settings, state: str, score: float | None
) -> None:
    step = way(outline(), settings, {3: result})[2]
    assert (step.state, step.score) == (state, score)


def test_after_a_lesson_comes_what_is_still_open_behind_it() -> None:
    steps = way(outline(), Settings(), {2: read(), 4: read()})
    assert [(step.code if step else None) for step in (step_after(steps, "l1"), step_after(steps, "l4"))] == [
        "t3",
        "t5",
    ]
    done = way(outline(), Settings(), {5: scored(0.9)})
    assert step_after(done, "l4") is None


def test_pages_turn_over_what_is_required() -> None:
    steps = way(outline(final=True), Settings(counts="final"), {})

    def turned(code: str) -> list[str | None]:
        return [step.code if step else None for step in neighbours(steps, code)]

    assert [turned(code) for code in ("l1", "l2", "l4")] == [[None, "l2"], ["l1", "l4"], ["l2", "t6"]]


@pytest.mark.parametrize(
    ("due_at", "begun", "results", "state"),
    [
        (None, False, {}, "not_started"),
        (None, True, {}, "in_progress"),
        (DUE, True, {}, "in_progress"),
        (NOON - timedelta(seconds=1), False, {}, "overdue"),
        (NOON - timedelta(seconds=1), True, {1: read()}, "overdue"),
        (
            NOON - timedelta(days=9),
            True,
            {1: read(), 2: read(), 3: scored(0.9), 4: read(), 5: scored(0.9)},
            "completed",
        ),
    ],
)
def test_the_state_of_a_course_for_a_learner(
    due_at: datetime | None, begun: bool, results: dict[int, Result], state: str
) -> None:
    seen = overview(way(outline(), Settings(), results), begun=begun, due_at=due_at, now=NOON)
    assert seen.state == state


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("attempt", ["best", "last", "first"])
def test_the_learner_and_the_head_are_told_the_same_about_completion(final: bool, attempt: str) -> None:
    settings = Settings(counts="final" if final else "modules", attempt=attempt)  # type: ignore[arg-type]
    record = Record(1, None, NOON)
    heard = [(INITIALIZED, None, None), (COMPLETED, 1, None), (COMPLETED, 2, None), (FAILED, 3, 0.5), (PASSED, 3, 0.8)]
    heard += [(COMPLETED, 4, None), (PASSED, 5, 0.9), (FAILED, 6, 0.3), (PASSED, 6, 0.7), (FAILED, 6, 0.1)]
    for hour, (verb, activity, scaled) in enumerate(heard):
        record = heeded(record, verb, activity, NOON + timedelta(hours=hour), scaled, settings.pass_mark)
        come = reached(outline(final=final), settings, record)
        steps = way(outline(final=final), settings, record.results)
        seen = overview(steps, begun=True, due_at=None, now=NOON)
        assert seen.completed_at == stand(PLAIN, "cong_chuc", Evidence(come)).completed_at
        assert (seen.lessons_done == seen.lessons) == (come.lessons_at is not None)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (DUE - timedelta(days=12), 12),
        (DUE - timedelta(hours=25), 1),
        (DUE - timedelta(hours=23), 0),
        (DUE, 0),
        (DUE + timedelta(seconds=1), -1),
        (DUE + timedelta(days=1), -2),
        (DUE + timedelta(days=2, hours=23), -3),
    ],
)
def test_days_left_are_days_of_the_calendar(now: datetime, left: int) -> None:
    assert days_left(DUE, now) == left


@pytest.mark.parametrize("hours", [-49, -1, 0, 1, 23, 24, 25, 48, 700])
def test_the_learner_and_the_head_count_the_same_days_overdue(hours: int) -> None:
    for due_at in (DUE, NOON):
        now = due_at + timedelta(hours=hours)
        assert max(0, -days_left(due_at, now)) == days_overdue(due_at, now)
