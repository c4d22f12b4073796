"""The console command `lms`: making the database, starting the product, checking it."""

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy.orm import Session

from lms import clock, supervision
from lms.app import Package, open_doors
from lms.config import Config, Misconfigured
from lms.db import Database, forget_own, lock_roll
from lms.doors import Projection, Row, differences
from lms.outbox.actions import settle_day, settled_day

Opener = Callable[[], Database]
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def build(packages: Iterable[Package], environ: Mapping[str, str] = os.environ) -> click.Group:
    """The command group of a product made of these packages."""
    doors = open_doors(packages)

    def open_database() -> Database:
        try:
            database = Database(Config.from_environment(environ), doors)
        except Misconfigured as reason:
            raise click.ClickException(str(reason)) from reason
        click.get_current_context().call_on_close(database.dispose)
        return database

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.pass_context
    def lms(context: click.Context) -> None:
        """Quán triệt: courses, learning records and reports for a province.

        Settings come from the environment: LMS_DATABASE_URL, LMS_SECRET_KEY, LMS_SITE_URL and LMS_DATA_DIR, all needed
        in production; LMS_LOCAL=1 tries the product on this machine with SQLite under instance/.
        """
        context.obj = open_database

    for one in (init, demo, serve, verify, *doors.commands):
        lms.add_command(one)
    return lms


@click.command()
@click.pass_obj
def init(open_database: Opener) -> None:
    """Create or upgrade the database and load the built-in courses. Safe to repeat."""
    database = open_database()
    migrate(database)
    for step in database.doors.first_steps:
        with database.writing() as session:
            for line in step(session):
                click.echo(line)
    with database.writing() as session:
        settle_day(session)  # a migration may have set the day back: nobody shall find figures of yesterday


@click.command()
@click.option("--people", default=600, show_default=True, help="How many fictional people.")
@click.option("--yes", is_flag=True, help="Also where LMS_LOCAL is not set: everybody knows the password of the demo.")
@click.pass_obj
def demo(open_database: Opener, people: int, yes: bool) -> None:
    """Load the sample organisation and fictional people with a history of study. Does nothing when they are there.

    Among them is an administrator whose password is published, so outside a trial on one's own machine (LMS_LOCAL=1)
    this asks for --yes.
    """
    database = open_database()
    if not (database.config.local or yes):
        raise click.UsageError(
            "This is not a local trial (LMS_LOCAL is not set). The demo adds an administrator with a published "
            "password, and its people cannot be taken out again. If that is meant, repeat with --yes."
        )
    for step in database.doors.demo_steps:
        with database.writing() as session:
            for line in step(session, people):
                session.commit()  # a step may say how far it has come: what it has done so far is kept
                forget_own(session)
                click.echo(line)


@click.command()
@click.option("--port", default=None, type=int, help="Port on 127.0.0.1; PORT in the environment, else 8000.")
@click.option("--workers", default=2, show_default=True, help="Server processes.")
@click.option("--bind", default=None, help="Address to listen on, instead of 127.0.0.1:PORT.")
@click.pass_obj
def serve(open_database: Opener, port: int | None, workers: int, bind: str | None) -> None:
    """Start the web server (gunicorn) and the worker; stop both with Ctrl-C."""
    open_database().dispose()  # says now, in one line, what is missing

    address = bind or f"127.0.0.1:{port or os.environ.get('PORT') or 8000}"
    sys.exit(supervision.run(address, workers=workers))


@click.command()
@click.option("--repair", is_flag=True, help="Write what is expected where it differs.")
@click.pass_obj
def verify(open_database: Opener, repair: bool) -> None:
    """Compute every projection anew from statements, roll and policy, and compare. Exit status 1 on a difference."""
    database = open_database()
    with database.reading() as session:
        settled = settled_day(session)
    if settled is not None and settled < clock.today():
        click.echo(f"The roll is that of {settled}: nobody has opened a page since, and no worker has run.")
    found = check_projections(database, repair=repair)
    total = sum(len(lines) for lines in found.values())
    for name, lines in found.items():
        click.echo(f"{name}: {len(lines)} differences")
        for line in lines[:20]:
            click.echo(f"  {line}")
    click.echo(f"{total} differences" + (" (repaired)" if repair and total else ""))
    if total and not repair:
        raise SystemExit(1)


def check_projections(database: Database, *, repair: bool = False, now: datetime | None = None) -> dict[str, list[str]]:
    """The differences of each projection, by name, from lower to upper; without `now`, as of the day that is settled.

    Each is computed from the expected rows of those below it: nothing that is compared serves to compute.
    """
    opened = database.writing if repair else database.reading
    with collecting_nothing(), opened() as session:
        one_moment(session, repair=repair)
        return compared(session, database.doors.projections, repair=repair, now=now or settled_moment(session))


def compared(
    session: Session, projections: Iterable[Projection], *, repair: bool, now: datetime
) -> dict[str, list[str]]:
    """The same in this session. All rows are given up on return, before anybody looks for garbage among them."""
    found: dict[str, list[str]] = {}
    below: dict[str, Mapping[Any, Row]] = {}
    for projection in projections:
        expected = below[projection.name] = projection.expected(session, now=now, below=below)
        actual = projection.actual(session)
        found[projection.name] = sorted(differences(expected, actual))
        if repair and found[projection.name]:
            projection.repair(session, expected, actual)
            session.expire_all()
    return found


@contextmanager
def collecting_nothing() -> Iterator[None]:
    """Look for no garbage in the block: among millions of values that are all held it takes long and finds none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def settled_moment(session: Session) -> datetime:
    """Now; or the end of the day up to which the tables are settled, when that is another (`settle_day`)."""
    settled = settled_day(session)
    return clock.now() if settled in (None, clock.today()) else clock.end_of_day(settled)


def one_moment(session: Session, *, repair: bool) -> None:
    """Let all that is compared be of one moment, also while people study; a repair keeps them waiting."""
    if repair:
        lock_roll(session)
    elif session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the schema to a revision: the only way to a schema."""
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(MIGRATIONS))
    with database.write_engine.connect() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
        connection.commit()
