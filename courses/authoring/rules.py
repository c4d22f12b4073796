"""What changed between two texts, for people to read before they publish. Pure."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

import msgspec

from courses.catalog.rules import LessonText

LONGEST_QUOTE = 70
"""So much of a line is quoted where something is wrong with it: enough to find it again."""

LONGEST_BODY = 20_000
"""Characters of a lesson: five times the longest of the library, and the bound on the work of drawing one."""

CONTEXT = 1
ALIKE = 0.35

Kind = Literal["same", "del", "ins"]


class Piece(NamedTuple):
    """A stretch of text that stayed, went or came."""

    kind: Kind
    text: str


class Passage(NamedTuple):
    """Pieces to read as one paragraph; no pieces: something unchanged is left out here."""

    pieces: tuple[Piece, ...]


class Change(NamedTuple):
    """A field of a lesson that differs."""

    field: str
    passages: tuple[Passage, ...]


GAP = Passage(())


def changes(published: LessonText, working: LessonText) -> list[Change]:
    """What publishing the working text would change, field by field."""
    old, new = readable(published), readable(working)
    return [Change(field, tuple(passages(old[field], new[field]))) for field in old if old[field] != new[field]]


def readable(lesson: LessonText) -> dict[str, str]:
    """The fields of a lesson as text; its code never changes."""
    told = msgspec.structs.asdict(lesson)
    return {
        name: "\n".join(value) if isinstance(value, list) else str(value)
        for name, value in told.items()
        if name != "code"
    }


def passages(old: str, new: str) -> Iterator[Passage]:
    """The lines that differ, word by word where they are alike, with a line of what surrounds them."""
    before, after = old.split("\n"), new.split("\n")
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for number, (step, start, end, to_start, to_end) in enumerate(steps):
        if step == "equal":
            yield from surroundings(before[start:end], first=number == 0, last=number == len(steps) - 1)
        else:
            yield Passage(tuple(pieces("\n".join(before[start:end]), "\n".join(after[to_start:to_end]))))


def surroundings(lines: Sequence[str], *, first: bool, last: bool) -> Iterator[Passage]:
    """Of unchanged lines only those next to a change."""
    told = [line for line in lines if line.strip()]
    head = [] if first else told[:CONTEXT]
    tail = [] if last else told[len(head) :][-CONTEXT:]
    yield from (Passage((Piece("same", line),)) for line in head)
    if len(told) > len(head) + len(tail):
        yield GAP
    yield from (Passage((Piece("same", line),)) for line in tail)


def pieces(old: str, new: str) -> Iterator[Piece]:
    """The words that stayed, went and came; texts that have little in common are not interleaved."""
    before, after = re.findall(r"\s+|\S+", old), re.findall(r"\s+|\S+", new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    steps = matcher.get_opcodes() if matcher.ratio() > ALIKE else [("replace", 0, len(before), 0, len(after))]
    for step, start, end, to_start, to_end in steps:
        if step == "equal":
            yield Piece("same", "".join(before[start:end]))
            continue
        if start < end:
            yield Piece("del", "".join(before[start:end]))
        if to_start < to_end:
            yield Piece("ins", "".join(after[to_start:to_end]))


def quoted_line(text: str, number: int) -> str:
    """A line of the text, counted from 1, as it is quoted in a message; nothing when it is empty or not there."""
    lines = text.split("\n")
    line = " ".join(lines[number - 1].split()) if 0 < number <= len(lines) else ""
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1].rstrip() + "…"
