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
from typing import Any, NamedTuple, cast

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

import wsgi
from analytics.facts.models import Tally, TallyDay
from courses.briefings.actions import AlreadyGiven, AsksTooMuch, change_briefing, open_briefing
from courses.briefings.models import Attendance, BriefingSession, MeetingPoint, ReflectionResult, Standing
from courses.briefings.queries import rehearsal
from courses.briefings.rehearsal import Wanted, words_of
from courses.briefings.rules import MAKE_UP, ONLINE, PLAIN, POINT, Asked, Policy
from courses.briefings.statements import Told, handed_in, judged, was_seen
from courses.catalog.models import Course
from courses.enrolment import actions as enrolment
from courses.enrolment.actions import AlreadyAssigned, AlreadyDecided, assign, decide, revoke, withdraw
from courses.enrolment.models import Assignment, Briefing, RollDecision
from courses.learning.access import access_course, access_lesson_place
from courses.learning.actions import finish_lesson, start_course
from courses.learning.models import ActivityProgress, CourseProgress
from lms import clock
from lms.accounts.actions import CountsNoMore, MoveTooEarly, PeopleMoved, move_person
from lms.accounts.models import Membership, Person, PersonLink
from lms.app import open_doors
from lms.cli import check_projections
from lms.db import Database, lock_people
from lms.doors import tell
from lms.duplicates.actions import CannotLink, link_people, undo
from lms.organisation.actions import create_unit
from lms.organisation.models import PARTY_TREE, Unit
from lms.outbox.actions import settle_day
from lms.xapi import vocabulary
from lms.xapi.actions import ourselves, record
from lms.xapi.models import XapiClient, XapiStatement
from lms.xapi.rules import rfc3339
from lms.xapi.statement import Activity, Source, sentence
from tests import lent
from tests.conftest import config_for, postgresql_template
from tests.courses.learner import HOME, Learner, Someone, give, publish_anew
from tests.kept import kept
from tests.library_course import CODE, load_small_course
from tests.make import LONG_AGO, Make

PEOPLE, UNITS = 3, 4
TABLES = (CourseProgress, ActivityProgress, Attendance, ReflectionResult, Standing, Tally, TallyDay)
LESSONS = ("m1-1", "m1-2", "m2-1", "m2-2", "m1-3")
TESTS = ("m1-test", "m2-test", "final-test")

SPELLINGS: dict[str, Callable[[uuid.UUID], str]] = {
    "ours": str,
    "upper": lambda one: str(one).upper(),
    "hex": lambda one: one.hex,
    "urn": lambda one: one.urn,
}

