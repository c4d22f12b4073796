"""The only ways to obtain something on a person's behalf. What you may not see does not exist."""

import uuid
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice

from sqlalchemy import Row, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.models import Person, RoleGrant, SignInAccount
from lms.accounts.queries import (
    Scope,
    everybody,
    headcount_below,
    ids_called,
    ids_found,
    people_counted_by,
    people_counted_in,
    people_shown,
    roles_held,
    roles_of,
)
from lms.accounts.rules import PERMISSIONS, Grant, may_keep, opens_no_more
from lms.accounts.session import SignedIn
from lms.organisation.access import at_or_below, first_tree, scope_of, stands_today, units_by_tree, units_within
from lms.organisation.gathering import lineages, of_today, standing_beside
from lms.organisation.models import STATE_TREE, TREES, Unit, UnitClosure
from lms.organisation.queries import OnDay, above_on, holds_on, unit_trees
from lms.organisation.rules import Branch, kin_of, with_predecessors
from lms.web.acting import Actor, NotFound

READ = "person:read"
KEEP = "person:create"
GRANT = "role:grant"


def access_unit(
    session: Session, actor: Actor, permission: str, public_id: uuid.UUID, *, tree: str = STATE_TREE
) -> Unit:
    """The unit, if the permission holds at it or at a unit above it today. Raises `NotFound`."""
    today = clock.today()
    within = (
        true()
        if actor.everywhere(permission)
        else or_(*(at_or_below(Unit.id, top, on=today, tree=tree) for top in actor.unit_ids(permission, tree)))
        if actor.unit_ids(permission, tree)
        else None
    )
    if within is None:
        raise NotFound
    unit = session.scalar(select(Unit).where(Unit.public_id == public_id, within))
    if unit is None:
        raise NotFound
    return unit


@dataclass(frozen=True, slots=True)
class UnitThen:
    """A unit on another day: what stood above it and itself, as called then; nothing where it did not stand.

    `kin`: those of its predecessors or successors that stood beside it or in its place. `seen`: the units that may be
    looked at on any day (None: all).
    """

    now: Unit
    above: Sequence[OnDay]
    kin: Sequence[OnDay]
    seen: frozenset[int] | None

    @property
    def unit(self) -> OnDay | None:
        """The unit as it was called."""
        return self.above[-1] if self.above else None


def access_unit_then(
    session: Session, actor: Actor, permission: str, public_id: uuid.UUID, *, on: date, tree: str = STATE_TREE
) -> UnitThen:
    """The unit on that day, if the permission holds today at it, or at all that have taken over from it since.

    Who was counted there is not settled by it: ask `people_of_today`. Raises `NotFound`.
    """
    lines = [(row[0], row[1], row[2]) for row in session.execute(lineages())]
    within = units_within(session, actor, permission, tree=tree)
    seen = with_predecessors(within, lines) if within is not None else None
    unit = session.scalar(select(Unit).where(Unit.public_id == public_id, Unit.undone.is_(False)))
    if unit is None or (seen is not None and unit.id not in seen):
        raise NotFound
    above = above_on(session, unit.id, on=on, tree=tree)
    beside = [one for one in kin_of(unit.id, lines) if seen is None or one in seen]
    kin = standing_beside(session, unit.id, beside, on=on, tree=tree) if beside else []
    return UnitThen(unit, [one for one in above if seen is None or one.id in seen], kin, seen)


def people_of_today(actor: Actor, permission: str, *, tree: str = STATE_TREE) -> Select[int] | None:
    """Who is counted today where the permission holds, as a subquery; None: everybody.

    Whoever looks back by the structure of another day sees these people and no others: who has left one's scope since
    is another's to look at.
    """
    if actor.everywhere(permission):
        return None
    people = people_counted_in(actor.unit_ids(permission, tree), on=clock.today(), later=False, tree=tree)
    return people.correlate(None)  # whoever asks reads memberships too


