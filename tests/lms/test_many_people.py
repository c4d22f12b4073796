"""Where there are many people and units: pages cost a fixed number of statements, and units are chosen by name."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from lms import clock
from lms.accounts.models import Membership, Person, UnitHeadcount
from lms.audit.models import AuditEntry
from lms.cli import check_projections
from lms.organisation.actions import create_unit, merge_units, rename_unit
from lms.organisation.models import Unit
from lms.organisation.storage import Words
from lms.outbox.actions import settle_day
from tests.browser import ORIGIN, Browser
from tests.counting import count_queries
from tests.make import LONG_AGO, Make

DAY = timedelta(days=1)


def test_unit_and_people_pages_cost_at_most_eight_statements_whatever_there_is(app: Flask, make: Make) -> None:
    root = make.unit("Tỉnh")
    units, browser = [make.unit("Sở 0", under=root)], make.browser(make.person(role="administrator"))
    paths = (f"/units/{root.public_id}", "/units", "/people", f"/people?unit={units[0].public_id}", "/people?units=so")
    costs = []
    for number in (2, 20):
        for _ in range(number):
            make.person("Lý A Hoa", unit=units[0])
            units.append(make.unit(f"Sở {len(units)}", under=root))
        cost = []
        for path in paths:
            browser.get(path)
            with count_queries(app) as counted:
                assert browser.get(path).status_code == 200
            cost.append(len(counted))
        costs.append(cost)
    assert costs[0] == costs[1]
    assert max(costs[0]) <= 8


def test_a_page_of_names_is_the_same_counted_from_either_end_and_of_few_or_many_people(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.accounts.access.PAGE", 2)
    monkeypatch.setattr("lms.accounts.admin.PAGE", 2)
    unit = make.unit("Sở Y tế")
    browser = make.browser(make.person("Zét", username="zet", unit=unit, role="administrator"))
    names = ["An", "Bình", "Cường", "Dũng", "Em"]
    for name in names:
        make.person(f"Lý A {name}", username=f"x{name[0].lower()}{len(name)}", unit=unit)
    make.person("Lý A Xa", unit=make.unit("Sở Nội vụ"))
    with make.writing() as session:
        settle_day(session)

    def shown(path: str) -> list[list[str]]:
        pages = []
        for page in (1, 2, 3, 9):
            browser.get(f"{path}page={page}")
            pages.append(
                [one.removeprefix("Lý A ") for one in re.findall(r"/people/[-0-9a-f]{36}\">([^<]+)<", browser.text)]
            )
        return pages

    everybody = [["An", "Bình"], ["Cường", "Dũng"], ["Em", "Xa"], ["Zét"]]
    of_unit = [["An", "Bình"], ["Cường", "Dũng"], ["Em", "Zét"], ["Em", "Zét"]]
    assert shown("/people?") == everybody
    for few in (4_000, 0):
        monkeypatch.setattr("lms.accounts.access.FEW", few)
        assert shown(f"/people?unit={unit.public_id}&") == of_unit
        onward = re.findall(r"href=\"/people\?([^\"]*page=[^\"]*)", browser.text)
        assert [str(unit.public_id) in link for link in onward] == [True]
        browser.get("/people")
        browser.submit("/people/search", q="ly")
        assert shown(f"/people?unit={unit.public_id}&") == [["An", "Bình"], ["Cường", "Dũng"], ["Em"], ["Em"]]
        assert shown("/people?") == [["An", "Bình"], ["Cường", "Dũng"], ["Em", "Xa"], ["Em", "Xa"]]
        browser.get("/people")
        browser.submit("/people/search", q="")


def test_where_there_are_many_units_one_is_chosen_by_its_name(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lms.accounts.access.MANY_UNITS", 2)
    root = make.unit("Tỉnh")
    health, home = make.unit("Sở Y tế", under=root), make.unit("Sở Nội vụ", under=root, code="noi-vu")
    make.person("Lý A Hoa", unit=health)
    make.person("Ma Thị Bình", unit=home)
    admin = make.browser(make.person("Quản Trị", role="administrator"))
    keeper = make.browser(make.person("Giữ Sở", unit=health, role="unit_administrator", over=health))
    admin.get("/people")
    assert '<select id="unit"' not in admin.text
    admin.submit("/people/search", units="so y te")
    assert "Lý A Hoa" in admin.text
    assert "Ma Thị Bình" not in admin.text
    admin.submit("/people/search", units="so")
    assert "Chọn một đơn vị:" in admin.text
    assert admin.get("/people/units?q=noi-vu").get_json() == {
        "units": [{"id": str(home.public_id), "name": "Sở Nội vụ", "code": "noi-vu"}]
    }
    assert keeper.get("/people/units?q=so").get_json()["units"] == [
        {"id": str(health.public_id), "name": "Sở Y tế", "code": health.code}
    ]
    with make.writing() as session:
        unit = session.get_one(Unit, home.id)
        rename_unit(session, unit, Words(unit.code, "Sở Mới", "department"), on=clock.today())
    assert [one["name"] for one in admin.get("/people/units?q=moi").get_json()["units"]] == ["Sở Mới"]


def test_people_are_offered_while_one_types_within_ones_own_units_and_that_is_noted_and_bounded(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make.unit("Tỉnh")
    health, home = make.unit("Sở Y tế", under=root), make.unit("Sở Nội vụ", under=root)
    mine, other = make.person("Đỗ Thị Hoà", unit=health), make.person("Đỗ Thị Hoa", unit=home)
    admin = make.browser(make.person("Quản Trị", role="administrator"))
    keeper = make.browser(make.person("Giữ Sở", unit=health, role="unit_administrator", over=health))
    token = {browser: token_of(browser) for browser in (admin, keeper)}

    def typed(browser: Browser, words: str, **more: str) -> tuple[int, list[str]]:
        sent = {"csrf_token": token[browser], "q": words, **more}
        answer = browser.client.post("/people/found", data=sent, headers={"Origin": ORIGIN})
        return answer.status_code, [one["id"] for one in answer.get_json()["people"]]

    both = [str(other.public_id), str(mine.public_id)]
    assert typed(admin, "do thi hoa") == (200, both)
    assert typed(admin, "d") == (200, [])
    assert typed(keeper, "hoà đỗ") == (200, both[1:])
    assert typed(keeper, "do", keep="1") == (200, both[1:])
    assert typed(keeper, "quan tri") == (200, [])
    with make.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    noted = [one for one in entries if one.details.get("purpose") == "typing"]
    assert [(one.action, one.object_id, one.details["rows"]) for one in noted] == [
        ("person.list", "-", 2),
        ("person.list", str(health.public_id), 1),
        ("person.list", str(health.public_id), 1),
    ]
    assert "hoa" not in str([one.details for one in noted])
    monkeypatch.setattr("lms.accounts.admin.PER_TYPED", 3)
    assert typed(keeper, "do")[0] == 429
    assert typed(admin, "do")[0] == 200


def token_of(browser: Browser) -> str:
    browser.get("/people")
    return dict(browser.form("/people/search").fields)["csrf_token"]


def test_of_a_large_organisation_the_top_is_shown_and_the_rest_is_found(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.organisation.gathering.MOST_AT_ONCE", 2)
    root = make.unit("Tỉnh")
    office = make.unit("Sở Y tế", under=root)
    below = make.unit("Phòng Nghiệp vụ", under=office)
    make.person(unit=below)
    browser = make.browser(make.person(unit=root, role="administrator"))
    browser.get("/units")
    assert "Sở Y tế" in browser.text
    assert "Phòng Nghiệp vụ" not in browser.text
    assert "3 cơ quan, đơn vị" in browser.text
    assert "2 người được tính" in browser.text
    browser.get("/units?q=phong")
    assert "Phòng Nghiệp vụ" in browser.text
    assert "1 người" in browser.text
    tomorrow = (clock.today() + DAY).isoformat()
    browser.get(f"/units?on={tomorrow}&tree=state")
    assert "2 người được tính" in browser.text


def test_how_many_people_a_unit_has_follows_them_also_where_a_move_is_corrected(make: Make) -> None:
    a, b, c = (make.unit(name) for name in ("A", "B", "C"))
    person, browser = make.person(unit=a), make.browser(make.person(role="administrator"))
    for unit in (b, c):
        browser.get(f"/people/{person.public_id}/move")
        browser.submit("/move", unit=str(unit.public_id), on=clock.today().isoformat())
    with make.reading() as session:
        kept = {one.unit_id: one.people for one in session.scalars(select(UnitHeadcount)) if one.people}
    assert kept == {c.id: 1}
    assert check_projections(make.database)["headcount"] == []
    with make.writing() as session:
        session.scalars(select(UnitHeadcount).where(UnitHeadcount.unit_id == c.id)).one().people = 7
    assert check_projections(make.database, repair=True)["headcount"] != []
    assert check_projections(make.database)["headcount"] == []


def test_a_day_comes_though_somebody_stays_in_a_tree_where_the_heir_does_not_stand(make: Make) -> None:
    """Heirs of other units that stand there are nobody's business here."""
    with make.writing() as session:
        tops = [
            create_unit(session, code=f"t{tree}", name=tree, kind="office", parent=None, since=LONG_AGO, tree=tree)
            for tree in ("state", "party")
        ]
        ended, heir = (
            create_unit(session, code=code, name=code, kind="office", parent=tops[0], since=LONG_AGO) for code in "ab"
        )
        others = [
            create_unit(session, code=code, name=code, kind="office", parent=tops[1], since=LONG_AGO, tree="party")
            for code in "cd"
        ]
        on = clock.today() + DAY
        merge_units(session, [ended], heir, on=on)
        merge_units(session, [others[0]], others[1], on=on)
    person = make.person()
    with make.writing() as session:
        said = {"unit_id": ended.id, "tree": "party", "valid_from": LONG_AGO}
        session.add(Membership(person_id=session.get_one(Person, person.id).id, **said))
    with time_machine.travel(clock.now() + 2 * DAY), make.writing() as session:
        settle_day(session)


