"""The pages of a point, which work without a script: the roll its host takes, its numbers, the report, the code."""

import uuid
from datetime import datetime
from pathlib import Path

from flask import flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from courses.briefings.models import MeetingPoint
from courses.meetings import actions, queries
from courses.meetings.access import ATTEND, access_point, own_points, person_listed
from courses.meetings.actions import NotYet, Outcome, RollClosed
from courses.meetings.forms import (
    STATE_WORDS,
    CodeForm,
    CorrectForm,
    NumbersForm,
    ReopenForm,
    SearchForm,
    Unreadable,
    marks_in,
    time_typed,
)
from courses.meetings.protocol import (
    about,
    back,
    closed,
    counted_words,
    difference,
    early_words,
    keep_for,
    key_of,
    names_seen,
    numbers_of,
    paged,
    point_of_code,
    sought_at,
    tell,
)
from courses.meetings.queries import listed
from courses.meetings.rules import (
    THERE,
    Numbers,
    Place,
    code_of,
    digits_in,
    seconds_left,
    slot_of,
)
from lms import clock
from lms.db import apart, config_of, get_session
from lms.text import fold
from lms.throttle.actions import forgive, refused_until, tried
from lms.throttle.rules import Budget, minutes_until
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs, reading
from lms.web.squares import qr_address

bp = Feature("meetings", __name__, url_prefix="/meetings")

JSON = "application/json"
WORKER = Path(__file__).parent / "static" / "worker.js"
POINTS_ON_PAGE = 60
TRIES = 10
"""So many wrong codes of one person are evaluated in five minutes."""


@bp.get("/mine")
@needs(ATTEND)
def mine() -> ResponseReturnValue:
    """Where one types the code of a point, and the points whose roll one takes."""
    own = get_session()
    points, way = paged(own, own_points(own, actor()), POINTS_ON_PAGE)
    return render_template("meetings/mine.html", points=points, form=CodeForm(formdata=None), now=clock.now(), **way)


@bp.get("/points/<uuid:point_id>")
@needs(ATTEND)
def roll(point_id: uuid.UUID) -> ResponseReturnValue:
    """The roll of a point, its numbers, and how to report. Every showing of names is noted.

    The headers tell the host's phone for how long it may keep the page, and for whom (`static/worker.js`).
    """
    point = access_point(get_session(), actor(), point_id)
    keep = keep_for(point)
    answer = make_response(roll_page(point, keep=keep))
    if keep is not None:
        answer.headers.update({"Keep-Seconds": str(keep), "Keep-For": str(actor().public_id)})
    return answer


@bp.get("/points/worker.js")
@needs(ATTEND)
def worker() -> ResponseReturnValue:
    """The script that keeps that page. A browser lets it answer for what stands beside it, so it stands here."""
    answer = make_response(WORKER.read_bytes())
    answer.mimetype = "text/javascript"
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer.make_conditional(request)


def roll_page(
    point: MeetingPoint,
    *,
    search: SearchForm | None = None,
    counting: NumbersForm | None = None,
    reopening: ReopenForm | None = None,
    keep: int | None = None,
) -> str:
    """The page with its forms as they stand, or with what was wrong in one of them. `keep`: see `keep_for`."""
    sought = sought_at(point)
    everybody = listed(get_session(), point, on=clock.today())
    words = fold(sought).split()
    shown = [one for one in everybody if all(word in fold(one.name) for word in words)]
    names_seen(point, len(shown[: queries.PAGE]))
    filled = counting or NumbersForm(
        formdata=None,
        headcount=point.headcount,
        connected=time_typed(point.connected_at),
        disconnected=time_typed(point.disconnected_at),
    )
    return render_template(
        "meetings/roll.html",
        people=shown[: queries.PAGE],
        more=len(shown) - queries.PAGE,
        numbers=numbers_of(point, everybody),
        search=search or SearchForm(formdata=None, q=sought),
        sought=sought,
        counting=filled,
        reopening=reopening or ReopenForm(formdata=None),
        check_in=queries.open_check_in(get_session(), point.id),
        difference=difference,
        keep=keep,
        counted_words=counted_words,
        **about(point),
    )


@bp.post("/points/<uuid:point_id>/search")
@needs(ATTEND)
@reading
def search(point_id: uuid.UUID) -> ResponseReturnValue:
    """Look for a name. It stays in the cookie."""
    point, form = access_point(get_session(), actor(), point_id), SearchForm()
    if not form.validate_on_submit():
        return roll_page(point, search=form), 422
    session["roll"] = {"point": str(point.public_id), "q": text_in(form.q)}
    return back(point, "list")


