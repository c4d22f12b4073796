"""The host of a meeting point on a phone, with and without a line, and somebody who checks in by the code."""

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from sqlalchemy import select

from courses.briefings.models import MeetingPoint
from courses.meetings.models import PointSighting
from lms.accounts.models import Person
from tests.courses.gathering import briefing_of, sitting_of
from tests.journeys.conftest import Site
from tests.journeys.province import ADMINISTRATOR, COURSE, LEARNER, PEOPLE
from tests.journeys.windows import shoot, without_a_line

pytestmark = pytest.mark.chromium

PHONE: ViewportSize = {"width": 360, "height": 740}
HOST = "laphv"


def point_of(site: Site) -> MeetingPoint:
    """The point of an office, whose chief takes its roll."""
    province = site.province
    briefing = briefing_of(site.make, province.unit("tinh"), course_code=COURSE)
    units = {"main": province.unit("tinh"), "kl": province.unit("snn-kl"), "syt": province.unit("syt")}
    _sitting, points = sitting_of(site.make, briefing, units, by=province.person(ADMINISTRATOR))
    with site.make.writing() as session:
        point = session.get_one(MeetingPoint, points["kl"].id)
        point.host = province.person(HOST).public_id
    return point


def said(site: Site, point: MeetingPoint) -> dict[str, str]:
    """What the point says, by name."""
    with site.make.reading() as session:
        rows = session.execute(
            select(Person.full_name, PointSighting.state)
            .join(PointSighting, PointSighting.person_id == Person.id)
            .where(PointSighting.point_id == point.id)
        )
        return dict(rows.all())


def press(page: Page, name: str, words: str) -> None:
    page.locator("#roll li", has_text=name).get_by_role("button", name=words).click()


def test_a_host_on_a_phone_takes_the_roll_without_a_line_and_nothing_is_lost_or_said_twice(site: Site) -> None:
    point = point_of(site)
    path = f"/meetings/points/{point.public_id}"
    page = site.signed_in(HOST, viewport=PHONE)
    page.goto("/meetings/mine")
    page.get_by_role("link", name="Chi cục Kiểm lâm").click()
    told, pao, hoa = page.locator("[data-told]"), PEOPLE["paogl"].name, PEOPLE[LEARNER].name
    shoot(page, "meeting-roll")
    press(page, pao, "Có mặt")
    expect(told).to_have_text("Đã gửi hết.")
    page.get_by_label("Tìm theo tên").fill("hoa")
    expect(page.locator("#roll li", has_text=pao)).to_be_hidden()
    with without_a_line(page.context, site.province.make.app):
        press(page, hoa, "Vắng có lý do")
        expect(page.locator("#roll li", has_text=hoa)).to_contain_text("Vắng có lý do (chờ gửi)")
        expect(told).to_contain_text("Mất mạng. 1 người đã điểm danh đang giữ trên máy này")
        press(page, hoa, "Bỏ")
        press(page, hoa, "Đến muộn")
        page.close()  # the phone is put away before there is a line
        page = page.context.new_page()
        assert said(site, point) == {pao: "present"}
    page.goto(path)
    expect(page.locator("[data-told]")).to_have_text("Đã gửi hết.")
    assert said(site, point) == {pao: "present", hoa: "late"}
    press(page, hoa, "Về sớm")
    expect(page.locator("#roll li", has_text=hoa)).to_contain_text("Về sớm")
    page.get_by_role("button", name="Tất cả người còn lại có mặt").click()
    expect(page.locator("[data-numbers]")).to_contain_text("Chưa điểm danh 0")
    page.get_by_label("Số người đếm được").fill("2")
    page.get_by_label("Giờ kết nối").fill("7h55")
    page.get_by_role("button", name="Lưu số liệu").click()
    expect(page.locator("[data-difference]")).to_contain_text("thừa")
    page.get_by_role("button", name="Chốt danh sách và báo cáo").click()
    expect(page.get_by_text("Danh sách đã chốt, báo cáo lúc")).to_be_visible()
    shoot(page, "meeting-reported")
    site.windows.troubles[:] = [one for one in site.windows.troubles if "ERR_INTERNET_DISCONNECTED" not in one]


def test_what_waits_belongs_to_one_person_and_goes_when_that_person_signs_out(site: Site) -> None:
    point = point_of(site)
    page = site.signed_in(HOST, viewport=PHONE)
    kept = "Object.keys(localStorage).filter(name => name.startsWith('quan-triet roll ')).length"
    keep = "owner => localStorage.setItem('quan-triet roll x', JSON.stringify({ owner, marks: {} }))"
    page.evaluate(keep, "somebody else")
    page.goto(f"/meetings/points/{point.public_id}")
    assert page.evaluate(kept) == 0
    page.goto("/profile")
    page.evaluate(keep, str(site.province.person(HOST).public_id))
    page.locator("details.account > summary").click()
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_role("button", name="Đăng nhập", exact=True)).to_be_visible()
    assert page.evaluate(kept) == 0


def test_the_code_on_the_screen_checks_somebody_in_and_the_board_sees_it_without_being_loaded(site: Site) -> None:
    point = point_of(site)
    board = site.signed_in(ADMINISTRATOR)
    board.clock.install()
    board.goto("/meetings")
    board.get_by_role("link", name="Hội nghị toàn tỉnh").click()
    expect(
        board.get_by_text("0 trong 3 điểm cầu đã báo cáo, 0 điểm số liệu chưa khớp, 0 điểm chưa nhập số đếm.")
    ).to_be_visible()
    screen = site.signed_in(HOST)
    screen.goto(f"/meetings/points/{point.public_id}/code")
    screen.get_by_role("button", name="Mở mã điểm danh").click()
    expect(screen.get_by_role("img", name="Mã QR để điểm danh")).to_be_visible()
    shoot(screen, "meeting-code", whole=False)
    digits = re.sub(r"\D", "", screen.locator(".code-box__digits").inner_text())
    learner = site.signed_in(LEARNER, viewport=PHONE)
    learner.goto("/meetings/mine")
    learner.get_by_label("Mã điểm danh (8 chữ số)").fill(digits)
    learner.get_by_role("button", name="Ghi có mặt").click()
    expect(learner.get_by_text("Đã điểm danh tại Chi cục Kiểm lâm: Có mặt.")).to_be_visible()
    board.clock.fast_forward(10_500)
    row = board.get_by_role("row", name=re.compile("Chi cục Kiểm lâm"))
    expect(row.locator("td").nth(2)).to_have_text("1")
    shoot(board, "meeting-board")
