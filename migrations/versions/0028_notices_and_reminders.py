"""Lines that the product gives to single people, how a briefing reminds, and whom it has reminded of what."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    notices()
    reminders()


def notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("text", "text_en", "path", "key")),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("seen_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_notice_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("public_id", name="uq_notice_public_id"),
        sa.UniqueConstraint("key", name="uq_notice_key"),
    )
    op.create_index("ix_notice_person", "notice", ["person_id", "seen_at"])


def reminders() -> None:
    op.create_table(
        "reminder_plan",
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("before", "after", "without_due")),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("from_hour", "to_hour")),
        sa.CheckConstraint(
            "0 <= from_hour AND from_hour < to_hour AND to_hour <= 24", name=op.f("ck_reminder_plan_hours")
        ),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_reminder_plan_briefing_id"),
        sa.PrimaryKeyConstraint("briefing_id", name="pk_reminder_plan"),
    )
    op.create_table(
        "reminder_sent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("occasion", sa.String(), nullable=False),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.Column("sent_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_reminder_sent_briefing_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_reminder_sent_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reminder_sent"),
    )
    op.create_index("uq_reminder_sent_once", "reminder_sent", ["briefing_id", "person_id", "occasion"], unique=True)
    op.create_index("ix_reminder_sent_person", "reminder_sent", ["person_id"])


def downgrade() -> None:
    for table in ("reminder_sent", "reminder_plan", "notice"):
        op.drop_table(table)
