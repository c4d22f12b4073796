"""What is the same in every application of one test process is made once: templates, routes, static files, SQL.

A test has an application of its own, and making one, and compiling its pages, took longer than most tests.
"""

import gc
import sqlite3
from pathlib import Path
from types import CodeType
from typing import Any

from argon2.profiles import CHEAPEST
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import Pool
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from lms import serving
from lms.accounts import actions as passwords
from tests.lent import lend_connections


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
    """A route that is taken apart as the same route of the first application was, and whose address is built alike.

    The code that builds it finds all else it needs in the route it is called with.
    """

    made: dict[tuple[object, ...], tuple[Any, ...]] = {}  # noqa: RUF012 - shared on purpose

    def compile(self) -> None:
        assert self.map is not None
        key = (self.rule, repr(self.defaults), self.subdomain, self.host, self.merge_slashes, self.map.host_matching)
        if key not in self.made:
            super().compile()
            built = self._build.__func__, self._build_unknown.__func__  # type: ignore[attr-defined]  # bound to this one
            self.made[key] = (self._parts, self._trace, self._converters, frozenset(self.arguments), *built)
        self._parts, self._trace, self._converters, arguments, known, unknown = self.made[key]
        self.arguments = set(arguments)
        self._build, self._build_unknown = known.__get__(self, None), unknown.__get__(self, None)


def share_files() -> None:
    """A static file that has been read and compressed is not read again as long as it stays as it is."""
    read: dict[tuple[Path, int, int], str] = {}
    offered: dict[tuple[str, Path, str], tuple[Any, Any]] = {}
    hash_of, offer = serving._hash, serving._Serving.offer

    def read_once(file: Path) -> str:
        found = file.stat()
        key = file, found.st_mtime_ns, found.st_size
        if key not in read:
            read[key] = hash_of(file)
        return read[key]

    def offer_again(self: serving._Serving, url: str, file: Path, content_hash: str) -> None:
        key, version = (url, file, content_hash), (url, f"v={content_hash}")
        if key not in offered:
            offer(self, url, file, content_hash)
            offered[key] = self.files[url], self.versions[version]
        self.files[url], self.versions[version] = offered[key]

    serving._hash = read_once
    serving._Serving.offer = offer_again  # type: ignore[method-assign]


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


def read_backwards() -> None:
    """SQLite gives rows in the other order wherever none is asked for: whoever leans on the usual one is found.

    PostgreSQL promises no order either, and there most tests are not run again (tests/on_sqlite.py).
    """

    def turned(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA reverse_unordered_selects = ON")

    event.listen(Pool, "connect", turned)


class Reader(FlaskClient):
    """Takes an answer whole unless it is asked not to, as a browser does.

    One that is sent in pieces and of which a test reads the beginning only would end when the collector comes by, in
    the middle of the request of another test, and take that request's context with it.
    """

    def open(self, *args: Any, buffered: bool = True, follow_redirects: bool = False, **kwargs: Any) -> TestResponse:
        return super().open(*args, buffered=buffered, follow_redirects=follow_redirects, **kwargs)


STRENGTH = passwords.hasher._parameters
"""What hashing a password takes in the product."""


def hash_quickly() -> None:
    """Tests sign in thousands of times, with passwords that nobody guards."""
    passwords.hasher._parameters = CHEAPEST
    passwords.NOBODY = passwords.hasher.hash("nobody")


def share() -> None:
    """From now on applications of this process share all of it."""
    share_sql()
    share_files()
    hash_quickly()
    lend_connections()
    read_backwards()
    options: dict[str, Any] = {**Flask.jinja_options, "bytecode_cache": Compiled()}
    Flask.jinja_options = options
    Flask.url_rule_class = Addressed
    Flask.test_client_class = Reader


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: from now on the collector looks at what tests make only.

    And not after every few hundred things: a single page makes more of them, and leaves none behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20)
