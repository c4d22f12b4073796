"""Reading the trees. Every question has a day: the tree of today is only one of many."""

import uuid
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from lms.doors import Touched, doors_of
from lms.organisation.models import (
    STATE_TREE,
    TREES,
    Unit,
    UnitClosure,
    UnitEdge,
    UnitLineage,
    UnitName,
    UnitOperation,
    UnitOperationUnit,
    UnitRoot,
)
from lms.organisation.rules import (
    Branch,
    Called,
    Difference,
    Event,
    Happened,
    Seen,
    branches,
    differences_of,
    digest_of,
    events,
)


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


def unit_trees(
    session: Session, *, on: date, tree: str = STATE_TREE, only: Container[int] | None = None
) -> list[Branch[Unit]]:
    """The units of the tree on that day, each with those below it; of these units (None: of all)."""
    rows = session.execute(tree_of_units(on=on, tree=tree))
    return branches([(one, one.id, above) for one, above, _position in rows if only is None or one.id in only])


def picture(session: Session, *, on: date) -> dict[int, Seen]:
    """Every unit as it is on that day, with what stands above it in each tree, by id. Three statements."""
    names = session.scalars(select(UnitName).where(holds_on(on, UnitName.valid_from, UnitName.valid_to))).all()
    called = {one.unit_id: f"{one.name} ({one.code})" for one in names}
    parents: dict[int, dict[str, tuple[int, str]]] = {}
    edges = select(UnitEdge.child_id, UnitEdge.tree, UnitEdge.parent_id)
    for child_id, tree, parent_id in session.execute(edges.where(holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to))):
        parents.setdefault(child_id, {})[tree] = (parent_id, called.get(parent_id, ""))
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


@dataclass(frozen=True, slots=True)
class OnDay:
    """A unit as it is called on a day."""

    id: int
    public_id: uuid.UUID
    code: str
    kind: str
    name: str
    short_name: str
    counted: bool


def named_on(on: date) -> Select[*tuple[Any, ...]]:
    """Units that are there on that day, with the columns of `OnDay`, to be narrowed and ordered."""
    words = UnitName.code, UnitName.kind, UnitName.name, UnitName.short_name
    return (
        select(Unit.id, Unit.public_id, *words, Unit.counted)
        .select_from(Unit)
        .join(UnitName, and_(UnitName.unit_id == Unit.id, holds_on(on, UnitName.valid_from, UnitName.valid_to)))
    )


def trees_on(
    session: Session, *, on: date, tree: str = STATE_TREE, only: Container[int] | None = None
) -> list[Branch[OnDay]]:
    """The tree of that day, or these units of it, with the names of that day, siblings in order. One statement."""
    stands = and_(
        UnitEdge.child_id == Unit.id, UnitEdge.tree == tree, holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to)
    )
    itself = and_(UnitClosure.descendant_id == Unit.id, UnitClosure.ancestor_id == Unit.id, UnitClosure.tree == tree)
    query = (
        named_on(on)
        .add_columns(UnitEdge.parent_id)
        .join(UnitClosure, and_(itself, holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to)))
        .outerjoin(UnitEdge, stands)
        .order_by(UnitEdge.position, UnitName.sort_key, Unit.id)
    )
    rows = session.execute(query)
    return branches([(OnDay(*row[:-1]), row[0], row[-1]) for row in rows if only is None or row[0] in only])


def above_on(session: Session, unit_id: int, *, on: date, tree: str = STATE_TREE) -> list[OnDay]:
    """The units above it on that day, from the root down, and itself; nothing when it is not in the tree then."""
    query = (
        named_on(on)
        .join(UnitClosure, and_(UnitClosure.ancestor_id == Unit.id, UnitClosure.tree == tree))
        .where(UnitClosure.descendant_id == unit_id, holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to))
        .order_by(UnitClosure.depth.desc())
    )
    return [OnDay(*row) for row in session.execute(query)]


def below_on(session: Session, unit_id: int, *, on: date, tree: str = STATE_TREE) -> list[OnDay]:
    """The units directly below it on that day, in their order."""
    query = (
        named_on(on)
        .join(UnitEdge, and_(UnitEdge.child_id == Unit.id, UnitEdge.tree == tree))
        .where(UnitEdge.parent_id == unit_id, holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to))
        .order_by(UnitEdge.position, UnitName.sort_key, Unit.id)
    )
    return [OnDay(*row) for row in session.execute(query)]


def names_of(unit_id: int) -> Select[UnitName]:
    """What the unit has been called, the first first."""
    return select(UnitName).where(UnitName.unit_id == unit_id).order_by(UnitName.valid_from)


def called(unit_id: Any, on: Any) -> Any:
    """As a column: the name a unit bears on a day, or the last one that began before it."""
    return (
        select(UnitName.name)
        .where(UnitName.unit_id == unit_id, UnitName.valid_from <= on)
        .order_by(UnitName.valid_from.desc())
        .limit(1)
        .scalar_subquery()
    )


