"""Who of a list can be moved to a unit on a day, and why not; pure."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from lms.organisation.models import PARTY_TREE

OUTSIDERS = "quan_chung"
"""Those who are in no Party organisation."""

MOST = 5_000
"""So many people are moved at once; a longer list is moved unit by unit."""

THERE, LATER, LINKED, BEYOND, NO_MEMBER = "there", "later", "linked", "beyond", "no member"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody on the list, with the membership in which they are counted in the tree without an end.

    `beyond`: holds a role that reaches further than whoever asks; `linked`: the record counts no more.
    """

    person_id: int
    public_id: uuid.UUID
    name: str
    party: str
    unit_id: int | None
    unit: str
    since: date | None
    linked: bool = False
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody on the list, and why they cannot be moved ("": they can)."""

    person: Candidate
    reason: str

    @property
    def moves(self) -> bool:
        """Whether the transfer moves this person."""
        return not self.reason


def reason_against(one: Candidate, unit_id: int, *, on: date, tree: str) -> str:
    """Why somebody cannot be moved to the unit on that day; "" when they can."""
    if one.beyond:
        return BEYOND
    if one.linked:
        return LINKED
    if tree == PARTY_TREE and one.party == OUTSIDERS:
        return NO_MEMBER
    if one.unit_id == unit_id:
        return THERE
    if one.since is not None and one.since > on:
        return LATER
    return ""


def judged(people: Iterable[Candidate], unit_id: int, *, on: date, tree: str) -> tuple[Line, ...]:
    """Each of the list with why they cannot be moved."""
    return tuple(Line(one, reason_against(one, unit_id, on=on, tree=tree)) for one in people)


def digest_of(lines: Sequence[Line], unit_id: int, *, on: date, tree: str, position: str) -> str:
    """One short text for all that would happen: it is other as soon as anybody would go elsewhere, or not at all."""
    plain = [unit_id, on.isoformat(), tree, position]
    people = sorted([one.person.person_id, one.person.unit_id or 0, one.reason] for one in lines)
    return hashlib.sha256(json.dumps([plain, people]).encode()).hexdigest()


def from_units(lines: Iterable[Line]) -> Mapping[str, int]:
    """How many would leave which unit, by its name ("": none), in the order of the list."""
    found: dict[str, int] = {}
    for one in lines:
        if one.moves:
            found[one.person.unit] = found.get(one.person.unit, 0) + 1
    return found


def ids_in(text: str) -> list[uuid.UUID]:
    """The public ids in a text, each once; what is none is passed over."""
    found: dict[uuid.UUID, None] = {}
    for word in text.split()[: MOST + 1]:
        try:
            found[uuid.UUID(word)] = None
        except ValueError:
            continue
    return list(found)
