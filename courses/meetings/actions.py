"""Sittings and points, what a host says of people, and how it is corrected. Every entry is a statement of ours."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from courses.briefings.models import BriefingSession, MeetingPoint
from courses.briefings.queries import told_of
from courses.briefings.statements import Told, was_seen
from courses.enrolment.models import Briefing
from courses.learning.queries import people_by_account
from courses.meetings import queries
from courses.meetings.models import PointCheckIn
from courses.meetings.queries import OnList
from courses.meetings.rules import THERE, arrival, moment_of, not_yet, step
from courses.meetings.statements import taken_back
from lms import clock
from lms.audit.actions import note
from lms.db import config_of, lock_people, remember
from lms.organisation.models import Unit
from lms.web.acting import Actor
from lms.xapi.actions import ourselves, record
from lms.xapi.models import XapiActivity
from lms.xapi.vocabulary import point_iri

STEMS = {"conference": "hoi-nghi", "make_up": "hoc-bu"}
POINT, SITTING = "meeting_point", "briefing_session"


class RollClosed(ValueError):
    """The point has reported: its roll is opened again before anything is entered."""


class NotYet(RollClosed):
    """The day of the sitting has not come. Who is known to be away on it is decided about (`enrolment.decide`)."""


class Superseded(ValueError):
    """What was to be corrected stands no longer: somebody corrected it before."""


class MainTaken(ValueError):
    """The sitting has a main point already."""


class InUse(ValueError):
    """Somebody was seen at the point, so it stays."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A host says this of somebody, so many seconds ago."""

    person: uuid.UUID
    state: str
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mark (`rules.step`, or unknown: nobody of this point), and what stands now."""

    person: uuid.UUID
    result: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Sitting:
    """What an organiser says of a sitting."""

    kind: str
    title: str
    starts_at: datetime
    ends_at: datetime


def make_sitting(session: Session, briefing: Briefing, wanted: Sitting, *, by: uuid.UUID) -> BriefingSession:
    """A sitting of the briefing; when there is one like it already, that one."""
    session.execute(select(Briefing.id).where(Briefing.id == briefing.id).with_for_update())
    there = session.scalars(select(BriefingSession).where(BriefingSession.briefing_id == briefing.id)).all()
    like = (wanted.kind, wanted.title, wanted.starts_at)
    same = next((one for one in there if (one.kind, one.title, one.starts_at) == like), None)
    if same is not None:
        return same
    taken, number = {one.code for one in there}, 1
    while (code := f"{STEMS[wanted.kind]}-{number}") in taken:
        number += 1
    made = BriefingSession(
        public_id=uuid.uuid4(),
        briefing_id=briefing.id,
        code=code,
        title=wanted.title,
        kind=wanted.kind,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
    )
    session.add(made)
    what = {"briefing": briefing.code, "code": code, "kind": wanted.kind}
    note(session, "sitting.make", actor=by, object_kind=SITTING, object_id=made.public_id, **what)
    return made


def change_sitting(session: Session, sitting: BriefingSession, wanted: Sitting, *, by: uuid.UUID) -> None:
    """Another title or another time. What kind it is stays: people were counted by it."""
    before = (sitting.title, sitting.starts_at.isoformat(), sitting.ends_at.isoformat())
    sitting.title, sitting.starts_at, sitting.ends_at = wanted.title, wanted.starts_at, wanted.ends_at
    after = (wanted.title, wanted.starts_at.isoformat(), wanted.ends_at.isoformat())
    changes = dict(zip(("title", "starts_at", "ends_at"), zip(before, after, strict=True), strict=True))
    note(session, "sitting.change", actor=by, object_kind=SITTING, object_id=sitting.public_id, changes=changes)


def make_points(
    session: Session, sitting: BriefingSession, units: Sequence[Unit], *, main: bool = False, by: uuid.UUID
) -> list[MeetingPoint]:
    """A point for each of these units that has none yet in the sitting. Raises `MainTaken`."""
    session.execute(select(BriefingSession.id).where(BriefingSession.id == sitting.id).with_for_update())
    there = session.scalars(select(MeetingPoint).where(MeetingPoint.session_id == sitting.id)).all()
    if main and any(one.main for one in there):
        raise MainTaken
    seated, codes = {one.unit_id for one in there}, {one.code for one in there}
    made = []
    for unit in units:
        if unit.id in seated and not main:
            continue
        code, number = unit.code, 1
        while code in codes:
            number += 1
            code = f"{unit.code}-{number}"
        codes.add(code)
        made.append(
            MeetingPoint(
                public_id=uuid.uuid4(), session_id=sitting.id, code=code, name=unit.name, main=main, unit_id=unit.id
            )
        )
    session.add_all(made)
    if made:
        what = {"points": [str(one.public_id) for one in made][:200], "number": len(made)}
        note(session, "point.make", actor=by, object_kind=SITTING, object_id=sitting.public_id, **what)
    return made


def change_point(session: Session, point: MeetingPoint, *, name: str, main: bool, by: uuid.UUID) -> None:
    """Another name; main or not. Raises `MainTaken`."""
    others = select(MeetingPoint.id).where(
        MeetingPoint.session_id == point.session_id, MeetingPoint.main, MeetingPoint.id != point.id
    )
    if main and session.scalar(others) is not None:
        raise MainTaken
    changes = {"main": (point.main, main), "name": (point.name, name)}
    point.name, point.main = name, main
    note(session, "point.change", actor=by, object_kind=POINT, object_id=point.public_id, changes=changes)


def name_host(session: Session, point: MeetingPoint, host: uuid.UUID | None, *, by: uuid.UUID) -> None:
    """From now on this person takes the roll of the point; None: nobody by name."""
    changes = {"host": (str(point.host or ""), str(host or ""))}
    point.host = host
    note(session, "point.host", actor=by, object_kind=POINT, object_id=point.public_id, changes=changes)


def remove_point(session: Session, point: MeetingPoint, *, by: uuid.UUID) -> None:
    """Take away a point of which nothing was ever stated, not even by mistake: statements stay. Raises `InUse`."""
    sitting = point.session
    iri = point_iri(config_of(session).iri_base, sitting.briefing.code, sitting.code, point.code)
    stated = session.scalar(select(XapiActivity.id).where(XapiActivity.iri == iri))
    if stated is not None or point.reported_at is not None:
        raise InUse
    note(session, "point.remove", actor=by, object_kind=POINT, object_id=point.public_id, code=point.code)
    session.execute(delete(PointCheckIn).where(PointCheckIn.point_id == point.id))
    session.delete(point)


def hold(session: Session, point: MeetingPoint, *, to_close: bool = False) -> None:
    """Read the point anew, and keep others from closing its roll (`to_close`: from entering anything) until the end.

    Always before people are locked, so that nobody waits in a circle. Raises `RollClosed`.
    """
    if to_close or not queries.is_held(session, point):
        session.refresh(point, ["reported_at", "headcount"], with_for_update={"read": not to_close})
    if point.reported_at is not None:
        raise RollClosed


def hold_open(session: Session, point: MeetingPoint, *, to_close: bool = False) -> None:
    """The same for whoever enters what is seen at the sitting. Raises `NotYet` before its day, too."""
    hold(session, point, to_close=to_close)
    if not_yet(clock.now(), point.session.starts_at):
        raise NotYet


def said_of(told: Told, point: MeetingPoint, person: uuid.UUID, state: str, at: datetime, host: uuid.UUID) -> Any:
    """The sentence of a host about somebody at the point."""
    place = {"session": point.session.code, "point": point.code, "name": point.name}
    return was_seen(told, person, **place, state=state, at=at, host=host)


def take(session: Session, point: MeetingPoint, marks: Iterable[Mark], *, by: uuid.UUID) -> list[Outcome]:
    """State what the host has seen; what stands already is not said again. Raises `RollClosed`.

    Sent twice it is said once. Whatever else is known of somebody is left as it is, and the outcome tells so.
    """
    hold_open(session, point)
    wanted = {one.person: one for one in marks}
    found, statements = judged(session, point, wanted, by=by)
    if statements:
        record(session, statements, source=ourselves(session))
        states = [one.state for one in found if one.result == "say"]
        counts = {state: states.count(state) for state in sorted({one for one in states if one is not None})}
        note(session, "attendance.take", actor=by, object_kind=POINT, object_id=point.public_id, **counts)
    known = {one.person for one in found}
    return found + [Outcome(one, "unknown", None) for one in wanted if one not in known]


def judged(
    session: Session, point: MeetingPoint, wanted: Mapping[uuid.UUID, Mark], *, by: uuid.UUID
) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """What becomes of each mark about people of the point, and the sentences to state; all are locked from here on."""
    people = people_by_account(session, [str(one) for one in wanted])
    lock_people(session, people.values())
    known = queries.met(session, point, people.values(), on=clock.today())
    told, now, starts_at = told_of(session, point.session.briefing), clock.now(), point.session.starts_at
    found, statements = [], []
    for public_id, mark in wanted.items():
        own = people.get(str(public_id))
        if own not in known:
            continue
        state, elsewhere = known[own]
        result = step(state, mark.state, elsewhere=elsewhere)
        if result == "say":
            at = moment_of(mark.age, now, starts_at)
            statements.append(said_of(told, point, public_id, mark.state, at, by))
            state = mark.state
        found.append(Outcome(public_id, result, state))
    return found, statements


def rest_of(people: Iterable[OnList], state: str) -> list[Mark]:
    """Marks for all of whom nothing is known: there, or away. Who was decided to be away is away with a reason."""
    marks = []
    for one in people:
        if one.state is None and not one.elsewhere and not (one.leave and state in THERE):
            marks.append(Mark(one.public_id, "excused" if one.leave else state))
    return marks


def correct(
    session: Session,
    point: MeetingPoint,
    person: OnList,
    state: str | None,
    *,
    of: uuid.UUID,
    why: str,
    by: uuid.UUID,
) -> None:
    """Void the statement `of` about this person and state anew, or (None) nothing. The log keeps the reason.

    Raises `RollClosed`, and `Superseded` when that statement stands no longer.
    """
    (hold if state is None else hold_open)(session, point)
    lock_people(session, [person.person_id])
    stands = queries.sightings_of(session, point, [person.person_id]).get(person.person_id)
    if stands is None or stands.statement_id != of:
        raise Superseded
    changes = {"attendance": (stands.state, state)}
    batch = [taken_back(config_of(session).iri_base, of, at=clock.now(), by=by)]
    if state is not None:
        batch.append(said_of(told_of(session, point.session.briefing), point, person.public_id, state, stands.at, by))
    what = {"person": str(person.public_id), "statement": str(of), "why": why}
    note(
        session,
        "attendance.correct",
        actor=by,
        object_kind=POINT,
        object_id=point.public_id,
        changes=changes,
        **what,
    )
    record(session, batch, source=ourselves(session))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a host counts and reads off the clock."""

    headcount: int | None
    connected_at: datetime | None
    disconnected_at: datetime | None


