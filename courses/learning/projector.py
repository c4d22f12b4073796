"""Progress follows from statements: heard one batch at a time, or read all over again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from itertools import islice
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import delete, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from courses.catalog.actions import CoursePublished
from courses.learning import queries
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.queries import Edition, Place
from courses.learning.rules import HEEDED, NOT_BEGUN, NOTHING, Reached, Record, Result, heeded, reached, result_after
from lms.db import Base, lock_people
from lms.doors import Expected, Row, Rows, tell
from lms.xapi.projection import (
    Recorded,
    StatementsArriving,
    StatementsRecorded,
    StatementsVoided,
    all_recorded,
    recorded_about,
)


@dataclass(frozen=True, slots=True)
class ProgressChanged:
    """Told when a person's progress in a course changed, with how far the person had come before and after."""

    person_id: int
    course_id: int
    before: Reached
    after: Reached


def await_turn(session: Session, event: StatementsArriving) -> None:
    """Lock those a client's statements are about before they are numbered: never after, or two would wait in a ring."""
    lock_people(session, queries.people_by_account(session, event.accounts).values())


def project_progress(session: Session, event: StatementsRecorded) -> None:
    """Fold new statements into the progress of those they are about, and tell what changed."""
    heard = placed(session, event.statements)
    if not heard:
        return
    pairs = {(person_id, place.course_id) for person_id, place, _ in heard}
    before = known_records(session, pairs)
    after = dict(before)
    for person_id, place, one in heard:
        key = (person_id, place.course_id)
        after[key] = folded(session, after.get(key), place, one)
    save(session, before, after)
    for key in sorted(pairs):
        announce(session, key, before.get(key), after[key])


def take_back_progress(session: Session, event: StatementsVoided) -> None:
    """Compute anew the progress of those whose statements count no more, and tell what changed."""
    pairs = {(person_id, place.course_id) for person_id, place, _ in placed(session, event.statements)}
    fold_anew(session, pairs, [one.account for one in event.statements])


def understand_anew(session: Session, event: CoursePublished) -> None:
    """A new version gives meaning to activities and revisions that other systems spoke of before it was there."""
    accounts = queries.accounts_told_by_clients(session, event.course_id)
    people = queries.people_by_account(session, accounts)
    fold_anew(session, {(person_id, event.course_id) for person_id in people.values()}, accounts)


def fold_anew(session: Session, pairs: set[tuple[int, int]], accounts: Sequence[str]) -> None:
    """Compute the progress of these people in these courses from all their statements, and tell what changed."""
    if not pairs:
        return
    before = known_records(session, pairs)
    after: dict[tuple[int, int], Record] = {}
    for person_id, place, one in placed(session, recorded_about(session, accounts)):
        key = (person_id, place.course_id)
        if key in pairs:
            after[key] = folded(session, after.get(key), place, one)
    for person_id, course_id in sorted(pairs):
        for model in (ActivityProgress, CourseProgress):
            session.execute(delete(model).where(model.person_id == person_id, model.course_id == course_id))
    save(session, {}, after)
    for key in sorted(before.keys() | after.keys()):
        announce(session, key, before.get(key), after.get(key))


def placed(session: Session, statements: Iterable[Recorded]) -> list[tuple[int, Place, Recorded]]:
    """Those statements that are about our people and our courses, with person and place, in order."""
    heeded = [one for one in statements if one.verb in HEEDED]
    people = queries.people_by_account(session, [one.account for one in heeded])
    places = queries.places(session, [one.activity for one in heeded])
    return [
        (people[one.account], places[one.activity], one)
        for one in heeded
        if one.account in people and one.activity in places
    ]


def known_records(session: Session, pairs: set[tuple[int, int]]) -> dict[tuple[int, int], Record]:
    """The records of these pairs: those the action has just read for itself, the others under lock."""
    memo: dict[tuple[int, int], Record | None] = session.info.pop("records", {})
    found = {key: record for key in pairs & memo.keys() if (record := memo[key]) is not None}
    others = pairs - memo.keys()
    if others:
        lock_people(session, [person_id for person_id, _ in others])
        found |= queries.records(session, others)
    return found


def folded(session: Session, record: Record | None, place: Place, one: Recorded) -> Record:
    """The record after a statement; the first one begins it and fixes the version of the course."""
    if record is None:
        return begun(queries.editions(session, place.course_id), place, one)
    return gone_on(queries.edition(session, record.version_id), record, place, one)


def begun(editions: list[Edition], place: Place, one: Recorded) -> Record:
    """The record of somebody of whom this is the first statement about a course with these editions."""
    version = chosen(editions, one)
    return gone_on(version, Record(version.id, one.registration, one.timestamp), place, one)


def gone_on(version: Edition, record: Record, place: Place, one: Recorded) -> Record:
    """The record of somebody who studies that version after one more statement."""
    return heeded(record, one.verb, place.activity_id, one.timestamp, one.scaled, version.settings.pass_mark)


def chosen(editions: list[Edition], one: Recorded) -> Edition:
    """The edition with the number the statement carries; else the newest published by then; else the first."""
    for version in editions:
        if str(version.number) == one.revision:
            return version
    published = [version for version in editions if version.published_at <= one.timestamp]
    return published[-1] if published else editions[0]


