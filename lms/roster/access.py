"""Which lists, units and people somebody may reach who keeps people: everywhere, or at and below units of their own."""

import uuid
from collections.abc import Iterable

from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Membership, Person, RoleGrant
from lms.accounts.queries import roles_held
from lms.accounts.rules import PERMISSIONS, UNIT_ADMINISTRATOR, may_give
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.queries import holds_on, subtree
from lms.roster.models import RosterUpload
from lms.web.acting import Actor, NotFound

KEEP = "person:create"


def reach(session: Session, public_id: uuid.UUID) -> Select[int] | None:
    """The units of the state tree at and below which this person keeps people today; None: everywhere.

    For pages and for the worker alike: who has lost the role since has lost it here too.
    """
    person_id = session.scalar(select(Person.id).where(Person.public_id == public_id))
    if person_id is None:
        return select(Unit.id).where(false())
    held = roles_held(person_id, on=clock.today()).with_only_columns(RoleGrant.role, RoleGrant.unit_id, RoleGrant.tree)
    grants = session.execute(held).all()
    keeping = [grant for grant in grants if KEEP in PERMISSIONS.get(grant.role, ()) and grant.tree == STATE_TREE]
    if any(grant.unit_id is None for grant in keeping):
        return None
    today = clock.today()
    below = [Unit.id.in_(subtree(grant.unit_id, on=today)) for grant in keeping if grant.unit_id is not None]
    return select(Unit.id).where(or_(false(), *below))


def within_reach(session: Session, unit_id: int, public_id: uuid.UUID) -> bool:
    """Whether this person keeps the people of the unit today."""
    units = reach(session, public_id)
    return units is None or session.scalar(units.where(Unit.id == unit_id)) is not None


def reach_of(session: Session, upload: RosterUpload, *, reader: uuid.UUID | None = None) -> Select[int] | None:
    """The units a list may touch; None: everywhere. The least of the reaches of all who have to do with it.

    These are whoever handed it in, unless they keep its unit no longer; whoever last asked for something; the reader.
    """
    asked = [one for one in (upload.confirmed_by, reader) if one is not None]
    if not asked or within_reach(session, upload.unit_id, upload.uploaded_by):
        asked.append(upload.uploaded_by)
    least: Select[int] | None = None
    for units in (reach(session, one) for one in dict.fromkeys(asked)):
        if units is not None:
            least = units if least is None else least.where(Unit.id.in_(units))
    return least


def people_within(units: Select[int] | None) -> Select[int] | None:
    """The people who are counted in one of these units, today or from a later day on; None: everybody."""
    if units is None:
        return None
    return select(Membership.person_id).where(
        Membership.tree == STATE_TREE,
        Membership.kind == "main",
        or_(holds_on(clock.today(), Membership.valid_from, Membership.valid_to), Membership.valid_to.is_(None)),
        Membership.unit_id.in_(units),
    )


def reach_further(session: Session, person_ids: Iterable[int], units: Select[int]) -> tuple[set[int], set[int]]:
    """Those of these people whom somebody does not keep who keeps the people of `units`: administrators and others.

    And those whose account opens more than such a keeper's, or who are counted there from a later day only: their
    address of mail, by which a password can be set anew, is not for a list to change.
    """
    within, mine = set(session.scalars(units)), PERMISSIONS[UNIT_ADMINISTRATOR]
    today, held = clock.today(), select(RoleGrant).where(RoleGrant.person_id.in_(set(person_ids)))
    lasting = or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > today)
    grants = session.scalars(held.where(lasting, RoleGrant.over_standing(today))).all()
    counted = select(Membership.person_id).where(
        Membership.tree == STATE_TREE,
        Membership.kind == "main",
        holds_on(today, Membership.valid_from, Membership.valid_to),
        Membership.unit_id.in_(units),
        Membership.person_id.in_(set(person_ids)),
    )
    joining = set(person_ids) - set(session.scalars(counted))
    beyond = {
        one.person_id
        for one in grants
        if not may_give(one.role, one.unit_id, within={STATE_TREE: within}, tree=one.tree)
    }
    return beyond, beyond | joining | {one.person_id for one in grants if not PERMISSIONS[one.role] <= mine}


def access_upload(session: Session, actor: Actor, public_id: uuid.UUID) -> RosterUpload:
    """The list, if its unit is within reach. Raises `NotFound`."""
    query = select(RosterUpload).where(RosterUpload.public_id == public_id)
    if not actor.everywhere(KEEP):
        units = reach(session, actor.public_id)
        query = query.where(RosterUpload.unit_id.in_(units) if units is not None else false())
    upload = session.scalar(query)
    if upload is None:
        raise NotFound
    return upload
