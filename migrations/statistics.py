"""What SQLite is told of the tables that pages of leaders join: how many rows there are to one value of an index.

SQLite by itself knows nothing of them until somebody lets it read them all (`ANALYZE`), for seconds in which
nobody else writes; a bounded reading (`analysis_limit`) tells it less than nothing. Without, it begins a join at the
wrong end: charts of one unit took twelve times as long. What matters are ratios, and these are alike wherever there
are briefings, a tree of units and people. So every database is told those of a made up province (60,000 people, 5,000
units, 12 briefings: `benchmarks.province`), as SQLite's documentation advises where plans must not change with data
(sqlite.org/lang_analyze.html, "Fixed results"). The store of statements is not among them: its indexes are chosen for
plans without.
"""

from sqlalchemy import Connection

STATISTICS = {
    ("activity", "sqlite_autoindex_activity_1"): "28 28 1",
    ("activity", "sqlite_autoindex_activity_2"): "28 1",
    ("activity_progress", "ix_activity_progress_course"): "753807 753807 19",
    ("activity_progress", "sqlite_autoindex_activity_progress_1"): "753807 19 1",
    ("assignment", "ix_assignment_course_id"): "132 132",
    ("assignment", "ix_assignment_unit"): "132 11 11 1",
    ("assignment", "sqlite_autoindex_assignment_1"): "132 1",
    ("assignment", "uq_assignment_open"): "132 11 1 1 1",
    ("briefing", "ix_briefing_course_id"): "12 12",
    ("briefing", "sqlite_autoindex_briefing_1"): "12 1",
    ("briefing", "sqlite_autoindex_briefing_2"): "12 1",
    ("course_progress", "sqlite_autoindex_course_progress_1"): "40198 1 1",
    ("membership", "ix_membership_counted"): "60000 60000 60000 12 12 12 1",
    ("membership", "ix_membership_person"): "60000 1 1",
    ("membership", "ix_membership_unit"): "60000 60000 12",
    ("membership", "uq_membership_one_main"): "60000 1 1",
    ("person", "ix_person_email"): "60132 1",
    ("person", "ix_person_order"): "60132 11 1 1",
    ("person", "ix_person_search"): "60132 11",
    ("person", "sqlite_autoindex_person_1"): "60132 1",
    ("standing", "ix_standing_person_id"): "720000 12",
    ("standing", "ix_standing_unit"): "720000 60000 12 5",
    ("standing", "sqlite_autoindex_standing_1"): "720000 60000 1",
    ("tally", "ix_tally_unit"): "60000 12 1",
    ("tally", "tally"): "60000 5000 1 1",
    ("tally_day", "tally_day"): "58956 4913 1 1",
    ("unit", "sqlite_autoindex_unit_1"): "5000 1",
    ("unit", "sqlite_autoindex_unit_2"): "5000 1",
    ("unit_closure", "ix_unit_closure_descendant"): "23017 23017 5 1",
    ("unit_closure", "unit_closure"): "23017 23017 5 1 1",
    ("unit_edge", "ix_unit_edge_parent"): "4999 4999 6",
    ("unit_edge", "uq_unit_edge_child"): "4999 4999 1 1",
    ("unit_headcount", "sqlite_autoindex_unit_headcount_1"): "5000 5000 1",
    ("unit_name", "sqlite_autoindex_unit_name_1"): "5000 1 1",
    ("unit_root", "sqlite_autoindex_unit_root_1"): "1 1 1 1",
}
"""Of each index: the rows of its table, then how many share the first column, the first two and so on, on average."""


def write_statistics(connection: Connection) -> None:
    """Tell a SQLite database these in place of whatever it knows. Each migration may have forgotten some.

    Other connections that are open already plan as before.
    """
    connection.exec_driver_sql("ANALYZE alembic_version")  # the table of statistics is there from now on
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    there = set(connection.exec_driver_sql("SELECT tbl_name FROM sqlite_master WHERE type = 'table'").scalars())
    rows = [(table, index, told) for (table, index), told in STATISTICS.items() if table in there]
    if rows:
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", rows)
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # reads them, and nothing else
