"""Versions of policies carry changed due dates and a reason; they and frozen rolls are written once.

The triggers are those of migrations 0002 and 0017: whoever copies one of these tables makes them again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0028"
branch_labels = None
depends_on = None

KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "briefing_policy": (("briefing_id", "number"),),
    "frozen_roll": (("id",), ("public_id",)),
    "frozen_person": (("roll_id", "person_id"),),
}
"""The tables, and what is unique in each."""


def upgrade() -> None:
    op.add_column("briefing_policy", sa.Column("dues", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("briefing_policy", sa.Column("reason", sa.String(), nullable=False, server_default=sa.text("''")))
    guard = guard_on_postgresql if op.get_bind().dialect.name == "postgresql" else guard_on_sqlite
    for table, keys in KEYS.items():
        guard(table, keys)


def guard_on_postgresql(table: str, _keys: tuple[tuple[str, ...], ...]) -> None:
    for act in ("update", "delete"):
        when = f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table}"
        op.execute(f"{when} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()")


def guard_on_sqlite(table: str, keys: tuple[tuple[str, ...], ...]) -> None:
    refused = f"BEGIN SELECT RAISE(ABORT, '{table} is written once'); END"
    for act in ("update", "delete"):
        op.execute(f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} {refused}")
    there = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE {' AND '.join(f'{one} = NEW.{one}' for one in key)})"  # noqa: S608 - our own names # nosec B608
        for key in keys
    )
    op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {there} {refused}")


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in KEYS:
        for act in ("update", "delete", "truncate" if postgresql else "replace"):
            op.execute(f"DROP TRIGGER {table}_no_{act}" + (f" ON {table}" if postgresql else ""))
    op.drop_column("briefing_policy", "reason")
    op.drop_column("briefing_policy", "dues")
