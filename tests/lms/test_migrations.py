"""The schema: one history, a way back, nothing that models and migrations tell differently, and rows written once."""

import contextlib
import importlib
import sqlite3
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy.exc import DatabaseError

import wsgi
from lms.app import open_doors
from lms.audit.actions import note
from lms.audit.models import AuditEntry
from lms.cli import MIGRATIONS, migrate
from lms.db import Base, Database
from tests.conftest import config_for
from tests.make import Make
from tests.postgres import cluster

GUARDING = ("0017_written_once_against_replacing", "0023_versions_and_frozen_rolls")
KEYS = {
    table: keys
    for name in GUARDING
    for table, keys in importlib.import_module(f"migrations.versions.{name}").KEYS.items()
}


OF_POSTGRESQL = {"ix_xapi_statement_activity_verb", "ix_person_letters"}  # migrations 0019 and 0038


def settings() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def test_the_history_of_the_schema_has_one_head() -> None:
    assert len(ScriptDirectory.from_config(settings()).get_heads()) == 1


def test_models_and_migrations_tell_the_same(app: Flask) -> None:
    database: Database = app.extensions["database"]
    with database.write_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        told = compare_metadata(context, Base.metadata)
        if connection.dialect.name == "postgresql":  # without foreign keys of the store: migration 0008
            told = [one for one in told if one[0] != "add_fk" or not one[1].parent.name.startswith("xapi_")]
        else:
            told = [one for one in told if one[0] != "add_index" or one[1].name not in OF_POSTGRESQL]
        assert told == []
        if connection.dialect.name == "sqlite":
            without = {
                name for name, table in Base.metadata.tables.items() if not table.kwargs.get("sqlite_with_rowid", True)
            }
            assert {one.name for one in connection.exec_driver_sql("PRAGMA table_list") if one.wr} == without
        inspector = sa.inspect(connection)
        for table in Base.metadata.sorted_tables:  # conditions are not compared by the above
            own = f"ck_{table.name}_"
            wanted = {
                str(one.name).replace(own, "") for one in table.constraints if isinstance(one, sa.CheckConstraint)
            }
            there = {str(one["name"]).replace(own, "") for one in inspector.get_check_constraints(table.name)}
            assert there >= wanted, table.name
            assert "tree" not in table.columns or "tree" in wanted, table.name


def test_every_migration_has_a_way_back(app: Flask) -> None:
    database: Database = app.extensions["database"]
    with database.write_engine.connect() as connection:
        config = settings()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
        left = set(sa.inspect(connection).get_table_names()) - {"alembic_version", "sqlite_sequence"}
        assert left == set()
    migrate(database)
    with database.write_engine.connect() as connection:
        assert sa.inspect(connection).has_table("xapi_statement")


@pytest.mark.parametrize("table", ["audit_entry", "xapi_body", "module_version", "lesson", "frozen_person"])
def test_the_database_itself_guards_what_is_written_once(app: Flask, table: str) -> None:
    database: Database = app.extensions["database"]
    with database.write_engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            query = sa.text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
        else:
            query = sa.text(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = cast(:table AS regclass) AND NOT tgisinternal"
            )
        assert connection.scalar(query, {"table": table}) >= 2


@pytest.mark.parametrize("change", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"])
def test_an_audit_entry_can_be_neither_changed_nor_removed(make: Make, change: str) -> None:
    with make.writing() as session:
        note(session, "test", actor=None, object_kind="test", object_id=1)
    with pytest.raises(DatabaseError, match="written once"), make.writing() as session:
        session.execute(sa.text(change))
    with make.reading() as session:
        assert session.scalar(sa.select(AuditEntry.action)) == "test"


@pytest.mark.parametrize("backend", ["sqlite"])
def test_nothing_that_is_written_once_gives_way_to_a_row_that_replaces_it(make: Make) -> None:
    """Each table by each of its keys, by a connection of somebody who holds the file: nothing is checked for it."""
    path = make.database.write_engine.url.database
    with contextlib.closing(sqlite3.connect(path or "")) as holder:
        holder.execute("PRAGMA ignore_check_constraints = ON")
        for table, keys in KEYS.items():
            columns = [one.name for one in Base.metadata.tables[table].columns]
            add = f"INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{one}' for one in columns)})"
            every = f"SELECT * FROM {table}"  # noqa: S608 - our own names
            holder.execute(f"INSERT {add}", dict.fromkeys(columns, 1))
            before = holder.execute(every).fetchall()
            for key in keys:
                with pytest.raises(sqlite3.IntegrityError, match="written once"):
                    holder.execute(f"INSERT OR REPLACE {add}", dict.fromkeys(columns, 2) | dict.fromkeys(key, 1))
                if key != keys[0]:  # without a number: passed over, or refused
                    unnumbered = dict.fromkeys(columns, 2) | dict.fromkeys(key, 1) | {keys[0][0]: None}
                    with contextlib.suppress(sqlite3.IntegrityError):
                        holder.execute(f"INSERT OR REPLACE {add}", unnumbered)
            assert holder.execute(every).fetchall() == before, table
        for moment in (9e99, b"\0", None):
            with pytest.raises(sqlite3.IntegrityError):
                holder.execute("INSERT INTO audit_retention (id, kept_from) VALUES (1, ?)", (moment,))


def test_a_request_that_reads_cannot_write(make: Make) -> None:
    with make.database.read_sessions() as session, pytest.raises(DatabaseError):
        note(session, "test", actor=None, object_kind="test", object_id=1)


def test_migrations_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (MIGRATIONS / "env.py").is_file()


@pytest.mark.postgresql
def test_where_pg_trgm_may_not_be_added_the_schema_comes_without_its_index(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And the index is made up for as docs/operations.md says; then both tell the same again."""
    url = cluster().create_database(name := f"without_{uuid.uuid4().hex[:8]}")
    owner = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    guest = f"guest_{uuid.uuid4().hex[:8]}"
    with owner.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {guest} LOGIN")
        connection.exec_driver_sql(f"GRANT ALL ON SCHEMA public TO {guest}")
    database = Database(config_for(url.replace("postgres@", f"{guest}@"), tmp_path), open_doors(wsgi.PACKAGES))
    migrate(database)
    assert "searching people stays slower" in caplog.text
    with owner.connect() as connection:
        assert "ix_person_letters" not in indexes(connection)
        connection.exec_driver_sql("CREATE EXTENSION pg_trgm")
        connection.exec_driver_sql(
            "CREATE INDEX CONCURRENTLY ix_person_letters ON person USING gin (search_key gin_trgm_ops)"
        )
        assert "ix_person_letters" in indexes(connection)
    database.dispose()
    owner.dispose()
    cluster().drop_database(name)


def indexes(connection: sa.Connection) -> set[str | None]:
    return {one["name"] for one in sa.inspect(connection).get_indexes("person")}
