"""Rows of standings and of progress: whatever of one is empty, both databases are told it, and tell it again.

A statement that writes a row names the columns that are not empty, so each such set of columns is another statement.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from courses.briefings.models import Standing
from courses.briefings.projector import StandingChange, StandingProjection, move, write
from courses.briefings.queries import actual_standings
from courses.briefings.rules import COLUMNS
from courses.enrolment.models import Assignment
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.projector import ProgressProjection
from courses.learning.queries import editions
from lms import clock
from lms.doors import Row
from tests.analytics.agency import assigned, course_loaded, hired
from tests.make import Make

MAY_BE_EMPTY = [name for name in COLUMNS if Standing.__table__.c[name].nullable]
VALUES: dict[str, Any] = {name: clock.start_of_day(clock.today()) for name in MAY_BE_EMPTY} | {"score": 0.75}
STEPS: list[dict[str, Any]] = [
    {"state": "briefed", "way": "point", "absence": "", "briefed_at": VALUES["briefed_at"]},
    {"tested_at": VALUES["tested_at"] + timedelta(hours=1), "score": 0.5},
    {"state": "in_progress", "way": "", "briefed_at": None},
    {"member": True, "accepted_at": None, "score": None},
]


def subsets(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    known = list(names)
    return (some for number in range(len(known) + 1) for some in combinations(known, number))


@pytest.fixture
def course(make: Make, tmp_path: Path) -> int:
    """A course that is assigned to a unit without people."""
    course_id = course_loaded(make, tmp_path)
    assigned(make, course_id, make.unit("Sở Y tế"))
    return course_id


def rows_of_every_shape(make: Make) -> tuple[int, dict[int, Row]]:
    """The briefing, and for each set of columns that may be empty somebody of whom the others are known."""
    shapes = list(subsets(MAY_BE_EMPTY))
    with make.writing() as session:
        given = session.scalars(select(Assignment)).one()
        people = hired(session, given.unit, len(shapes))
        plain = {"unit_id": given.unit_id, "assignment_id": given.id, "exempt": False, "leave": False, "member": False}
        said = {"state": "not_started", "way": "", "absence": "excused"}
        nothing = dict.fromkeys(MAY_BE_EMPTY)
        rows = {
            person: {**plain, **said, **nothing, **{name: VALUES[name] for name in shape}}
            for person, shape in zip(people, shapes, strict=True)
        }
        return given.briefing_id, {person: {name: row[name] for name in COLUMNS} for person, row in rows.items()}


def test_a_standing_is_kept_whatever_of_it_is_empty(make: Make, course: int) -> None:
    briefing_id, rows = rows_of_every_shape(make)
    with make.writing() as session:
        write(session, briefing_id, rows, {})
        assert actual_standings(session, briefing_id, None) == rows
    projection, expected = StandingProjection(), {(briefing_id, person): row for person, row in rows.items()}
    with make.writing() as session:
        projection.repair(session, expected, {})
        assert dict(projection.actual(session).items()) == expected


def test_a_standing_goes_on_by_the_columns_that_change_and_by_no_others(make: Make, course: int) -> None:
    briefing_id, rows = rows_of_every_shape(make)
    before = dict(list(rows.items())[-2 * len(STEPS) :])
    after = {person: {**row, **STEPS[number % len(STEPS)]} for number, (person, row) in enumerate(before.items())}
    with make.writing() as session:
        write(session, briefing_id, rows, {})
        move(session, [StandingChange(briefing_id, person, before[person], row) for person, row in after.items()])
        assert actual_standings(session, briefing_id, None) == rows | after


def test_progress_is_kept_whatever_of_it_is_empty(make: Make, course: int) -> None:
    now, projection = VALUES["briefed_at"], ProgressProjection()
    tried = {"attempts": 2, "first_score": 0.4, "first_at": now, "last_score": 0.9, "last_at": now, "best_score": 0.9}
    more: dict[str, Any] = {"completed_at": now, "passed_at": now, "rises": ((0.9, now),)}
    nothing: Row = {column.name: None for column in ActivityProgress.__table__.columns} | {"attempts": 0, "rises": ()}
    shapes = [{**base, **{name: more[name] for name in some}} for base in ({}, tried) for some in subsets(more)]
    with make.writing() as session:
        unit = session.scalars(select(Assignment)).one().unit
        version = editions(session, course)[-1]
        activity = version.outline.lessons()[0].activity_id
        expected: dict[Any, Row] = {}
        for person, shape in zip(hired(session, unit, len(shapes)), shapes, strict=True):
            begun = {column.name: None for column in CourseProgress.__table__.columns}
            known = {"person_id": person, "course_id": course, "course_version_id": version.id, "started_at": now}
            expected["course", person, course] = {**begun, **known}
            own = {"person_id": person, "activity_id": activity, "course_id": course}
            expected["activity", person, activity] = {**nothing, **shape, **own}
        projection.repair(session, expected, {})
        assert dict(projection.actual(session).items()) == expected
