"""Reading people and where they belong."""

from datetime import date

from sqlalchemy import Select, select

from lms.accounts.models import Membership, Person, SignInAccount
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.queries import holds_on, subtree


def account_by_username(username: str) -> Select[SignInAccount]:
    """The account with this user name, whatever the case in which it was typed."""
    return select(SignInAccount).where(SignInAccount.username == username.strip().lower())


def main_unit(person_id: int, *, on: date, tree: str = STATE_TREE) -> Select[Unit]:
    """The unit where the person is counted in that tree on that day."""
    return (
        select(Unit)
        .join(Membership, Membership.unit_id == Unit.id)
        .where(
            Membership.person_id == person_id,
            Membership.tree == tree,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
        )
    )


def counted_people(*, on: date, tree: str = STATE_TREE) -> Select[int, int]:
    """Person and unit for everyone counted in that tree on that day. One row a person."""
    return select(Membership.person_id, Membership.unit_id).where(
        Membership.tree == tree,
        Membership.kind == "main",
        holds_on(on, Membership.valid_from, Membership.valid_to),
    )


def people_below(unit_id: int, *, on: date, tree: str = STATE_TREE) -> Select[Person, Unit]:
    """Everyone counted in the unit or below it, with the unit, in Vietnamese order of names."""
    return (
        select(Person, Unit)
        .join(Membership, Membership.person_id == Person.id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.tree == tree,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Membership.unit_id.in_(subtree(unit_id, on=on, tree=tree)),
        )
        .order_by(Person.sort_key, Person.id)
    )
