"""Giving a briefing, or merely a course, to units and all below them, withdrawing it, and deciding about one person."""

import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.catalog.models import Course
from courses.enrolment import queries
from courses.enrolment.models import Assignment, AssignmentChoice, Briefing, RollDecision
from lms import clock
from lms.accounts.models import Person
from lms.accounts.queries import links_of
from lms.audit.actions import note
from lms.db import lock_roll
from lms.doors import tell
from lms.organisation.models import STATE_TREE, Unit
from lms.privacy.actions import PersonErased


class AlreadyAssigned(ValueError):
    """The unit already has this briefing by this very due date."""


class AlreadyDecided(ValueError):
    """A decision of this kind holds for the person in this briefing."""


class BriefingClosed(ValueError):
    """After a briefing has been closed nothing more is assigned in it."""


@dataclass(frozen=True, slots=True)
class RollChanged:
    """Told when the roll of a briefing may have changed: an assignment begins or ends, or something is decided.

    `people` are the ids of those it is about; None: everybody.
    """

    briefing_id: int
    people: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class SaidOfBefore:
    """Told before a course is assigned: whoever gives it has said whether what was studied before `counts`, and why."""

    briefing_id: int
    counts: bool
    reason: str
    by: uuid.UUID | None


def plain_briefing(session: Session, course: Course, *, by: uuid.UUID | None = None) -> Briefing:
    """The briefing under which a course is merely assigned; opened when the course is assigned for the first time.

    It bears the code of the course, or where another briefing was opened under that before, a code like it.
    """
    found = session.scalar(queries.plain_briefing(course.id))
    if found is not None:
        return found
    taken = session.scalar(select(Briefing.id).where(Briefing.code == course.code)) is not None
    code = f"{course.code}-{course.id}" if taken else course.code
    made = Briefing(public_id=uuid.uuid4(), code=code, course=course, plain=True, opened_at=clock.now(), opened_by=by)
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:  # another transaction opened it after we had looked
        return session.scalars(queries.plain_briefing(course.id)).one()
    return made


def assign(
    session: Session,
    course: Course,
    unit: Unit,
    *,
    due_at: datetime,
    by: uuid.UUID | None = None,
    tree: str = STATE_TREE,
    counts: bool | None = None,
    why: str = "",
) -> Assignment:
    """Give the course to everyone counted in the unit or below it, to be finished by `due_at`.

    `by` is the public id of whoever gives it. An earlier assignment of the same unit stays in the books, and this later
    one holds. `counts`: whether what was studied before is to count, and `why`; None: as it is. Raises
    `AlreadyAssigned`, `BriefingClosed`.
    """
    briefing = plain_briefing(session, course, by=by)
    if counts is not None:
        tell(session, SaidOfBefore(briefing.id, counts, why, by))
    return give(session, briefing, unit, due_at=due_at, by=by, tree=tree)


@dataclass(frozen=True, slots=True)
class Wish:
    """A unit that is to have a briefing, and when it is due there, as `Assignment` says."""

    unit: Unit
    due_at: datetime | None = None
    due_days: int | None = None


def give(
    session: Session,
    briefing: Briefing,
    unit: Unit,
    *,
    due_at: datetime | None = None,
    due_days: int | None = None,
    choices: Iterable[tuple[str, str]] = (),
    by: uuid.UUID | None = None,
    tree: str = STATE_TREE,
) -> Assignment:
    """Put everyone counted in the unit or below it, or those of them who are chosen, on the roll of the briefing.

    Due as `Assignment` says; `choices` are rows of `AssignmentChoice`. Raises `AlreadyAssigned`, `BriefingClosed`.
    """
    assignment = given(session, briefing, Wish(unit, due_at, due_days), choices=choices, by=by, tree=tree)
    session.flush()  # those who are told read the roll
    tell(session, RollChanged(briefing.id))
    return assignment


def give_many(
    session: Session,
    briefing: Briefing,
    wishes: Iterable[Wish],
    *,
    choices: Sequence[tuple[str, str]] = (),
    by: uuid.UUID | None = None,
    tree: str = STATE_TREE,
) -> list[Assignment]:
    """The same for many units, told once. Those that have it by this very due date are passed over.

    Raises `BriefingClosed`.
    """
    found = []
    for wish in wishes:
        with suppress(AlreadyAssigned):
            found.append(given(session, briefing, wish, choices=choices, by=by, tree=tree))
    if found:
        session.flush()  # those who are told read the roll
        tell(session, RollChanged(briefing.id))
    return found


