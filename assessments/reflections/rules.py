"""What a reflection asks, when it may be handed in, and what becomes of a text that two pages have changed. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from courses.briefings.rules import Policy

WRITING, WAITING, RETURNED, ACCEPTED = "writing", "waiting", "returned", "accepted"
STATES = (WAITING, RETURNED, ACCEPTED, WRITING)
"""Where a reflection is: in the writer's hands, with the reader, to be written again, accepted."""

MOST_QUESTIONS = 5
LONGEST_QUESTION = 500
LONGEST_ANSWER = 20_000  # characters, whatever the question allows: a form has an end
MOST_WORDS = 2_000
EMPTY, SHORT, LONG = "empty", "short", "long"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and how many words its answer has: `least` 0 asks for some, `most` is never nought."""

    text: str
    least: int
    most: int


def questions_of(document: Iterable[Mapping[str, Any]]) -> list[Question]:
    """Questions as `document_of` wrote them."""
    return [Question(one["text"], one["least"], one["most"]) for one in document]


def document_of(questions: Iterable[Question]) -> list[dict[str, Any]]:
    """Questions as plain JSON."""
    return [asdict(one) for one in questions]


def asks(policy: Policy) -> bool:
    """Whether the policy asks anybody for a reflection."""
    return any(asked.reflection for asked in (policy.asked, *policy.by_category.values()))


def words(text: str) -> int:
    """How many words (chữ) a text has."""
    return len(text.split())


def problems(questions: Sequence[Question], answers: Sequence[str]) -> dict[int, str]:
    """Why it cannot be handed in: by the number of the question, from 1, EMPTY, SHORT or LONG."""
    found = {}
    for number, question in enumerate(questions, 1):
        written = words(answers[number - 1]) if number <= len(answers) else 0
        if not written:
            found[number] = EMPTY
        elif written < question.least:
            found[number] = SHORT
        elif written > question.most:
            found[number] = LONG
    return found


def fingerprint(text: str) -> str:
    """A mark of a text by which a page says which one it was made with."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer as a page sends it, and the mark of the one the page was made with."""

    known: str
    text: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The answers as they shall be kept, and the numbers of those that somebody has changed elsewhere meanwhile."""

    answers: list[str]
    elsewhere: tuple[int, ...]


def merged(saved: Sequence[str], sent: Mapping[int, Sent]) -> Merged:
    """What a page sends, laid into what is kept.

    What the page has not changed is left as it is: an old page in another tab takes nothing back. Where both have
    changed, neither is lost: the kept text stays, and the number is told.
    """
    answers, elsewhere = list(saved), []
    for number, one in sorted(sent.items()):
        kept = answers[number - 1]
        if one.text == kept or fingerprint(one.text) == one.known:
            continue
        if fingerprint(kept) == one.known:
            answers[number - 1] = one.text
        else:
            elsewhere.append(number)
    return Merged(answers, tuple(elsewhere))


def may_write(state: str) -> bool:
    """Whether the text is in the writer's hands."""
    return state in {WRITING, RETURNED}
