"""The pages of a test: what counts, the paper, handing it in, the review."""

import math
import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from assessments.attempts import actions, queries, rules
from assessments.attempts.access import Sitting, access_attempt, access_test
from assessments.attempts.forms import THEN, changed_answers, question_field
from assessments.attempts.models import Attempt
from assessments.bank.rules import complete
from assessments.papers.queries import pool_size
from courses.learning.queries import results
from courses.learning.rules import step_after, way
from courses.learning.views import address as way_to
from courses.learning.views import titled
from lms import clock
from lms.audit.actions import note
from lms.db import apart, get_session
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.gate import needs
from lms.web.wording import time_of

bp = Feature("attempts", __name__, url_prefix="/courses/<course_code>/tests/<activity_code>", within="learning")

JSON = "application/json"


@bp.get("")
@needs("course:study")
def introduction(course_code: str, activity_code: str) -> ResponseReturnValue:
    """What counts in this test, what was reached so far, and the button to start."""
    session = get_session()
    sitting = access_test(session, actor(), course_code, activity_code)
    test = sitting.terms.test
    attempts = session.scalars(queries.attempts_of(actor().person_id, test.activity_id)).all()
    counting = rules.counting([one.scaled for one in attempts], sitting.terms.counting)
    last = attempts[-1] if attempts else None
    return render_template(
        "attempts/introduction.html",
        attempts=attempts,
        counting=attempts[counting] if counting is not None else None,
        last=last,
        phase=phase(last) if last is not None else "closed",
        left=rules.attempts_left(sitting.terms.max_attempts, len(attempts)),
        questions=min(sitting.terms.questions, session.scalar(pool_size(test.activity_id)) or 0),
        course_id=sitting.study.course.id,
        **surroundings(sitting),
    )


@bp.post("")
@needs("course:study")
def start(course_code: str, activity_code: str) -> ResponseReturnValue:
    """Start an attempt, or go on with the one that is open. Pressing twice starts one."""
    session = get_session()
    sitting = access_test(session, actor(), course_code, activity_code, to_change=True)
    try:
        attempt = actions.start_attempt(session, actor(), sitting)
    except actions.NoAttemptsLeft:
        flash(_("Đã dùng hết số lượt làm bài của bài kiểm tra này."), "warning")
        return redirect(address(sitting, "introduction"))
    except actions.NothingToDraw:
        flash(_("Bài kiểm tra này chưa có câu hỏi. Đề nghị liên hệ cán bộ phụ trách học tập."), "warning")
        return redirect(address(sitting, "introduction"))
    if attempt.submitted_at is not None:
        flash(_("Lượt trước đã hết giờ và được nộp với các câu đã lưu."), "info")
        return redirect(address(sitting, "review", attempt))
    return redirect(address(sitting, "paper", attempt))


@bp.get("/attempts/<uuid:attempt_id>")
@needs("course:study")
def paper(course_code: str, activity_code: str, attempt_id: uuid.UUID) -> ResponseReturnValue:
    """All questions on one page, with what is saved."""
    session = get_session()
    sitting = access_test(session, actor(), course_code, activity_code)
    attempt = access_attempt(session, actor(), sitting, attempt_id)
    if phase(attempt) == "closed":
        return redirect(address(sitting, "review", attempt))
    questions = queries.asked(session, attempt.id)
    page = "attempts/paper.html" if phase(attempt) == "open" else "attempts/expired.html"
    return render_template(
        page,
        attempt=attempt,
        questions=[question_field(one) for one in questions],
        answered=sum(complete(one.kind, one.response) for one in questions),
        saved_at=max((one.saved_at for one in questions if one.saved_at), default=None),
        seconds_left=seconds_left(attempt),
        **surroundings(sitting),
    )


