"""What is published or recorded is written once: the database itself refuses to change or remove it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WRITTEN_ONCE = ("audit_entry", "xapi_body", "module_version", "lesson", "course_version", "question_version")
"""Tables whose rows never change and never go."""

STATEMENT_COLUMNS = (
    "sequence",
    "statement_id",
    "actor_id",
    "verb_id",
    "activity_id",
    "registration",
    "target",
    "timestamp",
    "stored",
    "client_id",
    "counts",
    "digest",
)
"""Of a statement's row only `voided` may change."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        upgrade_postgresql()
        return
    for table in WRITTEN_ONCE:
        sqlite_trigger(table, "update", f"BEFORE UPDATE ON {table}")
    for table in (*WRITTEN_ONCE, "xapi_statement"):
        sqlite_trigger(table, "delete", f"BEFORE DELETE ON {table}")
    sqlite_trigger("xapi_statement", "update", f"BEFORE UPDATE OF {', '.join(STATEMENT_COLUMNS)} ON xapi_statement")


def sqlite_trigger(table: str, act: str, when: str) -> None:
    op.execute(f"CREATE TRIGGER {table}_no_{act} {when} BEGIN SELECT RAISE(ABORT, '{table} is written once'); END")


def upgrade_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is written once', TG_TABLE_NAME; END $$"
    )
    for table in WRITTEN_ONCE:
        postgresql_trigger(table, "update", "BEFORE UPDATE")
    for table in (*WRITTEN_ONCE, "xapi_statement"):
        postgresql_trigger(table, "delete", "BEFORE DELETE")
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()")
    postgresql_trigger("xapi_statement", "update", f"BEFORE UPDATE OF {', '.join(STATEMENT_COLUMNS)}")


def postgresql_trigger(table: str, act: str, when: str) -> None:
    op.execute(f"CREATE TRIGGER {table}_no_{act} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in (*WRITTEN_ONCE, "xapi_statement"):
        for act in ("update", "delete", *(("truncate",) if postgresql else ())):
            op.execute(f"DROP TRIGGER {table}_no_{act}" + (f" ON {table}" if postgresql else ""))
    if postgresql:
        op.execute("DROP FUNCTION refuse_change()")
