"""What a day that is over is told of that standings do not bear: absences, reflections, members; and what never is."""

import html
import re
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from analytics.facts.projection import Structure
from analytics.facts.queries import recalled
from analytics.facts.rules import COUNT_NAMES, MEMBERSHIP, OF_NOW, Count
from assessments.attempts.actions import Absent
from assessments.reflections.access import Read, access_own
from assessments.reflections.actions import hand_in, judge, keep
from assessments.reflections.models import Reflection
from assessments.reflections.rules import Sent, fingerprint
from courses.briefings.models import BriefingSession, MeetingPoint
from courses.briefings.projector import settle_briefing
from courses.briefings.queries import told_of
from courses.briefings.rules import WAYS, Asked, Policy
from courses.briefings.statements import was_seen
from courses.enrolment.actions import decide, revoke
from courses.enrolment.models import Briefing, RollDecision
from courses.meetings.access import person_listed
from courses.meetings.actions import correct
from lms import clock
from lms.accounts.models import Person
from lms.audit.models import AuditEntry, AuditRetention
from lms.db import lock_people
from lms.organisation.models import Unit
from lms.privacy.actions import ask
from lms.privacy.actions import correct as put_right
from lms.xapi.actions import ourselves, record
from tests.analytics.agency import course_loaded, studied
from tests.analytics.test_dashboard import head_of, text_of
from tests.analytics.test_filters import looked_back
from tests.briefed import open_briefing
from tests.make import Make

DAY = timedelta(days=1)
EVERY_WAY = Policy(Asked(ways=frozenset(WAYS), test=False, reflection=True))
TOLD = [name for name in COUNT_NAMES if name not in OF_NOW]
PEOPLE = ("an", "binh", "chi", "dung", "em", "giang", "hoa")


def told(count: Count) -> dict[str, int]:
    return {name: getattr(count, name) for name in TOLD}


