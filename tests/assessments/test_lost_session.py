"""A session that ends while somebody writes a test loses nothing, with no script at all."""

from datetime import timedelta

from lms import clock
from lms.accounts.session import end_all_sessions
from lms.config import SessionLimits
from tests.assessments.sitting import Sitting, status
from tests.telephone import connected, set_up_anew

PASSWORD = "bon muoi tam nghi quyet"


def test_answers_sent_after_the_session_has_ended_come_through_the_sign_in(sitting: Sitting) -> None:
    sitting.settings(questions=10)
    sitting.learner = sitting.make.person("Lê Văn Cường", username="cuong", password=PASSWORD)
    sitting.browser = sitting.make.browser(sitting.learner)
    paper = sitting.start()
    with sitting.make.writing() as session:
        end_all_sessions(session, sitting.learner.id)
    right = sitting.right()
    sitting.save(right, then="confirm")
    assert status(sitting.browser) == 401
    assert all(item.response is None for item in sitting.items())
    sitting.browser.submit("/sign-in", username="cuong", password=PASSWORD)
    assert "Nội dung đã nhập vẫn còn" in sitting.browser.text
    assert "<dt>Câu 1" in sitting.browser.text
    assert "<dt>_" not in sitting.browser.text
    sitting.browser.submit("Gửi lại")
    assert sitting.browser.path == f"{paper}/submit"
    assert [item.response for item in sitting.items()] == [right[n] for n in range(1, 11)]
    sitting.browser.submit("/submit")
    assert "Đạt: 10 điểm" in sitting.browser.text


def test_starting_after_the_session_has_ended_asks_to_press_once_more(sitting: Sitting) -> None:
    sitting.learner = sitting.make.person("Lê Văn Cường", username="cuong", password=PASSWORD)
    sitting.browser = sitting.make.browser(sitting.learner)
    sitting.browser.get("/courses/demo/tests/m1-test")
    with sitting.make.writing() as session:
        end_all_sessions(session, sitting.learner.id)
    sitting.browser.submit("/m1-test")
    sitting.browser.submit("/sign-in", username="cuong", password=PASSWORD)
    assert sitting.attempts() == []
    sitting.browser.submit("Gửi lại")
    assert len(sitting.attempts()) == 1


def test_a_form_of_an_earlier_session_is_shown_again_to_be_sent(sitting: Sitting) -> None:
    paper = sitting.start()
    right = sitting.right()
    old_form = dict(sitting.browser.form("Lưu bài").fields) | {"csrf_token": "of another session", "_then": "stay"}
    fields = {**old_form, **sitting.fields({1: right[1]})}
    sitting.browser.post(paper, data=fields, headers={"Origin": "http://localhost"})
    assert status(sitting.browser) == 400
    sitting.browser.submit("Gửi lại")
    assert sitting.items()[0].response == right[1]


def test_an_idle_session_takes_no_answer_also_where_a_second_step_is_asked_for(sitting: Sitting) -> None:
    set_up_anew(sitting.make, sessions=SessionLimits(idle=timedelta(minutes=5)))
    sitting.settings(questions=10)
    sitting.learner = sitting.make.person("Lê Văn Cường", username="cuong", password=PASSWORD)
    telephone, _codes = connected(sitting.make, sitting.learner)
    sitting.browser = sitting.make.browser(sitting.learner)
    sitting.start()
    right = sitting.right()
    with clock.moved_to(clock.now() + timedelta(minutes=6)):
        sitting.save(right, then="confirm")
        assert status(sitting.browser) == 401
        sitting.browser.submit("/sign-in", username="cuong", password=PASSWORD)
        sitting.browser.submit("Tiếp tục")
        assert all(item.response is None for item in sitting.items())
        sitting.browser.submit("/sign-in/code", code=telephone.code())
        sitting.browser.submit("Gửi lại")
        assert [item.response for item in sitting.items()] == [right[n] for n in range(1, 11)]
