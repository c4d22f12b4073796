"""What heads are told: one mail a day about what is open, and the level above when people stay overdue below."""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from analytics.chasing.actions import plan_the_morning
from analytics.chasing.models import HeadTold
from analytics.chasing.rules import ABOVE, Open, time_left
from analytics.facts.rules import Count
from courses.briefings.actions import change_briefing
from courses.briefings.queries import rehearsal
from courses.briefings.rehearsal import Wanted
from courses.briefings.rules import policy_of
from courses.enrolment.models import Assignment, Briefing
from lms import clock
from lms.accounts.actions import grant_role
from lms.accounts.models import Person, SignInAccount
from lms.accounts.storage import place_people
from lms.clock import end_of_day
from lms.notices.models import Notice
from lms.organisation.actions import create_unit
from lms.organisation.models import PARTY_TREE, Unit
from lms.outbox.actions import MAIL
from lms.outbox.cli import Worker
from lms.outbox.models import Job
from lms.outbox.rules import UNIT_NEWS
from lms.webhooks.actions import add_webhook, pause_webhook
from lms.webhooks.models import WebhookMessage
from lms.webhooks.rules import KINDS
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.counting import count_queries
from tests.make import LONG_AGO, Make
from tests.smtp import mail_server, sends_by

DAY = timedelta(days=1)


class Agency:
    """A department with two offices, whose people were to complete a course by some day, and their heads."""

    def __init__(self, make: Make, folder: Path, *, due_in: int) -> None:
        self.make = make
        self.top = make.unit("Sở Y tế")
        self.office = make.unit("Phòng Dược", under=self.top)
        self.clinic = make.unit("Trạm Y tế", under=self.top)
        course_id = course_loaded(make, folder)
        assigned(make, course_id, self.top, due_in=due_in * DAY)
        self.ids = staffed(
            make, course_id, self.office, Staff(completed=1, briefed=1, not_begun=3), names=["Nông Văn Kín"] * 5
        )
        staffed(make, course_id, self.clinic, Staff(completed=2))
        self.heads = [self.head(self.top), self.head(self.top, role="deputy"), self.head(self.office)]

    def head(self, unit: Unit, *, role: str = "head") -> Person:
        """A head or deputy of the unit, with an address."""
        until = clock.today() + 30 * DAY if role == "deputy" else None
        person = self.make.person("Lý Thị Trưởng", role=role, over=unit, until=until)
        with self.make.writing() as session:
            session.get_one(Person, person.id).email = f"h{person.id}@example.gov.vn"
        return person

    def morning(self, *, days: int = 0, hour: int = 8) -> None:
        """What night and morning of a day do, by two workers of which the first stops half way."""
        at = clock.now().astimezone(clock.VIETNAM).replace(hour=hour, minute=0) + days * DAY
        with clock.moved_to(at.replace(hour=0, minute=6)), self.make.writing() as session:
            plan_the_morning(session, clock.now())
            plan_the_morning(session, clock.now())
        with clock.moved_to(at):
            for worker in (Worker(self.make.database), Worker(self.make.database)):
                while worker.step():
                    pass

    def mails(self) -> list[tuple[int, str]]:
        """To whom mail was queued, and its text."""
        with self.make.reading() as session:
            jobs = session.scalars(select(Job).where(Job.kind == MAIL).order_by(Job.id))
            return [(one.payload["person_id"], one.payload["values"]["text"]) for one in jobs]


def test_each_head_and_deputy_gets_one_mail_a_day_with_the_figures_of_the_dashboard(make: Make, tmp_path: Path) -> None:
    agency = Agency(make, tmp_path, due_in=7)
    with mail_server() as server:
        sends_by(make, server)
        agency.morning()
        agency.morning()
    assert sorted(one["To"] for one in server.mails) == sorted(f"h{one.id}@example.gov.vn" for one in agency.heads)
    text = dict(agency.mails())[agency.heads[0].id]
    assert text.splitlines()[:4] == [
        "Sở Y tế",
        "- Khóa học nhỏ",
        "  Số phải học (A): 7; Tổng đã quán triệt (B): 4; Tỷ lệ B/A (%): 57,1; Số hoàn thành (C): 3; "
        "Quá hạn chưa hoàn thành: 0",
        f"  còn 7 ngày (hạn {clock.today() + 7 * DAY:%d/%m/%Y})",
    ]
    address = text.splitlines()[4].strip().removeprefix(make.database.config.site_url)
    assert "4/7" in make.browser(agency.heads[0]).get(address).text
    assert any("57,1" in one.get_content() for one in server.mails)
    assert not any("Nông Văn Kín" in text for _, text in agency.mails())
    agency.morning(days=1)
    assert len(agency.mails()) == 6


