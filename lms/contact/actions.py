"""What people say of themselves, and mail that reaches them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Person
from lms.accounts.session import link_account, mailed_token
from lms.audit.actions import note
from lms.db import config_of
from lms.outbox.actions import deliver
from lms.outbox.rules import Between, mail_at


@dataclass(frozen=True, slots=True)
class Contact:
    """How a person is reached, and about which topics (`outbox.rules.TOPICS`) not."""

    email: str | None
    phone: str | None
    language: str
    muted: tuple[str, ...]


def keep_contact(session: Session, person: Person, contact: Contact) -> None:
    """What a person says of themselves; the log says which of it changed, not what it is."""
    new = {"email": contact.email, "phone": contact.phone, "language": contact.language, "muted": [*contact.muted]}
    changed = sorted(name for name, value in new.items() if getattr(person, name) != value)
    for name in changed:
        setattr(person, name, new[name])
    own = person.public_id
    if changed:
        note(session, "person.change", actor=own, object_kind="person", object_id=own, fields=changed)


def mail_reset(session: Session, payload: Mapping[str, Any]) -> None:
    """The handler of `reset mail`: hands the link over, in the language of the person, unless it has ended."""
    config, token = config_of(session), mailed_token(config_of(session), payload["seed"])
    account = link_account(session, token)
    if account is None:
        return
    english = account.person.language == "en"
    values = {"link": f"{config.site_url}/first-password/{token}", "username": account.username}
    subject = "Set a new password" if english else "Đặt lại mật khẩu"
    template = f"lms.accounts/reset.{'en' if english else 'vi'}.txt"
    hand_over(session, account.person, {"subject": subject, "template": template, "values": values})


def mail_person(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The handler of queued mail: finds name and address, which no job carries, and hands the mail over.

    Whoever wants no mail about its topic by now gets none. Outside its hours it waits for the next ones, and what is of
    a day that is over is not sent.
    """
    person, now = session.get(Person, payload["person_id"]), clock.now()
    muted = person is not None and payload.get("topic") in person.muted
    if muted or payload.get("day") not in (None, clock.day_of(now).isoformat()):
        return None
    hours = payload.get("hours")
    if hours is not None and (at := mail_at(Between(*hours), now)) > now:
        return at
    hand_over(session, person, payload)
    return None


def hand_over(session: Session, person: Person | None, payload: Mapping[str, Any]) -> None:
    """Hand a mail to the mail server, with no transaction open."""
    name, address = (person.full_name, person.email) if person is not None else ("", None)
    session.rollback()  # nothing was written: a mail server must not be waited for with the database locked
    if address:
        deliver(config_of(session), address=address, name=name, payload=payload)
