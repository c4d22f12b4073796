"""Telling heads each morning: the level above of those who remain, then one mail a person about what is open."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from analytics.chasing import queries
from analytics.chasing.models import DigestPlan, HeadTold
from analytics.chasing.queries import Fallen, Given, Group, Head, Place, Words
from analytics.chasing.rules import ABOVE, DIGEST, Daily, step_line, step_text, unit_text
from lms import clock
from lms.audit.actions import note
from lms.notices.actions import Line, give_notices
from lms.outbox.actions import queue, send_mail
from lms.outbox.rules import UNIT_NEWS, mail_at
from lms.web.wording import moment
from lms.webhooks import rules as webhooks
from lms.webhooks.actions import announce
from lms.webhooks.queries import listening

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
    words, hours = words_of(session, found, ()), queries.daily_plan(session)
    rows = []
    for group, fallen in queries.grouped(found).items():
        for head in of[group[0]]:
            new = [one for one in fallen if one.key(head.person_id) not in told]
            rows += [row_above(one, head, now) for one in new]
            if new:
                notify(session, words, group, new, head, today=clock.day_of(now), hours=hours)
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


def notify(
    session: Session, words: Words, group: Group, new: Sequence[Fallen], head: Head, *, today: date, hours: Daily
) -> None:
    """Give the head a line in the pages, and tell other channels in the hours of mail."""
    place, briefing_id, occasion = group
    step = queries.step_of(words, group, new)
    told = (step_line(step, today, english=False), step_line(step, today, english=True))
    path = words.path(place, briefing_id)
    key = f"{ABOVE} {briefing_id} {place.tree} {place.unit_id} {occasion.code} {today.isoformat()}"
    give_notices(session, {head.person_id: Line(*told, path)}, key=key)
    if head.wants:
        about = {"kind": occasion.kind, "days": occasion.days, "day": occasion.day.isoformat()}
        data = {"person": str(head.public_id), **words.about(place), "briefing": words.code(briefing_id)}
        below = [
            {"unit": str(words.units[one.unit_id][0]), "overdue": one.overdue, "people": one.people} for one in new
        ]
        announce(
            session,
            webhooks.ABOVE,
            {**data, "occasion": about, "units": below, "path": path},
            key=f"{key} {data['person']}",
            hours=hours,
        )


def words_of(session: Session, found: Sequence[Fallen], places: Sequence[tuple[Place, int]]) -> Words:
    """What all of these are called."""
    units = {place.unit_id for place, _ in places}
    units |= {unit_id for one in found for unit_id in (one.unit_id, one.above.unit_id)}
    briefings = {one.briefing_id for one in found} | {briefing_id for _, briefing_id in places}
    return queries.words_for(session, units, briefings)


def tell_heads(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The handler of `digests`: one mail to each of these who has something open and wants to hear of the unit."""
    now, today = clock.now(), clock.today()
    if (at := waits(session, payload, now)) != now:
        return at
    channels = bool(listening(session, webhooks.DIGEST))
    known = queries.heads(session, on=today, people=payload["people"])
    known = [one for one in known if one.mailed or (channels and one.wants)]
    told = queries.already_told(session, {digest_key(one, today) for one in known})
    due = [one for one in known if digest_key(one, today) not in told]
    found, hours = morning_of(session, due, now), queries.daily_plan(session)
    for head in due:
        text = found.text(head)
        if text and head.mailed:
            mail(session, head, text, now, hours)
        if text and channels:
            told_key = f"{digest_key(head, today)} {head.public_id}"
            announce(session, webhooks.DIGEST, found.data(head), key=told_key, hours=hours)
        if text:
            session.add(digest_row(head, now))
    return None


def mail(session: Session, head: Head, text: str, now: datetime, hours: Daily) -> None:
    """Queue the mail of the day."""
    english = head.language == "en"
    send_mail(
        session,
        head.person_id,
        subject="Briefings of your unit today" if english else "Học tập, quán triệt của đơn vị hôm nay",
        template=f"analytics.chasing/digest.{'en' if english else 'vi'}.txt",
        topic=UNIT_NEWS,
        values={"text": text, "at": moment(now)},
        hours=hours,
        of_today=True,
        key=digest_key(head, clock.day_of(now)),
    )


def digest_key(head: Head, day: date) -> str:
    """By which it is known that the head was told that day."""
    return f"{DIGEST} {day.isoformat()} {head.person_id}"


def digest_row(head: Head, now: datetime) -> HeadTold:
    """That the head got the mail of the day, or was told by another channel."""
    day = clock.day_of(now)
    unit_id, tree = head.places[0]
    about: dict[str, Any] = {"above_id": unit_id, "tree": tree, "occasion": "", "overdue": 0, "people": 0}
    key, person_id = digest_key(head, day), head.person_id
    return HeadTold(key=key, kind=DIGEST, person_id=person_id, day=day, mailed=head.mailed, sent_at=now, **about)


@dataclass(frozen=True, slots=True)
class Morning:
    """What some heads are told today: what is open at their places, and what they were told of units below."""

    day: date
    words: Words
    opened: Mapping[Place, Sequence[Given]]
    above: Mapping[int, Sequence[Fallen]]

    def text(self, head: Head) -> str:
        """The words of the mail; "" when there is nothing to say."""
        english = head.language == "en"
        parts = []
        if steps := queries.grouped(self.above.get(head.person_id, ())):
            heading = "Still overdue in units below" if english else "Quá hạn ở đơn vị trực thuộc, báo cấp trên"
            texts = [step_text(queries.step_of(self.words, *one), self.day, english=english) for one in steps.items()]
            parts.append("\n".join([heading, *texts]))
        for place in head.places:
            if place in self.opened:
                given = queries.open_of(self.words, place, self.opened[place])
                parts.append(unit_text(self.words.units[place.unit_id][1], given, self.day, english=english))
        return "\n\n".join(parts)

    def data(self, head: Head) -> dict[str, Any]:
        """The same for other channels: public ids and figures."""
        units = [self.unit_data(place, self.opened[place]) for place in head.places if place in self.opened]
        return {"person": str(head.public_id), "day": self.day.isoformat(), "units": units}

    def unit_data(self, place: Place, given: Sequence[Given]) -> dict[str, Any]:
        """What is open in a unit."""
        briefings = [
            {
                "briefing": self.words.code(briefing_id),
                **{name: getattr(count, name) for name in ("people", "briefed", "completed", "overdue")},
                "due": clock.day_of(due_at).isoformat() if due_at is not None else None,
                "undated": undated,
                "path": self.words.path(place, briefing_id),
            }
            for briefing_id, count, due_at, undated in given
        ]
        return {**self.words.about(place), "briefings": briefings}


def morning_of(session: Session, known: Sequence[Head], now: datetime) -> Morning:
    """What these heads are told today."""
    places = {place for head in known for place in head.places}
    opened = queries.open_below(session, places, now=now) if queries.daily_plan(session).daily else {}
    above = queries.told_above(session, [one.person_id for one in known], clock.day_of(now))
    told = [one for rows in above.values() for one in rows]
    words = words_of(session, told, [(place, row[0]) for place, given in opened.items() for row in given])
    return Morning(clock.day_of(now), words, opened, above)


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
