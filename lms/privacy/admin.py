"""The worklist of administrators: what people ask about their data, put right, refused with a reason, or erased.

Auditors read it.
"""

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lms import clock
from lms.accounts.models import Person
from lms.audit.actions import note
from lms.db import apart, get_session
from lms.privacy import actions, queries
from lms.privacy.access import ANSWER, READ, access_request
from lms.privacy.forms import KIND_WORDS, OUTCOMES, STATES, AnswerForm, CorrectForm, EraseForm
from lms.privacy.models import PrivacyRequest
from lms.web.acting import actor, behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs

bp = Feature("privacy_requests", __name__, url_prefix="/privacy-requests")

MOST = 200
FIELDS = ("full_name", "position", "email", "category", "party")


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """What waits for an answer, the most urgent first; or what has been answered."""
    holds_everywhere(READ)
    who, own = behind(), get_session()
    answered = request.args.get("answered") == "1"
    rows = own.execute(queries.worklist(answered=answered).limit(MOST)).all()
    people = len(rows)
    apart(lambda log: note(log, "privacy.list", actor=who, object_kind="person", object_id="-", rows=people))
    return render_template(
        "privacy_requests/worklist.html",
        rows=rows,
        answered=answered,
        most=MOST,
        today=clock.today(),
        kinds=KIND_WORDS,
        states=STATES,
        outcomes=OUTCOMES,
    )


@bp.get("/<uuid:public_id>")
@needs(READ)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One request, and to whoever may answer it what can be done."""
    by, own = actor(), get_session()
    one = access_request(own, by, public_id, READ)
    read(one)
    return render_template(
        "privacy_requests/show.html",
        one=one,
        oneself=one.person_id == by.person_id,
        today=clock.today(),
        kinds=KIND_WORDS,
        states=STATES,
        outcomes=OUTCOMES,
    )


def read(one: PrivacyRequest) -> None:
    """Note that the request was read, and with it a name."""
    whom, who = one.person.public_id, behind()
    apart(lambda log: note(log, "privacy.read", actor=who, object_kind="person", object_id=whom))


def held(public_id: uuid.UUID, *, kind: str = "") -> PrivacyRequest | None:
    """The request, to be answered now. None: it is one's own, which another administrator answers."""
    change = request.method == "POST"
    one = access_request(get_session(), actor(), public_id, ANSWER, kind=kind, unanswered=True, to_change=change)
    if not change:
        read(one)
    if one.person_id == actor().person_id:
        flash(_("Đề nghị của chính mình chỉ do quản trị viên khác trả lời."), "warning")
        return None
    return one


def back(public_id: uuid.UUID) -> ResponseReturnValue:
    return redirect(url_for("privacy_requests.show", public_id=public_id))


@bp.post("/<uuid:public_id>/take")
@needs(ANSWER)
def take(public_id: uuid.UUID) -> ResponseReturnValue:
    """Begin to work on it."""
    if (one := held(public_id)) is not None:
        actions.take(get_session(), one, by=actor().public_id)
        flash(_("Đã nhận xử lý."), "success")
    return back(public_id)


@bp.route("/<uuid:public_id>/correct", methods=["GET", "POST"])
@needs(ANSWER)
def correct(public_id: uuid.UUID) -> ResponseReturnValue:
    """Put the particulars right and answer."""
    own = get_session()
    if (one := held(public_id, kind="correction")) is None:
        return back(public_id)
    form = CorrectForm(obj=own.get_one(Person, one.person_id))
    if form.validate_on_submit():
        wanted = {name: text_in(form[name]) for name in FIELDS}
        actions.correct(own, one, wanted, answer=text_in(form.answer), by=actor().public_id)
        flash(_("Đã đính chính và trả lời."), "success")
        return back(public_id)
    page = render_template("privacy_requests/correct.html", form=form, one=one)
    return page, 200 if request.method == "GET" else 422


@bp.route("/<uuid:public_id>/refuse", methods=["GET", "POST"])
@needs(ANSWER)
def refuse(public_id: uuid.UUID) -> ResponseReturnValue:
    """Answer why nothing is changed."""
    if (one := held(public_id)) is None:
        return back(public_id)
    form = AnswerForm()
    if form.validate_on_submit():
        actions.refuse(get_session(), one, answer=text_in(form.answer), by=actor().public_id)
        flash(_("Đã trả lời là không thực hiện, kèm lý do."), "success")
        return back(public_id)
    page = render_template("privacy_requests/refuse.html", form=form, one=one)
    return page, 200 if request.method == "GET" else 422


@bp.route("/<uuid:public_id>/erase", methods=["GET", "POST"])
@needs(ANSWER)
def erase(public_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more, with a word to type; then it cannot be undone."""
    if (one := held(public_id, kind="erasure")) is None:
        return back(public_id)
    form = EraseForm()
    if form.validate_on_submit():
        actions.erase(get_session(), one, by=actor().public_id)
        flash(_("Đã xóa. Không ai còn nhận ra được người này; các số liệu giữ nguyên."), "success")
        return back(public_id)
    page = render_template("privacy_requests/erase.html", form=form, one=one)
    return page, 200 if request.method == "GET" else 422
