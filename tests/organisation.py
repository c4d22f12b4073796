"""A small province for tests that change the organisation, and what they ask of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analytics.facts.models import Tally
from lms.accounts.models import Membership, Person
from lms.cli import check_projections
from lms.organisation.models import STATE_TREE, Unit, UnitOperation
from lms.organisation.queries import picture, subtree
from lms.organisation.storage import NewUnit, Words
from tests.courses.learner import give
from tests.library_course import load_small_course
from tests.make import Make


class Province:
    """A province with two communes of two offices each, people in all of them, and the small course given to all."""

    def __init__(self, make: Make, folder: Path) -> None:
        self.make = make
        load_small_course(make, folder)
        self.root = make.unit("Tỉnh", code="t")
        self.a, self.b = (make.unit(f"Xã {name}", code=name.lower(), under=self.root) for name in "AB")
        self.a1, self.a2 = (make.unit(f"Phòng A{n}", code=f"a{n}", under=self.a) for n in (1, 2))
        self.b1 = make.unit("Phòng B1", code="b1", under=self.b)
        self.people = [make.person(unit=one) for one in (self.root, self.a, self.a, self.a1, self.b, self.b1)]
        give(make, self.root)

    def do(self, work: Callable[..., UnitOperation], *units: object, **options: object) -> UnitOperation:
        """One operation, committed."""
        with self.make.writing() as session:
            return work(
                session, *(own(session, one) for one in units), **{k: own(session, v) for k, v in options.items()}
            )

    def below(self, unit: Unit, on: date, tree: str = STATE_TREE) -> set[str]:
        """Codes of the units in and below it, as they were on the day."""
        with self.make.reading() as session:
            seen, ids = picture(session, on=on), session.scalars(subtree(unit.id, on=on, tree=tree))
            return {seen[one].code for one in ids}

    def unit_of(self, person: Person, on: date) -> str:
        """The code of the unit where the person is counted on the day."""
        with self.make.reading() as session:
            query = select(Membership).where(Membership.person_id == person.id, Membership.valid_from <= on)
            rows = [one for one in session.scalars(query) if one.valid_to is None or one.valid_to > on]
            [row] = rows
            return picture(session, on=on)[row.unit_id].code

    def counted(self) -> dict[str, int]:
        """How many people tallies count, by the present code of the unit."""
        with self.make.reading() as session:
            query = select(Unit.code, func.sum(Tally.people)).join(Tally, Tally.unit_id == Unit.id).group_by(Unit.code)
            return {code: number for code, number in session.execute(query) if number}

    def differences(self) -> list[str]:
        """What `lms verify` finds."""
        return [line for lines in check_projections(self.make.database).values() for line in lines]


T = TypeVar("T")


def own(session: Session, value: T) -> T:
    """The unit as this session has it."""
    found: object = value
    if isinstance(value, NewUnit):
        parents = {tree: session.get_one(Unit, one.id) if one else None for tree, one in value.parents.items()}
        found = replace(value, parents=parents)
    elif isinstance(value, Unit | UnitOperation):
        found = session.get_one(type(value), value.id)
    elif isinstance(value, list):
        found = [own(session, one) for one in value]
    return cast(T, found)


def commune(name: str = "Xã C", code: str = "c", *, under: Unit | None, tree: str = STATE_TREE) -> NewUnit:
    return NewUnit(Words(code, name, "commune"), {tree: under})
