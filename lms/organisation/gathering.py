"""What pages show of the organisation: all of a small one, the top of a large one, what is sought; and kin of units."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from lms import clock, text
from lms.db import recalled, remember
from lms.doors import doors_of
from lms.organisation import queries
from lms.organisation.access import Reach
from lms.organisation.forms import OPERATIONS
from lms.organisation.models import (
    Unit,
    UnitClosure,
    UnitEdge,
    UnitLineage,
    UnitName,
    UnitOperation,
    UnitOperationUnit,
    UnitRoot,
)
from lms.organisation.queries import OnDay, holds_on, named_on, subtree
from lms.organisation.rules import Branch, rolled_up, with_predecessors
from lms.outbox.models import SettledDay
from lms.web.wording import day

MOST_AT_ONCE = 300
"""A larger tree is shown by its two highest levels; what is deeper stands on the pages of the units."""
MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """The trees, or what was found in them; how many people are counted in units themselves and with all below.

    `deep`: units below the second level stand on the pages of those above them.
    """

    trees: Sequence[Branch[OnDay]]
    found: Sequence[OnDay]
    number_found: int
    own: Mapping[int, int]
    below: Mapping[int, int]
    people: int
    total: int
    deep: bool


def shown(session: Session, sought: str, *, on: date, tree: str, seen: Collection[int] | None = None) -> Shown:
    """What the page shows of the tree on that day, or of these units of it."""
    total = number_of_units(session, on=on, tree=tree, seen=seen)
    if total > MOST_AT_ONCE:
        return large(session, sought, total, on=on, tree=tree, seen=seen)
    trees = queries.trees_on(session, on=on, tree=tree, only=seen)
    own = doors_of(session).headcount.by_unit(session, on=on, tree=tree)
    below = rolled_up(trees, own, lambda one: one.id)
    units = [branch.unit for one in trees for branch in one.walk()]
    found = [unit for unit in units if fits(unit, sought)]
    people = sum(below[one.unit.id] for one in trees)
    return Shown(trees, found[:MOST_FOUND], len(found), own, below, people, total, False)


def large(session: Session, sought: str, total: int, *, on: date, tree: str, seen: Collection[int] | None) -> Shown:
    """The top of a tree of many units, or what was found in it, with a fixed number of statements."""
    tops = highest(session, on=on, tree=tree, seen=seen)
    headcount = doors_of(session).headcount
    if sought:
        few, number = fitting(session, sought, on=on, tree=tree, seen=seen)
        whole = headcount.with_below(session, [one.id for one in (*tops, *few)], on=on, tree=tree)
        return Shown((), few, number, whole, whole, sum(whole.get(one.id, 0) for one in tops), total, True)
    under: list[Branch[OnDay]] = []
    own: dict[int, int] = {}
    below: dict[int, int] = {}
    everybody = 0
    for top in tops:
        branches = headcount.by_branch(session, top.id, on=on, tree=tree)
        children = queries.below_on(session, top.id, on=on, tree=tree)
        children = [child for child in children if seen is None or child.id in seen]
        under.append(Branch(top, 0, tuple(Branch(child, 1, ()) for child in children)))
        below |= {child.id: branches.get(child.id, 0) for child in children} | {top.id: sum(branches.values())}
        own |= {top.id: branches.get(top.id, 0)} | {child.id: branches.get(child.id, 0) for child in children}
        everybody += below[top.id]
    return Shown(under, (), 0, own, below, everybody, total, True)


def fitting(
    session: Session, sought: str, *, on: date, tree: str, seen: Collection[int] | None
) -> tuple[Sequence[OnDay], int]:
    """The first units of the tree that day, or of these of it, in whose names every word is found; and how many do.

    Names of today are remembered: to read and fold thousands for every search costs more than all else of the page.
    """
    words = text.folded(sought).split()
    if on != clock.today() or not words:
        found = [unit for unit in standing(session, on=on, tree=tree, seen=seen) if fits(unit, sought)]
        return found[:MOST_FOUND], len(found)
    kept = of_today(session)
    among = kept.standing.get(tree, frozenset()) if seen is None else kept.standing.get(tree, frozenset()) & set(seen)
    ids = [own for own, folded in kept.names if own in among and all(word in folded for word in words)]
    rows = session.execute(named_on(on).where(Unit.id.in_(ids[:MOST_FOUND])).order_by(Unit.sort_key, Unit.id))
    return [OnDay(*row) for row in rows], len(ids)


def number_of_units(session: Session, *, on: date, tree: str, seen: Collection[int] | None) -> int:
    """How many units stand in the tree that day, or how many of these."""
    if on == clock.today():
        there = of_today(session).standing.get(tree, frozenset())
        return len(there if seen is None else there & set(seen))
    itself = UnitClosure.tree == tree, UnitClosure.depth == 0
    held = *itself, holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to)
    if seen is None:
        return session.scalar(select(func.count()).where(*held)) or 0
    return len(set(session.scalars(select(UnitClosure.descendant_id).where(*held))) & set(seen))


def highest(session: Session, *, on: date, tree: str, seen: Collection[int] | None) -> list[OnDay]:
    """The units at the top of the tree that day, or of these units of it."""
    if seen is not None:
        return [branch.unit for branch in queries.trees_on(session, on=on, tree=tree, only=seen)]
    query = named_on(on).join(UnitRoot, UnitRoot.unit_id == Unit.id)
    query = query.where(UnitRoot.tree == tree, holds_on(on, UnitRoot.valid_from, UnitRoot.valid_to))
    return [OnDay(*row) for row in session.execute(query.order_by(Unit.sort_key, Unit.id))]


def standing(session: Session, *, on: date, tree: str, seen: Collection[int] | None) -> list[OnDay]:
    """All units of the tree that day, or those of these, by name."""
    itself = UnitClosure.descendant_id == Unit.id, UnitClosure.ancestor_id == Unit.id, UnitClosure.tree == tree
    query = named_on(on).join(UnitClosure, UnitClosure.descendant_id == Unit.id)
    query = query.where(*itself, holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to))
    rows = session.execute(query.order_by(Unit.sort_key, Unit.id))
    return [OnDay(*row) for row in rows if seen is None or row[0] in seen]


def fits(unit: OnDay, sought: str) -> bool:
    """Whether every word is found in name, short name or code, with or without marks; nothing fits no words."""
    words = text.folded(sought).split()
    return bool(words) and all(word in text.folded(f"{unit.name} {unit.short_name} {unit.code}") for word in words)


def lineages() -> Select[int, int, bool]:
    """Predecessor, successor, and whether the former ended by it, of all operations that were not undone."""
    ended = func.coalesce(Unit.valid_to == UnitOperation.effective_on, false())
    return (
        select(UnitLineage.predecessor_id, UnitLineage.successor_id, ended)
        .join(UnitOperation, UnitOperation.id == UnitLineage.operation_id)
        .join(Unit, Unit.id == UnitLineage.predecessor_id)
        .where(UnitOperation.undone_at.is_(None))
    )


def units_seen(session: Session, reach: Reach | None) -> frozenset[int] | None:
    """The units whose pages may be read: those within reach, and what these have taken over from; None: all."""
    if reach is None:
        return None
    return with_predecessors(reach.units, [(row[0], row[1], row[2]) for row in session.execute(lineages())])


MOST_TITLED = 3
"""So many units are named on either side of a title; how many more there are is said."""


def titled(session: Session, *operations: UnitOperation) -> list[str]:
    """What each operation was, and of which units ("Sáp nhập: Xã A, Xã B → Xã C"), with as many statements for many."""
    sides = concerned(session, operations)
    told = (" → ".join(in_title(names) for names in sides[one.id] if names) for one in operations)
    return [f"{OPERATIONS[one.kind]}: {units}" for one, units in zip(operations, told, strict=True)]


def in_title(names: Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    first, more = ", ".join(names[:MOST_TITLED]), len(names) - MOST_TITLED
    return str(_("%(units)s và %(n)d đơn vị khác", units=first, n=more)) if more > 0 else first


def operations_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """What operations were, of which units and from which day, by their opaque ids (`called` in lms/doors.py)."""
    known = UnitOperation.public_id.in_([uuid.UUID(one) for one in ids])
    found = session.scalars(select(UnitOperation).where(known)).all()
    told = zip(found, titled(session, *found), strict=True)
    return {str(one.public_id): f"{title}, {day(one.effective_on)}" for one, title in told}


def concerned(session: Session, operations: Collection[UnitOperation]) -> dict[int, tuple[list[str], list[str]]]:
    """What those are called whom operations are about, as on their days or last: who was before, and who takes over.

    By the ids of the operations. Not the units below them, which only stand elsewhere from then on.
    """
    ids = [one.id for one in operations]
    lines = select(UnitLineage).where(UnitLineage.operation_id.in_(ids))
    before: dict[int, dict[int, None]] = {one: {} for one in ids}
    after: dict[int, dict[int, None]] = {one: {} for one in ids}
    for line in session.scalars(lines.order_by(UnitLineage.predecessor_id, UnitLineage.successor_id)):
        before[line.operation_id][line.predecessor_id] = after[line.operation_id][line.successor_id] = None
    for one in operations:
        if not before[one.id]:
            before[one.id] = dict.fromkeys(
                row["values"]["id"] for row in one.changes if row["table"] == "unit" and row["did"] == "changed"
            )
    alone = [one for one in ids if not before[one]]
    meant = {unit for of in (before, after) for units in of.values() for unit in units}
    name = func.coalesce(queries.called(Unit.id, UnitOperation.effective_on), Unit.name)
    rows = session.execute(
        select(UnitOperationUnit.operation_id, Unit.id, name)
        .join(UnitOperation, UnitOperation.id == UnitOperationUnit.operation_id)
        .join(Unit, Unit.id == UnitOperationUnit.unit_id)
        .where(UnitOperationUnit.operation_id.in_(ids))
        .where(or_(Unit.id.in_(meant), UnitOperationUnit.operation_id.in_(alone)))
        .order_by(Unit.id)
    ).all()
    names = {(operation_id, unit_id): name for operation_id, unit_id, name in rows}
    for operation_id, unit_id, _name in rows:
        if operation_id in alone:
            before[operation_id][unit_id] = None
    return {one: ([names[one, unit] for unit in before[one]], [names[one, unit] for unit in after[one]]) for one in ids}


def heirs_named(session: Session, unit_ids: Collection[int]) -> dict[int, str]:
    """What those are called who take in whoever belongs to these units when they end."""
    query = (
        select(UnitLineage.predecessor_id, Unit.name)
        .join(UnitOperation, UnitOperation.id == UnitLineage.operation_id)
        .join(Unit, Unit.id == UnitLineage.successor_id)
        .where(UnitLineage.heir, UnitOperation.undone_at.is_(None), UnitLineage.predecessor_id.in_(unit_ids))
    )
    return dict(session.execute(query).all())


def standing_beside(session: Session, unit_id: int, others: Collection[int], *, on: date, tree: str) -> list[OnDay]:
    """Those of these units that stood in the tree that day, but not at or below the unit; by name."""
    itself = UnitClosure.descendant_id == Unit.id, UnitClosure.ancestor_id == Unit.id, UnitClosure.tree == tree
    query = named_on(on).join(UnitClosure, UnitClosure.descendant_id == Unit.id)
    query = query.where(*itself, holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to), Unit.id.in_(others))
    query = query.where(Unit.id.not_in(subtree(unit_id, on=on, tree=tree)))
    return [OnDay(*row) for row in session.execute(query.order_by(Unit.sort_key, Unit.id))]


UNITS_OF_TODAY = "units of today"


@dataclass(frozen=True, slots=True)
class Today:
    """Units of today with names and codes as one types them, in order; and the ids of those that stand in each tree."""

    names: Sequence[tuple[int, str]]
    standing: Mapping[str, frozenset[int]]


def of_today(session: Session) -> Today:
    """What is remembered of today's units until the organisation has changed.

    It changes by operations and with the day, when that is settled, and by nothing else.
    """
    today = clock.today()
    version = today, last_change(session)
    kept = recalled(session, UNITS_OF_TODAY, "latest")
    if kept is not None and kept[0] == version:
        return cast(Today, kept[1])
    query = select(Unit.id, Unit.name, Unit.short_name, Unit.code).order_by(Unit.sort_key, Unit.id)
    query = query.where(holds_on(today, Unit.valid_from, Unit.valid_to), Unit.undone.is_(False))
    names = [(own, text.fold(" ".join(words))) for own, *words in session.execute(query)]
    held = UnitClosure.depth == 0, holds_on(today, UnitClosure.valid_from, UnitClosure.valid_to)
    trees: dict[str, set[int]] = {}
    for tree, own in session.execute(select(UnitClosure.tree, UnitClosure.descendant_id).where(*held)):
        trees.setdefault(tree, set()).add(own)
    found = Today(names, {tree: frozenset(ids) for tree, ids in trees.items()})
    remember(session, UNITS_OF_TODAY, "latest", (version, found))
    return found


def last_change(session: Session) -> tuple[int | None, int, date | None]:
    """What is another one as soon as an operation was entered or undone, or the day was settled.

    With the day, units are as they were; and their names are those of the day that is settled.
    """
    last = select(func.max(UnitOperation.id)).scalar_subquery()
    undone = select(func.count()).where(UnitOperation.undone_at.is_not(None)).scalar_subquery()
    operation, number, settled = session.execute(select(last, undone, SETTLED)).one()
    return operation, number, settled


SETTLED = select(SettledDay.day).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Branches:
    """At or below which of the units directly below another each unit stands; the other one is a branch of its own.

    `ids` are the branches, the first for what stands in none. `places` has two bytes for each id of a unit, from nought
    up: the place of its branch in `ids`, at most 65,535. So a database can tell the branch of a unit without a join.
    `units`: how many stand in them.
    """

    ids: Sequence[int | None]
    places: bytes
    units: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where units of a tree stand on a day: the unit above each, and those directly below each, in their order.

    `last` is the highest id among them.
    """

    above: Mapping[int, int]
    below: Mapping[int, Sequence[OnDay]]
    last: int
    known: dict[int, Branches] = field(default_factory=dict)

    def branches(self, top: int) -> Branches:
        """Those of a unit. Kept for whoever has most of the tree below, since few do and it takes longest."""
        found = self.known.get(top)
        if found is None:
            found = self.walked(top)
            if self.most(found):
                self.known[top] = found
        return found

    def most(self, branches: Branches) -> bool:
        """Whether most units of the tree stand in them; not those of a unit that has none, or stands in no tree."""
        return branches.units > 1 and branches.units * 2 > len(self.above)

    def walked(self, top: int) -> Branches:
        """Those of a unit, found from there down."""
        ids = (None, top, *(one.id for one in self.below.get(top, ())))
        places, units = bytearray(2 * (max(self.last, top) + 1)), 0
        waiting = [(place, unit) for place, unit in enumerate(ids) if unit is not None]
        while waiting:
            place, unit = waiting.pop()
            places[2 * unit : 2 * unit + 2] = place.to_bytes(2)
            units += 1
            if unit != top:
                waiting += [(place, one.id) for one in self.below.get(unit, ())]
        return Branches(ids, bytes(places), units)


