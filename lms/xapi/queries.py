"""Reading the store: identities, one statement, and pages of statements by the filters of the standard.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import sqlite3
import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Engine, bindparam, func, select, text
from sqlalchemy.orm import Session

from lms import clock
from lms.db import BUSY_TIMEOUT_MS, remembered
from lms.xapi.models import (
    XapiActivity,
    XapiAgent,
    XapiBody,
    XapiStatement,
    XapiVerb,
)
from lms.xapi.vocabulary import VOIDED

KEYS_AT_ONCE = 500  # values in one IN (…)
SHORT_WHILE = timedelta(seconds=10)


def agent_ids(session: Session, digests: Iterable[bytes]) -> dict[bytes, int]:
    """The rows of agents, by digest; those the store never met are left out."""
    return ids(session, "xapi.agent", XapiAgent.digest, XapiAgent.id, digests)


def verb_ids(session: Session, iris: Iterable[str]) -> dict[str, int]:
    """The rows of verbs, by IRI."""
    return ids(session, "xapi.verb", XapiVerb.iri, XapiVerb.id, iris)


def activity_ids(session: Session, iris: Iterable[str]) -> dict[str, int]:
    """The rows of activities, by IRI."""
    return ids(session, "xapi.activity", XapiActivity.iri, XapiActivity.id, iris)


def ids(session: Session, space: str, key: Any, row_id: Any, wanted: Iterable[Any]) -> dict[Any, int]:
    """The rows with these keys, from the memory of the process where it has them: they never change or go."""
    return remembered(session, space, wanted, lambda missing: found_ids(session, key, row_id, missing))


def found_ids(session: Session, key: Any, row_id: Any, wanted: Sequence[Any]) -> dict[Any, int]:
    """Keys and ids of the rows that stand."""
    found: dict[Any, int] = {}
    for part in parts(wanted):
        found |= dict(session.execute(select(key, row_id).where(key.in_(part))).all())
    return found


def parts(wanted: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """A long list in lengths a database takes as parameters."""
    return (wanted[start : start + KEYS_AT_ONCE] for start in range(0, len(wanted), KEYS_AT_ONCE))


def definitions(session: Session, iris: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The canonical definitions of activities that have one."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts(iris):
        rows = session.execute(
            select(XapiActivity.iri, XapiActivity.definition).where(
                XapiActivity.iri.in_(part), XapiActivity.definition.is_not(None)
            )
        )
        found |= {iri: definition for iri, definition in rows if definition is not None}
    return found


def known_statements(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int, bytes]]:
    """Sequence and digest of those of these statements that are stored."""
    return {
        statement_id: (sequence, digest)
        for part in parts(ids)
        for statement_id, sequence, digest in session.execute(KNOWN, {"ids": part})
    }


# Made once, and of columns: making a query, or mapping its rows, costs more than asking it.
statement, verb = XapiStatement.__table__.c, XapiVerb.__table__.c
KNOWN = select(statement.statement_id, statement.sequence, statement.digest).where(
    statement.statement_id.in_(bindparam("ids", expanding=True))
)
VOIDED_BY = select(statement.target).where(
    statement.target.in_(bindparam("ids", expanding=True)),
    statement.client_id == bindparam("client"),
    statement.verb_id == verb.id,
    verb.iri == VOIDED,
)


def voided_already(session: Session, ids: Sequence[uuid.UUID], *, client: int) -> set[uuid.UUID]:
    """Those of these statements that this client voided before they came."""
    return {one for part in parts(ids) for one in session.scalars(VOIDED_BY, {"ids": part, "client": client})}


class Voidable(NamedTuple):
    """A statement that may be voided."""

    sequence: int
    statement_id: uuid.UUID
    client_id: int | None
    counts: bool
    timestamp: datetime
    stored: datetime
    body: bytes


def voidable(session: Session, ids: Sequence[uuid.UUID]) -> list[Voidable]:
    """Those of these statements that stand and do not void others, which nothing voids (4.2.5 / Data 2.3.2)."""
    statement = XapiStatement
    query = (
        select(
            statement.sequence,
            statement.statement_id,
            statement.client_id,
            statement.counts,
            statement.timestamp,
            statement.stored,
            XapiBody.body,
        )
        .join(XapiBody, XapiBody.sequence == statement.sequence)
        .join(XapiVerb, XapiVerb.id == statement.verb_id)
        .where(~statement.voided, XapiVerb.iri != VOIDED)
    )
    return [
        Voidable(*row) for part in parts(ids) for row in session.execute(query.where(statement.statement_id.in_(part)))
    ]


def one_statement(
    session: Session, statement_id: uuid.UUID, *, voided: bool, client: int | None
) -> tuple[bytes, datetime] | None:
    """JSON and `stored` of a statement that is, or is not, voided; with `client`, only if that client brought it."""
    statement = XapiStatement
    query = (
        select(XapiBody.body, statement.stored)
        .join(statement, statement.sequence == XapiBody.sequence)
        .where(statement.statement_id == statement_id, statement.voided if voided else ~statement.voided)
    )
    if client is not None:
        query = query.where(statement.client_id == client)
    found = session.execute(query).one_or_none()
    return (found[0], found[1]) if found else None


def consistent_through(session: Session, writers: Engine) -> datetime:
    """A time before which no statement can still appear (4.1.6.1 / Comm 2.1.3).

    Whoever stores a statement begins the transaction first and takes the time then. So on PostgreSQL the beginning of
    the oldest open transaction bounds what may come. SQLite has one writer at a time: when none is at work, everything
    before now can be read; otherwise everything up to the newest statement that can be.
    """
    now = clock.true_now()
    if session.get_bind().dialect.name == "postgresql":
        oldest = session.scalar(OLDEST_OPEN)
        return min(now, oldest.astimezone(UTC)) if oldest is not None else now
    if nobody_writes(writers):
        return now
    return session.scalar(select(func.max(XapiStatement.stored))) or now - SHORT_WHILE


def recently_through(session: Session, writers: Engine) -> datetime:
    """`consistent_through` as it was at some time in the last second: what held then holds still."""
    memory: dict[Any, Any] = session.info["identities"]
    until, through = memory.get("xapi.through", (0.0, None))
    if time.monotonic() > until:
        through = consistent_through(session, writers)
        memory["xapi.through"] = (time.monotonic() + 1, through)
    return cast(datetime, through)


OLDEST_OPEN = text(
    "SELECT min(xact_start) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


def nobody_writes(writers: Engine) -> bool:
    """Whether SQLite's write lock is free at this moment. It is let go at once."""
    connection = writers.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        return True
    finally:
        connection.close()
