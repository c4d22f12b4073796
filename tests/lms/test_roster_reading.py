"""Files as offices have them become the same lines: every format, encoding, separator and old font."""

import unicodedata
from datetime import date, datetime
from io import BytesIO

import pytest
import xlsxwriter

from lms.roster.loader import sheets_of
from lms.roster.matching import Place, Places, found_head
from lms.roster.rules import (
    BROKEN,
    DAY,
    DOUBTFUL,
    NUMBER,
    TEXT,
    Birth,
    NoCode,
    NoDay,
    Refused,
    Settings,
    Sheet,
    birth,
    figures,
    is_day_format,
    shown,
    staff_code,
    username,
)
from lms.roster.spelling import (
    FROM_TCVN3,
    FROM_VNI,
    MARKS,
    as_meant,
    found_reading,
    from_tcvn3,
    from_vni,
    is_syllable,
    mark_of_font,
    strange,
)
from lms.roster.validation import Reading
from lms.text import fold
from tests.rosters import HEAD, PEOPLE, SHEET, TITLE, csv_text, edited, sheet_xml, xls, xlsx

ROWS = [*TITLE, HEAD, *PEOPLE]
TODAY = date(2026, 11, 26)
TO_TCVN3 = {letter: chr(place) for place, letter in FROM_TCVN3.items() if letter not in MARKS}
TO_VNI = {letter: written for written, letter in reversed(FROM_VNI.items())}


def tcvn3(text: str) -> str:
    return "".join(TO_TCVN3.get(letter, letter) for letter in text)


def vni(text: str) -> str:
    return "".join(TO_VNI.get(letter, letter) for letter in text)


def windows_1258(text: str) -> bytes:
    """As Windows wrote Vietnamese: letters with their shape, tones behind them."""
    written = ""
    for letter in unicodedata.normalize("NFD", text):
        if unicodedata.combining(letter) and letter not in MARKS:
            place = len(written.rstrip("".join(MARKS))) - 1
            written = written[:place] + unicodedata.normalize("NFC", written[place] + letter) + written[place + 1 :]
        else:
            written += letter
    return written.encode("cp1258")


