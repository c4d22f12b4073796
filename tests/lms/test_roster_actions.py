"""A list in the database: applied whole or not at all, by a number of statements that does not grow with its length."""

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Membership, Person, RoleGrant
from lms.accounts.queries import main_unit
from lms.accounts.storage import Usernames
from lms.audit.models import AuditEntry
from lms.cli import check_projections
from lms.organisation.actions import create_unit, merge_units, undo
from lms.organisation.models import PARTY_TREE, Unit, UnitOperation
from lms.outbox.cli import Worker
from lms.roster import actions
from lms.roster.actions import NotReady, Stale, apply, choose, receive, rehearse, taken_apart
from lms.roster.gathering import Leaving, listed
from lms.roster.models import DateOfBirth, RosterHabit, RosterLine, RosterUpload, StaffCode
from lms.roster.queries import in_line_with, left_out
from lms.roster.rules import KEPT, Settings
from tests.counting import count_queries
from tests.floor.world import World, build_world
from tests.make import LONG_AGO, Make
from tests.rosters import HEAD, PEOPLE, csv_text

BY = uuid.uuid4()
ROOT = Path(__file__).parents[2]


@pytest.fixture
def unit(make: Make) -> Unit:
    root = make.unit("Tỉnh (mẫu)")
    unit = make.unit("Sở Y tế", under=root, code="syt")
    make.unit("Văn phòng Sở", under=unit, code="syt-vp")
    return unit


@pytest.fixture
def by(make: Make, unit: Unit) -> uuid.UUID:
    return make.person("Quản Trị", role="administrator").public_id


def handed_in(session: Session, unit: Unit, rows: Sequence[Sequence[str]], by: uuid.UUID) -> RosterUpload:
    upload = receive(session, unit, taken_apart(csv_text(rows).encode()), file_name="a.csv", by=by)
    choose(session, upload, Settings.of(upload.settings))
    rehearse(session, upload)
    return upload


def applied(make: Make, unit: Unit, rows: Sequence[Sequence[str]], by: uuid.UUID) -> dict[str, int]:
    with make.writing() as session:
        upload = handed_in(session, unit, rows, by)
        apply(session, upload, upload.digest, by=by)
        return upload.counts


def line(
    number: int, name: str, code: str = "", born: str = "", unit: str = "Sở Y tế", position: str = ""
) -> list[str]:
    return [str(number), code, name, born, position, unit, ""]


def test_a_list_moves_changes_and_adds_and_every_membership_is_kept(make: Make, unit: Unit, by: uuid.UUID) -> None:
    assert applied(make, unit, [HEAD, *PEOPLE], by) == {"new": 3}
    with make.reading() as session:
        hoa = session.scalars(select(Person).where(Person.full_name == "Lý A Hoa")).one()
    with make.writing() as session:  # as if it had been so for long
        for one in session.scalars(select(Membership)):
            one.valid_from = date(2021, 1, 1)
        for code in session.scalars(select(StaffCode)):
            code.valid_from = date(2021, 1, 1)
    rows = [
        HEAD,
        line(1, "Lý A Hoa", "00017", "5/3/1980", "Văn phòng Sở", "Phó phòng"),
        line(2, "Nguyễn Thị Lường", "00099", "20/10/1975", "Văn phòng Sở"),
        line(3, "Hầu A Lử", "00019"),
    ]
    with make.writing() as session:
        upload = handed_in(session, unit, rows, by)
        assert upload.counts == {"moved": 1, "asked": 1, "unchanged": 1}
        luong = session.scalars(select(Person).where(Person.full_name == "Nguyễn Thị Lường")).one()
        settings = Settings.of(upload.settings)
        upload.settings = replace(settings, answers={"3": str(luong.public_id)}).stored()
        rehearse(session, upload)
        apply(session, upload, upload.digest, by=by)
    today = clock.today()
    with make.reading() as session:
        assert session.scalars(main_unit(hoa.id, on=today)).one().code == "syt-vp"
        assert session.scalars(main_unit(hoa.id, on=today - timedelta(days=1))).one().code == "syt"
        codes = session.execute(
            select(StaffCode.code, StaffCode.valid_to).where(StaffCode.person_id == luong.id).order_by(StaffCode.id)
        ).all()
        assert [tuple(one) for one in codes] == [("00018", today), ("00099", None)]
        assert session.get_one(DateOfBirth, luong.id).day == date(1975, 10, 20)
        assert session.get_one(Person, hoa.id).position == "Phó phòng"


