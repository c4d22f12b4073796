"""Reading sittings, points, who is on the roll of each, what is known of these people, and the numbers of the board."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased, contains_eager

from courses.briefings.models import Attendance, BriefingSession, MeetingPoint, Standing
from courses.enrolment.models import Briefing
from courses.meetings.models import PointCheckIn, PointSighting
from courses.meetings.rules import THERE, Numbers, Place
from lms.accounts.models import Person
from lms.organisation.models import Unit, UnitClosure
from lms.organisation.projection import taken_over
from lms.organisation.queries import holds_on

PAGE = 300
"""So many people of a roll stand on one page."""


@cache
def sittings() -> Select[BriefingSession]:
    """Every sitting with its briefing, the latest first."""
    return (
        select(BriefingSession)
        .join(Briefing, Briefing.id == BriefingSession.briefing_id)
        .options(contains_eager(BriefingSession.briefing))
        .order_by(BriefingSession.starts_at.desc(), BriefingSession.id.desc())
    )


def briefings_to_gather() -> Select[Briefing]:
    """The briefings that can have sittings, the latest first: no course merely assigned, and none that is closed."""
    return (
        select(Briefing)
        .where(~Briefing.plain, Briefing.closed_at.is_(None))
        .order_by(Briefing.opened_at.desc(), Briefing.id.desc())
    )


def reported_of(session: Session, sittings_shown: Sequence[BriefingSession]) -> dict[int, tuple[int, int]]:
    """How many points each of these sittings has, and how many of them have reported."""
    rows = session.execute(
        select(MeetingPoint.session_id, func.count(), func.count(MeetingPoint.reported_at))
        .where(MeetingPoint.session_id.in_([one.id for one in sittings_shown]))
        .group_by(MeetingPoint.session_id)
    )
    return {sitting: (points, reported) for sitting, points, reported in rows}


@cache
def points() -> Select[MeetingPoint]:
    """Points with sitting, briefing and unit: the main one first, then by unit."""
    return (
        select(MeetingPoint)
        .join(BriefingSession, BriefingSession.id == MeetingPoint.session_id)
        .join(Briefing, Briefing.id == BriefingSession.briefing_id)
        .join(Unit, Unit.id == MeetingPoint.unit_id)
        .options(
            contains_eager(MeetingPoint.session).contains_eager(BriefingSession.briefing),
            contains_eager(MeetingPoint.unit),
        )
        .order_by(MeetingPoint.main.desc(), Unit.sort_key, MeetingPoint.id)
    )


# What a host's tap asks is composed once: to compose it costs more than to send it.
DAY = cast(date, bindparam("day", type_=Date()))
SITTING, POINT, UNIT, BRIEFING = (bindparam(name, type_=Integer()) for name in ("sitting", "point", "unit", "briefing"))


def values_of(point: MeetingPoint, *, on: date) -> dict[str, Any]:
    """What stands for the names in the statements about a point."""
    briefing = point.session.briefing_id
    return {"day": on, "sitting": point.session_id, "point": point.id, "unit": point.unit_id, "briefing": briefing}


def placed(points: ColumnElement[bool], day: date, *, within: bool = False) -> Subquery:
    """Each unit from which people come to these points, and its point of each sitting: the nearest above it.

    Columns unit_id, point_id, place: 1 is the one that holds; of two equally near a local one, then the one made first.
    What is above is asked of the state tree, where people are counted; of the Party's where that has no point. A point
    of a unit that has ended is one of the unit in its place. `within`: only units at or below that of the named point.
    """
    taken, tree = taken_over(day), UnitClosure.tree.desc()
    host = func.coalesce(taken.c.heir_id, MeetingPoint.unit_id)
    order = (tree, UnitClosure.depth, MeetingPoint.main, MeetingPoint.id)
    each = (MeetingPoint.session_id, UnitClosure.descendant_id)
    query = (
        select(
            UnitClosure.descendant_id.label("unit_id"),
            MeetingPoint.id.label("point_id"),
            func.row_number().over(partition_by=each, order_by=order).label("place"),
        )
        .select_from(MeetingPoint)
        .outerjoin(taken, taken.c.unit_id == MeetingPoint.unit_id)
        .join(UnitClosure, UnitClosure.ancestor_id == host)
        .where(points, holds_on(day, UnitClosure.valid_from, UnitClosure.valid_to))
    )
    if within:
        below = aliased(UnitClosure)
        own = func.coalesce(select(taken.c.heir_id).where(taken.c.unit_id == UNIT).scalar_subquery(), UNIT)
        under = select(below.descendant_id).where(
            below.ancestor_id == own, holds_on(day, below.valid_from, below.valid_to)
        )
        query = query.where(UnitClosure.descendant_id.in_(under))
    return query.subquery()


@cache
def nearest(*, within: bool) -> Subquery:
    """`placed` for the points of the named sitting on the named day."""
    return placed(MeetingPoint.session_id == SITTING, DAY, within=within)


@cache
def called() -> Select[int]:
    """The ids of those on the roll of a point that day; people who are exempt are on none."""
    near = nearest(within=True)
    return (
        select(Standing.person_id)
        .join(near, near.c.unit_id == Standing.unit_id)
        .where(Standing.briefing_id == BRIEFING, ~Standing.exempt, near.c.place == 1, near.c.point_id == POINT)
    )


@dataclass(frozen=True, slots=True)
class OnList:
    """Somebody at a point: what this point says (state None: nothing), and the other points where they were there.

    `guest`: on the roll of another point, or of none. `answered`: something is known, here or at another point; `last`:
    what this point says was said last. `leave`: it was decided that they are away with a reason.
    """

    person_id: int
    public_id: uuid.UUID
    name: str
    unit: str
    state: str | None
    at: datetime | None
    statement_id: uuid.UUID | None
    guest: bool
    answered: bool
    last: bool
    leave: bool
    elsewhere: tuple[str, ...] = ()


def listed(
    session: Session, point: MeetingPoint, *, on: date, only: Collection[uuid.UUID] | None = None
) -> list[OnList]:
    """Everybody on the roll of the point and everybody seen there, by given name; `only`: of these. Two statements."""
    query = everybody()
    if only is not None:
        query = query.where(Person.public_id.in_(only))
    rows = session.execute(query, values_of(point, on=on)).all()
    others = seen_elsewhere(session, point, [row.id for row in rows])
    return [OnList(*[*row, tuple(others.get(row.id, ()))]) for row in rows]


@cache
def own_people() -> CompoundSelect[int]:
    """The ids of everybody on the roll of a point and everybody seen there."""
    return called().union(select(PointSighting.person_id).where(PointSighting.point_id == POINT))


@cache
def people_asked() -> Select[uuid.UUID, int]:
    """Those of some people who are of a point, with their ids."""
    asked = Person.public_id.in_(bindparam("people", expanding=True))
    return select(Person.public_id, Person.id).where(asked, Person.id.in_(own_people()))


def people_of(session: Session, point: MeetingPoint, only: Collection[uuid.UUID], *, on: date) -> dict[uuid.UUID, int]:
    """Those of these people who are of the point, with their ids, in this order."""
    found = dict(session.execute(people_asked(), {**values_of(point, on=on), "people": list(only)}).all())
    return {one: found[one] for one in only if one in found}


@cache
def everybody() -> Select[*tuple[Any, ...]]:
    """The people of a point with what is known of each, by given name."""
    roll = called().subquery()
    here = and_(PointSighting.person_id == Person.id, PointSighting.point_id == POINT)
    sat = and_(Attendance.person_id == Person.id, Attendance.session_id == SITTING)
    stands = and_(Standing.person_id == Person.id, Standing.briefing_id == BRIEFING)
    return (
        select(
            Person.id,
            Person.public_id,
            Person.full_name,
            func.coalesce(func.nullif(Unit.short_name, ""), Unit.name, ""),
            PointSighting.state,
            PointSighting.at,
            PointSighting.statement_id,
            roll.c.person_id.is_(None).label("guest"),
            Attendance.state.is_not(None).label("answered"),
            func.coalesce(Attendance.point_id == POINT, False).label("last"),
            func.coalesce(Standing.leave, False).label("leave"),
        )
        .outerjoin(roll, roll.c.person_id == Person.id)
        .outerjoin(PointSighting, here)
        .outerjoin(Attendance, sat)
        .outerjoin(Standing, stands)
        .outerjoin(Unit, Unit.id == Standing.unit_id)
        .where(Person.id.in_(own_people()))  # not by what was joined: then everybody would be looked at
        .order_by(Person.sort_key, Person.id)
    )


def there() -> ColumnElement[bool]:
    """Whether a sighting says that somebody was there."""
    return PointSighting.state.in_(sorted(THERE))


@cache
def there_elsewhere(*, few: bool) -> Select[int, str]:
    """Who was there at other points of the sitting than this one, and the names of these."""
    query = (
        select(PointSighting.person_id, MeetingPoint.name)
        .join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        .where(MeetingPoint.session_id == SITTING, MeetingPoint.id != POINT, there())
        .order_by(MeetingPoint.id)
    )
    return query.where(PointSighting.person_id.in_(bindparam("people", expanding=True))) if few else query


def seen_elsewhere(session: Session, point: MeetingPoint, ids: Sequence[int]) -> dict[int, list[str]]:
    """The names of the other points of the sitting where these people were there, by person."""
    few, values = len(ids) <= 500, {"sitting": point.session_id, "point": point.id}
    found: dict[int, list[str]] = {}
    rows = session.execute(there_elsewhere(few=few), values | ({"people": list(ids)} if few else {}))
    for person_id, name in rows:
        found.setdefault(person_id, []).append(name)
    return found


def sightings_of(session: Session, point: MeetingPoint, ids: Sequence[int]) -> dict[int, PointSighting]:
    """What the point says of these people now, read past what this session remembers."""
    query = (
        select(PointSighting)
        .where(PointSighting.point_id == point.id, PointSighting.person_id.in_(ids))
        .execution_options(populate_existing=True)
    )
    return {one.person_id: one for one in session.scalars(query)}


def numbers(session: Session, sitting: BriefingSession, *, on: date) -> dict[int, Numbers]:
    """The numbers of every point of a sitting, by its id. Four statements, however many points and people."""
    rows = session.execute(
        select(MeetingPoint.id, MeetingPoint.headcount, MeetingPoint.reported_at).where(
            MeetingPoint.session_id == sitting.id
        )
    ).all()
    rolls = roll_counts(session, sitting, on=on)
    said, twice = said_counts(session, sitting.id), twice_counts(session, sitting)
    found: dict[int, Numbers] = {}
    for row in rows:
        states, (people, answered) = said.get(row.id, {}), rolls.get(row.id, (0, 0))
        found[row.id] = Numbers(
            called=people,
            unanswered=people - answered,
            there=sum(states.get(one, 0) for one in THERE),
            late=states.get("late", 0),
            left_early=states.get("left_early", 0),
            excused=states.get("excused", 0),
            unexcused=states.get("unexcused", 0),
            twice=twice.get(row.id, 0),
            headcount=row.headcount,
            reported=row.reported_at is not None,
        )
    return found


def roll_counts(session: Session, sitting: BriefingSession, *, on: date) -> Mapping[int, tuple[int, int]]:
    """By point: how many are on its roll, and of how many of them something is known at some point of the sitting."""
    near = nearest(within=False)
    known = and_(Attendance.person_id == Standing.person_id, Attendance.session_id == sitting.id)
    rows = session.execute(
        select(near.c.point_id, func.count(), func.count(Attendance.person_id))
        .join(Standing, Standing.unit_id == near.c.unit_id)
        .outerjoin(Attendance, known)
        .where(near.c.place == 1, Standing.briefing_id == sitting.briefing_id, ~Standing.exempt)
        .group_by(near.c.point_id),
        {"day": on, "sitting": sitting.id},
    )
    return {point_id: (people, answered) for point_id, people, answered in rows}


def said_counts(session: Session, sitting_id: int, point_id: int | None = None) -> Mapping[int, Mapping[str, int]]:
    """By point: how many people it says each state of; of all points of a sitting, or of one alone.

    Away is somebody only where that was said last, so that nobody who was seen at another point then is.
    """
    last = select(Attendance.person_id).where(
        Attendance.session_id == sitting_id,
        Attendance.person_id == PointSighting.person_id,
        Attendance.point_id == PointSighting.point_id,
    )
    query = select(PointSighting.point_id, PointSighting.state, func.count()).where(or_(there(), last.exists()))
    if point_id is None:
        query = query.join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
    own = PointSighting.point_id == point_id if point_id is not None else MeetingPoint.session_id == sitting_id
    found: dict[int, dict[str, int]] = {}
    for point, state, people in session.execute(query.where(own).group_by(PointSighting.point_id, PointSighting.state)):
        found.setdefault(point, {})[state] = people
    return found


def people_there(session: Session, sitting: BriefingSession, units: Select[int]) -> int:
    """How many people were there at points of these units, each once however many of the points saw them."""
    query = (
        select(func.count(PointSighting.person_id.distinct()))
        .join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        .where(MeetingPoint.session_id == sitting.id, MeetingPoint.unit_id.in_(units), there())
    )
    return session.scalar(query) or 0


def seen_twice(sitting_id: int) -> Select[int]:
    """The ids of those who were there at two points of a sitting."""
    return (
        select(PointSighting.person_id)
        .join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        .where(MeetingPoint.session_id == sitting_id, there())
        .group_by(PointSighting.person_id)
        .having(func.count() > 1)
    )


def twice_counts(session: Session, sitting: BriefingSession) -> Mapping[int, int]:
    """By point: how many of those who were there were there at another point too."""
    rows = session.execute(
        select(PointSighting.point_id, func.count())
        .join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        .where(MeetingPoint.session_id == sitting.id, there(), PointSighting.person_id.in_(seen_twice(sitting.id)))
        .group_by(PointSighting.point_id)
    )
    return {point_id: people for point_id, people in rows}  # noqa: C416 - rows are no pairs to mypy


def names_seen_twice(sitting_id: int) -> Select[*tuple[Any, ...]]:
    """Who was there at two points, with what each point says: person, name, point, its name, state, moment."""
    return (
        select(
            Person.public_id,
            Person.full_name,
            MeetingPoint.public_id.label("point"),
            MeetingPoint.name.label("point_name"),
            PointSighting.state,
            PointSighting.at,
        )
        .join(PointSighting, PointSighting.person_id == Person.id)
        .join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        .where(MeetingPoint.session_id == sitting_id, there(), Person.id.in_(seen_twice(sitting_id)))
        .order_by(Person.sort_key, Person.id, PointSighting.at)
    )


def open_check_in(session: Session, point_id: int) -> PointCheckIn | None:
    """Who shows codes at this point, if anybody does now."""
    return session.scalar(
        select(PointCheckIn).where(PointCheckIn.point_id == point_id, PointCheckIn.closed_at.is_(None))
    )


def places_open(session: Session) -> dict[Place, int]:
    """All points at which codes are shown now and the roll is not closed, with their ids."""
    rows = session.execute(
        select(BriefingSession.public_id, MeetingPoint.public_id, MeetingPoint.id)
        .join(MeetingPoint, MeetingPoint.session_id == BriefingSession.id)
        .join(PointCheckIn, PointCheckIn.point_id == MeetingPoint.id)
        .where(PointCheckIn.closed_at.is_(None), MeetingPoint.reported_at.is_(None))
    )
    return {Place(sitting, point): point_id for sitting, point, point_id in rows}


def on_the_roll(session: Session, briefing_id: int, person_id: int) -> bool:
    """Whether somebody is on the roll of the briefing and not exempt."""
    query = select(Standing.person_id).where(
        Standing.briefing_id == briefing_id, Standing.person_id == person_id, ~Standing.exempt
    )
    return session.scalar(query) is not None
