"""The page of a unit: the answer in one sentence, four numbers, the table, and the same numbers as JSON and CSV."""

import csv
import gzip
import html
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from analytics.dashboard.rules import FOLDED_FROM, SHOWN
from analytics.facts.vocabulary import STATES
from courses.catalog.models import Course
from courses.enrolment.actions import decide
from courses.enrolment.models import Assignment, Briefing
from lms import clock
from lms.accounts.actions import grant_role
from lms.accounts.models import Person
from lms.organisation.actions import create_unit
from lms.organisation.models import PARTY_TREE, Unit
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.briefed import AT_A_POINT, WITH_REFLECTION, come, open_briefing
from tests.browser import Browser
from tests.counting import count_queries
from tests.library_course import load_built_in_course
from tests.make import LONG_AGO, Make


def shown(browser: Browser, address: str) -> str:
    """The code of the briefing a page is about."""
    browser.get(address)
    [code] = re.findall(r'briefing=([^"&]+)[^>]*aria-current="page"', browser.text)
    return str(code)


def test_the_dashboard_opens_on_the_briefing_looked_at_last_and_never_on_one_just_given(
    make: Make, tmp_path: Path
) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(begun=3))
    open_briefing(make, unit, policy=AT_A_POINT, title="Đợt vừa giao")
    browser, address = head_of(make, unit), f"/dashboard/units/{unit.public_id}"
    assert shown(browser, address) == "demo"
    assert shown(browser, f"{address}?briefing=dot-1") == "dot-1"
    assert shown(browser, address) == "dot-1"
    assert shown(browser, f"{address}/charts") == "dot-1"
    assert shown(head_of(make, unit), address) == "demo"


def text_of(browser: Browser) -> str:
    """The words of the page as they are read, without their markup."""
    main = opened_in(browser.text.split("<main", 1)[1].split("</main>")[0])
    main = re.sub(r"<[^>]*>", " ", re.sub(r"</?(?:strong|span)[^>]*>", "", main))
    return " ".join(html.unescape(main).replace("\u00a0", " ").split())


def head_of(make: Make, unit: Unit) -> Browser:
    """A browser of the head of the unit, who is counted nowhere."""
    return make.browser(make.person("Trưởng Đơn Vị", role="head", over=unit))


def opened_in(markup: str) -> str:
    """The page without the links of its figures, which stand in the middle of words such as "(4/6)"."""
    return re.sub(r'<a class="opened"[^>]*>([^<]*)</a>', r"\1", markup)


def rows_of(browser: Browser) -> dict[str, str]:
    """The words of each row of the table by the name of its unit."""
    found = {}
    for row in re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", browser.text, re.S):
        cells = [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in re.split(r"</t[hd]>", opened_in(row))]
        found[html.unescape(cells[0])] = html.unescape(" | ".join(cell for cell in cells[1:-1] if cell)).replace(
            "\u00a0", " "
        )
    return found


def test_the_first_screen_of_a_head_says_whether_the_unit_has_been_briefed(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(completed=4, briefed=1, begun=2, not_begun=1))
    browser = head_of(make, unit)
    browser.get("/")
    assert browser.path == f"/dashboard/units/{unit.public_id}"
    page = text_of(browser)
    assert (
        "Chưa quán triệt đủ: còn 3 trong 8 người phải học chưa được quán triệt nội dung khóa học “Khóa học nhỏ”."
        in page
    )
    assert "còn 14 ngày" in page
    assert re.search(
        r"Đến \d+ giờ \d\d phút ngày \d\d/\d\d/\d{4}, toàn Sở Y tế có 5/8 cán bộ, đảng viên được học tập, quán triệt "
        r"nội dung khóa học “Khóa học nhỏ”, đạt 62,5 %; 4 người hoàn thành \(50 %\)\.",
        page,
    ), page
    for figure in ("Phải học (A) 8", "Đã quán triệt (B) 5", "Hoàn thành (C) 4", "Quá hạn 0"):
        assert figure in page
    assert "Theo đơn vị" not in page  # nothing stands below


