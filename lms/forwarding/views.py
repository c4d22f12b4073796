"""Pages with which administrators look after forwarding: where statements go, how far they got, what was refused."""

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.db import config_of, get_session
from lms.forwarding import actions, queries
from lms.forwarding.access import KEEP, access_letter, access_target
from lms.forwarding.forms import KeyForm, TargetForm
from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.forwarding.rules import ACTIVE, ADDRESS_REFUSED, HALTED, SECRET_LOST
from lms.web.acting import actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs
from lms.xapi.access import clients
from lms.xapi.models import XapiClient

bp = Feature("forwarding", __name__, url_prefix="/forwarding")

PAGE = 50
KNOWN_TROUBLES = (SECRET_LOST, ADDRESS_REFUSED)


@bp.get("")
@needs(KEEP)
def index() -> ResponseReturnValue:
    """All targets: state, last success, how far behind, what was refused."""
    holds_everywhere(KEEP)
    session = get_session()
    targets = list(session.scalars(queries.targets()))
    letters = queries.letters_by_target(session)
    rows = [(one, queries.waiting(session, one), letters.get(one.id, 0)) for one in targets]
    return render_template("forwarding/list.html", rows=rows, **words())


@bp.route("/new", methods=["GET", "POST"])
@needs(KEEP)
def new() -> ResponseReturnValue:
    """A new target."""
    person, session = holds_everywhere(KEEP), get_session()
    config = config_of(session)
    known = {one.key: one.name for one in session.scalars(clients()) if one.revoked_at is None}
    form = TargetForm(own_host=config.host, local=config.local, clients=known)
    if form.validate_on_submit():
        target = actions.add_target(
            session,
            name=text_in(form.name),
            address=text_in(form.address),
            edition=text_in(form.edition),
            key=text_in(form.key),
            secret=text_in(form.secret),
            wish=wish_of(session, form),
            by=person.public_id,
        )
        flash(_("Đã thêm nơi nhận %(name)s.", name=target.name), "success")
        return redirect(url_for("forwarding.show", public_id=target.public_id))
    status = 200 if request.method == "GET" else 422
    return render_template("forwarding/new.html", form=form), status


def wish_of(session: Session, form: TargetForm) -> actions.Wish:
    """Which statements the form asks for."""
    origin = text_in(form.not_from)
    return actions.Wish(
        counted_only=form.which.data == "counted",
        activity_prefix=text_in(form.prefix) or None,
        from_beginning=form.beginning.data == "all",
        not_from=session.scalar(select(XapiClient.id).where(XapiClient.key == origin)) if origin else None,
    )


@bp.get("/<uuid:public_id>")
@needs(KEEP)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One target, and the statements it refused."""
    session = get_session()
    target = access_target(session, actor(), public_id)
    total = session.scalar(select(func.count()).where(DeadLetter.target_id == target.id)) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    return render_template(
        "forwarding/target.html",
        target=target,
        origin=session.get(XapiClient, target.not_from) if target.not_from is not None else None,
        waiting=queries.waiting(session, target),
        letters=session.execute(queries.letters_of(target.id).limit(PAGE).offset((page - 1) * PAGE)).all(),
        total=total,
        page=page,
        pages=pages,
        page_url=lambda n: url_for("forwarding.show", public_id=public_id, page=n),
        **words(),
    )


def words() -> dict[str, Any]:
    """What templates need to tell the state of a target."""
    return {"ACTIVE": ACTIVE, "HALTED": HALTED, "KNOWN_TROUBLES": KNOWN_TROUBLES, "now": clock.now()}


@bp.route("/<uuid:public_id>/key", methods=["GET", "POST"])
@needs(KEEP)
def renew(public_id: uuid.UUID) -> ResponseReturnValue:
    """Another key and secret; then it goes on."""
    session = get_session()
    target = access_target(session, actor(), public_id)
    form = KeyForm(key=target.key)
    if form.validate_on_submit():
        actions.renew_key(session, target, key=text_in(form.key), secret=text_in(form.secret), by=actor().public_id)
        flash(_("Đã đổi khóa. Việc gửi tiếp tục ngay."), "success")
        return back(target)
    status = 200 if request.method == "GET" else 422
    return render_template("forwarding/key.html", form=form, target=target), status


@bp.post("/<uuid:public_id>/pause")
@needs(KEEP)
def pause(public_id: uuid.UUID) -> ResponseReturnValue:
    """Send nothing until it is resumed."""
    session = get_session()
    target = access_target(session, actor(), public_id)
    actions.pause_target(session, target, by=actor().public_id)
    flash(_("Đã tạm dừng. Bản ghi mới được giữ lại và gửi khi tiếp tục."), "success")
    return back(target)


@bp.post("/<uuid:public_id>/resume")
@needs(KEEP)
def resume(public_id: uuid.UUID) -> ResponseReturnValue:
    """Go on at once."""
    session = get_session()
    target = access_target(session, actor(), public_id)
    actions.resume(session, target, by=actor().public_id)
    flash(_("Việc gửi tiếp tục ngay."), "success")
    return back(target)


@bp.post("/<uuid:public_id>/replay")
@needs(KEEP)
def replay_all(public_id: uuid.UUID) -> ResponseReturnValue:
    """Send everything once more that was refused."""
    session = get_session()
    target = access_target(session, actor(), public_id)
    actions.replay(session, target, by=actor().public_id)
    flash(_("Các bản ghi bị từ chối đang được gửi lại."), "success")
    return back(target)


@bp.post("/<uuid:public_id>/letters/<int:letter_id>/replay")
@needs(KEEP)
def replay_one(public_id: uuid.UUID, letter_id: int) -> ResponseReturnValue:
    """Send one statement once more."""
    session = get_session()
    letter = access_letter(session, actor(), public_id, letter_id)
    target = access_target(session, actor(), public_id)
    actions.replay(session, target, letter=letter, by=actor().public_id)
    flash(_("Bản ghi đang được gửi lại."), "success")
    return back(target)


def back(target: ForwardTarget) -> ResponseReturnValue:
    """To the page of the target."""
    return redirect(url_for("forwarding.show", public_id=target.public_id))
