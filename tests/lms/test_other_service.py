"""Signing in through another service (OpenID Connect): who enters, and what of the service's answers is believed."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import select

from lms.accounts.actions import close_account
from lms.accounts.models import Person, SignInAccount
from lms.audit.models import AuditEntry
from lms.authentication import delivery
from lms.authentication.actions import address_proven
from lms.authentication.models import ExternalIdentity
from lms.config import OpenIdProvider
from tests.browser import ORIGIN, Browser
from tests.conftest import BACKENDS
from tests.make import Make
from tests.provider import CLIENT_ID, CLIENT_SECRET, Claims, Provider, running, shared_secret, unsigned
from tests.telephone import PASSWORD, connected, fill, is_in, set_up_anew

BACK = "http://localhost/sign-in/service/back"
EMAIL = "hoa@example.gov.vn"


@pytest.fixture
def backend() -> str:
    """The service is the same whatever the database; whom it means is asked of both below."""
    return "sqlite"


@pytest.fixture
def provider(app: Flask, make: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """The service, and a product that knows it."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # Authlib's server on this machine speaks plain HTTP
    delivery.SERVICES.clear()  # ports come again: another test's service may have had this one
    with running(Provider(BACK)) as found:
        set_up_anew(make, provider=OpenIdProvider(found.issuer, CLIENT_ID, CLIENT_SECRET, name="Cổng tỉnh"))
        yield found


def person(make: Make, *, email: str = EMAIL, username: str = "hoa") -> Person:
    made = make.person("Lý A Hoa", username=username, password=PASSWORD)
    with make.writing() as session:
        session.get_one(Person, made.id).email = email
    return made


def come(make: Make, browser: Browser | None = None, path: str = "/sign-in/service") -> Browser:
    """Press the button, be sent to the service and back."""
    browser = browser or make.browser()
    there = browser.client.get(path).headers["Location"]
    back = requests.get(there, allow_redirects=False, timeout=10).headers["Location"]
    assert back.startswith(BACK)
    browser.get(back.removeprefix("http://localhost"))
    return browser


def refusal(make: Make) -> list[str]:
    with make.reading() as session:
        noted = session.scalars(select(AuditEntry.details).order_by(AuditEntry.id))
        return [str(details.get("why")) for details in noted if "why" in details]


def test_it_is_off_until_it_is_set_up(make: Make) -> None:
    browser = make.browser()
    for path in ("/sign-in/service", "/sign-in/service/back?code=x&state=y", "/sign-in/service/leave"):
        assert browser.get(path).status_code == 404
    assert "/sign-in/service" not in browser.get("/sign-in").text


@pytest.mark.parametrize("backend", BACKENDS)
def test_somebody_with_the_address_of_the_claim_enters_and_is_remembered_by_the_mark(
    make: Make, provider: Provider
) -> None:
    person(make)
    person(make, email="other@example.gov.vn", username="khac")
    browser = make.browser()
    browser.get("/sign-in?next=/profile")
    assert "Đăng nhập bằng Cổng tỉnh" in browser.text
    come(make, browser, "/sign-in/service?next=/profile")
    assert browser.path == "/profile"
    assert "Lý A Hoa" in browser.text
    provider.person = {"sub": "u-1", "email": "changed@example.gov.vn"}
    assert is_in(come(make))
    provider.person = {"sub": "u-2", "email": "nobody@example.gov.vn", "email_verified": True, "name": "Ai Đó"}
    stranger = come(make)
    assert "chưa có tài khoản" in stranger.text
    assert not is_in(stranger)
    with make.reading() as session:
        assert len(session.scalars(select(SignInAccount)).all()) == 2  # nobody was created
        assert len(session.scalars(select(ExternalIdentity)).all()) == 1
    assert refusal(make) == ["nobody"]


def test_the_question_has_pkce_state_and_nonce_and_comes_back_to_the_site_of_the_settings(
    make: Make, provider: Provider
) -> None:
    answer = make.browser().client.get("/sign-in/service", headers={"X-Forwarded-Host": "evil.example"})
    asked = {name: one[0] for name, one in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == BACK
    assert len(asked["code_challenge"]) == 43
    assert min(len(asked["state"]), len(asked["nonce"])) >= 43
    assert CLIENT_SECRET not in answer.headers["Location"]


def spoiled(**changes: Any) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, **changes}


def without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


SPOILED: dict[str, Callable[[Claims], Claims]] = {
    "another issuer": spoiled(iss="https://evil.example"),
    "another audience": spoiled(aud="another"),
    "several audiences": spoiled(aud=["another", CLIENT_ID]),
    "meant for another": spoiled(azp="another"),
    "another nonce": spoiled(nonce="another"),
    "no nonce": without("nonce"),
    "expired": lambda claims: {**claims, "exp": int(time.time()) - 120},
    "no end": without("exp"),
    "made in the future": lambda claims: {**claims, "iat": int(time.time()) + 600},
    "of nobody": without("sub"),
}


