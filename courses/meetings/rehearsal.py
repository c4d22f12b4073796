"""What a list or a filled-in sheet would say of the people of a point, line by line, before it is stated. Pure."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from courses.meetings.rules import THERE, columns_of, state_spelt, step
from lms.text import fold

HEAD_WITHIN = 12
"""The head of a list stands in its first lines: above it are titles."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the point whom a line may mean: what stands of them, and the codes of staff they bear."""

    public_id: uuid.UUID
    name: str
    unit: str
    state: str | None
    elsewhere: bool
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line and what it would do. `result` is that of `rules.step`, or why it does nothing.

    nobody: no such person at this point; several: more than one; unclear: the state is none we know; again: the person
    stands in an earlier line.
    """

    number: int
    name: str
    unit: str
    said: str
    result: str
    person: Candidate | None = None
    state: str | None = None


class NoHead(ValueError):
    """None of the first lines names the columns."""


def read(lines: Sequence[tuple[int, Sequence[str]]], people: Sequence[Candidate]) -> list[Line]:
    """What each line of a list would do; lines that say no state are passed over. Raises `NoHead`."""
    heads = [(place, columns_of(cells)) for place, (_number, cells) in enumerate(lines[:HEAD_WITHIN])]
    start, columns = next(((place, columns) for place, columns in heads if columns), (-1, {}))
    if not columns:
        raise NoHead
    known, met, found = Known(people), set[uuid.UUID](), []
    for number, cells in lines[start + 1 :]:
        told = {field: cells[place].strip() if place < len(cells) else "" for field, place in columns.items()}
        if not told["state"] or not (told.get("code") or told.get("name")):
            continue
        line = judged(number, told, known)
        who = line.person.public_id if line.person is not None else None
        found.append(again(line) if who in met else line)
        met |= {who} if who is not None else set()
    return found


def again(line: Line) -> Line:
    """The same person in a second line: the first one counts."""
    return Line(line.number, line.name, line.unit, line.said, "again")


class Known:
    """The people of a point by staff code and by name."""

    def __init__(self, people: Iterable[Candidate]) -> None:
        self.by_code: dict[str, list[Candidate]] = {}
        self.by_name: dict[str, list[Candidate]] = {}
        for one in people:
            self.by_name.setdefault(fold(one.name), []).append(one)
            for code in one.codes:
                self.by_code.setdefault(fold(code), []).append(one)

    def meant(self, told: Mapping[str, str]) -> list[Candidate]:
        """Whom a line may mean: by code where there is one, else by name, and by unit where names are alike."""
        if code := told.get("code"):
            return self.by_code.get(fold(code), [])
        same = self.by_name.get(fold(told.get("name", "")), [])
        unit = fold(told.get("unit", ""))
        if len(same) > 1 and unit:
            return [one for one in same if unit == fold(one.unit)] or same
        return same


def judged(number: int, told: Mapping[str, str], known: Known) -> Line:
    """What one line would do."""
    name, unit = told.get("name") or told.get("code", ""), told.get("unit", "")
    state, meant = state_spelt(told["state"]), known.meant(told)
    if state is None or len(meant) != 1:
        result = "unclear" if state is None else "several" if meant else "nobody"
        return Line(number, name, unit, told["state"], result)
    return line_of(number, meant[0], state, told["state"])


def line_of(number: int, person: Candidate, state: str, said: str = "") -> Line:
    """What saying this of somebody would do."""
    result = step(person.state, state, elsewhere=person.elsewhere)
    return Line(number, person.name, person.unit, said, result, person, state)


def filled_in(people: Sequence[Candidate], exceptions: Mapping[str, Sequence[int]]) -> list[Line]:
    """What a printed sheet would say: those on the lines of `exceptions` by their state, everybody else was present.

    Whoever was entered as present already stands as it is.
    """
    told = {number: state for state, numbers in exceptions.items() for number in numbers}
    return [
        line_of(number, one, told.get(number, "present"))
        for number, one in enumerate(people, 1)
        if number in told or one.state not in THERE
    ]
