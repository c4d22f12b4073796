"""An administrator imports a list: hands it in, says what its columns are, looks at the rehearsal, applies it."""

from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import func, select

from lms.accounts.models import Membership, Person, SignInAccount
from lms.audit.models import AuditEntry
from lms.organisation.models import Unit
from lms.roster.models import DateOfBirth, RosterLine, RosterUpload, StaffCode
from tests.browser import ORIGIN, Browser
from tests.make import Make
from tests.rosters import HEAD, PEOPLE, TITLE, xlsx

ROWS = [*TITLE, HEAD, *PEOPLE]


@pytest.fixture
def department(make: Make) -> Unit:
    root = make.unit("Tỉnh (mẫu)")
    department = make.unit("Sở Y tế", under=root, code="syt")
    make.unit("Văn phòng Sở", under=department, code="syt-vp")
    return department


@pytest.fixture
def administrator(make: Make, department: Unit) -> Browser:
    return make.browser(make.person("Quản Trị", role="administrator", username="quantri"))


def hand_in(browser: Browser, unit: Unit, content: bytes, name: str = "danh-sach.xlsx") -> int:
    """Hand in a file on the page for it; the status of where one comes to."""
    browser.get("/roster")
    fields: dict[str, object] = dict(browser.form("/roster").fields)
    data = fields | {"unit": str(unit.public_id), "file": (BytesIO(content), name)}
    return browser.post("/roster", data=data, headers={"Origin": ORIGIN}).status_code


def applied(browser: Browser, unit: Unit, content: bytes) -> None:
    """From the file to the people, by pressing the button of each page."""
    assert hand_in(browser, unit, content) == 200
    browser.submit("Tiếp tục", then="on")
    assert "Kết quả diễn tập" in browser.text
    if "Áp dụng" in browser.text:
        browser.submit("/apply")


def test_a_list_is_rehearsed_and_then_applied_in_one_go(make: Make, administrator: Browser, department: Unit) -> None:
    assert hand_in(administrator, department, xlsx(ROWS)) == 200
    assert "Các cột của danh sách" in administrator.text
    administrator.submit("Tiếp tục", then="on")
    assert "Chưa có gì được ghi" in administrator.text
    assert "Nguyễn Thị Lường" in administrator.text
    with make.reading() as session:
        assert session.scalar(select(func.count(Person.id))) == 1
    administrator.submit("/apply")
    assert "Đã áp dụng danh sách" in administrator.text
    with make.reading() as session:
        people = dict(session.execute(select(Person.full_name, Person.position)).all())
        assert people.keys() == {"Quản Trị", "Lý A Hoa", "Nguyễn Thị Lường", "Hầu A Lềnh"}
        codes = session.scalars(select(StaffCode.code).order_by(StaffCode.code)).all()
        assert codes == ["00017", "00018", "00019"]
        years = session.scalars(select(DateOfBirth.year).order_by(DateOfBirth.year)).all()
        assert years == [1975, 1980, 1990]
        where = (
            session.execute(
                select(Unit.code).join(Membership).join(Person).where(Person.full_name == "Nguyễn Thị Lường")
            )
            .scalars()
            .all()
        )
        assert where == ["syt-vp"]
        assert session.scalars(select(SignInAccount.username).order_by(SignInAccount.username)).all() == [
            "hoala", "lenhha", "luongnt", "quantri",
        ]  # fmt: skip


def test_a_second_import_of_the_same_file_changes_nothing(
    app: Flask, make: Make, administrator: Browser, department: Unit
) -> None:
    applied(administrator, department, xlsx(ROWS))
    with make.reading() as session:
        before = session.execute(select(Person.id, Person.full_name).order_by(Person.id)).all()
    applied(administrator, department, xlsx(ROWS))
    assert "Không có gì để ghi" in administrator.text
    assert "Không đổi (3)" in administrator.text
    with make.reading() as session:
        assert session.execute(select(Person.id, Person.full_name).order_by(Person.id)).all() == before


def test_lines_and_file_name_are_gone_once_the_list_is_applied(
    make: Make, administrator: Browser, department: Unit
) -> None:
    applied(administrator, department, xlsx(ROWS))
    with make.reading() as session:
        assert session.scalar(select(func.count(RosterLine.id))) == 0
        assert session.scalars(select(RosterUpload.file_name)).all() == [""]


def test_the_log_says_who_and_how_many_but_no_name_code_or_birth(
    make: Make, administrator: Browser, department: Unit
) -> None:
    applied(administrator, department, xlsx(ROWS))
    administrator.get(f"/roster/export?unit={department.public_id}&kind=csv")
    with make.reading() as session:
        entries = session.execute(select(AuditEntry.action, AuditEntry.details)).all()
    said = repr(entries)
    assert {"roster.receive", "roster.read", "roster.apply", "roster.export", "person.create"} <= {
        action for action, _details in entries
    }
    assert [word for word in ("Hoa", "Lường", "00017", "1980", "1975", "@") if word in said] == []
