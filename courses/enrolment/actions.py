"""Giving a briefing, or merely a course, to a unit and all below it, and withdrawing an assignment."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.catalog.models import Course
from courses.enrolment import queries
from courses.enrolment.models import Assignment, AssignmentChoice, Briefing
from lms import clock
from lms.accounts.models import Person
from lms.audit.actions import note
from lms.doors import tell
from lms.organisation.models import STATE_TREE, Unit


class AlreadyAssigned(ValueError):
    """The unit already has this briefing by this very due date."""


@dataclass(frozen=True, slots=True)
class RollChanged:
    """Told when the roll of a briefing may have changed: an assignment begins or ends, or something is decided.

    `people` are the ids of those it is about; None: everybody.
    """

    briefing_id: int
    people: tuple[int, ...] | None = None


def plain_briefing(session: Session, course: Course, *, by: uuid.UUID | None = None) -> Briefing:
    """The briefing under which a course is merely assigned; opened when the course is assigned for the first time."""
    found = session.scalar(queries.plain_briefing(course.id))
    if found is not None:
        return found
    made = Briefing(
        public_id=uuid.uuid4(), code=course.code, course=course, plain=True, opened_at=clock.now(), opened_by=by
    )
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
) -> Assignment:
    """Give the course to everyone counted in the unit or below it, to be finished by `due_at`.

    `by` is the public id of whoever gives it. An earlier assignment of the same unit stays in the books, and this later
    one holds. Raises `AlreadyAssigned`.
    """
    return give(session, plain_briefing(session, course, by=by), unit, due_at=due_at, by=by, tree=tree)


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

    Due as `Assignment` says; `choices` are rows of `AssignmentChoice`. Raises `AlreadyAssigned`.
    """
    same = {"briefing_id": briefing.id, "unit_id": unit.id, "tree": tree, "due_at": due_at, "withdrawn_at": None}
    if session.scalar(select(Assignment.id).filter_by(**same).limit(1)) is not None:
        raise AlreadyAssigned(unit.code)
    assignment = Assignment(
        public_id=uuid.uuid4(),
        briefing=briefing,
        course=briefing.course,
        unit=unit,
        tree=tree,
        due_at=due_at,
        due_days=due_days,
        assigned_at=clock.now(),
        assigned_by_id=session.scalar(select(Person.id).where(Person.public_id == by)) if by else None,
    )
    try:
        with session.begin_nested():
            session.add(assignment)
    except IntegrityError as error:  # another transaction gave it after we had looked
        raise AlreadyAssigned(unit.code) from error
    for kind, value in choices:
        session.add(AssignmentChoice(assignment_id=assignment.id, kind=kind, value=value))
    session.flush()  # those who are told read the roll
    note_given(session, assignment, by)
    tell(session, RollChanged(briefing.id))
    return assignment


def note_given(session: Session, assignment: Assignment, by: uuid.UUID | None) -> None:
    """Put into the log what was given to whom, and by when."""
    due = assignment.due_at.isoformat() if assignment.due_at else ""
    if assignment.due_days is not None:
        due = f"+{assignment.due_days}"
    what = {"course": assignment.briefing.code, "unit": str(assignment.unit.public_id), "due": due}
    note(session, "course.assign", actor=by, object_kind="assignment", object_id=assignment.public_id, **what)


def withdraw(session: Session, assignment: Assignment, *, by: uuid.UUID | None = None) -> None:
    """End an assignment now. What was studied under it stays; one that has ended already is left as it is."""
    if assignment.withdrawn_at is not None:
        return
    assignment.withdrawn_at = clock.now()
    session.flush()  # those who are told read the roll
    what = {"course": assignment.course.code, "unit": str(assignment.unit.public_id)}
    ended = {"state": ("assigned", "withdrawn")}
    note(
        session,
        "course.withdraw",
        actor=by,
        object_kind="assignment",
        object_id=assignment.public_id,
        changes=ended,
        **what,
    )
    tell(session, RollChanged(assignment.briefing_id))
