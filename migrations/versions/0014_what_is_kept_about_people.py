"""What people may ask about their data, who has been erased, and how long the audit log is kept.

An entry of the audit log still never changes, and goes only when it is older than `audit_retention.kept_from`, which
never lies within the last ninety days by the clock of the database itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
TOO_LATE = "audit entries are kept for ninety days at least"


def upgrade() -> None:
    op.add_column("person", sa.Column("erased_at", Moment, nullable=True))
    op.create_index("ix_audit_entry_action", "audit_entry", ["action", "id"])
    op.create_table(
        "audit_retention",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kept_from", Moment, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_audit_retention_one"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_retention"),
    )
    create_requests()
    if op.get_bind().dialect.name == "postgresql":
        open_door_postgresql()
    else:
        open_door_sqlite()


def create_requests() -> None:
    op.create_table(
        "privacy_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("asked_at", Moment, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", Moment, nullable=True),
        sa.CheckConstraint("kind IN ('correction', 'erasure')", name="ck_privacy_request_kind"),
        sa.CheckConstraint("state IN ('new', 'in_work', 'answered')", name="ck_privacy_request_state"),
        sa.CheckConstraint(
            "(state = 'answered') = (outcome IS NOT NULL AND answered_at IS NOT NULL)",
            name="ck_privacy_request_answered",
        ),
        sa.CheckConstraint("outcome IN ('corrected', 'refused', 'erased')", name="ck_privacy_request_outcome"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_privacy_request_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_request"),
        sa.UniqueConstraint("public_id", name="uq_privacy_request_public_id"),
    )
    op.create_index("ix_privacy_request_person_id", "privacy_request", ["person_id"])
    op.create_index("ix_privacy_request_worklist", "privacy_request", ["state", "due_on"])
    unanswered = sa.text("state <> 'answered'")
    op.create_index(
        "uq_privacy_request_open",
        "privacy_request",
        ["person_id", "kind"],
        unique=True,
        sqlite_where=unanswered,
        postgresql_where=unanswered,
    )


def open_door_sqlite() -> None:
    op.execute("DROP TRIGGER audit_entry_no_delete")
    op.execute(
        "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry "
        "WHEN NOT EXISTS (SELECT 1 FROM audit_retention WHERE OLD.at < kept_from) "
        "BEGIN SELECT RAISE(ABORT, 'audit_entry is written once'); END"
    )
    for act in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER audit_retention_{act.lower()} BEFORE {act} ON audit_retention "
            f"WHEN NEW.kept_from >= datetime('now', '-90 days') BEGIN SELECT RAISE(ABORT, '{TOO_LATE}'); END"
        )


def open_door_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_early_removal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM audit_retention WHERE OLD.at < kept_from) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION '% is written once', TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE FUNCTION refuse_short_retention() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.kept_from >= now() - interval '90 days' THEN RAISE EXCEPTION '{TOO_LATE}'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute("DROP TRIGGER audit_entry_no_delete ON audit_entry")
    op.execute(
        "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry "
        "FOR EACH ROW EXECUTE FUNCTION refuse_early_removal()"
    )
    op.execute(
        "CREATE TRIGGER audit_retention_late BEFORE INSERT OR UPDATE ON audit_retention "
        "FOR EACH ROW EXECUTE FUNCTION refuse_short_retention()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_entry_no_delete ON audit_entry")
        op.execute(
            "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.drop_table("audit_retention")
        op.execute("DROP FUNCTION refuse_early_removal()")
        op.execute("DROP FUNCTION refuse_short_retention()")
    else:
        op.execute("DROP TRIGGER audit_entry_no_delete")
        op.execute(
            "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry "
            "BEGIN SELECT RAISE(ABORT, 'audit_entry is written once'); END"
        )
        op.drop_table("audit_retention")
    op.drop_table("privacy_request")
    op.drop_index("ix_audit_entry_action", "audit_entry")
    op.drop_column("person", "erased_at")
