"""A running server with the small province, and windows of a real browser on it."""

import dataclasses
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

import wsgi
from lms import clock
from lms.app import create_app
from lms.db import Database
from tests.conftest import config_for, postgresql_empty, sqlite_empty
from tests.journeys import windows
from tests.journeys.province import PASSWORD, Province, populate
from tests.journeys.windows import Windows, sign_in
from tests.make import Make
from tests.postgres import cluster
from tests.served import running


@dataclass(frozen=True)
class Site:
    """The product at an address of this machine."""

    address: str
    province: Province
    windows: Windows

    @property
    def make(self) -> Make:
        return self.province.make

    def signed_in(self, username: str, **options: object) -> Page:
        """A new window in which this person has just signed in."""
        page = self.windows.open(**options)
        page.goto("/sign-in")
        sign_in(page, username, PASSWORD)
        return page


@pytest.fixture
def backend() -> str:
    """Pages look and work alike whatever they were read from; the longest journey is made on PostgreSQL too."""
    return "sqlite"


@cache
def populated_on_sqlite(parent: Path, day: date) -> Path:
    """A SQLite file with the province as it is on this day, which is today, to copy."""
    folder = parent / f"province {day}"
    folder.mkdir()
    shutil.copy(sqlite_empty(parent, day), folder / "lms.sqlite")
    fill(f"sqlite:///{folder / 'lms.sqlite'}", folder)
    return folder / "lms.sqlite"


@cache
def populated_on_postgresql(day: date) -> str:
    """As `populated_on_sqlite`: the name of a database on the server of the tests."""
    name = f"province_{day:%Y%m%d}"
    fill(cluster().create_database(name, template=postgresql_empty(day)), Path())
    return name


def fill(url: str, folder: Path) -> None:
    """Put the province into a migrated, empty database, and leave nobody connected to it."""
    app = create_app(config_for(url, folder), wsgi.PACKAGES)
    populate(Make(app))
    database: Database = app.extensions["database"]
    database.dispose()


@pytest.fixture
def province_url(backend: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database with a province of its own."""
    if backend == "sqlite":
        shutil.copy(populated_on_sqlite(tmp_path_factory.getbasetemp(), clock.today()), tmp_path / "lms.sqlite")
        yield f"sqlite:///{tmp_path / 'lms.sqlite'}"
    else:
        name = f"j_{uuid.uuid4().hex[:12]}"
        yield cluster().create_database(name, template=populated_on_postgresql(clock.today()))
        cluster().drop_database(name)


@pytest.fixture
def site(
    province_url: str, backend: str, tmp_path: Path, chromium_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """The product on a free port, with a province of its own. A test in whose windows something was amiss fails.

    Tests that ask for it run on SQLite, unless they say `backend` for themselves.
    """
    monkeypatch.setattr(windows, "PICTURES", windows.PICTURES and backend == "sqlite")  # pages look alike on both
    server = make_server("127.0.0.1", 0, not_yet, threaded=True)
    address = f"http://127.0.0.1:{server.port}"
    config = dataclasses.replace(config_for(province_url, tmp_path), site_url=address)
    app = create_app(config, wsgi.PACKAGES)
    server.app = app
    opened = Windows(chromium_browser, address)
    with running(server):
        yield Site(address, Province(Make(app)), opened)
        for context in chromium_browser.contexts:
            context.close()
    app.extensions["database"].dispose()
    assert opened.troubles == []


def not_yet(environ: object, start_response: object) -> Iterable[bytes]:
    """Stands in until the port is known: the product must know its address when it is made."""
    raise RuntimeError("the server was asked before the product was there")
