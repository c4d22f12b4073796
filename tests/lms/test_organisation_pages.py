"""Administrators look at the organisation of any day, and change it: form, rehearsal, application, undoing."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from lms import clock
from lms.accounts.models import Membership
from lms.audit.models import AuditEntry
from lms.organisation.actions import Basis, abolish_unit, merge_units, rename_unit
from lms.organisation.models import Unit, UnitOperation
from lms.organisation.storage import NewUnit, Words
from tests.browser import Browser
from tests.counting import count_queries
from tests.make import Make

ON_ONE = pytest.mark.parametrize("backend", ["sqlite"])
"""What asks the databases nothing that other tests here do not ask both."""


class Office:
    """Two communes with an office each below a province, and an administrator at a browser."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.root = make.unit("Tỉnh", code="t")
        self.a, self.b = (make.unit(f"Xã {one}", code=one.lower(), under=self.root) for one in "AB")
        self.a1 = make.unit("Phòng A1", code="a1", under=self.a)
        self.people = [make.person(f"Lý Văn {one}", unit=self.a) for one in ("Một", "Hai")]
        self.browser: Browser = make.browser(make.person("Quản Trị", role="administrator", unit=self.b))

    def ask(self, unit: Unit, kind: str) -> None:
        """Open the form of a change."""
        self.browser.get(f"/units/{unit.public_id}/change/{kind}")

    def rehearse(self, kind: str, **typed: str | list[str]) -> int:
        """Send the form; the status of the answer."""
        return self.browser.submit(f"/change/{kind}", follow=True, **typed).status_code

    def operations(self) -> int:
        with self.make.reading() as session:
            query = select(func.count(UnitOperation.id)).where(UnitOperation.kind != "create")
            return session.scalar(query) or 0

    def unit_of(self, number: int) -> str:
        """The present code of the unit where one of the two is counted today."""
        with self.make.reading() as session:
            one = session.scalars(select(Membership).filter_by(person_id=self.people[number].id, valid_to=None)).one()
            return session.get_one(Unit, one.unit_id).code


@pytest.fixture
def office(make: Make) -> Office:
    return Office(make)


FORMS: dict[str, dict[str, str | list[str]]] = {
    "rename": {"name": "Phường A", "code": "a-moi"},
    "move": {"parent": "b"},
    "absorb": {"into": "b"},
    "consolidate": {"siblings": ["b"], "name": "Xã C", "code": "c1"},
    "divide": {"name_1": "Xã C", "code_1": "c2", "code_2": "b", "unit-a1": "2", "person-1": "2"},
    "separate": {"name_1": "Xã C", "code_1": "c3", "person-1": "1"},
    "abolish": {"receiver": "b", "children_to": "t"},
}


TITLES = {
    "rename": "Đổi tên: Phường A",
    "move": "Chuyển cấp trên: Xã A",
    "absorb": "Sáp nhập: Xã A → Xã B",
    "consolidate": "Hợp nhất: Xã A, Xã B → Xã C",
    "divide": "Chia: Xã A → Xã B, Xã C",
    "separate": "Tách: Xã A → Xã C",
    "abolish": "Giải thể: Xã A → Xã B",
}
"""What the page of each of these changes is called: the kind of change, and whom it is about."""


def filled(office: Office, kind: str) -> dict[str, str | list[str]]:
    """The form with public ids instead of codes."""
    ids = {one.code: str(one.public_id) for one in (office.root, office.a, office.b, office.a1)}
    found: dict[str, str | list[str]] = {"on": "1/7/2025", "number": "12/NQ-HĐND", "issuer": "HĐND tỉnh"}
    for name, value in FORMS[kind].items():
        prefix, _dash, rest = name.partition("-")
        key = f"unit-{ids[rest]}" if prefix == "unit" else f"person-{office.people[1].public_id}" if rest else name
        chosen = name in ("parent", "into", "receiver", "children_to", "siblings")
        found[key] = [ids[one] for one in value] if isinstance(value, list) else ids[value] if chosen else value
    return found


@ON_ONE
def test_each_change_is_rehearsed_then_applied_then_undone(office: Office) -> None:
    """One after the other: what is undone leaves the organisation as it was, so that the next can be done."""
    browser = office.browser
    moved = {"absorb": "b", "consolidate": "c1", "divide": "b", "separate": "c3", "abolish": "b", "rename": "a-moi"}
    for kind in FORMS:
        before = office.operations()
        office.ask(office.a, kind)
        assert office.rehearse(kind, **filled(office, kind)) == 200
        assert "Chưa có gì thay đổi." in browser.text
        assert office.operations() == before
        browser.submit("/apply")
        assert "có hiệu lực từ ngày 01/07/2025" in browser.text
        assert "12/NQ-HĐND" in browser.text
        assert "Quản Trị" in browser.text
        assert f"<title>{TITLES[kind]}, 01/07/2025 –" in browser.text
        assert f"<h1>{TITLES[kind]}</h1>" in browser.text
        assert office.operations() == before + 1
        assert office.unit_of(1) == moved.get(kind, "a")
        browser.submit("/undo/rehearse")
        assert "Nếu hoàn tác" in browser.text
        assert f"<h1>Xem trước khi hoàn tác: {TITLES[kind]}</h1>" in browser.text
        assert office.unit_of(1) == moved.get(kind, "a")
        browser.submit("/undo")
        assert "Đã hoàn tác" in browser.text
        assert office.unit_of(1) == "a"
    browser.get(f"/units/{office.a.public_id}")
    assert browser.text.count("đã hoàn tác") == len(FORMS)


