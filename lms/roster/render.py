"""Lists going out: a workbook or CSV of text in the shape that comes in, a corrected file, OneRoster files. Pure."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO

import xlsxwriter

from lms.roster.matching import Listed, Place
from lms.roster.rules import Sheet
from lms.text import harmless

A4 = 9
HEAD = (
    "STT",
    "Số hiệu",
    "Họ và tên",
    "Ngày sinh",
    "Chức vụ",
    "Loại cán bộ",
    "Đảng viên",
    "Đơn vị",
    "Mã đơn vị",
    "Chi bộ",
    "Thư điện tử",
)
CATEGORIES = {
    "can_bo": "Cán bộ",
    "cong_chuc": "Công chức",
    "vien_chuc": "Viên chức",
    "nguoi_lao_dong": "Người lao động",
    "khac": "Khác",
}
PARTY = {"chinh_thuc": "Đảng viên chính thức", "du_bi": "Đảng viên dự bị", "quan_chung": "Quần chúng"}
"""Files are in Vietnamese, whoever takes them out: they come back as lists of an office."""


def listed_rows(people: Iterable[Listed]) -> Iterator[Sequence[str]]:
    """The head of a list, then a row a person."""
    yield HEAD
    for number, one in enumerate(people, 1):
        person = one.person
        yield (
            str(number),
            person.own_code,
            person.full_name,
            str(person.born or ""),
            person.position,
            CATEGORIES[person.category],
            PARTY[person.party],
            one.unit,
            one.unit_code,
            one.branch,
            person.email,
        )


def corrected_rows(sheet: Sheet, head: int, faults: Mapping[int, str], *, label: str) -> Iterator[Sequence[str]]:
    """The rows of a sheet in their places, with a column behind the last for what is wrong; `head` has its label."""
    width = max(len(line.cells) for line in sheet.lines)
    place = 1
    for line in sheet.lines:
        while place < line.number:
            yield ()
            place += 1
        said = label if line.number - 1 == head else faults.get(line.number, "")
        yield (*map(line.shown, range(width)), said)
        place += 1


WIDTHS = (6, 12, 28, 13, 24, 18, 22, 34, 14, 30, 30)
NARROWEST, WIDEST, OF_FAULTS = 5, 32, 60


def widths_of(sheet: Sheet, head: int) -> list[int]:
    """How wide the columns of a sheet are for what stands from its head on, and the column for faults behind them."""
    body = [line for line in sheet.lines if line.number > head]
    columns = range(max((len(line.cells) for line in sheet.lines), default=0))
    longest = (max((len(line.cell(n)) for line in body), default=0) + 2 for n in columns)
    return [*(min(max(one, NARROWEST), WIDEST) for one in longest), OF_FAULTS]


def workbook(rows: Iterable[Sequence[str]], *, sheet: str, head: int = 0, widths: Sequence[int] = WIDTHS) -> IO[bytes]:
    """A workbook of one sheet in which every cell is a text: no code loses a nought, and nothing is a formula.

    Written row by row to a file of the system that goes when it is closed. `head` is the place of the row of labels.
    """
    out = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    with xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False}) as book:
        page = book.add_worksheet(sheet[:31])
        look = {"num_format": "@", "font_name": "Times New Roman", "font_size": 12, "valign": "top"}
        text, bold = book.add_format(look), book.add_format({**look, "bold": True})
        for column, width in enumerate(widths):
            page.set_column(column, column, width)
        page.set_landscape()
        page.set_paper(A4)
        page.fit_to_pages(1, 0)
        page.repeat_rows(head)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell:
                    page.write_string(number, column, cell, bold if number == head else text)
        page.freeze_panes(head + 1, 0)
    out.seek(0)
    return out


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The rows as CSV, piece by piece, after the mark by which a spreadsheet knows UTF-8."""
    yield "\ufeff"
    for row in rows:
        out = io.StringIO()
        csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerow([harmless(cell) for cell in row])
        yield out.getvalue()


