"""What of the tree a person may walk, and whose names may be seen at once."""

from dataclasses import replace
from datetime import date

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, aliased

from analytics.dashboard.queries import Among
from analytics.facts.projection import Structure
from lms.accounts.models import Membership, Person
from lms.organisation.access import at_or_below
from lms.organisation.models import STATE_TREE, Unit, UnitClosure
from lms.organisation.queries import OnDay, ancestors, holds_on
from lms.web.acting import Actor

NAMED_AT_ONCE = 1
"""The head of a unit and of the unit directly above see its names; whoever stands higher states a purpose first."""

NEAR = aliased(UnitClosure)


def ancestors_in_scope(
    session: Session, actor: Actor, permission: str, unit: Unit | OnDay, *, on: date, tree: str = STATE_TREE
) -> list[Unit]:
    """The units above, from the top of one's own scope down, and the unit itself."""
    query = ancestors(unit.id, on=on, tree=tree)
    if not actor.everywhere(permission):
        query = query.where(
            or_(*(at_or_below(Unit.id, top, on=on, tree=tree) for top in actor.unit_ids(permission, tree)))
        )
    return list(session.scalars(query))


def among(
    actor: Actor,
    permission: str,
    unit_id: int,
    structure: Structure,
    *,
    on: date,
    purpose: bool,
    alone: bool = False,
) -> tuple[Among, Among | None]:
    """Whose names in the unit and below this person sees now, and whose only once a purpose was stated.

    By the structure of another day too, what counts is where people belong today (`on`). `alone`: in the unit itself.
    """
    below, at_once = structure.below(unit_id), units_named_at_once(actor, permission, on=on, tree=structure.tree)
    if alone:
        below = below.where(UnitClosure.depth == 0)
    if purpose:
        return Among(below, structure), None
    if not structure.then:
        unit = UnitClosure.descendant_id
        return Among(below.where(unit.in_(at_once)), structure), Among(below.where(unit.not_in(at_once)), structure)
    named = select(Membership.person_id).where(
        Membership.tree == structure.tree,
        Membership.kind == "main",
        holds_on(on, Membership.valid_from, Membership.valid_to),
        Membership.unit_id.in_(at_once),
    )
    named = named.correlate(None)  # whoever asks reads memberships and people too
    others = select(Person.id).where(Person.id.not_in(named)).correlate(None)
    if structure.people is not None:
        others = others.where(Person.id.in_(structure.people))
    return Among(below, replace(structure, people=named)), Among(below, replace(structure, people=others))


def units_named_at_once(actor: Actor, permission: str, *, on: date, tree: str = STATE_TREE) -> Select[int]:
    """The ids of the units whose members' names this person sees without stating why: the head's own and the next."""
    return select(NEAR.descendant_id).where(
        NEAR.tree == tree,
        NEAR.ancestor_id.in_(actor.unit_ids(permission, tree)),
        NEAR.depth <= NAMED_AT_ONCE,
        holds_on(on, NEAR.valid_from, NEAR.valid_to),
    )
