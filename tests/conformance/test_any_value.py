"""Whatever stands anywhere in a statement, it is taken or refused with its place, and never is a fault of the store."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lms.xapi.loader import read_statements
from lms.xapi.matching import same
from lms.xapi.parts import holding
from lms.xapi.render import activities_of, canonical, ids_only
from lms.xapi.rules import Malformed
from lms.xapi.statement import Source, arrival, definitions_given
from tests.conformance.cases import AGENT, FULL, GROUP, ID, INTERACTION, IRI, SUBSTATEMENT

ROLES = {
    "contextAgents": [{"objectType": "contextAgent", "agent": AGENT, "relevantTypes": [IRI]}],
    "contextGroups": [{"objectType": "contextGroup", "group": GROUP, "relevantTypes": [IRI]}],
}
PLAIN = {name: value for name, value in FULL["context"].items() if name not in {"revision", "platform"}}
WHOLE: dict[str, dict[str, Any]] = {
    "full": FULL,
    "with an interaction": {**FULL, "object": {"id": IRI, "definition": INTERACTION}},
    "with another inside": {**FULL, "context": PLAIN, "object": SUBSTATEMENT},
}
KINDS: list[Any] = ["Group", "Agent", "Activity", "SubStatement", ["Group"], {}, None, 1]
ODD: list[Any] = [
    *(None, True, False, 0, -0.0, 1, -1, 1.5, 10**30, -(10**400), 1e308, 5e-324),
    *("", " ", "\0", "vi", "\u202e", "e\u0302\u0323", "x:y", "a" * 3_000, ID.upper(), "mailto:a@b.vn", "P4W", "PT1,5S"),
    *("2026-03-01T08:30:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999-14:00", "Group", "StatementRef"),
    *([], {}, [[]], [{}], [None], {"": 1}, {"\0": "x"}, {"vi": "a", "VI": "b"}, {"x:y": None}, {"id": "x:y"}),
    *({"objectType": kind} for kind in KINDS),
    {"objectType": "Group", "member": []},
    {"objectType": "Group", "member": [GROUP]},
    {"objectType": "StatementRef", "id": ID},
    {"id": "x:y", "definition": {"name": {"vi": "\0"}, "extensions": {"x:y": [10**25, {"": None}]}}},
    AGENT,
    SUBSTATEMENT,
]
SOURCE = Source(client=1, authority=AGENT, counts=True, prefix=IRI, defines=True)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value within."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*at, name)
        yield from places(one, (*at, name))


def with_value(whole: dict[str, Any], way: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The same with this value in that place."""
    found = copy.deepcopy(whole)
    part: Any = found
    for name in way[:-1]:
        part = part[name]
    part[way[-1]] = value
    return found


def refused(body: bytes, *, two: bool) -> str:
    """Where it is wrong; nothing when it is taken: then all that follows from it follows, and it is what it was."""
    try:
        [(document, raw)], _ = read_statements(body, two=two)
    except Malformed as error:
        return error.path
    one = arrival(document, raw, SOURCE)
    kept = json.loads(one.json())
    assert same(document, kept)
    assert holding(one.json()).kinds.keys() == {"a" * 64}
    assert definitions_given([one]).keys() <= {activity["id"] for activity in activities_of(document)}
    for told in (ids_only(kept), canonical(kept, {}, lambda tags: tags[0])):
        json.dumps(told)
    return ""


@pytest.mark.parametrize("two", [False, True], ids=["1.0.3", "2.0.0"])
@pytest.mark.parametrize("name", WHOLE)
def test_any_value_in_any_place_is_taken_or_refused_with_its_place(name: str, two: bool) -> None:
    whole = copy.deepcopy(WHOLE[name])
    if two:
        whole["context"] |= ROLES
    assert not refused(json.dumps(whole).encode(), two=two)
    pairs = [(way, value) for way in places(whole) if "attachments" not in way for value in ODD]
    tried = pairs[:: len(ODD) // 4 - 1]  # other values in each place: all of them take half a minute
    wrong = [refused(json.dumps(with_value(whole, way, value)).encode(), two=two) for way, value in tried]
    assert len(wrong) > 250
    assert 0 < wrong.count("") < len(wrong)
    assert [place for place in wrong if place and not place.startswith("statement")] == []
