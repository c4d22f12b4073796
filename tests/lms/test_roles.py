"""Roles over a unit and between two days: who grants them, how far they reach, and that they end by themselves."""

from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from lms import clock
from lms.accounts.access import power_ends
from lms.accounts.actions import grant_role, move_person
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount
from lms.accounts.rules import EVERYONE, EVERYWHERE, PERMISSIONS, may_give
from lms.accounts.session import grants_held
from lms.audit.models import AuditEntry
from lms.memberships.queries import roles_of_many
from lms.organisation.actions import merge_units, undo
from lms.organisation.models import Unit, UnitOperation
from lms.roster.actions import apply, choose, receive, rehearse, taken_apart
from lms.roster.models import StaffCode
from lms.roster.rules import Settings
from lms.web.acting import Actor
from tests.browser import ORIGIN, Browser
from tests.make import Make

CANARIES = ("Chim Hoàng Yến", "Sở Bí Mật", "chimhoangyen")
PASSWORD = "Muoi bon ky tu, 14 tro len"


@dataclass
class Two:
    """Two agencies; whoever keeps the people of the one, with people of both."""

    inside: Unit
    below: Unit
    outside: Unit
    keeper: Person
    browser: Browser
    mine: Person
    head: Person
    administrator: Person
    canary: Person


@pytest.fixture
def two(make: Make) -> Two:
    root = make.unit("Tỉnh")
    inside = make.unit("Sở Y tế", under=root)
    below = make.unit("Phòng Y", under=inside)
    outside = make.unit("Sở Bí Mật", under=root, code="bi-mat")
    keeper = make.person("Giữ Danh Sách", unit=inside, role="unit_administrator", over=inside)
    return Two(
        inside,
        below,
        outside,
        keeper,
        make.browser(keeper),
        make.person("Lý A Hoa", unit=below),
        make.person("Trưởng Phòng", unit=below, role="head", over=below),
        make.person("Quản Trị Ở Đây", unit=inside, role="administrator"),
        make.person("Chim Hoàng Yến", unit=outside, username="chimhoangyen"),
    )


def grants(make: Make, person: Person) -> list[tuple[str, int | None]]:
    with make.reading() as session:
        rows = session.execute(
            select(RoleGrant.role, RoleGrant.unit_id).where(RoleGrant.person_id == person.id).order_by(RoleGrant.id)
        )
        return [(role, unit_id) for role, unit_id in rows]


def post(browser: Browser, path: str, **data: str) -> int:
    """Send what no page offers, with the token of a page of one's own."""
    browser.get("/profile")
    token = dict(browser.form("/sign-out").fields)["csrf_token"]
    browser.post(path, data={"csrf_token": token, **data}, headers={"Origin": ORIGIN}, follow=False)
    assert browser.page is not None
    return browser.page.status_code


