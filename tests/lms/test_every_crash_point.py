"""A process killed at any moment of a request leaves all of it or nothing, and the same sent again is there once."""

import hashlib
import math
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, literal, select, union_all

from courses.learning.models import ActivityProgress
from lms import clock
from lms.cli import check_projections
from lms.db import Base
from lms.documents.models import XapiDocument
from lms.xapi import vocabulary
from lms.xapi.gathering import QUEUE
from lms.xapi.queries import THROUGH
from tests.conformance.resources import AN, STATE
from tests.courses.learner import HOME, give
from tests.crashing import Moments, die_at, moments_of
from tests.library_course import CODE, load_small_course
from tests.make import Make
from tests.store import Outsider, mixed, new_id, paper, part, statement

KILLED = -9
Work = Callable[[], None]
"""A request, sent once more each time it is called; it looks at its own answer."""


@pytest.fixture
def moments(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moments]:
    with moments_of(app, monkeypatch) as found:
        yield found


def contents(make: Make) -> Counter[str]:
    """How many rows each table has, and how many documents say the same, as of one moment.

    One query, so that a commit is seen whole or not at all.
    """
    counts = [
        select(literal(name), func.count()).select_from(table) for name, table in sorted(Base.metadata.tables.items())
    ]
    said = select(XapiDocument.etag, literal(1))
    with make.reading() as session:
        found: Counter[str] = Counter()
        for what, number in session.execute(union_all(*counts, said)):
            found[str(what)] += number
        return found


def differences(make: Make) -> list[str]:
    return [line for lines in check_projections(make.database).values() for line in lines]


def grown(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in before | after if after[name] != before[name]}


def die_everywhere(make: Make, moments: Moments, new: Callable[[], Work], *, moves: bool = False) -> dict[str, int]:
    """Kill at each moment of such a request, look, send the same again, look; returns what one leaves when it is whole.

    `moves`: it counts towards completion.
    """
    new()()  # what only the first request of a day does is done
    work = new()
    before = contents(make)
    work()
    whole = grown(before, contents(make))
    assert moves == (ActivityProgress.__tablename__ in whole)
    lives: list[list[str]] = []
    for deadly in count(1):
        work = new()
        before = contents(make)
        make.database.write_sessions.kw["info"]["identities"].clear()  # some of it is believed for a second only
        ended, passed = die_at(make.database, moments, deadly, work)
        lives.append(passed)
        if ended == 0:
            break
        where = f"killed at {deadly}, {passed[-1]}"
        assert ended == KILLED, where
        assert grown(before, contents(make)) == (whole if "after COMMIT" in passed else {}), where
        if moves:  # also what sending again left the time before
            assert differences(make) == [], where
        work()
        assert grown(before, contents(make)) == whole, where
    for number, life in enumerate(lives, 1):
        assert life == passed[:number]  # no moment was left out
    assert len(lives) == len(passed) + 1
    assert len(passed) > 6
    assert passed[-1] == "before the answer"
    assert passed.count("before COMMIT") == passed.count("after COMMIT") == 1, passed
    assert differences(make) == []
    return whole


def posting(outsider: Outsider, batch: list[dict[str, Any]]) -> Work:
    """A POST of these statements."""

    def post() -> None:
        with outsider.post(batch[0] if len(batch) == 1 else batch) as answer:
            assert (answer.status_code, answer.get_json()) == (200, [one["id"] for one in batch])

    return post


def unheard_of() -> dict[str, Any]:
    """A statement of which the store has met nothing."""
    name = uuid.uuid4()
    return statement(
        id=new_id(),
        actor={"mbox": f"mailto:{name}@example.vn"},
        verb={"id": f"https://example.vn/dong-tu/{name}"},
        object={"id": f"https://example.vn/{name}", "definition": {"name": {"vi": "Bài"}}},
        context={"contextActivities": {"parent": [{"id": f"https://example.vn/{name}/khoa"}]}},
    )


def test_a_process_killed_at_any_moment_of_a_statement_leaves_it_whole_or_not_at_all(
    make: Make, moments: Moments
) -> None:
    outsider = Outsider(make, "all")
    assert die_everywhere(make, moments, lambda: posting(outsider, [unheard_of()]))["xapi_statement"] == 1


def test_a_process_killed_at_any_moment_of_a_batch_leaves_it_whole_or_not_at_all(make: Make, moments: Moments) -> None:
    outsider = Outsider(make, "all")
    batch = lambda: posting(outsider, [unheard_of() for _ in range(5)])  # noqa: E731 - a request to come
    assert die_everywhere(make, moments, batch)["xapi_statement"] == 5


