"""What holds for every page: headers, hosts, tokens, cookies, bounds, and that nothing typed is lost."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask, Response, stream_with_context, url_for

import wsgi
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.rules import EVERYONE, PERMISSIONS
from lms.app import create_app
from lms.config import Config
from tests.conftest import SECRET
from tests.make import LONG_AGO, Make

PASSWORD = "bon muoi tam nghi quyet"


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/profile", "/xapi/about"])
def test_every_answer_carries_the_security_headers(make: Make, path: str) -> None:
    answer = make.browser(make.person()).get(path, follow=False)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"] or path.startswith("/xapi")


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/people/", "/people"),
        ("/people/?page=2", "/people?page=2"),
        ("/learning//", "/learning"),
        ("/courses/nq48/", "/courses/nq48"),
        ("/courses/b%C3%A0i%3F/", "/courses/b%C3%A0i%3F"),
    ],
)
def test_an_address_with_a_slash_at_its_end_leads_to_the_page(make: Make, path: str, leads_to: str) -> None:
    answer = make.browser(make.person()).get(path, follow=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, leads_to)


@pytest.mark.parametrize("path", ["//evil.example/", "/nowhere/", "/evil.example//", "/xapi/about/", "/language/"])
def test_a_slash_leads_nowhere_where_there_is_no_page(make: Make, path: str) -> None:
    answer = make.browser(make.person()).get(path, follow=False)
    assert answer.status_code in {400, 404, 405}
    assert "Location" not in answer.headers


def test_an_entry_of_the_menu_leads_to_a_page_that_stands_under_it_alone_and_shows_its_group(
    app: Flask, make: Make
) -> None:
    browser, wrong = make.browser(make.person(role="administrator")), []
    permitted = PERMISSIONS["administrator"] | PERMISSIONS[EVERYONE]
    mine = [one for one in app.extensions["doors"].menu if one.permission in permitted]
    for entry in mine:
        group = sorted((one for one in mine if entry.group and one.group == entry.group), key=lambda one: one.order)
        with app.test_request_context():
            own, first = url_for(entry.endpoint), url_for((group or [entry])[0].endpoint)
        page = browser.get(own).text
        [tabs] = re.findall(r'<ul class="tabs">.*?</ul>', page, re.DOTALL)[:1] if group else [""]
        found = {part: re.findall(r'<a href="([^"?]+)[^"]*" aria-current="page"', part) for part in (tabs, page)}
        if set(found[page]) != {first, own} or (group and found[tabs] != [own]):
            wrong.append((own, *found.values()))
    assert wrong == []


def test_many_pages_of_a_group_are_folded_under_the_name_of_this_one_and_few_are_not(make: Make) -> None:
    folded = '<details class="tabs-fold"><summary><span>Mục: <strong>Đơn vị</strong></span></summary></details>'
    unit = make.unit()
    administrator = make.browser(make.person(role="administrator"))
    assert folded in administrator.get("/units").text
    learner = make.browser(make.person(unit=unit)).get("/certificates").text
    assert '<ul class="tabs">' in learner
    assert "tabs-fold" not in learner


def test_an_unexpected_error_shows_nothing_of_itself(app: Flask, make: Make) -> None:
    app.testing = False
    app.view_functions["web.health"] = failing
    answer = make.browser().get("/healthz")
    assert answer.status_code == 500
    assert "Hệ thống gặp lỗi" in answer.text
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["Content-Security-Policy"]


def failing() -> str:
    raise RuntimeError("secret detail")


failing.policy = "public"  # type: ignore[attr-defined]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:80"])
def test_a_request_for_another_host_is_refused(make: Make, host: str) -> None:
    assert make.browser().get("/sign-in", headers={"Host": host}).status_code == 400


def test_a_form_without_token_is_refused_and_changes_nothing(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    browser = make.browser(person)
    answer = browser.post("/profile/password", data={"password": PASSWORD, "new_password": "x", "repeat": "x"})
    assert answer.status_code == 400
    assert browser.get("/profile").status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_a_form_from_another_site_is_refused_even_with_a_token(make: Make, origin: str) -> None:
    browser = make.browser(make.person())
    browser.get("/profile")
    token = dict(browser.form("/sign-out").fields)["csrf_token"]
    answer = browser.post("/sign-out", data={"csrf_token": token}, headers={"Origin": origin})
    assert answer.status_code == 400
    assert browser.get("/profile", follow=False).status_code == 200


def test_over_tls_the_cookie_is_bound_to_the_host(tmp_path: Path, sqlite_template: Path) -> None:
    config = Config(
        database_url=f"sqlite:///{sqlite_template}",
        secret_key=SECRET,
        site_url="https://hoc.example.gov.vn",
        iri_base="https://hoc.example.gov.vn",
        data_dir=tmp_path,
    )
    app = create_app(config, wsgi.PACKAGES)
    answer = app.test_client().get("/sign-in", base_url="https://hoc.example.gov.vn")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"]
    app.extensions["database"].dispose()


def test_a_body_beyond_the_bound_is_refused(make: Make) -> None:
    browser = make.browser()
    browser.get("/sign-in")
    answer = browser.submit("/sign-in", username="a" * 1_100_000, password="x")
    assert answer.status_code == 413
    assert "quá lớn" in answer.text


def test_what_was_typed_survives_the_end_of_the_session(make: Make) -> None:
    """The session ends between opening a form and sending it: after signing in the form is shown, ready to be sent."""
    unit = make.unit("Sở Y tế")
    administrator = make.person("Trần Thị Bình", role="administrator", username="quantri", password=PASSWORD)
    browser = make.browser(administrator)
    browser.get("/language")  # any page
    browser.get("/profile")
    with make.writing() as session:
        move_person(session, administrator, unit, on=LONG_AGO)
    browser.get("/sign-in")
    answer = browser.post(
        "/profile/password",
        data={"note": "điều vừa gõ", "password": "bí mật"},
        headers={"Origin": "http://localhost"},
    )
    assert answer.status_code == 400  # signed in, but the token is missing: shown again, not lost
    assert "điều vừa gõ" in answer.text
    assert "bí mật" not in answer.text


def test_a_form_sent_after_sign_out_waits_behind_the_sign_in(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    browser = make.browser()
    answer = browser.post(
        "/profile/password", data={"note": "điều vừa gõ"}, headers={"Origin": "http://localhost"}, follow=False
    )
    assert answer.status_code == 401
    assert "được giữ lại" in answer.text
    answer = browser.submit("/sign-in", username="an", password=PASSWORD)
    assert "điều vừa gõ" in answer.text
    assert browser.form("/profile/password").action == "/profile/password"


def test_what_was_typed_waits_over_the_holidays(make: Make) -> None:
    make.person(username="an", password=PASSWORD)
    browser = make.browser()
    with time_machine.travel(clock.now(), tick=True):
        browser.post("/profile/password", data={"note": "điều vừa gõ"}, headers={"Origin": "http://localhost"})
    with time_machine.travel(clock.now() + timedelta(days=10), tick=True):
        assert "điều vừa gõ" in browser.submit("/sign-in", username="an", password=PASSWORD).text


def test_another_site_cannot_plant_a_form_to_be_sent_later(make: Make) -> None:
    browser = make.browser()
    answer = browser.post("/profile/password", data={"note": "planted"}, follow=False)
    assert answer.status_code == 401
    assert "planted" not in answer.text
    assert 'name="kept"' not in answer.text


def test_the_language_switch_is_remembered(make: Make) -> None:
    browser = make.browser()
    browser.get("/sign-in")
    browser.submit("/language", language="en")
    assert '<html lang="en"' in browser.get("/sign-in").text


def test_an_answer_sent_in_pieces_is_read_whole_by_the_client_of_tests() -> None:
    app = Flask("in_pieces")
    ended: list[bool] = []

    def pieces() -> Iterator[str]:
        try:
            yield "một "
            yield "hai"
        finally:
            ended.append(True)

    app.add_url_rule("/in-pieces", view_func=lambda: Response(stream_with_context(pieces())))
    answer = app.test_client().get("/in-pieces")
    assert ended == [True]
    assert answer.text == "một hai"