def enter_numbers(session: Session, point: MeetingPoint, counted: Counted, *, by: uuid.UUID) -> None:
    """Heads in the room and the times of the line. Raises `RollClosed`."""
    hold_open(session, point)
    changes = {
        "headcount": (point.headcount, counted.headcount),
        "connected_at": (worded(point.connected_at), worded(counted.connected_at)),
        "disconnected_at": (worded(point.disconnected_at), worded(counted.disconnected_at)),
    }
    point.headcount = counted.headcount
    point.connected_at, point.disconnected_at = counted.connected_at, counted.disconnected_at
    note(session, "point.count", actor=by, object_kind=POINT, object_id=point.public_id, changes=changes)


def worded(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="minutes") if moment is not None else None


def report(session: Session, point: MeetingPoint, *, by: uuid.UUID) -> None:
    """Close the roll: from now on nothing is entered, and no code is shown. Raises `RollClosed`: it is closed."""
    hold_open(session, point, to_close=True)
    point.reported_at = clock.now()
    close_check_in(session, point)
    note(session, "point.report", actor=by, object_kind=POINT, object_id=point.public_id, heads=point.headcount)


def reopen(session: Session, point: MeetingPoint, *, why: str, by: uuid.UUID) -> None:
    """Open the roll again; the log keeps the reason. One that is open stays as it is."""
    session.refresh(point, ["reported_at"], with_for_update=True)
    if point.reported_at is None:
        return
    point.reported_at = None
    note(session, "point.reopen", actor=by, object_kind=POINT, object_id=point.public_id, why=why)


