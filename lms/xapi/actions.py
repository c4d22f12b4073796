"""`record`: the only way in. Everything else that is known about learning follows from what passes here."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, cast

import msgspec
from sqlalchemy import Table, insert, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lms import clock
from lms.db import Base, adds_identities, config_of, recalled, remember
from lms.doors import tell
from lms.xapi import queries
from lms.xapi.access import DEFINE, Client
from lms.xapi.models import (
    XapiActivity,
    XapiAgent,
    XapiBody,
    XapiStatement,
    XapiStatementActivity,
    XapiStatementAgent,
    XapiVerb,
)
from lms.xapi.projection import Recorded, StatementsArriving, StatementsRecorded, StatementsVoided, seen
from lms.xapi.statement import (
    Arrival,
    accounts_of,
    agent_identifier,
    arrival,
    client_authority,
    in_fixed_order,
    own_authority,
    redefined,
    same,
)

decode = msgspec.json.Decoder().decode
VERSION = "1.0.0"  # what statements of every 1.0.x carry (Data 2.4.10)
VERSION_2 = "2.0.0"


class Conflict(Exception):
    """A different statement already carries this id. Nothing of the batch was stored."""

    def __init__(self, statement_id: uuid.UUID) -> None:
        super().__init__(f"statement {statement_id}: another statement carries this id")
        self.statement_id = statement_id


class MayNotVoid(Exception):
    """The statement to be voided was stated by another authority. Nothing of the batch was stored."""

    def __init__(self, statement_id: uuid.UUID) -> None:
        super().__init__(f"statement {statement_id}: only who stated it may void it")
        self.statement_id = statement_id


@dataclass(frozen=True, slots=True)
class Source:
    """Who brings statements: ourselves (client None), or a client.

    `counts`: what it states of activities at or below `prefix` counts. `defines`: its definitions of activities become
    the canonical ones.
    """

    client: int | None
    authority: Mapping[str, Any]
    counts: bool
    prefix: str = ""
    defines: bool = False

    def heeded(self, activity: str | None) -> bool:
        """Whether projections heed what this source says of the activity."""
        if not self.counts or activity is None:
            return False
        below = self.prefix if self.prefix.endswith(("/", "#")) or not self.prefix else f"{self.prefix}/"
        return activity == self.prefix or activity.startswith(below)


def ourselves(session: Session) -> Source:
    """This system speaking for itself: what its own pages saw."""
    return Source(client=None, authority=own_authority(config_of(session).iri_base), counts=True, defines=True)


def speaking(session: Session, client: Client) -> Source:
    """Another system: the authority is what we know it by, whatever it claims (4.2.4.2 / Data 2.4.9)."""
    return Source(
        client=client.id,
        authority=client_authority(config_of(session).iri_base, client.key, client.name),
        counts=client.prefix is not None,
        prefix=client.prefix or "",
        defines=client.may(DEFINE),
    )


def record(session: Session, documents: Sequence[Mapping[str, Any]], *, source: Source) -> list[uuid.UUID]:
    """Store valid statements and tell everyone who projects them; returns their ids in order.

    Statements already stored with the same content are passed over in silence; a different one under a known id raises
    `Conflict`. `stored`, `authority`, `version` and a missing `id` or `timestamp` are filled in.
    """
    return receive(session, [(one, None) for one in documents], source=source)


def receive(
    session: Session,
    received: Sequence[tuple[Mapping[str, Any], bytes | None]],
    *,
    source: Source,
    version: str = VERSION,
) -> list[uuid.UUID]:
    """`record` for statements that came as JSON objects, whose bytes are kept. Also raises `MayNotVoid`."""
    named = [uuid.UUID(document["id"]) for document, _ in received if "id" in document]
    known = queries.known_statements(session, named) if source.client is not None else {}
    if not session.in_transaction():
        session.execute(text("SELECT 1"))
    now = clock.true_now()  # after the transaction has begun: see consistent_through
    arrivals = [
        arrival(document, raw, stored=now + timedelta(microseconds=number), heeded=source.heeded)
        for number, (document, raw) in enumerate(received)
    ]
    fresh = unknown(session, arrivals, known)
    if fresh:
        store(session, fresh, source=source, version=version)
    return [one.statement_id for one in arrivals]


def unknown(
    session: Session, arrivals: Sequence[Arrival], known: Mapping[uuid.UUID, tuple[int, bytes]]
) -> list[Arrival]:
    """Those that are not stored yet. Raises `Conflict` for one whose id belongs to another statement."""
    for one in arrivals:
        if one.statement_id in known:
            sequence, digest = known[one.statement_id]
            if digest != one.digest and not same(one.document, decode(session.get_one(XapiBody, sequence).body)):
                raise Conflict(one.statement_id)
    return [one for one in arrivals if one.statement_id not in known]


def store(session: Session, arrivals: Sequence[Arrival], *, source: Source, version: str) -> None:
    """Insert a batch as sets of rows, then tell it."""
    voiding = [one for one in arrivals if one.voids]
    if voiding:
        wait_for_writers(session)
    if source.client is not None:
        tell(session, StatementsArriving(tuple(sorted(accounts_of(arrivals)))))
    keys = identities(session, arrivals, source)
    fresh = insert_statements(session, arrivals, keys, source)
    insert_bodies(session, fresh, source=source, version=version)
    insert_relations(session, fresh, keys)
    late = void_late(session, fresh, source)
    gone = void(session, [one for one in fresh if one.voids], source)
    told = [
        value for one in fresh if one.statement_id not in late and (value := heard(session, one, source)) is not None
    ]
    unsaid = {one.statement_id for one in gone}
    if said := tuple(one for one in told if one.statement_id not in unsaid):
        tell(session, StatementsRecorded(said))
    ours = {one.statement_id for one in told}
    if taken_back := tuple(one for one in gone if one.statement_id not in ours):
        tell(session, StatementsVoided(taken_back))


@dataclass(frozen=True, slots=True)
class Keys:
    """The rows of all agents, verbs and activities of a batch."""

    agents: Mapping[bytes, int]
    verbs: Mapping[str, int]
    activities: Mapping[str, int]


def identities(session: Session, arrivals: Sequence[Arrival], source: Source) -> Keys:
    """The keys of everything a batch names; what was never met is added.

    Rows that stand are not written again, but for a definition that changed; and all writers add in one order: that is
    why batches about the same few activities never wait for each other in a circle.
    """
    agents = {digest: agent for one in arrivals for digest, agent in one.named.agents.items()}
    verbs = {one.document["verb"]["id"] for one in arrivals}
    activities = {iri: given for one in arrivals for iri, given in one.named.activities.items()}
    found = queries.agent_ids(session, agents)
    if missing := sorted(agents.keys() - found.keys()):
        rows = [{"digest": digest, "identifier": agent_identifier(agents[digest])} for digest in missing]
        add_once(session, XapiAgent, rows)
        found |= queries.agent_ids(session, missing)
    found_verbs = queries.verb_ids(session, verbs)
    if unknown_verbs := sorted(verbs - found_verbs.keys()):
        add_once(session, XapiVerb, [{"iri": iri} for iri in unknown_verbs])
        found_verbs |= queries.verb_ids(session, unknown_verbs)
    found_activities = queries.activity_ids(session, activities)
    if strange := sorted(activities.keys() - found_activities.keys()):
        add_once(session, XapiActivity, [{"iri": iri, "definition": None} for iri in strange])
        found_activities |= queries.activity_ids(session, strange)
    if source.defines:
        define(session, {iri: given for iri, given in activities.items() if given})
    return Keys(found, found_verbs, found_activities)


def add_once(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows unless another writer was first."""
    adds_identities(session)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(model.__table__).on_conflict_do_nothing(), list(rows))