def test_the_log_says_before_and_after_of_what_is_no_name(make: Make, unit: Unit, by: uuid.UUID) -> None:
    head = ("Họ và tên", "Chức vụ", "Loại cán bộ", "Đảng viên", "Email")
    applied(make, unit, [head, ("Lý A Hoa", "Chuyên viên", "Công chức", "", "")], by)
    applied(make, unit, [head, ("Lý A Hoa", "Trưởng phòng", "Viên chức", "Chính thức", "hoa@yte.example.gov.vn")], by)
    with make.reading() as session:
        query = select(AuditEntry.action, AuditEntry.details).where(AuditEntry.action.like("person.%"))
        query = query.order_by(AuditEntry.id)
        details: dict[str, dict[str, Any]] = dict(session.execute(query).all())
    assert details["person.create"]["changes"] == {
        "unit": [None, str(unit.public_id)], "category": [None, "cong_chuc"]
    }  # fmt: skip
    assert details["person.change"] == {
        "fields": ["category", "email", "party", "position"],
        "changes": {"category": ["cong_chuc", "vien_chuc"], "party": ["quan_chung", "chinh_thuc"]},
    }


def test_a_staff_code_names_who_bears_it_today(make: Make, unit: Unit, by: uuid.UUID) -> None:
    applied(make, unit, [HEAD, *PEOPLE], by)
    with make.writing() as session:
        [hoa] = session.scalars(select(Person.id).where(Person.full_name == "Lý A Hoa"))
        assert make.database.doors.bearers_of(session, "00017") == [hoa]
        assert make.database.doors.bearers_of(session, "00020") == []
        for code in session.scalars(select(StaffCode)):
            code.valid_from, code.valid_to = date(2021, 1, 1), clock.today()
        session.flush()
        assert make.database.doors.bearers_of(session, "00017") == []


def test_a_code_still_names_its_bearer_when_the_unit_that_gave_it_has_gone_up_in_others(
    make: Make, unit: Unit, by: uuid.UUID
) -> None:
    assert applied(make, unit, [HEAD, line(1, "Lý A Hoa", "00017")], by) == {"new": 1}
    heirs = [make.unit(f"Sở mới {number}", code=f"moi-{number}") for number in (1, 2)]
    today, operations = clock.today(), []
    for former, heir, day in zip([unit, heirs[0]], heirs, [today - timedelta(days=1), today], strict=True):
        with make.writing() as session:
            units = [session.get_one(Unit, one.id) for one in (former, heir)]
            operations.append(merge_units(session, units[:1], units[1], on=day).id)
    with make.writing() as session:
        here = session.get_one(Unit, heirs[1].id)
        assert handed_in(session, here, [HEAD, line(1, "Lý A Hoa", "00017", unit=here.name)], by).counts == {
            "unchanged": 1
        }
        other = handed_in(session, here, [HEAD, line(1, "Người Khác Hẳn", "00017", unit=here.name)], by)
        assert "new" not in other.counts  # the code is somebody's: asked, not given twice
        assert [one.person.own_code for one in listed(session, Leaving(here.id, clock.today()))] == ["00017"]
        undo(session, session.get_one(UnitOperation, operations[1]))
        assert unit.id not in session.scalars(in_line_with(here.id, on=clock.today())).all()


def test_an_empty_cell_takes_nothing_away(make: Make, unit: Unit, by: uuid.UUID) -> None:
    applied(make, unit, [HEAD, *PEOPLE], by)
    assert applied(make, unit, [HEAD, line(1, "Lý A Hoa", "00017", unit="")], by) == {"unchanged": 1}


def test_people_who_are_not_on_the_list_are_told_and_stay(make: Make, unit: Unit, by: uuid.UUID) -> None:
    stays = make.person("Trần Văn Còn Lại", unit=unit)
    with make.writing() as session:
        upload = handed_in(session, unit, [HEAD, *PEOPLE], by)
        today = clock.today()
        assert [person.id for person, _unit in session.execute(left_out(upload, on=today))] == [stays.id]
        apply(session, upload, upload.digest, by=by)
        assert session.scalars(main_unit(stays.id, on=today)).one().code == "syt"


