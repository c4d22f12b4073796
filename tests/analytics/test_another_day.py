"""Figures, names and lists by the structure of another day: who may look back at what, and who is among them."""

import csv
import io
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from courses.briefings.actions import freeze_roll
from courses.briefings.projector import settle_briefing
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.actions import grant_role, move_person
from lms.accounts.models import Membership, Person
from lms.audit.models import AuditEntry
from lms.organisation.actions import create_unit, merge_units, rename_unit, split_unit
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit
from lms.organisation.storage import NewUnit, Words
from lms.privacy.queries import disclosures
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.analytics.test_dashboard import rows_of, text_of
from tests.analytics.test_names import names_on
from tests.browser import Browser
from tests.kept import kept
from tests.make import LONG_AGO, Make


@dataclass
class Merged:
    """Two communes that became one ten days ago; one that was divided among its neighbours; a fourth beside them.

    One of the first has moved to the fourth since. `on` is the last day of the old structure.
    """

    root: Unit
    a: Unit
    b: Unit
    heir: Unit
    divided: Unit
    other: Unit
    on: date
    mover: int


def reorganised(make: Make, folder: Path) -> Merged:
    course = course_loaded(make, folder)
    root = make.unit("Tỉnh", code="t")
    a, b, divided, other = (make.unit(f"Xã {name}", code=name.lower(), under=root) for name in "ABDZ")
    office = make.unit("Phòng A", code="pa", under=a)
    assigned(make, course, root)
    staffed(make, course, a, Staff(completed=1, not_begun=2), names=["An Xong", "An Một", "An Chuyển"])
    staffed(make, course, office, Staff(begun=1), names=["An Phòng"])
    staffed(make, course, b, Staff(not_begun=1), names=["Bình Một"])
    staffed(make, course, divided, Staff(not_begun=2), names=["Dung Một", "Dung Hai"])
    staffed(make, course, other, Staff(not_begun=1), names=["Zin Một"])
    day = clock.today() - timedelta(days=10)
    with make.writing() as session:
        top, one, two, parted, fourth = (session.get_one(Unit, unit.id) for unit in (root, a, b, divided, other))
        heir = NewUnit(Words("h", "Xã Hợp", "commune"), {STATE_TREE: top})
        merge_units(session, [one, two], heir, on=day)
        unit = session.scalars(select(Unit).where(Unit.code == "h")).one()
        rename_unit(session, top, Words("t", "Tỉnh Mới", "province"), on=day)
        people = dict(session.execute(select(Person.full_name, Person.public_id)).all())
        split_unit(
            session, parted, [unit, fourth], ends=True, on=day + timedelta(days=1), people={people["Dung Hai"]: 1}
        )
        mover = session.scalars(select(Person).where(Person.full_name == "An Chuyển")).one()
        move_person(session, mover, fourth, on=clock.today() - timedelta(days=3))
        return Merged(root, a, b, unit, divided, other, day - timedelta(days=1), mover.id)


@pytest.fixture
def merged(make: Make, tmp_path: Path) -> Merged:
    return kept(make, tmp_path, reorganised)


def looking(make: Make, role: str, over: Unit | None = None) -> Browser:
    return make.browser(make.person("Người Xem", role=role, over=over))


