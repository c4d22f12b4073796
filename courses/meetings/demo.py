"""A conference of `lms demo` some weeks ago: who came to which meeting point, by the word of the points' hosts."""

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from courses.briefings.actions import open_briefing
from courses.briefings.models import MeetingPoint
from courses.briefings.rules import MAKE_UP, ONLINE, POINT, Asked, Policy
from courses.catalog.models import Course
from courses.enrolment.actions import give
from courses.enrolment.demo import COURSE, PROVINCE
from courses.enrolment.models import Briefing
from courses.meetings import queries
from courses.meetings.actions import (
    Counted,
    Mark,
    Sitting,
    enter_numbers,
    make_points,
    make_sitting,
    name_host,
    report,
    take,
)
from courses.meetings.rules import THERE
from lms import clock
from lms.accounts.demo import ADMINISTRATOR
from lms.accounts.models import Person, RoleGrant, SignInAccount
from lms.clock import end_of_day
from lms.organisation.models import Unit

SEED = 55
CODE = "hoi-nghi-mau"
TITLE = "Hội nghị trực tuyến quán triệt Nghị quyết số 48-NQ/TU (dữ liệu mẫu)"
TITLE_EN = "Online conference on Resolution 48-NQ/TU (sample data)"
DOCUMENTS = ("Nghị quyết số 48-NQ/TU", "Kế hoạch số 55/KH-UBND")
WAYS = frozenset({POINT, MAKE_UP, ONLINE})
ASKED = "cong_chuc"
"""The staff category of whom a reflection is asked."""
POLICY = Policy(Asked(WAYS), {ASKED: Asked(WAYS, reflection=True)})
MAIN = "tu"
DAYS_AGO = 45
STATES, WEIGHTS = ("present", "late", "left_early", "excused", "unexcused"), (80, 5, 2, 6, 7)
SILENT, UNCOUNTED = 5, 8
"""By their place among the local points: one that has taken half its roll and not reported, one that miscounted."""


def hold_the_conference(session: Session, _people: int) -> Iterator[str]:
    """Hold it, unless it was held, or the course, the sample units or the fictional administrator are not there."""
    course = session.scalar(select(Course).where(Course.code == COURSE))
    province = session.scalar(select(Unit).where(Unit.code == PROVINCE))
    by = session.scalar(
        select(Person.public_id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(Person.fictional, SignInAccount.username == ADMINISTRATOR)
    )
    if not (course and province and by) or session.scalar(select(exists().where(Briefing.code == CODE))):
        return
    today = clock.today()
    begins = datetime.combine(today - timedelta(days=DAYS_AGO), time(8), clock.VIETNAM)
    with clock.moved_to(begins - timedelta(days=3)):
        briefing = open_briefing(
            session, course, code=CODE, title=TITLE, title_en=TITLE_EN, documents=DOCUMENTS, policy=POLICY, by=by
        )
        give(session, briefing, province, due_at=end_of_day(today + timedelta(days=14)), by=by)
    rows = session.execute(select(RoleGrant.unit_id, Person.public_id).join(Person).where(*IS_HEAD))
    heads = {unit_id: head for unit_id, head in rows if unit_id is not None}
    with clock.moved_to(begins - timedelta(days=2)):
        points = prepared(session, briefing, begins, heads, by=by)
    dice, seen = random.Random(SEED), 0  # noqa: S311 - a made-up conference guards nothing
    for place, point in enumerate(points):
        with clock.moved_to(begins + timedelta(minutes=10)):
            seen += called(session, point, dice, half=place == SILENT, by=heads[point.unit_id])
        if place != SILENT:
            with clock.moved_to(begins + timedelta(hours=3, minutes=40)):
                more = 2 if place == UNCOUNTED else 0
                reported(session, point, begins, more=more, by=heads[point.unit_id])
    yield f"Conference of the sample: {len(points)} meeting points, {seen} people seen."


IS_HEAD = (RoleGrant.role == "head", RoleGrant.valid_to.is_(None), Person.fictional)


def prepared(
    session: Session, briefing: Briefing, begins: datetime, heads: dict[int, uuid.UUID], *, by: uuid.UUID
) -> Sequence[MeetingPoint]:
    """The sitting with the main point and one for each unit that has a head, who takes its roll."""
    wanted = Sitting("conference", "Hội nghị trực tuyến toàn tỉnh", begins, begins + timedelta(hours=3, minutes=30))
    sitting = make_sitting(session, briefing, wanted, by=by)
    session.flush()
    units = session.scalars(select(Unit).where(Unit.id.in_(heads)).order_by(Unit.id)).all()
    main = [one for one in units if one.code == MAIN]
    points = make_points(session, sitting, main, main=True, by=by)
    points += make_points(session, sitting, [one for one in units if one.code != MAIN], by=by)
    for point in points:
        name_host(session, point, heads[point.unit_id], by=by)
    session.flush()
    return points


def called(session: Session, point: MeetingPoint, dice: random.Random, *, half: bool, by: uuid.UUID) -> int:
    """The host takes the roll, or half of it; returns of how many something is said."""
    roll = queries.listed(session, point, on=clock.today())
    marks = [Mark(one.public_id, dice.choices(STATES, WEIGHTS)[0]) for one in roll]
    if half:
        marks = marks[: len(marks) // 2]
    return len(take(session, point, marks, by=by))


def reported(session: Session, point: MeetingPoint, begins: datetime, *, more: int, by: uuid.UUID) -> None:
    """The host counts heads (so many more than names), says when the line stood, and reports."""
    roll = queries.listed(session, point, on=clock.today())
    there = sum(one.state in THERE for one in roll)
    counted = Counted(there + more, begins - timedelta(minutes=20), begins + timedelta(hours=3, minutes=32))
    enter_numbers(session, point, counted, by=by)
    session.flush()  # who reports reads the numbers anew
    report(session, point, by=by)
