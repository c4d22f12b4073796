"""Where statements may be sent, what an answer means, and how long to wait after a failure. Pure."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

MOST_AT_ONCE = 50  # statements
MOST_BYTES = 1_000_000  # of statements and the data of their attachments; a single one may be larger
MOST_DATA = 100  # data of attachments; a single statement may have more
LONGEST_REASON = 300
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_WISH = timedelta(days=1)
"""No Retry-After is heeded beyond this."""
EVERY = timedelta(seconds=10)
"""How often a target that has everything is looked at."""
RESTING = timedelta(hours=1)
"""How often one that is paused or halted is; to be resumed it is woken."""

ACTIVE, PAUSED, HALTED, REMOVED = "active", "paused", "halted", "removed"
HEADER_OF = {"1.0.3": "1.0.3", "2.0": "2.0.0"}
"""The editions a target may speak, and the version a request names for each."""
USUAL_EDITION = "2.0"
"""What a target is asked in unless somebody says otherwise: it takes statements of both, 1.0.3 only its own."""
SECRET_LOST, ADDRESS_REFUSED = "secret_lost", "address_refused"
"""Why a target was halted, when not for what the other store said: LMS_SECRET_KEY is another and its secret cannot be
read, or the settings do not allow its address any more."""

TOO_LATE, TOO_LONG = "the answer took too long", "the answer was too long"
NO_SUCH_HOST = "the name of the host is not known"
INSIDE = "the address lies inside this network, and LMS_FORWARD_TO does not name it"
NOT_PROVEN = "the certificate does not prove that it is this host"
NO_ANSWER = "no answer"
NO_STORE = "the answer is not that of a record store"
"""Why nothing was taken, as far as that is found out here: so it is kept, and told by the command."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
PORTS = {"https": 443, "http": 80}
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class BadAddress(ValueError):
    """The address cannot be one of another store; `fault` is "form", "open_line" or "ourselves"."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Place:
    """Where another store is: the host as written, and the path below which its resources lie."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def name(self) -> str:
        """host:port, as LMS_FORWARD_TO names it."""
        return f"{self.host}:{self.port}"


def place_of(address: str, *, own_host: str, local: bool) -> Place:
    """The place an address names. Raises `BadAddress`.

    Only https: key and secret travel with every request. A local trial may speak http to its own machine.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as reason:
        raise BadAddress("form") from reason
    host = (parts.hostname or "").lower().rstrip(".")
    plain = address.isascii() and address.isprintable() and " " not in address
    if not plain or parts.scheme not in PORTS or not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise BadAddress("form")
    if parts.scheme == "http" and not (local and host in LOOPBACK_NAMES):
        raise BadAddress("open_line")
    place = Place(parts.scheme, host, port or PORTS[parts.scheme], parts.path.rstrip("/").removesuffix("/statements"))
    if own_host.lower() in {place.name, host if place.port == PORTS[parts.scheme] else ""}:
        raise BadAddress("ourselves")
    return place


def is_inside(address: str) -> bool:
    """Whether an IP address leads to this machine, its network or nowhere, by whatever way it is written."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        embedded = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if found in NAT64:
            embedded = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if embedded is not None and is_inside(str(embedded)):
            return True
    return not found.is_global or found.is_multicast or found.is_reserved


class Load(NamedTuple):
    """What a statement adds to a request: bytes, with those of its data, and how many data."""

    octets: int
    data: int


def together(loads: Sequence[Load]) -> int:
    """How many of these statements, from the first on, go into one request; at least one.

    Those with data travel apart from those without: a store that takes no parts still gets the others.
    """
    octets = data = 0
    for number, one in enumerate(loads):
        octets, data = octets + one.octets, data + one.data
        parted = bool(one.data) != bool(loads[0].data)
        if number and (parted or octets > MOST_BYTES or data > MOST_DATA):
            return number
    return len(loads)


class Verdict(StrEnum):
    """What the answer to a request means for the statements in it."""

    TAKEN = "taken"
    REFUSED = "refused"
    """Something is wrong with one of them."""
    DENIED = "denied"
    """We are not let in, or may not: nothing will be taken until somebody has seen to it."""
    LATER = "later"
    """Nothing is wrong with them: to be sent again."""


ABOUT_STATEMENTS = frozenset({400, 409, 413, 422})
"""Refusals that sending again will not change. Of others (404, 405, 415 and the like) the address or the network is
the cause: there all statements would be refused one by one."""


def verdict(status: int, *, parts: bool = False) -> Verdict:
    """The meaning of a status (4.1.7 / Comm 3.2). `parts`: the request had data of attachments.

    A store that takes no parts answers 415 to these, and will do so again; to a request in JSON it is the address.
    """
    if status == 415 and parts:
        return Verdict.REFUSED
    if status in {200, 204}:
        return Verdict.TAKEN
    if status in {401, 403}:
        return Verdict.DENIED
    return Verdict.REFUSED if status in ABOUT_STATEMENTS else Verdict.LATER


STUMBLES = frozenset({500})
"""What a store answers that fails at a statement, and nothing that stands before it: 502 to 504 and 429 are of all."""
PATIENCE = 6
"""Failures in a row, the last of them a stumble, after which the cause is looked for among the statements."""
MOST_SET_ASIDE = 10
"""So many statements may be set aside for stumbles in a row. If none between them was taken, the store is ill."""


def stumbles(status: int, failures: int) -> bool:
    """Whether another store that has failed so often in a row, and with this at last, may be failing at a statement."""
    return status in STUMBLES and failures >= PATIENCE


def pause(failures: int, retry_after: str | None, now: datetime) -> timedelta:
    """How long to wait after so many failures in a row: twice as long each time, and at least as long as was asked."""
    growing = min(FIRST_PAUSE * int(2 ** min(max(failures, 1) - 1, 20)), LONGEST_PAUSE)
    return max(growing, min(wish(retry_after, now), LONGEST_WISH))


def wish(retry_after: str | None, now: datetime) -> timedelta:
    """What a header Retry-After asks for: seconds, or a date. What cannot be read asks for nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=min(int(text[:9]), LONGEST_WISH.total_seconds()))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return timedelta()
    return max((until if until.tzinfo else until.replace(tzinfo=UTC)) - now, timedelta())


def below(prefix: str) -> str:
    """What the IRI of an activity below this prefix begins with."""
    return prefix if prefix.endswith(("/", "#")) else f"{prefix}/"


def trimmed(body: bytes, *secrets: str) -> str:
    """The beginning of what another store said, on one line, without what we must not keep."""
    text = body[:20_000].decode(errors="replace")
    for secret in secrets:
        text = text.replace(secret, "…")
    words = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return words if len(words) <= LONGEST_REASON else words[: LONGEST_REASON - 1] + "…"
