"""Configuration: read once, from the environment, into one frozen value.

Production is the default and refuses weak settings; `LMS_LOCAL=1` chooses the mode for trying the product on one's own
machine: SQLite under `instance/`, a generated secret, an address on this machine only.
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
SECRET_LENGTH = 32
LONGEST_CONTACT = 200
KNOWN_SECRETS = ("changeme", "secret", "development", "password", "default")


ROLES = (
    "administrator",
    "auditor",
    "unit_administrator",
    "head",
    "deputy",
    "trainer",
    "reviewer",
    "host",
    "learner",
)
"""What LMS_SECOND_FACTOR may name; a test compares them with the table of roles."""

SECOND_FACTOR_ROLES = frozenset({"administrator", "auditor", "unit_administrator", "head", "deputy", "trainer"})
"""Those who see or change what is others'."""

CLAIMS = {"email": "email", "code": "employee_number", "username": "preferred_username"}
"""By what a person of another sign-in service is found here, and the claim that usually tells it."""


LEAST_AUDIT_MONTHS = 3
AUDIT_PLACE = re.compile(r"(?:syslog:)?/[^/\s].*|syslog://[A-Za-z0-9.-]+(?::\d{1,5})?")


class Misconfigured(Exception):
    """The product refuses to start; the message says which setting, why, and what to do."""


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a new password must be (domain.md §4.2). `classes`: of small and capital letters, figures, all others.

    `remembered`: how many earlier passwords an administrator may not use again. `admin_days`: after so many days an
    administrator chooses another; 0: never.
    """

    length: int = 14
    length_with_second_factor: int = 8
    classes: int = 4
    remembered: int = 10
    admin_days: int = 0


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """When a session ends by itself: after so long without use, and after so long in any case."""

    idle: timedelta = timedelta(hours=2)
    length: timedelta = timedelta(hours=12)
    admin_idle: timedelta = timedelta(minutes=30)
    admin_length: timedelta = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """Another service at which people sign in (OpenID Connect).

    `claim` of its token names the person by what `match` says: e-mail, staff code or user name. `create`: somebody
    unknown becomes a person here, called as `name_claim` says. `email_unsaid`: an address is believed of which the
    service never says whether it has verified it.
    """

    issuer: str
    client_id: str
    client_secret: str
    name: str = "tài khoản của tỉnh"
    claim: str = "email"
    match: str = "email"
    scopes: str = "openid email profile"
    create: bool = False
    name_claim: str = "name"
    email_unsaid: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one running product.

    `site_url` is the address people type, without a slash at the end; every link in mail is built from it.
    `iri_base` begins the address of every activity and of our people's accounts in statements. It never changes, also
    when the site moves. `xapi_origins` are sites whose pages may speak to the record store from a browser; `forward_to`
    are stores inside one's own network, as host:port, to which statements may be forwarded. `former_secret_keys` still
    open what they sealed. `second_factor`: the roles that need more than a password to sign in. `roster_megabytes` is
    how large the file of a list of people may be. `help_contact` is whom people ask for help, as pages show it. The
    audit log is kept for `audit_months`; `audit_lines` is the file or the syslog to which its entries go as lines of
    JSON too.
    """

    database_url: str
    secret_key: str
    site_url: str
    iri_base: str
    data_dir: Path
    local: bool = False
    smtp_url: str = ""
    mail_from: str = ""
    proxies: int = 0
    xapi_default_version: str = "1.0.3"
    xapi_origins: frozenset[str] = frozenset()
    forward_to: frozenset[str] = frozenset()
    former_secret_keys: tuple[str, ...] = ()
    second_factor: frozenset[str] = frozenset()
    passwords: PasswordPolicy = field(default_factory=PasswordPolicy)
    sessions: SessionLimits = field(default_factory=SessionLimits)
    provider: OpenIdProvider | None = None
    roster_megabytes: int = 5
    audit_months: int = 12
    audit_lines: str = ""
    help_contact: str = ""

    @property
    def secure(self) -> bool:
        """Whether people reach the site over TLS, so that cookies may be `Secure` and named `__Host-`."""
        return self.site_url.startswith("https://")

    @property
    def host(self) -> str:
        """The one host name (with port) under which the site answers."""
        return urlsplit(self.site_url).netloc

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """The settings named `LMS_…`; raises `Misconfigured` naming the first that is missing or weak."""
        local = environ.get("LMS_LOCAL", "") == "1"
        data_dir = Path(environ.get("LMS_DATA_DIR") or ("instance" if local else "")).absolute()
        if not local and not environ.get("LMS_DATA_DIR"):
            raise Misconfigured(
                "LMS_DATA_DIR is not set: name a folder this program may write to, such as /var/lib/quan-triet. "
                "(To try the product on this machine only, set LMS_LOCAL=1.)"
            )
        site_url = environ.get("LMS_SITE_URL") or (f"http://127.0.0.1:{environ.get('PORT', '8000')}" if local else "")
        config = cls(
            database_url=environ.get("LMS_DATABASE_URL") or (f"sqlite:///{data_dir / 'lms.sqlite'}" if local else ""),
            secret_key=environ.get("LMS_SECRET_KEY") or (kept_secret(data_dir) if local else ""),
            site_url=site_url.rstrip("/"),
            iri_base=(environ.get("LMS_IRI_BASE") or ("https://quan-triet.example" if local else site_url)).rstrip("/"),
            data_dir=data_dir,
            local=local,
            smtp_url=environ.get("LMS_SMTP_URL", ""),
            mail_from=environ.get("LMS_MAIL_FROM", ""),
            proxies=whole_number(environ, "LMS_PROXIES", 0),
            xapi_default_version=environ.get("LMS_XAPI_DEFAULT_VERSION", "1.0.3"),
            xapi_origins=frozenset(environ.get("LMS_XAPI_ORIGINS", "").split()),
            forward_to=frozenset(environ.get("LMS_FORWARD_TO", "").lower().split()),
            former_secret_keys=tuple(environ.get("LMS_FORMER_SECRET_KEYS", "").split()),
            second_factor=second_factor_roles(environ, local=local),
            passwords=password_policy(environ),
            sessions=session_limits(environ),
            provider=provider_named(environ, local=local),
            roster_megabytes=whole_number(environ, "LMS_ROSTER_MB", 5),
            audit_months=whole_number(environ, "LMS_AUDIT_MONTHS", 12),
            audit_lines=environ.get("LMS_AUDIT_LINES", ""),
            help_contact=" ".join(environ.get("LMS_HELP_CONTACT", "").split()),
        )
        config.check()
        return config

    def check(self) -> None:
        """Raise `Misconfigured` for a setting under which the product would be unsafe."""
        if not self.database_url:
            raise Misconfigured("LMS_DATABASE_URL is not set: give the address of the database, postgresql://… .")
        check_secret(self.secret_key)
        check_site(self.site_url)
        if self.xapi_default_version not in {"1.0.3", "2.0.0"}:
            raise Misconfigured("LMS_XAPI_DEFAULT_VERSION must be 1.0.3 or 2.0.0.")
        for origin in sorted(self.xapi_origins):
            check_xapi_origin(origin)
        for place in sorted(self.forward_to):
            check_place(place)
        for former in self.former_secret_keys:
            check_secret(former, "LMS_FORMER_SECRET_KEYS")
        if len(self.help_contact) > LONGEST_CONTACT:
            raise Misconfigured(
                f"LMS_HELP_CONTACT must have at most {LONGEST_CONTACT} characters: a name, a number, an address."
            )
        if not 1 <= self.roster_megabytes <= 50:
            raise Misconfigured("LMS_ROSTER_MB must be from 1 to 50: a list of 20,000 people has some 2 MB.")
        check_audit(self.audit_months, self.audit_lines)


