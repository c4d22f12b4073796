"""After a merger: what units had that have ended is found, once, from the one that took over."""

import csv
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from analytics.facts.projection import Structure
from analytics.numbers.queries import kept_roll
from analytics.reports import filters, papers, queries
from analytics.reports.actions import enter
from analytics.reports.models import ReportSubmission
from courses.briefings.actions import freeze_roll
from courses.briefings.filters import compared
from courses.briefings.models import BriefingSession, FrozenRoll, MeetingPoint
from courses.enrolment.actions import give
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.models import Person
from lms.doors import BuiltOn
from lms.organisation.actions import merge_units, split_unit, undo
from lms.organisation.models import Unit, UnitOperation
from lms.organisation.queries import subtree
from tests.analytics.agency import course_loaded
from tests.analytics.test_dashboard import head_of
from tests.briefed import come, open_briefing
from tests.kept import kept
from tests.make import Make
from tests.organisation import commune, own


@dataclass
class Merging:
    """A province and two communes with two people each; the first has held a point at which one of its own was."""

    make: Make
    root: Unit
    x: Unit
    y: Unit
    administrator: Person
    code: str

    def merge(self, *, in_days: int = 0) -> Unit:
        """The two become one; the new unit."""
        on = clock.today() + timedelta(days=in_days)
        with self.make.writing() as session:
            units = [session.get_one(Unit, one.id) for one in (self.x, self.y)]
            merge_units(session, units, own(session, commune("Xã Hợp", "h", under=self.root)), on=on)
            return session.scalars(select(Unit).where(Unit.code == "h")).one()

    def freeze(self) -> None:
        with self.make.writing() as session:
            freeze_roll(session, session.scalars(select(Briefing)).one(), reason="Chốt")

    def enter(self, unit: Unit, plan: str, note: str = "") -> None:
        with self.make.writing() as session:
            here, briefing_id = session.get_one(Unit, unit.id), session.scalars(select(Briefing.id)).one()
            enter(session, here, briefing_id, plan=plan, note_text=note, by=self.administrator.public_id)

    def subject(self, unit: Unit) -> queries.Subject:
        with self.make.reading() as session:
            one, briefing_id = session.get_one(Unit, unit.id), session.scalars(select(Briefing.id)).one()
            found = queries.subject(session, one, briefing_id, now=clock.now())
        assert found is not None
        return found

    def said(self, unit: Unit) -> tuple[str, str]:
        """What the report has in columns 23 and 25 of the unit, whose sums are seen to agree."""
        with self.make.reading() as session:
            node = queries.top_node(session, self.subject(unit))
        return node.plan, node.note


def built(make: Make, folder: Path) -> Merging:
    course_loaded(make, folder)
    root = make.unit("Tỉnh")
    x, y = (make.unit(f"Xã {name}", under=root) for name in "XY")
    there, *_others = [make.person(f"Người {n}", unit=unit) for unit in (x, y) for n in range(2)]
    code = open_briefing(make, x)
    with make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        give(session, briefing, session.get_one(Unit, root.id), due_at=clock.now() + timedelta(days=9))
    come(make, code, there)
    return Merging(make, root, x, y, make.person(role="administrator"), code)


@pytest.fixture
def merging(make: Make, tmp_path: Path) -> Merging:
    return kept(make, tmp_path, built)


def test_points_and_rolls_that_were_kept_are_found_once_from_the_unit_that_took_over(merging: Merging) -> None:
    merging.freeze()
    merged = merging.merge()
    today = clock.today()
    with merging.make.reading() as session:
        briefing_id = session.scalars(select(Briefing.id)).one()
        for unit in (merging.root, merged):
            then = kept_roll(session, subtree(unit.id, on=today), briefing_id, on=today)
            assert then is not None
            assert (then.frozen, then.left, then.joined) == (4, 0, 0)
            of = merging.subject(unit)
            whole = queries.top_node(session, of).whole
            assert (whole.points, whole.frozen) == (1, 4)
            [point] = session.execute(filters.points_of(of)).all()
            assert (point.unit, point.present) == ("Xã X", 1)
            month = filters.month_by_unit(session, of, f"{today:%Y-%m}")
            assert month.total["conferences"] == 1
            assert [cells["conferences"] for _key, name, cells in month.branches if "Hợp" in name] == [1]
        roll = session.scalars(select(FrozenRoll)).one()
        assert [tuple(row) for row in session.execute(compared(roll, on=today))] == [("Xã Hợp", 4, 0, 4, 0, 0, 0)]
        past = Structure(today - timedelta(days=1), then=True)
        assert set(session.scalars(past.hosts(merging.y.id))) == {merging.y.id}
        assert set(session.scalars(Structure(today).hosts(merged.id))) == {merging.x.id, merging.y.id, merged.id}
    head = head_of(merging.make, merged)
    told = head.get(f"/dashboard/units/{merged.public_id}/points.csv").data.decode("utf-8-sig")
    assert [row[1:3] + row[5:6] for row in list(csv.reader(told.splitlines(), delimiter=";"))[1:]] == [
        ["Điểm cầu 1", "Xã X", "1"]
    ]
    with merging.make.reading() as session:
        [line] = papers.by_point(session, merging.subject(merged)).lines
        assert (line.cells["summoned"], line.cells["present"]) == (4, 1)


