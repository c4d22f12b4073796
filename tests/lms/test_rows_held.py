"""What a page has read it does not read again, and what is read piece by piece is let go of."""

import gc

import pytest
from flask import Flask
from sqlalchemy import select

from lms import clock
from lms.audit import queries
from lms.audit.actions import note
from lms.audit.queries import Sought
from lms.db import get_read_session
from lms.organisation.models import Unit
from lms.roster.gathering import Leaving, listed
from tests.counting import count_queries
from tests.make import Make


def test_a_row_that_nobody_refers_to_any_more_is_still_there_for_whoever_asks_again(app: Flask, make: Make) -> None:
    unit = make.unit("Sở Nội vụ", code="a")
    with app.test_request_context("/"), count_queries(app) as counted:
        found = get_read_session().scalar(select(Unit.id).where(Unit.code == "a"))
        assert get_read_session().get_one(Unit, found).public_id == unit.public_id
        assert get_read_session().get_one(Unit, found).code == "a"
    assert len(counted) == 2, counted


def test_entries_of_the_log_that_have_gone_out_are_not_kept(
    app: Flask, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make.writing() as session:
        for number in range(35):
            note(session, "audit.export", actor=None, object_kind="audit", object_id=str(number))
    monkeypatch.setattr(queries, "PIECE", 10)
    with app.test_request_context("/"):
        own, pieces = get_read_session(), []
        for entries in queries.all_matching(own, Sought(action="audit.export")):
            pieces.append(len(entries))
            assert len(own.identity_map) == len(entries)
    assert pieces == [10, 10, 10, 5]


def test_an_export_of_people_keeps_nobody_who_has_gone_out(app: Flask, make: Make) -> None:
    unit = make.unit("Sở Nội vụ", code="a")
    for number in range(5):
        make.person(f"Nguyễn Văn {number}", unit=unit)
    with app.test_request_context("/"):
        own = get_read_session()
        assert len(list(listed(own, Leaving(unit.id, clock.today())))) == 5
        gc.collect()
        assert len(own.identity_map) == 0


def test_a_row_read_twice_because_it_was_forgotten_is_found_while_statements_are_counted(
    app: Flask, make: Make
) -> None:
    unit = make.unit("Sở Nội vụ", code="a")

    def twice() -> None:
        with make.reading() as session, count_queries(app):
            session.get_one(Unit, unit.id)
            session.get_one(Unit, unit.id)

    with pytest.raises(AssertionError, match="Unit"):
        twice()
