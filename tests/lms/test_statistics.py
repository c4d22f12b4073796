"""What SQLite is told of the tables that pages of leaders join, and that it plans by it."""

import pytest
from alembic import command

from lms.cli import migrate
from lms.db import Base, Database
from migrations.statistics import STATISTICS
from tests.lms.test_migrations import settings
from tests.make import Make

pytestmark = pytest.mark.parametrize("backend", ["sqlite"])


def told(database: Database) -> dict[tuple[str, str], str]:
    with database.read_engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT tbl, idx, stat FROM sqlite_stat1").all()
    return {(table, index): stat for table, index, stat in rows}


def test_a_new_database_knows_the_ratios_and_nothing_of_the_store(make: Make) -> None:
    assert told(make.database) == STATISTICS
    assert not [table for table, _index in STATISTICS if table.startswith("xapi_")]


def test_each_is_of_an_index_there_is_and_has_a_number_for_each_of_its_columns(make: Make) -> None:
    with make.database.read_engine.connect() as connection:
        for (table, index), stat in STATISTICS.items():
            names = [one.name for one in connection.exec_driver_sql(f"PRAGMA index_list({table})")]
            primary = list(connection.exec_driver_sql(f"PRAGMA table_info({table})"))
            if index == table:  # the key of a table that has no other tree
                columns = [one for one in primary if one.pk]
            else:
                assert index in names, (table, index)
                columns = list(connection.exec_driver_sql(f"PRAGMA index_info({index})"))
            assert len(stat.split()) == len(columns) + 1, (table, index)
            assert table in Base.metadata.tables


def test_what_a_migration_has_forgotten_is_told_again_and_else_nothing_is_written(make: Make) -> None:
    config = settings()
    with make.database.write_engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl = 'standing'")
        connection.exec_driver_sql("UPDATE sqlite_stat1 SET stat = '1 1 1 1' WHERE tbl = 'tally'")
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES ('xapi_verb', NULL, '7')")
    others = told(make.database)
    migrate(make.database)
    assert told(make.database) == others
    with make.database.write_engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
        connection.commit()
    migrate(make.database)
    assert told(make.database) == STATISTICS


def test_people_of_a_unit_are_found_by_the_unit_and_not_among_all_of_the_briefing(make: Make) -> None:
    query = (
        "EXPLAIN QUERY PLAN SELECT standing.person_id, count(*) FROM standing JOIN course_progress"
        " ON course_progress.person_id = standing.person_id AND course_progress.course_id = 1"
        " WHERE standing.briefing_id = 1 AND standing.unit_id IN"
        " (SELECT descendant_id FROM unit_closure WHERE tree = 'state' AND ancestor_id = 7)"
        " GROUP BY standing.unit_id, standing.person_id"
    )
    with make.database.read_engine.connect() as connection:
        steps = [row[3] for row in connection.exec_driver_sql(query)]
    assert "SEARCH standing USING INDEX ix_standing_unit (briefing_id=? AND unit_id=?)" in steps, steps
