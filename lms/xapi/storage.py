"""The rows of a batch of statements, written with few statements of the driver (`lms.xapi.driver`)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, chain
from typing import Any

from sqlalchemy.orm import Session

from lms import clock
from lms.db import Database
from lms.xapi import driver
from lms.xapi.driver import Keys
from lms.xapi.rules import rfc3339
from lms.xapi.statement import Arrival
from lms.xapi.vocabulary import VOIDED

ROWS_AT_ONCE = 200  # rows in one INSERT of SQLite, which takes 32,766 parameters


def insert_arrivals(session: Session, arrivals: Sequence[Arrival], keys: Keys) -> set[uuid.UUID]:
    """Number, time and insert a batch with its bodies and relations; returns those that their client voided before.

    Numbers and `stored` rise strictly, whoever else writes, also on another host. A statement that another writer
    stored at this moment keeps the number 0. The caller has begun the transaction.
    """
    cursor = driver.cursor_of(session)
    if driver.on_postgresql(session):
        return insert_on_postgresql(cursor, arrivals, keys)
    return insert_on_sqlite(cursor, arrivals, keys)


COLUMNS = (
    "statement_id, actor_id, verb_id, activity_id, registration, target, timestamp, stored, client_id, counts, digest"
)
VOIDED_BEFORE = (  # what voids this statement came first, from the same client (4.2.5 / Data 2.3.2)
    "EXISTS (SELECT 1 FROM xapi_statement v JOIN xapi_verb w ON w.id = v.verb_id "  # noqa: S608 - our own names # nosec B608
    f"WHERE v.target = {{target}} AND v.client_id = {{client}} AND w.iri = '{VOIDED}')"
)


# SQLite: one writer at a time, so the last row is the last word. Its clock may only have gone back.

LAST = "SELECT stored FROM xapi_statement ORDER BY sequence DESC LIMIT 1"


@cache
def sqlite_insertion(rows: int) -> str:
    """An INSERT of so many rows that does nothing unless its last parameter, their time, is after the last row's."""
    names = ", ".join(f"column{number}" for number in range(1, 12))
    voided = VOIDED_BEFORE.format(target="column12", client="column9")
    return (
        f"INSERT INTO xapi_statement ({COLUMNS}, voided) SELECT {names}, {voided} FROM ({values(rows, 12)}) "  # noqa: S608 - our own names # nosec B608
        f"WHERE ? > coalesce(({LAST}), '') ON CONFLICT (statement_id) DO NOTHING "
        "RETURNING statement_id, sequence, voided"
    )


def insert_on_sqlite(cursor: Any, arrivals: Sequence[Arrival], keys: Keys) -> set[uuid.UUID]:
    now, late = clock.true_now(), set()
    for start in range(0, len(arrivals), ROWS_AT_ONCE):
        part = arrivals[start : start + ROWS_AT_ONCE]
        numbered = insert_part(cursor, part, keys, now)
        if not numbered:  # all known to another writer, or the clock went back
            last = driver.send(cursor, LAST, ()).fetchone()
            if last is not None and last[0] >= driver.sqlite_time(now):
                now = datetime.fromisoformat(last[0]).replace(tzinfo=UTC) + timedelta(microseconds=1)
                numbered = insert_part(cursor, part, keys, now)
        now += timedelta(microseconds=len(part))
        late |= {uuid.UUID(hex=statement_id) for statement_id, _, voided in numbered if voided}
        give_numbers(part, {uuid.UUID(hex=statement_id): sequence for statement_id, sequence, _ in numbered})
    fresh = [one for one in arrivals if one.sequence]
    insert_rest(cursor, fresh, keys)
    return late


def insert_part(cursor: Any, part: Sequence[Arrival], keys: Keys, now: datetime) -> list[Any]:
    """Insert these narrow rows, `stored` from `now` on; returns id, sequence and voided of those that were new."""
    give_times(part, now)
    given = [*chain.from_iterable(sqlite_values(one, keys) for one in part), driver.sqlite_time(now)]
    return list(driver.send(cursor, sqlite_insertion(len(part)), given).fetchall())


NEWEST = "SELECT sequence, stored FROM xapi_statement ORDER BY sequence DESC LIMIT 1"
INSERT_NUMBERED = (
    f"INSERT INTO xapi_statement (sequence, {COLUMNS}, voided) "  # noqa: S608 - our own names # nosec B608
    f"SELECT {', '.join(f'column{number}' for number in range(1, 13))}, "
    f"{VOIDED_BEFORE.format(target='column13', client='column10')} FROM ("
)


