"""Reading whom a briefing reminds today, and who has been reminded."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select
from sqlalchemy.orm import Session

from courses.briefings.models import Standing
from courses.enrolment.models import Assignment, Briefing
from courses.reminders.models import ReminderPlan, ReminderSent
from courses.reminders.rules import STANDARD, WITHOUT, Occasion, Plan, occasion_of, occasions
from lms.accounts.models import Membership, Person, SignInAccount
from lms.clock import start_of_day
from lms.organisation.models import Unit
from lms.organisation.queries import holds_on
from lms.outbox.rules import STUDY


@dataclass(frozen=True, slots=True)
class Reminded:
    """Somebody to be reminded, of what, by which plan; whether the person wants to hear of it outside the pages."""

    person_id: int
    public_id: uuid.UUID
    unit_id: int
    language: str
    wants: bool
    reachable: bool
    plan: Plan
    occasion: Occasion

    @property
    def mailed(self) -> bool:
        """Whether mail goes out too."""
        return self.plan.by_mail and self.reachable and self.wants


def plans_of(session: Session, briefing_ids: Collection[int]) -> dict[int, Plan]:
    """How each of these briefings reminds, in one statement."""
    rows = session.scalars(select(ReminderPlan).where(ReminderPlan.briefing_id.in_(briefing_ids)))
    kept = {row.briefing_id: row for row in rows}
    return {own: plan_in(kept[own]) if own in kept else STANDARD for own in briefing_ids}


def plan_of(session: Session, briefing_id: int) -> Plan:
    """How the briefing reminds."""
    return plans_of(session, [briefing_id])[briefing_id]


def plan_in(row: ReminderPlan) -> Plan:
    """The plan as it is kept, without a 0 among the days after the due date: on that day nothing is late yet."""
    after, above = (tuple(days for days in kept if days > 0) for kept in (row.after, row.above))
    hours = row.from_hour, row.to_hour
    return Plan(tuple(row.before), after, tuple(row.without_due), row.by_mail, *hours, above)


def to_remind(session: Session, briefing: Briefing, plan: Plan, *, today: date) -> list[Reminded]:
    """Whom the briefing reminds today and has not reminded of it yet.

    Nobody who has completed it, is exempt, has no account or was erased.
    """
    return to_remind_in(session, {briefing.id: plan}, today=today).get(briefing.id, [])


def to_remind_in(session: Session, plans: Mapping[int, Plan], *, today: date) -> dict[int, list[Reminded]]:
    """The same of several briefings, in two statements."""
    codes = {one.code for plan in plans.values() for one in occasions(plan, today)}
    told = {
        tuple(row)
        for row in session.execute(
            select(ReminderSent.briefing_id, ReminderSent.person_id, ReminderSent.occasion).where(
                ReminderSent.briefing_id.in_(plans), ReminderSent.occasion.in_(codes)
            )
        )
    }
    found: dict[int, list[Reminded]] = {}
    for row in session.execute(candidates(plans, today)) if plans else ():
        plan = plans[row.briefing_id]
        given_at = max(row.assigned_at, start_of_day(row.since)) if row.since is not None else row.assigned_at
        occasion = occasion_of(plan, row.due_at, given_at, today)
        if occasion is not None and (row.briefing_id, row.id, occasion.code) not in told:
            wants = STUDY not in row.muted
            one = Reminded(row.id, row.public_id, row.unit_id, row.language, wants, bool(row.reachable), plan, occasion)
            found.setdefault(row.briefing_id, []).append(one)
    return found


def candidates(plans: Mapping[int, Plan], today: date) -> Select[*tuple[Any, ...]]:
    """Those of the briefings for whom one of today's occasions may have come, by the day of their due date."""
    alike: dict[Plan, list[int]] = {}
    for briefing_id, plan in plans.items():
        alike.setdefault(plan, []).append(briefing_id)
    days = [
        and_(Standing.briefing_id.in_(ids), or_(false(), *(falls_on(one) for one in occasions(plan, today))))
        for plan, ids in alike.items()
    ]
    return (
        select(
            Person.id,
            Person.public_id,
            Person.language,
            Person.muted,
            Standing.briefing_id,
            Standing.unit_id,
            Standing.due_at,
            Assignment.assigned_at,
            Membership.valid_from.label("since"),
            and_(Person.email.is_not(None), SignInAccount.disabled_at.is_(None)).label("reachable"),
        )
        .select_from(Standing)
        .join(Person, Person.id == Standing.person_id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .join(Assignment, Assignment.id == Standing.assignment_id)
        .outerjoin(Membership, and_(belongs_by(Assignment.tree), holds_on(today, *VALID)))
        .where(Standing.state != "completed", ~Standing.exempt, Person.erased_at.is_(None), or_(*days))
        .order_by(Person.id)
    )


VALID = Membership.valid_from, Membership.valid_to


def belongs_by(tree: Any) -> ColumnElement[bool]:
    """Whether it is where the person of the standing belongs in that tree."""
    return and_(Membership.person_id == Standing.person_id, Membership.tree == tree, Membership.kind == "main")


def falls_on(one: Occasion) -> ColumnElement[bool]:
    """Whether the due date falls on the day of the occasion, or where there is none, that on which it was given.

    It was given to whoever came to the unit later on the day of coming: else they would never hear of it.
    """
    start, end = start_of_day(one.day), start_of_day(one.day + timedelta(days=1))
    if one.kind == WITHOUT:
        that_day = and_(Assignment.assigned_at >= start, Assignment.assigned_at < end)
        came = and_(Membership.valid_from == one.day, Assignment.assigned_at < start)
        return and_(Standing.due_at.is_(None), or_(that_day, came))
    return and_(Standing.due_at >= start, Standing.due_at < end)


def undated(session: Session, briefing_id: int) -> int:
    """How many people of the briefing have no due date, and have not completed it."""
    open_to = (Standing.due_at.is_(None), Standing.state != "completed", ~Standing.exempt)
    query = select(func.count()).select_from(Standing).where(Standing.briefing_id == briefing_id, *open_to)
    return session.scalar(query) or 0


def given_undated(session: Session, briefing_ids: Collection[int]) -> set[int]:
    """Those of these briefings that were given to some unit without a due date."""
    given = (Assignment.due_at.is_(None), Assignment.due_days.is_(None), Assignment.withdrawn_at.is_(None))
    query = select(Assignment.briefing_id).where(Assignment.briefing_id.in_(briefing_ids), *given).distinct()
    return set(session.scalars(query))


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
