"""Pages with which administrators look after other channels: where messages go, what arrived, what is dead."""

import uuid
from functools import partial

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lms.db import config_of, get_session
from lms.forwarding.access import KEEP, READ, access_destination
from lms.forwarding.forms import trouble_words
from lms.forwarding.views import Change, changed_of
from lms.web.acting import actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs
from lms.webhooks import actions, queries
from lms.webhooks.access import access_message
from lms.webhooks.forms import KIND_WORDS, TOLD_WORDS, WebhookForm
from lms.webhooks.models import Webhook

bp = Feature("webhooks", __name__, url_prefix="/webhooks")

PAGE = 50


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """All channels: state, last success, what waits, what is dead."""
    holds_everywhere(READ)
    own = get_session()
    found, numbers = own.scalars(queries.webhooks()).all(), queries.numbers(own)
    return render_template("webhooks/list.html", found=found, numbers=numbers, words=KIND_WORDS)


@bp.route("/new", methods=["GET", "POST"])
@needs(KEEP)
def new() -> ResponseReturnValue:
    """A new channel; the answer to the form is the one page that shows its secret."""
    by, own = holds_everywhere(KEEP), get_session()
    form = WebhookForm(config_of(own))
    if not form.validate_on_submit():
        return render_template("webhooks/new.html", form=form), 200 if request.method == "GET" else 422
    name, address = text_in(form.name), text_in(form.address)
    hook, secret = actions.add_webhook(own, name=name, address=address, kinds=form.kinds.data or [], by=by.public_id)
    return secret_shown(hook, secret)


def secret_shown(hook: Webhook, secret: str) -> ResponseReturnValue:
    """The secret, this once."""
    answer = make_response(render_template("webhooks/secret.html", hook=hook, secret=secret))
    answer.headers["Cache-Control"] = "no-store"  # in no address, no cookie and no cache
    return answer


@bp.get("/<uuid:public_id>")
@needs(READ)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One channel and its messages, the latest first."""
    own = get_session()
    hook = access_destination(own, actor(), Webhook, public_id, READ)
    numbers = queries.numbers(own)
    total = sum(number for (hook_id, _state), number in numbers.items() if hook_id == hook.id)
    pages = max(1, -(-total // PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    return render_template(
        "webhooks/webhook.html",
        hook=hook,
        numbers=numbers,
        messages=own.scalars(queries.messages_of(hook.id).limit(PAGE).offset((page - 1) * PAGE)).all(),
        words=KIND_WORDS,
        told=TOLD_WORDS,
        why=trouble_words,
        page=page,
        pages=pages,
        page_url=lambda n: url_for("webhooks.show", public_id=public_id, page=n),
    )


def changed(public_id: uuid.UUID, change: Change[Webhook], told: str) -> ResponseReturnValue:
    """Do this to the channel, say so, and show its page."""
    return changed_of(Webhook, "webhooks.show", public_id, change, told)


@bp.post("/<uuid:public_id>/pause")
@needs(KEEP)
def pause(public_id: uuid.UUID) -> ResponseReturnValue:
    """Send nothing until it is resumed."""
    return changed(public_id, actions.pause_webhook, _("Đã tạm dừng. Tin mới được giữ lại và gửi khi tiếp tục."))


@bp.post("/<uuid:public_id>/resume")
@needs(KEEP)
def resume(public_id: uuid.UUID) -> ResponseReturnValue:
    """Go on, within the hours of what waits."""
    return changed(public_id, actions.resume, _("Việc gửi tiếp tục, trong giờ gửi thư."))


@bp.post("/<uuid:public_id>/try")
@needs(KEEP)
def try_out(public_id: uuid.UUID) -> ResponseReturnValue:
    """Send a message that says nothing."""
    return changed(public_id, actions.try_out, _("Tin thử đang được gửi. Tải lại trang để xem kết quả."))


@bp.post("/<uuid:public_id>/replay")
@needs(KEEP)
def replay_all(public_id: uuid.UUID) -> ResponseReturnValue:
    """Send all dead messages once more."""
    return changed(public_id, actions.replay, _("Các tin không đến nơi sẽ được gửi lại, trong giờ gửi thư."))


@bp.post("/<uuid:public_id>/messages/<uuid:message_id>/replay")
@needs(KEEP)
def replay_one(public_id: uuid.UUID, message_id: uuid.UUID) -> ResponseReturnValue:
    """Send one dead message once more."""
    message = access_message(get_session(), actor(), public_id, message_id)
    told = _("Tin sẽ được gửi lại, trong giờ gửi thư.")
    return changed(public_id, partial(actions.replay, message=message), told)


@bp.route("/<uuid:public_id>/secret", methods=["GET", "POST"])
@needs(KEEP)
def renew(public_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more; then another secret, shown this once."""
    own, by = get_session(), actor()
    hook = access_destination(own, by, Webhook, public_id, kept=True)
    if request.method == "GET":
        return render_template("webhooks/renew.html", hook=hook)
    return secret_shown(hook, actions.renew_secret(own, hook, by=by.public_id))


@bp.route("/<uuid:public_id>/remove", methods=["GET", "POST"])
@needs(KEEP)
def remove(public_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more; then nothing is sent there any more."""
    if request.method == "GET":
        hook = access_destination(get_session(), actor(), Webhook, public_id, kept=True)
        return render_template("webhooks/remove.html", hook=hook)
    return changed(public_id, actions.remove_webhook, _("Đã gỡ bỏ. Không gửi gì đến đó nữa."))
