"""Statements about statements: a filter finds them wherever references lead, by each of the ways it may take."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lms.xapi import filters
from lms.xapi.queries import Asked, verb_ids
from lms.xapi.vocabulary import VOIDED
from tests.counting import count_queries
from tests.make import Make
from tests.store import VERBS, Outsider, new_id, statement

VERB = f"{VERBS}passed"
WAYS = {
    "from the few that match": (500, 500, 4),
    "along the references": (0, 2, 4),
    "both": (2, 3, 4),
    "a few for each page": (0, 2, 1),
}


@pytest.fixture
def outsider(make: Make) -> Outsider:
    return Outsider(make, "all")


@pytest.fixture
def pair(make: Make) -> tuple[Outsider, Outsider]:
    """Who reads only its own, and who reads everything."""
    return Outsider(make, "statements/write", "statements/read/mine"), Outsider(make, "all")


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
    usual = filters.FEW, filters.AT_ONCE, filters.ROUNDS
    filters.FEW, filters.AT_ONCE, filters.ROUNDS = WAYS[way]
    filters.prepared.cache_clear()  # what was composed with other bounds
    try:
        verb = f"{VERB}/{new_id()}"  # what was sent before is not read again
        sent = told(history, [new_id() for _ in history], verb)
        assert outsider.post(sent).status_code == 200
        right = expected(sent, verb)
        for ascending in ("true", "false"):
            found = outsider.ids(verb=verb, limit=str(limit), ascending=ascending)
            assert found == (right if ascending == "true" else right[::-1])
    finally:
        filters.FEW, filters.AT_ONCE, filters.ROUNDS = usual
        filters.prepared.cache_clear()


def test_a_page_that_is_full_looks_no_further_back_than_its_end(make: Make, outsider: Outsider) -> None:
    old = new_id()
    outsider.post([statement(id=old), statement(object={"objectType": "StatementRef", "id": old})])
    outsider.post([statement(verb={"id": VERB}) for _ in range(5)])
    with make.reading() as session:
        asked = Asked(verb=verb_ids(session, [f"{VERBS}completed"])[f"{VERBS}completed"], limit=2)
        assert filters.heads_looked_through(session, asked, 3, last=None) == ([2], None)
        assert filters.heads_looked_through(session, asked, 3, last=5) == ([], None)


@pytest.fixture
def small_bounds() -> Iterator[None]:
    """Few statements are many here: each way is left for the other soon. What was composed with others is forgotten."""
    few, at_once = filters.FEW, filters.AT_ONCE
    filters.FEW, filters.AT_ONCE = 2, 3
    filters.prepared.cache_clear()
    yield
    filters.FEW, filters.AT_ONCE = few, at_once
    filters.prepared.cache_clear()


def test_a_page_costs_the_same_however_many_references_lie_beyond_it(
    make: Make, outsider: Outsider, small_bounds: None
) -> None:
    mine = Outsider(make, "statements/write", "statements/read/mine")
    ids = [new_id() for _ in range(5)]
    for one in (outsider, mine):
        one.post([statement(id=new_id()), *(statement(verb={"id": VERB}) for _ in range(4))])
    outsider.post([statement(id=own) for own in ids])
    costs = []
    for number in (30, 300):
        outsider.post([referring(new_id(), ids[one % 5]) for one in range(number)])
        for reader, found in ((outsider, 8), (mine, 4)):
            with count_queries(make.app) as counted:
                page = reader.get(verb=VERB, limit="20").get_json()
            costs.append(sum("xapi_statement" in one for one in counted.statements))
            assert page["more"], "it ends where the looking ended"
            assert len(reader.ids(verb=VERB, limit="20")) == found
    assert costs[:2] == costs[2:]


def test_who_reads_only_its_own_loses_none_of_it_however_much_others_store(make: Make, small_bounds: None) -> None:
    mine, other = Outsider(make, "statements/write", "statements/read/mine"), Outsider(make, "all")
    other.post([statement() for _ in range(8)])
    first, about, old = (new_id() for _ in range(3))
    mine.post([statement(id=first), referring(about, first)])
    other.post([statement(), statement(id=old, verb={"id": VERB})])
    [last] = mine.post(statement()).get_json()
    for page in ("1", "2", "10"):
        assert mine.ids(verb=f"{VERBS}completed", limit=page, ascending="true") == [first, about, last]
        assert mine.ids(verb=f"{VERBS}completed", limit=page) == [last, about, first]


BAI, CHA = "https://example.vn/bai-1", "https://example.vn/cha"
TEACHER = {"mbox": "mailto:thay@example.vn"}
WITHIN = {"contextActivities": {"parent": [{"id": CHA}]}, "instructor": TEACHER}


def saying(kept: dict[str, dict[str, Any]], asked: set[str]) -> list[str]:
    """Those that name all of this, and those from which references lead to one that does."""

    def fits(one: dict[str, Any] | None) -> bool:
        if one is None:
            return False
        said = {one["verb"]["id"], one["object"]["id"], *([CHA] if "context" in one else [])}
        return asked <= said or fits(kept.get(one["object"]["id"]))

    return [own for own, one in kept.items() if fits(one)]


@pytest.fixture
def short_walks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page passes over four statements at most, and looks through few references."""
    monkeypatch.setattr(filters, "WALKED", 4)
    monkeypatch.setattr(filters, "FEW", 3)
    monkeypatch.setattr(filters, "AT_ONCE", 2)


