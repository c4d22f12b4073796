"""Reading tallies, rolled up over a tree. What a question costs follows from the number of units, never of people.

Of another day or another tree than today's state tree there are no tallies: they are counted from dated rows.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, Select, and_, case, cast, func, or_, select
from sqlalchemy.orm import aliased

from analytics.facts.models import Tally
from courses.briefings.models import Standing
from courses.catalog.models import Course, CourseVersion
from courses.catalog.queries import newest_versions
from courses.enrolment.models import Assignment
from lms.accounts.models import Membership
from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitEdge, UnitName
from lms.organisation.queries import holds_on, subtree

# Made once: to make an alias or a subquery anew for every page costs more than to ask the database.
BRANCH, BELOW = aliased(UnitClosure), aliased(UnitClosure)
TITLES = (
    newest_versions()
    .with_only_columns(CourseVersion.course_id, CourseVersion.title, CourseVersion.title_en)
    .order_by(None)
    .subquery()
)
TODAY = Tally.__table__


@dataclass(frozen=True, slots=True)
class Structure:
    """The tree of a day by which people are counted: with `then`, where they belonged that day, else by tallies.

    Standings are those of now in any case. `people`: only these of them (None: all).
    """

    on: date
    tree: str = STATE_TREE
    then: bool = False
    people: Select[int] | None = None

    def tallies(self, units: Select[int], course_id: int | None = None) -> FromClause:
        """The columns of `Tally`: of today for all units, else counted anew for these units, and for one course."""
        if not self.then:
            return TODAY
        # As whole numbers: PostgreSQL adds up larger ones to decimals.
        reached = {
            "people": func.count(),
            "started": func.sum(case((Standing.state != "not_started", 1), else_=0)),
            "briefed": func.sum(case((Standing.state.in_(("briefed", "completed")), 1), else_=0)),
            "completed": func.sum(case((Standing.state == "completed", 1), else_=0)),
        }
        keys = Standing.course_id, Membership.unit_id, Standing.assignment_id
        query = (
            select(*keys, *(cast(count, Integer).label(name) for name, count in reached.items()))
            .join(Membership, Membership.person_id == Standing.person_id)
            .where(*self.counting(), Membership.unit_id.in_(units))
            .group_by(*keys)
        )
        return (query if course_id is None else query.where(Standing.course_id == course_id)).subquery()

    def counting(self) -> list[ColumnElement[bool]]:
        """Where the membership of a standing's person counts that day."""
        main = Membership.tree == self.tree, Membership.kind == "main"
        those = [Standing.person_id.in_(self.people)] if self.people is not None else []
        return [*main, holds_on(self.on, Membership.valid_from, Membership.valid_to), *those]

    def below(self, unit_id: int) -> Select[int]:
        """The units at and below one, that day."""
        return subtree(unit_id, on=self.on, tree=self.tree)


def tallies_by_child(unit_id: int, course_id: int, structure: Structure, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """One row for each unit directly below with its whole subtree, in their order, then one for the unit itself alone.

    Columns: id, public_id, code, name, short_name, depth (0: the unit itself), people, started, briefed, completed,
    overdue, next_due, last_due. Units with nobody to count are there with noughts. One statement.
    """
    on, tree = structure.on, structure.tree
    table = structure.tallies(structure.below(unit_id), course_id)
    tally = table.c
    words: Any = UnitName if structure.then else Unit
    edge = and_(
        UnitEdge.tree == tree,
        UnitEdge.parent_id == unit_id,
        UnitEdge.child_id == BRANCH.descendant_id,
        holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to),
    )
    query = (
        select(
            Unit.id,
            Unit.public_id,
            words.code,
            words.name,
            words.short_name,
            BRANCH.depth,
            *counts(tally, now),
            func.min(case((Assignment.due_at >= now, Assignment.due_at))).label("next_due"),
            func.max(Assignment.due_at).label("last_due"),
        )
        .select_from(BRANCH)
        .join(Unit, Unit.id == BRANCH.descendant_id)
        .join(BELOW, and_(stands_below(on, tree), or_(BRANCH.depth == 1, BELOW.depth == 0)))
        .outerjoin(UnitEdge, edge)
        .outerjoin(table, and_(tally.unit_id == BELOW.descendant_id, tally.course_id == course_id, tally.people > 0))
        .outerjoin(Assignment, Assignment.id == tally.assignment_id)
        .where(stands_in(unit_id, on, tree), BRANCH.depth <= 1)
        .group_by(Unit.id, BRANCH.depth, UnitEdge.position)
        .order_by(BRANCH.depth.desc(), UnitEdge.position, words.sort_key, Unit.id)
    )
    return worn_then(query, on) if structure.then else query


