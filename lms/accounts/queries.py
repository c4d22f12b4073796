"""Reading people and where they belong."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from lms import clock, text
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount, UserSession
from lms.config import SessionLimits
from lms.doors import Named
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.queries import holds_on, subtree

MOST_NAMESAKES = 5
"""So many people of one name are shown before another is added."""


def account_by_username(username: str) -> Select[SignInAccount]:
    """The account with this user name, whatever the case in which it was typed."""
    return select(SignInAccount).where(SignInAccount.username == username.strip().lower())


MOST_RESETS = 5
"""So many accounts may share an address of mail and still be helped by it."""


def accounts_for_reset(sought: str) -> Select[SignInAccount]:
    """The accounts with this user name or this address."""
    return (
        select(SignInAccount)
        .join(Person, Person.id == SignInAccount.person_id)
        .where(or_(SignInAccount.username == sought.lower(), Person.email.in_((sought, sought.lower()))))
        .order_by(SignInAccount.person_id)
        .limit(MOST_RESETS)
    )


def open_sessions(person_id: int, *, now: datetime, limits: SessionLimits, administers: bool) -> Select[UserSession]:
    """The sessions of a person that have not ended, the one used last first."""
    idle, length = (limits.admin_idle, limits.admin_length) if administers else (limits.idle, limits.length)
    return (
        select(UserSession)
        .where(
            UserSession.person_id == person_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > now,
            UserSession.created_at > now - length,
            UserSession.seen_at > now - idle,
        )
        .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
    )


def main_unit(person_id: int, *, on: date, tree: str = STATE_TREE) -> Select[Unit]:
    """The unit where the person is counted in that tree on that day."""
    return (
        select(Unit)
        .join(Membership, Membership.unit_id == Unit.id)
        .where(
            Membership.person_id == person_id,
            Membership.tree == tree,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
        )
    )


def counted_people(*, on: date, tree: str = STATE_TREE) -> Select[int, int]:
    """Person and unit for everyone counted in that tree on that day. One row a person."""
    return select(Membership.person_id, Membership.unit_id).where(
        Membership.tree == tree,
        Membership.kind == "main",
        holds_on(on, Membership.valid_from, Membership.valid_to),
    )


def people_below(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[Person, Unit]:
    """Everyone counted in the unit or below it, with the unit, in Vietnamese order of names."""
    return (
        select(Person, Unit)
        .join(Membership, Membership.person_id == Person.id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.tree == tree,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Membership.unit_id.in_(subtree(unit_id, on=on, tree=tree)),
        )
        .order_by(Person.sort_key, Person.id)
    )


def people_found(
    sought: str = "", *, on: date, unit_id: int | None = None, tree: str = STATE_TREE
) -> Select[Person, SignInAccount, Unit | None]:
    """People with their account and the unit where they are counted that day, in Vietnamese order of names.

    Every word of `sought` is found in the name, with or without marks, or the whole is part of the user name; with
    `unit_id`, only people of that unit and below it.
    """
    query = (
        select(Person, SignInAccount, Unit)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .outerjoin(
            Membership,
            and_(
                Membership.person_id == Person.id,
                Membership.tree == tree,
                Membership.kind == "main",
                holds_on(on, Membership.valid_from, Membership.valid_to),
            ),
        )
        .outerjoin(Unit, Unit.id == Membership.unit_id)
        .where(Person.erased_at.is_(None))
        .order_by(Person.sort_key, Person.id)
    )
    if unit_id is not None:
        query = query.where(Membership.unit_id.in_(subtree(unit_id, on=on, tree=tree)))
    if words := text.fold(sought).split():
        named = and_(*(Person.search_key.contains(word, autoescape=True) for word in words))
        query = query.where(or_(named, SignInAccount.username.contains("".join(words), autoescape=True)))
    return query


def namesakes(full_name: str, *, on: date) -> Select[Person, SignInAccount, Unit | None]:
    """People called exactly so, with the unit where they are counted that day."""
    return people_found(on=on).where(Person.full_name == text.nfc(full_name)).limit(MOST_NAMESAKES)


def memberships_of(person_id: int) -> Select[Membership]:
    """Where the person has been counted, with the unit of each membership, the latest first."""
    return (
        select(Membership)
        .options(joinedload(Membership.unit))
        .where(Membership.person_id == person_id, Membership.kind == "main")
        .order_by(Membership.valid_from.desc(), Membership.id.desc())
    )


def roles_held(person_id: int, *, on: date) -> Select[RoleGrant]:
    """The roles the person holds that day, with their units."""
    return roles_of(person_id).where(holds_on(on, RoleGrant.valid_from, RoleGrant.valid_to))


def roles_of(person_id: int) -> Select[RoleGrant]:
    """The roles the person holds or has held, with their units, the latest first."""
    return (
        select(RoleGrant)
        .options(joinedload(RoleGrant.unit))
        .where(RoleGrant.person_id == person_id)
        .order_by(RoleGrant.valid_to.is_not(None), RoleGrant.valid_from.desc(), RoleGrant.id.desc())
    )


def people_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """The names of those of these opaque ids that are people's (`called` in lms/doors.py)."""
    rows = session.execute(select(Person.public_id, Person.full_name).where(Person.public_id.in_(as_uuids(ids))))
    return {str(public_id): name for public_id, name in rows}


def units_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """The names of those of these opaque ids that are units'."""
    rows = session.execute(select(Unit.public_id, Unit.name).where(Unit.public_id.in_(as_uuids(ids))))
    return {str(public_id): name for public_id, name in rows}


def as_uuids(ids: Iterable[str]) -> list[uuid.UUID]:
    return [uuid.UUID(one) for one in ids]


class PeopleByName:
    """What pages below the accounts may learn of people (`People` in lms/doors.py)."""

    def names(self, session: Session, public_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """The names of those of these people who are known."""
        rows = session.execute(select(Person.public_id, Person.full_name).where(Person.public_id.in_(set(public_ids))))
        return dict(rows.all())

    def found(self, session: Session, sought: str, *, most: int) -> list[Named]:
        """People whose name or user name has these words, in Vietnamese order, at most so many."""
        rows = session.execute(people_found(sought, on=clock.today()).limit(most))
        return [Named(person.public_id, person.full_name, unit.name if unit else "") for person, _own, unit in rows]
