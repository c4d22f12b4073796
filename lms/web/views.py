"""The first page, the switch of language, and whether the service is alive."""

from flask import current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from lms.db import get_read_session
from lms.web import navigation
from lms.web.acting import signed_in
from lms.web.addresses import local_path
from lms.web.feature import Feature
from lms.web.gate import public
from lms.web.shell import LANGUAGES

bp = Feature("web", __name__)


@bp.get("/")
@public
def home() -> ResponseReturnValue:
    """To the first page of one's highest role, or to the sign-in."""
    if signed_in() is None:
        return redirect(url_for("accounts.sign_in"))
    endpoint = navigation.home_endpoint(current_app.extensions["doors"])
    return redirect(url_for(endpoint or "accounts.profile"))


@bp.post("/language")
@public
def set_language() -> ResponseReturnValue:
    """Remember the language for this browser and go back."""
    chosen = request.form.get("language")
    if chosen in LANGUAGES:
        session["language"] = chosen
    return redirect(local_path(request.form.get("next")) or url_for("web.home"))


@bp.get("/healthz")
@public
def health() -> ResponseReturnValue:
    """200 when the database answers."""
    get_read_session().execute(text("SELECT 1"))
    return {"status": "ok"}
