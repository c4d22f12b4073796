"""The trainer edits a lesson, sees it, saves it, publishes it; and nobody loses anything."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from courses.authoring.actions import NotPublishable, publish_module
from courses.authoring.models import LessonDraft
from courses.authoring.views import WORDS, in_words
from courses.catalog.actions import THE_PRODUCT
from courses.catalog.loader import SENTENCES
from courses.catalog.models import Course, CourseVersion, Lesson, Module, ModuleVersion
from courses.catalog.rules import Problem, outline_of
from lms.audit.models import AuditEntry
from tests.browser import Browser
from tests.counting import count_queries
from tests.library_course import load_built_in_course, load_small_course
from tests.make import Make

LESSON = "/authoring/demo/m1/m1-1"
PUBLISH = "/authoring/demo/m1/publish"
ALL_FIELDS = {"title", "title_en", "minutes", "objectives", "action", "body"}


@pytest.fixture
def trainer(make: Make, tmp_path: Path) -> Browser:
    """A trainer's browser; the small course is loaded."""
    load_small_course(make, tmp_path)
    return make.browser(make.person(role="trainer"))


def save(browser: Browser, **changes: str) -> int:
    browser.get(LESSON)
    return browser.submit("Nội dung bài", follow=True, **changes).status_code


def typed(browser: Browser) -> dict[str, str]:
    return {name: value.strip("\n") for name, value in browser.form("Nội dung bài").fields if name in ALL_FIELDS}


def body_of(browser: Browser) -> str:
    browser.get(LESSON)
    return typed(browser)["body"]


def publish(browser: Browser, note: str = "Sửa cho rõ.") -> int:
    browser.get(PUBLISH)
    return browser.submit("Ghi chú", note=note).status_code


def test_the_trainer_begins_at_the_list_of_modules_and_finds_the_way_to_a_lesson(trainer: Browser) -> None:
    trainer.get("/")
    assert trainer.path == "/authoring/"
    assert "Khóa học nhỏ" in trainer.text
    assert 'href="/authoring/demo/m2"' in trainer.text
    trainer.get("/authoring/demo/m1")
    assert f'href="{LESSON}"' in trainer.text
    assert "Bản đầu tiên." in trainer.text
    trainer.get(LESSON)
    assert typed(trainer)["title"] == "Bài 1.1"
    assert "Liên hệ thực tiễn: Một tình huống" in trainer.text


def test_nobody_but_a_trainer_for_all_finds_these_pages(make: Make, tmp_path: Path) -> None:
    load_small_course(make, tmp_path)
    unit = make.unit()
    strangers = [
        make.person(unit=unit),
        make.person(unit=unit, role="head", over=unit),
        make.person(unit=unit, role="administrator"),
        make.person(unit=unit, role="trainer", over=unit),
    ]
    for person in strangers:
        browser = make.browser(person)
        for path in ("/authoring/", "/authoring/demo/m1", LESSON, PUBLISH):
            assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/authoring/none/m1", "/authoring/demo/m9", "/authoring/demo/m1/m1-9"])
def test_what_is_not_there_is_not_found(trainer: Browser, path: str) -> None:
    assert trainer.get(path).status_code == 404


def test_a_saved_draft_stays_and_learners_do_not_see_it(make: Make, trainer: Browser) -> None:
    old = body_of(trainer)
    assert save(
        trainer, title="Bài mới", title_en="", objectives="Nêu được a\n\n  Nêu được b \n", body=f"{old}\n\nMới."
    )
    assert "Đã lưu bản nháp." in trainer.text
    assert "Bản nháp lưu lúc" in trainer.text
    assert typed(trainer)["title_en"] == "Bài mới"
    assert typed(trainer)["objectives"] == "Nêu được a\nNêu được b"
    assert body_of(trainer) == f"{old}\n\nMới."
    for path in ("/authoring/", "/authoring/demo/m1"):
        assert trainer.get(path).text.count('<span class="chip">Có thay đổi chưa công bố</span>') == 1
    with make.reading() as session:
        assert session.scalars(select(Lesson.title).where(Lesson.code == "m1-1")).all() == ["Bài 1.1"]


def test_saving_what_was_published_leaves_nothing_to_publish(trainer: Browser) -> None:
    save(trainer)
    assert "Đã lưu bản nháp." in trainer.text
    assert "Không có thay đổi nào" in trainer.get(PUBLISH).text
    assert '<span class="chip">' not in trainer.get("/authoring/").text


