"""On PostgreSQL a word is looked for in names by the letters it has, three at a time, instead of in every name.

The index needs `pg_trgm`, which comes with PostgreSQL (Debian: in the package `postgresql` itself) and which the owner
of a database may add. Where it is not there, or may not be added, the step says so and goes on: people are found all
the same, more slowly. docs/operations.md has the two commands that mend it later.
"""

import logging

import sqlalchemy as sa
from alembic import op
from psycopg import errors

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

NAME, TABLE = "ix_person_letters", "person"
NOT_THERE = (errors.UndefinedFile, errors.FeatureNotSupported)  # the files: of PostgreSQL 15, of 16 and later


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    try:
        with bind.begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, (errors.InsufficientPrivilege, *NOT_THERE)):
            raise
        logging.getLogger("alembic").warning("searching people stays slower: pg_trgm was not added (%s)", error.orig)
        return
    op.create_index(NAME, TABLE, ["search_key"], postgresql_using="gin", postgresql_ops={"search_key": "gin_trgm_ops"})


def downgrade() -> None:
    """The extension stays: others may use it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP INDEX IF EXISTS {NAME}")
