"""The rules of an attempt: its time, its limit, and how answers travel between the paper and the page. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from assessments.bank.rules import MATCH, MULTIPLE, ORDER, SINGLE, Answer, complete
from courses.catalog.rules import Outline, OutlineModule, OutlineTest, Settings

GRACE = timedelta(seconds=30)
"""An answer sent in time may travel this long. Nobody is told to count on it."""

EARLY = timedelta(seconds=3)
"""The clock of a page may be so much ahead when it says that the time is over."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Phase = Literal["open", "expired", "closed"]


class UnknownChoice(ValueError):
    """The form names a choice that the paper did not offer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts in a test, told before one starts. 0 is no limit.

    The final test has no module; `number` is the place of the module in the course, from 1.
    """

    number: int
    module: OutlineModule | None
    test: OutlineTest
    questions: int
    minutes: int
    pass_mark: float
    max_attempts: int
    counting: Literal["best", "last", "first"]


@dataclass(frozen=True, slots=True)
class Printed:
    """What the page needs to know of a question to read its answer: `shown` as in `AttemptItem`."""

    position: int
    kind: str
    shown: Sequence[int]


def terms_of(outline: Outline, settings: Settings, code: str) -> Terms | None:
    """The terms of the test with this code; None when this version of the course has no such test."""
    for number, module in enumerate((*outline.modules, None), 1):
        test = module.test if module is not None else outline.final
        if test.code == code:
            return Terms(
                number=number,
                module=module,
                test=test,
                questions=settings.questions if module else settings.final_questions,
                minutes=settings.minutes if module else settings.final_minutes,
                pass_mark=settings.pass_mark,
                max_attempts=settings.max_attempts,
                counting=settings.attempt,
            )
    return None


def deadline(started: datetime, minutes: int) -> datetime | None:
    """When the paper must be handed in; None without a time limit."""
    return started + timedelta(minutes=minutes) if minutes else None


def phase(deadline_at: datetime | None, submitted_at: datetime | None, now: datetime) -> Phase:
    """open: answers are taken. expired: no longer, but it is not graded yet. closed: graded."""
    if submitted_at is not None:
        return "closed"
    return "expired" if deadline_at is not None and now > deadline_at + GRACE else "open"


def time_is_over(deadline_at: datetime | None, now: datetime, *, said: bool) -> bool:
    """Whether an attempt that is still open is to be closed now; `said` is that the clock of the page says so."""
    return deadline_at is not None and now >= deadline_at - (EARLY if said else timedelta())


def ended(deadline_at: datetime | None, now: datetime) -> datetime:
    """When an attempt closed now came to its end: never after its deadline."""
    return now if deadline_at is None else min(now, deadline_at)


def attempts_left(max_attempts: int, started: int) -> int | None:
    """How many more may be started; None is without limit."""
    return max(0, max_attempts - started) if max_attempts else None


def counting(scores: Sequence[float | None], which: Literal["best", "last", "first"]) -> int | None:
    """The index of the attempt that counts among all in order; None scores are not graded yet. The first of equals."""
    graded = [index for index, score in enumerate(scores) if score is not None]
    if not graded:
        return None
    if which == "best":
        return max(graded, key=lambda index: scores[index] or 0.0)
    return graded[0] if which == "first" else graded[-1]


def iso_duration(length: timedelta) -> str:
    """A length of time as ISO 8601 writes it, in whole seconds: PT6M12S."""
    minutes, seconds = divmod(max(0, int(length.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value]
    return "PT" + ("".join(parts) or "0S")


# How an answer travels. On the page a choice is the letter beside it, in the order shown, so that nothing of the key or
# of the order in the bank leaves the server. Field names are what a person reads if the form must be sent again after
# signing in, so they are Vietnamese; names that begin with "_" are the page's own bookkeeping.


def field_names(one: Printed) -> list[str]:
    """The names of the fields of a question: one for single and multiple, one for each row of order and match."""
    number = f"Câu {one.position}"
    if one.kind in (SINGLE, MULTIPLE):
        return [number]
    return [f"{number}, ý {row}" for row in rows(one)]


def known_field(position: int) -> str:
    """The hidden field with the answer the page was made with: only what differs from it was chosen on this page."""
    return f"_{position}"


def rows(one: Printed) -> list[str]:
    """The labels of the rows: letters for the parts of order, numbers for the left sides of match."""
    return [LETTERS[index] if one.kind == ORDER else str(index + 1) for index in range(len(one.shown))]


def code(one: Printed, answer: Answer | None) -> str:
    """The answer as the page writes it: "B", "AC", or one choice for each row: "2,1,,3". Empty without an answer."""
    if not answer:
        return ""
    if one.kind in (SINGLE, MULTIPLE):
        return "".join(sorted(LETTERS[one.shown.index(chosen)] for chosen in answer if chosen is not None))
    if one.kind == ORDER:
        places = [answer[part] for part in one.shown]
        return ",".join("" if place is None else str(place + 1) for place in places)
    return ",".join("" if chosen is None else LETTERS[one.shown.index(chosen)] for chosen in answer)


def chosen_code(one: Printed, values: Mapping[str, Sequence[str]]) -> str:
    """The same text, from the fields of a form."""
    if one.kind in (SINGLE, MULTIPLE):
        return "".join(sorted(values.get(field_names(one)[0], ())))
    picks = [(*values.get(name, ()), "")[0] for name in field_names(one)]
    return ",".join(picks) if any(picks) else ""


def answer_of(one: Printed, text: str) -> list[int | None] | None:
    """The answer behind such a text, in original positions; None when empty. Raises `UnknownChoice`."""
    if not text:
        return None
    offered = {LETTERS[index]: original for index, original in enumerate(one.shown)}
    try:
        if one.kind in (SINGLE, MULTIPLE):
            chosen = sorted({offered[letter] for letter in text})
            if one.kind == SINGLE and len(chosen) > 1:
                raise UnknownChoice(text)
            return list(chosen)
        picks = text.split(",")
        if len(picks) != len(one.shown):
            raise UnknownChoice(text)
        if one.kind == MATCH:
            return [offered[pick] if pick else None for pick in picks]
        places = {str(index + 1): index for index in range(len(picks))}
        by_part = {part: places[pick] if pick else None for part, pick in zip(one.shown, picks, strict=True)}
        return [by_part[part] for part in range(len(picks))]
    except KeyError:
        raise UnknownChoice(text) from None


def unanswered(answers: Mapping[int, tuple[str, Answer | None]]) -> list[int]:
    """The positions, in order, of the questions where something is still to be chosen."""
    return [position for position, (kind, answer) in sorted(answers.items()) if not complete(kind, answer)]
