"""The names behind a figure of a day that is over are those it counts, whatever has happened until then and since."""

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from analytics.dashboard.access import among
from analytics.dashboard.queries import PAGE, Among, Given, Wanted, briefings_given, names
from analytics.dashboard.rules import STATES, days_late, many
from analytics.facts.access import FIGURES, NAMES, access_counted
from analytics.facts.projection import Structure
from analytics.facts.rules import OF_NOW, PEOPLE
from analytics.numbers.queries import count_of, units_of
from courses.briefings.projector import settle_briefing
from courses.briefings.rules import Reason, met_by
from courses.enrolment.actions import decide, give, revoke
from courses.enrolment.models import RollDecision
from courses.learning.models import ActivityProgress
from courses.learning.queries import editions
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Membership, Person
from lms.audit.models import AuditEntry
from lms.organisation.actions import create_unit
from lms.organisation.models import STATE_TREE, Unit
from tests.analytics.agency import hired, studied
from tests.analytics.test_dashboard import head_of, link, text_of
from tests.analytics.test_days_over import PEOPLE as PEOPLE_OF_OFFICE
from tests.analytics.test_days_over import Afternoons
from tests.analytics.test_names import names_on
from tests.counting import count_queries
from tests.make import LONG_AGO, Make

DAY = timedelta(days=1)
DAYS, ACTS = 2, 36
ASKED = sorted({*STATES, *PEOPLE} - OF_NOW)
STAYED = ("a", "a1", "b")
"""The units that had the briefing from the first day on: whoever moves between them counts on every day."""


@dataclass(frozen=True)
class Reader:
    """Somebody who looks: at these units and below by each permission (None: everywhere)."""

    figures: tuple[int, ...] | None = None
    names: tuple[int, ...] | None = None
    person_id: int = 0
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)
    name: str = "Người Xem"
    language: str = "vi"

    def scope(self, permission: str) -> tuple[int, ...] | None:
        return {FIGURES: self.figures, NAMES: self.names}[permission]

    def may(self, permission: str) -> bool:
        return self.scope(permission) != ()

    def everywhere(self, permission: str) -> bool:
        return self.scope(permission) is None

    def unit_ids(self, permission: str, tree: str = STATE_TREE) -> tuple[int, ...]:
        return self.scope(permission) or ()


