"""An administrator imports a list: hands it in, says what its columns are, looks at the rehearsal, applies it."""

import re
import uuid
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from lms import clock
from lms.accounts.models import Membership, Person, SignInAccount
from lms.accounts.storage import place_people
from lms.audit.models import AuditEntry
from lms.organisation.actions import create_unit, merge_units, undo
from lms.organisation.models import Unit, UnitOperation
from lms.roster import actions, forms
from lms.roster.access import people_within, reach
from lms.roster.actions import receive, taken_apart, work
from lms.roster.models import DateOfBirth, RosterLine, RosterUpload, StaffCode
from lms.roster.rules import Settings
from tests.browser import ORIGIN, Browser
from tests.counting import count_queries
from tests.floor.test_languages import untranslated
from tests.make import LONG_AGO, Make
from tests.rosters import HEAD, PEOPLE, TITLE, Table, csv_text, xlsx

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
    file = FileStorage(BytesIO(content), name)
    boundary, body = encode_multipart(fields | {"unit": str(unit.public_id), "file": file})  # with no file of its own
    kind = f'multipart/form-data; boundary="{boundary}"'
    return browser.post("/roster", data=body, content_type=kind, headers={"Origin": ORIGIN}).status_code


def applied(browser: Browser, unit: Unit, content: bytes) -> None:
    """From the file to the people, by pressing the button of each page."""
    assert hand_in(browser, unit, content) == 200
    browser.submit("Tiếp tục", then="on")
    assert "Kết quả diễn tập" in browser.text
    if "Áp dụng" in browser.text:
        browser.submit("/apply")


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_list_of_a_unit_that_has_ended_meanwhile_says_so_and_writes_nothing(
    make: Make, administrator: Browser, department: Unit
) -> None:
    assert hand_in(administrator, department, xlsx(ROWS)) == 200
    with make.reading() as session:
        address = f"/roster/{session.scalars(select(RosterUpload.public_id)).one()}"
    heir = make.unit("Sở khác")
    with make.writing() as session:
        merge_units(session, [session.get_one(Unit, department.id)], session.get_one(Unit, heir.id), on=clock.today())
    token = dict(administrator.form("/columns").fields)["csrf_token"]
    for path in ("/columns", "/units"):
        administrator.get(address + path)
        assert administrator.path == "/roster"
        assert "Sở Y tế đã kết thúc hoạt động" in administrator.text
    for path in ("/columns", "/units", "/rehearse", "/apply"):
        answer = administrator.client.post(address + path, data={"csrf_token": token}, headers={"Origin": ORIGIN})
        assert answer.status_code == 302
    with make.reading() as session:
        assert session.scalar(select(func.count(Person.id))) == 1


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_list_of_a_unit_that_is_no_more_is_answered_with_words_at_every_step(
    make: Make, administrator: Browser, department: Unit
) -> None:
    founded = make.unit("Phòng lập nhầm", under=department)
    assert hand_in(administrator, founded, xlsx(ROWS)) == 200
    columns = administrator.page, administrator.path
    with make.writing() as session:
        undo(session, session.scalars(select(UnitOperation).order_by(UnitOperation.id.desc()).limit(1)).one())
    administrator.page, administrator.path = columns
    administrator.submit("Tiếp tục", then="on")
    assert administrator.path == "/roster"
    assert "Phòng lập nhầm đã kết thúc hoạt động" in administrator.text
    assert hand_in(administrator, department, xlsx(ROWS)) == 200
    administrator.submit("Tiếp tục", then="on")
    rehearsed = administrator.path
    token = dict(administrator.form("/apply").fields)["csrf_token"]
    heir = make.unit("Sở khác")
    with make.writing() as session:
        merge_units(session, [session.get_one(Unit, department.id)], session.get_one(Unit, heir.id), on=clock.today())
    for step in ("answers", "rehearse", "apply"):
        sent = {"csrf_token": token, "digest": "-"}
        answer = administrator.client.post(f"{rehearsed}/{step}", data=sent, headers={"Origin": ORIGIN})
        assert answer.status_code == 302, step
    with make.writing() as session:
        upload = session.scalars(select(RosterUpload).where(RosterUpload.unit_id == department.id)).one()
        upload.state = "waiting"
    with make.writing() as session:
        assert work(session, {"upload": upload.id}) is None
    with make.reading() as session:
        assert set(session.scalars(select(RosterUpload.state))) == {"received"}


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
    assert f"/people/activation/{department.public_id}" in administrator.text
    with make.reading() as session:
        people = dict(session.execute(select(Person.full_name, Person.position)).all())
        assert people.keys() == {"Quản Trị", "Lý A Hoa", "Nguyễn Thị Lường", "Hầu A Lử"}
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
            "hoala", "luha", "luongnt", "quantri",
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


