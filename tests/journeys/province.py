"""A small province for the journeys: its agencies and people, the built-in course assigned, some of it studied."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments.attempts.access import access_test
from assessments.attempts.actions import Absent, close_attempt, save_answers, start_attempt
from assessments.attempts.models import Attempt
from assessments.attempts.queries import Keyed, keyed
from assessments.bank.actions import load_questions
from assessments.bank.rules import MULTIPLE, SINGLE
from courses.catalog.models import Course
from courses.catalog.queries import newest_versions
from courses.catalog.rules import Outline, outline_of
from courses.enrolment.actions import assign
from courses.learning.access import access_course, access_lesson_place
from courses.learning.actions import finish_lesson, start_course
from lms import clock
from lms.accounts.models import Person
from lms.organisation.models import Unit
from tests.library_course import load_built_in_course
from tests.make import Make

COURSE = "nq48"
PASSWORD = "muoi bon ky tu tro len"
DAYS_TO_FINISH = 14


class Citizen(NamedTuple):
    """Somebody of the province. `studied`: how many lessons are finished, and the tests on the way; None: not begun."""

    name: str
    unit: str
    position: str
    role: str = ""
    studied: int | None = None


UNITS = {
    "tinh": ("Tỉnh Tuyên Quang", ""),
    "snn": ("Sở Nông nghiệp và Phát triển nông thôn", "tinh"),
    "snn-kl": ("Chi cục Kiểm lâm", "snn"),
    "snn-tl": ("Chi cục Thủy lợi", "snn"),
    "syt": ("Sở Y tế", "tinh"),
}
LEARNER, HEAD, TRAINER, ADMINISTRATOR, LAST_STEP = "hoalt", "binhtq", "tamdm", "hangnt", "khanhmv"
PEOPLE = {
    LEARNER: Citizen("Lý Thị Hoa", "snn-kl", "Kiểm lâm viên"),
    HEAD: Citizen("Trần Quốc Bình", "snn", "Giám đốc Sở", "head"),
    TRAINER: Citizen("Đỗ Minh Tâm", "tinh", "Giảng viên Trường Chính trị tỉnh", "trainer"),
    ADMINISTRATOR: Citizen("Nguyễn Thu Hằng", "tinh", "Chuyên viên", "administrator"),
    LAST_STEP: Citizen("Ma Văn Khánh", "snn-tl", "Phó Chi cục trưởng", studied=-1),
    "duyennt": Citizen("Nguyễn Thị Duyên", "snn", "Chánh Văn phòng Sở", studied=99),
    "laphv": Citizen("Hoàng Văn Lập", "snn-kl", "Chi cục trưởng", studied=99),
    "paogl": Citizen("Giàng A Páo", "snn-kl", "Hạt trưởng Hạt Kiểm lâm", studied=5),
    "nhungvt": Citizen("Vũ Thị Nhung", "snn-tl", "Chi cục trưởng", studied=99),
    "senqt": Citizen("Quan Thị Sen", "snn-tl", "Kế toán"),
    "thanhlv": Citizen("Lương Văn Thành", "syt", "Giám đốc Sở", "head", studied=2),
    "maibt": Citizen("Bàn Thị Mai", "syt", "Chuyên viên"),
    "ducnm": Citizen("Nông Minh Đức", "syt", "Trưởng phòng Nghiệp vụ y", studied=99),
}
"""The people by user name. Whoever has `studied` -1 lacks only the last lesson and the last test."""


@dataclass(frozen=True)
class Province:
    """The province in a database, and what a test needs to know of it."""

    make: Make

    def person(self, username: str) -> Person:
        """The person with that user name."""
        with self.make.reading() as session:
            return session.scalars(select(Person).where(Person.full_name == PEOPLE[username].name)).one()

    def unit(self, code: str) -> Unit:
        """The unit with that code."""
        with self.make.reading() as session:
            return session.scalars(select(Unit).where(Unit.code == code)).one()

    def outline(self) -> Outline:
        """The course as somebody who begins now studies it."""
        with self.make.reading() as session:
            return outline_of(session.scalars(newest_versions()).one().outline)

    def last_paper(self, username: str) -> list[Keyed]:
        """The questions of the person's last attempt with their keys."""
        mine = select(Attempt.id).where(Attempt.person_id == self.person(username).id).order_by(Attempt.id.desc())
        with self.make.reading() as session:
            return self.paper(session.scalars(mine).all()[0])

    def paper(self, attempt_id: int) -> list[Keyed]:
        """The questions of an attempt with their keys: never read from a page."""
        with self.make.reading() as session:
            return keyed(session, attempt_id)


def populate(make: Make) -> None:
    """Fill an empty database."""
    units: dict[str, Unit] = {}
    for code, (name, above) in UNITS.items():
        units[code] = make.unit(name, under=units.get(above), code=code)
    for username, one in PEOPLE.items():
        person = make.person(
            one.name,
            unit=units[one.unit],
            role=one.role or None,
            username=username,
            password=PASSWORD,
            over=units[one.unit] if one.role == "head" else None,
        )
        with make.writing() as session:
            session.get_one(Person, person.id).position = one.position
    load_built_in_course(make)
    with make.writing() as session:
        list(load_questions(session))
    with make.writing() as session:
        course = session.scalars(select(Course).where(Course.code == COURSE)).one()
        assign(session, course, session.get_one(Unit, units["tinh"].id), due_at=due_at())
    study(make)


def due_day() -> date:
    """The last day on which the course may be finished."""
    return clock.today() + timedelta(days=DAYS_TO_FINISH)


def due_at() -> datetime:
    return clock.end_of_day(due_day())


def study(make: Make) -> None:
    """Let people study as far as `PEOPLE` says, some days ago."""
    for days, one in enumerate(PEOPLE.values(), 2):
        if one.studied is not None:
            with clock.moved_to(clock.true_now() - timedelta(days=days)), make.writing() as session:
                person = session.scalars(select(Person).where(Person.full_name == one.name)).one()
                learn(session, Absent(person.id, person.public_id), one.studied)


def learn(session: Session, who: Absent, lessons: int) -> None:
    """Finish so many lessons, and pass the tests that come before the next one."""
    course = access_course(session, who, COURSE, to_change=True)
    start_course(session, who, course)
    wanted = [one.code for one in course.outline.lessons()][:lessons]
    for module in course.outline.modules:
        for lesson in module.lessons:
            if lesson.code in wanted:
                finish_lesson(session, who, course, *access_lesson_place(course, lesson.code))
        if all(lesson.code in wanted for lesson in module.lessons):
            pass_test(session, who, module.test.code)


def pass_test(session: Session, who: Absent, code: str) -> Attempt:
    """Take a test and answer everything right."""
    sitting = access_test(session, who, COURSE, code, to_change=True)
    attempt = start_attempt(session, who, sitting)
    paper = keyed(session, attempt.id)
    save_answers(session, attempt, {one.position: right_answer(one) for one in paper})
    close_attempt(session, who, sitting, attempt)
    return attempt


def right_answer(question: Keyed) -> list[int | None]:
    """The answer that earns the whole point."""
    return list(question.key) if question.kind in (SINGLE, MULTIPLE) else list(range(len(question.options)))
