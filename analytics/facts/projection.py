"""Standings summed up as tallies are, when they are read: of another day or tree, some people, or until a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Select,
    String,
    Subquery,
    Uuid,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from analytics.facts.models import Tally, TallyDay
from analytics.facts.rules import COUNTS, DAYS, NEVER_DUE, OF_NOW, PER_POINT, SCORES
from assessments.reflections.models import Reflection, ReflectionVersion
from courses.briefings.models import BriefingSession, MeetingPoint, Standing
from courses.briefings.rules import MEMBERS
from courses.enrolment.models import Assignment, AssignmentHandover, RollDecision
from courses.meetings.models import PointSighting
from lms.accounts.models import Membership, Person
from lms.accounts.queries import all_links
from lms.audit.models import AuditEntry
from lms.clock import start_of_day
from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitName
from lms.organisation.projection import with_former
from lms.organisation.queries import holds_on, subtree

TODAY, DAY_BY_DAY = Tally.__table__, TallyDay.__table__


@dataclass(frozen=True, slots=True)
class Structure:
    """By which tree of which day people are counted, who of them, and with which results.

    `then`: where they belonged that day, else where they do now. `people`: only these of them (None: all);
    `category`: only of this staff category ("": of any). `until`: with what had come by this moment (None: by now),
    of those to whom a briefing had been given by then. With none of these figures are read from tallies; else they
    are counted from standings when they are asked for. `seen`: of these units alone is told what they host and enter
    (None: of all); whom they have is told by `people`. `forgotten`: what nobody can tell of that moment any more.
    """

    on: date
    tree: str = STATE_TREE
    then: bool = False
    people: Select[int] | None = None
    category: str = ""
    until: datetime | None = None
    seen: frozenset[int] | None = None
    forgotten: frozenset[str] = frozenset()

    @property
    def anew(self) -> bool:
        """Whether no tally says this: it costs people, not units."""
        return self.then or self.until is not None or bool(self.category)

    @property
    def untold(self) -> frozenset[str]:
        """The counts that are not told of a day that is over, or cannot be, or not of some of a unit's people."""
        past = OF_NOW | self.forgotten if self.until is not None else frozenset()
        return past | (SCORES if self.category else frozenset())

    def tallies(self, units: Select[int], briefing_id: int | None = None) -> FromClause:
        """The columns of `Tally`: for all units, or counted anew for these units, and for one briefing."""
        if not self.anew:
            return TODAY
        place, standings = self.standings(units, briefing_id)
        keys = Standing.briefing_id, place.label("unit_id"), func.coalesce(Standing.due_at, NEVER_DUE).label("due_at")
        query = standings.with_only_columns(*keys, *sums_of_standings(self, briefing_id))
        return query.group_by(Standing.briefing_id, place, keys[-1]).subquery()

    def days(self, units: Select[int], briefing_id: int, *, after: date | None = None) -> FromClause:
        """The columns of `TallyDay` of one briefing: for all units, or counted anew for these and days `after` one."""
        if not self.anew:
            return DAY_BY_DAY
        place, standings = self.standings(units, briefing_id)
        moments, must = (Standing.briefed_at, Standing.completed_at), ~exempt(self.until)
        since = start_of_day(after + timedelta(days=1)) if after is not None else None
        each = [
            standings.where(
                must, moment.is_not(None) if since is None else moment >= since, *by(self.until, moment)
            ).with_only_columns(
                Standing.briefing_id,
                place.label("unit_id"),
                VietnamDay(moment).label("day"),
                *(literal(int(moment is one)).label(name) for name, one in zip(DAYS, moments, strict=True)),
            )
            for moment in moments
        ]
        return union_all(*each).subquery()

    def standings(
        self, units: Select[int], briefing_id: int | None = None
    ) -> tuple[ColumnElement[int], Select[*tuple[Any, ...]]]:
        """Where somebody counts, and whose standings count in these units, of one briefing or of all."""
        place: ColumnElement[int] = Membership.unit_id.expression if self.then else Standing.unit_id.expression
        query: Select[*tuple[Any, ...]] = select(Standing.person_id).where(place.in_(units), *self.counting())
        if self.then:
            query = query.join(Membership, Membership.person_id == Standing.person_id)
        if self.category:
            query = query.join(Person, Person.id == Standing.person_id)
        return place, query if briefing_id is None else query.where(Standing.briefing_id == briefing_id)

    def listed(
        self, units: Select[int], briefing_id: int
    ) -> tuple[tuple[ColumnElement[Any], ...], Select[*tuple[Any, ...]]]:
        """Public id, code and name of the unit of each by it, and standings in one briefing, with persons joined."""
        place, query = self.standings(units, briefing_id)
        if not self.category:
            query = query.join(Person, Person.id == Standing.person_id)
        query, words = query.join(Unit, Unit.id == place), (UnitName if self.then else Unit)
        if self.then:
            worn = and_(UnitName.unit_id == place, holds_on(self.on, UnitName.valid_from, UnitName.valid_to))
            query = query.join(UnitName, worn)
        return (Unit.public_id.expression, words.code.expression, words.name.expression), query

    def counting(self) -> list[ColumnElement[bool]]:
        """Which standings count, and by which membership, where a query has joined it and the person."""
        found: list[ColumnElement[bool]] = []
        if self.people is not None:
            (whose,) = self.people.selected_columns  # asked of each who counts: few do where a unit is small
            found.append(self.people.where(whose == Standing.person_id).correlate(Standing).exists())
        if self.then:
            found += [Membership.tree == self.tree, Membership.kind == "main"]
            found.append(holds_on(self.on, Membership.valid_from, Membership.valid_to))
        if self.category:
            found.append(Person.category == self.category)
        if self.until is not None:
            found.append(Standing.assignment_id.in_(given_by(self.until)))
        return found

    def below(self, unit_id: int) -> Select[int]:
        """The units at and below one, that day."""
        return subtree(unit_id, on=self.on, tree=self.tree)

    def open(self, unit_id: int) -> Select[int]:
        """Those of them that tell of themselves."""
        below = self.below(unit_id)
        return below if self.seen is None else below.where(UnitClosure.descendant_id.in_(self.seen))

    def hosts(self, unit_id: int) -> Select[int]:
        """Those, and all in whose place they stand: whose meeting points are those of the unit."""
        return with_former(self.open(unit_id), on=self.on)


