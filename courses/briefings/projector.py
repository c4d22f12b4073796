"""Standings follow from the roll, evidence and policy; whoever keeps count is told of every change."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import repeat
from operator import is_, itemgetter
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from courses.briefings import projection, queries
from courses.briefings.models import FrozenPerson, MeetingPoint, Standing
from courses.briefings.projection import BriefingRecordProjection
from courses.briefings.queries import (
    STANDINGS_IN_BRIEFING,
    Known,
    actual_standings,
    line_of,
    lines_of,
    row_of,
    sittings_from,
    standings_of,
    standings_of_people,
)
from courses.briefings.rules import (
    COLUMNS,
    PLAIN,
    ROLL_COLUMNS,
    Evidence,
    Line,
    policy_of,
    row_of_line,
    stand,
    values_of,
)
from courses.enrolment import queries as enrolment
from courses.enrolment.actions import RollChanged
from courses.enrolment.models import Briefing
from courses.learning.projector import ProgressChanged, ProgressProjection, records_of
from lms import clock
from lms.accounts import queries as accounts
from lms.accounts.actions import PeopleMoved
from lms.accounts.models import PersonLink
from lms.clock import day_of
from lms.db import config_of, lock_people, lock_roll
from lms.doors import Expected, Row, Rows, tell
from lms.organisation.actions import OrganisationChanged
from lms.organisation.projector import Staying
from lms.outbox.actions import settle_day
from lms.xapi.projection import StatementsRecorded, StatementsVoided, recorded_about

RECORDS_OF_UNITS = Staying([("points", MeetingPoint.unit_id), ("rolls", FrozenPerson.unit_id)])


@dataclass(frozen=True, slots=True)
class StandingChange:
    """The standing of a person in a briefing, before and after: the columns of `Standing`. None: had none, has none."""

    briefing_id: int
    person_id: int
    before: Row | None
    after: Row | None


@dataclass(frozen=True, slots=True)
class StandingsChanged:
    """Told whenever standings change, with every single change."""

    changes: tuple[StandingChange, ...]


def project_records(session: Session, event: StatementsRecorded) -> None:
    """Fold new statements about meeting points and reflections, and bring standings to where they now are."""
    heard = projection.heard_of(session, event.statements)
    if not heard:
        return
    people = {one.person_id for one in heard}
    lock_people(session, people)
    names = projection.names_heard(heard)
    rows = projection.rows_of(session, people, names=names)
    before = dict(rows)
    projection.folded(config_of(session).iri_base, heard, rows)
    projection.write(session, {key: row for key, row in rows.items() if before.get(key) != row})
    restand(session, projection.own_ids(heard), rows if names == {"attendance"} else None)


def take_back_records(session: Session, event: StatementsVoided) -> None:
    """Compute anew what is known of those whose statements count no more, and bring their standings there."""
    heard = projection.heard_of(session, event.statements)
    if not heard:
        return
    people = {one.person_id for one in heard}
    lock_people(session, people)
    gone = [one.account for one in event.statements]
    left = [one for one in projection.heard_of(session, recorded_about(session, gone)) if one.person_id in people]
    after: dict[projection.Key, Row] = {}
    projection.folded(config_of(session).iri_base, left, after)
    for key in projection.rows_of(session, people).keys() - after.keys():
        model, (first, second) = projection.TABLES[key[0]]
        table = model.__table__.c
        session.execute(delete(model).where(table[first] == key[1], table[second] == key[2]))
    projection.write(session, after)
    restand(session, projection.own_ids(heard))


def project_standing(session: Session, event: ProgressChanged) -> None:
    """Bring one person's standings in the briefings on a course to where the progress now is.

    Somebody on no roll has none. Whoever has several records stands where all of them together lead.
    """
    changes, elsewhere = stood_plainly(session, event)
    if elsewhere:
        rows = session.execute(standings_of_people([event.person_id], course_id=event.course_id)).all()
        for row, briefing, category, party, _joins in rows:
            if not (changes and briefing.id == changes[0].briefing_id):
                known = queries.known(session, briefing, [row.person_id])
                others = stood(row, briefing, category, party, known)
                move(session, others)
                changes += others
    if changes:
        tell(session, StandingsChanged(tuple(changes)))


def stood_plainly(session: Session, event: ProgressChanged) -> tuple[list[StandingChange], bool]:
    """The change of a standing where a course was merely assigned to somebody with one record: one statement.

    What it was before follows from the progress before. And whether there may be other standings to look at.
    """
    old, new = (stand(PLAIN, "", Evidence(online)) for online in (event.before, event.after))
    of_course = Briefing.course_id == event.course_id
    others = select(Briefing.id).where(of_course, or_(~Briefing.plain, Briefing.policy_number > 1)).exists()
    row = session.execute(
        update(Standing)
        .where(Standing.person_id == event.person_id, ~Standing.leave, ~joins_others(event.person_id))
        .where(
            Standing.briefing_id.in_(select(Briefing.id).where(of_course, Briefing.plain, Briefing.policy_number == 1))
        )
        .values(**values_of(new))
        .returning(
            *(Standing.__table__.c[name] for name in ("briefing_id", *ROLL_COLUMNS, "member")), others.label("others")
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return [], True
    place = {name: getattr(row, name) for name in (*ROLL_COLUMNS, "member")}
    before, after = {**place, **values_of(old)}, {**place, **values_of(new)}
    change = [StandingChange(row.briefing_id, event.person_id, before, after)] if before != after else []
    return change, row.others


def joins_others(person_id: int) -> ColumnElement[bool]:
    """Whether this record is one of several of a person: the others must be looked at too."""
    either = or_(PersonLink.duplicate_id == person_id, PersonLink.person_id == person_id)
    return accounts.all_links().where(either).exists()


def restand(session: Session, people: Mapping[int, Collection[int]], attended: Mapping[Any, Row] | None = None) -> None:
    """Bring the standings of these people, by briefing, to where what is known of them now leads.

    `attended`: all rows of attendance of these people, where the caller has them: they are not read again.
    """
    changes: list[StandingChange] = []
    for briefing_id, ids in sorted(people.items()):
        rows = session.execute(STANDINGS_IN_BRIEFING, {"briefing": briefing_id, "people": list(ids)}).all()
        if rows:
            alone = all(one.person_id in ids and not joins for one, *_, joins, _, _ in rows)
            if attended is not None and alone:
                known = queries.known_alone(session, rows, attended)
            else:
                known = queries.known(session, rows[0][1], [row.person_id for row, *_ in rows])
            for row, briefing, category, party, *_ in rows:
                changes += stood(row, briefing, category, party, known)
    move(session, changes)
    if changes:
        tell(session, StandingsChanged(tuple(changes)))


def stood(row: Standing, briefing: Briefing, category: str, party: str, known: Known) -> list[StandingChange]:
    """Where a person now stands, when that is elsewhere; the roll is as it was."""
    before = row_of(row)
    place = tuple(before[name] for name in ROLL_COLUMNS)
    after = row_of_line(line_of(briefing, policy_of(briefing.policy), row.person_id, category, party, place, known))
    return [StandingChange(briefing.id, row.person_id, before, after)] if after != before else []


def move(session: Session, changes: Iterable[StandingChange]) -> None:
    """Write what changed of standings that stay: one statement for all in which the same columns did."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in changes:
        before, after = one.before or {}, one.after or {}
        changed = {name: value for name, value in after.items() if before[name] != value}
        row = {"briefing": one.briefing_id, "person": one.person_id, **changed}
        alike.setdefault(tuple(changed), []).append(row)
    for rows in alike.values():
        session.execute(OF_ONE, rows)


