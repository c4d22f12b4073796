"""The rules on values, as cases."""

from typing import Any

from tests.conformance.cases import (
    AGENT,
    FIRST,
    GONE,
    GROUP,
    ID,
    INTERACTION,
    IRI,
    SECOND,
    SUBSTATEMENT,
    Case,
    breaks,
    holds,
)

OF_ACCOUNTS = "4.2.2.1 / Data 2.4.2.4 / XAPI-00041, XAPI-00042, XAPI-00043"
OF_AGENTS = "4.2.2.1 / Data 2.4.2.1 / XAPI-00032, XAPI-00034"
OF_ACTORS = "4.2.2.1 / Data 2.4.2 / XAPI-00009, XAPI-00031"
OF_GROUPS = "4.2.2.1 / Data 2.4.2.2 / XAPI-00035, XAPI-00036, XAPI-00037"
OF_TEAMS = "4.2.2.5 / Data 2.4.6 / XAPI-00088"
OF_AUTHORITIES = "4.2.4.2 / Data 2.4.9 / XAPI-00098, XAPI-00100"
OF_REFERENCES = "4.2.2.3 / Data 2.4.4.3 / XAPI-00072, XAPI-00073"
OF_ACTIVITIES_ONLY = "4.2.2.5 / Data 2.4.6 / XAPI-00084, XAPI-00085"
OF_LANGUAGES = "4.2.7 / Data 4.2 / XAPI-00013, XAPI-00091, XAPI-00121"
OF_EXTENSIONS = "4.2.7 / Data 4.1 / XAPI-00118, XAPI-00119, XAPI-00120"
OF_VERSIONS = "4.2.4.3 / Data 2.4.10 / XAPI-00101"
OF_VOIDING = "4.2.5 / Data 2.3.2 / XAPI-00017, XAPI-00019, XAPI-00020"
ACCOUNT = {"homePage": "https://example.vn", "name": "an"}
SHA1 = "0" * 40


def forms(section: str, path: str, good: list[Any], bad: list[Any], **others: Any) -> list[Case]:
    """Values of one property that keep its form, and values that do not."""
    key = path.replace(".", "__")
    return [
        *(holds(section, f"{path} may be {value!r}", **others, **{key: value}) for value in good),
        *(breaks(section, f"{path} is no {value!r}", path, **others, **{key: value}) for value in bad),
    ]


