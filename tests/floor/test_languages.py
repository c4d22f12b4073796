"""The pages speak English beside Vietnamese: every text has its English, and an English page shows no other words."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import PoFileError
from flask import Flask
from flask_babel import force_locale

from assessments.bank.actions import load_questions
from lms.doors import Doors
from lms.web import languages
from lms.web.shell import LANGUAGES
from tests.browser import Browser
from tests.floor.world import World, build_world
from tests.kept import kept
from tests.library_course import CODE
from tests.make import Make

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r'(#.*|((msgid|msgid_plural|msgstr(\[[01]\])?) )?"([^"\\]|\\.)*"|)')
PLACEHOLDER = re.compile(r"%%|%\(\w+\)[a-z]|\{\w*\}")
COUNTED = re.compile(r"""ngettext\(\s*(["'])(.+?)\1\s*,""", re.DOTALL)
VIETNAMESE = re.compile("[àáâãèéêìíòóôõùúýăđĩũơưạ-ỹ]", re.IGNORECASE)

PROPER_NAMES = ("Quán triệt", "Tuyên Quang", "Kho (mẫu)")
EXAMPLES = ("Lý A Hoa", "Sở GD&ĐT", "**Trả lời mẫu.**")
"""What must be typed in Vietnamese stands in Vietnamese in English sentences too."""

MOST_PAGES = 250
NOT_PAGES = re.compile(r"^/(static|assets)/|\.(csv|docx|json|pdf|xlsx|zip)\b|/numbers/(?!briefed_rate|score)")
"""Also left out: all numbers of a unit but two, which are one page."""
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
WORDED = {"alt", "aria-label", "data-label", "data-search", "placeholder", "title"}
JSON = {"data-words", "data-figure"}


def english() -> dict[str, list[str]]:
    """Every text of the catalogue with its translations: two for a text that counts, else one."""
    found: dict[str, list[str]] = {}
    for message in languages.catalogue("en"):
        if message.id and not message.fuzzy:
            text = message.id if isinstance(message.id, str) else message.id[0]
            found[text] = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return found


@cache
def texts() -> frozenset[str]:
    """Every text of the code and the templates."""
    return frozenset(text for text, _file, _line in languages.messages(ROOT))


def test_every_language_but_vietnamese_has_a_catalogue() -> None:
    assert {path.stem for path in languages.TRANSLATIONS.glob("*.po")} == set(LANGUAGES) - {"vi"}


def test_every_text_has_its_english() -> None:
    there = {text for text, translations in english().items() if all(translations)}
    assert sorted(texts() - there) == []


def test_no_english_is_left_over_or_given_twice() -> None:
    assert sorted(set(english()) - texts()) == []
    lines = (languages.TRANSLATIONS / "en.po").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not LINE.fullmatch(line) or line.startswith("#~")] == []
    times = Counter(line for line in lines if line.startswith("msgid "))
    assert [line for line, number in times.items() if number > 1] == []


def test_the_english_keeps_the_placeholders_and_percent_signs() -> None:
    different = [
        (text, translation)
        for text, translations in english().items()
        for translation in translations
        if Counter(PLACEHOLDER.findall(text)) != Counter(PLACEHOLDER.findall(translation))
        or text.replace("%%", "").count("%") != translation.replace("%%", "").count("%")
    ]
    assert different == []


def test_a_text_that_counts_has_an_english_for_one_and_for_many() -> None:
    files = [path for package in languages.PACKAGES for path in (ROOT / package).rglob("*")]
    sources = [path.read_text(encoding="utf-8") for path in files if path.suffix in {".py", ".html"}]
    counted = {found[1] for source in sources for found in COUNTED.findall(source)}
    assert counted
    assert counted == {text for text, translations in english().items() if len(translations) == 2}
    assert languages.translations("en").ngettext("còn %(num)d ngày", "còn %(num)d ngày", 1) == "%(num)d day left"
    assert languages.translations("en").ngettext("còn %(num)d ngày", "còn %(num)d ngày", 7) == "%(num)d days left"


def test_what_packages_call_their_pages_and_activities_follows_the_reader(app: Flask) -> None:
    doors: Doors = app.extensions["doors"]
    labels = [label for entry in doors.menu for label in (entry.label, entry.group) if label]
    labels += [kind.label for kind in doors.activity_kinds.values()]
    assert labels
    with app.test_request_context(), force_locale("vi"):
        vietnamese = [str(label) for label in labels]
    with app.test_request_context(), force_locale("en"):
        assert [label for label, before in zip(labels, vietnamese, strict=True) if str(label) == before] == []


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in which the product looks for its catalogues."""
    monkeypatch.setattr(languages, "TRANSLATIONS", tmp_path)
    languages.translations.cache_clear()
    yield tmp_path
    languages.translations.cache_clear()


@pytest.mark.usefixtures("elsewhere")
def test_a_language_without_a_catalogue_shows_the_words_of_the_code(make: Make) -> None:
    assert "Đăng nhập" in in_english(make.browser(), "/sign-in").text


@pytest.mark.parametrize(
    "fault",
    [
        'msgid "Đăng nhập"\nSign in\n',
        b'msgid "\xff"\nmsgstr "Sign in"\n',
    ],
)
def test_a_broken_catalogue_is_a_loud_fault_not_a_page_of_mixed_languages(elsewhere: Path, fault: str | bytes) -> None:
    (elsewhere / "en.po").write_bytes(fault if isinstance(fault, bytes) else fault.encode())
    with pytest.raises((PoFileError, UnicodeDecodeError)):
        languages.translations("en")


class Words(HTMLParser):
    """What a page says, to the eye and to a screen reader, outside what it marks as Vietnamese; and where it leads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.links: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        inside = bool(self._open) and self._open[-1][1]
        vietnamese = given["lang"] == "vi" if "lang" in given else inside
        if tag not in VOID:
            self._open.append((tag, vietnamese))
        if tag == "a":
            self.links.append(given.get("href", "").partition("#")[0])
        if not vietnamese:
            self.said += [given[name] for name in WORDED & set(given)]
            self.said += [json.dumps(json.loads(given[name]), ensure_ascii=False) for name in JSON & set(given)]

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not (self._open and self._open[-1][1]):
            self.said.append(data)


def in_english(browser: Browser, path: str) -> Browser:
    """The browser on that page, after pressing the switch."""
    browser.get(path)
    browser.submit("/language", language="en")
    assert '<html lang="en"' in browser.text
    return browser


def names(world: World, library: Path) -> re.Pattern[str]:
    """Names of people and units, titles and other content, and what keeps its name in English; the longest first."""
    course = "\n".join(path.read_text(encoding="utf-8") for path in (library / CODE).rglob("*") if path.is_file())
    found = {person.full_name for person in world.people.values()}
    found |= {unit.name for unit in (world.root, world.inside, world.outside)}
    found |= {*re.findall(r'"([^"\n]+)"', course), *PROPER_NAMES, *EXAMPLES}
    return re.compile("|".join(re.escape(name) for name in sorted(found, key=len, reverse=True)))


def untranslated(page: str, names: re.Pattern[str], typed: Iterable[str] = ()) -> list[str]:
    """Each piece of a page's words that is neither English nor a name nor what was typed."""
    return left_of(Words(page), names, typed)


def left_of(words: Words, names: re.Pattern[str], typed: Iterable[str] = ()) -> list[str]:
    """The same of a page that has been read. Names are sought where a Vietnamese letter is: it takes longest."""
    return [
        said.strip()
        for said in words.said
        if VIETNAMESE.search(said) and VIETNAMESE.search(names.sub("", said)) and said not in typed
    ]


def test_a_word_of_no_translation_is_found_beside_names_and_what_was_typed() -> None:
    page = (
        '<p>Not read by <b title="Sở Y tế">Sở Y tế</b></p><p lang="vi">Tiếng Việt</p><p title="Chưa dịch">Sở Y tế ở</p>'
    )
    known = re.compile("Sở Y tế")
    assert untranslated(page, known) == ["Chưa dịch", "Sở Y tế ở"]
    assert untranslated(page, known, ["Sở Y tế ở"]) == ["Chưa dịch"]


def crawl(browser: Browser, *starts: str, leave_out: str) -> Iterator[tuple[str, Words]]:
    """Every page that links lead to, each path once: path and words. `leave_out` begins the paths not to follow."""
    waiting, seen = list(starts), set(starts)
    while waiting:
        address = waiting.pop(0)
        assert browser.get(address).status_code == 200, address
        words = Words(browser.text)
        yield address.partition("?")[0], words
        for link in words.links:
            path = link.partition("?")[0]
            if (
                path.startswith("/")
                and path not in seen
                and not NOT_PAGES.search(path)
                and not path.startswith(leave_out)
            ):
                seen.add(path)
                waiting.append(link)
        assert len(seen) < MOST_PAGES, seen


@pytest.fixture
def world(make: Make, tmp_path: Path) -> World:
    return kept(make, tmp_path, asked_world)


def asked_world(make: Make, folder: Path) -> World:
    """The small province, and questions in its bank."""
    made = build_world(make, folder)
    with make.writing() as session:
        assert list(load_questions(session, folder))
    return made


PAGES = {
    "learner": {"/learning", f"/courses/{CODE}/lessons/m1-1", f"/courses/{CODE}/tests/m1-test", "/my-record"},
    "head_inside": {"/dashboard/"},
    "trainer": {"/authoring/", f"/authoring/{CODE}/m1/m1-1", "/records", "/records/activities"},
    "administrator": {
        "/people",
        "/people/new",
        "/roster",
        "/units",
        "/units/new",
        "/assignments",
        "/assignments/new",
        "/forwarding",
        "/forwarding/new",
        "/webhooks",
        "/webhooks/new",
        "/records",
        "/records/people",
        "/clients",
        "/clients/new",
    },
}


@pytest.mark.parametrize("actor", PAGES)
def test_english_pages_show_no_vietnamese_but_content(world: World, tmp_path: Path, actor: str) -> None:
    known = names(world, tmp_path)
    browser = in_english(world.browser(actor), "/profile")
    what_learners_see = "/nothing" if actor == "learner" else "/courses/"
    pages = dict(crawl(browser, "/", "/profile", leave_out=what_learners_see))
    assert PAGES[actor] <= set(pages)
    assert {path: left for path, words in pages.items() if (left := left_of(words, known))} == {}


def test_sign_in_and_refusals_are_in_english(world: World, tmp_path: Path) -> None:
    known = names(world, tmp_path)
    browser = in_english(world.browser("anonymous"), "/sign-in")
    assert "Sign in" in browser.text
    assert untranslated(browser.text, known) == []
    browser.submit("/sign-in", username="", password="")
    assert "Enter the user name." in browser.text
    assert untranslated(browser.text, known) == []
    browser.submit("/sign-in", username="nobody", password="wrong")
    assert "The user name or the password is not right." in browser.text
    assert untranslated(browser.text, known) == []
    browser.get("/first-password/no-such-link")
    assert "This link no longer works" in browser.text
    assert untranslated(browser.text, known) == []
    browser = in_english(world.browser("learner"), "/profile")
    assert untranslated(browser.get("/nowhere").text, known) == []
    assert untranslated(browser.post("/language", data={}).text, known) == []


@pytest.mark.parametrize(
    ("actor", "path", "button", "typed", "told"),
    [
        ("learner", "/profile/password", "Change password", {}, "Enter a new password."),
        ("administrator", "/people/new", "Save and issue a link", {"username": "Á"}, "Enter the full name."),
        ("administrator", "/clients/new", "Save and show the secret", {"name": ""}, "Enter the name of the system."),
        ("administrator", "/units/new", "Look at the change first", {"on": "hôm nay"}, "Enter the unit code."),
        ("administrator", "/forwarding/new", "Save and begin to send", {"address": "x"}, "Enter a name."),
        ("administrator", "/assignments/new", "Preview", {"due": "1/1/2020"}, "The due date must not be in the past."),
        (
            "trainer",
            f"/authoring/{CODE}/m1/m1-1",
            "Save draft",
            {"title": "", "minutes": "x", "body": "# A\n::: b\n“c” [BT L9] <b>\n::: practice"},
            "Enter the title of the lesson.",
        ),
    ],
)
def test_forms_refuse_in_english(
    world: World, tmp_path: Path, actor: str, path: str, button: str, typed: dict[str, Any], told: str
) -> None:
    browser = in_english(world.browser(actor), path)
    browser.submit(button, **typed)
    assert told in browser.text
    assert untranslated(browser.text, names(world, tmp_path), typed.values()) == []


def test_taking_a_test_is_in_english(world: World, tmp_path: Path) -> None:
    known = names(world, tmp_path)
    browser = in_english(world.browser("learner"), f"/courses/{CODE}/tests/m1-test")
    presses: list[tuple[str, dict[str, Any]]] = [
        ("Start the test", {}),
        ("Check and hand in", {"_then": "confirm"}),
        ("Hand in", {}),
    ]
    for button, pressed in presses:
        browser.submit(button, **pressed)
        assert untranslated(browser.text, known) == []
    assert "Not passed: score 0" in browser.text
    for path in ("/learning", f"/courses/{CODE}", f"/courses/{CODE}/tests/m1-test", "/my-record"):
        assert untranslated(browser.get(path).text, known) == []


def test_the_dashboard_answers_in_english(world: World, tmp_path: Path) -> None:
    known = names(world, tmp_path)
    address = f"/dashboard/units/{world.inside.public_id}"
    browser = in_english(world.browser("head_inside"), address)
    assert "</strong> of 2 people who must study still to be briefed on" in browser.text
    assert untranslated(browser.text, known) == []
    assert browser.get(f"{address}.csv").text.lstrip("\ufeff").startswith(("No.", '"No."'))
    browser.get(f"{address}/missing")
    assert "Not completed: <strong>2</strong>" in browser.text
    browser.submit("Search by name", q="khong co")
    assert "Nobody who has not completed matches the filter." in browser.text
    assert untranslated(browser.text, known) == []
