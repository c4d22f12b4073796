"""Reading the record for people: pages of entries by what people look for, one entry, and activities by title.

Each condition is answered by an index that ends in the sequence, so that a page is read in its order and no further.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, and_, case, cast, literal, null, select, union, union_all
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ClauseList

from lms.db import config_of
from lms.doors import Taught, doors_of
from lms.records.rules import fits
from lms.xapi.driver import Walking, pinned
from lms.xapi.filters import DISORDER
from lms.xapi.models import (
    XapiActivity,
    XapiAgent,
    XapiBody,
    XapiClient,
    XapiStatement,
    XapiStatementActivity,
    XapiStatementAuthority,
    XapiVerb,
)
from lms.xapi.statement import agent_digest
from lms.xapi.vocabulary import VOIDED

PAGE = 25
MOST_SEARCHED = 5_000
MOST_FOUND = 50
decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody looks for. `client` 0 stands for this system; `course` also finds what is stated within it.

    `person` is one of our people, `agent` the key of an actor of another system, who has no name here. `authority`: the
    key of somebody unknown here who vouches for what was restored from a file.

    `before` and `after` are the sequences between which the page lies: older entries, or newer ones.
    """

    statement: uuid.UUID | None = None
    person: uuid.UUID | None = None
    agent: int | None = None
    verb: str = ""
    activity: str = ""
    course: str = ""
    client: int | None = None
    authority: int | None = None
    registration: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    voided: bool | None = None
    counts: bool | None = None
    before: int | None = None
    after: int | None = None


