"""Windows of a real browser, and everything in them that should not happen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, WebError, expect

from tests.axe import until

SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"
PHONE = {"width": 360, "height": 800}
DESK = {"width": 1280, "height": 900}
PATIENCE = 20_000
"""Milliseconds to wait for what must come: a busy machine is slow, and a test that passes never waits so long."""
PICTURES = os.environ.get("LMS_TEST_PICTURES") == "1"
"""Whether pictures are kept, for people to look at: to take one takes longer than to open the page."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

CHARTS_FIT = """() => [...document.querySelectorAll("[data-plot]")].every(
    place => Math.abs(place.querySelector(".main-svg").getBoundingClientRect().width - place.clientWidth) < 2)"""
"""A chart is drawn anew shortly after the window has changed."""


@dataclass
class Windows:
    """Opens windows on the site, each with cookies of its own, and keeps what a person would rightly complain about.

    `troubles` holds errors and warnings of the console, errors of scripts, answers that are the server's fault, and
    every request to another host. Whoever causes one on purpose takes it back with `excuse`.
    """

    browser: Browser
    address: str
    troubles: list[str] = field(default_factory=list)

    def open(self, **options: Any) -> Page:
        """A new window of a browser that has never been here; as wide as a desk unless `viewport` says otherwise."""
        context = self.browser.new_context(
            **{
                "base_url": self.address,
                "viewport": DESK,
                "locale": "vi-VN",
                "timezone_id": "Asia/Ho_Chi_Minh",
                **options,
            }
        )
        context.set_default_timeout(PATIENCE)
        self._watch(context)
        return context.new_page()

    def excuse(self, words: str) -> None:
        """Take back the troubles that contain these words. There must be one, or the excuse is no longer needed."""
        kept = [line for line in self.troubles if words not in line]
        assert len(kept) < len(self.troubles), f"nothing to excuse: no trouble with {words!r} among {self.troubles}"
        self.troubles[:] = kept

    def _watch(self, context: BrowserContext) -> None:
        context.on("console", self._heard)
        context.on("weberror", self._failed)
        context.on("request", self._asked)
        context.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console: {message.text}: {message.location.get('url', '')}")

    def _failed(self, error: WebError) -> None:
        self.troubles.append(f"script: {error.error}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", "blob:")):
            self.troubles.append(f"another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"the server's fault: {response.status}: {response.url}")


def sign_in(page: Page, username: str, password: str) -> None:
    """Fill in the sign-in page as it stands, and wait for the first page."""
    page.get_by_label("Tên đăng nhập").fill(username)
    page.get_by_label("Mật khẩu", exact=True).fill(password)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    expect(page.locator("details.account")).to_be_visible()


@contextmanager
def without_a_line(context: BrowserContext, app: Flask) -> Iterator[None]:
    """Until the block ends no request from these windows is answered.

    The product refuses too: as a page closes, Chromium gives it back the line that Playwright took from it, and the
    page, rightly, sends at once.
    """

    def refused(environ: object, start_response: object) -> NoReturn:
        raise ConnectionResetError("there is no line")  # the server closes the connection without a word

    answering = app.wsgi_app
    context.set_offline(True)
    app.wsgi_app = refused  # type: ignore[method-assign]
    try:
        yield
    finally:
        app.wsgi_app = answering  # type: ignore[method-assign]
        context.set_offline(False)


def shoot(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep pictures of the page as a phone and as a desk show it, under screenshots/; not `whole`: what is in view.

    Whether they are kept or not, charts must fit both.
    """
    charts, before = page.locator(".main-svg").count(), page.viewport_size
    if not (charts or PICTURES):
        return
    for size in (PHONE, DESK):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        if charts:
            until(page, CHARTS_FIT)
        if not PICTURES:
            continue
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}-{size['width']}.jpg"
        page.screenshot(path=path, type="jpeg", quality=85, full_page=whole, animations="disabled")
    if before:
        page.set_viewport_size(before)
