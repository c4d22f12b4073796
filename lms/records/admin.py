"""Pages with which administrators let other systems speak to the record store, and take that back."""

import hashlib
import hmac

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lms.db import config_of, get_session
from lms.records import actions, queries
from lms.records.access import KEEP_CLIENTS, READ_CLIENTS, access_system, system_to_change
from lms.records.forms import SCOPE_WORDS, ClientForm, GrantForm, titled
from lms.web.acting import actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs
from lms.xapi.models import XapiClient

bp = Feature("clients", __name__, url_prefix="/clients")


@bp.get("")
@needs(READ_CLIENTS)
def index() -> ResponseReturnValue:
    """All systems that may speak to the store, or might once."""
    holds_everywhere(READ_CLIENTS)
    return render_template("clients/systems.html", systems=queries.systems(get_session()))


@bp.route("/new", methods=["GET", "POST"])
@needs(KEEP_CLIENTS)
def new() -> ResponseReturnValue:
    """A new system; the answer to the form is the one page that shows its secret."""
    by, own = holds_everywhere(KEEP_CLIENTS), get_session()
    form = ClientForm()
    form.offer(queries.courses(own))
    if form.validate_on_submit():
        try:
            client, secret = actions.create_client(
                own,
                name=text_in(form.name),
                scopes=form.scopes.data or [],
                counts_prefix=form.counts_prefix,
                once=text_in(form.once),
                by=by.public_id,
            )
        except actions.AlreadyMade as made:
            flash(already_words(made.client), "warning")
            return redirect(url_for("clients.show", client_id=made.client.id))
        return secret_page(client, secret)
    return render_template("clients/new.html", form=form), 200 if request.method == "GET" else 422


def already_words(client: XapiClient) -> str:
    """What is said when a form is sent a second time."""
    return str(
        _(
            "Biểu mẫu này đã được gửi: hệ thống %(name)s đã có. Khóa bí mật chỉ hiện ra một lần; nếu chưa kịp chép, "
            "cấp khóa mới.",
            name=client.name,
        )
    )


def secret_page(client: XapiClient, secret: str) -> ResponseReturnValue:
    """Key and secret, this once: in no address, no cookie and no cache."""
    answer = make_response(render_template("clients/secret.html", client=client, secret=secret))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/<int:client_id>")
@needs(READ_CLIENTS)
def show(client_id: int) -> ResponseReturnValue:
    """One system: what it may do, what of it counts, when it was last used."""
    own = get_session()
    client = access_system(own, actor(), client_id, READ_CLIENTS)
    course = next((one for one in queries.courses(own) if one.iri == client.activity_prefix), None)
    return render_template(
        "clients/system.html",
        client=client,
        course=titled(course) if course is not None else "",
        words=SCOPE_WORDS,
    )


@bp.route("/<int:client_id>/grant", methods=["GET", "POST"])
@needs(KEEP_CLIENTS)
def grant(client_id: int) -> ResponseReturnValue:
    """Other scopes, or other activities whose statements count."""
    own, by = get_session(), actor()
    client = access_system(own, by, client_id, active=True)
    courses = queries.courses(own)
    form = GrantForm()
    form.offer(courses)
    if request.method == "GET":
        form.show(client, courses)
    if form.validate_on_submit():
        client = system_to_change(own, by, client_id)
        changed = actions.grant_client(
            own, client, scopes=form.scopes.data or [], counts_prefix=form.counts_prefix, by=by.public_id
        )
        flash(_("Đã lưu quyền mới.") if changed else _("Không có gì thay đổi."), "success" if changed else "info")
        return redirect(url_for("clients.show", client_id=client.id))
    return render_template("clients/grant.html", form=form, client=client), 200 if request.method == "GET" else 422


@bp.route("/<int:client_id>/rotate", methods=["GET", "POST"])
@needs(KEEP_CLIENTS)
def rotate(client_id: int) -> ResponseReturnValue:
    """Ask once more; then a new secret. A form that is sent again renews nothing."""
    own, by = get_session(), actor()
    client = access_system(own, by, client_id, active=True)
    if request.method == "GET":
        return render_template("clients/rotate.html", client=client, present=present(own, client))
    client = system_to_change(own, by, client_id)
    if not hmac.compare_digest(request.form.get("present", "").encode(), present(own, client).encode()):
        flash(_("Khóa bí mật đã được đổi sau khi trang này mở ra. Nếu chưa kịp chép khóa, cấp khóa mới."), "warning")
        return redirect(url_for("clients.show", client_id=client.id))
    return secret_page(client, actions.rotate_secret(own, client, by=by.public_id))


def present(own: Session, client: XapiClient) -> str:
    """A mark of the secret that is valid now, from which nothing follows about it."""
    return hmac.new(config_of(own).secret_key.encode(), client.secret_digest, hashlib.sha256).hexdigest()[:32]


@bp.route("/<int:client_id>/revoke", methods=["GET", "POST"])
@needs(KEEP_CLIENTS)
def revoke(client_id: int) -> ResponseReturnValue:
    """Ask once more; then the system may speak no longer."""
    own, by = get_session(), actor()
    client = access_system(own, by, client_id, active=True)
    if request.method == "GET":
        return render_template("clients/revoke.html", client=client)
    actions.revoke_client(own, system_to_change(own, by, client_id), by=by.public_id)
    flash(_("%(name)s không còn kết nối được. Những gì đã ghi vẫn giữ nguyên.", name=client.name), "success")
    return redirect(url_for("clients.index"))
