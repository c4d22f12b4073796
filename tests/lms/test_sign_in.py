"""Signing in, signing out, and what a session is worth."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from argon2.exceptions import VerifyMismatchError
from flask import Flask
from werkzeug.test import TestResponse

from lms import clock
from lms.accounts import actions
from lms.accounts.actions import close_account, hasher
from lms.accounts.models import Person, SignInAccount
from lms.throttle.actions import refused_until
from lms.throttle.rules import WINDOWS, Budget
from tests.browser import Browser
from tests.counting import count_queries
from tests.make import Make
from tests.together import at_once

PASSWORD = "bon muoi tam nghi quyet"


def test_a_person_signs_in_and_out(make: Make) -> None:
    make.person("Nguyễn Văn An", username="an", password=PASSWORD)
    browser = make.browser()
    browser.get("/profile")
    assert browser.path.startswith("/sign-in?next=/profile")
    browser.submit("/sign-in", username="An", password=PASSWORD)
    assert browser.path == "/profile"
    assert "Nguyễn Văn An" in browser.text
    browser.submit("/sign-out")
    assert browser.get("/profile", follow=False).status_code == 302


def test_a_copied_cookie_opens_nothing_after_sign_out(make: Make) -> None:
    person = make.person()
    browser, thief = make.browser(person), make.browser()
    browser.get("/profile")
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    thief.client.set_cookie("session", cookie.value)
    assert thief.get("/profile", follow=False).status_code == 200
    browser.submit("/sign-out")
    assert thief.get("/profile", follow=False).status_code == 302


@dataclass
class Counting:
    """The hasher of passwords, which counts how often it computes."""

    computed: int = 0

    def verify(self, stored: str, typed: str) -> bool:
        """As the hasher does. What it refuses before computing is not counted."""
        try:
            fits = hasher.verify(stored, typed)
        except VerifyMismatchError:
            self.computed += 1
            raise
        self.computed += 1
        return fits


WRONG = "sai mật khẩu rồi"


def test_whoever_cannot_enter_is_refused_in_the_same_words_and_for_the_same_work(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.person(username="an", password=PASSWORD)
    make.person(username="chua")  # has no password yet
    kin = make.person(username="kin", password=PASSWORD)
    hong = make.person(username="hong")
    with make.writing() as session:
        close_account(session, session.get_one(Person, kin.id))
        session.get_one(SignInAccount, hong.id).password_hash = "no digest"
    decomposed, seen = unicodedata.normalize("NFD", WRONG), set()
    counting = Counting()
    monkeypatch.setattr(actions, "hasher", counting)
    for name, typed in (
        ("an", WRONG),
        ("ma", WRONG),
        ("chua", WRONG),
        ("kin", WRONG),
        ("kin", PASSWORD),
        ("hong", WRONG),
    ):
        browser = make.browser()
        browser.get("/sign-in")
        counting.computed = 0
        with count_queries(make.app) as counted:
            answer = browser.submit("/sign-in", username=name, password=typed)
        assert answer.status_code == 422
        assert f'value="{name}"' in answer.text  # what was typed is kept, but for the password
        assert typed not in answer.text
        csrf = dict(browser.form("/sign-in").fields)["csrf_token"]
        body = answer.text.replace(csrf, "").replace(f'value="{name}"', "")
        seen.add((body, counting.computed, tuple(counted.statements)))
    [(body, computed, _statements)] = seen
    assert "Tên đăng nhập hoặc mật khẩu không đúng." in body
    assert computed == 1
    counting.computed = 0
    for account in (None, SignInAccount(), SignInAccount(password_hash=hasher.hash(WRONG), disabled_at=clock.now())):
        assert not actions.password_fits(account, decomposed)
    assert counting.computed == 3 * 2  # whatever is stored, one for each way its letters may be composed


def test_the_eleventh_guess_is_not_evaluated_but_the_known_browser_still_enters(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    victim = make.browser()
    victim.get("/sign-in")
    victim.submit("/sign-in", username="an", password=PASSWORD)
    victim.submit("/sign-out")
    attacker = make.browser()
    attacker.get("/sign-in")
    for _ in range(10):
        attacker.submit("/sign-in", username="an", password="đoán bừa một câu nào")
    answer = attacker.submit("/sign-in", username="an", password=PASSWORD)
    assert answer.status_code == 422
    assert "Chờ 5 phút" in answer.text
    victim.get("/sign-in")
    victim.submit("/sign-in", username="an", password=PASSWORD)
    assert victim.path != "/sign-in"


def test_a_new_password_ends_every_other_session(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    here, elsewhere = make.browser(person), make.browser(person)
    here.get("/profile/password")
    here.submit("/profile/password", password=PASSWORD, new_password="Hội nghị chiều 22", repeat="Hội nghị chiều 22")
    assert here.path == "/profile"
    assert elsewhere.get("/profile", follow=False).status_code == 302


def test_a_short_password_is_refused_with_the_reason_beside_its_field(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    browser = make.browser(person)
    browser.get("/profile/password")
    answer = browser.submit("/profile/password", password=PASSWORD, new_password="ngắn", repeat="ngắn")
    assert answer.status_code == 422
    assert "ít nhất 14 ký tự" in answer.text


@pytest.fixture
def answers_errors(app: Flask) -> None:
    """A bug is answered as in production: with a page, not with its traceback."""
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)


def signing_in(browser: Browser, username: str, password: str) -> TestResponse:
    """Send the form of a sign-in page that is open already."""
    fields = dict(browser.form("/sign-in").fields) | {"username": username, "password": password}
    return browser.client.post("/sign-in", data=fields, headers={"Origin": "http://localhost"})


@pytest.mark.usefixtures("answers_errors")
def test_whoever_signs_in_at_the_same_moment_enters_or_is_counted_and_nobody_meets_an_error(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    for turn in range(6):
        browsers = [make.browser() for _ in range(4)]
        for browser in browsers:
            browser.get("/sign-in")
        name = ("an", "ma")[turn % 2]  # one who is there, and one who is not
        answers = at_once(*(partial(signing_in, browser, name, PASSWORD) for browser in browsers))
        assert [getattr(one, "status_code", one) for one in answers] == [{"an": 302, "ma": 422}[name]] * 4


def test_attempts_of_one_moment_are_all_counted_and_a_new_window_begins_at_one(make: Make) -> None:
    def attempt() -> bool:
        with make.writing() as session:
            return refused_until(session, Budget("account", "an", 5)) is None

    assert sorted(at_once(*[attempt] * 8)) == [False] * 3 + [True] * 5
    assert not attempt()
    with clock.moved_to(clock.now() + WINDOWS[0] + timedelta(seconds=1)):
        assert [attempt() for _ in range(6)] == [True] * 5 + [False]


def test_the_summary_of_errors_has_the_order_of_the_page(make: Make) -> None:
    browser = make.browser(make.person(username="an", password=PASSWORD))
    browser.get("/profile/password")
    browser.submit("/profile/password")
    summary = browser.text.split('class="error-summary"')[1].split("</div>")[0]
    fields = re.findall(r'href="#(\w+)"', summary)
    assert fields == ["password", "new_password", "repeat"]


def test_the_profile_says_what_the_system_knows_and_switches_the_language(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    browser = make.browser(make.person("Lý A Hoa", unit=unit, username="hoala", role="head", over=unit))
    browser.get("/profile")
    words = re.sub(r"<[^>]+>|\s+", " ", browser.text.split("<main")[1])
    words = " ".join(words.split())
    for told in (
        "Tên đăng nhập hoala",
        "Cơ quan, đơn vị Sở Y tế",
        "Vai trò Học viên Thủ trưởng cơ quan, đơn vị (Sở Y tế)",
        "Thư điện tử chưa có",
        "Ngôn ngữ Tiếng Việt",
    ):
        assert told in words
    assert 'href="/my-record"' in browser.text
    browser.submit("Switch to English")
    assert browser.path == "/profile"
    assert "Learner" in browser.text
