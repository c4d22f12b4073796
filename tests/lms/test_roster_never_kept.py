"""Of a list neither identity numbers nor ethnicity, religion or pictures are kept, however the office wrote them."""

import pytest
from sqlalchemy import select

from lms.organisation.models import Unit
from lms.roster.actions import receive, rehearse, taken_apart
from lms.roster.loader import sheets_of
from lms.roster.models import RosterLine
from lms.roster.rules import TAKEN_OUT
from lms.roster.validation import without_what_is_never_kept
from tests.make import Make
from tests.rosters import csv_text, xls, xlsx

HEAD = ("STT", "Họ và tên", "Số CCCD", "Dân tộc", "Ngày sinh", "Số hiệu")
NUMBER = "024185001234"


def kept_of(content: bytes) -> list[tuple[str, ...]]:
    [sheet] = sheets_of(content)
    return [line.cells for line in without_what_is_never_kept(sheet).lines]


@pytest.mark.parametrize(
    "label",
    ["CCCD", "Số CCCD/CMND", "Số căn cước công dân", "Số định danh cá nhân", "CMND", "Dân tộc", "Tôn giáo", "Ảnh thẻ"],
)
def test_a_column_so_called_keeps_its_label_and_nothing_else(label: str) -> None:
    rows = [("STT", "Họ và tên", label, "Chức vụ"), ("1", "Lý A Hoa", "Mông", "Chuyên viên")]
    assert kept_of(csv_text(rows).encode())[1] == ("1", "Lý A Hoa", "", "Chuyên viên")


@pytest.mark.parametrize("label", ["Số hiệu", "Ban Dân tộc", "Ngày cấp", "Ảnh hưởng", "Số điện thoại"])
def test_other_columns_stay(label: str) -> None:
    rows = [("STT", "Họ và tên", label), ("1", "Lý A Hoa", "0001")]
    assert kept_of(csv_text(rows).encode())[1] == ("1", "Lý A Hoa", "0001")


def test_a_title_that_speaks_of_ethnicity_empties_no_column() -> None:
    rows = [("Dân tộc",), ("Họ và tên", "Chức vụ"), ("Lý A Hoa", "Chuyên viên")]
    assert kept_of(csv_text(rows).encode())[2] == ("Lý A Hoa", "Chuyên viên")


def test_a_label_in_letters_of_before_unicode_is_read_too() -> None:
    rows = [("Hä vµ tªn", "D©n téc", "Chøc vô"), ("Lý A Hoa", "M«ng", "Chuyªn viªn")]
    fonts = dict.fromkeys(range(3), ".VnTime")
    assert kept_of(xls(rows, fonts=fonts))[1] == ("Lý A Hoa", "", "Chuyªn viªn")


@pytest.mark.parametrize(
    ("cell", "kept"),
    [(NUMBER, TAKEN_OUT), ("024 185 001 234", TAKEN_OUT), ("0912345678", "0912345678"), ("00017", "00017")],
)
def test_an_identity_number_is_taken_out_wherever_it_stands(cell: str, kept: str) -> None:
    assert kept_of(csv_text([("Họ và tên", "Ghi chú"), ("Lý A Hoa", cell)]).encode())[1] == ("Lý A Hoa", kept)


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (24185001234, TAKEN_OUT),  # 024185001234
        (8080001234, TAKEN_OUT),  # 008080001234, of Tuyên Quang
        (2304001234, TAKEN_OUT),  # 002304001234, of Hà Giang, born in 2004
        (1000000123, "1000000123"),  # nobody born in 1900
        (8980001234, "8980001234"),
        (912345678, "912345678"),
        (84912345678, "84912345678"),
    ],
)
def test_an_identity_number_that_became_a_number_and_lost_its_noughts_is_taken_out_too(number: int, kept: str) -> None:
    assert kept_of(xlsx([("Họ và tên", "Ghi chú"), ("Lý A Hoa", number)]))[1] == ("Lý A Hoa", kept)
    as_text = kept_of(xlsx([("Họ và tên", "Ghi chú"), ("Lý A Hoa", str(number))]))[1]
    assert as_text == ("Lý A Hoa", str(number)), "what is written as text is a code"


def test_no_line_of_a_list_holds_them_and_an_identity_number_is_no_staff_code(make: Make) -> None:
    unit, by = make.unit("Sở Y tế"), make.person(role="administrator").public_id
    rows = [HEAD, ("1", "Lý A Hoa", NUMBER, "Mông", "5/3/1980", "00017"), ("2", "Ma Thị Páo", "", "", "1981", NUMBER)]
    with make.writing() as session:
        here = session.get_one(Unit, unit.id)
        upload = receive(session, here, taken_apart(csv_text(rows).encode()), file_name="a.csv", by=by)
        rehearse(session, upload)
        lines = session.scalars(
            select(RosterLine).where(RosterLine.upload_id == upload.id).order_by(RosterLine.number)
        ).all()
        assert not any(word in repr((one.cells, one.told)) for one in lines for word in (NUMBER, "Mông"))
        assert lines[1].cells == ["1", "Lý A Hoa", "", "", "5/3/1980", "00017"]
        assert "code_identity" in repr(lines[2].told)
        assert "code_identity" not in repr(lines[1].told)
