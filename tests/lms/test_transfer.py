"""Export and import: every statement in its bytes, every line by every rule, and nothing twice when it breaks off."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from lms.audit.models import AuditEntry
from lms.transfer import actions, cli, queries
from lms.transfer.cli import export_statements, import_statements
from lms.xapi.actions import ourselves, record
from lms.xapi.models import XapiBody, XapiClient, XapiStatement
from tests.make import Make
from tests.store import Outsider, new_id, statement

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
COURSE = "https://quan-triet.example/xapi/courses/nq48"
STRANGE = (
    b'{\n\t"id" : "%b",\r\n "actor": {"mbox":"mailto:an@example.vn"}, "verb": {"id":"http://example.vn/v"},\n'
    b'"object":{"id":"https://example.vn/b"},"result":{"score":{"scaled":1.0e-1},"response":"a\\u000ab\xe2\x80\xa8"},'
    b'"context":{"extensions":{"http://example.vn/n":12345678901234567890123}} }'
)


@pytest.fixture
def source(make: Make) -> Outsider:
    """A client that has brought seven statements, one of them strangely written and one voided."""
    outsider = Outsider(make, "all")
    ids = [new_id() for _ in range(5)]
    outsider.post([statement(id=one) for one in ids])
    outsider.post(STRANGE % new_id().encode())
    outsider.post(statement(id=new_id(), verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": ids[0]}))
    return outsider


def run(make: Make, command: Any, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments], obj=lambda: make.database)


def done(make: Make, command: Any, *arguments: object) -> str:
    result = run(make, command, *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def stored(make: Make) -> list[bytes]:
    with make.reading() as session:
        return list(session.scalars(select(XapiBody.body).order_by(XapiBody.sequence)))


def note_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.with_name(f"{path.name}.json").read_text()))


def lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).splitlines()


def write(path: Path, *values: object) -> Path:
    """A file with these lines: bytes as they are, others as JSON."""
    texts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in values]
    path.write_bytes(b"".join(one + b"\n" for one in texts))
    return path


@pytest.mark.parametrize("options", [(), ("--gzip",)])
def test_an_export_holds_every_statement_in_its_bytes_one_on_a_line(
    make: Make, source: Outsider, tmp_path: Path, options: tuple[str, ...]
) -> None:
    path = tmp_path / "all.jsonl"
    told = done(make, export_statements, *options, path)
    bodies = stored(make)
    assert [one.split() for one in lines(path)] == [one.split() for one in bodies]
    assert lines(path)[:5] == bodies[:5]
    assert b"\n" in bodies[5]
    assert lines(path)[5] == bodies[5].replace(b"\r", b" ").replace(b"\n", b" ")
    note = note_of(path)
    assert (note["complete"], note["statements"], note["sequence"]) == (True, 7, 7)
    assert note["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert note["bytes"] == path.stat().st_size
    assert note["sha256"] in told
    assert path.stat().st_mode & 0o077 == 0


def test_an_export_may_be_bounded_by_time(make: Make, source: Outsider, tmp_path: Path) -> None:
    with make.reading() as session:
        moments = list(session.scalars(select(XapiStatement.stored).order_by(XapiStatement.sequence)))
    path = tmp_path / "some.jsonl"
    done(make, export_statements, "--since", moments[1].isoformat(), "--until", moments[3].isoformat(), path)
    assert lines(path) == stored(make)[2:4]
    assert run(make, export_statements, "--since", "yesterday", tmp_path / "x").exit_code == 1
    assert not (tmp_path / "x").exists()


def test_nothing_is_overwritten(make: Make, source: Outsider, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text("precious")
    assert run(make, export_statements, path).exit_code == 1
    assert path.read_text() == "precious"


@pytest.mark.parametrize("options", [(), ("--gzip",)])
@pytest.mark.parametrize("breaks_after", [1, 2, 3])
def test_an_export_that_broke_off_goes_on_where_it_stopped(
    make: Make,
    source: Outsider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    breaks_after: int,
) -> None:
    whole, path = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    done(make, export_statements, *options, whole)
    read = queries.stored_after
    reads: list[int] = []

    def break_off(*arguments: Any, **named: Any) -> Any:
        reads.append(1)
        if len(reads) > breaks_after:
            raise KeyboardInterrupt
        return read(*arguments, **named)

    monkeypatch.setattr(cli, "stored_after", break_off)
    assert run(make, export_statements, *options, path).exit_code == 1
    assert not note_of(path)["complete"]
    assert note_of(path)["statements"] == 2 * breaks_after
    with path.open("ab") as file:
        file.write(b'{"half of a sta')
    importing = run(make, import_statements, "--client", source.key, path)
    assert importing.exit_code == 1
    assert "was broken off" in importing.output
    source.post(statement())  # what comes later is no part of it
    monkeypatch.setattr(cli, "stored_after", read)
    done(make, export_statements, "--resume", path)
    assert path.read_bytes() == whole.read_bytes()
    assert {**note_of(path)} == note_of(whole)
    assert run(make, export_statements, "--resume", path).exit_code == 1


@pytest.mark.parametrize("backend", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_an_export_waits_for_a_statement_that_is_being_stored(make: Make, source: Outsider, tmp_path: Path) -> None:
    slow = make.database.write_sessions()
    record(slow, [statement(id=new_id())], source=ourselves(slow))
    source.post(statement(id=new_id()))
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        slow.commit()

    assert cli.bound(make.database, wait) == 9
    assert len(waits) == 1
    slow.close()


def test_what_was_exported_is_imported_whole_by_another_name_and_again_without_a_trace(
    make: Make, source: Outsider, tmp_path: Path
) -> None:
    path = tmp_path / "all.jsonl.gz"
    done(make, export_statements, "--gzip", path)
    before = stored(make)
    assert "0 stored, 7 known already, 0 rejected" in done(make, import_statements, "--client", source.key, path)
    assert stored(make) == before
    with make.reading() as session:
        noted = [one.action for one in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert noted[-2:] == ["xapi.export", "xapi.import"]


@pytest.fixture
def archive(make: Make, source: Outsider, tmp_path: Path) -> Path:
    """The export of a store that is empty again: its ids are others now."""
    path = tmp_path / "archive.jsonl"
    done(make, export_statements, path)
    text = path.read_bytes()
    with make.reading() as session:
        for one in session.scalars(select(XapiStatement.statement_id)):
            text = text.replace(str(one).encode(), new_id().encode())
    path.write_bytes(text)
    path.with_name(f"{path.name}.json").unlink()
    return path


def test_an_import_keeps_bytes_and_voids_and_is_vouched_for_by_its_client(make: Make, archive: Path) -> None:
    importer = Outsider(make, "all", name="Kho cũ")
    assert "7 stored" in done(make, import_statements, "--client", importer.key, "--batch", "3", archive)
    fresh = stored(make)[7:]
    documents = [json.loads(one) for one in fresh]
    assert {one["authority"]["name"] for one in documents} == {"Kho cũ"}
    assert [one["id"] for one in documents] == [json.loads(one)["id"] for one in lines(archive)]
    assert b"1.0e-1" in fresh[5]
    assert b"12345678901234567890123" in fresh[5]
    assert importer.get(voidedStatementId=documents[0]["id"]).status_code == 200


def test_own_statements_are_restored_as_our_own_only_when_asked(make: Make, tmp_path: Path) -> None:
    importer = Outsider(make, "all")
    known = Outsider(make, "all", counts_prefix=COURSE)
    ours = {"objectType": "Agent", "account": {"homePage": "https://quan-triet.example", "name": "quan-triet"}}
    theirs = {"account": {"homePage": "https://quan-triet.example/xapi/clients", "name": known.key}}
    others = {"account": {"homePage": "https://elsewhere.example", "name": "x"}}
    about = {"object": {"id": COURSE}, "stored": "2026-11-23T08:00:00Z"}
    for options in ((), ("--keep-authority",)):
        values = [statement(id=new_id(), **about, authority=one) for one in (ours, theirs, others)]
        path = write(tmp_path / f"own{len(options)}.jsonl", *values)
        done(make, import_statements, "--client", importer.key, *options, path)
    with make.reading() as session:
        rows = session.execute(
            select(XapiStatement.client_id, XapiStatement.counts).order_by(XapiStatement.sequence)
        ).all()
    assert rows == [(importer.id, False)] * 3 + [(None, True), (known.id, True), (importer.id, False)]
    names = [json.loads(one)["authority"]["account"]["name"] for one in stored(make)]
    assert names == [importer.key] * 3 + ["quan-triet", known.key, "x"]
    assert "2026-11-23T08:00:00Z" not in {json.loads(one)["stored"] for one in stored(make)}


def test_bad_lines_are_told_with_number_path_and_rule_and_kept_and_the_rest_is_stored(
    make: Make, source: Outsider, tmp_path: Path
) -> None:
    stranger = Outsider(make, "all")
    taken, foreign, twice = new_id(), new_id(), new_id()
    source.post(statement(id=taken))
    source.post(statement(id=foreign))
    bad: list[object] = [
        b"no json",
        b"[]",
        statement(id=new_id(), result={"score": {"scaled": 1.7}}),
        statement(),
        statement(id=taken, actor={"mbox": "mailto:binh@example.vn"}),
        statement(id=new_id(), verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": foreign}),
        b'{"id":"1","id":"2"}',
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"\xff",
    ]
    good = [statement(id=new_id()) for _ in range(3)]
    path = write(
        tmp_path / "mixed.jsonl", good[0], *bad, b"  ", good[1], statement(id=twice), good[2], statement(id=twice)
    )
    rejects = tmp_path / "rejects.jsonl"
    result = run(make, import_statements, "--client", stranger.key, "--rejects", rejects, path)
    assert result.exit_code == 1
    told = [line for line in result.output.splitlines() if line.startswith("line ")]
    assert [line.split(":")[0] for line in told] == [f"line {number}" for number in range(2, 11)]
    assert "line 4: statement.result.score.scaled: 1.7 is above 1" in told
    assert any("statement.id: is missing" in line for line in told)
    assert any("another statement carries this id" in line for line in told)
    assert any("only who stated it may void it" in line for line in told)
    assert "4 stored, 1 known already, 9 rejected" in result.output
    assert rejects.read_bytes().splitlines() == path.read_bytes().splitlines()[1:10]
    assert set(stranger.ids()) >= {one["id"] for one in good} | {twice}


def test_an_import_that_broke_off_goes_on_after_the_last_batch(
    make: Make, source: Outsider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: list[Any] = [statement(id=new_id()) for _ in range(10)]
    path = write(tmp_path / "ten.jsonl", *values[:5], b"bad", *values[5:])
    rejects = tmp_path / "rejects"
    options = ("--client", source.key, "--batch", "2", "--rejects", rejects)
    take_in = actions.take_in
    takes: list[int] = []

    def break_off(session: Any, batch: Any, *arguments: Any, **named: Any) -> int:
        takes.append(len(batch))
        found = take_in(session, batch, *arguments, **named)
        if len(takes) == 4:
            raise KeyboardInterrupt  # before the commit
        return found

    monkeypatch.setattr(cli, "take_in", break_off)
    assert run(make, import_statements, *options, path).exit_code == 1
    monkeypatch.setattr(cli, "take_in", take_in)
    before = len(stored(make))
    result = run(make, import_statements, *options, "--resume", path)
    assert "10 stored, 0 known already, 1 rejected" in result.output
    assert len(stored(make)) - before == 10 - sum(takes[:3])
    assert rejects.read_bytes() == b"bad\n"
    other = Outsider(make, "all")
    assert run(make, import_statements, "--client", other.key, "--resume", path).exit_code == 1
    path.write_bytes(path.read_bytes() + b"\n")
    assert "another file" in run(make, import_statements, *options, "--resume", path).output


def test_a_file_that_is_not_what_was_exported_is_refused(make: Make, source: Outsider, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    done(make, export_statements, path)
    path.write_bytes(path.read_bytes().replace(b"completed", b"Completed", 1))
    result = run(make, import_statements, "--client", source.key, path)
    assert (result.exit_code, "differ from its note" in result.output) == (1, True)
    assert run(make, import_statements, "--client", source.key, "--partial", path).exit_code == 1  # one conflict
    assert "no active client" in run(make, import_statements, "--client", "nobody", path).output
    reader = Outsider(make, "statements/read")
    assert "needs the scope" in run(make, import_statements, "--client", reader.key, path).output


def test_a_line_without_end_does_not_fill_the_memory(
    make: Make, source: Outsider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.transfer.loader.LARGEST_LINE", 1000)
    long = statement(id=new_id(), context={"extensions": {"https://example.vn/x": "x" * 5000}})
    path = write(tmp_path / "long.jsonl", long, statement(id=new_id()))
    result = run(make, import_statements, "--client", source.key, path)
    assert "line 1: line: is longer than 1000 bytes" in result.output
    assert "1 stored, 0 known already, 1 rejected" in result.output


def test_a_revoked_client_takes_nothing_in(make: Make, source: Outsider, tmp_path: Path) -> None:
    with make.writing() as session:
        session.execute(update(XapiClient).values(revoked_at=XapiClient.created_at))
    path = write(tmp_path / "one.jsonl", statement(id=new_id()))
    assert run(make, import_statements, "--client", source.key, path).exit_code == 1
