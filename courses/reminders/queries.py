"""Reading whom a briefing reminds today, and who has been reminded."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select
from sqlalchemy.orm import Session

from courses.briefings.models import Standing
from courses.enrolment.models import Assignment, Briefing
from courses.reminders.models import ReminderPlan, ReminderSent
from courses.reminders.rules import STANDARD, WITHOUT, Occasion, Plan, occasion_of, occasions
from lms.accounts.models import Person, SignInAccount
from lms.clock import end_of_day
from lms.organisation.models import Unit
from lms.outbox.rules import STUDY


@dataclass(frozen=True, slots=True)
class Reminded:
    """Somebody to be reminded, of what, and whether mail reaches the person."""

    person_id: int
    unit_id: int
    language: str
    mailed: bool
    occasion: Occasion


def plans_of(session: Session, briefing_ids: Collection[int]) -> dict[int, Plan]:
    """How each of these briefings reminds, in one statement."""
    rows = session.scalars(select(ReminderPlan).where(ReminderPlan.briefing_id.in_(briefing_ids)))
    kept = {row.briefing_id: row for row in rows}
    return {own: plan_in(kept[own]) if own in kept else STANDARD for own in briefing_ids}


def plan_of(session: Session, briefing_id: int) -> Plan:
    """How the briefing reminds."""
    return plans_of(session, [briefing_id])[briefing_id]


def plan_in(row: ReminderPlan) -> Plan:
    days = (tuple(row.before), tuple(row.after), tuple(row.without_due))
    return Plan(*days, row.by_mail, row.from_hour, row.to_hour)


def to_remind(session: Session, briefing: Briefing, plan: Plan, *, today: date) -> list[Reminded]:
    """Whom the briefing reminds today and has not reminded of it yet, in one statement.

    Nobody who has completed it, is exempt, has no account or was erased.
    """
    told = {
        (row.person_id, row.occasion)
        for row in session.execute(
            select(ReminderSent.person_id, ReminderSent.occasion).where(
                ReminderSent.briefing_id == briefing.id,
                ReminderSent.occasion.in_({one.code for one in occasions(plan, today)}),
            )
        )
    }
    found = []
    for row in session.execute(candidates(briefing.id, plan, today)):
        occasion = occasion_of(plan, row.due_at, row.assigned_at, today)
        if occasion is not None and (row.id, occasion.code) not in told:
            mailed = plan.by_mail and row.reachable and STUDY not in row.muted
            found.append(Reminded(row.id, row.unit_id, row.language, mailed, occasion))
    return found


def candidates(briefing_id: int, plan: Plan, today: date) -> Select[*tuple[Any, ...]]:
    """Those of the briefing for whom one of today's occasions may have come, by the day of their due date."""
    return (
        select(
            Person.id,
            Person.language,
            Person.muted,
            Standing.unit_id,
            Standing.due_at,
            Assignment.assigned_at,
            and_(Person.email.is_not(None), SignInAccount.disabled_at.is_(None)).label("reachable"),
        )
        .select_from(Standing)
        .join(Person, Person.id == Standing.person_id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .join(Assignment, Assignment.id == Standing.assignment_id)
        .where(
            Standing.briefing_id == briefing_id,
            Standing.state != "completed",
            ~Standing.exempt,
            Person.erased_at.is_(None),
            or_(false(), *(falls_on(one) for one in occasions(plan, today))),
        )
        .order_by(Person.id)
    )


def falls_on(one: Occasion) -> ColumnElement[bool]:
    """Whether the due date, or where there is none the assignment, falls on the day of the occasion."""
    start, end = end_of_day(one.day - timedelta(days=1)), end_of_day(one.day)
    if one.kind == WITHOUT:
        return and_(Standing.due_at.is_(None), Assignment.assigned_at > start, Assignment.assigned_at <= end)
    return and_(Standing.due_at > start, Standing.due_at <= end)


def open_briefings() -> Select[Briefing]:
    """Briefings that are not closed, the latest first."""
    return select(Briefing).where(Briefing.closed_at.is_(None)).order_by(Briefing.opened_at.desc(), Briefing.id.desc())


def numbers_sent(*, since: datetime) -> Select[int, int, int]:
    """For each briefing, how many were reminded since then, and how many of them by mail."""
    mailed = func.coalesce(func.sum(case((ReminderSent.mailed, 1), else_=0)), 0)
    return (
        select(ReminderSent.briefing_id, func.count(), mailed)
        .where(ReminderSent.sent_at >= since)
        .group_by(ReminderSent.briefing_id)
    )


def sent(briefing_id: int) -> Select[*tuple[Any, ...]]:
    """Who was reminded of what and when, the latest first: name, unit, occasion, mailed, sent_at."""
    return (
        select(
            Person.full_name, Unit.name.label("unit"), ReminderSent.occasion, ReminderSent.mailed, ReminderSent.sent_at
        )
        .join(Person, Person.id == ReminderSent.person_id)
        .outerjoin(
            Standing,
            and_(Standing.person_id == ReminderSent.person_id, Standing.briefing_id == ReminderSent.briefing_id),
        )
        .outerjoin(Unit, Unit.id == Standing.unit_id)
        .where(ReminderSent.briefing_id == briefing_id)
        .order_by(ReminderSent.id.desc())
    )
