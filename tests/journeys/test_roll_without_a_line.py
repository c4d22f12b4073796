"""The page of a meeting point opens again without a line, for its host alone, and goes when it is no longer theirs."""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import Error as BrowserError
from sqlalchemy import func, select

from courses.briefings.models import MeetingPoint
from courses.meetings import views
from lms.accounts.models import Person
from lms.accounts.session import end_all_sessions
from lms.xapi.models import XapiStatement
from tests.axe import until, violations
from tests.groups import chromium
from tests.journeys.conftest import Site
from tests.journeys.province import ADMINISTRATOR, LEARNER, PASSWORD, PEOPLE
from tests.journeys.test_meeting_point import HOST, PHONE, point_of, press, said
from tests.journeys.windows import ARGUMENTS, PATIENCE, shoot, sign_in, without_a_line

pytestmark = pytest.mark.chromium

PAO, HOA, LAP = PEOPLE["paogl"].name, PEOPLE[LEARNER].name, PEOPLE[HOST].name
COPY = re.compile(r"Đang xem bản lưu lúc \d\d:\d\d, chưa có mạng")
KEPT = """async () => {
    const pages = await caches.open("quan-triet roll pages");
    return (await pages.keys()).map((one) => new URL(one.url).pathname);
}"""
STORED = """async () => {
    const names = [...await caches.keys(), ...Object.keys(localStorage)];
    return names.filter((one) => one.startsWith("quan-triet roll"));
}"""
AGED = """async ([path, by]) => {
    const pages = await caches.open("quan-triet roll pages");
    const copy = await pages.match(path, { ignoreVary: true });
    const headers = new Headers(copy.headers);
    headers.set("Kept-At", String(Number(headers.get("Kept-At")) + by));
    await pages.put(path, new Response(await copy.text(), { headers }));
}"""
"""Lets a copy have been kept so many milliseconds later, or earlier where they are negative."""


@pytest.fixture
def point(site: Site) -> Iterator[MeetingPoint]:
    """The point of an office. What the console says of requests without a line is no trouble here."""
    yield point_of(site)
    expected = ("net::ERR_", "network error response", "404 (NOT FOUND)", "401 (UNAUTHORIZED)")
    site.windows.troubles[:] = [one for one in site.windows.troubles if not any(words in one for words in expected)]


def path_of(point: MeetingPoint) -> str:
    return f"/meetings/points/{point.public_id}"


def opened(site: Site, point: MeetingPoint, username: str = HOST) -> Page:
    """The page of the point in a window of somebody who has just signed in, once it is kept."""
    page = site.signed_in(username, viewport=PHONE)
    open_and_keep(page, point)
    return page


def open_and_keep(page: Page, point: MeetingPoint) -> None:
    page.goto(path_of(point))
    until(page, f"async () => (await ({KEPT})()).includes({path_of(point)!r})")


def is_kept(page: Page, point: MeetingPoint) -> bool:
    return path_of(point) in page.evaluate(KEPT)


def nothing_is_shown(context: BrowserContext, path: str) -> None:
    """Without a line there is only the browser's own error at this address."""
    page = context.new_page()
    with pytest.raises(BrowserError, match="net::ERR_"):
        page.goto(path)
    page.close()


def copy_of(context: BrowserContext, point: MeetingPoint) -> Page:
    """The copy, in a new window."""
    page = context.new_page()
    page.goto(path_of(point))
    expect(page.get_by_text(COPY)).to_be_visible()
    return page


def statements(site: Site) -> int:
    with site.make.reading() as session:
        return session.scalar(select(func.count()).select_from(XapiStatement)) or 0