def test_a_rehearsal_that_no_longer_holds_is_shown_anew_and_applies_nothing(office: Office) -> None:
    browser = office.browser
    office.ask(office.a, "absorb")
    office.rehearse("absorb", into=str(office.b.public_id), on="1/7/2025")
    assert "2 người được tính" in browser.text
    office.make.person(unit=office.a)
    answer = browser.submit("/apply")
    assert answer.status_code == 409
    assert "Từ lúc xem trước đến nay dữ liệu đã thay đổi" in browser.text
    assert "3 người được tính" in browser.text
    assert office.operations() == 0
    browser.submit("/apply")
    assert office.operations() == 1
    browser.submit("/undo/rehearse")
    office.make.person(unit=office.b)
    answer = browser.submit("/undo")
    assert answer.status_code == 409
    browser.submit("/undo")
    assert "Đã hoàn tác" in browser.text


REFUSED: list[tuple[str, dict[str, str | list[str]], str, str]] = [
    ("rename", {"code": "b"}, "code", "đã thuộc về một đơn vị khác"),
    ("rename", {"name": ""}, "name", "Nhập tên cơ quan, đơn vị."),
    ("move", {"parent": "a1"}, "parent", "sẽ đứng dưới chính mình"),
    ("move", {"parent": "t"}, "parent", "Chưa có gì khác"),
    ("absorb", {"into": ""}, "into", "Chọn đơn vị tiếp nhận."),
    ("absorb", {"on": "1/1/2019"}, "on", "vào ngày đó"),
    ("absorb", {"on": "hôm qua"}, "on", "Nhập ngày theo dạng"),
    ("consolidate", {"siblings": []}, "siblings", "Chọn ít nhất một đơn vị nữa"),
    ("consolidate", {"codes": "x9, b"}, "codes", "mang mã x9"),
    ("divide", {"name_1": "", "code_1": "moi"}, "name_1", "chỉ để trống khi mã là của một đơn vị đã có"),
    ("divide", {"code_2": ""}, "code_1", "Nhập ít nhất 2 đơn vị."),
    ("separate", {"code_1": ""}, "code_1", "Nhập mã đơn vị."),
    ("abolish", {"receiver": ""}, "receiver", "Chọn nơi tiếp nhận"),
]


@ON_ONE
def test_a_change_that_cannot_be_says_where_and_why_and_keeps_what_was_typed(office: Office) -> None:
    ids = {one.code: str(one.public_id) for one in (office.root, office.a, office.b, office.a1)}
    for kind, changes, field, reason in REFUSED:
        other = {
            name: ids.get(str(value), value) if name in ("parent", "into") else value for name, value in changes.items()
        }
        typed = {**filled(office, kind), "issuer": "Cơ quan giữ lại", **other}
        office.ask(office.a, kind)
        assert office.rehearse(kind, **typed) == 422, (kind, changes)
        text = office.browser.text
        assert reason in text.split(f'id="{field}-error"')[1].split("</p>")[0], (kind, changes)
        assert 'value="Cơ quan giữ lại"' in text
        for name, value in typed.items():
            if name.startswith(("unit-", "person-")):
                assert f'selected value="{value}"' in text.split(f'name="{name}"')[1].split("</select>")[0]
    nowhere = dict.fromkeys(("name_1", "code_1", "code_2"), "")
    for parts, reason, times in ((nowhere, "chưa được nhập", 0), ({"code_2": ""}, "Đơn vị thứ 2 chưa được nhập.", 2)):
        office.ask(office.a, "divide")
        assert office.rehearse("divide", **{**filled(office, "divide"), **parts}) == 422
        assert office.browser.text.count(reason) == times, "said above and beside one person, not to each"
    assert office.operations() == 0


@ON_ONE
def test_a_change_is_titled_by_those_it_is_about_and_how_many_more_there_are(office: Office, make: Make) -> None:
    day = date(2025, 7, 1)
    several = [make.unit(f"Xã số {number}", under=office.root) for number in range(1, 6)]
    child = make.unit("Phòng ở dưới", under=several[4])
    with make.writing() as session:
        *first, last, into, root = (session.get_one(Unit, one.id) for one in (*several, office.b, office.root))
        ended = abolish_unit(session, last, receiver=None, children_to=root, on=day)
        merged = merge_units(session, first, into, on=day)
    for operation, title in (
        (ended, "Giải thể: Xã số 5"),
        (merged, "Sáp nhập: Xã số 1, Xã số 2, Xã số 3 và 1 đơn vị khác → Xã B"),
    ):
        office.browser.get(f"/units/operations/{operation.public_id}")
        assert f"<h1>{title}</h1>" in office.browser.text
    office.browser.get(f"/units/operations/{ended.public_id}")
    assert child.name in office.browser.text, "what only stands elsewhere is among the units concerned"


