"""`record`: the only way in. Everything else that is known about learning follows from what passes here."""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import date
from typing import Any, cast

import msgspec
from sqlalchemy import Table, insert, or_, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms.db import Database, adds_identities, config_of, recalled, remember
from lms.doors import tell
from lms.xapi import queries
from lms.xapi.access import DEFINE, Client
from lms.xapi.driver import Keys, kept_ids, on_postgresql
from lms.xapi.matching import in_fixed_order, same
from lms.xapi.models import (
    XapiActivity,
    XapiAttachment,
    XapiBody,
    XapiClient,
    XapiStatement,
    XapiStatementAttachment,
    XapiStatementAuthority,
)
from lms.xapi.parts import Data
from lms.xapi.projection import (
    Recorded,
    Said,
    StatementsArriving,
    StatementsRecorded,
    StatementsVoided,
    said_in,
    seen,
)
from lms.xapi.statement import (
    VERSION,
    Arrival,
    Source,
    accounts_of,
    agent_digest,
    agent_identifier,
    arrival,
    attachments_of,
    client_authority,
    definitions_given,
    own_authority,
    redefined,
)
from lms.xapi.storage import insert_alone, insert_arrivals

decode = msgspec.json.Decoder().decode


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


def ourselves(session: Session) -> Source:
    """This system speaking for itself: what its own pages saw."""
    return Source(client=None, authority=own_authority(config_of(session).iri_base), counts=True, defines=True)


def speaking(home: str, client: Client, *, version: str = VERSION) -> Source:
    """Another system, heard by the product whose IRIs begin with `home`.

    The authority is what we know it by, whatever it claims (4.2.4.2 / Data 2.4.9).
    """
    return Source(
        client=client.id,
        authority=client_authority(home, client.key, client.name),
        counts=client.prefix is not None,
        prefix=client.prefix or "",
        defines=client.may(DEFINE),
        home=home,
        version=version,
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
    data: Data | None = None,
) -> list[uuid.UUID]:
    """`record` for statements that came as JSON objects, whose bytes are kept, with the data of their attachments.

    Also raises `MayNotVoid`.
    """
    arrivals = [arrival(document, raw, source) for document, raw in received]
    if arrivals:
        store(session, arrivals, data=data)
    return [one.statement_id for one in arrivals]


def store(session: Session, arrivals: Sequence[Arrival], *, data: Data | None = None) -> None:
    """Insert a batch as sets of rows, then tell it. What was stored before is passed over.

    The ids in the batch are distinct. Raises `Conflict` and `MayNotVoid`; then nothing of the batch may be committed.
    """
    session.connection()  # the transaction begins before a time is taken: see consistent_through
    if any(one.voids for one in arrivals):
        wait_for_writers(session)
    if counting := [one for one in arrivals if one.counts and one.source.client is not None]:
        tell(session, StatementsArriving(tuple(sorted(accounts_of(counting)))))
    keys = identities(session, arrivals)
    late = insert_arrivals(session, arrivals, keys)
    fresh = [one for one in arrivals if one.sequence]
    keep_authorities(session, fresh, keys)
    if data:
        keep_attachments(session, fresh, data)
    if len(fresh) < len(arrivals):
        compare_with_stored(session, [one for one in arrivals if not one.sequence])
    gone = void(session, [one for one in fresh if one.voids])
    told = [value for one in fresh if one.statement_id not in late and (value := heard(session, one)) is not None]
    unsaid = {one.statement_id for one in gone}
    if said := tuple(one for one in told if one.statement_id not in unsaid):
        tell(session, StatementsRecorded(said))
    ours = {one.statement_id for one in told}
    if taken_back := tuple(one for one in gone if one.statement_id not in ours):
        tell(session, StatementsVoided(taken_back))


def store_alone(database: Database, arrivals: Sequence[Arrival]) -> bool:
    """`store` by a shorter way, in a transaction of its own, for statements that nobody is told of.

    False when they define an activity anew, or when one of them is stored already: then nothing was done. When it
    raises, nothing of the batch was stored.
    """
    if redefines(database.memory, arrivals):
        return False
    try:
        insert_alone(database, arrivals)
    except IntegrityError:
        return False
    return True


def redefines(memory: Mapping[tuple[str, Any], Any], arrivals: Sequence[Arrival]) -> bool:
    """Whether an activity is defined here in other words than those this process has seen become canonical."""
    given = definitions_given(arrivals)
    return any(memory.get(("xapi.definition", iri)) != definition_digest(one) for iri, one in given.items())


def definition_digest(definition: Mapping[str, Any]) -> bytes:
    """By which a definition is known that has been laid over the canonical one."""
    return hashlib.sha256(in_fixed_order(definition)).digest()


def compare_with_stored(session: Session, repeated: Sequence[Arrival]) -> None:
    """Raise `Conflict` for the first whose id belongs to another statement (4.1.6.1 / Comm 2.1.1)."""
    known = queries.known_statements(session, [one.statement_id for one in repeated])
    for one in repeated:
        sequence, digest = known[one.statement_id]
        if digest != one.digest and not same(one.document, decode(session.get_one(XapiBody, sequence).body)):
            raise Conflict(one.statement_id)


def identities(session: Session, arrivals: Sequence[Arrival]) -> Keys:
    """The keys of everything a batch names; what was never met is added.

    Rows that stand are not written again, but for a definition that changed; and all writers add in one order: that is
    why batches about the same few activities never wait for each other in a circle.
    """
    agents = {digest: agent for one in arrivals for digest, agent in one.named.agents.items()}
    verbs = {one.document["verb"]["id"] for one in arrivals}
    activities = {iri for one in arrivals for iri in one.named.activities}
    keys = Keys(agent_keys(session, agents), verb_keys(session, verbs), activity_keys(session, activities))
    define(session, definitions_given(arrivals))
    return keys


