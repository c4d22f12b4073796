"""What the pages of organisers ask for: the numbers of the board, briefings to choose, who was seen twice."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from courses.briefings.models import Attendance, BriefingSession, MeetingPoint, Standing
from courses.enrolment.models import Briefing
from courses.meetings.models import PointSighting
from courses.meetings.queries import BRIEFING, SITTING, nearest, said_counts, seen_twice, there
from courses.meetings.rules import THERE, Numbers
from lms.accounts.models import Person


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


@cache
def people_by_point() -> Select[int, int, int]:
    """By point of the named sitting: how many are on its roll, and of how many of them something is known."""
    near = nearest(within=False)
    known = and_(Attendance.person_id == Standing.person_id, Attendance.session_id == SITTING)
    return (
        select(near.c.point_id, func.count(), func.count(Attendance.person_id))
        .join(Standing, Standing.unit_id == near.c.unit_id)
        .outerjoin(Attendance, known)
        .where(near.c.place == 1, Standing.briefing_id == BRIEFING, ~Standing.exempt)
        .group_by(near.c.point_id)
    )


def roll_counts(session: Session, sitting: BriefingSession, *, on: date) -> Mapping[int, tuple[int, int]]:
    """By point: how many are on its roll, and of how many of them something is known at some point of the sitting."""
    asked = {"day": on, "sitting": sitting.id, "briefing": sitting.briefing_id}
    return {point_id: (people, answered) for point_id, people, answered in session.execute(people_by_point(), asked)}


def twice_counts(session: Session, sitting: BriefingSession) -> Mapping[int, int]:
    """By point: how many of those who were there were there at another point too."""
    rows = session.execute(
        select(PointSighting.point_id, func.count())
        .join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        .where(MeetingPoint.session_id == sitting.id, there(), PointSighting.person_id.in_(seen_twice(sitting.id)))
        .group_by(PointSighting.point_id)
    )
    return dict(rows.all())


def people_there(session: Session, sitting: BriefingSession, units: Select[int]) -> int:
    """How many people were there at points of these units, each once however many of the points saw them."""
    query = (
        select(func.count(PointSighting.person_id.distinct()))
        .join(MeetingPoint, MeetingPoint.id == PointSighting.point_id)
        .where(MeetingPoint.session_id == sitting.id, MeetingPoint.unit_id.in_(units), there())
    )
    return session.scalar(query) or 0


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
