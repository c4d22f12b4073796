"""Passkeys: registered with the password, used without it, and refused when anything of the answer is not right."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from lms import clock
from lms.accounts.actions import close_account
from lms.accounts.models import Person
from lms.audit.models import AuditEntry
from lms.authentication.models import Passkey, PasskeyChallenge
from lms.authentication.rules import CHALLENGE_LIFE, relying_party
from lms.authentication.signature import NotAccepted, answer_in
from tests.browser import ORIGIN, Browser
from tests.conftest import BACKENDS
from tests.device import PRESENT, VERIFIED, Device
from tests.make import Make
from tests.telephone import PASSWORD, connected, fill, is_in, set_up_anew, sign_in

ANOTHER = "Hội nghị chiều 22"


@pytest.fixture
def backend() -> str:
    """What no database changes runs on one; some tests below ask for both."""
    return "sqlite"


@pytest.fixture
def person(make: Make) -> Person:
    return make.person("Lý A Hoa", username="hoa", password=PASSWORD)


def token(browser: Browser, path: str) -> str:
    browser.get(path)
    return next(value for form in browser.forms for name, value in form.fields if name == "csrf_token")


def asked(browser: Browser, path: str, page: str, **fields: str) -> dict[str, Any]:
    """What the script asks the server before it asks the device."""
    data = {"csrf_token": token(browser, page), **fields}
    answer = browser.client.post(path, data=data, headers={"Origin": ORIGIN})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def register(browser: Browser, device: Device, name: str = "Điện thoại") -> Browser:
    options = asked(browser, "/profile/passkeys/challenge", "/profile/passkeys/new", name=name, password=PASSWORD)
    return send(browser, "/profile/passkeys", "/profile", credential=device.registers(options), name=name)


def send(browser: Browser, path: str, page: str, **fields: str) -> Browser:
    data = {"csrf_token": token(browser, page), **fields}
    browser.post(path, data=data, headers={"Origin": ORIGIN})
    return browser


def enter(make: Make, device: Device, browser: Browser | None = None) -> Browser:
    """Try to sign in with the device."""
    browser = browser or make.browser()
    options = asked(browser, "/sign-in/passkey/challenge", "/sign-in")
    return send(browser, "/sign-in/passkey", "/sign-in", credential=device.signs(options))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_passkey_is_registered_and_opens_the_account_without_name_and_password(make: Make, person: Person) -> None:
    browser, device = make.browser(person), Device(count=1)  # one that counts how often it has signed
    options = asked(browser, "/profile/passkeys/challenge", "/profile/passkeys/new", name="x", password=PASSWORD)
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert "Đã thêm khóa" in register(browser, device).text
    connected(make, person)  # whoever shows a passkey is not asked for a code as well
    assert is_in(enter(make, device))
    with make.reading() as session:
        kept = session.scalars(select(Passkey)).one()
        assert (kept.sign_count, kept.used_at is not None) == (2, True)
        entries = session.scalars(select(AuditEntry.action)).all()
    assert {"passkey.new", "sign_in"} <= set(entries)


def test_it_is_registered_only_with_the_password(make: Make, person: Person) -> None:
    browser = make.browser(person)
    data = {"csrf_token": token(browser, "/profile/passkeys/new"), "name": "x", "password": "sai"}
    answer = browser.client.post("/profile/passkeys/challenge", data=data, headers={"Origin": ORIGIN})
    assert answer.status_code == 422
    assert answer.get_json() == {"errors": ["Mật khẩu hiện nay không đúng."]}


def test_where_a_telephone_is_connected_keys_are_added_and_removed_only_with_a_code_of_it(
    make: Make, person: Person
) -> None:
    browser, page = make.browser(person), "/profile/passkeys/new"
    register(browser, Device())
    with make.reading() as session:
        remove = f"/profile/passkeys/{session.scalars(select(Passkey.public_id)).one()}/remove"
    telephone, codes = connected(make, person)
    for code in ({}, {"code": "000 000"}):
        sent = {"csrf_token": token(browser, page), "name": "x", "password": PASSWORD, **code}
        assert (
            browser.client.post("/profile/passkeys/challenge", data=sent, headers={"Origin": ORIGIN}).status_code == 422
        )
        assert browser.client.post(remove, data=sent, headers={"Origin": ORIGIN}).status_code == 422
    with make.reading() as session:
        assert session.scalar(select(func.count()).select_from(PasskeyChallenge)) == 0
    asked(browser, "/profile/passkeys/challenge", page, name="x", password=PASSWORD, code=telephone.code())
    browser.get(remove.removesuffix("/remove"))
    fill(browser, password=PASSWORD, code=codes[0])
    assert "Đã xóa khóa" in browser.text


@pytest.mark.parametrize("path", ["/profile/protection/telephone", "/profile/protection/codes"])
def test_whose_only_second_factor_is_a_key_must_have_shown_it_a_moment_ago(
    make: Make, person: Person, path: str
) -> None:
    browser, device = make.browser(person), Device()
    register(browser, device)
    set_up_anew(make, second_factor=frozenset({"learner"}))
    with clock.moved_to(clock.now() + timedelta(minutes=11)):
        browser.get(path)
        assert "Đã đăng nhập lâu" in fill(browser, password=PASSWORD).text
        browser.get("/profile/password")
        fill(browser, password=PASSWORD, new_password=ANOTHER, repeat=ANOTHER)  # the session goes on; nothing was shown
        browser.get(path)
        assert "Đã đăng nhập lâu" in fill(browser, password=ANOTHER).text
        lately = enter(make, device)
        lately.get(path)
        assert "Đã đăng nhập lâu" not in fill(lately, password=ANOTHER).text


WRONG: dict[str, Callable[[Device], None]] = {
    "another origin": lambda device: setattr(device, "origin", "https://evil.example"),
    "another port": lambda device: setattr(device, "origin", "http://localhost:8001"),
    "another site's key": lambda device: setattr(device, "rp_id", "evil.example"),
    "nobody verified": lambda device: setattr(device, "flags", PRESENT),
    "nobody present": lambda device: setattr(device, "flags", VERIFIED),
    "another key": lambda device: setattr(device, "key", Device().key),
    "an unknown key": lambda device: setattr(device, "credential_id", b"unknown"),
    "somebody else": lambda device: setattr(device, "user_handle", bytes(16)),
    "a copy that counts lower": lambda device: setattr(device, "count", 3),
}


def test_an_answer_that_is_not_right_opens_nothing(make: Make, person: Person) -> None:
    owner, entered = make.browser(person), set()
    for wrong, spoil in WRONG.items():
        device = Device(count=7)
        register(owner, device)
        spoil(device)
        browser = enter(make, device)
        assert "không mở được tài khoản nào" in browser.text
        entered |= {wrong} if is_in(browser) else set()
    assert entered == set()


def test_nothing_typed_is_lost_when_a_key_opens_nothing(make: Make, person: Person) -> None:
    browser, device = make.browser(), Device()
    browser.post("/profile/sessions/end", data={"Bài viết": "Ba việc tôi sẽ làm"}, headers={"Origin": ORIGIN})
    fields = dict(browser.form("/sign-in/passkey").fields)
    answer = browser.client.post("/sign-in/passkey/challenge", data=fields, headers={"Origin": ORIGIN})
    sent = {**fields, "credential": device.signs(answer.get_json())}
    browser.post("/sign-in/passkey", data=sent, headers={"Origin": ORIGIN})
    assert "không mở được tài khoản nào" in browser.text
    browser.submit("/sign-in", username="hoa", password=PASSWORD)
    assert "Ba việc tôi sẽ làm" in browser.text


def test_a_key_made_for_another_site_or_for_nobody_is_not_registered(make: Make, person: Person) -> None:
    owner = make.browser(person)
    for wrong in ("another origin", "another site's key", "nobody verified"):
        device = Device()
        WRONG[wrong](device)
        assert "Thiết bị chưa xác nhận được" in register(owner, device).text
    with make.reading() as session:
        assert session.scalar(select(Passkey.id)) is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_challenge_is_answered_once_soon_and_by_the_browser_it_was_asked_of(make: Make, person: Person) -> None:
    device = Device()
    register(make.browser(person), device)
    browser = make.browser()
    options = asked(browser, "/sign-in/passkey/challenge", "/sign-in")
    stolen = device.signs(options)
    assert not is_in(send(make.browser(), "/sign-in/passkey", "/sign-in", credential=stolen))
    assert not is_in(send(browser, "/sign-in/passkey", "/sign-in", credential="{}"))  # the browser's question is over
    options = asked(browser, "/sign-in/passkey/challenge", "/sign-in")
    answer = device.signs(options)
    with clock.moved_to(clock.now() + CHALLENGE_LIFE + timedelta(seconds=1)):
        assert not is_in(send(browser, "/sign-in/passkey", "/sign-in", credential=answer))
    options = asked(browser, "/sign-in/passkey/challenge", "/sign-in")
    answer = device.signs(options)
    assert is_in(send(browser, "/sign-in/passkey", "/sign-in", credential=answer))
    with make.reading() as session:
        assert options["challenge"] not in {str(one.challenge) for one in session.scalars(select(PasskeyChallenge))}
    again = make.browser()
    asked(again, "/sign-in/passkey/challenge", "/sign-in")
    with again.client.session_transaction() as cookie:
        cookie["challenge"] = options["challenge"]  # even who could write the cookie
    assert not is_in(send(again, "/sign-in/passkey", "/sign-in", credential=answer))


def test_a_challenge_to_sign_in_registers_no_key_and_the_other_way_round(make: Make, person: Person) -> None:
    browser, device = make.browser(person), Device()
    options = asked(browser, "/profile/passkeys/challenge", "/profile/passkeys/new", name="x", password=PASSWORD)
    with browser.client.session_transaction() as cookie:
        cookie["challenge"] = options["challenge"]
    register(browser, device)
    with browser.client.session_transaction() as cookie:
        cookie["challenge"] = options["challenge"]
    send(browser, "/sign-in/passkey", "/profile", credential=device.signs(options))
    assert "không mở được tài khoản nào" in browser.text


def test_a_closed_account_stays_closed(make: Make, person: Person) -> None:
    device = Device()
    register(make.browser(person), device)
    with make.writing() as session:
        close_account(session, session.get_one(Person, person.id))
    assert not is_in(enter(make, device))


def test_one_names_keys_and_removes_them_and_reaches_nobody_elses(make: Make, person: Person) -> None:
    browser, device = make.browser(person), Device()
    register(browser, device)
    with make.reading() as session:
        path = f"/profile/passkeys/{session.scalars(select(Passkey.public_id)).one()}"
    other = make.browser(make.person(username="binh", password=PASSWORD))
    assert other.get(path).status_code == 404
    browser.get(path)
    fill(browser, name="Máy ở nhà")
    assert "Máy ở nhà" in browser.text
    browser.get(path)
    fill(browser, password=PASSWORD)
    assert "Đã xóa khóa" in browser.text
    assert not is_in(enter(make, device))


@pytest.mark.parametrize(
    ("site_url", "host", "local", "name"),
    [
        ("https://hoc.example.gov.vn", "evil.example", False, "hoc.example.gov.vn"),
        ("https://10.1.2.3", "10.1.2.3", False, None),
        ("https://[2001:db8::1]", "[2001:db8::1]", False, None),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True, None),
        ("http://127.0.0.1:8000", "localhost:8000", True, "localhost"),
        ("http://127.0.0.1:8000", "[::1]:8000", True, None),
    ],
)
def test_keys_are_kept_under_the_name_of_the_site_and_not_at_all_at_an_address_in_numbers(
    site_url: str, host: str, local: bool, name: str | None
) -> None:
    assert relying_party(site_url, asked_host=host, local=local) == name


def test_at_an_address_in_numbers_no_key_is_offered_and_the_page_says_why(make: Make, person: Person) -> None:
    browser = make.browser(person)
    number: dict[str, Any] = {"base_url": "http://127.0.0.1"}
    browser.client.set_cookie("session", browser.client.get_cookie("session").value, domain="127.0.0.1")  # type: ignore[union-attr]
    page = browser.get("/profile/protection", **number).text
    assert "địa chỉ toàn số" in page
    assert "Thêm khóa" not in page
    assert "data-passkey" not in make.browser().get("/sign-in", **number).text
    assert "data-passkey" in make.browser().get("/sign-in").text


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '"x"', '{"response": 1}', "[" * 5000, json.dumps({"response": {"clientDataJSON": "AA"}})],
)
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(NotAccepted):
        answer_in(text)


def test_whose_role_asks_for_more_may_show_a_passkey_instead_of_a_code(make: Make, person: Person) -> None:
    device = Device()
    register(make.browser(person), device)
    browser = sign_in(make, "hoa")
    assert is_in(browser)  # nothing more is asked of a learner
    set_up_anew(make, second_factor=frozenset({"learner"}))
    browser = sign_in(make, "hoa")
    assert browser.path == "/sign-in/code"
    assert "khóa trên thiết bị" in browser.text
    assert is_in(enter(make, device, browser))
