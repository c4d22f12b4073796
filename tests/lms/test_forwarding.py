"""Forwarding: every statement reaches the other store, in order and in its bytes, whatever that store does."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

import wsgi
from lms import clock
from lms.app import create_app
from lms.audit.models import AuditEntry
from lms.forwarding import actions
from lms.forwarding.models import ForwardTarget
from lms.forwarding.rules import ACTIVE, EVERY, HALTED, MOST_BYTES, MOST_SET_ASIDE, PAUSED, SECRET_LOST
from lms.outbox.models import Job
from lms.xapi.actions import ourselves, record
from lms.xapi.models import XapiBody, XapiStatement
from tests.conformance.multipart import apart
from tests.conftest import config_for
from tests.forwarding import SECRET, sending
from tests.make import Make
from tests.servers import Request, answers, hangs_up, hostile, never_ends, refuses, serving, takes
from tests.signing import chain, jws, signed
from tests.store import Outsider, mixed, new_id, paper, part, statement

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
AT = "2026-11-23T08:00:00Z"
POSTGRESQL = pytest.mark.parametrize(
    "backend", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@contextmanager
def other_store(template: Path, folder: Path) -> Iterator[tuple[Make, int]]:
    """A second product on this machine, and its port."""
    folder.mkdir()
    shutil.copy(template, folder / "other.sqlite")
    made: list[Flask] = []

    def build(port: int) -> Flask:
        config = config_for(f"sqlite:///{folder / 'other.sqlite'}", folder)
        made.append(create_app(replace(config, site_url=f"http://127.0.0.1:{port}"), wsgi.PACKAGES))
        return made[0]

    with serving(build) as port:
        yield Make(made[0]), port
        made[0].extensions["database"].dispose()


def bodies(make: Make) -> list[dict[str, object]]:
    """All statements of a store in the order they came, without what it sets itself."""
    with make.reading() as session:
        found = session.scalars(select(XapiBody.body).order_by(XapiBody.sequence))
        return [
            {name: value for name, value in json.loads(one).items() if name not in {"stored", "authority"}}
            for one in found
        ]


def test_a_second_store_gets_every_statement_once_and_in_order(
    database_url: str, tmp_path: Path, sqlite_template: Path
) -> None:
    with (
        other_store(sqlite_template, tmp_path / "other") as (other, port),
        sending(database_url, tmp_path, port) as sender,
    ):
        reader = Outsider(other, "all")
        sender.post(3)
        sender.target(port, key=reader.key, secret=reader.secret, from_beginning=True)
        first = sender.post(1)[0]
        sender.post(1, verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": first})
        for number in (49, 60):
            sender.post(number)
        sender.run()
        assert bodies(other) == bodies(sender.make)
        assert len(bodies(other)) == 114
        with other.reading() as session:
            assert [
                str(one) for one in session.scalars(select(XapiStatement.statement_id).where(XapiStatement.voided))
            ] == [first]
        row = sender.row()
        assert (row.sent, row.state, row.failures, row.trouble) == (114, ACTIVE, 0, None)
        assert row.succeeded_at is not None
        assert sender.letters() == []


def test_what_is_sent_is_the_stored_bytes_with_key_and_version(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port, edition="2.0")
        text = json.dumps(statement(id=new_id())).replace('"actor"', ' "actor" \t').encode()
        sender.outsider.post(text.replace(b'"result"', b"") + b"\n")
        sender.post(2)
        sender.run()
        with sender.make.reading() as session:
            stored = list(session.scalars(select(XapiBody.body).order_by(XapiBody.sequence)))
        [request] = other.requests
        assert request.body == b"[" + b",".join(stored) + b"]"
        assert b' "actor" \t' in request.body
        assert (request.method, request.path) == ("POST", "/xapi/statements")
        assert request.headers["X-Experience-API-Version"] == "2.0.0"
        assert request.headers["Authorization"].startswith("Basic ")


def test_a_target_gets_only_what_was_asked_for(database_url: str, tmp_path: Path) -> None:
    course = "https://quan-triet.example/xapi/courses/nq48"
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        origin = Outsider(sender.make, "all", counts_prefix=course)
        sender.post(1)
        sender.target(other.port, activity_prefix=course, not_from=origin.id)
        wanted = sender.post(1, object={"id": course}) + sender.post(1, object={"id": f"{course}/activities/m1-1"})
        unwanted = sender.post(1, object={"id": f"{course}9"}) + sender.post(1)
        origin.post(statement(object={"id": course}))
        voiding = [
            sender.post(1, verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": one})[0]
            for one in (wanted[0], unwanted[0])
        ]
        sender.run()
        sent = other.ids
        assert sent == [*wanted, voiding[0]]
        assert sender.row().cursor == newest(sender.make)


def test_a_target_may_get_only_what_counts(database_url: str, tmp_path: Path) -> None:
    course = "https://quan-triet.example/xapi/courses/nq48"
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        trusted = Outsider(sender.make, "all", counts_prefix=course)
        sender.target(other.port, counted_only=True)
        sender.post(1, object={"id": course})
        counted = new_id()
        trusted.post(statement(id=counted, object={"id": course}))
        sender.run()
        assert other.ids == [counted]


def newest(make: Make) -> int:
    with make.reading() as session:
        return session.scalars(select(XapiStatement.sequence).order_by(XapiStatement.sequence.desc())).first() or 0


def test_batches_are_bounded_in_number_and_bytes(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(60)
        sender.post(3, context={"extensions": {"https://example.vn/x": "x" * (MOST_BYTES // 2)}})
        sender.run()
        assert [len(one.statements) for one in other.requests] == [50, 11, 1, 1]
        assert max(len(one.body) for one in other.requests) <= MOST_BYTES + 100


def test_data_of_attachments_and_signatures_arrive_as_they_came_and_other_statements_as_plain_json(
    database_url: str, tmp_path: Path, sqlite_template: Path
) -> None:
    """The other store refuses data that are not those of their hash, and signatures that do not sign."""
    with (
        other_store(sqlite_template, tmp_path / "other") as (other, port),
        sending(database_url, tmp_path, port) as sender,
    ):
        reader = Outsider(other, "all")
        sender.target(port, key=reader.key, secret=reader.secret)
        elsewhere = {"fileUrl": "https://example.vn/giay"}
        outside = paper(b"not sent", **elsewhere)
        data = [b"\x00\r\n--", b"", "Giấy mời".encode()]
        papers = [paper(data[0], algorithm="sha512"), paper(data[1]), paper(data[2], kind="text/html", **elsewhere)]
        parts = [part(one, sha2=told["sha2"], Content_Type=None) for one, told in zip(data, papers, strict=True)]
        inside = {"objectType": "SubStatement", **statement(attachments=[papers[0]])}
        batch = [
            statement(attachments=[*papers, outside]),
            statement(object=inside),
            statement(attachments=[papers[1]]),
        ]
        document = statement(id=new_id())
        sender.post(2)
        assert sender.outsider.send(mixed(batch, *parts)).status_code == 200
        sender.post(1, attachments=[outside])
        assert sender.outsider.send(signed(document, jws(document, x5c=list(chain())))).status_code == 200
        sender.post(1)
        sender.run()
        assert sender.letters() == []
        assert bodies(other) == bodies(sender.make)
        assert len(bodies(other)) == 8
        for one in bodies(other):
            asked = {"statementId": str(one["id"]), "attachments": "true"}
            assert sorted(apart(reader.get(**asked))[1]) == sorted(apart(sender.outsider.get(**asked))[1])
        signature = apart(reader.get(statementId=document["id"], attachments="true"))[1]
        assert signature[0][1].count(b".") == 2


def test_requests_with_data_are_apart_and_bounded_and_a_large_one_is_alone(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sizes = [10, 20, MOST_BYTES // 2, MOST_BYTES // 2, 3 * MOST_BYTES, 30]
        sender.post(2)
        for number, size in enumerate(sizes):
            data = str(number).encode() * size
            sender.outsider.send(mixed(statement(attachments=[paper(data)]), part(data)))
        sender.post(2)
        sender.run()
        assert [len(one.statements) for one in other.requests] == [2, 3, 1, 1, 1, 2]
        kinds = [one.headers["Content-Type"].partition(";")[0] for one in other.requests]
        assert kinds == ["application/json"] + ["multipart/mixed"] * 4 + ["application/json"]
        assert [len(one.body) for one in other.requests if len(one.body) > MOST_BYTES] == [
            pytest.approx(3 * MOST_BYTES, abs=5_000)
        ]


@pytest.mark.parametrize("status", [413, 415])
def test_a_refused_statement_with_data_is_set_aside_and_sent_with_them_when_asked(
    database_url: str, tmp_path: Path, status: int
) -> None:
    """Too large for the other store, or it takes no parts."""
    with hostile(answers(status)) as other, sending(database_url, tmp_path, other.port) as sender:
        target_id = sender.target(other.port)
        for data in (b"one", b"two"):
            sender.outsider.send(mixed(statement(attachments=[paper(data)]), part(data)))
        sender.run()
        assert [one.status for one in sender.letters()] == [status, status]
        other.behaviours[:], other.requests[:] = [takes], []
        with sender.make.writing() as session:
            actions.replay(session, session.get_one(ForwardTarget, target_id))
        sender.run()
        assert sender.letters() == []
        assert [b"\r\n\r\none\r\n" in one.body for one in other.requests] == [True, False]


@POSTGRESQL
def test_a_statement_that_is_committed_after_a_later_one_is_not_skipped(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.post(1)  # two that add the same identities would wait for each other
        sender.target(other.port)
        early, late = statement(id=new_id()), statement(id=new_id())
        with sender.make.database.write_sessions() as slow:
            record(slow, [early], source=ourselves(slow))
            with sender.make.writing() as fast:
                record(fast, [late], source=ourselves(fast))
            sender.run(EVERY)
            assert other.requests == []
            assert sender.row().cursor == 1 < newest(sender.make)
            slow.commit()
        sender.run(EVERY)
        assert other.ids == [
            early["id"],
            late["id"],
        ]


@POSTGRESQL
def test_writers_that_never_pause_do_not_hold_forwarding_up(database_url: str, tmp_path: Path) -> None:
    """At each moment somebody is writing; what was written before the one who writes now began is sent all the same."""
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.post(1)
        sender.target(other.port)
        sessions = [sender.make.database.write_sessions() for _ in range(6)]
        ids = [new_id() for _ in sessions]
        for number, session in enumerate(sessions):
            record(session, [statement(id=ids[number])], source=ourselves(session))
            if number:
                sessions[number - 1].commit()
            sender.run(EVERY)
        sent = other.ids
        assert len(sent) >= 3
        sessions[-1].commit()
        sender.run(EVERY)
        assert other.ids == ids
        for session in sessions:
            session.close()


@pytest.mark.parametrize(
    "trouble", [hangs_up, answers(500), answers(503), answers(404), answers(302, Location="/"), never_ends]
)
def test_a_store_in_trouble_is_asked_again_ever_later_and_nothing_is_lost(
    database_url: str, tmp_path: Path, trouble: object
) -> None:
    with hostile(trouble, trouble, trouble, takes) as other, sending(database_url, tmp_path, other.port) as sender:  # type: ignore[arg-type]
        sender.target(other.port)
        ids = sender.post(3)
        sender.run()
        assert len(other.requests) == 1
        row = sender.row()
        assert (row.failures, row.cursor, row.state, row.sent) == (1, 0, ACTIVE, 0)
        assert row.trouble
        began = clock.now()
        for after, asked in ((9, 1), (11, 2), (25, 2), (33, 3), (60, 3), (80, 4)):
            with clock.moved_to(began + timedelta(seconds=after)):
                sender.run()
            assert len(other.requests) == asked, after
        assert [one["id"] for one in json.loads(other.requests[-1].body)] == ids
        assert {one.path for one in other.requests} == {"/xapi/statements"}
        assert (sender.row().failures, sender.row().trouble, sender.row().sent) == (0, None, 3)


def test_a_statement_at_which_the_other_store_always_fails_is_found_and_set_aside(
    database_url: str, tmp_path: Path
) -> None:
    bad: list[str] = []

    def fails_at_some(handler: BaseHTTPRequestHandler, request: Request) -> None:
        meant = {str(one["id"]) for one in request.statements}
        (answers(500, b"NullPointerException") if meant & set(bad) else takes)(handler, request)

    with hostile(fails_at_some) as other, sending(database_url, tmp_path, other.port) as sender:
        target_id = sender.target(other.port)
        ids = sender.post(9)
        bad += ids[4:6]
        for _hour in range(60):
            sender.run(timedelta(hours=1))
        assert [(one.status, one.reason) for one in sender.letters()] == [(500, "NullPointerException")] * 2
        row = sender.row()
        assert (row.sent, row.cursor, row.failures) == (7, newest(sender.make), 0)
        with sender.make.writing() as session:
            actions.replay(session, session.get_one(ForwardTarget, target_id))
        late = sender.post(1)
        for _hour in range(20):  # sent once more, and failing as before, they do not hold up what comes later
            sender.run(timedelta(hours=1))
        assert [one.again for one in sender.letters()] == [False] * 2
        assert other.ids[-1] == late[0]
        bad.clear()
        with sender.make.writing() as session:
            actions.replay(session, session.get_one(ForwardTarget, target_id))
        sender.run(timedelta(hours=1))
        assert (sender.letters(), sender.row().sent) == ([], 10)


@pytest.mark.parametrize(("status", "letters"), [(500, MOST_SET_ASIDE), (503, 0)])
def test_a_store_that_fails_at_everything_is_ill_and_statements_wait(
    database_url: str, tmp_path: Path, status: int, letters: int
) -> None:
    with hostile(answers(status)) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(14)
        for _hour in range(100):
            sender.run(timedelta(hours=1))
        assert len(sender.letters()) == letters
        other.behaviours[:] = [takes]
        sender.run(timedelta(hours=1))
        assert (sender.row().sent, sender.row().cursor) == (14 - letters, newest(sender.make))


@pytest.mark.parametrize("dated", [False, True])
def test_retry_after_is_honoured(database_url: str, tmp_path: Path, dated: bool) -> None:
    wish = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True) if dated else "600"
    with hostile(answers(429, Retry_After=wish), takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(1)
        sender.run()
        sender.run(timedelta(seconds=580))
        assert len(other.requests) == 1
        sender.run(timedelta(seconds=610))
        assert len(other.requests) == 2


def test_an_answer_that_is_not_that_of_a_store_is_no_receipt(database_url: str, tmp_path: Path) -> None:
    page = answers(200, b"<html>Welcome to the hotel network</html>", Content_Type="text/html")
    with (
        hostile(page, answers(200, b'["x"]'), answers(200, b"[]"), takes) as other,
        sending(database_url, tmp_path, other.port) as sender,
    ):
        sender.target(other.port)
        sender.post(1)
        for hours in (0, 3, 6):
            sender.run(timedelta(hours=hours))
        assert (sender.row().sent, sender.row().failures) == (0, 3)
        sender.run(timedelta(hours=9))
        assert sender.row().sent == 1


def test_a_refused_statement_is_found_by_halving_and_set_aside(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        ids = sender.post(50)
        other.behaviours[:] = [refuses(ids[17], 400, f'{{"error": "bad\n{SECRET} {"x" * 900}"}}'.encode())]
        sender.run()
        [letter] = sender.letters()
        assert (letter.status, letter.sequence) == (400, 18)
        assert letter.reason.startswith('{"error": "bad … xxx')
        assert SECRET not in letter.reason
        assert len(letter.reason) <= 300
        assert len(other.requests) < 25
        other.requests = [one for one in other.requests if ids[17].encode() not in one.body]
        assert other.ids == [one for one in ids if one != ids[17]]
        assert (sender.row().sent, sender.row().state) == (49, ACTIVE)


def test_refused_statements_are_sent_once_more_when_asked(database_url: str, tmp_path: Path) -> None:
    with hostile(answers(400, b"first")) as other, sending(database_url, tmp_path, other.port) as sender:
        target_id = sender.target(other.port)
        ids = sender.post(3)
        sender.run()
        assert [one.reason for one in sender.letters()] == ["first"] * 3
        other.behaviours[:] = [answers(400, b"second")]
        with sender.make.writing() as session:
            target = session.get_one(ForwardTarget, target_id)
            assert actions.replay(session, target, letter=sender.letters()[1]) == 1
        sender.run()
        assert [one.reason for one in sender.letters()] == ["first", "second", "first"]
        assert [one.again for one in sender.letters()] == [False] * 3
        other.behaviours[:] = [refuses(ids[2], 400)]
        with sender.make.writing() as session:
            assert actions.replay(session, session.get_one(ForwardTarget, target_id)) == 3
        sender.run()
        assert [one.sequence for one in sender.letters()] == [3]
        assert sender.row().sent == 2


def test_a_conflict_with_an_equal_statement_is_a_success_and_with_another_a_dead_letter(
    database_url: str, tmp_path: Path, sqlite_template: Path
) -> None:
    with (
        other_store(sqlite_template, tmp_path / "other") as (other, port),
        sending(database_url, tmp_path, port) as sender,
    ):
        there = Outsider(other, "all")
        sender.target(port, key=there.key, secret=there.secret)
        ids = sender.post(5, timestamp=AT)
        there.post(statement(id=ids[1], timestamp=AT))
        there.post(statement(id=ids[3], timestamp=AT, actor={"mbox": "mailto:binh@example.vn"}))
        sender.run()
        [letter] = sender.letters()
        assert (letter.sequence, letter.status) == (4, 409)
        assert sorted(there.ids()) == sorted(ids)


def test_a_store_that_answers_409_for_an_equal_statement_is_asked_for_it(database_url: str, tmp_path: Path) -> None:
    with hostile(answers(409)) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        one = statement(id=new_id())
        sender.outsider.post(one)
        other.behaviours[:] = [answers(409), answers(404), answers(200, json.dumps(one).encode())]
        sender.run()
        assert sender.letters() == []
        assert [request.path.partition("?")[2].partition("=")[0] for request in other.requests[:3]] == [
            "",
            "statementId",
            "voidedStatementId",
        ]
        assert sender.row().sent == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_target_that_denies_entry_is_halted_until_somebody_sees_to_it(
    database_url: str, tmp_path: Path, status: int
) -> None:
    with hostile(answers(status, b"no"), takes) as other, sending(database_url, tmp_path, other.port) as sender:
        target_id = sender.target(other.port)
        ids = sender.post(2)
        sender.run()
        assert (sender.row().state, sender.row().trouble, sender.row().cursor) == (HALTED, f"{status} no", 0)
        sender.run(timedelta(days=1, hours=1))
        assert len(other.requests) == 1
        with sender.make.writing() as session:
            actions.renew_key(session, session.get_one(ForwardTarget, target_id), key="another", secret="other")
        sender.run()
        assert [one["id"] for one in json.loads(other.requests[1].body)] == ids
        assert other.requests[0].headers["Authorization"] != other.requests[1].headers["Authorization"]
        assert sender.letters() == []


def test_a_voiding_statement_the_other_store_does_not_allow_holds_nothing_up(
    database_url: str, tmp_path: Path, sqlite_template: Path
) -> None:
    with (
        other_store(sqlite_template, tmp_path / "other") as (other, port),
        sending(database_url, tmp_path, port) as sender,
    ):
        there, writer = Outsider(other, "all"), Outsider(other, "statements/write")
        sender.target(port, key=writer.key, secret=writer.secret)
        theirs = new_id()
        there.post(statement(id=theirs))
        before = sender.post(1)
        sender.post(1, verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": theirs})
        after = sender.post(1)
        sender.run()
        assert [(one.sequence, one.status) for one in sender.letters()] == [(2, 403)]
        assert sorted(there.ids()) == sorted([theirs, *before, *after])
        assert sender.row().state == ACTIVE


def test_a_paused_target_gets_nothing_and_afterwards_everything(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        target_id = sender.target(other.port)
        with sender.make.writing() as session:
            actions.pause_target(session, session.get_one(ForwardTarget, target_id))
        ids = sender.post(2)
        sender.run()
        sender.run(timedelta(hours=2))
        assert (other.requests, sender.row().state) == ([], PAUSED)
        with sender.make.writing() as session:
            actions.resume(session, session.get_one(ForwardTarget, target_id))
        sender.run()
        assert other.ids == ids


def test_a_worker_that_dies_after_sending_sends_the_same_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(2)
        settle = actions.settle
        died: list[bool] = []

        def die_once(*arguments: object) -> object:
            if not died:
                died.append(True)
                raise OperationalError("", {}, Exception())
            return settle(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(actions, "settle", die_once)
        sender.run()
        assert sender.row().cursor == 0
        sender.run(timedelta(minutes=1))
        assert other.requests[0].body == other.requests[1].body
        assert sender.row().sent == 2


def test_two_workers_that_send_the_same_move_the_target_once(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        target_id = sender.target(other.port)
        sender.post(2)
        parcels = []
        for _ in range(2):
            with sender.make.writing() as session:
                parcels.append(actions.pack(session, target_id))
        sender.post(1)
        for parcel in parcels:
            assert isinstance(parcel, actions.Parcel)
            outcome = actions.delivered(parcel)
            with sender.make.writing() as session:
                actions.settle(session, parcel, outcome)
        assert (sender.row().sent, sender.row().cursor) == (2, 2)


def test_while_the_other_store_is_asked_no_lock_is_held(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(1)
        statuses: list[int] = []

        def write_meanwhile(handler: object, request: object) -> None:
            statuses.append(sender.outsider.post(statement()).status_code)
            with sender.make.writing() as session:
                session.execute(update(ForwardTarget).values(name="Kho khác"))
            takes(handler, request)  # type: ignore[arg-type]

        other.behaviours[:] = [write_meanwhile, takes]
        sender.run()
        assert statuses == [200]
        assert (sender.row().sent, sender.row().name) == (2, "Kho khác")


def test_a_new_product_secret_halts_the_target_and_says_so(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(1)
        with sender.make.writing() as session:
            changed = replace(session.info["config"], secret_key="another secret, long enough: 9z8y7x6w5v4u")
            session.execute(update(ForwardTarget).values(sealed_secret=actions.sealed(changed, SECRET)))
        sender.run()
        assert (sender.row().state, sender.row().trouble, other.requests) == (HALTED, SECRET_LOST, [])


def test_the_secret_is_nowhere_to_be_read(database_url: str, tmp_path: Path) -> None:
    with hostile(answers(400, SECRET.encode())) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(1)
        sender.run()
        with sender.make.reading() as session:
            rows = [
                *session.scalars(select(ForwardTarget)),
                *session.scalars(select(AuditEntry)),
                *session.scalars(select(Job)),
            ]
            kept = repr([vars(one) for one in rows]) + repr([vars(one) for one in sender.letters()])
        assert SECRET not in kept
        assert "forwarding.add" in kept


def test_an_idle_target_leaves_one_row_of_work_behind(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        for _ in range(5):
            sender.post(1)
            sender.run(EVERY)
        with sender.make.reading() as session:
            assert len(session.scalars(select(Job).where(Job.kind == actions.FORWARD)).all()) == 1
        assert len(other.requests) == 5


def test_the_night_revives_a_job_that_was_given_up(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(1)
        with sender.make.writing() as session:
            session.execute(update(Job).where(Job.kind == actions.FORWARD).values(attempts=10))
        sender.run()
        if not other.requests:  # the night's work of today was done first
            with sender.make.writing() as session:
                actions.keep_going(session, clock.now())
            sender.run()
        assert len(other.requests) == 1


def test_many_write_while_statements_are_forwarded_and_none_is_missed(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        ids: list[str] = []

        def write() -> None:
            for _ in range(8):
                ids.extend(sender.post(5))

        threads = [threading.Thread(target=write) for _ in range(4)]
        for one in threads:
            one.start()
        while any(one.is_alive() for one in threads):
            sender.run(EVERY)
        sender.run(EVERY)
        sender.run(EVERY)
        sent = other.ids
        assert sorted(sent) == sorted(ids)
        with sender.make.reading() as session:
            stored = [
                str(one) for one in session.scalars(select(XapiStatement.statement_id).order_by(XapiStatement.sequence))
            ]
        assert sent == stored
