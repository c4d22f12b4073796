"""The reader's pages (what waits, one reflection, the verdict, taking it back), and those that set the questions."""

import uuid
from math import ceil

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from assessments.reflections import actions, queries, rules
from assessments.reflections.access import QUESTIONS, READ, Read, access_read, access_task
from assessments.reflections.forms import STATE_WORDS, JudgeForm, QuestionsForm, TakeBackForm
from assessments.reflections.models import Reflection, ReflectionTask
from courses.briefings.queries import titles_of
from courses.briefings.rules import policy_of
from courses.enrolment.access import ASSIGN
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.access import top_units
from lms.audit.actions import note
from lms.db import apart, get_session
from lms.organisation.models import STATE_TREE
from lms.web.acting import actor, behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs

reading = Feature("reading", __name__, url_prefix="/reflections-to-read")
questions = Feature("questions", __name__, url_prefix="/reflection-questions")

PAGE = 50
LAST_PAGE = 100_000
WHOLE_SYSTEM = "-"


@reading.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """What was handed in by people of one's scope, that which waits longest first. Every list of names is noted."""
    own, me = get_session(), actor()
    within = queries.readable(me, READ, on=clock.today())
    state = request.args.get("state", rules.WAITING)
    state = state if state in rules.STATES else rules.WAITING
    page = min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
    counted = dict(own.execute(queries.numbers_by_state(within)).all())
    order = Reflection.handed_in_at if state == rules.WAITING else Reflection.handed_in_at.desc()
    rows = own.execute(
        within.where(Reflection.state == state).order_by(order, Reflection.id).limit(PAGE).offset((page - 1) * PAGE)
    ).all()
    if rows:
        note_list(len(rows), state)
    return render_template(
        "reflections/queue.html",
        rows=rows,
        titles=titles_of(own, {briefing.id: briefing for *_others, briefing in rows}.values()),
        state=state,
        counted=counted,
        state_words=STATE_WORDS,
        page=page,
        pages=max(1, ceil(counted.get(state, 0) / PAGE)),
        page_url=lambda n: url_for("reading.index", state=state, page=n),
        now=clock.now(),
    )


def note_list(number: int, state: str) -> None:
    """Put into the log that names were shown: of the units one reads for, or of everybody."""
    me = actor()
    units = [] if me.everywhere(READ) else top_units(get_session(), me, READ)
    about: list[object] = [one.public_id for one in units] or [WHOLE_SYSTEM]
    by, told = behind(), {"count": number, "state": state, **({"tree": STATE_TREE} if units else {})}

    def write(own: Session) -> None:
        for one in about:
            note(own, "reflection.list", actor=by, object_kind="unit", object_id=one, **told)

    apart(write)


@reading.get("/<uuid:reflection_id>")
@needs(READ)
def show(reflection_id: uuid.UUID) -> ResponseReturnValue:
    """One reflection with all its versions, and the verdict to be given."""
    return reading_page(reflection_id, JudgeForm(formdata=None))


def reading_page(reflection_id: uuid.UUID, form: JudgeForm) -> str:
    """The page of a reflection for its reader. That it was read is noted."""
    own = get_session()
    read = access_read(own, actor(), reflection_id)
    note_read(read)
    versions = own.scalars(queries.versions_of(read.reflection.id)).all()
    return render_template(
        "reflections/read.html",
        read=read,
        title=titles_of(own, [read.briefing])[read.briefing.id][0],
        versions=versions,
        gone=own.scalars(queries.taken_back_of(read.reflection.id)).all(),
        waiting=read.reflection.state == rules.WAITING,
        form=form,
        words=rules.words,
        state_words=STATE_WORDS,
    )


def note_read(read: Read) -> None:
    """Put into the log that this person's name was shown, and what was written."""
    by, whose, briefing = behind(), read.person.public_id, read.briefing.code
    apart(
        lambda other: note(other, "reflection.read", actor=by, object_kind="person", object_id=whose, briefing=briefing)
    )


