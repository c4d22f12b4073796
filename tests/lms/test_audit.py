"""The audit log: what it says of a change, from where it came, how it is read, how long it stays."""

import csv
import dataclasses
import html
import json
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DatabaseError

from analytics.api.actions import make_token
from assessments.attempts.access import access_test
from assessments.attempts.actions import Absent, start_attempt
from assessments.bank.actions import load_questions
from courses.briefings.actions import freeze_roll
from courses.briefings.models import BriefingSession
from courses.catalog.models import Course
from courses.certificates.models import Certificate
from courses.enrolment.models import Assignment, Briefing
from lms import clock
from lms.accounts.actions import close_account, end_role, grant_role, move_person, reopen_account
from lms.accounts.models import Person, RoleGrant
from lms.audit import delivery
from lms.audit.actions import forget_entries, note, note_each
from lms.audit.forms import WORDS_OF
from lms.audit.models import AuditEntry
from lms.audit.rules import as_line
from lms.audit.views import worded
from lms.organisation.actions import merge_units
from lms.organisation.models import Unit
from lms.roster import rehearsal as roster
from lms.roster.actions import receive, taken_apart
from lms.webhooks.rules import ABOVE, DIGEST, REMINDER
from tests.browser import Browser
from tests.counting import count_queries
from tests.courses.learner import give
from tests.library_course import load_small_course
from tests.make import Make

LINE_ENDS = "a\r\nb\nc\u2028d\x85e"


