"""Every page of the product, as each of the four people reaches it: axe finds nothing, and nothing is cut off."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select
from werkzeug.routing import Rule

from assessments.attempts.access import access_test
from assessments.attempts.actions import Absent, start_attempt
from courses.enrolment.models import Assignment
from lms.accounts.actions import issue_link
from lms.accounts.models import Person
from lms.accounts.rules import EVERYONE, PERMISSIONS
from lms.web.gate import PUBLIC, policy_of
from tests.axe import violations
from tests.journeys.conftest import Site
from tests.journeys.province import ADMINISTRATOR, COURSE, HEAD, LEARNER, PEOPLE, TRAINER, due_day, pass_test

pytestmark = pytest.mark.chromium

Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[int, Scheme], ...] = ((360, "light"), (360, "dark"), (1280, "light"), (1280, "dark"))
WIDTHS = (320, 360, 640, 720, 960, 1280)
"""The narrowest phone, a common one, and office screens, enlarged and not: no page scrolls sideways."""
NOBODY = "nobody"
ALREADY_SIGNED_IN = {"accounts.sign_in", "accounts.first_password"}
"""Pages for whoever is not signed in yet."""
NOT_PAGES = {"web.home", "web.health", "dashboard.unit_csv", "dashboard.unit_json"}
"""What leads elsewhere at once or answers programs."""


def permissions_of(username: str) -> set[str]:
    """What this person may do."""
    if username == NOBODY:
        return {PUBLIC}
    return {PUBLIC} | PERMISSIONS[EVERYONE] | PERMISSIONS.get(PEOPLE[username].role, frozenset())


def pages_of(app: Flask, username: str) -> list[Rule]:
    """The routes behind which this person finds a page."""
    allowed = permissions_of(username)
    elsewhere = NOT_PAGES | (set() if username == NOBODY else ALREADY_SIGNED_IN)
    return [
        rule
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
        if "GET" in (rule.methods or ()) and rule.endpoint not in elsewhere and policy_of(app, rule.endpoint) in allowed
    ]


def is_own(app: Flask, rule: Rule, username: str) -> bool:
    """Whether the page is looked at from all sides with this person: others see it under another menu, no more."""
    return username in (NOBODY, LEARNER) or policy_of(app, rule.endpoint) not in permissions_of(LEARNER)


def real_ids(site: Site, username: str) -> dict[str, Any]:
    """For each argument of an address, or of one endpoint only, something that is there."""
    province = site.province
    ids: dict[str, Any] = {
        "course_code": COURSE,
        "module_code": "m1",
        "lesson_code": "m1-1",
        "activity_code": "m1-test",
        "unit_id": province.unit("snn").public_id,
        "organisation.show": {"public_id": province.unit("snn").public_id},
        "public_id": province.person(LEARNER).public_id,
    }
    with site.make.writing() as session:
        ids["token"] = issue_link(session, session.get_one(Person, province.person("maibt").id))
        ids["enrolment.show"] = {"public_id": session.scalars(select(Assignment.public_id)).one()}
        if username != NOBODY:
            me = province.person(username)
            who = Absent(me.id, me.public_id)
            ids["attempts.review"] = {"attempt_id": pass_test(session, who, "m1-test").public_id}
            sitting = access_test(session, who, COURSE, "m1-test", to_change=True)
            ids["attempt_id"] = start_attempt(session, who, sitting).public_id
    return ids


def address(app: Flask, rule: Rule, ids: Mapping[str, Any]) -> str:
    """The path of a page, with ids that exist."""
    known = {**ids, **ids.get(rule.endpoint, {})}
    with app.test_request_context():
        built = rule.build({name: known.get(name, uuid.uuid4()) for name in rule.arguments})
    assert built is not None
    return built[1]


def faults(page: Page, looks: Sequence[tuple[int, Scheme]] = LOOKS) -> list[str]:
    """What is wrong with the page the browser shows, in each of these looks."""
    found = []
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} headings of level 1")
    if not page.title().removesuffix("– Quán triệt").strip():
        found.append("no title")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
            found.append(f"scrolls sideways at {width} px: {page.evaluate(WIDE)}")
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        found += [f"{width} px, {scheme}: {line}" for line in violations(page)]
    return found


WIDE = """[...document.querySelectorAll("main *")].filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 3).map(one => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("username", [NOBODY, LEARNER, HEAD, TRAINER, ADMINISTRATOR])
def test_every_page_is_accessible_and_fits_a_narrow_screen(site: Site, username: str) -> None:
    app = site.make.app
    ids = real_ids(site, username)
    page = site.windows.open() if username == NOBODY else site.signed_in(username)
    found = {}
    for rule in pages_of(app, username):
        path = address(app, rule, ids)
        if rule.endpoint == "enrolment.check":
            path += f"?course={COURSE}&unit={ids['unit_id']}&due={due_day()}"
        answer = page.goto(path)
        assert answer is not None
        looks = LOOKS if is_own(app, rule, username) else LOOKS[:1]
        problems = faults(page, looks) if answer.status == 200 else [f"status {answer.status}"]
        if problems:
            found[rule.endpoint] = problems
    assert found == {}


def test_pages_that_refuse_are_accessible_too(site: Site) -> None:
    page = site.signed_in(ADMINISTRATOR)
    found = {}
    for path, button in (("/people/new", "Lưu và cấp liên kết"), ("/units/new", "Lưu đơn vị"), ("/khong-co", "")):
        page.goto(path)
        if button:
            page.get_by_role("button", name=button).click()
            page.get_by_role("alert").wait_for()
        found[path] = faults(page)
    site.windows.excuse("422")
    site.windows.excuse("404")
    assert {path: lines for path, lines in found.items() if lines} == {}
