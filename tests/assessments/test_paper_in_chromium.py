"""The script of the paper in a real browser: it saves by itself, keeps what it cannot send, forgets when it should."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from assessments.attempts.models import Attempt
from lms import clock
from lms.accounts.models import Person
from lms.accounts.session import end_all_sessions
from tests.assessments.sitting import SINGLES, Sitting
from tests.axe import violations
from tests.journeys.windows import without_a_line
from tests.served import served

pytestmark = pytest.mark.chromium
KEPT = "Object.keys(localStorage).filter(name => name.startsWith('quan-triet'))"


@pytest.fixture
def backend() -> str:
    """A script in a page knows nothing of the database behind it: one is enough."""
    return "sqlite"


@pytest.fixture
def site(sitting: Sitting) -> Iterator[str]:
    """The product on a port of this machine."""
    with served(sitting.make.app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def context(site: str, chromium_browser: Browser) -> Iterator[BrowserContext]:
    """A browser on a small phone, which has never been here."""
    context = chromium_browser.new_context(base_url=site, viewport={"width": 360, "height": 740})
    yield context
    context.close()


def sign_in(sitting: Sitting, context: BrowserContext, person: Person) -> None:
    """Give the browser a session of this person."""
    browser = sitting.make.browser(person)
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    context.add_cookies([{"name": "session", "value": cookie.value, "domain": "127.0.0.1", "path": "/"}])


def started(sitting: Sitting, context: BrowserContext, **settings: int) -> Page:
    """A page with a fresh paper of the signed-in learner."""
    if settings:
        sitting.settings(**settings)
    sign_in(sitting, context, sitting.learner)
    page = context.new_page()
    page.goto(SINGLES)
    page.get_by_role("button", name="Bắt đầu làm bài").click()
    page.wait_for_url("**/attempts/*")
    return page


def choose(page: Page, position: int, letter: str) -> None:
    """Tap an option."""
    page.locator(f'#cau-{position} .option:has([value="{letter}"])').click()


def saved_line(page: Page) -> Any:
    return expect(page.locator("[data-saved]"))


def answers(sitting: Sitting) -> list[Any]:
    return [item.response for item in sitting.items()]


def letter_of(sitting: Sitting, position: int) -> str:
    return str(sitting.fields(sitting.right())[f"Câu {position}"][0])


def test_each_choice_is_saved_at_once_and_the_time_is_shown(sitting: Sitting, context: BrowserContext) -> None:
    page = started(sitting, context)
    expect(page.locator("[data-left]")).to_contain_text("còn 14:")
    choose(page, 1, letter_of(sitting, 1))
    saved_line(page).to_contain_text("Đã lưu lúc")
    assert answers(sitting) == [sitting.right()[1], None, None, None]
    choose(page, 2, letter_of(sitting, 2))
    saved_line(page).to_contain_text("Đã lưu lúc")
    assert page.evaluate(KEPT) == []
    assert answers(sitting)[1] == sitting.right()[2]
    page.reload()
    assert page.locator("#cau-2 :checked").count() == 1
    assert violations(page) == []


def test_what_was_chosen_without_a_line_is_kept_and_sent_when_the_line_is_back(
    sitting: Sitting, context: BrowserContext
) -> None:
    page = started(sitting, context)
    context.set_offline(True)
    choose(page, 1, letter_of(sitting, 1))
    saved_line(page).to_contain_text("đang giữ trên máy này")
    page.get_by_role("button", name="Lưu bài", exact=True).click()  # no error page of the browser
    assert page.evaluate(KEPT) != []
    assert answers(sitting)[0] is None
    context.set_offline(False)
    saved_line(page).to_contain_text("Đã lưu lúc")
    assert answers(sitting)[0] == sitting.right()[1]
    assert page.evaluate(KEPT) == []


def test_after_the_session_has_ended_choices_wait_on_the_machine_until_the_same_person_is_back(
    sitting: Sitting, context: BrowserContext
) -> None:
    page = started(sitting, context)
    with sitting.make.writing() as session:
        end_all_sessions(session, sitting.learner.id)
    choose(page, 3, letter_of(sitting, 3))
    saved_line(page).to_contain_text("Phiên đăng nhập đã hết")
    address = page.url
    page.get_by_role("link", name="Đăng nhập lại để gửi").click()
    assert "/sign-in?next=/courses/demo/tests/m2-test/attempts/" in page.url
    sign_in(sitting, context, sitting.learner)
    page.goto(address)
    saved_line(page).to_contain_text("Đã lưu lúc")
    assert answers(sitting)[2] == sitting.right()[3]
    assert page.evaluate(KEPT) == []


def test_a_page_left_open_goes_on_after_signing_in_elsewhere(sitting: Sitting, context: BrowserContext) -> None:
    page = started(sitting, context)
    sign_in(sitting, context, sitting.learner)  # a new session: the token of the open page is of the old one
    choose(page, 1, letter_of(sitting, 1))
    saved_line(page).to_contain_text("Đã lưu lúc")
    assert answers(sitting)[0] == sitting.right()[1]


def test_somebody_else_on_the_same_machine_neither_sends_nor_keeps_them(
    sitting: Sitting, context: BrowserContext
) -> None:
    page = started(sitting, context)
    with sitting.make.writing() as session:
        end_all_sessions(session, sitting.learner.id)
    choose(page, 1, "A")
    saved_line(page).to_contain_text("Phiên đăng nhập đã hết")
    sign_in(sitting, context, sitting.make.person("Trần Thị Bình"))
    choose(page, 1, "B")  # the page of the first person, still open
    saved_line(page).to_contain_text("không phải của bài này")
    assert page.evaluate(KEPT) == []
    assert answers(sitting)[0] is None


def test_a_paper_of_another_person_clears_what_was_left_behind(sitting: Sitting, context: BrowserContext) -> None:
    page = started(sitting, context)
    with without_a_line(context, sitting.make.app):
        choose(page, 1, "A")
        saved_line(page).to_contain_text("đang giữ trên máy này")
        page.close()
    other = context.new_page()
    sign_in(sitting, context, sitting.make.person("Trần Thị Bình"))
    other.goto(SINGLES)
    assert other.evaluate(KEPT) != []
    other.get_by_role("button", name="Bắt đầu làm bài").click()
    other.wait_for_url("**/attempts/*")
    assert other.evaluate(KEPT) == []


def ends_in(sitting: Sitting, **length: float) -> None:
    """Let the open attempt end so soon."""
    with sitting.make.writing() as session:
        own = Attempt.id == sitting.attempts()[0].id  # the product moves no deadline: this is no statement of its own
        session.execute(update(Attempt).where(own).values(deadline_at=clock.now() + timedelta(**length)))


def test_when_the_time_is_over_the_paper_hands_in_by_itself(sitting: Sitting, context: BrowserContext) -> None:
    page = started(sitting, context)
    choose(page, 1, letter_of(sitting, 1))
    saved_line(page).to_contain_text("Đã lưu lúc")
    attempt = page.url
    ends_in(sitting, seconds=1.9)
    page.goto(attempt)
    page.wait_for_url(attempt + "/review")
    assert "Đã hết giờ. Bài được nộp" in page.content()
    (closed,) = sitting.attempts()
    assert closed.scaled == 0.25


def test_when_the_time_is_over_the_last_look_hands_in_by_itself(sitting: Sitting, context: BrowserContext) -> None:
    page = started(sitting, context)
    attempt = page.url
    ends_in(sitting, minutes=1)
    page.goto(attempt + "/submit")
    expect(page.locator(".timer")).to_contain_text("(còn ")
    ends_in(sitting, seconds=1.9)
    page.reload()
    page.wait_for_url(attempt + "/review")
    assert sitting.attempts()[0].submitted_at is not None


def test_a_clock_of_the_browser_that_runs_ahead_ends_nothing(sitting: Sitting, context: BrowserContext) -> None:
    page = started(sitting, context)
    attempt = page.url
    page.clock.install()
    page.goto(attempt)
    with page.expect_navigation(url=attempt):
        page.clock.run_for(901_000)
    expect(page.locator("[data-left]")).to_contain_text("còn 14:")
    assert sitting.attempts()[0].submitted_at is None


def test_the_pages_of_a_test_are_accessible(sitting: Sitting, context: BrowserContext) -> None:
    page = started(sitting, context, questions=10)
    sitting_pages = [SINGLES, page.url, page.url + "/submit"]
    found = {}
    for address in sitting_pages:
        page.goto(address)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            found[address, width] = violations(page)
    page.get_by_role("button", name="Nộp bài").click()
    page.wait_for_url("**/review")
    found["review", 1280] = violations(page)
    assert {place: lines for place, lines in found.items() if lines} == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
