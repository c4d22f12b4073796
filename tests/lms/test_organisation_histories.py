"""Whatever is merged, split, moved, renamed and undone, in whatever order: the sums hold, and nothing is lost."""

import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

import wsgi
from lms import clock
from lms.accounts.models import Membership, Person
from lms.app import open_doors
from lms.audit.models import AuditEntry
from lms.db import Database
from lms.doors import BuiltOn
from lms.organisation.actions import (
    abolish_unit,
    create_unit,
    merge_units,
    move_unit,
    rename_unit,
    split_unit,
    undo,
)
from lms.organisation.models import PARTY_TREE, STATE_TREE, TREES, Unit, UnitClosure, UnitEdge, UnitOperation, UnitRoot
from lms.organisation.projection import with_former
from lms.organisation.storage import NewUnit, Refused, Words
from lms.outbox.actions import settle_day
from tests.conftest import config_for, postgresql_template
from tests.make import Make
from tests.organisation import Province
from tests.postgres import cluster

DAY = timedelta(days=1)
units, people, days = st.integers(0, 30), st.integers(0, 5), st.sampled_from([0, 0, 0, 1, 2])
EVENTS = st.one_of(
    st.tuples(st.just("rename"), units, days),
    st.tuples(st.just("move"), units, units, st.sampled_from(TREES), days),
    st.tuples(st.just("consolidate"), st.lists(units, min_size=1, max_size=3), units, days),
    st.tuples(st.just("absorb"), st.lists(units, min_size=1, max_size=2), units, days),
    st.tuples(st.just("divide"), units, units, st.booleans(), people, days),
    st.tuples(st.just("abolish"), units, units, days),
    st.tuples(st.just("undo"), st.integers(0, 5)),
    st.tuples(st.just("let days pass"), st.integers(1, 2)),
)


