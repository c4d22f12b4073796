"""What is recorded of a test, and what it means for progress: statements first, everything else follows."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import select

from courses.learning.models import ActivityProgress
from lms.cli import check_projections
from lms.db import Database
from lms.xapi.vocabulary import ANSWERED, ATTEMPTED, FAILED, PASSED
from tests.assessments.sitting import SINGLES, TEST, Sitting

BASE = "https://quan-triet.example/xapi/courses/demo"


def test_starting_is_said_once_and_begins_the_course(sitting: Sitting) -> None:
    sitting.start()
    (said,) = sitting.statements()
    assert said["verb"]["id"] == ATTEMPTED
    assert said["object"]["id"] == f"{BASE}/activities/m1-test"
    assert said["object"]["definition"]["name"]["vi"] == "Bài kiểm tra chuyên đề 1: Chuyên đề 1"
    assert said["context"]["revision"] == "1"
    assert said["context"]["contextActivities"] == {
        "parent": [{"objectType": "Activity", "id": f"{BASE}/activities/m1"}],
        "grouping": [{"objectType": "Activity", "id": BASE}],
    }
    assert "result" not in said


def test_handing_in_says_each_answer_and_then_how_it_ended(sitting: Sitting) -> None:
    sitting.settings(questions=10)
    sitting.start()
    right = sitting.right()
    kinds = {one.kind: one for one in sitting.paper()}
    given = {one.position: right[one.position] for one in kinds.values()}
    given[kinds["match"].position] = [0, 2, 1]
    given[kinds["order"].position] = [*right[kinds["order"].position][:-1], None]
    sitting.hand_in(given)
    began, *answers, ended = sitting.statements()
    assert {one["verb"]["id"] for one in answers} == {ANSWERED}
    assert len(answers) == 4  # the six questions that were not answered are not said to be
    said = {one["object"]["id"]: one for one in answers}
    for kind, interaction, success in (
        ("single", "choice", True),
        ("multiple", "choice", True),
        ("match", "matching", False),
        ("order", "sequencing", False),
    ):
        one = said[f"{BASE}/questions/{kinds[kind].code}/1"]
        assert one["object"]["definition"]["interactionType"] == interaction
        assert one["object"]["definition"]["name"]["vi"] == kinds[kind].stem
        assert one["result"]["success"] is success
        assert one["context"]["contextActivities"]["parent"][0]["id"] == f"{BASE}/activities/m1-test"
    assert said[f"{BASE}/questions/{kinds['match'].code}/1"]["result"]["score"]["scaled"] == 1 / 3
    assert ended["verb"]["id"] == FAILED
    attempt = sitting.attempts()[0]
    assert ended["result"]["score"] == {
        "scaled": attempt.scaled,
        "raw": (attempt.scaled or 0) * 10,
        "min": 0,
        "max": 10,
    }
    assert (ended["result"]["success"], ended["result"]["completion"]) == (False, True)
    assert ended["result"]["duration"].startswith("PT")
    assert {one["context"]["registration"] for one in (began, *answers, ended)} == {began["context"]["registration"]}
    moments = [datetime.fromisoformat(one["timestamp"]) for one in (began, *answers, ended)]
    assert moments == sorted(moments)


def test_a_response_can_be_read_by_the_names_of_the_choices_and_says_nothing_of_the_key(sitting: Sitting) -> None:
    sitting.settings(questions=10)
    sitting.start()
    sitting.hand_in(sitting.right())
    papers = {f"{BASE}/questions/{one.code}/1": one for one in sitting.paper()}
    for said in sitting.statements()[1:-1]:
        one, definition = papers[said["object"]["id"]], said["object"]["definition"]
        response = said["result"]["response"]
        if one.kind == "match":
            left, right = texts(definition["source"]), texts(definition["target"])
            pairs = [pair.split("[.]") for pair in response.split("[,]")]
            assert [(left[a], right[b]) for a, b in pairs] == list(zip(one.options, one.answers, strict=True))
        else:
            choices = texts(definition["choices"])
            assert list(choices) == sorted(choices)
            chosen = [choices[name] for name in response.split("[,]")]
            expected = one.options if one.kind == "order" else [one.options[position] for position in one.key]
            assert chosen == expected if one.kind == "order" else set(chosen) == set(expected)


def test_no_name_no_key_and_no_explanation_enters_a_statement(sitting: Sitting) -> None:
    sitting.start()
    sitting.hand_in(sitting.right())
    everything = json.dumps(sitting.statements(), ensure_ascii=False)
    for secret in (sitting.learner.full_name, "correctResponsesPattern", "EXPLAINED"):
        assert secret not in everything
    assert str(sitting.learner.public_id) in everything


def test_progress_follows_from_what_was_said_and_can_be_rebuilt(sitting: Sitting) -> None:
    for knows in (False, True, False):
        sitting.start(SINGLES)
        sitting.hand_in(sitting.right() if knows else {})
    with sitting.make.reading() as session:
        (result,) = session.scalars(select(ActivityProgress))
    assert (result.attempts, result.first_score, result.best_score, result.last_score) == (3, 0.0, 1.0, 0.0)
    database: Database = sitting.make.database
    assert {name: lines for name, lines in check_projections(database).items() if lines} == {}


def test_the_last_required_test_completes_the_course(sitting: Sitting) -> None:
    for lesson in ("m1-1", "m1-2", "m2-1", "m2-2"):
        sitting.browser.get(f"/courses/demo/lessons/{lesson}")
        sitting.browser.submit("/finish")
    sitting.start(TEST)
    sitting.hand_in(sitting.right())
    assert len(sitting.statements()) == 4 + 6
    sitting.start(SINGLES)
    sitting.hand_in(sitting.right())
    *_, passed, completed = sitting.statements()
    assert passed["verb"]["id"] == PASSED
    assert completed["object"]["id"] == BASE
    assert completed["verb"]["id"].endswith("/completed")


def texts(components: list[dict[str, Any]]) -> dict[str, str]:
    return {one["id"]: one["description"]["vi"] for one in components}
