"""The rows of many people at once, written with few statements. Whoever calls locks the roll, notes and tells."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.models import Membership, PeopleTransfer, Person, SignInAccount
from lms.db import Base, adds_identities
from lms.organisation.actions import Basis
from lms.organisation.gathering import heirs_named
from lms.organisation.models import STATE_TREE, Unit

BATCH = 5_000
PEOPLE, ACCOUNTS, MEMBERSHIPS = (Base.metadata.tables[one] for one in ("person", "sign_in_account", "membership"))


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody to be added. The account opens by a one-time link only."""

    full_name: str
    username: str
    unit_id: int
    email: str | None = None
    position: str = ""
    category: str = "cong_chuc"
    party: str = "quan_chung"


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a person is from now on: every field, changed or not."""

    person_id: int
    full_name: str
    email: str | None
    position: str
    category: str
    party: str


def keys_of(full_name: str) -> dict[str, str | bytes]:
    """A name with the keys by which it is sorted and found."""
    name = text.nfc(full_name)
    return {"full_name": name, "sort_key": text.person_sort_key(name), "search_key": text.fold(name)}


def add_people(session: Session, people: Sequence[Newcomer], *, since: date) -> list[tuple[int, uuid.UUID]]:
    """Add people with accounts, each counted in a unit from the day `since`; their ids, in the same order."""
    if not people:
        return []
    adds_identities(session)
    now = clock.now()
    public_ids = [uuid.uuid4() for _one in people]
    rows = [
        {
            **keys_of(one.full_name),
            "public_id": public_id,
            "email": one.email,
            "position": text.nfc(one.position),
            "category": one.category,
            "party": one.party,
            "language": "vi",
            "fictional": False,
            "created_at": now,
        }
        for one, public_id in zip(people, public_ids, strict=True)
    ]
    write = session.connection().execute  # rows by the thousand: past the mapper, which is asked for none of them
    write(insert(PEOPLE), rows)
    known: dict[uuid.UUID, int] = {}
    for start in range(0, len(public_ids), BATCH):
        some = select(PEOPLE.c.public_id, PEOPLE.c.id).where(PEOPLE.c.public_id.in_(public_ids[start : start + BATCH]))
        known.update(write(some).all())
    ids = [(known[one], one) for one in public_ids]
    both = list(zip(people, ids, strict=True))
    write(insert(ACCOUNTS), [{"person_id": own, "username": one.username} for one, (own, _public) in both])
    write(
        insert(MEMBERSHIPS),
        [
            {"person_id": own, "unit_id": one.unit_id, "tree": STATE_TREE, "kind": "main", "valid_from": since}
            for one, (own, _public) in both
        ],
    )
    return ids


def change_people(session: Session, people: Sequence[Particulars]) -> None:
    """Write what people are from now on."""
    rows = [
        {
            **keys_of(one.full_name),
            "id": one.person_id,
            "email": one.email,
            "position": text.nfc(one.position),
            "category": one.category,
            "party": one.party,
        }
        for one in people
    ]
    if rows:
        session.execute(update(Person), rows)


@dataclass(frozen=True, slots=True)
class Placing:
    """What a new membership says beside the unit: the position held in it, and the decision it rests on."""

    position: str = ""
    transfer_id: int | None = None

    def values(self, tree: str, on: date) -> dict[str, object]:
        """As columns. In the tree where people work, a position is that of the person from the day on."""
        due_on = on if self.position and tree == STATE_TREE else None
        return {"position": self.position, "transfer_id": self.transfer_id, "due_on": due_on}


def decision(session: Session, basis: Basis, *, by: uuid.UUID | None) -> int:
    """Keep the document on which memberships rest, and who entered it; returns its id."""
    one = PeopleTransfer(
        public_id=uuid.uuid4(),
        document_number=text.nfc(basis.number),
        document_date=basis.dated,
        document_issuer=text.nfc(basis.issuer),
        entered_at=clock.now(),
        entered_by=by,
    )
    session.add(one)
    session.flush()  # the memberships need its id
    return one.id


def wear_positions(session: Session, today: date) -> None:
    """Whoever has come into a position by today bears it from now on; a membership that was replaced gives none."""
    due = select(Membership.id, Membership.person_id, Membership.position, Membership.valid_to).where(
        Membership.due_on <= today
    )
    rows = session.execute(due.order_by(Membership.due_on, Membership.id)).all()
    borne = {one.person_id: one.position for one in rows if one.valid_to is None or one.valid_to > today}
    if borne:
        session.execute(update(Person), [{"id": own, "position": position} for own, position in borne.items()])
    if rows:
        session.execute(update(Membership), [{"id": one.id, "due_on": None} for one in rows])


def place_people(
    session: Session, places: Mapping[int, int], *, on: date, tree: str = STATE_TREE, placing: Placing | None = None
) -> None:
    """From the day `on` each of these people is counted in the unit beside the id; what held before ends and is kept.

    As `move_person`: a membership that begins on that very day is corrected. None may begin later.
    """
    said = (placing or Placing()).values(tree, on)
    ending, correcting = [], []
    ids = sorted(places)
    for start in range(0, len(ids), BATCH):
        for own, person_id, since in session.execute(
            select(Membership.id, Membership.person_id, Membership.valid_from).where(
                Membership.person_id.in_(ids[start : start + BATCH]),
                Membership.tree == tree,
                Membership.kind == "main",
                Membership.valid_to.is_(None),
            )
        ):
            if since == on:
                correcting.append({"id": own, "unit_id": places[person_id], "person_id": person_id, **said})
            else:
                ending.append({"id": own, "valid_to": on})
    corrected = {row.pop("person_id") for row in correcting}
    for rows in (ending, correcting):
        if rows:
            session.execute(update(Membership), rows)
    begun = [
        {"person_id": own, "unit_id": places[own], "tree": tree, "kind": "main", "valid_from": on, **said}
        for own in ids
        if own not in corrected
    ]
    if begun:
        session.execute(insert(Membership), begun)


class Usernames:
    """Gives out user names that nobody has: as asked, or with the next number."""

    def __init__(self, session: Session, wanted: Iterable[str]) -> None:
        self._taken: set[str] = set()
        bases = sorted({name.rstrip("0123456789") for name in wanted})
        for start in range(0, len(bases), BATCH):
            alike = func.rtrim(SignInAccount.username, "0123456789").in_(bases[start : start + BATCH])
            self._taken.update(session.scalars(select(SignInAccount.username).where(alike)))
        self._next: dict[str, int] = {}

    def free(self, wanted: str) -> str:
        """A name that is free, and given to nobody else from now on."""
        name, number = wanted, self._next.get(wanted, 1)
        while name in self._taken:
            number += 1
            name = f"{wanted}{number}"
        self._next[wanted] = number
        self._taken.add(name)
        return name


class UnitEnded(ValueError):
    """The unit has ended by the day on which somebody would come to it; `heir` is the name of who takes over, or ""."""

    def __init__(self, unit: Unit, day: date, heir: str) -> None:
        super().__init__(f"{unit.code} ends on {day}")
        self.unit, self.day, self.heir = unit, day, heir


def must_last(session: Session, unit: Unit, since: date) -> None:
    """Raise `UnitEnded` unless the unit is still there on that day."""
    until = session.scalar(select(Unit.valid_to).where(Unit.id == unit.id))
    if until is not None and until <= since:
        raise UnitEnded(unit, until, heirs_named(session, [unit.id]).get(unit.id, ""))
