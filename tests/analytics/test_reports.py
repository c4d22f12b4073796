"""Reports upward: one catalogue for page, files and JSON; parents that are sums; kept, sent up, mailed, taken out."""

import csv
import io
import json
import re
import shutil
import subprocess
import uuid
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import docx
import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError

from analytics.dashboard.rules import unit_state
from analytics.facts.models import Tally
from analytics.facts.rules import Count
from analytics.facts.vocabulary import METRICS
from analytics.reports import actions, papers, queries
from analytics.reports.loader import Unreadable, paper_of
from analytics.reports.models import ReportFile, ReportSchedule, ReportSnapshot, ReportSubmission
from analytics.reports.rules import (
    Column,
    Figures,
    Node,
    SumsDisagree,
    Words,
    as_bytes,
    check,
    chosen_wrong,
    code_of,
    correlation,
    differences,
    digest,
    is_due,
    levels_that_fit,
    next_due,
    shown,
    state_of,
    summed,
    typed_code,
    value_of,
)
from assessments.attempts.models import Attempt, AttemptItem
from assessments.bank.actions import load_questions
from assessments.bank.models import QuestionVersion
from assessments.papers.models import Test
from courses.briefings.actions import freeze_roll
from courses.briefings.models import Attendance, BriefingSession, MeetingPoint, Standing
from courses.briefings.projector import settle_briefing
from courses.briefings.rules import POINT, Asked, Policy
from courses.catalog.models import Course, CourseVersion
from courses.enrolment.models import Briefing
from courses.meetings.models import PointSighting
from courses.reminders.models import ReminderSent
from lms import clock, sqlite
from lms.accounts.models import Person
from lms.audit.models import AuditEntry
from lms.clock import day_of
from lms.notices.models import Notice
from lms.organisation.models import Unit
from lms.outbox.cli import Worker
from lms.outbox.models import Job
from lms.roster.actions import taken_apart
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.analytics.test_dashboard import text_of
from tests.briefed import briefing_in
from tests.browser import Browser
from tests.counting import count_queries
from tests.floor.walk import send
from tests.kept import kept
from tests.make import Make

CANARY = "Hoàng Yến"
FORMULA = "=1+1 Sở Nhỏ"


@dataclass
class Province:
    """A province with an agency of 3 people and one of 13, part of which is an office; and their heads."""

    root: Unit
    small: Unit
    large: Unit
    office: Unit
    head: Person
    head_of_small: Person
    head_of_large: Person
    administrator: Person
    learner: Person


@pytest.fixture
def province(make: Make, tmp_path: Path) -> Province:
    return kept(make, tmp_path, built)


def built(make: Make, folder: Path) -> Province:
    course_id = course_loaded(make, folder)
    root = make.unit("Tỉnh Mẫu", code="tinh")
    small = make.unit(FORMULA, under=root, code="nho")
    large = make.unit("Sở Lớn", under=root, code="lon")
    office = make.unit("Phòng Một", under=large, code="phong")
    assigned(make, course_id, root, due_in=timedelta(days=-1))
    staffed(make, course_id, small, Staff(completed=1, briefed=1, not_begun=1), names=[f"{CANARY} {n}" for n in "123"])
    staffed(make, course_id, large, Staff(completed=4, begun=2))
    staffed(make, course_id, office, Staff(briefed=5, not_begun=2))
    first, second, third = (make.person(f"Trưởng {one.code}", role="head", over=one) for one in (root, small, large))
    administrator = make.person("Quản Trị", role="administrator")
    return Province(root, small, large, office, first, second, third, administrator, make.person())


def address(unit: Unit, rest: str = "") -> str:
    return f"/reports/units/{unit.public_id}{rest}"


def told_of(make: Make, unit: Unit) -> queries.Subject:
    with make.reading() as session:
        briefing_id = session.scalars(select(Briefing.id)).one()
        found = queries.subject(session, session.get_one(Unit, unit.id), briefing_id, now=clock.now())
    assert found is not None
    return found


def cells_of_page(page: str) -> list[list[str]]:
    """The rows of the table, without marks of depth."""
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    bare = re.sub(r'<span aria-hidden="true">[^<]*</span>', "", body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in bare.split("<tr>")[1:]]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in rows]


def cells_of_csv(content: bytes) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))[1:]
    return [[cell.removeprefix("'") for cell in row] for row in rows]


def cells_of_docx(content: bytes) -> list[list[str]]:
    table = docx.Document(io.BytesIO(content)).tables[1]
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    return [row for row in rows if not row[0].startswith(("TT", "("))]


def cells_of_xlsx(content: bytes) -> list[list[str]]:
    """Numbers are numbers there, and are written as our pages write them; all other cells are texts."""
    (sheet,) = taken_apart(content).sheets
    start = next(place for place, line in enumerate(sheet.lines) if line.cell(0) == "(1)") + 1
    rows = [[line.cell(place) for place in range(25)] for line in sheet.lines[start:]]
    end = next(place for place, row in enumerate(rows) if row[1] == "TỔNG CỘNG") + 1
    return [[re.sub(r"^(\d+)\.0$", r"\1", cell) for cell in row] for row in rows[:end]]


def test_page_csv_workbook_document_pdf_and_json_say_the_same(make: Make, province: Province) -> None:
    browser = make.browser(province.head)
    page = cells_of_page(browser.get(address(province.root, "/01")).text)
    assert [row[1] for row in page] == [
        FORMULA,
        "Sở Lớn",
        "Cơ quan Sở Lớn (không kể đơn vị trực thuộc)",
        "Phòng Một",
        "TỔNG CỘNG",
    ]
    files = {kind: browser.client.get(address(province.root, f"/01.{kind}")).data for kind in KINDS}
    assert cells_of_csv(files["csv"]) == page
    assert cells_of_docx(files["docx"]) == page
    assert cells_of_xlsx(files["xlsx"]) == page
    paper = json.loads(files["json"])
    order = [column["code"] for column in paper["columns"]]
    lines = [*paper["lines"], paper["total"]]
    assert [[line["shown"][code] for code in order] for line in lines] == page
    assert len(order) == 25
    total = dict(zip(order, page[-1], strict=True))
    assert (total["people"], total["briefed"], total["briefed_rate"], total["state"]) == ("16", "11", "68,8", "Quá hạn")
    assert files["pdf"].startswith(b"%PDF")
    if reader := shutil.which("pdftotext"):
        read = subprocess.run([reader, "-layout", "-", "-"], input=files["pdf"], capture_output=True, check=True)
        words = read.stdout.decode()
        assert all(cell in words for row in page for cell in row if re.fullmatch(r"[\d.,]+", cell))


