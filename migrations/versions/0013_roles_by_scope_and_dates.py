"""More roles, each over a unit and between two days; and looking at the product as somebody else sees it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
FORMER = "role IN ('administrator', 'head', 'trainer')"
ROLES = "role IN ('administrator', 'auditor', 'deputy', 'head', 'host', 'reviewer', 'trainer', 'unit_administrator')"
DEPUTY = "role <> 'deputy' OR valid_to IS NOT NULL"
INDEXES = {
    "uq_role_grant_open": (["person_id", "role", "unit_id"], "valid_to IS NULL AND unit_id IS NOT NULL"),
    "uq_role_grant_open_everywhere": (["person_id", "role"], "valid_to IS NULL AND unit_id IS NULL"),
}


def upgrade() -> None:
    checked((("role", ROLES), ("deputy_ends", DEPUTY)), dropped=("role",))
    op.create_table(
        "viewing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("viewer_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("started_at", Moment, nullable=False),
        sa.Column("ends_at", Moment, nullable=False),
        sa.Column("ended_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["user_session.id"], name="fk_viewing_session_id"),
        sa.ForeignKeyConstraint(["viewer_id"], ["person.id"], name="fk_viewing_viewer_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_viewing_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_viewing"),
    )
    op.create_index("ix_viewing_person_id", "viewing", ["person_id"])
    op.create_index(
        "uq_viewing_open",
        "viewing",
        ["session_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("viewing")
    op.execute(f"DELETE FROM role_grant WHERE NOT ({FORMER})")  # noqa: S608 - the words stand above # nosec B608
    checked((("role", FORMER),), dropped=("role", "deputy_ends"))


def checked(wanted: tuple[tuple[str, str], ...], *, dropped: tuple[str, ...]) -> None:
    """Give the table these conditions. SQLite cannot change one in place: there the table is written anew."""
    if op.get_bind().dialect.name != "sqlite":
        for name in dropped:
            op.drop_constraint(op.f(f"ck_role_grant_{name}"), "role_grant", type_="check")
        for name, condition in wanted:
            op.create_check_constraint(op.f(f"ck_role_grant_{name}"), "role_grant", condition)
        return
    rewrite(wanted)


def rewrite(wanted: tuple[tuple[str, str], ...]) -> None:
    """The same rows under a table with these conditions."""
    op.rename_table("role_grant", "role_grant_before")
    for name in (*INDEXES, "ix_role_grant_person_id"):
        op.execute(f"DROP INDEX IF EXISTS {name}")
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_role_grant_{name}")) for name, condition in wanted),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_role_grant_person_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_role_grant_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_role_grant"),
    )
    op.execute(
        "INSERT INTO role_grant (id, person_id, role, unit_id, valid_from, valid_to) "
        "SELECT id, person_id, role, unit_id, valid_from, valid_to FROM role_grant_before"
    )
    op.drop_table("role_grant_before")
    op.create_index("ix_role_grant_person_id", "role_grant", ["person_id"])
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "role_grant", columns, unique=True, sqlite_where=sa.text(where))