@reading.post("/<uuid:reflection_id>")
@needs(READ)
def judge(reflection_id: uuid.UUID) -> ResponseReturnValue:
    """Đạt, or to be written again; then on to the next that waits."""
    own, form = get_session(), JudgeForm()
    read = access_read(own, actor(), reflection_id, to_change=True)
    if not form.validate_on_submit():
        return reading_page(reflection_id, form), 422
    number = text_in(form.number)
    accepted = form.verdict.data == rules.ACCEPTED
    try:
        actions.judge(
            own,
            actor(),
            read,
            number=int(number) if number.isdecimal() else 0,
            accepted=accepted,
            comment=text_in(form.comment).strip(),
        )
    except actions.NotNow:
        flash(_("Bài này đã được chấm, hoặc vừa được nộp lại. Xem lại trước khi chấm."), "warning")
        return redirect(url_for("reading.show", reflection_id=reflection_id))
    flash(_("Đã chấm đạt.") if accepted else _("Đã yêu cầu viết lại. Người viết đọc được nhận xét."), "success")
    return redirect(url_for("reading.index"))


@reading.route("/<uuid:reflection_id>/take-back", methods=["GET", "POST"])
@needs(READ)
def take_back(reflection_id: uuid.UUID) -> ResponseReturnValue:
    """Ask why, and say what follows; then the reflection waits for a reader again."""
    own, form, posted = get_session(), TakeBackForm(), request.method == "POST"
    read = access_read(own, actor(), reflection_id, to_change=posted)
    if form.validate_on_submit():
        try:
            actions.take_back(own, actor(), read, reason=text_in(form.reason))
        except actions.NotNow:
            flash(_("Bài này hiện không ở trạng thái đạt nên không có gì để rút lại."), "warning")
        else:
            flash(_("Đã rút lại kết quả đạt. Bài chờ chấm lại."), "success")
        return redirect(url_for("reading.show", reflection_id=reflection_id))
    note_read(read)
    title = titles_of(own, [read.briefing])[read.briefing.id][0]
    page = render_template("reflections/take_back.html", read=read, title=title, form=form)
    return page, 422 if posted else 200


@questions.app_template_global("questions_missing")
def questions_missing(briefing: Briefing) -> bool:
    """Whether a briefing asks for reflections and has no question yet, so that none can be written."""
    return rules.asks(policy_of(briefing.policy)) and get_session().get(ReflectionTask, briefing.id) is None


@questions.get("")
@needs(QUESTIONS)
def briefings() -> ResponseReturnValue:
    """The briefings whose policy asks for a reflection, and what each asks."""
    holds_everywhere(QUESTIONS)
    own = get_session()
    found = queries.briefings_that_ask(own)
    known: list[Briefing] = [briefing for briefing, _task in found]
    return render_template(
        "reflections/tasks.html", found=found, titles=titles_of(own, known), asked=rules.questions_of
    )


@questions.route("/<briefing_code>", methods=["GET", "POST"])
@needs(ASSIGN)
def edit(briefing_code: str) -> ResponseReturnValue:
    """The questions of a briefing, one to five."""
    own, me = get_session(), actor()
    briefing, task = access_task(own, me, briefing_code)
    known: dict[str, object] = {}
    for n, one in enumerate(rules.questions_of(task.questions) if task is not None else [], 1):
        known |= {f"text_{n}": one.text, f"least_{n}": one.least, f"most_{n}": one.most}
    form = QuestionsForm(data=known)
    if form.validate_on_submit():
        actions.set_questions(own, briefing, form.questions(), by=me.public_id)
        flash(_("Đã lưu câu hỏi. Bài nộp từ nay trả lời các câu này; bài đã nộp giữ câu hỏi cũ."), "success")
        return redirect(url_for("questions.briefings"))
    title = titles_of(own, [briefing])[briefing.id][0]
    status = 200 if request.method == "GET" else 422
    return render_template(
        "reflections/questions.html",
        form=form,
        briefing=briefing,
        title=title,
        numbers=range(1, rules.MOST_QUESTIONS + 1),
    ), status
