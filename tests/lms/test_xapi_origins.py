"""Pages of other sites that use the store from a browser: those that are configured, and no others."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

import wsgi
from lms.app import create_app
from tests.conftest import config_for
from tests.make import Make
from tests.store import Outsider, statement

LISTED, OTHER = "https://noi-dung.example.gov.vn", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture
def open_make(database_url: str, tmp_path: Path) -> Iterator[Make]:
    """A product that lets pages of one other site in."""
    config = replace(config_for(database_url, tmp_path), xapi_origins=frozenset({LISTED}))
    app = create_app(config, wsgi.PACKAGES)
    app.testing = True
    yield Make(app)
    app.extensions["database"].dispose()


def told(answer: TestResponse) -> list[str]:
    """The headers by which a browser lets pages of other sites read."""
    return [name for name, _value in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/xapi/statements", "/xapi/about", "/xapi/activities/state", "/xapi/khong-co"])
def test_a_browser_that_asks_first_is_told_what_a_listed_site_may_send(open_make: Make, path: str) -> None:
    answer = open_make.app.test_client().options(path, headers={"Origin": LISTED, **PREFLIGHT})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == LISTED
    assert {"GET", "HEAD", "POST", "PUT", "DELETE"} == set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "x-experience-api-version", "if-match", "if-none-match"} <= set(allowed)
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", [OTHER, "null", f"{LISTED}.evil.example", LISTED.upper(), "http://noi-dung.example.gov.vn"]
)
def test_other_sites_are_told_nothing(open_make: Make, origin: str) -> None:
    outsider = Outsider(open_make, "all")
    answers = [
        open_make.app.test_client().options("/xapi/statements", headers={"Origin": origin, **PREFLIGHT}),
        outsider.post(statement(), Origin=origin),
        open_make.app.test_client().get("/xapi/statements", headers={"Origin": origin}),
    ]
    for answer in answers:
        assert told(answer) == []
        assert "Origin" in answer.headers["Vary"]
        assert "WWW-Authenticate" not in answer.headers


def test_a_listed_site_reads_answers_and_refusals_with_the_headers_it_needs(open_make: Make) -> None:
    outsider = Outsider(open_make, "all")
    stored = outsider.post(statement(), Origin=LISTED)
    refused = outsider.post({"actor": 1}, Origin=LISTED)
    stranger = open_make.app.test_client().get(
        "/xapi/statements", headers={"Origin": LISTED, "X-Experience-API-Version": "1.0.3"}
    )
    assert [stored.status_code, refused.status_code, stranger.status_code] == [200, 400, 401]
    for answer in (stored, refused, stranger):
        assert answer.headers["Access-Control-Allow-Origin"] == LISTED
        exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        assert {"ETag", "Last-Modified", "X-Experience-API-Version", "X-Experience-API-Consistent-Through"} <= exposed
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "WWW-Authenticate" not in answer.headers


def test_without_the_setting_no_site_is_let_in(make: Make) -> None:
    answer = make.app.test_client().options("/xapi/statements", headers={"Origin": LISTED, **PREFLIGHT})
    assert told(answer) == []


def test_pages_for_people_are_never_opened_to_other_sites(open_make: Make) -> None:
    answer = open_make.app.test_client().get("/sign-in", headers={"Origin": LISTED})
    assert told(answer) == []
