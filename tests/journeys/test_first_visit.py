"""What a browser that has never been here fetches, counted by the browser itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import Site
from tests.journeys.province import COURSE, HEAD, LAST_STEP

pytestmark = pytest.mark.chromium

MOST_BYTES = 60_000
MOST_REQUESTS = 6


@dataclass
class Fetched:
    """What came over the line, as the network counts it: compressed, with headers."""

    addresses: list[str] = field(default_factory=list)
    size: int = 0


@contextmanager
def fetching(page: Page) -> Iterator[Fetched]:
    """Counts what the page fetches in this block."""
    fetched = Fetched()

    def asked(event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            fetched.addresses.append(event["request"]["url"])

    def came(event: dict[str, Any]) -> None:
        fetched.size += int(event["encodedDataLength"])

    session = page.context.new_cdp_session(page)
    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", came)
    session.send("Network.enable")
    yield fetched
    session.detach()


def first_visit(site: Site, username: str) -> Page:
    """A window with an empty cache, already signed in: what is measured is one page."""
    state = site.signed_in(username).context.storage_state()
    return site.windows.open(storage_state=state)


def test_the_first_visit_of_a_lesson_is_small(site: Site) -> None:
    page = first_visit(site, LAST_STEP)
    with fetching(page) as fetched:
        page.goto(f"/courses/{COURSE}/lessons/m2-1", wait_until="networkidle")
    expect(page.get_by_role("heading", name="Thông điệp hành động")).to_be_visible()
    assert len(fetched.addresses) <= MOST_REQUESTS, fetched
    assert 5_000 < fetched.size <= MOST_BYTES, fetched
    assert all(address.startswith(site.address) for address in fetched.addresses)


def test_a_dashboard_can_be_read_before_its_chart_is_fetched(site: Site) -> None:
    page = first_visit(site, HEAD)
    held: list[Route] = []
    page.route("**/plotly*", lambda route: held.append(route))
    figure = page.locator("figure.chart")
    with fetching(page) as fetched, page.expect_request("**/plotly*"):
        page.goto("/dashboard/")
        figure.scroll_into_view_if_needed()
    expect(page.get_by_role("row", name="Chi cục Kiểm lâm")).to_contain_text("1/3")
    expect(page.locator("dl.numbers")).to_contain_text("Phải học (A)")
    assert len(fetched.addresses) - len(held) <= MOST_REQUESTS, fetched
    assert 5_000 < fetched.size <= MOST_BYTES, fetched
    held[0].abort()
    expect(figure).to_be_hidden()
    expect(page.get_by_role("row", name="Chi cục Kiểm lâm")).to_be_visible()
    site.windows.excuse("ERR_FAILED")