def test_a_part_of_a_unit_that_was_divided_stands_in_its_place_alone(merging: Merging) -> None:
    merging.freeze()
    with merging.make.writing() as session:
        parts = [own(session, commune(f"Xã {name}", name, under=merging.root)) for name in ("p", "q")]
        split_unit(session, session.get_one(Unit, merging.x.id), parts, ends=True, on=clock.today())
        first, second = (session.scalars(select(Unit).where(Unit.code == name)).one() for name in ("p", "q"))
    with merging.make.reading() as session:
        briefing_id, today = session.scalars(select(Briefing.id)).one(), clock.today()
        found = [kept_roll(session, subtree(one.id, on=today), briefing_id, on=today) for one in (first, second)]
        assert [one.frozen for one in found if one] == [2, 0]
        assert queries.top_node(session, merging.subject(merging.root)).whole.points == 1


def test_before_its_day_a_merger_changes_nothing(merging: Merging) -> None:
    merging.freeze()
    merging.enter(merging.x, "Kế hoạch 1")
    merging.merge(in_days=2)
    with merging.make.reading() as session:
        briefing_id, today = session.scalars(select(Briefing.id)).one(), clock.today()
        then = kept_roll(session, subtree(merging.x.id, on=today), briefing_id, on=today)
        assert then is not None
        assert then.frozen == 2
    assert merging.said(merging.x) == ("Kế hoạch 1", "")


def test_what_units_entered_stands_with_their_names_until_the_one_that_took_over_enters_its_own(
    merging: Merging,
) -> None:
    merging.enter(merging.x, "Kế hoạch 1", "Thiếu tài liệu")
    merging.enter(merging.y, "Kế hoạch 2")
    merged = merging.merge()
    both = ("Xã X: Kế hoạch 1; Xã Y: Kế hoạch 2", "Xã X: Thiếu tài liệu")
    assert merging.said(merged) == both
    page = merging.make.browser(merging.administrator)
    assert both[0] in page.get(f"/reports/units/{merged.public_id}").text
    with merging.make.reading() as session:
        sheet = papers.by_unit(session, merging.subject(merging.root))
    assert [line.cells["plan"] for line in sheet.lines if line.cells["name"] == "Xã Hợp"] == [both[0]]
    merging.enter(merged, "Kế hoạch chung")
    assert merging.said(merged) == ("Kế hoạch chung", "")


def test_what_was_sent_up_to_a_unit_that_has_ended_is_decided_by_the_unit_now_above_the_sender(
    make: Make, tmp_path: Path
) -> None:
    course_loaded(make, tmp_path)
    root = make.unit("Tỉnh")
    x, y = (make.unit(f"Sở {name}", under=root) for name in "XY")
    office, other = make.unit("Phòng Một", under=x), make.unit("Phòng Hai", under=y)
    make.person(unit=office)
    open_briefing(make, root)
    sender = make.browser(make.person(role="head", over=office))
    sender.get(f"/reports/units/{office.public_id}")
    sender.submit("/send")
    with make.writing() as session:
        units = [session.get_one(Unit, one.id) for one in (x, y)]
        first, second = (own(session, commune(f"Sở {name}", name, under=root)) for name in ("Hợp", "Riêng"))
        split_unit(session, units[0], [second, first], ends=True, children={office.id: 1}, on=clock.today())
    with make.reading() as session:
        merged, heir = (
            session.scalars(select(Unit).where(Unit.name == f"Sở {name}")).one() for name in ("Hợp", "Riêng")
        )
        sent = session.scalars(select(ReportSubmission)).one()
        kept_as = sent.snapshot.public_id
    way, page_of = f"/reports/submissions/{sent.public_id}", "/reports/units/{}".format
    for unit in (x, y, heir, root, other):
        stranger = make.browser(make.person(role="head", over=unit))
        assert stranger.get(way).status_code == 404, unit.name
        assert way not in stranger.get("/reports").text
    above = make.browser(make.person(role="head", over=merged))
    assert f'href="{way}"' in above.get("/reports").text
    assert f'href="{way}"' in above.get(page_of(merged.public_id)).text
    assert f'href="{way}"' in above.get(f"/reports/snapshots/{kept_as}").text
    above.get(way)
    above.submit("/return", remark="Thiếu một người.")
    assert "Đã trả lại" in above.text
    sender.get(page_of(office.public_id))
    sender.submit("/send")
    assert "Đã gửi báo cáo đến Sở Hợp" in sender.text


@pytest.mark.parametrize("built", ["points", "rolls", "reports"])
def test_a_merger_is_not_undone_once_its_unit_has_a_point_a_kept_roll_or_a_report(merging: Merging, built: str) -> None:
    merging.freeze()  # before it: that of the former units, which hinders nothing
    merged = merging.merge()
    with merging.make.reading() as session:
        operation = session.scalars(select(UnitOperation).where(UnitOperation.kind == "consolidate")).one()
    if built == "points":
        with merging.make.writing() as session:
            sitting = session.scalars(select(BriefingSession)).one()
            session.add(MeetingPoint(session=sitting, code="dc-2", name="Điểm cầu 2", unit_id=merged.id))
    elif built == "rolls":
        merging.freeze()
    else:
        merging.enter(merged, "Kế hoạch chung")
    page = merging.make.browser(merging.administrator)
    page.get(f"/units/operations/{operation.public_id}")
    page.submit("/undo/rehearse")
    assert {"points": "Xã Hợp đã có điểm cầu", "rolls": "đã chốt sĩ số có người của Xã Hợp"}.get(
        built, "Xã Hợp đã nhập nội dung báo cáo"
    ) in page.text
    with merging.make.writing() as session, pytest.raises(BuiltOn, match=built):
        undo(session, session.get_one(UnitOperation, operation.id))
    if built == "points":
        with merging.make.writing() as session:
            session.execute(delete(MeetingPoint).where(MeetingPoint.unit_id == merged.id))
            undo(session, session.get_one(UnitOperation, operation.id))
