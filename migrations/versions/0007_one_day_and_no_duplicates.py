"""The day up to which everything that changes with the day has been settled."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settled_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_settled_day_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settled_day")),
    )


def downgrade() -> None:
    op.drop_table("settled_day")
