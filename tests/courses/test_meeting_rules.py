"""Rules of meeting points: codes, what may be said of somebody, numbers that do not agree, and what people type."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from courses.meetings.rehearsal import Candidate, NoHead, filled_in, read
from courses.meetings.rules import (
    DIGITS,
    NoNumber,
    Numbers,
    Place,
    arrival,
    code_key,
    code_of,
    columns_of,
    digits_in,
    fault_of,
    good,
    kept_for,
    lines_in,
    moment_of,
    not_yet,
    seconds_left,
    sheet_mark,
    slot_of,
    state_spelt,
    step,
    urgency,
)

KEY = code_key("a secret of the product")
HERE, NEXT = (Place(uuid.UUID(int=1), uuid.UUID(int=one)) for one in (2, 3))
LATER = Place(uuid.UUID(int=4), uuid.UUID(int=2))
START = datetime(2026, 4, 22, 1, 0, tzinfo=UTC)


def test_a_code_is_eight_digits_of_this_sitting_this_point_and_this_half_minute() -> None:
    code = code_of(KEY, HERE, 1000)
    assert len(code) == DIGITS
    assert code.isdecimal()
    others = [(KEY, NEXT, 1000), (KEY, LATER, 1000), (KEY, HERE, 1001), (code_key("another"), HERE, 1000)]
    assert code not in {code_of(*one) for one in others}
    assert [good(code, KEY, HERE, slot) for slot in (999, 1000, 1001, 1002)] == [False, True, True, False]
    assert not good(code, KEY, NEXT, 1000)
    assert not good("", KEY, HERE, 1000)
    assert not good("١٢٣٤٥٦٧٨", KEY, HERE, 1000)


@pytest.mark.parametrize(("hours_left", "hours_kept"), [(3, 7), (-3.5, 0.5), (-4, 0), (-30, 0), (20, 24), (50, 24)])
def test_a_phone_keeps_a_roll_until_four_hours_after_the_sitting_and_for_a_day_at_most(
    hours_left: float, hours_kept: float
) -> None:
    assert kept_for(START, START + timedelta(hours=hours_left)) == hours_kept * 3600


def test_a_slot_ends_after_thirty_seconds() -> None:
    assert slot_of(START) + 1 == slot_of(START + timedelta(seconds=30))
    assert [seconds_left(START + timedelta(seconds=one)) for one in (0, 29, 30)] == [30, 1, 30]


@pytest.mark.parametrize(
    ("starts_at", "opens_at"),
    [
        (START, datetime(2026, 4, 21, 17, 0, tzinfo=UTC)),  # the midnight before, in Vietnam
        (datetime(2026, 4, 21, 17, 30, tzinfo=UTC), datetime(2026, 4, 21, 15, 30, tzinfo=UTC)),  # half past midnight
    ],
)
def test_the_roll_opens_with_the_day_of_the_sitting(starts_at: datetime, opens_at: datetime) -> None:
    moments = (opens_at - timedelta(seconds=1), opens_at, starts_at + timedelta(days=9))
    assert [not_yet(one, starts_at) for one in moments] == [True, False, False]


def test_codes_of_many_slots_are_spread_and_guess_each_other_not() -> None:
    codes = [code_of(KEY, HERE, slot) for slot in range(2_000)]
    assert len(set(codes)) == 2_000
    assert {code[0] for code in codes} == set("0123456789")


def test_why_a_code_is_refused() -> None:
    both = [HERE, NEXT]
    assert fault_of(code_of(KEY, HERE, 997), KEY, HERE, both, 1000) == "expired"
    assert fault_of(code_of(KEY, NEXT, 1000), KEY, HERE, both, 1000) == "elsewhere"
    assert fault_of(code_of(KEY, LATER, 1000), KEY, HERE, both, 1000) == "wrong"
    assert fault_of(code_of(KEY, NEXT, 995), KEY, None, both, 1000) == "expired"
    assert digits_in(" 1234 56.78 ") == "12345678"


STEPS = [
    (None, "present", False, "say"),
    (None, "present", True, "say"),  # the board shows people seen at two points
    (None, "unexcused", True, "elsewhere"),
    (None, "unexcused", False, "say"),
    ("present", "present", True, "same"),
    ("present", "left_early", False, "say"),
    ("late", "left_early", False, "say"),
    ("left_early", "present", False, "correct"),
    ("unexcused", "left_early", False, "correct"),
    ("present", "excused", False, "correct"),
    ("excused", "present", False, "correct"),
]


@pytest.mark.parametrize(("before", "said", "elsewhere", "result"), STEPS)
def test_what_becomes_of_saying_something_of_somebody(
    before: str | None, said: str, elsewhere: bool, result: str
) -> None:
    assert step(before, said, elsewhere=elsewhere) == result


def test_who_comes_a_quarter_of_an_hour_after_the_beginning_is_late() -> None:
    moments = [START - timedelta(hours=1), START + timedelta(minutes=15), START + timedelta(minutes=15, seconds=1)]
    assert [arrival(one, START) for one in moments] == ["present", "present", "late"]


def test_what_waited_for_the_line_keeps_its_moment_within_reason() -> None:
    now = START + timedelta(hours=1)
    assert moment_of(600, now, START) == START + timedelta(minutes=50)
    assert moment_of(-5, now, START) == now
    assert moment_of(10**9, now, START) == START - timedelta(hours=2)
    assert moment_of(0, START - timedelta(days=1), START) == START - timedelta(days=1)


NUMBERS = [
    (Numbers(called=3, unanswered=3), (), "silent"),
    (Numbers(called=3, there=3, headcount=5), (), "silent"),  # still at work
    (Numbers(called=3, there=3, headcount=3, reported=True), (), "reported"),
    (Numbers(called=3, there=3, headcount=4, reported=True), ("heads",), "amiss"),
    (Numbers(called=3, there=3, reported=True), (), "uncounted"),  # nothing to disagree with
    (Numbers(called=3, there=2, unanswered=1, headcount=2, reported=True), ("unanswered",), "amiss"),
    (Numbers(there=1, twice=1), ("twice",), "amiss"),
]


def test_what_is_amiss_stands_first_on_the_board() -> None:
    for numbers, faults, state in NUMBERS:
        assert (numbers.faults, numbers.state) == (faults, state), numbers
    order = sorted((one for one, *_ in NUMBERS), key=urgency)
    assert [one.state for one in order] == ["amiss"] * 3 + ["silent"] * 2 + ["uncounted", "reported"]
    assert order[0].twice == 1


def test_numbers_of_lines_are_read_as_people_write_them() -> None:
    assert lines_in("3, 7-9; 12 3", 12) == [3, 7, 8, 9, 12]
    assert lines_in(" 2 – 3.\n1", 3) == [1, 2, 3]
    assert lines_in("", 3) == []
    for wrong in ("4", "0", "2-1", "ba", "1-"):
        with pytest.raises(NoNumber):
            lines_in(wrong, 3)


def test_states_and_heads_are_known_with_marks_or_without() -> None:
    cells = {"Có mặt": "present", "x": "present", "ĐẾN MUỘN": "late", "cp": "excused", "Vắng": "unexcused", "?": None}
    assert {cell: state_spelt(cell) for cell in cells} == cells
    assert columns_of(["TT", "Họ và tên", "Đơn vị", "Tình trạng"]) == {"name": 1, "unit": 2, "state": 3}
    assert columns_of(["TT", "Đơn vị", "Tình trạng"]) == {}


def somebody(number: int, name: str, unit: str = "", **more: object) -> Candidate:
    known = {"state": None, "elsewhere": False, **more}
    return Candidate(uuid.UUID(int=number), name, unit, **known)  # type: ignore[arg-type]


def test_each_line_of_a_list_says_what_it_would_do() -> None:
    people = [
        somebody(1, "Nguyễn Văn An", "Phòng 1", codes=("CB-01",)),
        somebody(2, "Nguyễn Văn An", "Phòng 2"),
        somebody(3, "Trần Bình", state="present"),
        somebody(4, "Lê Chi", elsewhere=True),
    ]
    rows = [
        ["DANH SÁCH"],
        ["Mã cán bộ", "Họ và tên", "Đơn vị", "Tình trạng"],
        ["cb-01", "", "", "có mặt"],
        ["", "nguyen van an", "phong 2", "vắng có lý do"],
        ["", "Nguyễn Văn An", "", "có mặt"],
        ["", "Trần Bình", "", "đến muộn"],
        ["", "Trần Bình", "", "có mặt"],
        ["", "Lê Chi", "", "vắng"],
        ["XX", "Lê Chi", "", "có mặt"],
        ["", "Lê Chi", "", "ngủ"],
        ["", "Lê Chi", "", ""],
    ]
    found = read(list(enumerate(rows, 1)), people)
    assert [one.result for one in found] == [
        "say",
        "say",
        "several",
        "correct",
        "again",
        "elsewhere",
        "nobody",
        "unclear",
    ]
    assert [one.number for one in found] == [3, 4, 5, 6, 7, 8, 9, 10]
    with pytest.raises(NoHead):
        read([(1, ["a", "b"])], people)


def test_a_sheet_says_that_everybody_else_was_there_and_knows_when_its_lines_have_changed() -> None:
    people = [somebody(1, "An"), somebody(2, "Bình", state="present"), somebody(3, "Chi"), somebody(4, "Dũng")]
    found = filled_in(people, {"late": [3], "unexcused": [4]})
    assert [(one.number, one.state, one.result) for one in found] == [
        (1, "present", "say"),
        (3, "late", "say"),
        (4, "unexcused", "say"),
    ]
    ids = [one.public_id for one in people]
    assert sheet_mark(ids) == sheet_mark(list(ids))
    assert sheet_mark(ids) != sheet_mark(ids[:-1])
