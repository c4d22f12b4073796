"""The outbox: work is done after the commit, once, again when it fails, and not for ever."""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from lms import clock
from lms.audit.actions import note
from lms.audit.models import AuditEntry
from lms.outbox import actions
from lms.outbox.actions import JobFailed, LeaseLost, night_of, queue, take
from lms.outbox.cli import Worker
from lms.outbox.models import Job
from lms.outbox.rules import LEASE, MOST_ATTEMPTS, wait_after
from tests.make import Make

SOMEBODY = "Lý A Hoa, hoa@example.vn"
MIDNIGHT = datetime(2026, 11, 22, 17, tzinfo=UTC)
"""In Vietnam the 23rd begins."""


@pytest.fixture
def worker(make: Make) -> Worker:
    """A worker for whom the night's work is done."""
    with make.writing() as session:
        actions.queue_nightly(session, clock.now())
        session.scalars(select(Job)).one().done_at = clock.now()
    return Worker(make.database)


def handle(make: Make, kind: str, handler: Any) -> None:
    make.database.doors.jobs[kind] = handler


def queued(make: Make, kind: str = "greet", **options: Any) -> None:
    with make.writing() as session:
        queue(session, kind, {"n": 1}, **options)


def only_job(make: Make, kind: str = "greet") -> Job:
    with make.reading() as session:
        return session.scalars(select(Job).where(Job.kind == kind)).one()


def greeting(session: Session, _payload: Mapping[str, Any]) -> None:
    note(session, "greeted", actor=None, object_kind="-", object_id="-")


def greeted(make: Make) -> int:
    with make.reading() as session:
        return session.scalar(select(func.count()).where(AuditEntry.action == "greeted")) or 0


def test_a_job_is_done_once_and_only_when_it_is_due(make: Make, worker: Worker) -> None:
    handle(make, "greet", greeting)
    queued(make, due_at=clock.now() + timedelta(minutes=1))
    assert not worker.step()
    with clock.moved_to(clock.now() + timedelta(minutes=2)):
        assert worker.step()
        assert not worker.step()
    assert greeted(make) == 1
    job = only_job(make)
    assert job.done_at is not None
    assert (job.attempts, job.last_error, job.taken_until) == (1, None, None)


def test_a_job_that_names_a_moment_is_done_again_then_by_the_same_row(make: Make, worker: Worker) -> None:
    def greet_again(session: Session, payload: Mapping[str, Any]) -> datetime:
        greeting(session, payload)
        return clock.now() + timedelta(minutes=5)

    handle(make, "greet", greet_again)
    noon = clock.start_of_day(clock.today()) + timedelta(hours=12)
    with clock.moved_to(noon):
        queued(make)
    for minutes in (0, 4, 6, 12):
        with clock.moved_to(noon + timedelta(minutes=minutes)):
            worker.step()
    assert greeted(make) == 3
    job = only_job(make)
    assert (job.done_at, job.attempts, job.taken_until) == (None, 0, None)


def test_a_slow_worker_does_not_finish_the_hold_of_another_on_a_job_that_goes_on(make: Make) -> None:
    queued(make)
    with make.writing() as session:
        slow = take(session)
    assert slow is not None
    with clock.moved_to(clock.now() + LEASE + timedelta(seconds=1)):
        with make.writing() as session:
            second = take(session)
            assert second is not None
            actions.finish(session, second, again=clock.now())
        with make.writing() as session:
            third = take(session)
        assert third is not None
        assert third.attempt == slow.attempt
        with pytest.raises(LeaseLost), make.writing() as session:
            actions.finish(session, slow)


@pytest.mark.parametrize("state", ["new", "waiting", "done", "given up"])
def test_a_job_is_woken_whatever_its_state(make: Make, worker: Worker, state: str) -> None:
    handle(make, "greet", greeting)
    if state != "new":
        queued(make, key="greet for ever", due_at=clock.now() + timedelta(days=1))
        with make.writing() as session:
            job = session.scalars(select(Job).where(Job.kind == "greet")).one()
            job.done_at = clock.now() if state == "done" else None
            job.attempts = MOST_ATTEMPTS if state == "given up" else 0
    assert not worker.step()
    with make.writing() as session:
        actions.wake(session, "greet", {"n": 1}, key="greet for ever")
    assert worker.step()
    assert greeted(make) == 1


def test_what_a_rolled_back_request_queued_is_never_done(make: Make, worker: Worker) -> None:
    handle(make, "greet", greeting)
    with make.database.write_sessions() as session:
        queue(session, "greet", {})
        session.rollback()
    assert not worker.step()
    assert greeted(make) == 0


def test_a_key_is_queued_once(make: Make) -> None:
    for _ in range(2):
        queued(make, key="greet the year 2026")
    queued(make, kind="other")
    queued(make, kind="other")
    with make.reading() as session:
        assert session.scalar(select(func.count()).where(Job.kind == "greet")) == 1
        assert session.scalar(select(func.count()).where(Job.kind == "other")) == 2


def test_a_job_that_fails_leaves_nothing_behind_and_is_tried_again_later(make: Make, worker: Worker) -> None:
    tried: list[datetime] = []

    def fail_twice(session: Session, payload: Mapping[str, Any]) -> None:
        tried.append(clock.now())
        greeting(session, payload)
        if len(tried) < 3:
            raise JobFailed("the other side is asleep")

    handle(make, "greet", fail_twice)
    queued(make)
    now = clock.now()
    with clock.moved_to(now):
        assert worker.step()
        assert greeted(make) == 0
        assert only_job(make).last_error == "JobFailed: the other side is asleep"
        assert not worker.step()
    for moment in (now + timedelta(seconds=29), now + timedelta(seconds=31), now + timedelta(seconds=80)):
        with clock.moved_to(moment):
            worker.step()
    assert len(tried) == 2
    with clock.moved_to(now + timedelta(seconds=92)):
        worker.step()
    assert len(tried) == 3
    assert greeted(make) == 1
    assert only_job(make).last_error is None


