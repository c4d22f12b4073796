"""Figures, days, codes and limits of lists of people. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from lms.text import fold

MOST_ROWS = 20_000
"""Lines of one list, all sheets together; twice the largest agency of a province."""

MOST_CELLS = 300_000
MOST_COLUMNS = 100
"""Columns that are read. A list in which more are filled is none of ours."""

LONGEST_CELL = 1_000
LONGEST_NUMBER = 400
"""Signs of a number that is taken for one: the longest a spreadsheet writes has 330."""

LONGEST_CODE = 40
MOST_TEXT = 20_000_000
"""Characters of a whole list: what ten thousand lines of full cells have, ten times over."""

MOST_STEPS = 1_500_000
"""Tags of the parts of a workbook, four for a cell with a text; or lines and cells of a CSV, empty ones too."""

MOST_MERGES = 20_000
"""Joined cells of a whole file."""

WIDEST = 1_000
"""Cells of one line of a CSV that are taken apart at all: of empty ones at its end a program may write many."""

AT_ONCE = 500
"""A list of so many lines is rehearsed while one waits; longer ones go to the worker."""

SLICE = 10_000
"""Lines that the worker compares before it tells how far it has come."""

KEPT = timedelta(days=7)
"""How long a list that nobody applied is kept."""

OLDEST, YOUNGEST = 100, 14
"""Ages between which somebody is on a list of cadres and members; what lies outside is a slip of the hand."""

TEXT, NUMBER, DAY, BROKEN, TCVN3, TCVN3_CAPITALS, VNI = "s", "n", "d", "e", "t", "T", "v"
"""What a cell was: text, a plain number, a day, an error or a formula without its result, text in an old font."""

LEN_DAY = len("1971-02-02")  # a moment, with its time, is longer
DOUBTFUL = "?"
"""Of a cell as it was meant: its font is an old one, and its letters are Vietnamese read either way."""


class Refused(ValueError):
    """The file is not read; `reason` is the key of why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Budget:
    """What a whole file may still hold: whoever reads on takes from it, and is refused when it is spent."""

    def __init__(self) -> None:
        self.rows, self.cells, self.text = MOST_ROWS, MOST_CELLS, MOST_TEXT
        self.steps, self.merges = MOST_STEPS, MOST_MERGES

    def take(self, steps: int) -> None:
        """So many more tags, lines or cells to look at, whatever is in them. Raises `Refused`."""
        self.steps -= steps
        if self.steps < 0:
            raise Refused("cells")

    def row(self) -> None:
        """One more line with something in it. Raises `Refused`."""
        self.rows -= 1
        if self.rows < 0:
            raise Refused("rows")

    def cell(self, column: int, text: str) -> None:
        """One more cell with something in it, or in which it is said again. Raises `Refused`."""
        self.cells -= 1
        self.text -= len(text)
        if self.cells < 0 or self.text < 0:
            raise Refused("cells")
        if column >= MOST_COLUMNS:
            raise Refused("columns")

    def merge(self) -> None:
        """One more range of joined cells. Raises `Refused`."""
        self.merges -= 1
        if self.merges < 0:
            raise Refused("merges")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sheet: its number as the spreadsheet shows it, the cells as text, and for each what it was."""

    number: int
    cells: tuple[str, ...]
    marks: str

    def cell(self, column: int) -> str:
        """The text of a cell; "" where the line is shorter."""
        return self.cells[column] if column < len(self.cells) else ""

    def mark(self, column: int) -> str:
        """What the cell was."""
        return self.marks[column] if column < len(self.marks) else TEXT

    def shown(self, column: int) -> str:
        """The text of a cell as people write it: a date of the spreadsheet as day/month/year."""
        text = self.cell(column)
        return "/".join(reversed(text.split("-"))) if self.mark(column) == DAY and len(text) == LEN_DAY else text


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with the lines in which something stands."""

    name: str
    lines: tuple[Line, ...]


FIRST_LINES = 400
"""In which the head of a list stands, and by whose letters one knows how to read it."""

MOST_IN_HEADS, LONGEST_READ = 500_000, 250
"""Letters of all lines that may be heads; and of a cell that is read: longer ones say nothing of a person."""

MOST_LOOKED_AT = 30_000
"""Cells among which the head of a list is looked for: forty sheets of twelve columns. Of wider ones the first count."""