ANY = frozenset({POINT, ONLINE, MAKE_UP})
POLICIES = (
    PLAIN,
    Policy(Asked(ANY, test=False)),
    Policy(Asked(ANY, pass_mark=0.6, reflection=True), counts_before=False),
    Policy(Asked(frozenset({POINT})), {"cong_chuc": Asked(ANY, test=False, reflection=True)}),
    Policy(Asked(pass_mark=0.9)),
    Policy(Asked(ANY, pass_mark=0.7), {"cong_chuc": Asked(ANY, pass_mark=0.5)}),
)
DUES = ((None, None), (None, 2), (timedelta(days=1), None))
"""When something may be due in a history: never, after two days, or tomorrow."""

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
    st.tuples(st.just("give in the Party tree")),
    st.tuples(st.just("withdraw"), st.integers(0, 5)),
    st.tuples(st.just("publish")),
    st.tuples(st.just("state"), people, st.sampled_from((*LESSONS, *TESTS)), st.sampled_from(["1", "2", "9", None])),
    st.tuples(
        st.just("state otherwise spelt"), people, st.sampled_from(LESSONS), st.sampled_from(["upper", "hex", "urn"])
    ),
    st.tuples(st.just("unsay"), st.integers(0, 5)),
    st.tuples(st.just("late"), people, st.sampled_from(LESSONS), st.integers(1, 900)),
    st.tuples(st.just("take back"), st.integers(0, 9)),
    st.tuples(st.just("open a briefing"), units, st.integers(0, len(POLICIES) - 1), st.integers(0, len(DUES) - 1)),
    st.tuples(st.just("change"), st.integers(0, 1), st.integers(0, len(POLICIES) - 1), st.integers(0, len(DUES))),
    st.tuples(st.just("decide"), people, st.sampled_from(["exempt", "leave", "extension"])),
    st.tuples(st.just("revoke"), st.integers(0, 2)),
    st.tuples(st.just("see"), people, st.sampled_from(["present", "late", "excused", "unexcused"]), st.booleans()),
    st.tuples(st.just("hand in"), people),
    st.tuples(st.just("judge"), people, st.booleans()),
    st.tuples(st.just("link"), people, people),
    st.tuples(st.just("unlink"), st.integers(0, 1)),
)
BRIEFED = [
    ("open a briefing", 0, 2, 1),
    ("see", 0, "unexcused", False),
    ("see", 1, "present", False),
    ("see", 0, "late", True),
    ("hand in", 0),
    ("judge", 0, True),
    ("see", 0, "present", False),
    ("take", 0, "m1-test", 0.7),
    ("take", 0, "m2-test", 0.7),
    ("decide", 2, "leave"),
    ("change", 1, 3, 2),
    ("take back", 1),
    ("judge", 1, False),
    ("link", 1, 0),
    ("take back", 2),
]
RISING = [
    ("open a briefing", 0, 4, 1),
    ("see", 0, "present", False),
    ("see", 1, "present", False),
    *(("take", who, test, score) for who, score in ((0, 0.5), (1, 0.7), (0, 0.7)) for test in TESTS[:2]),
    ("change", 1, 5, 0),
    ("take", 0, "m1-test", 1.0),
    ("take", 0, "m2-test", 0.5),
    ("take", 1, "m1-test", 1.0),
    ("take back", 5),
    ("change", 1, 4, 0),
    ("change", 1, 5, 0),
]
IN_BOTH_TREES = [
    ("open a briefing", 1, 1, 1),
    ("give in the Party tree",),
    ("read", 0, "m1-1"),
    ("move", 0, 2),
    ("move ahead", 1, 3, 1),
    ("let days pass", 2),
    ("withdraw", 1),
    ("withdraw", 2),
]
COMPLETE = [("read", 0, lesson) for lesson in LESSONS[:4]] + [("take", 0, test, 1.0) for test in TESTS[:2]]


class Begun(NamedTuple):
    """A province of a root and three units below it, three people, and the small course given to everyone."""

    units: list[Unit]
    people: list[Person]
    cell: int
    client: int


def begun(make: Make, folder: Path) -> Begun:
    load_small_course(make, folder)
    root = make.unit("Tỉnh")
    units = [root, *(make.unit(f"Sở {n}", under=root) for n in range(1, UNITS))]
    people = [make.person(unit=units[n % UNITS]) for n in range(PEOPLE)]
    give(make, root)
    return Begun(units, people, party_cell(make, [*people[:2], make.person()]), another_system(make))


