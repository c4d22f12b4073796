"""The published profile of our vocabulary: what our pages say, as JSON-LD (https://w3id.org/xapi/profiles)."""

from collections.abc import Iterator, Mapping
from typing import Any

from lms.xapi.vocabulary import (
    PLATFORM,
    SAYINGS,
    TYPE_MEANINGS,
    TYPE_NAMES,
    VERB_MEANINGS,
    VERB_NAMES,
    Saying,
    Texts,
    verb_iri,
)

VERSION = 2
GENERATED = "2026-11-26T00:00:00.000Z"
"""The number and the moment of this version. Another wording of the vocabulary is another version (a test counts)."""

TITLE = {"vi": "Hồ sơ xAPI của Quán triệt", "en": "xAPI profile of Quán triệt"}
MEANING = {
    "vi": "Những câu mà các trang của Quán triệt ghi vào nhật ký học tập: học viên bắt đầu khóa học, học xong bài, làm "
    "bài kiểm tra, hoàn thành khóa học.",
    "en": "What the pages of Quán triệt record: a learner begins a course, finishes lessons, takes tests, completes.",
}
ALWAYS: Mapping[str, tuple[Any, ...] | None] = {
    "id": None,
    "timestamp": None,
    "actor.account.homePage": None,
    "actor.account.name": None,
    "object.definition.name": None,
    "context.registration": None,
    "context.revision": None,
    "context.platform": (PLATFORM,),
    "context.language": ("vi",),
}
NEVER = (
    "actor.name",
    "actor.mbox",
    "actor.member",
    "object.definition.correctResponsesPattern",
    "context.instructor.name",
)
"""No names or addresses of people, and no key to a question."""

PATTERN_NAMES: Mapping[str, Texts] = {
    "study": {"vi": "Việc học một khóa học", "en": "The study of a course"},
    "beginning": {"vi": "Bắt đầu", "en": "The beginning"},
    "acts": {"vi": "Các việc học", "en": "Acts of learning"},
    "act": {"vi": "Một việc học", "en": "An act of learning"},
}
PATTERN_MEANINGS: Mapping[str, Texts] = {
    "study": {"vi": "Bắt đầu khóa học, rồi học và làm bài.", "en": "The course is begun; learning and tests follow."},
    "beginning": {
        "vi": "Câu bắt đầu khóa học; không có khi việc đầu tiên đã là học bài hay làm bài.",
        "en": "That the course was begun; not said when a lesson or a test is the first act.",
    },
    "acts": {"vi": "Các việc học, theo thứ tự bất kỳ.", "en": "Acts of learning, in any order."},
    "act": {"vi": "Một trong các câu của hồ sơ này.", "en": "One of the sentences of this profile."},
}


def profile_iri(home: str) -> str:
    """The name of the profile, under which it is served when the site is at home there."""
    return f"{home}/xapi/profile"


def profile(home: str) -> dict[str, Any]:
    """The profile document: concepts, a template for each kind of sentence, and the pattern of a course."""
    here = profile_iri(home)
    version = f"{here}/{VERSION}"
    return {
        "@context": "https://w3id.org/xapi/profiles/context",
        "id": here,
        "type": "Profile",
        "conformsTo": "https://w3id.org/xapi/profiles#1.0",
        "prefLabel": TITLE,
        "definition": MEANING,
        "versions": [{"id": version, "generatedAtTime": GENERATED}],
        "author": {"url": home, "type": "Organization", "name": PLATFORM},
        "concepts": [
            *concepts("Verb", "verbs", here, VERB_NAMES, VERB_MEANINGS),
            *concepts("ActivityType", "activity-types", here, TYPE_NAMES, TYPE_MEANINGS),
        ],
        "templates": [template(home, saying) for saying in SAYINGS],
        "patterns": patterns(here),
    }


def part(home: str, name: str) -> dict[str, Any] | None:
    """The entry of that name below the profile, as a document of its own; None when there is none."""
    whole = profile(home)
    for one in (*whole["concepts"], *whole["templates"], *whole["patterns"]):
        if one["id"] == f"{profile_iri(home)}/{name}":
            return {"@context": whole["@context"], **one}
    return None


def concepts(
    kind: str, folder: str, here: str, names: Mapping[str, Texts], meanings: Mapping[str, Texts]
) -> Iterator[dict[str, Any]]:
    """Our words for concepts of others: statements carry their IRI, to which each is an exact match; and our own."""
    for iri, name in names.items():
        yield {
            "id": f"{here}/{folder}/{iri.rpartition('/')[2]}",
            "type": kind,
            "inScheme": f"{here}/{VERSION}",
            "prefLabel": name,
            "definition": meanings[iri],
            **({} if iri.startswith("/") else {"exactMatch": [iri]}),
        }


def template_iri(here: str, name: str) -> str:
    return f"{here}/templates/{name}"


def template(home: str, saying: Saying) -> dict[str, Any]:
    """A statement template: by which verb and type it is known, and what must and must not stand in it."""
    here = profile_iri(home)
    verb, kind = VERB_NAMES[saying.verb], TYPE_NAMES[saying.type]
    return {
        "id": template_iri(here, saying.name),
        "type": "StatementTemplate",
        "inScheme": f"{here}/{VERSION}",
        "prefLabel": {language: f"{verb[language]}: {kind[language]}" for language in verb},
        "definition": saying.means,
        "verb": verb_iri(home, saying.verb),
        "objectActivityType": saying.type,
        "rules": list(rules_of(saying)),
    }


def rules_of(saying: Saying) -> Iterator[dict[str, Any]]:
    """What each statement of this kind carries, and what it never does."""
    result = {f"result.{path}": values for path, values in saying.result.items()}
    for path, values in {**ALWAYS, **result, **saying.also}.items():
        yield {
            "location": f"$.{path}",
            "presence": "included",
            **({"any": list(values)} if values is not None else {}),
        }
    yield {
        "location": "$.context.contextActivities.parent[*].id",
        "presence": "included" if saying.within else "excluded",
    }
    said_by = "context.instructor"
    if saying.instructed:
        yield {"location": f"$.{said_by}.account.name", "presence": "included"}
    for path in (*NEVER, *(() if saying.instructed else (said_by,)), *(() if saying.result else ("result",))):
        yield {"location": f"$.{path}", "presence": "excluded"}


def patterns(here: str) -> list[dict[str, Any]]:
    """Under one registration that the course was begun comes first, or is implied; what follows comes in any order."""
    began, *later = (template_iri(here, saying.name) for saying in SAYINGS)
    beginning, acts, act = (f"{here}/patterns/{name}" for name in ("beginning", "acts", "act"))
    members: dict[str, dict[str, Any]] = {
        "study": {"sequence": [beginning, acts]},
        "beginning": {"optional": began},
        "acts": {"zeroOrMore": act},
        "act": {"alternates": later},
    }
    return [
        {
            "id": f"{here}/patterns/{name}",
            "type": "Pattern",
            "primary": name == "study",
            "inScheme": f"{here}/{VERSION}",
            "prefLabel": PATTERN_NAMES[name],
            "definition": PATTERN_MEANINGS[name],
            **made_of,
        }
        for name, made_of in members.items()
    ]
