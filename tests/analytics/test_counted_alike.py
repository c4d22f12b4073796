"""People who are alike are counted together: the tallies are those of each counted alone."""

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from analytics.facts.projector import TallyProjection, key_of, row_of
from analytics.facts.rules import counted
from courses.briefings.models import Standing
from courses.briefings.projector import StandingProjection, rows_of_line
from courses.briefings.rules import COLUMNS, row_of_line
from lms import clock
from lms.doors import Rows

NOON = clock.start_of_day(clock.today()) + timedelta(hours=12)
MOMENTS = st.sampled_from([None, NOON, NOON + timedelta(hours=1)])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{name: st.sampled_from([1, 2]) for name in ("unit_id", "assignment_id")},
    **{name: st.booleans() for name in ("exempt", "leave", "member")},
    "state": st.sampled_from(["not_started", "in_progress", "briefed", "completed"]),
    "way": st.sampled_from(["", "point", "online", "make_up"]),
    "absence": st.sampled_from(["", "excused", "unexcused"]),
    "score": st.sampled_from([None, 0.5, 0.8]),
}
OF_COLUMN = [VALUES.get(name, MOMENTS) for name in COLUMNS]


@st.composite
def nearly_alike(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Lines of which each differs from the first in one column at most."""
    first = draw(st.tuples(*OF_COLUMN))
    lines = [first]
    for place, values in enumerate(OF_COLUMN):
        lines.append((*first[:place], draw(values), *first[place + 1 :]))
    return lines


@given(nearly_alike())
def test_tallies_of_people_counted_together_are_those_of_each_alone(some: list[tuple[Any, ...]]) -> None:
    lines = {(1 + number % 2, number): line for number, line in enumerate(some + some)}
    sums: dict[Any, Counter[str]] = defaultdict(Counter)
    for (briefing_id, _person), line in lines.items():
        row = row_of_line(line)
        sums[key_of(briefing_id, row)].update(counted(row))
    below = {StandingProjection.name: Rows(lines, rows_of_line)}
    session: Any = None  # nothing is asked of it
    found = TallyProjection().expected(session, now=NOON, below=below)
    assert found == {key: row_of(key, tally) for key, tally in sums.items()}


def test_a_line_has_every_column_of_a_standing() -> None:
    assert {*COLUMNS, "briefing_id", "person_id"} == {column.name for column in Standing.__table__.columns}
    assert len(set(COLUMNS)) == len(COLUMNS)
