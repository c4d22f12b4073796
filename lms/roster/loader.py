"""From the bytes of a file to sheets of text: XLSX, XLS, CSV in the encodings offices have, and zips of OneRoster."""

import codecs
import csv
import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import PurePath
from typing import Any
from zipfile import BadZipFile, ZipFile

import xlrd
from xlrd.compdoc import CompDocError

from lms.roster import parts, stream
from lms.roster.matching import HEAD_WITHIN, found_head
from lms.roster.rules import (
    BROKEN,
    DAY,
    LONGEST_CELL,
    MOST_ROWS,
    NUMBER,
    TEXT,
    WIDEST,
    Budget,
    Line,
    Refused,
    Sheet,
    day_of_serial,
    figures,
    shown,
)
from lms.roster.spelling import WORD, as_meant, from_tcvn3, from_vni, mark_of_font, share
from lms.roster.vocabulary import OTHER_KIND
from lms.text import as_it_was, composed, visible

OTHER_TEXT = re.compile(
    rb"(\xef\xbb\xbf)?\s*(%PDF-|\{\\rtf|<(!doctype|\?xml|html|head|meta|style|table)\b)", re.IGNORECASE
)
"""How a document begins that is written in letters and is no table; some programs call a page of theirs .xls."""

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
ZIP = b"PK"
DELIMITERS = ";,\t"
TRIED_LINES, TRIED_SIGNS = 60, 40_000
STEPS_OF_A_LINE = 3
"""What a line costs with nothing in it, compared with one more cell."""


def sheets_of(content: bytes, name: str = "") -> tuple[Sheet, ...]:
    """The sheets of a file by what is in it; one whose name says that it is something else is not read.

    Raises `Refused`.
    """
    if OTHER_KIND.fullmatch(PurePath(name).suffix):
        raise Refused("name")
    if content.startswith(OLE):
        found = old_workbook(content)
    elif content.startswith(ZIP):
        found = joined(content) if is_one_roster(content) else parts.workbook(content)
    else:
        found = (text_table(content),)
    if not any(sheet.lines for sheet in found):
        raise Refused("empty")
    return tuple(Sheet(visible(sheet.name), sheet.lines) for sheet in found if sheet.lines)


def text_table(content: bytes) -> Sheet:
    """The one sheet of a CSV file. Raises `Refused`, also for a text that is no table."""
    if OTHER_TEXT.match(content):
        raise Refused("kind")
    budget, widths = Budget(), Counter[int]()

    def counted() -> Iterator[Sequence[str]]:
        for row in rows(as_text(content), budget):
            widths[len(row)] += any(row)
            yield row

    sheet = Sheet("", tuple(lines_of(counted(), budget)))
    if sheet.lines and not is_table(sheet, widths):
        raise Refused("table")
    return sheet


def is_table(sheet: Sheet, widths: Counter[int]) -> bool:
    """Whether most lines of a text have equally many cells, or a line among the first names the columns of a list.

    `widths`: how many lines have so many cells. A list of one column is known by its head alone.
    """
    alike = max((lines for width, lines in widths.items() if width > 1), default=0)
    if alike > 1 and alike * 2 > widths.total():
        return True
    return found_head(as_meant(Sheet("", sheet.lines[:HEAD_WITHIN])), {}) is not None


def as_text(content: bytes) -> str:
    """The text of a CSV file: by its byte order mark, else as UTF-8 or UTF-16, else as the old encoding that fits best.

    Text in TCVN3 and VNI is left as its letters stand (Western ones): it is converted with the rest, in sight of
    whoever imports it. Raises `Refused` for what is no text.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return decoded(content, encoding)
    even, odd = content[:2_000:2].count(0), content[1:2_000:2].count(0)
    if max(even, odd) * 3 > len(content[:2_000]) / 2 and min(even, odd) * 10 < max(even, odd):
        return decoded(content, "utf-16-le" if odd > even else "utf-16-be")
    if content[:8_000].count(0):
        raise Refused("kind")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return single_bytes(content)


def decoded(content: bytes, encoding: str) -> str:
    """The text. Raises `Refused`."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused("kind") from error


def single_bytes(content: bytes) -> str:
    """Windows-1258, or Western letters that stand for TCVN3 or VNI: whichever makes more of it Vietnamese."""
    western, vietnamese = content.decode("latin-1"), composed(content.decode("cp1258", "replace"))
    head = western[:TRIED_SIGNS]
    is_western = max(scored(from_tcvn3(head)), scored(from_vni(head))) >= scored(vietnamese[:TRIED_SIGNS])
    return western if is_western else vietnamese


