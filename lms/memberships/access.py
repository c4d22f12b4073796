"""Which memberships and which units somebody may reach who keeps people."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.access import KEEP, access_kept
from lms.accounts.models import Membership, Person
from lms.accounts.queries import link_of
from lms.memberships.queries import membership_of
from lms.organisation.queries import subtree
from lms.web.acting import Actor, NotFound


def access_placed(session: Session, actor: Actor, public_id: uuid.UUID) -> Person:
    """The person, for whoever may say where they belong; not a record that counts no more. Raises `NotFound`."""
    person = access_kept(session, actor, public_id)
    if session.scalar(link_of(person.id)) is not None:
        raise NotFound
    return person


def access_post(session: Session, actor: Actor, person: Person, membership_id: int) -> Membership:
    """A post that can be ended, in a unit where the keeper keeps people. Raises `NotFound`."""
    today = clock.today()
    query = membership_of(person.id, membership_id, on=today)
    found = session.scalar(query)
    if found is None:
        raise NotFound
    if not actor.everywhere(KEEP):
        keeping = {*actor.unit_ids(KEEP), *actor.unit_ids(KEEP, found.tree)}
        below = [subtree(one, on=today, tree=found.tree) for one in keeping]
        if not any(
            session.scalar(select(Membership.id).where(Membership.id == found.id, Membership.unit_id.in_(one)))
            for one in below
        ):
            raise NotFound
    return found