def entries(make: Make, action: str) -> list[AuditEntry]:
    with make.reading() as session:
        return list(session.scalars(sa.select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


def aged(make: Make, *days: int) -> None:
    """Entries that are so many days old."""
    now = clock.now()
    with make.writing() as session:
        for age in days:
            session.add(
                AuditEntry(
                    at=now - timedelta(days=age),
                    actor=None,
                    action="sign_in",
                    object_kind="person",
                    object_id=f"{age} days",
                    details={},
                    address="",
                )
            )


def ages(make: Make) -> set[str]:
    with make.reading() as session:
        return set(session.scalars(sa.select(AuditEntry.object_id).where(AuditEntry.object_id.endswith(" days"))))


@pytest.fixture
def administrator(make: Make) -> Browser:
    return make.browser(make.person("Quản Trị", role="administrator"))


def test_a_change_is_noted_with_what_was_before_and_what_is_after(make: Make) -> None:
    one, other = make.unit("Sở Y tế"), make.unit("Sở Nội vụ")
    person = make.person(unit=one, role="head", over=one)
    with make.writing() as session:
        whom = session.get_one(Person, person.id)
        move_person(session, whom, session.get_one(Unit, other.id), on=clock.today())
        end_role(session, session.scalars(sa.select(RoleGrant)).one())
        close_account(session, whom)
        reopen_account(session, whom)
        grant_role(session, whom, "trainer", unit=None, since=clock.today())
    before, after = str(one.public_id), str(other.public_id)
    found = {
        action: entries(make, action)[-1].details["changes"]
        for action in ("person.move", "role.end", "account.close", "account.reopen", "role.grant", "unit.create")
    }
    assert found["person.move"] == {"unit": [before, after]}
    assert found["role.end"] == {"role": ["head", None], "unit": [before, None]}
    assert found["account.close"] == {"account": ["open", "closed"]}
    assert found["account.reopen"] == {"account": ["closed", "open"]}
    assert found["role.grant"]["role"] == [None, "trainer"]
    assert found["unit.create"]["code"] == [None, other.code]


def test_what_did_not_change_is_not_told_as_a_change(make: Make) -> None:
    with make.writing() as session:
        changes = {"a": (1, 1), "b": (1, 2)}
        note(session, "x", actor=None, object_kind="x", object_id="-", changes=changes)
        note(session, "y", actor=None, object_kind="x", object_id="-", changes={"a": (1, 1)})
    assert entries(make, "x")[0].details == {"changes": {"b": [1, 2]}}
    assert entries(make, "y")[0].details == {}


def test_the_address_it_came_from_is_noted_for_what_changes_and_for_what_is_only_read(
    make: Make, administrator: Browser
) -> None:
    person = make.person("Nguyễn Văn An")
    administrator.get(f"/people/{person.public_id}")
    administrator.get(f"/people/{person.public_id}/close")
    administrator.submit("Khóa tài khoản")
    assert entries(make, "person.read")[-1].address == "127.0.0.1"
    assert entries(make, "account.close")[-1].address == "127.0.0.1"
    assert entries(make, "person.create")[-1].address == ""  # by no request


def test_the_page_tells_in_words_who_did_what_to_whom_with_before_and_after(make: Make, administrator: Browser) -> None:
    one, other = make.unit("Sở Y tế"), make.unit("Sở Nội vụ")
    person = make.person("Nguyễn Văn An", unit=one)
    with make.writing() as session:
        by = session.scalars(sa.select(Person).where(Person.full_name == "Quản Trị")).one()
        to = session.get_one(Unit, other.id)
        move_person(session, session.get_one(Person, person.id), to, on=clock.today(), by=by.public_id)
    administrator.get("/audit?action=person.move")
    for words in ("Quản Trị", "chuyển cán bộ sang đơn vị khác", "Nguyễn Văn An", "Sở Y tế → Sở Nội vụ"):
        assert words in administrator.text
    assert entries(make, "audit.read")[-1].details == {"rows": 1}


def test_days_moments_and_codes_in_the_log_are_told_in_words() -> None:
    assert worded("2026-12-11T16:59:59+00:00") == "23:59, 11/12/2026"
    assert worded("2020-01-01") == "01/01/2020"
    assert worded("2020-13-01") == "2020-13-01"
    assert worded("00017") == "00017"


def test_particulars_are_told_in_words_and_what_they_name_by_its_name_while_the_record_stays(
    make: Make, administrator: Browser
) -> None:
    unit = make.unit("Sở Y tế")
    told: dict[str, dict[str, Any]] = {
        "assignment.due": {"due": "30 days", "briefing": "dot-1", "course": "nq-48", "unit": str(unit.public_id)},
        "roster.apply": {"counts": {"new": 3, "unchanged": 40}},
        "person.change": {"fields": ["full_name", "muted"]},
        "person.list": {"purpose": "print"},
        "report.freeze": {"form": "01"},
        "role.grant": {"changes": {"role": [None, "unit_administrator"], "unit": [None, str(unit.public_id)]}},
    }
    with make.writing() as session:
        course = Course(code="nq-48", iri="https://quan-triet.example/nq-48", created_at=clock.now())
        briefing = Briefing(code="dot-1", course=course, plain=False, title="Đợt học tập quý I", opened_at=clock.now())
        session.add(briefing)
        session.flush()  # its opaque id is asked for
        for act, details in told.items():
            note(session, act, actor=None, object_kind="briefing", object_id=briefing.public_id, **details)
        note(session, "announcement.write", actor=None, object_kind="announcement", object_id="-", unit="dot-1")
    administrator.get("/audit")
    for words in (
        "trong 30 ngày",
        "đợt học tập, quán triệt: Đợt học tập quý I",
        "đơn vị: Sở Y tế",
        "số dòng: người mới: 3, không đổi: 40",
        "họ tên, loại thông báo nhận",
        "In danh sách",
        "biểu: 01",
        "quản trị viên đơn vị",
        "thông báo cho đơn vị",
        "đơn vị: dot-1",  # a code is a name only where it stands for one
    ):
        assert words in administrator.text, words
    assert not re.search("unit_administrator|full_name|30 days|unchanged|>dot-1<", administrator.text)
    assert entries(make, "assignment.due")[-1].details == told["assignment.due"]


def test_assignments_sittings_and_certificates_are_told_by_what_they_are_called(
    make: Make, administrator: Browser
) -> None:
    unit, person, code = make.unit("Sở Y tế"), make.person("Ma Thị Páo"), "QT-0000-CANARY"
    begins = datetime(2026, 3, 31, 20, tzinfo=UTC)  # the next day in Vietnam
    with make.writing() as session:
        course = Course(code="nq-48", iri="https://quan-triet.example/nq-48", created_at=clock.now())
        briefing = Briefing(code="dot-1", course=course, plain=False, title="Đợt quý I", opened_at=clock.now())
        session.add(briefing)
        session.flush()  # its id is asked for
        given = {"briefing_id": briefing.id, "course_id": course.id, "assigned_at": clock.now(), "due_days": 30}
        made = {"briefing_id": briefing.id, "code": "hoi-nghi-1", "ends_at": begins + timedelta(hours=2)}
        about = {"briefing_id": briefing.id, "person_id": person.id, "documents": [], "policy_number": 1}
        days = {"completed_on": date(2026, 4, 2), "issued_on": date(2026, 4, 3)}
        words = {"unit_name": "Sở Y tế", "issuer": "Tỉnh ủy", "signature": b"", "reason": "", "remark": ""}
        things: dict[str, Assignment | BriefingSession | Certificate] = {
            "assignment": Assignment(public_id=uuid.uuid4(), unit_id=unit.id, **given),
            "briefing_session": BriefingSession(public_id=uuid.uuid4(), title="Hội nghị", starts_at=begins, **made),
            "certificate": Certificate(
                public_id=uuid.uuid4(), number=code, subject="Nghị quyết 48", **about, **days, **words
            ),
        }
        session.add_all(things.values())
        for kind, one in things.items():
            note(session, "course.assign", actor=None, object_kind=kind, object_id=one.public_id)
    administrator.get("/audit")
    page = administrator.text
    for told in (
        "lượt giao khóa học", ">Đợt quý I, Sở Y tế<",
        "buổi hội nghị, lớp học bù", ">Hội nghị, 01/04/2026<",
        "giấy chứng nhận", ">Nghị quyết 48, Ma Thị Páo, 03/04/2026<",
    ):  # fmt: skip
        assert told in page, told
    assert code not in page, "whoever has the number can ask about the paper"
    for one in things.values():
        assert f">{one.public_id}<" not in page


def test_changes_lists_rolls_tokens_and_attempts_are_told_by_what_they_are_with_no_name_of_a_person(
    make: Make, administrator: Browser, tmp_path: Path
) -> None:
    load_small_course(make, tmp_path)
    root, by = make.unit("Tỉnh (mẫu)"), uuid.uuid4()
    units = [make.unit(f"Xã {name}", under=root) for name in "ABC"]
    learner = make.person("Ma Thị Páo", unit=units[0])
    give(make, root)
    with make.writing() as session:
        list(load_questions(session, tmp_path))
        unit = session.get_one(Unit, root.id)
        receive(session, unit, taken_apart("Họ và tên;Chức vụ\nMa Thị Páo;Y sĩ\n".encode()), file_name="Páo.csv", by=by)
        freeze_roll(session, session.scalars(sa.select(Briefing)).one(), reason="", by=by)
        make_token(session, name="Trục tích hợp", scopes=["figures"], unit=None, expires_on=clock.today(), by=by)
        who = Absent(learner.id, learner.public_id)
        sitting = access_test(session, who, "demo", "m1-test", to_change=True)
        tried = start_attempt(session, who, sitting).public_id
        note(session, "attempt.late", actor=learner.public_id, object_kind="attempt", object_id=tried, answers=3)
        first, second, into = (session.get_one(Unit, one.id) for one in units)
        merge_units(session, [first, second], into, on=date(2025, 7, 1))
    administrator.get("/audit")
    page = html.unescape(administrator.text)
    assert ">Sáp nhập: Xã A, Xã B → Xã C, 01/07/2025<" in page
    assert ">Thành lập: Tỉnh (mẫu), 01/01/2020<" in page
    assert ">Kiểm tra: Chuyên đề 1, 1<" in page
    assert ">Trục tích hợp<" in page
    assert re.search(r">Khóa học nhỏ, \d\d:\d\d, \d\d/\d\d/\d{4}<", page)
    assert re.search(r"danh sách cán bộ: Tỉnh \(mẫu\), \d\d:\d\d, \d\d/\d\d/\d{4}", page)
    assert "Páo.csv" not in page, "a file may be named after a person"
    numbers = []
    for more in (0, 20):
        for _ in range(more):
            make.unit("Phòng", under=root)
        with count_queries(make.app) as counted:
            administrator.get("/audit?action=unit.create")
        numbers.append(len(counted))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_what_an_entry_is_not_about_is_not_asked_for(make: Make, administrator: Browser) -> None:
    with make.writing() as session:
        note(session, "sign_in", actor=uuid.uuid4(), object_kind="person", object_id=uuid.uuid4())
    with count_queries(make.app) as counted:
        administrator.get("/audit")
    assert [one for one in counted.statements if "FROM certificate" in one or "FROM briefing_session" in one] == []


def test_somebody_is_looked_for_by_user_name_or_words_of_the_name_and_no_name_enters_the_address(
    make: Make, administrator: Browser
) -> None:
    hoa, other = make.person("Lý A Hoà", username="hoala"), make.person("Ma Thị Páo", username="pao")
    with make.writing() as session:
        for actor, about in ((hoa, other), (other, hoa)):
            note(session, "person.read", actor=actor.public_id, object_kind="person", object_id=about.public_id)
    cases = {
        "who": [("hoala", hoa), ("ly hoa", hoa), ("Páo", other), (str(other.public_id), other)],
        "whom": [("HOALA", hoa), ("lý hoà", hoa), (str(hoa.public_id), hoa)],
    }
    for field, typed in cases.items():
        for words, person in typed:
            administrator.get("/audit?action=person.read")
            given: dict[str, Any] = {field: words}
            administrator.submit("Lọc", **given)
            did = f"actor={person.public_id}&action=person.read"
            concerned = f"action=person.read&object={person.public_id}"
            assert administrator.path == f"/audit?{did if field == 'who' else concerned}"
            assert f"<strong>{person.full_name}</strong>" in administrator.text, "whom one looks for is said by name"
            assert administrator.text.count('<td data-label="Lúc">') == 1, words
    administrator.submit("Lọc", thing="dot-1", who="pao")
    assert administrator.path == f"/audit?actor={other.public_id}&action=person.read&object=dot-1"
    administrator.submit("Lọc")
    assert administrator.path == f"/audit?actor={other.public_id}&action=person.read&object=dot-1", (
        "what was asked stays"
    )


def test_of_several_who_fit_one_is_chosen_and_what_was_typed_stays(make: Make, administrator: Browser) -> None:
    unit = make.unit("Sở Y tế")
    exact, namesake = make.person("Ma Thị Páo", username="hoa"), make.person("Lý A Hoa", username="lya", unit=unit)
    administrator.get("/audit")
    answer = administrator.submit("Lọc", who="hoa", since="1/2/2026", whom="nguoi khong co")
    assert answer.status_code == 422
    assert administrator.path == "/audit"
    for words in ("Có nhiều người khớp với “hoa”. Chọn một người.", "Không có ai khớp.", "Lý A Hoa (lya), Sở Y tế"):
        assert words in administrator.text, words
    assert administrator.text.index("Ma Thị Páo (hoa)") < administrator.text.index("Lý A Hoa (lya)"), "the user name"
    for value in ("hoa", "01/02/2026", "nguoi khong co"):
        assert f'value="{value}"' in administrator.text
    assert entries(make, "audit.people")[-1].details == {"rows": 2}
    administrator.submit("Lọc", who_is=str(namesake.public_id), whom="")
    assert administrator.path == f"/audit?actor={namesake.public_id}&since=2026-02-01"
    administrator.get("/audit")
    administrator.submit("Lọc", who="hoa")
    administrator.submit("Lọc", who_is=str(uuid.uuid4()))
    assert "Chọn một người." in administrator.text, "whoever was not offered is not taken"
    administrator.submit("Lọc", who_is=str(exact.public_id))
    assert administrator.path == f"/audit?actor={exact.public_id}"


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_name_where_a_code_belongs_is_refused_and_stays_out_of_the_address(administrator: Browser) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"thing": "Lý A Hoa"}, "Ô này nhận mã, không nhận họ tên."),
        ({"thing": "dot-1", "whom": "pao"}, "Chỉ điền một trong hai"),
    ]
    for typed, said in refused:
        administrator.get("/audit")
        assert administrator.submit("Lọc", **typed).status_code == 422
        assert said in administrator.text
        assert administrator.path == "/audit"
        assert f'value="{typed["thing"]}"' in administrator.text


