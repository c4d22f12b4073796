"""The one way past SQLAlchemy: SQL written out and handed to the driver, and the rows of agents, verbs and activities.

Composing a query, and wrapping what comes back, costs several times what sending it costs, and this is the path of
every statement (decision 0014). Below that, how each of the two databases is told which index to walk (decision 0027).
"""

import operator
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, cast

import msgspec
import psycopg
from sqlalchemy import Boolean, ColumnElement, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ClauseElement, UnaryExpression
from sqlalchemy.sql.operators import custom_op

from lms.db import Database, adds_identities, remember, remembered
from lms.sqlite import begin_in_turn
from lms.xapi.rules import rfc3339
from lms.xapi.statement import Arrival, agent_identifier

VALUES_AT_ONCE = 500  # values in one IN (…)


class Keys(NamedTuple):
    """The rows of all agents, verbs and activities of a batch, by digest and IRI."""

    agents: Mapping[bytes, int]
    verbs: Mapping[str, int]
    activities: Mapping[str, int]


def on_postgresql(session: Session) -> bool:
    """Which of the two databases this session speaks to."""
    return session.get_bind().dialect.name == "postgresql"


def cursor_of(session: Session) -> Any:
    """A cursor of the driver, in the transaction of this session, which it begins if need be."""
    return session.connection().connection.cursor()


