"""Reading statements: every filter alone and together, in order, page by page."""

import json
import re
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lms.xapi.render import fitting
from tests.conformance.numbers import reproduces
from tests.make import Make
from tests.store import VERBS, Outsider, new_id, statement

AN, BINH, CHI = ({"mbox": f"mailto:{name}@example.vn"} for name in ("an", "binh", "chi"))
TEAM = {"objectType": "Group", "mbox": "mailto:to@example.vn", "member": [BINH, CHI]}
ONE, TWO, COURSE = ({"id": f"https://example.vn/{name}"} for name in ("bai-1", "bai-2", "khoa"))
VOID = {"id": f"{VERBS}voided"}


@pytest.fixture
def outsider(make: Make) -> Outsider:
    """A client that may do everything."""
    return Outsider(make, "all")


def about(target: str, **changes: Any) -> dict[str, Any]:
    """A statement about a statement."""
    return statement(
        actor={"mbox": "mailto:ref@example.vn"}, object={"objectType": "StatementRef", "id": target}, **changes
    )


def test_the_agent_filter_finds_actor_object_and_members_and_related_agents_everywhere(outsider: Outsider) -> None:
    inner = {
        "objectType": "SubStatement",
        "actor": AN,
        "verb": {"id": "x:y"},
        "object": {"objectType": "Agent", **BINH},
    }
    sent = {
        "actor": statement(actor=AN),
        "object": statement(actor=BINH, object={"objectType": "Agent", **AN}),
        "member of the actor": statement(actor={"objectType": "Group", "member": [AN, CHI]}),
        "member of the object": statement(actor=BINH, object={**TEAM, "member": [AN]}),
        "instructor": statement(actor=BINH, context={"instructor": AN}),
        "member of the team": statement(actor=BINH, context={"team": {"objectType": "Group", "member": [AN]}}),
        "actor inside": statement(actor=BINH, object=inner),
        "object inside": statement(actor=CHI, object={**inner, "actor": BINH, "object": {"objectType": "Agent", **AN}}),
        "nowhere": statement(actor=CHI),
    }
    ids = dict(zip(outsider.post(list(sent.values())).get_json(), sent, strict=True))
    direct = {"actor", "object", "member of the actor", "member of the object"}
    assert {ids[one] for one in outsider.ids(agent=json.dumps(AN))} == direct
    related = outsider.ids(agent=json.dumps(AN), related_agents="true")
    assert {ids[one] for one in related} == set(sent) - {"nowhere"}
    assert len(related) == len(set(related))
    group = {name: TEAM[name] for name in ("objectType", "mbox")}
    assert [ids[one] for one in outsider.ids(agent=json.dumps(group))] == ["member of the object"]
    assert outsider.ids(agent=json.dumps({"mbox": "mailto:nobody@example.vn"})) == []


def test_context_agents_and_groups_of_2_are_related_agents(make: Make) -> None:
    outsider = Outsider(make, "all", edition="2.0.0")
    context = {
        "contextAgents": [{"objectType": "contextAgent", "agent": AN, "relevantTypes": ["https://example.vn/vai-tro"]}],
        "contextGroups": [{"objectType": "contextGroup", "group": TEAM}],
    }
    [sent] = outsider.post(statement(actor={"mbox": "mailto:x@example.vn"}, context=context)).get_json()
    for agent in (AN, CHI, {"objectType": "Group", "mbox": TEAM["mbox"]}):
        assert outsider.ids(agent=json.dumps(agent)) == []
        assert outsider.ids(agent=json.dumps(agent), related_agents="true") == [sent]
    assert outsider.get(statementId=sent).get_json()["version"] == "2.0.0"


def test_the_authority_is_a_related_agent(make: Make) -> None:
    outsider, other = Outsider(make, "all"), Outsider(make, "all")
    [own] = outsider.post(statement()).get_json()
    other.post(statement())
    authority = outsider.get(statementId=own).get_json()["authority"]
    assert outsider.ids(agent=json.dumps(authority), related_agents="true") == [own]
    assert outsider.ids(agent=json.dumps(authority)) == []


