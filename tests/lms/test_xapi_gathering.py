"""Requests that come at once share a commit; each keeps its own answer. Numbers and times rise whoever writes."""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError

from lms import clock
from lms.db import Database
from lms.xapi import actions, driver, gathering, storage
from lms.xapi.actions import ourselves, record
from lms.xapi.gathering import Gathering
from lms.xapi.models import XapiStatement
from lms.xapi.statement import Arrival, Source, arrival
from tests.make import Make
from tests.store import Outsider, new_id, statement
from tests.together import at_once

SOURCE = Source(client=None, authority={"account": {"homePage": "https://example.vn", "name": "x"}}, counts=False)


def arrived(**changes: Any) -> Arrival:
    return arrival(statement(**{"id": new_id(), **changes}), None, SOURCE)


def commits(make: Make, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one with each commit of the product, by SQLAlchemy or past it."""
    counted: list[str] = []
    event.listen(make.database.write_engine, "commit", lambda _connection: counted.append("COMMIT"))
    real = driver.send

    begun: list[str] = []

    def send(cursor: Any, sql: str, values: Any) -> Any:
        if sql.startswith("BEGIN"):
            begun.append(sql)
        if sql == "COMMIT" or (sql == storage.INSERTED_OR_NOT and not begun):
            begun.clear()
            counted.append("COMMIT")
        return real(cursor, sql, values)

    monkeypatch.setattr(driver, "send", send)
    return counted


def stored(make: Make) -> int:
    with make.reading() as session:
        return session.scalar(select(func.count()).select_from(XapiStatement)) or 0


class Held:
    """The first to store waits until it is let go; so the others find themselves in the queue.

    They go the shorter way when all that they name has been met, as after `acquaint`, and the longer one else.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.go_on, self.groups = threading.Event(), threading.Event(), list[int]()
        self.shorter = 0
        real = actions.store_alone

        def store_alone(database: Database, arrivals: Sequence[Arrival]) -> bool:
            self.groups.append(len(arrivals))
            if len(self.groups) == 1:
                self.began.set()
                assert self.go_on.wait(30)
            done = real(database, arrivals)
            self.shorter += done
            return done

        monkeypatch.setattr(gathering, "store_alone", store_alone)

    def queue(self, queue: Gathering, batches: Sequence[Sequence[Arrival]]) -> list[bool]:
        """What each batch hears, when the first is being stored while all the others come."""
        results: list[bool] = [False] * len(batches)

        def run(number: int) -> None:
            results[number] = queue.store(batches[number])

        threads = [threading.Thread(target=run, args=(number,)) for number in range(len(batches))]
        threads[0].start()
        assert self.began.wait(30)
        for one in threads[1:]:
            one.start()
        while len(queue.waiting) < len(batches) - 1:
            threading.Event().wait(0.001)
        self.go_on.set()
        for one in threads:
            one.join(30)
            assert not one.is_alive()
        return results


def acquaint(make: Make) -> None:
    """The store meets all that these statements name."""
    with make.writing() as session:
        record(session, [statement(id=new_id())], source=ourselves(session))


@pytest.mark.parametrize("met", [False, True])
def test_those_who_wait_are_stored_together_with_one_commit(
    make: Make, monkeypatch: pytest.MonkeyPatch, met: bool
) -> None:
    if met:
        acquaint(make)
    held, counted, before = Held(monkeypatch), commits(make, monkeypatch), stored(make)
    batches = [[arrived()], [arrived(), arrived()], [arrived()], [arrived()]]
    assert held.queue(Gathering(make.database), batches) == [True] * 4
    assert held.groups == [1, 4]
    assert held.shorter == 2
    assert len(counted) == 2
    assert stored(make) == before + 5
    with make.reading() as session:
        rows = session.execute(select(XapiStatement.sequence, XapiStatement.stored).order_by(XapiStatement.sequence))
        assert all(one.sequence < two.sequence and one.stored < two.stored for one, two in pairwise(rows.all()))


def test_what_a_transaction_has_added_is_known_when_it_is_committed(make: Make) -> None:
    source = replace(SOURCE, defines=True)
    defined = {"id": "https://example.vn/bai-moi", "definition": {"name": {"vi": "Bài mới"}}}
    first, second, third = (
        arrival(statement(id=new_id(), object=one), None, source)
        for one in (defined, defined, {"id": "https://example.vn/bai-khac"})
    )
    assert not actions.store_alone(make.database, [first])  # its definition is new
    with make.writing() as session:
        actions.store(session, [first])
    assert actions.store_alone(make.database, [second])
    assert actions.store_alone(make.database, [third])
    known = {key for space, key in make.database.memory if space == "xapi_activity.iri"}
    assert known == {defined["id"], "https://example.vn/bai-khac"}


def test_a_group_that_fails_stores_nothing_and_each_hears_of_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = new_id()
    with make.writing() as session:
        record(session, [statement(id=taken)], source=ourselves(session))
    other = arrived(id=taken, result={"success": True})
    held = Held(monkeypatch)
    queue = Gathering(make.database)
    assert held.queue(queue, [[arrived()], [arrived()], [other], [arrived()]]) == [True, False, False, False]
    assert stored(make) == 2
    assert queue.store([arrived()])  # and the queue goes on


def test_one_statement_sent_by_two_at_once_is_in_two_groups(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    held, same = Held(monkeypatch), new_id()
    batches = [[arrived()], [arrived(id=same)], [arrived(id=same)]]
    assert held.queue(Gathering(make.database), batches) == [True] * 3
    assert held.groups == [1, 1, 1]
    assert stored(make) == 2


def test_of_requests_at_once_only_the_wrong_one_is_refused(make: Make) -> None:
    outsider = Outsider(make, "all")
    taken = new_id()
    outsider.post(statement(id=taken))

    def post(body: dict[str, Any]) -> int:
        client = make.app.test_client()
        return client.post("/xapi/statements", json=body, headers=outsider.headers()).status_code

    right = [statement(id=new_id()) for _ in range(7)]
    wrong = statement(id=taken, result={"success": True})
    works = [lambda one=one: post(one) for one in (*right[:3], wrong, *right[3:])]
    assert at_once(*works) == [200, 200, 200, 409, 200, 200, 200, 200]
    assert stored(make) == 8


def test_stored_rises_with_the_number_also_when_the_clock_goes_back(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.true_now()
    for hours in (0, -26, 26, -26, 0):
        monkeypatch.setattr(clock, "true_now", lambda hours=hours: now + timedelta(hours=hours))
        with make.writing() as session:
            record(session, [statement(id=new_id()) for _ in range(3)], source=ourselves(session))
    with make.reading() as session:
        times = session.scalars(select(XapiStatement.stored).order_by(XapiStatement.sequence)).all()
    assert len(times) == 15
    assert all(before < after for before, after in pairwise(times))


def test_the_time_in_the_statement_is_the_time_it_is_found_by(make: Make) -> None:
    outsider = Outsider(make, "all")
    [one] = outsider.post(statement()).get_json()
    told = datetime.fromisoformat(outsider.get(statementId=one).get_json()["stored"])
    with make.reading() as session:
        assert session.scalar(select(XapiStatement.stored)) == told


def test_a_batch_longer_than_one_insert_is_numbered_in_its_order(make: Make) -> None:
    number = storage.ROWS_AT_ONCE * 2 + 1
    ids = [new_id() for _ in range(number)]
    with make.writing() as session:
        record(session, [statement(id=one) for one in ids], source=ourselves(session))
    with make.reading() as session:
        found = session.scalars(select(XapiStatement.statement_id).order_by(XapiStatement.sequence)).all()
    assert found == [uuid.UUID(one) for one in ids]


@pytest.mark.postgresql
@pytest.mark.parametrize("backend", ["postgresql"])  # numbers of SQLite need no lock
def test_a_number_that_was_asked_for_in_vain_leaves_no_lock_behind(make: Make) -> None:
    with make.database.write_sessions() as session:
        with pytest.raises(DBAPIError):
            session.execute(text("SELECT * FROM xapi_number(9223372036854775807)"))
        session.rollback()
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 50 AND objsubid = 2"
        assert session.scalar(text(held)) == 0
