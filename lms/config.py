"""Configuration: read once, from the environment, into one frozen value.

Production is the default and refuses weak settings; `LMS_LOCAL=1` chooses the mode for trying the product on one's own
machine: SQLite under `instance/`, a generated secret, an address on this machine only.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
SECRET_LENGTH = 32
KNOWN_SECRETS = ("changeme", "secret", "development", "password", "default")


class Misconfigured(Exception):
    """The product refuses to start; the message says which setting, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one running product.

    `site_url` is the address people type, without a slash at the end; every link in mail is built from it.
    `iri_base` begins the address of every activity and of our people's accounts in statements. It never changes, also
    when the site moves. `xapi_origins` are sites whose pages may speak to the record store from a browser; `forward_to`
    are stores inside one's own network, as host:port, to which statements may be forwarded. `roster_megabytes` is how
    large the file of a list of people may be.
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
    roster_megabytes: int = 5

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
            roster_megabytes=whole_number(environ, "LMS_ROSTER_MB", 5),
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
        if not 1 <= self.roster_megabytes <= 50:
            raise Misconfigured("LMS_ROSTER_MB must be from 1 to 50: a list of 20,000 people has some 2 MB.")


def whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if text and not text.isdecimal():
        raise Misconfigured(f"{name} must be a whole number, not {text!r}.")
    return int(text or default)


def check_secret(secret: str) -> None:
    """A secret that can be guessed lets anyone sign in as anyone."""
    if not secret:
        raise Misconfigured(
            'LMS_SECRET_KEY is not set: make one with  python3 -c "import secrets; print(secrets.token_urlsafe(48))".'
        )
    weak = len(secret) < SECRET_LENGTH or len(set(secret)) < 10 or any(w in secret.lower() for w in KNOWN_SECRETS)
    if weak:
        raise Misconfigured(
            f"LMS_SECRET_KEY is weak: at least {SECRET_LENGTH} characters made at random are needed, and no known word."
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
