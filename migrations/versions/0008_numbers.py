"""Statements are numbered and timed in one place, and refer to rows that never go without being checked each time.

Statements about statements get an index of their own, in order: filters look through them.

On PostgreSQL a foreign key takes a lock on the row it points at. All who state something of one activity at once would
share that lock, and the server would keep a list of them: 160 meeting points are exactly that. Agents, verbs,
activities and clients never go (there is no code that removes one, and a trigger now refuses it), so nothing is lost.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REFERENCES = "ix_xapi_statement_reference"
KEYS = {
    "xapi_statement": {
        "activity_id": "xapi_activity.id",
        "actor_id": "xapi_agent.id",
        "client_id": "xapi_client.id",
        "verb_id": "xapi_verb.id",
    },
    "xapi_statement_agent": {"agent_id": "xapi_agent.id", "sequence": "xapi_statement.sequence"},
    "xapi_statement_activity": {"activity_id": "xapi_activity.id", "sequence": "xapi_statement.sequence"},
    "xapi_body": {"sequence": "xapi_statement.sequence"},
}
KEPT = ("xapi_agent", "xapi_verb", "xapi_activity", "xapi_client")

# Both sequences are moved under one short lock, let go at once: not at the end of the transaction. So numbers and times
# rise strictly over all hosts, by the clock of the database, also when that clock goes back.
NUMBER = """
CREATE FUNCTION xapi_number(wanted bigint, OUT sequence bigint, OUT stored timestamptz) LANGUAGE plpgsql AS $$
DECLARE
  moment bigint;
BEGIN
  PERFORM pg_advisory_lock(50, 0);
  SELECT greatest(last_value + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    INTO moment FROM xapi_moment;
  PERFORM setval('xapi_moment', moment + wanted - 1);
  sequence := nextval('xapi_statement_sequence_seq');
  IF wanted > 1 THEN
    PERFORM setval('xapi_statement_sequence_seq', sequence + wanted - 1);
  END IF;
  PERFORM pg_advisory_unlock(50, 0);
  stored := timestamptz 'epoch' + moment * interval '1 microsecond';
EXCEPTION WHEN query_canceled OR OTHERS THEN
  PERFORM pg_advisory_unlock(50, 0);  -- it would outlive the transaction
  RAISE;
END $$
"""


def upgrade() -> None:
    given = sa.text("target IS NOT NULL")
    op.create_index(REFERENCES, "xapi_statement", ["sequence"], sqlite_where=given, postgresql_where=given)
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in KEYS.items():
        for column in columns:
            op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute("CREATE SEQUENCE xapi_moment MINVALUE 0 START 0")
    op.execute(NUMBER)


def downgrade() -> None:
    op.drop_index(REFERENCES, "xapi_statement")
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP FUNCTION xapi_number")
    op.execute("DROP SEQUENCE xapi_moment")
    for table in KEPT:
        op.execute(f"DROP TRIGGER {table}_no_delete ON {table}")
    for table, columns in KEYS.items():
        for column, target in columns.items():
            other, _, name = target.partition(".")
            op.create_foreign_key(f"fk_{table}_{column}", table, other, [column], [name])
