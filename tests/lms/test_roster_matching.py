"""What a list would do, decided without a database: columns, units, people, outcomes."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from rapidfuzz import fuzz, process

from lms.roster import matching
from lms.roster.matching import Crowd, Known, Place, Places, Record, field_of, found_head, identity
from lms.roster.rehearsal import Change, Outcome, Rehearsal
from lms.roster.rules import Birth, Line, Settings, Sheet
from lms.roster.validation import Fault, Reading, Row

LONG_AGO, TODAY = date(2020, 1, 1), date(2026, 11, 26)
HOME = Place(1, "u1", "syt", "Sở Y tế", "Sở Y tế", None, LONG_AGO)
OFFICE = Place(2, "u2", "syt-vp", "Văn phòng Sở", "Văn phòng", 1, LONG_AGO)
STAFF = Place(3, "u3", "syt-tccb", "Phòng Tổ chức cán bộ", "Phòng TCCB", 1, LONG_AGO)
NEW_ONE = Place(4, "u4", "syt-moi", "Phòng Mới", "Phòng Mới", 1, date(2026, 12, 1))
OFFICES = Places((HOME, OFFICE, STAFF, NEW_ONE))
PROVINCE = Places(
    Place(number, f"p{number}", f"c{number}", name, short, None if number == 1 else 1, LONG_AGO)
    for number, (name, short) in enumerate(
        (
            ("Tỉnh Tuyên Quang", "Tuyên Quang"),
            ("Sở Thông tin và Truyền thông", "Sở TTTT"),
            ("Sở Lao động - Thương binh và Xã hội", ""),
            ("Sở Giáo dục và Đào tạo", "Sở GD&ĐT"),
            ("Ủy ban nhân dân huyện Na Hang", "UBND huyện Na Hang"),
            ("Ủy ban nhân dân xã Khâu Tinh", ""),
            ("Thuỷ lợi Na Hang", ""),
            ("Văn phòng A", "VP"),
            ("Văn phòng B", "VP"),
        ),
        1,
    )
)


def lines(*rows: tuple[str, ...]) -> tuple[Line, ...]:
    return tuple(Line(number, row, "s" * len(row)) for number, row in enumerate(rows, 1) if any(row))


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("Họ và tên", "full_name"),
        ("HỌ TÊN", "full_name"),
        ("Ho va ten", "full_name"),
        ("Họ, tên", "full_name"),
        ("Họ đệm", "family"),
        ("Tên", "given"),
        ("Ngày, tháng, năm sinh", "born"),
        ("Năm sinh", "born"),
        ("Số hiệu CBCC", "code"),
        ("Chức vụ, chức danh", "position"),
        ("Phòng/Ban", "department"),
        ("Đơn vị công tác (phòng, ban)", "unit"),
        ("Mã đơn vị", "unit_code"),
        ("Chi bộ sinh hoạt", "branch"),
        ("E-mail công vụ", "email"),
        ("Đảng viên (chính thức/dự bị)", "party"),
        ("Ngày tháng năm sinnh", "born"),
        ("STT", "order"),
        ("Lỗi", ""),
        ("Ghi chú", ""),
        ("Mã ngạch", ""),
        ("Ngày vào Đảng", ""),
    ],
)
def test_a_column_is_known_by_its_label(label: str, field: str) -> None:
    assert field_of(label) == field


def test_the_head_is_found_below_titles_and_above_numbered_columns() -> None:
    sheet = Sheet(
        "",
        lines(
            ("UBND TỈNH TUYÊN QUANG", "", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
            ("SỞ Y TẾ", "", "Độc lập - Tự do - Hạnh phúc"),
            ("DANH SÁCH CÁN BỘ", "DANH SÁCH CÁN BỘ", "DANH SÁCH CÁN BỘ"),
            ("STT", "Họ và tên", "Ngày sinh", "", "Chức vụ"),
            ("", "", "Nam", "Nữ", ""),
            ("(1)", "(2)", "(3)", "(4)", "(5)"),
            ("1", "Lý A Hoa", "1980", "", "Chuyên viên"),
        ),
    )
    head = found_head(sheet, {})
    assert head is not None
    assert (head.place, head.body) == (3, 6)
    assert head.fields == ("order", "full_name", "born", "born", "position")
    assert head.labels[2:4] == ("Ngày sinh – Nam", "Ngày sinh – Nữ")


def test_a_head_of_two_lines_whose_cells_are_joined_is_one() -> None:
    joined = ("STT", "Họ và tên", "Họ và tên", "Đơn vị")
    sheet = Sheet(
        "", lines(("STT", "Họ và tên", "", "Đơn vị"), ("STT", "Họ đệm", "Tên", "Đơn vị"), ("1", "Lý A", "Hoa"))
    )
    head = found_head(sheet, {})
    assert head is not None
    assert head.fields == ("order", "family", "given", "unit")
    assert found_head(Sheet("", lines(joined)), {}) is not None


def test_what_was_once_chosen_for_a_label_goes_before_what_is_guessed() -> None:
    sheet = Sheet("", lines(("Họ và tên", "Tên", "Mã thẻ")))
    head = found_head(sheet, {"ten": "", "ma the": "code"})
    assert head is not None
    assert head.fields == ("full_name", "", "code")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("c2", "Sở Thông tin và Truyền thông"),
        ("sở thông tin và truyền thông", "Sở Thông tin và Truyền thông"),
        ("So Thong tin va Truyen thong", "Sở Thông tin và Truyền thông"),
        ("Sở TT&TT", "Sở Thông tin và Truyền thông"),
        ("Sở LĐ-TB&XH", "Sở Lao động - Thương binh và Xã hội"),
        ("SGDĐT", "Sở Giáo dục và Đào tạo"),
        ("UBND huyện Na Hang", "Ủy ban nhân dân huyện Na Hang"),
        ("UBND xã Khâu Tinh", "Ủy ban nhân dân xã Khâu Tinh"),
        ("Thủy lợi Na Hang", "Thuỷ lợi Na Hang"),
    ],
)
def test_a_unit_is_known_by_code_name_and_short_form(text: str, name: str) -> None:
    meant = PROVINCE.meant(text)
    assert meant.place is not None
    assert meant.place.name == name


def test_a_unit_that_is_not_sure_is_only_suggested() -> None:
    assert PROVINCE.meant("VP").place is None
    assert {one.name for one in PROVINCE.meant("VP").perhaps} == {"Văn phòng A", "Văn phòng B"}
    alike = PROVINCE.meant("Sở Thông tin Truyền thống")
    assert alike.place is None
    assert alike.perhaps[0].name == "Sở Thông tin và Truyền thông"
    assert PROVINCE.meant("Xyz").perhaps == ()


def test_names_are_compared_once_for_each_text_however_many_units_bear_them_and_lines_repeat_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    communes = [Place(nr, f"x{nr}", f"x{nr}", f"Xã Thứ {nr}", "", None, LONG_AGO) for nr in range(1, 31)]
    offices = [
        Place(100 * one.unit_id + nr, f"{one.code}-{nr}", f"{one.code}-{nr}", name, "", one.unit_id, LONG_AGO)
        for one in communes
        for nr, name in enumerate(("Văn phòng", "Phòng Kinh tế", "Phòng Văn hóa"))
    ]
    places, compared, ordered = Places([*communes, *offices]), [], []
    extract = process.extract

    def counted(words: str, names: Collection[str], **how: Any) -> Any:
        compared.append(len(names))
        return extract(words, names, **how)

    def noted(spelt: str, in_order: Callable[[str], str] = matching.in_order) -> str:
        ordered.append(spelt)
        return in_order(spelt)

    monkeypatch.setattr(process, "extract", counted)
    monkeypatch.setattr(matching, "in_order", noted)
    reader = Reading(
        Settings(0, 0, ("unit", "department"), TODAY), home=HOME, places=places, branches=Places(()), today=TODAY
    )
    for nr in range(200):
        reader.place_of(f"Phòng Kinh tế và Hạ tầng {nr % 4}", f"Tổ {nr}")
    assert compared == [33] * 4, "four texts, and names of 30 communes and of three kinds of office"
    assert len(ordered) <= len(places.places) + 200, "the words of a name are put in order once for a list"
    found = places.meant("Phòng Kinh tế và Hạ tầng 1").perhaps
    assert found == tuple(offices[1::3][:5]), "and each unit that bears the name is offered, in the order of the list"
    below = places.meant("Phòng Kinh tế và Hạ tầng", communes[7]).perhaps
    assert below[0] == offices[22]
    assert set(below) <= set(places.below(communes[7]))
    assert compared[4:] == [3]


def test_what_is_suggested_is_what_a_comparison_with_every_unit_finds() -> None:
    texts = (
        "Sở Truyền thống Thông tin",
        "Thủy lợi Hang",
        "Văn phòng",
        "Na Hang huyện UBND",
        "Sở Giáo dục",
        "Xã Khâu Tin",
    )
    for text in texts:
        names = {place.unit_id: matching.long_form(place.name) for place in PROVINCE.places}
        every = process.extract(matching.long_form(text), names, scorer=fuzz.token_sort_ratio, limit=5, score_cutoff=55)
        assert PROVINCE.meant(text).perhaps == tuple(PROVINCE.by_id[key] for _name, _score, key in every), text


def reading(*fields: str, units: dict[str, str] | None = None) -> Reading:
    settings = Settings(0, 0, fields, TODAY, units=units or {})
    return Reading(settings, home=HOME, places=OFFICES, branches=Places(()), today=TODAY)


def test_a_line_becomes_a_record_or_faults_with_their_columns() -> None:
    read = reading("order", "family", "given", "born", "code", "email", "category", "party", "department")
    good, bad, aside = read.rows(
        lines(
            ("1", "Lý A", "Hoa", "5/3/1980", "00017", "hoa@x.vn", "Công chức loại C", "x", "văn phòng sở"),
            ("2", "Lý A", "H0a", "31/2/1980", "1E+20", "hoa", "lạ", "lạ", "Phòng Lạ"),
            ("", "", "Người lập biểu", "", "", "", "", "", ""),
        )
    )
    assert good == Row(
        good.line,
        Record(1, "Lý A Hoa", "00017", "hoa@x.vn", Birth(1980, date(1980, 3, 5)), "", "cong_chuc", "chinh_thuc", 2),
    )
    assert {(fault.column, fault.reason) for fault in bad.faults} == {
        (2, "name_strange"),
        (3, "day_none"),
        (4, "code_power"),
        (5, "email_form"),
        (6, "category_form"),
        (7, "party_form"),
        (8, "unit_unsure"),
    }
    assert aside.record is None
    [unsure] = read.unsure.values()
    assert (unsure.text, unsure.lines) == ("Phòng Lạ", 1)


def test_a_heading_gives_the_lines_below_it_their_unit() -> None:
    read = reading("order", "full_name", "position", "department")
    rows = read.rows(
        lines(
            ("I", "VĂN PHÒNG SỞ"),
            ("1", "Lý A Hoa", "Chuyên viên"),
            ("II", "Phòng TCCB"),
            ("2", "Ma Thị Páo", "Chuyên viên"),
            ("3", "Hầu A Lử", "Chuyên viên", "Văn phòng"),
        )
    )
    assert [row.record.unit_id for row in rows if row.record] == [2, 3, 2]


def test_what_was_chosen_for_a_text_holds_and_lines_can_be_left_out() -> None:
    read = reading("full_name", "unit", units={"Phòng Lạ": "u3", "Phòng Xa": "skip"})
    first, second = read.rows(lines(("Lý A Hoa", "Phòng Lạ"), ("Ma Thị Páo", "Phòng Xa")))
    assert first.record is not None
    assert first.record.unit_id == 3
    assert second.record is None
    assert read.unsure == {}


def test_the_same_person_twice_is_a_fault_that_names_the_other_line() -> None:
    rows = reading("full_name", "code", "email", "born").rows(
        lines(
            ("Lý A Hoa", "001", "a@x.vn", "1980"),
            ("Lý A Hòa", "001", "", ""),
            ("Ma Thị Páo", "003", "A@x.vn", ""),
            ("Lý A Hoa", "004", "", "1980"),
            ("Hầu A Lử", "", "", ""),
            ("Hầu A Lử", "", "", ""),
        )
    )
    assert [[(one.reason, one.said) for one in row.faults] for row in rows] == [
        [],
        [("same_code", "1")],
        [("same_email", "1")],
        [],
        [],
        [("same_name", "5")],
    ]


HOA = Known(
    10, "p10", "Lý A Hoa", "hoa@x.vn", Birth(1980, date(1980, 3, 5)), "Chuyên viên", "cong_chuc", "quan_chung",
    2, LONG_AGO, codes=("00017",), own_code="00017",
)  # fmt: skip
PAO = Known(11, "p11", "Ma Thị Páo", unit_id=2, unit_since=LONG_AGO)
FAR = Known(12, "p12", "Hầu A Lử", born=Birth(1990), unit_id=99, unit_since=LONG_AGO)
BOTH = Crowd((HOA, PAO, FAR))


@pytest.mark.parametrize(
    ("record", "person", "why"),
    [
        (Record(1, "Lý A Hoa", code="00017"), 10, ""),
        (Record(1, "lý a hoà", code=" 00017"), 10, ""),
        (Record(1, "Lý Văn Hoa", code="00017", born=Birth(1980)), 10, ""),
        (Record(1, "Người Khác", code="00017"), None, "other_name"),
        (Record(1, "Lý A Hoa", email="HOA@x.vn"), 10, ""),
        (Record(1, "Người Khác", email="hoa@x.vn"), None, "other_name_email"),
        (Record(1, "Lý A Hoa", code="17"), None, "bare_code"),
        (Record(1, "Lý A Hoa", born=Birth(1980), unit_id=2), 10, ""),
        (Record(1, "Lý A Hoa", born=Birth(1981), unit_id=2), None, ""),
        (Record(1, "Lý A Hoa", unit_id=2), None, "no_birth"),
        (Record(1, "Lý A Hoa", code="00099", born=Birth(1980), unit_id=2), None, "other_code"),
        (Record(1, "Ma Thị Páo", unit_id=2), 11, ""),
        (Record(1, "Ma Thị Páo", born=Birth(1985), unit_id=2), None, "no_birth"),
        (Record(1, "Ma Thị Páo", unit_id=3), None, "namesake"),
        (Record(1, "Hầu A Lử", born=Birth(1990), unit_id=2), None, "elsewhere"),
        (Record(1, "Hầu A Lử", unit_id=2), None, ""),
        (Record(1, "Vàng Thị Mỷ", unit_id=2), None, ""),
    ],
)
def test_who_a_line_is_is_sure_or_asked_never_guessed(record: Record, person: int | None, why: str) -> None:
    found = identity(record, BOTH, near={1, 2, 3})
    assert (found.person.person_id if found.person else None, found.why) == (person, why)
    assert bool(found.perhaps) == bool(why)


def outcome(record: Record, *, known: Crowd = BOTH, on: date = TODAY, **choices: object) -> Outcome:
    settings = replace(Settings(0, 0, (), on), **choices)  # type: ignore[arg-type]  # any of its fields
    rehearsal = Rehearsal(settings, known=known, places=OFFICES, branches=Places(()))
    return rehearsal.outcome(Row(Line(record.line, (), ""), record))


def test_a_line_is_new_changed_moved_or_unchanged() -> None:
    same = Record(1, "Lý A Hoa", "00017", born=Birth(1980), unit_id=2)
    assert outcome(same).kind == "unchanged"
    changed = outcome(replace(same, position="Trưởng phòng", full_name="Lý A Hòa"))
    assert changed.kind == "changed"
    assert changed.changes == (
        Change("full_name", "Lý A Hoa", "Lý A Hòa"),
        Change("position", "Chuyên viên", "Trưởng phòng"),
    )
    moved = outcome(replace(same, unit_id=3))
    assert (moved.kind, moved.changes) == ("moved", (Change("unit", "Văn phòng Sở", "Phòng Tổ chức cán bộ"),))
    assert outcome(Record(1, "Vàng Thị Mỷ", unit_id=2)).kind == "new"


def test_a_list_is_refused_before_a_unit_or_a_membership_began() -> None:
    newcomer = Record(1, "Vàng Thị Mỷ", unit_id=4)
    assert outcome(newcomer).faults == (Fault(-1, "unit_early", "Phòng Mới"),)
    same = Record(1, "Lý A Hoa", "00017", unit_id=3)
    later = Crowd((replace(HOA, unit_since=date(2024, 1, 1)),))
    assert outcome(same, known=later, on=date(2023, 1, 1)).faults == (Fault(-1, "move_early", "01/01/2024"),)


def test_a_list_is_refused_from_the_day_on_which_a_unit_ends_and_names_the_heir() -> None:
    day, newcomer = date(2025, 7, 1), Record(1, "Vàng Thị Mỷ", unit_id=3)
    for heir, said in (("Văn phòng Sở", " → Văn phòng Sở"), ("", "")):
        places = Places((HOME, OFFICE, replace(STAFF, valid_to=day, heir=heir)))
        fault = Fault(-1, "unit_ended", f"Phòng Tổ chức cán bộ, 01/07/2025{said}")
        for on, faults in ((day, (fault,)), (day - timedelta(days=1), ())):
            rehearsal = Rehearsal(Settings(0, 0, (), on), known=BOTH, places=places, branches=Places(()))
            assert rehearsal.outcome(Row(Line(1, (), ""), newcomer)).faults == faults


def test_an_answer_decides_a_line_in_doubt_and_nothing_else() -> None:
    doubtful = Record(7, "Ma Thị Páo", born=Birth(1985), unit_id=2)
    assert outcome(doubtful).kind == "asked"
    assert outcome(doubtful, answers={"7": "p11"}).changes == (Change("born", "", "1985"),)
    assert outcome(doubtful, answers={"7": "new"}).kind == "new"
    assert outcome(doubtful, answers={"7": "skip"}).kind == "aside"
    assert outcome(doubtful, answers={"7": "p10"}).kind == "asked", "somebody who was not asked about"
    assert outcome(doubtful, namesakes=True).kind == "changed"
    assert outcome(Record(7, "Lý A Hoa", "00017"), answers={"7": "new"}).kind == "unchanged", "nothing was in doubt"


def test_a_code_is_never_given_to_a_second_person() -> None:
    taken = Record(1, "Ma Thị Páo", code="00017", email="pao@x.vn", unit_id=2)
    known = Crowd((HOA, replace(PAO, email="pao@x.vn")))
    assert outcome(taken, known=known).why == "code_or_email"
    chosen = outcome(taken, known=known, answers={"1": "p11"})
    assert (chosen.kind, [one.reason for one in chosen.faults]) == ("bad", ["code_taken"])
    assert outcome(taken, known=known, answers={"1": "new"}).faults[0].reason == "code_taken"


def test_two_lines_that_are_one_person_are_not_both_applied() -> None:
    rehearsal = Rehearsal(Settings(0, 0, (), TODAY), known=BOTH, places=OFFICES, branches=Places(()))
    records = (Record(1, "Lý A Hoa", code="00017", unit_id=2), Record(2, "Lý A Hoa", email="hoa@x.vn", unit_id=3))
    first, second = rehearsal.outcomes([Row(Line(one.line, (), ""), one) for one in records])
    assert (first.kind, second.kind) == ("unchanged", "bad")
    assert second.faults == (Fault(-1, "same_person", "1"),)


def test_the_mark_of_an_outcome_changes_with_what_is_touched_and_with_nothing_else() -> None:
    same = Record(1, "Lý A Hoa", "00017", position="Trưởng phòng", unit_id=2)
    before = outcome(same).mark()
    assert outcome(same).mark() == before
    assert outcome(same, known=Crowd((replace(HOA, position="Phó phòng"),))).mark() != before
    assert outcome(same, known=Crowd((replace(HOA, unit_since=date(2024, 1, 1)),))).mark() != before
    assert outcome(same, known=Crowd((HOA, replace(PAO, position="khác")))).mark() == before