SKIP, NEW = "skip", "new"
"""What may be said of a unit or of a person beside which one it is: leave its lines out; somebody new."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an administrator has chosen for a list: how it is read, and what was answered where it was not sure.

    `place` is that of the head among the lines of the sheet, -1 where none was found. `units` has the public id for
    each text that is no unit's name, `answers` that of the person for each line in doubt; or `SKIP`, or `NEW`.
    """

    sheet: int
    place: int
    fields: tuple[str, ...]
    on: date
    reading: str = "auto"
    category: str = "cong_chuc"
    namesakes: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {**asdict(self), "on": self.on.isoformat(), "fields": list(self.fields)}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Settings":
        """What was stored."""
        return cls(**{**stored, "on": date.fromisoformat(stored["on"]), "fields": tuple(stored["fields"])})

    def with_columns(self, columns: Mapping[int, str], *, on: date) -> "Settings":
        """The same with other columns and another day."""
        width = max([len(self.fields), *(column + 1 for column in columns)])
        fields = [*self.fields, *[""] * (width - len(self.fields))]
        for column, name in columns.items():
            fields[column] = name
        return replace(self, fields=tuple(fields), on=on)

    def text(self) -> str:
        """The same text for the same choices."""
        return json.dumps(self.stored(), sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True, order=True)
class Birth:
    """When somebody was born: a day, or the year alone."""

    year: int
    day: date | None = None

    def fits(self, other: "Birth | None") -> bool:
        """Whether both can be the same: where one knows the year only, the year must agree."""
        if other is None:
            return False
        return self.year == other.year and (self.day is None or other.day is None or self.day == other.day)

    def __str__(self) -> str:
        return f"{self.day:%d/%m/%Y}" if self.day else str(self.year)


def born_apart(said: Birth | None, known: Birth | None) -> bool:
    """Whether the births say that these are two people."""
    return said is not None and known is not None and not said.fits(known)


def agree(said: Birth | None, known: Birth | None) -> bool:
    """Whether list and system know the same of a birth, which may be nothing."""
    return said.fits(known) if said is not None else known is None


class NoDay(ValueError):
    """What was written is no day of birth; the message is the key of what is wrong with it."""


LONG_DAY = re.compile(r"(?:ngay )?(\d{1,2}) thang (\d{1,2}) nam (\d{4})")
ISO_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ t].*)?")
DAY_FIRST = re.compile(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})(?: 00:00(?::00)?)?")
EIGHT = re.compile(r"(\d{2})(\d{2})(\d{4})")
MONTH_AND_YEAR = re.compile(r"\d{1,2}\s*[-/.]\s*(\d{4})")
YEAR = re.compile(r"(\d{4})(?:\.0)?")
SERIAL = re.compile(r"(\d{5})(?:\.0)?")
FIRST_DAY = date(1899, 12, 30)
"""Day 0 of Excel, for days after February 1900; lists on a Mac's old calendar are moved when the cell is read."""


def birth(text: str, mark: str, *, today: date) -> Birth | None:
    """The day of birth as offices write it; None for an empty cell. Raises `NoDay`.

    Three habits: day before month before year (5/3/1980, 05-03-80, 05031980, "ngày 5 tháng 3 năm 1980"), never the
    month first; the day of the spreadsheet itself (ISO, or the number of the day); the year alone, also of "3/1980".
    Of two figures for a year, those up to this year's are of this century.
    """
    bare = fold(text).strip(" '.")
    if not bare or not bare.strip("-–_ "):
        return None
    if found := (ISO_DAY.fullmatch(bare)):
        year, month, day = (int(part) for part in found.groups())
    elif found := (LONG_DAY.fullmatch(bare) or DAY_FIRST.fullmatch(bare) or EIGHT.fullmatch(bare)):
        day, month, year = int(found[1]), int(found[2]), whole_year(found[3], today)
    elif found := (YEAR.fullmatch(bare) or MONTH_AND_YEAR.fullmatch(bare)):
        return plausible(Birth(int(found[1])), today)
    elif mark == NUMBER and (found := SERIAL.fullmatch(bare)):
        moment = FIRST_DAY + timedelta(days=int(found[1]))
        year, month, day = moment.year, moment.month, moment.day
    else:
        raise NoDay("day_form")
    try:
        return plausible(Birth(year, date(year, month, day)), today)
    except ValueError as error:
        raise NoDay(str(error) if isinstance(error, NoDay) else "day_none") from error


def whole_year(figures: str, today: date) -> int:
    """1980 of "1980" and of "80"."""
    year = int(figures)
    if len(figures) == 4:
        return year
    return year + (2000 if year <= today.year % 100 else 1900)


def plausible(born: Birth, today: date) -> Birth:
    """The birth, of somebody who may be on the list. Raises `NoDay`."""
    if not today.year - OLDEST <= born.year <= today.year - YOUNGEST:
        raise NoDay("day_age")
    return born


class NoCode(ValueError):
    """The spreadsheet has spoilt the code; the message is the key of what is wrong."""


POWER = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,3})")
WHOLE = re.compile(r"(\d+)\.0+")
SAFE_DIGITS = 15
"""Excel keeps so many figures of a number and makes the others noughts."""

IDENTITY_NUMBER = re.compile(r"0\d\d[0-3]\d{8}")
"""The twelve figures of a personal identity number: province, century and sex, year of birth, six more."""

SHORTENED = re.compile(r"(?:[12468]|[1-9]\d)(?:[01][3-9]\d|[23][01]\d)\d{6}")
"""The same as a spreadsheet stores a number, without leading noughts; of somebody born from 1930 to 2019."""