class Days(Afternoons):
    """Days of a briefing on which anything may happen to anybody; who was listed as what when each ended."""

    def __init__(self, make: Make, folder: Path, seed: int) -> None:
        super().__init__(make, folder)
        self.chance, self.seen_at, self.wrote = Random(seed), set[tuple[str, str]](), dict[str, str]()
        self.read, self.freed, self.of_each_day = set[str](), set[str](), dict[date, dict[str, set[str]]]()
        self.units = {"root": self.root, "syt": self.office}
        for code, above in (("a", "root"), ("a1", "a"), ("b", "root"), ("c", "root")):
            self.units[code] = make.unit(f"Xã {code}", code=code, under=self.units[above])
        self.versions, self.reached = Counter[str](), False
        self.give("a", due_in=DAY)
        self.give("b", due_in=14 * DAY)
        for code in (*STAYED, "c"):
            self.hire(code, 3)

    def given_to(self) -> Unit:
        return self.office

    def give(self, code: str, *, due_in: timedelta) -> None:
        with self.make.writing() as session:
            give(
                session, self.briefing(session), session.get_one(Unit, self.units[code].id), due_at=clock.now() + due_in
            )

    def hire(self, code: str, number: int) -> None:
        with self.make.writing() as session:
            named = [f"{code} {len(self.people) + one}" for one in range(number)]
            ids = hired(session, self.units[code], number, named, since=clock.today())
            settle_briefing(session, self.briefing(session).id)
        with self.make.reading() as session:
            self.people |= {session.get_one(Person, one).full_name: session.get_one(Person, one) for one in ids}

    def something(self) -> None:
        """One act, on somebody, of which that is possible."""
        name = self.chance.choice([one for one in self.people if one not in PEOPLE_OF_OFFICE[2:]])
        acts: list[Callable[[str], None]] = [self.comes, self.studies, self.turns, self.is_decided, self.moves]
        self.chance.choice([*acts, *[self.writes_or_is_read] * 3])(name)

    def comes(self, name: str) -> None:
        sitting = self.chance.choice(("hn", "hb"))
        if (name, sitting) not in self.seen_at:
            self.seen_at.add((name, sitting))
            self.seen(name, self.chance.choice(("present", "present", "excused", "unexcused")), sitting)

    def studies(self, name: str) -> None:
        if name not in self.read:
            self.read.add(name)
            lessons, tests = self.chance.choice(((4, 2), (4, 2), (4, 1), (1, 0)))
            with self.make.writing() as session:
                studied(session, self.course, [self.people[name].id], lessons=lessons, tests=tests)
                settle_briefing(session, self.briefing(session).id)

    def turns(self, name: str) -> None:
        with self.make.reading() as session:
            now = session.get_one(Person, self.people[name].id).party
        self.party(name, self.chance.choice([one for one in ("quan_chung", "du_bi", "chinh_thuc") if one != now]))

    def writes_or_is_read(self, name: str) -> None:
        state = self.wrote.get(name, "")
        if name in self.freed or (name.startswith("c ") and not self.reached):
            return
        if state in {"", "returned"}:
            self.writes(name)
            self.versions[name] += 1
            self.wrote[name] = "waiting"
        elif state == "waiting":
            accepted = self.chance.random() < 0.7
            self.judged(name, number=self.versions[name], accepted=accepted)
            self.wrote[name] = "accepted" if accepted else "returned"

    def is_decided(self, name: str) -> None:
        if name.startswith("c ") and not self.reached:
            return
        with self.make.writing() as session:
            mine = select(RollDecision).where(RollDecision.person_id == self.people[name].id)
            held = session.scalars(mine.where(RollDecision.revoked_at.is_(None))).first()
            if held is not None:
                revoke(session, held)
                self.freed.discard(name)
                return
            kind = self.chance.choice(("exempt", "leave"))
            self.freed |= {name} if kind == "exempt" else set()
            person = session.get_one(Person, self.people[name].id)
            decide(session, self.briefing(session), person, kind, reason="Ốm", approved_by="Lãnh đạo")

    def moves(self, name: str) -> None:
        there = name.split(" ", maxsplit=1)[0]
        if there in STAYED:  # who came with a later assignment counts from then on: see decision 0038
            with self.make.writing() as session:
                person = session.get_one(Person, self.people[name].id)
                to = session.get_one(Unit, self.units[self.chance.choice(STAYED)].id)
                if to.id != self.belongs(session, person.id):
                    move_person(session, person, to, on=clock.today())

    def belongs(self, session: Session, person_id: int) -> int:
        own = Membership.person_id == person_id, Membership.tree == STATE_TREE, Membership.valid_to.is_(None)
        return session.scalars(select(Membership.unit_id).where(*own)).one()

    def ends(self) -> None:
        with clock.moved_to(clock.end_of_day(clock.today())), self.make.reading() as session:
            found = Look(session, self.root, Reader(), Structure(clock.today()), purpose=True)
            self.of_each_day[clock.today()] = {state: found.named(state) for state in ASKED}


def listed(session: Session, among: Among, briefing: Given, state: str, *, now: datetime) -> list[Any]:
    """Everybody of the list, page by page."""
    found: list[Any] = []
    for page in range(1, 100):
        rows = names(session, among, None, briefing, Wanted(state, page=page), now=now).people
        found += rows
        if len(rows) < PAGE:
            return found
    raise AssertionError


class Look:
    """A figure and its names, asked as the pages ask."""

    def __init__(self, session: Session, unit: Unit, who: Reader, wanted: Structure, *, purpose: bool) -> None:
        self.session, self.unit = session, unit
        one, then, counted = access_counted(session, who, FIGURES, unit.public_id, wanted)
        _one, _then, structure = access_counted(session, who, NAMES, unit.public_id, wanted)
        self.now = wanted.until or clock.now()
        here = (then.unit if then is not None else None) or one
        [self.briefing] = briefings_given(session, here, counted)
        self.count = count_of(session, units_of(counted, here.id, alone=False), self.briefing.id, counted, now=self.now)
        self.within, self.beyond = among(who, NAMES, here.id, structure, on=clock.today(), purpose=purpose)

    def named(self, state: str) -> set[str]:
        rows = listed(self.session, self.within, self.briefing, state, now=self.now)
        assert len(rows) == len({one.public_id for one in rows})
        return {one.name for one in rows}

    def others(self, state: str) -> set[str]:
        """Who is open only once a purpose was stated: nobody but this test lists them before."""
        rest = listed(self.session, self.beyond, self.briefing, state, now=self.now) if self.beyond is not None else []
        return {one.name for one in rest}


