"""Every form and list by the structure of another day: of which units, of whom, and that nothing outside is told."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from analytics.reports.actions import enter
from analytics.reports.models import ReportFile, ReportSnapshot
from analytics.reports.rules import code_of
from courses.briefings.models import BriefingSession, MeetingPoint
from courses.briefings.projector import settle_briefing
from courses.briefings.rules import WAYS, Asked, Policy
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Person
from lms.accounts.rules import PERMISSIONS
from lms.audit.models import AuditEntry
from lms.organisation.actions import move_unit, rename_unit
from lms.organisation.models import Unit
from lms.organisation.storage import Words
from lms.outbox.cli import Worker
from lms.privacy.queries import disclosures
from lms.roster.actions import taken_apart
from tests.analytics.agency import course_loaded, hired, studied
from tests.analytics.test_api import answer_to
from tests.analytics.test_dashboard import text_of
from tests.briefed import briefing_in
from tests.browser import Browser
from tests.counting import count_queries
from tests.kept import kept
from tests.make import Make

ONLINE = Policy(Asked(ways=frozenset(WAYS), test=True))
AGO = timedelta(days=5)
OUTSIDE = ("Xuân", "Đội Xa", "99-CTr", "Cầu Xa", "An Chuyển")
"""Whatever left the office since: a unit below it with its person, its point and what it entered; and somebody."""


@dataclass(frozen=True)
class Moved:
    """Two offices; a team that stood below the first until `on`, with the second since; and somebody who went along."""

    root: Unit
    a: Unit
    b: Unit
    team: Unit
    on: date
    code: str

    def at(self, unit: Unit, rest: str) -> str:
        """A page or file of reports about a unit, by the structure of that day."""
        return f"/reports/units/{unit.public_id}{rest}?briefing={self.code}&on={self.on}"


def moved_away(make: Make, folder: Path) -> Moved:
    course = course_loaded(make, folder)
    root = make.unit("Tỉnh", code="t")
    a, b = make.unit("Sở Cũ", code="a", under=root), make.unit("Sở Xa", code="b", under=root)
    team = make.unit("Đội Xa", code="x", under=a)
    with clock.moved_to(clock.now() - 2 * AGO), make.writing() as session:
        briefing = briefing_in(session, root, policy=ONLINE)
        sitting = session.scalars(select(BriefingSession)).one()
        for unit, name in ((a, "Cầu Gần"), (team, "Cầu Xa")):
            session.add(MeetingPoint(session_id=sitting.id, code=unit.code, name=name, unit_id=unit.id))
            plan = "11-CTr" if unit is a else "99-CTr"
            enter(session, session.get_one(Unit, unit.id), briefing.id, plan=plan, note_text="", by=uuid.uuid4())
        stays, goes = hired(session, a, 2, ["An Ở Lại", "An Chuyển"])
        hired(session, team, 1, ["Xuân Một"])
        hired(session, b, 1, ["Bình Một"])
        session.get_one(Person, stays).category = "vien_chuc"
        studied(session, course, [stays], lessons=4, tests=1)
        settle_briefing(session, briefing.id)
        code = briefing.code
    with make.writing() as session:
        day, far = clock.today() - AGO, session.get_one(Unit, b.id)
        move_unit(session, session.get_one(Unit, team.id), far, on=day)
        rename_unit(session, session.get_one(Unit, a.id), Words("a", "Sở Mới", "department"), on=day)
        move_person(session, session.get_one(Person, goes), far, on=day)
        return Moved(root, a, b, team, day - timedelta(days=1), code)


@pytest.fixture
def moved(make: Make, tmp_path: Path) -> Moved:
    return kept(make, tmp_path, moved_away)


def looking(make: Make, role: str, over: Unit | None = None) -> Browser:
    return make.browser(make.person("Người Xem", role=role, over=over))


def listed(browser: Browser, moved: Moved, unit: Unit, what: str, **more: str) -> bytes:
    """A list with names by the structure of that day; what the worker makes is fetched when it is made."""
    address = moved.at(unit, "/lists") + "".join(f"&{name}={value}" for name, value in more.items())
    browser.get(address)
    browser.submit("/lists", what=what, purpose="check")
    assert browser.page is not None
    return browser.page.get_data()


def made(make: Make, browser: Browser) -> bytes:
    """The file that the worker has made last."""
    worker = Worker(make.database)
    while worker.step():
        pass
    with make.reading() as session:
        one = session.scalars(select(ReportFile).order_by(ReportFile.id.desc())).first()
    assert one is not None
    answer = browser.client.get(f"/reports/files/{one.public_id}/content")
    assert answer.status_code == 200
    return answer.get_data()


def in_workbook(content: bytes) -> str:
    (sheet,) = taken_apart(content).sheets
    return "\n".join(";".join(line.cell(place) for place in range(12)) for line in sheet.lines)


def told(make: Make, moved: Moved, browser: Browser, unit: Unit) -> dict[str, str]:
    """Every form and list of a unit by the structure of that day, as text; the pages of its points too."""
    found = {form: browser.client.get(moved.at(unit, f"/{form}.json")).text for form in ("01", "03", "05")}
    found |= {f"page {form}": browser.get(moved.at(unit, f"/{form}")).text for form in ("01", "03", "05")}
    found["02"] = in_workbook(listed(browser, moved, unit, "02-xlsx"))
    found["register"] = listed(browser, moved, unit, "register-csv").decode()
    for what in ("register-xlsx", "01-xlsx"):
        listed(browser, moved, unit, what)
        found[what] = in_workbook(made(make, browser))
    for rest in ("/points", "/points.csv", "", ".json"):
        found[f"dashboard{rest}"] = browser.get(f"/dashboard/units/{unit.public_id}{rest}?on={moved.on}").text
    return found


def test_every_form_and_list_is_made_by_the_units_of_its_day_under_their_names(make: Make, moved: Moved) -> None:
    browser = looking(make, "administrator")
    found = told(make, moved, browser, moved.a)
    for name, text in found.items():
        assert f"{moved.on:%d/%m/%Y}" in text or moved.on.isoformat() in text or "register" in name, name
    lines = {form: json.loads(found[form])["lines"] for form in ("01", "03", "05")}
    names = {form: [one["cells"]["name"] for one in lines[form]] for form in lines}
    assert names["01"] == ["Cơ quan Sở Cũ (không kể đơn vị trực thuộc)", "Đội Xa"]
    assert [one["cells"]["plan"] for one in lines["01"]] == ["", "99-CTr"]
    assert sorted(names["03"]) == ["Cầu Gần", "Cầu Xa"]
    assert {one["cells"]["name"]: one["cells"]["conferences"] for one in lines["05"]} == {
        "Cơ quan Sở Cũ": 1,
        "Đội Xa": 1,
    }
    for name in ("02", "register", "register-xlsx"):
        assert "An Chuyển" in found[name], name
        assert "Xuân Một" in found[name], name
        assert "Sở Cũ" in found[name], name
        assert "Sở Mới" not in found[name], name
    assert "Đội Xa" in found["01-xlsx"]
    answer = browser.client.get(moved.at(moved.a, "/05.csv"))
    assert f"_co-cau-{moved.on}" in answer.headers["Content-Disposition"]
    browser.get(moved.at(moved.a, ""))
    assert f"on={moved.on}" in browser.text
    assert "Gửi báo cáo" not in browser.text  # what goes up is of today
    browser.get(f"/reports/units/{moved.a.public_id}")
    assert "Gửi cấp trên" in browser.text


def test_who_heads_an_office_finds_nothing_of_what_has_left_it_in_any_form_list_or_page(
    make: Make, moved: Moved
) -> None:
    browser = looking(make, "head", moved.a)
    found = told(make, moved, browser, moved.a)
    assert [(name, one) for name, text in found.items() for one in OUTSIDE if one in text] == []
    assert "An Ở Lại" in found["register"]
    assert "11-CTr" in found["01"]
    assert "Cầu Gần" in found["03"]
    assert json.loads(found["01"])["total"]["cells"]["people"] == 1
    assert json.loads(found["01"])["total"]["cells"]["points"] == 1
    assert json.loads(found["05"])["total"]["cells"]["conferences"] == 1
    assert json.loads(found["05"])["total"]["cells"]["staff"] == 1
    for rest in ("", "/01", "/05.csv", "/lists"):
        assert browser.client.get(moved.at(moved.team, rest)).status_code == 404, rest


def test_what_is_kept_by_another_structure_tells_nobody_more_than_they_may_see(make: Make, moved: Moved) -> None:
    keeper, head = looking(make, "administrator"), looking(make, "head", moved.a)
    for form in ("01", "02", "03", "05"):
        keeper.get(moved.at(moved.a, ""))
        keeper.submit(f"/freeze/{form}")
        text = head.get(keeper.path).text
        assert f"{moved.on:%d/%m/%Y}" in text, form
        assert [one for one in OUTSIDE if one in text] == [], form
        assert ("An Ở Lại" in text) == (form == "02")
    with make.reading() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "names.read")).all()
        assert {one.object_kind for one in entries if one.details["form"] == "02"} == {"person"}


def test_those_whose_names_went_out_by_an_old_structure_read_of_it_where_they_are_now(make: Make, moved: Moved) -> None:
    browser = looking(make, "administrator")
    listed(browser, moved, moved.a, "register-csv")
    with make.reading() as session:
        for name in ("An Ở Lại", "An Chuyển", "Xuân Một"):
            one = session.scalars(select(Person).where(Person.full_name == name)).one()
            found, _older = disclosures(session, one, before=None)
            assert {entry.entry.details["structure"] for entry in found} == {moved.on.isoformat()}, name


def test_a_report_is_told_of_a_day_that_is_over_and_of_one_category_as_the_dashboard_tells_it(
    make: Make, moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, yesterday = looking(make, "head", moved.a), clock.today() - timedelta(days=1)
    figures, reports = (f"/{kind}/units/{moved.a.public_id}" for kind in ("dashboard", "reports"))
    for asked in (f"until={yesterday}", "category=vien_chuc", f"category=vien_chuc&on={moved.on}"):
        paper = browser.get(f"{reports}/01.json?{asked}").get_json()
        shown = browser.get(f"{figures}.json?{asked}").get_json()["total"]
        told = paper["total"]["cells"]
        assert [told[name] for name in ("people", "briefed", "completed", "overdue")] == [
            shown[name] for name in ("people", "briefed", "completed", "overdue")
        ], asked
        assert told["score"] is None, asked
    assert (told["people"], paper["title"].split("(")[1].count("viên chức")) == (1, 1)
    browser.get(f"{reports}/01?until={yesterday}")
    page = text_of(browser)
    assert f"Số liệu đến hết ngày {yesterday:%d/%m/%Y}" in page
    assert f"Đến 23 giờ 59 phút ngày {yesterday:%d/%m/%Y}" in page
    assert "Điểm trung bình cũng để trống: lấy số của hai ngày" in page
    register = listed(browser, moved, moved.a, "register-csv", category="vien_chuc").decode()
    assert ("An Ở Lại" in register, "Xuân" in register) == (True, False)
    assert browser.get(f"{reports}/01.csv?until=31/13/2025").status_code == 404
    keeper = looking(make, "unit_administrator", moved.a)
    keeper.get(f"{reports}/01?until={yesterday}")
    keeper.submit("/freeze/01")
    assert f"số liệu đến hết ngày {yesterday:%d/%m/%Y}" in text_of(keeper)
    monkeypatch.setitem(PERMISSIONS, "head", PERMISSIONS["head"] - {"unit:read_names"})
    blind = looking(make, "head", moved.a)
    for path in ("/01.json", "/01.csv", "/01", "/03.json", "/05.csv", "/03", "/05"):
        assert blind.client.get(f"{reports}{path}?category=vien_chuc").status_code in {302, 404}, path


def test_what_is_kept_of_a_category_is_read_by_those_alone_who_may_see_names(
    make: Make, moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few people figures tell names: neither its page, its files, its code in a list nor its public check tells."""
    keeper, reports = looking(make, "unit_administrator", moved.a), f"/reports/units/{moved.a.public_id}"
    kept_of: dict[str, str] = {}
    for form in ("01", "03", "05"):
        keeper.get(f"{reports}/{form}?category=vien_chuc")
        keeper.submit(f"/freeze/{form}")
        assert "chỉ tính viên chức" in text_of(keeper)
        kept_of[form] = keeper.path
    keeper.get(f"{reports}/01")
    head = looking(make, "head", moved.a)
    page = head.get(reports).text
    assert [way in page for way in kept_of.values()] == [True] * 3
    assert [head.get(f"{way}.csv").status_code for way in kept_of.values()] == [200] * 3
    with make.reading() as session:
        codes = {one.form: code_of(one.digest) for one in session.scalars(select(ReportSnapshot))}
    told = {form: make.browser().get(f"/reports/check?code={code}").text for form, code in codes.items()}
    assert all("không thay đổi từ khi chốt" in page and "chỉ tính viên chức" in page for page in told.values())
    assert "cán bộ, đảng viên được học tập" not in told["01"]
    monkeypatch.setitem(PERMISSIONS, "head", PERMISSIONS["head"] - {"unit:read_names"})
    blind = looking(make, "head", moved.a)
    page = blind.get(reports).text
    assert [one for form, one in kept_of.items() if one in page or codes[form] in page] == []
    for way in kept_of.values():
        for rest in ("", ".csv", ".json", ".docx"):
            assert blind.client.get(f"{way}{rest}").status_code == 404, (way, rest)


