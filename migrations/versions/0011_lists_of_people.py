"""Lists of people that are imported, what is remembered of them, and staff codes and births, which only lists say."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = sa.text("valid_to IS NULL")
STATES = "state IN ('received', 'waiting', 'comparing', 'rehearsed', 'applying', 'applied')"
ONCE = (("uq_staff_code_open", ["unit_id", "code_key"]), ("uq_staff_code_person_open", ["person_id", "unit_id"]))


def upgrade() -> None:
    create_particulars()
    create_lists()
    create_lines()


def create_particulars() -> None:
    """What lists say of people beside a name."""
    op.create_table(
        "date_of_birth",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.CheckConstraint("year BETWEEN 1900 AND 2200", name=op.f("ck_date_of_birth_year")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_date_of_birth_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_date_of_birth")),
    )
    op.create_table(
        "staff_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("code_key", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("valid_to IS NULL OR valid_from < valid_to", name=op.f("ck_staff_code_dates")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_staff_code_person_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_staff_code_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_code")),
    )
    op.create_index("ix_staff_code_key", "staff_code", ["code_key"])
    op.create_index("ix_staff_code_person", "staff_code", ["person_id"])
    for name, columns in ONCE:
        op.create_index(name, "staff_code", columns, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)


def create_lists() -> None:
    """Lists under way, and what is remembered of the lists of a unit."""
    op.create_table(
        "roster_habit",
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("units", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_roster_habit_unit_id")),
        sa.PrimaryKeyConstraint("unit_id", name=op.f("pk_roster_habit")),
    )
    op.create_table(
        "roster_upload",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_digest", sa.String(), nullable=False),
        sa.Column("sheets", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_roster_upload_state")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_roster_upload_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_upload")),
        sa.UniqueConstraint("public_id", name=op.f("uq_roster_upload_public_id")),
    )
    op.create_index("ix_roster_upload_unit", "roster_upload", ["unit_id"])


def create_lines() -> None:
    """The lines of lists under way."""
    op.create_table(
        "roster_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("marks", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("told", sa.JSON(), nullable=True),
        sa.Column("mark", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["upload_id"], ["roster_upload.id"], name=op.f("fk_roster_line_upload_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_line")),
    )
    op.create_index("ix_roster_line_outcome", "roster_line", ["upload_id", "outcome"])
    op.create_index("uq_roster_line", "roster_line", ["upload_id", "sheet", "number"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_roster_line", "roster_line")
    op.drop_index("ix_roster_line_outcome", "roster_line")

    op.drop_table("roster_line")
    op.drop_index("uq_staff_code_person_open", "staff_code")
    op.drop_index("uq_staff_code_open", "staff_code")
    op.drop_index("ix_staff_code_person", "staff_code")
    op.drop_index("ix_staff_code_key", "staff_code")

    op.drop_table("staff_code")
    op.drop_index("ix_roster_upload_unit", "roster_upload")

    op.drop_table("roster_upload")
    op.drop_table("roster_habit")
    op.drop_table("date_of_birth")
