"""Every route declares who may use it, and a walk over all of them, as everybody, finds it to be so."""

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from lms.accounts.models import Person
from lms.accounts.rules import EVERYONE, PERMISSIONS
from lms.audit.models import AuditEntry
from lms.audit.rules import DISCLOSURES
from lms.db import Base, Database
from lms.web.gate import CLIENTS, LEAVING, MANNER, PUBLIC, READING, policy_of
from tests.browser import Browser, text_of
from tests.floor.walk import EVERYBODY, FILE, Walk, build_walk, every_rule, guarded, send
from tests.floor.world import build_world
from tests.kept import kept
from tests.lent import marks_of
from tests.make import Make

ROLES = {
    "anonymous": (),
    "learner": (EVERYONE,),
    "head_inside": (EVERYONE, "head"),
    "head_outside": (EVERYONE, "head"),
    "deputy": (EVERYONE, "deputy"),
    "former_deputy": (EVERYONE,),
    "trainer": (EVERYONE, "trainer"),
    "unit_administrator_inside": (EVERYONE, "unit_administrator"),
    "unit_administrator_outside": (EVERYONE, "unit_administrator"),
    "party_keeper": (EVERYONE, "unit_administrator"),
    "auditor": (EVERYONE, "auditor"),
    "administrator": (EVERYONE, "administrator"),
}
OPEN_TO_EVERYONE = {
    "accounts.first_password",
    "accounts.forgotten",
    "accounts.mail_on_its_way",
    "accounts.renew_password",
    "accounts.sign_in",
    "api.document",
    "api.page",
    "authentication.activate",
    "authentication.code",
    "authentication.enrol",
    "profile.part",
    "certificates.check",
    "profile.profile",
    "reports.check",
    "ways.back_from_service",
    "ways.leave_service",
    "ways.sign_in_challenge",
    "ways.sign_in_with_passkey",
    "ways.to_service",
    "web.health",
    "web.home",
    "web.set_language",
}
MAY_CHANGE_BY_READING = {"user_session", "audit_entry", "job", "throttle_counter", "viewing"}
"""Reading may note that a session is in use, that names were seen, and that a look as somebody else is over."""


SIGNED_IN = [one for one in EVERYBODY if one != "anonymous"]
SENDING = [(one, "sqlite") for one in SIGNED_IN] + [
    pytest.param(one, "postgresql", marks=pytest.mark.postgresql)
    for one in ("learner", "head_inside", "trainer", "unit_administrator_inside", "administrator")
]
"""Everybody sends everything; on PostgreSQL those who between them may send every form, within and beyond a unit."""
LEAD_ON = {"dashboard.mine", "issued.index", "issued.print_file"}
"""Pages that lead on at once when there is only one place to go."""
KEEP_THE_DATABASE = {
    "accounts.end_one",  # these end sessions, which are not counted (above)
    "accounts.end_others",
    "credentials.end_sessions",
    "credentials.unlock",  # forgets attempts, which are not counted either
    "authentication.resume",
    "ways.register_passkey",  # a device must sign: tests/lms/test_passkeys.py
    "accounts.sign_out",  # ends a session, which is not counted (above)
    "audit.search",
    "authoring.preview_lesson",
    "authoring.preview_part",
    "briefing_admin.change",
    "briefing_admin.give",
    "changes.rehearse",
    "changes.rehearse_new",
    "dashboard.search",
    "dashboard.state_purpose",
    "issued.print_all",  # hands out a file; only the log says so
    "memberships.ask",
    "memberships.rehearse",
    "lists.entry",
    "lists.upload",
    "meetings.search",
    "learning.start",  # everybody in the walk has begun
    "organisation.rehearse_undo",
    "people.search",
    "people.found",
    "duplicates.look",
    "records.search",
    "rolls.search",
    "report_files.take_list",  # a file with names; that it was taken stands in the log
    "roles.end_viewing_as",  # begins and ends a look as somebody else, which is not counted (above)
    "roles.view_as",
    "sittings.find_host",
}
"""Forms that change nothing in the tables: what they say is kept in the browser or only shown."""


@pytest.fixture
def walk(make: Make, tmp_path: Path) -> Walk:
    return replace(kept(make, tmp_path, walked), file=str(tmp_path / FILE))


def walked(make: Make, folder: Path) -> Walk:
    return build_walk(build_world(make, folder), folder)


def permissions(actor: str) -> frozenset[str]:
    return frozenset().union(*(PERMISSIONS[role] for role in ROLES[actor]))


OF_REPORTS = ("snapshot_id", "submission_id", "schedule_id", "file_id")
"""What reports of the agency inside are called in addresses."""