def of_the_end(day: date) -> Structure:
    return Structure(day, then=True, until=clock.start_of_day(day + DAY) - timedelta.resolution)


def lived(make: Make, folder: Path, seed: int) -> Days:
    """Some days of a briefing, and a day or two in which everything goes on."""
    noon = clock.start_of_day(clock.today()) + timedelta(hours=12)
    with clock.moved_to(noon):
        those = Days(make, folder, seed)
    for day in range(DAYS + 1):
        for act in range(ACTS):
            with clock.moved_to(noon + day * DAY + act * timedelta(minutes=1)):
                if (day, act) == (1, 3):
                    those.give("c", due_in=3 * DAY)
                    those.reached = True
                elif (day, act) == (2, 3):
                    those.hire("a", 2)
                else:
                    those.something()
        with clock.moved_to(noon + day * DAY):
            those.ends()
    return those


@pytest.mark.parametrize("seed", [1])
def test_as_many_are_listed_of_a_day_that_is_over_as_its_figure_counts_and_they_are_those_listed_when_it_ended(
    make: Make, tmp_path: Path, seed: int
) -> None:
    those = lived(make, tmp_path, seed)
    a, root = those.units["a"], those.root
    readers: Sequence[tuple[Unit, Reader, bool]] = [
        (root, Reader(), True),
        (root, Reader(figures=(root.id,), names=(root.id,)), False),
        (a, Reader(figures=(a.id,), names=(a.id,)), False),
    ]
    ends, beyond = those.of_each_day, 0
    *past, last = ends
    with clock.moved_to(clock.end_of_day(last)), make.reading() as session:
        for day in past:
            looks = [Look(session, unit, who, of_the_end(day), purpose=purpose) for unit, who, purpose in readers]
            for place, state in enumerate(ASKED):  # every state by the first reader, and by one of the others
                for found in (looks[0], looks[1 + place % 2]):
                    own, rest = found.named(state), found.others(state)
                    everybody = own | rest
                    assert len(own) + len(rest) == len(everybody) == many(found.count, state), (day, state)
                    if found.unit is root and state != "overdue":  # due dates are those of now, by where one is now
                        assert everybody == ends[day][state], (day, state)
                    beyond += len(rest)
    told = {state: [ends[day][state] for day in ends] for state in ASKED}
    assert [state for state, each in told.items() if not any(each[:-1]) or all(one == each[0] for one in each)] == []
    assert beyond


@pytest.fixture
def afternoons(make: Make, tmp_path: Path) -> Afternoons:
    """An was away and came the day after; Bình read a lesson and all of them later; Em wrote, and again; Giang left."""
    those = Afternoons(make, tmp_path)
    those.begin = clock.start_of_day(clock.today()) + timedelta(hours=12)
    with clock.moved_to(those.at(0)):
        with make.writing() as session:
            studied(session, those.course, [those.people["binh"].id], lessons=1, tests=0)
            settle_briefing(session, those.briefing(session).id)
        those.seen("an", "excused")
        those.seen("giang", "unexcused")
        those.writes("em")
    with clock.moved_to(those.at(1)):
        those.seen("an", "present", sitting="hb")
        those.judged("em", number=1, accepted=False)
        with make.writing() as session:
            lessons = ActivityProgress.person_id == those.people["binh"].id
            done = session.scalars(select(ActivityProgress.activity_id).where(lessons)).all()
            outline, at = editions(session, those.course)[-1].outline, clock.now()
            rest = [one.activity_id for one in outline.lessons() if one.activity_id not in done]
            own = {"person_id": those.people["binh"].id, "course_id": those.course, "completed_at": at}
            session.execute(insert(ActivityProgress), [{**own, "activity_id": one} for one in rest])
            settle_briefing(session, those.briefing(session).id)
    with clock.moved_to(those.at(2)), make.writing() as session:
        elsewhere = create_unit(
            session,
            code="sk",
            name="Sở Khác",
            kind="department",
            parent=session.get_one(Unit, those.root.id),
            since=LONG_AGO,
        )
        move_person(session, session.get_one(Person, those.people["giang"].id), elsewhere, on=clock.today())
    with clock.moved_to(those.at(3)):
        those.writes("em")
    return those


