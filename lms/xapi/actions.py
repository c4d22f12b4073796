"""`record`: the only way in. Everything else that is known about learning follows from what passes here."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import insert, literal, null, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lms import clock
from lms.db import config_of
from lms.doors import tell
from lms.xapi.models import XapiActivity, XapiAgent, XapiBody, XapiStatement, XapiVerb
from lms.xapi.projection import StatementsRecorded, seen
from lms.xapi.statement import agent_digest, agent_identifier, comparison_digest, rfc3339

VERSION = "1.0.3"
CACHE_LIMIT = 50_000


class Conflict(Exception):
    """A different statement already carries this id. Nothing of the batch was stored."""

    def __init__(self, statement_id: uuid.UUID) -> None:
        super().__init__(f"statement {statement_id}: another statement carries this id")
        self.statement_id = statement_id


@dataclass(frozen=True, slots=True)
class Source:
    """Who brings statements: ourselves (client None), or a client; `prefix` limits what of it counts."""

    client: int | None
    authority: Mapping[str, Any]
    counts: bool
    prefix: str = ""


def ourselves(session: Session) -> Source:
    """This system speaking for itself: what its own pages saw."""
    home = config_of(session).iri_base
    return Source(
        client=None,
        authority={"objectType": "Agent", "account": {"homePage": home, "name": "quan-triet"}},
        counts=True,
    )


def record(session: Session, documents: Sequence[Mapping[str, Any]], *, source: Source) -> list[uuid.UUID]:
    """Store valid statements and tell everyone who projects them; returns their ids in order.

    Statements already stored with the same content are passed over in silence; a different one under a known id raises
    `Conflict`. `stored`, `authority`, `version` and a missing `id` or `timestamp` are filled in.
    """
    now = clock.now()
    complete = [completed(one, source=source, stored=now + timedelta(microseconds=i)) for i, one in enumerate(documents)]
    ids = [uuid.UUID(one["id"]) for one in complete]
    fresh = complete if source.client is None else unknown(session, complete)
    if fresh:
        store(session, fresh, source=source)
    return ids


def completed(document: Mapping[str, Any], *, source: Source, stored: datetime) -> dict[str, Any]:
    """The statement with everything the store adds."""
    return {
        "id": str(uuid.UUID(document["id"])) if "id" in document else str(uuid.uuid4()),
        "timestamp": rfc3339(stored),
        "version": VERSION,
        **{key: value for key, value in document.items() if key != "id"},
        "stored": rfc3339(stored),
        "authority": dict(source.authority),
    }


def unknown(session: Session, documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are not stored yet. Raises `Conflict` for one whose id belongs to another statement."""
    ids = [uuid.UUID(one["id"]) for one in documents]
    known = dict(
        session.execute(
            select(XapiStatement.statement_id, XapiStatement.digest).where(XapiStatement.statement_id.in_(ids))
        ).tuples()
    )
    fresh = []
    for statement_id, document in zip(ids, documents, strict=True):
        if statement_id not in known:
            fresh.append(document)
        elif known[statement_id] != comparison_digest(document):
            raise Conflict(statement_id)
    return fresh


def store(session: Session, documents: Sequence[dict[str, Any]], *, source: Source) -> None:
    """Insert a batch as two sets of rows, then tell it."""
    agents, verbs, activities = identities(session, documents)
    home = config_of(session).iri_base
    rows = []
    for one in documents:
        target = one["object"]
        about = target["id"] if target.get("objectType", "Activity") == "Activity" else None
        registration = one.get("context", {}).get("registration")
        rows.append(
            {
                "statement_id": uuid.UUID(one["id"]),
                "actor_id": agents[agent_digest(one["actor"])],
                "verb_id": verbs[one["verb"]["id"]],
                "activity_id": activities[about] if about else None,
                "registration": uuid.UUID(registration) if registration else None,
                "timestamp": datetime.fromisoformat(one["timestamp"]),
                "stored": datetime.fromisoformat(one["stored"]),
                "client_id": source.client,
                "counts": source.counts and bool(about) and str(about).startswith(source.prefix),
                "voided": False,
                "digest": comparison_digest(one),
            }
        )
    sequences = session.scalars(
        insert(XapiStatement).returning(XapiStatement.sequence, sort_by_parameter_order=True), rows
    ).all()
    bodies = [{"sequence": n, "body": msgspec.json.encode(one)} for n, one in zip(sequences, documents, strict=True)]
    session.execute(insert(XapiBody), bodies)
    told = [
        value
        for n, one, row in zip(sequences, documents, rows, strict=True)
        if row["counts"]
        and (
            value := seen(one, sequence=n, statement_id=row["statement_id"], timestamp=row["timestamp"], home=home)
        )
    ]
    if told:
        tell(session, StatementsRecorded(tuple(told)))


