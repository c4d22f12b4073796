"""Announcing something to the people of a unit, and withdrawing it."""

import uuid
from datetime import date

from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Person
from lms.announcements.models import Announcement
from lms.audit.actions import note
from lms.organisation.models import Unit


def announce(session: Session, unit: Unit, text: str, *, since: date, until: date, author: Person) -> Announcement:
    """Show the text to everybody of the unit and below, from `since` on and before `until`."""
    one = Announcement(
        public_id=uuid.uuid4(),
        unit_id=unit.id,
        text=text,
        valid_from=since,
        valid_to=until,
        author_id=author.id,
        written_at=clock.now(),
    )
    session.add(one)
    noted(session, "announcement.write", one, by=author.public_id, unit=str(unit.public_id))
    return one


def withdraw(session: Session, one: Announcement, *, by: uuid.UUID) -> None:
    """It is shown no more. One that was withdrawn stays as it is."""
    if one.withdrawn_at is None:
        one.withdrawn_at = clock.now()
        noted(session, "announcement.withdraw", one, by=by)


def noted(session: Session, action: str, one: Announcement, *, by: uuid.UUID, **details: str) -> None:
    """An entry in the log; the text is not in it."""
    note(session, action, actor=by, object_kind="announcement", object_id=one.public_id, **details)