def test_the_page_opens_again_without_a_line_and_what_is_marked_there_is_sent_once(
    site: Site, point: MeetingPoint
) -> None:
    page = opened(site, point)
    expect(page.get_by_text(COPY)).to_be_hidden()
    press(page, PAO, "Có mặt")
    expect(page.locator("[data-told]")).to_have_text("Đã gửi hết.")
    before = statements(site)
    with without_a_line(page.context, site.make.app):
        press(page, HOA, "Vắng có lý do")
        page.reload()
        expect(page.get_by_text(COPY)).to_be_visible()
        # What was confirmed after the page was made stands on its copy too.
        expect(page.locator("#roll li", has_text=PAO)).to_have_attribute("data-state", "present")
        expect(page.locator("[data-numbers]")).to_have_text("Có mặt 1 · Vắng 0 · Chưa điểm danh 2")
        expect(page.locator("#roll li", has_text=HOA)).to_contain_text("Vắng có lý do (chờ gửi)")
        press(page, LAP, "Đến muộn")
        expect(page.locator("#roll li", has_text=LAP)).to_contain_text("Đến muộn (chờ gửi)")
        page.get_by_label("Tìm theo tên").fill("giang pao")
        expect(page.locator("#roll li", has_text=LAP)).to_be_hidden()
        page.get_by_label("Tìm theo tên").fill("")
        shoot(page, "meeting-without-a-line")
        assert violations(page) == []
        page.close()
        page = copy_of(page.context, point)
        expect(page.locator("[data-told]")).to_contain_text("Mất mạng. 2 người")
        assert said(site, point) == {PAO: "present"}
    expect(page.locator("[data-told]")).to_have_text("Đã gửi hết.")
    assert said(site, point) == {PAO: "present", HOA: "excused", LAP: "late"}
    assert statements(site) == before + 2
    expect(page.get_by_text("Đã có mạng. Trang này vẫn là bản lưu.")).to_be_visible()
    page.get_by_role("link", name="Tải danh sách mới nhất").click()
    expect(page.locator("[data-kept]")).to_be_hidden()
    expect(page.locator("[data-numbers]")).to_have_text("Có mặt 2 · Vắng 1 · Chưa điểm danh 0")
    page.reload()
    assert statements(site) == before + 2


def test_two_windows_of_one_host_keep_and_send_what_either_marked(site: Site, point: MeetingPoint) -> None:
    first = opened(site, point)
    second = first.context.new_page()
    open_and_keep(second, point)
    pao, hoa = (second.locator("#roll li", has_text=name) for name in (PAO, HOA))
    with without_a_line(first.context, site.make.app):
        press(first, PAO, "Vắng có lý do")
        expect(pao).to_contain_text("Vắng có lý do (chờ gửi)")
        press(second, HOA, "Đến muộn")
        press(first, LAP, "Có mặt")
        press(first, LAP, "Bỏ")
        press(first, PAO, "Bỏ")
        expect(pao).not_to_contain_text("chờ gửi")
        press(first, PAO, "Có mặt")
        expect(pao).to_contain_text("Có mặt (chờ gửi)")
        first.close()
        expect(hoa).to_contain_text("Đến muộn (chờ gửi)")
        expect(second.locator("[data-told]")).to_contain_text("Mất mạng. 2 người")
    expect(second.locator("[data-told]")).to_have_text("Đã gửi hết.")
    assert said(site, point) == {PAO: "present", HOA: "late"}
    third = second.context.new_page()
    open_and_keep(third, point)
    press(third, LAP, "Có mặt")
    expect(second.locator("#roll li", has_text=LAP)).to_have_attribute("data-state", "present")
    expect(second.locator("#roll li", has_text=LAP)).not_to_contain_text("chờ gửi")
    expect(second.locator("[data-numbers]")).to_have_text("Có mặt 3 · Vắng 0 · Chưa điểm danh 0")
    assert second.evaluate("Object.keys(localStorage).every(name => !localStorage[name].includes('\"at\"'))")


