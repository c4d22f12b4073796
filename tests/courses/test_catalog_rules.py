"""The rules of a lesson's text, by cases."""

import pytest

from courses.catalog.rules import (
    Document,
    Outline,
    OutlineLesson,
    OutlineModule,
    OutlineTest,
    Register,
    Source,
    cited,
    cited_in_core,
    intro_problems,
    problems,
    scan,
    words,
)

REGISTER = Register(
    source=Source(key="TQ-2022", title="t", publisher="p", date="2022-04-22", address="a", lines=["L7", "L12", "L16"]),
    documents={"QD-749": Document(title="t", issued="i", address="a", confidence="A", note="n")},
)
PRACTICE = "::: practice Một việc\nKể chuyện.\n\n**Trả lời mẫu.** Làm thế này.\n:::\n"
GOOD = f"## Đầu đề\n\nĐiều thứ nhất [TQ-2022 L7, L12].\n\n“Một câu” [TQ-2022 L16].\n\n{PRACTICE}"


def broken(body: str, *, short: bool = True) -> list[tuple[str, int]]:
    found = problems(body, register=REGISTER, figures={"timeline"}, short=short)
    return [(one.rule, one.line) for one in found]


def test_a_good_lesson_breaks_no_rule() -> None:
    assert broken(GOOD) == []


@pytest.mark.parametrize(
    ("added", "rule", "line"),
    [
        ("# Đầu đề", "heading", 1),
        ("#### Đầu đề", "heading", 1),
        ("một\n\n<b>hai</b>", "html", 3),
        ("[trang](trang.html)", "link", 1),
        ("![ảnh](anh.png)", "link", 1),
        ("https://a.example", "link", 1),
        ("xem www.a.example", "link", 1),
        ("[a]: b", "link", 1),
        ("a\u202eb", "invisible", 1),
        ("[TQ-2022 L9]", "citation_unknown", 1),
        ("[TQ-2022 L7, L9]", "citation_unknown", 1),
        ("[TQ-2022 16]", "citation_form", 1),
        ("[TQ-2022 L7,L12]", "citation_form", 1),
        ("[TQ-2022 L7", "citation_form", 1),
        ("Ông nói “một câu” rồi thôi.", "quotation", 1),
        ("“một câu”\n\nđoạn sau [TQ-2022 L7]", "quotation", 1),
        ("::: lạ\nx\n:::", "block_unknown", 1),
        (":::", "block_end", 1),
        ("::: extension QD-749\nx", "block_unclosed", 1),
        ("::: extension QD-1\nx\n:::", "extension_unknown", 1),
        ("::: extension QD-749\nx [TQ-2022 L7]\n:::", "citation_place", 2),
        ("::: figure pillars\nx\n:::", "figure_unknown", 1),
        ("::: figure timeline\n:::", "figure_caption", 1),
        ("::: practice\nx\n\n**Trả lời mẫu.** y\n:::", "practice_title", 1),
        ("::: practice Hai\nx\n:::", "practice_answer", 1),
        (PRACTICE, "practice_count", 0),
    ],
)
def test_each_rule_names_the_line_that_breaks_it(added: str, rule: str, line: int) -> None:
    assert (rule, line) in broken(f"{added}\n\n{GOOD}")


def test_a_drawing_is_shown_once() -> None:
    figure = "::: figure timeline\nNăm mốc.\n:::\n"
    assert broken(figure + GOOD) == []
    assert broken(figure + figure + GOOD) == [("figure_twice", 4)]


def test_length_is_asked_for_unless_the_lesson_is_marked_short() -> None:
    assert broken(GOOD, short=False) == [("words_few", 0)]
    assert broken("từ " * 601 + GOOD) == [("words_many", 0)]


def test_marks_and_citations_are_no_words() -> None:
    assert words("## Một\n\n| hai | ba |\n|---|---|\n| bốn | – |\n\n> năm [TQ-2022 L7, L12]\n") == 5


def test_what_may_be_published_is_told_from_what_is_only_advised() -> None:
    found = problems("<b>x</b>", register=REGISTER, figures=())
    assert {one.rule: one.blocks for one in found} == {"html": True, "practice_count": False, "words_few": False}


def test_an_introduction_has_no_blocks() -> None:
    assert [one.rule for one in intro_problems(PRACTICE, register=REGISTER)] == ["block_unknown"]
    assert intro_problems("Lời dẫn [TQ-2022 L7].", register=REGISTER) == []


def test_sources_are_what_the_core_cites_in_the_order_of_lines() -> None:
    assert cited("b [TQ-2022 L16] a [TQ-2022 L7, L16]") == ["TQ-2022 L7", "TQ-2022 L16"]
    body = "x [TQ-2022 L16]\n::: figure timeline\ny [TQ-2022 L7]\n:::\n::: extension QD-749\nz [TQ-2022 L12]\n:::"
    assert cited_in_core(body) == ["TQ-2022 L7", "TQ-2022 L16"]


def test_a_lesson_comes_apart_into_blocks_and_knows_where_each_begins() -> None:
    scanned = scan("một\n\n::: practice Hai\nba\n:::\nbốn\n")
    assert [(one.kind, one.argument, one.line, one.text) for one in scanned.blocks] == [
        ("core", "", 1, "một\n"),
        ("practice", "Hai", 4, "ba"),
        ("core", "", 6, "bốn\n"),
    ]


def test_an_outline_knows_its_lessons_and_the_tests_that_count() -> None:
    lesson = OutlineLesson(activity_id=1, code="m1-1", title="t", title_en="t", minutes=3)
    counting = OutlineTest(activity_id=2, code="m1-test", required=True)
    final = OutlineTest(activity_id=3, code="final-test", required=False)
    module = OutlineModule(
        module_id=1,
        module_version_id=1,
        code="m1",
        number=1,
        title="t",
        title_en="t",
        minutes=3,
        lessons=[lesson],
        test=counting,
    )
    outline = Outline(modules=[module], final=final)
    assert outline.lessons() == [lesson]
    assert outline.tests() == [counting, final]
    assert outline.required_tests() == [counting]
    assert outline.module_of("m1-1") == module
    with pytest.raises(KeyError):
        outline.module_of("m1-2")