def test_a_file_that_is_not_read_is_answered_with_the_reason_beside_the_field(
    administrator: Browser, department: Unit
) -> None:
    assert hand_in(administrator, department, b"\x89PNG\r\n\x1a\n" + bytes(200)) == 422
    assert "không phải bảng tính" in administrator.text
    assert f'value="{department.public_id}" selected' in administrator.text, "what was chosen is not lost"
    assert hand_in(administrator, department, b"a;b\n" * 1_260_000) == 422
    assert "Tệp lớn hơn 5 MB" in administrator.text
    assert hand_in(administrator, department, b"x" * 6_000_000) == 413


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_file_of_another_kind_is_refused_with_its_reason_and_the_unit_stays_chosen(
    make: Make, administrator: Browser, department: Unit
) -> None:
    letter = "Kính gửi Sở Y tế,\n\nĐề nghị gửi danh sách cán bộ, công chức, viên chức.\nTrân trọng.\n".encode()
    for content, name, said in (
        (letter, "danh-sach.pdf", "“danh-sach.pdf” là tệp loại khác, không phải bảng tính."),
        (csv_text([HEAD, *PEOPLE]).encode(), "Danh sách.DOCX", "“Danh sách.DOCX” là tệp loại khác"),
        (letter, "danh-sach.csv", "Tệp này không phải bảng: các dòng không chia thành những cột như nhau"),
        (
            b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
            "danh-sach.xlsx",
            "không phải bảng tính XLSX, XLS hay CSV",
        ),
    ):
        assert hand_in(administrator, department, content, name) == 422
        assert administrator.path == "/roster"
        assert said in administrator.text, name
        assert re.search(f'<option selected value="{department.public_id}"', administrator.text)
    with make.reading() as session:
        assert session.scalar(select(RosterUpload.id)) is None


def test_nobody_waits_to_write_while_a_file_is_read(
    monkeypatch: pytest.MonkeyPatch, make: Make, administrator: Browser, department: Unit
) -> None:
    read_apart: list[bytes] = []

    def read(content: bytes, name: str) -> actions.Taken:
        with make.database.writing() as other:  # on SQLite it would wait for the lock, and be refused
            assert other.scalar(select(RosterUpload.id)) is None
            other.execute(update(Person).values(position="Thử"))
        read_apart.append(content)
        return taken_apart(content, name)

    monkeypatch.setattr(actions, "taken_apart", read)
    hand_in(administrator, department, xlsx(ROWS))
    assert len(read_apart) == 1
    with make.reading() as session:
        assert session.scalars(select(RosterUpload)).one().state == "received"


def test_columns_can_be_put_right_and_nothing_typed_is_lost(administrator: Browser, department: Unit) -> None:
    rows = [("Danh sách",), ("Người", "Mã"), ("Lý A Hoa", "00017")]
    hand_in(administrator, department, xlsx(rows))
    assert "Chưa tìm thấy dòng tiêu đề cột" in administrator.text
    administrator.submit("/columns", line="1", then="again")
    assert "Lý A Hoa" in administrator.text
    refused = administrator.submit("/columns", then="on", on="32/1/2026")
    assert refused.status_code == 422
    assert "Chưa có cột nào là “Họ và tên”" in administrator.text
    assert "32/1/2026" in administrator.text
    chosen: dict[str, Any] = {"column-0": "full_name", "column-1": "code"}
    administrator.submit("/columns", then="on", on="1/1/2026", **chosen)
    assert "1 người mới" in administrator.text


