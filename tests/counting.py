"""Counts the SQL a piece of work needs, whatever the database."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from lms.xapi import driver

NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE")


@dataclass
class Counted:
    """The statements sent to the database, in order. One `executemany` is one statement."""

    statements: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)

    def __str__(self) -> str:
        return "\n".join(f"{n}. {' '.join(text.split())[:200]}" for n, text in enumerate(self.statements, 1))


@contextmanager
def count_queries(app: Flask) -> Iterator[Counted]:
    """What the product sends while the block runs, past SQLAlchemy too: `assert len(counted) <= 6, counted`.

    But for the question whether there are demo people: one page in ten seconds asks it, and on a slow machine that page
    may be any. Nothing may read a row twice because it had let go of it: whether the second time is sent depends on
    whether Python has collected its garbage.
    """
    notice = app.extensions["demo_notice"]
    notice()
    notice.until = math.inf
    database = app.extensions["database"]
    counted = Counted()

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.lstrip().upper().startswith(NOT_COUNTED):
            counted.statements.append(statement)

    # On PostgreSQL the reading engine is the writing one under another option: it hears what the writing one hears.
    engines = {id(engine.pool): engine for engine in (database.read_engine, database.write_engine)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    send = driver.send

    def noted_send(cursor: Any, sql: str, values: Any) -> Any:
        note(None, cursor, sql)
        return send(cursor, sql, values)

    first: dict[object, set[object]] = {}
    again: list[object] = []

    def note_row(session: Session, row: object) -> None:
        keys = first.setdefault(session, set())
        (again.append if (key := inspect(row).key) in keys else keys.add)(key)

    driver.send = noted_send
    event.listen(Session, "loaded_as_persistent", note_row)
    try:
        yield counted
        assert not again, again
    finally:
        event.remove(Session, "loaded_as_persistent", note_row)
        notice.until = 0.0
        driver.send = send
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
