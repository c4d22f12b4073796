"""Things done at the same moment."""

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from tests.make import Make

PATIENCE_SECONDS = 20
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run them in threads that start together; what one raises is its result."""
    barrier = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = works[number]()
        except Exception as error:  # the test looks at it
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return results


def until_somebody_waits(make: Make) -> None:
    """Return when a transaction waits for a lock of another. SQLite has one writer: there it is so at once."""
    if make.database.url.get_backend_name() == "sqlite":
        return
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with make.reading() as session:
            if session.scalar(WAITING):
                return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits for a lock")
