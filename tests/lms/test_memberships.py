"""Where people belong: a whole list moved on a day as rehearsed, concurrent posts, and the Party tree."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from lms import clock
from lms.accounts.gathering import PeopleByUnit
from lms.accounts.models import Membership, Person
from lms.audit.models import AuditEntry
from lms.memberships.rules import BEYOND, LATER, LINKED, NO_MEMBER, THERE, Candidate, from_units, ids_in, judged
from lms.organisation.actions import create_unit
from lms.organisation.models import Unit
from lms.outbox.actions import settle_day
from tests.browser import Browser
from tests.counting import count_queries
from tests.make import LONG_AGO, Make

DAY = timedelta(days=1)


@dataclass
class Agency:
    """Two offices of an agency and a Party cell, with an administrator's browser."""

    make: Make
    top: Unit
    old: Unit
    new: Unit
    cell: Unit
    browser: Browser

    def memberships(self, person: Person) -> list[tuple[str, str, int, str, date, date | None]]:
        with self.make.reading() as session:
            rows = session.scalars(
                select(Membership).where(Membership.person_id == person.id).order_by(Membership.id)
            ).all()
            return [(one.tree, one.kind, one.unit_id, one.position, one.valid_from, one.valid_to) for one in rows]

    def position(self, person: Person) -> str:
        with self.make.reading() as session:
            return session.get_one(Person, person.id).position

    def counted(self, unit: Unit, on: date, tree: str = "state") -> int:
        with self.make.reading() as session:
            return PeopleByUnit().by_unit(session, on=on, tree=tree).get(unit.id, 0)

    def choose(self, *people: Person, unit: Unit | None = None, **more: str) -> None:
        """Tick people on the list, and go on to the form."""
        self.browser.get("/people?choose=1" + (f"&unit={unit.public_id}" if unit else ""))
        self.browser.submit("/people/transfer", follow=True, person=[str(one.public_id) for one in people], **more)

    def rehearse(self, unit: Unit, **fields: str) -> None:
        self.browser.submit("/people/transfer/rehearse", follow=True, unit=str(unit.public_id), **fields)


@pytest.fixture
def agency(make: Make) -> Agency:
    top = make.unit("Sở Y tế")
    old, new = make.unit("Phòng Cũ", under=top), make.unit("Phòng Mới", under=top)
    with make.writing() as session:
        cell = create_unit(
            session, code="cb1", name="Chi bộ 1", kind="party_body", parent=None, since=LONG_AGO, tree="party"
        )
    admin = make.person("Quản Trị", role="administrator")
    return Agency(make, top, old, new, cell, make.browser(admin))


def candidate(**given: object) -> Candidate:
    return Candidate(
        **{
            "person_id": 1,
            "public_id": None,
            "name": "Lý A Hoa",
            "party": "chinh_thuc",
            "unit_id": 5,
            "unit": "Phòng Cũ",
            "since": LONG_AGO,
            **given,
        }  # type: ignore[arg-type]  # of a test
    )


@pytest.mark.parametrize(
    ("one", "tree", "reason"),
    [
        (candidate(), "state", ""),
        (candidate(unit_id=None, since=None), "state", ""),
        (candidate(unit_id=7), "state", THERE),
        (candidate(since=date(2026, 6, 2)), "state", LATER),
        (candidate(since=date(2026, 6, 1)), "state", ""),
        (candidate(linked=True), "state", LINKED),
        (candidate(beyond=True, linked=True), "state", BEYOND),
        (candidate(party="quan_chung"), "party", NO_MEMBER),
        (candidate(party="quan_chung"), "state", ""),
    ],
)
def test_who_cannot_be_moved_is_told_why(one: Candidate, tree: str, reason: str) -> None:
    [line] = judged([one], 7, on=date(2026, 6, 1), tree=tree)
    assert line.reason == reason
    assert from_units([line]) == ({} if reason else {one.unit: 1})


def test_of_what_a_form_sends_only_ids_are_taken_each_once() -> None:
    one = "11111111-1111-4111-8111-111111111111"
    assert [str(found) for found in ids_in(f"{one} x {one.replace('-', '')}")] == [one]


