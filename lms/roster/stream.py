"""The records of an old workbook: counted before its reader sees them, and without those that no list needs.

The reader (xlrd) trusts what it finds. It computes, for example, what names stand for, and a name that says another
twice, ten times over, would fill any memory; so it is given cells, texts, styles and the places of sheets.
"""

import struct
from collections.abc import Iterable, Iterator
from io import StringIO

from xlrd.compdoc import CompDoc

from lms.roster.parts import MOST_SHEETS
from lms.roster.rules import MOST_CELLS, MOST_MERGES, Refused

CELL_RECORDS = {0x0006, 0x0027E, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x00D6}
SEVERAL_CELLS = {0x00BD: 6, 0x00BE: 2}
"""Records of many cells at once, with the bytes of each."""

PASSWORD, SHEET_BEGINS, SHEET_ENDS, SHEET_NAMED, JOINED, LINK = 0x002F, 0x0809, 0x000A, 0x0085, 0x00E5, 0x01B8
TEXTS, FONT, FORMAT, STYLE = 0x00FC, 0x0031, 0x041E, 0x00E0
LOOKS = {FONT, FORMAT, STYLE}
OTHER_NEEDED = {0x003C, 0x0022, 0x0042, 0x0207, 0x04BC, 0x0221, 0x0236, 0x0037}
"""What goes on beyond one record, the calendar, the letters, and what stands between a formula and its text."""

NEEDED = {*CELL_RECORDS, *SEVERAL_CELLS, *LOOKS, *OTHER_NEEDED, SHEET_BEGINS, SHEET_ENDS, SHEET_NAMED, JOINED, TEXTS}
COUNTED = {*CELL_RECORDS, *SEVERAL_CELLS, *LOOKS, SHEET_BEGINS, SHEET_ENDS, SHEET_NAMED, JOINED, LINK, TEXTS}
NONE_OF_THESE = 0x7FFF
MOST_LOOKS = 400_000
"""Bytes of all fonts, formats and styles: three times what Excel lets a workbook have."""

LIST = b"\x10\x00"
"""A sheet of cells; others begin within one, as charts do."""

HEADER, KIND = struct.Struct("<HH"), struct.Struct("<H")
Record = tuple[int, int, bytes]
"""Where it begins, its kind, and what is in it where that is asked for."""


def records_of(content: bytes) -> bytes:
    """The stream of an old workbook inside its container. Raises `Refused` for one that is locked or none."""
    container = CompDoc(content, logfile=StringIO())
    for name in ("Workbook", "Book"):
        memory, base, size = container.locate_named_stream(name)
        if memory is not None:
            return bytes(memory[base : base + size])
    locked = container.locate_named_stream("EncryptedPackage")[0] is not None
    raise Refused("encrypted" if locked else "kind")


def needed(stream: bytes) -> bytes:
    """The stream with the records of a list alone; each other keeps its place and says nothing. Raises `Refused`."""
    records = list(records_in(stream))
    check_records(records)
    check_sheets(records)
    found = bytearray(stream)
    for place, kind, _ in records:
        if kind not in NEEDED:
            KIND.pack_into(found, place, NONE_OF_THESE)
    return bytes(found)


def check_records(records: Iterable[Record]) -> None:
    """Refuse what has a password, and what holds too many records, cells, lines, texts, sheets, joins or looks.

    The reader keeps a row for every line down to the last of a sheet: each is counted like a cell. Raises `Refused`.
    """
    cells, last, joins, texts, looks = 0, 0, 0, 0, 0
    for _, kind, body in records:
        if kind not in COUNTED:
            continue
        last = 0 if kind == SHEET_BEGINS else last
        cells += cells_of(kind, body)
        if (lines := line_reached(kind, body)) > last:
            cells, last = cells + lines - last, lines
        joins += len(body) // 8 if kind == JOINED else 0
        texts += int.from_bytes(body[4:8], "little") if kind == TEXTS else 0
        looks += len(body) + HEADER.size if kind in LOOKS else 0
        if max(cells, texts) > MOST_CELLS or joins > MOST_MERGES:
            raise Refused("merges" if joins > MOST_MERGES else "cells")
        if looks > MOST_LOOKS:
            raise Refused("bomb")


def check_sheets(records: Iterable[Record]) -> None:
    """Refuse too many sheets, one that is named twice, and one that would be read as part of another too.

    Raises `Refused`.
    """
    sheets: list[int] = []
    begun: set[int] = set()
    within = 0
    for place, kind, body in records:
        if kind == SHEET_NAMED:
            sheets.append(int.from_bytes(body[:4], "little"))
        elif kind == SHEET_BEGINS:
            if within and body[2:4] == LIST:
                raise Refused("damaged")
            begun.add(place)
            within += 1
        elif kind == SHEET_ENDS:
            within = max(0, within - 1)
    if len(sheets) > MOST_SHEETS:
        raise Refused("sheets")
    if len(set(sheets)) < len(sheets) or not set(sheets) <= begun:
        raise Refused("damaged")


def records_in(stream: bytes) -> Iterator[Record]:
    """The records in their order. Raises `Refused` for too many of any kind, and for a password."""
    place, end, left = 0, len(stream) - HEADER.size, 2 * MOST_CELLS
    while place <= end:
        kind, length = HEADER.unpack_from(stream, place)
        left -= 1
        if kind == PASSWORD or left < 0:
            raise Refused("cells" if left < 0 else "encrypted")
        yield place, kind, stream[place + 4 : place + 4 + length] if kind in COUNTED else b""
        place += 4 + length


def cells_of(kind: int, body: bytes) -> int:
    """How many cells a record is about: one, several in a line, or all that a link covers."""
    if kind in CELL_RECORDS:
        return 1
    if kind in SEVERAL_CELLS:
        return len(body) // SEVERAL_CELLS[kind]
    if kind == LINK and len(body) >= 8:
        top, bottom, left, right = (int.from_bytes(body[place : place + 2], "little") for place in (0, 2, 4, 6))
        return max(0, bottom - top + 1) * max(0, right - left + 1)
    return 0


def line_reached(kind: int, body: bytes) -> int:
    """The last line, counted from 1, for which the reader keeps a row because of this record; 0 for none."""
    if kind in CELL_RECORDS or kind in SEVERAL_CELLS:
        return int.from_bytes(body[:2], "little") + 1
    if kind == JOINED:
        return max((bottom + 1 for (bottom,) in struct.iter_unpack("<2xH4x", whole_joins(body))), default=0)
    return 0


def whole_joins(body: bytes) -> bytes:
    """The ranges of a record of joins, without its count and without what is left over."""
    return body[2 : 2 + (len(body) - 2) // 8 * 8] if len(body) >= 10 else b""
