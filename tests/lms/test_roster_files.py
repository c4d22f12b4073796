"""Lists that go out come back the same, hold no formula, and tell only of those one may see; and `lms roster`."""

import csv
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from lms.accounts.models import Person
from lms.audit.models import AuditEntry
from lms.config import Config
from lms.organisation.models import Unit
from lms.roster import render
from lms.roster.loader import sheets_of
from lms.roster.matching import Known, Listed, found_head
from lms.roster.rules import DAY, TEXT, Birth, Line, Sheet
from lms.text import nfc
from tests.browser import Browser
from tests.counting import count_queries
from tests.lms.test_roster_pages import administrator, applied, department, hand_in
from tests.make import Make
from tests.rosters import HEAD, PEOPLE, csv_text, xlsx

__all__ = ["administrator", "department"]

DANGEROUS = ("=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠", " =", "\u00a0+", "\u3000@", "a;=", "a,+",
             'a"-', "a|@", "''=", "=cmd|'/C calc'!A0", "@SUM(1)")  # fmt: skip


def listed(name: str, *, position: str = "") -> Listed:
    person = Known(
        1, "p", name, born=Birth(1980), position=position, category="cong_chuc", party="du_bi", own_code="007"
    )
    return Listed(person, "Sở Y tế", "syt", "u", "", "x")


@pytest.mark.parametrize("sign", DANGEROUS)
def test_no_cell_of_a_file_is_a_formula_and_every_text_can_be_had_back(sign: str) -> None:
    people = [listed("Lý A Hoa", position=f"{sign}1+1")]
    text = "".join(render.csv_lines(render.listed_rows(people)))
    [_head, row] = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=";"))
    for cell in row:
        assert cell[:1] not in set("=+-@＝＋－＠\t\r\n"), cell
    meant = nfc(f"{sign}1+1")
    if not sign.startswith("''"):  # an apostrophe of one's own before a formula is one sign too many
        assert nfc(sheets_of(text.encode())[0].lines[1].cell(4)) == meant
    with render.workbook(render.listed_rows(people), sheet="x") as made:
        content = made.read()
    assert nfc(sheets_of(content)[0].lines[1].cell(4)) == meant
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert sheet.count(b't="inlineStr"') + sheet.count(b't="s"') == sheet.count(b"<c ")


@pytest.mark.parametrize("kind", ["xlsx", "csv", "oneroster"])
def test_what_is_taken_out_and_handed_in_again_changes_nothing(
    make: Make, administrator: Browser, department: Unit, kind: str
) -> None:
    applied(administrator, department, xlsx([HEAD, *PEOPLE]))
    answer = administrator.client.get(f"/roster/export?unit={department.public_id}&kind={kind}")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    assert hand_in(administrator, department, answer.data, f"x.{kind}") == 200
    administrator.submit("Tiếp tục", then="on")
    assert "Không đổi (3)" in administrator.text
    assert "Không có gì để ghi" in administrator.text
    with make.reading() as session:
        actor, details = session.execute(
            select(AuditEntry.actor, AuditEntry.details).where(AuditEntry.action == "roster.export")
        ).one()
    assert actor is not None
    assert details == {"kind": kind, "people": 3}


def test_a_file_of_one_unit_tells_of_nobody_elsewhere(make: Make, administrator: Browser, department: Unit) -> None:
    make.person("Kẻ Ngoài Cuộc", unit=make.unit("Sở Nội vụ"))
    applied(administrator, department, xlsx([HEAD, *PEOPLE]))
    text = administrator.client.get(f"/roster/export?unit={department.public_id}&kind=csv").text
    assert "Lý A Hoa" in text
    assert "00017" in text
    assert "Ngoài Cuộc" not in text


