"""Nothing typed is lost: a form that arrives after the session has ended, or with a stale token, is kept.

It is kept in the page itself, sealed with the server's key: first through the sign-in, then as a page that shows what
was typed and sends it again with one press. Only a form from our own pages is kept: no other site can plant one.
"""

from typing import Any, cast
from urllib.parse import urlsplit

from flask import current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer

KEPT_FOR_SECONDS = 14 * 86400
"""Longer than people are away from a page that waits for them to sign in: over night, over holidays."""

FIELD = "kept"
NEVER_KEPT = frozenset({"csrf_token", "password", "new_password", "repeat", "secret", "credential", FIELD})
LARGEST = 300_000


def from_here(*, missing_is_here: bool) -> bool:
    """Whether the browser says that the form came from a page of this site."""
    origin = request.headers.get("Origin") or request.headers.get("Referer")
    if not origin or origin == "null":
        return missing_is_here and origin != "null"
    return urlsplit(origin).netloc == request.host


def seal() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(cast(str, current_app.secret_key), salt="kept form")


def kept_form(whose: str = "") -> str:
    """The form of this request, sealed: its path and its fields, without tokens and passwords.

    `whose`: the public id of the person who was signed in, to whom alone it is handed back; "" where nobody knows. A
    form that itself only brings a kept one is not kept: the one within is.
    """
    if not from_here(missing_is_here=False):
        return ""
    if opened(request.form.get(FIELD, "")) is not None:
        return request.form[FIELD]
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in NEVER_KEPT]
    if not fields or sum(len(value) for _, value in fields) > LARGEST:
        return ""
    return str(seal().dumps({"path": request.full_path.rstrip("?"), "fields": fields, "whose": whose}))


def opened(sealed: str) -> dict[str, Any] | None:
    """What `kept_form` sealed, or None when it is not ours or too old."""
    try:
        return cast(dict[str, Any], seal().loads(sealed, max_age=KEPT_FOR_SECONDS))
    except BadData:
        return None


def sign_in_first() -> ResponseReturnValue:
    """The session has ended: the sign-in page, with the form held in it."""
    return current_app.ensure_sync(current_app.view_functions["accounts.sign_in"])(), 401


def is_bound(sealed: str) -> bool:
    """Whether this is kept for one person."""
    form = opened(sealed) if sealed else None
    return form is not None and bool(form.get("whose"))


def send_again(sealed: str, reason: str, *, to: str = "") -> ResponseReturnValue | None:
    """The page that shows `to` (a public id) what was kept and sends it again; None when there is nothing for them."""
    form = opened(sealed) if sealed else None
    if form is None or form.get("whose", "") not in {"", to}:
        return None
    return render_template("web/kept.html", action=form["path"], fields=form["fields"], reason=reason)


def back_home() -> str:
    """Where one goes when nothing else was asked for."""
    return url_for("web.home")
