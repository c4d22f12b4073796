"""Which other system is asking, and what it may do.

Scopes are those of xAPI 1.0.3 (part three, 4.2), which IEEE 9274.1.1 keeps as a recommendation.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from lms.db import config_of
from lms.xapi.models import XapiClient
from lms.xapi.statement import client_authority, own_authority

WRITE = "statements/write"
READ = "statements/read"
READ_MINE = "statements/read/mine"
DEFINE = "define"
ALL_READ = "all/read"
ALL = "all"
SCOPES = (WRITE, READ, READ_MINE, "state", "profile", DEFINE, ALL_READ, ALL)


class Unknown(Exception):
    """Nobody with this key and secret may speak to the store: absent, revoked and wrong look the same."""


class Forbidden(Exception):
    """The client is known, but its scopes do not reach as far as this; the message names what is missing."""


@dataclass(frozen=True, slots=True)
class Client:
    """A system that has shown its key and secret. `prefix`: what it states of activities below it counts."""

    id: int
    key: str
    name: str
    scopes: frozenset[str]
    prefix: str | None

    def may(self, *scopes: str) -> bool:
        """Whether one of these scopes, or all of them together, has been granted."""
        return ALL in self.scopes or not self.scopes.isdisjoint(scopes)

    @property
    def reads_only_its_own(self) -> bool:
        """Whether of all statements it sees only those it brought."""
        return not self.may(READ, ALL_READ)


def secret_digest(secret: str) -> bytes:
    """What is kept of a secret. It has 256 random bits, so that one round of SHA-256 cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()


def plausible(key: str) -> bool:
    """Whether this could be the key of a client at all: what cannot is never asked of the database."""
    return key.isascii() and key.isalnum()


def access_client(session: Session, key: str, secret: str) -> Client:
    """The client that proves who it is; raises `Unknown`."""
    if not plausible(key):
        raise Unknown
    found = session.execute(ACTIVE, {"key": key}).one_or_none()
    kept = found.secret_digest if found is not None else bytes(32)
    if not hmac.compare_digest(secret_digest(secret), bytes(kept)) or found is None:
        raise Unknown
    return Client(found.id, key, found.name, frozenset(found.scopes), found.activity_prefix)


row = XapiClient.__table__.c
ACTIVE = select(row.id, row.name, row.scopes, row.activity_prefix, row.secret_digest).where(
    row.key == bindparam("key"), row.revoked_at.is_(None)
)


def must_write(client: Client) -> None:
    """Let pass who may store statements."""
    if not client.may(WRITE):
        raise Forbidden(f"storing statements needs the scope {WRITE}")


def must_read(client: Client) -> None:
    """Let pass who may read statements, at least its own."""
    if not client.may(READ, READ_MINE, ALL_READ):
        raise Forbidden(f"reading statements needs the scope {READ} or {READ_MINE}")


def authorities(session: Session, agent: Mapping[str, Any]) -> tuple[int | None, ...]:
    """The clients (None: we ourselves) as whose authority this agent stands in statements."""
    home = config_of(session).iri_base
    account = agent.get("account")
    if account == own_authority(home)["account"]:
        return (None,)
    if account is None or account["homePage"] != client_authority(home, "", "")["account"]["homePage"]:
        return ()
    key = account["name"]
    return tuple(session.scalars(select(XapiClient.id).where(XapiClient.key == key))) if plausible(key) else ()


def clients() -> Select[XapiClient]:
    """All clients, the newest last."""
    return select(XapiClient).order_by(XapiClient.id)
