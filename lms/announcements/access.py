"""Who may announce something to whom: those who keep the people of a unit, to it and to what stands below it.

Whoever audits reads what is announced anywhere.
"""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.announcements.models import Announcement
from lms.organisation.access import units_by_tree
from lms.web.acting import Actor, NotFound

READ, WRITE = "announcement:read", "announcement:write"


def access_announcement(session: Session, actor: Actor, public_id: uuid.UUID) -> Announcement:
    """The announcement, if one writes to its unit today. Raises `NotFound`."""
    found = session.scalar(select(Announcement).where(Announcement.public_id == public_id))
    within = units_by_tree(session, actor, WRITE)
    if found is None or (within is not None and not any(found.unit_id in units for units in within.values())):
        raise NotFound
    return found
