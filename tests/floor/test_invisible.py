"""Characters that nobody types are refused in plain words, stored nowhere, and never a fault of the server."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask

from lms.accounts.models import Person
from lms.organisation.models import Unit
from lms.text import nfc, visible
from tests.browser import Browser
from tests.floor.walk import every_rule
from tests.floor.world import ACTORS, World, build_world
from tests.kept import kept
from tests.make import Make
from tests.store import Outsider

HIDDEN = "Ô này có ký tự ẩn"
NUL = "\0"
QUESTIONS = (
    "/assignments/check?course=%00",
    "/people?unit=%00",
    "/people/new?unit=%00",
    "/units?q=S%00",
    "/units/new?under=%00",
    "/dashboard/?briefing=%00",
    "/sign-in?next=/%00",
)
TEXTS = [("a\0b", "ab"), ("a\x07\x7f\x9bb", "ab"), ("a\tb\r\nc", "a\tb\r\nc"), ("a\ud800b", "ab"), ("Ằ", "Ằ")]


@pytest.fixture
def world(app: Flask, make: Make, tmp_path: Path) -> World:
    """A small province in a product that answers a bug with a page, as in production."""
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    return kept(make, tmp_path, build_world)


def send(browser: Browser, page: str, action: str, **typed: str) -> int:
    """Open the page and send its form with this typed into it."""
    browser.get(page)
    form = browser.form(action)
    path = form.action or browser.path
    return browser.post(path, data=dict(form.fields) | typed, headers={"Origin": "http://localhost"}).status_code


@pytest.mark.parametrize(("text", "kept"), TEXTS)
def test_what_nobody_sees_is_left_out_and_all_else_kept(text: str, kept: str) -> None:
    assert visible(text) == kept
    assert visible(nfc(text)) == nfc(text)


@pytest.mark.parametrize("actor", ACTORS)
def test_no_address_with_an_invisible_character_is_there_for_anybody(app: Flask, world: World, actor: str) -> None:
    browser = world.browser(actor)
    tried, wrong = 0, []
    for rule in every_rule(app):
        names = [name for name, kind in rule._converters.items() if type(kind).__name__ == "UnicodeConverter"]
        for name in names:
            given = dict.fromkeys(rule.arguments, "00000000-0000-4000-8000-000000000000") | dict.fromkeys(names, "demo")
            path = rule.rule
            for argument, value in (given | {name: "de\0mo"}).items():
                for kind in ("", "string:", "uuid:", "int:"):
                    path = path.replace(f"<{kind}{argument}>", quote(value if kind != "int:" else "1"))
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                tried += 1
                answer = browser.client.open(path, method=method)
                if answer.status_code != 404:
                    wrong.append((method, path, answer.status_code))
    assert wrong == []
    assert tried > 10


@pytest.mark.parametrize("address", QUESTIONS)
def test_nor_does_a_question_with_one_break_anything(world: World, address: str) -> None:
    for actor in ACTORS:
        assert world.browser(actor).client.get(address).status_code < 500, actor


def test_the_sign_in_says_which_field_holds_one(world: World) -> None:
    browser = world.make.browser()
    assert send(browser, "/sign-in", "/sign-in", username="a\0n", password="x\0y") == 422
    assert browser.text.count(HIDDEN) == 4  # beside each of the two fields, and in the summary above them
    assert 'value="an"' in browser.text


def test_a_person_and_a_unit_are_not_made_of_them(world: World) -> None:
    browser = world.browser("administrator")
    unit = str(world.inside.public_id)
    new = {"full_name": "Nguyễn\0 An", "username": "nguyen.an", "unit": unit}
    assert send(browser, "/people/new", "/people/new", **new) == 422
    assert HIDDEN in browser.text
    assert 'value="Nguyễn An"' in browser.text
    assert send(browser, "/units/new", "/units/new", name="Sở\x07 Mới", code="sm", parent=unit) == 422
    assert HIDDEN in browser.text
    with world.make.reading() as session:
        assert session.query(Person).filter(Person.full_name.startswith("Nguyễn")).count() == 0
        assert session.query(Unit).filter(Unit.code == "sm").count() == 0


def test_a_name_is_found_though_one_was_typed_into_the_search(world: World) -> None:
    browser = world.browser("administrator")
    assert send(browser, "/people", "/people/search", q="Học\0 Viên") == 200
    assert "Học Viên" in browser.text
    with browser.client.session_transaction() as cookie:
        cookie["people sought"] = "Học\0 Viên"  # as a browser may hold it from before
    assert browser.get("/people").status_code == 200
    assert "Học Viên" in browser.text


def test_a_lesson_is_not_saved_with_them(world: World) -> None:
    browser = world.browser("trainer")
    page = f"/authoring/{world.course}/m1/m1-1"
    assert send(browser, page, "Nội dung bài", title="Bài\0 một") == 422
    assert HIDDEN in browser.text


def test_a_client_is_refused_or_answered_and_breaks_nothing(world: World) -> None:
    outsider = Outsider(world.make, "all")
    agent = {"account": {"homePage": "https://quan-triet.example/xapi/clients", "name": NUL}}
    assert outsider.get(agent=json.dumps(agent), related_agents="true").status_code == 200
    for query in ({"verb": NUL}, {"activity": NUL}, {"registration": NUL}, {"statementId": NUL}, {NUL: "x"}):
        assert outsider.get(**query).status_code == 400
    stranger = outsider.client.get("/xapi/statements", auth=(NUL, "x"), headers={"X-Experience-API-Version": "1.0.3"})
    assert stranger.status_code == 401
