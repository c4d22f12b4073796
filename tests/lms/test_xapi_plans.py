"""Every filter of the standard is answered by an index that carries the order too, on both databases."""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, insert, select, text

from lms.clock import now
from lms.xapi import filters
from lms.xapi.models import (
    XapiActivity,
    XapiAgent,
    XapiBody,
    XapiClient,
    XapiStatement,
    XapiStatementActivity,
    XapiStatementAgent,
    XapiVerb,
)
from lms.xapi.queries import Asked
from tests.make import Make
from tests.plans import STEP, plan_of, walked

THEN = datetime(2026, 11, 1, tzinfo=UTC)
REGISTRATION = uuid.UUID(int=7)
ACTOR, ACTOR_VERB, VERB = "ix_xapi_statement_actor", "ix_xapi_statement_actor_verb", "ix_xapi_statement_verb"
ACTIVITY, ACTIVITY_VERB = "ix_xapi_statement_activity", "ix_xapi_statement_activity_verb"
CLIENT, GROUPED = "ix_xapi_statement_client", "ix_xapi_statement_registration"
NAMED, ABOUT, TABLE = "pk_xapi_statement_agent", "pk_xapi_statement_activity", "pk_xapi_statement"
AGENT: dict[str, Any] = {"agent": 1}
DID: dict[str, Any] = {"verb": 1}
WHAT: dict[str, Any] = {"activity": 1}
WHEN: dict[str, Any] = {"registration": REGISTRATION}
MINE: dict[str, Any] = {"client": 1}
ALL_AGENTS: dict[str, Any] = {**AGENT, "related_agents": True, "authorities": (1,)}
OUR_AGENTS: dict[str, Any] = {**AGENT, "related_agents": True, "authorities": (None,)}
ALL_ACTIVITIES: dict[str, Any] = {**WHAT, "related_activities": True}
# Which index each branch of a filter walks (decision 0027). SQLite has none for verb and activity.
FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, [TABLE]),
    (AGENT, [ACTOR, NAMED]),
    (DID, [VERB]),
    (WHAT, [ACTIVITY]),
    (WHEN, [GROUPED]),
    (MINE, [CLIENT]),
    (ALL_AGENTS, [ACTOR, NAMED, NAMED, CLIENT]),
    (ALL_AGENTS | MINE, [ACTOR, NAMED, NAMED, CLIENT]),
    (ALL_AGENTS | {"client": 2}, [ACTOR, NAMED, NAMED]),
    (ALL_ACTIVITIES, [ACTIVITY, ABOUT]),
    (AGENT | DID, [ACTOR_VERB, NAMED]),
    (AGENT | WHAT, [ACTOR, NAMED]),
    (AGENT | WHEN, [GROUPED, GROUPED]),
    (AGENT | MINE, [ACTOR, NAMED]),
    (DID | WHAT, [ACTIVITY_VERB]),
    (DID | WHEN, [GROUPED]),
    (DID | MINE, [CLIENT]),
    (WHAT | WHEN, [GROUPED]),
    (WHAT | MINE, [ACTIVITY]),
    (WHEN | MINE, [GROUPED]),
    (AGENT | DID | WHAT, [ACTOR_VERB, NAMED]),
    (ALL_ACTIVITIES | DID, [ACTIVITY_VERB, ABOUT]),
    (ALL_ACTIVITIES | AGENT, [ACTOR, ACTOR, NAMED, NAMED]),
    (ALL_AGENTS | DID, [ACTOR_VERB, NAMED, NAMED, CLIENT]),
    (ALL_AGENTS | ALL_ACTIVITIES | WHEN, [GROUPED] * 8),
]
PLACES: list[dict[str, Any]] = [
    {},
    {"ascending": True},
    {"after": 10},
    {"since": THEN},
    {"until": THEN},
    {"since": THEN, "until": THEN, "after": 10, "ascending": True},
]


