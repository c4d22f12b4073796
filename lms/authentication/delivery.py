"""How another sign-in service is asked (OpenID Connect), and what of its answer is believed."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lms.config import LOOPBACK, OpenIdProvider

TIMEOUT_SECONDS = 10
BELIEVED_SECONDS = 3600.0
"""How long the service's description of itself and its keys are kept."""
ASK_AGAIN_SECONDS = 30.0
"""A token signed with a key not seen before has the keys fetched anew, but no more often than this."""
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a private key only: `none` and shared secrets prove nothing here."""
LEEWAY_SECONDS = 60
LARGEST_ANSWER = 1_000_000


class ServiceFailed(Exception):
    """The service could not be asked, or its answer proves nothing. The message tells nothing about a person."""


@dataclass(slots=True)
class Service:
    """What one process remembers of the other service."""

    issuer: str
    described: dict[str, Any] = field(default_factory=dict)
    described_at: float = 0.0
    keys: KeySet | None = None
    keys_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def description(self) -> dict[str, Any]:
        """The service's description of itself (discovery). Raises `ServiceFailed`."""
        with self.lock:
            if not self.described or time.monotonic() - self.described_at > BELIEVED_SECONDS:
                found = fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != self.issuer:
                    raise ServiceFailed("the service calls itself by another issuer")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    check_endpoint(self.issuer, found.get(name))
                self.described, self.described_at = found, time.monotonic()
            return self.described

    def question(self, config: OpenIdProvider, asked: dict[str, str], *, back: str) -> str:
        """The address to send the browser to: authorization code with PKCE, state and nonce."""
        address, _state = client(config, back).create_authorization_url(
            self.description()["authorization_endpoint"],
            state=asked["state"],
            nonce=asked["nonce"],
            code_verifier=asked["verifier"],
        )
        return str(address)

    def claims(self, config: OpenIdProvider, asked: dict[str, str], *, code: str, back: str) -> dict[str, Any]:
        """What the service says of whoever came back with this code. Raises `ServiceFailed`."""
        endpoint = self.description()["token_endpoint"]
        try:
            token = client(config, back).fetch_token(
                endpoint, code=code, code_verifier=asked["verifier"], grant_type="authorization_code"
            )
        except (AuthlibBaseError, requests.RequestException, ValueError) as error:
            raise ServiceFailed(f"no token: {type(error).__name__}") from error
        return self.believed(config, str(token.get("id_token", "")), nonce=asked["nonce"])

    def believed(self, config: OpenIdProvider, id_token: str, *, nonce: str) -> dict[str, Any]:
        """The claims of a token, once its signature, issuer, audience, time and nonce are right."""
        try:
            claims = self.signed(id_token).claims
            registry = jwt.JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": config.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            )
            registry.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ServiceFailed(f"the token is not believed: {type(error).__name__}") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", config.client_id) != config.client_id or (several and "azp" not in claims):
            raise ServiceFailed("the token is meant for another")
        return dict(claims)

    def signed(self, id_token: str) -> jwt.Token:
        """The token, if a key of the service has signed it; keys are fetched anew for one that is not known."""
        try:
            return jwt.decode(id_token, self.key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if time.monotonic() - self.keys_at < ASK_AGAIN_SECONDS:
                raise
            return jwt.decode(id_token, self.key_set(anew=True), algorithms=ALGORITHMS)

    def key_set(self, *, anew: bool = False) -> KeySet:
        """The keys of the service."""
        address = self.description()["jwks_uri"]
        with self.lock:
            if anew or self.keys is None or time.monotonic() - self.keys_at > BELIEVED_SECONDS:
                self.keys = KeySet.import_key_set(fetched(address))  # type: ignore[arg-type]  # checked as it is read
                self.keys_at = time.monotonic()
            return self.keys

    def farewell(self, config: OpenIdProvider, *, back: str) -> str | None:
        """The address at which one signs out of the service; None when it names none."""
        endpoint = self.description().get("end_session_endpoint")
        if endpoint is None:
            return None
        check_endpoint(self.issuer, endpoint)
        told = urlencode({"client_id": config.client_id, "post_logout_redirect_uri": back})
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{told}"


SERVICES: dict[str, Service] = {}


def provider_of(config: OpenIdProvider) -> Service:
    """What this process remembers of the service."""
    return SERVICES.setdefault(config.issuer, Service(config.issuer))


def client(config: OpenIdProvider, back: str) -> OAuth2Session:
    """Authlib's client, which knows PKCE."""
    session = OAuth2Session(
        config.client_id,
        config.client_secret,
        scope=config.scopes,
        redirect_uri=back,
        code_challenge_method="S256",
    )
    session.request = bounded(session.request)
    return session


def bounded(request: Any) -> Any:
    """A request that does not wait for ever, and follows nobody elsewhere."""

    def ask(method: str, url: str, **options: Any) -> Any:
        return request(method, url, **{"timeout": TIMEOUT_SECONDS, "allow_redirects": False, **options})

    return ask


def fetched(address: str) -> dict[str, Any]:
    """A JSON object from an address of the service. Raises `ServiceFailed`."""
    try:
        answer = requests.get(address, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        found = answer.json() if answer.status_code == 200 and len(answer.content) <= LARGEST_ANSWER else None
    except (requests.RequestException, ValueError) as error:
        raise ServiceFailed(f"the service does not answer: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ServiceFailed(f"the service answered {answer.status_code}")
    return found


def check_endpoint(issuer: str, address: object) -> None:
    """An address the service names must be as safe as its own. Raises `ServiceFailed`."""
    parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
    open_line = urlsplit(issuer).scheme == "http" and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or open_line):
        raise ServiceFailed("the service names an address that is not safe")
