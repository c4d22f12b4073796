"""A run that listens fails when the product told SQLite alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

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
