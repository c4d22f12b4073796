"""Standings follow from the roll, progress and policy; whoever keeps count is told of every change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row as RollRow
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from courses.briefings.models import Standing
from courses.briefings.queries import standing_of
from courses.briefings.rules import POLICIES, furthest, stand
from courses.enrolment import queries as enrolment
from courses.enrolment.actions import RollChanged
from courses.enrolment.models import Assignment
from courses.learning import queries as learning
from courses.learning.projector import ProgressChanged, ProgressProjection, records_of
from courses.learning.rules import Record
from lms import clock
from lms.accounts import queries as accounts
from lms.accounts.actions import PeopleMoved
from lms.accounts.models import PersonLink
from lms.clock import day_of
from lms.db import lock_roll
from lms.doors import Expected, Row, tell
from lms.organisation.actions import OrganisationChanged
from lms.outbox.actions import settle_day

COLUMNS = ("unit_id", "assignment_id", "state", "started_at", "briefed_at", "completed_at")


@dataclass(frozen=True, slots=True)
class StandingChange:
    """A person came to (after), left (before), or changed state at a unit under an assignment. None: was not there."""

    course_id: int
    unit_id: int
    assignment_id: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class StandingsChanged:
    """Told whenever standings change, with every single change."""

    changes: tuple[StandingChange, ...]


def project_standing(session: Session, event: ProgressChanged) -> None:
    """Bring one person's standing to where the progress now is. Somebody not on the roll has none.

    The policy is that of the assignment under which the person stands: only one of the statements below finds a row.
    Whoever has several records stands where the furthest of them does.
    """
    linked = accounts.all_links().where(PersonLink.person_id == event.person_id).exists()
    for policy in POLICIES.values():
        old, new = stand(policy, event.before), stand(policy, event.after)
        if old == new:
            continue
        under = select(Assignment.id).where(Assignment.policy_version == policy.number)
        row = session.execute(
            update(Standing)
            .where(Standing.course_id == event.course_id, Standing.person_id == event.person_id, ~linked)
            .where(Standing.assignment_id.in_(under))
            .values(**asdict(new))
            .returning(Standing.unit_id, Standing.assignment_id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if row is not None:
            if old.state != new.state:
                change = StandingChange(event.course_id, row.unit_id, row.assignment_id, old.state, new.state)
                tell(session, StandingsChanged((change,)))
            return
    project_linked(session, event)


def project_linked(session: Session, event: ProgressChanged) -> None:
    """The standing of somebody of whom there are several records, when the progress of one of them has changed.

    The row is locked before the other records are read: whoever comes second sees what the first has written.
    """
    kept = {person_id for _duplicate, person_id in session.execute(accounts.links_of([event.person_id]))}
    if not kept:
        return
    [person_id] = kept
    mine = select(Standing).where(Standing.course_id == event.course_id, Standing.person_id == person_id)
    row = session.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if row is None:
        return
    policy = session.scalars(select(Assignment.policy_version).where(Assignment.id == row.assignment_id)).one()
    roll = [(person_id, row.unit_id, row.assignment_id, policy)]
    records, linked = known_of(session, event.course_id, (person_id,))
    expected = standings_of(session, event.course_id, roll, records, linked)
    actual: dict[int, Row] = {person_id: {name: getattr(row, name) for name in COLUMNS}}
    write(session, event.course_id, expected, actual)
    change = changed(event.course_id, actual[person_id], expected[person_id])
    tell(session, StandingsChanged(tuple(one for one in change if one.before != one.after)))


def people_moved(session: Session, event: PeopleMoved) -> None:
    """Those who came, went or changed unit: their standings in every course that is assigned anywhere."""
    for course_id in session.scalars(select(Assignment.course_id).distinct()).all():
        settle_standings(session, course_id, person_ids=event.person_ids)


def roll_changed(session: Session, event: RollChanged) -> None:
    """An assignment was given or withdrawn: everybody's standing in that course is looked at again."""
    settle_standings(session, event.course_id)


def organisation_changed(session: Session, event: OrganisationChanged) -> None:
    """Units stand elsewhere from that day on: when it has come, everybody's standings are looked at again."""
    if event.on <= clock.today():
        day_begun(session, event.on)


def day_begun(session: Session, _today: date) -> None:
    """Memberships and units begin and end with the day: bring all standings to its roll."""
    for course_id in session.scalars(select(Assignment.course_id).distinct()).all():
        settle_standings(session, course_id)


def settle_standings(session: Session, course_id: int, *, person_ids: Iterable[int] | None = None) -> None:
    """Compute the standings of these people (None: of all) anew and write what differs.

    All standings are of one day: on a new one everybody's are settled first.
    """
    people = tuple(person_ids) if person_ids is not None else None
    lock_roll(session)
    expected = expected_standings(session, course_id, people, on=settle_day(session))
    actual = actual_standings(session, course_id, people)
    changes = []
    for person_id in sorted(expected.keys() | actual.keys()):
        old, new = actual.get(person_id), expected.get(person_id)
        if old != new:
            changes += changed(course_id, old, new)
    write(session, course_id, expected, actual)
    if changes:
        tell(session, StandingsChanged(tuple(changes)))


