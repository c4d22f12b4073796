"""The worker: does the jobs of the outbox one after another, each in a transaction of its own, until told to stop."""

import logging
import signal
import threading
import traceback
from collections.abc import Callable

import click
from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError

from lms import clock
from lms.db import Database
from lms.outbox.actions import JobFailed, LeaseLost, Taken, due, finish, night_of, postpone, queue_nightly, take
from lms.outbox.rules import MOST_ATTEMPTS

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
DATABASE_AWAY_SECONDS = 5.0


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, then stop.")
@click.pass_obj
def worker(open_database: Callable[[], Database], once: bool) -> None:
    """Send mail and do the jobs that pages leave behind; at 00:05 in Vietnam, the nightly work.

    Any number of workers may run, on one host or on several: each job is done by one. Mail goes to the server named by
    LMS_SMTP_URL; without one, each mail is written as an .eml file to the folder `mail` under LMS_DATA_DIR. A job that
    fails is tried again, later each time, and given up after ten attempts; its row says why. Stop with SIGTERM or
    Ctrl-C: the job in hand is finished first.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    one = Worker(open_database())
    log.info("worker ready")
    if once:
        while one.step():
            pass
    else:
        one.run(stop)
    log.info("worker stopped")


class Worker:
    """Does what is due. Several may run side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._night = ""

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; outlives a database that goes away and comes back."""
        while not stop.is_set():
            try:
                if not self.step():
                    stop.wait(IDLE_SECONDS)
            except DBAPIError as error:
                log.error("database does not answer: %s", type(error.orig).__name__)  # its text may name people
                stop.wait(DATABASE_AWAY_SECONDS)

    def step(self) -> bool:
        """Do the one job that has waited longest; False when nothing is due."""
        self._look_for_the_night()
        with self._database.reading() as session:
            if not session.scalar(select(exists().where(due(clock.now())))):
                return False  # looking costs no write lock
        with self._database.writing() as session:
            taken = take(session)
        if taken is None:
            return False
        try:
            self._do(taken)
        except Exception as error:  # whatever goes wrong belongs to the job and is kept with it
            self._failed(taken, error)
        return True

    def _look_for_the_night(self) -> None:
        now = clock.now()
        if self._night != night_of(now):
            with self._database.writing() as session:
                queue_nightly(session, now)
            self._night = night_of(now)

    def _do(self, taken: Taken) -> None:
        """The handler's work and the mark that it is done are one transaction."""
        handler = self._database.doors.jobs.get(taken.kind)
        if handler is None:
            raise JobFailed(f"nothing here knows how to do {taken.kind!r}")
        with self._database.writing() as session:
            again = handler(session, taken.payload)
            finish(session, taken, again=again)

    def _failed(self, taken: Taken, error: Exception) -> None:
        reason = described(error)
        given_up = taken.attempt >= MOST_ATTEMPTS
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error(
            "job %d (%s) failed%s: %s\n%s", taken.job_id, taken.kind, " for good" if given_up else "", reason, where
        )
        if not isinstance(error, LeaseLost):
            with self._database.writing() as session:
                postpone(session, taken, reason)


def described(error: Exception) -> str:
    """What went wrong, for the row and the log: our own errors in full, of others only the class.

    The text of a library's error may carry what it was given, and with it names and addresses.
    """
    name = type(error).__name__
    if isinstance(error, JobFailed):
        return f"{name}: {error}"
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return name + "".join(f" in {frame.name}, line {frame.lineno}" for frame in last)
