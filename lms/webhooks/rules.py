"""What other channels may be told, where they may be, and how a message is signed (decision 0036). Pure."""

import base64
import hashlib
import hmac
import ipaddress
import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from lms.forwarding.rules import LOOPBACK_NAMES, BadAddress, Place, is_inside, place_of
from lms.outbox.rules import Between as Between

REMINDER, DIGEST, ABOVE = "reminder", "digest", "above"
KINDS = (REMINDER, DIGEST, ABOVE)
"""What a channel may be told: who is reminded of what; what is open for a head; where people stay overdue below."""
TRIAL = "test"
"""A message that an administrator sends to see whether it arrives; every channel gets it."""

ACTIVE, PAUSED, REMOVED = "active", "paused", "removed"
WAITING, TAKEN, DEAD = "waiting", "taken", "dead"
MOST_ATTEMPTS = 14
"""Twice as long between them each time, an hour at most (`forwarding.rules.pause`): some five hours in all."""
LONGEST_WAIT = timedelta(days=1)
"""What a channel that is down has not taken by then is dead: a reminder of yesterday says what is no longer so."""
RESTING = timedelta(hours=1)
KEPT, DEAD_KEPT = timedelta(days=30), timedelta(days=180)
"""How long messages that were taken, and dead ones, can still be looked at."""


ANY_HOUR = Between(0, 24)

PREFIX = "whsec_"
SECRET_BYTES = 32
SPACE = uuid.UUID("0d9c4d6e-4f0a-5b3e-9d38-3c0f5a0c7f36")


def message_id(key: str) -> uuid.UUID:
    """The id of the message about an event: the same event has the same, however often it is told."""
    return uuid.uuid5(SPACE, key)


def secret_of(random: bytes) -> str:
    """Random bytes as a secret that is shown."""
    return PREFIX + base64.b64encode(random).decode()


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """Of a message at a moment, as the header bears it: over its id, the seconds since 1970 and its very bytes."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, b".".join((message.encode(), str(timestamp).encode(), body)), hashlib.sha256)
    return "v1," + base64.b64encode(signed.digest()).decode()


def address_of(address: str, *, own_host: str, local: bool, allowed: Collection[str]) -> Place:
    """The place an address names, with its path as written. Raises `BadAddress`, also with the fault "inside".

    A host that is a name is looked up, and judged, when something is sent.
    """
    place = replace(place_of(address, own_host=own_host, local=local), path=urlsplit(address).path or "/")
    if place.name not in allowed and (place.host in LOOPBACK_NAMES or (is_ip(place.host) and is_inside(place.host))):
        raise BadAddress("inside")
    return place


def is_ip(host: str) -> bool:
    """Whether the host is written as an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_down(status: int) -> bool:
    """Whether a refusal is that of the channel itself, and no fault of the message."""
    return status == 429 or status >= 500
