"""Every filter of the standard is answered by an index that carries the order too, on both databases."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Select, select

from lms.xapi import filters
from lms.xapi.filters import Asked
from lms.xapi.models import XapiBody, XapiStatement
from tests.make import Make
from tests.plans import plan_of

THEN = datetime(2026, 11, 1, tzinfo=UTC)
FILTERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "agent": {"agent": 1},
    "verb": {"verb": 1},
    "agent and verb": {"agent": 1, "verb": 1},
    "activity": {"activity": 1},
    "registration": {"registration": uuid.UUID(int=7)},
    "related agents": {"agent": 1, "related_agents": True, "authorities": (1,)},
    "related activities": {"activity": 1, "related_activities": True},
    "mine": {"client": 1},
    "mine, by verb": {"client": 1, "verb": 1},
    "all at once": {
        "agent": 1,
        "verb": 1,
        "activity": 1,
        "registration": uuid.UUID(int=7),
        "related_agents": True,
        "related_activities": True,
    },
}
PLACES: list[dict[str, Any]] = [
    {},
    {"ascending": True},
    {"after": 10},
    {"since": THEN},
    {"until": THEN},
    {"since": THEN, "until": THEN, "after": 10, "ascending": True},
]


def walks_the_table(plan: str) -> bool:
    """Whether statements are read one after the other in no order, or sorted after they were read."""
    lines = [line.strip() for line in plan.splitlines()]
    scans = any(line == "SCAN xapi_statement" or "Seq Scan on xapi_statement" in line for line in lines)
    return scans or any("USE TEMP B-TREE FOR ORDER BY" in line for line in lines)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_walks_an_index_in_order_and_stops_at_the_limit(make: Make, name: str) -> None:
    for place in PLACES:
        asked = Asked(**{**FILTERS[name], **place})
        for branch in filters.direct_branches(asked):
            plan = plan_of(make, filters.ordered(branch, asked, 51))
            # without any filter the table itself is walked, in its order
            assert not walks_the_table(plan) or name == "nothing", (place, plan)
            assert "Sort" not in plan or "sqlite" in make.database.url.drivername, (place, plan)


def test_the_references_are_walked_in_order_by_an_index_of_their_own(make: Make) -> None:
    for place in PLACES:
        references = select(XapiStatement.sequence, XapiStatement.target).where(XapiStatement.target.is_not(None))
        plan = plan_of(make, filters.ordered(references, Asked(**place), 51))
        assert not walks_the_table(plan), (place, plan)


def test_one_statement_its_body_and_what_is_about_it_are_found_by_keys(make: Make) -> None:
    some = [uuid.UUID(int=7), uuid.UUID(int=8)]
    found: list[Select[Any]] = [
        select(XapiStatement.sequence).where(XapiStatement.statement_id.in_(some)),
        select(XapiStatement.sequence).where(XapiStatement.target.in_(some)),
        select(XapiBody.body).where(XapiBody.sequence.in_([1, 2])),
    ]
    for query in found:
        plan = plan_of(make, query)
        assert "SEARCH" in plan or "Index" in plan, plan
        assert not walks_the_table(plan), plan
