"""The shape of a tree on a day and on all days, made from dated rows; what two days' pictures differ in. Pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Generic, TypeVar

One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class Branch(Generic[One]):
    """A unit, how deep it stands (0: at the top), and what stands below it."""

    unit: One
    depth: int
    children: tuple["Branch[One]", ...]

    def walk(self) -> Iterator["Branch[One]"]:
        """This branch and all below it, each parent before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


def branches(rows: Iterable[tuple[One, int, int | None]]) -> list[Branch[One]]:
    """The trees made of units with their own ids and those of their parents; siblings keep the order of the rows.

    A unit whose parent is not among the rows stands at the top.
    """
    rows = list(rows)
    known = {own for _, own, _ in rows}
    below: dict[int | None, list[tuple[One, int]]] = {}
    for unit, own, parent in rows:
        below.setdefault(parent if parent in known else None, []).append((unit, own))

    def grow(units: Sequence[tuple[One, int]], depth: int) -> list[Branch[One]]:
        return [Branch(unit, depth, tuple(grow(below.get(own, []), depth + 1))) for unit, own in units]

    return grow(below.get(None, []), 0)


def rolled_up(trees: Iterable[Branch[One]], own: Mapping[int, int], key: Callable[[One], int]) -> dict[int, int]:
    """How many there are in each unit and all below it, from how many there are in each unit itself."""
    sums: dict[int, int] = {}

    def add(branch: Branch[One]) -> int:
        number = own.get(key(branch.unit), 0) + sum(add(child) for child in branch.children)
        sums[key(branch.unit)] = number
        return number

    for tree in trees:
        add(tree)
    return sums


@dataclass(frozen=True, slots=True)
class Placement:
    """In one tree, between two days, a unit stands directly below `parent_id` (None: at the top)."""

    parent_id: int | None
    valid_from: date
    valid_to: date | None


Placements = Mapping[int, Sequence[Placement]]
"""Where each unit of a tree stands, on all days."""

DEEPEST = 50
"""No organisation has so many levels: whoever climbs further goes round in a circle."""


class Circular(ValueError):
    """On some day a unit would stand below itself."""


def earlier(one: date | None, other: date | None) -> date | None:
    """The earlier of two ends; None never comes."""
    known = [day for day in (one, other) if day is not None]
    return min(known) if known else None


def in_common(one: Placement, since: date, until: date | None) -> tuple[date, date | None] | None:
    """The days on which a placement holds between two days, or None."""
    start, end = max(one.valid_from, since), earlier(one.valid_to, until)
    return (start, end) if end is None or start < end else None


def closure_of(unit_id: int, placements: Placements) -> dict[tuple[int, date], tuple[int, date | None]]:
    """Who stands how many levels above the unit, itself included: (ancestor, first day) to (depth, first day after).

    Days that follow each other at the same depth are one row. An ancestor counts on days on which it stands in the tree
    itself. Raises `Circular`.
    """
    found: list[tuple[int, date, int, date | None]] = []

    def climb(one: int, stands: Placement, since: date, until: date | None, depth: int) -> None:
        if depth > DEEPEST:
            raise Circular(unit_id)
        found.append((one, since, depth, until))
        if stands.parent_id is None:
            return
        for above in placements.get(stands.parent_id, ()):
            if (days := in_common(above, since, until)) is not None:
                climb(stands.parent_id, above, *days, depth + 1)

    for own in placements.get(unit_id, ()):
        climb(unit_id, own, own.valid_from, own.valid_to, 0)
    return joined(found)


def joined(
    found: Iterable[tuple[int, date, int, date | None]],
) -> dict[tuple[int, date], tuple[int, date | None]]:
    """Rows of one ancestor that follow each other without a gap and at the same depth, as one."""
    rows: dict[tuple[int, date], tuple[int, date | None]] = {}
    last: tuple[int, date] | None = None
    for ancestor, since, depth, until in sorted(found, key=lambda row: row[:3]):
        if last is not None and last[0] == ancestor and rows[last] == (depth, since):
            rows[last] = (depth, until)
        else:
            last = (ancestor, since)
            rows[last] = (depth, until)
    return rows


def misplaced(placements: Placements, unit_ids: Iterable[int]) -> set[int]:
    """Of these units, those that some day stand in two places, or below a unit that does not stand in the tree."""
    return {
        unit_id
        for unit_id in unit_ids
        for number, own in enumerate(placements.get(unit_id, ()))
        if any(in_common(other, own.valid_from, own.valid_to) for other in placements[unit_id][number + 1 :])
        or (own.parent_id is not None and not covers(placements.get(own.parent_id, ()), own))
    }


def covers(above: Iterable[Placement], own: Placement) -> bool:
    """Whether the unit above stands in the tree on every day of the placement."""
    reached: date | None = own.valid_from
    for one in sorted(above, key=lambda row: row.valid_from):
        if reached is None or one.valid_from > reached:
            break
        if one.valid_to is None or one.valid_to > reached:
            reached = one.valid_to
    return reached is None or (own.valid_to is not None and reached >= own.valid_to)


