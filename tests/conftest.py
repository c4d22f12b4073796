"""Fixtures: a real database with the real migrations, on SQLite and on PostgreSQL, new for every test."""

import dataclasses
import os
import shutil
import socket
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

import wsgi
from lms import clock
from lms.app import create_app, open_doors
from lms.cli import migrate
from lms.config import Config
from lms.db import Database
from tests import lent
from tests.groups import (
    chromium,
    pytest_collection_modifyitems,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from tests.lent import pytest_unconfigure
from tests.make import Make
from tests.midnight import pytest_runtest_setup
from tests.postgres import cluster, in_memory
from tests.shared import pytest_collection_finish, share

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = [
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_unconfigure",
]

share()
if (memory := in_memory()) is not None:  # nobody waits for a disk; and what a test that passed has written goes at once
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)

SECRET = "a secret for tests only, long enough: 7q2m9x4k1z"
BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


def config_for(url: str, data_dir: Path) -> Config:
    """The settings of a product under test: the site is http://localhost."""
    return Config(
        database_url=url,
        secret_key=SECRET,
        site_url="http://localhost",
        iri_base="https://quan-triet.example",
        data_dir=data_dir,
        local=True,
    )


@cache
def sqlite_empty(parent: Path, day: date) -> Path:
    """A migrated, empty SQLite file to copy, for the tests of one day: a database knows which day it has settled."""
    folder = parent / f"template {day}"
    folder.mkdir()
    database = Database(config_for(f"sqlite:///{folder / 't.sqlite'}", folder), open_doors(wsgi.PACKAGES))
    migrate(database)
    database.dispose()
    return folder / "t.sqlite"


@pytest.fixture
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file of today to copy."""
    return sqlite_empty(tmp_path_factory.getbasetemp(), clock.today())


@cache
def postgresql_empty(day: date) -> str:
    """As `sqlite_empty`: the name of a database on the server of the tests."""
    name = f"template_{day:%Y%m%d}"
    database = Database(config_for(cluster().create_database(name), Path()), open_doors(wsgi.PACKAGES))
    migrate(database)
    database.dispose()
    return name


def postgresql_template() -> str:
    """A migrated, empty PostgreSQL database of today to copy."""
    return postgresql_empty(clock.today())


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; every test that asks for `app` runs on both."""
    return str(request.param)


@pytest.fixture
def database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated, empty database of its own."""
    if backend == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "lms.sqlite")
        yield f"sqlite:///{tmp_path / 'lms.sqlite'}"
    else:
        url = lent.lend(postgresql_template())
        yield url
        lent.give_back(url)


@pytest.fixture
def settings() -> dict[str, Any]:
    """Fields of `Config` a test wants otherwise: it overrides this fixture, or parametrises it."""
    return {}


@pytest.fixture
def app(database_url: str, tmp_path: Path, settings: dict[str, Any]) -> Iterator[Flask]:
    """The whole product on an empty database."""
    app = create_app(dataclasses.replace(config_for(database_url, tmp_path), **settings), wsgi.PACKAGES)
    app.testing = True
    yield app
    app.extensions["database"].dispose()


@pytest.fixture
def make(app: Flask) -> Make:
    """Makes units, people, browsers."""
    return Make(app)


@pytest.fixture(scope="module")
def chromium_browser() -> Iterator["Browser"]:
    """The browser of this machine, for windows of each test's own. Not for longer: an event loop runs beside it."""
    from playwright.sync_api import expect, sync_playwright

    from tests.journeys.windows import ARGUMENTS, PATIENCE

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE)
        yield browser
        expect.set_options(timeout=None)
        browser.close()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests talk to this machine only."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and str(address[0]) not in {"127.0.0.1", "::1", "localhost"}:
            raise RuntimeError(f"a test may not reach {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", only_here)