def given_by(moment: datetime) -> Select[int]:
    """The assignments in force that had been given by then, or to the same unit before, or whose place was taken over,
    however often, from one that had.
    """
    before = aliased(Assignment)
    held = or_(before.withdrawn_at.is_(None), before.withdrawn_at > moment)
    same = before.briefing_id == Assignment.briefing_id, before.unit_id == Assignment.unit_id
    earlier = select(before.id).where(*same, before.tree == Assignment.tree, before.assigned_at <= moment, held)
    over = AssignmentHandover
    passed = select(over.begun_id, over.assignment_id).where(over.begun_id.is_not(None)).cte(recursive=True)
    earlier_still = select(passed.c.begun_id, over.assignment_id).join(over, over.begun_id == passed.c.assignment_id)
    passed = passed.union(earlier_still)
    first = select(passed.c.begun_id).join(before, before.id == passed.c.assignment_id)
    passed_on = first.where(before.assigned_at <= moment)
    return select(Assignment.id).where(or_(earlier.correlate(Assignment).exists(), Assignment.id.in_(passed_on)))


def exempt(until: datetime | None) -> ColumnElement[bool]:
    """Whether somebody is exempt, or was at that moment."""
    return Standing.exempt.expression if until is None else decided_so("exempt", until)


def decided_so(kind: str, until: datetime) -> ColumnElement[bool]:
    """Whether that had been decided about somebody by then, and was not revoked before."""
    decided, (links, whose) = RollDecision, counted_as(RollDecision.person_id)
    those = (
        select(decided.briefing_id, whose)
        .outerjoin(links, links.c.duplicate_id == decided.person_id)
        .where(decided.kind == kind, decided.decided_at <= until)
        .where(or_(decided.revoked_at.is_(None), decided.revoked_at > until))
    )
    return tuple_(Standing.briefing_id, Standing.person_id).in_(those)


def counted_as(own: Any) -> tuple[Subquery, ColumnElement[int]]:
    """The links of records, to be joined where it is a duplicate's, and whose it is: the record that counts."""
    links = all_links().subquery()
    return links, func.coalesce(links.c.person_id, own)


