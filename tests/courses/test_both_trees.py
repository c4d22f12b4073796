"""A briefing given in the Party tree: whoever works somewhere is counted there, and in the tree of the Party too."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from courses.briefings.models import MeetingPoint, Standing
from courses.enrolment.actions import give
from courses.enrolment.models import Briefing
from courses.meetings.queries import listed
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Membership, Person
from lms.cli import check_projections
from lms.organisation.actions import create_unit
from lms.organisation.models import PARTY_TREE, Unit
from tests.analytics.agency import course_loaded
from tests.briefed import open_briefing
from tests.browser import Browser
from tests.make import LONG_AGO, Make

SOON, LATER = (clock.end_of_day(clock.today() + timedelta(days=days)) for days in (5, 14))


@dataclass
class Both:
    """Two offices of a province, and a Party committee with a cell: a clerk of each office, a pensioner of none."""

    make: Make
    province: Unit
    offices: list[Unit]
    committee: Unit
    cell: Unit
    clerk: Person
    other: Person
    pensioner: Person
    watcher: Browser

    def people(self, unit: Unit, tree: str = "") -> int:
        """How many must study in the unit and below, as the dashboard counts."""
        answer = self.watcher.get(f"/dashboard/units/{unit.public_id}.json?{'tree=' + tree if tree else ''}")
        return int(answer.get_json()["total"]["people"]) if answer.status_code == 200 else 0

    def give_to(self, unit: Unit) -> None:
        with self.make.writing() as session:
            briefing = session.scalars(select(Briefing)).one()
            give(session, briefing, session.get_one(Unit, unit.id), due_at=SOON, tree=PARTY_TREE)

    def standings(self) -> dict[int, tuple[int, datetime | None]]:
        """Where each person stands, and until when."""
        with self.make.reading() as session:
            rows = session.execute(select(Standing.person_id, Standing.unit_id, Standing.due_at)).all()
            return {person_id: (unit_id, due_at) for person_id, unit_id, due_at in rows}


@pytest.fixture
def both(make: Make, tmp_path: Path) -> Both:
    course_loaded(make, tmp_path)
    province = make.unit("Tỉnh")
    offices = [make.unit(name, under=province) for name in ("Sở Y tế", "Sở Nội vụ")]
    clerk, other = (make.person(unit=office) for office in offices)
    pensioner = make.person()
    with make.writing() as session:
        committee = party_unit(session, "Đảng bộ", None)
        cell = party_unit(session, "Chi bộ", committee)
        rows = {"unit_id": cell.id, "tree": PARTY_TREE, "kind": "main", "valid_from": LONG_AGO}
        session.execute(insert(Membership), [{"person_id": one.id, **rows} for one in (clerk, other, pensioner)])
    watcher = make.browser(make.person(role="administrator"))
    return Both(make, province, offices, committee, cell, clerk, other, pensioner, watcher)


def party_unit(session: Session, name: str, above: Unit | None) -> Unit:
    unit = create_unit(session, code=name, name=name, kind="party_body", parent=above, since=LONG_AGO, tree=PARTY_TREE)
    session.flush()  # its id is wanted
    return unit


def test_whoever_works_somewhere_is_counted_there_whichever_tree_a_briefing_reached_them_in(both: Both) -> None:
    office = both.offices[0]
    open_briefing(both.make, office)
    assert both.people(both.province) == both.people(office) == 1
    both.give_to(both.cell)
    assert both.people(office) == 1
    assert both.people(both.province) == 2  # the clerk of the other office has come
    assert both.people(both.committee, "party") == both.people(both.cell, "party") == 3
    assert both.standings() == {
        both.clerk.id: (office.id, SOON),  # given to the cell last, and as near
        both.other.id: (both.offices[1].id, SOON),
        both.pensioner.id: (both.cell.id, SOON),  # works nowhere
    }
    assert not any(check_projections(both.make.database).values())


def test_a_due_date_is_still_that_of_the_nearest_assignment(both: Both) -> None:
    open_briefing(both.make, both.offices[0])
    both.give_to(both.committee)
    due = {person_id: due_at for person_id, (_unit, due_at) in both.standings().items()}
    assert due == {both.clerk.id: LATER, both.other.id: SOON, both.pensioner.id: SOON}


def test_who_goes_to_another_office_is_counted_there_though_the_cell_is_the_same(both: Both) -> None:
    open_briefing(both.make, both.offices[0])
    both.give_to(both.committee)
    move(both, both.other, both.offices[0], on=clock.today())
    assert both.people(both.offices[0]) == 2
    assert both.people(both.offices[1]) == 0
    move(both, both.pensioner, both.offices[1], on=clock.today())
    assert both.people(both.offices[1]) == 1
    assert both.people(both.committee, "party") == 3
    assert not any(check_projections(both.make.database).values())


def move(both: Both, person: Person, unit: Unit, *, on: date) -> None:
    with both.make.writing() as session:
        move_person(session, session.get_one(Person, person.id), session.get_one(Unit, unit.id), on=on)


def test_a_point_of_their_office_calls_those_whom_the_party_tree_reached(both: Both) -> None:
    open_briefing(both.make, both.offices[0])
    both.give_to(both.cell)
    with both.make.reading() as session:
        point = session.scalars(select(MeetingPoint)).one()
        assert [one.person_id for one in listed(session, point, on=clock.today())] == [both.clerk.id]
