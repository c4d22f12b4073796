"""How a request reaches another store: to the address that was looked at, over TLS, no further, and not for ever.

`http.client` and no larger client: it follows no redirect and heeds no proxy by itself, and lets us connect to the very
address that was checked, so that a name that changes its address between the check and the call leads nowhere.
"""

import base64
import http.client
import io
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from lms.forwarding.rules import (
    INSIDE,
    NO_ANSWER,
    NO_SUCH_HOST,
    NOT_PROVEN,
    TOO_LATE,
    TOO_LONG,
    Place,
    is_inside,
    trimmed,
)

PAUSE_SECONDS = 10.0  # for one step of a connection
DEADLINE_SECONDS = 45.0  # for the whole; a worker does nothing else meanwhile
SLOWEST = 100_000  # bytes a second: so much longer may it take to send data of attachments
LARGEST_ANSWER = 200_000


class Unreachable(Exception):
    """No answer was had. The message says why in our own words, without anything the other side said."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What another store said. `reason` is the beginning of its body, without secrets."""

    status: int
    body: bytes
    reason: str
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A store and how to speak to it. `allowed` are places within one's own network, as host:port."""

    place: Place
    edition: str
    key: str
    secret: str
    allowed: frozenset[str]

    def headers(self) -> dict[str, str]:
        """Credentials and version (4.1.2, 4.1.5 / Comm 3.3, 4.0)."""
        return {
            "Authorization": f"Basic {self.token}",
            "X-Experience-API-Version": self.edition,
            "Accept": "application/json",
            "User-Agent": "quan-triet",
            "Connection": "close",
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be kept of an answer."""
        return self.secret, self.token

    @property
    def token(self) -> str:
        """Key and secret as Basic authentication writes them."""
        return base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()


class Way(Protocol):
    """What `ask` needs to know: where to, which places within one's own network are allowed, and what to say."""

    @property
    def place(self) -> Place:
        """Where the other side is."""

    @property
    def allowed(self) -> frozenset[str]:
        """Places within one's own network, as host:port."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be kept of an answer."""

    def headers(self) -> dict[str, str]:
        """Those of every request."""


def ask(
    line: Way,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    content_type: str = "application/json",
    deadline: float = DEADLINE_SECONDS,
) -> Answer:
    """One request to a resource of the store. Raises `Unreachable`, also for an answer that is too long or too slow."""
    connection = Pinned(line, addresses_of(line))
    alarm = threading.Timer(deadline + len(body) / SLOWEST, connection.hang_up)
    alarm.daemon = True
    alarm.start()
    try:
        send(connection, method, line.place.path + target, line.headers(), body, content_type)
        found = connection.getresponse()
        said = found.read(LARGEST_ANSWER + 1)
        if connection.late:
            raise Unreachable(TOO_LATE)
        if len(said) > LARGEST_ANSWER:
            raise Unreachable(TOO_LONG)
        reason = trimmed(said, *line.secrets)
        return Answer(found.status, said, reason, found.getheader("Retry-After"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(TOO_LATE if connection.late else described(error)) from error
    finally:
        alarm.cancel()
        connection.close()


def send(
    connection: "Pinned", method: str, path: str, headers: Mapping[str, str], body: bytes, content_type: str
) -> None:
    """Send a request. Who answers before all of it was read, as to one that is too large, is listened to all the same.

    The body goes as a file does, piece by piece: each has the time of one step, not all together.
    """
    if not body:
        connection.request(method, path, headers=headers)
        return
    told = {**headers, "Content-Type": content_type, "Content-Length": str(len(body))}
    try:
        connection.request(method, path, body=io.BytesIO(body), headers=told)
    except (BrokenPipeError, ConnectionResetError):
        if connection.late or connection.sock is None:
            raise


def addresses_of(line: Way) -> list[str]:
    """The IP addresses of the store, all of which we may call. Raises `Unreachable`."""
    try:
        found = socket.getaddrinfo(line.place.host, line.place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(NO_SUCH_HOST) from error
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if line.place.name not in line.allowed and any(is_inside(one) for one in addresses):
        raise Unreachable(INSIDE)
    return addresses


class Pinned(http.client.HTTPConnection):
    """A connection to one of these addresses, whatever the name of the host means by now."""

    def __init__(self, line: Way, addresses: list[str]) -> None:
        super().__init__(line.place.host, line.place.port, timeout=PAUSE_SECONDS)
        self.addresses = addresses
        self.context = ssl.create_default_context() if line.place.scheme == "https" else None
        self.late = False
        self.line: socket.socket | None = None  # kept by us: http.client lets go of its own while the answer is read

    def connect(self) -> None:
        """Try the addresses in turn; then show by TLS that it is the host of that name."""
        for number, address in enumerate(self.addresses, 1):
            try:
                self.line = self.sock = socket.create_connection((address, self.port), self.timeout)
                break
            except OSError:
                if number == len(self.addresses) or self.late:
                    raise
        if self.context is not None:
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.line = self.sock
            self.sock.do_handshake()
        if self.late:
            raise TimeoutError

    def hang_up(self) -> None:
        """The time is over: whoever waits for this connection waits no longer."""
        self.late = True
        if self.line is not None:
            with suppress(OSError):
                socket.socket.shutdown(self.line, socket.SHUT_RDWR)  # not that of TLS, which another thread is using


def described(error: Exception) -> str:
    """Why there was no answer, without the words of the library: they may carry what was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return NOT_PROVEN
    if isinstance(error, TimeoutError):
        return TOO_LATE
    return f"{NO_ANSWER} ({type(error).__name__})"