def last_said(until: datetime, briefing_id: int | None, *, each: Any, of: Sequence[int] | None = None) -> CTE:
    """What points had said of people by that moment, each person once for `each`: the briefing, or the sitting.

    Columns briefing_id, point_id, person_id (the record that counts), state, at; `place` 1 is what was said last. `of`:
    of these records alone. A point has one statement of a person that counts, for it corrects by voiding: so what it
    says now, it said when it says.
    """
    said, (links, whose) = PointSighting, counted_as(PointSighting.person_id)
    order = said.at.desc(), BriefingSession.id, said.point_id.desc()
    columns = BriefingSession.briefing_id, said.point_id, whose.label("person_id"), said.state, said.at
    query = (
        select(*columns, func.row_number().over(partition_by=(each, whose), order_by=order).label("place"))
        .join(MeetingPoint, MeetingPoint.id == said.point_id)
        .join(BriefingSession, BriefingSession.id == MeetingPoint.session_id)
        .outerjoin(links, links.c.duplicate_id == said.person_id)
        .where(said.at <= until, true() if of is None else said.person_id.in_(of))
    )
    return (query if briefing_id is None else query.where(BriefingSession.briefing_id == briefing_id)).cte()


def away(until: datetime, briefing_id: int | None) -> dict[str, ColumnElement[bool]]:
    """Whether somebody had been missed by that moment, with a reason or without, and not been briefed."""
    last = last_said(until, briefing_id, each=BriefingSession.briefing_id)
    leave = decided_so("leave", until)
    said = {
        state: tuple_(Standing.briefing_id, Standing.person_id).in_(
            select(last.c.briefing_id, last.c.person_id).where(last.c.place == 1, last.c.state == state)
        )
        for state in ("excused", "unexcused")
    }
    waits = or_(Standing.briefed_at.is_(None), Standing.briefed_at > until)
    return {
        "excused": and_(waits, or_(leave, said["excused"])),
        "unexcused": and_(waits, ~leave, said["unexcused"]),
    }


def handed_in(until: datetime) -> ColumnElement[bool]:
    """Whether somebody had handed in a reflection by that moment: the standing bears the last time alone."""
    links, whose = counted_as(Reflection.person_id)
    those = (
        select(Reflection.briefing_id, whose)
        .join(ReflectionVersion, ReflectionVersion.reflection_id == Reflection.id)
        .outerjoin(links, links.c.duplicate_id == Reflection.person_id)
        .where(ReflectionVersion.handed_in_at <= until)
    )
    before = tuple_(Standing.briefing_id, Standing.person_id).in_(those)
    return and_(Standing.submitted_at.is_not(None), or_(Standing.submitted_at <= until, before))


def member(until: datetime | None) -> ColumnElement[bool]:
    """Whether somebody is a member of the Party, or was at that moment: what the first change since says it was."""
    if until is None:
        return Standing.member.expression
    changed = changes_of_party(until)
    first = select(Person.id).join(changed, Person.public_id == cast(changed.c.whose, Uuid)).where(changed.c.place == 1)
    was, was_not = (
        Standing.person_id.in_(first.where(among).correlate(None))
        for among in (changed.c.before.in_(MEMBERS), changed.c.before.not_in(MEMBERS))
    )
    return case((was, true()), (was_not, false()), else_=Standing.member)


def changes_of_party(since: datetime) -> Subquery:
    """Of each person whose membership was changed after that moment, what it was before each change, by `place`."""
    entry = AuditEntry
    before = entry.details[("changes", "party", 0)].as_string()
    return (
        select(
            func.replace(entry.object_id, "-", "").label("whose"),
            before.label("before"),
            func.row_number().over(partition_by=entry.object_id, order_by=entry.id).label("place"),
        )
        .where(entry.action == PARTICULARS_CHANGED, entry.object_kind == "person")
        .where(entry.at > since, before.is_not(None))
        .subquery()
    )


PARTICULARS_CHANGED = "person.change"
"""The act by which particulars of somebody are changed; its entry has what was before of those that are no names."""


def unsaid_changes(since: datetime) -> Select[int]:
    """An entry after that moment which says that a membership was changed and not from what, as older ones do."""
    entry = AuditEntry
    named = cast(entry.details, String).contains('"party"')
    silent = entry.details[("changes", "party", 0)].as_string().is_(None)
    return select(entry.id).where(entry.action == PARTICULARS_CHANGED, entry.at > since, named, silent).limit(1)


