"""Clients in Node that nobody here wrote: each runs in a process of its own and does one call after the other.

A process serves all tests of its client, one store after the other: starting Node takes longer than most of them.
"""

import atexit
import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.groups import node
from tests.servers import serving
from tests.store import Outsider

SCRIPTS = Path(__file__).parent / "node"
PATIENCE = 60
"""Seconds after which a client that does not answer is ended, so that the test fails instead of waiting for ever."""


def in_base64(data: bytes) -> str:
    """How bytes travel to a client."""
    return base64.b64encode(data).decode()


class Foreign:
    """A client that speaks to the store."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self, said: object) -> dict[str, Any]:
        """Say one line and hear one: `status`, `headers` and `data`, as far as the client tells them, or `error`."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        timer = threading.Timer(PATIENCE, self._process.kill)
        timer.start()
        heard = self._process.stdout.readline()
        timer.cancel()
        assert heard, f"no outcome of {said}"
        found: dict[str, Any] = json.loads(heard)
        return found

    def call(self, name: str, given: object) -> dict[str, Any]:
        """What came of a call, whatever it is."""
        return self.tell({"call": name, "with": given})

    def done(self, name: str, given: object) -> Any:
        """The data a call that must succeed answers with."""
        outcome = self.call(name, given)
        assert "error" not in outcome, outcome
        assert outcome.get("status", 200) in (200, 204), outcome
        return outcome.get("data")


_running: dict[str, subprocess.Popen[str]] = {}


def started(script: str) -> subprocess.Popen[str]:
    """The process of this client; another one if it was ended."""
    found = _running.get(script)
    if found is None or found.poll() is not None:
        program = node()
        assert program
        found = _running[script] = subprocess.Popen(
            [program, SCRIPTS / script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        atexit.register(end, found)
    return found


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@contextmanager
def foreign(outsider: Outsider, script: str, **settings: str) -> Iterator[Foreign]:
    """The script's client, with the outsider's key, before the product on a port of its own."""
    with serving(lambda _port: outsider.make.app) as port:
        client = Foreign(started(script))
        endpoint = f"http://127.0.0.1:{port}/xapi/"
        opened = {"endpoint": endpoint, "key": outsider.key, "secret": outsider.secret, "version": outsider.edition}
        assert client.tell(opened | settings) == {}
        yield client
