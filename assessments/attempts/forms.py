"""The paper as a form: how a question becomes fields, and how the fields of a request become answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from assessments.attempts.queries import Asked
from assessments.attempts.rules import (
    LETTERS,
    Printed,
    answer_of,
    chosen_code,
    code,
    field_names,
    known_field,
    rows,
)
from assessments.bank.rules import MATCH, MULTIPLE, ORDER, SINGLE, Answer

THEN = "_then"
"""What is wanted after saving: "stay", "confirm", or "over" when the page's clock has run down."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be chosen: `value` is sent, `text` is read."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of order or match, with a list to choose from."""

    name: str
    label: str
    text: str
    picked: str


@dataclass(frozen=True, slots=True)
class QuestionField:
    """A question as the page draws it. Options and rows are told by letter and number in the order shown."""

    position: int
    kind: str
    stem: str
    name: str
    known_name: str
    known: str
    choices: list[Choice]
    rows: list[Row]
    picks: list[str]


def printed(one: Asked) -> Printed:
    """What is needed to read and write the answer of a question."""
    return Printed(one.position, one.kind, one.shown)


def question_field(one: Asked) -> QuestionField:
    """The fields of a question, holding the answer that is saved."""
    paper = printed(one)
    known = code(paper, one.response)
    names = field_names(paper)
    picks = known.split(",") if known else [""] * len(names)
    choices, lines = list[Choice](), list[Row]()
    if one.kind != ORDER:
        texts = one.answers if one.kind == MATCH else one.options
        choices = [Choice(LETTERS[i], texts[original], LETTERS[i] in known) for i, original in enumerate(one.shown)]
    if one.kind not in (SINGLE, MULTIPLE):
        texts = one.options if one.kind == MATCH else [one.options[original] for original in one.shown]
        told = zip(names, rows(paper), texts, picks, strict=True)
        lines = [Row(name, label, text, picked) for name, label, text, picked in told]
    return QuestionField(
        position=one.position,
        kind=one.kind,
        stem=one.stem,
        name=names[0],
        known_name=known_field(one.position),
        known=known,
        choices=choices,
        rows=lines,
        picks=[choice.value for choice in choices] or [str(place + 1) for place in range(len(lines))],
    )


def changed_answers(form: MultiDict[str, str], paper: Sequence[Asked]) -> dict[int, Answer | None]:
    """The answers, by position, that were chosen on the page that was sent and are not what is saved.

    Only questions the form holds are read, and of those only what differs from what its page was made with: an old
    page in another tab or on another device takes nothing back. Raises `UnknownChoice`.
    """
    values = {name: form.getlist(name) for name in form}
    changed: dict[int, Answer | None] = {}
    for one in paper:
        now = chosen_code(printed(one), values)
        if known_field(one.position) not in form or now == form[known_field(one.position)]:
            continue
        if now != code(printed(one), one.response):
            changed[one.position] = answer_of(printed(one), now)
    return changed