def test_a_role_is_granted_over_a_unit_from_a_day_to_a_day_and_that_is_noted(make: Make, two: Two) -> None:
    today = clock.today()
    admin = make.browser(two.administrator)
    admin.get(f"/people/{two.mine.public_id}/roles/new")
    admin.submit("/roles/new", role="deputy", role_unit=str(two.inside.public_id))
    assert "Ủy quyền phải có ngày kết thúc." in admin.text
    admin.submit("/roles/new", until="31/02/2027")
    assert "Không có ngày 31/02/2027." in admin.text
    assert "Ủy quyền phải có ngày kết thúc." not in admin.text
    last = today + timedelta(days=10)
    admin.submit("/roles/new", until=f"{last:%d/%m/%Y}")
    assert f"đến hết {last:%d/%m/%Y}" in admin.text
    assert "Phiếu kích hoạt và liên kết trao trước đó hết hiệu lực" in admin.text, "what was handed out opens nothing"
    with make.reading() as session:
        [one] = session.scalars(select(RoleGrant).where(RoleGrant.person_id == two.mine.id))
        assert (one.role, one.unit_id, one.valid_from, one.valid_to) == (
            "deputy",
            two.inside.id,
            today,
            last + timedelta(days=1),
        )
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "role.grant"))
        noted = next(entry for entry in entries if entry.object_id == str(two.mine.public_id))
        assert noted.actor == two.administrator.public_id
        assert noted.details["changes"]["unit"] == [None, str(two.inside.public_id)]
        assert noted.details["changes"]["until"] == [None, (last + timedelta(days=1)).isoformat()]


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (-1, 5, "Vai trò chỉ được giao từ hôm nay trở đi."),
        (5, 4, "Ngày kết thúc phải từ ngày bắt đầu trở đi."),
        (0, 400, "Ủy quyền không quá một năm."),
    ],
)
def test_days_that_make_no_sense_are_refused_with_the_reason(
    make: Make, two: Two, since: int, until: int, reason: str
) -> None:
    first, last = (f"{clock.today() + timedelta(days=n):%d/%m/%Y}" for n in (since, until))
    two.browser.get(f"/people/{two.mine.public_id}/roles/new")
    assert two.browser.submit("/roles/new", role="deputy", since=first, until=last).status_code == 422
    assert reason in two.browser.text
    assert grants(make, two.mine) == []


def test_a_deputy_sees_what_the_head_sees_until_the_end_of_the_last_day_in_the_session_that_is_open(
    make: Make, two: Two
) -> None:
    """quality.md T2: scope and dates are found anew at each request."""
    tomorrow, address = clock.today() + timedelta(days=1), f"/dashboard/units/{two.inside.public_id}"
    deputy = make.person("Phó", unit=two.inside, role="deputy", over=two.inside, until=tomorrow)
    with time_machine.travel(clock.end_of_day(clock.today()) - timedelta(minutes=1), tick=True) as clocks:
        browser = make.browser(deputy)
        assert browser.get(address).status_code == 200
        assert browser.get(f"/dashboard/units/{two.outside.public_id}").status_code == 404
        clocks.shift(timedelta(minutes=2))
        assert browser.get(address).status_code == 404
        assert browser.get("/profile", follow=False).status_code == 200


def asking(person: Person) -> Actor:
    return cast(Actor, SimpleNamespace(person_id=person.id))


def test_nobody_grants_a_role_that_outlives_their_own(make: Make, two: Two) -> None:
    ends = clock.today() + timedelta(days=3)
    keeper = make.person("Giữ Tạm", unit=two.inside, role="unit_administrator", over=two.inside, until=ends)
    browser, last = make.browser(keeper), ends - timedelta(days=1)
    browser.get(f"/people/{two.mine.public_id}/roles/new")
    for until in ("", f"{ends:%d/%m/%Y}"):
        below = str(two.below.public_id)
        sent = browser.submit("/roles/new", role="unit_administrator", role_unit=below, until=until)
        assert sent.status_code == 422
        assert f"Quyền của chính đồng chí hết ngày {last:%d/%m/%Y}." in browser.text
        assert grants(make, two.mine) == []
    browser.submit("/roles/new", until=f"{last:%d/%m/%Y}")
    assert grants(make, two.mine) == [("unit_administrator", two.below.id)]
    with make.writing() as session:  # a second role without an end reaches further again
        grant_role(
            session,
            session.get_one(Person, keeper.id),
            "unit_administrator",
            unit=session.get_one(Unit, two.below.id),
            since=ends,
        )
    with make.reading() as session:
        unit = session.get_one(Unit, two.inside.id)
        assert power_ends(session, asking(keeper), "role:grant", unit) == ends
        assert power_ends(session, asking(two.administrator), "role:grant", unit) is None


