"""Mail by schedule names its tree: who heads the unit there reads of whom it has there, as every other way tells it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from analytics.facts.vocabulary import BY_CODE, METRICS
from analytics.reports import actions
from analytics.reports.models import ReportSchedule
from analytics.reports.papers import IN_MAIL
from courses.briefings.projector import settle_briefing
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.models import Membership, Person, RoleGrant
from lms.audit.models import AuditEntry
from lms.organisation.actions import create_unit, move_unit
from lms.organisation.models import PARTY_TREE, Unit
from lms.outbox.cli import Worker
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.analytics.test_dashboard import text_of
from tests.analytics.test_four_channels import by_the_api, on_the_page_of_numbers, plainly, token_of
from tests.browser import Browser
from tests.floor.walk import send
from tests.kept import kept
from tests.make import LONG_AGO, Make
from tests.smtp import mail_server, sends_by

NAMES = {metric.name[0]: metric.code for metric in METRICS}
CANARY = "Xa Yến"
SUBJECT = "Số liệu học tập, quán triệt: "


@dataclass
class Trees:
    """An office that stands in both trees: three work in it, and of these two are members there, with one of another
    office. Who directs it, and who is secretary of its Party organisation.
    """

    office: Unit
    alone: Unit
    director: Person
    secretary: Person
    administrator: Person
    code: str


def built(make: Make, folder: Path) -> Trees:
    course = course_loaded(make, folder)
    root = make.unit("Tỉnh", code="t")
    office, other = make.unit("Sở Y tế", code="syt", under=root), make.unit("Sở Xa", code="xa", under=root)
    assigned(make, course, root, due_in=timedelta(days=-1))
    here = staffed(make, course, office, Staff(completed=1, not_begun=2), names=["An", "Bình", "Chi"])
    away = staffed(make, course, other, Staff(briefed=1), names=[CANARY])
    with make.writing() as session:
        committee = create_unit(
            session, code="du", name="Đảng ủy", kind="party_body", parent=None, since=LONG_AGO, tree=PARTY_TREE
        )
        move_unit(session, session.get_one(Unit, office.id), committee, on=clock.today(), tree=PARTY_TREE)
        for one in (*here[:2], *away):
            belongs = {"unit_id": office.id, "tree": PARTY_TREE, "kind": "main", "valid_from": LONG_AGO}
            session.add(Membership(person_id=one, **belongs))
    director, secretary = make.person("Giám Đốc"), make.person("Bí Thư")
    with make.writing() as session:
        for person, tree in ((director, "state"), (secretary, "party")):
            session.add(RoleGrant(person_id=person.id, role="head", unit_id=office.id, tree=tree, valid_from=LONG_AGO))
            session.get_one(Person, person.id).email = f"{tree}@example.gov.vn"
        code = session.scalars(select(Briefing.code)).one()
        settle_briefing(session, session.scalars(select(Briefing.id)).one())
    return Trees(office, other, director, secretary, make.person("Quản Trị", role="administrator"), code)


@pytest.fixture
def trees(make: Make, tmp_path: Path) -> Trees:
    return kept(make, tmp_path, built)


def mail_page(trees: Trees, tree: str = "") -> str:
    return f"/reports/units/{trees.office.public_id}/mail" + (f"?tree={tree}" if tree else "")


def scheduled(browser: Browser, trees: Trees, tree: str) -> str:
    browser.get(mail_page(trees, tree))
    browser.submit("Đặt lịch gửi", every="daily", place="1")
    assert "Đã đặt lịch gửi." in browser.text
    return browser.text


def sent(make: Make) -> dict[str, EmailMessage]:
    """What goes out on the next morning, by address."""
    at = clock.now().astimezone(clock.VIETNAM).replace(hour=8, minute=0) + timedelta(days=1)
    with clock.moved_to(at.replace(hour=0, minute=6)), make.writing() as session:
        actions.queue_reports(session, clock.now())
    with clock.moved_to(at), mail_server() as server:
        sends_by(make, server)
        worker = Worker(make.database)
        while worker.step():
            pass
        mails = [one for one in server.mails if SUBJECT in str(one["Subject"])]  # heads are told of the day besides
        assert len({str(one["To"]) for one in mails}) == len(mails)
        return {str(one["To"]).split("@")[0]: one for one in mails}


def in_the_letter(mail: EmailMessage) -> dict[str, str]:
    """The figures of the mail, by the names the catalogue has for them."""
    lines = (line.rsplit(": ", 1) for line in mail.get_content().splitlines() if ": " in line)
    return {NAMES[name]: figure for name, figure in lines if name in NAMES}


def test_a_mail_by_the_party_tree_goes_to_who_heads_the_unit_there_with_the_figures_every_other_way_tells(
    make: Make, trees: Trees
) -> None:
    administrator = make.browser(trees.administrator)
    for tree, words in (("state", "Cây cơ quan nhà nước"), ("party", "Cây tổ chức đảng")):
        page = scheduled(administrator, trees, tree)
        assert re.search(f'aria-current="page">{words}</a>', page), tree
    with make.reading() as session:
        assert {one.tree for one in session.scalars(select(ReportSchedule))} == {"state", "party"}
        noted = session.scalars(select(AuditEntry).filter_by(action="report.schedule").order_by(AuditEntry.id)).all()
        assert [one.details["tree"] for one in noted] == ["state", "party"]
    mails, token = sent(make), token_of(administrator)
    assert set(mails) == {"state", "party"}
    for tree, mail in mails.items():
        asked = "" if tree == "state" else f"&tree={tree}"
        report = f"/reports/units/{trees.office.public_id}/01.json?briefing={trees.code}{asked}"
        paper = administrator.get(report).get_json()["total"]["shown"]
        told = {
            "mail": in_the_letter(mail),
            "file": {code: paper[code] for code in IN_MAIL},
            "page": on_the_page_of_numbers(administrator, trees.office, f"{trees.code}{asked}"),
            "api": by_the_api(make, token, trees.office, trees.code, asked),
        }
        assert set(told["mail"]) == set(IN_MAIL)
        for code in IN_MAIL:
            assert len({plainly(found[code]) for found in told.values()}) == 1, (tree, BY_CODE[code].name, told)
    people = {tree: in_the_letter(mail)["people"] for tree, mail in mails.items()}
    briefed = {tree: in_the_letter(mail)["briefed"] for tree, mail in mails.items()}
    assert (people, briefed) == ({"state": "3", "party": "3"}, {"state": "1", "party": "2"})
    assert "Sở Y tế (theo cây tổ chức đảng)" in str(mails["party"]["Subject"])
    assert f"/reports/units/{trees.office.public_id}?tree=party" in mails["party"].get_content()
    assert "cây tổ chức đảng" not in mails["state"].as_string()
    assert CANARY not in mails["party"].get_content()


def test_who_may_read_of_it_is_asked_in_that_tree_on_the_day_it_goes_out(make: Make, trees: Trees) -> None:
    scheduled(make.browser(trees.administrator), trees, "party")
    with make.writing() as session:  # directs the office, and has no longer a role in the tree of the mail
        own = session.scalars(select(RoleGrant).where(RoleGrant.person_id == trees.secretary.id)).one()
        own.valid_to = clock.today()
    assert sent(make) == {}


def test_no_mail_tells_of_a_unit_that_stands_in_the_tree_no_more(make: Make, trees: Trees) -> None:
    scheduled(make.browser(trees.administrator), trees, "party")
    with make.writing() as session:
        for one in session.scalars(select(Membership).where(Membership.tree == PARTY_TREE)):
            one.valid_to = clock.today() + timedelta(days=1)
    assert sent(make) == {}


def test_a_secretary_sets_and_ends_mail_in_the_own_tree_and_finds_no_other(make: Make, trees: Trees) -> None:
    secretary, director = make.browser(trees.secretary), make.browser(trees.director)
    secretary.get(f"/reports/units/{trees.office.public_id}?tree=party")
    assert "/mail?briefing=demo&amp;tree=party" in secretary.text
    page = scheduled(secretary, trees, "")  # the tree one begins with
    assert "Hiện có 1 người, thư đến được 1 người." in page
    assert "theo cây tổ chức đảng" in page
    assert 'class="tabs"' not in page
    assert "Chưa đặt lịch nào" in director.get(mail_page(trees)).text
    assert secretary.get(mail_page(trees, "state")).status_code == 404
    assert director.get(mail_page(trees, "party")).status_code == 404
    with make.reading() as session:
        one = session.scalars(select(ReportSchedule)).one()
        assert one.tree == "party"
    end = f"/reports/schedules/{one.public_id}/end"
    assert send(director, end, {}) == 404
    secretary.get(mail_page(trees))
    secretary.submit(end)
    assert "Đã thôi gửi theo lịch này." in secretary.text
    assert "Chưa đặt lịch nào" in text_of(secretary)


def test_where_there_is_no_choice_of_tree_none_is_offered(make: Make, trees: Trees) -> None:
    page = make.browser(trees.administrator).get(f"/reports/units/{trees.alone.public_id}/mail").text
    assert 'class="tabs"' not in page
    assert "cây tổ chức đảng" not in page.lower()
