"""`lms api`: the page of documentation, made from the OpenAPI document."""

import click

from analytics.api.render import as_page, document


@click.command()
def api() -> None:
    """Print the documentation of the read API: lms api > docs/read-api.md."""
    click.echo(as_page(document("https://hoc.example.gov.vn")), nl=False)