KINDS = ("csv", "docx", "xlsx", "pdf", "json")


def test_the_figures_are_those_of_the_dashboard(make: Make, province: Province) -> None:
    browser = make.browser(province.head)
    dashboard = json.loads(browser.client.get(f"/dashboard/units/{province.root.public_id}.json").data)
    report = json.loads(browser.client.get(address(province.root, "/01.json")).data)
    for name in ("people", "briefed", "completed", "overdue", "online", "exempt"):
        assert report["total"]["cells"][name] == dashboard["total"][name]
    told = json.loads(browser.client.get("/reports/metrics.json").data)["metrics"]
    assert [one["code"] for one in told] == [one.code for one in METRICS]
    assert "2/3" not in report["sentence"]
    done = "5 người hoàn thành (31,3\u00a0%); 0/3 đơn vị đạt 100\u00a0%, 0 đơn vị chưa triển khai."
    assert report["sentence"].endswith(done)


def node(key: str, people: int, briefed: int, *children: Node) -> Node:
    own = Figures(Count(people=people, started=briefed, briefed=briefed, online=briefed))
    return Node(key, key, own, summed(own, children), children)


def test_column_4_is_the_roll_that_was_frozen_last_and_empty_where_none_was(make: Make, province: Province) -> None:
    def columns() -> tuple[list[list[str]], str]:
        told = json.loads(browser.client.get(address(province.root, "/01.json?levels=1")).data)
        codes = ("frozen", "frozen_members", "frozen_others", "people")
        lines = [*told["lines"], told["total"]]
        return [[line["shown"][code] for code in codes] for line in lines], " ".join(told["notes"])

    browser = make.browser(province.head)
    rows, notes = columns()
    assert rows == [["", "", "", "3"], ["", "", "", "13"], ["", "", "", "16"]]
    for said in (notes, browser.get(address(province.root, "/01")).text):
        assert "Đợt này chưa chốt sĩ số: cột 4, 5, 6 để trống." in said
    with make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        session.scalars(select(Person).where(Person.full_name == f"{CANARY} 1")).one().party = "chinh_thuc"
        session.flush()  # the standings are read next
        settle_briefing(session, briefing.id)
        freeze_roll(session, briefing, reason="Chốt")
    make.person("Người Mới Đến", unit=province.small)
    with make.writing() as session:
        settle_briefing(session, briefing.id)
    rows, notes = columns()
    assert rows == [["3", "1", "2", "4"], ["13", "0", "13", "13"], ["16", "1", "15", "17"]]
    assert "Cột 4, 5, 6 theo sĩ số chốt lúc" in notes
    browser.get(f"/dashboard/units/{province.root.public_id}/numbers/frozen")
    page = text_of(browser)
    assert ("Sĩ số chốt 16" in page, "Sĩ số hiện nay 17" in page) == (True, True)


def test_a_parent_of_a_unit_of_3_and_one_of_3000_is_their_sum_and_not_the_mean_of_their_rates() -> None:
    top = node("tỉnh", 0, 0, node("nhỏ", 3, 3), node("lớn", 3_000, 600))
    check(top, top.whole)
    rate = value_of(top.whole, "briefed", "people")
    assert rate == (603, 3_003)
    assert shown(Column("briefed_rate", "", "rate"), rate, Words({})) == "20,1"  # the mean of the rates would be 60,0
    wrong = replace(top, whole=Figures(Count(people=3_003, started=604, briefed=604, online=604)))
    for known in (wrong.whole, top.whole):
        with pytest.raises(SumsDisagree):
            check(wrong, known)
    with pytest.raises(SumsDisagree):
        check(top, Figures(Count(people=3_004)))


def test_no_report_is_made_of_tallies_that_do_not_add_up(make: Make, province: Province) -> None:
    with make.writing() as session:
        session.execute(update(Tally).where(Tally.unit_id == province.office.id).values(briefed=Tally.briefed - 1))
    answer = make.browser(province.head).get(address(province.root, "/01"))
    assert answer.status_code == 409
    assert "lms verify" in answer.text
    of = told_of(make, province.root)
    with make.reading() as session, pytest.raises(SumsDisagree):
        papers.by_unit(session, of, None)


def test_form_02_says_how_often_and_when_last_somebody_was_reminded(make: Make, province: Province) -> None:
    of = told_of(make, province.small)
    with make.reading() as session:
        first = papers.missing(session, of).lines[0]
    assert (first.cells["reminded"], first.cells["reminded_on"]) == (0, "")
    with make.writing() as session:
        own = session.scalars(select(Person.id).where(Person.public_id == uuid.UUID(first.key))).one()
        row = {"briefing_id": of.briefing_id, "person_id": own, "mailed": False}
        for days in (3, 1):
            at = of.now - timedelta(days=days)
            session.add(ReminderSent(**row, occasion=f"after {days}", sent_at=at))
    with make.reading() as session:
        cells = papers.missing(session, of).lines[0].cells
    assert (cells["reminded"], cells["reminded_on"]) == (2, day_of(of.now - timedelta(days=1)).isoformat())


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("rate", (0, 0), "–"),
        ("rate", (3, 3), "100,0"),
        ("rate", (9_999, 10_000), "99,9"),
        ("rate", (9_996, 10_000), "99,9"),
        ("rate", (2, 3), "66,7"),
        ("mean", (0, 0), "–"),
        ("mean", (40_615, 5), "8,1 (5)"),
        ("mean", (32_492, 4), "– (4)"),
        ("number", 35_599, "35.599"),
        ("number", None, ""),
        ("index", -250, "-0,25"),
        ("day", "2026-11-03", "03/11/2026"),
        ("state", "overdue", "Quá hạn"),
        ("text", "=1+1", "=1+1"),
        ("person", "nobody", ""),
    ],
)
def test_a_cell_is_shown_so_everywhere(kind: str, value: int | str | tuple[int, int] | None, words: str) -> None:
    assert shown(Column("c", "", kind), value, Words({"overdue": "Quá hạn"})) == words