@dataclass(frozen=True, slots=True)
class Seen:
    """A unit as it is on a day: what it is called and, by tree, id and words for the unit above (0, "": top)."""

    code: str
    name: str
    short_name: str
    kind: str
    parents: Mapping[str, tuple[int, str]]


NOT_IN_TREE = (-1, "-")


@dataclass(frozen=True, slots=True)
class Difference:
    """What is other with a unit: `what` is begins, ends, name, short_name, kind, code, above.state or above.party."""

    code: str
    name: str
    what: str
    before: str
    after: str


def differences_of(before: Mapping[int, Seen], after: Mapping[int, Seen]) -> list[Difference]:
    """What two pictures of the organisation differ in, by unit, in the order of codes."""
    found: list[Difference] = []
    for unit_id in before.keys() | after.keys():
        old, new = before.get(unit_id), after.get(unit_id)
        if old is None or new is None:
            one = old or new
            assert one is not None  # noqa: S101 - the id comes from one of the two
            found.append(Difference(one.code, one.name, "ends" if old else "begins", "", ""))
        if new is not None:
            found += changes_of(old, new)
    order = ("ends", "begins")
    return sorted(found, key=lambda one: (order.index(one.what) if one.what in order else 2, one.code, one.what))


def changes_of(old: Seen | None, new: Seen) -> Iterator[Difference]:
    """What is other with a unit that is there on the later picture."""
    if old is not None:
        for what in ("name", "short_name", "kind", "code"):
            if getattr(old, what) != getattr(new, what):
                yield Difference(old.code, old.name, what, getattr(old, what), getattr(new, what))
    for tree in sorted(new.parents.keys() | (old.parents.keys() if old else set())):
        was = old.parents.get(tree, NOT_IN_TREE) if old else NOT_IN_TREE
        now = new.parents.get(tree, NOT_IN_TREE)
        if was[0] != now[0]:
            yield Difference(new.code, new.name, f"above.{tree}", was[1], now[1])


def digest_of(
    on: date, differences: Iterable[Any], lines: Iterable[Any], totals: Mapping[str, Any], prints: Any
) -> str:
    """One short text for all that a rehearsal found: it is other as soon as anything of it is."""
    plain = [on.isoformat(), [astuple(one) for one in differences], sorted(map(astuple, lines)), totals, prints]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Called:
    """A unit in a line of history, as it was called then."""

    public_id: Any
    name: str


@dataclass(slots=True)
class Happened(Generic[One]):
    """An operation in the history of a unit, with who took over from whom."""

    operation: One
    predecessors: list[Called]
    successors: list[Called]


@dataclass(slots=True)
class Event(Generic[One]):
    """What happened to a unit on a day. `words` are two rows of names, the earlier None at the beginning.

    `places` are tree, the unit above before and the unit above from then on ("" at the top, None: not in the tree).
    """

    day: date
    words: list[tuple[Any, Any]]
    places: list[tuple[str, str | None, str | None]]
    operations: list[Happened[One]]


def events(
    names: Sequence[Any], places: Iterable[Any], operations: Iterable[tuple[date, Happened[One]]]
) -> list[Event[One]]:
    """The history of a unit, the latest day first, from its names in the order of days, its places and operations."""
    found: dict[date, Event[One]] = {}

    def on(day: date) -> Event[One]:
        return found.setdefault(day, Event(day, [], [], []))

    for before, after in pairwise([None, *names]):
        on(after.valid_from).words.append((before, after))
    last: dict[str, Any] = {}
    for tree, since, until, above in sorted(places, key=lambda row: (row[0], row[1])):
        left = last.get(tree)
        before = left[1] if left is not None and left[0] == since else None
        on(since).places.append((tree, before, above))
        last[tree] = (until, above)
    for day, operation in operations:
        on(day).operations.append(operation)
    return [found[day] for day in sorted(found, reverse=True)]


Lineage = tuple[int, int, bool]
"""Predecessor, successor, and whether the former ended by it."""


def with_predecessors(within: Iterable[int], lines: Iterable[Lineage]) -> frozenset[int]:
    """These units, and each that has ended and whose successors are all among them, however far back."""
    heirs: dict[int, set[int]] = {}
    for predecessor, successor, ended in lines:
        if ended:
            heirs.setdefault(predecessor, set()).add(successor)
    found, more = set(within), True
    while more:
        come = {one for one, successors in heirs.items() if one not in found and successors <= found}
        found |= come
        more = bool(come)
    return frozenset(found)


def kin_of(unit_id: int, lines: Iterable[Lineage]) -> frozenset[int]:
    """Whoever the unit took over from, and whoever took over from it, however far; not the unit itself."""
    known, found = list(lines), set[int]()
    for one, other in ((0, 1), (1, 0)):
        ends = {unit_id}
        while ends:
            ends = {line[other] for line in known if line[one] in ends} - found
            found |= ends
    return frozenset(found - {unit_id})
