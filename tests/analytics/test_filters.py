"""Figures of a day that is over and of one staff category: they are true, and every page and file says so."""

import csv
import html
import io
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from analytics.charts.queries import finished_modules, history, known_editions
from analytics.dashboard.queries import Overview, briefings_given, overview
from analytics.facts.forms import asked_of
from analytics.facts.projection import Structure
from analytics.facts.rules import COUNT_NAMES, OF_NOW, Count
from analytics.numbers.queries import by_briefing
from courses.briefings.projector import settle_briefing
from courses.enrolment.actions import decide, revoke, withdraw
from courses.enrolment.models import Assignment, Briefing, RollDecision
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Person
from lms.accounts.rules import PERMISSIONS
from lms.organisation.actions import merge_units
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.storage import NewUnit, Words
from tests.analytics.agency import Staff, assigned, course_loaded, staffed, studied
from tests.analytics.test_dashboard import head_of, rows_of, text_of
from tests.analytics.test_names import names_on
from tests.browser import Browser
from tests.kept import kept
from tests.make import Make

DAY = timedelta(days=1)
TOLD = [name for name in COUNT_NAMES if name not in OF_NOW]


def looked_back(make: Make, unit: Unit, structure: Structure) -> Overview[Count]:
    """The figures of the one briefing there is, by this structure."""
    with make.reading() as session:
        [briefing] = briefings_given(session, unit, structure)
        now = structure.until or clock.now()
        return overview(session, session.get_one(Unit, unit.id), briefing, structure, Count, now=now)


def told(count: Count) -> dict[str, int]:
    return {name: getattr(count, name) for name in TOLD}


def test_a_day_that_is_over_is_told_as_it_was_when_it_ended(make: Make, tmp_path: Path) -> None:
    """Of people who are still on the roll: who has come, moved, been exempted, assigned anew or gone on since."""
    course = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    a, b = make.unit("Xã A", under=root), make.unit("Xã B", under=root)
    begin, ended = clock.now(), dict[date, dict[str, dict[str, int]]]()

    def day_over(number: int) -> None:
        with clock.moved_to(clock.end_of_day(clock.day_of(begin + number * DAY))):
            seen = [(one.name, looked_back(make, one, Structure(clock.today()))) for one in (root, a, b)]
            ended[clock.today()] = {name: told(one.count) | {"new": one.change.briefed} for name, one in seen}

    staffed(make, course, b, Staff(not_begun=2))
    assigned(make, course, a, due_in=2 * DAY)
    assigned(make, course, b)
    first = staffed(make, course, a, Staff(completed=1, begun=1, not_begun=3))
    day_over(0)
    with clock.moved_to(begin + DAY):
        late = make.unit("Xã C", under=root)
        assigned(make, course, late)
        staffed(make, course, late, Staff(briefed=2, not_begun=1))
        day_over(1)
    with clock.moved_to(begin + 2 * DAY), make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        decide(session, briefing, session.get_one(Person, first[2]), "exempt", reason="Ốm", approved_by="Lãnh đạo")
        move_person(session, session.get_one(Person, first[0]), session.get_one(Unit, b.id), on=clock.today())
    day_over(2)
    with clock.moved_to(begin + 3 * DAY):
        with make.writing() as session:
            revoke(session, session.scalars(select(RollDecision)).one())
            for given in session.scalars(select(Assignment).where(Assignment.unit_id == b.id)).all():
                withdraw(session, given)
            studied(session, course, first[3:], lessons=4, tests=2)
            settle_briefing(session, briefing.id)
        assigned(make, course, b, due_in=DAY)
    day_over(3)
    with clock.moved_to(begin + 9 * DAY):
        for day, expected in ended.items():
            until = clock.start_of_day(day + DAY) - timedelta.resolution
            for one in (root, a, b):
                found = looked_back(make, one, Structure(day, then=True, until=until))
                assert told(found.count) | {"new": found.change.briefed} == expected[one.name], (day, one.name)
    assert [one["Tỉnh"]["people"] for one in ended.values()] == [7, 10, 9, 10]


