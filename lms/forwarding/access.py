"""The only way to where something is sent, for whoever looks after it or reads: the permission must hold everywhere."""

import uuid
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.forwarding.models import DeadLetter, Destination, ForwardTarget
from lms.forwarding.rules import REMOVED
from lms.web.acting import Actor, NotFound

READ, KEEP = "forwarding:read", "forwarding:keep"
D = TypeVar("D", bound=Destination)


def access_destination(
    session: Session, actor: Actor, kind: type[D], public_id: uuid.UUID, permission: str = KEEP, *, kept: bool = False
) -> D:
    """The target or channel; with `kept` only one that has not been removed. Raises `NotFound`."""
    found = session.scalar(select(kind).where(kind.public_id == public_id)) if actor.everywhere(permission) else None
    if found is None or (kept and found.state == REMOVED):
        raise NotFound
    return found


def destination_to_change(session: Session, actor: Actor, kind: type[D], public_id: uuid.UUID) -> D:
    """One that has not been removed, held until the transaction ends: nobody wakes what another removes."""
    session.refresh(access_destination(session, actor, kind, public_id), with_for_update=True)
    return access_destination(session, actor, kind, public_id, kept=True)


def access_letter(session: Session, actor: Actor, public_id: uuid.UUID, letter_id: int) -> DeadLetter:
    """A statement this target refused. Raises `NotFound`."""
    target = access_destination(session, actor, ForwardTarget, public_id)
    query = select(DeadLetter).where(DeadLetter.id == letter_id, DeadLetter.target_id == target.id)
    letter = session.scalar(query)
    if letter is None:
        raise NotFound
    return letter
