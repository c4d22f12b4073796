"""Somebody studies while others move people or publish: each waits for the other's turn, nobody in a circle."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from courses.authoring.actions import publish_module
from courses.authoring.queries import modules_at_work
from courses.briefings.actions import count_before, open_briefing
from courses.briefings.rules import ONLINE, Asked, Policy, policy_of
from courses.catalog.actions import THE_PRODUCT
from courses.catalog.models import Course, Module
from courses.enrolment.actions import AlreadyAssigned
from courses.enrolment.actions import give as give_out
from courses.enrolment.models import Assignment, Briefing
from courses.learning.access import access_course, access_lesson_place
from courses.learning.actions import finish_lesson
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Membership, Person
from lms.cli import check_projections
from lms.organisation.models import Unit
from lms.xapi import vocabulary
from tests.courses.learner import HOME, Someone, give
from tests.library_course import CODE, load_small_course
from tests.make import Make
from tests.store import Outsider
from tests.together import at_once, until_somebody_waits


@pytest.fixture
def units(make: Make, tmp_path: Path) -> list[Unit]:
    """A province and two agencies; the small course is given to all."""
    load_small_course(make, tmp_path)
    root = make.unit("Tỉnh")
    give(make, root)
    return [root, make.unit("Sở A", under=root), make.unit("Sở B", under=root)]


def finishing_while(make: Make, person: Person, other: Callable[[], Any]) -> Any:
    """Finish a first lesson in a transaction that began before the other's and ends after that waits for it."""
    who = Someone(person.id, person.public_id)
    with ThreadPoolExecutor(1) as pool:
        with make.writing() as session:
            study = access_course(session, who, CODE, to_change=True)
            running: Future[Any] = pool.submit(other)
            until_somebody_waits(make)
            finish_lesson(session, who, study, *access_lesson_place(study, "m1-1"))
        return running.result()


def move(make: Make, person: Person, unit: Unit, *, days: int = 0) -> None:
    with make.writing() as session:
        found, to = session.get_one(Person, person.id), session.get_one(Unit, unit.id)
        move_person(session, found, to, on=clock.today() + timedelta(days=days))


def publish(make: Make) -> int:
    """Publish the drafts of the first module, as its page does; returns the number of the version."""
    with make.writing() as session:
        course = session.scalars(select(Course)).one()
        (at_work,) = modules_at_work(session, Module.code == "m1")
        return publish_module(session, course, at_work.module, note="Sửa.", seen=at_work.state, by=THE_PRODUCT)


def differences(make: Make) -> list[str]:
    return [line for lines in check_projections(make.database).values() for line in lines]


def test_a_person_is_moved_while_finishing_a_lesson(make: Make, units: list[Unit]) -> None:
    for _ in range(3):
        person = make.person(unit=units[1])
        finishing_while(make, person, partial(move, make, person, units[2]))
    assert differences(make) == []


def test_a_version_is_published_while_somebody_of_whom_another_system_spoke_finishes_a_lesson(
    make: Make, units: list[Unit]
) -> None:
    person = make.person(unit=units[1])
    outsider = Outsider(make, "statements/write", counts_prefix=f"{HOME}/xapi/courses/{CODE}")
    stated = {
        "actor": {"account": {"homePage": HOME, "name": str(person.public_id)}},
        "verb": {"id": vocabulary.COMPLETED},
        "object": {"id": vocabulary.activity_iri(HOME, CODE, "m2-1")},
    }
    assert outsider.post(stated).status_code == 200
    trainer = make.browser(make.person(role="trainer"))
    trainer.get(f"/authoring/{CODE}/m1/m1-1")
    trainer.submit("Nội dung bài", title="Tên mới")
    assert finishing_while(make, person, lambda: publish(make)) == 2
    assert differences(make) == []


def test_two_moves_of_one_person_follow_each_other(make: Make, units: list[Unit]) -> None:
    person = make.person(unit=units[0])
    outcome = at_once(lambda: move(make, person, units[1]), lambda: move(make, person, units[2]))
    assert outcome == [None, None]
    with make.reading() as session:
        held = session.scalars(select(Membership).where(Membership.person_id == person.id)).all()
    assert sorted(one.valid_to is None for one in held) == [False, True]
    assert differences(make) == []


def test_two_who_give_a_briefing_and_choose_what_counts_follow_each_other(make: Make, units: list[Unit]) -> None:
    """The second finds that people are on the roll and that it has been chosen, and is not refused."""
    for unit in units:
        make.person(unit=unit)
    with make.writing() as session:
        policy = Policy(Asked(frozenset({ONLINE})))
        open_briefing(session, session.scalars(select(Course)).one(), code="moi", title="Đợt mới", policy=policy)

    def choose_and_give(session: Session, unit: Unit, *, counts: bool) -> None:
        one = session.scalars(select(Briefing).where(Briefing.code == "moi")).one()
        count_before(session, one, counts=counts, reason="Chọn khi giao đợt.")
        give_out(session, one, session.get_one(Unit, unit.id))

    def second() -> None:
        with make.writing() as session:
            choose_and_give(session, units[1], counts=False)

    with ThreadPoolExecutor(1) as pool:
        with make.writing() as session:
            choose_and_give(session, units[0], counts=False)
            session.flush()
            running = pool.submit(second)
            until_somebody_waits(make)
        running.result()
    with make.reading() as session:
        one = session.scalars(select(Briefing).where(Briefing.code == "moi")).one()
        assert (policy_of(one.policy).counts_before, one.policy_number) == (False, 2)
    assert differences(make) == []


@pytest.mark.parametrize("days", [None, 30])
def test_of_two_who_give_the_same_at_once_without_a_date_one_is_told_that_it_is_given(
    make: Make, units: list[Unit], days: int | None
) -> None:
    def gives(session: Session) -> str:
        briefing, unit = session.scalars(select(Briefing)).one(), session.get_one(Unit, units[1].id)
        try:
            give_out(session, briefing, unit, due_days=days)
        except AlreadyAssigned:
            return "told"
        return "given"

    def second() -> str:
        with make.writing() as session:
            return gives(session)

    with ThreadPoolExecutor(1) as pool:
        with make.writing() as session:
            assert gives(session) == "given"
            running = pool.submit(second)
            until_somebody_waits(make)
        assert running.result() == "told"
    with make.reading() as session:
        given = select(Assignment).where(Assignment.unit_id == units[1].id)
        assert len(session.scalars(given).all()) == 1
