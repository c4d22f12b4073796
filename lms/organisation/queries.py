"""Reading the trees. Every question has a day: the tree of today is only one of many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from lms.doors import Touched, doors_of
from lms.organisation.models import (
    STATE_TREE,
    Unit,
    UnitClosure,
    UnitEdge,
    UnitLineage,
    UnitName,
    UnitOperation,
    UnitOperationUnit,
    UnitRoot,
)
from lms.organisation.rules import Branch, Difference, Seen, branches, differences_of, digest_of


def holds_on(
    day: date, valid_from: InstrumentedAttribute[date], valid_to: InstrumentedAttribute[date | None]
) -> ColumnElement[bool]:
    """Whether a dated row holds on that day; `valid_to` is the first day after."""
    return and_(valid_from <= day, or_(valid_to.is_(None), valid_to > day))


def subtree(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[int]:
    """The ids of a unit and of all that stands below it on that day, for use as a subquery."""
    return select(UnitClosure.descendant_id).where(
        UnitClosure.tree == tree,
        UnitClosure.ancestor_id == unit_id,
        holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
    )


def ancestors(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[Unit]:
    """The unit's ancestors and itself, from the root down."""
    return (
        select(Unit)
        .join(UnitClosure, UnitClosure.ancestor_id == Unit.id)
        .where(
            UnitClosure.tree == tree,
            UnitClosure.descendant_id == unit_id,
            holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
        )
        .order_by(UnitClosure.depth.desc())
    )


def children(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[Unit]:
    """The units directly below, in the order the office gave them, then by name."""
    return (
        select(Unit)
        .join(UnitEdge, UnitEdge.child_id == Unit.id)
        .where(
            UnitEdge.tree == tree,
            UnitEdge.parent_id == unit_id,
            holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to),
            holds_on(on, Unit.valid_from, Unit.valid_to),
        )
        .order_by(UnitEdge.position, Unit.sort_key)
    )


def tree_of_units(*, on: date, tree: str = STATE_TREE) -> Select[Unit, int | None, int]:
    """Every unit of the tree on that day with the id of its parent (None for the root) and its sibling position."""
    return (
        select(Unit, UnitEdge.parent_id, UnitEdge.position)
        .join(
            UnitClosure,
            and_(UnitClosure.descendant_id == Unit.id, UnitClosure.ancestor_id == Unit.id, UnitClosure.tree == tree),
        )
        .outerjoin(
            UnitEdge,
            and_(
                UnitEdge.child_id == Unit.id,
                UnitEdge.tree == tree,
                holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to),
            ),
        )
        .where(
            holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
            holds_on(on, Unit.valid_from, Unit.valid_to),
        )
        .order_by(UnitEdge.position, Unit.sort_key)
    )


def standing_since(unit_id: int, *, tree: str = STATE_TREE) -> Select[date | None]:
    """The day since when the unit stands in the tree below all those above it today: no child can be older."""
    return select(func.max(UnitClosure.valid_from)).where(
        UnitClosure.tree == tree, UnitClosure.descendant_id == unit_id, UnitClosure.valid_to.is_(None)
    )


def unit_trees(session: Session, *, on: date, tree: str = STATE_TREE) -> list[Branch[Unit]]:
    """The units of the tree on that day, each with those below it."""
    rows = session.execute(tree_of_units(on=on, tree=tree))
    return branches([(unit, unit.id, parent_id) for unit, parent_id, _position in rows])


def picture(session: Session, *, on: date) -> dict[int, Seen]:
    """Every unit as it is on that day, with what stands above it in each tree, by id. Three statements."""
    names = session.scalars(select(UnitName).where(holds_on(on, UnitName.valid_from, UnitName.valid_to))).all()
    codes = {one.unit_id: one.code for one in names}
    parents: dict[int, dict[str, tuple[int, str]]] = {}
    edges = select(UnitEdge.child_id, UnitEdge.tree, UnitEdge.parent_id)
    for child_id, tree, parent_id in session.execute(edges.where(holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to))):
        parents.setdefault(child_id, {})[tree] = (parent_id, codes.get(parent_id, ""))
    roots = select(UnitRoot.unit_id, UnitRoot.tree).where(holds_on(on, UnitRoot.valid_from, UnitRoot.valid_to))
    for unit_id, tree in session.execute(roots):
        parents.setdefault(unit_id, {})[tree] = (0, "")
    return {
        one.unit_id: Seen(one.code, one.name, one.short_name, one.kind, parents.get(one.unit_id, {})) for one in names
    }


def lineage_of(operation_id: int) -> Select[UnitLineage]:
    """Who takes over from whom by this operation."""
    return select(UnitLineage).where(UnitLineage.operation_id == operation_id).order_by(UnitLineage.successor_id)


def operations_after(operation_id: int) -> Select[UnitOperation]:
    """Operations entered later that changed one of the same units and were not undone, in their order."""
    same = aliased(UnitOperationUnit)
    shared = (
        select(same.operation_id)
        .join(UnitOperationUnit, UnitOperationUnit.unit_id == same.unit_id)
        .where(UnitOperationUnit.operation_id == operation_id, same.operation_id > operation_id)
    )
    return (
        select(UnitOperation)
        .where(UnitOperation.id.in_(shared), UnitOperation.undone_at.is_(None))
        .order_by(UnitOperation.id)
    )


def touched_by(session: Session, operation: UnitOperation) -> list[Touched]:
    """What belongs to units and followed in this operation."""
    return [line for one in doors_of(session).belongings for line in one.touched(session, operation.id)]


@dataclass(frozen=True, slots=True)
class Line:
    """Something that belongs to units and follows, with the names of the units it leaves and comes to ("": none)."""

    sort: str
    label: str
    number: int
    from_unit: str
    to_unit: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an operation would change, seen on the day on which it takes effect. The digest is the same for the same."""

    differences: tuple[Difference, ...]
    lines: tuple[Line, ...]
    totals: Mapping[str, tuple[int, int]]
    digest: str


def rehearsal(
    session: Session, on: date, work: Callable[[], UnitOperation], *, back: UnitOperation | None = None
) -> Rehearsal:
    """What the work changes: it is done, looked at and rolled back. `back` is the operation it undoes, if it does.

    Raises what the work raises.
    """
    before, counted = picture(session, on=on), totals(session, on)
    touched = [turned(one) for one in touched_by(session, back)] if back else []
    attempt = session.begin_nested()
    try:
        operation = work()
        after, recounted = picture(session, on=on), totals(session, on)
        touched = touched or touched_by(session, operation)
    finally:
        attempt.rollback()
        session.expire_all()
    differences = tuple(differences_of(before, after))
    lines = tuple(line_of({**after, **before}, one) for one in touched)
    numbers = {label: (counted.get(label, 0), recounted.get(label, 0)) for label in {**counted, **recounted}}
    prints = sorted(one.fingerprint for one in touched)
    return Rehearsal(differences, lines, numbers, digest_of(on, differences, lines, numbers, prints))


def turned(one: Touched) -> Touched:
    """The way back."""
    return replace(one, from_unit=one.to_unit, to_unit=one.from_unit)


def line_of(units: Mapping[int, Seen], one: Touched) -> Line:
    """With the names of units instead of their ids."""
    left, came = (units[unit].name if unit in units else "" for unit in (one.from_unit or 0, one.to_unit or 0))
    return Line(one.sort, one.label, one.number, left, came)


def totals(session: Session, on: date) -> dict[str, int]:
    """How many there are of everything that is counted on that day, by what it is called."""
    return {
        label: number for one in doors_of(session).belongings for label, number in one.totals(session, on=on).items()
    }
