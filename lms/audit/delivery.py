"""Entries of the audit log as lines of JSON, to a file or to syslog, once they are committed.

Nothing waits for it: lines are handed to a thread by a queue that takes what it can. What cannot be written is left out
of the lines and never of the table, the program's own log says which entries, and `lms audit` writes them out later.
"""

import atexit
import logging
import os
import queue
import socket
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from lms.audit.rules import as_line

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Lines that wait for a slow disk; beyond it they are left out, so that memory does not fill."""

LAST_SECONDS = 2.0
"""How long a process that ends waits for its last lines."""

AUTHPRIV_INFO = 10 * 8 + 6
WAITING = "audit lines"


def keep_for_lines(session: Session, place: str, rows: list[dict[str, Any]]) -> None:
    """Hand these entries over when the session's transaction is committed; forget them when it is rolled back."""
    if WAITING not in session.info:
        session.info[WAITING] = []
        event.listen(session, "after_commit", lambda own: hand_over(own, place))
        event.listen(session, "after_soft_rollback", forget)
    inside = session.get_nested_transaction()
    session.info[WAITING] += [(inside, row) for row in rows]


def hand_over(session: Session, place: str) -> None:
    rows, session.info[WAITING] = session.info[WAITING], []
    for _inside, row in rows:
        writer_to(place).take(row)


def forget(session: Session, ended: SessionTransaction) -> None:
    """What was noted inside a savepoint goes with it; everything goes with the whole transaction."""
    waiting = session.info[WAITING]
    session.info[WAITING] = [(inside, row) for inside, row in waiting if ended.nested and inside is not ended]


class Writer:
    """Writes lines to one place, in a thread of its own."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._lines: queue.Queue[Mapping[str, Any]] = queue.Queue(MOST_WAITING)
        self._missing: list[int] = []
        self._begun = threading.Lock()
        self._thread: threading.Thread | None = None

    def take(self, entry: Mapping[str, Any]) -> None:
        """Have the entry written. Never waits and never fails."""
        try:
            self._lines.put_nowait(entry)
        except queue.Full:
            self._left_out(entry["id"], "too many lines wait")
            return
        with self._begun:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit lines", daemon=True)
                self._thread.start()

    def written(self) -> None:
        """Wait until everything that was taken is written or left out."""
        self._lines.join()

    def close(self) -> None:
        """At the end of the process: wait for the last lines, but not for long."""
        done = threading.Thread(target=self._lines.join, daemon=True)
        done.start()
        done.join(LAST_SECONDS)

    def _run(self) -> None:
        while True:
            entry = self._lines.get()
            try:
                send(self._place, as_line(entry))
            except Exception as error:  # a thread that died would leave out all that follows
                self._left_out(entry["id"], type(error).__name__)
            else:
                self._goes_on()
            finally:
                self._lines.task_done()

    def _left_out(self, number: int, reason: str) -> None:
        """Say it once for each stretch of entries that are missing."""
        if not self._missing:
            log.error(
                "audit lines: entry %d and those after it are not written (%s); the table has them", number, reason
            )
        self._missing = [self._missing[0] if self._missing else number, number]

    def _goes_on(self) -> None:
        if self._missing:
            log.error("audit lines: written again; entries %d to %d are missing: lms audit --after …", *self._missing)
            self._missing = []


def send(place: str, line: str) -> None:
    """Append the line to the file, or send it to syslog. Raises `OSError`."""
    if not place.startswith("syslog:"):
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode("ascii") + b"\n")
        finally:
            os.close(handle)  # opened anew each time: whoever turns the file over need not tell us
        return
    parts = urlsplit(place)
    message = f"<{AUTHPRIV_INFO}>quan-triet: {line}".encode("ascii")
    family, target = (
        (socket.AF_INET, (parts.hostname, parts.port or 514)) if parts.hostname else (socket.AF_UNIX, parts.path)
    )
    with socket.socket(family, socket.SOCK_DGRAM) as line_out:
        line_out.setblocking(False)
        line_out.sendto(message, target)


WRITERS: dict[tuple[int, str], Writer] = {}


def writer_to(place: str) -> Writer:
    """The writer of this process to that place; a process that was forked begins one of its own."""
    key = (os.getpid(), place)
    if key not in WRITERS:
        WRITERS[key] = Writer(place)
        atexit.register(WRITERS[key].close)
    return WRITERS[key]
