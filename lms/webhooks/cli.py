"""`lms webhook`: other channels that are told of reminders and of what heads are told."""

import uuid

import click

from lms.forwarding.cli import Opener, change, offer_pausing
from lms.forwarding.rules import BadAddress
from lms.webhooks import actions, queries
from lms.webhooks.models import Webhook
from lms.webhooks.rules import DEAD, KINDS, WAITING

FAULTS = {
    "form": "it must look like https://zalo.example.gov.vn/hook",
    "open_line": "it must begin with https://",
    "ourselves": "it is that of this system itself",
    "inside": "it lies inside this network, and LMS_FORWARD_TO does not name it",
}


@click.group()
def webhook() -> None:
    """Other channels, such as a Zalo or SMS gateway, that get signed messages (docs/webhooks.md)."""


@webhook.command()
@click.option("--name", required=True, help="What people call the channel.")
@click.option("--address", required=True, help="Where messages are posted: https://zalo.example.gov.vn/hook")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only these messages. Default: all.")
@click.pass_obj
def add(open_database: Opener, name: str, address: str, kinds: tuple[str, ...]) -> None:
    """Tell another channel from now on; prints its id and, this once, its secret."""
    try:
        with open_database().writing() as session:
            hook, secret = actions.add_webhook(session, name=name, address=address, kinds=kinds or KINDS)
    except BadAddress as reason:
        raise click.UsageError(f"--address: {FAULTS[reason.fault]}.") from reason
    click.echo(f"{hook.public_id}  {name}\n{secret}")


@webhook.command(name="list")
@click.pass_obj
def list_webhooks(open_database: Opener) -> None:
    """All channels: id, state, messages waiting and dead, name, address."""
    with open_database().reading() as session:
        numbers = queries.numbers(session)
        for one in session.scalars(queries.webhooks()):
            waiting, dead = (numbers.get((one.id, state), 0) for state in (WAITING, DEAD))
            click.echo(f"{one.public_id}  {one.state:7}  waiting {waiting}, dead {dead}  {one.name}  {one.address}")


offer_pausing(webhook, Webhook, actions.pause_webhook, actions.resume)


@webhook.command()
@click.argument("hook", type=click.UUID)
@click.pass_obj
def renew(open_database: Opener, hook: uuid.UUID) -> None:
    """Give it another secret, printed this once; the one before signs nothing more."""
    click.echo(change(open_database, Webhook, hook, actions.renew_secret))


@webhook.command()
@click.argument("hook", type=click.UUID)
@click.pass_obj
def replay(open_database: Opener, hook: uuid.UUID) -> None:
    """Send all dead messages once more."""
    click.echo(f"{change(open_database, Webhook, hook, actions.replay)} to be sent once more.")


@webhook.command()
@click.argument("hook", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(open_database: Opener, hook: uuid.UUID, yes: bool) -> None:
    """Send nothing there any more, for good; its secret is forgotten. Asks before it does."""
    if not yes:
        click.confirm(f"What waits for {hook} will not be sent. This cannot be undone. Remove it?", abort=True)
    change(open_database, Webhook, hook, actions.remove_webhook)
    click.echo(f"{hook} has been removed.")
