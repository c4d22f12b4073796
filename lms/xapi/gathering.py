"""Statements of several requests, stored in one transaction, so that those who write at once share a commit.

A durable commit costs more than the statement in it. While one thread of a process stores, the others check what came
to them and queue; whoever comes first next stores for all that wait. Each is told only after the commit.
"""

import logging
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import current_app

from lms.db import Database
from lms.xapi.actions import store, store_alone
from lms.xapi.parts import Data
from lms.xapi.protocol import tried
from lms.xapi.statement import Arrival

log = logging.getLogger(__name__)

QUEUE = "xapi-gathering"  # its name among the extensions of an application
MOST_TOGETHER = 1_000  # statements in one transaction, unless a single request brings more


@dataclass(eq=False, slots=True)
class Waiting:
    """The statements of one request. `turn` is set when they are stored, when they failed, or to lead."""

    arrivals: Sequence[Arrival]
    turn: threading.Event = field(default_factory=threading.Event)
    stored: bool = False
    failed: bool = False


class Gathering:
    """The queue of one process. One thread at a time leads: it stores what is `waiting`, and hands on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self.waiting: deque[Waiting] = deque()
        self._led = False

    def store(self, arrivals: Sequence[Arrival]) -> bool:
        """Store them together with others; False when that failed: then nothing of them was stored."""
        mine = Waiting(arrivals)
        with self._lock:
            self.waiting.append(mine)
            leads = not self._led
            self._led = True
        if not leads:
            mine.turn.wait()
        if not (mine.stored or mine.failed):
            self._lead()
        return mine.stored

    def _lead(self) -> None:
        """Store a group that begins with this thread's own, and wake those it stored for and the next leader."""
        group = self._group()
        stored = False
        try:
            together = [one for waiting in group for one in waiting.arrivals]
            if not store_alone(self._database, together):
                with self._database.writing() as session:
                    store(session, together)
            stored = True
        except Exception:  # each tries by itself and meets its own error there
            log.info("a group of %d requests is stored one by one", len(group))
        finally:
            self._end(group, stored=stored)

    def _group(self) -> list[Waiting]:
        """The longest head of the queue that is not too large and names no statement twice."""
        group: list[Waiting] = []
        ids: set[uuid.UUID] = set()
        with self._lock:
            while self.waiting:
                more = {one.statement_id for one in self.waiting[0].arrivals}
                if group and (ids & more or len(ids) + len(more) > MOST_TOGETHER):
                    break
                ids |= more
                group.append(self.waiting.popleft())
        return group

    def _end(self, group: Sequence[Waiting], *, stored: bool) -> None:
        with self._lock:
            following = self.waiting[0] if self.waiting else None
            self._led = following is not None
        for one in group:
            one.stored, one.failed = stored, not stored
            one.turn.set()
        if following is not None:
            following.turn.set()


def gathered(arrivals: Sequence[Arrival], *, data: Data | None = None) -> list[uuid.UUID]:
    """Store the statements of this request, all or none; returns their ids in order.

    What counts, voids or brings data has a transaction of its own, in which others are told and rows are locked.
    Raises `Conflict` and `MayNotVoid`.
    """
    if arrivals and (data or goes_alone(arrivals) or not gathering().store(arrivals)):
        tried(lambda session: store(session, arrivals, data=data))
    return [one.statement_id for one in arrivals]


def goes_alone(arrivals: Sequence[Arrival]) -> bool:
    """Whether somebody must be told of these statements in the transaction that stores them."""
    return any(one.voids or one.counts for one in arrivals)


def gathering() -> Gathering:
    """The queue of the running application."""
    found: Gathering = current_app.extensions[QUEUE]
    return found
