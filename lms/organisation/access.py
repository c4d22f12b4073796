"""The only way to a unit for whoever keeps the organisation or reads it: everywhere, or below units of their own."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from lms import clock
from lms.organisation.models import (
    PARTY_TREE,
    STATE_TREE,
    TREES,
    Unit,
    UnitClosure,
    UnitCode,
    UnitEdge,
    UnitOperation,
    UnitOperationUnit,
)
from lms.organisation.queries import holds_on, subtree
from lms.organisation.storage import Beyond
from lms.web.acting import Actor, NotFound

READ, KEEP = "unit:read", "unit:create"


def scope_of(actor: Actor, permission: str) -> dict[str, tuple[int, ...]]:
    """The units at and below which the permission holds, by the trees in which it holds over any."""
    both = {tree: actor.unit_ids(permission, tree) for tree in TREES}
    return {tree: ids for tree, ids in both.items() if ids}


def first_tree(actor: Actor, permission: str) -> str:
    """The tree a page begins with: that of the state, unless the permission holds in the other only."""
    held = scope_of(actor, permission)
    return (
        PARTY_TREE if PARTY_TREE in held and STATE_TREE not in held and not actor.everywhere(permission) else STATE_TREE
    )


def units_by_tree(session: Session, actor: Actor, permission: str) -> dict[str, frozenset[int]] | None:
    """As `units_within`, of each tree in which the permission holds; None: everywhere."""
    if actor.everywhere(permission):
        return None
    found = ((tree, units_within(session, actor, permission, tree=tree)) for tree in scope_of(actor, permission))
    return {tree: units for tree, units in found if units is not None}


def stands_today(unit_id: int | ScalarSelect[int], tree: str) -> Select[int]:
    """A row when the unit stands in that tree today."""
    itself = UnitClosure.ancestor_id == unit_id, UnitClosure.descendant_id == unit_id, UnitClosure.tree == tree
    held = holds_on(clock.today(), UnitClosure.valid_from, UnitClosure.valid_to)
    return select(UnitClosure.ancestor_id).where(*itself, held)


def units_within(session: Session, actor: Actor, permission: str, *, tree: str = STATE_TREE) -> frozenset[int] | None:
    """The ids of the units where the permission holds today; None: everywhere."""
    if actor.everywhere(permission):
        return None
    below = [Unit.id.in_(subtree(one, on=clock.today(), tree=tree)) for one in actor.unit_ids(permission, tree)]
    return frozenset(session.scalars(select(Unit.id).where(or_(false(), *below))))


@dataclass(frozen=True, slots=True)
class Reach:
    """Units, by id: all at or below units of one's own, and those `below` one of these."""

    units: frozenset[int]
    below: frozenset[int]

    def __contains__(self, unit_id: object) -> bool:
        return unit_id in self.units


def reach_of(session: Session, actor: Actor, permission: str, *, on: date | None = None) -> Reach | None:
    """The units the permission reaches; None: all. With them those to come there, and those that ended there.

    With a day only those which it reaches on that day or the day before as well: a change reaches back no further than
    whoever makes it.
    """
    if actor.everywhere(permission):
        return None
    today, under = clock.today(), under_scope(scope_of(actor, permission), keeping=permission == KEEP)
    to_come = and_(Unit.valid_from > today, UnitClosure.valid_from == Unit.valid_from)
    ended = and_(Unit.valid_to <= today, UnitClosure.valid_to == Unit.valid_to)
    query = select(UnitClosure.descendant_id, UnitClosure.depth).join(Unit, Unit.id == UnitClosure.descendant_id)
    now = holds_on(today, UnitClosure.valid_from, UnitClosure.valid_to)
    found = session.execute(query.where(under, or_(now, to_come, ended))).all()
    units = frozenset(unit_id for unit_id, _depth in found)
    if on is not None and on != today:
        days = [holds_on(day, UnitClosure.valid_from, UnitClosure.valid_to) for day in (on, on - timedelta(days=1))]
        units &= frozenset(session.scalars(select(UnitClosure.descendant_id).where(under, or_(*days))))
    return Reach(units, units & {unit_id for unit_id, depth in found if depth})


