"""Who may look into the record, who may see names in it, and who keeps the systems that speak to it."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.records.queries import Entry, one_entry
from lms.web.acting import Actor, NotFound
from lms.xapi.models import XapiClient

BROWSE = "record:browse"
NAMES = "record:names"
READ_CLIENTS, KEEP_CLIENTS = "record_client:read", "record_client:keep"


def access_entry(session: Session, actor: Actor, statement_id: uuid.UUID) -> tuple[Entry, uuid.UUID | None]:
    """The entry of the record, and what voids it when it is voided. Raises `NotFound`."""
    found = one_entry(session, statement_id) if actor.everywhere(BROWSE) else None
    if found is None:
        raise NotFound
    return found


def access_system(
    session: Session, actor: Actor, client_id: int, permission: str = KEEP_CLIENTS, *, active: bool = False
) -> XapiClient:
    """The client; with `active` only one that has not been revoked. Raises `NotFound`."""
    found = session.get(XapiClient, client_id) if actor.everywhere(permission) else None
    if found is None or (active and found.revoked_at is not None):
        raise NotFound
    return found


def system_to_change(session: Session, actor: Actor, client_id: int) -> XapiClient:
    """The active client, held until the transaction ends: two administrators never change it at once."""
    access_system(session, actor, client_id, active=True)
    held = session.scalars(
        select(XapiClient)
        .where(XapiClient.id == client_id, XapiClient.revoked_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if held is None:
        raise NotFound
    return held
