"""Starting an attempt, saving answers, and closing it with a score. Callers hold the learner's lock (`access_test`)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import Select, insert, update
from sqlalchemy.orm import Session

from assessments.attempts import queries, rules
from assessments.attempts.access import Sitting, access_test
from assessments.attempts.models import Attempt, AttemptItem
from assessments.attempts.statements import (
    Answered,
    Outcome,
    Taker,
    answered_question,
    assessment,
    began_test,
    ended_test,
)
from assessments.bank.rules import Answer, Keyed, points, scaled
from assessments.papers.actions import draw_paper
from assessments.papers.rules import Drawn
from courses.learning.actions import known, say, this_course
from courses.learning.statements import module_activity
from lms import clock
from lms.accounts.models import Person
from lms.db import config_of
from lms.organisation.models import STATE_TREE
from lms.outbox.actions import call_off, queue
from lms.web.acting import Actor
from lms.xapi.statement import Activity
from lms.xapi.vocabulary import ATTEMPTED

OVER = "attempt over"
"""The job that closes an attempt when its time and the grace are over, should nobody hand it in."""


class NoAttemptsLeft(Exception):
    """The learner has started as many attempts as the course allows."""


class NothingToDraw(Exception):
    """The bank holds no question for this test."""


class AttemptOver(Exception):
    """The attempt takes no more answers: its time is over, or it has been graded."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A learner on whose behalf an attempt is closed when its time is over. Nobody is signed in, nothing is allowed."""

    person_id: int
    public_id: uuid.UUID
    name: str = ""
    language: str = "vi"

    def may(self, permission: str) -> bool:
        """Nothing."""
        return False

    def everywhere(self, permission: str) -> bool:
        """Nothing."""
        return False

    def unit_ids(self, permission: str, tree: str = STATE_TREE) -> tuple[int, ...]:
        """None."""
        return ()


def start_attempt(session: Session, actor: Actor, sitting: Sitting) -> Attempt:
    """The learner's open attempt; when there is none, a new one with a paper of its own.

    An open one whose time is over is closed and returned. Raises `NoAttemptsLeft` and `NothingToDraw`.
    """
    test, terms = sitting.terms.test, sitting.terms
    before = session.scalars(queries.attempts_of(actor.person_id, test.activity_id)).all()
    if before and before[-1].submitted_at is None:
        if rules.phase(before[-1].deadline_at, None, clock.now()) == "expired":
            close_attempt(session, actor, sitting, before[-1])
        return before[-1]
    if rules.attempts_left(terms.max_attempts, len(before)) == 0:
        raise NoAttemptsLeft
    paper = draw_paper(session, test.activity_id, terms.questions)
    if not paper:
        raise NothingToDraw
    attempt = keep_paper(session, actor, sitting, paper, number=len(before) + 1)
    taker, course, within = speaking(session, actor, sitting)
    began = began_test(taker, assessment(taker, terms), within=(*within, course), at=attempt.started_at)
    heard = [(ATTEMPTED, test.activity_id, None)]
    mine = known(session, actor, sitting.study)
    say(session, actor, sitting.study, mine, [began], heard, at=attempt.started_at)
    return attempt


def keep_paper(session: Session, actor: Actor, sitting: Sitting, paper: Sequence[Drawn], *, number: int) -> Attempt:
    """The rows of a new attempt: from now on its paper and its deadline stand, and the worker will close it then."""
    now = clock.now()
    attempt = Attempt(
        public_id=uuid.uuid4(),
        person_id=actor.person_id,
        activity_id=sitting.terms.test.activity_id,
        course_version_id=sitting.study.version.id,
        number=number,
        pass_mark=sitting.terms.pass_mark,
        started_at=now,
        deadline_at=rules.deadline(now, sitting.terms.minutes),
    )
    session.add(attempt)
    session.flush()  # the questions need its id
    rows = [
        {"attempt_id": attempt.id, "position": n, "question_version_id": one.version_id, "shown": list(one.shown)}
        for n, one in enumerate(paper, 1)
    ]
    session.execute(insert(AttemptItem), rows)
    if attempt.deadline_at is not None:
        due_at = attempt.deadline_at + rules.GRACE + timedelta(seconds=1)
        queue(session, OVER, {"attempt": str(attempt.public_id)}, due_at=due_at, key=closing(attempt))
    return attempt