def test_letters_that_may_be_read_either_way_are_shown_both_ways_until_somebody_says_which(
    administrator: Browser, department: Unit
) -> None:
    rows = [("Họ và tên",), ("Lý A Hoa",), ("NguyÔn V¨n Hµo",), ("Lò Cô",)]
    hand_in(administrator, department, xlsx(rows, fonts={0: ".VnTime"}))
    assert "Có chữ chưa rõ gõ theo bảng mã nào" in administrator.text
    assert "Lũ Cụ" in administrator.text
    for reading, name in (("tcvn3", "Lũ Cụ"), ("unicode", "Lò Cô")):
        administrator.submit("/columns", reading=reading, then="again")
        assert "chưa rõ" not in administrator.text
        assert name in administrator.text


def test_a_unit_that_is_not_sure_is_chosen_on_the_page(make: Make, administrator: Browser, department: Unit) -> None:
    hand_in(administrator, department, xlsx([HEAD, ("1", "", "Lý A Hoa", "", "", "Vắn phòng", "")]))
    administrator.submit("Tiếp tục", then="on")
    assert "Vắn phòng" in administrator.text
    with make.reading() as session:
        office = session.scalars(select(Unit.public_id).where(Unit.code == "syt-vp")).one()
    chosen: dict[str, Any] = {"unit-0": str(office)}
    administrator.submit("Diễn tập", **chosen)
    assert "1 người mới" in administrator.text
    assert "Văn phòng Sở" in administrator.text
    administrator.get(administrator.path.partition("?")[0] + "/units")
    assert f'value="{office}" selected' in administrator.text, "what was chosen can be chosen anew"
    administrator.submit("Diễn tập", **{**chosen, "unit-0": str(department.public_id)})
    assert "Văn phòng Sở" not in administrator.text


def test_a_line_in_doubt_is_asked_and_the_answer_holds(make: Make, administrator: Browser, department: Unit) -> None:
    known = make.person("Lý A Hoa", unit=department)
    hand_in(administrator, department, xlsx([HEAD, *PEOPLE[:1]]))
    administrator.submit("Tiếp tục", then="on")
    assert "1 dòng cần trả lời" in administrator.text
    chosen: dict[str, Any] = {"line-2": str(known.public_id)}
    administrator.submit("/answers", **chosen)
    assert "1 thay đổi" in administrator.text
    administrator.submit("/apply")
    with make.reading() as session:
        assert session.scalars(select(StaffCode.person_id)).all() == [known.id]


def test_a_digest_of_another_rehearsal_applies_nothing(make: Make, administrator: Browser, department: Unit) -> None:
    hand_in(administrator, department, xlsx([HEAD, *PEOPLE]))
    administrator.submit("Tiếp tục", then="on")
    make.person("Lý A Hoa", unit=department)
    administrator.submit("/apply")
    assert "chưa ghi gì" in administrator.text
    assert "1 dòng cần trả lời" in administrator.text
    with make.reading() as session:
        assert session.scalar(select(func.count(Person.id))) == 2


def test_the_page_of_a_list_under_way_loads_itself_again_without_a_script(
    make: Make, administrator: Browser, department: Unit
) -> None:
    hand_in(administrator, department, xlsx([HEAD, *PEOPLE]))
    with make.writing() as session:
        upload = session.scalars(select(RosterUpload)).one()
        upload.state, upload.done, upload.total = "comparing", 5, 20
    page = administrator.get(f"/roster/{upload.public_id}")
    assert page.headers["Refresh"] == "3"
    assert "5/20" in page.text


def test_who_keeps_people_of_one_unit_reaches_its_lists_and_its_people_only(make: Make, department: Unit) -> None:
    """No role is granted over one unit only as yet; the access functions are ready for it."""
    elsewhere = make.unit("Sở Nội vụ")
    inside, outside = make.person("Trong", unit=department), make.person("Ngoài", unit=elsewhere)
    keeper = make.person("Người Giữ", role="administrator", over=department)
    with make.writing() as session:
        by = keeper.public_id
        mine = receive(
            session, session.get_one(Unit, department.id), taken_apart(b"Ho va ten\nA\n"), file_name="", by=by
        )
        theirs = receive(
            session, session.get_one(Unit, elsewhere.id), taken_apart(b"Ho va ten\nA\n"), file_name="", by=by
        )
        units = reach(session, keeper.public_id)
        assert units is not None
        within = people_within(units)
        assert within is not None
        assert set(session.scalars(within)) == {inside.id}
        assert outside.id not in set(session.scalars(within))
    browser = make.browser(keeper)
    assert browser.get(f"/roster/{mine.public_id}/columns").status_code == 200
    for path in ("", "/columns", "/units", "/corrected.xlsx"):
        assert browser.get(f"/roster/{theirs.public_id}{path}").status_code == 404
    assert browser.get(f"/roster/export?unit={elsewhere.public_id}&kind=csv").status_code == 404
    assert "Sở Nội vụ" not in browser.get("/roster").text
    assert hand_in(browser, elsewhere, b"Ho va ten\nA\n") == 422