def test_a_token_that_is_not_right_opens_nothing(make: Make, provider: Provider) -> None:
    person(make)
    entered = set()
    for wrong, twist in SPOILED.items():
        provider.twist = twist
        entered |= {wrong} if is_in(come(make)) else set()
    assert entered == set()
    provider.twist = lambda claims: claims
    assert is_in(come(make))


def test_a_token_signed_by_nobody_by_a_shared_secret_or_by_another_key_opens_nothing(
    make: Make, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(make)
    forged = ECKey.generate_key("P-256", {"kid": "one"})
    tokens: dict[str, Callable[[Claims], str]] = {
        "nobody": unsigned,
        "a shared secret": lambda claims: provider.token(claims, alg="HS256", key=shared_secret()),
        "another key": lambda claims: jwt.encode({"alg": "ES256", "kid": "one"}, claims, forged, algorithms=["ES256"]),
        "no token": lambda _claims: "",
        "half a token": lambda claims: provider.token(claims)[:-9],
    }
    for wrong, twist in tokens.items():
        provider.twist = twist
        assert not is_in(come(make)), wrong


@pytest.mark.parametrize("alg", ["HS256", "none"])
def test_a_signature_anybody_can_make_is_refused_even_where_the_service_publishes_such_a_key(alg: str) -> None:
    config, now = OpenIdProvider("https://service.example", CLIENT_ID, CLIENT_SECRET), int(time.time())
    claims = {"iss": config.issuer, "aud": CLIENT_ID, "sub": "1", "exp": now + 60, "iat": now, "nonce": "n"}
    keys, at = KeySet([shared_secret()]), time.monotonic()
    service = delivery.Service(config.issuer, {"jwks_uri": "x"}, at, keys, at)
    token = unsigned(claims) if alg == "none" else jwt.encode({"alg": alg}, claims, shared_secret(), algorithms=[alg])
    with pytest.raises(delivery.ServiceFailed, match="not believed"):
        service.believed(config, token, nonce="n")


def test_keys_are_fetched_once_and_anew_when_the_service_has_another(
    make: Make, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(make)
    assert is_in(come(make))
    assert is_in(come(make))
    assert (provider.asked.count("/keys"), provider.asked.count("/.well-known/openid-configuration")) == (1, 1)
    monkeypatch.setattr(delivery, "ASK_AGAIN_SECONDS", 0.0)
    provider.key = ECKey.generate_key("P-256", {"kid": "two"})
    assert is_in(come(make))
    assert provider.asked.count("/keys") == 2


def test_an_answer_counts_once_in_the_browser_that_asked(make: Make, provider: Provider) -> None:
    person(make)
    browser = make.browser()
    there = browser.client.get("/sign-in/service").headers["Location"]
    back = requests.get(there, allow_redirects=False, timeout=10).headers["Location"].removeprefix("http://localhost")
    other = make.browser()
    other.get(back)
    assert not is_in(other)
    other.client.get("/sign-in/service")
    other.get(back)
    assert not is_in(other)
    browser.get(back.replace("state=", "state=é"))
    assert not is_in(browser)  # and the question is over
    browser.get(back)
    assert not is_in(browser)
    assert make.browser().get("/sign-in/service/back", follow=False).status_code == 302


def test_the_service_checks_who_proves_to_have_asked(make: Make, provider: Provider) -> None:
    """PKCE: a code that was caught on the way is worth nothing without what the product kept."""
    person(make)
    browser = make.browser()
    there = browser.client.get("/sign-in/service").headers["Location"]
    back = requests.get(there, allow_redirects=False, timeout=10).headers["Location"].removeprefix("http://localhost")
    with browser.client.session_transaction() as cookie:
        cookie["asked"] = {**cookie["asked"], "verifier": "x" * 64}
    browser.get(back)
    assert not is_in(browser)
    assert any("no token" in why for why in refusal(make))


def test_a_service_that_names_itself_otherwise_or_does_not_answer_lets_nobody_in(
    make: Make, provider: Provider
) -> None:
    provider.named = "https://evil.example"
    browser = make.browser()
    browser.get("/sign-in/service")
    assert "Chưa đăng nhập được qua Cổng tỉnh" in browser.text
    set_up_anew(make, provider=OpenIdProvider("http://127.0.0.1:9", CLIENT_ID, CLIENT_SECRET))
    assert "Chưa đăng nhập được" in browser.get("/sign-in/service").text


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_code_or_a_user_name_may_name_the_person_and_two_of_one_address_are_nobody(
    make: Make, provider: Provider
) -> None:
    bearer = person(make, username="hoa", email="x@example.gov.vn").id
    make.database.doors.bearers_of = lambda _session, code: [bearer] if code == "TQ-0017" else []
    provider.person = {"sub": "1", "employee_number": "TQ-0017"}
    config = OpenIdProvider(provider.issuer, CLIENT_ID, CLIENT_SECRET, claim="employee_number", match="code")
    set_up_anew(make, provider=config)
    assert is_in(come(make))
    provider.person = {"sub": "2", "preferred_username": "HOA"}
    config = OpenIdProvider(provider.issuer, CLIENT_ID, CLIENT_SECRET, claim="preferred_username", match="username")
    set_up_anew(make, provider=config)
    assert is_in(come(make))
    person(make, username="hoa2", email=EMAIL)
    person(make, username="hoa3", email=EMAIL)
    set_up_anew(make, provider=OpenIdProvider(provider.issuer, CLIENT_ID, CLIENT_SECRET))
    for told in (
        {"sub": "3", "email": EMAIL, "email_verified": True},
        {"sub": "4"},
        {"sub": "5", "email": "x@example.gov.vn", "email_verified": False},
    ):
        provider.person = told
        assert not is_in(come(make))
    assert refusal(make) == ["several", "claim", "claim"]


def test_somebody_unknown_is_created_only_where_the_settings_say_so(make: Make, provider: Provider) -> None:
    set_up_anew(make, provider=OpenIdProvider(provider.issuer, CLIENT_ID, CLIENT_SECRET, create=True))
    make.person(username="hoa", password=PASSWORD)
    assert is_in(come(make))
    with make.reading() as session:
        made = session.scalars(select(Person).where(Person.email == EMAIL)).one()
        account = session.get_one(SignInAccount, made.id)
        assert (made.full_name, account.password_hash) == ("Lý A Hoa", None)
        assert account.username.startswith("hoa.")  # another has the name itself
    with make.writing() as session:
        close_account(session, session.get_one(Person, made.id))
    assert not is_in(come(make))
    provider.person = {**provider.person, "sub": "u-9"}
    assert not is_in(come(make))
    with make.reading() as session:
        assert len(session.scalars(select(Person)).all()) == 2


def test_a_second_factor_is_asked_for_unless_the_service_did(make: Make, provider: Provider) -> None:
    telephone, _codes = connected(make, person(make))
    browser = come(make)
    assert browser.path == "/sign-in/code"
    assert not is_in(browser)
    fill(browser, code=telephone.code())
    assert is_in(browser)
    provider.person = {**provider.person, "amr": ["pwd", "mfa"]}
    assert is_in(come(make))


def test_who_signs_out_is_shown_the_way_out_of_the_service_too(make: Make, provider: Provider) -> None:
    person(make)
    browser = come(make)
    browser.get("/profile")
    browser.submit("/sign-out")
    assert "Đăng xuất khỏi cả Cổng tỉnh" in browser.text
    leave = browser.client.get("/sign-in/service/leave").headers["Location"]
    told = parse_qs(urlsplit(leave).query)
    assert leave.startswith(f"{provider.issuer}/leave?")
    assert told == {"client_id": [CLIENT_ID], "post_logout_redirect_uri": ["http://localhost/sign-in"]}


def test_nothing_typed_is_lost_when_one_comes_back_through_the_service(make: Make, provider: Provider) -> None:
    browser = make.browser(person(make))
    browser.get("/profile")
    browser.submit("/sign-out")
    sent = {"csrf_token": dict(browser.form("/sign-in").fields)["csrf_token"], "Bài viết": "Ba việc tôi sẽ làm"}
    browser.post("/profile/sessions/end", data=sent, headers={"Origin": ORIGIN})
    page = browser.page
    come(make, browser)  # in another tab
    browser.page = page
    browser.submit("Hiện lại nội dung")
    assert "Ba việc tôi sẽ làm" in browser.text


@pytest.mark.parametrize(
    ("said", "unsaid", "why"),
    [
        ({"email_verified": True}, False, None),
        ({}, False, "claim"),
        ({}, True, None),
        ({"email_verified": None}, False, "claim"),
        ({"email_verified": "false"}, True, "claim"),
        ({"email_verified": "true"}, True, "claim"),
        ({"email_verified": 1}, False, "claim"),
        ({"email_verified": False}, True, "claim"),
    ],
)
def test_an_address_tells_who_it_is_only_when_the_service_says_that_it_has_verified_it(
    said: dict[str, Any], unsaid: bool, why: str | None
) -> None:
    service = OpenIdProvider("https://x.example", "id", "secret", email_unsaid=unsaid)
    assert address_proven(service, {"email": EMAIL, **said}) == (why is None)
    assert address_proven(dataclasses.replace(service, match="code"), said)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nobody_is_added_with_the_address_by_which_somebody_else_signs_in(make: Make) -> None:
    unit = make.unit("Xã Mẫu")
    person(make)
    keeper = make.person("Giữ Danh Sách", unit=unit, role="unit_administrator", over=unit, password=PASSWORD)
    browser = make.browser(keeper)

    def added(username: str) -> int:
        browser.get("/people/new")
        new = {"full_name": "Ma Thị Sen", "username": username, "unit": str(unit.public_id), "email": EMAIL.upper()}
        return fill(browser, **new).status_code

    set_up_anew(make, provider=OpenIdProvider("https://x.example", "id", "secret"))
    assert added("sen") == 422
    assert "Địa chỉ này là của người khác." in browser.text
    browser.get("/profile/contact")
    browser.submit("/profile/contact", email=EMAIL, password=PASSWORD)
    assert "Địa chỉ này là của người khác." in browser.text
    set_up_anew(make, provider=None)
    assert added("sen") == 200  # an office may share an address where nobody is found by it
