"""Where one is signed in, ending it, and sessions that end by themselves without taking what was typed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lms import clock
from lms.accounts.models import UserSession
from lms.accounts.rules import EVERYONE, PERMISSIONS, device_named, limits_for, may_go_on
from lms.config import SessionLimits
from tests.browser import ORIGIN, Browser
from tests.counting import count_queries
from tests.make import Make
from tests.telephone import PASSWORD, connected, fill, is_in, sign_in

LIMITS = SessionLimits(timedelta(hours=2), timedelta(hours=12), timedelta(minutes=30), timedelta(hours=8))


@pytest.fixture
def backend() -> str:
    """What no database changes runs on one."""
    return "sqlite"


@pytest.mark.parametrize(
    ("roles", "age", "idle", "goes_on"),
    [
        ([None], timedelta(hours=11), timedelta(hours=1), True),
        ([None], timedelta(hours=11), timedelta(hours=2), False),
        ([None], timedelta(hours=12), timedelta(0), False),
        (["head", "trainer"], timedelta(hours=11), timedelta(hours=1), True),
        (["head", "administrator"], timedelta(hours=7), timedelta(minutes=29), True),
        (["head", "administrator"], timedelta(hours=7), timedelta(minutes=30), False),
        (["administrator"], timedelta(hours=8), timedelta(0), False),
    ],
)
def test_a_session_ends_when_idle_and_in_any_case_and_an_administrators_sooner(
    roles: list[str | None], age: timedelta, idle: timedelta, goes_on: bool
) -> None:
    now = clock.now()
    assert may_go_on(roles, created_at=now - age, seen_at=now - idle, now=now, limits=LIMITS) == goes_on


def test_every_role_that_keeps_accounts_or_reads_everywhere_has_the_shorter_time() -> None:
    sooner = {
        role for role in PERMISSIONS if limits_for([EVERYONE, role], LIMITS) == (LIMITS.admin_idle, LIMITS.admin_length)
    }
    assert sooner == {"administrator", "unit_administrator", "auditor"}
    assert sooner == {role for role in PERMISSIONS if "person:read" in PERMISSIONS[role]}


@pytest.mark.parametrize(
    ("role", "minutes"),
    [("administrator", 31), ("unit_administrator", 31), ("auditor", 31), ("head", 121), (None, 121)],
)
def test_the_pages_close_when_the_time_is_over(make: Make, role: str | None, minutes: int) -> None:
    browser = make.browser(make.person(role=role))
    with clock.moved_to(clock.now() + timedelta(minutes=minutes - 2)):
        assert is_in(browser)
    with clock.moved_to(clock.now() + timedelta(minutes=minutes - 4)):
        assert is_in(browser)  # seen a moment ago: it goes on
    with clock.moved_to(clock.now() + timedelta(minutes=2 * minutes)):
        assert not is_in(browser)


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        ("Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", ("Safari", "iPhone")),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120 Safari/537.36 Edg/120", ("Edge", "Windows")),
        ("Mozilla/5.0 (Windows NT 10.0; rv:120.0) Gecko/20100101 Firefox/120.0", ("Firefox", "Windows")),
        ("curl/8", ("", "")),
    ],
)
def test_browsers_are_named_as_people_call_them(agent: str, named: tuple[str, str]) -> None:
    assert device_named(agent) == named


def test_one_sees_where_one_is_signed_in_and_ends_one_or_all_others(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    here, office, home = make.browser(person), make.browser(person), make.browser(person)
    here.get("/profile/sessions")
    assert here.text.count("names__name") == 3
    assert here.text.count("Máy này") == 1
    with make.reading() as session:
        first = session.scalars(select(UserSession.id).order_by(UserSession.id)).all()[1]
    here.submit(f"/profile/sessions/{first}/end")
    assert not is_in(office)
    assert is_in(home)
    here.get("/profile/sessions")
    here.submit("/profile/sessions/end")
    assert not is_in(home)
    assert is_in(here)


def test_nobody_ends_the_session_of_somebody_else_nor_this_very_one(make: Make) -> None:
    victim, other = make.browser(make.person()), make.browser(make.person())
    other.get("/profile")
    token = {"csrf_token": dict(other.form("/sign-out").fields)["csrf_token"]}
    with make.reading() as session:
        ids = session.scalars(select(UserSession.id)).all()
    for one in ids:
        assert (
            other.post(f"/profile/sessions/{one}/end", data=token, headers={"Origin": "http://localhost"}).status_code
            == 404
        )
    assert is_in(victim)
    assert is_in(other)


def cookie_of(browser: Browser) -> str:
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    return cookie.value


def test_the_key_changes_with_the_sign_in_and_one_planted_before_is_worth_nothing(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    browser = make.browser()
    browser.get("/sign-in")
    planted = cookie_of(browser)
    sign_in(make, "an", browser=browser)
    assert is_in(browser)
    assert cookie_of(browser) != planted
    attacker = make.browser()
    attacker.client.set_cookie("session", planted)
    assert not is_in(attacker)


def test_the_cookie_is_for_this_site_alone_and_for_no_script(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    browser = make.browser()
    browser.get("/sign-in")
    answer = browser.submit("/sign-in", username="an", password=PASSWORD, follow=False)
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in one and "SameSite=Lax" in one for one in cookies)


def test_who_is_asking_costs_one_query_whatever_protects_the_account(make: Make) -> None:
    person = make.person(role="trainer")
    plain, guarded = make.browser(make.person(role="trainer")), make.browser(person)
    connected(make, person)
    costs = []
    for browser in (plain, guarded):
        browser.get("/profile")
        with count_queries(make.app) as counted:
            browser.get("/profile")
        costs.append(len(counted))
        assert sum("user_session" in one for one in counted.statements) == 1, counted
        assert not any("authenticator" in one or "passkey" in one for one in counted.statements), counted
    assert costs[0] == costs[1]


def typed_after_the_end(make: Make, browser: Browser, end: Callable[[], object]) -> None:
    """Somebody has typed into a form; the session has ended when it is sent."""
    browser.get("/profile/contact")
    page = browser.page
    end()
    browser.page, browser.path = page, "/profile/contact"
    if browser.submit("/profile/contact", phone="0912 345 678").status_code == 400:
        browser.submit("/profile/contact")  # the token was of a session that is gone: sent again with one press


@pytest.mark.parametrize("way", ["revoked", "signed out in another window"])
def test_what_was_typed_is_handed_back_to_whoever_typed_it_and_to_nobody_else(make: Make, way: str) -> None:
    for name in ("mot", "hai"):
        make.person(username=name, password=PASSWORD)
    for name, again in (("hai", False), ("mot", True)):
        browser = sign_in(make, "mot")

        def end(browser: Browser = browser) -> None:
            if way == "revoked":
                with make.writing() as session:
                    session.execute(update(UserSession).values(revoked_at=clock.now()))
            else:
                browser.get("/profile")
                browser.submit("/sign-out")

        typed_after_the_end(make, browser, end)
        assert "0912 345 678" not in browser.text  # not before somebody has signed in
        sealed = dict(browser.form("/sign-in").fields)["kept"]
        fill(browser, username=name, password=PASSWORD)
        assert is_in(browser)
        assert ("0912 345 678" in browser.text) == again
        browser.get("/profile")
        token = dict(browser.form("/sign-out").fields)["csrf_token"]
        sent = {"kept": sealed, "csrf_token": token}
        browser.post("/sign-in/resume", data=sent, headers={"Origin": ORIGIN})
        assert ("0912 345 678" in browser.text) == again
