"""How figures become an answer: the state of a unit, the words for a document, what a person still lacks. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics.facts.rules import PEOPLE, Branch, Count
from analytics.facts.vocabulary import document_of as document_of
from analytics.facts.vocabulary import in_sentence as in_sentence
from courses.catalog.rules import Outline, Settings
from courses.learning.rules import Record, Result

STATES = {
    "": ("not_started", "in_progress", "briefed"),
    "not_briefed": ("not_started", "in_progress"),
    "not_started": ("not_started",),
    "in_progress": ("in_progress",),
    "not_passed": ("briefed",),
    "overdue": ("not_started", "in_progress", "briefed"),
}
"""What one may ask of those who have not completed, and the standings meant. Overdue asks for the due date as well."""


def asked_state(code: str) -> str:
    """What is asked of the list of names: a key of `STATES`, or a count of people; what is neither asks for all."""
    return code if code in STATES or code in PEOPLE else ""


def many(count: Count, state: str) -> int:
    """How many people are in the state that is asked for."""
    if state not in STATES or state == "overdue":
        return int(getattr(count, state))
    return sum(count.by_state[one] for one in STATES[state])


def unit_state(count: Count) -> str:
    """nobody, not_begun, completed, overdue, briefed or under_way: where a unit stands as a whole."""
    if count.people == 0:
        return "nobody"
    if count.started == 0:
        return "not_begun"
    if count.completed == count.people:
        return "completed"
    if count.overdue:
        return "overdue"
    return "briefed" if count.briefed == count.people else "under_way"


def most_urgent(branches: Iterable[Branch]) -> list[Branch]:
    """The branches that have people, the ones to be urged on first.

    Before all others those with people who are late, the larger share first; then by the share of people briefed, the
    lowest first, and by the share of those who have completed. Equals keep their order.
    """
    return sorted((one for one in branches if one.count.people), key=lambda one: urgency(one.count))


def urgency(count: Count) -> tuple[float, float, float]:
    """What `most_urgent` sorts by, for a unit with people."""
    return -count.overdue / count.people, count.briefed / count.people, count.completed / count.people


def late_since(late: Sequence[Branch]) -> datetime | None:
    """The due date that has passed, when it is the same for all these branches and none of them has another to come."""
    days = {one.last_due for one in late}
    return days.pop() if len(days) == 1 and all(one.next_due is None for one in late) else None


@dataclass(frozen=True, slots=True)
class Done:
    """How much of a course a person has done: lessons finished and required tests passed, each of how many."""

    lessons: int
    of_lessons: int
    tests: int
    of_tests: int


def done(outline: Outline, settings: Settings, record: Record) -> Done:
    """What the record of a person contains of the version this person studies."""
    lessons, tests = outline.lessons(), outline.required_tests()
    nothing = Result()
    return Done(
        lessons=sum(record.results.get(one.activity_id, nothing).completed_at is not None for one in lessons),
        of_lessons=len(lessons),
        tests=sum(record.results.get(one.activity_id, nothing).passed(settings) is not None for one in tests),
        of_tests=len(tests),
    )
