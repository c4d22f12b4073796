"""Other systems store statements and read them again: what comes back, what is refused, what a repeat does."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from lms import clock
from lms.xapi.loader import read_statements
from lms.xapi.matching import same
from lms.xapi.models import XapiStatement
from lms.xapi.protocol import refusal
from lms.xapi.rules import Malformed
from lms.xapi.rules import shown as quoted
from lms.xapi.statement import Activity, sentence
from lms.xapi.validation import check_statement
from lms.xapi.vocabulary import COURSE, LESSON, VERB_NAMES
from tests.conformance.numbers import reproduces
from tests.counting import count_queries
from tests.make import Make
from tests.store import VERBS, Outsider, new_id, paper, statement


@pytest.fixture
def outsider(make: Make) -> Outsider:
    """A client that may do everything."""
    return Outsider(make, "all")


def how_many(make: Make) -> int:
    with make.reading() as session:
        return session.scalar(select(func.count()).select_from(XapiStatement)) or 0


@reproduces(26, 122, 168, 170, 330, 332)
def test_a_statement_comes_back_byte_for_byte_with_what_the_store_adds(outsider: Outsider) -> None:
    sent = (
        '{ "verb":{"id":"http://adlnet.gov/expapi/verbs/completed"}, "actor" : {"mbox":"mailto:an@example.vn"},'
        '"result":{"score":{"raw":1.50,"max":1e2},"extensions":{"https://example.vn/ng\\u00e0y":[1.0,null,9007199254740993]}},'
        '"object":{"id":"https://example.vn/bài"}'
    )
    [statement_id] = outsider.post(f"{sent}}}".encode()).get_json()
    body = outsider.get(statementId=statement_id).data.decode()
    assert body.startswith(sent + ",")
    added = json.loads("{" + body[len(sent) + 1 :])
    assert set(added) == {"id", "timestamp", "stored", "authority", "version"}
    assert added["timestamp"] == added["stored"]
    assert added["version"] == "1.0.0"
    assert uuid.UUID(added["id"]).version == 4


@reproduces(97, 99)
def test_stored_and_authority_are_ours_whatever_is_claimed(outsider: Outsider) -> None:
    lie = statement(
        stored="2000-01-01T00:00:00Z",
        authority={"account": {"homePage": "https://quan-triet.example", "name": "quan-triet"}},
        timestamp="2001-01-01T00:00:00+07:00",
    )
    [statement_id] = outsider.post(lie).get_json()
    found = outsider.get(statementId=statement_id).get_json()
    assert found["authority"]["account"] == {
        "homePage": "https://quan-triet.example/xapi/clients",
        "name": outsider.key,
    }
    assert abs(datetime.fromisoformat(found["stored"]) - clock.now()) < timedelta(minutes=1)
    assert found["timestamp"] == "2001-01-01T00:00:00+07:00"


@reproduces(182, 326)
def test_a_batch_answers_with_ids_in_order_and_stands_or_falls_as_one(make: Make, outsider: Outsider) -> None:
    batch = [statement(id=new_id()) for _ in range(3)]
    assert outsider.post(batch).get_json() == [one["id"] for one in batch]
    wrong = [*(statement(id=new_id()) for _ in range(3)), statement(result={"score": {"scaled": 1.7}})]
    answer = outsider.post(wrong)
    assert answer.status_code == 400
    assert answer.get_json() == {"error": "statements[3].result.score.scaled: 1.7 is above 1"}
    conflict = [statement(id=new_id()), statement(id=batch[0]["id"], verb={"id": f"{VERBS}failed"})]
    assert outsider.post(conflict).status_code == 409
    assert how_many(make) == 3
    assert outsider.post([]).get_json() == []


def test_a_repeat_succeeds_and_changes_nothing(make: Make, outsider: Outsider) -> None:
    sent = statement(id=new_id(), timestamp="2026-03-01T08:00:00.000+07:00", result={"duration": "PT1.239S"})
    assert outsider.post(sent).status_code == 200
    before = outsider.get(statementId=sent["id"]).data
    again = [
        sent,
        dict(reversed(sent.items())),
        {**sent, "id": sent["id"].upper()},
        {**sent, "timestamp": "2026-03-01T01:00:00Z"},
        {**sent, "result": {"duration": "PT1.23S"}},
        {**sent, "verb": {"id": sent["verb"]["id"]}},
        {name: value for name, value in sent.items() if name != "timestamp"},
        outsider.get(statementId=sent["id"]).get_json(),
    ]
    for one in again:
        assert outsider.post(one).status_code == 200, one
        assert outsider.put(sent["id"], one).status_code == 204
    assert outsider.get(statementId=sent["id"]).data == before
    assert how_many(make) == 1


SCRIPT = paper(b"x", description={"vi-VN": "Giấy"}, fileUrl="https://example.vn/giay")
REF = {"objectType": "StatementRef", "id": "0a0a0a0a-0000-4000-8000-00000000000a"}
SHA1 = {"mbox_sha1sum": "ab" * 20}
SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"context": {"registration": REF["id"]}}, {"context": {"registration": REF["id"].upper()}}),
    ({"context": {"language": "vi-VN"}}, {"context": {"language": "VI-vn"}}),
    ({"context": {"statement": REF}}, {"context": {"statement": {**REF, "id": REF["id"].upper()}}}),
    ({"object": REF}, {"object": {**REF, "id": REF["id"].upper()}}),
    ({"actor": SHA1}, {"actor": {"mbox_sha1sum": "AB" * 20}}),
    ({"actor": SHA1}, {"actor": {"objectType": "Agent", **SHA1}}),
    (
        {"actor": {"objectType": "Group", "member": [SHA1, {"mbox": "mailto:a@example.vn"}]}},
        {"actor": {"objectType": "Group", "member": [{"objectType": "Agent", "mbox": "mailto:a@example.vn"}, SHA1]}},
    ),
    ({"object": {"id": "x:y"}}, {"object": {"id": "x:y", "objectType": "Activity"}}),
    ({"attachments": [SCRIPT]}, {"attachments": [{**SCRIPT, "sha2": SCRIPT["sha2"].upper()}]}),
    ({"attachments": [SCRIPT]}, {"attachments": [{**SCRIPT, "description": {"VI-vn": "Giấy"}}]}),
    ({"result": {"score": {"raw": 1}}}, {"result": {"score": {"raw": 1.0}}}),
    ({"result": {"extensions": {"x:y": [1, {"a": 2.0}]}}}, {"result": {"extensions": {"x:y": [1.0, {"a": 2}]}}}),
]
DIFFERENT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(
        ({part: {"extensions": {"x:y": one}}}, {part: {"extensions": {"x:y": other}}})
        for part in ("result", "context")
        for one, other in ((True, 1), ([False], [0]), ({"a": 1.0}, {"a": True}), ("a", "A"), (None, False))
    ),
    ({"object": {"id": "x:y"}}, {"object": {"id": "x:Y"}}),
    ({"attachments": [SCRIPT]}, {"attachments": [{**SCRIPT, "description": {"vi-VN": "GIẤY"}}]}),
    ({"actor": {"mbox": "mailto:a@example.vn"}}, {"actor": {"mbox": "mailto:A@example.vn"}}),
]


@pytest.mark.parametrize(("pairs", "alike"), [(SAME, True), (DIFFERENT, False)])
def test_statements_are_the_same_when_they_differ_in_what_says_nothing(pairs: Any, alike: bool) -> None:
    for one, other in pairs:
        assert same(statement(**one), statement(**other)) is alike, (one, other)
        inner = ({**statement(**part), "objectType": "SubStatement"} for part in (one, other))
        contained = [statement(object=part) for part in inner]
        assert same(*contained) is alike, (one, other)


def test_what_arrives_again_is_compared_by_what_it_says(outsider: Outsider) -> None:
    for pairs, status in ((SAME, 200), (DIFFERENT, 409)):
        for one, other in (pairs[0], pairs[-1]):
            sent = statement(id=new_id(), **one)
            assert outsider.post(sent).status_code == 200
            assert outsider.post({**sent, **other}).status_code == status, other


PLACES = [
    (b'{"result":{"score":{"raw":NaN}}}', "statement.result.score.raw: NaN is no number of JSON"),
    (b'[{},{"a":[1,{"b c":1e400}]}]', "statements[1].a[1].b c: 1e400 is a number out of range"),
    (b'{"a":[-Infinity]}', "statement.a[0]: -Infinity is no number of JSON"),
    (b'{"a":%b}' % (b"1" * 5_000), f"statement.a: {'1' * 60}… is a number out of range"),
    (b'{"a":1,"b":{"x":"\\"}","\\u0078" :2}}', "statement.b.x: is given twice"),
    (b' [ { } , [ true , "x" ] , {"q": 1.5e3 ,"q":null} ] ', "statements[2].q: is given twice"),
    (b'{"\\ud800\\u0001":1,"\\ud800\\u0001":2}', "statement.\\ud800\\u0001: is given twice"),
    (b'{"%b":1,"%b":2}' % (b"x" * 99, b"x" * 99), f"statement.{'x' * 60}…: is given twice"),
    (b'{"a":[1,],"b":NaN}', "body: is not JSON: JSON is malformed: trailing comma in array (byte 8)"),
    (b'{"a":1}}', "body: is not JSON: JSON is malformed: trailing characters (byte 8)"),
    (b'{"a":"\xff"}', None),
    (b'{"a":1,"a":2,1:3}', None),
    (b'{"b":{2:1}}', "body: is not JSON: JSON is malformed: object keys must be strings (byte 6)"),
    (b"[" * 100_000, "body: is nested deeper than 64 levels"),
    (b'{"a":1,"a":"%b"}' % (b"x" * 1_000_000), "body: gives a property twice"),  # too long to be read again
]


@pytest.mark.parametrize(("body", "told"), PLACES, ids=range(len(PLACES)))
def test_a_number_or_a_name_that_is_refused_is_told_with_its_place(body: bytes, told: str | None) -> None:
    with pytest.raises(Malformed) as error:
        read_statements(body, two=False)
    assert told in {str(error.value), None}
    assert refusal(400, str(error.value)).get_json()["error"] == str(error.value)  # and it can be sent


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "null"),
        (True, "true"),
        ("it's", '"it\'s"'),
        ('"', r'"\""'),
        ({"a": [1.5]}, '{"a": [1.5]}'),
        ("bài\u202e\x9b\ud800", r'"bài\u202e\u009b\ud800"'),
        ("x" * 99, f'"{"x" * 59}…'),
    ],
)
def test_a_value_is_quoted_as_json_writes_it(value: Any, told: str) -> None:
    assert quoted(value) == told
    with pytest.raises(Malformed, match=r"result\.success: expected true or false, got 1$"):
        check_statement(statement(result={"success": 1}), "statement", two=False)


CHANGES: list[dict[str, object]] = [
    {"actor": {"mbox": "mailto:binh@example.vn"}},
    {"verb": {"id": f"{VERBS}failed"}},
    {"object": {"id": "https://example.vn/bai-2"}},
    {"result": {"success": True}},
    {"timestamp": "2026-03-01T08:00:01+07:00"},
    {"context": {"registration": "00000000-0000-4000-8000-000000000001"}},
]


@reproduces(142)
def test_another_statement_under_a_known_id_is_refused(outsider: Outsider) -> None:
    sent = statement(id=new_id(), timestamp="2026-03-01T08:00:00+07:00")
    outsider.post(sent)
    before = outsider.get(statementId=sent["id"]).data
    for change in CHANGES:
        assert outsider.post({**sent, **change}).status_code == 409, change
        assert outsider.put(sent["id"].upper(), {**sent, **change}).status_code == 409, change
    assert outsider.get(statementId=sent["id"]).data == before


def test_one_id_twice_in_a_batch_is_refused_in_either_case(make: Make, outsider: Outsider) -> None:
    one = statement(id=new_id())
    answer = outsider.post([one, {**one, "id": one["id"].upper()}])
    assert answer.status_code == 400
    assert "statements[1].id" in answer.get_json()["error"]
    assert how_many(make) == 0


def test_put_takes_the_id_of_the_address(outsider: Outsider) -> None:
    statement_id = new_id()
    assert outsider.put(statement_id, statement()).status_code == 204
    assert outsider.get(statementId=statement_id.upper()).get_json()["id"] == statement_id
    assert outsider.put(new_id(), statement(id=new_id())).status_code == 400
    assert outsider.put("no-uuid", statement()).status_code == 400
    assert outsider.put(new_id(), [statement()]).status_code == 400


@reproduces(15)
def test_names_in_composed_and_decomposed_letters_come_back_as_they_were_sent(outsider: Outsider) -> None:
    names = "Nguy\u1ec5n", "Nguye\u0302\u0303n"  # the same to the eye
    for name in names:
        [statement_id] = outsider.post(statement(actor={"mbox": "mailto:an@example.vn", "name": name})).get_json()
        assert outsider.get(statementId=statement_id).get_json()["actor"]["name"] == name
    agents = [{"account": {"homePage": f"https://example.vn/{name}", "name": name}} for name in names]
    ids = outsider.post([statement(actor=agent) for agent in agents]).get_json()
    for agent, sent in zip(agents, ids, strict=True):  # and not the same account
        assert outsider.ids(agent=json.dumps(agent)) == [sent]
    asked = statement(id=new_id(), result={"response": names[0]})
    assert outsider.post(asked).status_code == 200
    assert outsider.post({**asked, "result": {"response": names[1]}}).status_code == 409


@reproduces(96)
def test_a_single_context_activity_comes_back_as_a_list(outsider: Outsider) -> None:
    parent = {"id": "https://example.vn/khoa"}
    inner = statement(object={"id": "https://example.vn/bai-2"}, context={"contextActivities": {"grouping": parent}})
    sent = statement(
        object={"objectType": "SubStatement", **inner},
        context={"contextActivities": {"parent": parent, "other": [parent]}},
    )
    [statement_id] = outsider.post(sent).get_json()
    found = outsider.get(statementId=statement_id).get_json()
    assert found["context"]["contextActivities"] == {"parent": [parent], "other": [parent]}
    assert found["object"]["context"]["contextActivities"] == {"grouping": [parent]}


HOSTILE = {
    "no JSON": b"{",
    "no UTF-8": b'{"actor":"\xff"}',
    "half a surrogate": b'"\\ud800"',
    "nothing": b"",
    "a bare number": b"12",
    "null": b"null",
    "a list of nothing": b"[null]",
    "nested far too deep": b"[" * 100_000,
    "nested too deep in an extension": json.dumps(
        statement(result={"extensions": {"https://example.vn/e": json.loads("[" * 70 + "]" * 70)}})
    ).encode(),
    "a name twice": b'{"actor":{"mbox":"mailto:a@b.vn","mbox":"mailto:c@d.vn"},"verb":{"id":"x:y"}}',
    "a name twice, escaped": json.dumps(statement()).encode()[:-1] + b',"\\u0076erb":{"id":"x:y"}}',
    "a number beyond every double": json.dumps(statement()).encode()[:-1] + b',"result":{"score":{"raw":1e999}}}',
    "a number of 5,000 digits": json.dumps(statement()).encode()[:-1]
    + b',"result":{"score":{"raw":'
    + b"9" * 5_000
    + b"}}}",
    "NaN": json.dumps(statement(result={"score": {"raw": float("nan")}})).encode(),
    "an IRI of 9,000 letters": json.dumps(statement(object={"id": "https://example.vn/" + "a" * 9_000})).encode(),
    "a NUL in an IRI": json.dumps(statement(object={"id": "https://example.vn/\0"})).encode(),
    "10,001 statements": b"[" + b",".join([b"{}"] * 10_001) + b"]",
}


@reproduces(14, 21)
def test_hostile_bodies_are_refused_with_a_reason(make: Make, outsider: Outsider) -> None:
    for name, body in HOSTILE.items():
        answer = outsider.post(body)
        assert answer.status_code == 400, name
        assert answer.get_json()["error"], name
        assert len(answer.data) < 1_000, name
    assert how_many(make) == 0


@reproduces(2)
def test_strange_but_valid_values_are_kept(outsider: Outsider) -> None:
    strange = statement(
        actor={"account": {"homePage": "https://example.vn", "name": "\0 \u202e 🐃 '; DROP TABLE"}},
        result={
            "score": {"raw": 1e308, "min": -1e308, "max": 1e308},
            "response": "\0",
            "extensions": {"https://example.vn/e": [None, 10**25, {"": {"\0": ""}}]},
        },
    )
    [statement_id] = outsider.post(strange).get_json()
    assert outsider.post({**strange, "id": statement_id}).status_code == 200
    found = outsider.get(statementId=statement_id).get_json()
    assert found["result"] == strange["result"]
    assert outsider.ids(agent=json.dumps(strange["actor"])) == [statement_id]
    assert outsider.get(format="canonical").get_json()["statements"][0]["result"] == strange["result"]


@reproduces(328)
def test_a_body_that_is_too_large_is_refused_before_it_is_read(outsider: Outsider) -> None:
    answer = outsider.post(b" " * 10_000_001)
    assert answer.status_code == 413
    assert answer.headers["X-Experience-API-Version"] == "1.0.3"


def test_a_batch_needs_no_more_sql_than_a_single_statement(make: Make, outsider: Outsider) -> None:
    for _ in range(2):
        outsider.post(statement())  # the process has met agent, verb and activity

    def cost(batch: object) -> int:
        with count_queries(make.app) as counted:
            assert outsider.post(batch).status_code == 200
        return len(counted)

    single, fifty = cost(statement(id=new_id())), cost([statement(id=new_id()) for _ in range(50)])
    assert single == fifty
    assert single <= 5


def test_what_our_own_pages_say_keeps_every_rule_of_both_editions() -> None:
    person, registration = uuid.uuid4(), uuid.uuid4()
    course = Activity("https://quan-triet.example/xapi/courses/demo", COURSE, "Khóa học", "Course")
    lesson = Activity("https://quan-triet.example/xapi/courses/demo/activities/m1-1", LESSON, "Bài học")
    for verb in VERB_NAMES:
        said = sentence(
            "https://quan-triet.example",
            person,
            verb,
            lesson,
            at=clock.now(),
            registration=registration,
            revision=2,
            within=(course, lesson),
            result={"completion": True, "score": {"scaled": 0.8}},
        )
        for two in (False, True):
            check_statement(said, "statement", two=two)
