"""What a statement is: plain values and rules, no database and no HTTP."""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from lms.xapi import vocabulary
from lms.xapi.matching import SAID_BY_THE_STORE, comparison_digest, in_fixed_order
from lms.xapi.rules import IDENTIFIERS, moment, rfc3339

VERSION = "1.0.0"  # what statements of every 1.0.x carry (Data 2.4.10)
VERSION_2 = "2.0.0"
decode_properties = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


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
    instructor: uuid.UUID | None = None,
) -> dict[str, Any]:
    """One of our own statements: this person did that to this activity. Names of people never enter it.

    `within` are the activities it belongs to, the nearest first; `revision` is the version of the course, or of the
    policy of a briefing. `instructor`: who of our people says so of the person.
    """
    context: dict[str, Any] = {
        "registration": str(registration),
        "revision": str(revision),
        "platform": vocabulary.PLATFORM,
        "language": "vi",
    }
    if instructor is not None:
        context["instructor"] = {"objectType": "Agent", "account": {"homePage": home, "name": str(instructor)}}
    if within:
        parent, *others = ({"objectType": "Activity", "id": one.iri} for one in within)
        context["contextActivities"] = {"parent": [parent], **({"grouping": others} if others else {})}
    return {
        "id": str(uuid.uuid4()),
        "actor": {"objectType": "Agent", "account": {"homePage": home, "name": str(account)}},
        "verb": {"id": vocabulary.verb_iri(home, verb), "display": vocabulary.VERB_NAMES[verb]},
        "object": activity.document(),
        **({"result": dict(result)} if result else {}),
        "context": context,
        "timestamp": rfc3339(at),
    }


def own_authority(home: str) -> dict[str, Any]:
    """This system as the authority of what it stores (4.2.4.2 / Data 2.4.9)."""
    return {"objectType": "Agent", "account": {"homePage": home, "name": "quan-triet"}}


def client_authority(home: str, key: str, name: str) -> dict[str, Any]:
    """Another system as the authority of what it brings: an account of ours, whatever it says of itself."""
    return {"objectType": "Agent", "name": name, "account": {"homePage": f"{home}/xapi/clients", "name": key}}