def test_figures_and_names_of_another_day_are_those_of_its_tree_with_results_of_now(make: Make, merged: Merged) -> None:
    browser, then = looking(make, "administrator"), f"?on={merged.on}"
    browser.get(f"/dashboard/units/{merged.root.public_id}{then}")
    page = text_of(browser)
    assert "<h1>Tỉnh</h1>" in browser.text  # as it was called
    assert "Cơ cấu tổ chức ngày" in page
    assert "kết quả học tập tính đến nay" in page
    assert "Phải học (A) 8" in page
    assert list(rows_of(browser)) == ["Xã B", "Xã D", "Xã Z", "Xã A", "Tổng cộng"]
    told = browser.get(f"/dashboard/units/{merged.a.public_id}.json{then}").get_json()
    assert told["structure"] == {"on": merged.on.isoformat(), "tree": "state"}
    assert (told["total"]["people"], told["total"]["started"], told["total"]["completed"]) == (4, 2, 1)
    assert [one["name"] for one in told["units"]] == ["Phòng A", "Xã A"]
    answer = browser.get(f"/dashboard/units/{merged.a.public_id}.csv{then}")
    lines = list(csv.reader(io.StringIO(answer.text), delimiter=";"))
    assert lines[-2][3] == "4"
    assert lines[-1][2].startswith("Cơ cấu tổ chức ngày")
    assert merged.on.isoformat() in answer.headers["Content-Disposition"]
    browser.get(f"/dashboard/units/{merged.a.public_id}/missing{then}")
    browser.submit("/purpose", purpose="check")
    assert names_on(browser) == ["An Chuyển", "An Một", "An Phòng"]
    assert "Phòng A" in browser.text
    browser.submit("/search", q="chuyen")
    assert names_on(browser) == ["An Chuyển"]


def test_a_day_on_which_the_unit_did_not_stand_leads_to_those_it_came_from(make: Make, merged: Merged) -> None:
    browser, then = looking(make, "head", merged.heir), f"?on={merged.on}"
    for path in ("", "/missing"):
        assert browser.get(f"/dashboard/units/{merged.heir.public_id}{path}{then}").status_code == 200
        page = text_of(browser)
        assert "đơn vị này chưa hoạt động" in page
        assert "Ngày " + merged.on.strftime("%d/%m/%Y") + " còn là đơn vị riêng: Xã A , Xã B" in page, page
    assert browser.get(f"/dashboard/units/{merged.heir.public_id}.json{then}").status_code == 404
    assert browser.get(f"/dashboard/units/{merged.heir.public_id}?on=31/13/2025").status_code == 422
    assert browser.get(f"/dashboard/units/{merged.heir.public_id}?on={merged.on}&tree=party").status_code == 404


def test_who_heads_the_heir_looks_back_at_those_who_are_theirs_today_and_nobody_else(
    make: Make, merged: Merged
) -> None:
    then = f"?on={merged.on}"
    browser = looking(make, "head", merged.heir)
    told = browser.get(f"/dashboard/units/{merged.a.public_id}.json{then}").get_json()
    assert told["total"]["people"] == 3  # of four: one is another's by now
    browser.get(f"/dashboard/units/{merged.a.public_id}/missing{then}")
    assert names_on(browser) == ["An Một", "An Phòng"]
    assert "An Chuyển" not in browser.text
    assert "Chỉ tính người nay thuộc phạm vi được xem" in text_of(browser)
    for unit in (merged.divided, merged.other, merged.root):  # divided: another took over too
        for path in ("", ".json", ".csv", "/missing"):
            assert browser.get(f"/dashboard/units/{unit.public_id}{path}{then}").status_code == 404, (unit.name, path)
    fourth = looking(make, "head", merged.other)
    for unit in (merged.a, merged.heir, merged.divided):
        assert fourth.get(f"/dashboard/units/{unit.public_id}{then}").status_code == 404
    former = looking(make, "head", merged.a)
    assert former.get(f"/dashboard/units/{merged.a.public_id}{then}").status_code == 404
    top = looking(make, "head", merged.root)
    told = top.get(f"/dashboard/units/{merged.divided.public_id}.json{then}").get_json()
    assert told["total"]["people"] == 2