def test_codes_that_mean_something_else_elsewhere_have_words_for_every_one() -> None:
    own = {"email", "phone", "language", "muted", "plan", "note"}
    known = {"kind": roster.KINDS, "kinds": (REMINDER, DIGEST, ABOVE), "fields": own, "due": ["never"]}
    assert {field: set(codes) - set(WORDS_OF[field]) for field, codes in known.items()} == {key: set() for key in known}
    assert known.keys() == WORDS_OF.keys()


def test_the_log_is_filtered_by_who_what_whom_and_days(make: Make, administrator: Browser) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    aged(make, 3)
    with make.writing() as session:
        for actor, action, thing in ((one, "sign_in", "a"), (other, "sign_in", "b"), (one, "unit.create", "c")):
            note(session, action, actor=actor, object_kind="unit", object_id=thing * 9)
    day = (clock.today() - timedelta(days=3)).isoformat()
    cases = {
        f"actor={one}": {"a", "c"},
        f"actor={one}&action=sign_in": {"a"},
        f"object={'b' * 9}": {"b"},
        f"since={day}&until={day}": {"3 days"},
    }
    for query, expected in cases.items():
        administrator.get(f"/audit?{query}")
        seen = {name for name in ("a", "b", "c") if name * 9 in administrator.text}
        assert seen | ({"3 days"} if "3 days" in administrator.text else set()) == expected, query
    assert administrator.get("/audit?actor=nobody").status_code == 200
    assert "Sửa điều kiện lọc ở trên" in administrator.text


