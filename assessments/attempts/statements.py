"""The sentences a test says: it was begun, its questions were answered, it was passed or not.

Answers follow the interaction types of the standard (IEEE 9274.1.1, 4.2.2.2, Interaction Activities). The names of the
choices are digests of their texts: they say nothing of the key, and stay the same when options are reordered. The
pattern of right answers is never sent.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from assessments.attempts.rules import Terms, iso_duration
from assessments.bank.rules import MATCH, MULTIPLE, ORDER, SINGLE, Answer
from lms.xapi import vocabulary
from lms.xapi.statement import Activity, sentence

INTERACTIONS = {SINGLE: "choice", MULTIPLE: "choice", ORDER: "sequencing", MATCH: "matching"}


@dataclass(frozen=True, slots=True)
class Answered:
    """A question of a paper with the answer given, as a statement needs it."""

    code: str
    number: int
    kind: str
    stem: str
    options: Sequence[str]
    answers: Sequence[str]
    answer: Answer
    points: Fraction


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes the test, under which registration, in which version of the course."""

    home: str
    account: uuid.UUID
    registration: uuid.UUID
    revision: int
    course_code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: when, after how long, with what share of the score, and whether that is enough."""

    at: datetime
    took: timedelta
    scaled: float
    passed: bool


def assessment(taker: Taker, terms: Terms) -> Activity:
    """A test as statements name it."""
    iri = vocabulary.activity_iri(taker.home, taker.course_code, terms.test.code)
    module = terms.module
    if module is None:
        return Activity(iri, vocabulary.ASSESSMENT, "Bài kiểm tra cuối khóa", "Final test")
    name = f"Bài kiểm tra chuyên đề {terms.number}: {module.title}"
    return Activity(iri, vocabulary.ASSESSMENT, name, f"Test of module {terms.number}: {module.title_en}")


def began_test(taker: Taker, test: Activity, *, within: tuple[Activity, ...], at: datetime) -> dict[str, Any]:
    """This person started an attempt."""
    return said(taker, vocabulary.ATTEMPTED, test, within=within, at=at)


def answered_question(taker: Taker, one: Answered, *, within: tuple[Activity, ...], at: datetime) -> dict[str, Any]:
    """This person answered a question of the test so."""
    iri = vocabulary.question_iri(taker.home, taker.course_code, one.code, one.number)
    result = {
        "response": response(one),
        "success": one.points == 1,
        "score": {"scaled": float(one.points), "raw": float(one.points), "min": 0, "max": 1},
    }
    question = Activity(iri, vocabulary.QUESTION, one.stem)
    statement = said(taker, vocabulary.ANSWERED, question, within=within, at=at, result=result)
    statement["object"]["definition"] |= {"interactionType": INTERACTIONS[one.kind], **components(one)}
    return statement


def ended_test(taker: Taker, test: Activity, *, within: tuple[Activity, ...], outcome: Outcome) -> dict[str, Any]:
    """This person passed or failed the test, with this score on the scale of 10."""
    result = {
        "score": {"scaled": outcome.scaled, "raw": round(outcome.scaled * 10, 1), "min": 0, "max": 10},
        "success": outcome.passed,
        "completion": True,
        "duration": iso_duration(outcome.took),
    }
    verb = vocabulary.PASSED if outcome.passed else vocabulary.FAILED
    return said(taker, verb, test, within=within, at=outcome.at, result=result)


def said(
    taker: Taker,
    verb: str,
    activity: Activity,
    *,
    within: tuple[Activity, ...],
    at: datetime,
    result: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return sentence(
        taker.home,
        taker.account,
        verb,
        activity,
        at=at,
        registration=taker.registration,
        revision=taker.revision,
        within=within,
        result=result,
    )


def choice_id(text: str) -> str:
    """The name of a choice in statements."""
    return "c" + hashlib.sha256(text.encode()).hexdigest()[:10]


def response(one: Answered) -> str:
    """The answer in the notation of the standard: "a[,]b" or "a[.]x[,]b[.]y". What was not chosen is left out."""
    if one.kind in (SINGLE, MULTIPLE):
        return "[,]".join(sorted(choice_id(one.options[chosen]) for chosen in one.answer if chosen is not None))
    placed = [(chosen, option) for option, chosen in enumerate(one.answer) if chosen is not None]
    if one.kind == ORDER:
        return "[,]".join(choice_id(one.options[option]) for _place, option in sorted(placed))
    return "[,]".join(
        f"{choice_id(one.options[option])}[.]{choice_id(one.answers[chosen])}" for chosen, option in placed
    )


def components(one: Answered) -> dict[str, Any]:
    """What could be chosen, sorted by name so that the order betrays nothing."""
    options = listed(one.options)
    return {"source": options, "target": listed(one.answers)} if one.kind == MATCH else {"choices": options}


def listed(texts: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"id": name, "description": {"vi": text}} for name, text in sorted((choice_id(text), text) for text in texts)
    ]
