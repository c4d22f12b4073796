"""What a statement is: plain values and rules, no database and no HTTP."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from lms.xapi import vocabulary

ADDED_BY_THE_STORE = frozenset({"id", "stored", "authority", "timestamp", "version"})


class Malformed(ValueError):
    """The statement breaks a rule of IEEE 9274.1.1; `path` says where and `rule` what was expected."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path}: {rule}")
        self.path = path
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity as our own statements name it."""

    iri: str
    type: str
    name_vi: str
    name_en: str = ""

    def document(self) -> dict[str, Any]:
        """The Activity object of the standard, with its names as a language map."""
        name = {"vi": self.name_vi, **({"en": self.name_en} if self.name_en else {})}
        return {"objectType": "Activity", "id": self.iri, "definition": {"type": self.type, "name": name}}


def sentence(
    home: str,
    account: uuid.UUID,
    verb: str,
    activity: Activity,
    *,
    at: datetime,
    registration: uuid.UUID,
    revision: int,
    within: tuple[Activity, ...] = (),
    result: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One of our own statements: this person did that to this activity. Names of people never enter it.

    `within` are the activities it belongs to, the nearest first; `revision` is the version of the course.
    """
    context: dict[str, Any] = {
        "registration": str(registration),
        "revision": str(revision),
        "platform": "Quán triệt",
        "language": "vi",
    }
    if within:
        parent, *others = ({"objectType": "Activity", "id": one.iri} for one in within)
        context["contextActivities"] = {"parent": [parent], **({"grouping": others} if others else {})}
    return {
        "id": str(uuid.uuid4()),
        "actor": {"objectType": "Agent", "account": {"homePage": home, "name": str(account)}},
        "verb": {"id": verb, "display": vocabulary.VERB_NAMES[verb]},
        "object": activity.document(),
        **({"result": dict(result)} if result else {}),
        "context": context,
        "timestamp": rfc3339(at),
    }


def rfc3339(moment: datetime) -> str:
    """A moment as the standard wants it: UTC, with milliseconds or finer."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def comparison_digest(document: Mapping[str, Any]) -> bytes:
    """Equal for two statements that say the same, whatever the store added or the order of their keys."""
    said = {key: value for key, value in document.items() if key not in ADDED_BY_THE_STORE}
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).digest()


def agent_identifier(agent: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse functional identifier of an agent or group: the one property it is known by."""
    for name in ("mbox", "mbox_sha1sum", "openid", "account"):
        if name in agent:
            return {name: agent[name]}
    members = [agent_identifier(member) for member in agent.get("member", [])]
    return {"member": members}


def agent_digest(agent: Mapping[str, Any]) -> bytes:
    """The key under which an agent is stored and looked up."""
    return hashlib.sha256(msgspec.json.encode(agent_identifier(agent), order="deterministic")).digest()
