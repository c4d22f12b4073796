"""Reading the trees. Every question has a day: the tree of today is only one of many."""

from datetime import date

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitEdge
from lms.organisation.rules import Branch, branches


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


def last_position(unit_id: int, *, tree: str = STATE_TREE) -> Select[int]:
    """The place after the last of the units below, or 0 where they simply stand by name."""
    last = func.coalesce(func.max(UnitEdge.position), 0)
    return select(case((last > 0, last + 1), else_=0)).where(UnitEdge.tree == tree, UnitEdge.parent_id == unit_id)


def unit_trees(session: Session, *, on: date, tree: str = STATE_TREE) -> list[Branch[Unit]]:
    """The units of the tree on that day, each with those below it."""
    rows = session.execute(tree_of_units(on=on, tree=tree))
    return branches([(unit, unit.id, parent_id) for unit, parent_id, _position in rows])
