"""Reading which records may be one person, and which are linked."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from lms.accounts.models import Membership, Person, PersonLink, SignInAccount, UserSession
from lms.accounts.queries import duplicates
from lms.duplicates.rules import LIKELIEST, Pair, pair
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.queries import holds_on
from lms.roster.models import DateOfBirth, StaffCode
from lms.roster.queries import staff_codes

MOST = 100
"""So many suggestions are shown; more come when these have been decided."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two records that may be one person, and why: the likeliest reason first."""

    one: Person
    other: Person
    reasons: tuple[str, ...]


def suggestions(session: Session, *, on: date, reach: Select[int] | None) -> list[Suggestion]:
    """Pairs that nobody has decided about, both in reach, the likeliest first; at most so many. Five statements."""
    decided = {pair(*row) for row in session.execute(decisions())}
    found: dict[Pair, list[str]] = {}
    for reason, query in zip(LIKELIEST, (same_code(reach), same_birth(reach), same_unit(on, reach)), strict=True):
        for row in session.execute(query.limit(MOST + len(decided))):
            if (both := pair(*row)) not in decided:
                found.setdefault(both, []).append(reason)
    pairs = sorted(found, key=lambda both: (LIKELIEST.index(found[both][0]), -len(found[both])))[:MOST]
    people = people_by_id(session, {own for both in pairs for own in both})
    return [Suggestion(people[one], people[other], tuple(found[one, other])) for one, other in pairs]


def decisions() -> Select[int, int]:
    """The pairs somebody has decided about."""
    return select(PersonLink.duplicate_id, PersonLink.person_id).where(PersonLink.undone_at.is_(None))


def people_by_id(session: Session, ids: Iterable[int]) -> dict[int, Person]:
    """These people."""
    return {one.id: one for one in session.scalars(select(Person).where(Person.id.in_(set(ids))))}


ONE, OTHER = aliased(Person), aliased(Person)


def both_within(reach: Select[int] | None) -> ColumnElement[bool]:
    """Whether both records may be seen, and neither counts by another."""
    apart = and_(ONE.id < OTHER.id, ONE.id.not_in(duplicates()), OTHER.id.not_in(duplicates()))
    return apart if reach is None else and_(apart, ONE.id.in_(reach), OTHER.id.in_(reach))


def same_birth(reach: Select[int] | None) -> Select[int, int]:
    """Same name, marks aside, and the same date of birth."""
    born, also = aliased(DateOfBirth), aliased(DateOfBirth)
    return (
        select(ONE.id, OTHER.id)
        .select_from(born)
        .join(also, and_(also.day == born.day, also.person_id > born.person_id))
        .join(ONE, ONE.id == born.person_id)
        .join(OTHER, and_(OTHER.id == also.person_id, OTHER.search_key == ONE.search_key))
        .where(both_within(reach))
        .order_by(ONE.sort_key, ONE.id, OTHER.id)
    )


def same_code(reach: Select[int] | None) -> Select[int, int]:
    """The same staff code of today, by whichever unit, and the same name, marks aside."""
    code, also = aliased(StaffCode), aliased(StaffCode)
    same = and_(
        also.code_key == code.code_key,
        also.person_id > code.person_id,
        also.valid_to.is_(None),
        code.valid_to.is_(None),
    )
    return (
        select(ONE.id, OTHER.id)
        .select_from(code)
        .join(also, same)
        .join(ONE, ONE.id == code.person_id)
        .join(OTHER, and_(OTHER.id == also.person_id, OTHER.search_key == ONE.search_key))
        .where(both_within(reach))
        .group_by(ONE.id, OTHER.id)  # whoever bears the same codes of two units is one pair
        .order_by(ONE.sort_key, ONE.id, OTHER.id)
    )


def same_unit(on: date, reach: Select[int] | None) -> Select[int, int]:
    """Same name, marks aside, both counted in the same unit that day, in the same tree; not whom two things tell apart.

    Names that occur twice in a unit are counted first: to join everybody with everybody of a unit costs much more.
    """
    counted = and_(Membership.kind == "main", holds_on(on, Membership.valid_from, Membership.valid_to))
    twice = (
        select(Membership.tree, Membership.unit_id, Person.search_key)
        .join(Person, Person.id == Membership.person_id)
        .where(counted)
        .group_by(Membership.tree, Membership.unit_id, Person.search_key)
        .having(func.count() > 1)
        .subquery()
    )
    mine, its = aliased(Membership), aliased(Membership)
    return (
        select(ONE.id, OTHER.id)
        .select_from(twice)
        .join(ONE, ONE.search_key == twice.c.search_key)
        .join(mine, in_unit(mine, ONE.id, twice.c, on))
        .join(OTHER, OTHER.search_key == twice.c.search_key)
        .join(its, in_unit(its, OTHER.id, twice.c, on))
        .where(both_within(reach), not_(told_apart()))
        .group_by(ONE.id, OTHER.id)  # whoever is counted together in both trees is one pair
        .order_by(ONE.sort_key, ONE.id, OTHER.id)
    )