@bp.post("/attempts/<uuid:attempt_id>")
@needs("course:study")
def save(course_code: str, activity_code: str, attempt_id: uuid.UUID) -> ResponseReturnValue:
    """Keep what was chosen; then back to the paper, or on to the last look before handing in."""
    session = get_session()
    sitting = access_test(session, actor(), course_code, activity_code, to_change=True)
    attempt = access_attempt(session, actor(), sitting, attempt_id)
    questions = queries.asked(session, attempt.id)
    try:
        answers = changed_answers(request.form, questions)
    except rules.UnknownChoice:
        return unreadable(sitting, attempt)
    if phase(attempt) != "open" and not answers and not wants_json():
        return closed(sitting, attempt)
    try:
        saved_at = actions.save_answers(session, attempt, answers)
    except actions.AttemptOver:
        return refused(sitting, attempt, len(answers))
    if wants_json():
        return {"saved": time_of(saved_at), "left": seconds_left(attempt)}
    then = request.form.getlist(THEN)
    if rules.time_is_over(attempt.deadline_at, saved_at, said="over" in then):
        return closed(sitting, attempt)
    if "confirm" in then:
        return redirect(address(sitting, "confirm", attempt))
    flash(_("Đã lưu bài lúc %(time)s. Có thể làm tiếp hoặc quay lại sau.", time=time_of(saved_at)), "success")
    return redirect(address(sitting, "paper", attempt))


def closed(sitting: Sitting, attempt: Attempt) -> ResponseReturnValue:
    """On to the result; what is still open is graded first, because its time is over."""
    if attempt.submitted_at is None:
        actions.close_attempt(get_session(), actor(), sitting, attempt)
        flash(_("Đã hết giờ. Bài được nộp với các câu đã trả lời."), "info")
    return redirect(address(sitting, "review", attempt))


@bp.get("/attempts/<uuid:attempt_id>/submit")
@needs("course:study")
def confirm(course_code: str, activity_code: str, attempt_id: uuid.UUID) -> ResponseReturnValue:
    """The last look: what is still unanswered, and the button to hand in."""
    session = get_session()
    sitting = access_test(session, actor(), course_code, activity_code)
    attempt = access_attempt(session, actor(), sitting, attempt_id)
    if phase(attempt) != "open":
        return redirect(address(sitting, "paper", attempt))
    questions = queries.asked(session, attempt.id)
    return render_template(
        "attempts/confirm.html",
        attempt=attempt,
        questions=questions,
        open_questions=[one for one in questions if not complete(one.kind, one.response)],
        seconds_left=seconds_left(attempt),
        **surroundings(sitting),
    )


@bp.post("/attempts/<uuid:attempt_id>/submit")
@needs("course:study")
def submit(course_code: str, activity_code: str, attempt_id: uuid.UUID) -> ResponseReturnValue:
    """Hand in what is saved. Pressing again, or when the time is over, leads to the same result."""
    session = get_session()
    sitting = access_test(session, actor(), course_code, activity_code, to_change=True)
    attempt = access_attempt(session, actor(), sitting, attempt_id)
    actions.close_attempt(session, actor(), sitting, attempt)
    return redirect(address(sitting, "review", attempt))


@bp.get("/attempts/<uuid:attempt_id>/review")
@needs("course:study")
def review(course_code: str, activity_code: str, attempt_id: uuid.UUID) -> ResponseReturnValue:
    """Score, each answer beside the right one, why, and where to read again."""
    session = get_session()
    sitting = access_test(session, actor(), course_code, activity_code)
    attempt = access_attempt(session, actor(), sitting, attempt_id)
    if phase(attempt) != "closed":
        return redirect(address(sitting, "paper", attempt))
    attempts = session.scalars(queries.attempts_of(actor().person_id, attempt.activity_id)).all()
    return render_template(
        "attempts/review.html",
        attempt=attempt,
        questions=queries.keyed(session, attempt.id),
        letters=rules.LETTERS,
        lessons={one.code: one for one in sitting.study.outline.lessons()},
        left=rules.attempts_left(sitting.terms.max_attempts, len(attempts)),
        open_attempt=attempts[-1].submitted_at is None,
        onward=onward(sitting, passed=bool(attempt.passed)),
        length=length_of(attempt),
        lesson_address=lambda code: url_for("learning.lesson", course_code=course_code, lesson_code=code),
        **surroundings(sitting),
    )


