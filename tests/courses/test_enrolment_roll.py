"""Who is on the roll of a course on a day, and under which assignment."""

import random
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from courses.catalog.models import Course
from courses.enrolment import actions
from courses.enrolment.actions import RollChanged
from courses.enrolment.models import Assignment, Briefing
from courses.enrolment.queries import OnRoll, people_reached, plain_briefing, roll
from courses.enrolment.rules import Reaching, effective_assignment
from lms import clock
from lms.accounts import actions as accounts
from lms.accounts.models import Membership
from lms.audit.models import AuditEntry
from lms.clock import end_of_day
from lms.organisation.models import Unit, UnitClosure
from tests.make import LONG_AGO, Make

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 5, tzinfo=UTC)
DUE = end_of_day(date(2026, 4, 1))


def reaching(assignment_id: int, depth: int, *, hours: int = 0) -> Reaching:
    return Reaching(assignment_id, depth, NOON + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("reached_by", "holds"),
    [
        ([], None),
        ([reaching(1, 2)], 1),
        ([reaching(1, 2, hours=5), reaching(2, 0)], 2),  # the nearest unit, though it was given earlier
        ([reaching(1, 1), reaching(2, 1, hours=1)], 2),  # of one unit the latest
        ([reaching(2, 1, hours=1), reaching(1, 1)], 2),  # in whatever order they come
        ([reaching(7, 1), reaching(9, 1)], 9),  # at one moment the one written last
    ],
)
def test_the_nearest_unit_wins_and_then_the_latest(reached_by: list[Reaching], holds: int | None) -> None:
    found = effective_assignment(reached_by)
    assert (found and found.assignment_id) == holds


def course(session: Session, code: str = "nq48") -> Course:
    one = Course(code=code, iri=f"https://quan-triet.example/courses/{code}", created_at=NOON)
    session.add(one)
    session.flush()
    return one


def assigned(session: Session, one: Course, unit: Unit, *, minutes: int = 0, at: datetime = NOON) -> Assignment:
    """The course given to the unit at that moment."""
    with clock.moved_to(at):
        due_at = DUE + timedelta(minutes=minutes)
        return actions.assign(session, one, session.get_one(Unit, unit.id), due_at=due_at)


def rows(session: Session, course_id: int, *, on: date = DAY) -> set[tuple[int, int, int]]:
    return {(row.person_id, row.unit_id, row.assignment_id) for row in known(session, course_id, on=on)}


def known(session: Session, course_id: int, *, on: date = DAY, person_ids: Any = None) -> list[OnRoll]:
    """The roll of the course as it was merely assigned."""
    briefing = session.scalar(plain_briefing(course_id))
    return roll(session, briefing.id, on=on, person_ids=person_ids) if briefing is not None else []


def test_an_assignment_reaches_the_unit_and_all_below_it_and_nobody_else(make: Make) -> None:
    root = make.unit("Tỉnh")
    district = make.unit("Huyện", under=root)
    commune = make.unit("Xã", under=district)
    above, here, below = (make.person(unit=unit) for unit in (root, district, commune))
    with make.writing() as session:
        nq48, other = course(session), course(session, "khac")
        given = assigned(session, nq48, district)
    with make.reading() as session:
        assert rows(session, nq48.id) == {(here.id, district.id, given.id), (below.id, commune.id, given.id)}
        assert rows(session, other.id) == set()
        assert set(session.scalars(people_reached(root.id, on=DAY))) == {above.id, here.id, below.id}
        assert [row.person_id for row in known(session, nq48.id, person_ids=[above.id, below.id])] == [below.id]
        within = people_reached(commune.id, on=DAY)
        assert [row.person_id for row in known(session, nq48.id, person_ids=within)] == [below.id]


def test_the_roll_of_a_day_follows_assignments_withdrawals_and_moves(make: Make) -> None:
    root = make.unit("Tỉnh")
    first, second = make.unit("Sở A", under=root), make.unit("Sở B", under=root)
    person = make.person(unit=first)
    with make.writing() as session:
        nq48 = course(session)
        given = assigned(session, nq48, first)
    with make.writing() as session:
        accounts.move_person(
            session, session.merge(person), session.get_one(Unit, second.id), on=DAY + timedelta(days=5)
        )
        session.get_one(Assignment, given.id).withdrawn_at = NOON + timedelta(days=3)
    on_it = {(person.id, first.id, given.id)}
    with make.reading() as session:
        for days, expected in {-1: set(), 0: on_it, 2: on_it, 3: set(), 6: set()}.items():
            assert rows(session, nq48.id, on=DAY + timedelta(days=days)) == expected, days


