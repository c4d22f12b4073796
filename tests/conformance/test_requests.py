"""What the standard asks of requests and answers: versions, methods, parameters, headers, the form of errors.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import wsgi
from lms.app import create_app
from lms.clock import now
from lms.xapi.vocabulary import VOIDED
from tests.conformance.numbers import reproduces
from tests.conformance.resources import ACTIVITY, AGENT, AN, NEW, STATE
from tests.make import Make
from tests.store import Outsider, new_id, statement

VERSION = "X-Experience-API-Version"
THROUGH = "X-Experience-API-Consistent-Through"
PREFLIGHT = {"Origin": "https://example.vn", "Access-Control-Request-Method": "PUT"}


@pytest.fixture
def outsider(make: Make) -> Outsider:
    """A client that may do everything."""
    return Outsider(make, "all")


# 4.1.2 / Comm 3.3: versions


VERSIONS: list[tuple[str | None, int, str]] = [
    ("1.0", 200, "1.0.3"),
    ("1.0.0", 200, "1.0.3"),
    ("1.0.3", 200, "1.0.3"),
    ("1.0.99", 200, "1.0.3"),
    ("2.0", 200, "2.0.0"),
    ("2.0.0", 200, "2.0.0"),
    ("2.0.1", 200, "2.0.0"),
    ("0.95", 400, "1.0.3"),
    ("1.1.0", 400, "1.0.3"),
    ("1.0.x", 400, "1.0.3"),
    ("2.1.0", 400, "1.0.3"),
    ("3.0.0", 400, "1.0.3"),
    ("", 400, "1.0.3"),
    (None, 400, "1.0.3"),
]


@reproduces(321, 331, 333)
def test_a_request_names_a_version_and_the_answer_names_the_one_it_follows(outsider: Outsider) -> None:
    for asked, status, answered in VERSIONS:
        headers = {name: value for name, value in outsider.headers().items() if name != VERSION}
        if asked is not None:
            headers[VERSION] = asked
        for answer in (
            outsider.client.get("/xapi/statements", headers=headers),
            outsider.client.post("/xapi/statements", json=statement(), headers=headers),
            outsider.client.put(f"/xapi/statements?statementId={new_id()}", json=statement(), headers=headers),
        ):
            assert (answer.status_code == 204 and status == 200) or answer.status_code == status, asked
            assert answer.headers[VERSION] == answered, asked
            assert THROUGH in answer.headers


def test_the_version_of_answers_to_requests_without_one_is_a_setting(make: Make) -> None:
    config = replace(make.database.config, xapi_default_version="2.0.0")
    app: Flask = create_app(config, wsgi.PACKAGES)
    answers = [app.test_client().get(path) for path in ("/xapi/about", "/xapi/statements", "/xapi/nowhere")]
    assert [one.headers[VERSION] for one in answers] == ["2.0.0"] * 3
    assert [one.status_code for one in answers] == [200, 400, 404]
    app.extensions["database"].dispose()


@reproduces(*range(315, 320))
def test_about_needs_neither_version_nor_credentials(make: Make) -> None:
    """4.1.6.7 / Comm 2.8."""
    answer = make.app.test_client().get("/xapi/about")
    assert answer.status_code == 200
    assert answer.get_json() == {"version": ["1.0.3", "2.0.0"]}
    assert make.app.test_client().head("/xapi/about").status_code == 200


@reproduces(140)
def test_every_resource_of_the_standard_is_there(outsider: Outsider) -> None:
    """4.1.6.1 / Comm 2.1, and what stands beside it."""
    places = [("statements", {}), ("about", {}), ("activities", {"activityId": "x:y"}), ("agents", {"agent": AN})]
    for path, query in [*places, *((one.path, one.about) for one in (STATE, AGENT, ACTIVITY))]:
        assert outsider.ask("GET", path, query).status_code == 200, path


# 4.1.1 / Comm 1.1: HEAD


@reproduces(125, 126)
def test_head_answers_as_get_does_without_the_body(outsider: Outsider) -> None:
    queries: list[dict[str, str]] = [{}, {"limit": "1"}, {"statementId": new_id()}, {"unknown": "1"}]
    for query in queries:
        got = outsider.get(**query)
        headed = outsider.client.head("/xapi/statements", query_string=query, headers=outsider.headers())
        assert headed.status_code == got.status_code
        assert headed.data == b""
        assert list(headed.headers.keys()) == list(got.headers.keys())


# 4.1.7 / Comm 3.2: parameters and errors


ILL_FORMED = [
    "foo=1",
    "Verb=x:y",
    "statementid=7ccd3322-e1a5-411a-a67d-6a735c76f119",
    "limit=-1",
    "limit=1.5",
    "limit=all",
    "limit=1e9",
    f"limit={'9' * 40}",
    "limit=１",
    "since=yesterday",
    "until=2026-03-01",
    "since=2026-03-01T00:00:00-00:00",
    "ascending=yes",
    "ascending=TRUE",
    "related_agents=1",
    "related_activities=",
    "attachments=maybe",
    "format=full",
    "verb=completed",
    "activity=bai-1",
    "registration=1",
    "agent=",
    "agent=mailto:a@b.vn",
    "agent={}",
    "agent=[]",
    'agent={"mbox":"a@b.vn"}',
    'agent={"objectType":"Group","member":[{"mbox":"mailto:a@b.vn"}]}',
    'agent={"mbox":"mailto:a@b.vn","mbox":"mailto:c@d.vn"}',
    "limit=1&limit=2",
    "statementId=1",
    "voidedStatementId=",
    "more=abc",
]


@reproduces(12, 324, 325)
def test_a_parameter_that_is_unknown_or_ill_formed_is_refused_with_its_name(outsider: Outsider) -> None:
    for query in ILL_FORMED:
        answer = outsider.get(f"/xapi/statements?{query}")
        assert answer.status_code == 400, query
        assert answer.get_json()["error"].startswith(query.partition("=")[0])


def test_a_time_among_the_parameters_keeps_the_rule_of_its_edition(outsider: Outsider) -> None:
    """4.2.7 / Data 4.5: 2.0 takes RFC 3339, 1.0.3 takes more of ISO 8601."""
    without_seconds = {"since": "2026-03-01T08:30"}
    places = [("statements", {}), *((one.path, one.about) for one in (STATE, AGENT, ACTIVITY))]
    for edition, status in (("1.0.3", 200), ("2.0.0", 400)):
        outsider.edition = edition
        for path, about in places:
            assert outsider.ask("GET", path, {**about, **without_seconds}).status_code == status, (edition, path)


ONE = "7ccd3322-e1a5-411a-a67d-6a735c76f119"
FILTERS = {
    "agent": '{"mbox":"mailto:a@b.vn"}',
    "verb": "x:y",
    "activity": "x:y",
    "registration": ONE,
    "related_activities": "true",
    "related_agents": "false",
    "since": "2026-03-01T00:00:00Z",
    "until": "2026-03-01T00:00:00Z",
    "limit": "1",
    "ascending": "true",
}


@pytest.mark.parametrize("single", ["statementId", "voidedStatementId"])
@reproduces(150, 151)
def test_a_single_statement_goes_with_no_filter(outsider: Outsider, single: str) -> None:
    """4.1.6.1 / Comm 2.1.3."""
    for name, value in FILTERS.items():
        assert outsider.get(**{single: ONE, name: value}).status_code == 400
    for name, value in (("format", "ids"), ("attachments", "false")):
        assert outsider.get(**{single: ONE, name: value}).status_code == 404
    assert outsider.get(statementId=ONE, voidedStatementId=ONE).status_code == 400


@reproduces(149, 165, 166, *range(173, 182))
def test_all_filters_together_find_nothing_and_say_so(outsider: Outsider) -> None:
    answer = outsider.get(**FILTERS)
    assert answer.status_code == 200
    assert answer.get_json() == {"statements": [], "more": ""}
    assert answer.content_type == "application/json"


@reproduces(144, 145, 147)
def test_put_takes_one_parameter_and_post_takes_none(outsider: Outsider) -> None:
    headers = outsider.headers()
    for path in ("/xapi/statements", f"/xapi/statements?statementId={ONE}&x=1", f"/xapi/statements?StatementId={ONE}"):
        assert outsider.client.put(path, json=statement(), headers=headers).status_code == 400
    assert (
        outsider.client.post(f"/xapi/statements?statementId={ONE}", json=statement(), headers=headers).status_code
        == 400
    )


@reproduces(323)
def test_statements_are_refused_by_codes_the_standard_names_and_each_by_its_own(make: Make, outsider: Outsider) -> None:
    """4.1.7 / Comm 3.2."""
    reader, wrong, unknown = Outsider(make, "all/read"), Outsider(make, "all"), Outsider(make, "all")
    wrong.secret, unknown.key = "x" * 43, "x" * 20
    [sent] = outsider.post(statement()).get_json()
    other = statement(id=sent, actor={"mbox": "mailto:binh@example.vn"})
    void = statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": sent})
    refused = [
        (outsider, b"{", 400),
        (outsider, b"", 400),
        (wrong, statement(), 401),
        (unknown, statement(), 401),
        (reader, statement(), 403),
        (Outsider(make, "all"), void, 403),
        (outsider, other, 409),
        (outsider, b" " * 10_000_001, 413),
    ]
    for client, body, status in refused:
        answer = client.post(body)
        assert answer.status_code == status, answer.text
        assert answer.get_json()["error"]
        if isinstance(body, dict):
            assert client.put(body.get("id", new_id()), body).status_code == status


CONTENT_TYPES = [
    ("application/json", 200),
    ("application/json; charset=utf-8", 200),
    ("Application/JSON", 200),
    ("text/plain", 400),
    ("application/x-www-form-urlencoded", 400),
    ("multipart/form-data; boundary=x", 400),
    ("", 400),
]


def test_the_type_of_the_content_is_that_of_the_header(outsider: Outsider) -> None:
    """4.1.3 / Comm 1.5."""
    body, headers = json.dumps(statement()), outsider.headers()
    for content_type, status in CONTENT_TYPES:
        answer = outsider.client.post("/xapi/statements", data=body, content_type=content_type, headers=headers)
        assert answer.status_code == status, content_type


@reproduces(127)
def test_an_attachment_sent_without_its_data_says_where_they_are(outsider: Outsider) -> None:
    """4.1.3 / Comm 1.5.2."""
    paper = {"usageType": "x:y", "display": {}, "contentType": "text/plain", "length": 1, "sha2": "a" * 64}
    assert outsider.post(statement(attachments=[paper])).status_code == 400
    assert outsider.post(statement(attachments=[{**paper, "fileUrl": "https://example.vn/x"}])).status_code == 200


@reproduces(167)
def test_asked_for_attachments_the_store_answers_in_parts(outsider: Outsider) -> None:
    """4.1.6.1 / Comm 2.1.3."""
    [sent] = outsider.post(statement()).get_json()
    for query in ({"statementId": sent}, {}):
        answer = outsider.get(**query, attachments="true")
        kind, boundary = answer.content_type.split("; boundary=")
        assert kind == "multipart/mixed"
        empty, part, end = answer.data.split(f"--{boundary}".encode())
        assert (empty, end) == (b"", b"--\r\n")
        head, body = part.split(b"\r\n\r\n", 1)
        assert head.strip() == b"Content-Type: application/json"
        assert json.loads(body) == outsider.get(**query).get_json()


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "TRACE", "BREW"])
def test_other_methods_and_addresses_are_refused_in_json(outsider: Outsider, method: str) -> None:
    answer = outsider.client.open("/xapi/statements", method=method, headers=outsider.headers())
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST, PUT"
    for path in ("activities", "agents", "about"):
        assert outsider.ask(method, path, {}).headers["Allow"] == "GET, HEAD"
    for path, more in (("statements", ", POST, PUT"), ("agents/profile", ", POST, PUT, DELETE"), ("agents", "")):
        told = outsider.ask("OPTIONS", path, {})
        assert (told.status_code, told.headers["Allow"]) == (204, f"GET, HEAD{more}")
    missing = outsider.client.open("/xapi/statement", method=method, headers=outsider.headers())
    assert missing.status_code == (404 if method in {"DELETE", "PATCH"} else 405)
    for one in (answer, missing):
        assert one.get_json()["error"]
        assert one.headers[VERSION] == "1.0.3"


# 4.1.6.1 / Comm 2.1: headers of answers


@reproduces(156, 158)
def test_a_single_statement_says_when_it_was_stored(outsider: Outsider) -> None:
    [sent] = outsider.post(statement()).get_json()
    answer = outsider.get(statementId=sent)
    stored = datetime.fromisoformat(answer.get_json()["stored"])
    assert parsedate_to_datetime(answer.headers["Last-Modified"]) == stored.replace(microsecond=0)


@reproduces(153, 160)
def test_consistent_through_is_recent_and_reaches_what_has_been_stored(outsider: Outsider) -> None:
    before = now()
    [sent] = outsider.post(statement()).get_json()
    stored = datetime.fromisoformat(outsider.get(statementId=sent).get_json()["stored"])
    through = datetime.fromisoformat(outsider.get().headers[THROUGH])
    assert before < stored < through <= datetime.now(UTC)


@reproduces(139, 143, 146)
def test_post_answers_with_ids_and_put_with_nothing(outsider: Outsider) -> None:
    single, batch = outsider.post(statement()), outsider.post([statement()])
    assert (len(single.get_json()), len(batch.get_json())) == (1, 1)
    assert single.content_type == "application/json"
    answer = outsider.put(new_id(), statement())
    assert (answer.status_code, answer.data) == (204, b"")


# Comm 1.3: the alternate syntax, of 1.0.x only


def alternate(outsider: Outsider, method: str, **fields: str) -> int:
    return alternate_answer(outsider, method, **fields).status_code


def alternate_answer(outsider: Outsider, method: str, *, version: str = "", **fields: str) -> TestResponse:
    """The answer to a form; `version` is that of the header."""
    headers = {name: value for name, value in outsider.headers().items() if name == "Authorization"}
    return outsider.client.post(
        f"/xapi/statements?method={method}",
        data=urlencode({**headers, VERSION: "1.0.3", **fields}),
        content_type="application/x-www-form-urlencoded",
        headers={VERSION: version} if version else None,
    )


def test_head_sent_as_a_form_answers_without_a_body(outsider: Outsider) -> None:
    outsider.put(ONE, statement())
    for fields, status in (({"statementId": ONE}, 200), ({"limit": "1"}, 200), ({"statementId": new_id()}, 404)):
        answer, told = (alternate_answer(outsider, method, **fields) for method in ("HEAD", "GET"))
        assert (answer.status_code, answer.data) == (status, b"")
        assert (told.status_code, told.data == b"") == (status, False)
        assert answer.content_type == told.content_type
        assert answer.headers.get("Last-Modified") == told.headers.get("Last-Modified")


def test_a_form_under_a_header_of_2_0_is_refused_whatever_it_says_itself(outsider: Outsider) -> None:
    answer = alternate_answer(outsider, "GET", version="2.0.0", limit="1")
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "method: is no parameter of xAPI 2.0"
    assert alternate_answer(outsider, "GET", version="1.0.0", limit="1").status_code == 200


@reproduces(148, 336)
def test_a_form_sent_by_post_stands_for_any_request(outsider: Outsider) -> None:
    content = json.dumps(statement())
    assert alternate(outsider, "PUT", statementId=ONE, content=content) == 204
    assert alternate(outsider, "GET", statementId=ONE.upper()) == 200
    assert alternate(outsider, "POST", content=content) == 200
    assert alternate(outsider, "GET", limit="1") == 200
    assert len(outsider.ids()) == 2


def test_a_form_is_held_to_the_same_rules(outsider: Outsider) -> None:
    content = json.dumps(statement())
    assert alternate(outsider, "PUT", statementId=ONE) == 400
    assert alternate(outsider, "PUT", content=content) == 400
    assert alternate(outsider, "PUT", statementId=ONE, content="{") == 400
    assert alternate(outsider, "GET", limit="x") == 400
    assert alternate(outsider, "BREW") == 400
    assert alternate(outsider, "DELETE") == 405
    assert alternate(outsider, "GET", Authorization="Basic eDp5") == 401
    assert alternate(outsider, "GET", **{VERSION: "0.8"}) == 400
    assert alternate(outsider, "GET", **{VERSION: "2.0.0"}) == 400
    assert alternate(outsider, "GET&limit=1") == 400
    assert alternate(outsider, "POST", content=content, **{"Content-Type": "text/plain"}) == 400
    assert alternate(outsider, "POST", content=content, **{"Content-Type": "application/json;\r\nX: y"}) == 400
    assert outsider.ids() == []


def test_a_method_parameter_is_refused_outside_a_post(outsider: Outsider) -> None:
    headers = outsider.headers()
    assert outsider.client.put("/xapi/statements?method=POST", json=statement(), headers=headers).status_code == 400
    assert outsider.client.get("/xapi/statements?method=GET", headers=headers).status_code == 400


def test_an_answer_without_a_body_names_no_type_of_it(outsider: Outsider) -> None:
    answers = [outsider.put(new_id(), statement()), outsider.client.options("/xapi/statements", headers=PREFLIGHT)]
    for at in (STATE, AGENT, ACTIVITY):
        answers += [outsider.ask("POST", at.path, at.query, {"a": 1}), outsider.ask("DELETE", at.path, at.query)]
        answers.append(outsider.ask("PUT", at.path, at.query, {"a": 1}, **NEW))
    for answer in answers:
        assert (answer.status_code, answer.data) == (204, b"")
        assert "Content-Type" not in answer.headers
