"""By the mark of a policy too somebody has passed since the moment the scores first reached it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from alembic import command
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from assessments.bank.actions import load_questions
from courses.briefings.models import Standing
from courses.briefings.rules import ONLINE, POINT, Asked, Attended, Evidence, Policy, stand
from courses.catalog.rules import Outline, OutlineModule, OutlineTest, Settings
from courses.learning.models import ActivityProgress
from courses.learning.rules import Record, Result, attempted, reached
from lms import clock
from lms.accounts.models import Person
from lms.cli import check_projections
from lms.outbox.actions import settle_day
from tests.assessments.sitting import write_questions
from tests.briefed import come, open_briefing
from tests.courses.learner import COURSE, Learner
from tests.library_course import load_small_course
from tests.lms.test_migrations import settings as migrations
from tests.make import Make

OPENED = datetime(2026, 11, 2, tzinfo=UTC)
AT_THE_POINT = Attended(False, "present", OPENED)


def on(hour: int) -> datetime:
    return OPENED + timedelta(hours=hour)


def outline(number: int) -> Outline:
    """A course of so many modules with nothing but a required test; the tests are 0, 1, …"""
    named: dict[str, Any] = {"title": "", "title_en": "", "minutes": 5, "lessons": []}
    test = partial(OutlineTest, required=True)
    modules = [
        OutlineModule(
            module_id=n, module_version_id=n, code=f"m{n}", number=1, test=test(activity_id=n, code=f"t{n}"), **named
        )
        for n in range(number)
    ]
    return Outline(modules=modules, final=OutlineTest(activity_id=99, code="final", required=False))


def taken(*attempts: tuple[int, float]) -> dict[int, Result]:
    """These attempts, each at a test with a score, one an hour."""
    found: dict[int, Result] = {}
    for hour, (which, score) in enumerate(attempts):
        found[which] = attempted(found.get(which, Result()), score, on(hour), 0.7)
    return found


marks = st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0])


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(0, 1), marks), max_size=9), marks, st.sampled_from(["best", "last", "first"]))
def test_any_mark_was_reached_when_the_last_test_reached_it(
    attempts: list[tuple[int, float]], mark: float, counting: Literal["best", "last", "first"]
) -> None:
    """Compared with the attempts themselves, and with the date that the course has by the same mark."""
    wanted: list[datetime | None] = []
    for which in range(2):
        mine = [(hour, score) for hour, (one, score) in enumerate(attempts) if one == which]
        counted = {"best": mine, "last": mine[-1:], "first": mine[:1]}[counting]
        wanted.append(next((on(hour) for hour, score in counted if score >= mark), None))
    known = [one for one in wanted if one is not None]
    expected = max(known) if len(known) == 2 else None
    asked = Policy(Asked(frozenset({POINT}), pass_mark=0.5), {"can_bo": Asked(frozenset({POINT}), pass_mark=mark)})
    record = Record(1, None, OPENED, None, taken(*attempts))
    come_so_far = reached(outline(2), Settings(pass_mark=0.7, attempt=counting), record)
    assert stand(asked, "can_bo", Evidence(come_so_far, [AT_THE_POINT])).completed_at == expected
    if mark == 0.7:
        assert come_so_far.tests_at == expected


def test_what_was_reached_before_a_briefing_counts_anew_from_an_attempt_since() -> None:
    anew = Policy(Asked(frozenset({POINT}), pass_mark=0.7), counts_before=False)
    for scores, since, expected in [
        ((0.7, 0.9, 0.2), 1, 1),  # a better one since, which did not fall short of the mark
        ((0.7, 0.9, 0.2), 2, 2),  # none better: since it was taken again
        ((0.5, 0.6, 0.9), 1, 2),
        ((0.7, 0.9), 2, None),  # not taken since
    ]:
        record = Record(1, None, OPENED, None, taken(*((0, score) for score in scores)))
        seen = Evidence(reached(outline(1), Settings(), record), [AT_THE_POINT], opened_at=on(since))
        assert stand(anew, "", seen).tested_at == (None if expected is None else on(expected)), scores


@pytest.fixture
def learner(make: Make, tmp_path: Path) -> Learner:
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Nội vụ")
    policy = Policy(Asked(frozenset({POINT})), {"can_bo": Asked(frozenset({POINT, ONLINE}), pass_mark=0.9)})
    found = Learner(make, make.person(unit=unit))
    with make.writing() as session:
        session.execute(update(Person).where(Person.id == found.person.id).values(category="can_bo"))
    come(make, open_briefing(make, unit, policy=policy), found.person)
    return found


def test_a_person_is_told_what_is_asked_of_the_category_and_which_test_falls_short(
    learner: Learner, tmp_path: Path
) -> None:
    browser = learner.browser
    browser.get("/my-briefings/dot-1")
    assert "Kiểm tra ≥ 9: chưa làm đủ bài" in browser.text
    learner.take("m1-test", 0.89)
    browser.get("/my-briefings/dot-1")
    assert "Kiểm tra ≥ 9: chưa đủ, còn Chuyên đề 1 (8,9 điểm), Chuyên đề 2 (chưa làm)" in browser.text
    learner.take("m2-test", 1.0)
    browser.get("/my-briefings/dot-1")
    assert "Kiểm tra ≥ 9: chưa đạt ở Chuyên đề 1 (8,9 điểm)" in browser.text
    assert "hoàn thành (C) = B VÀ kiểm tra ≥ 9." in browser.text
    assert "Riêng" not in browser.text
    browser.get(COURSE)
    assert "Điểm đạt theo đợt Học tập Nghị quyết <strong>9 điểm trở lên" in browser.text
    write_questions(tmp_path)
    with learner.make.writing() as session:
        list(load_questions(session, tmp_path))
    browser.get(f"{COURSE}/tests/m1-test")
    assert "9 điểm trở lên theo đợt Học tập Nghị quyết" in browser.text


def test_later_attempts_do_not_move_the_day_of_completion(make: Make, learner: Learner) -> None:
    """Nor does a migration that reads from statements what was not kept before."""
    noon, moments = clock.start_of_day(clock.today()) + timedelta(hours=12), []
    for minutes, (code, score) in enumerate(
        [("m1-test", 0.8), ("m2-test", 1.0), ("m1-test", 0.5), ("m1-test", 0.95), ("m1-test", 1.0), ("m1-test", 0.2)]
    ):
        with clock.moved_to(noon + timedelta(minutes=minutes)):
            learner.take(code, score)
        with make.reading() as session:
            moments.append(session.scalars(select(Standing.completed_at)).one())
    assert moments[:3] == [None] * 3
    assert moments[3] is not None
    assert len(set(moments[3:])) == 1
    rises = select(ActivityProgress.activity_id, ActivityProgress.rises).order_by(ActivityProgress.activity_id)
    with make.reading() as session:
        before = [tuple(row) for row in session.execute(rises)]
        assert sorted(len(one) for _activity, one in before) == [0, 2]
    for go, revision in ((command.downgrade, "0035"), (command.upgrade, "head")):
        with make.database.write_engine.connect() as connection:
            config = migrations()
            config.attributes["connection"] = connection
            go(config, revision)
            if go is command.downgrade:  # as the program before wrote it
                connection.execute(update(Standing).values(completed_at=clock.now()))
            connection.commit()
    with make.writing() as session:
        settle_day(session)
    with make.reading() as session:
        assert [tuple(row) for row in session.execute(rises)] == before
    assert {name for name, lines in check_projections(make.database).items() if lines} == set()
