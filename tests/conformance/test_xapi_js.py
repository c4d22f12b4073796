"""A client nobody here wrote, @xapi/xapi for Node, uses all resources of the store over a real connection.

It speaks through axios or through fetch: each once, each with another edition of the standard.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.resources import LESSON, OTHER
from tests.foreign import Foreign, foreign, in_base64
from tests.make import Make
from tests.store import VERBS, Outsider, new_id, paper, statement

pytestmark = pytest.mark.node

AN = {"mbox": "mailto:an@example.vn"}
BINH = {"mbox": "mailto:binh@example.vn"}
DATA = "Giấy chứng nhận".encode()
ADAPTERS = [("axios", "1.0.3"), ("fetch", "2.0.0")]
with_fetch = pytest.mark.parametrize("spoken", [("fetch", "1.0.3"), ("fetch", "2.0.0")], ids="/".join)


@pytest.fixture(params=ADAPTERS, ids="/".join)
def spoken(request: pytest.FixtureRequest) -> tuple[str, str]:
    """How the client sends its requests, and the edition it speaks."""
    found: tuple[str, str] = request.param
    return found


@pytest.fixture
def outsider(make: Make, spoken: tuple[str, str]) -> Outsider:
    """Whose key the client has; the tests look with it what the store holds."""
    return Outsider(make, "all", edition=spoken[1])


@pytest.fixture
def xapi(outsider: Outsider, spoken: tuple[str, str]) -> Iterator[Foreign]:
    """The store as @xapi/xapi sees it."""
    with foreign(outsider, "xapi.mjs", adapter=spoken[0]) as client:
        yield client


def said(outcome: dict[str, Any]) -> str:
    """What a refusal says: axios has read its JSON, with fetch it is text."""
    told = outcome["error"]
    return str((json.loads(told) if isinstance(told, str) else told)["error"])


def ids(answer: dict[str, Any]) -> list[str]:
    return [one["id"] for one in answer["statements"]]


def test_it_reads_which_editions_are_spoken(xapi: Foreign) -> None:
    assert xapi.done("getAbout", {})["version"] == ["1.0.3", "2.0.0"]


def test_a_statement_it_sends_is_kept_and_read_again(xapi: Foreign, outsider: Outsider) -> None:
    sent = statement(result={"score": {"scaled": 0.75}, "duration": "PT1M"}, timestamp="2026-05-01T08:00:00+07:00")
    [made] = xapi.done("sendStatement", {"statement": sent})
    kept = outsider.get(statementId=made).get_json()
    assert {name: kept[name] for name in sent} == sent
    assert kept["authority"]["account"]["name"] == outsider.key
    assert xapi.done("getStatement", {"statementId": made}) == kept
    short = xapi.done("getStatement", {"statementId": made, "format": "ids"})
    assert short["verb"] == {"id": sent["verb"]["id"]}


def test_it_finds_statements_by_every_filter(xapi: Foreign, outsider: Outsider) -> None:
    registration = str(uuid.uuid4())
    context = {"instructor": BINH, "registration": registration, "contextActivities": {"parent": [{"id": OTHER}]}}
    sent = [
        statement(id=new_id(), object={"id": LESSON}),
        statement(id=new_id(), object={"id": OTHER}, actor=BINH),
        statement(id=new_id(), object={"id": LESSON}, verb={"id": f"{VERBS}passed"}, context=context),
    ]
    first, second, third = xapi.done("sendStatements", {"statements": sent})
    assert [first, second, third] == [one["id"] for one in sent] == outsider.ids(ascending="true")
    moment = outsider.get(statementId=first).get_json()["stored"]
    questions: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [third, second, first]),
        ({"ascending": True}, [first, second, third]),
        ({"agent": AN}, [third, first]),
        ({"agent": BINH, "related_agents": True}, [third, second]),
        ({"verb": f"{VERBS}passed"}, [third]),
        ({"activity": OTHER}, [second]),
        ({"activity": OTHER, "related_activities": True}, [third, second]),
        ({"registration": registration}, [third]),
        ({"since": moment}, [third, second]),
        ({"until": moment}, [first]),
        ({"agent": AN, "verb": f"{VERBS}completed", "activity": LESSON, "limit": 5}, [first]),
    ]
    assert [(asked, ids(xapi.done("getStatements", asked))) for asked, _ in questions] == questions


def test_it_follows_more_to_the_last_page(xapi: Foreign) -> None:
    sent = xapi.done("sendStatements", {"statements": [statement() for _ in range(5)]})
    page = xapi.done("getStatements", {"limit": 2, "ascending": True})
    found = [ids(page)]
    while page["more"]:
        page = xapi.done("getMoreStatements", {"more": page["more"]})
        found.append(ids(page))
    assert found == [sent[:2], sent[2:4], sent[4:]]


def test_what_it_voids_is_found_as_voided_only(xapi: Foreign, outsider: Outsider) -> None:
    sent = xapi.done("sendStatements", {"statements": [statement() for _ in range(4)]})
    one = xapi.done("voidStatement", {"actor": AN, "statementId": sent[0]})
    two = xapi.done("voidStatements", {"actor": AN, "statementIds": sent[1:3]})
    assert outsider.ids(ascending="true") == [sent[3], *one, *two]
    assert xapi.done("getVoidedStatement", {"voidedStatementId": sent[0]})["id"] == sent[0]
    assert said(xapi.call("getStatement", {"statementId": sent[0]})) == "there is no such statement"


def test_a_refusal_reaches_it_with_path_and_rule(xapi: Foreign, outsider: Outsider) -> None:
    wrong = [statement(), statement(result={"score": {"scaled": 1.7}})]
    outcome = xapi.call("sendStatements", {"statements": wrong})
    assert said(outcome) == "statements[1].result.score.scaled: 1.7 is above 1"
    assert outsider.ids() == []
    sent = statement(id=new_id())
    assert [xapi.done("sendStatement", {"statement": sent}) for _ in range(2)] == [[sent["id"]]] * 2
    other = xapi.call("sendStatement", {"statement": {**sent, "actor": BINH}})
    assert said(other) == f"statement {sent['id']}: another statement carries this id"
    assert outsider.ids() == [sent["id"]]


@with_fetch
def test_an_attachment_comes_and_goes_with_its_statement(xapi: Foreign, outsider: Outsider) -> None:
    sent = statement(attachments=[paper(DATA)])
    [made] = xapi.done("sendStatement", {"statement": sent, "attachments": [in_base64(DATA)]})
    kept = outsider.get(statementId=made, attachments="true")
    assert DATA in kept.data
    read, data = xapi.done("getStatement", {"statementId": made, "attachments": True})
    assert (read["attachments"], data) == (sent["attachments"], DATA.decode())
    page, data = xapi.done("getStatements", {"attachments": True})
    assert (ids(page), data) == ([made], DATA.decode())


@with_fetch
def test_two_attachments_which_it_does_not_set_apart_are_refused_whole(xapi: Foreign, outsider: Outsider) -> None:
    """Version 3.0.3 puts no line end between the data of one and the boundary before the next (RFC 2046, 5.1.1)."""
    sent = [statement(attachments=[paper(data)]) for data in (DATA, b"2")]
    outcome = xapi.call("sendStatements", {"statements": sent, "attachments": [in_base64(DATA), in_base64(b"2")]})
    assert said(outcome) == "parts[1].X-Experience-API-Hash: is not the hash of the data of this part"
    assert outsider.ids() == []


@pytest.mark.parametrize("spoken", [("axios", "1.0.3"), ("axios", "2.0.0")], ids="/".join)
def test_attachments_through_axios_come_under_another_type_and_are_refused_whole(
    xapi: Foreign, outsider: Outsider
) -> None:
    """In Node, axios replaces the Content-Type of a Blob that has none of its own, and the boundary with it."""
    given = {"statement": statement(attachments=[paper(DATA)]), "attachments": [in_base64(DATA)]}
    outcome = xapi.call("sendStatement", given)
    assert outcome["status"] == 400
    assert said(outcome).startswith("Content-Type: expected application/json or multipart/mixed")
    assert outsider.ids() == []


def test_it_sets_merges_lists_and_removes_states(xapi: Foreign, outsider: Outsider) -> None:
    about = {"agent": AN, "activityId": LESSON}
    page, text = {**about, "stateId": "trang"}, {**about, "stateId": "chữ"}
    xapi.done("setState", {**page, "state": {"page": 7}})
    xapi.done("createState", {**page, "state": {"open": True}})
    xapi.done("setState", {**text, "state": "trang 7", "contentType": "text/plain"})
    assert xapi.done("getState", page) == {"page": 7, "open": True}
    assert xapi.done("getState", text) == "trang 7"
    assert sorted(xapi.done("getStates", about)) == ["chữ", "trang"]
    query = {"activityId": LESSON, "agent": json.dumps(AN), "stateId": "chữ"}
    kept = outsider.ask("GET", "activities/state", query)
    assert (kept.text, kept.content_type) == ("trang 7", "text/plain")
    xapi.done("deleteState", text)
    assert outsider.ask("GET", "activities/state", query).status_code == 404
    xapi.done("deleteStates", about)
    assert xapi.done("getStates", about) == []


def test_it_keeps_states_of_a_registration_apart(xapi: Foreign) -> None:
    about = {"agent": AN, "activityId": LESSON, "stateId": "trang"}
    one, two = ({**about, "registration": str(uuid.uuid4())} for _ in range(2))
    xapi.done("setState", {**one, "state": {"page": 1}})
    xapi.done("setState", {**two, "state": {"page": 2}})
    assert [xapi.done("getState", at)["page"] for at in (one, two)] == [1, 2]
    assert said(xapi.call("getState", about)) == "there is no such document"


@pytest.mark.parametrize(("kind", "about"), [("Agent", {"agent": AN}), ("Activity", {"activityId": LESSON})])
def test_its_conditions_keep_profiles_from_being_overwritten(xapi: Foreign, kind: str, about: dict[str, Any]) -> None:
    at = {**about, "profileId": "https://example.vn/hồ-sơ"}
    new = {"etag": "*", "matchHeader": "If-None-Match"}
    xapi.done(f"set{kind}Profile", {**at, **new, "profile": {"a": 1}})
    assert said(xapi.call(f"set{kind}Profile", {**at, **new, "profile": {"a": 9}})).startswith("If-None-Match: ")
    tag = xapi.call(f"get{kind}Profile", at)["headers"]["etag"]
    xapi.done(f"set{kind}Profile", {**at, "etag": tag, "matchHeader": "If-Match", "profile": {"a": 2}})
    stale = xapi.call(f"set{kind}Profile", {**at, "etag": tag, "matchHeader": "If-Match", "profile": {"a": 9}})
    assert said(stale).startswith("If-Match: ")
    xapi.done(f"create{kind}Profile", {**at, "profile": {"b": 3}})
    assert xapi.done(f"get{kind}Profile", at) == {"a": 2, "b": 3}
    assert xapi.done(f"get{kind}Profiles", about) == [at["profileId"]]
    assert said(xapi.call(f"delete{kind}Profile", {**at, "etag": tag})).startswith("If-Match: ")
    xapi.done(f"delete{kind}Profile", at)
    assert xapi.done(f"get{kind}Profiles", about) == []


def test_it_reads_activities_and_persons(xapi: Foreign) -> None:
    definition = {"name": {"vi": "Bài 1"}, "type": "http://adlnet.gov/expapi/activities/lesson"}
    named = statement(object={"id": LESSON, "definition": definition}, actor={**AN, "name": "An"})
    xapi.done("sendStatement", {"statement": named})
    found = xapi.done("getActivity", {"activityId": LESSON})
    assert found == {"objectType": "Activity", "id": LESSON, "definition": definition}
    person = xapi.done("getAgent", {"agent": AN})
    assert person == {"objectType": "Person", "mbox": [AN["mbox"]], "name": ["An"]}
