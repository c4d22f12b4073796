"""Making people and accounts, moving people, and their passwords."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Select, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.models import Membership, OneTimeLink, PasswordBefore, Person, RoleGrant, SignInAccount
from lms.accounts.queries import accounts_for_reset, link_of
from lms.accounts.rules import LINK_LIFE, MAILED_LINK_LIFE, composed, stands_not_alone
from lms.accounts.session import administers, digest, end_all_sessions, end_links, hold_accounts, mailed_token
from lms.accounts.storage import Placing, decision, must_last, place_people, wear_positions
from lms.audit.actions import note
from lms.db import adds_identities, config_of, lock_roll
from lms.doors import tell
from lms.organisation.actions import NO_BASIS, Basis
from lms.organisation.models import STATE_TREE, Unit
from lms.outbox.actions import queue

hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODY = hasher.hash("the hash that is checked when there is no such account, so that both take as long")


class UsernameTaken(ValueError):
    """Another account has this user name."""


class RoleHeld(ValueError):
    """The person holds this very role already."""


class CountsNoMore(ValueError):
    """The record is linked to another, which counts for both."""


class MoveTooEarly(ValueError):
    """The person already belongs to a unit from a later day on."""

    def __init__(self, since: date) -> None:
        super().__init__(f"the present membership begins on {since}")
        self.since = since


@dataclass(frozen=True, slots=True)
class PeopleMoved:
    """Told when people begin, change or end the membership in which they are counted, or are others than before.

    Others: of another staff category, in the Party or not, in another position. Rolls may choose people by these.
    """

    person_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RoleGranted:
    """Told when somebody is given a role: what was handed out to open the account before ends."""

    person_id: int


@dataclass(frozen=True, slots=True)
class LinkHandedOver:
    """Told when an administrator is given a link for somebody: what was handed out before on paper ends."""

    person_id: int


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """Told when somebody has set a password: what opened the account until then ends."""

    person_id: int


def create_person(
    session: Session,
    *,
    full_name: str,
    username: str,
    unit: Unit | None,
    since: date,
    tree: str = STATE_TREE,
    position: str = "",
    category: str = "cong_chuc",
    party: str = "quan_chung",
    email: str | None = None,
    fictional: bool = False,
    password: str | None = None,
    by: uuid.UUID | None = None,
) -> Person:
    """Add a person with an account, counted in `unit`, in that tree, from `since`. Raises `UsernameTaken`, `UnitEnded`.

    Without a password the account opens only by a one-time link (`issue_link`).
    """
    adds_identities(session)
    username = username.strip().lower()
    if session.scalar(select(SignInAccount.person_id).where(SignInAccount.username == username)) is not None:
        raise UsernameTaken(username)
    if unit is not None:
        must_last(session, unit, since)
    person = new_person(full_name, position=position, category=category, party=party, email=email, fictional=fictional)
    session.add(person)
    session.flush()  # account and membership need the id
    give_account(session, person, username, password)
    if unit is not None:
        session.add(Membership(person_id=person.id, unit_id=unit.id, tree=tree, kind="main", valid_from=since))
    session.flush()  # those who are told read what was added
    begun = {"unit": (None, str(unit.public_id) if unit else None), "category": (None, category)}
    note(session, "person.create", actor=by, object_kind="person", object_id=person.public_id, changes=begun)
    tell(session, PeopleMoved((person.id,)))
    return person


def give_account(session: Session, person: Person, username: str, password: str | None) -> None:
    """Give a person a way to sign in. Raises `UsernameTaken` when somebody else took the name at this moment."""
    account = SignInAccount(
        person_id=person.id,
        username=username,
        password_hash=hasher.hash(composed(password)) if password else None,
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


def move_person(
    session: Session,
    person: Person,
    unit: Unit,
    *,
    on: date,
    position: str = "",
    basis: Basis = NO_BASIS,
    by: uuid.UUID | None = None,
) -> None:
    """From the day `on` the person is counted in `unit`. The earlier membership ends that day and is kept.

    A membership that begins on that very day has never held for a day: it is corrected. Raises `MoveTooEarly`,
    `UnitEnded`, and `CountsNoMore` for a record that is linked to another.
    """
    lock_roll(session)  # one move at a time; and before any row, as all who need both take them
    if session.scalar(link_of(person.id)) is not None:
        raise CountsNoMore
    must_last(session, unit, on)
    last = session.scalar(open_membership(person.id))
    if last is not None and on < last.valid_from:
        raise MoveTooEarly(last.valid_from)
    before = str(session.get_one(Unit, last.unit_id).public_id) if last is not None else None
    transfer_id = decision(session, basis, by=by) if basis != NO_BASIS else None
    place_people(session, {person.id: unit.id}, on=on, placing=Placing(text.nfc(position), transfer_id))
    wear_positions(session, clock.today())
    if person in session:
        session.expire(person, ["position"])
    note(
        session,
        "person.move",
        actor=by,
        object_kind="person",
        object_id=person.public_id,
        changes={"unit": (before, str(unit.public_id))},
        on=str(on),
    )
    tell(session, PeopleMoved((person.id,)))


def open_membership(person_id: int) -> Select[Membership]:
    """Where the person is counted in the state tree without an end, as it is now: a move may have ended meanwhile."""
    mine = (Membership.person_id == person_id, Membership.tree == STATE_TREE, Membership.kind == "main")
    return select(Membership).where(*mine, Membership.valid_to.is_(None)).execution_options(populate_existing=True)


def grant_role(
    session: Session,
    person: Person,
    role: str,
    *,
    unit: Unit | None,
    since: date,
    until: date | None = None,
    tree: str = STATE_TREE,
    by: uuid.UUID | None = None,
) -> None:
    """Give a role over a unit and all below it in a tree, or everywhere (None), from `since`; they sign in anew.

    Links and slips that were handed out for less end, whoever holds them, however late the role begins.
    `until` is the first day on which it no longer holds. Raises `RoleHeld` when it is held on one of these days.
    """
    hold_accounts(session, person.id)
    over = unit.id if unit else None
    same = select(RoleGrant.id).where(
        RoleGrant.person_id == person.id,
        RoleGrant.role == role,
        RoleGrant.tree == tree,
        RoleGrant.unit_id == over if over is not None else RoleGrant.unit_id.is_(None),
        or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > since),
        RoleGrant.valid_from < until if until is not None else true(),
    )
    if session.scalar(same.limit(1)) is not None:
        raise RoleHeld(role)
    try:
        with session.begin_nested():
            held = {"role": role, "unit_id": over, "tree": tree, "valid_from": since, "valid_to": until}
            session.add(RoleGrant(person_id=person.id, granted_at=clock.now(), **held))
    except IntegrityError as error:  # another transaction gave it after we had looked
        raise RoleHeld(role) from error
    end_all_sessions(session, person.id)
    tell(session, RoleGranted(person.id))
    end_links(session, person.id)
    scope, last = str(unit.public_id) if unit else "everywhere", str(until) if until is not None else None
    begun = {"role": (None, role), "unit": (None, scope), "since": (None, str(since)), "until": (None, last)}
    note(session, "role.grant", actor=by, object_kind="person", object_id=person.public_id, changes=begun, tree=tree)


def end_role(session: Session, grant: RoleGrant, *, by: uuid.UUID | None = None) -> None:
    """From today on the role no longer holds, and the person signs in anew. One that has ended is left as it is."""
    today = clock.today()
    if grant.valid_to is not None and grant.valid_to <= today:
        return
    grant.valid_to = today
    end_all_sessions(session, grant.person_id)
    public_id = session.scalar(select(Person.public_id).where(Person.id == grant.person_id))
    held = {"role": (grant.role, None), "unit": (str(grant.unit.public_id) if grant.unit else "everywhere", None)}
    note(session, "role.end", actor=by, object_kind="person", object_id=public_id, changes=held)


def close_account(session: Session, person: Person, *, by: uuid.UUID | None = None) -> None:
    """Nobody signs in with this account any more, and every session of it ends. What was studied stays."""
    account = session.get_one(SignInAccount, person.id)
    was = opened(account)
    account.disabled_at = account.disabled_at or clock.now()
    end_all_sessions(session, person.id)
    changes = {"account": (was, "closed")}
    note(session, "account.close", actor=by, object_kind="person", object_id=person.public_id, changes=changes)


def reopen_account(session: Session, person: Person, *, by: uuid.UUID | None = None) -> None:
    """The account that was closed opens again, with the password it had."""
    account = session.get_one(SignInAccount, person.id)
    changes = {"account": (opened(account), "open")}
    account.disabled_at = None
    note(session, "account.reopen", actor=by, object_kind="person", object_id=person.public_id, changes=changes)


def opened(account: SignInAccount) -> str:
    """The state of an account as the audit log has it."""
    return "open" if account.disabled_at is None else "closed"


def issue_link(session: Session, person: Person, *, by: uuid.UUID | None = None) -> str:
    """A token to be handed over, with which the person sets a password, once, within a week.

    It is the one way in that an administrator has given: earlier tokens end, and so does a slip of paper.
    """
    hold_accounts(session, person.id)
    tell(session, LinkHandedOver(person.id))
    return new_link(session, person, by=by)


def new_link(
    session: Session, person: Person, *, life: timedelta = LINK_LIFE, mailed: str = "", by: uuid.UUID | None = None
) -> str:
    """A token with which the person sets a password, once, as long as said. Earlier tokens end.

    `mailed` is the token of a link that goes by mail: anybody can ask for one, so it ends none that was handed over.
    """
    token, now = mailed or secrets.token_urlsafe(32), clock.now()
    end_links(session, person.id, mailed_only=bool(mailed))
    link = OneTimeLink(token_digest=digest(token), person_id=person.id, created_at=now, expires_at=now + life)
    link.mailed = bool(mailed)
    session.add(link)
    note(session, "link.issue", actor=by, object_kind="person", object_id=person.public_id)
    return token


def use_link(session: Session, token: str, account: SignInAccount, password: str) -> bool:
    """Set the password and end the token and every session of the account. False: somebody was quicker."""
    hold_accounts(session, account.person_id)
    used = session.scalar(
        update(OneTimeLink)
        .where(OneTimeLink.token_digest == digest(token), OneTimeLink.used_at.is_(None))
        .values(used_at=clock.now())
        .returning(OneTimeLink.id)
    )
    if used is not None:
        set_password(session, account, password)
    return used is not None


def set_password(session: Session, account: SignInAccount, password: str) -> None:
    """Set a new password, which has been judged (`password_reused` too); every session of the person ends.

    Those of administrators are remembered, so that they are not used again.
    """
    now, policy = clock.now(), config_of(session).passwords
    if account.password_hash and policy.remembered and administers(session, account.person_id):
        session.add(PasswordBefore(person_id=account.person_id, password_hash=account.password_hash, replaced_at=now))
    account.password_hash = hasher.hash(composed(password))
    account.password_changed_at = now
    account.short_password = stands_not_alone(password, policy)
    end_all_sessions(session, account.person_id)
    end_links(session, account.person_id)
    public_id = session.scalar(select(Person.public_id).where(Person.id == account.person_id))
    note(session, "password.set", actor=public_id, object_kind="person", object_id=public_id)
    tell(session, PasswordSet(account.person_id))


def password_reused(session: Session, account: SignInAccount, password: str) -> bool:
    """Whether this is the present password, or one of the last of an administrator."""
    policy = config_of(session).passwords
    earlier = [account.password_hash] if account.password_hash else []
    if policy.remembered and administers(session, account.person_id):
        last = select(PasswordBefore.password_hash).where(PasswordBefore.person_id == account.person_id)
        earlier += session.scalars(last.order_by(PasswordBefore.id.desc()).limit(policy.remembered - 1))
    return any(opens(stored, password) for stored in earlier)


def opens(stored: str, password: str) -> bool:
    """Whether the password is the one behind this digest, whichever way its letters were composed.

    The work depends on what was typed alone, never on what is stored: how long it takes tells nothing of an account.
    """
    behind = [is_behind(stored, one) for one in dict.fromkeys((composed(password), password))]  # every one, always
    return any(behind)


def is_behind(stored: str, typed: str) -> bool:
    """Whether the digest was made of exactly this. What is no digest is compared with that of nobody."""
    try:
        return hasher.verify(stored, typed)
    except VerifyMismatchError:
        return False
    except InvalidHashError:
        return is_behind(NOBODY, typed) and False


def password_fits(account: SignInAccount | None, password: str) -> bool:
    """Whether the password opens the account. As much work when there is none, it is closed or has no password."""
    stored = account.password_hash if account is not None and account.password_hash else NOBODY
    fits = opens(stored, password)
    return fits and account is not None and account.password_hash is not None and account.disabled_at is None


RESET, RESET_MAIL = "reset", "reset mail"


def ask_for_reset(session: Session, typed: str) -> None:
    """Have a link mailed to whoever has this user name or address. Whether there is anybody takes no other course."""
    found = session.scalars(accounts_for_reset(text.nfc(typed)))
    queue(session, RESET, {"person_ids": [account.person_id for account in found]})


def issue_reset(session: Session, payload: Mapping[str, Any]) -> None:
    """The handler of `reset`: a link that is good once and for half an hour, for each open account with an address.

    What is queued cannot be made a link of without LMS_SECRET_KEY: a copy of the database opens no door.
    """
    for person_id in payload["person_ids"]:
        person, account = session.get(Person, person_id), session.get(SignInAccount, person_id)
        if person is None or account is None or account.disabled_at is not None or not person.email:
            continue
        seed = secrets.token_urlsafe(32)
        new_link(session, person, life=MAILED_LINK_LIFE, mailed=mailed_token(config_of(session), seed))
        queue(session, RESET_MAIL, {"person_id": person_id, "seed": seed})