def noted(make: Make, action: str) -> list[AuditEntry]:
    with make.reading() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


def test_a_past_day_opens_to_its_people_as_they_stood_when_it_ended(make: Make, afternoons: Afternoons) -> None:
    those, day = afternoons, clock.day_of(afternoons.begin)
    with clock.moved_to(those.at(5)):
        head, at = head_of(make, those.office), f"/dashboard/units/{those.office.public_id}"
        head.get(f"{at}/numbers/people?until={day}")
        head.get(link(head, "Xem những người được tính ở đây", of="button"))
        assert names_on(head) == ["An", "Binh", "Chi", "Dung", "Em", "Hoa"]
        page = text_of(head)
        assert f"Số liệu đến hết ngày {day:%d/%m/%Y}" in page
        assert "Binh Đang học" in page
        assert "Đã học 1/4 bài" in page
        assert "Em Đang học" in page
        for state, expected in (
            ("excused", ["An"]),
            ("submitted", ["Em"]),
            ("briefed", []),
            ("in_progress", ["Binh", "Em"]),
        ):
            head.get(f"{at}/missing?until={day}&state={state}")
            assert names_on(head) == expected, state
        head.get(f"{at}/missing?until={day}&state=excused")
        head.submit("/search", q="an", state="people")
        assert names_on(head) == ["An"]
        assert f"until={day}" in head.path
        assert {one.details["until"] for one in noted(make, "names.read")} == {day.isoformat()}
        who = str(those.people["an"].public_id)
        assert who in {one.object_id for one in noted(make, "names.read")}  # who has moved since is told too
        head.submit("/search", q="")
        head.get(f"{at}/missing?state=briefed")
        assert names_on(head) == ["An", "Binh"]
        assert "until" not in noted(make, "names.read")[-1].details


def test_why_somebody_stood_where_they_stood_is_told_as_of_that_day(make: Make, afternoons: Afternoons) -> None:
    those, day = afternoons, clock.day_of(afternoons.begin)
    with clock.moved_to(those.at(5)):
        head, at = head_of(make, those.office), f"/dashboard/units/{those.office.public_id}"

        def why(name: str, query: str) -> str:
            assert head.get(f"{at}/people/{those.people[name].public_id}{query}").status_code == 200
            return text_of(head)

        then, now = why("an", f"?until={day}"), why("an", "")
        assert "Vắng có lý do Hạn" in then
        assert "Hội nghị, Điểm cầu 1: vắng có lý do" in then
        assert "Lớp bù" not in then
        assert head.text.count('class="names__note"') == 2
        assert "Lớp bù, Lớp (học bù): có mặt" in now
        then = why("binh", f"?until={day}")
        assert "Đang học" in then
        assert "Hoàn thành mọi bài học trực tuyến: chưa" in then or "chưa" in then
        assert "Bài thu hoạch: đã nộp lúc" in why("em", f"?until={day}")
        first = f"đã nộp lúc {those.at(0).astimezone(clock.VIETNAM):%H:%M}"
        assert first in why("em", f"?until={day}")
        assert f"{clock.day_of(those.at(3)):%d/%m/%Y}" in why("em", "")
        assert f"{clock.day_of(those.at(3)):%d/%m/%Y}" not in why("em", f"?until={day}").split("Vì sao")[1]
        read = noted(make, "standing.read")
        assert {one.details.get("until") for one in read} == {day.isoformat(), None}
        assert all(one.details["purpose"] == "own_unit" for one in read)


def test_who_has_left_the_readers_scope_since_is_neither_listed_nor_counted_nor_opened(
    make: Make, afternoons: Afternoons
) -> None:
    """The number of them is not told either: that one more was absent that day would tell who."""
    those, day = afternoons, clock.day_of(afternoons.begin)
    gone = those.people["giang"]
    with clock.moved_to(those.at(5)):
        at = f"/dashboard/units/{those.office.public_id}"
        for over, seen in ((those.office, False), (those.root, True)):
            head = head_of(make, over)
            head.get(f"{at}/missing?until={day}&state=unexcused")
            assert ("Giang" in head.text) is seen, over.name
            assert head.get(f"{at}.json?until={day}").get_json()["total"]["unexcused"] == int(seen)
            opened = head.get(f"{at}/people/{gone.public_id}?until={day}").status_code
            assert (opened == 200) is seen, over.name


