"""How figures become words and an order, and how cells of a file are kept from being formulas."""

import csv
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from markupsafe import Markup

from analytics.dashboard.render import Shape, table_row, writer
from analytics.dashboard.rules import (
    document_of,
    in_sentence,
    late_since,
    most_urgent,
    to_urge,
    unit_state,
)
from analytics.facts.rules import (
    BEGUN,
    BEHIND,
    SOME,
    TOLD,
    Branch,
    Choice,
    Count,
    UnitsBelow,
    opened_first,
    units_below,
)
from lms.text import as_csv, harmless, harmless_row


@pytest.mark.parametrize(
    ("title", "document"),
    [
        ("Quán triệt Nghị quyết số 48-NQ/TU về chuyển đổi số tỉnh Tuyên Quang", "Nghị quyết số 48-NQ/TU"),
        ("Quy định số 19-QĐ/TW, ngày 8-4-2026", "Quy định số 19-QĐ/TW"),
        ("Kỹ năng số cơ bản", None),
        ("Briefing on Resolution 48-NQ/TU", None),
    ],
)
def test_the_document_is_taken_from_the_title(title: str, document: str | None) -> None:
    assert document_of(title) == document


SOON, LATER = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("choices", "first"),
    [
        ([Choice("mới", False, 900, 0, SOON), Choice("đang học", False, 50, 9, LATER)], "đang học"),
        ([Choice("sau", False, 50, 9, LATER), Choice("trước", False, 50, 9, SOON)], "trước"),
        ([Choice("không hạn", False, 900, 9, None), Choice("có hạn", False, 5, 1, LATER)], "có hạn"),
        ([Choice("ít", False, 50, 9, None), Choice("nhiều", False, 60, 9, None)], "nhiều"),
        ([Choice("ít", False, 50, 9, SOON), Choice("nhiều", False, 60, 9, SOON)], "nhiều"),
        ([Choice("đã đóng", True, 900, 800, SOON), Choice("mới", False, 50, 0, LATER)], "mới"),
        ([Choice("mở sau", False, 50, 0, None), Choice("mở trước", False, 50, 0, None)], "mở sau"),
        ([Choice("đã đóng", True, 900, 800, None)], "đã đóng"),
    ],
)
def test_a_dashboard_opens_where_something_is_due_and_under_way(choices: list[Choice], first: str) -> None:
    assert opened_first(choices) == first


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("Tỉnh Tuyên Quang", "tỉnh Tuyên Quang"),
        ("Thành phố Tuyên Quang", "thành phố Tuyên Quang"),
        ("Xã Linh Phú", "xã Linh Phú"),
        ("Tỉnh ủy Tuyên Quang", "Tỉnh ủy Tuyên Quang"),
        ("Tỉnh đoàn", "Tỉnh đoàn"),
        ("Sở Y tế", "Sở Y tế"),
        ("X", "X"),
    ],
)
def test_a_place_is_written_small_inside_a_sentence(name: str, inside: str) -> None:
    assert in_sentence(name) == inside


@pytest.mark.parametrize(
    ("count", "state"),
    [
        (Count(), "nobody"),
        (Count(people=3), "not_begun"),
        (Count(people=3, overdue=3), "not_begun"),
        (Count(people=3, started=1), "under_way"),
        (Count(people=3, started=3, briefed=2), "under_way"),
        (Count(people=3, started=3, briefed=3), "briefed"),
        (Count(people=3, started=3, briefed=3, overdue=3), "overdue"),
        (Count(people=3, started=3, briefed=3, completed=3), "completed"),
    ],
)
def test_where_a_unit_stands_as_a_whole(count: Count, state: str) -> None:
    assert unit_state(count) == state


DUE, LATER = datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 12, 10, tzinfo=UTC)


def branch(name: str, count: Count, *, passed: datetime | None = None, coming: datetime | None = None) -> Branch[Count]:
    """A row of the table, with the due dates of its people."""
    return Branch(uuid.uuid4(), name, name, name, False, count, coming, coming or passed)


def test_units_to_be_urged_on_stand_first_and_units_without_people_nowhere() -> None:
    rows = [
        branch("đã xong", Count(4, 4, 4, 4)),
        branch("trống", Count()),
        branch("mới bắt đầu", Count(10, 3, 2, 0)),
        branch("trễ ít", Count(10, 9, 9, 8, 2)),
        branch("trễ nhiều", Count(10, 9, 9, 2, 8)),
        branch("học xong, chưa kiểm tra", Count(4, 4, 4, 0)),
    ]
    expected = ["trễ nhiều", "trễ ít", "mới bắt đầu", "học xong, chưa kiểm tra", "đã xong"]
    assert [one.name for one in most_urgent(rows)] == expected


def test_the_day_that_has_passed_is_named_only_when_it_is_one_and_the_same() -> None:
    late = Count(2, 0, 0, 0, 2)
    first, second = branch("a", late, passed=DUE), branch("b", late, passed=DUE)
    assert late_since([first, second]) == DUE
    assert late_since([first, branch("c", late, passed=LATER)]) is None
    assert late_since([first, branch("d", late, passed=DUE, coming=LATER)]) is None
    assert late_since([]) is None


