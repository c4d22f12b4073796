"""Telling heads each morning: the level above of those who remain, then one mail a person about what is open."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from analytics.chasing import queries
from analytics.chasing.models import DigestPlan, HeadTold
from analytics.chasing.queries import Fallen, Group, Head, Place, Words
from analytics.chasing.rules import ABOVE, DIGEST, Daily, step_line, step_text, unit_text
from courses.reminders.rules import mail_at
from lms import clock
from lms.audit.actions import note
from lms.notices.actions import Line, give_notices
from lms.outbox.actions import queue, send_mail
from lms.outbox.rules import UNIT_NEWS
from lms.web.wording import moment

CHASE, HEADS = "chase", "digests"
AT_ONCE = 50
"""So many heads are told in one transaction: nobody who clicks waits long for it."""


def plan_the_morning(session: Session, now: datetime) -> None:
    """At night: the morning's job, for the first hour in which mail goes out; on however many hosts, once."""
    today = clock.day_of(now).isoformat()
    queue(session, CHASE, {"day": today}, due_at=mail_at(queries.daily_plan(session), now), key=f"{CHASE} {today}")


def chase(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The handler of `chase`: tell the level above, then a job for some heads at a time."""
    now, today = clock.now(), clock.today()
    if (at := waits(session, payload, now)) != now:
        return at
    known = queries.heads(session, on=today)
    tell_above(session, known, now)
    for start in range(0, len(known), AT_ONCE):
        people = [one.person_id for one in known[start : start + AT_ONCE]]
        key = f"{HEADS} {today.isoformat()} {people[0]}"
        queue(session, HEADS, {"day": today.isoformat(), "people": people}, key=key)
    return None


def waits(session: Session, payload: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the job of that day may go on: now, at the first hour of mail, or never (None), for its day has passed."""
    if payload["day"] != clock.day_of(now).isoformat():
        return None
    return mail_at(queries.daily_plan(session), now)


def tell_above(session: Session, known: Sequence[Head], now: datetime) -> None:
    """Tell heads, once on each occasion, which units below theirs still have people overdue."""
    of = queries.by_place(known)
    found = queries.fallen(session, of.keys(), now=now)
    told = queries.already_told(session, {one.key(head.person_id) for one in found for head in of[one.above]})
    words = words_of(session, found, ())
    rows = []
    for group, fallen in queries.grouped(found).items():
        for head in of[group[0]]:
            new = [one for one in fallen if one.key(head.person_id) not in told]
            rows += [row_above(one, head, now) for one in new]
            if new:
                notify(session, words, group, new, head, clock.day_of(now))
    if rows:
        session.execute(insert(HeadTold), rows)


def row_above(one: Fallen, head: Head, now: datetime) -> dict[str, Any]:
    """That this head was told of this unit."""
    return {
        "key": one.key(head.person_id),
        "kind": ABOVE,
        "person_id": head.person_id,
        "day": clock.day_of(now),
        "briefing_id": one.briefing_id,
        "above_id": one.above.unit_id,
        "unit_id": one.unit_id,
        "tree": one.above.tree,
        "occasion": one.occasion.code,
        "overdue": one.overdue,
        "people": one.people,
        "mailed": head.mailed,
        "sent_at": now,
    }


def notify(session: Session, words: Words, group: Group, new: Sequence[Fallen], head: Head, today: date) -> None:
    """Give the head a line in the pages."""
    place, briefing_id, occasion = group
    step = queries.step_of(words, group, new)
    told = (step_line(step, today, english=False), step_line(step, today, english=True))
    key = f"{ABOVE} {briefing_id} {place.tree} {place.unit_id} {occasion.code} {today.isoformat()}"
    give_notices(session, {head.person_id: Line(*told, words.path(place, briefing_id))}, key=key)


def words_of(session: Session, found: Sequence[Fallen], places: Sequence[tuple[Place, int]]) -> Words:
    """What all of these are called."""
    units = (
        {one.unit_id for one in found} | {one.above.unit_id for one in found} | {place.unit_id for place, _ in places}
    )
    briefings = {one.briefing_id for one in found} | {briefing_id for _, briefing_id in places}
    return queries.words_for(session, units, briefings)


def tell_heads(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The handler of `digests`: one mail to each of these who has something open and gets mail about the unit."""
    now, today = clock.now(), clock.today()
    if (at := waits(session, payload, now)) != now:
        return at
    known = [one for one in queries.heads(session, on=today, people=payload["people"]) if one.mailed]
    told = queries.already_told(session, {digest_key(one, today) for one in known})
    due = [one for one in known if digest_key(one, today) not in told]
    for head, text in digests(session, due, now):
        english = head.language == "en"
        send_mail(
            session,
            head.person_id,
            subject="Briefings of your unit today" if english else "Học tập, quán triệt của đơn vị hôm nay",
            template=f"analytics.chasing/digest.{'en' if english else 'vi'}.txt",
            topic=UNIT_NEWS,
            values={"text": text, "at": moment(now)},
            key=digest_key(head, today),
        )
        session.add(digest_row(head, now))
    return None


def digest_key(head: Head, day: date) -> str:
    """By which it is known that the head was told that day."""
    return f"{DIGEST} {day.isoformat()} {head.person_id}"


def digest_row(head: Head, now: datetime) -> HeadTold:
    """That the head got the mail of the day."""
    day = clock.day_of(now)
    about: dict[str, Any] = {"tree": "", "occasion": "", "overdue": 0, "people": 0}
    key, person_id = digest_key(head, day), head.person_id
    return HeadTold(key=key, kind=DIGEST, person_id=person_id, day=day, mailed=True, sent_at=now, **about)


def digests(session: Session, known: Sequence[Head], now: datetime) -> list[tuple[Head, str]]:
    """What each of these heads is told today; who has nothing open is left out."""
    today, daily = clock.day_of(now), queries.daily_plan(session).daily
    places = {place for head in known for place in head.places}
    opened = queries.open_below(session, places, now=now) if daily else {}
    above = queries.told_above(session, [one.person_id for one in known], today)
    told = [one for rows in above.values() for one in rows]
    words = words_of(session, told, [(place, row[0]) for place, given in opened.items() for row in given])
    found = []
    for head in known:
        english = head.language == "en"
        parts = [
            unit_text(words.units[one.unit_id][1], queries.open_of(words, one, opened[one]), today, english=english)
            for one in head.places
            if one in opened
        ]
        steps = queries.grouped(above.get(head.person_id, ()))
        if steps:
            heading = "Still overdue in units below" if english else "Quá hạn ở đơn vị trực thuộc, báo cấp trên"
            texts = [step_text(queries.step_of(words, *one), today, english=english) for one in steps.items()]
            parts.insert(0, "\n".join([heading, *texts]))
        if parts:
            found.append((head, "\n\n".join(parts)))
    return found


def keep_plan(session: Session, plan: Daily, *, by: uuid.UUID) -> None:
    """From tomorrow on heads get their mail so."""
    row = session.get(DigestPlan, 1)
    values = {"daily": plan.daily, "from_hour": plan.from_hour, "to_hour": plan.to_hour}
    if row is None:
        session.add(DigestPlan(id=1, **values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
    note(session, "digest.plan", actor=by, object_kind="digest_plan", object_id="daily", **values)