def top_units(session: Session, actor: Actor, permission: str, *, tree: str = STATE_TREE) -> list[Unit]:
    """Where the permission begins in a tree today: units there it was granted for; the top, if it holds everywhere."""
    here = (UnitClosure.tree == tree, holds_on(clock.today(), UnitClosure.valid_from, UnitClosure.valid_to))
    standing = select(UnitClosure.descendant_id).where(*here, UnitClosure.depth == 0)
    below = select(UnitClosure.descendant_id).where(*here, UnitClosure.depth > 0)
    begins = Unit.id.not_in(below) if actor.everywhere(permission) else Unit.id.in_(actor.unit_ids(permission, tree))
    return list(session.scalars(select(Unit).where(Unit.id.in_(standing), begins).order_by(Unit.sort_key)))


def people_kept(actor: Actor, permission: str, *, later: bool = True) -> Select[int] | None:
    """Who is counted where the permission holds, in whichever tree, for use as a subquery; None: everybody.

    Today or (`later`) from a later day on.
    """
    if actor.everywhere(permission):
        return None
    return people_counted_by(scope_of(actor, permission), on=clock.today(), later=later)


def stands_within(session: Session, actor: Actor, permission: str, unit: Unit, tree: str) -> bool:
    """Whether the unit stands in that tree today where the permission holds in it."""
    within = units_by_tree(session, actor, permission)
    return session.scalar(stands_today(unit.id, tree)) is not None and (
        within is None or unit.id in within.get(tree, ())
    )


def access_person(session: Session, actor: Actor, permission: str, public_id: uuid.UUID) -> Person:
    """The person, if the permission holds where they are counted, today or from a later day on; nobody who was erased.

    Raises `NotFound`.
    """
    query = select(Person).where(Person.public_id == public_id, Person.erased_at.is_(None))
    if (kept := people_kept(actor, permission)) is not None:
        query = query.where(Person.id.in_(kept))
    person = session.scalar(query)
    if person is None:
        raise NotFound
    return person


def access_kept(session: Session, actor: Actor, public_id: uuid.UUID, permission: str = KEEP) -> Person:
    """The person, for whoever may change something about them. Raises `NotFound`.

    Whoever keeps the people of a unit keeps none who holds a role that reaches further: no administrator, and no head
    of a unit outside.
    """
    person = access_person(session, actor, permission, public_id)
    if not may_keep(grants_of(session, person), within=units_by_tree(session, actor, permission)):
        raise NotFound
    return person


def access_account(session: Session, actor: Actor, public_id: uuid.UUID) -> Person:
    """The person, for whoever may open, close or reset the account. Raises `NotFound`.

    Within a unit only of people whose roles open nothing that one's own do not, over the same units: a new password
    would open it. And only from the day on which they are counted there: until then another unit answers for them.
    """
    person = access_kept(session, actor, public_id)
    if (here := people_kept(actor, KEEP, later=False)) is None:
        return person
    counted = session.scalar(select(Person.id).where(Person.id == person.id, Person.id.in_(here)))
    if counted is None or not opens_no_more(grants_of(session, person), partial(units_by_tree, session, actor)):
        raise NotFound
    return person


def permitted(access: Callable[..., Person], *asked: object) -> bool:
    """Whether an access function would hand the person over: pages offer nothing that would be refused."""
    try:
        access(*asked)
    except NotFound:
        return False
    return True


def own_grants(session: Session, actor: Actor) -> list[Grant]:
    """The roles that somebody who asks holds today; who is signed in has them from the beginning of the request."""
    if isinstance(actor, SignedIn):
        return list(actor.grants)
    return [
        Grant(one.role, one.unit_id, one.tree) for one in session.scalars(roles_held(actor.person_id, on=clock.today()))
    ]


def grants_of(session: Session, person: Person) -> list[Grant]:
    """The roles somebody holds, today or from a later day on."""
    return [
        Grant(one.role, one.unit_id, one.tree)
        for one in session.scalars(roles_of(person.id).where(RoleGrant.over_standing(clock.today())))
        if one.valid_to is None or one.valid_to > clock.today()
    ]


