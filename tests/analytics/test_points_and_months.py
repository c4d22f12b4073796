"""Biểu 03 and 05 of a day that is over and of one staff category: true, the same everywhere, and saying so."""

import html
import re
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from courses.briefings.models import Attendance, BriefingSession, MeetingPoint
from courses.briefings.projector import settle_briefing
from courses.briefings.rules import WAYS, Asked, Policy
from courses.enrolment.models import Assignment, Briefing
from courses.meetings.models import PointSighting
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Person
from lms.organisation.models import Unit
from tests.analytics.agency import course_loaded, hired, studied
from tests.analytics.test_api import answer_to
from tests.analytics.test_dashboard import text_of
from tests.analytics.test_four_channels import token_of
from tests.analytics.test_reports import cells_of_csv, cells_of_docx, cells_of_page
from tests.briefed import briefing_in
from tests.browser import Browser
from tests.counting import count_queries
from tests.kept import kept
from tests.make import LONG_AGO, Make

DAY = timedelta(days=1)
CATEGORIES = ("cong_chuc", "vien_chuc")
ANY_WAY = Policy(Asked(ways=frozenset(WAYS), test=False))


@dataclass(frozen=True)
class Months:
    """A province with an office, three days ago a conference, yesterday a class. `day`: that of the conference.

    In the office four civil servants and two public employees, all members; one of these has moved to the province
    since. In the province one person. The conference saw at the office two and missed two, the last of these was at
    the class; somebody of the province came to the office as a guest. Another studied online yesterday.
    """

    root: Unit
    office: Unit
    day: date
    code: str


def built(make: Make, folder: Path) -> Months:
    course = course_loaded(make, folder)
    root = make.unit("Tỉnh", code="t")
    office = make.unit("Sở Y tế", code="syt", under=root)
    then = clock.now() - 3 * DAY
    with clock.moved_to(then), make.writing() as session:
        briefing = briefing_in(session, root, policy=ANY_WAY)
        session.execute(update(Assignment).values(assigned_at=then - DAY))
        briefing.documents = ["Nghị quyết số 48-NQ/TU về chuyển đổi số"]
        conference = session.scalars(select(BriefingSession)).one()
        here = MeetingPoint(session_id=conference.id, code="syt", name="Cầu Sở", unit_id=office.id, connected_at=then)
        again = BriefingSession(
            briefing=briefing,
            code="hb",
            title="Lớp bù",
            kind="make_up",
            starts_at=then + 2 * DAY,
            ends_at=then + 2 * DAY,
        )
        lesson = MeetingPoint(session=again, code="lop", name="Lớp", main=True, unit_id=office.id)
        session.add_all([here, again, lesson])
        session.flush()
        ids = [
            *hired(session, office, 6, ["An", "Bình", "Chi", "Dung", "Em", "Giang"]),
            *hired(session, root, 1, ["Hoa"]),
        ]
        session.execute(update(Person).where(Person.id.in_(ids)).values(party="chinh_thuc"))
        session.execute(update(Person).where(Person.id.in_(ids[4:6])).values(category="vien_chuc"))
        for place, state, days, point in (
            (0, "present", 0, here),
            (1, "excused", 0, here),
            (4, "late", 0, here),
            (5, "unexcused", 0, here),
            (6, "present", 0, here),
            (5, "present", 2, lesson),
        ):
            about = {"person_id": ids[place], "point_id": point.id, "state": state, "at": then + days * DAY}
            sitting = conference if point is here else again
            session.add(PointSighting(**about, statement_id=uuid.uuid4()))
            session.add(Attendance(**about, session_id=sitting.id, statement_id=uuid.uuid4()))
    with clock.moved_to(then + 2 * DAY), make.writing() as session:
        studied(session, course, ids[2:3], lessons=4, tests=0)
    with make.writing() as session:
        briefing_id = session.scalars(select(Briefing.id)).one()
        settle_briefing(session, briefing_id)
        move_person(session, session.get_one(Person, ids[4]), session.get_one(Unit, root.id), on=clock.today())
        code = session.scalars(select(Briefing.code)).one()
    return Months(root, office, clock.day_of(then), code)


