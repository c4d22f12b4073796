"""What the pages of briefings ask for: briefings, rolls in words, decisions and versions, as SQL."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from courses.briefings import queries
from courses.briefings.models import (
    Attendance,
    BriefingPolicy,
    BriefingSession,
    FrozenPerson,
    FrozenRoll,
    MeetingPoint,
    Standing,
)
from courses.briefings.render import DECISION_WORDS, chosen_words
from courses.briefings.rules import policy_of, stand
from courses.catalog.queries import NEWEST_TITLES
from courses.enrolment.models import Assignment, AssignmentChoice, Briefing, RollDecision
from courses.enrolment.queries import called
from lms.accounts import queries as accounts
from lms.accounts.models import Person, PersonLink
from lms.doors import OwnData
from lms.organisation.models import Unit
from lms.organisation.projection import taken_over
from lms.records.forms import SEEN_WORDS
from lms.text import fold

GIVEN = (
    select(func.count(Assignment.id))
    .where(Assignment.briefing_id == Briefing.id, Assignment.withdrawn_at.is_(None))
    .correlate(Briefing)
    .scalar_subquery()
)


def briefings() -> Select[Briefing, str, str, int]:
    """Every briefing with the title of its course in both languages and the number of assignments in force.

    Those that are open first, each group with the one opened last first.
    """
    return (
        select(Briefing, NEWEST_TITLES.c.title, NEWEST_TITLES.c.title_en, GIVEN)
        .join(NEWEST_TITLES, NEWEST_TITLES.c.course_id == Briefing.course_id)
        .order_by(Briefing.closed_at.is_not(None), Briefing.opened_at.desc(), Briefing.id.desc())
    )


def numbers(briefing_id: int, *, now: datetime) -> Select[int, int, int, int, int]:
    """The numbers of a briefing: must study (A), briefed (B), completed (C), overdue, exempt."""
    own = Standing
    must = own.exempt.is_(False)

    def many(*holds: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((and_(*holds), 1), else_=0)), 0)

    late = own.due_at < now, own.state != "completed"
    return select(
        many(must),
        many(must, own.state.in_(("briefed", "completed"))),
        many(must, own.state == "completed"),
        many(must, *late),
        many(own.exempt.is_(True)),
    ).where(own.briefing_id == briefing_id)


def stands_at(kind: str, *, now: datetime) -> list[ColumnElement[bool]]:
    """Whether a person is in this one of the eight standings, as `rules.standing_words` says; "": in any."""
    own = Standing
    if kind == "exempt":
        return [own.exempt.is_(True)]
    must, late, done = own.exempt.is_(False), own.due_at < now, own.state == "completed"
    if kind in {"completed", "overdue"}:
        return [must, done] if kind == "completed" else [must, ~done, late]
    in_time = or_(own.due_at.is_(None), ~late)
    missed = "" if kind in {"not_started", "in_progress"} else kind
    if kind == "briefed":
        return [must, in_time, own.state == kind]
    if kind in {"excused", "unexcused"}:
        return [must, in_time, own.state.in_(("not_started", "in_progress")), own.absence == missed]
    return [must, in_time, own.state == kind, own.absence == missed] if kind else []


def on_roll(
    briefing_id: int, within: Collection[Select[int]] | None, kind: str, words: str, *, now: datetime
) -> Select[Standing, Person, str]:
    """Who is on the roll with standing, person and name of the unit, in Vietnamese order.

    `within`: the units, each a subquery (None: all); `kind` one of the eight standings or ""; `words` parts of a name.
    """
    query = (
        select(Standing, Person, Unit.name)
        .join(Person, Person.id == Standing.person_id)
        .join(Unit, Unit.id == Standing.unit_id)
        .where(Standing.briefing_id == briefing_id, *stands_at(kind, now=now))
        .order_by(Person.sort_key, Person.id)
    )
    if within is not None:
        query = query.where(or_(false(), *(Standing.unit_id.in_(units) for units in within)))
    for word in fold(words).split():
        query = query.where(Person.search_key.contains(word, autoescape=True))
    return query


def standing_of(briefing_id: int, person_id: int) -> Select[Standing, Briefing, Person, str]:
    """Where somebody stands, or the record that stands for this one: with briefing, person and name of the unit."""
    kept = accounts.all_links().with_only_columns(PersonLink.person_id).where(PersonLink.duplicate_id == person_id)
    return (
        select(Standing, Briefing, Person, Unit.name)
        .join(Briefing, Briefing.id == Standing.briefing_id)
        .join(Person, Person.id == Standing.person_id)
        .join(Unit, Unit.id == Standing.unit_id)
        .where(Standing.briefing_id == briefing_id)
        .where(or_(Standing.person_id == person_id, Standing.person_id.in_(kept)))
    )


def standings_of_one(person_id: int) -> Select[Standing, Briefing, str, str, str]:
    """Where somebody stands in every briefing, the person's category, the titles of its course; opened last first."""
    kept = accounts.all_links().with_only_columns(PersonLink.person_id).where(PersonLink.duplicate_id == person_id)
    return (
        select(Standing, Briefing, Person.category, NEWEST_TITLES.c.title, NEWEST_TITLES.c.title_en)
        .join(Briefing, Briefing.id == Standing.briefing_id)
        .join(Person, Person.id == Standing.person_id)
        .join(NEWEST_TITLES, NEWEST_TITLES.c.course_id == Briefing.course_id)
        .where(or_(Standing.person_id == person_id, Standing.person_id.in_(kept)))
        .order_by(Briefing.closed_at.is_not(None), Briefing.opened_at.desc(), Briefing.id.desc())
    )


