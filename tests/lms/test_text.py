"""Vietnamese order and unaccented search."""

import random

import pytest

from lms.text import fold, nfc, person_sort_key, sort_key

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
