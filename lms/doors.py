"""How an upper package reaches down without being imported: small typed registries, filled once at start.

`docs/architecture.md` lists the doors. Whatever happens in the database is told through a session, which carries the
doors of its product in `session.info`, so that two products in one process (as in tests) never hear each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Protocol, TypeVar, cast

import click
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

Event = TypeVar("Event")
Row = Mapping[str, Any]
Expected = Mapping[str, Mapping[Any, Row]]
"""What was expected of each projection, by its name: rows by key."""


class Projection(Protocol):
    """A table whose rows follow from others. `lms verify` computes it anew and compares."""

    name: str

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """The rows as they must be at that moment, by key, computed from what is not a projection.

        What follows from another projection is computed from the rows expected of that one, in `below` by its name:
        the tables of projections are read by `actual` alone.
        """

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """The rows as they stand, by the same keys."""

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Write what is expected."""


ADMINISTRATION = _l("Quản trị")
"""The group of the menu under which packages put the pages of administrators."""

STUDY = _l("Học tập")
"""The group of what somebody who studies has: courses, and what goes with them."""

ORGANISING = _l("Tổ chức học tập")
"""The group of the menu with what organisers of briefings see."""

RESULTS = _l("Kết quả học tập")
"""The group of what follows from studying: reflections to be read, certificates that were issued, the record."""


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


