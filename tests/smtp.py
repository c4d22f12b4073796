"""A mail server on this machine, as far as the product speaks to one."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

from tests.make import Make


class SmtpServer(socketserver.ThreadingTCPServer):
    """Takes every mail, or refuses every recipient."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), SmtpTalk)
        self.refuses = refuses
        self.mails: list[EmailMessage] = []
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"


class SmtpTalk(socketserver.StreamRequestHandler):
    """The server's side of one conversation."""

    def handle(self) -> None:
        assert isinstance(self.server, SmtpServer)
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"RCPT" and self.server.refuses:
                self.wfile.write(b"550 5.1.1 <hoa@example.vn> does not live here\r\n")
            elif word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (one := self.rfile.readline()) != b".\r\n":
                    lines.append(one)
                self.server.mails.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
                self.wfile.write(b"250 taken\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@contextmanager
def mail_server() -> Iterator[SmtpServer]:
    """One that runs until the block ends."""
    with SmtpServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def sends_by(make: Make, server: SmtpServer, **settings: Any) -> None:
    """From now on the product hands its mail to this server."""
    config = replace(make.database.config, smtp_url=server.url, **settings)
    for sessions in (make.database.write_sessions, make.database.read_sessions):
        sessions.kw["info"] = {**sessions.kw["info"], "config": config}
