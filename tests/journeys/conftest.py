"""A running server with the small province, and windows of a real browser on it."""

import dataclasses
import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import BaseWSGIServer, make_server

import wsgi
from lms.app import create_app
from lms.db import Database
from tests.conftest import config_for, postgresql_template
from tests.groups import chromium
from tests.journeys.province import PASSWORD, Province, populate
from tests.journeys.windows import ARGUMENTS, PATIENCE, Windows, sign_in
from tests.make import Make
from tests.postgres import cluster


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


@pytest.fixture(scope="session")
def populated(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the province, to copy."""
    folder = tmp_path_factory.mktemp("province")
    shutil.copy(sqlite_template, folder / "lms.sqlite")
    fill(f"sqlite:///{folder / 'lms.sqlite'}", folder)
    return folder / "lms.sqlite"


@cache
def populated_on_postgresql() -> str:
    """A PostgreSQL database with the province, to copy."""
    fill(cluster().create_database("template_province", template=postgresql_template()), Path())
    return "template_province"


def fill(url: str, folder: Path) -> None:
    """Put the province into a migrated, empty database, and leave nobody connected to it."""
    app = create_app(config_for(url, folder), wsgi.PACKAGES)
    populate(Make(app))
    database: Database = app.extensions["database"]
    database.dispose()


@pytest.fixture
def province_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database with a province of its own."""
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("populated"), tmp_path / "lms.sqlite")
        yield f"sqlite:///{tmp_path / 'lms.sqlite'}"
    else:
        name = f"j_{uuid.uuid4().hex[:12]}"
        yield cluster().create_database(name, template=populated_on_postgresql())
        cluster().drop_database(name)


@pytest.fixture(scope="module")
def chromium_browser() -> Iterator[Browser]:
    """The browser of this machine. Not for the whole session: other tests drive one of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE)
        yield browser
        expect.set_options(timeout=None)
        browser.close()


@pytest.fixture
def site(province_url: str, tmp_path: Path, chromium_browser: Browser) -> Iterator[Site]:
    """The product on a free port, with a province of its own. A test in whose windows something was amiss fails.

    Tests that ask for it run on both databases, unless their file says `backend` for itself.
    """
    server = make_server("127.0.0.1", 0, not_yet, threaded=True)
    address = f"http://127.0.0.1:{server.port}"
    config = dataclasses.replace(config_for(province_url, tmp_path), site_url=address)
    app = create_app(config, wsgi.PACKAGES)
    server.app = app
    windows = Windows(chromium_browser, address)
    with running(server):
        yield Site(address, Province(Make(app)), windows)
        for context in chromium_browser.contexts:
            context.close()
    app.extensions["database"].dispose()
    assert windows.troubles == []


@contextmanager
def running(server: BaseWSGIServer) -> Iterator[None]:
    """The server answers in threads of its own until the block ends."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def not_yet(environ: object, start_response: object) -> Iterable[bytes]:
    """Stands in until the port is known: the product must know its address when it is made."""
    raise RuntimeError("the server was asked before the product was there")