@pytest.mark.parametrize("change", ["person", "newcomer", "settings", "digest"])
def test_nothing_is_applied_but_what_was_rehearsed(make: Make, unit: Unit, by: uuid.UUID, change: str) -> None:
    applied(make, unit, [HEAD, line(1, "Lý A Hoa", "00017")], by)
    rows = [HEAD, line(1, "Lý A Hoa", "00017", position="Phó phòng"), line(2, "Ma Thị Páo", "00020", "1985")]
    with make.writing() as session:
        upload = handed_in(session, unit, rows, by)
        digest = upload.digest
    if change == "newcomer":
        make.person("Ma Thị Páo", unit=unit)
    with make.writing() as session:
        upload = session.scalars(select(RosterUpload).where(RosterUpload.state == "rehearsed")).one()
        if change == "person":
            session.scalars(select(Person).where(Person.full_name == "Lý A Hoa")).one().position = "Kế toán"
        elif change == "settings":
            upload.settings = replace(Settings.of(upload.settings), category="vien_chuc").stored()
        elif change == "digest":
            digest = "0" * 64
        before = session.scalar(select(func.count(Person.id)))
        with pytest.raises(Stale):
            apply(session, upload, digest, by=by)
        assert session.scalar(select(func.count(Person.id))) == before
        assert upload.state == "rehearsed"


def test_a_change_that_touches_nobody_of_the_list_does_not_matter(make: Make, unit: Unit, by: uuid.UUID) -> None:
    with make.writing() as session:
        upload = handed_in(session, unit, [HEAD, *PEOPLE], by)
    make.person("Ai Đó Khác", unit=unit)
    with make.writing() as session:
        upload = session.get_one(RosterUpload, upload.id)
        apply(session, upload, upload.digest, by=by)
        assert upload.state == "applied"


def test_a_failure_in_the_middle_leaves_nothing(
    make: Make, unit: Unit, by: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: object, **_more: object) -> None:
        raise RuntimeError("power cut")

    with make.writing() as session:
        upload = handed_in(session, unit, [HEAD, *PEOPLE], by)
    monkeypatch.setattr(actions, "write_codes", fails)
    with pytest.raises(RuntimeError), make.writing() as session:
        apply(session, session.get_one(RosterUpload, upload.id), upload.digest, by=by)
    with make.reading() as session:
        assert session.scalar(select(func.count(Person.id))) == 1
        assert session.get_one(RosterUpload, upload.id).state == "rehearsed"
        assert session.scalar(select(func.count(RosterLine.id))) == 4


def many(count: int) -> list[list[str]]:
    return [list(HEAD), *(line(n, f"Nguyễn Văn {'Anh' * (n % 3 + 1)}", f"{n:06}", "1980") for n in range(1, count + 1))]


def test_statements_do_not_grow_with_the_list(app: Flask, make: Make, unit: Unit, by: uuid.UUID) -> None:
    counts = []
    for count in (5, 10, 100):  # the first has what is done once a day
        with count_queries(app) as rehearsing, make.writing() as session:
            upload = handed_in(session, unit, many(count), by)
        with count_queries(app) as applying, make.writing() as session:
            upload = session.get_one(RosterUpload, upload.id)
            apply(session, upload, upload.digest, by=by)
        counts.append((len(rehearsing), len(applying)))
    assert counts[1] == counts[2]
    assert counts[1][0] <= 30, rehearsing
    assert counts[1][1] <= 35, applying