def test_once_all_are_briefed_the_answer_is_yes(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(completed=4, briefed=1))
    browser = head_of(make, unit)
    browser.get("/dashboard/")
    page = text_of(browser)
    assert "Đã được quán triệt: toàn bộ 5 người phải học đã được quán triệt" in page
    assert "Còn 1 người chưa hoàn thành." in page
    staffed(make, course_id, unit, Staff(not_begun=1))
    browser.get("/dashboard/")
    assert "Chưa quán triệt đủ: còn 1 trong 6 người" in text_of(browser)


@pytest.mark.parametrize(("staff", "tone"), [(Staff(not_begun=2), "waiting"), (Staff(briefed=2), "good")])
def test_where_nobody_has_a_due_date_the_page_says_so(make: Make, tmp_path: Path, staff: Staff, tone: str) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    office = make.unit("Văn phòng", under=unit)
    assigned(make, course_id, unit)
    with make.writing() as session:
        session.execute(update(Assignment).values(due_at=None))
    staffed(make, course_id, office, staff)
    browser = head_of(make, unit)
    assert browser.get("/dashboard/").status_code == 200
    assert "Chưa đặt hạn hoàn thành." in text_of(browser)
    assert f"answer--{tone}" in browser.text
    for page in ("/charts", "/numbers/people", "/numbers/overdue", "/peers", "/missing", ".csv", ".json"):
        assert browser.get(f"/dashboard/units/{unit.public_id}{page}").status_code == 200, page


@pytest.mark.parametrize("others", [0, 2])
def test_exempt_people_of_the_unit_itself_stay_in_the_sums(make: Make, tmp_path: Path, others: int) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    office = make.unit("Văn phòng", under=unit)
    assigned(make, course_id, unit)
    staffed(make, course_id, office, Staff(not_begun=others))
    person = make.person("Người Được Miễn", unit=unit)
    with make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        decide(session, briefing, session.get_one(Person, person.id), "exempt", reason="Ốm", approved_by="Thủ trưởng")
    browser = head_of(make, unit)
    address = f"/dashboard/units/{unit.public_id}"
    figures = json.loads(browser.get(f"{address}.json").text)
    assert (figures["total"]["people"], figures["total"]["exempt"]) == (others, 1)
    for page in ("", "/charts", "/charts/modules.csv", "/charts/units.csv", "/numbers/people", "/missing", ".csv"):
        assert browser.get(f"{address}{page}").status_code == 200, page
    browser.get(address)
    assert ("Không có ai phải học:" in text_of(browser)) == (others == 0)
    assert "không kể đơn vị trực thuộc" not in text_of(browser)  # the row of nobody who must study is not shown


def test_what_is_asked_is_told_as_the_policy_of_the_briefing_has_it(make: Make, tmp_path: Path) -> None:
    """Before, every page said that lessons and tests were asked, also where a meeting and a reflection were."""
    course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    person = make.person("Lê Văn Ánh", unit=unit)
    make.person("Nông Thị Lan", unit=make.unit("Văn phòng", under=unit))
    come(make, open_briefing(make, unit, policy=WITH_REFLECTION), person)
    browser = head_of(make, unit)
    browser.get("/dashboard/")
    page = text_of(browser)
    assert "Đã quán triệt (B) = có mặt tại điểm cầu; hoàn thành (C) = B VÀ thu hoạch đạt." in page
    for false in ("bài học của khóa học", "bài kiểm tra", "đạt kiểm tra", "còn kiểm tra", "Chưa đạt kiểm tra"):
        assert false not in html.unescape(browser.text), false
    assert "Đã quán triệt, chưa hoàn thành" in page
    assert f"{STATES['under_way'][0]}, đã quán triệt đủ" in page  # the word the reports have for the same unit
    browser.get(f"/dashboard/units/{unit.public_id}/missing")
    assert "Chưa đạt kiểm tra" not in browser.text
    assert "Sở Y tế · Còn thiếu: bài thu hoạch · hạn" in text_of(browser)


