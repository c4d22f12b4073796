"""The published profile: what it holds, and that every statement our own pages write is one it knows."""

import copy
import hashlib
import json
import re
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from courses.briefings.statements import Told, handed_in, judged, was_seen
from lms import clock
from lms.records.render import VERSION, profile, profile_iri
from lms.xapi.vocabulary import SAYINGS, TYPE_MEANINGS, TYPE_NAMES, VERB_MEANINGS, VERB_NAMES, verb_iri
from tests.assessments.sitting import FINAL, SINGLES, TEST, Sitting, questions_and_a_learner
from tests.courses.learner import COURSE
from tests.kept import kept
from tests.lms.profile import faults, follows, templates_of
from tests.make import Make

HOME = "https://quan-triet.example"
DIGESTS = {1: "51c7ca90397ff0ef", 2: "31988abafced26e8"}
"""The profile of each version, as it was published. Whoever changes it publishes the next version."""
IRI = re.compile(r"https?://\S+")


@pytest.fixture
def sitting(make: Make, tmp_path: Path) -> Sitting:
    """A learner of the small course with questions of every kind."""
    return Sitting(make, library=tmp_path, learner=kept(make, tmp_path, questions_and_a_learner))


def published(make: Make) -> dict[str, Any]:
    """The profile as anybody reads it."""
    answer = make.app.test_client().get("/xapi/profile")
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.data)
    return found


def study_everything(sitting: Sitting) -> None:
    """Walk the product as a learner: begin, finish every lesson, fail a test, then pass all of them."""
    browser = sitting.browser
    browser.get(COURSE)
    browser.submit("Bắt đầu")
    for lesson in ("m1-1", "m1-2", "m2-1", "m2-2"):
        browser.get(f"{COURSE}/lessons/{lesson}")
        browser.submit("/finish")
    sitting.settings(questions=10)
    sitting.start()
    sitting.hand_in({1: sitting.right()[1]})
    for test in (TEST, SINGLES, FINAL):
        sitting.start(test)
        sitting.hand_in(sitting.right())


def told_of_a_briefing(sitting: Sitting) -> list[dict[str, Any]]:
    """All that is ever said of meeting points and reflections."""
    told, person, other = Told(HOME, "dot-1", "Đợt 1", 3), sitting.learner.public_id, uuid.uuid4()
    at = clock.now()
    seen = [
        was_seen(told, person, session="1", point="p1", name="Điểm cầu", state=state, at=at, host=other)
        for state in ("present", "late", "left_early", "excused", "unexcused")
    ]
    read = [judged(told, person, accepted=accepted, at=at, reader=other) for accepted in (True, False)]
    return [*seen, handed_in(told, person, at=at), *read]


def test_every_statement_our_pages_write_is_one_the_profile_knows(make: Make, sitting: Sitting) -> None:
    study_everything(sitting)
    known, statements = published(make), sitting.statements()
    assert [line for one in statements for line in faults(known, one)] == []
    statements += told_of_a_briefing(sitting)
    assert [line for one in statements for line in faults(known, one)] == []
    assert "extensions" not in json.dumps(statements)  # one that is said is a concept of the profile first
    said = {templates_of(known, one)[0]["id"].rpartition("/")[2] for one in statements}
    assert said == {saying.name for saying in SAYINGS}  # and nothing stands in it that no page says


def test_what_is_said_under_one_registration_follows_the_pattern(make: Make, sitting: Sitting) -> None:
    study_everything(sitting)
    other = Sitting(make, library=sitting.library)
    other.start()  # without having begun the course
    known = published(make)
    told = defaultdict(list)
    for one in sitting.statements():
        told[one["context"]["registration"]].append(templates_of(known, one)[0]["id"])
    [primary] = [one["id"] for one in known["patterns"] if one["primary"]]
    assert len(told) == 2
    assert all(follows(known, primary, names) for names in told.values())
    assert not follows(known, primary, [*next(iter(told.values()))[:2], "https://example.vn/templates/unknown"])


UNKNOWN: list[tuple[tuple[str, ...], Any]] = [
    (("verb", "id"), "http://adlnet.gov/expapi/verbs/experienced"),
    (("object", "definition", "type"), "http://adlnet.gov/expapi/activities/media"),
    (("context", "registration"), None),
    (("context", "revision"), None),
    (("context", "platform"), "Hệ thống khác"),
    (("context", "contextActivities"), None),
    (("result", "completion"), None),
    (("result", "completion"), False),
    (("result",), None),
    (("actor", "name"), "Nguyễn Văn An"),
    (("object", "definition", "name"), None),
    (("object", "definition", "correctResponsesPattern"), ["a"]),
]
"""A place in the statement of a finished lesson, and what no page of ours ever says there; None: it is missing."""


