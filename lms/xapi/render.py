"""Statements as they are sent out: the formats ids and canonical, and one language of each map.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lms.xapi.rules import IDENTIFIERS

Change = Callable[[dict[str, Any]], dict[str, Any]]
Choose = Callable[[Sequence[str]], str]


def page_json(bodies: Sequence[bytes], more: str) -> bytes:
    """A StatementResult (4.1.6.1 / Data 2.5); `more` is an address on this host, or nothing."""
    return b'{"statements":[%b],"more":"%b"}' % (b",".join(bodies), more.encode())


def activities_of(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every activity object of a statement, those of a contained one included."""
    target = document["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        yield target
    elif kind == "SubStatement":
        yield from activities_of(target)
    for activities in document.get("context", {}).get("contextActivities", {}).values():
        yield from activities


def canonical(document: dict[str, Any], definitions: Mapping[str, Mapping[str, Any]], choose: Choose) -> dict[str, Any]:
    """Activities with their canonical definition, and every language map with its most fitting language alone.

    An activity nobody entitled has defined keeps the definition of the statement. (4.1.6.1 / Comm 2.1.3)
    """
    for activity in activities_of(document):
        definition = definitions.get(activity["id"], activity.get("definition"))
        if definition is not None:
            activity["definition"] = in_one_language(definition, choose)
    for part in (document, document["object"]):
        if "display" in part.get("verb", {}):
            part["verb"]["display"] = chosen(part["verb"]["display"], choose)
    return document


def in_one_language(definition: Mapping[str, Any], choose: Choose) -> dict[str, Any]:
    """A definition whose names and descriptions speak one language each."""
    found = dict(definition)
    for name in ("name", "description"):
        if name in found:
            found[name] = chosen(found[name], choose)
    for name in ("choices", "scale", "source", "target", "steps"):
        if name in found:
            found[name] = [
                {**one, "description": chosen(one["description"], choose)} if "description" in one else one
                for one in found[name]
            ]
    return found


def chosen(texts: Mapping[str, str], choose: Choose) -> dict[str, str]:
    """The entry of a language map that fits best."""
    if len(texts) < 2:
        return dict(texts)
    tag = choose(list(texts))
    return {tag: texts[tag]}


def fitting(tags: Sequence[str], ranges: Sequence[tuple[str, float]]) -> str:
    """The language that a reader of these ranges and their qualities likes best; the first of those liked equally.

    Of what no range names, Vietnamese is the best, whatever else there is.
    """
    return max(tags, key=lambda tag: liking(tag.lower(), [(name.lower(), quality) for name, quality in ranges]))


def liking(tag: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """How much a reader likes a language, and how near it is to what was asked for.

    The longest range that is the tag or begins it decides (RFC 2616, 14.4). Without one, a range is cut from its end
    until it fits (RFC 4647, 3.4: who asks for vi-VN reads vi).
    """
    begun = [(len(name), quality) for name, quality in ranges if f"{tag}-".startswith(f"{name}-")]
    if begun:
        quality = max(begun)[1]
        return (quality, 3) if quality else (0.0, -1)
    if cut := max((quality for name, quality in ranges if name.startswith(f"{tag}-")), default=0.0):
        return cut, 2
    return dict(ranges).get("*", 0.0), int(f"{tag}-".startswith("vi-"))


def ids_only(document: dict[str, Any]) -> dict[str, Any]:
    """The least that still names every agent, activity, verb and group (4.1.6.1 / Comm 2.1.3)."""
    found = dict(document)
    for name in ("actor", "authority"):
        if name in found:
            found[name] = agent_id(found[name])
    found["verb"] = {"id": found["verb"]["id"]}
    found["object"] = object_id(found["object"])
    if "context" in found:
        found["context"] = context_ids(found["context"])
    return found


def object_id(target: dict[str, Any]) -> dict[str, Any]:
    """What names the object of a statement."""
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        return activity_id(target)
    if kind == "SubStatement":
        return ids_only(target)
    return agent_id(target) if kind in {"Agent", "Group"} else target


def context_ids(context: dict[str, Any]) -> dict[str, Any]:
    """A context whose agents, groups and activities are only named."""
    found = dict(context)
    for name in ("instructor", "team"):
        if name in found:
            found[name] = agent_id(found[name])
    for name, inner in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in found:
            found[name] = [{**one, inner: agent_id(one[inner])} for one in found[name]]
    if "contextActivities" in found:
        found["contextActivities"] = {
            name: [activity_id(one) for one in activities] for name, activities in found["contextActivities"].items()
        }
    return found


def activity_id(activity: Mapping[str, Any]) -> dict[str, Any]:
    """An activity by its id alone: an object without objectType is an activity."""
    return {"id": activity["id"]}


def agent_id(agent: Mapping[str, Any]) -> dict[str, Any]:
    """An agent or group by its identifier alone; a group without one by those of its members."""
    found = {name: agent[name] for name in ("objectType", *IDENTIFIERS) if name in agent}
    if not any(name in agent for name in IDENTIFIERS):
        found["member"] = [agent_id(one) for one in agent.get("member", ())]
    return found
