"""What follows from dated rows: who stands above whom on which day, who takes over, what units are called today."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from lms.organisation.models import (
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
from lms.organisation.rules import Placement, Placements, closure_of

MANY = 5_000
"""Beyond so many ids a whole table is read instead: both databases take some thirty thousand."""


def among(column: Any, ids: Collection[int]) -> ColumnElement[bool]:
    """Whether the column holds one of these ids; always, when there are very many: the caller looks again."""
    return column.in_(sorted(ids)) if len(ids) <= MANY else true()


def placements_of(session: Session, tree: str, unit_ids: Collection[int] | None = None) -> Placements:
    """Where units of the tree stand on all days: all of them, or these and whatever stands above them some day."""
    edges = select(UnitEdge.child_id, UnitEdge.parent_id, UnitEdge.valid_from, UnitEdge.valid_to)
    edges = edges.where(UnitEdge.tree == tree)
    roots = select(UnitRoot.unit_id, UnitRoot.valid_from, UnitRoot.valid_to).where(UnitRoot.tree == tree)
    if unit_ids is not None and len(unit_ids) <= MANY:
        parents = select(UnitEdge.parent_id).where(UnitEdge.tree == tree, UnitEdge.child_id.in_(unit_ids))
        known = or_(UnitClosure.descendant_id.in_(unit_ids), UnitClosure.descendant_id.in_(parents))
        above = select(UnitClosure.ancestor_id).where(UnitClosure.tree == tree, known)
        edges = edges.where(or_(UnitEdge.child_id.in_(unit_ids), UnitEdge.child_id.in_(above)))
        roots = roots.where(or_(UnitRoot.unit_id.in_(unit_ids), UnitRoot.unit_id.in_(above)))
    found: dict[int, list[Placement]] = {}
    for child_id, parent_id, since, until in session.execute(edges):
        found.setdefault(child_id, []).append(Placement(parent_id, since, until))
    for unit_id, since, until in session.execute(roots):
        found.setdefault(unit_id, []).append(Placement(None, since, until))
    return found


def affected_by(session: Session, tree: str, unit_ids: Collection[int]) -> set[int]:
    """These units and all that stand below them on some day."""
    below = select(UnitClosure.descendant_id).distinct().where(UnitClosure.tree == tree)
    return set(unit_ids) | set(session.scalars(below.where(UnitClosure.ancestor_id.in_(unit_ids))))


def renew_closure(session: Session, tree: str, unit_ids: Collection[int]) -> Placements:
    """Compute who stands above these units and above all below them, and write what differs. Raises `Circular`.

    Returns where they stand, for whoever checks it.
    """
    affected = affected_by(session, tree, unit_ids)
    placements = placements_of(session, tree, affected)
    wanted = {
        (ancestor, unit_id, since): row
        for unit_id in affected
        for (ancestor, since), row in closure_of(unit_id, placements).items()
    }
    write_closure(session, tree, wanted, closure_rows(session, tree, affected))
    return placements


Rows = Mapping[tuple[int, int, date], tuple[int, date | None]]
"""Rows of the closure of one tree: (ancestor, descendant, first day) to (depth, first day after)."""


def closure_rows(session: Session, tree: str, affected: Collection[int] | None = None) -> Rows:
    """The rows as they stand: all, or of these descendants."""
    columns = UnitClosure.ancestor_id, UnitClosure.descendant_id, UnitClosure.valid_from
    query = select(*columns, UnitClosure.depth, UnitClosure.valid_to).where(UnitClosure.tree == tree)
    if affected is not None:
        query = query.where(among(UnitClosure.descendant_id, affected))
    rows = {(one[0], one[1], one[2]): (one[3], one[4]) for one in session.execute(query)}
    return rows if affected is None else {key: row for key, row in rows.items() if key[1] in affected}


def write_closure(session: Session, tree: str, wanted: Rows, actual: Rows) -> None:
    """Let the table say what is wanted, changing only what differs."""
    columns = UnitClosure.__table__.c
    names = ("ancestor_id", "descendant_id", "valid_from")
    gone = [dict(zip(("a", "d", "f"), key, strict=True)) for key, row in actual.items() if wanted.get(key) != row]
    if gone:
        same = [columns[name] == bindparam(short) for name, short in zip(names, "adf", strict=True)]
        session.connection().execute(delete(UnitClosure).where(columns.tree == tree, *same), gone)
    new = [
        {"tree": tree, **dict(zip((*names, "depth", "valid_to"), (*key, *row), strict=True))}
        for key, row in wanted.items()
        if actual.get(key) != row
    ]
    if new:
        session.execute(insert(UnitClosure), new)


WORDS = ("code", "kind", "name", "short_name", "sort_key")


def present_names(today: date) -> Select[UnitName]:
    """For each unit the row of names that it wears on that day: the last that has begun, or else its first."""
    begun = func.max(UnitName.valid_from).filter(UnitName.valid_from <= today)
    latest = (
        select(UnitName.unit_id, func.coalesce(begun, func.min(UnitName.valid_from)).label("since"))
        .group_by(UnitName.unit_id)
        .subquery()
    )
    return select(UnitName).join(
        latest, and_(latest.c.unit_id == UnitName.unit_id, latest.c.since == UnitName.valid_from)
    )


def wear_names(session: Session, today: date, unit_ids: Collection[int] | None = None) -> None:
    """Let units be called in their own rows as they are called on that day: all of them, or these."""
    differs = or_(*(getattr(Unit, name) != getattr(UnitName, name) for name in WORDS))
    query = present_names(today).join(Unit, Unit.id == UnitName.unit_id).where(differs)
    if unit_ids is not None:
        query = query.where(Unit.id.in_(unit_ids))
    for one in session.scalars(query.execution_options(populate_existing=True)).all():
        values = {name: getattr(one, name) for name in WORDS}
        session.execute(update(Unit.__table__).where(Unit.__table__.c.id == one.unit_id).values(**values))  # type: ignore[arg-type]


def took_over(unit: Any) -> list[ColumnElement[Any]]:
    """Of a unit that has ended: who took over from it (None: nobody), on which day, and when that was entered.

    That is the heir alone, so that nothing is counted twice where several took over; where none was named, the unit
    above, in the state tree if it stood there; None at the top.
    """
    by = UnitOperation.undone_at.is_(None), UnitOperation.effective_on == unit.valid_to
    heir = (
        select(UnitLineage.successor_id)
        .join(UnitOperation, UnitOperation.id == UnitLineage.operation_id)
        .where(UnitLineage.predecessor_id == unit.id, UnitLineage.heir, *by)
    )
    above = (
        select(UnitEdge.parent_id)
        .where(UnitEdge.tree.in_(TREES), UnitEdge.child_id == unit.id, UnitEdge.valid_to == unit.valid_to)
        .order_by(UnitEdge.tree.desc())
        .limit(1)
    )
    entered = (
        select(func.max(UnitOperation.entered_at))
        .join(UnitOperationUnit, UnitOperationUnit.operation_id == UnitOperation.id)
        .where(UnitOperationUnit.unit_id == unit.id, *by)
    )
    heir_id = func.coalesce(heir.scalar_subquery(), above.scalar_subquery()).label("heir_id")
    return [heir_id, unit.valid_to.label("since"), entered.scalar_subquery().label("entered_at")]


def heirs_by(on: date, of: Select[int] | None = None) -> CTE:
    """Each unit that has ended by that day with everyone who has come into its place, one after another.

    Columns: unit_id, heir_id (None: nobody), since, entered_at, of the operation by which that one came into it.
    `of`: only these units, which costs less than to look at all.
    """
    first = select(Unit.id.label("unit_id"), *took_over(Unit)).where(Unit.valid_to <= on)
    found = (first if of is None else first.where(Unit.id.in_(of))).cte(recursive=True)
    further = select(found.c.unit_id, *took_over(Unit)).select_from(found).join(Unit, Unit.id == found.c.heir_id)
    return found.union(further.where(Unit.valid_to <= on))


def taken_over(on: date, of: Select[int] | None = None) -> CTE:
    """Each unit that has ended by that day, or each `of` these, and the one in its place then: unit_id, heir_id.

    Whatever is counted by unit and stays with the unit it was entered for is found by it in the tree of that day.
    """
    found, stands = heirs_by(on, of), or_(Unit.valid_to.is_(None), Unit.valid_to > on)
    return select(found.c.unit_id, found.c.heir_id).join(Unit, Unit.id == found.c.heir_id).where(stands).cte()


def in_place_of(session: Session, unit: Unit, *, on: date) -> Unit:
    """The unit that stands in its place that day: itself, unless it has ended."""
    if unit.valid_to is None or unit.valid_to > on:
        return unit
    heir = session.scalar(select(taken_over(on, select(literal(unit.id))).c.heir_id))
    return session.get_one(Unit, heir) if heir is not None else unit


def with_former(units: Select[int], *, on: date, of: Select[int] | None = None) -> Select[int]:
    """These units and all, or those `of` some, in whose place they stand that day (`taken_over`), as a subquery."""
    taken = taken_over(on, of)
    both = units.union(select(taken.c.unit_id).where(taken.c.heir_id.in_(units))).subquery()
    return select(both.c[0])