def test_the_activity_filter_finds_the_object_and_related_activities_everywhere(outsider: Outsider) -> None:
    inner = {"objectType": "SubStatement", "actor": AN, "verb": {"id": "x:y"}, "object": COURSE}
    sent = {
        "object": statement(object=COURSE),
        **{
            place: statement(object=ONE, context={"contextActivities": {place: [COURSE, TWO]}})
            for place in ("parent", "grouping", "category", "other")
        },
        "object inside": statement(object=inner),
        "context inside": statement(
            object={**inner, "object": ONE, "context": {"contextActivities": {"parent": COURSE}}}
        ),
        "nowhere": statement(object=TWO),
    }
    ids = dict(zip(outsider.post(list(sent.values())).get_json(), sent, strict=True))
    assert {ids[one] for one in outsider.ids(activity=COURSE["id"])} == {"object"}
    related = outsider.ids(activity=COURSE["id"], related_activities="true")
    assert {ids[one] for one in related} == set(sent) - {"nowhere"}


@reproduces(154, 159, 164)
def test_filters_hold_together(outsider: Outsider) -> None:
    registration = new_id()
    wanted = statement(actor=AN, verb={"id": "x:passed"}, object=ONE, context={"registration": registration.upper()})
    others = [
        {**wanted, "actor": BINH},
        {**wanted, "verb": {"id": "x:failed"}},
        {**wanted, "object": TWO},
        {**wanted, "context": {"registration": new_id()}},
    ]
    [found, *_] = outsider.post([wanted, *others]).get_json()
    query = {"agent": json.dumps(AN), "verb": "x:passed", "activity": ONE["id"], "registration": registration}
    assert outsider.ids(**query) == [found]
    assert outsider.ids(**query, related_agents="true", related_activities="true") == [found]


def test_since_is_exclusive_until_inclusive_and_order_can_be_turned(outsider: Outsider) -> None:
    ids = [outsider.post(statement()).get_json()[0] for _ in range(4)]
    stored = [outsider.get(statementId=one).get_json()["stored"] for one in ids]
    assert stored == sorted(set(stored))
    assert outsider.ids() == ids[::-1]
    assert outsider.ids(ascending="true") == ids
    assert outsider.ids(since=stored[1]) == [ids[3], ids[2]]
    assert outsider.ids(until=stored[1], ascending="true") == ids[:2]
    assert outsider.ids(since=stored[0], until=stored[2], agent=json.dumps(AN)) == [ids[2], ids[1]]


@pytest.mark.parametrize("ascending", ["true", "false"])
@reproduces(*range(108, 115))
def test_pages_walk_through_everything_once_while_others_write(outsider: Outsider, ascending: str) -> None:
    ids = outsider.post([statement() for _ in range(25)]).get_json()
    answer = outsider.get(limit="10", ascending=ascending, verb=f"{VERBS}completed")
    found = [one["id"] for one in answer.get_json()["statements"]]
    fresh = outsider.post([statement() for _ in range(5)]).get_json()
    while answer.get_json()["more"]:
        assert answer.get_json()["more"].startswith("/xapi/statements?more=")
        answer = outsider.get(answer.get_json()["more"])
        found += [one["id"] for one in answer.get_json()["statements"]]
        assert len(answer.get_json()["statements"]) <= 10
    assert found == ([*ids, *fresh] if ascending == "true" else ids[::-1])


def test_a_page_ends_where_the_statements_grow_too_large_to_send_at_once(outsider: Outsider) -> None:
    for _ in range(2):
        outsider.post([statement(result={"response": "x" * 3_000_000}) for _ in range(3)])
    first = outsider.get()
    assert len(first.get_json()["statements"]) == 4
    assert len(outsider.get(first.get_json()["more"]).get_json()["statements"]) == 2


@reproduces(162)
def test_statements_about_a_matching_statement_match_through_any_number_of_references(outsider: Outsider) -> None:
    original = statement(id=new_id(), actor=AN, verb={"id": "x:passed"}, object=ONE)
    first, second = about(original["id"], id=new_id()), about("", id=new_id())
    second["object"]["id"] = first["id"]
    circle = [about("", id=new_id()), about("", id=new_id())]
    circle[0]["object"]["id"], circle[1]["object"]["id"] = circle[1]["id"], circle[0]["id"]
    outsider.post([second, *circle, first])  # what they are about comes last
    assert outsider.ids(agent=json.dumps(AN)) == []
    outsider.post([original, statement(actor=BINH)])
    for query in ({"agent": json.dumps(AN)}, {"verb": "x:passed", "activity": ONE["id"]}):
        assert outsider.ids(**query) == [original["id"], first["id"], second["id"]]
        assert outsider.ids(**query, limit="1") == [original["id"], first["id"], second["id"]]
    assert outsider.ids(agent=json.dumps(AN), verb=f"{VERBS}completed") == []  # not from two statements together
    stored = outsider.get(statementId=first["id"]).get_json()["stored"]
    assert outsider.ids(agent=json.dumps(AN), until=stored) == [first["id"], second["id"]]


