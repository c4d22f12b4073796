"""The file of an export, and the note beside it that says how far it has come and whether it is whole."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

FORMAT = "quan-triet statements 1"


class BadNote(ValueError):
    """The note beside a file cannot be read, or does not fit the file. The message says how."""


@dataclass(slots=True)
class Note:
    """What stands in the note: a file whose note says `complete` is whole if length and SHA-256 are these.

    `sequence` is that of the last statement written, `through` that of the last to be written.
    """

    through: int
    gzip: bool
    since: str | None = None
    until: str | None = None
    statements: int = 0
    sequence: int = 0
    bytes: int = 0
    sha256: str = ""
    complete: bool = False
    format: str = FORMAT


def note_path(path: Path) -> Path:
    """Where the note of a file stands."""
    return path.with_name(f"{path.name}.json")


def one_line(body: bytes) -> bytes:
    """A statement on one line. Line ends stand only between the tokens of JSON, where a space says the same."""
    return body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def packed(bodies: Iterable[bytes], *, zipped: bool) -> bytes:
    """Statements as the file holds them. Each piece is compressed by itself, so that a file can be cut after it."""
    lines = b"".join(one_line(body) for body in bodies)
    return gzip.compress(lines, mtime=0) if zipped else lines


def opened(path: Path, note: Note) -> IO[bytes]:
    """The file, to be written on after what its note vouches for; what was half written behind that is cut off."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # statements tell who has learned what
    file = os.fdopen(descriptor, "r+b")
    if file.seek(0, os.SEEK_END) < note.bytes:
        file.close()
        raise BadNote(f"{path} is shorter than its note says")
    file.truncate(note.bytes)
    file.seek(note.bytes)
    return file


def write_note(path: Path, note: object) -> None:
    """Replace the note in one step, so that it can always be read."""
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(asdict(note), file, indent=1)  # type: ignore[call-overload]  # any of the two kinds of notes
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_note(path: Path) -> Note:
    """The note beside a file. Raises `BadNote`."""
    try:
        found = Note(**json.loads(note_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as reason:
        raise BadNote(f"{note_path(path)} cannot be read") from reason
    if found.format != FORMAT:
        raise BadNote(f"{note_path(path)} is of another kind")
    return found


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_whole(path: Path) -> None:
    """Raise `BadNote` when a note says that this is not the whole export."""
    if not note_path(path).exists():
        return
    note = read_note(path)
    if not note.complete:
        raise BadNote(f"the export of {path} was broken off; finish it with `lms xapi export --resume`")
    if path.stat().st_size != note.bytes or digest_of(path) != note.sha256:
        raise BadNote(f"{path} is not what was exported: length or SHA-256 differ from its note")
