"""Grading: how far an answer agrees with a question. Pure, and exact: points are fractions, never rounded here.

An answer is a list. For single and multiple it holds the positions chosen; for order and match it has one place for
each option of the question: the place in the order, or the answer it was matched with, None where nothing was chosen.
Positions count from 0 and are those of the question as written, whatever order was shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

SINGLE, MULTIPLE, ORDER, MATCH = "single", "multiple", "order", "match"

Answer = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Keyed:
    """What grading needs to know of a question: its kind, how many options it has, and the right ones among them.

    `key` is empty for order and match: there each option belongs at its own position.
    """

    kind: str
    size: int
    key: Sequence[int] = ()


def points(question: Keyed, answer: Answer | None) -> Fraction:
    """From 0 to 1.

    single: the right option. multiple: each right option adds and each wrong one takes away one part of the whole, so
    that ticking everything earns nothing; never below 0. order and match: one part for each option in its right place.
    """
    if not answer:
        return Fraction(0)
    if question.kind == SINGLE:
        return Fraction(list(answer) == list(question.key))
    if question.kind == MULTIPLE:
        right = len(set(answer) & set(question.key))
        wrong = len(set(answer) - set(question.key))
        return Fraction(max(0, right - wrong), len(question.key))
    in_place = sum(chosen == option for option, chosen in enumerate(answer))
    return Fraction(in_place, question.size)


def complete(kind: str, answer: Answer | None) -> bool:
    """Whether nothing is left to choose. Of multiple, one option is enough: only the key knows how many are right."""
    return bool(answer) and None not in (answer or ())


def scaled(all_points: Sequence[Fraction]) -> float:
    """The score of a whole paper, 0 to 1: the mean, rounded half up to one decimal of the scale of 10.

    The rounded score is the only one there is: what a learner reads as 7 is 0.7 wherever a pass mark is compared.
    """
    if not all_points:
        return 0.0
    tenths = sum(all_points) * 100 / len(all_points)
    return int(tenths + Fraction(1, 2)) / 100
