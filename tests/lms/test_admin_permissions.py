"""The pages of administrators are for those whose role holds everywhere; for all others there is nothing."""

import uuid

import pytest
from flask import Flask
from sqlalchemy import select

from lms import clock
from lms.accounts.models import RoleGrant
from lms.organisation.actions import rename_unit
from lms.organisation.models import Unit
from lms.organisation.storage import Words
from tests.browser import ORIGIN
from tests.make import Make

FEATURES = {"people", "roles", "organisation", "changes", "enrolment"}
OF_ONES_OWN = {
    "/people",
    "/people/print",
    "/people/units",
    "/people/found",
    "/people/search",
    "/people/new",
    "/people/permissions",
}
OF_ONES_OWN |= {"/units", "/units/new", "/units/new/apply"}
"""Where somebody who keeps the people of one unit finds their own, and nobody else's."""
OF_ONESELF = {"/people/view-as/end"}


def routes(app: Flask, make: Make) -> list[tuple[str, str]]:
    """Method and path of every page of administration, about things that are there."""
    unit = make.unit("Sở Bí Mật")
    person = make.person("Chim Hoàng Yến", unit=unit, role="head", over=unit)
    with make.writing() as session:
        grant_id = session.scalars(select(RoleGrant.id)).one()
        words = Words(unit.code, "Sở Rất Bí Mật", unit.kind)
        renamed = rename_unit(session, session.get_one(Unit, unit.id), words, on=clock.today()).public_id
    found = []
    for rule in app.url_map.iter_rules():
        feature = rule.endpoint.split(".")[0]
        if feature not in FEATURES:
            continue
        mine = person.public_id if feature in {"people", "roles"} else unit.public_id
        real: dict[str, object] = {"public_id": uuid.uuid4() if feature == "enrolment" else mine}
        real |= {"grant_id": grant_id, "operation_id": renamed, "kind": "rename"}
        built = rule.build({name: real[name] for name in rule.arguments})
        assert built is not None
        path = built[1]
        if path in OF_ONESELF:
            continue
        found += [(method, path) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    return found


@pytest.mark.parametrize("role", [None, "head", "trainer", "unit_administrator"])
def test_whoever_is_no_administrator_of_everything_finds_nothing(app: Flask, make: Make, role: str | None) -> None:
    over = make.unit("Đơn vị mình")
    found = routes(app, make)
    browser = make.browser(make.person(unit=over, role=role, over=None if role == "trainer" else over))
    browser.get("/profile")
    token = dict(browser.form("/sign-out").fields)["csrf_token"]
    assert len(found) > 15
    for method, path in found:
        if method == "GET":
            answer = browser.get(path)
        else:
            answer = browser.post(path, data={"csrf_token": token}, headers={"Origin": ORIGIN})
        own = path in OF_ONES_OWN and role == "unit_administrator"
        assert answer.status_code == 404 or own, (method, path)
        assert "Chim Hoàng Yến" not in answer.text
        assert "Sở Bí Mật" not in answer.text
    browser.get("/profile")
    assert "Quản trị" not in browser.text or role == "unit_administrator"


def test_strangers_are_asked_to_sign_in(app: Flask, make: Make) -> None:
    found = routes(app, make)
    browser = make.browser()
    for method, path in found:
        if method == "GET":
            answer = browser.get(path, follow=False)
            assert answer.status_code == 302
            assert answer.location.startswith("/sign-in?next=")


def test_nothing_is_changed_without_a_token(app: Flask, make: Make) -> None:
    found = routes(app, make)
    browser = make.browser(make.person("Quản Thị Trị", role="administrator"))
    for method, path in found:
        if method == "POST":
            assert browser.post(path, data={}, headers={"Origin": ORIGIN}).status_code == 400, path


def test_administrators_find_their_pages_under_one_line_of_the_menu(make: Make) -> None:
    browser = make.browser(make.person("Quản Thị Trị", role="administrator"))
    both = {
        "Quản trị": (("/people", "/units"), ("Cán bộ", "Đơn vị")),
        "Tổ chức học tập": (("/assignments", "/briefings"), ("Giao học", "Điểm cầu")),
    }
    for line, path, labels in ((line, path, labels) for line, (paths, labels) in both.items() for path in paths):
        browser.get(path)
        menu, tabs = browser.text.split('<main id="main"')
        assert menu.count(f">{line}</a>") >= 1
        assert f'aria-current="page">{line}' in menu
        for label in labels:
            assert f">{label}</a>" in tabs
