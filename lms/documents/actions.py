"""Storing, merging and removing documents. Each looks at what stands and changes it under one lock.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import hashlib

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from lms import clock
from lms.documents import queries
from lms.documents.loader import check_text, merged
from lms.documents.models import NOBODY, UNREGISTERED, XapiDocument
from lms.documents.queries import Place
from lms.documents.rules import Conditions, Contents, Subject, check_overwriting
from lms.xapi.actions import activity_keys, agent_keys
from lms.xapi.statement import agent_digest

DOCUMENT_LOCKS = 50


class TooLarge(Exception):
    """Two documents laid over each other are larger than one may be. Nothing was changed."""


def put_document(
    session: Session, subject: Subject, document_id: str, given: Contents, *, conditions: Conditions, two: bool
) -> None:
    """Store a document, in place of the one that stands; raises `Changed`, `Unseen` or `Malformed`.

    `two` says that the request speaks xAPI 2.0.
    """
    place = locked(session, subject)
    kept = queries.document(session, place, document_id)
    check_overwriting(subject.kind, kept.etag if kept else None, conditions, two=two)
    write(session, place, document_id, given, new=kept is None)


def post_document(
    session: Session, subject: Subject, document_id: str, given: Contents, *, conditions: Conditions, largest: int
) -> None:
    """Merge a document into the one that stands, or store it (4.1.6 / Comm 2.2).

    Raises `Changed`, `TooLarge` above this many bytes, or `Malformed` when the two cannot be merged.
    """
    place = locked(session, subject)
    kept = queries.document(session, place, document_id)
    conditions.check(kept.etag if kept else None)
    if kept is None:
        check_text(given)
        write(session, place, document_id, given, new=True)
        return
    whole = merged(kept.contents, given)
    if len(whole.body) > largest:
        raise TooLarge(f"the two documents together are larger than {largest} bytes")
    write(session, place, document_id, whole, new=False)


def remove_document(session: Session, subject: Subject, document_id: str, *, conditions: Conditions) -> None:
    """Remove a document if there is one; raises `Changed`."""
    place = queries.place_of(session, subject)
    if place is None:
        conditions.check(None)
        return
    lock(session, place)
    kept = queries.document(session, place, document_id)
    conditions.check(kept.etag if kept else None)
    session.execute(delete(XapiDocument).where(*queries.one_at(place, document_id)))


def remove_documents(session: Session, subject: Subject) -> None:
    """Remove all documents about this; with a registration, those of that registration."""
    place = queries.place_of(session, subject)
    if place is not None:
        lock(session, place)
        session.execute(delete(XapiDocument).where(*queries.all_at(place)))


def locked(session: Session, subject: Subject) -> Place:
    """Where documents about this stand or will, locked. What they are about becomes known to the store."""
    activity, agent = NOBODY, NOBODY
    if subject.agent is not None:
        digest = agent_digest(subject.agent)
        agent = agent_keys(session, {digest: subject.agent})[digest]
    if subject.activity is not None:
        activity = activity_keys(session, [subject.activity])[subject.activity]
    place = Place(subject.kind.name, activity, agent, subject.registration)
    lock(session, place)
    return place


def lock(session: Session, place: Place) -> None:
    """Let one transaction at a time change documents of a kind about the same activity and agent, until it ends.

    SQLite has one writer anyway. On PostgreSQL what is read after this is what the last holder of the lock left: of two
    who both store a new document, the second finds the first's.
    """
    if session.get_bind().dialect.name == "postgresql":
        name = f"{place.kind} {place.activity_id} {place.agent_id}".encode()
        number = int.from_bytes(hashlib.sha256(name).digest()[:4], signed=True)
        session.execute(select(func.pg_advisory_xact_lock(DOCUMENT_LOCKS, number)))


def write(session: Session, place: Place, document_id: str, contents: Contents, *, new: bool) -> None:
    """Write the row of a document. Whoever calls holds the lock and knows whether it is there."""
    values = {
        "content_type": contents.content_type,
        "etag": contents.etag,
        "updated_at": clock.true_now(),
        "contents": contents.body,
    }
    if not new:
        session.execute(update(XapiDocument).where(*queries.one_at(place, document_id)).values(values))
        return
    key = {**place._asdict(), "registration": place.registration or UNREGISTERED, "document_id": document_id}
    session.execute(insert(XapiDocument).values({**key, **values}))