def test_after_ten_attempts_a_job_is_given_up_and_says_why(
    make: Make, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fail(session: Session, _payload: Mapping[str, Any]) -> None:
        calls.append(1)
        session.execute(insert(AuditEntry).values(action=SOMEBODY))  # breaks a constraint

    handle(make, "greet", fail)
    queued(make)
    moment = clock.now()
    with caplog.at_level(logging.ERROR):
        for _ in range(MOST_ATTEMPTS + 3):
            with clock.moved_to(moment):
                worker.step()
            moment += timedelta(days=1)
            with make.writing() as session:
                actions.queue_nightly(session, moment)
                for night in session.scalars(select(Job).where(Job.kind == "nightly")):
                    night.done_at = moment
    assert len(calls) == MOST_ATTEMPTS
    job = only_job(make)
    assert job.done_at is None
    assert job.attempts == MOST_ATTEMPTS
    assert job.last_error is not None
    assert job.last_error.startswith("IntegrityError")
    assert "for good" in caplog.text
    for told in (job.last_error, caplog.text):
        assert "Hoa" not in told
        assert "example.vn" not in told


def test_each_wait_is_twice_the_one_before() -> None:
    waits = [wait_after(attempt).total_seconds() for attempt in range(1, MOST_ATTEMPTS)]
    assert waits[0] == 30
    assert all(later == 2 * earlier for earlier, later in pairwise(waits))
    assert timedelta(seconds=sum(waits)) < timedelta(hours=5)


def test_a_job_of_a_worker_that_died_is_taken_over_when_its_lease_ends(make: Make, worker: Worker) -> None:
    handle(make, "greet", greeting)
    queued(make)
    now = clock.now()
    with make.writing() as session:
        held = take(session)
    assert held is not None
    assert not worker.step()
    assert only_job(make).last_error == "the worker stopped before the job was done"
    with clock.moved_to(now + LEASE + timedelta(seconds=5)):
        assert worker.step()
    assert greeted(make) == 1
    with make.database.write_sessions() as session, pytest.raises(LeaseLost):
        actions.finish(session, held)  # the first was only slow


def test_two_workers_do_each_job_once(make: Make, worker: Worker) -> None:
    numbers: list[int] = []

    def count_one(session: Session, payload: Mapping[str, Any]) -> None:
        numbers.append(payload["n"])
        time.sleep(0.002)
        greeting(session, payload)

    handle(make, "greet", count_one)
    with make.writing() as session:
        for n in range(30):
            queue(session, "greet", {"n": n})

    def work(own: Worker) -> None:
        while own.step():
            pass

    threads = [threading.Thread(target=work, args=(Worker(make.database),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work(worker)  # one that found everything taken may have stopped early
    assert sorted(numbers) == list(range(30))
    assert greeted(make) == 30


def test_a_kind_nobody_knows_waits_for_a_worker_that_does(make: Make, worker: Worker) -> None:
    queued(make, kind="tomorrows")
    assert worker.step()
    assert only_job(make, "tomorrows").last_error == "JobFailed: nothing here knows how to do 'tomorrows'"


@pytest.mark.parametrize(
    ("after_midnight", "key"),
    [
        (timedelta(minutes=4, seconds=59), "nightly 2026-11-22"),
        (timedelta(minutes=5), "nightly 2026-11-23"),
        (timedelta(hours=23), "nightly 2026-11-23"),
        (timedelta(hours=24, minutes=4), "nightly 2026-11-23"),
    ],
)
def test_the_night_begins_at_five_past_midnight_in_vietnam(after_midnight: timedelta, key: str) -> None:
    assert night_of(MIDNIGHT + after_midnight) == key


def test_the_nightly_work_runs_once_on_however_many_hosts(make: Make) -> None:
    nights: list[datetime] = []
    make.database.doors.nightly.append(lambda _session, now: nights.append(now))
    hosts = [Worker(make.database) for _ in range(3)]
    for moment in (MIDNIGHT, MIDNIGHT + timedelta(minutes=6), MIDNIGHT + timedelta(hours=9)):
        with clock.moved_to(moment):
            for host in hosts:
                while host.step():
                    pass
    assert nights == [MIDNIGHT, MIDNIGHT + timedelta(minutes=6)]  # that of the 22nd was made up for, then the 23rd's


def test_done_jobs_are_forgotten_after_a_month_and_those_given_up_are_not(make: Make, worker: Worker) -> None:
    handle(make, "greet", greeting)
    queued(make)
    queued(make, kind="nobody knows")
    while worker.step():
        pass
    later = clock.now() + timedelta(days=31)
    with make.writing() as session:
        actions.forget_done(session, later)
        assert session.scalars(select(Job.kind)).all() == ["nobody knows"]


def test_the_worker_outlives_a_database_that_goes_away(
    make: Make, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.outbox.cli.DATABASE_AWAY_SECONDS", 0.01)
    handle(make, "greet", greeting)
    queued(make)
    stop = threading.Event()
    steps = iter([OperationalError("SELECT", {}, Exception()), None])
    step = worker.step

    def sometimes() -> bool:
        error = next(steps, None)
        if error is not None:
            raise error
        stop.set()
        return step()

    monkeypatch.setattr(worker, "step", sometimes)
    worker.run(stop)
    assert greeted(make) == 1
