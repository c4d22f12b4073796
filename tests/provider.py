"""Another sign-in service on this machine: an OpenID provider made of Authlib's server, which checks PKCE itself.

Whoever comes is `person`, without being asked. `twist` spoils tokens, as a hostile or broken service would.
"""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from tests.servers import serving

CLIENT_ID, CLIENT_SECRET = "quan-triet", "a secret for tests"
Claims = dict[str, Any]


@dataclass
class Client(ClientMixin):  # type: ignore[misc]  # Authlib carries no types
    """The one client that is registered."""

    redirect_uri: str

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in {"client_secret_basic", "client_secret_post"}

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Given:
    """A code that was given out, and for what."""

    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Provider:
    """The service: who comes to it, its key, what it was asked."""

    redirect_uri: str
    issuer: str = ""
    person: Claims = field(
        default_factory=lambda: {
            "sub": "u-1",
            "email": "hoa@example.gov.vn",
            "email_verified": True,
            "name": "Lý A Hoa",
        }
    )
    twist: Callable[[Claims], Claims | str] = lambda claims: claims
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    named: str = ""
    given: dict[str, Given] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def token(self, claims: Claims, *, alg: str = "ES256", key: Any = None) -> str:
        """The claims, signed by the service or by another key."""
        header = {"alg": alg, "kid": self.key.kid} if key is None else {"alg": alg}
        return jwt.encode(header, claims, key or self.key, algorithms=[alg])

    def build(self, port: int) -> Flask:
        """The service as an application that knows its port."""
        self.issuer = f"http://127.0.0.1:{port}"
        app = Flask("provider")
        client = Client(self.redirect_uri)
        server = AuthorizationServer(
            app,
            query_client=lambda wanted: client if wanted == CLIENT_ID else None,
            save_token=lambda token, request: None,
        )
        server.register_grant(
            code_grant(self), [code_with_token(self)(require_nonce=True), CodeChallenge(required=True)]
        )
        app.before_request(lambda: self.asked.append(request.path))
        app.add_url_rule("/.well-known/openid-configuration", "discovery", lambda: jsonify(self.described()))
        app.add_url_rule("/keys", "keys", lambda: jsonify(KeySet([self.key]).as_dict(private=False)))
        app.add_url_rule("/token", "token", server.create_token_response, methods=["POST"])
        app.add_url_rule(
            "/authorize",
            "authorize",
            lambda: server.create_authorization_response(
                grant_user=self, grant=server.get_consent_grant(end_user=self)
            ),
        )
        return app

    def described(self) -> Claims:
        """Discovery."""
        return {
            "issuer": self.named or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/leave",
        }


def code_grant(provider: Provider) -> type:
    """Authlib's authorization code, kept in memory."""

    class Grant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib carries no types
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            provider.given[code] = Given(
                request.payload.redirect_uri,
                request.payload.scope,
                data.get("nonce", ""),
                data.get("code_challenge", ""),
                data.get("code_challenge_method", ""),
            )

        def query_authorization_code(self, code: str, client: Any) -> Given | None:
            return provider.given.get(code)

        def delete_authorization_code(self, authorization_code: Given) -> None:
            provider.given = {code: one for code, one in provider.given.items() if one is not authorization_code}

        def authenticate_user(self, authorization_code: Given) -> Provider:
            return provider

    return Grant


def code_with_token(provider: Provider) -> type:
    """Authlib's token of identity, spoiled where a test says so."""

    class Code(OpenIDCode):  # type: ignore[misc]  # Authlib carries no types
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return any(one.nonce == nonce for one in provider.given.values())

        def get_client_algorithm(self, client: Any) -> str:
            return "ES256"

        def resolve_client_private_key(self, client: Any) -> ECKey:
            return provider.key

        def get_client_claims(self, client: Any) -> Claims:
            return {"iss": provider.issuer, "aud": [CLIENT_ID]}

        def get_encode_header(self, client: Any) -> Claims:
            return {"alg": "ES256", "kid": provider.key.kid}

        def generate_user_info(self, user: Provider, scope: str) -> Claims:
            return user.person

        def process_token(self, grant: Any, response: Any) -> None:
            super().process_token(grant, response)
            token = response[1]
            claims = json.loads(json.dumps(jwt.decode(token["id_token"], provider.key, algorithms=["ES256"]).claims))
            spoiled = provider.twist(claims)
            token["id_token"] = spoiled if isinstance(spoiled, str) else provider.token(spoiled)

    return Code


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    """The service answers until the block ends."""
    with serving(provider.build):
        yield provider


def unsigned(claims: Claims) -> str:
    """A token that nobody signed (`alg: none`)."""
    parts = ({"alg": "none"}, claims)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def shared_secret() -> OctKey:
    """The secret both sides know, used as if it were the service's key."""
    return OctKey.import_key(CLIENT_SECRET)
