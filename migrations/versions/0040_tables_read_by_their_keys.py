"""On SQLite two tables that pages of leaders walk are their primary key, with no second tree to look rows up in.

A page of the province reads some thousand rows of each in the order of the key; each was looked up once more by the
number of its row, for the columns beside the key.
"""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    recreate(with_rowid=False)


def downgrade() -> None:
    recreate(with_rowid=True)


def recreate(*, with_rowid: bool) -> None:
    """Make the tables anew, with what is in them."""
    if op.get_bind().dialect.name == "sqlite":
        for table in ("unit_closure", "tally"):
            with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_with_rowid": with_rowid}):
                pass
