"""Tallies added up over the tree: every person once, whatever the depth, and each assignment by its own due date."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, literal, select, update
from sqlalchemy.orm import Session

from analytics.dashboard.queries import Given, Overview, briefings_given, overview
from analytics.facts.models import Tally
from analytics.facts.projection import Structure
from analytics.facts.queries import BranchOf, changes_today, tallies_today
from analytics.facts.queries import briefings_given as facts_of_briefings
from analytics.facts.rules import COUNT_NAMES, Branch, Count, Headline, N, UnitsBelow, due_date, total
from courses.enrolment.models import Assignment, Briefing
from lms import clock
from lms.organisation.gathering import Places
from lms.organisation.models import STATE_TREE, Unit, UnitClosure, UnitEdge
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.make import Make
from tests.plans import plan_of


def seen(session: Session, unit: Unit, course_id: int, structure: Structure | None = None) -> Overview[Count]:
    return figures_of(session, unit, course_id, Count, structure)


def figures_of(
    session: Session, unit: Unit, course_id: int, kind: type[N], structure: Structure | None = None
) -> Overview[N]:
    briefing_id = session.scalars(select(Briefing.id).where(Briefing.course_id == course_id)).one()
    briefing = Given(briefing_id, "demo", course_id, True, "", "", [])
    return overview(session, unit, briefing, structure or Structure(clock.today()), kind, now=NOW)


NOW = clock.now()


def by_name(found: Overview[Count]) -> dict[str, Count]:
    return {"*" if one.itself else one.name: ladder(one.count) for one in found.branches}


def ladder(count: Count) -> Count:
    """A, those who have begun, B, C and who is late, alone."""
    return Count(count.people, count.started, count.briefed, count.completed, count.overdue)


def test_each_branch_adds_up_all_that_stands_below_it(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    department, empty, office = (make.unit(name, under=root) for name in ("Sở Y tế", "Ban Dân tộc", "Văn phòng"))
    hospital = make.unit("Bệnh viện", under=department)
    ward = make.unit("Khoa Nội", under=hospital)
    assigned(make, course_id, root)
    for unit, staff in (
        (root, Staff(completed=1)),
        (department, Staff(briefed=2)),
        (hospital, Staff(begun=3)),
        (ward, Staff(not_begun=4, completed=1)),
        (office, Staff(completed=2)),
    ):
        staffed(make, course_id, unit, staff)
    with make.reading() as session:
        found = seen(session, root, course_id)
        assert by_name(found) == {
            "Ban Dân tộc": Count(),
            "Sở Y tế": Count(people=10, started=6, briefed=3, completed=1),
            "Văn phòng": Count(people=2, started=2, briefed=2, completed=2),
            "*": Count(people=1, started=1, briefed=1, completed=1),
        }
        assert ladder(found.count) == Count(people=13, started=9, briefed=6, completed=4)
        assert [one.itself for one in found.branches] == [False, False, False, True]
        assert found.below == UnitsBelow(concerned=4, briefed=1, not_begun=0)
        assert ladder(seen(session, department, course_id).count) == by_name(found)["Sở Y tế"]
        assert by_name(seen(session, ward, course_id)) == {"*": Count(people=5, started=1, briefed=1, completed=1)}
        assert by_name(seen(session, empty, course_id)) == {}


def test_a_parent_is_the_sum_of_its_people_and_not_the_mean_of_rates(make: Make, tmp_path: Path) -> None:
    """Three of three and none of three thousand: a mean would say 50 %."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    small, large = make.unit("Xã nhỏ", under=root), make.unit("Sở lớn", under=root)
    assigned(make, course_id, root)
    staffed(make, course_id, small, Staff(completed=3))
    staffed(make, course_id, large, Staff(not_begun=3000))
    with make.reading() as session:
        count = seen(session, root, course_id).count
    assert (count.briefed, count.people) == (3, 3003)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_figures_of_a_unit_are_read_along_the_keys_and_each_row_is_looked_up_once(make: Make) -> None:
    values = {"unit": 1, "briefing": 1, "day": clock.today(), "now": clock.now(), "after": clock.today(), "places": b""}
    for most, searched in ((True, "(briefing_id=?)"), (False, "(briefing_id=? AND unit_id=?")):
        for query in (tallies_today(STATE_TREE, COUNT_NAMES, most), changes_today(STATE_TREE, most)):
            plan = plan_of(make, query.params(values)).splitlines()
            [step] = [line for line in plan if "tally" in line]
            assert f"USING PRIMARY KEY {searched}" in step, plan


