"""Whoever keeps the people of a Party organisation keeps those counted there in that tree, and nobody by the other."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from lms import clock
from lms.accounts.actions import create_person, grant_role, move_person
from lms.accounts.models import Membership, Person, RoleGrant
from lms.audit.models import AuditEntry
from lms.organisation.actions import create_unit, move_unit
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit, UnitClosure
from lms.privacy.queries import disclosures
from lms.roster.access import reach
from tests.browser import Browser
from tests.lms.test_roles import post
from tests.make import LONG_AGO, Make


@dataclass
class Cell:
    """A cell of a committee, with a pensioner and a clerk of an office; an office that is in both trees."""

    office: Unit
    committee: Unit
    cell: Unit
    beyond: Unit
    keeper: Person
    browser: Browser
    pensioner: Person
    clerk: Person
    colleague: Person
    head: Person
    secretary: Person
    canary: Person


@pytest.fixture
def cell(make: Make) -> Cell:
    root = make.unit("Tỉnh")
    office = make.unit("Sở Y tế", under=root)
    party = party_unit(make, "Tỉnh ủy", None)
    committee = party_unit(make, "Đảng ủy", party)
    inside, beyond = party_unit(make, "Chi bộ Một", committee), party_unit(make, "Chi bộ Bí Mật", party)
    with make.writing() as session:  # an agency that is a Party organisation too, as one unit
        move_unit(
            session,
            session.get_one(Unit, office.id),
            session.get_one(Unit, committee.id),
            on=clock.today(),
            tree=PARTY_TREE,
        )
    keeper = member(make, "Người Giữ", inside)
    give(make, keeper, "unit_administrator", committee)
    head = member(make, "Giám Đốc", inside, office)
    give(make, head, "head", office, STATE_TREE)
    secretary = member(make, "Bí Thư", inside)
    give(make, secretary, "head", inside)
    return Cell(
        office,
        committee,
        inside,
        beyond,
        keeper,
        make.browser(keeper),
        member(make, "Cụ Hưu", inside),
        member(make, "Nhân Viên", inside, office),
        make.person("Quần Chúng Yến", unit=office),
        head,
        secretary,
        member(make, "Chim Hoàng Yến", beyond, office),
    )


def party_unit(make: Make, name: str, parent: Unit | None) -> Unit:
    with make.writing() as session:
        code = f"d{next(make.numbers)}"
        return create_unit(
            session, code=code, name=name, kind="party_body", parent=parent, since=LONG_AGO, tree=PARTY_TREE
        )


def member(make: Make, name: str, party: Unit, office: Unit | None = None) -> Person:
    """A member counted in a Party organisation, and in an office where there is one."""
    with make.writing() as session:
        person = create_person(
            session,
            full_name=name,
            username=f"user{next(make.numbers)}",
            unit=party,
            tree=PARTY_TREE,
            since=LONG_AGO,
            party="chinh_thuc",
        )
        if office is not None:
            held = {"unit_id": office.id, "tree": STATE_TREE, "kind": "main", "valid_from": LONG_AGO}
            session.add(Membership(person_id=person.id, **held))
        return person


def give(make: Make, person: Person, role: str, over: Unit, tree: str = PARTY_TREE) -> None:
    with make.writing() as session:
        grant_role(
            session,
            session.get_one(Person, person.id),
            role,
            unit=session.get_one(Unit, over.id),
            since=clock.today(),
            tree=tree,
        )


NAMES = ("Giám Đốc", "Bí Thư", "Cụ Hưu", "Nhân Viên")
HIDDEN = ("Quần Chúng Yến", "Chim Hoàng Yến", "Chi bộ Bí Mật")


def sees(browser: Browser, *names: str) -> set[str]:
    return {one for one in (*NAMES, *HIDDEN, *names) if one in browser.text}


@pytest.mark.parametrize("path", ["/people", "/people/print", "/people?tree=party", "/people?choose=1"])
def test_the_list_of_a_keeper_of_the_party_tree_is_of_that_tree_and_of_no_other(cell: Cell, path: str) -> None:
    assert cell.browser.get(path).status_code == 200
    assert sees(cell.browser) == set(NAMES)
    assert "Chi bộ Một" in cell.browser.text
    for unit in (cell.committee, cell.cell):
        assert cell.browser.get(f"/people?unit={unit.public_id}").status_code == 200
        assert sees(cell.browser) == set(NAMES)
    assert cell.browser.get(f"/people?unit={cell.beyond.public_id}").status_code == 404
    assert cell.browser.get(f"/people?unit={cell.office.public_id}").status_code == 200  # below the committee there
    assert sees(cell.browser) == set()
    for other in ("/people?tree=state", f"/people?unit={cell.office.public_id}&tree=state"):
        cell.browser.get(other)
        assert sees(cell.browser) == set()


def test_a_list_says_in_the_log_by_which_units_it_was_seen(make: Make, cell: Cell) -> None:
    cell.browser.get("/people")
    with make.reading() as session:
        told = session.scalars(select(AuditEntry.object_id).where(AuditEntry.action == "person.list")).all()
    assert told == [str(cell.committee.public_id)]
    cell.browser.get(f"/people?unit={cell.office.public_id}")  # by the Party tree: nobody of the agency was seen
    for person, told_to in ((cell.pensioner, True), (cell.colleague, False)):
        own = make.browser(person)
        own.get("/my-data/seen")
        assert ("Người Giữ" in own.text) == told_to, person.full_name


def test_a_list_says_by_which_tree_it_was_made_and_is_told_to_those_it_was_of(make: Make, cell: Cell) -> None:
    lone = member(make, "Cụ Ở Sở", cell.office)  # in no unit of the state tree, and counted in the agency
    moved, other = member(make, "Ông Chuyển", cell.office, make.unit("Sở Xa")), make.unit("Sở Khác")
    with make.writing() as session:
        move_person(session, session.get_one(Person, moved.id), session.get_one(Unit, other.id), on=clock.today())
    admin = make.browser(make.person("Quản Trị", role="administrator"))
    for tree in (STATE_TREE, PARTY_TREE):
        admin.get(f"/people?unit={cell.office.public_id}&tree={tree}")
    with make.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "person.list").order_by(AuditEntry.id)
        assert [one.details["tree"] for one in session.scalars(query)] == [STATE_TREE, PARTY_TREE]
        told = {
            person.full_name: {one.tree for one in disclosures(session, session.merge(person), before=None)[0]}
            for person in (cell.colleague, cell.clerk, cell.pensioner, lone, moved)
        }
    assert told == {
        "Quần Chúng Yến": {STATE_TREE},
        "Nhân Viên": {STATE_TREE},
        "Cụ Hưu": set(),
        "Cụ Ở Sở": {STATE_TREE, PARTY_TREE},
        "Ông Chuyển": {PARTY_TREE},
    }
    own = make.browser(lone)
    own.get("/my-data/seen")
    assert ("Cây cơ quan nhà nước" in own.text, "Cây tổ chức đảng" in own.text) == (True, True)


def test_accounts_are_opened_by_the_party_tree_and_only_of_those_who_hold_nothing_beyond_it(cell: Cell) -> None:
    for person in (cell.pensioner, cell.clerk, cell.secretary):
        for page in ("", "/protection", "/link/new", "/slip", "/close"):
            assert cell.browser.get(f"/people/{person.public_id}{page}").status_code == 200, (person.full_name, page)
        for action in ("/protection/reset", "/protection/sessions/end", "/close", "/open"):
            assert post(cell.browser, f"/people/{person.public_id}{action}") == 302, (person.full_name, action)
    assert cell.browser.get(f"/people/{cell.head.public_id}").status_code == 200  # seen, not kept: heads an agency
    assert "Khóa tài khoản" not in cell.browser.text
    for person in (cell.head, cell.canary, cell.colleague):
        for action in ("/link", "/slip", "/protection/reset", "/close"):
            assert post(cell.browser, f"/people/{person.public_id}{action}") == 404, (person.full_name, action)
    for person in (cell.canary, cell.colleague):
        assert cell.browser.get(f"/people/{person.public_id}").status_code == 404
        assert sees(cell.browser) == set()


def test_slips_are_printed_for_the_members_of_a_cell(make: Make, cell: Cell) -> None:
    cell.browser.get("/people/activation")
    assert "Đảng ủy" in cell.browser.text
    assert sees(cell.browser) == set()
    cell.browser.get(f"/people/activation?unit={cell.committee.public_id}.party")
    assert sees(cell.browser) == {"Cụ Hưu", "Nhân Viên"}  # a code would open what the others hold
    cell.browser.submit("/activation/")
    assert sees(cell.browser) == {"Cụ Hưu", "Nhân Viên"}
    assert "Chi bộ Một" in cell.browser.text
    for unit, tree in ((cell.beyond, "party"), (cell.beyond, ""), (cell.office, "state")):
        assert cell.browser.get(f"/people/activation/{unit.public_id}?tree={tree}").status_code == 404
    admin = make.browser(make.person("Quản Trị", role="administrator"))
    admin.get(f"/people/activation/{cell.cell.public_id}?tree=party")
    assert "Cụ Hưu" in admin.text


def test_a_new_member_is_counted_in_the_cell_and_nobody_is_added_outside(make: Make, cell: Cell) -> None:
    new: dict[str, Any] = {"full_name": "Cụ Mới", "username": "cumoi", "category": "khac", "party": "quan_chung"}
    cell.browser.get(f"/people/new?unit={cell.cell.public_id}")
    assert sees(cell.browser) == set()
    assert cell.browser.submit("/people/new", **new, unit=str(cell.cell.public_id)).status_code == 422
    assert "Cây tổ chức đảng chỉ tính đảng viên." in cell.browser.text
    beyond = {**new, "party": "chinh_thuc", "unit": str(cell.beyond.public_id)}
    assert post(cell.browser, "/people/new", **beyond) == 422
    cell.browser.get("/people/new")
    cell.browser.submit("/people/new", **{**new, "party": "chinh_thuc"}, unit=str(cell.cell.public_id))
    assert "Cụ Mới" in cell.browser.text
    with make.reading() as session:
        [there] = session.scalars(
            select(Membership).join(Person, Person.id == Membership.person_id).where(Person.full_name == "Cụ Mới")
        )
        assert (there.unit_id, there.tree, there.kind) == (cell.cell.id, PARTY_TREE, "main")


def test_an_administrator_adds_a_pensioner_whose_only_place_is_a_cell(make: Make, cell: Cell) -> None:
    admin = make.browser(make.person("Quản Trị", role="administrator"))
    new: dict[str, Any] = {"full_name": "Cụ Mới", "username": "cumoi", "category": "khac", "party": "chinh_thuc"}
    admin.get("/people/new")
    where: dict[str, Any] = {"unit": str(cell.cell.public_id), "role": "head"}
    assert admin.submit("/people/new", **new, **where, tree="state").status_code == 422
    assert "Đơn vị này không đứng trong cây được chọn." in admin.text
    admin.submit("/people/new", tree="party")
    with make.reading() as session:
        [grant] = session.scalars(
            select(RoleGrant).join(Person, Person.id == RoleGrant.person_id).where(Person.full_name == "Cụ Mới")
        )
        assert (grant.role, grant.unit_id, grant.tree) == ("head", cell.cell.id, PARTY_TREE)
    admin.get(f"/people?unit={cell.cell.public_id}&tree=party")
    assert "Cụ Mới" in admin.text


def test_roles_of_the_party_tree_are_given_within_it_and_never_over_the_agency(make: Make, cell: Cell) -> None:
    path = f"/people/{cell.pensioner.public_id}/roles/new"
    cell.browser.get(path)
    assert "Chi bộ Bí Mật" not in cell.browser.text
    cell.browser.submit("/roles/new", role="head", role_unit=str(cell.cell.public_id))
    sent = {"role": "head", "role_unit": str(cell.beyond.public_id), "tree": "state"}
    assert (
        post(
            cell.browser,
            f"/people/{cell.clerk.public_id}/roles/new",
            **sent,
        )
        == 422
    )
    with make.reading() as session:
        grants = session.scalars(select(RoleGrant).where(RoleGrant.person_id.in_([cell.pensioner.id, cell.clerk.id])))
        assert [(one.unit_id, one.tree) for one in grants] == [(cell.cell.id, PARTY_TREE)]


def test_nobody_is_moved_in_the_state_tree_by_whoever_keeps_the_party_tree(make: Make, cell: Cell) -> None:
    sent = {"kind": "concurrent", "unit": str(cell.office.public_id), "on": clock.today().isoformat()}
    assert post(cell.browser, f"/people/{cell.pensioner.public_id}/posts/new", **sent) == 422
    move = {"unit": str(cell.office.public_id), "on": clock.today().isoformat()}
    assert post(cell.browser, f"/people/{cell.pensioner.public_id}/move", **move) == 422
    ids = cell.pensioner.public_id.hex
    assert post(cell.browser, "/people/transfer/rehearse", **move, tree="state", _people=ids) == 422
    assert post(cell.browser, "/people/transfer/rehearse", **{**move, "tree": "party"}, _people=ids) == 200
    assert "Cụ Hưu" in cell.browser.text


def test_the_organisation_is_kept_in_the_party_tree_but_for_what_is_an_agency_as_well(cell: Cell) -> None:
    cell.browser.get("/units")
    assert "Chi bộ Một" in cell.browser.text
    assert "Sở Y tế" in cell.browser.text
    assert sees(cell.browser) == set()
    assert cell.browser.get(f"/units/{cell.cell.public_id}/change/rename").status_code == 200
    assert cell.browser.get(f"/units/{cell.office.public_id}").status_code == 200
    assert f"/units/{cell.office.public_id}/change/rename" not in cell.browser.text
    for unit in (cell.office, cell.beyond):
        assert cell.browser.get(f"/units/{unit.public_id}/change/rename").status_code == 404


def test_whoever_keeps_the_agency_keeps_nobody_by_the_party_tree(make: Make, cell: Cell) -> None:
    """The unit stands in both trees: below it in that of the Party there is a cell, whose members are not its own."""
    with make.writing() as session:
        move_unit(
            session,
            session.get_one(Unit, cell.cell.id),
            session.get_one(Unit, cell.office.id),
            on=clock.today(),
            tree=PARTY_TREE,
        )
    keeper = make.browser(make.person("Giữ Sở", unit=cell.office, role="unit_administrator", over=cell.office))
    keeper.get("/people")
    assert sees(keeper) == {"Giám Đốc", "Nhân Viên", "Quần Chúng Yến", "Chim Hoàng Yến"}
    for path in (f"/people?unit={cell.office.public_id}&tree=party", f"/people/{cell.pensioner.public_id}"):
        assert keeper.get(path).status_code == 404


@pytest.mark.parametrize("backend", ["sqlite"])
def test_two_cells_become_one_in_the_party_tree_and_nothing_of_them_stands_in_the_other(make: Make, cell: Cell) -> None:
    second = party_unit(make, "Chi bộ Hai", cell.committee)
    member(make, "Đảng Viên Hai", second)
    cell.browser.get(f"/units/{cell.cell.public_id}/change/consolidate")
    siblings, parent = [str(second.public_id)], str(cell.committee.public_id)
    cell.browser.submit(
        "/consolidate", siblings=siblings, parent=parent, name="Chi bộ Chung", code="chung", kind="party_body"
    )
    assert "Chưa có gì thay đổi." in cell.browser.text
    cell.browser.submit("/apply")
    with make.reading() as session:
        new = session.scalars(select(Unit).where(Unit.code == "chung")).one()
        trees = session.scalars(select(UnitClosure.tree).where(UnitClosure.descendant_id == new.id)).all()
        assert set(trees) == {PARTY_TREE}
    cell.browser.get(f"/people?unit={new.public_id}")
    assert sees(cell.browser, "Đảng Viên Hai") == {*NAMES, "Đảng Viên Hai"}


def test_two_records_of_one_pensioner_in_a_cell_are_suggested_and_names_of_other_cells_are_not(
    make: Make, cell: Cell
) -> None:
    for unit in (cell.cell, cell.beyond, cell.beyond):
        member(make, "Cụ Hưu" if unit is cell.cell else "Chim Hoàng Yến", unit, cell.office)
    cell.browser.get("/people/duplicates")
    assert sees(cell.browser) == {"Cụ Hưu"}
    pensioner = make.browser(cell.pensioner)
    pensioner.get("/my-data/seen")
    assert "Người Giữ" in pensioner.text  # that the list of the cell was seen is told


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_role_in_the_party_tree_gives_no_list_of_the_agency_to_hand_in(make: Make, cell: Cell) -> None:
    give(make, cell.secretary, "unit_administrator", cell.office)
    with make.reading() as session:
        units = reach(session, cell.secretary.public_id)
        assert units is not None
        assert session.scalars(units).all() == []
    both = make.browser(cell.secretary)
    assert both.get(f"/roster/export?unit={cell.office.public_id}").status_code == 404
    assert both.get(f"/people?unit={cell.office.public_id}").status_code == 200
    assert sees(both) == {"Bí Thư"}
    pensioner = make.browser(cell.pensioner)
    pensioner.get("/profile")
    assert "Chi bộ Một" in pensioner.text
