"""Pages with which administrators let other systems read figures, and take that back."""

import uuid

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from analytics.api import actions, queries
from analytics.api.access import KEEP, READ, access_token
from analytics.api.forms import TokenForm
from analytics.api.render import SCOPE_WORDS
from lms import clock
from lms.db import get_session
from lms.organisation.queries import unit_trees
from lms.web.acting import actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import day_in, text_in
from lms.web.gate import needs

bp = Feature("tokens", __name__, url_prefix="/api-tokens")


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """All tokens, those that open nothing any more too."""
    holds_everywhere(READ)
    found = get_session().scalars(queries.tokens()).all()
    return render_template("tokens/tokens.html", found=found, words=SCOPE_WORDS, today=clock.today())


@bp.route("/new", methods=["GET", "POST"])
@needs(KEEP)
def new() -> ResponseReturnValue:
    """A new token; the answer to the form is the one page that shows it."""
    by, own = holds_everywhere(KEEP), get_session()
    form = TokenForm()
    form.unit.offer(unit_trees(own, on=clock.today()))
    if not form.validate_on_submit():
        return render_template("tokens/new.html", form=form), 200 if request.method == "GET" else 422
    token, secret = actions.make_token(
        own,
        name=text_in(form.name),
        scopes=form.scopes.data or [],
        unit=form.unit.unit,
        expires_on=day_in(form.expires),
        by=by.public_id,
    )
    answer = make_response(render_template("tokens/secret.html", token=token, secret=secret))
    answer.headers["Cache-Control"] = "no-store"  # in no address, no cookie and no cache
    return answer


@bp.route("/<uuid:token_id>/revoke", methods=["GET", "POST"])
@needs(KEEP)
def revoke(token_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more; then the token opens nothing."""
    own, by = get_session(), actor()
    token = access_token(own, by, token_id, to_change=request.method == "POST")
    if request.method == "GET":
        return render_template("tokens/revoke.html", token=token)
    actions.revoke_token(own, token, by=by.public_id)
    flash(_("Khóa của %(name)s không còn đọc được gì.", name=token.name), "success")
    return redirect(url_for("tokens.index"))
