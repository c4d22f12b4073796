"""The page of charts: each over its table, each with a sentence, and never an empty frame."""

import csv
import html
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, text, update

from analytics.charts.queries import finished_modules
from analytics.charts.rules import Day, Step, added_up, steps
from analytics.dashboard.queries import briefings_given, overview
from analytics.dashboard.rules import FOLDED_FROM, SHOWN
from analytics.facts.models import TallyDay
from analytics.facts.projection import Structure
from analytics.facts.rules import FEWEST, Count, whole_percent
from analytics.figures import plots
from analytics.figures.plots import Bubble
from courses.briefings.projector import settle_briefing
from courses.briefings.rules import Asked, Policy, document_of
from courses.enrolment.models import Briefing
from courses.learning.models import ActivityProgress
from courses.learning.queries import editions
from lms import clock
from lms.organisation.models import Unit
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.analytics.test_dashboard import head_of
from tests.browser import Browser
from tests.counting import count_queries
from tests.make import Make


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({}, []),
        ({9_000: FEWEST - 1}, []),
        (
            {7_000: 3, 6_999: 2},
            [(0, 1, 0), (1, 2, 0), (2, 3, 0), (3, 4, 0), (4, 5, 0), (5, 6, 0), (6, 8, 5), (8, 9, 0), (9, 10, 0)],
        ),
        ({10_000: 5}, [*((low, low + 1, 0) for low in range(9)), (9, 10, 5)]),
        ({500: 6, 9_990: 4}, [(0, 10, 10)]),
        ({2_500: 1, 3_500: 5, 9_000: 1}, [(0, 1, 0), (1, 2, 0), (2, 10, 7)]),
    ],
)
def test_no_step_of_scores_counts_so_few_that_it_tells_on_somebody(
    scores: dict[int, int], expected: list[tuple[int, int, int]]
) -> None:
    found = steps(scores)
    assert found == [Step(*one) for one in expected]
    assert all(one.people == 0 or one.people >= FEWEST for one in found)


def test_days_add_up() -> None:
    first, second = date(2026, 11, 1), date(2026, 11, 4)
    assert added_up([(first, 2, 0), (second, 1, 3)]) == [Day(first, 2, 0, 2, 0), Day(second, 1, 3, 3, 3)]


def figures(browser: Browser) -> dict[str, Any]:
    """What is drawn, by the name of the chart."""
    found = re.findall(r'<figure[^>]*aria-labelledby="(\w+)" data-figure="([^"]*)"', browser.text)
    return {code: json.loads(html.unescape(figure)) for code, figure in found}


def table(browser: Browser, unit: Unit, chart: str, on: str = "") -> list[list[str]]:
    """The table of a chart, as a file."""
    answer = browser.get(f"/dashboard/units/{unit.public_id}/charts/{chart}.csv{on}")
    rows = list(csv.reader(answer.data.decode("utf-8-sig").splitlines(), delimiter=";"))
    if on:
        assert rows.pop()[0].startswith("Cơ cấu tổ chức ngày 31/01/2025")
    return rows


