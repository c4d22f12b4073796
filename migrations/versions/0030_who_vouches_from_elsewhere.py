"""Statements that were restored under an authority unknown here are found by it (decision 0015).

Those that are stored already are looked for among what such imports brought: the audit log says in whose name they
were made. Their authority also joins the agents that `related_agents` looks through.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAMES = ("mbox", "mbox_sha1sum", "openid", "account")
AT_ONCE = 1_000
audit = sa.table("audit_entry", sa.column("action"), sa.column("object_id"), sa.column("details", sa.JSON()))
clients = sa.table("xapi_client", sa.column("id"), sa.column("key"))
agents = sa.table("xapi_agent", sa.column("id"), sa.column("digest"), sa.column("identifier", sa.JSON()))
statements = sa.table("xapi_statement", sa.column("sequence"), sa.column("actor_id"), sa.column("client_id"))
bodies = sa.table("xapi_body", sa.column("sequence"), sa.column("body"))
named = sa.table("xapi_statement_agent", *(sa.column(name) for name in ("agent_id", "direct", "sequence")))
authorities = sa.table("xapi_statement_authority", sa.column("sequence"), sa.column("agent_id"))


def upgrade() -> None:
    op.create_table(
        "xapi_statement_authority",
        sa.Column("sequence", Number, nullable=False),
        sa.Column("agent_id", Number, nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["xapi_statement.sequence"], name="fk_xapi_statement_authority_sequence"),
        sa.ForeignKeyConstraint(["agent_id"], ["xapi_agent.id"], name="fk_xapi_statement_authority_agent_id"),
        sa.PrimaryKeyConstraint("sequence", name="pk_xapi_statement_authority"),
    )
    op.create_index("ix_xapi_statement_authority_agent", "xapi_statement_authority", ["agent_id", "sequence"])
    own = op.get_bind()
    for client, key in importers(own):
        for sequence, actor, authority in restored(own, client, key):
            note(own, sequence, actor, authority)


def downgrade() -> None:
    op.drop_table("xapi_statement_authority")


def importers(own: sa.Connection) -> list[tuple[int, str]]:
    """The clients in whose name something was restored, with their keys."""
    rows = own.execute(sa.select(audit.c.object_id, audit.c.details).where(audit.c.action == "xapi.import")).all()
    ids = sorted({int(client) for client, details in rows if details.get("keep_authority")})
    return [(row.id, row.key) for row in own.execute(sa.select(clients).where(clients.c.id.in_(ids)))] if ids else []


def restored(own: sa.Connection, client: int, key: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Sequence, actor and authority of what that client brought and does not vouch for itself."""
    brought = (
        sa.select(statements.c.sequence, statements.c.actor_id, bodies.c.body)
        .join_from(statements, bodies, bodies.c.sequence == statements.c.sequence)
        .where(statements.c.client_id == client)
        .order_by(statements.c.sequence)
        .limit(AT_ONCE)
    )
    after = 0
    while rows := own.execute(brought.where(statements.c.sequence > after)).all():
        for sequence, actor, body in rows:
            authority = json.loads(bytes(body))["authority"]
            if authority.get("account", {}).get("name") != key:
                yield sequence, actor, authority
        after = rows[-1].sequence


def note(own: sa.Connection, sequence: int, actor: int, authority: dict[str, Any]) -> None:
    """Let the statement be found by its authority, and by the members of that."""
    found = [agent_id(own, one) for one in (authority, *authority.get("member", ()))]
    own.execute(sa.insert(authorities).values(sequence=sequence, agent_id=found[0]))
    there = set(
        own.scalars(sa.select(named.c.agent_id).where(named.c.agent_id.in_(found), named.c.sequence == sequence))
    )
    for agent in sorted({*found} - there - {actor}):
        own.execute(sa.insert(named).values(agent_id=agent, direct=False, sequence=sequence))


def agent_id(own: sa.Connection, agent: dict[str, Any]) -> int:
    """The row of an agent; added where the store never met it."""
    known = identifier_of(agent)
    digest = hashlib.sha256(written(known).encode()).digest()
    find = sa.select(agents.c.id).where(agents.c.digest == digest)
    if (found := own.scalar(find)) is None:
        own.execute(sa.insert(agents).values(digest=digest, identifier=known))
        found = own.scalar(find)
    return int(found or 0)


def identifier_of(agent: dict[str, Any]) -> dict[str, Any]:
    """What an agent is known by, as the store has it."""
    for name in NAMES:
        if name in agent:
            return {name: agent[name].lower() if name == "mbox_sha1sum" else agent[name]}
    return {"member": [identifier_of(one) for one in agent.get("member", [])]}


def written(value: Any) -> str:
    """JSON in which keys stand in one order."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
