"""How a difference between two texts is told."""

import pytest

from courses.authoring.rules import GAP, Change, Passage, Piece, changes, passages, pieces, quoted_line
from courses.catalog.rules import LessonText


def lesson(**fields: object) -> LessonText:
    given = {"title": "t", "title_en": "e", "minutes": 3, "objectives": ["a", "b"], "action": "x", "body": "y"}
    return LessonText(code="m1-1", **(given | fields))  # type: ignore[arg-type]  # fields of many types


def test_equal_lessons_have_no_changes() -> None:
    assert changes(lesson(), lesson()) == []


def test_only_the_fields_that_differ_are_told() -> None:
    found = changes(lesson(), lesson(minutes=4, objectives=["a", "c"]))
    assert [change.field for change in found] == ["minutes", "objectives"]
    assert found[0] == Change("minutes", (Passage((Piece("del", "3"), Piece("ins", "4"))),))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("một hai ba", "một bốn ba", [("same", "một "), ("del", "hai"), ("ins", "bốn"), ("same", " ba")]),
        ("một hai", "một hai ba", [("same", "một hai"), ("ins", " ba")]),
        ("một hai ba", "một hai", [("same", "một hai"), ("del", " ba")]),
        ("chữ cũ", "hoàn toàn khác", [("del", "chữ cũ"), ("ins", "hoàn toàn khác")]),
    ],
)
def test_words_that_went_and_came(old: str, new: str, told: list[tuple[str, str]]) -> None:
    assert [tuple(piece) for piece in pieces(old, new)] == told


def test_unchanged_lines_are_left_out_but_for_one_on_each_side() -> None:
    old = "\n".join("abcdefg")
    found = list(passages(old, old.replace("d", "D")))
    assert found[0] == GAP
    assert [["".join(piece.text for piece in one.pieces)] for one in found[1:-1]] == [["c"], ["dD"], ["e"]]
    assert found[-1] == GAP


@pytest.mark.parametrize(("old", "new"), [("", "một"), ("một", ""), ("a\nb\n\nc", "b\n\nc\nd"), ("x " * 90, "y " * 90)])
def test_both_texts_can_be_read_back_from_their_difference(old: str, new: str) -> None:
    found = list(passages(old, new))
    for text, other in ((old, "ins"), (new, "del")):
        told = "\n".join("".join(piece.text for piece in one.pieces if piece.kind != other) for one in found)
        assert told.split() == text.split()


@pytest.mark.parametrize(
    ("number", "quoted"),
    [(1, "một dòng ngắn"), (2, ""), (3, "rất dài " * 8 + "rất d…"), (4, ""), (0, "")],
)
def test_a_line_is_quoted_as_one_finds_it_again(number: int, quoted: str) -> None:
    assert quoted_line("  một  dòng ngắn\n\n" + "rất dài " * 20, number) == quoted
