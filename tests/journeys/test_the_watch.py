"""What the journeys rely on: trouble in a window is noticed, and so are faults of a page."""

import pytest
from playwright.sync_api import Error

from tests.journeys.conftest import Site
from tests.journeys.looks import faults

pytestmark = pytest.mark.chromium


SPOIL = """() => {
    const wide = document.createElement("img");
    wide.style.minWidth = "2000px";
    document.querySelector("main").append(document.createElement("h1"), wide);
}"""
FAULTY = """() => {
    const main = document.querySelector("main");
    main.insertAdjacentHTML("beforeend", `
        <h5>Dưới tiêu đề cấp một</h5>
        <input class="nameless">
        <p class="dim">Chữ mờ trên nền tối</p>
        <p class="pale">Chữ mờ trên nền sáng, ở màn hình rộng</p>
        <p><button class="small">a</button><button class="small">b</button></p>
        <p id="twice">Một</p><p id="twice">Hai</p>
        <img class="desk" src="">`);
    const sheet = document.styleSheets[0], rule = text => sheet.insertRule(text, sheet.cssRules.length);
    rule("@media (prefers-color-scheme: dark) { .dim { color: #333; background: #222 } }");
    rule("@media (prefers-color-scheme: light) and (min-width: 1000px) { .pale { color: #ddd; background: #eee } }");
    rule("@media (max-width: 400px) { .small { all: unset; display: inline-block; width: 9px; height: 9px } }");
    rule(".desk { display: none }");
    rule("@media (min-width: 1000px) { .desk { display: block } }");
}"""
"""Faults of which some stand in one look only, on a page each other element of which has been looked at before."""
EACH = {
    "heading-order": {"360 px, light"},
    "label": {"360 px, light"},
    "['twice']": {"ids of several elements"},
    "target-size": {"360 px, light"},
    "image-alt": {"1280 px, dark"},
    ".dim": {"360 px, dark", "1280 px, dark"},
    ".pale": {"1280 px, light"},
}
"""In which looks each is found first, and by what word."""


def test_errors_and_requests_to_other_hosts_are_noticed(site: Site) -> None:
    page = site.windows.open()
    page.goto("/sign-in")
    assert site.windows.troubles == []
    with page.expect_event("pageerror"):
        page.evaluate("console.error('a complaint'); setTimeout(() => { throw new Error('a slip') })")
    with pytest.raises(Error, match="net::ERR"):
        page.goto("http://127.0.0.2:9/elsewhere")
    for words in ("console: a complaint", "script: a slip", "another host: http://127.0.0.2:9/elsewhere"):
        site.windows.excuse(words)
    with pytest.raises(AssertionError, match="nothing to excuse"):
        site.windows.excuse("a complaint")
    site.windows.troubles.clear()


def test_a_spoilt_page_has_faults(site: Site) -> None:
    page = site.windows.open()
    page.goto("/sign-in")
    page.evaluate(SPOIL)
    found = "\n".join(faults(page))
    assert "2 headings of level 1" in found
    assert "scrolls sideways at 320 px" in found
    assert "image-alt" in found


def test_each_fault_is_found_in_the_look_in_which_it_stands(site: Site) -> None:
    page = site.windows.open()
    page.goto("/sign-in")
    assert faults(page) == []
    page.evaluate(FAULTY)
    found = faults(page)
    looks = {word: {line[: line.index(":")] for line in found if word in line} for word in EACH}
    assert {word: sorted(looks[word]) for word in EACH if not looks[word] >= EACH[word]} == {}
    assert looks[".pale"] == {"1280 px, light"}
    assert looks["target-size"] == {"360 px, light"}
