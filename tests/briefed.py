"""A briefing with a policy of its own, given to a unit, and people who come as far in it as a test wants."""

import uuid
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments.reflections.actions import set_questions
from assessments.reflections.rules import Question
from courses.briefings.models import BriefingSession, MeetingPoint
from courses.briefings.queries import told_of
from courses.briefings.rules import POINT, Asked, Policy, document_of
from courses.briefings.statements import was_seen
from courses.catalog.models import Course
from courses.enrolment.actions import give
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.models import Person
from lms.db import lock_people
from lms.organisation.models import Unit
from lms.xapi.actions import ourselves, record
from tests.library_course import CODE
from tests.make import Make

AT_A_POINT = Policy(Asked(ways=frozenset({POINT}), test=False))
"""Whoever came to a meeting point has completed it."""

WITH_REFLECTION = replace(AT_A_POINT, asked=replace(AT_A_POINT.asked, reflection=True))


def briefing_in(
    session: Session,
    unit: Unit,
    *,
    policy: Policy = AT_A_POINT,
    code: str = "dot-1",
    title: str = "Học tập Nghị quyết",
    course: str = CODE,
) -> Briefing:
    """A briefing on a course (the small one), with one sitting and one point, given to the unit; due in two weeks."""
    now = clock.now()
    briefing = Briefing(
        public_id=uuid.uuid4(),
        code=code,
        course=session.scalars(select(Course).where(Course.code == course)).one(),
        plain=False,
        title=title,
        title_en="",
        documents=["48-NQ/TU"],
        policy=document_of(policy),
        opened_at=now,
    )
    sitting = BriefingSession(briefing=briefing, code="hn", title="Hội nghị", starts_at=now, ends_at=now)
    here = session.get_one(Unit, unit.id)
    session.add(MeetingPoint(session=sitting, code="dc-1", name="Điểm cầu 1", main=True, unit=here))
    session.flush()  # whoever is told of the assignment reads them
    give(session, briefing, here, due_at=clock.end_of_day(clock.today() + timedelta(days=14)))
    return briefing


def open_briefing(make: Make, unit: Unit, **kind: object) -> str:
    """The same, committed; its code. One that asks for a reflection asks two questions."""
    with make.writing() as session:
        briefing = briefing_in(session, unit, **kind)  # type: ignore[arg-type]
        if briefing.policy["asked"]["reflection"]:
            asked = [Question("Đồng chí tâm đắc điều gì?", 3, 20), Question("Đồng chí sẽ làm gì?", 0, 20)]
            set_questions(session, briefing, asked, by=uuid.uuid4())
        return briefing.code


def come(
    make: Make, code: str, *people: Person, state: str = "present", host: uuid.UUID | None = None
) -> list[uuid.UUID]:
    """These people were seen at the point of the briefing, by that host; the ids of the statements."""
    with make.writing() as session:
        briefing = session.scalars(select(Briefing).where(Briefing.code == code)).one()
        told, now, host = told_of(session, briefing), clock.now(), host or uuid.uuid4()
        lock_people(session, [one.id for one in people])
        said = [
            was_seen(told, one.public_id, session="hn", point="dc-1", name="Điểm cầu 1", state=state, at=now, host=host)
            for one in people
        ]
        return record(session, said, source=ourselves(session))
