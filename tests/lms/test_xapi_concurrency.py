"""Many write at once about the same few activities: nobody waits in a circle, nothing is lost or stored twice."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lms import clock
from lms.db import Database, get_session
from lms.xapi.actions import Conflict, agent_keys, ourselves, record
from lms.xapi.models import XapiActivity, XapiAgent, XapiAttachment, XapiStatement, XapiStatementAttachment
from lms.xapi.protocol import tried
from lms.xapi.queries import consistent_through
from lms.xapi.statement import agent_digest
from tests.make import Make
from tests.store import Outsider, mixed, new_id, paper, part, statement
from tests.together import at_once

THREADS, ROUNDS, BATCH = 8, 5, 24
ACTIVITIES = [f"https://example.vn/bai-{number}" for number in range(12)]


def count(make: Make, model: Any) -> int:
    with make.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_eight_clients_store_batches_about_the_same_twelve_activities_without_an_error(make: Make) -> None:
    outsiders = [Outsider(make, "all") for _ in range(THREADS)]

    def post(outsider: Outsider, thread: int) -> list[int]:
        statuses = []
        for turn in range(ROUNDS):
            batch = [
                statement(
                    actor={"mbox": f"mailto:p{(thread * 7 + number) % 20}@example.vn"},
                    object={
                        "id": ACTIVITIES[(thread * 5 + number * 7) % 12],
                        "definition": {"name": {"vi": f"Bài {(number + turn) % 2}"}},
                    },
                    context={"contextActivities": {"grouping": [{"id": ACTIVITIES[(number * 5 + turn) % 12]}]}},
                )
                for number in range(BATCH)
            ]
            statuses.append(Outsider.post(outsider, batch).status_code)
        return statuses

    results = at_once(*(lambda one=one, n=n: post(one, n) for n, one in enumerate(outsiders)))
    assert results == [[200] * ROUNDS] * THREADS
    assert count(make, XapiStatement) == THREADS * ROUNDS * BATCH
    assert (count(make, XapiActivity), count(make, XapiAgent)) == (12, 20)


def test_the_same_statement_arriving_eight_times_at_once_is_stored_once_and_all_succeed(make: Make) -> None:
    outsider = Outsider(make, "all")
    for _ in range(ROUNDS):
        one = statement(id=new_id())
        assert [a.status_code for a in at_once(*[lambda one=one: outsider_copy(outsider).post(one)] * THREADS)] == [
            200
        ] * THREADS
    assert count(make, XapiStatement) == ROUNDS


def test_of_two_different_statements_under_one_id_at_once_one_is_stored(make: Make) -> None:
    outsider = Outsider(make, "all")
    for _ in range(ROUNDS):
        statement_id = new_id()
        works = [
            lambda one=one: outsider_copy(outsider).post(one)
            for one in (statement(id=statement_id, actor={"mbox": f"mailto:p{n}@example.vn"}) for n in range(4))
        ]
        assert sorted(answer.status_code for answer in at_once(*works)) == [200, 409, 409, 409]
    assert count(make, XapiStatement) == ROUNDS


def outsider_copy(outsider: Outsider) -> Outsider:
    """The same client over a connection of its own."""
    found = object.__new__(Outsider)
    found.__dict__.update(outsider.__dict__)
    found.client = outsider.make.app.test_client()
    return found


def posting(outsider: Outsider, sent: dict[str, Any]) -> Callable[[], TestResponse]:
    return lambda: outsider_copy(outsider).post(sent)


def test_a_statement_and_what_voids_it_never_miss_each_other(make: Make) -> None:
    outsider = Outsider(make, "all")
    for _ in range(ROUNDS * 2):
        one = statement(id=new_id())
        void = statement(
            verb={"id": "http://adlnet.gov/expapi/verbs/voided"}, object={"objectType": "StatementRef", "id": one["id"]}
        )
        answers = at_once(posting(outsider, one), posting(outsider, void))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert outsider.get(voidedStatementId=one["id"]).status_code == 200


def test_names_of_an_activity_in_many_languages_are_all_kept_in_one_batch_and_at_once(make: Make) -> None:
    outsider = Outsider(make, "all")
    languages = ["vi", "en", "fr", "de", "lo", "km", "zh", "ja"]
    for iri in ACTIVITIES[:ROUNDS]:
        outsider.post(statement(object={"id": iri}))
        works = [posting(outsider, defined(iri, tag)) for tag in languages]
        assert [answer.status_code for answer in at_once(*works)] == [200] * len(languages)
    batch = [defined(ACTIVITIES[ROUNDS], tag) for tag in languages] + [statement(object={"id": ACTIVITIES[ROUNDS]})]
    outsider.post(batch)
    with make.reading() as session:
        definitions = session.scalars(select(XapiActivity.definition)).all()
    assert definitions == [{"name": {tag: tag for tag in languages}}] * (ROUNDS + 1)


def defined(iri: str, tag: str) -> dict[str, Any]:
    """A statement that names its activity in one language."""
    return statement(object={"id": iri, "definition": {"name": {tag: tag}}})


def test_our_own_clicks_do_not_hinder_each_other(make: Make) -> None:
    database: Database = make.database

    def click(number: int) -> int:
        for turn in range(ROUNDS):
            with database.writing() as session:
                own = statement(
                    actor={"account": {"homePage": "https://quan-triet.example", "name": f"{number}"}},
                    object={"id": ACTIVITIES[turn], "definition": {"name": {"vi": "Bài"}}},
                )
                record(session, [own], source=ourselves(session))
        return number

    assert at_once(*(lambda number=number: click(number) for number in range(THREADS))) == list(range(THREADS))
    assert count(make, XapiStatement) == THREADS * ROUNDS


def test_what_lost_to_another_writer_and_is_tried_again_relies_on_nothing_it_had_added(make: Make) -> None:
    """An identity that was rolled back with the first try is added again by the second."""
    agent = {"mbox": "mailto:an@example.vn"}
    digest = agent_digest(agent)
    tries: list[int] = []

    def work(session: Session) -> int:
        if tries:
            session.execute(insert(XapiAgent).values(digest=bytes(32), identifier={}))  # takes the number of before
        tries.append(agent_keys(session, {digest: agent})[digest])
        if len(tries) == 1:
            raise OperationalError("deadlock", {}, Deadlock())
        return tries[-1]

    with make.app.test_request_context(method="POST"):
        kept = tried(work)
        get_session().commit()
    with make.reading() as session:
        assert session.scalar(select(XapiAgent.id).where(XapiAgent.digest == digest)) == kept


class Deadlock(Exception):
    """What PostgreSQL answers to the loser of a deadlock."""

    sqlstate = "40P01"


@pytest.mark.parametrize("backend", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
@pytest.mark.parametrize("table", ["xapi_statement", "xapi_agent"])
def test_a_deadlock_lost_in_any_statement_of_the_driver_is_tried_again(make: Make, backend: str, table: str) -> None:
    outsider = Outsider(make, "all")
    with make.writing() as session:
        session.execute(text("CREATE SEQUENCE tries"))  # its numbers are not rolled back
        session.execute(
            text(
                "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('tries') < 3 THEN "
                "RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$"
            )
        )
        session.execute(text(f"CREATE TRIGGER lose BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION lose()"))
    assert outsider.post(statement()).status_code == 200
    assert count(make, XapiStatement) == 1


def test_an_own_statement_said_twice_is_stored_once(make: Make) -> None:
    own = statement(id=new_id())
    for _ in range(2):
        with make.writing() as session:
            record(session, [own], source=ourselves(session))
    assert count(make, XapiStatement) == 1
    with pytest.raises(Conflict), make.writing() as session:
        record(session, [{**own, "result": {"success": True}}], source=ourselves(session))


def test_consistent_through_never_vouches_for_a_statement_whose_transaction_is_open(make: Make) -> None:
    outsider = Outsider(make, "all")
    outsider.post(statement())
    with make.database.write_sessions() as slow:
        record(slow, [statement(id=new_id())], source=ourselves(slow))
        slow.flush()
        through = datetime.fromisoformat(outsider.get().headers["X-Experience-API-Consistent-Through"])
        slow.commit()
    newest = outsider.get(limit="1").get_json()["statements"][0]
    assert through <= datetime.fromisoformat(newest["stored"])
    after = datetime.fromisoformat(outsider.get().headers["X-Experience-API-Consistent-Through"])
    assert after > datetime.fromisoformat(newest["stored"])


def through_of(outsider: Outsider) -> datetime:
    return datetime.fromisoformat(outsider.get().headers["X-Experience-API-Consistent-Through"])


def stored_at(outsider: Outsider) -> datetime:
    """When the newest statement was stored."""
    return datetime.fromisoformat(outsider.get(limit="1").get_json()["statements"][0]["stored"])


def test_an_empty_store_vouches_for_nothing_while_its_first_statement_is_being_stored(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    outsider = Outsider(make, "all")
    outsider.get().close()  # its use has been marked: nothing waits for the transaction below
    with make.database.write_sessions() as slow:
        record(slow, [statement(id=new_id())], source=ourselves(slow))
        slow.flush()
        later = clock.true_now() + timedelta(hours=1)
        monkeypatch.setattr(clock, "true_now", lambda: later)
        through = through_of(outsider)
        slow.commit()
    assert through <= stored_at(outsider)


def test_whoever_has_asked_how_far_all_can_be_read_reads_what_is_stored_until_it_reads(make: Make) -> None:
    """Else what was committed between the two is before that time, and not among what is read."""
    outsider = Outsider(make, "all")
    with make.reading() as session:
        consistent_through(session, make.database.asking_engine)
        assert outsider.post(statement()).status_code == 200
        assert session.scalar(select(func.count()).select_from(XapiStatement)) == 1
        with pytest.raises(RuntimeError):  # from now on it reads nothing newer
            consistent_through(session, make.database.asking_engine)


@pytest.mark.postgresql
@pytest.mark.parametrize("backend", ["postgresql"])  # on SQLite all hosts are one machine
def test_consistent_through_goes_by_the_clock_that_times_statements_whatever_that_of_the_host_says(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    outsider = Outsider(make, "all")
    real = clock.true_now()
    for hours in (26, -26):
        monkeypatch.setattr(clock, "true_now", lambda hours=hours: real + timedelta(hours=hours))
        before = through_of(outsider)
        outsider.post(statement())
        assert before <= stored_at(outsider) < through_of(outsider)


def test_eight_clients_send_the_same_data_at_once_in_any_order_and_they_are_stored_once(make: Make) -> None:
    outsiders = [Outsider(make, "all") for _ in range(THREADS)]

    def send(outsider: Outsider, thread: int) -> list[int]:
        statuses = []
        for turn in range(ROUNDS):
            shared = [f"{turn}:{(number * 5 + thread) % 12}".encode() for number in range(12)]
            document = statement(attachments=[paper(data) for data in shared])
            statuses.append(outsider.send(mixed(document, *map(part, shared))).status_code)
        return statuses

    results = at_once(*(lambda one=one, n=n: send(one, n) for n, one in enumerate(outsiders)))
    assert results == [[200] * ROUNDS] * THREADS
    assert count(make, XapiAttachment) == ROUNDS * 12
    assert count(make, XapiStatementAttachment) == THREADS * ROUNDS * 12