@bp.post("/points/<uuid:point_id>/marks")
@needs(ATTEND)
def mark(point_id: uuid.UUID) -> ResponseReturnValue:
    """State what the host has seen: of one person, or of all on a list. The script of the page is told in JSON."""
    own, wants_json = get_session(), request.accept_mimetypes.best == JSON
    point = access_point(own, actor(), point_id, to_enter=True)
    try:
        marks = marks_in(request.form.getlist("mark"))
        found = actions.take(own, point, marks, by=actor().public_id)
    except Unreadable:
        if wants_json:
            return {"error": "unreadable"}, 400
        flash(_("Biểu mẫu có dòng không đọc được nên chưa ghi gì. Mở lại trang rồi thử lại."), "error")
        return back(point)
    except RollClosed:
        return ({"error": "closed"}, 409) if wants_json else closed(point)
    if wants_json:
        return answer_to_script(point, found)
    tell(found)
    return back(point, f"p-{marks[0].person}" if len(marks) == 1 else "list")


def answer_to_script(point: MeetingPoint, found: list[Outcome]) -> ResponseReturnValue:
    """What stands now of each person, and the numbers of the point that follow from one cheap question."""
    states = queries.said_counts(get_session(), point.session_id, point.id).get(point.id, {})
    numbers = Numbers(there=sum(states.get(one, 0) for one in THERE), headcount=point.headcount)
    return {
        "people": {str(one.person): {"result": one.result, "state": one.state} for one in found},
        "there": numbers.there,
        "away": sum(states.values()) - numbers.there,
        "difference": difference(numbers),
    }


@bp.post("/points/<uuid:point_id>/rest")
@needs(ATTEND)
def rest(point_id: uuid.UUID) -> ResponseReturnValue:
    """Everybody of whom nothing is known was there, or was away: whichever button was pressed."""
    own = get_session()
    point = access_point(own, actor(), point_id)
    state = "unexcused" if request.form.get("state") == "unexcused" else "present"
    marks = actions.rest_of(listed(own, point, on=clock.today()), state)
    try:
        tell(actions.take(own, point, marks, by=actor().public_id))
    except RollClosed:
        return closed(point)
    if not marks:
        flash(_("Mọi người đã được điểm danh."), "info")
    return back(point, "list")


@bp.post("/points/<uuid:point_id>/numbers")
@needs(ATTEND)
def count(point_id: uuid.UUID) -> ResponseReturnValue:
    """Heads counted in the room, and when the line was there."""
    own, form = get_session(), NumbersForm()
    point = access_point(own, actor(), point_id)
    if not form.validate_on_submit():
        return roll_page(point, counting=form), 422
    counted = form.counted(clock.day_of(point.session.starts_at))
    try:
        actions.enter_numbers(own, point, counted, by=actor().public_id)
    except RollClosed:
        return closed(point)
    flash(_("Đã ghi số liệu của điểm cầu."), "success")
    return back(point, "report")


@bp.post("/points/<uuid:point_id>/report")
@needs(ATTEND)
def report(point_id: uuid.UUID) -> ResponseReturnValue:
    """Close the roll. Pressing twice reports once."""
    own = get_session()
    point = access_point(own, actor(), point_id)
    try:
        actions.report(own, point, by=actor().public_id)
    except NotYet:
        return closed(point)
    except RollClosed:
        flash(_("Điểm cầu này đã báo cáo."), "info")
    else:
        flash(_("Đã chốt danh sách và báo cáo ban tổ chức."), "success")
    return back(point, "report")


@bp.post("/points/<uuid:point_id>/reopen")
@needs(ATTEND)
def reopen(point_id: uuid.UUID) -> ResponseReturnValue:
    """Open the roll again; the reason stands in the log."""
    own, form = get_session(), ReopenForm()
    point = access_point(own, actor(), point_id)
    if not form.validate_on_submit():
        return roll_page(point, reopening=form), 422
    actions.reopen(own, point, why=text_in(form.why), by=actor().public_id)
    flash(_("Đã mở lại danh sách. Sửa xong thì chốt lại."), "success")
    return back(point)


@bp.route("/points/<uuid:point_id>/people/<uuid:person_id>/correct", methods=["GET", "POST"])
@needs(ATTEND)
def correct(point_id: uuid.UUID, person_id: uuid.UUID) -> ResponseReturnValue:
    """Take back a wrong entry, with its reason, and say what is right. The statement is voided, never written over."""
    own, form = get_session(), CorrectForm()
    point = access_point(own, actor(), point_id)
    person = person_listed(own, point, person_id)
    if person.state is None:
        flash(_("Chưa ghi nhận gì về người này ở điểm cầu, nên không có gì để sửa."), "info")
        return back(point, f"p-{person_id}")
    form.offer(person.state)
    if not form.is_submitted():
        form.of.data = str(person.statement_id)
    if not form.validate_on_submit():
        names_seen(point, 1)
        page = render_template("meetings/correct.html", form=form, person=person, **about(point))
        return page, 422 if form.is_submitted() else 200
    state = None if form.state.data == "none" else text_in(form.state)
    try:
        of = uuid.UUID(text_in(form.of))
        actions.correct(own, point, person, state, of=of, why=form.reason, by=actor().public_id)
    except RollClosed:
        return closed(point)
    except (actions.Superseded, ValueError):
        flash(_("Ghi nhận này đã được sửa trước đó. Xem lại rồi sửa tiếp nếu cần."), "info")
    else:
        flash(_("Đã hủy ghi nhận sai và ghi lại."), "success")
    return back(point, f"p-{person_id}")


