"""Whoever keeps the organisation of a subtree changes what stands in it, and nothing else."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from lms import clock
from lms.organisation.actions import move_unit, rename_unit
from lms.organisation.models import PARTY_TREE, Unit, UnitOperation
from lms.organisation.storage import Words
from tests.analytics.test_dashboard import text_of
from tests.browser import Browser
from tests.kept import kept
from tests.make import Make


@dataclass
class Two:
    """A unit whose organisation somebody keeps, with parts; another beside it.

    `late` has come in from there with the unit above it.
    """

    root: Unit
    mine: Unit
    a: Unit
    a1: Unit
    b: Unit
    late: Unit
    both: Unit
    other: Unit
    theirs: Unit
    came: date


def two_agencies(make: Make, _folder: Path) -> Two:
    root = make.unit("Tỉnh", code="t")
    mine, other = make.unit("Sở Ta", under=root, code="ta"), make.unit("Sở Khác", under=root, code="khac")
    a, b, both = (make.unit(f"Phòng {name}", under=mine, code=name.lower()) for name in ("A", "B", "Đôi"))
    a1, theirs = make.unit("Tổ A1", under=a, code="a1"), make.unit("Phòng Của Họ", under=other, code="ho")
    late, day = make.unit("Phòng Mới Về", under=other, code="ve"), clock.today() - timedelta(days=20)
    late_1 = make.unit("Tổ Mới Về", under=late, code="ve1")
    cell = make.unit("Tổ Lẻ", under=other, code="le")
    for name in ("A", "B"):
        make.person(f"Người {name}", unit=a if name == "A" else b)
    with make.writing() as session:
        here = {one.id: session.get_one(Unit, one.id) for one in (mine, late, both, cell, other)}
        move_unit(session, here[late.id], here[mine.id], on=day)
        move_unit(session, here[both.id], None, on=day, tree=PARTY_TREE)
        move_unit(session, here[cell.id], here[both.id], on=day, tree=PARTY_TREE)
        rename_unit(session, here[other.id], Words("khac", "Sở Khác (mẫu)", "department"), on=day)
    return Two(root, mine, a, a1, b, late_1, both, other, theirs, day)


@pytest.fixture
def two(make: Make, tmp_path: Path) -> Two:
    return kept(make, tmp_path, two_agencies)


def rehearsed(browser: Browser, unit: Unit, kind: str, **fields: object) -> int:
    """The status of the answer when that change is rehearsed by a form sent as it stands, whatever the page offers."""
    words = {"name": "Tên Khác", "code": "khac-1", "kind": "office", "on": clock.today().isoformat()}
    sent = {name: str(one.public_id) if isinstance(one, Unit) else one for name, one in fields.items()}
    path = "/units/new" if kind == "create" else f"/units/{unit.public_id}/change/{kind}"
    token = dict(browser.form("/sign-out").fields)["csrf_token"]
    return browser.post(path, data={**words, **sent, "csrf_token": token}).status_code


def test_changes_stay_within_the_units_one_keeps_and_leave_the_highest_where_it_is(make: Make, two: Two) -> None:
    keeper = make.browser(make.person("Giữ Ta", role="unit_administrator", over=two.mine))
    keeper.get("/units")
    past = (two.came - timedelta(days=5)).isoformat()
    parts = {"name_1": "Phòng X", "code_1": "x", "name_2": "Phòng Y", "code_2": "y", "parent": two.mine}
    for expected, kind, unit, fields in (
        (200, "create", two.mine, {"parent": two.mine}),
        (200, "create", two.mine, {"parent": two.a1}),
        (200, "rename", two.mine, {"code": "ta"}),
        (200, "rename", two.a1, {}),
        (200, "move", two.a1, {"parent": two.b}),
        (200, "absorb", two.a, {"into": two.mine}),
        (200, "consolidate", two.a, {"siblings": str(two.b.public_id), "parent": two.mine}),
        (200, "divide", two.b, parts),
        (200, "separate", two.mine, {**parts, "name_2": "", "code_2": ""}),
        (200, "abolish", two.a, {"receiver": two.b}),
        (422, "create", two.mine, {"parent": two.root}),
        (422, "create", two.mine, {"parent": two.theirs}),
        (422, "create", two.mine, {"parent": ""}),
        (422, "move", two.a1, {"parent": two.theirs}),
        (422, "move", two.a1, {"parent": ""}),
        (422, "move", two.a1, {"parent": two.b, "tree": "party"}),
        (422, "move", two.mine, {"parent": two.b}),
        (422, "move", two.mine, {"parent": two.other}),
        (422, "absorb", two.a, {"into": two.theirs}),
        (422, "absorb", two.mine, {"into": two.a}),
        (422, "consolidate", two.mine, {"codes": "a", "parent": two.b}),
        (422, "consolidate", two.a, {"codes": "ho", "parent": two.mine}),
        (422, "divide", two.mine, {**parts, "parent": two.b}),
        (422, "separate", two.b, {"code_1": "ho", "name_1": "", "parent": two.mine}),
        (422, "abolish", two.mine, {"receiver": two.a}),
        (422, "abolish", two.a, {"receiver": two.theirs}),
        (422, "abolish", two.both, {"receiver": two.a}),  # one from outside stands below it in the other tree
        (422, "rename", two.late, {"on": past}),
        (404, "rename", two.theirs, {}),
        (404, "abolish", two.theirs, {"receiver": two.a}),
        (404, "rename", two.root, {}),
    ):
        assert rehearsed(keeper, unit, kind, **fields) == expected, (kind, unit.name, fields)
    assert rehearsed(keeper, two.mine, "consolidate", codes="ho", parent=two.mine) == 422
    assert "Không có đơn vị nào mang mã ho" in keeper.text  # as if there were none
    with make.reading() as session:
        assert len(session.scalars(select(UnitOperation).where(UnitOperation.entered_by.is_not(None))).all()) == 0


def test_what_they_did_they_undo_and_what_others_did_across_they_do_not(make: Make, two: Two) -> None:
    keeper = make.browser(make.person("Giữ Ta", role="unit_administrator", over=two.mine))
    keeper.get(f"/units/{two.a.public_id}/change/abolish")
    keeper.submit("/abolish", on=clock.today().isoformat(), receiver=str(two.b.public_id))
    keeper.submit("/apply")
    assert "Đã ghi nhận: Giải thể" in text_of(keeper)
    assert keeper.get(f"/units/{two.a.public_id}").status_code == 200
    with make.reading() as session:
        done = session.scalars(select(UnitOperation).where(UnitOperation.kind == "abolish")).one()
        came = session.scalars(
            select(UnitOperation).where(UnitOperation.kind == "move").order_by(UnitOperation.id)
        ).first()
        assert came is not None
    keeper.get(f"/units/operations/{done.public_id}")
    keeper.submit("/undo/rehearse")
    keeper.submit("/undo")
    assert "Đã hoàn tác: Giải thể" in text_of(keeper)
    assert keeper.get(f"/units/operations/{came.public_id}").status_code == 200  # it is of a unit of theirs by now
    keeper.submit("/undo/rehearse")
    assert "ngoài phạm vi quản trị" in text_of(keeper)


def test_they_read_of_their_units_and_of_no_others(make: Make, two: Two) -> None:
    keeper = make.browser(make.person("Giữ Ta", role="unit_administrator", over=two.mine))
    for address in ("/units", "/units?q=so", "/units?tree=party", f"/units?on={two.came - timedelta(days=9)}"):
        page = keeper.get(address).text
        assert "Sở Khác" not in page, address
        assert "Của Họ" not in page, address
    keeper.get("/units")
    assert re.findall(r"Sở Ta|Phòng A|Tổ A1|Phòng Mới Về", text_of(keeper))
    for unit, found in ((two.mine, 200), (two.a1, 200), (two.theirs, 404), (two.root, 404)):
        assert keeper.get(f"/units/{unit.public_id}").status_code == found
    keeper.get(f"/units/{two.mine.public_id}")
    assert "Giải thể" not in text_of(keeper)
    assert "/change/abolish" not in keeper.text
    assert "Tách" in text_of(keeper)
