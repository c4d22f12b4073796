"""From the lines of a file, and the data beside it, to valid statements; or what is wrong with a line."""

import gzip
import hashlib
import json
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from lms.transfer.render import data_place
from lms.xapi.loader import Received, check_depth, checked, read_json
from lms.xapi.parts import DIGESTS, Data, Part
from lms.xapi.rules import Malformed
from lms.xapi.signature import check_signatures
from lms.xapi.statement import attachments_of
from lms.xapi.validation import CONTEXT_OF_2, check_statement

LARGEST_LINE = 10_000_000
LARGEST_DATA = 20_000_000  # of one statement: what a request in parts may have
GZIP = b"\x1f\x8b"
REMAINING = 1 << 20
DAMAGES = (EOFError, zlib.error, gzip.BadGzipFile)
"""How unpacking ends that meets something else than was packed, or less of it."""


class AnotherFile(ValueError):
    """What an earlier import has settled is not the beginning of this file."""


class Line(NamedTuple):
    """A line of the file; `text` is only its beginning when it is too long.

    `digest` is the SHA-256 of the file up to the end of the line.
    """

    number: int
    text: bytes
    digest: str


class Valid(NamedTuple):
    """A line that holds a valid statement, with the data of its attachments. `two`: by the rules of xAPI 2.0."""

    line: Line
    received: Received
    two: bool
    data: Data

    @property
    def octets(self) -> int:
        """What of it is held in memory."""
        return len(self.line.text) + sum(len(part.data) for part in self.data.values())


@dataclass(slots=True)
class Progress:
    """How far an import has come, as kept beside the file. `line` is the last that is settled.

    `digest` is that of the file up to there, unpacked: only a file that begins so is the same one.
    """

    client: str
    keep_authority: bool
    size: int
    line: int = 0
    digest: str = ""
    stored: int = 0
    known: int = 0
    rejected: int = 0

    @property
    def figures(self) -> dict[str, int]:
        """What became of the lines so far."""
        return {"stored": self.stored, "known": self.known, "rejected": self.rejected}


def progress_path(path: Path) -> Path:
    """Where the progress of an import of that file is kept."""
    return path.with_name(f"{path.name}.import.json")


def read_progress(path: Path) -> Progress:
    """What an earlier import of that file kept. Raises `ValueError`."""
    try:
        return Progress(**json.loads(progress_path(path).read_text(encoding="utf-8")))
    except FileNotFoundError as reason:
        raise ValueError(f"no import of {path} was broken off: leave out --resume") from reason
    except (OSError, ValueError, TypeError) as reason:
        raise ValueError(f"{progress_path(path)} cannot be read") from reason


def open_lines(path: Path) -> IO[bytes]:
    """The file, unpacked when it is compressed."""
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP
    return cast(IO[bytes], gzip.open(path, "rb") if zipped else path.open("rb"))


def lines_of(file: IO[bytes], *, after: int = 0, digest: str = "") -> Iterator[Line]:
    """The lines that hold something, without those up to `after`. Never more than one is in memory.

    `digest` is what the lines up to `after` had when they were settled. Raises `AnotherFile`.
    """
    number, read, same = 0, hashlib.sha256(), after == 0
    while text := file.readline(LARGEST_LINE + 2):
        number += 1
        rest = text
        read.update(rest)
        while not rest.endswith(b"\n") and (rest := file.readline(REMAINING)):
            read.update(rest)
        if number == 1:
            text = text.removeprefix(BOM_UTF8)  # programs of Windows write it
        if number == after:
            same = read.hexdigest() == digest
            if not same:
                break
        if number > after and text.strip():
            yield Line(number, text, read.hexdigest())
    if not same:
        raise AnotherFile


def read_line(line: Line, folder: Path) -> Valid:
    """The statement of a line, when it keeps all rules of its edition (`came_as_two`). Raises `Malformed`.

    The data of its attachments lie in `folder`, and must be those of their sha2.
    """
    if len(line.text) > LARGEST_LINE + 1:
        raise Malformed("line", f"is longer than {LARGEST_LINE} bytes")
    text = line.text.strip()
    value = read_json(text, "line", one="statement")
    two = came_as_two(value)
    data: Data = {}
    if names_attachments(value):
        check_depth(value, text, "statement")
        check_statement(value, "statement", two=two)  # only a valid one says where its data lie
        data = data_beside(value, folder)
    received = checked(value, text, "statement", two=two, data=data)
    if "id" not in received.document:
        raise Malformed("statement.id", "is missing; without it a second import would store the statement again")
    check_signatures([received], data, listed=False, two=two)
    return Valid(line, received, two, data)


def came_as_two(value: Any) -> bool:
    """Whether what may be a statement came as xAPI 2.0: its `version` says so, or it says what 2.0 alone knows.

    As 2.0 a store takes statements of version 1.0.x too (4.2.4.3), and gives them back in that version.
    """
    if isinstance(value, dict) and str(value.get("version", "")).startswith("2."):
        return True
    contexts = [part.get("context") for part in parts_of(value)]
    return any(isinstance(one, dict) and not CONTEXT_OF_2.keys().isdisjoint(one) for one in contexts)


def parts_of(value: Any) -> list[dict[str, Any]]:
    """What may be a statement, and what it may contain."""
    found = (value, value.get("object")) if isinstance(value, dict) else ()
    return [one for one in found if isinstance(one, dict)]


def names_attachments(value: Any) -> bool:
    """Whether what may be a statement, or contain one, names attachments."""
    return any("attachments" in part for part in parts_of(value))


def data_beside(document: Mapping[str, Any], folder: Path) -> dict[str, Part]:
    """The data of the attachments of a valid statement that lie in the folder, by sha2. Raises `Malformed`."""
    found: dict[str, Part] = {}
    left = LARGEST_DATA
    for place, one in attachments_of(document, "statement"):
        path = data_place(folder, document.get("id", ""), one)
        name = path.relative_to(folder.parent)
        if not path.is_file():
            if "fileUrl" in one:
                continue
            raise Malformed(place, f"fileUrl is missing, and there are no data {name}")
        left -= path.stat().st_size
        if left < 0:
            raise Malformed(place, f"with {name} the statement has more than {LARGEST_DATA} bytes of data")
        found[path.name] = Part({}, path.read_bytes())
        if DIGESTS[len(path.name)](found[path.name].data).hexdigest() != path.name:
            raise Malformed(f"{place}.sha2", f"is not the hash of {name}")
    return found