def under_scope(scope: dict[str, tuple[int, ...]], *, keeping: bool) -> ColumnElement[bool]:
    """Whether a row of the closure stands below these units; `keeping`: and its unit may be changed from there.

    A unit of the Party that is an agency of the state as well is changed by whoever keeps the agency.
    """
    below = or_(false(), *(and_(UnitClosure.tree == tree, UnitClosure.ancestor_id.in_(scope[tree])) for tree in scope))
    if not keeping or PARTY_TREE not in scope:
        return below
    state = aliased(UnitClosure)
    agencies = select(state.descendant_id).where(state.tree == STATE_TREE)
    return and_(below, or_(UnitClosure.tree == STATE_TREE, UnitClosure.descendant_id.not_in(agencies)))


def access_any_unit(session: Session, actor: Actor, public_id: uuid.UUID, permission: str = KEEP) -> Unit:
    """The unit, of today or of the past. Raises `NotFound`."""
    unit = session.scalar(select(Unit).where(Unit.public_id == public_id))
    reach = reach_of(session, actor, permission)
    if unit is None or (reach is not None and unit.id not in reach):
        raise NotFound
    return unit


def access_operation(session: Session, actor: Actor, public_id: uuid.UUID, permission: str = KEEP) -> UnitOperation:
    """The operation, undone or not, when all its units are within reach. Raises `NotFound`."""
    operation = session.scalar(select(UnitOperation).where(UnitOperation.public_id == public_id))
    reach = reach_of(session, actor, permission)
    if operation is None or operation.id in out_of_reach(session, reach, [operation], by=actor.public_id):
        raise NotFound
    return operation


def out_of_reach(
    session: Session, reach: Reach | None, operations: Collection[UnitOperation], *, by: uuid.UUID
) -> set[int]:
    """The ids of those of these operations that changed a unit out of reach, but for undone units of who made them."""
    if reach is None or not operations:
        return set()
    query = select(UnitOperationUnit.operation_id, Unit.id).join(Unit, Unit.id == UnitOperationUnit.unit_id)
    query = query.where(UnitOperationUnit.operation_id.in_([one.id for one in operations]))
    mine = {one.id for one in operations if one.entered_by == by}
    return {
        operation_id
        for operation_id, unit_id, undone in session.execute(query.add_columns(Unit.undone))
        if unit_id not in reach and not (undone and operation_id in mine)
    }


def must_reach(session: Session, reach: Reach | None, operation: UnitOperation) -> None:
    """No unit that the operation changes, and none below which it places or leaves one, is beyond reach.

    So the unit at the top of somebody's own neither moves nor ends by it: what stands above is beyond. To be asked once
    it was done, or before it is undone: its rows are read. Raises `Beyond`.
    """
    if reach is None:
        return
    made = {one["values"]["id"] for one in operation.changes if one["did"] == "made"}
    edges = [one["values"] for one in operation.changes if one["table"] == "unit_edge"]
    parents = {one["parent_id"] for one in edges if "parent_id" in one}
    parents |= set(session.scalars(select(UnitEdge.parent_id).where(UnitEdge.id.in_({one["id"] for one in edges}))))
    touched = set(session.scalars(select(UnitOperationUnit.unit_id).filter_by(operation_id=operation.id)))
    if (touched | parents) - made - reach.units or any(one["table"] == "unit_root" for one in operation.changes):
        raise Beyond


def units_by_code(
    session: Session, codes: Iterable[str], *, within: Reach | None = None
) -> tuple[list[Unit], list[str]]:
    """The units that bear these codes or have borne them, and the codes no unit has; blanks are passed over.

    For whoever may keep the organisation, which the caller has made sure of; `within` their reach (None: all).
    """
    wanted = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    borne = select(UnitCode.code, Unit).join(Unit, Unit.id == UnitCode.unit_id)
    rows = session.execute(borne.where(UnitCode.code.in_([code.lower() for code in wanted]))).all()
    found = {code: unit for code, unit in rows if within is None or unit.id in within}
    return [found[code.lower()] for code in wanted if code.lower() in found], [
        code for code in wanted if code.lower() not in found
    ]


ABOVE = aliased(UnitClosure)


def at_or_below(unit: InstrumentedAttribute[int], top: int, *, on: date, tree: str = STATE_TREE) -> ColumnElement[bool]:
    """Whether a unit is that one or stands below it on that day.

    As `unit.in_(subtree(top))` says it too, which reads the whole subtree first: for where few units are asked about.
    """
    holds = holds_on(on, ABOVE.valid_from, ABOVE.valid_to)
    stands = ABOVE.tree == tree, ABOVE.ancestor_id == top, ABOVE.descendant_id == unit, holds
    return select(ABOVE.ancestor_id).where(*stands).exists()