@pytest.fixture
def months(make: Make, tmp_path: Path) -> Months:
    return kept(make, tmp_path, built)


def looking(make: Make, months: Months) -> Browser:
    return make.browser(make.person("Người Xem", role="head", over=months.root))


def told(browser: Browser, months: Months, form: str, asked: str = "", unit: Unit | None = None) -> dict[str, Any]:
    """A form as JSON, of the month of the conference."""
    at = f"/reports/units/{(unit or months.root).public_id}/{form}.json?month={months.day:%Y-%m}{asked}"
    answer = browser.client.get(at)
    assert answer.status_code == 200, at
    found: dict[str, Any] = answer.get_json()
    return found


def rows_of(paper: dict[str, Any], *codes: str) -> dict[str, list[Any]]:
    return {one["cells"]["name"]: [one["cells"][code] for code in codes] for one in (*paper["lines"], paper["total"])}


SAW = ("summoned", "present", "excused", "unexcused")
COUNTED = ("conferences", "took_part", "documents", "member_rate", "staff", "digital")


def test_points_are_told_of_a_day_that_is_over_as_far_as_they_had_said(make: Make, months: Months) -> None:
    browser = looking(make, months)
    now = told(browser, months, "03")
    assert rows_of(now, *SAW) == {
        "Điểm cầu 1": [2, 0, 0, 0],
        "Cầu Sở": [5, 3, 1, 1],
        "Lớp": [5, 1, 0, 0],
        "TỔNG CỘNG": [12, 4, 1, 1],
    }
    then = told(browser, months, "03", f"&until={months.day}")
    assert rows_of(then, *SAW) == {
        "Điểm cầu 1": [1, 0, 0, 0],  # who has moved since was of the office that day
        "Cầu Sở": [6, 3, 1, 1],
        "TỔNG CỘNG": [7, 3, 1, 1],
    }
    assert f"kết quả đến hết ngày {months.day:%d/%m/%Y}" in then["title"]
    assert any("đã ghi đến hết ngày ấy" in note for note in then["notes"])
    assert told(browser, months, "03", f"&until={months.day - DAY}")["lines"] == []
    browser.get(f"/reports/units/{months.root.public_id}/03?until={months.day}")
    assert f"Số liệu đến hết ngày {months.day:%d/%m/%Y}" in text_of(browser)
    for rest in ("", "/lists"):
        browser.get(f"/reports/units/{months.root.public_id}{rest}?until={months.day}")
        assert "Trang này chỉ có theo hiện nay." in text_of(browser), rest
    browser.get(f"/dashboard/units/{months.root.public_id}/points?briefing={months.code}&until={months.day}")
    [way] = re.findall(r'href="([^"]+)">Số triệu tập, có mặt, vắng', browser.text)
    browser.get(html.unescape(way))
    assert "Cầu Sở" in browser.text
    assert f"Số liệu đến hết ngày {months.day:%d/%m/%Y}" in text_of(browser)
    answer = browser.client.get(f"/reports/units/{months.root.public_id}/03.csv?until={months.day}")
    assert f"_den-het-{months.day}" in answer.headers["Content-Disposition"]


def test_a_month_is_told_until_a_day_that_is_over_with_those_who_were_members_then(make: Make, months: Months) -> None:
    browser, last = looking(make, months), months.day
    now, then = told(browser, months, "05"), told(browser, months, "05", f"&until={last}")
    same_month = (clock.today() - DAY).month == last.month
    assert rows_of(then, *COUNTED)["TỔNG CỘNG"] == [2, 3, 1, [3, 7], 7, 3]
    assert rows_of(then, *COUNTED)["Sở Y tế"] == [1, 2, 1, [2, 6], 6, 2]
    if same_month:
        assert rows_of(now, *COUNTED)["TỔNG CỘNG"] == [3, 5, 1, [5, 7], 7, 5]
    assert f"kết quả đến hết ngày {last:%d/%m/%Y}" in then["title"]
    early = told(browser, months, "05", f"&until={last - DAY}")
    assert rows_of(early, "conferences", "took_part", "digital")["TỔNG CỘNG"] == [0, 0, 0]