def test_the_report_by_unit_is_made_by_another_structure_and_kept_as_it_says(make: Make, merged: Merged) -> None:
    at, then = f"/reports/units/{merged.root.public_id}", f"?on={merged.on}"
    browser = looking(make, "head", merged.root)
    told = browser.get(f"{at}/01.json{then}").get_json()
    assert [one["cells"]["name"] for one in told["lines"] if not one["depth"]] == ["Xã A", "Xã B", "Xã D", "Xã Z"]
    assert (told["total"]["cells"]["people"], told["on"]) == (8, merged.on.isoformat())
    until = f"{clock.today():%d/%m/%Y}"
    said = (
        f"(theo cơ cấu tổ chức ngày {merged.on:%d/%m/%Y}, kết quả đến ngày {until}, chỉ tính người nay thuộc phạm vi)"
    )
    assert told["title"].endswith(said)
    answer = browser.get(f"{at}/01.csv{then}")
    assert said in answer.text
    assert f"_co-cau-{merged.on}" in answer.headers["Content-Disposition"]
    browser.get(f"{at}/01{then}")
    browser.submit("/freeze/01")
    assert f"(cơ cấu ngày {merged.on:%d/%m/%Y})" in text_of(browser)
    browser.get(at)
    assert f"(cơ cấu ngày {merged.on:%d/%m/%Y})" in text_of(browser)
    heir = looking(make, "head", merged.heir)
    assert heir.get(f"/reports/units/{merged.a.public_id}/01.json{then}").get_json()["total"]["cells"]["people"] == 3
    for unit in (merged.divided, merged.other, merged.root):
        for path in ("01", "01.json", "01.csv"):
            assert heir.get(f"/reports/units/{unit.public_id}/{path}{then}").status_code == 404, (unit.name, path)
    heir.get(f"/reports/units/{merged.heir.public_id}/01{then}")
    assert "Ngày ấy đơn vị không có số liệu" in text_of(heir)
    assert heir.get(f"/reports/units/{merged.heir.public_id}/01?on=31/13/2025").status_code == 422


def test_a_list_goes_out_by_the_units_of_its_day_with_the_people_one_keeps_today(make: Make, merged: Merged) -> None:
    browser, then = looking(make, "unit_administrator", merged.heir), f"&on={merged.on}"

    def taken(unit: Unit, kind: str = "csv") -> TestResponse:
        return browser.client.get(f"/roster/export?unit={unit.public_id}&kind={kind}{then}")

    rows = list(csv.reader(io.StringIO(taken(merged.a).text), delimiter=";"))[1:]
    assert [(row[2], row[7]) for row in rows] == [("An Phòng", "Phòng A"), ("An Một", "Xã A"), ("An Xong", "Xã A")]
    with zipfile.ZipFile(io.BytesIO(taken(merged.a, "oneroster").data)) as files:
        assert "Xã A" in files.read("orgs.csv").decode()
        assert "Chuyển" not in files.read("users.csv").decode()
    assert [taken(unit).status_code for unit in (merged.divided, merged.other, merged.root)] == [404] * 3
    browser.get(f"/roster/export?unit={merged.heir.public_id}{then}")
    assert "không có trong cơ cấu tổ chức" in browser.text
    assert "Xã A" in text_of(browser)
    with make.reading() as session:
        one = session.scalars(select(Person).where(Person.full_name == "An Một")).one()
        found, _older = disclosures(session, one, before=None)
        assert [entry.entry.action for entry in found] == ["roster.export"] * 2


def test_who_was_looked_at_by_an_old_structure_reads_of_it(make: Make, merged: Merged) -> None:
    head = make.person("Trưởng Hợp", role="head", over=merged.heir)
    make.browser(head).get(f"/dashboard/units/{merged.a.public_id}/missing?on={merged.on}")
    with make.reading() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "names.read")).all()
        assert {entry.details["structure"] for entry in entries} == {merged.on.isoformat()}
        people = {one.full_name: one for one in session.scalars(select(Person))}
        for name, told in (("An Một", 1), ("An Phòng", 1), ("An Chuyển", 0), ("Bình Một", 0)):
            found, _older = disclosures(session, people[name], before=None)
            assert len([one for one in found if one.who == "Trưởng Hợp"]) == told, name