@reproduces(16, 18, 155, 157, 163)
def test_a_voided_statement_is_found_by_nothing_but_its_own_parameter(outsider: Outsider) -> None:
    gone, kept = outsider.post([statement(), statement()]).get_json()
    [void] = outsider.post(about(gone, verb=VOID)).get_json()
    assert outsider.ids() == [void, kept]
    assert outsider.ids(agent=json.dumps(AN)) == [void, kept]  # the voiding statement is about the voided one
    assert outsider.get(statementId=gone).status_code == 404
    assert outsider.get(voidedStatementId=gone).get_json()["id"] == gone
    assert outsider.get(voidedStatementId=kept).status_code == 404
    assert outsider.post(about(gone, verb=VOID)).status_code == 200
    outsider.post(about(void, verb=VOID))  # what voids cannot be voided
    assert outsider.get(statementId=void).status_code == 200
    assert outsider.post(statement(id=gone)).status_code == 200  # a repeat does not bring it back
    assert outsider.get(statementId=gone).status_code == 404


@reproduces(16)
def test_what_is_voided_before_it_comes_is_voided_when_it_comes(outsider: Outsider) -> None:
    statement_id = new_id()
    assert outsider.post(about(statement_id, verb=VOID)).status_code == 200
    assert outsider.put(statement_id, statement()).status_code == 204
    assert outsider.get(statementId=statement_id).status_code == 404
    assert outsider.get(voidedStatementId=statement_id).status_code == 200


@reproduces(171)
def test_ids_names_everything_and_tells_nothing_more(outsider: Outsider) -> None:
    full = statement(
        actor={**TEAM, "name": "Tổ một"},
        object={**ONE, "objectType": "Activity", "definition": {"name": {"vi": "Bài"}}},
        context={"instructor": {**AN, "name": "An"}, "contextActivities": {"parent": [{**COURSE, "definition": {}}]}},
        result={"success": True},
    )
    outsider.post(full)
    outsider.post(statement(actor={"objectType": "Group", "member": [{**AN, "name": "An"}]}))
    anonymous, found = outsider.get(format="ids").get_json()["statements"]
    assert found["actor"] == {"objectType": "Group", "mbox": TEAM["mbox"]}
    assert found["verb"] == {"id": full["verb"]["id"]}
    assert found["object"] == ONE
    assert found["context"] == {"instructor": AN, "contextActivities": {"parent": [COURSE]}}
    assert found["result"] == full["result"]
    assert anonymous["actor"] == {"objectType": "Group", "member": [AN]}


