"""Whatever happens, in whatever order: the projections kept up step by step are those computed anew from the start."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

import wsgi
from analytics.facts.models import Tally
from courses.briefings.models import Standing
from courses.catalog.models import Course
from courses.enrolment.actions import assign, withdraw
from courses.enrolment.models import Assignment
from courses.learning.access import access_course, access_lesson_place
from courses.learning.actions import finish_lesson, start_course
from courses.learning.models import ActivityProgress, CourseProgress
from lms import clock
from lms.accounts.actions import CountsNoMore, MoveTooEarly, move_person
from lms.accounts.models import Person, PersonLink
from lms.app import open_doors
from lms.cli import check_projections
from lms.db import Database
from lms.duplicates.actions import CannotLink, link_people, undo
from lms.organisation.models import Unit
from lms.outbox.actions import settle_day
from lms.xapi import vocabulary
from lms.xapi.actions import ourselves, record
from lms.xapi.models import XapiClient, XapiStatement
from lms.xapi.rules import rfc3339
from lms.xapi.statement import Activity, Source, sentence
from tests.conftest import config_for, postgresql_template
from tests.courses.learner import HOME, Learner, Someone, give, publish_anew
from tests.library_course import CODE, load_small_course
from tests.make import LONG_AGO, Make
from tests.postgres import cluster

PEOPLE, UNITS = 3, 4
TABLES = (CourseProgress, ActivityProgress, Standing, Tally)
LESSONS = ("m1-1", "m1-2", "m2-1", "m2-2", "m1-3")
TESTS = ("m1-test", "m2-test", "final-test")

SPELLINGS: dict[str, Callable[[uuid.UUID], str]] = {
    "ours": str,
    "upper": lambda one: str(one).upper(),
    "hex": lambda one: one.hex,
    "urn": lambda one: one.urn,
}

people = st.integers(0, PEOPLE - 1)
units = st.integers(0, UNITS - 1)
scores = st.sampled_from([0.0, 0.5, 0.7, 1.0])
EVENTS = st.one_of(
    st.tuples(st.just("start"), people),
    st.tuples(st.just("read"), people, st.sampled_from(LESSONS)),
    st.tuples(st.just("take"), people, st.sampled_from(TESTS), scores),
    st.tuples(st.just("move"), people, units),
    st.tuples(st.just("move ahead"), people, units, st.integers(1, 3)),
    st.tuples(st.just("let days pass"), st.integers(1, 3)),
    st.tuples(st.just("open a page")),
    st.tuples(st.just("join"), units),
    st.tuples(st.just("give"), units),
    st.tuples(st.just("withdraw"), st.integers(0, 5)),
    st.tuples(st.just("publish")),
    st.tuples(st.just("state"), people, st.sampled_from((*LESSONS, *TESTS)), st.sampled_from(["1", "2", "9", None])),
    st.tuples(
        st.just("state otherwise spelt"), people, st.sampled_from(LESSONS), st.sampled_from(["upper", "hex", "urn"])
    ),
    st.tuples(st.just("unsay"), st.integers(0, 5)),
    st.tuples(st.just("late"), people, st.sampled_from(LESSONS), st.integers(1, 900)),
    st.tuples(st.just("take back"), st.integers(0, 9)),
    st.tuples(st.just("link"), people, people),
    st.tuples(st.just("unlink"), st.integers(0, 1)),
)
COMPLETE = [("read", 0, lesson) for lesson in LESSONS[:4]] + [("take", 0, test, 1.0) for test in TESTS[:2]]


class History:
    """A province of a root and three units below it, three people, and the small course given to everyone."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.folder = folder
        self.make = Make(cast(Flask, SimpleNamespace(extensions={"database": database})))
        load_small_course(self.make, folder)
        root = self.make.unit("Tỉnh")
        self.units = [root, *(self.make.unit(f"Sở {n}", under=root) for n in range(1, UNITS))]
        self.people = [self.make.person(unit=self.units[n % UNITS]) for n in range(PEOPLE)]
        give(self.make, root)
        self.days = count(1)
        self.client = another_system(self.make)
        self.passed = 0

    def play(self, event: tuple[Any, ...]) -> None:
        """Let one thing happen."""
        name, *rest = event
        with self.present():
            getattr(self, name.replace(" ", "_"))(*rest)

    def present(self) -> AbstractContextManager[None]:
        """The day that has come in this history."""
        return clock.moved_to(clock.true_now() + timedelta(days=self.passed))

    def let_days_pass(self, number: int) -> None:
        self.passed += number

    def open_a_page(self) -> None:
        with self.make.writing() as session:
            settle_day(session)

    def start(self, who: int) -> None:
        someone = self.someone(who)
        with self.make.writing() as session:
            start_course(session, someone, access_course(session, someone, CODE, to_change=True))

    def read(self, who: int, lesson: str) -> None:
        someone = self.someone(who)
        with self.make.writing() as session:
            study = access_course(session, someone, CODE, to_change=True)
            if lesson in [one.code for one in study.outline.lessons()]:
                finish_lesson(session, someone, study, *access_lesson_place(study, lesson))

    def take(self, who: int, test: str, scaled: float) -> None:
        learner = Learner.__new__(Learner)
        learner.make, learner.person = self.make, self.people[who]
        learner.take(test, scaled)

    def move(self, who: int, unit: int) -> None:
        self.move_on(who, unit, LONG_AGO + timedelta(days=next(self.days)))

    def move_ahead(self, who: int, unit: int, days: int) -> None:
        self.move_on(who, unit, clock.today() + timedelta(days=days))

    def move_on(self, who: int, unit: int, day: date) -> None:
        with suppress(MoveTooEarly, CountsNoMore), self.make.writing() as session:
            person = session.get_one(Person, self.people[who].id)
            move_person(session, person, session.get_one(Unit, self.units[unit].id), on=day)

    def link(self, duplicate: int, kept: int) -> None:
        with suppress(CannotLink), self.make.writing() as session:
            one, other = (session.get_one(Person, self.people[who].id) for who in (duplicate, kept))
            if duplicate != kept:
                link_people(session, one, other, by=other.public_id)

    def unlink(self, which: int) -> None:
        with self.make.writing() as session:
            links = session.scalars(select(PersonLink).where(PersonLink.undone_at.is_(None)).order_by(PersonLink.id))
            for one in links.all()[which : which + 1]:
                both = (session.get_one(Person, own) for own in (one.duplicate_id, one.person_id))
                undo(session, one, *both, by=uuid.uuid4())

    def join(self, unit: int) -> None:
        self.make.person(unit=self.units[unit])

    def give(self, unit: int) -> None:
        due_at = clock.now() + timedelta(days=next(self.days))
        with self.make.writing() as session:
            course = session.scalars(select(Course)).one()
            assign(session, course, session.get_one(Unit, self.units[unit].id), due_at=due_at)

    def withdraw(self, which: int) -> None:
        with self.make.writing() as session:
            given_out = session.scalars(select(Assignment).order_by(Assignment.id)).all()
            if which < len(given_out):
                withdraw(session, given_out[which])

    def publish(self) -> None:
        publish_anew(self.make, self.folder)

    def state(self, who: int, activity: str, revision: str | None) -> None:
        self.say(who, activity, revision=revision)

    def late(self, who: int, lesson: str, hours: int) -> None:
        self.say(who, lesson, hours_ago=hours)

    def state_otherwise_spelt(self, who: int, lesson: str, spelling: str) -> None:
        self.say(who, lesson, spelling=spelling)

    def say(
        self, who: int, activity: str, *, revision: str | None = "1", hours_ago: int = 0, spelling: str = "ours"
    ) -> None:
        """Another system states something: with any revision, of any lesson, of any time, however it spells who."""
        statement = sentence(
            HOME,
            self.people[who].public_id,
            vocabulary.PASSED if activity in TESTS else vocabulary.COMPLETED,
            Activity(vocabulary.activity_iri(HOME, CODE, activity), vocabulary.LESSON, activity),
            at=clock.now() - timedelta(hours=hours_ago),
            registration=uuid.uuid4(),
            revision=0,
            result={"score": {"scaled": 0.8}} if activity in TESTS else None,
        )
        del statement["context"]["revision"]
        if revision is not None:
            statement["context"]["revision"] = revision
        statement["actor"]["account"]["name"] = SPELLINGS[spelling](self.people[who].public_id)
        with self.make.writing() as session:
            record(session, [statement], source=Source(self.client, ours(session), counts=True, prefix=HOME))

    def take_back(self, which: int) -> None:
        with self.make.writing() as session:
            self.void(session, which, ourselves(session))

    def unsay(self, which: int) -> None:
        with self.make.writing() as session:
            self.void(session, which, Source(self.client, ours(session), counts=True, prefix=HOME))

    def void(self, session: Session, which: int, source: Source) -> None:
        """Whoever stated it voids a statement, if there are as many."""
        stored = session.scalars(
            select(XapiStatement.statement_id)
            .where(~XapiStatement.voided, XapiStatement.client_id.is_not_distinct_from(source.client))
            .where(XapiStatement.target.is_(None))
            .order_by(XapiStatement.sequence)
        ).all()
        if which < len(stored):
            voiding = {
                "actor": {"objectType": "Agent", "account": {"homePage": HOME, "name": "quan-triet"}},
                "verb": {"id": vocabulary.VOIDED, "display": {"en": "voided"}},
                "object": {"objectType": "StatementRef", "id": str(stored[which])},
                "timestamp": rfc3339(clock.now()),
            }
            record(session, [voiding], source=source)

    def someone(self, who: int) -> Someone:
        return Someone(self.people[who].id, self.people[who].public_id)

    def rows(self) -> dict[str, list[str]]:
        """All projections as they stand. A tally that counts nobody says the same as none."""
        with self.make.reading() as session:
            return {
                model.__tablename__: sorted(
                    str(dict(row._mapping))
                    for row in session.execute(select(*model.__table__.c))
                    if model is not Tally or row.people
                )
                for model in TABLES
            }

    def differences(self) -> list[str]:
        """Where a projection is not what is computed anew."""
        with self.present():
            return self.drift()

    def drift(self) -> list[str]:
        return [line for lines in check_projections(self.make.database).values() for line in lines]


