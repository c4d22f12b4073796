"""From which day the days of a relative due date count: what is no coming gives nobody more time, and nobody less."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from courses.catalog.models import Course
from courses.enrolment import actions
from courses.enrolment.models import Briefing
from courses.enrolment.queries import roll
from courses.enrolment.rules import Given, PastReach, Stay
from courses.learning.queries import duties
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Person
from lms.cli import check_projections
from lms.clock import end_of_day
from lms.organisation.actions import merge_units, move_unit, undo
from lms.organisation.models import Unit, UnitOperation
from tests.make import Make
from tests.organisation import commune, own

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 5, tzinfo=UTC)
DAYS = timedelta(days=10)
TOP, ROOM, OTHER, AWAY, HEIR = 1, 2, 3, 4, 5
ALWAYS = (date(2020, 1, 1), None)


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def stays(*moves: tuple[int, date]) -> list[Stay]:
    """Where somebody was, each time until the next."""
    ends = [since for _unit, since in moves[1:]]
    return [Stay(unit, since, until) for (unit, since), until in zip(moves, [*ends, None], strict=True)]


HELD = {
    ("state", above, below): [ALWAYS]
    for above, below in [(TOP, TOP), (TOP, ROOM), (TOP, OTHER), (ROOM, ROOM), (AWAY, AWAY), (HEIR, HEIR), (TOP, HEIR)]
}
BEFORE = date(2025, 1, 1)


@pytest.mark.parametrize(
    ("been", "days"),
    [
        ([(ROOM, BEFORE)], 0),
        ([(ROOM, after(4))], 4),  # whoever comes later
        ([(ROOM, BEFORE), (OTHER, after(4))], 0),  # a move below the unit is no coming
        ([(ROOM, after(2)), (OTHER, after(4)), (TOP, after(6))], 2),
        ([(AWAY, BEFORE), (OTHER, after(4))], 4),
        ([(ROOM, BEFORE), (AWAY, after(3)), (OTHER, after(6))], 6),  # was away, and came anew
        ([(ROOM, BEFORE), (OTHER, DAY)], 0),
    ],
)
def test_whoever_it_reached_all_along_did_not_come(been: list[tuple[int, date]], days: int) -> None:
    reach = PastReach({1: Given(TOP, "state", DAY)}, HELD)
    assert reach.days_count_from(1, stays(*been), after(20)) == after(days)


@pytest.mark.parametrize(
    ("stood", "days"),
    [
        ([(BEFORE, None)], 0),
        ([(after(5), None)], 5),  # the unit came below it with its people
        ([(BEFORE, after(5)), (after(5), None)], 0),  # it went further down, or up
        ([(BEFORE, after(3)), (after(5), None)], 5),
    ],
)
def test_a_unit_that_comes_below_brings_its_people_on_that_day(
    stood: list[tuple[date, date | None]], days: int
) -> None:
    reach = PastReach({1: Given(TOP, "state", DAY)}, {("state", TOP, ROOM): stood})
    assert reach.days_count_from(1, stays((ROOM, BEFORE)), after(20)) == after(days)


@pytest.mark.parametrize(
    ("old", "been", "days"),
    [
        (Given(ROOM, "state", DAY, passed=(HEIR,)), [(ROOM, BEFORE), (HEIR, after(7))], 0),
        (Given(ROOM, "state", DAY, passed=(HEIR,)), [(ROOM, after(2)), (HEIR, after(7))], 2),
        (Given(ROOM, "state", DAY, passed=(HEIR,)), [(AWAY, BEFORE), (HEIR, after(7))], 7),  # it had not reached them
        (Given(ROOM, "state", DAY, passed=()), [(ROOM, BEFORE), (HEIR, after(7))], 7),  # was due on a day
        (Given(ROOM, "party", DAY, passed=(HEIR,)), [(ROOM, BEFORE), (HEIR, after(7))], 7),
        (Given(ROOM, "state", DAY, after(5), passed=(HEIR,)), [(ROOM, BEFORE), (HEIR, after(7))], 7),  # withdrawn
        (Given(ROOM, "state", DAY, passed=(HEIR,), briefing_id=9), [(ROOM, BEFORE), (HEIR, after(7))], 7),
    ],
)
def test_what_takes_the_place_of_another_goes_on_with_its_days(
    old: Given, been: list[tuple[int, date]], days: int
) -> None:
    reach = PastReach({1: old, 2: Given(HEIR, "state", after(7))}, HELD)
    assert reach.days_count_from(2, stays(*been), after(20)) == after(days)


class World:
    """A province with two agencies and a room, somebody in each; a course that is due ten days after it was given."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.root = make.unit("Tỉnh")
        self.one, self.two = (make.unit(f"Sở {name}", under=self.root) for name in ("Một", "Hai"))
        self.room = make.unit("Phòng", under=self.one)
        self.people = [make.person(unit=unit) for unit in (self.one, self.room, self.two)]
        with make.writing() as session:
            course = Course(code="nq48", iri="https://quan-triet.example/courses/nq48", created_at=NOON)
            session.add(course)
            session.flush()

    def give(self, *units: Unit, days: int = 0) -> None:
        with self.make.writing() as session, clock.moved_to(NOON + timedelta(days=days)):
            briefing = actions.plain_briefing(session, session.scalars(select(Course)).one())
            for unit in units:
                actions.give(session, briefing, session.get_one(Unit, unit.id), due_days=DAYS.days)

    def dues(self, *, on: date) -> list[int | None]:
        """For each how many days after `DAY` it is due, less the ten: on the roll, and as the person reads it."""
        with self.make.reading() as session:
            briefing_id = session.scalars(select(Briefing.id)).one()
            due = {row.person_id: row.due_at for row in roll(session, briefing_id, on=on)}
            for one in self.people:
                mine = [duty.due_at for duty in duties(session, one.id, on=on).values()]
                assert mine == ([due[one.id]] if one.id in due else [])
        found = [due.get(one.id) for one in self.people]
        assert all(at is None or at == end_of_day(clock.day_of(at)) for at in found)
        return [(clock.day_of(at) - DAY - DAYS).days if at is not None else None for at in found]

    def agrees(self) -> bool:
        """Whether standings are those that would be computed anew."""
        return not any(check_projections(self.make.database).values())


