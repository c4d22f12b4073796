"""A believable history of study for the fictional people of `lms demo`.

It is written by the same actions as the pages use, with the clock set back to the hour at which each person studied; so
statements, attempts, standings and tallies agree as they do in life. Same seed, same history.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments.attempts import queries
from assessments.attempts.access import access_test
from assessments.attempts.actions import Absent, close_attempt, save_answers, start_attempt
from assessments.attempts.queries import Keyed
from assessments.bank.rules import MULTIPLE, SINGLE, Answer
from courses.catalog.models import Course
from courses.enrolment import queries as enrolment
from courses.learning.access import Study, access_course, access_lesson_place
from courses.learning.actions import finish_lesson, start_course
from courses.learning.models import CourseProgress
from lms import clock
from lms.accounts.models import Person, SignInAccount

SEED = 48
DAYS = 21
STRETCH = 50
EVERY_UNIT = (0.25, 0.45, 0.6, 0.72, 0.85, 0.97)
"""How diligent units are: the share of a unit's people who will have finished."""

GUIDED = {"hocvien": 0.4}
"""The demo learner stands in the middle of the course, so that a visitor can go on."""


@dataclass(frozen=True, slots=True)
class Student:
    """A fictional person and how they study: how far they will come (1 is the end), and how sure they answer."""

    who: Absent
    far: float
    sure: float
    chance: random.Random


def study(session: Session, _people: int) -> Iterator[str]:
    """Let the fictional people on the roll study the course. Those who have begun are left alone: safe to repeat."""
    course = session.scalar(select(Course).order_by(Course.id))
    if course is None:
        return
    students = cast_of(session, course.id)
    begun = set(session.scalars(select(CourseProgress.person_id)))
    waiting = [one for one in students if one.far > 0 and one.who.person_id not in begun]
    for number, student in enumerate(waiting, 1):
        live_through(session, student, course.code)
        if number % STRETCH == 0 or number == len(waiting):
            session.flush()
            session.expunge_all()  # what is written stays; only the memory of it goes
            yield f"History of study: {number} of {len(waiting)} people."


def cast_of(session: Session, course_id: int) -> list[Student]:
    """Everyone fictional on the roll, with a temper of their own and the diligence of their unit."""
    briefing = session.scalar(enrolment.plain_briefing(course_id))
    roll = enrolment.roll(session, briefing.id, on=clock.today()) if briefing is not None else []
    units = {one.person_id: one.unit_id for one in roll}
    people = session.execute(
        select(Person.id, Person.public_id, SignInAccount.username)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(Person.fictional, Person.id.in_(units))
        .order_by(Person.id)
    ).all()
    diligence = {unit: EVERY_UNIT[number % len(EVERY_UNIT)] for number, unit in enumerate(sorted(set(units.values())))}
    students = []
    for person_id, public_id, username in people:
        chance = luck(person_id)
        far = GUIDED.get(username, distance(diligence[units[person_id]], chance))
        students.append(Student(Absent(person_id, public_id), far, chance.uniform(0.72, 0.98), chance))
    return students


def luck(person_id: int) -> random.Random:
    """A person's own chance, the same each time."""
    return random.Random(SEED * 1_000_003 + person_id)  # noqa: S311 - a made-up history guards nothing


def distance(diligence: float, chance: random.Random) -> float:
    """How far somebody comes in a unit of this diligence: to the end, part of the way, or nowhere yet."""
    if chance.random() < diligence:
        return 1.0
    return chance.uniform(0.05, 0.9) if chance.random() < 0.6 else 0.0


def live_through(session: Session, student: Student, course_code: str) -> None:
    """One person's days with the course, module by module, until as far as they come."""
    chance = student.chance
    moment = first_hour(chance)
    with clock.moved_to(moment):
        course = access_course(session, student.who, course_code, to_change=True)
        start_course(session, student.who, course)
    total = len(course.outline.lessons())
    left = max(1, round(student.far * total))
    for module in course.outline.modules:
        for lesson in module.lessons:
            if left == 0:
                return
            left -= 1
            moment = later(moment, lesson.minutes * chance.uniform(0.6, 1.6))
            read(session, student, course, lesson.code, moment)
        if module.test.required:
            moment = later(moment, chance.uniform(1, 5))
            moment = sit_test(session, student, course_code, module.test.code, moment)
        if chance.random() < 0.4:
            moment = later(moment, chance.uniform(300, 2000))


def read(session: Session, student: Student, course: Study, lesson_code: str, moment: datetime) -> None:
    """Finish one lesson at that moment."""
    module, lesson = access_lesson_place(course, lesson_code)
    with clock.moved_to(moment):
        finish_lesson(session, student.who, course, module, lesson)


def sit_test(session: Session, student: Student, course_code: str, test_code: str, moment: datetime) -> datetime:
    """Take the test until it is passed, three times at most; returns when."""
    chance = student.chance
    for _ in range(3):
        with clock.moved_to(moment):
            sitting = access_test(session, student.who, course_code, test_code, to_change=True)
            attempt = start_attempt(session, student.who, sitting)
        moment = later(moment, chance.uniform(3, 9))
        with clock.moved_to(moment):
            paper = queries.keyed(session, attempt.id)
            save_answers(session, attempt, {one.position: answer(one, student.sure, chance) for one in paper})
            close_attempt(session, student.who, sitting, attempt)
        if attempt.passed or chance.random() < 0.2:
            break
        moment = later(moment, chance.uniform(5, 60))
    return moment


def answer(question: Keyed, sure: float, chance: random.Random) -> Answer:
    """The right answer as often as the person is sure, else a plausible wrong one."""
    size = len(question.options)
    if chance.random() < sure:
        return list(question.key) if question.kind in (SINGLE, MULTIPLE) else list(range(size))
    if question.kind == SINGLE:
        return [chance.choice([option for option in range(size) if option not in question.key])]
    if question.kind == MULTIPLE:
        return sorted(chance.sample(range(size), 2))
    order = list(range(size))
    first, second = chance.sample(order, 2)
    order[first], order[second] = order[second], order[first]
    return order


def first_hour(chance: random.Random) -> datetime:
    """When somebody first opens the course: some day of the last three weeks, between 7.30 and 20.30."""
    day = clock.true_now() - timedelta(days=chance.uniform(3, DAYS))
    morning = day.astimezone(clock.VIETNAM).replace(hour=7, minute=30, second=0)
    return morning + timedelta(minutes=chance.uniform(0, 13 * 60))


def later(moment: datetime, minutes: float) -> datetime:
    """So many minutes later, but never in the future."""
    return min(moment + timedelta(minutes=minutes), clock.true_now() - timedelta(seconds=1))
