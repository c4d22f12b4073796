"""From which day the days of a relative due date count for people who have moved, or whose units have changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from courses.enrolment.models import Assignment, AssignmentHandover
from courses.enrolment.rules import Given, Held, PastReach, Stay
from lms.accounts.models import Membership
from lms.clock import day_of
from lms.organisation.models import Unit, UnitClosure

BATCH = 10_000
"""Ids handed to the database in one statement; both allow some thirty thousand."""


def batches(person_ids: Collection[int] | Select[int] | None) -> Iterable[Collection[int] | Select[int] | None]:
    """The ids in pieces that a statement takes; what is no list of ids as it is."""
    return (person_ids,) if person_ids is None or isinstance(person_ids, Select) else pieces(person_ids)


def pieces(ids: Collection[int]) -> Iterator[list[int]]:
    """Each of the ids once, in such pieces."""
    known = sorted(set(ids))
    return (known[start : start + BATCH] for start in range(0, len(known), BATCH))


Due: TypeAlias = tuple[datetime | None, int | None]
"""When an assignment is due: at a moment, or after so many days."""

Place: TypeAlias = tuple[int, int]
"""A briefing and somebody on its roll, by their ids."""


def begun(session: Session, rows: Iterable[Any], dues: Mapping[int, Due], *, on: date) -> dict[Place, date]:
    """For those rows of `queries.on_the_roll` of that day that are due after some days, by `dues` or else as assigned,
    the day from which these count (`rules.PastReach`).

    No statement where nothing is due so; none but the first where nobody came later than the assignment.
    """
    own = [row for row in rows if dues.get(row.assignment_id, (None, row.due_days))[1] is not None]
    if not own:
        return {}
    passed, took_over = handed_on(session, {row.briefing_id for row in own})
    found, later = dict[Place, date](), dict[Place, int]()
    for row in own:
        place, given_on = (row.briefing_id, row.person_id), day_of(row.assigned_at)
        found[place] = max(given_on, row.since)
        if row.since > given_on or row.assignment_id in took_over:
            later[place] = row.assignment_id
    return found | walked_back(session, later, passed, on=on) if later else found


def handed_on(session: Session, briefing_ids: Collection[int]) -> tuple[dict[int, list[int]], set[int]]:
    """The units to which assignments of these briefings have passed on, by their ids; the ids of those begun by it."""
    query = (
        select(AssignmentHandover.assignment_id, AssignmentHandover.to_unit_id, AssignmentHandover.begun_id)
        .join(Assignment, Assignment.id == AssignmentHandover.assignment_id)
        .where(Assignment.briefing_id.in_(briefing_ids))
    )
    passed, took_over = dict[int, list[int]](), set[int]()
    for assignment_id, unit_id, begun_id in session.execute(query):
        if unit_id is not None:
            passed.setdefault(assignment_id, []).append(unit_id)
        if begun_id is not None:
            took_over.add(begun_id)
    return passed, took_over


def walked_back(
    session: Session, places: Mapping[Place, int], passed: Mapping[int, list[int]], *, on: date
) -> dict[Place, date]:
    """The day for each of these, by the assignment that holds there."""
    given = assignments(session, {briefing_id for briefing_id, _person in places}, passed)
    stays = stays_of(session, {person_id for _briefing, person_id in places})
    reach = PastReach(given, held_under(session, {one.unit_id for one in given.values()}))
    return {
        place: reach.days_count_from(own, stays.get((place[1], given[own].tree), ()), on)
        for place, own in places.items()
    }


def assignments(session: Session, briefing_ids: Collection[int], passed: Mapping[int, list[int]]) -> dict[int, Given]:
    """Every assignment of these briefings, those that ended too."""
    columns = Assignment.id, Assignment.unit_id, Assignment.tree, Assignment.assigned_at, Assignment.withdrawn_at
    query = select(*columns, Assignment.due_days, Assignment.briefing_id)
    return {
        own: Given(
            unit_id,
            tree,
            day_of(assigned_at),
            day_of(withdrawn_at) if withdrawn_at is not None else None,
            tuple(passed.get(own, ())) if due_days is not None else (),
            briefing_id,
        )
        for own, unit_id, tree, assigned_at, withdrawn_at, due_days, briefing_id in session.execute(
            query.where(Assignment.briefing_id.in_(briefing_ids))
        )
    }


def stays_of(session: Session, person_ids: Collection[int]) -> dict[tuple[int, str], list[Stay]]:
    """Where these people were counted from which day on, and before which, by person and tree."""
    columns = Membership.person_id, Membership.tree, Membership.unit_id, Membership.valid_from, Membership.valid_to
    found = dict[tuple[int, str], list[Stay]]()
    for ids in pieces(person_ids):
        query = select(*columns).join(Unit, Unit.id == Membership.unit_id).where(Unit.counted)
        query = query.where(Membership.kind == "main", Membership.person_id.in_(ids))
        for person_id, tree, unit_id, since, until in session.execute(query):
            found.setdefault((person_id, tree), []).append(Stay(unit_id, since, until))
    return found


def held_under(session: Session, unit_ids: Collection[int]) -> Held:
    """When which units stood at or below these, by tree, the unit above and the one below."""
    closure, found = UnitClosure, dict[tuple[str, int, int], list[tuple[date, date | None]]]()
    columns = closure.tree, closure.ancestor_id, closure.descendant_id, closure.valid_from, closure.valid_to
    for ids in pieces(unit_ids):
        for tree, above, below, since, until in session.execute(select(*columns).where(closure.ancestor_id.in_(ids))):
            found.setdefault((tree, above, below), []).append((since, until))
    return found