@pytest.mark.parametrize("backend", ["sqlite"])  # words come from no database
def rehearsed_list(make: Make, unit: Unit, rows: Table, by: uuid.UUID) -> uuid.UUID:
    with make.writing() as session:
        content = taken_apart(csv_text(rows).encode())
        upload = receive(session, session.get_one(Unit, unit.id), content, file_name="a.csv", by=by)
        actions.choose(session, upload, Settings.of(upload.settings))
        actions.rehearse(session, upload, by=by)
        return upload.public_id


def test_a_list_finds_nobody_beyond_the_least_reach_of_those_who_have_to_do_with_it(
    make: Make, administrator: Browser, department: Unit
) -> None:
    outside = make.person("Ma Thị Sen", unit=make.unit("Sở Nội vụ", code="snv"))
    keeper = make.person("Người Giữ", unit=department, role="unit_administrator", over=department)
    with make.writing() as session:
        person = session.get_one(Person, outside.id)
        person.email, person.position = "sen@example.gov.vn", "Phó Giám đốc"
        everywhere = session.scalars(select(Person.public_id).where(Person.full_name == "Quản Trị")).one()
    rows = [("Họ và tên", "Email"), ("Ma Thi Xen", "sen@example.gov.vn")]
    own = rehearsed_list(make, department, rows, keeper.public_id)
    browser = make.browser(keeper)
    administrator.get(f"/roster/{own}")
    administrator.submit("/rehearse")  # whoever asks for it does not widen the reach of who handed it in
    with make.writing() as session:
        upload = session.scalars(select(RosterUpload).where(RosterUpload.public_id == own)).one()
        assert (upload.counts, upload.confirmed_by) == ({"new": 1}, everywhere)
        upload.digest = upload.digest[::-1]  # as if people had changed
    administrator.get(f"/roster/{own}")
    administrator.submit("/apply")
    browser.get(f"/roster/{own}")
    for name in ("Ma Thị Sen", "Phó Giám đốc", str(outside.public_id)):
        assert name not in browser.text
    wide = rehearsed_list(make, department, rows, everywhere)
    assert "Phó Giám đốc" in administrator.get(f"/roster/{wide}?show=asked").text
    assert "Ma Thi Xen" in browser.get(f"/roster/{wide}?show=asked").text
    for name in ("Ma Thị Sen", "Phó Giám đốc", str(outside.public_id)):
        assert name not in browser.text
    browser.submit("/rehearse")
    with make.reading() as session:
        upload = session.scalars(select(RosterUpload).where(RosterUpload.public_id == wide)).one()
        assert upload.counts == {"new": 1}


