"""Who else may speak to the store: made, given a new secret, revoked; each time audited."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from lms import clock
from lms.audit.actions import note
from lms.xapi.access import SCOPES, forget_client, secret_digest
from lms.xapi.models import XapiClient
from lms.xapi.rules import check_iri


def create_client(
    session: Session, *, name: str, scopes: Sequence[str], counts_prefix: str | None = None
) -> tuple[XapiClient, str]:
    """Let another system speak to the store; returns it with its secret, which is not kept and never shown again.

    `counts_prefix`: what it states of activities at or below this IRI counts towards completion. Raises `ValueError`
    for a scope that does not exist.
    """
    if unknown_scopes := set(scopes) - set(SCOPES):
        raise ValueError(f"no such scope: {', '.join(sorted(unknown_scopes))}; there are {', '.join(SCOPES)}")
    if counts_prefix is not None:
        check_iri(counts_prefix, "counts prefix")
    secret = secrets.token_urlsafe(32)
    client = XapiClient(
        key=secrets.token_hex(12),
        secret_digest=secret_digest(secret),
        name=name,
        scopes=sorted(set(scopes)),
        activity_prefix=counts_prefix,
        created_at=clock.now(),
    )
    session.add(client)
    session.flush()  # its id goes into the log
    note_client(session, "create", client, scopes=client.scopes, counts_prefix=counts_prefix)
    return client, secret


def rotate_secret(session: Session, client: XapiClient) -> str:
    """Give a client a new secret, shown this once; the old one opens nothing from now on."""
    secret = secrets.token_urlsafe(32)
    client.secret_digest = secret_digest(secret)
    forget_client(session, client.key)
    note_client(session, "rotate", client)
    return secret


def revoke_client(session: Session, client: XapiClient) -> None:
    """Let this client speak no more. What it stated stays."""
    client.revoked_at = clock.now()
    forget_client(session, client.key)
    note_client(session, "revoke", client)


def note_client(session: Session, what: str, client: XapiClient, **details: Any) -> None:
    """Who may speak to the store is audited."""
    note(session, f"xapi.client.{what}", actor=None, object_kind="xapi_client", object_id=client.id, **details)
