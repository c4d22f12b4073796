"""What the journeys rely on: trouble in a window is noticed, and so are faults of a page."""

import pytest
from playwright.sync_api import Error

from tests.journeys.conftest import Site
from tests.journeys.test_accessibility import faults

pytestmark = pytest.mark.chromium


SPOIL = """() => {
    const wide = document.createElement("img");
    wide.style.minWidth = "2000px";
    document.querySelector("main").append(document.createElement("h1"), wide);
}"""


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