def test_a_ticked_list_is_rehearsed_and_moved_at_once_with_its_legal_basis(agency: Agency) -> None:
    make, today = agency.make, clock.today()
    people = [make.person(name, unit=agency.old) for name in ("Lý A Hoa", "Ma Thị Bình")]
    there = make.person("Sùng A Páo", unit=agency.new)
    later = make.person("Hoàng Văn Dương", unit=agency.old, since=today + DAY)
    agency.choose(*people, there, later)
    agency.rehearse(agency.new, on=today.isoformat(), position="Phó Trưởng phòng", number="12/QĐ-SYT", issuer="Sở Y tế")
    text = agency.browser.text
    assert "điều động 2 người" in text
    assert "từ Phòng Cũ" in text
    assert "đã ở đơn vị này (Phòng Mới)" in text
    assert "đã có quyết định chuyển từ một ngày sau đó" in text
    assert agency.counted(agency.new, today) == 1  # nothing has been done
    agency.browser.submit("/people/transfer/apply")
    assert "Đã điều động 2 người đến Phòng Mới" in agency.browser.text
    for person in people:
        assert agency.memberships(person) == [
            ("state", "main", agency.old.id, "", LONG_AGO, today),
            ("state", "main", agency.new.id, "Phó Trưởng phòng", today, None),
        ]
        assert agency.position(person) == "Phó Trưởng phòng"
    agency.browser.get(f"/people/{people[0].public_id}")
    assert 'Căn cứ: <span class="nowrap">12/QĐ-SYT</span>, Sở Y tế' in agency.browser.text
    with make.reading() as session:
        entries = session.execute(
            select(AuditEntry.action, AuditEntry.object_id).where(
                AuditEntry.action.in_(("people.transfer", "person.move"))
            )
        ).all()
    moved = {("person.move", str(one.public_id)) for one in people}
    assert set(map(tuple, entries)) == {("people.transfer", str(agency.new.public_id)), *moved}


def test_all_that_match_are_moved_ahead_of_time_and_take_their_position_on_the_day(agency: Agency) -> None:
    make, today = agency.make, clock.today()
    people = [make.person(f"Lý A {name}", unit=agency.old) for name in ("Hoa", "Bình", "Páo")]
    other = make.person("Trần Văn Khác", unit=agency.old)
    agency.browser.get("/people")
    agency.browser.submit("/people/search", q="ly a")
    agency.choose(unit=agency.old, all="1")
    day = today + 3 * DAY
    agency.rehearse(agency.new, on=day.isoformat(), position="Chuyên viên chính")
    agency.browser.submit("/people/transfer/apply")
    assert agency.counted(agency.old, today) == 4
    assert (agency.counted(agency.old, day), agency.counted(agency.new, day)) == (1, 3)
    assert agency.position(people[0]) == ""
    with time_machine.travel(clock.now() + 4 * DAY), make.writing() as session:
        settle_day(session)
    assert {agency.position(one) for one in people} == {"Chuyên viên chính"}
    assert agency.position(other) == ""


def test_nothing_is_applied_when_somebody_has_moved_since_the_rehearsal(agency: Agency) -> None:
    make, today = agency.make, clock.today()
    one, other = (make.person(name, unit=agency.old) for name in ("Lý A Hoa", "Ma Thị Bình"))
    agency.choose(one, other)
    agency.rehearse(agency.new, on=today.isoformat())
    second = make.browser(make.person("Quản Trị Hai", role="administrator"))
    second.get(f"/people/{one.public_id}/move")
    second.submit("/move", unit=str(agency.new.public_id), on=today.isoformat())
    agency.browser.submit("/people/transfer/apply")
    assert agency.browser.page is not None
    assert agency.browser.page.status_code == 409
    assert "dữ liệu đã thay đổi" in agency.browser.text
    assert agency.counted(agency.new, today) == 1
    agency.browser.submit("/people/transfer/apply")  # what is shown now may be applied
    assert agency.counted(agency.new, today) == 2