def attended(briefing_id: int, person_ids: Collection[int]) -> Select[Attendance, str, str, str | None]:
    """What is stated of these records and the sittings of the briefing: with title and kind of each, and the point."""
    return (
        select(Attendance, BriefingSession.title, BriefingSession.kind, MeetingPoint.name)
        .join(BriefingSession, BriefingSession.id == Attendance.session_id)
        .outerjoin(MeetingPoint, MeetingPoint.id == Attendance.point_id)
        .where(BriefingSession.briefing_id == briefing_id, Attendance.person_id.in_(person_ids))
        .order_by(Attendance.at, Attendance.session_id)
    )


def sittings(briefing_id: int) -> Select[BriefingSession]:
    """The sittings of a briefing, the latest first."""
    query = select(BriefingSession).where(BriefingSession.briefing_id == briefing_id)
    return query.order_by(BriefingSession.starts_at.desc(), BriefingSession.id.desc())


def decided(briefing_id: int, within: Collection[Select[int]] | None) -> Select[RollDecision, Person, str]:
    """What was decided about people in these units (None: in all), also what was revoked, the latest first.

    With the person and the name of the unit where the person is counted.
    """
    links = accounts.all_links().subquery()
    whose = func.coalesce(links.c.person_id, RollDecision.person_id)
    same = and_(Standing.person_id == whose, Standing.briefing_id == RollDecision.briefing_id)
    query = (
        select(RollDecision, Person, Unit.name)
        .outerjoin(links, links.c.duplicate_id == RollDecision.person_id)
        .join(Person, Person.id == whose)
        .join(Standing, same)
        .join(Unit, Unit.id == Standing.unit_id)
        .where(RollDecision.briefing_id == briefing_id)
        .order_by(RollDecision.decided_at.desc(), RollDecision.id.desc())
    )
    return query if within is None else query.where(or_(false(), *(Standing.unit_id.in_(units) for units in within)))


def held_by(assignment_ids: Collection[int], briefing_id: int) -> Select[int, int]:
    """For how many people each of these assignments is the one that holds; none where there is nobody."""
    own = Standing
    query = select(own.assignment_id, func.count()).where(own.briefing_id == briefing_id)
    return query.where(own.assignment_id.in_(assignment_ids)).group_by(own.assignment_id)


