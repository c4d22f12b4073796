"""Taking statements in from a file, by the one door and by all rules."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.audit.actions import note
from lms.db import config_of
from lms.doors import tell
from lms.transfer.loader import Valid
from lms.xapi import queries
from lms.xapi.access import Client, Unknown, authorities, must_write
from lms.xapi.actions import ourselves, receive, speaking
from lms.xapi.loader import Received
from lms.xapi.models import XapiClient
from lms.xapi.projection import StatementsArriving
from lms.xapi.statement import VERSION, VERSION_2, Source


def importing_client(session: Session, key: str) -> Client:
    """The active client in whose name statements are taken in. Raises `Unknown`, or `Forbidden` if it may not write."""
    row = session.scalar(select(XapiClient).where(XapiClient.key == key, XapiClient.revoked_at.is_(None)))
    if row is None:
        raise Unknown
    client = as_client(row)
    must_write(client)
    return client


def as_client(row: XapiClient) -> Client:
    """The client of a row."""
    return Client(row.id, row.key, row.name, frozenset(row.scopes), row.activity_prefix)


def take_in(session: Session, batch: Sequence[Valid], client: Client, *, keep_authority: bool) -> int:
    """Store a batch, all or nothing; returns how many were not known yet. Raises `Conflict` and `MayNotVoid`.

    With `keep_authority` (decision 0015) a statement goes on being vouched for by whoever its line names.
    """
    ids = [uuid.UUID(one.received.document["id"]) for one in batch]
    known = queries.known_statements(session, ids)
    sources = [
        source_of(session, one, client) if keep_authority else speaking(config_of(session).iri_base, client)
        for one in batch
    ]
    pairs = [
        (one, replace(source, version=VERSION_2 if one.two else VERSION))
        for one, source in zip(batch, sources, strict=True)
    ]
    for (source, _), group in groupby(enumerate(pairs), key=together):
        found = [one for _, (one, _source) in group]
        received = [one.received for one in found]
        if source.client is None:  # our own pages hold the lock of the person already; here nobody does
            tell(session, StatementsArriving(accounts_in(received)))
        receive(session, received, source=source, data=found[0].data)
    return len(batch) - len(known)


def together(numbered: tuple[int, tuple[Valid, Source]]) -> tuple[Source, int | None]:
    """Neighbours for which this is equal are stored in one go.

    One with data is alone: they came with it and with no other, whoever names their hash.
    """
    number, (one, source) = numbered
    return source, number if one.data else None


def accounts_in(received: Sequence[Received]) -> tuple[str, ...]:
    """The account names of the actors."""
    actors = [one.document["actor"] for one in received]
    return tuple(sorted({str(actor["account"]["name"]) for actor in actors if "account" in actor}))


def source_of(session: Session, one: Valid, client: Client) -> Source:
    """Who vouches for a statement of our own export: we ourselves, a client we know, or whoever the line names."""
    importing = speaking(config_of(session).iri_base, client)
    authority = one.received.document.get("authority")
    if authority is None:
        return importing
    owners = authorities(session, authority)
    if not owners:
        return replace(importing, authority=authority, elsewhere=True)
    if owners[0] is None:
        return ourselves(session)
    return replace(
        speaking(config_of(session).iri_base, as_client(session.get_one(XapiClient, owners[0]))), authority=authority
    )


def note_transfer(session: Session, what: str, object_id: object, **figures: Any) -> None:
    """What was taken out and in is audited."""
    note(session, f"xapi.{what}", actor=None, object_kind="statements", object_id=object_id, **figures)
