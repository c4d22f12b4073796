"""What an entry of the record says to people: who did what, why it counts, and what is hidden. Pure."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lms.text import fold
from lms.xapi.rules import IDENTIFIERS
from lms.xapi.rules import own_account as public_id_of
from lms.xapi.statement import agent_digest
from lms.xapi.vocabulary import VOIDED

HIDDEN = "…"
MARK = 8
# A longer number tells people nothing, and one of more than 4,300 digits cannot even be read.
SECONDS = re.compile(r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,]\d+)?S)?)?")


@dataclass(frozen=True, slots=True)
class Who:
    """An actor. `kind`: "learner" (one of our people, by `account`), "agent" or "group" of other systems.

    `mark` tells one from another without a name; `name` is what the statement itself gives, if anything.
    """

    kind: str
    mark: str
    account: uuid.UUID | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as plain values. `about`: "activity", "record", "person" or "plan"; titles and displays by language."""

    who: Who
    verb: str
    display: Mapping[str, str]
    about: str
    iri: str = ""
    type: str = ""
    title: Mapping[str, str] | None = None
    target: str = ""
    scaled: float | None = None
    revision: str = ""


def told(document: Mapping[str, Any], definition: Mapping[str, Any] | None, *, home: str) -> Told:
    """What a valid statement says; `definition` is the canonical one of its activity."""
    thing, verb = document["object"], document["verb"]
    kind = thing.get("objectType", "Activity")
    given = definition or thing.get("definition") or {}
    return Told(
        who=who(document["actor"], home=home),
        verb=verb["id"],
        display=verb.get("display", {}),
        about={"Activity": "activity", "StatementRef": "record", "SubStatement": "plan"}.get(kind, "person"),
        iri=thing["id"] if kind == "Activity" else "",
        type=given.get("type", "") if kind == "Activity" else "",
        title=given.get("name") if kind == "Activity" else None,
        target=thing["id"].lower() if kind == "StatementRef" else "",
        scaled=document.get("result", {}).get("score", {}).get("scaled"),
        revision=document.get("context", {}).get("revision", ""),
    )


def who(actor: Mapping[str, Any], *, home: str) -> Who:
    """An actor as people are shown it."""
    account = own_account(actor, home=home)
    if account is not None:
        return Who("learner", str(account)[:MARK], account)
    kind = "group" if actor.get("objectType") == "Group" else "agent"
    name = actor.get("name") or actor.get("mbox", "").removeprefix("mailto:")
    return Who(kind, agent_digest(actor).hex()[:MARK], name=name or actor.get("account", {}).get("name", ""))


def elsewhere(identifier: Mapping[str, Any]) -> tuple[str, str]:
    """Who vouches from elsewhere, without a name: the address of its system, if it has one, and a mark."""
    account = identifier.get("account", {})
    return str(account.get("homePage", "")), agent_digest(identifier).hex()[:MARK]


def own_account(actor: Mapping[str, Any], *, home: str) -> uuid.UUID | None:
    """The opaque id of one of our people, spelt as our own statements spell it: any other spelling is somebody else."""
    account = actor.get("account", {})
    return public_id_of(account["name"]) if account.get("homePage") == home else None


def in_language(texts: Mapping[str, str] | None, language: str) -> str:
    """The text of a language map for a reader: in the language, else in Vietnamese, else in any."""
    if not texts:
        return ""
    for wanted in (language, "vi"):
        for tag, text in texts.items():
            if f"{tag}-".lower().startswith(f"{wanted}-"):
                return text
    return next(iter(texts.values()))


def fits(names: Mapping[str, str], iri: str, words: str) -> bool:
    """Whether every word is found in a title, or the whole in the IRI."""
    sought = fold(words)
    titles = [fold(name) for name in names.values()]
    return any(all(word in title for word in sought.split()) for title in titles) or sought in iri.lower()


def reason(document: Mapping[str, Any], *, own: bool, counts: bool, voided: bool, trusted: bool, home: str) -> str:
    """Why an entry counts towards progress, or why not: a word the page explains.

    `trusted`: its source may now state things that count, of some activities.
    """
    if voided:
        return "voided"
    if document["verb"]["id"] == VOIDED:
        return "voids"
    if not counts:
        return "elsewhere" if trusted else "untrusted"
    if own_account(document["actor"], home=home) is None:
        return "stranger"
    return "own" if own else "trusted"


def belongings(document: Mapping[str, Any]) -> list[str]:
    """The activities a statement belongs to, the nearest first, each once."""
    context = document.get("context", {}).get("contextActivities", {})
    named: Sequence[Mapping[str, Any]] = [
        one
        for place in ("parent", "grouping", "category", "other")
        for one in (context.get(place, []) if isinstance(context.get(place, []), list) else [context[place]])
    ]
    return list(dict.fromkeys(one["id"] for one in named))


def lasted(duration: str) -> tuple[int, int, int] | None:
    """Hours, minutes and seconds of a duration; None when it is counted in months or years, or in endless numbers."""
    found = SECONDS.fullmatch(duration)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return days * 24 + hours, minutes, seconds


def masked(value: Any, *, home: str, name: str = "") -> Any:
    """A statement in which nobody is named: names and addresses of agents are hidden, our opaque ids stay."""
    if isinstance(value, list):
        return [masked(one, home=home, name=name) for one in value]
    if not isinstance(value, dict) or name in {"extensions", "definition", "verb"}:
        return value
    inner = {key: masked(one, home=home, name=key) for key, one in value.items()}
    if any(one in value for one in (*IDENTIFIERS, "member")):
        hide(inner, home=home)
    return inner


def hide(agent: dict[str, Any], *, home: str) -> None:
    """Hide who an agent or group is, unless it is an account of this system."""
    account = agent.get("account")
    if isinstance(account, dict) and f"{account.get('homePage')}/".startswith(f"{home}/"):
        return
    for place in ("name", "mbox", "mbox_sha1sum", "openid"):
        if place in agent:
            agent[place] = HIDDEN
    if isinstance(account, dict):
        agent["account"] = {**account, "name": HIDDEN}