@bp.get("/points/<uuid:point_id>/code")
@needs(ATTEND)
def code(point_id: uuid.UUID) -> ResponseReturnValue:
    """The code of this half minute, for the screen of the point; its script asks for the part that changes alone."""
    own = get_session()
    point = access_point(own, actor(), point_id)
    shown = queries.open_check_in(own, point.id) if not early_words(point) else None
    part = "part" in request.args
    if shown is None and part:
        return {"error": "closed"}, 409
    now, place = clock.now(), Place(point.session.public_id, point.public_id)
    digits = code_of(key_of(own), place, slot_of(now)) if shown is not None else ""
    link = config_of(own).site_url + url_for("meetings.check_in", point=point.public_id, code=digits)
    return render_template(
        "meetings/code_part.html" if part else "meetings/code.html",
        shown=shown,
        digits=digits,
        drawing=qr_address(link, scale=8) if digits else "",
        left=seconds_left(now),
        site=config_of(own).site_url,
        **about(point),
    )


@bp.post("/points/<uuid:point_id>/check-in")
@needs(ATTEND)
def set_check_in(point_id: uuid.UUID) -> ResponseReturnValue:
    """Begin or end to show codes at the point."""
    own = get_session()
    point = access_point(own, actor(), point_id)
    if request.form.get("then") == "close":
        actions.close_check_in(own, point, by=actor().public_id)
        flash(_("Đã tắt mã điểm danh."), "success")
        return back(point)
    try:
        actions.open_check_in(own, point, by=actor().public_id)
    except RollClosed:
        return closed(point)
    return redirect(url_for("meetings.code", point_id=point_id))


@bp.route("/check-in", methods=["GET", "POST"])
@needs(ATTEND)
def check_in() -> ResponseReturnValue:
    """Who types the digits of a point, or opens the link of its picture, is there; the host of the point says so."""
    form = CodeForm(request.form if request.method == "POST" else None)
    asked = request.args.get("point", "")
    if request.method == "GET":
        form.code.data = digits_in(request.args.get("code", ""))[:8]
        return render_template("meetings/check_in.html", form=form, asked=asked)
    if not form.validate():
        return render_template("meetings/check_in.html", form=form, asked=asked), 422
    own, budget = get_session(), Budget("meeting code", str(actor().public_id), TRIES)
    before = tried(own, budget)
    shown, fault = None, waiting_words(before.until)
    if fault is None:
        shown, fault = point_of_code(own, actor(), digits_in(text_in(form.code)), asked)
        if shown is None and fault is not None:
            apart(lambda log: count_guess(log, budget))
    if shown is None or fault is not None:
        form.code.errors = [fault or ""]
        return render_template("meetings/check_in.html", form=form, asked=asked), 422
    if before.counted:
        forgive(own, budget)
    return checked_in(own, *shown)


def count_guess(session: Session, budget: Budget) -> None:
    """One more wrong code of this person."""
    refused_until(session, budget)


def waiting_words(until: datetime | None) -> str | None:
    """That somebody has guessed too often, or None."""
    if until is None:
        return None
    minutes = minutes_until(until, clock.now())
    return str(_("Đã nhập sai nhiều lần. Thử lại sau %(minutes)s phút, hoặc báo người điểm danh.", minutes=minutes))


def checked_in(own: Session, point: MeetingPoint, host: uuid.UUID | None) -> ResponseReturnValue:
    """State that whoever is signed in is there, as the host who shows the code says, and say so."""
    try:
        if host is None:
            raise RollClosed
        outcome = actions.check_in(own, point, actor(), host=host)
    except RollClosed:
        over = _("Điểm cầu này đã chốt danh sách. Báo người điểm danh nếu có mặt mà chưa được ghi.")
        flash(early_words(point) or over, "warning")
    else:
        if outcome.result == "correct":
            told = _("Người điểm danh đã ghi đồng chí vắng. Báo người điểm danh của điểm cầu để sửa.")
            flash(told, "warning")
        else:
            state = STATE_WORDS[outcome.state or "present"]
            flash(_("Đã điểm danh tại %(point)s: %(state)s.", point=point.name, state=state), "success")
    return redirect(url_for("meetings.mine"))
