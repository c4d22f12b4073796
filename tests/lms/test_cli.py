"""The console command: the first administrator, the worker, and serving until told to stop."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import time_machine
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select, update

import wsgi
from lms import cli, clock
from lms.accounts.models import Membership, Person, RoleGrant
from lms.accounts.rules import EVERYWHERE
from lms.accounts.vocabulary import ROLES
from lms.outbox.actions import queue, settle_day, settled_day
from lms.outbox.models import Job, SettledDay
from tests.make import Make
from tests.store import Outsider

PASSWORD = "Bon muoi tam, nghi quyet 1"


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of the product under test, as one would set them in a shell."""
    return {
        "LMS_DATABASE_URL": database_url,
        "LMS_SECRET_KEY": "7q2m9x4k1zPw8sT3vB6nY0cR5eU2hJ4gL9dF1aZ",
        "LMS_SITE_URL": "https://hoc.example.gov.vn",
        "LMS_DATA_DIR": str(tmp_path),
    }


def lms(environ: dict[str, str], *arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli.build(wsgi.PACKAGES, environ), list(arguments), prog_name="lms")


def test_the_first_administrator_is_made_with_a_link_to_the_configured_site(
    environ: dict[str, str], make: Make
) -> None:
    result = lms(environ, "user", "create", "--name", "Lý A Hoa", "--username", "HoaLA", "--role", "administrator")
    assert result.exit_code == 0, result.output
    assert "Lý A Hoa (hoala) has been added as administrator." in result.output
    link = re.search(r"https://hoc\.example\.gov\.vn(/first-password/[\w-]+)", result.output)
    assert link
    browser = make.browser()
    browser.get(link[1])
    browser.submit("/first-password", new_password=PASSWORD, repeat=PASSWORD)
    browser.submit("/sign-in", username="hoala", password=PASSWORD)
    assert browser.get("/people").status_code == 200


def test_a_head_is_counted_in_and_heads_the_unit_named(environ: dict[str, str], make: Make) -> None:
    unit = make.unit("Sở Y tế", code="s-yt")
    result = lms(
        environ, "user", "create", "--name", "Lý A Hoa", "--username", "a.b", "--role", "head", "--unit", "S-YT"
    )
    assert result.exit_code == 0, result.output
    with make.reading() as session:
        assert session.scalars(select(Membership.unit_id)).all() == [unit.id]
        assert session.execute(select(RoleGrant.role, RoleGrant.unit_id)).one() == ("head", unit.id)


def test_every_role_that_can_be_given_can_be_given_here(environ: dict[str, str], make: Make) -> None:
    unit = make.unit("Sở Y tế", code="s-yt")
    for number, role in enumerate(ROLES):
        called = ["--name", "Lý A Hoa", "--username", f"a.{number}", "--role", role, "--unit", "s-yt"]
        until = ["--until", "2999-12-31"] if role == "deputy" else []
        assert lms(environ, "user", "create", *called, *until).exit_code == 0, role
    with make.reading() as session:
        given = session.execute(select(RoleGrant.role, RoleGrant.unit_id, RoleGrant.valid_to)).all()
    assert {(one.role, one.unit_id) for one in given} == {
        (role, None if role in EVERYWHERE else unit.id) for role in ROLES
    }
    assert [one.valid_to for one in given if one.valid_to] == [date(3000, 1, 1)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--name", "A", "--username", "an"], "belongs to somebody else"),
        (["--name", "A", "--username", "b", "--unit", "nope"], "no unit with the code 'nope'"),
        (["--name", "A", "--username", "b", "--role", "head"], "The role head needs --unit"),
        (["--name", "A", "--username", "b", "--role", "deputy", "--unit", "syt"], "a deputy must have one"),
        (["--name", " ", "--username", "b"], "must not be empty"),
        (["--name", "A", "--username", "b", "--role", "king"], "'king' is not one of"),
        (["--username", "b"], "Missing option '--name'"),
    ],
)
def test_a_user_that_cannot_be_made_says_why_and_changes_nothing(
    environ: dict[str, str], make: Make, arguments: list[str], reason: str
) -> None:
    make.person(username="an")
    result = lms(environ, "user", "create", *arguments)
    assert result.exit_code != 0
    assert reason in result.output
    with make.reading() as session:
        assert len(session.scalars(select(Person)).all()) == 1


@pytest.mark.parametrize("backend", ["sqlite"])  # the day is settled on both in tests/courses/test_settled_day.py
def test_an_upgrade_that_set_the_day_back_has_settled_it_when_it_ends(environ: dict[str, str], make: Make) -> None:
    with make.writing() as session:
        settle_day(session)
        session.execute(update(SettledDay).values(day=clock.today() - timedelta(days=1)))
    assert lms(environ, "init").exit_code == 0
    with make.reading() as session:
        assert settled_day(session) == clock.today()
    assert lms(environ, "verify").exit_code == 0


