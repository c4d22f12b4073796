"""What a learner meets: the courses assigned, the way through a course, a lesson, one's own record."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from courses.briefings.models import Standing
from lms import clock
from lms.accounts.models import Person
from lms.cli import check_projections
from lms.duplicates.actions import link_people
from lms.privacy.queries import own_data
from tests.courses.learner import COURSE, FINISH, Learner, give, publish_anew
from tests.library_course import load_built_in_course, load_small_course
from tests.make import Make

PASSWORD = "bon muoi tam nghi quyet"


@pytest.fixture
def learner(make: Make, tmp_path: Path) -> Learner:
    """Somebody in front of the small course, which nobody has assigned."""
    load_small_course(make, tmp_path)
    return Learner(make)


def headings(text: str) -> list[str]:
    return [re.sub(r"<[^>]+>|\s+", " ", one).strip() for one in re.findall(r"<h[1-3][^>]*>(.*?)</h[1-3]>", text, re.S)]


def test_the_first_page_of_a_learner_is_what_must_be_studied(make: Make, tmp_path: Path) -> None:
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế")
    give(make, unit, due_at=clock.end_of_day(clock.today() + timedelta(days=12)))
    browser = make.browser(make.person(unit=unit))
    browser.get("/")
    assert browser.path == "/learning"
    assert headings(browser.text) == ["Học tập", "Được giao", "Khóa học nhỏ"]
    assert "còn 12 ngày" in browser.text
    assert "Chưa học" in browser.text
    assert browser.form("Bắt đầu học").action == f"{COURSE}/start"


@pytest.mark.parametrize(
    ("days", "words"), [(-3, "quá hạn 3 ngày"), (-1, "quá hạn 1 ngày"), (0, "hết hạn trong hôm nay"), (1, "còn 1 ngày")]
)
def test_the_due_date_is_said_in_words(make: Make, tmp_path: Path, days: int, words: str) -> None:
    load_small_course(make, tmp_path)
    unit = make.unit()
    give(make, unit, due_at=clock.end_of_day(clock.today() + timedelta(days=days)))
    text = make.browser(make.person(unit=unit)).get("/learning").text
    assert words in text
    assert ("state--overdue" in text) == (days < 0)


def test_every_course_assigned_is_there_with_its_own_due_date_the_most_pressing_first(
    make: Make, tmp_path: Path
) -> None:
    load_small_course(make, tmp_path)
    load_built_in_course(make)
    root = make.unit("Tỉnh")
    unit = make.unit("Sở Y tế", under=root)
    for days, given_to, code in ((9, root, "nq48"), (2, root, "demo"), (5, unit, "demo")):
        give(make, given_to, code=code, due_at=clock.end_of_day(clock.today() + timedelta(days=days)))
    text = make.browser(make.person(unit=unit)).get("/learning").text
    assert headings(text)[1:3] == ["Được giao", "Khóa học nhỏ"]
    assert re.findall(r"còn \d+ ngày", text) == ["còn 5 ngày", "còn 9 ngày"]
    assert "Các khóa học khác" not in text
    assert "Giao cho: Sở Y tế" in make.browser(make.person(unit=unit)).get(COURSE).text


def test_with_nothing_assigned_the_page_is_calm_and_offers_what_is_open(learner: Learner) -> None:
    text = learner.browser.get("/learning").text
    assert "Hiện chưa có khóa học nào được giao" in text
    assert headings(text) == ["Học tập", "Các khóa học mở cho mọi người", "Khóa học nhỏ"]


def test_with_no_course_at_all_the_page_still_says_what_it_is_for(make: Make) -> None:
    answer = make.browser(make.person()).get("/learning")
    assert answer.status_code == 200
    assert "Hiện chưa có khóa học nào được giao" in answer.text


def test_the_way_through_a_course_from_the_first_click_to_the_last(make: Make, tmp_path: Path) -> None:
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế")
    give(make, unit)
    learner = Learner(make, make.person(unit=unit))
    browser = learner.browser
    browser.get("/learning")
    browser.submit("Bắt đầu học")
    assert browser.path == f"{COURSE}/lessons/m1-1"
    assert "Bài 1/4" in browser.text
    browser.submit(FINISH)
    assert browser.path == f"{COURSE}/lessons/m1-2"
    assert "đã ghi nhận hoàn thành bài “Bài 1.1”" in browser.text
    browser.submit(FINISH)
    assert browser.path == f"{COURSE}/tests/m1-test"
    learner.take("m1-test", 0.5)
    assert "Không đạt" in browser.get(COURSE).text
    learner.take("m1-test", 0.9)
    assert "điểm cao nhất: 9" in browser.get(COURSE).text
    browser.get("/learning")
    assert re.search(r"<strong>2/4</strong>\s+bài học", browser.text)
    assert re.search(r"<strong>1/2</strong>\s+bài kiểm tra", browser.text)
    assert "Bài 3. Bài 2.1" in browser.text
    learner.read("m2-1", "m2-2")
    learner.take("m2-test", 1.0)
    text = browser.get(COURSE).text
    assert f"Khóa học đã hoàn thành ngày {clock.today():%d/%m/%Y}" in text
    assert "Học tiếp" not in text
    assert "Đã hoàn thành mọi khóa học được giao" in browser.get("/learning").text
    assert not any(check_projections(make.database).values())


def test_finishing_the_last_thing_leads_to_the_page_of_the_course(learner: Learner) -> None:
    learner.take("m2-test", 0.8)
    assert learner.read("m2-2").path == COURSE
    assert learner.read("m1-1").path == f"{COURSE}/lessons/m1-2"


def test_who_read_ahead_is_led_back_to_the_first_thing_left_out(learner: Learner) -> None:
    learner.read("m1-2")
    text = learner.browser.get(COURSE).text
    assert re.search(rf'<a class="button" href="{COURSE}/lessons/m1-1">Học tiếp</a>', text)


def test_a_lesson_can_be_read_before_beginning_and_finishing_it_begins_the_course(learner: Learner) -> None:
    assert learner.browser.get(f"{COURSE}/lessons/m1-1").status_code == 200
    assert learner.said() == []
    learner.read("m1-1")
    assert learner.said() == [("completed", "m1-1")]
    assert "Đang học" in learner.browser.get(COURSE).text


def test_beginning_twice_says_it_once_and_loses_nobody(learner: Learner) -> None:
    browser = learner.browser
    browser.get(COURSE)
    form = browser.form("/start")
    for _ in range(2):
        answer = browser.post(form.action, data=dict(form.fields), headers={"Origin": "http://localhost"})
        assert answer.status_code == 200
    assert browser.path == COURSE
    assert learner.said() == [("initialized", "demo")]


def test_a_double_click_on_finish_says_it_once(learner: Learner) -> None:
    browser = learner.browser
    browser.get(f"{COURSE}/lessons/m1-1")
    form = browser.form(FINISH)
    places = []
    for _ in range(2):
        browser.post(form.action, data=dict(form.fields), headers={"Origin": "http://localhost"})
        places.append(browser.path)
    assert places == [f"{COURSE}/lessons/m1-2"] * 2
    assert learner.said() == [("completed", "m1-1")]


def test_a_finished_lesson_says_since_when_and_leads_on(learner: Learner) -> None:
    learner.read("m1-1")
    text = learner.browser.get(f"{COURSE}/lessons/m1-1").text
    assert f"Đã hoàn thành ngày {clock.today():%d/%m/%Y}" in text
    assert "Tôi đã học xong bài này" not in text
    assert re.search(rf'<a class="button" href="{COURSE}/lessons/m1-2">', text)


@pytest.mark.parametrize(
    "path", ["/courses/none", "/courses/none/lessons/m1-1", f"{COURSE}/lessons/m9-1", f"{COURSE}/lessons/m1-test"]
)
def test_what_is_not_there_looks_like_every_other_unknown_address(learner: Learner, path: str) -> None:
    answer = learner.browser.get(path)
    assert answer.status_code == 404
    assert "Không tìm thấy trang" in answer.text


def test_who_has_begun_keeps_the_version_and_who_begins_later_gets_the_new_one(
    learner: Learner, tmp_path: Path
) -> None:
    learner.read("m1-1")
    assert publish_anew(learner.make, tmp_path) == 2
    text = learner.browser.get(COURSE).text
    assert "Phiên bản 1 của khóa học" in text
    assert "Đã có phiên bản 2" in text
    assert learner.browser.get(f"{COURSE}/lessons/m1-3").status_code == 404
    assert learner.read("m1-2").path == f"{COURSE}/tests/m1-test"
    later = Learner(learner.make)
    text = later.browser.get(COURSE).text
    assert "Phiên bản 2 của khóa học" in text
    assert "Đã có phiên bản" not in text
    assert later.browser.get(f"{COURSE}/lessons/m1-2").status_code == 404
    later.read("m1-1", "m1-3")
    assert [one["context"]["revision"] for one in learner.statements()] == ["1", "1"]
    assert [one["context"]["revision"] for one in later.statements()] == ["2", "2"]
    assert later.statements()[0]["object"]["definition"]["name"]["vi"] == "Bài viết lại"
    assert not any(check_projections(learner.make.database).values())


def test_a_lesson_opened_before_a_new_version_must_be_read_again(learner: Learner, tmp_path: Path) -> None:
    browser = learner.browser
    browser.get(f"{COURSE}/lessons/m1-2")
    publish_anew(learner.make, tmp_path)
    browser.submit(FINISH)
    assert browser.path == COURSE
    assert "Khóa học có phiên bản mới" in browser.text
    assert learner.said() == []


@pytest.mark.parametrize("version", ["", "x", "0", "99999999999999999999"])
def test_a_form_no_page_made_records_nothing(learner: Learner, version: str) -> None:
    browser = learner.browser
    browser.get(f"{COURSE}/lessons/m1-1")
    assert browser.submit(FINISH, _version=version).status_code == 200
    assert learner.said() == []


def test_a_click_after_the_session_has_ended_is_kept_through_the_sign_in(learner: Learner) -> None:
    person = learner.make.person(username="an", password=PASSWORD)
    learner = Learner(learner.make, person)
    browser = learner.browser
    browser.get(f"{COURSE}/lessons/m1-1")
    kept = browser.form(FINISH)
    browser.submit("/sign-out")
    answer = browser.post(kept.action, data=dict(kept.fields), headers={"Origin": "http://localhost"})
    assert answer.status_code == 401
    assert learner.said() == []
    browser.submit("/sign-in", username="an", password=PASSWORD)
    assert "Bài đã học xong" in browser.text
    assert "Bài 1.1" in browser.text
    assert "<dt>_version" not in browser.text
    browser.submit(FINISH)
    assert browser.path == f"{COURSE}/lessons/m1-2"
    assert learner.said() == [("completed", "m1-1")]


def test_a_lesson_shows_its_text_and_every_citation_leads_to_its_source(make: Make) -> None:
    load_built_in_course(make)
    browser = make.browser(make.person())
    text = browser.get("/courses/nq48/lessons/m1-1").text
    cited = set(re.findall(r'class="cite" href="#([^"]+)"|href="#([^"]+)" class="cite"', text))
    anchors = set(re.findall(r' id="(nguon-[^"]+)"', text))
    assert {one for pair in cited for one in pair if one} == anchors == {f"nguon-L{n}" for n in (16, 22, 24, 44, 104)}
    assert "TQ-2022: <cite>" in text
    assert '<span id="nguon-L16">16</span>,' in text
    assert "Báo Tuyên Quang điện tử" in text
    assert "22/04/2022" in text
    assert "Thông điệp hành động" in text
    assert "Trả lời mẫu" in text


def test_pages_turn_in_the_order_of_the_course(learner: Learner) -> None:
    def turned(code: str, way: str) -> list[str]:
        return re.findall(rf'<a rel="{way}" href="([^"]+)"', learner.browser.get(f"{COURSE}/lessons/{code}").text)

    assert turned("m1-1", "prev") == []
    assert turned("m1-1", "next") == [f"{COURSE}/lessons/m1-2"]
    assert turned("m2-1", "prev") == [f"{COURSE}/tests/m1-test"]
    assert turned("m2-2", "next") == [f"{COURSE}/tests/m2-test"]


def test_in_english_titles_are_english_and_the_text_is_announced_as_vietnamese(learner: Learner) -> None:
    browser = learner.browser
    browser.get(f"{COURSE}/lessons/m1-1")
    browser.submit("/language", language="en")
    text = browser.get(f"{COURSE}/lessons/m1-1").text
    assert "<h1>Lesson 1.1</h1>" in text
    assert '<div class="lesson" lang="vi">' in text
    assert "A small course" in browser.get("/learning").text


def test_when_only_the_final_test_counts_it_is_shown_and_the_others_are_practice(make: Make, tmp_path: Path) -> None:
    load_small_course(make, tmp_path, counts="final")
    learner = Learner(make)
    text = learner.browser.get(COURSE).text
    assert "đạt bài kiểm tra cuối khóa" in text
    assert text.count("không tính vào kết quả") == 2
    assert f'href="{COURSE}/tests/final-test"' in text
    learner.read("m1-1", "m1-2")
    assert learner.browser.path == f"{COURSE}/lessons/m2-1"
    assert learner.read("m2-1", "m2-2").path == f"{COURSE}/tests/final-test"
    learner.take("final-test", 0.7)
    assert "Khóa học đã hoàn thành" in learner.browser.get(COURSE).text


def test_when_module_tests_count_there_is_no_final_test(learner: Learner) -> None:
    assert "final-test" not in learner.browser.get(COURSE).text


def test_the_rules_of_the_tests_are_told_before_one_begins(learner: Learner) -> None:
    text = re.sub(r"<[^>]+>|\s+", " ", learner.browser.get(COURSE).text)
    text = " ".join(text.split())
    assert "Học xong 4 bài và đạt 2 bài kiểm tra chuyên đề." in text
    assert "Điểm đạt 7 điểm trở lên (thang điểm 10)" in text
    assert "Số lượt làm bài không giới hạn" in text
    assert "Lượt được tính lượt điểm cao nhất" in text
    assert "Thời gian làm bài 15 phút" in text


def test_my_record_says_what_is_kept_and_under_which_number(learner: Learner) -> None:
    browser = learner.browser
    assert "chưa bắt đầu khóa học nào" in browser.get("/my-record").text
    learner.read("m1-1")
    learner.take("m1-test", 0.5)
    learner.take("m1-test", 0.8333)
    text = browser.get("/my-record").text
    rows = [re.sub(r"<[^>]+>", "", row) for row in text.split("<tbody>")[1].split("</tbody>")[0].split("</tr>")]
    lesson, test = (" ".join(row.split()) for row in rows[:2])
    assert re.fullmatch(r"Bài 1\. Bài 1\.1 Học xong \d\d:\d\d, \d\d/\d\d/\d{4}", lesson), lesson
    assert test.startswith("Bài kiểm tra chuyên đề 1 Đạt, cao nhất 8,3 điểm trong 2 lượt (lượt đầu 5 điểm, "), test
    assert "<summary>Mã số trong nhật ký</summary>" in text
    assert str(learner.person.public_id) in text
    assert learner.person.full_name not in text.split("<main")[1]


def test_nobody_sees_the_progress_of_another(learner: Learner) -> None:
    learner.read("m1-1")
    other = Learner(learner.make)
    assert "Đã hoàn thành" not in other.browser.get(COURSE).text
    assert "Học xong" not in other.browser.get("/my-record").text


def test_what_another_record_of_the_same_person_has_reached_is_shown_in_words_and_not_asked_again(
    make: Make, tmp_path: Path
) -> None:
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế")
    give(make, unit)
    kept = make.person("Lý A Hoa", unit=unit)
    head = make.browser(make.person(unit=unit, role="head", over=unit))
    mine = Learner(make, kept)
    begun, read, done = (Learner(make, make.person("Lý A Hoà", unit=unit)) for _ in range(3))
    begun.read("m1-1")
    for one in (read, done):
        one.read("m1-1", "m1-2", "m2-1", "m2-2")
    for test in ("m1-test", "m2-test"):
        done.take(test, 0.9)
    missing = f"/dashboard/units/{unit.public_id}/missing"
    for other, state, words, listed in (
        (begun, "in_progress", "Được tính là đang học", "Đã học 1/4 bài · theo hồ sơ khác của người này"),
        (read, "briefed", "Được tính là đã quán triệt", "đạt 0/2 bài kiểm tra · theo hồ sơ khác của người này"),
        (done, "completed", "Không phải học lại", ""),
    ):
        with make.writing() as session:
            link_people(session, *(session.get_one(Person, one.person.id) for one in (other, mine)), by=kept.public_id)
        with make.reading() as session:
            standing = session.scalars(select(Standing).where(Standing.person_id == kept.id)).one()
            assert standing.state == state
            parts = {part.code: part.rows for part in own_data(session, session.get_one(Person, kept.id))}
        assert [(row[1], row[-1]) for row in parts["standings"]] == [(state, str(other.person.public_id))]
        assert str(other.person.public_id) in str(parts["linked_records"])
        for path in ("/learning", COURSE, "/my-record"):
            text = mine.browser.get(path).text
            assert words in text, path
            assert ("Bắt đầu học" in text) == (path != "/my-record" and state != "completed"), path
        assert ("Tôi đã học xong bài này" in mine.browser.get(f"{COURSE}/lessons/m1-1").text) == (state != "completed")
        names = re.sub(r"\s+", " ", head.get(missing).text)
        assert listed in names
        assert ("theo hồ sơ khác" in names) == (state != "completed")
    assert "Đã hoàn thành mọi khóa học được giao." in mine.browser.get("/learning").text
