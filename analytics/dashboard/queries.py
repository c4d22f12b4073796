"""What the pages of a unit show: its figures by branch, and who is still missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from analytics.dashboard.rules import STATES, Done, done
from analytics.facts import queries as facts
from analytics.facts.rules import COUNT_NAMES, Branch, Count, UnitsBelow, due_date, total
from courses.briefings.models import Standing
from courses.briefings.queries import furthest_record
from courses.learning.queries import edition, records_with_linked
from lms.accounts.models import Person
from lms.clock import day_of
from lms.organisation.models import Unit
from lms.text import fold

PAGE = 50
"""Names on one page."""


@dataclass(frozen=True, slots=True)
class Given:
    """A briefing on whose roll people of a unit are."""

    id: int
    code: str
    course_id: int
    plain: bool
    title: str
    title_en: str
    documents: list[str]


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures of a unit in one briefing at one moment."""

    unit: Unit
    briefing: Given
    branches: tuple[Branch, ...]
    below: UnitsBelow
    now: datetime

    @property
    def count(self) -> Count:
        """The whole unit, with everything below it."""
        return total(self.branches)

    @property
    def has_units(self) -> bool:
        """Whether anything stands below."""
        return any(not branch.itself for branch in self.branches)

    @property
    def due_at(self) -> datetime | None:
        """The next due date, or the last one when all have passed."""
        return due_date(self.branches)


def briefings_given(session: Session, unit: Unit, *, now: datetime) -> list[Given]:
    """The briefings on whose rolls somebody in the unit or below is, the one opened last first."""
    return [Given(*row) for row in session.execute(facts.briefings_given(unit.id, on=day_of(now)))]


def overview(session: Session, unit: Unit, briefing: Given, *, now: datetime) -> Overview:
    """The figures of the unit, in two statements whatever the number of people.

    Branches without people stay, but the unit's own row is left out when nobody belongs to it directly.
    """
    on = day_of(now)
    branches = tuple(
        branch_of(row)
        for row in session.execute(facts.tallies_by_child(unit.id, briefing.id, on=on, now=now))
        if row.depth or row.people
    )
    below = UnitsBelow(*session.execute(facts.units_below(unit.id, briefing.id, on=on)).one())
    return Overview(unit, briefing, branches, below, now)


def branch_of(row: Any) -> Branch:
    """A row of `facts.tallies_by_child` as a value."""
    count = Count(*(getattr(row, name) for name in COUNT_NAMES))
    return Branch(row.public_id, row.code, row.name, row.short_name, row.depth == 0, count, row.next_due, row.last_due)


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody who has not completed the briefing, and how far this person is in its course.

    `elsewhere`: by another record of the same person, which has come further than the one that is shown.
    """

    name: str
    position: str
    unit: str
    state: str
    absence: str
    due_at: datetime | None
    done: Done | None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """One page of those who are missing, out of `found`; all there are to see; and those one may not see yet."""

    people: list[Missing]
    found: int
    count: Count
    beyond: Count


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which names: `state` is a key of `rules.STATES`, `search` is part of a name, pages count from 1."""

    state: str = ""
    search: str = ""
    page: int = 1


def names(
    session: Session, within: Select[int], beyond: Select[int] | None, briefing: Given, wanted: Wanted, *, now: datetime
) -> Names:
    """Who is missing in the units `within`, and how many more there are in the units `beyond`."""
    count = count_of(session, within, briefing.id, now=now)
    more = count_of(session, beyond, briefing.id, now=now) if beyond is not None else Count()
    found = sum(count.by_state[state] for state in STATES[wanted.state]) if wanted.state != "overdue" else count.overdue
    if not found:
        return Names([], 0, count, more)
    page = missing_people(within, briefing.id, wanted, now=now).limit(PAGE).offset((wanted.page - 1) * PAGE)
    if wanted.search:  # otherwise the tallies know how many there are, and the list is not read to its end
        page = page.add_columns(func.count().over().label("found"))
    rows = session.execute(page).all()
    if wanted.search:
        found = rows[0].found if rows else 0
    return Names(with_progress(session, rows, briefing.course_id), found, count, more)


def count_of(session: Session, units: Select[int], briefing_id: int, *, now: datetime) -> Count:
    """The people counted in these very units."""
    return Count(*session.execute(facts.tally_of_units(units, briefing_id, now=now)).one())


def missing_people(units: Select[int], briefing_id: int, wanted: Wanted, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """Who of these units has not completed the briefing and is not exempt, in Vietnamese order.

    Names are found without marks, each word that is looked for anywhere in the name.
    """
    query = (
        select(
            Person.id,
            Person.full_name,
            Person.position,
            Unit.name.label("unit"),
            Standing.state,
            Standing.absence,
            Standing.due_at,
        )
        .select_from(Standing)
        .join(Person, Person.id == Standing.person_id)
        .join(Unit, Unit.id == Standing.unit_id)
        .where(Standing.briefing_id == briefing_id, Standing.unit_id.in_(units), ~Standing.exempt)
        .where(Standing.state.in_(STATES[wanted.state]))
        .order_by(Person.sort_key, Person.id)
    )
    if wanted.state == "overdue":
        query = query.where(Standing.due_at < now)
    for word in fold(wanted.search).split():
        query = query.where(Person.search_key.contains(word, autoescape=True))
    return query


def with_progress(session: Session, rows: Sequence[Row[*tuple[Any, ...]]], course_id: int) -> list[Missing]:
    """The rows of `missing_people` with how far each person is, in one statement for all of them."""
    begun = [row.id for row in rows if row.state != "not_started"]
    known = records_with_linked(session, begun, course_id) if begun else {}
    found = []
    for row in rows:
        own = known.get((row.id, course_id), {})
        counts = furthest_record(session, own, row.id) if own else row.id
        record = own.get(counts)
        version = edition(session, record.version_id) if record else None
        so_far = done(version.outline, version.settings, record) if version and record else None
        told = (row.full_name, row.position, row.unit, row.state, row.absence, row.due_at, so_far)
        found.append(Missing(*told, elsewhere=counts != row.id))
    return found
