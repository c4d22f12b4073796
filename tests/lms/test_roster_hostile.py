"""Files that do harm are answered with a reason after a bounded amount of work."""

import random
import struct
import time
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
import xlwt
from sqlalchemy.orm import Session
from xlwt.CompoundDoc import XlsDoc

from lms.roster import loader, parts, queries, rules, spelling, stream
from lms.roster.actions import taken_apart
from lms.roster.loader import sheets_of
from lms.roster.rules import MOST_CELLS, MOST_MERGES, MOST_ROWS, MOST_STEPS, Refused
from lms.roster.spelling import as_meant
from tests.rosters import HEAD, PEOPLE, SHEET, edited, sheet_xml, xls, xlsx

GOOD = xlsx([HEAD, *PEOPLE])
DOCTYPE = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def rows_of(count: int, cells: str) -> str:
    return "".join(f'<row r="{number}">{cells}</row>' for number in range(1, count + 1))


def noise(count: int) -> str:
    """Cells that do not shrink when they are packed."""
    dice = random.Random(1)
    return "".join(f"<c><v>{dice.random()}</v></c>" for _ in range(count))


def lying(size: int) -> bytes:
    """A workbook whose directory says that its sheet has so many bytes, whatever it has."""
    content = bytearray(edited(GOOD, {SHEET: sheet_xml(rows_of(3_000, "<c><v>1</v></c>" * 20))}))
    place = content.rindex(SHEET.encode()) - 46  # its entry in the directory at the end
    struct.pack_into("<I", content, place + 24, size)
    return bytes(content)