def told_apart() -> ColumnElement[bool]:
    """Whether birth and staff code both say that these are two people; either alone may be a slip or another's code.

    A birth of which only the year is known tells by the year; codes that differ in leading noughts are the same.
    """
    born, also = aliased(DateOfBirth), aliased(DateOfBirth)
    births = exists().where(
        born.person_id == ONE.id, also.person_id == OTHER.id, or_(born.year != also.year, born.day != also.day)
    )
    code, its = aliased(StaffCode), aliased(StaffCode)
    mine, theirs = (and_(one.person_id == who.id, one.valid_to.is_(None)) for one, who in ((code, ONE), (its, OTHER)))
    same = func.ltrim(code.code_key, "0") == func.ltrim(its.code_key, "0")
    return and_(births, exists().where(mine), exists().where(theirs), not_(exists().where(mine, theirs, same)))


def in_unit(one: type[Membership], person: Any, there: Any, on: date) -> ColumnElement[bool]:
    """Whether a membership counts the person in that unit of that tree. Any: a column, of whichever kind; columns."""
    return and_(
        one.person_id == person,
        one.unit_id == there.unit_id,
        one.tree == there.tree,
        one.kind == "main",
        holds_on(on, one.valid_from, one.valid_to),
    )


@dataclass(frozen=True, slots=True)
class Particulars:
    """What helps to tell which record to keep."""

    unit: str
    username: str
    closed: bool
    last_seen: datetime | None
    born: str
    codes: tuple[str, ...]


def particulars(session: Session, people: Sequence[Person], *, on: date) -> dict[int, Particulars]:
    """Of these people, by id. Three statements."""
    ids = [one.id for one in people]
    codes = staff_codes(session, ids)
    seen = dict(
        session.execute(
            select(UserSession.person_id, func.max(UserSession.seen_at))
            .where(UserSession.person_id.in_(ids))
            .group_by(UserSession.person_id)
        ).all()
    )
    main = and_(
        Membership.person_id == SignInAccount.person_id,
        Membership.tree == STATE_TREE,
        Membership.kind == "main",
        holds_on(on, Membership.valid_from, Membership.valid_to),
    )
    rows = session.execute(
        select(SignInAccount, Unit.name, DateOfBirth.day, DateOfBirth.year)
        .outerjoin(Membership, main)
        .outerjoin(Unit, Unit.id == Membership.unit_id)
        .outerjoin(DateOfBirth, DateOfBirth.person_id == SignInAccount.person_id)
        .where(SignInAccount.person_id.in_(ids))
    )
    return {
        account.person_id: Particulars(
            unit or "",
            account.username,
            account.disabled_at is not None,
            seen.get(account.person_id),
            born_on(day, year),
            tuple(codes.get(account.person_id, ())),
        )
        for account, unit, day, year in rows
    }


def born_on(day: date | None, year: int | None) -> str:
    """A date of birth as people read it: the day, or the year alone, or nothing."""
    if day is not None:
        return f"{day:%d/%m}/{day.year:04}"
    return str(year) if year is not None else ""


def decided(reach: Select[int] | None, *, same: bool) -> Select[PersonLink, Person, Person]:
    """What was decided and still holds, the latest first: with both records, the one that counts last."""
    query = (
        select(PersonLink, ONE, OTHER)
        .join(ONE, ONE.id == PersonLink.duplicate_id)
        .join(OTHER, OTHER.id == PersonLink.person_id)
        .where(PersonLink.same == same, PersonLink.undone_at.is_(None))
        .order_by(PersonLink.id.desc())
        .limit(MOST)
    )
    return query if reach is None else query.where(ONE.id.in_(reach), OTHER.id.in_(reach))


def link_by_id(public_id: uuid.UUID) -> Select[PersonLink, Person, Person]:
    """A decision that still holds, with both records."""
    return (
        select(PersonLink, ONE, OTHER)
        .join(ONE, ONE.id == PersonLink.duplicate_id)
        .join(OTHER, OTHER.id == PersonLink.person_id)
        .where(PersonLink.public_id == public_id, PersonLink.undone_at.is_(None))
    )


def links_between(one: int, other: int) -> Select[PersonLink]:
    """Decisions that hold of which either record is a part."""
    ids = (one, other)
    return select(PersonLink).where(
        PersonLink.undone_at.is_(None), or_(PersonLink.duplicate_id.in_(ids), PersonLink.person_id.in_(ids))
    )