def test_whoever_joins_the_unit_later_has_an_account_its_keeper_does_not_open_before(make: Make, two: Two) -> None:
    joining = clock.today() + timedelta(days=90)
    with make.writing() as session:
        person, unit = session.get_one(Person, two.canary.id), session.get_one(Unit, two.inside.id)
        move_person(session, person, unit, on=joining)
    address = f"/people/{two.canary.public_id}"
    assert two.browser.get(address).status_code == 200
    for way in ("/link/new", "/slip", "/protection", "/close"):
        assert two.browser.get(address + way).status_code == 404
    with clock.moved_to(clock.now() + timedelta(days=90)):
        assert make.browser(two.keeper).get(f"{address}/link/new").status_code == 200


def test_a_role_that_begins_later_opens_nothing_before(make: Make, two: Two) -> None:
    later = make.person(
        "Mai Sau", unit=two.inside, role="head", over=two.inside, since=clock.today() + timedelta(days=1)
    )
    assert make.browser(later).get(f"/dashboard/units/{two.inside.public_id}").status_code == 404


def test_whoever_keeps_the_people_of_a_unit_finds_these_and_no_others(make: Make, two: Two) -> None:
    browser = two.browser
    for path in (
        "/people",
        "/people/new",
        "/people/activation",
        "/roster",
        f"/people?unit={two.inside.public_id}",
        f"/people/{two.mine.public_id}",
        f"/people/{two.mine.public_id}/move",
        f"/people/{two.mine.public_id}/roles/new",
        f"/people/activation/{two.inside.public_id}",
        f"/roster/export?unit={two.inside.public_id}&kind=csv",
        "/profile",
    ):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert [one for one in CANARIES if one in answer.text] == [], path
    browser.get("/people")
    assert "Lý A Hoa" in browser.text
    browser.submit("/people/search", q="chim hoang yen")
    assert "Không có ai khớp" in browser.text
    canary = two.canary.public_id
    for path in (
        f"/people/{canary}",
        f"/people/{canary}/move",
        f"/people/{canary}/roles/new",
        f"/people/{canary}/protection",
        f"/people?unit={two.outside.public_id}",
        f"/people/activation/{two.outside.public_id}",
        f"/roster/export?unit={two.outside.public_id}&kind=csv",
    ):
        answer = browser.get(path)
        assert answer.status_code == 404, path
        assert [one for one in CANARIES if one in answer.text] == [], path


def test_a_role_over_a_unit_that_has_ended_gives_nothing_and_keeps_its_holder_from_nobody_until_it_is_undone(
    make: Make, two: Two
) -> None:
    head = make.person("Trưởng Xã cũ", unit=two.outside, role="head", over=two.outside)
    browser, dashboard = make.browser(head), f"/dashboard/units/{two.inside.public_id}"
    kept = f"/people/{head.public_id}/move"
    assert browser.client.get(f"/dashboard/units/{two.outside.public_id}").status_code == 200
    with make.writing() as session:
        units = [session.get_one(Unit, one.id) for one in (two.outside, two.inside)]
        operation = merge_units(session, units[:1], units[1], on=clock.today()).id
    for path in (f"/dashboard/units/{two.outside.public_id}", dashboard):
        assert browser.client.get(path).status_code == 404
    assert two.browser.client.get(kept).status_code == 200
    with make.reading() as session:
        assert roles_of_many(session, [head.id]) == {}
        assert grants_held(session, head.id) == ()
    with make.writing() as session:
        undo(session, session.get_one(UnitOperation, operation))
    assert browser.client.get(f"/dashboard/units/{two.outside.public_id}").status_code == 200
    assert two.browser.client.get(kept).status_code == 404


def test_a_namesake_of_another_agency_is_not_told_to_whoever_keeps_one_unit(make: Make, two: Two) -> None:
    two.browser.get("/people/new")
    two.browser.submit(
        "/people/new", full_name="Chim Hoàng Yến", username="yen2", unit=str(two.below.public_id), follow=True
    )
    assert "Sở Bí Mật" not in two.browser.text
    with make.reading() as session:
        assert session.scalar(select(SignInAccount.person_id).where(SignInAccount.username == "yen2")) is not None


