"""How long the audit log is kept, which entries tell of names, and an entry as one line. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

DISCLOSURES = (
    "activation.print",
    "api.names",
    "audit.export",
    "audit.people",
    "audit.read",
    "briefing.rehearse",
    "certificate.list",
    "certificate.print",
    "certificate.read",
    "names.read",
    "person.list",
    "person.read",
    "privacy.list",
    "privacy.read",
    "record.names",
    "record.people",
    "roll.decisions",
    "roll.read",
    "reflection.list",
    "reflection.read",
    "roster.corrected",
    "roster.export",
    "roster.read",
    "standing.read",
    "view_as.start",
)
"""Acts by which somebody saw or took out names of people."""


def kept_from(now: datetime, months: int) -> datetime:
    """The moment before which entries go: so many months of 31 days ago, so that none goes too soon."""
    return now - timedelta(days=31 * months)


def one_line(value: object) -> str:
    """A value as one line of text, whatever ends of lines stand in it."""
    return " ".join(str(value).split())


def as_line(entry: Mapping[str, Any]) -> str:
    """An entry as a line of JSON (RFC 8259 escapes every end of line inside a text; so are U+2028 and its kin)."""
    told = {
        "id": entry["id"],
        "at": entry["at"].astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "action": entry["action"],
        "actor": str(entry["actor"]) if entry["actor"] else None,
        "object": {"kind": entry["object_kind"], "id": entry["object_id"]},
        "address": entry["address"],
        "details": entry["details"],
    }
    return json.dumps(told, ensure_ascii=True, separators=(",", ":"), default=str)