def asked_by_token(make: Make, moved: Moved, *scopes: str, over: Unit | None) -> Callable[[str], TestResponse]:
    """What asks the read API with a token of these scopes; each answer must be as its document says."""
    browser = looking(make, "administrator")
    browser.get("/api-tokens/new")
    browser.submit("Tạo và hiện", name="Cổng", scopes=list(scopes), unit=str(over.public_id) if over else "")
    token = browser.text.split('id="secret" readonly value="')[1].split('"')[0]
    return lambda path: answer_to(make, path.replace("/-/", f"/{moved.code}/"), token)


def test_the_read_api_is_filtered_as_pages_are_and_tells_the_same(make: Make, moved: Moved) -> None:
    everybody = asked_by_token(make, moved, "tallies", "standings", "names", over=None)
    browser, yesterday = looking(make, "administrator"), clock.today() - timedelta(days=1)
    at = f"/briefings/-/tallies?unit={moved.a.public_id}"
    for asked in ("", f"on={moved.on}", "category=vien_chuc", f"until={yesterday}", f"until={yesterday}&on={moved.on}"):
        told = everybody(f"{at}&{asked}").get_json()
        shown = browser.get(f"/dashboard/units/{moved.a.public_id}.json?{asked}").get_json()
        same = set(told["total"]) & set(shown["total"])
        assert len(same) == 16, asked
        assert {name: told["total"][name] for name in same} == {name: shown["total"][name] for name in same}, asked
        assert [one["unit"]["name"] for one in told["parts"]] == [one["name"] for one in shown["units"]], asked
        assert {"on": told["on"], "tree": told["tree"]} == shown["structure"], asked
        assert (told["until"], told["category"]) == (shown["until"], shown["category"]), asked
    assert everybody(f"{at}&on={moved.on}&tree=party").status_code == 404  # it did not stand there
    found = everybody(f"/units?on={moved.on}").get_json()["items"]
    ids = {str(one.public_id): one.code for one in (moved.root, moved.a, moved.b)}
    assert [(one["name"], ids.get(one["parent"])) for one in found] == [
        ("Sở Cũ", "t"),
        ("Sở Xa", "t"),
        ("Tỉnh", None),
        ("Đội Xa", "a"),
    ]
    people = everybody(f"/briefings/-/standings?unit={moved.a.public_id}&on={moved.on}").get_json()
    assert {(one["name"], one["unit"]["name"]) for one in people["items"]} == {
        ("An Ở Lại", "Sở Cũ"),
        ("An Chuyển", "Sở Cũ"),
        ("Xuân Một", "Đội Xa"),
    }
    with make.reading() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "api.names")).all()
        assert {one.object_kind for one in entries} == {"person"}
        assert len(entries) == 3


