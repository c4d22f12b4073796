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

from lms.roster import loader, parts, queries, rules
from lms.roster.loader import sheets_of
from lms.roster.rules import MOST_CELLS, MOST_MERGES, MOST_ROWS, MOST_STEPS, Refused
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
    "half an old workbook": (lambda: xls([HEAD, *PEOPLE])[:1_500], "damaged"),
    "a OneRoster bomb": (lambda: packed({"users.csv": b"a,b\n" * 4_000_000}), "bomb"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason(kind: str) -> None:
    make, reason = HOSTILE[kind]
    with pytest.raises(Refused) as refused:
        sheets_of(make())
    assert refused.value.reason == reason


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
    loader.check_records((begins + last_line) * 4)
    for stream in ((begins + last_line) * 5, begins + link, struct.pack("<HH", 0x0010, 0) * (2 * MOST_CELLS + 1)):
        with pytest.raises(Refused, match="cells"):
            loader.check_records(stream)
    named = [struct.pack("<HHI", 0x0085, 4, place) for place in range(parts.MOST_SHEETS + 1)]
    for stream, reason in ((b"".join(named), "sheets"), (named[0] * 2, "damaged")):
        with pytest.raises(Refused, match=reason):
            loader.check_records(stream)


def test_the_head_is_looked_for_in_so_many_cells_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(queries, "habit_of", lambda _session, _unit_id: None)
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
    monkeypatch.setattr(loader, "MOST_CELLS", 10)
    monkeypatch.setattr("xlrd.open_workbook", lambda **_more: pytest.fail("opened"))
    with pytest.raises(Refused, match="cells"):
        sheets_of(content)
    assert MOST_CELLS > 10


def test_records_of_old_workbooks_are_counted_also_where_one_holds_many_cells() -> None:
    many = struct.pack("<HH", 0x00BD, 60_000) + bytes(60_000)
    with pytest.raises(Refused, match="cells"):
        loader.check_records(many * (MOST_CELLS // 10_000 + 1))
    with pytest.raises(Refused, match="encrypted"):
        loader.check_records(struct.pack("<HH", 0x002F, 4) + bytes(4))


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
