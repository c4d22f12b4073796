"""Reading people and where they belong."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, true
from sqlalchemy.orm import Session, joinedload

from lms import clock, text
from lms.accounts.models import (
    Membership,
    Person,
    PersonLink,
    RoleGrant,
    SignInAccount,
    UnitHeadcount,
    UserSession,
    Viewing,
)
from lms.accounts.rules import limits_for
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


def open_sessions(person_id: int, *, now: datetime, limits: SessionLimits, roles: Iterable[str]) -> Select[UserSession]:
    """The sessions of a person with these roles that have not ended, the one used last first."""
    idle, length = limits_for(roles, limits)
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


def people_counted_in(unit_ids: Iterable[int], *, on: date, later: bool = True, tree: str = STATE_TREE) -> Select[int]:
    """Who is counted in one of these units or below, that day or (`later`) from a later day on, for use as a subquery.

    With them the records that would be, were they not linked to another: whoever keeps them can unlink them.
    """
    return people_counted_by({tree: unit_ids}, on=on, later=later)


Scope: TypeAlias = Mapping[str, Iterable[int]]
"""Units by tree: a person is in it who is counted in one of them or below, in that tree."""


def people_counted_by(scope: Scope, *, on: date, later: bool = True) -> Select[int]:
    """As `people_counted_in`, of both trees."""
    return select(Membership.person_id).where(
        or_(Membership.kind == "main", Membership.link_id.is_not(None)),
        or_(
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Membership.valid_to.is_(None) if later else false(),
        ),
        within_scope(scope, on=on),
    )


Found: TypeAlias = Select[Person, SignInAccount, Unit | None]  # with account, and unit where counted


def people_found(sought: str = "", *, on: date, within: Scope | None = None, tree: str = STATE_TREE) -> Found:
    """People with their account and the unit where they are counted that day, in Vietnamese order of names.

    Every word of `sought` is found in the name, with or without marks, or the user name begins with the whole; with
    `within`, only people of these units and below them. A record linked to another is not among them: the other is.
    """
    query = people_shown(on=on, tree=tree).where(Person.id.not_in(duplicates()), found_by(sought))
    return query if within is None else query.where(within_scope(within, on=on))


def people_shown(*, on: date, tree: str = STATE_TREE) -> Found:
    """People with their account and the unit where they are counted that day, in Vietnamese order of names."""
    return (
        select(Person, SignInAccount, Unit)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .outerjoin(Membership, and_(Membership.person_id == Person.id, *counting(on, tree)))
        .outerjoin(Unit, Unit.id == Membership.unit_id)
        .where(Person.erased_at.is_(None))
        .order_by(Person.sort_key, Person.id)
    )


def ids_found(
    sought: str,
    called: Collection[int],
    *,
    on: date,
    within: Scope | None,
    walking: bool = False,
) -> Select[int]:
    """The ids of those whom `people_found` finds, in the same order. Cheap enough to be read whole and counted.

    `called`: whose user names begin so (`ids_called`). They are asked for before: an alternative that is nearly always
    empty would be tried for everybody. `walking`: everybody is looked at in order until a page is full, which is quick
    where the units have many people, rather than all people of the units being gathered and sorted. Whoever is counted
    in the units of both trees is found once.
    """
    named = or_(named_so(sought), Person.id.in_(called)) if called else named_so(sought)
    query = select(Person.id).where(named, Person.id.not_in(duplicates()))
    query = query.order_by(Person.sort_key, Person.id)
    if within is None:
        return query
    whole = Membership.kind == "main", holds_on(on, Membership.valid_from, Membership.valid_to)
    counted = and_(Membership.person_id == Person.id, *whole, within_scope(within, on=on))
    once = walking or len(within) > 1
    return query.where(select(Membership.id).where(counted).exists()) if once else query.join(Membership, counted)


def headcount_below(scope: Scope, *, on: date) -> Select[int]:
    """How many people are counted in these units and below them on the settled day, each once in each tree."""
    below = [
        and_(UnitHeadcount.tree == tree, UnitHeadcount.unit_id.in_(subtree(one, on=on, tree=tree)))
        for tree, unit_ids in scope.items()
        for one in unit_ids
    ]
    return select(func.coalesce(func.sum(UnitHeadcount.people), 0)).where(or_(false(), *below))


def ids_called(sought: str) -> Select[int]:
    """Those whose user names begin with what is sought, spaces aside; at most so many."""
    begun, name = "".join(text.fold(sought).split()), SignInAccount.username
    between = and_(name.between(begun, begun + "z" * LONGEST_USERNAME), name.startswith(begun, autoescape=True))
    return select(SignInAccount.person_id).where(between if begun else false()).limit(MOST_CALLED)


def counting(on: date, tree: str) -> tuple[ColumnElement[bool], ...]:
    """What makes a membership count that day in that tree."""
    main = Membership.tree == tree, Membership.kind == "main"
    return (*main, holds_on(on, Membership.valid_from, Membership.valid_to))


def within_scope(scope: Scope, *, on: date) -> ColumnElement[bool]:
    """Whether a membership is in one of these units or below, in its tree."""
    trees = [
        and_(Membership.tree == tree, or_(*(Membership.unit_id.in_(subtree(one, on=on, tree=tree)) for one in ids)))
        for tree, ids in ((tree, tuple(ids)) for tree, ids in scope.items())
        if ids
    ]
    return or_(false(), *trees)


LONGEST_USERNAME = 50
MOST_CALLED = 1_000


def found_by(sought: str) -> ColumnElement[bool]:
    """Whether every word is found in the name, with or without marks, or the user name begins with the whole."""
    return or_(named_so(sought), Person.id.in_(ids_called(sought))) if sought.strip() else true()


def named_so(sought: str) -> ColumnElement[bool]:
    """Whether every word is found in the name, with or without marks."""
    words = text.fold(sought).split()
    return and_(true(), *(Person.search_key.contains(word, autoescape=True) for word in words))


def everybody() -> Select[int]:
    """How many people there are, each once."""
    linked = select(func.count()).select_from(duplicates().subquery()).scalar_subquery()
    return select(func.count() - linked).select_from(Person)


def duplicates() -> Select[int]:
    """The records that are linked to another and count no more, for use as a subquery."""
    return select(PersonLink.duplicate_id).where(PersonLink.same, PersonLink.undone_at.is_(None))


def links_of(person_ids: Iterable[int]) -> Select[int, int]:
    """Duplicate and record that stands for it, of all links in which one of these is either."""
    ids = set(person_ids)
    touches = or_(PersonLink.duplicate_id.in_(ids), PersonLink.person_id.in_(ids))
    return all_links().where(touches)


def all_links() -> Select[int, int]:
    """Duplicate and record that stands for it, of all links."""
    return select(PersonLink.duplicate_id, PersonLink.person_id).where(PersonLink.same, PersonLink.undone_at.is_(None))


def linked_with(person_id: int) -> Select[PersonLink, Person]:
    """The other record of each link of this one, with the link: those that count by it, or the one it counts by."""
    mine = or_(PersonLink.person_id == person_id, PersonLink.duplicate_id == person_id)
    other = case((PersonLink.person_id == person_id, PersonLink.duplicate_id), else_=PersonLink.person_id)
    return (
        select(PersonLink, Person)
        .join(Person, Person.id == other)
        .where(mine, PersonLink.same, PersonLink.undone_at.is_(None))
        .order_by(PersonLink.id)
    )


def link_of(person_id: int) -> Select[PersonLink]:
    """The link by which this record counts no more, when there is one."""
    return select(PersonLink).where(
        PersonLink.duplicate_id == person_id, PersonLink.same, PersonLink.undone_at.is_(None)
    )


def namesakes(full_name: str, *, on: date, within: Select[int] | None = None) -> Found:
    """People called exactly so, with the unit where they are counted that day; of these people, when some are named."""
    among = Person.id.in_(within) if within is not None else true()
    return people_found(on=on).where(among).where(Person.full_name == text.nfc(full_name)).limit(MOST_NAMESAKES)


def memberships_of(person_id: int) -> Select[Membership]:
    """Where the person belongs and has belonged in both trees, with unit and document of each, the latest first.

    The state tree first, and in each tree the memberships that count before concurrent posts.
    """
    return (
        select(Membership)
        .options(joinedload(Membership.unit), joinedload(Membership.transfer))
        .where(Membership.person_id == person_id)
        .order_by(Membership.tree.desc(), Membership.kind.desc(), Membership.valid_from.desc(), Membership.id.desc())
    )


def roles_held(person_id: int, *, on: date) -> Select[RoleGrant]:
    """The roles the person holds that day, with their units."""
    return roles_of(person_id).where(
        holds_on(on, RoleGrant.valid_from, RoleGrant.valid_to), RoleGrant.over_standing(on)
    )


def roles_of(person_id: int) -> Select[RoleGrant]:
    """The roles the person holds or has held, with their units, the latest first."""
    return (
        select(RoleGrant)
        .options(joinedload(RoleGrant.unit))
        .where(RoleGrant.person_id == person_id)
        .order_by(RoleGrant.valid_to.is_not(None), RoleGrant.valid_from.desc(), RoleGrant.id.desc())
    )


MOST_VIEWINGS = 20
"""So many of those who looked are shown, the latest first; the log has all."""


def viewings_of(person_id: int) -> Select[Viewing, str]:
    """When somebody looked at the product as this person sees it, and who, the latest first."""
    return (
        select(Viewing, Person.full_name)
        .join(Person, Person.id == Viewing.viewer_id)
        .where(Viewing.person_id == person_id)
        .order_by(Viewing.id.desc())
        .limit(MOST_VIEWINGS)
    )


def people_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """The names of those of these opaque ids that are people's (`called` in lms/doors.py)."""
    rows = session.execute(
        select(Person.public_id, Person.full_name).where(Person.public_id.in_([uuid.UUID(one) for one in ids]))
    )
    return {str(public_id): name for public_id, name in rows}