def test_the_title_says_until_which_day_results_are_also_where_only_a_structure_was_chosen(
    make: Make, months: Months
) -> None:
    browser, today = looking(make, months), clock.today()
    on = f"&on={months.day}"
    by = f"(theo cơ cấu tổ chức ngày {months.day:%d/%m/%Y}, kết quả đến"
    assert f"{by} ngày {today:%d/%m/%Y}" in told(browser, months, "03", on)["title"]
    long_ago = f"/reports/units/{months.root.public_id}/05.json?month=2026-01{on}"
    assert f"{by} hết ngày 31/01/2026" in browser.client.get(long_ago).get_json()["title"]
    for form in ("01", "03", "05"):
        assert "đến nay" not in told(browser, months, form, on)["title"], form
    browser.get(f"/reports/units/{months.root.public_id}/05?month=2026-01{on}")
    assert "kết quả đến ngày 31/01/2026" in text_of(browser)
    assert "tính đến nay" not in text_of(browser)


def added(papers_: list[dict[str, Any]], *codes: str) -> list[Any]:
    """The totals of several papers together; of a rate both sums."""
    totals = [[one["total"]["cells"][code] for code in codes] for one in papers_]
    return [
        [sum(part) for part in zip(*column, strict=True)] if isinstance(column[0], list) else sum(column)
        for column in zip(*totals, strict=True)
    ]


@pytest.mark.parametrize("when", ["", "until"])
def test_categories_add_up_to_everybody_but_for_guests(make: Make, months: Months, when: str) -> None:
    browser, asked = looking(make, months), f"&until={months.day}" if when else ""
    for unit, guests in ((months.root, 0), (months.office, 1)):
        points = [told(browser, months, "03", f"{asked}&category={one}", unit) for one in CATEGORIES]
        everybody = [told(browser, months, "03", asked, unit)["total"]["cells"][code] for code in SAW]
        moved = 0 if when else int(unit is months.office)  # was at the office, and is the province's by now
        assert added(points, *SAW) == [everybody[0], everybody[1] - guests - moved, *everybody[2:]], unit.name
        assert all("chỉ tính" in one["title"] for one in points)
        assert all(any("người nơi khác đến dự" in note for note in one["notes"]) for one in points)
    browser.get(f"/reports/units/{months.root.public_id}/03?category=khac")
    assert "Theo điều kiện lọc đã chọn đơn vị không có số liệu" in text_of(browser)
    month = [told(browser, months, "05", f"{asked}&category={one}") for one in CATEGORIES]
    split = ("took_part", "member_rate", "staff", "digital")
    whole = told(browser, months, "05", asked)["total"]["cells"]
    assert added(month, *split) == [whole[code] for code in split]
    for one in month:
        assert [one["total"]["cells"][code] for code in ("conferences", "documents")] == [
            whole["conferences"],
            whole["documents"],
        ]


@pytest.mark.parametrize("form", ["03", "05"])
def test_page_files_and_api_of_points_and_months_say_the_same_by_every_filter(
    make: Make, months: Months, form: str
) -> None:
    browser, at = looking(make, months), f"/reports/units/{months.root.public_id}/{form}"
    token = token_of(make.browser(make.person("Quản Trị", role="administrator")))
    for asked in ("", f"&until={months.day}", "&category=vien_chuc", f"&until={months.day}&category=vien_chuc"):
        about = f"?month={months.day:%Y-%m}{asked}"
        page = cells_of_page(browser.get(f"{at}{about}").text)
        assert page[-1][1] == "TỔNG CỘNG"
        assert cells_of_docx(browser.client.get(f"{at}.docx{about}").data)[-len(page) :] == page, asked
        assert cells_of_csv(browser.client.get(f"{at}.csv{about}").data)[-len(page) :] == page, asked
        paper = told(browser, months, form, asked)
        order = [column["code"] for column in paper["columns"]]
        shown = [[line["shown"][code] for code in order] for line in (*paper["lines"], paper["total"])]
        assert shown == page, asked
        assert by_the_api(make, token, months, form, asked) == [
            {code: line["cells"].get(code) for code in API[form]} for line in (*paper["lines"], paper["total"])
        ], asked


