"""What was shown when a session began: a role that asks for more than that opens nothing in it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_session", sa.Column("proof", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column("one_time_link", sa.Column("mailed", sa.Boolean(), nullable=False, server_default=sa.text("false")))


def downgrade() -> None:
    op.drop_column("one_time_link", "mailed")
    op.drop_column("user_session", "proof")
