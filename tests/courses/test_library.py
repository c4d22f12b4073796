"""The built-in course keeps its promises: to its form, to the source article, and to whoever answers its questions."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from courses.catalog.loader import LIBRARY, QuestionFile, is_longest, read_course, read_questions
from courses.catalog.render import lesson_html
from courses.catalog.rules import CITATION, QUOTATION, LessonText, cited, scan
from tests.groups import ROOT
from tests.library_course import load_built_in_course
from tests.make import Make

FOLDER = LIBRARY / "nq48"
COURSE = read_course(FOLDER)
BANK = read_questions(FOLDER)
LESSONS = [lesson for module in COURSE.modules for lesson in module.lessons]
INTROS = [("course", COURSE.text.intro), *((module.code, module.intro) for module in COURSE.modules)]

OFFICIAL_TITLES = (
    "Ban Chấp hành Đảng bộ tỉnh về chuyển đổi số tỉnh Tuyên Quang đến năm 2025, định hướng đến năm 2030",
    "chuyển đổi số tỉnh Tuyên Quang đến năm 2025, định hướng đến năm 2030",
    "Nghị quyết số 48-NQ/TU",
    "Kế hoạch số 55/KH-UBND",
)
OFFICES = re.compile(
    r"(?:Bí thư|Phó Bí thư(?: Thường trực)?) Tỉnh ủy|(?:Phó )?Chủ tịch UBND tỉnh|Chủ tịch (?:HĐQT|Hội đồng quản trị)"
)
PEOPLE = ("Chẩu Văn Lâm", "Lê Thị Kim Dung", "Nguyễn Văn Sơn", "Hoàng Việt Phương", "Trương Gia Bình", "Mai Đức Thông")
AT_THE_TIME = "tại thời điểm hội nghị"
FIGURE = re.compile(r"\d+(?:[-./]\d+)*")

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.code)
each_bank = pytest.mark.parametrize("questions", BANK.values(), ids=BANK.keys())


@cache
def article() -> dict[str, str]:
    """The lines of the source article by label."""
    folder = Path(os.environ.get("LMS_SOURCE_DIR") or ROOT.parent / "shared" / "source")
    text = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.md")))
    found = re.findall(r"^(L\d+)  (.*)$", text, re.MULTILINE)
    return {label: unicodedata.normalize("NFC", line) for label, line in found}


def lines_cited(text: str) -> list[str]:
    return [article()[label.split()[1]] for label in cited(text)]


def paragraphs(lesson: LessonText) -> Iterator[str]:
    """The paragraphs, lists and tables of the core."""
    for block in scan(lesson.body).of("core", "figure"):
        yield from re.split(r"\n\s*\n", block.text)


def quotations(text: str) -> Iterator[tuple[str, str]]:
    """What is marked as a quotation, with the citation that follows it."""
    for match in QUOTATION.finditer(text):
        citation = CITATION.search(text, match.end())
        yield match[1], citation[0] if citation else ""
    for quoted in re.findall(r"(?:^>.*\n?)+", text, re.MULTILINE):
        words = " ".join(line.removeprefix(">").strip() for line in quoted.strip().split("\n"))
        yield CITATION.sub("", words).strip(), words


def own_words(text: str) -> list[str]:
    """The words that claim to be ours: without quotations, citations and the titles of documents."""
    text = re.sub(r"(?:^>.*\n?)+", " ¦ ", QUOTATION.sub(" ¦ ", CITATION.sub(" ", text)), flags=re.MULTILINE)
    for title in OFFICIAL_TITLES:
        text = re.sub(re.escape(title), " ¦ ", text, flags=re.IGNORECASE)
    return re.findall(r"[\w%]+|¦", unicodedata.normalize("NFC", text).casefold())


def shared_run(words: list[str], runs: set[tuple[str, ...]], length: int) -> str:
    """The first run of so many words that the article has too, or nothing."""
    windows = (tuple(words[start : start + length]) for start in range(len(words) - length + 1))
    return " ".join(next((window for window in windows if window in runs), ()))


@cache
def runs_of_the_article(length: int) -> set[tuple[str, ...]]:
    runs: set[tuple[str, ...]] = set()
    for line in article().values():
        words = re.findall(r"[\w%]+", line.casefold())
        runs |= {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}
    return runs


def test_the_course_loads(make: Make) -> None:
    assert load_built_in_course(make) == "nq48"


def test_it_has_six_modules_and_all_their_lessons() -> None:
    assert [len(module.lessons) for module in COURSE.modules] == [3, 4, 3, 4, 3, 4]
    assert set(COURSE.figures) == {"timeline", "pillars", "responsibility"}


@each_lesson
def test_a_lesson_has_a_scenario_a_message_and_something_to_look_at(lesson: LessonText) -> None:
    blocks = scan(lesson.body)
    assert len(blocks.of("practice")) == 1
    assert lesson.action.startswith("Tuần này, ")
    assert lesson.action.endswith(".")
    assert "## " in lesson.body
    shown = lesson_html(lesson.body, register=COURSE.text.register, figures=COURSE.figures)
    assert "<table" in shown or "<svg" in shown or "<blockquote" in shown or "<ul" in shown


@each_lesson
def test_offices_are_those_held_at_the_time_and_nobody_is_named(lesson: LessonText) -> None:
    core = "\n".join(block.text for block in scan(lesson.body).of("core"))
    if OFFICES.search(core):
        assert AT_THE_TIME in core.casefold()
    for name in PEOPLE:
        for paragraph in lesson.body.split("\n\n"):
            assert name not in paragraph or (OFFICES.search(paragraph) and AT_THE_TIME in paragraph.casefold())


@each_bank
def test_a_module_has_ten_questions_or_more_of_several_kinds_and_levels(questions: list[QuestionFile]) -> None:
    assert len(questions) >= 10
    assert len({one.kind for one in questions}) >= 3
    assert {one.level for one in questions} == {"remember", "understand", "apply", "analyse"}
    assert sum(one.scenario for one in questions) >= 2


@each_bank
def test_the_place_of_the_key_tells_nothing(questions: list[QuestionFile]) -> None:
    places = Counter(one.key[0] for one in questions if one.kind == "single")
    assert set(places) == {1, 2, 3, 4}
    assert max(places.values()) - min(places.values()) <= 1


def test_the_right_option_is_no_longer_than_chance_would_have_it() -> None:
    singles = [one for questions in BANK.values() for one in questions if one.kind == "single"]
    assert sum(is_longest(one) for one in singles) / len(singles) <= 0.25


@each_bank
def test_every_lesson_of_a_module_is_asked_about(questions: list[QuestionFile]) -> None:
    module = questions[0].code.split("-")[0]
    assert {one.lesson for one in questions} == {one.code for one in LESSONS if one.code.startswith(f"{module}-")}


@each_bank
def test_a_scenario_is_not_the_one_whose_answer_the_lesson_gives(questions: list[QuestionFile]) -> None:
    """Measured by the pairs of words a stem shares with its lesson's practice; retold scenarios share 0.26 to 0.43."""
    retold = {one.code: share for one in questions if one.scenario and (share := shared_with_practice(one)) > 0.25}
    assert retold == {}