def test_taking_out_takes_as_many_statements_for_ten_times_the_people(
    app: Flask, administrator: Browser, department: Unit
) -> None:
    counts = []
    for first, last in ((0, 3), (3, 40)):
        rows = [
            HEAD,
            *(("", f"{n:04}", f"Lò Văn {'Ân' * (n % 3 + 1)}", "1990", "", "", "") for n in range(first, last)),
        ]
        applied(administrator, department, xlsx(rows))
        with count_queries(app) as counted:
            administrator.client.get(f"/roster/export?unit={department.public_id}&kind=csv")
        counts.append(len(counted))
    assert counts[0] == counts[1] <= 8


def test_the_corrected_file_is_the_sheet_with_what_is_wrong(administrator: Browser, department: Unit) -> None:
    rows = [
        ("SỞ Y TẾ",),
        (),
        HEAD,
        ("1", "00017", "", "5/3/1980", "", "", ""),
        ("2", "00018", "Ma Thị Páo", "31/2/1980", "", "", ""),
    ]
    hand_in(administrator, department, csv_text(rows).encode())
    administrator.submit("Tiếp tục", then="on")
    assert "Tải tệp có cột “Lỗi”" in administrator.text
    upload = administrator.path.rpartition("/")[2]
    [sheet] = sheets_of(administrator.client.get(f"/roster/{upload}/corrected.xlsx").data)
    head = found_head(sheet, {})
    assert head is not None
    assert head.labels[-1] == "Lỗi"
    assert [(line.number, line.cells[-1]) for line in sheet.lines[head.body :]] == [
        (4, "C (Họ và tên): Thiếu họ và tên."),
        (5, "D (Ngày sinh): Không có ngày “31/2/1980”. Viết theo thứ tự ngày/tháng/năm."),
    ]
    assert sheet.lines[0].cells == ("SỞ Y TẾ",)


def test_a_corrected_file_has_days_as_people_write_them_and_prints_as_wide_as_a_page() -> None:
    line = Line(2, ("1971-02-02", "1971-02-02"), DAY + TEXT)
    rows = list(
        render.corrected_rows(Sheet("x", (Line(1, ("Ngày sinh", "Số hiệu"), ""), line)), 0, {2: "?"}, label="Lỗi")
    )
    assert rows == [("Ngày sinh", "Số hiệu", "Lỗi"), ("02/02/1971", "1971-02-02", "?")], "a code stays what it is"
    wide = render.widths_of(Sheet("x", (line,)), 0)
    assert wide == [12, 12, render.OF_FAULTS], "an address is not cut, and three letters take no more than they need"
    with render.workbook(rows, sheet="x", widths=wide) as made:
        sheet = zipfile.ZipFile(io.BytesIO(made.read())).read("xl/worksheets/sheet1.xml")
    assert b'orientation="landscape"' in sheet
    assert b'fitToHeight="0"' in sheet


def test_one_roster_files_have_what_the_standard_asks_for(administrator: Browser, department: Unit) -> None:
    applied(administrator, department, xlsx([HEAD, *PEOPLE]))
    answer = administrator.client.get(f"/roster/export?unit={department.public_id}&kind=oneroster")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        files = {name: list(csv.DictReader(io.StringIO(packed.read(name).decode()))) for name in packed.namelist()}
    assert set(files) == {"manifest.csv", "orgs.csv", "users.csv", "demographics.csv"}
    told = {row["propertyName"]: row["value"] for row in files["manifest.csv"]}
    assert told["oneroster.version"] == "1.1"
    assert (told["file.users"], told["file.orgs"], told["file.classes"]) == ("bulk", "bulk", "absent")
    orgs = {row["sourcedId"]: row for row in files["orgs.csv"]}
    assert {row["identifier"] for row in orgs.values()} == {"syt", "syt-vp"}
    assert all(row["orgSourcedIds"] in orgs for row in files["users.csv"])
    hoa = next(row for row in files["users.csv"] if row["identifier"] == "00017")
    assert (hoa["familyName"], hoa["middleName"], hoa["givenName"], hoa["password"]) == ("Lý", "A", "Hoa", "")
    assert {row["birthDate"] for row in files["demographics.csv"]} == {"1980-03-05", "1990-11-12"}


