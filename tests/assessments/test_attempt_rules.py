"""The time of an attempt, its limit, which one counts, and how answers travel to the page and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assessments.attempts.rules import (
    GRACE,
    Printed,
    UnknownChoice,
    answer_of,
    attempts_left,
    chosen_code,
    code,
    counting,
    deadline,
    ended,
    field_names,
    iso_duration,
    phase,
)

NOON = datetime(2026, 4, 22, 5, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

SINGLE = Printed(1, "single", [2, 0, 3, 1])
MULTIPLE = Printed(2, "multiple", [3, 2, 1, 0])
ORDER = Printed(3, "order", [1, 2, 0])
MATCH = Printed(4, "match", [2, 0, 1])


@pytest.mark.parametrize(
    ("deadline_at", "submitted_at", "now", "expected"),
    [
        (None, None, NOON + timedelta(days=9), "open"),
        (NOON, None, NOON - SECOND, "open"),
        (NOON, None, NOON + GRACE, "open"),
        (NOON, None, NOON + GRACE + SECOND, "expired"),
        (NOON, NOON, NOON + timedelta(hours=1), "closed"),
        (None, NOON, NOON, "closed"),
    ],
)
def test_an_attempt_is_open_until_its_deadline_and_the_grace_are_over(
    deadline_at: datetime | None, submitted_at: datetime | None, now: datetime, expected: str
) -> None:
    assert phase(deadline_at, submitted_at, now) == expected


def test_an_attempt_never_ends_after_its_deadline() -> None:
    assert deadline(NOON, 15) == NOON + timedelta(minutes=15)
    assert deadline(NOON, 0) is None
    assert ended(None, NOON) == NOON
    assert ended(NOON, NOON + timedelta(days=1)) == NOON
    assert ended(NOON, NOON - SECOND) == NOON - SECOND


@pytest.mark.parametrize(
    ("limit", "started", "expected"), [(0, 0, None), (0, 99, None), (2, 0, 2), (2, 1, 1), (2, 2, 0), (2, 3, 0)]
)
def test_started_attempts_are_counted_against_the_limit(limit: int, started: int, expected: int | None) -> None:
    assert attempts_left(limit, started) == expected


@pytest.mark.parametrize(
    ("scores", "which", "expected"),
    [
        ([], "best", None),
        ([None], "best", None),
        ([0.5, 0.9, 0.9, 0.7], "best", 1),
        ([0.5, 0.9, 0.7], "last", 2),
        ([0.5, 0.9, 0.7], "first", 0),
        ([0.5, None], "last", 0),
        ([0.0], "best", 0),
    ],
)
def test_which_attempt_counts(scores: list[float | None], which: Any, expected: int | None) -> None:
    assert counting(scores, which) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "PT0S"), (0.9, "PT0S"), (59, "PT59S"), (60, "PT1M"), (372.5, "PT6M12S"), (3600, "PT1H"), (90061, "PT25H1M1S")],
)
def test_a_length_of_time_as_iso_8601(seconds: float, expected: str) -> None:
    assert iso_duration(timedelta(seconds=seconds)) == expected


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        (SINGLE, None, ""),
        (SINGLE, [2], "A"),
        (SINGLE, [1], "D"),
        (MULTIPLE, [0, 3], "AD"),
        (MULTIPLE, [1], "C"),
        (ORDER, [0, 1, 2], "2,3,1"),  # shown: second, third, first part
        (ORDER, [None, 0, None], "1,,"),
        (MATCH, [2, 0, 1], "A,B,C"),
        (MATCH, [0, None, 2], "B,,A"),
    ],
)
def test_an_answer_travels_to_the_page_and_back(question: Printed, answer: list[int | None] | None, text: str) -> None:
    assert code(question, answer) == text
    assert answer_of(question, text) == answer
    names = field_names(question)
    values = (
        {names[0]: list(text)} if len(names) == 1 else {n: [v] for n, v in zip(names, text.split(","), strict=False)}
    )
    assert chosen_code(question, values) == text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (SINGLE, "E"),
        (SINGLE, "AB"),
        (SINGLE, "0"),
        (MULTIPLE, "AZ"),
        (ORDER, "1,2"),
        (ORDER, "1,2,4"),
        (ORDER, "A,B,C"),
        (MATCH, "A,B,C,D"),
        (MATCH, "1,2,3"),
    ],
)
def test_a_choice_that_was_not_offered_is_refused(question: Printed, text: str) -> None:
    with pytest.raises(UnknownChoice):
        answer_of(question, text)


def test_fields_are_named_in_words_a_person_can_read_when_a_form_must_be_sent_again() -> None:
    assert field_names(SINGLE) == ["Câu 1"]
    assert field_names(ORDER) == ["Câu 3, ý A", "Câu 3, ý B", "Câu 3, ý C"]
    assert field_names(MATCH) == ["Câu 4, ý 1", "Câu 4, ý 2", "Câu 4, ý 3"]