def test_a_mark_that_is_taken_back_after_the_page_was_opened_again_leaves_what_stood_before(
    site: Site, point: MeetingPoint
) -> None:
    page = opened(site, point)
    press(page, PAO, "Có mặt")
    expect(page.locator("[data-told]")).to_have_text("Đã gửi hết.")
    row = page.locator("#roll li", has_text=PAO)
    with without_a_line(page.context, site.make.app):
        press(page, PAO, "Về sớm")
        page.reload()
        expect(row).to_contain_text("Về sớm (chờ gửi)")
        press(page, PAO, "Bỏ")
        expect(row).to_have_attribute("data-state", "present")
        page.reload()
        expect(row).to_have_attribute("data-state", "present")
    assert said(site, point) == {PAO: "present"}


def test_what_was_marked_before_the_browser_was_closed_is_there_again_and_is_sent_after_signing_in(
    site: Site, point: MeetingPoint, tmp_path: Path
) -> None:
    with browser_of_a_phone(site, tmp_path) as context:
        page = context.new_page()
        page.goto("/sign-in")
        sign_in(page, HOST, PASSWORD)
        open_and_keep(page, point)
        before = statements(site)  # as a page closes, its last try may still arrive: what waits is then sent again
        with without_a_line(context, site.make.app):
            press(page, HOA, "Có mặt")
            expect(page.locator("#roll li", has_text=HOA)).to_contain_text("Có mặt (chờ gửi)")
            page.close()
    with browser_of_a_phone(site, tmp_path) as context:
        with without_a_line(context, site.make.app):
            page = copy_of(context, point)
            expect(page.locator("#roll li", has_text=HOA)).to_contain_text("Có mặt (chờ gửi)")
            press(page, PAO, "Vắng không lý do")
        expect(page.locator("[data-told]")).to_contain_text("Phiên đăng nhập đã hết.")
        until(page, f"async () => !(await ({KEPT})()).length")
        page.get_by_role("link", name="Đăng nhập lại để gửi").click()
        sign_in(page, HOST, PASSWORD)
        expect(page.locator("[data-told]")).to_have_text("Đã gửi hết.")
        assert said(site, point) == {HOA: "present", PAO: "unexcused"}
        assert statements(site) == before + 2


@contextmanager
def browser_of_a_phone(site: Site, folder: Path) -> Iterator[BrowserContext]:
    """A browser that keeps on a disk what it keeps, as after a restart."""
    context = site.windows.browser.browser_type.launch_persistent_context(
        folder / "phone",
        executable_path=chromium(),
        args=ARGUMENTS,
        base_url=site.address,
        viewport=PHONE,
        locale="vi-VN",
    )
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


def test_signing_out_leaves_nothing_on_the_phone(site: Site, point: MeetingPoint) -> None:
    page = opened(site, point)
    press(page, PAO, "Có mặt")
    expect(page.locator("[data-told]")).to_have_text("Đã gửi hết.")
    assert len(page.evaluate(STORED)) == 3  # pages, files, and what was confirmed
    sign_out(page)
    until(page, f"async () => !(await ({STORED})()).length")
    with without_a_line(page.context, site.make.app):
        nothing_is_shown(page.context, path_of(point))


def test_a_page_that_was_asked_for_before_signing_out_and_came_after_it_is_not_kept(
    site: Site, point: MeetingPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(site, point)
    answering, on_its_way, over = site.make.app.wsgi_app, threading.Event(), threading.Event()

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = b"".join(answering(environ, start_response))
        if environ["PATH_INFO"] == path_of(point):
            on_its_way.set()
            over.wait(30)
        return [answer]

    monkeypatch.setattr(site.make.app, "wsgi_app", slow)
    later = page.context.new_page()
    later.goto("/profile")
    later.evaluate("path => { setTimeout(() => { location.href = path; }); }", path_of(point))
    assert on_its_way.wait(20)
    sign_out(page)
    until(page, f"async () => !(await ({STORED})()).length")
    over.set()
    monkeypatch.setattr(site.make.app, "wsgi_app", answering)
    expect(later.locator("#roll")).to_be_visible()
    until(later, "async () => caches.has('quan-triet roll files')")  # the page follows its files
    later.wait_for_timeout(500)
    assert later.evaluate(KEPT) == []


def sign_out(page: Page) -> None:
    """Sign out on a page that knows nothing of meeting points."""
    page.goto("/profile")
    page.locator("details.account > summary").click()
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_role("button", name="Đăng nhập", exact=True)).to_be_visible()