def test_a_token_of_a_unit_looks_back_at_those_who_are_there_today_and_at_no_other_unit(
    make: Make, moved: Moved
) -> None:
    own = asked_by_token(make, moved, "tallies", "standings", "names", over=moved.a)
    answers = [own(f"/{path}?on={moved.on}") for path in ("units", "briefings/-/tallies", "briefings/-/standings")]
    assert [(one.status_code, [word for word in OUTSIDE if word in one.text]) for one in answers] == [(200, [])] * 3
    assert [(one["name"], one["parent"]) for one in answers[0].get_json()["items"]] == [("Sở Cũ", None)]
    assert answers[1].get_json()["total"]["people"] == 1
    for path in (f"unit={moved.team.public_id}&on={moved.on}", f"on={moved.on}&tree=party"):
        for what in ("tallies", "standings"):
            assert own(f"/briefings/-/{what}?{path}").status_code == 404, (path, what)


def test_what_the_read_api_cannot_be_filtered_by_is_refused_and_a_category_asks_for_names(
    make: Make, moved: Moved
) -> None:
    plain = asked_by_token(make, moved, "tallies", "standings", over=moved.a)
    refused = {
        "briefings/-/tallies?category=vien_chuc": (403, "scope"),
        "briefings/-/standings?category=vien_chuc": (403, "scope"),
        "briefings/-/tallies?category=x": (400, "category"),
        "briefings/-/tallies?tree=x": (400, "tree"),
        "briefings/-/tallies?on=31/13/2025": (400, "on"),
        "briefings/-/tallies?until=2999-01-01": (400, "until"),
        "briefings/-/standings?until=2020-01-01": (400, "until"),
        "units?category=vien_chuc": (400, "category"),
        "briefings?on=2020-01-01": (400, "on"),
    }
    answers = {path: plain(f"/{path}") for path in refused}
    assert {path: (one.status_code, one.get_json()["error"]) for path, one in answers.items()} == refused


