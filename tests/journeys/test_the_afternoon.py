"""The whole afternoon: a briefing is opened, rolls are taken, who was away makes it up, figures go upward."""

import re
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect
from sqlalchemy import select

from courses.certificates.models import Certificate
from courses.certificates.queries import printed
from courses.certificates.rules import grouped
from lms import clock
from lms.accounts.models import Person
from tests.journeys.conftest import Site
from tests.journeys.paper import answer_right
from tests.journeys.province import ADMINISTRATOR, HEAD, LAST_STEP, LEARNER, PASSWORD, PEOPLE, UNITS, due_day
from tests.journeys.windows import shoot, without_a_line

pytestmark = pytest.mark.chromium

PHONE: ViewportSize = {"width": 360, "height": 740}
CODE, TITLE, SITTING = "nq48-dot-1", "Học tập, quán triệt Nghị quyết 48 toàn tỉnh", "Hội nghị trực tuyến toàn tỉnh"
FORESTRY, WATER, HEALTH = "Chi cục Kiểm lâm", "Chi cục Thủy lợi", "Sở Y tế"
HOSTS = {FORESTRY: "laphv", WATER: "nhungvt", HEALTH: "thanhlv"}
AGENCY, PROVINCE_HEAD, BY_CODE = "snn", "chutich", "senqt"
PROMISE = "Tôi sẽ số hóa hồ sơ hồ đập, trả kết quả đúng hẹn và hướng dẫn bà con nộp hồ sơ qua mạng."
ISSUER = "Ban Tuyên giáo và Dân vận Tỉnh ủy"


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def of(page: Page, role: Literal["button", "link"], words: str, whose: str) -> Locator:
    """The link or button of these words that is about this person or thing, as who does not see it hears it."""
    return page.get_by_role(role, name=re.compile(f"^{re.escape(words)}.*{re.escape(whose)}"))


def told(page: Page, words: str) -> None:
    """The page says so."""
    expect(page.get_by_text(words)).to_be_visible()


def test_an_afternoon_from_the_opening_of_the_briefing_to_the_certificate_that_is_checked(site: Site) -> None:
    tinh = site.province.unit("tinh")
    site.make.person("Ma Thế Chủ", unit=tinh, role="head", over=tinh, username=PROVINCE_HEAD, password=PASSWORD)
    organiser = site.signed_in(ADMINISTRATOR)
    open_briefing(organiser)
    gather(organiser)
    what_follows(organiser)
    take_rolls(site)
    board_is_complete(organiser)
    absent = site.signed_in(LAST_STEP, viewport=PHONE)
    make_up(site, absent)
    head = site.signed_in(HEAD)
    dashboard = head.context.new_page()
    dashboard.goto(f"/dashboard/units/{site.province.unit(AGENCY).public_id}?briefing={CODE}")
    numbers = dashboard.locator("dl.numbers")
    expect(numbers).to_have_text(re.compile(r"\(A\)\s*8.*\(B\)\s*7.*\(C\)\s*0.*Quá hạn\s*0", re.DOTALL))
    accept_reflection(head)
    dashboard.reload(wait_until="domcontentloaded")  # once: what has been stated is in the figures at once
    expect(numbers).to_have_text(re.compile(r"\(B\)\s*7.*\(C\)\s*1", re.DOTALL))
    shoot(dashboard, "afternoon-3-dashboard")
    report_upward(site, head)
    check_certificate(site, absent)


def open_briefing(page: Page) -> None:
    """What is asked, and of whom, by when."""
    page.goto("/briefings")
    page.get_by_role("link", name="Mở đợt mới").click()
    page.get_by_label("Tên đợt").fill(TITLE)
    page.get_by_label("Mã đợt").fill(CODE)
    page.get_by_label("Văn bản được quán triệt").fill("Nghị quyết số 48-NQ/TU")
    page.get_by_label("Hoàn thành (C) cần bài thu hoạch đạt").check()
    press(page, "Mở đợt")
    page.get_by_role("link", name="Giao cho các đơn vị").click()
    page.get_by_role("searchbox", name="Giao cho").fill("tinh tuyen quang")
    page.get_by_label("Ngày hết hạn").fill(due_day().isoformat())
    press(page, "Xem trước")
    press(page, "Giao")
    told(page, "Phải học (A)")


