"""Small aids of the pages: a password shown, a sentence copied, a header and tabs that leave a phone its screen."""

import json
from itertools import pairwise

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.journeys.conftest import Site
from tests.journeys.province import ADMINISTRATOR, HEAD, LEARNER

pytestmark = pytest.mark.chromium

PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}


def test_a_password_can_be_shown_while_it_is_typed(site: Site) -> None:
    page = site.windows.open()
    page.goto("/sign-in")
    password = page.get_by_label("Mật khẩu", exact=True)
    password.fill("quan triet")
    button = page.get_by_role("button", name="Hiện mật khẩu")
    button.click()
    expect(password).to_have_attribute("type", "text")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(password).to_have_attribute("type", "password")


def test_without_scripts_nothing_is_offered_that_needs_one(site: Site) -> None:
    page = site.windows.open(java_script_enabled=False)
    page.goto("/sign-in")
    expect(page.get_by_role("button", name="Hiện mật khẩu")).to_have_count(0)
    expect(page.get_by_role("button", name="Đăng nhập")).to_be_visible()


def test_the_sentence_for_a_report_is_copied_with_all_its_figures(site: Site) -> None:
    page = site.signed_in(HEAD, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Chép câu này").click()
    expect(page.get_by_role("status").filter(has_text="Đã chép.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Đến ")
    assert "cán bộ, đảng viên được học tập, quán triệt Nghị quyết số 48-NQ/TU" in copied


def test_a_statement_is_copied_whole_and_the_button_says_so(site: Site) -> None:
    page = site.signed_in(ADMINISTRATOR, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/records?names=1")
    page.locator("a.task__link").first.click()
    button = page.get_by_role("button", name="Chép", exact=True)
    button.click()
    expect(page.get_by_role("button", name="Đã chép")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#json").input_value()
    assert json.loads(copied)["id"] == page.url.rpartition("/")[2].partition("?")[0]


@pytest.mark.parametrize("username", [LEARNER, HEAD, ADMINISTRATOR])
def test_on_a_phone_the_header_is_one_row_and_all_of_it_can_be_tapped(site: Site, username: str) -> None:
    page = site.signed_in(username)
    page.set_viewport_size(PHONE)
    bar = page.locator(".site-header__bar").bounding_box()
    assert bar is not None
    assert bar["height"] <= 57
    page.locator("details.account > summary").click()
    expect(page.get_by_role("button", name="Đăng xuất")).to_be_visible()
    for one in page.locator(".site-header :is(a, summary, button)").all():
        box = one.bounding_box()
        assert not box or not box["height"] or box["height"] >= 44, one.inner_text()


def test_on_a_phone_the_tabs_of_administration_are_one_line_that_names_this_page(site: Site) -> None:
    page = site.signed_in(ADMINISTRATOR, java_script_enabled=False)
    page.set_viewport_size(PHONE)
    page.goto("/people")
    pages = page.get_by_role("navigation", name="Mục trong phần này")
    fold, tabs = pages.locator("summary"), pages.get_by_role("link")
    expect(fold).to_have_text("Mục: Cán bộ")
    expect(tabs).to_have_count(0)
    box = pages.bounding_box()
    assert box is not None
    assert box["height"] <= 80
    fold.click()
    shown = tabs.all()
    assert len(shown) > 4
    for one in shown:
        found = one.bounding_box()
        assert found is not None
        assert found["height"] >= 44, one.inner_text()
    tabs.get_by_text("Nhật ký hệ thống").click()
    expect(fold).to_have_text("Mục: Nhật ký hệ thống")
    page.set_viewport_size(DESK)
    expect(fold).not_to_be_visible()
    expect(tabs).to_have_count(len(shown))
    expect(pages.get_by_role("link", name="Nhật ký hệ thống")).to_have_attribute("aria-current", "page")


def test_on_a_phone_who_saw_my_name_is_read_line_by_line(site: Site) -> None:
    page = site.signed_in(ADMINISTRATOR)
    page.goto(f"/people/{site.province.person(LEARNER).public_id}")
    page = site.signed_in(LEARNER)
    page.set_viewport_size(PHONE)
    page.goto("/my-data/seen")
    seen = page.locator("table.rows > tbody > tr").first
    expect(seen.locator("th")).to_contain_text(site.province.person(ADMINISTRATOR).full_name)
    boxes = [one.bounding_box() for one in seen.locator("th, td").all()]
    assert len(boxes) == 5
    for above, below in pairwise(boxes):
        assert above is not None
        assert below is not None
        assert above["y"] + above["height"] <= below["y"] + 1, "nothing stands beside anything else"
        assert above["x"] == below["x"]


def test_the_first_screen_of_a_head_on_a_phone_holds_the_answer_and_four_numbers(site: Site) -> None:
    page = site.signed_in(HEAD)
    page.set_viewport_size(PHONE)
    page.goto("/dashboard/")
    expect(page.get_by_text("người phải học chưa được quán triệt")).to_be_in_viewport(ratio=1)
    for number in page.locator("dl.numbers .number__value").all():
        expect(number).to_be_in_viewport(ratio=1)
