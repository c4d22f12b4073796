"""A learner of the small course in a browser, and what a test needs to know behind the pages."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from courses.catalog.actions import THE_PRODUCT, publish_course_version, publish_module_version
from courses.catalog.loader import read_course
from courses.catalog.models import Course
from courses.catalog.queries import course_by_code, modules_of, newest_module_version
from courses.enrolment.actions import assign
from courses.enrolment.models import Assignment
from courses.learning.access import access_course
from courses.learning.actions import known, say, this_course
from lms import clock
from lms.accounts.models import Person
from lms.organisation.models import Unit
from lms.xapi import vocabulary
from lms.xapi.models import XapiBody
from lms.xapi.statement import Activity, sentence
from tests.browser import Browser
from tests.library_course import CODE
from tests.make import Make

HOME = "https://quan-triet.example"
COURSE = f"/courses/{CODE}"
FINISH = "/finish"


@dataclass(frozen=True)
class Someone:
    """A person as actions want one, without a browser."""

    person_id: int
    public_id: uuid.UUID
    name: str = ""
    language: str = "vi"

    def may(self, permission: str) -> bool:
        return permission == "course:study"

    def everywhere(self, permission: str) -> bool:
        return False

    def unit_ids(self, permission: str, tree: str = "state") -> tuple[int, ...]:
        return ()


class Learner:
    """`learner.browser` is signed in; `read()` finishes a lesson as people do, by its button."""

    def __init__(self, make: Make, person: Person | None = None) -> None:
        self.make = make
        self.person = person or make.person()
        self.browser = make.browser(self.person)

    def read(self, *codes: str) -> Browser:
        """Open each lesson and finish it; the browser then shows where that led."""
        for code in codes:
            self.browser.get(f"{COURSE}/lessons/{code}")
            self.browser.submit(FINISH)
        return self.browser

    def take(self, code: str, scaled: float) -> None:
        """Have a test end with this score, as the pages of tests say it."""
        someone = Someone(self.person.id, self.person.public_id)
        with self.make.writing() as session:
            study = access_course(session, someone, CODE, to_change=True)
            test = next(one for one in study.outline.tests() if one.code == code)
            verb = vocabulary.PASSED if scaled >= study.settings.pass_mark else vocabulary.FAILED
            now = clock.now()
            statement = sentence(
                HOME,
                self.person.public_id,
                verb,
                Activity(vocabulary.activity_iri(HOME, CODE, code), vocabulary.ASSESSMENT, code),
                at=now,
                registration=study.registration,
                revision=study.version.number,
                within=(this_course(study),),
                result={"score": {"scaled": scaled}},
            )
            mine = known(session, someone, study)
            say(session, someone, study, mine, [statement], [(verb, test.activity_id, scaled)], at=now)

    def statements(self) -> list[dict[str, Any]]:
        """Everything stated about this person, in order."""
        with self.make.reading() as session:
            bodies = session.scalars(select(XapiBody.body).order_by(XapiBody.sequence)).all()
        found = [msgspec.json.decode(body) for body in bodies]
        return [one for one in found if one["actor"]["account"]["name"] == str(self.person.public_id)]

    def said(self) -> list[tuple[str, str]]:
        """Verb and activity of each statement, by their last words."""
        return [(one["verb"]["id"].split("/")[-1], one["object"]["id"].split("/")[-1]) for one in self.statements()]


def give(make: Make, unit: Unit, *, due_at: datetime | None = None, code: str = CODE) -> Assignment:
    """Assign the course to a unit; due in two weeks unless said otherwise."""
    with make.writing() as session:
        course = session.scalars(select(Course).where(Course.code == code)).one()
        due_at = due_at or clock.end_of_day(clock.today() + timedelta(days=14))
        return assign(session, course, session.get_one(Unit, unit.id), due_at=due_at)


def publish_anew(make: Make, folder: Path) -> int:
    """A second version: lesson m1-1 has another title, m1-2 is gone and m1-3 is new. Returns its number."""
    written = read_course(folder / CODE)
    first = written.modules[0]
    lessons = [
        msgspec.structs.replace(first.lessons[0], title="Bài viết lại", title_en="Lesson written anew"),
        msgspec.structs.replace(first.lessons[1], code="m1-3", title="Bài mới"),
    ]
    with make.writing() as session:
        course = session.scalars(course_by_code(CODE)).one()
        modules = modules_of(session, course)
        anew = publish_module_version(
            session,
            course,
            modules["m1"],
            msgspec.structs.replace(first, lessons=lessons),
            register=written.text.register,
            figures=written.figures,
            note="Sửa chuyên đề 1.",
            by=THE_PRODUCT,
        )
        kept = session.scalars(newest_module_version(modules["m2"].id)).one()
        version = publish_course_version(
            session, course, written.text, [anew, kept], note="Sửa chuyên đề 1.", by=THE_PRODUCT
        )
        return version.number