def text_of_page(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def of_the_end(day: date) -> Structure:
    return Structure(day, then=True, until=clock.start_of_day(day + DAY) - timedelta.resolution)


class Afternoons:
    """A briefing whose people are seen, write and change over some days, and what was told of each day at its end."""

    def __init__(self, make: Make, folder: Path) -> None:
        self.make, self.begin = make, clock.now()
        self.course = course_loaded(make, folder)
        self.root = make.unit("Tỉnh", code="t")
        self.office = make.unit("Sở Y tế", code="syt", under=self.root)
        self.people: dict[str, Person] = {name: make.person(name.capitalize(), unit=self.office) for name in PEOPLE}
        self.code = open_briefing(make, self.given_to(), policy=EVERY_WAY)
        self.ended: dict[date, dict[str, int]] = {}
        with make.writing() as session:
            briefing, now = self.briefing(session), clock.now()
            again = BriefingSession(
                briefing=briefing, code="hb", title="Lớp bù", kind="make_up", starts_at=now, ends_at=now
            )
            root = session.get_one(Unit, self.root.id)
            session.add(MeetingPoint(session=again, code="dc-1", name="Lớp", main=True, unit=root))

    def given_to(self) -> Unit:
        return self.root

    def briefing(self, session: Session) -> Briefing:
        return session.scalars(select(Briefing).where(Briefing.code == self.code)).one()

    def at(self, day: int) -> datetime:
        return self.begin + day * DAY

    def seen(self, name: str, state: str, sitting: str = "hn") -> uuid.UUID:
        with self.make.writing() as session:
            told_so, one = told_of(session, self.briefing(session)), self.people[name]
            lock_people(session, [one.id])
            about = {"session": sitting, "point": "dc-1", "name": "Điểm", "state": state}
            said = was_seen(told_so, one.public_id, **about, at=clock.now(), host=uuid.uuid4())
            [statement] = record(session, [said], source=ourselves(session))
            return statement

    def party(self, name: str, party: str) -> None:
        """Put right whether somebody is a member, as an administrator does."""
        one = self.people[name]
        with self.make.writing() as session:
            person = session.get_one(Person, one.id)
            fields = {field: getattr(person, field) or "" for field in ("full_name", "position", "email", "category")}
            request = ask(session, one.id, one.public_id, kind="correction", reason="Sai")
            session.flush()
            put_right(session, request, {**fields, "party": party}, answer="Đã sửa", by=uuid.uuid4())

    def writes(self, name: str) -> None:
        one = self.people[name]
        who = Absent(one.id, one.public_id)
        with self.make.writing() as session:
            asked = access_own(session, who, self.code)
            drafts = list(asked.reflection.answers) if asked.reflection else ["", ""]
            texts = {place: f"Một điều rất hay {place}" for place in (1, 2)}
            keep(session, who, asked, {n: Sent(fingerprint(drafts[n - 1]), text) for n, text in texts.items()})
            session.flush()
            hand_in(session, who, access_own(session, who, self.code))

    def returned(self, name: str) -> None:
        self.judged(name, number=1, accepted=False)

    def judged(self, name: str, *, number: int, accepted: bool) -> None:
        with self.make.writing() as session:
            one = session.get_one(Person, self.people[name].id)
            reflection = session.scalars(select(Reflection).where(Reflection.person_id == one.id)).one()
            read = Read(reflection, one, session.get_one(Unit, self.office.id), self.briefing(session))
            judge(session, Absent(0, uuid.uuid4()), read, number=number, accepted=accepted, comment="Viết rõ hơn")

    def day_over(self) -> None:
        with clock.moved_to(clock.end_of_day(clock.today())):
            self.ended[clock.today()] = told(looked_back(self.make, self.root, Structure(clock.today())).count)


def test_absences_reflections_and_members_of_a_day_that_is_over_are_those_told_when_it_ended(
    make: Make, tmp_path: Path
) -> None:
    those = Afternoons(make, tmp_path)
    those.seen("an", "excused")
    those.seen("binh", "unexcused")
    those.seen("chi", "unexcused")
    those.party("giang", "chinh_thuc")
    with make.writing() as session:
        one = session.get_one(Person, those.people["dung"].id)
        decide(session, those.briefing(session), one, "leave", reason="Đi công tác", approved_by="Lãnh đạo")
    those.writes("em")
    those.day_over()
    with clock.moved_to(those.at(1)):
        those.seen("an", "present", sitting="hb")
        those.seen("binh", "excused", sitting="hb")
        those.party("hoa", "du_bi")
        with make.writing() as session:
            studied(session, those.course, [those.people["chi"].id], lessons=4, tests=0)
            settle_briefing(session, those.briefing(session).id)
        those.returned("em")
        those.day_over()
    with clock.moved_to(those.at(2)):
        with make.writing() as session:
            revoke(session, session.scalars(select(RollDecision)).one())
        those.writes("em")
        those.party("giang", "quan_chung")
        those.party("hoa", "chinh_thuc")
        those.day_over()
    with clock.moved_to(those.at(6)):
        for day, expected in those.ended.items():
            assert told(looked_back(make, those.root, of_the_end(day)).count) == expected, day
    names = ("excused", "unexcused", "submitted", "members")
    assert [[one[name] for name in names] for one in those.ended.values()] == [[2, 2, 1, 1], [2, 0, 1, 2], [1, 0, 1, 1]]


def test_what_was_entered_by_mistake_is_told_of_its_day_as_it_was_put_right(make: Make, tmp_path: Path) -> None:
    """As every figure of a day that is over: by the statements that count now, with the moments they bear."""
    those = Afternoons(make, tmp_path)
    statement, day = those.seen("an", "unexcused"), clock.today()
    with clock.moved_to(those.at(3)):
        with make.writing() as session:
            sitting = select(MeetingPoint).join(BriefingSession).where(BriefingSession.code == "hn")
            point, host = session.scalars(sitting).one(), uuid.uuid4()
            one = person_listed(session, point, those.people["an"].public_id)
            correct(session, point, one, "excused", of=statement, why="Có đơn", by=host)
        found = looked_back(make, those.root, of_the_end(day)).count
        assert (found.excused, found.unexcused) == (1, 0)
        before = looked_back(make, those.root, Structure(day, then=True, until=clock.start_of_day(day) + DAY)).count
        assert (before.excused, before.unexcused) == (1, 0)


def test_members_are_told_as_far_back_as_the_log_has_every_change_and_else_the_page_says_why_not(
    make: Make, tmp_path: Path
) -> None:
    those = Afternoons(make, tmp_path)
    those.party("giang", "chinh_thuc")
    day, at = clock.today(), f"/dashboard/units/{those.root.public_id}"
    reason = "nhật ký không còn đủ các thay đổi từ đó để biết khi ấy ai là đảng viên"
    with clock.moved_to(those.at(2)):
        head = head_of(make, those.root)
        assert head.get(f"{at}.json?until={day}").get_json()["total"]["members"] == 1
        assert reason not in text_of_page(head.get(f"{at}?until={day}").text)
        with make.writing() as session:  # as entries were before values stood in them
            who, about = str(those.people["hoa"].public_id), {"fields": ["party"]}
            entry = {"at": clock.now(), "actor": None, "action": "person.change", "object_kind": "person"}
            session.execute(insert(AuditEntry), [{**entry, "object_id": who, "details": about, "address": ""}])
        found = head.get(f"{at}.json?until={day}").get_json()["total"]
        assert found["members"] is None
        assert found["excused"] == 0
        assert reason in text_of_page(head.get(f"{at}?until={day}").text)
        assert reason in text_of_page(head.get(f"{at}/numbers/members?until={day}").text)
        assert head.get(f"{at}.json").get_json()["total"]["members"] == 1


def test_what_the_log_has_let_go_is_forgotten(make: Make) -> None:
    now = clock.now()
    with make.writing() as session:
        session.add(AuditRetention(id=1, kept_from=now - 100 * DAY))
    with make.reading() as session:
        for days, forgotten in ((101, MEMBERSHIP), (99, frozenset())):
            until = now - days * DAY
            structure = recalled(session, Structure(clock.day_of(until), then=True, until=until))
            assert structure.forgotten == forgotten, days
            assert structure.untold == OF_NOW | forgotten


def test_scores_are_not_told_of_a_day_that_is_over_for_two_days_would_tell_of_one_person(
    make: Make, tmp_path: Path
) -> None:
    """Six with a mean, of whom five had one the day before: the difference is the score of the sixth."""
    those = Afternoons(make, tmp_path)
    ids = [one.id for one in those.people.values()]
    with make.writing() as session:
        studied(session, those.course, ids[:5], lessons=4, tests=2)
    with clock.moved_to(those.at(1)), make.writing() as session:
        studied(session, those.course, ids[5:6], lessons=4, tests=2)
        settle_briefing(session, those.briefing(session).id)
    at = f"/dashboard/units/{those.root.public_id}"
    with clock.moved_to(those.at(2)):
        head = head_of(make, those.root)
        assert head.get(f"{at}.json").get_json()["total"]["scored"] == 6
        for day in (clock.day_of(those.at(0)), clock.day_of(those.at(1))):
            total = head.get(f"{at}.json?until={day}").get_json()["total"]
            assert (total["scored"], total["score"], total["tested"] > 0) == (None, None, True)
            head.get(f"{at}/numbers/score?until={day}")
            assert "lấy số của hai ngày trừ cho nhau có thể lộ điểm của từng người" in text_of(head)
            head.get(f"{at}/charts?until={day}")
            assert "lấy số của hai ngày trừ cho nhau" in text_of(head)
            paper = head.get(f"/reports/units/{those.root.public_id}/01.json?until={day}").get_json()
            assert paper["total"]["cells"]["score"] is None
