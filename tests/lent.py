"""Databases of PostgreSQL that are lent to one test after another: what a test stored is taken out when it ends.

Making a database and learning its tables anew on each connection took longer than most tests. A database is lent again
only if it is then as it was made: no other table, trigger, statistics or row, no sequence used, nothing grown, and
nobody connected to it but the connections that wait here. Else it is dropped.
"""

import itertools
import os
import select
import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine.default import DefaultDialect

from tests.postgres import cluster

GROWN = 40 * 8192
"""Bytes of a table after which the planner would think of it otherwise than of a new one."""
WAITING = 4
"""Connections kept for one database."""

Connection = psycopg.Connection[Any]

STRUCTURE = """
SELECT (SELECT concat_ws(' ', count(*), sum(oid::bigint), sum(relfilenode::bigint), sum(relnatts), sum(reltuples))
        FROM pg_class),
       (SELECT concat_ws(' ', count(*), sum(oid::bigint), string_agg(DISTINCT tgenabled::text, '')) FROM pg_trigger),
       (SELECT concat_ws(' ', count(*), sum(oid::bigint)) FROM pg_constraint),
       (SELECT concat_ws(' ', count(*), sum(hashtext(prosrc))) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_statistic), (SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg%'),
       (SELECT count(*) FROM pg_db_role_setting)
"""
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid"
AT_THE_END = """
SELECT (SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
       ARRAY(SELECT seqrelid::regclass::text FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL),
       ARRAY[{filled}]
"""
FROM_THE_START = (
    "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"
)
ANY_ORDER = ("BEGIN", "SET LOCAL session_replication_role = replica")  # no trigger and no foreign key is asked


class Lent(NamedTuple):
    """A database, a connection of ours to it, and what it was like when it had been made."""

    name: str
    template: str
    own: Connection
    structure: Any
    question: str


class Rows(NamedTuple):
    """What is stored in a database: the rows of each table as PostgreSQL copies them, and how far sequences are."""

    tables: dict[str, bytes]
    sequences: list[str]


_free: dict[str, list[Lent]] = {}
"""By template."""
_lent: dict[str, Lent] = {}
_waiting: dict[tuple[int, str, str], list[Connection]] = {}
"""Connections that nobody uses, by process, database and what was asked of them."""


def lend(template: str) -> str:
    """The address of a database like the template, which alone the tests of one process have."""
    if free := _free.get(template):
        one = free.pop()
    else:
        name = f"t_{uuid.uuid4().hex[:12]}"
        cluster().create_database(name, template=template)
        own = psycopg.connect(f"host={cluster().folder} user=postgres dbname={name}", autocommit=True)
        one = Lent(name, template, own, found(own, STRUCTURE), question_of(own))
    _lent[one.name] = one
    return cluster().url(one.name)


def give_back(url: str) -> None:
    """The test that had it has ended: whatever it did, the next finds nothing of it."""
    name = str(make_url(url).database)
    one = _lent.pop(name, None)
    if one is not None and emptied(one):
        _free.setdefault(one.template, []).append(one)
    else:
        leave(name)
        if one is not None:
            one.own.close()
        cluster().drop_database(name)


def is_lent(url: str) -> bool:
    return make_url(url).database in _lent


READ_AS_WRITTEN = frozenset({"audit_entry"})
"""Begun anew for each test: where rows were deleted, later ones come to stand among them in any order. To empty every
table so makes a test a third longer; elsewhere a test that reads several rows says in which order.
"""


def rows_of(url: str) -> Rows:
    """All that is stored in a lent database."""
    one = _lent[str(make_url(url).database)]
    _, _, used, filled = found(one.own, one.question)
    tables = {}
    for name in filter(None, filled):
        with one.own.cursor().copy(f'COPY "{name}" TO STDOUT (FORMAT binary)') as out:
            tables[name] = b"".join(out)
    last = [one.own.execute(f"SELECT '{name}', last_value FROM \"{name}\"").fetchone() for name in used]  # noqa: S608
    return Rows(tables, [f"setval('{name}', {value})" for name, value in filter(None, last)])


