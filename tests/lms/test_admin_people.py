"""Administrators look after people: finding, adding, moving, closing accounts, giving roles."""

import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from lms import clock
from lms.accounts.actions import close_account, create_person, reopen_account
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount
from lms.accounts.storage import UnitEnded
from lms.audit.models import AuditEntry
from lms.organisation.actions import merge_units
from lms.organisation.models import Unit
from tests.browser import Browser
from tests.make import Make

PASSWORD = "Bon muoi tam, nghi quyet 1"


def administrator(make: Make) -> Browser:
    return make.browser(make.person("Quản Thị Trị", username="quantri", role="administrator"))


def new_person(browser: Browser, **changes: str) -> Browser:
    """Open the form, fill it in as usual but for the changes, and send it."""
    browser.get("/people/new")
    browser.submit("/people/new", follow=True, **{"full_name": "Lý A Hoa", "username": "hoala", **changes})
    return browser


def the_link(browser: Browser) -> str:
    found = re.search(r"http://localhost(/first-password/[\w-]+)", browser.text)
    assert found, browser.text
    return found[1]


def test_a_new_person_gets_a_link_once_and_signs_in_with_it(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    admin = administrator(make)
    new_person(admin, unit=str(unit.public_id), position="Phó Giám đốc", party="du_bi", email="hoa@example.vn")
    link = the_link(admin)
    assert admin.path.endswith("/link")
    assert f'readonly value="http://localhost{link}"' in admin.text  # to be copied as it stands
    admin.get(admin.path)
    assert "/first-password/" not in admin.text
    assert "Cấp liên kết mới" in admin.text

    hoa = make.browser()
    hoa.get(link)
    hoa.submit("/first-password", new_password=PASSWORD, repeat=PASSWORD)
    hoa.submit("/sign-in", username="hoala", password=PASSWORD)
    hoa.get("/profile")
    assert "Lý A Hoa" in hoa.text
    assert "Sở Y tế" in hoa.text
    with make.reading() as session:
        person = session.scalars(select(Person).where(Person.full_name == "Lý A Hoa")).one()
        assert (person.position, person.party, person.email, person.fictional) == (
            "Phó Giám đốc",
            "du_bi",
            "hoa@example.vn",
            False,
        )


def test_a_name_in_one_letter_parts_and_odd_spaces_is_one_name(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    new_person(administrator(make), unit=str(unit.public_id), full_name="  Lý   A  Hoa ")
    with make.reading() as session:
        assert session.scalar(select(Person.search_key).where(Person.full_name == "Lý A Hoa")) == "ly a hoa"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"full_name": " \u3000 "}, "Nhập họ và tên."),
        ({"username": ""}, "Nhập tên đăng nhập."),
        ({"username": "Lý Hoa"}, "không có dấu cách"),
        ({"username": "ab"}, "3 đến 50"),
        ({"unit": ""}, "Chọn cơ quan, đơn vị."),
        ({"unit": "11111111-1111-4111-8111-111111111111"}, "Chọn một đơn vị trong danh sách."),
        ({"email": "hoa@"}, "Địa chỉ thư có dạng"),
        ({"category": "vua"}, "Chọn một mục trong danh sách."),
        ({"role": "king"}, "Chọn một mục trong danh sách."),
        ({"username": "quantri"}, "Tên đăng nhập này đã có người dùng."),
    ],
)
def test_a_form_that_cannot_be_accepted_says_why_and_keeps_what_was_typed(
    make: Make, changes: dict[str, str], reason: str
) -> None:
    unit = make.unit("Sở Y tế")
    admin = administrator(make)
    new_person(admin, **{"unit": str(unit.public_id), "position": "Chuyên viên giữ lại", **changes})
    assert admin.page is not None
    assert admin.page.status_code == 422
    assert reason in admin.text
    assert 'value="Chuyên viên giữ lại"' in admin.text
    with make.reading() as session:
        assert session.scalars(select(Person.full_name)).all() == ["Quản Thị Trị"]


