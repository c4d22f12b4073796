"""Those who write to SQLite take turns: nobody who came first is passed by, and nobody waits for ever."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from lms import sqlite
from lms.sqlite import Copying, Turns
from lms.xapi import driver
from tests.make import Make

pytestmark = pytest.mark.parametrize("backend", ["sqlite"])


@contextmanager
def another_process_writes(make: Make) -> Iterator[sqlite3.Connection]:
    """The lock is somebody else's, who takes no turns of ours."""
    path = make.database.url.database or ""
    with closing(sqlite3.connect(Path(path), isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def until_so_many_wait(turns: Turns, number: int) -> None:
    for _ in range(2_000):
        if len(turns.waiting) == number:
            return
        threading.Event().wait(0.005)
    raise AssertionError("they do not wait")


def test_writers_of_a_process_write_in_the_order_in_which_they_came(make: Make, backend: str) -> None:
    wrote: list[int] = []

    def write(number: int) -> None:
        with make.writing() as session:
            session.execute(text("SELECT 1"))
            wrote.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    with make.writing() as session:
        session.execute(text("SELECT 1"))  # the transaction begins
        for number, one in enumerate(threads, 1):
            one.start()
            until_so_many_wait(make.database.turns, number)
    for one in threads:
        one.join()
    assert wrote == list(range(8))
    assert not make.database.turns.waiting


def test_the_record_store_takes_its_turn_among_the_pages(make: Make, backend: str) -> None:
    wrote: list[str] = []

    def page() -> None:
        with make.writing() as session:
            session.execute(text("SELECT 1"))
            wrote.append("page")

    def store() -> None:
        with driver.at_once(make.database) as (cursor, begin):
            begin()
            wrote.append("store")
            driver.send(cursor, "COMMIT", ())

    writers = (page, page, store, page)
    threads = [threading.Thread(target=one) for one in writers]
    with make.writing() as session:
        session.execute(text("SELECT 1"))
        for number, thread in enumerate(threads, 1):
            thread.start()
            until_so_many_wait(make.database.turns, number)
    for thread in threads:
        thread.join()
    assert wrote == ["page", "page", "store", "page"]


def test_who_is_torn_away_from_waiting_stands_in_nobodys_way(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    assert turns.take(0)

    def torn(_event: threading.Event, _seconds: float) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Event, "wait", torn)
        with pytest.raises(KeyboardInterrupt):
            turns.take(1)
    turns.give()
    assert turns.take(0)


def test_who_waits_for_another_process_writes_once_it_is_done_and_other_questions_wait_as_before(
    make: Make, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience: list[int] = []
    asked, begun = threading.Event(), sqlite.begun

    def noted(cursor: Any, *, give_up: bool) -> bool:
        free = begun(cursor, give_up=give_up)
        if not free:
            asked.set()
        return free

    monkeypatch.setattr(sqlite, "begun", noted)

    def write() -> None:
        with make.writing() as session:
            patience.append(session.scalar(text("PRAGMA busy_timeout")) or 0)

    waits = threading.Thread(target=write)
    with another_process_writes(make) as other:
        waits.start()
        assert asked.wait(20)
        assert patience == []
        other.execute("ROLLBACK")
        waits.join()
    assert patience == [sqlite.BUSY_TIMEOUT_MS]


def test_who_waits_in_vain_is_told_so_and_the_next_one_writes(
    make: Make, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 20)

    def refused() -> None:
        with pytest.raises(OperationalError, match="locked"), make.writing() as session:
            session.execute(text("SELECT 1"))

    with another_process_writes(make):
        refused()
    with make.writing() as session:
        session.execute(text("SELECT 1"))
        refused()  # for a transaction of one's own nobody waits longer either
    with make.writing() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_a_connection_that_is_thrown_away_gives_its_turn_back(make: Make, backend: str) -> None:
    with make.writing() as session:
        session.execute(text("SELECT 1"))
        session.connection().invalidate()
        session.rollback()
    assert make.database.turns.take(0)
    make.database.turns.give()


def begun_anew(make: Make) -> int:
    """How often the log has been begun anew, as SQLite counts in its header."""
    return int.from_bytes(Path(f"{make.database.url.database}-wal").read_bytes()[12:16], "big")


def write_much(make: Make) -> None:
    """Some fifty pages: it is in the log whatever becomes of it."""
    with make.writing() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS much (content BLOB)"))
        session.execute(text("INSERT INTO much VALUES (zeroblob(200000))"))


def copying(make: Make) -> Copying:
    return Copying(make.database.url.database or "", make.database.turns)


def test_the_log_is_copied_back_and_begins_anew_beside_those_who_write(
    make: Make, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Copying, "WRITES", 10)
    monkeypatch.setattr(Copying, "SECONDS", 0.0)
    write_much(make)
    before = begun_anew(make)
    over = threading.Event()

    def write() -> None:
        for _ in range(500):
            if not over.wait(0.005):  # as requests that come one after the other leave the lock free between them
                write_much(make)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for one in threads:
        one.start()
    while any(one.is_alive() for one in threads) and not over.wait(0.02):
        if begun_anew(make) > before:
            over.set()
    for one in threads:
        one.join()
    assert begun_anew(make) > before


def test_what_is_copied_back_waits_for_no_writer_and_no_reader(make: Make, backend: str) -> None:
    write_much(make)
    with another_process_writes(make):
        copying(make).copy()
    with make.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM much")) == 1
        write_much(make)
        copying(make).copy()  # what came after that reader's moment stays in the log
        write_much(make)
        assert session.scalar(text("SELECT count(*) FROM much")) == 1
    before = begun_anew(make)
    copying(make).copy()
    write_much(make)
    assert begun_anew(make) == before + 1
    assert make.database.turns.take(0)


def test_nobody_is_told_where_the_log_cannot_be_copied_back(tmp_path: Path, backend: str) -> None:
    nowhere = Copying(str(tmp_path / "gone" / "lms.sqlite"), Turns())
    nowhere.SECONDS, nowhere.WRITES = 0.0, 1
    for _ in range(2):  # and it is tried again
        nowhere.written()
        assert nowhere._running.acquire(timeout=10)
        nowhere._running.release()
