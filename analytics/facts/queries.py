"""Reading tallies, rolled up over a tree. What a question costs follows from the number of units, never of people.

Of what no tally holds (`Structure.anew`) the same statements read sums of standings in their place.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any, Generic

from sqlalchemy import (
    ColumnElement,
    Date,
    Dialect,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    TypeDecorator,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from analytics.facts import rules
from analytics.facts.projection import TODAY, Structure, unsaid_changes
from analytics.facts.rules import (
    COUNT_NAMES,
    DAYS,
    MEMBERSHIP,
    NAMES,
    NEVER_DUE,
    Branch,
    Change,
    Choice,
    N,
    N_co,
)
from courses.briefings.models import Standing
from courses.catalog.queries import NEWEST_TITLES
from courses.enrolment.models import Briefing
from lms.audit.models import AuditRetention
from lms.db import UtcDateTime
from lms.organisation.gathering import places_on
from lms.organisation.models import Unit, UnitClosure
from lms.organisation.queries import OnDay, holds_on

# Made once: to make an alias or a subquery anew for every page costs more than to ask the database.
BRANCH, BELOW = aliased(UnitClosure), aliased(UnitClosure)
UNIT: Any = bindparam("unit", type_=Integer)
BRIEFING: Any = bindparam("briefing", type_=Integer)
DAY: Any = bindparam("day", type_=Date)
AFTER: Any = bindparam("after", type_=Date)
NOW: Any = bindparam("now", type_=UtcDateTime)
PLACES: Any = bindparam("places", type_=LargeBinary)


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
class Figures(Generic[N_co]):
    """A unit in one briefing: its branches in their order, itself alone the last; and of all units below it, how far.

    Branches with nobody to count are there with noughts.
    """

    branches: Sequence[Branch[N_co]]
    below: rules.UnitsBelow


def figures(
    session: Session,
    unit: Unit | OnDay,
    briefing_id: int,
    structure: Structure,
    kind: type[N],
    *,
    now: datetime,
    after: date | None = None,
    seen: Container[int] | None = None,
) -> Figures[N]:
    """The figures of a unit, of this kind; what has changed counts from the day `after` this one (None: not asked).

    Two statements with the changes, whatever the number of people or units, and one for the tree: of today's only
    whether the organisation has changed. `seen`: the units whose pages are open (None: all).
    """
    places = places_on(session, unit.id, on=structure.on, tree=structure.tree)
    branches = places.branches(unit.id)
    ids, most, send = branches.ids, places.most(branches), session.connection().execute  # rows that are no objects
    values = {"unit": unit.id, "briefing": briefing_id, "day": structure.on, "places": branches.places, "now": now}
    rows = {ids[row.branch]: row for row in send(tallies_asked(structure, NAMES[kind], most, values), values)}
    changes: dict[int | None, Change] = {}
    if after is not None:
        values["after"] = after
        changes = {ids[place]: Change(*row) for place, *row in send(changes_asked(structure, most, values), values)}
    found = [
        branch_of(
            one,
            kind,
            rows.get(one.id),
            changes.get(one.id, NO_CHANGE),
            itself=one is unit,
            open_=seen is None or one.id in seen,
        )
        for one in (*places.below.get(unit.id, ()), unit)
    ]
    told = [row.told for branch, row in rows.items() if branch not in {None, unit.id}]
    return Figures(found, rules.units_below(told, places.above, unit.id))


def branch_of(
    one: Unit | OnDay, kind: type[N], row: Row[*tuple[Any, ...]] | None, change: Change, *, itself: bool, open_: bool
) -> Branch[N]:
    """A unit with its row of `tallies_by_branch`; None where there is nobody to count."""
    count = kind() if row is None else kind(*row[COUNTED_FROM:])
    next_due, last_due = (None, None) if row is None else (row.next_due, row.last_due)
    words = one.public_id, one.code, one.name, one.short_name
    return Branch(*words, itself, count, next_due, last_due, open=open_, change=change)


NO_CHANGE = Change()


def tallies_asked(
    structure: Structure, names: tuple[str, ...], most: bool, values: Mapping[str, Any]
) -> Select[*tuple[Any, ...]]:
    """`tallies_by_branch` for these values; that of today is put together once, for every page asks it."""
    if structure.anew:
        return tallies_by_branch(values["unit"], values["briefing"], structure, names)
    return tallies_today(structure.tree, names, most)


def changes_asked(structure: Structure, most: bool, values: Mapping[str, Any]) -> Select[*tuple[Any, ...]]:
    """`changes_by_branch`, likewise."""
    if structure.anew:
        return changes_by_branch(values["unit"], values["briefing"], structure, after=values["after"])
    return changes_today(structure.tree, most)


@cache
def tallies_today(tree: str, names: tuple[str, ...], most: bool) -> Select[*tuple[Any, ...]]:
    return tallies_by_branch(UNIT, BRIEFING, Structure(DAY, tree), names, most=most)


@cache
def changes_today(tree: str, most: bool) -> Select[*tuple[Any, ...]]:
    return changes_by_branch(UNIT, BRIEFING, Structure(DAY, tree), after=AFTER, most=most)


def tallies_by_branch(
    unit_id: int, briefing_id: int, structure: Structure, names: tuple[str, ...], *, most: bool = False
) -> Select[*tuple[Any, ...]]:
    """One row for each branch of a unit that has somebody to count.

    Columns: branch (its place in `Branches.ids`), next_due, last_due (None where nothing is due at a set time), told
    (what `rules.units_below` reads of its units), and these counts. `most`: of the branches of all units, among them
    the place 0 of what stands in none, which is less work where most are asked for. Whoever sends it says `places`, as
    in `Branches`, and `now`: to join each unit to its branch took longer than all else of it.
    """
    units = structure.below(unit_id)
    tally = structure.tallies(units, briefing_id).c
    query = (
        select(
            BranchOf(PLACES, tally.unit_id).label("branch"),
            func.min(case((and_(tally.due_at >= NOW, tally.due_at < NEVER_DUE), tally.due_at))).label("next_due"),
            func.max(case((tally.due_at < NEVER_DUE, tally.due_at))).label("last_due"),
            func.aggregate_strings(told_of(tally), ",").label("told"),
            *counts(tally, NOW, names),
        )
        .where(tally.briefing_id == briefing_id, anybody(tally))
        .group_by("branch")
    )
    return query if most or structure.anew else query.where(tally.unit_id.in_(units))


def changes_by_branch(
    unit_id: int, briefing_id: int, structure: Structure, *, after: Any, most: bool = False
) -> Select[*tuple[Any, ...]]:
    """Branch, and how many were briefed and completed after that day, of the branches in which anything has changed."""
    units = structure.below(unit_id)
    day = structure.days(units, briefing_id, after=after).c
    sums = (cast(func.sum(day[name]), Integer).label(name) for name in DAYS)
    query = (
        select(BranchOf(PLACES, day.unit_id).label("branch"), *sums)
        .where(day.briefing_id == briefing_id, day.day > after)
        .group_by("branch")
    )
    return query if most or structure.anew else query.where(day.unit_id.in_(units))


COUNTED_FROM = 4
"""The place of the first count in a row of `tallies_by_branch`."""


def told_of(tally: Any) -> ColumnElement[str | None]:
    """What `rules.units_below` is told of a unit by some of its people; None where none must study.

    To add each subtree up in the database would cost twice as much: a unit is then read once for every one above it.
    """
    behind, begun = (
        case((tally.briefed != tally.people, rules.BEHIND), else_=0),
        case((tally.started > 0, rules.BEGUN), else_=0),
    )
    return case((tally.people > 0, cast(tally.unit_id * rules.TOLD + rules.SOME + behind + begun, String)))


class Place(TypeDecorator[int]):
    """A place in `Branches.ids`: on SQLite two bytes, or none for a unit that came later."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> int:
        return value if isinstance(value, int) else int.from_bytes(value or b"")


