"""Which reports somebody may read, make, send up, accept, take out with names. What one may not see does not exist."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.facts.projection import Structure
from analytics.facts.queries import briefings_given, opened_first
from analytics.reports.models import ReportFile, ReportSchedule, ReportSnapshot, ReportSubmission
from analytics.reports.queries import Subject, subject, submissions_waiting
from courses.enrolment.models import Briefing
from lms.accounts.access import access_unit, access_unit_then, people_of_today
from lms.accounts.queries import people_counted_in
from lms.clock import day_of
from lms.organisation.access import units_within
from lms.organisation.models import Unit
from lms.organisation.projection import in_place_of
from lms.web.acting import Actor, NotFound

FIGURES, NAMES = "unit:read_figures", "unit:read_names"
SEND, ACCEPT = "report:send", "report:accept"
QUALITY = "question:read_quality"
LIST = "02"
"""The form that names people."""


def access_subject(
    session: Session,
    actor: Actor,
    permission: str,
    unit_id: uuid.UUID,
    code: str | None,
    *,
    now: datetime,
    by: tuple[date, str] | None = None,
) -> Subject:
    """The unit with the briefing of that code, or the one its pages open on; somebody must be on its roll. Or
    `NotFound`.

    `by`: the day and the tree of another structure. By it those count who are in one's scope today, as on dashboards.
    """
    structure = None
    if by is None:
        unit = access_unit(session, actor, permission, unit_id)
    else:
        on, tree = by
        unit = access_unit_then(session, actor, permission, unit_id, on=on, tree=tree).now
        structure = Structure(on, tree, True, people_of_today(actor, permission, tree=tree))
    counted = structure or Structure(day_of(now))
    given = session.execute(briefings_given(unit.id, counted)).all()
    if not code and len(given) > 1:
        code = opened_first(session, unit.id, counted, now=now)
    chosen = next((row.id for row in given if code in (None, "", row.code)), None)
    found = subject(session, unit, chosen, now=now, structure=structure) if chosen is not None else None
    if found is None:
        raise NotFound
    return found


def to_keep(session: Session, of: Subject) -> Subject:
    """The same for everybody who sees the unit: by another structure those count who are counted there today.

    What one keeps is read by others too: whoever keeps it, nobody is in it whom these may not look at any more.
    """
    if of.structure is None:
        return of
    unit = in_place_of(session, session.get_one(Unit, of.unit.id), on=day_of(of.now))
    people = people_counted_in((unit.id,), on=day_of(of.now), later=False, tree=of.by.tree).correlate(None)
    return replace(of, structure=replace(of.structure, people=people))


def answers_for(actor: Actor, permission: str, unit: Unit) -> bool:
    """Whether the permission was given over this very unit, and not merely over one above; or everywhere."""
    return actor.everywhere(permission) or unit.id in actor.unit_ids(permission)


def access_own(session: Session, actor: Actor, permission: str, unit_id: uuid.UUID) -> Unit:
    """The unit, for whoever answers for it: its head, deputy or administrator. Raises `NotFound`."""
    unit = access_unit(session, actor, permission, unit_id)
    if not answers_for(actor, permission, unit):
        raise NotFound
    return unit


def access_snapshot(session: Session, actor: Actor, public_id: uuid.UUID) -> ReportSnapshot:
    """A report that was kept, of a unit in one's scope; a list of names only for who may see names. Or `NotFound`."""
    found = session.scalar(select(ReportSnapshot).where(ReportSnapshot.public_id == public_id))
    permission = NAMES if found is not None and found.form == LIST else FIGURES
    within = units_within(session, actor, permission)
    if found is None or (within is not None and found.unit_id not in within):
        raise NotFound
    return found


def access_submission(session: Session, actor: Actor, public_id: uuid.UUID) -> ReportSubmission:
    """A report sent to a unit one answers for, to be accepted or returned. Raises `NotFound`."""
    found = session.scalar(select(ReportSubmission).where(ReportSubmission.public_id == public_id))
    if found is None or not answers_for(actor, ACCEPT, found.to_unit):
        raise NotFound
    return found


def waiting_for(session: Session, actor: Actor) -> Sequence[ReportSubmission]:
    """What was sent to units one answers for and waits for a decision, the longest first; one statement."""
    units = None if actor.everywhere(ACCEPT) else actor.unit_ids(ACCEPT)
    return session.scalars(submissions_waiting(units)).all()


def access_schedule(session: Session, actor: Actor, public_id: uuid.UUID) -> ReportSchedule:
    """A schedule of mail of a unit one answers for. Raises `NotFound`."""
    found = session.scalar(select(ReportSchedule).where(ReportSchedule.public_id == public_id))
    if found is None or not answers_for(actor, SEND, found.unit):
        raise NotFound
    return found


def access_file(session: Session, actor: Actor, public_id: uuid.UUID) -> ReportFile:
    """A large file one has asked for oneself, as long as one may see the names of its unit. Raises `NotFound`."""
    found = session.scalar(
        select(ReportFile).where(ReportFile.public_id == public_id, ReportFile.asked_by == actor.public_id)
    )
    within = units_within(session, actor, NAMES)
    if found is None or (within is not None and found.unit_id not in within):
        raise NotFound
    return found


def access_course(session: Session, actor: Actor, code: str) -> Briefing:
    """The briefing whose test questions are looked at; the permission holds everywhere or not at all. Or `NotFound`."""
    found = session.scalar(select(Briefing).where(Briefing.code == code)) if actor.everywhere(QUALITY) else None
    if found is None:
        raise NotFound
    return found
