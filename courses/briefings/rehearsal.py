"""What another policy or other due dates would change: who would move from which standing to which. Pure."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from courses.briefings.rules import Policy, Stand, document_of, standing_words

Due = tuple[datetime | None, int | None]
"""When an assignment is due: at a moment, or so many days after; neither: never."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A policy, and other due dates by the id of the assignment."""

    policy: Policy
    dues: Mapping[int, Due] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody who would stand elsewhere; standings by their codes."""

    person_id: int
    unit_id: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would change among so many people on the roll; `digest` is another as soon as anything of it is."""

    wanted: Wanted
    people: int
    moves: tuple[Move, ...]
    digest: str

    @property
    def by_unit(self) -> dict[int, list[tuple[str, str, int]]]:
        """How many people of each unit would change from which standing to which, the most first."""
        found: dict[int, Counter[tuple[str, str]]] = {}
        for one in self.moves:
            found.setdefault(one.unit_id, Counter())[one.before, one.after] += 1
        return {unit: [(*pair, n) for pair, n in counts.most_common()] for unit, counts in found.items()}

    @property
    def in_all(self) -> list[tuple[str, str, int]]:
        """The same over all units."""
        counts = Counter((one.before, one.after) for one in self.moves)
        return [(*pair, n) for pair, n in counts.most_common()]


def rehearsed(
    wanted: Wanted, number: int, before: Mapping[int, Any], after: Mapping[int, Any], *, now: datetime
) -> Rehearsal:
    """From the rows of standings as they are under version `number`, and as they would be."""
    moves = tuple(moved(before, after, now=now))
    return Rehearsal(wanted, len(after), moves, digest_of(wanted, number, len(after), moves))


def moved(before: Mapping[int, Any], after: Mapping[int, Any], *, now: datetime) -> Iterable[Move]:
    """Everybody on the roll whose standing would be another."""
    for person_id in sorted(before.keys() & after.keys()):
        old, new = words_of(before[person_id], now=now), words_of(after[person_id], now=now)
        if old != new:
            yield Move(person_id, after[person_id]["unit_id"], old, new)


def words_of(row: Mapping[str, Any], *, now: datetime) -> str:
    """The one of the eight standings that a row of `Standing` says."""
    come = Stand(state=row["state"], absence=row["absence"])
    return standing_words(come, exempt=row["exempt"], due_at=row["due_at"], now=now)


def digest_of(wanted: Wanted, number: int, people: int, moves: Iterable[Move]) -> str:
    """A mark of what is asked for, of the version it starts from, and of all that it changes."""
    dues = [[own, at.isoformat() if at else None, days] for own, (at, days) in sorted(wanted.dues.items())]
    told = [number, document_of(wanted.policy), dues, people]
    told.append([[one.person_id, one.unit_id, one.before, one.after] for one in moves])
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