class Entry(NamedTuple):
    """A statement as people are shown it; `definition` is the canonical one of its activity.

    `source` is the name of the client that brought it, `prefix` what that client is trusted with now. `authority` is
    the key of who vouches for it, when that is nobody known here, and `identifier` what that one is known by.
    """

    sequence: int
    statement_id: uuid.UUID
    actor_id: int
    timestamp: datetime
    stored: datetime
    client_id: int | None
    counts: bool
    voided: bool
    target: uuid.UUID | None
    body: bytes
    definition: dict[str, Any] | None
    source: str | None
    prefix: str | None
    authority: int | None
    identifier: dict[str, Any] | None

    @property
    def document(self) -> dict[str, Any]:
        """The statement."""
        found: dict[str, Any] = decode(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first; whether there are older and newer ones."""

    entries: list[Entry]
    older: bool
    newer: bool


def entries() -> Select[*tuple[Any, ...]]:
    """Entries with everything shown of them."""
    own, vouches, elsewhere = XapiStatement, XapiStatementAuthority, aliased(XapiAgent)
    return (
        select(
            own.sequence,
            own.statement_id,
            own.actor_id,
            own.timestamp,
            own.stored,
            own.client_id,
            own.counts,
            own.voided,
            own.target,
            XapiBody.body,
            XapiActivity.definition,
            XapiClient.name,
            XapiClient.activity_prefix,
            vouches.agent_id,
            elsewhere.identifier,
        )
        .join(XapiBody, XapiBody.sequence == own.sequence)
        .outerjoin(XapiActivity, XapiActivity.id == own.activity_id)
        .outerjoin(XapiClient, XapiClient.id == own.client_id)
        .outerjoin(vouches, vouches.sequence == own.sequence)
        .outerjoin(elsewhere, elsewhere.id == vouches.agent_id)
    )


def page(session: Session, sought: Sought) -> Page:
    """The entries after the one named, or the newest."""
    rising = sought.after is not None
    wanted = matching(sought, home=config_of(session).iri_base, limit=PAGE + 1).subquery()
    order = XapiStatement.sequence.asc() if rising else XapiStatement.sequence.desc()
    query = entries().join(wanted, wanted.c.sequence == XapiStatement.sequence).order_by(order)
    found = [Entry(*row) for row in session.execute(query)]
    more, shown = len(found) > PAGE, found[:PAGE]
    if rising:
        return Page(shown[::-1], older=True, newer=more)
    return Page(shown, older=more, newer=sought.before is not None)


def matching(sought: Sought, *, home: str, limit: int) -> Select[int]:
    """The sequences of the entries of a page: branches that each walk one index up to the limit, merged."""
    branches = [ordered(branch, sought, home, limit).subquery() for branch in places(sought)]
    if len(branches) == 1:
        return select(branches[0].c.sequence)
    merged = union(*(select(one.c.sequence) for one in branches)).subquery()
    order = merged.c.sequence.asc() if sought.after is not None else merged.c.sequence.desc()
    return select(merged.c.sequence).order_by(order).limit(limit)


def places(sought: Sought) -> Iterable[Select[int]]:
    """What leads: who vouches from elsewhere, or a course, as object of an entry or as what that belongs to."""
    vouches = XapiStatementAuthority
    if not sought.course and sought.authority is not None:
        yield select(vouches.sequence).join(XapiStatement, XapiStatement.sequence == vouches.sequence)
        return
    if not sought.course:
        yield select(XapiStatement.sequence)
        return
    course = key_of(XapiActivity, XapiActivity.iri == sought.course)
    yield select(XapiStatement.sequence).where(XapiStatement.activity_id == course)
    named = XapiStatementActivity
    yield (
        select(named.sequence)
        .join(XapiStatement, XapiStatement.sequence == named.sequence)
        .where(named.activity_id == course)
    )


def key_of(model: Any, which: ColumnElement[bool]) -> Any:
    """The short key of an identity, looked up by the query itself; nothing is found of what the store never met."""
    return select(model.id).where(which).scalar_subquery()


def ordered(branch: Select[int], sought: Sought, home: str, limit: int) -> Select[int]:
    """A branch with every other condition, in order."""
    sequence = branch.selected_columns[0]
    branch = branch.where(*conditions(sought, home), *moments(sought, sequence))
    if sought.authority is not None and sought.course:
        branch = branch.join(XapiStatementAuthority, XapiStatementAuthority.sequence == sequence)
    if sought.before is not None:
        branch = branch.where(sequence < sought.before)
    if sought.after is not None:
        branch = branch.where(sequence > sought.after)
    columns: list[ColumnElement[Any]] = [sequence]
    if sought.authority is not None:
        branch = branch.where(pinned(XapiStatementAuthority.agent_id, sought.authority))
        columns = [*([] if sought.course else [XapiStatementAuthority.__table__.c.agent_id]), sequence]
    order = [one.asc() if sought.after is not None else one.desc() for one in columns]
    return branch.order_by(Walking(order[-1], ClauseList(*order, group=False))).limit(limit)


def conditions(sought: Sought, home: str) -> Iterable[ColumnElement[bool]]:
    """What must hold for the statement itself."""
    own = XapiStatement
    if sought.statement is not None:
        yield own.statement_id == sought.statement
    if sought.agent is not None:
        yield own.actor_id == sought.agent
    if sought.person is not None:
        digest = agent_digest({"account": {"homePage": home, "name": str(sought.person)}})
        yield own.actor_id == key_of(XapiAgent, XapiAgent.digest == digest)
    if sought.verb:
        yield own.verb_id == key_of(XapiVerb, XapiVerb.iri == sought.verb)
    if sought.activity:
        yield own.activity_id == key_of(XapiActivity, XapiActivity.iri == sought.activity)
    if sought.client is not None:
        yield own.client_id == sought.client if sought.client else own.client_id.is_(None)
    if sought.registration is not None:
        yield own.registration == sought.registration
    if sought.voided is not None:
        yield and_(own.voided) if sought.voided else ~own.voided
    if sought.counts is not None:
        yield and_(own.counts) if sought.counts else ~own.counts


def moments(sought: Sought, sequence: ColumnElement[int]) -> Iterable[ColumnElement[bool]]:
    """The bounds of `stored`, which also bound the sequence: entries are numbered nearly as they are stored."""
    anyone = aliased(XapiStatement)
    if sought.since is not None:
        first = select(anyone.sequence).where(anyone.stored >= sought.since).order_by(anyone.stored).limit(1)
        yield XapiStatement.stored >= sought.since
        yield sequence > first.scalar_subquery() - DISORDER
    if sought.until is not None:
        last = select(anyone.sequence).where(anyone.stored <= sought.until).order_by(anyone.stored.desc()).limit(1)
        yield XapiStatement.stored <= sought.until
        yield sequence < last.scalar_subquery() + DISORDER


def one_entry(session: Session, statement_id: uuid.UUID) -> tuple[Entry, uuid.UUID | None] | None:
    """An entry by the id of its statement, with the id of the first statement of its own source that voids it."""
    own, voids = XapiStatement, aliased(XapiStatement)
    voiding = (
        select(voids.statement_id)
        .where(
            voids.target == statement_id,
            voids.verb_id == key_of(XapiVerb, XapiVerb.iri == VOIDED),
            voids.client_id.is_not_distinct_from(own.client_id),
            own.voided,
        )
        .order_by(voids.sequence)
        .limit(1)
        .correlate(own)
        .scalar_subquery()
    )
    row = session.execute(entries().add_columns(voiding).where(own.statement_id == statement_id)).one_or_none()
    return (Entry(*row[:-1]), row[-1]) if row is not None else None


def definitions(session: Session, iris: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The canonical definitions of these activities, of those that have one."""
    rows = session.execute(select(XapiActivity.iri, XapiActivity.definition).where(XapiActivity.iri.in_(set(iris))))
    return {iri: definition for iri, definition in rows if definition is not None}


def activities_found(session: Session, words: str) -> list[tuple[str, dict[str, Any]]]:
    """Activities whose title has all these words, with or without marks, in any language; the newest come first."""
    rows = session.execute(
        select(XapiActivity.iri, XapiActivity.definition)
        .where(XapiActivity.definition.is_not(None))
        .order_by(XapiActivity.id.desc())
        .limit(MOST_SEARCHED)
    )
    found = [(iri, given) for iri, given in rows if given is not None and fits(given.get("name", {}), iri, words)]
    return found[:MOST_FOUND]


def systems(session: Session) -> Sequence[XapiClient]:
    """All clients: those in use by name, then those that were revoked."""
    order = (XapiClient.revoked_at.is_not(None), XapiClient.name, XapiClient.id)
    return session.scalars(select(XapiClient).order_by(*order)).all()


def sources(session: Session) -> tuple[dict[int, str], dict[int, dict[str, Any]]]:
    """The names of all clients, in the order of `systems`, and what those are known by who vouch for something restored
    and are nobody known here; both by key.

    The latter are found in as many steps along the index as there are of them, however much they vouch for.
    """
    agent, client = XapiStatementAuthority.agent_id, XapiClient
    first = select(agent).order_by(agent).limit(1).scalar_subquery()
    met = select(first.label("agent_id")).cte("met", recursive=True)
    after = select(agent).where(agent > met.c.agent_id).order_by(agent).limit(1).correlate(met).scalar_subquery()
    met = met.union_all(select(after).where(met.c.agent_id.is_not(None)))
    nobody, revoked = cast(null(), XapiAgent.identifier.type), case((client.revoked_at.is_(None), 0), else_=1)
    clients = select(client.id, client.name, nobody.label("identifier"), revoked.label("place"))
    others = select(XapiAgent.id, literal("").label("name"), XapiAgent.identifier, literal(2).label("place"))
    both = union_all(clients, others.join(met, met.c.agent_id == XapiAgent.id)).subquery()
    rows = session.execute(select(both).order_by(both.c.place, both.c.name, both.c.id)).all()
    names = {row.id: row.name for row in rows if row.identifier is None}
    return names, {row.id: row.identifier for row in rows if row.identifier is not None}


def courses(session: Session) -> list[Taught]:
    """What is taught in this product, as the packages above say."""
    return [one for tell in doors_of(session).taught for one in tell(session)]
