"""What is the same in every application of one test process is made once: templates, addresses of routes, SQL.

A test has an application of its own, and making one, and compiling its pages, took longer than most tests.
"""

import gc
from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule


class Compiled(BytecodeCache):
    """Templates by their source: one that has changed is compiled anew."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._code[bucket.key, bucket.checksum] = bucket.code


class Addressed(Rule):
    """A route whose address is built by the code that was made for the same route of the first application.

    That code finds all else it needs in the route it is called with.
    """

    made: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}  # noqa: RUF012 - shared on purpose

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in self.made:
            self.made[key] = super()._compile_builder(append_unknown)
        return self.made[key]


def share_sql() -> None:
    """SQL that one engine has composed is found by the next: all that tests make speak to the same server alike."""

    def alike(self: DefaultDialect, other: object) -> bool:
        return type(self) is type(other)

    def number(self: DefaultDialect) -> int:
        return hash(type(self))

    composed = LRUCache[Any, Any](5_000)
    Engine._compiled_cache = property(lambda _engine: composed, lambda _engine, _own: None)  # type: ignore[assignment]
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__eq__ = alike  # type: ignore[assignment]
        dialect.__hash__ = number  # type: ignore[assignment]


def share() -> None:
    """From now on applications of this process share all three."""
    share_sql()
    options: dict[str, Any] = {**Flask.jinja_options, "bytecode_cache": Compiled()}
    Flask.jinja_options = options
    Flask.url_rule_class = Addressed


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: from now on the collector looks at what tests make only."""
    gc.collect()
    gc.freeze()
