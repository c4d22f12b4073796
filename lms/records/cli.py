"""`lms xapi client`: who else may speak to the record store."""

from collections.abc import Callable

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import Database
from lms.records.actions import create_client, grant_client, revoke_client, rotate_secret
from lms.xapi.access import SCOPES, clients
from lms.xapi.models import XapiClient
from lms.xapi.rules import Malformed

Opener = Callable[[], Database]


@click.group()
def xapi() -> None:
    """The record store."""


@xapi.group()
def client() -> None:
    """Other systems that write to the record store, or read it."""


@client.command()
@click.option("--name", required=True, help="What people call the system: 'Cổng dịch vụ công'.")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="May be repeated.")
@click.option("--counts-prefix", metavar="IRI", help="What it states of activities below this IRI counts as progress.")
@click.pass_obj
def create(open_database: Opener, name: str, scopes: tuple[str, ...], counts_prefix: str | None) -> None:
    """Add a client and print its key and secret. The secret is shown here only.

    \b
      lms xapi client create --name "Cổng dịch vụ công" --scope statements/write --scope statements/read/mine
    """
    if not name.strip():
        raise click.UsageError("--name must not be empty.")
    try:
        with open_database().writing() as session:
            added, secret = create_client(session, name=name.strip(), scopes=scopes, counts_prefix=counts_prefix)
    except Malformed as reason:
        raise click.UsageError(f"--counts-prefix: {reason.rule}.") from reason
    tell_credentials(added, secret)


@client.command(name="list")
@click.pass_obj
def list_clients(open_database: Opener) -> None:
    """All clients: key, state, day of last use, scopes, name."""
    with open_database().reading() as session:
        for one in session.scalars(clients()):
            state = "revoked" if one.revoked_at else "active"
            counts = f"  counts below {one.activity_prefix}" if one.activity_prefix else ""
            used = one.last_used_on.isoformat() if one.last_used_on else "never used"
            click.echo(f"{one.key}  {state:7}  {used:10}  {','.join(one.scopes)}  {one.name}{counts}")


@client.command()
@click.argument("key")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="Instead of the present ones.")
@click.option("--counts-prefix", metavar="IRI", help="What it states of activities below this IRI counts as progress.")
@click.option("--counts-nothing", is_flag=True, help="Nothing it states from now on counts.")
@click.pass_obj
def grant(
    open_database: Opener, key: str, scopes: tuple[str, ...], counts_prefix: str | None, counts_nothing: bool
) -> None:
    """Let a client do other things, within a second; what is not named stays. What it stated stays as it arrived.

    \b
      lms xapi client grant KEY --scope statements/write --counts-prefix https://example.vn/khoa-hoc/1
    """
    if counts_nothing and counts_prefix is not None:
        raise click.UsageError("--counts-prefix and --counts-nothing exclude each other.")
    try:
        with open_database().writing() as session:
            found = client_of(session, key)
            prefix = None if counts_nothing else counts_prefix or found.activity_prefix
            changed = grant_client(session, found, scopes=scopes or found.scopes, counts_prefix=prefix)
    except Malformed as reason:
        raise click.UsageError(f"--counts-prefix: {reason.rule}.") from reason
    counts = f", counts below {found.activity_prefix}" if found.activity_prefix else ", counts nothing"
    click.echo(f"{key}: {','.join(found.scopes)}{counts}" + ("" if changed else " (as before)"))


@client.command()
@click.argument("key")
@click.pass_obj
def rotate(open_database: Opener, key: str) -> None:
    """Give a client a new secret and print it. It opens at once; within a second the old one opens nothing."""
    with open_database().writing() as session:
        found = client_of(session, key)
        secret = rotate_secret(session, found)
    tell_credentials(found, secret)


@client.command()
@click.argument("key")
@click.pass_obj
def revoke(open_database: Opener, key: str) -> None:
    """Let a client speak no more, within a second. What it stated stays."""
    with open_database().writing() as session:
        revoke_client(session, client_of(session, key))
    click.echo(f"{key} has been revoked.")


def client_of(session: Session, key: str) -> XapiClient:
    """The active client with that key. Raises the error that click shows."""
    found = session.scalar(select(XapiClient).where(XapiClient.key == key, XapiClient.revoked_at.is_(None)))
    if found is None:
        raise click.ClickException(f"There is no active client with the key {key}; see `lms xapi client list`.")
    return found


def tell_credentials(client: XapiClient, secret: str) -> None:
    """Key and secret, this once."""
    click.echo(f"key     {client.key}")
    click.echo(f"secret  {secret}")