REFUSED = [
    ("title", "  ", "Nhập tên bài."),
    ("title", "a" * 201, "Không quá 200 ký tự."),
    ("minutes", "mười", "Nhập số phút, là số nguyên từ 1 đến 240."),
    ("minutes", "0", "Nhập số phút, là số nguyên từ 1 đến 240."),
    ("minutes", "", "Nhập số phút, là số nguyên từ 1 đến 240."),
    ("objectives", "chỉ một", "Nhập từ hai đến bốn mục tiêu, mỗi mục tiêu một dòng."),
    ("objectives", "a\nb\nc\nd\ne", "Nhập từ hai đến bốn mục tiêu, mỗi mục tiêu một dòng."),
    ("objectives", "a\n" + "b" * 301, "Mỗi mục tiêu không quá 300 ký tự."),
    ("action", "", "Nhập một việc người học có thể làm ngay trong tuần."),
    ("body", "\n\n", "Nhập nội dung bài."),
    ("body", "a" * 20_001, "Không quá 20000 ký tự."),
]


def test_a_form_that_is_refused_names_the_field_and_keeps_all_that_was_typed(make: Make, trainer: Browser) -> None:
    for field, value, told in REFUSED:
        assert save(trainer, **{"action": "Việc tôi vừa gõ.", field: value}) == 422, (field, value)
        assert trainer.text.count(told) == 2, (field, value)  # above the form, and beside the field
        assert field == "action" or typed(trainer)["action"] == "Việc tôi vừa gõ."
    with make.reading() as session:
        assert session.scalars(select(LessonDraft)).all() == []


def test_a_preview_without_javascript_shows_what_was_typed_and_saves_nothing(make: Make, trainer: Browser) -> None:
    trainer.get(LESSON)
    fields = dict(trainer.form("Nội dung bài").fields) | {"title": "Tên đang gõ", "body": "## Đang gõ\n\n**đậm**"}
    answer = trainer.post(f"{LESSON}/preview", data=fields, headers={"Origin": "http://localhost"})
    assert answer.status_code == 200
    assert "<h2>Đang gõ</h2>\n<p><strong>đậm</strong></p>" in answer.text
    assert "chưa lưu" in answer.text
    assert typed(trainer)["title"] == "Tên đang gõ"
    with make.reading() as session:
        assert session.scalars(select(LessonDraft)).all() == []
    assert trainer.submit("Nội dung bài").status_code == 200
    assert "Đã lưu bản nháp." in trainer.text


def test_the_live_preview_needs_the_token_and_answers_with_the_page_part_only(trainer: Browser) -> None:
    trainer.get(LESSON)
    token = dict(trainer.form("Nội dung bài").fields)["csrf_token"]
    headers = {"Origin": "http://localhost", "X-CSRFToken": token}
    answer = trainer.post(f"{LESSON}/preview-part", data={"body": "một [BT L9]"}, headers=headers)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Dòng 1 (một [BT L9]): Bản tin nguồn không có dòng L9. Kiểm tra lại số dòng." in answer.text
    refused = trainer.post(
        f"{LESSON}/preview-part", data={"body": "một"}, headers={"Origin": "http://localhost"}, follow=False
    )
    assert refused.status_code == 400


def test_every_broken_rule_has_words(app: Flask) -> None:
    assert WORDS.keys() == SENTENCES.keys()
    with app.test_request_context():
        for rule in WORDS:
            broken = Problem(rule=rule, line=3, found="100 %")
            assert "Dòng 3 (tăng 100 %): " in in_words(broken, "\n\ntăng 100 %")
            assert "Dòng 3: " in in_words(broken, "\n\n\n")


def test_two_editors_never_overwrite_each_other(make: Make, trainer: Browser) -> None:
    other = make.browser(make.person("Lê Thị Hoa", role="trainer"))
    old = body_of(trainer)
    other.get(LESSON)
    assert save(trainer, body=f"{old}\n\nLời người thứ nhất.") == 200
    conflict = other.submit("Nội dung bài", title="Tên người thứ hai", body=f"{old}\n\nLời người thứ hai.")
    assert conflict.status_code == 409
    assert "Bài này vừa được lưu ở nơi khác" in other.text
    assert typed(other)["body"].endswith("Lời người thứ hai.")
    assert typed(other)["title"] == "Tên người thứ hai"
    assert "Lời người thứ nhất." in other.text
    assert "<ins>" in other.text
    assert body_of(trainer).endswith("Lời người thứ nhất.")
    assert other.submit("Nội dung bài").status_code == 200
    assert body_of(trainer).endswith("Lời người thứ hai.")


def test_of_several_who_save_at_once_one_does_and_the_others_are_asked(make: Make, trainer: Browser) -> None:
    editors = [make.browser(make.person(f"Người {n}", role="trainer")) for n in range(4)]
    for editor in editors:
        editor.get(LESSON)
    with ThreadPoolExecutor(len(editors)) as pool:
        answers = pool.map(lambda n: editors[n].submit("Nội dung bài", title=f"Tên {n}").status_code, range(4))
    assert sorted(answers) == [200, 409, 409, 409]