def test_a_unit_that_is_not_counted_has_no_roll(make: Make) -> None:
    root = make.unit("Tỉnh")
    committee = make.unit("Ban Chỉ đạo", under=root)
    make.person(unit=committee)
    with make.writing() as session:
        session.get_one(Unit, committee.id).counted = False
        nq48 = course(session)
        assigned(session, nq48, root)
        assert rows(session, nq48.id) == set()


def test_the_roll_in_sql_agrees_with_the_rule(make: Make) -> None:
    dice = random.Random(48)
    with make.writing() as session:
        nq48 = course(session)
    units = [make.unit("Tỉnh")]
    for number in range(9):
        units.append(make.unit(f"Đơn vị {number}", under=dice.choice(units)))
    people = [make.person(unit=dice.choice(units)) for _ in range(25)]
    with make.writing() as session:
        for number in range(14):
            unit, moment = dice.choice(units), NOON + timedelta(hours=dice.randrange(-6, 6))
            given = assigned(session, session.get_one(Course, nq48.id), unit, minutes=number, at=moment)
            if dice.random() < 0.3:
                given.withdrawn_at = NOON
    with make.reading() as session:
        found = {row.person_id: row.assignment_id for row in known(session, nq48.id)}
        assert len(found) > 5
        for person in people:
            chosen = effective_assignment(reaching_person(session, person.id))
            assert found.get(person.id) == (chosen and chosen.assignment_id)


def reaching_person(session: Session, person_id: int) -> list[Reaching]:
    """Every assignment in force that reaches the person, found row by row."""
    unit_id = session.scalars(select(Membership.unit_id).where(Membership.person_id == person_id)).one()
    above = select(UnitClosure.ancestor_id, UnitClosure.depth).where(UnitClosure.descendant_id == unit_id)
    depths = {row.ancestor_id: row.depth for row in session.execute(above)}
    return [
        Reaching(one.id, depths[one.unit_id], one.assigned_at)
        for one in session.scalars(select(Assignment))
        if one.unit_id in depths and one.withdrawn_at is None
    ]


def test_a_course_can_be_assigned_though_another_briefing_has_its_code(make: Make) -> None:
    with make.writing() as session:
        first, second = course(session, "nq48"), course(session, "kh55")
        session.add(Briefing(code="kh55", course=first, plain=False, title="Đợt một", opened_at=NOON))
        session.flush()
        plain = actions.plain_briefing(session, second)
        assert plain.code not in {"", "kh55"}
        assert actions.plain_briefing(session, second) is plain


def test_assigning_and_withdrawing_are_told_and_noted_once(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    by = make.person(role="administrator")
    told: list[RollChanged] = []
    make.database.doors.listen(RollChanged, lambda _session, event: told.append(event))
    with make.writing() as session:
        nq48 = course(session)
        given = actions.assign(session, nq48, session.get_one(Unit, unit.id), due_at=DUE, by=by.public_id)
        assert given.assigned_by_id == by.id
        with pytest.raises(actions.AlreadyAssigned):
            actions.assign(session, nq48, session.get_one(Unit, unit.id), due_at=DUE)
    for _ in range(2):
        with make.writing() as session:
            actions.withdraw(session, session.get_one(Assignment, given.id), by=by.public_id)
    assert told == [RollChanged(given.briefing_id)] * 2
    with make.reading() as session:
        assert rows(session, nq48.id, on=clock.today()) == set()
        noted = session.scalars(select(AuditEntry.action).where(AuditEntry.object_kind == "assignment")).all()
        assert sorted(noted) == ["course.assign", "course.withdraw"]


def test_a_course_withdrawn_can_be_assigned_again_by_the_same_date(make: Make) -> None:
    unit = make.unit("Sở Y tế", since=LONG_AGO)
    with make.writing() as session:
        nq48, sought = course(session), session.get_one(Unit, unit.id)
        actions.withdraw(session, actions.assign(session, nq48, sought, due_at=DUE))
        again = actions.assign(session, nq48, sought, due_at=DUE)
    assert again.public_id != uuid.UUID(int=0)
