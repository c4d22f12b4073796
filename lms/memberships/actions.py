"""Moving many people at once under what was rehearsed; giving and ending concurrent posts and Party memberships."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.actions import PeopleMoved
from lms.accounts.models import Membership, Person
from lms.accounts.storage import Placing, decision, place_people, wear_positions
from lms.audit.actions import note, note_each
from lms.db import lock_roll
from lms.doors import tell
from lms.memberships.queries import belongs_there
from lms.memberships.rules import Line
from lms.organisation.actions import Basis
from lms.organisation.models import Unit


class PostHeld(ValueError):
    """The person belongs to that unit on one of these days already."""


class EndsTooEarly(ValueError):
    """A membership cannot end before it has held for a day; the argument is its first day."""

    def __init__(self, since: date) -> None:
        super().__init__(f"it begins on {since}")
        self.since = since


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a transfer says: to which unit of which tree, from which day, in which position ("": as before)."""

    unit: Unit
    tree: str
    on: date
    position: str
    basis: Basis


def transfer_people(session: Session, asked: Transfer, lines: Sequence[Line], *, by: uuid.UUID) -> int:
    """Move those of the list who can be moved, all at once, by dated memberships; how many they were.

    Whoever calls has locked the roll before the lines were judged.
    """
    people = [one.person for one in lines if one.moves]
    transfer_id = decision(session, asked.basis, by=by)
    places = {one.person_id: asked.unit.id for one in people}
    placing = Placing(text.nfc(asked.position), transfer_id)
    place_people(session, places, on=asked.on, tree=asked.tree, placing=placing)
    wear_positions(session, clock.today())
    unit, said = str(asked.unit.public_id), {"tree": asked.tree, "on": asked.on.isoformat()}
    note(session, "people.transfer", actor=by, object_kind="unit", object_id=unit, people=len(people), **said)
    moved = [(one.public_id, {"unit": unit, **said}) for one in people]
    note_each(session, "person.move", actor=by, object_kind="person", objects=moved)
    tell(session, PeopleMoved(tuple(sorted(places))))
    return len(people)


def add_post(
    session: Session, person: Person, asked: Transfer, *, until: date | None = None, by: uuid.UUID | None = None
) -> None:
    """From a day on the person also belongs to the unit, without being counted there. Raises `PostHeld`.

    `until` is the first day on which that no longer holds.
    """
    lock_roll(session)  # operations of the organisation read and write the same rows
    there = belongs_there(person.id, asked.unit.id, tree=asked.tree, since=asked.on, until=until)
    if session.scalar(there.limit(1)) is not None:
        raise PostHeld
    session.add(
        Membership(
            person_id=person.id,
            unit_id=asked.unit.id,
            tree=asked.tree,
            kind="concurrent",
            position=text.nfc(asked.position),
            transfer_id=decision(session, asked.basis, by=by),
            valid_from=asked.on,
            valid_to=until,
        )
    )
    noted(session, "post.add", person, asked.unit, by=by, tree=asked.tree, on=asked.on.isoformat())


def end_post(session: Session, person: Person, membership: Membership, *, on: date, by: uuid.UUID | None) -> None:
    """From that day on the person belongs there no longer. Raises `EndsTooEarly`."""
    lock_roll(session)  # one at a time; a membership in the Party tree may be where the person is counted
    session.refresh(membership)
    if on <= membership.valid_from:
        raise EndsTooEarly(membership.valid_from)
    membership.valid_to, membership.due_on = on, None
    session.flush()  # those who are told read where people belong
    noted(session, "post.end", person, membership.unit, by=by, tree=membership.tree, on=on.isoformat())
    if membership.kind == "main":
        tell(session, PeopleMoved((person.id,)))


def noted(session: Session, action: str, person: Person, unit: Unit, *, by: uuid.UUID | None, **details: str) -> None:
    """An entry in the log of the person."""
    of = str(unit.public_id)
    note(session, action, actor=by, object_kind="person", object_id=person.public_id, unit=of, **details)
