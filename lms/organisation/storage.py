"""An operation while it is being done: dated rows that can be taken back, and what must hold of them."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, insert, or_, select, union_all, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms import text
from lms.db import lock_roll
from lms.organisation.models import (
    TREES,
    Unit,
    UnitCode,
    UnitEdge,
    UnitLineage,
    UnitName,
    UnitOperation,
    UnitRoot,
)
from lms.organisation.projection import renew_closure
from lms.organisation.rules import Circular, misplaced
from lms.outbox.actions import settle_day

TABLES: Mapping[str, SqlTable] = {
    model.__tablename__: model.__table__  # type: ignore[misc]
    for model in (Unit, UnitEdge, UnitRoot, UnitName)
}


class Ledger:
    """Writes dated rows and keeps, in plain JSON, how each change is taken back."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.changes: list[dict[str, Any]] = []

    def add(self, model: Any, **values: Any) -> None:
        """A new row."""
        table = TABLES[model.__tablename__]
        key = self._session.execute(insert(table).values(**values).returning(*table.primary_key)).one()
        self._note("added", table, dict(zip(table.primary_key.columns.keys(), key, strict=True)))

    def made(self, unit: Unit) -> None:
        """A unit that was added; it is never removed."""
        self._note("made", TABLES["unit"], {"id": unit.id})

    def change(self, model: Any, key: Mapping[str, Any], **values: Any) -> None:
        """Other values in the row with this key."""
        table = TABLES[model.__tablename__]
        old = self._session.execute(select(*(table.c[name] for name in values)).where(is_row(table, key))).one()
        self._session.execute(update(table).where(is_row(table, key)).values(**values))
        self._note("changed", table, {**key, **dict(zip(values, old, strict=True))}, tuple(key))

    def end(self, model: Any, on: date, **where: Any) -> None:
        """What holds on that day holds until then; what begins on it or later has never held, and goes."""
        table = TABLES[model.__tablename__]
        rows = self._session.execute(
            select(table).where(
                *(table.c[name] == value for name, value in where.items()),
                or_(table.c.valid_to.is_(None), table.c.valid_to > on),
            )
        ).mappings()
        for row in rows.all():
            key = {name: row[name] for name in table.primary_key.columns.keys()}  # noqa: SIM118 - not a mapping
            if row["valid_from"] < on:
                self.change(model, key, valid_to=on)
            else:
                self._session.execute(delete(table).where(is_row(table, key)))
                self._note("removed", table, dict(row))

    def _note(self, did: str, table: SqlTable, values: Mapping[str, Any], key: tuple[str, ...] = ()) -> None:
        plain = {name: as_json(value) for name, value in values.items()}
        self.changes.append({"did": did, "table": table.name, "values": plain, "key": list(key)})


def take_back(session: Session, changes: Iterable[Mapping[str, Any]]) -> None:
    """Undo what a ledger wrote, the last first."""
    for one in reversed(list(changes)):
        table = TABLES[one["table"]]
        values = {name: from_json(table, name, value) for name, value in one["values"].items()}
        if one["did"] == "added":
            session.execute(delete(table).where(is_row(table, values)))
        elif one["did"] == "removed":
            session.execute(insert(table).values(**values))
        elif one["did"] == "changed":
            key = {name: values.pop(name) for name in one["key"]}
            session.execute(update(table).where(is_row(table, key)).values(**values))
        else:
            session.execute(update(table).where(is_row(table, values)).values(undone=True))


def is_row(table: SqlTable, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))