def test_the_state_of_a_unit_is_the_one_the_dashboard_tells() -> None:
    cases = [Count(), Count(people=2), Count(2, 2, 2, 2), Count(2, 2, 1, 0, 1), Count(2, 2, 2, 1), Count(2, 1, 1, 0)]
    same = {"briefed": "under_way"}
    assert [state_of(one) for one in cases] == [same.get(unit_state(one), unit_state(one)) for one in cases]


def test_as_many_levels_are_shown_as_fit_and_at_least_one() -> None:
    wide = node("top", 0, 0, *(node(str(n), 1, 1, node(f"{n}a", 1, 1), node(f"{n}b", 1, 1)) for n in range(10)))
    assert [levels_that_fit(wide, most) for most in (5, 10, 29, 30)] == [1, 1, 1, 2]


def test_what_is_due_by_mail_on_which_day() -> None:
    friday = date(2026, 11, 27)
    assert is_due("daily", 1, friday)
    assert [is_due("weekly", place, friday) for place in (4, 5)] == [False, True]
    assert is_due("monthly", 31, date(2026, 11, 30))
    first, later = clock.start_of_day(date(2027, 2, 1)), clock.start_of_day(friday) + timedelta(hours=9)
    assert next_due("monthly", 31, first, first) == date(2027, 2, 28)
    assert next_due("weekly", 1, later, later) == date(2026, 11, 30)


def test_discrimination_and_the_wrong_option_chosen_most() -> None:
    assert correlation(4, 2, 2, 2, 2, 2) == pytest.approx(1)
    assert correlation(4, 2, 2, 2, 2, 0) == pytest.approx(-1)
    assert correlation(4, 4, 2, 4, 2, 2) is None
    answers = [([0], 5), ([2], 3), ([1], 3), ([1, 2], 1), (None, 9)]
    assert chosen_wrong("single", [0], answers) == (1, 4)
    assert chosen_wrong("order", [], answers) == (None, 0)


def freeze(make: Make, unit: Unit, form: str = "01") -> ReportSnapshot:
    of = told_of(make, unit)
    with make.writing() as session:
        made = papers.missing(session, of) if form == "02" else papers.by_unit(session, of, None)
        return actions.freeze(session, of, made, by=None)


def test_a_report_that_was_kept_is_the_same_in_every_byte_each_time(make: Make, province: Province) -> None:
    one = freeze(make, province.root)
    browser, files = make.browser(province.head), {}
    for kind in KINDS:
        files[kind] = browser.client.get(f"/reports/snapshots/{one.public_id}.{kind}").data
    staffed(make, told_of(make, province.root).course_id, province.small, Staff(completed=2))
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        later = make.browser(province.head)
        for kind in KINDS:
            assert later.client.get(f"/reports/snapshots/{one.public_id}.{kind}").data == files[kind], kind
    assert code_of(one.digest) in docx.Document(io.BytesIO(files["docx"])).element.xml
    assert as_bytes(paper_of(one.document)) == one.document
    assert digest(one.document) == one.digest


def test_a_kept_report_can_be_neither_changed_nor_removed(make: Make, province: Province) -> None:
    freeze(make, province.root)
    for change in ("UPDATE report_snapshot SET period = 'x'", "DELETE FROM report_snapshot"):
        with pytest.raises(DatabaseError, match="written once"), make.writing() as session:
            session.execute(text(change))


def kept_on_postgresql(make: Make, province: Province, document: bytes) -> ReportSnapshot:
    """A kept Biểu 05 as it was stored before sums were made whole numbers."""
    of = told_of(make, province.root)
    with make.writing() as session:
        one = ReportSnapshot(
            public_id=uuid.uuid4(),
            unit_id=of.unit.id,
            briefing_id=of.briefing_id,
            form="05",
            period=f"{clock.today():%Y-%m}",
            document=document,
            digest=digest(document),
            taken_at=of.now - timedelta(hours=1),
        )
        session.add(one)
        return one


def test_a_month_kept_with_its_sums_as_texts_is_read_with_its_figures_and_its_code(
    make: Make, province: Province
) -> None:
    """PostgreSQL adds sums up to decimals, and JSON writes these as texts: so such reports were kept for a day."""
    held(make, province, clock.now() - timedelta(hours=1))
    with make.writing() as session:
        session.execute(update(Standing).values(member=True))
    of = told_of(make, province.root)
    with make.reading() as session:
        paper = papers.monthly(session, of, f"{clock.today():%Y-%m}")
    assert paper.total is not None
    assert paper.total.cells["member_rate"] == (11, 16)
    document = re.sub(rb'"member_rate":\[(\d+),(\d+)\]', rb'"member_rate":["\1","\2"]', as_bytes(paper))
    assert document != as_bytes(paper)
    one, browser = kept_on_postgresql(make, province, document), make.browser(province.head)
    page = browser.get(f"/reports/snapshots/{one.public_id}")
    assert (page.status_code, code_of(one.digest) in page.text, "không còn khớp" in page.text) == (200, True, False)
    assert cells_of_page(page.text.split("Số liệu</h2>")[1])[-1][5] == "68,8"
    for kind in KINDS:
        assert browser.client.get(f"/reports/snapshots/{one.public_id}.{kind}").status_code == 200, kind
    assert "không thay đổi từ khi chốt" in make.browser().get(f"/reports/check?code={code_of(one.digest)}").text
    with make.writing() as session:
        actions.freeze(session, of, paper, by=None)
    assert "Hai bản chốt như nhau." in browser.get(f"/reports/snapshots/{one.public_id}").text