def test_who_heads_a_party_committee_sees_its_tree_and_no_other(make: Make, tmp_path: Path) -> None:
    course = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    office, other = make.unit("Sở Y tế", under=root), make.unit("Sở Nội vụ", under=root)
    assigned(make, course, root)
    staffed(make, course, office, Staff(not_begun=2), names=["Đảng Viên", "Quần Chúng"])
    staffed(make, course, other, Staff(completed=1, not_begun=1), names=["Đảng Xong", "Đảng Xa"])
    with make.writing() as session:
        made: list[Unit] = []
        for code, name in (("du", "Đảng ủy"), ("cb1", "Chi bộ Một"), ("cb2", "Chi bộ Hai")):
            new = {"code": code, "name": name, "kind": "party_body", "since": LONG_AGO, "tree": PARTY_TREE}
            made.append(create_unit(session, parent=made[0] if made else None, **new))  # type: ignore[arg-type]
        people = {one.full_name: one for one in session.scalars(select(Person))}
        for name, place in (("Đảng Viên", 1), ("Đảng Xong", 1), ("Đảng Xa", 2)):
            belongs = {"unit_id": made[place].id, "tree": PARTY_TREE, "kind": "main", "valid_from": LONG_AGO}
            session.add(Membership(person_id=people[name].id, **belongs))
        committee, cell, _second = made
    chief, secretary = make.person("Bí Thư Đảng Ủy"), make.person("Bí Thư Chi Bộ")
    with make.writing() as session:
        for who, unit in ((chief, committee), (secretary, cell)):
            grant_role(session, who, "head", unit=unit, since=LONG_AGO, tree=PARTY_TREE)
    top = make.browser(chief)
    top.get("/dashboard/")
    assert top.path == f"/dashboard/units/{committee.public_id}?tree=party"
    page = text_of(top)
    assert "Phải học (A) 3" in page
    assert "Cây tổ chức đảng. Cơ cấu tổ chức ngày" in page
    assert set(rows_of(top)) == {"Chi bộ Một", "Chi bộ Hai", "Tổng cộng"}
    report = top.get(f"/reports/units/{committee.public_id}/01.json?tree=party").get_json()
    assert [one["cells"]["people"] for one in (*report["lines"], report["total"])] == [1, 2, 3]
    assert "theo cây tổ chức đảng" in report["title"]
    low = make.browser(secretary)
    low.get(f"/dashboard/units/{cell.public_id}/missing?tree=party")
    assert names_on(low) == ["Đảng Viên"]
    for unit, address in ((committee, "?tree=party"), (office, ""), (office, "?tree=party"), (cell, ""), (root, "")):
        for path in ("", ".json", ".csv", "/missing"):
            assert low.get(f"/dashboard/units/{unit.public_id}{path}{address}").status_code == 404, (unit.name, path)
    assert (
        make.browser(make.person(role="head", over=root))
        .get(f"/dashboard/units/{committee.public_id}?tree=party")
        .status_code
        == 404
    )


def test_what_is_kept_by_another_structure_is_of_the_people_of_the_unit_whoever_keeps_it(
    make: Make, tmp_path: Path
) -> None:
    course = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    here = make.unit("Xã A", under=root)
    assigned(make, course, root)
    left, *_stay = staffed(make, course, here, Staff(completed=1, briefed=1, not_begun=1))
    with make.writing() as session:
        move_person(session, session.get_one(Person, left), session.get_one(Unit, root.id), on=clock.today())
        for briefing in session.scalars(select(Briefing)):
            settle_briefing(session, briefing.id)
            freeze_roll(session, briefing, reason="Chốt")
    at, then = f"/reports/units/{here.public_id}/01", f"?on={clock.today() - timedelta(days=1)}"
    head = looking(make, "head", here)
    own = head.get(f"{at}.json{then}").get_json()
    assert own["total"]["cells"]["people"] == 2
    assert own["title"].endswith(", chỉ tính người nay thuộc phạm vi)")
    keeper = looking(make, "administrator")
    assert keeper.get(f"{at}.json{then}").get_json()["total"]["cells"]["people"] == 3
    keeper.get(f"{at}{then}")
    keeper.submit("/freeze/01")
    kept_one = head.get(f"{keeper.path}.json").get_json()
    assert (kept_one["title"], kept_one["total"]) == (own["title"], own["total"])
    whole = keeper.get(f"/reports/units/{root.public_id}/01.json{then}").get_json()
    assert [one["cells"]["name"] for one in whole["lines"]] == ["Xã A"]  # no row of what was frozen elsewhere
