"""On SQLite the tallies of days are their primary key too: a page of the province reads some thousand in that order."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    recreate(with_rowid=False)


def downgrade() -> None:
    recreate(with_rowid=True)


def recreate(*, with_rowid: bool) -> None:
    """Make the table anew, with what is in it."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("tally_day", recreate="always", table_kwargs={"sqlite_with_rowid": with_rowid}):
            pass