def test_a_kept_report_that_nobody_can_read_says_what_to_do(make: Make, province: Province) -> None:
    browser = make.browser(province.head)
    for document in (b"", b"{}", b'{"columns": 1}', b'{"columns": [], "lines": [{"cells": 7}]}'):
        one = kept_on_postgresql(make, province, document)
        for rest in ("", ".docx", ".json"):
            answer = browser.get(f"/reports/snapshots/{one.public_id}{rest}")
            assert answer.status_code == 409, (document, rest)
            assert "Không đọc được bản chốt" in answer.text
            assert "để chốt lại" in answer.text
        assert make.browser().get(f"/reports/check?code={code_of(one.digest)}").status_code == 409
        assert browser.get(address(province.root)).status_code == 200
    with pytest.raises(Unreadable):
        paper_of(b"[]")


def test_the_next_kept_report_says_what_is_different(make: Make, province: Province) -> None:
    first = freeze(make, province.root)
    staffed(make, told_of(make, province.root).course_id, province.small, Staff(completed=2))
    second = freeze(make, province.root)
    found = differences(paper_of(first.document), paper_of(second.document))
    assert {(one.name, one.column.code, one.before, one.after) for one in found} >= {
        (FORMULA, "people", 3, 5),
        ("TỔNG CỘNG", "people", 16, 18),
    }
    assert all(one.name in {FORMULA, "TỔNG CỘNG"} for one in found)
    page = make.browser(province.head).get(f"/reports/snapshots/{first.public_id}").text
    assert "Khác với bản chốt sau" in page
    assert re.search(
        r'Số phải học \(A\)</td><td class="numeric" lang="vi">16</td><td class="numeric" lang="vi">18', page
    )


def test_a_code_says_which_report_it_is_and_a_wrong_one_says_that_none_is(make: Make, province: Province) -> None:
    one, visitor = freeze(make, province.root), make.browser()
    page = visitor.get(f"/reports/check?code={code_of(one.digest).lower()}")
    assert "nội dung không thay đổi từ khi chốt" in page.text
    assert "Tỉnh Mẫu" in page.text
    assert CANARY not in page.text
    other = ("0" if one.digest[0] != "0" else "1") + one.digest[1:20]
    assert visitor.get(f"/reports/check?code={other}").status_code == 404
    assert visitor.get("/reports/check?code=x%25").status_code == 422
    assert [typed_code(typed) for typed in ("", "AB", "zz" * 10, "1a2b-3c4d 5e6f–7a8b-9c0d")] == [
        *[""] * 3,
        "1a2b3c4d5e6f7a8b9c0d",
    ]


def test_what_was_entered_meanwhile_is_told_before_it_is_replaced(make: Make, province: Province) -> None:
    first, second = make.browser(province.head_of_small), make.browser(province.head_of_small)
    for browser in (first, second):
        browser.get(address(province.small))
    first.submit("/entry", plan="15-CTr/ĐU", note="Thiếu máy")
    second.submit("/entry", plan="x" * 201)  # is told of that first, and of what was entered when it is mended
    second.submit("Lưu phần nhập", plan="16-CTr/ĐU", note="Thiếu mạng")
    assert second.page is not None
    assert second.page.status_code == 422
    for words in ("phần này đã đổi thành: “15-CTr/ĐU”; ghi chú: “Thiếu máy”", 'value="16-CTr/ĐU"', "Thiếu mạng"):
        assert words in second.text
    assert "15-CTr/ĐU" in make.browser(province.head_of_small).get(address(province.small)).text
    second.submit("Lưu phần nhập")
    assert "Đã lưu" in second.text
    first.submit("/entry", plan="16-CTr/ĐU", note="Thiếu mạng")  # what stands already
    assert "Đã lưu" in first.text


def test_a_unit_enters_sends_is_returned_sends_again_and_is_accepted(make: Make, province: Province) -> None:
    unit, above = make.browser(province.head_of_small), make.browser(province.head)
    unit.get(address(province.small))
    unit.submit("/entry", plan="15-CTr/ĐU, 02/12/2026", note="=HYPERLINK() Thiếu máy")
    assert "Đã lưu" in unit.text
    unit.submit("/send")
    assert "Đã gửi báo cáo đến Tỉnh Mẫu" in unit.text
    assert "Gửi báo cáo</button>" not in unit.text  # one at a time
    of = told_of(make, province.small)
    with make.writing() as session, pytest.raises(actions.AlreadySent):
        actions.send(session, of, by=None)
    with make.reading() as session:
        sent = session.scalars(select(ReportSubmission)).one()
        assert dict(paper_of(sent.snapshot.document).total.cells)["plan"] == "15-CTr/ĐU, 02/12/2026"  # type: ignore[union-attr]
    assert unit.get(f"/reports/submissions/{sent.public_id}").status_code == 404  # who sends does not accept
    above.get(f"/reports/submissions/{sent.public_id}")
    above.submit("/return", remark="")
    assert above.page is not None
    assert above.page.status_code == 422
    above.submit("/return", remark="Thiếu một phòng.")
    assert "Đã trả lại" in above.text
    assert "Thiếu một phòng." in unit.get(address(province.small)).text
    unit.submit("/send")
    with make.reading() as session:
        again = session.scalars(select(ReportSubmission).where(ReportSubmission.state == "sent")).one()
    above.get(f"/reports/submissions/{again.public_id}")
    above.submit("/accept")
    assert "Đã xác nhận số liệu" in above.text
    with make.writing() as session, pytest.raises(actions.AlreadyDecided):
        actions.give_back(session, session.get_one(ReportSubmission, again.id), "Muộn.", by=province.head.public_id)
    with make.reading() as session:
        acts = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    wanted = ["enter", "freeze", "send", "return", "freeze", "send", "accept"]
    assert [one for one in acts if one.startswith("report.")] == [f"report.{one}" for one in wanted]