def test_the_sentence_names_the_resolution_and_counts_the_units(make: Make) -> None:
    load_built_in_course(make)
    with make.reading() as session:
        course_id = session.scalars(select(Course.id)).one()
    root = make.unit("Tỉnh Tuyên Quang")
    done, idle, empty = (make.unit(name, under=root) for name in ("Sở Nội vụ", "Sở Y tế", "Ban Dân tộc"))
    assigned(make, course_id, root, due_in=timedelta(days=-3))
    staffed(make, course_id, idle, Staff(not_begun=3))
    staffed(make, course_id, done, Staff(not_begun=1))
    browser = head_of(make, root)
    browser.get("/dashboard/")
    page = text_of(browser)
    assert "toàn tỉnh Tuyên Quang có 0/4 cán bộ, đảng viên được học tập, quán triệt Nghị quyết số 48-NQ/TU" in page
    assert "0/2 đơn vị (kể cả cấp dưới) đạt 100 %, 2 đơn vị chưa triển khai" in page
    assert "đã qua" in page
    assert "4 người đã quá hạn" in page
    assert empty.name not in rows_of(browser)
    assert "Không có người phải học: Ban Dân tộc." in page.replace(" .", ".")


def test_people_late_by_an_earlier_date_are_told_apart_from_the_date_of_all(make: Make, tmp_path: Path) -> None:
    """Before, one line said "còn 14 ngày" and "đã quá hạn" of the same date."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    early, other = make.unit("Huyện Lâm Bình", under=root), make.unit("Sở Y tế", under=root)
    assigned(make, course_id, root)
    assigned(make, course_id, early, due_in=timedelta(days=-2))
    staffed(make, course_id, early, Staff(not_begun=3))
    staffed(make, course_id, other, Staff(completed=1, not_begun=1))
    browser = head_of(make, root)
    browser.get("/dashboard/")
    page = text_of(browser)
    assert "còn 14 ngày." in page
    assert re.search(r"3 người ở 1 đơn vị có hạn sớm hơn \(\d\d/\d\d/\d{4}\) đã quá hạn: Huyện Lâm Bình", page), page
    assert "answer--waiting" in browser.text
    assert list(rows_of(browser)) == ["Huyện Lâm Bình", "Sở Y tế", "Tổng cộng"]
    browser.get(link(browser, "Huyện Lâm Bình"))
    page = text_of(browser)
    assert "đã qua. 3 người đã quá hạn." in page
    assert "có hạn sớm hơn" not in page
    assert "answer--bad" in browser.text


def test_the_table_leads_down_one_level_at_a_time_and_back(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    middle = make.unit("Sở Nông nghiệp và Phát triển nông thôn", under=root)
    leaf = make.unit("Chi cục Kiểm lâm", under=middle)
    assigned(make, course_id, root)
    staffed(make, course_id, root, Staff(completed=1))
    staffed(make, course_id, middle, Staff(completed=3))
    staffed(make, course_id, leaf, Staff(briefed=1, begun=1, not_begun=1))
    browser = head_of(make, root)
    browser.get("/dashboard/")
    assert rows_of(browser) == {
        middle.name: "66,7 % (4/6) | +66,7 (+4) | 3 (50,0 %) | 0 | Đang triển khai",
        "Cơ quan Tỉnh (không kể đơn vị trực thuộc)": "100,0 % (1/1) | +100,0 (+1) | 1 (100,0 %) | 0 | Hoàn thành",
        "Tổng cộng": "71,4 % (5/7) | +71,4 (+5) | 4 (57,1 %) | 0 | Đang triển khai",
    }
    browser.get(link(browser, middle.name))
    assert rows_of(browser)["Chi cục Kiểm lâm"] == "33,3 % (1/3) | +33,3 (+1) | 0 (0,0 %) | 0 | Đang triển khai"
    browser.get(link(browser, leaf.name))
    assert "<h1>Chi cục Kiểm lâm</h1>" in browser.text
    browser.get(link(browser, "Tỉnh"))
    assert "<h1>Tỉnh</h1>" in browser.text


def test_the_last_seven_days_are_told_apart_from_what_was_before(make: Make, tmp_path: Path) -> None:
    """By the day in Vietnam on which people were briefed; by the structure of another day the same."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    unit = make.unit("Sở Y tế", under=root)
    assigned(make, course_id, root)
    midnight = clock.end_of_day(clock.today() - timedelta(days=7)) + timedelta(seconds=1)
    staffed(make, course_id, unit, Staff(not_begun=4))
    for moment, staff in ((midnight - timedelta(seconds=2), Staff(briefed=3)), (midnight, Staff(briefed=1))):
        with clock.moved_to(moment):
            staffed(make, course_id, unit, staff)
    browser = head_of(make, root)
    for on in ("", "?on=2025-01-31"):
        browser.get(f"/dashboard/units/{root.public_id}{on}")
        assert rows_of(browser)["Sở Y tế"].startswith("50,0 % (4/8) | +12,5 (+1) | 0 (0,0 %)"), on


