"""Export and import: every statement in its bytes, every line by every rule, and nothing twice when it breaks off."""

import errno
import gzip
import hashlib
import importlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, select, update

import wsgi
from lms.app import create_app
from lms.audit.models import AuditEntry
from lms.transfer import actions, cli, queries, render
from lms.transfer.cli import export_statements, import_statements
from lms.xapi.actions import ourselves, record
from lms.xapi.models import XapiAgent, XapiBody, XapiClient, XapiStatement, XapiStatementAgent, XapiStatementAuthority
from lms.xapi.statement import agent_digest
from tests.conformance.multipart import apart
from tests.conftest import config_for
from tests.disk import Disk
from tests.make import Make
from tests.signing import chain, jws, signature, signed
from tests.store import VERBS, Outsider, mixed, new_id, paper, part, statement

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
HOME = "https://quan-triet.example"
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


def restored(make: Make, path: Path, *authorities: dict[str, Any]) -> tuple[Outsider, list[str]]:
    """The client in whose name statements under these authorities were restored, and their ids."""
    importer = Outsider(make, "all", name="Kho cũ")
    values = [statement(id=new_id(), authority=one) for one in authorities]
    done(make, import_statements, "--client", importer.key, "--keep-authority", write(path, *values))
    return importer, [one["id"] for one in values]


FROM_ELSEWHERE = {"objectType": "Agent", "account": {"homePage": "https://lrs.elsewhere.example", "name": "store"}}
TWO_AGENTS = {"objectType": "Group", "member": [FROM_ELSEWHERE, {"mbox": "mailto:binh@example.vn"}]}


def test_who_vouches_from_elsewhere_can_be_chosen_and_what_the_importer_vouches_for_is_not_theirs(
    make: Make, tmp_path: Path
) -> None:
    importer, [kept, by_two] = restored(make, tmp_path / "kept.jsonl", FROM_ELSEWHERE, TWO_AGENTS)
    [own] = importer.post(statement()).get_json()

    def related(agent: dict[str, Any]) -> list[str]:
        answer = importer.get(agent=json.dumps(agent), related_agents="true", ascending="true")
        return [one["id"] for one in answer.get_json()["statements"]]

    assert related(FROM_ELSEWHERE) == [kept, by_two]
    assert related({"mbox": "mailto:binh@example.vn"}) == [by_two]
    assert related({"account": {"homePage": f"{HOME}/xapi/clients", "name": importer.key}}) == [own]
    trainer = make.browser(make.person(role="trainer"))
    page = trainer.get("/records").text
    choices = re.findall(r'<option value="(\d+)">(https://lrs.elsewhere.example|một nơi khác) \(', page)
    assert [where for _, where in choices] == ["https://lrs.elsewhere.example", "một nơi khác"]
    assert "mailto:binh" not in page
    for (key, _), expected in zip(choices, (kept, by_two), strict=True):
        page = trainer.get(f"/records?authority={key}&verb={VERBS}completed&since=2020-01-01").text
        assert re.findall('task__link" href="/records/([^"?]+)', page) == [expected]
    page = trainer.get(f"/records/{kept}").text
    assert "Nhập về bởi Kho cũ" in page
    assert f"/records?authority={choices[0][0]}" in page
    assert trainer.get("/records?authority=x").status_code == 422


def test_what_was_restored_before_is_found_after_the_migration_too(make: Make, tmp_path: Path) -> None:
    importer, _ = restored(make, tmp_path / "kept.jsonl", FROM_ELSEWHERE, TWO_AGENTS)
    importer.post(statement())
    migration = importlib.import_module("migrations.versions.0030_who_vouches_from_elsewhere")
    tables: list[Any] = [XapiStatementAuthority.__table__, XapiStatementAgent.__table__]
    with make.writing() as session:
        own = session.connection()
        before = [sorted(own.execute(select(one)).all()) for one in tables]
        for table in tables:
            own.execute(delete(table))
        for client, key in migration.importers(own):
            for found in migration.restored(own, client, key):
                migration.note(own, *found)
        assert migration.agent_id(own, {"mbox_sha1sum": "A" * 40, "name": "new"})
        digests = set(own.scalars(select(XapiAgent.digest)))
        assert agent_digest({"mbox_sha1sum": "a" * 40}) in digests
        after = [sorted(own.execute(select(one)).all()) for one in tables]
    assert [len(one) for one in before] == [len(one) for one in after] == [2, 4]


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