def test_heads_are_told_when_a_report_comes_up_and_when_it_is_decided_and_whoever_did_it_is_not(
    make: Make, province: Province
) -> None:
    until = clock.today() + timedelta(days=30)
    deputy = make.person("Người Thứ Hai", unit=province.small, role="deputy", over=province.small, until=until)
    unit, above = make.browser(province.head_of_small), make.browser(province.head)

    def told(person: Person) -> list[str]:
        with make.reading() as session:
            mine = select(Notice.path, Notice.text).where(Notice.person_id == person.id).order_by(Notice.id)
            return [f"{path} {text}" for path, text in session.execute(mine)]

    returned: dict[str, Any] = {"remark": "Thiếu một phòng."}
    for act, fields in (("/return", returned), ("/accept", {})):
        unit.get(address(province.small))
        unit.submit("/send")
        with make.reading() as session:
            sent = session.scalars(select(ReportSubmission).where(ReportSubmission.state == "sent")).one()
        above.get(f"/reports/submissions/{sent.public_id}")
        above.submit(act, **fields)
        assert told(province.head)[-1].startswith(f"/reports/submissions/{sent.public_id} {FORMULA} đã gửi báo cáo")
    assert len(told(province.head)) == 2
    page = address(province.small)
    for person in (province.head_of_small, deputy):
        lines = [one for one in told(person) if "cấp trên" in one]
        assert [("trả lại" in one, "xác nhận" in one) for one in lines] == [(True, False), (False, True)]
        assert all(one.startswith(page) for one in lines)
        assert "Thiếu một phòng" not in "".join(lines)  # what is remarked may name people
    assert len(told(province.head_of_small)) == 2  # of what one does oneself one is not told
    assert told(province.head_of_large) == []
    first = unit.get("/").text  # what was sent again waits no more, and what was decided waits for nobody
    assert ("cấp trên trả lại" in first, "cấp trên xác nhận" in first) == (False, True)
    assert "đã gửi báo cáo" not in above.get("/").text
    assert "cấp trên trả lại" in unit.get("/notices").text


def test_what_was_sent_up_waits_on_the_first_page_of_who_decides_and_nowhere_else(
    app: Flask, make: Make, province: Province
) -> None:
    senders = [(province.head_of_small, province.small), (province.head_of_large, province.large)]
    above, costs = make.browser(province.head), []
    assert "Chờ xác nhận" not in above.get("/reports").text
    for person, unit in senders:
        browser = make.browser(person)
        browser.get(address(unit))
        browser.submit("/send")
        assert "Chờ xác nhận" not in browser.get("/reports").text
        with count_queries(app) as counted:
            above.get("/reports")
        costs.append(len(counted))
    assert costs[0] == costs[1]
    with make.reading() as session:
        sent = session.scalars(select(ReportSubmission).order_by(ReportSubmission.id)).all()
        kept_ones = [one.snapshot.public_id for one in sent]
    page = above.get("/reports").text
    ways = [f"/reports/submissions/{one.public_id}" for one in sent]
    assert all(f'href="{way}"' in page for way in ways)
    assert page.index(ways[0]) < page.index(ways[1])  # the longest first
    assert f'href="{ways[0]}"' in above.get(f"/reports/snapshots/{kept_ones[0]}").text
    assert ways[0] not in make.browser(senders[0][0]).get(f"/reports/snapshots/{kept_ones[0]}").text
    above.get(ways[0])
    above.submit("/accept")
    assert ways[0] not in above.get("/reports").text
    assert ways[0] not in above.get(f"/reports/snapshots/{kept_ones[0]}").text


def test_who_heads_the_province_does_not_send_for_an_agency_nor_an_agency_for_its_neighbour(
    make: Make, province: Province
) -> None:
    for person, unit in (
        (province.head, province.small),
        (province.head_of_small, province.large),
        (province.learner, province.small),
    ):
        assert make.browser(person).post(address(unit, "/send"), data={}).status_code in {400, 404}
    with make.reading() as session:
        assert session.scalar(select(func.count(ReportSubmission.id))) == 0
    sent = told_of(make, province.office)
    with make.writing() as session:
        kept_one = actions.send(session, sent, by=None)
    assert make.browser(province.head_of_large).get(f"/reports/submissions/{kept_one.public_id}").status_code == 200
    for person in (province.head, province.head_of_small, province.learner):
        assert make.browser(person).get(f"/reports/submissions/{kept_one.public_id}").status_code == 404


def test_nothing_of_an_agency_reaches_the_head_of_another(make: Make, province: Province) -> None:
    snapshots = [freeze(make, province.small, form) for form in ("01", "02")]
    other, own = make.browser(province.head_of_large), make.browser(province.head_of_small)
    paths = [address(province.small, rest) for rest in ("", "/01", "/03", "/05", "/lists", "/mail", "/01.csv")]
    paths += [f"/reports/snapshots/{one.public_id}{rest}" for one in snapshots for rest in ("", ".csv", ".docx")]
    for path in paths:
        assert own.client.get(path).status_code == 200, path
        answer = other.client.get(path)
        assert answer.status_code == 404
        assert CANARY.encode() not in answer.data
    assert make.browser(province.learner).get(paths[0]).status_code == 404


LIST = {"what": "02-docx", "purpose": "urge"}


def taken(make: Make, browser: Browser, unit: Unit, **wanted: str) -> bytes:
    browser.get(address(unit, "/lists"))
    fields: dict[str, Any] = {**LIST, **wanted}
    browser.submit("/lists", **fields)
    assert browser.page is not None
    return browser.page.get_data()


def test_the_list_of_names_is_in_vietnamese_order_asks_what_for_and_is_noted(make: Make, province: Province) -> None:
    browser = make.browser(province.head)
    browser.get(address(province.small, "/lists"))
    assert b"Ch\xe1\xbb\x8dn m\xe1\xbb\x99t m\xe1\xbb\xa5c" in taken(make, browser, province.small, purpose="")
    found = docx.Document(io.BytesIO(taken(make, browser, province.small))).tables[1]
    assert [row.cells[1].text for row in found.rows] == ["Họ và tên", f"{CANARY} 2", f"{CANARY} 3"]
    assert [row.cells[5].text for row in found.rows][1:] == ["Quá hạn", "Quá hạn"]
    with make.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "names.read")).all()
        assert [one.details for one in noted] == [{"purpose": "urge", "count": 2, "form": "02", "tree": "state"}]
    one = freeze(make, province.small, "02")
    assert CANARY not in one.document.decode()  # by opaque ids alone
    assert CANARY in browser.get(f"/reports/snapshots/{one.public_id}").text


