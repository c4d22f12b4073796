"""Every number of the dashboard opens: to what it means, the people, why, what was stated; and to its equals."""

import csv
import html
import json
import re
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from analytics.facts.rules import FEWEST, Count
from analytics.numbers.rules import LEAST_PEERS, LEAST_PEOPLE, OPENED, Peer, compared
from courses.briefings.actions import freeze_roll
from courses.briefings.models import BriefingSession, MeetingPoint
from courses.briefings.projector import settle_briefing
from courses.enrolment.models import Briefing
from courses.meetings.models import PointSighting
from lms import clock
from lms.accounts.models import Person
from lms.audit.models import AuditEntry
from lms.organisation.models import Unit
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.analytics.test_dashboard import head_of, link, text_of
from tests.analytics.test_names import names_on, readings
from tests.briefed import come, open_briefing
from tests.browser import Browser
from tests.counting import count_queries
from tests.make import Make


def at(unit: Unit, rest: str) -> str:
    return f"/dashboard/units/{unit.public_id}/{rest}"


def agency(make: Make, folder: Path) -> tuple[Unit, Unit, Browser]:
    """An agency with an office, nine people in both, three of them late; and a browser of its head."""
    course_id = course_loaded(make, folder)
    unit = make.unit("Sở Y tế")
    office = make.unit("Phòng Một", under=unit)
    assigned(make, course_id, unit, due_in=timedelta(days=-1))
    staffed(make, course_id, unit, Staff(completed=2, briefed=1), names=["Lê Xong", "Lê Rồi", "Lê Đang"])
    staffed(make, course_id, office, Staff(completed=4, not_begun=2))
    return unit, office, head_of(make, unit)


def test_every_number_of_the_page_of_a_unit_opens_and_says_the_same_there(make: Make, tmp_path: Path) -> None:
    _unit, _office, browser = agency(make, tmp_path)
    browser.get("/dashboard/")
    found = re.findall(r'<a class="opened" href="([^"]+)">([^<]+)</a>', browser.text)
    assert len(found) == 4 + 3 * 6  # four at the head; six in each row, the total one of them
    for address, figure in found:
        browser.get(html.unescape(address))
        assert f'<p class="answer__figure"><strong>{figure}'.replace("\u00a0", " ") in browser.text, address


@pytest.mark.parametrize(
    ("metric", "figure", "said"),
    [
        ("people", "9", ("Sĩ số hiện nay trừ số được miễn.", "đây là một số đếm", "Xem những người được tính ở đây")),
        (
            "briefed_rate",
            "77,8 %",
            ("Tử số Tổng đã quán triệt (B): 7", "Mẫu số Số phải học (A): 9", "Được miễn: 0", "không phải trung bình"),
        ),
        ("score", "10,0 (6)", ("Tổng điểm của những người đã có điểm: 60,00", "Số người đã có điểm: 6")),
        ("overdue", "3", ("hạn của chính người đó đã qua", "Đợt này chưa chốt sĩ số.")),
    ],
)
def test_a_number_says_what_it_means_and_what_it_is_made_of(
    make: Make, tmp_path: Path, metric: str, figure: str, said: Sequence[str]
) -> None:
    unit, _office, browser = agency(make, tmp_path)
    browser.get(at(unit, f"numbers/{metric}"))
    page = text_of(browser)
    assert f"– Khóa học nhỏ {figure}" in page
    for words in said:
        assert words in page, words
    for one in OPENED:
        assert one.name[0] in page


@pytest.mark.parametrize("completed", [FEWEST - 1, FEWEST])
def test_no_mean_and_no_sum_of_scores_is_told_of_a_few(make: Make, tmp_path: Path, completed: int) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(completed=completed, not_begun=3))
    browser = head_of(make, unit)
    browser.get(at(unit, "numbers/score"))
    page, told = text_of(browser), completed >= FEWEST
    assert (f"10,0 ({FEWEST})" in page, f"{completed}0,00" in page) == (told, told)
    assert (f"Mới có {completed} người có điểm; dưới {FEWEST} người thì không nêu điểm" in page) is not told
    assert f"Số người đã có điểm: {completed}" in page
    figures = browser.get(f"/dashboard/units/{unit.public_id}.json").get_json()
    assert [one["score"] for one in (figures["total"], *figures["units"])] == [50_000 if told else None] * 2
    paper = json.loads(browser.client.get(f"/reports/units/{unit.public_id}/01.json").data)["total"]
    assert paper["cells"]["score"] == ([50_000, FEWEST] if told else None)
    assert paper["shown"]["score"] == (f"10,0 ({FEWEST})" if told else f"– ({FEWEST - 1})")