def test_one_roster_of_another_system_is_read_and_its_roles_and_passwords_are_not() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("orgs.csv", "sourcedId,name,type,identifier\no1,Sở Y tế,department,syt\n")
        packed.writestr(
            "roles.csv", "sourcedId,userSourcedId,roleType,role,orgSourcedId\nr1,p1,primary,administrator,o1\n"
        )
        packed.writestr(
            "users.csv",
            "sourcedId,enabledUser,givenName,middleName,familyName,identifier,email,password\n"
            "p1,true,Hoa,A,Lý,00017,hoa@x.vn,bí mật\np2,false,Hai,,Người,2,,x\n",
        )
    [sheet] = sheets_of(out.getvalue())
    assert sheet.lines[1].cells == ("00017", "Lý A Hoa", "", "", "", "", "syt", "Sở Y tế", "hoa@x.vn")
    assert len(sheet.lines) == 2


def test_a_user_of_one_roster_stands_where_the_primary_role_or_the_user_says_and_not_where_the_last_role_does() -> None:
    roles = (
        "sourcedId,status,userSourcedId,roleType,role,orgSourcedId\n"
        "r1,,p1,primary,teacher,o1\nr2,,p1,secondary,proctor,o2\n"
        "r3,tobedeleted,p2,primary,teacher,o2\nr4,,p2,secondary,teacher,o1\nr5,,p2,secondary,teacher,o2\n"
        "r6,,p3,primary,teacher,o2\n"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(
            "orgs.csv", "sourcedId,name,type,identifier\no1,Sở Y tế,department,syt\no2,Sở Nội vụ,department,snv\n"
        )
        packed.writestr("roles.csv", roles)
        packed.writestr(
            "users.csv",
            "sourcedId,enabledUser,givenName,middleName,familyName,primaryOrgSourcedId\n"
            "p1,true,Hoa,A,Lý,\np2,true,Páo,Thị,Ma,\np3,true,Lử,A,Hầu,o1\n",
        )
    [sheet] = sheets_of(out.getvalue())
    assert [line.cell(6) for line in sheet.lines[1:]] == ["syt", "syt", "syt"]


def lms(config: Config, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `lms …` on the database of the test."""
    environ = {
        **os.environ,
        "LMS_LOCAL": "1",
        "LMS_DATABASE_URL": config.database_url,
        "LMS_DATA_DIR": str(config.data_dir),
    }
    code = "import wsgi; wsgi.main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("backend", ["sqlite"])  # the same actions as the pages
def test_a_list_is_rehearsed_applied_and_taken_out_by_commands(make: Make, department: Unit, tmp_path: Path) -> None:
    file, out, config = tmp_path / "a.csv", tmp_path / "out.csv", make.database.config
    file.write_text(csv_text([HEAD, *PEOPLE, ("4", "1E+20", "Ma Thị Páo", "", "", "", "")]), encoding="utf-8")
    said = lms(config, "roster", "rehearse", str(file), "--unit", "syt", "--corrected", str(tmp_path / "c.xlsx"))
    assert "3 new, 1 bad" in said.stdout, said.stderr
    assert "line 5: code_power" in said.stdout
    assert "Páo" not in said.stdout
    digest = said.stdout.split()[-1]
    assert [line.cells[-1] for line in sheets_of((tmp_path / "c.xlsx").read_bytes())[0].lines][-1] == "code_power"
    assert lms(config, "roster", "apply", str(file), "--unit", "syt", "--digest", "0" * 64).returncode == 1
    with make.reading() as session:
        assert session.scalars(select(Person.full_name)).all() == []
    applied_now = lms(config, "roster", "apply", str(file), "--unit", "syt", "--digest", digest)
    assert applied_now.stdout.endswith("applied\n"), applied_now.stderr
    assert "3 people" in lms(config, "roster", "export", "--unit", "syt", "--kind", "csv", str(out)).stdout
    assert "Hầu A Lử" in out.read_text(encoding="utf-8")
