"""A print of certificates says by which tree people of the unit are counted: that of the state, as all were."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

TABLE = "certificate_print"


def upgrade() -> None:
    with op.batch_alter_table(TABLE) as batch:
        batch.add_column(sa.Column("tree", sa.String(), nullable=False, server_default=sa.text("'state'")))
        batch.create_check_constraint(op.f(f"ck_{TABLE}_tree"), "tree IN ('state', 'party')")


def downgrade() -> None:
    op.execute("DELETE FROM certificate_print WHERE tree = 'party'")
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_constraint(op.f(f"ck_{TABLE}_tree"), type_="check")
        batch.drop_column("tree")