def agent_identifier(agent: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse functional identifier of an agent or group: the one property it is known by.

    A group that has none is told apart by its members.
    """
    for name in IDENTIFIERS:
        if name in agent:
            return {name: agent[name].lower() if name == "mbox_sha1sum" else agent[name]}
    return {"member": [agent_identifier(member) for member in agent.get("member", [])]}


def agent_digest(agent: Mapping[str, Any]) -> bytes:
    """The key under which an agent is stored and looked up."""
    identifier = agent_identifier(agent)
    if "account" in identifier:
        return account_digest(identifier["account"]["homePage"], identifier["account"]["name"])
    return hashlib.sha256(in_fixed_order(identifier)).digest()


@lru_cache(maxsize=8_192)  # who states something states more
def account_digest(home: str, name: str) -> bytes:
    """The same of an account."""
    return hashlib.sha256(in_fixed_order({"account": {"homePage": home, "name": name}})).digest()


@dataclass(slots=True)
class Mentions:
    """Everything in a statement by which it can be found. Agents are keyed by digest, activities by IRI.

    `direct` and `related` are the agents beside the actor, `within` the activities beside the object.
    """

    actor: bytes
    agents: dict[bytes, Mapping[str, Any]]
    activities: dict[str, Mapping[str, Any] | None]
    about: str | None = None
    target: uuid.UUID | None = None
    direct: set[bytes] = field(default_factory=set)
    related: set[bytes] = field(default_factory=set)
    within: set[str] = field(default_factory=set)

    def agent(self, agent: Mapping[str, Any], place: set[bytes]) -> None:
        """Note an agent or group and its members."""
        for one in (agent, *agent.get("member", ())):
            digest = agent_digest(one)
            self.agents[digest] = one
            place.add(digest)

    def activity(self, activity: Mapping[str, Any]) -> str:
        """Note an activity, with its definition where one is given."""
        iri: str = activity["id"]
        before, given = self.activities.get(iri), activity.get("definition")
        self.activities[iri] = redefined(before, given) if before and given else given or before
        return iri


def mentions(document: Mapping[str, Any]) -> Mentions:
    """What a valid statement names."""
    actor, target = document["actor"], document["object"]
    digest = agent_digest(actor)
    found = Mentions(actor=digest, agents={digest: actor}, activities={})
    if "member" in actor:
        found.agent(actor, found.direct)
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        found.about = found.activity(target)
    elif kind in {"Agent", "Group"}:
        found.agent(target, found.direct)
    elif kind == "StatementRef":
        found.target = uuid.UUID(target["id"])
    else:
        mention_substatement(found, target)
    mention_context(found, document.get("context", {}))
    found.direct.discard(digest)
    found.related -= found.direct | {digest}
    found.within.discard(found.about or "")
    return found


def mention_substatement(found: Mentions, inner: Mapping[str, Any]) -> None:
    """The filters related_agents and related_activities look into a contained statement too."""
    found.agent(inner["actor"], found.related)
    target = inner["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        found.within.add(found.activity(target))
    elif kind in {"Agent", "Group"}:
        found.agent(target, found.related)
    mention_context(found, inner.get("context", {}))


def attachments_of(document: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The attachments of a statement that stands at `path`, those of a contained one included, each with its place."""
    for place, part in ((path, document), (f"{path}.object", document["object"])):
        for number, one in enumerate(part.get("attachments", ())):
            yield f"{place}.attachments[{number}]", one


def mention_context(found: Mentions, context: Mapping[str, Any]) -> None:
    """Instructor, team and the agents, groups and activities of the context."""
    for name in ("instructor", "team"):
        if name in context:
            found.agent(context[name], found.related)
    for one in context.get("contextAgents", ()):
        found.agent(one["agent"], found.related)
    for one in context.get("contextGroups", ()):
        found.agent(one["group"], found.related)
    for activities in context.get("contextActivities", {}).values():
        for one in activities if isinstance(activities, list) else (activities,):
            found.within.add(found.activity(one))


def mention_authority(found: Mentions, authority: Mapping[str, Any]) -> None:
    """Who vouches for it, where no client stands for that (the filter related_agents looks there too)."""
    found.agent(authority, found.related)
    found.related -= found.direct | {found.actor}


OWN_FROM_HERE = frozenset({"", "/", "?", "#"})  # what follows our own address in the IRI of something of ours


@dataclass(frozen=True, slots=True)
class Source:
    """Who brings statements: ourselves (client None), or a client.

    `counts`: what it states of activities at or below `prefix` counts. `defines`: its definitions of activities become
    the canonical ones, but not of what belongs to the product at `home`. `version`: what its statements carry that name
    none. `elsewhere`: the authority is nobody known here. `end` is how all its statements end as they are kept.
    """

    client: int | None
    authority: Mapping[str, Any]
    counts: bool
    prefix: str = ""
    defines: bool = False
    home: str = ""
    version: str = VERSION
    elsewhere: bool = False
    end: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", b'","authority":%b}' % written(self.authority))

    def heeded(self, activity: str | None) -> bool:
        """Whether projections heed what this source says of the activity."""
        if not self.counts or activity is None:
            return False
        below = self.prefix if self.prefix.endswith(("/", "#")) or not self.prefix else f"{self.prefix}/"
        return activity == self.prefix or activity.startswith(below)

    def entitled(self, activity: str) -> bool:
        """Whether its definition of this activity becomes canonical.

        What is taught here is called what our own pages say, or who is trusted with that very activity.
        """
        if not self.defines:
            return False
        own = bool(self.home) and activity.startswith(self.home) and activity[len(self.home) :][:1] in OWN_FROM_HERE
        return not own or self.heeded(activity)


NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Arrival:
    """A valid statement on its way in, with what follows from it alone. `raw` is the JSON object it came as, if any.

    `stored` and `sequence` are given when its row is inserted; a sequence of 0 says that another writer stored it.
    """

    document: Mapping[str, Any]
    raw: bytes | None
    statement_id: uuid.UUID
    registration: uuid.UUID | None
    given: datetime | None
    digest: bytes
    named: Mentions
    source: Source
    stored: datetime = NEVER
    sequence: int = 0

    @property
    def counts(self) -> bool:
        """Whether projections heed it: fixed when it arrives."""
        return self.source.heeded(self.named.about)

    @property
    def timestamp(self) -> datetime:
        """When it happened: as it says itself, else when it was stored (4.2.4.2 / Data 2.4.7)."""
        return self.given or self.stored

    @property
    def voids(self) -> bool:
        """Whether this statement voids another (4.2.5 / Data 2.3.2)."""
        return self.named.target is not None and self.document["verb"]["id"] == vocabulary.VOIDED

    @property
    def may_be_void(self) -> bool:
        """Whether another statement could have named it before it came, to void it."""
        return "id" in self.document and not self.voids

    def beginning(self) -> bytes:
        """The statement as it is kept, as far as no time is needed that the store gives: an open JSON object."""
        begun, version = begun_anew(self.document, self.raw), self.source.version
        if "id" not in self.document:
            begun += b',"id":"%b"' % str(self.statement_id).encode()
        return begun if "version" in self.document else begun + b',"version":"%b"' % version.encode()

    def json(self) -> bytes:
        """The statement as it is kept: with what the store sets, and what was missing (4.2.4.2 / Data 2.4)."""
        stored = rfc3339(self.stored).encode()
        timestamp = b"" if self.given is not None else b',"timestamp":"%b"' % stored
        return b'%b%b,"stored":"%b%b' % (self.beginning(), timestamp, stored, self.source.end)


def arrival(document: Mapping[str, Any], raw: bytes | None, source: Source) -> Arrival:
    """A valid statement that this source brings."""
    registration = document.get("context", {}).get("registration")
    named = mentions(document)
    if source.elsewhere:
        mention_authority(named, source.authority)
    return Arrival(
        document=document,
        raw=raw,
        statement_id=msgspec.convert(document["id"], uuid.UUID) if "id" in document else uuid.uuid4(),
        registration=msgspec.convert(registration, uuid.UUID) if registration is not None else None,
        given=moment(document["timestamp"], "timestamp") if "timestamp" in document else None,
        digest=comparison_digest(document, raw),
        named=named,
        source=source,
    )


def accounts_of(arrivals: Sequence[Arrival]) -> set[str]:
    """The account names of the actors whose statements count."""
    actors = [one.document["actor"] for one in arrivals if one.counts]
    return {str(actor["account"]["name"]) for actor in actors if "account" in actor}


def written(value: Any) -> bytes:
    """JSON in UTF-8, for any whole number."""
    try:
        return msgspec.json.encode(value)
    except OverflowError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def begun_anew(document: Mapping[str, Any], raw: bytes | None) -> bytes:
    """The JSON object of a statement without its end and without what only the store may say of it.

    All else keeps its bytes where it came as bytes.
    """
    if raw is not None and "stored" not in document and "authority" not in document:
        return raw[:-1]
    if raw is None:
        return written({name: part for name, part in document.items() if name not in SAID_BY_THE_STORE})[:-1]
    kept = {name: part for name, part in decode_properties(raw).items() if name not in SAID_BY_THE_STORE}
    return msgspec.json.encode(kept)[:-1]


def definitions_given(arrivals: Sequence[Arrival]) -> dict[str, Mapping[str, Any]]:
    """What a batch says of activities its sources may define, one statement after the other (4.1.6.4 / Comm 2.5)."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in arrivals:
        for iri, given in one.named.activities.items():
            if given and one.source.entitled(iri):
                found[iri] = redefined(found.get(iri, {}), given)
    return found


def redefined(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A canonical definition after another was given: languages are added, everything else given replaces."""
    after = {**before, **given}
    for name in ("name", "description"):
        if name in before and name in given:
            after[name] = {**before[name], **given[name]}
    return after
