"""The time of an attempt: fixed at its start by the server, kept by the server, whatever a page or a clock says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from assessments.attempts.actions import OVER, close_expired, close_over
from lms import clock as outside
from lms.audit.models import AuditEntry
from lms.outbox.actions import NIGHTLY, queue_nightly, take
from lms.outbox.cli import Worker
from lms.outbox.models import Job
from lms.xapi.vocabulary import ANSWERED, ATTEMPTED, FAILED
from tests.assessments.sitting import SINGLES, Sitting, status

NOON = datetime(2026, 4, 22, 5, 0, tzinfo=UTC)
DEADLINE = NOON + timedelta(minutes=15)
GRACE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock(sitting: Sitting) -> Iterator[time_machine.Traveller]:
    """Noon in Vietnam, standing still until it is moved; the learner has just started a test of 15 minutes."""
    with time_machine.travel(NOON, tick=False) as traveller:
        sitting.browser = sitting.make.browser(sitting.learner)
        sitting.start(SINGLES)
        yield traveller


def test_the_deadline_is_told_and_does_not_move(sitting: Sitting, clock: time_machine.Traveller) -> None:
    assert "Nộp trước 12:15" in sitting.browser.text
    assert 'data-seconds="900"' in sitting.browser.text
    clock.move_to(NOON + timedelta(minutes=5))
    sitting.start(SINGLES)
    assert "Nộp trước 12:15" in sitting.browser.text
    assert 'data-seconds="600"' in sitting.browser.text
    assert sitting.attempts()[0].deadline_at == DEADLINE


def test_an_answer_within_the_grace_is_taken_and_closes_the_attempt(
    sitting: Sitting, clock: time_machine.Traveller
) -> None:
    right = sitting.right()
    clock.move_to(DEADLINE + GRACE)
    sitting.save(right, then="confirm")
    assert sitting.browser.path.endswith("/review")
    assert "Đã hết giờ. Bài được nộp" in sitting.browser.text
    (attempt,) = sitting.attempts()
    assert attempt.scaled == 1.0
    assert attempt.submitted_at == DEADLINE


@pytest.mark.parametrize(("early", "closed"), [(timedelta(0), True), (3 * SECOND, True), (4 * SECOND, False)])
def test_a_page_whose_clock_has_run_down_closes_the_attempt_three_seconds_early_at_most(
    sitting: Sitting, clock: time_machine.Traveller, early: timedelta, closed: bool
) -> None:
    paper = sitting.browser.path
    right = sitting.right()
    clock.move_to(DEADLINE - early)
    sitting.save({1: right[1]}, then="over")
    assert sitting.items()[0].response == right[1]
    assert (sitting.attempts()[0].submitted_at is not None) is closed
    assert sitting.browser.path == (f"{paper}/review" if closed else paper)


def test_the_same_page_much_later_closes_the_attempt_with_what_was_saved(
    sitting: Sitting, clock: time_machine.Traveller
) -> None:
    right = sitting.right()
    sitting.save({1: right[1]})
    clock.move_to(DEADLINE + timedelta(minutes=14))
    sitting.save({}, then="over")  # the machine was asleep
    assert sitting.browser.path.endswith("/review")
    assert sitting.attempts()[0].scaled == 0.25


def test_the_page_is_told_whole_seconds_rounded_up(sitting: Sitting, clock: time_machine.Traveller) -> None:
    paper = sitting.browser.path
    clock.move_to(NOON + timedelta(milliseconds=1))
    for page in (paper, f"{paper}/submit"):
        sitting.browser.get(page)
        assert 'data-seconds="900"' in sitting.browser.text
        assert "Nộp trước 12:15" in sitting.browser.text


def test_a_later_answer_is_refused_and_noted_and_the_saved_ones_are_graded(
    sitting: Sitting, clock: time_machine.Traveller
) -> None:
    right = sitting.right()
    sitting.save({1: right[1]})
    clock.move_to(DEADLINE + GRACE + SECOND)
    sitting.save({2: right[2], 3: right[3]}, then="confirm")
    assert status(sitting.browser) == 409
    assert "Thời gian làm bài đã hết lúc 12:15" in sitting.browser.text
    assert [item.response for item in sitting.items()] == [right[1], None, None, None]
    with sitting.make.reading() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "attempt.late"))
    assert entry.actor == sitting.learner.public_id
    assert entry.object_id == str(sitting.attempts()[0].public_id)
    assert entry.details == {"answers": 2, "state": "expired"}
    sitting.browser.submit("/submit")
    assert "Không đạt: 2,5 điểm" in sitting.browser.text


def test_an_expired_attempt_waits_for_the_learner_with_a_button(
    sitting: Sitting, clock: time_machine.Traveller
) -> None:
    paper = sitting.browser.path
    right = sitting.right()
    sitting.save({1: right[1]})
    clock.move_to(DEADLINE + timedelta(minutes=40))
    before = sitting.statements()
    sitting.browser.get(paper)
    assert "1 trong 4 câu đã trả lời" in sitting.browser.text
    assert "<fieldset" not in sitting.browser.text
    for page in (f"{paper}/submit", f"{paper}/review"):
        sitting.browser.get(page)
        assert sitting.browser.path == paper
    sitting.browser.get(SINGLES)
    assert "đã hết giờ lúc 12:15" in sitting.browser.text
    assert "Bắt đầu" not in sitting.browser.text.split("<h2>")[0]
    assert sitting.statements() == before
    sitting.browser.submit("/submit")
    assert sitting.browser.path == f"{paper}/review"
    assert [one["verb"]["id"] for one in sitting.statements()] == [ATTEMPTED, ANSWERED, FAILED]
    last = sitting.statements()[-1]
    assert datetime.fromisoformat(last["timestamp"]) == DEADLINE
    assert last["result"]["duration"] == "PT15M"


def test_starting_from_an_old_page_closes_the_expired_attempt_and_starts_no_other(
    sitting: Sitting, clock: time_machine.Traveller
) -> None:
    sitting.hand_in()
    review = sitting.browser.path
    sitting.start(SINGLES)
    sitting.browser.get(review)  # offers to go on with the open attempt
    assert "Làm tiếp lượt đang mở" in sitting.browser.text
    clock.move_to(DEADLINE + timedelta(minutes=1))
    token = dict(sitting.browser.form("Đăng xuất").fields)["csrf_token"]
    sitting.browser.post(SINGLES, data={"csrf_token": token}, headers={"Origin": "http://localhost"})
    assert sitting.browser.path.endswith("/review")
    assert "Lượt trước đã hết giờ" in sitting.browser.text
    assert [attempt.submitted_at is not None for attempt in sitting.attempts()] == [True, True]


def test_the_night_closes_what_nobody_touched_and_nothing_else(sitting: Sitting, clock: time_machine.Traveller) -> None:
    other = sitting.make.person("Trần Thị Bình")
    right = sitting.right()
    sitting.save(right)
    clock.move_to(DEADLINE - SECOND)
    sitting.start(SINGLES, sitting.make.browser(other))
    for moment, closed in ((DEADLINE + GRACE, False), (DEADLINE + GRACE + SECOND, True)):
        with sitting.make.writing() as session:
            close_expired(session, moment)
        assert (sitting.attempts()[0].submitted_at is not None) is closed
    (attempt,) = sitting.attempts()
    assert (attempt.scaled, attempt.passed) == (1.0, True)
    assert sitting.attempts(other)[0].submitted_at is None


def night_is_over(sitting: Sitting) -> Worker:
    """A worker with nothing to do but what pages leave behind."""
    with sitting.make.writing() as session:
        queue_nightly(session, outside.now())
        session.scalars(select(Job).where(Job.kind == NIGHTLY)).one().done_at = outside.now()
    return Worker(sitting.make.database)


def jobs(sitting: Sitting) -> list[Job]:
    """Whatever pages left for the worker."""
    with sitting.make.reading() as session:
        return list(session.scalars(select(Job).where(Job.kind == OVER)))


def test_the_worker_closes_an_attempt_that_nobody_hands_in_as_soon_as_its_time_is_over(
    sitting: Sitting, clock: time_machine.Traveller
) -> None:
    worker = night_is_over(sitting)
    right = sitting.right()
    sitting.save(right)
    clock.move_to(DEADLINE + GRACE)
    assert not worker.step()
    clock.move_to(DEADLINE + GRACE + SECOND)
    assert worker.step()
    (attempt,) = sitting.attempts()
    assert (attempt.scaled, attempt.submitted_at) == (1.0, DEADLINE)
    (job,) = jobs(sitting)
    assert job.done_at is not None
    before = sitting.statements()
    with sitting.make.writing() as session:
        close_over(session, job.payload)  # a job may be done twice
    assert sitting.statements() == before


def test_handing_in_calls_the_worker_off_but_not_one_that_has_begun(
    sitting: Sitting, clock: time_machine.Traveller
) -> None:
    worker = night_is_over(sitting)
    assert [job.due_at for job in jobs(sitting)] == [DEADLINE + GRACE + SECOND]
    sitting.hand_in()
    assert jobs(sitting) == []
    paper = sitting.start(SINGLES)
    clock.move_to(NOON + timedelta(hours=1))
    with sitting.make.writing() as session:
        assert take(session) is not None
    sitting.browser.get(paper)
    sitting.browser.submit("/submit")
    assert [job.done_at for job in jobs(sitting)] == [None]
    clock.move_to(NOON + timedelta(hours=2))  # that worker has died, another takes over and finds nothing to do
    assert worker.step()
    assert [job.last_error for job in jobs(sitting)] == [None]
    assert len(sitting.attempts()) == 2


def test_an_attempt_without_a_time_limit_never_expires(sitting: Sitting) -> None:
    sitting.settings(minutes=0)
    with time_machine.travel(NOON, tick=False) as traveller:
        sitting.browser = sitting.make.browser(sitting.learner)
        sitting.start(SINGLES)
        traveller.move_to(NOON + timedelta(days=30))
        with sitting.make.writing() as session:
            close_expired(session, NOON + timedelta(days=30))
        assert jobs(sitting) == []
        sitting.browser = sitting.make.browser(sitting.learner)
        sitting.start(SINGLES)
        sitting.hand_in(sitting.right())
    (attempt,) = sitting.attempts()
    assert attempt.scaled == 1.0