def test_the_register_is_sent_row_by_row_with_few_statements_and_nothing_is_a_formula(
    app: Flask, make: Make, province: Province
) -> None:
    browser = make.browser(province.head)
    browser.get(address(province.root, "/lists"))
    with count_queries(app) as counted:
        content = taken(make, browser, province.root, what="register-csv")
    assert len(counted) <= 22, counted  # two requests; of the register itself three
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 17
    assert rows[0][:4] == ["TT", "Họ và tên", "Chức vụ", "Đơn vị"]
    assert all(len(row) == len(rows[0]) for row in rows)
    by_name = {row[1]: row for row in rows}
    assert by_name[f"{CANARY} 1"][6:8] == ["Hoàn thành", "Trực tuyến"]
    assert by_name[f"{CANARY} 1"][12:] == ["x"] * 4 + ["10"] * 2
    assert by_name[f"{CANARY} 3"][12:] == [""] * 6
    assert by_name[f"{CANARY} 1"][3] == f"'{FORMULA}"
    of, before = told_of(make, province.root), 0
    for _round in range(2):
        with make.reading() as session, count_queries(app) as counted:
            lines = list(papers.register(session, of))
        assert len(lines) > before
        assert len(counted) <= 3, counted
        staffed(make, of.course_id, province.small, Staff(completed=20))
        before = len(lines)


def test_a_large_register_is_made_by_the_worker_and_fetched_by_who_asked_alone(
    make: Make, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "TOLD_EVERY", 5)  # how far it is must be written while it is made
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 100)
    browser = make.browser(province.head)
    taken(make, browser, province.root, what="register-xlsx")
    assert "làm ở nền" in browser.text
    worker = Worker(make.database)
    while worker.step():
        pass
    with make.reading() as session:
        one = session.scalars(select(ReportFile)).one()
        assert (one.state, one.done, one.total) == ("made", 16, 16)
    content = browser.client.get(f"/reports/files/{one.public_id}/content").data
    (sheet,) = taken_apart(content).sheets
    assert len(sheet.lines) == 17
    assert sheet.lines[0].cell(1) == "Họ và tên"
    for person in (province.administrator, province.head_of_small):
        assert make.browser(person).get(f"/reports/files/{one.public_id}/content").status_code == 404
    with make.writing() as session:
        actions.forget_files(session, clock.now() + timedelta(days=8))
    with make.reading() as session:
        assert session.scalar(select(func.count(ReportFile.id))) == 0


def test_the_worker_makes_the_form_with_all_levels_too(make: Make, province: Province) -> None:
    browser = make.browser(province.head)
    taken(make, browser, province.root, what="01-docx")
    worker = Worker(make.database)
    while worker.step():
        pass
    with make.reading() as session:
        one = session.scalars(select(ReportFile)).one()
    content = browser.client.get(f"/reports/files/{one.public_id}/content").data
    assert [row[1] for row in cells_of_docx(content)][-2:] == ["Phòng Một", "TỔNG CỘNG"]


def test_whoever_waits_for_a_file_of_figures_that_do_not_add_up_is_told_that_none_is_made(
    make: Make, province: Province
) -> None:
    browser = make.browser(province.head)
    taken(make, browser, province.root, what="01-docx")
    with make.writing() as session:
        session.execute(update(Tally).where(Tally.unit_id == province.office.id).values(briefed=Tally.briefed - 1))
    worker = Worker(make.database)
    while worker.step():
        pass
    with make.reading() as session:
        one = session.scalars(select(ReportFile)).one()
        assert one.state == "failed"
        assert session.scalars(select(Job).where(Job.kind == "report file")).one().done_at is not None
    assert "số liệu không khớp nhau" in browser.get(f"/reports/files/{one.public_id}").text


def test_the_summary_is_mailed_to_the_heads_on_its_day_once_and_can_be_rehearsed(
    make: Make, province: Province
) -> None:
    with make.writing() as session:
        session.get_one(Person, province.head_of_small.id).email = "nho@example.vn"
    browser = make.browser(province.head_of_small)
    browser.get(address(province.small, "/mail"))
    assert "Hiện có 1 người, thư đến được 1 người." in browser.text
    assert "Tỷ lệ B/A (%): 66,7" in browser.text
    browser.submit("Đặt lịch gửi", every="weekly", place="9")
    assert "Nhập ngày từ 1 đến 7." in browser.text
    browser.submit("Đặt lịch gửi", every="weekly", place="1")
    assert "Đã đặt lịch gửi." in browser.text
    monday, tuesday = (datetime(2026, 11, day, 17, 5, tzinfo=UTC) for day in (29, 30))  # after midnight in Vietnam
    with time_machine.travel(monday, tick=False), make.writing() as session:
        actions.queue_reports(session, clock.now())
        actions.queue_reports(session, clock.now())
        job = session.scalars(select(Job).where(Job.kind == actions.REPORT_MAIL)).one()
        assert job.due_at == datetime(2026, 11, 30, 0, 0, tzinfo=UTC)
        actions.mail_report(session, job.payload)
        actions.mail_report(session, job.payload)
        mail = session.scalars(select(Job).where(Job.kind == "mail")).one()
        assert mail.payload["subject"] == f"Số liệu học tập, quán triệt: {FORMULA}"
        assert "Số phải học (A): 3\nTổng đã quán triệt (B): 2\nTỷ lệ B/A (%): 66,7" in mail.payload["values"]["figures"]
        assert CANARY not in json.dumps(mail.payload, ensure_ascii=False)
    with make.writing() as session:
        actions.queue_reports(session, tuesday)
        assert session.scalar(select(func.count(Job.id)).where(Job.kind == actions.REPORT_MAIL)) == 1


