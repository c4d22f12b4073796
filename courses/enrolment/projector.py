"""Assignments follow the organisation: nobody who had to study stops having to because a unit ends."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from courses.enrolment.models import Assignment, AssignmentChoice, AssignmentHandover, Briefing
from courses.enrolment.queries import called, in_force, on_the_roll
from lms import clock
from lms.audit.actions import note
from lms.doors import BuiltOn, Succession, Touched
from lms.organisation.models import Unit, UnitClosure, UnitOperation, UnitOperationUnit
from lms.organisation.queries import holds_on, lineage_of

ASSIGNMENTS, ENDED = "assignments", "assignments ended"


class AssignmentsOfUnits:
    """Assignments as what belongs to units (`Belonging` in lms/doors.py)."""

    def follow(self, session: Session, succession: Succession) -> None:
        """Hand what is assigned to a unit on to who takes over from it, unless the same course reaches them anyway.

        The former is left as it is: a unit that has ended is in no tree, and what is assigned to it reaches nobody.
        """
        passed = 0
        units = {*succession.heirs, *succession.successors}
        for one in session.scalars(assignments_of(units, succession.operation_id)).all():
            takers: tuple[int | None, ...] = succession.successors.get(one.unit_id) or (None,)
            for unit_id in takers:
                begun = hand_on(session, one, unit_id, succession.on) if unit_id is not None else None
                row = {"assignment_id": one.id, "begun_id": begun, "to_unit_id": unit_id}
                session.add(AssignmentHandover(operation_id=succession.operation_id, **row))
                session.flush()  # the next assignment asks what reaches a unit by now
            passed += 1
        if passed:
            of = session.get_one(UnitOperation, succession.operation_id).public_id
            note(session, "course.hand_on", actor=None, object_kind="unit operation", object_id=of, number=passed)

    def go_back(self, session: Session, succession: Succession) -> None:
        """As they were. Raises `BuiltOn` when one of them has changed, or something was assigned to the units since."""
        rows = session.scalars(select(AssignmentHandover).filter_by(operation_id=succession.operation_id)).all()
        begun = {one.begun_id for one in rows}
        units = select(UnitOperationUnit.unit_id).where(UnitOperationUnit.operation_id == succession.operation_id)
        theirs = session.scalars(select(Assignment).where(Assignment.unit_id.in_(units))).all()  # looked at again below
        for one in theirs:
            given = one.id not in begun and (one.assigned_at > succession.entered_at or one.unit_id in succession.made)
            if given or (one.id in begun and one.withdrawn_at is not None):
                raise BuiltOn(ASSIGNMENTS)
        for row in rows:
            if row.begun_id is not None:
                given_then = session.get_one(Assignment, row.begun_id)
                given_then.withdrawn_at = given_then.assigned_at  # held for no moment, and stays in the books
            session.delete(row)
        session.flush()  # the roll is read next

    def touched(self, session: Session, operation_id: int) -> Iterable[Touched]:
        """Each assignment that passes on, by its due date ("-": none) and what its briefing is called."""
        rows = session.execute(
            select(AssignmentHandover, Assignment, called())
            .join(Assignment, Assignment.id == AssignmentHandover.assignment_id)
            .join(Briefing, Briefing.id == Assignment.briefing_id)
            .where(AssignmentHandover.operation_id == operation_id)
            .order_by(AssignmentHandover.id)
        )
        for row, one, briefing in rows:
            sort = ENDED if row.begun_id is None else ASSIGNMENTS
            label = f"{clock.day_of(one.due_at).isoformat() if one.due_at else '-'} {briefing}"
            yield Touched(sort, label, 1, one.unit_id, row.to_unit_id, f"{one.public_id}")

    def totals(self, session: Session, *, on: date) -> Mapping[str, int]:
        """How many are on the roll of each briefing on that day, by its code and what it is called."""
        found = {}
        briefings = select(Briefing.id, Briefing.code, called()).order_by(Briefing.code)
        for briefing_id, code, title in session.execute(briefings).all():
            roll = on_the_roll(briefing_id, on=on).subquery()
            found[f"roll.{code} {title}"] = session.scalar(select(func.count()).select_from(roll)) or 0
        return found


def assignments_of(unit_ids: Iterable[int], operation_id: int) -> Select[Assignment]:
    """What is assigned to these units, not withdrawn and not passed on yet: the latest first, which is what holds."""
    passed = select(AssignmentHandover.assignment_id).where(AssignmentHandover.operation_id == operation_id)
    return (
        select(Assignment)
        .where(Assignment.unit_id.in_(list(unit_ids)), Assignment.withdrawn_at.is_(None), Assignment.id.not_in(passed))
        .order_by(Assignment.assigned_at.desc(), Assignment.id.desc())
    )


def follow_late(session: Session, today: date) -> None:
    """What was assigned to a unit after its end had been entered passes on too, once that day has come."""
    passed = select(AssignmentHandover.id).where(
        AssignmentHandover.assignment_id == Assignment.id, AssignmentHandover.operation_id == UnitOperation.id
    )
    passed = passed.correlate(Assignment, UnitOperation)  # by itself a subquery within a subquery takes its own tables
    left = select(Assignment.id).where(Assignment.unit_id == Unit.id, Assignment.withdrawn_at.is_(None))
    query = (
        select(UnitOperation, Unit.id)
        .join(UnitOperationUnit, UnitOperationUnit.operation_id == UnitOperation.id)
        .join(Unit, Unit.id == UnitOperationUnit.unit_id)
        .where(Unit.valid_to == UnitOperation.effective_on, Unit.valid_to <= today, UnitOperation.undone_at.is_(None))
        .where(left.where(~passed.exists()).exists())
        .order_by(UnitOperation.id)
    )
    for one, ended in session.execute(query).all():
        takers = tuple(
            line.successor_id for line in session.scalars(lineage_of(one.id)) if line.predecessor_id == ended
        )
        on, at = one.effective_on, one.entered_at
        AssignmentsOfUnits().follow(session, Succession(one.id, on, at, {ended: None}, {ended: takers}, (), {}))


def hand_on(session: Session, one: Assignment, unit_id: int, on: date) -> int | None:
    """Give the unit the same briefing by the same due date from that day on; None when it is reached anyway.

    One that is not for everybody takes nobody's place and reaches nobody else's people.
    """
    reaching = (
        select(Assignment.id)
        .join(UnitClosure, UnitClosure.ancestor_id == Assignment.unit_id)
        .where(UnitClosure.tree == one.tree, UnitClosure.descendant_id == unit_id)
        .where(holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to))
        .where(Assignment.tree == one.tree, Assignment.briefing_id == one.briefing_id, in_force(on))
        .where(~choice_of(Assignment.id).exists())
        .limit(1)
    )
    stands = select(UnitClosure.depth).where(
        UnitClosure.tree == one.tree, UnitClosure.ancestor_id == unit_id, UnitClosure.descendant_id == unit_id
    )
    if session.scalar(reaching) is not None or session.scalar(stands.limit(1)) is None:
        return None
    given = Assignment(
        public_id=uuid.uuid4(),
        briefing_id=one.briefing_id,
        course_id=one.course_id,
        unit_id=unit_id,
        tree=one.tree,
        due_at=one.due_at,
        due_days=one.due_days,
        assigned_at=max(one.assigned_at, midnight(on)),
        assigned_by_id=one.assigned_by_id,
    )
    session.add(given)
    session.flush()  # the handover names it
    for choice in session.execute(choice_of(one.id)).all():
        session.add(AssignmentChoice(assignment_id=given.id, kind=choice.kind, value=choice.value))
    return given.id


def choice_of(assignment_id: Any) -> Select[str, str]:
    """Whom of a unit's people an assignment is for; nothing when it is for everybody."""
    columns = select(AssignmentChoice.kind, AssignmentChoice.value)
    return columns.where(AssignmentChoice.assignment_id == assignment_id)


def midnight(day: date) -> datetime:
    """The moment at which the day begins in Vietnam."""
    return clock.start_of_day(day)