def test_who_speaks_of_a_statement_is_not_refused_with_who_may_not_void_it(
    make: Make, source: Outsider, tmp_path: Path
) -> None:
    [foreign] = source.post(statement()).get_json()
    about = {"object": {"objectType": "StatementRef", "id": foreign}}
    voids, speaks, names = (
        statement(id=new_id(), verb={"id": VOIDED}, **about),
        statement(id=new_id(), **about),
        statement(id=new_id(), object={"objectType": "Agent", "mbox": "mailto:an@example.vn"}),
    )
    path = write(tmp_path / "about.jsonl", voids, speaks, names)
    stranger = Outsider(make, "statements/write", "statements/read/mine")
    result = run(make, import_statements, "--client", stranger.key, path)
    assert "2 stored, 0 known already, 1 rejected" in result.output
    assert f"line 1: statement {foreign}: only who stated it may void it" in result.output
    assert stranger.ids() == [names["id"], speaks["id"]]


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0", None])
def test_what_came_as_2_0_is_restored_whatever_version_it_names(
    make: Make, tmp_path: Path, sqlite_template: Path, version: str | None
) -> None:
    """4.2.4.3: as 2.0 the store takes statements of either version, and gives each back in its own."""
    outsider = Outsider(make, "all", edition="2.0.0")
    role = {"objectType": "contextAgent", "agent": {"mbox": "mailto:binh@example.vn"}}
    told = {"context": {"contextAgents": [role]}}
    inner = {"objectType": "SubStatement", **statement(**told)}
    party = {"objectType": "contextGroup", "group": {"objectType": "Group", "mbox": "mailto:to@example.vn"}}
    sent = [
        statement(version=version, **told),
        statement(version=version, object=inner),
        statement(version=version, context={"contextGroups": [party]}),
        statement(version=version),
    ]
    assert outsider.post(sent).status_code == 200
    path = tmp_path / "all.jsonl"
    done(make, export_statements, path)
    with another_store(sqlite_template, tmp_path) as other:
        done(other, import_statements, "--client", Outsider(other, "all").key, path)
        found = [[json.loads(one)["version"] for one in stored(store)] for store in (make, other)]
        assert found == [[version or "2.0.0"] * 4] * 2


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
    content = path.read_bytes()
    edits = {
        "a settled line": content.replace(b"completed", b"Completed", 1),
        "fewer lines": content.replace(b"\n", b" ", 6),
    }
    for what, edited in edits.items():  # of the same size
        path.write_bytes(edited)
        assert "another file" in run(make, import_statements, *options, "--resume", path).output, what
    path.write_bytes(content)
    assert len(stored(make)) == before
    result = run(make, import_statements, *options, "--resume", path)
    assert "10 stored, 0 known already, 1 rejected" in result.output
    assert len(stored(make)) - before == 10 - sum(takes[:3])
    assert rejects.read_bytes() == b"bad\n"
    other = Outsider(make, "all")
    assert run(make, import_statements, "--client", other.key, "--resume", path).exit_code == 1
    path.write_bytes(path.read_bytes() + b"\n")
    assert "another file" in run(make, import_statements, *options, "--resume", path).output


def test_where_nothing_was_broken_off_there_is_nothing_to_resume_and_the_way_on_is_told(
    make: Make, source: Outsider, tmp_path: Path
) -> None:
    path = tmp_path / "all.jsonl"
    for command, options in ((export_statements, ()), (import_statements, ("--client", source.key))):
        result = run(make, command, *options, "--resume", path)
        assert (result.exit_code, "was broken off: leave out --resume" in result.output) == (1, True)
        done(make, command, *options, path)
    for note in (f"{path}.json", f"{path}.import.json"):
        Path(note).write_text("{")
    for command, options in ((export_statements, ()), (import_statements, ("--client", source.key))):
        assert "cannot be read" in run(make, command, *options, "--resume", path).output


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


def test_a_damaged_archive_is_told_as_such(make: Make, source: Outsider, tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(json.dumps(statement(id=new_id())).encode() + b"\n" for _ in range(20)))
    middle = len(whole) // 2
    damaged = {
        "cut off": whole[:middle],
        "overwritten": whole[:middle] + b"\xff" * 200 + whole[middle + 200 :],
        "another sum": whole[:-8] + b"\x00" * 8,
        "no more than a beginning": whole[:2],
    }
    path = tmp_path / "all.jsonl.gz"
    for how, data in damaged.items():
        path.write_bytes(data)
        result = run(make, import_statements, "--client", source.key, "--batch", "5", path)
        assert (result.exit_code, "is damaged: it cannot be unpacked to its end" in result.output) == (1, True), how
    path.write_bytes(whole)
    assert "0 rejected" in done(make, import_statements, "--client", source.key, path)


def test_a_mark_of_utf_8_before_the_first_line_is_passed_over(make: Make, source: Outsider, tmp_path: Path) -> None:
    path = write(tmp_path / "bom.jsonl", statement(id=new_id()), statement(id=new_id()))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert "2 stored, 0 known already, 0 rejected" in done(make, import_statements, "--client", source.key, path)


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


