"""Written reflections with their questions and versions; certificates and their rules; tokens of the read API."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0022"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    reflections()


def reflections() -> None:
    op.create_table(
        "reflection_task",
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("set_at", Moment, nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name=op.f("fk_reflection_task_briefing_id")),
        sa.PrimaryKeyConstraint("briefing_id", name=op.f("pk_reflection_task")),
    )
    op.create_table(
        "reflection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("saved_at", Moment, nullable=False),
        sa.Column("handed_in_at", Moment, nullable=True),
        sa.CheckConstraint("state IN ('writing', 'waiting', 'returned', 'accepted')", name=op.f("ck_reflection_state")),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name=op.f("fk_reflection_briefing_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reflection_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reflection")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reflection_public_id")),
    )
    op.create_index("uq_reflection_person", "reflection", ["person_id", "briefing_id"], unique=True)
    op.create_index("ix_reflection_queue", "reflection", ["briefing_id", "state"])
    op.create_table(
        "reflection_version",
        sa.Column("reflection_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("handed_in_at", Moment, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("read_at", Moment, nullable=True),
        sa.Column("read_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("verdict IN ('', 'accepted', 'returned')", name=op.f("ck_reflection_version_verdict")),
        sa.ForeignKeyConstraint(["reflection_id"], ["reflection.id"], name=op.f("fk_reflection_version_reflection_id")),
        sa.PrimaryKeyConstraint("reflection_id", "number", name=op.f("pk_reflection_version")),
    )


def downgrade() -> None:
    for table in ("reflection_version", "reflection", "reflection_task"):
        op.drop_table(table)
