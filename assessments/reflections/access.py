"""The only ways to a reflection: one's own, or one handed in by somebody whom one may read. One's own is never read."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments.reflections import queries
from assessments.reflections.models import Reflection, ReflectionTask
from assessments.reflections.queries import Asked
from assessments.reflections.rules import asks
from courses.briefings.rules import policy_of
from courses.enrolment.access import ASSIGN
from courses.enrolment.access import READ as READ_ASSIGNMENTS
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.models import Person
from lms.db import lock_people
from lms.organisation.models import Unit
from lms.web.acting import Actor, NotFound

READ = "reflection:read"
QUESTIONS = READ_ASSIGNMENTS
"""Who may read which briefings ask for reflections, and what they ask."""


@dataclass(frozen=True, slots=True)
class Read:
    """A reflection that was handed in, by whom, where that person is counted, and in which briefing."""

    reflection: Reflection
    person: Person
    unit: Unit
    briefing: Briefing


def access_own(session: Session, actor: Actor, code: str, *, to_change: bool = False) -> Asked:
    """The reflection that briefing asks of this person. Raises `NotFound`, also for who is exempt.

    `to_change` takes the person's lock first: what is read after it stays as it is until the transaction ends.
    """
    if to_change:
        lock_people(session, [actor.person_id])
    found = queries.asked_of(session, actor.person_id, code=code)
    if not found:
        raise NotFound
    return found[0]


def access_read(session: Session, actor: Actor, public_id: uuid.UUID, *, to_change: bool = False) -> Read:
    """The reflection, for whoever may judge it: never one's own. Raises `NotFound`.

    `to_change` takes the writer's lock, and reads again what may have changed while one waited for it.
    """
    query = queries.readable(actor, READ, on=clock.today()).where(Reflection.public_id == public_id)
    row = session.execute(query).one_or_none()
    if row is not None and to_change:
        lock_people(session, [row[1].id])
        row = session.execute(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound
    return Read(*row)


def access_task(session: Session, actor: Actor, code: str) -> tuple[Briefing, ReflectionTask | None]:
    """The briefing whose policy asks for a reflection, and its questions, for whoever gives briefings everywhere."""
    briefing = session.scalar(select(Briefing).where(Briefing.code == code)) if actor.everywhere(ASSIGN) else None
    if briefing is None or not asks(policy_of(briefing.policy)):
        raise NotFound
    return briefing, session.get(ReflectionTask, briefing.id)