def test_signing_out_on_the_page_of_the_point_removes_the_copy_though_the_line_fails(
    site: Site, point: MeetingPoint
) -> None:
    page = opened(site, point)
    with without_a_line(page.context, site.make.app):
        page.locator("details.account > summary").click()
        page.get_by_role("button", name="Đăng xuất").click()
        expect(page.locator("#roll")).to_have_count(0)
        nothing_is_shown(page.context, path_of(point))


def test_another_account_never_sees_the_page_of_the_first(site: Site, point: MeetingPoint) -> None:
    page = opened(site, point)
    context = page.context
    context.clear_cookies()  # the session of the first is gone, but nobody has signed out
    page.goto("/sign-in")
    sign_in(page, LEARNER, PASSWORD)
    assert page.evaluate(KEPT) == []
    with without_a_line(context, site.make.app):
        nothing_is_shown(context, path_of(point))
    answer = page.goto(path_of(point))
    assert answer is not None
    assert answer.status == 404
    assert PAO not in page.content()


def test_pages_of_one_owner_go_when_another_s_is_kept_or_has_marks_waiting(site: Site, point: MeetingPoint) -> None:
    page = opened(site, point)
    with site.make.reading() as session:
        other = session.scalars(select(MeetingPoint).where(MeetingPoint.id != point.id)).all()[0]
    become(site, page.context, site.province.person(ADMINISTRATOR))
    open_and_keep(page, other)
    assert page.evaluate(KEPT) == [path_of(other)]
    page.evaluate(
        "id => localStorage.setItem(`quan-triet roll ${id}`, JSON.stringify({ owner: 'another', marks: {} }))",
        str(other.public_id),
    )
    with without_a_line(page.context, site.make.app):
        page.goto(path_of(other))
        expect(page.locator("#roll")).to_have_count(0)
        nothing_is_shown(page.context, path_of(other))


def become(site: Site, context: BrowserContext, person: Person) -> None:
    """From now on the browser has a session of this person, without the page on which one signs in."""
    cookie = site.make.browser(person).client.get_cookie("session")
    assert cookie is not None
    context.add_cookies([{"name": "session", "value": cookie.value, "url": site.address}])


def test_without_a_line_no_other_page_is_served(site: Site, point: MeetingPoint) -> None:
    page = opened(site, point)
    page.goto("/meetings/mine")
    page.goto(f"{path_of(point)}/code")
    page.goto(path_of(point))
    with without_a_line(page.context, site.make.app):
        for path in ("/meetings/mine", f"{path_of(point)}/code", f"{path_of(point)}/sheet", "/profile"):
            nothing_is_shown(page.context, path)
        told = page.evaluate("path => fetch(path).then((answer) => answer.status, () => 'no line')", path_of(point))
        assert told == "no line"  # nor is the page itself to a script
        copy_of(page.context, point)


def test_a_right_that_was_withdrawn_takes_the_copy_away_at_the_next_contact(site: Site, point: MeetingPoint) -> None:
    page = opened(site, point)
    with without_a_line(page.context, site.make.app):
        page.reload()
        expect(page.get_by_text(COPY)).to_be_visible()
        press(page, HOA, "Có mặt")
        with site.make.writing() as session:
            session.get_one(MeetingPoint, point.id).host = None
    expect(page.locator("[data-told]")).to_contain_text("Tài khoản đang đăng nhập không phải của điểm cầu này.")
    until(page, f"async () => !(await ({KEPT})()).length")
    with site.make.writing() as session:
        session.get_one(MeetingPoint, point.id).host = site.province.person(HOST).public_id
    open_and_keep(page, point)
    with site.make.writing() as session:
        session.get_one(MeetingPoint, point.id).host = None
    page.goto(path_of(point))
    until(page, f"async () => !(await ({KEPT})()).length")
    with without_a_line(page.context, site.make.app):
        nothing_is_shown(page.context, path_of(point))
    assert said(site, point) == {}


