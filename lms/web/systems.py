"""The application that answers other systems, beside that of the pages: it knows no cookie, sign-in, form or language.

What a request of another system does not need it does not pay for, and what keeps pages safe cannot be in its way.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, abort, current_app, request
from flask.sessions import SecureCookieSession, SessionInterface, SessionMixin

from lms import db
from lms.config import Config
from lms.db import Database
from lms.web import gate, shell
from lms.web.feature import Feature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/xapi"
LARGEST_BODY = 10_000_000  # bytes; a view may allow more
Tellers = Mapping[type[Exception], Callable[[Any], Response]]


class NoCookies(SessionInterface):
    """What code shared with pages puts into a session is forgotten with the request."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        return SecureCookieSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Nothing is sent."""


class Application(Flask):
    """Flask, for views that are never coroutines: it need not look at each of them on each request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def application(
    config: Config, database: Database, features: Iterable[Feature], told: Tellers, *, first: Callable[[], None]
) -> Flask:
    """These features, served. `told` makes an answer of each kind of error, `first` precedes each request."""
    app = Application("lms", static_folder=None)
    app.config.update(shell.keys_and_hosts(config), MAX_CONTENT_LENGTH=LARGEST_BODY, MAX_FORM_MEMORY_SIZE=LARGEST_BODY)
    app.session_interface = NoCookies()
    db.init_app(app, database)
    app.before_request(first)
    app.before_request(gate.check_address)
    app.before_request(check_policy)
    app.after_request(shell.protect)
    for kind, tell in told.items():
        app.register_error_handler(kind, tell)
    for feature in features:
        app.register_blueprint(feature)
    return app


def check_policy() -> None:
    """Closed by default here too: only what is declared open, to everyone or to other systems, is reached."""
    if request.endpoint is not None and gate.policy_of(current_app, request.endpoint) not in gate.OPEN:
        abort(404)


def beside(pages: "WSGIApplication", systems: "WSGIApplication") -> "WSGIApplication":
    """One WSGI application of the two: whose a request is, its address says."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        ours = path.startswith(f"{PREFIX}/") or path == PREFIX
        return (systems if ours else pages)(environ, start_response)

    return answer
