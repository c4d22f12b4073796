"""Rolls that choose people follow them: another category, Party or position, by whichever way it becomes known."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import func, select

from courses.briefings.models import Standing
from courses.catalog.models import Course
from courses.enrolment.actions import decide, give, plain_briefing, revoke
from courses.enrolment.models import Briefing, RollDecision
from courses.learning import queries as learning
from lms import clock
from lms.accounts.models import Person, RoleGrant
from lms.cli import check_projections
from lms.duplicates.actions import link_people
from lms.organisation.models import Unit
from lms.privacy.actions import ask, correct, erase
from lms.roster.actions import apply, choose, receive, rehearse, taken_apart
from lms.roster.rules import Settings
from tests.library_course import load_small_course
from tests.make import Make

BY = uuid.uuid4()
FORMER = {"category": "vien_chuc", "party": "chinh_thuc", "position": "Chuyên viên"}
"""Who is chosen below; everybody else is not."""


@pytest.fixture
def person(make: Make, tmp_path: Path) -> Person:
    """Somebody nobody chooses yet, in a unit to whose chosen people a course is given."""
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế", code="syt")
    one = make.person("Lý A Hoa", unit=unit)
    make.person("Quản Trị", role="administrator")
    with make.writing() as session:
        briefing = plain_briefing(session, session.scalars(select(Course)).one())
        give(session, briefing, session.get_one(Unit, unit.id), choices=list(FORMER.items()))
    return one


def on_the_roll(make: Make) -> int:
    """How many are; and what is kept step by step is what is computed anew."""
    assert not any(check_projections(make.database).values())
    with make.reading() as session:
        return session.scalar(select(func.count()).select_from(Standing)) or 0


def listed(make: Make, **said: str) -> None:
    """A list says this of the person."""
    head = {"party": "Đảng viên", "category": "Loại cán bộ", "position": "Chức vụ"}
    words = {"vien_chuc": "Viên chức", "cong_chuc": "Công chức", "chinh_thuc": "chính thức", "quan_chung": "quần chúng"}
    lines = ["Họ và tên;" + ";".join(head[name] for name in said)]
    lines.append("Lý A Hoa;" + ";".join(words.get(value, value) for value in said.values()))
    with make.writing() as session:
        unit = session.scalars(select(Unit)).one()
        by = session.scalars(select(Person.public_id).join(RoleGrant, RoleGrant.person_id == Person.id)).one()
        upload = receive(session, unit, taken_apart("\r\n".join(lines).encode()), file_name="a.csv", by=by)
        choose(session, upload, Settings.of(upload.settings))
        rehearse(session, upload)
        apply(session, upload, upload.digest, by=by)


def corrected(make: Make, person: Person, **said: str) -> None:
    """The person asks for it to be put right, and it is."""
    with make.writing() as session:
        request = ask(session, person.id, person.public_id, kind="correction", reason="Sai.")
        correct(session, request, said, answer="Đã sửa.", by=BY)


def test_whoever_a_list_makes_one_of_those_chosen_is_on_the_roll_at_once(make: Make, person: Person) -> None:
    assert on_the_roll(make) == 0
    listed(make, **FORMER)
    with make.reading() as session:
        assert {name: getattr(session.get_one(Person, person.id), name) for name in FORMER} == FORMER
    assert on_the_roll(make) == 1
    listed(make, position="Trưởng phòng")
    assert on_the_roll(make) == 0


@pytest.mark.parametrize("changed", [{"category": "cong_chuc"}, {"party": "quan_chung"}, {"position": "Vụ trưởng"}])
def test_a_correction_leads_onto_the_roll_and_off_it(make: Make, person: Person, changed: dict[str, str]) -> None:
    corrected(make, person, **FORMER)
    assert on_the_roll(make) == 1
    corrected(make, person, **{**FORMER, **changed})
    assert on_the_roll(make) == 0


def test_what_was_decided_about_a_record_holds_for_the_one_that_counts_for_it(make: Make, person: Person) -> None:
    corrected(make, person, **FORMER)
    with make.writing() as session:
        briefing, one = session.scalars(select(Briefing)).one(), session.get_one(Person, person.id)
        decision = decide(session, briefing, one, "exempt", reason="Ốm", approved_by="Chi bộ")
    other = make.person("Lý A Hoa", unit=unit_of(make))
    corrected(make, other, **FORMER)
    with make.writing() as session:
        link_people(session, *(session.get_one(Person, own.id) for own in (person, other)), by=BY)
    assert on_the_roll(make) == 1
    with make.reading() as session:
        assert session.execute(select(Standing.person_id, Standing.exempt)).one() == (other.id, True)
        assert learning.duties(session, other.id, on=clock.today()) == {}
    with make.writing() as session:
        revoke(session, session.get_one(RollDecision, decision.id))
    assert on_the_roll(make) == 1
    with make.reading() as session:
        assert session.scalars(select(Standing.exempt)).all() == [False]
        assert len(learning.duties(session, other.id, on=clock.today())) == 1


def unit_of(make: Make) -> Unit:
    """The unit there is."""
    with make.reading() as session:
        return session.scalars(select(Unit)).one()


def test_whoever_is_erased_is_chosen_by_no_position_and_the_reasons_of_decisions_go(make: Make, person: Person) -> None:
    corrected(make, person, **FORMER)
    with make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        one, why = session.get_one(Person, person.id), "Lý A Hoa ốm"
        decide(session, briefing, one, "leave", reason=why, approved_by="Bác sĩ", due_at=clock.now())
        request = ask(session, person.id, person.public_id, kind="erasure", reason="Xóa.")
        erase(session, request, by=BY)
    assert on_the_roll(make) == 0
    with make.reading() as session:
        assert session.execute(select(RollDecision.reason, RollDecision.approved_by)).one() == ("", "")
