"""On PostgreSQL filters for a verb and an activity together get an index of their own; on SQLite it costs too much."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BOTH = "ix_xapi_statement_activity_verb"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(BOTH, "xapi_statement", ["activity_id", "verb_id", "sequence"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index(BOTH, "xapi_statement")
