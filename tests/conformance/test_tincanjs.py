"""A client nobody here wrote, tincanjs for Node, uses the store over a real connection in its own edition, 1.0.2."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.resources import LESSON, OTHER
from tests.foreign import Foreign, foreign, in_base64
from tests.make import Make
from tests.store import VERBS, Outsider, mixed, new_id, paper, part, statement

pytestmark = pytest.mark.node

ALONE: dict[str, Any] = {}
"""The settings of a call that needs none."""


@pytest.fixture
def outsider(make: Make) -> Outsider:
    """Whose key the client has; the tests look with it what the store holds."""
    return Outsider(make, "all", edition="1.0.2")


@pytest.fixture
def lrs(outsider: Outsider) -> Iterator[Foreign]:
    """The store as tincanjs sees it."""
    with foreign(outsider, "tincanjs.cjs") as client:
        yield client


def a(kind: str, **of: Any) -> dict[str, Any]:
    """An object of a class of the client's."""
    return {"class": kind, "of": of}


AN = a("Agent", mbox="mailto:an@example.vn")
BINH = a("Agent", mbox="mailto:binh@example.vn")


def with_data(data: bytes) -> dict[str, Any]:
    """An attachment with its data, as the client holds it."""
    return {**paper(data), "content": {"class": "bytes", "of": in_base64(data)}}


def ids(answer: dict[str, Any]) -> list[str]:
    return [one["id"] for one in answer["statements"]]


def test_it_reads_which_editions_are_spoken(lrs: Foreign) -> None:
    assert lrs.done("about", [ALONE]) == {"version": ["1.0.3", "2.0.0"]}


def test_a_statement_it_saves_is_kept_and_read_again(lrs: Foreign, outsider: Outsider) -> None:
    sent = statement(id=new_id(), result={"score": {"scaled": 0.75}, "duration": "PT1M"})
    lrs.done("saveStatement", [a("Statement", **sent), ALONE])
    kept = outsider.get(statementId=sent["id"]).get_json()
    assert (kept["verb"], kept["result"]) == (sent["verb"], sent["result"])
    assert kept["authority"]["account"]["name"] == outsider.key
    read = lrs.done("retrieveStatement", [sent["id"], ALONE])
    assert [read[name] for name in ("id", "verb", "result")] == [sent[name] for name in ("id", "verb", "result")]
    assert lrs.call("saveStatement", [a("Statement", **{**sent, "result": {"success": True}}), ALONE])["status"] == 409
    assert outsider.get(statementId=sent["id"]).get_json() == kept


def test_it_finds_statements_by_every_filter(lrs: Foreign, outsider: Outsider) -> None:
    registration = str(uuid.uuid4())
    context = {"instructor": BINH["of"], "registration": registration, "contextActivities": {"parent": [{"id": OTHER}]}}
    sent = [
        statement(object={"id": LESSON}),
        statement(object={"id": OTHER}, actor=BINH["of"]),
        statement(object={"id": LESSON}, verb={"id": f"{VERBS}passed"}, context=context),
    ]
    first, second, third = json.loads(lrs.done("saveStatements", [[a("Statement", **one) for one in sent], ALONE]))
    assert outsider.ids(ascending="true") == [first, second, third]
    moment = outsider.get(statementId=first).get_json()["stored"]
    questions: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [third, second, first]),
        ({"ascending": True}, [first, second, third]),
        ({"agent": AN}, [third, first]),
        ({"agent": BINH, "related_agents": True}, [third, second]),
        ({"verb": a("Verb", id=f"{VERBS}passed")}, [third]),
        ({"activity": a("Activity", id=OTHER)}, [second]),
        ({"activity": OTHER, "related_activities": True}, [third, second]),
        ({"registration": registration}, [third]),
        ({"since": moment}, [third, second]),
        ({"until": moment}, [first]),
        ({"agent": AN, "verb": f"{VERBS}completed", "limit": 5, "format": "canonical"}, [first]),
    ]
    assert [(asked, ids(lrs.done("queryStatements", [{"params": asked}]))) for asked, _ in questions] == questions


def test_it_follows_more_to_the_last_page(lrs: Foreign) -> None:
    sent = json.loads(lrs.done("saveStatements", [[a("Statement", **statement()) for _ in range(5)], ALONE]))
    page = lrs.done("queryStatements", [{"params": {"limit": 2, "ascending": True}}])
    found = [ids(page)]
    while page["more"]:
        page = lrs.done("moreStatements", [{"url": page["more"]}])
        found.append(ids(page))
    assert found == [sent[:2], sent[2:4], sent[4:]]


def test_what_it_voids_is_found_as_voided_only(lrs: Foreign, outsider: Outsider) -> None:
    sent, voiding = statement(id=new_id()), new_id()
    lrs.done("saveStatement", [a("Statement", **sent), ALONE])
    target = {"objectType": "StatementRef", "id": sent["id"]}
    lrs.done(
        "saveStatement", [a("Statement", **statement(id=voiding, verb={"id": f"{VERBS}voided"}, object=target)), ALONE]
    )
    assert outsider.ids() == [voiding]
    assert lrs.done("retrieveVoidedStatement", [sent["id"], ALONE])["id"] == sent["id"]
    assert lrs.call("retrieveStatement", [sent["id"], ALONE])["status"] == 404


