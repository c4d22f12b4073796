"""What surrounds every page: language, security headers, tokens against forged forms, addresses of static files."""

from collections.abc import Callable

from flask import Flask, Request, Response, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_babel import Babel, get_locale
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined

from lms.config import LOOPBACK, Config
from lms.web.acting import signed_in
from lms.web.languages import Catalogues

LANGUAGES = ("vi", "en")
LARGEST_FORM = 1_000_000

# The one hash allowed is that of an empty <style>: Plotly adds one and fills it by rules (no inline text).
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

csrf = CSRFProtect()


class Cookies(SecureCookieSessionInterface):
    """Flask's signed cookie. For whoever brings none, as other systems do, no signer is made."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """An empty session when there is no cookie."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


def keys_and_hosts(config: Config) -> dict[str, object]:
    """What every application of this product must know: its secret, and the names by which it is reached."""
    hosts = [config.host] if not config.local else [config.host, *sorted(LOOPBACK)]
    names = [host.rsplit(":", 1)[0] if not host.startswith("[") else host for host in hosts]
    return {"SECRET_KEY": config.secret_key, "TRUSTED_HOSTS": names}


def init_app(app: Flask, config: Config, asset: Callable[[str], str], demo: Callable[[], bool]) -> None:
    """Set up cookies, hosts, limits, language and headers for the whole application."""
    app.config.update(
        keys_and_hosts(config),
        SESSION_COOKIE_NAME="__Host-session" if config.secure else "session",
        SESSION_COOKIE_SECURE=config.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # the gate checks Origin itself, for plain local trials too
        BABEL_DEFAULT_LOCALE="vi",
        BABEL_DEFAULT_TIMEZONE="Asia/Ho_Chi_Minh",
    )
    app.session_interface = Cookies()
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    csrf.init_app(app)
    babel = Babel(app, locale_selector=language)
    babel.domain_instance = Catalogues()
    app.add_template_global(asset, "asset")
    app.context_processor(lambda: {**surroundings(demo), "help_contact": config.help_contact})
    app.after_request(protect)


def surroundings(demo: Callable[[], bool]) -> dict[str, object]:
    """What the base template shows. The page that says that the database is away must not ask the database."""
    if g.get("database_away"):
        return {"actor": None, "viewer": None, "demo": False, "locale": "vi", "navigation": []}
    person = signed_in()
    viewer = person.viewer if person is not None else None
    return {"actor": person, "viewer": viewer, "demo": demo(), "locale": str(get_locale() or "vi")}


def language() -> str:
    """Vietnamese unless the person has switched."""
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    person = None if g.get("database_away") else signed_in()
    return person.language if person is not None else "vi"


PROTECTION = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ("Cache-Control", "no-store"),
)
PROTECTION_OVER_TLS = (*PROTECTION, ("Strict-Transport-Security", "max-age=31536000"))


def protection(scheme: str) -> tuple[tuple[str, str], ...]:
    """Headers on every answer, errors included. Pages are personal and are never stored on the way."""
    return PROTECTION_OVER_TLS if scheme == "https" else PROTECTION


def protect(response: Response) -> Response:
    """Add those headers that the answer has not got yet."""
    given = {name.lower() for name, _ in response.headers}
    response.headers.extend([(name, value) for name, value in protection(request.scheme) if name.lower() not in given])
    return response
