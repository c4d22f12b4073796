"""Seeing the product as another person sees it: nothing is changed, and the person learns who looked and when."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from lms import clock
from lms.accounts.actions import grant_role
from lms.accounts.models import Person, UserSession, Viewing
from lms.accounts.session import end_overdue_viewings
from lms.audit.models import AuditEntry
from lms.organisation.models import Unit
from tests.browser import Browser
from tests.make import Make

BANNER = "không thay đổi được gì. <button"


@pytest.fixture
def unit(make: Make) -> Unit:
    return make.unit("Sở Y tế", under=make.unit("Tỉnh"))


def looking(make: Make, viewer: Person, person: Person) -> Browser:
    browser = make.browser(viewer)
    browser.get(f"/people/{person.public_id}/view-as")
    browser.submit(f"/people/{person.public_id}/view-as", follow=True)
    return browser


def entries(make: Make, person: Person) -> list[tuple[str, object]]:
    with make.reading() as session:
        rows = session.execute(
            select(AuditEntry.action, AuditEntry.actor)
            .where(AuditEntry.object_id == str(person.public_id), AuditEntry.action.startswith("view_as"))
            .order_by(AuditEntry.id)
        )
        return [(action, actor) for action, actor in rows]


@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_one_sees_as_the_person_under_a_banner_and_goes_back(make: Make, unit: Unit, role: str) -> None:
    viewer = make.person("Người Xem", role=role)
    head = make.person("Trưởng Sở", unit=unit, role="head", over=unit)
    browser = looking(make, viewer, head)
    browser.get(f"/dashboard/units/{unit.public_id}")
    assert BANNER in browser.text
    assert "Người Xem đang xem như Trưởng Sở thấy" in browser.text
    assert browser.get("/people").status_code == 404
    browser.get("/profile")
    assert "Trưởng Sở" in browser.text
    assert "đang xem" in browser.text
    browser.submit("/view-as/end", follow=True)
    assert BANNER not in browser.text
    assert browser.path == f"/people/{head.public_id}"
    assert entries(make, head) == [("view_as.start", viewer.public_id), ("view_as.end", viewer.public_id)]
    own = make.browser(head)
    own.get("/profile")
    assert "Ai đã xem" in own.text
    assert "Người Xem" in own.text


def test_every_change_is_refused_with_words_and_nothing_is_written_in_the_name_of_the_person(
    make: Make, unit: Unit
) -> None:
    viewer, person = make.person("Người Xem", role="administrator"), make.person("Lý A Hoa", unit=unit)
    browser = looking(make, viewer, person)
    browser.get("/profile")
    answer = browser.submit("/language", language="en")
    assert answer.status_code == 403
    assert "Khi xem như một người khác thì không thay đổi được gì." in answer.text
    assert BANNER in answer.text
    with make.reading() as session:
        assert session.scalars(select(AuditEntry).where(AuditEntry.actor == person.public_id)).all() == []


def test_names_seen_on_the_way_are_noted_as_seen_by_the_viewer(make: Make, unit: Unit) -> None:
    viewer = make.person("Người Xem", role="administrator")
    keeper = make.person("Giữ Danh Sách", unit=unit, role="unit_administrator", over=unit)
    browser = looking(make, viewer, keeper)
    assert browser.get("/people").status_code == 200
    with make.reading() as session:
        seen = session.scalars(select(AuditEntry.actor).where(AuditEntry.action == "person.list")).all()
    assert seen == [viewer.public_id]


def test_nobody_looks_as_himself_or_as_somebody_with_more_or_without_the_permission(make: Make, unit: Unit) -> None:
    admin, trainer = make.person(role="administrator"), make.person("Giảng Viên", role="trainer")
    auditor, head = make.person(role="auditor"), make.person(unit=unit, role="head", over=unit)
    for viewer, person in ((admin, trainer), (admin, admin), (auditor, admin), (head, trainer)):
        assert make.browser(viewer).get(f"/people/{person.public_id}/view-as").status_code == 404


def test_it_ends_after_half_an_hour_and_the_form_that_was_open_is_not_taken(make: Make, unit: Unit) -> None:
    viewer, person = make.person("Người Xem", role="auditor"), make.person("Lý A Hoa", unit=unit)
    browser = looking(make, viewer, person)
    begun = clock.now()
    with time_machine.travel(begun + timedelta(minutes=20), tick=True):
        browser.get("/profile")  # whoever reads everything is not away for half an hour
    with time_machine.travel(begun + timedelta(minutes=31), tick=True):
        answer = browser.submit("/language", language="en")
        assert answer.status_code == 403
        assert "Đã hết thời gian xem như một người khác" in answer.text
        assert BANNER not in browser.get("/profile").text
        assert browser.get("/people").status_code == 200
    assert [action for action, _who in entries(make, person)] == ["view_as.start", "view_as.end"]


def test_it_ends_when_the_person_gains_more_than_the_viewer_holds(make: Make, unit: Unit) -> None:
    viewer, person = make.person("Người Xem", role="auditor"), make.person("Lý A Hoa", unit=unit)
    browser = looking(make, viewer, person)
    with make.writing() as session:
        grant_role(session, session.get_one(Person, person.id), "administrator", unit=None, since=clock.today())
    assert BANNER not in browser.get("/people").text


def test_signing_out_ends_it_and_what_nobody_ended_is_noted_at_night(make: Make, unit: Unit) -> None:
    viewer, person = make.person("Người Xem", role="administrator"), make.person("Lý A Hoa", unit=unit)
    browser = looking(make, viewer, person)
    browser.submit("/sign-out")
    assert browser.get("/profile", follow=False).status_code == 302
    assert [action for action, _who in entries(make, person)] == ["view_as.start", "view_as.end"]
    looking(make, viewer, person)
    with make.writing() as session:
        end_overdue_viewings(session, clock.now() + timedelta(hours=1))
    assert [action for action, _who in entries(make, person)][2:] == ["view_as.start", "view_as.end"]
    with make.reading() as session:
        assert session.scalars(select(Viewing).where(Viewing.ended_at.is_(None))).all() == []
        assert session.scalars(select(UserSession)).first() is not None
