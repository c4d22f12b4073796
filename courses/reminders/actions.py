"""Reminding: each night a job for each briefing, which gives notices and queues mail, some people at a time."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from courses.briefings.queries import titles_of
from courses.enrolment.models import Briefing
from courses.reminders import queries
from courses.reminders.models import ReminderPlan, ReminderSent
from courses.reminders.queries import Reminded
from courses.reminders.rules import AFTER, BEFORE, Occasion, Plan
from lms import clock
from lms.audit.actions import note
from lms.notices.actions import Line, give_notices
from lms.outbox.actions import queue, send_mail
from lms.outbox.rules import STUDY
from lms.webhooks.actions import announce
from lms.webhooks.rules import REMINDER

REMIND = "remind"
AT_ONCE = 200
"""So many people are reminded in one transaction: nobody who clicks waits long for it."""


def plan_the_night(session: Session, now: datetime) -> None:
    """What the night does: a job for each briefing that is not closed."""
    today = clock.day_of(now)
    for briefing in session.scalars(queries.open_briefings()):
        queue(session, REMIND, {"briefing_id": briefing.id}, key=f"{REMIND} {briefing.id} {today.isoformat()}")


def remind(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The handler of `remind`: the next people of the briefing; called again until nobody is left."""
    now = clock.now()
    briefing = session.get_one(Briefing, payload["briefing_id"])
    if briefing.closed_at is not None:
        return None
    plan = queries.plan_of(session, briefing.id)
    people = queries.to_remind(session, briefing, plan, today=clock.day_of(now))
    send(session, briefing, plan, people[:AT_ONCE], now)
    return now if len(people) > AT_ONCE else None


def send(session: Session, briefing: Briefing, plan: Plan, people: Sequence[Reminded], now: datetime) -> None:
    """Note that these people are reminded, give each a line, and queue the mails."""
    if not people:
        return
    rows = [
        {"briefing_id": briefing.id, "person_id": one.person_id, "occasion": one.occasion.code, "mailed": one.mailed}
        for one in people
    ]
    session.execute(insert(ReminderSent), [{**row, "sent_at": now} for row in rows])
    title, title_en = titles_of(session, [briefing])[briefing.id]
    names = title, title_en or title
    path = f"/courses/{briefing.course.code}"
    for occasion in sorted({one.occasion for one in people}, key=lambda one: one.code):
        line = Line(*words(occasion, *names, today=clock.day_of(now)), path)
        whom = [one.person_id for one in people if one.occasion == occasion]
        give_notices(session, dict.fromkeys(whom, line), key=f"{REMIND} {briefing.id} {occasion.code}")
        tell_channels(session, briefing, plan, occasion, people)
    for one in people:
        if one.mailed:
            mail(session, briefing, plan, one, names, path, now)


def tell_channels(
    session: Session, briefing: Briefing, plan: Plan, occasion: Occasion, people: Sequence[Reminded]
) -> None:
    """Tell other channels who is reminded on the occasion, by public ids, within the hours of the plan.

    Whoever wants no mail about study is not among them.
    """
    whom = [str(one.public_id) for one in people if one.occasion == occasion and one.wants]
    if not whom:
        return
    about = {"kind": occasion.kind, "days": occasion.days, "day": occasion.day.isoformat()}
    data = {"briefing": briefing.code, "occasion": about, "people": whom, "path": f"/courses/{briefing.course.code}"}
    key = f"{REMIND} {briefing.id} {occasion.code} {whom[0]}"
    announce(session, REMINDER, data, key=key, hours=plan)


def mail(
    session: Session, briefing: Briefing, plan: Plan, one: Reminded, names: tuple[str, str], path: str, now: datetime
) -> None:
    """Queue the mail for one person, within the hours of the plan."""
    english = one.language == "en"
    text, text_en = words(one.occasion, *names, today=clock.day_of(now))
    send_mail(
        session,
        one.person_id,
        subject="Reminder of study" if english else "Nhắc học tập, quán triệt",
        template=f"courses.reminders/reminder.{'en' if english else 'vi'}.txt",
        topic=STUDY,
        values={"text": text_en if english else text, "path": path},
        hours=plan,
        key=f"{REMIND} {briefing.id} {one.person_id} {one.occasion.code}",
    )


def words(occasion: Occasion, title: str, title_en: str, *, today: date) -> tuple[str, str]:
    """What somebody is told on an occasion, in Vietnamese and English: of today, also where a night was missed."""
    day, n = f"{occasion.day:%d/%m/%Y}", abs((occasion.day - today).days)
    if occasion.kind == BEFORE and n == 0:
        return f"Hôm nay, {day}, là hạn hoàn thành “{title}”.", f"“{title_en}” is due today, {day}."
    if occasion.kind == BEFORE:
        return f"“{title}”: còn {n} ngày, hạn hoàn thành {day}.", f"“{title_en}” is due in {n} days, on {day}."
    if occasion.kind == AFTER:
        return f"“{title}”: đã quá hạn {n} ngày (hạn {day}).", f"“{title_en}” is {n} days overdue (due {day})."
    given = f"được giao ngày {day}, không đặt hạn, chưa hoàn thành"
    return f"“{title}”: {given}.", f"“{title_en}”: assigned on {day} without a due date, not completed yet."


def keep_plan(session: Session, briefing: Briefing, plan: Plan, *, by: uuid.UUID) -> None:
    """From tonight on the briefing reminds so."""
    row = session.get(ReminderPlan, briefing.id)
    values = {
        "before": sorted(plan.before, reverse=True),
        "after": sorted(plan.after),
        "without_due": sorted(plan.without_due),
        "by_mail": plan.by_mail,
        "from_hour": plan.from_hour,
        "to_hour": plan.to_hour,
        "above": sorted(plan.above),
    }
    if row is None:
        session.add(ReminderPlan(briefing_id=briefing.id, **values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
    note(session, "reminder.plan", actor=by, object_kind="briefing", object_id=briefing.public_id, **values)