OF_ONE = update(cast(Table, Standing.__table__)).where(
    Standing.__table__.c.briefing_id == bindparam("briefing"), Standing.__table__.c.person_id == bindparam("person")
)
"""Brings a standing to the values it is given; made once."""


def people_moved(session: Session, event: PeopleMoved) -> None:
    """Those who came, went or changed unit: their standings in every briefing that is given to anybody."""
    for briefing_id in briefings_given(session):
        settle_briefing(session, briefing_id, person_ids=event.person_ids)


def roll_changed(session: Session, event: RollChanged) -> None:
    """A briefing was given to a unit or withdrawn, or something was decided: its standings are looked at again."""
    settle_briefing(session, event.briefing_id, person_ids=event.people)


def organisation_changed(session: Session, event: OrganisationChanged) -> None:
    """Units stand elsewhere from that day on: when it has come, everybody's standings are looked at again."""
    if event.on <= clock.today():
        day_begun(session, event.on)


def day_begun(session: Session, _today: date) -> None:
    """Memberships and units begin and end with the day: bring all standings to its roll."""
    for briefing_id in briefings_given(session):
        settle_briefing(session, briefing_id)


def briefings_given(session: Session) -> list[int]:
    """The ids of all briefings, those that are closed too: what is counted in them follows people."""
    return list(session.scalars(select(Briefing.id).order_by(Briefing.id)))


