"""The file of an export, the data of attachments beside it, and the note that says how far both have come."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

FORMAT = "quan-triet statements 1"
UNFINISHED = ".part"


class BadNote(ValueError):
    """The note beside a file cannot be read, or does not fit the file. The message says how."""


@dataclass(slots=True)
class Note:
    """What stands in the note: a file whose note says `complete` is whole if length and SHA-256 are these.

    `sequence` is that of the last statement written, `through` that of the last to be written. `data` is how many files
    of data lie beside it when it is whole; each is named by its own hash.
    """

    through: int
    gzip: bool
    since: str | None = None
    until: str | None = None
    statements: int = 0
    sequence: int = 0
    bytes: int = 0
    sha256: str = ""
    data: int = 0
    complete: bool = False
    format: str = FORMAT


def note_path(path: Path) -> Path:
    """Where the note of a file stands."""
    return path.with_name(f"{path.name}.json")


def data_folder(path: Path) -> Path:
    """Where the data of attachments of a file lie."""
    return path.with_name(f"{path.name}.data")


def data_place(folder: Path, statement_id: str, attachment: Mapping[str, Any]) -> Path:
    """Where the data of an attachment of a valid statement lie: under their sha2, once for all statements.

    What names a `fileUrl` may have come without data. So its data lie below its statement, and only if they came.
    """
    sha2 = str(attachment["sha2"]).lower()
    return folder / statement_id.lower() / sha2 if "fileUrl" in attachment else folder / sha2


def data_files(folder: Path) -> int:
    """How many data lie there, those below statements included."""
    if not folder.exists():
        return 0
    with os.scandir(folder) as entries:
        return sum(
            data_files(Path(one.path)) if one.is_dir(follow_symlinks=False) else not one.name.endswith(UNFINISHED)
            for one in entries
        )


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
    write_whole(path, json.dumps(asdict(note), indent=1).encode())  # type: ignore[call-overload]  # either kind of note


def write_data(path: Path, data: bytes) -> None:
    """Put data where they belong, on the disk when this returns. What stands under such a name is whole."""
    for folder in (path.parent.parent, path.parent):  # not by `parents`: those it makes are open to all
        folder.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, data)
    for folder in (path.parent, path.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """A file, or what takes its place, in one step; for whoever runs this only, as it tells who has learned what."""
    unfinished = path.with_name(path.name + UNFINISHED)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
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
    if (found := data_files(data_folder(path))) < note.data:
        raise BadNote(f"{data_folder(path)} holds {found} files of data, of {note.data} that were exported")
