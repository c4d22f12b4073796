"""Reading sittings, points, who is on the roll of each, what is known of these people, and the numbers of the board."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from courses.meetings.rules import THERE, Place
from lms.accounts.models import Person
from lms.clock import VIETNAM
from lms.db import remember
from lms.organisation.models import TREES, Unit, UnitClosure
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


def held(query: Select[MeetingPoint]) -> Select[MeetingPoint]:
    """The same points, as they are once nobody can close their rolls until this transaction ends."""
    return query.with_for_update(read=True, of=MeetingPoint).execution_options(populate_existing=True)


def remember_held(session: Session, point: MeetingPoint) -> None:
    """The point was read so: the next who must hold it need not ask again."""
    session.info["held point"] = point.id


def is_held(session: Session, point: MeetingPoint) -> bool:
    """Whether the point was read so. It serves once: the next one asks, after what has been done since."""
    return bool(session.info.pop("held point", None) == point.id)


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
    taken = taken_over(day, select(MeetingPoint.unit_id).where(points))
    unit = func.coalesce(taken.c.heir_id, MeetingPoint.unit_id).label("unit_id")
    each = select(MeetingPoint.id, MeetingPoint.session_id, MeetingPoint.main, unit).where(points)
    host = each.outerjoin(taken, taken.c.unit_id == MeetingPoint.unit_id).cte().c
    order = (UnitClosure.tree.desc(), UnitClosure.depth, host.main, host.id)
    nearer = func.row_number().over(partition_by=(host.session_id, UnitClosure.descendant_id), order_by=order)
    query = (
        select(UnitClosure.descendant_id.label("unit_id"), host.id.label("point_id"), nearer.label("place"))
        .join(UnitClosure, UnitClosure.ancestor_id == host.unit_id)
        .where(holds_on(day, UnitClosure.valid_from, UnitClosure.valid_to))
    )
    if within:  # trees are named where an index is to be walked: of few units, not of all
        below = aliased(UnitClosure)
        own = func.coalesce(select(taken.c.heir_id).where(taken.c.unit_id == UNIT).scalar_subquery(), UNIT)
        here = below.tree.in_(TREES), below.ancestor_id == own, holds_on(day, below.valid_from, below.valid_to)
        under = select(below.descendant_id).where(*here)
        query = query.where(UnitClosure.tree.in_(TREES), UnitClosure.descendant_id.in_(under))
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
    for row in rows:
        remember(session, "account", str(row.public_id), row.id)  # the next tap asks whose it is
    return [OnList(*[*row, tuple(others.get(row.id, ()))]) for row in rows]


@cache
def own_people() -> CompoundSelect[int]:
    """The ids of everybody on the roll of a point and everybody seen there."""
    return called().union(select(PointSighting.person_id).where(PointSighting.point_id == POINT))


@cache
def people_met() -> Select[int, str | None, bool]:
    """Those of some people who are of a point: what it says of each, and whether they were there at another.

    Who is on its roll is asked of each one's unit, not of all units below the point (`called`): these are few people.
    The point of each is the one `placed` gives.
    """
    other, beside = aliased(PointSighting), aliased(MeetingPoint)
    elsewhere = select(other.person_id).join(beside, beside.id == other.point_id)
    taken = taken_over(DAY, select(MeetingPoint.unit_id).where(MeetingPoint.session_id == SITTING))
    near = (
        select(MeetingPoint.id)
        .outerjoin(taken, taken.c.unit_id == MeetingPoint.unit_id)
        .join(UnitClosure, UnitClosure.ancestor_id == func.coalesce(taken.c.heir_id, MeetingPoint.unit_id))
        .where(UnitClosure.descendant_id == Standing.unit_id, MeetingPoint.session_id == SITTING)
        .where(holds_on(DAY, UnitClosure.valid_from, UnitClosure.valid_to))
        .order_by(UnitClosure.tree.desc(), UnitClosure.depth, MeetingPoint.main, MeetingPoint.id)
        .limit(1)
    )
    on_roll = and_(~Standing.exempt, near.scalar_subquery() == POINT)
    there_too = (beside.session_id == SITTING, beside.id != POINT, other.state.in_(sorted(THERE)))
    return (
        select(Person.id, PointSighting.state, elsewhere.where(other.person_id == Person.id, *there_too).exists())
        .outerjoin(PointSighting, and_(PointSighting.person_id == Person.id, PointSighting.point_id == POINT))
        .outerjoin(Standing, and_(Standing.person_id == Person.id, Standing.briefing_id == BRIEFING))
        .where(Person.id.in_(bindparam("people", expanding=True)))
        .where(or_(PointSighting.person_id.is_not(None), on_roll))
    )


def met(session: Session, point: MeetingPoint, ids: Collection[int], *, on: date) -> dict[int, tuple[str | None, bool]]:
    """What the point says of those of these people who are of it, and whether they were there at another; one query."""
    rows = session.execute(people_met(), {**values_of(point, on=on), "people": list(ids)})
    return {person_id: (state, elsewhere) for person_id, state, elsewhere in rows}


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


def said_counts(session: Session, sitting_id: int, point_id: int | None = None) -> Mapping[int, Mapping[str, int]]:
    """By point: how many people it says each state of; of all points of a sitting, or of one alone.

    Away is somebody only where that was said last, so that nobody who was seen at another point then is.
    """
    values = {"sitting": sitting_id, "point": point_id}
    found: dict[int, dict[str, int]] = {}
    for point, state, people in session.execute(counted_by_state(one=point_id is not None), values):
        found.setdefault(point, {})[state] = people
    return found


@cache
def counted_by_state(*, one: bool) -> Select[int, str, int]:
    """The statement of `said_counts`."""
    last = select(Attendance.person_id).where(
        Attendance.session_id == SITTING,
        Attendance.person_id == PointSighting.person_id,
        Attendance.point_id == PointSighting.point_id,
    )
    query = select(PointSighting.point_id, PointSighting.state, func.count()).where(or_(there(), last.exists()))
    if one:
        query = query.where(PointSighting.point_id == POINT)
    else:
        query = query.join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        query = query.where(MeetingPoint.session_id == SITTING)
    return query.group_by(PointSighting.point_id, PointSighting.state)


def seen_twice(sitting_id: int) -> Select[int]:
    """The ids of those who were there at two points of a sitting."""
    return (
        select(PointSighting.person_id)
        .join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        .where(MeetingPoint.session_id == sitting_id, there())
        .group_by(PointSighting.person_id)
        .having(func.count() > 1)
    )


def open_check_in(session: Session, point_id: int) -> PointCheckIn | None:
    """Who shows codes at this point, if anybody does now."""
    return session.scalar(
        select(PointCheckIn).where(PointCheckIn.point_id == point_id, PointCheckIn.closed_at.is_(None))
    )


def point_shown(session: Session, point_id: int) -> tuple[MeetingPoint, uuid.UUID | None]:
    """The point, held, and who shows codes there now."""
    now_shown = and_(PointCheckIn.point_id == MeetingPoint.id, PointCheckIn.closed_at.is_(None))
    query = held(points()).add_columns(PointCheckIn.opened_by).outerjoin(PointCheckIn, now_shown)
    point, host = session.execute(query.where(MeetingPoint.id == point_id)).one()
    remember_held(session, point)
    return point, host


def places_open(session: Session) -> dict[Place, int]:
    """All points at which codes are shown now and the roll is not closed, with their ids."""
    rows = session.execute(
        select(BriefingSession.public_id, MeetingPoint.public_id, MeetingPoint.id)
        .join(MeetingPoint, MeetingPoint.session_id == BriefingSession.id)
        .join(PointCheckIn, PointCheckIn.point_id == MeetingPoint.id)
        .where(PointCheckIn.closed_at.is_(None), MeetingPoint.reported_at.is_(None))
    )
    return {Place(sitting, point): point_id for sitting, point, point_id in rows}


def points_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """The names of those of these opaque ids that are meeting points' (`called` in lms/doors.py)."""
    known = MeetingPoint.public_id.in_([uuid.UUID(one) for one in ids])
    return {
        str(own): name for own, name in session.execute(select(MeetingPoint.public_id, MeetingPoint.name).where(known))
    }


def sittings_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """The titles and days of sittings, by their opaque ids."""
    known = BriefingSession.public_id.in_([uuid.UUID(one) for one in ids])
    query = select(BriefingSession.public_id, BriefingSession.title, BriefingSession.starts_at).where(known)
    return {
        str(own): f"{title}, {begins.astimezone(VIETNAM):%d/%m/%Y}" for own, title, begins in session.execute(query)
    }


def on_the_roll(session: Session, briefing_id: int, person_id: int) -> bool:
    """Whether somebody is on the roll of the briefing and not exempt."""
    query = select(Standing.person_id).where(
        Standing.briefing_id == briefing_id, Standing.person_id == person_id, ~Standing.exempt
    )
    return session.scalar(query) is not None
