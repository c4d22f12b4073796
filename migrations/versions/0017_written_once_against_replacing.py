"""On SQLite what is written once is not replaced either: INSERT OR REPLACE removes rows past the triggers of DELETE.

A trigger before each insertion looks whether a row would have to give way. Where the product itself adds rows unless
they are there (`ON CONFLICT DO NOTHING`, without a number of its own), such a row is passed over, as it was. And the
moment from which on the audit log is kept must be a text, as moments are written there: a number is compared otherwise.
"""

from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "audit_entry": (("id",),),
    "module_version": (("id",), ("module_id", "number")),
    "lesson": (("id",), ("module_version_id", "activity_id")),
    "course_version": (("id",), ("course_id", "number")),
    "question_version": (("id",), ("question_id", "number")),
    "xapi_statement": (("sequence",), ("statement_id",)),
    "xapi_body": (("sequence",),),
    "xapi_attachment": (("id",), ("digest",)),
    "xapi_statement_attachment": (("sequence", "attachment_id"),),
}
"""Every table of migrations 0002 and 0004, and what is unique in it: a row that has one of these would give way."""

UNLESS_THERE = ("xapi_statement", "xapi_attachment")

MANY = ("xapi_statement", "xapi_body")
"""Where rows come by the thousand: what may ABORT keeps a journal for each of them, which costs three times as much."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        return
    for table, keys in KEYS.items():
        there = " OR ".join(
            f"EXISTS (SELECT 1 FROM {table} WHERE {' AND '.join(f'{one} = NEW.{one}' for one in key)})"  # noqa: S608 - our own names # nosec B608
            for key in keys
        )
        refused = f"RAISE({'FAIL' if table in MANY else 'ABORT'}, '{table} is written once')"
        if table in UNLESS_THERE:  # a number that is not given is -1 here
            refused = f"CASE WHEN NEW.{keys[0][0]} < 0 THEN RAISE(IGNORE) ELSE {refused} END"
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {there} BEGIN SELECT {refused}; END"
        )
    for act in ("insert", "update"):
        op.execute(
            f"CREATE TRIGGER audit_retention_{act}_text BEFORE {act.upper()} ON audit_retention "  # nosec B608
            "WHEN typeof(NEW.kept_from) <> 'text' BEGIN SELECT RAISE(ABORT, 'kept_from is no moment'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        return
    for act in ("insert", "update"):
        op.execute(f"DROP TRIGGER audit_retention_{act}_text")
    for table in KEYS:
        op.execute(f"DROP TRIGGER {table}_no_replace")
