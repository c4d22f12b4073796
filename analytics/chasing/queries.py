"""Reading who is told what: heads and deputies by their roles, what is open in their units, who remains below."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from analytics.chasing.models import DigestPlan, HeadTold
from analytics.chasing.rules import ABOVE, DIGEST, STANDARD, Daily, Open, Remaining, Step
from analytics.facts import queries as facts
from analytics.facts.projection import Structure
from analytics.facts.queries import BRANCH
from analytics.facts.rules import COUNT_NAMES, NEVER_DUE, Count
from courses.briefings.queries import titles_of
from courses.enrolment.models import Briefing
from courses.reminders.queries import open_briefings, plans_of
from courses.reminders.rules import Occasion, steps_above
from lms.accounts.models import Person, RoleGrant, SignInAccount
from lms.clock import day_of, start_of_day
from lms.db import config_of
from lms.doors import OwnData
from lms.organisation.models import STATE_TREE, TREES, Unit, UnitClosure, UnitEdge
from lms.organisation.queries import holds_on
from lms.outbox.rules import UNIT_NEWS


class Place(NamedTuple):
    """A unit in one of the two trees."""

    unit_id: int
    tree: str


Given = tuple[int, Count, datetime | None, int]
"""A briefing that is open somewhere, its figures, the due date, and how many people have none."""


@dataclass(slots=True)
class Head:
    """A head or deputy, whether mail reaches this person and is wanted, and the places the roles are over."""

    person_id: int
    public_id: uuid.UUID
    language: str
    has_address: bool
    wants: bool
    places: list[Place] = field(default_factory=list)

    @property
    def mailed(self) -> bool:
        """Whether this person gets mail about the unit."""
        return self.has_address and self.wants


@dataclass(frozen=True, slots=True)
class Fallen:
    """A unit below another with people who remain on an occasion, and the catalogue's figures of those due that day."""

    above: Place
    unit_id: int
    briefing_id: int
    occasion: Occasion
    overdue: int
    people: int

    def key(self, person_id: int) -> str:
        """By which it is known that this head was told."""
        told = f"{self.briefing_id} {self.above.tree} {self.unit_id} {self.occasion.code}"
        return f"{ABOVE} {told} {person_id}"


@dataclass(frozen=True, slots=True)
class Words:
    """What units and briefings are called, and where their dashboards are."""

    units: Mapping[int, tuple[uuid.UUID, str]]
    briefings: Mapping[int, tuple[Briefing, tuple[str, str]]]
    site: str

    def path(self, place: Place, briefing_id: int) -> str:
        """The path of the dashboard of the unit."""
        tree = "" if place.tree == STATE_TREE else f"&tree={place.tree}"
        return f"/dashboard/units/{self.units[place.unit_id][0]}?briefing={self.code(briefing_id)}{tree}"

    def code(self, briefing_id: int) -> str:
        """The code of the briefing."""
        return self.briefings[briefing_id][0].code

    def about(self, place: Place) -> dict[str, str]:
        """The place as other systems are told of it."""
        return {"unit": str(self.units[place.unit_id][0]), "tree": place.tree}


def daily_plan(session: Session) -> Daily:
    """Whether and when heads get their mail."""
    row = session.execute(select(DigestPlan.daily, DigestPlan.from_hour, DigestPlan.to_hour)).one_or_none()
    return Daily(*row) if row is not None else STANDARD


def grants(*, on: date) -> list[ColumnElement[bool]]:
    """Roles of heads and deputies over a unit that hold that day."""
    return [
        RoleGrant.role.in_(("head", "deputy")),
        RoleGrant.unit_id.is_not(None),
        holds_on(on, RoleGrant.valid_from, RoleGrant.valid_to),
        RoleGrant.over_standing(on),
    ]


def heads(session: Session, *, on: date, people: Collection[int] | None = None) -> list[Head]:
    """Heads and deputies of that day with an open account, each once, with all their units; or only these people."""
    query = (
        select(
            Person.id,
            Person.public_id,
            Person.language,
            Person.email.is_not(None).label("has_address"),
            Person.muted,
            RoleGrant.unit_id,
            RoleGrant.tree,
        )
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(*grants(on=on), SignInAccount.disabled_at.is_(None), Person.erased_at.is_(None))
        .order_by(Person.id, RoleGrant.tree.desc(), RoleGrant.unit_id)
    )
    found: dict[int, Head] = {}
    for row in session.execute(query if people is None else query.where(Person.id.in_(people))):
        wants = UNIT_NEWS not in row.muted
        head = found.setdefault(row.id, Head(row.id, row.public_id, row.language, bool(row.has_address), wants))
        if (place := Place(row.unit_id, row.tree)) not in head.places:
            head.places.append(place)
    return list(found.values())


