"""Making people and accounts, moving people, and signing in."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.models import Membership, OneTimeLink, Person, RoleGrant, SignInAccount, ThrottleCounter
from lms.accounts.rules import LINK_LIFE, THROTTLE_WINDOW
from lms.accounts.session import digest, end_all_sessions
from lms.audit.actions import note
from lms.db import adds_identities, config_of, lock_roll
from lms.doors import tell
from lms.organisation.models import STATE_TREE, Unit
from lms.outbox.actions import deliver

hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODY = hasher.hash("the hash that is checked when there is no such account, so that both take as long")


class UsernameTaken(ValueError):
    """Another account has this user name."""


class RoleHeld(ValueError):
    """The person holds this very role already."""


class MoveTooEarly(ValueError):
    """The person already belongs to a unit from a later day on."""

    def __init__(self, since: date) -> None:
        super().__init__(f"the present membership begins on {since}")
        self.since = since


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
    give_account(session, person, username, password)
    if unit is not None:
        session.add(Membership(person_id=person.id, unit_id=unit.id, tree=STATE_TREE, kind="main", valid_from=since))
    session.flush()  # those who are told read what was added
    note(session, "person.create", actor=by, object_kind="person", object_id=person.public_id)
    tell(session, PeopleMoved((person.id,)))
    return person


def give_account(session: Session, person: Person, username: str, password: str | None) -> None:
    """Give a person a way to sign in. Raises `UsernameTaken` when somebody else took the name at this moment."""
    account = SignInAccount(
        person_id=person.id,
        username=username,
        password_hash=hasher.hash(password) if password else None,
        password_changed_at=clock.now() if password else None,
    )
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError as error:
        raise UsernameTaken(username) from error


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
    """From the day `on` the person is counted in `unit`. The earlier membership ends that day and is kept.

    A membership that begins on that very day has never held for a day: it is corrected. Raises `MoveTooEarly`.
    """
    lock_roll(session)  # one move at a time; and before any row, as all who need both take them
    last = session.scalar(
        select(Membership)
        .where(
            Membership.person_id == person.id,
            Membership.tree == STATE_TREE,
            Membership.kind == "main",
            Membership.valid_to.is_(None),
        )
        .execution_options(populate_existing=True)  # another move may have ended since the page looked
    )
    if last is not None and on < last.valid_from:
        raise MoveTooEarly(last.valid_from)
    if last is not None and on == last.valid_from:
        last.unit_id = unit.id
    else:
        if last is not None:
            last.valid_to = on
            session.flush()  # the table allows one membership without an end
        session.add(Membership(person_id=person.id, unit_id=unit.id, tree=STATE_TREE, kind="main", valid_from=on))
    session.flush()  # those who are told read what was added
    note(session, "person.move", actor=by, object_kind="person", object_id=person.public_id, unit=str(unit.public_id))
    tell(session, PeopleMoved((person.id,)))


def grant_role(
    session: Session, person: Person, role: str, *, unit: Unit | None, since: date, by: uuid.UUID | None = None
) -> None:
    """Give a role over a unit and all below it, or everywhere (None), from `since`; the person signs in anew.

    Raises `RoleHeld`.
    """
    over = unit.id if unit else None
    open_one = select(RoleGrant.id).filter_by(person_id=person.id, role=role, unit_id=over, valid_to=None)
    if session.scalar(open_one) is not None:
        raise RoleHeld(role)
    try:
        with session.begin_nested():
            session.add(RoleGrant(person_id=person.id, role=role, unit_id=over, valid_from=since))
    except IntegrityError as error:  # another transaction gave it after we had looked
        raise RoleHeld(role) from error
    end_all_sessions(session, person.id)
    scope = str(unit.public_id) if unit else "everywhere"
    note(session, "role.grant", actor=by, object_kind="person", object_id=person.public_id, role=role, unit=scope)


def end_role(session: Session, grant: RoleGrant, *, by: uuid.UUID | None = None) -> None:
    """From today on the role no longer holds, and the person signs in anew. One that has ended is left as it is."""
    if grant.valid_to is not None:
        return
    grant.valid_to = clock.today()
    end_all_sessions(session, grant.person_id)
    public_id = session.scalar(select(Person.public_id).where(Person.id == grant.person_id))
    note(session, "role.end", actor=by, object_kind="person", object_id=public_id, role=grant.role)


def close_account(session: Session, person: Person, *, by: uuid.UUID | None = None) -> None:
    """Nobody signs in with this account any more, and every session of it ends. What was studied stays."""
    account = session.get_one(SignInAccount, person.id)
    account.disabled_at = account.disabled_at or clock.now()
    end_all_sessions(session, person.id)
    note(session, "account.close", actor=by, object_kind="person", object_id=person.public_id)


def reopen_account(session: Session, person: Person, *, by: uuid.UUID | None = None) -> None:
    """The account that was closed opens again, with the password it had."""
    session.get_one(SignInAccount, person.id).disabled_at = None
    note(session, "account.reopen", actor=by, object_kind="person", object_id=person.public_id)


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

    The counter is in the database, so that all workers and hosts share it; what is counted is only a digest. One
    statement makes the row or adds to it: whoever comes at the same moment waits and is counted too.
    """
    now = clock.now()
    counted = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(ThrottleCounter)
    old = ThrottleCounter.window_start < now - THROTTLE_WINDOW
    attempts = session.scalar(
        counted.values(key=digest(f"{kind} {value}"), window_start=now, attempts=1)
        .on_conflict_do_update(
            index_elements=[ThrottleCounter.key],
            set_={
                "window_start": case((old, counted.excluded.window_start), else_=ThrottleCounter.window_start),
                "attempts": case((old, 1), else_=ThrottleCounter.attempts + 1),
            },
        )
        .returning(ThrottleCounter.attempts)
    )
    return attempts is not None and attempts <= limit


def uncount_attempt(session: Session, kind: str, value: str) -> None:
    """Take one attempt back: it was a good one, as most are that come from one office's address."""
    session.execute(
        update(ThrottleCounter)
        .where(ThrottleCounter.key == digest(f"{kind} {value}"), ThrottleCounter.attempts > 0)
        .values(attempts=ThrottleCounter.attempts - 1)
    )


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


def mail_person(session: Session, payload: Mapping[str, Any]) -> None:
    """The handler of queued mail: finds name and address, which no job carries, and hands the mail over."""
    person = session.get(Person, payload["person_id"])
    name, address = (person.full_name, person.email) if person is not None else ("", None)
    session.rollback()  # nothing was written: a mail server must not be waited for with the database locked
    if address:
        deliver(config_of(session), address=address, name=name, payload=payload)