def given(
    session: Session,
    briefing: Briefing,
    wish: Wish,
    *,
    choices: Iterable[tuple[str, str]],
    by: uuid.UUID | None,
    tree: str,
) -> Assignment:
    """A new assignment with its choices, in the log; nobody has been told."""
    if briefing.closed_at is not None:
        raise BriefingClosed(briefing.code)
    lock_roll(session)  # of two at once the second sees the first: no index compares due dates that are not there
    same = {"briefing_id": briefing.id, "unit_id": wish.unit.id, "tree": tree, "withdrawn_at": None}
    due = {"due_at": wish.due_at, "due_days": wish.due_days}
    if session.scalar(select(Assignment.id).filter_by(**same, **due).limit(1)) is not None:
        raise AlreadyAssigned(wish.unit.code)
    assignment = Assignment(
        public_id=uuid.uuid4(),
        briefing=briefing,
        course=briefing.course,
        unit=wish.unit,
        tree=tree,
        **due,
        assigned_at=clock.now(),
        assigned_by_id=session.scalar(select(Person.id).where(Person.public_id == by)) if by else None,
    )
    try:
        with session.begin_nested():
            session.add(assignment)
    except IntegrityError as error:  # another transaction gave it after we had looked
        raise AlreadyAssigned(wish.unit.code) from error
    for kind, value in choices:
        session.add(AssignmentChoice(assignment_id=assignment.id, kind=kind, value=value))
    words = due_words(wish.due_at, wish.due_days)
    what = {"course": briefing.course.code, "unit": str(wish.unit.public_id), "due": words}
    if not briefing.plain:
        what["briefing"] = briefing.code
    note(session, "course.assign", actor=by, object_kind="assignment", object_id=assignment.public_id, **what)
    return assignment


def due_words(due_at: datetime | None, due_days: int | None) -> str:
    """A due date as the audit log has it."""
    return due_at.isoformat() if due_at else f"{due_days} days" if due_days is not None else "never"


def withdraw(session: Session, assignment: Assignment, *, by: uuid.UUID | None = None) -> None:
    """End an assignment now. What was studied under it stays; one that has ended already is left as it is."""
    withdraw_many(session, [assignment], by=by)


def withdraw_many(session: Session, assignments: Iterable[Assignment], *, by: uuid.UUID | None = None) -> int:
    """The same for many assignments, told once for each briefing; how many were in force."""
    ended = [one for one in assignments if one.withdrawn_at is None]
    for assignment in ended:
        assignment.withdrawn_at = clock.now()
        note(
            session,
            "course.withdraw",
            actor=by,
            object_kind="assignment",
            object_id=assignment.public_id,
            changes={"state": ("assigned", "withdrawn")},
            course=assignment.course.code,
            unit=str(assignment.unit.public_id),
        )
    session.flush()  # those who are told read the roll
    for briefing_id in sorted({one.briefing_id for one in ended}):
        tell(session, RollChanged(briefing_id))
    return len(ended)


def decide(
    session: Session,
    briefing: Briefing,
    person: Person,
    kind: str,
    *,
    reason: str,
    approved_by: str,
    due_at: datetime | None = None,
    by: uuid.UUID | None = None,
) -> RollDecision:
    """Decide about one person on the roll (`RollDecision`): exempt, leave or extension. Raises `AlreadyDecided`.

    Why and by whom it was approved is kept with the decision and not in the audit log: it may name people.
    """
    lock_roll(session)  # before any row, as all who settle the roll
    decision = RollDecision(
        public_id=uuid.uuid4(),
        briefing_id=briefing.id,
        person_id=person.id,
        kind=kind,
        due_at=due_at,
        reason=reason,
        approved_by=approved_by,
        decided_at=clock.now(),
        decided_by=by,
    )
    try:
        with session.begin_nested():
            session.add(decision)
    except IntegrityError as error:  # one of each kind holds at a time
        raise AlreadyDecided(kind) from error
    what: dict[str, Any] = {"briefing": briefing.code, "changes": {"decision": (None, kind)}}
    if due_at is not None:
        what["due"] = due_at.isoformat()
    note(session, "roll.decide", actor=by, object_kind="person", object_id=person.public_id, **what)
    tell(session, RollChanged(briefing.id, (person.id,)))
    return decision


def revoke(session: Session, decision: RollDecision, *, by: uuid.UUID | None = None) -> None:
    """From now on the decision holds no longer; it stays in the books. One that was revoked is left as it is."""
    lock_roll(session)  # as above
    session.refresh(decision)
    if decision.revoked_at is not None:
        return
    decision.revoked_at, decision.revoked_by = clock.now(), by
    session.flush()  # those who are told read the roll
    code = session.get_one(Briefing, decision.briefing_id).code
    person = session.get_one(Person, decision.person_id).public_id
    ended = {"decision": (decision.kind, None)}
    note(session, "roll.revoke", actor=by, object_kind="person", object_id=person, changes=ended, briefing=code)
    both = {one for pair in session.execute(links_of([decision.person_id])) for one in pair}  # whom it is counted for
    tell(session, RollChanged(decision.briefing_id, (decision.person_id, *sorted(both - {decision.person_id}))))


def forget_reasons(session: Session, event: PersonErased) -> None:
    """Why something was decided about somebody who is erased is forgotten, and who approved it; that it was stays."""
    words = update(RollDecision).where(RollDecision.person_id == event.person_id).values(reason="", approved_by="")
    session.execute(words.execution_options(synchronize_session=False))
