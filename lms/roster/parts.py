"""A workbook in the form XLSX, taken apart: a zip of XML, read once from front to back with every step counted.

Nothing is computed or fetched: of a formula the stored result is read, links to other files are not opened, a document
type (where entities would be declared) is refused, and sizes are checked before anything is unpacked.
"""

import re
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from lms.roster.rules import (
    BROKEN,
    DAY,
    LONGEST_CELL,
    MOST_CELLS,
    MOST_COLUMNS,
    NUMBER,
    TEXT,
    Budget,
    Line,
    Refused,
    Sheet,
    day_of_serial,
    figures,
    is_day_format,
    shown,
)
from lms.roster.spelling import mark_of_font

MOST_ENTRIES = 2_000
MOST_UNPACKED = 60_000_000
SUSPECT_SIZE, SUSPECT_RATIO = 1_000_000, 100
"""What is larger than this and was packed so much smaller is no list that somebody typed."""

MOST_SHEETS = 40
CHUNK = 64 * 1024
LONGEST_TAG = 4 * CHUNK
STEPS_OF_AN_ATTRIBUTE = 4
DAY_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""How a workbook writes a sign that XML does not have."""

PATH = re.compile(r"(?:/?xl/)?(.+)")

Handler = Callable[[str, dict[str, str]], None]


def workbook(content: bytes) -> tuple[Sheet, ...]:
    """The sheets of a workbook that are not hidden, each with the lines in which something stands. Raises `Refused`."""
    try:
        with ZipFile(BytesIO(content)) as packed:
            check_directory(packed)
            return Workbook(packed).sheets()
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise Refused("damaged") from error
    except expat.ExpatError as error:
        raise Refused("damaged") from error


def check_directory(packed: ZipFile) -> None:
    """Refuse what would unpack to far more than it is, before anything is unpacked. Raises `Refused`.

    A size that lies is of no use: no more is ever unpacked of an entry than its directory says.
    """
    entries = packed.infolist()
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise Refused("bomb")
    for entry in entries:
        if entry.flag_bits & 1:
            raise Refused("encrypted")
        if entry.file_size > SUSPECT_SIZE and entry.file_size > SUSPECT_RATIO * max(entry.compress_size, 1):
            raise Refused("bomb")
    if "xl/workbook.xml" not in packed.NameToInfo:
        raise Refused("kind")


class Workbook:
    """What is common to all sheets: their names, the styles, the texts that cells share."""

    def __init__(self, packed: ZipFile) -> None:
        self.packed = packed
        self.budget = Budget()
        self.from_1904 = False
        self.named: list[tuple[str, str]] = []
        self.targets: dict[str, str] = {}
        self.formats: dict[int, str] = {}
        self.fonts: list[str] = []
        self.styles: list[tuple[int, int]] = []
        self.kinds: dict[str, tuple[bool, str, str]] = {}
        self.texts: list[tuple[str, str]] = []

    def sheets(self) -> tuple[Sheet, ...]:
        """All sheets, read one after the other."""
        self.read("xl/workbook.xml", Names(self))
        self.read("xl/_rels/workbook.xml.rels", Targets(self))
        self.read("xl/styles.xml", Styles(self))
        self.read("xl/sharedStrings.xml", Texts(self))
        if not self.named or len(self.named) > MOST_SHEETS:
            raise Refused("sheets" if self.named else "damaged")
        found = []
        for name, relation in self.named:
            rows = Rows(self)
            self.read("xl/" + self.targets.get(relation, ""), rows)
            found.append(Sheet(name, tuple(rows.filled())))
        return tuple(found)

    def read(self, path: str, reader: "Reader") -> None:
        """Hand one part to its reader, piece by piece; a part that is not there is empty."""
        if path not in self.packed.NameToInfo:
            return
        self.count_tags(path)
        parser = expat.ParserCreate()
        parser.buffer_text = True

        def first(name: str, attributes: dict[str, str]) -> None:
            if ":" not in name:
                parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
                reader.begin(name, attributes)
            else:  # some programs write a prefix before every name
                parser.StartElementHandler = lambda name, found: reader.begin(name.rpartition(":")[2], found)
                parser.EndElementHandler = lambda name: reader.end(name.rpartition(":")[2])

        def refuse(*_declared: object) -> None:
            raise Refused("entities")

        parser.StartElementHandler = first
        parser.CharacterDataHandler = reader.letters
        parser.StartDoctypeDeclHandler = refuse
        parser.EntityDeclHandler = refuse
        read = 0
        with self.packed.open(path) as stream:
            while chunk := stream.read(CHUNK):
                parser.Parse(chunk, False)
                read += len(chunk)
                if read - parser.CurrentByteIndex > LONGEST_TAG:  # it is begun anew with each piece
                    raise Refused("damaged")
        parser.Parse(b"", True)

    def count_tags(self, path: str) -> None:
        """Take the tags of a part from what the file may hold, before they are read. Raises `Refused`.

        Cells with nothing in them count double, and so do, much more, attributes beyond those that cells have.
        """
        with self.packed.open(path) as stream:
            while chunk := stream.read(CHUNK):
                tags = chunk.count(b"<") + chunk.count(b"/>")
                self.budget.take(tags + STEPS_OF_AN_ATTRIBUTE * max(0, chunk.count(b"=") - tags))

    def written(self, raw: str) -> str:
        """The text of a cell, its escaped signs written out, as long as it is kept. Raises `Refused`."""
        raw = raw.strip()[: 2 * LONGEST_CELL]  # once for each text: many cells may share it
        if "_x" in raw:
            self.budget.take(raw.count("_x"))
            raw = ESCAPED.sub(lambda found: chr(int(found[1], 16)), raw).strip()
        return raw[:LONGEST_CELL]

    def kind(self, style: str) -> tuple[bool, str, str]:
        """Of a style: whether it shows days, its number format, and what its font says of the text."""
        if style not in self.kinds:
            number, font = self.styles[whole(style)] if whole(style) < len(self.styles) else (0, 0)
            code = self.formats.get(number, "")
            name = self.fonts[font] if font < len(self.fonts) else ""
            self.kinds[style] = (number in DAY_FORMATS or is_day_format(code), code, mark_of_font(name))
        return self.kinds[style]


class Reader:
    """Hears the elements of one part in their order."""

    def __init__(self, book: Workbook) -> None:
        self.book = book

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def letters(self, text: str) -> None:
        """Text within an element."""


class Names(Reader):
    """Which sheets there are, in order, without those that are hidden; and which calendar the days have."""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            self.book.from_1904 = attributes.get("date1904") in {"1", "true"}
        elif name == "sheet" and attributes.get("state", "visible") == "visible":
            relation = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), "")
            self.book.named.append((attributes.get("name", "")[:100], relation))


class Targets(Reader):
    """Where each sheet lies."""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            found = PATH.fullmatch(attributes.get("Target", ""))
            self.book.targets[attributes.get("Id", "")] = found[1] if found else ""


class Styles(Reader):
    """Number formats and fonts, by the style of a cell."""

    within = ""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name in {"fonts", "cellXfs", "cellStyleXfs"}:
            self.within = name
        elif name == "numFmt" and attributes.get("numFmtId", "").isdecimal():
            self.book.formats[int(attributes["numFmtId"])] = attributes.get("formatCode", "")[:200]
        elif name == "font" and self.within == "fonts":
            self.book.fonts.append("")
        elif name == "name" and self.within == "fonts" and self.book.fonts:
            self.book.fonts[-1] = attributes.get("val", "")
        elif name == "xf" and self.within == "cellXfs":
            self.book.styles.append((whole(attributes.get("numFmtId")), whole(attributes.get("fontId"))))

    def end(self, name: str) -> None:
        if name == self.within:
            self.within = ""


class Texts(Reader):
    """The texts that cells share, each with what a font inside it says."""

    pieces: list[str] | None = None
    taken, aside, mark = False, False, ""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self.pieces, self.mark = [], ""
        elif name == "rPh":
            self.aside = True
        elif name == "rFont":
            self.mark = self.mark or mark_of_font(attributes.get("val", "")).replace(TEXT, "")
        elif name == "t":
            self.taken = not self.aside

    def letters(self, text: str) -> None:
        if self.taken and self.pieces is not None:
            self.book.budget.text -= len(text)
            if self.book.budget.text < 0:
                raise Refused("cells")
            self.pieces.append(text)

    def end(self, name: str) -> None:
        if name == "t":
            self.taken = False
        elif name == "rPh":
            self.aside = False
        elif name == "si" and self.pieces is not None:
            self.book.texts.append((self.book.written("".join(self.pieces)), self.mark))
            if len(self.book.texts) > MOST_CELLS:
                raise Refused("cells")
            self.pieces = None


class Rows(Reader):
    """The lines of a sheet. A cell that is joined downwards says the same on every line it covers."""

    def __init__(self, book: Workbook) -> None:
        super().__init__(book)
        self.number = 0
        self.column = -1
        self.lines: dict[int, dict[int, tuple[str, str]]] = {}
        self.joined: list[tuple[int, int, int]] = []
        self.columns: dict[str, int] = {}
        self.kind, self.style, self.formula = "", "", False
        self.pieces: list[str] = []
        self.taken = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            reference = attributes.get("r", "").rstrip("0123456789")
            if not reference:
                self.column += 1
            elif (column := self.columns.get(reference)) is not None:
                self.column = column
            else:
                self.column = self.columns[reference] = column_of(reference)
            self.kind, self.style = attributes.get("t", "n"), attributes.get("s", "")
            self.formula, self.pieces = False, []
        elif name in {"v", "t"}:
            self.taken = True
        elif name == "row":
            self.number = whole(attributes.get("r")) or self.number + 1
            self.column = -1
        elif name == "f":
            self.formula = True
        elif name == "mergeCell":
            self.book.budget.merge()
            self.join(attributes.get("ref", ""))

    def letters(self, text: str) -> None:
        if self.taken:
            self.pieces.append(text)

    def end(self, name: str) -> None:
        if name in {"v", "t"}:
            self.taken = False
        elif name == "c" and (self.pieces or self.formula):
            text, mark = self.value("".join(self.pieces))
            if text or mark == BROKEN:
                self.put(text, mark)

    def put(self, text: str, mark: str) -> None:
        """Keep a cell in which something stands."""
        self.book.budget.cell(self.column, text)
        if self.number not in self.lines:
            self.book.budget.row()
            self.lines[self.number] = {}
        self.lines[self.number][self.column] = (text, mark)

    def value(self, raw: str) -> tuple[str, str]:
        """The text of a cell and what it was."""
        is_day, code, font = self.book.kind(self.style)
        if self.kind == "s":
            place = whole(raw)
            text, own = self.book.texts[place] if place < len(self.book.texts) else ("", "")
            return text, own or font
        raw = self.book.written(raw)
        if self.kind in {"str", "inlineStr"}:
            return raw, font
        if self.kind == "e" or (self.formula and not raw):
            return raw, BROKEN
        if self.kind == "d":
            return raw[:10], DAY
        if self.kind == "b" or not raw:
            return raw, TEXT
        if is_day and (day := day_of_serial(raw, from_1904=self.book.from_1904)):
            return day, DAY
        number = figures(raw)
        text = shown(number, code)
        return text, NUMBER if text == number else TEXT

    def join(self, reference: str) -> None:
        """Keep which lines of one column are joined; cells of several columns say nothing of other lines."""
        first, _, last = reference.partition(":")
        top, end = REFERENCE.fullmatch(first), REFERENCE.fullmatch(last)
        if top is not None and end is not None and top[1] == end[1]:
            self.joined.append((column_of(top[1]), int(top[2]), int(end[2])))

    def filled(self) -> list[Line]:
        """The lines in order, with what cells joined downwards say."""
        repeat(self.lines, self.joined, self.book.budget)
        return [line_of(number, cells) for number, cells in sorted(self.lines.items())]


def repeat(
    lines: Mapping[int, dict[int, tuple[str, str]]], joined: Iterable[tuple[int, int, int]], budget: Budget
) -> None:
    """Say the text of cells that are joined downwards again on the lines in which something stands; these are walked.

    `joined` has the column, the first line and the last. Each line that is walked is a step. Raises `Refused`.
    """
    numbers = sorted(lines)
    for column, top, last in joined:
        said = lines.get(top, {}).get(column)
        if said is None:
            continue
        for number in numbers[bisect_right(numbers, top) : bisect_right(numbers, last)]:
            budget.cell(column, said[0])
            lines[number].setdefault(column, said)


def line_of(number: int, cells: dict[int, tuple[str, str]]) -> Line:
    """A line with its cells in their places."""
    places = range(max(cells) + 1)
    found = [cells.get(place, ("", TEXT)) for place in places]
    return Line(number, tuple(text for text, _ in found), "".join(mark for _, mark in found))


def whole(text: str | None) -> int:
    """The number in an attribute; 0 where there is none."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 9 else 0


def column_of(letters: str) -> int:
    """0 of A, 26 of AA."""
    place = 0
    for letter in letters[:4]:
        place = place * 26 + ord(letter) - 64
    return place - 1 if letters.isascii() and letters.isupper() else MOST_COLUMNS
