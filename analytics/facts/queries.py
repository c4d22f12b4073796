"""Reading tallies, rolled up over a tree. What a question costs follows from the number of units, never of people."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from analytics.facts.models import Tally
from courses.catalog.models import Course, CourseVersion
from courses.catalog.queries import newest_versions
from courses.enrolment.models import Assignment
from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitEdge
from lms.organisation.queries import holds_on

# Made once: to make an alias or a subquery anew for every page costs more than to ask the database.
BRANCH, BELOW = aliased(UnitClosure), aliased(UnitClosure)
TITLES = (
    newest_versions()
    .with_only_columns(CourseVersion.course_id, CourseVersion.title, CourseVersion.title_en)
    .order_by(None)
    .subquery()
)


def tallies_by_child(
    unit_id: int, course_id: int, *, on: date, now: datetime, tree: str = STATE_TREE
) -> Select[*tuple[Any, ...]]:
    """One row for each unit directly below with its whole subtree, in their order, then one for the unit itself alone.

    Columns: public_id, code, name, short_name, depth (0: the unit itself), people, started, briefed, completed,
    overdue, next_due, last_due. Units with nobody to count are there with noughts. One statement.
    """
    return (
        select(
            Unit.public_id,
            Unit.code,
            Unit.name,
            Unit.short_name,
            BRANCH.depth,
            added(Tally.people).label("people"),
            added(Tally.started).label("started"),
            added(Tally.briefed).label("briefed"),
            added(Tally.completed).label("completed"),
            overdue(now).label("overdue"),
            func.min(case((Assignment.due_at >= now, Assignment.due_at))).label("next_due"),
            func.max(Assignment.due_at).label("last_due"),
        )
        .select_from(BRANCH)
        .join(Unit, Unit.id == BRANCH.descendant_id)
        .join(BELOW, rolled_up(on=on, tree=tree))
        .outerjoin(UnitEdge, placed_under(unit_id, on=on, tree=tree))
        .outerjoin(Tally, and_(Tally.unit_id == BELOW.descendant_id, Tally.course_id == course_id, Tally.people > 0))
        .outerjoin(Assignment, Assignment.id == Tally.assignment_id)
        .where(
            BRANCH.tree == tree,
            BRANCH.ancestor_id == unit_id,
            BRANCH.depth <= 1,
            holds_on(on, BRANCH.valid_from, BRANCH.valid_to),
        )
        .group_by(Unit.id, BRANCH.depth, UnitEdge.position)
        .order_by(BRANCH.depth.desc(), UnitEdge.position, Unit.sort_key, Unit.id)
    )


def rolled_up(*, on: date, tree: str) -> ColumnElement[bool]:
    """Each branch with all that stands below it; the unit itself alone."""
    return and_(
        BELOW.tree == tree,
        BELOW.ancestor_id == BRANCH.descendant_id,
        or_(BRANCH.depth == 1, BELOW.depth == 0),
        holds_on(on, BELOW.valid_from, BELOW.valid_to),
    )


def placed_under(unit_id: int, *, on: date, tree: str) -> ColumnElement[bool]:
    """The edge that gives a branch its place among its siblings."""
    return and_(
        UnitEdge.tree == tree,
        UnitEdge.parent_id == unit_id,
        UnitEdge.child_id == BRANCH.descendant_id,
        holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to),
    )


def units_below(unit_id: int, course_id: int, *, on: date, tree: str = STATE_TREE) -> Select[int, int, int]:
    """Of all units below, each taken with its own subtree: how many are concerned, fully briefed, not begun.

    One row. Units in which nobody must study the course are not concerned. The outer join keeps SQLite from reading
    all tallies once for every unit.
    """
    unit = (
        select(
            func.sum(Tally.people).label("people"),
            func.sum(Tally.started).label("started"),
            func.sum(Tally.briefed).label("briefed"),
        )
        .select_from(BRANCH)
        .join(
            BELOW,
            and_(
                BELOW.tree == tree,
                BELOW.ancestor_id == BRANCH.descendant_id,
                holds_on(on, BELOW.valid_from, BELOW.valid_to),
            ),
        )
        .outerjoin(Tally, and_(Tally.unit_id == BELOW.descendant_id, Tally.course_id == course_id))
        .where(
            BRANCH.tree == tree,
            BRANCH.ancestor_id == unit_id,
            BRANCH.depth > 0,
            holds_on(on, BRANCH.valid_from, BRANCH.valid_to),
        )
        .group_by(BRANCH.descendant_id)
        .having(func.sum(Tally.people) > 0)
        .subquery()
    )
    return select(
        func.count(),
        func.coalesce(func.sum(case((unit.c.briefed == unit.c.people, 1), else_=0)), 0),
        func.coalesce(func.sum(case((unit.c.started == 0, 1), else_=0)), 0),
    ).select_from(unit)


def courses_studied(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[int, str, str, str]:
    """Id, code and titles of each course that somebody in the unit or below must study, the one assigned last first."""
    return (
        select(Course.id, Course.code, TITLES.c.title, TITLES.c.title_en)
        .select_from(BELOW)
        .join(Tally, and_(Tally.unit_id == BELOW.descendant_id, Tally.people > 0))
        .join(Assignment, Assignment.id == Tally.assignment_id)
        .join(Course, Course.id == Tally.course_id)
        .join(TITLES, TITLES.c.course_id == Course.id)
        .where(BELOW.tree == tree, BELOW.ancestor_id == unit_id, holds_on(on, BELOW.valid_from, BELOW.valid_to))
        .group_by(Course.id, Course.code, TITLES.c.title, TITLES.c.title_en)
        .order_by(func.max(Assignment.assigned_at).desc(), Course.id.desc())
    )


def tally_of_units(unit_ids: Select[int], course_id: int, *, now: datetime) -> Select[int, int, int, int, int]:
    """One row: people, started, briefed, completed, overdue of these units themselves, not of what is below them."""
    return (
        select(
            added(Tally.people),
            added(Tally.started),
            added(Tally.briefed),
            added(Tally.completed),
            overdue(now),
        )
        .join(Assignment, Assignment.id == Tally.assignment_id)
        .where(Tally.course_id == course_id, Tally.unit_id.in_(unit_ids))
    )


def added(column: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """The sum, nought when there is nothing to add."""
    return func.coalesce(func.sum(column), 0)


def overdue(now: datetime) -> ColumnElement[int]:
    """Those who have not completed although their assignment was due before now."""
    return func.coalesce(func.sum(case((Assignment.due_at < now, Tally.people - Tally.completed), else_=0)), 0)