def units_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """The names of those of these opaque ids that are units'."""
    rows = session.execute(select(Unit.public_id, Unit.name).where(Unit.public_id.in_([uuid.UUID(one) for one in ids])))
    return {str(public_id): name for public_id, name in rows}


class PeopleByName:
    """What pages below the accounts may learn of people (`People` in lms/doors.py)."""

    def names(self, session: Session, public_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """The names of those of these people who are known."""
        rows = session.execute(select(Person.public_id, Person.full_name).where(Person.public_id.in_(set(public_ids))))
        return dict(rows.all())

    def found(self, session: Session, sought: str, *, most: int) -> list[Named]:
        """People whose name or user name has these words; whoever has just this user name first."""
        called_so = people_found(on=clock.today()).where(SignInAccount.username == sought.strip().lower())
        rows = [*session.execute(called_so), *session.execute(people_found(sought, on=clock.today()).limit(most))]
        found = [
            Named(person.public_id, person.full_name, unit.name if unit else "", account.username)
            for person, account, unit in rows
        ]
        return list(dict.fromkeys(found))[:most]


def number_by_unit(*, on: date, tree: str) -> Select[int, int]:
    """Each unit in which somebody is counted that day, and how many are."""
    return (
        select(Membership.unit_id, func.count().label("people")).where(*counting(on, tree)).group_by(Membership.unit_id)
    )