def closing(attempt: Attempt) -> str:
    """The key of the job that closes this attempt."""
    return f"{OVER} {attempt.public_id}"


def save_answers(session: Session, attempt: Attempt, answers: Mapping[int, Answer | None]) -> datetime:
    """Keep these answers, by position, and return when. Raises `AttemptOver`."""
    now = clock.now()
    if rules.phase(attempt.deadline_at, attempt.submitted_at, now) != "open":
        raise AttemptOver
    rows = [
        {"attempt_id": attempt.id, "position": position, "response": answer and list(answer), "saved_at": now}
        for position, answer in sorted(answers.items())
    ]
    if rows:
        session.execute(update(AttemptItem), rows)
    return now


def close_attempt(session: Session, actor: Actor, sitting: Sitting, attempt: Attempt) -> None:
    """Grade what was saved, and say so. Closing a second time changes nothing."""
    if attempt.submitted_at is not None:
        return
    study, test = sitting.study, sitting.terms.test
    at = rules.ended(attempt.deadline_at, clock.now())
    paper = queries.keyed(session, attempt.id)
    earned = [points(Keyed(one.kind, len(one.options), one.key), one.response) for one in paper]
    score = scaled(earned)
    outcome = Outcome(at, at - attempt.started_at, score, score >= attempt.pass_mark)
    attempt.submitted_at, attempt.scaled, attempt.passed = at, score, outcome.passed
    graded = list(zip(paper, earned, strict=True))
    scores = [{"attempt_id": attempt.id, "position": one.position, "score": float(part)} for one, part in graded]
    session.execute(update(AttemptItem), scores)
    if attempt.deadline_at is not None:
        call_off(session, closing(attempt))
    statements = told(session, actor, sitting, graded, outcome)
    heard = [(statements[-1]["verb"]["id"], test.activity_id, score)]
    say(session, actor, study, known(session, actor, study), statements, heard, at=at)


def told(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    graded: Sequence[tuple[queries.Keyed, Fraction]],
    outcome: Outcome,
) -> list[dict[str, Any]]:
    """What is said of an attempt that has ended: each answer that was given, then passed or failed."""
    taker, course, within = speaking(session, actor, sitting)
    test = assessment(taker, sitting.terms)
    answers = [
        answered_question(
            taker,
            Answered(one.code, one.number, one.kind, one.stem, one.options, one.answers, one.response, part),
            within=(test, *within, course),
            at=one.saved_at or outcome.at,
        )
        for one, part in graded
        if one.response
    ]
    return [*answers, ended_test(taker, test, within=(*within, course), outcome=outcome)]


def speaking(session: Session, actor: Actor, sitting: Sitting) -> tuple[Taker, Activity, tuple[Activity, ...]]:
    """Who speaks, about which course, and the module between course and test (none for the final test)."""
    home, study = config_of(session).iri_base, sitting.study
    taker = Taker(home, actor.public_id, study.registration, study.version.number, study.course.code)
    module = sitting.terms.module
    within = (module_activity(home, study.course.code, module),) if module is not None else ()
    return taker, this_course(study), within


def close_over(session: Session, payload: Mapping[str, Any]) -> None:
    """The handler of the job: close the attempt, unless its learner has. Doing it again changes nothing."""
    close_all(session, queries.expired_attempts(clock.now()).where(Attempt.public_id == uuid.UUID(payload["attempt"])))


def close_expired(session: Session, now: datetime) -> None:
    """Close every attempt whose time is over with what was saved. A nightly duty, should a job have been lost."""
    close_all(session, queries.expired_attempts(now))


def close_all(session: Session, expired: Select[Attempt, Person, str, str]) -> None:
    """Close these attempts on behalf of their learners, who are not there."""
    for attempt, person, course_code, test_code in session.execute(expired).all():
        absent = Absent(person.id, person.public_id)
        sitting = access_test(session, absent, course_code, test_code, to_change=True)
        session.refresh(attempt)  # the learner may have closed it before the lock was ours
        close_attempt(session, absent, sitting, attempt)
