"""Reports upward: reports as they were, what units enter by hand, reports sent up, scheduled mail, and large files.

A report as it was (`report_snapshot`) is written once, on both databases, as in 0002 and 0017.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
SENT, OPEN = sa.text("state = 'sent'"), sa.text("ended_at IS NULL")
SNAPSHOT = "report_snapshot"
UNIQUE = (("id",), ("public_id",), ("digest",))


def upgrade() -> None:
    for make in (entries, snapshots, submissions, schedules, files):
        make()
    write_once()


def write_once() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {SNAPSHOT}_no_{act} BEFORE {act.upper()} ON {SNAPSHOT} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
        op.execute(
            f"CREATE TRIGGER {SNAPSHOT}_no_truncate BEFORE TRUNCATE ON {SNAPSHOT} EXECUTE FUNCTION refuse_change()"
        )
        return
    refused = f"SELECT RAISE(ABORT, '{SNAPSHOT} is written once')"
    for act in ("update", "delete"):
        op.execute(f"CREATE TRIGGER {SNAPSHOT}_no_{act} BEFORE {act.upper()} ON {SNAPSHOT} BEGIN {refused}; END")
    there = " OR ".join(
        f"EXISTS (SELECT 1 FROM {SNAPSHOT} WHERE {' AND '.join(f'{one} = NEW.{one}' for one in key)})"  # noqa: S608 - our own names # nosec B608
        for key in UNIQUE
    )
    op.execute(f"CREATE TRIGGER {SNAPSHOT}_no_replace BEFORE INSERT ON {SNAPSHOT} WHEN {there} BEGIN {refused}; END")


def entries() -> None:
    op.create_table(
        "report_entry",
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("entered_at", Moment, nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_report_entry_unit_id"),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_report_entry_briefing_id"),
        sa.PrimaryKeyConstraint("unit_id", "briefing_id", name="pk_report_entry"),
    )


def about(table: str) -> list[Any]:
    """The unit and the briefing a row is about."""
    return [
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=f"fk_{table}_unit_id"),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name=f"fk_{table}_briefing_id"),
    ]


def named(table: str) -> list[Any]:
    """The id inside and the one outside."""
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("public_id", name=f"uq_{table}_public_id"),
    ]


def snapshots() -> None:
    op.create_table(
        SNAPSHOT,
        *named(SNAPSHOT),
        *about(SNAPSHOT),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("taken_at", Moment, nullable=False),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("form IN ('01', '02', '03', '05')", name=op.f("ck_report_snapshot_form")),
        sa.UniqueConstraint("digest", name="uq_report_snapshot_digest"),
    )
    op.create_index("ix_report_snapshot_unit", SNAPSHOT, ["unit_id", "briefing_id", "form", "taken_at"])


def submissions() -> None:
    table = "report_submission"
    op.create_table(
        table,
        *named(table),
        *about(table),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("to_unit_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sent_at", Moment, nullable=False),
        sa.Column("sent_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", Moment, nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("remark", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["report_snapshot.id"], name="fk_report_submission_snapshot_id"),
        sa.ForeignKeyConstraint(["to_unit_id"], ["unit.id"], name="fk_report_submission_to_unit_id"),
        sa.CheckConstraint("state IN ('sent', 'accepted', 'returned')", name=op.f("ck_report_submission_state")),
        sa.CheckConstraint("state <> 'returned' OR remark <> ''", name=op.f("ck_report_submission_remark")),
        sa.CheckConstraint("(state = 'sent') = (decided_at IS NULL)", name=op.f("ck_report_submission_decided")),
    )
    op.create_index("ix_report_submission_to", table, ["to_unit_id", "state"])
    op.create_index(
        "uq_report_submission_sent",
        table,
        ["unit_id", "briefing_id"],
        unique=True,
        sqlite_where=SENT,
        postgresql_where=SENT,
    )


def schedules() -> None:
    table = "report_schedule"
    op.create_table(
        table,
        *named(table),
        *about(table),
        sa.Column("every", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("begun_at", Moment, nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", Moment, nullable=True),
        sa.CheckConstraint("every IN ('daily', 'weekly', 'monthly')", name=op.f("ck_report_schedule_every")),
        sa.CheckConstraint("place BETWEEN 1 AND 31", name=op.f("ck_report_schedule_place")),
    )
    op.create_index(
        "uq_report_schedule_open",
        table,
        ["unit_id", "briefing_id", "every", "place"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def files() -> None:
    table = "report_file"
    op.create_table(
        table,
        *named(table),
        *about(table),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", Moment, nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'made', 'failed')", name=op.f("ck_report_file_state")),
    )
    op.create_index("ix_report_file_asked_by", table, ["asked_by"])
    op.create_table(
        "report_file_piece",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["report_file.id"], name="fk_report_file_piece_file_id"),
        sa.PrimaryKeyConstraint("file_id", "number", name="pk_report_file_piece"),
    )


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for act in ("update", "delete", "truncate" if postgresql else "replace"):
        op.execute(f"DROP TRIGGER {SNAPSHOT}_no_{act}" + (f" ON {SNAPSHOT}" if postgresql else ""))
    for table in ("report_file_piece", "report_file", "report_schedule", "report_submission", SNAPSHOT, "report_entry"):
        op.drop_table(table)
