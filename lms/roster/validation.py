"""Whether a line says what a line about a person must say: each cell becomes a value, or a fault. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from lms.roster.matching import HEAD_WITHIN, Place, Places, Record, plain
from lms.roster.rules import (
    BROKEN,
    DOUBTFUL,
    LONGEST_READ,
    MOST_IN_HEADS,
    SKIP,
    Birth,
    Line,
    NoCode,
    NoDay,
    Refused,
    Settings,
    Sheet,
    birth,
    code_key,
    kept_cell,
    staff_code,
)
from lms.roster.spelling import as_meant, strange
from lms.roster.vocabulary import (
    BORN,
    BRANCH,
    CATEGORY,
    CATEGORY_WORDS,
    CODE,
    DEPARTMENT,
    EMAIL,
    FAMILY,
    FULL_NAME,
    GIVEN,
    NEVER_KEPT,
    NOT_NAMES,
    ORDER,
    PARTY,
    PARTY_WORDS,
    POSITION,
    UNIT,
    UNIT_CODE,
)
from lms.text import fold

EMAIL_FORM = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\".]+(?:\.[^@\s,;<>\".]+)+")
LONGEST_NAME, LONGEST_POSITION, LONGEST_EMAIL = 100, 150, 200
BRANCH_KEY = "@"
"""Begins the key of a text that names a Party organisation; the others name units of the state tree."""


NEVER = re.compile(NEVER_KEPT)
NUMERAL = re.compile(r"^\s*(?:[IVXLC]+|[A-ZĐ]|\d{1,3})\s*[.)\-–:/]\s*")


def as_they_are_kept(sheets: Iterable[Sheet]) -> Iterator[Sheet]:
    """The sheets without what is never kept. Raises `Refused` where the lines in which heads stand hold too much."""
    left = MOST_IN_HEADS
    for sheet in sheets:
        first = (cell for line in sheet.lines[:HEAD_WITHIN] for cell in line.cells)
        left -= sum(len(cell) for cell in first if len(cell) <= LONGEST_READ)
        if left < 0:
            raise Refused("cells")
        yield without_what_is_never_kept(sheet)


def without_what_is_never_kept(sheet: Sheet) -> Sheet:
    """The sheet as it is kept: columns of identity numbers, of ethnicity and the like lose what stands in them.

    So they are called by a label among the first lines, in whatever letters these are written.
    """
    since: dict[int, int] = {}
    for line in as_meant(replace(sheet, lines=sheet.lines[:HEAD_WITHIN])).lines:
        if len({cell for cell in line.cells if cell}) > 1:  # else it is a title
            for column, cell in enumerate(line.cells):
                if 0 < len(cell) <= LONGEST_READ and NEVER.fullmatch(plain(cell)):
                    since.setdefault(column, line.number)
    return replace(sheet, lines=tuple(kept_line(line, since) for line in sheet.lines))


def kept_line(line: Line, since: Mapping[int, int]) -> Line:
    cells = (
        "" if line.number > since.get(column, line.number) else kept_cell(cell, line.mark(column))
        for column, cell in enumerate(line.cells)
    )
    return replace(line, cells=tuple(cells))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line: the column (-1: the whole line), the key of the reason, and what a reason names."""

    column: int
    reason: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line as it is understood. Without a record it is about no person: a heading, a sum, a signature."""

    line: Line
    record: Record | None
    faults: tuple[Fault, ...] = ()
    left_aside: bool = False


@dataclass(frozen=True, slots=True)
class Unsure:
    """A text that names a unit one cannot tell, on how many lines it stands, and which units are alike."""

    key: str
    text: str
    lines: int
    perhaps: tuple[Place, ...]


class Reading:
    """Reads the lines of a list that belongs to the unit `home`. Texts that name no unit for sure are gathered.

    `places` are the units that may be named: home and what is below it; `branches` those of the Party tree.
    """

    def __init__(self, settings: Settings, *, home: Place, places: Places, branches: Places, today: date) -> None:
        self.settings = settings
        self.home, self.places, self.branches, self.today = home, places, branches, today
        self.unsure: dict[str, Unsure] = {}
        self.decided: dict[str, Unsure] = {}
        self._columns: dict[str, list[int]] = {}
        for column, one in enumerate(settings.fields):
            if one:
                self._columns.setdefault(one, []).append(column)
        self._known: dict[str, tuple[Place | None, tuple[Place, ...]]] = {}
        self._read: dict[tuple[str, str], str | None] = {}
        self._group = ""

    def rows(self, lines: Iterable[Line]) -> list[Row]:
        """All lines in their order; those that are the same person's twice have a fault."""
        rows = [self.row(line) for line in lines]
        return doubled(rows, self.column)

    def column(self, field: str) -> int:
        """Where a field stands first; -1 where it does not."""
        return self._columns.get(field, [-1])[0]

    def text(self, line: Line, field: str) -> str:
        """What the columns of a field say, put together for names and the first of them for all others."""
        said = [line.cell(column) for column in self._columns.get(field, ())]
        return " ".join(filter(None, said)) if field == FAMILY else next(filter(None, said), "")

    def row(self, line: Line) -> Row:
        """One line."""
        name = self.text(line, FULL_NAME) or " ".join(filter(None, (self.text(line, FAMILY), self.text(line, GIVEN))))
        key = fold(name)
        if self.is_aside(line, key):
            self.head_group(line)
            return Row(line, None)
        faults = self.marked(line, BROKEN, "cell_broken") + self.marked(line, DOUBTFUL, "letters_unsure")
        name_column = self.column(FULL_NAME) if self.column(FULL_NAME) >= 0 else self.column(GIVEN)
        faults += name_faults(name, key, name_column)
        unit, unit_faults = self.unit_of(line)
        branch, branch_faults = self.branch_of(line)
        if unit == SKIP or branch == SKIP:
            return Row(line, None, left_aside=True)
        record = Record(
            line.number,
            name,
            **self.values(line, faults),
            key=key,
            unit_id=unit.unit_id if isinstance(unit, Place) else None,
            branch_id=branch.unit_id if isinstance(branch, Place) else None,
        )
        return Row(line, record, (*faults, *unit_faults, *branch_faults))

    def marked(self, line: Line, mark: str, reason: str) -> list[Fault]:
        """Cells that hold an error instead of a value, or letters that may be read in two ways."""
        if mark not in line.marks:
            return []
        return [
            Fault(column, reason, line.cell(column))
            for columns in self._columns.values()
            for column in columns
            if line.mark(column) == mark and self.settings.fields[column] != ORDER
        ]

    def is_aside(self, line: Line, key: str) -> bool:
        """Whether the line is about no person: a heading of a group, a sum, a signature below the list."""
        if key.startswith(NOT_NAMES):
            return True
        if key and (ORDER not in self._columns or self.text(line, ORDER).strip(".)").isdecimal()):
            return False  # as nearly every line
        about = self.filled(line) - {ORDER, FULL_NAME, FAMILY, GIVEN}
        if not key:
            return len(about - {UNIT, DEPARTMENT, POSITION}) == 0
        columns = set(self._columns) - {ORDER, FULL_NAME, FAMILY, GIVEN}
        return len(columns) >= 2 and not about

    def filled(self, line: Line) -> set[str]:
        """The fields in whose columns something stands."""
        cells = zip(self.settings.fields, line.cells, strict=False)
        return {name for name, cell in cells if cell and name}

    def head_group(self, line: Line) -> None:
        """A line with one text may head those below it with the unit they belong to."""
        texts = [cell for cell in line.cells if len(cell) > 3]
        texts = [text for text in map(without_numeral, texts) if len(text) > 3 and not text.isdecimal()]
        if len(texts) == 1 and not plain(texts[0]).startswith(NOT_NAMES):
            self._group = texts[0]

    def values(self, line: Line, faults: list[Fault]) -> dict[str, Any]:
        """The fields beside name and units, as `Record` has them; faults are added to the list."""
        return {
            "code": self.tried(line, CODE, staff_code, faults) or "",
            "born": self.tried(line, BORN, lambda text, mark: birth(text, mark, today=self.today), faults),
            "email": self.worded(line, EMAIL, email, faults),
            "position": self.worded(line, POSITION, position, faults),
            "category": self.worded(line, CATEGORY, category, faults),
            "party": self.worded(line, PARTY, party, faults),
        }  # fmt: skip

    def tried(
        self, line: Line, field: str, read: Callable[[str, str], str | Birth | None], faults: list[Fault]
    ) -> str | Birth | None:
        """The value of the first column of a field in which something stands; None with a fault where it is none."""
        for column in self._columns.get(field, ()):
            text, mark = line.cell(column), line.mark(column)
            if not text or mark == BROKEN:
                continue
            try:
                return read(text, mark)
            except (NoDay, NoCode) as error:
                faults.append(Fault(column, str(error), text))
                return None
        return None

    def worded(self, line: Line, field: str, read: Callable[[str], str | None], faults: list[Fault]) -> str:
        """The value of a field; "" with a fault where it is none. Words that stand on every line are read once."""
        text = self.text(line, field)
        if (field, text) not in self._read:
            self._read[field, text] = read(text) if text else ""
        value = self._read[field, text]
        if value is None:
            faults.append(Fault(self.column(field), f"{field}_form", text))
        return value or ""

    def unit_of(self, line: Line) -> tuple[Place | str | None, list[Fault]]:
        """The unit the line is in: by its code, else by what unit and department say, else that of the list."""
        code = self.text(line, UNIT_CODE)
        if code and (place := self.places.by_code(code)) is not None:
            return place, []
        unit = self.text(line, UNIT) or (code if UNIT not in self._columns else "")
        department = self.text(line, DEPARTMENT) or ("" if unit else self._group)
        key = f"{unit}\n{department}".strip("\n") if not (unit and department) else f"{unit}\n{department}"
        if not key:
            return self.home, []
        column = max(self.column(DEPARTMENT) if department else -1, self.column(UNIT) if unit else -1)
        return self.chosen(key, column, lambda: self.place_of(unit, department))

    def branch_of(self, line: Line) -> tuple[Place | str | None, list[Fault]]:
        """The Party organisation the line names; None where there are none or the line names none."""
        text = self.text(line, BRANCH)
        if not text or not self.branches.places:
            return None, []

        def found() -> tuple[Place | None, tuple[Place, ...]]:
            meant = self.branches.meant(text)
            return meant.place, meant.perhaps

        return self.chosen(BRANCH_KEY + text, self.column(BRANCH), found)

    def chosen(
        self, key: str, column: int, find: Callable[[], tuple[Place | None, tuple[Place, ...]]]
    ) -> tuple[Place | str | None, list[Fault]]:
        """What was chosen for the text, or what it means; a fault where neither says."""
        told = self.settings.units.get(key, "")
        among = self.branches if key.startswith(BRANCH_KEY) else self.places
        if told == SKIP:
            self.keep(self.decided, key, ())
            return (None, []) if key.startswith(BRANCH_KEY) else (SKIP, [])
        if told and (place := among.by_public_id.get(told)) is not None:
            self.keep(self.decided, key, ())
            return place, []
        if key not in self._known:
            self._known[key] = find()
        known, perhaps = self._known[key]
        if known is not None:
            return known, []
        text = self.keep(self.unsure, key, perhaps)
        return None, [Fault(column, "branch_unsure" if key.startswith(BRANCH_KEY) else "unit_unsure", text)]

    def keep(self, among: dict[str, Unsure], key: str, perhaps: tuple[Place, ...]) -> str:
        """Count one more line for a text that names a unit by somebody's choice, or not for sure; the text."""
        text = key.removeprefix(BRANCH_KEY).replace("\n", " – ")
        before = among.get(key)
        among[key] = Unsure(key, text, before.lines + 1 if before else 1, perhaps)
        return text

    def place_of(self, unit: str, department: str) -> tuple[Place | None, tuple[Place, ...]]:
        """The unit that both texts together mean. A unit with none below it takes the people of its departments."""
        meant = self.places.meant(unit) if unit else None
        base = meant.place if meant is not None else self.home
        if base is None or not department:
            return base, meant.perhaps if meant is not None else ()
        below = self.places.below(base)
        if not below or plain(department) in {plain(base.name), plain(base.short_name)}:
            return base, ()
        within = self.places.meant(department, base)
        return within.place, within.perhaps