@pytest.mark.parametrize(
    ("ranges", "tags", "expected"),
    [
        ([("vi-VN", 1)], ["en-US", "vi"], "vi"),
        ([("VI-vn-x-a", 1)], ["en-US", "Vi"], "Vi"),
        ([("en-US", 1), ("vi-VN", 0.9)], ["vi", "en"], "en"),
        ([("vi-VN", 1), ("*", 0.5)], ["en-US", "vi"], "vi"),
        ([("vi-VN", 0.3), ("en", 0.8)], ["vi", "en-US"], "en-US"),
        ([("vi", 0), ("*", 0.5)], ["vi", "en-US"], "en-US"),
        ([("vi", 0)], ["vi", "en-US"], "en-US"),
        ([("vi-VN", 0)], ["en", "vi"], "vi"),
        ([("fr-FR", 1)], ["en-US", "de", "vi-Latn"], "vi-Latn"),
        ([], ["en-US", "de"], "en-US"),
        ([("vie", 1)], ["en", "vi"], "vi"),
        ([("vie", 1), ("en", 0.1)], ["vi", "en"], "en"),
    ],
)
@reproduces(172)
def test_who_asks_for_a_language_of_a_country_reads_the_language_and_who_asks_for_none_vietnamese(
    ranges: list[tuple[str, float]], tags: list[str], expected: str
) -> None:
    assert fitting(tags, ranges) == expected


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", "vi"),
        ("vi-VN", "vi"),
        ("en", "en-US"),
        ("en-US", "en-US"),
        ("fr", "vi"),
        ("fr, *;q=0.1", "vi"),
        ("vi;q=0.2, en;q=0.8", "en-US"),
        ("en-GB", "vi"),
        ("EN-us, vi;q=0.9", "en-US"),
    ],
)
@reproduces(169)
def test_canonical_sends_one_language_of_each_map(outsider: Outsider, accepted: str, expected: str) -> None:
    texts = {"en-US": "text", "vi": "chữ"}
    definition = {
        "name": texts,
        "description": texts,
        "interactionType": "choice",
        "choices": [{"id": "a", "description": texts}, {"id": "b"}],
    }
    outsider.post(
        statement(
            verb={"id": "x:y", "display": texts},
            object={**ONE, "definition": definition},
            context={"contextActivities": {"parent": [{**COURSE, "definition": {"name": texts}}]}},
        )
    )
    [found] = outsider.get(format="canonical", language=accepted).get_json()["statements"]
    one = {expected: texts[expected]}
    assert found["verb"]["display"] == one
    told = found["object"]["definition"]
    assert (told["name"], told["description"], told["choices"][0]["description"]) == (one, one, one)
    assert found["context"]["contextActivities"]["parent"][0]["definition"] == {"name": one}


FILTER_VALUES: dict[str, list[str]] = {
    "agent": [json.dumps(one) for one in (AN, BINH, CHI)],
    "verb": ["x:a", "x:b"],
    "activity": [ONE["id"], TWO["id"]],
    "related_agents": ["true", "false"],
    "related_activities": ["true", "false"],
    "ascending": ["true", "false"],
    "limit": ["1", "3"],
}
sentences = st.builds(
    lambda actor, verb, target, teacher, parent: statement(
        actor=actor,
        verb={"id": verb},
        object=target,
        context={"instructor": teacher, "contextActivities": {"parent": [parent]}},
    ),
    st.sampled_from([AN, BINH, CHI, {"objectType": "Group", "member": [AN, BINH]}]),
    st.sampled_from(["x:a", "x:b"]),
    st.sampled_from([ONE, TWO, {"objectType": "Agent", **CHI}]),
    st.sampled_from([AN, BINH, CHI]),
    st.sampled_from([ONE, TWO]),
)
queries = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FILTER_VALUES.items()})


def meets(one: dict[str, Any], query: dict[str, str]) -> bool:
    """The same by looking at the statement itself."""
    agents, activities = [one["actor"], *one["actor"].get("member", [])], []
    if one["object"].get("objectType") == "Agent":
        agents.append({"mbox": one["object"]["mbox"]})
    else:
        activities.append(one["object"]["id"])
    if query.get("related_agents") == "true":
        agents.append(one["context"]["instructor"])
    if query.get("related_activities") == "true":
        activities.append(one["context"]["contextActivities"]["parent"][0]["id"])
    return (
        ("agent" not in query or json.loads(query["agent"]) in agents)
        and query.get("verb", one["verb"]["id"]) == one["verb"]["id"]
        and ("activity" not in query or query["activity"] in activities)
    )


NUMBERS = count(1)


def anew(value: Any, number: int) -> Any:
    """The same with names of its own: what was sent before need not be read again by every question."""
    text = json.dumps(value).replace("example.vn", f"{number}.example.vn")
    return json.loads(re.sub(r"x:([ab])", rf"x:\g<1>{number}", text))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(sentences, min_size=1, max_size=12), asked=st.lists(queries, min_size=1, max_size=8))
def test_any_filters_find_what_reading_every_statement_finds(
    outsider: Outsider, batch: list[dict[str, Any]], asked: list[dict[str, str]]
) -> None:
    batch, asked = anew((batch, asked), next(NUMBERS))
    before = set(outsider.ids())
    ids = outsider.post(batch).get_json()
    for query in asked:
        expected = [one for one, sent in zip(ids, batch, strict=True) if meets(sent, query)]
        found = [one for one in outsider.ids(**query) if one not in before]
        assert found == (expected if query.get("ascending") == "true" else expected[::-1]), query
