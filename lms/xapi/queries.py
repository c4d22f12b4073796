"""Reading the store: identities, one statement, and pages of statements by the filters of the standard.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import sqlite3
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Engine, Select, bindparam, exists, func, or_, select, text, true, union
from sqlalchemy.orm import Session, aliased

from lms import clock
from lms.db import BUSY_TIMEOUT_MS, remembered
from lms.xapi.models import (
    XapiActivity,
    XapiAgent,
    XapiBody,
    XapiStatement,
    XapiStatementActivity,
    XapiStatementAgent,
    XapiVerb,
)
from lms.xapi.vocabulary import VOIDED

LARGEST_PAGE = 500  # statements
FULL_PAGE = 10_000_000  # bytes: no statement is begun after this
NOTHING = 0  # the key of what the store never met
KEYS_AT_ONCE = 500  # values in one IN (…)
SHORT_WHILE = timedelta(seconds=10)
DISORDER = 100_000  # how far sequence and `stored` may part while several writers are at work: times bound sequences


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
            XapiBody.body,
        )
        .join(XapiBody, XapiBody.sequence == statement.sequence)
        .join(XapiVerb, XapiVerb.id == statement.verb_id)
        .where(~statement.voided, XapiVerb.iri != VOIDED)
    )
    return [
        Voidable(*row) for part in parts(ids) for row in session.execute(query.where(statement.statement_id.in_(part)))
    ]


def of_client(statement: Any, client: int | None) -> ColumnElement[bool]:
    """Whether that client brought the statement; None stands for ourselves."""
    owner: ColumnElement[Any] = statement.client_id
    return owner.is_(None) if client is None else owner == client


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of a request for statements, as keys of the store (4.1.6.1 / Comm 2.1.3).

    An agent, verb or activity the store never met is NOTHING. `authorities` are the clients (None: we
    ourselves) whose authority is that agent. `client`: only what this client brought (statements/read/mine). `after` is
    the sequence of the last statement of the page before.
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

    @property
    def filtered(self) -> bool:
        """Whether a filter looks at what statements say, so that references to matching statements match too."""
        return any(one is not None for one in (self.agent, self.verb, self.activity, self.registration))


@dataclass(frozen=True, slots=True)
class Page:
    """Statements in the order asked for; `last` is where the next page begins, None when there is none."""

    bodies: list[bytes]
    last: int | None


def page(session: Session, asked: Asked) -> Page:
    """The first statements that match, up to the limit and to a bounded number of bytes."""
    sequences = list(session.scalars(matching(asked, asked.limit + 1)))
    rows = session.execute(
        select(XapiBody.sequence, XapiBody.body).where(XapiBody.sequence.in_(sequences[: asked.limit]))
    )
    found = dict(rows.all())
    bodies: list[bytes] = []
    size = 0
    for sequence in sequences[: asked.limit]:
        bodies.append(found[sequence])
        size += len(found[sequence])
        if size >= FULL_PAGE:
            break
    return Page(bodies, sequences[len(bodies) - 1] if len(bodies) < len(sequences) else None)


def matching(asked: Asked, limit: int) -> Select[int]:
    """The sequences of matching statements in order.

    Each branch walks one index in the order of the sequence and stops at the limit; the branches are merged.
    """
    branches = list(direct_branches(asked))
    if asked.filtered:
        branches.append(references(asked))
    limited = [ordered(branch, asked, limit).subquery() for branch in branches]
    if len(limited) == 1:
        return select(limited[0].c.sequence)
    merged = union(*(select(one.c.sequence) for one in limited)).subquery()
    order = merged.c.sequence.asc() if asked.ascending else merged.c.sequence.desc()
    return select(merged.c.sequence).order_by(order).limit(limit)


def ordered(branch: Select[int], asked: Asked, limit: int) -> Select[int]:
    """A branch within the bounds of time and page that hold for the statement itself, in order."""
    sequence, stored = branch.selected_columns[0], XapiStatement.stored
    anyone = aliased(XapiStatement)
    if asked.since is not None:
        first = select(anyone.sequence).where(anyone.stored > asked.since).order_by(anyone.stored).limit(1)
        branch = branch.where(stored > asked.since, sequence > first.scalar_subquery() - DISORDER)
    if asked.until is not None:
        last = select(anyone.sequence).where(anyone.stored <= asked.until).order_by(anyone.stored.desc()).limit(1)
        branch = branch.where(stored <= asked.until, sequence < last.scalar_subquery() + DISORDER)
    if asked.client is not None:
        branch = branch.where(XapiStatement.client_id == asked.client)
    if asked.after is not None:
        branch = branch.where(sequence > asked.after if asked.ascending else sequence < asked.after)
    return (
        branch.where(~XapiStatement.voided)
        .order_by(sequence.asc() if asked.ascending else sequence.desc())
        .limit(limit)
    )


def direct_branches(asked: Asked) -> Iterable[Select[int]]:
    """Statements that match by themselves: one branch for each place an agent and an activity may stand in."""
    for agent in agent_places(asked):
        for activity in activity_places(asked):
            tables = [table for table in (agent[0], activity[0]) if table is not None]
            sequence = tables[0].sequence if tables else XapiStatement.sequence
            branch = select(sequence.label("sequence")).select_from(tables[0] if tables else XapiStatement)
            if tables:
                branch = branch.join(XapiStatement, XapiStatement.sequence == sequence)
            for other in tables[1:]:
                branch = branch.join(other, other.sequence == sequence)
            yield branch.where(*agent[1], *activity[1], *plain_filters(XapiStatement, asked))


Place = tuple[Any, list[ColumnElement[bool]]]


def agent_places(asked: Asked) -> list[Place]:
    """Where the filters agent and related_agents look: a table to join, if any, and what must hold."""
    if asked.agent is None:
        return [(None, [])]
    named, statement = XapiStatementAgent, XapiStatement
    places: list[Place] = [
        (None, [statement.actor_id == asked.agent]),
        (named, [named.agent_id == asked.agent, named.direct.is_(True)]),
    ]
    if asked.related_agents:
        places.append((named, [named.agent_id == asked.agent, named.direct.is_(False)]))
        places.extend((None, [of_client(statement, client)]) for client in asked.authorities)
    return places


def activity_places(asked: Asked) -> list[Place]:
    """Where the filters activity and related_activities look."""
    if asked.activity is None:
        return [(None, [])]
    places: list[Place] = [(None, [XapiStatement.activity_id == asked.activity])]
    if asked.related_activities:
        places.append((XapiStatementActivity, [XapiStatementActivity.activity_id == asked.activity]))
    return places


def plain_filters(statement: Any, asked: Asked) -> list[ColumnElement[bool]]:
    """Verb and registration."""
    found: list[ColumnElement[bool]] = []
    if asked.verb is not None:
        found.append(statement.verb_id == asked.verb)
    if asked.registration is not None:
        found.append(statement.registration == asked.registration)
    return found


def references(asked: Asked) -> Select[int]:
    """Statements about a statement that matches, however many references lie between (Comm 2.1.3, StatementRefs)."""
    own, further, told = XapiStatement, aliased(XapiStatement), aliased(XapiStatement)
    chain = (
        select(own.sequence.label("head"), own.target.label("target"))
        .where(own.target.is_not(None))
        .cte("chain", recursive=True)
    )
    chain = chain.union(
        select(chain.c.head, further.target)
        .join(further, further.statement_id == chain.c.target)
        .where(further.target.is_not(None))
    )
    matches = [or_(*agent_conditions(told, asked)), or_(*activity_conditions(told, asked)), *plain_filters(told, asked)]
    if asked.client is not None:
        matches.append(told.client_id == asked.client)
    return (
        select(chain.c.head.label("sequence"))
        .distinct()
        .join(told, told.statement_id == chain.c.target)
        .join(XapiStatement, XapiStatement.sequence == chain.c.head)
        .where(*matches)
    )


def agent_conditions(told: Any, asked: Asked) -> list[ColumnElement[bool]]:
    """The places of an agent, as conditions on one statement."""
    if asked.agent is None:
        return [true()]
    named = exists().where(XapiStatementAgent.agent_id == asked.agent, XapiStatementAgent.sequence == told.sequence)
    if not asked.related_agents:
        return [told.actor_id == asked.agent, named.where(XapiStatementAgent.direct)]
    return [told.actor_id == asked.agent, named, *(of_client(told, client) for client in asked.authorities)]


def activity_conditions(told: Any, asked: Asked) -> list[ColumnElement[bool]]:
    """The places of an activity, as conditions on one statement."""
    if asked.activity is None:
        return [true()]
    named = XapiStatementActivity
    related = exists().where(named.activity_id == asked.activity, named.sequence == told.sequence)
    return [told.activity_id == asked.activity, *([related] if asked.related_activities else [])]


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
