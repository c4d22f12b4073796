"""Lists of people as offices have them, made for tests: workbooks, old encodings, and workbooks that do harm."""

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any

import xlsxwriter
import xlwt

HEAD = ("STT", "Số hiệu", "Họ và tên", "Ngày sinh", "Chức vụ", "Đơn vị", "Email")
TITLE = (("SỞ Y TẾ",), ("DANH SÁCH CÁN BỘ, CÔNG CHỨC",), ())
PEOPLE = (
    ("1", "00017", "Lý A Hoa", "5/3/1980", "Chuyên viên", "Sở Y tế", "hoa@yte.example.gov.vn"),
    ("2", "00018", "Nguyễn Thị Lường", "1975", "Trưởng phòng", "Văn phòng Sở", ""),
    ("3", "00019", "Hầu A Lử", "12-11-1990", "Chuyên viên", "Sở Y tế", ""),
)
Table = Sequence[Sequence[Any]]


def xlsx(
    rows: Table,
    *,
    fonts: Mapping[int, str] | None = None,
    formats: Mapping[tuple[int, int], str] | None = None,
    merges: Sequence[tuple[int, int, int, int]] = (),
    sheet: str = "Danh sách",
) -> bytes:
    """A workbook of one sheet; fonts by column, number formats by row and column. Texts stay texts."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet(sheet)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                told: dict[str, Any] = {"font_name": fonts[column]} if fonts and column in fonts else {}
                if formats and (number, column) in formats:
                    told["num_format"] = formats[number, column]
                style = book.add_format(told) if told else None
                if isinstance(value, str):
                    page.write_string(number, column, value, style)
                else:
                    page.write(number, column, value, style)
        for top, left, bottom, right in merges:
            page.merge_range(top, left, bottom, right, rows[top][left])
    return out.getvalue()


def xls(rows: Table, *, fonts: Mapping[int, str] | None = None) -> bytes:
    """The same in the form of Excel 97."""
    book = xlwt.Workbook()
    page = book.add_sheet("Danh sach")
    styles = {column: xlwt.easyxf(f"font: name {name}") for column, name in (fonts or {}).items()}
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            page.write(number, column, value, *([styles[column]] if column in styles else []))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def csv_text(rows: Table, *, separator: str = ";") -> str:
    """The rows as text between separators."""
    out = StringIO()
    for row in rows:
        out.write(separator.join(f'"{value}"' if separator in str(value) else str(value) for value in row) + "\r\n")
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def edited(content: bytes, parts: Mapping[str, bytes]) -> bytes:
    """A workbook with some of its parts replaced or added."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, body in parts.items():
            new.writestr(name, body)
    return out.getvalue()


def sheet_xml(body: str, *, after: str = "", before: str = "") -> bytes:
    """A sheet with this body, as XML."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    text = f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData>{after}</worksheet>'
    return f'<?xml version="1.0"?>{before}{text}'.encode()
