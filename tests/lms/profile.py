"""Judges statements by an xAPI profile: the part of https://w3id.org/xapi/profiles that our profile uses."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

STEP = re.compile(r"\.(\w+)|\[(\*)\]")


def found_at(location: str, value: Any) -> list[Any]:
    """What a JSONPath of names and [*] finds."""
    assert re.fullmatch(r"\$(\.\w+|\[\*\])*", location), location
    values = [value]
    for name, star in STEP.findall(location):
        if star:
            values = [one for list_ in values if isinstance(list_, list) for one in list_]
        else:
            values = [one[name] for one in values if isinstance(one, Mapping) and name in one]
    return values


def templates_of(profile: Mapping[str, Any], statement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The templates whose determining properties a statement has."""
    kind = statement["object"].get("definition", {}).get("type")
    return [
        one
        for one in profile["templates"]
        if one["verb"] == statement["verb"]["id"] and one["objectActivityType"] == kind
    ]


def broken_rules(template: Mapping[str, Any], statement: Mapping[str, Any]) -> Iterator[str]:
    """Each rule of the template that the statement does not keep."""
    for rule in template["rules"]:
        values = found_at(rule["location"], statement)
        if rule.get("presence") == "included" and not values:
            yield f"{rule['location']} is missing"
        if rule.get("presence") == "excluded" and values:
            yield f"{rule['location']} must not be there"
        if values and "any" in rule and not any(one in rule["any"] for one in values):
            yield f"{rule['location']} is {values}, expected one of {rule['any']}"


def faults(profile: Mapping[str, Any], statement: Mapping[str, Any]) -> list[str]:
    """What is wrong with a statement by the profile: it fits one template, and keeps every rule of it."""
    said = f"{statement['verb']['id']} of {statement['object']['id']}"
    templates = templates_of(profile, statement)
    if len(templates) != 1:
        return [f"{said}: {len(templates)} templates know it"]
    return [f"{said}: {one}" for one in broken_rules(templates[0], statement)]


def follows(profile: Mapping[str, Any], pattern: str, names: Sequence[str]) -> bool:
    """Whether statements, each named by its template, are exactly what a pattern allows."""
    return len(names) in ends(profile, pattern, names, 0)


def ends(profile: Mapping[str, Any], iri: str, names: Sequence[str], start: int) -> set[int]:
    """Where a match of this pattern or template that begins at `start` may end."""
    patterns = {one["id"]: one for one in profile["patterns"]}
    if iri not in patterns:
        return {start + 1} if start < len(names) and names[start] == iri else set()
    one = patterns[iri]
    if "alternates" in one:
        return set().union(*(ends(profile, part, names, start) for part in one["alternates"]))
    if "optional" in one:
        return {start} | ends(profile, one["optional"], names, start)
    if "sequence" in one:
        reached = {start}
        for part in one["sequence"]:
            reached = set().union(*(ends(profile, part, names, place) for place in reached))
        return reached
    reached, fresh = {start}, {start}
    while fresh:
        fresh = set().union(*(ends(profile, one["zeroOrMore"], names, place) for place in fresh)) - reached
        reached |= fresh
    return reached
