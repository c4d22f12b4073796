"""Reading who must study what, and by when."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, cast

from msgspec import Struct
from sqlalchemy import ColumnElement, Date, Integer, Row, Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager

from courses.catalog.models import Course, CourseVersion
from courses.catalog.queries import NEWEST_TITLES, newest_versions
from courses.enrolment import projection
from courses.enrolment.models import Assignment, AssignmentChoice, Briefing, RollDecision
from courses.enrolment.rules import NOTHING_DECIDED, Decided, due_moment
from lms.accounts import queries as accounts
from lms.accounts.models import Membership, Person
from lms.clock import end_of_day
from lms.organisation.models import STATE_TREE, Unit, UnitClosure
from lms.organisation.queries import holds_on, subtree

HOME = aliased(Membership)
NEAREST_FIRST = (
    func.row_number()
    .over(
        partition_by=(Membership.person_id, Assignment.briefing_id),
        order_by=(UnitClosure.depth, Assignment.assigned_at.desc(), Assignment.id.desc()),
    )
    .label("place")
)
"""Of the assignments of a briefing that reach a person, 1 is the one that holds (`rules.effective_assignment`)."""

COME = case((UnitClosure.valid_from > Membership.valid_from, UnitClosure.valid_from), else_=Membership.valid_from)
"""Not before this day somebody came to where an assignment reaches: the person to the unit, or the unit below it."""

CHOSEN_BY = {
    "category": (Person.category,),
    "party": (Person.party,),
    "position": (Person.position, Membership.position),
}
"""What of a person the rows of `AssignmentChoice` speak of, by their kind: one of these columns must fit."""


def in_force(on: date) -> ColumnElement[bool]:
    """Whether an assignment holds at the end of that day in Vietnam."""
    return in_force_at(end_of_day(on))


def in_force_at(moment: datetime) -> ColumnElement[bool]:
    """Whether an assignment holds at that moment."""
    return and_(
        Assignment.assigned_at <= moment, or_(Assignment.withdrawn_at.is_(None), Assignment.withdrawn_at > moment)
    )


def chosen() -> list[ColumnElement[bool]]:
    """Whether a person is one of those whom the assignment is for."""
    found = []
    for kind, columns in CHOSEN_BY.items():
        of_kind = select(AssignmentChoice.value).where(
            AssignmentChoice.assignment_id == Assignment.id, AssignmentChoice.kind == kind
        )
        fits = of_kind.where(or_(*(AssignmentChoice.value == column for column in columns)))
        found.append(
            or_(~of_kind.correlate(Assignment).exists(), fits.correlate(Assignment, Person, Membership).exists())
        )
    return found


def on_the_roll(
    briefing_id: int | None,
    *,
    on: date,
    person_ids: Collection[int] | Select[int] | None = None,
    choosing: bool = True,
) -> Select[*tuple[Any, ...]]:
    """Everybody who is on the roll of a briefing that day, without what was decided about single people.

    One row a person: of all assignments that reach a person, the one given nearest to the person's unit, then the
    latest (`rules.effective_assignment`). Units that are not counted, such as committees without staff, have no roll.
    Columns: person_id, unit_id (where the person is counted, see `counted_at`), assignment_id, briefing_id, due_at,
    due_days, assigned_at, since (when the person came to where the assignment reached them), category, party.
    `person_ids` narrows the answer; a subquery is taken as well as ids. Without a briefing: of every one, a row for
    each person and briefing. `choosing` may be left out where no assignment chooses.
    """
    reaching = reached_on(on, end_of_day(on))
    return placed_first(reaching, briefing_id, person_ids=person_ids, choosing=choosing)


BRIEFING_ID = cast(int, bindparam("briefing_id", type_=Integer()))
DAY, EVENING = cast(date, bindparam("day", type_=Date())), cast(datetime, bindparam("evening"))


@cache
def asked_for_roll(*, few: bool, choosing: bool) -> Select[*tuple[Any, ...]]:
    """`on_the_roll` of one briefing, put together once, for it is asked whenever anybody's standing may have moved.

    Whoever sends it says which `briefing_id`, `day` and `evening` of that day; `few`: and which `person_ids`.
    """
    people: Any = bindparam("person_ids", expanding=True) if few else None
    return placed_first(reached_on(DAY, EVENING), BRIEFING_ID, person_ids=people, choosing=choosing)


def placed_first(
    reaching: Select[*tuple[Any, ...]], briefing_id: int | None, *, person_ids: Any, choosing: bool
) -> Select[*tuple[Any, ...]]:
    """Of what `reached_on` finds what holds for each person and briefing."""
    if choosing:
        reaching = reaching.where(*chosen())
    if briefing_id is not None:
        reaching = reaching.where(Assignment.briefing_id == briefing_id)
    if person_ids is not None:
        reaching = reaching.where(Membership.person_id.in_(person_ids))
    rows = reaching.subquery()
    return select(*(column for column in rows.c if column.key != "place")).where(rows.c.place == 1)


def reached_on(on: date, evening: datetime) -> Select[*tuple[Any, ...]]:
    """Everybody with each assignment in force that reaches them that day, and its place among those of its briefing."""
    return (
        select(
            Membership.person_id,
            func.coalesce(HOME.unit_id, Membership.unit_id).label("unit_id"),
            Assignment.id.label("assignment_id"),
            Assignment.briefing_id,
            Assignment.due_at,
            Assignment.due_days,
            Assignment.assigned_at,
            COME.label("since"),
            Person.category,
            Person.party,
            NEAREST_FIRST,
        )
        .select_from(Assignment)
        .join(UnitClosure, and_(UnitClosure.tree == Assignment.tree, UnitClosure.ancestor_id == Assignment.unit_id))
        .join(Membership, and_(Membership.tree == UnitClosure.tree, Membership.unit_id == UnitClosure.descendant_id))
        .join(Unit, Unit.id == Membership.unit_id)
        .join(Person, Person.id == Membership.person_id)
        .outerjoin(HOME, and_(Assignment.tree != STATE_TREE, counted_at(on)))
        .where(
            in_force_at(evening),
            holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Unit.counted,
        )
    )


def counted_at(on: date) -> ColumnElement[bool]:
    """Whether `HOME` is where somebody is counted in the state tree that day, wherever an assignment was given.

    Tallies and reports add up that tree: only who is counted nowhere in it stands at the unit in the other.
    """
    main = HOME.person_id == Membership.person_id, HOME.tree == STATE_TREE, HOME.kind == "main"
    counted_units = select(Unit.id).where(Unit.counted).correlate(None)
    return and_(*main, holds_on(on, HOME.valid_from, HOME.valid_to), HOME.unit_id.in_(counted_units))


class OnRoll(Struct, frozen=True, gc=False):
    """Somebody who is on the roll of a briefing, where the person is counted, and what was decided about the person.

    `due_at` None: never due. `decided`: the decisions that stand.
    """

    person_id: int
    unit_id: int
    assignment_id: int
    due_at: datetime | None
    category: str
    party: str
    decided: Decided


def roll(
    session: Session,
    briefing_id: int,
    *,
    on: date,
    person_ids: Collection[int] | Select[int] | None = None,
    dues: Mapping[int, tuple[datetime | None, int | None]] | None = None,
) -> list[OnRoll]:
    """Who is on the roll of a briefing that day, in three statements, or in a few when there are very many.

    `dues`: other due dates (`due_at`, `due_days`) than those of the assignments, by their ids, to see what they do.
    """
    choosing = session.scalar(any_choice(briefing_id)) is not None
    known = decisions(session, briefing_id)
    found: list[OnRoll] = []
    named: dict[str, Any] = {"briefing_id": briefing_id, "day": on, "evening": end_of_day(on)}
    for people in projection.batches(person_ids):
        if isinstance(people, Select):
            query, values = on_the_roll(briefing_id, on=on, person_ids=people, choosing=choosing), {}
        else:
            few = {} if people is None else {"person_ids": people}
            query, values = asked_for_roll(few=people is not None, choosing=choosing), {**named, **few}
        for rows in session.execute(query, values).partitions(projection.BATCH):
            begun = projection.begun(session, rows, dues or {}, on=on)
            found += (on_roll(row, known.get(row.person_id, NOTHING_DECIDED), dues or {}, begun) for row in rows)
    return found


def on_roll(
    row: Row[*tuple[Any, ...]],
    decided: Decided,
    dues: Mapping[int, tuple[datetime | None, int | None]],
    begun: Mapping[tuple[int, int], date],
) -> OnRoll:
    """A row of `on_the_roll` as a value."""
    person_id, unit_id, assignment_id, briefing_id, due_at, due_days, _assigned_at, since, category, party = row
    if assignment_id in dues:
        due_at, due_days = dues[assignment_id]
    due_at = due_moment(due_at, due_days, begun.get((briefing_id, person_id), since), decided)
    return OnRoll(person_id, unit_id, assignment_id, due_at, category, party, decided)


def any_choice(briefing_id: int) -> Select[int]:
    """Something, if an assignment of the briefing is not for everybody in its units."""
    return (
        select(AssignmentChoice.assignment_id)
        .join(Assignment, Assignment.id == AssignmentChoice.assignment_id)
        .where(Assignment.briefing_id == briefing_id)
        .limit(1)
    )


def decisions(session: Session, briefing_id: int) -> Mapping[int, Decided]:
    """What was decided about single people in the briefing and has not been revoked, by the record that counts."""
    links = accounts.all_links().subquery()
    whose = func.coalesce(links.c.person_id, RollDecision.person_id)
    rows = session.execute(
        select(whose, RollDecision.kind, RollDecision.due_at)
        .outerjoin(links, links.c.duplicate_id == RollDecision.person_id)
        .where(RollDecision.briefing_id == briefing_id, RollDecision.revoked_at.is_(None))
    )
    found: dict[int, Decided] = {}
    for person_id, kind, due_at in rows:
        found[person_id] = found.get(person_id, NOTHING_DECIDED).also(kind, due_at)
    return found


def people_reached(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[int]:
    """The ids of everyone counted in the unit or below it that day: whom an assignment to the unit reaches."""
    return (
        select(Membership.person_id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.tree == tree,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Membership.unit_id.in_(subtree(unit_id, on=on, tree=tree)),
            Unit.counted,
        )
    )


def plain_briefing(course_id: int) -> Select[Briefing]:
    """The briefing that is there because the course was assigned; none as long as it never was."""
    return select(Briefing).where(Briefing.course_id == course_id, Briefing.plain)


OF_COURSE = NEWEST_TITLES.c.course_id == Briefing.course_id
TITLE = func.coalesce(func.nullif(Briefing.title, ""), NEWEST_TITLES.c.title, Briefing.code)
"""What a briefing is called; where it has no title of its own, as its course is."""


def briefings_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """What briefings are called, by their codes and opaque ids (`called` in lms/doors.py)."""
    asked = list(ids)
    known = [Briefing.code.in_(asked), Briefing.public_id.in_([uuid.UUID(one) for one in asked if is_id(one)])]
    query = select(Briefing.code, Briefing.public_id, TITLE).outerjoin(NEWEST_TITLES, OF_COURSE).where(or_(*known))
    return {key: name for code, own, name in session.execute(query) for key in (code, str(own))}


def assignments_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """What was given to which unit, by the opaque ids of assignments."""
    query = (
        select(Assignment.public_id, TITLE, Unit.name)
        .join(Briefing, Briefing.id == Assignment.briefing_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(NEWEST_TITLES, OF_COURSE)
        .where(Assignment.public_id.in_([uuid.UUID(one) for one in ids]))
    )
    return {str(own): f"{title}, {unit}" for own, title, unit in session.execute(query)}


def is_id(text: str) -> bool:
    """Whether the text is an opaque id."""
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def assignments_given() -> Select[Assignment]:
    """Every assignment with its briefing, course and unit, those in force first, each group with the latest first."""
    return (
        select(Assignment)
        .join(Briefing, Briefing.id == Assignment.briefing_id)
        .join(Course, Course.id == Assignment.course_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .options(
            contains_eager(Assignment.briefing), contains_eager(Assignment.course), contains_eager(Assignment.unit)
        )
        .order_by(Assignment.withdrawn_at.is_not(None), Assignment.assigned_at.desc(), Assignment.id.desc())
    )


def people_held_by(assignment: Assignment, *, on: date) -> Select[int]:
    """The ids of those for whom this assignment holds that day, and no nearer or later one."""
    people = people_reached(assignment.unit_id, on=on, tree=assignment.tree)
    rows = on_the_roll(assignment.briefing_id, on=on, person_ids=people).subquery()
    return select(rows.c.person_id).where(rows.c.assignment_id == assignment.id)


def people_nearer(briefing_id: int, unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[int]:
    """The ids of those whom an assignment given below the unit reaches: a new one at the unit passes them by."""
    above = aliased(UnitClosure)
    return (
        select(Membership.person_id)
        .distinct()
        .select_from(Assignment)
        .join(above, and_(above.tree == Assignment.tree, above.descendant_id == Assignment.unit_id))
        .join(UnitClosure, and_(UnitClosure.tree == Assignment.tree, UnitClosure.ancestor_id == Assignment.unit_id))
        .join(Membership, and_(Membership.tree == UnitClosure.tree, Membership.unit_id == UnitClosure.descendant_id))
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Assignment.briefing_id == briefing_id,
            Assignment.tree == tree,
            in_force(on),
            above.ancestor_id == unit_id,
            above.depth > 0,
            holds_on(on, above.valid_from, above.valid_to),
            holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Unit.counted,
        )
    )


def reached_by_unit(
    unit_ids: Collection[int], choices: Collection[tuple[str, str]], *, on: date, tree: str = STATE_TREE
) -> Select[int, int]:
    """Unit and how many people of it and below are chosen, for each of these units that has any, in one statement."""
    number = func.count(Membership.person_id.distinct())
    query = reached_through(unit_ids, choices, on=on, tree=tree)
    return query.with_only_columns(UnitClosure.ancestor_id, number).group_by(UnitClosure.ancestor_id)


def reached_through(
    unit_ids: Collection[int], choices: Collection[tuple[str, str]], *, on: date, tree: str = STATE_TREE
) -> Select[int, str]:
    """Id and staff category of everybody of these units and below who is chosen; a row for each of the units."""
    query = (
        select(Membership.person_id, Person.category)
        .select_from(UnitClosure)
        .join(Membership, and_(Membership.tree == UnitClosure.tree, Membership.unit_id == UnitClosure.descendant_id))
        .join(Unit, Unit.id == Membership.unit_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            UnitClosure.tree == tree,
            UnitClosure.ancestor_id.in_(unit_ids),
            holds_on(on, UnitClosure.valid_from, UnitClosure.valid_to),
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Unit.counted,
        )
    )
    for kind, columns in CHOSEN_BY.items():
        if wanted := [value for of, value in choices if of == kind]:
            query = query.where(or_(*(column.in_(wanted) for column in columns)))
    return query


def counted(people: Select[int]) -> Select[int]:
    """How many they are."""
    return select(func.count()).select_from(people.subquery())


def called() -> ColumnElement[str]:
    """What a briefing is called: by its own title, else by that of its course now. A column beside `Briefing`."""
    course = select(NEWEST_TITLES.c.title).where(NEWEST_TITLES.c.course_id == Briefing.course_id)
    own = func.nullif(Briefing.title, "")
    return func.coalesce(own, course.correlate(Briefing).scalar_subquery(), Briefing.code)


def courses_to_assign() -> Select[int, str, str]:
    """Id, code and title of every course that has been published."""
    return newest_versions().with_only_columns(Course.id, Course.code, CourseVersion.title)