NOT_BY_A_DAY = {
    "dashboard.mine": "leads to the units where one's scope begins",
    "numbers.person": "why one person stands where they stand, now",
    "numbers.peers": "a second group of equals would tell of single units (0038)",
    "reports.mine": "leads to units, and to what waits for a decision",
    "reports.mail": "a mail speaks of the day on which it goes out (0035)",
    "reports.submission": "a document between two living units (0035)",
    "reports.snapshot": "what was kept, by the structure it was kept by",
    "report_files.snapshot_file": "what was kept, by the structure it was kept by",
    "reports.check": "what was kept, by its code",
    "reports.waiting": "a file by the structure it was ordered by",
    "report_files.content": "a file by the structure it was ordered by",
    "reports.questions": "briefings, no units",
    "reports.question_page": "questions over all attempts, no units",
    "report_files.questions_file": "questions over all attempts, no units",
    "report_files.metrics": "what figures are called",
    "chasing.tonight": "what goes out tomorrow morning",
    "chasing.sent": "what was sent",
    "api.page": "describes the API",
    "api.document": "describes the API",
    "api.briefings": "briefings, no units",
    "tokens.index": "tokens, no units",
    "tokens.new": "a form",
    "tokens.revoke": "a form",
    "credentials.sheet": "codes for people who are in the unit now",
    "issued.unit": "certificates to be printed or revoked where people are now",
}
"""Pages and files of `analytics`, and about a unit elsewhere, for which no structure can be chosen, and why."""

