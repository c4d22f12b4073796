"""The only ways to obtain something on a person's behalf. What you may not see does not exist."""

import uuid
from collections.abc import Callable, Container

from sqlalchemy import false, func, or_, select, true
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Person
from lms.accounts.queries import people_counted_in, roles_held, roles_of
from lms.accounts.rules import Grant, may_keep, opens_no_more
from lms.organisation.models import STATE_TREE, Unit, UnitClosure
from lms.organisation.queries import holds_on, subtree, unit_trees
from lms.organisation.rules import Branch
from lms.web.acting import Actor, NotFound

READ = "person:read"
KEEP = "person:create"
GRANT = "role:grant"


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
    """The person, if the permission holds where they are counted, today or from a later day on; nobody who was erased.

    Raises `NotFound`.
    """
    query = select(Person).where(Person.public_id == public_id, Person.erased_at.is_(None))
    if not actor.everywhere(permission):
        query = query.where(Person.id.in_(people_counted_in(actor.unit_ids(permission), on=clock.today())))
    person = session.scalar(query)
    if person is None:
        raise NotFound
    return person


def access_kept(session: Session, actor: Actor, public_id: uuid.UUID, permission: str = KEEP) -> Person:
    """The person, for whoever may change something about them. Raises `NotFound`.

    Whoever keeps the people of a unit keeps none who holds a role that reaches further: no administrator, and no head
    of a unit outside.
    """
    person = access_person(session, actor, permission, public_id)
    if not may_keep(grants_of(session, person), within=units_within(session, actor, permission)):
        raise NotFound
    return person


def access_account(session: Session, actor: Actor, public_id: uuid.UUID) -> Person:
    """The person, for whoever may open, close or reset the account. Raises `NotFound`.

    Within a unit only of people whose roles open nothing that one's own do not: a new password would open it.
    """
    person = access_kept(session, actor, public_id)
    if not actor.everywhere(KEEP) and not opens_no_more(grants_of(session, person), own_grants(session, actor)):
        raise NotFound
    return person


def permitted(access: Callable[..., Person], *asked: object) -> bool:
    """Whether an access function would hand the person over: pages offer nothing that would be refused."""
    try:
        access(*asked)
    except NotFound:
        return False
    return True


def own_grants(session: Session, actor: Actor) -> list[Grant]:
    """The roles that somebody who asks holds today."""
    return [Grant(one.role, one.unit_id) for one in session.scalars(roles_held(actor.person_id, on=clock.today()))]


def grants_of(session: Session, person: Person) -> list[Grant]:
    """The roles somebody holds, today or from a later day on."""
    return [
        Grant(one.role, one.unit_id)
        for one in session.scalars(roles_of(person.id))
        if one.valid_to is None or one.valid_to > clock.today()
    ]


def units_within(session: Session, actor: Actor, permission: str) -> frozenset[int] | None:
    """The ids of the units where the permission holds today; None: everywhere."""
    if actor.everywhere(permission):
        return None
    below = [Unit.id.in_(subtree(one, on=clock.today())) for one in actor.unit_ids(permission)]
    return frozenset(session.scalars(select(Unit.id).where(or_(false(), *below))))


def trees_within(session: Session, actor: Actor, permission: str) -> list[Branch[Unit]]:
    """The units where the permission holds, as trees of today: each unit once."""
    whole = unit_trees(session, on=clock.today())
    if actor.everywhere(permission):
        return whole
    own = set(actor.unit_ids(permission))
    return [top for tree in whole for top in tops(tree, own)]


def tops(branch: Branch[Unit], own: Container[int]) -> list[Branch[Unit]]:
    """The highest branches whose units are among one's own."""
    if branch.unit.id in own:
        return [branch]
    return [top for child in branch.children for top in tops(child, own)]
