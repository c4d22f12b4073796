"""Reading documents and what the store knows of an agent.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from lms.documents.models import NOBODY, UNREGISTERED, XapiDocument
from lms.documents.rules import Contents, Subject
from lms.xapi import filters
from lms.xapi.queries import Asked, activity_ids, agent_ids
from lms.xapi.statement import agent_digest, mentions

LOOKED_THROUGH = 100  # statements in which the names of an agent are looked for
decode = msgspec.json.Decoder().decode
row = XapiDocument.__table__.c


class Place(NamedTuple):
    """A subject as keys of the store. Without registration: all of them where many are meant, none where one is."""

    kind: str
    activity_id: int
    agent_id: int
    registration: uuid.UUID | None


class Kept(NamedTuple):
    """A document as it stands."""

    contents: Contents
    etag: str
    updated_at: datetime


def place_of(session: Session, subject: Subject) -> Place | None:
    """Where documents about this are found; None when the store never met what they are about."""
    activity, agent = NOBODY, NOBODY
    if subject.activity is not None:
        activity = activity_ids(session, [subject.activity]).get(subject.activity, NOBODY)
    if subject.agent is not None:
        digest = agent_digest(subject.agent)
        agent = agent_ids(session, [digest]).get(digest, NOBODY)
    unmet = (subject.activity is not None and not activity) or (subject.agent is not None and not agent)
    return None if unmet else Place(subject.kind.name, activity, agent, subject.registration)


def one_at(place: Place, document_id: str) -> tuple[ColumnElement[bool], ...]:
    """The one document of this id: that of the registration, or of none."""
    registered = row.registration == (place.registration or UNREGISTERED)
    return (*about(place), registered, row.document_id == document_id)


def all_at(place: Place) -> tuple[ColumnElement[bool], ...]:
    """All documents of a place: those of the registration if one is given, otherwise whatever they belong to."""
    return about(place) if place.registration is None else (*about(place), row.registration == place.registration)


def about(place: Place) -> tuple[ColumnElement[bool], ...]:
    """Documents of this kind about this activity and agent."""
    return (row.kind == place.kind, row.activity_id == place.activity_id, row.agent_id == place.agent_id)


def document(session: Session, place: Place, document_id: str) -> Kept | None:
    """One document."""
    found = session.execute(
        select(row.content_type, row.contents, row.etag, row.updated_at).where(*one_at(place, document_id))
    ).one_or_none()
    return Kept(Contents(found[0], found[1]), found[2], found[3]) if found is not None else None


def document_ids(session: Session, place: Place, *, since: datetime | None) -> list[tuple[str, datetime]]:
    """Ids of all documents of a place and when each was changed last; of those after `since`, where that is given.

    An id that stands under several registrations is named once for each.
    """
    query = select(row.document_id, row.updated_at).where(*all_at(place))
    if since is not None:
        query = query.where(row.updated_at > since)
    return [(document_id, changed) for document_id, changed in session.execute(query.order_by(row.document_id))]


def names_seen(session: Session, agent: Mapping[str, Any], *, client: int | None) -> Sequence[str]:
    """The names an agent bears in the latest statements it is actor or object of, the newest first.

    With `client`, only in those that client brought. What was voided tells nothing.
    """
    digest = agent_digest(agent)
    known = agent_ids(session, [digest]).get(digest)
    if known is None:
        return ()
    page = filters.page(session, Asked(agent=known, client=client, limit=LOOKED_THROUGH))
    found = (mentions(decode(body)).agents.get(digest, {}) for body in page.bodies)
    return tuple(dict.fromkeys(one["name"] for one in found if "name" in one))