BESIDE = frozenset({"organisation.index", "organisation.unit", "roster_files.leave"})
"""Pages and files outside `analytics` for which it can."""


def about_units(app: Flask) -> dict[str, Rule]:
    """The rules under which something about units is read, by endpoint."""
    found = {}
    for rule in app.url_map.iter_rules():
        here = app.view_functions[rule.endpoint].__module__.startswith("analytics.")
        if "GET" in (rule.methods or ()) and (here or "unit_id" in rule.arguments or rule.endpoint in BESIDE):
            found[rule.endpoint] = rule
    return found


def test_every_page_and_file_about_units_is_read_by_the_structure_of_a_day_or_says_why_not(
    app: Flask, make: Make, moved: Moved
) -> None:
    rules = about_units(app)
    assert sorted(set(NOT_BY_A_DAY) - set(rules)) == []
    token, browser = asked_by_token(make, moved, "tallies", "standings", over=moved.a), looking(make, "administrator")
    values = {"unit_id": moved.a.public_id, "public_id": moved.a.public_id, "metric": "people", "chart": "units"}
    values |= {"briefing_code": moved.code}
    query = f"?on={moved.on}&briefing={moved.code}&unit={moved.a.public_id}&kind=csv"
    wrong = []
    for endpoint, rule in sorted(rules.items()):
        for form, kind in product(("01", "03", "05"), ("csv", "json")):
            given = {**values, "form": form, "kind": kind}
            address = rule.build({name: given.get(name, uuid.UUID(int=0)) for name in rule.arguments})
            assert address is not None, endpoint
            path = f"{address[1]}{query}"
            if endpoint.startswith("api.") and endpoint not in NOT_BY_A_DAY:
                answer = token(f"{address[1].removeprefix('/api/v1')}?on={moved.on}")
            else:
                answer = browser.client.get(path, follow_redirects=True)
            said = answer.text + answer.headers.get("Content-Disposition", "")
            told = f"{moved.on:%d/%m/%Y}" in said or moved.on.isoformat() in said.replace(query, "")
            picked = not answer.content_type.startswith("text/html") or 'name="on"' in said
            if (answer.status_code == 200 and told and picked) == (endpoint in NOT_BY_A_DAY):
                wrong.append((endpoint, form, kind, answer.status_code, told, picked))
            if not {"form", "kind"} & rule.arguments:
                break
    assert wrong == []


