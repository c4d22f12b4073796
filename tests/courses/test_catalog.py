"""Loading a course: what a folder becomes, and what is refused."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

import wsgi
from courses.catalog import queries
from courses.catalog.actions import (
    THE_PRODUCT,
    CoursePublished,
    load_course,
    publish_course_version,
    text_of,
)
from courses.catalog.loader import CourseBroken, read_course, read_questions
from courses.catalog.models import Activity, Course, CourseVersion, Lesson, Module, ModuleVersion
from courses.catalog.rules import outline_of, register_of, settings_of
from lms.app import open_doors
from lms.audit.models import AuditEntry
from tests.library_course import load_small_course, write_small_course
from tests.make import Make


def test_a_folder_becomes_version_1_with_modules_lessons_and_tests(make: Make, tmp_path: Path) -> None:
    code = load_small_course(make, tmp_path)
    with make.reading() as session:
        course = session.scalars(queries.course_by_code(code)).one()
        version = session.scalars(queries.newest_version(course.id)).one()
        outline = outline_of(version.outline)
        activities = dict(session.execute(select(Activity.code, Activity.iri)).all())
        assert course.iri == "https://quan-triet.example/xapi/courses/demo"
        assert (version.number, version.minutes, version.published_by_id) == (1, 14, None)
        assert [lesson.code for lesson in outline.lessons()] == ["m1-1", "m1-2", "m2-1", "m2-2"]
        assert [(one.code, one.required) for one in outline.tests()] == [
            ("m1-test", True),
            ("m2-test", True),
            ("final-test", False),
        ]
        assert activities["m2-1"] == "https://quan-triet.example/xapi/courses/demo/activities/m2-1"
        assert len(activities) == 7
        assert settings_of(version.settings).questions == 4
        assert register_of(version.register).documents["VB-1"].title == "Một văn bản"
        lesson = session.scalars(select(Lesson).where(Lesson.code == "m1-2")).one()
        assert lesson.sources == ["BT L1", "BT L2"]
        assert lesson.html.startswith("<h2>Phần chính của bài 1.2</h2>")
        assert "Mức tin cậy A" in lesson.html


def test_the_settings_say_which_tests_are_required(make: Make, tmp_path: Path) -> None:
    load_small_course(make, tmp_path, counts="final")
    with make.reading() as session:
        outline = outline_of(session.scalars(select(CourseVersion)).one().outline)
    assert [one.code for one in outline.required_tests()] == ["final-test"]


def test_loading_again_changes_nothing(make: Make, tmp_path: Path) -> None:
    load_small_course(make, tmp_path)
    with make.writing() as session:
        assert load_course(session, tmp_path / "demo") is None
    with make.reading() as session:
        for table in (Course, CourseVersion):
            assert session.scalar(select(func.count()).select_from(table)) == 1


def test_lms_init_loads_the_library_and_says_so(make: Make) -> None:
    steps = open_doors(wsgi.PACKAGES).first_steps
    for expected in ("course nq48: loaded as version 1, 21 lessons", "course nq48: already there"):
        with make.writing() as session:
            assert expected in [line for step in steps for line in step(session)]


def test_publishing_again_writes_the_next_version_and_keeps_the_first(make: Make, tmp_path: Path) -> None:
    code = load_small_course(make, tmp_path)
    heard: list[CoursePublished] = []
    make.database.doors.listen(CoursePublished, lambda _session, event: heard.append(event))
    with make.writing() as session:
        course = session.scalars(queries.course_by_code(code)).one()
        old = session.scalars(queries.newest_version(course.id)).one()
        modules = session.scalars(select(ModuleVersion).order_by(ModuleVersion.id)).all()
        new = publish_course_version(session, course, text_of(old), modules, note="Lần hai.", by=THE_PRODUCT)
        assert (new.number, new.outline, new.register, new.settings) == (2, old.outline, old.register, old.settings)
        assert heard == [CoursePublished(course.id, new.id)]
    with make.reading() as session:
        assert session.scalars(queries.newest_version(course.id)).one().note == "Lần hai."
        assert [one.number for one in session.scalars(select(CourseVersion).order_by(CourseVersion.id))] == [1, 2]
        noted = session.scalars(
            select(AuditEntry.details).filter_by(action="course.publish").order_by(AuditEntry.id)
        ).all()
        assert [one["version"] for one in noted] == [1, 2]
        assert noted[1]["modules"] == {"m1": 1, "m2": 1}
        assert [module.code for module in session.scalars(select(Module).order_by(Module.position))] == ["m1", "m2"]


LESSON = "m1/1-bai.md"
QUESTIONS = "m1/questions.toml"


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("course.md", 'code = "demo"', 'code = "khac"', "course.md: code khac is not the name of the folder"),
        ("course.md", "minutes = 14", "minutes = 15", "course.md: minutes = 15, but the modules take 14"),
        ("course.md", "questions = 4", "question = 4", "course.md: [tests] has no setting question"),
        ("course.md", 'counts = "modules"', 'counts = "all"', "course.md: [tests]: Invalid enum value 'all'"),
        ("course.md", "[BT L1]", "[BT L9]", "course.md:16: lines.toml has no such line (L9)"),
        ("course.md", "+++\n\nGiới", "\n\nGiới", "course.md: the file begins with TOML"),
        ("lines.toml", '"' + "0" * 64, '"abc', "lines.toml: L1 is not a label with its SHA-256"),
        ("lines.toml", 'key = "BT"', "", "lines.toml: [source]: Object missing required field `key`"),
        ("register.toml", 'confidence = "A"', 'confidence = "D"', "register.toml: Invalid enum value 'D'"),
        ("m1/module.md", "minutes = 7", "minutes = 8", "m1/module.md: minutes = 8, but the lessons take 7"),
        ("m1/module.md", 'code = "m1"', 'code = "m2"', "m1/module.md: code m2 is not the name of the folder"),
        ("m1/module.md", "Giới thiệu", "# Giới thiệu", "m1/module.md:9: headings are of level 2 and 3"),
        (LESSON, 'code = "m1-1"', 'code = "m1-2"', f"{LESSON}: code m1-2, but folder and file say m1-1"),
        (LESSON, 'sources = ["BT L1"]', "sources = []", f"{LESSON}: sources must be exactly what the core cites"),
        (LESSON, "short = true\n", "", f"{LESSON}: at least 250 words"),
        (LESSON, "short = true\n", "shor = true\n", f"{LESSON}: Object contains unknown field `shor`"),
        (LESSON, "minutes = 3", 'minutes = "3"', f"{LESSON}: Expected `int`, got `str`"),
        (LESSON, "minutes = 3", "minutes = ", f"{LESSON}: Invalid value"),
        (LESSON, ', "Nêu được điều thứ hai"]', "]", f"{LESSON}: Expected `array` of length >= 2"),
        (LESSON, "extension VB-1", "extension VB-2", f"{LESSON}:24: register.toml has no such document (VB-2)"),
    ],
)
def test_a_broken_rule_is_named_with_its_file(tmp_path: Path, name: str, old: str, new: str, told: str) -> None:
    folder = write_small_course(tmp_path)
    read_course(folder)
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(CourseBroken) as broken:
        read_course(folder)
    assert [line for line in broken.value.problems if line.startswith(told)], broken.value.problems


@pytest.mark.parametrize(
    ("drawing", "told"),
    [
        ("<svg><path/></svg>", 'a drawing is <svg class="fig"> with a <title>'),
        ('<svg class="fig"><title>a</title><script>b</script></svg>', "a drawing has no script"),
        ('<svg class="fig" onload="b"><title>a</title></svg>', "a drawing has no script"),
        ('<svg class="fig"><title>a</title><a xlink:href="b">c</a></svg>', "a drawing has no script"),
    ],
)
def test_a_drawing_that_could_act_is_refused(tmp_path: Path, drawing: str, told: str) -> None:
    folder = write_small_course(tmp_path)
    (folder / "figures").mkdir()
    (folder / "figures" / "a.svg").write_text(drawing, "utf-8")
    with pytest.raises(CourseBroken, match=told):
        read_course(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = write_small_course(tmp_path)
    (folder / "register.toml").unlink()
    (folder / "m1" / "module.md").unlink()
    with pytest.raises(CourseBroken) as broken:
        read_course(folder)
    assert "register.toml: the file is missing" in broken.value.problems
    assert any(line.startswith("m1/module.md: ") for line in broken.value.problems)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('code = "m1-q01"', 'code = "m2-q01"', "m2-q01: its code begins with m1-"),
        ('code = "m1-q02"', 'code = "m1-q01"', "codes are used twice: m1-q01"),
        ('lesson = "m1-2"', 'lesson = "m2-2"', "m1-q01: there is no lesson m2-2 in the module"),
        ('"BT L1"', '"BT L9"', "m1-q01: BT L9 is neither a line of the source nor a document of register.toml"),
        ('"Phương án thứ hai"', '"Phương án thứ ba"', "m1-q01: two of its options are the same"),
        ('"Phương án thứ hai"', '"Tất cả các phương án trên"', "m1-q01: no option stands for all or none"),
        (', "Phương án thứ tư"', "", "m1-q01: it has four options and no answers"),
        ("key = [2]", "key = [2, 3]", "m1-q01: its key holds 1 to 1 positions from 1 to 4"),
        ("key = [2]", "key = [5]", "m1-q01: its key holds 1 to 1 positions from 1 to 4"),
        ('kind = "single"', 'kind = "multiple"', "m1-q01: its key holds 2 to 3 positions from 1 to 4"),
        ('kind = "single"', 'kind = "order"', "m1-q01: it has three parts or more, in the right order"),
        ('kind = "single"', 'kind = "match"', "m1-q01: it has three options or more, as many answers"),
        ('kind = "single"', 'kind = "essay"', "Invalid enum value 'essay'"),
        ("[[question]]", "[[questions]]", "Invalid enum value 'questions'"),
    ],
)
def test_a_broken_question_is_named_with_its_rule(tmp_path: Path, old: str, new: str, told: str) -> None:
    folder = write_small_course(tmp_path)
    path = folder / QUESTIONS
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(CourseBroken) as broken:
        read_questions(folder)
    assert [line for line in broken.value.problems if line.startswith(f"{QUESTIONS}: {told}")], broken.value.problems


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("key = [3]", "key = [2]", "the key stands too often in one place"),
        ('topic = "chu-de-2"', 'topic = "chu-de-1"', "a module has four to six topics"),
        ('"Phương án thứ ba"', '"Phương án thứ ba, dài hơn mọi phương án khác"', "the right option is the longest"),
    ],
)
def test_the_questions_of_a_module_give_nothing_away(tmp_path: Path, old: str, new: str, told: str) -> None:
    folder = write_small_course(tmp_path)
    path = folder / QUESTIONS
    text = path.read_text("utf-8")
    if "ba" in old:
        text = text.replace("key = [1]", "key = [3]").replace("key = [2]", "key = [3]")
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(CourseBroken, match=told):
        read_questions(folder)


def test_a_module_has_at_least_ten_questions(tmp_path: Path) -> None:
    folder = write_small_course(tmp_path)
    path = folder / QUESTIONS
    path.write_text(path.read_text("utf-8").rsplit("[[question]]", 1)[0], "utf-8")
    with pytest.raises(CourseBroken, match="at least 10 questions, not 9"):
        read_questions(folder)