def identities(
    session: Session, documents: Iterable[Mapping[str, Any]]
) -> tuple[dict[bytes, int], dict[str, int], dict[str, int]]:
    """The keys of all agents, verbs and activities of a batch; those never seen before are added.

    Keys found in the database are remembered by the process: such rows are never changed or removed.
    """
    agents = {agent_digest(one["actor"]): one["actor"] for one in documents}
    verbs = {one["verb"]["id"] for one in documents}
    activities = {
        one["object"]["id"]: one["object"].get("definition")
        for one in documents
        if one["object"].get("objectType", "Activity") == "Activity"
    }
    wanted: list[tuple[str, Any]] = [
        *(("agent", digest) for digest in sorted(agents)),
        *(("verb", iri) for iri in sorted(verbs)),
        *(("activity", iri) for iri in sorted(activities)),
    ]
    known = lookup(session, wanted)
    missing = [key for key in wanted if key not in known]
    if missing:
        session.info["unsure"] = True  # what this transaction adds may yet be rolled back: remember nothing it finds
        rows: dict[str, list[dict[str, Any]]] = {"agent": [], "verb": [], "activity": []}
        for kind, key in missing:
            if kind == "agent":
                rows[kind].append({"digest": key, "identifier": agent_identifier(agents[key])})
            elif kind == "verb":
                rows[kind].append({"iri": key})
            else:
                rows[kind].append({"iri": key, "definition": activities[key]})
        for kind, model in (("agent", XapiAgent), ("verb", XapiVerb), ("activity", XapiActivity)):
            add_once(session, model, rows[kind])
        known |= lookup(session, missing, remember=False)
    return (
        {digest: known["agent", digest] for digest in agents},
        {iri: known["verb", iri] for iri in verbs},
        {iri: known["activity", iri] for iri in activities},
    )


def add_once(session: Session, model: type[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows unless another writer was first. Rows that stand already are never written again."""
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(model).on_conflict_do_nothing(), list(rows))


def lookup(
    session: Session, wanted: Sequence[tuple[str, Any]], *, remember: bool = True
) -> dict[tuple[str, Any], int]:
    """The ids of identities, from memory or with one query for all kinds together."""
    memory: dict[tuple[str, Any], int] = session.info["identities"]
    found = {key: memory[key] for key in wanted if key in memory}
    sought = [key for key in wanted if key not in found]
    if not sought:
        return found
    values: dict[str, list[Any]] = {"agent": [], "verb": [], "activity": []}
    for kind, key in sought:
        values[kind].append(key)
    parts = []
    if values["agent"]:
        parts.append(
            select(literal("agent"), XapiAgent.digest, null(), XapiAgent.id).where(XapiAgent.digest.in_(values["agent"]))
        )
    if values["verb"]:
        parts.append(
            select(literal("verb"), null(), XapiVerb.iri, XapiVerb.id).where(XapiVerb.iri.in_(values["verb"]))
        )
    if values["activity"]:
        parts.append(
            select(literal("activity"), null(), XapiActivity.iri, XapiActivity.id).where(
                XapiActivity.iri.in_(values["activity"])
            )
        )
    for kind, digest, iri, row_id in session.execute(union_all(*parts)):
        found[kind, bytes(digest) if digest is not None else iri] = row_id
    if remember and not session.info.get("unsure"):
        if len(memory) > CACHE_LIMIT:
            memory.clear()
        memory.update(found)
    return found
