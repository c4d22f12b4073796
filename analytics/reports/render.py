"""A paper as CSV, JSON, a workbook and a PDF: the same input makes the same bytes. Pure."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any

import msgspec
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from analytics.facts.rules import FEWEST
from analytics.reports.rules import (
    FIGURES,
    MEAN,
    NUMBER,
    Column,
    Line,
    Paper,
    Words,
    cells_shown,
    headings,
)
from analytics.reports.vocabulary import BLANK_DATE, FINISHED, MOTTO, PARTY_NAME, SPAN, TEN_THOUSAND, Frame
from lms import printing
from lms.text import harmless_row
from lms.web.wording import scale10

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
FONT = "Times New Roman"
GROUPED = '[>=1000000]0"."000"."000;[>=1000]0"."000;0'
"""35599 is a number in the workbook and reads 35.599, whatever the language of the spreadsheet is set to."""


ROWS_IN_A_PIECE = 250


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The rows as CSV, the first at once and the others in pieces; no cell is a formula.

    The first piece begins with the mark by which a spreadsheet knows UTF-8.
    """
    out, waiting = io.StringIO("\ufeff"), 0
    out.seek(0, io.SEEK_END)
    write = csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerow
    for number, row in enumerate(rows):
        write(harmless_row(row))
        waiting += 1
        if number == 0 or waiting == ROWS_IN_A_PIECE:
            yield out.getvalue()
            waiting = 0
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def rows_of(paper: Paper, words: Words) -> Iterator[list[str]]:
    """The head of the table, its rows, and the total; at the end by which structure, where it is not today's."""
    yield [column.label for column in paper.columns]
    for line in lines_of(paper):
        yield cells_shown(paper, line, words)
    if paper.form == "01" and paper.period:
        yield ["", paper.title, *[""] * (len(paper.columns) - 2)]


def lines_of(paper: Paper) -> list[Line]:
    """The rows and the total."""
    return [*paper.lines, *([paper.total] if paper.total else [])]


def as_json(paper: Paper, words: Words, *, code: str) -> bytes:
    """The paper as it is kept, and each cell as it is shown: for programs. A mean that is not shown is not there."""
    kept = msgspec.to_builtins(paper)
    for line, told in zip(lines_of(paper), [*kept["lines"], *([kept["total"]] if paper.total else [])], strict=True):
        texts = cells_shown(paper, line, words)
        told["shown"] = dict(zip((column.code for column in paper.columns), texts, strict=True))
        told["cells"] |= dict.fromkeys(kept_back(paper, line))
    return msgspec.json.encode({**kept, "code": code}, order="deterministic")


def kept_back(paper: Paper, line: Line) -> list[str]:
    """The columns in which a row has the mean of too few to be shown."""
    cells = ((column.code, line.cells.get(column.code)) for column in paper.columns if column.shown == MEAN)
    return [code for code, value in cells if isinstance(value, tuple) and 0 < value[1] < FEWEST]