ORGS = ("sourcedId", "status", "dateLastModified", "name", "type", "identifier", "parentSourcedId")
USERS = (
    "sourcedId",
    "status",
    "dateLastModified",
    "enabledUser",
    "orgSourcedIds",
    "role",
    "username",
    "userIds",
    "givenName",
    "familyName",
    "middleName",
    "identifier",
    "email",
    "sms",
    "phone",
    "agentSourcedIds",
    "grades",
    "password",
    "metadata.fullName",
    "metadata.position",
    "metadata.category",
    "metadata.party",
    "metadata.birthYear",
)
DEMOGRAPHICS = ("sourcedId", "status", "dateLastModified", "birthDate", "sex")
SETS = (
    "academicSessions",
    "categories",
    "classes",
    "classResources",
    "courses",
    "courseResources",
    "demographics",
    "enrollments",
    "lineItems",
    "orgs",
    "resources",
    "results",
    "users",
)
WHOLE_SETS = {"orgs", "users", "demographics"}


def one_roster(orgs: Iterable[Sequence[str]], users: Iterable[tuple[Sequence[str], Sequence[str] | None]]) -> IO[bytes]:
    """A zip of OneRoster 1.1 files, all people in bulk: orgs as (id, code, name, type, id above), users with births.

    Of a user: the fields of `USERS` and, where the day of birth is known, those of `DEMOGRAPHICS`.
    """
    out = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    births: list[Sequence[str]] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("manifest.csv", "".join(plain_csv(manifest())))
        units = ((own, "", "", name, kind, code, above) for own, code, name, kind, above in orgs)
        packed.writestr("orgs.csv", "".join(plain_csv([ORGS, *units])))
        with packed.open("users.csv", "w") as stream:
            for piece in plain_csv([USERS]):
                stream.write(piece.encode())
            for user, birth in users:
                for piece in plain_csv([user]):
                    stream.write(piece.encode())
                if birth is not None:
                    births.append(birth)
        packed.writestr("demographics.csv", "".join(plain_csv([DEMOGRAPHICS, *births])))
    out.seek(0)
    return out


def manifest() -> list[Sequence[str]]:
    """Which of the files of the standard are there."""
    told = [
        ("propertyName", "value"),
        ("manifest.version", "1.0"),
        ("oneroster.version", "1.1"),
        *((f"file.{name}", "bulk" if name in WHOLE_SETS else "absent") for name in SETS),
        ("source.systemName", "Quan triet"),
        ("source.systemCode", "quan-triet"),
    ]
    return list(told)


def plain_csv(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The rows as RFC 4180 has them, as other programs read them; nothing in them is a formula."""
    for row in rows:
        out = io.StringIO()
        csv.writer(out).writerow([harmless(cell) for cell in row])
        yield out.getvalue()


def name_parts(full_name: str) -> tuple[str, str, str]:
    """Given, family and middle name, as other systems want them: last, first, and what is between.

    A single name stands in both places that must not be empty; the whole name is told beside them.
    """
    words = full_name.split()
    return (words[-1], words[0], " ".join(words[1:-1])) if words else ("", "", "")


def orgs_of(places: Iterable[Place], top: int) -> Iterator[Sequence[str]]:
    """The units as orgs: all of one kind, below the one at the top."""
    places = list(places)
    known = {place.unit_id: place.public_id for place in places}
    for place in places:
        above = "" if place.unit_id == top else known.get(place.parent_id or 0, "")
        yield place.public_id, place.code, place.name, "district" if place.unit_id == top else "department", above


def users_of(people: Iterable[Listed]) -> Iterator[tuple[Sequence[str], Sequence[str] | None]]:
    """The people as users, each with the day of birth where it is known."""
    for one in people:
        person = one.person
        given, family, middle = name_parts(person.full_name)
        user = (
            person.public_id,
            *("", "", "true", one.unit_public_id, "student", one.username, ""),
            *(given, family, middle, person.own_code, person.email),
            *("", "", "", "", ""),
            *(person.full_name, person.position, CATEGORIES[person.category], PARTY[person.party]),
            str(person.born.year) if person.born else "",
        )
        day = person.born.day if person.born else None
        yield user, (person.public_id, "", "", day.isoformat(), "") if day else None
