"""Operations of the organisation: names of units with dates, who took over from whom, and how each is taken back.

What stands keeps its name for all its days; its code is taken down as used; a unit without one above it stands at the
top of its tree, which only the closure knew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('create', 'rename', 'recode', 'reclassify', 'move', 'consolidate', 'absorb', 'divide', "
    "'separate', 'abolish')"
)
DATES = "valid_to IS NULL OR valid_from < valid_to"


def upgrade() -> None:
    op.add_column("unit", sa.Column("undone", sa.Boolean(), nullable=False, server_default=sa.false()))
    dated_rows()
    operations()
    what_followed()
    counted = ["tree", "kind", "unit_id", "valid_from", "valid_to", "person_id"]
    op.create_index("ix_membership_counted", "membership", counted)
    op.execute(
        "INSERT INTO unit_name (unit_id, valid_from, valid_to, code, kind, name, short_name, sort_key) "
        "SELECT id, valid_from, valid_to, code, kind, name, short_name, sort_key FROM unit"
    )
    op.execute("INSERT INTO unit_code (code, unit_id) SELECT lower(code), min(id) FROM unit GROUP BY lower(code)")
    op.execute(
        "INSERT INTO unit_root (tree, unit_id, valid_from, valid_to) "
        "SELECT tree, descendant_id, valid_from, valid_to FROM unit_closure WHERE depth = 0 AND NOT EXISTS ("
        "SELECT 1 FROM unit_edge WHERE unit_edge.tree = unit_closure.tree AND child_id = descendant_id)"
    )


def dated_rows() -> None:
    """Names, codes and tops of trees."""
    op.create_table(
        "unit_name",
        sa.Column("unit_id", sa.Integer(), sa.ForeignKey("unit.id", name="fk_unit_name_unit_id"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("short_name", sa.String(), nullable=False),
        sa.Column("sort_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(DATES, name=op.f("ck_unit_name_dates")),
        sa.PrimaryKeyConstraint("unit_id", "valid_from", name="pk_unit_name"),
    )
    op.create_table(
        "unit_code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("unit_id", sa.Integer(), sa.ForeignKey("unit.id", name="fk_unit_code_unit_id"), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_unit_code"),
    )
    op.create_index("ix_unit_code_unit_id", "unit_code", ["unit_id"])
    op.create_table(
        "unit_root",
        sa.Column("tree", sa.String(), nullable=False),
        sa.Column("unit_id", sa.Integer(), sa.ForeignKey("unit.id", name="fk_unit_root_unit_id"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.CheckConstraint("tree IN ('state', 'party')", name=op.f("ck_unit_root_tree")),
        sa.CheckConstraint(DATES, name=op.f("ck_unit_root_dates")),
        sa.PrimaryKeyConstraint("tree", "unit_id", "valid_from", name="pk_unit_root"),
    )


def key(table: str, column: str, other: str, *, nullable: bool = False) -> sa.Column[int]:
    """A column that refers to the id of another table."""
    refers = sa.ForeignKey(f"{other}.id", name=f"fk_{table}_{column}")
    return sa.Column(column, sa.Integer(), refers, nullable=nullable)


def operations() -> None:
    """What was done, to which units, and who took over."""
    op.create_table(
        "unit_operation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("document_number", sa.String(), nullable=False),
        sa.Column("document_date", sa.Date()),
        sa.Column("document_issuer", sa.String(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.Uuid()),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by", sa.Uuid()),
        sa.CheckConstraint(KINDS, name=op.f("ck_unit_operation_kind")),
        sa.PrimaryKeyConstraint("id", name="pk_unit_operation"),
        sa.UniqueConstraint("public_id", name="uq_unit_operation_public_id"),
    )
    table = "unit_operation_unit"
    op.create_table(
        table,
        key(table, "operation_id", "unit_operation"),
        key(table, "unit_id", "unit"),
        sa.PrimaryKeyConstraint("operation_id", "unit_id", name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_unit_id", table, ["unit_id"])
    table = "unit_lineage"
    op.create_table(
        table,
        key(table, "operation_id", "unit_operation"),
        key(table, "predecessor_id", "unit"),
        key(table, "successor_id", "unit"),
        sa.Column("heir", sa.Boolean(), nullable=False),
        sa.CheckConstraint("predecessor_id <> successor_id", name=op.f(f"ck_{table}_not_itself")),
        sa.PrimaryKeyConstraint("operation_id", "predecessor_id", "successor_id", name=f"pk_{table}"),
    )
    for column in ("predecessor_id", "successor_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def what_followed() -> None:
    """What belongs to units and went with them."""
    table = "membership_transfer"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        key(table, "operation_id", "unit_operation"),
        key(table, "membership_id", "membership"),
        sa.Column("begun_id", sa.Integer()),
        key(table, "from_unit_id", "unit"),
        key(table, "to_unit_id", "unit", nullable=True),
        sa.Column("until", sa.Date()),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_operation_id", table, ["operation_id"])
    table = "assignment_handover"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        key(table, "operation_id", "unit_operation"),
        key(table, "assignment_id", "assignment"),
        key(table, "begun_id", "assignment", nullable=True),
        key(table, "to_unit_id", "unit", nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_operation_id", table, ["operation_id"])


def downgrade() -> None:
    op.drop_index("ix_membership_counted", "membership")
    for table in (
        "assignment_handover",
        "membership_transfer",
        "unit_lineage",
        "unit_operation_unit",
        "unit_operation",
        "unit_root",
        "unit_code",
        "unit_name",
    ):
        op.drop_table(table)
    op.drop_column("unit", "undone")
