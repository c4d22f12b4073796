"""Every column that holds one word of a closed vocabulary takes no other.

On SQLite the definition is written where SQLite keeps it, as its manual describes for changes of conditions: rows,
indexes, triggers and what refers to the table stay as they are. A copy by `batch_alter_table` would lose triggers, and
takes the place of no table that others refer to: foreign keys are guarded.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

UNIT_KIND = (
    "kind IN ('province', 'provincial_party_committee', 'party_committee_direct', 'party_body', 'party_agency', "
    "'peoples_council', 'peoples_committee', 'steering_committee', 'department', 'district', 'commune', 'office', "
    "'partner')"
)
CHECKS = (
    ("unit", "kind", UNIT_KIND),
    ("unit_name", "kind", UNIT_KIND),
    ("person", "language", "language IN ('vi', 'en')"),
    ("user_session", "proof", "proof IN ('', 'password', 'provider', 'second factor')"),
    ("sign_in_step", "proof", "proof IN ('password', 'provider', 'second factor')"),
    ("roster_line", "outcome", "outcome IN ('new', 'changed', 'moved', 'unchanged', 'bad', 'asked', 'aside')"),
    ("forward_target", "state", "state IN ('active', 'paused', 'halted', 'removed')"),
    ("forward_target", "edition", "edition IN ('1.0.3', '2.0')"),
    ("webhook_message", "kind", "kind IN ('reminder', 'digest', 'above', 'test')"),
    ("question_version", "level", "level IN ('remember', 'understand', 'apply', 'analyse')"),
    ("certificate", "reason", "reason IN ('', 'standing', 'replaced', 'mistake', 'misuse', 'other')"),
    (
        "assignment_choice",
        "category",
        "kind <> 'category' OR value IN ('can_bo', 'cong_chuc', 'vien_chuc', 'nguoi_lao_dong', 'khac')",
    ),
    ("assignment_choice", "party", "kind <> 'party' OR value IN ('chinh_thuc', 'du_bi', 'quan_chung')"),
)


def upgrade() -> None:
    for table, name, condition in CHECKS:
        named = op.f(f"ck_{table}_{name}")
        if op.get_bind().dialect.name == "sqlite":
            refuse_others(table, condition)
            define(table, "", f", CONSTRAINT {named} CHECK ({condition})")
        else:
            op.create_check_constraint(named, table, condition)


def downgrade() -> None:
    for table, name, condition in reversed(CHECKS):
        named = op.f(f"ck_{table}_{name}")
        if op.get_bind().dialect.name == "sqlite":
            define(table, f", CONSTRAINT {named} CHECK ({condition})", "")
        else:
            op.drop_constraint(named, table, type_="check")


def refuse_others(table: str, condition: str) -> None:
    """Stop where a row holds another word, as PostgreSQL does: a condition is not asked of rows that are there."""
    others = op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {table} WHERE NOT ({condition})"))  # noqa: S608 - our own words # nosec B608
    if others:
        raise ValueError(f"{others} rows of {table} are not as they must be: {condition}")


def define(table: str, former: str, wanted: str) -> None:
    """Another definition of the same table, as written by SQLite itself, which reads it anew."""
    bind, of = op.get_bind(), {"table": table}
    made = str(bind.scalar(sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), of))
    end = made.rindex(")")
    new = made[:end] + wanted + made[end:] if wanted else made.replace(former, "")
    version = int(bind.scalar(sa.text("PRAGMA schema_version")) or 0)
    op.execute("PRAGMA writable_schema = ON")
    change = sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table")
    bind.execute(change, {**of, "sql": new})
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = RESET")
