"""A trainer changes which test counts, from which mark and how often; learners under way keep what they began with."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import select

from courses.authoring.actions import NothingToPublish, Outdated, publish_settings
from courses.authoring.forms import share_in
from courses.catalog.actions import THE_PRODUCT
from courses.catalog.models import Course, CourseVersion
from courses.catalog.rules import Settings, outline_of, settings_of
from courses.learning.queries import edition, editions
from lms.audit.models import AuditEntry
from tests.browser import Browser
from tests.courses.learner import COURSE, Learner
from tests.library_course import load_small_course
from tests.make import Make

SETTINGS = "/authoring/demo/settings"
FORM = "Ghi chú"
CHANGED: dict[str, Any] = {
    "counts": "final",
    "pass_mark": "7,5",
    "max_attempts": "3",
    "attempt": "last",
    "note": "Một bài cuối khóa.",
}


@pytest.fixture
def trainer(make: Make, tmp_path: Path) -> Browser:
    """A trainer's browser; the small course is loaded."""
    load_small_course(make, tmp_path)
    return make.browser(make.person(role="trainer"))


def publish(browser: Browser, **changes: str) -> int:
    browser.get(SETTINGS)
    return browser.submit(FORM, **{**CHANGED, **changes}).status_code


def newest(make: Make) -> CourseVersion:
    with make.reading() as session:
        return session.scalars(select(CourseVersion).order_by(CourseVersion.number.desc())).all()[0]


def test_the_page_shows_what_holds_now(trainer: Browser) -> None:
    trainer.get("/authoring/")
    assert SETTINGS in trainer.text
    trainer.get(SETTINGS)
    assert dict(trainer.form(FORM).fields) | {"csrf_token": ""} == {
        "csrf_token": "",
        "seen": "1",
        "counts": "modules",
        "pass_mark": "7",
        "max_attempts": "0",
        "attempt": "best",
        "note": "",
    }


def test_other_settings_are_a_new_version_of_the_same_modules(make: Make, trainer: Browser) -> None:
    before = newest(make)
    assert publish(trainer) == 200
    assert "Đã công bố bản 2 của khóa học." in trainer.text
    after = newest(make)
    old, new = settings_of(before.settings), settings_of(after.settings)
    assert (new.counts, new.pass_mark, new.max_attempts, new.attempt) == ("final", 0.75, 3, "last")
    assert (new.questions, new.final_questions, new.minutes) == (old.questions, old.final_questions, old.minutes)
    assert (after.number, after.note) == (2, "Một bài cuối khóa.")
    one, other = outline_of(before.outline), outline_of(after.outline)
    assert [module.module_version_id for module in one.modules] == [
        module.module_version_id for module in other.modules
    ]
    assert [test.code for test in other.required_tests()] == ["final-test"]
    with make.reading() as session:
        entry = session.scalars(select(AuditEntry).filter_by(action="course.publish").order_by(AuditEntry.id)).all()[-1]
        assert entry.actor is not None
        assert entry.details["version"] == 2


def test_who_is_under_way_keeps_the_settings_and_who_begins_reads_the_new_ones(make: Make, trainer: Browser) -> None:
    early, late = Learner(make), Learner(make)
    early.browser.get(COURSE)
    early.browser.submit("/start")
    publish(trainer)
    early.browser.get(COURSE)
    assert "đạt 2 bài kiểm tra chuyên đề" in early.browser.text
    assert "7 điểm trở lên (thang điểm 10)" in early.browser.text
    late.browser.get(COURSE)
    terms = ("đạt bài kiểm tra cuối khóa", "7,5 điểm trở lên (thang điểm 10)", "<strong>3</strong>", "lượt gần nhất")
    for words in terms:
        assert words in late.browser.text
    early.read("m1-1", "m1-2", "m2-1", "m2-2")
    early.take("m1-test", 0.7)
    early.take("m2-test", 0.7)
    early.browser.get(COURSE)
    assert "Khóa học đã hoàn thành" in early.browser.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pass_mark": "11"}, "Nhập điểm từ 1 đến 10"),
        ({"pass_mark": "0,5"}, "Nhập điểm từ 1 đến 10"),
        ({"pass_mark": "bảy"}, "Nhập điểm từ 1 đến 10"),
        ({"max_attempts": "-1"}, "Nhập số lượt"),
        ({"max_attempts": ""}, "Nhập số lượt"),
        ({"max_attempts": "1000000000000"}, "Nhập số lượt"),
        ({"counts": "none"}, "Chọn bài kiểm tra được tính."),
        ({"attempt": "worst"}, "Chọn lượt được tính."),
        ({"note": "  "}, "Nhập ghi chú"),
    ],
)
def test_what_makes_no_sense_is_refused_and_what_was_typed_is_kept(
    make: Make, trainer: Browser, changes: dict[str, str], words: str
) -> None:
    assert publish(trainer, **changes) == 422
    assert words in trainer.text
    assert "Một bài cuối khóa." in trainer.text or "note" in changes
    assert newest(make).number == 1