def test_a_double_submit_of_the_same_text_is_harmless(make: Make, trainer: Browser) -> None:
    trainer.get(LESSON)
    form = dict(trainer.form("Nội dung bài").fields) | {"title": "Một lần"}
    for _ in range(2):
        answer = trainer.post(LESSON, data=form, headers={"Origin": "http://localhost"})
        assert answer.status_code == 200
    with make.reading() as session:
        assert session.scalars(select(LessonDraft.revision)).all() == [1]


def test_a_tampered_revision_is_refused_like_a_stale_one(trainer: Browser) -> None:
    for revision in ("x", "-1", "7", "9" * 30):
        assert save(trainer, revision=revision, title="Khác") == 409


def test_publishing_shows_what_changes_asks_for_a_note_and_makes_new_versions(make: Make, trainer: Browser) -> None:
    save(trainer, body=body_of(trainer).replace("Điều thứ nhất", "Điều đầu tiên"), minutes="9")
    trainer.get(PUBLISH)
    assert "<del>thứ</del><ins>đầu</ins> <del>nhất</del><ins>tiên</ins>" in trainer.text
    assert "<del>3</del><ins>9</ins>" in trainer.text
    assert trainer.submit("Ghi chú", note=" ").status_code == 422
    assert "Nhập ghi chú" in trainer.text
    assert trainer.submit("Ghi chú", note="Viết lại ý đầu.").status_code == 200
    assert trainer.path == "/authoring/demo/m1"
    assert "Đã công bố phiên bản 2." in trainer.text
    assert "Viết lại ý đầu." in trainer.text
    assert "Có thay đổi chưa công bố" not in trainer.text
    with make.reading() as session:
        newest, oldest = session.scalars(select(CourseVersion).order_by(CourseVersion.number.desc())).all()
        assert (newest.number, newest.minutes, newest.note) == (2, 20, "Viết lại ý đầu.")
        before, after = outline_of(oldest.outline), outline_of(newest.outline)
        assert [one.number for one in after.modules] == [2, 1]
        assert after.modules[1] == before.modules[1]
        assert after.modules[0].module_version_id != before.modules[0].module_version_id
        assert [one.activity_id for one in after.lessons()] == [one.activity_id for one in before.lessons()]
        html = session.scalars(select(Lesson.html).where(Lesson.code == "m1-1").order_by(Lesson.id)).all()
        assert ["Điều thứ nhất" in one for one in html] == [True, False]
        entry = session.scalars(select(AuditEntry).filter_by(action="course.publish").order_by(AuditEntry.id)).all()[-1]
        assert entry.actor is not None
        assert entry.details == {"version": 2, "modules": {"m1": 2, "m2": 1}}


def test_sources_of_a_published_lesson_are_those_its_text_cites(make: Make, trainer: Browser) -> None:
    save(trainer, body=body_of(trainer).replace("[BT L1]", "[BT L3, L4]"))
    publish(trainer)
    with make.reading() as session:
        sources = session.scalars(select(Lesson.sources).where(Lesson.code == "m1-1").order_by(Lesson.id)).all()
    assert sources[0] == ["BT L1"]
    assert sources[-1] == ["BT L3", "BT L4"]


def test_a_lesson_that_breaks_a_rule_is_not_published(make: Make, trainer: Browser) -> None:
    save(trainer, body=body_of(trainer) + "\n\n<script>alert(1)</script> [BT L9]")
    trainer.get(PUBLISH)
    assert "Bản tin nguồn không có dòng L9." in trainer.text
    assert "không dùng thẻ HTML" in trainer.text
    assert "<script>alert" not in trainer.text
    assert not [form for form in trainer.forms if "note" in form.names]
    top = trainer.text.split("</h1>")[1].split("</ul>")[0]  # before the list of differences
    assert "(&lt;script&gt;alert(1)&lt;/script&gt; [BT L9]): Bản tin nguồn không có dòng L9." in top
    (way,) = re.findall(r'href="([^"]+)">Sửa bài này', trainer.text)
    assert way == LESSON
    with make.writing() as session:
        course, module = session.scalars(select(Course)).one(), session.get_one(Module, 1)
        with pytest.raises(NotPublishable, match="m1-1"):
            publish_module(session, course, module, note="a", seen="1-1-0", by=THE_PRODUCT)


