"""What the store is measured against: a Flask route that inserts what it is sent and commits, with no rules at all.

It has the durability of the product (SQLite: WAL, synchronous FULL; PostgreSQL: as the server is set) and one table of
id and body. One driver call a batch, no ORM.
"""

import os
import sqlite3
import threading
import uuid
from typing import Any

import msgspec
import psycopg
from flask import Flask, Response, request

decode = msgspec.json.Decoder().decode
encode = msgspec.json.encode
url = os.environ.get("BARE_DATABASE_URL", "")
local = threading.local()
TABLE = "CREATE TABLE IF NOT EXISTS bare (id {uuid} PRIMARY KEY, body {bytes} NOT NULL)"


def sqlite_connection() -> Any:
    """A connection of this thread, as the product sets its own."""
    found = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=10)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000"):
        found.execute(f"PRAGMA {pragma}")
    found.execute(TABLE.format(uuid="BLOB", bytes="BLOB"))
    return found


def insert_sqlite(rows: list[tuple[bytes, bytes]]) -> None:
    """All rows in one transaction."""
    if not hasattr(local, "connection"):
        local.connection = sqlite_connection()
    local.connection.execute("BEGIN IMMEDIATE")
    local.connection.executemany("INSERT INTO bare VALUES (?, ?)", rows)
    local.connection.execute("COMMIT")


def insert_postgresql(rows: list[tuple[uuid.UUID, bytes]]) -> None:
    """All rows in one transaction."""
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(url.replace("postgresql+psycopg", "postgresql"))
        with local.connection.transaction():
            local.connection.execute("SELECT pg_advisory_xact_lock(1)")
            local.connection.execute(TABLE.format(uuid="uuid", bytes="bytea"))
    with local.connection.transaction():
        local.connection.cursor().executemany("INSERT INTO bare VALUES (%s, %s)", rows)


app = Flask(__name__)


@app.post("/bare")
def bare() -> Response:
    """Decode, insert, commit, answer with the ids."""
    value = decode(request.get_data())
    ids = [uuid.uuid4() for _ in (value if isinstance(value, list) else [value])]
    bodies = [encode(one) for one in (value if isinstance(value, list) else [value])]
    if url.startswith("sqlite"):
        insert_sqlite([(one.bytes, body) for one, body in zip(ids, bodies, strict=True)])
    else:
        insert_postgresql(list(zip(ids, bodies, strict=True)))
    return Response(encode([str(one) for one in ids]), content_type="application/json")