def test_the_whole_list_is_printed_on_one_page_within_ones_units_and_that_is_noted(make: Make) -> None:
    unit, outside = make.unit("Sở Y tế"), make.unit("Sở Bí Mật")
    for number in range(60):
        make.person(f"Lý A Hoa {number}", unit=unit)
    make.person("Chim Hoàng Yến", unit=outside)
    keeper = make.browser(make.person("Giữ Sở", unit=unit, role="unit_administrator", over=unit))
    keeper.get("/people/print")
    assert keeper.text.count("Lý A Hoa") == 60
    assert "Chim Hoàng Yến" not in keeper.text
    with make.reading() as session:
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.list"))
        assert (entry.details["rows"], entry.details["purpose"]) == (61, "print")


def test_units_are_found_by_what_they_are_called_since_the_last_change(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of today are remembered; numbers of people beside them are not."""
    monkeypatch.setattr("lms.organisation.gathering.MOST_AT_ONCE", 2)
    root = make.unit("Tỉnh")
    health = make.unit("Sở Y tế", under=root)
    browser = make.browser(make.person(role="administrator"))
    make.person(unit=make.unit("Phòng Dược", under=health))
    with make.writing() as session:
        settle_day(session)
    assert "1 người" in found(browser, "so y te")
    with make.writing() as session:
        rename_unit(
            session, session.get_one(Unit, health.id), Words(health.code, "Sở Sức khỏe", "department"), on=clock.today()
        )
    make.person(unit=health)
    with make.writing() as session:
        settle_day(session)
    assert "Không có đơn vị nào khớp." in found(browser, "so y te")
    assert "2 người" in found(browser, "suc khoe")  # with all below
    browser.get("/units")
    assert "3 cơ quan, đơn vị" in browser.text
    assert "2 người được tính" in browser.text


def found(browser: Browser, words: str) -> str:
    browser.get(f"/units?q={words.replace(' ', '+')}")
    return browser.text.partition("Kết quả tìm")[2]