def holding(session: Session, briefing: Briefing, assignments: Sequence[Assignment]) -> dict[int, int]:
    """For how many people each of these assignments is the one that holds."""
    rows = session.execute(held_by([one.id for one in assignments], briefing.id))
    return dict(rows.all())


def decisions_about(briefing_id: int, person_ids: Collection[int]) -> Select[RollDecision]:
    """What was decided about one person, by the ids of all records, also what was revoked, the latest first."""
    query = select(RollDecision).where(RollDecision.briefing_id == briefing_id, RollDecision.person_id.in_(person_ids))
    return query.order_by(RollDecision.id.desc())


def in_force(briefing_id: int, person_ids: Collection[int], until: datetime | None) -> Select[RollDecision]:
    """Those of them that hold, or held at that moment."""
    query, revoked = decisions_about(briefing_id, person_ids), RollDecision.revoked_at
    if until is None:
        return query.where(revoked.is_(None))
    return query.where(RollDecision.decided_at <= until, or_(revoked.is_(None), revoked > until))


def versions(briefing_id: int) -> Select[BriefingPolicy]:
    """The versions of the policy, the latest first."""
    query = select(BriefingPolicy).where(BriefingPolicy.briefing_id == briefing_id)
    return query.order_by(BriefingPolicy.number.desc())


def choices(assignment_ids: Collection[int]) -> Select[int, str, str]:
    """Whom these assignments are for, where they are not for everybody."""
    own = AssignmentChoice
    query = select(own.assignment_id, own.kind, own.value).where(own.assignment_id.in_(assignment_ids))
    return query.order_by(own.assignment_id, own.kind, own.value)


def number_frozen(roll_id: int) -> Select[int]:
    """How many people are on a frozen roll."""
    return select(func.count()).select_from(FrozenPerson).where(FrozenPerson.roll_id == roll_id)


def frozen_rolls(briefing_id: int) -> Select[FrozenRoll, int]:
    """The frozen rolls of a briefing with the number of people on each, the latest first."""
    return (
        select(FrozenRoll, func.count(FrozenPerson.person_id))
        .outerjoin(FrozenPerson, FrozenPerson.roll_id == FrozenRoll.id)
        .where(FrozenRoll.briefing_id == briefing_id)
        .group_by(*FrozenRoll.__table__.c)
        .order_by(FrozenRoll.frozen_at.desc(), FrozenRoll.id.desc())
    )


COMPARED = ("frozen", "frozen_exempt", "live", "live_exempt", "joined", "left")


def compared(roll: FrozenRoll, *, on: date) -> Select[*tuple[Any, ...]]:
    """A frozen roll beside the live one, a row a unit: name, then the numbers of `COMPARED`.

    joined: is counted in the unit now and was not then; left: the other way round. Who changed unit is both. Of a unit
    that has ended by that day people were counted in the unit in its place.
    """
    taken, now, one = taken_over(on), Standing, literal(1)
    place = func.coalesce(taken.c.heir_id, FrozenPerson.unit_id).label("unit_id")
    kept = select(FrozenPerson.person_id, FrozenPerson.exempt, place).where(FrozenPerson.roll_id == roll.id)
    roll_then = kept.outerjoin(taken, taken.c.unit_id == FrozenPerson.unit_id).cte()
    then = roll_then.c
    same = and_(then.person_id == now.person_id, then.unit_id == now.unit_id)
    live = now.briefing_id == roll.briefing_id
    none = literal(0)
    frozen_side = select(
        then.unit_id,
        one.label("frozen"),
        case((then.exempt, 1), else_=0).label("frozen_exempt"),
        none.label("live"),
        none.label("live_exempt"),
        none.label("joined"),
        case((select(now.person_id).where(live, same).correlate(roll_then).exists(), 0), else_=1).label("left"),
    )
    live_side = select(
        now.unit_id,
        none,
        none,
        one,
        case((now.exempt, 1), else_=0),
        case((select(then.person_id).where(same).correlate(now).exists(), 0), else_=1),
        none,
    ).where(live)
    both = union_all(frozen_side, live_side).subquery()
    sums = [func.sum(both.c[name]).label(name) for name in COMPARED]
    return (
        select(Unit.name, *sums)
        .join(both, both.c.unit_id == Unit.id)
        .group_by(Unit.id, Unit.name, Unit.sort_key)
        .order_by(Unit.sort_key, Unit.id)
    )