def test_whoever_keeps_a_unit_is_offered_and_may_grant_only_what_reaches_no_further(make: Make, two: Two) -> None:
    browser, address = two.browser, f"/people/{two.mine.public_id}/roles/new"
    browser.get(address)
    for offered, there in (("head", True), ("unit_administrator", True), ("administrator", False), ("trainer", False)):
        assert (f'value="{offered}"' in browser.text) == there
    assert "Sở Bí Mật" not in browser.text
    day = f"{clock.today():%d/%m/%Y}"
    for role in ("administrator", "auditor", "trainer"):
        assert post(browser, address, role=role, since=day, sure="y") == 422
    assert post(browser, address, role="head", role_unit=str(two.outside.public_id), since=day) == 422
    assert grants(make, two.mine) == []
    assert post(browser, address, role="head", role_unit=str(two.below.public_id), since=day) == 302
    assert grants(make, two.mine) == [("head", two.below.id)]


def test_whoever_keeps_a_unit_does_not_touch_administrators_accounts_that_open_more_or_the_own_role(
    make: Make, two: Two
) -> None:
    browser = two.browser
    with make.reading() as session:
        ids = dict(session.execute(select(RoleGrant.person_id, RoleGrant.id)).all())
    for person in (two.administrator, two.keeper):
        for rest in (f"roles/{ids[person.id]}/end", "roles/new"):
            assert post(browser, f"/people/{person.public_id}/{rest}", role="head", since="1/1/2030") == 404, rest
    with make.writing() as session:
        over = session.get_one(Unit, two.outside.id)
        grant_role(session, session.get_one(Person, two.mine.id), "head", unit=over, since=clock.today())
    for person in (two.administrator, two.mine):  # a head, but of an agency outside
        protection = ("protection/reset", "protection/unlock", "protection/sessions/end")
        for rest in ("link", "slip", "close", "open", *protection):
            assert post(browser, f"/people/{person.public_id}/{rest}") == 404, rest
    moved = {"unit": str(two.below.public_id), "on": f"{clock.today():%d/%m/%Y}"}
    assert post(browser, f"/people/{two.administrator.public_id}/move", **moved) == 404
    browser.get(f"/people/{two.administrator.public_id}")
    assert "/link/new" not in browser.text
    assert "/roles/" not in browser.text
    assert post(browser, f"/people/{two.head.public_id}/roles/{ids[two.head.id]}/end") == 302


def test_whoever_keeps_a_unit_opens_the_accounts_of_its_heads_since_they_see_no_more(make: Make, two: Two) -> None:
    assert PERMISSIONS["head"] <= PERMISSIONS["unit_administrator"]
    two.browser.get(f"/people/{two.head.public_id}")
    assert f"/people/{two.head.public_id}/link/new" in two.browser.text
    assert post(two.browser, f"/people/{two.head.public_id}/link") == 302
    assert two.browser.get(f"/dashboard/units/{two.below.public_id}").status_code == 200
    assert two.browser.get(f"/dashboard/units/{two.outside.public_id}").status_code == 404


@pytest.mark.parametrize("role", sorted(PERMISSIONS.keys() - {EVERYONE}))
def test_within_a_unit_nobody_gives_more_than_they_hold(role: str) -> None:
    may = may_give(role, 7, within={"state": {7}})
    assert may == (PERMISSIONS[role] <= PERMISSIONS["unit_administrator"] and role not in EVERYWHERE)
    assert not may_give(role, 8, within={"state": {7}})
    assert may_give(role, None, within=None)


