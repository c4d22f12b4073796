"""What the product says to each database while it is tested: `python -m pytest -p tests.heard`.

The run fails when the product sent something to SQLite that no test made it send to PostgreSQL, and names it. What is
compared is what SQLAlchemy composed, before either database's own words; what the record store writes out for the
driver is another text on each (decision 0041).

With LMS_TEST_BOTH=1 LMS_TEST_CHOOSE=1 a whole run that passes also writes `tests/on_sqlite.txt` anew.
"""

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.default import StrCompileDialect
from sqlalchemy.sql.compiler import SQLCompiler

from tests.on_sqlite import Told, is_free, write_list

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = tuple(f"{ROOT / name}{os.sep}" for name in ("lms", "courses", "assessments", "analytics"))
TESTS = f"{ROOT / 'tests'}{os.sep}"
NEUTRAL = StrCompileDialect()

PLACES = re.compile(
    r"sa_savepoint_\d+|%\(\w+\)s(?:::(?:TIMESTAMP WITH(?:OUT)? TIME ZONE|DOUBLE PRECISION|[A-Z]+))?|\?|(?<!:):\w+"
)
"""Places for values: what follows ON CONFLICT is written in the words of either database."""
QUOTES = re.compile(r'"(\w+)"')
"""A name that only one of them quotes, because the word is its own there."""

OF_SQLITE = {
    # PostgreSQL is asked for its oldest open transaction instead, in words that are written out
    ("lms/xapi/queries.py:consistent_through", "SELECT max(xapi_statement.stored) AS max_1 FROM xapi_statement"),
}
"""What only SQLite is asked, on purpose."""

MIGRATIONS = f"{ROOT / 'migrations'}{os.sep}"

Heard = dict[str, dict[str, tuple[str, str]]]
"""By database: each statement, shortened to a hash, with the function that sent it and how the statement begins."""

CHOOSE = os.environ.get("LMS_TEST_CHOOSE") == "1"

_heard: Heard = {"sqlite": {}, "postgresql": {}}
_told: dict[str, Told] = {}


class Listening:
    """Registered in the processes that run tests."""

    def __init__(self) -> None:
        self.heard: Heard = {"sqlite": {}, "postgresql": {}}
        self.told: dict[str, Told] = {}
        self.keys: set[str] = set()
        sa.event.listen(sa.Engine, "before_cursor_execute", self.note)
        if CHOOSE:
            from lms.xapi import driver  # not above: what is imported before coverage is measured is not measured

            sa.event.listen(sa.Engine, "handle_error", self.note_error)
            send = driver.send

            def noted_send(cursor: Any, sql: str, values: Any) -> Any:
                self.keys.add(f"driver {hashlib.blake2b(sql.encode(), digest_size=8).hexdigest()}")
                return send(cursor, sql, values)

            driver.send = noted_send

    def note(self, connection: Any, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool) -> None:
        compiled = getattr(context, "compiled", None)
        if not isinstance(compiled, SQLCompiler):  # what is written out, and what makes tables
            return
        key, text = neutral(compiled)
        known = self.heard[connection.dialect.name]
        if key not in known:
            where = sender()
            if where is not None:
                known[key] = where, text
        self.keys.add(key)

    def note_error(self, context: sa.ExceptionContext) -> None:
        self.keys.add(f"error {type(context.original_exception).__name__} {sender()}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """What one test sends, and what it costs."""
        self.keys, began = set(), time.process_time()
        try:
            return (yield)
        finally:
            if CHOOSE:
                self.told[item.nodeid] = Told(time.process_time() - began, sorted(self.keys), is_free(item))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hands what was heard to the process that reports."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["heard"] = json.dumps([self.heard, self.told])
        else:
            take(self.heard, self.told)


def neutral(compiled: SQLCompiler) -> tuple[str, str]:
    """A statement that SQLAlchemy composed, as no database would have it: its hash, and how it begins."""
    found: tuple[str, str] | None = compiled.__dict__.get("heard")
    if found is None:
        try:
            assert compiled.statement is not None
            text = str(compiled.statement.compile(dialect=NEUTRAL, column_keys=compiled.column_keys))
        except sa.exc.CompileError:  # ON CONFLICT and the like, which are each database's own
            text = " ".join(compiled.string.split()[:3])
        text = QUOTES.sub(r"\1", PLACES.sub(":p", text))
        found = hashlib.blake2b(text.encode(), digest_size=8).hexdigest(), " ".join(text.split())[:160]
        compiled.__dict__["heard"] = found
    return found


def sender() -> str | None:
    """The function of the product that sends something now; None when a test does, or a step of the schema."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(PRODUCT):
            return f"{file[len(str(ROOT)) + 1 :]}:{frame.f_code.co_name}"
        if file.startswith((MIGRATIONS, TESTS)) and file != __file__:
            return None
        frame = frame.f_back
    return None


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Listens where tests run; not in a process that only hands them out."""
    shared_out = getattr(early_config.known_args_namespace, "numprocesses", None)
    if "PYTEST_XDIST_WORKER" in os.environ or not shared_out:
        early_config.pluginmanager.register(Listening(), "listening")


def take(heard: Heard, told: Mapping[str, Sequence[Any]]) -> None:
    for backend, said in heard.items():
        _heard[backend].update(said)
    _told.update({test: Told(*one) for test, one in told.items()})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """Takes over what an xdist worker has heard."""
    output: dict[str, str] = getattr(node, "workeroutput", {})
    if "heard" in output:
        take(*json.loads(output["heard"]))


def not_on_postgresql() -> list[tuple[str, str]]:
    """Who sent SQLite something that PostgreSQL was not sent and should be, and how it begins."""
    missing = _heard["sqlite"].keys() - _heard["postgresql"].keys()
    told = {tuple(_heard["sqlite"][key]) for key in missing} - OF_SQLITE
    return sorted((where, text) for where, text in told)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails a run in which PostgreSQL was told less, or in which nothing was heard."""
    if (
        not hasattr(session.config, "workeroutput")
        and exitstatus == 0
        and (not_on_postgresql() or not _heard["sqlite"])
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def is_whole(config: pytest.Config) -> bool:
    """Whether nothing was chosen or left out: what some tests send says nothing of the others."""
    every = config.args_source is pytest.Config.ArgsSource.TESTPATHS and os.environ.get("LMS_TEST_BOTH") == "1"
    return every and not (config.option.keyword or config.option.markexpr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """How much both databases were told, and what only SQLite was."""
    both = len(_heard["sqlite"].keys() & _heard["postgresql"].keys())
    terminalreporter.write_line(f"{both} composed statements were sent to both databases")
    for where, text in not_on_postgresql():
        terminalreporter.write_line(f"SENT TO SQLITE ONLY (the run fails): {where}: {text}")
    if CHOOSE and exitstatus == pytest.ExitCode.OK and is_whole(config):
        terminalreporter.write_line(write_list(_told))