def is_outside(actor: str, rule: Rule) -> bool:
    """Whether the permission is held, but not for the agency the address or the form names."""
    if actor == "unit_administrator_outside":
        about = {
            "public_id",
            "unit_id",
            "one",
            "link_id",
            "announcement_id",
            "decision_id",
            "reflection_id",
            *OF_REPORTS,
        } & rule.arguments
        named = {"roster_files.leave", "roster.receive", "memberships.rehearse", "memberships.apply"}
        named |= {"changes.rehearse_new", "changes.create_unit"}
        own = "profile" in rule.rule or rule.endpoint == "notices.seen"
        return bool(about and not own) or rule.endpoint in named
    of_a_unit = bool({"unit_id", "reflection_id", *OF_REPORTS} & rule.arguments) or rule.endpoint == "rolls.person"
    return actor == "head_outside" and of_a_unit


def only_reads(app: Flask, actor: str, endpoint: str, policy: str) -> bool:
    """Whether the form is refused because an auditor changes nothing, though the permission is held."""
    manner = getattr(app.view_functions[endpoint], MANNER, None)
    return actor == "auditor" and policy != "profile:own" and manner != READING


def policies(app: Flask) -> dict[str, str | None]:
    """What each endpoint of the pages declares, and each of what other systems reach."""
    both: list[Flask] = [app, app.extensions["systems"]]
    return {rule.endpoint: policy_of(one, rule.endpoint) for one in both for rule in one.url_map.iter_rules()}


def test_every_route_declares_a_policy_that_exists(app: Flask) -> None:
    known = {PUBLIC, CLIENTS}.union(*PERMISSIONS.values())
    assert {endpoint for endpoint, policy in policies(app).items() if policy not in known} == set()


def test_the_routes_open_to_everyone_are_these_and_no_others(app: Flask) -> None:
    assert {endpoint for endpoint, policy in policies(app).items() if policy == PUBLIC} == OPEN_TO_EVERYONE


def test_only_the_record_store_and_the_read_api_are_open_to_other_systems(app: Flask) -> None:
    found = {endpoint for endpoint, policy in policies(app).items() if policy == CLIENTS}
    assert {endpoint.partition(".")[0] for endpoint in found} == {"api", "xapi", "documents"}


def test_beside_the_pages_nothing_stands_that_needs_a_person(app: Flask) -> None:
    systems: Flask = app.extensions["systems"]
    assert {policy_of(systems, rule.endpoint) for rule in systems.url_map.iter_rules()} == {PUBLIC, CLIENTS}


def test_an_undeclared_route_cannot_be_reached(app: Flask, make: Make) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "open")
    app.extensions["systems"].add_url_rule("/xapi/forgotten", "forgotten", lambda: "open")
    administrator = make.browser(make.person(role="administrator"))
    assert administrator.get("/forgotten").status_code == 404
    assert administrator.client.get("/xapi/forgotten").status_code == 404


@pytest.mark.parametrize("backend", ["sqlite"])  # the gate asks no database
@pytest.mark.parametrize("actor", EVERYBODY)
def test_who_lacks_the_permission_finds_nothing_and_changes_nothing(app: Flask, walk: Walk, actor: str) -> None:
    """For every route and method: the anonymous are asked to sign in, the unentitled find no such page.

    Forms are valid and carry the token of a page of the actor's own: nothing but the permission refuses them.
    """
    browser, forms, wrong = walk.world.browser(actor), walk.forms(), []
    before, tried = contents(app), 0
    for rule, policy, method in guarded(app):
        if policy in permissions(actor):
            continue
        path, tried = walk.path(rule, actor), tried + 1
        if method == "POST":
            found = send(browser, path, forms[rule.endpoint])
            right = found == (401 if actor == "anonymous" else 404)
        else:
            answer = browser.client.open(path, method=method)
            found = answer.status_code
            asked = found == 302 and "/sign-in?next=" in answer.headers["Location"]
            right = asked if actor == "anonymous" else found == 404
        if not right:
            wrong.append((method, path, found))
    assert wrong == []
    assert contents(app) == before
    assert tried > 5


