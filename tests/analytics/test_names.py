"""Who is still missing: for whom the names are open, why, in what order, and that every showing is noted."""

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from analytics.dashboard.forms import state_words
from analytics.facts.rules import PEOPLE
from lms import clock
from lms.audit.models import AuditEntry
from lms.organisation.models import Unit
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.analytics.test_dashboard import head_of, text_of
from tests.browser import Browser
from tests.make import Make

NAMES = ["Trần Thị Thủy", "Lê Văn Ánh", "Nguyễn Văn An", "Hoàng Thị Thúy", "Phạm Đức Đạt", "Bùi Văn Dũng"]


def names_on(browser: Browser) -> list[str]:
    """The names of the list, in order."""
    return [html.unescape(name) for name in re.findall(r'<span class="names__name">([^<]*)</span>', browser.text)]


def readings(make: Make) -> list[AuditEntry]:
    with make.reading() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.action == "names.read").order_by(AuditEntry.id))
        return list(found)


def address(unit: Unit, query: str = "") -> str:
    return f"/dashboard/units/{unit.public_id}/missing{query}"


def test_the_list_says_how_far_each_person_is(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(completed=1, briefed=1, begun=1, not_begun=1), names=NAMES)
    browser = head_of(make, unit)
    browser.get("/dashboard/")
    browser.get(address(unit))
    assert names_on(browser) == ["Nguyễn Văn An", "Lê Văn Ánh", "Hoàng Thị Thúy"]
    page = text_of(browser)
    assert "Nguyễn Văn An Đang học Chuyên viên · Sở Y tế · Đã học 1/4 bài · hạn" in page
    assert "Lê Văn Ánh Chưa đạt kiểm tra Chuyên viên · Sở Y tế · Đã học đủ bài, đạt 1/2 bài kiểm tra · hạn" in page
    assert "Hoàng Thị Thúy Chưa học Chuyên viên · Sở Y tế · hạn" in page
    assert "Trần Thị Thủy" not in browser.text
    with time_machine.travel(clock.now() + timedelta(days=16, hours=1)):
        late = head_of(make, unit)
        late.get(address(unit))
        assert "Hoàng Thị Thúy Quá hạn 3 ngày Chuyên viên · Sở Y tế · Chưa học · hạn" in text_of(late)


def test_from_the_click_of_a_learner_to_the_list_of_the_head(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    learner = make.browser(make.person("Nông Thị Lan", unit=unit))
    head = make.browser(make.person("Trưởng Đơn Vị", role="head", over=unit))
    head.get(address(unit))
    assert "Nông Thị Lan Chưa học" in text_of(head)
    learner.get("/courses/demo")
    learner.submit("/start")
    learner.get("/courses/demo/lessons/m1-1")
    learner.submit("/finish")
    head.get(address(unit))
    assert "Nông Thị Lan Đang học" in text_of(head)
    assert "Đã học 1/4 bài" in text_of(head)
    for lesson in ("m1-2", "m2-1", "m2-2"):
        learner.get(f"/courses/demo/lessons/{lesson}")
        learner.submit("/finish")
    head.get(address(unit))
    assert "Nông Thị Lan Chưa đạt kiểm tra" in text_of(head)
    head.get("/dashboard/")
    assert "Đã được quán triệt: toàn bộ 1 người" in text_of(head)


def test_names_stand_in_vietnamese_order_a_page_at_a_time(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(not_begun=60), names=["Lê Ý", "Lê Đạt", "Lê Ánh", "Lê An", "Đỗ An", "Lê Dũng"])
    browser = head_of(make, unit)
    browser.get(address(unit))
    first = names_on(browser)
    assert len(first) == 50
    browser.get(html.unescape(re.findall(r'rel="next" href="([^"]+)"', browser.text)[0]))
    both = first + names_on(browser)
    assert len(set(both)) == 60
    ordered = [name for name in both if not name.startswith("Nguyễn")]
    assert ordered == ["Đỗ An", "Lê An", "Lê Ánh", "Lê Dũng", "Lê Đạt", "Lê Ý"]
    assert [entry.details["count"] for entry in readings(make)] == [50, 10]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", {"Lê Văn Ánh", "Nguyễn Văn An", "Hoàng Thị Thúy"}),
        ("not_briefed", {"Nguyễn Văn An", "Hoàng Thị Thúy"}),
        ("not_started", {"Hoàng Thị Thúy"}),
        ("in_progress", {"Nguyễn Văn An"}),
        ("not_passed", {"Lê Văn Ánh"}),
        ("overdue", set()),
        ("completed", {"Trần Thị Thủy"}),
        ("briefed", {"Trần Thị Thủy", "Lê Văn Ánh"}),
        ("roll", {"Trần Thị Thủy", "Lê Văn Ánh", "Nguyễn Văn An", "Hoàng Thị Thúy"}),
        ("exempt", set()),
        ("scored", {"Trần Thị Thủy"}),
        ("score", {"Lê Văn Ánh", "Nguyễn Văn An", "Hoàng Thị Thúy"}),
        ("x' OR 1=1 --", {"Lê Văn Ánh", "Nguyễn Văn An", "Hoàng Thị Thúy"}),
    ],
)
def test_the_list_can_be_narrowed_to_a_state(make: Make, tmp_path: Path, state: str, expected: set[str]) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(completed=1, briefed=1, begun=1, not_begun=1), names=NAMES)
    browser = head_of(make, unit)
    browser.get(address(unit), query_string={"state": state})
    assert set(names_on(browser)) == expected
    if not expected:
        said = "Không có ai." if state == "exempt" else "Không có ai chưa hoàn thành khớp với điều kiện lọc"
        assert said in browser.text