def chosen_by(session: Session, assignments: Iterable[Assignment]) -> dict[int, str]:
    """Whom each assignment is for, in words, where it is not for everybody."""
    found: dict[int, list[tuple[str, str]]] = {}
    for assignment_id, kind, value in session.execute(choices([one.id for one in assignments])):
        found.setdefault(assignment_id, []).append((kind, value))
    return {assignment_id: chosen_words(rows) for assignment_id, rows in found.items()}


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """Where the record was seen at sittings, and what was decided about it."""
    seen = (
        select(called(), BriefingSession.title, Attendance.state, Attendance.at)
        .join(BriefingSession, BriefingSession.id == Attendance.session_id)
        .join(Briefing, Briefing.id == BriefingSession.briefing_id)
        .where(Attendance.person_id == person_id)
        .order_by(Attendance.at)
    )
    columns = {
        "briefing": _l("Đợt học tập, quán triệt"),
        "sitting": _l("Buổi"),
        "state": _l("Điểm danh"),
        "at": _l("Thời điểm"),
    }
    rows = [[briefing, title, str(SEEN_WORDS[state]), at] for briefing, title, state, at in session.execute(seen)]
    yield OwnData("attendance", _l("Điểm danh"), columns, rows)
    own = RollDecision
    held = (
        select(called(), own.kind, own.due_at, own.reason, own.approved_by, own.decided_at, own.revoked_at)
        .join(Briefing, Briefing.id == own.briefing_id)
        .where(own.person_id == person_id)
        .order_by(own.id)
    )
    columns = {
        "briefing": _l("Đợt học tập, quán triệt"),
        "decision": _l("Quyết định"),
        "due": _l("Hạn"),
        "reason": _l("Lý do"),
        "approved_by": _l("Người phê duyệt"),
        "decided": _l("Ghi lúc"),
        "revoked": _l("Thu hồi lúc"),
    }
    decided = [[briefing, str(DECISION_WORDS[kind]), *rest] for briefing, kind, *rest in session.execute(held)]
    yield OwnData("roll_decisions", _l("Quyết định về từng người trong đợt"), columns, decided)


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Of so many people who come onto a roll, how many count at once as briefed (B) and completed (C).

    `counting` is with what was studied before the briefing was opened, `anew` without it: pairs of B and C. `counts`:
    which of them holds now; that may be chosen (`may_choose`) as long as nobody is on the roll.
    """

    people: int
    counting: tuple[int, int]
    anew: tuple[int, int]
    counts: bool
    may_choose: bool


def at_once(session: Session, briefing: Briefing, people: Select[int, str]) -> AtOnce:
    """What those of these people who are on no roll of the briefing yet would count as, were they on it now."""
    categories = dict(session.execute(people.where(Person.id.not_in(queries.on_roll_of(briefing)))).all())
    of = queries.known(session, briefing, sorted(categories)) if categories else queries.Known()
    seen = {
        one: (category, of.together(one, leave=False, opened_at=briefing.opened_at))
        for one, category in categories.items()
    }
    found = {}
    for counts in (True, False):
        policy = replace(policy_of(briefing.policy), counts_before=counts)
        states = Counter(stand(policy, category, evidence).state for category, evidence in seen.values())
        found[counts] = states["briefed"] + states["completed"], states["completed"]
    nobody = session.scalar(queries.on_roll_of(briefing).limit(1)) is None
    counts_now = policy_of(briefing.policy).counts_before
    return AtOnce(len(seen), found[True], found[False], counts=counts_now, may_choose=nobody)
