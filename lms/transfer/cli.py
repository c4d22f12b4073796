"""`lms xapi export` and `lms xapi import`: statements as JSON Lines, resumed where they broke off."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lms.db import Database, contended, disk_full
from lms.transfer.actions import importing_client, note_transfer, take_in
from lms.transfer.loader import (
    DAMAGES,
    AnotherFile,
    Line,
    Progress,
    Valid,
    lines_of,
    open_lines,
    progress_path,
    read_line,
    read_progress,
)
from lms.transfer.queries import data_of, data_that_came, stored_after
from lms.transfer.render import (
    BadNote,
    Note,
    check_whole,
    data_files,
    data_folder,
    data_place,
    digest_of,
    note_path,
    opened,
    packed,
    read_note,
    write_data,
    write_note,
)
from lms.xapi.access import Client, Forbidden, Unknown
from lms.xapi.actions import Conflict, MayNotVoid
from lms.xapi.queries import Horizon, settled
from lms.xapi.rules import Malformed, moment
from lms.xapi.vocabulary import VOIDED

Opener = Callable[[], Database]
WAITS, WAIT_SECONDS = 600, 0.1
TRIES = 4
MOST_BYTES = 5_000_000  # held at once
TOLD_EVERY = 10_000
ANOTHER = "The import that was broken off had another file, client or --keep-authority."


class Reject(NamedTuple):
    """A line that was not taken in, and why: path and rule."""

    line: Line
    reason: str


@click.command(name="export")
@click.option("--since", metavar="TIME", help="Only what was stored after this moment: 2026-11-23T00:00:00+07:00")
@click.option("--until", metavar="TIME", help="Only what was stored up to this moment.")
@click.option("--gzip", "zipped", is_flag=True, help="Compress the file.")
@click.option("--resume", is_flag=True, help="Go on with an export that was broken off.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def export_statements(
    open_database: Opener, since: str | None, until: str | None, zipped: bool, resume: bool, file: Path
) -> None:
    """Write all statements to FILE, one on a line, in the order in which they came and in their exact bytes.

    FILE.json beside it says how many there are, the SHA-256 of the file, and whether it is whole. The data of
    attachments lie in FILE.data, named by their sha2. All of it tells who has learned what: keep it as safe as the
    database.
    """
    database = open_database()
    try:
        note = resumed(file) if resume else begun(database, file, since=since, until=until, zipped=zipped)
        with opened(file, note) as out:
            told = note.statements
            for _piece in written(database, out, file, note):
                told = tell_progress(told, note.statements, f"statements, number {note.sequence} of {note.through}")
        note.sha256, note.data, note.complete = digest_of(file), data_files(data_folder(file)), True
        write_note(note_path(file), note)
    except (BadNote, Malformed) as reason:
        raise click.ClickException(str(reason)) from reason
    except OSError as reason:
        raise click.ClickException(f"{file}: {reason.strerror}. Go on with --resume when that is mended.") from reason
    with database.writing() as session:
        note_transfer(session, "export", note.sequence, statements=note.statements)
    statements = f"{note.statements} statements up to number {note.sequence}, {note.bytes} bytes"
    click.echo(f"{statements}, SHA-256 {note.sha256}; {note.data} files of data")


def begun(database: Database, file: Path, *, since: str | None, until: str | None, zipped: bool) -> Note:
    """The note of a new export. Nothing that is there is overwritten."""
    if any(one.exists() for one in (file, note_path(file), data_folder(file))):
        raise click.ClickException(f"{file} is there already; go on with --resume, or choose another name.")
    for name, value in (("since", since), ("until", until)):
        if value is not None:
            moment(value, name)
    note = Note(through=bound(database, time.sleep), gzip=zipped, since=since, until=until)
    write_note(note_path(file), note)
    return note


def resumed(file: Path) -> Note:
    """The note of an export that was broken off."""
    if not note_path(file).exists():
        raise click.ClickException(f"No export to {file} was broken off: leave out --resume.")
    note = read_note(file)
    if note.complete:
        raise click.ClickException(f"{file} is complete.")
    return note


def bound(database: Database, wait: Callable[[float], None]) -> int:
    """The sequence up to which nothing can appear any more; waits for those who are writing at this moment."""
    horizon: Horizon | None = None
    for _ in range(WAITS):
        with database.reading() as session:
            safe, horizon = settled(session, horizon)
        if safe or not horizon.writers:
            return safe
        wait(WAIT_SECONDS)
    raise click.ClickException("Somebody has been writing statements for a minute without an end; try again later.")


def written(database: Database, out: IO[bytes], file: Path, note: Note) -> Iterator[None]:
    """Write piece after piece; after each, the note vouches for what is on the disk."""
    since, until = (moment(one, "time") if one is not None else None for one in (note.since, note.until))
    while True:
        with database.reading() as session:
            found = stored_after(session, note.sequence, through=note.through, since=since, until=until)
            keep_data(session, file, [body for _, body in found])
        if not found:
            return
        note.bytes += out.write(packed((body for _, body in found), zipped=note.gzip))
        out.flush()
        os.fsync(out.fileno())
        note.statements += len(found)
        note.sequence = found[-1][0]
        write_note(note_path(file), note)
        yield


def keep_data(session: Session, file: Path, bodies: Sequence[bytes]) -> None:
    """Put the data that came with these statements beside the file, one after the other; what is there is whole."""
    for one in data_that_came(session, bodies):
        place = data_place(data_folder(file), one.statement_id, one.attachment)
        if not place.exists():
            write_data(place, data_of(session, one.attachment_id))


@click.command(name="import")
@click.option("--client", "key", metavar="KEY", required=True, help="In whose name: a client that may write.")
@click.option("--keep-authority", is_flag=True, help="To restore one's own export: whoever vouched goes on vouching.")
@click.option("--batch", "size", default=200, show_default=True, type=click.IntRange(1, 5_000), help="At once.")
@click.option(
    "--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write lines not taken in to this file."
)
@click.option("--resume", is_flag=True, help="Go on with an import that was broken off.")
@click.option("--partial", is_flag=True, help="Take a file although its note says that it is not whole.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_statements(
    open_database: Opener,
    key: str,
    keep_authority: bool,
    size: int,
    rejects: Path | None,
    resume: bool,
    partial: bool,
    file: Path,
) -> None:
    """Store the statements of FILE, one on a line, also compressed by gzip. A repeat changes nothing.

    The data of attachments are taken from FILE.data, and must be those of their sha2. Each line is checked by all
    rules. Those that break one are told with their number, path and rule, and the rest is stored; the exit status is
    then 1.
    """
    database = open_database()
    client = client_named(database, key)
    progress = progress_of(file, key, keep_authority=keep_authority, resume=resume, partial=partial)
    try:
        for refused in taken_in(database, file, client, progress, size=size):
            tell_rejects(refused, rejects, fresh=not resume and progress.rejected == len(refused))
    except DAMAGES as reason:
        raise click.ClickException(
            f"{file} is damaged: it cannot be unpacked to its end. {progress.stored} stored before that; import a "
            "whole one instead: a repeat changes nothing."
        ) from reason
    except AnotherFile as reason:
        raise click.ClickException(ANOTHER) from reason
    except OSError as reason:
        raise click.ClickException(f"{reason}. Go on with --resume when that is mended.") from reason
    except DBAPIError as error:
        if not disk_full(error):
            raise
        raise click.ClickException("The disk of the database is full. Make room and go on with --resume.") from error
    with database.writing() as session:
        note_transfer(session, "import", client.id, keep_authority=keep_authority, **progress.figures)
    click.echo(f"{progress.stored} stored, {progress.known} known already, {progress.rejected} rejected")
    if progress.rejected:
        raise SystemExit(1)


def taken_in(
    database: Database, file: Path, client: Client, progress: Progress, *, size: int
) -> Iterator[list[Reject]]:
    """Take batch after batch in, and say which lines were not; what was said is noted as settled after that."""
    write_note(progress_path(file), progress)  # however early it breaks off, it can be resumed
    with open_lines(file) as lines:
        for batch, bad in batches(lines, data_folder(file), progress, size=size):
            before = progress.line
            refused = settle_batch(database, batch, bad, client, progress)
            progress.rejected += len(refused)
            yield refused
            last = max([*(one.line for one in batch), *(one.line for one in bad)], key=lambda line: line.number)
            progress.line, progress.digest = last.number, last.digest
            write_note(progress_path(file), progress)
            tell_progress(before, progress.line, "lines read")


def progress_of(file: Path, key: str, *, keep_authority: bool, resume: bool, partial: bool) -> Progress:
    """Where the import begins. Raises the error that click shows."""
    new = Progress(key, keep_authority, file.stat().st_size)
    try:
        if not partial:
            check_whole(file)
        progress = read_progress(file) if resume else new
    except ValueError as reason:
        raise click.ClickException(str(reason)) from reason
    if (progress.client, progress.keep_authority, progress.size) != (new.client, new.keep_authority, new.size):
        raise click.ClickException(ANOTHER)
    return progress


def client_named(database: Database, key: str) -> Client:
    """The importing client. Raises the error that click shows."""
    with database.reading() as session:
        try:
            return importing_client(session, key)
        except Unknown as reason:
            raise click.ClickException(f"There is no active client with the key {key}.") from reason
        except Forbidden as reason:
            raise click.ClickException(f"{reason}.") from reason


def batches(
    file: IO[bytes], folder: Path, progress: Progress, *, size: int
) -> Iterator[tuple[list[Valid], list[Reject]]]:
    """Valid statements in batches in which no id stands twice, with the lines between them that are none.

    They begin after what is settled. Raises `AnotherFile`.
    """
    batch: list[Valid] = []
    bad: list[Reject] = []
    ids: set[str] = set()
    held = 0
    for line in lines_of(file, after=progress.line, digest=progress.digest):
        if len(batch) + len(bad) >= size or held >= MOST_BYTES:
            yield batch, bad
            batch, bad, ids, held = [], [], set(), 0
        try:
            one = read_line(line, folder)
        except Malformed as reason:
            bad.append(Reject(line, str(reason)))
            held += len(line.text)
            continue
        identity = one.received.document["id"].lower()
        if identity in ids:
            yield batch, bad
            batch, bad, ids, held = [], [], set(), 0
        batch.append(one)
        held += one.octets
        ids.add(identity)
    if batch or bad:
        yield batch, bad


def settle_batch(
    database: Database, batch: list[Valid], bad: list[Reject], client: Client, progress: Progress
) -> list[Reject]:
    """Store what can be stored of a batch; returns the lines that cannot, in order."""
    rejected, left = list(bad), list(batch)
    tries = 0
    while left:
        try:
            with database.writing() as session:
                fresh = take_in(session, left, client, keep_authority=progress.keep_authority)
            progress.stored += fresh
            progress.known += len(left) - fresh
            break
        except (Conflict, MayNotVoid) as reason:
            guilty = [one for one in left if concerns(one, reason)]
            rejected += [Reject(one.line, str(reason)) for one in guilty]
            left = [one for one in left if one not in guilty]
        except DBAPIError as error:
            tries += 1
            if tries == TRIES or not contended(error):
                raise
    return sorted(rejected, key=lambda one: one.line.number)


def concerns(one: Valid, reason: Conflict | MayNotVoid) -> bool:
    """Whether this statement is the one that was refused: by its own id, or by that of what it would void."""
    document = one.received.document
    if isinstance(reason, Conflict):
        named = document["id"]
    else:
        named = document["object"]["id"] if document["verb"]["id"] == VOIDED else ""
    return bool(str(named).lower() == str(reason.statement_id))


def tell_rejects(refused: list[Reject], rejects: Path | None, *, fresh: bool) -> None:
    """Say which lines were not taken in, and keep them."""
    for one in refused:
        click.echo(f"line {one.line.number}: {one.reason}", err=True)
    if rejects is not None and (refused or fresh):
        with rejects.open("wb" if fresh else "ab") as file:
            file.writelines(one.line.text.rstrip(b"\r\n") + b"\n" for one in refused)


def tell_progress(before: int, number: int, what: str) -> int:
    """Every ten thousand or so, for whoever waits; returns the number."""
    if before // TOLD_EVERY < number // TOLD_EVERY:
        click.echo(f"{number} {what}", err=True)
    return number
