"""Who may take the roll of a point, and who may arrange sittings. What you may not see does not exist."""

import uuid

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from courses.briefings.models import BriefingSession, MeetingPoint
from courses.meetings import queries
from lms import clock
from lms.accounts.access import own_grants
from lms.organisation.models import UnitClosure
from lms.organisation.projection import with_former
from lms.organisation.queries import holds_on
from lms.web.acting import Actor, NotFound

READ, ORGANISE, ATTEND = "briefing:read", "briefing:organise", "course:study"
SEEN_TWICE = "sitting:read_names"
"""Who may see by name who was at two points; trainers read the board and see a number there."""
HOSTING = frozenset({"host", "head", "deputy"})
"""Roles over a unit by which one takes the rolls of points of that unit and below."""


def access_sitting(session: Session, actor: Actor, public_id: uuid.UUID, permission: str = READ) -> BriefingSession:
    """The sitting, for whoever reads or arranges all of them. Raises `NotFound`."""
    query = queries.sittings().where(BriefingSession.public_id == public_id)
    sitting = session.scalar(query) if actor.everywhere(permission) else None
    if sitting is None:
        raise NotFound
    return sitting


def organised_point(session: Session, actor: Actor, public_id: uuid.UUID) -> MeetingPoint:
    """The point, for whoever arranges it. Raises `NotFound`."""
    query = queries.points().where(MeetingPoint.public_id == public_id)
    point = session.scalar(query) if actor.everywhere(ORGANISE) else None
    if point is None:
        raise NotFound
    return point


def access_point(session: Session, actor: Actor, public_id: uuid.UUID, *, to_enter: bool = False) -> MeetingPoint:
    """The point, for its host, whoever is host or head over its unit, or arranges sittings. Raises `NotFound`.

    `to_enter`: nobody closes its roll from now on until the transaction ends, which spares `hold` its question.
    """
    query = queries.points().where(MeetingPoint.public_id == public_id)
    if to_enter:
        query = queries.held(query)
    if not actor.everywhere(ORGANISE):
        query = query.where(hosted(session, actor))
    point = session.scalar(query)
    if point is None:
        raise NotFound
    if to_enter:
        queries.remember_held(session, point)
    return point


def own_points(session: Session, actor: Actor) -> Select[MeetingPoint]:
    """The points whose roll somebody takes, by name or by a role over the unit, the latest sitting first."""
    return (
        queries.points()
        .where(hosted(session, actor))
        .order_by(None)
        .order_by(BriefingSession.starts_at.desc(), MeetingPoint.main.desc(), MeetingPoint.id)
    )


def openable(session: Session, actor: Actor, sitting_id: int) -> set[int]:
    """The ids of the points of a sitting that `access_point` opens for this person."""
    of = select(MeetingPoint.id).where(MeetingPoint.session_id == sitting_id)
    return set(session.scalars(of if actor.everywhere(ORGANISE) else of.where(hosted(session, actor))))


def hosted(session: Session, actor: Actor) -> ColumnElement[bool]:
    """Whether somebody is the named host of a point or holds a role over its unit today, in the tree of that role.

    The points of a unit that has ended are those of the unit in its place.
    """
    today = clock.today()
    over = [
        and_(UnitClosure.ancestor_id == one.unit_id, UnitClosure.tree == one.tree)
        for one in own_grants(session, actor)
        if one.role in HOSTING and one.unit_id is not None
    ]
    named = MeetingPoint.host == actor.public_id
    if not over:
        return named
    below = select(UnitClosure.descendant_id).where(
        or_(*over), holds_on(today, UnitClosure.valid_from, UnitClosure.valid_to)
    )
    units = with_former(below, on=today, of=select(MeetingPoint.unit_id))
    return or_(named, MeetingPoint.unit_id.in_(units))


def person_listed(session: Session, point: MeetingPoint, public_id: uuid.UUID) -> queries.OnList:
    """Somebody on the roll of the point, or seen there. Raises `NotFound`."""
    found = queries.listed(session, point, on=clock.today(), only=[public_id])
    if not found:
        raise NotFound
    return found[0]
