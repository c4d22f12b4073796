"""When a role was given, and in which tree it holds.

A merger is not undone while somebody goes on holding what was given over the merged unit. A head of a Party committee
sees what stands below it in the Party tree: roles over units that stand in that tree alone are of that tree.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OPEN = sa.text("valid_to IS NULL AND unit_id IS NOT NULL")
KEYS = ["person_id", "role", "unit_id"]


def upgrade() -> None:
    op.add_column("role_grant", sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("role_grant", sa.Column("tree", sa.String(), nullable=False, server_default=sa.text("'state'")))
    op.execute(
        "UPDATE role_grant SET tree = 'party' WHERE role IN ('head', 'deputy') "
        "AND unit_id IN (SELECT descendant_id FROM unit_closure WHERE tree = 'party') "
        "AND unit_id NOT IN (SELECT descendant_id FROM unit_closure WHERE tree = 'state')"
    )
    renew_index([*KEYS, "tree"])


def downgrade() -> None:
    op.execute("DELETE FROM role_grant WHERE tree = 'party'")
    renew_index(KEYS)
    op.drop_column("role_grant", "tree")
    op.drop_column("role_grant", "granted_at")


def renew_index(columns: list[str]) -> None:
    """The same role is held once over a unit, in each tree."""
    op.drop_index("uq_role_grant_open", "role_grant")
    op.create_index("uq_role_grant_open", "role_grant", columns, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