class History:
    """A province, and days on which things happen to it: entered today for yesterday, today or a day to come."""

    def __init__(self, make: Make, folder: Path) -> None:
        self.make = make
        self.province = Province(make, folder)
        with make.writing() as session:
            create_unit(
                session,
                code="du",
                name="Đảng bộ",
                kind="party_body",
                parent=None,
                since=date(2020, 1, 1),
                tree=PARTY_TREE,
            )
        self.passed = 0
        self.numbers = iter(range(1, 1000))
        self.known: dict[str, set[Any]] = {}

    def play(self, event: tuple[Any, ...]) -> None:
        """Let one thing happen, or be refused; what was true of days before it stays true."""
        name, *rest = event
        with clock.moved_to(clock.true_now() + timedelta(days=self.passed)):
            if name == "let days pass":
                self.passed += rest[0]
                return
            with self.make.reading() as session:
                before = {day: places(session, day) for day in breaks(session)}
            on = clock.today() - DAY + (rest[-1] if name != "undo" else 0) * DAY
            try:
                with self.make.writing() as session:
                    day = getattr(self, name)(session, on, *rest)
            except (Refused, BuiltOn):
                return
            with self.make.reading() as session:
                for earlier, where in before.items():
                    assert earlier >= day or places(session, earlier) == where

    def unit(self, session: Session, number: int) -> Unit:
        found = session.scalars(select(Unit).order_by(Unit.id)).all()
        return found[number % len(found)]

    def words(self) -> Words:
        number = next(self.numbers)
        return Words(f"n{number}", f"Đơn vị {number}", "commune")

    def new(self, parent: Unit | None) -> NewUnit:
        return NewUnit(self.words(), {STATE_TREE: parent})

    def rename(self, session: Session, on: date, which: int, _days: int) -> date:
        rename_unit(session, self.unit(session, which), self.words(), on=on)
        return on

    def move(self, session: Session, on: date, which: int, parent: int, tree: str, _days: int) -> date:
        move_unit(session, self.unit(session, which), self.unit(session, parent), on=on, tree=tree)
        return on

    def consolidate(self, session: Session, on: date, which: list[int], parent: int, _days: int) -> date:
        found = list(dict.fromkeys(self.unit(session, one) for one in which))
        merge_units(session, found, self.new(self.unit(session, parent)), on=on)
        return on

    def absorb(self, session: Session, on: date, which: list[int], into: int, _days: int) -> date:
        heir = self.unit(session, into)
        found = [one for one in dict.fromkeys(self.unit(session, one) for one in which) if one is not heir]
        if found:
            merge_units(session, found, heir, on=on)
        return on

    def divide(self, session: Session, on: date, which: int, parent: int, ends: bool, who: int, _days: int) -> date:
        unit, above = self.unit(session, which), self.unit(session, parent)
        below = session.scalars(select(UnitEdge.child_id).filter_by(parent_id=unit.id, valid_to=None)).all()
        placed = {self.province.people[who].public_id: 1}
        parts = [self.new(above), self.new(above)]
        split_unit(session, unit, parts, ends=ends, on=on, children=dict.fromkeys(below[:1], 1), people=placed)
        return on

    def abolish(self, session: Session, on: date, which: int, receiver: int, _days: int) -> date:
        unit, to = self.unit(session, which), self.unit(session, receiver)
        abolish_unit(session, unit, receiver=to if to is not unit else None, on=on)
        return on

    def undo(self, session: Session, _on: date, which: int) -> date:
        latest = select(UnitOperation).where(UnitOperation.undone_at.is_(None), UnitOperation.kind != "create")
        found = session.scalars(latest.order_by(UnitOperation.id.desc()).limit(6)).all()
        if not found:
            return date.max
        operation = found[which % len(found)]
        undo(session, operation)
        return operation.effective_on

    def check(self) -> None:
        """What must hold whatever has happened."""
        with clock.moved_to(clock.true_now() + timedelta(days=self.passed)):
            with self.make.writing() as session:
                settle_day(session)
            assert self.province.differences() == []
            with self.make.reading() as session:
                everybody = len(self.province.people)
                for day in breaks(session):
                    assert closure_on(session, day) == computed_closure(session, day)
                    assert len(places(session, day)) == everybody
                    assert set(times_found(session, day).values()) == {1}
                self.nothing_gone(session)
            assert sum(self.province.counted().values()) == everybody

    def nothing_gone(self, session: Session) -> None:
        for model in (Unit, UnitOperation, Person, AuditEntry):
            now = set(session.scalars(select(model.id)))
            assert self.known.get(model.__tablename__, set()) <= now
            self.known[model.__tablename__] = now


def breaks(session: Session) -> list[date]:
    """Every day on which anything begins or ends, and the days before."""
    found = set()
    for model in (Unit, UnitEdge, UnitRoot, Membership):
        for since, until in session.execute(select(model.valid_from, model.valid_to)):
            found |= {since, *([until] if until else [])}
    return sorted(found | {day - DAY for day in found if day - DAY >= date(2020, 1, 1)})


def holds(one: Any, day: date) -> bool:
    return bool(one.valid_from <= day and (one.valid_to is None or one.valid_to > day))


def places(session: Session, day: date) -> dict[int, int]:
    """Where each person is counted on the day: once, and in a unit that stands below the top of the tree."""
    tops = {one.unit_id for one in session.scalars(select(UnitRoot).filter_by(tree=STATE_TREE)) if holds(one, day)}
    below = {unit for top, unit, _depth in computed_closure(session, day, STATE_TREE) if top in tops}
    rows = [one for one in session.scalars(select(Membership).filter_by(kind="main")) if holds(one, day)]
    assert len({one.person_id for one in rows}) == len(rows)
    assert {one.unit_id for one in rows} <= below
    return {one.person_id: one.unit_id for one in rows}


def times_found(session: Session, day: date) -> dict[int, int]:
    """How often each unit that has stood below the top is found on the day: as itself, or as what one took over from.

    So whatever stays with units, as rolls that were frozen and meeting points do, has the same totals in every tree.
    """
    standing = {unit for _tree, _ancestor, unit, _depth in closure_on(session, day)}
    found = Counter(session.scalars(with_former(select(Unit.id).where(Unit.id.in_(standing)), on=day)))
    begun = select(UnitClosure.descendant_id).where(UnitClosure.tree == STATE_TREE, UnitClosure.valid_from <= day)
    return {one: found[one] for one in session.scalars(begun)}


