"""Where units stand is remembered until it is otherwise: by operations, by their undoing, and by the day."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms import clock
from lms.organisation.actions import move_unit, rename_unit, undo
from lms.organisation.gathering import fitting, placed, places_on
from lms.organisation.models import STATE_TREE, Unit, UnitOperation
from lms.organisation.storage import Words
from lms.outbox.actions import settle_day
from tests.make import Make


def places(make: Make) -> dict[int, int]:
    with make.reading() as session:
        return dict(places_on(session, 1, on=clock.today(), tree=STATE_TREE).above)


def moved(make: Make, unit: Unit, to: Unit, *, days: int = 0) -> int:
    with make.writing() as session:
        on = clock.today() + timedelta(days=days)
        return move_unit(session, session.get_one(Unit, unit.id), session.get_one(Unit, to.id), on=on).id


def test_an_undoing_is_seen_also_when_the_clock_of_whoever_undid_is_behind(make: Make) -> None:
    root = make.unit("Tỉnh")
    a, b = make.unit("Sở A", under=root), make.unit("Sở B", under=root)
    one, other = make.unit("Phòng Một", under=a), make.unit("Phòng Khác", under=a)
    operations = [moved(make, one, b), moved(make, other, b)]
    assert (places(make)[one.id], places(make)[other.id]) == (b.id, b.id)
    now = clock.now()
    for moment, operation in zip((now, now - timedelta(seconds=1)), operations, strict=True):
        with clock.moved_to(moment), make.writing() as session:
            undo(session, session.get_one(UnitOperation, operation))
        places(make)
    assert (places(make)[one.id], places(make)[other.id]) == (a.id, a.id)


def test_what_was_read_before_midnight_is_not_taken_for_the_day_after(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make.unit("Tỉnh")
    a, b = make.unit("Sở A", under=root), make.unit("Sở B", under=root)
    one = make.unit("Phòng Một", under=a)
    moved(make, one, b, days=1)
    today = clock.today()
    tomorrow = today + timedelta(days=1)
    days = iter([today])
    with monkeypatch.context() as patched, make.reading() as session:
        patched.setattr(clock, "today", lambda: next(days, tomorrow))
        assert places_on(session, root.id, on=today, tree=STATE_TREE).above[one.id] == a.id
    with clock.moved_to(clock.start_of_day(tomorrow) + timedelta(hours=9)):
        assert places(make)[one.id] == b.id


def test_names_are_those_of_the_day_and_found_once_it_is_settled(make: Make) -> None:
    """A page may be asked for before that, as where the disk was full at daybreak: what it remembers is renewed."""
    root = make.unit("Tỉnh")
    one = make.unit("Sở Cũ", under=root)
    tomorrow = clock.today() + timedelta(days=1)
    with make.writing() as session:
        settle_day(session)
        rename_unit(session, session.get_one(Unit, one.id), Words(one.code, "Sở Mới", one.kind), on=tomorrow)

    def called() -> tuple[list[str], int]:
        with make.reading() as session:
            places = places_on(session, root.id, on=clock.today(), tree=STATE_TREE)
            found = fitting(session, "so moi", on=clock.today(), tree=STATE_TREE, seen=None)
            return [one.name for one in places.below[root.id]], found[1]

    assert called() == (["Sở Cũ"], 0)
    with clock.moved_to(clock.start_of_day(tomorrow) + timedelta(hours=9)):
        assert called() == (["Sở Mới"], 0)
        with make.writing() as session:
            settle_day(session)
        assert called() == (["Sở Mới"], 1)


@given(st.lists(st.integers(0, 1_000), max_size=12), st.integers(0, 12))
def test_each_unit_stands_in_the_branch_under_which_its_way_up_ends(parents: list[int], start: int) -> None:
    """Units are numbered from 3 on, each below one that came before it: 3 has nothing above."""
    above = {number: 3 + parent % (number - 3) for number, parent in enumerate(parents, 4)}
    units, top = [3, *above], 3 + start % (len(above) + 1)
    places = placed([row_of(number, parent) for number, parent in above.items()])
    found = places.branches(top)
    for unit in units:
        branch: int | None = unit
        while branch not in {None, top} and above.get(branch or 0) != top:
            branch = above.get(branch or 0)
        assert found.ids[int.from_bytes(found.places[2 * unit : 2 * unit + 2])] == branch
    assert found.units == sum(place > 0 for place in found.places[1::2])
    assert places.branches(top) == found
    assert (top in places.known) == places.most(found)


def row_of(number: int, parent: int) -> Any:
    return number, uuid.uuid4(), "", "", "", "", True, parent