def test_what_is_no_number_of_people_does_not_open(make: Make, tmp_path: Path) -> None:
    unit, _office, browser = agency(make, tmp_path)
    for metric in ("state", "points", "khong-co", "__class__"):
        assert browser.get(at(unit, f"numbers/{metric}")).status_code == 404


def test_a_number_tells_of_the_roll_that_was_kept_and_who_has_moved_since(make: Make, tmp_path: Path) -> None:
    _unit, office, _head = agency(make, tmp_path)
    with make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        roll = freeze_roll(session, briefing, reason="Báo cáo").public_id
    administrator = make.browser(make.person(role="administrator"))
    administrator.get(at(office, "numbers/roll"))
    assert "6 người, trong đó 0 được miễn; từ đó 0 người đi, 0 người đến." in text_of(administrator)
    assert f'href="/briefings/demo/rolls/{roll}"' in administrator.text
    make.person("Người Mới Đến", unit=office)
    with make.writing() as session:
        settle_briefing(session, briefing.id)
    administrator.get(at(office, "numbers/roll"))
    assert "0 người đi, 1 người đến." in text_of(administrator)


def test_from_a_number_to_the_people_to_why_to_what_was_stated(make: Make, tmp_path: Path) -> None:
    """The statements of this person and of nobody else, in words, with who recorded them; every step is noted."""
    course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    host = make.person("Hoàng Chủ Trì")
    lan, other = make.person("Nông Thị Lan", unit=unit), make.person("Trần Khác", unit=unit)
    code = open_briefing(make, unit)
    come(make, code, lan, other, host=host.public_id)
    head = head_of(make, unit)
    head.get("/dashboard/")
    head.get(link_of(head, "numbers/briefed?"))
    assert "Dự tại điểm cầu" in text_of(head)
    head.get(link(head, "Xem những người được tính ở đây", of="button"))
    assert names_on(head) == ["Trần Khác", "Nông Thị Lan"]
    head.get(link_of(head, f"people/{lan.public_id}"))
    page = text_of(head)
    assert "Có mặt tại điểm cầu: có, lúc" in page
    assert "“Điểm cầu 1”" in page
    assert "người ghi: Hoàng Chủ Trì" in page
    assert "Trần Khác" not in page
    assert head.text.count('class="names__note"') == 1
    with make.reading() as session:
        seen = session.scalars(
            select(AuditEntry).where(AuditEntry.action.in_(("standing.read", "record.names"))).order_by(AuditEntry.id)
        ).all()
    assert {(one.action, one.object_id) for one in seen} == {
        ("standing.read", str(lan.public_id)),
        ("record.names", str(host.public_id)),
    }
    assert {one.details.get("purpose") for one in seen if one.action == "standing.read"} == {"own_unit"}


def link_of(browser: Browser, part: str) -> str:
    """The first address of the page with this part."""
    found = re.search(rf'href="([^"]*{re.escape(part)}[^"]*)"', browser.text)
    assert found, part
    return html.unescape(found[1])


def test_who_stands_higher_reads_of_a_person_only_after_stating_a_purpose(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    office = make.unit("Phòng Kế hoạch", under=make.unit("Sở Y tế", under=root))
    assigned(make, course_id, root)
    [person_id] = staffed(make, course_id, office, Staff(not_begun=1), names=["Nguyễn Phòng"])
    with make.reading() as session:
        public_id = session.get_one(Person, person_id).public_id
    browser = head_of(make, root)
    browser.get(at(office, f"people/{public_id}"))
    assert "Nguyễn Phòng" not in browser.text
    browser.submit("/purpose", purpose="check")
    browser.get(at(office, f"people/{public_id}"))
    assert "Nguyễn Phòng" in browser.text
    assert "Chưa có bản ghi nào" in browser.text
    assert browser.get(at(office, f"people/{uuid.uuid4()}")).status_code == 404
    with make.reading() as session:
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "standing.read"))
    assert entry.details["purpose"] == "check"
    assert head_of(make, make.unit("Sở Khác", under=root)).get(at(office, f"people/{public_id}")).status_code == 404


