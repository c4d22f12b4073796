"""A process killed at any moment of a POST leaves all of it or nothing, and the same sent again is there once."""

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from courses.learning.models import ActivityProgress
from lms.cli import check_projections
from lms.db import Base
from lms.xapi import vocabulary
from tests.courses.learner import HOME, give
from tests.crashing import Moments, die_at, moments_of
from tests.library_course import CODE, load_small_course
from tests.make import Make
from tests.store import Outsider, new_id, statement

KILLED = -9
Request = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def moments(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moments]:
    with moments_of(app, monkeypatch) as found:
        yield found


def rows(make: Make) -> dict[str, int]:
    """How many rows each table has, as of one moment: one query, so that a commit is seen whole or not at all."""
    counts = [
        select(func.count()).select_from(table).scalar_subquery().label(name)
        for name, table in Base.metadata.tables.items()
    ]
    with make.reading() as session:
        return dict(session.execute(select(*counts)).one()._mapping)


def differences(make: Make) -> list[str]:
    return [line for lines in check_projections(make.database).values() for line in lines]


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in before if after[name] != before[name]}


def die_everywhere(make: Make, outsider: Outsider, moments: Moments, new: Request) -> None:
    """Kill at each moment of such a request, look, send the same again, look."""

    def post(batch: list[dict[str, Any]]) -> None:
        answer = outsider.post(batch[0] if len(batch) == 1 else batch)
        assert (answer.status_code, answer.get_json()) == (200, [one["id"] for one in batch])
        answer.close()

    post(new())  # what only the first request of a day does is done
    batch, before = new(), rows(make)
    post(batch)
    whole = grown(before, rows(make))
    assert whole["xapi_statement"] == len(batch)
    moves = ActivityProgress.__tablename__ in whole
    assert moves == (outsider.row.activity_prefix is not None)
    lives: list[list[str]] = []
    for deadly in count(1):
        batch, before = new(), rows(make)
        make.database.write_sessions.kw["info"]["identities"].clear()  # some of it is believed for a second only
        ended, passed = die_at(make.database, moments, deadly, partial(post, batch))
        lives.append(passed)
        if ended == 0:
            break
        where = f"killed at {deadly}, {passed[-1]}"
        assert ended == KILLED, where
        assert grown(before, rows(make)) == (whole if "after COMMIT" in passed else {}), where
        if moves:  # also what sending again left the time before
            assert differences(make) == [], where
        post(batch)
        assert grown(before, rows(make)) == whole, where
    assert [passed[: number + 1] for number in range(len(passed))] == lives[:-1]  # no moment was left out
    assert len(passed) > 20
    assert passed[-1] == "before the answer"
    assert passed.count("before COMMIT") == passed.count("after COMMIT") == 1, passed
    assert differences(make) == []


def unheard_of() -> dict[str, Any]:
    """A statement of which the store has met nothing."""
    name = uuid.uuid4()
    return statement(
        id=new_id(),
        actor={"mbox": f"mailto:{name}@example.vn"},
        verb={"id": f"https://example.vn/dong-tu/{name}"},
        object={"id": f"https://example.vn/{name}", "definition": {"name": {"vi": "Bài"}}},
        context={"contextActivities": {"parent": [{"id": f"https://example.vn/{name}/khoa"}]}},
    )


@pytest.mark.no_cover  # what a killed process ran cannot be counted
def test_a_process_killed_at_any_moment_of_a_statement_leaves_it_whole_or_not_at_all(
    make: Make, moments: Moments
) -> None:
    die_everywhere(make, Outsider(make, "all"), moments, lambda: [unheard_of()])


@pytest.mark.no_cover
def test_a_process_killed_at_any_moment_of_a_batch_leaves_it_whole_or_not_at_all(make: Make, moments: Moments) -> None:
    die_everywhere(make, Outsider(make, "all"), moments, lambda: [unheard_of() for _ in range(5)])


@pytest.mark.no_cover
def test_a_process_killed_at_any_moment_of_what_counts_leaves_statements_and_progress_together_or_neither(
    make: Make, tmp_path: Path, moments: Moments
) -> None:
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế")
    give(make, unit)
    outsider = Outsider(make, "all", counts_prefix=f"{HOME}/xapi/courses/{CODE}")

    def finishing() -> list[dict[str, Any]]:
        person = make.person(unit=unit)
        return [
            statement(
                id=new_id(),
                actor={"account": {"homePage": HOME, "name": str(person.public_id)}},
                verb={"id": vocabulary.COMPLETED},
                object={"id": vocabulary.activity_iri(HOME, CODE, lesson)},
            )
            for lesson in ("m1-1", "m1-2")
        ]

    die_everywhere(make, outsider, moments, finishing)