def test_a_form_sent_twice_at_once_makes_one_person(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    person = make.person("Quản Thị Trị", role="administrator")
    browsers = [make.browser(person) for _ in range(2)]
    for browser in browsers:
        browser.get("/people/new")

    def send(browser: Browser) -> None:
        browser.submit("/people/new", full_name="Lý A Hoa", username="hoala", unit=str(unit.public_id), follow=False)

    threads = [threading.Thread(target=send, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(browser.page.status_code for browser in browsers if browser.page is not None)
    assert statuses == [302, 422]
    refused = next(browser for browser in browsers if browser.page is not None and browser.page.status_code == 422)
    assert "bấm “Lưu” hai lần" in refused.text
    with make.reading() as session:
        assert len(session.scalars(select(Person).where(Person.full_name == "Lý A Hoa")).all()) == 1
        assert len(session.scalars(select(Membership).where(Membership.unit_id == unit.id)).all()) == 1


def test_a_head_is_made_over_the_own_unit_or_another_and_others_everywhere(make: Make) -> None:
    root = make.unit("Tỉnh")
    unit = make.unit("Sở Y tế", under=root)
    admin = administrator(make)
    for username, role, over in (
        ("mot", "head", ""),
        ("hai", "head", str(root.public_id)),
        ("ba.bon", "trainer", str(root.public_id)),
        ("nam", "administrator", ""),
        ("sau", "", str(root.public_id)),
    ):
        called = {"full_name": f"Lý A {username}", "username": username}
        new_person(admin, unit=str(unit.public_id), role=role, role_unit=over, **called)
        if role == "administrator":  # asked once more
            admin.submit("/people/new", follow=True, sure="y")
    with make.reading() as session:
        rows = session.execute(
            select(SignInAccount.username, RoleGrant.role, RoleGrant.unit_id)
            .join(RoleGrant, RoleGrant.person_id == SignInAccount.person_id)
            .where(SignInAccount.username != "quantri")
        )
        assert {tuple(row) for row in rows} == {
            ("mot", "head", unit.id),
            ("hai", "head", root.id),
            ("ba.bon", "trainer", None),
            ("nam", "administrator", None),
        }


def test_people_are_found_without_marks_by_any_part_of_the_name(make: Make) -> None:
    unit, other = make.unit("Sở Y tế"), make.unit("Sở Tài chính")
    make.person("Lý A Hoa", unit=unit, username="x1")
    make.person("Nguyễn Thủy Hoà", unit=other, username="x2")
    make.person("Trần Văn Đức", unit=other, username="ductran")
    admin = administrator(make)
    for sought, found in {
        "ly hoa": {"Lý A Hoa"},
        "hoa": {"Lý A Hoa", "Nguyễn Thủy Hoà"},
        "HOÀ thuy": {"Nguyễn Thủy Hoà"},
        "duc tr": {"Trần Văn Đức"},
        "ductran": {"Trần Văn Đức"},
        "%": set(),
        "_": set(),
    }.items():
        admin.get("/people")
        admin.submit("/people/search", q=sought)
        assert admin.path == "/people"  # what is sought may be a name: it stays out of the address
        names = {"Lý A Hoa", "Nguyễn Thủy Hoà", "Trần Văn Đức"}
        assert {name for name in names if name in admin.text} == found, sought
    admin.submit("/people/search", q="")
    admin.get("/people", query_string={"unit": str(unit.public_id)})
    assert "Lý A Hoa" in admin.text
    assert "Trần Văn Đức" not in admin.text
    assert admin.get("/people?unit=khong-co").status_code == 404


def test_fifty_people_stand_on_a_page_in_the_order_of_given_names(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    for number in range(51):
        make.person(f"Nông Văn B{number:02}", unit=unit)
    make.person("Ma Thị Ánh", unit=unit)
    admin = administrator(make)
    admin.get("/people")
    assert "Trang 1/2" in admin.text
    assert "Ma Thị Ánh" in admin.text
    assert admin.text.index("Ma Thị Ánh") < admin.text.index("Nông Văn B00")
    assert "Nông Văn B48" in admin.text
    assert "Nông Văn B49" not in admin.text
    admin.get("/people?page=2")
    assert "Nông Văn B49" in admin.text
    for page in ("99", "0", "-3", "nhiều"):
        assert admin.get(f"/people?page={page}").status_code == 200


def test_looking_at_names_is_noted_without_the_names(make: Make) -> None:
    person = make.person("Lý A Hoa", unit=make.unit("Sở Y tế"))
    admin = administrator(make)
    admin.get("/people")
    admin.submit("/people/search", q="ly a hoa")
    admin.get(f"/people/{person.public_id}")
    with make.reading() as session:
        looks = select(AuditEntry).where(AuditEntry.action.startswith("person.")).order_by(AuditEntry.id)
        entries = [one for one in session.scalars(looks) if one.action in {"person.list", "person.read"}]
        assert [one.action for one in entries] == ["person.list", "person.list", "person.read"]
        assert entries[1].details == {"rows": 1, "page": 1, "searched": True, "tree": "state"}
        assert entries[2].object_id == str(person.public_id)
        assert "hoa" not in str([one.details for one in session.scalars(select(AuditEntry))]).lower()


def test_a_move_is_dated_and_keeps_the_earlier_unit(make: Make) -> None:
    first, second = make.unit("Sở Y tế"), make.unit("Sở Tài chính")
    person = make.person("Lý A Hoa", unit=first)
    admin = administrator(make)
    tomorrow = clock.today() + timedelta(days=1)
    admin.get(f"/people/{person.public_id}/move")
    admin.submit("/move", unit=str(second.public_id), on=tomorrow.isoformat())
    assert f"được tính ở Sở Tài chính từ ngày {tomorrow:%d/%m/%Y}" in admin.text
    assert "sắp chuyển đến" in admin.text
    with make.reading() as session:
        rows = session.execute(
            select(Membership.unit_id, Membership.valid_to)
            .where(Membership.person_id == person.id)
            .order_by(Membership.valid_from)
        )
        assert [tuple(row) for row in rows] == [(first.id, tomorrow), (second.id, None)]


def test_a_wrong_unit_is_corrected_on_the_same_day(make: Make) -> None:
    wrong, right = make.unit("Sở Y tế"), make.unit("Sở Tài chính")
    admin = administrator(make)
    new_person(admin, unit=str(wrong.public_id))
    admin.get(admin.path.removesuffix("/link"))
    admin.get(admin.path + "/move")
    admin.submit("/move", unit=str(right.public_id), on=f"{clock.today():%d/%m/%Y}")
    assert admin.page is not None
    assert admin.page.status_code == 200
    with make.reading() as session:
        assert session.scalars(select(Membership.unit_id)).all() == [right.id]


@pytest.mark.parametrize(
    ("where", "days", "reason"),
    [
        ("same", 0, "đã ở đơn vị được chọn"),
        ("other", -4000, "thuộc đơn vị hiện nay từ ngày 01/01/2020"),
        ("other", 4000, "Kiểm tra lại năm"),
        ("young", -10, "chưa hoạt động vào ngày này"),
        ("other", None, "Nhập ngày theo dạng ngày/tháng/năm"),
        ("ending", 9, "Sở sắp hết kết thúc hoạt động từ ngày"),
        ("ending", 30, "đơn vị tiếp nhận là Sở Tài chính"),
    ],
)
def test_a_move_that_cannot_be_says_why(make: Make, where: str, days: int | None, reason: str) -> None:
    units = {
        "same": make.unit("Sở Y tế"),
        "other": make.unit("Sở Tài chính", since=clock.today() - timedelta(days=9999)),
    }
    units["young"] = make.unit("Sở mới", since=clock.today())
    units["ending"] = make.unit("Sở sắp hết")
    with make.writing() as session:
        ending, heir = (session.get_one(Unit, units[one].id) for one in ("ending", "other"))
        merge_units(session, [ending], heir, on=clock.today() + timedelta(days=9))
    person = make.person("Lý A Hoa", unit=units["same"])
    admin = administrator(make)
    admin.get(f"/people/{person.public_id}/move")
    on = (clock.today() + timedelta(days=days)).isoformat() if days is not None else "ngày mai"
    answer = admin.submit("/move", unit=str(units[where].public_id), on=on)
    assert answer.status_code == 422
    assert reason in answer.text
    with make.reading() as session:
        assert session.scalars(select(Membership.unit_id).where(Membership.person_id == person.id)).all() == [
            units["same"].id
        ]


def test_nobody_new_comes_to_a_unit_that_has_ended_by_then(make: Make) -> None:
    ended, heir, day = make.unit("Sở cũ"), make.unit("Sở nay"), clock.today()
    with make.writing() as session:
        merge_units(session, [session.get_one(Unit, ended.id)], session.get_one(Unit, heir.id), on=day)
        with pytest.raises(UnitEnded) as refused:
            create_person(session, full_name="Lý A Hoa", username="hoala", unit=ended, since=day)
        assert (refused.value.day, refused.value.heir) == (day, "Sở nay")
        assert session.scalars(select(Membership.id)).all() == []


def test_a_closed_account_ends_its_sessions_until_it_is_opened_again(make: Make) -> None:
    person = make.person("Lý A Hoa", unit=make.unit("Sở Y tế"), username="hoala", password=PASSWORD)
    admin, hoa = administrator(make), make.browser(person)
    assert hoa.get("/profile", follow=False).status_code == 200
    admin.get(f"/people/{person.public_id}/close")
    assert "không đăng nhập được nữa" in admin.text
    assert hoa.get("/profile", follow=False).status_code == 200  # to be asked changes nothing
    admin.submit("/close")
    assert "Đã khóa từ" in admin.text
    assert hoa.get("/profile", follow=False).status_code == 302
    hoa.get("/sign-in")
    assert hoa.submit("/sign-in", username="hoala", password=PASSWORD).status_code == 422
    admin.get("/people")
    assert "đã khóa" in admin.text
    admin.get(f"/people/{person.public_id}")
    admin.submit("/open")
    hoa.get("/sign-in")
    assert hoa.submit("/sign-in", username="hoala", password=PASSWORD).status_code == 200


def test_a_role_must_be_chosen_and_a_form_sent_as_it_was_served_grants_none(make: Make) -> None:
    person = make.person("Lý A Hoa", unit=make.unit("Sở Y tế"))
    admin = administrator(make)
    admin.get(f"/people/{person.public_id}/roles/new")
    assert admin.submit("/roles/new").status_code == 422
    assert "Chọn vai trò." in admin.text
    with make.reading() as session:
        assert session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id)).all() == []


def test_a_closed_account_that_opens_again_does_not_bring_its_old_sessions_back(make: Make) -> None:
    person = make.person("Lý A Hoa")
    left_open = make.browser(person)
    assert left_open.get("/profile", follow=False).status_code == 200
    for change in (close_account, reopen_account):
        with make.writing() as session:
            change(session, session.get_one(Person, person.id))
    assert left_open.get("/profile", follow=False).status_code == 302


def test_a_role_is_given_and_ended_and_the_person_signs_in_anew(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    person = make.person("Lý A Hoa", unit=unit)
    admin, hoa = administrator(make), make.browser(person)
    assert hoa.get("/people", follow=False).status_code == 404
    admin.get(f"/people/{person.public_id}/roles/new")
    assert admin.submit("/roles/new", role="administrator").status_code == 422
    assert "Kiểm tra lại họ tên, đơn vị rồi đánh dấu ô này" in admin.text
    assert hoa.get("/people", follow=False).status_code == 404
    admin.submit("/roles/new", sure="y")
    assert "Quản trị viên" in admin.text
    assert hoa.get("/people", follow=False).status_code == 302
    hoa = make.browser(person)
    assert hoa.get("/people", follow=False).status_code == 200

    admin.get(f"/people/{person.public_id}/roles/new")
    admin.submit("/roles/new", role="administrator")
    answer = admin.submit("/roles/new", sure="y")
    assert answer.status_code == 422
    assert "đang giữ đúng vai trò này" in answer.text

    admin.get(f"/people/{person.public_id}")
    admin.get(re.findall(r'href="(/people/[^"]+/end)"', admin.text)[0])
    assert "Lý A Hoa thôi giữ vai trò Quản trị viên (Toàn hệ thống)." in admin.text
    assert hoa.get("/people", follow=False).status_code == 200
    admin.submit("/end")
    assert "đã kết thúc" in admin.text
    assert hoa.get("/people", follow=False).status_code == 302
    assert make.browser(person).get("/people", follow=False).status_code == 404


def test_an_administrator_does_not_lock_himself_out(make: Make) -> None:
    person = make.person("Quản Thị Trị", role="administrator")
    admin = make.browser(person)
    admin.get(f"/people/{person.public_id}")
    assert not re.search(r'href="[^"]+/(close|end)"', admin.text)
    with make.reading() as session:
        grant_id = session.scalars(select(RoleGrant.id)).one()
    token = dict(admin.form("/sign-out").fields)["csrf_token"]
    for path in ("close", f"roles/{grant_id}/end"):
        admin.post(
            f"/people/{person.public_id}/{path}", data={"csrf_token": token}, headers={"Origin": "http://localhost"}
        )
        assert "chỉ do quản trị viên khác" in admin.text
    assert admin.get("/people").status_code == 200


def test_a_new_link_ends_the_one_before(make: Make) -> None:
    person = make.person("Lý A Hoa", unit=make.unit("Sở Y tế"), username="hoala")
    admin = administrator(make)
    links: list[str] = []
    for _ in range(2):
        admin.get(f"/people/{person.public_id}/link/new")
        assert "Liên kết và phiếu đã cấp trước đó hết hiệu lực" in admin.text
        assert [make.browser().get(link).status_code for link in links] == [200] * len(links)
        admin.submit("/link")
        links.append(the_link(admin))
    assert f"?person={person.public_id}" in admin.text, "whoever cannot be sent a link gets a slip of paper"
    assert make.browser().get(links[0]).status_code == 404
    assert make.browser().get(links[1]).status_code == 200


def test_the_link_is_built_from_the_configured_site_only(make: Make) -> None:
    person = make.person("Lý A Hoa", unit=make.unit("Sở Y tế"))
    admin = administrator(make)
    admin.get(f"/people/{person.public_id}/link/new")
    admin.submit("/link", follow=False)
    answer = admin.get(
        f"/people/{person.public_id}/link", headers={"Host": "127.0.0.1:81", "X-Forwarded-Host": "evil.example"}
    )
    assert "evil.example" not in answer.text
    assert "127.0.0.1:81/first" not in answer.text


def test_all_faults_of_a_new_person_are_told_at_once(make: Make) -> None:
    admin = administrator(make)
    new_person(admin, username="quantri", email="khong-phai-thu", unit="")
    for told in ("Tên đăng nhập này đã có người dùng", "Địa chỉ thư có dạng", "Chọn cơ quan, đơn vị."):
        assert told in admin.text
    assert "người khác trùng họ tên" not in admin.text


def test_somebody_of_the_same_name_is_asked_about_once_and_the_look_is_noted(make: Make) -> None:
    unit, other = make.unit("Sở Y tế"), make.unit("Sở Nội vụ")
    make.person("Lý A Hoa", unit=unit)
    admin = administrator(make)
    new_person(admin, unit=str(other.public_id))
    assert admin.page is not None
    assert admin.page.status_code == 422
    assert "Đã có Lý A Hoa, Sở Y tế. Nếu đây là người khác" in admin.text
    assert 'value="hoala"' in admin.text  # what was typed is kept
    with make.reading() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.list"))
        assert entry.details["rows"] == 1
        assert "Hoa" not in str(entry.details)
    admin.submit("/people/new", namesake="y")
    assert "/first-password/" in admin.text
    new_person(admin, full_name="Lý A Hòa", username="hoala2", unit=str(other.public_id))
    assert "/first-password/" in admin.text  # another name is another person