API: dict[str, dict[str, Any]] = {
    "03": {
        "summoned": "summoned",
        "present": "present",
        "excused": "missed_with_reason",
        "unexcused": "missed_without_reason",
    },
    "05": {
        "conferences": "conferences",
        "took_part": "took_part",
        "documents": "documents_given",
        "member_rate": ("members_briefed", "members_called"),
        "staff": "staff",
        "digital": "digital",
    },
}
"""What the read API calls each column; of a rate it has both sums."""


def by_the_api(make: Make, token: str, months: Months, form: str, asked: str) -> list[dict[str, Any]]:
    """The rows of a form as another system reads them, under the codes of its columns."""
    about = f"unit={months.root.public_id}{asked}"
    path = {"03": f"/briefings/{months.code}/points?{about}", "05": f"/months?month={months.day:%Y-%m}&{about}"}[form]
    answer = answer_to(make, path, token)
    assert answer.status_code == 200, path
    found = answer.get_json()
    rows = [*(found["items"] if form == "03" else [one["tally"] for one in found["parts"]]), found["total"]]
    return [
        {code: [row[one] for one in name] if isinstance(name, tuple) else row[name] for code, name in API[form].items()}
        for row in rows
    ]


def test_a_token_reads_points_and_months_of_its_own_unit_and_a_category_only_with_names(
    make: Make, months: Months
) -> None:
    administrator = make.browser(make.person("Quản Trị", role="administrator"))
    administrator.get("/api-tokens/new")
    administrator.submit("Tạo và hiện", name="Cổng", scopes=["tallies"], unit=str(months.office.public_id))
    token = administrator.text.split('id="secret" readonly value="')[1].split('"')[0]
    points = answer_to(make, f"/briefings/{months.code}/points", token).get_json()
    assert [one["name"] for one in points["items"]] == ["Cầu Sở", "Lớp"]
    assert "Hoa" not in str(points)
    month = answer_to(make, f"/months?month={months.day:%Y-%m}", token).get_json()
    assert (month["unit"]["name"], month["month"]) == ("Sở Y tế", f"{months.day:%Y-%m}")
    for path in (f"/briefings/{months.code}/points?", "/months?"):
        assert answer_to(make, f"{path}unit={months.root.public_id}", token).status_code == 404
        assert answer_to(make, f"{path}category=vien_chuc", token).status_code == 403
        assert answer_to(make, f"{path}until=31/13/2025", token).status_code == 400
    assert answer_to(make, "/months?month=2026-13", token).status_code == 400
    assert answer_to(make, "/briefings/khong-co/points", token).status_code == 404


def test_what_is_told_of_a_day_or_a_category_costs_the_same_however_many_people_there_are(
    app: Flask, make: Make, months: Months
) -> None:
    browser, costs = looking(make, months), list[list[int]]()
    asked = [f"until={months.day}", "category=vien_chuc", f"until={months.day}&category=vien_chuc"]
    paths = [f"/reports/units/{months.root.public_id}/{form}?{one}" for form in ("03", "05") for one in asked]
    for people in (0, 40):
        with make.writing() as session:
            hired(session, months.office, people, since=LONG_AGO)
            for briefing_id in session.scalars(select(Briefing.id)).all():
                settle_briefing(session, briefing_id)
        costs.append([])
        for path in paths:
            browser.get(path)
            with count_queries(app) as counted:
                assert browser.get(path).status_code == 200, path
            costs[-1].append(len(counted))
    assert costs[0] == costs[1]
    assert max(costs[0]) <= 25, costs
