"""How many operations of the organisation were undone is asked by every page that remembers where units stand."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

INDEX, TABLE, UNDONE = "ix_unit_operation_undone", "unit_operation", sa.text("undone_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(INDEX, TABLE, ["undone_at"], sqlite_where=UNDONE, postgresql_where=UNDONE)


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