def test_what_is_published_is_what_was_shown(make: Make, trainer: Browser) -> None:
    save(trainer, title="Lần một")
    trainer.get(PUBLISH)
    other = make.browser(make.person(role="trainer"))
    save(other, title="Lần hai")
    assert trainer.submit("Ghi chú", note="Ghi chú đã gõ").status_code == 409
    assert "Bản nháp vừa thay đổi" in trainer.text
    assert "Ghi chú đã gõ" in trainer.text
    assert "hai" in trainer.text
    assert trainer.submit("Ghi chú").status_code == 200
    assert "Đã công bố phiên bản 2." in trainer.text


def test_publishing_twice_publishes_once(make: Make, trainer: Browser) -> None:
    save(trainer, title="Một lần")
    trainer.get(PUBLISH)
    form = dict(trainer.form("Ghi chú").fields) | {"note": "Một lần."}
    for _ in range(2):
        assert trainer.post(PUBLISH, data=form, headers={"Origin": "http://localhost"}).status_code == 200
    assert "Không có thay đổi nào để công bố" in trainer.text
    with make.reading() as session:
        assert len(session.scalars(select(ModuleVersion).where(ModuleVersion.module_id == 1)).all()) == 2


def test_who_has_begun_keeps_the_version_and_who_begins_gets_the_new_one(make: Make, trainer: Browser) -> None:
    early, late = make.browser(make.person(unit=make.unit())), make.browser(make.person("Vũ Văn Em", unit=make.unit()))
    early.get("/courses/demo")
    early.submit("/courses/demo/start")
    save(trainer, title="Tên sau khi sửa")
    publish(trainer)
    early.get("/courses/demo")
    assert "Bài 1.1" in early.text
    assert "Tên sau khi sửa" not in early.text
    late.get("/courses/demo")
    assert "Tên sau khi sửa" in late.text


def test_a_draft_is_based_on_what_is_published_and_lives_on(trainer: Browser) -> None:
    save(trainer, title="Lần một")
    publish(trainer)
    assert save(trainer, title="Lần hai") == 200
    publish(trainer)
    assert "Đã công bố phiên bản 3." in trainer.text


def test_a_lesson_of_the_real_course_keeps_its_drawing_when_published_anew(make: Make) -> None:
    load_built_in_course(make)
    trainer = make.browser(make.person(role="trainer"))
    trainer.get("/authoring/nq48/m2/m2-1")
    trainer.submit("Nội dung bài", title="Văn bản, các mốc")
    assert '<svg viewBox="0 0 360 450" role="img" aria-labelledby="timeline-t' in trainer.text
    trainer.get("/authoring/nq48/m2/publish")
    trainer.submit("Ghi chú", note="Tên ngắn hơn.")
    with make.reading() as session:
        old, new = session.scalars(select(Lesson.html).where(Lesson.code == "m2-1").order_by(Lesson.id)).all()
    assert old == new


def test_what_was_typed_outlives_the_session(make: Make, trainer: Browser) -> None:
    person = make.person("Hà Văn Ký", role="trainer", username="ky", password="bon muoi tam nghi quyet")
    browser = make.browser(person)
    browser.get(LESSON)
    form = dict(browser.form("Nội dung bài").fields) | {"action": "Câu vừa gõ."}
    browser.client.delete_cookie("session")
    answer = browser.post(LESSON, data=form, headers={"Origin": "http://localhost"})
    assert answer.status_code == 401
    browser.submit("sign-in", username="ky", password="bon muoi tam nghi quyet")
    assert "Câu vừa gõ." in browser.text
    browser.submit("Gửi lại")
    assert "Đã lưu bản nháp." in browser.text
    assert typed(browser)["action"] == "Câu vừa gõ."


def test_lists_and_editors_cost_the_same_however_many_modules_there_are(app: Flask, make: Make, tmp_path: Path) -> None:
    load_small_course(make, tmp_path)
    trainer = make.browser(make.person(role="trainer"))
    pages = ("/authoring/", "/authoring/demo/m1", LESSON, PUBLISH)
    counts = []
    for path in pages:
        trainer.get(path)
        with count_queries(app) as counted:
            assert trainer.get(path).status_code == 200
        assert len(counted) <= 6, counted
        counts.append(len(counted))
    load_built_in_course(make)
    for path, before in zip(pages, counts, strict=True):
        with count_queries(app) as counted:
            trainer.get(path)
        assert len(counted) == before, counted


def test_a_lesson_has_the_same_number_for_the_trainer_as_for_the_learner(make: Make, trainer: Browser) -> None:
    (told,) = re.findall(r">(Bài \d+)\. Bài 2\.1<", make.browser(make.person()).get("/courses/demo").text)
    assert told == "Bài 3"
    trainer.get("/authoring/demo/m2")
    assert f">{told}. Bài 2.1<" in trainer.text
    trainer.get("/authoring/demo/m2/m2-1")
    assert f'<span aria-current="page">{told}</span>' in trainer.text
