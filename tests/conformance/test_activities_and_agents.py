"""The resources activities and agents: canonical definitions, and what is known of an agent.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import json
from typing import Any

import pytest

from lms.documents.queries import LOOKED_THROUGH
from lms.xapi.access import SCOPES
from lms.xapi.actions import ourselves, record
from tests.conformance.numbers import reproduces
from tests.conformance.resources import AN, EDITIONS, LESSON
from tests.make import Make
from tests.store import VERBS, Outsider, statement

READERS = {"statements/read", "statements/read/mine", "all/read", "all"}
HOME = "https://quan-triet.example"
ACCOUNT = {"homePage": "https://example.vn", "name": "an"}


@pytest.fixture(params=EDITIONS)
def outsider(make: Make, request: pytest.FixtureRequest) -> Outsider:
    """A client that may do everything, in each edition."""
    return Outsider(make, "all", edition=request.param)


def about(definition: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """A statement about the lesson, with this definition."""
    return statement(object={"id": LESSON, **({"definition": definition} if definition else {})}, **changes)


def activity(outsider: Outsider, iri: str = LESSON) -> dict[str, Any]:
    answer = outsider.ask("GET", "activities", {"activityId": iri})
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    found: dict[str, Any] = answer.get_json()
    assert (found["objectType"], found["id"]) == ("Activity", iri)
    return found


def person(outsider: Outsider, agent: dict[str, Any]) -> dict[str, Any]:
    answer = outsider.ask("GET", "agents", {"agent": json.dumps(agent)})
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    found: dict[str, Any] = answer.get_json()
    assert found.pop("objectType") == "Person"
    return found


# 4.1.6.4 / Comm 2.5: activities


@reproduces(252, 253)
def test_an_activity_nobody_has_defined_or_met_is_still_an_activity(outsider: Outsider) -> None:
    assert activity(outsider) == {"objectType": "Activity", "id": LESSON}
    outsider.post(about(None))
    assert activity(outsider) == {"objectType": "Activity", "id": LESSON}


@reproduces(251, 254)
def test_a_definition_holds_all_that_was_said_of_the_activity_in_every_language(outsider: Outsider) -> None:
    outsider.post([about({"name": {"vi": "Bài một"}, "type": "x:lesson"}), about({"name": {"en": "Lesson one"}})])
    outsider.post([about({"name": {"fr": "Leçon"}, "description": {"vi": "Ngắn"}}), about(None)])
    within = {"contextActivities": {"grouping": [{"id": LESSON, "definition": {"description": {"en": "Short"}}}]}}
    outsider.post(about({"moreInfo": "https://example.vn/them", "extensions": {"x:y": 2**70}}, context=within))
    assert activity(outsider)["definition"] == {
        "name": {"vi": "Bài một", "en": "Lesson one", "fr": "Leçon"},
        "description": {"vi": "Ngắn", "en": "Short"},
        "type": "x:lesson",
        "moreInfo": "https://example.vn/them",
        "extensions": {"x:y": 2**70},
    }


def test_a_definition_comes_from_those_who_may_define(make: Make, outsider: Outsider) -> None:
    writer = Outsider(make, "statements/write")
    writer.post(about({"name": {"vi": "Tên của người viết"}}))
    assert "definition" not in activity(outsider)
    with make.writing() as session:
        record(session, [about({"name": {"vi": "Bài một"}})], source=ourselves(session))
    writer.post(about({"name": {"vi": "Tên của người viết"}}))
    assert activity(outsider)["definition"] == {"name": {"vi": "Bài một"}}


# 4.1.6.3 / Comm 2.4: agents


IDENTIFIED: list[dict[str, Any]] = [
    {"mbox": "mailto:an@example.vn"},
    {"mbox_sha1sum": "a" * 40},
    {"openid": "https://an.example.vn"},
    {"account": ACCOUNT},
]


@reproduces(*range(236, 243), *range(244, 249))
def test_a_person_lists_the_identifier_asked_for_and_the_names_it_bore(outsider: Outsider) -> None:
    for agent in IDENTIFIED:
        [kind] = agent
        assert person(outsider, agent) == {kind: [agent[kind]]}  # nobody has met it
        for name in ("An", "Anh An", "An"):
            outsider.post(statement(actor={**agent, "name": name}))
        outsider.post(statement(actor=agent))
        outsider.post(statement(actor=agent, object={"objectType": "Agent", "mbox": "mailto:b@b.vn", "name": "B"}))
        assert person(outsider, agent) == {kind: [agent[kind]], "name": ["An", "Anh An"]}
        assert person(outsider, {**agent, "name": "Chị An"})["name"] == ["Chị An", "An", "Anh An"]


def test_a_name_is_found_where_the_agent_is_the_object_or_a_member(outsider: Outsider) -> None:
    [an, binh, chi] = ({"mbox": f"mailto:{name}@example.vn"} for name in ("an", "binh", "chi"))
    outsider.post(statement(actor=chi, object={"objectType": "Agent", **an, "name": "An"}))
    outsider.post(statement(actor={"objectType": "Group", "member": [{**binh, "name": "Bình"}]}))
    assert (person(outsider, an)["name"], person(outsider, binh)["name"]) == (["An"], ["Bình"])


def test_a_voided_statement_names_nobody_and_old_ones_are_not_searched_without_end(outsider: Outsider) -> None:
    [sent] = outsider.post(statement(actor={**json.loads(AN), "name": "Nhầm"})).get_json()
    assert person(outsider, json.loads(AN))["name"] == ["Nhầm"]
    outsider.post(statement(verb={"id": f"{VERBS}voided"}, object={"objectType": "StatementRef", "id": sent}))
    assert "name" not in person(outsider, json.loads(AN))
    outsider.post([statement(actor={**json.loads(AN), "name": f"{n}"}) for n in range(LOOKED_THROUGH + 10)])
    assert len(person(outsider, json.loads(AN))["name"]) == LOOKED_THROUGH


def test_a_client_that_reads_its_own_statements_learns_only_the_names_it_brought(make: Make) -> None:
    mine = Outsider(make, "statements/write", "statements/read/mine")
    other = Outsider(make, "statements/write", "statements/read")
    other.post(statement(actor={**json.loads(AN), "name": "Tên của người khác"}))
    assert "name" not in person(mine, json.loads(AN))
    mine.post(statement(actor={**json.loads(AN), "name": "An"}))
    assert person(mine, json.loads(AN))["name"] == ["An"]
    assert person(other, json.loads(AN))["name"] == ["An", "Tên của người khác"]


@pytest.mark.parametrize("home", [HOME, f"{HOME}/xapi/clients"])
def test_of_an_account_of_our_own_only_the_account_is_told_whoever_has_named_it(outsider: Outsider, home: str) -> None:
    ours = {"account": {"homePage": home, "name": "985db935-0e5d-4458-af0d-e979b170583a"}}
    outsider.post(statement(actor={**ours, "name": "Nguyễn Văn An"}))
    outsider.post(statement(object={"objectType": "Agent", **ours, "name": "Nguyễn Văn An"}))
    for asked in (ours, {**ours, "name": "Nguyễn Văn An"}):
        assert person(outsider, asked) == {"account": [ours["account"]]}


# 4.1.7 / Comm 3.2: parameters, methods and scopes

WRONG: list[tuple[str, dict[str, str], str]] = [
    ("activities", {}, "activityId"),
    ("activities", {"activityId": ""}, "activityId"),
    ("activities", {"activityId": "bai-1"}, "activityId"),
    ("activities", {"activityid": LESSON}, "activityid"),
    ("activities", {"activityId": LESSON, "agent": AN}, "agent"),
    ("agents", {}, "agent"),
    ("agents", {"agent": ""}, "agent"),
    ("agents", {"agent": "an"}, "agent"),
    ("agents", {"agent": "{}"}, "agent"),
    ("agents", {"agent": '{"name":"An"}'}, "agent"),
    ("agents", {"agent": '{"objectType":"Group","mbox":"mailto:to@example.vn"}'}, "agent"),
    ("agents", {"agent": AN, "since": "2026-03-01T00:00:00Z"}, "since"),
]


@reproduces(243, 249, 250)
def test_a_parameter_that_is_missing_unknown_or_ill_formed_is_refused_with_its_name(outsider: Outsider) -> None:
    for path, query, wrong in WRONG:
        answer = outsider.ask("GET", path, query)
        assert answer.status_code == 400, query
        assert answer.get_json()["error"].startswith(wrong), answer.text


@pytest.mark.parametrize(("path", "query"), [("activities", {"activityId": LESSON}), ("agents", {"agent": AN})])
def test_both_are_read_only_and_open_to_those_who_read_statements(
    make: Make, outsider: Outsider, path: str, query: dict[str, str]
) -> None:
    got, headed = (outsider.ask(method, path, query) for method in ("GET", "HEAD"))
    assert (headed.status_code, headed.data, headed.headers) == (200, b"", got.headers)
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        answer = outsider.ask(method, path, query, {})
        assert (answer.status_code, answer.get_json()["error"]) == (405, f"{method} is no method of this resource")
    for scope in SCOPES:
        assert Outsider(make, scope).ask("GET", path, query).status_code == (200 if scope in READERS else 403), scope
    outsider.secret = "wrong"
    assert outsider.ask("GET", path, query).status_code == 401
