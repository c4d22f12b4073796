"""A run that listens fails when the product told SQLite alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tests import heard

ROOT = Path(__file__).resolve().parents[2]
TESTS = "tests/lms/test_contact.py"


@pytest.fixture
def listening() -> Iterator[heard.Listening]:
    one = heard.Listening()
    yield one
    sa.event.remove(sa.Engine, "before_cursor_execute", one.note)


def test_a_statement_is_the_same_whatever_the_database_and_however_many_values_it_has(
    listening: heard.Listening,
) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String))
    engines = sa.create_engine("sqlite://"), sa.create_engine("postgresql+psycopg://")
    for query in (
        sa.select(table.c.name).where(table.c.id.in_([1, 2])).limit(3),
        sa.select(table.c.name).where(table.c.id.in_([5])).limit(7),
        sa.insert(table),
    ):
        told = {heard.neutral(query.compile(dialect=engine.dialect)) for engine in engines}
        assert len(told) == 1, told


def test_what_each_database_quotes_and_casts_in_its_own_way_is_the_same_statement(
    listening: heard.Listening,
) -> None:
    """What follows ON CONFLICT: "key" is a word of SQLite, and PostgreSQL is told the type of each value."""
    table = sa.Table("t", sa.MetaData(), sa.Column("key", sa.String, primary_key=True), sa.Column("due", sa.DateTime))
    late = table.c.due > datetime(2026, 1, 1, tzinfo=UTC)

    def told(dialect: Any, otherwise: sa.ColumnElement[Any]) -> tuple[str, str]:
        added = dialect.insert(table).values(key="a")
        changed = {"key": sa.cast("b", sa.String), "due": sa.case((late, added.excluded.due), else_=otherwise)}
        added = added.on_conflict_do_update(index_elements=["key"], set_=changed)
        return heard.neutral(added.compile(dialect=dialect.dialect()))

    assert told(sqlite, table.c.due) == told(postgresql, table.c.due)
    assert told(sqlite, table.c.due) != told(sqlite, sa.null())


def test_what_is_asked_of_sqlite_on_purpose_is_not_missed_and_whatever_else_the_same_function_sends_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [(where, text)] = heard.OF_SQLITE
    sent = {"a": (where, text), "b": (where, f"{text} WHERE"), "c": ("lms/other.py:index", text)}
    monkeypatch.setattr(heard, "_heard", {"sqlite": sent, "postgresql": {}})
    assert heard.not_on_postgresql() == sorted([sent["b"], sent["c"]])


def test_what_the_product_sends_to_sqlite_alone_fails_the_run(tmp_path: Path) -> None:
    """A run of some tests on one database and on both."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.heard", "-q", "-p", "no:cacheprovider", "-n", "0", TESTS]
    here = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DEBUG_TEMPROOT": str(tmp_path), "LMS_TEST_STRICT": ""}
    done = subprocess.run(
        [*command, "-k", "whom and sqlite"], cwd=ROOT, env=here, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout
    assert "SENT TO SQLITE ONLY" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("source", "keyword", "marks", "both", "whole"),
    [
        ("TESTPATHS", "", "", "1", True),
        ("ARGS", "", "", "1", False),
        ("TESTPATHS", "roll", "", "1", False),
        ("TESTPATHS", "", "not chromium", "1", False),
        ("TESTPATHS", "", "", "", False),
    ],
)
def test_the_list_is_written_by_a_run_of_everything_alone(
    monkeypatch: pytest.MonkeyPatch, source: str, keyword: str, marks: str, both: str, whole: bool
) -> None:
    monkeypatch.setenv("LMS_TEST_BOTH", both)
    option = SimpleNamespace(keyword=keyword, markexpr=marks)
    config = SimpleNamespace(args_source=pytest.Config.ArgsSource[source], option=option)
    assert heard.is_whole(cast(pytest.Config, config)) is whole
