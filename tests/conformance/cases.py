"""Statements that keep a rule of the standard and statements that break it, by section.

Sections are those of IEEE 9274.1.1 (xAPI 2.0), then of xAPI 1.0.3 (Data = part two). A case sets values in a full
statement; `GONE` takes a property out.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

GONE: Any = object()
ID = "7ccd3322-e1a5-411a-a67d-6a735c76f119"
IRI = "https://example.vn/khoa"
AGENT = {"mbox": "mailto:an@example.vn"}
GROUP = {"objectType": "Group", "member": [AGENT]}
BOTH, FIRST, SECOND = ("1.0.3", "2.0.0"), ("1.0.3",), ("2.0.0",)

FULL: dict[str, Any] = {
    "id": ID,
    "actor": {"objectType": "Agent", "name": "An", **AGENT},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/attended", "display": {"vi": "tham dự", "en-US": "attended"}},
    "object": {
        "objectType": "Activity",
        "id": "https://example.vn/hop",
        "definition": {
            "name": {"vi": "Cuộc họp"},
            "description": {"vi": "Một cuộc họp"},
            "type": "http://adlnet.gov/expapi/activities/meeting",
            "moreInfo": "https://example.vn/hop/1",
            "extensions": {"https://example.vn/phong": {"so": 3}},
        },
    },
    "result": {
        "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
        "success": True,
        "completion": False,
        "response": "đồng ý",
        "duration": "PT1H30M",
        "extensions": {"https://example.vn/bien-ban": None},
    },
    "context": {
        "registration": ID,
        "instructor": AGENT,
        "team": GROUP,
        "contextActivities": {name: [{"id": IRI}] for name in ("parent", "grouping", "category", "other")},
        "revision": "3",
        "platform": "Hội trường",
        "language": "vi",
        "statement": {"objectType": "StatementRef", "id": ID},
        "extensions": {"https://example.vn/xa": "Tân Trào"},
    },
    "timestamp": "2026-03-01T08:30:00.000+07:00",
    "stored": "2026-03-01T08:30:00.000Z",
    "authority": {"account": {"homePage": "https://example.vn", "name": "lms"}},
    "version": "1.0.0",
    "attachments": [
        {
            "usageType": "https://example.vn/giay",
            "display": {"vi": "Giấy"},
            "description": {"vi": "Giấy mời"},
            "contentType": "text/plain; charset=utf-8",
            "length": 3,
            "sha2": "a" * 64,
            "fileUrl": "https://example.vn/giay.txt",
        }
    ],
}
INTERACTION = {
    "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
    "interactionType": "choice",
    "correctResponsesPattern": ["a[,]b"],
    "choices": [{"id": "a", "description": {"vi": "A"}}, {"id": "b"}],
}
SUBSTATEMENT = {
    "objectType": "SubStatement",
    **{name: FULL[name] for name in ("actor", "verb", "object", "result", "context", "timestamp", "attachments")},
}


@dataclass(frozen=True)
class Case:
    """`changes` map paths such as "result.score.scaled" to values; `wrong` is where an error must point to."""

    section: str
    says: str
    changes: dict[str, Any] = field(default_factory=dict)
    wrong: str | None = None
    editions: tuple[str, ...] = BOTH

    def statement(self) -> dict[str, Any]:
        """The full statement with the changes."""
        found = copy.deepcopy(FULL)
        for path, value in self.changes.items():
            *way, name = path.split(".")
            part: Any = found
            for step in way:
                part = part[int(step)] if isinstance(part, list) else part[step]
            if value is GONE:
                del part[name]
            elif isinstance(part, list):
                part[int(name)] = value
            else:
                part[name] = value
        return found


def holds(section: str, says: str, editions: tuple[str, ...] = BOTH, /, **changes: Any) -> Case:
    """A case that must be accepted. `__` in a name stands for a dot."""
    return Case(section, says, dotted(changes), editions=editions)


def breaks(section: str, says: str, wrong: str, editions: tuple[str, ...] = BOTH, /, **changes: Any) -> Case:
    """A case that must be refused, with an error that points to `wrong`."""
    return Case(section, says, dotted(changes), wrong, editions)


def dotted(changes: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in changes.items()}


WRONG_TYPES: dict[str, tuple[Any, ...]] = {
    "text": (None, 1, True, [], {}),
    "truth": (None, 0, 1, "true", "false", []),
    "number": (None, "1", True, [], {}),
    "object": (None, 1, "x", [], True),
    "list": (None, 1, "x", {}, True),
}
PROPERTIES: dict[str, tuple[str, str]] = {
    "id": ("text", "4.2.4.2 / Data 2.4.1 / XAPI-00027, XAPI-00028"),
    "actor": ("object", "4.2.2.1 / Data 2.4.2 / XAPI-00003"),
    "actor.name": ("text", "4.2.2.1 / Data 2.4.2.1 / XAPI-00033"),
    "actor.mbox": ("text", "4.2.2.1 / Data 2.4.2.3 / XAPI-00038"),
    "verb": ("object", "4.2.2.2 / Data 2.4.3 / XAPI-00004"),
    "verb.id": ("text", "4.2.2.2 / Data 2.4.3 / XAPI-00044"),
    "verb.display": ("object", "4.2.7 / Data 4.2 / XAPI-00045"),
    "object": ("object", "4.2.2.3 / Data 2.4.4 / XAPI-00005"),
    "object.id": ("text", "4.2.2.3 / Data 2.4.4.1 / XAPI-00047"),
    "object.definition": ("object", "4.2.2.3 / Data 2.4.4.1 / XAPI-00048"),
    "object.definition.name": ("object", "4.2.7 / Data 4.2 / XAPI-00056"),
    "object.definition.description": ("object", "4.2.7 / Data 4.2 / XAPI-00059"),
    "object.definition.type": ("text", "4.2.2.3 / Data 2.4.4.1 / XAPI-00060"),
    "object.definition.moreInfo": ("text", "4.2.2.3 / Data 2.4.4.1 / XAPI-00061"),
    "object.definition.extensions": ("object", "4.2.7 / Data 4.1 / XAPI-00057"),
    "result": ("object", "4.2.2.4 / Data 2.4.5"),
    "result.score": ("object", "4.2.2.4 / Data 2.4.5.1 / XAPI-00079"),
    "result.score.scaled": ("number", "4.2.2.4 / Data 2.4.5.1 / XAPI-00083"),
    "result.score.raw": ("number", "4.2.2.4 / Data 2.4.5.1 / XAPI-00082"),
    "result.score.min": ("number", "4.2.2.4 / Data 2.4.5.1 / XAPI-00081"),
    "result.score.max": ("number", "4.2.2.4 / Data 2.4.5.1 / XAPI-00080"),
    "result.success": ("truth", "4.2.2.4 / Data 2.4.5 / XAPI-00074"),
    "result.completion": ("truth", "4.2.2.4 / Data 2.4.5 / XAPI-00075"),
    "result.response": ("text", "4.2.2.4 / Data 2.4.5 / XAPI-00076"),
    "result.duration": ("text", "4.2.7 / Data 4.6 / XAPI-00077"),
    "result.extensions": ("object", "4.2.7 / Data 4.1 / XAPI-00078"),
    "context": ("object", "4.2.2.5 / Data 2.4.6"),
    "context.registration": ("text", "4.2.2.5 / Data 2.4.6.1 / XAPI-00087"),
    "context.instructor": ("object", "4.2.2.5 / Data 2.4.6"),
    "context.team": ("object", "4.2.2.5 / Data 2.4.6 / XAPI-00088"),
    "context.contextActivities": ("object", "4.2.2.5 / Data 2.4.6.2 / XAPI-00086"),
    "context.revision": ("text", "4.2.2.5 / Data 2.4.6 / XAPI-00089"),
    "context.platform": ("text", "4.2.2.5 / Data 2.4.6 / XAPI-00090"),
    "context.language": ("text", "4.2.2.5 / Data 2.4.6 / XAPI-00091"),
    "context.statement": ("object", "4.2.2.5 / Data 2.4.6 / XAPI-00092"),
    "context.extensions": ("object", "4.2.7 / Data 4.1 / XAPI-00120"),
    "timestamp": ("text", "4.2.4.2 / Data 2.4.7 / XAPI-00022"),
    "stored": ("text", "4.2.4.2 / Data 2.4.8 / XAPI-00023"),
    "authority": ("object", "4.2.4.2 / Data 2.4.9 / XAPI-00024"),
    "version": ("text", "4.2.4.3 / Data 2.4.10 / XAPI-00101"),
    "attachments": ("list", "4.2.2.6 / Data 2.4.11 / XAPI-00025"),
    "attachments.0.usageType": ("text", "4.2.2.6 / Data 2.4.11 / XAPI-00107"),
    "attachments.0.display": ("object", "4.2.2.6 / Data 2.4.11 / XAPI-00106"),
    "attachments.0.contentType": ("text", "4.2.2.6 / Data 2.4.11 / XAPI-00105"),
    "attachments.0.length": ("number", "4.2.2.6 / Data 2.4.11 / XAPI-00102"),
    "attachments.0.sha2": ("text", "4.2.2.6 / Data 2.4.11 / XAPI-00103"),
}
OF_TYPES = {True: "XAPI-00001", False: "XAPI-00006"}
TYPE_CASES = [
    Case(f"{section}, {OF_TYPES[value is None]}", f"{path} is no {value!r}", {path: value}, path.replace(".0", "[0]"))
    for path, (kind, section) in PROPERTIES.items()
    for value in WRONG_TYPES[kind]
    if not (path in {"verb.display", "attachments.0.display"} and value == {})
]
NEEDED = {
    "actor": ("statement", "XAPI-00003"),
    "verb": ("statement", "XAPI-00004"),
    "object": ("statement", "XAPI-00005"),
    "verb.id": ("statement.verb", "XAPI-00044"),
    "object.id": ("statement.object", "XAPI-00047"),
    "actor.mbox": ("statement.actor", "XAPI-00034"),
    "context.statement.id": ("statement.context.statement", "XAPI-00072"),
    "context.statement.objectType": ("statement.context.statement", "XAPI-00073"),
    "authority.account.name": ("statement.authority.account", "XAPI-00043"),
    "authority.account.homePage": ("statement.authority.account", "XAPI-00042"),
    "attachments.0.usageType": ("statement.attachments[0]", "XAPI-00006"),
    "attachments.0.display": ("statement.attachments[0]", "XAPI-00006"),
    "attachments.0.contentType": ("statement.attachments[0]", "XAPI-00006"),
    "attachments.0.length": ("statement.attachments[0]", "XAPI-00006"),
    "attachments.0.sha2": ("statement.attachments[0]", "XAPI-00006"),
    "attachments.0.fileUrl": ("statement.attachments[0]", "XAPI-00006"),
}
MULTIPLICITY_CASES = [
    Case(f"4.2.1 / Data 2.2 / {number}", f"{path} is needed", {path: GONE}, wrong.removeprefix("statement").lstrip("."))
    for path, (wrong, number) in NEEDED.items()
]
OPTIONAL = "id result context timestamp stored authority version attachments actor.name actor.objectType verb.display"
OPTIONAL += " object.objectType object.definition result.score result.success context.registration context.language"
OPTIONAL_CASES = [Case("4.2.1 / Data 2.2", f"{path} may be left out", {path: GONE}) for path in OPTIONAL.split()]
PLACES = "actor verb object object.definition result result.score context context.contextActivities authority"
UNKNOWN = "4.2.1 / Data 2.2 / XAPI-00008, XAPI-00010"
UNKNOWN_CASES = [
    Case(UNKNOWN, "a statement has no property of another name", {"iD": ID}, ""),
    *(Case(UNKNOWN, f"{path} has no property of another name", {f"{path}.Name": "x"}, path) for path in PLACES.split()),
]