def by_place(known: Iterable[Head]) -> dict[Place, list[Head]]:
    """The same heads by the places of their roles."""
    found: dict[Place, list[Head]] = {}
    for head in known:
        for place in head.places:
            found.setdefault(place, []).append(head)
    return found


def open_below(session: Session, places: Collection[Place], *, now: datetime) -> dict[Place, list[Given]]:
    """What is open at and below these places: briefing, figures, due date, how many have none. A statement a tree."""
    found: dict[Place, list[Given]] = {}
    for tree in TREES:
        ids = {place.unit_id for place in places if place.tree == tree}
        for row in session.execute(open_in(ids, tree, now=now)) if ids else ():
            count = Count(*(getattr(row, name) for name in COUNT_NAMES))
            due_at = row.next_due or row.last_due
            place = Place(row.ancestor_id, tree)
            found.setdefault(place, []).append((row.briefing_id, count, due_at, row.undated))
    return found


def open_in(unit_ids: Collection[int], tree: str, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """The briefings that are not closed and not completed by all in each of these units with what is below it.

    Figures are those of the dashboards (`facts.counts`); due dates those of whoever has something left to do, for of a
    date that was moved a tally stays that counts nobody. The briefing opened last comes first.
    """
    on = day_of(now)
    here = and_(BRANCH.tree == tree, BRANCH.ancestor_id.in_(unit_ids), holds_on(on, BRANCH.valid_from, BRANCH.valid_to))
    table = Structure(on, tree, then=tree != STATE_TREE).tallies(select(BRANCH.descendant_id).where(here))
    tally = table.c
    left = tally.people - tally.completed
    due = and_(tally.due_at < NEVER_DUE, left > 0)
    return (
        select(
            BRANCH.ancestor_id,
            tally.briefing_id,
            *facts.counts(tally, now),
            func.min(case((and_(due, tally.due_at >= now), tally.due_at))).label("next_due"),
            func.max(case((due, tally.due_at))).label("last_due"),
            func.coalesce(func.sum(case((tally.due_at >= NEVER_DUE, left), else_=0)), 0).label("undated"),
        )
        .select_from(BRANCH)
        .join(table, tally.unit_id == BRANCH.descendant_id)
        .join(Briefing, Briefing.id == tally.briefing_id)
        .where(here, Briefing.closed_at.is_(None))
        .group_by(BRANCH.ancestor_id, tally.briefing_id, Briefing.opened_at)
        .having(func.sum(left) > 0)
        .order_by(BRANCH.ancestor_id, Briefing.opened_at.desc(), tally.briefing_id.desc())
    )


def fallen(session: Session, above: Collection[Place], *, now: datetime) -> list[Fallen]:
    """Units directly below these places in which people remain on a day of the plan. One statement a tree.

    Counted are those due on the day of the occasion: whoever was due on another is told of as of that one.
    """
    today = day_of(now)
    known = session.scalars(open_briefings()).all()
    plans = plans_of(session, [one.id for one in known])
    steps = {one: steps_above(plan, today) for one, plan in plans.items() if plan.above}
    found: dict[tuple[Place, int, int, Occasion], tuple[int, int]] = {}
    for tree in TREES:
        ids = {place.unit_id for place in above if place.tree == tree}
        for row in session.execute(due_below(ids, tree, steps, now=now)) if ids and steps else ():
            key = Place(row.parent_id, tree), row.child_id, row.briefing_id, steps[row.briefing_id][day_of(row.due_at)]
            overdue, people = found.get(key, (0, 0))
            found[key] = overdue + row.overdue, people + row.people
    return [Fallen(*key, overdue, people) for key, (overdue, people) in found.items() if overdue]


def due_below(
    unit_ids: Collection[int], tree: str, steps: Mapping[int, Mapping[date, Occasion]], *, now: datetime
) -> Select[*tuple[Any, ...]]:
    """Units directly below these, each with everything below it: the figures of those due at a moment of these days."""
    on = day_of(now)
    edge = and_(UnitEdge.tree == tree, holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to))
    below = and_(BRANCH.tree == tree, holds_on(on, BRANCH.valid_from, BRANCH.valid_to))
    every = select(UnitClosure.descendant_id).where(
        UnitClosure.tree == tree,
        UnitClosure.ancestor_id.in_(unit_ids),
        holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
    )
    table = Structure(on, tree, then=tree != STATE_TREE).tallies(every)
    tally = table.c
    days = [
        and_(tally.briefing_id == one, or_(*(due_on(tally.due_at, day) for day in of))) for one, of in steps.items()
    ]
    keys = UnitEdge.parent_id, UnitEdge.child_id, tally.briefing_id, tally.due_at
    return (
        select(*keys, *facts.counts(tally, now))
        .select_from(UnitEdge)
        .join(BRANCH, and_(below, BRANCH.ancestor_id == UnitEdge.child_id))
        .join(table, tally.unit_id == BRANCH.descendant_id)
        .where(edge, UnitEdge.parent_id.in_(unit_ids), or_(*days))
        .group_by(*keys)
        .order_by(*keys)
    )