def agent_keys(session: Session, agents: Mapping[bytes, Mapping[str, Any]]) -> dict[bytes, int]:
    """The rows of agents, by digest; added where the store never met them."""
    return kept_ids(session, "xapi_agent", "digest", agents.keys(), lambda digest: agent_identifier(agents[digest]))


def verb_keys(session: Session, verbs: Set[str]) -> dict[str, int]:
    """The rows of verbs, by IRI; added where the store never met them."""
    return kept_ids(session, "xapi_verb", "iri", verbs)


def activity_keys(session: Session, iris: Collection[str]) -> dict[str, int]:
    """The rows of activities, by IRI; added where the store never met them."""
    return kept_ids(session, "xapi_activity", "iri", set(iris))


def define(session: Session, given: Mapping[str, Mapping[str, Any]]) -> None:
    """Make these the canonical definitions of their activities (4.2.2.3 / Data 2.4.4.1).

    Names in languages that are not given stay. A definition that changes nothing is not written.
    """
    digests = {iri: definition_digest(one) for iri, one in given.items()}
    doubtful = sorted(iri for iri in given if recalled(session, "xapi.definition", iri) != digests[iri])
    if not doubtful:
        return
    known = queries.definitions_to_change(session, doubtful)
    for iri in doubtful:
        before = known.get(iri, {})
        after = redefined(before, given[iri])
        if after != before:
            adds_identities(session)
            session.execute(update(XapiActivity).where(XapiActivity.iri == iri).values(definition=after))
        remember(session, "xapi.definition", iri, digests[iri])


def keep_authorities(session: Session, arrivals: Sequence[Arrival], keys: Keys) -> None:
    """Note who vouches for these statements where no client stands for that, to find them by it."""
    rows = [
        {"sequence": one.sequence, "agent_id": keys.agents[agent_digest(one.source.authority)]}
        for one in arrivals
        if one.source.elsewhere
    ]
    if rows:
        session.execute(insert(cast(Table, XapiStatementAuthority.__table__)), rows)


def keep_attachments(session: Session, arrivals: Sequence[Arrival], data: Data) -> None:
    """Keep what came with these statements, once whoever sends it, and note what came with which (4.1.3 / Comm 1.5.2).

    All writers add in the order of the digests: so they never wait for each other in a circle.
    """
    named = {
        (one.sequence, sha2)
        for one in arrivals
        for _, attachment in attachments_of(one.document, "")
        if (sha2 := attachment["sha2"].lower()) in data
    }
    digests = {bytes.fromhex(sha2): data[sha2].data for _, sha2 in named}
    found = queries.attachment_ids(session, list(digests))
    if missing := sorted(digests.keys() - found.keys()):
        rows = [{"digest": one, "octets": len(digests[one]), "data": digests[one]} for one in missing]
        dialect = postgresql if on_postgresql(session) else sqlite
        session.execute(dialect.insert(cast(Table, XapiAttachment.__table__)).on_conflict_do_nothing(), rows)
        found |= queries.attachment_ids(session, missing)
    if named:
        links = [{"sequence": sequence, "attachment_id": found[bytes.fromhex(sha2)]} for sequence, sha2 in named]
        session.execute(insert(cast(Table, XapiStatementAttachment.__table__)), links)


def heard(session: Session, one: Arrival) -> Recorded | None:
    """What projectors hear of an arrival, when it counts."""
    if not one.counts:
        return None
    return seen(
        msgspec.convert(one.document, Said),
        sequence=one.sequence,
        statement_id=str(one.statement_id),
        timestamp=one.timestamp,
        stored=one.stored,
        client=one.source.client,
        home=config_of(session).iri_base,
    )


def wait_for_writers(session: Session) -> None:
    """Let one transaction void while no other stores: a statement and what voids it never miss each other."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE xapi_statement IN SHARE ROW EXCLUSIVE MODE"))


def void(session: Session, voiding: Sequence[Arrival]) -> list[Recorded]:
    """Mark what these statements void; returns what projectors had heard of it.

    Only who stated something may void it. What is not known yet is voided when it comes; what voids stays.
    """
    speakers = {one.named.target: one.source.client for one in voiding if one.named.target is not None}
    rows = queries.voidable(session, sorted(speakers)) if speakers else []
    for row in rows:
        if row.client_id != speakers[row.statement_id]:
            raise MayNotVoid(row.statement_id)
    if rows:
        sequences = [row.sequence for row in rows]
        session.execute(update(XapiStatement).where(XapiStatement.sequence.in_(sequences)).values(voided=True))
    home = config_of(session).iri_base
    found = (
        seen(
            said_in(row.body),
            sequence=row.sequence,
            statement_id=str(row.statement_id),
            timestamp=row.timestamp,
            stored=row.stored,
            client=row.client_id,
            home=home,
        )
        for row in rows
        if row.counts
    )
    return [one for one in found if one is not None]


def mark_used(session: Session, client: int, *, on: date) -> None:
    """Note the day on which a client showed its secret. Of many at once one writes; the others change nothing."""
    before = or_(XapiClient.last_used_on.is_(None), XapiClient.last_used_on < on)
    session.execute(update(XapiClient).where(XapiClient.id == client, before).values(last_used_on=on))
