"""The only way to a target for whoever looks after forwarding or only reads: the permission must hold everywhere."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.forwarding.rules import REMOVED
from lms.web.acting import Actor, NotFound

READ, KEEP = "forwarding:read", "forwarding:keep"


def access_target(
    session: Session, actor: Actor, public_id: uuid.UUID, permission: str = KEEP, *, kept: bool = False
) -> ForwardTarget:
    """The target; with `kept` only one that has not been removed. Raises `NotFound`."""
    query = select(ForwardTarget).where(ForwardTarget.public_id == public_id)
    target = session.scalar(query) if actor.everywhere(permission) else None
    if target is None or (kept and target.state == REMOVED):
        raise NotFound
    return target


def target_to_change(session: Session, actor: Actor, public_id: uuid.UUID) -> ForwardTarget:
    """The target that has not been removed, held until the transaction ends: nobody wakes what another removes."""
    target = access_target(session, actor, public_id)
    session.refresh(target, with_for_update=True)
    return access_target(session, actor, public_id, kept=True)


def access_letter(session: Session, actor: Actor, public_id: uuid.UUID, letter_id: int) -> DeadLetter:
    """A statement this target refused. Raises `NotFound`."""
    target = access_target(session, actor, public_id)
    query = select(DeadLetter).where(DeadLetter.id == letter_id, DeadLetter.target_id == target.id)
    letter = session.scalar(query)
    if letter is None:
        raise NotFound
    return letter