class BranchOf(GenericFunction[int]):
    """The place in `Branches.ids` of the branch of a unit, read from `Branches.places`."""

    type = Place()
    inherit_cache = True


@compiles(BranchOf, "sqlite")
def branch_on_sqlite(element: BranchOf, compiler: SQLCompiler, **kw: Any) -> str:
    places, unit = (compiler.process(one, **kw) for one in element.clauses)
    return f"substr({places}, {unit} * 2 + 1, 2)"


@compiles(BranchOf, "postgresql")
def branch_on_postgresql(element: BranchOf, compiler: SQLCompiler, **kw: Any) -> str:
    places, unit = (compiler.process(one, **kw) for one in element.clauses)
    place = f"get_byte({places}, {unit} * 2) * 256 + get_byte({places}, {unit} * 2 + 1)"
    return f"CASE WHEN {unit} * 2 < octet_length({places}) THEN {place} ELSE 0 END"


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


def counts(tally: Any, now: Any, names: Sequence[str] = COUNT_NAMES) -> list[ColumnElement[int]]:
    """The sums that make a `Count`, or these of them, in order, of these columns; nought where there are none."""
    late = case((tally.due_at < now, tally.people - tally.completed), else_=0)
    sums = {name: late if name == "overdue" else tally[name] for name in names}
    return [func.coalesce(func.sum(column), 0).label(name) for name, column in sums.items()]