def scored(text: str) -> float:
    """How Vietnamese the words of a text are."""
    return share([word for word in WORD.findall(text) if not word.isascii()][:2_000])


def rows(text: str, budget: Budget) -> Iterator[Sequence[str]]:
    """The rows of a CSV text, by the separator that divides its first lines most evenly. Raises `Refused`."""
    first, _, rest = text.partition("\n")
    if len(first) < 20 and first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        yield ()
        text, delimiter = rest, first.strip()[4]
    else:
        delimiter = separator(text)
    yield from divided(text, delimiter, budget)


def divided(text: str, delimiter: str, budget: Budget) -> Iterator[list[str]]:
    """The rows of a text; every line and every cell of it is a step, taken before the line is divided.

    Raises `Refused`.
    """

    def lines() -> Iterator[str]:
        for line in StringIO(text, newline=""):
            cells = line.count(delimiter)
            if cells >= WIDEST:
                raise Refused("columns")
            budget.take(cells + STEPS_OF_A_LINE)
            yield line

    try:
        yield from csv.reader(lines(), delimiter=delimiter)
    except (csv.Error, TypeError) as error:
        raise Refused("damaged") from error


def separator(text: str) -> str:
    """The sign between cells: the one by which most lines have equally many, and the more the better."""
    head = text[:TRIED_SIGNS]
    best, most = ";", 0
    for sign in DELIMITERS:
        widths = Counter[int]()
        try:
            for number, row in enumerate(csv.reader(StringIO(head, newline=""), delimiter=sign)):
                widths[len(row)] += len(row) > 1
                if number >= TRIED_LINES:
                    break
        except csv.Error:
            continue
        width, lines = max(widths.items(), key=lambda one: one[1] * one[0], default=(0, 0))
        if width * lines > most:
            best, most = sign, width * lines
    return best