def test_fields_no_page_offers_change_nothing(make: Make, two: Two) -> None:
    """quality.md T5: names of columns sent along with a form are not read."""
    extra = {
        "role": "administrator",
        "role_unit": str(two.outside.public_id),
        "sure": "y",
        "unit_id": str(two.outside.id),
        "person_id": str(two.canary.id),
        "valid_from": "2000-01-01",
        "valid_to": "",
        "fictional": "y",
        "staff_code": "1",
        "public_id": str(two.canary.public_id),
    }
    person = {"full_name": "Người Mới", "username": "nguoimoi", "category": "cong_chuc", "party": "quan_chung"}
    assert post(two.browser, "/people/new", **extra, **person, unit=str(two.below.public_id)) == 302
    day = f"{clock.today():%d/%m/%Y}"
    moved = {**extra, "unit": str(two.inside.public_id), "on": day}
    assert post(two.browser, f"/people/{two.mine.public_id}/move", **moved) == 302
    hosting = {**extra, "role": "host", "role_unit": "", "since": day}
    assert post(two.browser, f"/people/{two.mine.public_id}/roles/new", **hosting) == 302
    with make.reading() as session:
        account = session.scalars(select(SignInAccount).where(SignInAccount.username == "nguoimoi")).one()
        new = session.get_one(Person, account.person_id)
        assert (new.fictional, new.public_id == two.canary.public_id) == (False, False)
        assert session.scalar(select(func.count()).select_from(StaffCode)) == 0
        assert session.scalars(select(Membership.unit_id).where(Membership.person_id == new.id)).all() == [two.below.id]
        [host] = session.scalars(select(RoleGrant).where(RoleGrant.person_id == two.mine.id))
        assert (host.role, host.unit_id, host.valid_from, host.valid_to) == ("host", two.inside.id, clock.today(), None)
    assert grants(make, new) == []
    assert grants(make, two.canary) == []


def test_an_auditor_reads_everywhere_and_changes_nothing(app: Flask, make: Make, two: Two) -> None:
    auditor = make.browser(make.person("Kiểm Tra", unit=two.outside, role="auditor"))
    read = ["/people", f"/people/{two.mine.public_id}", "/records", f"/dashboard/units/{two.inside.public_id}"]
    for path in (*read, "/announcements", "/privacy-requests"):
        assert auditor.get(path).status_code == 200, path
    auditor.get(f"/people/{two.mine.public_id}")
    assert "/roles/new" not in auditor.text
    assert "/move" not in auditor.text
    assert post(auditor, "/courses/khong-co/lessons/m1-1/start") in {403, 404}
    assert post(auditor, f"/people/{two.mine.public_id}/close") == 404
    auditor.get("/people")
    assert auditor.submit("/people/search", q="ly a hoa").status_code == 200
    assert "Lý A Hoa" in auditor.text


def test_a_list_of_whoever_keeps_a_unit_changes_no_administrator_and_no_address_that_opens_more(
    make: Make, two: Two
) -> None:
    """An address of mail opens an account: a link to set a password is sent there."""
    rows = ["Họ và tên;Chức vụ;Thư điện tử;Đơn vị"]
    rows += ["Quản Trị Ở Đây;Chuyên viên;ke.gian@example.vn;Sở Y tế", "Trưởng Phòng;;truong@example.vn;Phòng Y"]
    rows += ["Lý A Hoa;Chuyên viên;hoa@example.vn;Phòng Y"]
    with make.writing() as session:
        unit = session.get_one(Unit, two.inside.id)
        upload = receive(
            session, unit, taken_apart("\n".join(rows).encode()), file_name="a.csv", by=two.keeper.public_id
        )
        choose(session, upload, replace(Settings.of(upload.settings), namesakes=True))
        rehearse(session, upload)
        assert upload.counts == {"bad": 1, "changed": 2}
        apply(session, upload, upload.digest, by=two.keeper.public_id)
    with make.reading() as session:
        people = (two.administrator, two.head, two.mine)
        assert [session.get_one(Person, one.id).email for one in people] == [
            None,
            "truong@example.vn",
            "hoa@example.vn",
        ]
        assert session.get_one(Person, two.administrator.id).position == ""