def workbook(paper: Paper, words: Words, frame: Frame, closing: Sequence[str]) -> bytes:
    """The report as a workbook for A4 across: heads merged, heading rows repeated on each page, text as text.

    Whole numbers are numbers, so that they can be added up; rates and means are text, since they must not be.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        moment = paper.at.replace(tzinfo=None, microsecond=0)
        book.set_properties({"title": paper.title, "subject": paper.about, "created": moment})
        page = book.add_worksheet(f"Biểu {paper.form}")
        made = Book(book, page, len(paper.columns) - 1)
        row = made.head(frame)
        row = made.title(paper, row)
        first, row = made.heading(paper.columns, row)
        page.repeat_rows(first, row - 1)
        page.freeze_panes(row, 2)
        for line in lines_of(paper):
            made.line(paper, line, cells_shown(paper, line, words), row, total=line is paper.total)
            row += 1
        made.foot(paper, frame, closing, row)
        page.ignore_errors({"number_stored_as_text": "A1:AZ99999"})
        page.set_landscape()
        page.set_paper(9)
        page.set_margins(left=0.79, right=0.59, top=0.79, bottom=0.79)
        page.fit_to_pages(1, 0)
        page.set_footer("&C&8&P/&N")
        page.hide_gridlines(2)
    return out.getvalue()


class Book:
    """The sheet under way, with the formats it has used so far."""

    def __init__(self, book: xlsxwriter.Workbook, page: Worksheet, last: int) -> None:
        self._book, self._page, self._last = book, page, last
        self._wide = last > 12
        self._widths: list[float] = []
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}

    def format(self, **wanted: Any) -> Format:
        """The format, made once."""
        key = tuple(sorted(wanted.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(
                {"font_name": FONT, "font_size": 11, "valign": "vcenter"} | wanted
            )
        return self._formats[key]

    def across(self, row: int, first: int, last: int, text: str, **wanted: Any) -> None:
        """A text over some columns."""
        style = self.format(text_wrap=True, **wanted)
        if first == last:
            self._page.write_string(row, first, text, style)
        else:
            self._page.merge_range(row, first, row, last, "", style)
            self._page.write_string(row, first, text, style)

    def head(self, frame: Frame) -> int:
        """The head of the document, in two halves; the next row."""
        half = max(1, self._last // 2 - (1 if self._last > 12 else 0))
        centred = {"align": "center"}
        left: list[tuple[str, dict[str, Any]]] = [(frame.above, {}), (frame.issuer, {"bold": True})]
        right: list[tuple[str, dict[str, Any]]]
        if frame.of_party:
            left.append(("*", {}))
            right = [(PARTY_NAME, {"bold": True, "underline": 1, "font_size": 13})]
        else:
            right = [(MOTTO[0], {"bold": True}), (MOTTO[1], {"bold": True, "underline": 1, "font_size": 12})]
        left.append((frame.number, {}))
        right += [("", {})] * (len(left) - 1 - len(right))
        right.append((f"{frame.place}, {BLANK_DATE}", {"italic": True}))
        for row, ((one, how), (other, other_how)) in enumerate(zip(left, right, strict=True)):
            self.across(row, 0, half, one, **centred, **how)
            self.across(row, half + 1, self._last, other, **centred, **other_how)
        return len(left) + 1

    def title(self, paper: Paper, row: int) -> int:
        """The name of the form, what it is about, and the sentence."""
        self.across(row, 0, self._last, f"Biểu {paper.form}", align="right", italic=True)
        self.across(row + 1, 0, self._last, paper.title, align="center", bold=True, font_size=14)
        self.across(row + 2, 0, self._last, paper.about, align="center", font_size=12)
        self._page.set_row(row + 1, 22)
        if not paper.sentence:
            return row + 4
        self.across(row + 4, 0, self._last, paper.sentence, align="left")
        self._page.set_row(row + 4, 16 * ceil(len(paper.sentence) / 150))
        return row + 6

    def heading(self, columns: Sequence[Column], row: int) -> tuple[int, int]:
        """The headings with groups merged, and the row of numbers below; first row, and the one after the last."""
        style = {
            "bold": True,
            "border": 1,
            "align": "center",
            "text_wrap": True,
            "bg_color": "#E9EEF0",
            "font_size": 8 if self._wide else 11,
        }
        grouped = any(column.group for column in columns)
        for one in headings(columns):
            if one.alone and grouped:
                self._page.merge_range(row, one.first, row + 1, one.first, one.label, self.format(**style))
            elif one.alone:
                self._page.write_string(row, one.first, one.label, self.format(**style))
            else:
                self.group(row, one.first, one.last, one.label, style)
        for place, column in enumerate(columns):
            self._widths.append(column.width * (0.64 if self._wide else 0.8) + (0 if self._wide else 1))
            self._page.set_column(place, place, self._widths[-1])
            if column.group:
                self._page.write_string(row + 1, place, column.label, self.format(**style))
        last = row + (1 if grouped else 0)
        self._page.set_row(last, 104 if self._wide else 48)
        if not any(column.formula for column in columns):
            return row, last + 1
        small = {"border": 1, "align": "center", "italic": True, "font_size": 6 if self._wide else 8, "text_wrap": True}
        self._page.set_row(last + 1, 18)
        for place, column in enumerate(columns):
            self._page.write_string(last + 1, place, f"({column.formula})", self.format(**small))
        return row, last + 2

    def group(self, row: int, first: int, last: int, label: str, style: dict[str, Any]) -> None:
        if first == last:
            self._page.write_string(row, first, label, self.format(**style))
        else:
            self._page.merge_range(row, first, row, last, label, self.format(**style))

    def line(self, paper: Paper, line: Line, texts: Sequence[str], row: int, *, total: bool) -> None:
        """A row of the table, as high as its longest text needs."""
        size = 8 if self._wide else 11
        lines = max(ceil(len(text) * 1.05 / width) for text, width in zip(texts, self._widths, strict=True))
        self._page.set_row(row, max(1, lines) * size * 1.3 + 3)
        for place, (column, text) in enumerate(zip(paper.columns, texts, strict=True)):
            style: dict[str, Any] = {"border": 1, "bold": line.parent or column.strong, "font_size": size}
            if total:
                style["bg_color"] = "#F3F3F3"
            value = line.cells.get(column.code)
            if column.shown == NUMBER and isinstance(value, int):
                style |= {"align": "right", "num_format": GROUPED, "shrink": True}
                self._page.write_number(row, place, value, self.format(**style))
                continue
            style |= {"align": "right", "shrink": True} if column.shown in FIGURES else {"text_wrap": True}
            style |= {"align": "center"} if column.code == "place" else {}
            if column.code == "name" and line.depth:
                style["indent"] = line.depth
            self._page.write_string(row, place, text, self.format(num_format="@", **style))

    def foot(self, paper: Paper, frame: Frame, closing: Sequence[str], row: int) -> None:
        """Definitions, cut-off, structure, code; then the recipients and the place of the signature."""
        row += 1
        for text in (*paper.notes, *closing):
            self.across(row, 0, self._last, text, align="left", italic=True, font_size=9)
            self._page.set_row(row, ceil(len(text) / 190) * 13)
            row += 1
        half = self._last // 2
        row += 1
        self.across(row, 0, half, "Nơi nhận:", bold=True, italic=True)
        for number, text in enumerate(frame.recipients, 1):
            self.across(row + number, 0, half, text, font_size=10)
        for number, text in enumerate(one for one in (frame.signature.behalf, frame.signature.office) if one):
            self.across(row + number, half + 1, self._last, text, bold=True, align="center")


def head_of(frame: Frame) -> dict[str, Any]:
    """The head of the document as the template reads it."""
    return {
        "party": frame.of_party,
        "above": frame.above,
        "issuer": frame.issuer,
        "number": frame.number,
        "date": f"{frame.place}, {BLANK_DATE}",
        "motto": list(MOTTO),
        "party_name": PARTY_NAME,
    }


def pdf(paper: Paper, words: Words, frame: Frame, closing: Sequence[str]) -> bytes:
    """The report as a PDF for A4 across, with the heading rows on each page."""
    columns = paper.columns
    data = {
        "head": head_of(frame),
        "form": f"Biểu {paper.form}",
        "title": paper.title,
        "about": paper.about,
        "sentence": paper.sentence,
        "widths": [column.width for column in columns],
        "aligns": ["right" if column.shown in FIGURES else "left" for column in columns],
        "strong": [column.strong for column in columns],
        "groups": [
            {"label": one.label, "span": one.last - one.first + 1, "alone": one.alone} for one in headings(columns)
        ],
        "labels": [column.label for column in columns if column.group],
        "formulas": [f"({column.formula})" for column in columns if column.formula],
        "rows": [
            {
                "cells": cells_shown(paper, line, words),
                "bold": line.parent,
                "depth": line.depth,
                "total": line is paper.total,
            }
            for line in lines_of(paper)
        ],
        "name": next((place for place, column in enumerate(columns) if column.code == "name"), -1),
        "notes": [*paper.notes, *closing],
        "behalf": frame.signature.behalf,
        "office": frame.signature.office,
        "recipients": list(frame.recipients),
    }
    return printing.pdf(TEMPLATE, data, at=paper.at)


def register_workbook(rows: Iterable[Sequence[str]], out: Any, *, at: datetime) -> None:
    """A register of any length, written row by row in constant memory: every cell is a text, nothing a formula."""
    with xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"created": at.replace(tzinfo=None, microsecond=0)})
        page = book.add_worksheet("Sổ theo dõi")
        text = book.add_format({"font_name": FONT, "font_size": 11})
        bold = book.add_format({"font_name": FONT, "font_size": 11, "bold": True, "text_wrap": True})
        for column, width in enumerate((6, 26, 22, 34, 16, 14)):
            page.set_column(column, column, width)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell:
                    page.write_string(number, column, cell, text if number else bold)
        page.freeze_panes(1, 2)


# The cells of the register


@lru_cache(maxsize=4_096)
def written(day: date | None) -> str:
    """27/11/2026."""
    return f"{day:%d/%m/%Y}" if day is not None else ""


@lru_cache(maxsize=TEN_THOUSAND + 1)
def points(ten_thousandths: int) -> str:
    """A score on the scale of 10. There are only so many."""
    return scale10(ten_thousandths / TEN_THOUSAND)


def cells_by_activity(places: Mapping[int, int]) -> Callable[[str], tuple[int, str] | None]:
    """The place and the cell of what `filters.told_by_activity` says of an activity: the same few again and again."""

    def cell(said: str) -> tuple[int, str] | None:
        activity_id, score = divmod(int(said), SPAN)
        place = places.get(activity_id)
        return None if place is None else (place, "x" if score == FINISHED else points(score))

    return lru_cache(maxsize=100_000)(cell)


def done(said: str | None, cells: Callable[[str], tuple[int, str] | None], number: int) -> Sequence[str]:
    """So many cells, with what is said of each activity in its place."""
    found = [""] * number
    for one in said.split(",") if said else ():
        if (cell := cells(one)) is not None:
            place, found[place] = cell
    return found