def test_a_page_passes_over_so_many_and_no_more_and_its_pages_together_hold_everything(
    make: Make, short_walks: None
) -> None:
    """What one client brought, or what is about one activity, with something else asked beside (decision 0027)."""
    filters.prepared.cache_clear()
    mine = Outsider(make, "statements/write", "statements/read/mine")
    everybody = Outsider(make, "all")
    sent: dict[str, dict[str, Any]] = {}
    for number in range(26):
        own = new_id()
        one = statement(id=own, verb={"id": VERB if number in {2, 3, 17, 18} else f"{VERBS}failed"})
        if number % 3 == 1:
            one = one | {"object": {"id": f"{BAI}/b"}, "context": WITHIN}
        if number in {9, 24}:
            one = referring(own, [*sent][3 if number == 9 else 20])
        (everybody if number % 5 == 4 else mine).post([one])
        sent[own] = one
    others = [own for number, own in enumerate(sent) if number % 5 == 4]

    own_ones = {own: one for own, one in sent.items() if own not in others}
    for reader, kept in ((mine, own_ones), (everybody, sent)):
        for query, asked in (
            ({"verb": VERB}, (VERB,)),
            ({"activity": BAI}, (BAI,)),
            ({"activity": BAI, "verb": VERB}, (BAI, VERB)),
            ({"activity": CHA, "verb": VERB, "related_activities": "true"}, (CHA, VERB)),
            ({"activity": CHA, "related_activities": "true"}, (CHA,)),
            ({"agent": json.dumps(TEACHER), "verb": VERB, "related_agents": "true"}, (CHA, VERB)),
            ({"agent": json.dumps(TEACHER), "activity": f"{BAI}/b", "related_agents": "true"}, (CHA, f"{BAI}/b")),
        ):
            for ascending in ("true", "false"):
                expected = saying(kept, {*asked})
                for limit in ("2", "50"):
                    found = reader.ids(**query, ascending=ascending, limit=limit)
                    assert found == (expected if ascending == "true" else expected[::-1]), (query, limit, ascending)
    first = mine.get(verb=VERB, limit="1").get_json()
    assert first["statements"] == []
    assert first["more"]
    filters.prepared.cache_clear()


def referring(own: str, about: str) -> dict[str, Any]:
    """A statement about another, in words of its own."""
    return statement(id=own, verb={"id": f"{VERBS}failed"}, object={"objectType": "StatementRef", "id": about})


def test_what_a_statement_of_another_is_about_is_not_learned_through_it(make: Make, small_bounds: None) -> None:
    mine, other = Outsider(make, "statements/write", "statements/read/mine"), Outsider(make, "all")
    between, about, own = (new_id() for _ in range(3))
    mine.post(statement(id=own))
    other.post(referring(between, own))
    mine.post(referring(about, between))
    for few in (2, 0):  # from what matches backwards, and along the references
        filters.FEW = few
        filters.prepared.cache_clear()
        assert mine.ids(verb=f"{VERBS}completed") == [own]
        assert other.ids(verb=f"{VERBS}completed") == [about, between, own]


# Each statement: whether it matches by itself, which of its batch it is about, and whether the client brought it.
shared_histories = st.lists(
    st.tuples(st.booleans(), st.none() | st.integers(0, 11), st.booleans()), min_size=4, max_size=12
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=shared_histories, voided=st.sets(st.integers(0, 3), max_size=2), limit=st.integers(1, 13))
def test_both_ways_find_the_same_of_what_is_ones_own_whatever_is_voided(
    pair: tuple[Outsider, Outsider],
    small_bounds: None,
    history: list[tuple[bool, int | None, bool]],
    voided: set[int],
    limit: int,
) -> None:
    mine, other = pair
    verb, ids = f"{VERB}/{new_id()}", [new_id() for _ in history]
    sent = told([(matches, target) for matches, target, _ in history], ids, verb)
    for one, (_, _, own) in zip(sent, history, strict=True):
        assert (mine if own else other).post(one).status_code == 200
    for number in voided:
        void = referring(new_id(), ids[number]) | {"verb": {"id": VOIDED}}
        assert (mine if history[number][2] else other).post(void).status_code == 200
    gone = {ids[number] for number in voided}
    everything = expected(sent, verb)
    owned = expected([one for one, (_, _, own) in zip(sent, history, strict=True) if own], verb)
    for client, right in ((mine, owned), (other, everything)):
        left = [one for one in right if one not in gone]
        found = [one for one in client.ids(verb=verb, limit=str(limit), ascending="true") if one in ids]
        assert found == left
        assert [one for one in client.ids(verb=verb, limit=str(limit)) if one in ids] == left[::-1]
