"""Reading tallies, rolled up over a tree. What a question costs follows from the number of units, never of people.

Of what no tally holds (`Structure.anew`) the same statements read sums of standings in their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, Row, Select, String, and_, bindparam, case, cast, func, or_, select
from sqlalchemy.orm import Session, aliased

from analytics.facts import rules
from analytics.facts.projection import TODAY, Structure, unsaid_changes
from analytics.facts.rules import COUNT_NAMES, DAYS, MEMBERSHIP, NEVER_DUE, Choice
from courses.briefings.models import Standing
from courses.catalog.queries import NEWEST_TITLES
from courses.enrolment.models import Briefing
from lms.audit.models import AuditRetention
from lms.db import UtcDateTime
from lms.organisation.models import Unit, UnitClosure, UnitEdge, UnitName
from lms.organisation.queries import holds_on

# Made once: to make an alias or a subquery anew for every page costs more than to ask the database.
BRANCH, BELOW = aliased(UnitClosure), aliased(UnitClosure)
UNIT: Any = bindparam("unit", type_=Integer)
BRIEFING: Any = bindparam("briefing", type_=Integer)
DAY: Any = bindparam("day", type_=Date)
AFTER: Any = bindparam("after", type_=Date)
NOW: Any = bindparam("now", type_=UtcDateTime)


def recalled(session: Session, structure: Structure) -> Structure:
    """The structure with what nobody can tell of its moment any more.

    Who was a member of the Party then follows from what the log says was changed since: as far back as it is kept, and
    where every change says from what.
    """
    until = structure.until
    if until is None:
        return structure
    kept_from = session.scalar(select(AuditRetention.kept_from))
    lost = (kept_from is not None and kept_from > until) or session.scalar(unsaid_changes(until)) is not None
    return replace(structure, forgotten=MEMBERSHIP if lost else frozenset())


@dataclass(frozen=True, slots=True)
class Figures:
    """What the figures of a unit are read by: `tallies_by_child`, `changes_by_child`."""

    by_child: Select[*tuple[Any, ...]]
    changes: Select[*tuple[Any, ...]]


def figures(unit_id: int, briefing_id: int, structure: Structure, *, now: datetime, after: date) -> Figures:
    """Both of one unit in one briefing; `after`: changes count from the day after this one."""
    return Figures(
        tallies_by_child(unit_id, briefing_id, structure, now=now),
        changes_by_child(unit_id, briefing_id, structure, after=after),
    )


@cache
def figures_of_today(tree: str) -> Figures:
    """Those of any unit by the structure of a day of which there are tallies, put together once: every page asks them.

    Whoever sends them says which `unit`, `briefing`, `day`, `now` and `after`.
    """
    return figures(UNIT, BRIEFING, Structure(DAY, tree), now=NOW, after=AFTER)


COUNTED_FROM = 6
"""The place of the first of `counts` in a row of `tallies_by_child`."""


def tallies_by_child(
    unit_id: int, briefing_id: int, structure: Structure, *, now: datetime
) -> Select[*tuple[Any, ...]]:
    """One row for each unit directly below with its whole subtree, in their order, then one for the unit itself alone.

    Columns: id, public_id, code, name, short_name, depth (0: the unit itself), those of `counts`, next_due, last_due
    (None where nothing is due at a set time), told: what `rules.units_below` reads of the units of the branch. Units
    with nobody to count are there with noughts. One statement.
    """
    on, tree = structure.on, structure.tree
    sums = sums_by_child(unit_id, briefing_id, structure, now=now).subquery().c
    words: Any = UnitName if structure.then else Unit
    edge = and_(
        UnitEdge.tree == tree,
        UnitEdge.parent_id == unit_id,
        UnitEdge.child_id == sums.id,
        holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to),
    )
    columns = Unit.id, Unit.public_id, words.code, words.name, words.short_name
    query = (
        select(*columns, *(column for column in sums if column.key != "id"))
        .join(Unit, Unit.id == sums.id)
        .outerjoin(UnitEdge, edge)
        .order_by(sums.depth.desc(), UnitEdge.position, words.sort_key, Unit.id)
    )
    return worn_then(query, on) if structure.then else query


def sums_by_child(unit_id: int, briefing_id: int, structure: Structure, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """The sums of `tallies_by_child` by the id of the unit.

    Grouped by that alone, in the order in which the closure is read: with its words beside it, every tally would be
    sorted first.
    """
    on, tree = structure.on, structure.tree
    table = structure.tallies(structure.below(unit_id), briefing_id)
    tally = table.c
    return (
        select(
            BRANCH.descendant_id.label("id"),
            func.min(BRANCH.depth).label("depth"),
            *counts(tally, now),
            func.min(case((and_(tally.due_at >= now, tally.due_at < NEVER_DUE), tally.due_at))).label("next_due"),
            func.max(case((tally.due_at < NEVER_DUE, tally.due_at))).label("last_due"),
            func.aggregate_strings(told_of(tally), ",").label("told"),
        )
        .select_from(BRANCH)
        .join(BELOW, and_(stands_below(on, tree), or_(BRANCH.depth == 1, BELOW.depth == 0)))
        .outerjoin(table, and_(tally.unit_id == BELOW.descendant_id, tally.briefing_id == briefing_id, anybody(tally)))
        .where(stands_in(unit_id, on, tree), BRANCH.depth <= 1)
        .group_by(BRANCH.descendant_id)
    )


def changes_by_child(unit_id: int, briefing_id: int, structure: Structure, *, after: date) -> Select[*tuple[Any, ...]]:
    """Id, and how many were briefed and completed after that day, of the branches in which anything has changed.

    The branches are those of `tallies_by_child`. The outer join keeps SQLite from reading all days once for
    every unit.
    """
    on, tree = structure.on, structure.tree
    table = structure.days(structure.below(unit_id), briefing_id, after=after)
    day = table.c
    return (
        select(BRANCH.descendant_id, *(cast(func.sum(day[name]), Integer).label(name) for name in DAYS))
        .select_from(BRANCH)
        .join(BELOW, and_(stands_below(on, tree), or_(BRANCH.depth == 1, BELOW.depth == 0)))
        .outerjoin(table, and_(day.unit_id == BELOW.descendant_id, day.briefing_id == briefing_id, day.day > after))
        .where(stands_in(unit_id, on, tree), BRANCH.depth <= 1)
        .group_by(BRANCH.descendant_id)
        .having(func.count(day.unit_id) > 0)
    )


def days_of(unit_id: int, briefing_id: int, structure: Structure) -> Select[*tuple[Any, ...]]:
    """Day, and how many in the unit and below were briefed and completed on it, in order; days without any are not."""
    table = structure.days(structure.below(unit_id), briefing_id)
    day = table.c
    sums = [cast(func.sum(day[name]), Integer).label(name) for name in DAYS]
    return (
        select(day.day, *sums)
        .where(day.briefing_id == briefing_id, day.unit_id.in_(structure.below(unit_id)))
        .group_by(day.day)
        .having(or_(*(func.sum(day[name]) != 0 for name in DAYS)))
        .order_by(day.day)
    )


def worn_then(query: Select[*tuple[Any, ...]], on: date) -> Select[*tuple[Any, ...]]:
    """The query with the names that units bore that day."""
    worn = and_(UnitName.unit_id == Unit.id, holds_on(on, UnitName.valid_from, UnitName.valid_to))
    return query.join(UnitName, worn)


def told_of(tally: Any) -> ColumnElement[str | None]:
    """What `rules.units_below` is told of one unit below another by some of its people; None where none must study.

    To add each subtree up in the database would cost twice as much: a unit is then read once for every one above it.
    """
    behind, begun = (
        case((tally.briefed != tally.people, rules.BEHIND), else_=0),
        case((tally.started > 0, rules.BEGUN), else_=0),
    )
    code = BELOW.descendant_id * rules.TOLD + rules.SOME + behind + begun
    return case((and_(BRANCH.depth == 1, tally.people > 0), cast(code, String)))


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


def briefings_given(unit_id: int, structure: Structure) -> Select[*tuple[Any, ...]]:
    """Each briefing on whose roll somebody in the unit or below is, the one opened last first.

    Columns: id, code, course_id, plain, title and title_en (of a plain one those of its course), documents, policy.
    """
    on, tree = structure.on, structure.tree
    columns = Briefing.id, Briefing.code, Briefing.course_id, Briefing.plain
    title = case((Briefing.plain, NEWEST_TITLES.c.title), else_=Briefing.title).label("title")
    title_en = case((Briefing.plain, NEWEST_TITLES.c.title_en), else_=Briefing.title_en).label("title_en")
    somebody = (
        select(TODAY.c.briefing_id)
        .select_from(BELOW)
        .join(TODAY, and_(TODAY.c.unit_id == BELOW.descendant_id, anybody(TODAY.c)))
        .where(BELOW.tree == tree, BELOW.ancestor_id == unit_id, holds_on(on, BELOW.valid_from, BELOW.valid_to))
    )
    # One person is enough: the search ends with the first. For EXISTS PostgreSQL reads all tallies of a briefing; for
    # LIMIT all standings up to those of the briefing, which stand together.
    some = somebody.where(TODAY.c.briefing_id == Briefing.id)
    known: ColumnElement[bool] = some.correlate(Briefing).limit(1).scalar_subquery().is_not(None)
    if structure.anew:
        _place, standings = structure.standings(structure.below(unit_id))
        known = standings.where(Standing.briefing_id == Briefing.id).correlate(Briefing).exists()
    return (
        select(*columns, title, title_en, Briefing.documents, Briefing.policy)
        .join(NEWEST_TITLES, NEWEST_TITLES.c.course_id == Briefing.course_id)
        .where(known)
        .order_by(Briefing.opened_at.desc(), Briefing.id.desc())
    )


@cache
def given_today(tree: str) -> Select[*tuple[Any, ...]]:
    """`briefings_given` by the structure of a day of which there are tallies, put together once, as the figures are."""
    return briefings_given(UNIT, Structure(DAY, tree))


def given_to(session: Session, unit_id: int, structure: Structure) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of `briefings_given`."""
    if structure.anew:
        return session.execute(briefings_given(unit_id, structure)).all()
    return session.execute(given_today(structure.tree), {"unit": unit_id, "day": structure.on}).all()


