"""The rows of a batch of statements, written with few statements of the driver (`lms.xapi.driver`)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from lms import clock
from lms.db import Database
from lms.xapi import driver
from lms.xapi.driver import Keys
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
    values = ",".join(["(?,?,?,?,?,?,?,?,?,?,?,?)"] * rows)
    names = ", ".join(f"column{number}" for number in range(1, 12))
    voided = VOIDED_BEFORE.format(target="column12", client="column9")
    return (
        f"INSERT INTO xapi_statement ({COLUMNS}, voided) SELECT {names}, {voided} FROM (VALUES {values}) "  # noqa: S608 - our own names # nosec B608
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
    values = [value for one in part for value in sqlite_values(one, keys)]
    values.append(driver.sqlite_time(now))
    return list(driver.send(cursor, sqlite_insertion(len(part)), values).fetchall())


NEWEST = "SELECT sequence, stored FROM xapi_statement ORDER BY sequence DESC LIMIT 1"
INSERT_NUMBERED = (
    f"INSERT INTO xapi_statement (sequence, {COLUMNS}, voided) "  # noqa: S608 - our own names # nosec B608
    f"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, {VOIDED_BEFORE.format(target='?13', client='?10')})"
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
    driver.send_many(cursor, INSERT_NUMBERED, [(one.sequence, *sqlite_values(one, keys)) for one in arrivals])
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
    if bodies := [(one.sequence, one.json()) for one in fresh]:
        driver.send_many(cursor, "INSERT INTO xapi_body (sequence, body) VALUES (?, ?)", bodies)
    if agents := agent_relations(fresh, keys):
        sql = "INSERT INTO xapi_statement_agent (sequence, agent_id, direct) VALUES (?, ?, ?)"
        driver.send_many(cursor, sql, agents)
    if activities := activity_relations(fresh, keys):
        sql = "INSERT INTO xapi_statement_activity (sequence, activity_id) VALUES (?, ?)"
        driver.send_many(cursor, sql, activities)


# PostgreSQL: one statement numbers and inserts everything. The statement of the standard is completed there too: only
# there the time is known by which it was stored.

INSERTED = """
WITH numbered AS MATERIALIZED (
  SELECT sequence, stored FROM xapi_number(%s)
), arrived AS (
  SELECT numbered.sequence + place AS sequence, numbered.stored + place * interval '1 microsecond' AS stored, a.*
  FROM numbered, json_to_recordset(%s::json) AS a(
    place integer, statement_id uuid, actor bigint, verb integer, activity bigint, registration uuid, target uuid,
    timestamp timestamptz, client integer, counts boolean, digest bytea, open uuid, beginning text, ending text,
    agents json, activities json)
), inserted AS (
  INSERT INTO xapi_statement (sequence, statement_id, actor_id, verb_id, activity_id, registration, target, timestamp,
    stored, client_id, counts, digest, voided)
  SELECT sequence, statement_id, actor, verb, activity, registration, target, coalesce(timestamp, stored), stored,
    client, counts, digest, open IS NOT NULL AND {voided}
  FROM arrived
  {repeated}
  RETURNING statement_id, sequence, stored, voided
), bodies AS (
  INSERT INTO xapi_body (sequence, body)
  SELECT sequence, convert_to(concat(beginning, CASE WHEN timestamp IS NULL THEN ',"timestamp":"' || told || '"' END,
    ',"stored":"', told, ending), 'UTF8')
  FROM arrived JOIN inserted USING (sequence),
    to_char(arrived.stored AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS told
), agents AS (
  INSERT INTO xapi_statement_agent (sequence, agent_id, direct)
  SELECT sequence, (one->>0)::bigint, (one->>1)::boolean
  FROM arrived JOIN inserted USING (sequence), json_array_elements(arrived.agents) AS one
), activities AS (
  INSERT INTO xapi_statement_activity (sequence, activity_id)
  SELECT sequence, one::bigint
  FROM arrived JOIN inserted USING (sequence), json_array_elements_text(arrived.activities) AS one
)
SELECT statement_id, sequence, stored, voided FROM inserted
"""
VOIDED_ON_ARRIVAL = VOIDED_BEFORE.format(target="arrived.open", client="arrived.client")
INSERTED_IF_NEW = INSERTED.format(voided=VOIDED_ON_ARRIVAL, repeated="ON CONFLICT (statement_id) DO NOTHING")
INSERTED_OR_NOT = INSERTED.format(voided=VOIDED_ON_ARRIVAL, repeated="")


def insert_on_postgresql(cursor: Any, arrivals: Sequence[Arrival], keys: Keys) -> set[uuid.UUID]:
    rows = msgspec.json.encode([postgresql_row(place, one, keys) for place, one in enumerate(arrivals)]).decode()
    inserted = driver.send(cursor, INSERTED_IF_NEW, (len(arrivals), rows)).fetchall()
    numbered = {statement_id: (sequence, stored) for statement_id, sequence, stored, _ in inserted}
    for one in arrivals:
        one.sequence, one.stored = numbered.get(one.statement_id, (0, one.stored))
    return {statement_id for statement_id, _, _, voided in inserted if voided}


def postgresql_row(place: int, one: Arrival, keys: Keys) -> dict[str, Any]:
    """An arrival as INSERTED reads it."""
    named = one.named
    return {
        "place": place,
        "statement_id": one.statement_id,
        "actor": keys.agents[named.actor],
        "verb": keys.verbs[one.document["verb"]["id"]],
        "activity": keys.activities[named.about] if named.about is not None else None,
        "registration": one.registration,
        "target": named.target,
        "timestamp": one.given,
        "client": one.source.client,
        "counts": one.counts,
        "digest": f"\\x{one.digest.hex()}",
        "open": one.statement_id if one.may_be_void else None,
        "beginning": one.beginning().decode(),
        "ending": one.source.end.decode(),
        "agents": [(agent, direct) for _, agent, direct in agent_relations((one,), keys)],
        "activities": [activity for _, activity in activity_relations((one,), keys)],
    }


# Both


def insert_alone(database: Database, arrivals: Sequence[Arrival]) -> None:
    """Insert a batch, and what it names, in a transaction of its own, in as few steps as can be; all or none.

    Raises `IntegrityError` when one of the statements is stored already, and what else a query would.
    """
    with driver.at_once(database) as cursor:
        keys, begun = driver.keys_of(database, cursor, arrivals)
        if database.on_postgresql:
            rows = [postgresql_row(place, one, keys) for place, one in enumerate(arrivals)]
            driver.send(cursor, INSERTED_OR_NOT, (len(arrivals), msgspec.json.encode(rows).decode()))
        else:
            if not begun:
                driver.send(cursor, "BEGIN IMMEDIATE", ())
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
