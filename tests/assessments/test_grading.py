"""Grading, by table: how far an answer agrees with a question, and what a paper is worth."""

from fractions import Fraction

import pytest

from assessments.bank.rules import Keyed, complete, points, scaled

SINGLE = Keyed("single", 4, [2])
MULTIPLE = Keyed("multiple", 4, [0, 2])
ORDER = Keyed("order", 4)
MATCH = Keyed("match", 3)


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        (SINGLE, [2], 1),
        (SINGLE, [1], 0),
        (SINGLE, [], 0),
        (SINGLE, None, 0),
        (MULTIPLE, [0, 2], 1),
        (MULTIPLE, [2, 0], 1),
        (MULTIPLE, [0], Fraction(1, 2)),
        (MULTIPLE, [0, 1], 0),
        (MULTIPLE, [0, 1, 2], Fraction(1, 2)),
        (MULTIPLE, [0, 1, 2, 3], 0),
        (MULTIPLE, [1, 3], 0),
        (ORDER, [0, 1, 2, 3], 1),
        (ORDER, [1, 0, 2, 3], Fraction(1, 2)),
        (ORDER, [3, 2, 1, 0], 0),
        (ORDER, [0, None, None, None], Fraction(1, 4)),
        (ORDER, [0, 0, 0, 0], Fraction(1, 4)),
        (MATCH, [0, 1, 2], 1),
        (MATCH, [0, 2, 1], Fraction(1, 3)),
        (MATCH, [None, 1, 2], Fraction(2, 3)),
    ],
)
def test_points_of_an_answer(question: Keyed, answer: list[int | None] | None, expected: Fraction | int) -> None:
    assert points(question, answer) == expected


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("single", None, False),
        ("single", [], False),
        ("single", [0], True),
        ("multiple", [1, 2], True),
        ("order", [0, 1, None], False),
        ("order", [0, 1, 2], True),
        ("match", [None, None], False),
    ],
)
def test_an_answer_is_complete_when_nothing_is_left_to_choose(
    kind: str, answer: list[int | None] | None, expected: bool
) -> None:
    assert complete(kind, answer) is expected


@pytest.mark.parametrize(
    ("earned", "expected"),
    [
        ([], 0.0),
        ([Fraction(0)] * 6, 0.0),
        ([Fraction(1)] * 6, 1.0),
        ([Fraction(1)] * 5 + [Fraction(0)], 0.83),
        ([Fraction(1)] * 2 + [Fraction(0)], 0.67),
        ([Fraction(1), Fraction(1), Fraction(1, 3)], 0.78),
        ([Fraction(139, 200)], 0.7),  # 6,95 is rounded up to 7,0: what is read as 7 passes a mark of 7
        ([Fraction(694, 1000)], 0.69),
        ([Fraction(1, 10)] * 7 + [Fraction(0)] * 3, 0.07),
    ],
)
def test_the_score_is_rounded_to_one_decimal_of_the_scale_of_ten(earned: list[Fraction], expected: float) -> None:
    assert scaled(earned) == expected
