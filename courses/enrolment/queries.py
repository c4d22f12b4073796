"""Reading who must study what, and by when."""

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager

from courses.catalog.models import Course, CourseVersion
from courses.catalog.queries import newest_versions
from courses.enrolment.models import Assignment
from lms.accounts.models import Membership
from lms.clock import end_of_day
from lms.organisation.models import STATE_TREE, Unit, UnitClosure
from lms.organisation.queries import holds_on, subtree

BATCH = 10_000
"""Ids handed to the database in one statement; both allow some thirty thousand."""

NEAREST_FIRST = (
    func.row_number()
    .over(
        partition_by=(Membership.person_id, Assignment.course_id),
        order_by=(UnitClosure.depth, Assignment.assigned_at.desc(), Assignment.id.desc()),
    )
    .label("place")
)
"""Of the assignments of a course that reach a person, 1 is the one that holds (`rules.effective_assignment`)."""


def in_force(on: date) -> ColumnElement[bool]:
    """Whether an assignment holds at the end of that day in Vietnam."""
    evening = end_of_day(on)
    return and_(
        Assignment.assigned_at <= evening, or_(Assignment.withdrawn_at.is_(None), Assignment.withdrawn_at > evening)
    )


def on_the_roll(
    course_id: int | None, *, on: date, person_ids: Collection[int] | Select[int] | None = None
) -> Select[int, int, int, int]:
    """Person, unit where counted, assignment in force and its policy, for all who must study the course that day.

    One row a person: of all assignments that reach a person, the one given nearest to the person's unit, then the
    latest (`rules.effective_assignment`). Units that are not counted, such as committees without staff, have no roll.
    `person_ids` narrows the answer; a subquery is taken as well as ids. Without a course: of every course, one row for
    each person and course.
    """
    reaching = (
        select(
            Membership.person_id,
            Membership.unit_id,
            Assignment.id.label("assignment_id"),
            Assignment.policy_version,
            NEAREST_FIRST,
        )
        .select_from(Assignment)
        .join(UnitClosure, and_(UnitClosure.tree == Assignment.tree, UnitClosure.ancestor_id == Assignment.unit_id))
        .join(Membership, and_(Membership.tree == UnitClosure.tree, Membership.unit_id == UnitClosure.descendant_id))
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            in_force(on),
            holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Unit.counted,
        )
    )
    if course_id is not None:
        reaching = reaching.where(Assignment.course_id == course_id)
    if person_ids is not None:
        reaching = reaching.where(Membership.person_id.in_(person_ids))
    rows = reaching.subquery()
    columns = rows.c.person_id, rows.c.unit_id, rows.c.assignment_id, rows.c.policy_version
    return select(*columns).where(rows.c.place == 1)


def roll(
    session: Session, course_id: int, *, on: date, person_ids: Collection[int] | Select[int] | None = None
) -> Sequence[Row[int, int, int, int]]:
    """The rows of `on_the_roll`, in one statement, or in a few when very many ids are given."""
    if person_ids is None or isinstance(person_ids, Select):
        return session.execute(on_the_roll(course_id, on=on, person_ids=person_ids)).all()
    found: list[Row[int, int, int, int]] = []
    ids = sorted(set(person_ids))
    for start in range(0, len(ids), BATCH):
        found += session.execute(on_the_roll(course_id, on=on, person_ids=ids[start : start + BATCH])).all()
    return found


def people_reached(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[int]:
    """The ids of everyone counted in the unit or below it that day: whom an assignment to the unit reaches."""
    return (
        select(Membership.person_id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.tree == tree,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Membership.unit_id.in_(subtree(unit_id, on=on, tree=tree)),
            Unit.counted,
        )
    )


def assignments_given() -> Select[Assignment]:
    """Every assignment with its course and unit, those in force first, each group with the latest first."""
    return (
        select(Assignment)
        .join(Course, Course.id == Assignment.course_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .options(contains_eager(Assignment.course), contains_eager(Assignment.unit))
        .order_by(Assignment.withdrawn_at.is_not(None), Assignment.assigned_at.desc(), Assignment.id.desc())
    )


def people_held_by(assignment: Assignment, *, on: date) -> Select[int]:
    """The ids of those for whom this assignment holds that day, and no nearer or later one."""
    people = people_reached(assignment.unit_id, on=on, tree=assignment.tree)
    rows = on_the_roll(assignment.course_id, on=on, person_ids=people).subquery()
    return select(rows.c.person_id).where(rows.c.assignment_id == assignment.id)


def people_nearer(course_id: int, unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[int]:
    """The ids of those whom an assignment given below the unit reaches: a new one at the unit passes them by."""
    above = aliased(UnitClosure)
    return (
        select(Membership.person_id)
        .distinct()
        .select_from(Assignment)
        .join(above, and_(above.tree == Assignment.tree, above.descendant_id == Assignment.unit_id))
        .join(UnitClosure, and_(UnitClosure.tree == Assignment.tree, UnitClosure.ancestor_id == Assignment.unit_id))
        .join(Membership, and_(Membership.tree == UnitClosure.tree, Membership.unit_id == UnitClosure.descendant_id))
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Assignment.course_id == course_id,
            Assignment.tree == tree,
            in_force(on),
            above.ancestor_id == unit_id,
            above.depth > 0,
            holds_on(on, above.valid_from, above.valid_to),
            holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Unit.counted,
        )
    )


def counted(people: Select[int]) -> Select[int]:
    """How many they are."""
    return select(func.count()).select_from(people.subquery())


def courses_to_assign() -> Select[int, str, str]:
    """Id, code and title of every course that has been published."""
    return newest_versions().with_only_columns(Course.id, Course.code, CourseVersion.title)