def test_an_answer_that_the_session_has_ended_takes_every_copy_away(site: Site, point: MeetingPoint) -> None:
    page = opened(site, point)
    page.route("**/aids.js*", lambda route: route.abort())  # the worker alone
    with site.make.writing() as session:
        end_all_sessions(session, site.province.person(HOST).id)
    page.goto(path_of(point))
    expect(page.get_by_role("button", name="Đăng nhập", exact=True)).to_be_visible()
    until(page, f"async () => !(await ({KEPT})()).length")


def test_a_copy_ends_with_its_time_and_when_the_clock_of_the_phone_was_moved(site: Site, point: MeetingPoint) -> None:
    page = opened(site, point)
    with without_a_line(page.context, site.make.app):
        copy_of(page.context, point).close()
    for by in (-25 * 3_600_000, 25 * 3_600_000):
        open_and_keep(page, point)
        page.evaluate(AGED, [path_of(point), by])
        with without_a_line(page.context, site.make.app):
            nothing_is_shown(page.context, path_of(point))
        assert page.evaluate(KEPT) == []


def test_what_a_form_changed_is_in_the_copy_and_a_closed_roll_is_kept_no_longer(
    site: Site, point: MeetingPoint
) -> None:
    page = opened(site, point)
    page.get_by_label("Số người đếm được").fill("17")
    page.get_by_role("button", name="Lưu số liệu").click()
    expect(page.get_by_text("Đã ghi số liệu của điểm cầu.")).to_be_visible()
    with without_a_line(page.context, site.make.app):
        copy = copy_of(page.context, point)
        expect(copy.get_by_label("Số người đếm được")).to_have_value("17")
        copy.close()
    page.get_by_role("button", name="Chốt danh sách và báo cáo").click()
    expect(page.get_by_text("Danh sách đã chốt, báo cáo lúc")).to_be_visible()
    until(page, f"async () => !(await ({KEPT})()).length")


def test_on_a_line_that_says_nothing_the_copy_comes_after_seconds(
    site: Site, point: MeetingPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(site, point)
    answering, over = site.make.app.wsgi_app, threading.Event()

    def silent(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == path_of(point):
            over.wait(30)
        return answering(environ, start_response)

    monkeypatch.setattr(site.make.app, "wsgi_app", silent)
    page.reload()
    expect(page.get_by_text(COPY)).to_be_visible()
    over.set()
    monkeypatch.setattr(site.make.app, "wsgi_app", answering)
    press(page, HOA, "Có mặt")
    expect(page.locator("[data-told]")).to_have_text("Đã gửi hết.")
    expect(page.get_by_text("Đã có mạng. Trang này vẫn là bản lưu.")).to_be_visible()


def test_with_a_line_the_page_is_never_the_copy_and_a_new_version_of_the_script_takes_over(
    site: Site, point: MeetingPoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(site, point)
    newer = tmp_path / "worker.js"
    newer.write_text(views.WORKER.read_text("utf-8") + 'caches.open("quan-triet roll newer");', encoding="utf-8")
    monkeypatch.setattr(views, "WORKER", newer)
    with site.make.writing() as session:
        session.get_one(MeetingPoint, point.id).name = "Hội trường mới"
    page.goto(path_of(point))
    expect(page.get_by_role("heading", name="Hội trường mới")).to_be_visible()
    until(page, 'async () => caches.has("quan-triet roll newer")')
    until(page, "async () => !(await navigator.serviceWorker.getRegistration()).waiting")
    with without_a_line(page.context, site.make.app):
        expect(copy_of(page.context, point).get_by_role("heading", name="Hội trường mới")).to_be_visible()
