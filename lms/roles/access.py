"""Whose roles somebody may change, and as whom somebody may look."""

import uuid

from sqlalchemy.orm import Session

from lms.accounts.access import GRANT, access_kept, access_person, own_grants
from lms.accounts.models import Person, RoleGrant
from lms.accounts.queries import roles_of
from lms.accounts.rules import may_give, may_see_as
from lms.accounts.session import grants_held
from lms.organisation.access import units_by_tree
from lms.web.acting import Actor, NotFound

VIEW_AS = "person:view_as"
READ_TABLE = "permission:read"


def access_holder(session: Session, actor: Actor, public_id: uuid.UUID) -> Person:
    """The person to whom this one may grant roles, or whose roles it may end. Raises `NotFound`.

    Within a unit nobody changes roles of their own.
    """
    person = access_kept(session, actor, public_id, GRANT)
    if person.id == actor.person_id and not actor.everywhere(GRANT):
        raise NotFound
    return person


def access_grant(session: Session, actor: Actor, person: Person, grant_id: int) -> RoleGrant:
    """The role of that person, held or past, which this one could have granted. Raises `NotFound`."""
    found = next((one for one in session.scalars(roles_of(person.id)) if one.id == grant_id), None)
    within = units_by_tree(session, actor, GRANT)
    if found is None or not may_give(found.role, found.unit_id, within=within, tree=found.tree):
        raise NotFound
    return found


def access_seen(session: Session, actor: Actor, public_id: uuid.UUID) -> Person:
    """The person as whom this one may look: somebody else, who holds nothing the viewer lacks. Raises `NotFound`."""
    person = access_person(session, actor, VIEW_AS, public_id)
    if person.id == actor.person_id or not may_see_as(own_grants(session, actor), grants_held(session, person.id)):
        raise NotFound
    return person