def test_who_stands_higher_states_a_purpose_for_a_past_day_too(make: Make, afternoons: Afternoons) -> None:
    those, day = afternoons, clock.day_of(afternoons.begin)
    with clock.moved_to(those.at(5)):
        browser = make.browser(make.person(role="administrator"))
        at = f"/dashboard/units/{those.office.public_id}"
        browser.get(f"{at}/missing?until={day}&state=excused")
        assert names_on(browser) == []
        assert noted(make, "names.read") == []
        browser.get(f"{at}/people/{those.people['an'].public_id}?until={day}&state=excused")
        assert "An" not in names_on(browser)
        assert noted(make, "standing.read") == []
        browser.submit("/purpose", purpose="check")
        assert f"until={day}" in browser.path
        assert names_on(browser) == ["An"]
        [entry] = noted(make, "names.read")
        told = {"purpose": "check", "until": day.isoformat(), "structure": day.isoformat()}
        assert told.items() <= entry.details.items()


def test_members_of_a_day_that_nobody_can_tell_any_more_are_not_listed(make: Make, afternoons: Afternoons) -> None:
    those, day = afternoons, clock.day_of(afternoons.begin)
    with make.writing() as session:
        entry = {"at": those.at(1), "actor": None, "action": "person.change", "object_kind": "person", "address": ""}
        who, silent = str(those.people["hoa"].public_id), {"fields": ["party"]}  # as entries once were
        session.execute(insert(AuditEntry), [{**entry, "object_id": who, "details": silent}])
    with clock.moved_to(those.at(5)):
        head, at = head_of(make, those.office), f"/dashboard/units/{those.office.public_id}"
        for state in ("members", "non_members", "scored"):
            head.get(f"{at}/missing?until={day}&state={state}")
            assert names_on(head) == [], state
            said = "Điểm không nêu theo ngày đã qua" if state == "scored" else "nhật ký không còn đủ các thay đổi"
            assert said in text_of(head), state
        assert 'value="members"' not in head.text
        head.get(f"{at}/numbers/members?until={day}")
        assert "Xem những người được tính ở đây" not in text_of(head)


def test_days_late_on_a_day_that_is_over_are_counted_by_the_calendar() -> None:
    day = date(2026, 3, 24)
    end = clock.start_of_day(day + DAY) - timedelta.resolution
    for due, late in ((19, 5), (23, 1), (24, 1), (25, 0)):
        assert days_late(clock.end_of_day(date(2026, 3, due)), end, day) == late, due
    assert days_late(None, end, day) == 0
    assert days_late(clock.end_of_day(date(2026, 3, 19)), clock.end_of_day(day) - DAY / 2, None) == 5


def test_no_score_of_now_stands_on_the_page_of_a_past_day() -> None:
    met = Reason("test", datetime(2026, 3, 2, tzinfo=UTC), 0.9, 0.7)
    assert met_by(met, datetime(2026, 3, 2, tzinfo=UTC), None) == Reason("test", met.at, None, 0.7, scored=False)
    assert met_by(met, datetime(2026, 3, 1, tzinfo=UTC), None) == Reason("test", None, None, 0.7, scored=False)


def test_names_of_a_past_day_cost_the_same_sql_with_ten_times_the_people(make: Make, afternoons: Afternoons) -> None:
    those, day, costs = afternoons, clock.day_of(afternoons.begin), []
    at = f"/dashboard/units/{those.office.public_id}"
    for people in (0, 60):
        with clock.moved_to(those.at(5)):
            with make.writing() as session:
                hired(session, those.office, people)
                settle_briefing(session, those.briefing(session).id)
            head, found = head_of(make, those.office), {}
            for page in ("missing?state=people&", f"people/{those.people['em'].public_id}?", "numbers/people?"):
                head.get(f"{at}/{page}until={day}")
                with count_queries(make.app) as counted:
                    assert head.get(f"{at}/{page}until={day}").status_code == 200
                found[page] = len(counted)
        costs.append(found)
    assert all(costs[1][page] <= cost for page, cost in costs[0].items()), costs
    assert max(costs[0].values()) <= 26, costs
