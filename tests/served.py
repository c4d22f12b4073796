"""An application that answers on a port of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import BaseWSGIServer, make_server

SOON = 0.02
"""Seconds until a server sees that it is to end. Half a second, as it is otherwise, is longer than many a test."""


@contextmanager
def running(server: BaseWSGIServer) -> Iterator[None]:
    """The server answers in threads of its own until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": SOON}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def served(app: object) -> Iterator[int]:
    """The port at which the WSGI application answers while the block runs."""
    server = make_server("127.0.0.1", 0, app, threaded=True)  # type: ignore[arg-type]
    with running(server):
        yield server.port
