"""`lms permissions`: the table of permissions as a document."""

import click

from lms.roles import render


@click.command()
def permissions() -> None:
    """Print the table of roles and permissions as Markdown."""
    click.echo(render.document(), nl=False)
