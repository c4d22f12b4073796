"""Whether a statement keeps the rules of the standard: tables of properties over plain values.

Sections are those of IEEE 9274.1.1 (xAPI 2.0), then, after a slash, of xAPI 1.0.3 (Data = part two).
"""

import re
from collections.abc import Mapping
from typing import Any

from lms.xapi.rules import (
    IDENTIFIERS,
    Check,
    Malformed,
    check_duration,
    check_iri,
    check_language,
    check_mailto,
    check_media_type,
    check_number,
    check_octets,
    check_sha1,
    check_sha2,
    check_text,
    check_timestamp,
    check_timestamp_1,
    check_truth,
    check_uuid,
    known_language,
    matching,
    one_of,
    recurring,
    shown,
)
from lms.xapi.vocabulary import VOIDED


def thing(properties: Mapping[str, Check], *, required: tuple[str, ...] = (), also: Check | None = None) -> Check:
    """An object with these properties and no others (4.2.1 / Data 2.2); null is no value of any of them.

    `also` checks what holds between its properties.
    """
    find = properties.get

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise Malformed(path, f"expected an object, got {shown(value)}")
        for key, one in value.items():
            known = find(key)
            if known is None:
                raise Malformed(path, f"{shown(key)} is no property known here")
            known(one, path and f"{path}.{key}")
        for key in required:
            if key not in value:
                raise Malformed(path, f"{key} is missing")
        if also is not None:
            also(value, path)

    return check


