"""How fast the record store is, beside a bare Flask route of the same durability in the same run.

    python -m benchmarks.store [sqlite] [postgresql] [--large 1000000]

Makes its own databases and servers on 127.0.0.1 and prints a table. PostgreSQL runs with fsync on.
"""

import argparse
import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import quote

import wsgi
from benchmarks import load
from lms.app import open_doors
from lms.cli import migrate
from lms.config import Config
from lms.db import Database
from lms.records.actions import create_client
from lms.xapi.access import Client
from lms.xapi.actions import speaking, store, store_alone
from lms.xapi.statement import Source, arrival
from tests.postgres import Cluster

CONNECTIONS = 8
AT_ONCE = 10_000  # statements a store that is being filled takes in one transaction
A_LITTLE = 8  # requests of each connection: the smallest store must not grow much by being measured
BUSY = 50  # people who state every fifth of the statements a store is filled with
SECRET = secrets.token_urlsafe(32)


@contextmanager
def serving(app: str, environ: dict[str, str], folder: Path) -> Iterator[int]:
    """gunicorn as `lms serve` starts it: two processes of four threads."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    command += ["--worker-class", "gthread", "--threads", "4", "--log-level", "warning", "--limit-request-line", "0"]
    command += ["--no-control-socket", app]
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

    def __init__(self, name: str, folder: Path, called: str) -> None:
        self.folder = folder
        self.environ = {
            "LMS_DATABASE_URL": address(name, folder, called),
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
        """Store so many statements, in few transactions that may be lost when the machine fails."""
        chance = Random(number)
        source = speaking(self.database.config.iri_base, self.client)
        at_ease(self.database)
        for start in range(0, number, AT_ONCE):
            made = [load.statement(chance) for _ in range(min(AT_ONCE, number - start))]
            for one in made[::5]:
                one["actor"] = load.agent(chance.randrange(BUSY))
            put_in(self.database, made, source)
        settle(self.database)


def put_in(database: Database, made: Sequence[Mapping[str, object]], source: Source) -> None:
    """Store statements as if they had been sent, but without asking whether they keep the rules: those of `load` do."""
    arrivals = [arrival(one, json.dumps(one, ensure_ascii=False).encode(), source) for one in made]
    if not store_alone(database, arrivals):  # what defines an activity anew needs a session
        with database.writing() as session:
            store(session, arrivals)


def at_ease(database: Database) -> None:
    """This process, which only fills, waits for no disk and has room: nothing of that reaches those who serve."""
    for engine in {database.write_engine, database.storing_engine}:
        connection = engine.raw_connection()
        with closing(connection.cursor()) as cursor:
            for setting in SETTINGS_TO_FILL[database.on_postgresql]:
                cursor.execute(setting)
        connection.commit()
        connection.close()


SETTINGS_TO_FILL = {
    True: ["SET synchronous_commit = off"],
    False: ["PRAGMA synchronous = OFF", "PRAGMA cache_size = -400000"],
}


def settle(database: Database) -> None:
    """What was written is where it is kept for good, and the database knows how much it is."""
    commands = ["VACUUM ANALYZE", "CHECKPOINT"] if database.on_postgresql else ["PRAGMA wal_checkpoint(TRUNCATE)"]
    connection = database.storing_engine.raw_connection()
    with closing(connection.cursor()) as cursor:
        for one in commands:
            cursor.execute(one)
    connection.close()
    database.dispose()  # and these connections, with their settings, are gone


def ingest(port: int, path: str, headers: dict[str, str], *, batch: int, number: int, seed: int) -> load.Outcome:
    """Statements over eight connections."""
    return load.run(
        port,
        lambda one: load.posts(path, headers, batch=batch, number=number, seed=seed * 100 + one),
        connections=CONNECTIONS,
    )


def reading(port: int, headers: dict[str, str], *, number: int, seed: int) -> load.Outcome:
    """GET by agent, verb and limit 50, of people of whom 100,000 statements hold more: every page is full."""

    def requests(one: int) -> list[bytes]:
        chance = Random(seed * 100 + one)
        paths = []
        for _ in range(number):
            agent = json.dumps(load.agent(chance.randrange(BUSY)))
            verb = f"http://adlnet.gov/expapi/verbs/{chance.choice(load.VERBS)}"
            paths.append(f"/xapi/statements?limit=50&verb={quote(verb)}&agent={quote(agent)}")
        return load.gets(paths, headers)

    return load.run(port, requests, connections=CONNECTIONS)


def beside_bare(store: Store, name: str, rounds: int) -> None:
    """The store and the bare route in turn, so that a drift of the machine meets both."""
    bare_url = address(name, store.folder, "bare")
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
        print(
            f"| {name} | POST, {batch} a request | {median(rates):,.0f}/s | {median(theirs[batch]):,.0f}/s "
            f"| {spread(ratios(rates, theirs[batch]))} |",
            flush=True,
        )


def growing(stores: Mapping[int, Store], name: str, rounds: int) -> None:
    """Stores that hold so many statements, in turn: reading, then writing a little."""
    p95: dict[int, list[float]] = {size: [] for size in stores}
    rates: dict[int, list[float]] = {size: [] for size in stores}
    with ExitStack() as stack:
        ports = {
            size: stack.enter_context(serving("wsgi:app", store.environ, store.folder))
            for size, store in stores.items()
        }
        for one in range(rounds + 1):
            for size, port in ports.items():
                headers, seed = stores[size].headers, size + one
                read = reading(port, headers, number=60, seed=seed)
                written = ingest(port, "/xapi/statements", headers, batch=50, number=A_LITTLE, seed=seed)
                if read.errors or written.errors:
                    print(f"errors: {read.errors} reading, {written.errors} writing")
                if one:  # the first round warms them up
                    p95[size].append(read.percentile(0.95) * 1000)
                    rates[size].append(CONNECTIONS * A_LITTLE * 50 / written.seconds)
    smallest, middle, _large = stores
    for size in stores:
        slower = ratios(p95[size], p95[middle])
        rate = ratios(rates[size], rates[smallest])
        print(
            f"| {name}, {size:,} stored | GET agent+verb+limit 50, p95 | {median(p95[size]):.1f} ms "
            f"| at {middle:,}: {median(p95[middle]):.1f} ms | {spread(slower)} |\n"
            f"| {name}, {size:,} stored | POST, 50 a request | {median(rates[size]):,.0f}/s "
            f"| at {smallest:,}: {median(rates[smallest]):,.0f}/s | {spread(rate)} |",
            flush=True,
        )


def ratios(these: Sequence[float], those: Sequence[float]) -> list[float]:
    """Of each round, in order of size."""
    return sorted(a / b for a, b in zip(these, those, strict=True))


def spread(found: Sequence[float]) -> str:
    """The middle one, the least and the greatest."""
    return f"{median(found):.0%} ({min(found):.0%}–{max(found):.0%})"


def main() -> None:
    """Parse, run, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("databases", nargs="*", default=["sqlite", "postgresql"])
    options.add_argument(
        "--large", type=int, default=1_000_000, help="how many statements the large store holds; 0: skip"
    )
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    print("| database | what | the store | beside | ratio: middle (least–most) |\n|---|---|---|---|---|", flush=True)
    for name in chosen.databases:
        with TemporaryDirectory(prefix="benchmark-") as folder:
            if chosen.rounds:
                beside_bare(Store(name, Path(folder), "lms"), name, chosen.rounds)
            if chosen.large:
                growing(grown(name, Path(folder), (10_000, 100_000, chosen.large)), name, chosen.rounds or 5)


def grown(name: str, folder: Path, sizes: Sequence[int]) -> dict[int, Store]:
    """A store of each size."""
    stores = {}
    for size in sizes:
        stores[size] = Store(name, folder, f"lms{size}")
        began = time.monotonic()
        stores[size].fill(size)
        print(f"{name}: {size:,} stored in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return stores


def address(name: str, folder: Path, called: str) -> str:
    """An empty database; both lie on the disk of /tmp."""
    if name == "sqlite":
        return f"sqlite:///{folder / called}.sqlite"
    return server().create_database(called)


@cache
def server() -> Cluster:
    """PostgreSQL with the durability of a real server: what it confirms is on a disk, not in memory."""
    return Cluster("/tmp", {**DURABLE, "shared_buffers": "256MB", "max_connections": "100", "autovacuum": "on"})  # noqa: S108 - a folder for its owner only is made in it


DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


if __name__ == "__main__":
    main()
