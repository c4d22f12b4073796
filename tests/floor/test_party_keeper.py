"""Whoever keeps a Party organisation alone finds no list, reflection or roll of the state tree, on both databases."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms.organisation.actions import create_unit
from lms.organisation.models import PARTY_TREE
from tests.floor.test_canaries import make_keeper
from tests.floor.test_policies import names_of_others, names_on, policies, walked
from tests.floor.walk import FILE, Walk, every_rule
from tests.kept import kept
from tests.make import LONG_AGO, Make

WHERE_PEOPLE_STAND = {"reflection:read", "roll:read", "roll:decide", "person:create", "person:read"}
"""Held over units: what is read by them is composed otherwise for whoever holds them over none of the state tree."""


@pytest.fixture
def walk(make: Make, tmp_path: Path) -> Walk:
    return replace(kept(make, tmp_path, walked), file=str(tmp_path / FILE))


def shown(app: Flask, walk: Walk, actor: str) -> tuple[int, set[str]]:
    """How many of these pages open for somebody, and where on them names of others stand."""
    browser, declared = walk.world.browser(actor), policies(app)
    names, opened, named = names_of_others(app, browser), 0, set[str]()
    for rule in every_rule(app):
        if declared[rule.endpoint] in WHERE_PEOPLE_STAND and "GET" in (rule.methods or ()):
            answer = browser.client.get(walk.path(rule, actor))
            opened += answer.status_code == 200
            if names_on(answer, names):
                named.add(rule.endpoint)
    return opened, named


def test_who_keeps_a_party_organisation_alone_meets_no_name_of_the_state_tree(app: Flask, walk: Walk) -> None:
    with walk.world.make.writing() as session:
        what: dict[str, Any] = {"kind": "party_body", "parent": None, "since": LONG_AGO, "tree": PARTY_TREE}
        cell = create_unit(session, code="cb", name="Chi bộ", **what)
        session.flush()  # its id is wanted
        walk.world.people["party_keeper"] = make_keeper(session, cell)
    opened, named = shown(app, walk, "party_keeper")
    assert opened > 3
    assert named == set()
    assert shown(app, walk, "unit_administrator_inside")[1] >= {"reading.index", "reading.show", "rolls.roll"}
