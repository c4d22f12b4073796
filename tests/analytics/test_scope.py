"""Nothing of one agency reaches the head of another: canaries in every name, every route, every form of answer."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from lms import clock
from lms.accounts.models import Person, RoleGrant
from lms.organisation.models import Unit
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.browser import Browser
from tests.kept import kept
from tests.make import Make

CANARY = "Hoàng Yến Số"
POSTED = {"purpose": "urge", "q": CANARY, "state": "overdue"}


@dataclass
class Agencies:
    """Two agencies side by side; everything about the first carries the canary."""

    first: Unit
    below_first: Unit
    second: Unit
    head_of_second: Person
    head_of_first: Person


@pytest.fixture
def agencies(make: Make, tmp_path: Path) -> Agencies:
    return kept(make, tmp_path, two_agencies)


def two_agencies(make: Make, folder: Path) -> Agencies:
    course_id = course_loaded(make, folder)
    root = make.unit(f"{CANARY} Tỉnh")
    first = make.unit(f"{CANARY} Sở", under=root, code="HOANG-YEN")
    below_first = make.unit(f"{CANARY} Phòng", under=first)
    second = make.unit("Sở Nội vụ", under=root)
    assigned(make, course_id, root, due_in=timedelta(days=-1))
    for unit in (first, below_first):
        names = [f"{CANARY} {number}" for number in range(5)]
        staffed(make, course_id, unit, Staff(completed=1, briefed=1, begun=1, not_begun=2), names=names)
    staffed(make, course_id, second, Staff(completed=1, not_begun=1))
    return Agencies(
        first,
        below_first,
        second,
        make.person("Trưởng Hai", role="head", over=second),
        make.person("Trưởng Một", role="head", over=first),
    )


def answers(app: Flask, browser: Browser, unit: Unit) -> list[tuple[str, TestResponse]]:
    """The answer of every route of the dashboard with that unit's id, however it is asked."""
    found = []
    browser.get("/dashboard/")
    token = dict(browser.form("/sign-out").fields)["csrf_token"]
    own = browser.path
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("dashboard."):
            continue
        with app.test_request_context():
            built = rule.build(dict.fromkeys(rule.arguments, unit.public_id))
        assert built is not None
        for query in ("", "?briefing=demo&state=overdue&page=1", f"?unit_id={unit.public_id}&unit={unit.public_id}"):
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                data = {**POSTED, "unit_id": str(unit.public_id), "csrf_token": token} if method == "POST" else None
                for accept in ("text/html", "application/json"):
                    headers = {"Origin": "http://localhost", "Accept": accept}
                    path = built[1] + query
                    answer = browser.client.open(
                        path, method=method, data=data, headers=headers, follow_redirects=not rule.arguments
                    )
                    found.append((f"{method} {path}", answer))
    # one's own pages with the other's id among the parameters
    for query in (
        f"?unit_id={unit.public_id}",
        f"?briefing={unit.public_id}",
        f"?unit={unit.public_id}&q={unit.public_id}",
    ):
        found.append((own + query, browser.get(own + query)))
    return found


def test_the_head_of_another_agency_finds_no_trace_of_this_one(app: Flask, make: Make, agencies: Agencies) -> None:
    browser = make.browser(agencies.head_of_second)
    for unit in (agencies.first, agencies.below_first):
        asked = answers(app, browser, unit)
        assert len(asked) > 40
        for where, answer in asked:
            said = answer.get_data(as_text=True) + str(answer.headers)
            assert CANARY not in said, where
            assert "HOANG-YEN" not in said, where
            assert "Ho\\u00e0ng" not in said, where
            if str(unit.public_id) in where.split("?")[0]:
                assert answer.status_code == 404, where


def test_the_walk_finds_the_canaries_when_it_may(app: Flask, make: Make, agencies: Agencies) -> None:
    """The walk above can fail: the agency's own head meets the canary on every page."""
    browser = make.browser(agencies.head_of_first)
    met = {
        where.split("?")[0].rsplit("/", 1)[-1]
        for where, answer in answers(app, browser, agencies.first)
        if CANARY in answer.get_data(as_text=True) or "Ho\\u00e0ng Y\\u1ebfn" in answer.get_data(as_text=True)
    }
    unit = str(agencies.first.public_id)
    assert {unit, f"{unit}.json", f"{unit}.csv", "missing"} <= met


def test_a_page_that_is_absent_and_one_that_is_forbidden_look_the_same(make: Make, agencies: Agencies) -> None:
    browser = make.browser(agencies.head_of_second)
    forbidden = browser.get(f"/dashboard/units/{agencies.first.public_id}")
    absent = browser.get("/dashboard/units/00000000-0000-4000-8000-000000000000")
    assert forbidden.status_code == absent.status_code == 404
    assert without_token(forbidden) == without_token(absent)


def without_token(answer: TestResponse) -> str:
    """The page without the forms of its header, whose tokens and address differ at every request."""
    lines = [line for line in answer.text.splitlines() if "csrf_token" not in line]
    return "\n".join(lines)


def test_what_stands_above_or_beside_ones_own_unit_is_not_there(make: Make, agencies: Agencies) -> None:
    browser = make.browser(agencies.head_of_first)
    assert browser.get(f"/dashboard/units/{agencies.below_first.public_id}").status_code == 200
    assert browser.get(f"/dashboard/units/{agencies.second.public_id}").status_code == 404


def test_a_head_moved_yesterday_has_lost_the_unit_with_the_session_still_open(make: Make, agencies: Agencies) -> None:
    browser = make.browser(agencies.head_of_first)
    for path in ("", "/missing", ".json", ".csv"):
        assert browser.get(f"/dashboard/units/{agencies.first.public_id}{path}").status_code == 200
    with make.writing() as session:
        session.execute(
            update(RoleGrant)
            .where(RoleGrant.person_id == agencies.head_of_first.id)
            .values(valid_to=clock.today(), unit_id=agencies.first.id)
        )
    for path in ("", "/missing", ".json", ".csv"):
        answer = browser.get(f"/dashboard/units/{agencies.first.public_id}{path}")
        assert answer.status_code == 404
        assert CANARY not in answer.text
    assert browser.get("/dashboard/").status_code == 404