def second_factor_roles(environ: Mapping[str, str], *, local: bool) -> frozenset[str]:
    """The roles that need a second factor: those named, or by default all that see or change what is others'."""
    named = environ.get("LMS_SECOND_FACTOR", "").lower().split()
    if not named:
        return frozenset() if local else SECOND_FACTOR_ROLES
    unknown = set(named) - {*ROLES, "none"}
    if unknown or (len(named) > 1 and "none" in named):
        raise Misconfigured(f"LMS_SECOND_FACTOR must be none, or some of {' '.join(ROLES)}, not {' '.join(named)!r}.")
    return frozenset(named) - {"none"}


def password_policy(environ: Mapping[str, str]) -> PasswordPolicy:
    """The settings LMS_PASSWORD_…; a policy weaker than eight characters is refused."""
    standard = PasswordPolicy()
    policy = PasswordPolicy(
        length=whole_number(environ, "LMS_PASSWORD_LENGTH", standard.length),
        length_with_second_factor=whole_number(
            environ, "LMS_PASSWORD_LENGTH_WITH_SECOND_FACTOR", standard.length_with_second_factor
        ),
        classes=whole_number(environ, "LMS_PASSWORD_CLASSES", standard.classes),
        remembered=whole_number(environ, "LMS_PASSWORD_REMEMBERED", standard.remembered),
        admin_days=whole_number(environ, "LMS_PASSWORD_ADMIN_DAYS", standard.admin_days),
    )
    if not 8 <= policy.length_with_second_factor <= policy.length <= 64:
        raise Misconfigured(
            "LMS_PASSWORD_LENGTH and LMS_PASSWORD_LENGTH_WITH_SECOND_FACTOR must lie between 8 and 64, and the second "
            "not above the first."
        )
    if policy.classes > 4 or policy.remembered > 24:
        raise Misconfigured("LMS_PASSWORD_CLASSES must be 0 to 4, and LMS_PASSWORD_REMEMBERED 0 to 24.")
    return policy


