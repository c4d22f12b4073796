"""Meeting points through their pages: the roll of a host, codes, corrections, lists, and the organiser's board."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import time_machine
from sqlalchemy import func, select

from courses.briefings.models import BriefingSession, MeetingPoint
from courses.meetings import admin, views
from courses.meetings.access import person_listed
from courses.meetings.actions import InUse, Mark, RollClosed, correct, make_points, remove_point, report, take
from courses.meetings.filters import numbers
from courses.meetings.queries import listed
from lms import clock
from lms.accounts.models import RoleGrant
from lms.audit.models import AuditEntry
from lms.cli import check_projections
from lms.organisation.actions import merge_units
from lms.organisation.models import PARTY_TREE, STATE_TREE, TREES, Unit, UnitClosure
from lms.organisation.storage import NewUnit, Words
from lms.xapi.models import XapiBody, XapiStatement
from tests.browser import ORIGIN, Browser, text_of
from tests.counting import count_queries
from tests.courses.gathering import Gathering, gather
from tests.kept import kept
from tests.make import LONG_AGO, Make


@pytest.fixture
def world(make: Make, tmp_path: Path) -> Gathering:
    return kept(make, tmp_path, gather)


def press(browser: Browser, world: Gathering, person: Any, state: str, point: str = "north") -> None:
    """Open the roll and press a button of a person."""
    browser.get(world.path(point))
    browser.submit("/marks", mark=f"{person.public_id}:{state}")


def statements(make: Make) -> list[tuple[dict[str, Any], bool]]:
    """Statements about points, and those that void, with whether they are voided."""
    with make.reading() as session:
        rows = session.execute(
            select(XapiBody.body, XapiStatement.voided)
            .join(XapiStatement, XapiStatement.sequence == XapiBody.sequence)
            .order_by(XapiBody.sequence)
        )
        return [(msgspec.json.decode(body), voided) for body, voided in rows]


def verified(make: Make) -> None:
    """What is projected is what follows from statements."""
    assert [line for lines in check_projections(make.database).values() for line in lines] == []


def test_a_host_takes_the_roll_and_every_entry_is_a_statement_with_the_host_as_instructor(
    make: Make, world: Gathering
) -> None:
    browser = world.browser(world.host)
    browser.get("/meetings/mine")
    assert "Xã Bắc" in browser.text
    assert "Xã Nam" not in browser.text
    press(browser, world, world.an, "present")
    press(browser, world, world.binh, "excused")
    assert world.said() == {"Nguyễn Văn An": "present", "Trần Thị Bình": "excused"}
    assert (world.attended(world.an), world.standing(world.an)) == ("present", "completed")
    told = [one for one, _ in statements(make)]
    assert {one["context"]["instructor"]["account"]["name"] for one in told} == {str(world.host.public_id)}
    assert {one["result"]["response"] for one in told} == {"present", "excused"}
    verified(make)


def test_pressed_twice_it_is_said_once_and_what_stands_is_not_overwritten(make: Make, world: Gathering) -> None:
    browser = world.browser(world.host)
    for _ in range(2):
        press(browser, world, world.an, "present")
    assert "Đã ghi như vậy từ trước" in browser.text
    press(browser, world, world.an, "unexcused")
    assert "đã ghi khác" in browser.text
    assert world.said() == {"Nguyễn Văn An": "present"}
    press(browser, world, world.an, "left_early")
    assert world.said() == {"Nguyễn Văn An": "left_early"}
    assert len(statements(make)) == 2


def test_a_wrong_entry_is_voided_with_its_reason_and_stated_anew(make: Make, world: Gathering) -> None:
    browser = world.browser(world.host)
    press(browser, world, world.an, "present")
    path = world.path(rest=f"/people/{world.an.public_id}/correct")
    browser.get(path)
    stale = browser.form("/correct")
    browser.submit("Ghi lại là", state="excused")
    assert browser.page is not None
    assert browser.page.status_code == 422
    browser.submit("Ghi lại là", state="excused", why="letter")
    assert world.said() == {"Nguyễn Văn An": "excused"}
    assert (world.attended(world.an), world.standing(world.an)) == ("excused", "not_started")
    assert [voided for _, voided in statements(make)] == [True, False, False]
    browser.post(path, data={**dict(stale.fields), "state": "late", "why": "slip"}, headers={"Origin": ORIGIN})
    assert "đã được sửa trước đó" in browser.text
    browser.get(path)
    browser.submit("Ghi lại là", state="none", why="other", words="Chưa đến")
    assert world.said() == {}
    assert world.attended(world.an) is None
    with make.reading() as session:
        corrections = select(AuditEntry).filter_by(action="attendance.correct").order_by(AuditEntry.id)
        entries = session.scalars(corrections).all()
        assert [one.details["why"] for one in entries] == ["letter", "Chưa đến"]
        assert entries[0].details["changes"] == {"attendance": ["present", "excused"]}
    verified(make)


def test_the_nearest_point_wins_and_whoever_hosts_another_point_finds_nothing(world: Gathering) -> None:
    browser = world.browser(world.other_host)
    assert browser.get(world.path("south")).status_code == 200
    assert "Nguyễn Văn An" not in browser.text
    token = dict(browser.forms[-1].fields)["csrf_token"]
    for rest in ("", "/code", "/sheet", "/roll.csv", "/entry", "/upload", f"/people/{world.an.public_id}/correct"):
        assert browser.get(world.path(rest=rest)).status_code == 404
    for rest in ("/marks", "/rest", "/numbers", "/report", "/reopen", "/check-in", "/search"):
        data = {"csrf_token": token, "mark": f"{world.an.public_id}:present"}
        assert browser.post(world.path(rest=rest), data=data, headers={"Origin": ORIGIN}).status_code == 404
    data = {"csrf_token": token, "mark": f"{world.an.public_id}:present"}
    browser.post(world.path("south", "/marks"), data=data, headers={"Origin": ORIGIN})
    assert "không có người này trong danh sách" in browser.text
    assert world.said() == {}
    organiser = world.browser(world.organiser)
    assert "Hoàng Chi" in organiser.get(world.path("main")).text
    assert "Nguyễn Văn An" not in organiser.text
    assert "Trần Thị Bình" in organiser.get(world.path("north")).text


@pytest.mark.parametrize("role", ["host", "head"])
def test_who_holds_a_role_over_the_unit_takes_its_roll(make: Make, world: Gathering, role: str) -> None:
    person = make.person("Giữ Vai Trò", unit=world.south, role=role, over=world.north)
    browser = world.browser(person)
    assert "Nguyễn Văn An" in browser.get(world.path()).text
    assert browser.get(world.path("south")).status_code == 404


@pytest.mark.parametrize("tree", TREES)
def test_a_role_reaches_the_rolls_of_units_below_only_in_its_own_tree(make: Make, world: Gathering, tree: str) -> None:
    top = make.unit("Đơn vị khác")
    with make.writing() as session:
        below = {"depth": 1, "ancestor_id": top.id, "descendant_id": world.north.id, "valid_from": LONG_AGO}
        session.add(UnitClosure(tree=tree, **below))
    for role_tree in TREES:
        person = make.person("Giữ Vai Trò", unit=world.south)
        with make.writing() as session:
            grant = {"role": "head", "unit_id": top.id, "tree": role_tree, "valid_from": LONG_AGO}
            session.add(RoleGrant(person_id=person.id, **grant))
        browser = world.browser(person)
        assert browser.get(world.path()).status_code == (200 if role_tree == tree else 404)
        assert ("Nguyễn Văn An" in browser.text) is (role_tree == tree)


def test_after_a_merger_the_points_of_units_that_have_ended_are_those_of_the_one_that_took_over(
    make: Make, world: Gathering
) -> None:
    today = clock.today()
    with make.writing() as session:
        province, *merged = (session.get_one(Unit, one.id) for one in (world.province, world.north, world.south))
        new = NewUnit(Words("bn", "Xã Bắc Nam", "commune"), {STATE_TREE: province})
        merge_units(session, merged, new, on=today)
        heir = session.scalars(select(Unit).where(Unit.code == "bn")).one()
    with make.reading() as session:
        shown = numbers(session, world.sitting, on=today)
        assert {name: shown[point.id].called for name, point in world.points.items()} == {
            "main": 1,
            "north": 4,  # of two points of one unit the one made first
            "south": 0,
        }
        everybody = listed(session, session.get_one(MeetingPoint, world.points["north"].id), on=today)
        assert [one.public_id for one in everybody if one.public_id == world.an.public_id] == [world.an.public_id]
        assert len(everybody) == 4
    press(world.browser(world.host), world, world.an, "present")
    with make.reading() as session:  # so that those who belong there now read of it
        seen = session.scalars(select(AuditEntry.object_id).where(AuditEntry.action == "names.read")).all()
        assert set(seen) == {str(heir.public_id)}
    assert world.browser(world.other_host).get(world.path("south")).status_code == 200
    world.told_alike()
    head = world.browser(make.person("Trưởng Xã Mới", role="head", over=heir))
    assert [head.get(world.path(name)).status_code for name in world.points] == [404, 200, 200]


def test_people_come_to_the_point_above_them_in_the_tree_in_which_they_are_counted(
    make: Make, world: Gathering
) -> None:
    party = make.unit("Đảng bộ")
    with make.writing() as session:
        for one, depth in ((world.north, 1), (world.south, 1), (party, 0)):
            place = {"ancestor_id": party.id, "descendant_id": one.id, "depth": depth, "valid_from": LONG_AGO}
            session.add(UnitClosure(tree=PARTY_TREE, **place))
        sitting = session.get_one(BriefingSession, world.sitting.id)
        [point] = make_points(session, sitting, [session.get_one(Unit, party.id)], by=world.organiser.public_id)
        session.delete(session.get_one(MeetingPoint, world.points["south"].id))
        session.flush()
        shown = numbers(session, world.sitting, on=clock.today())
        assert (shown[world.points["main"].id].called, shown[point.id].called) == (2, 0)
    world.told_alike()
    with make.writing() as session:
        session.delete(session.get_one(MeetingPoint, world.points["main"].id))
        session.flush()
        assert numbers(session, world.sitting, on=clock.today())[point.id].called == 1  # there is none in their tree
    world.told_alike()


def test_a_point_of_which_something_was_stated_stays_though_it_was_a_mistake(make: Make, world: Gathering) -> None:
    """Its activity stays with the statements: another point of that code would be taken for it."""
    with make.writing() as session:
        point = session.get_one(MeetingPoint, world.points["north"].id)
        take(session, point, [Mark(world.an.public_id, "present")], by=world.host.public_id)
        [seen] = [one for one in listed(session, point, on=clock.today()) if one.person_id == world.an.id]
        assert seen.statement_id is not None
        correct(session, point, seen, None, of=seen.statement_id, why="Nhầm", by=world.host.public_id)
    assert world.said() == {}
    with make.writing() as session:
        with pytest.raises(InUse):
            remove_point(session, session.get_one(MeetingPoint, world.points["north"].id), by=world.host.public_id)
        remove_point(session, session.get_one(MeetingPoint, world.points["south"].id), by=world.host.public_id)


def open_codes(world: Gathering, point: str = "north") -> Browser:
    """The host has the code of the point on the screen."""
    browser = world.browser(world.host if point == "north" else world.other_host)
    browser.get(world.path(point, "/code"))
    browser.submit("/check-in", then="open")
    return browser


def type_code(browser: Browser, code: str, point: str = "") -> None:
    browser.get(f"/meetings/check-in?point={point}&code={code}" if point else f"/meetings/check-in?code={code}")
    browser.submit("Ghi có mặt")


def test_who_types_the_code_on_the_screen_is_there_and_the_host_says_so(make: Make, world: Gathering) -> None:
    now = (clock.now() + timedelta(minutes=2)).replace(second=2, microsecond=0)
    with time_machine.travel(now, tick=False):
        screen = open_codes(world)
        shown = re.search(r"digits\">(\d{4}) (\d{4})<", screen.text)
        assert shown is not None
        code = shown[1] + shown[2]
        assert code == world.code()
        assert "<svg" in screen.text
    browser = world.browser(world.an)
    with time_machine.travel(now + timedelta(seconds=40), tick=False):  # the following slot
        type_code(browser, code)
        assert "Đã điểm danh tại Xã Bắc: Có mặt." in browser.text
        type_code(browser, code)
        assert "Đã điểm danh" in browser.text
    assert world.said() == {"Nguyễn Văn An": "present"}
    [(told, _)] = statements(make)
    assert told["context"]["instructor"]["account"]["name"] == str(world.host.public_id)
    with time_machine.travel(now + timedelta(minutes=30), tick=False):
        type_code(world.browser(world.binh), world.code())
        assert world.said()["Trần Thị Bình"] == "late"
    verified(make)


def test_a_code_that_has_expired_or_is_of_another_point_or_nobody_s_is_refused_in_words(world: Gathering) -> None:
    open_codes(world)
    open_codes(world, "south")
    north, browser = str(world.points["north"].public_id), world.browser(world.an)
    type_code(browser, world.code(back=3), north)
    assert "Mã đã hết hạn" in browser.text
    type_code(browser, world.code("south"), north)
    assert "Mã này là của điểm cầu khác" in browser.text
    type_code(browser, world.code("main"))
    assert "Mã không đúng" in browser.text
    type_code(browser, world.code(), str(world.points["main"].public_id))
    assert "không mở mã điểm danh" in browser.text
    type_code(world.browser(world.organiser), world.code())
    assert world.said() | world.said("south") | world.said("main") == {}


def test_who_guesses_codes_waits_even_with_a_good_one(world: Gathering) -> None:
    open_codes(world)
    browser = world.browser(world.an)
    for guess in range(10):
        type_code(browser, f"{(int(world.code()) + 1 + guess) % 10**8:08d}")
        assert "Mã không đúng" in browser.text
    type_code(browser, world.code())
    assert "Đã nhập sai nhiều lần" in browser.text
    assert world.said() == {}
    type_code(world.browser(world.binh), world.code())
    assert world.said() == {"Trần Thị Bình": "present"}


def test_a_count_that_is_put_right_leaves_what_else_was_said_of_the_point(world: Gathering) -> None:
    browser = world.browser(world.host)
    browser.get(world.path())
    browser.submit("Số người đếm được", headcount="3", connected="7h55", disconnected="")
    with world.make.reading() as session:
        connected = session.get_one(MeetingPoint, world.points["north"].id).connected_at
    browser.submit("Số người đếm được", headcount="4")
    with world.make.reading() as session:
        point = session.get_one(MeetingPoint, world.points["north"].id)
        assert (point.headcount, point.connected_at) == (4, connected)
    assert connected is not None


def test_a_closed_roll_takes_nothing_until_it_is_opened_with_a_reason(make: Make, world: Gathering) -> None:
    browser = open_codes(world)
    press(browser, world, world.an, "present")
    browser.submit("Số người đếm được", headcount="3", connected="7h55", disconnected="")
    assert "Đếm được 3 người nhưng mới ghi tên 1: còn 2 người chưa ghi tên." in browser.text
    browser.submit("Số người đếm được", headcount="ba", connected="25h")
    assert "Nhập số người bằng chữ số" in browser.text
    assert "Nhập giờ theo dạng" in browser.text
    browser.submit("Số người đếm được", headcount="3", connected="11:30", disconnected="7:30")
    assert "Giờ ngắt kết nối phải sau giờ kết nối." in browser.text
    browser.get(world.path())
    late = dict(browser.form("/marks").fields)
    browser.submit("/report")
    assert "Danh sách đã chốt" in browser.text
    data = {**late, "mark": f"{world.binh.public_id}:present"}
    browser.post(world.path(rest="/marks"), data=data, headers={"Origin": ORIGIN})
    assert "Danh sách đã chốt nên chưa ghi gì" in browser.text
    answer = browser.client.post(
        world.path(rest="/marks"), data=data, headers={"Origin": ORIGIN, "Accept": "application/json"}
    )
    assert (answer.status_code, answer.json) == (409, {"error": "closed"})
    type_code(world.browser(world.binh), world.code())
    browser.get(world.path())
    browser.submit("/reopen")
    assert "Ghi lý do mở lại" in browser.text
    browser.submit("/reopen", why="Thiếu một người")
    press(browser, world, world.binh, "late")
    assert world.said() == {"Nguyễn Văn An": "present", "Trần Thị Bình": "late"}
    with make.reading() as session:
        why = select(AuditEntry.details).where(AuditEntry.action == "point.reopen")
        assert session.scalars(why).one()["why"] == "Thiếu một người"


def test_the_roll_of_a_sitting_opens_on_its_day_and_says_so_before(make: Make, world: Gathering) -> None:
    browser = open_codes(world)
    browser.get(world.path())
    forms = {rest: dict(browser.form(rest).fields) for rest in ("/marks", "/rest", "/numbers", "/report")}
    forms["/marks"]["mark"] = f"{world.an.public_id}:present"
    forms["/check-in"] = {"csrf_token": forms["/rest"]["csrf_token"], "then": "open"}
    opens = clock.today() + timedelta(days=3)
    with make.writing() as session:
        sitting = session.get_one(BriefingSession, world.sitting.id)
        sitting.starts_at, sitting.ends_at = sitting.starts_at + timedelta(days=3), sitting.ends_at + timedelta(days=3)
    told = f"Điểm danh mở từ ngày {opens:%d/%m/%Y}."
    for rest, fields in forms.items():
        browser.post(world.path(rest=rest), data=fields, headers={"Origin": ORIGIN})
        assert told in browser.text, rest
    script = {"Origin": ORIGIN, "Accept": "application/json"}
    assert browser.client.post(world.path(rest="/marks"), data=forms["/marks"], headers=script).status_code == 409
    early = world.browser(world.an)
    type_code(early, world.code())
    assert told in early.text
    assert world.said() == {}
    page = browser.get(world.path()).text
    assert "Nguyễn Văn An" in page
    assert told in page
    assert [words for words in ('name="mark"', "/rest", "/report", "/entry", "/upload", "/code") if words in page] == []
    assert "In danh sách ký tên" in page
    assert told in browser.get(world.path(rest="/code")).text
    with clock.moved_to(clock.start_of_day(opens)):
        press(world.browser(world.host), world, world.an, "present")
    assert world.said() == {"Nguyễn Văn An": "present"}


def test_a_mistake_from_before_the_day_can_be_taken_back(make: Make, world: Gathering) -> None:
    browser = world.browser(world.host)
    press(browser, world, world.an, "present")
    with make.writing() as session:
        sitting = session.get_one(BriefingSession, world.sitting.id)
        sitting.starts_at, sitting.ends_at = sitting.starts_at + timedelta(days=3), sitting.ends_at + timedelta(days=3)
    browser.get(world.path(rest=f"/people/{world.an.public_id}/correct"))
    browser.submit("Ghi lại là", state="none", why="slip")
    assert world.said() == {}


def test_all_who_are_left_are_there_but_for_those_excused_or_seen_elsewhere(world: Gathering) -> None:
    browser = world.browser(world.host)
    press(browser, world, world.an, "late")
    browser.submit("/rest", state="present")
    assert world.said() == {"Nguyễn Văn An": "late", "Trần Thị Bình": "present", "Phạm Chủ Trì": "present"}
    browser.get(world.path())
    assert "Tất cả người còn lại" not in browser.text


def test_the_script_is_told_what_stands_of_each_and_a_mark_from_long_ago_keeps_its_moment(
    make: Make, world: Gathering
) -> None:
    browser = world.browser(world.host)
    browser.get(world.path())
    data = dict(browser.form("/marks").fields)
    both = [f"{world.an.public_id}:present:120", f"{world.binh.public_id}:unexcused:0"]
    for _ in range(2):  # the answer was lost, and it is sent again
        answer = browser.client.post(
            world.path(rest="/marks"),
            data={**data, "mark": both},
            headers={"Origin": ORIGIN, "Accept": "application/json"},
        )
        told: Any = answer.json
        assert {one["state"] for one in told["people"].values()} == {"present", "unexcused"}
    assert (told["there"], told["away"]) == (1, 1)
    said = [one for one, _ in statements(make)]
    assert len(said) == 2
    assert said[0]["timestamp"] < said[1]["timestamp"]
    for wrong in ("x", f"{world.an.public_id}:asleep", ""):
        answer = browser.client.post(
            world.path(rest="/marks"),
            data={**data, "mark": wrong},
            headers={"Origin": ORIGIN, "Accept": "application/json"},
        )
        assert answer.status_code == 400


def test_somebody_seen_at_two_points_stands_on_the_board_and_is_found_by_name(make: Make, world: Gathering) -> None:
    open_codes(world, "south")
    press(world.browser(world.host), world, world.an, "present")
    type_code(world.browser(world.an), world.code("south"))
    assert (world.said(), world.said("south")) == ({"Nguyễn Văn An": "present"}, {"Nguyễn Văn An": "present"})
    organiser = world.browser(world.organiser)
    organiser.get(f"/meetings/{world.sitting.public_id}")
    assert "0 trong 3 điểm cầu đã báo cáo, 2 điểm số liệu chưa khớp, 0 điểm chưa nhập số đếm." in organiser.text
    assert "1 người có mặt ở hai điểm cầu." in organiser.text
    assert "Nguyễn Văn An" not in organiser.text
    organiser.get(f"/meetings/{world.sitting.public_id}/twice")
    assert "Nguyễn Văn An" in organiser.text
    south = world.browser(world.other_host)
    assert "Có mặt ở Xã Bắc" in south.get(world.path("south")).text
    press(south, world, world.an, "unexcused", "south")
    assert "đã có mặt ở điểm cầu khác nên không ghi vắng" in south.text
    south.get(world.path("south", f"/people/{world.an.public_id}/correct"))
    south.submit("Ghi lại là", state="none", why="slip")
    assert world.attended(world.an) == "present"
    organiser.get(f"/meetings/{world.sitting.public_id}?part=1")
    assert "0 điểm số liệu chưa khớp" in organiser.text
    press(world.browser(world.other_host), world, world.other_host, "present", "south")
    verified(make)


def test_who_was_seen_at_two_points_is_read_by_auditors_with_a_note_and_by_no_trainer(
    make: Make, world: Gathering
) -> None:
    open_codes(world, "south")
    press(world.browser(world.host), world, world.an, "present")
    type_code(world.browser(world.an), world.code("south"))
    board, corrected = f"/meetings/{world.sitting.public_id}", f"/people/{world.an.public_id}/correct"
    by = make.person("Kiểm Tra", role="auditor")
    auditor, organiser = make.browser(by), world.browser(world.organiser)
    assert f'href="{board}/twice"' in auditor.get(board).text
    page = auditor.get(f"{board}/twice").text
    assert "Nguyễn Văn An" in page
    assert "Xã Nam" in page
    assert corrected not in page
    assert corrected in organiser.get(f"{board}/twice").text
    trainer = make.browser(make.person(role="trainer"))
    assert f"{board}/twice" not in trainer.get(board).text
    assert trainer.get(f"{board}/twice").status_code == 404
    with make.reading() as session:
        seen = select(AuditEntry.actor).where(
            AuditEntry.action == "names.read", AuditEntry.object_kind == "briefing_session"
        )
        assert session.scalars(seen.order_by(AuditEntry.id)).all() == [by.public_id, world.organiser.public_id]


def test_from_the_page_of_a_point_the_board_is_one_step_away_for_those_who_may_read_it(world: Gathering) -> None:
    board = f'href="/meetings/{world.sitting.public_id}"'
    for rest in ("", "/sheet", "/entry", "/upload", "/code"):
        for person, reads in ((world.organiser, True), (world.host, False)):
            assert (board in world.browser(person).get(world.path(rest=rest)).text) is reads, rest


def test_older_sittings_and_points_stand_on_further_pages(
    world: Gathering, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "SITTINGS_ON_PAGE", 1)
    monkeypatch.setattr(views, "POINTS_ON_PAGE", 2)
    with make.writing() as session:
        sitting = session.get_one(BriefingSession, world.sitting.id)
        times = {"starts_at": sitting.starts_at + timedelta(days=1), "ends_at": sitting.ends_at + timedelta(days=1)}
        later = BriefingSession(briefing_id=sitting.briefing_id, code="sau", title="Buổi sau", kind="make_up", **times)
        session.add(later)
    organiser, old = world.browser(world.organiser), f"/meetings/{world.sitting.public_id}"
    assert old not in organiser.get("/meetings").text
    assert 'href="/meetings?page=2"' in organiser.text
    assert old in organiser.get("/meetings?page=2").text
    head = world.browser(make.person("Chủ Tịch", unit=world.province, role="head", over=world.province))
    pages = [head.get(f"/meetings/mine?page={n}").text for n in (1, 2)]
    found = [{name for name, one in world.points.items() if str(one.public_id) in page} for page in pages]
    assert [len(names) for names in found] == [2, len(world.points) - 2]
    assert found[0] | found[1] == set(world.points)


def test_the_organiser_makes_a_sitting_of_a_briefing_once(world: Gathering) -> None:
    browser = world.browser(world.organiser)
    browser.get("/meetings")
    browser.get("/meetings/new")
    day = clock.today() + timedelta(days=2)
    filled: dict[str, Any] = {"briefing": "dot-1", "kind": "make_up", "title": "Lớp học bù", "day": f"{day:%d/%m/%Y}"}
    browser.submit("Đợt học tập", **filled, starts="14h", ends="13:00")
    assert "Giờ kết thúc phải sau giờ bắt đầu." in browser.text
    browser.submit("Đợt học tập", **filled, starts="14h", ends="16:30")
    assert "Lớp học bù" in browser.text
    board = browser.path
    browser.get("/meetings/new")
    browser.submit("Đợt học tập", **filled, starts="14h", ends="16:30")
    assert browser.path == board  # pressed twice it is one


def test_the_organiser_adds_points_for_chosen_units_and_names_their_hosts(make: Make, world: Gathering) -> None:
    browser, board = world.browser(world.organiser), f"/meetings/{world.sitting.public_id}"
    east, west = make.unit("Xã Đông", under=world.province), make.unit("Xã Tây", under=world.province)
    browser.get(board + "/points/many")
    browser.submit("Đơn vị có điểm cầu")
    assert "Chọn ít nhất một đơn vị" in browser.text
    browser.submit("Đơn vị có điểm cầu", units=[str(east.public_id), str(west.public_id)])
    assert "0 trong 5 điểm cầu đã báo cáo, 0 điểm số liệu chưa khớp, 0 điểm chưa nhập số đếm." in browser.text
    browser.get(board + "/points/new")
    browser.submit("Điểm cầu chính", unit=str(world.north.public_id), main="y")
    assert "đã có điểm cầu chính" in browser.text
    browser.get(board)
    link = re.findall(r'href="(/meetings/points/[^"]+/host)"', browser.text)[-1]
    browser.get(link)
    browser.submit("/host/find", q="chu tri khac")
    assert "Lê Chủ Trì Khác" in browser.text
    browser.submit("Cử", host=str(world.other_host.public_id))
    assert browser.path == board
    with make.reading() as session:
        hosts = select(func.count()).where(MeetingPoint.host == world.other_host.public_id)
        assert session.scalar(hosts) == 2
    browser.get(board + "/edit")
    browser.submit("Tên hội nghị", title="Hội nghị lần hai")
    assert "Hội nghị lần hai" in browser.text
    browser.get(link.removesuffix("/host") + "/edit")
    browser.submit("Tên điểm cầu", name="Hội trường xã")
    assert "Hội trường xã" in browser.text
    browser.get(link.removesuffix("/host") + "/edit")
    browser.submit("/remove")
    assert "Hội trường xã" not in browser.text


def test_a_filled_list_is_shown_before_it_is_entered_and_the_list_that_goes_out_comes_in(world: Gathering) -> None:
    browser = world.browser(world.host)
    out = browser.get(world.path(rest="/roll.csv")).text
    assert out.splitlines()[1].startswith('1;"";"Nguyễn Văn An";"Xã Bắc"')
    lines = [
        "Họ và tên;Đơn vị;Tình trạng",
        "nguyen van an;;Có mặt",
        "Trần Thị Bình;Văn phòng xã Bắc;Vắng có lý do",
        "Người Lạ;;có mặt",
        "Phạm Chủ Trì;;ngủ",
    ]
    browser.get(world.path(rest="/upload"))
    token = dict(browser.form("Tệp danh sách").fields)["csrf_token"]
    data = {"csrf_token": token, "file": (io.BytesIO("\n".join(lines).encode()), "x.csv")}
    browser.post(world.path(rest="/upload"), data=data, headers={"Origin": ORIGIN})
    assert "Sẽ ghi 2 người; 2 dòng không ghi." in browser.text
    assert world.said() == {}
    browser.submit("/marks")
    assert world.said() == {"Nguyễn Văn An": "present", "Trần Thị Bình": "excused"}
    for content, words in ((b"a;b\n1;2\n", "Không thấy dòng tiêu đề"), (b"", "tệp")):
        data = {"csrf_token": token, "file": (io.BytesIO(content), "x.csv")}
        answer = browser.post(world.path(rest="/upload"), data=data, headers={"Origin": ORIGIN})
        assert (answer.status_code, words in browser.text.lower() or words in browser.text) == (422, True)


def test_a_signed_sheet_is_entered_by_the_numbers_of_its_lines(world: Gathering) -> None:
    browser = world.browser(world.host)
    sheet = browser.get(world.path(rest="/sheet")).text
    names = ["Nguyễn Văn An", "Trần Thị Bình", "Phạm Chủ Trì"]
    assert sorted(names, key=sheet.partition("<tbody>")[2].index) == ["Nguyễn Văn An", "Trần Thị Bình", "Phạm Chủ Trì"]
    found = re.search(r"Mã tờ danh sách: ([0-9A-F]{6})", sheet)
    assert found is not None
    browser.get(world.path(rest="/entry"))
    browser.submit("Mã tờ danh sách", mark="ABCDEF", late="2-1", excused="9")
    assert "Mã này không phải" in browser.text
    assert browser.text.count("không phải số thứ tự từ 1 đến 3") == 4  # in each field and over the form
    browser.submit("Mã tờ danh sách", mark=found[1].lower(), late="2", excused="2", unexcused="")
    assert "Số 2 có ở hai ô." in browser.text
    browser.submit("Mã tờ danh sách", mark=found[1], late="2", excused="", unexcused="3")
    assert "Sẽ ghi 3 người; 0 dòng không ghi." in browser.text
    browser.submit("/marks")
    assert world.said() == {"Nguyễn Văn An": "present", "Trần Thị Bình": "late", "Phạm Chủ Trì": "unexcused"}


def test_names_are_found_without_marks_and_every_showing_is_noted(make: Make, world: Gathering) -> None:
    browser = world.browser(world.host)
    browser.get(world.path())
    browser.submit("/search", q="binh")
    assert "Trần Thị Bình" in browser.text
    assert "Nguyễn Văn An" not in browser.text
    assert "binh" not in browser.path
    with make.reading() as session:
        seen = session.scalars(select(AuditEntry.details).filter_by(action="names.read").order_by(AuditEntry.id)).all()
        assert [(one["purpose"], one["count"]) for one in seen] == [("roll_call", 3), ("roll_call", 1)]


def test_the_board_and_the_page_of_a_point_count_alike_and_with_as_many_queries_for_many(
    make: Make, world: Gathering
) -> None:
    browser, board = world.browser(world.organiser), f"/meetings/{world.sitting.public_id}"
    press(world.browser(world.host), world, world.an, "present")
    asked = dict.fromkeys((board, world.path()), 0)
    for path in asked:
        with count_queries(make.app) as counted:
            browser.get(path)
        asked[path] = len(counted)
    for number in range(12):
        make.person(f"Người Số {number}", unit=world.north)
    with make.writing() as session:
        shown = numbers(session, world.sitting, on=clock.today())[world.points["north"].id]
    assert (shown.called, shown.unanswered, shown.there) == (15, 14, 1)
    assert "Có mặt 1 · Vắng 0 · Chưa điểm danh 14" in browser.get(world.path()).text
    for path, before in asked.items():
        with count_queries(make.app) as counted:
            browser.get(path)
        assert len(counted) <= before


def test_the_board_goes_out_as_a_file_with_the_columns_of_the_report(world: Gathering) -> None:
    press(world.browser(world.host), world, world.an, "present")
    text = text_of(world.browser(world.organiser).get(f"/meetings/{world.sitting.public_id}/points.csv"))
    assert '"Xã Bắc";"Xã Bắc";3;1;0;0;2;"";"";""' in text
    assert text.splitlines()[1].startswith('1;"Tỉnh (mẫu)"')


def test_two_who_close_and_enter_do_not_pass_each_other(make: Make, world: Gathering) -> None:
    with make.writing() as session:
        point = session.get_one(MeetingPoint, world.points["north"].id)
        report(session, point, by=world.host.public_id)
        with pytest.raises(RollClosed):
            take(session, point, [Mark(world.an.public_id, "present")], by=world.host.public_id)
        person = person_listed(session, point, world.an.public_id)
        with pytest.raises(RollClosed):
            correct(session, point, person, None, of=world.an.public_id, why="slip", by=world.host.public_id)
