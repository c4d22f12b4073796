"""The data of attachments, stored once by digest, and which statement came with which. Both are written once."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WRITTEN_ONCE = ("xapi_attachment", "xapi_statement_attachment")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "xapi_attachment",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=64), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xapi_attachment")),
        sa.UniqueConstraint("digest", name=op.f("uq_xapi_attachment_digest")),
    )
    op.create_table(
        "xapi_statement_attachment",
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("attachment_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["xapi_attachment.id"],
            name=op.f("fk_xapi_statement_attachment_attachment_id_xapi_attachment"),
        ),
        sa.ForeignKeyConstraint(
            ["sequence"],
            ["xapi_statement.sequence"],
            name=op.f("fk_xapi_statement_attachment_sequence_xapi_statement"),
        ),
        sa.PrimaryKeyConstraint("sequence", "attachment_id", name=op.f("pk_xapi_statement_attachment")),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in WRITTEN_ONCE:
        for act in ("update", "delete"):
            refuse(table, act, postgresql=postgresql)
        if postgresql:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()"
            )


def refuse(table: str, act: str, *, postgresql: bool) -> None:
    """Rows of this table are neither changed nor removed; the function is that of migration 0002."""
    when = f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table}"
    if postgresql:
        op.execute(f"{when} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    else:
        op.execute(f"{when} BEGIN SELECT RAISE(ABORT, '{table} is written once'); END")


def downgrade() -> None:
    for table in reversed(WRITTEN_ONCE):
        op.drop_table(table)
