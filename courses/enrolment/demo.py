"""The assignments of `lms demo`: the built-in course to the whole province, and earlier to three districts."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from courses.catalog.models import Course
from courses.enrolment.actions import assign
from courses.enrolment.models import Assignment
from lms import clock
from lms.accounts.demo import ADMINISTRATOR
from lms.accounts.models import Person, SignInAccount
from lms.clock import end_of_day
from lms.organisation.models import Unit

COURSE = "nq48"
PROVINCE = "tq"
EARLIER = ("h-ch", "h-sd", "h-lb")
"""Three districts whose time is up, so that one sees what overdue looks like."""


def assign_the_course(session: Session, _people: int) -> Iterator[str]:
    """Assign the course as if some weeks ago, unless it is assigned, or course or people are not there."""
    course = session.scalar(select(Course).where(Course.code == COURSE))
    if course is None or session.scalar(select(exists().where(Assignment.course_id == course.id))):
        return
    by = session.scalar(
        select(Person.public_id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(Person.fictional, SignInAccount.username == ADMINISTRATOR)
    )
    units = {unit.code: unit for unit in session.scalars(select(Unit).where(Unit.code.in_((PROVINCE, *EARLIER))))}
    if by is None or len(units) <= len(EARLIER):
        return
    now, today = clock.now(), clock.today()
    with clock.moved_to(now - timedelta(days=44)):
        for code in EARLIER:
            assign(session, course, units[code], due_at=end_of_day(today - timedelta(days=9)), by=by)
    due = end_of_day(today + timedelta(days=14))
    with clock.moved_to(now - timedelta(days=40)):
        assign(session, course, units[PROVINCE], due_at=due, by=by)
    yield f"Course {COURSE}: assigned to the province by {due:%d/%m/%Y}, to {len(EARLIER)} districts by an earlier day."
