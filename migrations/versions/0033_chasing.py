"""Days on which heads above are told, when heads get their mail, and what was told to them."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0026"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("reminder_plan", sa.Column("above", sa.JSON(), nullable=False, server_default=sa.text("'[3, 10]'")))
    chasing()


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
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_head_told_person_id"),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_head_told_briefing_id"),
        sa.ForeignKeyConstraint(["above_id"], ["unit.id"], name="fk_head_told_above_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_head_told_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_head_told"),
        sa.UniqueConstraint("key", name="uq_head_told_key"),
    )
    op.create_index("ix_head_told_person", "head_told", ["person_id", "day"])


def downgrade() -> None:
    for table in ("head_told", "digest_plan"):
        op.drop_table(table)
    with op.batch_alter_table("reminder_plan") as batch:
        batch.drop_column("above")
