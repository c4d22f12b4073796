"""Memberships follow the organisation: whoever belongs to a unit that ends goes to who takes over from it."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Date, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.actions import PeopleMoved
from lms.accounts.models import Membership, MembershipTransfer, Person, RoleGrant, UnitHeadcount
from lms.accounts.queries import number_by_unit
from lms.accounts.vocabulary import ROLES as ROLE_WORDS
from lms.audit.actions import note, note_each
from lms.clock import day_of
from lms.db import lock_roll
from lms.doors import BuiltOn, Expected, NoPlace, Row, Succession, Touched, tell
from lms.organisation.models import TREES, Unit, UnitClosure, UnitLineage, UnitOperation, UnitOperationUnit
from lms.organisation.queries import holds_on
from lms.outbox.actions import settle_day

PEOPLE, POSTS, ROLES = "people", "posts", "roles"
BATCH = 5_000


class PeopleOfUnits:
    """People as what belongs to units (`Belonging` in lms/doors.py). Roles over a unit do not follow."""

    def follow(self, session: Session, succession: Succession) -> None:
        """Same person, same post, another unit from the day on; the earlier membership ends and stays."""
        moves = [
            (one, succession.heirs.get(one.unit_id))
            for one in memberships_from(session, succession.heirs, succession.on)
        ]
        placed = {
            session.scalars(select(Person.id).where(Person.public_id == public_id)).one(): unit_id
            for public_id, unit_id in sorted(succession.placed.items())
        }
        giving = [unit_id for unit_id in succession.successors if unit_id not in succession.heirs]
        stand = standing(session, placed.values(), succession.on)
        moves += [
            (one, placed[one.person_id])
            for one in memberships_from(session, giving, succession.on)
            if (one.tree, placed.get(one.person_id))
            in stand  # in the other tree they stay with the unit, which goes on
        ]
        transfer(session, succession, [(one, placed.get(one.person_id, unit_id)) for one, unit_id in moves])

    def go_back(self, session: Session, succession: Succession) -> None:
        """Everybody to where they were. Raises `BuiltOn` when one has moved since, or others have come."""
        rows = session.scalars(select(MembershipTransfer).filter_by(operation_id=succession.operation_id)).all()
        guard(session, succession, rows)
        begun = [one.begun_id for one in rows if one.begun_id is not None]
        people = {one.person_id for one in by_ids(session, [one.membership_id for one in rows])}
        session.execute(delete(MembershipTransfer).filter_by(operation_id=succession.operation_id))
        for start in range(0, len(begun), BATCH):
            session.execute(delete(Membership).where(Membership.id.in_(begun[start : start + BATCH])))
        former = [{"id": one.membership_id, "valid_to": one.until, "unit_id": one.from_unit_id} for one in rows]
        if former:
            session.execute(update(Membership), former)
        session.flush()  # those who are told read where people belong
        tell_moved(session, people)

    def touched(self, session: Session, operation_id: int) -> Iterable[Touched]:
        """Those counted and concurrent posts, by the units they leave and come to; and roles that end with a unit."""
        rows = session.execute(
            select(
                MembershipTransfer.from_unit_id,
                MembershipTransfer.to_unit_id,
                Membership.kind,
                Membership.person_id,
            )
            .join(Membership, Membership.id == MembershipTransfer.membership_id)
            .where(MembershipTransfer.operation_id == operation_id)
            .order_by(Membership.person_id)
        ).all()
        groups: dict[tuple[str, int, int | None], list[int]] = {}
        for left, came, kind, person_id in rows:
            groups.setdefault((PEOPLE if kind == "main" else POSTS, left, came), []).append(person_id)
        for (sort, left, came), people in groups.items():
            yield Touched(sort, "", len(set(people)), left, came, fingerprint(people))
        yield from ended_roles(session, operation_id)

    def totals(self, session: Session, *, on: date) -> Mapping[str, int]:
        """How many are counted in each tree."""
        counted = (
            select(Membership.tree, func.count(Membership.person_id.distinct()))
            .join(Unit, Unit.id == Membership.unit_id)
            .where(Membership.kind == "main", holds_on(on, Membership.valid_from, Membership.valid_to))
            .where(holds_on(on, Unit.valid_from, Unit.valid_to))
            .group_by(Membership.tree)
        )
        return {f"people.{tree}": number for tree, number in session.execute(counted)}


def fingerprint(people: Iterable[int]) -> str:
    """Other as soon as others are meant."""
    return hashlib.sha256(" ".join(map(str, people)).encode()).hexdigest()[:16]


def memberships_from(session: Session, unit_ids: Iterable[int], on: date) -> Sequence[Membership]:
    """Memberships in these units that hold on the day or later, those that count first."""
    return session.scalars(
        select(Membership)
        .where(Membership.unit_id.in_(list(unit_ids)), or_(Membership.valid_to.is_(None), Membership.valid_to > on))
        .order_by(Membership.kind.desc(), Membership.id)
        .execution_options(populate_existing=True)
    ).all()


def transfer(session: Session, succession: Succession, moves: Sequence[tuple[Membership, int | None]]) -> None:
    """Give each membership its new unit, write down how to take it back, note and tell it.

    Where there is nobody to go to (None), it is only written down: the operation is then refused. Raises `NoPlace`.
    """
    if not moves:
        return
    stand = standing(session, {unit_id for _one, unit_id in moves if unit_id is not None}, succession.on)
    for one, unit_id in moves:
        if unit_id is not None and (one.tree, unit_id) not in stand:
            raise NoPlace(unit_id)
    counted = {(one.person_id, one.tree, unit_id) for one, unit_id in moves if one.kind == "main"}
    kept, begun = [], []
    for one, unit_id in moves:
        row = {"membership_id": one.id, "from_unit_id": one.unit_id, "to_unit_id": unit_id, "until": one.valid_to}
        kept.append({"operation_id": succession.operation_id, **row, "begun_id": None})
        if unit_id is None:
            continue
        if one.valid_from >= succession.on:
            one.unit_id = unit_id  # it has not held for a day: it is corrected
            continue
        one.valid_to, until = succession.on, one.valid_to
        if one.kind == "main" or (one.person_id, one.tree, unit_id) not in counted:
            same = {"person_id": one.person_id, "tree": one.tree, "kind": one.kind, "unit_id": unit_id}
            same |= {"position": one.position, "link_id": one.link_id}
            begun.append((kept[-1], {**same, "valid_from": succession.on, "valid_to": until}))
    session.flush()  # the table allows one membership without an end
    if begun:
        adding = insert(Membership).returning(Membership.id, sort_by_parameter_order=True)
        ids = session.scalars(adding, [row for _kept, row in begun])
        for (row, _new), number in zip(begun, ids.all(), strict=True):
            row["begun_id"] = number
    session.execute(insert(MembershipTransfer), kept)
    people = {one.person_id for one, _unit in moves}
    of = session.get_one(UnitOperation, succession.operation_id).public_id
    note(session, "people.follow", actor=None, object_kind="unit operation", object_id=of, people=len(people))
    tell_moved(session, people)


def standing(session: Session, unit_ids: Iterable[int], on: date) -> set[tuple[str, int]]:
    """Of these units the trees in which each stands on the day: tree and id."""
    itself = UnitClosure.depth == 0, UnitClosure.descendant_id.in_(set(unit_ids))
    rows = select(UnitClosure.tree, UnitClosure.descendant_id).where(*itself)
    return {(tree, unit_id) for tree, unit_id in session.execute(rows.where(in_tree(on)))}


def in_tree(on: Any) -> ColumnElement[bool]:
    """Whether a row of the closure holds on the day."""
    return and_(UnitClosure.valid_from <= on, or_(UnitClosure.valid_to.is_(None), UnitClosure.valid_to > on))


def tell_moved(session: Session, people: Iterable[int]) -> None:
    """Tell it of everybody at once."""
    if known := tuple(sorted(people)):
        tell(session, PeopleMoved(known))


def guard(session: Session, succession: Succession, rows: Sequence[MembershipTransfer]) -> None:
    """Nobody transferred has moved since, and nobody else hangs on units that were made. Raises `BuiltOn`."""
    ids = [number for one in rows for number in (one.membership_id, one.begun_id) if number is not None]
    now = {one.id: one for one in by_ids(session, ids)}
    for one in rows:
        old, begun = now[one.membership_id], now.get(one.begun_id or 0)
        if one.to_unit_id is None:
            if old.unit_id != one.from_unit_id or old.valid_to != placeless_from(old, succession.on):
                raise BuiltOn(PEOPLE)
            continue
        corrected = old.valid_from >= succession.on
        last = begun if begun is not None else old
        stays = (last.unit_id == one.to_unit_id) if begun is not None or corrected else True
        ends = last.valid_to == (one.until if begun is not None or corrected else succession.on)
        if not (stays and ends):
            raise BuiltOn(PEOPLE)
    made = Membership.unit_id.in_(succession.made)
    if set(session.scalars(select(Membership.id).where(made))) - set(ids):
        raise BuiltOn(PEOPLE)
    guard_roles(session, succession)


def guard_roles(session: Session, succession: Succession) -> None:
    """No role goes on over a unit that was made, nor one over a unit that took over which was given since.

    Else whoever was given a merged unit would keep what was part of it no longer. Raises `BuiltOn`, with role and unit.
    """
    heirs = {one for takers in succession.successors.values() for one in takers}
    since = and_(RoleGrant.unit_id.in_(heirs), RoleGrant.granted_at > succession.entered_at)
    goes_on = or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > clock.today())
    query = select(RoleGrant.role, Unit.name).join(Unit, Unit.id == RoleGrant.unit_id).order_by(RoleGrant.id).limit(1)
    found = session.execute(query.where(goes_on, or_(RoleGrant.unit_id.in_(succession.made), since))).first()
    if found is not None:
        raise BuiltOn(ROLES, ROLE_WORDS[found.role], found.name)


def by_ids(session: Session, ids: Sequence[int]) -> Iterator[Membership]:
    """The memberships with these ids as they stand, in a few statements when there are very many."""
    for start in range(0, len(ids), BATCH):
        query = select(Membership).where(Membership.id.in_(ids[start : start + BATCH]))
        yield from session.scalars(query.execution_options(populate_existing=True))


def ended_roles(session: Session, operation_id: int) -> Iterator[Touched]:
    """Roles over units that ended by the operation: they hold nowhere any more, and are given anew by hand."""
    rows = session.execute(
        select(RoleGrant.role, RoleGrant.unit_id, func.count(), func.min(RoleGrant.id))
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .join(UnitOperationUnit, UnitOperationUnit.unit_id == Unit.id)
        .join(UnitOperation, UnitOperation.id == UnitOperationUnit.operation_id)
        .where(UnitOperation.id == operation_id, Unit.valid_to == UnitOperation.effective_on)
        .where(or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > UnitOperation.effective_on))
        .group_by(RoleGrant.role, RoleGrant.unit_id)
        .order_by(RoleGrant.role, RoleGrant.unit_id)
    )
    for role, unit_id, number, _first in rows:
        yield Touched(ROLES, role, number, unit_id, None)


def follow_late(session: Session, today: date) -> None:
    """Whoever came to a unit after its end had been entered goes on to the heir too, once that day has come.

    Never fails, for every page waits for it: a membership whose unit has no heir in that tree ends with the unit, and
    the log of the person says so.
    """
    later = or_(Membership.valid_to.is_(None), Membership.valid_to > Unit.valid_to)
    heir_stands = select(UnitClosure.depth).where(
        UnitClosure.tree == Membership.tree,
        UnitClosure.ancestor_id == UnitLineage.successor_id,
        UnitClosure.descendant_id == UnitLineage.successor_id,
        in_tree(UnitOperation.effective_on),
    )
    # By itself a subquery within a subquery takes tables of the outermost for its own.
    heir_stands = heir_stands.correlate(Membership, UnitLineage, UnitOperation)
    stays = select(Membership.id).where(Membership.unit_id == Unit.id, later, heir_stands.exists())
    stays_there = stays.correlate(Unit, UnitLineage, UnitOperation).exists()
    query = (
        select(UnitOperation, UnitLineage.predecessor_id, UnitLineage.successor_id)
        .join(UnitLineage, UnitLineage.operation_id == UnitOperation.id)
        .join(Unit, Unit.id == UnitLineage.predecessor_id)
        .where(UnitLineage.heir, UnitOperation.undone_at.is_(None), UnitOperation.effective_on <= today)
        .where(Unit.valid_to == UnitOperation.effective_on, stays_there)
        .order_by(UnitOperation.id)
    )
    while rows := session.execute(query).all():  # an heir may have ended too
        for one, ended, heir in rows:
            on, at = one.effective_on, one.entered_at
            stand = standing(session, {heir}, on)
            moves = [(own, heir) for own in memberships_from(session, {ended}, on) if (own.tree, heir) in stand]
            transfer(session, Succession(one.id, on, at, {ended: heir}, {}, (), {}), moves)
    end_placeless(session, today)


def end_placeless(session: Session, today: date) -> None:
    """Memberships in units that have ended, with nobody to go to in that tree: they end with the unit, or at once."""
    began = Membership.valid_from < Unit.valid_to
    query = (
        select(Membership, Unit, Person.public_id, UnitOperation.id)
        .join(Unit, Unit.id == Membership.unit_id)
        .join(Person, Person.id == Membership.person_id)
        .join(UnitOperationUnit, UnitOperationUnit.unit_id == Unit.id)
        .join(UnitOperation, UnitOperation.id == UnitOperationUnit.operation_id)
        .where(UnitOperation.undone_at.is_(None), UnitOperation.effective_on == Unit.valid_to, Unit.valid_to <= today)
        .where(or_(Membership.valid_to.is_(None), began & (Membership.valid_to > Unit.valid_to)))
        .order_by(UnitOperation.id.desc(), Membership.id)
    )
    people: set[int] = set()
    log: dict[int, tuple[uuid.UUID, dict[str, str]]] = {}
    for one, unit, public_id, operation_id in session.execute(query).all():
        if one.id in log or unit.valid_to is None:
            continue  # the last operation of that day is the one that ended the unit
        row = {"membership_id": one.id, "from_unit_id": one.unit_id, "to_unit_id": None, "until": one.valid_to}
        session.execute(insert(MembershipTransfer), {"operation_id": operation_id, **row, "begun_id": None})
        one.valid_to = placeless_from(one, unit.valid_to)
        said = {"unit": str(unit.public_id), "tree": one.tree, "on": unit.valid_to.isoformat()}
        log[one.id] = public_id, said
        people.add(one.person_id)
    session.flush()  # those who are told read where people belong
    note_each(session, "person.placeless", actor=None, object_kind="person", objects=log.values())
    tell_moved(session, people)


def placeless_from(one: Membership, ended: date) -> date:
    """From which day on it no longer holds: no membership is shorter than a day, nor is any deleted."""
    return max(ended, one.valid_from + timedelta(days=1))


def count_anew(session: Session, _event: PeopleMoved) -> None:
    """People came, went or changed unit: how many each unit has."""
    lock_roll(session)  # of two who count at once, neither would see whom the other adds
    count_of_day(session, settle_day(session))


def count_of_day(session: Session, today: date) -> None:
    """Bring the number of people of each unit to that day, changing only what differs."""
    write_headcount(session, counted_on(session, today), kept_headcount(session))


Numbers = Mapping[tuple[str, int], int]
"""How many people are counted, by tree and unit."""


NUMBER_BY_UNIT = {tree: number_by_unit(on=cast(date, bindparam("day", type_=Date())), tree=tree) for tree in TREES}
"""Put together once, for it is asked whenever anybody comes or goes."""


def counted_on(session: Session, on: date) -> Numbers:
    """How many are counted in each unit that day, in both trees."""
    return {
        (tree, unit_id): people
        for tree in TREES
        for unit_id, people in session.execute(NUMBER_BY_UNIT[tree], {"day": on})
    }


def kept_headcount(session: Session) -> Numbers:
    """What the table says."""
    rows = session.execute(select(UnitHeadcount.tree, UnitHeadcount.unit_id, UnitHeadcount.people))
    return {(tree, unit_id): people for tree, unit_id, people in rows}


def write_headcount(session: Session, wanted: Numbers, actual: Numbers) -> None:
    """Let the table say what is wanted."""
    new = [key for key in wanted if key not in actual]
    other = [key for key, people in actual.items() if wanted.get(key, 0) != people]
    for keys, statement in ((new, insert(UnitHeadcount)), (other, update(UnitHeadcount))):
        rows = [{"tree": tree, "unit_id": own, "people": wanted.get((tree, own), 0)} for tree, own in keys]
        if rows:
            session.execute(statement, rows)


class HeadcountProjection:
    """How many people each unit has on the settled day, counted anew from memberships."""

    name = "headcount"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By tree and unit."""
        return {key: {"people": people} for key, people in counted_on(session, day_of(now)).items()}

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By tree and unit; nought says the same as no row."""
        return {key: {"people": people} for key, people in kept_headcount(session).items() if people}

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Write what is expected where it differs."""
        wanted = {key: row["people"] for key, row in expected.items()}
        write_headcount(session, wanted, kept_headcount(session))