def test_every_number_of_people_that_opens_has_words_for_its_list(make: Make) -> None:
    with make.app.test_request_context():
        assert set(state_words()) >= PEOPLE


def test_a_name_is_found_without_its_marks_and_never_stands_in_an_address(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(not_begun=6), names=NAMES)
    browser = head_of(make, unit)
    browser.get(address(unit))
    browser.submit("/search", q="thuy THỊ")
    assert names_on(browser) == ["Trần Thị Thủy", "Hoàng Thị Thúy"]
    assert browser.path == address(unit, "?briefing=demo")
    assert 'value="thuy THỊ"' in browser.text
    browser.submit("/search", state="not_started")
    assert names_on(browser) == ["Trần Thị Thủy", "Hoàng Thị Thúy"]
    browser.submit("/search", q="dat")
    assert names_on(browser) == ["Phạm Đức Đạt"]
    browser.submit("/search", q="%")
    assert names_on(browser) == []
    browser.submit("/search", q="")
    assert len(names_on(browser)) == 6
    assert browser.submit("/search", q="a" * 101).status_code == 422
    assert "Không quá 100 ký tự." in browser.text


def province(make: Make, folder: Path) -> tuple[Unit, Unit, Unit]:
    """A province, an agency below it, an office below that, and somebody missing in each."""
    course_id = course_loaded(make, folder)
    root = make.unit("Tỉnh")
    agency = make.unit("Sở Y tế", under=root)
    office = make.unit("Phòng Kế hoạch", under=agency)
    assigned(make, course_id, root)
    for unit, name in ((root, "Nguyễn Tỉnh"), (agency, "Nguyễn Sở"), (office, "Nguyễn Phòng")):
        staffed(make, course_id, unit, Staff(not_begun=1), names=[name])
    return root, agency, office


def test_the_head_of_a_unit_and_of_the_one_directly_above_see_names_at_once(make: Make, tmp_path: Path) -> None:
    root, agency, office = province(make, tmp_path)
    for over, unit, names in (
        (office, office, ["Nguyễn Phòng"]),
        (agency, office, ["Nguyễn Phòng"]),
        (agency, agency, ["Nguyễn Phòng", "Nguyễn Sở"]),
        (root, agency, ["Nguyễn Sở"]),
        (root, root, ["Nguyễn Sở", "Nguyễn Tỉnh"]),
    ):
        browser = head_of(make, over)
        browser.get(address(unit))
        assert names_on(browser) == names, (over.name, unit.name)
        assert ("nêu mục đích để xem" in browser.text) == (over is root)
    assert {entry.details["purpose"] for entry in readings(make)} == {"own_unit"}


