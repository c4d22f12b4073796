"""On PostgreSQL the record can be cut into months later: reading needs no other query for it, and no other index."""

import re
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, text

from lms.xapi import filters
from lms.xapi.models import XapiStatement
from lms.xapi.queries import Asked
from tests.lms.test_xapi_plans import FILTERS, THEN, fill
from tests.make import Make
from tests.plans import plan_of

CUTS = ("MINVALUE", "2001", "4001", "MAXVALUE")
"""Between which sequences each month lies: they rise with `stored`."""
PLACES: tuple[dict[str, Any], ...] = ({}, {"after": 10, "ascending": True}, {"after": 5_000, "since": THEN})
OTHER_WAYS = ("->  Sort", "Seq Scan", "Bitmap", "Hash")
PER_TABLE = re.compile(r"CREATE (UNIQUE )?INDEX \w+ ON \S+ (.*)")
pytestmark = pytest.mark.postgresql


def cut_into_months(make: Make) -> None:
    """Put tables of some months in the place of the table of statements, as docs/record-store.md says."""
    with make.writing() as session:
        indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'xapi_statement' AND indexname LIKE 'ix_%'"
        kept = [PER_TABLE.sub(r"CREATE INDEX ON xapi_statement \2", one) for one in session.scalars(text(indexes))]
        months = [
            f"CREATE TABLE xapi_month_{number} PARTITION OF xapi_statement FOR VALUES FROM ({start}) TO ({end})"
            for number, (start, end) in enumerate(pairwise(CUTS))
        ]
        for step in (
            "ALTER TABLE xapi_statement RENAME TO whole",
            "CREATE TABLE xapi_statement (LIKE whole INCLUDING DEFAULTS) PARTITION BY RANGE (sequence)",
            "ALTER TABLE xapi_statement ADD PRIMARY KEY (sequence)",
            *months,
            *kept,
            "INSERT INTO xapi_statement SELECT * FROM whole",
            "DROP TABLE whole CASCADE",
            "ANALYZE xapi_statement",
        ):
            session.execute(text(step))


@pytest.mark.parametrize("backend", ["postgresql"])
def test_each_filter_finds_the_same_in_months_by_their_indexes_and_nothing_is_sorted(make: Make) -> None:
    fill(make)

    def found() -> list[list[int]]:
        with make.reading() as session:
            return [filters.matching(session, Asked(**asks, **place, limit=51), 51)[0] for asks, place in asked]

    asked = [(asks, PLACES[number % len(PLACES)]) for number, (asks, _) in enumerate(FILTERS)]
    whole = found()
    cut_into_months(make)
    with make.reading() as session:
        month = select(XapiStatement.sequence).where(XapiStatement.sequence > 4_000)
        assert len(session.scalars(month).all()) == 2_000
        assert session.scalar(text("SELECT count(*) FROM xapi_month_2")) == 2_000
    assert found() == whole
    assert any(whole)
    for asks, place in asked:
        for branch in filters.direct_branches(one := Asked(**asks, **place)):
            plan = plan_of(make, filters.ordered(branch, one, 51))
            assert not [way for way in OTHER_WAYS if way in plan], plan
