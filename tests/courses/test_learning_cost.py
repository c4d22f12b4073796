"""What the learner's pages cost: SQL, bytes and requests, which do not grow with the number of people."""

import gzip
import re
import uuid
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from html import unescape

import pytest
import time_machine
from flask import Flask
from msgspec import structs
from sqlalchemy import insert, select

from courses.briefings.rules import ONLINE, Asked, Policy
from courses.catalog.models import Activity, Course
from courses.enrolment.actions import RollChanged
from courses.enrolment.queries import plain_briefing
from courses.learning.projector import ProgressProjection, values_of
from lms import clock
from lms.accounts.models import Membership, Person
from lms.doors import tell
from lms.organisation.models import STATE_TREE, Unit
from lms.xapi import vocabulary
from lms.xapi.projection import Recorded
from tests.briefed import briefing_in
from tests.counting import count_queries
from tests.courses.learner import FINISH, Learner, give
from tests.library_course import load_built_in_course
from tests.make import LONG_AGO, Make

COURSE = "/courses/nq48"
BUDGET = {
    "/learning": 6,
    COURSE: 6,
    f"{COURSE}/lessons/m1-1": 6,
    f"{COURSE}/lessons/m6-4": 6,
    "/my-record": 6,
}
ONLINE_ONLY = Policy(Asked(frozenset({ONLINE})), counts_before=False)
LESSONS = [f"m{module}-{n}" for module, lessons in enumerate((3, 4, 3, 4, 3, 4), 1) for n in range(1, lessons + 1)]


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Far from midnight in Vietnam: who comes first on a new day pays for its beginning."""
    with time_machine.travel(datetime.combine(clock.today(), time(12), clock.VIETNAM)):
        yield


def add_people(make: Make, unit: Unit, number: int) -> None:
    """So many people of a unit, without accounts, on the roll of the course."""
    with make.writing() as session:
        one = {"full_name": "Người Khác", "sort_key": b"n", "search_key": "nguoi khac", "created_at": clock.now()}
        ids = session.scalars(insert(Person).returning(Person.id), [dict(one) for _ in range(number)]).all()
        counted = {"unit_id": unit.id, "tree": STATE_TREE, "kind": "main", "valid_from": LONG_AGO}
        session.execute(insert(Membership), [{"person_id": person_id, **counted} for person_id in ids])
        course_id = session.scalars(select(Course.id)).one()
        tell(session, RollChanged(session.scalars(plain_briefing(course_id)).one().id))


def finishing(app: Flask, learner: Learner, code: str) -> int:
    """The SQL of finishing a lesson by its button."""
    learner.browser.get(f"{COURSE}/lessons/{code}")
    with count_queries(app) as counted:
        assert learner.browser.submit(FINISH, follow=False).status_code == 302
    assert learner.said()[-1][0] == "completed"
    return len(counted)


def spent(app: Flask, make: Make, unit: Unit) -> dict[str, int]:
    """The SQL of each page and of finishing lessons, for a new learner who goes through the course."""
    learner = Learner(make, make.person(unit=unit))
    first, second, *middle, last = LESSONS
    found = {"first lesson": finishing(app, learner, first), "second lesson": finishing(app, learner, second)}
    for path, most in BUDGET.items():
        with count_queries(app) as counted:
            assert learner.browser.get(path, follow=False).status_code == 200
        assert len(counted) <= most, f"{path}\n{counted}"
        found[path] = len(counted)
    each = {finishing(app, learner, code) for code in middle}
    return found | {"a lesson": max(each), "last lesson": finishing(app, learner, last)}


def test_a_page_costs_the_same_sql_with_three_hundred_people_and_with_three_thousand(app: Flask, make: Make) -> None:
    load_built_in_course(make)
    unit = make.unit("Sở Y tế")
    give(make, unit, code="nq48", due_at=clock.now() + timedelta(days=14))
    for _ in range(2):  # with the first the store meets each activity, with the second this process remembers them
        spent(app, make, unit)
    add_people(make, unit, 300)
    few = spent(app, make, unit)
    add_people(make, unit, 2700)
    assert spent(app, make, unit) == few
    assert few["a lesson"] <= 8
    assert few["second lesson"] <= 8  # the process meets the person
    assert few["last lesson"] <= 9  # standing, tally and day move
    assert few["first lesson"] <= 17  # all of that, and the store meets the person, and the course begins


def lessons_of_one(app: Flask, make: Make, unit: Unit) -> tuple[int, int]:
    """The SQL of a lesson in the middle and of the last one, which moves the standing, for a new learner."""
    learner = Learner(make, make.person(unit=unit))
    each = [finishing(app, learner, code) for code in LESSONS]
    return max(each[2:-1]), each[-1]


@pytest.mark.parametrize("others", [1, 3])
def test_briefings_beside_the_plain_one_cost_a_lesson_nothing_until_the_standing_moves(
    app: Flask, make: Make, others: int
) -> None:
    load_built_in_course(make)
    unit = make.unit("Sở Y tế")
    give(make, unit, code="nq48", due_at=clock.now() + timedelta(days=14))
    for _ in range(2):
        lessons_of_one(app, make, unit)
    lesson, last = lessons_of_one(app, make, unit)
    with make.writing() as session:
        for n in range(others):
            briefing_in(session, unit, policy=ONLINE_ONLY, code=f"dot-{n}", course="nq48")
    lessons_of_one(app, make, unit)
    beside, beside_last = lessons_of_one(app, make, unit)
    assert beside == lesson
    assert beside_last <= last + 1 + 5 * others


def test_what_was_finished_before_costs_no_more(app: Flask, make: Make) -> None:
    """The statement that is not said a second time saves its own cost: a double click is cheap."""
    load_built_in_course(make)
    learner = Learner(make)
    browser = learner.browser
    browser.get(f"{COURSE}/lessons/m1-1")
    form = browser.form(FINISH)
    browser.submit(FINISH)
    with count_queries(app) as counted:
        browser.post(form.action, data=dict(form.fields), headers={"Origin": "http://localhost"}, follow=False)
    assert len(counted) <= 4, str(counted)


@pytest.mark.parametrize("code", ["m1-1", "m2-1", "m4-4", "m6-3"])
def test_the_first_visit_of_a_lesson_is_small_and_asks_nobody_else(app: Flask, make: Make, code: str) -> None:
    load_built_in_course(make)
    browser = make.browser(make.person())
    page = browser.get(f"{COURSE}/lessons/{code}")
    text = page.text
    links = re.findall(r'<(?:link|script|img|iframe|source|video|audio)\b[^>]*?(?:href|src|data)="([^"]+)"', text)
    assert all(link.startswith("/static/") for link in links), links
    fetched = {unescape(link) for link in links}
    files = [browser.client.get(link, headers={"Accept-Encoding": "gzip"}) for link in fetched]
    assert [answer.status_code for answer in files] == [200] * len(fetched)
    transferred = len(gzip.compress(page.data)) + sum(len(answer.data) for answer in files)
    assert 1 + len(fetched) <= 6
    assert transferred <= 30_000
    assert "style=" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.S)


@pytest.mark.parametrize("people", [3, 30])
def test_to_fold_all_statements_asks_for_a_course_once_however_many_people_study_it(make: Make, people: int) -> None:
    """Two for editions, one for the people, one for the places; and what a result is told as has all of its columns."""
    load_built_in_course(make)
    with make.writing() as session:
        one = {"full_name": "Người Khác", "sort_key": b"n", "search_key": "nguoi khac", "created_at": clock.now()}
        ids = session.scalars(insert(Person).returning(Person.public_id), [dict(one) for _ in range(people)]).all()
        lesson = session.scalars(select(Activity.iri).where(Activity.kind == "lesson").order_by(Activity.id)).first()
    said = [
        Recorded(number, str(uuid.uuid4()), str(own), vocabulary.COMPLETED, str(lesson), None, clock.now(), None, None)
        for number, own in enumerate([*ids, *ids])
    ]
    with make.reading() as session, count_queries(make.app) as counted:
        found = ProgressProjection().folded(session, said)
    assert len(found) == people
    assert len(counted) <= 4, counted
    results = [one for record in found.values() for one in record.results.values()]
    assert [values_of(one) for one in results] == [structs.asdict(one) for one in results]
