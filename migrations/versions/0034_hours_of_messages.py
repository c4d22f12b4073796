"""Between which hours a message to another channel goes out."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

HOURS = "0 <= from_hour AND from_hour < to_hour AND to_hour <= 24"


def upgrade() -> None:
    with op.batch_alter_table("webhook_message") as batch:
        for name, hour in (("from_hour", "7"), ("to_hour", "19")):  # as long as nobody chooses others
            batch.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text(hour)))
        batch.create_check_constraint(op.f("ck_webhook_message_hours"), HOURS)
    with op.batch_alter_table("webhook_message") as batch:
        for name in ("from_hour", "to_hour"):
            batch.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("webhook_message") as batch:
        batch.drop_constraint(op.f("ck_webhook_message_hours"), type_="check")
        batch.drop_column("from_hour")
        batch.drop_column("to_hour")
