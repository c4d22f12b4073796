"""Vietnamese order and unaccented search."""

import json
import random
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics.reports.rules import typed_code
from lms.accounts.models import Person
from lms.accounts.queries import ids_found, people_shown
from lms.accounts.storage import Newcomer, add_people
from lms.clock import today
from lms.organisation.models import STATE_TREE
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
from tests.make import LONG_AGO, Make

GOLD: dict[str, list[str]] = json.loads(Path(__file__).with_name("vi_sort_gold.json").read_text("utf-8"))
"""A copy of `vi_sort_gold.json`, the checked order beside the sample organisation (`shared/data`): the same people by
their given names and by the whole, and syllables."""


@pytest.mark.parametrize("name", ["plain", "syll"])
def test_words_stand_in_the_order_of_vietnamese_dictionaries(name: str) -> None:
    shuffled = random.Random(48).sample(GOLD[name], len(GOLD[name]))
    assert sorted(shuffled, key=sort_key) == GOLD[name]


def test_people_are_listed_by_given_name_then_by_family_name() -> None:
    names = random.Random(48).sample(GOLD["byGiven"], len(GOLD["byGiven"]))
    assert sorted(names, key=person_sort_key) == GOLD["byGiven"]


def test_each_database_lists_people_by_given_name(make: Make) -> None:
    """SQLite and PostgreSQL compare the bytes of the key, whatever the locale of the machine."""
    unit, names = make.unit(), random.Random(48).sample(GOLD["byGiven"], len(GOLD["byGiven"]))
    with make.writing() as session:
        add_people(session, [Newcomer(name, f"u{n}", unit.id) for n, name in enumerate(names)], since=LONG_AGO)
    with make.reading() as session:
        shown = session.execute(people_shown(on=today())).all()
        assert [person.full_name for person, _account, _unit in shown] == GOLD["byGiven"]
        for within in ({STATE_TREE: [unit.id]}, None):
            ids = session.scalars(ids_found("", (), on=today(), within=within)).all()
            assert [session.get_one(Person, one).full_name for one in ids] == GOLD["byGiven"]


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

    def normalize(form: Any, text: str) -> str:
        longest.append(max(map(len, re.findall("[\u0300-\u036f]+", text)), default=0))
        return plain(form, text)

    plain = unicodedata.normalize
    monkeypatch.setattr(unicodedata, "normalize", normalize)
    read(HEAP)
    assert max(longest, default=0) <= 2 * MOST_MARKS
    assert len(str(visible(HEAP))) == MOST_MARKS + 2


@pytest.mark.parametrize("sign", ["\u0344", "\u0f73", "\u0591", "\U0001e8d0"])
def test_signs_that_fall_apart_into_marks_are_marks(sign: str) -> None:
    assert bearable("x" + sign * 1_000) == "x" + sign * MOST_MARKS


def test_whether_a_text_holds_a_heap_is_not_looked_for_sign_by_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of so many signs takes a second for a million letters, and every cell of every list is asked."""
    monkeypatch.setattr("lms.text.heap_of_marks", lambda: pytest.fail("looked for"))
    for told in ("Nguyễn Thị Lường", "Nguyeãn Thò Löôøng", "ñöôøng " * 200, unicodedata.normalize("NFD", "ễ" * 20)):
        nfc(told)


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
