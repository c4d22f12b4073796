"""Reading the store: identities, one statement, and pages of statements by the filters of the standard.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import sqlite3
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Engine, and_, bindparam, exists, func, select, text, true
from sqlalchemy.orm import Session

from lms import clock
from lms.db import Database
from lms.sqlite import BUSY_TIMEOUT_MS
from lms.xapi.driver import found_ids
from lms.xapi.models import (
    XapiActivity,
    XapiAttachment,
    XapiBody,
    XapiStatement,
    XapiStatementActivity,
    XapiStatementAgent,
    XapiStatementAttachment,
    XapiStatementAuthority,
    XapiVerb,
)
from lms.xapi.parts import Attached, holding
from lms.xapi.vocabulary import VOIDED

LARGEST_PAGE = 500  # statements
KEYS_AT_ONCE = 500  # values in one IN (…)
MOST_ATTACHED = 1_000  # attachments named by the statements of one page


def agent_ids(session: Session, digests: Iterable[bytes]) -> dict[bytes, int]:
    """The rows of agents, by digest; those the store never met are left out."""
    return found_ids(session, "xapi_agent", "digest", list(digests))


def verb_ids(session: Session, iris: Iterable[str]) -> dict[str, int]:
    """The rows of verbs, by IRI."""
    return found_ids(session, "xapi_verb", "iri", list(iris))


def activity_ids(session: Session, iris: Iterable[str]) -> dict[str, int]:
    """The rows of activities, by IRI."""
    return found_ids(session, "xapi_activity", "iri", list(iris))


def columns_of(session: Session, key: Any, column: Any, wanted: Sequence[Any]) -> dict[Any, Any]:
    """Another column of the rows with these keys, by key."""
    found: dict[Any, Any] = {}
    for part in parts(wanted):
        found |= dict(session.execute(select(key, column).where(key.in_(part))).all())
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


def definitions_to_change(session: Session, iris: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The same, kept from all other writers until the transaction ends: what is laid over them hides nothing."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts(iris):
        rows = session.execute(
            select(XapiActivity.iri, XapiActivity.definition)
            .where(XapiActivity.iri.in_(part))
            .order_by(XapiActivity.iri)
            .with_for_update(key_share=True)  # FOR NO KEY UPDATE: statements about it go on being stored
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
statement = XapiStatement.__table__.c
KNOWN = select(statement.statement_id, statement.sequence, statement.digest).where(
    statement.statement_id.in_(bindparam("ids", expanding=True))
)
link, attachment = XapiStatementAttachment.__table__, XapiAttachment.__table__
KEPT = (
    select(statement.statement_id, statement.sequence, attachment.c.id, attachment.c.digest, attachment.c.octets)
    .join(link, link.c.sequence == statement.sequence, isouter=True)
    .join(attachment, attachment.c.id == link.c.attachment_id, isouter=True)
    .where(statement.statement_id.in_(bindparam("ids", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of a request for statements, as keys of the store (4.1.6.1 / Comm 2.1.3).

    An agent, verb or activity the store never met is NOTHING. `authorities` are the clients (None: we
    ourselves) whose authority is that agent. `client`: only what this client brought (statements/read/mine). `after` is
    the sequence of the last statement of the page before, `end` the one before which this page ends at the latest.
    """

    agent: int | None = None
    authorities: tuple[int | None, ...] = ()
    verb: int | None = None
    activity: int | None = None
    registration: uuid.UUID | None = None
    related_agents: bool = False
    related_activities: bool = False
    since: datetime | None = None
    until: datetime | None = None
    limit: int = LARGEST_PAGE
    ascending: bool = False
    client: int | None = None
    after: int | None = None
    end: int | None = None

    @property
    def filtered(self) -> bool:
        """Whether a filter looks at what statements say, so that references to matching statements match too."""
        return any(one is not None for one in (self.agent, self.verb, self.activity, self.registration))


def of_client(statement: Any, client: int | None) -> ColumnElement[bool]:
    """Whether that client brought the statement; None stands for ourselves."""
    owner: ColumnElement[Any] = statement.client_id
    return owner.is_(None) if client is None else owner == client


def from_elsewhere(sequence: Any) -> ColumnElement[bool]:
    """Whether somebody unknown here vouches for the statement, and not the client that brought it."""
    return exists().where(XapiStatementAuthority.sequence == sequence)


def plain_filters(statement: Any, asked: Asked) -> list[ColumnElement[bool]]:
    """Verb and registration."""
    found: list[ColumnElement[bool]] = []
    if asked.verb is not None:
        found.append(statement.verb_id == asked.verb)
    if asked.registration is not None:
        found.append(statement.registration == asked.registration)
    return found


def ownership(statement: Any, asked: Asked) -> list[ColumnElement[bool]]:
    """That the client who asks brought it, if it may see nothing else (statements/read/mine)."""
    return [] if asked.client is None else [of_client(statement, asked.client)]


def agent_conditions(told: Any, asked: Asked) -> list[ColumnElement[bool]]:
    """The places of an agent, as conditions on one statement."""
    if asked.agent is None:
        return [true()]
    named = exists().where(XapiStatementAgent.agent_id == asked.agent, XapiStatementAgent.sequence == told.sequence)
    if not asked.related_agents:
        return [told.actor_id == asked.agent, named.where(XapiStatementAgent.direct)]
    vouched = [and_(of_client(told, client), ~from_elsewhere(told.sequence)) for client in asked.authorities]
    return [told.actor_id == asked.agent, named, *vouched]