def gather(page: Page) -> None:
    """A sitting that begins now, a point of each of three units, and who takes its roll."""
    page.goto(f"/meetings/new?briefing={CODE}")
    now = clock.now().astimezone(clock.VIETNAM)
    begun = max(now - timedelta(minutes=5), now.replace(hour=0, minute=0))
    page.get_by_label("Tên hội nghị hoặc lớp").fill(SITTING)
    page.get_by_label("Ngày", exact=True).fill(now.date().isoformat())
    page.get_by_label("Bắt đầu").fill(f"{begun:%H:%M}")
    page.get_by_label("Kết thúc").fill("23h59")
    press(page, "Lưu")
    for above, units in (("", [HEALTH]), ("Sở Nông nghiệp", [FORESTRY, WATER])):
        page.get_by_role("link", name="Thêm nhiều điểm cầu").click()
        if above:
            choice = page.get_by_label("Các đơn vị trực thuộc của")
            choice.select_option(choice.locator("option", has_text=above).get_attribute("value"))
            press(page, "Hiện")
        for unit in units:
            page.get_by_label(unit, exact=True).check()
        press(page, "Thêm điểm cầu")
    for unit, host in HOSTS.items():
        of(page, "link", "Người điểm danh", unit).click()
        page.get_by_label("Tìm theo tên").fill(PEOPLE[host].name)
        press(page, "Tìm")
        of(page, "button", "Cử", PEOPLE[host].name).click()
        told(page, "Đã cử người chủ trì điểm cầu.")


def what_follows(page: Page) -> None:
    """The question of the reflection, and in whose name certificates are given."""
    page.goto(f"/reflection-questions/{CODE}")
    page.get_by_label("Câu hỏi 1").fill("Đồng chí sẽ làm gì để góp phần chuyển đổi số ở cơ quan mình?")
    page.get_by_label("Ít nhất (chữ)").first.fill("10")
    press(page, "Lưu câu hỏi")
    page.goto(f"/certificates-issued/rules/{CODE}")
    page.get_by_label("Cơ quan cấp").fill(ISSUER)
    press(page, "Lưu")


def take_rolls(site: Site) -> None:
    """Three hosts on telephones at once: one without a line for a while, one by the code, one by hand."""
    pages = {}
    for unit, host in HOSTS.items():
        pages[unit] = page = site.signed_in(host, viewport=PHONE)
        page.goto("/meetings/mine")
        page.get_by_role("link", name=unit).click()
        expect(page.get_by_role("heading", level=1, name=unit)).to_be_visible()
    lost, showing, by_hand = pages.values()
    mark(lost, PEOPLE["paogl"].name, "Có mặt")
    sent(lost)
    with without_a_line(lost.context, site.make.app):
        mark(lost, PEOPLE[LEARNER].name, "Đến muộn")
        mark(lost, PEOPLE[HOSTS[FORESTRY]].name, "Có mặt")
        expect(lost.locator("[data-told]")).to_contain_text("2 người đã điểm danh đang giữ trên máy này")
        shoot(lost, "afternoon-1-without-a-line")
    sent(lost)
    mark(showing, PEOPLE[LAST_STEP].name, "Vắng có lý do")
    sent(showing)
    check_in_by_code(site, showing)
    mark(by_hand, PEOPLE["maibt"].name, "Vắng không lý do")
    sent(by_hand)
    for page, heads in ((lost, "3"), (showing, "2"), (by_hand, "2")):
        if page is not lost:
            press(page, "Tất cả người còn lại có mặt")
        page.get_by_label("Số người đếm được").fill(heads)
        press(page, "Lưu số liệu")
        press(page, "Chốt danh sách và báo cáo")
        told(page, "Danh sách đã chốt, báo cáo lúc")
    site.windows.excuse("ERR_INTERNET_DISCONNECTED")


def mark(page: Page, name: str, words: str) -> None:
    page.locator("#roll li", has_text=name).get_by_role("button", name=words).click()


def sent(page: Page) -> None:
    """Whatever was marked on this telephone is with the server."""
    expect(page.locator("[data-told]")).to_have_text("Đã gửi hết.")


