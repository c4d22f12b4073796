"""What the read API answers, as types from which its document is made, and what a token opens. Pure."""

import base64
import binascii
import uuid
from collections.abc import Collection
from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from analytics.facts.rules import Branch, Count
from lms.text import visible

TALLIES, STANDINGS, NAMES = "tallies", "standings", "names"
SCOPES = (TALLIES, STANDINGS, NAMES)
"""What a token may open: figures; where each person stands, by an opaque id; the names to these ids."""

PREFIX = "qt_"
"""How every token begins, so that one that lies about is recognised."""

DEFAULT_LIMIT, MOST = 100, 500
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its offset, as RFC 3339 writes it."""

PER_TOKEN = 600
"""So many requests with one token in five minutes; whoever asks for more waits longer each time."""


class Briefing(msgspec.Struct, frozen=True):
    """A briefing on whose roll people of the token's units are."""

    code: str
    title: str
    documents: list[str]
    plain: bool
    opened_at: Moment
    closed_at: Moment | None


class Unit(msgspec.Struct, frozen=True):
    """A unit as it is called on the day of the structure."""

    id: uuid.UUID
    code: str
    name: str


class PlacedUnit(Unit, frozen=True):
    """A unit with the one directly above it in the tree; none at the top of what the token opens."""

    parent: uuid.UUID | None


class Tally(msgspec.Struct, frozen=True):
    """People counted, by where they stand."""

    people: int
    started: int
    briefed: int
    completed: int
    overdue: int
    by_point: int
    online: int
    made_up: int
    excused: int
    unexcused: int
    submitted: int
    accepted: int
    tested: int
    scored: int | None
    mean_score: float | None
    exempt: int
    members: int | None


class UnitTally(msgspec.Struct, frozen=True):
    """The people of a unit and everything below it; of the unit asked about itself, its own alone."""

    unit: Unit
    itself: bool
    tally: Tally


class Tallies(msgspec.Struct, frozen=True):
    """A unit with everything below it, and the parts of which that is the exact sum, and what it was asked of."""

    briefing: str
    unit: Unit
    on: date
    tree: str
    until: date | None
    category: str | None
    total: Tally
    parts: list[UnitTally]


class PointTally(msgspec.Struct, frozen=True):
    """A meeting point as Biểu 03 has it."""

    id: uuid.UUID
    name: str
    host_unit: str
    sitting: str
    connected_at: Moment | None
    summoned: int
    present: int
    missed_with_reason: int
    missed_without_reason: int


class PointSums(msgspec.Struct, frozen=True):
    """All points together; who was at several of a sitting is one."""

    summoned: int
    present: int
    missed_with_reason: int
    missed_without_reason: int


class Points(msgspec.Struct, frozen=True):
    """The points that a unit and those below it host in a briefing, and what they were asked of."""

    briefing: str
    unit: Unit
    on: date
    tree: str
    until: date | None
    category: str | None
    total: PointSums
    items: list[PointTally]


class MonthTally(msgspec.Struct, frozen=True):
    """A month as Biểu 05 has it; of members both sums that their rate is made of."""

    conferences: int
    took_part: int
    documents_given: int
    members_called: int | None
    members_briefed: int | None
    staff: int
    digital: int


class UnitMonth(msgspec.Struct, frozen=True):
    """The month of a unit directly below with all below it; of the unit asked about itself, its own alone."""

    id: uuid.UUID
    name: str
    itself: bool
    tally: MonthTally


class Month(msgspec.Struct, frozen=True):
    """A month of a unit over all briefings, and what it was asked of."""

    month: str
    unit: Unit
    on: date
    tree: str
    until: date | None
    category: str | None
    total: MonthTally
    parts: list[UnitMonth]


class Standing(msgspec.Struct, frozen=True):
    """Where somebody stands. `name` is there only for tokens with that scope."""

    person: uuid.UUID
    name: str | None
    unit: Unit
    standing: str
    way: str
    due_at: Moment | None
    started_at: Moment | None
    briefed_at: Moment | None
    completed_at: Moment | None
    score: float | None


class Briefings(msgspec.Struct, frozen=True):
    """A page of briefings, by code."""

    items: list[Briefing]
    next: str | None


class Units(msgspec.Struct, frozen=True):
    """A page of units, by code, and the structure it was asked of."""

    on: date
    tree: str
    items: list[PlacedUnit]
    next: str | None


class Standings(msgspec.Struct, frozen=True):
    """A page of standings, by person, and what it was asked of."""

    briefing: str
    on: date
    tree: str
    category: str | None
    items: list[Standing]
    next: str | None


class Problem(msgspec.Struct, frozen=True):
    """Why there is no answer: a code for programs, and a sentence for people."""

    error: str
    message: str


def tally_of(count: Count, untold: Collection[str] = ()) -> Tally:
    """The figures of the dashboards, under the same names; a mean score only where enough people have one."""
    mean, told = count.mean_score if "score" not in untold else None, count.told(untold)
    same: dict[str, Any] = {name: told[name] for name in Tally.__struct_fields__ if name != "mean_score"}
    return Tally(**same, mean_score=round(mean, 3) if mean is not None else None)


def part_of(branch: Branch[Count], untold: Collection[str]) -> UnitTally:
    """A row of the dashboard."""
    return UnitTally(Unit(branch.public_id, branch.code, branch.name), branch.itself, tally_of(branch.count, untold))


def cursor_of(key: str) -> str:
    """Where the next page begins, opaque to whoever hands it back."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_in(cursor: str) -> str:
    """The key in a cursor. Raises `ValueError` for what is none."""
    try:
        key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(cursor) from error
    if visible(key) != key:  # no key of ours; PostgreSQL does not compare with what it could not store
        raise ValueError(cursor)
    return key


def limit_in(text: str) -> int:
    """How many items were asked for. Raises `ValueError` for what is no number from 1 to the most."""
    limit = int(text) if text else DEFAULT_LIMIT
    if not 1 <= limit <= MOST:
        raise ValueError(text)
    return limit