def send(cursor: Any, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> Any:
    """The one way from here to the driver. Returns the cursor, to fetch from; raises what a query would."""
    try:
        return cursor.execute(sql, values) or cursor
    except DRIVERS_ERRORS as error:
        raise DBAPIError.instance(sql, None, error, type(error), hide_parameters=True) from error


DRIVERS_ERRORS = (sqlite3.Error, psycopg.Error)


Begin = Callable[[], Any]


@contextmanager
def at_once(database: Database) -> Iterator[tuple[Any, Begin]]:
    """A cursor of the driver by which everything is committed at once that is not sent between BEGIN and COMMIT.

    With it what begins a transaction: on SQLite in turn with everybody else who writes.
    """
    connection = database.storing_engine.raw_connection()
    try:
        cursor = connection.cursor()
        if database.on_postgresql:
            yield cursor, partial(send, cursor, "BEGIN", ())
        else:
            yield cursor, partial(begin_in_turn, connection.info, cursor, database.turns)
    except BaseException:
        connection.invalidate()  # whatever state it is in; what was not committed is not
        raise
    finally:
        connection.close()


def array(values: Iterable[object]) -> str:
    """An array of PostgreSQL as it is written: of numbers, hexadecimal figures, times, or whether something holds."""
    return f"{{{','.join(['NULL' if one is None else str(one) for one in values])}}}"


def found_ids(session: Session, table: str, key: str, wanted: Sequence[Any]) -> dict[Any, int]:
    """The ids of the rows of `table` whose column `key` has one of these values, from memory where it is known."""

    return remembered(
        session,
        f"{table}.{key}",
        wanted,
        lambda missing: looked_up(cursor_of(session), table, key, missing, on_postgresql=on_postgresql(session)),
    )


def rows(session: Session, sql: str, names: Sequence[str] | None, values: Mapping[str, Any]) -> Sequence[Any]:
    """The rows of a query that SQLAlchemy has composed; `names` gives its parameters an order where it has one."""
    given = values if names is None else [sqlite_value(values[name]) for name in names]
    return cast("Sequence[Any]", send(cursor_of(session), sql, given).fetchall())


def sqlite_value(value: Any) -> Any:
    """A value as SQLAlchemy keeps it there."""
    if isinstance(value, uuid.UUID):
        return value.hex
    return sqlite_time(value) if isinstance(value, datetime) else value


def sqlite_time(moment: datetime) -> str:
    """A time as SQLAlchemy keeps it: UTC, fixed width, so that text order is time order."""
    text = rfc3339(moment)
    return f"{text[:10]} {text[11:-1]}"


def found_values(session: Session, table: str, key: str, column: str, wanted: Sequence[Any]) -> dict[Any, Any]:
    """Another column of the rows of `table` whose column `key` has one of these values, by key."""
    return looked_up(cursor_of(session), table, key, wanted, column=column, on_postgresql=on_postgresql(session))


def looked_up(
    cursor: Any, table: str, key: str, wanted: Sequence[Any], *, on_postgresql: bool, column: str = "id"
) -> dict[Any, Any]:
    """The same from the database itself."""
    found: dict[Any, Any] = {}
    for start in range(0, len(wanted), VALUES_AT_ONCE):
        part = wanted[start : start + VALUES_AT_ONCE]
        given = "= ANY(%s)" if on_postgresql else f"IN ({','.join('?' * len(part))})"
        sql = f"SELECT {key}, {column} FROM {table} WHERE {key} {given}"  # noqa: S608 - our own names # nosec B608
        rows = send(cursor, sql, (list(part),) if on_postgresql else part).fetchall()
        found.update(by_key(rows))
    return found


def by_key(rows: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Rows of a key and a value."""
    return {bytes(key) if isinstance(key, memoryview) else key: value for key, value in rows}


Identifier = Callable[[Any], Mapping[str, Any]]


def kept_ids(
    session: Session, table: str, key: str, wanted: Set[Any], identifier: Identifier | None = None
) -> dict[Any, int]:
    """`found_ids`, after the rows nobody has added yet were added, in one order by all writers.

    `identifier` gives what is kept beside the key. Rows that stand are not touched: so writers never wait for each
    other in a circle.
    """
    found = found_ids(session, table, key, list(wanted))
    missing = sorted(wanted - found.keys())
    if not missing:
        return found
    adds_identities(session)
    added = add(cursor_of(session), table, key, missing, identifier, on_postgresql=on_postgresql(session))
    for one, number in added.items():
        remember(session, f"{table}.{key}", one, number)
    return found | added | found_ids(session, table, key, [one for one in missing if one not in added])


def add(
    cursor: Any,
    table: str,
    key: str,
    missing: Sequence[Any],
    identifier: Identifier | None,
    *,
    on_postgresql: bool,
) -> dict[Any, int]:
    """Insert these rows, but for those another writer has added; returns the ids of what was inserted here."""
    added: dict[Any, int] = {}
    for start in range(0, len(missing), VALUES_AT_ONCE):
        part = missing[start : start + VALUES_AT_ONCE]
        columns: dict[str, list[Any]] = {key: list(part)}
        if identifier is not None:
            columns["identifier"] = [msgspec.json.encode(identifier(one)).decode() for one in part]
        if on_postgresql:
            kinds = ("%s::bytea[]" if isinstance(part[0], bytes) else "%s::text[]", "%s::json[]")
            rows, given = f"SELECT * FROM unnest({', '.join(kinds[: len(columns)])})", list(columns.values())  # noqa: S608 - our own names # nosec B608
        else:
            marks = f"({', '.join('?' * len(columns))})"
            rows, given = f"VALUES {', '.join([marks] * len(part))}", [*chain(*zip(*columns.values(), strict=True))]
        sql = f"INSERT INTO {table} ({', '.join(columns)}) {rows} ON CONFLICT DO NOTHING RETURNING {key}, id"
        added.update(by_key(send(cursor, sql, given).fetchall()))
    return added


def known_ids(database: Database, cursor: Any, table: str, key: str, wanted: Set[Any]) -> dict[Any, int]:
    """The ids of those of these rows that are stored, from memory where it is known."""
    ids = database.recall(f"{table}.{key}", wanted)
    if missing := list(wanted - ids.keys()):
        fresh = looked_up(cursor, table, key, missing, on_postgresql=database.on_postgresql)
        database.remember(f"{table}.{key}", fresh)
        ids |= fresh
    return ids


def keep(database: Database, keys: Keys) -> None:
    """Remember the rows of these keys, which are committed."""
    database.remember("xapi_agent.digest", keys.agents)
    database.remember("xapi_verb.iri", keys.verbs)
    database.remember("xapi_activity.iri", keys.activities)


def keys_of(database: Database, cursor: Any, begin: Begin, arrivals: Sequence[Arrival]) -> tuple[Keys, bool]:
    """The keys of everything a batch names, and whether a transaction was begun to add what was new.

    What is found outside of one has been committed, and is remembered; what is added here is not yet.
    """
    agents = {digest: agent for one in arrivals for digest, agent in one.named.agents.items()}
    verbs = {one.document["verb"]["id"] for one in arrivals}
    activities = {iri for one in arrivals for iri in one.named.activities}
    named = (
        ("xapi_agent", "digest", agents.keys(), lambda digest: agent_identifier(agents[digest])),
        ("xapi_verb", "iri", verbs, None),
        ("xapi_activity", "iri", activities, None),
    )
    found = [known_ids(database, cursor, table, key, wanted) for table, key, wanted, _ in named]
    begun = any(len(ids) < len(wanted) for ids, (_, _, wanted, _) in zip(found, named, strict=True))
    if begun:
        begin()
        for ids, (table, key, wanted, identifier) in zip(found, named, strict=True):
            if missing := sorted(wanted - ids.keys()):
                ids |= add(cursor, table, key, missing, identifier, on_postgresql=database.on_postgresql)
                if others := [one for one in missing if one not in ids]:
                    ids |= looked_up(cursor, table, key, others, on_postgresql=database.on_postgresql)
    return Keys(*found), begun


Key = tuple[Any, Any]  # a column, and the value it has


class Walking(ColumnElement[bool]):
    """A condition or an order by which an index is walked, said to each database in the way in which it does."""

    inherit_cache = False  # what is asked often is composed once: `prepared`
    type = Boolean()

    def __init__(self, plain: ClauseElement, on_postgresql: ClauseElement) -> None:
        self.plain, self.on_postgresql = plain, on_postgresql

    def self_group(self, against: Any = None) -> "Walking":
        """Itself: SQLite is not asked whether the condition is 1, which no index answers."""
        return self


@compiles(Walking)
def said_plainly(element: Walking, compiler: Any, **more: Any) -> str:
    return str(compiler.process(element.plain, **more))


@compiles(Walking, "postgresql")
def said_to_postgresql(element: Walking, compiler: Any, **more: Any) -> str:
    return str(compiler.process(element.on_postgresql, **more))


def pinned(column: Any, value: Any, *, missing: bool = False) -> Walking:
    """That the column by whose index one walks has this value. `missing`: SQLite has no index that goes on with it.

    PostgreSQL, told that it is equal, sees that the table itself has the order too, and walks along that for a value it
    takes for frequent: past any number of newer statements. Told "from this value to this", it needs the index.
    """
    return Walking(aside(column, value).plain if missing else column == value, column.between(value, value))


def aside(column: Any, value: Any) -> Walking:
    """That a column has this value, by whose index nobody is to walk: of several SQLite takes any."""
    unmoved = UnaryExpression(column, operator=custom_op("+"), type_=column.type)
    return Walking(unmoved == value, column == value)


def bound(sequence: Any, value: Any, keys: Sequence[Key], *, after: bool) -> ColumnElement[bool]:
    """That the sequence lies after (or before) this one, of rows with these keys."""
    compare = operator.gt if after else operator.lt
    if not keys:
        return cast(ColumnElement[bool], compare(sequence, value))
    here = [*(column for column, _ in keys), sequence]
    there = tuple_(*(one for _, one in keys), value, types=[one.type for one in here])
    return Walking(compare(sequence, value), compare(tuple_(*here), there))


def walked(conditions: Sequence[Key], walks: Iterable[Sequence[Any]]) -> Sequence[Key]:
    """The index by which one walks: the first of these whose columns are all asked for."""
    for columns in walks:
        keys = [(one, value) for one in columns for column, value in conditions if one is column and value is not None]
        if len(keys) == len(columns):
            return keys
    return ()


def known_among(column: Any, keys: Sequence[Key]) -> bool:
    """Whether the index that is walked has this column in front."""
    return any(column is one for one, _ in keys)