def test_the_unit_alone_is_counted_and_listed_without_those_below(make: Make, tmp_path: Path) -> None:
    unit, _office, browser = agency(make, tmp_path)
    browser.get(at(unit, "numbers/people?alone=1"))
    assert "– Khóa học nhỏ 3" in text_of(browser)
    browser.get(at(unit, "missing?state=people&alone=1"))
    assert names_on(browser) == ["Lê Đang", "Lê Rồi", "Lê Xong"]


def test_names_are_narrowed_to_a_category_of_staff(make: Make, tmp_path: Path) -> None:
    unit, _office, browser = agency(make, tmp_path)
    with make.writing() as session:
        session.execute(update(Person).where(Person.full_name == "Lê Rồi").values(category="vien_chuc"))
    browser.get(at(unit, "missing?state=people"))
    browser.submit("/search", category="vien_chuc")
    assert names_on(browser) == ["Lê Rồi"]
    assert browser.path.endswith("state=people&category=vien_chuc")
    assert readings(make)[-1].details["count"] == 1


def test_what_is_stated_is_in_the_figures_of_the_very_next_request(make: Make, tmp_path: Path) -> None:
    """Standings and tallies are written by the transaction that stores the statement: nothing is waited for."""
    course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    code = open_briefing(make, unit)
    lan = make.person("Nông Thị Lan", unit=unit)
    make.person("Trần Khác", unit=unit)
    head = head_of(make, unit)
    head.get("/dashboard/")
    assert "Đã quán triệt (B) 0" in text_of(head)
    come(make, code, lan)
    head.get("/dashboard/")
    assert "Đã quán triệt (B) 1" in text_of(head)
    head.get(at(unit, "numbers/by_point"))
    assert "– Học tập Nghị quyết 1" in text_of(head)
    assert head.get(f"/dashboard/units/{unit.public_id}.json").get_json()["total"]["briefed"] == 1


def peer(
    number: int, people: int, briefed: int = 0, *, own: bool = False, near: bool = True, seen: bool = False
) -> Peer:
    return Peer(
        uuid.uuid4(), f"Hoàng Yến {number}", Count(people=people, briefed=briefed), own, near or own, seen or own
    )