def worn_then(query: Select[*tuple[Any, ...]], on: date) -> Select[*tuple[Any, ...]]:
    """The query with the names that units bore that day."""
    worn = and_(UnitName.unit_id == Unit.id, holds_on(on, UnitName.valid_from, UnitName.valid_to))
    return query.join(UnitName, worn).group_by(UnitName.unit_id, UnitName.valid_from)


def units_below(unit_id: int, course_id: int, structure: Structure) -> Select[int, int, int]:
    """Of all units below, each taken with its own subtree: how many are concerned, fully briefed, not begun.

    One row. Units in which nobody must study the course are not concerned. The outer join keeps SQLite from reading
    all tallies once for every unit.
    """
    on, tree = structure.on, structure.tree
    tally = structure.tallies(structure.below(unit_id), course_id)
    sums = {name: func.sum(tally.c[name]) for name in ("people", "started", "briefed")}
    unit = (
        select(*(column.label(name) for name, column in sums.items()))
        .select_from(BRANCH)
        .join(BELOW, stands_below(on, tree))
        .outerjoin(tally, and_(tally.c.unit_id == BELOW.descendant_id, tally.c.course_id == course_id))
        .where(stands_in(unit_id, on, tree), BRANCH.depth > 0)
        .group_by(BRANCH.descendant_id)
        .having(sums["people"] > 0)
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


def courses_studied(unit_id: int, structure: Structure) -> Select[int, str, str, str]:
    """Id, code and titles of each course that somebody in the unit or below must study, the one assigned last first."""
    on, tree = structure.on, structure.tree
    tally = structure.tallies(structure.below(unit_id))
    return (
        select(Course.id, Course.code, TITLES.c.title, TITLES.c.title_en)
        .select_from(BELOW)
        .join(tally, and_(tally.c.unit_id == BELOW.descendant_id, tally.c.people > 0))
        .join(Assignment, Assignment.id == tally.c.assignment_id)
        .join(Course, Course.id == tally.c.course_id)
        .join(TITLES, TITLES.c.course_id == Course.id)
        .where(BELOW.tree == tree, BELOW.ancestor_id == unit_id, holds_on(on, BELOW.valid_from, BELOW.valid_to))
        .group_by(Course.id, Course.code, TITLES.c.title, TITLES.c.title_en)
        .order_by(func.max(Assignment.assigned_at).desc(), Course.id.desc())
    )


def tally_of_units(
    units: Select[int], course_id: int, structure: Structure, *, now: datetime
) -> Select[*tuple[Any, ...]]:
    """One row: people, started, briefed, completed, overdue of these units themselves, not of what is below them."""
    table = structure.tallies(units, course_id)
    tally = table.c
    return (
        select(*counts(tally, now))
        .select_from(table)
        .join(Assignment, Assignment.id == tally.assignment_id)
        .where(tally.course_id == course_id, tally.unit_id.in_(units))
    )


def counts(tally: Any, now: datetime) -> list[ColumnElement[int]]:
    """The sums people, started, briefed, completed and overdue of these columns; nought with nothing to add."""
    late = case((Assignment.due_at < now, tally.people - tally.completed), else_=0)
    sums = {
        "people": tally.people,
        "started": tally.started,
        "briefed": tally.briefed,
        "completed": tally.completed,
        "overdue": late,
    }
    return [func.coalesce(func.sum(column), 0).label(name) for name, column in sums.items()]
