"""The only ways to obtain something on a person's behalf. What you may not see does not exist."""

import uuid

from sqlalchemy import func, or_, select, true
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Person
from lms.organisation.models import STATE_TREE, Unit, UnitClosure
from lms.organisation.queries import holds_on, subtree
from lms.web.acting import Actor, NotFound


def access_unit(
    session: Session, actor: Actor, permission: str, public_id: uuid.UUID, *, tree: str = STATE_TREE
) -> Unit:
    """The unit, if the permission holds at it or at a unit above it today. Raises `NotFound`."""
    today = clock.today()
    within = (
        true()
        if actor.everywhere(permission)
        else or_(*(Unit.id.in_(subtree(top, on=today, tree=tree)) for top in actor.unit_ids(permission)))
        if actor.unit_ids(permission)
        else None
    )
    if within is None:
        raise NotFound
    unit = session.scalar(select(Unit).where(Unit.public_id == public_id, within))
    if unit is None:
        raise NotFound
    return unit


def top_units(session: Session, actor: Actor, permission: str, *, tree: str = STATE_TREE) -> list[Unit]:
    """Where the permission begins: the units it was granted for, or the root of the tree when it holds everywhere."""
    if actor.everywhere(permission):
        below = select(UnitClosure.descendant_id).where(UnitClosure.tree == tree, UnitClosure.depth > 0)
        standing = select(UnitClosure.descendant_id).where(UnitClosure.tree == tree, UnitClosure.depth == 0)
        return list(session.scalars(select(Unit).where(Unit.id.in_(standing), Unit.id.not_in(below))))
    return list(session.scalars(select(Unit).where(Unit.id.in_(actor.unit_ids(permission))).order_by(Unit.sort_key)))


def levels_above(session: Session, actor: Actor, permission: str, unit: Unit, *, tree: str = STATE_TREE) -> int | None:
    """How many levels the nearest unit for which the permission was granted stands above `unit`; None: it does not."""
    today = clock.today()
    return session.scalar(
        select(func.min(UnitClosure.depth)).where(
            UnitClosure.tree == tree,
            UnitClosure.descendant_id == unit.id,
            UnitClosure.ancestor_id.in_(actor.unit_ids(permission)),
            holds_on(today, UnitClosure.valid_from, UnitClosure.valid_to),
        )
    )


def access_person(session: Session, actor: Actor, permission: str, public_id: uuid.UUID) -> Person:
    """The person, if the permission holds everywhere; nobody who was erased. Raises `NotFound`."""
    wanted = select(Person).where(Person.public_id == public_id, Person.erased_at.is_(None))
    person = session.scalar(wanted) if actor.everywhere(permission) else None
    if person is None:
        raise NotFound
    return person
