"""People as a list that goes out: who is on it, with all a list says, by the structure of a day."""

import uuid
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from lms import clock
from lms.accounts.models import Membership, Person, SignInAccount
from lms.audit.actions import note_each
from lms.db import let_go
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit, UnitName
from lms.organisation.queries import holds_on
from lms.roster.matching import Known, Listed, Place
from lms.roster.models import DateOfBirth, StaffCode
from lms.roster.queries import counted_below, in_line_with, open_main, places_below
from lms.roster.rules import Birth


@dataclass(frozen=True, slots=True)
class Leaving:
    """Everyone counted that day in the unit or below it, under the names units had then; else all is as it is now.

    `people`: only these of them (None: all).
    """

    unit_id: int
    on: date
    people: Select[int] | None = None

    def those(self) -> ColumnElement[bool]:
        """Whether a membership is one of theirs."""
        counted = counted_below(self.unit_id, on=self.on)
        return counted if self.people is None else and_(counted, Membership.person_id.in_(self.people))


def how_many(session: Session, leaving: Leaving) -> int:
    """How many people they are."""
    return session.scalar(select(func.count(Membership.person_id)).where(leaving.those())) or 0


def listed(session: Session, leaving: Leaving) -> Iterator[Listed]:
    """Each of them with all a list says, in the order of units and names.

    One statement, whose rows come in portions.
    """
    on, today, party = leaving.on, leaving.on == clock.today(), aliased(Membership)
    code = (
        select(func.max(StaffCode.code))
        .where(
            StaffCode.person_id == Person.id,
            StaffCode.valid_to.is_(None),
            StaffCode.unit_id.in_(in_line_with(leaving.unit_id, on=on)),
        )
        .scalar_subquery()
    )
    holding = and_(party.person_id == Person.id, party.tree == PARTY_TREE, party.kind == "main")
    then = and_(holding, holds_on(on, party.valid_from, party.valid_to))
    branch: Any = aliased(Unit if today else UnitName)
    worn = branch.id if today else branch.unit_id
    its = worn == party.unit_id if today else and_(worn == party.unit_id, holds_on(on, *dates(branch)))
    born = DateOfBirth.year, DateOfBirth.day
    query = (
        select(Person, Unit.public_id, UnitName, *born, branch.name, code, SignInAccount.username)
        .join(Membership, Membership.person_id == Person.id)
        .join(Unit, Unit.id == Membership.unit_id)
        .join(UnitName, and_(UnitName.unit_id == Unit.id, holds_on(on, *dates(UnitName))))
        .outerjoin(SignInAccount, SignInAccount.person_id == Person.id)
        .outerjoin(DateOfBirth, DateOfBirth.person_id == Person.id)
        .outerjoin(party, open_main(party, PARTY_TREE) if today else then)
        .outerjoin(branch, its)
        .where(leaving.those())
        .order_by(UnitName.sort_key, Unit.id, Person.sort_key, Person.id)
        .execution_options(yield_per=1_000)
    )
    let_go(session)
    for row in session.execute(query):
        yield told_of(*row)


def dates(row: Any) -> tuple[Any, Any]:
    """The first day of a dated row and the first after."""
    return row.valid_from, row.valid_to


def told_of(
    person: Person,
    unit_public_id: uuid.UUID,
    unit: UnitName,
    year: int | None,
    day: date | None,
    branch: str | None,
    code: str | None,
    name: str | None,
) -> Listed:
    """One person, as a list that goes out tells of them."""
    about = Known(
        person_id=person.id,
        public_id=str(person.public_id),
        full_name=person.full_name,
        email=person.email or "",
        born=Birth(year, day) if year is not None else None,
        position=person.position,
        category=person.category,
        party=person.party,
        own_code=code or "",
    )
    return Listed(about, unit.name, unit.code, str(unit_public_id), branch or "", name or "")


def places(session: Session, leaving: Leaving, *, seen: Container[int] | None = None) -> list[Place]:
    """The unit and all below it, as they were called: those that may be `seen` (None: all) or have people."""
    named = select(UnitName).where(holds_on(leaving.on, UnitName.valid_from, UnitName.valid_to))
    words = {one.unit_id: one for one in session.scalars(named)} if leaving.on != clock.today() else {}
    peopled = set(session.scalars(select(Membership.unit_id).where(leaving.those()).distinct())) if seen else set()
    found = [
        one
        for one in places_below(session, leaving.unit_id, on=leaving.on).places
        if seen is None or one.unit_id in seen or one.unit_id in peopled
    ]
    return [
        replace(one, code=words[one.unit_id].code, name=words[one.unit_id].name) if one.unit_id in words else one
        for one in found
    ]


def note_leaving(session: Session, leaving: Leaving, *, of: uuid.UUID, by: uuid.UUID | None, kind: str) -> None:
    """Into the log, under the unit: who took its list out. By another day's structure also where its people are now.

    That is under the units that count them today, and under those whom none counts any more: so that they read of it.
    """
    told: dict[str, Any] = {"kind": kind, "people": how_many(session, leaving)}
    units, others = [of], []
    if leaving.on != clock.today():
        told |= {"of": str(of), "structure": leaving.on.isoformat()}
        now, gone = whose(session, leaving)
        units, others = list(dict.fromkeys([of, *now])), gone
    for object_kind, objects in (("unit", units), ("person", others)):
        entries = [(one, told) for one in objects]
        note_each(session, "roster.export", actor=by, object_kind=object_kind, objects=entries)


def whose(session: Session, leaving: Leaving) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """The units where people of the list are counted today, and those of its people who are counted in none."""
    now = aliased(Membership)
    today = and_(
        now.person_id == Membership.person_id,
        now.tree == STATE_TREE,
        now.kind == "main",
        holds_on(clock.today(), now.valid_from, now.valid_to),
    )
    listed_now = select(Membership).outerjoin(now, today).where(leaving.those())
    units = listed_now.join(Unit, Unit.id == now.unit_id).with_only_columns(Unit.public_id).distinct()
    gone = listed_now.join(Person, Person.id == Membership.person_id).where(now.id.is_(None))
    return list(session.scalars(units)), list(session.scalars(gone.with_only_columns(Person.public_id)))