@pytest.fixture
def world(make: Make) -> World:
    return World(make)


def test_a_move_below_the_unit_gives_no_more_time_and_coming_from_elsewhere_does(world: World) -> None:
    world.give(world.one)
    with world.make.writing() as session:
        for one, unit in zip(world.people, (world.room, world.one, world.room), strict=True):
            move_person(session, session.get_one(Person, one.id), session.get_one(Unit, unit.id), on=after(4))
    assert world.dues(on=after(3)) == [0, 0, None]
    assert world.dues(on=after(4)) == [0, 0, 4]
    assert world.agrees()


def test_a_unit_that_is_moved_below_has_its_days_from_then(world: World) -> None:
    world.give(world.two)
    with world.make.writing() as session:
        move_unit(session, session.get_one(Unit, world.room.id), session.get_one(Unit, world.two.id), on=after(6))
    assert world.dues(on=after(6)) == [None, 6, 0]
    assert world.agrees()


def test_a_merger_leaves_everybody_the_days_they_had(world: World) -> None:
    world.give(world.one)
    world.give(world.two, days=2)
    with world.make.writing() as session:
        both = [session.get_one(Unit, one.id) for one in (world.one, world.two)]
        merge_units(session, both, own(session, commune("Sở Hợp", "h", under=world.root)), on=after(7))
    assert world.dues(on=after(6)) == [0, 0, 2]
    assert world.dues(on=after(7)) == [0, 0, 2]
    assert world.agrees()
    with world.make.writing() as session:
        undo(session, session.scalars(select(UnitOperation).where(UnitOperation.kind == "consolidate")).one())
    assert world.dues(on=after(7)) == [0, 0, 2]
    assert world.agrees()


def test_whom_only_a_merger_brings_has_the_days_from_then(world: World) -> None:
    world.give(world.one)
    with world.make.writing() as session:
        one, two = (session.get_one(Unit, each.id) for each in (world.one, world.two))
        merge_units(session, [two], one, on=after(7))
    assert world.dues(on=after(7)) == [0, 0, 7]
    assert world.agrees()


def test_looking_back_costs_no_statement_for_each_person(world: World) -> None:
    world.give(world.one)
    costs = []
    for people in (1, 6):
        world.people += [world.make.person(unit=world.one) for _number in range(people)]
        with world.make.writing() as session:
            for one in world.people:
                if one is not world.people[2]:
                    to = world.room if people == 1 else world.one
                    move_person(
                        session, session.get_one(Person, one.id), session.get_one(Unit, to.id), on=after(people)
                    )
        costs.append(statements_of_roll(world))
    assert costs[0] == costs[1]


def statements_of_roll(world: World) -> int:
    """How many statements the roll takes."""
    with world.make.reading() as session:
        briefing_id, sent = session.scalars(select(Briefing.id)).one(), list[str]()
        listen_to(session, sent)
        roll(session, briefing_id, on=after(9))
        return len(sent)


def listen_to(session: Session, sent: list[str]) -> None:
    @event.listens_for(session.connection(), "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)
