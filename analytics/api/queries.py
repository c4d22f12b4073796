"""What the read API reads: the same tallies as the dashboards, and standings page by page."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, Select, and_, select, true
from sqlalchemy.orm import Session, aliased

from analytics.api.models import ApiToken
from analytics.api.rules import (
    Briefing,
    Month,
    MonthTally,
    PlacedUnit,
    Points,
    PointSums,
    PointTally,
    Standing,
    Tallies,
    Unit,
    UnitMonth,
    part_of,
    tally_of,
)
from analytics.facts.projection import Structure
from analytics.facts.queries import figures
from analytics.facts.rules import Count, total
from analytics.reports import papers
from analytics.reports.queries import Subject
from analytics.reports.rules import Line, Value
from courses.briefings import models as briefings
from courses.briefings.queries import titles_of
from courses.briefings.rules import Stand, standing_words
from courses.enrolment import models as enrolment
from lms.accounts.models import Person
from lms.clock import day_of
from lms.organisation import models as organisation
from lms.organisation.models import STATE_TREE, UnitClosure, UnitEdge
from lms.organisation.queries import OnDay, holds_on, subtree

Placed: TypeAlias = list[PlacedUnit]
ABOVE = aliased(organisation.Unit)


def tokens() -> Select[ApiToken]:
    """All tokens: those in use by name, then those that were revoked."""
    return select(ApiToken).order_by(ApiToken.revoked_at.is_not(None), ApiToken.name, ApiToken.id)


def opened(token: ApiToken, *, on: date) -> Any:
    """Whether a unit is one that the token opens."""
    return organisation.Unit.id.in_(subtree(token.unit_id, on=on)) if token.unit_id is not None else true()


def briefings_of(session: Session, token: ApiToken, *, after: str, limit: int, on: date) -> list[Briefing]:
    """Briefings on whose roll people of the token's units are, by code after that one."""
    somebody = select(briefings.Standing.briefing_id)
    if token.unit_id is not None:
        somebody = somebody.where(briefings.Standing.unit_id.in_(subtree(token.unit_id, on=on)))
    query = (
        select(enrolment.Briefing)
        .where(enrolment.Briefing.code > after, enrolment.Briefing.id.in_(somebody))
        .order_by(enrolment.Briefing.code)
        .limit(limit)
    )
    found = session.scalars(query).all()
    titles = titles_of(session, found)
    return [
        Briefing(one.code, titles[one.id][0], list(one.documents), one.plain, one.opened_at, one.closed_at)
        for one in found
    ]


def units_then(session: Session, seen: Collection[int] | None, wanted: Structure, *, after: str, limit: int) -> Placed:
    """The units of the tree of that day, as called then, of those that are `seen` (None: all), by code after that one.

    None of them stands below one that is not.
    """
    on, edge, above = wanted.on, UnitEdge, ABOVE.id
    one, words, stands = organisation.Unit, organisation.UnitName, UnitClosure
    dated = [edge.tree == wanted.tree, holds_on(on, edge.valid_from, edge.valid_to)]
    query = (
        select(one.public_id, words.code, words.name, ABOVE.public_id)
        .join(words, and_(words.unit_id == one.id, holds_on(on, words.valid_from, words.valid_to)))
        .join(stands, and_(stands.descendant_id == one.id, stands.ancestor_id == one.id, stands.tree == wanted.tree))
        .outerjoin(edge, and_(edge.child_id == one.id, *dated))
        .outerjoin(ABOVE, and_(above == edge.parent_id, above.in_(seen) if seen is not None else true()))
        .where(words.code > after, holds_on(on, stands.valid_from, stands.valid_to), one.undone.is_(False))
        .order_by(words.code)
        .limit(limit)
    )
    if seen is not None:
        query = query.where(one.id.in_(seen))
    return [PlacedUnit(*row) for row in session.execute(query)]


def units_of(session: Session, token: ApiToken, *, after: str, limit: int, on: date) -> Placed:
    """The units of today that the token opens, by code after that one."""
    one, edge = organisation.Unit, UnitEdge
    placed = and_(edge.child_id == one.id, edge.tree == STATE_TREE, holds_on(on, edge.valid_from, edge.valid_to))
    query = (
        select(one.id, one.public_id, one.code, one.name, ABOVE.public_id)
        .outerjoin(edge, placed)
        .outerjoin(ABOVE, ABOVE.id == edge.parent_id)
        .where(
            one.code > after, holds_on(on, one.valid_from, one.valid_to), one.undone.is_(False), opened(token, on=on)
        )
        .order_by(one.code)
        .limit(limit)
    )
    return [
        PlacedUnit(public_id, code, name, None if own == token.unit_id else parent)
        for own, public_id, code, name, parent in session.execute(query)
    ]


