"""What the pages of a unit show: its figures by branch, and who is still missing."""

import uuid
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Generic

from sqlalchemy import ColumnElement, Row, Select, func
from sqlalchemy.orm import Session

from analytics.dashboard.rules import STATES, Done, done, many, unsaid
from analytics.facts import queries as facts
from analytics.facts.projection import Structure, conditions, exempt, state, whose
from analytics.facts.rules import Branch, Change, Count, N, N_co, UnitsBelow, due_date, total
from courses.briefings.models import Standing
from courses.briefings.queries import furthest_record
from courses.briefings.rules import Asked, lacking, policy_of
from courses.learning.queries import edition, records_with_linked
from lms.accounts.models import Person
from lms.clock import day_of
from lms.organisation.models import Unit
from lms.organisation.queries import OnDay
from lms.text import fold

PAGE = 50
"""Names on one page."""

WEEK = timedelta(days=7)


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
    policy: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Overview(Generic[N_co]):
    """The figures of a unit in one briefing at one moment, of one kind."""

    unit: Unit | OnDay
    briefing: Given
    structure: Structure
    kind: type[N_co]
    branches: tuple[Branch[N_co], ...]
    below: UnitsBelow
    now: datetime

    @cached_property
    def count(self) -> N_co:
        """The whole unit, with everything below it."""
        return total(self.branches, self.kind)

    @cached_property
    def change(self) -> Change:
        """What is new of the last seven days, today among them, in the whole unit."""
        return sum((branch.change for branch in self.branches), Change())

    @property
    def since(self) -> date:
        """The day at whose end the last seven days begin."""
        return day_of(self.now) - WEEK

    @property
    def has_units(self) -> bool:
        """Whether anything stands below."""
        return any(not branch.itself for branch in self.branches)

    @cached_property
    def due_at(self) -> datetime | None:
        """The next due date, or the last one when all have passed."""
        return due_date(self.branches)


def briefings_given(session: Session, unit: Unit | OnDay, structure: Structure) -> list[Given]:
    """The briefings on whose rolls somebody in the unit or below is, the one opened last first."""
    return [Given(*row) for row in facts.given_to(session, unit.id, structure)]


def overview(
    session: Session,
    unit: Unit | OnDay,
    briefing: Given,
    structure: Structure,
    kind: type[N],
    *,
    now: datetime,
    seen: Container[int] | None = None,
) -> Overview[N]:
    """The figures of the unit, in three statements whatever the number of people; after the organisation changed, four.

    Branches without people stay, unless they are none of those one may look at (`seen`, None: all); but the unit's own
    row is left out when nobody on the roll, the exempt among them, belongs to it directly.
    """
    after = day_of(now) - WEEK
    found = facts.figures(session, unit, briefing.id, structure, kind, now=now, after=after, seen=seen)
    branches = tuple(one for one in found.branches if one.count.roll or (one.open and not one.itself))
    return Overview(unit, briefing, structure, kind, branches, found.below, now)


@dataclass(frozen=True, slots=True)
class Among:
    """People counted in these very units by a structure."""

    units: Select[int]
    structure: Structure


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody on the roll of the briefing, how far this person is in its course, and what is asked and still lacks.

    Of a day that is over, what was so when it ended; position and due date are those of now. `elsewhere`: by another
    record of the same person, which has come further than the one that is shown.
    """

    public_id: uuid.UUID
    name: str
    position: str
    unit: str
    state: str
    exempt: bool
    due_at: datetime | None
    done: Done | None
    asked: Asked
    lacks: list[str]
    elsewhere: bool = False

    @property
    def unsaid(self) -> list[str]:
        """What lacks and is not told by what is done; of somebody who has not begun nothing need be."""
        return [] if self.state == "not_started" else unsaid(self.asked, self.lacks, self.done)


@dataclass(frozen=True, slots=True)
class Names:
    """One page of those who are asked for, out of `found`; all there are to see; and those one may not see yet."""

    people: list[Missing]
    found: int
    count: Count
    beyond: Count


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which names: `state` is one of `rules.asked_state`, `search` part of a name, pages count from 1.

    `category`: of this staff category only. `alone`: of the unit itself, not of those below it.
    """

    state: str = ""
    search: str = ""
    category: str = ""
    alone: bool = False
    page: int = 1


