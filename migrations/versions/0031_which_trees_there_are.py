"""Every tree that a row names is one of the two, and a role holds in the Party tree only where one can."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TREE = "tree IN ('state', 'party')"
CHECKS = (
    ("unit_closure", "tree", TREE),
    ("unit_headcount", "tree", TREE),
    ("role_grant", "tree", TREE),
    ("role_grant", "role_in_tree", "tree = 'state' OR role IN ('deputy', 'head', 'unit_administrator')"),
)


def upgrade() -> None:
    for table, name, condition in CHECKS:
        with op.batch_alter_table(table) as batch:
            batch.create_check_constraint(op.f(f"ck_{table}_{name}"), condition)


def downgrade() -> None:
    op.execute("DELETE FROM role_grant WHERE tree = 'party' AND role = 'unit_administrator'")
    for table, name, _condition in reversed(CHECKS):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