def lines_of(table: Iterable[Sequence[str]], budget: Budget) -> Iterator[Line]:
    """The rows in which something stands, numbered as a spreadsheet would. Raises `Refused`."""
    for number, row in enumerate(table, 1):
        cells = [as_it_was(cell.strip()[:LONGEST_CELL]) if cell else "" for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        budget.row()
        for column, cell in enumerate(cells):
            if cell:
                budget.cell(column, cell)
        yield Line(number, tuple(cells), TEXT * len(cells))


OLD_FAULTS = (
    xlrd.XLRDError,
    CompDocError,
    struct.error,
    AssertionError,
    AttributeError,
    LookupError,
    OverflowError,
    RuntimeError,
    TypeError,
    UnicodeError,
    ValueError,
    ZeroDivisionError,
)
"""What the reader of old workbooks raises where one is damaged: it checks little, and trusts what it finds."""


def old_workbook(content: bytes) -> tuple[Sheet, ...]:
    """The sheets of a workbook in the form XLS (Excel 97 to 2003). Raises `Refused`.

    The records are counted before the workbook is opened: what holds too many cells is not opened at all. The reader
    gets only those that a list needs.
    """
    try:
        needed = stream.needed(stream.records_of(content))
        book = xlrd.open_workbook(file_contents=needed, formatting_info=True, logfile=StringIO(), ragged_rows=True)
        budget = Budget()
        return tuple(old_sheet(book, sheet, budget) for sheet in book.sheets() if sheet.visibility == 0)
    except Refused:
        raise
    except OLD_FAULTS as error:
        raise Refused("damaged") from error


def old_sheet(book: Any, sheet: Any, budget: Budget) -> Sheet:
    """One sheet of an old workbook. Any: xlrd has no annotations."""
    lines = {}
    for number in range(sheet.nrows):
        cells = {}
        for column, cell in enumerate(sheet.row(number)):
            text, mark = old_cell(book, cell)
            if text or mark == BROKEN:
                budget.cell(column, text)
                cells[column] = (text, mark)
        if cells:
            budget.row()
            lines[number] = cells
    joined = [(left, top, end - 1) for top, end, left, right in sheet.merged_cells if right - left == 1]
    parts.repeat(lines, joined, budget)
    return Sheet(sheet.name, tuple(parts.line_of(number + 1, cells) for number, cells in lines.items()))


def old_cell(book: Any, cell: Any) -> tuple[str, str]:
    """The text of a cell and what it was."""
    style = book.xf_list[cell.xf_index] if cell.xf_index is not None else None
    if cell.ctype == xlrd.XL_CELL_TEXT:
        font = book.font_list[style.font_index].name if style is not None else ""
        return cell.value.strip()[:LONGEST_CELL], mark_of_font(font)
    if cell.ctype == xlrd.XL_CELL_DATE:
        day = day_of_serial(repr(cell.value), from_1904=book.datemode == 1)
        return (day, DAY) if day else (figures(repr(cell.value)), NUMBER)
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        code = book.format_map[style.format_key].format_str if style is not None else ""
        number = figures(repr(cell.value))
        text = shown(number, code)
        return text, NUMBER if text == number else TEXT
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return str(cell.value), TEXT
    return ("#", BROKEN) if cell.ctype == xlrd.XL_CELL_ERROR else ("", TEXT)


ONE_ROSTER_HEAD = (
    "Số hiệu",
    "Họ và tên",
    "Ngày sinh",
    "Chức vụ",
    "Loại cán bộ",
    "Đảng viên",
    "Mã đơn vị",
    "Đơn vị",
    "Email",
)


def is_one_roster(content: bytes) -> bool:
    """Whether a zip is a set of OneRoster files: it has one of users."""
    try:
        with ZipFile(BytesIO(content)) as packed:
            return "users.csv" in packed.NameToInfo
    except (BadZipFile, OSError, ValueError) as error:
        raise Refused("damaged") from error


def joined(content: bytes) -> tuple[Sheet, ...]:
    """The people of a set of OneRoster files (1.1, 1.2) as one sheet, each with the unit named in it. Raises `Refused`.

    Only orgs, users, roles (1.2) and demographics are read, and of these only what a list may say: neither passwords
    nor roles are taken.
    """
    try:
        with ZipFile(BytesIO(content)) as packed:
            entries = packed.infolist()
            heavy = any(entry.file_size > parts.SUSPECT_RATIO * max(entry.compress_size, 10_000) for entry in entries)
            total = sum(entry.file_size for entry in entries)
            if heavy or total > parts.MOST_UNPACKED or len(entries) > parts.MOST_ENTRIES:
                raise Refused("bomb")
            budget = Budget()
            files = {name: records(packed, name, budget) for name in ("users", "orgs", "roles", "demographics")}
    except (BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise error if isinstance(error, Refused) else Refused("damaged") from error
    return (Sheet("users.csv", tuple(lines_of([ONE_ROSTER_HEAD, *people_of(files)], budget))),)


def records(packed: ZipFile, name: str, budget: Budget) -> list[dict[str, str]]:
    """The records of one file, by the names in its first row. Raises `Refused`."""
    if f"{name}.csv" not in packed.NameToInfo:
        return []
    table = divided(decoded(packed.read(f"{name}.csv"), "utf-8-sig"), ",", budget)
    head = next(table, [])
    found: list[dict[str, str]] = []
    for row in table:
        found.append(dict(zip(head, row, strict=False)))
        if len(found) > MOST_ROWS:
            raise Refused("rows")
    return found


def people_of(files: Mapping[str, Sequence[Mapping[str, str]]]) -> Iterator[tuple[str, ...]]:
    """One row a user who is active, in the order of `ONE_ROSTER_HEAD`."""
    orgs = {one.get("sourcedId", ""): one for one in files["orgs"]}
    born = {one.get("sourcedId", ""): one.get("birthDate", "") for one in files["demographics"]}
    places = places_by(files["roles"])
    for one in files["users"]:
        if one.get("status", "") == "tobedeleted" or one.get("enabledUser", "true").lower() == "false":
            continue
        source = one.get("sourcedId", "")
        first = one.get("orgSourcedIds", "").split(",")[0].strip()
        org = orgs.get(one.get("primaryOrgSourcedId") or places.get(source) or first, {})
        name = " ".join(one.get(part, "") for part in ("familyName", "middleName", "givenName"))
        yield (
            one.get("identifier", ""),
            one.get("metadata.fullName") or " ".join(name.split()),
            born.get(source) or one.get("metadata.birthYear", ""),
            one.get("metadata.position", ""),
            one.get("metadata.category", ""),
            one.get("metadata.party", ""),
            org.get("identifier", ""),
            org.get("name", ""),
            one.get("email", ""),
        )


def places_by(roles: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Where each user stands by roles (1.2) that hold: by the one that says it is primary, else by the first."""
    found: dict[str, str] = {}
    for one in roles:
        user = one.get("userSourcedId", "")
        if one.get("status", "") != "tobedeleted" and (user not in found or one.get("roleType") == "primary"):
            found[user] = one.get("orgSourcedId", "")
    return found