def shared_with_practice(question: QuestionFile) -> float:
    lesson = next(one for one in LESSONS if one.code == question.lesson)
    told = [f"{block.argument} {block.text}" for block in scan(lesson.body).of("practice")]
    pairs = pairs_of_words(question.stem)
    return len(pairs & pairs_of_words(" ".join(told))) / len(pairs)


def pairs_of_words(text: str) -> set[tuple[str, str]]:
    words = re.findall(r"\w+", text.casefold())
    return set(pairwise(words))


@each_bank
def test_every_question_rests_on_the_article(questions: list[QuestionFile]) -> None:
    """What stands in an extension alone is further reading, and nobody is graded on it."""
    source = f"{COURSE.text.register.source.key} "
    assert [one.code for one in questions if not any(label.startswith(source) for label in one.sources)] == []


def test_every_document_of_the_register_is_cited() -> None:
    boxes = {block.argument for lesson in LESSONS for block in scan(lesson.body).of("extension")}
    sources = {label for questions in BANK.values() for one in questions for label in one.sources}
    assert COURSE.text.register.documents.keys() - boxes - sources == set()


@pytest.mark.source
def test_labels_and_digests_are_those_of_the_article() -> None:
    digests = {label: hashlib.sha256(line.encode()).hexdigest() for label, line in article().items()}
    assert digests == COURSE.digests


@pytest.mark.source
@each_lesson
def test_quotations_stand_byte_for_byte_in_the_line_they_cite(lesson: LessonText) -> None:
    for quoted, citation in quotations(lesson.body):
        assert any(quoted in line for line in lines_cited(citation)), quoted


@pytest.mark.source
@each_lesson
def test_every_figure_of_the_core_stands_in_a_line_its_paragraph_cites(lesson: LessonText) -> None:
    for paragraph in paragraphs(lesson):
        missing = figures_not_in(CITATION.sub("", paragraph), lines_cited(paragraph))
        assert not missing, (missing, paragraph)


@pytest.mark.source
@pytest.mark.parametrize(("code", "intro"), INTROS, ids=[code for code, _ in INTROS])
def test_every_figure_of_an_introduction_stands_in_a_line_it_cites(code: str, intro: str) -> None:
    assert not figures_not_in(CITATION.sub("", intro), lines_cited(intro))


def figures_not_in(text: str, lines: list[str]) -> list[str]:
    known = {figure for line in lines for figure in FIGURE.findall(line)}
    known |= {part for figure in known for part in figure.split("-")}
    return [figure for figure in FIGURE.findall(text) if figure not in known]


@pytest.mark.source
@each_lesson
def test_no_sentence_of_the_article_is_copied_into_a_lesson(lesson: LessonText) -> None:
    texts = [lesson.body, lesson.title, lesson.action, *lesson.objectives]
    assert not shared_run(own_words(" ¦ ".join(texts)), runs_of_the_article(12), 12)


@pytest.mark.source
def test_no_sentence_of_the_article_is_copied_elsewhere() -> None:
    texts = [COURSE.text.summary, *(intro for _, intro in INTROS)]
    texts += [objective for module in COURSE.modules for objective in module.objectives]
    for one in (question for questions in BANK.values() for question in questions):
        texts += [one.stem, *one.options, *one.answers, one.explanation]
    assert not shared_run(own_words(" ¦ ".join(texts)), runs_of_the_article(12), 12)


@pytest.mark.source
def test_a_copied_sentence_would_be_noticed() -> None:
    stolen = "Vì vậy, nhận thức không đúng, phương pháp triển khai không phù hợp sẽ không đáp ứng được mục tiêu"
    assert shared_run(own_words(stolen), runs_of_the_article(12), 12)
    assert not shared_run(own_words(f"“{stolen}”"), runs_of_the_article(12), 12)
