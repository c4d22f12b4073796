"""A schedule of mail says by which tree the summary is made: that of the state, as all were, or the Party's."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

TABLE, INDEX = "report_schedule", "uq_report_schedule_open"
OPEN = sa.text("ended_at IS NULL")
KEYS = ["unit_id", "briefing_id", "every", "place"]


def upgrade() -> None:
    op.drop_index(INDEX, TABLE)
    with op.batch_alter_table(TABLE) as batch:
        batch.add_column(sa.Column("tree", sa.String(), nullable=False, server_default=sa.text("'state'")))
        batch.create_check_constraint(op.f(f"ck_{TABLE}_tree"), "tree IN ('state', 'party')")
    once_in(["unit_id", "briefing_id", "tree", "every", "place"])


def downgrade() -> None:
    op.execute("DELETE FROM report_schedule WHERE tree = 'party'")
    op.drop_index(INDEX, TABLE)
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_constraint(op.f(f"ck_{TABLE}_tree"), type_="check")
        batch.drop_column("tree")
    once_in(KEYS)


def once_in(columns: list[str]) -> None:
    """Of schedules that run there is one of each kind."""
    op.create_index(INDEX, TABLE, columns, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
