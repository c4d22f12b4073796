"""A briefing with one sitting and points, and the people who come, for tests of meeting points."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from courses.briefings.models import Attendance, BriefingSession, MeetingPoint, Standing
from courses.briefings.rules import Asked, Policy, document_of
from courses.catalog.models import Course
from courses.enrolment.actions import give
from courses.enrolment.models import Briefing
from courses.meetings import actions
from courses.meetings.models import PointSighting
from courses.meetings.queries import listed, met
from courses.meetings.rules import Place, code_key, code_of, slot_of
from lms import clock
from lms.accounts.models import Person
from lms.organisation.models import Unit
from tests.browser import Browser
from tests.conftest import SECRET
from tests.library_course import CODE, load_small_course
from tests.make import Make

BRIEFED = Policy(Asked(ways=frozenset({"point", "make_up", "online"}), test=False))


@dataclass
class Gathering:
    """`north` has an office below it and a point of its own; the main point is that of the province."""

    make: Make
    province: Unit
    north: Unit
    south: Unit
    organiser: Person
    host: Person
    other_host: Person
    an: Person
    binh: Person
    chi: Person
    sitting: BriefingSession
    points: dict[str, MeetingPoint]

    def browser(self, person: Person) -> Browser:
        return self.make.browser(person)

    def path(self, point: str = "north", rest: str = "") -> str:
        return f"/meetings/points/{self.points[point].public_id}{rest}"

    def code(self, point: str = "north", *, back: int = 0) -> str:
        place = Place(self.sitting.public_id, self.points[point].public_id)
        return code_of(code_key(SECRET), place, slot_of(clock.now()) - back)

    def told_alike(self) -> None:
        """Who is of each point, and what it says of them, is the same asked of everybody (a tap) and of the point."""
        with self.make.reading() as session:
            everybody = session.scalars(select(Person.id)).all()
            for point in session.scalars(select(MeetingPoint).where(MeetingPoint.session_id == self.sitting.id)):
                here = met(session, point, everybody, on=clock.today())
                people = listed(session, point, on=clock.today())
                assert here == {one.person_id: (one.state, bool(one.elsewhere)) for one in people}, point.name

    def said(self, point: str = "north") -> dict[str, str]:
        """What the point says of people, by name."""
        with self.make.reading() as session:
            rows = session.execute(
                select(Person.full_name, PointSighting.state)
                .join(PointSighting, PointSighting.person_id == Person.id)
                .where(PointSighting.point_id == self.points[point].id)
            )
            return dict(rows.all())

    def attended(self, person: Person) -> str | None:
        with self.make.reading() as session:
            return session.scalar(select(Attendance.state).where(Attendance.person_id == person.id))

    def standing(self, person: Person) -> str | None:
        with self.make.reading() as session:
            return session.scalar(select(Standing.state).where(Standing.person_id == person.id))


def briefing_of(make: Make, unit: Unit, *, course_code: str = CODE) -> uuid.UUID:
    """A briefing on this course in which coming to a point is enough, given to a unit."""
    with make.writing() as session:
        course = session.scalars(select(Course).where(Course.code == course_code)).one()
        briefing = Briefing(
            public_id=uuid.uuid4(),
            code="dot-1",
            course=course,
            plain=False,
            title="Đợt quán triệt Nghị quyết 48",
            policy=document_of(BRIEFED),
            opened_at=clock.now(),
        )
        session.add(briefing)
        session.flush()
        due_at = clock.end_of_day(clock.today() + timedelta(days=9))
        give(session, briefing, session.get_one(Unit, unit.id), due_at=due_at)
        return briefing.public_id


def sitting_of(
    make: Make, briefing: uuid.UUID, units: dict[str, Unit], *, by: Person
) -> tuple[BriefingSession, dict[str, MeetingPoint]]:
    """A conference that has just begun, with a point for each of these units; `main` is the main one."""
    now = clock.now()
    wanted = actions.Sitting("conference", "Hội nghị toàn tỉnh", now - timedelta(minutes=5), now + timedelta(hours=3))
    with make.writing() as session:
        found = session.scalars(select(Briefing).where(Briefing.public_id == briefing)).one()
        sitting = actions.make_sitting(session, found, wanted, by=by.public_id)
        session.flush()
        points = {}
        for name, unit in units.items():
            one = session.get_one(Unit, unit.id)
            [points[name]] = actions.make_points(session, sitting, [one], main=name == "main", by=by.public_id)
        session.flush()
        return sitting, points


def gather(make: Make, folder: Path) -> Gathering:
    """The whole of it."""
    load_small_course(make, folder)
    province = make.unit("Tỉnh (mẫu)")
    north, south = make.unit("Xã Bắc", under=province), make.unit("Xã Nam", under=province)
    office = make.unit("Văn phòng xã Bắc", under=north)
    organiser = make.person("Người Tổ Chức", role="administrator")
    host = make.person("Phạm Chủ Trì", unit=north)
    other = make.person("Lê Chủ Trì Khác", unit=south)
    an, binh = make.person("Nguyễn Văn An", unit=north), make.person("Trần Thị Bình", unit=office)
    chi = make.person("Hoàng Chi", unit=province)
    briefing = briefing_of(make, province)
    sitting, points = sitting_of(make, briefing, {"main": province, "north": north, "south": south}, by=organiser)
    with make.writing() as session:
        for name, person in {"north": host, "south": other}.items():
            session.get_one(MeetingPoint, points[name].id).host = person.public_id
    return Gathering(make, province, north, south, organiser, host, other, an, binh, chi, sitting, points)
