"""Opening a briefing, closing and reopening it, changing what it asks, and keeping its roll as it is at a moment."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.briefings import filters, queries
from courses.briefings.models import BriefingPolicy, FrozenPerson, FrozenRoll, Standing
from courses.briefings.rehearsal import Due, Rehearsal, Wanted
from courses.briefings.rules import ONLINE, Policy, document_of, policy_of
from courses.catalog.models import Course
from courses.enrolment.actions import RollChanged, SaidOfBefore, due_words
from courses.enrolment.models import Assignment, Briefing
from courses.enrolment.queries import assignments_given
from lms import clock
from lms.audit.actions import note
from lms.db import lock_roll
from lms.doors import tell
from lms.outbox.actions import settle_day

RESERVED = frozenset({"new"})
"""Codes under which the page of a briefing would not be found: other pages have their addresses."""


class CodeTaken(ValueError):
    """Another briefing or a course has this code, or the product itself."""


class AsksTooMuch(ValueError):
    """Where a course was merely assigned there are no meeting points and no reflections to be asked for."""


class AlreadyGiven(ValueError):
    """A unit would have two assignments due at one moment."""


class Stale(ValueError):
    """By now the change would do something else than what was rehearsed; `rehearsal` says what."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        super().__init__(rehearsal.digest)
        self.rehearsal = rehearsal


def open_briefing(
    session: Session,
    course: Course,
    *,
    code: str,
    title: str,
    title_en: str = "",
    documents: Sequence[str] = (),
    policy: Policy,
    opened_at: datetime | None = None,
    by: uuid.UUID | None = None,
) -> Briefing:
    """Open a briefing on a course; nobody is on its roll yet. Raises `CodeTaken`."""
    if code in RESERVED:
        raise CodeTaken(code)
    taken = select(Course.id).where(Course.code == code).union_all(select(Briefing.id).where(Briefing.code == code))
    if session.execute(taken).first() is not None:
        raise CodeTaken(code)
    briefing = Briefing(
        public_id=uuid.uuid4(),
        code=code,
        course=course,
        plain=False,
        title=title,
        title_en=title_en,
        documents=list(documents),
        policy=document_of(policy),
        policy_number=1,
        opened_at=opened_at or clock.now(),
        opened_by=by,
    )
    try:
        with session.begin_nested():
            session.add(briefing)
    except IntegrityError as error:  # another transaction took the code after we had looked
        raise CodeTaken(code) from error
    session.add(version_of(briefing, clock.now(), by=by))
    about = {"briefing": code, "course": course.code, "documents": len(documents)}
    note(session, "briefing.open", actor=by, object_kind="briefing", object_id=briefing.public_id, **about)
    return briefing


def version_of(
    briefing: Briefing, at: datetime, *, dues: Sequence[object] = (), reason: str = "", by: uuid.UUID | None
) -> BriefingPolicy:
    """The policy in force as a version that is kept."""
    return BriefingPolicy(
        briefing_id=briefing.id,
        number=briefing.policy_number,
        policy=briefing.policy,
        dues=list(dues),
        reason=reason,
        decided_at=at,
        decided_by=by,
    )


def close_briefing(session: Session, briefing: Briefing, *, by: uuid.UUID | None = None) -> None:
    """Nothing more is assigned in it; what is counted goes on. One that is closed is left as it is."""
    if briefing.closed_at is not None:
        return
    briefing.closed_at = clock.now()
    ended = {"state": ("open", "closed")}
    note(
        session,
        "briefing.close",
        actor=by,
        object_kind="briefing",
        object_id=briefing.public_id,
        changes=ended,
        briefing=briefing.code,
    )


def reopen_briefing(session: Session, briefing: Briefing, *, reason: str, by: uuid.UUID | None = None) -> None:
    """It may be given to units again; the log keeps the reason. One that is open is left as it is."""
    session.refresh(briefing, ["closed_at"], with_for_update=True)
    if briefing.closed_at is None:
        return
    briefing.closed_at = None
    about: dict[str, Any] = {"object_kind": "briefing", "object_id": briefing.public_id, "briefing": briefing.code}
    note(session, "briefing.reopen", actor=by, changes={"state": ("closed", "open")}, why=reason, **about)