def activity_conditions(told: Any, asked: Asked) -> list[ColumnElement[bool]]:
    """The places of an activity, as conditions on one statement."""
    if asked.activity is None:
        return [true()]
    named = XapiStatementActivity
    related = exists().where(named.activity_id == asked.activity, named.sequence == told.sequence)
    return [told.activity_id == asked.activity, *([related] if asked.related_activities else [])]


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


def attachment_ids(session: Session, digests: Sequence[bytes]) -> dict[bytes, int]:
    """The rows of attachments' data, by digest; those that never came are left out."""
    return columns_of(session, XapiAttachment.digest, XapiAttachment.id, digests)


class Kept(NamedTuple):
    """Data that came with a statement: where they are found, and how large they are."""

    attachment_id: int
    digest: bytes
    octets: int


def kept_attachments(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int, list[Kept]]]:
    """The sequence of each of these statements, and what came with it; the data themselves not yet."""
    found: dict[uuid.UUID, tuple[int, list[Kept]]] = {}
    for part in parts(ids):
        for statement_id, sequence, *kept in session.execute(KEPT, {"ids": part}):
            _, rows = found.setdefault(statement_id, (sequence, []))
            if kept[0] is not None:
                rows.append(Kept(*kept))
    return found


def attached(session: Session, bodies: Sequence[bytes], *, most: int) -> tuple[int, int | None, list[Attached]]:
    """The data that came with these statements, each once, until `most` bytes or a thousand attachments are reached.

    Before them: with how many of the statements that is, and the sequence of the last when it is not with all. No query
    is made when no statement names an attachment; otherwise one for what came and one for the data.
    """
    holders: list[tuple[int, uuid.UUID, dict[str, str]]] = []
    named = 0
    for number, one in enumerate(map(holding, bodies), 1):
        if kinds := one.kinds:
            holders.append((number, uuid.UUID(one.id), kinds))
            named += len(kinds)
            if named >= MOST_ATTACHED:
                break
    kept = kept_attachments(session, [statement_id for _, statement_id, _ in holders])
    wanted: dict[int, tuple[str, str]] = {}
    count, last, size = len(bodies), None, 0
    for number, statement_id, kinds in holders:
        sequence, rows = kept[statement_id]
        fresh = [row for row in rows if row.attachment_id not in wanted]
        wanted |= {row.attachment_id: (row.digest.hex(), kinds[row.digest.hex()]) for row in fresh}
        size += sum(row.octets for row in fresh)
        full = size >= most or (named >= MOST_ATTACHED and number == holders[-1][0])
        if full and number < len(bodies):
            count, last = number, sequence
            break
    data = columns_of(session, XapiAttachment.id, XapiAttachment.data, list(wanted))
    return count, last, [Attached(sha2, kind, data[row]) for row, (sha2, kind) in wanted.items()]


def consistent_through(session: Session, asking: Engine) -> datetime:
    """A time before which no statement can still appear (4.1.6.1 / Comm 2.1.3).

    Whoever stores a statement begins the transaction first and takes the time then. So on PostgreSQL the beginning of
    the oldest open transaction bounds what may come, by the clock of the database, which alone times statements. SQLite
    has one writer at a time: when none is at work, everything before now can be read; otherwise everything up to the
    newest statement that can be.

    To be asked before the session has read anything, for it sees what was committed when it began to; so the oldest
    transaction is asked for by another connection (`Database.asking_engine`). Raises RuntimeError where it has begun.
    """
    if session.in_transaction():
        raise RuntimeError("the session reads as of an earlier moment")
    if session.get_bind().dialect.name == "postgresql":
        with asking.connect() as connection:
            through: datetime = connection.execute(OLDEST_OPEN).scalar_one()
        return through.astimezone(UTC)
    now = clock.true_now()
    if nobody_writes(asking):
        return now
    return session.scalar(select(func.max(XapiStatement.stored))) or BEFORE_ALL


def recently_through(database: Database) -> datetime:
    """`consistent_through` as it was at some time in the last second: what held then holds still."""
    until, through = database.memory.get(THROUGH, (0.0, None))
    if time.monotonic() > until:
        with database.reading() as session:
            through = consistent_through(session, database.asking_engine)
        database.memory[THROUGH] = (time.monotonic() + 1, through)
    return cast(datetime, through)


THROUGH = ("xapi.through", "")
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
OLDEST_OPEN = text(
    "SELECT least(statement_timestamp(), min(xact_start)) FROM pg_stat_activity "
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


class Horizon(NamedTuple):
    """The newest statement of some moment, and who had not committed yet at that moment."""

    sequence: int
    writers: frozenset[str]


def settled(session: Session, before: Horizon | None) -> tuple[int, Horizon]:
    """Up to which sequence no statement can still appear (0: nothing new is known), and what to give back next time.

    Decision 0003: whoever reads on by sequence reads no further. Whoever inserts a statement locks the table first and
    draws the number after that, so that at any moment all numbers below the newest one that can be read were drawn by
    transactions that are over or hold that lock still. SQLite has one writer, so that its numbers are committed in
    order. To be asked as the first question of a session, and the statements read in another one: what a session reads
    is of one moment.
    """
    now = Horizon(session.scalar(select(func.max(XapiStatement.sequence))) or 0, writers_now(session))
    if not now.writers:
        return now.sequence, now
    if before is None:
        return 0, now
    return (0, before) if before.writers & now.writers else (before.sequence, now)


def writers_now(session: Session) -> frozenset[str]:
    """The transactions that may have drawn numbers and have not ended; this one is left out."""
    if session.get_bind().dialect.name != "postgresql":
        return frozenset()
    return frozenset(session.scalars(WRITERS))


WRITERS = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND relation = 'xapi_statement'::regclass AND pid IS DISTINCT FROM pg_backend_pid()"
)
