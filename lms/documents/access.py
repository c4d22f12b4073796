"""How far the scopes of a client reach into documents. What may be read is what the standard shares among clients.

A document belongs to what it is about, not to the client that brought it: every client with the scope reads and
changes the same ones (4.1.6 / Comm 2.2).
"""

from lms.documents.rules import STATE, Kind
from lms.xapi import access
from lms.xapi.access import Client, Forbidden


def scope_of(kind: Kind) -> str:
    """The scope that opens documents of a kind (Comm 4.2)."""
    return access.STATE if kind is STATE else access.PROFILE


def must_look(client: Client, kind: Kind) -> None:
    """Let pass who may read documents of this kind."""
    scope = scope_of(kind)
    if not client.may(scope, access.ALL_READ):
        raise Forbidden(f"reading these documents needs the scope {scope} or {access.ALL_READ}")


def must_change(client: Client, kind: Kind) -> None:
    """Let pass who may store and remove documents of this kind."""
    scope = scope_of(kind)
    if not client.may(scope):
        raise Forbidden(f"changing these documents needs the scope {scope}")
