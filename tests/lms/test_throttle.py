"""Guessing is slow, for everybody but whoever has been here before: counted once for all workers and hosts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import wsgi
from lms import clock
from lms.accounts.actions import RESET, issue_link
from lms.accounts.models import Person, SignInAccount
from lms.app import create_app
from lms.audit.models import AuditEntry
from lms.outbox.models import Job
from lms.throttle.actions import forget_old, forgive, forgive_all, refused_until, take_back
from lms.throttle.models import ThrottleCounter
from lms.throttle.rules import WINDOWS, Budget, minutes_until, network_of, window_of
from tests.browser import Browser
from tests.conftest import BACKENDS
from tests.make import Make
from tests.store import Outsider
from tests.telephone import PASSWORD, fill, is_in, sign_in

START = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
NEW = "Suối reo 3 tầng thác"
FEW = 11
"""Fewer attempts from one address than the product allows: enough to see the limit."""
BUDGET = Budget("account", "an unknown", 10, subject="an")


@pytest.fixture
def backend() -> str:
    """What no database changes runs on one; the counting below asks for both."""
    return "sqlite"


def evaluated(make: Make, moments: list[datetime]) -> list[bool]:
    """Which of these attempts are evaluated."""
    found = []
    for moment in moments:
        with clock.moved_to(moment), make.writing() as session:
            found.append(refused_until(session, BUDGET) is None)
    return found


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_window_that_was_filled_is_followed_by_one_twice_as_long(make: Make) -> None:
    moments = [START + timedelta(seconds=20 * n) for n in range(360)]
    allowed = [moment for moment, good in zip(moments, evaluated(make, moments), strict=True) if good]
    windows = [int((moment - START).total_seconds() // 60) for moment in allowed[::10]]
    assert len(allowed) == 50
    assert windows == [0, 5, 15, 35, 75]
    in_five_minutes = max(sum(one <= other < one + timedelta(minutes=5) for other in allowed) for one in allowed)
    assert in_five_minutes <= 10


@pytest.mark.parametrize("backend", BACKENDS)
def test_who_waits_is_told_until_when_and_a_day_of_quiet_forgets(make: Make) -> None:
    with clock.moved_to(START), make.writing() as session:
        waits = [refused_until(session, BUDGET) for _ in range(12)]
    assert waits == [None] * 10 + [START + WINDOWS[0]] * 2
    with clock.moved_to(START + timedelta(days=1, minutes=1)), make.writing() as session:
        waits = [refused_until(session, BUDGET) for _ in range(11)]
    assert waits[-1] == START + timedelta(days=1, minutes=1) + WINDOWS[0]


@pytest.mark.parametrize(("strikes", "minutes"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (99, 60)])
def test_the_wait_grows_up_to_an_hour(strikes: int, minutes: int) -> None:
    assert window_of(strikes) == timedelta(minutes=minutes)


@pytest.mark.parametrize(("seconds", "minutes"), [(-5, 1), (1, 1), (60, 1), (61, 2), (300, 5)])
def test_people_are_told_whole_minutes(seconds: int, minutes: int) -> None:
    assert minutes_until(START + timedelta(seconds=seconds), START) == minutes


def test_what_is_forgiven_or_taken_back_no_longer_counts(make: Make) -> None:
    settled: list[Callable[..., None]] = [
        lambda session: forgive(session, BUDGET),
        lambda session: forgive_all(session, "an"),
        lambda session: take_back(session, BUDGET),
    ]
    for settle in settled:
        with make.writing() as session:
            for _ in range(10):
                refused_until(session, BUDGET)
            settle(session)
            assert refused_until(session, BUDGET) is None
            forgive(session, BUDGET)


def test_the_night_removes_what_no_longer_counts(make: Make) -> None:
    with clock.moved_to(START), make.writing() as session:
        refused_until(session, BUDGET)
        forget_old(session, START + timedelta(hours=23))
        assert session.scalar(select(ThrottleCounter.attempts)) == 1
        forget_old(session, START + timedelta(days=2))
        assert session.scalar(select(ThrottleCounter.attempts)) is None


def guess(make: Make, username: str, times: int, browser: Browser | None = None) -> Browser:
    browser = browser or make.browser()
    browser.get("/sign-in")
    for _ in range(times):
        browser.submit("/sign-in", username=username, password="đoán bừa một câu")
    return browser


def test_an_attacker_at_the_limit_locks_nobody_out_who_has_been_here_not_even_from_the_same_office(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.accounts.protocol.PER_ADDRESS", FEW)
    make.person(username="an", password=PASSWORD)
    victim = sign_in(make, "an")
    victim.get("/profile")
    victim.submit("/sign-out")
    attacker = make.browser()
    for number in range(2 * FEW):
        guess(make, f"ai{number}" if number % 2 else "an", 1, attacker)
    assert not is_in(sign_in(make, "an"))  # the right password, from a browser never seen
    assert not is_in(sign_in(make, "khac"))
    sign_in(make, "an", browser=victim)
    assert is_in(victim)


def at(make: Make, address: str) -> Browser:
    """A browser nobody has signed in from, in a network of its own."""
    browser = make.browser()
    browser.client.environ_base["REMOTE_ADDR"] = address
    return browser


@pytest.mark.parametrize(
    ("attacker", "elsewhere"),
    [("203.0.113.7", "198.51.100.1"), ("2001:db8:1:{}::1", "2001:db8:2:1::1")],
)
def test_an_attacker_in_one_network_keeps_nobody_out_who_comes_with_a_new_browser_from_another(
    make: Make, monkeypatch: pytest.MonkeyPatch, attacker: str, elsewhere: str
) -> None:
    """Twice what one network may, also from many networks of IPv6 that one is given together."""
    for module in ("protocol", "views"):
        monkeypatch.setattr(f"lms.accounts.{module}.PER_ACCOUNT_IN_ALL", 15)
    make.person(username="an", password=PASSWORD)
    for number in range(20):
        answer = guess(make, "an", 1, at(make, attacker.format(number))).text
    assert "Có quá nhiều lần thử" in answer
    assert not is_in(sign_in(make, "an", browser=at(make, attacker.format(21))))
    assert is_in(sign_in(make, "an", browser=at(make, elsewhere)))


def test_guesses_from_very_many_networks_are_not_evaluated_and_leave_the_ways_by_mail_and_by_an_administrator(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("protocol", "views"):
        monkeypatch.setattr(f"lms.accounts.{module}.PER_ACCOUNT_IN_ALL", 15)
    person = make.person(username="an", password=PASSWORD)
    known = sign_in(make, "an")
    known.get("/profile")
    known.submit("/sign-out")
    with make.writing() as session:
        session.get_one(Person, person.id).email = "an@example.gov.vn"
    answers = [guess(make, "an", 1, at(make, f"203.0.113.{number % 4}")).text for number in range(20)]
    assert sum("không đúng" in answer for answer in answers) == 15
    fresh = sign_in(make, "an", browser=at(make, "198.51.100.1"))
    assert not is_in(fresh)
    assert "Quên mật khẩu” để nhận liên kết qua thư, hoặc nhờ quản trị viên" in fresh.text
    assert is_in(sign_in(make, "an", browser=known))
    fresh.get("/sign-in/forgotten")
    assert fill(fresh, who="an").status_code == 200
    assert fresh.path == "/sign-in/mailed"
    with make.reading() as session:
        assert session.scalars(select(Job.payload).where(Job.kind == RESET)).all() == [{"person_ids": [person.id]}]
    with make.writing() as session:
        token = issue_link(session, session.get_one(Person, person.id))
    fresh.get(f"/first-password/{token}")
    fill(fresh, new_password=NEW, repeat=NEW)
    guess(make, "an", 1, at(make, "203.0.113.9"))
    assert is_in(sign_in(make, "an", NEW, fresh))


def test_guesses_at_passwords_close_no_way_by_mail_and_no_stranger_uses_up_the_mails_of_another_network(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.accounts.protocol.PER_ADDRESS", FEW)
    for number in range(FEW + 1):
        answer = guess(make, f"ai{number}", 1).text
    assert "Có quá nhiều lần thử" in answer

    def asked(browser: Browser, times: int) -> list[str]:
        told = []
        for _ in range(times):
            browser.get("/sign-in/forgotten")
            fill(browser, who="an")
            told.append(browser.path)
        return told

    assert asked(make.browser(), 5) == ["/sign-in/mailed"] * 3 + ["/sign-in/forgotten"] * 2
    assert asked(at(make, "198.51.100.1"), 1) == ["/sign-in/mailed"]
    others = [asked(at(make, f"203.0.113.{number}"), 3) for number in range(4)]
    assert sum(one.count("/sign-in/mailed") for one in others) == 12 - 4  # a mailbox has its limit


def test_a_known_browser_has_a_budget_of_its_own_which_another_known_browser_does_not_use_up(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    office, home = sign_in(make, "an"), sign_in(make, "an")
    for browser in (office, home):
        browser.get("/profile")
        browser.submit("/sign-out")
    guess(make, "an", 10, office)
    sign_in(make, "an", browser=office)
    assert not is_in(office)
    assert is_in(sign_in(make, "an", browser=home))


def test_on_a_shared_computer_each_of_those_who_have_signed_in_is_known_and_none_can_be_read(make: Make) -> None:
    browser = make.browser()
    for name in ("an", "binh"):
        make.person(username=name, password=PASSWORD)
        sign_in(make, name, browser=browser)
        browser.get("/profile")
        browser.submit("/sign-out")
    cookie = browser.client.get_cookie("device")
    assert cookie is not None
    assert "an" not in cookie.value.split(".")[0]
    guess(make, "an", 10)
    guess(make, "binh", 10)
    for name in ("an", "binh"):
        sign_in(make, name, browser=browser)
        assert is_in(browser)
        browser.get("/profile")
        browser.submit("/sign-out")


def test_a_cookie_nobody_sealed_makes_no_browser_known(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    for value in ("x", "WyJkIixbXV0.aaaa.bbbb", ""):
        browser = make.browser()
        browser.client.set_cookie("device", value)
        guess(make, "an", 4, browser)
    assert not is_in(sign_in(make, "an"))


def test_a_stranger_keeps_nobody_who_is_signed_in_from_changing_the_password(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    browser = sign_in(make, "an")
    guess(make, "an", 12)
    browser.get("/profile/password")
    fill(browser, password=PASSWORD, new_password=NEW, repeat=NEW)
    assert browser.path == "/profile"
    assert is_in(browser)


def test_whoever_has_used_a_link_signs_in_from_that_browser_whatever_was_tried_before(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    guess(make, "an", 12)
    known, fresh = sign_in(make, "an", browser=guess(make, "an", 12)), make.browser()
    assert not is_in(known)
    with make.writing() as session:
        token = issue_link(session, session.get_one(Person, person.id))
    fresh.get(f"/first-password/{token}")
    fill(fresh, new_password=NEW, repeat=NEW)
    assert is_in(sign_in(make, "an", NEW, fresh))
    assert not is_in(sign_in(make, "an", NEW, guess(make, "an", 12)))  # elsewhere guesses count as before


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_attempts_from_one_network_of_ipv6_count_together(address: str, network: str) -> None:
    assert network_of(address) == network


def test_two_hosts_count_together(app: Flask, make: Make) -> None:
    """Two products on one database, as on two hosts: a hundred guesses, alternately, and ten are evaluated."""

    make.person(username="an", password=PASSWORD)
    other = create_app(make.database.config, wsgi.PACKAGES)
    other.testing = True
    browsers = [Browser(app), Browser(other)]
    for browser in browsers:
        browser.get("/sign-in")
    answers = [guess(make, "an", 1, browsers[n % 2]).text for n in range(14)]
    other.extensions["database"].dispose()
    assert sum("không đúng" in answer for answer in answers) == 10
    assert not is_in(sign_in(make, "an", browser=browsers[1]))


def test_an_address_brought_by_a_header_is_not_believed_without_a_proxy(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.accounts.protocol.PER_ADDRESS", FEW)
    browser = make.browser()
    browser.get("/sign-in")
    fields = {**dict(browser.form("/sign-in").fields), "password": "đoán bừa"}
    for number in range(FEW + 1):
        headers = {"Origin": "http://localhost", "X-Forwarded-For": f"10.0.0.{number}"}
        answer = browser.client.post("/sign-in", data={**fields, "username": f"ai{number}"}, headers=headers)
    assert "Có quá nhiều lần thử" in answer.text


def test_the_eleventh_guess_at_a_clients_secret_is_not_evaluated_and_the_client_works_on_from_elsewhere(
    make: Make,
) -> None:
    outsider, guesser = Outsider(make, "all"), Outsider(make, "all")
    guesser.key, right = outsider.key, outsider.secret
    assert outsider.get().status_code == 200
    statuses = [guesser.get().status_code for _ in range(10)]
    guesser.secret = right
    answer = guesser.get()
    assert statuses == [401] * 10
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 300
    outsider.client.environ_base["REMOTE_ADDR"] = "10.1.2.3"
    assert outsider.get().status_code == 200
    with clock.moved_to(clock.now() + WINDOWS[0]):
        assert guesser.get().status_code == 200


def test_an_administrator_lets_somebody_try_again_which_is_noted(make: Make) -> None:
    helper = make.browser(make.person("Quản Trị", role="administrator"))
    person = make.person(username="an", password=PASSWORD)
    guess(make, "an", 11)
    assert not is_in(sign_in(make, "an"))
    helper.get(f"/people/{person.public_id}/protection")
    assert "<dd>12</dd>" in helper.text
    helper.submit("/protection/unlock")
    assert is_in(sign_in(make, "an"))
    with make.reading() as session:
        assert "attempts.forgive" in session.scalars(select(AuditEntry.action)).all()
        assert session.scalars(select(SignInAccount.username)).all()


def test_guesses_at_the_password_of_whoever_is_signed_in_are_counted_too(make: Make) -> None:
    browser = make.browser(make.person(username="an", password=PASSWORD))
    browser.get("/profile/password")
    new: dict[str, Any] = {"new_password": "Suối reo 3 tầng thác", "repeat": "Suối reo 3 tầng thác"}
    for _ in range(10):
        browser.submit("/profile/password", password="sai", **new)
    assert "Có quá nhiều lần thử" in browser.submit("/profile/password", password=PASSWORD, **new).text


def test_whoever_counts_an_attempt_holds_one_count_at_a_time(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else somebody who forgives all of an account could wait for one count and hold another."""
    make.person(username="an", password=PASSWORD)
    held: list[Any] = []

    def noted(own: Any, budget: Budget) -> Any:
        held.append(own)  # kept, so that no other session is taken for it
        return refused_until(own, budget)

    monkeypatch.setattr("lms.accounts.protocol.refused_until", noted)
    guess(make, "an", 1)
    assert len(held) == 3
    assert len({id(one) for one in held}) == 3
