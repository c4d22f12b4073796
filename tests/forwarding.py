"""A product that forwards its statements, with a worker that one lets run as far as it gets."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

import wsgi
from lms import clock
from lms.app import create_app
from lms.forwarding.actions import Wish, add_target
from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.outbox.cli import Worker
from tests.conftest import config_for
from tests.make import Make
from tests.store import Outsider, statement

SECRET = "a-secret-of-the-other-store"


class Sender:
    """A product whose settings allow it to forward to these ports of this machine."""

    def __init__(self, url: str, folder: Path, *ports: int) -> None:
        allowed = frozenset(f"127.0.0.1:{port}" for port in ports)
        self.app = create_app(replace(config_for(url, folder), forward_to=allowed), wsgi.PACKAGES)
        self.app.testing = True
        self.make = Make(self.app)
        self.outsider = Outsider(self.make, "all")
        self.worker = Worker(self.make.database)
        self._later = timedelta()
        self.run()  # the work of the night

    def target(self, port: int, *, key: str = "key", secret: str = SECRET, edition: str = "1.0.3", **wish: Any) -> int:
        """Forward to that port."""
        with self.make.writing() as session:
            return add_target(
                session,
                name="Kho của tỉnh",
                address=f"http://127.0.0.1:{port}/xapi",
                edition=edition,
                key=key,
                secret=secret,
                wish=Wish(**wish),
            ).id

    def post(self, number: int = 1, **changes: Any) -> list[str]:
        """Let so many statements come in one after another; returns their ids."""
        batch = [statement(id=str(uuid.uuid4()), **changes) for _ in range(number)]
        answer = self.outsider.post(batch)
        assert answer.status_code == 200, answer.text
        return [str(one["id"]) for one in batch]

    def run(self, after: timedelta = timedelta()) -> None:
        """Let so much time pass, then let the worker do what is due, until nothing is."""
        self._later += after
        with clock.moved_to(clock.now() + self._later):
            for _ in range(500):
                if not self.worker.step():
                    return
        raise AssertionError("the worker finds no end")

    def row(self) -> ForwardTarget:
        """The one target as it stands."""
        with self.make.reading() as session:
            return session.scalars(select(ForwardTarget)).one()

    def letters(self) -> list[DeadLetter]:
        """What was refused."""
        with self.make.reading() as session:
            return list(session.scalars(select(DeadLetter).order_by(DeadLetter.sequence)))


@contextmanager
def sending(url: str, folder: Path, *ports: int) -> Iterator[Sender]:
    """A sender, until the block ends."""
    sender = Sender(url, folder, *ports)
    try:
        yield sender
    finally:
        sender.make.database.dispose()
