"""ETag, If-Match and If-None-Match on documents, one after the other and many at once.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from lms.documents.actions import put_document
from lms.documents.rules import STATE as STATE_KIND
from lms.documents.rules import Conditions, Contents, Subject
from tests.conformance.numbers import reproduces
from tests.conformance.resources import (
    ACTIVITY,
    AGENT,
    AN,
    EDITIONS,
    LESSON,
    NEW,
    STATE,
    Resource,
    every_resource,
    stored,
)
from tests.make import Make
from tests.store import Outsider


@pytest.fixture(params=EDITIONS)
def outsider(make: Make, request: pytest.FixtureRequest) -> Outsider:
    """A client that may do everything, in each edition."""
    return Outsider(make, "all", edition=request.param)


# 4.1.4 / Comm 3.1: concurrency


@every_resource
@reproduces(322)
def test_if_match_lets_only_those_change_who_name_the_document_as_it_is(outsider: Outsider, at: Resource) -> None:
    etag = stored(outsider, at, {"a": 1})
    for method, body in (("PUT", {"a": 2}), ("POST", {"b": 2}), ("DELETE", None)):
        for tag in ('"1234"', f'"{"1" * 40}"', '"x", "y"'):
            answer = outsider.ask(method, at.path, at.query, body, If_Match=tag)
            assert answer.status_code == 412, (method, tag)
            assert answer.get_json()["error"].startswith("If-Match: ")
        assert outsider.ask("GET", at.path, at.query).headers["ETag"] == etag
    for tag in (etag, f"W/{etag}", etag.strip('"'), f'"other", {etag}', "*"):  # tincanjs sends tags without marks
        assert outsider.ask("PUT", at.path, at.query, {"tag": tag}, If_Match=tag).status_code == 204
        assert outsider.ask("GET", at.path, at.query).get_json() == {"tag": tag}
        assert outsider.ask("POST", at.path, at.query, {"a": 1}, If_Match="*").status_code == 204
        now = outsider.ask("GET", at.path, at.query).headers["ETag"]
        assert outsider.ask("PUT", at.path, at.query, {"a": 1}, If_Match=now).status_code == 204
    for method, body in (("PUT", {"a": 2}), ("POST", {"b": 2}), ("DELETE", None), ("GET", None)):
        for name in ("If-Match", "If-None-Match"):
            for nothing in (",", " , ,", " ", ""):
                answer = outsider.ask(method, at.path, at.query, body, **{name: nothing})
                assert answer.status_code == 400, (method, name, nothing)
                assert answer.get_json()["error"].startswith(f"{name}: expected entity tags")
    assert outsider.ask("GET", at.path, at.query).get_json() == {"a": 1}
    assert outsider.ask("DELETE", at.path, at.query, If_Match=etag).status_code == 204
    for method, body in (("PUT", {"a": 2}), ("POST", {"b": 2}), ("DELETE", None)):
        assert outsider.ask(method, at.path, at.query, body, If_Match="*").status_code == 412
        assert outsider.ask(method, at.path, at.query, body, If_Match=etag).status_code == 412


@every_resource
def test_if_none_match_stores_only_what_is_new(outsider: Outsider, at: Resource) -> None:
    etag = stored(outsider, at, {"a": 1})
    for method in ("PUT", "POST"):
        for tag in ("*", etag, f'W/{etag}, "x"'):
            answer = outsider.ask(method, at.path, at.query, {"b": 2}, If_None_Match=tag)
            assert answer.status_code == 412
            assert answer.get_json()["error"].startswith("If-None-Match: ")
    assert outsider.ask("GET", at.path, at.query).get_json() == {"a": 1}
    assert outsider.ask("PUT", at.path, at.query, {"b": 2}, If_None_Match='"x"').status_code == 204


# What is stored over nothing, and over something, by a PUT with neither header.
BARE_PUTS = [
    ("1.0.3", STATE, 204, 204),
    ("1.0.3", AGENT, 400, 409),
    ("1.0.3", ACTIVITY, 400, 409),
    ("2.0.0", STATE, 204, 409),
    ("2.0.0", AGENT, 204, 409),
    ("2.0.0", ACTIVITY, 204, 409),
]


@pytest.mark.parametrize(("edition", "at", "over_nothing", "over_something"), BARE_PUTS)
def test_a_put_without_conditions_overwrites_nothing_unseen(
    make: Make, edition: str, at: Resource, over_nothing: int, over_something: int
) -> None:
    outsider = Outsider(make, "all", edition=edition)
    first = outsider.ask("PUT", at.path, at.query, {"a": 1})
    assert first.status_code == over_nothing
    assert first.status_code == 204 or first.get_json()["error"].startswith("If-Match: ")
    assert outsider.ask("GET", at.path, at.query).status_code == (200 if over_nothing == 204 else 404)
    outsider.ask("POST", at.path, at.query, {"a": 1})
    second = outsider.ask("PUT", at.path, at.query, {"b": 2})
    assert second.status_code == over_something
    assert second.status_code == 204 or "send its ETag in If-Match" in second.get_json()["error"]
    kept = {"b": 2} if over_something == 204 else {"a": 1}
    assert outsider.ask("GET", at.path, at.query).get_json() == kept


@every_resource
def test_a_reader_who_has_the_document_is_not_sent_it_again(outsider: Outsider, at: Resource) -> None:
    etag = stored(outsider, at, {"a": 1})
    for method in ("GET", "HEAD"):
        answer = outsider.ask(method, at.path, at.query, If_None_Match=f'"x", {etag}')
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)
        assert outsider.ask(method, at.path, at.query, If_None_Match='"x"').status_code == 200
        assert outsider.ask(method, at.path, at.query, If_Match='"x"').status_code == 412
        assert outsider.ask(method, at.path, at.query, If_Match=etag).status_code == 200
        both = outsider.ask(method, at.path, at.query, If_Match='"x"', If_None_Match=etag)
        assert both.status_code == 412  # whoever asks for one document is not told that it has another


def at_once(works: list[Callable[[], TestResponse]]) -> list[int]:
    """Send requests from threads that start together; returns the statuses in order of size."""
    barrier = threading.Barrier(len(works))
    statuses: list[int] = []

    def run(work: Callable[[], TestResponse]) -> None:
        barrier.wait()
        statuses.append(work().status_code)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sorted(statuses)


def asking(make: Make, outsider: Outsider, method: str, at: Resource, **more: Any) -> Callable[[], TestResponse]:
    """The request over a connection of its own."""
    client, headers = make.app.test_client(), outsider.headers(**more.pop("headers", {}))
    return lambda: client.open(f"/xapi/{at.path}", method=method, query_string=at.query, headers=headers, **more)


WRITERS, ROUNDS = 6, 5


@every_resource
def test_of_writers_at_once_who_each_want_to_be_first_one_is(make: Make, at: Resource) -> None:
    outsider = Outsider(make, "all")
    for turn in range(ROUNDS):
        fresh = at._replace(query={**at.query, at.named: f"{turn}"})
        works = [
            asking(make, outsider, "PUT", fresh, json={"writer": number}, headers=NEW) for number in range(WRITERS)
        ]
        assert at_once(works) == [204] + [412] * (WRITERS - 1)


@every_resource
def test_of_writers_at_once_who_have_seen_the_same_document_one_changes_it(make: Make, at: Resource) -> None:
    outsider = Outsider(make, "all")
    etag = stored(outsider, at, {"turn": -1})
    for turn in range(ROUNDS):
        works = [
            asking(make, outsider, method, at, json={"turn": turn, "writer": number}, headers={"If_Match": etag})
            for number, method in enumerate(["PUT", "POST"] * (WRITERS // 2))
        ]
        assert at_once(works) == [204] + [412] * (WRITERS - 1)
        etag = outsider.ask("GET", at.path, at.query).headers["ETag"]


@every_resource
def test_what_many_merge_at_once_is_all_there(make: Make, at: Resource) -> None:
    outsider = Outsider(make, "all")
    for turn in range(ROUNDS):
        works = [asking(make, outsider, "POST", at, json={f"{turn}.{number}": 1}) for number in range(WRITERS)]
        assert at_once(works) == [204] * WRITERS
    assert len(outsider.ask("GET", at.path, at.query).get_json()) == WRITERS * ROUNDS


def test_removing_all_states_never_misses_one_that_is_being_changed(make: Make) -> None:
    """Whoever comes second finds what the first left: a change that saw the state succeeds before it is removed."""
    outsider = Outsider(make, "all", edition="2.0.0")
    everything = STATE._replace(query=STATE.about)
    for _ in range(ROUNDS * 2):
        etag = stored(outsider, STATE, {"a": 1})
        change = asking(make, outsider, "PUT", STATE, json={"a": 2}, headers={"If_Match": etag})
        assert at_once([change, asking(make, outsider, "DELETE", everything)]) in ([204, 204], [204, 412])
        assert outsider.ask("GET", STATE.path, STATE.query).status_code == 404


def test_a_transaction_that_is_open_keeps_the_next_writer_waiting_until_it_is_rolled_back(make: Make) -> None:
    outsider = Outsider(make, "all")
    subject = Subject(STATE_KIND, activity=LESSON, agent=json.loads(AN))
    with make.database.write_sessions() as slow:
        first = Contents("text/plain", b"mine")
        put_document(slow, subject, STATE.query["stateId"], first, conditions=Conditions(), two=False)
        statuses: list[int] = []
        second = asking(make, outsider, "PUT", STATE, json={"a": 1}, headers=NEW)
        waiting = threading.Thread(target=lambda: statuses.append(second().status_code))
        waiting.start()
        slow.rollback()
        waiting.join()
    assert statuses == [204]