def due_on(due_at: Any, day: date) -> ColumnElement[bool]:
    """Whether it is due on that day."""
    return and_(due_at >= start_of_day(day), due_at < start_of_day(day + timedelta(days=1)))


def already_told(session: Session, keys: Collection[str]) -> set[str]:
    """Those of these keys under which somebody was told."""
    listed, found = sorted(keys), set[str]()
    for start in range(0, len(listed), 500):
        found |= set(session.scalars(select(HeadTold.key).where(HeadTold.key.in_(listed[start : start + 500]))))
    return found


def words_for(session: Session, unit_ids: Collection[int], briefing_ids: Collection[int]) -> Words:
    """What these are called."""
    units = session.execute(select(Unit.id, Unit.public_id, Unit.name).where(Unit.id.in_(unit_ids)))
    known = session.scalars(select(Briefing).where(Briefing.id.in_(briefing_ids))).all()
    titles = titles_of(session, known)
    briefings = {one.id: (one, titles[one.id]) for one in known}
    return Words({row.id: (row.public_id, row.name) for row in units}, briefings, config_of(session).site_url)


def open_of(words: Words, place: Place, given: Sequence[Given]) -> list[Open]:
    """What is open at a place, in words."""
    return [
        Open(words.briefings[one][1], count, due_at, undated, words.site + words.path(place, one))
        for one, count, due_at, undated in given
    ]


Group = tuple[Place, int, Occasion]
"""Where somebody is told, of which briefing, on which occasion."""


def grouped(found: Iterable[Fallen]) -> dict[Group, list[Fallen]]:
    """Those of one place, briefing and occasion together."""
    groups: dict[Group, list[Fallen]] = {}
    for one in found:
        groups.setdefault((one.above, one.briefing_id, one.occasion), []).append(one)
    return groups


def step_of(words: Words, group: Group, found: Iterable[Fallen]) -> Step:
    """The same in words, the most people overdue first."""
    place, briefing_id, occasion = group
    units = [Remaining(words.units[one.unit_id][1], one.overdue, one.people) for one in found]
    units.sort(key=lambda one: (-one.overdue, one.unit))
    return Step(words.briefings[briefing_id][1], words.units[place.unit_id][1], occasion, tuple(units))


def told_above(session: Session, person_ids: Collection[int], day: date) -> dict[int, list[Fallen]]:
    """What these heads were told on that day about units below."""
    query = select(HeadTold).where(HeadTold.person_id.in_(person_ids), HeadTold.day == day, HeadTold.kind == ABOVE)
    found: dict[int, list[Fallen]] = {}
    for row in session.scalars(query.order_by(HeadTold.id)):
        if row.above_id is None or row.unit_id is None or row.briefing_id is None:
            continue
        place, occasion = Place(row.above_id, row.tree), Occasion.from_code(row.occasion)
        one = Fallen(place, row.unit_id, row.briefing_id, occasion, row.overdue, row.people)
        found.setdefault(row.person_id, []).append(one)
    return found


def sent() -> Select[*tuple[Any, ...]]:
    """Which head was told what and when, the latest first: the row's columns, full_name, below, above."""
    below, above = aliased(Unit), aliased(Unit)
    return (
        select(
            Person.full_name,
            HeadTold.kind,
            HeadTold.briefing_id,
            HeadTold.occasion,
            HeadTold.overdue,
            HeadTold.people,
            HeadTold.mailed,
            HeadTold.sent_at,
            below.name.label("below"),
            above.name.label("above"),
        )
        .join(Person, Person.id == HeadTold.person_id)
        .outerjoin(below, below.id == HeadTold.unit_id)
        .outerjoin(above, above.id == HeadTold.above_id)
        .order_by(HeadTold.id.desc())
    )


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """What a head was told of units."""
    columns = {"at": _l("Lúc"), "unit": _l("Đơn vị"), "what": _l("Nội dung"), "mailed": _l("Có thư")}
    words = {DIGEST: _l("thư tổng hợp trong ngày"), ABOVE: _l("báo cấp trên")}
    query = (
        select(HeadTold.sent_at, Unit.name, HeadTold.kind, HeadTold.mailed)
        .outerjoin(Unit, Unit.id == HeadTold.above_id)
        .where(HeadTold.person_id == person_id)
        .order_by(HeadTold.id)
    )
    rows = [[at, unit, str(words[kind]), mailed] for at, unit, kind, mailed in session.execute(query)]
    yield OwnData("told_as_head", _l("Số liệu đơn vị đã báo"), columns, rows)
