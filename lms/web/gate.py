"""Closed by default: every route declares its policy, and one that declares none cannot be reached.

`@public` is for everyone, `@needs("resource:action")` for those whose role carries that permission, and
`@for_clients` for other systems, which the view itself asks for their credentials. Absent and forbidden look the same.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from lms.db import SAFE_METHODS
from lms.text import visible
from lms.web import errors, kept
from lms.web.acting import ONLY_READS, VIEWING, VIEWING_OVER, login_manager, signed_in

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
CLIENTS = "clients"
OPEN = frozenset({PUBLIC, CLIENTS})
POLICY = "policy"
MANNER = "manner"
READING, LEAVING = "reading", "leaving"
OWN_ACCOUNT = "profile:own"


def public(view: View) -> View:
    """Open to everyone, signed in or not."""
    return declared(view, PUBLIC)


def for_clients(view: View) -> View:
    """Open to other systems; the view checks their credentials and knows no signed-in person."""
    return declared(view, CLIENTS)


def needs(permission: str) -> Callable[[View], View]:
    """Open to the signed-in who hold the permission. Which object it is about is decided by an access function."""
    return lambda view: declared(view, permission)


def reading(view: View) -> View:
    """A form that only asks to see something: also for whoever may change nothing."""
    setattr(view, MANNER, READING)
    return view


def leaving(view: View) -> View:
    """A form by which one leaves: the only kind that is open while one looks as somebody else."""
    setattr(view, MANNER, LEAVING)
    return view


def declared(view: View, policy: str) -> View:
    setattr(view, POLICY, policy)
    return view


def policy_of(app: Flask, endpoint: str) -> str | None:
    """The policy an endpoint declares; None when nobody may reach it."""
    return getattr(app.view_functions.get(endpoint), POLICY, None)


def init_app(app: Flask) -> None:
    login_manager.init_app(app)
    app.before_request(check_address)
    app.before_request(check_origin)
    app.before_request(drop_slash)
    app.before_request(check_policy)


def check_address() -> None:
    """No address of ours holds a character that nobody sees, and PostgreSQL could not even look for one.

    What stands after the `?` is read by the view, through a form or `lms.text.nfc`.
    """
    if visible(request.path) != request.path:
        abort(404)


def check_origin() -> None:
    """A browser that sends a form from another site names that site. Clients of the store are not browsers' pages."""
    if request.method in SAFE_METHODS or request.endpoint is None:
        return
    if policy_of(current_app, request.endpoint) != CLIENTS and not kept.from_here(missing_is_here=True):
        abort(400, "origin")


def drop_slash() -> ResponseReturnValue | None:
    """A page's address with a slash at its end leads to the page; to those of other systems nothing is added."""
    if request.endpoint is not None or request.method not in SAFE_METHODS or not request.path.endswith("/"):
        return None
    adapter = current_app.create_url_adapter(request)
    try:
        endpoint, values = adapter.match(request.path.rstrip("/"), "GET") if adapter is not None else ("", {})
    except (HTTPException, RequestRedirect):
        return None
    if policy_of(current_app, endpoint) in {None, CLIENTS}:
        return None
    query = f"?{request.query_string.decode('ascii', 'ignore')}" if request.query_string else ""
    return redirect(url_for(endpoint, **values) + query, 308)


def check_policy() -> ResponseReturnValue | None:
    """Let pass, ask to sign in, answer as if there were nothing, or refuse to change anything."""
    if request.endpoint is None:
        return None
    policy, changes = policy_of(current_app, request.endpoint), request.method not in SAFE_METHODS
    if policy == CLIENTS or (policy == PUBLIC and not changes):
        return None
    person = signed_in()
    if changes and person is not None and person.tied in {VIEWING, VIEWING_OVER} and manner() != LEAVING:
        return errors.tied(person.tied)
    if policy == PUBLIC:
        return None
    if policy is None:
        abort(404)
    if person is None:
        return ask_to_sign_in()
    if not person.may(policy):
        abort(404)
    if changes and person.tied == ONLY_READS and policy != OWN_ACCOUNT and manner() != READING:
        return errors.tied(ONLY_READS)
    return None


def manner() -> str | None:
    """What kind of form this request sends, as its view says."""
    return getattr(current_app.view_functions.get(request.endpoint or ""), MANNER, None)


def ask_to_sign_in() -> Response | ResponseReturnValue:
    """To the sign-in page and back again; what was typed into a form travels along."""
    if request.method in SAFE_METHODS:
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
    if request.accept_mimetypes.best == "application/json":
        return {"error": "signed-out"}, 401
    return kept.sign_in_first()
