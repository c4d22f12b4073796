"""What people say of themselves."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from lms.accounts.models import Person
from lms.audit.actions import note


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
