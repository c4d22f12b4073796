"""What of the tree a person may walk, and whose names may be seen at once."""

from datetime import date

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, aliased

from lms.organisation.models import STATE_TREE, Unit, UnitClosure
from lms.organisation.queries import ancestors, holds_on, subtree
from lms.web.acting import Actor

NAMED_AT_ONCE = 1
"""The head of a unit and of the unit directly above see its names; whoever stands higher states a purpose first."""

NEAR = aliased(UnitClosure)


def ancestors_in_scope(
    session: Session, actor: Actor, permission: str, unit: Unit, *, on: date, tree: str = STATE_TREE
) -> list[Unit]:
    """The units above, from the top of one's own scope down, and the unit itself."""
    query = ancestors(unit.id, on=on, tree=tree)
    if not actor.everywhere(permission):
        query = query.where(or_(*(Unit.id.in_(subtree(top, on=on, tree=tree)) for top in actor.unit_ids(permission))))
    return list(session.scalars(query))


def units_named_at_once(actor: Actor, permission: str, *, on: date, tree: str = STATE_TREE) -> Select[int]:
    """The ids of the units whose members' names this person sees without stating why: the head's own and the next."""
    return select(NEAR.descendant_id).where(
        NEAR.tree == tree,
        NEAR.ancestor_id.in_(actor.unit_ids(permission)),
        NEAR.depth <= NAMED_AT_ONCE,
        holds_on(on, NEAR.valid_from, NEAR.valid_to),
    )
