"""Whether two statements say the same: a repeat is passed over, anything else under a known id is refused. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from lms.xapi.rules import moment

SAID_BY_THE_STORE = frozenset({"stored", "authority"})
SET_BY_THE_STORE = SAID_BY_THE_STORE | {"id", "version"}
FRACTION = re.compile(r"[.,](\d+)(?=S)")  # of the seconds of a duration


def comparison_digest(document: Mapping[str, Any], raw: bytes | None) -> bytes:
    """Equal only for two statements that say the same: most repeats are known by it without being read.

    Two that came as the same bytes are equal; of those made here, two whose keys and values are, in whatever order.
    """
    if raw is not None:
        return hashlib.sha256(raw).digest()
    said = {key: value for key, value in document.items() if key not in SET_BY_THE_STORE}
    return hashlib.sha256(in_fixed_order(said)).digest()


def in_fixed_order(value: Any) -> bytes:
    """JSON in which keys stand in one order."""
    try:
        return msgspec.json.encode(value, order="deterministic")
    except OverflowError:  # a whole number above 64 bits, which an extension may hold
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two statements say the same by the rules of comparison (4.2.3 / Data 2.3.1).

    Left out: what the store sets, a time only one of them gives, definitions and displays, the order of members, the
    spelling of times, durations beyond a hundredth of a second, types that go without saying, and the case of UUIDs,
    hashes and language tags.
    """
    said, told = comparable(one), comparable(other)
    if not ("timestamp" in said and "timestamp" in told):
        said.pop("timestamp", None)
        told.pop("timestamp", None)
    return bool(said == told)


IN_ANY_CASE = frozenset({"registration", "mbox_sha1sum", "sha2", "language"})
UNSAID = ("Agent", "Activity")  # the types of objects that name none, each where it may be left out


def comparable(value: Any, *, name: str = "") -> Any:
    """A statement, or a part of one called `name`, with what does not matter taken out."""
    if name == "extensions":
        return typed(value)
    if isinstance(value, list):
        parts = [comparable(one, name=f"{name}[]") for one in value]
        return sorted(parts, key=in_fixed_order) if name == "member" else parts
    if isinstance(value, dict):
        return comparable_object(value, name)
    if name == "timestamp":
        return moment(value, name)
    if name == "duration":
        return FRACTION.sub(hundredths, value)
    return value.lower() if name in IN_ANY_CASE else typed(value)


def comparable_object(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The same of an object. The ids of statements and the tags of languages are the same in either case."""
    if name == "description":
        return {tag.lower(): text for tag, text in value.items()}
    left_out = frozenset({"definition", "display"}) if name else SET_BY_THE_STORE
    found = {key: comparable(one, name=key) for key, one in value.items() if key not in left_out}
    if value.get("objectType") in UNSAID:
        del found["objectType"]
    if value.get("objectType") == "StatementRef":
        found["id"] = value["id"].lower()
    return found


def typed(value: Any) -> Any:
    """A value of which true is not 1, as it is not in JSON; 1 and 1.0 are the same number there and here."""
    if isinstance(value, list):
        return [typed(one) for one in value]
    if isinstance(value, dict):
        return {key: typed(one) for key, one in value.items()}
    return ("truth", value) if isinstance(value, bool) else value


def hundredths(fraction: re.Match[str]) -> str:
    """What counts of a fraction of seconds (4.2.7 / Data 4.6)."""
    digits = fraction[1][:2].rstrip("0")
    return f".{digits}" if digits else ""
