"""Days on which heads above are told, what heads were told, other channels and the messages to them."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("reminder_plan", sa.Column("above", sa.JSON(), nullable=False, server_default=sa.text("'[3, 10]'")))
    chasing()
    webhooks()


def chasing() -> None:
    op.create_table(
        "digest_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("daily", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("from_hour", "to_hour")),
        sa.CheckConstraint("id = 1", name=op.f("ck_digest_plan_one")),
        sa.CheckConstraint(
            "0 <= from_hour AND from_hour < to_hour AND to_hour <= 24", name=op.f("ck_digest_plan_hours")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_digest_plan"),
    )
    op.create_table(
        "head_told",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in ("briefing_id", "above_id", "unit_id")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("tree", "occasion")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("overdue", "people")),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.Column("sent_at", Moment, nullable=False),
        sa.CheckConstraint("kind IN ('digest', 'above')", name=op.f("ck_head_told_kind")),
        sa.CheckConstraint("tree IN ('state', 'party')", name=op.f("ck_head_told_tree")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_head_told_person_id"),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_head_told_briefing_id"),
        sa.ForeignKeyConstraint(["above_id"], ["unit.id"], name="fk_head_told_above_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_head_told_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_head_told"),
        sa.UniqueConstraint("key", name="uq_head_told_key"),
    )
    op.create_index("ix_head_told_person", "head_told", ["person_id", "day"])


def webhooks() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "address", "state")),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("succeeded_at", Moment, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", Moment, nullable=True),
        sa.CheckConstraint("state IN ('active', 'paused', 'removed')", name=op.f("ck_webhook_state")),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
        sa.UniqueConstraint("public_id", name="uq_webhook_public_id"),
    )
    op.create_table(
        "webhook_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("webhook_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "body", "state")),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("ended_at", Moment, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'taken', 'dead')", name=op.f("ck_webhook_message_state")),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], name="fk_webhook_message_webhook_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_message"),
        sa.UniqueConstraint("webhook_id", "message_id", name="uq_webhook_message_webhook_id_message_id"),
    )
    op.create_index("ix_webhook_message_state", "webhook_message", ["webhook_id", "state", "id"])


def downgrade() -> None:
    for table in ("webhook_message", "webhook", "head_told", "digest_plan"):
        op.drop_table(table)
    with op.batch_alter_table("reminder_plan") as batch:
        batch.drop_column("above")