def people_of_two_kinds(make: Make, folder: Path) -> list[Unit]:
    """A province and its office; there six civil servants and two public employees, and people of a commune."""
    course = course_loaded(make, folder)
    root = make.unit("Tỉnh", code="t")
    office, commune = make.unit("Sở Y tế", code="syt", under=root), make.unit("Xã A", code="xa", under=root)
    assigned(make, course, root)
    ids = staffed(make, course, office, Staff(completed=5, begun=1, not_begun=2), names=["An", "Bình", "Chi", "Dung"])
    more = staffed(make, course, commune, Staff(briefed=1, not_begun=2), names=["Xa Một", "Xa Hai", "Xa Ba"])
    with make.writing() as session:
        session.execute(update(Person).where(Person.id.in_([ids[0], ids[-1], *more])).values(category="vien_chuc"))
    return [root, office, commune]


@pytest.fixture
def units(make: Make, tmp_path: Path) -> list[Unit]:
    return kept(make, tmp_path, people_of_two_kinds)


def lines_of(answer: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer), delimiter=";"))


def plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", markup)).replace("\u00a0", " ").split())


def test_a_staff_category_is_counted_alone_and_every_page_and_file_says_so(make: Make, units: list[Unit]) -> None:
    root, office, _commune = units
    browser, at = head_of(make, root), f"/dashboard/units/{root.public_id}"
    totals = {one: browser.get(f"{at}.json?category={one}").get_json() for one in ("vien_chuc", "cong_chuc")}
    everybody = browser.get(f"{at}.json").get_json()["total"]
    for name in ("people", "started", "briefed", "completed", "overdue", "tested", "scored"):
        assert sum(one["total"][name] for one in totals.values()) == everybody[name], name
    assert totals["vien_chuc"]["category"] == "vien_chuc"
    assert totals["vien_chuc"]["total"]["people"] == 5
    assert totals["cong_chuc"]["total"]["score"] is None  # taken from that of all it would tell of a few
    browser.get(f"{at}?category=vien_chuc")
    page = text_of(browser)
    assert "Chỉ tính: Viên chức." in page
    assert "chỉ tính viên chức." in page  # the sentence to be reported too
    assert "Phải học (A) 5" in page
    assert {name: row.split(" (")[0] for name, row in rows_of(browser).items()}.keys() == {
        "Sở Y tế",
        "Xã A",
        "Tổng cộng",
    }
    main = browser.text.split("<main", 1)[1].split("</main>")[0].replace(f'{at}"', "")
    links = {one for one in re.findall(r'href="([^"]*/dashboard/units/[^"]*)"', main) if "category=" not in one}
    assert [html.unescape(one) for one in links] == [f"{at}?briefing=demo"], links  # the way back alone
    assert ("Tỉnh", "Chỉ tính: Viên chức.") in titles_of_pictures(browser)
    answer = browser.get(f"{at}.csv?category=vien_chuc")
    assert lines_of(answer.text)[-1] == ["", "", "Chỉ tính: Viên chức."]
    assert "_vien-chuc.csv" in answer.headers["Content-Disposition"]
    for chart in ("progress", "units", "modules", "scores"):
        answer = browser.get(f"{at}/charts/{chart}.csv?category=vien_chuc")
        assert lines_of(answer.text)[-1] == ["Chỉ tính: Viên chức."]
        assert "_vien-chuc.csv" in answer.headers["Content-Disposition"]
    assert "có thể lộ điểm" in answer.text
    browser.get(f"{at}/charts?category=vien_chuc")
    assert ("Đơn vị theo tỷ lệ và quy mô – Tỉnh", "Chỉ tính: Viên chức.") in titles_of_pictures(browser)
    browser.get(f"{at}/numbers/people?category=vien_chuc")
    assert "<strong>5</strong>" in browser.text
    [people] = re.findall(r'href="([^"]*)">Xem những người được tính ở đây', browser.text)
    browser.get(html.unescape(people))
    assert names_on(browser) == ["Nguyễn Văn 7", "An", "Xa Ba", "Xa Hai", "Xa Một"]
    assert "Chỉ tính: Viên chức." in text_of(browser)
    browser.get(f"/dashboard/units/{office.public_id}/course.csv?category=vien_chuc")
    assert lines_of(browser.text)[1][3] == "2"
    for path in ("points", "peers"):
        browser.get(f"{at}/{path}?category=vien_chuc")
        assert "mọi loại cán bộ" in text_of(browser), path
    assert browser.get(f"{at}/points.csv?category=vien_chuc").status_code == 404