def settle_briefing(session: Session, briefing_id: int, *, person_ids: Iterable[int] | None = None) -> None:
    """Compute the standings of these people (None: of all) anew and write what differs.

    All standings are of one day: on a new one everybody's are settled first.
    """
    people = tuple(person_ids) if person_ids is not None else None
    lock_roll(session)
    on = settle_day(session)
    briefing = session.get_one(Briefing, briefing_id)
    roll = enrolment.roll(session, briefing_id, on=on, person_ids=people)
    expected = standings_of(briefing, roll, queries.known(session, briefing, people))
    actual = actual_standings(session, briefing_id, people)
    changes = [
        StandingChange(briefing_id, person_id, actual.get(person_id), expected.get(person_id))
        for person_id in sorted(expected.keys() | actual.keys())
        if actual.get(person_id) != expected.get(person_id)
    ]
    write(session, briefing_id, expected, actual)
    if changes:
        tell(session, StandingsChanged(tuple(changes)))


def write(session: Session, briefing_id: int, expected: Mapping[int, Row], actual: Mapping[int, Row]) -> None:
    """Insert, change and remove rows so that the table says what is expected."""
    rows = {p: {"briefing_id": briefing_id, "person_id": p, **row} for p, row in expected.items()}
    new = [row for p, row in rows.items() if p not in actual]
    other = [row for p, row in rows.items() if p in actual and actual[p] != expected[p]]
    gone = [p for p in actual if p not in expected]
    if new:
        session.execute(insert(Standing), new)
    if other:
        session.execute(update(Standing), other)
    for start in range(0, len(gone), 500):
        session.execute(
            delete(Standing)
            .where(Standing.briefing_id == briefing_id, Standing.person_id.in_(gone[start : start + 500]))
            .execution_options(synchronize_session=False)
        )


def rows_of_line(key: tuple[int, int], line: Line) -> Mapping[Any, Row]:
    """The row that such a line says of a briefing and a person."""
    return {key: row_of_line(line)}


def alike(
    standings: Mapping[Any, Row], exactly: Sequence[str], whether: Sequence[str]
) -> Iterator[tuple[int, Row, int]]:
    """Those that `StandingProjection` expects, put together where they say the same of a briefing in the columns
    `exactly` and have, or lack, the same of `whether`: the briefing, one of them, and how many they are.

    What is counted of very many people is counted of a few times as many units then.
    """
    same, there = (itemgetter(*(COLUMNS.index(name) for name in names)) for names in (exactly, whether))
    some: dict[tuple[Any, ...], Line] = {}
    number: dict[tuple[Any, ...], int] = {}
    for (briefing_id, _person_id), line in cast(Rows, standings).lines.items():
        key = (briefing_id, same(line), *map(is_, there(line), repeat(None)))
        known = number.get(key, 0)
        number[key] = known + 1
        if not known:
            some[key] = line
    for key, line in some.items():
        yield key[0], row_of_line(line), number[key]


class StandingProjection:
    """All standings, computed anew from the roll of a day and the progress and records that are expected."""

    name = "standings"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """By briefing and person."""
        records = records_of(below[ProgressProjection.name])
        told = below[BriefingRecordProjection.name]
        reached = {
            (person_id, course_id): queries.reach(session, record) for (person_id, course_id), record in records.items()
        }
        links = queries.by_kept(session.execute(accounts.all_links()))
        found: dict[tuple[int, int], Line] = {}
        for briefing in session.scalars(select(Briefing).order_by(Briefing.id)).all():
            known = Known(
                online={one: come for (one, course_id), come in reached.items() if course_id == briefing.course_id},
                sittings=sittings_from(session, briefing, told) if not briefing.plain else {},
                reflections={
                    person_id: (row["submitted_at"], row["accepted_at"])
                    for (kind, briefing_id, person_id), row in told.items()
                    if kind == "reflection" and briefing_id == briefing.id and not briefing.plain
                },
                links=links,
            )
            roll = enrolment.roll(session, briefing.id, on=day_of(now))
            lines = lines_of(briefing, roll, known)
            found |= {(briefing.id, person_id): line for person_id, line in lines.items()}
        return Rows(found, rows_of_line)

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """By briefing and person."""
        table = Standing.__table__.c
        columns = (table.briefing_id, table.person_id, *(table[name] for name in COLUMNS))
        rows = session.execute(select(*columns).execution_options(yield_per=1000))
        return Rows({row[:2]: row[2:] for row in rows}, rows_of_line)

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty the table and write what is expected."""
        session.execute(delete(Standing))
        rows = [{"briefing_id": briefing, "person_id": person, **row} for (briefing, person), row in expected.items()]
        if rows:
            session.execute(insert(Standing), rows)
