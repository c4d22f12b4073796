"""Tables that on SQLite are their primary key, with no second tree in which rows are looked up."""

from alembic import op


def make_anew(*tables: str, with_rowid: bool) -> None:
    """Make the tables anew, with what is in them. On PostgreSQL there is nothing to do."""
    if op.get_bind().dialect.name == "sqlite":
        for table in tables:
            with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_with_rowid": with_rowid}):
                pass
