"""While a test is open its clock runs: the first thing on the learner's pages says so, and leads back to it."""

from datetime import UTC, datetime, timedelta

import time_machine

from tests.assessments.sitting import SINGLES, Sitting
from tests.counting import count_queries

NOON = datetime(2026, 4, 22, 5, 0, tzinfo=UTC)
PAGES = ("/learning", "/courses/demo")


def first_words(sitting: Sitting, page: str) -> str:
    """What the page shows before anything else below its heading."""
    sitting.browser.get(page)
    return sitting.browser.text.split("</h1>")[1][:900]


def test_home_and_course_first_tell_of_an_open_test_and_lead_to_it(sitting: Sitting) -> None:
    with time_machine.travel(NOON, tick=False):
        sitting.browser = sitting.make.browser(sitting.learner)
        for page in PAGES:
            assert "Đang làm dở" not in first_words(sitting, page)
        sitting.start(SINGLES)
        for page in PAGES:
            words = first_words(sitting, page)
            assert "Bài kiểm tra chuyên đề 2" in words
            assert "nộp trước 12:15" in words
            assert f'href="{SINGLES}">Tiếp tục làm bài' in words
        assert "Đang làm</span>" in sitting.browser.text
        sitting.start(SINGLES)
        sitting.hand_in()
        for page in PAGES:
            assert "Đang làm dở" not in first_words(sitting, page)
        assert "Đang làm</span>" not in sitting.browser.text


def test_a_test_without_a_time_limit_is_told_without_an_hour(sitting: Sitting) -> None:
    sitting.settings(minutes=0)
    sitting.start(SINGLES)
    assert "Đang làm dở" in first_words(sitting, PAGES[0])
    assert "nộp trước" not in first_words(sitting, PAGES[0])


def test_a_test_whose_time_is_over_is_told_as_over_and_looking_closes_nothing(sitting: Sitting) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sitting.browser = sitting.make.browser(sitting.learner)
        sitting.start(SINGLES)
        clock.move_to(NOON + timedelta(minutes=16))
        for page in PAGES:
            words = first_words(sitting, page)
            assert "đã hết giờ lúc 12:15" in words
            assert f'href="{SINGLES}">Xem kết quả' in words
    assert sitting.attempts()[0].submitted_at is None


def test_an_open_test_of_somebody_else_is_not_told(sitting: Sitting) -> None:
    sitting.start(SINGLES)
    sitting.browser = sitting.make.browser(sitting.make.person("Trần Thị Bình"))
    for page in PAGES:
        assert "Đang làm dở" not in first_words(sitting, page)


def test_telling_costs_one_query_whether_or_not_a_test_is_open(sitting: Sitting) -> None:
    costs = []
    for _ in range(2):
        for page in PAGES:
            sitting.browser.get(page)
            with count_queries(sitting.make.app) as counted:
                sitting.browser.get(page)
            costs.append(len(counted))
            assert len(counted) <= 6, counted
        sitting.start(SINGLES)
    assert costs[:2] == costs[2:]
