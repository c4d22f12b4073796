"""Forwarding: the stores to which statements are sent on, how far each has got, and what it refused."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    create_targets()
    create_dead_letters()


def create_targets() -> None:
    op.create_table(
        "forward_target",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("edition", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("counted_only", sa.Boolean(), nullable=False),
        sa.Column("activity_prefix", sa.String(), nullable=True),
        sa.Column("not_from", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent", Number, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("cursor", Number, nullable=False),
        sa.Column("sought", Number, nullable=True),
        sa.Column("writers", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["not_from"], ["xapi_client.id"], name=op.f("fk_forward_target_not_from")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forward_target")),
        sa.UniqueConstraint("public_id", name=op.f("uq_forward_target_public_id")),
    )


def create_dead_letters() -> None:
    op.create_table(
        "forward_dead_letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("sequence", Number, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["target_id"], ["forward_target.id"], name=op.f("fk_forward_dead_letter_target_id")),
        sa.ForeignKeyConstraint(
            ["sequence"], ["xapi_statement.sequence"], name=op.f("fk_forward_dead_letter_sequence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forward_dead_letter")),
        sa.UniqueConstraint("target_id", "sequence", name=op.f("uq_forward_dead_letter_target_id_sequence")),
    )


def downgrade() -> None:
    op.drop_table("forward_dead_letter")
    op.drop_table("forward_target")
