"""Pages with which administrators look after forwarding: where statements go, how far they got, what was refused."""

import uuid
from functools import partial
from typing import Any, Protocol, TypeVar

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.db import config_of, get_session
from lms.forwarding import actions, queries
from lms.forwarding.access import KEEP, READ, D, access_destination, access_letter, destination_to_change
from lms.forwarding.forms import KeyForm, TargetForm, trouble_words
from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.forwarding.rules import ACTIVE, ADDRESS_REFUSED, HALTED, REMOVED, SECRET_LOST
from lms.web.acting import actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs
from lms.xapi.access import clients
from lms.xapi.models import XapiClient

bp = Feature("forwarding", __name__, url_prefix="/forwarding")

PAGE = 50
Of = TypeVar("Of", contravariant=True)
KNOWN_TROUBLES = (SECRET_LOST, ADDRESS_REFUSED)


class Change(Protocol[Of]):
    """What may be done to a target or a channel."""

    def __call__(self, session: Session, of: Of, /, *, by: uuid.UUID | None) -> object:
        """Do it, in the name of that person."""


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """All targets: state, last success, how far behind, what was refused."""
    holds_everywhere(READ)
    session = get_session()
    targets = list(session.scalars(queries.targets()))
    letters = queries.letters_by_target(session)
    waiting = queries.waiting(session, targets)
    rows = [(one, waiting[one.id], letters.get(one.id, 0)) for one in targets]
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
@needs(READ)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One target, and the statements it refused."""
    session = get_session()
    target = access_destination(session, actor(), ForwardTarget, public_id, READ)
    total = session.scalar(select(func.count()).where(DeadLetter.target_id == target.id)) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    return render_template(
        "forwarding/target.html",
        target=target,
        why=trouble_words(target.trouble or ""),
        origin=session.get(XapiClient, target.not_from) if target.not_from is not None else None,
        waiting=queries.waiting(session, [target])[target.id],
        letters=session.execute(queries.letters_of(target.id).limit(PAGE).offset((page - 1) * PAGE)).all(),
        total=total,
        page=page,
        pages=pages,
        page_url=lambda n: url_for("forwarding.show", public_id=public_id, page=n),
        **words(),
    )


def words() -> dict[str, Any]:
    """What templates need to tell the state of a target."""
    return {"ACTIVE": ACTIVE, "HALTED": HALTED, "REMOVED": REMOVED, "KNOWN_TROUBLES": KNOWN_TROUBLES}


@bp.route("/<uuid:public_id>/key", methods=["GET", "POST"])
@needs(KEEP)
def renew(public_id: uuid.UUID) -> ResponseReturnValue:
    """Another key and secret; then it goes on."""
    target = access_destination(get_session(), actor(), ForwardTarget, public_id, kept=True)
    form = KeyForm(key=target.key)
    if form.validate_on_submit():
        change = partial(actions.renew_key, key=text_in(form.key), secret=text_in(form.secret))
        return changed(public_id, change, _("Đã đổi khóa. Việc gửi tiếp tục ngay."))
    status = 200 if request.method == "GET" else 422
    return render_template("forwarding/key.html", form=form, target=target), status


@bp.post("/<uuid:public_id>/pause")
@needs(KEEP)
def pause(public_id: uuid.UUID) -> ResponseReturnValue:
    """Send nothing until it is resumed."""
    told = _("Đã tạm dừng. Bản ghi mới được giữ lại và gửi khi tiếp tục.")
    return changed(public_id, actions.pause_target, told)


@bp.post("/<uuid:public_id>/resume")
@needs(KEEP)
def resume(public_id: uuid.UUID) -> ResponseReturnValue:
    """Go on at once."""
    return changed(public_id, actions.resume, _("Việc gửi tiếp tục ngay."))


@bp.route("/<uuid:public_id>/remove", methods=["GET", "POST"])
@needs(KEEP)
def remove(public_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more; then nothing is sent there any more."""
    session = get_session()
    target = access_destination(session, actor(), ForwardTarget, public_id, kept=True)
    if request.method == "GET":
        waiting = queries.waiting(session, [target])[target.id]
        return render_template("forwarding/remove.html", target=target, waiting=waiting)
    told = _("Đã gỡ bỏ %(name)s. Không gửi gì đến đó nữa.", name=target.name)
    return changed(public_id, actions.remove_target, told)


@bp.post("/<uuid:public_id>/replay")
@needs(KEEP)
def replay_all(public_id: uuid.UUID) -> ResponseReturnValue:
    """Send everything once more that was refused."""
    return changed(public_id, actions.replay, _("Các bản ghi bị từ chối đang được gửi lại."))


@bp.post("/<uuid:public_id>/letters/<int:letter_id>/replay")
@needs(KEEP)
def replay_one(public_id: uuid.UUID, letter_id: int) -> ResponseReturnValue:
    """Send one statement once more."""
    letter = access_letter(get_session(), actor(), public_id, letter_id)
    return changed(public_id, partial(actions.replay, letter=letter), _("Bản ghi đang được gửi lại."))


def changed(public_id: uuid.UUID, change: Change[ForwardTarget], told: str) -> ResponseReturnValue:
    """Do this to the target, say so, and show its page."""
    return changed_of(ForwardTarget, "forwarding.show", public_id, change, told)


def changed_of(kind: type[D], page: str, public_id: uuid.UUID, change: Change[D], told: str) -> ResponseReturnValue:
    """Do this to the target or channel, say so, and show its page."""
    session, by = get_session(), actor()
    change(session, destination_to_change(session, by, kind, public_id), by=by.public_id)
    flash(told, "success")
    return redirect(url_for(page, public_id=public_id))