def in_old_fonts(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [tuple(map(tcvn3, row)) for row in rows]


FILES = {
    "xlsx": lambda: xlsx(ROWS),
    "xls": lambda: xls(ROWS),
    "CSV in UTF-8": lambda: csv_text(ROWS).encode(),
    "CSV in UTF-8 with its mark": lambda: csv_text(ROWS, separator=",").encode("utf-8-sig"),
    "CSV in UTF-16": lambda: csv_text(ROWS, separator="\t").encode("utf-16"),
    "CSV in UTF-16 without its mark": lambda: csv_text(ROWS, separator="\t").encode("utf-16-le"),
    "CSV that names its separator": lambda: ("sep=,\r\n" + csv_text(ROWS, separator=",")).encode(),
    "CSV in windows-1258": lambda: windows_1258(csv_text(ROWS)),
    "CSV in TCVN3": lambda: tcvn3(csv_text([("Sở Y tế",), HEAD, *PEOPLE])).encode("latin-1"),
    "CSV in VNI": lambda: vni(csv_text(ROWS)).encode("latin-1"),
    "xlsx in a TCVN3 font": lambda: xlsx(in_old_fonts(ROWS), fonts=dict.fromkeys(range(7), ".VnTime")),
    "xls in a TCVN3 font": lambda: xls(in_old_fonts(ROWS), fonts=dict.fromkeys(range(7), ".VnTime")),
    "xlsx in TCVN3 without the font": lambda: xlsx(in_old_fonts(ROWS)),
}


LETTER = "Kính gửi ông Hoa, bà Páo,\nĐề nghị gửi danh sách.\nNgười ký, đóng dấu, ghi ngày\nTrân trọng.\n"
NO_TABLES = {
    "a letter": (LETTER.encode(), "", "table"),
    "a word": (b"a,b", "", "table"),
    "lines of names without a heading": ("Lý A Hoa\nMa Thị Páo\nHầu A Lử\n".encode(), "", "table"),
    "a list by its name a document": (csv_text(ROWS).encode(), "Danh sách.PDF", "name"),
    "a workbook by its name a picture": (xlsx(ROWS), "anh.chup.jpeg", "name"),
    "a document of letters": (b"%PDF-1.4\n1 0 obj\n", "", "kind"),
    "rich text": (b"{\\rtf1\\ansi a;b\nc;d\n}", "", "kind"),
    "a page that a program calls a workbook": (b"\xef\xbb\xbf <TABLE><tr><td>a;b\nc;d\n", "x.xls", "kind"),
}
TABLES = {
    "titles and two people": (csv_text([("SỞ Y TẾ",), ("DANH SÁCH",), ("Năm 2026",), HEAD, *PEOPLE[:1]]).encode(), ""),
    "one column with its heading": ("Họ và tên\nLý A Hoa\nMa Thị Páo\n".encode(), "danh sách.txt"),
    "one column in TCVN3": (tcvn3("Họ và tên\nHoàng Thị Lường\nNguyễn Văn Được\n").encode("latin-1"), ""),
    "columns nobody knows": (b"a;b\n1;2\n", "27.11.2026"),
    "a heading alone": ("Số hiệu;Họ và tên".encode(), "ds"),
}


@pytest.mark.parametrize("kind", NO_TABLES)
def test_what_is_no_table_or_says_so_by_its_name_is_refused(kind: str) -> None:
    content, name, reason = NO_TABLES[kind]
    with pytest.raises(Refused) as refused:
        sheets_of(content, name)
    assert refused.value.reason == reason


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_read_whatever_else_its_name_says(kind: str) -> None:
    content, name = TABLES[kind]
    assert sheets_of(content, name)[0].lines


@pytest.mark.parametrize("kind", FILES)
def test_a_list_says_the_same_in_every_form(kind: str) -> None:
    [sheet] = sheets_of(FILES[kind]())
    sheet = as_meant(sheet)
    head = found_head(sheet, {})
    assert head is not None
    assert head.fields == ("order", "code", "full_name", "born", "position", "unit", "email")
    cells = [tuple([*line.cells, ""][:7]) for line in sheet.lines[head.body :]]
    assert cells == [tuple(row) for row in PEOPLE]


def test_the_tables_of_old_letters_agree_with_known_text() -> None:
    assert from_tcvn3("Uû ban nh©n d©n tØnh Tuyªn Quang") == "Uỷ ban nhân dân tỉnh Tuyên Quang"
    assert from_tcvn3("§¶ng bé, ®¶ng viªn n­íc ViÖt Nam") == "Đảng bộ, đảng viên nước Việt Nam"
    assert from_tcvn3("NguyÔn thÞ", capitals=True) == "NGUYỄN THỊ"
    assert from_vni("Nguyeãn Vaên Höõu, Traàn Thò Phöông, Ñaëng") == "Nguyễn Văn Hữu, Trần Thị Phương, Đặng"
    assert from_vni("UÛY BAN NHAÂN DAÂN") == "ỦY BAN NHÂN DÂN"
    letters = "aăâbcdđeêghiklmnoôơpqrstuưvxy"
    toned = {unicodedata.normalize("NFC", vowel + tone) for vowel in "aăâeêioôơuưy" for tone in ("", *MARKS)}
    assert {from_tcvn3(tcvn3(one)) for one in {*letters, *toned}} == {*letters, *toned}
    every = {*letters, *toned, *letters.upper(), *(one.upper() for one in toned)}
    assert {from_vni(vni(one)) for one in every} == every


@pytest.mark.parametrize(
    ("font", "mark"), [(".VnTime", "t"), (".VnTimeH", "T"), ("VNI-Times", "v"), ("Times New Roman", "s"), ("", "s")]
)
def test_a_font_tells_the_encoding(font: str, mark: str) -> None:
    assert mark_of_font(font) == mark


def test_unicode_in_an_old_font_and_plain_unicode_are_left_as_they_are() -> None:
    mixed = [("Họ và tên", "Chức vụ"), ("Nguyễn Văn Hà", tcvn3("Chuyên viên")), ("Lò Thị Ân", tcvn3("Kế toán"))]
    sheet = as_meant(sheets_of(xlsx(mixed, fonts={0: ".VnTime", 1: ".VnTime"}))[0])
    assert [line.cells for line in sheet.lines] == [
        ("Họ và tên", "Chức vụ"), ("Nguyễn Văn Hà", "Chuyên viên"), ("Lò Thị Ân", "Kế toán"),
    ]  # fmt: skip
    plain = sheets_of(xlsx([("Họ và tên",), ("Thò Á Páo",), ("Hoàng Sìn Dìn",), ("Tòng Thị Hà",)]))[0]
    assert found_reading(plain) == "unicode"


def test_unicode_typed_in_an_old_font_is_not_converted_again() -> None:
    rows = [
        ("Họ và tên", "Chức vụ"), ("Nguyễn Văn Hà", "Văn thư"), ("Lê Hà", "Kế toán"), ("Tô Hà", "x"),
        ("Bàn Tà Mán", "y"), ("Trần Thị Lý", "z"),
    ]  # fmt: skip
    for font in (".VnTime", ".VnTimeH", "VNI-Times"):
        sheet = as_meant(sheets_of(xlsx(rows, fonts={0: font, 1: font}))[0])
        assert [line.cells for line in sheet.lines] == rows
        assert not any(DOUBTFUL in line.marks for line in sheet.lines)
    real: list[tuple[str, ...]] = [
        ("Họ và tên",),
        ("Tụ HỔ",),
        ("Nguyễn Văn Lờ",),
        ("Lò Thị Mỏn",),
        ("Trần Thị Kỷ",),
        ("Đỗ Văn Tỏ",),
    ]
    sheet = as_meant(sheets_of(xlsx(in_old_fonts(real), fonts={0: ".VnTime"}))[0])
    assert [line.cells for line in sheet.lines] == real


def test_letters_that_read_well_either_way_are_asked_about() -> None:
    [sheet] = sheets_of(xlsx([("Ho va ten",), ("Lê Hà",), ("Ma A Sen",)], fonts={0: ".VnTime"}))
    here = Place(1, "one", "syt", "Sở Y tế", "", None, date(2020, 1, 1))
    told = {}
    for reading in ("auto", "unicode", "tcvn3"):
        settings = Settings(0, 0, ("full_name",), TODAY, reading=reading)
        places = Places((here,))
        reader = Reading(settings, home=here, places=places, branches=Places(()), today=TODAY)
        told[reading] = [
            (row.record.full_name, [fault.reason for fault in row.faults])
            for row in reader.rows(as_meant(sheet, reading).lines[1:])
            if row.record
        ]
    assert told == {
        "auto": [("Lê Hà", ["letters_unsure"]), ("Ma A Sen", [])],
        "unicode": [("Lê Hà", []), ("Ma A Sen", [])],
        "tcvn3": [("Lờ HỔ", []), ("Ma A Sen", [])],
    }


def test_syllables_of_the_mountains_are_vietnamese_and_garbled_words_are_not() -> None:
    for word in [
        "Lềnh",
        "Páo",
        "Giàng",
        "Seo",
        "Phủ",
        "Chẩn",
        "Dính",
        "Sùng",
        "Mí",
        "Vàng",
        "Thào",
        "Lù",
        "Hoàng",
        "Nguyễn",
        "Khuyết",
        "Quỳnh",
        "Ngoẵng",
        "Yên",
    ]:
        assert is_syllable(word), word
    for word in ["NguyÔn", "Hµ", "®ång", "Traàn", "Höõu", "nh©n"]:
        assert not is_syllable(word), word
    assert [name for name in ("Lý A Hoa", "Y Phương", "H'Hen Niê", "Páo", "K’ Sor") if strange(name, fold(name))] == []
    assert [name for name in ("NguyÔn V¨n A", "Tr?n Thị B", "A1", "", "a@b") if not strange(name, fold(name))] == []


@pytest.mark.parametrize(
    ("text", "mark", "born"),
    [
        ("5/3/1980", TEXT, Birth(1980, date(1980, 3, 5))),
        ("05-03-1980", TEXT, Birth(1980, date(1980, 3, 5))),
        ("5.3.80", TEXT, Birth(1980, date(1980, 3, 5))),
        ("5/3/05", TEXT, Birth(2005, date(2005, 3, 5))),
        ("05031980", TEXT, Birth(1980, date(1980, 3, 5))),
        ("ngày 5 tháng 3 năm 1980", TEXT, Birth(1980, date(1980, 3, 5))),
        ("1980-03-05", DAY, Birth(1980, date(1980, 3, 5))),
        ("29285", NUMBER, Birth(1980, date(1980, 3, 5))),
        ("1980", TEXT, Birth(1980)),
        ("1980", NUMBER, Birth(1980)),
        ("3/1980", TEXT, Birth(1980)),
        ("", TEXT, None),
        ("-", TEXT, None),
    ],
)
def test_a_birth_is_read_by_three_habits(text: str, mark: str, born: Birth | None) -> None:
    assert birth(text, mark, today=TODAY) == born


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("31/2/1980", "day_none"),
        ("3/25/1980", "day_none"),
        ("29285", "day_form"),
        ("khoảng 1980", "day_form"),
        ("2025", "day_age"),
        ("1/1/1850", "day_age"),
    ],
)
def test_what_is_no_birth_is_refused_and_the_month_is_never_first(text: str, reason: str) -> None:
    with pytest.raises(NoDay, match=reason):
        birth(text, TEXT, today=TODAY)