def insert_after_newest(cursor: Any, arrivals: Sequence[Arrival], keys: Keys) -> None:
    """The same for statements that are new, faster. Raises `IntegrityError` when one of them is stored already."""
    last, stored = driver.send(cursor, NEWEST, ()).fetchone() or (0, "")
    now = clock.true_now()
    if driver.sqlite_time(now) <= stored:  # the clock went back
        now = datetime.fromisoformat(stored).replace(tzinfo=UTC) + timedelta(microseconds=1)
    give_times(arrivals, now)
    for number, one in enumerate(arrivals, last + 1):
        one.sequence = number
    insert_rows(cursor, INSERT_NUMBERED, [(one.sequence, *sqlite_values(one, keys)) for one in arrivals], end=")")
    insert_rest(cursor, arrivals, keys)


def sqlite_values(one: Arrival, keys: Keys) -> tuple[Any, ...]:
    """The values of a narrow row in the order of COLUMNS, and the id of the statement if something may void it."""
    named, statement_id = one.named, one.statement_id.hex
    return (
        statement_id,
        keys.agents[named.actor],
        keys.verbs[one.document["verb"]["id"]],
        keys.activities[named.about] if named.about is not None else None,
        one.registration.hex if one.registration is not None else None,
        named.target.hex if named.target is not None else None,
        driver.sqlite_time(one.timestamp),
        driver.sqlite_time(one.stored),
        one.source.client,
        one.counts,
        one.digest,
        statement_id if one.may_be_void else None,
    )


def insert_rest(cursor: Any, fresh: Sequence[Arrival], keys: Keys) -> None:
    """Bodies and relations."""
    insert_rows(cursor, "INSERT INTO xapi_body (sequence, body) ", [(one.sequence, one.json()) for one in fresh])
    agents = "INSERT INTO xapi_statement_agent (sequence, agent_id, direct) "
    insert_rows(cursor, agents, agent_relations(fresh, keys))
    activities = "INSERT INTO xapi_statement_activity (sequence, activity_id) "
    insert_rows(cursor, activities, activity_relations(fresh, keys))