def test_there_is_no_mail_outside_the_hours_against_a_wish_or_when_nothing_is_open(make: Make, tmp_path: Path) -> None:
    agency = Agency(make, tmp_path, due_in=7)
    agency.morning(hour=21)
    assert agency.mails() == []
    with make.writing() as session:
        session.get_one(Person, agency.heads[0].id).muted = [UNIT_NEWS]
        session.get_one(SignInAccount, agency.heads[1].id).disabled_at = clock.now()
    agency.morning(days=1)
    assert [one for one, _ in agency.mails()] == [agency.heads[2].id]
    with make.writing() as session:
        session.execute(update(Briefing).values(closed_at=clock.now()))
    agency.morning(days=2)
    assert len(agency.mails()) == 1


def test_the_head_above_is_told_once_on_each_day_of_the_plan_which_units_remain(make: Make, tmp_path: Path) -> None:
    agency = Agency(make, tmp_path, due_in=7)
    for days in (9, 10, 11, 12):  # overdue since two, three, four and five days
        agency.morning(days=days)
    with make.reading() as session:
        rows = session.scalars(select(HeadTold).where(HeadTold.kind == ABOVE).order_by(HeadTold.person_id)).all()
        assert [(one.person_id, one.unit_id, one.overdue, one.people) for one in rows] == [
            (head.id, agency.office.id, 4, 5) for head in agency.heads[:2]
        ]
        lines = set(session.scalars(select(Notice.text)))
    due = f"{clock.today() + 7 * DAY:%d/%m/%Y}"
    opening = f"“Khóa học nhỏ”, quá hạn 3 ngày (hạn {due}), còn người chưa hoàn thành dưới Sở Y tế"
    assert lines == {f"{opening}: Phòng Dược (quá hạn 4/5 người)."}
    told = [text for one, text in agency.mails() if opening in text]
    assert len(told) == 2
    assert told[0].startswith("Quá hạn ở đơn vị trực thuộc")
    agency.morning(days=17)
    with make.reading() as session:
        assert len(session.scalars(select(HeadTold).where(HeadTold.kind == ABOVE)).all()) == 4


def test_of_two_due_dates_each_notice_counts_its_own_people(make: Make, tmp_path: Path) -> None:
    agency = Agency(make, tmp_path, due_in=7)
    team = make.unit("Tổ Một", under=agency.office)
    with make.reading() as session:
        course_id = session.scalars(select(Briefing.course_id)).one()
    assigned(make, course_id, team, due_in=8 * DAY)
    staffed(make, course_id, team, Staff(completed=1, not_begun=2))
    for days in (10, 11):
        agency.morning(days=days)
    with make.reading() as session:
        mine = select(HeadTold).where(HeadTold.kind == ABOVE, HeadTold.above_id == agency.top.id)
        own = mine.where(HeadTold.person_id == agency.heads[0].id).order_by(HeadTold.occasion)
        rows = session.scalars(own).all()
        figures = [(one.unit_id, one.occasion.partition(" ")[2], one.overdue, one.people) for one in rows]
    first, second = (str(clock.today() + days * DAY) for days in (7, 8))
    assert figures == [(agency.office.id, f"3 {first}", 4, 5), (agency.office.id, f"3 {second}", 2, 3)]


def due_in(agency: Agency, days: int) -> None:
    """The briefing is due in so many days, whenever it was due before."""
    with agency.make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        due_at = end_of_day(clock.today() + days * DAY)
        dues = dict.fromkeys(session.scalars(select(Assignment.id)), (due_at, None))
        wanted = Wanted(policy_of(briefing.policy), dues)
        digest = rehearsal(session, briefing, wanted, now=clock.now()).digest
        change_briefing(session, briefing, wanted, digest=digest, reason="Đổi hạn")


@pytest.mark.parametrize(
    ("before", "after", "days", "words"),
    [(3, 20, 0, "còn 20 ngày"), (20, 3, 5, "quá hạn 2 ngày")],
    ids=["later", "earlier"],
)
def test_the_mail_tells_the_due_date_that_holds_and_not_the_one_before_it(
    make: Make, tmp_path: Path, before: int, after: int, days: int, words: str
) -> None:
    agency = Agency(make, tmp_path, due_in=before)
    due_in(agency, after)
    agency.morning(days=days)
    for head in agency.heads:
        text = dict(agency.mails())[head.id]
        assert f"{words} (hạn {clock.today() + after * DAY:%d/%m/%Y})" in text
        assert f"hạn {clock.today() + before * DAY:%d/%m/%Y}" not in text


