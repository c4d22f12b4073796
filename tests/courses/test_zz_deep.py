import pytest
from hypothesis import given, settings, HealthCheck, Phase, strategies as st
from pathlib import Path
from tests.courses.test_projections import EVENTS, check, sqlite_history, postgresql_history
from courses.learning.projector import understand_anew
from courses.catalog.actions import CoursePublished
@settings(max_examples=250, deadline=None, derandomize=False, database=None, suppress_health_check=list(HealthCheck))
@given(events=st.lists(EVENTS, min_size=6, max_size=30))
def test_deep(sqlite_template, events):
    with sqlite_history(sqlite_template) as h: check(h, events)
def test_mutant(sqlite_template):
    with sqlite_history(sqlite_template) as h:
        h.make.database.doors.listeners[CoursePublished].remove(understand_anew)
        with pytest.raises(AssertionError):
            check(h, [("state", 0, "m1-3", "2"), ("state", 1, "m1-1", "2"), ("publish",), ("read", 0, "m1-1")])
