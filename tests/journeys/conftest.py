"""A running server with the small province, and windows of a real browser on it."""

import dataclasses
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import BaseWSGIServer, make_server

import wsgi
from lms.app import create_app
from lms.db import Database
from tests.conftest import config_for
from tests.groups import chromium
from tests.journeys.province import PASSWORD, Province, populate
from tests.journeys.windows import ARGUMENTS, PATIENCE, Windows, sign_in
from tests.make import Make


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
    app = create_app(config_for(f"sqlite:///{folder / 'lms.sqlite'}", folder), wsgi.PACKAGES)
    populate(Make(app))
    database: Database = app.extensions["database"]
    database.dispose()
    return folder / "lms.sqlite"


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
def site(populated: Path, tmp_path: Path, chromium_browser: Browser) -> Iterator[Site]:
    """The product on a free port, with a province of its own. A test in whose windows something was amiss fails."""
    shutil.copy(populated, tmp_path / "lms.sqlite")
    server = make_server("127.0.0.1", 0, not_yet, threaded=True)
    address = f"http://127.0.0.1:{server.port}"
    config = dataclasses.replace(config_for(f"sqlite:///{tmp_path / 'lms.sqlite'}", tmp_path), site_url=address)
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