def test_whose_role_is_in_the_tree_of_the_party_is_told_of_that_tree(make: Make, tmp_path: Path) -> None:
    agency = Agency(make, tmp_path, due_in=7)
    person_id = make.person().id
    kept: dict[str, Any] = {"kind": "party_body", "since": LONG_AGO, "tree": PARTY_TREE}
    with make.writing() as session:
        top = create_unit(session, code="db", name="Đảng bộ Sở Y tế", parent=None, **kept)
        cell = create_unit(session, code="cb", name="Chi bộ 1", parent=top, **kept)
        place_people(session, dict.fromkeys(agency.ids[:4], cell.id), on=LONG_AGO, tree=PARTY_TREE)
        secretary = session.get_one(Person, person_id)
        secretary.email = "bt@example.gov.vn"
        grant_role(session, secretary, "head", unit=top, since=LONG_AGO, tree=PARTY_TREE)
    agency.morning(days=10)
    [text] = [text for one, text in agency.mails() if one == secretary.id]
    assert "Chi bộ 1: quá hạn 3/4 người" in text
    assert "Đảng bộ Sở Y tế\n- Khóa học nhỏ\n  Số phải học (A): 4; " in text
    assert "&tree=party" in text


def test_other_channels_are_told_the_same_by_ids_and_figures(make: Make, tmp_path: Path) -> None:
    agency = Agency(make, tmp_path, due_in=7)
    with make.writing() as session:
        hook, _secret = add_webhook(session, name="Zalo", address="https://zalo.example.gov.vn/", kinds=KINDS)
        pause_webhook(session, hook)  # nothing leaves this machine
        session.get_one(Person, agency.heads[0].id).email = None
        session.get_one(Person, agency.heads[1].id).muted = [UNIT_NEWS]
    agency.morning(days=10)
    agency.morning(days=10)
    with make.reading() as session:
        told = session.execute(select(WebhookMessage.kind, WebhookMessage.body).order_by(WebhookMessage.id)).all()
    assert [kind for kind, _ in told] == ["above", "digest", "digest"]
    above, digest = (json.loads(body)["data"] for _, body in told[:2])
    assert above["person"] == digest["person"] == str(agency.heads[0].public_id)
    assert above["units"] == [{"unit": str(agency.office.public_id), "overdue": 4, "people": 5}]
    [unit] = digest["units"]
    figures = {name: unit["briefings"][0][name] for name in ("people", "briefed", "completed", "overdue")}
    assert (unit["unit"], figures) == (
        str(agency.top.public_id),
        {"people": 7, "briefed": 4, "completed": 3, "overdue": 4},
    )
    assert not re.search("[^ -~]|Kin|Truong|@", "".join(body for _, body in told))
    assert [one for one, _ in agency.mails()] == [agency.heads[2].id]


@pytest.mark.parametrize(
    ("due_in", "undated", "words"),
    [
        (None, 3, "chưa đặt hạn"),
        (2, 3, "còn 2 ngày (hạn 29/11/2026); 3 người chưa đặt hạn"),
        (0, 0, "hôm nay, 27/11/2026, là hạn"),
        (-5, 0, "quá hạn 5 ngày (hạn 22/11/2026)"),
    ],
)
def test_what_has_no_due_date_is_said_aloud(due_in: int | None, undated: int, words: str) -> None:
    today = date(2026, 11, 27)
    due_at = end_of_day(today + due_in * DAY) if due_in is not None else None
    assert time_left(Open(("Đợt", ""), Count(people=9), due_at, undated), today, english=False) == words


def test_what_goes_out_tonight_can_be_seen_before_and_what_went_out_after(
    app: Flask, make: Make, tmp_path: Path
) -> None:
    agency = Agency(make, tmp_path, due_in=-2)  # tomorrow three days will have passed
    browser = make.browser(make.person(role="administrator"))
    browser.get("/chasing")
    with count_queries(app) as few:
        page = browser.get("/chasing").text
    assert "3 người đứng đầu, người được ủy quyền có đơn vị còn việc; 3 người nhận thư" in page
    assert "Số phải học (A): 7; " in page
    assert "Báo cho thủ trưởng" in page
    assert "chưa có địa chỉ thư" not in page
    with make.writing() as session:
        third = session.get_one(Person, agency.heads[2].id)
        address, third.email = third.email, None
    page = browser.get("/chasing").text
    assert "1 người đứng đầu, người được ủy quyền chưa có địa chỉ thư" in page
    assert 'href="/roster' in page
    with make.writing() as session:
        session.get_one(Person, third.id).email = address
    assert browser.submit("/chasing", from_hour="9", to_hour="8").status_code == 422
    browser.submit("/chasing", from_hour="6", to_hour="18")
    with make.writing() as session:
        course_id = session.scalars(select(Briefing.course_id)).one()
        for number in range(9):
            rest = {"course_id": course_id, "plain": False, "title": f"Đợt {number}", "opened_at": clock.now()}
            session.add(Briefing(code=f"d{number}", **rest))
    with count_queries(app) as many:
        page = browser.get("/chasing").text
    assert 'value="6"' in page
    assert len(many) == len(few)
    agency.morning(days=1)
    page = browser.get("/chasing/sent").text
    assert page.count("Lý Thị Trưởng") == 5
    assert "Phòng Dược: quá hạn 4/5 người" in page
