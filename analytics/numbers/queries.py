"""Reading what a number is made of: its sums, a kept roll, units of equal kind, briefings, points, statements."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from analytics.dashboard.queries import Among, Given, Wanted, people_asked
from analytics.facts import queries as facts
from analytics.facts.projection import TODAY, Structure, by, conditions, last_said
from analytics.facts.queries import BELOW, BRANCH, counts, stands_below
from analytics.facts.rules import COUNT_NAMES, Count
from analytics.numbers.rules import Kept, Peer
from assessments.reflections.models import Reflection, ReflectionVersion
from courses.briefings.models import BriefingSession, FrozenPerson, FrozenRoll, MeetingPoint, Standing
from courses.briefings.queries import Placed, row_of
from courses.briefings.rules import Past
from courses.catalog.queries import NEWEST_TITLES
from courses.enrolment.models import Briefing
from courses.meetings import filters
from courses.meetings import queries as meetings
from courses.meetings.rules import Numbers
from lms.accounts.models import Person
from lms.db import UtcDateTime, config_of
from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitEdge
from lms.organisation.projection import with_former
from lms.organisation.queries import holds_on, subtree
from lms.records import queries as records
from lms.records.queries import Entry, Sought
from lms.xapi import vocabulary
from lms.xapi.models import XapiActivity, XapiStatement, XapiStatementActivity, XapiVerb

ABOVE = aliased(UnitClosure)
MOST_SAID = 50
"""So many statements of a record a page shows."""


def units_of(structure: Structure, unit_id: int, *, alone: bool) -> Select[int]:
    """The unit and all below it, or the unit alone."""
    below = structure.below(unit_id)
    return below.where(UnitClosure.depth == 0) if alone else below


def count_of(session: Session, units: Select[int], briefing_id: int, structure: Structure, *, now: datetime) -> Count:
    """Everybody in these units, in one statement."""
    return Count(*session.execute(facts.tally_of_units(units, briefing_id, structure, now=now)).one())


def kept_roll(session: Session, units: Select[int], briefing_id: int, *, on: date) -> Kept | None:
    """The frozen roll beside the live one, in one statement; None where none was frozen.

    Whoever was counted then in a unit that has ended by that day is found in the one that took over from it.
    """
    then, now = FrozenPerson, Standing
    last = select(func.max(FrozenRoll.id)).where(FrozenRoll.briefing_id == briefing_id).scalar_subquery()
    here = now.briefing_id == briefing_id, now.unit_id.in_(units)
    was = then.roll_id == FrozenRoll.id, then.unit_id.in_(with_former(units, on=on))
    still = select(now.person_id).where(*here, now.person_id == then.person_id).correlate(then).exists()
    before = select(then.person_id).where(*was, then.person_id == now.person_id).correlate(now, FrozenRoll).exists()
    numbers = [
        select(func.count()).select_from(then).where(*was, *more).correlate(FrozenRoll).scalar_subquery()
        for more in ((), (then.exempt,), (then.member,), (~still,))
    ]
    joined = select(func.count()).select_from(now).where(*here, ~before).correlate(FrozenRoll).scalar_subquery()
    query = select(FrozenRoll.public_id, FrozenRoll.frozen_at, *numbers, joined).where(FrozenRoll.id == last)
    row = session.execute(query).one_or_none()
    return Kept(*row) if row is not None else None


def peers(
    session: Session, unit: Unit, briefing_id: int, tops: Sequence[int] | None, *, on: date, now: datetime
) -> list[Peer]:
    """The unit and those of its kind on its level of the province, each with all below it, in one statement.

    `tops`: whoever looks may look at these units and all below (None: at all).
    """
    seen = true() if tops is None else or_(false(), *(Unit.id.in_(subtree(one, on=on)) for one in tops))
    rows = session.execute(equals(unit, briefing_id, seen, on=on, now=now))
    return [
        Peer(
            row.public_id,
            row.name,
            Count(*(getattr(row, name) for name in COUNT_NAMES)),
            bool(row.own),
            bool(row.sibling),
            bool(row.seen),
        )
        for row in rows
    ]


def equals(
    unit: Unit, briefing_id: int, seen: ColumnElement[bool], *, on: date, now: datetime
) -> Select[*tuple[Any, ...]]:
    """One row for each unit of this kind as deep below the top as this one, by name, with whether it is `seen`."""
    here = ABOVE.tree == STATE_TREE, holds_on(on, ABOVE.valid_from, ABOVE.valid_to), ABOVE.descendant_id == unit.id
    top = select(ABOVE.ancestor_id).where(*here).order_by(ABOVE.depth.desc()).limit(1).scalar_subquery()
    level = select(func.max(ABOVE.depth)).where(*here).scalar_subquery()
    edge = UnitEdge.tree == STATE_TREE, holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to)
    parent = select(UnitEdge.parent_id).where(*edge, UnitEdge.child_id == unit.id).scalar_subquery()
    siblings = select(UnitEdge.child_id).where(*edge, UnitEdge.parent_id == parent)
    flags = {"own": Unit.id == unit.id, "sibling": Unit.id.in_(siblings), "seen": seen}
    columns = [case((condition, 1), else_=0).label(name) for name, condition in flags.items()]
    tally = TODAY.c
    return (
        select(Unit.public_id, Unit.name, *columns, *counts(tally, now))
        .select_from(BRANCH)
        .join(Unit, Unit.id == BRANCH.descendant_id)
        .join(BELOW, stands_below(on, STATE_TREE))
        .outerjoin(TODAY, and_(tally.unit_id == BELOW.descendant_id, tally.briefing_id == briefing_id))
        .where(BRANCH.tree == STATE_TREE, holds_on(on, BRANCH.valid_from, BRANCH.valid_to))
        .where(BRANCH.ancestor_id == top, BRANCH.depth == level, Unit.kind == unit.kind)
        .group_by(Unit.id)
        .order_by(Unit.sort_key, Unit.id)
    )


def by_briefing(
    session: Session, unit_id: int, given: Iterable[Given], course_id: int, structure: Structure, *, now: datetime
) -> list[tuple[Given, Count]]:
    """The briefings on a course with the figures of the unit in each, in one statement; the one opened last first."""
    rows = session.execute(facts.tallies_by_briefing(unit_id, course_id, structure, now=now))
    found = {row[0]: Count(*row[1:]) for row in rows}
    return [(one, found[one.id]) for one in given if one.id in found]


def title_of(session: Session, course_id: int) -> tuple[str, str]:
    """What a course is called now, in Vietnamese and English."""
    table = NEWEST_TITLES.c
    title, english = session.execute(select(table.title, table.title_en).where(table.course_id == course_id)).one()
    return title, english


@dataclass(frozen=True, slots=True)
class Gathering:
    """A sitting and the points that units of one subtree host, with the numbers of the board.

    `there`: how many people were there, each once.
    """

    sitting: BriefingSession
    points: list[tuple[MeetingPoint, Numbers]]
    there: int


def sittings_of(session: Session, briefing_id: int) -> Sequence[BriefingSession]:
    """The sittings of a briefing, the latest first."""
    return session.scalars(meetings.sittings().where(Briefing.id == briefing_id)).all()


def gathering(session: Session, sitting: BriefingSession, units: Select[int], *, on: date) -> Gathering:
    """What the board says of the points of these units, in six statements, however many points and people."""
    query = meetings.points().where(MeetingPoint.session_id == sitting.id, MeetingPoint.unit_id.in_(units))
    numbers = filters.numbers(session, sitting, on=on)
    people = filters.people_there(session, sitting, units)
    return Gathering(sitting, [(one, numbers[one.id]) for one in session.scalars(query)], people)


def is_among(
    session: Session, among: Among, briefing_id: int, person: uuid.UUID, *, now: datetime
) -> Row[*tuple[Any, ...]] | None:
    """The row of `people_asked` of somebody on the roll who stands among these people, and whether they were missed.

    None for whoever does not.
    """
    met = conditions(among.structure.until, briefing_id)
    query = people_asked(among, briefing_id, Wanted("roll"), now=now).where(Person.public_id == person).order_by(None)
    missed = [met[name].label(name) for name in ("excused", "unexcused")]
    return session.execute(query.add_columns(*missed)).one_or_none()


def as_of(
    session: Session, placed: Placed, ids: Sequence[int], row: Row[*tuple[Any, ...]], until: datetime
) -> tuple[Placed, Past]:
    """Somebody as figures of a moment that is over count them, by a row of `is_among`, and what had been said by then.

    `ids`: of all records that are this person.
    """
    briefing_id, one = placed.briefing.id, row_of(placed.standing)
    one = {name: None if isinstance(value, datetime) and value > until else value for name, value in one.items()}
    one |= {"due_at": row.due_at, "state": row.state, "exempt": row.exempt, "score": None}
    one["absence"] = "excused" if row.excused else "unexcused" if row.unexcused else ""
    if row.submitted and one["submitted_at"] is None:  # it was handed in anew since
        one["submitted_at"] = session.scalar(handed_in_last(briefing_id, ids, until))
    then = Standing(briefing_id=briefing_id, person_id=placed.standing.person_id, **one)
    said = session.execute(sittings_by(briefing_id, ids, until)).all()
    seen = [(row, *row[2:]) for row in said]
    return Placed(then, placed.briefing, placed.person, row.unit), Past(until, seen)


def handed_in_last(briefing_id: int, person_ids: Sequence[int], until: datetime) -> Select[datetime | None]:
    """When a reflection of these records was handed in last by that moment."""
    version = ReflectionVersion
    query = select(func.max(version.handed_in_at, type_=UtcDateTime)).join(Reflection)
    return query.where(
        Reflection.briefing_id == briefing_id, Reflection.person_id.in_(person_ids), version.handed_in_at <= until
    )


def sittings_by(briefing_id: int, person_ids: Sequence[int], until: datetime) -> Select[*tuple[Any, ...]]:
    """State, moment, title and kind of the sitting, name of the point: what each sitting had said of them by then."""
    last = last_said(until, briefing_id, each=BriefingSession.id, of=person_ids).c
    return (
        select(last.state, last.at, BriefingSession.title, BriefingSession.kind, MeetingPoint.name)
        .join(MeetingPoint, MeetingPoint.id == last.point_id)
        .join(BriefingSession, BriefingSession.id == MeetingPoint.session_id)
        .where(last.place == 1)
        .order_by(last.at, BriefingSession.id)
    )


@dataclass(frozen=True, slots=True)
class Said:
    """Statements of one person about a briefing, the latest first; `more`: there are older ones."""

    entries: list[Entry]
    more: bool


def said_of(session: Session, briefing: Briefing, person_ids: Sequence[int], until: datetime | None = None) -> Said:
    """What the record says these records have done in the course and the briefing; nothing of anybody else.

    `until`: had done by that moment, by what each statement bears, as figures have it.
    """
    home, found, more = config_of(session).iri_base, list[Entry](), False
    people = session.scalars(select(Person.public_id).where(Person.id.in_(person_ids)).order_by(Person.id)).all()
    for person in people:
        query = statements_of(person, (briefing.course.iri, vocabulary.briefing_iri(home, briefing.code)), home=home)
        query = query.where(*by(until, XapiStatement.timestamp))
        rows = session.execute(query.limit(MOST_SAID + 1)).all()
        more = more or len(rows) > MOST_SAID
        found += [Entry(*row) for row in rows[:MOST_SAID]]
    return Said(sorted(found, key=lambda one: -one.sequence), more)


def statements_of(person: uuid.UUID, about: Sequence[str], *, home: str) -> Select[*tuple[Any, ...]]:
    """What this person has done in these activities, the latest first; answers to single questions are left out."""
    own, named = XapiStatement, XapiStatementActivity
    things = select(XapiActivity.id).where(XapiActivity.iri.in_(about))
    within = select(named.sequence).where(named.sequence == own.sequence, named.activity_id.in_(things)).exists()
    answers = select(XapiVerb.id).where(XapiVerb.iri == vocabulary.ANSWERED)
    return (
        records.entries()
        .where(*records.conditions(Sought(person=person), home), own.verb_id.not_in(answers))
        .where(or_(own.activity_id.in_(things), within))
        .order_by(own.sequence.desc())
    )
