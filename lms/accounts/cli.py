"""`lms user`: the first administrator, and anybody else whom no administrator can add yet."""

from collections.abc import Callable
from datetime import datetime, timedelta

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.actions import UsernameTaken, create_person, grant_role, issue_link
from lms.accounts.rules import EVERYONE, EVERYWHERE, LINK_LIFE, PERMISSIONS, WITH_AN_END
from lms.db import Database
from lms.organisation.models import Unit

GIVEN = PERMISSIONS.keys() - {EVERYONE}
"""The roles that can be given."""

FIRST_PASSWORD = "/first-password/"  # noqa: S105 - the path of a page


@click.group()
def user() -> None:
    """People and their accounts."""


@user.command()
@click.option("--name", required=True, help="Full name, as one writes it: 'Lý A Hoa'.")
@click.option("--username", required=True, help="What the person signs in with; small letters without marks.")
@click.option("--role", type=click.Choice(sorted(GIVEN)), help="Beside being a learner.")
@click.option("--unit", "code", metavar="CODE", help="Unit where the person is counted, and over which the role holds.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day of the role; a deputy must have one.")
@click.pass_obj
def create(
    open_database: Callable[[], Database],
    name: str,
    username: str,
    role: str | None,
    code: str | None,
    until: datetime | None,
) -> None:
    """Add a person and print a link, good once and for a week, with which the person sets a password.

    \b
    The first administrator of a new product:
      lms user create --name "Lý A Hoa" --username hoala --role administrator

    The link is shown here only. Hand it over in person; a new one comes from the page of the person.
    """
    if not name.strip() or not username.strip():
        raise click.UsageError("--name and --username must not be empty.")
    over_unit = role is not None and role not in EVERYWHERE
    if over_unit and code is None:
        raise click.UsageError(f"The role {role} needs --unit CODE: the unit over which it holds.")
    end = until.date() + timedelta(days=1) if until is not None else None
    if (role in WITH_AN_END and end is None) or (end is not None and end <= clock.today()):
        raise click.UsageError("--until YYYY-MM-DD must be a day from today on, and a deputy must have one.")
    database = open_database()
    with database.writing() as session:
        unit = unit_named(session, code) if code else None
        try:
            person = create_person(session, full_name=name, username=username, unit=unit, since=clock.today())
        except UsernameTaken as taken:
            raise click.ClickException(f"The user name {taken} belongs to somebody else. Choose another.") from taken
        if role:
            grant_role(session, person, role, unit=unit if over_unit else None, since=clock.today(), until=end)
        token = issue_link(session, person)
    click.echo(f"{person.full_name} ({username.strip().lower()}) has been added{f' as {role}' if role else ''}.")
    click.echo(f"Link to set a password, good once and for {LINK_LIFE.days} days:")
    click.echo(f"  {database.config.site_url}{FIRST_PASSWORD}{token}")


def unit_named(session: Session, code: str) -> Unit:
    """The unit with that code. Raises the error that click shows."""
    unit = session.scalar(select(Unit).where(func.lower(Unit.code) == code.lower()))
    if unit is None:
        raise click.ClickException(f"There is no unit with the code {code!r}.")
    return unit
