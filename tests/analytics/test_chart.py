"""The dashboard in a real Chromium: the chart comes after the table, obeys the policy, and shows names as text."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.axe import until, violations
from tests.make import Make
from tests.served import served

pytestmark = pytest.mark.chromium

HOSTILE = ("<img src=x onerror=alert(1)><b>Sở</b>", "<a href='javascript:f()'>A</a>&lt;", "'\"</script>&amp;%{x}")
CUT = ("<img src=x…", "<a…", HOSTILE[2])
"""What a phone has room for."""

PHONE = 360
LONG = "Ban Quản lý các khu công nghiệp và khu kinh tế cửa khẩu tỉnh Tuyên Quang"


@pytest.fixture
def head(make: Make, tmp_path: Path) -> str:
    """The cookie of a head of a province with hostile names below it, a long one, an empty one and plain ones."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh Tuyên Quang")
    assigned(make, course_id, root, due_in=timedelta(days=-1))
    for number, name in enumerate((*HOSTILE, LONG, "Sở Nông nghiệp và Phát triển nông thôn", *("Sở Y tế",) * 7)):
        staffed(make, course_id, make.unit(name, under=root), Staff(number, 2, 3, 4))
    make.unit("Ban Dân tộc", under=root)
    browser = make.browser(make.person("Nguyễn Thị Hồng Hạnh", role="head", over=root))
    browser.get("/dashboard/")
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    return str(cookie.value)


@contextmanager
def opened(browser: Browser, port: int, cookie: str, faults: list[str], **options: object) -> Iterator[Page]:
    """The dashboard in a window of its own; messages, errors and requests to other hosts are added to `faults`."""
    site = f"http://localhost:{port}"
    context = browser.new_context(locale="vi-VN", **options)  # type: ignore[arg-type]
    context.add_cookies([{"name": "session", "value": cookie, "url": site}])
    page = context.new_page()
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda asked: None if asked.url.startswith((site, "data:", "blob:")) else faults.append(asked.url)
    )
    page.goto(f"{site}/dashboard/")
    yield page
    context.close()


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (1280, "light")])
def test_the_chart_is_drawn_over_the_table_once_it_comes_near(
    app: Flask, head: str, chromium_browser: Browser, width: int, scheme: str
) -> None:
    faults: list[str] = []
    view = {"width": width, "height": 700}
    with served(app) as port, opened(chromium_browser, port, head, faults, viewport=view, color_scheme=scheme) as page:
        page.wait_for_load_state("networkidle")
        assert page.locator("svg.main-svg").count() == 0
        assert "plotly" not in page.content().split("<figure")[0]
        assert page.locator(".unit-table tbody tr").count() == 12
        page.locator("figure.chart").scroll_into_view_if_needed()
        page.locator("[data-save=png]").wait_for()
        drawn = page.locator("[data-plot]").inner_text()
        names = HOSTILE if width > PHONE else CUT
        assert [name for name in names if name not in drawn] == [], drawn
        assert ("Sở Nông nghiệp và Phát triển nông thôn" in drawn) == (width > PHONE)
        assert "Ban Dân tộc" not in drawn
        assert page.locator("figure.chart :is(img, b, a, script)").count() == 0
        assert page.title().startswith("Tỉnh Tuyên Quang")
        ink = page.evaluate("getComputedStyle(document.body).color")
        assert page.locator(".annotation-text").first.evaluate("one => getComputedStyle(one).fill") == ink
        page.locator("[data-plot] .trace.bars").nth(1).locator(".point").nth(2).hover(force=True)
        expect(page.locator(".hoverlayer")).to_contain_text(HOSTILE[2])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []
        with page.expect_download() as download:
            page.locator("[data-save=png]").click()
        assert download.value.suggested_filename.endswith(".png")
    assert faults == []


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_page_of_charts_draws_each_over_its_table_and_saves_it(
    app: Flask, head: str, chromium_browser: Browser
) -> None:
    faults: list[str] = []
    view = {"width": PHONE, "height": 700}
    with served(app) as port, opened(chromium_browser, port, head, faults, viewport=view) as page:
        page.goto(f"{page.url.split('?')[0]}/charts")
        about = page.locator(".course-line").inner_text().removeprefix("Khóa học: ").replace("\u00a0", " ")
        for code in ("progress", "units", "modules", "scores"):
            chart = page.locator(f"[data-picture][aria-labelledby={code}]")
            chart.locator("h2").scroll_into_view_if_needed()
            chart.locator("svg.main-svg").first.wait_for()
            for kind in ("png", "svg"):
                with page.expect_download() as download:
                    chart.locator(f"[data-save={kind}]").click()
                assert download.value.suggested_filename.endswith(f".{kind}")
                assert download.value.path().stat().st_size > 5_000
            drawn = download.value.path().read_text(encoding="utf-8").replace("\u00a0", " ")
            assert [told for told in ("Tỉnh Tuyên Quang", about, "Số liệu lúc") if told not in drawn] == [], code
            chart.locator("summary").click()
            assert chart.locator("tbody tr").first.is_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), code
        assert page.locator("[data-picture] :is(img, a:not([href]), script)").count() == 0
        assert violations(page) == []
    assert faults == []


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_chart_follows_the_scheme_of_the_screen(app: Flask, head: str, chromium_browser: Browser) -> None:
    faults: list[str] = []
    with served(app) as port, opened(chromium_browser, port, head, faults, color_scheme="light") as page:
        page.locator("figure.chart").scroll_into_view_if_needed()
        page.locator("[data-save=png]").wait_for()
        text = page.locator(".annotation-text").first
        light = text.evaluate("one => getComputedStyle(one).fill")
        page.emulate_media(color_scheme="dark")
        until(page, "before => getComputedStyle(document.querySelector('.annotation-text')).fill !== before", light)
        assert text.evaluate("one => getComputedStyle(one).fill") == page.evaluate(
            "getComputedStyle(document.body).color"
        )
    assert faults == []


@pytest.mark.parametrize("backend", ["sqlite"])
def test_without_scripts_the_table_says_it_all_and_no_empty_chart_is_left(
    app: Flask, head: str, chromium_browser: Browser
) -> None:
    faults: list[str] = []
    with served(app) as port, opened(chromium_browser, port, head, faults, java_script_enabled=False) as page:
        assert page.locator(".unit-table tbody tr").count() == 12
        assert not page.locator("figure.chart").is_visible()
        assert page.get_by_text("Đến ", exact=False).first.is_visible()
        assert not page.locator("[data-copy]").is_visible()
    assert faults == []


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_finger_on_the_chart_scrolls_the_page(app: Flask, head: str, chromium_browser: Browser) -> None:
    faults: list[str] = []
    phone = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
    with served(app) as port, opened(chromium_browser, port, head, faults, **phone) as page:
        page.locator("figure.chart").scroll_into_view_if_needed()
        page.locator("[data-save=png]").wait_for()
        page.locator("[data-plot]").evaluate("one => one.scrollIntoView({block: 'start', behavior: 'instant'})")
        before = page.evaluate("scrollY")
        finger = page.context.new_cdp_session(page)
        for _swipe in range(8):  # a browser that is busy may drop a touch: a person would swipe again
            for step in range(12):
                kind = "touchMove" if step else "touchStart"
                point = {"x": 180, "y": 200 + 15 * step}
                finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
            finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
            if page.evaluate("before => scrollY < before - 100", before):
                break
        until(page, "before => scrollY < before - 100", before)
    assert faults == []