def power_ends(
    session: Session, actor: Actor, permission: str, unit: Unit | None, *, tree: str = STATE_TREE
) -> date | None:
    """The day from which one no longer holds the permission over the unit (None: everywhere); None: no end is set."""
    today = clock.today()
    above = select(UnitClosure.ancestor_id).where(
        UnitClosure.tree == tree,
        UnitClosure.descendant_id == (unit.id if unit is not None else 0),
        holds_on(today, UnitClosure.valid_from, UnitClosure.valid_to),
    )
    carrying = [role for role, permissions in PERMISSIONS.items() if permission in permissions]
    held = roles_held(actor.person_id, on=today).where(
        RoleGrant.role.in_(carrying),
        or_(RoleGrant.unit_id.is_(None), and_(RoleGrant.tree == tree, RoleGrant.unit_id.in_(above))),
    )
    ends = [one.valid_to for one in session.scalars(held)]
    return max((end for end in ends if end is not None), default=None) if None not in ends else None


def trees_within(session: Session, actor: Actor, permission: str, *, tree: str = STATE_TREE) -> list[Branch[Unit]]:
    """The units of a tree where the permission holds there, as trees of today: each unit once."""
    if not actor.everywhere(permission) and not actor.unit_ids(permission, tree):
        return []
    whole = unit_trees(session, on=clock.today(), tree=tree)
    if actor.everywhere(permission):
        return whole
    own = set(actor.unit_ids(permission, tree))
    return [top for branch in whole for top in tops(branch, own)]


def trees_of_both(session: Session, actor: Actor, permission: str) -> list[Branch[Unit]]:
    """As `trees_within`, of both trees: a unit that stands in both is where it stands in that of the state."""
    state, party = (trees_within(session, actor, permission, tree=tree) for tree in TREES)
    known = {branch.unit.id for tree in state for branch in tree.walk()}
    return [*state, *(tree for tree in party if tree.unit.id not in known)]


def trees_held(actor: Actor, permission: str) -> tuple[str, ...]:
    """The trees in which the permission holds anywhere, that of the state first."""
    return tuple(tree for tree in TREES if actor.everywhere(permission) or actor.unit_ids(permission, tree))


def tops(branch: Branch[Unit], own: Container[int]) -> list[Branch[Unit]]:
    """The highest branches whose units are among one's own."""
    if branch.unit.id in own:
        return [branch]
    return [top for child in branch.children for top in tops(child, own)]


def tree_asked(actor: Actor, permission: str, sent: Mapping[str, str]) -> str:
    """The tree that is asked for, or the one with which whoever asks begins."""
    return sent["tree"] if sent.get("tree") in TREES else first_tree(actor, permission)


@dataclass(frozen=True, slots=True)
class Listed:
    """Whose names a list shows: of a unit or of wherever the permission holds, by one tree. `scope` None: of all.

    `told`: what an address says of the tree; nothing, where one begins with it.
    """

    unit: Unit | None
    tree: str
    scope: Scope | None
    told: str | None


def access_listed(session: Session, actor: Actor, permission: str, sent: Mapping[str, str]) -> Listed:
    """The list for which `unit` and `tree` are asked; a unit without a tree is listed by one in which one may.

    Raises `NotFound`.
    """
    asked, tree, begins = sent.get("unit"), sent.get("tree", ""), first_tree(actor, permission)
    if not asked:
        tree = tree_asked(actor, permission, sent)
        scope = None if actor.everywhere(permission) else {tree: actor.unit_ids(permission, tree)}
        return Listed(None, tree, scope, None if tree == begins else tree)
    try:
        public_id = uuid.UUID(asked)
    except ValueError:
        raise NotFound from None
    places = (tree,) if tree in TREES else (begins,) if actor.everywhere(permission) else trees_held(actor, permission)
    for tree in places:
        with suppress(NotFound):
            unit = access_unit(session, actor, permission, public_id, tree=tree)
            return Listed(unit, tree, {tree: [unit.id]}, None if tree == begins else tree)
    raise NotFound


MANY_UNITS, MOST_UNITS_FOUND = 300, 20
"""With more units than this a page asks for a name instead of showing them all; so many of those found are shown."""


@dataclass(frozen=True, slots=True)
class UnitFound:
    """A unit by the names it bears today."""

    public_id: uuid.UUID
    name: str
    short_name: str
    code: str


@dataclass(frozen=True, slots=True)
class UnitsToChoose:
    """How a unit is chosen on a page: from the whole list when it is short, else among those found by name or code."""

    trees: tuple[Branch[Unit], ...]
    many: bool
    typed: str
    found: tuple[UnitFound, ...]