def test_each_filter_walks_its_own_index_in_order_and_stops_at_the_limit(make: Make, backend: str) -> None:
    fill(make)
    for asks, expected in FILTERS:
        right = [ACTIVITY if backend == "sqlite" and one == ACTIVITY_VERB else one for one in expected]
        for place in PLACES:
            asked = Asked(**{**asks, **place})
            plans = [plan_of(make, filters.ordered(one, asked, 51)) for one in filters.direct_branches(asked)]
            assert [walked(plan) for plan in plans] == right, (asked, plans)


LONG_WALKS: list[tuple[dict[str, Any], list[str]]] = [
    (DID | MINE, [CLIENT]),
    (WHAT | MINE, [ACTIVITY]),
    (ALL_ACTIVITIES | DID, [ACTIVITY, ABOUT]),
    (ALL_AGENTS | DID, [CLIENT, NAMED]),
    (ALL_AGENTS | WHAT, [ACTIVITY, NAMED]),
    (ALL_AGENTS | MINE, [CLIENT, NAMED]),
    (OUR_AGENTS, [TABLE]),
    (OUR_AGENTS | DID, [VERB, NAMED]),
]


def test_how_far_a_long_walk_goes_is_read_in_the_index_alone(make: Make, backend: str) -> None:
    fill(make)
    for asks, expected in LONG_WALKS:
        for place in PLACES:
            asked = Asked(**{**asks, **place})
            assert filters.passes_over(asked, on_postgresql=backend == "postgresql")
            plan = plan_of(make, filters.ends(asked, 100))
            found = [index or mine or f"pk_{table}" for table, index, mine in STEP.findall(plan)]
            assert {one for one in found if "stored" not in one and "anon" not in one} == {*expected}, (asked, plan)
            assert "Seq Scan" not in plan
    for asks in (AGENT | DID, AGENT | WHAT, DID, WHAT, MINE, WHAT | WHEN, AGENT | MINE):
        assert not filters.passes_over(Asked(**asks), on_postgresql=False)
    assert filters.passes_over(Asked(**DID | WHAT), on_postgresql=backend == "postgresql") == (backend == "sqlite")


def test_the_references_are_walked_in_order_by_an_index_of_their_own(make: Make) -> None:
    fill(make)
    for place in PLACES:
        for last in (None, 20):
            assert walked(plan_of(make, filters.references(Asked(**place), last))) == "ix_xapi_statement_reference"


def fill(make: Make) -> None:
    """Statements enough for PostgreSQL to know what is frequent: 200 people, 10 verbs, 50 activities, two systems."""
    with make.writing() as session:
        session.execute(insert(XapiAgent), [{"digest": bytes([n]) * 32, "identifier": {}} for n in range(200)])
        session.execute(insert(XapiVerb), [{"iri": f"x:verb-{n}"} for n in range(10)])
        session.execute(insert(XapiActivity), [{"iri": f"x:activity-{n}", "definition": None} for n in range(50)])
        for n in range(2):
            client = {"key": str(n), "secret_digest": b"0" * 32, "name": "x", "scopes": [], "created_at": now()}
            session.execute(insert(XapiClient), [client])
        rows = [
            {
                "statement_id": uuid.uuid4(),
                "actor_id": 1 + n * 7 % 200,
                "verb_id": 1 + n * 3 % 10,
                "activity_id": 1 + n * 11 % 50,
                "registration": uuid.UUID(int=n * 7 % 200) if n % 2 else None,
                "timestamp": THEN,
                "stored": THEN.replace(microsecond=n),
                "client_id": 1 + n % 2,
                "counts": True,
                "digest": b"0" * 32,
            }
            for n in range(6_000)
        ]
        session.execute(insert(XapiStatement), rows)
        numbers = list(session.scalars(select(XapiStatement.sequence)))
        named = [{"agent_id": 1 + n * 3 % 200, "direct": n % 2 == 0, "sequence": n} for n in numbers]
        session.execute(insert(XapiStatementAgent), named)
        session.execute(insert(XapiStatementActivity), [{"activity_id": 1 + n % 50, "sequence": n} for n in numbers])
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("ANALYZE xapi_statement, xapi_statement_agent, xapi_statement_activity"))


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
