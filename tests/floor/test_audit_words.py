"""Every act that is noted anywhere has its sentence, in both languages, and nothing is noted past the table."""

import re
from pathlib import Path

from msgspec.structs import fields

from courses.catalog.rules import Settings
from lms.accounts.forms import CATEGORIES, PARTY
from lms.accounts.vocabulary import ROLES
from lms.audit.forms import FIELDS, PURPOSE_OF, PURPOSES, SENTENCES, VALUES
from lms.audit.rules import DISCLOSURES
from tests.audited import WRAPPERS, actions_noted, handed_on

ROOT = Path(__file__).resolve().parents[2]


def test_every_act_noted_anywhere_has_its_sentence_and_no_sentence_is_left_over() -> None:
    assert actions_noted() == set(SENTENCES)


def test_whatever_hands_an_act_on_to_the_log_is_known_here() -> None:
    assert handed_on() <= set(WRAPPERS)


def test_acts_that_tell_names_are_acts_that_are_noted() -> None:
    assert set(DISCLOSURES) <= actions_noted()


def test_codes_that_changes_speak_of_have_words() -> None:
    assert {*CATEGORIES, *PARTY, *ROLES} <= set(VALUES)
    assert {one.name for one in fields(Settings)} <= set(FIELDS)


def test_every_sentence_has_its_english() -> None:
    catalogue = (ROOT / "lms/web/translations/en.po").read_text("utf-8")
    english = dict(re.findall(r'msgid "(.+)"\nmsgstr "(.*)"', catalogue))
    assert {code for code, words in SENTENCES.items() if not english.get(words._args[0])} == set()


def test_whatever_tells_names_says_what_for() -> None:
    """Whoever reads names of a unit's learners states a purpose; every other such page has one of its own."""
    assert set(PURPOSE_OF) == set(DISCLOSURES) - {"names.read"}
    assert set(PURPOSE_OF.values()) <= set(PURPOSES)