@pytest.mark.parametrize("kind", [Headline, Count])
def test_figures_are_the_same_whether_the_tallies_of_all_units_are_read_or_of_its_own(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Headline]
) -> None:
    """With people elsewhere, and due on several days, and in a unit of no tree."""
    course_id = course_loaded(make, tmp_path)
    root, other = make.unit("Tỉnh"), make.unit("Tỉnh khác")
    units = [root, other]
    for number in range(12):
        units.append(make.unit(f"Đơn vị {number:02}", under=units[number * 7 % len(units)]))
    for place, unit in enumerate(units):
        assigned(make, course_id, unit, due_in=timedelta(days=place % 3 - 1))
        staffed(make, course_id, unit, Staff(completed=place % 3, briefed=place % 2, not_begun=place % 4))
    with make.writing() as session:
        session.execute(delete(UnitEdge).where(UnitEdge.child_id == units[-1].id))
        session.execute(delete(UnitClosure).where(UnitClosure.descendant_id == units[-1].id))
    found: dict[bool, list[Overview[Headline]]] = {}
    for most in (True, False):
        monkeypatch.setattr(Places, "most", lambda _self, of, most=most: most and of.units > 1)
        with make.reading() as session:
            found[most] = [figures_of(session, unit, course_id, kind) for unit in units]
    assert [told(one) for one in found[True]] == [told(one) for one in found[False]]
    whole, apart = (one.count for one in found[True][:2])
    below = [one.below.concerned for one in found[True][:2]]
    assert sum(below) == sum(bool(place % 3 + place % 2 + place % 4) for place in range(2, len(units) - 1))
    assert whole.people + apart.people == sum(place % 3 + place % 2 + place % 4 for place in range(len(units) - 1))


