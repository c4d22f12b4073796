"""Assigning a course to a unit and all below it, and withdrawing an assignment."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.catalog.models import Course
from courses.enrolment.models import Assignment
from lms import clock
from lms.accounts.models import Person
from lms.audit.actions import note
from lms.doors import tell
from lms.organisation.models import STATE_TREE, Unit


class AlreadyAssigned(ValueError):
    """The unit already has this course by this very due date."""


@dataclass(frozen=True, slots=True)
class RollChanged:
    """Told when an assignment begins or ends: the roll of the course may have changed in the unit and below it."""

    course_id: int
    unit_id: int
    tree: str


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
    same = {"course_id": course.id, "unit_id": unit.id, "tree": tree, "due_at": due_at, "withdrawn_at": None}
    if session.scalar(select(Assignment.id).filter_by(**same).limit(1)) is not None:
        raise AlreadyAssigned(unit.code)
    assignment = Assignment(
        public_id=uuid.uuid4(),
        course=course,
        unit=unit,
        tree=tree,
        due_at=due_at,
        assigned_at=clock.now(),
        assigned_by_id=session.scalar(select(Person.id).where(Person.public_id == by)) if by else None,
    )
    try:
        with session.begin_nested():
            session.add(assignment)  # those who are told read the roll
    except IntegrityError as error:  # another transaction gave it after we had looked
        raise AlreadyAssigned(unit.code) from error
    what = {"course": course.code, "unit": str(unit.public_id), "due": due_at.isoformat()}
    note(session, "course.assign", actor=by, object_kind="assignment", object_id=assignment.public_id, **what)
    tell(session, RollChanged(course.id, unit.id, tree))
    return assignment


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
    tell(session, RollChanged(assignment.course_id, assignment.unit_id, assignment.tree))