@pytest.mark.parametrize("actor", EVERYBODY)
def test_who_holds_the_permission_sees_every_page_and_changes_nothing_by_it(app: Flask, walk: Walk, actor: str) -> None:
    """What is open to everyone is read too, in whatever way it answers; whatever shows names stands in the log."""
    browser, wrong, offered, silent, lost = walk.world.browser(actor), [], list[str](), list[str](), list[str]()
    names = names_of_others(app, browser) if actor in SIGNED_IN else set[str]()
    before, told, policy_by = contents(app), disclosures(app), policies(app)
    for rule in every_rule(app):
        policy = policy_by[rule.endpoint] or ""
        if "GET" not in (rule.methods or set()) or policy not in {PUBLIC, CLIENTS, *permissions(actor)}:
            continue
        path, is_open = walk.path(rule, actor), policy in {PUBLIC, CLIENTS}
        answer = browser.client.get(path)
        if not is_open and answer.status_code != (
            404 if is_outside(actor, rule) else 302 if rule.endpoint in LEAD_ON else 200
        ):
            wrong.append((path, answer.status_code))
        if (
            actor == "auditor"
            and not is_open
            and policy not in PERMISSIONS[EVERYONE]
            and answer.mimetype == "text/html"
        ):
            offered += offered_in_vain(app, answer.text, path)
        if actor == "administrator" and policy not in {PUBLIC, CLIENTS, "profile:own"} and is_lost(answer):
            lost.append(rule.endpoint)
        earlier, told = told, disclosures(app)
        if told == earlier and names_on(answer, names):
            silent.append(rule.endpoint)
        if actor in {"trainer", "administrator"}:  # between them they may open every page
            browser.client.head(path)
            told = disclosures(app)
    assert wrong == []
    assert offered == []
    assert lost == [], "no entry of the menu says that one is there"
    assert silent == [], "names are shown without an entry in the audit log"
    assert contents(app) == before


def names_of_others(app: Flask, browser: Browser) -> set[str]:
    """The names of all people but of whoever is signed in there."""
    database: Database = app.extensions["database"]
    own = browser.get("/profile").text
    with database.reading() as session:
        return {name for name in session.scalars(sa.select(Person.full_name)) if name not in own}


def disclosures(app: Flask) -> int:
    """How often the audit log says that somebody saw names."""
    database: Database = app.extensions["database"]
    with database.reading() as session:
        told = sa.select(sa.func.count()).where(AuditEntry.action.in_(DISCLOSURES))
        return session.scalar(told) or 0


CURRENT = 'aria-current="page"'
LINK = re.compile(r'href="(/[^"#?]*)')
FORM = re.compile(r'<form method="post"(?:[^>]*? action="([^"]*)")?[^>]*>(.*?)</form>', re.DOTALL)


def offered_in_vain(app: Flask, page: str, path: str) -> list[str]:
    """What an auditor's page offers and the gate would refuse: forms that have a button, and links."""
    adapter, found = app.url_map.bind("localhost"), []
    for target in set(LINK.findall(page)):
        with suppress(NotFound):
            endpoint, _arguments = adapter.match(target, "GET")
            if policy_of(app, endpoint) not in {None, PUBLIC, *permissions("auditor")}:
                found.append(endpoint)
    for action, body in FORM.findall(page):
        endpoint, _arguments = adapter.match((action or path).partition("?")[0], "POST")
        if "<button" in body and only_reads(app, "auditor", endpoint, policy_of(app, endpoint) or ""):
            found.append(endpoint)
    return [one for one in found if policy_of(app, one) != PUBLIC]


@pytest.mark.parametrize(("actor", "backend"), SENDING)
def test_who_holds_the_permission_can_do_everything_with_a_token_and_nothing_without(
    app: Flask, walk: Walk, actor: str
) -> None:
    """Each form does what it is for, so what the other tests send as the wrong actor is refused for that alone."""
    browser, forms, wrong = walk.world.browser(actor), walk.forms(actor), []
    mine = {
        rule.endpoint: rule
        for rule, policy, method in guarded(app)
        if method == "POST" and policy in permissions(actor) and not only_reads(app, actor, rule.endpoint, policy)
    }
    before = contents(app)
    for endpoint, rule in mine.items():
        if (found := browser.client.post(walk.path(rule, actor), data=forms[endpoint]).status_code) != 400:
            wrong.append((endpoint, "without a token", found))
    assert contents(app) == before
    for endpoint in sorted(mine, key=list(forms).index):
        found, outside = (
            send(browser, walk.path(mine[endpoint], actor), forms[endpoint]),
            is_outside(actor, mine[endpoint]),
        )
        if found not in ({404, 422} if outside else {200, 302}):
            wrong.append((endpoint, "with a token", found))
        after = contents(app)
        if (after != before) == (outside or endpoint in KEEP_THE_DATABASE):
            wrong.append((endpoint, "changed the database as it should not, or did not", found))
        before = after
    assert wrong == []


def test_every_form_of_the_product_is_tried(app: Flask, walk: Walk) -> None:
    assert {rule.endpoint for rule, _policy, method in guarded(app) if method == "POST"} == walk.forms().keys()


