"""The only way to a briefing for these pages: whoever reads or organises briefings does so for all units."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from courses.briefings.access import ORGANISE, READ
from courses.enrolment.models import Briefing
from lms.web.acting import Actor, NotFound

__all__ = ["ORGANISE", "READ", "access_briefing"]


def access_briefing(session: Session, actor: Actor, code: str, permission: str) -> Briefing:
    """The briefing with this code. Raises `NotFound`."""
    found = session.scalar(select(Briefing).where(Briefing.code == code)) if actor.everywhere(permission) else None
    if found is None:
        raise NotFound
    return found