def by(until: datetime | None, moment: Any) -> list[ColumnElement[bool]]:
    """That it had come by then, where one asks of a moment that is over."""
    return [] if until is None else [moment <= until]


class VietnamDay(GenericFunction[date]):
    """The day in Vietnam of a moment that is stored."""

    type = Date()
    inherit_cache = True


@compiles(VietnamDay, "sqlite")
def day_on_sqlite(element: VietnamDay, compiler: SQLCompiler, **kw: Any) -> str:
    return f"date({compiler.process(element.clauses, **kw)}, '+7 hours')"


@compiles(VietnamDay, "postgresql")
def day_on_postgresql(element: VietnamDay, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC' + interval '7 hours' AS date)"


def conditions(until: datetime | None = None, briefing_id: int | None = None) -> dict[str, ColumnElement[bool]]:
    """Who of those that are not exempt is counted, by the name of the count; `until`: who was at that moment.

    What is not told of that moment counts nobody. `briefing_id`: of standings in this one alone.
    """
    briefed = and_(Standing.briefed_at.is_not(None), *by(until, Standing.briefed_at))
    return {
        "people": true(),
        "started": Standing.state != "not_started",
        "briefed": briefed,
        "completed": and_(Standing.completed_at.is_not(None), *by(until, Standing.completed_at)),
        "by_point": and_(Standing.way == "point", briefed),
        "online": and_(Standing.way == "online", briefed),
        "made_up": and_(Standing.way == "make_up", briefed),
        "excused": Standing.absence == "excused",
        "unexcused": Standing.absence == "unexcused",
        "submitted": Standing.submitted_at.is_not(None),
        "accepted": and_(Standing.accepted_at.is_not(None), *by(until, Standing.accepted_at)),
        "tested": and_(Standing.tested_at.is_not(None), *by(until, Standing.tested_at)),
        "scored": Standing.score.is_not(None),
    } | (past_conditions(until, briefing_id) if until is not None else {})


def past_conditions(until: datetime, briefing_id: int | None) -> dict[str, ColumnElement[bool]]:
    """What has another source than the standing when it is asked of a moment that is over."""
    untold, handed = dict.fromkeys(OF_NOW.intersection(COUNTS), false()), handed_in(until)
    begun = or_(Standing.started_at <= until, Standing.briefed_at <= until, handed)  # by what was handed in first, too
    return {**untold, **away(until, briefing_id), "started": begun, "submitted": handed}


def whose(
    name: str, met: Mapping[str, ColumnElement[bool]], *, now: datetime, until: datetime | None = None
) -> list[ColumnElement[bool]]:
    """Whose standings make up a count of `rules.PEOPLE`; `until`: made it up at that moment. `met`: `conditions` of it.

    These are composed once for a query: what they read of others is then read once.
    """
    if name == "roll":
        return []
    free = exempt(until)
    if name in {"exempt", "members", "non_members"}:
        return [and_({"exempt": free, "members": member(until), "non_members": ~member(until)}[name])]
    if name == "overdue":
        return [~free, ~met["completed"], Standing.due_at < now]
    return [~free, met[name]]


def state(met: Mapping[str, ColumnElement[bool]], until: datetime | None) -> ColumnElement[str]:
    """Where somebody stands, or stood at that moment: in the furthest state whose count had them."""
    then = (met["completed"], "completed"), (met["briefed"], "briefed"), (met["started"], "in_progress")
    return Standing.state.expression if until is None else case(*then, else_="not_started")


def sums_of_standings(structure: Structure, briefing_id: int | None = None) -> list[ColumnElement[int]]:
    """What `rules.counted` makes of standings, as sums. As whole numbers: PostgreSQL adds larger ones to decimals.

    What is not told is nought.
    """
    until, free = structure.until, exempt(structure.until)
    each: dict[str, ColumnElement[Any]] = {
        name: case((and_(~free, condition), 1), else_=0) for name, condition in conditions(until, briefing_id).items()
    }
    points = func.round(func.coalesce(Standing.score, 0.0) * 10 * PER_POINT)
    each["score"] = case((~Standing.exempt, points), else_=0)
    each["exempt"], each["members"] = (case((one, 1), else_=0) for one in (free, member(until)))
    each |= dict.fromkeys(structure.untold.intersection(COUNTS), literal(0))
    return [cast(func.sum(each[name]), Integer).label(name) for name in COUNTS]
