"""What a report is as a value: its sums checked, its cells shown, its digest, what changed since. Pure.

Page, CSV, XLSX, DOCX, PDF and JSON are all made from one `Paper`, and show each cell by `shown` alone.
"""

import hashlib
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from analytics.facts.rules import FEWEST, PER_POINT, Count
from lms.clock import VIETNAM, day_of, start_of_day
from lms.text import bearable
from lms.web.wording import day, decimal, exact_percent, number

Value: TypeAlias = int | str | tuple[int, int] | None
"""A cell as it is kept: a number, a text or code, or a numerator with its denominator. None: nothing to say."""

TEXT, NUMBER, RATE, MEAN, STATE, INDEX = "text", "number", "rate", "mean", "state", "index"
DAY, TIME, PERSON, UNIT = "day", "time", "person", "unit"
"""How a column is shown. Days and times are kept in ISO form, people by their opaque ids."""

FIGURES = frozenset({NUMBER, RATE, MEAN, INDEX})
NOTHING = "–"


class Column(msgspec.Struct, frozen=True):
    """A column with its heading, the heading of its group ("": none), its formula in words of columns, and width."""

    code: str
    label: str
    shown: str
    group: str = ""
    formula: str = ""
    width: int = 8
    strong: bool = False


class Line(msgspec.Struct, frozen=True):
    """A row. `key` is the same in every report about the same thing; `depth` 0 stands at the left edge."""

    key: str
    cells: dict[str, Value]
    depth: int = 0
    parent: bool = False


class Paper(msgspec.Struct, frozen=True):
    """A report as it is kept. Names of people are not in it: they are put in when a page or file is made.

    `form` is 01 to 05; `at` the moment of the figures, `on` the day of the structure. `said` are the numbers of the
    sentence, `notes` the definitions printed under the table.
    """

    form: str
    title: str
    about: str
    unit_id: str
    unit: str
    kind: str
    above: str
    briefing: str
    at: datetime
    on: date
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    total: Line | None = None
    sentence: str = ""
    period: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """What codes and opaque ids stand for where a paper is shown."""

    states: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)


class SumsDisagree(Exception):
    """A parent is not the sum of its children: the report is not made, and `lms verify` says where it went wrong."""


def as_bytes(paper: Paper) -> bytes:
    """The paper as JSON, the same bytes for the same paper."""
    return msgspec.json.encode(paper, order="deterministic")


def digest(document: bytes) -> str:
    """SHA-256 of what is kept, in hexadecimal."""
    return hashlib.sha256(document).hexdigest()


CODE_LENGTH = 20