def check_in_by_code(site: Site, screen: Page) -> None:
    """Somebody types the digits that a host shows; the host is back at the roll."""
    roll = screen.url
    screen.get_by_role("link", name="Mã điểm danh (QR)").click()
    press(screen, "Mở mã điểm danh")
    digits = re.sub(r"\D", "", screen.locator(".code-box__digits").inner_text())
    learner = site.signed_in(BY_CODE, viewport=PHONE)
    learner.goto("/meetings/mine")
    learner.get_by_label("Mã điểm danh (8 chữ số)").fill(digits)
    press(learner, "Ghi có mặt")
    told(learner, f"Đã điểm danh tại {WATER}: Có mặt.")
    screen.goto(roll)
    expect(screen.locator("#roll li", has_text=PEOPLE[BY_CODE].name)).to_contain_text("Có mặt")


def board_is_complete(page: Page) -> None:
    """The organiser sees every point on one screen."""
    page.goto("/meetings")
    page.get_by_role("link", name=SITTING).click()
    told(page, "3 trong 3 điểm cầu đã báo cáo, 0 điểm số liệu chưa khớp")
    shoot(page, "afternoon-2-board")


def make_up(site: Site, page: Page) -> None:
    """Who was away reads the last lesson, passes its test and hands in the reflection."""
    page.get_by_role("link", name="Học tiếp").first.click()
    press(page, "Tôi đã học xong bài này")
    press(page, "Bắt đầu làm bài")
    page.wait_for_url("**/attempts/*")
    for question in site.province.last_paper(LAST_STEP):
        answer_right(page, question)
    expect(page.get_by_role("status").filter(has_text="Đã lưu lúc")).to_be_visible()
    press(page, "Xem lại và nộp bài")
    press(page, "Nộp bài")
    told(page, "Đạt: 10 điểm")
    page.goto("/reflections")
    of(page, "link", "Viết bài", TITLE).click()
    page.get_by_label("Câu 1.").fill(PROMISE)
    press(page, "Xem lại và nộp bài")
    press(page, "Nộp bài")
    told(page, "Đã nộp bài thu hoạch")


def accept_reflection(page: Page) -> None:
    """The head of the agency reads what was written, and it is enough."""
    page.goto("/reflections-to-read")
    of(page, "link", "Đọc và chấm", PEOPLE[LAST_STEP].name).click()
    page.get_by_label("Nhận xét").fill("Việc làm cụ thể, rõ thời hạn.")
    press(page, "Đạt")
    told(page, "Đã chấm đạt.")


def report_upward(site: Site, page: Page) -> None:
    """The head adds what no machine knows and sends; the head of the province accepts."""
    page.goto(f"/reports/units/{site.province.unit(AGENCY).public_id}?briefing={CODE}")
    page.get_by_label("Chương trình, kế hoạch hành động đã ban hành").fill("15-CTr/ĐU, 02/12/2026")
    press(page, "Lưu phần nhập")
    press(page, "Gửi báo cáo")
    told(page, f"Đã gửi báo cáo đến {UNITS['tinh'][0]}")
    above = site.signed_in(PROVINCE_HEAD)
    above.goto("/reports")
    above.get_by_role("link", name=UNITS[AGENCY][0]).first.click()
    told(above, "15-CTr/ĐU, 02/12/2026")
    shoot(above, "afternoon-4-report")
    press(above, "Xác nhận số liệu")
    told(above, "Đã xác nhận số liệu")
    page.reload()
    expect(page.get_by_text("Đã xác nhận")).to_be_visible()


def check_certificate(site: Site, owner: Page) -> None:
    """It is there at once; a stranger checks what is printed on it, and a letter changed finds nothing."""
    owner.goto("/certificates")
    with owner.expect_download() as saved:
        owner.get_by_role("link", name="Tải giấy chứng nhận (PDF)").click()
    assert saved.value.path().read_bytes().startswith(b"%PDF")
    with site.make.reading() as session:
        one = session.scalars(select(Certificate)).one()
        paper = printed(session, one, session.get_one(Person, one.person_id))
    assert paper is not None
    visitor, code = site.windows.open(viewport=PHONE), paper.code
    visitor.goto("/certificates/check")
    for typed in (("3" if code[0] != "3" else "4") + code[1:], code):
        visitor.get_by_label("Số").fill(grouped(paper.number))
        visitor.get_by_label("Mã xác thực").fill(typed)
        press(visitor, "Kiểm tra")
        if typed != code:
            told(visitor, "Không có giấy chứng nhận nào có số và mã này.")
    told(visitor, "Giấy này do hệ thống cấp và còn giá trị")
    for words in (PEOPLE[LAST_STEP].name, TITLE, ISSUER, WATER):
        told(visitor, words)
    site.windows.excuse("404")