def test_a_sentence_the_profile_does_not_know_is_found(make: Make, sitting: Sitting) -> None:
    browser = sitting.browser
    browser.get(f"{COURSE}/lessons/m1-1")
    browser.submit("/finish")
    told, known = sitting.statements()[-1], published(make)
    assert faults(known, told) == []
    for path, value in UNKNOWN:
        changed = copy.deepcopy(told)
        place = changed
        for name in path[:-1]:
            place = place[name]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        assert faults(known, changed) != [], (path, value)


def test_the_profile_is_open_to_everyone_under_its_own_name_and_that_of_its_version(app: Flask, make: Make) -> None:
    client = app.test_client()
    answer = client.get("/xapi/profile")
    assert answer.content_type == "application/ld+json"
    assert "max-age" in answer.headers["Cache-Control"]
    found = answer.get_json(force=True)
    assert found["id"] == profile_iri(HOME) == f"{HOME}/xapi/profile"
    [version] = found["versions"]
    assert client.get(version["id"].removeprefix(HOME)).data == answer.data
    assert client.get(f"/xapi/profile/{VERSION + 1}").status_code == 404
    assert client.get("/xapi/profile/0").status_code == 404
    assert client.head("/xapi/profile").status_code == 200


def test_each_name_of_the_profile_leads_to_its_entry_for_pages_of_any_site(make: Make) -> None:
    client, whole = make.app.test_client(), published(make)
    for one in (*whole["concepts"], *whole["templates"], *whole["patterns"]):
        address = one["id"].removeprefix(HOME)
        answer = client.get(address, headers={"Origin": "https://elsewhere.example"})
        assert answer.content_type == "application/ld+json"
        assert answer.get_json(force=True) == {"@context": whole["@context"], **one}
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        plain = client.get(address, headers={"Accept": "application/json"})  # Data 3.2: hosted metadata
        assert plain.get_json() == {"name": one["prefLabel"], "description": one["definition"]}
    assert client.get("/xapi/profile").headers["Access-Control-Allow-Origin"] == "*"
    for unknown in ("/xapi/profile/verbs/voided", "/xapi/profile/verbs/", "/xapi/profile/1/2"):
        assert client.get(unknown).status_code == 404


CONCEPTS = {"Verb", "ActivityType", "ActivityExtension", "ContextExtension", "ResultExtension"}


def test_the_profile_has_the_shape_the_specification_asks_for() -> None:
    found = profile(HOME)
    assert found["@context"] == "https://w3id.org/xapi/profiles/context"
    assert found["conformsTo"] == "https://w3id.org/xapi/profiles#1.0"
    parts = [*found["concepts"], *found["templates"], *found["patterns"]]
    version = found["versions"][0]["id"]
    assert {one["inScheme"] for one in parts} == {version}
    ids = [found["id"], version, *(one["id"] for one in parts)]
    assert len(ids) == len(set(ids))
    assert all(IRI.fullmatch(one) and one.startswith(HOME) for one in ids)
    for one in (found, *parts):
        assert set(one["prefLabel"]) == set(one["definition"]) == {"vi", "en"}
    others = [iri for iri in (*VERB_NAMES, *TYPE_NAMES) if not iri.startswith("/")]
    assert [one["exactMatch"] for one in found["concepts"] if "exactMatch" in one] == [[iri] for iri in others]
    assert {verb_iri(HOME, iri) for iri in VERB_NAMES if iri.startswith("/")} <= set(ids)
    assert {one["type"] for one in found["concepts"]} <= CONCEPTS
    assert {one["type"] for one in found["templates"]} == {"StatementTemplate"}
    assert {one["type"] for one in found["patterns"]} == {"Pattern"}
    shapes = {"alternates", "optional", "oneOrMore", "sequence", "zeroOrMore"}
    for one in found["patterns"]:
        [shape] = shapes & set(one)
        members = one[shape] if isinstance(one[shape], list) else [one[shape]]
        assert set(members) <= set(ids)
    for one in found["templates"]:
        assert all(rule.keys() & {"presence", "any", "all", "none"} for rule in one["rules"])


def test_every_word_of_the_vocabulary_has_its_meaning() -> None:
    assert VERB_NAMES.keys() == VERB_MEANINGS.keys()
    assert TYPE_NAMES.keys() == TYPE_MEANINGS.keys()
    assert {one.verb for one in SAYINGS} == VERB_NAMES.keys()
    assert len({(one.verb, one.type) for one in SAYINGS}) == len(SAYINGS)


def test_another_wording_of_the_profile_is_another_version() -> None:
    written = json.dumps(profile(HOME), sort_keys=True, ensure_ascii=False).encode()
    assert hashlib.sha256(written).hexdigest()[:16] == DIGESTS[VERSION]
