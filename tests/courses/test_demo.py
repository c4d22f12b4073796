"""The conference of `lms demo`, and what people wrote after it."""

from sqlalchemy import func, select

from analytics.charts.queries import finished_modules, known_editions
from analytics.dashboard.queries import briefings_given, overview
from analytics.facts.projection import Structure
from analytics.facts.rules import Count
from assessments.reflections.demo import write_reflections
from assessments.reflections.models import Reflection
from courses.briefings.models import Standing
from courses.enrolment.demo import PROVINCE, assign_the_course
from courses.enrolment.models import Briefing
from courses.enrolment.queries import plain_briefing
from courses.meetings import filters, queries
from courses.meetings.demo import CODE, hold_the_conference
from lms import clock
from lms.accounts.demo import load_fictional_people
from lms.cli import check_projections
from lms.organisation.demo import load_sample_units
from lms.organisation.models import Unit
from tests.library_course import load_built_in_course
from tests.make import Make

PEOPLE = 150


def test_the_conference_has_a_point_that_is_silent_one_that_miscounted_and_reflections_of_every_kind(
    make: Make,
) -> None:
    load_built_in_course(make)
    steps = (load_sample_units, load_fictional_people, assign_the_course, hold_the_conference, write_reflections)
    lines = []
    for step in steps:
        with make.writing() as session:
            lines += list(step(session, PEOPLE))
    assert f"Conference of the sample: 25 meeting points, {PEOPLE - 3} people seen." in lines
    with make.writing() as session:
        assert [
            *hold_the_conference(session, PEOPLE),
            *write_reflections(session, PEOPLE),
        ] == []
    with make.reading() as session:
        briefing = session.scalars(select(Briefing).where(Briefing.code == CODE)).one()
        sitting = session.scalars(queries.sittings()).one()
        numbers = filters.numbers(session, sitting, on=clock.today()).values()
        assert sum(not one.reported for one in numbers) == 1
        assert [one.headcount - one.there for one in numbers if one.headcount not in (None, one.there)] == [2]
        states = session.execute(select(Reflection.state, func.count()).group_by(Reflection.state)).all()
        assert {state for state, _number in states} == {"accepted", "returned", "waiting"}
        briefed = select(func.count()).where(Standing.briefing_id == briefing.id, Standing.briefed_at.is_not(None))
        assert 0.7 * PEOPLE < (session.scalar(briefed) or 0) < PEOPLE
        plain = session.scalars(plain_briefing(briefing.course_id)).one()
        assert briefing.opened_at < plain.opened_at  # what was assigned is what dashboards show first
        unit, structure = session.scalars(select(Unit).where(Unit.code == PROVINCE)).one(), Structure(clock.today())
        shown = overview(session, unit, briefings_given(session, unit, structure)[0], structure, Count, now=clock.now())
        versions = known_editions(session, shown)
        read = finished_modules(session, shown, versions).values()
        assert set(map(tuple, read)) == {(0,) * len(versions[-1].outline.modules)}, "nobody has studied online"
    assert not any(check_projections(make.database).values())
