"""The day up to which everything that changes with the day is settled, and what may stand once only.

Where a double press had written an assignment or a role twice, one stays: of assignments the later, which is the one
that holds, of roles the earlier. The other is withdrawn at the moment it was given, or ended on the day it began:
it has never held, and nothing is removed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ONCE = (
    ("uq_assignment_open", "assignment", ["course_id", "unit_id", "tree", "due_at"], "withdrawn_at IS NULL"),
    ("uq_role_grant_open", "role_grant", ["person_id", "role", "unit_id"], "valid_to IS NULL AND unit_id IS NOT NULL"),
    ("uq_role_grant_open_everywhere", "role_grant", ["person_id", "role"], "valid_to IS NULL AND unit_id IS NULL"),
)


def upgrade() -> None:
    op.create_table(
        "settled_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_settled_day_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settled_day")),
    )
    end_duplicates()
    for name, table, columns, where in ONCE:
        condition = sa.text(where)
        op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def end_duplicates() -> None:
    """Leave one of each."""
    op.execute(
        "UPDATE assignment SET withdrawn_at = assigned_at WHERE withdrawn_at IS NULL AND EXISTS ("
        "SELECT 1 FROM assignment AS later WHERE later.withdrawn_at IS NULL AND later.id <> assignment.id "
        "AND later.course_id = assignment.course_id AND later.unit_id = assignment.unit_id "
        "AND later.tree = assignment.tree AND later.due_at = assignment.due_at "
        "AND (later.assigned_at > assignment.assigned_at "
        "OR (later.assigned_at = assignment.assigned_at AND later.id > assignment.id)))"
    )
    op.execute(
        "UPDATE role_grant SET valid_to = valid_from WHERE valid_to IS NULL AND EXISTS ("
        "SELECT 1 FROM role_grant AS earlier WHERE earlier.valid_to IS NULL AND earlier.id < role_grant.id "
        "AND earlier.person_id = role_grant.person_id AND earlier.role = role_grant.role "
        "AND coalesce(earlier.unit_id, 0) = coalesce(role_grant.unit_id, 0))"
    )


def downgrade() -> None:
    for name, table, _columns, _where in reversed(ONCE):
        op.drop_index(name, table)
    op.drop_table("settled_day")
