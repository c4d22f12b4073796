"""Reading announcements."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, cast

from sqlalchemy import Date, Integer, Row, Select, and_, bindparam, false, or_, select
from sqlalchemy.orm import Session, contains_eager

from lms.accounts.models import Membership, Person, SignInAccount
from lms.announcements.models import Announcement
from lms.organisation.models import Unit, UnitClosure
from lms.organisation.queries import holds_on, subtree

MOST = 5
"""So many announcements stand on a first page, the latest first."""
LISTED = 200
"""So many stand on the page that lists them."""


def announced_to(session: Session, person_id: int, *, on: date) -> Sequence[Row[str, str, date]]:
    """Text, unit and last-but-one day of what is announced that day wherever the person belongs, in either tree.

    Concurrent posts too; each announcement once. One statement, whatever the number of people.
    """
    return session.execute(announced(), {"person": person_id, "day": on}).all()


@cache
def announced() -> Select[str, str, date]:
    """The statement of `announced_to`: every first page asks it, so it is put together once."""
    person, on = bindparam("person", type_=Integer), cast(Any, bindparam("day", type_=Date))
    reached = (
        select(UnitClosure.ancestor_id)
        .join(Membership, and_(Membership.tree == UnitClosure.tree, Membership.unit_id == UnitClosure.descendant_id))
        .where(
            Membership.person_id == person,
            Membership.link_id.is_(None),
            holds_on(on, Membership.valid_from, Membership.valid_to),
            holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
        )
    )
    return (
        select(Announcement.text, Unit.name, Announcement.valid_to)
        .join(Unit, Unit.id == Announcement.unit_id)
        .where(
            Announcement.withdrawn_at.is_(None),
            Announcement.valid_from <= on,
            Announcement.valid_to > on,
            Announcement.unit_id.in_(reached),
        )
        .order_by(Announcement.valid_from.desc(), Announcement.id.desc())
        .limit(MOST)
    )


def people_with_address(unit_id: int, *, on: date) -> Select[int, str]:
    """Id and language of those counted in the unit or below it that day, in either tree, who have an address."""
    below = select(UnitClosure.descendant_id).where(
        UnitClosure.tree == Membership.tree,
        UnitClosure.ancestor_id == unit_id,
        holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
    )
    counted = select(Membership.person_id).where(
        Membership.kind == "main",
        holds_on(on, Membership.valid_from, Membership.valid_to),
        Membership.unit_id.in_(below),
    )
    return (
        select(Person.id, Person.language)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(Person.id.in_(counted), Person.email.is_not(None), SignInAccount.disabled_at.is_(None))
        .order_by(Person.id)
    )


def written(scope: Mapping[str, Iterable[int]] | None, *, on: date) -> Select[Announcement]:
    """Announcements to these units and those below them in each tree (None: to all), the latest first."""
    query = (
        select(Announcement)
        .join(Unit, Unit.id == Announcement.unit_id)
        .options(contains_eager(Announcement.unit))
        .order_by(Announcement.withdrawn_at.is_not(None), Announcement.valid_from.desc(), Announcement.id.desc())
        .limit(LISTED)
    )
    if scope is None:
        return query
    below = [Announcement.unit_id.in_(subtree(one, on=on, tree=tree)) for tree, ids in scope.items() for one in ids]
    return query.where(or_(false(), *below))