def change_briefing(
    session: Session, briefing: Briefing, wanted: Wanted, *, digest: str, reason: str, by: uuid.UUID | None = None
) -> Rehearsal:
    """Another policy or other due dates, as a new version: everybody on the roll is judged by it, what is past too.

    Only what was rehearsed: raises `Stale` when it would do something else by now, `AsksTooMuch`, `AlreadyGiven`.
    """
    lock_roll(session)  # before any row is read: nobody moves between what is compared and what is written
    session.refresh(briefing)
    if briefing.plain and asks_too_much(wanted.policy):
        raise AsksTooMuch(briefing.code)
    now = clock.now()
    settle_day(session)
    found = queries.rehearsal(session, briefing, wanted, now=now)
    if found.digest != digest:
        raise Stale(found)
    if session.scalar(filters.versions(briefing.id).limit(1)) is None:
        session.add(version_of(briefing, briefing.opened_at, by=briefing.opened_by))
    before = briefing.policy_number
    dues = set_dues(session, wanted, by=by)
    briefing.policy, briefing.policy_number = document_of(wanted.policy), before + 1
    session.add(version_of(briefing, now, dues=dues, reason=reason, by=by))
    session.flush()  # those who are told read policy and due dates
    numbered = {"version": (before, before + 1)}
    note(
        session,
        "briefing.change",
        actor=by,
        object_kind="briefing",
        object_id=briefing.public_id,
        changes=numbered,
        briefing=briefing.code,
        assignments=len(dues),
        people=len(found.moves),
    )
    tell(session, RollChanged(briefing.id))
    return found


def count_before(
    session: Session, briefing: Briefing, *, counts: bool, reason: str, by: uuid.UUID | None = None
) -> None:
    """Let what was studied before the opening count, or not: as a new version of the policy, where it is another.

    Only while nobody is on the roll and the briefing is open; otherwise nothing changes.
    """
    lock_roll(session)
    session.refresh(briefing)
    policy = policy_of(briefing.policy)
    given = session.scalar(queries.on_roll_of(briefing).limit(1)) is not None
    if policy.counts_before == counts or given or briefing.closed_at is not None:
        return
    wanted = Wanted(replace(policy, counts_before=counts))
    digest = queries.rehearsal(session, briefing, wanted, now=clock.now()).digest
    change_briefing(session, briefing, wanted, digest=digest, reason=reason, by=by)


def said_of_before(session: Session, event: SaidOfBefore) -> None:
    """Whoever assigns a course has chosen whether what was studied before counts."""
    briefing = session.get_one(Briefing, event.briefing_id)
    count_before(session, briefing, counts=event.counts, reason=event.reason, by=event.by)


def asks_too_much(policy: Policy) -> bool:
    """Whether it asks for what nobody can do where a course was merely assigned."""
    asked = (policy.asked, *policy.by_category.values())
    return any(one.reflection or one.ways != {ONLINE} for one in asked)


def set_dues(session: Session, wanted: Wanted, *, by: uuid.UUID | None) -> list[list[object]]:
    """Write the due dates of assignments; for each its public id, then moment and days before and after."""
    told: list[list[object]] = []
    concerned = assignments_given().where(Assignment.id.in_(wanted.dues)).order_by(None).order_by(Assignment.id)
    for one in session.scalars(concerned).all():
        due_at, due_days = wanted.dues[one.id]
        told.append([str(one.public_id), *plain((one.due_at, one.due_days)), *plain((due_at, due_days))])
        changed = {"due": (due_words(one.due_at, one.due_days), due_words(due_at, due_days))}
        one.due_at, one.due_days = due_at, due_days
        unit = str(one.unit.public_id)
        note(
            session,
            "assignment.due",
            actor=by,
            object_kind="assignment",
            object_id=one.public_id,
            changes=changed,
            unit=unit,
        )
    try:
        with session.begin_nested():
            session.flush()  # two open ones of a unit due at one moment are refused
    except IntegrityError as error:
        raise AlreadyGiven from error
    return told


def plain(due: Due) -> tuple[str | None, int | None]:
    """A due date as JSON has it."""
    at, days = due
    return at.isoformat() if at else None, days


def freeze_roll(session: Session, briefing: Briefing, *, reason: str, by: uuid.UUID | None = None) -> FrozenRoll:
    """Keep the roll of the briefing as it is at this moment. Nothing of it ever changes."""
    lock_roll(session)  # nobody comes or goes between two rows
    settle_day(session)
    frozen = FrozenRoll(
        public_id=uuid.uuid4(), briefing_id=briefing.id, frozen_at=clock.now(), frozen_by=by, reason=reason
    )
    session.add(frozen)
    session.flush()  # its people name it
    columns = ("person_id", "unit_id", "exempt", "member")
    rows = select(literal(frozen.id), *(getattr(Standing, name) for name in columns))
    people = insert(FrozenPerson).from_select(["roll_id", *columns], rows.where(Standing.briefing_id == briefing.id))
    session.execute(people)
    number = session.scalar(filters.number_frozen(frozen.id))
    about = {"briefing": briefing.code, "people": number}
    note(session, "roll.freeze", actor=by, object_kind="frozen_roll", object_id=frozen.public_id, **about)
    return frozen
