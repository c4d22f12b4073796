"""The only ways to a briefing, to somebody on its roll, and to what was decided or kept of it."""

import uuid

from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session

from courses.briefings import filters, queries
from courses.briefings.models import FrozenRoll, Standing
from courses.briefings.queries import Placed
from courses.enrolment.models import Briefing, RollDecision
from lms import clock
from lms.organisation.queries import subtree
from lms.web.acting import Actor, NotFound

READ, ORGANISE = "briefing:read", "briefing:organise"
DECISIONS, DECIDE = "roll:read", "roll:decide"
"""Who may read what was decided about single people, and who decides."""
LIST, NAMES = "person:read", "unit:read_names"
"""Who may see the people on a roll as a list, and where one of them stands."""


def access_briefing(session: Session, actor: Actor, code: str, permission: str = READ) -> Briefing:
    """The briefing, for whoever organises briefings or looks at them. Raises `NotFound`."""
    if not actor.everywhere(permission):
        raise NotFound
    return briefing_of(session, code)


def briefing_of(session: Session, code: str) -> Briefing:
    """The briefing with this code, for whoever is asked about its roll next. Raises `NotFound`."""
    briefing = session.scalar(select(Briefing).where(Briefing.code == code))
    if briefing is None:
        raise NotFound
    return briefing


def access_on_roll(session: Session, actor: Actor, code: str, public_id: uuid.UUID, permission: str) -> Placed:
    """Somebody on the roll of the briefing, if the permission holds where they are counted in it. Raises `NotFound`."""
    briefing = briefing_of(session, code)
    person_id = queries.record_of(session, public_id)
    query = filters.standing_of(briefing.id, person_id) if person_id is not None else None
    if query is not None and not actor.everywhere(permission):
        within = [subtree(one, on=clock.today()) for one in actor.unit_ids(permission)]
        query = query.where(or_(false(), *(Standing.unit_id.in_(units) for units in within)))
    row = session.execute(query).one_or_none() if query is not None else None
    if row is None:
        raise NotFound
    return Placed(*row)


def access_own(session: Session, actor: Actor, code: str) -> Placed:
    """One's own place on the roll of the briefing. Raises `NotFound`."""
    row = session.execute(filters.standing_of(briefing_of(session, code).id, actor.person_id)).one_or_none()
    if row is None:
        raise NotFound
    return Placed(*row)


def access_decision(session: Session, actor: Actor, code: str, decision_id: uuid.UUID) -> tuple[RollDecision, Placed]:
    """A decision about somebody on the roll for whom one may decide. Raises `NotFound`."""
    found = session.execute(queries.decision_about(decision_id)).one_or_none()
    if found is None:
        raise NotFound
    decision, public_id, of = found
    if of != code:
        raise NotFound
    return decision, access_on_roll(session, actor, code, public_id, DECIDE)


def access_frozen(session: Session, actor: Actor, code: str, roll_id: uuid.UUID) -> tuple[Briefing, FrozenRoll]:
    """A frozen roll of the briefing. Raises `NotFound`."""
    briefing = access_briefing(session, actor, code)
    roll = session.scalar(
        select(FrozenRoll).where(FrozenRoll.public_id == roll_id, FrozenRoll.briefing_id == briefing.id)
    )
    if roll is None:
        raise NotFound
    return briefing, roll