def open_check_in(session: Session, point: MeetingPoint, *, by: uuid.UUID) -> None:
    """Show codes: who types one is seen by this host. Raises `RollClosed`."""
    hold_open(session, point)
    shown = session.get(PointCheckIn, point.id)
    if shown is not None and shown.closed_at is None and shown.opened_by == by:
        return
    if shown is None:
        shown = PointCheckIn(point_id=point.id)
        session.add(shown)
    shown.opened_by, shown.opened_at, shown.closed_at = by, clock.now(), None
    note(session, "check_in.open", actor=by, object_kind=POINT, object_id=point.public_id)


def close_check_in(session: Session, point: MeetingPoint, *, by: uuid.UUID | None = None) -> None:
    """Show no more codes."""
    shown = queries.open_check_in(session, point.id)
    if shown is not None:
        shown.closed_at = clock.now()
        if by is not None:
            note(session, "check_in.close", actor=by, object_kind=POINT, object_id=point.public_id)


def check_in(session: Session, point: MeetingPoint, actor: Actor, *, host: uuid.UUID) -> Outcome:
    """Who has shown the code of the point is there, in time or late, as its host says. Raises `RollClosed`."""
    hold_open(session, point)
    remember(session, "account", str(actor.public_id), actor.person_id)  # projectors ask whose account it is
    lock_people(session, [actor.person_id])
    stands = queries.sightings_of(session, point, [actor.person_id]).get(actor.person_id)
    if stands is not None:
        return Outcome(actor.public_id, "same" if stands.state in THERE else "correct", stands.state)
    now = clock.now()
    state = arrival(now, point.session.starts_at)
    statement = said_of(told_of(session, point.session.briefing), point, actor.public_id, state, now, host)
    record(session, [statement], source=ourselves(session))
    note(session, "attendance.check_in", actor=actor.public_id, object_kind=POINT, object_id=point.public_id)
    return Outcome(actor.public_id, "say", state)