def tallies(
    session: Session,
    briefing: enrolment.Briefing,
    unit: organisation.Unit | OnDay,
    by: Structure,
    *,
    untold: Collection[str],
    now: datetime,
) -> Tallies:
    """The figures of a unit as its dashboard shows them, but for what is `untold`; units one may not look at only where
    they have people.
    """
    found = figures(session, unit, briefing.id, by, Count, now=by.until or now, seen=by.seen)
    parts = [one for one in found.branches if one.open or one.count.roll]
    return Tallies(
        briefing=briefing.code,
        unit=Unit(unit.public_id, unit.code, unit.name),
        on=by.on,
        tree=by.tree,
        until=day_of(by.until) if by.until is not None else None,
        category=by.category or None,
        total=tally_of(total(parts, Count), untold),
        parts=[part_of(one, untold) for one in parts],
    )


def points(session: Session, of: Subject, code: str) -> Points:
    """Biểu 03 of the subject, without the names of who took the rolls."""
    paper = papers.by_point(session, of)
    items = [PointTally(uuid.UUID(one.key), **told_of_point(one.cells), **sums_of(one)) for one in paper.lines]
    total = PointSums(**sums_of(paper.total))
    return Points(code, *asked_of(of), total, items)


def told_of_point(cells: Mapping[str, Value]) -> dict[str, Any]:
    """What a point is called, and since when it was connected."""
    connected = datetime.fromisoformat(str(cells["connected"])) if cells["connected"] else None
    return {"connected_at": connected, **{name: cells[name] for name in ("name", "host_unit", "sitting")}}


def sums_of(line: Line | None) -> dict[str, Any]:
    """The counts of a row of Biểu 03."""
    cells = line.cells if line is not None else {}
    counts = {name: cells.get(name, 0) for name in ("summoned", "present")}
    missed = {"missed_with_reason": cells.get("excused", 0), "missed_without_reason": cells.get("unexcused", 0)}
    return {**counts, **missed}


def month(session: Session, of: Subject, period: str) -> Month:
    """Biểu 05 of the subject."""
    paper = papers.monthly(session, of, period)
    parts = []
    for one in paper.lines:
        key, _space, itself = one.key.partition(" ")
        parts.append(UnitMonth(uuid.UUID(key), str(one.cells["name"]), bool(itself), tally_of_month(one)))
    return Month(period, *asked_of(of), tally_of_month(paper.total), parts)


def tally_of_month(line: Line | None) -> MonthTally:
    """A row of Biểu 05."""
    cells: dict[str, Any] = dict(line.cells) if line is not None else {}
    briefed, members = cells["member_rate"] or (None, None)
    same = {name: cells[name] for name in ("conferences", "took_part", "staff", "digital")}
    return MonthTally(**same, documents_given=cells["documents"], members_called=members, members_briefed=briefed)


def asked_of(of: Subject) -> tuple[Unit, date, str, date | None, str | None]:
    """Of what figures were asked, as every answer says it: unit, day and tree of the structure, last day, category."""
    by = of.by
    until = day_of(by.until) if by.until is not None else None
    return Unit(of.unit.public_id, of.unit.code, of.unit.name), by.on, by.tree, until, by.category or None


def standings(
    session: Session,
    briefing: enrolment.Briefing,
    unit: organisation.Unit | OnDay,
    by: Structure,
    *,
    after: uuid.UUID | None,
    limit: int,
    names: bool,
    now: datetime,
) -> list[Standing]:
    """Where people of the unit and below stand, by their opaque ids after that one."""
    words, query = by.listed(by.below(unit.id), briefing.id)
    called = (one.label(name) for name, one in zip(("unit", "code", "name"), words, strict=True))
    query = (
        query.with_only_columns(*briefings.Standing.__table__.c, Person.public_id, Person.full_name, *called)
        .order_by(Person.public_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Person.public_id > after)
    return [told(row, names=names, now=now) for row in session.execute(query)]


def told(row: Row[*tuple[Any, ...]], *, names: bool, now: datetime) -> Standing:
    """A standing as it is answered; the name only where it may be."""
    stand = Stand(state=row.state, absence=row.absence)
    return Standing(
        person=row.public_id,
        name=row.full_name if names else None,
        unit=Unit(row.unit, row.code, row.name),
        standing=standing_words(stand, exempt=row.exempt, due_at=row.due_at, now=now),
        way=row.way,
        due_at=row.due_at,
        started_at=row.started_at,
        briefed_at=row.briefed_at,
        completed_at=row.completed_at,
        score=row.score,
    )


def keys_after(items: Sequence[Any], limit: int, key: str) -> str | None:
    """The key of the last item, when there may be more behind it."""
    return str(getattr(items[-1], key)) if len(items) == limit else None


def tokens_called(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """The names of tokens, by their opaque ids (`called` in lms/doors.py)."""
    known = ApiToken.public_id.in_([uuid.UUID(one) for one in ids])
    return {str(own): name for own, name in session.execute(select(ApiToken.public_id, ApiToken.name).where(known))}
