"""What charts are drawn from: days added up, scores in steps. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from analytics.facts.rules import FEWEST

PER_STEP = 1_000
"""Scores come in thousandths of a point; a step is a point."""

STEPS = 10


@dataclass(frozen=True, slots=True)
class Day:
    """How many were briefed and completed on a day, and until its end."""

    day: date
    briefed: int
    completed: int
    briefed_by: int
    completed_by: int


def added_up(days: Iterable[tuple[date, int, int]]) -> list[Day]:
    """The days, in their order, with what they come to."""
    found: list[Day] = []
    briefed_by = completed_by = 0
    for day, briefed, completed in days:
        briefed_by, completed_by = briefed_by + briefed, completed_by + completed
        found.append(Day(day, briefed, completed, briefed_by, completed_by))
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """So many people have `low` points of ten or more, and fewer than `high`; ten points belong to the last step."""

    low: int
    high: int
    people: int


def steps(scores: Mapping[int, int]) -> list[Step]:
    """The people by their score (thousandths of a point, with how many have it), from 0 to 10.

    A step with fewer than `FEWEST` people, but with some, is joined with the next ones; at the end with those before.
    Empty when there are fewer people than that in all.
    """
    if sum(scores.values()) < FEWEST:
        return []
    single = [0] * STEPS
    for score, people in scores.items():
        single[min(score // PER_STEP, STEPS - 1)] += people
    found: list[Step] = []
    low = people = 0
    for place, more in enumerate(single):
        people += more
        if people >= FEWEST or not people:
            found.append(Step(low, place + 1, people))
            low, people = place + 1, 0
    if people:
        found = joined_at_the_end(found, people)
    return found


def joined_at_the_end(found: Sequence[Step], people: int) -> list[Step]:
    """The steps with a few people more at the upper end, who go to the last step that has people."""
    last = max(place for place, one in enumerate(found) if one.people)
    return [*found[:last], Step(found[last].low, STEPS, found[last].people + people)]