def test_who_stands_higher_sees_names_only_after_stating_a_purpose_for_half_an_hour(make: Make, tmp_path: Path) -> None:
    root, agency, office = province(make, tmp_path)
    person = make.person("Trưởng Tỉnh", role="head", over=root)
    browser = make.browser(person)
    browser.get(address(office))
    assert names_on(browser) == []
    assert "Nguyễn Phòng" not in browser.text
    assert "1 người ở đây chỉ mở sau khi nêu mục đích" in text_of(browser)
    assert readings(make) == []
    answer = browser.submit("/purpose")
    assert answer.status_code == 422
    assert "Chọn một mục đích trước khi mở danh sách." in browser.text
    assert browser.submit("/purpose", purpose="vì thích").status_code == 422
    browser.submit("/purpose", purpose="urge")
    assert names_on(browser) == ["Nguyễn Phòng"]
    assert "Đôn đốc việc học tập, quán triệt" in browser.text
    (entry,) = readings(make)
    assert (entry.actor, entry.object_kind, entry.object_id) == (person.public_id, "unit", str(office.public_id))
    assert entry.details == {"briefing": "demo", "purpose": "urge", "count": 1, "tree": "state"}
    browser.get(address(agency))
    assert names_on(browser) == ["Nguyễn Sở"]  # the purpose was for another unit
    browser.get(address(office))
    assert names_on(browser) == ["Nguyễn Phòng"]
    with time_machine.travel(clock.now() + timedelta(minutes=31)):
        browser.get(address(office))
        assert names_on(browser) == []


def test_an_administrator_states_a_purpose_everywhere(make: Make, tmp_path: Path) -> None:
    root, agency, _ = province(make, tmp_path)
    browser = make.browser(make.person(role="administrator"))
    for unit, names in ((agency, ["Nguyễn Phòng", "Nguyễn Sở"]), (root, ["Nguyễn Phòng", "Nguyễn Sở", "Nguyễn Tỉnh"])):
        browser.get(address(unit))
        assert names_on(browser) == []
        browser.submit("/purpose", purpose="check")
        assert names_on(browser) == names
        browser.submit("/search", q="nguyen so")
        assert names_on(browser) == ["Nguyễn Sở"]
    assert [entry.details["count"] for entry in readings(make)] == [2, 1, 3, 1]
    assert {entry.details["purpose"] for entry in readings(make)} == {"check"}


def test_a_purpose_does_not_outlive_the_session_in_which_it_was_stated(make: Make, tmp_path: Path) -> None:
    _, _, office = province(make, tmp_path)
    make.person(role="administrator", username="quantri", password="bon muoi tam nghi quyet")
    browser = make.browser()
    browser.get("/sign-in")
    browser.submit("/sign-in", username="quantri", password="bon muoi tam nghi quyet")
    browser.get(address(office))
    browser.submit("/purpose", purpose="check")
    assert names_on(browser) == ["Nguyễn Phòng"]
    browser.submit("/sign-out")
    browser.get("/sign-in")
    browser.submit("/sign-in", username="quantri", password="bon muoi tam nghi quyet")
    browser.get(address(office))
    assert names_on(browser) == []


def test_when_nobody_is_missing_the_list_says_so(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(completed=2))
    browser = head_of(make, unit)
    browser.get(address(unit))
    assert "Không còn ai: mọi người phải học đã hoàn thành." in browser.text
    assert readings(make) == []


@pytest.mark.parametrize("page", ["0", "-1", "x", "2", "99999999999999999999", "1.5"])
def test_a_page_that_does_not_exist_breaks_nothing(make: Make, tmp_path: Path, page: str) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(not_begun=1))
    assert head_of(make, unit).get(address(unit), query_string={"page": page}).status_code == 200


def test_names_are_text(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("<script>alert(1)</script>")
    assigned(make, course_id, unit)
    hostile: Any = '<img src=x onerror="alert(1)"> Hiểm'
    staffed(make, course_id, unit, Staff(not_begun=1), names=[hostile])
    browser = head_of(make, unit)
    browser.get(address(unit))
    assert names_on(browser) == [hostile]
    browser.submit("/search", q='"><script>alert(1)</script>')
    assert "<img" not in browser.text
    assert "<script>" not in browser.text