def test_the_table_is_sorted_by_any_column_and_folds_after_the_most_urgent(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    assigned(make, course_id, root)
    for number in range(FOLDED_FROM + 1):
        staffed(make, course_id, make.unit(f"Sở {number:02}", under=root), Staff(briefed=number, not_begun=1))
    browser = head_of(make, root)

    def names() -> list[str]:
        return [name for name in rows_of(browser) if name.startswith("Sở")]

    browser.get(f"/dashboard/units/{root.public_id}")
    urgent = [f"Sở {number:02}" for number in range(FOLDED_FROM + 1)]
    assert names() == urgent[:SHOWN]
    assert f"Bảng mới có <strong>{SHOWN}</strong> trong {len(urgent)} cơ quan, đơn vị." in browser.text
    assert ">Tổng cộng mọi đơn vị<" in browser.text
    browser.get(link(browser, "Trạng thái", of="sort"))
    browser.get(link(browser, f"Xem cả {len(urgent)} cơ quan, đơn vị", of="button button--quiet"))
    assert names() == urgent
    assert f"Bảng có cả {len(urgent)} cơ quan, đơn vị." in browser.text
    assert ">Tổng cộng<" in browser.text
    assert 'aria-sort="ascending"><a class="sort"' in browser.text
    browser.get(link(browser, f"Chỉ xem {SHOWN} dòng đầu", of="button button--quiet"))
    assert names() == urgent[:SHOWN]
    assert 'aria-sort="ascending"><a class="sort"' in browser.text
    browser.get(f"/dashboard/units/{root.public_id}?rows=all")
    assert names() == urgent
    assert "aria-sort" not in browser.text
    browser.get(link(browser, "Quá hạn", of="sort"))
    assert re.findall(r'aria-sort="(\w+)"><a class="sort"[^>]*>([^<]*)<', browser.text) == [("descending", "Quá hạn")]
    assert names() == urgent  # nobody is late: equals stand as before
    browser.get(link(browser, "Hoàn thành (C)", of="sort"))
    browser.get(link(browser, "Đã quán triệt (B/A)", of="sort"))
    assert "briefing=demo" in link(browser, "Đã quán triệt (B/A)", of="sort")
    browser.get(link(browser, "Đã quán triệt (B/A)", of="sort"))
    assert names() == urgent[::-1]
    browser.get(f"/dashboard/units/{root.public_id}?sort=-name&on=2025-01-31&rows=all")
    assert names() == urgent[::-1]
    assert "on=2025-01-31" in link(browser, "Trạng thái", of="sort")
    assert "rows=all" in link(browser, "Trạng thái", of="sort")
    browser.get(f"/dashboard/units/{root.public_id}?sort=khac&rows=khac")
    assert names() == urgent[:SHOWN]


def link(browser: Browser, words: str, *, of: str = "") -> str:
    """The address behind these words; `of`: of a link with that class."""
    kind = f' class="{of}"' if of else ""
    found = re.search(rf'<a{kind} href="([^"]+)">{re.escape(words)}</a>', browser.text)
    assert found, words
    return html.unescape(found[1])


def test_the_path_above_begins_where_ones_own_scope_does(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh Kín")
    mine = make.unit("Sở Y tế", under=root)
    below = make.unit("Bệnh viện", under=mine)
    assigned(make, course_id, root)
    staffed(make, course_id, below, Staff(completed=1))
    browser = head_of(make, mine)
    browser.get(f"/dashboard/units/{below.public_id}")
    assert 'aria-label="Đường dẫn"' in browser.text
    assert link(browser, "Sở Y tế")
    assert "Tỉnh Kín" not in browser.text


def test_units_of_three_and_of_three_thousand_are_weighed_by_their_people(make: Make, tmp_path: Path) -> None:
    """3/3 and 2.999/3.000: neither the mean, nor 100 % before the last one has come."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    small, large = make.unit("Xã nhỏ", under=root), make.unit("Sở lớn", under=root)
    assigned(make, course_id, root)
    staffed(make, course_id, small, Staff(not_begun=3))
    staffed(make, course_id, large, Staff(briefed=2999, not_begun=1))
    browser = head_of(make, root)
    browser.get("/dashboard/")
    rows = rows_of(browser)
    assert rows["Sở lớn"].startswith("99,9 % (2.999/3.000)")
    assert rows["Tổng cộng"].startswith("99,9 % (2.999/3.003)")
    assert rows["Xã nhỏ"] == "0,0 % (0/3) | 0 | 0 (0,0 %) | 0 | Chưa triển khai"


def test_json_and_csv_say_what_the_page_says(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh", code="tinh")
    odd = make.unit('=1+1;"Sở" lạ', under=root, code="la")
    assigned(make, course_id, root, due_in=timedelta(days=-1))
    staffed(make, course_id, odd, Staff(completed=2, briefed=1, begun=1, not_begun=1))
    staffed(make, course_id, root, Staff(completed=1))
    browser = head_of(make, root)
    answer = browser.get(f"/dashboard/units/{root.public_id}.json")
    said = answer.get_json()
    ladder = {"people": 6, "started": 5, "briefed": 4, "completed": 3, "overdue": 3}
    ways = {"by_point": 0, "online": 4, "made_up": 0, "excused": 0, "unexcused": 0, "exempt": 0, "members": 0}
    assert said["total"] == ladder | ways | {"submitted": 0, "accepted": 0, "tested": 3, "scored": 3, "score": None}
    assert [one["people"] for one in said["units"]] == [5, 1]
    since = (clock.today() - timedelta(days=7)).isoformat()
    assert said["change"] == {"since": since, "briefed": 4, "completed": 3}
    assert [one["change"] for one in said["units"]] == [
        {"briefed": 3, "completed": 2},
        {"briefed": 1, "completed": 1},
    ]
    assert said["units_below"] == {"concerned": 1, "briefed": 0, "not_begun": 0}
    assert said["briefing"] == {"code": "demo", "title": "Khóa học nhỏ"}
    answer = browser.get(f"/dashboard/units/{root.public_id}.csv?briefing=demo")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=quan-triet_tinh_demo_")
    assert answer.mimetype == "text/csv"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(answer.data.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert rows[0][3:] == [
        "Phải học (A)",
        "Đã bắt đầu học",
        "Đã quán triệt (B)",
        "Tỷ lệ B/A",
        "Hoàn thành (C)",
        "Tỷ lệ C/A",
        "Quá hạn",
        "Quán triệt thêm trong 7 ngày (người)",
        "B/A tăng trong 7 ngày (điểm %)",
    ]
    assert rows[1] == ["1", "la", '\'=1+1;"Sở" lạ', "5", "4", "3", "60 %", "2", "40 %", "3", "3", "60"]
    assert rows[-1] == ["", "tinh", "Tổng cộng: Tỉnh", "6", "5", "4", "66,7 %", "3", "50 %", "3", "4", "66,7"]


@pytest.mark.parametrize("address", [".json", ".csv", "/missing"])
def test_a_course_that_nobody_here_studies_has_no_figures(make: Make, tmp_path: Path, address: str) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    browser = head_of(make, unit)
    assert browser.get(f"/dashboard/units/{unit.public_id}{address}").status_code == 404
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(not_begun=1))
    assert browser.get(f"/dashboard/units/{unit.public_id}{address}").status_code == 200
    assert browser.get(f"/dashboard/units/{unit.public_id}{address}?briefing=khac").status_code == 404


def test_where_no_course_is_assigned_the_page_says_so_and_what_to_do(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    browser = head_of(make, unit)
    browser.get("/dashboard/")
    assert "Chưa có khóa học nào được giao" in browser.text
    assert "đề nghị quản trị viên giao khóa học" in browser.text
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(not_begun=1))
    browser.get(f"/dashboard/units/{unit.public_id}?briefing=khac")
    assert "Khóa học này chưa được giao cho ai trong đơn vị." in browser.text
    browser.get(link(browser, "Khóa học nhỏ"))
    assert "Chưa quán triệt đủ:" in browser.text


def test_an_administrator_is_led_to_assigning_and_a_body_without_staff_is_called_one(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    body = make.unit("Ban Chỉ đạo chuyển đổi số")
    with make.writing() as session:
        session.get_one(Unit, body.id).counted = False
    browser = make.browser(make.person(role="administrator"))
    browser.get(f"/dashboard/units/{unit.public_id}")
    assert "đề nghị quản trị viên" not in browser.text
    assert f'class="button" href="/assignments/new?unit={unit.public_id}"' in browser.text
    browser.get(f"/assignments/new?unit={unit.public_id}")
    assert f'<option selected value="{unit.public_id}">' in browser.text
    browser.get(f"/dashboard/units/{body.public_id}")
    assert "Tổ chức này không có biên chế riêng" in browser.text
    assert "Chưa có khóa học nào được giao" not in browser.text


def test_an_administrator_gives_the_course_from_where_it_is_missing(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    browser = make.browser(make.person(role="administrator"))
    browser.get(f"/dashboard/units/{unit.public_id}")
    assert "đề nghị quản trị viên" not in browser.text
    (address,) = re.findall(r'href="(/assignments/new[^"]*)">Giao khóa học', browser.text)
    browser.get(address)
    assert f'selected value="{unit.public_id}"' in browser.text


def test_a_body_without_staff_of_its_own_says_so_instead_of_asking_for_a_course(make: Make) -> None:
    unit = make.unit("Ban Chỉ đạo chuyển đổi số")
    with make.writing() as session:
        session.get_one(Unit, unit.id).counted = False
    for browser in (head_of(make, unit), make.browser(make.person(role="administrator"))):
        browser.get(f"/dashboard/units/{unit.public_id}")
        assert "không có biên chế riêng; cán bộ được tính ở cơ quan của mình" in browser.text
        assert "giao khóa học" not in text_of(browser).lower()


def test_a_head_of_several_units_chooses_and_one_of_none_heads_nothing(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    first, second, ended = (make.unit(name, under=root) for name in ("Sở A", "Sở B", "Sở Cũ"))
    assigned(make, course_id, root)
    with make.writing() as session:
        session.get_one(Unit, ended.id).valid_to = date(2025, 7, 1)
    person = make.person("Kiêm Nhiệm", role="head", over=first)
    with make.writing() as session:
        for unit in (second, ended):
            grant_role(session, session.merge(person), "head", unit=unit, since=LONG_AGO)
    browser = make.browser(person)
    browser.get("/dashboard/")
    assert browser.path == "/dashboard/"
    assert "Sở Cũ" not in browser.text
    assert [f"/dashboard/units/{one.public_id}" in browser.text for one in (first, second)] == [True, True]
    browser = make.browser(make.person("Hết Nhiệm", role="head", over=ended))
    assert browser.get("/dashboard/").status_code == 404  # a role over a unit that has ended gives nothing


def test_whoever_heads_only_a_party_organisation_is_told_that_nothing_is_counted_there(make: Make) -> None:
    with make.writing() as session:
        party = create_unit(
            session, code="db", name="Đảng bộ", kind="party_body", parent=None, since=LONG_AGO, tree=PARTY_TREE
        )
    browser = make.browser(make.person("Bí Thư", role="head", over=party))
    browser.get("/dashboard/")
    assert browser.path == "/dashboard/"
    assert "Hiện không có cơ quan, đơn vị nào thuộc phạm vi theo dõi." in browser.text


def test_an_administrator_begins_at_the_root(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    unit = make.unit("Sở Y tế", under=root)
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(completed=1))
    browser = make.browser(make.person(role="administrator"))
    browser.get("/dashboard/")
    assert browser.path == f"/dashboard/units/{root.public_id}"
    assert rows_of(browser)["Sở Y tế"].startswith("100,0 % (1/1)")


def test_names_of_units_are_text_on_the_page_and_in_the_chart(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    hostile = '<img src=x onerror="alert(1)">\'"</script><b>'
    root = make.unit(hostile)
    unit = make.unit(hostile, under=root)
    assigned(make, course_id, root)
    staffed(make, course_id, root, Staff(completed=1))
    staffed(make, course_id, unit, Staff(completed=1))
    browser = head_of(make, root)
    browser.get("/dashboard/")
    assert "<img" not in browser.text
    assert "<b>" not in browser.text
    figure = json.loads(html.unescape(re.findall(r'data-figure="([^"]*)"', browser.text)[0]))
    assert figure["layout"]["annotations"][0]["text"].startswith("&lt;img src=x")


def test_the_page_is_read_before_plotly_arrives_and_is_small(make: Make, tmp_path: Path) -> None:
    """G6: numbers and table within 60 kB as sent, style sheet and script included; the library is fetched later."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    assigned(make, course_id, root)
    for number in range(15):
        unit = make.unit(f"Sở Nông nghiệp và Phát triển nông thôn {number}", under=root)
        staffed(make, course_id, unit, Staff(completed=number, briefed=2, begun=3, not_begun=4))
    browser = head_of(make, root)
    page = browser.get("/dashboard/").data
    loaded = re.findall(rb'<(?:link rel="stylesheet"|script)[^>]*(?:href|src)="([^"]+)"', page)
    assert len(loaded) == 3
    assert not any(b"plotly" in address for address in loaded)
    assert b"Xem danh s" in page.split(b"data-figure")[0]
    files = []
    for address in loaded:
        with browser.client.get(address.decode()) as answer:
            files.append(answer.data)
    assert sum(len(gzip.compress(one)) for one in (page, *files)) < 26_000


@pytest.mark.parametrize("people", [40, 400])
def test_a_page_costs_the_same_few_statements_for_any_number_of_people(make: Make, tmp_path: Path, people: int) -> None:
    """G14: at most eight, the look-up of who is asking included."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    assigned(make, course_id, root)
    for number in range(5):
        unit = make.unit(f"Sở {number}", under=root)
        staffed(make, course_id, unit, Staff(*[people // 20] * 4))
    with make.writing() as session:
        session.execute(update(Assignment).values(assigned_at=clock.now() - timedelta(days=2)))
    browser = head_of(make, root)
    address = f"/dashboard/units/{root.public_id}"
    browser.get(address)
    costs = {}
    for path in ("", ".json", ".csv", "/missing"):
        for on in ("", "?on=2025-01-31", "?category=cong_chuc", f"?until={clock.today() - timedelta(days=1)}"):
            with count_queries(make.app) as counted:
                assert browser.get(address + path + on).status_code == 200
            assert len(counted) <= (12 if on else 8), counted
            costs[path + on.split("=")[0]] = len(counted)
    assert costs == {
        "": 8,
        ".json": 6,
        ".csv": 6,
        "/missing": 8,
        "?on": 10,
        "?category": 8,
        ".json?category": 6,
        ".csv?category": 6,
        "/missing?category": 8,
        "?until": 12,  # absences and reflections of that day
        ".json?until": 11,
        ".csv?until": 11,
        ".json?on": 9,
        ".csv?on": 9,
        "/missing?on": 11,
        "/missing?until": 12,
    }