class History:
    """What happens in such a province, from where it begins."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.folder = folder
        self.make = Make(cast(Flask, SimpleNamespace(extensions={"database": database})))
        self.units, self.people, self.cell, self.client = kept(self.make, folder, begun)
        self.days = count(1)
        self.passed = 0

    def play(self, event: tuple[Any, ...]) -> None:
        """Let one thing happen."""
        name, *rest = event
        with self.present():
            getattr(self, name.replace(" ", "_").lower())(*rest)

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

    def give_in_the_party_tree(self) -> None:
        due_at = clock.now() + timedelta(days=next(self.days))
        with self.make.writing() as session:
            briefing = session.scalars(select(Briefing).order_by(Briefing.id.desc())).first()
            assert briefing is not None
            enrolment.give(session, briefing, session.get_one(Unit, self.cell), due_at=due_at, tree=PARTY_TREE)

    def withdraw(self, which: int) -> None:
        with self.make.writing() as session:
            given_out = session.scalars(select(Assignment).order_by(Assignment.id)).all()
            if which < len(given_out):
                withdraw(session, given_out[which])

    def open_a_briefing(self, unit: int, policy: int, due: int) -> None:
        """A second briefing on the course, with a conference and a class; a later one is given to one more unit."""
        after, days = DUES[due]
        due_at = clock.now() + after if after is not None else None
        with suppress(AlreadyAssigned), self.make.writing() as session:
            briefing = session.scalar(select(Briefing).where(~Briefing.plain))
            if briefing is None:
                course = session.scalars(select(Course)).one()
                briefing = open_briefing(session, course, code="hai", title="Đợt hai", policy=POLICIES[policy])
                hold_sittings(session, briefing, self.units[0].id)
            given_to = session.get_one(Unit, self.units[unit].id)
            enrolment.give(session, briefing, given_to, due_at=due_at, due_days=days)

    def change(self, which: int, policy: int, due: int) -> None:
        """Another policy, and (with the last number: not) other due dates, of the first or second briefing."""
        with suppress(AlreadyGiven, AsksTooMuch), self.make.writing() as session:
            found = session.scalars(select(Briefing).order_by(Briefing.id)).all()[which : which + 1]
            for briefing in found:
                given_out = select(Assignment.id).where(Assignment.briefing_id == briefing.id)
                ids = session.scalars(given_out.where(Assignment.withdrawn_at.is_(None)))
                dues = {}
                if due < len(DUES):
                    after, days = DUES[due]
                    dues = dict.fromkeys(ids, (clock.now() + after if after is not None else None, days))
                wanted = Wanted(POLICIES[policy], dues)
                digest = rehearsal(session, briefing, wanted, now=clock.now()).digest
                expected = change_briefing(session, briefing, wanted, digest=digest, reason="Thử.")
                assert {one.after for one in expected.moves} <= set(standings_now(session, briefing))

    def decide(self, who: int, kind: str) -> None:
        due_at = clock.now() + timedelta(days=5) if kind == "extension" else None
        with suppress(AlreadyDecided), self.make.writing() as session:
            briefing = session.scalars(select(Briefing).order_by(Briefing.id.desc())).first()
            assert briefing is not None
            person = session.get_one(Person, self.people[who].id)
            decide(session, briefing, person, kind, reason="Ốm", approved_by="Chi bộ", due_at=due_at)

    def revoke(self, which: int) -> None:
        with self.make.writing() as session:
            for one in session.scalars(select(RollDecision).order_by(RollDecision.id)).all()[which : which + 1]:
                revoke(session, one)

    def see(self, who: int, state: str, made_up: bool) -> None:
        sitting = "bu" if made_up else "hn"
        here: dict[str, Any] = {
            "session": sitting,
            "point": "a",
            "name": "Điểm cầu",
            "state": state,
            "host": uuid.uuid4(),
        }
        self.tell_of_briefing(who, lambda told, person: was_seen(told, person, at=clock.now(), **here))

    def hand_in(self, who: int) -> None:
        self.tell_of_briefing(who, lambda told, person: handed_in(told, person, at=clock.now()))

    def judge(self, who: int, accepted: bool) -> None:
        by: dict[str, Any] = {"accepted": accepted, "reader": uuid.uuid4()}
        self.tell_of_briefing(who, lambda told, person: judged(told, person, at=clock.now(), **by))

    def tell_of_briefing(self, who: int, said: Callable[[Told, uuid.UUID], dict[str, Any]]) -> None:
        """State something of somebody and the second briefing, if there is one."""
        with self.make.writing() as session:
            briefing = session.scalar(select(Briefing).where(~Briefing.plain))
            if briefing is not None:
                lock_people(session, [self.people[who].id])
                told = Told(HOME, briefing.code, briefing.title, briefing.policy_number)
                record(session, [said(told, self.people[who].public_id)], source=ourselves(session))

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
        """All projections as they stand. A tally or day that counts nobody says the same as none."""
        with self.make.reading() as session:
            return {
                model.__tablename__: sorted(
                    str(dict(row._mapping))
                    for row in session.execute(select(*model.__table__.c))
                    if (model is not Tally or row.people) and (model is not TallyDay or row.briefed or row.completed)
                )
                for model in TABLES
            }

    def differences(self) -> list[str]:
        """Where a projection is not what is computed anew."""
        with self.present():
            return self.drift()

    def drift(self) -> list[str]:
        return [line for lines in check_projections(self.make.database).values() for line in lines]


def party_cell(make: Make, members: list[Person]) -> int:
    """A unit of the Party tree to which these people belong."""
    with make.writing() as session:
        words: dict[str, Any] = {"code": "cb", "name": "Chi bộ", "kind": "party_body"}
        cell = create_unit(session, **words, parent=None, since=LONG_AGO, tree=PARTY_TREE)
        session.flush()  # memberships name it
        belongs = {"unit_id": cell.id, "tree": PARTY_TREE, "kind": "main", "valid_from": LONG_AGO}
        session.execute(insert(Membership), [{"person_id": one.id, **belongs} for one in members])
        tell(session, PeopleMoved(tuple(one.id for one in members)))
        return cell.id


def hold_sittings(session: Session, briefing: Briefing, unit_id: int) -> None:
    """A conference and a class for those who missed it, each with one point."""
    now = clock.now()
    for code, kind in (("hn", "conference"), ("bu", "make_up")):
        times = {"starts_at": now, "ends_at": now}
        sitting = BriefingSession(briefing_id=briefing.id, code=code, title=code, kind=kind, **times)
        session.add(sitting)
        session.flush()  # its point names it
        session.add(MeetingPoint(session_id=sitting.id, code="a", name="Điểm cầu", unit_id=unit_id))


def standings_now(session: Session, briefing: Briefing) -> list[str]:
    """The standings of all on the roll, by their codes."""
    rows = session.execute(select(Standing.__table__).where(Standing.briefing_id == briefing.id))
    return [words_of(dict(row._mapping), now=clock.now()) for row in rows]


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
    """A history on a new SQLite file, which lies where files of tests lie."""
    with tempfile.TemporaryDirectory(dir=template.parents[1]) as name:
        folder = Path(name)
        shutil.copy(template, folder / "lms.sqlite")
        database = Database(config_for(f"sqlite:///{folder / 'lms.sqlite'}", folder), open_doors(wsgi.PACKAGES))
        yield History(database, folder)
        database.dispose()


@contextmanager
def postgresql_history(parent: Path) -> Iterator[History]:
    """A history on an empty PostgreSQL database."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        url = lent.lend(postgresql_template())
        database = Database(config_for(url, Path(name)), open_doors(wsgi.PACKAGES))
        try:
            yield History(database, Path(name))
        finally:
            database.dispose()
            lent.give_back(url)


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
@example(events=BRIEFED)
@example(events=IN_BOTH_TREES)
@example(events=RISING)
@example(
    events=[
        *COMPLETE[:4],
        ("open a briefing", 0, 1, 1),
        ("decide", 0, "exempt"),
        ("decide", 1, "extension"),
        ("change", 1, 3, 0),
        ("link", 1, 0),
        ("revoke", 0),
        ("change", 0, 4, 2),
        ("let days pass", 3),
        ("take", 0, "m1-test", 0.7),
        ("move", 0, 2),
    ]
)
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
@example(events=BRIEFED)
@example(events=IN_BOTH_TREES)
@example(events=RISING)
@example(
    events=[("read", 0, "m1-1"), ("state otherwise spelt", 0, "m2-1", "upper"), ("state", 0, "m2-2", "1"), ("unsay", 0)]
)
@example(events=[*COMPLETE, ("link", 0, 1), ("read", 1, "m1-1"), ("unsay", 0), ("let days pass", 1), ("unlink", 0)])
@example(events=[("move ahead", 0, 2, 1), ("link", 0, 1), ("read", 0, "m1-1"), ("take back", 0), ("let days pass", 2)])
@example(events=[("move ahead", 0, 2, 1), ("let days pass", 1), ("read", 0, "m1-1"), ("move", 1, 3), ("open a page",)])
@given(events=st.lists(EVENTS, min_size=8, max_size=14))
def test_postgresql_agrees(tmp_path_factory: pytest.TempPathFactory, events: list[tuple[Any, ...]]) -> None:
    with postgresql_history(tmp_path_factory.getbasetemp()) as history:
        check(history, events)