def test_an_auditor_reads_when_the_summary_is_mailed_and_sets_or_ends_no_schedule(
    make: Make, province: Province
) -> None:
    mail, head = address(province.small, "/mail"), make.browser(province.head_of_small)
    head.get(mail)
    head.submit("Đặt lịch gửi", every="daily", place="1")
    with make.reading() as session:
        ended = f"/reports/schedules/{session.scalars(select(ReportSchedule.public_id)).one()}/end"
    assert ended in head.text
    auditor = make.browser(make.person("Kiểm Tra", role="auditor"))
    assert f"{mail}?briefing=" in auditor.get(address(province.small)).text
    page = auditor.get(mail).text
    assert "Tỷ lệ B/A (%): 66,7" in page
    assert "Lần tới" in page
    assert [offered for offered in (ended, "Đặt lịch gửi", 'name="every"') if offered in page] == []
    assert [send(auditor, path, {"every": "daily", "place": "1"}) for path in (mail, ended)] == [404] * 2


@pytest.mark.parametrize(("begun", "seen", "next_day"), [(-1, 6, 0), (-1, 9, 1), (0, 6, 1), (0, 9, 1)])
def test_the_next_mail_of_a_schedule_is_never_one_that_is_past(
    make: Make, province: Province, begun: int, seen: int, next_day: int
) -> None:
    """The mails of a day are queued at night, for seven: a schedule of this morning begins tomorrow."""
    today = clock.today()
    with clock.moved_to(datetime(today.year, today.month, today.day, seen, tzinfo=clock.VIETNAM)):
        browser = make.browser(province.head_of_small)
        browser.get(address(province.small, "/mail"))
        browser.submit("Đặt lịch gửi", every="daily", place="1")
        with make.writing() as session:
            one = session.scalars(select(ReportSchedule)).one()
            one.begun_at = datetime(today.year, today.month, today.day, 5, tzinfo=clock.VIETNAM) + timedelta(days=begun)
        page = browser.get(address(province.small, "/mail")).text
    assert f"Lần tới: {today + timedelta(days=next_day):%d/%m/%Y}" in page


def test_reports_open_on_the_briefing_that_is_under_way_not_on_the_one_given_last(
    make: Make, province: Province
) -> None:
    with make.writing() as session:
        course = session.scalars(select(Course.code)).one()
        anew = Policy(Asked(frozenset({POINT})), counts_before=False)  # so nobody has begun it
        briefing_in(session, province.root, code="moi", course=course, title="Đợt mới", policy=anew)
    browser = make.browser(province.head)
    assert browser.get(address(province.root, "/01.json")).get_json()["briefing"] != "Đợt mới"
    assert browser.get(address(province.root, "/01.json?briefing=moi")).get_json()["briefing"] == "Đợt mới"


def test_a_page_of_reports_costs_the_same_number_of_statements_however_many_people_there_are(
    app: Flask, make: Make, province: Province
) -> None:
    browser, of, found = make.browser(province.head), told_of(make, province.root), []
    for _round in range(2):
        browser.get(address(province.root, "/01"))
        with count_queries(app) as counted:
            browser.get(address(province.root, "/01"))
        found.append(len(counted))
        staffed(make, of.course_id, province.large, Staff(completed=30, not_begun=30))
    assert found[0] == found[1], found


def test_no_file_has_a_formula_in_it(make: Make, province: Province) -> None:
    content = make.browser(province.head).client.get(address(province.root, "/01.xlsx")).data
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert b"<f>" not in packed.read("xl/worksheets/sheet1.xml")


def held(make: Make, province: Province, at: datetime) -> None:
    """A conference with its main point at the province and a local one at the office: two were there, one was away."""
    with make.writing() as session:
        briefing_id = session.scalars(select(Briefing.id)).one()
        sitting = BriefingSession(briefing_id=briefing_id, code="hn", title="Hội nghị", starts_at=at, ends_at=at)
        session.add(sitting)
        session.flush()
        points = [
            MeetingPoint(
                session_id=sitting.id, code=unit.code, name=f"Điểm cầu {unit.code}", main=main, unit_id=unit.id
            )
            for unit, main in ((province.root, True), (province.office, False))
        ]
        points[1].host, points[1].connected_at = province.head_of_large.public_id, at
        session.add_all(points)
        session.flush()
        people = session.scalars(select(Standing.person_id).where(Standing.unit_id == province.office.id)).all()
        for person_id, state in zip(people, ("present", "late", "excused"), strict=False):
            about = {"session_id": sitting.id, "person_id": person_id, "point_id": points[1].id}
            said = {"state": state, "at": at, "statement_id": uuid.uuid4()}
            session.add(Attendance(**about, **said))
            session.add(PointSighting(point_id=points[1].id, person_id=person_id, **said))


def test_people_are_summoned_to_the_nearest_point_and_the_total_is_the_sum_of_the_points(
    make: Make, province: Province
) -> None:
    held(make, province, clock.now() - timedelta(hours=1))
    browser = make.browser(province.head)
    rows = cells_of_page(browser.get(address(province.root, "/03")).text)
    assert [row[1:3] + row[4:9] for row in rows] == [
        ["Điểm cầu tinh", "Tỉnh Mẫu", "9", "0", "0", "0", "0,0"],
        ["Điểm cầu phong", "Phòng Một", "7", "2", "1", "0", "28,6"],
        ["TỔNG CỘNG", "", "16", "2", "1", "0", "12,5"],
    ]
    assert rows[1][9] == "Trưởng lon"
    with make.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "names.read")).one()
        assert noted.details == {"purpose": "report", "count": 1, "form": "03", "tree": "state"}
    first = cells_of_page(browser.get(address(province.root, "/01?levels=1")).text)
    assert [row[2] for row in first] == [
        "1",
        "0",
        "1",
        "2",
    ]  # that of the office counts in the agency


def test_of_two_points_of_one_unit_the_local_one_is_theirs_as_on_the_page_of_the_points(
    make: Make, province: Province
) -> None:
    held(make, province, clock.now() - timedelta(hours=1))
    with make.writing() as session:
        sitting = session.scalars(select(BriefingSession)).one()
        about = {"session_id": sitting.id, "unit_id": province.root.id}
        session.add(MeetingPoint(code="dc-2", name="Điểm cầu hai", main=False, **about))
    browser = make.browser(province.head)
    rows = cells_of_page(browser.get(address(province.root, "/03")).text)
    summoned = {row[1]: row[4] for row in rows}
    assert summoned == {"Điểm cầu tinh": "0", "Điểm cầu hai": "9", "Điểm cầu phong": "7", "TỔNG CỘNG": "16"}
    told = browser.get(f"/dashboard/units/{province.root.public_id}/points.csv").data.decode("utf-8-sig")
    assert {row[1]: row[4] for row in list(csv.reader(told.splitlines(), delimiter=";"))[1:]} == {
        name: people for name, people in summoned.items() if name != "TỔNG CỘNG"
    }