TAKEN_OUT = "[số định danh]"
"""What stands in a line in the place of an identity number, which is never kept."""


def kept_cell(text: str, mark: str = TEXT) -> str:
    """A cell as it is kept: whatever has the form of an identity number is not, nor is one that became a number."""
    if mark == NUMBER and SHORTENED.fullmatch(text):
        return TAKEN_OUT
    return TAKEN_OUT if IDENTITY_NUMBER.fullmatch("".join(text.split()).lstrip("'")) else text


def staff_code(text: str, mark: str) -> str:
    """A staff code as it was meant, with its leading noughts. Raises `NoCode` where figures are lost.

    What became a number with a decimal (12.0) or a power of ten (1.2E+3 with all its figures) is whole again.
    """
    code = text.strip().lstrip("'").strip()
    if code == TAKEN_OUT:
        raise NoCode("code_identity")
    if found := POWER.fullmatch(code):
        if len(found[2] or "") < int(found[3]) and not (mark == NUMBER and int(found[3]) < SAFE_DIGITS):
            raise NoCode("code_power")
        code = str(int(Decimal(code.replace(",", "."))))
    elif found := WHOLE.fullmatch(code):
        code = found[1]
    if mark == NUMBER and code.isdecimal() and len(code.lstrip("0")) > SAFE_DIGITS:
        raise NoCode("code_rounded")
    if len(code) > LONGEST_CODE:
        raise NoCode("code_long")
    return code


def code_key(code: str) -> str:
    """By which two codes are the same: case and blanks say nothing, leading noughts do."""
    return "".join(code.split()).upper()


def bare_code(code: str) -> str:
    """The code as it is when a spreadsheet has taken its leading noughts: alike only perhaps."""
    key = code_key(code)
    return key.lstrip("0") if key.isdecimal() else key


def figures(text: str) -> str:
    """A number as a spreadsheet stores it (1.5, 12, 1.2E3), written out without a power of ten."""
    if len(text) > LONGEST_NUMBER:
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    if not value.is_finite() or abs(value.adjusted()) > 60:
        return text
    if value == value.to_integral_value():
        return str(int(value))
    return format(value.normalize(), "f")


LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[[^\]]*\]|_.|\*.')
ZEROS = re.compile(r"[0\-. /]+")
DATE_SIGNS = re.compile(r"[dmyhs]|ngày", re.IGNORECASE)


@lru_cache(maxsize=1_000)
def noughts_asked(code: str) -> str:
    """The signs of a number format that asks for leading noughts, each in its place; "" for any other."""
    pattern = LITERAL.sub(lambda found: found[1] or found[2] or "", code.split(";")[0])
    asks = ZEROS.fullmatch(pattern) and 2 <= pattern.count("0") <= LONGEST_CODE and "." not in pattern
    return pattern if asks else ""


def is_day_format(code: str) -> bool:
    """Whether a number format shows days: it names day, month or year outside quotes and colours."""
    bare = LITERAL.sub("", code.split(";")[0]).lower()
    return bool(DATE_SIGNS.search(bare)) and "general" not in bare and "#" not in bare and "0" not in bare


def shown(text: str, code: str) -> str:
    """A whole number as its format shows it when that asks for leading noughts ("000000", "000-000"); else as it is."""
    pattern = noughts_asked(code)
    if not pattern or not text.isdecimal():
        return text
    digits = text.zfill(pattern.count("0"))
    places = pattern.count("0")
    lead, rest = digits[: len(digits) - places], iter(digits[len(digits) - places :])
    return lead + "".join(next(rest) if sign == "0" else sign for sign in pattern)


def day_of_serial(text: str, *, from_1904: bool) -> str:
    """The day of a spreadsheet's number as ISO; "" where it is none."""
    try:
        value = Decimal(text[:LONGEST_NUMBER])
    except InvalidOperation:
        return ""
    if not value.is_finite() or value.adjusted() > 7:  # 1e999999999 written out would never end
        return ""
    days = int(value)
    days += 1462 if from_1904 else 0
    return (FIRST_DAY + timedelta(days=days)).isoformat() if 0 < days < 2_958_466 else ""


def username(full_name: str) -> str:
    """What a new person may sign in with: the given name, then the first letters of the others (hoala of Lý A Hoa)."""
    words = ["".join(c for c in word if c.isalnum() and c.isascii()) for word in fold(full_name).split()]
    words = [word for word in words if word]
    if not words:
        return "canbo"
    made = (words[-1] + "".join(word[0] for word in words[:-1]))[:40]
    return made if len(made) >= 3 else f"{made}-cb"


def digest_of(parts: Iterable[str]) -> str:
    """The fingerprint of what was rehearsed: the file, what was chosen, and every line's outcome, in order."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(f"{len(part)}:{part}".encode())
    return whole.hexdigest()