@pytest.mark.parametrize("backend", ["sqlite"])
def test_ten_thousand_people_are_rehearsed_and_applied_in_few_statements_below_300_megabytes(
    backend: str, sqlite_template: Path, tmp_path: Path
) -> None:
    """In a process of its own, imports and all. Statements are counted here; `benchmarks.roster` takes the time."""
    shutil.copy(sqlite_template, tmp_path / "lms.sqlite")
    command = [sys.executable, "-m", "tests.long_list", str(tmp_path), "10000"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    took = json.loads(done.stdout)
    assert (took["counts"], took["state"]) == ({"new": 10_000}, "applied")
    assert took["megabytes"] < 300, took
    assert took["statements"] <= 120, took


def test_a_long_list_is_compared_in_slices_by_the_worker_and_then_applied(
    app: Flask, make: Make, unit: Unit, by: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 5)
    monkeypatch.setattr(actions, "SLICE", 10)
    worker = Worker(app.extensions["database"])
    while worker.step():
        pass
    with make.writing() as session:
        upload = handed_in(session, unit, many(25), by)
        assert (upload.state, upload.total) == ("waiting", 25)
    seen = []
    while worker.step():
        with make.reading() as session:
            seen.append(session.get_one(RosterUpload, upload.id).done)
    assert seen == [10, 20, 25]
    with make.writing() as session:
        upload = session.get_one(RosterUpload, upload.id)
        assert (upload.state, upload.counts) == ("rehearsed", {"new": 25})
        apply(session, upload, upload.digest, by=by)
        assert upload.state == "applying"
    assert worker.step()
    with make.reading() as session:
        assert session.get_one(RosterUpload, upload.id).state == "applied"
        assert session.scalar(select(func.count(StaffCode.id))) == 25


def test_the_worker_writes_nothing_when_people_have_changed_and_rehearses_again(
    app: Flask, make: Make, unit: Unit, by: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 1)
    worker = Worker(app.extensions["database"])
    with make.writing() as session:
        upload = handed_in(session, unit, many(3), by)
    while worker.step():
        pass
    with make.writing() as session:
        upload = session.get_one(RosterUpload, upload.id)
        apply(session, upload, upload.digest, by=by)
    applied(make, unit, [HEAD, line(1, "Nguyễn Văn AnhAnh", "000001", "1980")], by)
    while worker.step():
        pass
    with make.reading() as session:
        upload = session.get_one(RosterUpload, upload.id)
        assert (upload.state, upload.stale) == ("rehearsed", True)
        assert upload.counts == {"unchanged": 1, "new": 2}
        assert session.scalar(select(func.count(StaffCode.id))) == 1


def test_choices_are_remembered_for_the_next_list_of_the_unit(make: Make, unit: Unit, by: uuid.UUID) -> None:
    head = ("Tên gọi ở nhà", "Mã thẻ", "Nơi ở")
    with make.writing() as session:
        content = csv_text([head, ("Lý A Hoa", "00017", "Phòng Lạ")]).encode()
        upload = receive(session, unit, taken_apart(content), file_name="a.csv", by=by)
        assert Settings.of(upload.settings).place == -1
        settings = Settings(0, 0, ("full_name", "code", "unit"), clock.today(), units={"Phòng Lạ": str(unit.public_id)})
        choose(session, upload, settings)
        rehearse(session, upload)
        assert upload.counts == {"new": 1}
        session.flush()
        again = Settings.of(receive(session, unit, taken_apart(content), file_name="b.csv", by=by).settings)
        assert again.fields == settings.fields
        assert again.units == settings.units
        assert session.scalar(select(func.count(RosterHabit.unit_id))) == 1


def test_at_night_lists_go_that_are_a_week_old(make: Make, unit: Unit, by: uuid.UUID) -> None:
    with make.writing() as session:
        handed_in(session, unit, [HEAD, *PEOPLE], by)
        actions.forget_old(session, clock.now() + KEPT - timedelta(minutes=1))
        assert session.scalar(select(func.count(RosterUpload.id))) == 1
        actions.forget_old(session, clock.now() + KEPT + timedelta(minutes=1))
        assert session.scalar(select(func.count(RosterUpload.id))) == 0
        assert session.scalar(select(func.count(RosterLine.id))) == 0


def test_what_follows_from_people_is_right_after_a_list(make: Make, tmp_path: object, app: Flask) -> None:
    world: World = build_world(make, tmp_path)  # type: ignore[arg-type]  # a Path, as the fixture gives it
    by = world.people["administrator"].public_id
    applied(make, world.inside, [HEAD, *PEOPLE[:1], line(2, "Học Viên", unit="Sở Y tế", position="Kế toán")], by)
    applied(make, world.root, [("Họ và tên", "Số hiệu", "Đơn vị"), ("Lý A Hoa", "00017", "Sở Nội vụ")], by)
    found = check_projections(app.extensions["database"])
    assert found
    assert {name: rows for name, rows in found.items() if rows} == {}


def test_user_names_are_given_once_also_among_namesakes(make: Make, unit: Unit, by: uuid.UUID) -> None:
    make.person("Lý A Hoa", username="hoala")
    rows = [HEAD, *(line(n, "Lý A Hoa", f"{n:03}", str(1980 + n)) for n in range(3))]
    with make.writing() as session:
        upload = handed_in(session, unit, rows, by)
        assert upload.counts == {"new": 3}
        apply(session, upload, upload.digest, by=by)
        assert Usernames(session, ["hoala"]).free("hoala") == "hoala5"


def test_a_list_places_people_in_their_party_cell(make: Make, unit: Unit, by: uuid.UUID) -> None:
    with make.writing() as session:
        whole = create_unit(
            session, code="db", name="Đảng bộ Sở Y tế", kind="party_body", parent=None, since=LONG_AGO, tree=PARTY_TREE
        )
        for code, name in (("cb1", "Chi bộ Văn phòng"), ("cb2", "Chi bộ Nghiệp vụ")):
            create_unit(session, code=code, name=name, kind="party_body", parent=whole, since=LONG_AGO, tree=PARTY_TREE)
    head = ("Họ và tên", "Số hiệu", "Chi bộ", "Đảng viên")
    rows = [head, ("Lý A Hoa", "1", "CB Văn phòng", "x"), ("Ma Thị Páo", "2", "Chi bộ Nghiệp vụ", "dự bị")]
    assert applied(make, unit, rows, by) == {"new": 2}
    assert applied(make, unit, rows, by) == {"unchanged": 2}
    rows[1] = ("Lý A Hoa", "1", "Chi bộ Nghiệp vụ", "x")
    rows.append(("Hầu A Lử", "3", "Chi bộ Lạ", ""))
    assert applied(make, unit, rows, by) == {"changed": 1, "unchanged": 1, "bad": 1}
    with make.reading() as session:
        hoa = session.scalars(select(Person).where(Person.full_name == "Lý A Hoa")).one()
        today = clock.today()
        assert hoa.party == "chinh_thuc"
        assert session.scalars(main_unit(hoa.id, on=today, tree=PARTY_TREE)).one().code == "cb2"
        assert session.scalars(main_unit(hoa.id, on=today)).one().code == "syt"


def test_a_list_is_applied_once_however_often_the_button_is_pressed(make: Make, unit: Unit, by: uuid.UUID) -> None:
    with make.writing() as session:
        upload = handed_in(session, unit, [HEAD, *PEOPLE], by)
        digest = upload.digest
        apply(session, upload, digest, by=by)
    with make.writing() as session:
        with pytest.raises(NotReady):
            apply(session, session.get_one(RosterUpload, upload.id), digest, by=by)
        assert session.scalar(select(func.count(StaffCode.id))) == 3


def test_the_same_code_may_stand_in_two_agencies(make: Make, unit: Unit, by: uuid.UUID) -> None:
    other = make.unit("Sở Nội vụ", under=make.unit("Tỉnh khác"), code="snv")
    assert applied(make, unit, [HEAD, line(1, "Lý A Hoa", "001")], by) == {"new": 1}
    assert applied(make, other, [HEAD, line(1, "Ma Thị Páo", "001", unit="")], by) == {"new": 1}


def test_the_worker_stops_when_whoever_handed_the_list_in_keeps_people_no_longer(
    app: Flask, make: Make, unit: Unit, by: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 1)
    applied(make, unit, [HEAD, line(1, "Lý A Hoa", "001")], by)
    worker = Worker(app.extensions["database"])
    while worker.step():
        pass
    with make.writing() as session:
        upload = handed_in(session, unit, [HEAD, line(1, "Lý A Hoa", "001"), line(2, "Ma Thị Páo", "002")], by)
        for grant in session.scalars(select(RoleGrant)):
            grant.valid_to = clock.today()
    while worker.step():
        pass
    with make.reading() as session:
        upload = session.get_one(RosterUpload, upload.id)
        assert (upload.state, upload.counts) == ("received", {})