@dataclass(frozen=True, slots=True)
class Taught:
    """A course by the activity it is in statements, with its title in both languages; and its modules likewise."""

    iri: str
    title: str
    title_en: str
    parts: tuple[Taught, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody by name, with the unit where they are counted."""

    public_id: uuid.UUID
    name: str
    unit: str
    username: str = ""


class People(Protocol):
    """Who is behind an opaque id, for pages below the accounts. Whoever asks must be allowed to, and notes it."""

    def names(self, session: Session, public_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """The names of those of these people who are known."""

    def found(self, session: Session, sought: str, *, most: int) -> list[Named]:
        """People whose name or user name has these words, in Vietnamese order, at most so many.

        Whoever has just this user name comes first.
        """


class Nobody:
    """A product without people."""

    def names(self, session: Session, public_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """None are known."""
        return {}

    def found(self, session: Session, sought: str, *, most: int) -> list[Named]:
        """None are found."""
        return []


class SecondFactors(Protocol):
    """What must follow a right password before a session begins (decision 0018)."""

    def after_password(self, session: Session, person_id: int, *, proof: str) -> str | None:
        """The endpoint of the page that asks for more of whoever has shown `proof`; None: nothing more is asked."""

    def guards(self, session: Session, person_id: int) -> bool:
        """Whether a code is asked for after each password of this person, so that a shorter password will do."""


class PasswordsOnly:
    """A product without second factors."""

    def after_password(self, session: Session, person_id: int, *, proof: str) -> str | None:
        """Nothing more is asked."""
        return None

    def guards(self, session: Session, person_id: int) -> bool:
        """A password stands alone."""
        return False


def no_codes(_session: Session, _code: str) -> Sequence[int]:
    """In a product that keeps no staff codes nobody bears one."""
    return ()


@dataclass(frozen=True, slots=True)
class Succession:
    """Who takes over when units end or give something up on a day; what hangs on units follows it."""

    operation_id: int
    on: date
    entered_at: datetime
    heirs: Mapping[int, int | None]
    """Each unit that ends, and the one to which whoever belongs to it goes (None: there is nobody)."""

    successors: Mapping[int, tuple[int, ...]]
    """Each unit that ends or gives something up, and all that take over from it."""

    made: tuple[int, ...]
    """Units that this operation adds."""

    placed: Mapping[uuid.UUID, int]
    """Units chosen for single people, by their public ids."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Something an operation of the organisation changes: so many of one sort leave one unit and come to another.

    `sort` is people (counted there), posts (concurrent ones), roles or assignments; `label` says which, where that says
    something; `fingerprint` differs when others are meant. None: they come to no unit, or leave none.
    """

    sort: str
    label: str
    number: int
    from_unit: int | None
    to_unit: int | None
    fingerprint: str = ""


class NoPlace(ValueError):
    """What belongs to a unit in one tree would go to a unit that does not stand there; the argument is its id."""


class BuiltOn(ValueError):
    """What an operation did cannot be taken back: something came after it, of the sort that is the first argument.

    The others, where there are any, are what a role is called, and last the name of the unit.
    """


class Belonging(Protocol):
    """What belongs to units and follows when they end, are merged or split. Its owner registers at the start."""

    def follow(self, session: Session, succession: Succession) -> None:
        """Give what belongs to units that end, from that day on, to who takes over. Called after the trees changed."""

    def go_back(self, session: Session, succession: Succession) -> None:
        """Undo `follow`. Raises `BuiltOn` when something has been changed or added since."""

    def touched(self, session: Session, operation_id: int) -> Iterable[Touched]:
        """What `follow` did in this operation."""

    def totals(self, session: Session, *, on: date) -> Mapping[str, int]:
        """How many there are of what is counted on that day over the whole organisation, by what it is called."""


class Headcount(Protocol):
    """How many people are counted in units, for pages below the accounts."""

    def by_unit(self, session: Session, *, on: date, tree: str) -> Mapping[int, int]:
        """The number in each unit itself; one query."""

    def by_branch(self, session: Session, unit_id: int, *, on: date, tree: str) -> Mapping[int, int]:
        """The number in the unit itself, and in each unit directly below with all below that; one query."""

    def with_below(self, session: Session, unit_ids: Sequence[int], *, on: date, tree: str) -> Mapping[int, int]:
        """The number in each of these units with all below it; one query."""

    def named(self, session: Session, unit_id: int, *, on: date, most: int) -> list[Named]:
        """Those counted in the unit itself, in Vietnamese order, at most so many. Whoever asks notes it."""


class Unpeopled:
    """A product without people counts none."""

    def by_unit(self, session: Session, *, on: date, tree: str) -> Mapping[int, int]:
        """None."""
        return {}

    def by_branch(self, session: Session, unit_id: int, *, on: date, tree: str) -> Mapping[int, int]:
        """None."""
        return {}

    def with_below(self, session: Session, unit_ids: Sequence[int], *, on: date, tree: str) -> Mapping[int, int]:
        """None."""
        return {}

    def named(self, session: Session, unit_id: int, *, on: date, most: int) -> list[Named]:
        """None."""
        return []


@dataclass(frozen=True, slots=True)
class OwnData:
    """Part of what is kept about a person: a table with a title, as its owner reads and downloads it.

    Columns go from a code, which stands in the file, to the words above them; values are plain JSON.
    """

    code: str
    title: str
    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]]


@dataclass(slots=True)
class Doors:
    """All registries of one product."""

    listeners: dict[type, list[Callable[[Session, Any], None]]] = field(default_factory=dict)
    projections: list[Projection] = field(default_factory=list)
    menu: list[MenuEntry] = field(default_factory=list)
    homes: list[Home] = field(default_factory=list)
    activity_kinds: dict[str, ActivityKind] = field(default_factory=dict)
    jobs: dict[str, Callable[[Session, Row], datetime | None]] = field(default_factory=dict)
    """What is done for each kind of job. A handler that returns a moment is called again then, by the same row."""

    daybreak: list[Callable[[Session, date], None]] = field(default_factory=list)
    nightly: list[Callable[[Session, datetime], None]] = field(default_factory=list)
    first_steps: list[Callable[[Session], Iterable[str]]] = field(default_factory=list)
    demo_steps: list[Callable[[Session, int], Iterable[str]]] = field(default_factory=list)
    commands: list[click.Command] = field(default_factory=list)
    taught: list[Callable[[Session], Iterable[Taught]]] = field(default_factory=list)
    people: People = field(default_factory=Nobody)
    second_factors: SecondFactors = field(default_factory=PasswordsOnly)
    bearers_of: Callable[[Session, str], Sequence[int]] = no_codes
    """The ids of those who bear this staff code today; filled by the feature that keeps such codes."""
    headcount: Headcount = field(default_factory=Unpeopled)
    belongings: list[Belonging] = field(default_factory=list)
    called: dict[str, Callable[[Session, Iterable[str]], Mapping[str, str]]] = field(default_factory=dict)
    """For a kind of object in the audit log, what those with these ids are called; or with these codes."""

    own_data: list[Callable[[Session, int], Iterable[OwnData]]] = field(default_factory=list)
    """What each package keeps about the person with this id."""

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


class Rows(Mapping[Any, Row]):
    """Rows that are kept as lines, each of which says one of them or several: made where somebody reads them.

    Of a million rows nearly all are as they must be, which their lines tell: two that are equal say the same rows, and
    take a fifth of the room. `as_rows` makes rows by key of a line and its own key; no two lines say a row of one key.
    """

    def __init__(self, lines: Mapping[Any, Any], as_rows: Callable[[Any, Any], Mapping[Any, Row]]) -> None:
        self.lines = lines
        self.as_rows = as_rows

    @cached_property
    def made(self) -> Mapping[Any, Row]:
        """All of them."""
        return dict(self.items())

    def of(self, keys: Iterable[Any]) -> Mapping[Any, Row]:
        """Those that these lines say, of which some may be missing."""
        lines = ((key, self.lines[key]) for key in keys if key in self.lines)
        return {key: row for one, line in lines for key, row in self.as_rows(one, line).items()}

    def __getitem__(self, key: Any) -> Row:
        return self.made[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)

    def items(self) -> ItemsView[Any, Row]:
        """One after the other, none of which is kept."""
        return EachRow(self)


class EachRow(ItemsView[Any, Row]):
    """The rows of lines, made one after the other."""

    _mapping: Rows

    def __iter__(self) -> Iterator[tuple[Any, Row]]:
        for one, line in self._mapping.lines.items():
            yield from self._mapping.as_rows(one, line).items()


def differences(expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> Iterator[str]:
    """One readable line for each row that is missing, left over or other than expected."""
    if isinstance(expected, Rows) and isinstance(actual, Rows) and expected.as_rows == actual.as_rows:
        other = unlike(expected.lines, actual.lines)
        expected, actual = expected.of(other), actual.of(other)
    for key in unlike(expected, actual):
        row, found = expected.get(key), actual.get(key)
        if found is None:
            yield f"{key}: missing"
        elif row is None:
            yield f"{key}: left over"
        else:
            for column, value in row.items():
                if found.get(column) != value:
                    yield f"{key}: {column} is {found.get(column)!r}, expected {value!r}"


def unlike(expected: Mapping[Any, Any], actual: Mapping[Any, Any]) -> list[Any]:
    """The keys of what is missing, other than expected, or left over."""
    other = [key for key, row in expected.items() if actual.get(key) != row]
    return other + [key for key in actual if key not in expected]