def code_of(whole: str) -> str:
    """The beginning of a digest as it is printed and typed: ABCD-EF01-… (80 bits)."""
    text = whole[:CODE_LENGTH].upper()
    return "-".join(text[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def typed_code(text: str) -> str:
    """What somebody typed for a code, as the beginning of a digest; "" when it is none."""
    plain = "".join(unicodedata.normalize("NFKC", bearable(text)).split()).replace("-", "").replace("–", "").lower()
    return plain if CODE_LENGTH <= len(plain) <= 64 and all(c in "0123456789abcdef" for c in plain) else ""


NOBODY = Count()


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of a unit: people where they stand, the meeting points it has held, and the last frozen roll."""

    count: Count = NOBODY
    points: int = 0
    frozen: int = 0
    frozen_members: int = 0
    frozen_others: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Node:
    """A unit in a report: what is counted in itself, what stands below, and what the unit has entered (23, 25).

    `itself`: the row of a unit without what stands below it, a child of its row.
    """

    key: str
    name: str
    own: Figures
    whole: Figures
    children: tuple["Node", ...] = ()
    plan: str = ""
    note: str = ""
    itself: bool = False

    def walk(self) -> Iterator["Node"]:
        """This unit and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def summed(own: Figures, children: Iterable[Node]) -> Figures:
    """A parent is the sum of its children's people and its own: never a mean of rates."""
    return sum((child.whole for child in children), own)


def check(node: Node, known: Figures) -> None:
    """See that every parent is the sum of its children, and the whole what the database adds up by itself.

    Raises `SumsDisagree`.
    """
    for one in node.walk():
        if one.whole != summed(one.own, one.children):
            raise SumsDisagree(one.key)
        count = one.whole.count
        if count.by_point + count.online + count.made_up != count.briefed:
            raise SumsDisagree(f"{one.key}: briefed")
    if node.whole != known:
        raise SumsDisagree(node.key)


def state_of(count: Count) -> str:
    """Where a unit stands as a whole: a key of `STATES` in the catalogue."""
    if count.people == 0:
        return "nobody"
    if count.started == 0:
        return "not_begun"
    if count.completed == count.people:
        return "completed"
    return "overdue" if count.overdue else "under_way"


def value_of(figures: Figures, numerator: str, denominator: str = "") -> Value:
    """A metric of the catalogue as it is kept."""
    if numerator == "state":
        return state_of(figures.count)
    if denominator:
        return sum_of(figures, numerator), sum_of(figures, denominator)
    return sum_of(figures, numerator)


def sum_of(figures: Figures, name: str) -> int:
    return int(getattr(figures if hasattr(figures, name) else figures.count, name))


MOST_AT_ONCE = 200
"""So many lines a report shows of itself; more only for whoever asks for all levels."""


def levels_that_fit(top: Node, most: int = MOST_AT_ONCE) -> int:
    """How many levels below the top may be shown in so many lines; at least one."""
    level, lines, layer = 0, 0, list(top.children)
    while layer and (level == 0 or lines + len(layer) <= most):
        level, lines = level + 1, lines + len(layer)
        layer = [child for one in layer for child in one.children]
    return max(level, 1)


def numbered(top: Node, levels: int) -> Iterator[tuple[str, int, bool, Node]]:
    """The units below as rows: place ("2.1"), depth from 0, whether units stand below, and the unit."""

    def rows(nodes: Sequence[Node], before: str, depth: int) -> Iterator[tuple[str, int, bool, Node]]:
        for place, node in enumerate(nodes, 1):
            own = f"{before}{place}"
            yield own, depth, bool(node.children), node
            if depth + 1 < levels:
                yield from rows(node.children, f"{own}.", depth + 1)

    return rows(top.children, "", 0)


@dataclass(frozen=True, slots=True)
class Below:
    """Of the units at any depth below that must study: how many, all briefed, nobody begun."""

    concerned: int
    briefed: int
    not_begun: int


def below(top: Node) -> Below:
    """Counted as on the dashboard: each unit with all below it."""
    units = [node for node in top.walk() if node is not top and not node.itself]
    found = [node.whole.count for node in units if node.whole.count.people]
    return Below(len(found), sum(c.briefed == c.people for c in found), sum(c.started == 0 for c in found))


def share(part: int, whole: int) -> str:
    """A share for a column headed (%): "62,1"; "–" with nobody to count; never 100,0 before all are there."""
    return exact_percent(part, whole).removesuffix(" %")


def shown(column: Column, value: Value, words: Words) -> str:
    """A cell as every page and file shows it. Text is the text itself; whoever writes a spreadsheet guards it."""
    if value is None or value == "":
        return ""
    if isinstance(value, tuple):
        return shown_ratio(column.shown, *value)
    if isinstance(value, int):
        return decimal(value / PER_POINT, 2) if column.shown == INDEX else number(value)
    if column.shown == DAY:
        return day(date.fromisoformat(value))
    if column.shown == TIME:
        return f"{datetime.fromisoformat(value).astimezone(VIETNAM):%H:%M, %d/%m/%Y}"
    if column.shown == PERSON:
        return words.names.get(value, "")
    return words.states.get(value, value) if column.shown == STATE else value


def shown_ratio(kind: str, part: int, whole: int) -> str:
    """A rate, or a mean with how many were counted; of fewer than `FEWEST` only how many."""
    if kind == MEAN and whole >= FEWEST:
        return f"{decimal(part / PER_POINT / whole)} ({number(whole)})"
    return f"{NOTHING} ({number(whole)})" if kind == MEAN and whole else share(part, whole)


def cells_shown(paper: Paper, line: Line, words: Words) -> list[str]:
    """A row as it is shown, in the order of the columns."""
    return [shown(column, line.cells.get(column.code), words) for column in paper.columns]


@dataclass(frozen=True, slots=True)
class Heading:
    """A cell above the columns `first` to `last`; of two rows when it stands for itself."""

    label: str
    first: int
    last: int
    alone: bool


def headings(columns: Sequence[Column]) -> list[Heading]:
    """The upper row of headings: a group over its columns, a column without a group over both rows."""
    found: list[Heading] = []
    for place, column in enumerate(columns):
        if not column.group:
            found.append(Heading(column.label, place, place, True))
        elif found and not found[-1].alone and found[-1].label == column.group:
            found[-1] = Heading(column.group, found[-1].first, place, False)
        else:
            found.append(Heading(column.group, place, place, False))
    return found


def people_named(paper: Paper) -> list[str]:
    """The opaque ids of everybody whom the paper names, each once."""
    columns = [column.code for column in paper.columns if column.shown == PERSON]
    found = [line.cells.get(code) for line in paper.lines for code in columns]
    return list(dict.fromkeys(one for one in found if isinstance(one, str) and one))


def summed_cells(rows: Iterable[Mapping[str, Value]]) -> dict[str, Value]:
    """Numbers added up; of rates the numerators and the denominators apart."""
    found: dict[str, Value] = {}
    for row in rows:
        for code, value in row.items():
            before = found.get(code)
            if isinstance(value, tuple):
                part, whole = before if isinstance(before, tuple) else (0, 0)
                found[code] = (part + value[0], whole + value[1])
            elif isinstance(value, int):
                found[code] = value + (before if isinstance(before, int) else 0)
    return found


@dataclass(frozen=True, slots=True)
class Changed:
    """A cell that differs between two reports of one form. None: not there."""

    line: str
    name: str
    column: Column
    before: Value
    after: Value


def differences(before: Paper, after: Paper) -> list[Changed]:
    """What the later report says otherwise, row by row; of rows that came or went every cell."""
    old, new = by_key(before), by_key(after)
    columns, found = [one for one in after.columns if one.code not in {"place", "name"}], []
    for key in [*new, *(key for key in old if key not in new)]:
        left = old[key].cells if key in old else {}
        right = new[key].cells if key in new else {}
        name = str(right.get("name") or left.get("name") or "")
        for column in columns:
            if left.get(column.code) != right.get(column.code):
                found.append(Changed(key, name, column, left.get(column.code), right.get(column.code)))
    return found


def by_key(paper: Paper) -> dict[str, Line]:
    return {line.key: line for line in (*paper.lines, *([paper.total] if paper.total else []))}


DAILY, WEEKLY, MONTHLY = "daily", "weekly", "monthly"


def is_due(every: str, place: int, on: date) -> bool:
    """Whether mail goes out that day. `place`: 1 (Monday) to 7 of a week; 1 to 31 of a month, or its last day."""
    if every == MONTHLY:
        return on.day == min(place, monthrange(on.year, on.month)[1])
    return every == DAILY or on.isoweekday() == place


MORNING = timedelta(hours=7)  # when the mail of a day goes out, from its beginning in Vietnam; it is queued at night


def next_due(every: str, place: int, begun: datetime, now: datetime) -> date:
    """The next day on which mail goes out, by a schedule begun then. That of today stands while it is yet to come."""
    today = day_of(now)
    coming = day_of(begun) < today and now < start_of_day(today) + MORNING
    days = (today + timedelta(days=n) for n in range(0 if coming else 1, 63))
    return next(day for day in days if is_due(every, place, day))


def month_bounds(period: str) -> tuple[datetime, datetime]:
    """The first moment of a month in Vietnam ("2026-11") and that of the next. Raises ValueError."""
    begins = datetime.strptime(period, "%Y-%m").replace(tzinfo=VIETNAM)
    return begins, (begins + timedelta(days=32)).replace(day=1)


def correlation(n: int, x: float, y: float, xx: float, yy: float, xy: float) -> float | None:
    """Pearson's coefficient from sums; None where either does not vary."""
    spread = (n * xx - x * x) * (n * yy - y * y)
    return float((n * xy - x * y) / spread**0.5) if n > 1 and spread > 1e-12 else None


def chosen_wrong(kind: str, key: Sequence[int], answers: Iterable[tuple[Any, int]]) -> tuple[int | None, int]:
    """The wrong option that was chosen most often, and how often; None where none was, or the kind has none.

    `answers`: what was chosen, in original positions, and how many chose it. Of equals the first.
    """
    if kind not in {"single", "multiple"}:
        return None, 0
    times: dict[int, int] = {}
    for response, many in answers:
        for option in response or ():
            if option not in key:
                times[option] = times.get(option, 0) + many
    best = min(times, key=lambda option: (-times[option], option), default=None)
    return best, times[best] if best is not None else 0
