"""What is the same in every application of one test process is made once: compiled templates, addresses of routes.

A test has an application of its own, and making one, and compiling its pages, took longer than most tests.
"""

import gc
from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
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


def share() -> None:
    """From now on applications of this process share both."""
    options: dict[str, Any] = {**Flask.jinja_options, "bytecode_cache": Compiled()}
    Flask.jinja_options = options
    Flask.url_rule_class = Addressed


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: from now on the collector looks at what tests make only."""
    gc.collect()
    gc.freeze()
