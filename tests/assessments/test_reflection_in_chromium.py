"""The script of a reflection in a real browser: what is written outlives network and session, and is nobody else's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lms.accounts.models import Person
from lms.accounts.session import end_all_sessions
from tests.assessments.test_reflections import Scene, set_up
from tests.journeys.windows import without_a_line
from tests.kept import kept
from tests.make import Make
from tests.served import served

pytestmark = pytest.mark.chromium
KEPT = "Object.keys(localStorage).filter(name => name.startsWith('quan-triet')).length"


@pytest.fixture
def backend() -> str:
    """A script in a page knows nothing of the database behind it: one is enough."""
    return "sqlite"


@pytest.fixture
def scene(make: Make, tmp_path: Path) -> Scene:
    return kept(make, tmp_path, set_up)


@pytest.fixture
def context(app: Flask, chromium_browser: Browser) -> Iterator[BrowserContext]:
    with served(app) as port:
        context = chromium_browser.new_context(base_url=f"http://127.0.0.1:{port}")
        yield context
        context.close()


def sign_in(scene: Scene, context: BrowserContext, person: Person) -> None:
    """Give the browser a session of this person."""
    cookie = scene.make.browser(person).client.get_cookie("session")
    assert cookie is not None
    context.add_cookies([{"name": "session", "value": cookie.value, "domain": "127.0.0.1", "path": "/"}])


def says(page: Page, text: str) -> None:
    expect(page.locator("[data-saved]")).to_contain_text(text)


def test_what_is_written_outlives_the_network_and_the_session_and_is_nobody_elses(
    scene: Scene, context: BrowserContext
) -> None:
    sign_in(scene, context, scene.writer)
    page = context.new_page()
    page.goto(f"/reflections/{scene.code}")
    answer = page.locator("#answer-1")
    answer.fill("Viết khi có mạng.")
    says(page, "Đã lưu lúc")
    assert page.evaluate(KEPT) == 0
    context.set_offline(True)
    answer.fill("Viết khi mất mạng.")
    says(page, "Chưa có mạng")
    context.set_offline(False)
    says(page, "Đã lưu lúc")
    assert scene.reflection().answers[0] == "Viết khi mất mạng."
    with scene.make.writing() as session:
        end_all_sessions(session, scene.writer.id)
    answer.fill("Viết khi phiên đã hết.")
    says(page, "Phiên đăng nhập đã hết")
    assert page.evaluate(KEPT) == 1
    sign_in(scene, context, scene.writer)
    page.goto(f"/reflections/{scene.code}")
    says(page, "Đã lưu lúc")
    expect(answer).to_have_value("Viết khi phiên đã hết.")
    assert page.evaluate(KEPT) == 0
    with without_a_line(context, scene.make.app):
        answer.fill("Của người khác thì không ai đọc.")
        says(page, "Chưa có mạng")
        page.close()
    sign_in(scene, context, scene.head)
    page = context.new_page()
    page.goto(f"/reflections/{scene.code}")
    expect(page.locator("#answer-1")).to_have_value("")
    assert page.evaluate(KEPT) == 0
