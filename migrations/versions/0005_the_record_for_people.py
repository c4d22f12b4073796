"""For the pages of the record: the last day a client was used, and statements without effect found in their order."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("xapi_client", sa.Column("last_used_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_xapi_statement_voided",
        "xapi_statement",
        ["sequence"],
        sqlite_where=sa.text("voided = 1"),
        postgresql_where=sa.text("voided"),
    )
    op.create_index(
        "ix_xapi_statement_uncounted",
        "xapi_statement",
        ["sequence"],
        sqlite_where=sa.text("counts = 0"),
        postgresql_where=sa.text("NOT counts"),
    )


def downgrade() -> None:
    op.drop_index("ix_xapi_statement_uncounted", "xapi_statement")
    op.drop_index("ix_xapi_statement_voided", "xapi_statement")
    op.drop_column("xapi_client", "last_used_on")