def define(session: Session, given: Mapping[str, Mapping[str, Any]]) -> None:
    """Make these the canonical definitions of their activities (4.2.2.3 / Data 2.4.4.1).

    Names in languages that are not given stay. A definition that changes nothing is not written.
    """
    digests = {iri: hashlib.sha256(in_fixed_order(one)).digest() for iri, one in given.items()}
    doubtful = sorted(iri for iri in given if recalled(session, "xapi.definition", iri) != digests[iri])
    if not doubtful:
        return
    known = queries.definitions(session, doubtful)
    for iri in doubtful:
        before = known.get(iri, {})
        after = redefined(before, given[iri])
        if after != before:
            adds_identities(session)
            session.execute(update(XapiActivity).where(XapiActivity.iri == iri).values(definition=after))
        remember(session, "xapi.definition", iri, digests[iri])


def insert_statements(session: Session, arrivals: Sequence[Arrival], keys: Keys, source: Source) -> list[Arrival]:
    """Insert the narrow rows and number their arrivals; returns those no other writer stored at this moment."""
    rows = [
        {
            "statement_id": one.statement_id,
            "actor_id": keys.agents[one.named.actor],
            "verb_id": keys.verbs[one.document["verb"]["id"]],
            "activity_id": keys.activities[one.named.about] if one.named.about is not None else None,
            "registration": one.registration,
            "target": one.named.target,
            "timestamp": one.timestamp,
            "stored": one.stored,
            "client_id": source.client,
            "counts": one.counts,
            "voided": False,
            "digest": one.digest,
        }
        for one in arrivals
    ]
    numbered = session.execute(insertion(session.get_bind().dialect.name), rows)
    sequences = dict(numbered.all())
    fresh = [one for one in arrivals if one.statement_id in sequences]
    for one in fresh:
        one.sequence = sequences[one.statement_id]
    if len(fresh) < len(arrivals):
        others = [one for one in arrivals if one.statement_id not in sequences]
        unknown(session, others, queries.known_statements(session, [one.statement_id for one in others]))
    return fresh