def insert_rows(cursor: Any, beginning: str, rows: Sequence[tuple[Any, ...]], *, end: str = "") -> None:
    """Many rows in one step, not in one each: between steps another thread takes its turn, and this one waits."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        driver.send(cursor, beginning + values(len(part), len(part[0])) + end, list(chain.from_iterable(part)))


@cache
def values(rows: int, columns: int) -> str:
    """Places for so many rows of so many values."""
    one = f"({','.join('?' * columns)})"
    return f"VALUES {','.join([one] * rows)}"


# PostgreSQL: one statement numbers and inserts everything. The statement of the standard is completed there too: only
# there the time is known by which it was stored. What varies comes as arrays, and all bytes in one piece that is cut
# there, so that no text need be written and read within another.

INSERTED = """
WITH numbered AS MATERIALIZED (
  SELECT sequence, stored FROM xapi_number(%s)
), arrived AS MATERIALIZED (
  SELECT sequence + place - 1 AS sequence, stored + (place - 1) * interval '1 microsecond' AS stored, a.*
  FROM numbered, unnest(%s::uuid[], %s::bigint[], %s::integer[], %s::bigint[], %s::uuid[], %s::uuid[],
    %s::timestamptz[], %s::integer[], %s::boolean[], %s::boolean[], %s::integer[], %s::integer[], %s::integer[]
  ) WITH ORDINALITY AS a(statement_id, actor, verb, activity, registration, target, timestamp, client, counts, open,
    begins, ends, closes, place)
), inserted AS (
  INSERT INTO xapi_statement (sequence, statement_id, actor_id, verb_id, activity_id, registration, target, timestamp,
    stored, client_id, counts, digest, voided)
  SELECT sequence, statement_id, actor, verb, activity, registration, target, coalesce(timestamp, stored), stored,
    client, counts, substring(%b::bytea, (32 * place - 31)::integer, 32), open AND {voided}
  FROM arrived
  {repeated}
  RETURNING statement_id, sequence, stored, voided
), bodies AS (
  INSERT INTO xapi_body (sequence, body)
  SELECT sequence, substring(pieces, begins, ends - begins) || convert_to(concat(
    CASE WHEN timestamp IS NULL THEN ',"timestamp":"' || told || '"' END, ',"stored":"', told), 'UTF8'
    ) || substring(pieces, ends, closes - ends)
  FROM arrived JOIN inserted USING (sequence), (SELECT %b::bytea AS pieces) AS given,
    to_char(arrived.stored AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS told
), agents AS (
  INSERT INTO xapi_statement_agent (sequence, agent_id, direct)
  SELECT sequence, named.agent, named.direct
  FROM unnest(%s::integer[], %s::bigint[], %s::boolean[]) AS named(place, agent, direct)
  JOIN arrived USING (place) JOIN inserted USING (sequence)
), activities AS (
  INSERT INTO xapi_statement_activity (sequence, activity_id)
  SELECT sequence, named.activity
  FROM unnest(%s::integer[], %s::bigint[]) AS named(place, activity)
  JOIN arrived USING (place) JOIN inserted USING (sequence)
)
SELECT statement_id, sequence, stored, voided FROM inserted
"""
VOIDED_ON_ARRIVAL = VOIDED_BEFORE.format(target="arrived.statement_id", client="arrived.client")
INSERTED_IF_NEW = INSERTED.format(voided=VOIDED_ON_ARRIVAL, repeated="ON CONFLICT (statement_id) DO NOTHING")
INSERTED_OR_NOT = INSERTED.format(voided=VOIDED_ON_ARRIVAL, repeated="")


def insert_on_postgresql(cursor: Any, arrivals: Sequence[Arrival], keys: Keys) -> set[uuid.UUID]:
    inserted = driver.send(cursor, INSERTED_IF_NEW, postgresql_values(arrivals, keys)).fetchall()
    numbered = {statement_id: (sequence, stored) for statement_id, sequence, stored, _ in inserted}
    for one in arrivals:
        one.sequence, one.stored = numbered.get(one.statement_id, (0, one.stored))
    return {statement_id for statement_id, _, _, voided in inserted if voided}


def postgresql_values(arrivals: Sequence[Arrival], keys: Keys) -> list[Any]:
    """A batch as INSERTED reads it: how many, a column after the other, digests, pieces of bodies, relations."""
    pieces = [piece for one in arrivals for piece in (one.beginning(), one.source.end)]
    bounds = list(accumulate(map(len, pieces), initial=1))
    for place, one in enumerate(arrivals, 1):
        one.sequence = place  # until it has its number
    agents, activities = agent_relations(arrivals, keys), activity_relations(arrivals, keys)
    return [
        len(arrivals),
        driver.array(one.statement_id.hex for one in arrivals),
        driver.array(keys.agents[one.named.actor] for one in arrivals),
        driver.array(keys.verbs[one.document["verb"]["id"]] for one in arrivals),
        driver.array(keys.activities[one.named.about] if one.named.about is not None else None for one in arrivals),
        driver.array(one.registration.hex if one.registration is not None else None for one in arrivals),
        driver.array(one.named.target.hex if one.named.target is not None else None for one in arrivals),
        driver.array(rfc3339(one.given) if one.given is not None else None for one in arrivals),
        driver.array(one.source.client for one in arrivals),
        driver.array(one.counts for one in arrivals),
        driver.array(one.may_be_void for one in arrivals),
        driver.array(bounds[0:-1:2]),
        driver.array(bounds[1::2]),
        driver.array(bounds[2::2]),
        b"".join(one.digest for one in arrivals),
        b"".join(pieces),
        *(driver.array(one[column] for one in agents) for column in range(3)),
        *(driver.array(one[column] for one in activities) for column in range(2)),
    ]


# Both


def insert_alone(database: Database, arrivals: Sequence[Arrival]) -> None:
    """Insert a batch, and what it names, in a transaction of its own, in as few steps as can be; all or none.

    Raises `IntegrityError` when one of the statements is stored already, and what else a query would.
    """
    with driver.at_once(database) as (cursor, begin):
        keys, begun = driver.keys_of(database, cursor, begin, arrivals)
        if database.on_postgresql:
            driver.send(cursor, INSERTED_OR_NOT, postgresql_values(arrivals, keys))
        else:
            if not begun:
                begin()
            insert_after_newest(cursor, arrivals, keys)
        if begun or not database.on_postgresql:  # else the one statement was the transaction
            driver.send(cursor, "COMMIT", ())
    if begun:
        driver.keep(database, keys)


def give_times(arrivals: Iterable[Arrival], stored: datetime) -> None:
    """`stored` from this moment on, a microsecond apart."""
    for number, one in enumerate(arrivals):
        one.stored = stored + timedelta(microseconds=number)


def give_numbers(arrivals: Iterable[Arrival], numbers: Mapping[uuid.UUID, int]) -> None:
    """The sequence of each; 0 where another writer has stored the statement."""
    for one in arrivals:
        one.sequence = numbers.get(one.statement_id, 0)


def agent_relations(arrivals: Iterable[Arrival], keys: Keys) -> list[tuple[int, int, bool]]:
    """Sequence, agent and whether direct, for agents beside the actor."""
    return [
        (one.sequence, keys.agents[digest], direct)
        for one in arrivals
        for direct, digests in ((True, one.named.direct), (False, one.named.related))
        for digest in digests
    ]


def activity_relations(arrivals: Iterable[Arrival], keys: Keys) -> list[tuple[int, int]]:
    """Sequence and activity, for activities beside the object."""
    return [(one.sequence, keys.activities[iri]) for one in arrivals for iri in one.named.within]
