"""A learner, a head, a trainer and an administrator do their work in a real browser, by the words on the pages."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from assessments.attempts.queries import Keyed
from lms import clock
from lms.accounts.session import end_all_sessions
from lms.web.wording import day
from tests.axe import until
from tests.conftest import BACKENDS
from tests.journeys import posting
from tests.journeys.conftest import Site
from tests.journeys.paper import answer_right, question_on
from tests.journeys.province import (
    ADMINISTRATOR,
    DAYS_TO_FINISH,
    HEAD,
    LAST_STEP,
    LEARNER,
    PASSWORD,
    TRAINER,
    due_day,
)
from tests.journeys.windows import PHONE, shoot, sign_in

pytestmark = pytest.mark.chromium

TITLE = "Quán triệt Nghị quyết số 48-NQ/TU về chuyển đổi số tỉnh Tuyên Quang"


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def heading(page: Page, words: str | re.Pattern[str]) -> None:
    """The page is the one with this heading."""
    expect(page.get_by_role("heading", level=1, name=words)).to_be_visible()


def lesson(page: Page, number: int) -> None:
    """The page is the lesson with this number."""
    expect(page.get_by_text(re.compile(rf"^Bài {number}/\d+, khoảng"))).to_be_visible()


def saved(page: Page) -> None:
    """The paper says that answers are with the server."""
    expect(page.get_by_role("status").filter(has_text="Đã lưu lúc")).to_be_visible()


def all_sent(page: Page) -> None:
    """The paper keeps no answer on this machine any more."""
    until(page, "Object.keys(localStorage).length === 0")


def papers(site: Site, username: str) -> list[Keyed]:
    """The questions of the person's last attempt."""
    return site.province.last_paper(username)


def begin_first_test(page: Page) -> None:
    """From the home page to the open paper of the first module's test."""
    page.goto("/courses/nq48/tests/m1-test")
    press(page, "Bắt đầu làm bài")
    page.wait_for_url("**/attempts/*")


def test_a_learner_studies_the_first_module_and_passes_its_test(site: Site) -> None:
    page = site.windows.open(viewport=PHONE)
    page.goto("/")
    heading(page, "Đăng nhập")
    page.get_by_label("Tên đăng nhập").fill(LEARNER)
    page.get_by_label("Mật khẩu", exact=True).fill("khong phai mat khau")
    press(page, "Đăng nhập")
    expect(page.get_by_role("alert")).to_contain_text("Tên đăng nhập hoặc mật khẩu không đúng.")
    expect(page.get_by_label("Tên đăng nhập")).to_have_value(LEARNER)
    site.windows.excuse("422")
    shoot(page, "learner-1-wrong-password")
    sign_in(page, LEARNER, PASSWORD)

    heading(page, "Học tập")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=TITLE))
    expect(card).to_contain_text(f"Hạn hoàn thành: {day(due_day())} (còn {DAYS_TO_FINISH} ngày)")
    shoot(page, "learner-2-home")
    page.get_by_role("link", name=TITLE).click()
    heading(page, TITLE)
    shoot(page, "learner-3-course")
    press(page, "Bắt đầu học")
    read_first_module(page)

    heading(page, "Bài kiểm tra chuyên đề 1")
    shoot(page, "learner-5-test")
    press(page, "Bắt đầu làm bài")
    take_test(site, page)
    heading(page, "Đạt: 10 điểm")
    expect(page.get_by_text("Chưa đúng")).to_have_count(0)
    shoot(page, "learner-8-review")

    page.get_by_role("link", name="Quán triệt", exact=False).first.click()
    heading(page, "Học tập")
    expect(card).to_contain_text(re.compile(r"3/\d+ bài học đã hoàn thành"))
    expect(card).to_contain_text(re.compile(r"1/\d+ bài kiểm tra đã đạt"))
    shoot(page, "learner-9-home")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_learner_finishes_the_course_and_the_head_reads_one_more(site: Site) -> None:
    """Modules 1 to 5 by the forms of their pages, the last one by clicks."""
    head = site.signed_in(HEAD)
    expect(head.locator("dl.numbers")).to_have_text(re.compile(r"Hoàn thành \(C\)\s*3"))
    page = site.signed_in(LEARNER, viewport=PHONE)
    page.get_by_role("button", name="Bắt đầu học").click()
    lesson(page, 1)
    *earlier, last = site.province.outline().modules
    for module in earlier:
        posting.study_module(site, page, LEARNER, module)

    page.goto("/")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=TITLE))
    expect(card).to_contain_text(re.compile(r"5/6 bài kiểm tra đã đạt"))
    page.get_by_role("link", name="Học tiếp").click()
    for one in last.lessons:
        heading(page, one.title)
        press(page, "Tôi đã học xong bài này")
    heading(page, "Bài kiểm tra chuyên đề 6")
    press(page, "Bắt đầu làm bài")
    take_test(site, page)
    heading(page, "Đạt: 10 điểm")
    shoot(page, "learner-10-last-review")
    page.get_by_role("link", name="Về khóa học").first.click()
    heading(page, TITLE)
    done = f"Khóa học đã hoàn thành ngày {day(clock.today())}."
    expect(page.get_by_text(done)).to_be_visible()
    shoot(page, "learner-11-completed")
    page.goto("/")
    expect(card).to_contain_text("Đã học xong 21 bài và đạt 6 bài kiểm tra")

    head.reload()
    expect(head.locator("dl.numbers")).to_have_text(
        re.compile(r"Đã quán triệt \(B\)\s*4.*Hoàn thành \(C\)\s*4", re.DOTALL)
    )
    expect(head.get_by_role("row", name="Chi cục Kiểm lâm")).to_contain_text("66,7\u00a0% (2/3)")


