"""A process that dies at a chosen moment: the k-th event between the product and its database, by SIGKILL.

The child is forked from the test, which has the product warm: nothing is imported or prepared again for each moment.
An event stands before every statement, whoever sends it, before and after COMMIT, and before the answer. After one
statement and before the next the database is the same: it is enough to die once between them.
"""

import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from lms.db import Database
from lms.xapi import driver


class Moments:
    """The events of a process, in order, told over a pipe; it dies at the one numbered `deadly`."""

    def __init__(self) -> None:
        self._deadly = 0
        self._passed = 0
        self._told: int | None = None

    def begin(self, told: int, deadly: int) -> None:
        """From now on events count."""
        self._told, self._deadly = told, deadly

    def pass_by(self, what: str) -> None:
        """One event."""
        if self._told is None:
            return
        self._passed += 1
        os.write(self._told, f"{what}\n".encode())
        if self._passed == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def moments_of(app: Flask, patch: pytest.MonkeyPatch) -> Iterator[Moments]:
    """Hears every event of the product; they count in a process that dies."""
    database: Database = app.extensions["database"]
    moments = Moments()
    listeners: list[tuple[Any, str, Any]] = [
        (database.write_sessions, "after_commit", lambda _session: moments.pass_by("after COMMIT")),
    ]
    # On PostgreSQL the reading engine is the writing one under another option: it hears what the writing one hears.
    for engine in {id(one.pool): one for one in (database.read_engine, database.write_engine)}.values():
        listeners += [
            (engine, "before_cursor_execute", lambda *_given: moments.pass_by("before a query")),
            (engine, "commit", lambda _connection: moments.pass_by("before COMMIT")),
        ]
    patch.setattr(driver, "send", watched(driver.send, moments))
    for listener in listeners:
        event.listen(*listener)
    try:
        yield moments
    finally:
        for listener in listeners:
            event.remove(*listener)


def watched(send: Callable[..., Any], moments: Moments) -> Callable[..., Any]:
    """A way to the driver, with an event before it."""

    def sent(*given: Any) -> Any:
        moments.pass_by("before a statement")
        return send(*given)

    return sent


def die_at(database: Database, moments: Moments, deadly: int, work: Callable[[], None]) -> tuple[int, list[str]]:
    """Do it in a child that dies at this event, over connections of its own.

    Returns how the child ended (0: well, for there are fewer events; -9: killed) and what it passed.
    """
    database.dispose()  # a connection must not be in two processes
    told, tell = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn where the test run has threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            moments.begin(tell, deadly)
            work()
            moments.pass_by("before the answer")
            status = 0
        except BaseException:  # whatever it was, this process never returns into the test
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(tell)
    with os.fdopen(told) as lines:
        passed = lines.read().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), passed