def as_json(value: Any) -> Any:
    """A value of a column as JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, uuid.UUID) else value


def from_json(table: SqlTable, name: str, value: Any) -> Any:
    """The value of the column again."""
    kind = table.c[name].type.python_type
    if value is None or kind not in (date, datetime, bytes, uuid.UUID):
        return value
    return (
        bytes.fromhex(value) if kind is bytes else uuid.UUID(value) if kind is uuid.UUID else kind.fromisoformat(value)
    )


class Refused(ValueError):
    """The organisation cannot be changed so. `unit` is the one that stands in the way, `day` since when."""

    def __init__(self, unit: Unit | None = None, day: date | None = None) -> None:
        super().__init__(f"{unit.code if unit else ''} {day or ''}".strip())
        self.unit, self.day = unit, day


class CodeTaken(Refused):
    """Another unit, of today or of the past, already carries this code: codes are never used again."""


class NotStanding(Refused):
    """On that day, or from some later day on, the unit is not there, or not in that tree."""


class ChangedLater(Refused):
    """The unit has changed on that very day or later: operations on a unit follow each other in time."""


class GoesRound(Refused):
    """The unit would stand below itself."""


class Beyond(Refused):
    """It would touch a unit that is not theirs who ask for it, or move or end the one at the top of theirs."""


class NamedTwice(Refused):
    """One unit stands in two places of the same change, or would take over from itself."""


class NothingNew(Refused):
    """Nothing would be other than it is."""


class NoReceiver(Refused):
    """People or units belong to it, and nobody takes them over."""


class Superseded(Refused):
    """It cannot be undone: another operation on the same units came after it."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a unit is called, of what kind it is, which code it bears."""

    code: str
    name: str
    kind: str
    short_name: str = ""


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A unit to be made; `parents` says below whom it stands in each tree (None: at the top)."""

    words: Words
    parents: Mapping[str, Unit | None]
    counted: bool = True
    note: str = ""
    position: int | None = None


@dataclass(slots=True)
class Work:
    """An operation while it is being done."""

    session: Session
    on: date
    ledger: Ledger
    touched: set[int] = field(default_factory=set)
    placed: set[tuple[str, int]] = field(default_factory=set)
    lineage: list[tuple[int, int, bool]] = field(default_factory=list)
    people: dict[uuid.UUID, int] = field(default_factory=dict)


def begun(session: Session, on: date) -> Work:
    """An operation begins: one at a time, before any row, as all do who change where people are counted.

    The day is settled first: else it would be in the middle, when somebody is told of half the operation.
    """
    lock_roll(session)
    settle_day(session)
    return Work(session, on, Ledger(session))


def settle_trees(session: Session, placed: Iterable[tuple[str, int]]) -> None:
    """Renew the closure where these units were placed or left, and refuse what is no tree on some day.

    Raises `GoesRound`, `NotStanding`.
    """
    by_tree: dict[str, set[int]] = {}
    for tree, unit_id in placed:
        by_tree.setdefault(tree, set()).add(unit_id)
    for tree, moved in sorted(by_tree.items()):
        try:
            placements = renew_closure(session, tree, moved)
        except Circular as circle:
            raise GoesRound(session.get(Unit, circle.args[0])) from circle
        below = select(UnitEdge.child_id).where(UnitEdge.tree == tree, UnitEdge.parent_id.in_(moved))
        for unit_id in sorted(misplaced(placements, moved | set(session.scalars(below)))):
            raise NotStanding(session.get(Unit, unit_id))


def make_unit(work: Work, new: NewUnit) -> Unit:
    """Add a unit with its names and places. Raises `CodeTaken`."""
    session, words = work.session, new.words
    unit = Unit(
        public_id=uuid.uuid4(),
        **worded(words),
        counted=new.counted,
        note=new.note,
        valid_from=work.on,
    )
    claim_code(session, None, words.code)
    try:
        with session.begin_nested():
            session.add(unit)
            session.flush()  # names, code and places need its id
            session.add(UnitCode(code=words.code.lower(), unit_id=unit.id))
    except IntegrityError as error:  # another transaction took the code after we had looked
        raise CodeTaken from error
    work.ledger.made(unit)
    work.ledger.add(UnitName, unit_id=unit.id, valid_from=work.on, **worded(words))
    for tree, parent in new.parents.items():
        place(work, unit, parent, tree=tree, position=new.position)
    return unit


def claim_code(session: Session, unit: Unit | None, code: str) -> None:
    """Let the unit bear the code; None: only look whether it is free. Raises `CodeTaken`."""
    borne = session.get(UnitCode, code.lower())
    if borne is not None and (unit is None or borne.unit_id != unit.id):
        raise CodeTaken
    if borne is None and unit is not None:
        session.add(UnitCode(code=code.lower(), unit_id=unit.id))
        session.flush()  # a code taken at this moment shows here


def worded(words: Words) -> dict[str, object]:
    """The words as columns."""
    name = text.nfc(words.name)
    return {
        "code": words.code,
        "kind": words.kind,
        "name": name,
        "short_name": text.nfc(words.short_name or name),
        "sort_key": text.sort_key(name),
    }


def place(work: Work, unit: Unit, parent: Unit | None, *, tree: str, position: int | None = None) -> None:
    """From the day on the unit stands below the parent, or at the top; last, unless a position is given.

    Raises `NotStanding`, `GoesRound`.
    """
    work.touched.add(unit.id)
    work.placed.add((tree, unit.id))
    if parent is None:
        work.ledger.add(UnitRoot, tree=tree, unit_id=unit.id, valid_from=work.on)
        return
    if parent.id == unit.id:
        raise GoesRound(unit)
    if tree not in trees_of(work, parent):
        raise NotStanding(parent)
    if position is None:
        position = work.session.scalar(last_position(parent.id, tree=tree)) or 0
    edge = {"tree": tree, "parent_id": parent.id, "child_id": unit.id, "position": position, "valid_from": work.on}
    work.ledger.add(UnitEdge, **edge)


def last_position(unit_id: int, *, tree: str) -> Select[int]:
    """The place after the last of the units below, or 0 where they simply stand by name."""
    last = func.coalesce(func.max(UnitEdge.position), 0)
    return select(case((last > 0, last + 1), else_=0)).where(UnitEdge.tree == tree, UnitEdge.parent_id == unit_id)


def leave(work: Work, unit: Unit, *, tree: str) -> None:
    """From the day on the unit stands in that tree no longer."""
    work.ledger.end(UnitEdge, work.on, tree=tree, child_id=unit.id)
    work.ledger.end(UnitRoot, work.on, tree=tree, unit_id=unit.id)
    work.touched.add(unit.id)
    work.placed.add((tree, unit.id))


def must_stand(session: Session, units: Iterable[Unit], *, on: date) -> None:
    """Each is there from that day on, and has not changed later. Raises `NotStanding`, `ChangedLater`."""
    for unit in units:
        session.refresh(unit)
        if unit.undone or unit.valid_from > on or unit.valid_to is not None:
            raise NotStanding(unit, unit.valid_to if unit.valid_to else unit.valid_from)
        changed = session.scalar(latest_change(unit.id))
        if changed is not None and changed > on:
            raise ChangedLater(unit, changed)


def latest_change(unit_id: int) -> Select[date]:
    """The last day on which the unit began, or was called or placed otherwise."""
    days = union_all(
        select(UnitName.valid_from.label("day")).where(UnitName.unit_id == unit_id),
        select(UnitEdge.valid_from).where(UnitEdge.child_id == unit_id),
        select(UnitRoot.valid_from).where(UnitRoot.unit_id == unit_id),
    ).subquery()
    return select(func.max(days.c.day))


def latest_inheritance(unit_id: int) -> Select[date]:
    """The last day on which the unit took over people from one that ended."""
    inherits = UnitLineage.successor_id == unit_id, UnitLineage.heir, UnitOperation.undone_at.is_(None)
    operations = select(func.max(UnitOperation.effective_on)).join(UnitLineage)
    return operations.where(*inherits)


def end_unit(work: Work, unit: Unit) -> None:
    """The unit is there until the day, and stands in no tree from then on. Raises `ChangedLater`.

    Nor does it end before it has taken over from others: whoever came to these late would follow into nothing.
    """
    began = max(unit.valid_from, work.session.scalar(latest_inheritance(unit.id)) or unit.valid_from)
    if began >= work.on:
        raise ChangedLater(unit, began)
    for tree in TREES:
        leave(work, unit, tree=tree)
    work.ledger.end(UnitName, work.on, unit_id=unit.id)
    work.ledger.change(Unit, {"id": unit.id}, valid_to=work.on)


def units_below(work: Work, unit: Unit, tree: str) -> list[Unit]:
    """What stands directly below on the day or comes there later, in order. Raises what `must_stand` raises."""
    units = work.session.scalars(
        select(Unit)
        .join(UnitEdge, UnitEdge.child_id == Unit.id)
        .where(UnitEdge.tree == tree, UnitEdge.parent_id == unit.id)
        .where(or_(UnitEdge.valid_to.is_(None), UnitEdge.valid_to > work.on))
        .order_by(UnitEdge.position, Unit.sort_key, Unit.id)
    ).all()
    must_stand(work.session, units, on=work.on)
    return list(units)


def trees_of(work: Work, unit: Unit) -> dict[str, Unit | None]:
    """The trees in which the unit stands on the day, each with the unit above it (None: at the top)."""
    session = work.session
    edges = select(UnitEdge).filter_by(child_id=unit.id, valid_to=None).order_by(UnitEdge.tree)
    tops = select(UnitRoot.tree).filter_by(unit_id=unit.id, valid_to=None)
    return {
        **dict.fromkeys(session.scalars(tops)),
        **{edge.tree: session.get_one(Unit, edge.parent_id) for edge in session.scalars(edges)},
    }