def closure_on(session: Session, day: date) -> set[tuple[str, int, int, int]]:
    """The rows of the closure that hold on the day."""
    rows = [one for one in session.scalars(select(UnitClosure)) if holds(one, day)]
    found = {(one.tree, one.ancestor_id, one.descendant_id, one.depth) for one in rows}
    assert len(found) == len(rows)
    return found


def computed_closure(session: Session, day: date, tree: str = "") -> set[Any]:
    """The same, climbed from every unit by the edges of the day."""
    found = set()
    for one in (tree,) if tree else TREES:
        edges = [row for row in session.scalars(select(UnitEdge).filter_by(tree=one)) if holds(row, day)]
        above = {row.child_id: row.parent_id for row in edges}
        assert len(above) == len(edges)
        tops = {row.unit_id for row in session.scalars(select(UnitRoot).filter_by(tree=one)) if holds(row, day)}
        for unit in above.keys() | tops:
            path = [unit]
            while path[-1] in above:
                path.append(above[path[-1]])
            assert path[-1] in tops
            found |= {
                (ancestor, unit, depth) if tree else (one, ancestor, unit, depth) for depth, ancestor in enumerate(path)
            }
    return found


@contextmanager
def history_on(url: str, folder: Path) -> Iterator[History]:
    """A history on a new database."""
    database = Database(config_for(url, folder), open_doors(wsgi.PACKAGES))
    yield History(Make(cast(Flask, SimpleNamespace(extensions={"database": database}))), folder)
    database.dispose()


def run(history: History, events: list[tuple[Any, ...]]) -> None:
    for event in events:
        history.play(event)
    history.check()


FIXED: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
BACK_AND_FORTH = [
    ("move", 3, 2, "state", 0),
    ("consolidate", [1, 2], 0, 0),
    ("undo", 0),
    ("divide", 1, 0, True, 1, 1),
    ("move", 2, 6, "party", 1),
    ("let days pass", 2),
    ("abolish", 2, 0, 1),
    ("undo", 1),
    ("undo", 0),
]


INTO_THE_OTHER_TREE = [("abolish", 5, 6, 0), ("absorb", [5], 6, 0), ("divide", 4, 6, True, 3, 0)]
UNDONE_ON_A_NEW_DAY = [("consolidate", [17], 22, 0), ("let days pass", 1), ("undo", 0)]


@settings(max_examples=10, phases=[Phase.explicit, Phase.generate, Phase.shrink], **FIXED)
@example(events=BACK_AND_FORTH)
@example(events=UNDONE_ON_A_NEW_DAY)
@example(events=INTO_THE_OTHER_TREE)
@given(events=st.lists(EVENTS, min_size=3, max_size=9))
def test_totals_hold_nobody_counts_twice_and_nothing_goes_whatever_happens(
    sqlite_template: Path, events: list[tuple[Any, ...]]
) -> None:
    with tempfile.TemporaryDirectory(dir=sqlite_template.parents[1]) as name:
        shutil.copy(sqlite_template, Path(name) / "lms.sqlite")
        with history_on(f"sqlite:///{name}/lms.sqlite", Path(name)) as history:
            run(history, events)


@pytest.mark.postgresql
@settings(max_examples=1, phases=[Phase.explicit, Phase.generate], **FIXED)
@example(events=BACK_AND_FORTH)
@given(events=st.lists(EVENTS, min_size=5, max_size=5))
def test_so_it_is_on_postgresql(tmp_path_factory: pytest.TempPathFactory, events: list[tuple[Any, ...]]) -> None:
    code = f"t_{uuid.uuid4().hex[:12]}"
    url = cluster().create_database(code, template=postgresql_template())
    with history_on(url, tmp_path_factory.mktemp("history")) as history:
        run(history, events)
    cluster().drop_database(code)