GIVEN = [b"\x00\r\n--", b"", "Giấy mời".encode()]
ELSEWHERE = {"fileUrl": "https://example.vn/giay"}


@pytest.fixture
def holder(make: Make) -> Outsider:
    """A client whose statements came with data, under several hashes, within another statement, and as a signature."""
    outsider = Outsider(make, "all", edition="2.0.0")
    long, empty, both = (
        paper(GIVEN[0], algorithm="sha512"),
        paper(GIVEN[1], sha2=paper(GIVEN[1])["sha2"].upper()),
        paper(GIVEN[2], **ELSEWHERE),
    )
    parts = [part(data, sha2=one["sha2"]) for data, one in zip(GIVEN, (long, empty, both), strict=True)]
    inside = {"objectType": "SubStatement", **statement(attachments=[long])}
    named = [statement(attachments=[long, empty, both]), statement(object=inside), statement(attachments=[both, empty])]
    assert outsider.send(mixed(named, *parts)).status_code == 200
    document = statement()
    assert outsider.send(signed(document, jws(document, x5c=list(chain())))).status_code == 200
    assert outsider.post(statement(attachments=[both])).status_code == 200  # names the hash: nothing came with it
    return outsider


def moved(path: Path, make: Make) -> dict[str, str]:
    """Make of an export one of another store: all ids are others, and the data lie below the new ones."""
    with make.reading() as session:
        ids = {str(one): new_id() for one in session.scalars(select(XapiStatement.statement_id))}
    text = path.read_bytes()
    for old, new in ids.items():
        text = text.replace(old.encode(), new.encode())
        below = path.with_name(f"{path.name}.data") / old
        if below.exists():
            below.rename(below.with_name(new))
    path.write_bytes(text)
    path.with_name(f"{path.name}.json").unlink()
    return ids


def data_of(path: Path) -> dict[str, bytes]:
    """What lies beside the file, by its place."""
    folder = path.with_name(f"{path.name}.data")
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_data_of_attachments_lie_beside_an_export_named_by_their_hash_and_come_back_with_the_same_statements_only(
    make: Make, holder: Outsider, tmp_path: Path
) -> None:
    path = tmp_path / "all.jsonl"
    assert "; 5 files of data" in done(make, export_statements, path)
    found = data_of(path)
    for place, data in found.items():
        sha2 = Path(place).name
        assert hashlib.new({64: "sha256", 128: "sha512"}[len(sha2)], data).hexdigest() == sha2
    assert sorted(len(Path(one).parts) for one in found) == [1, 1, 1, 2, 2]  # with fileUrl below each statement
    assert note_of(path)["data"] == 5
    assert (tmp_path / "all.jsonl.data").stat().st_mode & 0o077 == 0
    ids = moved(path, make)
    importer = Outsider(make, "all")
    assert "5 stored" in done(make, import_statements, "--client", importer.key, path)
    for old, new in ids.items():
        sent = apart(holder.get(statementId=old, attachments="true"))[1]
        assert sorted(apart(importer.get(statementId=new, attachments="true"))[1]) == sorted(sent)
    numbers = [len(apart(importer.get(statementId=one, attachments="true"))[1]) for one in ids.values()]
    assert sorted(numbers) == [0, 1, 1, 2, 3]


def test_an_import_into_another_store_answers_the_same_bytes(
    make: Make, holder: Outsider, tmp_path: Path, sqlite_template: Path
) -> None:
    path = tmp_path / "all.jsonl"
    done(make, export_statements, path)
    with another_store(sqlite_template, tmp_path) as other:
        importer = Outsider(other, "all")
        assert "5 stored" in done(other, import_statements, "--client", importer.key, path)
        for one in importer.ids():
            asked = {"statementId": one, "attachments": "true"}
            assert sorted(apart(importer.get(**asked))[1]) == sorted(apart(holder.get(**asked))[1])


@contextmanager
def another_store(template: Path, folder: Path) -> Iterator[Make]:
    """A second product, with a database of its own."""
    (folder / "other").mkdir()
    shutil.copy(template, folder / "other" / "lms.sqlite")
    app = create_app(config_for(f"sqlite:///{folder / 'other' / 'lms.sqlite'}", folder / "other"), wsgi.PACKAGES)
    app.testing = True
    yield Make(app)
    app.extensions["database"].dispose()


