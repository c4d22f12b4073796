"""`lms serve`: the web server and the worker as child processes, started together, stopped together.

A worker that dies is started again, after a pause that grows; when the server dies, everything stops with its status,
for whoever supervises this process to see.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from types import FrameType
from urllib.parse import urlsplit

import click
from sqlalchemy.exc import DBAPIError

from lms.accounts.demo import sign_ins
from lms.config import Config
from lms.db import Database
from lms.doors import Doors

THREADS = 4
GRACE_SECONDS = 30
LONGEST_PAUSE = 60.0
TICK_SECONDS = 0.2
CLEAN = {0, -signal.SIGTERM}
"""How a child ends that was told to: also when the word came before it could listen."""

WORKER = [sys.executable, "-c", "import wsgi; wsgi.main()", "worker"]


def server(address: str, workers: int) -> list[str]:
    """The command that starts gunicorn: processes with threads, no log of who read what, no control socket."""
    options = {
        "bind": address,
        "workers": workers,
        "worker-class": "gthread",
        "threads": THREADS,
        "graceful-timeout": GRACE_SECONDS,
        "log-level": "warning",
        # A filter of statements names IRIs of 2,000 bytes, which an address spells in up to 6,000 characters each; the
        # most gunicorn can be told to allow is 8,190. The proxy in front has a bound.
        "limit-request-line": 0,
    }
    settings = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return [sys.executable, "-m", "gunicorn", *settings, "--no-control-socket", "wsgi:app"]


class Stop:
    """Whether SIGTERM or SIGINT has come."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self)

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


class Child:
    """A child process that can be started again. It is told to stop by us alone, not by Ctrl-C in the terminal."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._command, self._environ = command, environ
        self._pause, self._again_at = 1.0, 0.0
        self.start()

    def start(self) -> None:
        self._began = time.monotonic()
        self._process = subprocess.Popen(self._command, env=self._environ, start_new_session=True)  # noqa: S603 - our own

    @property
    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def keep_alive(self) -> None:
        """Start it again when it has ended: after a second, then after twice as long each time it dies young."""
        if self.status is None:
            return
        now = time.monotonic()
        if not self._again_at:
            if now - self._began > LONGEST_PAUSE:
                self._pause = 1.0
            click.echo(
                f"The worker ended with status {self.status}; starting it again in {self._pause:.0f} s.", err=True
            )
            self._again_at, self._pause = now + self._pause, min(2 * self._pause, LONGEST_PAUSE)
        elif now >= self._again_at:
            self._again_at = 0.0
            self.start()

    def ask_to_end(self) -> None:
        """Tell it to finish what it has in hand."""
        if self.status is None:
            self._process.terminate()

    def end(self) -> int:
        """Its exit status; when it takes too long, it is ended by force."""
        try:
            return self._process.wait(GRACE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def run(address: str, workers: int) -> int:
    """Serve on `address` (host:port or unix:/path) until SIGTERM or SIGINT; returns the exit status of the whole."""
    environ = dict(os.environ)
    port = address.rpartition(":")[2]
    if port.isdecimal():
        environ["PORT"] = port  # the address people type, in a trial on one's own machine
    config = Config.from_environment(environ)
    try:
        lines = list(demo_sign_ins(config))
    except DBAPIError as error:
        click.echo(f"The database cannot be read ({type(error.orig).__name__}). Has `lms init` been run?", err=True)
        return 1
    if port.isdecimal() and taken(address):
        click.echo(f"{address} is in use by another program. Choose another port with --port.", err=True)
        return 1
    stop = Stop()
    web, worker = Child(server(address, workers), environ), Child(WORKER, environ)
    announced = not port.isdecimal()
    while not stop.asked and web.status is None:
        worker.keep_alive()
        if not announced and answers(address, config):
            announced = True
            for line in (f"Quán triệt is ready: {config.site_url}", *lines, "Stop with Ctrl-C."):
                click.echo(line)
        time.sleep(TICK_SECONDS)
    for child in (web, worker):
        child.ask_to_end()
    ended = (web.end(), worker.end())
    return 0 if stop.asked and CLEAN.issuperset(ended) else next((abs(status) for status in ended if status), 1)


def taken(address: str) -> bool:
    """Whether somebody listens there already."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def demo_sign_ins(config: Config) -> Iterator[str]:
    """What to sign in with, when the demo has been loaded. Fails when the database has no tables."""
    database = Database(config, Doors())
    with database.reading() as session:
        yield from sign_ins(session)
    database.dispose()


def answers(address: str, config: Config) -> bool:
    """Whether the server answers and reaches its database."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]") or "127.0.0.1", int(port), timeout=2)
    try:
        connection.request("GET", "/healthz", headers={"Host": urlsplit(config.site_url).netloc})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