def test_pages_continue_after_an_entry_and_cost_as_many_queries_for_a_few_as_for_many(
    make: Make, administrator: Browser
) -> None:
    people = [make.person(f"Người {n}") for n in range(3)]
    objects: list[tuple[object, dict[str, Any]]] = [(people[n % 3].public_id, {}) for n in range(120)]
    with make.writing() as session:
        note_each(session, "person.change", actor=people[0].public_id, object_kind="person", objects=objects[:3])
    administrator.get("/profile")  # what is looked up once a day, or once in ten seconds
    with count_queries(make.app) as few:
        administrator.get("/audit?action=person.change")
    with make.writing() as session:
        note_each(session, "person.change", actor=people[0].public_id, object_kind="person", objects=objects[3:])
    with count_queries(make.app) as many:
        administrator.get("/audit?action=person.change")
    assert len(few.statements) == len(many.statements)
    pages = [
        administrator.text.count("sửa thông tin cán bộ") - 2
    ]  # once in the list of the filter, once as it is asked
    while 'rel="next"' in administrator.text:
        [older] = re.findall(r'rel="next" href="([^"]+)"', administrator.text)
        administrator.get(html.unescape(older))
        pages.append(administrator.text.count("sửa thông tin cán bộ") - 2)
    assert pages == [50, 50, 20]


