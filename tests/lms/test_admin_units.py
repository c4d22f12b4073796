"""Administrators look at the organisation and add to it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from lms import clock
from lms.audit.models import AuditEntry
from lms.organisation.actions import abolish_unit, create_unit
from lms.organisation.models import Unit, UnitClosure
from lms.organisation.queries import subtree
from lms.organisation.rules import Branch, branches
from tests.browser import Browser
from tests.make import Make


def administrator(make: Make) -> Browser:
    return make.browser(make.person("Quản Thị Trị", role="administrator"))


def add(admin: Browser, **typed: str | list[str]) -> None:
    """Fill in the form of a new unit, look at the rehearsal and apply it."""
    admin.submit("/units/new", follow=True, **typed)
    assert "Chưa có gì thay đổi." in admin.text
    admin.submit("/units/new/apply")


def shape(one: Branch[str]) -> str:
    return one.unit + ("(" + " ".join(shape(child) for child in one.children) + ")" if one.children else "")


@pytest.mark.parametrize(
    ("rows", "grown"),
    [
        ([], []),
        ([("a", 1, None)], ["a"]),
        ([("a", 1, None), ("c", 3, 1), ("b", 2, 1), ("d", 4, 2)], ["a(c b(d))"]),  # siblings keep their order
        ([("d", 4, 2), ("b", 2, 1), ("a", 1, None)], ["a(b(d))"]),  # whatever comes first
        ([("a", 1, None), ("z", 9, None)], ["a", "z"]),
        ([("b", 2, 1), ("d", 4, 2)], ["b(d)"]),  # the parent is not among them: it stands at the top
    ],
)
def test_rows_with_parents_grow_into_trees(rows: list[tuple[str, int, int | None]], grown: list[str]) -> None:
    trees = branches(rows)
    assert [shape(tree) for tree in trees] == grown
    assert sorted(one.unit for tree in trees for one in tree.walk()) == sorted(name for name, _, _ in rows)


def test_the_first_unit_is_the_root_and_others_stand_below_it(make: Make) -> None:
    admin = administrator(make)
    admin.get("/units")
    assert "Chưa có cơ quan, đơn vị nào" in admin.text
    admin.get("/units/new")
    assert "parent" not in admin.form("/units/new").names
    add(admin, name="Tỉnh  Tuyên Quang ", code="tq", kind="province", on="2022-01-01")
    assert "Đã ghi nhận: Thành lập, có hiệu lực từ ngày 01/01/2022." in admin.text
    assert "Tỉnh Tuyên Quang" in admin.text
    with make.reading() as session:
        root = session.scalars(select(Unit.public_id)).one()
    admin.get(f"/units/new?under={root}")
    add(admin, name="Sở Y tế", short_name="SYT", code="S.YT", on="1/2/2022")
    with make.reading() as session:
        below, above = session.scalars(select(Unit).order_by(Unit.id.desc())).all()
        assert (below.name, below.short_name, below.code, below.kind) == ("Sở Y tế", "SYT", "S.YT", "department")
        assert (above.name, below.valid_from) == ("Tỉnh Tuyên Quang", date(2022, 2, 1))
        assert set(session.scalars(subtree(above.id, on=clock.today()))) == {above.id, below.id}
        assert set(session.scalars(subtree(above.id, on=date(2022, 1, 15)))) == {above.id}
        assert session.scalar(select(func.count()).where(AuditEntry.action == "unit.create")) == 2
    admin.get("/units")
    assert "1 đơn vị trực thuộc" in admin.text
    assert "2 cơ quan, đơn vị theo cơ cấu tổ chức ngày" in admin.text


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"name": "  "}, "name", "Nhập tên cơ quan, đơn vị."),
        ({"parent": ""}, "parent", "Chọn đơn vị cấp trên."),
        ({"parent": "không có"}, "parent", "Chọn một đơn vị trong danh sách."),
        ({"code": "mã có dấu"}, "code", "chữ cái không dấu"),
        ({"code": "Cu"}, "code", "không bao giờ dùng lại; chọn mã khác"),
        ({"on": ""}, "on", "Chọn ngày bắt đầu hoạt động."),
        ({"on": "31/02/2026"}, "on", "Nhập ngày theo dạng ngày/tháng/năm"),
        ({"on": "2019-12-31"}, "on", "không đứng trong cây này vào ngày đó"),
        ({"tree": "party"}, "on", "Tỉnh chưa có, đã có ngày kết thúc hoặc không đứng trong cây này"),
        ({"on": "2226-01-01"}, "on", "Kiểm tra lại năm"),
        ({"kind": "planet"}, "kind", "Chọn một mục trong danh sách."),
    ],
)
def test_a_unit_that_cannot_be_added_names_the_field_and_keeps_what_was_typed(
    make: Make, changes: dict[str, str], field: str, reason: str
) -> None:
    root = make.unit("Tỉnh", code="tq")
    make.unit("Sở cũ", code="cu", under=root)
    admin = administrator(make)
    admin.get(f"/units/new?under={root.public_id}")
    answer = admin.submit(
        "/units/new", follow=True, **{"name": "Sở Giữ Lại", "code": "moi", "on": "2022-01-01", **changes}
    )
    assert answer.status_code == 422
    beside = answer.text.split(f'id="{field}-error"')[1].split("</p>")[0]
    assert reason in beside
    assert field == "name" or 'value="Sở Giữ Lại"' in answer.text
    assert field == "parent" or f'selected value="{root.public_id}"' in answer.text
    with make.reading() as session:
        assert session.scalar(select(func.count(Unit.id))) == 2


def test_the_code_of_a_unit_that_has_ended_is_not_used_again(make: Make) -> None:
    root = make.unit("Tỉnh", code="tq")
    ended = make.unit("Sở cũ", code="cu", under=root)
    with make.writing() as session:
        abolish_unit(session, session.get_one(Unit, ended.id), receiver=None, on=clock.today() - timedelta(days=1))
    admin = administrator(make)
    admin.get("/units")
    assert "Sở cũ" not in admin.text
    admin.get(f"/units/{ended.public_id}")
    assert "đã kết thúc hoạt động" in admin.text
    admin.get(f"/units/new?under={root.public_id}")
    answer = admin.submit("/units/new", name="Sở mới", code="CU", on="2022-01-01")
    assert answer.status_code == 422
    assert "hiện nay hoặc trước đây" in answer.text


def test_units_are_found_by_name_short_name_or_code_without_marks(make: Make) -> None:
    root = make.unit("Tỉnh", code="tq")
    make.unit("Sở Y tế", code="s-yt", under=root)
    make.unit("Sở Giáo dục và Đào tạo", code="gddt", under=root)
    admin = administrator(make)
    for sought, found in {"so y te": "Sở Y tế", "GDDT": "Sở Giáo dục và Đào tạo", "dao giao": "Sở Giáo dục"}.items():
        admin.get("/units", query_string={"q": sought})
        assert found in admin.text
    assert "Sở Y tế" not in admin.text
    admin.get("/units?q=khong+co+gi")
    assert "Không có đơn vị nào khớp" in admin.text


def test_a_unit_page_shows_the_way_up_and_what_stands_below(make: Make) -> None:
    root = make.unit("Tỉnh")
    district = make.unit("Huyện Na Hang", under=root)
    make.unit("Xã Thượng Nông", under=district)
    admin = administrator(make)
    admin.get(f"/units/{district.public_id}")
    assert "Tỉnh" in admin.text
    assert "Xã Thượng Nông" in admin.text
    assert admin.get("/units/11111111-1111-4111-8111-111111111111").status_code == 404


def test_new_units_stand_last_where_an_order_was_given_and_by_name_elsewhere(make: Make) -> None:
    ordered, by_name = make.unit("Tỉnh", code="a"), make.unit("Tỉnh khác", code="b")
    with make.writing() as session:
        top = session.get_one(Unit, ordered.id)
        create_unit(session, code="x", name="Văn phòng", kind="office", parent=top, since=date(2022, 1, 1), position=5)
    admin = administrator(make)
    for root, names in ((ordered, ["Ban Đầu"]), (by_name, ["Sở Y tế", "Ban Đầu"])):
        for number, name in enumerate(names):
            admin.get(f"/units/new?under={root.public_id}")
            add(admin, name=name, code=f"{root.code}{number}", on="2022-01-01")
    for root, order in ((ordered, ["Văn phòng", "Ban Đầu"]), (by_name, ["Ban Đầu", "Sở Y tế"])):
        admin.get(f"/units/{root.public_id}")
        listed = admin.text.split("<h2>Đơn vị trực thuộc</h2>")[1].split("<h2>")[0]
        assert listed.index(order[0]) < listed.index(order[1])
    with make.reading() as session:
        assert session.scalar(select(func.count()).where(UnitClosure.depth == 1)) == 4