UUIDS = forms(
    "4.2.4.2, 4.2.7 / Data 2.4.1, 4.4 / XAPI-00027, XAPI-00028, XAPI-00029, XAPI-00030",
    "id",
    [ID.upper(), "00000000-0000-0000-0000-000000000000", "018f3e2b-7c1d-7a3e-9b4f-0123456789ab", "C" + ID[1:]],
    ["", "abc", ID + "0", ID[:-1], ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", "g" + ID[1:], ID + "\n"],
)
IRIS = forms(
    "4.2.7 / Data 4.3 / XAPI-00007, XAPI-00011",
    "verb.id",
    ["urn:x:y", "tag:example.vn,2026:a", "https://ví-dụ.vn/tiếng/việt?q=đ#ơ", "HTTPS://EXAMPLE.VN", "x:" + "a" * 1_990],
    [
        "",
        "attended",
        "example.vn/x",
        "//example.vn/x",
        "http:",
        "ab=c://x",
        "1http://x",
        "http://a b",
        "http://a/<b>",
        "x:\n",
        "x:" + "a" * 2000,
        "http://a/{b}",
    ],
)
ADDRESSES = forms(
    "4.2.2.1 / Data 2.4.2.3 / XAPI-00038",
    "actor.mbox",
    ["mailto:a@b", "mailto:nguyễn.an+x@ví-dụ.vn", "mailto:a'b@example.vn", "mailto:a@[127.0.0.1]"],
    [
        "an@example.vn",
        "mailto:an",
        "mailto:",
        "mailto:@b",
        "mailto:a@",
        "mailto:a b@c",
        "MAILTO:a@b",
        "mailto:a@b@c",
        "mailto:a@b?subject=x",
        "mailto:a@b,c@d",
    ],
)
IDENTIFIERS = [
    *forms(
        "4.2.2.1 / Data 2.4.2.3 / XAPI-00039",
        "actor.mbox_sha1sum",
        [SHA1, "A" * 40],
        ["", "0" * 39, "g" * 40],
        actor__mbox=GONE,
    ),
    *forms(
        "4.2.2.1 / Data 2.4.2.3 / XAPI-00040",
        "actor.openid",
        ["https://an.example.vn/"],
        ["an.example.vn", ""],
        actor__mbox=GONE,
    ),
    *forms(OF_ACCOUNTS, "actor.account", [ACCOUNT], [{}, [], "an"], actor__mbox=GONE),
    *(
        breaks(
            OF_ACCOUNTS,
            f"an account has no {value!r}",
            f"actor.account.{name}",
            actor={"account": account},
        )
        for name, value in (("homePage", "example.vn"), ("homePage", ""), ("name", 1), ("name", None))
        for account in [{**ACCOUNT, name: value}]
    ),
    *(
        breaks(
            OF_AGENTS,
            f"an agent has one identifier, not {name} too",
            "actor",
            **{f"actor__{name}": value},
        )
        for name, value in (("account", ACCOUNT), ("openid", IRI), ("mbox_sha1sum", SHA1))
    ),
    breaks(OF_AGENTS, "an agent has no members", "actor", actor__member=[AGENT]),
    breaks(OF_ACTORS, "an actor is no activity", "actor.objectType", actor__objectType="Activity"),
    breaks(OF_ACTORS, "agent is no objectType", "actor.objectType", actor__objectType="agent"),
]
GROUPS = [
    holds(OF_GROUPS, "a group without identifier lists its members", actor=GROUP),
    holds(OF_GROUPS, "a group with identifier may leave them out", actor={**AGENT, "objectType": "Group"}),
    holds(OF_GROUPS, "a group with identifier may list them", actor={**GROUP, "openid": IRI, "name": "Tổ"}),
    breaks(OF_GROUPS, "a group is known by something", "actor", actor={"objectType": "Group", "name": "Tổ"}),
    breaks(OF_GROUPS, "a group has one identifier", "actor", actor={**GROUP, **AGENT, "openid": IRI}),
    breaks(OF_GROUPS, "members stand in a list", "actor.member", actor={**GROUP, "member": AGENT}),
    breaks(
        OF_GROUPS,
        "no group is a member",
        "actor.member[0].objectType",
        actor={**GROUP, "member": [GROUP]},
    ),
    breaks(OF_GROUPS, "a member is an agent", "actor.member[1]", actor={**GROUP, "member": [AGENT, {}]}),
    breaks(
        OF_TEAMS,
        "a team is a group",
        "context.team.objectType",
        context__team={**AGENT, "objectType": "Agent"},
    ),
    breaks(OF_TEAMS, "a team says that it is a group", "context.team", context__team=AGENT),
    holds(OF_TEAMS, "an instructor may be a group", context__instructor=GROUP),
]
TWO_AGENTS = {"objectType": "Group", "member": [{"account": ACCOUNT}, AGENT]}
AUTHORITY = [
    holds(OF_AUTHORITIES, "an authority may be two agents", authority=TWO_AGENTS),
    breaks(OF_AUTHORITIES, "not one", "authority", authority=GROUP),
    breaks(OF_AUTHORITIES, "not three", "authority", authority={**GROUP, "member": [AGENT] * 3}),
    breaks(OF_AUTHORITIES, "one of the two has an account", "authority", authority={**GROUP, "member": [AGENT] * 2}),
    breaks(OF_AUTHORITIES, "the two have no common name", "authority", authority={**TWO_AGENTS, **AGENT}),
]
DEFINITION = (
    "4.2.2.3 / Data 2.4.4.1 / XAPI-00049, XAPI-00050, XAPI-00051, XAPI-00052, XAPI-00053, "
    "XAPI-00054, XAPI-00055, XAPI-00058, XAPI-00062, XAPI-00063, XAPI-00064"
)
INTERACTIONS = [
    holds(DEFINITION, "choice lists choices", object__definition=INTERACTION),
    *(
        holds(DEFINITION, f"{kind} is an interaction", object__definition={"interactionType": kind})
        for kind in [
            "true-false",
            "choice",
            "fill-in",
            "long-fill-in",
            "matching",
            "performance",
            "sequencing",
            "likert",
            "numeric",
            "other",
        ]
    ),
    *(
        holds(DEFINITION, f"{kind} lists {name}", object__definition={"interactionType": kind, name: [{"id": "a"}]})
        for kind, name in (
            ("sequencing", "choices"),
            ("likert", "scale"),
            ("matching", "source"),
            ("matching", "target"),
            ("performance", "steps"),
        )
    ),
    *(
        breaks(
            DEFINITION,
            f"{kind} lists no {name}",
            f"object.definition.{name}",
            object__definition={"interactionType": kind, name: [{"id": "a"}]},
        )
        for kind, name in (("true-false", "choices"), ("choice", "scale"), ("likert", "steps"), ("numeric", "source"))
    ),
    *forms(DEFINITION, "object.definition.interactionType", ["other"], ["Choice", "essay", "", None, []]),
    breaks(
        DEFINITION,
        "a pattern needs its interaction type",
        "object.definition",
        object__definition={"correctResponsesPattern": ["a"]},
    ),
    *(
        breaks(DEFINITION, says, f"object.definition.{wrong}", object__definition={**INTERACTION, name: value})
        for says, wrong, name, value in (
            ("patterns stand in a list", "correctResponsesPattern", "correctResponsesPattern", "a"),
            ("a pattern is a string", "correctResponsesPattern[0]", "correctResponsesPattern", [1]),
            ("choices stand in a list", "choices", "choices", {"id": "a"}),
            ("a component has an id", "choices[0]", "choices", [{}]),
            ("its id is a string", "choices[0].id", "choices", [{"id": 1}]),
            ("ids of components differ", "choices", "choices", [{"id": "a"}, {"id": "a"}]),
            (
                "a component is described by a language map",
                "choices[0].description",
                "choices",
                [{"id": "a", "description": "A"}],
            ),
            ("a component has no other property", "choices[0]", "choices", [{"id": "a", "text": "A"}]),
        )
    ),
]
PLAIN = {"context__revision": GONE, "context__platform": GONE}
OBJECT = "4.2.2.3 / Data 2.4.4.2 / XAPI-00046, XAPI-00065"
REFERENCE = {"objectType": "StatementRef", "id": ID}
OBJECTS = [
    holds(OBJECT, "an object may be an agent", object={**AGENT, "objectType": "Agent"}, **PLAIN),
    holds(OBJECT, "an object may be a group", object=GROUP, **PLAIN),
    breaks(OBJECT, "an agent as object says that it is one", "object", object=AGENT, **PLAIN),
    breaks(OBJECT, "an object has a known kind", "object", object={"objectType": "activity", "id": IRI}),
    breaks(OBJECT, "its kind is a string", "object", object={"objectType": ["Activity"], "id": IRI}),
    holds(OF_REFERENCES, "an object may refer to a statement", object=REFERENCE, **PLAIN),
    breaks(OF_REFERENCES, "by a UUID", "object.id", object={**REFERENCE, "id": IRI}, **PLAIN),
    breaks(OF_REFERENCES, "and nothing more", "object", object={**REFERENCE, "definition": {}}, **PLAIN),
    *(
        breaks(OF_ACTIVITIES_ONLY, f"{name} is said of activities only", f"context.{name}", object=REFERENCE, **kept)
        for name in ("revision", "platform")
        for kept in [{key: value for key, value in PLAIN.items() if not key.endswith(name)}]
    ),
]
SUB = "4.2.2.3 / Data 2.4.4.3 / XAPI-00066, XAPI-00067, XAPI-00068, XAPI-00069, XAPI-00070, XAPI-00071"
SUBSTATEMENTS = [
    holds(SUB, "an object may be a statement inside", object=SUBSTATEMENT, **PLAIN),
    *(
        holds(SUB, f"its object may be {inner['objectType']}", object=inside, **PLAIN)
        for inner in ({**AGENT, "objectType": "Agent"}, GROUP, REFERENCE)
        for inside in [{**SUBSTATEMENT, "object": inner, "context": {}}]
    ),
    *(
        breaks(SUB, f"it has no {name}", "object", object={**SUBSTATEMENT, name: value}, **PLAIN)
        for name, value in (
            ("id", ID),
            ("stored", "2026-03-01T00:00:00Z"),
            ("version", "1.0.0"),
            ("authority", AGENT),
        )
    ),
    *(
        breaks(SUB, f"it has a {name}", "object", object={k: v for k, v in SUBSTATEMENT.items() if k != name}, **PLAIN)
        for name in ("actor", "verb", "object")
    ),
    breaks(SUB, "it holds no other", "object.object", object={**SUBSTATEMENT, "object": SUBSTATEMENT}, **PLAIN),
    breaks(
        SUB,
        "it keeps the rules",
        "object.result.score.scaled",
        object={**SUBSTATEMENT, "result": {"score": {"scaled": 2}}},
        **PLAIN,
    ),
    breaks(
        SUB,
        "its platform too",
        "object.context.platform",
        object={**SUBSTATEMENT, "object": REFERENCE, "context": {"platform": "x"}},
        **PLAIN,
    ),
]
SCORE = "4.2.2.4 / Data 2.4.5.1 / XAPI-00080, XAPI-00081, XAPI-00082, XAPI-00083"
SCORES = [
    *forms(SCORE, "result.score.scaled", [-1, 1, 0, 1.0, -0.25, 1e-300], [1.0001, -1.01, 2, -1e308]),
    *forms(SCORE, "result.score.raw", [0, 10, 10.0, 3.3], [10.5, -0.1, 1e308]),
    *forms(SCORE, "result.score.min", [5, -1e308, 4.999], [10, 11]),
    breaks(SCORE, "max lies above min", "result.score.min", result__score={"min": 1, "max": 1}),
    holds(SCORE, "raw alone is free", result__score={"raw": -1e308}),
    holds(SCORE, "a score may be empty", result__score={}),
    breaks(SCORE, "raw is at least min", "result.score.raw", result__score={"raw": 1, "min": 2}),
]
DURATIONS = forms(
    "4.2.7 / Data 4.6 / XAPI-00077, XAPI-00124",
    "result.duration",
    ["PT0S", "P1D", "P1Y2M3DT4H5M6.78S", "P4W", "PT0.5H", "PT1.2345678S", "P0.5Y", "PT100000H", "PT1,5S"],
    [
        "",
        "P",
        "PT",
        "P1DT",
        "1H",
        "PT1",
        "P4W1D",
        "PT1H2H",
        "P1H",
        "PT1D",
        "P0.5Y1M",
        "-PT1S",
        "P0001-00-00T00:00:00",
        "pt1s",
    ],
)
TIMES = [
    *forms(
        "4.2.7 / Data 4.5 / XAPI-00022, XAPI-00123",
        "timestamp",
        [
            "2026-03-01T08:30:00Z",
            "2026-03-01T08:30:00.123456789+07:00",
            "2016-12-31T23:59:60Z",
            "2017-01-01T06:59:60.5+07:00",
            "2024-02-29t00:00:00z",
            "2026-03-01 08:30:00.601+00:00",
            "2026-03-01T08:30:00-05:00",
            "2099-01-01T00:00:00Z",
        ],
        [
            "",
            "today",
            "2026-03-01",
            "01/03/2026",
            "2026-3-1T08:30:00Z",
            "2026-02-29T00:00:00Z",
            "2026-03-01T25:00:00Z",
            "2026-03-01T08:30:00-00:00",
            "2026-03-01T08:30:00-0000",
            "2026-03-01T08:30:00-00",
            "2026-03-01T08:30:00+99:00",
            "0001-01-01T00:00:00+14:00",
            "2026-03-01T08:30:00Z\n",
            "20260301T083000Z",
            "2026-W09-7T08:30:00Z",
            "2026-060T08:30:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T08:60:00Z",
            "2026-03-01T08:30:60Z",
            "2026-03-01T08:30:61Z",
            "2026-03-01T08:30:00+07:60",
            "2026-03-01T08:30:00+7:00",
            "2026-03-01T08:30:00.Z",
            "2026-03-01T08:30:00 Z",
            "2026-03-01_08:30:00Z",
            "02026-03-01T08:30:00Z",
            "２026-03-01T08:30:00Z",
        ],
    ),
    # What 1.0.3 takes of ISO 8601, and RFC 3339, hence 2.0, does not.
    *(
        case
        for value in (
            "2026-03-01T08:30:00",
            "2026-03-01T08:30Z",
            "2026-03-01T08:30:00,5Z",
            "2026-03-01T08:30:00-0500",
            "2026-03-01T08:30:00+07",
        )
        for case in (
            holds("Data 4.5", f"1.0.3 takes {value}", FIRST, timestamp=value),
            breaks("4.2.7", f"2.0 does not take {value}", "timestamp", SECOND, timestamp=value),
        )
    ),
    breaks("4.2.4.2 / Data 2.4.8 / XAPI-00023", "stored is a time too", "stored", stored="yesterday"),
]
LANGUAGES = [
    *forms(
        OF_LANGUAGES,
        "context.language",
        [
            "vi",
            "vi-VN",
            "zh-Hant-TW",
            "sl-rozaj-biske",
            "de-CH-1996",
            "es-419",
            "en-a-bbb-x-c",
            "x-abc",
            "i-klingon",
            "VI",
            "tyz",
        ],
        ["", "v", "vietnamese1", "vi_VN", "vi-", "-vi", "vi--VN", "a12345678", "vi-VN-V", "vi VN"],
    ),
    *(
        breaks(OF_LANGUAGES, f"{path} keeps to language tags", path, **{path.replace(".", "__"): {"a12345678": "x"}})
        for path in (
            "verb.display",
            "object.definition.name",
            "object.definition.description",
            "attachments.0.description",
        )
        if not path.startswith("attachments")
    ),
    breaks(OF_LANGUAGES, "a text in a language is a string", "verb.display.vi", verb__display={"vi": 1}),
    breaks(OF_LANGUAGES, "null is no text", "verb.display.vi", verb__display={"vi": None}),
]
EXTENSIONS = [
    case
    for path in ("result.extensions", "context.extensions", "object.definition.extensions")
    for key in [path.replace(".", "__")]
    for case in (
        holds(OF_EXTENSIONS, f"{path} may hold anything", **{key: {IRI: [None, {"": 1e308}, "", 2**70, {}]}}),
        holds(OF_EXTENSIONS, f"{path} may be empty", **{key: {}}),
        breaks(OF_EXTENSIONS, f"keys of {path} are IRIs", path, **{key: {"phong": 1}}),
    )
]
PARENTS = "4.2.2.5 / Data 2.4.6.2 / XAPI-00086, XAPI-00093, XAPI-00094"
CONTEXT_ACTIVITIES = [
    holds(PARENTS, "a single activity may stand without a list", context__contextActivities={"parent": {"id": IRI}}),
    holds(PARENTS, "there may be none of them", context__contextActivities={}),
    holds(PARENTS, "a list may be empty", context__contextActivities={"other": []}),
    breaks(PARENTS, "there are four kinds", "context.contextActivities", context__contextActivities={"parents": []}),
    breaks(
        PARENTS,
        "they are activities",
        "context.contextActivities.other[0].objectType",
        context__contextActivities={"other": [GROUP]},
    ),
    breaks(PARENTS, "with an id", "context.contextActivities.parent", context__contextActivities={"parent": {}}),
    breaks(PARENTS, "no strings", "context.contextActivities.parent", context__contextActivities={"parent": IRI}),
]
ROLE = {"objectType": "contextAgent", "agent": AGENT}
PARTY = {"objectType": "contextGroup", "group": GROUP}
NEW = "4.2.2.5"
CONTEXT_OF_2 = [
    holds(
        NEW, "agents may stand in the context", SECOND, context__contextAgents=[{**ROLE, "relevantTypes": [IRI]}, ROLE]
    ),
    holds(NEW, "groups may stand in the context", SECOND, context__contextGroups=[{**PARTY, "relevantTypes": [IRI]}]),
    holds(
        NEW, "inside a statement too", SECOND, object={**SUBSTATEMENT, "context": {"contextAgents": [ROLE]}}, **PLAIN
    ),
    breaks("Data 2.4.6", "1.0.3 knows none", "context", FIRST, context__contextAgents=[ROLE]),
    breaks("Data 2.4.6", "nor groups", "context", FIRST, context__contextGroups=[PARTY]),
    *(
        breaks(NEW, says, f"context.{name}{wrong}", SECOND, **{f"context__{name}": value})
        for says, name, wrong, value in (
            ("they stand in a list", "contextAgents", "", ROLE),
            ("each says what it is", "contextAgents", "[0]", [{"agent": AGENT}]),
            ("in these words", "contextAgents", "[0].objectType", [{**ROLE, "objectType": "Agent"}]),
            ("with its agent", "contextAgents", "[0]", [{"objectType": "contextAgent"}]),
            (
                "who is no group",
                "contextAgents",
                "[0].agent.objectType",
                [{**ROLE, "agent": {**AGENT, "objectType": "Group"}}],
            ),
            ("relevant types are some", "contextAgents", "[0].relevantTypes", [{**ROLE, "relevantTypes": []}]),
            ("and IRIs", "contextAgents", "[0].relevantTypes[0]", [{**ROLE, "relevantTypes": ["abc"]}]),
            ("a group is a group", "contextGroups", "[0].group", [{**PARTY, "group": AGENT}]),
            ("in these words", "contextGroups", "[0].objectType", [{**PARTY, "objectType": "contextAgent"}]),
            ("types of groups are IRIs", "contextGroups", "[0].relevantTypes[0]", [{**PARTY, "relevantTypes": [""]}]),
            ("nothing more is said", "contextGroups", "[0]", [{**PARTY, "name": "x"}]),
        )
    ),
]
VERSIONS = [
    *(holds(OF_VERSIONS, f"{value} is a version", version=value) for value in ("1.0", "1.0.0", "1.0.3", "1.0.9")),
    *(
        breaks(OF_VERSIONS, f"{value!r} is none", "version", version=value)
        for value in ("0.9", "1.1.0", "1", "2.1.0", "", "v1.0.0")
    ),
    holds("4.2.4.3", "2.0 takes its own", SECOND, version="2.0.0"),
    breaks("Data 2.4.10", "1.0.3 does not", "version", FIRST, version="2.0.0"),
]
VOID = {"verb__id": "http://adlnet.gov/expapi/verbs/voided"}
VOIDING = [
    holds(OF_VOIDING, "a statement that voids refers to another", object=REFERENCE, **VOID, **PLAIN),
    breaks(OF_VOIDING, "and to nothing else", "object", **VOID),
    breaks(OF_VOIDING, "no statement inside", "object", object=SUBSTATEMENT, **VOID, **PLAIN),
]
PAPER = "4.2.2.6 / Data 2.4.11 / XAPI-00025, XAPI-00102, XAPI-00103, XAPI-00104, XAPI-00105, XAPI-00106, XAPI-00107"
ATTACHMENTS = [
    holds(PAPER, "there may be none", attachments=[]),
    *forms(PAPER, "attachments.0.length".replace(".0", ".0"), [0, 2**40], []),
    *(
        breaks(PAPER, f"{name} is no {value!r}", f"attachments[0].{name}", **{f"attachments__0__{name}": value})
        for name, value in (
            ("usageType", "giay"),
            ("contentType", "text"),
            ("contentType", ""),
            ("length", -1),
            ("length", 1.5),
            ("length", "3"),
            ("sha2", "abc"),
            ("sha2", "g" * 64),
            ("fileUrl", "giay.txt"),
            ("display", "Giấy"),
            ("description", {"a12345678": "x"}),
        )
    ),
    *(holds(PAPER, f"a SHA-2 of {length * 4} bits", attachments__0__sha2="b" * length) for length in (56, 64, 96, 128)),
    breaks(PAPER, "nothing more is said", "attachments[0]", attachments__0__name="x"),
]
VALUE_CASES = [
    *UUIDS,
    *IRIS,
    *ADDRESSES,
    *IDENTIFIERS,
    *GROUPS,
    *AUTHORITY,
    *INTERACTIONS,
    *OBJECTS,
    *SUBSTATEMENTS,
    *SCORES,
    *DURATIONS,
    *TIMES,
    *LANGUAGES,
    *EXTENSIONS,
    *CONTEXT_ACTIVITIES,
    *CONTEXT_OF_2,
    *VERSIONS,
    *VOIDING,
    *ATTACHMENTS,
]
