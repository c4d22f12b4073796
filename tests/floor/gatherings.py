"""For each actor of the walk a sitting of a briefing with a point whose roll this actor takes."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from courses.briefings.models import MeetingPoint
from courses.enrolment.models import Briefing
from courses.meetings import actions
from courses.meetings.models import PointSighting
from courses.meetings.queries import listed
from courses.meetings.rules import Place, code_key, code_of, sheet_mark, slot_of
from lms import clock
from lms.organisation.models import Unit
from tests.conftest import SECRET
from tests.courses.gathering import briefing_of
from tests.floor.world import World


@dataclass(frozen=True)
class Taken:
    """A point, its sitting, somebody already seen there by a statement, and somebody of whom nothing is known."""

    sitting: uuid.UUID
    point: uuid.UUID
    seen: uuid.UUID
    statement: uuid.UUID
    unseen: uuid.UUID


@dataclass(frozen=True)
class CodeNow(Mapping[str, str]):
    """A form whose code is that of the moment at which it is sent."""

    place: Place

    def __getitem__(self, name: str) -> str:
        if name != "code":
            raise KeyError(name)
        return code_of(code_key(SECRET), self.place, slot_of(clock.now()))

    def __iter__(self) -> Iterator[str]:
        return iter(("code",))

    def __len__(self) -> int:
        return 1


@dataclass(frozen=True)
class Gatherings:
    """What the walk needs of meeting points. `idle`: a point at which nobody was seen; `screen` shows codes."""

    of: Mapping[str, Taken]
    idle: uuid.UUID
    screen: Place
    sheet: str

    def arguments(self, actor: str) -> dict[str, object]:
        """By argument of an address."""
        mine = self.of.get(actor, self.of["learner"])
        return {
            "session_id": mine.sitting,
            "point_id": mine.point,
            "person_id": mine.seen,
            "sittings.remove.point_id": self.idle,
        }

    def forms(self, actor: str, world: World, file: str) -> dict[str, Mapping[str, str | list[str] | tuple[str, str]]]:
        """Valid forms, in an order in which each does something."""
        mine = self.of.get(actor, self.of["learner"])
        day = f"{clock.today() + timedelta(days=3):%d/%m/%Y}"
        times = {"day": day, "starts": "8:00", "ends": "11h30"}
        return {
            "meetings.check_in": CodeNow(self.screen),
            "meetings.search": {"q": "den"},
            "meetings.mark": {"mark": f"{mine.unseen}:present"},
            "meetings.correct": {"of": str(mine.statement), "state": "late", "why": "slip", "words": ""},
            "meetings.rest": {"state": "present"},
            "meetings.count": {"headcount": "3", "connected": "7h55", "disconnected": ""},
            "meetings.set_check_in": {"then": "open"},
            "meetings.report": {},
            "meetings.reopen": {"why": "Thiếu một người"},
            "lists.entry": {"mark": self.sheet, "late": "", "left_early": "", "excused": "", "unexcused": ""},
            "lists.upload": {"file": (file, "diem-danh.csv")},
            "sittings.new": {"briefing": "dot-1", "kind": "make_up", "title": "Lớp học bù", **times},
            "sittings.edit": {"title": "Hội nghị lần hai", **times},
            "sittings.many_points": {"units": [str(world.inside.public_id)]},
            "sittings.new_point": {"unit": str(world.root.public_id), "main": "y"},
            "sittings.point": {"name": "Hội trường"},
            "sittings.find_host": {"q": "hoc"},
            "sittings.name_host": {"host": str(world.people["trainer"].public_id)},
            "sittings.remove": {},
        }


def gatherings(world: World) -> Gatherings:
    """A briefing given to everybody, and a sitting for each actor with a point of the agency outside."""
    make = world.make
    people = [make.person(f"Người Đến {word}", unit=world.outside) for word in ("Một", "Hai", "Ba")]
    briefing = briefing_of(make, world.root)
    found, now, by = {}, clock.now(), world.people["administrator"].public_id
    with make.writing() as session:
        of = session.scalars(select(Briefing).where(Briefing.public_id == briefing)).one()
        outside = session.get_one(Unit, world.outside.id)
        for number, (actor, person) in enumerate([*world.people.items(), ("idle", people[0]), ("screen", people[0])]):
            starts_at = now + timedelta(minutes=number - 30)
            wanted = actions.Sitting("conference", "Hội nghị", starts_at, now + timedelta(hours=3))
            sitting = actions.make_sitting(session, of, wanted, by=by)
            session.flush()
            [point] = actions.make_points(session, sitting, [outside], by=by)
            session.flush()
            point = session.get_one(MeetingPoint, point.id)
            point.host = person.public_id
            if actor == "screen":
                actions.open_check_in(session, point, by=by)
            if actor not in {"idle", "screen"}:
                session.flush()
                actions.take(session, point, [actions.Mark(people[0].public_id, "present")], by=by)
            said = select(PointSighting.statement_id).where(PointSighting.point_id == point.id)
            statement = session.scalar(said) or uuid.uuid4()
            found[actor] = Taken(
                sitting.public_id, point.public_id, people[0].public_id, statement, people[1].public_id
            )
        sheet = sheet_mark([one.public_id for one in listed(session, point, on=clock.today())])
    screen = found.pop("screen")
    return Gatherings(found, found.pop("idle").point, Place(screen.sitting, screen.point), sheet)