@pytest.mark.parametrize("command", ["", "init", "demo", "serve", "worker", "verify", "user", "user create"])
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(cli.build(wsgi.PACKAGES, {}), [*command.split(), "--help"], prog_name="lms")
    assert result.exit_code == 0, result.output
    assert len(result.output) > 150


def test_the_demo_is_not_loaded_in_production_unless_that_is_said(environ: dict[str, str], make: Make) -> None:
    refused = lms(environ, "demo", "--people", "40")
    assert refused.exit_code == 2
    assert "an administrator with a published password" in " ".join(refused.output.split())
    assert "--yes" in refused.output
    with make.reading() as session:
        assert session.scalars(select(Person)).all() == []
    meant = lms(environ, "demo", "--people", "40", "--yes")
    assert meant.exit_code == 0, meant.output
    assert "Fictional people" in meant.output


def test_a_weak_setting_is_refused_in_one_line(environ: dict[str, str]) -> None:
    result = lms({**environ, "LMS_SECRET_KEY": "short"}, "user", "create", "--name", "A", "--username", "b")
    assert result.exit_code == 1
    assert "LMS_SECRET_KEY is weak" in result.output
    assert "Traceback" not in result.output


def test_the_worker_does_what_is_due_and_stops(environ: dict[str, str], make: Make) -> None:
    with make.writing() as session:
        queue(session, "nobody knows", {})
    with time_machine.travel(clock.start_of_day(clock.today()) + timedelta(hours=9)):  # in the evening no mail goes out
        result = lms(environ, "worker", "--once")
    assert result.exit_code == 0, result.output
    with make.reading() as session:
        kinds = {job.kind: job.done_at is not None for job in session.scalars(select(Job))}
        assert kinds == {"nobody knows": False, "nightly": True, "chase": True}


@contextmanager
def running(environ: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`lms` in a process of its own, ended at the latest with the test."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import wsgi; wsgi.main()", *arguments],
        env={**os.environ, **environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()  # what it started ends with it
        process.communicate(timeout=60)


def lines_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """What it prints up to the line with those words."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"{words!r} was never printed, but: {''.join(lines)}")


def test_the_worker_stops_cleanly_when_asked(environ: dict[str, str], app: Flask) -> None:
    with running(environ, "worker") as process:
        lines_until(process, "worker ready")
        process.send_signal(signal.SIGTERM)
        lines_until(process, "worker stopped")
        assert process.wait(30) == 0


@pytest.fixture
def port() -> int:
    """A port nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_serve_answers_says_where_and_stops_when_asked(
    backend: str, environ: dict[str, str], port: int, make: Make
) -> None:
    if backend != "sqlite":
        return  # what is started does not depend on the database
    client = Outsider(make, "all")
    iri = f"https://example.vn/{'ế' * 660}"  # 1,999 bytes, each letter nine characters of an address
    filters = {"verb": iri, "activity": iri, "agent": json.dumps({"account": {"homePage": iri, "name": "an"}})}
    local = {**environ, "LMS_LOCAL": "1", "LMS_SITE_URL": ""}
    with running(local, "serve", "--port", str(port), "--workers", "1") as process:
        ready = lines_until(process, "Stop with Ctrl-C")
        assert f"http://127.0.0.1:{port}" in "".join(ready)
        assert "Demo sign-ins" not in "".join(ready)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/sign-in")
        assert connection.getresponse().read()
        connection.request("GET", f"/xapi/statements?{urlencode(filters)}", headers=client.headers())
        assert json.load(connection.getresponse()) == {"statements": [], "more": ""}
        connection.close()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert time.monotonic() - began < 25
    with socket.create_server(("127.0.0.1", port)):
        pass  # nobody is left listening


def test_serve_says_what_is_in_the_way(backend: str, environ: dict[str, str], port: int, tmp_path: Path) -> None:
    if backend != "sqlite":
        return
    local = {**environ, "LMS_LOCAL": "1", "LMS_SITE_URL": ""}
    with socket.create_server(("127.0.0.1", port)), running(local, "serve", "--port", str(port)) as process:
        lines_until(process, f"127.0.0.1:{port} is in use")
        assert process.wait(30) == 1
    empty = {**local, "LMS_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite'}"}
    with running(empty, "serve", "--port", str(port)) as process:
        lines_until(process, "Has `lms init` been run?")
        assert process.wait(30) == 1