def test_who_was_away_and_came_elsewhere_is_told_alike_of_points_in_the_report_on_the_page_and_on_the_board(
    make: Make, province: Province
) -> None:
    held(make, province, clock.now() - timedelta(hours=1))
    with make.writing() as session:
        sitting = session.scalars(select(BriefingSession)).one()
        main = session.scalars(select(MeetingPoint.id).where(MeetingPoint.main)).one()
        for one in session.scalars(select(Attendance).where(Attendance.state.in_(("late", "excused")))):
            one.point_id, one.state = main, "present"  # said last, at the main point, of who was late and who was away
            said = {"person_id": one.person_id, "state": "present", "at": clock.now(), "statement_id": uuid.uuid4()}
            session.add(PointSighting(point_id=main, **said))
        code = sitting.public_id
    browser = make.browser(province.administrator)
    report = [row[5:8] for row in cells_of_page(browser.get(address(province.root, "/03")).text)]
    assert report == [["2", "0", "0"], ["2", "0", "0"], ["3", "0", "0"]]
    told = browser.get(f"/dashboard/units/{province.root.public_id}/points.csv").data
    board = browser.get(f"/meetings/{code}/points.csv").data
    assert [row[5:8] for row in cells_of_csv(told)] == report[:2]
    assert [row[4:7] for row in cells_of_csv(board)] == report[:2]
    browser.get(f"/dashboard/units/{province.root.public_id}/points")
    assert "Có mặt 3 trong 16 người được triệu tập Vắng 0" in text_of(browser)


def test_the_month_counts_people_and_documents_once_and_its_rate_is_a_sum_over_a_sum(
    make: Make, province: Province
) -> None:
    held(make, province, clock.now() - timedelta(hours=1))
    with make.writing() as session:
        session.scalars(select(Briefing)).one().documents = ["Nghị quyết số 48-NQ/TU về chuyển đổi số"]
        session.execute(update(Standing).values(member=True))
    browser, month = make.browser(province.head), f"{clock.today():%Y-%m}"
    rows = cells_of_page(browser.get(address(province.root, f"/05?month={month}")).text)
    assert [row[1:] for row in rows] == [
        [FORMULA, "0", "2", "1", "66,7", "3", "1"],
        ["Sở Lớn", "1", "9", "1", "69,2", "13", "4"],
        ["Cơ quan Tỉnh Mẫu", "1", "0", "1", "–", "0", "0"],
        ["TỔNG CỘNG", "2", "11", "1", "68,8", "16", "5"],
    ]
    with make.writing() as session:  # of what is not on digital transformation nobody has completed that
        session.scalars(select(Briefing)).one().documents = ["Nghị quyết số 59-NQ/TW về hội nhập quốc tế"]
    others = cells_of_page(browser.get(address(province.root, f"/05?month={month}")).text)
    assert [row[-1] for row in others] == ["0"] * 4
    assert [row[1:-1] for row in others] == [row[1:-1] for row in rows]
    assert f"– tháng {clock.today():%m/%Y}</p>" in browser.text
    offered = browser.get(address(province.root, "?month=2020-01")).text
    assert f'<option value="{month}">tháng {clock.today():%m/%Y}</option>' in offered
    assert '<option value="2020-01" selected>tháng 01/2020</option>' in offered
    before = cells_of_page(browser.get(address(province.root, "/05?month=2020-01")).text)
    assert before[-1][1:5] == ["TỔNG CỘNG", "0", "0", "0"]


def test_questions_are_told_with_their_figures_to_administrators_and_trainers_and_never_to_learners(
    make: Make, province: Province, tmp_path: Path
) -> None:
    wrong = answered(make, province, tmp_path)
    trainer = make.browser(make.person("Giảng Viên", role="trainer"))
    trainer.get("/reports/questions")
    with make.reading() as session:
        code = session.scalars(select(Briefing.code)).one()
    (row,) = cells_of_page(trainer.get(f"/reports/questions/{code}").text)
    assert row[3:] == ["24", "50,0", "1,00", wrong, "33,3"]
    for kind in ("xlsx", "docx", "pdf", "csv"):
        assert trainer.client.get(f"/reports/questions/{code}.{kind}").status_code == 200
    for person in (province.learner, province.head):
        assert make.browser(person).get(f"/reports/questions/{code}").status_code == 404
        assert make.browser(person).client.get(f"/reports/questions/{code}.csv").status_code == 404


def answered(make: Make, province: Province, folder: Path) -> str:
    """Twelve attempts with a question twice: who knows it knows it both times. The wrong answer most gave."""
    with make.writing() as session:
        list(load_questions(session, folder))
        test = session.scalars(select(Test)).first()
        assert test is not None
        version = session.scalars(select(QuestionVersion).where(QuestionVersion.kind == "single")).first()
        assert version is not None
        edition = session.scalars(select(CourseVersion)).first()
        assert edition is not None
        right = version.key[0]
        wrong = [place for place in range(len(version.options)) if place != right]
        people = session.scalars(select(Standing.person_id).order_by(Standing.person_id)).all()[:12]
        for place, person_id in enumerate(people):
            knows = place < 6
            attempt = Attempt(
                person_id=person_id,
                activity_id=test.activity_id,
                course_version_id=edition.id,
                number=1,
                pass_mark=0.7,
                started_at=clock.now(),
                submitted_at=clock.now(),
                scaled=float(knows),
                passed=knows,
            )
            response = [right] if knows else [wrong[-1] if place < 10 else wrong[0]]
            about = {"question_version_id": version.id, "shown": [], "score": float(knows), "response": response}
            attempt.items += [AttemptItem(position=position, **about) for position in (1, 2)]
            session.add(attempt)
        return f"{chr(ord('A') + wrong[-1])}. {version.options[wrong[-1]]}"
