"""On SQLite the tables of relations are their own index: their key is the whole row, and was kept twice."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("xapi_statement_agent", "xapi_statement_activity")


def upgrade() -> None:
    recreate(with_rowid=False)


def downgrade() -> None:
    recreate(with_rowid=True)


def recreate(*, with_rowid: bool) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in TABLES:
        with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_with_rowid": with_rowid}):
            pass
