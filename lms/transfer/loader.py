"""From the lines of a file to valid statements, or what is wrong with a line."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

from lms.xapi.loader import Received, checked, read_json
from lms.xapi.rules import Malformed

LARGEST_LINE = 10_000_000
GZIP = b"\x1f\x8b"
REMAINING = 1 << 20


class Line(NamedTuple):
    """A line of the file; `text` is only its beginning when it is too long."""

    number: int
    text: bytes


class Valid(NamedTuple):
    """A line that holds a valid statement. `two`: by the rules of xAPI 2.0."""

    line: Line
    received: Received
    two: bool


@dataclass(slots=True)
class Progress:
    """How far an import has come, as kept beside the file. `line` is the last that is settled."""

    client: str
    keep_authority: bool
    size: int
    line: int = 0
    stored: int = 0
    known: int = 0
    rejected: int = 0


def progress_path(path: Path) -> Path:
    """Where the progress of an import of that file is kept."""
    return path.with_name(f"{path.name}.import.json")


def read_progress(path: Path) -> Progress:
    """What an earlier import of that file kept. Raises `ValueError`."""
    try:
        return Progress(**json.loads(progress_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as reason:
        raise ValueError(f"{progress_path(path)} cannot be read") from reason


def open_lines(path: Path) -> IO[bytes]:
    """The file, unpacked when it is compressed."""
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP
    return cast(IO[bytes], gzip.open(path, "rb") if zipped else path.open("rb"))


def lines_of(file: IO[bytes], *, after: int = 0) -> Iterator[Line]:
    """The lines that hold something, without those up to `after`. Never more than one is in memory."""
    number = 0
    while text := file.readline(LARGEST_LINE + 2):
        number += 1
        rest = text
        while not rest.endswith(b"\n") and (rest := file.readline(REMAINING)):
            pass
        if number > after and text.strip():
            yield Line(number, text)


def read_line(line: Line) -> Valid:
    """The statement of a line, when it keeps all rules of the edition its `version` names. Raises `Malformed`."""
    if len(line.text) > LARGEST_LINE + 1:
        raise Malformed("line", f"is longer than {LARGEST_LINE} bytes")
    text = line.text.strip()
    value = read_json(text, "line")
    two = isinstance(value, dict) and str(value.get("version", "")).startswith("2.")
    received = checked(value, text, "statement", two=two, data=None)
    if "id" not in received.document:
        raise Malformed("statement.id", "is missing; without it a second import would store the statement again")
    return Valid(line, received, two)
