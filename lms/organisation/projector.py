"""What follows from the dated rows of units, as `lms verify` sees it and as a new day changes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lms.clock import day_of
from lms.doors import BuiltOn, Expected, Row, Succession, Touched
from lms.organisation.models import TREES, Unit
from lms.organisation.projection import (
    WORDS,
    closure_rows,
    placements_of,
    present_names,
    wear_names,
    write_closure,
)
from lms.organisation.rules import closure_of


def names_of_the_day(session: Session, today: date) -> None:
    """A unit that has another name from today on is called by it."""
    wear_names(session, today)


@dataclass(frozen=True, slots=True)
class Staying:
    """What stays with its unit whatever becomes of that (`Belonging` in lms/doors.py): it says what was.

    `held`: what such things are called (of which sort `BuiltOn` is), and the column that names their unit. They are
    found from the unit in the place of theirs; of one that never was they would be found nowhere.
    """

    held: Sequence[tuple[str, InstrumentedAttribute[int]]]

    def follow(self, session: Session, succession: Succession) -> None:
        """Nothing follows."""

    def go_back(self, session: Session, succession: Succession) -> None:
        """Raises `BuiltOn`, with the unit, when a unit that was made has any of them."""
        for sort, column in self.held:
            found = select(Unit.name).join(column.class_, column == Unit.id).where(Unit.id.in_(succession.made))
            if (name := session.scalar(found.limit(1))) is not None:
                raise BuiltOn(sort, name)

    def touched(self, session: Session, operation_id: int) -> Iterable[Touched]:
        """Nothing."""
        return ()

    def totals(self, session: Session, *, on: date) -> Mapping[str, int]:
        """Nothing is counted."""
        return {}


class ClosureProjection:
    """Who stands above whom on which day, computed anew from edges and roots."""

    name = "closure"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By tree, ancestor, descendant and first day."""
        return {
            (tree, ancestor, unit_id, since): {"depth": depth, "valid_to": until}
            for tree in TREES
            for placements in [placements_of(session, tree)]
            for unit_id in placements
            for (ancestor, since), (depth, until) in closure_of(unit_id, placements).items()
        }

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By the same keys."""
        return {
            (tree, *key): {"depth": depth, "valid_to": until}
            for tree in TREES
            for key, (depth, until) in closure_rows(session, tree).items()
        }

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Write what is expected where it differs."""
        for tree in TREES:
            write_closure(session, tree, of_tree(expected, tree), of_tree(actual, tree))


def of_tree(rows: Mapping[Any, Row], tree: str) -> dict[tuple[int, int, date], tuple[int, date | None]]:
    """The rows of one tree, as its table is written."""
    return {key[1:]: (row["depth"], row["valid_to"]) for key, row in rows.items() if key[0] == tree}


class NameProjection:
    """What each unit is called in its own row, from its names on that day."""

    name = "unit names"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By unit."""
        rows = session.scalars(present_names(day_of(now)))
        return {one.unit_id: {name: getattr(one, name) for name in WORDS} for one in rows}

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By unit, without those whose making was undone: they keep a name to be known by."""
        rows = session.scalars(select(Unit).where(Unit.undone.is_(False)))
        return {one.id: {name: getattr(one, name) for name in WORDS} for one in rows}

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Write what is expected where it differs."""
        for unit_id, row in expected.items():
            if actual.get(unit_id) != row:
                unit = session.get_one(Unit, unit_id)
                for name in WORDS:
                    setattr(unit, name, row[name])
        session.flush()  # what is compared next may read it