def list_of(check: Check, *, least: int = 0) -> Check:
    """A list whose members all pass."""

    def check_list(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise Malformed(path, f"expected a list, got {shown(value)}")
        if len(value) < least:
            raise Malformed(path, f"expected at least {least} in the list")
        for number, one in enumerate(value):
            check(one, path and f"{path}[{number}]")

    return check_list


# 4.2.7 / Data 4.2, 4.1: language maps and extensions


def check_language_map(value: Any, path: str) -> None:
    """Language tags, each with a string."""
    if not isinstance(value, dict):
        raise Malformed(path, f"expected a language map, got {shown(value)}")
    for tag, text in value.items():
        if not known_language(tag):
            check_language(tag, path)
        if not isinstance(text, str):
            raise Malformed(f"{path}.{tag}", f"expected a string, got {shown(text)}")


def check_extensions(value: Any, path: str) -> None:
    """IRIs, each with any JSON value whatever, null included."""
    if not isinstance(value, dict):
        raise Malformed(path, f"expected an object of extensions, got {shown(value)}")
    for key in value:
        check_iri(key, f"{path} (key)")


# 4.2.2.1 / Data 2.4.2: agents and groups

check_account = thing({"homePage": check_iri, "name": check_text}, required=("homePage", "name"))
IDENTIFIED: dict[str, Check] = {
    "name": check_text,
    "mbox": check_mailto,
    "mbox_sha1sum": check_sha1,
    "openid": check_iri,
    "account": check_account,
}


KNOWN_BY = frozenset(IDENTIFIERS)


def check_one_identifier(value: Any, path: str) -> None:
    """An agent is known by exactly one inverse functional identifier (4.2.2.1 / Data 2.4.2.1)."""
    count = len(KNOWN_BY & value.keys())
    if count != 1:
        raise Malformed(path, f"expected exactly one of {', '.join(IDENTIFIERS)}; found {count}")


def check_group_identity(value: Any, path: str) -> None:
    """A group has at most one identifier; without one it lists its members (4.2.2.1 / Data 2.4.2.2)."""
    if any(name in value for name in IDENTIFIERS):
        check_one_identifier(value, path)
    elif "member" not in value:
        raise Malformed(path, "a group without identifier must list its member")


check_agent = thing({"objectType": one_of("Agent"), **IDENTIFIED}, also=check_one_identifier)
check_group = thing(
    {"objectType": one_of("Group"), "member": list_of(check_agent), **IDENTIFIED},
    required=("objectType",),
    also=check_group_identity,
)


def check_actor(value: Any, path: str) -> None:
    """An agent or a group."""
    grouped = isinstance(value, dict) and value.get("objectType") == "Group"
    (check_group if grouped else check_agent)(value, path)


def check_authority(value: Any, path: str) -> None:
    """An agent, or the group of two agents of three-legged OAuth (4.2.4.2 / Data 2.4.9)."""
    check_actor(value, path)
    if value.get("objectType") != "Group":
        return
    members = value.get("member", [])
    if any(name in value for name in IDENTIFIERS) or len(members) != 2:
        raise Malformed(path, "a group as authority has no identifier and two members")
    if not any("account" in one for one in members):
        raise Malformed(path, "one of the two members is a consumer known by account")


# 4.2.2.2 / Data 2.4.3: the verb

check_verb = thing({"id": check_iri, "display": check_language_map}, required=("id",))

# 4.2.2.3 / Data 2.4.4.1: activities and interactions

COMPONENTS: dict[str, tuple[str, ...]] = {
    "choice": ("choices",),
    "sequencing": ("choices",),
    "likert": ("scale",),
    "matching": ("source", "target"),
    "performance": ("steps",),
    "true-false": (),
    "fill-in": (),
    "long-fill-in": (),
    "numeric": (),
    "other": (),
}
COMPONENT_LISTS = ("choices", "scale", "source", "target", "steps")
check_component = thing({"id": check_text, "description": check_language_map}, required=("id",))
check_components = list_of(check_component)


def check_distinct_components(value: Any, path: str) -> None:
    """The ids of the components in one list are distinct (4.2.2.3 / Data 2.4.4.1)."""
    check_components(value, path)
    if len({one["id"] for one in value}) != len(value):
        raise Malformed(path, "two components carry the same id")


def check_interaction(value: Any, path: str) -> None:
    """Lists of components go with the interaction types that know them, no others (4.2.2.3 / Data 2.4.4.1)."""
    kind = value.get("interactionType")
    if kind is None:
        if "correctResponsesPattern" in value or any(name in value for name in COMPONENT_LISTS):
            raise Malformed(path, "interactionType is missing")
        return
    for name in COMPONENT_LISTS:
        if name in value and name not in COMPONENTS[kind]:
            raise Malformed(f"{path}.{name}", f"does not belong to the interaction type {kind}")


check_definition = thing(
    {
        "name": check_language_map,
        "description": check_language_map,
        "type": check_iri,
        "moreInfo": check_iri,
        "extensions": check_extensions,
        "interactionType": one_of(*COMPONENTS),
        "correctResponsesPattern": list_of(check_text),
        **dict.fromkeys(COMPONENT_LISTS, check_distinct_components),
    },
    also=check_interaction,
)
check_activity = thing(
    {"objectType": one_of("Activity"), "id": check_iri, "definition": check_definition}, required=("id",)
)

# 4.2.2.3 / Data 2.4.4.3: references to statements

check_reference = thing({"objectType": one_of("StatementRef"), "id": check_uuid}, required=("objectType", "id"))

# 4.2.2.4 / Data 2.4.5: results


def check_score_order(value: Any, path: str) -> None:
    """scaled lies in -1 to 1, raw in min to max, and min below max (4.2.2.4 / Data 2.4.5.1)."""
    find = value.get
    scaled, raw, low, high = find("scaled"), find("raw"), find("min"), find("max")
    if scaled is not None and not -1 <= scaled <= 1:
        raise Malformed(f"{path}.scaled", f"{shown(scaled)} is {'above 1' if scaled > 1 else 'below -1'}")
    if low is not None and high is not None and low >= high:
        raise Malformed(f"{path}.min", f"{shown(low)} is not below max, which is {shown(high)}")
    if raw is not None and low is not None and raw < low:
        raise Malformed(f"{path}.raw", f"{shown(raw)} is below min, which is {shown(low)}")
    if raw is not None and high is not None and raw > high:
        raise Malformed(f"{path}.raw", f"{shown(raw)} is above max, which is {shown(high)}")


check_score = thing(dict.fromkeys(("scaled", "raw", "min", "max"), check_number), also=check_score_order)
check_result = thing(
    {
        "score": check_score,
        "success": check_truth,
        "completion": check_truth,
        "response": check_text,
        "duration": check_duration,
        "extensions": check_extensions,
    }
)

# 4.2.2.5 / Data 2.4.6: context

check_activities = list_of(check_activity)


def check_one_or_more_activities(value: Any, path: str) -> None:
    """A list of activities; a single one may stand without its list (Data 2.4.6.2)."""
    (check_activities if isinstance(value, list) else check_activity)(value, path)


check_relevant_types = list_of(check_iri, least=1)
CONTEXT: dict[str, Check] = {
    "registration": check_uuid,
    "instructor": check_actor,
    "team": check_group,
    "contextActivities": recurring(
        thing(dict.fromkeys(("parent", "grouping", "category", "other"), check_one_or_more_activities))
    ),
    "revision": check_text,
    "platform": check_text,
    "language": check_language,
    "statement": check_reference,
    "extensions": check_extensions,
}
CONTEXT_OF_2: dict[str, Check] = {  # 4.2.2.5: new in 2.0
    "contextAgents": list_of(
        thing(
            {"objectType": one_of("contextAgent"), "agent": check_agent, "relevantTypes": check_relevant_types},
            required=("objectType", "agent"),
        )
    ),
    "contextGroups": list_of(
        thing(
            {"objectType": one_of("contextGroup"), "group": check_group, "relevantTypes": check_relevant_types},
            required=("objectType", "group"),
        )
    ),
}

# 4.2.2.6 / Data 2.4.11: what is said of an attachment

check_attachment = thing(
    {
        "usageType": check_iri,
        "display": check_language_map,
        "description": check_language_map,
        "contentType": check_media_type,
        "length": check_octets,
        "sha2": check_sha2,
        "fileUrl": check_iri,
    },
    required=("usageType", "display", "contentType", "length", "sha2"),
)

# 4.2.4.2 / Data 2.4: the statement


def object_kind(value: Any) -> Any:
    """The objectType of a statement's object: Activity when it says nothing."""
    return value.get("objectType", "Activity") if isinstance(value, dict) else None


def kinds(checks: Mapping[str, Check]) -> Check:
    """An object of a statement: the check its objectType names (4.2.2.3 / Data 2.4.4)."""
    words = ", ".join(checks)

    def check(value: Any, path: str) -> None:
        kind = object_kind(value)
        if not isinstance(kind, str) or kind not in checks:
            raise Malformed(path, f"expected an object whose objectType is one of {words}, got {shown(kind)}")
        checks[kind](value, path)

    return check


def check_context_fits(value: Any, path: str) -> None:
    """revision and platform are said of activities only (4.2.2.5 / Data 2.4.6)."""
    context = value.get("context")
    if context is not None and object_kind(value["object"]) != "Activity":
        for name in ("revision", "platform"):
            if name in context:
                raise Malformed(f"{path}.context.{name}", "is allowed only when the object is an activity")


def check_whole(value: Any, path: str) -> None:
    """A statement that voids points at the one it voids (4.2.5 / Data 2.3.2)."""
    check_context_fits(value, path)
    if value["verb"]["id"] == VOIDED and object_kind(value["object"]) != "StatementRef":
        raise Malformed(f"{path}.object", "a voiding statement must have a StatementRef as its object")


def statement_check(context: Mapping[str, Check], versions: str, check_time: Check) -> Check:
    """The check for statements of one edition of the standard."""
    common: dict[str, Check] = {
        "actor": recurring(check_actor),
        "verb": recurring(check_verb),
        "result": check_result,
        "context": thing(context),
        "timestamp": check_time,
        "attachments": list_of(check_attachment),
    }
    objects: dict[str, Check] = {
        "Activity": recurring(check_activity),
        "Agent": check_agent,
        "Group": check_group,
        "StatementRef": check_reference,
    }
    required = ("actor", "verb", "object")
    check_substatement = thing(  # 4.2.2.3 / Data 2.4.4.3: without id, stored, version, authority, or another inside
        {"objectType": one_of("SubStatement"), "object": kinds(objects), **common},
        required=required,
        also=check_context_fits,
    )
    return thing(
        {
            "id": check_uuid,
            "object": kinds({**objects, "SubStatement": check_substatement}),
            "stored": check_time,
            "authority": check_authority,
            "version": matching(re.compile(versions), "a version this edition of xAPI accepts"),
            **common,
        },
        required=required,
        also=check_whole,
    )


check_statement_1 = statement_check(CONTEXT, r"1\.0(\.\d[\w.+\-]*)?", check_timestamp_1)
check_statement_2 = statement_check({**CONTEXT, **CONTEXT_OF_2}, r"[12]\.0(\.\d[\w.+\-]*)?", check_timestamp)


def check_statement(document: Any, path: str, *, two: bool) -> None:
    """Raise `Malformed` for the first rule this statement breaks; `two` says that it came as xAPI 2.0.

    Nearly all statements break none: only for one that does it is worked out where (the empty path is never written).
    """
    check = check_statement_2 if two else check_statement_1
    try:
        check(document, "")
    except Malformed:
        check(document, path)
        raise