def test_publishing_what_holds_already_publishes_nothing(make: Make, trainer: Browser) -> None:
    publish(trainer)
    data = dict(trainer.form(FORM).fields) | CHANGED | {"seen": "1"}
    answer = trainer.post(SETTINGS, data=data, headers={"Origin": "http://localhost"})
    assert answer.status_code == 200
    assert "bản mới nhất đã có các thiết lập này" in trainer.text
    assert newest(make).number == 2


def test_a_version_published_meanwhile_is_shown_before_it_is_replaced(make: Make, trainer: Browser) -> None:
    trainer.get(SETTINGS)
    publish(make.browser(make.person(role="trainer")), pass_mark="8")
    assert trainer.submit(FORM, **CHANGED).status_code == 409
    assert "Khóa học vừa có phiên bản mới" in trainer.text
    assert "<strong>8</strong>" in trainer.text
    assert "Một bài cuối khóa." in trainer.text
    assert trainer.submit(FORM).status_code == 200
    assert newest(make).number == 3


def test_the_action_says_what_is_amiss(make: Make, trainer: Browser) -> None:
    with make.writing() as session:
        course = session.scalars(select(Course)).one()
        now = settings_of(newest(make).settings)
        with pytest.raises(NothingToPublish):
            publish_settings(session, course, now, note="a", seen=1, by=THE_PRODUCT)
        with pytest.raises(Outdated):
            publish_settings(session, course, Settings(pass_mark=0.9), note="a", seen=0, by=THE_PRODUCT)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_version_that_was_not_committed_is_not_remembered(make: Make, trainer: Browser) -> None:
    """SQLite gives its id to the next one."""

    def version(mark: float, *, fails: bool) -> None:
        with make.writing() as session:
            course, last = session.scalars(select(Course)).one(), newest(make)
            settings = structs.replace(settings_of(last.settings), pass_mark=mark)
            publish_settings(session, course, settings, note="a", seen=last.number, by=THE_PRODUCT)
            assert editions(session, course.id)[-1].settings.pass_mark == mark
            if fails:
                raise InterruptedError

    with pytest.raises(InterruptedError):
        version(0.9, fails=True)
    version(0.8, fails=False)
    with make.reading() as session:
        last = newest(make)
        assert (last.number, editions(session, last.course_id)[-1].settings.pass_mark) == (2, 0.8)
        assert edition(session, last.id).settings.pass_mark == 0.8


def test_who_may_not_publish_finds_no_settings(make: Make, trainer: Browser) -> None:
    assert make.browser(make.person(role="administrator")).get(SETTINGS).status_code == 404
    assert trainer.get("/authoring/khong-co/settings").status_code == 404


@pytest.mark.parametrize(
    ("typed", "share"),
    [
        ("7", 0.7),
        ("7,5", 0.75),
        ("7.5", 0.75),
        (" 10 ", 1.0),
        ("1", 0.1),
        ("0,9", None),
        ("10,1", None),
        ("7,55", None),
    ],
)
def test_a_mark_on_the_scale_of_ten_is_a_share(typed: str, share: float | None) -> None:
    assert share_in(typed) == share