def equals(number: int, *, people: int = LEAST_PEOPLE, near: bool = True, seen: bool = False) -> list[Peer]:
    return [peer(n, people, people * n // (number + 1), near=near, seen=seen) for n in range(number)]


@pytest.mark.parametrize(
    ("units", "peers", "near", "within"),
    [
        ([], None, None, None),
        (equals(LEAST_PEERS - 1), None, None, None),
        (equals(LEAST_PEERS), LEAST_PEERS, True, False),
        (equals(LEAST_PEERS, people=LEAST_PEOPLE - 1), None, None, None),
        (equals(LEAST_PEERS - 1) + equals(1, people=LEAST_PEOPLE - 1), None, None, None),
        (equals(1) + equals(LEAST_PEERS, near=False), LEAST_PEERS + 1, False, False),
        (equals(LEAST_PEERS, seen=True), LEAST_PEERS, True, False),
        (equals(LEAST_PEERS, seen=True) + equals(1), LEAST_PEERS, True, True),
        (equals(LEAST_PEERS, seen=True) + equals(LEAST_PEERS), 2 * LEAST_PEERS, True, False),
        (equals(LEAST_PEERS - 1, seen=True) + equals(1), None, None, None),
    ],
    ids=[
        "none",
        "too few",
        "enough",
        "too small",
        "one too small",
        "province",
        "all seen",
        "one unseen",
        "both",
        "few",
    ],
)
def test_equals_are_compared_only_where_nobody_can_be_told_from_it(
    units: list[Peer], peers: int | None, near: bool | None, within: bool | None
) -> None:
    found = compared([peer(99, 20, 10, own=True), *units])
    assert (found and found.peers, found and found.near, found and found.within) == (peers, near, within)
    if found:
        assert {one.name for one in found.named} == {one.name for one in units if one.seen}
        assert found.spreads[0].own == (10, 20)


def test_the_small_and_the_unseen_few_move_no_quartile() -> None:
    """Whatever a unit of two people does, and the one unit that is not seen among those that are, shows nowhere."""
    seen, own = equals(LEAST_PEERS, seen=True), peer(99, 20, 10, own=True)
    for all_seen in (True, False):
        group = seen if all_seen else equals(LEAST_PEERS)
        said = {
            compared([own, *group, peer(50, 2, briefed)]).spreads[0]  # type: ignore[union-attr]
            for briefed in (0, 1, 2)
        }
        assert len(said) == 1
    alone = {compared([own, *seen, peer(50, 100, n)]).spreads[0] for n in (0, 50, 100)}  # type: ignore[union-attr]
    assert len(alone) == 1


def test_all_who_may_look_at_units_of_a_group_are_told_the_same_of_it() -> None:
    """Else two of them, or the head of two, could take the one from the other."""
    group = equals(LEAST_PEERS + 1)
    told = set()
    for chosen in group:
        as_seen = [Peer(o.public_id, o.name, o.count, o is chosen, True, o is chosen) for o in group]
        found = compared(as_seen)
        assert found
        told.add((found.spreads[0].low, found.spreads[0].middle, found.spreads[0].high))
    assert len(told) == 1


CANARY = "Hoàng Yến"


def province(make: Make, folder: Path, units: int) -> tuple[Unit, Unit]:
    """A province with communes, the last of a kind of its own; the province, and the first commune."""
    course_id = course_loaded(make, folder)
    root = make.unit("Tỉnh")
    communes = [make.unit(f"{CANARY} {number}" if number else "Xã Nhà", under=root) for number in range(units + 1)]
    with make.writing() as session:
        for one in communes[:-1]:
            session.get_one(Unit, one.id).kind = "commune"
    assigned(make, course_id, root)
    for number, one in enumerate(communes):
        staffed(make, course_id, one, Staff(briefed=number, not_begun=12 - number))
    return root, communes[0]


def test_equals_stay_without_a_name_for_whoever_does_not_see_them_anyway(make: Make, tmp_path: Path) -> None:
    root, own = province(make, tmp_path, LEAST_PEERS + 1)
    head = head_of(make, own)
    head.get(at(own, "peers"))
    page = text_of(head)
    assert f"Nhóm so sánh: {LEAST_PEERS} đơn vị khác cùng loại" in page
    assert "Tỷ lệ B/A (%) 0,0 % 10 % 21 % 31 %" in page
    assert CANARY not in head.text
    assert "/peers?" in head.get(at(own, "numbers/briefed_rate")).text
    above = head_of(make, root)
    above.get(at(own, "peers"))
    assert len(re.findall(rf">{CANARY} \d</a>", above.text)) == LEAST_PEERS
    above.get(at(root, "peers"))
    assert "Chưa so sánh được" in above.text
    above.get(at(root, "numbers/briefed_rate"))  # said before the page is opened
    assert "Chưa so được với đơn vị cùng loại" in above.text
    assert "So với đơn vị cùng loại" not in above.text
    head.get(at(own, "peers?on=2020-01-01"))
    assert CANARY not in head.text


def test_a_course_shows_all_its_briefings_that_reach_the_unit(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit, other = make.unit("Sở Y tế"), make.unit("Sở Khác")
    assigned(make, course_id, unit)
    lan = make.person("Nông Thị Lan", unit=unit)
    code = open_briefing(make, unit)
    open_briefing(make, other, code="dot-9", title=f"Đợt {CANARY}")
    come(make, code, lan)
    head = head_of(make, unit)
    head.get("/dashboard/")
    head.get(link_of(head, "/course?"))
    page = text_of(head)
    assert "<h1>Khóa học nhỏ</h1>" in head.text
    assert "Học tập Nghị quyết 1 100,0 % (1) 100,0 % (1) 0" in page
    assert "Khóa học nhỏ 1 0,0 % (0) 0,0 % (0) 0" in page
    assert CANARY not in head.text
    rows = list(csv.reader(head.get(at(unit, "course.csv")).data.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert [row[1:4] for row in rows[1:]] == [["dot-1", "Học tập Nghị quyết", "1"], ["demo", "Khóa học nhỏ", "1"]]


def test_the_points_of_a_unit_stand_with_the_figures_of_the_board(make: Make, tmp_path: Path) -> None:
    course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    code = open_briefing(make, unit)
    lan, *_rest = [make.person(f"Người {n}", unit=unit) for n in range(3)]
    come(make, code, lan)
    head = head_of(make, unit)
    head.get(at(unit, "points"))
    page = text_of(head)
    assert "Điểm cầu đã báo cáo 0/1" in page
    assert "Có mặt 1 trong 3 người được triệu tập" in page
    assert "0 không lý do; 2 chưa điểm danh" in page
    assert "Bảng điểm cầu" not in page  # which is for those who organise
    [roll] = re.findall(r'href="(/meetings/points/[^"]+)">Điểm cầu 1</a>', head.text)
    assert "Người 1" in head.get(roll).text
    browser = make.browser(make.person(role="auditor", over=None))
    browser.get(at(unit, "points"))
    assert "Điểm cầu 1" in browser.text
    assert "/meetings/points/" not in browser.text
    [_head, row] = csv.reader(head.get(at(unit, "points.csv")).data.decode("utf-8-sig").splitlines(), delimiter=";")
    assert row == ["1", "Điểm cầu 1", "Sở Y tế", "chưa", "3", "1", "0", "0", "2", "", "0"]
    assert head.get(at(unit, "points?sitting=khong-co")).status_code == 404


def test_a_point_that_counted_no_heads_is_not_told_as_one_that_disagrees(make: Make, tmp_path: Path) -> None:
    course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    code = open_briefing(make, unit)
    come(make, code, make.person("Người Một", unit=unit))
    with make.writing() as session:
        session.scalars(select(MeetingPoint)).one().reported_at = clock.now()
        sitting = session.scalars(select(BriefingSession.public_id)).one()
    head, organiser = head_of(make, unit), make.browser(make.person(role="administrator"))
    organiser.get(f"/meetings/{sitting}")
    head.get(at(unit, "points"))
    for page in (text_of(organiser), text_of(head)):
        assert "Chưa nhập số đếm" in page
        assert "Chưa khớp" not in page
    assert "0 điểm số liệu chưa khớp, 1 điểm chưa nhập số đếm." in text_of(organiser)


def test_somebody_seen_at_two_points_is_one_person_in_the_total(make: Make, tmp_path: Path) -> None:
    course_loaded(make, tmp_path)
    province = make.unit("Tỉnh Mẫu")
    commune = make.unit("Xã Một", under=province)
    person, *_rest = [make.person(f"Người {n}", unit=commune) for n in range(3)]
    come(make, open_briefing(make, province), person)
    with make.writing() as session:
        sitting = session.scalars(select(BriefingSession)).one()
        second = MeetingPoint(session_id=sitting.id, code="dc-2", name="Điểm 2", main=False, unit_id=commune.id)
        session.add(second)
        session.flush()
        seen = {"state": "present", "at": clock.now(), "statement_id": uuid.uuid4()}
        session.add(PointSighting(point_id=second.id, person_id=person.id, **seen))
    for unit in (province, commune):
        head = head_of(make, unit)
        head.get(at(unit, "points"))
        assert "Có mặt 1 trong 3 người được triệu tập" in text_of(head)


PAGES = ("numbers/briefed_rate", "peers", "course", "course.csv", "points", "points.csv", "missing?state=people")


def test_pages_of_numbers_cost_the_same_sql_with_ten_times_the_people(app: Flask, make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    unit = make.unit("Sở Y tế", under=root)
    assigned(make, course_id, root)
    open_briefing(make, root)
    head = head_of(make, unit)
    costs = []
    for people in (3, 27):
        staffed(make, course_id, unit, Staff(completed=people, not_begun=people))
        for number in range(people // 3):
            staffed(make, course_id, make.unit(f"Sở {people}-{number}", under=root), Staff(not_begun=1))
        found = []
        for page in PAGES:
            head.get(at(unit, page))
            with count_queries(app) as counted:
                assert head.get(at(unit, page)).status_code == 200
            found.append((page, len(counted)))
        costs.append(found)
    assert costs[0] == costs[1]
    assert max(number for _page, number in costs[0]) <= 14, costs
