"""Progress follows from statements: heard one batch at a time, or read all over again."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from courses.learning import queries
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.queries import Edition, Place
from courses.learning.rules import NOT_BEGUN, Reached, Record, heeded, reached
from lms.db import lock_people
from lms.doors import Row, tell
from lms.xapi.projection import Recorded, StatementsRecorded, all_recorded


@dataclass(frozen=True, slots=True)
class ProgressChanged:
    """Told when a person's progress in a course changed, with how far the person had come before and after."""

    person_id: int
    course_id: int
    before: Reached
    after: Reached


def project_progress(session: Session, event: StatementsRecorded) -> None:
    """Fold new statements into the progress of those they are about, and tell what changed."""
    people = queries.people_by_account(session, [one.account for one in event.statements])
    places = queries.places(session, [one.activity for one in event.statements])
    heard = [
        (people[one.account], places[one.activity], one)
        for one in event.statements
        if one.account in people and one.activity in places
    ]
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
        version = chosen(queries.editions(session, place.course_id), one)
        record = Record(version.id, one.registration, one.timestamp)
    else:
        version = queries.edition(session, record.version_id)
    return heeded(record, one.verb, place.activity_id, one.timestamp, one.scaled, version.settings.pass_mark)


def chosen(editions: list[Edition], one: Recorded) -> Edition:
    """The edition with the number the statement carries; else the newest published by then; else the first."""
    for version in editions:
        if str(version.number) == one.revision:
            return version
    published = [version for version in editions if version.published_at <= one.timestamp]
    return published[-1] if published else editions[0]


def announce(session: Session, key: tuple[int, int], old: Record | None, new: Record) -> None:
    """Tell how far the person has come, when that is farther or less far than before."""
    version = queries.edition(session, new.version_id)
    before = reached(version.outline, version.settings, old) if old is not None else NOT_BEGUN
    after = reached(version.outline, version.settings, new)
    if before != after:
        tell(session, ProgressChanged(key[0], key[1], before, after))


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
                    {"person_id": person_id, "activity_id": activity_id, "course_id": course_id, **asdict(result)}
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


def upsert(session: Session, model: type[Any], rows: list[dict[str, Any]], key: tuple[str, ...]) -> None:
    """Insert rows, or bring those that stand already to the new values."""
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(model)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), rows)


class ProgressProjection:
    """Both progress tables, computed anew from every statement that counts."""

    name = "progress"

    def expected(self, session: Session, *, now: datetime) -> Mapping[Any, Row]:
        """Keys are (table, person, course or activity)."""
        return rows_of(self.folded(session, all_recorded(session)))

    def folded(self, session: Session, statements: Iterable[Recorded]) -> dict[tuple[int, int], Record]:
        """All records, from the statements alone."""
        found: dict[tuple[int, int], Record] = {}
        for one in statements:
            person_id = queries.people_by_account(session, [one.account]).get(one.account)
            place = queries.places(session, [one.activity]).get(one.activity)
            if person_id is not None and place is not None:
                key = (person_id, place.course_id)
                found[key] = folded(session, found.get(key), place, one)
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


def rows_of(records: Mapping[tuple[int, int], Record]) -> dict[Any, Row]:
    """Records as rows of both tables."""
    rows: dict[Any, Row] = {}
    for (person_id, course_id), record in records.items():
        rows["course", person_id, course_id] = begun_row(person_id, course_id, record)
        for activity_id, result in record.results.items():
            rows["activity", person_id, activity_id] = {
                "person_id": person_id,
                "activity_id": activity_id,
                "course_id": course_id,
                **asdict(result),
            }
    return rows