def read_first_module(page: Page) -> None:
    """Lesson after lesson, until what follows is the test."""
    for number in (1, 2, 3):
        lesson(page, number)
        expect(page.get_by_role("heading", name="Thông điệp hành động")).to_be_visible()
        if number == 1:
            shoot(page, "learner-4-lesson")
        press(page, "Tôi đã học xong bài này")


def take_test(site: Site, page: Page) -> None:
    """Answer everything right, come back to what was saved, and hand in."""
    expect(page.get_by_text("Chưa có câu trả lời nào được lưu")).to_be_visible()
    shoot(page, "learner-6-paper")
    paper = papers(site, LEARNER)
    for question in paper:
        answer_right(page, question)
    saved(page)
    all_sent(page)
    page.reload()
    saved(page)
    press(page, "Xem lại và nộp bài")
    expect(page.get_by_text("Đã trả lời tất cả các câu.")).to_be_visible()
    shoot(page, "learner-7-hand-in")
    press(page, "Nộp bài")


def test_a_learner_without_javascript_can_do_all_of_it(site: Site) -> None:
    page = site.signed_in(LEARNER, java_script_enabled=False, viewport=PHONE)
    page.get_by_role("button", name="Bắt đầu học").click()
    lesson(page, 1)
    press(page, "Tôi đã học xong bài này")
    lesson(page, 2)
    begin_first_test(page)
    for question in papers(site, LEARNER):
        answer_right(page, question)
    press(page, "Lưu bài")
    saved(page)
    press(page, "Xem lại và nộp bài")
    shoot(page, "learner-no-script-hand-in")
    press(page, "Nộp bài")
    heading(page, "Đạt: 10 điểm")


def test_answers_given_without_a_network_are_saved_when_it_is_back(site: Site) -> None:
    page = site.signed_in(LEARNER, viewport=PHONE)
    begin_first_test(page)
    first, second, *_ = papers(site, LEARNER)
    page.context.set_offline(True)
    answer_right(page, first)
    expect(page.get_by_role("status")).to_contain_text("đang giữ trên máy này")
    answer_right(page, second)
    shoot(page, "learner-offline", whole=False)
    assert [one.response for one in papers(site, LEARNER)[:2]] == [None, None]
    page.context.set_offline(False)
    saved(page)
    all_sent(page)
    assert all(one.response for one in papers(site, LEARNER)[:2])
    site.windows.excuse("ERR_INTERNET_DISCONNECTED")


def test_answers_given_after_the_session_ended_are_there_after_signing_in_again(site: Site) -> None:
    page = site.signed_in(LEARNER, viewport=PHONE)
    begin_first_test(page)
    first, second, *_ = papers(site, LEARNER)
    answer_right(page, first)
    saved(page)
    with site.make.writing() as session:
        end_all_sessions(session, site.province.person(LEARNER).id)
    answer_right(page, second)
    expect(page.get_by_role("status")).to_contain_text("Phiên đăng nhập đã hết")
    shoot(page, "learner-signed-out", whole=False)
    page.get_by_role("link", name="Đăng nhập lại để gửi").click()
    sign_in(page, LEARNER, PASSWORD)
    saved(page)
    all_sent(page)
    for question in (first, second):
        assert question_on(page, question).locator(":checked:not([value=''])").count() > 0
    assert all(one.response for one in papers(site, LEARNER)[:2])
    site.windows.excuse("40")


