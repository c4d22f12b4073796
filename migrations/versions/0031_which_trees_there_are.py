"""Every tree that a row names is one of the two, and a role holds in the Party tree only where one can."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TREE = "tree IN ('state', 'party')"
CHECKS = (
    ("unit_closure", "tree", TREE),
    ("unit_headcount", "tree", TREE),
    ("role_grant", "tree", TREE),
    ("role_grant", "role_in_tree", "tree = 'state' OR role IN ('deputy', 'head', 'unit_administrator')"),
)


def upgrade() -> None:
    for table, name, condition in CHECKS:
        named = op.f(f"ck_{table}_{name}")
        if op.get_bind().dialect.name == "sqlite":
            rewrite(table, "", f", CONSTRAINT {named} CHECK ({condition})")
        else:
            op.create_check_constraint(named, table, condition)


def downgrade() -> None:
    op.execute("DELETE FROM role_grant WHERE tree = 'party' AND role = 'unit_administrator'")
    for table, name, condition in reversed(CHECKS):
        named = op.f(f"ck_{table}_{name}")
        if op.get_bind().dialect.name == "sqlite":
            rewrite(table, f", CONSTRAINT {named} CHECK ({condition})", "")
        else:
            op.drop_constraint(named, table, type_="check")


def rewrite(table: str, former: str, wanted: str) -> None:
    """The same rows and indexes under another definition: SQLite cannot change a condition in place."""
    bind, of = op.get_bind(), {"table": table}
    kept = "SELECT name, sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL AND type = "
    [(_name, made)] = bind.execute(sa.text(f"{kept}'table'"), of).all()
    indexes = bind.execute(sa.text(f"{kept}'index'"), of).all()
    for index, _sql in indexes:
        op.execute(f"DROP INDEX {index}")
    op.rename_table(table, f"{table}_before")
    end = made.rindex(")")
    op.execute(made[:end] + wanted + made[end:] if wanted else made.replace(former, ""))
    op.execute(f"INSERT INTO {table} SELECT * FROM {table}_before")  # noqa: S608 - the names stand above # nosec B608
    op.drop_table(f"{table}_before")
    for _name, sql in indexes:
        op.execute(sql)
