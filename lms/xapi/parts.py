"""multipart/mixed over bytes: bodies taken apart and put together, with the data of attachments unchanged.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
The form is that of RFC 2046.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from lms.xapi.rules import Malformed, check_sha2, shown

MOST_PARTS = 1_001  # the statements, and the data of a thousand attachments
LONGEST_HEAD = 4_096  # bytes
MOST_HEADERS = 20
BLANK = b"\r\n\r\n"
HASH = "X-Experience-API-Hash"
# RFC 2046, 5.1.1: up to 70 of these characters, the last no space. What is no token belongs in quotes; senders forget.
BOUNDARY = re.compile(
    r""";[ \t]*boundary=(?:"([\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?])"|([\w'()+,\-./:=?]{1,70}))[ \t]*(?:;|\Z)""",
    re.ASCII | re.IGNORECASE,
)
HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?[ \t]*")
LINE_END = re.compile(rb"(--)?[ \t]*(\r\n|\Z)")
DIGESTS: Mapping[int, Callable[[bytes], Any]] = {  # SHA-2 by the number of its hexadecimal digits
    56: hashlib.sha224,
    64: hashlib.sha256,
    96: hashlib.sha384,
    128: hashlib.sha512,
}


class Part(NamedTuple):
    """One part: its headers by names in small letters, and its bytes."""

    headers: Mapping[str, str]
    data: bytes

    @property
    def kind(self) -> str:
        """Its media type without parameters; empty when it names none."""
        return media_type(self.headers.get("content-type", ""))


class Attached(NamedTuple):
    """The data of an attachment as they are sent out."""

    sha2: str
    content_type: str
    data: bytes


Data = Mapping[str, Part]
"""What came with statements, by SHA-2 in small letters."""


def media_type(value: str) -> str:
    """Type and subtype in small letters, without parameters."""
    return value.partition(";")[0].strip().lower()


def taken_apart(body: bytes, content_type: str) -> tuple[bytes, dict[str, Part]]:
    """The JSON of the first part, and the data of the others by their hash (4.1.3 / Comm 1.5.2).

    Raises `Malformed` for what is no multipart/mixed, for a part that says too little, and for data that are not those
    their hash names.
    """
    first, *others = parts_of(body, boundary_of(content_type))
    if first.kind != "application/json":
        raise Malformed("parts[0]", f"expected the statements as application/json, got {first.kind or 'nothing'}")
    found: dict[str, Part] = {}
    for number, part in enumerate(others, 1):
        found.setdefault(checked_hash(part, f"parts[{number}]"), part)
    return first.data, found


def boundary_of(content_type: str) -> bytes:
    """What separates the parts, as the header says (RFC 2046, 5.1.1)."""
    found = BOUNDARY.search(content_type)
    if found is None:
        raise Malformed("Content-Type", "multipart/mixed names no boundary, or one that RFC 2046 does not allow")
    return (found[1] or found[2]).encode()


def parts_of(body: bytes, boundary: bytes) -> list[Part]:
    """All parts; what stands before the first boundary and after the last is nobody's (RFC 2046, 5.1.1)."""
    found: list[Part] = []
    for number, content in enumerate(contents(body, boundary)):
        if number == MOST_PARTS:
            raise Malformed("body", f"has more than {MOST_PARTS} parts")
        found.append(read_part(content, f"parts[{number}]"))
    if not found:
        raise Malformed("body", "has no part")
    return found


def contents(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the lines of the boundary. The line end before each of them belongs to the boundary."""
    line = b"\r\n--" + boundary
    if body.startswith(line[2:]):
        start = len(line) - 2
    else:
        before = body.find(line)
        if before < 0:
            raise Malformed("body", "the boundary that Content-Type names does not occur in it")
        start = before + len(line)
    while True:
        end = LINE_END.match(body, start)
        if end is None:
            raise Malformed("body", "a line that begins with the boundary goes on after it")
        if end[1]:
            return
        following = body.find(line, end.end() - 2)  # two of these may share a line end: then there is nothing between
        if not end[2] or following < 0:
            raise Malformed("body", "the boundary that ends the last part is missing")
        yield body[end.end() : following]
        start = following + len(line)


def read_part(content: bytes, path: str) -> Part:
    """Headers and data of one part."""
    if content.startswith(b"\r\n"):
        return Part({}, content[2:])
    end = content.find(BLANK, 0, LONGEST_HEAD)
    if end < 0:
        raise Malformed(path, f"its headers do not end in an empty line within {LONGEST_HEAD} bytes")
    lines = content[:end].split(b"\r\n")
    if len(lines) > MOST_HEADERS:
        raise Malformed(path, f"has more than {MOST_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines:
        found = HEADER.fullmatch(line)
        if found is None:
            raise Malformed(path, f"{shown(line.decode('latin-1'))} is no header")
        name = found[1].decode().lower()
        if name in headers:
            raise Malformed(path, f"{name} is given twice")
        headers[name] = (found[2] or b"").decode()
    return Part(headers, content[end + len(BLANK) :])


def checked_hash(part: Part, path: str) -> str:
    """The SHA-2 a part is known by, which its data really have, in small letters (4.1.3 / Comm 1.5.2).

    No Content-Transfer-Encoding means binary; a length, if given, is that of the data.
    """
    encoding = part.headers.get("content-transfer-encoding", "binary")
    if encoding.lower() != "binary":
        raise Malformed(f"{path}.Content-Transfer-Encoding", f"expected binary, got {shown(encoding)}")
    check_sha2(part.headers.get(HASH.lower()), f"{path}.{HASH}")
    sha2 = part.headers[HASH.lower()].lower()
    if DIGESTS[len(sha2)](part.data).hexdigest() != sha2:
        raise Malformed(f"{path}.{HASH}", "is not the hash of the data of this part")
    length = part.headers.get("content-length", str(len(part.data)))
    if length != str(len(part.data)):
        raise Malformed(f"{path}.Content-Length", f"the data have {len(part.data)} bytes, not {shown(length)}")
    return sha2


def put_together(statements: bytes, attached: Iterable[Attached]) -> tuple[bytes, str]:
    """A body of the statements and the data of attachments, and its Content-Type (4.1.3 / Comm 1.5.2)."""
    boundary = secrets.token_hex(16)
    pieces = [f"--{boundary}\r\nContent-Type: application/json\r\n\r\n".encode(), statements]
    for one in attached:
        pieces += [f"\r\n--{boundary}\r\n{headers_of(one)}\r\n".encode(), one.data]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return b"".join(pieces), f"multipart/mixed; boundary={boundary}"


def headers_of(one: Attached) -> str:
    """What stands before the data of an attachment."""
    return f"Content-Type: {one.content_type}\r\nContent-Transfer-Encoding: binary\r\n{HASH}: {one.sha2}\r\n"


class Naming(msgspec.Struct):
    """An attachment as far as its data are found and sent by it."""

    sha2: str
    content_type: str = msgspec.field(name="contentType")


class Holding(msgspec.Struct):
    """A stored statement, or one contained in it, as far as its attachments go."""

    id: str = ""
    attachments: tuple[Naming, ...] = ()
    object: "Holding | None" = None

    @property
    def kinds(self) -> dict[str, str]:
        """The contentType of each attachment by its sha2 in small letters, of those of a contained statement too."""
        inner = self.object.attachments if self.object is not None else ()
        return {one.sha2.lower(): one.content_type for one in (*inner, *self.attachments)}


holding = msgspec.json.Decoder(Holding).decode
