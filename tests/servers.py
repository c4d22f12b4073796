"""Servers on this machine that another store may turn out to be: a second product, or one that misbehaves."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler, make_server

from lms.xapi.parts import taken_apart


class Quiet(WSGIRequestHandler):
    """Says nothing on the terminal."""

    def log(self, *_args: Any) -> None:
        """Nothing."""


@contextmanager
def serving(build: Callable[[int], Flask]) -> Iterator[int]:
    """A product that knows its own port, served until the block ends."""
    server = make_server("127.0.0.1", 0, lambda _environ, _start: [], threaded=True, request_handler=Quiet)
    server.app = build(server.port)
    assert isinstance(server, ThreadedWSGIServer)
    server.daemon_threads = False  # closing waits for what is still being answered, and for its connection
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})  # how soon it sees its end
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Request:
    """What a server was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The statements in it, whether it has parts or not."""
        kind = self.headers["Content-Type"]
        text = taken_apart(self.body, kind)[0] if kind.startswith("multipart/mixed") else self.body
        return list(json.loads(text))


Behaviour = Callable[[BaseHTTPRequestHandler, Request], None]


@dataclass
class Hostile:
    """A server that answers each request by the next behaviour, the last one for ever; it remembers all requests."""

    port: int
    behaviours: list[Behaviour]
    requests: list[Request] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The ids of all statements that were sent here, in order."""
        return [str(one["id"]) for request in self.requests if request.body for one in request.statements]


@contextmanager
def hostile(*behaviours: Behaviour) -> Iterator[Hostile]:
    """A server that behaves like this, until the block ends."""
    found = Hostile(0, list(behaviours))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            """Note the request and behave."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, dict(self.headers), body)
            found.requests.append(request)
            behave = found.behaviours.pop(0) if len(found.behaviours) > 1 else found.behaviours[0]
            self.close_connection = True
            with suppress(OSError):
                behave(self, request)

        do_GET = do_POST = do_PUT = handle_any

        def log_message(self, *_args: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answers(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer so."""

    def behave(handler: BaseHTTPRequestHandler, _request: Request) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def hangs_up(handler: BaseHTTPRequestHandler, _request: Request) -> None:
    """Say nothing and close."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def never_ends(handler: BaseHTTPRequestHandler, _request: Request) -> None:
    """Answer 200 with a body without end."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 65_536)


def drips(handler: BaseHTTPRequestHandler, _request: Request) -> None:
    """Send one byte now and then, for as long as somebody listens."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    handler.connection.settimeout(0.05)
    while True:
        handler.wfile.write(b"X")
        with suppress(TimeoutError):
            if handler.connection.recv(1) == b"":
                return


def takes(handler: BaseHTTPRequestHandler, request: Request) -> None:
    """Store what comes, as a record store would say it."""
    ids = [one["id"] for one in request.statements]
    answers(200, json.dumps(ids).encode())(handler, request)


def refuses(statement_id: str, status: int, body: bytes = b'{"error": "no"}') -> Behaviour:
    """Take every batch but those with this statement."""

    def behave(handler: BaseHTTPRequestHandler, request: Request) -> None:
        if statement_id.encode() in request.body:
            answers(status, body)(handler, request)
        else:
            takes(handler, request)

    return behave