@ON_ONE
def test_going_back_from_the_rehearsal_finds_the_form_as_it_was_typed(office: Office) -> None:
    office.ask(office.a, "divide")
    office.rehearse("divide", **filled(office, "divide"))
    office.browser.submit("/apply", edit="1")
    assert 'value="Xã C"' in office.browser.text
    assert office.operations() == 0


@ON_ONE
def test_what_something_was_built_on_is_not_undone_and_says_why(office: Office) -> None:
    browser = office.browser
    office.ask(office.a, "consolidate")
    office.rehearse("consolidate", **filled(office, "consolidate"))
    browser.submit("/apply")
    operation = browser.path
    with office.make.reading() as session:
        new = session.scalars(select(Unit).where(Unit.code == "c1")).one()
    office.make.person(unit=new)
    browser.submit("/undo/rehearse")
    assert "đã có người được chuyển hoặc được thêm vào đơn vị" in browser.text
    assert browser.path == operation


@ON_ONE
def test_the_tree_is_that_of_the_day_with_the_names_and_people_of_the_day(office: Office, make: Make) -> None:
    browser = office.browser
    with make.writing() as session:
        a, b, root = (session.get_one(Unit, one.id) for one in (office.a, office.b, office.root))
        rename_unit(session, b, Words("b", "Phường Bê", "commune"), on=date(2024, 1, 1))
        merge_units(session, [a], b, on=date(2025, 7, 1), basis=Basis("1/NQ", date(2025, 6, 1), "Quốc hội"))
        merge_units(session, [b], NewUnit(Words("d", "Xã Đê", "commune"), {"state": root}), on=clock.today())
    told = {"2023-01-01": "Xã B", "1/1/2024": "Phường Bê", "01.07.2025": "Phường Bê", "": "Xã Đê"}
    people = {"1/1/2024": "2 người", "01.07.2025": "3 người", "": "3 người"}
    for day, name in told.items():
        browser.get("/units", query_string={"on": day, "tree": "state"})
        assert name in browser.text
        assert ("Xã A" in browser.text) == (day in ("2023-01-01", "1/1/2024"))
        assert people.get(day, "") in browser.text
    browser.get("/units", query_string={"q": "phuong be", "on": "1/7/2025"})
    assert "Phường Bê" in browser.text.split("Kết quả tìm")[1]
    browser.get(f"/units/{office.b.public_id}?on=2023-05-01")
    assert "<h1>Xã B</h1>" in browser.text
    history = browser.text.split("<h2>Lịch sử</h2>")[1]
    assert (
        history.index("Xã Đê")
        < history.index("1/NQ")
        < history.index("Tên: Xã B → Phường Bê")
        < history.index("Bắt đầu")
    )
    browser.get("/units?tree=party")
    assert "chưa có đơn vị nào trong cây được chọn" in browser.text


@ON_ONE
def test_a_day_or_tree_that_is_none_is_said_beside_the_field_and_kept(office: Office) -> None:
    wrong = {"on=31/02/2025": 'value="31/02/2025"', "tree=forest": "Chọn một mục trong danh sách.", "on=x&tree=y": ""}
    for asked, told in wrong.items():
        for path in ("/units", f"/units/{office.a.public_id}"):
            answer = office.browser.get(f"{path}?{asked}")
            assert answer.status_code == 422
            assert "field__error" in answer.text
            assert told in answer.text


def test_tree_and_unit_pages_ask_the_same_number_of_times_at_ten_times_the_units(
    office: Office, app: Flask, make: Make
) -> None:
    def asked() -> list[int]:
        numbers = []
        for path in ("/units", f"/units/{office.a.public_id}", "/units?q=xa&on=1/7/2025"):
            with count_queries(app) as counted:
                assert office.browser.get(path).status_code == 200
            numbers.append(len([one for one in counted.statements if "person.fictional" not in one]))
        return numbers

    asked()  # what is asked once in a process
    few = asked()  # whether there are demo people is asked by the clock, and not counted
    for number in range(30):
        make.person(unit=make.unit(f"Xã {number}", under=office.a if number % 2 else office.root))
    with make.writing() as session:
        a = session.get_one(Unit, office.a.id)
        for number in range(1, 9):
            rename_unit(session, a, Words("a", f"Xã A lần {number}", "commune"), on=date(2025, 1, number))
    asked()  # today's units are read once after each change
    assert asked() == few
    assert max(few) <= 8


@ON_ONE
def test_names_seen_on_the_way_are_noted(office: Office) -> None:
    office.ask(office.a, "divide")
    assert "Lý Văn Một" in office.browser.text
    with office.make.reading() as session:
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.list"))
        assert (entry.object_id, entry.details["rows"]) == (str(office.a.public_id), 2)
        assert "Lý" not in str(entry.details)