def next_dues(unit_id: int, structure: Structure, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """One row for each briefing on whose roll somebody in the unit or below is.

    Columns: its code, whether it is closed, people, started, and the next due date (None: none is to come).
    """
    units = structure.below(unit_id)
    tally = structure.tallies(units).c
    coming = func.min(case((and_(tally.due_at > now, tally.due_at < NEVER_DUE), tally.due_at)), type_=UtcDateTime)
    return (
        select(
            Briefing.code,
            Briefing.closed_at.is_not(None).label("closed"),
            cast(func.sum(tally.people), Integer).label("people"),
            cast(func.sum(tally.started), Integer).label("started"),
            coming.label("next_due"),
        )
        .join(Briefing, Briefing.id == tally.briefing_id)
        .where(tally.unit_id.in_(units), anybody(tally))
        .group_by(Briefing.id)
        .order_by(Briefing.opened_at.desc(), Briefing.id.desc())
    )


def opened_first(session: Session, unit_id: int, structure: Structure, *, now: datetime) -> str:
    """The code of the briefing on which the pages of the unit open; there must be some."""
    return rules.opened_first([Choice(*row) for row in session.execute(next_dues(unit_id, structure, now=now))])


def tally_of_units(
    units: Select[int], briefing_id: int, structure: Structure, *, now: datetime
) -> Select[*tuple[Any, ...]]:
    """One row, the columns of `counts`: of these units themselves, not of what is below them."""
    table = structure.tallies(units, briefing_id)
    tally = table.c
    return select(*counts(tally, now)).where(tally.briefing_id == briefing_id, tally.unit_id.in_(units))


def tallies_by_briefing(
    unit_id: int, course_id: int, structure: Structure, *, now: datetime
) -> Select[*tuple[Any, ...]]:
    """One row for each briefing on a course on whose roll somebody in the unit or below is: its id, then `counts`."""
    units = structure.below(unit_id)
    tally = structure.tallies(units).c
    return (
        select(tally.briefing_id, *counts(tally, now))
        .join(Briefing, Briefing.id == tally.briefing_id)
        .where(Briefing.course_id == course_id, tally.unit_id.in_(units), anybody(tally))
        .group_by(tally.briefing_id)
    )


def anybody(tally: Any) -> ColumnElement[bool]:
    """Whether there is somebody to count."""
    found: ColumnElement[bool] = tally.people + tally.exempt > 0
    return found


def counts(tally: Any, now: datetime) -> list[ColumnElement[int]]:
    """The sums that make a `Count`, in its order, of these columns; nought where there is nothing to add."""
    late = case((tally.due_at < now, tally.people - tally.completed), else_=0)
    sums = {name: late if name == "overdue" else tally[name] for name in COUNT_NAMES}
    return [func.coalesce(func.sum(column), 0).label(name) for name, column in sums.items()]
