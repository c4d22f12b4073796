"""How an upper package reaches down without being imported: small typed registries, filled once at start.

`docs/architecture.md` lists the doors. Whatever happens in the database is told through a session, which carries the
doors of its product in `session.info`, so that two products in one process (as in tests) never hear each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

import click
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

Event = TypeVar("Event")
Row = Mapping[str, Any]


class Projection(Protocol):
    """A table whose rows follow from others. `lms verify` computes it anew and compares."""

    name: str

    def expected(self, session: Session, *, now: datetime) -> Mapping[Any, Row]:
        """The rows as they must be, by key, computed from what is not a projection."""

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """The rows as they stand, by the same keys."""

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Write what is expected."""


ADMINISTRATION = _l("Quản trị")
"""The group of the menu under which packages put the pages of administrators."""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A line of the main menu, for those who hold the permission.

    Entries of one `group` share a line, which bears the group's name; on their own pages they stand as tabs. Label
    and group are lazy texts, so that each reader sees them in the language of the page.
    """

    label: str
    endpoint: str
    permission: str
    order: int
    group: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """The first page of whoever holds the permission; the highest rank wins."""

    endpoint: str
    permission: str
    rank: int


@dataclass(frozen=True, slots=True)
class Underway:
    """An activity that a learner has begun and not ended; after `ends_at` it takes nothing more (None: no limit)."""

    activity_id: int
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActivityKind:
    """What an activity of this kind is called, and where a learner finds it."""

    label: str
    address: Callable[[str, str], str]
    """From the course's code and the activity's code to a path of the site."""

    underway: Callable[[Session, int], Sequence[Underway]]
    """What the person with this id has begun and not ended, with one query."""


@dataclass(slots=True)
class Doors:
    """All registries of one product."""

    listeners: dict[type, list[Callable[[Session, Any], None]]] = field(default_factory=dict)
    projections: list[Projection] = field(default_factory=list)
    menu: list[MenuEntry] = field(default_factory=list)
    homes: list[Home] = field(default_factory=list)
    activity_kinds: dict[str, ActivityKind] = field(default_factory=dict)
    jobs: dict[str, Callable[[Session, Row], None]] = field(default_factory=dict)
    nightly: list[Callable[[Session, datetime], None]] = field(default_factory=list)
    first_steps: list[Callable[[Session], Iterable[str]]] = field(default_factory=list)
    demo_steps: list[Callable[[Session, int], Iterable[str]]] = field(default_factory=list)
    commands: list[click.Command] = field(default_factory=list)

    def listen(self, kind: type[Event], listener: Callable[[Session, Event], None]) -> None:
        """Call `listener` with every event of that kind, in the same transaction, in order of registration."""
        self.listeners.setdefault(kind, []).append(listener)


def tell(session: Session, event: object) -> None:
    """Tell an event to all who listen. A listener that fails fails the transaction."""
    for listener in doors_of(session).listeners.get(type(event), ()):
        listener(session, event)


def doors_of(session: Session) -> Doors:
    """The doors of the product this session belongs to."""
    return cast(Doors, session.info["doors"])


def differences(expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> Iterator[str]:
    """One readable line for each row that is missing, left over or other than expected."""
    for key in expected.keys() - actual.keys():
        yield f"{key}: missing"
    for key in actual.keys() - expected.keys():
        yield f"{key}: left over"
    for key in expected.keys() & actual.keys():
        for column, value in expected[key].items():
            if actual[key].get(column) != value:
                yield f"{key}: {column} is {actual[key].get(column)!r}, expected {value!r}"
