"""Reading what reports say: the sums of a unit and all below it, and the papers made of them."""

import uuid
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from analytics.facts import queries as facts
from analytics.facts.projection import Structure, VietnamDay, by
from analytics.facts.rules import COUNT_NAMES, Count
from analytics.facts.vocabulary import document_of
from analytics.reports.models import ReportEntry, ReportSubmission
from analytics.reports.rules import NOBODY, Figures, Node, check, digest, summed
from courses.briefings.models import BriefingSession, FrozenPerson, FrozenRoll, MeetingPoint, Standing
from courses.catalog.queries import NEWEST_TITLES
from courses.enrolment.models import Briefing
from lms.accounts.models import Person, RoleGrant, SignInAccount
from lms.clock import day_of
from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitEdge
from lms.organisation.projection import heirs_by, taken_over, with_former
from lms.organisation.queries import OnDay, above_on, holds_on, named_on
from lms.roster.render import CATEGORIES


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about: a unit as it is called that day, the one above it, a briefing in words, the moment.

    `structure`: another than today's state tree, or figures of a day that is over, or of one staff category.
    """

    unit: OnDay
    above: str
    briefing_id: int
    course_id: int
    title: str
    documents: tuple[str, ...]
    now: datetime
    structure: Structure | None = None

    @property
    def by(self) -> Structure:
        """The structure by which people are counted."""
        return self.structure or Structure(day_of(self.now))

    @property
    def at(self) -> datetime:
        """The moment of the figures: now, or the last one of a day that is over."""
        return self.by.until or self.now

    @property
    def about(self) -> str:
        """What people are briefed on, as reports name it."""
        named = ", ".join(self.documents) or document_of(self.title)
        return named or f"nội dung khóa học “{self.title}”"


def subject(
    session: Session,
    unit: Unit,
    briefing_id: int,
    *,
    now: datetime,
    structure: Structure | None = None,
    given: Sequence[Any] | None = None,
) -> Subject | None:
    """The unit and the briefing; None when nobody in the unit or below is on its roll.

    `given`: the rows of `facts.given_to`, of whoever has read them.
    """
    by = structure or Structure(day_of(now))
    given = facts.given_to(session, unit.id, by) if given is None else given
    found = next((row for row in given if row.id == briefing_id), None)
    line = above_on(session, unit.id, on=by.on, tree=by.tree)
    if found is None or not line:
        return None
    above = line[-2].name if len(line) > 1 else ""
    return Subject(line[-1], above, found.id, found.course_id, found.title, tuple(found.documents), now, structure)


def period_of(month: str, structure: Structure) -> str:
    """What a report is about beside its unit and briefing, so that it is compared with its like: see `period_words`."""
    until = day_of(structure.until).isoformat() if structure.until is not None else ""
    by = [structure.on.isoformat(), structure.tree, until] if structure.then or until else []
    return " ".join(one for one in (month, *by, structure.category) if one)


def category_of(period: str) -> str:
    """The staff category that a report is about alone; "": about everybody."""
    last = period.rpartition(" ")[2]
    return last if last in CATEGORIES else ""


@dataclass(frozen=True, slots=True)
class Entered:
    """What no machine knows of a unit, as its report says it."""

    plan: str = ""
    note: str = ""

    @property
    def version(self) -> str:
        """Another one when anything else is entered."""
        return digest(f"{self.plan}\n{self.note}".encode())[:16]


def top_node(session: Session, of: Subject) -> Node:
    """The unit with all below it, each with its sums, seen to agree. Seven statements, however many people there are.

    Raises `SumsDisagree`.
    """
    unit_id, within, seen = of.unit.id, of.by.below(of.unit.id), of.by.open(of.unit.id)
    own = {one: Figures(count) for one, count in counts_by_unit(session, within, of).items()}
    for one, points in session.execute(points_by_unit(seen, of)):
        own[one] = replace(own.get(one, Figures()), points=points)
    for one, *numbers in session.execute(frozen_by_unit(within, of)) if of.structure is None else ():
        own[one] = own.get(one, Figures()) + Figures(NOBODY, 0, *numbers)
    entered = entries(session, seen, of)
    places: dict[int | None, list[OnDay]] = {}
    for *unit, parent in session.execute(units_within(unit_id, of)):
        places.setdefault(parent if unit[0] != unit_id else None, []).append(OnDay(*unit))
    top = node_of(of.unit, places, own, entered, of.by.seen)
    check(top, known_figures(session, within, of))
    return top


def node_of(
    unit: OnDay,
    places: Mapping[int | None, list[OnDay]],
    own: Mapping[int, Figures],
    entered: Mapping[int, Entered],
    seen: Container[int] | None = None,
) -> Node:
    """A unit as a node. What is counted in a unit itself, beside units below, becomes a row of its own.

    Units below with nobody to count are left out where they are none of those one may look at (`seen`, None: all).
    """
    key, figures = str(unit.public_id), own.get(unit.id, Figures())
    below = [(child.id, node_of(child, places, own, entered, seen)) for child in places.get(unit.id, ())]
    told = Figures(), ()
    children = [one for id_, one in below if seen is None or id_ in seen or (one.whole, one.children) != told]
    if children and figures != Figures():
        name = f"Cơ quan {unit.name} (không kể đơn vị trực thuộc)"
        children.insert(0, Node(f"{key} itself", name, figures, figures, itself=True))
        figures = Figures()
    said = entered.get(unit.id)
    return Node(
        key,
        unit.name,
        figures,
        summed(figures, children),
        tuple(children),
        said.plan if said else "",
        said.note if said else "",
    )


def units_within(unit_id: int, of: Subject) -> Select[*tuple[Any, ...]]:
    """The unit and all below it on that day, with the id of the unit above, siblings in their order."""
    on, tree = of.by.on, of.by.tree
    edge = and_(
        UnitEdge.child_id == Unit.id, UnitEdge.tree == tree, holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to)
    )
    stands = and_(
        UnitClosure.descendant_id == Unit.id,
        UnitClosure.tree == tree,
        UnitClosure.ancestor_id == unit_id,
        holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
    )
    return (
        named_on(on)
        .add_columns(UnitEdge.parent_id)
        .join(UnitClosure, stands)
        .outerjoin(UnitEdge, edge)
        .order_by(UnitEdge.position, Unit.sort_key, Unit.id)
    )


def counts_by_unit(session: Session, within: Select[int], of: Subject) -> dict[int, Count]:
    """The people counted in each of these units itself."""
    tally = of.by.tallies(within, of.briefing_id).c
    query = (
        select(tally.unit_id, *facts.counts(tally, of.at))
        .where(tally.briefing_id == of.briefing_id, tally.unit_id.in_(within))
        .group_by(tally.unit_id)
    )
    return {row.unit_id: Count(*(getattr(row, name) for name in COUNT_NAMES)) for row in session.execute(query)}


def points_held(of: Subject) -> Select[int]:
    """How many meeting points and classes of sittings that have begun; to be narrowed or grouped."""
    return (
        select(func.count(MeetingPoint.id))
        .select_from(MeetingPoint)
        .join(BriefingSession, BriefingSession.id == MeetingPoint.session_id)
        .where(BriefingSession.briefing_id == of.briefing_id, BriefingSession.starts_at <= of.at)
    )


def points_by_unit(within: Select[int], of: Subject) -> Select[int, int]:
    """The number by the unit that hosted them, or stands in its place."""
    on = of.by.on
    taken = taken_over(on)
    hosts = func.coalesce(taken.c.heir_id, MeetingPoint.unit_id)
    held = points_held(of).outerjoin(taken, taken.c.unit_id == MeetingPoint.unit_id)
    held = held.where(MeetingPoint.unit_id.in_(with_former(within, on=on)))
    return held.group_by(hosts).with_only_columns(hosts, func.count(MeetingPoint.id))


def known_figures(session: Session, within: Select[int], of: Subject) -> Figures:
    """The same sums, added up by the database over the whole branch."""
    count = Count(*session.execute(facts.tally_of_units(within, of.briefing_id, of.by, now=of.at)).one())
    units = with_former(within, on=of.by.on)
    hosts = of.by.hosts(of.unit.id)
    points = session.scalar(points_held(of).where(MeetingPoint.unit_id.in_(hosts))) or 0
    rolls = frozen(of).where(FrozenPerson.unit_id.in_(units))  # of the structure in which they were frozen
    return Figures(count, points, *(session.execute(rolls).one() if of.structure is None else ()))


def last_frozen(briefing_id: int) -> Select[datetime]:
    """When the roll of the briefing was frozen last; nothing where it never was."""
    query = select(FrozenRoll.frozen_at).where(FrozenRoll.briefing_id == briefing_id)
    return query.order_by(FrozenRoll.id.desc()).limit(1)


def frozen(of: Subject) -> Select[int, int, int]:
    """How many were on the roll that was frozen last, members of the Party and others; to be narrowed or grouped."""
    last = last_frozen(of.briefing_id).with_only_columns(FrozenRoll.id).scalar_subquery()
    people = func.count(FrozenPerson.person_id)
    members = func.coalesce(func.sum(case((FrozenPerson.member, 1), else_=0)), 0)
    return select(people, members, people - members).where(FrozenPerson.roll_id == last)


def frozen_by_unit(within: Select[int], of: Subject) -> Select[int, int, int, int]:
    """The numbers by the unit where people were counted then, or the one in its place."""
    on = of.by.on
    taken = taken_over(on)
    at = func.coalesce(taken.c.heir_id, FrozenPerson.unit_id)
    query = frozen(of).outerjoin(taken, taken.c.unit_id == FrozenPerson.unit_id).group_by(at)
    query = query.where(FrozenPerson.unit_id.in_(with_former(within, on=on)))
    return query.with_only_columns(at, *query.selected_columns)


def entries(session: Session, within: Select[int], of: Subject) -> dict[int, Entered]:
    """What these units have entered by hand, by unit; and what those entered from which they took over, each named.

    What a unit enters once it has taken over stands for both. Of a day that is over, what had been entered by then and
    was not changed since.
    """
    on, later = of.by.on, aliased(ReportEntry)
    taken, heirs = taken_over(on), heirs_by(on)
    replaced = (
        select(later.unit_id)
        .join(heirs, heirs.c.heir_id == later.unit_id)
        .where(heirs.c.unit_id == ReportEntry.unit_id, later.briefing_id == of.briefing_id)
        .where(later.entered_at >= heirs.c.entered_at, VietnamDay(later.entered_at) >= heirs.c.since)
    )
    at = func.coalesce(taken.c.heir_id, ReportEntry.unit_id)
    rows = session.execute(
        select(at, case((taken.c.heir_id.is_not(None), Unit.name), else_=""), ReportEntry.plan, ReportEntry.note)
        .join(Unit, Unit.id == ReportEntry.unit_id)
        .outerjoin(taken, taken.c.unit_id == ReportEntry.unit_id)
        .where(ReportEntry.briefing_id == of.briefing_id, ReportEntry.unit_id.in_(with_former(within, on=on)))
        .where(~replaced.correlate(ReportEntry).exists(), *by(of.by.until, ReportEntry.entered_at))
        .order_by(taken.c.heir_id.is_not(None), Unit.sort_key, Unit.id)
    )
    told: dict[int, tuple[list[str], list[str]]] = {}
    for unit_id, name, *said in rows:
        for texts, text in zip(told.setdefault(unit_id, ([], [])), said, strict=True):
            texts += [f"{name}: {text}" if name else text] if text else []
    return {unit_id: Entered("; ".join(plans), "; ".join(notes)) for unit_id, (plans, notes) in told.items()}


def names_of(session: Session, public_ids: Iterable[str]) -> dict[str, str]:
    """The names behind opaque ids, as they are today. Whoever asks notes it."""
    ids = [uuid.UUID(one) for one in public_ids]
    query = select(Person.public_id, Person.full_name).where(Person.public_id.in_(ids))
    return {str(public_id): name for public_id, name in session.execute(query)} if ids else {}


def unit_above(unit_id: int, *, on: date) -> Select[Unit]:
    """The unit to which this one reports that day."""
    return (
        select(Unit).join(UnitEdge, UnitEdge.parent_id == Unit.id).where(UnitEdge.child_id == unit_id, *reporting(on))
    )


def reporting(on: date) -> tuple[ColumnElement[bool], ...]:
    """Whether an edge is one along which units report that day."""
    return UnitEdge.tree == STATE_TREE, holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to)


def heads(unit_id: int, *, on: date, tree: str) -> Select[int, str, bool]:
    """Heads and deputies of this very unit in that tree that day: id, language, and whether mail reaches them."""
    reached = and_(Person.email.is_not(None), SignInAccount.disabled_at.is_(None))
    return (
        select(Person.id, Person.language, func.max(case((reached, 1), else_=0)))
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(
            RoleGrant.role.in_(("head", "deputy")),
            RoleGrant.unit_id == unit_id,
            RoleGrant.tree == tree,
            holds_on(on, RoleGrant.valid_from, RoleGrant.valid_to),
            RoleGrant.over_standing(on),
        )
        .group_by(Person.id, Person.language)
        .order_by(Person.id)
    )


def heads_with_address(unit_id: int, *, on: date, tree: str) -> Select[int, str]:
    """Those of them who have an address and an open account."""
    return (
        heads(unit_id, on=on, tree=tree)
        .where(Person.email.is_not(None), SignInAccount.disabled_at.is_(None))
        .with_only_columns(Person.id, Person.language)
    )


def how_many(session: Session, of: Subject) -> int:
    """How many rows the register of the unit has."""
    within = of.by.below(of.unit.id)
    tally = of.by.tallies(within, of.briefing_id).c
    query = select(func.sum(tally.people + tally.exempt))
    return session.scalar(query.where(tally.briefing_id == of.briefing_id, tally.unit_id.in_(within))) or 0


def units_counting(session: Session, of: Subject) -> list[uuid.UUID]:
    """The units that count today those whom the register of the unit has by another structure."""
    _place, standings = of.by.standings(of.by.below(of.unit.id), of.briefing_id)
    units = standings.join(Unit, Unit.id == Standing.unit_id).with_only_columns(Unit.public_id).distinct()
    return list(session.scalars(units))


LISTED = 50
"""So many of a list are shown."""


def submissions_waiting(unit_ids: Collection[int] | None, *, on: date) -> Select[ReportSubmission]:
    """What waits for a decision of these units (None: of all), in whichever briefing, the longest first."""
    query = (
        select(ReportSubmission)
        .options(joinedload(ReportSubmission.unit), joinedload(ReportSubmission.to_unit))
        .where(ReportSubmission.state == "sent")
        .order_by(ReportSubmission.sent_at, ReportSubmission.id)
        .limit(LISTED)
    )
    return query if unit_ids is None else query.where(decided_by(unit_ids, on=on))


def decided_by(unit_ids: Collection[int], *, on: date) -> ColumnElement[bool]:
    """Whether one of these units decides that day about a report: see `decider`."""
    ended = select(Unit.id).where(Unit.valid_to <= on)
    below = select(UnitEdge.child_id).where(UnitEdge.parent_id.in_(unit_ids), *reporting(on))
    instead = and_(ReportSubmission.to_unit_id.in_(ended), ReportSubmission.unit_id.in_(below))
    return or_(ReportSubmission.to_unit_id.in_(unit_ids), instead)


def decider(session: Session, sent: ReportSubmission, *, on: date) -> Unit:
    """The unit that decides about a report that day: the one it was sent to, or once that has ended, whichever stands
    directly above the sender by then.
    """
    ended = sent.to_unit.valid_to
    if ended is None or ended > on:
        return sent.to_unit
    return session.scalar(unit_above(sent.unit_id, on=on)) or sent.to_unit


def returned_before(sent: ReportSubmission) -> Select[uuid.UUID]:
    """The public ids of reports of the unit about the briefing that were returned: this one takes their place."""
    same = ReportSubmission.unit_id == sent.unit_id, ReportSubmission.briefing_id == sent.briefing_id
    return select(ReportSubmission.public_id).where(*same, ReportSubmission.state == "returned")


def titles(session: Session) -> dict[int, str]:
    """What each briefing is called: of a plain one, what its course is."""
    columns = Briefing.id, case((Briefing.plain, NEWEST_TITLES.c.title), else_=Briefing.title)
    query = select(*columns).join(NEWEST_TITLES, NEWEST_TITLES.c.course_id == Briefing.course_id)
    return {row[0]: row[1] for row in session.execute(query)}


EVERYWHERE = OnDay(0, uuid.UUID(int=0), "", "", "", "", False)
"""No unit: whoever prints it writes its own name."""


def whole(session: Session, briefing: Briefing, *, now: datetime) -> Subject:
    """A briefing with no unit: questions are looked at over all attempts."""
    title = titles(session).get(briefing.id, briefing.code)
    return Subject(EVERYWHERE, "", briefing.id, briefing.course_id, title, tuple(briefing.documents), now)
