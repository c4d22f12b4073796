"""The only way to a target for whoever looks after forwarding: the permission must hold everywhere."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.web.acting import Actor, NotFound

KEEP = "forwarding:keep"


def access_target(session: Session, actor: Actor, public_id: uuid.UUID) -> ForwardTarget:
    """The target. Raises `NotFound`."""
    query = select(ForwardTarget).where(ForwardTarget.public_id == public_id)
    target = session.scalar(query) if actor.everywhere(KEEP) else None
    if target is None:
        raise NotFound
    return target


def access_letter(session: Session, actor: Actor, public_id: uuid.UUID, letter_id: int) -> DeadLetter:
    """A statement this target refused. Raises `NotFound`."""
    target = access_target(session, actor, public_id)
    query = select(DeadLetter).where(DeadLetter.id == letter_id, DeadLetter.target_id == target.id)
    letter = session.scalar(query)
    if letter is None:
        raise NotFound
    return letter
