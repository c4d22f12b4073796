"""The filters of GET statements as SQL: branches that each walk one index in the order of the sequence.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Select, and_, bindparam, false, or_, select, true, union
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ClauseList

from lms.xapi import driver
from lms.xapi.driver import Key, Walking, aside, bound, known_among, pinned, walked
from lms.xapi.models import XapiStatement, XapiStatementActivity, XapiStatementAgent
from lms.xapi.queries import Asked, activity_conditions, agent_conditions, from_elsewhere, ownership, plain_filters

FULL_PAGE = 10_000_000  # bytes: no statement is begun after this
NOTHING = 0  # the key of what the store never met
FEW = 500  # matching statements from which references are followed back
AT_ONCE = 500  # references looked at together
ROUNDS = 4  # how many times for one page: it ends where they ended
FARTHEST = 100  # references that may lie between a statement and the one it is about
WALKED = 10_000  # statements of one activity, of one client, or that name somebody, which a page may pass over
DISORDER = 100_000  # how far sequence and `stored` may part while several writers are at work: times bound sequences


@dataclass(frozen=True, slots=True)
class Page:
    """Statements in the order asked for; `last` is where the next page begins, None when there is none.

    A page may hold fewer than the limit, or none, although there is a next one.
    """

    bodies: list[bytes]
    last: int | None


def page(session: Session, asked: Asked) -> Page:
    """The first statements that match, up to the limit and to a bounded number of bytes."""
    sequences, looked = matching(session, asked, asked.limit + 1)
    found = driver.found_values(session, "xapi_body", "sequence", "body", sequences[: asked.limit])
    bodies: list[bytes] = []
    size = 0
    for sequence in sequences[: asked.limit]:
        bodies.append(found[sequence])
        size += len(found[sequence])
        if size >= FULL_PAGE:
            break
    return Page(bodies, sequences[len(bodies) - 1] if len(bodies) < len(sequences) else looked)


def matching(session: Session, asked: Asked, limit: int) -> tuple[list[int], int | None]:
    """The sequences of matching statements in order, at most so many: what matches by itself, and what is about it.

    What is about a matching statement cannot be found by one index. When the page is full already, only what is newer
    than its end (older, when ascending) needs to be looked through. Otherwise few statements match: from these one
    follows the references back. When neither is so, references are looked through, so many for each page and no more:
    beside the sequences stands how far that was, when others lie beyond; likewise when a walk is long (`walk_end`).
    """
    end = walk_end(session, asked)
    sequences = [sequence for (sequence,) in answered(session, direct, replace(asked, end=end), limit)]
    if not asked.filtered:
        return sequences, None
    full, looked = len(sequences) == limit, None
    heads = None if full or not short(session, asked, end) else heads_of_few(session, asked, limit)
    if heads is None:
        heads, looked = heads_looked_through(session, asked, limit, last=sequences[-1] if full else end)
    if looked is None and end is not None:
        looked = end - 1 if asked.ascending else end + 1
    if looked is not None:
        sequences = [one for one in sequences if (one <= looked if asked.ascending else one >= looked)]
    return sorted({*sequences, *heads}, reverse=not asked.ascending)[:limit], looked


@dataclass(frozen=True, slots=True)
class Branch:
    """Statements that match in one way, found by walking along the index that begins with the columns of `keys`.

    `beside`: other things are asked of what stands there, so that the walk passes over some.
    """

    query: Select[int]
    sequence: Any  # a column
    keys: Sequence[Key]
    beside: bool = False


Compose = Callable[[Asked, Any], Select[*tuple[Any, ...]]]
SYMBOLS = ("agent", "verb", "activity", "registration", "since", "until", "client", "after", "end")


def answered(session: Session, compose: Compose, asked: Asked, limit: int) -> Sequence[Any]:
    """The rows of a query about these filters.

    Composing it costs many times what answering it costs. So it is composed once for all requests that use the same
    filters, with symbols in the place of their values.
    """
    if asked.authorities:  # as many places as there are clients of that name
        return session.execute(compose(asked, limit)).all()
    values = {name: value for name in SYMBOLS if (value := getattr(asked, name)) is not None}
    flags = (asked.related_agents, asked.related_activities, asked.ascending)
    sql, names, constants = prepared(compose, tuple(values), flags, session.get_bind().dialect)
    return driver.rows(session, sql, names, {**constants, **values, "limit": limit})


@lru_cache(maxsize=1_024)
def prepared(
    compose: Compose, names: tuple[str, ...], flags: tuple[bool, bool, bool], dialect: Dialect
) -> tuple[str, Sequence[str] | None, Mapping[str, Any]]:
    """SQL for these filters, the order of its parameters if it has one, and those that are alike for all requests."""
    symbols: dict[str, Any] = {name: bindparam(name) for name in names}
    related_agents, related_activities, ascending = flags
    asked = Asked(**symbols, related_agents=related_agents, related_activities=related_activities, ascending=ascending)
    compiled = compose(asked, bindparam("limit")).compile(dialect=dialect)
    constants = {name: value for name, value in compiled.params.items() if name not in {*names, "limit"}}
    return str(compiled), compiled.positiontup, constants


def direct(asked: Asked, limit: Any) -> Select[int]:
    """The sequences of statements that match by themselves.

    Each branch walks one index in the order of the sequence and stops at the limit; the branches are merged.
    """
    limited = [ordered(branch, asked, limit).subquery() for branch in direct_branches(asked)]
    if len(limited) == 1:
        return select(limited[0].c.sequence)
    merged = union(*(select(one.c.sequence) for one in limited)).subquery()
    order = merged.c.sequence.asc() if asked.ascending else merged.c.sequence.desc()
    return select(merged.c.sequence).order_by(order).limit(limit)


def walk_end(session: Session, asked: Asked) -> int | None:
    """Before which sequence this page ends, because the walk to there passes over as many as a page may; None: nowhere.

    What one person did, or is of one registration, is little (decision 0027). So only a walk along an activity, along
    what a client brought or along what names somebody is asked for its end, when it looks for something else beside: in
    the index alone.
    """
    if not passes_over(asked, on_postgresql=driver.on_postgresql(session)):
        return None
    last = [sequence for (sequence,) in answered(session, ends, replace(asked, end=None), WALKED - 1)]
    return (last[0] + 1 if asked.ascending else last[0] - 1) if last else None


def passes_over(asked: Asked, *, on_postgresql: bool) -> bool:
    """Whether some branch may walk past any number of statements that do not match."""
    if asked.registration is not None or (asked.agent is not None and not asked.related_agents):
        return False
    if asked.activity is not None and asked.verb is not None:
        indexed = asked.agent is None and asked.client is None and not asked.related_activities
        return not (indexed and on_postgresql)
    if None in asked.authorities:  # what is our own has no index: it is what no client brought
        return True
    beside = (asked.activity, asked.verb, asked.client)
    return sum(one is not None for one in beside) > (asked.agent is None)


def ends(asked: Asked, passed: Any) -> Select[*tuple[Any, ...]]:
    """The nearest of the sequences at which the long walks have passed so many, if one has."""
    walks = []
    for branch in direct_branches(asked):
        after_activity = bool(branch.keys) and branch.keys[0][0] is XapiStatement.activity_id
        keys = branch.keys[:1] if after_activity else branch.keys
        long = not keys or any(keys[0][0] is one for one in LONG)
        if long and (branch.beside or len(keys) < len(branch.keys)):
            walk = select(branch.sequence.label("sequence")).where(*(pinned(*one) for one in keys))
            walk = walk.where(*bounds(branch.sequence, asked, keys))
            walks.append(in_order(walk, branch.sequence, asked, keys).limit(1).offset(passed).subquery())
    merged = union(*(select(one.c.sequence) for one in walks)).subquery()
    order = merged.c.sequence.asc() if asked.ascending else merged.c.sequence.desc()
    return select(merged.c.sequence).order_by(order).limit(1)


def short(session: Session, asked: Asked, end: int | None) -> bool:
    """Whether also all that matches, on whatever page, is found by a short walk."""
    whole = replace(asked, after=None, since=None, until=None)
    return end is None and (whole == asked or walk_end(session, whole) is None)


def ordered(branch: Branch, asked: Asked, limit: Any) -> Select[*tuple[Any, ...]]:
    """A branch within the bounds of time and page that hold for the statement itself, in order."""
    query = branch.query.where(*bounds(branch.sequence, asked, branch.keys), *shown(asked, branch.keys))
    return in_order(query, branch.sequence, asked, branch.keys).limit(limit)


def in_order(query: Select[Any], sequence: Any, asked: Asked, keys: Sequence[Key]) -> Select[Any]:
    """A walk along the index that begins with these columns, in the order asked for."""
    order = [one.asc() if asked.ascending else one.desc() for one in (*(column for column, _ in keys), sequence)]
    return query.order_by(Walking(order[-1], ClauseList(*order, group=False)) if keys else order[-1])


def bounds(sequence: Any, asked: Asked, keys: Sequence[Key] = ()) -> list[ColumnElement[bool]]:
    """Between which sequences a page lies: they say where the index is entered and left."""
    found: list[ColumnElement[bool]] = []
    anyone = aliased(XapiStatement)
    if asked.since is not None:
        first = select(anyone.sequence).where(anyone.stored > asked.since).order_by(anyone.stored).limit(1)
        found.append(bound(sequence, first.scalar_subquery() - DISORDER, keys, after=True))
    if asked.until is not None:
        last = select(anyone.sequence).where(anyone.stored <= asked.until).order_by(anyone.stored.desc()).limit(1)
        found.append(bound(sequence, last.scalar_subquery() + DISORDER, keys, after=False))
    if asked.after is not None:
        found.append(bound(sequence, asked.after, keys, after=asked.ascending))
    if asked.end is not None:
        found.append(bound(sequence, asked.end, keys, after=not asked.ascending))
    return found


def shown(asked: Asked, keys: Sequence[Key] = ()) -> list[ColumnElement[bool]]:
    """What must hold of a statement to be shown at all, whatever it says, beside the values of these columns."""
    found: list[ColumnElement[bool]] = [~XapiStatement.voided]
    if asked.client is not None and not known_among(XapiStatement.client_id, keys):
        found.append(aside(XapiStatement.client_id, asked.client))
    if asked.since is not None:
        found.append(XapiStatement.stored > asked.since)
    if asked.until is not None:
        found.append(XapiStatement.stored <= asked.until)
    return found


def direct_branches(asked: Asked) -> Iterable[Branch]:
    """Statements that match by themselves: one branch for each place an agent and an activity may stand in."""
    own = XapiStatement
    alone = [(own.verb_id, asked.verb), (own.registration, asked.registration)]
    for agent_table, agent in agent_places(asked):
        for activity_table, activity in activity_places(asked):
            vouched = bool(agent) and agent[0][0] is own.client_id
            mine = [] if vouched else [(own.client_id, asked.client)]
            conditions = [*agent, *activity, *((one, value) for one, value in (*alone, *mine) if value is not None)]
            keys = walked(conditions, WALKS)
            tables = [one for one in (own, agent_table, activity_table) if one is not None]
            lead = next((one for one in tables if keys and one is keys[0][0].class_), own)
            query = select(lead.sequence.label("sequence")).select_from(lead)
            for other in tables:
                if other is not lead:
                    query = query.join(other, other.sequence == lead.sequence)
            after_activity = bool(keys) and keys[0][0] is own.activity_id  # there the verb follows on PostgreSQL only
            here = [pinned(one, value, missing=after_activity and one is own.verb_id) for one, value in keys]
            others = [
                aside(column, value) if column.class_ is own else column == value  # what is joined is found by its key
                for column, value in conditions
                if not known_among(column, keys)
            ]
            if vouched:  # an authority: what it restored for others is theirs
                others.append(~from_elsewhere(lead.sequence))
            yield Branch(query.where(*here, *others), lead.sequence, keys, beside=bool(others))


# Decision 0027. Registrations and people have few statements; who may read only its own walks along no others.
WALKS: tuple[tuple[Any, ...], ...] = (
    (XapiStatement.registration,),
    (XapiStatement.actor_id, XapiStatement.verb_id),
    (XapiStatement.actor_id,),
    (XapiStatementAgent.agent_id, XapiStatementAgent.direct),
    (XapiStatement.activity_id, XapiStatement.verb_id),
    (XapiStatement.activity_id,),
    (XapiStatementActivity.activity_id,),
    (XapiStatement.client_id,),
    (XapiStatement.verb_id,),
)
LONG = (  # so many begin alike: an activity, a client, a verb, and a teacher whom every statement of the taught names
    XapiStatement.activity_id,
    XapiStatementActivity.activity_id,
    XapiStatementAgent.agent_id,
    XapiStatement.client_id,
    XapiStatement.verb_id,
)
Place = tuple[Any, list[Key]]


def agent_places(asked: Asked) -> list[Place]:
    """Where the filters agent and related_agents look: a table to join, if any, and what its columns must be."""
    if asked.agent is None:
        return [(None, [])]
    named, statement = XapiStatementAgent, XapiStatement
    places: list[Place] = [
        (None, [(statement.actor_id, asked.agent)]),
        (named, [(named.agent_id, asked.agent), (named.direct, true())]),
    ]
    if asked.related_agents:
        places.append((named, [(named.agent_id, asked.agent), (named.direct, false())]))
        seen = [one for one in asked.authorities if asked.client in {None, one}]
        places.extend((None, [(statement.client_id, client)]) for client in seen)
    return places


def activity_places(asked: Asked) -> list[Place]:
    """Where the filters activity and related_activities look."""
    if asked.activity is None:
        return [(None, [])]
    places: list[Place] = [(None, [(XapiStatement.activity_id, asked.activity)])]
    if asked.related_activities:
        places.append((XapiStatementActivity, [(XapiStatementActivity.activity_id, asked.activity)]))
    return places


# Statements about a statement that matches, however many references lie between (Comm 2.1.3, StatementRefs). A client
# that may see only what is its own learns nothing of what another's statement is about: the way ends there.


def heads_of_few(session: Session, asked: Asked, limit: int) -> list[int] | None:
    """Those about matching statements, found from these backwards; None when too many match, or are about them."""
    rows = answered(session, told_and_about, asked, 2 * FEW + 1)
    if len(rows) > 2 * FEW or len({told for told, _, _ in rows}) > FEW:
        return None
    heads = {uuid.UUID(str(head)): sequence for _, head, sequence in rows if head is not None}
    ids: Set[uuid.UUID] = heads.keys()
    while ids:
        if len(ids) + len(heads) > FEW:
            return None
        about = select(XapiStatement.statement_id, XapiStatement.sequence).where(XapiStatement.target.in_(ids))
        about = about.where(*ownership(XapiStatement, asked))
        found = dict(session.execute(about.limit(FEW + 1)).all())
        ids = found.keys() - heads.keys()
        heads |= found
    if not heads:
        return []
    sequence = XapiStatement.sequence
    among = Branch(select(sequence).where(sequence.in_(heads.values())), sequence, ())
    return list(session.scalars(ordered(among, asked, limit)))


def told_and_about(asked: Asked, limit: Any) -> Select[*tuple[Any, ...]]:
    """The statements that match by themselves, each with those about it, if there are any."""
    own = ownership(XapiStatement, asked)  # before the limit: of others there may be any number
    branches = [branch.query.where(*own).limit(FEW + 1).subquery() for branch in direct_branches(asked)]
    merged = union(*(select(one.c.sequence) for one in branches)).subquery()
    told = select(XapiStatement.statement_id).join(merged, merged.c.sequence == XapiStatement.sequence)
    few, about = told.limit(FEW + 1).subquery(), aliased(XapiStatement)
    leads = and_(about.target == few.c.statement_id, *ownership(about, asked))
    return (
        select(few.c.statement_id, about.statement_id, about.sequence)
        .select_from(few)
        .join(about, leads, isouter=True)
        .limit(limit)
    )


def heads_looked_through(
    session: Session, asked: Asked, limit: int, *, last: int | None
) -> tuple[list[int], int | None]:
    """Those about matching statements, found by looking at references in order, up to `last` or the limit.

    Beside them stands the reference that was looked at last, when there may be others beyond.
    """
    found: list[int] = []
    for _ in range(ROUNDS):
        rows = session.execute(references(asked, last)).all()
        part = {one: target for one, target, fits in rows if fits}
        lead = leading_to_matches(session, asked, part)
        found += [one for one in part if one in lead]
        if len(found) >= limit or len(rows) < AT_ONCE:
            return found[:limit], None
        asked = replace(asked, after=rows[-1][0])
    return found, asked.after


def references(asked: Asked, last: int | None) -> Select[*tuple[Any, ...]]:
    """References in order up to `last`: their targets, and whether they may be shown.

    That is no condition: of those that may not there can be any number, and a page must not walk along all of them.
    """
    sequence, target = XapiStatement.sequence, XapiStatement.target
    query = select(sequence, target, and_(*shown(asked))).where(target.is_not(None), *bounds(sequence, asked))
    if last is not None:
        query = query.where(sequence < last if asked.ascending else sequence > last)
    return query.order_by(sequence.asc() if asked.ascending else sequence.desc()).limit(AT_ONCE)


def leading_to_matches(session: Session, asked: Asked, targets: Mapping[int, uuid.UUID]) -> set[int]:
    """Those of these statements, given with their targets, from which references lead to a statement that matches."""
    told = XapiStatement
    own = ownership(told, asked)
    matches = [or_(*agent_conditions(told, asked)), or_(*activity_conditions(told, asked)), *plain_filters(told, asked)]
    lead: set[int] = set()
    passed: set[tuple[int, uuid.UUID]] = set()  # references may run in a circle: an id can be named before it comes
    for _ in range(FARTHEST):
        if not targets:
            break
        ids = set(targets.values())
        right = set(session.scalars(select(told.statement_id).where(told.statement_id.in_(ids), *matches, *own)))
        lead |= {head for head, target in targets.items() if target in right}
        further = select(told.statement_id, told.target).where(told.statement_id.in_(ids), *own)
        further = further.where(told.target.is_not(None))
        onward = {one: target for one, target in session.execute(further).all() if target is not None}
        passed |= set(targets.items())
        targets = {
            head: onward[target]
            for head, target in targets.items()
            if head not in lead and target in onward and (head, onward[target]) not in passed
        }
    return lead
