"""State, agent profiles and activity profiles: what the standard asks of documents, in both editions.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lms.documents.models import NOBODY, UNREGISTERED, XapiDocument
from lms.documents.queries import Place, document, document_ids
from lms.web import systems
from lms.xapi.access import SCOPES
from lms.xapi.models import XapiActivity, XapiAgent
from tests.conformance.numbers import reproduces
from tests.conformance.resources import (
    ACTIVITY,
    AGENT,
    BINH,
    EDITIONS,
    NEW,
    OTHER,
    STATE,
    Resource,
    every_resource,
    stored,
)
from tests.make import Make
from tests.store import Outsider, new_id


@pytest.fixture(params=EDITIONS)
def outsider(make: Make, request: pytest.FixtureRequest) -> Outsider:
    """A client that may do everything, in each edition."""
    return Outsider(make, "all", edition=request.param)


# 4.1.6 / Comm 2.2: documents


BODIES = [
    (b'{"a": 1.0,  "b":"\\u1ec7"}', "application/json"),
    (b"[1]", "application/json; charset=utf-8"),
    (b"not json", "application/json"),
    (bytes(range(256)), "application/octet-stream"),
    ("trang 7, đang đọc dở".encode(), 'text/plain; charset="utf-8"'),
    (b"", "text/plain"),
]


@every_resource
@reproduces(
    188, 190, 192, 224, 225, 226, 228, 230, 259, 269, 273, 274, 276, 277, 282, 287, 288, 290, 293, 305, 306, 307, 311
)
def test_a_document_comes_back_byte_for_byte_with_the_type_it_had(outsider: Outsider, at: Resource) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    for body, content_type in BODIES:
        etag = stored(outsider, at, body, content_type=content_type)
        got, headed = (outsider.ask(method, at.path, at.query) for method in ("GET", "HEAD"))
        assert (got.data, got.content_type) == (body, content_type)
        assert etag == f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'  # Comm 3.1
        assert before <= parsedate_to_datetime(got.headers["Last-Modified"]) <= datetime.now(UTC)
        assert (headed.status_code, headed.data) == (200, b"")
        assert headed.headers == got.headers
        assert outsider.ask("DELETE", at.path, at.query, If_Match=etag).status_code == 204


@every_resource
@reproduces(187, 191, 271, 285, 291)
def test_a_document_that_is_not_there_is_not_found_and_removing_it_is_no_fault(
    outsider: Outsider, at: Resource
) -> None:
    for _ in range(2):
        assert outsider.ask("GET", at.path, at.query).status_code == 404
        assert outsider.ask("HEAD", at.path, at.query).status_code == 404
        assert outsider.ask("GET", at.path, at.about).get_json() == []
        assert outsider.ask("DELETE", at.path, at.query).status_code == 204
        stored(outsider, at, {"a": 1})
        assert outsider.ask("DELETE", at.path, at.query).status_code == 204


def test_asking_for_documents_makes_nothing_known_to_the_store(make: Make, outsider: Outsider) -> None:
    for at in (STATE, AGENT, ACTIVITY):
        for method in ("GET", "DELETE"):
            outsider.ask(method, at.path, at.query)
    with make.reading() as session:
        assert session.scalar(select(func.count()).select_from(XapiAgent)) == 0
        assert session.scalar(select(func.count()).select_from(XapiActivity)) == 0


@every_resource
def test_what_no_type_was_sent_for_is_octets(outsider: Outsider, at: Resource) -> None:
    """4.1.3 / Comm 1.5."""
    assert outsider.ask("PUT", at.path, at.query, b"\x00", content_type=None, **NEW).status_code == 204
    assert outsider.ask("GET", at.path, at.query).content_type == "application/octet-stream"


@every_resource
def test_a_document_about_one_thing_is_not_that_about_another(outsider: Outsider, at: Resource) -> None:
    others = [
        {**at.query, name: other}
        for name, other in (("activityId", OTHER), ("agent", BINH), (at.named, "khác"))
        if name in at.query
    ]
    queries = [at.query, *others]
    for number, query in enumerate(queries):
        assert outsider.ask("PUT", at.path, query, {"number": number}, **NEW).status_code == 204
    assert [outsider.ask("GET", at.path, query).get_json()["number"] for query in queries] == [*range(len(queries))]
    assert sorted(outsider.ask("GET", at.path, at.about).get_json()) == sorted([at.query[at.named], "khác"])
    assert outsider.ask("DELETE", at.path, at.query).status_code == 204
    assert [outsider.ask("GET", at.path, query).status_code for query in queries] == [404] + [200] * len(others)


def test_profiles_and_states_of_the_same_name_are_apart(outsider: Outsider) -> None:
    resources = [STATE, AGENT, ACTIVITY]
    queries = [{**at.about, at.named: "tên"} for at in resources]
    for at, query in zip(resources, queries, strict=True):
        outsider.ask("PUT", at.path, query, {"of": at.path}, **NEW)
    for at, query in zip(resources, queries, strict=True):
        assert outsider.ask("GET", at.path, query).get_json() == {"of": at.path}
        assert outsider.ask("GET", at.path, at.about).get_json() == ["tên"]


@every_resource
def test_an_agent_is_known_by_its_identifier_however_it_is_written(outsider: Outsider, at: Resource) -> None:
    if "agent" not in at.query:
        return
    stored(outsider, at, {"a": 1})
    written = '{ "objectType": "Agent", "name": "An", "mbox": "mailto:an@example.vn" }'
    assert outsider.ask("GET", at.path, {**at.query, "agent": written}).status_code == 200
    group = {**at.query, "agent": '{"objectType":"Group","account":{"homePage":"https://a.vn","name":"to"}}'}
    assert outsider.ask("PUT", at.path, group, {"a": 2}, **NEW).status_code == 204
    assert outsider.ask("GET", at.path, group).get_json() == {"a": 2}


# 4.1.6 / Comm 2.2: merging


@every_resource
@reproduces(183, 184, 185, 186, 189, 231, 234, 272, 279, 283, 286, 292, 308, 312)
def test_posting_json_onto_json_replaces_properties_one_level_deep(outsider: Outsider, at: Resource) -> None:
    assert outsider.ask("POST", at.path, at.query, b'{"a":{"x":1.50},"b":1e2}').status_code == 204
    assert outsider.ask("POST", at.path, at.query, b' {"c":"\\u00e1", "a":{"y": 2}} ').status_code == 204
    answer = outsider.ask("GET", at.path, at.query)
    assert answer.get_json() == {"a": {"y": 2}, "b": 100, "c": "á"}
    assert b'"b":1e2' in answer.data
    assert b'"a":{"y": 2}' in answer.data
    assert answer.content_type == "application/json"
    assert answer.headers["ETag"] == f'"{hashlib.sha1(answer.data, usedforsecurity=False).hexdigest()}"'


REFUSED_MERGES: list[tuple[bytes, str, bytes, str, str]] = [
    (b'{"a":1}', "application/json", b"x", "text/plain", "Content-Type"),
    (b'{"a":1}', "application/json", b'{"b":2}', "text/plain", "Content-Type"),
    (b'{"a":1}', "text/plain", b'{"b":2}', "application/json", "Content-Type"),
    (b'{"a":1}', "application/json", b'{"b":2', "application/json", "body"),
    (b'{"a":1}', "application/json", b'[{"b":2}]', "application/json", "body"),
    (b'{"a":1}', "application/json", b"null", "application/json", "body"),
    (b'{"a":1}', "application/json", b'{"b":2,"b":3}', "application/json", "body.b"),
    (b'{"a":1}', "application/json", b"[" * 100_000, "application/json", "body"),
    (b'{"a":1}', "application/json", b'{"b":"\xff"}', "application/json", "body"),
    (b"[1]", "application/json", b'{"b":2}', "application/json", "document"),
    (b"{", "application/json", b'{"b":2}', "application/json", "document"),
]


@every_resource
@reproduces(229, 232, 235, 278, 281, 284, 309, 313, 314)
def test_what_cannot_be_merged_is_refused_with_the_reason_and_changes_nothing(outsider: Outsider, at: Resource) -> None:
    for before, its_type, given, given_type, where in REFUSED_MERGES:
        etag = stored(outsider, at, before, content_type=its_type)
        answer = outsider.ask("POST", at.path, at.query, given, content_type=given_type)
        assert answer.status_code == 400, given
        assert answer.get_json()["error"].startswith(f"{where}: ")
        assert outsider.ask("GET", at.path, at.query).data == before
        outsider.ask("DELETE", at.path, at.query, If_Match=etag)


@every_resource
@reproduces(233, 280, 310)
def test_posting_where_nothing_stands_stores_what_came_if_it_is_what_it_says(outsider: Outsider, at: Resource) -> None:
    assert outsider.ask("POST", at.path, at.query, b'{"a":').status_code == 400
    assert outsider.ask("GET", at.path, at.query).status_code == 404
    assert outsider.ask("POST", at.path, at.query, b'{"a":', content_type="text/plain").status_code == 204
    assert outsider.ask("GET", at.path, at.query).data == b'{"a":'


def test_a_document_does_not_grow_beyond_what_may_be_sent_at_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lms.documents.views.LARGEST_BODY", 1000)
    outsider = Outsider(make, "state")
    assert outsider.ask("POST", STATE.path, STATE.query, {"a": "x" * 600}).status_code == 204
    answer = outsider.ask("POST", STATE.path, STATE.query, {"b": "x" * 600})
    assert (answer.status_code, "1000 bytes" in answer.get_json()["error"]) == (413, True)
    assert outsider.ask("GET", STATE.path, STATE.query).get_json() == {"a": "x" * 600}


def test_a_body_above_the_limit_is_refused(make: Make) -> None:
    outsider = Outsider(make, "state")
    large = b"x" * (systems.LARGEST_BODY + 1)
    assert outsider.ask("PUT", STATE.path, STATE.query, large, content_type="text/plain").status_code == 413
    assert outsider.ask("GET", STATE.path, STATE.query).status_code == 404


# 4.1.6.2 / Comm 2.3: registrations, lists, and removing all


@reproduces(193, 194, *range(216, 221), 227)
def test_a_registration_keeps_states_apart_and_without_one_all_are_listed_and_removed(outsider: Outsider) -> None:
    first, second = new_id(), new_id()

    def ask(method: str, body: Any = None, **query: str) -> TestResponse:
        headers = NEW if method == "PUT" else {}
        return outsider.ask(method, STATE.path, {**STATE.about, **query}, body, **headers)

    ask("PUT", {"of": "none"}, stateId="trang")
    ask("PUT", {"of": "first"}, stateId="trang", registration=first)
    ask("PUT", {"of": "second"}, stateId="khác", registration=second)
    assert ask("GET", stateId="trang").get_json() == {"of": "none"}
    assert ask("GET", stateId="trang", registration=first.upper()).get_json() == {"of": "first"}
    assert ask("GET", stateId="trang", registration=second).status_code == 404
    assert ask("GET", stateId="khác").status_code == 404
    assert ask("GET", registration=second).get_json() == ["khác"]
    assert sorted(ask("GET").get_json()) == ["khác", "trang"]
    assert ask("DELETE", registration=first).status_code == 204
    assert ask("GET", stateId="trang", registration=first).status_code == 404
    assert sorted(ask("GET").get_json()) == ["khác", "trang"]
    assert ask("DELETE").status_code == 204
    assert ask("GET").get_json() == []


def test_removing_all_states_takes_no_condition_and_reaches_nobody_else(outsider: Outsider) -> None:
    others = [{**STATE.query, "agent": BINH}, {**STATE.query, "activityId": OTHER}]
    for query in (STATE.query, *others):
        outsider.ask("PUT", STATE.path, query, {"a": 1}, **NEW)
    profile = stored(outsider, AGENT, {"a": 1})
    answer = outsider.ask("DELETE", STATE.path, STATE.about, If_Match="*")
    assert (answer.status_code, answer.get_json()["error"][:9]) == (400, "If-Match:")
    assert outsider.ask("DELETE", STATE.path, STATE.about).status_code == 204
    assert outsider.ask("GET", STATE.path, STATE.query).status_code == 404
    assert [outsider.ask("GET", STATE.path, query).status_code for query in others] == [200, 200]
    assert outsider.ask("GET", AGENT.path, AGENT.query).headers["ETag"] == profile


@every_resource
@reproduces(141, 195, 221, 222, 268, 270, 275, 289, 294, 303)
def test_since_lists_what_was_changed_after_it_and_the_list_says_when_the_latest_was(
    make: Make, outsider: Outsider, at: Resource
) -> None:
    ids = ["một", "hai", "ba"]
    for name in ids:
        outsider.ask("PUT", at.path, {**at.query, at.named: name}, {"a": 1}, **NEW)
    with make.reading() as session:
        when = dict(session.execute(select(XapiDocument.document_id, XapiDocument.updated_at)).all())

    def listed(since: str) -> list[str]:
        return sorted(outsider.ask("GET", at.path, {**at.about, "since": since}).get_json())

    assert listed("2020-01-01T00:00:00Z") == sorted(ids)
    assert listed(when["một"].isoformat()) == ["ba", "hai"]  # not that of the moment itself
    assert listed(when["ba"].isoformat()) == []
    outsider.ask("POST", at.path, {**at.query, at.named: "một"}, {"b": 1})
    assert listed(when["ba"].isoformat()) == ["một"]
    whole = outsider.ask("GET", at.path, at.about)
    newest = outsider.ask("GET", at.path, {**at.query, at.named: "một"})
    assert whole.headers["Last-Modified"] == newest.headers["Last-Modified"]
    assert whole.content_type == "application/json"


# 4.1.5 / Comm 4.2: who may


@every_resource
def test_each_scope_opens_the_documents_it_names(make: Make, at: Resource) -> None:
    etag = stored(Outsider(make, "all"), at, {"a": 1})
    for scope in SCOPES:
        outsider = Outsider(make, scope)
        reads = scope in {at.scope, "all/read", "all"}
        for method in ("GET", "HEAD"):
            assert outsider.ask(method, at.path, at.query).status_code == (200 if reads else 403), scope
        assert outsider.ask("GET", at.path, at.about).status_code == (200 if reads else 403), scope
        for method, body in (("PUT", {"a": 1}), ("POST", {"a": 1}), ("DELETE", None)):
            writes = scope in {at.scope, "all"}
            answer = outsider.ask(method, at.path, at.query, body, If_Match='"x"')
            assert answer.status_code == (412 if writes else 403), (scope, method)
    assert outsider.ask("GET", at.path, at.query).headers["ETag"] == etag


@every_resource
def test_documents_are_those_of_what_they_are_about_whichever_client_brought_them(make: Make, at: Resource) -> None:
    """4.1.6 / Comm 2.2: the standard shares them; a second player continues where the first left off."""
    first, second = Outsider(make, at.scope), Outsider(make, at.scope)
    stored(first, at, {"a": 1})
    assert second.ask("POST", at.path, at.query, {"b": 2}).status_code == 204
    assert first.ask("GET", at.path, at.query).get_json() == {"a": 1, "b": 2}
    assert second.ask("GET", at.path, at.about).get_json() == [at.query[at.named]]


@every_resource
def test_nobody_unknown_reads_or_writes_a_document(make: Make, outsider: Outsider, at: Resource) -> None:
    stored(outsider, at, {"a": 1})
    outsider.secret = "wrong"
    for method, body in (("GET", None), ("PUT", {"a": 2}), ("POST", {"a": 2}), ("DELETE", None)):
        answer = outsider.ask(method, at.path, at.query, body)
        assert answer.status_code == 401
        assert "WWW-Authenticate" not in answer.headers
        learner = make.browser(make.person()).client.open(
            f"/xapi/{at.path}",
            method=method,
            query_string=at.query,
            headers={"X-Experience-API-Version": outsider.edition},
        )
        assert learner.status_code == 401


def test_a_document_that_is_a_page_runs_nothing_in_a_browser(make: Make) -> None:
    outsider = Outsider(make, "state")
    page = b"<script>alert(1)</script>"
    assert outsider.ask("PUT", STATE.path, STATE.query, page, content_type="text/html").status_code == 204
    answer = outsider.ask("GET", STATE.path, STATE.query)
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# The table


def test_every_look_up_walks_the_one_key_of_the_table(make: Make) -> None:
    """Nothing is scanned and nothing sorted, whatever is asked for; PostgreSQL is kept from scanning what is small."""
    state = Place("state", 1, 2, None)
    asked: list[Callable[[Session], Any]] = [
        lambda session: document(session, state, "trang"),
        lambda session: document(session, state._replace(registration=UUID(int=7)), "trang"),
        lambda session: document_ids(session, state, since=None),
        lambda session: document_ids(session, state._replace(registration=UUID(int=7)), since=datetime.now(UTC)),
        lambda session: document_ids(session, Place("agent", NOBODY, 2, None), since=None),
        lambda session: document_ids(session, Place("activity", 1, NOBODY, None), since=datetime.now(UTC)),
    ]
    with make.reading() as session:
        sqlite = session.get_bind().dialect.name == "sqlite"
        if not sqlite:
            session.execute(text("SET LOCAL enable_seqscan = off"))
        for ask in asked:
            plan = "\n".join(plan_of(session, ask))
            assert ("SEARCH xapi_document USING INDEX" if sqlite else "pk_xapi_document") in plan
            assert "agent_id" in plan
            assert "SCAN" not in plan
            assert "Seq Scan" not in plan


def plan_of(session: Session, ask: Callable[[Session], Any]) -> list[str]:
    """How the database goes about the one query this makes."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        sent.append((statement, parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    ask(session)
    event.remove(engine, "before_cursor_execute", note)
    statement, parameters = sent[-1]  # the first begins the transaction
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    return [str(row[-1]) for row in session.connection().exec_driver_sql(f"{explain} {statement}", parameters)]


def test_the_table_refuses_a_document_that_is_about_the_wrong_things(make: Make) -> None:
    wrong = [("state", 1, 0), ("state", 0, 1), ("agent", 1, 1), ("activity", 1, 1), ("activity", 0, 0), ("other", 1, 1)]
    for kind, activity, agent in wrong:
        with pytest.raises(IntegrityError), make.writing() as session:
            session.add(
                XapiDocument(
                    kind=kind,
                    activity_id=activity,
                    agent_id=agent,
                    registration=UNREGISTERED,
                    document_id="x",
                    content_type="a/b",
                    etag="x",
                    updated_at=datetime.now(UTC),
                    contents=b"",
                )
            )
