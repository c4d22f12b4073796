"""What is stored when people learn: statements that say it exactly, and progress that follows from them alone."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from analytics.facts.models import Tally
from courses.briefings.models import Standing
from courses.catalog.models import Course, CourseVersion
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.statements import course_activity
from lms import clock
from lms.cli import check_projections
from lms.xapi import vocabulary
from lms.xapi.actions import ourselves, record
from lms.xapi.statement import sentence
from tests.courses.learner import HOME, Learner, give, publish_anew
from tests.library_course import CODE, load_small_course
from tests.make import Make

TABLES = (CourseProgress, ActivityProgress, Standing, Tally)


@pytest.fixture
def learner(make: Make, tmp_path: Path) -> Learner:
    """Somebody of an agency to which the small course is assigned."""
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế")
    give(make, unit)
    return Learner(make, make.person("Hoàng Thị Cúc", unit=unit))


def rows(make: Make) -> dict[str, list[dict[str, Any]]]:
    """All projections as they stand."""
    with make.reading() as session:
        return {
            model.__tablename__: sorted(
                (dict(row._mapping) for row in session.execute(select(*model.__table__.c))), key=str
            )
            for model in TABLES
        }


def differences(make: Make) -> list[str]:
    return [line for lines in check_projections(make.database).values() for line in lines]


def test_a_finished_lesson_is_one_statement_that_says_who_what_and_where(learner: Learner) -> None:
    learner.read("m1-1")
    [said] = learner.statements()
    activity = f"{HOME}/xapi/courses/{CODE}/activities/"
    assert said["actor"] == {
        "objectType": "Agent",
        "account": {"homePage": HOME, "name": str(learner.person.public_id)},
    }
    assert said["verb"]["id"] == vocabulary.COMPLETED
    assert said["object"]["id"] == f"{activity}m1-1"
    assert said["object"]["definition"]["type"] == vocabulary.LESSON
    assert said["result"] == {"completion": True}
    context = said["context"]
    assert context["revision"] == "1"
    assert context["registration"] == str(uuid.uuid5(learner.person.public_id, f"{HOME}/xapi/courses/{CODE}"))
    assert [one["id"] for one in context["contextActivities"]["parent"]] == [f"{activity}m1"]
    assert [one["id"] for one in context["contextActivities"]["grouping"]] == [f"{HOME}/xapi/courses/{CODE}"]


def test_all_statements_of_a_course_share_a_registration_and_name_nobody(learner: Learner) -> None:
    learner.browser.get(f"/courses/{CODE}")
    learner.browser.submit("/start")
    learner.read("m1-1", "m1-2", "m2-1", "m2-2")
    for test in ("m1-test", "m2-test"):
        learner.take(test, 0.8)
    said = learner.statements()
    assert [verb for verb, _ in learner.said()] == ["initialized", *["completed"] * 4, "passed", "passed", "completed"]
    assert learner.said()[-1] == ("completed", CODE)
    assert len({one["context"]["registration"] for one in said}) == 1
    text = str(said)
    for word in ("Hoàng", "Cúc", "user", "Sở Y tế"):
        assert word not in text


def test_the_course_is_concluded_once_also_when_tests_are_taken_again(learner: Learner) -> None:
    learner.read("m1-1", "m1-2", "m2-1", "m2-2")
    for test in ("m1-test", "m2-test", "m1-test", "m2-test"):
        learner.take(test, 0.8)
    assert learner.said().count(("completed", CODE)) == 1
    assert differences(learner.make) == []


def test_progress_standing_and_tally_can_be_thrown_away_and_come_back_the_same(learner: Learner) -> None:
    learner.read("m1-1", "m1-2", "m2-1", "m2-2")
    learner.take("m1-test", 0.4)
    learner.take("m1-test", 0.9)
    before = rows(learner.make)
    assert all(before.values())
    with learner.make.writing() as session:
        for model in reversed(TABLES):
            session.execute(delete(model))
    assert differences(learner.make)
    check_projections(learner.make.database, repair=True)
    assert differences(learner.make) == []
    assert rows(learner.make) == before


def test_a_row_that_was_tampered_with_is_found_and_mended(learner: Learner) -> None:
    learner.read("m1-1")
    before = rows(learner.make)
    with learner.make.writing() as session:
        session.execute(update(Standing).values(state="completed"))
        session.execute(update(Tally).values(completed=1))
        session.execute(delete(ActivityProgress))
    found = check_projections(learner.make.database)
    assert {name for name, lines in found.items() if lines} >= {"progress", "standings", "tallies"}
    check_projections(learner.make.database, repair=True)
    assert rows(learner.make) == before


def begun_elsewhere(learner: Learner, *, revision: str | None) -> None:
    """Our own statement that the course was begun, with a revision of the test's choice."""
    with learner.make.writing() as session:
        course = session.scalars(select(Course).where(Course.code == CODE)).one()
        statement = sentence(
            HOME,
            learner.person.public_id,
            vocabulary.INITIALIZED,
            course_activity(course.iri, "Khóa học nhỏ", ""),
            at=clock.now(),
            registration=uuid.uuid5(learner.person.public_id, course.iri),
            revision=0,
        )
        del statement["context"]["revision"]
        if revision is not None:
            statement["context"]["revision"] = revision
        record(session, [statement], source=ourselves(session))


@pytest.mark.parametrize(("revision", "number"), [("1", 1), ("2", 2), ("7", 2), ("hai", 2), (None, 2)])
def test_the_revision_fixes_the_version_and_an_unknown_one_means_the_newest_of_its_day(
    learner: Learner, tmp_path: Path, revision: str | None, number: int
) -> None:
    publish_anew(learner.make, tmp_path)
    begun_elsewhere(learner, revision=revision)
    with learner.make.reading() as session:
        versions = select(CourseVersion.number).join(
            CourseProgress, CourseProgress.course_version_id == CourseVersion.id
        )
        assert session.scalars(versions).all() == [number]
    assert f"Phiên bản {number} của khóa học" in learner.browser.get(f"/courses/{CODE}").text
    assert differences(learner.make) == []


def test_a_statement_about_a_lesson_of_another_version_counts_for_nothing_in_mine(
    learner: Learner, tmp_path: Path
) -> None:
    learner.read("m1-1")
    publish_anew(learner.make, tmp_path)
    with learner.make.writing() as session:
        course = session.scalars(select(Course).where(Course.code == CODE)).one()
        statement = sentence(
            HOME,
            learner.person.public_id,
            vocabulary.COMPLETED,
            course_activity(vocabulary.activity_iri(HOME, CODE, "m1-3"), "Bài mới", ""),
            at=clock.now(),
            registration=uuid.uuid5(learner.person.public_id, course.iri),
            revision=1,
        )
        record(session, [statement], source=ourselves(session))
    text = learner.browser.get(f"/courses/{CODE}").text
    assert "<strong>1/4</strong>" in text
    assert re.search(r"m1-3</th>\s*<td[^>]*>Học xong", learner.browser.get("/my-record").text)
    assert differences(learner.make) == []