def places_of(unit_id: int) -> CompoundSelect[*tuple[Any, ...]]:
    """Tree, first day, first day after and the name of the unit above ("": none), for each place the unit has had."""
    above = select(
        UnitEdge.tree, UnitEdge.valid_from, UnitEdge.valid_to, called(UnitEdge.parent_id, UnitEdge.valid_from)
    )
    top = select(UnitRoot.tree, UnitRoot.valid_from, UnitRoot.valid_to, literal("")).where(UnitRoot.unit_id == unit_id)
    return union_all(above.where(UnitEdge.child_id == unit_id), top)


def operations_of(unit_id: int) -> Select[*tuple[Any, ...]]:
    """Each operation that changed the unit, once for each line of descent: with public ids and names of both units.

    Successors are called as on the day, predecessors as on the day itself or last.
    """
    old, new = aliased(Unit), aliased(Unit)
    on = UnitOperation.effective_on
    last = func.coalesce(called(UnitLineage.predecessor_id, on), old.name)
    return (
        select(
            UnitOperation,
            old.public_id,
            last,
            new.public_id,
            func.coalesce(called(UnitLineage.successor_id, on), new.name),
        )
        .join(UnitOperationUnit, UnitOperationUnit.operation_id == UnitOperation.id)
        .outerjoin(UnitLineage, UnitLineage.operation_id == UnitOperation.id)
        .outerjoin(old, old.id == UnitLineage.predecessor_id)
        .outerjoin(new, new.id == UnitLineage.successor_id)
        .where(UnitOperationUnit.unit_id == unit_id)
        .order_by(on.desc(), UnitOperation.id.desc(), UnitLineage.predecessor_id, UnitLineage.successor_id)
    )


LAST = date.max
"""A day after all that is known: what stands on it has no end."""


def every_tree(session: Session, only: Container[int] | None = None) -> list[Branch[Unit]]:
    """What can still be changed, of all or `only` these units: both trees as they stand when all entered has come."""
    state, party = (unit_trees(session, on=LAST, tree=tree, only=only) for tree in TREES)
    known = {branch.unit.id for tree in state for branch in tree.walk()}
    return [*state, *(tree for tree in party if tree.unit.id not in known)]


def last_place(session: Session, unit_id: int) -> UnitEdge | None:
    """Where the unit stands in the end, in the state tree first."""
    query = select(UnitEdge).where(UnitEdge.child_id == unit_id, UnitEdge.valid_to.is_(None))
    return session.scalars(query.order_by(UnitEdge.tree.desc()).limit(1)).first()


def last_name(session: Session, unit_id: int) -> UnitName | None:
    """What the unit is called in the end."""
    return session.scalars(names_of(unit_id).order_by(None).order_by(UnitName.valid_from.desc()).limit(1)).first()


def worn_on(names: Iterable[UnitName], on: date) -> UnitName | None:
    """Of the names of a unit the one it bears on that day."""
    return next((one for one in names if one.valid_from <= on and (one.valid_to is None or one.valid_to > on)), None)


def history(
    session: Session, unit_id: int, names: Sequence[UnitName], places: Iterable[Any]
) -> list[Event[UnitOperation]]:
    """What happened to the unit, the latest first, undone operations too; `names` and `places` are all it has had."""
    found: dict[int, Happened[UnitOperation]] = {}
    for operation, old_id, old_name, new_id, new_name in session.execute(operations_of(unit_id)):
        told = found.setdefault(operation.id, Happened(operation, [], []))
        for ends, one in ((told.predecessors, Called(old_id, old_name)), (told.successors, Called(new_id, new_name))):
            if one.public_id is not None and one not in ends:
                ends.append(one)
    return events(names, places, [(one.operation.effective_on, one) for one in found.values()])


def units_of_operation(session: Session, operation: UnitOperation) -> list[Called]:
    """Every unit an operation changed, as it was called on that day or last."""
    name = func.coalesce(called(Unit.id, operation.effective_on), Unit.name)
    query = select(Unit.public_id, name).join(UnitOperationUnit, UnitOperationUnit.unit_id == Unit.id)
    rows = session.execute(query.where(UnitOperationUnit.operation_id == operation.id).order_by(Unit.sort_key, Unit.id))
    return [Called(*row) for row in rows]


def any_unit(session: Session) -> bool:
    """Whether there is any unit, of whatever day."""
    return session.scalar(select(Unit.id).limit(1)) is not None


@dataclass(frozen=True, slots=True)
class Line:
    """Something that belongs to units and follows, with the names of the units it leaves and comes to ("": none)."""

    sort: str
    label: str
    number: int
    from_unit: str
    to_unit: str


def touched_lines(session: Session, operation: UnitOperation) -> list[Line]:
    """What followed in an operation, with the names of the units on its day."""
    touched = touched_by(session, operation)
    ids = {unit_id for one in touched for unit_id in (one.from_unit, one.to_unit) if unit_id is not None}
    name = func.coalesce(called(Unit.id, operation.effective_on), Unit.name)
    names: dict[int, str] = dict(session.execute(select(Unit.id, name).where(Unit.id.in_(ids))).all())
    return [
        Line(one.sort, one.label, one.number, names.get(one.from_unit or 0, ""), names.get(one.to_unit or 0, ""))
        for one in touched
    ]


def touched_by(session: Session, operation: UnitOperation) -> list[Touched]:
    """What belongs to units and followed in this operation."""
    return [line for one in doors_of(session).belongings for line in one.touched(session, operation.id)]


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
