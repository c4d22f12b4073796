"""A learner takes a test: what is told before, the paper, saving, handing in, the review, and doing it again."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, update

from assessments.attempts.models import Attempt
from assessments.bank.models import Question
from lms import clock
from lms.xapi.models import XapiStatement
from lms.xapi.vocabulary import ATTEMPTED, PASSED
from tests.assessments.sitting import FINAL, SINGLES, TEST, Sitting, status
from tests.browser import ORIGIN, Browser


def test_a_learner_takes_a_test_from_its_introduction_to_its_review(sitting: Sitting) -> None:
    browser = sitting.browser
    browser.get(TEST)
    for told in (
        "<dt>Số câu hỏi</dt><dd>4</dd>",
        "7 điểm trở lên (thang điểm 10)",
        "15 phút kể từ lúc bắt đầu",
        "Cần đạt bài này",
        "lượt điểm cao nhất",
        "không giới hạn",
    ):
        assert told in browser.text
    sitting.start()
    assert browser.text.count("<fieldset") == 4
    assert "Chưa có câu trả lời nào được lưu" in browser.text
    sitting.hand_in(sitting.right())
    assert "Đạt: 10 điểm" in browser.text
    assert browser.text.count("EXPLAINED") == 4
    assert f"/courses/demo/lessons/{sitting.paper()[0].lesson_code}" in browser.text
    assert "[BT L1]" in browser.text
    assert "Tiếp tục bài học" in browser.text
    browser.get(TEST)
    assert "Lượt 1: 10 điểm" in browser.text
    assert "lượt được tính" in browser.text


def test_the_final_test_asks_all_modules_and_says_when_it_is_only_practice(sitting: Sitting) -> None:
    sitting.browser.get(FINAL)
    assert "<dt>Số câu hỏi</dt><dd>6</dd>" in sitting.browser.text
    assert "40 phút kể từ lúc bắt đầu" in sitting.browser.text
    assert "không tính vào kết quả khóa học" in sitting.browser.text
    sitting.start(FINAL)
    assert {one.code.split("-")[0] for one in sitting.paper()} == {"m1", "m2"}
    sitting.hand_in()
    assert "Về khóa học" in sitting.browser.text


def test_answers_of_every_kind_are_saved_shown_again_and_graded(sitting: Sitting) -> None:
    sitting.settings(questions=10, minutes=0)
    sitting.start()
    assert "Không giới hạn thời gian" in sitting.browser.text
    right = sitting.right()
    kinds = {one.kind: one.position for one in sitting.paper()}
    assert set(kinds) == {"single", "multiple", "order", "match"}
    half = {
        kinds["single"]: right[kinds["single"]],
        kinds["multiple"]: right[kinds["multiple"]][:1],
        kinds["match"]: [0, 2, None],
    }
    sitting.save(half)
    assert "Đã lưu bài lúc" in sitting.browser.text
    assert {item.position: item.response for item in sitting.items() if item.response} == half
    served = dict(sitting.browser.form("Lưu bài").fields)
    assert {name: served[name] for name in sitting.fields(half)} == {
        name: value if isinstance(value, str) else value[-1] for name, value in sitting.fields(half).items()
    }
    sitting.hand_in(half)
    scores = {item.position: item.score for item in sitting.items()}
    assert scores[kinds["single"]] == 1
    assert scores[kinds["multiple"]] == 0.5
    assert round(scores[kinds["match"]] or 0, 4) == 0.3333
    assert sum(score == 0 for score in scores.values()) == 7
    assert sitting.attempts()[0].scaled == 0.18
    assert "Không đạt: 1,8 điểm" in sitting.browser.text
    for told in ("Đúng một phần: 0,50", "Chưa trả lời", "Thứ tự đúng:", "Ôn lại bài học"):
        assert told in sitting.browser.text


def test_before_handing_in_the_unanswered_questions_are_listed_with_a_way_back(sitting: Sitting) -> None:
    sitting.start()
    paper = sitting.browser.path
    right = sitting.right()
    sitting.save({1: right[1], 3: right[3]}, then="confirm")
    assert sitting.browser.path.endswith("/submit")
    for position in (2, 4):
        assert f'href="{paper}#cau-{position}"' in sitting.browser.text
    assert f'href="{paper}#cau-1"' not in sitting.browser.text
    assert "2/4" in sitting.browser.text
    assert sitting.attempts()[0].submitted_at is None
    sitting.browser.get(paper)
    sitting.save(right, then="confirm")
    assert "Đã trả lời tất cả các câu." in sitting.browser.text


def test_an_open_attempt_is_continued_and_its_paper_stays_the_same(sitting: Sitting) -> None:
    first = sitting.start()
    paper = sitting.paper()
    sitting.browser.get(TEST)
    assert "Tiếp tục làm bài" in sitting.browser.text
    sitting.browser.post(TEST, data=tokens(sitting.browser), headers={"Origin": ORIGIN})
    assert sitting.browser.path == first
    assert sitting.paper() == paper
    assert len(sitting.attempts()) == 1
    assert verbs(sitting) == [ATTEMPTED]


def test_another_attempt_has_another_paper_and_the_best_one_counts(sitting: Sitting) -> None:
    sitting.start()
    sitting.hand_in(sitting.right())
    sitting.browser.submit("Làm lại")
    sitting.hand_in()
    first, second = sitting.attempts()
    assert (first.scaled, second.scaled) == (1.0, 0.0)
    assert second.number == 2
    assert [one.shown for one in sitting.paper(first)] != [one.shown for one in sitting.paper(second)]
    sitting.browser.get(TEST)
    assert sitting.browser.text.count("lượt được tính") == 1
    assert sitting.browser.text.index("Lượt 1: 10 điểm") < sitting.browser.text.index("lượt được tính")


def test_a_started_attempt_counts_against_the_limit(sitting: Sitting) -> None:
    sitting.settings(max_attempts=1)
    sitting.start()
    sitting.browser.get(TEST)
    assert "tối đa 1, đã bắt đầu 1" in sitting.browser.text
    sitting.browser.get(f"{TEST}/attempts/{sitting.attempts()[0].public_id}")
    sitting.hand_in()
    assert "Làm lại" not in sitting.browser.text
    sitting.browser.get(TEST)
    assert "Đã dùng hết số lượt làm bài." in sitting.browser.text
    sitting.browser.post(TEST, data=tokens(sitting.browser), headers={"Origin": ORIGIN})
    assert "Đã dùng hết số lượt làm bài của bài kiểm tra này." in sitting.browser.text
    assert len(sitting.attempts()) == 1


def test_a_test_without_questions_says_so_and_starts_nothing(sitting: Sitting) -> None:
    with sitting.make.writing() as session:
        session.execute(update(Question).values(withdrawn_at=clock.now()))
    sitting.browser.get(TEST)
    assert "Bài kiểm tra này chưa có câu hỏi." in sitting.browser.text
    sitting.browser.post(TEST, data=tokens(sitting.browser), headers={"Origin": ORIGIN})
    assert sitting.browser.path == TEST
    assert sitting.attempts() == []


def test_fifty_equal_submits_give_one_grade_and_one_set_of_statements(sitting: Sitting) -> None:
    sitting.start()
    sitting.save(sitting.right(), then="confirm")
    answers = at_once(sitting, sitting.browser.path, 50)
    assert {answer.status_code for answer in answers} == {302}
    assert {answer.headers["Location"] for answer in answers} == {sitting.browser.path.replace("/submit", "/review")}
    assert verbs(sitting).count(PASSED) == 1
    assert len(verbs(sitting)) == 1 + 4 + 1
    assert len(sitting.attempts()) == 1


def test_pressing_start_many_times_at_once_starts_one_attempt(sitting: Sitting) -> None:
    sitting.browser.get(TEST)
    answers = at_once(sitting, TEST, 20)
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(sitting.attempts()) == 1
    assert verbs(sitting) == [ATTEMPTED]


def test_other_answers_after_handing_in_are_refused_in_a_friendly_way(sitting: Sitting) -> None:
    paper = sitting.start(SINGLES)
    right = sitting.right()
    old_page = other_tab(sitting, paper)
    older_page = other_tab(sitting, paper)
    sitting.hand_in(right)
    sitting.save(right, then="confirm", browser=old_page)
    assert old_page.path == f"{paper}/review"  # the same answers: nothing to refuse
    sitting.save({1: wrong(right[1])}, browser=older_page)
    assert status(older_page) == 409
    assert "đã được nộp lúc" in older_page.text
    assert "Xem kết quả" in older_page.text
    assert [item.response for item in sitting.items()] == [right[n] for n in range(1, 5)]
    assert sitting.attempts()[0].scaled == 1.0


def test_an_old_page_in_another_tab_takes_no_answer_back(sitting: Sitting) -> None:
    sitting.start()
    right = sitting.right()
    tab = other_tab(sitting, sitting.browser.path)
    sitting.save({1: right[1], 2: right[2]})
    sitting.save({3: right[3]}, browser=tab)
    assert [item.response for item in sitting.items()] == [right[1], right[2], right[3], None]


def test_an_answer_can_be_taken_back(sitting: Sitting) -> None:
    sitting.settings(questions=10)
    sitting.start()
    ticked = next(one for one in sitting.paper() if one.kind == "multiple")
    sitting.save({ticked.position: [0, 1]})
    sitting.press({f"Câu {ticked.position}": []})
    assert all(item.response is None for item in sitting.items())


def test_choices_the_paper_did_not_offer_are_not_kept(sitting: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assessments.papers.actions.secrets.randbits", lambda _bits: 2)  # a paper that offers choices
    sitting.start()
    sitting.press({f"Câu {first_single(sitting)}": "Z"})
    assert "lựa chọn không thuộc đề này" in sitting.browser.text
    assert all(item.response is None for item in sitting.items())


def test_another_learners_attempt_does_not_exist(sitting: Sitting) -> None:
    sitting.start()
    paper = sitting.browser.path
    stranger = sitting.make.browser(sitting.make.person("Trần Thị Bình"))
    stranger.get(TEST)
    token = tokens(stranger)
    with sitting.make.reading() as session:
        before = session.scalar(select(func.count()).select_from(XapiStatement))
    for suffix in ("", "/submit", "/review"):
        assert stranger.get(paper + suffix).status_code == 404
    for suffix in ("", "/submit"):
        answer = stranger.post(paper + suffix, data=token | {"_1": "", "Câu 1": "A"}, headers={"Origin": ORIGIN})
        assert answer.status_code == 404
    with sitting.make.reading() as session:
        assert session.scalar(select(func.count()).select_from(XapiStatement)) == before
        assert session.scalar(select(func.count()).select_from(Attempt)) == 1
    assert sitting.attempts()[0].submitted_at is None
    assert all(item.response is None for item in sitting.items())


def test_tests_and_attempts_that_do_not_exist_are_not_found(sitting: Sitting) -> None:
    sitting.start()
    attempt = sitting.attempts()[0].public_id
    for path in (
        "/courses/demo/tests/m9-test",
        "/courses/demo/tests/m1-1",
        "/courses/other/tests/m1-test",
        f"{FINAL}/attempts/{attempt}",
        f"{TEST}/attempts/00000000-0000-0000-0000-000000000000",
        f"{TEST}/attempts/1",
    ):
        assert sitting.browser.get(path).status_code == 404, path


def test_looking_at_pages_of_an_attempt_changes_nothing(sitting: Sitting) -> None:
    paper = sitting.start()
    before = (len(sitting.statements()), sitting.items())
    for path in (TEST, paper, f"{paper}/submit", f"{paper}/review"):
        sitting.browser.get(path)
    after = (len(sitting.statements()), sitting.items())
    assert before[0] == after[0]
    assert [item.saved_at for item in before[1]] == [item.saved_at for item in after[1]]
    assert sitting.attempts()[0].submitted_at is None


def other_tab(sitting: Sitting, path: str) -> Browser:
    """The same browser showing a page in a tab of its own."""
    tab = Browser(sitting.make.app)
    tab.client = sitting.browser.client
    tab.get(path)
    return tab


def wrong(right: list[int | None]) -> list[int | None]:
    """Another option than the right one, of a single question."""
    return [(right[0] or 0) ^ 1]


def at_once(sitting: Sitting, path: str, times: int) -> list[Any]:
    """The same form sent so many times by threads of their own, each with the learner's cookie."""
    data, cookie = tokens(sitting.browser), sitting.browser.client.get_cookie("session")
    assert cookie is not None

    def send(_n: int) -> Any:
        client = sitting.make.app.test_client()
        client.set_cookie("session", cookie.value)
        return client.post(path, data=data, headers={"Origin": ORIGIN})

    with ThreadPoolExecutor(7) as pool:
        return list(pool.map(send, range(times)))


