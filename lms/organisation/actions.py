"""Changing the organisation: every change is an operation with a day, keeps the closure in step, and is noted."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from lms import clock, text
from lms.audit.actions import note
from lms.db import lock_roll
from lms.doors import NoPlace, Succession, doors_of, tell
from lms.organisation.models import (
    STATE_TREE,
    TREES,
    Unit,
    UnitLineage,
    UnitName,
    UnitOperation,
    UnitOperationUnit,
)
from lms.organisation.projection import wear_names
from lms.organisation.queries import Rehearsal, lineage_of, operations_after, rehearsal, touched_by
from lms.organisation.storage import (
    NamedTwice,
    NewUnit,
    NoReceiver,
    NothingNew,
    NotStanding,
    Superseded,
    Words,
    Work,
    begun,
    claim_code,
    end_unit,
    leave,
    make_unit,
    must_stand,
    place,
    settle_trees,
    take_back,
    trees_of,
    units_below,
    worded,
)


@dataclass(frozen=True, slots=True)
class Basis:
    """The document a change of the organisation rests on."""

    number: str = ""
    dated: date | None = None
    issuer: str = ""


NO_BASIS = Basis()
WORDS = ("code", "kind", "name", "short_name")


@dataclass(frozen=True, slots=True)
class OrganisationChanged:
    """Told after the trees have changed from a day on, and what belongs to units has followed."""

    on: date


def done(work: Work, kind: str, *, basis: Basis, by: uuid.UUID | None, **details: object) -> UnitOperation:
    """Keep the operation; bring closure, names and what belongs to units in step; note and tell it."""
    session = work.session
    settle_trees(session, work.placed)
    operation = UnitOperation(
        public_id=uuid.uuid4(),
        kind=kind,
        effective_on=work.on,
        document_number=text.nfc(basis.number),
        document_date=basis.dated,
        document_issuer=text.nfc(basis.issuer),
        changes=work.ledger.changes,
        entered_at=clock.now(),
        entered_by=by,
    )
    session.add(operation)
    session.flush()  # the rows below need its id
    units = [{"operation_id": operation.id, "unit_id": one} for one in sorted(work.touched)]
    session.execute(insert(UnitOperationUnit), units)
    columns = ("predecessor_id", "successor_id", "heir")
    lineage = [{"operation_id": operation.id, **dict(zip(columns, one, strict=True))} for one in work.lineage]
    if lineage:
        session.execute(insert(UnitLineage), lineage)
    details["on"] = work.on.isoformat()
    noted(session, f"unit.{kind}", operation, by=by, **details)
    if kind != "create":  # a new unit has nothing that could follow, and changes nobody's roll
        wear_names(session, clock.today(), work.touched)
        renewed(session)
        for one in doors_of(session).belongings:
            try:
                one.follow(session, succession_of(session, operation, placed=work.people))
            except NoPlace as reason:
                raise NotStanding(session.get(Unit, reason.args[0]), work.on) from reason
        tell(session, OrganisationChanged(work.on))
    return operation


def noted(session: Session, action: str, operation: UnitOperation, *, by: uuid.UUID | None, **details: Any) -> None:
    """An entry in the log about an operation."""
    note(session, action, actor=by, object_kind="unit operation", object_id=operation.public_id, **details)


def renewed(session: Session) -> None:
    """Read units again whose rows were written past the session."""
    for one in list(session.identity_map.values()):
        if isinstance(one, Unit):
            session.refresh(one)


def succession_of(
    session: Session, operation: UnitOperation, *, placed: Mapping[uuid.UUID, int] | None = None
) -> Succession:
    """Who takes over by an operation, as what belongs to units is told it."""
    heirs: dict[int, int | None] = {
        one["values"]["id"]: None
        for one in operation.changes
        if one["table"] == "unit" and one["did"] == "changed" and "valid_to" in one["values"]
    }
    successors: dict[int, tuple[int, ...]] = {}
    for line in session.scalars(lineage_of(operation.id)):
        successors[line.predecessor_id] = (*successors.get(line.predecessor_id, ()), line.successor_id)
        if line.heir:
            heirs[line.predecessor_id] = line.successor_id
    made = tuple(one["values"]["id"] for one in operation.changes if one["did"] == "made")
    return Succession(
        operation.id, operation.effective_on, operation.entered_at, heirs, successors, made, dict(placed or {})
    )


def create_unit(
    session: Session,
    *,
    code: str,
    name: str,
    kind: str,
    parent: Unit | None,
    since: date,
    short_name: str = "",
    tree: str = STATE_TREE,
    position: int | None = 0,
    counted: bool = True,
    note_text: str = "",
    basis: Basis = NO_BASIS,
    by: uuid.UUID | None = None,
) -> Unit:
    """Add a unit below `parent` (None makes a root) from the day `since`. Raises `CodeTaken`, `NotStanding`."""
    new = NewUnit(
        Words(code, name, kind, short_name), {tree: parent}, counted=counted, note=note_text, position=position
    )
    operation = found_unit(session, new, on=since, basis=basis, by=by)
    return session.get_one(Unit, succession_of(session, operation).made[0])


def found_unit(
    session: Session, new: NewUnit, *, on: date, basis: Basis = NO_BASIS, by: uuid.UUID | None = None
) -> UnitOperation:
    """From the day on there is this unit. Raises `CodeTaken`, `NotStanding`."""
    work = begun(session, on)
    unit = make_unit(work, new)
    trees = sorted(new.parents)
    begins = {name: (None, value) for name, value in worded(new.words).items() if name in WORDS}
    return done(work, "create", basis=basis, by=by, changes=begins, trees=trees, unit=str(unit.public_id))


def rename_unit(
    session: Session, unit: Unit, words: Words, *, on: date, basis: Basis = NO_BASIS, by: uuid.UUID | None = None
) -> UnitOperation:
    """From the day on the unit has another name, kind or code. Raises `Refused`."""
    work = begun(session, on)
    must_stand(session, [unit], on=on)
    new = worded(words)
    last = session.scalars(select(UnitName).filter_by(unit_id=unit.id, valid_to=None)).one()
    words_now = {name: getattr(last, name) for name in WORDS}
    changed = {name: (value, new[name]) for name, value in words_now.items() if value != new[name]}
    if not changed:
        raise NothingNew(unit)
    claim_code(session, unit, words.code)
    work.ledger.end(UnitName, on, unit_id=unit.id)
    work.ledger.add(UnitName, unit_id=unit.id, valid_from=on, **new)
    work.touched.add(unit.id)
    kind = "rename" if {"name", "short_name"} & changed.keys() else "reclassify" if "kind" in changed else "recode"
    return done(work, kind, basis=basis, by=by, unit=str(unit.public_id), changes=changed)


def move_unit(
    session: Session,
    unit: Unit,
    parent: Unit | None,
    *,
    on: date,
    tree: str = STATE_TREE,
    basis: Basis = NO_BASIS,
    by: uuid.UUID | None = None,
) -> UnitOperation:
    """From the day on the unit, with all below it, stands below another, in that tree; one that was not in it comes in.

    Raises `Refused`.
    """
    work = begun(session, on)
    must_stand(session, [unit], on=on)
    stands = trees_of(work, unit)
    if tree in stands and stands[tree] is parent:
        raise NothingNew(unit)
    leave(work, unit, tree=tree)
    place(work, unit, parent, tree=tree)
    above = stands.get(tree)
    moved = {"parent": tuple(str(one.public_id) if one else None for one in (above, parent))}
    return done(work, "move", basis=basis, by=by, unit=str(unit.public_id), tree=tree, changes=moved)


def merge_units(
    session: Session,
    units: Sequence[Unit],
    into: Unit | NewUnit,
    *,
    on: date,
    basis: Basis = NO_BASIS,
    by: uuid.UUID | None = None,
) -> UnitOperation:
    """From the day on these units are one: a new one (hợp nhất), or one that goes on (sáp nhập).

    What stands below them stands below it, and whoever belongs to them belongs to it. Raises `Refused`.
    """
    must_differ(*units, into)
    work = begun(session, on)
    must_stand(session, units, on=on)
    if isinstance(into, Unit):
        must_stand(session, [into], on=on)
        heir, kind = into, "absorb"
    else:
        heir, kind = make_unit(work, into), "consolidate"
    hand_over(work, units, heir)
    work.touched.add(heir.id)
    work.lineage += [(unit.id, heir.id, True) for unit in units]
    merged = [str(unit.public_id) for unit in units]
    return done(work, kind, basis=basis, by=by, units=merged, into=str(heir.public_id))


def must_differ(*units: Unit | NewUnit | None) -> None:
    """None takes over from itself, and none is named twice. Raises `NamedTwice`."""
    known = [one for one in units if isinstance(one, Unit)]
    for number, one in enumerate(known):
        if any(one.id == other.id for other in known[:number]):
            raise NamedTwice(one)


def hand_over(work: Work, units: Sequence[Unit], heir: Unit) -> None:
    """End these units; what stands below them stands below the heir, and the heir never below one of them."""
    below = {(unit.id, tree): units_below(work, unit, tree) for unit in units for tree in TREES}
    above = {unit.id: trees_of(work, unit) for unit in units}
    for unit in units:
        end_unit(work, unit)
    for (unit_id, tree), children in below.items():
        for child in children:
            if child in units:
                continue
            parent: Unit | None = heir
            if child is heir:
                parent = above[unit_id][tree]
                while parent is not None and parent in units:
                    parent = above[parent.id][tree]
            leave(work, child, tree=tree)
            place(work, child, parent, tree=tree)


def split_unit(
    session: Session,
    unit: Unit,
    parts: Sequence[Unit | NewUnit],
    *,
    ends: bool,
    on: date,
    children: Mapping[int, int] | None = None,
    people: Mapping[uuid.UUID, int] | None = None,
    basis: Basis = NO_BASIS,
    by: uuid.UUID | None = None,
) -> UnitOperation:
    """From the day on the parts take over from the unit, which ends (chia) or goes on beside them (tách).

    `children` and `people` say by numbers in `parts` which units below, by id, and which people, by public id, go
    where. Whoever is not named goes to the first part, or stays where the unit goes on. Raises `Refused`.
    """
    must_differ(unit, *parts)
    work = begun(session, on)
    must_stand(session, [unit, *(one for one in parts if isinstance(one, Unit))], on=on)
    below = {tree: units_below(work, unit, tree) for tree in TREES}
    takers = [one if isinstance(one, Unit) else make_unit(work, one) for one in parts]
    if ends:
        end_unit(work, unit)
    for tree, units in below.items():
        for child in units:
            number = (children or {}).get(child.id, 0 if ends else None)
            if number is not None and child not in takers:
                leave(work, child, tree=tree)
                place(work, child, takers[number], tree=tree)
    work.touched |= {unit.id, *(one.id for one in takers)}
    work.lineage += [(unit.id, one.id, ends and number == 0) for number, one in enumerate(takers)]
    work.people = {person: takers[number].id for person, number in (people or {}).items()}
    into = [str(one.public_id) for one in takers]
    kind = "divide" if ends else "separate"
    return done(work, kind, basis=basis, by=by, unit=str(unit.public_id), into=into)


def abolish_unit(
    session: Session,
    unit: Unit,
    *,
    receiver: Unit | None,
    children_to: Unit | None = None,
    on: date,
    basis: Basis = NO_BASIS,
    by: uuid.UUID | None = None,
) -> UnitOperation:
    """From the day on the unit is no more. People go to the receiver, units below to `children_to`, or there too.

    Raises `Refused`: `NoReceiver` when somebody or something would be left without a place.
    """
    must_differ(unit, receiver)
    must_differ(unit, children_to)
    work = begun(session, on)
    must_stand(session, [one for one in (unit, receiver, children_to) if one is not None], on=on)
    below = {tree: units_below(work, unit, tree) for tree in TREES}
    end_unit(work, unit)
    parent = children_to or receiver
    for tree, units in below.items():
        for child in units:
            if parent is None:
                raise NoReceiver(unit)
            leave(work, child, tree=tree)
            place(work, child, parent, tree=tree)
    if receiver is not None:
        work.touched.add(receiver.id)
        work.lineage.append((unit.id, receiver.id, True))
    operation = done(work, "abolish", basis=basis, by=by, unit=str(unit.public_id))
    if receiver is None and any(one.sort in ("people", "posts") for one in touched_by(session, operation)):
        raise NoReceiver(unit)
    return operation


def undo(session: Session, operation: UnitOperation, *, by: uuid.UUID | None = None) -> UnitOperation:
    """Take back what the operation did, while nothing was built on it.

    Raises `Superseded`, `GoesRound`, `NotStanding`, and `lms.doors.BuiltOn` for what belongs to the units.
    """
    work = begun(session, operation.effective_on)
    session.refresh(operation)  # another may have undone it while we waited
    if operation.undone_at is not None:
        raise NothingNew
    for later in session.scalars(operations_after(operation.id)).all():
        raise Superseded(None, later.effective_on)
    units = session.scalars(select(UnitOperationUnit.unit_id).filter_by(operation_id=operation.id)).all()
    succession = succession_of(session, operation)
    for one in reversed(doors_of(session).belongings):
        one.go_back(session, succession)
    take_back(session, operation.changes)
    settle_trees(session, {(tree, unit_id) for tree in TREES for unit_id in units})
    operation.undone_at, operation.undone_by = clock.now(), by
    noted(session, "unit.undo", operation, by=by)
    if operation.kind != "create":  # otherwise nobody belonged to it
        wear_names(session, clock.today(), units)
        tell(session, OrganisationChanged(work.on))
    renewed(session)
    return operation


def apply_rehearsed(
    session: Session,
    on: date,
    work: Callable[[], UnitOperation],
    *,
    digest: str,
    back: UnitOperation | None = None,
) -> UnitOperation | Rehearsal:
    """Do what was rehearsed, when it would still change the same; else return the new rehearsal. None comes between."""
    lock_roll(session)
    seen = rehearsal(session, on, work, back=back)
    return work() if seen.digest == digest else seen
