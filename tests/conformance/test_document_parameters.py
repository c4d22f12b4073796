"""Parameters, types and methods of requests for documents, and the alternate syntax.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from tests.conformance.numbers import reproduces
from tests.conformance.resources import ACTIVITY, AN, EDITIONS, NEW, STATE, Resource, every_resource
from tests.make import Make
from tests.store import Outsider, new_id


@pytest.fixture(params=EDITIONS)
def outsider(make: Make, request: pytest.FixtureRequest) -> Outsider:
    """A client that may do everything, in each edition."""
    return Outsider(make, "all", edition=request.param)


# 4.1.7 / Comm 3.2: parameters

LONG = "x" * 2001
WRONG_VALUES = {
    "activityId": ["", "bai-1", "https://a b", f"x:{LONG}"],
    "agent": ["", "an", "true", "[]", "{}", '{"mbox":"an"}', '{"mbox":"mailto:a@b.vn","openid":"x:y"}', "[" * 5000],
    "registration": ["", "1", "true", "7ccd3322e1a5411aa67d6a735c76f119"],
    "stateId": ["", "a\0b", LONG, "ệ" * 700],
    "profileId": ["", "a\0b", LONG, "ệ" * 700],
    "since": ["", "yesterday", "true", "2026-03-01", "2026-03-01T24:00:00Z"],
}


@every_resource
@reproduces(*range(196, 216), 223, *range(255, 259), *range(260, 268), *range(295, 303), 304)
def test_a_parameter_that_is_missing_unknown_or_ill_formed_is_refused_with_its_name(
    outsider: Outsider, at: Resource
) -> None:
    listing = {**at.about, "since": "2026-03-01T00:00:00Z"}
    cases: list[tuple[str, dict[str, str], str]] = []
    for method in ("GET", "PUT", "POST", "DELETE"):
        needed = at.about if method == "GET" or (method == "DELETE" and at is STATE) else at.query
        cases += [(method, {k: v for k, v in at.query.items() if k != name}, name) for name in needed]
        cases += [
            (method, {**at.query, "foo": "1"}, "foo"),
            (method, {**at.query, at.named.lower(): "1"}, at.named.lower()),
        ]
        cases += [(method, {**at.query, "since": listing["since"]}, "since")]
        known = (*at.query, *(("registration",) if at is STATE else ()))
        cases += [(method, {**at.query, name: value}, name) for name in known for value in WRONG_VALUES[name]]
    cases += [("GET", {**listing, "since": value}, "since") for value in WRONG_VALUES["since"]]
    if at is STATE:
        cases += [("DELETE", listing, "since")]
    else:
        cases += [("GET", {**at.query, "registration": new_id()}, "registration")]
    if at is ACTIVITY:
        cases += [("GET", {**at.query, "agent": value}, "agent") for value in (AN, "an")]
    for method, query, wrong in cases:
        body = {"a": 1} if method in {"PUT", "POST"} else None
        answer = outsider.ask(method, at.path, query, body, **(NEW if method == "PUT" else {}))
        assert answer.status_code == 400, (method, query)
        assert answer.get_json()["error"].startswith(wrong), (method, query, answer.text)


@every_resource
def test_an_id_may_be_any_text_up_to_two_thousand_bytes(outsider: Outsider, at: Resource) -> None:
    for name in ("x" * 2000, "https://example.vn/a?b=c&d", " ", "ệ", "ê\u0323", '"', "%00", "😀"):
        query = {**at.query, at.named: name}
        assert outsider.ask("PUT", at.path, query, {"name": name}, **NEW).status_code == 204
        assert outsider.ask("GET", at.path, query).get_json() == {"name": name}


@pytest.mark.parametrize("content_type", ["text", "text/plain; x=\x80", "a/b;" + "x" * 300, "a/b; x=\tb"])
def test_a_type_that_could_not_be_sent_back_is_refused(outsider: Outsider, content_type: str) -> None:
    answer = outsider.ask("POST", STATE.path, STATE.query, b"x", content_type=content_type)
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith("Content-Type: ")


@every_resource
def test_other_methods_are_refused_in_json(outsider: Outsider, at: Resource) -> None:
    answer = outsider.ask("PATCH", at.path, at.query, {"a": 1})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST, PUT, DELETE"
    assert answer.get_json()["error"] == "PATCH is no method of this resource"
    assert answer.headers["X-Experience-API-Version"] == outsider.edition


# Comm 1.3: the alternate syntax, of 1.0.x only


@every_resource
def test_a_form_sent_by_post_stands_for_any_request_of_1_0(make: Make, at: Resource) -> None:
    outsider = Outsider(make, "all")
    own = outsider.headers()

    def send(method: str, **fields: str) -> TestResponse:
        return outsider.client.post(
            f"/xapi/{at.path}?method={method}",
            data=urlencode({**own, **at.query, **fields}),
            content_type="application/x-www-form-urlencoded",
        )

    put = {"content": '{"a":1}', "If-None-Match": "*"}
    assert send("PUT", **put).status_code == 204
    assert send("PUT", **put).status_code == 412
    assert send("POST", content='{"b":2}').status_code == 204
    assert send("GET").get_json() == {"a": 1, "b": 2}
    assert send("DELETE", **{"If-Match": '"x"'}).status_code == 412
    assert send("GET", **{"If-None-Match": send("GET").headers["ETag"]}).status_code == 304
    assert send("DELETE").status_code == 204
    assert send("GET").status_code == 404
    note = {"content": "đọc dở", "Content-Type": "text/plain"}
    assert send("PUT", **{"If-None-Match": "*"}, **note).status_code == 204
    assert (send("GET").data.decode(), send("GET").content_type) == ("đọc dở", "text/plain")
    assert send("POST", content="x", **{"Content-Type": "text/plain\r\nSet-Cookie: a=b"}).status_code == 400
    assert send("PUT", content="x", **{"X-Experience-API-Version": "2.0.0"}).status_code == 400
