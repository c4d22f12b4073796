"""The command `lms audit`: entries as lines of JSON, for whatever keeps them elsewhere and has missed some."""

from collections.abc import Callable

import click

from lms.audit import queries
from lms.audit.rules import as_line
from lms.db import Database


@click.command()
@click.option("--after", default=0, show_default=True, help="Only entries with a greater number.")
@click.pass_obj
def audit(open_database: Callable[[], Database], after: int) -> None:
    """Write entries of the audit log to standard output, one line of JSON each, the oldest first."""
    with open_database().reading() as session:
        for one in session.scalars(queries.after(after).execution_options(yield_per=queries.PIECE)):
            columns = ("id", "at", "actor", "action", "object_kind", "object_id", "address", "details")
            click.echo(as_line({name: getattr(one, name) for name in columns}))
