"""An ordinary POST is stored before Flask is asked; nobody can tell by the answer, and all else goes the long way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

import wsgi
from lms.app import create_app
from lms.xapi import views
from tests.conftest import config_for
from tests.make import Make
from tests.store import Outsider, new_id, statement

LONG = {"Content-Type": "application/json; charset=utf-8"}  # says the same, and goes the long way


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each POST of statements, whether the short way stored it."""
    ways: list[bool] = []
    real = views.ShortWay._stored

    def stored(self: views.ShortWay, environ: Any) -> Any:
        answer = real(self, environ)
        ways.append(answer is not None)
        return answer

    monkeypatch.setattr(views.ShortWay, "_stored", stored)
    return ways


@pytest.fixture
def outsider(make: Make) -> Outsider:
    """A client that has been used today: the first request of a day notes that, and goes the long way."""
    found = Outsider(make, "all")
    found.post(statement()).close()
    return found


def post(outsider: Outsider, *, headers: dict[str, str] | None = None, **given: Any) -> TestResponse:
    return outsider.client.post(
        "/xapi/statements",
        headers={**outsider.headers(), "Content-Type": "application/json", **(headers or {})},
        **given,
    )


def told(answer: TestResponse) -> set[tuple[str, str]]:
    """Its headers, but for the time, which differs from answer to answer."""
    return {(name, value) for name, value in answer.headers if name != views.THROUGH_HEADER}


@pytest.mark.parametrize("edition", ["1.0.3", "2.0.0"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_both_ways_give_the_same_answer(outsider: Outsider, taken: list[bool], edition: str, scheme: str) -> None:
    given: dict[str, Any] = {"base_url": f"{scheme}://localhost", "json": [statement(id=new_id())]}
    version = {"X-Experience-API-Version": edition}
    short = post(outsider, headers=version, **given)
    long = post(outsider, headers={**version, **LONG}, **given)
    assert taken == [True, False]
    assert (short.status_code, short.get_json(), told(short)) == (long.status_code, long.get_json(), told(long))
    assert views.THROUGH_HEADER in short.headers
    assert views.THROUGH_HEADER in long.headers


def test_what_was_stored_by_either_way_is_kept_alike(outsider: Outsider, taken: list[bool]) -> None:
    ids = [new_id(), new_id()]
    for one, headers in zip(ids, ({}, LONG), strict=True):
        post(outsider, headers=headers, json={**statement(), "id": one})
    assert taken == [True, False]
    short, long = (outsider.get(statementId=one).get_json() for one in ids)
    assert short.keys() == long.keys()
    changing = {"id", "stored", "timestamp"}
    assert {name: short[name] for name in short.keys() - changing} == {
        name: long[name] for name in long.keys() - changing
    }
    assert short["timestamp"] == short["stored"]


def voiding(target: str) -> dict[str, Any]:
    return statement(
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"}, object={"objectType": "StatementRef", "id": target}
    )


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"json": {**statement(), "result": {"score": {"scaled": 2}}}}, 400),
        ({"data": b"{"}, 400),
        ({"json": []}, 200),
        ({"json": voiding(new_id())}, 200),
        ({"json": statement(), "query_string": {"limit": "1"}}, 400),
        ({"json": statement(), "headers": {"Authorization": "Basic eDp5"}}, 401),
        ({"json": statement(), "headers": {"X-Experience-API-Version": "0.9"}}, 400),
        ({"json": statement(), "headers": {"Content-Type": "text/plain"}}, 400),
        ({"json": statement(), "base_url": "http://evil.example"}, 400),
    ],
)
def test_what_is_not_ordinary_is_answered_by_the_long_way(
    outsider: Outsider, taken: list[bool], given: dict[str, Any], status: int
) -> None:
    assert post(outsider, **given).status_code == status
    assert taken == [False]


@pytest.mark.parametrize(
    "hinder",
    [lambda make: Outsider(make, "statements/read"), lambda make: Outsider(make, "all", counts_prefix="https://a.vn/")],
)
def test_who_may_not_write_or_is_counted_goes_the_long_way(
    make: Make, taken: list[bool], hinder: Callable[[Make], Outsider]
) -> None:
    outsider = hinder(make)
    first, second = (post(outsider, json=statement()).status_code for _ in range(2))
    assert first == second
    assert taken == [False, False]


def test_a_statement_that_is_stored_already_is_compared_by_the_long_way(outsider: Outsider, taken: list[bool]) -> None:
    one = statement(id=new_id())
    same, other = {**one}, {**one, "result": {"success": True}}
    assert [post(outsider, json=told).status_code for told in (one, same, other)] == [200, 200, 409]
    assert taken[0]
    assert not taken[2]


def test_where_pages_of_other_sites_are_let_in_only_pages_go_the_long_way(
    database_url: str, tmp_path: Path, taken: list[bool]
) -> None:
    site = "https://noi-dung.example.gov.vn"
    app = create_app(replace(config_for(database_url, tmp_path), xapi_origins=frozenset({site})), wsgi.PACKAGES)
    app.testing = True
    try:
        outsider = Outsider(Make(app), "all")
        post(outsider, json=statement())
        short, long, page, other = (
            post(outsider, json=statement(), headers=headers)
            for headers in ({}, LONG, {"Origin": site}, {"Origin": "https://khac.example"})
        )
    finally:
        app.extensions["database"].dispose()
    assert taken == [False, True, False, False, False]
    assert told(short) == told(long)
    assert [answer.headers.get("Access-Control-Allow-Origin") for answer in (short, page, other)] == [None, site, None]
    assert ["Origin" in answer.vary for answer in (short, long, page, other)] == [True] * 4


def test_who_was_let_in_more_than_a_second_ago_is_looked_up_on_the_short_way(
    make: Make, outsider: Outsider, taken: list[bool]
) -> None:
    for key in [one for one in make.database.memory if one[0] in {"xapi.calm", "xapi.client"}]:
        del make.database.memory[key]
    assert post(outsider, json=statement()).status_code == 200
    assert taken == [True]


def test_a_body_that_broke_off_is_not_stored(make: Make, outsider: Outsider, taken: list[bool]) -> None:
    headers = Headers({**outsider.headers(), "Content-Type": "application/json"})
    environ = EnvironBuilder("/xapi/statements", method="POST", json=statement(), headers=headers).get_environ()
    environ["CONTENT_LENGTH"] = str(int(environ["CONTENT_LENGTH"]) + 5)
    _body, status, _headers = run_wsgi_app(make.app.wsgi_app, environ)
    assert status.startswith("400")
    assert taken == [False]
