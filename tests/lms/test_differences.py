"""What `lms verify` finds is the same whether rows are kept as rows or as lines, and nothing else changes by it."""

import gc
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.cli import check_projections, collecting_nothing
from lms.db import Database
from lms.doors import Row, Rows, differences
from tests.make import Make

Lines = dict[int, dict[int, tuple[int, str]]]
"""Of each person, by course, two columns."""

LINES = st.dictionaries(
    st.integers(1, 3),
    st.dictionaries(st.integers(1, 3), st.tuples(st.integers(0, 1), st.sampled_from(["a", "b"])), max_size=3),
    max_size=3,
)


def rows_of_person(person: int, line: dict[int, tuple[int, str]]) -> Mapping[Any, Row]:
    return {(person, course): {"number": number, "word": word} for course, (number, word) in line.items()}


def as_dict(lines: Lines) -> dict[Any, Row]:
    return {key: row for person, line in lines.items() for key, row in rows_of_person(person, line).items()}


@given(LINES, LINES)
def test_lines_differ_as_their_rows_do(expected: Lines, actual: Lines) -> None:
    rows = sorted(differences(as_dict(expected), as_dict(actual)))
    lines = Rows(expected, rows_of_person), Rows(actual, rows_of_person)
    assert sorted(differences(*lines)) == rows
    assert sorted(differences(as_dict(expected), lines[1])) == sorted(differences(lines[0], as_dict(actual))) == rows


@given(LINES)
def test_lines_read_as_the_rows_they_say(said: Lines) -> None:
    rows = Rows(said, rows_of_person)
    assert dict(rows.items()) == dict(rows) == as_dict(said)
    assert list(rows.values()) == list(as_dict(said).values())
    assert (len(rows), bool(rows)) == (len(as_dict(said)), bool(as_dict(said)))


def test_every_difference_is_told_by_its_key_and_column() -> None:
    expected = Rows({1: {1: (0, "a"), 2: (1, "a")}, 2: {1: (0, "a")}}, rows_of_person)
    actual = Rows({1: {1: (1, "b"), 3: (0, "a")}, 2: {1: (0, "a")}}, rows_of_person)
    assert sorted(differences(expected, actual)) == [
        "(1, 1): number is 1, expected 0",
        "(1, 1): word is 'b', expected 'a'",
        "(1, 2): missing",
        "(1, 3): left over",
    ]


def test_lines_that_make_other_rows_are_never_alike_for_being_equal() -> None:
    def doubled(person: int, line: dict[int, tuple[int, str]]) -> Mapping[Any, Row]:
        return {key: {**row, "number": row["number"] * 2} for key, row in rows_of_person(person, line).items()}

    lines = {1: {1: (1, "a")}}
    assert list(differences(Rows(lines, rows_of_person), Rows(lines, doubled))) == ["(1, 1): number is 2, expected 1"]


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_is_collected_afterwards_as_it_was_before(collecting: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        with suppress(ZeroDivisionError), collecting_nothing():
            assert not gc.isenabled()
            raise ZeroDivisionError
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if before else gc.disable)()


def test_a_projection_that_fails_is_never_told_as_no_difference(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    database: Database = make.database

    def fail(*_given: object, **_named: object) -> Mapping[Any, Row]:
        raise MemoryError

    monkeypatch.setattr(type(database.doors.projections[-1]), "expected", fail)
    with pytest.raises(MemoryError):
        check_projections(database)
    assert gc.isenabled()