def announce(session: Session, key: tuple[int, int], old: Record | None, new: Record | None) -> None:
    """Tell how far the person has come, when that is farther or less far than before."""
    before, after = how_far(session, old), how_far(session, new)
    if before != after:
        tell(session, ProgressChanged(key[0], key[1], before, after))


def how_far(session: Session, record: Record | None) -> Reached:
    """What a record amounts to in the version of the course it belongs to."""
    if record is None:
        return NOT_BEGUN
    version = queries.edition(session, record.version_id)
    return reached(version.outline, version.settings, record)


def save(session: Session, before: Mapping[tuple[int, int], Record], after: Mapping[tuple[int, int], Record]) -> None:
    """Write what is new or other than before."""
    begun, results = [], []
    for (person_id, course_id), record in sorted(after.items()):
        old = before.get((person_id, course_id))
        if old is None or (old.version_id, old.concluded_at) != (record.version_id, record.concluded_at):
            begun.append(begun_row(person_id, course_id, record))
        for activity_id, result in record.results.items():
            if old is None or old.results.get(activity_id) != result:
                results.append(
                    {"person_id": person_id, "activity_id": activity_id, "course_id": course_id, **values_of(result)}
                )
    upsert(session, CourseProgress, begun, ("person_id", "course_id"))
    upsert(session, ActivityProgress, results, ("person_id", "activity_id"))


def begun_row(person_id: int, course_id: int, record: Record) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "course_id": course_id,
        "course_version_id": record.version_id,
        "registration": record.registration,
        "started_at": record.started_at,
        "concluded_at": record.concluded_at,
    }


def upsert(session: Session, model: type[Base], rows: list[dict[str, Any]], key: tuple[str, ...]) -> None:
    """Insert rows, or bring those that stand already to the new values."""
    if rows:
        session.execute(upserting(model, session.get_bind().dialect.name, key, tuple(rows[0])), rows)


@cache
def upserting(
    model: type[Base], dialect: str, key: tuple[str, ...], names: tuple[str, ...]
) -> postgresql.Insert | sqlite.Insert:
    """The statement for `upsert`: made once, since making it costs more than sending it."""
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(model.__table__)
    changed = {name: statement.excluded[name] for name in names if name not in key}
    ready: postgresql.Insert | sqlite.Insert = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    return ready


class ProgressProjection:
    """Both progress tables, computed anew from every statement that counts."""

    name = "progress"

    def expected(self, session: Session, *, now: datetime, below: Expected) -> Mapping[Any, Row]:
        """Keys are (table, person, course or activity)."""
        return rows_of(self.folded(session, all_recorded(session)))

    def folded(self, session: Session, statements: Iterable[Recorded]) -> dict[tuple[int, int], Record]:
        """All records, from the statements alone."""
        found: dict[tuple[int, int], Record] = {}
        editions, edition = cache(partial(queries.editions, session)), cache(partial(queries.edition, session))
        stream = iter(statements)
        while chunk := list(islice(stream, 1000)):
            for person_id, place, one in placed(session, chunk):
                key = (person_id, place.course_id)
                record = found.get(key)
                if record is None:
                    found[key] = begun(editions(place.course_id), place, one)
                elif place.activity_id is None:
                    found[key] = gone_on(edition(record.version_id), record, place, one)
                else:
                    add_to(record, place.activity_id, one, edition(record.version_id).settings.pass_mark)
        return found

    def actual(self, session: Session) -> Mapping[Any, Row]:
        """The tables as they stand."""
        return rows_of(queries.all_records(session))

    def repair(self, session: Session, expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> None:
        """Empty both tables and write what is expected."""
        session.execute(delete(ActivityProgress))
        session.execute(delete(CourseProgress))
        for table, model in (("course", CourseProgress), ("activity", ActivityProgress)):
            rows = [dict(row) for key, row in expected.items() if key[0] == table]
            if rows:
                session.execute(insert(model), rows)


def add_to(record: Record, activity_id: int, one: Recorded, mark: float) -> None:
    """Fold one more statement about an activity into a record that nobody else has yet.

    Of a million statements, to copy all results of a person for each of them is what takes longest.
    """
    results = cast(dict[int, Result], record.results)
    old = results.get(activity_id, NOTHING)
    new = result_after(old, one.verb, one.timestamp, one.scaled, mark)
    if new is not old:
        results[activity_id] = new


def rows_of(records: Mapping[tuple[int, int], Record]) -> Rows:
    """Records, by person and course, as rows of both tables."""
    return Rows(records, rows_of_one)


def rows_of_one(key: tuple[int, int], record: Record) -> dict[Any, Row]:
    """The rows of both tables that a record is."""
    person_id, course_id = key
    rows: dict[Any, Row] = {("course", person_id, course_id): begun_row(person_id, course_id, record)}
    for activity_id, result in record.results.items():
        rows["activity", person_id, activity_id] = {
            "person_id": person_id,
            "activity_id": activity_id,
            "course_id": course_id,
            **values_of(result),
        }
    return rows


def values_of(result: Result) -> dict[str, Any]:
    """The columns of a result. The library's `asdict` copies every value, and takes ten times as long."""
    return dict(zip(queries.RESULT_COLUMNS, KNOWN_OF(result), strict=True))


KNOWN_OF = attrgetter(*queries.RESULT_COLUMNS)


def records_of(rows: Mapping[Any, Row]) -> Mapping[tuple[int, int], Record]:
    """The records that `rows_of` made these rows of, by person and course."""
    return cast(Rows, rows).lines