@pytest.mark.parametrize(
    ("text", "mark", "code"),
    [
        ("00017", TEXT, "00017"),
        ("'00017", TEXT, "00017"),
        ("17", NUMBER, "17"),
        ("17.0", NUMBER, "17"),
        ("1.2E+3", NUMBER, "1200"),
        ("1.234E+3", TEXT, "1234"),
        ("TQ-001", TEXT, "TQ-001"),
        ("123456789012", NUMBER, "123456789012"),
    ],
)
def test_a_staff_code_is_kept_as_it_was_meant(text: str, mark: str, code: str) -> None:
    assert staff_code(text, mark) == code


@pytest.mark.parametrize(
    ("text", "mark", "reason"),
    [
        ("1.23E+11", TEXT, "code_power"),
        ("1,2E+11", TEXT, "code_power"),
        ("1234567890123456", NUMBER, "code_rounded"),
        ("x" * 41, TEXT, "code_long"),
    ],
)
def test_a_code_that_lost_figures_is_refused(text: str, mark: str, reason: str) -> None:
    with pytest.raises(NoCode, match=reason):
        staff_code(text, mark)


@pytest.mark.parametrize(
    ("number", "pattern", "text"),
    [
        ("17", "00000", "00017"),
        ("123456", "000-000", "123-456"),
        ("17", '"TQ"000', "17"),
        ("17", "0", "17"),
        ("17", "General", "17"),
        ("17", "#,##0", "17"),
        ("1234567", "00000", "1234567"),
        ("17.5", "00000", "17.5"),
    ],
)
def test_leading_noughts_of_a_number_format_are_kept(number: str, pattern: str, text: str) -> None:
    assert shown(number, pattern) == text


