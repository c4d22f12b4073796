"""Which other systems may speak to the store, and how far their scopes reach."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from lms.audit.models import AuditEntry
from lms.records.actions import create_client, revoke_client, rotate_secret
from lms.records.cli import xapi
from lms.xapi.access import SCOPES
from lms.xapi.models import XapiClient
from tests.conformance.numbers import reproduces
from tests.make import Make
from tests.store import Outsider, new_id, statement

WRITERS = {"statements/write", "all"}
READERS = {"statements/read", "statements/read/mine", "all/read", "all"}


@pytest.mark.parametrize("scope", SCOPES)
@reproduces(327)
def test_each_scope_opens_what_it_names_and_nothing_else(make: Make, scope: str) -> None:
    outsider = Outsider(make, scope)
    assert outsider.post(statement()).status_code == (200 if scope in WRITERS else 403)
    assert outsider.put(new_id(), statement()).status_code == (204 if scope in WRITERS else 403)
    assert outsider.get().status_code == (200 if scope in READERS else 403)
    assert outsider.get(statementId=new_id()).status_code == (404 if scope in READERS else 403)


@reproduces(334, 335)
def test_nobody_enters_without_the_right_secret_and_no_answer_asks_a_browser_for_one(make: Make) -> None:
    outsider = Outsider(make, "all")
    wrong = Outsider(make, "all")
    wrong.secret = outsider.secret
    nameless = Outsider(make, "all")
    nameless.key = "unknown"
    strange = Outsider(make, "all")
    strange.key = "\0ế"
    version = {"X-Experience-API-Version": "1.0.3"}
    bare = make.app.test_client()
    answers = [
        wrong.get(),
        nameless.get(),
        strange.get(),
        wrong.post(statement()),
        bare.get("/xapi/statements", headers=version),
        bare.get("/xapi/statements", headers={**version, "Authorization": "Basic !!!"}),
        bare.get("/xapi/statements", headers={**version, "Authorization": "Basic é"}),
        bare.post("/xapi/statements", json=statement(), headers={**version, "Authorization": "Basic é"}),
        bare.put("/xapi/activities/state", headers={**version, "Authorization": "Basic é"}),
        bare.post("/xapi/statements?method=GET", data={**version, "Authorization": "Basic ế"}),
        bare.get("/xapi/statements", headers={**version, "Authorization": f"Bearer {outsider.secret}"}),
        make.browser(make.person(role="administrator")).client.get("/xapi/statements", headers=version),
        make.browser(make.person()).client.post("/xapi/statements", json=statement(), headers=version),
    ]
    assert [one.status_code for one in answers] == [401] * len(answers)
    assert not any("WWW-Authenticate" in one.headers for one in answers)
    assert len({one.data for one in answers}) == 1


def test_a_rotated_secret_and_a_revoked_client_open_nothing(make: Make) -> None:
    outsider = Outsider(make, "all")
    outsider.post(statement())
    with make.writing() as session:
        fresh = rotate_secret(session, session.get_one(XapiClient, outsider.id))
    assert outsider.get().status_code == 401
    outsider.secret = fresh
    assert outsider.get().status_code == 200
    with make.writing() as session:
        revoke_client(session, session.get_one(XapiClient, outsider.id))
    assert outsider.get().status_code == 401
    assert len(Outsider(make, "all/read").ids()) == 1


def test_the_secret_is_kept_as_a_digest_and_every_change_is_noted_without_it(make: Make) -> None:
    outsider = Outsider(make, "statements/write", name="Cổng dịch vụ công")
    with make.writing() as session:
        second = rotate_secret(session, session.get_one(XapiClient, outsider.id))
        revoke_client(session, session.get_one(XapiClient, outsider.id))
    with make.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        row = session.get_one(XapiClient, outsider.id)
    assert [one.action for one in entries] == ["xapi.client.create", "xapi.client.rotate", "xapi.client.revoke"]
    kept = repr([one.details for one in entries]) + repr(vars(row))
    assert outsider.secret not in kept
    assert second not in kept


def test_a_client_that_reads_its_own_sees_nothing_of_others(make: Make) -> None:
    mine, other = Outsider(make, "statements/write", "statements/read/mine"), Outsider(make, "all")
    [own] = mine.post(statement()).get_json()
    [foreign] = other.post(statement()).get_json()
    [voided] = other.post(statement()).get_json()
    void = {"verb": {"id": "http://adlnet.gov/expapi/verbs/voided"}}
    assert other.post(statement(**void, object={"objectType": "StatementRef", "id": voided})).status_code == 200
    mine.post(statement(object={"objectType": "StatementRef", "id": foreign}, actor={"mbox": "mailto:ref@example.vn"}))
    assert own in mine.ids()
    actor = json.dumps(statement()["actor"])
    assert mine.ids(agent=actor) == [own]  # nor by way of a reference to the statement of another
    assert mine.ids(agent=actor, related_agents="true") == [own]
    assert mine.get(statementId=foreign).status_code == 404
    assert mine.get(voidedStatementId=voided).status_code == 404
    assert other.get(voidedStatementId=voided).status_code == 200


def test_an_address_of_further_pages_serves_only_the_client_it_was_given_to(make: Make) -> None:
    first, second = Outsider(make, "all"), Outsider(make, "all")
    first.post([statement() for _ in range(3)])
    more = first.get(limit="2").get_json()["more"]
    assert len(first.get(more).get_json()["statements"]) == 1
    assert second.get(more).status_code == 403
    assert first.get(more[:-1] + ("A" if more[-1] != "A" else "B")).status_code == 400
    assert first.get(f"{more}&limit=1").status_code == 400


def test_only_a_client_with_the_scope_defines_activities(make: Make) -> None:
    definer, writer = Outsider(make, "statements/write", "define"), Outsider(make, "statements/write", "all/read")

    def names(*, name: dict[str, str]) -> dict[str, object]:
        return statement(object={"id": "https://example.vn/bai-1", "definition": {"name": name}})

    def canonical() -> list[dict[str, str]]:
        answer = writer.get(format="canonical", language="vi")
        return [one["object"]["definition"]["name"] for one in answer.get_json()["statements"]]

    writer.post(names(name={"vi": "Tên của người viết"}))
    assert canonical() == [{"vi": "Tên của người viết"}]  # its own statement says so, and nothing else does
    definer.post(names(name={"vi": "Bài một", "en": "Lesson one"}))
    writer.post(names(name={"vi": "Tên giả"}))
    assert canonical() == [{"vi": "Bài một"}] * 3
    definer.post(names(name={"vi": "Bài 1"}))
    assert canonical() == [{"vi": "Bài 1"}] * 4
    answer = writer.get(format="canonical", language="vi;q=0.5, en")
    assert answer.get_json()["statements"][0]["object"]["definition"]["name"] == {"en": "Lesson one"}


def test_the_command_makes_lists_rotates_and_revokes_clients(make: Make) -> None:
    def run(*words: str, status: int = 0) -> str:
        result = CliRunner().invoke(xapi, ["client", *words], obj=lambda: make.database)
        assert result.exit_code == status, result.output
        return result.output

    words = ("create", "--name", "Cổng dịch vụ công", "--scope", "statements/write")
    made = run(*words, "--counts-prefix", "https://example.vn/khoa")
    key, secret = (line.split()[1] for line in made.splitlines())
    assert len(secret) >= 43
    listed = run("list")
    assert key in listed
    assert "active" in listed
    assert secret not in listed
    rotated = run("rotate", key).splitlines()[1].split()[1]
    assert rotated != secret
    run("revoke", key)
    assert "revoked" in run("list")
    assert "no active client" in run("revoke", key, status=1)
    run("create", "--name", "x", "--scope", "everything", status=2)
    assert "absolute IRI" in run(*words, "--counts-prefix", "khoa", status=2)


def test_an_unknown_scope_is_refused(make: Make) -> None:
    with pytest.raises(ValueError, match="no such scope"), make.writing() as session:
        create_client(session, name="x", scopes=["everything"])