@cache
def insertion(dialect: str) -> Any:
    """Inserts narrow rows and numbers them. Made once: making such a statement costs more than sending it."""
    table = XapiStatement.__table__
    return (
        (postgresql if dialect == "postgresql" else sqlite)
        .insert(table)
        .on_conflict_do_nothing(index_elements=["statement_id"])
        .returning(table.c.statement_id, table.c.sequence)
    )


INSERT_BODIES, INSERT_AGENTS, INSERT_ACTIVITIES = (
    insert(cast(Table, model.__table__)) for model in (XapiBody, XapiStatementAgent, XapiStatementActivity)
)


def insert_bodies(session: Session, arrivals: Sequence[Arrival], *, source: Source, version: str) -> None:
    """Keep the statements themselves, with what the store adds to them."""
    bodies = [{"sequence": one.sequence, "body": one.json(source.authority, version)} for one in arrivals]
    if bodies:
        session.execute(INSERT_BODIES, bodies)


def insert_relations(session: Session, arrivals: Sequence[Arrival], keys: Keys) -> None:
    """The rows for agents beside the actor and activities beside the object."""
    agents = [
        {"agent_id": keys.agents[digest], "direct": direct, "sequence": one.sequence}
        for one in arrivals
        for direct, digests in ((True, one.named.direct), (False, one.named.related))
        for digest in digests
    ]
    activities = [
        {"activity_id": keys.activities[iri], "sequence": one.sequence} for one in arrivals for iri in one.named.within
    ]
    if agents:
        session.execute(INSERT_AGENTS, agents)
    if activities:
        session.execute(INSERT_ACTIVITIES, activities)


def heard(session: Session, one: Arrival, source: Source) -> Recorded | None:
    """What projectors hear of an arrival, when it counts."""
    if not one.counts:
        return None
    return seen(
        one.document,
        sequence=one.sequence,
        statement_id=one.statement_id,
        timestamp=one.timestamp,
        stored=one.stored,
        client=source.client,
        home=config_of(session).iri_base,
    )


def wait_for_writers(session: Session) -> None:
    """Let one transaction void while no other stores: a statement and what voids it never miss each other."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE xapi_statement IN SHARE ROW EXCLUSIVE MODE"))


def void(session: Session, voiding: Sequence[Arrival], source: Source) -> list[Recorded]:
    """Mark what these statements void; returns what projectors had heard of it.

    Only who stated something may void it. What is not known yet is voided when it comes; what voids stays.
    """
    targets = {one.named.target for one in voiding if one.named.target is not None}
    rows = queries.voidable(session, sorted(targets)) if targets else []
    for row in rows:
        if row.client_id != source.client:
            raise MayNotVoid(row.statement_id)
    if rows:
        sequences = [row.sequence for row in rows]
        session.execute(update(XapiStatement).where(XapiStatement.sequence.in_(sequences)).values(voided=True))
    home = config_of(session).iri_base
    found = (
        seen(
            decode(row.body),
            sequence=row.sequence,
            statement_id=row.statement_id,
            timestamp=row.timestamp,
            stored=row.stored,
            client=row.client_id,
            home=home,
        )
        for row in rows
        if row.counts
    )
    return [one for one in found if one is not None]


def void_late(session: Session, fresh: Sequence[Arrival], source: Source) -> set[uuid.UUID]:
    """Mark those of these statements that the same client voided before they came."""
    if source.client is None:
        return set()
    ids = [one.statement_id for one in fresh if "id" in one.document and not one.voids]
    late = queries.voided_already(session, ids, client=source.client)
    if late:
        session.execute(update(XapiStatement).where(XapiStatement.statement_id.in_(late)).values(voided=True))
    return late