def test_what_is_read_by_another_structure_costs_the_same_however_many_people_there_are(
    app: Flask, make: Make, moved: Moved
) -> None:
    browser = looking(make, "head", moved.a)
    token = asked_by_token(make, moved, "tallies", "standings", over=moved.a)
    paths = [moved.at(moved.a, rest) for rest in ("", "/01", "/03", "/05", "/lists", "/01.csv", "/03.csv", "/05.csv")]
    asked = [f"/{path}?on={moved.on}" for path in ("units", "briefings/-/tallies", "briefings/-/standings")]
    costs: list[list[int]] = []
    sent: list[list[str]] = []
    for people in (0, 30):
        with make.writing() as session:
            hired(session, moved.a, people)
            for briefing_id in session.scalars(select(Briefing.id)).all():
                settle_briefing(session, briefing_id)
        costs.append([])
        sent.append([])
        for get, path in [(browser.get, path) for path in paths] + [(token, path) for path in asked]:
            get(path)  # what is remembered of units, or noted once a day, is not asked again
            with count_queries(app) as counted:
                assert get(path).status_code == 200
            costs[-1].append(len(counted))
            sent[-1].append(f"{path}\n{counted}")
    assert costs[0] == costs[1], [
        pair for pair in zip(*sent, strict=True) if pair[0].count("\n") != pair[1].count("\n")
    ]
    assert max(costs[0]) <= 30, dict(zip(paths + asked, costs[0], strict=True))
