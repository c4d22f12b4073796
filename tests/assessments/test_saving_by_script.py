"""What the script of the paper is told when it saves: always JSON, and never more than it sent is changed."""

from typing import Any

from werkzeug.test import TestResponse

from lms.accounts.session import end_all_sessions
from tests.assessments.sitting import SINGLES, Sitting
from tests.browser import ORIGIN


def send(sitting: Sitting, path: str, **fields: str) -> TestResponse:
    """Send a choice as the script does."""
    token = dict(sitting.browser.forms[-1].fields)["csrf_token"]
    return sitting.browser.client.post(
        path, data={"csrf_token": token, **fields}, headers={"Origin": ORIGIN, "Accept": "application/json"}
    )


def told(answer: TestResponse) -> Any:
    assert answer.mimetype == "application/json", answer.text[:200]
    return answer.json


def test_a_choice_is_saved_at_once_and_no_other_question_is_touched(sitting: Sitting) -> None:
    paper = sitting.start(SINGLES)
    right = sitting.right()
    sitting.save({2: right[2]})
    answer = send(sitting, paper, **{"_1": "", "Câu 1": str(sitting.fields(right)["Câu 1"][0])})
    assert answer.status_code == 200
    assert set(told(answer)) == {"saved", "left"}
    assert 800 < told(answer)["left"] <= 900
    assert [item.response for item in sitting.items()] == [right[1], right[2], None, None]


def test_after_the_session_has_ended_the_script_is_told_to_sign_in(sitting: Sitting) -> None:
    paper = sitting.start(SINGLES)
    with sitting.make.writing() as session:
        end_all_sessions(session, sitting.learner.id)
    answer = send(sitting, paper, **{"_1": "", "Câu 1": "A"})
    assert answer.status_code == 401
    assert told(answer) == {"error": "signed-out"}
    assert all(item.response is None for item in sitting.items())


def test_after_handing_in_the_script_is_told_that_it_is_over(sitting: Sitting) -> None:
    paper = sitting.start(SINGLES)
    sitting.hand_in()
    answer = send(sitting, paper, **{"_1": "", "Câu 1": "A"})
    assert answer.status_code == 409
    assert told(answer) == {"error": "closed", "address": paper}


def test_a_choice_nobody_offered_is_refused(sitting: Sitting) -> None:
    paper = sitting.start(SINGLES)
    answer = send(sitting, paper, **{"_1": "", "Câu 1": "Z"})
    assert answer.status_code == 400
    assert told(answer)["error"] == "unreadable"