def marks_of(url: str, names: Iterable[str]) -> dict[str, tuple[int, int | None]]:
    """For each of these tables of a lent database its number of rows, and what is another number when one is another.

    To plan that takes longer than to answer it, so it is planned once.
    """
    alike = "SELECT '{0}', count(*), sum(hashtextextended(one::text, 0)) FROM \"{0}\" AS one"
    question = " UNION ALL ".join(map(alike.format, names))
    rows = _lent[str(make_url(url).database)].own.execute(question, prepare=True)
    return {name: (number, hashed) for name, number, hashed in rows}


def put(url: str, rows: Rows) -> None:
    """Stores all of it in a lent database that is empty, as it was stored there."""
    own = _lent[str(make_url(url).database)].own
    with own.transaction(), own.cursor() as cursor:
        cursor.execute(ANY_ORDER[1])
        for name, content in rows.tables.items():
            with cursor.copy(f'COPY "{name}" FROM STDIN (FORMAT binary)') as into:
                into.write(content)
        if rows.sequences:
            cursor.execute(f"SELECT {', '.join(rows.sequences)}")


def found(connection: Connection, question: str) -> Any:
    return connection.execute(question, prepare=True).fetchone()


def question_of(own: Connection) -> str:
    """What is asked of a database that comes back; the tables that a new one has rows in stay as they are."""
    tables = [name for (name,) in own.execute(TABLES)]
    empty = [name for name in tables if own.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() is None]  # noqa: S608
    filled = ", ".join(f"CASE WHEN EXISTS (SELECT FROM \"{name}\") THEN '{name}' END" for name in empty)
    return AT_THE_END.format(filled=filled)


def emptied(one: Lent) -> bool:
    """Takes out what a test stored; whether the database is then as it was."""
    waiting = sum(len(some) for key, some in _waiting.items() if key[:2] == (os.getpid(), one.name))
    try:
        if found(one.own, STRUCTURE) != one.structure:
            return False
        size, connected, used, filled = found(one.own, one.question)
        if size > GROWN or connected != waiting + 1:
            return False
        work = [f'{"TRUNCATE" if name in READ_AS_WRITTEN else "DELETE FROM"} "{name}"' for name in filled if name]
        work += [FROM_THE_START] if used else []
        if work:  # what is written once goes too, in whatever order
            one.own.execute("; ".join([*ANY_ORDER, *work, "COMMIT"]), prepare=False)
    except psycopg.Error:
        return False
    return True


def leave(name: str) -> None:
    """Closes the connections to a database that wait."""
    for key in [key for key in _waiting if key[:2] == (os.getpid(), name)]:
        for connection in _waiting.pop(key):
            connection.close()


def pytest_unconfigure() -> None:
    """No connection is left open at the end."""
    for one in itertools.chain(_lent.values(), *_free.values()):
        one.own.close()
        leave(one.name)


def usable(connection: Connection) -> bool:
    """Whether it is open, in no transaction, and the server has not said anything, as it does when it ends one."""
    if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    return not select.select([connection.fileno()], [], [], 0)[0]


def lend_connections() -> None:
    """From now on a connection to a lent database that is closed waits for the next who asks for one like it."""
    connect, close = PGDialect_psycopg.connect, PGDialect_psycopg.do_close

    def connected(self: DefaultDialect, *given: Any, **asked: Any) -> Any:
        name = str(asked.get("dbname", ""))
        if name not in _lent:
            return connect(self, *given, **asked)
        kind = repr(sorted((key, value) for key, value in asked.items() if key != "context"))
        waiting = _waiting.setdefault((os.getpid(), name, kind), [])
        while waiting:
            if usable(connection := waiting.pop()):
                return connection
            connection.close()
        connection = cast(Connection, connect(self, *given, **asked))
        connection.lent_as = name, kind  # type: ignore[attr-defined]  # read when it is closed
        return connection

    def closed(self: DefaultDialect, connection: Any) -> None:
        name, kind = getattr(connection, "lent_as", ("", ""))
        waiting = _waiting.get((os.getpid(), name, kind))
        if waiting is None or name not in _lent or len(waiting) >= WAITING or not usable(connection):
            close(self, connection)
            return
        connection._notice_handlers.clear()
        connection.autocommit, connection.read_only = False, None
        connection.isolation_level, connection.deferrable = None, None
        waiting.append(connection)

    PGDialect_psycopg.connect = connected  # type: ignore[method-assign]
    PGDialect_psycopg.do_close = closed  # type: ignore[method-assign]
    PGDialect_psycopg.do_terminate = close  # type: ignore[method-assign]