def test_charts_and_briefings_of_a_staff_category_tell_what_the_table_tells(make: Make, units: list[Unit]) -> None:
    """On both databases: the pages above are read on one."""
    root, asked = units[0], Structure(clock.today(), category="vien_chuc")
    shown = looked_back(make, root, asked)
    assert (shown.count.people, shown.count.briefed) == (5, 2)
    with make.reading() as session:
        given = briefings_given(session, root, asked)
        [(_briefing, count)] = by_briefing(session, root.id, given, shown.briefing.course_id, asked, now=clock.now())
        assert told(count) == told(shown.count)
        assert history(session, shown)[-1].briefed_by == 2
        finished = finished_modules(session, shown, known_editions(session, shown))
        assert sorted(finished.values()) == [[1, 1], [1, 1]]  # of the two units that have somebody


def test_who_may_see_no_names_is_told_of_no_category(
    make: Make, units: list[Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a few people a number tells where they stand, and what is left of a sum is a number of a few people too."""
    monkeypatch.setitem(PERMISSIONS, "head", PERMISSIONS["head"] - {"unit:read_names"})
    browser, at = head_of(make, units[0]), f"/dashboard/units/{units[0].public_id}"
    for path in ("", ".json", ".csv", "/charts", "/charts/units.csv", "/numbers/people", "/course", "/course.csv"):
        assert browser.get(f"{at}{path}").status_code == 200, path
        assert 'name="category"' not in browser.text, path
        assert browser.get(f"{at}{path}?category=vien_chuc").status_code == 404, path


def test_a_page_of_a_day_that_is_over_says_so_and_what_nobody_can_tell_of_it(make: Make, units: list[Unit]) -> None:
    root = units[0]
    day = clock.today()
    with clock.moved_to(clock.now() + 3 * DAY):
        browser, at, then = head_of(make, root), f"/dashboard/units/{root.public_id}", f"?until={day}"
        browser.get(f"{at}{then}")
        page = text_of(browser)
        assert f"Số liệu đến hết ngày {day:%d/%m/%Y}, của những người nay phải học." in page
        assert f"Đến hết ngày {day:%d/%m/%Y}, toàn" in page
        assert "Xem danh sách chưa hoàn thành (6 người)" in page
        assert f'<a href="{at}?briefing=demo">Về số liệu hiện nay</a>' in browser.text
        found = browser.get(f"{at}.json{then}").get_json()
        assert (found["until"], found["structure"]["on"]) == (day.isoformat(), day.isoformat())
        assert {name for name, value in found["total"].items() if value is None} == OF_NOW & set(COUNT_NAMES)
        assert browser.get(f"{at}.json{then}&on={clock.today()}").get_json()["structure"]["on"] != day.isoformat()
        answer = browser.get(f"{at}/charts/units.csv{then}")
        assert lines_of(answer.text)[-1][0].startswith("Số liệu đến hết ngày")
        assert f"_den-het-{day}_co-cau-{day}.csv" in answer.headers["Content-Disposition"]
        browser.get(f"{at}/numbers/score{then}")
        assert "Điểm không nêu theo ngày đã qua" in text_of(browser)
        assert '<p class="answer__figure"><strong>–</strong>' in browser.text
        browser.get(f"{at}/numbers/excused{then}")
        assert '<p class="answer__figure"><strong>0</strong>' in browser.text
        browser.get(f"{at}/numbers/people{then}")
        assert "Xem những người được tính ở đây" in text_of(browser)
        for path in ("points", "peers"):
            browser.get(f"{at}/{path}{then}")
            assert "hiện nay" in text_of(browser), path
            assert "Nguyễn Văn" not in browser.text
        browser.get(f"{at}?until={day - 30 * DAY}")
        assert "chưa có khóa học nào được giao" in text_of(browser)
        assert browser.get(f"{at}?until={day + 30 * DAY}").status_code == 422
        assert "Số liệu chỉ có đến hôm nay" in text_of(browser)
        assert browser.get(f"{at}.json?until={day + 30 * DAY}").status_code == 404


def test_charts_of_a_day_that_is_over_end_with_it(make: Make, tmp_path: Path) -> None:
    course, root = course_loaded(make, tmp_path), make.unit("Tỉnh")
    assigned(make, course, root)
    ids = staffed(make, course, root, Staff(completed=1, begun=1, not_begun=2))
    day = clock.today()
    with clock.moved_to(clock.now() + 2 * DAY), make.writing() as session:
        studied(session, course, ids[2:], lessons=4, tests=2)
        settle_briefing(session, session.scalars(select(Briefing.id)).one())
    with clock.moved_to(clock.now() + 5 * DAY), make.reading() as session:
        until = clock.start_of_day(day + DAY) - timedelta.resolution
        for structure, people in ((Structure(clock.today()), 3), (Structure(day, then=True, until=until), 1)):
            shown = looked_back(make, root, structure)
            assert history(session, shown)[-1].briefed_by == shown.count.briefed == people
            [finished] = finished_modules(session, shown, known_editions(session, shown)).values()
            assert set(finished) == {people}


def test_an_address_asks_for_a_day_a_structure_and_a_category(make: Make) -> None:
    today = clock.today()
    past, other = today - 3 * DAY, today - 9 * DAY
    cases = [
        ({}, None, today, "", {}),
        ({"until": f"{today}"}, None, today, "", {}),
        ({"until": f"{past}"}, past, past, "", {"until": f"{past}", "tree": "state"}),
        (
            {"until": f"{past}", "on": f"{other}"},
            past,
            other,
            "",
            {"until": f"{past}", "on": f"{other}", "tree": "state"},
        ),
        (
            {"until": f"{past}", "on": f"{today}"},
            past,
            today,
            "",
            {"until": f"{past}", "on": f"{today}", "tree": "state"},
        ),
        ({"category": "vien_chuc"}, None, today, "vien_chuc", {"category": "vien_chuc"}),
        ({"category": "no such"}, None, today, "", {}),
    ]
    with make.app.test_request_context():
        for address, until, on, category, carried in cases:
            found = asked_of(MultiDict(address))
            assert (found.until, found.on, found.category, found.address) == (until, on, category, carried), address
            assert not found.errors
            assert found.form.on._value() == (f"{on:%d/%m/%Y}" if "on" in address else "")
        assert asked_of(MultiDict({"until": "31/13/2026"})).errors
        assert asked_of(MultiDict({"until": f"{today + DAY}"})).errors


def test_a_day_before_two_mergers_is_told_as_it_was(make: Make, tmp_path: Path) -> None:
    """However often the place of an assignment was taken over, whom it reached had been given the briefing by then."""
    course = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    units = [make.unit(f"Xã {name}", under=root) for name in "ABC"]
    for unit in units:
        assigned(make, course, unit)
        staffed(make, course, unit, Staff(briefed=1, not_begun=1))
    day = clock.today()
    structure = Structure(day, then=True, until=clock.start_of_day(day + DAY) - timedelta.resolution)
    found, standing = [], [unit.id for unit in units]
    for days, code in ((2, "d"), (4, "e")):
        with clock.moved_to(clock.true_now() + days * DAY), make.writing() as session:
            parts, rest = [session.get_one(Unit, one) for one in standing[:2]], standing[2:]
            top = session.get_one(Unit, root.id)
            merge_units(session, parts, NewUnit(Words(code, "Xã Mới", "commune"), {STATE_TREE: top}), on=clock.today())
            standing = [session.scalars(select(Unit.id).where(Unit.code == code)).one(), *rest]
            given = briefings_given(session, top, structure)
            found += [overview(session, top, one, structure, Count, now=clock.now()).count.people for one in given]
    assert found == [6, 6]


def titles_of_pictures(browser: Browser) -> list[tuple[str, str]]:
    """What pictures of the page bear: their first line and their last."""
    lines = [html.unescape(one).split("\n") for one in re.findall(r'data-title="([^"]*)"', browser.text)]
    return [(one[0], one[-1]) for one in lines]