def test_a_process_killed_at_any_moment_of_what_counts_leaves_statements_and_progress_together_or_neither(
    make: Make, tmp_path: Path, moments: Moments
) -> None:
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế")
    give(make, unit)
    outsider = Outsider(make, "all", counts_prefix=f"{HOME}/xapi/courses/{CODE}")

    def finishing() -> Work:
        person = make.person(unit=unit)
        batch = [
            statement(
                id=new_id(),
                actor={"account": {"homePage": HOME, "name": str(person.public_id)}},
                verb={"id": vocabulary.COMPLETED},
                object={"id": vocabulary.activity_iri(HOME, CODE, lesson)},
            )
            for lesson in ("m1-1", "m1-2")
        ]
        return posting(outsider, batch)

    assert die_everywhere(make, moments, finishing, moves=True)["xapi_statement"] == 2


def test_a_process_killed_at_any_moment_of_a_put_leaves_its_statement_whole_or_not_at_all(
    make: Make, moments: Moments
) -> None:
    outsider = Outsider(make, "all")

    def putting() -> Work:
        one = unheard_of()

        def put() -> None:
            with outsider.put(one["id"], one) as answer:
                assert (answer.status_code, answer.data) == (204, b"")

        return put

    assert die_everywhere(make, moments, putting)["xapi_statement"] == 1


def test_a_process_killed_at_any_moment_of_a_request_in_parts_leaves_statement_and_data_together_or_neither(
    make: Make, moments: Moments
) -> None:
    outsider = Outsider(make, "all")

    def in_parts() -> Work:
        data = [new_id().encode() for _ in range(2)]
        one = {**unheard_of(), "attachments": [paper(each) for each in data]}
        body = mixed(one, *(part(each) for each in data))

        def post() -> None:
            with outsider.send(body) as answer:
                assert (answer.status_code, answer.get_json()) == (200, [one["id"]])

        return post

    whole = die_everywhere(make, moments, in_parts)
    assert (whole["xapi_statement"], whole["xapi_attachment"], whole["xapi_statement_attachment"]) == (1, 2, 2)


@pytest.mark.parametrize("merged", [False, True])
def test_a_process_killed_at_any_moment_of_storing_or_merging_a_document_leaves_it_as_it_was_or_whole(
    make: Make, moments: Moments, merged: bool
) -> None:
    """A PUT of a new state, about what nobody spoke of; a POST to one that stands."""
    outsider = Outsider(make, "all")

    def changing() -> Work:
        about = {"activityId": f"https://example.vn/{uuid.uuid4()}", "agent": AN, "stateId": "trang"}

        def send(method: str, value: dict[str, int]) -> None:
            with outsider.ask(method, STATE.path, about, value) as answer:
                assert answer.status_code == 204

        if merged:
            send("PUT", {"a": 1})
        return partial(send, "POST", {"b": 2}) if merged else partial(send, "PUT", {"a": 1})

    whole = die_everywhere(make, moments, changing)
    before, after = (hashlib.sha1(one, usedforsecurity=False).hexdigest() for one in (b'{"a": 1}', b'{"a":1,"b":2}'))
    assert whole == ({before: -1, after: 1} if merged else {"xapi_document": 1, "xapi_activity": 1, before: 1})


def test_a_process_killed_at_any_moment_of_a_commit_that_two_requests_share_leaves_both_or_neither(
    make: Make, moments: Moments
) -> None:
    """One waits in the queue until the other, which comes later, stores for both."""
    outsiders = [Outsider(make, "all") for _ in range(2)]

    def sharing() -> Work:
        first, second = (posting(one, [unheard_of(), unheard_of()]) for one in outsiders)
        return partial(share, make, first, second)

    assert die_everywhere(make, moments, sharing)["xapi_statement"] == 4


def share(make: Make, first: Work, second: Work) -> None:
    """Let the second store what the first has queued. Neither asks the database anything after that."""
    queue = make.app.extensions["systems"].extensions[QUEUE]
    memory = make.database.memory
    memory[THROUGH] = (math.inf, clock.now())  # or both would ask at once how far statements are complete
    queue._led = True
    thread = threading.Thread(target=first)
    thread.start()
    while not queue.waiting:
        threading.Event().wait(0.001)
    with queue._lock:  # the first has seen that it does not lead
        queue._led = False
    second()
    thread.join()
    del memory[THROUGH]