def test_a_route_with_an_argument_the_walk_does_not_know_stops_it(app: Flask, make: Make, tmp_path: Path) -> None:
    app.add_url_rule("/new/<thing_id>", "learning.new_thing", lambda thing_id: thing_id)  # before the first request
    walk = build_walk(build_world(make, tmp_path), tmp_path)
    (rule,) = app.url_map.iter_rules("learning.new_thing")
    with pytest.raises(KeyError, match="knows no real 'thing_id' for learning"):
        walk.path(rule, "learner")


def test_the_head_of_another_agency_finds_nothing_of_this_one(app: Flask, walk: Walk) -> None:
    inside, outside = walk.world.browser("head_inside"), walk.world.browser("head_outside")
    reached, wrong = 0, []
    for rule, policy, method in guarded(app):
        if "unit_id" not in rule.arguments or not policy.startswith("unit:read") or method != "GET":
            continue
        path = walk.path(rule, "head_inside")
        reached += inside.client.get(path).status_code == 200
        answer = outside.client.get(path)
        if answer.status_code != 404 or "Sở Y tế" in answer.text:
            wrong.append((path, answer.status_code))
    assert wrong == []
    assert reached > 0


@pytest.mark.parametrize("actor", [one for one in SIGNED_IN if one != "learner"])
def test_nobody_reaches_the_test_of_somebody_else(app: Flask, walk: Walk, actor: str) -> None:
    browser, forms, wrong, before = walk.world.browser(actor), walk.forms(), [], contents(app)
    routes = [(rule, method) for rule, _policy, method in guarded(app) if "attempt_id" in rule.arguments]
    for rule, method in routes:
        path = walk.path(rule, actor, attempts_of="learner")
        post = method == "POST"
        found = send(browser, path, forms[rule.endpoint]) if post else browser.client.get(path).status_code
        if found != (403 if post and actor == "auditor" else 404):
            wrong.append((method, path, found))
    assert wrong == []
    assert contents(app) == before
    assert len(routes) > 3


@pytest.mark.parametrize("backend", ["sqlite"])  # tests/lms/test_viewing_as.py asks both databases
def test_whoever_looks_as_a_head_opens_what_the_head_opens_and_can_send_nothing(app: Flask, walk: Walk) -> None:
    viewer, head = walk.world.browser("administrator"), walk.world.people["head_inside"]
    assert send(viewer, f"/people/{head.public_id}/view-as", {}) == 302
    forms, wrong, before = walk.forms(), [], contents(app)
    for rule in app.url_map.iter_rules():
        policy, path = policy_of(app, rule.endpoint), walk.path(rule, "head_inside")
        if "POST" in (rule.methods or set()):
            leaves = getattr(app.view_functions[rule.endpoint], MANNER, None) == LEAVING
            found = 403 if leaves else send(viewer, path, forms.get(rule.endpoint, {}))
            right = found == 403
        else:
            found = viewer.client.get(path).status_code
            mine = policy in permissions("head_inside")
            right = policy in {PUBLIC, CLIENTS} or (found != 404) == mine
        if not right:
            wrong.append((path, found))
    assert wrong == []
    assert contents(app) == before
    database: Database = app.extensions["database"]
    with database.reading() as session:
        assert session.scalars(sa.select(AuditEntry.id).where(AuditEntry.actor == head.public_id)).all() == []


def is_lost(answer: TestResponse) -> bool:
    """Whether it is a page on whose menu no entry is marked as the one where one is."""
    return answer.mimetype == "text/html" and 'class="site-nav' in answer.text and CURRENT not in answer.text


def names_on(answer: TestResponse, names: set[str]) -> bool:
    """Whether an answer says one of them."""
    page = text_of(answer)
    return any(name in page for name in names)


def contents(app: Flask) -> dict[str, object]:
    """For each table something that is another when a row is; PostgreSQL finds it itself, with one query for all."""
    database: Database = app.extensions["database"]
    names = [name for name in Base.metadata.tables if name not in MAY_CHANGE_BY_READING]
    if database.on_postgresql:
        return dict(marks_of(database.config.database_url, names))
    with database.read_engine.connect() as connection:
        cursor = connection.connection.cursor()
        return {name: hash(frozenset(cursor.execute(f'SELECT * FROM "{name}"').fetchall())) for name in names}  # noqa: S608


def test_the_table_of_permissions_is_the_documented_one() -> None:
    assert PERMISSIONS["learner"] == {"course:study", "profile:own"}
    assert all(not permission.startswith(("person:", "course:assign", "module:")) for permission in PERMISSIONS["head"])