def test_a_list_of_one_unit_names_its_own_party_organisations_only(
    make: Make, administrator: Browser, department: Unit
) -> None:
    with make.writing() as session:
        root = create_unit(
            session, code="d", name="Đảng bộ tỉnh", kind="department", parent=None, since=LONG_AGO, tree="party"
        )
        for code, name in (("d1", "Chi bộ Sở Y tế"), ("d2", "Chi bộ An ninh")):
            create_unit(session, code=code, name=name, kind="department", parent=root, since=LONG_AGO, tree="party")
    keeper = make.person("Người Giữ", unit=department, role="unit_administrator", over=department)
    member = make.person("Lý A Hoa", unit=department)
    with make.writing() as session:
        own = session.scalars(select(Unit).where(Unit.code == "d1")).one()
        place_people(session, {member.id: own.id}, on=LONG_AGO, tree="party")
        everywhere = session.scalars(select(Person.public_id).where(Person.full_name == "Quản Trị")).one()
    rows = [("Họ và tên", "Chi bộ"), ("Lò Thị Hai", "Chi bộ An ninh"), ("Lò Thị Ba", "Chi bộ Sở Y tế")]
    listed = rehearsed_list(make, department, rows, keeper.public_id)
    browser = make.browser(keeper)
    page = browser.get(f"/roster/{listed}/units").text
    assert '">Chi bộ Sở Y tế</option>' in page
    assert '">Chi bộ An ninh</option>' not in page
    assert '">Đảng bộ tỉnh</option>' not in page
    with make.reading() as session:
        counts = [one.counts for one in session.scalars(select(RosterUpload))]
    assert counts == [{"bad": 1, "new": 1}]
    wide = rehearsed_list(make, department, rows, everywhere)
    with make.reading() as session:
        upload = session.scalars(select(RosterUpload).where(RosterUpload.public_id == wide)).one()
        assert upload.counts == {"new": 2}


def test_the_pages_of_a_list_are_in_english_too(make: Make, administrator: Browser, department: Unit) -> None:
    make.person("Lý A Hoa", unit=department)
    make.person("Vi Văn Ở", unit=department)
    wrong = ("9", "1E+20", "Ma Thị Páo", "31/2/1980", "", "Phòng Không Tên", "x")
    said = [one for row in (HEAD, *PEOPLE, wrong) for one in row if one]
    content = [*said, "Quản Trị", "Quán triệt", "Tuyên Quang", "Vi Văn Ở", "Danh sách", "Tỉnh (mẫu)"]
    known = re.compile("|".join(map(re.escape, sorted(content, key=len, reverse=True))))
    administrator.get("/profile")
    administrator.submit("/language", language="en")
    hand_in(administrator, department, xlsx([HEAD, *PEOPLE, wrong]))
    found = {"columns": untranslated(administrator.text, known)}
    administrator.submit("Continue", then="on")
    found["units"] = untranslated(administrator.text, known)
    administrator.submit("Rehearse")
    path = administrator.path
    for kind in ("new", "bad", "asked", "left"):
        found[kind] = untranslated(administrator.get(f"{path}?show={kind}").text, known)
    administrator.get(path)
    administrator.submit("/apply")
    found["applied"] = untranslated(administrator.text, known)
    assert {page: left for page, left in found.items() if left} == {}
    assert "The list has been applied" in administrator.text


def test_the_pages_of_a_list_take_as_many_statements_for_ten_times_the_lines(
    app: Flask, administrator: Browser, department: Unit
) -> None:
    counts = []
    for lines in (6, 60):
        rows = [("", f"{n:04}", f"Lò Văn {'Ân' * (n % 3 + 1)}", "1990", "", "Sở Y tế", "") for n in range(lines)]
        hand_in(administrator, department, xlsx([HEAD, *rows]))
        administrator.submit("Tiếp tục", then="on")
        pages = []
        for path in ("", "/columns", "/units"):
            address = administrator.path.partition("?")[0]
            with count_queries(app) as counted:
                administrator.client.get(f"{address}{path}")
            pages.append(len(counted))
        counts.append(pages)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 16


def test_a_code_that_no_unit_has_is_told_and_other_choices_stay(
    make: Make, administrator: Browser, department: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "MANY_UNITS", 1)  # so that a code is asked for
    rows = [HEAD, ("1", "", "Lý A Hoa", "", "", "Vắn phòng", ""), ("2", "", "Ma Thị Páo", "", "", "Phòng Lạ", "")]
    hand_in(administrator, department, xlsx(rows))
    administrator.submit("Tiếp tục", then="on")
    wrong: dict[str, Any] = {"unit-0": "skip", "code-1": "khong-co"}
    assert administrator.submit("Diễn tập", **wrong).status_code == 422
    assert "Không có đơn vị nào mang mã đã ghi" in administrator.text
    assert 'value="skip" selected' in administrator.text
    assert 'value="khong-co"' in administrator.text
    right: dict[str, Any] = {"code-1": "SYT-VP"}
    administrator.submit("Diễn tập", **right)
    assert "1 người mới" in administrator.text
