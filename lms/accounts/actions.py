"""Making people and accounts, moving people, and signing in."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import date

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.models import Membership, OneTimeLink, Person, RoleGrant, SignInAccount, ThrottleCounter
from lms.accounts.rules import LINK_LIFE, THROTTLE_WINDOW
from lms.accounts.session import digest, end_all_sessions
from lms.audit.actions import note
from lms.db import adds_identities
from lms.doors import tell
from lms.organisation.models import STATE_TREE, Unit

hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODY = hasher.hash("the hash that is checked when there is no such account, so that both take as long")


class UsernameTaken(ValueError):
    """Another account has this user name."""


@dataclass(frozen=True, slots=True)
class PeopleMoved:
    """Told when people begin, change or end the membership in which they are counted."""

    person_ids: tuple[int, ...]


def create_person(
    session: Session,
    *,
    full_name: str,
    username: str,
    unit: Unit | None,
    since: date,
    position: str = "",
    category: str = "cong_chuc",
    party: str = "quan_chung",
    email: str | None = None,
    fictional: bool = False,
    password: str | None = None,
    by: uuid.UUID | None = None,
) -> Person:
    """Add a person with an account, counted in `unit` from the day `since`. Raises `UsernameTaken`.

    Without a password the account opens only by a one-time link (`issue_link`).
    """
    adds_identities(session)
    username = username.strip().lower()
    if session.scalar(select(SignInAccount.person_id).where(SignInAccount.username == username)) is not None:
        raise UsernameTaken(username)
    person = new_person(full_name, position=position, category=category, party=party, email=email, fictional=fictional)
    session.add(person)
    session.flush()  # account and membership need the id
    session.add(
        SignInAccount(
            person_id=person.id,
            username=username,
            password_hash=hasher.hash(password) if password else None,
            password_changed_at=clock.now() if password else None,
        )
    )
    if unit is not None:
        session.add(Membership(person_id=person.id, unit_id=unit.id, tree=STATE_TREE, kind="main", valid_from=since))
    session.flush()  # those who are told read what was added
    note(session, "person.create", actor=by, object_kind="person", object_id=person.public_id)
    tell(session, PeopleMoved((person.id,)))
    return person


def new_person(
    full_name: str, *, position: str, category: str, party: str, email: str | None, fictional: bool
) -> Person:
    """A person not yet stored, with the keys by which a name is sorted and found."""
    name = text.nfc(full_name)
    return Person(
        public_id=uuid.uuid4(),
        full_name=name,
        sort_key=text.person_sort_key(name),
        search_key=text.fold(name),
        email=email or None,
        position=text.nfc(position),
        category=category,
        party=party,
        language="vi",
        fictional=fictional,
        created_at=clock.now(),
    )


def move_person(session: Session, person: Person, unit: Unit, *, on: date, by: uuid.UUID | None = None) -> None:
    """From the day `on` the person is counted in `unit`. The earlier membership ends that day and is kept."""
    session.execute(
        update(Membership)
        .where(
            Membership.person_id == person.id,
            Membership.tree == STATE_TREE,
            Membership.kind == "main",
            Membership.valid_to.is_(None),
        )
        .values(valid_to=on)
    )
    session.execute(
        insert(Membership).values(person_id=person.id, unit_id=unit.id, tree=STATE_TREE, kind="main", valid_from=on)
    )
    note(session, "person.move", actor=by, object_kind="person", object_id=person.public_id, unit=str(unit.public_id))
    tell(session, PeopleMoved((person.id,)))


def grant_role(
    session: Session, person: Person, role: str, *, unit: Unit | None, since: date, by: uuid.UUID | None = None
) -> None:
    """Give a role over a unit and all below it, or everywhere (None), from the day `since`."""
    session.add(RoleGrant(person_id=person.id, role=role, unit_id=unit.id if unit else None, valid_from=since))
    scope = str(unit.public_id) if unit else "everywhere"
    note(session, "role.grant", actor=by, object_kind="person", object_id=person.public_id, role=role, unit=scope)


def issue_link(session: Session, person: Person, *, by: uuid.UUID | None = None) -> str:
    """A token with which the person sets a password, once, within a week. Earlier tokens end."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    session.execute(
        update(OneTimeLink).where(OneTimeLink.person_id == person.id, OneTimeLink.used_at.is_(None)).values(used_at=now)
    )
    session.add(
        OneTimeLink(token_digest=digest(token), person_id=person.id, created_at=now, expires_at=now + LINK_LIFE)
    )
    note(session, "link.issue", actor=by, object_kind="person", object_id=person.public_id)
    return token


def link_account(session: Session, token: str) -> SignInAccount | None:
    """The account a one-time token opens, or None when it is unknown, used or too old."""
    return session.scalar(
        select(SignInAccount)
        .join(OneTimeLink, OneTimeLink.person_id == SignInAccount.person_id)
        .where(
            OneTimeLink.token_digest == digest(token),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > clock.now(),
            SignInAccount.disabled_at.is_(None),
        )
    )


def use_link(session: Session, token: str, account: SignInAccount, password: str) -> None:
    """Set the password and end the token and every session of the account."""
    session.execute(update(OneTimeLink).where(OneTimeLink.token_digest == digest(token)).values(used_at=clock.now()))
    set_password(session, account, password)


def set_password(session: Session, account: SignInAccount, password: str) -> None:
    """Set a new password; every session of the person ends."""
    account.password_hash = hasher.hash(password)
    account.password_changed_at = clock.now()
    end_all_sessions(session, account.person_id)
    public_id = session.scalar(select(Person.public_id).where(Person.id == account.person_id))
    note(session, "password.set", actor=public_id, object_kind="person", object_id=public_id)


def attempt_allowed(session: Session, kind: str, value: str, *, limit: int) -> bool:
    """Count one attempt under a key and say whether it is within the limit of its window.

    The counter is in the database, so that all workers and hosts share it; what is counted is only a digest.
    """
    now = clock.now()
    key = digest(f"{kind} {value}")
    counter = session.get(ThrottleCounter, key, with_for_update=True)
    if counter is None or counter.window_start < now - THROTTLE_WINDOW:
        counter = session.merge(ThrottleCounter(key=key, window_start=now, attempts=0))
    counter.attempts += 1
    return counter.attempts <= limit


def forgive_attempts(session: Session, kind: str, value: str) -> None:
    """Forget what was counted: the right password was given."""
    session.execute(delete(ThrottleCounter).where(ThrottleCounter.key == digest(f"{kind} {value}")))


def password_fits(account: SignInAccount | None, password: str) -> bool:
    """Whether the password opens the account. Takes as long when there is no such account."""
    stored = account.password_hash if account is not None and account.password_hash else NOBODY
    try:
        hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return account is not None and account.password_hash is not None and account.disabled_at is None
