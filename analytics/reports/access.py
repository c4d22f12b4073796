"""Which reports somebody may read, make, send up, accept, take out with names. What one may not see does not exist."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from analytics.facts.access import access_counted, with_those_before
from analytics.facts.projection import Structure
from analytics.facts.queries import given_to, opened_first, recalled
from analytics.reports.models import ReportFile, ReportSchedule, ReportSnapshot, ReportSubmission
from analytics.reports.queries import Subject, category_of, decider, subject, submissions_waiting
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.access import access_unit
from lms.accounts.queries import people_counted_in
from lms.clock import day_of
from lms.organisation.access import units_within
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.projection import in_place_of
from lms.organisation.queries import subtree
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
    wanted: Structure | None = None,
) -> Subject:
    """The unit with the briefing of that code, or the one its pages open on; somebody must be on its roll. Or
    `NotFound`.

    `wanted`: what figures are asked of (None: of now, by today's state tree), as on dashboards.
    """
    asked = wanted or Structure(day_of(now))
    unit, _then, counted = access_counted(session, actor, permission, unit_id, asked)
    structure = counted if counted.then or counted.anew else None
    given = given_to(session, unit.id, counted)
    if not code and len(given) > 1:
        code = opened_first(session, unit.id, counted, now=counted.until or now)
    chosen = next((row.id for row in given if code in (None, "", row.code)), None)
    if chosen is None:
        raise NotFound
    found = subject(session, unit, chosen, now=now, structure=structure, given=given)
    if found is None:
        raise NotFound
    return found


def to_keep(session: Session, of: Subject) -> Subject:
    """The same for everybody who sees the unit: by another structure those count who are counted there today.

    What one keeps is read by others too: whoever keeps it, nobody is in it whom these may not look at any more, and
    units tell of themselves that stand there today. What is kept of a staff category is read by those alone who may
    see names (`access_snapshot`).
    """
    if not of.by.then:
        return of
    unit = in_place_of(session, session.get_one(Unit, of.unit.id), on=day_of(of.now))
    return replace(of, structure=within_units(session, of.by, (unit.id,), on=day_of(of.now)))


def within_units(session: Session, structure: Structure, unit_ids: Sequence[int], *, on: date) -> Structure:
    """By the structure those who are counted that day in these units and below, and what stands there tells itself."""
    people = people_counted_in(unit_ids, on=on, later=False, tree=structure.tree).correlate(None)
    below = session.scalars(union_all(*(subtree(one, on=on, tree=structure.tree) for one in unit_ids)))
    return replace(structure, people=people, seen=with_those_before(session, below))


def wish_of(of: Subject, actor: Actor) -> dict[str, Any]:
    """What the worker must know to make a file by the structure its reader asked for, of the people of that scope."""
    if of.structure is None:
        return {}
    by, until = of.by, of.by.until.isoformat() if of.by.until is not None else None
    within = None if actor.everywhere(NAMES) else list(actor.unit_ids(NAMES, by.tree))
    asked = {"on": by.on.isoformat(), "tree": by.tree, "then": by.then, "category": by.category, "until": until}
    return {"structure": asked, "within": within}


def wished(wish: Mapping[str, Any]) -> Structure | None:
    """What figures such a file was asked of; None: of the moment, by the state tree."""
    asked = wish.get("structure")
    if asked is None:
        return None
    until = datetime.fromisoformat(asked["until"]) if asked["until"] else None
    day = date.fromisoformat(asked["on"])
    return Structure(day, asked["tree"], asked["then"], category=asked["category"], until=until)


def wished_for(session: Session, wish: Mapping[str, Any], *, on: date) -> Structure | None:
    """The same, with those who are counted that day where its reader might see names."""
    structure, within = wished(wish), wish.get("within")
    structure = recalled(session, structure) if structure is not None else None
    if structure is None or not structure.then or within is None:
        return structure
    return within_units(session, structure, within, on=on)


def subject_of(session: Session, one: ReportSchedule, *, now: datetime) -> Subject | None:
    """What a mail by schedule tells those who head the unit in its tree: of whom it has there today, and below."""
    today, structure = day_of(now), None
    if one.tree != STATE_TREE:
        structure = within_units(session, Structure(today, one.tree, then=True), (one.unit_id,), on=today)
    return subject(session, one.unit, one.briefing_id, now=now, structure=structure)


def answers_for(actor: Actor, permission: str, unit: Unit, tree: str = STATE_TREE) -> bool:
    """Whether the permission was given over this very unit, and not merely over one above; or everywhere."""
    return actor.everywhere(permission) or unit.id in actor.unit_ids(permission, tree)


def access_own(session: Session, actor: Actor, permission: str, unit_id: uuid.UUID, *, tree: str = STATE_TREE) -> Unit:
    """The unit, for whoever answers for it in that tree: its head, deputy or administrator. Raises `NotFound`."""
    unit = access_unit(session, actor, permission, unit_id, tree=tree)
    if not answers_for(actor, permission, unit, tree):
        raise NotFound
    return unit


def access_snapshot(session: Session, actor: Actor, public_id: uuid.UUID) -> ReportSnapshot:
    """A report that was kept, of a unit in one's scope; a list of names, and figures of a staff category, only for who
    may see names. Or `NotFound`.
    """
    found = session.scalar(select(ReportSnapshot).where(ReportSnapshot.public_id == public_id))
    if found is None or not may_read(session, actor, found):
        raise NotFound
    return found


def may_read(session: Session, actor: Actor, kept: ReportSnapshot) -> bool:
    """Whether somebody may read what was kept."""
    within = units_within(session, actor, NAMES if kept.form == LIST or category_of(kept.period) else FIGURES)
    return within is None or kept.unit_id in within


def access_submission(session: Session, actor: Actor, public_id: uuid.UUID) -> ReportSubmission:
    """A report about which a unit one answers for decides: to be accepted or returned. Raises `NotFound`."""
    found = session.scalar(select(ReportSubmission).where(ReportSubmission.public_id == public_id))
    if found is None or not answers_for(actor, ACCEPT, decider(session, found, on=clock.today())):
        raise NotFound
    return found


def waiting_for(session: Session, actor: Actor) -> Sequence[ReportSubmission]:
    """What waits for a decision of units one answers for, the longest first; one statement."""
    units = None if actor.everywhere(ACCEPT) else actor.unit_ids(ACCEPT)
    return session.scalars(submissions_waiting(units, on=clock.today())).all()


def access_schedule(session: Session, actor: Actor, public_id: uuid.UUID) -> ReportSchedule:
    """A schedule of mail of a unit one answers for. Raises `NotFound`."""
    found = session.scalar(select(ReportSchedule).where(ReportSchedule.public_id == public_id))
    if found is None or not answers_for(actor, SEND, found.unit, found.tree):
        raise NotFound
    return found


def access_file(session: Session, actor: Actor, public_id: uuid.UUID) -> ReportFile:
    """A large file one has asked for oneself, as long as one may see the names of its unit, or of all in whose place
    it stands by the structure of the file. Raises `NotFound`.
    """
    found = session.scalar(
        select(ReportFile).where(ReportFile.public_id == public_id, ReportFile.asked_by == actor.public_id)
    )
    if found is None:
        raise NotFound
    asked = wished(found.wish) or Structure(clock.today())
    access_counted(session, actor, NAMES, found.unit.public_id, asked)
    return found


def access_course(session: Session, actor: Actor, code: str) -> Briefing:
    """The briefing whose test questions are looked at; the permission holds everywhere or not at all. Or `NotFound`."""
    found = session.scalar(select(Briefing).where(Briefing.code == code)) if actor.everywhere(QUALITY) else None
    if found is None:
        raise NotFound
    return found
