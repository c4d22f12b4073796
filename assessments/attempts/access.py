"""The only ways to obtain a test or an attempt on a learner's behalf. Attempts of others do not exist."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments.attempts.models import Attempt
from assessments.attempts.rules import Terms, terms_of
from courses.learning.access import Study, access_course
from lms.web.acting import Actor, NotFound


@dataclass(frozen=True, slots=True)
class Sitting:
    """A learner and a test, in the version of the course that this learner studies."""

    study: Study
    terms: Terms


def access_test(
    session: Session, actor: Actor, course_code: str, activity_code: str, *, to_change: bool = False
) -> Sitting:
    """The test as this learner takes it. Raises `NotFound`.

    `to_change` takes the learner's lock first: whatever is read after it stays as it is until the transaction ends.
    """
    study = access_course(session, actor, course_code, to_change=to_change)
    terms = terms_of(study.outline, study.settings, activity_code)
    if terms is None:
        raise NotFound
    return Sitting(study, terms)


def access_attempt(session: Session, actor: Actor, sitting: Sitting, public_id: uuid.UUID) -> Attempt:
    """The learner's own attempt at this test. Raises `NotFound`."""
    attempt = session.scalar(
        select(Attempt).where(
            Attempt.public_id == public_id,
            Attempt.person_id == actor.person_id,
            Attempt.activity_id == sitting.terms.test.activity_id,
        )
    )
    if attempt is None:
        raise NotFound
    return attempt