def packed(parts_of_it: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in parts_of_it.items():
            made.writestr(name, body)
    return out.getvalue()


def noisy_cells(count: int) -> str:
    """Empty cells that do not shrink so much either."""
    dice = random.Random(1)
    return "".join(f'<c r="A{dice.randrange(10**6)}"/>' for _ in range(count))


def noisy_commas(count: int) -> bytes:
    """Lines of empty cells that do not shrink too much when they are packed."""
    dice = random.Random(1)
    return b"a,b\n" + b"".join(b"%d%s\n" % (dice.randrange(10**60), b"," * 500) for _ in range(count))


def joins(count: int) -> str:
    """Ranges over one column, each a little longer than the one before."""
    ranges = "".join(f'<mergeCell ref="A1:A{19_000 + number % 1_000}"/>' for number in range(count))
    return f"<mergeCells>{ranges}</mergeCells>"


def old_joins(count: int, *, lines: int) -> bytes:
    """An old workbook in which nearly every line is joined as often as that."""
    book = xlwt.Workbook()
    page = book.add_sheet("a")
    for number in range(lines):
        page.write(number, 0, "x")
    page._Worksheet__merged_ranges.extend([(0, 60_000, 0, 0)] * count)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def letters(count: int) -> str:
    """Letters that shrink to little more than half when they are packed."""
    return "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=count))


def blanks(count: int) -> str:
    """White space that does not shrink to nothing either."""
    return "".join(
        random.Random(1).choices(" \u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u3000", k=count)
    )


def styled(code: str, value: str, count: int) -> bytes:
    """A workbook of so many cells with that value, shown by that number format."""
    formats = f'<numFmts><numFmt numFmtId="200" formatCode="{code}"/></numFmts>'
    styles = f'<styleSheet>{formats}<cellXfs><xf numFmtId="0"/><xf numFmtId="200"/></cellXfs></styleSheet>'
    rows = rows_of(max(1, count // 90), f'<c s="1"><v>{value}</v></c>' * min(count, 90))
    return edited(GOOD, {"xl/styles.xml": styles.encode(), SHEET: sheet_xml(letters(count) + rows)})


def shared(text: str, *, cells: int) -> bytes:
    """A workbook in which so many cells say the same text."""
    rows = letters(cells) + rows_of(cells // 90, '<c t="s"><v>0</v></c>' * 90)
    return edited(GOOD, {"xl/sharedStrings.xml": f"<sst><si><t>{text}</t></si></sst>".encode(), SHEET: sheet_xml(rows)})


def old_font(*, letters_each: int, cells: int, texts: int = 300, font: str = "VNI-Times") -> bytes:
    """A workbook in which so many cells say one of some long texts in the letters of an old font."""
    dice = random.Random(1)
    words = [f"{one}{end}" for one in ("Nguyeãn", "ñöôøng", "quyeát", "baûo", "coäng") for end in ("", "n", "ng", "h")]
    said = (" ".join(dice.choices(words, k=letters_each))[:letters_each] for _ in range(texts))
    shared_texts = f"<sst>{''.join(f'<si><t>{one}</t></si>' for one in said)}</sst>"
    fonts = f'<fonts><font><name val="Arial"/></font><font><name val="{font}"/></font></fonts>'
    styles = f'<styleSheet>{fonts}<cellXfs><xf fontId="0"/><xf fontId="1"/></cellXfs></styleSheet>'
    row = "".join(f'<c s="1" t="s"><v>{dice.randrange(texts)}</v></c>' for _ in range(50))
    rows = letters(cells * 3) + f"<row>{row}</row>" * (cells // 50)
    parts_of_it = {"xl/sharedStrings.xml": shared_texts.encode(), "xl/styles.xml": styles.encode()}
    return edited(GOOD, {**parts_of_it, SHEET: sheet_xml(rows)})


def attributes(count: int, *, tags: int) -> str:
    """Empty cells with so many attributes of many names in all."""
    dice, each = random.Random(1), count // tags
    names = [" ".join(f'a{dice.randrange(10**6)}{place}=""' for place in range(each)) for _ in range(tags)]
    return "".join(f"<c {one}/>" for one in names)


def record(kind: int, body: bytes) -> bytes:
    """A record of an old workbook."""
    return struct.pack("<HH", kind, len(body)) + body


def old_with(extra: bytes, *, point: int = 0) -> bytes:
    """An old workbook with more records before those that name its sheets; `point` moves where the first sheet is."""
    stream_of, made, moved = stream.records_of(xls([HEAD, *PEOPLE])), b"", extra
    for _, kind, place, length in walked(stream_of):
        body = stream_of[place + 4 : place + 4 + length]
        if kind == stream.SHEET_NAMED:
            made, moved = made + moved, b""
            body = struct.pack("<I", int.from_bytes(body[:4], "little") + len(extra) + point) + body[4:]
        made += record(kind, body)
    out = BytesIO()
    XlsDoc().save(out, made)
    return out.getvalue()


def walked(records: bytes) -> list[tuple[int, int, int, int]]:
    """Number, kind, place and length of each record; of the padding at the end nothing."""
    found, place = list[tuple[int, int, int, int]](), 0
    while place + 4 <= len(records) and records[place : place + 4] != bytes(4):
        kind, length = struct.unpack_from("<HH", records, place)
        found.append((len(found), kind, place, length))
        place += 4 + length
    return found


def growing_names(count: int) -> bytes:
    """Names, each of which says the one before eight times."""

    def named(name: str, formula: bytes) -> bytes:
        head = struct.pack("<HBBHHHBBBB", 0, 0, len(name), len(formula), 0, 0, 0, 0, 0, 0)
        return record(0x0018, head + b"\0" + name.encode() + formula)

    made = named("n0", b"\x17\xff\0" + b"a" * 255)
    for number in range(1, count):
        before = b"\x23" + struct.pack("<HH", number, 0)
        made += named(f"n{number}", before + (before + b"\x08") * 7)
    return made


ONE_CELL = '<row r="1"><c r="A1"><v>1</v></c></row>'
MANY_LINES = rows_of(2_000, "<c><v>1</v></c>")

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a million cells": (lambda: edited(GOOD, {SHEET: sheet_xml(rows_of(1_000, "<c><v>1</v></c>" * 1_000))}), "bomb"),
    "a million empty cells with a border": (
        lambda: edited(GOOD, {SHEET: sheet_xml("<row>" + '<c s="1"/>' * 2_000_000 + "</row>")}),
        "bomb",
    ),
    "a zip bomb beside the sheets": (lambda: edited(GOOD, {"xl/media/image1.png": b"\0" * 61_000_000}), "bomb"),
    "a bomb among the shared texts": (
        lambda: edited(GOOD, {"xl/sharedStrings.xml": b"<sst>" + b"<si><t>aaaaaaaa</t></si>" * 300_000 + b"</sst>"}),
        "bomb",
    ),
    "a size that lies upwards": (lambda: lying(4_000_000_000), "bomb"),
    "a size that lies downwards": (lambda: lying(100), "damaged"),
    "entities that grow": (lambda: edited(GOOD, {SHEET: sheet_xml("", before=DOCTYPE)}), "entities"),
    "an entity from outside": (lambda: edited(GOOD, {SHEET: sheet_xml("", before=OUTSIDE)}), "entities"),
    "entities in the names of sheets": (
        lambda: edited(GOOD, {"xl/workbook.xml": DOCTYPE.encode() + b"<workbook/>"}),
        "entities",
    ),
    "16,384 columns": (
        lambda: edited(GOOD, {SHEET: sheet_xml("<row>" + "<c><v>1</v></c>" * 16_384 + "</row>")}),
        "columns",
    ),
    "a cell in the last column": (
        lambda: edited(GOOD, {SHEET: sheet_xml('<row r="1"><c r="XFD1"><v>1</v></c></row>')}),
        "columns",
    ),
    "too many lines": (
        lambda: edited(GOOD, {SHEET: sheet_xml(rows_of(MOST_ROWS + 1, "<c><v>1</v></c>"))}),
        "rows",
    ),
    "too many entries": (lambda: packed({f"{number}": b"" for number in range(2_100)}), "bomb"),
    "no workbook in the zip": (lambda: packed({"word/document.xml": b"<x/>"}), "kind"),
    "half a workbook": (lambda: GOOD[: len(GOOD) // 2], "damaged"),
    "XML that breaks off": (lambda: edited(GOOD, {SHEET: b"<worksheet><sheetData><row>"}), "damaged"),
    "an empty workbook": (lambda: edited(GOOD, {SHEET: sheet_xml("")}), "empty"),
    "an empty file": (lambda: b"", "empty"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "kind"),
    "a CSV of too many lines": (lambda: b"a;b\n" * (MOST_ROWS + 1), "rows"),
    "a CSV of one endless cell": (lambda: b'"' + b"a" * 200_000, "damaged"),
    "a CSV of too many columns": (lambda: b";".join([b"a"] * 20_000), "columns"),
    "a CSV of one line of separators": (lambda: b"a;b\n" + b";" * 5_000_000, "columns"),
    "a CSV of lines of separators": (lambda: b"a;b\n" + (b";" * 99 + b"\n") * 20_000, "cells"),
    "a CSV of empty lines": (lambda: b"a;b\n" + b"\n" * (MOST_STEPS // loader.STEPS_OF_A_LINE), "cells"),
    "a CSV of one row over many lines": (lambda: b"a;b\n" + b'"\n";' * 1_000_000, "cells"),
    "too many joins": (lambda: edited(GOOD, {SHEET: sheet_xml(ONE_CELL, after=joins(MOST_MERGES + 1))}), "merges"),
    "joins over many lines": (lambda: edited(GOOD, {SHEET: sheet_xml(MANY_LINES, after=joins(200))}), "cells"),
    "too many joins in an old workbook": (lambda: old_joins(MOST_MERGES + 1, lines=1), "merges"),
    "joins over many lines of an old workbook": (lambda: old_joins(200, lines=2_000), "cells"),
    "OneRoster files of empty cells": (lambda: packed({"users.csv": noisy_commas(4_000)}), "cells"),
    "a tag that never ends": (lambda: edited(GOOD, {SHEET: sheet_xml('<row a="' + letters(1_000_000))}), "damaged"),
    "a remark that fills the file": (
        lambda: edited(GOOD, {SHEET: sheet_xml("<!--" + letters(1_000_000) + "-->" + ONE_CELL)}),
        "damaged",
    ),
    "one tag of many attributes": (lambda: edited(GOOD, {SHEET: sheet_xml(attributes(500_000, tags=1))}), "cells"),
    "tags of many attributes": (lambda: edited(GOOD, {SHEET: sheet_xml(attributes(600_000, tags=20_000))}), "cells"),
    "as many empty cells as tags of full ones": (
        lambda: edited(GOOD, {SHEET: sheet_xml("<row>" + noisy_cells(800_000) + "</row>")}),
        "cells",
    ),
    "a blank text in many cells": (lambda: shared(blanks(1_000_000), cells=90_000), "empty"),
    "a long text in many cells": (lambda: shared(letters(6_000_000), cells=90_000), "cells"),
    "a CSV of marks upon marks": (lambda: b"a;b\n\xff" + (b"\xec\xf2" * 99 + b";") * 10_000, "columns"),
    "an old workbook of too many looks": (lambda: old_with(record(stream.STYLE, bytes(20)) * 100_000), "bomb"),
    "an old workbook of long formats": (
        lambda: old_with(record(stream.FORMAT, struct.pack("<HHB", 200, 60_000, 0) + b"yd" * 30_000) * 20),
        "bomb",
    ),
    "an old workbook that promises texts": (
        lambda: old_with(record(stream.TEXTS, struct.pack("<II", 3_000_000, 3_000_000) + bytes(6_000))),
        "cells",
    ),
    "a sheet of an old workbook within another": (
        lambda: old_with(record(stream.SHEET_BEGINS, b"\0\6\x10\0")),
        "damaged",
    ),
    "a sheet of an old workbook that begins anywhere": (lambda: old_with(b"", point=4), "damaged"),
    "half an old workbook": (lambda: xls([HEAD, *PEOPLE])[:1_500], "damaged"),
    "heads that never end": (lambda: old_font(letters_each=240, cells=3_000), "cells"),
    "a OneRoster bomb": (lambda: packed({"users.csv": b"a,b\n" * 4_000_000}), "bomb"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason(kind: str) -> None:
    make, reason = HOSTILE[kind]
    with pytest.raises(Refused) as refused:
        taken_apart(make())
    assert refused.value.reason == reason


HARMLESS: dict[str, Callable[[], bytes]] = {
    "a day a thousand million figures long": lambda: styled("yyyy", "1e999999999", 1),
    "a day of many figures": lambda: styled("yyyy", "".join(random.Random(1).choices("123456789", k=900_000)), 1),
    "a long number format": lambda: styled("_x" * 100, "1.5", 90_000),
    "noughts without end": lambda: styled("0" * 190, "1", 9_000),
    "names that say names of an old workbook": lambda: old_with(growing_names(14)),
    "many small records of an old workbook": lambda: old_with(record(0x1234, b"") * 500_000),
    "long texts of an old font in many cells": lambda: old_font(letters_each=990, cells=19_000),
    "long texts of old letters in many cells": lambda: old_font(letters_each=990, cells=19_000, font="Arial"),
    "marks upon marks in an old encoding": lambda: b"a;b\n\xff" + b"a" + b"\xec\xf2" * 60_000 + b";c\n",
}
"""Files that once cost minutes, or all memory, and hold nothing for which they would be refused.

`benchmarks/roster.py` measures these and the others, and fails where one takes a second.
"""


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_file_is_read_whose_figures_names_or_formats_would_grow_without_end(kind: str) -> None:
    assert any(sheet.lines for sheet in taken_apart(HARMLESS[kind]()).sheets)


@pytest.mark.parametrize("font", ["VNI-Times", "Arial"])
def test_what_many_cells_say_is_converted_once_and_a_cell_too_long_to_say_anything_never(
    font: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[str] = []

    def counted(text: str) -> str:
        converted.append(text)
        return FROM_VNI(text)

    monkeypatch.setattr(spelling, "from_vni", counted)
    [sheet] = sheets_of(old_font(letters_each=40, cells=2_000, texts=20, font=font))
    assert as_meant(sheet, "vni").lines[0].cells[0].startswith(FROM_VNI(sheet.lines[0].cells[0][:7]))
    assert 20 <= len(converted) <= 3 * 20
    del converted[:]
    [sheet] = sheets_of(old_font(letters_each=rules.LONGEST_READ + 20, cells=500, texts=20, font=font))
    assert as_meant(sheet, "vni").lines == sheet.lines
    assert converted == []


FROM_VNI = spelling.from_vni


def test_the_reader_of_old_workbooks_gets_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlrd.book.Book.handle_name", lambda *_args: pytest.fail("read"))
    [sheet] = sheets_of(old_with(growing_names(3)))
    assert sheet.lines[0].cells == HEAD


def test_nothing_is_unpacked_of_what_the_directory_gives_away(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("a million cells", "a zip bomb beside the sheets", "a size that lies upwards", "too many entries")
    files = [HOSTILE[kind][0]() for kind in kinds]
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_args, **_more: pytest.fail("unpacked"))
    for content in files:
        with pytest.raises(Refused, match="bomb"):
            sheets_of(content)


def test_tags_are_counted_before_one_of_them_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    content = edited(GOOD, {SHEET: sheet_xml("<row>" + noise(2_600) + "</row>")})
    monkeypatch.setattr(rules, "MOST_STEPS", 10_000)
    monkeypatch.setattr(parts.Rows, "begin", lambda *_args: pytest.fail("read"))
    with pytest.raises(Refused, match="cells"):
        sheets_of(content)
    assert MOST_STEPS <= 4 * 400_000


def test_cells_joined_over_the_whole_sheet_cost_nothing() -> None:
    merges = '<mergeCells><mergeCell ref="A1:XFD1048576"/><mergeCell ref="A1:A1048576"/></mergeCells>'
    content = edited(GOOD, {SHEET: sheet_xml(rows_of(3, "<c><v>1</v></c>"), after=merges)})
    [sheet] = sheets_of(content)
    assert [line.cells for line in sheet.lines] == [("1",)] * 3


def test_as_many_joins_as_a_file_may_hold_walk_no_line_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    class Counted(dict[int, dict[int, tuple[str, str]]]):
        def get(self, number: int, otherwise: object = None) -> object:  # type: ignore[override]
            looked.append(number)
            return super().get(number, otherwise)

        def __contains__(self, number: object) -> bool:
            looked.append(0)
            return super().__contains__(number)

    lines = Counted({1: {0: ("1", "s")}, 60_000: {1: ("2", "s")}})
    parts.repeat(lines, [(0, 1, 60_000 + number) for number in range(MOST_MERGES)], rules.Budget())
    assert len(looked) == MOST_MERGES
    assert lines[60_000] == {0: ("1", "s"), 1: ("2", "s")}
    for content in (
        edited(GOOD, {SHEET: sheet_xml(ONE_CELL, after=joins(MOST_MERGES))}),
        old_joins(MOST_MERGES - 1_000, lines=1),
    ):
        began = time.process_time()
        [sheet] = sheets_of(content)
        assert len(sheet.lines) == 1
        assert time.process_time() - began < 10  # a second is enough; it was minutes


def test_a_csv_line_is_measured_before_it_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "separator", lambda _text: ";")
    monkeypatch.setattr(loader, "lines_of", lambda table, _budget: [pytest.fail("divided") for row in table if row])
    with pytest.raises(Refused, match="columns"):
        sheets_of(b";" * 100_000)


def test_an_old_workbook_is_charged_for_lines_and_links_the_reader_would_lay_out() -> None:
    begins = struct.pack("<HH", 0x0809, 4) + bytes(4)
    last_line = struct.pack("<HHHHHd", 0x0203, 14, 65_535, 0, 0, 1.0)
    link = struct.pack("<HHHHHH", 0x01B8, 8, 0, 65_535, 0, 255)
    stream.needed((begins + last_line) * 4)
    for records in ((begins + last_line) * 5, begins + link, struct.pack("<HH", 0x0010, 0) * (2 * MOST_CELLS + 1)):
        with pytest.raises(Refused, match="cells"):
            stream.needed(records)
    named = [struct.pack("<HHI", 0x0085, 4, place) for place in range(parts.MOST_SHEETS + 1)]
    for records, reason in ((b"".join(named), "sheets"), (named[0] * 2, "damaged")):
        with pytest.raises(Refused, match=reason):
            stream.needed(records)


def test_the_head_is_looked_for_in_so_many_cells_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(queries, "habit_of", lambda _session, _unit_id: ({}, {}))
    monkeypatch.setattr(queries, "found_head", lambda sheet, _labels: looked.append(sheet.name))
    wide = tuple(rules.Line(number, ("x",) * 100, "s" * 100) for number in range(60))
    queries.guessed(Session(), 1, [rules.Sheet(str(number), wide) for number in range(40)])
    assert looked == ["0", "1", "2", "3", "4", "5"]


def test_formulas_are_not_computed_and_links_to_other_files_not_opened() -> None:
    body = (
        '<row><c><f>HYPERLINK("http://127.0.0.1:1/x")</f><v>3</v></c>'
        "<c><f>[1]Sheet1!A1</f></c><c t=\"str\"><f>cmd|'/C calc'!A0</f><v>Hoa</v></c></row>"
    )
    rels = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
        b'<Relationship Id="rId9" Target="file:///etc/passwd" TargetMode="External"/></Relationships>'
    )
    content = edited(GOOD, {SHEET: sheet_xml(body), "xl/_rels/workbook.xml.rels": rels})
    [line] = sheets_of(content)[0].lines
    assert line.cells == ("3", "", "Hoa")
    assert line.marks == "nes"


def test_an_old_workbook_of_too_many_cells_is_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    content = xls([HEAD, *PEOPLE])
    monkeypatch.setattr(stream, "MOST_CELLS", 10)
    monkeypatch.setattr("xlrd.open_workbook", lambda **_more: pytest.fail("opened"))
    with pytest.raises(Refused, match="cells"):
        sheets_of(content)
    assert MOST_CELLS > 10


def test_records_of_old_workbooks_are_counted_also_where_one_holds_many_cells() -> None:
    many = struct.pack("<HH", 0x00BD, 60_000) + bytes(60_000)
    with pytest.raises(Refused, match="cells"):
        stream.needed(many * (MOST_CELLS // 10_000 + 1))
    with pytest.raises(Refused, match="encrypted"):
        stream.needed(struct.pack("<HH", 0x002F, 4) + bytes(4))


def outcome(content: bytes) -> str:
    """Why a file is refused; "" for one that is read."""
    try:
        sheets_of(content)
    except Refused as refused:
        return refused.reason
    return ""


def test_an_old_workbook_damaged_anywhere_is_read_or_refused() -> None:
    content, dice, found = xls([HEAD, *PEOPLE]), random.Random(7), set()
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(6):
            damaged[dice.randrange(512, len(damaged))] = dice.randrange(256)
        found.add(outcome(bytes(damaged)))
    assert found <= {"", "damaged", "kind", "empty", "encrypted", "cells", "rows", "columns"}
    assert "damaged" in found


def test_a_workbook_with_a_password_says_so() -> None:
    made = bytearray(GOOD)
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = made.find(signature)
        while place >= 0:
            made[place + flags] |= 1
            place = made.find(signature, place + 4)
    with pytest.raises(Refused, match="encrypted"):
        sheets_of(bytes(made))
