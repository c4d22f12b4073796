"""Reading where many people belong, and whether a unit stands in a tree."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Membership, Person, RoleGrant
from lms.accounts.queries import duplicates
from lms.accounts.rules import Grant, Within, may_keep
from lms.memberships.rules import Candidate
from lms.organisation.models import PARTY_TREE, Unit, UnitClosure
from lms.organisation.queries import holds_on, unit_trees
from lms.organisation.rules import Branch
from lms.web.acting import Actor

BATCH = 5_000


def candidates(
    session: Session,
    public_ids: Sequence[uuid.UUID],
    *,
    tree: str,
    reach: Select[int] | None,
    within: Within | None,
) -> list[Candidate]:
    """These people, as far as they are in reach, in Vietnamese order of names, with where they are counted in the end.

    `within`: the units whose people are kept (None: of all). Two statements for each five thousand.
    """
    found: list[Candidate] = []
    for start in range(0, len(public_ids), BATCH):
        some = public_ids[start : start + BATCH]
        query = described(tree).where(Person.public_id.in_(some))
        rows = session.execute(query if reach is None else query.where(Person.id.in_(reach))).all()
        held = roles_of_many(session, [row[0] for row in rows]) if within is not None else {}
        for row in rows:
            beyond = not may_keep(held.get(row[0], ()), within=within)
            own, public_id, name, party, unit_id, unit, since, linked = row
            found.append(Candidate(own, public_id, name, party, unit_id, unit or "", since, linked, beyond))
    return found


def described(tree: str) -> Select[int, uuid.UUID, str, str, int | None, str | None, date | None, bool]:
    """The columns of a `Candidate`, one row a person."""
    open_main = and_(
        Membership.person_id == Person.id,
        Membership.tree == tree,
        Membership.kind == "main",
        Membership.valid_to.is_(None),
    )
    return (
        select(
            Person.id,
            Person.public_id,
            Person.full_name,
            Person.party,
            Unit.id,
            Unit.name,
            Membership.valid_from,
            Person.id.in_(duplicates()),
        )
        .outerjoin(Membership, open_main)
        .outerjoin(Unit, Unit.id == Membership.unit_id)
        .order_by(Person.sort_key, Person.id)
    )


def roles_of_many(session: Session, person_ids: Iterable[int]) -> dict[int, list[Grant]]:
    """The roles these people hold, today or from a later day on."""
    today = clock.today()
    lasting = and_(or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > today), RoleGrant.over_standing(today))
    columns = select(RoleGrant.person_id, RoleGrant.role, RoleGrant.unit_id, RoleGrant.tree)
    held: dict[int, list[Grant]] = {}
    rows = session.execute(columns.where(RoleGrant.person_id.in_(set(person_ids)), lasting))
    for person_id, role, unit_id, tree in rows:
        held.setdefault(person_id, []).append(Grant(role, unit_id, tree))
    return held


def stands_from(session: Session, unit_id: int, *, on: date, tree: str) -> bool:
    """Whether the unit stands in the tree on that day, without an end that is known."""
    return (
        session.scalar(
            select(UnitClosure.depth).where(
                UnitClosure.tree == tree,
                UnitClosure.ancestor_id == unit_id,
                UnitClosure.descendant_id == unit_id,
                UnitClosure.valid_from <= on,
                UnitClosure.valid_to.is_(None),
            )
        )
        is not None
    )


def trees_to_choose(session: Session, actor: Actor, permission: str, tree: str) -> list[Branch[Unit]]:
    """The units of one tree where the permission holds there or in the state tree, as trees of today.

    Whoever keeps an agency also says which of its people belong to the Party organisations below it.
    """
    whole = unit_trees(session, on=clock.today(), tree=tree)
    if actor.everywhere(permission):
        return whole
    own = {*actor.unit_ids(permission), *actor.unit_ids(permission, tree)}
    return [top for branch in whole for top in tops(branch, own)]


def tops(branch: Branch[Unit], own: set[int]) -> list[Branch[Unit]]:
    """The highest branches whose units are among one's own."""
    if branch.unit.id in own:
        return [branch]
    return [top for child in branch.children for top in tops(child, own)]


def belongs_there(person_id: int, unit_id: int, *, tree: str, since: date, until: date | None) -> Select[int]:
    """The memberships of a person in a unit that hold on one of these days."""
    query = select(Membership.id).where(
        Membership.person_id == person_id,
        Membership.unit_id == unit_id,
        Membership.tree == tree,
        or_(Membership.valid_to.is_(None), Membership.valid_to > since),
    )
    return query if until is None else query.where(Membership.valid_from < until)


def membership_of(person_id: int, membership_id: int, *, on: date) -> Select[Membership]:
    """A membership of that person which can be ended: a concurrent post, or one in the Party tree; not over yet."""
    return select(Membership).where(
        Membership.id == membership_id,
        Membership.person_id == person_id,
        Membership.link_id.is_(None),
        or_(Membership.kind == "concurrent", Membership.tree == PARTY_TREE),
        or_(Membership.valid_to.is_(None), holds_on(on, Membership.valid_from, Membership.valid_to)),
    )
