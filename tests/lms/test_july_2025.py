"""The reorganisation of 2025, replayed on the sample organisation and a second province that is made up."""

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analytics.dashboard.queries import briefings_given, overview
from analytics.facts.models import Tally
from analytics.facts.projection import Structure
from analytics.facts.rules import Count
from lms import clock
from lms.accounts.models import Membership, Person
from lms.cli import check_projections
from lms.organisation.actions import (
    Basis,
    abolish_unit,
    create_unit,
    found_unit,
    merge_units,
    rename_unit,
    split_unit,
    undo,
)
from lms.organisation.demo import SAMPLE, load_sample_units
from lms.organisation.models import STATE_TREE, Unit, UnitLineage, UnitOperation
from lms.organisation.queries import picture, subtree, trees_on
from lms.organisation.storage import NewUnit, Words
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.courses.learner import Learner
from tests.make import Make

MADE_UP = Path(__file__).with_name("made_up_2025.toml")
MARCH, JULY = date(2025, 3, 1), date(2025, 7, 1)
"""The day after the last one the sample names for the first wave, with a question mark; and that of the second."""

OF_MARCH = Basis("(mẫu, chỉ để kiểm thử)")
OF_JULY = Basis("(mẫu, chỉ để kiểm thử)", JULY, "(mẫu)")


