"""A unit by the structure that is asked for, and whom of those it counts somebody may look at today."""

import uuid
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy.orm import Session

from analytics.facts.projection import Structure
from analytics.facts.queries import recalled
from lms.accounts.access import UnitThen, access_unit, access_unit_then, people_of_today
from lms.organisation.gathering import lineages
from lms.organisation.models import Unit
from lms.organisation.rules import with_predecessors
from lms.web.acting import Actor

FIGURES, NAMES = "unit:read_figures", "unit:read_names"


def access_counted(
    session: Session, actor: Actor, permission: str, public_id: uuid.UUID, wanted: Structure
) -> tuple[Unit, UnitThen | None, Structure]:
    """The unit, what it was by another structure than today's, and the structure with those who may be looked at.

    By another structure those count who are in one's scope today, and units outside it tell nothing of themselves.
    Figures of a staff category are for whoever may see the names too: in a small unit they tell of single people.
    Raises `NotFound`.
    """
    needed, wanted = NAMES if wanted.category else permission, recalled(session, wanted)
    if not wanted.then:
        return access_unit(session, actor, needed, public_id), None, wanted
    then = access_unit_then(session, actor, needed, public_id, on=wanted.on, tree=wanted.tree)
    people = people_of_today(actor, needed, tree=wanted.tree)
    return then.now, then, replace(wanted, people=people, seen=then.seen)


def with_those_before(session: Session, unit_ids: Iterable[int]) -> frozenset[int]:
    """These units, and those in whose place they alone stand."""
    return with_predecessors(unit_ids, [(row[0], row[1], row[2]) for row in session.execute(lineages())])