def test_four_charts_are_drawn_over_what_their_tables_say(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    health, school = make.unit("Sở Y tế", under=root), make.unit("Sở <b>Giáo dục", under=root)
    assigned(make, course_id, root)
    with clock.moved_to(clock.now() - timedelta(days=9)):
        staffed(make, course_id, health, Staff(completed=4))
    staffed(make, course_id, health, Staff(completed=2, briefed=1, begun=1))
    staffed(make, course_id, school, Staff(begun=2, not_begun=2))
    browser = head_of(make, root)
    browser.get(f"/dashboard/units/{root.public_id}/charts")
    drawn, page = figures(browser), html.unescape(browser.text)
    assert list(drawn) == ["progress", "units", "modules", "scores"]
    assert "<b>Giáo" not in browser.text
    days = [(clock.today() - timedelta(days=ago)).strftime("%d/%m/%Y") for ago in (9, 0)]
    for on in ("", "?on=2025-01-31"):
        assert table(browser, root, "progress", on)[1:] == [
            [days[0], "4", "4", "33,3 %", "4", "4", "33,3 %"],
            [days[1], "3", "7", "58,3 %", "2", "6", "50 %"],
        ]
        # the small course has two modules of two lessons; whoever has only begun has read the first lesson
        assert [row[2:] for row in table(browser, root, "modules", on)[1:4]] == [
            ["0 % (0)", "0 % (0)"],
            ["87,5 % (7)", "87,5 % (7)"],
            ["58,3 % (7)", "58,3 % (7)"],
        ]
        assert ["Từ 9 đến 10", "6", "100 %"] in table(browser, root, "scores", on)
    assert drawn["progress"]["data"][1]["y"] == [0, 4, 7]
    assert drawn["progress"]["data"][0]["y"] == [12, 12, 12]
    assert drawn["progress"]["layout"]["annotations"][0]["text"].startswith("Hạn ")
    assert sorted(zip(drawn["units"]["data"][0]["x"], drawn["units"]["data"][0]["y"], strict=True)) == [
        (0, 4),
        (87.5, 8),
    ]
    assert drawn["modules"]["data"][0]["z"] == [[0, 0], [87.5, 87.5]]
    assert sum(drawn["scores"]["data"][0]["y"]) == 6
    for sentence in (
        "có 7/12 người phải học đã được quán triệt (58,3 %), 6 người hoàn thành; 7 ngày qua thêm 3 người",
        "Trong 2 đơn vị có người phải học, 1 đơn vị có tỷ lệ đã quán triệt dưới 50 %",
        "chuyên đề 1 được nhiều người học xong nhất (58,3 %)",
        "6 người đã làm đủ bài kiểm tra bắt buộc, điểm bình quân 10,0 trên 10",
    ):
        assert sentence in page
    assert browser.get(f"/dashboard/units/{root.public_id}/charts/khac.csv").status_code == 404
    asked = Policy(Asked(), {"can_bo": Asked(pass_mark=0.9), "khac": Asked(test=False)})
    with make.writing() as session:
        session.execute(update(Briefing).values(policy=document_of(asked)))
    browser.get(f"/dashboard/units/{root.public_id}/charts")
    assert "(điểm đạt là 7; riêng cán bộ: 9)" in browser.text


@pytest.mark.parametrize(("units", "rows"), [(FOLDED_FROM, FOLDED_FROM), (FOLDED_FROM + 1, SHOWN)])
def test_the_heat_map_has_a_row_for_each_unit_that_stands_in_the_table_at_once(
    make: Make, tmp_path: Path, units: int, rows: int
) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    assigned(make, course_id, root)
    for place in range(units):
        staff = Staff(briefed=2, not_begun=1) if place >= 3 else Staff(not_begun=3)
        staffed(make, course_id, make.unit(f"Xã {place:02}", under=root), staff)
    browser = head_of(make, root)
    browser.get(f"/dashboard/units/{root.public_id}/charts")
    drawn = figures(browser)["modules"]
    assert len(drawn["data"][0]["z"]) == rows
    assert {"0 %", "67 %"} <= {note["text"] for note in drawn["layout"]["annotations"]}  # where the table says 66,7 %


@pytest.mark.parametrize(
    ("share", "percent"), [(0, 0), (1 / 900, 1), (8.5 / 100, 8), (29 / 44, 66), (899 / 900, 99), (1, 100)]
)
def test_a_cell_is_rounded_and_says_all_or_nothing_only_where_it_is(share: float, percent: int) -> None:
    assert whole_percent(share) == percent


def test_who_is_under_way_or_came_to_a_point_is_asked_module_by_module(make: Make, tmp_path: Path) -> None:
    """One lesson of two is no module; the lessons of one module are."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    assigned(make, course_id, root)
    ids = staffed(make, course_id, root, Staff(briefed=3, begun=1))
    with make.writing() as session:
        rows = select(ActivityProgress.activity_id).where(ActivityProgress.person_id == ids[0])
        lessons = session.scalars(rows.order_by(ActivityProgress.activity_id)).all()
        gone = update(ActivityProgress).values(completed_at=None)
        session.execute(gone.where(ActivityProgress.person_id == ids[1], ActivityProgress.activity_id == lessons[0]))
        for briefing_id in session.scalars(select(Briefing.id)).all():
            settle_briefing(session, briefing_id)
    assert [row[1:] for row in table(head_of(make, root), root, "modules")[1:2]] == [["4", "50 % (2)", "75 % (3)"]]


def test_a_module_that_came_later_was_finished_by_nobody_who_studied_before(make: Make, tmp_path: Path) -> None:
    """Though they were briefed online: it is not in the version they have read."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    assigned(make, course_id, root)
    staffed(make, course_id, root, Staff(completed=3, begun=1))
    with make.reading() as session:
        known = editions(session, course_id)
        structure = Structure(clock.today())
        one = session.get_one(Unit, root.id)
        shown = overview(session, one, briefings_given(session, one, structure)[0], structure, Count, now=clock.now())
        late = msgspec.structs.replace(known[-1].outline.modules[0], code="m9")
        outline = msgspec.structs.replace(known[-1].outline, modules=[*known[-1].outline.modules, late])
        anew = [*known, replace(known[-1], id=known[-1].id + 1, outline=outline)]
        assert list(finished_modules(session, shown, known).values()) == [[3, 3]]
        assert list(finished_modules(session, shown, anew).values()) == [[3, 3, 0]]


def test_the_first_history_is_what_the_projector_keeps(make: Make, tmp_path: Path) -> None:
    """To the second before and after midnight in Vietnam, as the migration counts it."""
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    midnight = clock.end_of_day(clock.today() - timedelta(days=3)) + timedelta(seconds=1)
    for moment in (midnight - timedelta(seconds=1), midnight):
        with clock.moved_to(moment):
            staffed(make, course_id, unit, Staff(completed=1, briefed=1))
    migration = import_module("migrations.versions.0029_days_of_units")
    columns = select(TallyDay.day, TallyDay.briefed, TallyDay.completed).order_by(TallyDay.day)
    with make.writing() as session:
        kept = session.execute(columns).all()
        session.execute(delete(TallyDay))
        session.execute(text(migration.first_history(session.get_bind().dialect.name)))
    with make.reading() as session:
        days = session.execute(columns).all()
    first = clock.day_of(midnight) - timedelta(days=1)
    assert [tuple(one) for one in days] == [(first, 2, 1), (first + timedelta(days=1), 2, 1)]
    assert days == kept


def test_names_of_bubbles_stand_neither_on_each_other_nor_on_a_bubble(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes: dict[int, list[plots.Box]] = {}
    free = plots.is_free

    def noted(box: plots.Box, wide: int, taken: list[plots.Box]) -> bool:
        boxes[wide] = taken
        return free(box, wide, taken)

    monkeypatch.setattr(plots, "is_free", noted)
    crowd = [Bubble(f"Huyện Sơn Dương {n}", 20 + n, n % 3, "", labelled=True) for n in range(6)]
    crowd += [Bubble("Huyện Na Hang", 60, 30, "", labelled=True), Bubble("Xã Linh Phú", 59, 58, "")]
    for units in (crowd, [*crowd, Bubble("Ủy ban nhân dân tỉnh", 9_000, 4_000, "", labelled=True)]):
        figure = plots.bubbles(units, rate="Tỷ lệ", people="Người")
        names = figure["layout"]["annotations"]
        assert figure["data"][0]["mode"] == "markers"
        assert any(one["text"].startswith("Huyện Sơn Dương") for one in names)
        assert "Huyện Na Hang" in [one["name"] for one in names]
        for known in boxes.values():
            named = known[len(units) :]
            assert len(named) < sum(one.labelled for one in units)  # some have no room
            assert not [1 for place, one in enumerate(named) for other in named[:place] if one.meets(other)]
            assert not [1 for one in named for disc in known[: len(units)] if one.meets(disc)]


def test_a_chart_without_data_says_what_is_missing_and_what_to_do(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    browser = head_of(make, unit)
    browser.get(f"/dashboard/units/{unit.public_id}/charts")
    assert "Chưa có khóa học nào được giao" in browser.text
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(not_begun=3))
    browser.get(f"/dashboard/units/{unit.public_id}/charts")
    assert figures(browser) == {}
    for words in ("hãy đôn đốc theo danh sách", "ở trang của đơn vị cấp trên", "nhắc mọi người mở", "nhắc những người"):
        assert words in browser.text
    staffed(make, course_id, unit, Staff(completed=FEWEST - 1))
    browser.get(f"/dashboard/units/{unit.public_id}/charts")
    assert list(figures(browser)) == ["progress", "modules"]
    assert f"Mới có {FEWEST - 1} người làm đủ bài kiểm tra bắt buộc" in browser.text


@pytest.mark.parametrize("people", [40, 400])
def test_the_page_costs_the_same_statements_for_any_number_of_people(make: Make, tmp_path: Path, people: int) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    assigned(make, course_id, root)
    for number in range(4):
        staffed(make, course_id, make.unit(f"Sở {number}", under=root), Staff(*[people // 16] * 4))
    browser = head_of(make, root)
    address = f"/dashboard/units/{root.public_id}/charts"
    browser.get(address)
    with count_queries(make.app) as counted:
        assert browser.get(address).status_code == 200
    assert len(counted) == 13, counted
