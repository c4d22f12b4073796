"""How many people are counted in units, and who: what pages of the organisation are told."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import ScalarSelect, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from lms import clock
from lms.accounts.models import Membership, Person, UnitHeadcount
from lms.accounts.queries import number_by_unit
from lms.doors import Named
from lms.organisation.models import Unit, UnitClosure, UnitEdge
from lms.organisation.queries import holds_on, subtree

# Made once: to make an alias anew for every page costs more than to ask the database.
BRANCH, BELOW = aliased(UnitClosure), aliased(UnitClosure)


def with_all_below(unit_id: InstrumentedAttribute[int], *, on: date, tree: str) -> ScalarSelect[int]:
    """How many are counted today in the unit that a row names and in all below it.

    Asked for each row: units are few where this is asked, and a join would begin with every unit there is.
    """
    kept = select(func.coalesce(func.sum(UnitHeadcount.people), 0)).select_from(BELOW)
    kept = kept.join(UnitHeadcount, and_(UnitHeadcount.unit_id == BELOW.descendant_id, UnitHeadcount.tree == tree))
    under = BELOW.tree == tree, BELOW.ancestor_id == unit_id, holds_on(on, BELOW.valid_from, BELOW.valid_to)
    return kept.where(*under).correlate(unit_id.class_).scalar_subquery()


class PeopleByUnit:
    """How many people are counted in units (`Headcount` in lms/doors.py)."""

    def by_unit(self, session: Session, *, on: date, tree: str) -> Mapping[int, int]:
        """The number in each unit itself; one query."""
        return dict(session.execute(number_by_unit(on=on, tree=tree)).all())

    def by_branch(self, session: Session, unit_id: int, *, on: date, tree: str) -> Mapping[int, int]:
        """The number in the unit itself, and in each unit directly below with all below that; one query."""
        if on == clock.today():
            itself = UnitHeadcount.tree == tree, UnitHeadcount.unit_id == unit_id
            edges = UnitEdge.tree == tree, UnitEdge.parent_id == unit_id
            held = *edges, holds_on(on, UnitEdge.valid_from, UnitEdge.valid_to)
            children = select(UnitEdge.child_id, with_all_below(UnitEdge.child_id, on=on, tree=tree)).where(*held)
            both = select(UnitHeadcount.unit_id, UnitHeadcount.people).where(*itself).union_all(children)
            return {one: people for one, people in session.execute(both) if people}
        within = Membership.unit_id.in_(subtree(unit_id, on=on, tree=tree))
        own = number_by_unit(on=on, tree=tree).where(within).subquery()
        under = and_(BELOW.ancestor_id == BRANCH.descendant_id, BELOW.tree == tree)
        query = (
            select(BRANCH.descendant_id, func.sum(own.c.people))
            .join(BELOW, and_(under, holds_on(on, BELOW.valid_from, BELOW.valid_to)))
            .join(own, own.c.unit_id == BELOW.descendant_id)
            .where(BRANCH.tree == tree, BRANCH.ancestor_id == unit_id, BRANCH.depth <= 1)
            .where(holds_on(on, BRANCH.valid_from, BRANCH.valid_to), or_(BRANCH.depth == 1, BELOW.depth == 0))
            .group_by(BRANCH.descendant_id)
            .having(func.sum(own.c.people) > 0)
        )
        return dict(session.execute(query).all())

    def with_below(self, session: Session, unit_ids: Sequence[int], *, on: date, tree: str) -> Mapping[int, int]:
        """The number in each of these units with all below it; one query."""
        if on == clock.today():
            all_of = select(Unit.id, with_all_below(Unit.id, on=on, tree=tree)).where(Unit.id.in_(unit_ids))
            return {one: people for one, people in session.execute(all_of) if people}
        own = number_by_unit(on=on, tree=tree).subquery()
        query = (
            select(BELOW.ancestor_id, func.sum(own.c.people))
            .join(own, own.c.unit_id == BELOW.descendant_id)
            .where(BELOW.tree == tree, BELOW.ancestor_id.in_(unit_ids), holds_on(on, BELOW.valid_from, BELOW.valid_to))
            .group_by(BELOW.ancestor_id)
        )
        return dict(session.execute(query).all())

    def named(self, session: Session, unit_id: int, *, on: date, most: int) -> list[Named]:
        """Those counted in the unit itself, in Vietnamese order, at most so many. Whoever asks notes it."""
        rows = session.execute(
            select(Person.public_id, Person.full_name, Unit.name, Person.sort_key, Person.id)
            .join(Membership, Membership.person_id == Person.id)
            .join(Unit, Unit.id == Membership.unit_id)
            .where(
                Membership.unit_id == unit_id,
                Membership.kind == "main",
                holds_on(on, Membership.valid_from, Membership.valid_to),
            )
            .distinct()  # who is counted here in both trees is one person
            .order_by(Person.sort_key, Person.id)
            .limit(most)
        )
        return [Named(*row[:3]) for row in rows]