def places_on(session: Session, top: int, *, on: date, tree: str) -> Places:
    """Where what stands below a unit stood on a day, and as it was called then.

    The whole tree of today is remembered as `of_today` is, for that day.
    """
    if on != clock.today():
        below = UnitEdge.parent_id.in_(subtree(top, on=on, tree=tree))
        return placed(session.execute(edges_on(on, tree).where(below)))
    version, kept = (on, last_change(session)), recalled(session, PLACES_OF_TODAY, tree)
    if kept is None or kept[0] != version:
        kept = version, placed(session.execute(edges_on(on, tree)))
        remember(session, PLACES_OF_TODAY, tree, kept)
    return cast(Places, kept[1])


def edges_on(on: date, tree: str) -> Select[*tuple[Any, ...]]:
    """The columns of `OnDay` of each unit that stands below another that day, and that one; siblings in order."""
    stands = UnitEdge.child_id == Unit.id, UnitEdge.tree == tree
    query = named_on(on).add_columns(UnitEdge.parent_id).join(UnitEdge, and_(*stands))
    query = query.where(holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to))
    return query.order_by(UnitEdge.position, UnitName.sort_key, Unit.id)


def placed(rows: Iterable[Row[*tuple[Any, ...]]]) -> Places:
    """The rows of `edges_on` as places."""
    above: dict[int, int] = {}
    below: dict[int, list[OnDay]] = {}
    for *words, parent in rows:
        one = OnDay(*words)
        above[one.id] = parent
        below.setdefault(parent, []).append(one)
    return Places(above, below, max(above, default=0))


PLACES_OF_TODAY = "places of today"