def test_a_refusal_reaches_it_with_path_and_rule(lrs: Foreign, outsider: Outsider) -> None:
    wrong = a("Statement", **statement(result={"score": {"scaled": 1.7}}))
    outcome = lrs.call("saveStatements", [[a("Statement", **statement()), wrong], ALONE])
    assert outcome["status"] == 400
    assert json.loads(outcome["data"]) == {"error": "statements[1].result.score.scaled: 1.7 is above 1"}
    assert outsider.ids() == []


def test_attachments_of_text_come_and_go_with_their_statements(lrs: Foreign, outsider: Outsider) -> None:
    """It names an attachment's data by its hash, and finds it so in what it reads."""
    data = "Giấy chứng nhận".encode()
    sent = statement(id=new_id(), attachments=[with_data(data)])
    lrs.done("saveStatement", [a("Statement", **sent), ALONE])
    assert data in outsider.get(statementId=sent["id"], attachments="true").data
    read = lrs.done("retrieveStatement", [sent["id"], {"params": {"attachments": True}}])
    assert (read["attachments"][0]["sha2"], read["contents"]) == (paper(data)["sha2"], [in_base64(data)])
    page = lrs.done("queryStatements", [{"params": {"attachments": True}}])
    assert page["statements"][0]["contents"] == [in_base64(data)]


def test_it_reads_attachments_of_any_bytes_but_sends_only_text(lrs: Foreign, outsider: Outsider) -> None:
    """In Node, version 0.50.0 makes text of the body it sends: other bytes no longer have their hash."""
    data = bytes(range(256))
    sent = statement(id=new_id(), attachments=[with_data(data)])
    outcome = lrs.call("saveStatement", [a("Statement", **sent), ALONE])
    refusal = "parts[1].X-Experience-API-Hash: is not the hash of the data of this part"
    assert (outcome["status"], json.loads(outcome["data"])) == (400, {"error": refusal})
    assert outsider.ids() == []
    assert outsider.send(mixed(statement(id=sent["id"], attachments=[paper(data)]), part(data))).status_code == 200
    read = lrs.done("retrieveStatement", [sent["id"], {"params": {"attachments": True}}])
    assert read["contents"] == [in_base64(data)]


def test_it_saves_lists_and_drops_states(lrs: Foreign, outsider: Outsider) -> None:
    about = {"agent": AN, "activity": a("Activity", id=LESSON)}
    as_json = {**about, "contentType": "application/json"}
    lrs.done("saveState", ["trang", {"page": 7}, as_json])
    lrs.done("saveState", ["trang", {"open": True}, {**as_json, "method": "POST"}])
    lrs.done("saveState", ["chữ", "trang 7", {**about, "contentType": "text/plain"}])
    found = lrs.done("retrieveState", ["trang", about])
    query = {"activityId": LESSON, "agent": json.dumps(AN["of"]), "stateId": "trang"}
    kept = outsider.ask("GET", "activities/state", query)
    assert (found["contents"], found["etag"]) == ({"page": 7, "open": True}, kept.headers["ETag"])
    assert kept.get_json() == found["contents"]
    assert sorted(lrs.done("retrieveStateIds", [about])) == ["chữ", "trang"]
    stale = lrs.call("saveState", ["trang", {"page": 9}, {**as_json, "lastSHA1": "0" * 40}])
    assert stale["status"] == 412
    lrs.done("dropState", ["trang", about])
    assert lrs.done("retrieveState", ["trang", about]) is None
    lrs.done("dropState", [None, about])
    assert lrs.done("retrieveStateIds", [about]) == []


@pytest.mark.parametrize(
    ("kind", "about"), [("Agent", {"agent": AN}), ("Activity", {"activity": a("Activity", id=LESSON)})]
)
def test_its_conditions_keep_profiles_from_being_overwritten(lrs: Foreign, kind: str, about: dict[str, Any]) -> None:
    """It sends If-None-Match: * with every profile it has not read before."""
    name, as_json = "https://example.vn/hồ-sơ", {**about, "contentType": "application/json"}
    lrs.done(f"save{kind}Profile", [name, {"a": 1}, as_json])
    assert lrs.call(f"save{kind}Profile", [name, {"a": 9}, as_json])["status"] == 412
    tag = lrs.done(f"retrieve{kind}Profile", [name, about])["etag"]
    lrs.done(f"save{kind}Profile", [name, {"a": 2}, {**as_json, "lastSHA1": tag}])
    assert lrs.call(f"save{kind}Profile", [name, {"a": 9}, {**as_json, "lastSHA1": tag}])["status"] == 412
    assert lrs.done(f"retrieve{kind}Profile", [name, about])["contents"] == {"a": 2}
    assert lrs.done(f"retrieve{kind}ProfileIds", [about]) == [name]
    lrs.done(f"drop{kind}Profile", [name, about])
    assert lrs.done(f"retrieve{kind}Profile", [name, about]) is None


def test_it_reads_activities(lrs: Foreign) -> None:
    definition = {"name": {"vi": "Bài 1"}, "type": "http://adlnet.gov/expapi/activities/lesson"}
    lrs.done("saveStatement", [a("Statement", **statement(object={"id": LESSON, "definition": definition})), ALONE])
    found = lrs.done("retrieveActivity", [LESSON, ALONE])
    assert (found["id"], found["definition"]) == (LESSON, definition)
