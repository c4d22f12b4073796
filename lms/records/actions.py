"""Who else may speak to the store: made, given other scopes or a new secret, revoked; each time audited."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms import clock
from lms.audit.actions import note
from lms.db import config_of
from lms.throttle.actions import forgive_all
from lms.xapi.access import SCOPES, forget_once_committed, guesses_at, secret_digest
from lms.xapi.models import XapiClient
from lms.xapi.rules import check_iri


class AlreadyMade(Exception):
    """The form this client was made with has been sent before; the client it made stands."""

    def __init__(self, client: XapiClient) -> None:
        super().__init__(f"client {client.id} was made with the same form")
        self.client = client


def create_client(
    session: Session,
    *,
    name: str,
    scopes: Sequence[str],
    counts_prefix: str | None = None,
    once: str | None = None,
    by: uuid.UUID | None = None,
) -> tuple[XapiClient, str]:
    """Let another system speak to the store; returns it with its secret, which is not kept and never shown again.

    `counts_prefix`: what it states of activities at or below this IRI counts towards completion. `once` is the token of
    the form: a second client is never made with the same one (`AlreadyMade`). Raises `ValueError` for a scope that does
    not exist, `Malformed` for a prefix that is no IRI.
    """
    check_grant(scopes, counts_prefix)
    secret = secrets.token_urlsafe(32)
    client = XapiClient(
        key=secrets.token_hex(12) if once is None else key_of(session, once),
        secret_digest=secret_digest(secret),
        name=name,
        scopes=sorted(set(scopes)),
        activity_prefix=counts_prefix,
        created_at=clock.now(),
    )
    try:
        with session.begin_nested():  # its id goes into the log
            session.add(client)
    except IntegrityError:
        raise AlreadyMade(session.scalars(select(XapiClient).where(XapiClient.key == client.key)).one()) from None
    note_client(session, "create", client, by=by, before={}, after=granted(client))
    return client, secret


def key_of(session: Session, once: str) -> str:
    """The key of the client that a form with this token makes: always the same, and no one else can foretell it."""
    return hmac.new(config_of(session).secret_key.encode(), f"client {once}".encode(), hashlib.sha256).hexdigest()[:24]


def check_grant(scopes: Sequence[str], counts_prefix: str | None) -> None:
    """Raise `ValueError` or `Malformed` for what cannot be granted."""
    if unknown_scopes := set(scopes) - set(SCOPES):
        raise ValueError(f"no such scope: {', '.join(sorted(unknown_scopes))}; there are {', '.join(SCOPES)}")
    if counts_prefix is not None:
        check_iri(counts_prefix, "counts prefix")


def granted(client: XapiClient) -> dict[str, Any]:
    """What a client may do, as the log keeps it."""
    return {"scopes": list(client.scopes), "counts_prefix": client.activity_prefix}


def grant_client(
    session: Session,
    client: XapiClient,
    *,
    scopes: Sequence[str],
    counts_prefix: str | None,
    by: uuid.UUID | None = None,
) -> bool:
    """Let a client do this, and nothing else, a second after the commit at the latest; whether that changed anything.

    What it stated before keeps counting, or not counting, as it did when it arrived. Raises as `create_client` does.
    """
    check_grant(scopes, counts_prefix)
    before = granted(client)
    client.scopes, client.activity_prefix = sorted(set(scopes)), counts_prefix
    if granted(client) == before:
        return False
    forget_once_committed(session, client.key)
    note_client(session, "grant", client, by=by, before=before, after=granted(client))
    return True


def rotate_secret(session: Session, client: XapiClient, *, by: uuid.UUID | None = None) -> str:
    """Give a client a new secret, shown this once; the old one opens nothing a second after the commit.

    What was guessed before was not guessed at the new one: it keeps nobody from working.
    """
    secret = secrets.token_urlsafe(32)
    client.secret_digest = secret_digest(secret)
    forgive_all(session, guesses_at(client.key))
    forget_once_committed(session, client.key)
    note_client(session, "rotate", client, by=by)
    return secret


def revoke_client(session: Session, client: XapiClient, *, by: uuid.UUID | None = None) -> None:
    """Let this client speak no more, a second after the commit at the latest. What it stated stays."""
    client.revoked_at = clock.now()
    forget_once_committed(session, client.key)
    note_client(session, "revoke", client, by=by)


def note_client(
    session: Session,
    what: str,
    client: XapiClient,
    *,
    by: uuid.UUID | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Who may speak to the store is audited, with what was granted before and after."""
    names = {*(before or {}), *(after or {})}
    changes = {name: ((before or {}).get(name), (after or {}).get(name)) for name in sorted(names)}
    note(session, f"xapi.client.{what}", actor=by, object_kind="xapi_client", object_id=client.id, changes=changes)
