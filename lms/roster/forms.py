"""Forms about lists of people, and the words for what columns, lines and files are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from sqlalchemy.orm import Session
from wtforms import BooleanField, HiddenField, validators

from lms import clock
from lms.accounts.forms import CATEGORIES
from lms.organisation.forms import UnitField
from lms.roster import queries
from lms.roster.matching import Head, Places, head_of
from lms.roster.models import RosterLine, RosterUpload
from lms.roster.rules import DOUBTFUL, MOST_COLUMNS, SKIP, Line, Settings, Sheet
from lms.roster.spelling import AUTO, UNICODE, as_meant, by_font, found_reading
from lms.roster.validation import BRANCH_KEY
from lms.web.forms import ChoiceField, DayField, PageForm, choices, required

LATEST_DAYS = 366

FIELDS = {
    "": _l("– Không đọc cột này –"),
    "full_name": _l("Họ và tên"),
    "family": _l("Họ và tên đệm"),
    "given": _l("Tên"),
    "code": _l("Số hiệu"),
    "born": _l("Ngày sinh"),
    "position": _l("Chức vụ"),
    "category": _l("Loại cán bộ"),
    "party": _l("Đảng viên"),
    "unit": _l("Đơn vị"),
    "department": _l("Phòng, ban"),
    "unit_code": _l("Mã đơn vị"),
    "branch": _l("Chi bộ"),
    "email": _l("Thư điện tử"),
    "order": _l("Số thứ tự"),
}
"""What a column may be about."""

READINGS = {
    AUTO: _l("Tự nhận theo phông chữ và chữ viết"),
    UNICODE: _l("Unicode (giữ nguyên)"),
    "tcvn3": _l("TCVN3 (ABC, phông .Vn…)"),
    "vni": _l("VNI (phông VNI-…)"),
}

REFUSED = {
    "size": _l("Tệp lớn hơn %(most)s MB. Chia danh sách thành nhiều tệp, mỗi tệp một phần đơn vị."),
    "name": _l(
        "“%(name)s” là tệp loại khác, không phải bảng tính. Chọn danh sách dạng XLSX, XLS, CSV hoặc OneRoster (ZIP)."
    ),
    "table": _l(
        "Tệp này không phải bảng: các dòng không chia thành những cột như nhau, cũng không có dòng tiêu đề "
        "“Họ và tên”. Mở danh sách bằng phần mềm bảng tính rồi lưu lại dạng XLSX."
    ),
    "kind": _l("Tệp này không phải bảng tính XLSX, XLS hay CSV. Mở bằng phần mềm bảng tính rồi lưu lại dạng XLSX."),
    "encrypted": _l("Tệp có mật khẩu. Bỏ mật khẩu trong phần mềm bảng tính, lưu lại rồi gửi lại."),
    "damaged": _l("Tệp bị hỏng hoặc chưa tải đủ. Mở lại bằng phần mềm bảng tính, lưu thành tệp mới rồi gửi lại."),
    "bomb": _l("Tệp nén bất thường, mở ra sẽ lớn gấp nhiều lần. Chép riêng danh sách sang một tệp mới rồi gửi lại."),
    "entities": _l("Tệp chứa khai báo XML không có trong bảng tính thường. Lưu lại thành tệp XLSX mới rồi gửi lại."),
    "rows": _l("Danh sách dài hơn 20.000 dòng. Chia thành nhiều tệp."),
    "cells": _l(
        "Bảng tính có quá nhiều ô (kể cả ô trống có kẻ khung). Xóa các cột, các dòng thừa ngoài danh sách rồi gửi lại."
    ),
    "columns": _l("Có dòng dài quá cột thứ 100. Xóa các cột thừa bên phải danh sách rồi gửi lại."),
    "merges": _l("Bảng tính có hơn 20.000 vùng ô gộp. Bỏ gộp ô (Unmerge Cells) rồi gửi lại."),
    "sheets": _l("Tệp có hơn 40 trang tính. Chép riêng trang danh sách sang một tệp mới rồi gửi lại."),
    "empty": _l("Tệp không có chữ nào. Kiểm tra lại trang tính (trang ẩn không được đọc) rồi gửi lại."),
}
"""Why a file is not read, and what to do."""

FAULTS = {
    "name_none": _l("Thiếu họ và tên."),
    "name_long": _l("Họ và tên dài quá 100 chữ."),
    "name_strange": _l("Họ và tên “%(said)s” có ký tự lạ; có thể sai bảng mã (TCVN3, VNI)."),
    "letters_unsure": _l(
        "“%(said)s”: phông chữ là TCVN3 hoặc VNI nhưng chữ đọc được cả theo Unicode. Về bước “Các cột” để chọn bảng mã."
    ),
    "cell_broken": _l("Ô là công thức lỗi hoặc chưa có kết quả (%(said)s). Thay bằng chữ."),
    "day_form": _l("Không đọc được ngày “%(said)s”. Viết ngày/tháng/năm, ví dụ 05/03/1980, hoặc chỉ năm 1980."),
    "day_none": _l("Không có ngày “%(said)s”. Viết theo thứ tự ngày/tháng/năm."),
    "day_age": _l("Năm sinh “%(said)s” không hợp với người trong danh sách (14 đến 100 tuổi)."),
    "code_power": _l("Số hiệu “%(said)s” đã bị bảng tính đổi thành dạng số mũ, mất chữ số. Nhập lại ở ô dạng chữ."),
    "code_rounded": _l("Số hiệu “%(said)s” dài quá 15 chữ số nên bảng tính đã làm tròn. Nhập lại ở ô dạng chữ."),
    "code_identity": _l(
        "Ô số hiệu ghi số định danh cá nhân (12 chữ số); hệ thống không lưu số này. Thay bằng số hiệu của cơ quan "
        "hoặc để trống."
    ),
    "code_long": _l("Số hiệu dài quá 40 ký tự."),
    "code_taken": _l("Số hiệu “%(said)s” đang là của người khác."),
    "email_form": _l("Địa chỉ thư “%(said)s” không đúng dạng ten@coquan.gov.vn."),
    "position_form": _l("Chức vụ dài quá 150 chữ."),
    "category_form": _l("Không rõ loại “%(said)s”. Viết: cán bộ, công chức, viên chức, người lao động hoặc khác."),
    "party_form": _l("Không rõ “%(said)s” ở cột Đảng viên. Viết: chính thức, dự bị hoặc quần chúng."),
    "unit_unsure": _l("Chưa rõ đơn vị “%(said)s”. Chọn ở bước “Đơn vị”."),
    "branch_unsure": _l("Chưa rõ chi bộ “%(said)s”. Chọn ở bước “Đơn vị”."),
    "unit_early": _l("“%(said)s” chưa hoạt động vào ngày danh sách có hiệu lực."),
    "unit_ended": _l("Đơn vị đã kết thúc hoạt động vào ngày danh sách có hiệu lực: %(said)s."),
    "move_early": _l("Người này đã thuộc đơn vị hiện nay từ %(said)s, sau ngày danh sách có hiệu lực."),
    "same_code": _l("Trùng số hiệu với dòng %(said)s."),
    "same_email": _l("Trùng địa chỉ thư với dòng %(said)s."),
    "same_name": _l("Trùng họ tên, ngày sinh và đơn vị với dòng %(said)s. Ghi số hiệu hoặc ngày sinh để phân biệt."),
    "same_person": _l("Cùng một người với dòng %(said)s."),
    "role_further": _l("Người này giữ vai trò vượt phạm vi của người nhập danh sách. Đề nghị quản trị viên sửa."),
}
"""What is wrong with a line, and what to do."""

WHY = {
    "several": _l("Nhiều người trong hệ thống có thể là người này."),
    "code_or_email": _l("Số hiệu là của một người, địa chỉ thư là của người khác."),
    "other_name": _l("Trùng số hiệu nhưng khác họ tên."),
    "other_name_email": _l("Trùng địa chỉ thư nhưng khác họ tên."),
    "bare_code": _l("Trùng họ tên; số hiệu chỉ khác số 0 ở đầu."),
    "other_code": _l("Trùng họ tên, đơn vị nhưng khác số hiệu."),
    "no_birth": _l("Trùng họ tên, đơn vị; một bên chưa có ngày sinh."),
    "elsewhere": _l("Trùng họ tên, ngày sinh với người ở đơn vị khác."),
    "namesake": _l("Trùng họ tên với người ở đơn vị khác trong cơ quan; chưa đủ để phân biệt."),
}
"""Why it is not sure who a line is."""

KINDS = {
    "new": _l("Người mới"),
    "changed": _l("Thay đổi"),
    "moved": _l("Chuyển đơn vị"),
    "bad": _l("Dòng lỗi"),
    "asked": _l("Cần trả lời"),
    "unchanged": _l("Không đổi"),
    "left": _l("Không có trong danh sách"),
    "aside": _l("Dòng không đọc"),
}
"""What becomes of a line, in the order of the tabs."""


class UploadForm(PageForm):
    """A file, and the unit whose list it is."""

    unit = UnitField(
        _l("Danh sách của cơ quan, đơn vị"),
        [required(_l("Chọn cơ quan, đơn vị."))],
        description=_l("Người trong danh sách thuộc đơn vị này hoặc đơn vị trực thuộc."),
    )
    file = FileField(
        _l("Tệp danh sách"),
        [FileRequired(_l("Chọn tệp danh sách."))],
        description=_l("XLSX, XLS, CSV như đơn vị đang dùng, hoặc bộ tệp OneRoster (ZIP)."),
    )


class ColumnsForm(PageForm):
    """How the list is read; what each column is about stands beside it."""

    sheet = ChoiceField(_l("Trang tính"))
    line = ChoiceField(_l("Dòng tiêu đề cột"))
    reading = ChoiceField(_l("Bảng mã chữ Việt"), choices=choices(READINGS))
    on = DayField(
        _l("Danh sách có hiệu lực từ ngày"),
        [required(_l("Chọn ngày."))],
        description=_l("Người mới và người chuyển đơn vị được tính ở đơn vị mới từ ngày này."),
    )
    category = ChoiceField(
        _l("Loại cán bộ của người mới khi danh sách không ghi"), choices=choices(CATEGORIES), default="cong_chuc"
    )

    def validate_on(self, field: DayField) -> None:
        """Not years ahead, which would be a slip of the hand."""
        day: date | None = field.data
        if day is not None and (day - clock.today()).days > LATEST_DAYS:
            raise validators.ValidationError(_l("Ngày này còn quá xa. Kiểm tra lại năm."))


class AnswerForm(PageForm):
    """Whether all namesakes of one unit are the same people. Single answers stand beside their lines."""

    namesakes = BooleanField(_l("Mọi dòng trùng họ tên, cùng đơn vị, một bên chưa có ngày sinh: là cùng một người"))


class ApplyForm(PageForm):
    """The digest of what was rehearsed."""

    digest = HiddenField()


def letter(column: int) -> str:
    """A of 0, AA of 26: as the spreadsheet names its columns."""
    made = ""
    column += 1
    while column > 0:
        column, rest = divmod(column - 1, 26)
        made = chr(65 + rest) + made
    return made


def worded(fault: list[str], labels: tuple[str, ...] | list[str]) -> str:
    """A fault of a line in words, with its column before it."""
    column, reason, said = int(fault[0]), fault[1], fault[2]
    text = str(FAULTS[reason]) % {"said": said} if "%(said)s" in str(FAULTS[reason]) else str(FAULTS[reason])
    return f"{place(column, labels)}: {text}" if column >= 0 else text


def place(column: int, labels: tuple[str, ...] | list[str]) -> str:
    """C (Họ và tên)."""
    label = labels[column] if 0 <= column < len(labels) else ""
    return f"{letter(column)} ({label})" if label else letter(column)


def refusal(reason: str, *, most: int, name: str) -> str:
    """Why a file of that name is not read."""
    words: Mapping[str, str] = {"most": str(most), "name": name}
    text = str(REFUSED[reason])
    return text % words if "%(" in text else text


HEAD_CHOICES = 60
SAMPLE_LINES = 400
SAMPLES = 3
MANY_UNITS = 300
"""So many units still stand in one list; of more, one writes the code."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the page shows it: its letter, its label, a few of its cells, and what it is about."""

    number: int
    letter: str
    label: str
    samples: tuple[str, ...]
    field: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The list as it is read under some settings: its head, its columns, and what reading it anew has changed.

    `doubtful`: what was left as it stands, and how its font would show it, for nothing tells which is meant.
    """

    form: ColumnsForm
    head: Head | None
    columns: tuple[Column, ...]
    converted: tuple[tuple[str, str], ...]
    doubtful: tuple[tuple[str, str], ...]
    reading: str


def shown(upload: RosterUpload, raw: Sheet, settings: Settings) -> Shown:
    """What the page about columns shows, from the first lines of the sheet as they stand in the file."""
    meant = as_meant(raw, settings.reading)
    head = head_of(meant, settings)
    form = ColumnsForm(
        sheet=str(settings.sheet),
        line=str(settings.place),
        reading=settings.reading,
        on=settings.on,
        category=settings.category,
    )
    form.sheet.choices = choices({str(n): name or _("Trang duy nhất") for n, name in enumerate(upload.sheets)})
    lines = {str(n): head_line(line) for n, line in enumerate(meant.lines[:HEAD_CHOICES])}
    form.line.choices = choices({"-1": _l("– Chọn dòng có tên các cột –"), **lines})
    changed = [
        (old, new)
        for before, after in zip(raw.lines, meant.lines, strict=True)
        for old, new in zip(before.cells, after.cells, strict=True)
        if old != new
    ]
    doubtful = {
        cell: by_font(cell, mark)
        for before, after in zip(raw.lines, meant.lines, strict=True)
        for cell, mark, verdict in zip(before.cells, before.marks, after.marks, strict=True)
        if verdict == DOUBTFUL
    }
    converted, left = (tuple(pairs.items())[:SAMPLE_PAIRS] for pairs in (dict(changed), doubtful))
    return Shown(form, head, columns_of(meant, head), converted, left, found_reading(raw))


SAMPLE_PAIRS = 6
"""So many texts are shown with their letters before and after."""


def head_line(line: Line) -> str:
    """A line as one may choose it."""
    text = " | ".join(filter(None, line.cells))
    return f"{line.number}: {text[:70]}{'…' if len(text) > 70 else ''}"


def columns_of(sheet: Sheet, head: Head | None) -> tuple[Column, ...]:
    """The columns below the head in which something stands."""
    if head is None:
        return ()
    body = sheet.lines[head.body :]
    width = max([len(head.labels), *(len(line.cells) for line in body[:SAMPLE_LINES])])
    found = []
    for column in range(width):
        cells = list(dict.fromkeys(line.shown(column) for line in body if line.cell(column)))[:SAMPLES]
        label = head.labels[column] if column < len(head.labels) else ""
        field = head.fields[column] if column < len(head.fields) else ""
        if label or cells:
            found.append(Column(column, letter(column), label, tuple(cells), field))
    return tuple(found)


def chosen(posted: Mapping[str, str], before: Settings) -> Settings:
    """The settings a posted page about columns asks for; what makes no sense is as it was."""
    sheet, place = whole(posted.get("sheet"), before.sheet), whole(posted.get("line"), before.place)
    reading = posted.get("reading", before.reading)
    width = 1 + max([-1, *(whole(name.removeprefix("column-"), -1) for name in posted if name.startswith("column-"))])
    fields = tuple(posted.get(f"column-{column}", "") for column in range(min(width, MOST_COLUMNS)))
    return replace(
        before,
        sheet=sheet,
        place=place,
        reading=reading if reading in READINGS else AUTO,
        fields=tuple(field if field in FIELDS else "" for field in fields),
        category=posted.get("category", "") if posted.get("category", "") in CATEGORIES else before.category,
    )


def whole(text: str | None, otherwise: int) -> int:
    """The number that was posted."""
    return int(text) if text is not None and text.removeprefix("-").isdecimal() and len(text) < 7 else otherwise


def twice(fields: tuple[str, ...]) -> str | None:
    """A field that two columns claim to be, where only one can be."""
    seen = [field for field in fields if field and field not in {"family", "born"}]
    return next((field for field in seen if seen.count(field) > 1), None)


def units_chosen(posted: Mapping[str, str], places: Places, branches: Places) -> tuple[dict[str, str], frozenset[str]]:
    """For each text the public id of the unit that was chosen, or `SKIP`; and the texts for which none was found.

    A unit is chosen from a list, or its code is written where there are too many.
    """
    told: dict[str, str] = {}
    wrong = set()
    for name, key in posted.items():
        if not name.startswith("key-"):
            continue
        number, key = name.removeprefix("key-"), key.replace("\r\n", "\n")
        among = branches if key.startswith(BRANCH_KEY) else places
        picked, written = posted.get(f"unit-{number}", ""), posted.get(f"code-{number}", "").strip()
        found = among.by_code(written) if written else None
        if written and found is None:
            wrong.add(key)
        elif found is not None:
            told[key] = found.public_id
        elif picked == SKIP or any(place.public_id == picked for place in among.places):
            told[key] = picked
    return told, frozenset(wrong)


def labels_of(session: Session, upload: RosterUpload) -> tuple[str, ...]:
    """The labels of the columns, for telling where a fault is."""
    settings = Settings.of(upload.settings)
    raw = queries.sheet_of(session, upload, settings.sheet, most=SAMPLE_LINES)
    head = head_of(as_meant(raw, settings.reading), settings)
    return head.labels if head is not None else ()


def with_faults(session: Session, upload: RosterUpload) -> tuple[Sheet, int, dict[int, str]]:
    """The sheet of a list as it is read, the number of its head, and what is wrong with lines, by their numbers."""
    settings = Settings.of(upload.settings)
    sheet = as_meant(queries.sheet_of(session, upload, settings.sheet), settings.reading)
    head = head_of(sheet, settings)
    labels = head.labels if head else ()
    faults = {}
    for line in session.scalars(queries.outcomes_of(upload).where(RosterLine.outcome.in_(("bad", "asked")))):
        told = line.told or {}
        words = [worded(fault, labels) for fault in told.get("faults", ())]
        words += [str(WHY[told["why"]])] if told.get("why") else []
        faults[line.number] = " ".join(words)
    return sheet, sheet.lines[head.place].number - 1 if head else 0, faults
