"""Reading tallies, rolled up over a tree. What a question costs follows from the number of units, never of people."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from analytics.facts.models import Tally
from analytics.facts.rules import COUNT_NAMES, NEVER_DUE
from courses.catalog.models import CourseVersion
from courses.catalog.queries import newest_versions
from courses.enrolment.models import Briefing
from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitEdge
from lms.organisation.queries import holds_on

# Made once: to make an alias or a subquery anew for every page costs more than to ask the database.
BRANCH, BELOW = aliased(UnitClosure), aliased(UnitClosure)
SET, ANYBODY = Tally.due_at < NEVER_DUE, Tally.people + Tally.exempt > 0
TITLES = (
    newest_versions()
    .with_only_columns(CourseVersion.course_id, CourseVersion.title, CourseVersion.title_en)
    .order_by(None)
    .subquery()
)


def tallies_by_child(
    unit_id: int, briefing_id: int, *, on: date, now: datetime, tree: str = STATE_TREE
) -> Select[*tuple[Any, ...]]:
    """One row for each unit directly below with its whole subtree, in their order, then one for the unit itself alone.

    Columns: public_id, code, name, short_name, depth (0: the unit itself), those of `counts`, next_due, last_due (None
    where nothing is due at a set time). Units with nobody to count are there with noughts. One statement.
    """
    edge = and_(
        UnitEdge.tree == tree,
        UnitEdge.parent_id == unit_id,
        UnitEdge.child_id == BRANCH.descendant_id,
        holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to),
    )
    return (
        select(
            Unit.public_id,
            Unit.code,
            Unit.name,
            Unit.short_name,
            BRANCH.depth,
            *counts(now),
            func.min(case((and_(Tally.due_at >= now, SET), Tally.due_at))).label("next_due"),
            func.max(case((SET, Tally.due_at))).label("last_due"),
        )
        .select_from(BRANCH)
        .join(Unit, Unit.id == BRANCH.descendant_id)
        .join(BELOW, and_(stands_below(on, tree), or_(BRANCH.depth == 1, BELOW.depth == 0)))
        .outerjoin(UnitEdge, edge)
        .outerjoin(Tally, and_(Tally.unit_id == BELOW.descendant_id, Tally.briefing_id == briefing_id, ANYBODY))
        .where(stands_in(unit_id, on, tree), BRANCH.depth <= 1)
        .group_by(Unit.id, BRANCH.depth, UnitEdge.position)
        .order_by(BRANCH.depth.desc(), UnitEdge.position, Unit.sort_key, Unit.id)
    )


def units_below(unit_id: int, briefing_id: int, *, on: date, tree: str = STATE_TREE) -> Select[int, int, int]:
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
        .join(BELOW, stands_below(on, tree))
        .outerjoin(Tally, and_(Tally.unit_id == BELOW.descendant_id, Tally.briefing_id == briefing_id))
        .where(stands_in(unit_id, on, tree), BRANCH.depth > 0)
        .group_by(BRANCH.descendant_id)
        .having(func.sum(Tally.people) > 0)
        .subquery()
    )
    return select(
        func.count(),
        func.coalesce(func.sum(case((unit.c.briefed == unit.c.people, 1), else_=0)), 0),
        func.coalesce(func.sum(case((unit.c.started == 0, 1), else_=0)), 0),
    ).select_from(unit)


def stands_in(unit_id: int, on: date, tree: str) -> ColumnElement[bool]:
    """Whether the branch is the unit or stands below it on that day."""
    return and_(BRANCH.tree == tree, BRANCH.ancestor_id == unit_id, holds_on(on, BRANCH.valid_from, BRANCH.valid_to))


def stands_below(on: date, tree: str) -> ColumnElement[bool]:
    """Whether a unit is the root of a branch or stands below it on that day."""
    return and_(
        BELOW.tree == tree,
        BELOW.ancestor_id == BRANCH.descendant_id,
        holds_on(on, BELOW.valid_from, BELOW.valid_to),
    )


def briefings_given(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[*tuple[Any, ...]]:
    """Each briefing on whose roll somebody in the unit or below is, the one opened last first.

    Columns: id, code, course_id, plain, title and title_en (of a plain one those of its course), documents.
    """
    columns = Briefing.id, Briefing.code, Briefing.course_id, Briefing.plain
    title = case((Briefing.plain, TITLES.c.title), else_=Briefing.title).label("title")
    title_en = case((Briefing.plain, TITLES.c.title_en), else_=Briefing.title_en).label("title_en")
    somebody = (
        select(Tally.briefing_id)
        .select_from(BELOW)
        .join(Tally, and_(Tally.unit_id == BELOW.descendant_id, ANYBODY))
        .where(BELOW.tree == tree, BELOW.ancestor_id == unit_id, holds_on(on, BELOW.valid_from, BELOW.valid_to))
    )
    return (
        select(*columns, title, title_en, Briefing.documents)
        .join(TITLES, TITLES.c.course_id == Briefing.course_id)
        .where(Briefing.id.in_(somebody))
        .order_by(Briefing.opened_at.desc(), Briefing.id.desc())
    )


def tally_of_units(unit_ids: Select[int], briefing_id: int, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """One row, the columns of `counts`: of these units themselves, not of what is below them."""
    return select(*counts(now)).where(Tally.briefing_id == briefing_id, Tally.unit_id.in_(unit_ids))


def counts(now: datetime) -> list[ColumnElement[int]]:
    """The sums that make a `Count`, in its order; nought where there is nothing to add."""
    table, late = Tally.__table__.c, case((Tally.due_at < now, Tally.people - Tally.completed), else_=0)
    sums = {name: late if name == "overdue" else table[name] for name in COUNT_NAMES}
    return [func.coalesce(func.sum(column), 0).label(name) for name, column in sums.items()]