def test_a_head_sees_at_once_who_has_learned_what_and_who_is_missing(site: Site) -> None:
    page = site.signed_in(HEAD)
    heading(page, "Sở Nông nghiệp và Phát triển nông thôn")
    figures = page.locator("dl.numbers")
    expect(page.get_by_text("còn 5 trong 8 người phải học chưa được quán triệt")).to_be_visible()
    expect(figures).to_have_text(
        re.compile(r"Phải học \(A\)\s*8.*Đã quán triệt \(B\)\s*3.*Hoàn thành \(C\)\s*3.*Quá hạn\s*0", re.S)
    )

    finish_last_lesson(site)
    page.reload()
    expect(page.get_by_text("còn 4 trong 8 người phải học chưa được quán triệt")).to_be_visible()
    row = page.get_by_role("row", name="Chi cục Thủy lợi")
    expect(row).to_contain_text("66,7\u00a0% (2/3)")
    page.locator("figure.chart").scroll_into_view_if_needed()
    expect(page.locator("figure.chart svg.main-svg").first).to_be_visible()
    shoot(page, "head-1-dashboard")

    page.get_by_role("table").get_by_role("link", name="Chi cục Kiểm lâm").click()
    heading(page, "Chi cục Kiểm lâm")
    shoot(page, "head-2-unit")
    page.get_by_role("link", name="Xem danh sách chưa hoàn thành (2 người)").click()
    heading(page, "Danh sách chưa hoàn thành")
    expect(page.locator("ol.names")).to_contain_text("Lý Thị Hoa")
    expect(page.locator("ol.names")).to_contain_text("Giàng A Páo")
    expect(page.get_by_text("Hoàng Văn Lập")).to_have_count(0)
    shoot(page, "head-3-missing")

    press(page, "English")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("ol.names")).to_contain_text("Lý Thị Hoa")
    shoot(page, "head-4-missing-english")
    press(page, "Tiếng Việt")
    heading(page, "Danh sách chưa hoàn thành")


def finish_last_lesson(site: Site) -> None:
    """Somebody of the agency finishes the last lesson meanwhile."""
    page = site.signed_in(LAST_STEP)
    page.get_by_role("link", name="Học tiếp").click()
    press(page, "Tôi đã học xong bài này")
    heading(page, "Bài kiểm tra chuyên đề 6")


def test_a_trainer_publishes_a_new_version_and_whoever_is_under_way_keeps_the_old_one(site: Site) -> None:
    sentence = "Câu này chỉ có trong bản thứ hai của bài."
    under_way = site.signed_in(LEARNER)
    under_way.get_by_role("button", name="Bắt đầu học").click()
    lesson(under_way, 1)

    page = site.signed_in(TRAINER)
    heading(page, "Biên soạn")
    shoot(page, "trainer-1-shelf")
    page.get_by_role("link", name="Chuyên đề 1:").click()
    shoot(page, "trainer-2-module")
    page.get_by_role("link", name=re.compile("^Bài 1\\. ")).click()
    body = page.get_by_role("textbox", name="Nội dung bài")
    body.fill(f"{body.input_value()}\n{sentence}\n")
    expect(page.locator(".preview")).to_contain_text(sentence)
    shoot(page, "trainer-3-lesson")
    press(page, "Lưu bản nháp")
    expect(page.get_by_text("Đã lưu bản nháp.")).to_be_visible()
    page.get_by_role("link", name="Xem thay đổi và công bố").click()
    heading(page, "Công bố phiên bản mới")
    expect(page.locator("ins")).to_contain_text(sentence)
    page.get_by_label("Ghi chú của phiên bản mới").fill("Thêm một câu ở cuối bài thứ nhất.")
    shoot(page, "trainer-4-publish")
    press(page, "Công bố phiên bản 2")
    expect(page.get_by_text("Đã công bố phiên bản 2.")).to_be_visible()
    shoot(page, "trainer-5-published")

    under_way.reload()
    lesson(under_way, 1)
    expect(under_way.get_by_text(sentence)).to_have_count(0)
    newcomer = site.signed_in("senqt")
    newcomer.get_by_role("button", name="Bắt đầu học").click()
    expect(newcomer.get_by_text(sentence)).to_be_visible()