def another_system(make: Make) -> int:
    """A client whose statements count."""
    with make.writing() as session:
        client = XapiClient(
            key="other",
            secret_digest=b"",
            name="Hệ thống khác",
            scopes=[],
            activity_prefix=HOME,
            created_at=clock.now(),
        )
        session.add(client)
        session.flush()  # its id is wanted
        return client.id


def ours(session: Session) -> dict[str, Any]:
    """An authority; whose it is makes no difference here."""
    return dict(ourselves(session).authority)


@contextmanager
def sqlite_history(template: Path) -> Iterator[History]:
    """A history on a new SQLite file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(template, folder / "lms.sqlite")
        database = Database(config_for(f"sqlite:///{folder / 'lms.sqlite'}", folder), open_doors(wsgi.PACKAGES))
        yield History(database, folder)
        database.dispose()


@contextmanager
def postgresql_history() -> Iterator[History]:
    """A history on a new PostgreSQL database."""
    with tempfile.TemporaryDirectory() as name:
        code = f"t_{uuid.uuid4().hex[:12]}"
        url = cluster().create_database(code, template=postgresql_template())
        database = Database(config_for(url, Path(name)), open_doors(wsgi.PACKAGES))
        yield History(database, Path(name))
        database.dispose()
        cluster().drop_database(code)


def check(history: History, events: list[tuple[Any, ...]]) -> None:
    """Play, compare, throw everything away, build it anew, and compare again."""
    for event in events:
        history.play(event)
    assert history.differences() == []
    before = history.rows()
    with history.make.writing() as session:
        for model in reversed(TABLES):
            session.execute(delete(model))
    with history.present():
        check_projections(history.make.database, repair=True)
    assert history.rows() == before
    assert history.differences() == []


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@example(events=[*COMPLETE, ("move", 0, 3), ("take back", 1), ("give", 3), ("withdraw", 0)])
@example(
    events=[("publish",), ("read", 0, "m1-3"), ("publish",), ("take", 0, "m1-test", 0.5), ("state", 1, "m1-2", None)]
)
@example(
    events=[("read", 0, "m1-1"), ("state otherwise spelt", 0, "m2-1", "upper"), ("state", 0, "m2-2", "1"), ("unsay", 0)]
)
@example(events=[*COMPLETE, ("link", 0, 1), ("read", 1, "m1-1"), ("unsay", 0), ("let days pass", 1), ("unlink", 0)])
@example(events=[("move ahead", 0, 2, 1), ("link", 0, 1), ("read", 0, "m1-1"), ("take back", 0), ("let days pass", 2)])
@example(events=[("move ahead", 0, 2, 1), ("let days pass", 1), ("read", 0, "m1-1"), ("move", 1, 3), ("open a page",)])
@given(events=st.lists(EVENTS, max_size=14))
def test_step_by_step_and_all_at_once_give_the_same(sqlite_template: Path, events: list[tuple[Any, ...]]) -> None:
    with sqlite_history(sqlite_template) as history:
        check(history, events)


@pytest.mark.postgresql
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@example(events=[*COMPLETE, ("move", 0, 3), ("take back", 1), ("give", 3), ("withdraw", 0)])
@example(
    events=[("read", 0, "m1-1"), ("state otherwise spelt", 0, "m2-1", "upper"), ("state", 0, "m2-2", "1"), ("unsay", 0)]
)
@example(events=[*COMPLETE, ("link", 0, 1), ("read", 1, "m1-1"), ("unsay", 0), ("let days pass", 1), ("unlink", 0)])
@example(events=[("move ahead", 0, 2, 1), ("link", 0, 1), ("read", 0, "m1-1"), ("take back", 0), ("let days pass", 2)])
@example(events=[("move ahead", 0, 2, 1), ("let days pass", 1), ("read", 0, "m1-1"), ("move", 1, 3), ("open a page",)])
@given(events=st.lists(EVENTS, min_size=8, max_size=14))
def test_postgresql_agrees(events: list[tuple[Any, ...]]) -> None:
    with postgresql_history() as history:
        check(history, events)
