"""Transfers of people with the document they rest on, posts, records that are one person, contact, announcements."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
DUE = sa.text("due_on IS NOT NULL")
SAME = sa.text("same AND undone_at IS NULL")
COUNTED = """
INSERT INTO unit_headcount (tree, unit_id, people)
SELECT tree, unit_id, count(*) FROM membership
JOIN settled_day ON valid_from <= day AND (valid_to IS NULL OR valid_to > day)
WHERE kind = 'main' GROUP BY tree, unit_id
"""
FOREIGN = {"transfer_id": "people_transfer", "link_id": "person_link"}


def upgrade() -> None:
    for make in (headcount, transfers, links, announcements):
        make()
    op.add_column("person", sa.Column("phone", sa.String(), nullable=True))
    op.add_column("person", sa.Column("muted", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.drop_index("ix_person_order", "person")
    op.create_index("ix_person_order", "person", ["sort_key", "id", "search_key"])
    op.create_index("ix_person_search", "person", ["search_key"])
    op.add_column("membership", sa.Column("position", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column("membership", sa.Column("due_on", sa.Date(), nullable=True))
    op.create_index("ix_membership_due", "membership", ["due_on"], sqlite_where=DUE, postgresql_where=DUE)
    for column, table in FOREIGN.items():  # written out: SQLite takes a reference only with the column itself
        op.execute(
            f"ALTER TABLE membership ADD COLUMN {column} INTEGER "
            f"CONSTRAINT fk_membership_{column} REFERENCES {table} (id)"
        )
    op.execute(COUNTED)


def headcount() -> None:
    op.create_table(
        "unit_headcount",
        sa.Column("tree", sa.String(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_unit_headcount_unit_id"),
        sa.PrimaryKeyConstraint("tree", "unit_id", name="pk_unit_headcount"),
    )


def transfers() -> None:
    op.create_table(
        "people_transfer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("document_number", sa.String(), nullable=False),
        sa.Column("document_date", sa.Date(), nullable=True),
        sa.Column("document_issuer", sa.String(), nullable=False),
        sa.Column("entered_at", Moment, nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_people_transfer"),
        sa.UniqueConstraint("public_id", name="uq_people_transfer_public_id"),
    )


def links() -> None:
    op.create_table(
        "person_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("duplicate_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("was_open", sa.Boolean(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("decided_at", Moment, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("undone_at", Moment, nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("duplicate_id <> person_id", name=op.f("ck_person_link_not_itself")),
        sa.ForeignKeyConstraint(["duplicate_id"], ["person.id"], name="fk_person_link_duplicate_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_person_link_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_person_link"),
        sa.UniqueConstraint("public_id", name="uq_person_link_public_id"),
    )
    op.create_index("ix_person_link_duplicate_id", "person_link", ["duplicate_id"])
    op.create_index("ix_person_link_person", "person_link", ["person_id"])
    op.create_index(
        "uq_person_link_open",
        "person_link",
        ["duplicate_id"],
        unique=True,
        sqlite_where=SAME,
        postgresql_where=SAME,
    )


def announcements() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("written_at", Moment, nullable=False),
        sa.Column("withdrawn_at", Moment, nullable=True),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_announcement_dates")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_announcement_unit_id"),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name="fk_announcement_author_id"),
        sa.PrimaryKeyConstraint("id", name="pk_announcement"),
        sa.UniqueConstraint("public_id", name="uq_announcement_public_id"),
    )
    op.create_index("ix_announcement_unit", "announcement", ["unit_id", "valid_to"])


def downgrade() -> None:
    op.drop_table("unit_headcount")
    op.drop_table("announcement")
    op.drop_index("ix_membership_due", "membership")
    op.execute("UPDATE membership SET kind = 'main' WHERE link_id IS NOT NULL")
    for column in (*FOREIGN, "due_on", "position"):
        op.drop_column("membership", column)
    op.drop_table("person_link")
    op.drop_table("people_transfer")
    op.drop_index("ix_person_search", "person")
    op.drop_index("ix_person_order", "person")
    op.create_index("ix_person_order", "person", ["sort_key"])
    op.drop_column("person", "muted")
    op.drop_column("person", "phone")
