"""What is announced to a unit stands on the first page of its people, between two days, and nowhere else."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import time_machine
from flask import Flask
from sqlalchemy import select

from lms import clock
from lms.accounts.actions import grant_role
from lms.accounts.models import Membership, Person
from lms.announcements.actions import announce
from lms.announcements.models import Announcement
from lms.announcements.queries import announced_to
from lms.audit.models import AuditEntry
from lms.organisation.models import Unit
from lms.outbox.cli import Worker
from tests.counting import count_queries
from tests.floor.walk import send
from tests.make import LONG_AGO, Make

DAY = timedelta(days=1)


def told(make: Make, person: Person, days: int = 0) -> list[str]:
    with make.reading() as session:
        return [row.text for row in announced_to(session, person.id, on=clock.today() + days * DAY)]


def test_people_of_the_unit_and_below_see_it_from_the_first_day_to_the_last(make: Make) -> None:
    root = make.unit("Tỉnh")
    unit, outside = make.unit("Sở Y tế", under=root), make.unit("Sở Bí Mật", under=root)
    below = make.unit("Phòng Y", under=unit)
    mine, under, stranger, guest = (make.person("Lý A Hoa", unit=one) for one in (unit, below, outside, outside))
    keeper = make.person("Giữ Sở", unit=unit, role="unit_administrator", over=unit)
    browser, today = make.browser(keeper), clock.today()
    with make.writing() as session:
        post = {"unit_id": unit.id, "tree": "state", "kind": "concurrent", "valid_from": LONG_AGO}
        session.add(Membership(person_id=guest.id, **post))
    browser.get("/announcements/new")
    last = (today + 2 * DAY).isoformat()
    browser.submit("/new", unit=str(unit.public_id), text="Họp lúc <b>8 giờ</b>\nở hội trường", until=last)
    assert f"đến hết {today + 2 * DAY:%d/%m/%Y}" in browser.text
    for person in (mine, under, guest, keeper):
        assert [told(make, person, days) != [] for days in (-1, 0, 2, 3)] == [False, True, True, False]
    assert told(make, stranger) == []
    page = make.browser(under)
    page.get("/")
    assert "Họp lúc &lt;b&gt;8 giờ&lt;/b&gt;\nở hội trường" in page.text
    with make.reading() as session:
        said = session.scalars(select(Announcement)).one()
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "announcement.write"))
    assert "hội trường" not in str(entry.details)
    browser.get(f"/announcements/{said.public_id}/withdraw")
    browser.submit("/withdraw")
    assert told(make, mine) == []
    assert "đã gỡ" in browser.text


def test_an_announcement_is_mailed_on_its_first_day_to_those_who_want_it(make: Make, tmp_path: Path) -> None:
    unit, outside = make.unit("Sở Y tế"), make.unit("Sở Khác")
    willing, unwilling, stranger = (make.person(unit=one) for one in (unit, unit, outside))
    make.person("Không Có Thư", unit=unit)
    browser, tomorrow = make.browser(make.person(role="administrator")), clock.today() + DAY
    with make.writing() as session:
        for person in (willing, unwilling, stranger):
            session.get_one(Person, person.id).email = f"p{person.id}@example.vn"
        session.get_one(Person, unwilling.id).muted = ["unit news"]
    browser.get("/announcements/new")
    days = {"since": tomorrow.isoformat(), "until": tomorrow.isoformat()}
    browser.submit("/new", follow=True, unit=str(unit.public_id), text="Họp, phí $5", by_mail="y", **days)
    work(make)
    assert not (tmp_path / "mail").exists()
    with time_machine.travel(clock.now() + DAY):
        work(make)
        work(make)
    [mail] = (tmp_path / "mail").iterdir()
    message = message_from_bytes(mail.read_bytes(), policy=default)
    assert message["To"] == f"p{willing.id}@example.vn"
    assert "Họp, phí $5" in message.get_content()


def work(make: Make) -> None:
    worker = Worker(make.database)
    while worker.step():
        pass


def test_nobody_announces_or_withdraws_outside_their_units(make: Make) -> None:
    unit, outside = make.unit("Sở Y tế"), make.unit("Sở Bí Mật")
    today, browser = clock.today(), make.browser(make.person(unit=unit, role="unit_administrator", over=unit))
    with make.writing() as session:
        author = session.get_one(Person, make.person(unit=outside).id)
        said = announce(
            session, session.get_one(Unit, outside.id), "Chim yến", since=today, until=today + DAY, author=author
        )
    browser.get("/announcements")
    assert "Chim yến" not in browser.text
    assert browser.get(f"/announcements/{said.public_id}/withdraw").status_code == 404
    browser.get("/announcements/new")
    assert "Sở Bí Mật" not in browser.text
    browser.submit("/new", unit=str(outside.public_id), text="Tin", until=today.isoformat())
    assert "Chọn một đơn vị trong danh sách." in browser.text


def test_an_auditor_reads_what_is_announced_everywhere_and_is_offered_nothing_to_change(make: Make) -> None:
    """Also somebody who keeps a unit beside: whoever audits changes nothing, whatever else they hold."""
    unit, outside = make.unit("Sở Y tế"), make.unit("Sở Khác")
    keeper, auditor = (
        make.person(unit=outside, role=role, over=over)
        for role, over in (("unit_administrator", unit), ("auditor", None))
    )
    both = make.person(unit=unit, role="unit_administrator", over=unit)
    with make.writing() as session:
        grant_role(session, session.get_one(Person, both.id), "auditor", unit=None, since=clock.today())
        until, author = clock.today() + DAY, session.get_one(Person, keeper.id)
        said = announce(
            session, session.get_one(Unit, unit.id), "Chim yến", since=clock.today(), until=until, author=author
        )
    offered = ("/announcements/new", f"/announcements/{said.public_id}/withdraw")
    for person, answer in ((auditor, 404), (both, 403)):
        browser = make.browser(person)
        page = browser.get("/announcements").text
        assert "Chim yến" in page
        assert 'aria-current="page">Thông báo' in page
        assert [path for path in offered if path in page] == []
        assert [send(browser, path, {}) for path in offered] == [answer] * 2
    page = make.browser(keeper).get("/announcements").text
    assert [path for path in offered if path in page] == list(offered)
    assert told(make, both) == ["Chim yến"]


def test_a_first_page_costs_as_many_statements_with_ten_times_the_announcements(app: Flask, make: Make) -> None:
    unit = make.unit("Sở Y tế")
    person, today, costs = make.person(unit=unit), clock.today(), []
    browser = make.browser(person)
    for number in (1, 10):
        with make.writing() as session:
            author, of = session.get_one(Person, person.id), session.get_one(Unit, unit.id)
            for _ in range(number):
                announce(session, of, "Tin", since=today, until=today + DAY, author=author)
        browser.get("/courses", follow=True)
        with count_queries(app) as counted:
            browser.get("/", follow=True)
        costs.append(len(counted))
    assert costs[0] == costs[1]
