"""What is asked beyond tallies: who is missing (Biểu 02), what points saw (03), a month (05), the register."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from analytics.facts.projection import Structure, VietnamDay, by, exempt, last_said, member
from analytics.reports.queries import Subject, units_within
from analytics.reports.rules import Value, month_bounds, summed_cells
from analytics.reports.vocabulary import FINISHED, SPAN, TEN_THOUSAND
from courses.briefings.models import Attendance, BriefingSession, MeetingPoint, Standing
from courses.catalog.queries import NEWEST_TITLES
from courses.catalog.rules import Settings
from courses.enrolment.models import Briefing
from courses.learning.models import ActivityProgress
from courses.meetings.models import PointSighting
from courses.meetings.queries import placed, there
from courses.reminders.models import ReminderSent
from lms.accounts.models import Membership, Person, PersonLink
from lms.accounts.queries import all_links
from lms.clock import day_of
from lms.organisation.models import PARTY_TREE, Unit, UnitName
from lms.organisation.projection import taken_over
from lms.organisation.queries import holds_on
from lms.text import fold

STAFF = ("can_bo", "cong_chuc", "vien_chuc")
"""CBCCVC: the three legal categories together."""


@dataclass(frozen=True, slots=True)
class Month:
    """Key, name and cells of each unit directly below, and of the unit itself where people are; and of all together."""

    branches: list[tuple[str, str, dict[str, Value]]]
    total: dict[str, Value]


def month_by_unit(session: Session, of: Subject, period: str) -> Month:
    """The figures of the month as far as it had come, in six statements. Raises ValueError for what is no month.

    Of a staff category people are told, but conferences and documents are those of everybody: so categories add up.
    """
    begins, ends = month_bounds(period)
    last_day = min(of.by.on, day_of(ends) - timedelta(days=1))
    ends = min(ends, of.by.until + timedelta.resolution) if of.by.until is not None else ends
    held = [tuple(row) for row in session.execute(points_in(of, begins, ends))]
    everybody = replace(of, structure=replace(of.by, category=""))
    briefed = [tuple(row) for row in session.execute(briefed_in(everybody, begins, ends))]
    under_way = {briefing_id for _unit, briefing_id, *_ in (*held, *briefed)}
    query = select(Briefing.id, Briefing.documents).where(Briefing.id.in_(under_way))
    documents: dict[int, list[str]] = {row.id: row.documents for row in session.execute(query)}
    own: dict[int, list[dict[str, Value]]] = {}
    papers: dict[int, set[str]] = {}
    for unit_id, briefing_id, number in held:
        own.setdefault(unit_id, []).append({"conferences": number})
        papers.setdefault(unit_id, set()).update(documents.get(briefing_id, ()))
    for unit_id, briefing_id in briefed:
        papers.setdefault(unit_id, set()).update(documents.get(briefing_id, ()))
    for row in session.execute(people_in(of, begins, ends, under_way, digital_briefings(session))):
        rate = (row.members_briefed, row.members)
        own.setdefault(row.unit_id, []).append(
            {"took_part": row.took_part, "member_rate": rate, "digital": row.digital}
        )
    for unit_id, number in session.execute(staff_in(of, last_day)):
        own.setdefault(unit_id, []).append({"staff": number})
    return by_branch(session, of, own, papers)


EMPTY: dict[str, Value] = {
    "conferences": 0,
    "took_part": 0,
    "documents": 0,
    "member_rate": (0, 0),
    "staff": 0,
    "digital": 0,
}


def by_branch(
    session: Session, of: Subject, own: dict[int, list[dict[str, Value]]], papers: dict[int, set[str]]
) -> Month:
    """What was counted by unit, put together for each unit directly below; a document counts once in each."""
    branch: dict[int, int] = {}
    named: dict[int, tuple[str, str]] = {of.unit.id: (f"{of.unit.public_id} itself", f"Cơ quan {of.unit.name}")}
    below: dict[int, list[int]] = {}
    for unit_id, public_id, _code, _kind, name, *_more, parent_id in session.execute(units_within(of.unit.id, of)):
        if unit_id != of.unit.id:
            below.setdefault(parent_id, []).append(unit_id)
            if parent_id == of.unit.id:
                named[unit_id] = (str(public_id), name)
    for top in named:
        under = [top]
        while under:
            one = under.pop()
            branch[one] = top
            under += below.get(one, ()) if top != of.unit.id else ()
    found = []
    for top, (key, name) in named.items():
        units = [unit_id for unit_id, at in branch.items() if at == top]
        cells = together((cells for unit_id in units for cells in own.get(unit_id, ())), (papers.get(u) for u in units))
        if cells != EMPTY or (top != of.unit.id and (of.by.seen is None or top in of.by.seen)):
            found.append((key, name, cells))
    itself = [row for row in found if row[0].endswith(" itself")]
    rows = [*(row for row in found if row not in itself), *itself]
    return Month(rows, together((cells for every in own.values() for cells in every), papers.values()))


def together(cells: Iterable[dict[str, Value]], documents: Iterable[set[str] | None]) -> dict[str, Value]:
    """Sums, and documents counted once."""
    once = set[str]().union(*(one for one in documents if one))
    return {**EMPTY, **summed_cells(cells), "documents": len(once)}


def points_in(of: Subject, begins: datetime, ends: datetime) -> Select[int, int, int]:
    """Unit, briefing and number of meeting points and classes held in the month; the unit in whose place one stands."""
    taken = taken_over(of.by.on)
    hosts = func.coalesce(taken.c.heir_id, MeetingPoint.unit_id)
    return (
        select(hosts, BriefingSession.briefing_id, func.count())
        .select_from(MeetingPoint)
        .join(BriefingSession, BriefingSession.id == MeetingPoint.session_id)
        .outerjoin(taken, taken.c.unit_id == MeetingPoint.unit_id)
        .where(MeetingPoint.unit_id.in_(of.by.hosts(of.unit.id)))
        .where(BriefingSession.starts_at >= begins, BriefingSession.starts_at < ends)
        .group_by(hosts, BriefingSession.briefing_id)
    )


def briefed_in(of: Subject, begins: datetime, ends: datetime) -> Select[int, int]:
    """Units and briefings of which somebody was briefed in the month."""
    place, standings = of.by.standings(of.by.below(of.unit.id))
    month = Standing.briefed_at >= begins, Standing.briefed_at < ends
    return standings.where(*month, ~exempt(of.by.until)).with_only_columns(place, Standing.briefing_id).distinct()


def people_in(
    of: Subject, begins: datetime, ends: datetime, under_way: Iterable[int], digital: Iterable[int]
) -> Select[int, int, int, int, int]:
    """By unit: people briefed in the month; members who must be in the briefings under way, and are; staff who have
    completed one of the briefings on digital transformation.

    Each person once, but members once for each briefing: of a rate both are counted alike.
    """

    def once(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.max(case((condition, 1), else_=0))

    learned, must = Standing.briefing_id.in_(sorted(digital)), ~exempt(of.by.until)
    counts = and_(Standing.briefing_id.in_(sorted(under_way)), member(of.by.until), must)
    place, standings = of.by.standings(of.by.below(of.unit.id))
    if not of.by.category:
        standings = standings.join(Person, Person.id == Standing.person_id)
    person = (
        standings.with_only_columns(
            place.label("unit_id"),
            Standing.person_id,
            once(and_(Standing.briefed_at >= begins, Standing.briefed_at < ends, must)).label("took_part"),
            func.sum(case((counts, 1), else_=0)).label("members"),
            func.sum(case((and_(counts, Standing.briefed_at < ends), 1), else_=0)).label("members_briefed"),
            once(and_(learned, Standing.completed_at < ends, Person.category.in_(STAFF))).label("digital"),
        )
        .group_by(place, Standing.person_id)
        .subquery()
    )
    names = "took_part", "members", "members_briefed", "digital"
    sums = [cast(func.sum(person.c[name]), Integer).label(name) for name in names]  # PostgreSQL adds sums to decimals
    return select(person.c.unit_id, *sums).group_by(person.c.unit_id)


DIGITAL = ("chuyen doi so", "hoc vu so")
"""What is on digital transformation (CĐS, bình dân học vụ số) has one of these in a title, as it is searched."""


def digital_briefings(session: Session) -> list[int]:
    """The briefings on digital transformation, by their title, that of their course, and their documents."""
    query = select(Briefing.id, Briefing.title, Briefing.documents, NEWEST_TITLES.c.title.label("course"))
    rows = session.execute(query.join(NEWEST_TITLES, NEWEST_TITLES.c.course_id == Briefing.course_id))
    return [
        row.id for row in rows if any(one in fold(" ".join((row.title, row.course, *row.documents))) for one in DIGITAL)
    ]


def staff_in(of: Subject, on: date) -> Select[int, int]:
    """By unit: the cadres, civil servants and public employees counted there that day."""
    query = (
        select(Membership.unit_id, func.count())
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.tree == of.by.tree,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Membership.unit_id.in_(of.by.below(of.unit.id)),
            or_(*(Person.category == one for one in STAFF if of.by.category in ("", one))),
        )
        .group_by(Membership.unit_id)
    )
    return query if of.by.people is None else query.where(Membership.person_id.in_(of.by.people))


BRANCH = aliased(Membership)
CELL = aliased(UnitName)


def reminders(of: Subject) -> Subquery:
    """How often and when last each person was reminded in the briefing: person_id, number, last."""
    number, last = func.count().label("number"), func.max(ReminderSent.sent_at).label("last")
    query = select(ReminderSent.person_id, number, last).where(ReminderSent.briefing_id == of.briefing_id)
    return query.group_by(ReminderSent.person_id).subquery()


def missing_people(of: Subject) -> Select[*tuple[Any, ...]]:
    """Who of the unit and below must study and has not completed, in Vietnamese order, with cell and reminders."""
    on, told = of.by.on, reminders(of)
    (_id, _code, unit), standings = of.by.listed(of.by.below(of.unit.id), of.briefing_id)
    belongs = and_(
        BRANCH.person_id == Person.id,
        BRANCH.tree == PARTY_TREE,
        BRANCH.kind == "main",
        holds_on(on, BRANCH.valid_from, BRANCH.valid_to),
    )
    return (
        standings.with_only_columns(
            Person.public_id,
            Person.position,
            unit.label("unit"),
            CELL.name.label("branch"),
            Standing.state,
            Standing.absence,
            Standing.due_at,
            func.coalesce(told.c.number, 0).label("reminded"),
            told.c.last.label("reminded_at"),
        )
        .outerjoin(told, told.c.person_id == Standing.person_id)
        .outerjoin(BRANCH, belongs)
        .outerjoin(CELL, and_(CELL.unit_id == BRANCH.unit_id, holds_on(on, CELL.valid_from, CELL.valid_to)))
        .where(~Standing.exempt, Standing.state != "completed")
        .order_by(Person.sort_key, Person.id)
    )


def hosted_by(of: Subject) -> ColumnElement[bool]:
    """Whether a point of the briefing is one of the unit, of those below, or of those they took over from."""
    hosts = MeetingPoint.unit_id.in_(of.by.hosts(of.unit.id))
    return and_(BriefingSession.briefing_id == of.briefing_id, hosts)


def points_of(of: Subject) -> Select[*tuple[Any, ...]]:
    """The points of the briefing that are the unit's, with how many came or did not: as the board counts them.

    Of a day that is over, the points of sittings that had begun, and what these had said by its end.
    """
    until = of.by.until
    if until is None:
        said: Any = Attendance
        last = true()
    else:
        said = last_said(until, of.briefing_id, each=BriefingSession.id).c
        last = said.place == 1

    def times(*states: str) -> ColumnElement[int]:
        own = said.point_id == MeetingPoint.id, said.state.in_(states), last, counted_there(of, said.person_id)
        return select(func.count(said.person_id)).where(*own).correlate(MeetingPoint).scalar_subquery()

    seen = PointSighting.point_id == MeetingPoint.id, *there_by(of)
    present = select(func.count()).select_from(PointSighting).where(*seen).correlate(MeetingPoint).scalar_subquery()
    connected = case((true() if until is None else MeetingPoint.connected_at <= until, MeetingPoint.connected_at))
    columns = MeetingPoint.id, MeetingPoint.public_id, MeetingPoint.name, MeetingPoint.host
    query = (
        select(*columns, Unit.name.label("unit"), BriefingSession.title.label("sitting"), present.label("present"))
        .add_columns(times("excused").label("excused"), times("unexcused").label("unexcused"))
        .add_columns(connected.label("connected_at"))
        .join(BriefingSession, BriefingSession.id == MeetingPoint.session_id)
        .join(Unit, Unit.id == MeetingPoint.unit_id)
        .where(hosted_by(of))
        .order_by(BriefingSession.starts_at, MeetingPoint.main.desc(), Unit.sort_key, MeetingPoint.id)
    )
    return query if until is None else query.where(BriefingSession.starts_at <= until)


def there_by(of: Subject) -> list[ColumnElement[bool]]:
    """That somebody who counts was there, as a point says, or had said by the end of a day that is over."""
    return [there(), *by(of.by.until, PointSighting.at), counted_there(of, PointSighting.person_id)]


def counted_there(of: Subject, person_id: Any) -> ColumnElement[bool]:
    """Whether somebody at a point counts: anybody, or of one category those of the unit and below, who are no guests.

    Whose category is told may be looked at; a record that is linked to another is that person's.
    """
    if not of.by.category:
        return true()
    _place, own = of.by.standings(of.by.below(of.unit.id), of.briefing_id)
    linked = all_links().where(PersonLink.person_id.in_(own)).with_only_columns(PersonLink.duplicate_id)
    return or_(person_id.in_(own), person_id.in_(linked))


def people_there(session: Session, of: Subject) -> int:
    """How many came to these points, in each sitting each once, however many of the points saw them."""
    query = (
        select(MeetingPoint.session_id, PointSighting.person_id)
        .join(PointSighting, PointSighting.point_id == MeetingPoint.id)
        .join(BriefingSession, BriefingSession.id == MeetingPoint.session_id)
        .where(hosted_by(of), *there_by(of))
        .distinct()
    )
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def summoned_by_point(session: Session, of: Subject) -> dict[int, int]:
    """How many must come to each point: the people of its unit and below, but of those who have a nearer point.

    By the state tree of today, or of the day that is over.
    """
    sittings = select(BriefingSession.id).where(BriefingSession.briefing_id == of.briefing_id)
    near, until = placed(MeetingPoint.session_id.in_(sittings), day_of(of.at)), of.by.until
    called = Structure(day_of(of.at), then=until is not None, category=of.by.category, until=until)
    tally = called.tallies(select(near.c.unit_id), of.briefing_id)
    rows = session.execute(
        select(near.c.point_id, func.sum(tally.c.people))
        .join(tally, and_(tally.c.unit_id == near.c.unit_id, tally.c.briefing_id == of.briefing_id))
        .where(near.c.place == 1)
        .group_by(near.c.point_id)
    )
    return {point_id: int(people) for point_id, people in rows}


def register_people(of: Subject, settings: Settings) -> Select[*tuple[Any, ...]]:
    """Everybody on the roll, each with all activities in one text: the database puts it together from its index."""
    (_id, _code, unit), standings = of.by.listed(of.by.below(of.unit.id), of.briefing_id)
    known = Standing.exempt, Standing.member, Standing.state, Standing.way, Standing.score
    late = and_(Standing.due_at < of.now, Standing.state != "completed").label("late")
    days = {"due": Standing.due_at, "briefed": Standing.briefed_at, "completed": Standing.completed_at}
    return (
        standings.with_only_columns(
            Person.full_name, Person.position, Person.category, unit.label("unit"), *known, late
        )
        .add_columns(*(VietnamDay(moment).label(name) for name, moment in days.items()))
        .add_columns(told_by_activity(of, settings).label("done"))
        .order_by(Person.sort_key, Person.id)
    )


def told_by_activity(of: Subject, settings: Settings) -> ColumnElement[str]:
    """Of a person: each activity, times `SPAN`, with the score that counts in ten-thousandths, or `FINISHED`."""
    table = ActivityProgress.__table__.c
    score = table[f"{settings.attempt}_score"]
    points = case((score.is_not(None), cast(func.round(score * TEN_THOUSAND), Integer)), else_=FINISHED)
    one = cast(cast(table.activity_id, BigInteger) * SPAN + points, String)
    of_whom = table.person_id == Standing.person_id, table.course_id == of.course_id
    something = score.is_not(None) | table.completed_at.is_not(None)
    return select(func.aggregate_strings(one, ",")).where(*of_whom, something).correlate(Standing).scalar_subquery()
