"""Documents that other systems keep about activities and agents: state and profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "xapi_document",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("registration", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contents", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "kind = 'state' AND activity_id > 0 AND agent_id > 0"
            " OR kind = 'agent' AND activity_id = 0 AND agent_id > 0"
            " OR kind = 'activity' AND activity_id > 0 AND agent_id = 0",
            name=op.f("ck_xapi_document_kind"),
        ),
        sa.PrimaryKeyConstraint(
            "kind", "activity_id", "agent_id", "registration", "document_id", name=op.f("pk_xapi_document")
        ),
    )


def downgrade() -> None:
    op.drop_table("xapi_document")
