"""Vietnamese order and unaccented search."""

import random
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics.reports.rules import typed_code
from lms.text import (
    MOST_MARKS,
    bearable,
    composed,
    decomposed,
    fold,
    nfc,
    person_sort_key,
    sort_key,
    visible,
)
from lms.web.forms import tidy, unify

PLAIN = (
    "Bàn Văn Ăn|Chẩu Văn Lòng|Đặng Văn Đạt|Đỗ Văn Dũng|Hà Thị Hoà|Hà Thị Hòa|Hầu A Lử|Lê U|Lê Ư|Phạm On|Phạm Ôn|Phạm Ơn"
)
BY_GIVEN_NAME = (
    "Nguyễn Văn An|Ma Thị Ánh|Bàn Văn Ăn|Nguyễn Thị Ân|Trần Văn Dat|Nông Văn Dung|"
    "Đỗ Văn Dũng|Đặng Văn Đạt|Y Phương|Lê U"
)
SYLLABLES = "a à ả ã á ạ ă ằ ẳ ẵ ắ ặ â ầ ẩ ẫ ấ ậ b d đ e ê ma mà mả mã má mạ man nga ngã nghĩa o ô ơ u ư y"


@pytest.mark.parametrize("words", [PLAIN.split("|"), SYLLABLES.split()])
def test_words_stand_in_the_order_of_vietnamese_dictionaries(words: list[str]) -> None:
    shuffled = random.Random(48).sample(words, len(words))
    assert sorted(shuffled, key=sort_key) == words


def test_people_are_listed_by_given_name_then_by_family_name() -> None:
    names = BY_GIVEN_NAME.split("|")
    assert sorted(random.Random(48).sample(names, len(names)), key=person_sort_key) == names


@pytest.mark.parametrize("written", ["Trần Thị Thuỷ", "Trần Thị Thủy", "TRAN THI THUY", " tran  thi thuy "])
def test_a_name_is_found_however_its_marks_are_typed(written: str) -> None:
    assert fold(written) == "tran thi thuy"


def test_d_with_stroke_is_found_as_d() -> None:
    assert fold("Đặng Đình Đạt") == "dang dinh dat"


def test_decomposed_text_is_stored_composed() -> None:
    assert nfc("Tuye\u0302n  Quang ") == "Tuyên Quang"


HEAP = "a" + "\u0301\u0323" * 10_000 + "b"


@pytest.mark.parametrize("read", [visible, nfc, fold, composed, decomposed, person_sort_key, tidy, unify, typed_code])
def test_a_heap_of_marks_on_one_letter_is_cut_before_it_is_put_in_order(
    read: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To put marks in order takes the square of their number: a form of a megabyte would take minutes."""
    longest: list[int] = []

    def normalize(form: str, text: str) -> str:
        longest.append(max(map(len, re.findall("[\u0300-\u036f]+", text)), default=0))
        return plain(form, text)

    plain = unicodedata.normalize
    monkeypatch.setattr(unicodedata, "normalize", normalize)
    read(HEAP)
    assert max(longest, default=0) <= 2 * MOST_MARKS
    assert len(str(visible(HEAP))) == MOST_MARKS + 2


@pytest.mark.parametrize("sign", ["\u0344", "\u0f73", "\u0591"])
def test_signs_that_fall_apart_into_marks_are_marks(sign: str) -> None:
    assert bearable("x" + sign * 1_000) == "x" + sign * MOST_MARKS


def test_marks_of_people_who_write_other_languages_stay() -> None:
    for word in ("שָׁלוֹם", "Z̤͔a", "ཀརྒྱུད", "Nguye\u0302\u0303n"):
        assert bearable(word) == word
        assert composed(word) == unicodedata.normalize("NFC", word)


def test_text_is_composed_in_one_place() -> None:
    """Nowhere else is text put into a form whose making takes the square of its length."""
    root = Path(__file__).resolve().parents[2]
    made = {
        str(path.relative_to(root))
        for package in ("lms", "courses", "assessments", "analytics")
        for path in (root / package).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if "unicodedata.normalize(" in line and "bearable(" not in line
    }
    assert made <= {"lms/text.py"}
