"""Figures are of one day and follow from statements, roll and policy alone: also at midnight, also when all lie."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from analytics.facts.models import Tally, TallyDay
from courses.briefings.models import BriefingSession, MeetingPoint, ReflectionResult, Standing
from courses.briefings.rules import Asked, Policy, document_of
from courses.enrolment.models import Briefing
from courses.learning.models import ActivityProgress
from courses.meetings.models import PointSighting
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Person, UnitHeadcount
from lms.cli import check_projections
from lms.organisation.models import Unit, UnitClosure
from lms.outbox.actions import settle_day, settled_day
from lms.outbox.cli import Worker
from tests.browser import Browser
from tests.courses.learner import Learner, give
from tests.library_course import load_small_course
from tests.make import Make
from tests.together import at_once

DAY = timedelta(days=1)


@pytest.fixture
def units(make: Make, tmp_path: Path) -> list[Unit]:
    """A province and two agencies; the small course is given to all."""
    load_small_course(make, tmp_path)
    root = make.unit("Tỉnh")
    give(make, root)
    return [root, make.unit("Sở A", under=root), make.unit("Sở B", under=root)]


def differences(make: Make, **options: Any) -> list[str]:
    return [line for lines in check_projections(make.database, **options).values() for line in lines]


def move_tomorrow(make: Make, person: Person, unit: Unit) -> None:
    with make.writing() as session:
        found, to = session.get_one(Person, person.id), session.get_one(Unit, unit.id)
        move_person(session, found, to, on=clock.today() + DAY)


def people_in(browser: Browser, unit: Unit) -> int:
    """How many people the dashboard of the unit counts."""
    return int(browser.get(f"/dashboard/units/{unit.public_id}.json").get_json()["total"]["people"])


def standing_units(make: Make) -> list[int]:
    with make.reading() as session:
        return list(session.scalars(select(Standing.unit_id).order_by(Standing.person_id)))


def test_after_midnight_nothing_differs_before_anything_has_run_nor_after(make: Make, units: list[Unit]) -> None:
    mover = make.person(unit=units[1])
    make.person(unit=units[1])
    move_tomorrow(make, mover, units[2])
    assert differences(make) == []
    with clock.moved_to(clock.end_of_day(clock.today()) + timedelta(minutes=2)):
        assert differences(make) == []
        assert standing_units(make) == [units[1].id, units[1].id]
        worker = Worker(make.database)
        while worker.step():
            pass
        with clock.moved_to(clock.now() + timedelta(minutes=5)):
            while worker.step():
                pass
        assert standing_units(make) == [units[2].id, units[1].id]
        assert differences(make) == []


def test_the_first_page_of_a_new_day_settles_it_for_the_learner_and_the_head_alike(
    make: Make, units: list[Unit]
) -> None:
    mover = make.person(unit=units[1])
    move_tomorrow(make, mover, units[2])
    here, there = (make.person(unit=one, role="head", over=one) for one in units[1:])
    with clock.moved_to(clock.now() + DAY):
        make.browser(mover).get("/learning")
        assert standing_units(make)[0] == units[2].id
        assert people_in(make.browser(here), units[1]) == 1
        assert people_in(make.browser(there), units[2]) == 2
        assert differences(make) == []


def test_who_is_moved_on_a_new_day_brings_all_others_to_that_day(make: Make, units: list[Unit]) -> None:
    first, second = make.person(unit=units[1]), make.person(unit=units[1])
    move_tomorrow(make, first, units[2])
    with clock.moved_to(clock.now() + DAY):
        with make.writing() as session:
            found, to = session.get_one(Person, second.id), session.get_one(Unit, units[2].id)
            move_person(session, found, to, on=clock.today())
        assert standing_units(make) == [units[2].id, units[2].id]
        assert differences(make) == []


def test_a_day_that_has_come_does_not_go_back(make: Make, units: list[Unit]) -> None:
    with clock.moved_to(clock.now() + DAY), make.writing() as session:
        tomorrow = settle_day(session)
    with make.writing() as session:
        assert settle_day(session) == settled_day(session) == tomorrow
    assert differences(make) == []


def test_a_day_is_settled_once_by_however_many_come_first(app: Flask, make: Make, units: list[Unit]) -> None:
    settled = []
    make.database.doors.daybreak.append(lambda _session, today: settled.append(today))

    def come() -> None:
        with clock.moved_to(clock.true_now() + DAY), make.writing() as session:
            settle_day(session)

    assert at_once(*[come] * 4) == [None] * 4
    assert settled == [clock.today() + DAY]


def test_figures_follow_from_the_moment_that_is_given(make: Make, units: list[Unit]) -> None:
    mover = make.person(unit=units[1])
    move_tomorrow(make, mover, units[2])
    with make.reading() as session:
        below: dict[str, Any] = {}
        found: dict[str, list[dict[str, Any]]] = {}
        for days in (-400, 0, 1):
            for one in make.database.doors.projections:
                below[one.name] = one.expected(session, now=clock.now() + days * DAY, below=below)
                found.setdefault(one.name, []).append(dict(below[one.name]))
    units_of = [[row["unit_id"] for row in standings.values()] for standings in found["standings"]]
    assert units_of == [[], [units[1].id], [units[2].id]]
    assert [[key[1] for key in tallies] for tallies in found["tallies"]] == units_of


def seen_at_a_point(session: Session, briefing_id: int, unit: Unit, person_id: int) -> None:
    """A row that says so, without a statement."""
    now = clock.now()
    sitting = BriefingSession(briefing_id=briefing_id, code="1", title="Một", starts_at=now, ends_at=now)
    point = MeetingPoint(session=sitting, code="1", name="Một", unit_id=unit.id)
    session.add(point)
    session.flush()  # the row names it
    told = {"state": "present", "at": now, "statement_id": uuid.uuid4()}
    session.execute(insert(PointSighting).values(point_id=point.id, person_id=person_id, **told))


def test_what_is_falsified_on_every_shelf_alike_is_found_on_every_shelf(make: Make, units: list[Unit]) -> None:
    learner = Learner(make, make.person(unit=units[1]))
    learner.read("m1-1", "m1-2", "m2-1")
    with make.writing() as session:
        done = session.scalars(select(ActivityProgress).order_by(ActivityProgress.activity_id)).all()
        outline_ids = {one.activity_id for one in done}
        row = {name: getattr(done[0], name) for name in ActivityProgress.__table__.c.keys()}  # noqa: SIM118 - columns
        missing = next(n for n in range(1, 20) if n not in outline_ids)
        session.execute(insert(ActivityProgress).values(row | {"activity_id": missing}))
        session.execute(update(Standing).values(state="briefed", briefed_at=clock.now()))
        session.execute(update(Tally).values(briefed=1))
        row = {"briefing_id": session.scalars(select(Briefing.id)).one(), "person_id": learner.person.id}
        day = {"unit_id": units[1].id, "day": clock.today(), "briefed": 3, "completed": 0}
        session.execute(insert(TallyDay).values(briefing_id=row["briefing_id"], **day))
        session.execute(insert(ReflectionResult).values(row))
        seen_at_a_point(session, row["briefing_id"], units[1], learner.person.id)
        session.execute(update(Unit).where(Unit.id == units[2].id).values(name="Sở khác"))
        session.execute(update(UnitClosure).where(UnitClosure.descendant_id == units[2].id).values(depth=5))
        session.execute(update(UnitHeadcount).values(people=7))
    found = check_projections(make.database)
    assert {name: len(lines) > 0 for name, lines in found.items()} == dict.fromkeys(found, True)
    assert set(found) == {
        "closure",
        "unit names",
        "headcount",
        "progress",
        "briefing records",
        "sightings",
        "standings",
        "tallies",
        "days",
    }
    check_projections(make.database, repair=True)
    assert differences(make) == []


def test_everybody_is_judged_by_the_policy_of_the_briefing(make: Make, units: list[Unit]) -> None:
    other = Policy(Asked(test=True), {"vien_chuc": Asked(test=False)})
    with make.writing() as session:
        session.execute(update(Briefing).values(policy=document_of(other), policy_number=2))
    first, second = make.person(unit=units[1]), make.person(unit=units[2])
    with make.writing() as session:
        session.execute(update(Person).where(Person.id == second.id).values(category="vien_chuc"))
    for person in (first, second):
        Learner(make, person).read("m1-1", "m1-2", "m2-1", "m2-2")
    states = select(Standing.state).order_by(Standing.person_id)
    with make.reading() as session:
        assert session.scalars(states).all() == ["briefed", "completed"]
        assert session.scalars(select(Tally.completed).order_by(Tally.unit_id)).all() == [0, 1]
    assert differences(make) == []
    with make.writing() as session:
        session.execute(delete(Standing))
        session.execute(delete(Tally))
    check_projections(make.database, repair=True)
    with make.reading() as session:
        assert session.scalars(states).all() == ["briefed", "completed"]
    assert differences(make) == []
