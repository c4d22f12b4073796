"""`lms xapi forward`: the stores to which statements are sent on."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import TextIO, TypeVar

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import Database
from lms.forwarding import actions, queries
from lms.forwarding.access import D
from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.forwarding.rules import HEADER_OF, REMOVED, USUAL_EDITION, BadAddress
from lms.xapi.models import XapiClient
from lms.xapi.rules import Malformed

Opener = Callable[[], Database]
Done = TypeVar("Done")
Act = Callable[[Session, D], object]
FAULTS = {
    "form": "it must look like https://lrs.example.gov.vn/xapi",
    "open_line": "it must begin with https://; key and secret travel with every request",
    "ourselves": "it is that of this system itself",
}
secret_option = click.option(
    "--secret-file", type=click.File(), help="A file with its secret, - for standard input. Else it is asked."
)


@click.group()
def forward() -> None:
    """Other record stores to which statements are sent on."""


@forward.command()
@click.option("--name", required=True, help="What people call the store: 'Kho dữ liệu của tỉnh'.")
@click.option("--address", required=True, help="Where its resources lie: https://lrs.example.gov.vn/xapi")
@click.option("--edition", default=USUAL_EDITION, show_default=True, type=click.Choice(tuple(HEADER_OF)))
@click.option("--key", required=True, help="The key the store has given us.")
@secret_option
@click.option("--counted-only", is_flag=True, help="Only statements that count towards completion.")
@click.option("--prefix", metavar="IRI", help="Only about the activity of this IRI and those below it.")
@click.option("--from-beginning", is_flag=True, help="Also everything that is stored already.")
@click.option("--not-from", metavar="KEY", help="Not what this client of ours brought, being the same store.")
@click.pass_obj
def add(
    open_database: Opener,
    name: str,
    address: str,
    edition: str,
    key: str,
    secret_file: TextIO | None,
    counted_only: bool,
    prefix: str | None,
    from_beginning: bool,
    not_from: str | None,
) -> None:
    """Send statements on to another store, from now on or from the beginning. The worker does it.

    \b
      lms xapi forward add --name "Kho của tỉnh" --address https://lrs.example.gov.vn/xapi --key KEY
    """
    secret = secret_of(secret_file)
    try:
        with open_database().writing() as session:
            wish = actions.Wish(counted_only, prefix, from_beginning, client_id(session, not_from))
            target = actions.add_target(
                session, name=name, address=address, edition=edition, key=key, secret=secret, wish=wish
            )
    except BadAddress as reason:
        raise click.UsageError(f"--address: {FAULTS[reason.fault]}.") from reason
    except Malformed as reason:
        raise click.UsageError(f"--prefix: {reason.rule}.") from reason
    click.echo(f"{target.public_id}  {name}")


@forward.command(name="list")
@click.pass_obj
def list_targets(open_database: Opener) -> None:
    """All targets: id, state, statements sent, waiting and refused, name, address, last trouble."""
    with open_database().reading() as session:
        letters = queries.letters_by_target(session)
        found = session.scalars(queries.targets()).all()
        waiting = queries.waiting(session, found)
        for one in found:
            unsent = behind(waiting[one.id]) if one.state != REMOVED else "0"
            figures = f"sent {one.sent}, waiting {unsent}, refused {letters.get(one.id, 0)}"
            trouble = f"  ({one.trouble})" if one.trouble else ""
            click.echo(f"{one.public_id}  {one.state:7}  {figures}  {one.name}  {one.address}{trouble}")


def offer_pausing(group: click.Group, kind: type[D], pause: Act[D], resume: Act[D]) -> None:
    """The two commands by which nothing is sent to a target or channel, and by which it goes on."""

    def offer(name: str, act: Act[D], told: str, words: str) -> None:
        @group.command(name=name, help=words)
        @click.argument("public_id", metavar="ID", type=click.UUID)
        @click.pass_obj
        def command(open_database: Opener, public_id: uuid.UUID) -> None:
            change(open_database, kind, public_id, act)
            click.echo(f"{public_id} {told}.")

    offer("pause", pause, "is paused", "Send nothing until it is resumed.")
    offer("resume", resume, "goes on", "Go on with what waits, at once.")


offer_pausing(forward, ForwardTarget, actions.pause_target, actions.resume)


@forward.command()
@click.argument("target", type=click.UUID)
@click.option("--key", required=True, help="The new key.")
@secret_option
@click.pass_obj
def renew(open_database: Opener, target: uuid.UUID, key: str, secret_file: TextIO | None) -> None:
    """Speak to the store with another key and secret, and go on."""
    change(open_database, ForwardTarget, target, partial(actions.renew_key, key=key, secret=secret_of(secret_file)))
    click.echo(f"{target} goes on with the new key.")


@forward.command()
@click.argument("target", type=click.UUID)
@click.option("--statement", type=click.UUID, help="Only this one.")
@click.pass_obj
def replay(open_database: Opener, target: uuid.UUID, statement: uuid.UUID | None) -> None:
    """Send once more what the store refused."""

    def again(session: Session, found: ForwardTarget) -> int:
        return actions.replay(session, found, letter=letter_of(session, found, statement))

    click.echo(f"{change(open_database, ForwardTarget, target, again)} to be sent once more.")


@forward.command()
@click.argument("target", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(open_database: Opener, target: uuid.UUID, yes: bool) -> None:
    """Send nothing there any more, for good; its key and secret are forgotten.

    What waits is not sent and stays here; what the store refused can still be read on its page. Asks before it does.
    """
    database = open_database()
    with database.reading() as session:
        found = destination_of(session, ForwardTarget, target)
        lost = f"{behind(queries.waiting(session, [found])[found.id])} waiting will not be sent"
        question = f"{found.name}, {found.address}: {lost}. This cannot be undone. Remove it?"
    if not yes:
        click.confirm(question, abort=True)
    change(lambda: database, ForwardTarget, target, actions.remove_target)
    click.echo(f"{target} has been removed.")


def change(open_database: Opener, kind: type[D], public_id: uuid.UUID, act: Callable[[Session, D], Done]) -> Done:
    """Do this to the target or channel; returns what that returns."""
    with open_database().writing() as session:
        return act(session, destination_of(session, kind, public_id, held=True))


def secret_of(file: TextIO | None) -> str:
    """The secret, from a file or as it is typed: never from the command line, which others can read."""
    if file is None:
        return str(click.prompt("Secret", hide_input=True))
    secret = file.read().strip()
    if not secret:
        raise click.UsageError("--secret-file is empty.")
    return secret


def behind(waiting: queries.Waiting) -> str:
    """How many statements wait, in few characters."""
    return f"{waiting.number}{'+' if waiting.more else ''}"


def client_id(session: Session, key: str | None) -> int | None:
    """The client with that key."""
    if key is None:
        return None
    found = session.scalar(select(XapiClient.id).where(XapiClient.key == key))
    if found is None:
        raise click.ClickException(f"There is no client with the key {key}; see `lms xapi client list`.")
    return found


def destination_of(session: Session, kind: type[D], public_id: uuid.UUID, *, held: bool = False) -> D:
    """The one with that id that has not been removed, `held` until the transaction ends. Raises what click shows."""
    query = select(kind).where(kind.public_id == public_id)
    found = session.scalar(query.with_for_update() if held else query)
    if found is None or found.state == REMOVED:
        what, listed = ("target", "xapi forward") if kind is ForwardTarget else ("channel", "webhook")
        raise click.ClickException(f"There is no {what} {public_id}; see `lms {listed} list`.")
    return found


def letter_of(session: Session, target: ForwardTarget, statement: uuid.UUID | None) -> DeadLetter | None:
    """The refused statement with that id; None when none is named."""
    if statement is None:
        return None
    for letter, statement_id in session.execute(queries.letters_of(target.id)):
        if statement_id == statement:
            return letter
    raise click.ClickException(f"{statement} is not among what the store refused.")
