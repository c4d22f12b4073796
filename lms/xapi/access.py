"""Which other system is asking, and what it may do.

Scopes are those of xAPI 1.0.3 (part three, 4.2), which IEEE 9274.1.1 keeps as a recommendation.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import Select, bindparam, event, select
from sqlalchemy.orm import Session

from lms.db import Database, config_of
from lms.xapi.models import XapiClient
from lms.xapi.statement import client_authority, own_authority

WRITE = "statements/write"
READ = "statements/read"
READ_MINE = "statements/read/mine"
STATE = "state"
PROFILE = "profile"
DEFINE = "define"
ALL_READ = "all/read"
ALL = "all"
SCOPES = (WRITE, READ, READ_MINE, STATE, PROFILE, DEFINE, ALL_READ, ALL)


class Unknown(Exception):
    """Nobody with this key and secret may speak to the store: absent, revoked and wrong look the same."""


class Forbidden(Exception):
    """The client is known, but its scopes do not reach as far as this; the message names what is missing."""


@dataclass(frozen=True, slots=True)
class Client:
    """A system that has shown its key and secret. `prefix`: what it states of activities below it counts.

    `used_on` is the day of its last mark of use (`mark_used`).
    """

    id: int
    key: str
    name: str
    scopes: frozenset[str]
    prefix: str | None
    used_on: date | None = None

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


def access_client(database: Database, key: str, secret: str) -> Client:
    """The client that proves who it is; raises `Unknown`.

    What the database says of a client is believed for a second: a revoked one, or an old secret, is refused everywhere
    after that. Nobody is refused by what is only believed: a new secret opens as soon as it is committed.
    """
    found = believed(database, key)
    if found is None or not proves(secret, found[1]):
        found = known_client(database, key)
    if not proves(secret, found[1] if found is not None else bytes(32)) or found is None:
        raise Unknown
    return found[0]


BELIEVED_FOR = 1.0  # seconds
Known = tuple[Client, bytes]
"""An active client, and the digest of its secret."""


def proves(secret: str, kept: bytes) -> bool:
    """Whether this is the secret of which that is kept; found out in the same time wherever they differ."""
    return hmac.compare_digest(secret_digest(secret), kept)


def believed(database: Database, key: str) -> Known | None:
    """The client with that key as it was at some time in the last second, if anybody asked then."""
    until, found = database.memory.get(("xapi.client", key), (0.0, None))
    return cast(Known, found) if time.monotonic() < until else None


def known_client(database: Database, key: str) -> Known | None:
    """The active client with that key as it is now."""
    if not plausible(key):
        return None
    with database.reading() as session:
        row = session.execute(ACTIVE, {"key": key}).one_or_none()
    if row is None:
        return None
    found = (
        Client(row.id, key, row.name, frozenset(row.scopes), row.activity_prefix, row.last_used_on),
        bytes(row.secret_digest),
    )
    database.memory["xapi.client", key] = (time.monotonic() + BELIEVED_FOR, found)
    return found


def forget_client(session: Session, key: str) -> None:
    """What was believed of this client no longer holds: it has been changed in this process."""
    session.info["identities"].pop(("xapi.client", key), None)


def forget_once_committed(session: Session, key: str) -> None:
    """The same as soon as the change is committed; before that others still read, and believe, what was."""
    event.listen(session, "after_commit", lambda own: forget_client(own, key))


def guesses_at(key: str) -> str:
    """What wrong secrets for this key are counted about, from whatever address they come."""
    return f"client {key}"


row = XapiClient.__table__.c
ACTIVE = select(row.id, row.name, row.scopes, row.activity_prefix, row.secret_digest, row.last_used_on).where(
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