def names(
    session: Session, within: Among, beyond: Among | None, briefing: Given, wanted: Wanted, *, now: datetime
) -> Names:
    """Who is asked for `within`, and how many more there are `beyond`.

    What is not told by the structure is told of nobody.
    """
    counts = [count_of(session, one, briefing.id, now=now) if one else Count() for one in (within, beyond)]
    found = many(counts[0], wanted.state) if wanted.state not in within.structure.untold else 0
    if not found:
        return Names([], 0, *counts)
    page = people_asked(within, briefing.id, wanted, now=now).limit(PAGE).offset((wanted.page - 1) * PAGE)
    if wanted.search or wanted.category:  # otherwise the tallies know how many, and the list is not read to its end
        page = page.add_columns(func.count().over().label("found"))
    rows = session.execute(page).all()
    if wanted.search or wanted.category:
        found = rows[0].found if rows else 0
    people = with_progress(session, rows, briefing, until=within.structure.until)
    return Names(people, found, *counts)


def count_of(session: Session, among: Among, briefing_id: int, *, now: datetime) -> Count:
    """How many they are."""
    return Count(*session.execute(facts.tally_of_units(among.units, briefing_id, among.structure, now=now)).one())


def people_asked(among: Among, briefing_id: int, wanted: Wanted, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """Who of them is, or was, in the state that is asked for, in Vietnamese order: without one, who has not completed.

    Names are found without marks, each word that is looked for anywhere in the name.
    """
    until = among.structure.until
    (_id, _code, unit), standings = among.structure.listed(among.units, briefing_id)
    met = conditions(until, briefing_id)
    query = (
        standings.with_only_columns(
            Person.id,
            Person.public_id,
            Person.full_name,
            Person.position,
            unit.label("unit"),
            state(met, until).label("state"),
            exempt(until).label("exempt"),
            Standing.due_at,
            Person.category,
            *(met[name].label(name) for name in ("tested", "submitted", "accepted")),
        )
        .where(*in_state(wanted.state, met, until, now=now))
        .order_by(Person.sort_key, Person.id)
    )
    if wanted.category:
        query = query.where(Person.category == wanted.category)
    for word in fold(wanted.search).split():
        query = query.where(Person.search_key.contains(word, autoescape=True))
    return query


def in_state(
    asked: str, met: Mapping[str, ColumnElement[bool]], until: datetime | None, *, now: datetime
) -> list[ColumnElement[bool]]:
    """Whether a standing is in the state that is asked for, or was at that moment, by its `conditions`."""
    if asked not in STATES or asked == "overdue":
        return whose(asked, met, now=now, until=until)
    return [~exempt(until), state(met, until).in_(STATES[asked])]


def with_progress(
    session: Session, rows: Sequence[Row[*tuple[Any, ...]]], briefing: Given, *, until: datetime | None
) -> list[Missing]:
    """The rows of `people_asked` with how far each person is, or was at that moment, in one statement for all."""
    course_id, policy = briefing.course_id, policy_of(briefing.policy)
    begun = [row.id for row in rows if row.state != "not_started"]
    known = records_with_linked(session, begun, course_id) if begun else {}
    found = []
    for row in rows:
        own = known.get((row.id, course_id), {})
        counts = furthest_record(session, own, row.id) if own else row.id
        record = own.get(counts)
        version = edition(session, record.version_id) if record else None
        so_far = done(version.outline, version.settings, record, until=until) if version and record else None
        told = (row.full_name, row.position, row.unit, row.state, row.exempt, row.due_at)
        asked = policy.of(row.category)
        found.append(Missing(row.public_id, *told, so_far, asked, lacks_of(row, asked), elsewhere=counts != row.id))
    return found


def lacks_of(row: Row[*tuple[Any, ...]], asked: Asked) -> list[str]:
    """What somebody lacks to complete, by a row of `people_asked`."""
    if row.exempt or row.state == "completed":
        return []
    return lacking(
        asked,
        briefed=row.state == "briefed",
        tested=row.tested,
        submitted=row.submitted,
        accepted=row.accepted,
    )