def test_whoever_keeps_a_unit_moves_its_people_within_it_and_nobody_else(agency: Agency) -> None:
    make, today = agency.make, clock.today()
    keeper = make.browser(make.person("Giữ Sở", unit=agency.top, role="unit_administrator", over=agency.top))
    outside = make.unit("Sở Bí Mật")
    mine, stranger = make.person("Lý A Hoa", unit=agency.old), make.person("Chim Hoàng Yến", unit=outside)
    chief = make.person("Quản Trị Ở Đây", unit=agency.old, role="administrator")
    agency.browser = keeper
    agency.choose(mine, stranger, chief)
    agency.rehearse(agency.new, on=today.isoformat())
    assert "điều động 1 người" in keeper.text
    assert "giữ vai trò vượt phạm vi của người chuyển (Phòng Cũ)" in keeper.text
    assert "Chim Hoàng Yến" not in keeper.text
    keeper.submit("/people/transfer/apply")
    assert agency.counted(agency.new, today) == 1
    agency.choose(mine)
    agency.rehearse(outside, on=today.isoformat())
    assert keeper.page is not None
    assert keeper.page.status_code == 422


def test_a_list_is_moved_with_as_many_statements_for_thirty_as_for_three(app: Flask, agency: Agency) -> None:
    make, costs = agency.make, []
    for number, unit in ((3, agency.new), (30, agency.old)):
        people = [make.person(f"Lý A {unit.id} {n}", unit=agency.top) for n in range(number)]
        agency.choose(*people)
        agency.rehearse(unit)
        with count_queries(app) as counted:
            agency.browser.submit("/people/transfer/apply", follow=False)
        costs.append(len(counted))
    assert costs[0] == costs[1] < 30


def test_a_post_beside_the_main_one_counts_nobody_twice_and_ends_on_a_day(agency: Agency) -> None:
    make, today = agency.make, clock.today()
    person = make.person("Lý A Hoa", unit=agency.old)
    page = f"/people/{person.public_id}"
    agency.browser.get(f"{page}/posts/new")
    agency.browser.submit("/posts/new", unit=str(agency.new.public_id), position="Kiêm thủ quỹ", on=today.isoformat())
    assert "kiêm nhiệm, Kiêm thủ quỹ" in agency.browser.text
    assert (agency.counted(agency.old, today), agency.counted(agency.new, today)) == (1, 0)
    assert agency.position(person) == ""
    agency.browser.get(f"{page}/posts/new")
    agency.browser.submit("/posts/new", unit=str(agency.new.public_id), on=today.isoformat())
    assert "đã thuộc nơi đó" in agency.browser.text
    with make.reading() as session:
        post = session.scalars(select(Membership.id).where(Membership.kind == "concurrent")).one()
        main = session.scalars(select(Membership.id).filter_by(person_id=person.id, kind="main")).one()
    agency.browser.get(f"{page}/posts/{post}/end")
    agency.browser.submit("/end", on=today.isoformat())
    assert "chọn ngày sau đó" in agency.browser.text
    agency.browser.submit("/end", on=(today + DAY).isoformat())
    assert agency.memberships(person)[1][5] == today + DAY
    assert agency.browser.get(f"{page}/posts/{main}/end").status_code == 404  # where one works ends by moving


def test_a_party_member_belongs_to_a_cell_and_others_do_not(agency: Agency) -> None:
    make, today = agency.make, clock.today()
    person = make.person("Lý A Hoa", unit=agency.old)
    page = f"/people/{person.public_id}"
    cell = {"kind": "party", "unit": str(agency.cell.public_id), "on": today.isoformat()}
    agency.browser.get(f"{page}/posts/new")
    agency.browser.submit("/posts/new", follow=True, **cell)
    assert "không phải đảng viên" in agency.browser.text
    with make.writing() as session:
        session.get_one(Person, person.id).party = "chinh_thuc"
    agency.browser.submit("/posts/new", follow=True, **{**cell, "unit": str(agency.new.public_id)})
    assert "không có trong cây tổ chức đảng" in agency.browser.text
    agency.browser.submit("/posts/new", follow=True, **cell)
    assert "Nơi sinh hoạt đảng" in agency.browser.text
    assert agency.counted(agency.cell, today, "party") == 1
    assert agency.counted(agency.old, today) == 1
    assert agency.memberships(person)[1][:2] == ("party", "main")