def test_numbers_are_written_out_and_day_formats_known() -> None:
    assert [figures(text) for text in ("12.0", "1.2E3", "1.5", "1E400", "nan", "x")] == [
        "12", "1200", "1.5", "1E400", "nan", "x",
    ]  # fmt: skip
    assert [code for code in ("dd/mm/yyyy", "[$-42A]d mmmm yyyy", "yyyy-mm-dd;@") if not is_day_format(code)] == []
    assert [code for code in ("General", "0.00", '"ngày" 0', "#,##0", "@", "") if is_day_format(code)] == []


def test_cells_of_a_workbook_come_as_they_are_shown() -> None:
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_number(0, 0, 17, book.add_format({"num_format": "00000"}))
        page.write_datetime(0, 1, datetime(1980, 3, 5), book.add_format({"num_format": "dd/mm/yyyy"}))  # noqa: DTZ001 - as in a sheet
        page.write_number(0, 2, 1975)
        page.write_formula(0, 3, "=B1&C1", None, "Kết quả")
        page.write_formula(0, 4, "=1/0", None, "#DIV/0!")
        page.write_rich_string(0, 5, book.add_format({"font_name": ".VnTime"}), "NguyÔn ", book.add_format(), "Hoa")
        page.write_boolean(0, 6, True)
        hidden = book.add_worksheet("Ẩn")
        hidden.write_string(0, 0, "không đọc")
        hidden.hide()
    [sheet] = sheets_of(out.getvalue())
    [line] = sheet.lines
    assert line.cells == ("00017", "1980-03-05", "1975", "Kết quả", "#DIV/0!", "NguyÔn Hoa", "1")
    assert line.marks == TEXT + DAY + NUMBER + TEXT + BROKEN + "t" + TEXT


def test_a_workbook_of_another_program_is_read_too() -> None:
    """With a prefix before every name, no references on its cells, texts inside them, and the calendar of a Mac."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    body = (
        f'<x:worksheet xmlns:x="{main}"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>Họ và tên</x:t></x:is></x:c>'
        '<x:c t="d"><x:v>1980-03-05T00:00:00</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    [sheet] = sheets_of(edited(xlsx([("x",)]), {SHEET: body.encode()}))
    assert sheet.lines[0].cells == ("Họ và tên", "1980-03-05")


def test_joined_cells_say_the_same_on_every_line() -> None:
    rows = [("Đơn vị", "Họ và tên"), ("Văn phòng", "Lý A Hoa"), ("", "Hầu A Lử"), ("", "Ma Thị Páo")]
    sheet: Sheet = sheets_of(xlsx(rows, merges=[(1, 0, 3, 0)]))[0]
    assert [line.cell(0) for line in sheet.lines] == ["Đơn vị", "Văn phòng", "Văn phòng", "Văn phòng"]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Lý A Hoa", "hoala"),
        ("Y Phương", "phuongy"),
        ("Páo", "pao"),
        ("Ý", "y-cb"),
        ("Đỗ Thị Ân", "andt"),
        ("李", "canbo"),
    ],
)
def test_a_user_name_is_made_of_the_name(name: str, made: str) -> None:
    assert username(name) == made


def test_xml_made_by_hand_is_a_sheet() -> None:
    [sheet] = sheets_of(edited(xlsx([("x",)]), {SHEET: sheet_xml('<row r="7"><c r="C7"><v>5</v></c></row>')}))
    assert [(line.number, line.cells) for line in sheet.lines] == [(7, ("", "", "5"))]