def session_limits(environ: Mapping[str, str]) -> SessionLimits:
    """The settings LMS_SESSION_…, in minutes; those of administrators are never the longer ones."""
    idle, length, admin_idle, admin_length = (
        timedelta(minutes=whole_number(environ, name, default))
        for name, default in (
            ("LMS_SESSION_IDLE_MINUTES", 120),
            ("LMS_SESSION_MINUTES", 720),
            ("LMS_SESSION_ADMIN_IDLE_MINUTES", 30),
            ("LMS_SESSION_ADMIN_MINUTES", 480),
        )
    )
    limits = SessionLimits(idle, length, min(admin_idle, idle), min(admin_length, length))
    if limits.admin_idle < timedelta(minutes=5) or limits.admin_idle > limits.admin_length or idle > length:
        raise Misconfigured(
            "LMS_SESSION_IDLE_MINUTES and LMS_SESSION_ADMIN_IDLE_MINUTES must be at least 5, and not longer than "
            "LMS_SESSION_MINUTES and LMS_SESSION_ADMIN_MINUTES."
        )
    return limits


def provider_named(environ: Mapping[str, str], *, local: bool) -> OpenIdProvider | None:
    """The settings LMS_OIDC_…; None when no issuer is named."""
    issuer = environ.get("LMS_OIDC_ISSUER", "")
    if not issuer:
        return None
    parts = urlsplit(issuer)
    open_line = parts.scheme == "http" and local and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or open_line) or parts.query or parts.fragment:
        raise Misconfigured(f"LMS_OIDC_ISSUER must look like https://dang-nhap.example.gov.vn , not {issuer!r}.")
    match = environ.get("LMS_OIDC_MATCH") or "email"
    if match not in CLAIMS:
        raise Misconfigured(f"LMS_OIDC_MATCH must be one of {' '.join(CLAIMS)}, not {match!r}.")
    for name in ("LMS_OIDC_CLIENT_ID", "LMS_OIDC_CLIENT_SECRET"):
        if not environ.get(name):
            raise Misconfigured(f"{name} is not set: the service at LMS_OIDC_ISSUER gives it to this product.")
    standard = OpenIdProvider(issuer, environ["LMS_OIDC_CLIENT_ID"], environ["LMS_OIDC_CLIENT_SECRET"])
    scopes = environ.get("LMS_OIDC_SCOPES") or standard.scopes
    if "openid" not in scopes.split():
        raise Misconfigured("LMS_OIDC_SCOPES must contain openid.")
    return replace(
        standard,
        match=match,
        scopes=scopes,
        name=environ.get("LMS_OIDC_NAME") or standard.name,
        claim=environ.get("LMS_OIDC_CLAIM") or CLAIMS[match],
        create=environ.get("LMS_OIDC_CREATE", "") == "1",
        name_claim=environ.get("LMS_OIDC_NAME_CLAIM") or standard.name_claim,
        email_unsaid=environ.get("LMS_OIDC_EMAIL_UNSAID", "") == "1",
    )


def whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if text and not text.isdecimal():
        raise Misconfigured(f"{name} must be a whole number, not {text!r}.")
    return int(text or default)


def check_secret(secret: str, name: str = "LMS_SECRET_KEY") -> None:
    """A secret that can be guessed lets anyone sign in as anyone."""
    if not secret:
        raise Misconfigured(
            f'{name} is not set: make one with  python3 -c "import secrets; print(secrets.token_urlsafe(48))".'
        )
    weak = len(secret) < SECRET_LENGTH or len(set(secret)) < 10 or any(w in secret.lower() for w in KNOWN_SECRETS)
    if weak:
        raise Misconfigured(
            f"{name} is weak: at least {SECRET_LENGTH} characters made at random are needed, and no known word."
        )


def check_site(site_url: str) -> None:
    """Links, cookies and the check of the Host header all hang on the site's address."""
    if not site_url:
        raise Misconfigured(
            "LMS_SITE_URL is not set: give the address people type, such as https://hoc.example.gov.vn ."
        )
    parts = urlsplit(site_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise Misconfigured(f"LMS_SITE_URL must look like https://hoc.example.gov.vn , not {site_url!r}.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise Misconfigured("LMS_SITE_URL must begin with https:// : passwords travel over it.")


def check_xapi_origin(origin: str) -> None:
    """The origin of a page as browsers write it; never `*`: a key that leaks to some page must not work from any."""
    parts = urlsplit(origin)
    whole = f"{parts.scheme}://{parts.netloc}"
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not secure or not parts.hostname or "@" in parts.netloc or origin != whole.lower():
        raise Misconfigured(
            f"LMS_XAPI_ORIGINS must list origins such as https://noi-dung.example.gov.vn , not {origin!r}."
        )


def check_audit(months: int, lines: str) -> None:
    """Ninety days are asked for by decree; lines go to a file by its whole path, or to syslog."""
    if not LEAST_AUDIT_MONTHS <= months <= 240:
        raise Misconfigured(f"LMS_AUDIT_MONTHS must be from {LEAST_AUDIT_MONTHS} to 240: months the audit log is kept.")
    if lines and not AUDIT_PLACE.fullmatch(lines):
        raise Misconfigured(
            f"LMS_AUDIT_LINES must be the whole path of a file, syslog:/dev/log or syslog://host:514, not {lines!r}."
        )


def check_place(place: str) -> None:
    """A host and a port, so that a name alone opens no other service of that host."""
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal() or "/" in place:
        raise Misconfigured(f"LMS_FORWARD_TO must list host:port such as lrs.noi-bo.gov.vn:443 , not {place!r}.")


def kept_secret(data_dir: Path) -> str:
    """The secret of a local trial: made once, kept in the data folder, readable by its owner only."""
    path = data_dir / "secret-key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii").strip()
