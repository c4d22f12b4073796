"""A small province for tests that walk every route: two agencies, the people of each kind, a course under way."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from courses.catalog.models import Course
from courses.enrolment.actions import assign
from lms import clock
from lms.accounts.models import Person
from lms.forwarding.actions import Wish, add_target
from lms.forwarding.models import ForwardTarget
from lms.organisation.models import Unit
from tests.browser import Browser
from tests.library_course import load_small_course
from tests.make import Make
from tests.store import Outsider, statement

ACTORS = ("anonymous", "learner", "head_inside", "head_outside", "trainer", "administrator")


@dataclass
class World:
    """Who and what there is. `inside` is the agency whose ids the walk uses; `head_outside` heads the other."""

    make: Make
    root: Unit
    inside: Unit
    outside: Unit
    people: dict[str, Person]
    course: str
    target: ForwardTarget
    client: int
    statement: str

    def browser(self, actor: str) -> Browser:
        """A browser signed in as that actor; anonymous is signed in as nobody."""
        return self.make.browser(self.people.get(actor))


def build_world(make: Make, tmp_path: Path) -> World:
    """The province, with the small course assigned to all of it, and another system that has said something."""
    root = make.unit("Tỉnh (mẫu)")
    inside = make.unit("Sở Y tế", under=root)
    outside = make.unit("Sở Nội vụ", under=root)
    people = {
        "learner": make.person("Học Viên", unit=inside),
        "head_inside": make.person("Trưởng Trong", unit=inside, role="head", over=inside),
        "head_outside": make.person("Trưởng Ngoài", unit=outside, role="head", over=outside),
        "trainer": make.person("Giảng Viên", unit=outside, role="trainer"),
        "administrator": make.person("Quản Trị", unit=outside, role="administrator"),
    }
    course = load_small_course(make, tmp_path)
    with make.writing() as session:
        assign(
            session,
            session.scalars(select(Course).where(Course.code == course)).one(),
            session.get_one(Unit, root.id),
            due_at=clock.now() + timedelta(days=14),
        )
        target = add_target(
            session,
            name="Kho (mẫu)",
            address="https://lrs.example.gov.vn/xapi",
            edition="1.0.3",
            key="key",
            secret="secret",
            wish=Wish(),
        )
    outsider = Outsider(make, "all", name="Learning portal")
    [said] = outsider.post(statement()).get_json()
    return World(make, root, inside, outside, people, course, target, outsider.id, said)
