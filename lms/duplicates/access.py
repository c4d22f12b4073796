"""Which pairs of records somebody may decide about: those whose accounts they keep, both of them."""

import uuid

from sqlalchemy.orm import Session

from lms.accounts.access import access_account
from lms.accounts.models import Person, PersonLink
from lms.duplicates.queries import link_by_id
from lms.web.acting import Actor, NotFound


def access_pair(session: Session, actor: Actor, one: uuid.UUID, other: uuid.UUID) -> tuple[Person, Person]:
    """Both records. Raises `NotFound`."""
    if one == other:
        raise NotFound
    return access_account(session, actor, one), access_account(session, actor, other)


def access_link(session: Session, actor: Actor, public_id: uuid.UUID) -> tuple[PersonLink, Person, Person]:
    """What was decided about two records, and both of them, the one that counts last. Raises `NotFound`."""
    found = session.execute(link_by_id(public_id)).one_or_none()
    if found is None:
        raise NotFound
    link, duplicate, person = found
    access_pair(session, actor, duplicate.public_id, person.public_id)
    return link, duplicate, person
