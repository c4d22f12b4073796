"""The box over a list of units: what it finds, and that it chooses nothing which was not asked for."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.make import Make
from tests.served import served

pytestmark = pytest.mark.chromium

SHOWN = "select => [...select.options].map(one => one.text.trim() + (one.disabled ? ' (above)' : ''))"
CHOSEN = "select => select.selectedOptions[0]?.text.trim() ?? ''"


@pytest.fixture
def backend() -> str:
    """A script in a page knows nothing of the database behind it: one is enough."""
    return "sqlite"


@pytest.fixture
def page(make: Make, chromium_browser: Browser) -> Iterator[Page]:
    """The form for a new person, before an administrator, on a small phone."""
    province = make.unit("Tỉnh Tuyên Quang")
    make.unit("Trung tâm Bồi dưỡng nghiệp vụ, Sở Giáo dục yêu cầu tế nhị", under=province)
    make.unit("Văn phòng Ủy ban", under=province)
    health = make.unit("Sở Y tế", under=province)
    make.unit("Bệnh viện (Y học cổ truyền)", under=health)
    make.unit("Sở Xây dựng", under=province)
    browser = make.browser(make.person(role="administrator"))
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    with served(make.app) as port:
        context = chromium_browser.new_context(
            base_url=f"http://127.0.0.1:{port}", viewport={"width": 360, "height": 740}
        )
        context.add_cookies([{"name": "session", "value": cookie.value, "domain": "127.0.0.1", "path": "/"}])
        page = context.new_page()
        page.goto("/people/new")
        yield page
        context.close()


def test_words_are_found_by_their_beginnings_and_phrases_come_first(page: Page) -> None:
    box, units = page.locator('[type="search"]').first, page.locator("select#unit")
    box.fill("so y te")
    assert units.evaluate(SHOWN) == [
        "Tỉnh Tuyên Quang (above)",
        "Sở Y tế",
        "Trung tâm Bồi dưỡng nghiệp vụ, Sở Giáo dục yêu cầu tế nhị",
    ]
    assert units.evaluate(CHOSEN) == ""
    assert units.evaluate("select => select.size") == 3
    box.fill("y hoc")  # behind a bracket, and "Ủy" does not begin with it
    assert units.evaluate(SHOWN) == ["Tỉnh Tuyên Quang (above)", "Sở Y tế (above)", "Bệnh viện (Y học cổ truyền)"]


def test_a_unit_is_chosen_by_itself_only_when_it_alone_fits(page: Page) -> None:
    box, units = page.locator('[type="search"]').first, page.locator("select#unit")
    box.fill("so xay")
    assert units.evaluate(CHOSEN) == "Sở Xây dựng"
    box.fill("so")
    assert units.evaluate(CHOSEN) == ""
    units.select_option(label="\u2003Sở Y tế")
    box.fill("so y")
    assert units.evaluate(CHOSEN) == "Sở Y tế"  # what somebody chose stays chosen while it fits
    box.fill("van phong u")
    assert units.evaluate(CHOSEN) == "Văn phòng Ủy ban"
    box.fill("không có đơn vị nào như thế")
    assert units.evaluate(SHOWN) == []
    box.fill("")
    assert units.evaluate("select => select.options.length") == 7
    assert units.evaluate("select => [...select.options].filter(one => one.disabled).length") == 0
    assert units.evaluate(CHOSEN) == "Sở Y tế"


def test_people_are_offered_below_the_box_while_their_name_is_typed(make: Make, page: Page) -> None:
    make.person("Đỗ Thị Hoà")
    page.goto("/people")
    page.locator("#q").type("do hoa")
    offered = page.get_by_role("list", name="Người khớp").get_by_role("link")
    expect(offered).to_have_text(["Đỗ Thị Hoà"])
    page.locator("#q").fill("không ai")
    expect(page.get_by_role("status")).to_have_text("Không có ai khớp.")
    page.locator("#q").fill("đỗ thị")
    offered.click()
    expect(page.locator("h1")).to_have_text("Đỗ Thị Hoà")