def tokens(browser: Browser) -> dict[str, str]:
    """What a form of this page needs beside its own fields."""
    return {"csrf_token": dict(browser.forms[-1].fields)["csrf_token"]}


def verbs(sitting: Sitting) -> list[str]:
    return [statement["verb"]["id"] for statement in sitting.statements()]


def first_single(sitting: Sitting) -> int:
    return next(one.position for one in sitting.paper() if one.kind == "single")


def test_pages_speak_english_when_asked(sitting: Sitting) -> None:
    sitting.browser.get(TEST)
    sitting.browser.submit("/language")
    assert 'lang="en"' in sitting.browser.text
    sitting.start()
    assert '<div lang="vi">' in sitting.browser.text


def test_the_pages_of_a_test_stand_under_study_in_the_menu(sitting: Sitting) -> None:
    current = '<a href="/learning" aria-current="page">Học tập</a>'
    paper = sitting.start()
    for page in (TEST, paper, f"{paper}/submit", "/learning"):
        sitting.browser.get(page)
        assert current in sitting.browser.text, page
    sitting.browser.get("/profile")
    assert current not in sitting.browser.text


def buttons(sitting: Sitting) -> list[tuple[bool, str]]:
    """Which buttons of the page are quiet, and their words, in order."""
    found = re.findall(r'class="button( button--quiet)?"[^>]*>([^<]+)<', sitting.browser.text)
    return [(bool(quiet), words) for quiet, words in found]