def test_the_file_has_what_was_filtered_on_one_line_each_without_formulas_and_is_itself_noted(
    make: Make, administrator: Browser
) -> None:
    with make.writing() as session:
        note(session, "unit.create", actor=None, object_kind="unit", object_id="=1+1", code=LINE_ENDS)
        note(session, "sign_in", actor=None, object_kind="unit", object_id="other")
    answer = administrator.get("/audit/export.csv?action=unit.create")
    text = answer.get_data(as_text=True).removeprefix("\ufeff")
    assert len(text.splitlines()) == 2
    [row] = list(csv.reader(text.splitlines()))[1:]
    assert row[4] == "thành lập đơn vị"
    assert row[7] == "'=1+1"
    assert "a b c d e" in row[9]
    assert entries(make, "audit.export")[-1].details == {"conditions": {"action": "unit.create"}}


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_file_by_conditions_that_are_none_leads_to_the_page_that_says_so(administrator: Browser) -> None:
    answer = administrator.get("/audit/export.csv?actor=khong-phai-ma&before=5&endpoint=x")
    assert answer.status_code == 200
    assert administrator.path == "/audit?actor=khong-phai-ma"
    assert "Địa chỉ trang nhận mã trong nhật ký, không nhận họ tên" in answer.text


def test_entries_older_than_twelve_months_go_at_night_and_the_log_says_so(make: Make) -> None:
    aged(make, 500, 380, 360, 100)
    with make.writing() as session:
        forget_entries(session, clock.now())
    assert ages(make) == {"360 days", "100 days"}
    assert entries(make, "audit.forget")[-1].details["entries"] == 2
    with make.writing() as session:
        forget_entries(session, clock.now())
    assert len(entries(make, "audit.forget")) == 1


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM audit_entry WHERE object_id = '100 days'",
        "DELETE FROM audit_entry",
        "UPDATE audit_entry SET address = 'x' WHERE object_id = '500 days'",
        "UPDATE audit_retention SET kept_from = CURRENT_TIMESTAMP",
        "INSERT INTO audit_retention (id, kept_from) VALUES (2, '2020-01-01')",
    ],
)
def test_past_that_door_the_database_lets_nothing_go(make: Make, attack: str) -> None:
    aged(make, 500)
    with make.writing() as session:
        forget_entries(session, clock.now())
    aged(make, 500, 100)
    with suppress(DatabaseError), make.database.write_engine.begin() as connection:
        connection.execute(sa.text(attack))
        pytest.fail("the database let it happen")
    assert ages(make) == {"500 days", "100 days"}


