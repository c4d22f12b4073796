"""Announcing something to the people of a unit, and withdrawing it."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Person
from lms.announcements.models import Announcement
from lms.announcements.queries import people_with_address
from lms.audit.actions import note
from lms.organisation.models import Unit
from lms.outbox.actions import queue, send_mail
from lms.outbox.rules import UNIT_NEWS

ANNOUNCE = "announce"


def announce(
    session: Session, unit: Unit, text: str, *, since: date, until: date, author: Person, by_mail: bool = False
) -> Announcement:
    """Show the text to everybody of the unit and below, from `since` on and before `until`.

    `by_mail`: on the first day it is mailed too, to those who have an address and want such mail.
    """
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
    if by_mail:
        session.flush()  # the job names it
        due_at = max(clock.now(), clock.start_of_day(since))
        queue(session, ANNOUNCE, {"announcement_id": one.id}, due_at=due_at)
    noted(session, "announcement.write", one, by=author.public_id, unit=str(unit.public_id))
    return one


def mail_announcement(session: Session, payload: Mapping[str, Any]) -> None:
    """The handler of `announce`: a mail for each person whom it reaches, unless it has been withdrawn or is over."""
    one, today = session.get_one(Announcement, payload["announcement_id"]), clock.today()
    if one.withdrawn_at is not None or one.valid_to <= today:
        return
    values = {"unit": one.unit.name, "text": one.text}
    for person_id, language in session.execute(people_with_address(one.unit_id, on=today)).all():
        english = language == "en"
        send_mail(
            session,
            person_id,
            subject="Announcement of your unit" if english else "Thông báo của cơ quan, đơn vị",
            template=f"lms.announcements/announcement.{'en' if english else 'vi'}.txt",
            topic=UNIT_NEWS,
            values=values,
            key=f"{ANNOUNCE} {one.id} {person_id}",
        )


def withdraw(session: Session, one: Announcement, *, by: uuid.UUID) -> None:
    """It is shown no more. One that was withdrawn stays as it is."""
    if one.withdrawn_at is None:
        one.withdrawn_at = clock.now()
        noted(session, "announcement.withdraw", one, by=by)


def noted(session: Session, action: str, one: Announcement, *, by: uuid.UUID, **details: str) -> None:
    """An entry in the log; the text is not in it."""
    note(session, action, actor=by, object_kind="announcement", object_id=one.public_id, **details)