class Replay:
    """Both provinces as they were, with staff in every unit that has people, and the operations of 2025."""

    def __init__(self, make: Make, folder: Path) -> None:
        self.make = make
        self.sample = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
        self.made_up = tomllib.loads(MADE_UP.read_text(encoding="utf-8"))
        self.operations: list[int] = []
        with make.writing() as session:
            list(load_sample_units(session, 0))
            for one in self.made_up["unit"]:
                parent = self.unit(session, one["parent"]) if "parent" in one else None
                words = {name: one[name] for name in ("code", "name", "kind")}
                create_unit(session, **words, parent=parent, since=self.sample["valid_from"])
        course = course_loaded(make, folder)
        with make.reading() as session:
            units = {one.code: one for one in session.scalars(select(Unit))}
        for root in ("tq", "bia-t"):
            assigned(make, course, units[root])
        for number, one in enumerate(one for one in units.values() if one.counted):
            staffed(make, course, one, Staff(not_begun=1 + number % 3))
        for code, lessons in {"s-tttt": 1, "x-lp": 4, "h-ch": 4, "bia-x4": 2}.items():
            Learner(make, make.person(unit=units[code])).read(*("m1-1", "m1-2", "m2-1", "m2-2")[:lessons])

    def unit(self, session: Session, code: str) -> Unit:
        return session.scalars(select(Unit).where(Unit.code == code)).one()

    def new(self, session: Session, code: str, name: str, kind: str, parent: str) -> NewUnit:
        return NewUnit(Words(code, name, kind), {STATE_TREE: self.unit(session, parent)})

    def commune(self, session: Session, name: str) -> NewUnit:
        """A commune or ward of 2025, by its place in the list of the sample."""
        number = self.sample["communes_2025"]["names"].index(name)
        return self.new(session, f"x25-{number + 1}", name, "commune", "ubnd")

    def done(self, operation: UnitOperation) -> None:
        self.operations.append(operation.id)

    def departments(self, session: Session) -> None:
        """Spring 2025: departments and Party bodies, as the sample names their successors."""
        later = {one["code"]: one for one in self.sample["later"]}
        groups: dict[str, list[Unit]] = {}
        for one in self.sample["unit"]:
            if one.get("ends", "").startswith("2025-02") and len(one["successors"]) == 1:
                groups.setdefault(one["successors"][0], []).append(self.unit(session, one["code"]))
        for code, units in groups.items():
            new = self.new(session, code, later[code]["name"], "department", later[code]["parent"])
            self.done(merge_units(session, units, new, on=MARCH, basis=OF_MARCH))
        parts = [
            self.new(session, code, later[code]["name"], "party_committee_direct", "tu")
            for code in ("du-cqd", "du-ubnd")
        ]
        duk, bcs = self.unit(session, "duk"), self.unit(session, "bcs-ubnd")
        self.done(split_unit(session, duk, parts, ends=True, on=MARCH, basis=OF_MARCH))
        self.done(merge_units(session, [bcs], self.unit(session, "du-ubnd"), on=MARCH, basis=OF_MARCH))
        for code in ("du-ca", "du-qs"):
            new = self.new(session, code, later[code]["name"], "party_committee_direct", "tu")
            found_unit(session, new, on=MARCH, basis=OF_MARCH)

    def communes(self, session: Session) -> None:
        """July: communes as the sample names their successors; the made-up ones; and those of whom nothing is known."""
        into: dict[str, list[str]] = {name: list(codes) for name, codes in self.made_up["communes"].items()}
        for one in self.sample["unit"]:
            if one["kind"] == "commune":
                into.setdefault(one["successors"][0].removeprefix("2025:"), []).append(one["code"])
        for name, codes in into.items():
            units = [self.unit(session, code) for code in codes]
            self.done(merge_units(session, units, self.commune(session, name), on=JULY, basis=OF_JULY))
        for code, names in self.made_up["divided"].items():
            made = {one.name: one for one in session.scalars(select(Unit).where(Unit.valid_from == JULY))}
            parts = [made.get(name) or self.commune(session, name) for name in names]
            self.done(split_unit(session, self.unit(session, code), parts, ends=True, on=JULY, basis=OF_JULY))
        there = {one.name for one in session.scalars(select(Unit).where(Unit.valid_from == JULY))}
        for name in self.sample["communes_2025"]["names"]:
            if name not in there:
                found_unit(session, self.commune(session, name), on=JULY, basis=OF_JULY)

    def provinces(self, session: Session) -> None:
        """July: no districts any more; the second province goes up in the first."""
        for one in [*self.sample["unit"], *self.made_up["unit"]]:
            if one["kind"] == "district":
                unit, receiver = (
                    self.unit(session, code) for code in (one["code"], self.made_up["districts"]["receiver"])
                )
                self.done(abolish_unit(session, unit, receiver=receiver, on=JULY, basis=OF_JULY))
        for code, name in self.made_up["renamed"].items():
            unit = self.unit(session, code)
            self.done(rename_unit(session, unit, Words(code, name, unit.kind), on=JULY, basis=OF_JULY))
        for code, into in self.made_up["absorbed"].items():
            units = [self.unit(session, code)]
            self.done(merge_units(session, units, self.unit(session, into), on=JULY, basis=OF_JULY))

    def people_below(self, code: str, on: date) -> int:
        with self.make.reading() as session:
            below = subtree(self.unit(session, code).id, on=on)
            query = select(func.count(Membership.person_id.distinct())).where(Membership.unit_id.in_(below))
            ends = (Membership.valid_to.is_(None)) | (Membership.valid_to > on)
            return session.scalar(query.where(Membership.kind == "main", Membership.valid_from <= on, ends)) or 0

    def figures(self) -> tuple[int, ...]:
        with self.make.reading() as session:
            columns = (Tally.people, Tally.started, Tally.briefed, Tally.completed)
            return tuple(session.execute(select(*(func.sum(one) for one in columns))).one())

    def dashboard(self, code: str, structure: Structure) -> Count:
        """What the dashboard says of a unit by the structure of a day, from tallies or from dated rows."""
        with self.make.reading() as session:
            unit = self.unit(session, code)
            [briefing] = briefings_given(session, unit, structure)
            return overview(session, unit, briefing, structure, Count, now=clock.now()).count

    def differences(self) -> list[str]:
        return [line for lines in check_projections(self.make.database).values() for line in lines]

    def seen(self, on: date) -> Any:
        with self.make.reading() as session:
            return picture(session, on=on), dict(
                session.execute(
                    select(Membership.person_id, Membership.unit_id).where(
                        Membership.valid_from <= on, (Membership.valid_to.is_(None)) | (Membership.valid_to > on)
                    )
                ).all()
            )


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_reorganisation_of_2025_loses_nobody_counts_nobody_twice_and_can_be_taken_back(
    make: Make, tmp_path: Path
) -> None:
    replay = Replay(make, tmp_path)
    with make.reading() as session:
        everybody = session.scalar(select(func.count(Person.id))) or 0
    eve = JULY - timedelta(days=1)
    before, old = replay.figures(), {day: replay.seen(day) for day in (MARCH - timedelta(days=1), clock.today())}
    assert replay.people_below("tq", eve) + replay.people_below("bia-t", eve) == everybody == before[0]
    for step in (replay.departments, replay.communes, replay.provinces):
        with make.writing() as session:
            step(session)
        assert replay.figures() == before
        assert replay.differences() == []
    assert replay.people_below("tq", eve) + replay.people_below("bia-t", eve) == everybody
    assert replay.people_below("tq", JULY) == everybody
    old_tree, new_tree = Structure(eve, then=True), Structure(JULY, then=True)
    both = replay.dashboard("tq", old_tree) + replay.dashboard("bia-t", old_tree)
    assert both == replay.dashboard("tq", new_tree) == replay.dashboard("tq", Structure(clock.today()))
    assert (both.people, both.started, both.briefed, both.completed) == before
    with make.reading() as session:
        assert session.scalar(select(func.count(Person.id))) == everybody
        [province] = trees_on(session, on=JULY)
        units = [branch.unit for branch in province.walk()]
        assert sorted(one.name for one in units if one.kind == "commune") == sorted(
            replay.sample["communes_2025"]["names"]
        )
        assert not [one for one in units if one.kind == "district"]
        assert {one.code for one in units} >= {"n-khcn", "n-nnmt", "n-sxd", "du-cqd", "du-ubnd", "bia-s-dt"}
        was = {one["code"]: one for one in [*replay.sample["unit"], *replay.made_up["unit"]]}
        assert len(picture(session, on=eve)) >= len(was) - 8
        heirs = session.execute(
            select(Unit.code, func.count()).join(UnitLineage, UnitLineage.predecessor_id == Unit.id).group_by(Unit.code)
        )
        known = dict(heirs.all())
        ended = {one.code for one in session.scalars(select(Unit).where(Unit.valid_to.is_not(None)))}
        assert known.keys() == ended
        assert known["duk"] == known["bia-x4"] == 2
    assert replay.seen(MARCH - timedelta(days=1)) == old[MARCH - timedelta(days=1)]
    for operation_id in reversed(replay.operations):
        with make.writing() as session:
            undo(session, session.get_one(UnitOperation, operation_id))
    units_then, people_then = old[clock.today()]  # but for units that were founded and stay, all is as it was
    units_now, people_now = replay.seen(clock.today())
    assert {unit_id: units_now.get(unit_id) for unit_id in units_then} == units_then
    assert people_now == people_then
    assert replay.figures() == before
    assert replay.differences() == []


def test_what_is_made_up_for_the_replay_says_so() -> None:
    made_up = MADE_UP.read_text(encoding="utf-8")
    assert made_up.startswith("# MADE UP")
    assert all("bịa" in one["name"] and one["code"].startswith("bia-") for one in tomllib.loads(made_up)["unit"])
    assert "bịa" not in SAMPLE.read_text(encoding="utf-8")