def without_numeral(text: str) -> str:
    """A heading of a group without its number: "II. Phòng Tổ chức"."""
    return NUMERAL.sub("", text).strip()


def name_faults(name: str, key: str, column: int) -> list[Fault]:
    """What is wrong with a name that folds to `key`."""
    if not name:
        return [Fault(column, "name_none")]
    if len(name) > LONGEST_NAME:
        return [Fault(column, "name_long")]
    return [Fault(column, "name_strange", name)] if strange(name, key) else []


def email(text: str) -> str | None:
    """The address; None where it is none."""
    address = text.removeprefix("mailto:").strip()
    return address if EMAIL_FORM.fullmatch(address) and len(address) <= LONGEST_EMAIL else None


def position(text: str) -> str | None:
    """The position; None where it is too long for one."""
    return text if len(text) <= LONGEST_POSITION else None


def category(text: str) -> str | None:
    """The category; None for a word that is none."""
    return word_of(text, CATEGORY_WORDS)


def party(text: str) -> str | None:
    """Whether somebody is a member of the Party; None for a word that does not say."""
    return word_of(text, PARTY_WORDS)


def word_of(text: str, words: dict[str, str]) -> str | None:
    """What the text, or its beginning, means among these words; the longest that fits."""
    said = plain(text)
    fits = [word for word in words if said == word or (len(word) > 2 and said.startswith(f"{word} "))]
    return words[max(fits, key=len)] if fits else None


def doubled(rows: Sequence[Row], column: Callable[[str], int]) -> list[Row]:
    """The rows, with a fault on each that says again what an earlier one said of whom it is about."""
    seen: dict[tuple[str, ...], tuple[int, str]] = {}
    result = []
    for row in rows:
        result.append(row)
        if row.record is None:
            continue
        one, found = row.record, None
        same = ("name", one.key, str(one.born or ""), str(one.unit_id))
        keys = [("code", code_key(one.code))] if one.code else []
        keys += [("email", one.email.lower())] if one.email else []
        for key in (*keys, same):
            earlier = seen.get(key)
            if earlier is None:
                seen[key] = (one.line, code_key(one.code))
            elif found is None and not (key is same and one.code and earlier[1] and earlier[1] != code_key(one.code)):
                found = Fault(column(key[0] if key is not same else FULL_NAME), f"same_{key[0]}", str(earlier[0]))
        if found is not None:
            result[-1] = replace(row, faults=(*row.faults, found))
    return result
