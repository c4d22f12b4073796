"""Every route declares who may use it, and a walk over all of them, as everybody, finds it to be so."""

import hashlib
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from lms.accounts.rules import EVERYONE, PERMISSIONS
from lms.db import SAFE_METHODS, Base, Database
from lms.web.gate import CLIENTS, PUBLIC, policy_of
from tests.floor.world import ACTORS, World, build_world
from tests.make import Make

ROLES = {
    "anonymous": (),
    "learner": (EVERYONE,),
    "head_inside": (EVERYONE, "head"),
    "head_outside": (EVERYONE, "head"),
    "trainer": (EVERYONE, "trainer"),
    "administrator": (EVERYONE, "administrator"),
}
OPEN_TO_EVERYONE = {
    "accounts.first_password",
    "accounts.sign_in",
    "records.profile",
    "web.health",
    "web.home",
    "web.set_language",
}
MAY_CHANGE_BY_READING = {"user_session", "audit_entry", "job", "throttle_counter"}
"""Reading may note that a session is in use and that names were seen, each in a transaction of its own."""


@pytest.fixture
def world(make: Make, tmp_path: Path) -> World:
    return build_world(make, tmp_path)


def routes(app: Flask) -> list[Rule]:
    return sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ())))


def test_every_route_declares_a_policy_that_exists(app: Flask) -> None:
    known = {PUBLIC, CLIENTS}.union(*PERMISSIONS.values())
    undeclared = {rule.endpoint for rule in routes(app) if policy_of(app, rule.endpoint) not in known}
    assert undeclared == set()


def test_the_routes_open_to_everyone_are_these_and_no_others(app: Flask) -> None:
    found = {rule.endpoint for rule in routes(app) if policy_of(app, rule.endpoint) == PUBLIC}
    assert found == OPEN_TO_EVERYONE


def test_only_the_record_store_is_open_to_other_systems(app: Flask) -> None:
    found = {rule.endpoint for rule in routes(app) if policy_of(app, rule.endpoint) == CLIENTS}
    assert {endpoint.partition(".")[0] for endpoint in found} == {"xapi", "documents"}


def test_an_undeclared_route_cannot_be_reached(app: Flask, make: Make) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "open")
    assert make.browser(make.person(role="administrator")).get("/forgotten").status_code == 404


def arguments(world: World, rule: Rule) -> dict[str, object]:
    """Real ids for every argument of the address; an argument this walk does not know is filled with a stranger."""
    known: dict[str, object] = {
        "course_code": world.course,
        "code": world.course,
        "lesson_code": "m1-1",
        "module_code": "m1",
        "activity_code": "m1-test",
        "unit_id": world.inside.public_id,
        "person_id": world.people["learner"].public_id,
        "token": "no-such-token",
        "client_id": world.client,
        "statement_id": world.statement,
    }
    if rule.endpoint.startswith("forwarding."):
        known["public_id"] = world.target.public_id
    converters = rule._converters
    filled: dict[str, object] = {}
    for name in rule.arguments:
        kind = type(converters.get(name)).__name__  # an argument that is only a default has no converter
        stranger: object = {"UUIDConverter": uuid.uuid4(), "IntegerConverter": 1}.get(kind, "khong-co")
        filled[name] = known.get(name, stranger)
    return filled


@pytest.mark.parametrize("actor", ACTORS)
def test_who_lacks_the_permission_finds_nothing(app: Flask, world: World, actor: str) -> None:
    """For every route and method: the anonymous are asked to sign in, the unentitled find no such page."""
    browser = world.browser(actor)
    permissions = frozenset().union(*(PERMISSIONS[role] for role in ROLES[actor]))
    wrong: list[tuple[str, str, str, int | str | None]] = []
    for rule in routes(app):
        policy = policy_of(app, rule.endpoint)
        if policy in {PUBLIC, CLIENTS, None} or policy in permissions:
            continue
        with app.test_request_context():
            path = rule.build(arguments(world, rule))
        assert path is not None
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = browser.client.open(path[1], method=method)
            expected = {404} if actor != "anonymous" else {302} if method == "GET" else {401}
            if answer.status_code not in expected:
                wrong.append((actor, method, path[1], answer.status_code))
            if actor == "anonymous" and method == "GET" and "/sign-in?next=" not in answer.headers.get("Location", ""):
                wrong.append((actor, method, path[1], 0))
    assert wrong == []


@pytest.mark.parametrize("actor", [one for one in ACTORS if one != "anonymous"])
def test_who_holds_the_permission_is_let_in_and_nothing_breaks(app: Flask, world: World, actor: str) -> None:
    """Every page one may open answers without a fault; unsafe methods without a token are refused, not executed."""
    browser = world.browser(actor)
    permissions = frozenset().union(*(PERMISSIONS[role] for role in ROLES[actor]))
    wrong = []
    for rule in routes(app):
        policy = policy_of(app, rule.endpoint)
        if policy not in permissions:
            continue
        with app.test_request_context():
            path = rule.build(arguments(world, rule))
        assert path is not None
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if rule.endpoint == "accounts.sign_out" and method == "POST":
                continue
            answer = browser.client.open(path[1], method=method)
            if answer.status_code >= 500 or (method == "POST" and answer.status_code not in {400, 404}):
                wrong.append((actor, method, path[1], answer.status_code))
    assert wrong == []


def test_the_head_of_another_agency_finds_nothing_of_this_one(app: Flask, world: World) -> None:
    inside, outside = world.browser("head_inside"), world.browser("head_outside")
    reached, wrong = 0, []
    for rule in routes(app):
        if "unit_id" not in rule.arguments or not (policy_of(app, rule.endpoint) or "").startswith("unit:read"):
            continue
        with app.test_request_context():
            path = rule.build(arguments(world, rule))
        assert path is not None
        if "GET" not in (rule.methods or ()):
            continue
        reached += inside.client.get(path[1]).status_code == 200
        answer = outside.client.get(path[1])
        if answer.status_code != 404 or "Sở Y tế" in answer.text:
            wrong.append((path[1], answer.status_code))
    assert wrong == []
    assert reached > 0


def contents(app: Flask) -> dict[str, str]:
    """A digest of each table."""
    database: Database = app.extensions["database"]
    digests = {}
    with database.read_engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name in MAY_CHANGE_BY_READING:
                continue
            rows = sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            digests[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests


def test_reading_changes_nothing(app: Flask, world: World) -> None:
    before = contents(app)
    for actor in ACTORS:
        browser = world.browser(actor)
        for rule in routes(app):
            if not SAFE_METHODS & (rule.methods or set()):
                continue
            with app.test_request_context():
                path = rule.build(arguments(world, rule))
            assert path is not None
            browser.client.get(path[1])
            browser.client.head(path[1])
    assert contents(app) == before


def test_the_table_of_permissions_is_the_documented_one() -> None:
    assert PERMISSIONS["learner"] == {"course:study", "profile:own"}
    assert all(not permission.startswith(("person:", "course:assign", "module:")) for permission in PERMISSIONS["head"])