def units_to_choose(
    session: Session, actor: Actor, permission: str, typed: str, *, tree: str = STATE_TREE
) -> UnitsToChoose:
    """The units where the permission holds, or those of them that were asked for."""
    if session.scalar(select(Unit.id).order_by(Unit.id).limit(1).offset(MANY_UNITS)) is None:
        return UnitsToChoose(tuple(trees_within(session, actor, permission, tree=tree)), False, "", ())
    return UnitsToChoose((), True, typed, units_found(session, actor, permission, typed, tree=tree))


def units_found(
    session: Session, actor: Actor, permission: str, typed: str, *, tree: str = STATE_TREE
) -> tuple[UnitFound, ...]:
    """The first units of today where the permission holds in whose name or code every word is found, marks or not."""
    words, within = text.fold(typed).split(), units_within(session, actor, permission, tree=tree)
    if not words:
        return ()
    known = ((own, folded) for own, folded in of_today(session).names if within is None or own in within)
    ids = list(islice((own for own, folded in known if all(word in folded for word in words)), MOST_UNITS_FOUND))
    columns = select(Unit.public_id, Unit.name, Unit.short_name, Unit.code).where(Unit.id.in_(ids))
    return tuple(UnitFound(*row) for row in session.execute(columns.order_by(Unit.sort_key, Unit.id)))


PAGE, FEW = 50, 4_000
"""People on a page; so many people of units are read whole, of more only a page is."""


def ids_of_page(own: Session, words: str, within: Scope | None, page: int) -> tuple[Sequence[int], int]:
    """The ids of a page of those who are called so, or of the last one, and how many people are on all pages."""
    today, called = clock.today(), own.scalars(ids_called(words)).all() if words else ()
    count = None if within is None else headcount_below(within, on=today)
    if count is None and not words:
        count = everybody()
    people = (own.scalar(count) or 0) if count is not None else 0
    if within is not None and people <= FEW:
        ids = own.scalars(ids_found(words, called, on=today, within=within)).all()
        start = first_of(page, len(ids))
        return ids[start : start + PAGE], len(ids)
    found = ids_found(words, called, on=today, within=within, walking=True)
    if not words:
        return ids_between(own, found, first_of(page, people), people), people
    first = own.scalars(found.limit(PAGE)).all() if page == 1 else ()
    if page == 1 and len(first) < PAGE:
        return first, len(first)  # the names were read to their end: they need not be read again to be counted
    total = own.scalar(found.order_by(None).with_only_columns(func.count())) or 0
    return first or ids_between(own, found, first_of(page, total), total), total


def ids_between(own: Session, found: Select[int], start: int, total: int) -> Sequence[int]:
    """One page of ids that are found in order; from the end, where that is nearer."""
    if start <= total // 2:
        return own.scalars(found.limit(PAGE).offset(start)).all()
    number = min(PAGE, total - start)
    backwards = found.order_by(None).order_by(Person.sort_key.desc(), Person.id.desc())
    return own.scalars(backwards.limit(number).offset(total - start - number)).all()


def first_of(page: int, total: int) -> int:
    """Where a page begins; beyond the last page, where the last begins."""
    return min(page - 1, max(0, -(-total // PAGE) - 1)) * PAGE


MOST_TYPED = 10
"""So many people are offered while one types; whoever is not among them types more."""


def people_typed(
    session: Session, actor: Actor, permission: str, typed: str, *, most: int = MOST_TYPED
) -> Sequence[Row[Person, SignInAccount, Unit | None]]:
    """The first people where the permission holds whom the list would show for these words; nobody for one letter."""
    if len(text.fold(typed)) < SHORTEST_TYPED:
        return ()
    called, today = session.scalars(ids_called(typed)).all(), clock.today()
    within = None if actor.everywhere(permission) else scope_of(actor, permission)
    many = within is None or (session.scalar(headcount_below(within, on=today)) or 0) > FEW
    ids = session.scalars(ids_found(typed, called, on=today, within=within, walking=many).limit(most))
    tree = STATE_TREE if within is None else next(iter(within), STATE_TREE)
    return session.execute(people_shown(on=today, tree=tree).where(Person.id.in_(ids.all()))).all()


SHORTEST_TYPED = 2
