"""How fast the record store is, beside a bare Flask route of the same durability in the same run.

    python -m benchmarks.store [sqlite] [postgresql] [--large 1000000]

Makes its own databases and servers on 127.0.0.1 and prints a table. PostgreSQL runs with fsync on.
"""

import argparse
import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from urllib.parse import quote

import wsgi
from benchmarks import load
from lms.app import open_doors
from lms.cli import migrate
from lms.config import Config
from lms.db import Database
from lms.records.actions import create_client
from lms.xapi.access import Client
from lms.xapi.actions import receive, speaking
from tests.postgres import SETTINGS, cluster

CONNECTIONS = 8
SECRET = secrets.token_urlsafe(32)


@contextmanager
def serving(app: str, environ: dict[str, str], folder: Path) -> Iterator[int]:
    """gunicorn as `lms serve` starts it: two processes of four threads."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    command += ["--worker-class", "gthread", "--threads", "4", "--log-level", "warning", "--no-control-socket", app]
    with (folder / "gunicorn.log").open("ab") as log:
        server = subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log)
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int) -> None:
    """Until somebody listens."""
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            time.sleep(1)
            return


class Store:
    """A product with an empty database of its own, and a client that may do everything."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.environ = {
            "LMS_DATABASE_URL": url,
            "LMS_SECRET_KEY": SECRET,
            "LMS_SITE_URL": "http://127.0.0.1",
            "LMS_DATA_DIR": str(folder),
            "LMS_LOCAL": "1",
        }
        self.database = Database(Config.from_environment(self.environ), open_doors(wsgi.PACKAGES))
        migrate(self.database)
        with self.database.writing() as session:
            client, secret = create_client(session, name="Thử tải", scopes=["all"])
            self.client = Client(client.id, client.key, client.name, frozenset(client.scopes), None)
        token = base64.b64encode(f"{client.key}:{secret}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}", "X-Experience-API-Version": "1.0.3"}

    def fill(self, number: int) -> None:
        """Store so many statements, by the door all statements go through."""
        chance = Random(number)
        done = 0
        while done < number:
            batch = [load.statement(chance) for _ in range(min(2_000, number - done))]
            with self.database.writing() as session:
                raw = [(one, json.dumps(one, ensure_ascii=False).encode()) for one in batch]
                receive(session, raw, source=speaking(self.database.config.iri_base, self.client))
            done += len(batch)


def ingest(port: int, path: str, headers: dict[str, str], *, batch: int, number: int, seed: int) -> load.Outcome:
    """Statements over eight connections."""
    return load.run(
        port,
        lambda one: load.posts(path, headers, batch=batch, number=number, seed=seed * 100 + one),
        connections=CONNECTIONS,
    )


def reading(port: int, headers: dict[str, str], *, number: int, seed: int) -> load.Outcome:
    """GET by agent, verb and limit 50."""

    def requests(one: int) -> list[bytes]:
        chance = Random(seed * 100 + one)
        paths = []
        for _ in range(number):
            name = f"hv-{chance.randrange(load.PEOPLE)}"
            agent = json.dumps({"account": {"homePage": "https://hoc.example.vn", "name": name}})
            verb = f"http://adlnet.gov/expapi/verbs/{chance.choice(load.VERBS)}"
            paths.append(f"/xapi/statements?limit=50&verb={quote(verb)}&agent={quote(agent)}")
        return load.gets(paths, headers)

    return load.run(port, requests, connections=CONNECTIONS)


def beside_bare(store: Store, name: str, rounds: int) -> None:
    """The store and the bare route in turn, so that a drift of the machine meets both."""
    bare_url = store.url.replace("lms", "bare")
    ours: dict[int, list[float]] = {}
    theirs: dict[int, list[float]] = {}
    with (
        serving("wsgi:app", store.environ, store.folder) as our_port,
        serving("benchmarks.bare:app", {"BARE_DATABASE_URL": bare_url}, store.folder) as bare_port,
    ):
        for batch, number in ((1, 250), (50, 24)):
            for one in range(rounds + 1):
                bare = ingest(bare_port, "/bare", {}, batch=batch, number=number, seed=batch * 10 + one)
                own = ingest(
                    our_port, "/xapi/statements", store.headers, batch=batch, number=number, seed=batch * 10 + one
                )
                if one:  # the first round warms both up
                    theirs.setdefault(batch, []).append(CONNECTIONS * number * batch / bare.seconds)
                    ours.setdefault(batch, []).append(CONNECTIONS * number * batch / own.seconds)
                if own.errors or bare.errors:
                    print(f"errors: {own.errors} ours, {bare.errors} bare")
    for batch, rates in ours.items():
        ratios = sorted(a / b for a, b in zip(rates, theirs[batch], strict=True))
        middle = sorted(rates)[len(rates) // 2]
        bare_middle = sorted(theirs[batch])[len(rates) // 2]
        print(
            f"| {name} | POST, {batch} a request | {middle:,.0f}/s | {bare_middle:,.0f}/s "
            f"| {ratios[len(ratios) // 2]:.0%} ({ratios[0]:.0%}–{ratios[-1]:.0%}) |",
            flush=True,
        )


def growing(store: Store, name: str, large: int) -> None:
    """Reading at 100,000 and at `large` statements, writing at 10,000 and at `large`."""
    have = 0
    for wanted in (10_000, 100_000, large):
        store.fill(wanted - have)
        have = wanted
        with serving("wsgi:app", store.environ, store.folder) as port:
            reading(port, store.headers, number=20, seed=1)
            read = reading(port, store.headers, number=200, seed=wanted)
            ingest(port, "/xapi/statements", store.headers, batch=50, number=4, seed=wanted + 1)
            written = ingest(port, "/xapi/statements", store.headers, batch=50, number=24, seed=wanted + 2)
        print(
            f"| {name} | at {wanted:,} stored | GET agent+verb+limit 50: {len(read.times) / read.seconds:,.0f}/s, "
            f"p95 {read.percentile(0.95) * 1000:.1f} ms | POST of 50: {CONNECTIONS * 24 * 50 / written.seconds:,.0f}/s "
            f"| errors {read.errors + written.errors} |",
            flush=True,
        )


def main() -> None:
    """Parse, run, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("databases", nargs="*", default=["sqlite", "postgresql"])
    options.add_argument(
        "--large", type=int, default=1_000_000, help="how many statements the large store holds; 0: skip"
    )
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    print("| database | what | the store | bare route | ratio |\n|---|---|---|---|---|", flush=True)
    for name in chosen.databases:
        folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
        try:
            store = Store(address(name, folder), folder)
            beside_bare(store, name, chosen.rounds)
            if chosen.large:
                growing(store, name, chosen.large)
            store.database.dispose()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def address(name: str, folder: Path) -> str:
    """An empty database; PostgreSQL with the durability of a real server."""
    if name == "sqlite":
        return f"sqlite:///{folder / 'lms.sqlite'}"
    SETTINGS.update({"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"})
    SETTINGS["shared_buffers"] = "256MB"
    cluster().create_database("bare")
    return cluster().create_database("lms")


if __name__ == "__main__":
    main()