def test_no_moment_of_the_last_ninety_days_is_taken_as_the_end_of_what_is_kept(make: Make) -> None:
    with suppress(DatabaseError), make.database.write_engine.begin() as connection:
        moment = (clock.now() - timedelta(days=89)).strftime("%Y-%m-%d %H:%M:%S")
        connection.execute(sa.text(f"INSERT INTO audit_retention (id, kept_from) VALUES (1, '{moment}')"))  # noqa: S608
        pytest.fail("the database let it happen")


@pytest.fixture
def lines_to(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """The product with lines of JSON switched on, and the file they go to."""
    place, database = tmp_path / "audit.jsonl", app.extensions["database"]
    config = dataclasses.replace(database.config, audit_lines=str(place))
    for sessions in (database.write_sessions, database.read_sessions):
        sessions.configure(info={**sessions.kw["info"], "config": config})
    yield place
    delivery.WRITERS.clear()


def read_lines(place: Path) -> list[dict[str, Any]]:
    delivery.writer_to(str(place)).written()
    return [json.loads(line) for line in place.read_text("ascii").splitlines()] if place.exists() else []


def test_entries_go_out_as_lines_of_json_once_they_are_committed_and_only_then(make: Make, lines_to: Path) -> None:
    with make.writing() as session:
        note(session, "unit.create", actor=None, object_kind="unit", object_id="1", code=LINE_ENDS)
        with suppress(RuntimeError), session.begin_nested():
            note(session, "sign_in", actor=None, object_kind="unit", object_id="taken back")
            raise RuntimeError
        assert read_lines(lines_to) == []
    with suppress(RuntimeError), make.writing() as session:
        note(session, "sign_in", actor=None, object_kind="unit", object_id="rolled back")
        session.flush()
        raise RuntimeError
    with make.writing() as session:
        note_each(session, "sign_in", actor=None, object_kind="unit", objects=[("2", {}), ("3", {})])
    found = read_lines(lines_to)
    assert [one["object"]["id"] for one in found] == ["1", "2", "3"]
    assert found[0]["details"]["code"] == LINE_ENDS
    numbers = [entry.id for action in ("unit.create", "sign_in") for entry in entries(make, action)]
    assert [one["id"] for one in found] == numbers


def test_a_file_that_cannot_be_written_hinders_nobody_and_is_told_once(
    make: Make, lines_to: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines_to.mkdir()
    for name in ("1", "2"):
        with make.writing() as session:
            note(session, "sign_in", actor=None, object_kind="unit", object_id=name)
    delivery.writer_to(str(lines_to)).written()
    assert [one.object_id for one in entries(make, "sign_in")] == ["1", "2"]
    assert len([one for one in caplog.records if "not written" in one.getMessage()]) == 1
    lines_to.rmdir()
    with make.writing() as session:
        note(session, "sign_in", actor=None, object_kind="unit", object_id="3")
    assert [one["object"]["id"] for one in read_lines(lines_to)] == ["3"]
    assert "are missing" in caplog.records[-1].getMessage()


def test_what_was_missed_is_written_out_by_a_command(make: Make) -> None:
    from click.testing import CliRunner

    from lms.audit.cli import audit

    with make.writing() as session:
        for name in ("1", "2"):
            note(session, "sign_in", actor=None, object_kind="unit", object_id=name)
    first = entries(make, "sign_in")[0].id
    told = CliRunner().invoke(audit, ["--after", str(first)], obj=lambda: make.database)
    assert [json.loads(line)["object"]["id"] for line in told.output.splitlines()] == ["2"]


def entry_of(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "at": clock.now(),
        "action": "sign_in",
        "actor": None,
        "object_kind": "unit",
        "object_id": "x",
        "address": LINE_ENDS,
        "details": {},
    }


def test_an_entry_is_one_line_whatever_ends_of_lines_it_holds() -> None:
    assert len(as_line(entry_of(1)).splitlines()) == 1


def test_syslog_gets_the_same_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        delivery.send(f"syslog:{tmp_path / 'log'}", as_line(entry_of(7)))
        message = log.recv(10_000).decode()
    assert message.startswith("<86>quan-triet: {")
    assert json.loads(message.partition(": ")[2])["id"] == 7


def test_a_full_queue_leaves_out_and_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MOST_WAITING", 1)
    writer = delivery.Writer("/nowhere/at/all")
    monkeypatch.setattr(threading.Thread, "start", lambda _self: None)
    for number in (1, 2, 3):
        writer.take(entry_of(number))
    assert writer._missing == [2, 3]
