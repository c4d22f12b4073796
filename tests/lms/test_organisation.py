"""Operations of the organisation: what each does to trees, people and figures on its day, and its undoing."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from courses.enrolment.models import Assignment
from courses.enrolment.queries import roll
from lms import clock
from lms.accounts.actions import end_role, move_person
from lms.accounts.models import Membership, Person, RoleGrant
from lms.accounts.projector import follow_late
from lms.accounts.storage import place_people
from lms.audit.models import AuditEntry
from lms.doors import BuiltOn
from lms.organisation.access import at_or_below
from lms.organisation.actions import (
    abolish_unit,
    create_unit,
    merge_units,
    move_unit,
    rename_unit,
    split_unit,
    undo,
)
from lms.organisation.forms import refused_words
from lms.organisation.models import PARTY_TREE, Unit, UnitOperation
from lms.organisation.projection import taken_over, with_former
from lms.organisation.queries import Rehearsal, ancestors, picture, rehearsal, subtree
from lms.organisation.storage import (
    ChangedLater,
    CodeTaken,
    GoesRound,
    NamedTwice,
    NoReceiver,
    NothingNew,
    NotStanding,
    Superseded,
    Words,
)
from lms.outbox.actions import settle_day
from tests.counting import count_queries
from tests.courses.learner import give
from tests.make import Make
from tests.organisation import Province, commune

DAY = timedelta(days=1)
THEN = date(2025, 7, 1)


ON_ONE = pytest.mark.parametrize("backend", ["sqlite"])
"""What asks the databases nothing that other tests here do not ask both."""


@pytest.fixture
def province(make: Make, tmp_path: Path) -> Province:
    return Province(make, tmp_path)


def test_two_units_become_a_new_one_and_everything_goes_with_them(province: Province) -> None:
    province.do(merge_units, [province.a, province.b], commune(under=province.root), on=THEN)
    assert province.below(province.root, THEN - DAY) == {"t", "a", "b", "a1", "a2", "b1"}
    assert province.below(province.root, THEN) == {"t", "c", "a1", "a2", "b1"}
    assert province.below(province.a, THEN) == set()
    assert [province.unit_of(one, THEN - DAY) for one in province.people] == ["t", "a", "a", "a1", "b", "b1"]
    assert [province.unit_of(one, THEN) for one in province.people] == ["t", "c", "c", "a1", "c", "b1"]
    assert province.counted() == {"t": 1, "c": 3, "a1": 1, "b1": 1}
    assert province.differences() == []


@ON_ONE
def test_a_unit_goes_up_in_one_that_goes_on_also_when_that_stood_below_it(province: Province) -> None:
    province.do(merge_units, [province.a], province.a1, on=THEN)
    assert province.below(province.a1, THEN) == {"a1", "a2"}
    with province.make.reading() as session:
        assert [one.code for one in session.scalars(ancestors(province.a1.id, on=THEN))] == ["t", "a1"]
    assert province.counted() == {"t": 1, "a1": 3, "b": 1, "b1": 1}
    with pytest.raises(GoesRound):  # deeper below: it would stand below itself
        province.do(merge_units, [province.root], province.b1, on=THEN + DAY)
    assert province.differences() == []


def test_what_stays_with_a_unit_that_has_ended_is_found_in_the_one_in_its_place(province: Province) -> None:
    def found(day: date) -> dict[str, set[str]]:
        with province.make.reading() as session:
            codes = {one.id: one.code for one in session.scalars(select(Unit))}
            rows = session.execute(select(taken_over(day))).all()
            assert len({row.unit_id for row in rows}) == len(rows)
            there = session.scalars(with_former(subtree(province.root.id, on=day), on=day)).all()
            assert len(set(there)) == len(there)
            told: dict[str, set[str]] = {}
            for row in rows:
                told.setdefault(codes[row.heir_id], set()).add(codes[row.unit_id])
            return {**told, "all": {codes[one] for one in there}}

    everything = {"t", "a", "b", "a1", "a2", "b1"}
    later, last = THEN + DAY, THEN + 2 * DAY
    province.do(merge_units, [province.a1], province.a2, on=THEN)
    province.do(merge_units, [province.a, province.b], commune(under=province.root), on=later)
    with province.make.reading() as session:
        merged = session.scalars(select(Unit).where(Unit.code == "c")).one()
    parts = [commune(f"Xã {code}", code, under=province.root) for code in ("d", "e")]
    halved = province.do(split_unit, merged, parts, ends=True, on=last)
    assert found(THEN - DAY) == {"all": everything}
    assert found(THEN) == {"a2": {"a1"}, "all": everything}
    assert found(later) == {"a2": {"a1"}, "c": {"a", "b"}, "all": {*everything, "c"}}
    assert found(last) == {"a2": {"a1"}, "d": {"a", "b", "c"}, "all": {*everything, "c", "d", "e"}}
    province.do(undo, halved)
    assert found(last) == found(later)
    with province.make.reading() as session:
        empty = session.scalars(select(Unit).where(Unit.code == "b1")).one()
    province.do(split_unit, empty, [commune("Phòng F", "f", under=empty)], ends=False, on=last)
    assert "f" not in found(last)  # the former goes on
    with province.make.reading() as session:
        part = session.scalars(select(Unit).where(Unit.code == "f")).one()
    province.do(abolish_unit, part, receiver=None, on=last + DAY)
    assert found(last + DAY)["b1"] == {"f"}  # nobody took over: the unit above


@ON_ONE
def test_a_unit_is_called_by_its_name_of_the_day(province: Province) -> None:
    words = Words("a-moi", "Phường A", "commune", "P. A")
    province.do(rename_unit, province.a, words, on=THEN)
    with province.make.reading() as session:
        before, after = (picture(session, on=day)[province.a.id] for day in (THEN - DAY, THEN))
        assert (before.code, before.name, after.code, after.name) == ("a", "Xã A", "a-moi", "Phường A")
        assert session.get_one(Unit, province.a.id).name == "Phường A"
    with pytest.raises(CodeTaken):
        province.make.unit("Xã khác", code="A", under=province.root)
    with pytest.raises(CodeTaken):
        province.do(rename_unit, province.b, Words("A", "Xã B", "commune"), on=THEN)
    with pytest.raises(NothingNew):
        province.do(rename_unit, province.a, words, on=THEN + DAY)
    with pytest.raises(ChangedLater):
        province.do(rename_unit, province.a, Words("a", "Xã A cũ", "commune"), on=THEN - DAY)
    assert province.differences() == []


def test_what_is_entered_for_a_day_to_come_happens_on_that_day(province: Province) -> None:
    day = clock.today() + 3 * DAY
    province.do(rename_unit, province.b, Words("b", "Phường B", "commune"), on=day)
    province.do(merge_units, [province.a], province.b, on=day + DAY)
    late = province.make.person(unit=province.a)  # came to it while its end was known already
    assert province.counted() == {"t": 1, "a": 3, "a1": 1, "b": 1, "b1": 1}
    for days, name, counted in ((3, "Phường B", {"a": 3, "b": 1}), (4, "Phường B", {"b": 4})):
        with clock.moved_to(clock.true_now() + days * DAY), province.make.writing() as session:
            assert session.get_one(Unit, province.b.id).name == "Xã B" if days == 3 else name
            settle_day(session)
            session.expire_all()
            assert session.get_one(Unit, province.b.id).name == name
        assert {code: n for code, n in province.counted().items() if code in "ab"} == counted
        assert province.differences() == []
    assert province.unit_of(late, day) == "a"
    assert province.unit_of(late, day + DAY) == "b"


def test_who_came_to_a_unit_that_ends_without_an_heir_in_that_tree_is_ended_with_it_and_named_in_the_log(
    province: Province,
) -> None:
    make, day = province.make, clock.today() + 3 * DAY
    with make.writing() as session:
        top = create_unit(
            session, code="du", name="Đảng bộ", kind="party_body", parent=None, since=THEN, tree=PARTY_TREE
        )
    province.do(move_unit, province.a, top, on=THEN + DAY, tree=PARTY_TREE)
    operation = province.do(merge_units, [province.a], province.b, on=day)
    early, member = make.person(unit=province.a), make.person(unit=province.b)
    with make.writing() as session:
        place_people(session, {member.id: province.a.id}, on=clock.today(), tree=PARTY_TREE)
    with clock.moved_to(clock.true_now() + 3 * DAY):
        with make.writing() as session:
            settle_day(session)
        with make.reading() as session:
            party = select(Membership.valid_to).where(Membership.tree == PARTY_TREE)
            named = select(AuditEntry.object_id).where(AuditEntry.action == "person.placeless")
            assert session.scalars(party).all() == [day]
            assert session.scalars(named).all() == [str(member.public_id)]
        assert province.unit_of(early, day) == "b"
        assert province.differences() == []
        province.do(undo, operation)
        with make.reading() as session:
            assert session.scalars(party).all() == [None]
        assert province.differences() == []


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("day", [THEN, THEN - 100 * DAY])
def test_whoever_takes_over_does_not_end_before_and_who_came_late_to_the_former_is_not_lost(
    make: Make, day: date
) -> None:
    top = make.unit("Tỉnh")
    former, heir, other = (make.unit(name, under=top) for name in ("Xã Một", "Xã Hai", "Xã Ba"))
    with make.writing() as session:
        merge_units(session, [session.get_one(Unit, former.id)], session.get_one(Unit, heir.id), on=THEN)
    late = make.person(unit=former, since=THEN - 30 * DAY)
    with pytest.raises(ChangedLater), make.writing() as session:
        abolish_unit(session, session.get_one(Unit, heir.id), receiver=session.get_one(Unit, other.id), on=day)
    with make.writing() as session:
        abolish_unit(session, session.get_one(Unit, heir.id), receiver=session.get_one(Unit, other.id), on=THEN + DAY)
        follow_late(session, clock.today())
    with make.reading() as session:
        places = select(Membership.unit_id).filter_by(person_id=late.id, valid_to=None)
        assert session.scalars(places).all() == [other.id]


@ON_ONE
def test_what_is_entered_late_changes_the_figures_of_today_and_the_roll_of_that_day(province: Province) -> None:
    on = clock.today() - 100 * DAY
    with province.make.writing() as session:
        session.execute(update(Assignment).values(assigned_at=clock.now() - 200 * DAY))
    province.do(merge_units, [province.a], province.b, on=on)
    assert province.counted() == {"t": 1, "a1": 1, "b": 3, "b1": 1}
    with province.make.reading() as session:
        [course_id] = session.scalars(select(Assignment.course_id).distinct())
        before, after = (sorted(row.unit_id for row in roll(session, course_id, on=day)) for day in (on - DAY, on))
    a, b = province.a.id, province.b.id
    assert [one for one in before if one in (a, b)] == [a, a, b]
    assert [one for one in after if one in (a, b)] == [b, b, b]
    assert len(before) == len(after) == 6
    assert province.differences() == []


def test_a_unit_is_divided_and_each_person_and_unit_goes_where_was_said(province: Province) -> None:
    parts = [commune("Xã C", "c", under=province.root), commune("Xã D", "d", under=province.root)]
    second = province.people[2].public_id
    province.do(split_unit, province.a, parts, ends=True, on=THEN, children={province.a2.id: 1}, people={second: 1})
    assert [province.unit_of(one, THEN) for one in province.people] == ["t", "c", "d", "a1", "b", "b1"]
    assert province.below(province.root, THEN) == {"t", "c", "a1", "d", "a2", "b", "b1"}
    assert province.differences() == []


@ON_ONE
def test_part_of_a_unit_goes_on_alone_while_the_unit_goes_on(province: Province) -> None:
    second = province.people[2].public_id
    part = commune("Phòng mới", "moi", under=province.a)
    province.do(split_unit, province.a, [part], ends=False, on=THEN, children={province.a1.id: 0}, people={second: 0})
    assert [province.unit_of(one, THEN) for one in province.people] == ["t", "a", "moi", "a1", "b", "b1"]
    assert province.below(province.a, THEN) == {"a", "a2", "moi", "a1"}
    assert province.differences() == []


@ON_ONE
def test_a_unit_is_abolished_only_when_nobody_is_left_without_a_place(province: Province) -> None:
    with pytest.raises(NoReceiver):
        province.do(abolish_unit, province.a, receiver=None, on=THEN)
    with pytest.raises(NoReceiver):
        province.do(abolish_unit, province.b1, receiver=None, on=THEN)  # nothing below, but somebody in it
    province.do(abolish_unit, province.a2, receiver=None, on=THEN)
    province.do(abolish_unit, province.a, receiver=province.b, children_to=province.root, on=THEN)
    assert province.below(province.root, THEN) == {"t", "a1", "b", "b1"}
    assert province.counted() == {"t": 1, "a1": 1, "b": 3, "b1": 1}
    assert province.differences() == []


@ON_ONE
def test_the_two_trees_change_apart_and_a_unit_that_ends_leaves_both(province: Province, make: Make) -> None:
    with make.writing() as session:
        since = THEN - 365 * DAY
        top = create_unit(
            session, code="du", name="Đảng bộ", kind="party_body", parent=None, since=since, tree=PARTY_TREE
        )
        make_party = create_unit(
            session, code="db", name="Chi bộ", kind="party_body", parent=top, since=since, tree=PARTY_TREE
        )
    province.do(move_unit, province.a, make_party, on=since + DAY, tree=PARTY_TREE)
    assert province.below(top, since + DAY, PARTY_TREE) == {"du", "db", "a"}
    assert province.below(province.root, since + DAY) == {"t", "a", "a1", "a2", "b", "b1"}
    province.do(move_unit, province.a, top, on=since + 2 * DAY, tree=PARTY_TREE)
    assert province.below(make_party, since + 2 * DAY, PARTY_TREE) == {"db"}
    with pytest.raises(NotStanding):  # units below it would have no place in the Party tree
        province.do(merge_units, [top], province.b, on=THEN)
    province.do(merge_units, [province.a], province.b, on=THEN)
    assert province.below(top, THEN, PARTY_TREE) == {"du", "db"}
    assert province.differences() == []


@ON_ONE
def test_no_unit_takes_over_from_itself_and_none_is_named_twice(province: Province) -> None:
    a, a2, b = province.a, province.a2, province.b
    new = commune(under=province.root)
    for work in (
        lambda: province.do(merge_units, [a2], a2, on=THEN),
        lambda: province.do(merge_units, [a, b, a], new, on=THEN),
        lambda: province.do(split_unit, a, [a, new], ends=True, on=THEN),
        lambda: province.do(split_unit, a, [a], ends=False, on=THEN),
        lambda: province.do(split_unit, a, [b, b], ends=True, on=THEN),
        lambda: province.do(abolish_unit, a, receiver=a, on=THEN),
        lambda: province.do(abolish_unit, a, receiver=b, children_to=a, on=THEN),
    ):
        with pytest.raises(NamedTwice):
            work()


@ON_ONE
def test_a_unit_never_stands_below_itself(province: Province) -> None:
    for unit, parent in ((province.a, province.a1), (province.a, province.a)):
        with pytest.raises(GoesRound):
            province.do(move_unit, unit, parent, on=THEN)
    province.do(move_unit, province.a1, province.b, on=THEN)
    province.do(move_unit, province.b, province.a, on=THEN + DAY)  # it stood above, and comes below
    assert province.below(province.a, THEN + DAY) == {"a", "a2", "b", "a1", "b1"}
    assert province.differences() == []


def test_what_is_assigned_to_a_unit_that_ends_passes_on_unless_they_study_anyway(province: Province) -> None:
    make, soon = province.make, clock.now() + 5 * DAY
    give(make, province.a, due_at=soon)
    province.do(merge_units, [province.a], commune(under=province.root), on=clock.today())
    with make.reading() as session:  # the province's assignment reaches everybody anyway
        assert session.scalar(select(func.count(Assignment.id))) == 2
    with make.writing() as session:
        session.execute(
            update(Assignment).where(Assignment.unit_id == province.root.id).values(withdrawn_at=clock.now())
        )
    give(make, province.b, due_at=soon)
    late = give(make, province.b, due_at=soon + DAY)
    operation = province.do(merge_units, [province.b], province.a1, on=clock.today())
    with make.reading() as session:
        [handed] = session.scalars(select(Assignment).where(Assignment.unit_id == province.a1.id))
        assert handed.due_at == session.get_one(Assignment, late.id).due_at
    assert province.counted() == {"a1": 2, "b1": 1}
    assert province.differences() == []
    province.do(undo, operation)
    assert province.counted() == {"b": 1, "b1": 1}
    assert province.differences() == []


OPERATIONS: dict[str, Callable[[Province], UnitOperation]] = {
    "rename": lambda p: p.do(rename_unit, p.a, Words("moi", "Tên mới", "office"), on=THEN),
    "move": lambda p: p.do(move_unit, p.a1, p.b, on=THEN),
    "consolidate": lambda p: p.do(merge_units, [p.a, p.b], commune(under=p.root), on=THEN),
    "absorb": lambda p: p.do(merge_units, [p.a], p.b, on=THEN),
    "divide": lambda p: p.do(
        split_unit,
        p.a,
        [commune(code="c2", under=p.root), commune("D", "d", under=p.b)],
        ends=True,
        on=THEN,
        children={p.a1.id: 1},
    ),
    "separate": lambda p: p.do(
        split_unit, p.a, [commune(code="c3", under=p.a)], ends=False, on=THEN, people={p.people[1].public_id: 0}
    ),
    "abolish": lambda p: p.do(abolish_unit, p.a, receiver=p.b, children_to=p.root, on=THEN),
}


def everything(province: Province) -> tuple[object, ...]:
    """Trees and places of people on three days, and the figures of today."""
    days = (THEN - DAY, THEN, clock.today())
    with province.make.reading() as session:
        pictures = [picture(session, on=day) for day in days]
    places = [[province.unit_of(one, day) for one in province.people] for day in days]
    return pictures, [province.below(province.root, day) for day in days], places, province.counted()


def test_what_was_done_is_undone_and_kept_in_the_books(province: Province) -> None:
    """One kind after the other: each leaves everything as it was."""
    before = everything(province)
    for kind, work in OPERATIONS.items():
        operation = work(province)
        assert operation.kind == kind
        assert everything(province) != before
        assert province.differences() == []
        province.do(undo, operation)
        assert everything(province) == before
        assert province.differences() == []
        with province.make.reading() as session:
            kept = session.get_one(UnitOperation, operation.id)
            assert kept.undone_at is not None
            noted = session.scalars(select(AuditEntry.action).where(AuditEntry.object_id == str(kept.public_id))).all()
            assert {f"unit.{kind}", "unit.undo"} <= set(noted)
        with pytest.raises(NothingNew):
            province.do(undo, operation)
        if kind in ("consolidate", "divide", "separate"):
            with pytest.raises(CodeTaken):  # a code is never used again, also where its unit was undone
                work(province)


@ON_ONE
def test_nothing_is_undone_on_which_something_was_built(province: Province) -> None:
    make = province.make
    first = OPERATIONS["consolidate"](province)
    with make.reading() as session:
        new = session.scalars(select(Unit).where(Unit.code == "c")).one()
    second = province.do(rename_unit, new, Words("c", "Xã Đổi", "commune"), on=THEN + DAY)
    with pytest.raises(Superseded):
        province.do(undo, first)
    province.do(undo, second)
    with make.writing() as session:
        mover, to = session.get_one(Person, province.people[1].id), session.get_one(Unit, province.root.id)
        move_person(session, mover, to, on=THEN + DAY)
    with pytest.raises(BuiltOn, match="people"):
        province.do(undo, first)
    give(make, new)
    with pytest.raises(BuiltOn, match="assignments"):
        province.do(undo, first)
    assert province.differences() == []


@ON_ONE
@pytest.mark.parametrize("built", ["person", "role", "unit"])
def test_a_new_unit_to_which_somebody_or_something_came_stays(province: Province, built: str) -> None:
    operation = OPERATIONS["consolidate"](province)
    with province.make.reading() as session:
        new = session.scalars(select(Unit).where(Unit.code == "c")).one()
    if built == "person":
        province.make.person(unit=new, since=THEN + DAY)
    elif built == "role":
        province.make.person(role="head", over=new)
    else:
        province.make.unit("Phòng", under=new, since=THEN + DAY)
    expected: type[Exception] = NotStanding if built == "unit" else BuiltOn
    with pytest.raises(expected):
        province.do(undo, operation)
    assert province.differences() == []


@ON_ONE
def test_an_undoing_waits_until_roles_given_over_the_heir_since_have_ended(province: Province) -> None:
    make = province.make
    make.person(role="head", over=province.b)  # who headed it before stays
    operation = province.do(merge_units, [province.a], province.b, on=THEN)
    person = make.person("Trưởng Cũ", role="head", over=province.b)
    with pytest.raises(BuiltOn) as refused:
        province.do(undo, operation)
    assert refused_words(refused.value).startswith(
        "Chưa hoàn tác được: từ khi ghi nhận thay đổi này đã giao vai trò “Thủ trưởng cơ quan, đơn vị” ở Xã B."
    )
    with make.writing() as session:
        end_role(session, session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id)).one())
    province.do(undo, operation)
    assert province.differences() == []


def test_a_rehearsal_tells_what_would_change_and_changes_nothing(province: Province) -> None:
    make, before = province.make, everything(province)
    make.person("Trưởng", unit=province.a2, role="head", over=province.a)
    before = everything(province)

    def told() -> Rehearsal:
        with make.writing() as session:
            a, b, root = (session.get_one(Unit, one.id) for one in (province.a, province.b, province.root))
            return rehearsal(session, THEN, lambda: merge_units(session, [a, b], commune(under=root), on=THEN))

    seen = told()
    assert [(one.code, one.what) for one in seen.differences] == [
        ("a", "ends"),
        ("b", "ends"),
        ("c", "begins"),
        ("a1", "above.state"),
        ("a2", "above.state"),
        ("b1", "above.state"),
        ("c", "above.state"),
    ]
    assert (seen.differences[3].before, seen.differences[3].after) == ("Xã A (a)", "Xã C (c)"), "people know no codes"
    lines = [(one.sort, one.number, one.from_unit, one.to_unit) for one in seen.lines]
    assert lines == [("people", 2, "Xã A", "Xã C"), ("people", 1, "Xã B", "Xã C"), ("roles", 1, "Xã A", "")]
    assert seen.totals == {"people.state": (7, 7), "roll.demo Khóa học nhỏ": (0, 0)}  # nothing was assigned by that day
    assert everything(province) == before
    assert told().digest == seen.digest
    make.person(unit=province.a)
    assert told().digest != seen.digest


@ON_ONE
def test_above_and_below_on_any_day_is_one_statement(province: Province) -> None:
    for kind in ("move", "absorb"):
        OPERATIONS[kind](province)
    with province.make.reading() as session:
        session.connection()
        for day in (THEN - DAY, THEN, clock.today() + 900 * DAY):
            for query in (subtree(province.root.id, on=day), ancestors(province.b1.id, on=day)):
                with count_queries(province.make.app) as counted:
                    assert session.scalars(query).all()
                assert len(counted) == 1, counted


@ON_ONE
def test_a_unit_stands_at_or_below_another_on_a_day_exactly_when_the_subtree_of_that_day_has_it(
    province: Province,
) -> None:
    for kind in ("move", "absorb"):
        OPERATIONS[kind](province)
    with province.make.reading() as session:
        ids = session.scalars(select(Unit.id)).all()
        for day in (THEN - DAY, THEN, clock.today() + 900 * DAY):
            for top in ids:
                asked = session.scalars(select(Unit.id).where(at_or_below(Unit.id, top, on=day))).all()
                assert set(asked) == set(session.scalars(subtree(top, on=day)))