def refused(sitting: Sitting, attempt: Attempt, answers: int) -> ResponseReturnValue:
    """Answers that came too late: not taken, noted, and said in a friendly way. The request changes nothing else."""
    learner, public_id, over = actor().public_id, attempt.public_id, phase(attempt)
    apart(
        lambda own: note(
            own, "attempt.late", actor=learner, object_kind="attempt", object_id=public_id, answers=answers, state=over
        )
    )
    if wants_json():
        return {"error": over, "address": address(sitting, "paper", attempt)}, 409
    return render_template("attempts/refused.html", attempt=attempt, phase=over, **surroundings(sitting)), 409


def unreadable(sitting: Sitting, attempt: Attempt) -> ResponseReturnValue:
    """A form that no page of ours made: nothing of it is kept."""
    if wants_json():
        return {"error": "unreadable", "address": address(sitting, "paper", attempt)}, 400
    flash(_("Biểu mẫu có lựa chọn không thuộc đề này nên chưa lưu. Mời chọn lại."), "error")
    return redirect(address(sitting, "paper", attempt))


def surroundings(sitting: Sitting) -> dict[str, object]:
    """What every page of a test shows."""
    module, number = sitting.terms.module, sitting.terms.number
    named = _("Bài kiểm tra chuyên đề %(number)d", number=number) if module else _("Bài kiểm tra cuối khóa")
    return {
        "terms": sitting.terms,
        "title": named,
        "subject": titled(module or sitting.study.version),
        "course_title": titled(sitting.study.version),
        "course_address": url_for("learning.course", course_code=sitting.study.course.code),
        "time_of": time_of,
        "address": lambda page, attempt=None: address(sitting, page, attempt),
    }


def address(sitting: Sitting, page: str, attempt: Attempt | None = None) -> str:
    """The address of a page of this test."""
    course, test = sitting.study.course.code, sitting.terms.test.code
    if attempt is None:
        return url_for(f"attempts.{page}", course_code=course, activity_code=test)
    return url_for(f"attempts.{page}", course_code=course, activity_code=test, attempt_id=attempt.public_id)


def onward(sitting: Sitting, *, passed: bool) -> tuple[str, str]:
    """Where to go on, and in what words: to what comes next, or back to the lessons the test was about."""
    study, module = sitting.study, sitting.terms.module
    if not passed and module is not None:
        again = url_for("learning.lesson", course_code=study.course.code, lesson_code=module.lessons[0].code)
        return again, _("Ôn lại bài học")
    steps = way(study.outline, study.settings, results(get_session(), actor().person_id))
    known = sitting.terms.test.code in [step.code for step in steps]
    step = step_after(steps, sitting.terms.test.code) if passed and known else None
    return way_to(study, step), _("Tiếp tục bài học") if step is not None else _("Về khóa học")


def phase(attempt: Attempt) -> rules.Phase:
    """Whether the attempt still takes answers, now."""
    return rules.phase(attempt.deadline_at, attempt.submitted_at, clock.now())


def seconds_left(attempt: Attempt) -> int | None:
    """Until the deadline, rounded up: a page that counts from here is never over too early. None without one."""
    if attempt.deadline_at is None:
        return None
    return max(0, math.ceil((attempt.deadline_at - clock.now()).total_seconds()))


def length_of(attempt: Attempt) -> str:
    """How long the attempt took, in words."""
    minutes = round(((attempt.submitted_at or clock.now()) - attempt.started_at).total_seconds() / 60)
    return str(_("%(n)s phút", n=minutes) if minutes else _("dưới 1 phút"))


def wants_json() -> bool:
    """Whether the script of the paper is asking."""
    return request.accept_mimetypes.best == JSON
