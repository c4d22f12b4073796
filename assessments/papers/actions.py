"""Making tests, and drawing papers for them."""

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments.papers.models import Test
from assessments.papers.queries import pool
from assessments.papers.rules import Drawn, InPool, draw
from courses.catalog.actions import CoursePublished
from courses.catalog.models import CourseVersion
from courses.catalog.rules import outline_of


def open_tests(session: Session, event: CoursePublished) -> None:
    """Make the tests that a new version of a course names and that are not there yet."""
    outline = outline_of(session.get_one(CourseVersion, event.course_version_id).outline)
    wanted: dict[int, int | None] = {module.test.activity_id: module.module_id for module in outline.modules}
    wanted[outline.final.activity_id] = None
    known = set(session.scalars(select(Test.activity_id).where(Test.course_id == event.course_id)))
    for activity_id in sorted(wanted.keys() - known):
        session.add(Test(activity_id=activity_id, course_id=event.course_id, module_id=wanted[activity_id]))


def draw_paper(session: Session, activity_id: int, count: int) -> tuple[Drawn, ...]:
    """A new paper of a test, different each time. Empty when the bank has no question for it."""
    questions = [InPool(*row) for row in session.execute(pool(activity_id))]
    return draw(questions, count, seed=secrets.randbits(128))