PREFIXES = [
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
    " =",
    "\u00a0=",
    "\u3000=",
    ";=",
    ",=",
    '"=',
    "'=",
]
PREFIXES += ["|=", "a\t=", "a\n@", "=-"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_cell_of_a_file_is_a_formula_and_its_text_can_be_had_back(prefix: str) -> None:
    name = f"{prefix}cmd|' /C calc'!A0"
    text = as_csv([[name, 1]])
    (row,) = (
        csv.reader([text.removeprefix("\ufeff")], delimiter=";")
        if "\n" not in name and "\r" not in name
        else [[harmless(name), "1"]]
    )
    cell = str(row[0])
    assert not re.match(r"[\s\u00a0\u3000]*[=+\-@＝＋－＠]|[\t\r\n]", cell)
    assert not re.search(r"[\t\r\n;,\"][ \u00a0\u3000]*[=+\-@＝＋－＠]", cell)
    assert re.sub(r"(^|[\t\r\n;,\"'|])'(?=[ \u00a0\u3000]*[=+\-@\t\r\n＝＋－＠])", r"\1", cell) == name
    assert list(harmless_row(["Sở Y tế", name, "x"])) == ["Sở Y tế", harmless(name), "x"]


def test_ordinary_names_are_written_as_they_are() -> None:
    name = "Sở Lao động - Thương binh và Xã hội (cơ sở 2)"
    assert harmless(name) == name


def test_units_are_counted_each_with_all_that_stands_below_it_in_whatever_order_they_come() -> None:
    """Of unit 1: 2 and 3 below it, 4 and 5 below 3, 6 below 5. Each comes with the one above and its own people."""
    nobody = (None, None, None)
    cases: list[tuple[dict[int, tuple[int | None, int | None, int | None]], UnitsBelow]] = [
        ({2: nobody, 3: nobody, 4: nobody, 5: nobody, 6: nobody}, UnitsBelow(0, 0, 0)),
        ({2: (2, 0, 0), 3: (0, 0, 0), 4: nobody, 5: nobody, 6: (3, 3, 3)}, UnitsBelow(4, 3, 1)),
        ({2: (2, 2, 2), 3: (1, 1, 1), 4: (1, 0, 0), 5: (1, 1, 1), 6: (1, 1, 1)}, UnitsBelow(5, 3, 1)),
        ({2: (2, 1, 1), 3: nobody, 4: (4, 4, 4), 5: nobody, 6: (1, 1, 0)}, UnitsBelow(5, 1, 0)),
    ]
    above = {2: 1, 3: 1, 4: 3, 5: 3, 6: 5}
    for own, counted in cases:
        told = [told_of(unit, *numbers) for unit, numbers in own.items()]
        together = ",".join(one for one in told if one) or None
        for order in (told, told[::-1], [together], [None, together]):
            assert units_below(order, above, 1) == counted, own
    parts = [told_of(2, 2, 2, 2), told_of(2, 1, 0, 0)]  # of one unit by due date
    assert units_below(parts, above, 1) == units_below(parts[::-1], above, 1) == UnitsBelow(1, 0, 0)


def told_of(unit: int, people: int | None, started: int | None, briefed: int | None) -> str | None:
    """What the database tells of a unit with so many people: see `units_below`."""
    return str(unit * TOLD + SOME + BEHIND * (briefed != people) + BEGUN * bool(started)) if people else None


def test_the_first_five_with_something_left_to_do_and_a_page_of_their_own_are_named_to_be_urged_on() -> None:
    units = [branch(f"Xã {number}", Count(people=10, briefed=number)) for number in range(9)]
    units[0] = replace(units[0], open=False)
    units[1] = replace(units[1], itself=True)
    units[2] = replace(units[2], count=Count(people=10, started=10, briefed=10, completed=10))
    assert [one.name for one in to_urge(units)] == ["Xã 3", "Xã 4", "Xã 5", "Xã 6", "Xã 7"]


def test_a_row_is_written_once_for_its_shape_and_what_stands_in_it_is_text() -> None:
    """A page of 160 units asks the macro a few times, not 160; a name is no place for a value, and no HTML."""
    asked = []

    def pattern(shape: Shape) -> Markup:
        asked.append(shape)
        return Markup("<b>%(name)s</b> %(rate)s 100 %% %(own)s")

    written = writer(pattern)
    names = ("Sở Y tế", "50%(own)s %s & <i>xã</i>", "{own}")
    rows = [table_row(branch(name, Count(people=8, briefed=number))) for number, name in enumerate(names, 1)]
    first, second, third = (one.values["own"] for one in rows)
    assert [written(one) for one in rows] == [
        f"<b>Sở Y tế</b> 12,5\u00a0% 100 % {first}",
        f"<b>50%(own)s %s &amp; &lt;i&gt;xã&lt;/i&gt;</b> 25,0\u00a0% 100 % {second}",
        f"<b>{{own}}</b> 37,5\u00a0% 100 % {third}",
    ]
    assert len(asked) == 1
    written(table_row(branch("Xã B", Count(people=8, briefed=8, overdue=1))))
    assert len(asked) == 2
