"""Two presses of one button at the same moment do one thing: the database itself allows no second row."""

import uuid
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from analytics.facts.models import Tally
from courses.briefings.models import Standing
from courses.catalog.models import Course
from courses.enrolment.actions import AlreadyAssigned, assign
from courses.enrolment.models import Assignment
from lms import clock
from lms.accounts.actions import RoleHeld, end_role, grant_role
from lms.accounts.models import Person, RoleGrant
from lms.cli import check_projections, migrate
from lms.db import UtcDateTime
from lms.organisation.models import Unit
from lms.outbox.actions import settle_day
from tests.browser import Browser, FoundForm
from tests.courses.learner import Learner, give
from tests.library_course import CODE, load_small_course
from tests.lms.test_migrations import settings
from tests.make import Make
from tests.together import at_once


@pytest.fixture
def province(make: Make, tmp_path: Path) -> Unit:
    """A province with the small course, and one person in it."""
    load_small_course(make, tmp_path)
    root = make.unit("Tỉnh")
    make.person(unit=root)
    return root


def press(browser: Browser, form: FoundForm, **typed: str) -> TestResponse:
    fields = dict(form.fields) | typed
    return browser.client.post(form.action or browser.path, data=fields, headers={"Origin": "http://localhost"})


def number(make: Make, model: type[Assignment] | type[RoleGrant], *where: sa.ColumnElement[bool]) -> int:
    with make.reading() as session:
        return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def test_a_course_is_assigned_once_by_two_presses_of_one_moment(app: Flask, make: Make, province: Unit) -> None:
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    browsers = [make.browser(make.person(role="administrator")) for _ in range(3)]
    query = {"course": CODE, "unit": str(province.public_id), "due": clock.today().isoformat()}
    for browser in browsers:
        browser.client.get("/assignments/new")
        browser.get("/assignments/check?" + "&".join(f"{name}={value}" for name, value in query.items()))
    found = at_once(*(partial(press, browser, browser.form("/assignments")) for browser in browsers))
    assert [getattr(one, "status_code", one) for one in found] == [302] * 3
    assert number(make, Assignment) == 1
    assert [line for lines in check_projections(make.database).values() for line in lines] == []


def test_a_role_is_given_once_by_two_presses_of_one_moment(app: Flask, make: Make, province: Unit) -> None:
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    person = make.person(unit=province)
    browsers = [make.browser(make.person(role="administrator")) for _ in range(3)]
    for browser in browsers:
        browser.get(f"/people/{person.public_id}/roles/new")
    for role in ("trainer", "head"):
        found = at_once(*(partial(press, one, one.form("/roles/new"), role=role) for one in browsers))
        assert sorted(getattr(one, "status_code", one) for one in found) == [302, 422, 422]
        assert number(make, RoleGrant, RoleGrant.person_id == person.id, RoleGrant.role == role) == 1


def test_what_was_withdrawn_or_ended_can_be_given_again(make: Make, province: Unit) -> None:
    due_at = clock.end_of_day(clock.today())
    give(make, province, due_at=due_at)
    with pytest.raises(AlreadyAssigned):
        give(make, province, due_at=due_at)
    person = make.person(role="trainer")
    with make.writing() as session:
        session.scalars(select(Assignment)).one().withdrawn_at = clock.now()
        one = session.get_one(Person, person.id)
        with pytest.raises(RoleHeld):
            grant_role(session, one, "trainer", unit=None, since=clock.today())
        end_role(session, session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id)).one())
        session.flush()
        grant_role(session, one, "trainer", unit=None, since=clock.today())
        course, unit = session.scalars(select(Course)).one(), session.get_one(Unit, province.id)
        assign(session, course, unit, due_at=due_at)
    assert number(make, Assignment) == 2
    assert number(make, RoleGrant, RoleGrant.person_id == person.id) == 2


def test_the_migration_ends_what_had_been_written_twice_and_keeps_the_row(make: Make, province: Unit) -> None:
    give(make, province)
    person = make.person(unit=province, role="trainer")
    with make.database.write_engine.connect() as connection:
        config = settings()
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
        connection.commit()
    again = "course_id, unit_id, due_at, tree, policy_version"
    with make.writing() as session:
        session.execute(
            sa.text(
                f"INSERT INTO assignment (public_id, {again}, assigned_at) "  # noqa: S608 - our own names
                f"SELECT :public_id, {again}, :now FROM assignment"
            ).bindparams(sa.bindparam("public_id", type_=sa.Uuid), sa.bindparam("now", type_=UtcDateTime)),
            {"public_id": uuid.uuid4(), "now": clock.now()},
        )
        session.execute(
            sa.text("INSERT INTO role_grant (person_id, role, valid_from) VALUES (:person, 'trainer', :today)"),
            {"person": person.id, "today": clock.today()},
        )
    migrate(make.database)
    with make.reading() as session:
        given = session.scalars(select(Assignment).order_by(Assignment.id)).all()
        roles = session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id).order_by(RoleGrant.id)).all()
    assert [one.withdrawn_at for one in given] == [given[0].assigned_at, None]
    assert [one.valid_to for one in roles] == [None, roles[1].valid_from]


def test_the_migration_to_briefings_and_back_keeps_who_stands_where(make: Make, province: Unit) -> None:
    give(make, province)
    learner = Learner(make, make.person(unit=province))
    learner.read("m1-1", "m1-2", "m2-1", "m2-2")
    learner.take("m1-test", 0.8)
    for revision in ("0020", "head"):
        with make.database.write_engine.connect() as connection:
            config = settings()
            config.attributes["connection"] = connection
            go = command.upgrade if revision == "head" else command.downgrade
            go(config, revision)
            connection.commit()
    with make.reading() as session:
        assert session.scalars(select(Standing.state).order_by(Standing.state)).all() == ["briefed", "not_started"]
        tallies = session.execute(select(Tally.people, Tally.started, Tally.briefed, Tally.completed)).all()
        assert [tuple(one) for one in tallies] == [(2, 1, 1, 0)]
    with make.writing() as session:
        settle_day(session)
    assert {name for name, lines in check_projections(make.database).items() if lines} == set()
