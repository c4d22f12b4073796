"""SQLite as this product uses it: its engines, and the turns of those who write.

Left to itself SQLite lets each that waits for its one lock sleep longer and longer, and whoever comes by when it is
free has it: of many writers some would wait until they are told that the database is busy. So one of a process at a
time asks for it, in the order in which they came, and asks often.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

BUSY_TIMEOUT_MS = 10_000
PAGES_BEFORE_A_WRITER_COPIES = 64_000  # 256 MB of log: only where nobody could copy it back beside those who write
PAGES_IN_MEMORY = 4_000  # of 4 kB, for a connection: what one transaction changes is written once, at its end
IN_MEMORY = "temp_store = MEMORY"  # what a statement may have to take back; who reads may sort more than fits there
BEGINNING = "BEGIN IMMEDIATE"
ASKS_FOR_MS = 5  # so long SQLite itself asks for the lock before it says that it is busy: at once, after 1, 3 and 5 ms
PAUSE = 0.001  # seconds between two such times


class Turns:
    """The writers of one process, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self.waiting: deque[threading.Event] = deque()

    def take(self, seconds: float) -> bool:
        """Wait for one's turn, at most so long. Who was given it gives it on; False: it did not come."""
        mine = threading.Event()
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            self.waiting.append(mine)
        try:
            if mine.wait(seconds):
                return True
        except BaseException:  # whoever is torn away from waiting leaves nobody behind who waits for that one
            if not self._leave(mine):
                self.give()
            raise
        return not self._leave(mine)

    def _leave(self, mine: threading.Event) -> bool:
        """Wait no longer; False: the turn came at this very moment."""
        with self._lock:
            if mine.is_set():
                return False
            self.waiting.remove(mine)
        return True

    def give(self) -> None:
        """Let the next one write."""
        with self._lock:
            if self.waiting:
                self.waiting.popleft().set()
            else:
                self._taken = False


class Copying:
    """The log of changes is copied back into the file beside those who write, by a thread that comes and goes.

    Left to SQLite the writer that fills the log does it before its answer, and those of its process wait for their
    turn: most of a second where the file is large. At the end, when little is left, nobody of this process writes for
    a moment, else the log would never be copied to its end and begin anew, and would grow as long as there are writers.
    """

    WRITES = 50  # so many have written since the last time: a page that they all touch is copied once
    SECONDS = 1.0  # and so long ago it ended
    LITTLE = 1_000  # pages, some milliseconds
    TIMES = 5  # at most, until so little is left that was written meanwhile
    PATIENCE = 0.25  # seconds, for writers of other processes and readers of what was before; another time, then

    def __init__(self, path: str, turns: Turns) -> None:
        self._address, self._turns = f"file:{quote(path)}?mode=rw", turns
        self._running = threading.Lock()
        self._writes, self._ended = 0, time.monotonic()

    def written(self) -> None:
        """Somebody has written, and the turn is given on."""
        self._writes += 1
        if self._writes < self.WRITES or time.monotonic() < self._ended + self.SECONDS:
            return
        if self._running.acquire(blocking=False):
            self._writes = 0
            threading.Thread(target=self._run, name="copies the log of SQLite", daemon=True).start()

    def _run(self) -> None:
        try:
            self.copy()
        finally:
            self._ended = time.monotonic()
            self._running.release()

    def copy(self) -> None:
        """Whatever hinders it, no writer's promise depends on it: the log holds all, and is copied another time."""
        try:
            with closing(sqlite3.connect(self._address, uri=True, isolation_level=None)) as connection:
                self._copy_by(connection)
        except sqlite3.Error:
            pass

    def _copy_by(self, connection: sqlite3.Connection) -> None:
        for _ in range(self.TIMES):
            left = pages_left(connection, "PASSIVE")
            if left is None:  # another process is at it
                return
            if left <= self.LITTLE:
                break
        else:
            return
        if left and self._turns.take(1):
            try:
                until = time.monotonic() + self.PATIENCE
                while pages_left(connection, "RESTART") is None and time.monotonic() < until:
                    time.sleep(PAUSE)
            finally:
                self._turns.give()


def pages_left(connection: sqlite3.Connection, mode: str) -> int | None:
    """Copy as much of the log as can be; how many pages are left then, None where somebody was in the way."""
    connection.execute(f"PRAGMA busy_timeout = {ASKS_FOR_MS}")
    busy, pages, copied = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    return None if busy else int(pages) - int(copied)


def begin_writing(cursor: Any, seconds: float) -> None:
    """Begin a transaction that writes as soon as nobody else's does. Raises `OperationalError` when none came free.

    Every other question of this connection waits as long as it did before.
    """
    [before] = cursor.execute("PRAGMA busy_timeout").fetchone()
    cursor.execute(f"PRAGMA busy_timeout = {ASKS_FOR_MS}")
    until = time.monotonic() + seconds
    try:
        while not begun(cursor, give_up=time.monotonic() >= until):
            time.sleep(PAUSE)
    except sqlite3.Error as error:
        raise DBAPIError.instance(BEGINNING, None, error, sqlite3.Error, hide_parameters=True) from error
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {before}")


def begun(cursor: Any, *, give_up: bool) -> bool:
    """Whether the lock was free. `give_up`: when it was not, the error is raised."""
    try:
        cursor.execute(BEGINNING)
    except sqlite3.OperationalError as error:
        if give_up or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def sqlite_engine(url: sa.URL, as_json: Callable[[object], str], *, turns: Turns | None = None) -> sa.Engine:
    """An engine that begins its transactions itself: the driver's deferred ones fail under concurrent writers.

    `turns`: those in which its transactions write; without them it only reads.
    """
    engine = sa.create_engine(url, json_serializer=as_json, hide_parameters=True, pool_use_lifo=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"wal_autocheckpoint = {PAGES_BEFORE_A_WRITER_COPIES}",
            f"cache_size = {PAGES_IN_MEMORY}",
            "foreign_keys = ON",
            "query_only = ON" if turns is None else IN_MEMORY,
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin_transaction(connection: sa.Connection) -> None:
        if turns is None:
            connection.exec_driver_sql("BEGIN")
        else:
            begin_in_turn(connection.info, connection.connection.cursor(), turns)

    if turns is not None:
        copying = Copying(url.database or "", turns)

        @sa.event.listens_for(engine, "checkin")
        def end_turn(_connection: Any, record: Any) -> None:
            if record.info.pop(TURN, False):
                turns.give()
                copying.written()

    return engine


TURN = "turn"  # its name among what is known of a connection


def begin_in_turn(known: dict[Any, Any], cursor: Any, turns: Turns) -> None:
    """Begin to write once all have done so who came before; the turn is over when the connection is given back.

    `known`: what the pool keeps of the connection (`info`). Whoever waits in vain for a turn, as one does for a
    transaction of one's own, asks SQLite, which says why.
    """
    seconds = BUSY_TIMEOUT_MS / 1000
    until = time.monotonic() + seconds
    if not known.get(TURN):
        known[TURN] = turns.take(seconds)
    begin_writing(cursor, until - time.monotonic())
