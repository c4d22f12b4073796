"""Statements about statements: a filter finds them wherever references lead, by each of the ways it may take."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lms.xapi import filters
from lms.xapi.queries import verb_ids
from tests.make import Make
from tests.store import VERBS, Outsider, new_id, statement

VERB = f"{VERBS}passed"
WAYS = {"from the few that match": (500, 500), "along the references": (0, 2), "both": (2, 3)}


@pytest.fixture
def outsider(make: Make) -> Outsider:
    return Outsider(make, "all")


# Each statement: whether it matches by itself, and which of its batch it is about (None: an activity).
histories = st.lists(st.tuples(st.booleans(), st.none() | st.integers(0, 9)), min_size=1, max_size=10)


def told(history: list[tuple[bool, int | None]], ids: list[str], verb: str) -> list[dict[str, Any]]:
    """The statements of a history, this verb in those that match; a reference to none points at one that never came."""
    found = []
    for (matches, target), own in zip(history, ids, strict=True):
        changes: dict[str, Any] = {"id": own, "verb": {"id": verb if matches else f"{VERBS}failed"}}
        if target is not None:
            about = ids[target] if target < len(ids) else new_id()
            changes["object"] = {"objectType": "StatementRef", "id": about}
        found.append(statement(**changes))
    return found


def expected(sent: list[dict[str, Any]], verb: str) -> list[str]:
    """Those with this verb, and those from which references lead to one that has it."""
    by_id = {one["id"]: one for one in sent}

    def leads(one: dict[str, Any] | None, passed: frozenset[str]) -> bool:
        if one is None or one["id"] in passed:
            return False
        further = by_id.get(one["object"]["id"]) if one["object"].get("objectType") == "StatementRef" else None
        return one["verb"]["id"] == verb or leads(further, passed | {one["id"]})

    return [one["id"] for one in sent if leads(one, frozenset())]


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, limit=st.integers(1, 12))
def test_references_are_followed_however_many_lie_between(
    outsider: Outsider, way: str, history: list[tuple[bool, int | None]], limit: int
) -> None:
    few, at_once = filters.FEW, filters.AT_ONCE
    filters.FEW, filters.AT_ONCE = WAYS[way]
    try:
        verb = f"{VERB}/{new_id()}"  # what was sent before is not read again
        sent = told(history, [new_id() for _ in history], verb)
        assert outsider.post(sent).status_code == 200
        right = expected(sent, verb)
        for ascending in ("true", "false"):
            found = outsider.ids(verb=verb, limit=str(limit), ascending=ascending)
            assert found == (right if ascending == "true" else right[::-1])
    finally:
        filters.FEW, filters.AT_ONCE = few, at_once


def test_a_page_that_is_full_looks_no_further_back_than_its_end(make: Make, outsider: Outsider) -> None:
    old = new_id()
    outsider.post([statement(id=old), statement(object={"objectType": "StatementRef", "id": old})])
    outsider.post([statement(verb={"id": VERB}) for _ in range(5)])
    with make.reading() as session:
        asked = filters.Asked(verb=verb_ids(session, [f"{VERBS}completed"])[f"{VERBS}completed"], limit=2)
        assert filters.heads_looked_through(session, asked, 3, last=None) == [2]
        assert filters.heads_looked_through(session, asked, 3, last=5) == []