def test_a_unit_in_no_tree_has_no_figures_in_a_small_one_either(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    make.unit("Tỉnh")
    unit = make.unit("Ngoài cây")
    assigned(make, course_id, unit)
    staffed(make, course_id, unit, Staff(not_begun=3))
    with make.writing() as session:
        session.execute(delete(UnitClosure).where(UnitClosure.descendant_id == unit.id))
    with make.reading() as session:
        assert seen(session, unit, course_id).count == Count()


def told(found: Overview[Headline]) -> tuple[object, ...]:
    return found.branches, found.below, found.count, found.due_at


def test_a_unit_beyond_the_places_that_are_told_stands_in_no_branch(make: Make) -> None:
    """It came after them, as its people did."""
    unit = make.unit("Tỉnh")
    with make.reading() as session:
        for places, place in ((bytes(2 * unit.id) + b"\x01\x02", 258), (bytes(2 * unit.id), 0), (b"", 0)):
            assert session.scalar(select(BranchOf(literal(places), Unit.id)).where(Unit.id == unit.id)) == place


@pytest.mark.parametrize("backend", ["sqlite"])
def test_which_briefings_a_unit_has_is_read_along_its_units(make: Make) -> None:
    """Begun with the tallies of a briefing, it would read those of all units before it comes to its own."""
    plan = plan_of(make, facts_of_briefings(1, Structure(clock.today()))).splitlines()
    closure, tally = (line for line in plan if line.startswith(("SEARCH unit_closure", "SEARCH tally")))
    assert closure == "SEARCH unit_closure_1 USING PRIMARY KEY (tree=? AND ancestor_id=?)", plan
    assert tally == "SEARCH tally USING PRIMARY KEY (briefing_id=? AND unit_id=?)", plan


@pytest.mark.parametrize("backend", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_which_briefings_a_unit_has_is_read_up_to_the_first_person_of_each(make: Make) -> None:
    plan = plan_of(make, facts_of_briefings(1, Structure(clock.today())))
    assert "Limit" in plan, plan


def test_who_is_late_follows_from_each_assignment_and_now(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    late, due = make.unit("Sở A", under=root), make.unit("Sở B", under=root)
    assigned(make, course_id, root, due_in=timedelta(days=5))
    assigned(make, course_id, late, due_in=timedelta(days=-1))
    staffed(make, course_id, late, Staff(completed=1, briefed=2, not_begun=3))
    staffed(make, course_id, due, Staff(completed=1, not_begun=3))
    with make.reading() as session:
        structure = Structure(clock.today())
        briefing = briefings_given(session, root, structure)[0]
        today = overview(session, root, briefing, structure, Count, now=clock.now())
        later = overview(session, root, briefing, structure, Count, now=clock.now() + timedelta(days=6))
    assert {name: count.overdue for name, count in by_name(today).items()} == {"Sở A": 5, "Sở B": 0}
    assert {name: count.overdue for name, count in by_name(later).items()} == {"Sở A": 5, "Sở B": 3}
    assert today.due_at is not None
    assert today.due_at > clock.now()
    assert later.due_at == today.due_at  # both have passed: the last of them


def test_a_unit_counts_as_briefed_or_not_begun_with_everything_below_it(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    done, idle = make.unit("Sở A", under=root), make.unit("Sở B", under=root)
    part = make.unit("Phòng của B", under=idle)
    make.unit("Không người", under=root)
    assigned(make, course_id, root)
    staffed(make, course_id, done, Staff(completed=1, briefed=1))
    staffed(make, course_id, idle, Staff(not_begun=2))
    with make.reading() as session:
        assert seen(session, root, course_id).below == UnitsBelow(concerned=2, briefed=1, not_begun=1)
    staffed(make, course_id, part, Staff(begun=1))
    with make.reading() as session:
        assert seen(session, root, course_id).below == UnitsBelow(concerned=3, briefed=1, not_begun=0)
        assert seen(session, idle, course_id).below == UnitsBelow(concerned=1, briefed=0, not_begun=0)


def test_the_tree_is_that_of_the_day(make: Make, tmp_path: Path) -> None:
    """A unit that stood elsewhere until yesterday is counted where it stands today, and once."""
    course_id = course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    old, new = make.unit("Sở cũ", under=root), make.unit("Sở mới", under=root)
    moved = make.unit("Phòng", under=old)
    assigned(make, course_id, root)
    staffed(make, course_id, moved, Staff(completed=2))
    today = clock.today()
    with make.writing() as session:
        ended = {"valid_to": today}
        below = (UnitClosure.descendant_id == moved.id, UnitClosure.ancestor_id == old.id)
        session.execute(update(UnitClosure).where(*below).values(ended))
        session.execute(update(UnitEdge).where(UnitEdge.child_id == moved.id).values(ended))
        session.add(UnitEdge(tree="state", parent_id=new.id, child_id=moved.id, valid_from=today))
        session.add(UnitClosure(tree="state", ancestor_id=new.id, descendant_id=moved.id, depth=1, valid_from=today))
    with make.reading() as session:
        now = by_name(seen(session, root, course_id))
        assert (now["Sở cũ"].people, now["Sở mới"].people) == (0, 2)
        then = Structure(today - timedelta(days=1), then=True)
        before = seen(session, root, course_id, then)
        assert by_name(before)["Sở cũ"].people == 2
        assert before.count.people == 2


def test_a_tally_that_counts_nobody_any_more_tells_no_due_date(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit, due_in=timedelta(days=3))
    staffed(make, course_id, unit, Staff(completed=1))
    assigned(make, course_id, unit, due_in=timedelta(days=9))
    with make.reading() as session:
        assert len(session.scalars(select(Tally)).all()) == 2
        latest = session.scalar(select(func.max(Assignment.due_at)))
        assert seen(session, unit, course_id).due_at == latest


def test_the_course_assigned_last_comes_first_and_one_nobody_studies_is_not_there(make: Make, tmp_path: Path) -> None:
    course_id = course_loaded(make, tmp_path)
    unit = make.unit("Sở Y tế")
    assigned(make, course_id, unit)
    with make.reading() as session:
        assert briefings_given(session, unit, Structure(clock.today())) == []  # assigned, but nobody is there
    staffed(make, course_id, unit, Staff(not_begun=1))
    with make.reading() as session:
        assert [one.title for one in briefings_given(session, unit, Structure(clock.today()))] == ["Khóa học nhỏ"]


def branch(**dates: date | None) -> Branch[Count]:
    values = {"next_due": None, "last_due": None} | dates
    return Branch(None, "", "", "", False, Count(people=1), **values)  # type: ignore[arg-type]


def test_nothing_adds_up_to_nothing() -> None:
    assert total([], Count) == Count()
    assert due_date([]) is None
    assert due_date([branch()]) is None