def test_an_administrator_makes_a_unit_and_a_person_and_assigns_the_course(site: Site) -> None:
    page = site.signed_in(ADMINISTRATOR)
    page.get_by_role("link", name="Quản trị").click()
    shoot(page, "administrator-1-people")
    page.get_by_role("link", name="Đơn vị", exact=True).click()
    shoot(page, "administrator-2-units")
    page.get_by_role("link", name="Thêm đơn vị").click()
    page.get_by_role("searchbox", name="Đơn vị cấp trên").fill("so y te")
    page.get_by_label("Tên đầy đủ").fill("Trung tâm Y tế huyện Na Hang")
    page.get_by_label("Tên gọi tắt").fill("TTYT Na Hang")
    page.get_by_label("Mã đơn vị").fill("syt-nh")
    shoot(page, "administrator-3-new-unit")
    press(page, "Xem trước thay đổi")
    shoot(page, "administrator-4-rehearsal")
    press(page, "Áp dụng")
    expect(page.get_by_role("status")).to_contain_text("Đã ghi nhận: Thành lập")
    expect(page.get_by_role("link", name="Trung tâm Y tế huyện Na Hang")).to_be_visible()

    link = new_person(page)
    fresh = site.windows.open(viewport=PHONE)
    fresh.goto(link)
    fresh.get_by_label("Mật khẩu mới", exact=True).fill("Ba con suoi, 1 dong song")
    fresh.get_by_label("Nhập lại mật khẩu mới").fill("Ba con suoi, 1 dong song")
    shoot(fresh, "newcomer-1-password")
    press(fresh, "Lưu mật khẩu")
    expect(fresh.get_by_text("Đã đặt mật khẩu. Mời đăng nhập.")).to_be_visible()
    sign_in(fresh, "tienct", "Ba con suoi, 1 dong song")
    expect(fresh.get_by_text(f"Hạn hoàn thành: {day(due_day())}")).to_be_visible()

    nearer = clock.today() + timedelta(days=5)
    assign_to_new_unit(page, nearer.isoformat())
    expect(page.get_by_role("row", name="Trung tâm Y tế huyện Na Hang")).to_contain_text(day(nearer))
    shoot(page, "administrator-7-assigned")
    fresh.reload()
    expect(fresh.get_by_text(f"Hạn hoàn thành: {day(nearer)} (còn 5 ngày)")).to_be_visible()
    shoot(fresh, "newcomer-2-home")


def new_person(page: Page) -> str:
    """From the page of units to the one-time link of somebody in the new unit."""
    page.get_by_role("link", name="Cán bộ", exact=True).click()
    page.get_by_role("link", name="Thêm người").click()
    page.get_by_label("Họ và tên").fill("Chẩu Thị Tiên")
    page.get_by_label("Tên đăng nhập").fill("tienct")
    page.get_by_role("searchbox", name="Cơ quan, đơn vị").fill("trung tam y te huyen na hang")
    page.get_by_label("Chức vụ").fill("Điều dưỡng viên")
    shoot(page, "administrator-4-new-person")
    press(page, "Lưu và cấp liên kết")
    heading(page, "Liên kết đặt mật khẩu")
    shoot(page, "administrator-5-link")
    return page.get_by_label("Liên kết, dùng một lần").input_value()


def assign_to_new_unit(page: Page, due: str) -> None:
    """The course for the new unit, by this day."""
    page.get_by_role("link", name="Đã trao xong").click()
    page.get_by_role("link", name="Tổ chức học tập", exact=True).click()
    page.get_by_role("link", name="Giao học", exact=True).click()
    page.get_by_role("link", name="Giao khóa học").click()
    page.get_by_label("Khóa học").select_option(label=TITLE)
    page.get_by_role("searchbox", name="Giao cho").fill("trung tam y te huyen na hang")
    page.get_by_label("Hạn hoàn thành").fill(due)
    shoot(page, "administrator-6-assign")
    press(page, "Xem trước")
    expect(page.get_by_text("Khóa học sẽ được giao cho 1 người.")).to_be_visible()
    press(page, "Giao khóa học")