def test_before_handing_in_the_strong_button_leads_back_while_questions_are_open(sitting: Sitting) -> None:
    sitting.start(SINGLES)
    right = sitting.right()
    sitting.save({1: right[1]}, then="confirm")
    assert buttons(sitting) == [(False, "Quay lại làm tiếp"), (True, "Nộp bài")]
    sitting.browser.get(sitting.browser.path.removesuffix("/submit"))
    sitting.save(right, then="confirm")
    assert buttons(sitting) == [(False, "Nộp bài"), (True, "Quay lại làm tiếp")]


def test_after_passing_the_strong_button_of_the_introduction_leads_back_to_the_course(sitting: Sitting) -> None:
    sitting.start(SINGLES)
    sitting.hand_in()
    sitting.browser.get(SINGLES)
    assert buttons(sitting) == [(False, "Làm lại")]
    sitting.start(SINGLES)
    sitting.hand_in(sitting.right())
    sitting.browser.get(SINGLES)
    assert buttons(sitting) == [(False, "Quay lại khóa học"), (True, "Làm lại")]


def test_the_review_shows_what_was_chosen_and_what_is_right_and_folds_the_rest(sitting: Sitting) -> None:
    sitting.start(SINGLES)
    right = sitting.right()
    wrong: dict[int, list[int | None]] = {2: [(int(right[2][0] or 0) + 1) % 4]}
    sitting.hand_in({1: right[1], **wrong})
    jump = r'<a class="mark[^"]*" href="#(cau-\d)"><span class="visually-hidden">([^<]+)'
    jumps = re.findall(jump, sitting.browser.text)
    assert jumps == [
        ("cau-1", "Câu 1: Đúng"),
        ("cau-2", "Câu 2: Chưa đúng"),
        ("cau-3", "Câu 3: Chưa trả lời"),
        ("cau-4", "Câu 4: Chưa trả lời"),
    ]
    shown = []
    for section in sitting.browser.text.split('<section class="question"')[1:]:
        before, folded = section.split('<details class="others">')
        shown.append((before.count('<div class="option'), folded.count('<div class="option')))
    assert shown == [(2, 4), (3, 3), (2, 4), (2, 4)]  # one more each for the list they stand in