def changed(course_id: int, old: Row | None, new: Row | None) -> list[StandingChange]:
    """What a change of one person's row means for the units that count it."""
    if old and new and (old["unit_id"], old["assignment_id"]) == (new["unit_id"], new["assignment_id"]):
        return [StandingChange(course_id, new["unit_id"], new["assignment_id"], old["state"], new["state"])]
    left = [StandingChange(course_id, old["unit_id"], old["assignment_id"], old["state"], None)] if old else []
    came = [StandingChange(course_id, new["unit_id"], new["assignment_id"], None, new["state"])] if new else []
    return left + came


Links = Mapping[int, Sequence[int]]
"""Whose duplicates, by the id of the record that counts."""


def expected_standings(
    session: Session, course_id: int, person_ids: tuple[int, ...] | None, *, on: date
) -> dict[int, Row]:
    """Standings by person, from the roll of that day and progress as it stands."""
    records, linked = known_of(session, course_id, person_ids)
    roll = enrolment.roll(session, course_id, on=on, person_ids=person_ids)
    return standings_of(session, course_id, roll, records, linked)


def known_of(
    session: Session, course_id: int, person_ids: tuple[int, ...] | None
) -> tuple[Mapping[tuple[int, int], Record], Links]:
    """What these people (None: all) have done in the course, and with which other records each is one person."""
    if person_ids is None or len(person_ids) > 500:
        return learning.all_records(session, course_id), by_kept(session.execute(accounts.all_links()))
    linked = by_kept(session.execute(accounts.links_of(person_ids)))
    everybody = {*person_ids, *(other for others in linked.values() for other in others)}
    return learning.records(session, [(person_id, course_id) for person_id in sorted(everybody)]), linked


def by_kept(rows: Iterable[RollRow[int, int]]) -> Links:
    """Links by the record that counts."""
    found: dict[int, list[int]] = {}
    for duplicate, person_id in rows:
        found.setdefault(person_id, []).append(duplicate)
    return found


def standings_of(
    session: Session,
    course_id: int,
    roll: Iterable[Sequence[int]],
    records: Mapping[tuple[int, int], Record],
    linked: Links,
) -> dict[int, Row]:
    """Standings by person: of everyone on this roll, with these records, each under the policy of the assignment."""
    found: dict[int, Row] = {}
    for person_id, unit_id, assignment_id, policy in roll:
        own = (person_id, *linked.get(person_id, ()))
        stands = [standing_of(session, POLICIES[policy], records.get((one, course_id))) for one in own]
        come = stands[0] if len(stands) == 1 else furthest(stands)
        found[person_id] = {"unit_id": unit_id, "assignment_id": assignment_id, **asdict(come)}
    return found


def actual_standings(session: Session, course_id: int, person_ids: tuple[int, ...] | None) -> dict[int, Row]:
    """Standings by person, as they stand."""
    query = select(Standing).where(Standing.course_id == course_id).execution_options(populate_existing=True)
    if person_ids is not None and len(person_ids) <= 500:
        query = query.where(Standing.person_id.in_(person_ids))
    rows = {one.person_id: {name: getattr(one, name) for name in COLUMNS} for one in session.scalars(query)}
    wanted = set(person_ids) if person_ids is not None else rows.keys()
    return {person_id: row for person_id, row in rows.items() if person_id in wanted}


def write(session: Session, course_id: int, expected: Mapping[int, Row], actual: Mapping[int, Row]) -> None:
    """Insert, change and remove rows so that the table says what is expected."""
    new = [{"course_id": course_id, "person_id": p, **row} for p, row in expected.items() if p not in actual]
    other = [
        {"course_id": course_id, "person_id": p, **row}
        for p, row in expected.items()
        if p in actual and actual[p] != row
    ]
    gone = [p for p in actual if p not in expected]
    if new:
        session.execute(insert(Standing), new)
    if other:
        session.execute(update(Standing), other)
    for start in range(0, len(gone), 500):
        session.execute(
            delete(Standing)
            .where(Standing.course_id == course_id, Standing.person_id.in_(gone[start : start + 500]))
            .execution_options(synchronize_session=False)
        )


class StandingProjection:
    """All standings, computed anew from the roll of a day and the progress that is expected."""

    name = "standings"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By course and person."""
        records = records_of(below[ProgressProjection.name])
        linked = by_kept(session.execute(accounts.all_links()))
        on = day_of(now)
        courses = session.scalars(select(Assignment.course_id).distinct()).all()
        return {
            (course_id, person_id): row
            for course_id in courses
            for person_id, row in standings_of(
                session, course_id, enrolment.roll(session, course_id, on=on), records, linked
            ).items()
        }

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By course and person."""
        return {
            (one.course_id, one.person_id): {name: getattr(one, name) for name in COLUMNS}
            for one in session.scalars(select(Standing))
        }

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty the table and write what is expected."""
        session.execute(delete(Standing))
        rows = [{"course_id": course, "person_id": person, **row} for (course, person), row in expected.items()]
        if rows:
            session.execute(insert(Standing), rows)
