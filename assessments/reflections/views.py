"""The writer's pages: what must be written, writing, the last look, what was said of it."""

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from assessments.reflections import actions, queries, rules
from assessments.reflections.access import access_own
from assessments.reflections.forms import (
    STATE_WORDS,
    THEN,
    field_name,
    known_name,
    problem_words,
    sent_answers,
    too_long,
)
from assessments.reflections.queries import Asked
from assessments.reflections.rules import Merged, Sent, fingerprint, questions_of, words
from courses.briefings.queries import titles_of
from lms import clock
from lms.db import get_session
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.gate import needs
from lms.web.wording import time_of

bp = Feature("reflections", __name__, url_prefix="/reflections")

JSON = "application/json"


@bp.get("")
@needs("course:study")
def index() -> ResponseReturnValue:
    """Every briefing that asks me for a reflection, and how far each has come."""
    asked = queries.asked_of(get_session(), actor().person_id)
    return render_template(
        "reflections/index.html",
        asked=asked,
        titles=titles(asked),
        state_of=state_of,
        state_words=STATE_WORDS,
        now=clock.now(),
    )


@bp.get("/<briefing_code>")
@needs("course:study")
def write(briefing_code: str) -> ResponseReturnValue:
    """The answers, to be written; or, while they are read and when they are accepted, to be looked at."""
    return page(access_own(get_session(), actor(), briefing_code))


@bp.post("/<briefing_code>")
@needs("course:study")
def save(briefing_code: str) -> ResponseReturnValue:
    """Keep what was written; then back to it, or on to the last look before handing in."""
    session = get_session()
    asked = access_own(session, actor(), briefing_code, to_change=True)
    sent = sent_answers(request.form, len(actions.drafted(asked)))
    if long := too_long(sent):
        return refused(asked, sent, dict.fromkeys(long, _("Dài quá %(n)d ký tự.", n=rules.LONGEST_ANSWER)))
    try:
        merge = actions.keep(session, actor(), asked, sent)
    except actions.NotNow:
        if wants_json():
            return {"error": "closed"}, 409
        flash(_("Bài đã nộp nên không sửa được nữa. Phần vừa gửi chưa được lưu."), "warning")
        return redirect(url_for("reflections.write", briefing_code=briefing_code))
    if merge.elsewhere:
        return conflict(asked, sent, merge)
    if wants_json():
        marks = {str(number): fingerprint(text) for number, text in enumerate(merge.answers, 1)}
        return {"saved": time_of(clock.now()), "known": marks}
    if "confirm" in request.form.getlist(THEN):
        return redirect(url_for("reflections.confirm", briefing_code=briefing_code))
    flash(_("Đã lưu bài lúc %(time)s. Có thể viết tiếp hoặc quay lại sau.", time=time_of(clock.now())), "success")
    return redirect(url_for("reflections.write", briefing_code=briefing_code))


def conflict(asked: Asked, sent: Mapping[int, Sent], merge: Merged) -> ResponseReturnValue:
    """The same answer was changed on two pages: both are shown, and the writer makes one of them."""
    if wants_json():
        return {"error": "elsewhere"}, 409
    said = _("Câu này vừa được sửa ở một trang hoặc máy khác. Bản kia ở ngay dưới ô; gộp lại rồi lưu một lần nữa.")
    return refused(asked, sent, dict.fromkeys(merge.elsewhere, said), kept=merge)


def refused(
    asked: Asked, sent: Mapping[int, Sent], errors: Mapping[int, str], *, kept: Merged | None = None
) -> ResponseReturnValue:
    """The page with what was typed in its fields; what is kept stands below where it is another."""
    if wants_json():
        return {"error": "too-long"}, 422
    typed = {number: one.text for number, one in sent.items()}
    others = {number: kept.answers[number - 1] for number in kept.elsewhere} if kept is not None else {}
    return page(asked, typed=typed, errors=errors, others=others), 409 if kept is not None else 422


def page(
    asked: Asked,
    *,
    typed: Mapping[int, str] | None = None,
    errors: Mapping[int, str] | None = None,
    others: Mapping[int, str] | None = None,
) -> str:
    """The page of a reflection, whoever's hands it is in."""
    reflection = asked.reflection
    versions = get_session().scalars(queries.versions_of(reflection.id)).all() if reflection is not None else []
    writable = reflection is None or rules.may_write(reflection.state)
    return render_template(
        "reflections/write.html" if writable else "reflections/handed_in.html",
        asked=asked,
        title=titles([asked])[asked.briefing.id],
        questions=questions_of(asked.task.questions) if asked.task is not None else [],
        answers=actions.drafted(asked),
        typed=typed or {},
        errors=errors or {},
        others=others or {},
        versions=versions,
        gone=get_session().scalars(queries.taken_back_of(reflection.id)).all() if reflection is not None else [],
        state=state_of(asked),
        state_words=STATE_WORDS,
        fingerprint=fingerprint,
        field_name=field_name,
        known_name=known_name,
        words=words,
        time_of=time_of,
        now=clock.now(),
    )


@bp.get("/<briefing_code>/hand-in")
@needs("course:study")
def confirm(briefing_code: str) -> ResponseReturnValue:
    """The last look: what is still missing, or the button to hand in."""
    asked = access_own(get_session(), actor(), briefing_code)
    if asked.task is None or (asked.reflection is not None and not rules.may_write(asked.reflection.state)):
        return redirect(url_for("reflections.write", briefing_code=briefing_code))
    return last_look(asked)


def last_look(asked: Asked) -> str:
    """What would be handed in, and what keeps it from being so."""
    questions = questions_of(asked.task.questions) if asked.task is not None else []
    answers = actions.drafted(asked)
    found = rules.problems(questions, answers)
    return render_template(
        "reflections/confirm.html",
        asked=asked,
        title=titles([asked])[asked.briefing.id],
        questions=questions,
        answers=answers,
        problems={n: problem_words(why, questions[n - 1], answers[n - 1]) for n, why in found.items()},
        words=words,
    )


@bp.post("/<briefing_code>/hand-in")
@needs("course:study")
def hand_in(briefing_code: str) -> ResponseReturnValue:
    """Hand in what is kept. Pressing twice hands in once."""
    session = get_session()
    asked = access_own(session, actor(), briefing_code, to_change=True)
    try:
        actions.hand_in(session, actor(), asked)
    except actions.NotReady:
        return last_look(asked), 422
    except actions.NotNow:
        flash(_("Bài này đã được nộp rồi."), "info")
    else:
        flash(_("Đã nộp bài thu hoạch. Khi có kết quả chấm, kết quả hiện ở trang này."), "success")
    return redirect(url_for("reflections.write", briefing_code=briefing_code))


def state_of(asked: Asked) -> str:
    """Where the reflection is; "" before anything was written."""
    return asked.reflection.state if asked.reflection is not None else ""


def titles(asked: list[Asked]) -> dict[int, str]:
    """What the briefings are called, in the reader's language, by id."""
    english = str(get_locale()) == "en"
    found = titles_of(get_session(), [one.briefing for one in asked])
    return {key: (title_en if english and title_en else title) for key, (title, title_en) in found.items()}


def wants_json() -> bool:
    """Whether the script of the page is asking."""
    return request.accept_mimetypes.best == JSON