def test_data_that_are_missing_or_others_and_signatures_that_do_not_sign_are_told_with_line_and_rule(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.transfer.loader.LARGEST_DATA", 5_000)
    importer = Outsider(make, "all")
    document, other = statement(id=new_id()), statement(id=new_id())
    true, false = jws(document), jws(other)
    path = write(
        tmp_path / "data.jsonl",
        statement(id=new_id(), attachments=[paper(b"good")]),
        statement(id=new_id(), attachments=[paper(b"good", **ELSEWHERE), paper(b"bad")]),
        statement(id=new_id(), attachments=[paper(b"missing")]),
        {**document, "attachments": [signature(true)]},
        {**statement(id=new_id()), "attachments": [signature(false)]},
        statement(id=new_id(), attachments=[paper(b"x" * 3_000), paper(b"y" * 3_000)]),
        statement(id=new_id(), attachments=[paper(b"a", sha2="../../etc/passwd")]),
        statement(attachments=[paper(b"good")]),
        statement(id=new_id(), attachments=[paper(b"good", **ELSEWHERE)]),
    )
    folder = tmp_path / "data.jsonl.data"
    folder.mkdir()
    for data in (b"good", true, false, b"x" * 3_000, b"y" * 3_000):
        (folder / hashlib.sha256(data).hexdigest()).write_bytes(data)
    (folder / paper(b"bad")["sha2"]).write_bytes(b"worse")
    result = run(make, import_statements, "--client", importer.key, path)
    told = [line for line in result.output.splitlines() if line.startswith("line ")]
    sha2 = {data: paper(data)["sha2"] for data in (b"bad", b"missing", b"y" * 3_000)}
    assert told[:2] == [
        f"line 2: statement.attachments[1].sha2: is not the hash of data.jsonl.data/{sha2[b'bad']}",
        "line 3: statement.attachments[0]: fileUrl is missing, and there are no data "
        f"data.jsonl.data/{sha2[b'missing']}",
    ]
    assert told[2].startswith("line 5: statement.attachments[0] (JWS payload)")
    assert told[3].endswith(f"{sha2[b'y' * 3_000]} the statement has more than 5000 bytes of data")
    assert told[4].startswith("line 7: statement.attachments[0].sha2: ")
    assert told[5].startswith("line 8: statement.id: is missing")
    assert "3 stored, 0 known already, 6 rejected" in result.output
    assert len(importer.ids()) == 3


def test_an_export_with_data_goes_on_where_it_stopped_and_one_that_lacks_some_is_refused(
    make: Make, holder: Outsider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    done(make, export_statements, whole)
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    real, writes = render.write_whole, list[str]()

    def break_off(target: Path, content: bytes) -> None:
        writes.append(target.name)
        if len(writes) == 5:
            target.with_name(f"{target.name}.part").write_bytes(content[:3])
            raise OSError(errno.ENOSPC, "No space left on device")
        real(target, content)

    monkeypatch.setattr(render, "write_whole", break_off)
    broken = run(make, export_statements, path)
    assert (broken.exit_code, broken.exception.__class__) == (1, SystemExit)
    assert "No space left on device. Go on with --resume" in broken.output
    monkeypatch.setattr(render, "write_whole", real)
    done(make, export_statements, "--resume", path)
    assert data_of(path) == data_of(whole)
    assert note_of(path) == note_of(whole)
    assert path.read_bytes() == whole.read_bytes()
    assert run(make, export_statements, tmp_path / "whole.jsonl").exit_code == 1
    (tmp_path / "whole.jsonl.data" / next(iter(data_of(whole)))).unlink()
    lacking = run(make, import_statements, "--client", holder.key, whole)
    assert "holds 4 files of data, of 5 that were exported" in lacking.output


def test_an_import_that_found_no_room_in_the_database_goes_on_when_there_is_some(make: Make, tmp_path: Path) -> None:
    importer, disk = Outsider(make, "all"), Disk(make.database)
    long = [statement(id=new_id(), result={"response": "x" * 3_000}) for _ in range(60)]
    path = write(tmp_path / "long.jsonl", *long)
    options = ("--client", importer.key, "--batch", "5")
    importer.post(statement())
    disk.fill()
    full = run(make, import_statements, *options, path)
    assert full.exit_code == 1
    assert full.output == "Error: The disk of the database is full. Make room and go on with --resume.\n"
    disk.free()
    assert "60 stored, 0 known already, 0 rejected" in done(make, import_statements, *options, "--resume", path)
    assert len(importer.ids()) == 61


def test_progress_is_told_each_time_another_ten_thousand_are_done(
    make: Make, source: Outsider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "TOLD_EVERY", 4)
    monkeypatch.setattr(queries, "AT_ONCE", 3)
    path = tmp_path / "all.jsonl"
    assert "6 statements, number 6 of 7\n" in done(make, export_statements, path)
    told = done(make, import_statements, "--client", source.key, "--batch", "3", path)
    assert "6 lines read\n" in told
    assert "3 lines" not in told
