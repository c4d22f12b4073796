"""When the best score of a test rose, and reflections that were accepted by mistake.

The first is read from the statements of those whose best score is not their first. The day is settled anew after it, so
that whoever was judged by the mark of a policy has the date of reaching it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
VERBS = ("http://adlnet.gov/expapi/verbs/passed", "http://adlnet.gov/expapi/verbs/failed")

progress = sa.table(
    "activity_progress",
    *(sa.column(name, sa.Integer) for name in ("person_id", "activity_id")),
    *(sa.column(name, sa.Double) for name in ("first_score", "best_score")),
    sa.column("rises", sa.JSON(none_as_null=True)),
)
person = sa.table("person", sa.column("id", sa.Integer), sa.column("public_id", sa.Uuid))
activity = sa.table("activity", sa.column("id", sa.Integer), sa.column("iri", sa.String))
agent = sa.table("xapi_agent", sa.column("id", sa.BigInteger), sa.column("digest", sa.LargeBinary))
verb = sa.table("xapi_verb", sa.column("id", sa.Integer), sa.column("iri", sa.String))
target = sa.table("xapi_activity", sa.column("id", sa.BigInteger), sa.column("iri", sa.String))
body = sa.table("xapi_body", sa.column("sequence", sa.BigInteger), sa.column("body", sa.LargeBinary))
statement = sa.table(
    "xapi_statement",
    *(sa.column(name, sa.BigInteger) for name in ("sequence", "actor_id", "verb_id", "activity_id", "client_id")),
    *(sa.column(name, Moment) for name in ("timestamp", "stored")),
    *(sa.column(name, sa.Boolean) for name in ("counts", "voided")),
)


def upgrade() -> None:
    op.create_table(
        "reflection_taken_back",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("reflection_id", "number")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("comment", "reason")),
        sa.Column("read_at", Moment, nullable=True),
        sa.Column("read_by", sa.Uuid(), nullable=True),
        sa.Column("taken_back_at", Moment, nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("taken_back_by", "statement_id")),
        sa.ForeignKeyConstraint(["reflection_id"], ["reflection.id"], name="fk_reflection_taken_back_reflection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reflection_taken_back"),
    )
    op.create_index("ix_reflection_taken_back_reflection_id", "reflection_taken_back", ["reflection_id"])
    op.add_column("activity_progress", sa.Column("rises", sa.JSON(), nullable=True))
    bind = op.get_bind()
    of = [progress.c.person_id, progress.c.activity_id, person.c.public_id, activity.c.iri]
    risen = (
        sa.select(*of)
        .join_from(progress, person, person.c.id == progress.c.person_id)
        .join(activity, activity.c.id == progress.c.activity_id)
        .where(progress.c.best_score > progress.c.first_score)
    )
    write = progress.update().where(
        progress.c.person_id == sa.bindparam("person"), progress.c.activity_id == sa.bindparam("activity")
    )
    rows = bind.execute(risen).all()
    for start in range(0, len(rows), 500):
        found = list(rises(bind, rows[start : start + 500]))
        bind.execute(write.values(rises=sa.bindparam("risen")), found)
    settle_again()


def rises(bind: sa.Connection, rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """For each row of progress the attempts of which each was better than all before it, without the first."""
    who = {digest_of(row.iri.split("/xapi/")[0], str(row.public_id)): row.person_id for row in rows}
    which = {row.iri: row.activity_id for row in rows}
    told: dict[tuple[int, int], list[tuple[float, datetime]]] = {(row.person_id, row.activity_id): [] for row in rows}
    of = [agent.c.digest, target.c.iri, statement.c.timestamp, statement.c.stored, statement.c.client_id, body.c.body]
    said = (
        sa.select(*of)
        .join_from(statement, agent, agent.c.id == statement.c.actor_id)
        .join(target, target.c.id == statement.c.activity_id)
        .join(verb, verb.c.id == statement.c.verb_id)
        .join(body, body.c.sequence == statement.c.sequence)
        .where(agent.c.digest.in_(list(who)), target.c.iri.in_(list(which)), verb.c.iri.in_(VERBS))
        .where(statement.c.counts, ~statement.c.voided)
        .order_by(statement.c.sequence)
    )
    for one in bind.execute(said):
        scaled = json.loads(bytes(one.body)).get("result", {}).get("score", {}).get("scaled")
        known = told.get((who[bytes(one.digest)], which[one.iri]))
        if known is not None and scaled is not None and (not known or scaled > known[-1][0]):
            at = one.timestamp if one.client_id is None else min(one.timestamp, one.stored)
            known.append((scaled, at if at.tzinfo else at.replace(tzinfo=UTC)))
    for (person_id, activity_id), known in told.items():
        later = [[score, at.astimezone(UTC).isoformat()] for score, at in known[1:]]
        yield {"person": person_id, "activity": activity_id, "risen": later or None}


def digest_of(home: str, name: str) -> bytes:
    """The key under which the store knows the account."""
    identifier = {"account": {"homePage": home, "name": name}}
    return hashlib.sha256(
        json.dumps(identifier, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    ).digest()


def settle_again() -> None:
    """The day before is the one that is settled."""
    before = "day - 1" if op.get_bind().dialect.name == "postgresql" else "date(day, '-1 day')"
    op.execute(f"UPDATE settled_day SET day = {before}")  # noqa: S608 # nosec B608 - no word of it comes from outside


def downgrade() -> None:
    op.drop_table("reflection_taken_back")
    op.drop_column("activity_progress", "rises")
    settle_again()
