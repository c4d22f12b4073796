"""One's own data: seen, taken along, put right, and erased so that nobody finds the name again."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from analytics.facts.models import Tally
from courses.briefings.models import Standing
from lms import clock
from lms.accounts.actions import create_person, grant_role, issue_link
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount
from lms.accounts.rules import Grant
from lms.accounts.session import SignedIn
from lms.audit.actions import note
from lms.audit.models import AuditEntry
from lms.authentication.models import ExternalIdentity, Passkey
from lms.cli import check_projections
from lms.db import Base
from lms.documents.models import UNREGISTERED, XapiDocument
from lms.duplicates.actions import link_people
from lms.organisation.actions import create_unit, move_unit
from lms.organisation.models import PARTY_TREE, Unit
from lms.outbox.rules import STUDY, UNIT_NEWS
from lms.privacy.access import ANSWER, READ, access_request
from lms.privacy.actions import ERASED_NAME, GOES_WITH_THE_PERSON, ask
from lms.privacy.models import PrivacyRequest
from lms.privacy.queries import disclosures, statements_count
from lms.privacy.rules import due_day, is_word
from lms.roster.actions import choose, receive, rehearse, taken_apart
from lms.roster.models import DateOfBirth, RosterLine, RosterUpload, StaffCode
from lms.roster.rules import Settings
from lms.roster.storage import says
from lms.text import fold
from lms.web.acting import NotFound
from lms.xapi.models import XapiAgent, XapiBody, XapiStatement
from tests.browser import Browser
from tests.counting import count_queries
from tests.floor.keys import give_keys
from tests.floor.walk import send
from tests.floor.world import World, build_world
from tests.kept import kept
from tests.make import LONG_AGO, Make

PHONE = "0912 canary"
NAME, EMAIL, CODE, USERNAME = "Hoàng Thị Canary", "canary.thi@example.vn", "CANARY-7731", "canary.ht"
CANARIES = ("canary", "Canary", "CANARY")


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-23", "2026-11-25"),  # Monday
        ("2026-11-26", "2026-11-30"),  # Thursday: over the week-end
        ("2026-11-27", "2026-12-01"),
        ("2026-11-28", "2026-12-01"),
    ],
)
def test_a_request_is_due_in_two_working_days(asked: str, due: str) -> None:
    assert due_day(date.fromisoformat(asked)) == date.fromisoformat(due)


@pytest.mark.parametrize(("typed", "right"), [("XÓA", True), ("xoá", True), ("xoa", True), ("", False), ("có", False)])
def test_the_word_that_erases_is_taken_with_and_without_marks(typed: str, right: bool) -> None:
    assert is_word(typed) is right


@pytest.fixture
def built(make: Make, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[World, Person | None]:
    return kept(make, tmp_path, world_with_canary if "canary" in request.fixturenames else world_alone)


@pytest.fixture
def world(built: tuple[World, Person | None]) -> World:
    return built[0]


@pytest.fixture
def canary(built: tuple[World, Person | None]) -> Person:
    """Somebody with everything that may be kept about a person, who has studied."""
    assert built[1] is not None
    return built[1]


def world_alone(make: Make, folder: Path) -> tuple[World, None]:
    return build_world(make, folder), None


def world_with_canary(make: Make, folder: Path) -> tuple[World, Person]:
    world = build_world(make, folder)
    return world, canary_of(make, world)


def canary_of(make: Make, world: World) -> Person:
    person = make.person(NAME, unit=world.inside, username=USERNAME, password="Mot hai ba bon 5 sau")
    learner = make.browser(person)
    learner.get(f"/courses/{world.course}")
    learner.submit("/start")
    learner.get(f"/courses/{world.course}/lessons/m1-1")
    learner.submit("/finish")
    rows = f"Họ và tên;Ngày sinh;Số hiệu\n{NAME};1980;{CODE}\n"
    with make.writing() as session:
        mine = session.get_one(Person, person.id)
        mine.email, mine.phone, mine.position = EMAIL, PHONE, "Trưởng phòng Canary"
        session.execute(update(Membership).where(Membership.person_id == mine.id).values(position=mine.position))
        give_keys(session, mine)
        session.scalars(select(Passkey).where(Passkey.person_id == person.id)).first().name = "Máy của Canary"  # type: ignore[union-attr]
        issue_link(session, mine)
        grant_role(session, mine, "trainer", unit=None, since=clock.today())
        session.add(DateOfBirth(person_id=person.id, year=1980, day=date(1980, 2, 3)))
        unit = session.get_one(Unit, world.inside.id)
        code = StaffCode(
            person_id=person.id, unit_id=unit.id, code=CODE, code_key=CODE.lower(), valid_from=clock.today()
        )
        session.add(code)
        issuer = {"issuer": "https://id.example.vn", "subject": "canary-subject", "created_at": clock.now()}
        session.add(ExternalIdentity(person_id=person.id, **issuer))
        upload = receive(
            session, unit, taken_apart(rows.encode()), file_name=f"{NAME}.csv", by=world.people["trainer"].public_id
        )
        rehearse(session, upload)
        agent = session.scalars(select(XapiStatement.actor_id).order_by(XapiStatement.sequence.desc()).limit(1)).one()
        session.add(
            XapiDocument(
                kind="agent",
                activity_id=0,
                agent_id=agent,
                registration=UNREGISTERED,
                document_id="profile",
                content_type="text/plain",
                etag="x",
                updated_at=clock.now(),
                contents=NAME.encode(),
            )
        )
    return person


def sent(browser: Browser, kind: str, reason: str = "Tôi là Canary.") -> None:
    browser.get("/my-data/ask")
    browser.submit("Gửi đề nghị", kind=kind, reason=reason)


def request_of(make: Make, person: Person) -> PrivacyRequest:
    with make.reading() as session:
        query = select(PrivacyRequest).where(PrivacyRequest.person_id == person.id).order_by(PrivacyRequest.id.desc())
        return session.scalars(query.limit(1)).one()


def erased(make: Make, world: World, person: Person, word: str = "XÓA") -> Browser:
    with make.writing() as session:
        ask(session, person.id, person.public_id, kind="erasure", reason="Tôi là Canary.")
    administrator = world.browser("administrator")
    administrator.get(f"/privacy-requests/{request_of(make, person).public_id}/erase")
    administrator.submit("Xóa hẳn", word=word)
    return administrator


def noted(make: Make, action: str) -> list[AuditEntry]:
    with make.reading() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


# Seeing and taking along


def test_everybody_sees_what_is_kept_about_them_and_nothing_about_others(
    make: Make, world: World, canary: Person
) -> None:
    browser = make.browser(canary)
    browser.get("/my-data")
    for words in (
        NAME,
        EMAIL,
        CODE,
        USERNAME,
        "Sở Y tế",
        "Giảng viên",
        "Máy của Canary",
        "1980",
        "Kho (mẫu)",
        "Bài 1.1",
    ):
        assert words in browser.text, words
    codes = ("m1-1", "Mozilla/", ">demo<")
    assert not any(code in browser.text for code in codes), "codes are for programs, which have the file"
    other = world.browser("learner")
    other.get("/my-data")
    assert not any(one in other.text for one in CANARIES)


def test_what_is_taken_along_is_the_same_for_people_and_programs_with_every_statement_of_mine(
    make: Make, canary: Person
) -> None:
    answer = make.browser(canary).get("/my-data/download.zip")
    files = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    page, data = files.read("du-lieu-cua-toi.html").decode(), json.loads(files.read("du-lieu-cua-toi.json"))
    [identity] = data["identity"]
    assert (identity["full_name"], identity["email"], identity["public_id"]) == (NAME, EMAIL, str(canary.public_id))
    assert data["staff_codes"][0]["code"] == CODE
    assert data["date_of_birth"][0] == {"year": 1980, "day": "1980-02-03"}
    assert data["courses"][0]["title"]
    assert {"attempts", "results", "memberships", "roles", "sessions", "forwarded_to"} <= set(data)
    assert NAME in page
    assert EMAIL in page
    lines = files.read("nhat-ky-hoc-tap.jsonl").decode().splitlines()
    with make.reading() as session:
        assert len(lines) == statements_count(session, session.get_one(Person, canary.id)) >= 2
    assert {json.loads(line)["actor"]["account"]["name"] for line in lines} == {str(canary.public_id)}
    assert noted(make, "privacy.download")[-1].actor == canary.public_id


def test_no_secret_is_among_what_is_taken_along(make: Make, canary: Person) -> None:
    answer = make.browser(canary).get("/my-data/download.zip")
    data = zipfile.ZipFile(io.BytesIO(answer.get_data())).read("du-lieu-cua-toi.json").decode()
    with make.reading() as session:
        stored = session.get_one(SignInAccount, canary.id).password_hash
    assert stored is not None
    assert stored not in data
    assert not re.search(r"argon2|secret|digest|hash", data)


def test_whoever_saw_my_name_is_told_to_me_with_office_scope_and_purpose(make: Make, world: World) -> None:
    me, other = world.people["learner"], world.people["head_outside"]
    now = clock.now()
    with make.writing() as session:
        for action, kind, thing, details in (
            ("names.read", "unit", world.root.public_id, {"purpose": "check"}),
            ("roster.export", "unit", world.outside.public_id, {}),
            ("person.read", "person", me.public_id, {}),
            ("person.read", "person", other.public_id, {}),
            ("unit.create", "unit", world.inside.public_id, {}),
        ):
            session.add(
                AuditEntry(
                    at=now,
                    actor=other.public_id,
                    action=action,
                    object_kind=kind,
                    object_id=str(thing),
                    details=details,
                    address="",
                )
            )
    browser = make.browser(me)
    browser.get("/my-data/seen")
    assert browser.text.count("Trưởng Ngoài") == 2
    for words in ("Sở Nội vụ", "Tỉnh (mẫu)", "Kiểm tra, đối chiếu số liệu", "xem họ tên người học của đơn vị"):
        assert words in browser.text
    assert "Riêng đồng chí" in browser.text
    assert "xuất danh sách cán bộ thành tệp" not in browser.text  # of a unit that was never mine
    assert "thành lập đơn vị" not in browser.text  # no name was seen


def test_a_list_of_ones_own_units_is_not_told_to_people_of_others_nor_one_of_a_unit_mine_has_left(make: Make) -> None:
    root = make.unit("Tỉnh")
    mine, other = make.unit("Xã A", under=root), make.unit("Xã B", under=root)
    office = make.unit("Phòng", under=mine)
    me, stranger = make.person("Tôi", unit=office), make.person("Người Khác", unit=other)
    by = make.person("Người Xem", unit=mine, role="unit_administrator", over=mine)
    looking = make.browser(by)
    looking.get("/people")
    looking.get("/people/duplicates")
    with make.reading() as session:
        seen = [disclosures(session, session.merge(own), before=None)[0] for own in (me, stranger)]
        told = [{one.entry.id for one in found} for found in seen]
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.list")).all()
        assert {one.object_id for one in entries} == {str(mine.public_id)}
        assert told == [{one.id for one in entries}, set()]
    with make.writing() as session:
        move_unit(session, session.get_one(Unit, office.id), session.get_one(Unit, other.id), on=clock.today())
    looking.get("/people")
    with make.reading() as session:
        assert disclosures(session, session.merge(me), before=None)[0] == []  # mine stood there until today only


def test_a_list_of_a_unit_is_told_to_everybody_below_however_deep_they_stand_and_in_whichever_tree(make: Make) -> None:
    chain = [make.unit("Tỉnh")]
    for number in range(4):
        chain.append(make.unit(f"Cấp {number}", under=chain[-1]))
    people = [make.person(unit=unit) for unit in chain]
    with make.writing() as session:
        what: dict[str, Any] = {"kind": "party_body", "since": LONG_AGO, "tree": PARTY_TREE}
        cell = create_unit(session, code="cb", name="Chi bộ", parent=None, **what)
        session.flush()  # its id is wanted
        whose: dict[str, Any] = {
            "username": "pao",
            "party": "chinh_thuc",
            "unit": cell,
            "since": LONG_AGO,
            "tree": PARTY_TREE,
        }
        member = create_person(session, full_name="Ma Thị Páo", **whose)
        session.flush()
        looked: dict[str, Any] = {"actor": uuid4(), "object_kind": "unit"}
        note(session, "person.list", object_id=chain[0].public_id, count=1, **looked)
        note(session, "person.list", object_id=cell.public_id, count=1, tree=PARTY_TREE, **looked)
    with make.reading() as session:
        for own in (*people, member):
            [found] = disclosures(session, session.merge(own), before=None)[0]
            assert found.entry.object_id == str((cell if own is member else chain[0]).public_id)


def test_a_list_of_a_unit_counts_only_for_the_days_on_which_i_belonged_there(make: Make) -> None:
    now = datetime(2026, 3, 10, 3, tzinfo=UTC)
    old, new = make.unit("Đơn vị cũ"), make.unit("Đơn vị mới")
    me, by = make.person("Tôi", unit=old), make.person("Người Xem")
    with make.writing() as session:
        last = session.scalars(select(Membership).where(Membership.person_id == me.id)).one()
        last.valid_to = date(2026, 3, 10)
        session.get_one(Person, me.id).created_at = datetime(2020, 1, 1, tzinfo=UTC)
        session.add(
            Membership(person_id=me.id, unit_id=new.id, tree="state", kind="main", valid_from=date(2026, 3, 10))
        )
        for unit in (old, new):
            for at in (now - timedelta(days=1), now):
                details = {"purpose": "check" if at == now else "report"}
                session.add(
                    AuditEntry(
                        at=at,
                        actor=by.public_id,
                        action="names.read",
                        object_kind="unit",
                        object_id=str(unit.public_id),
                        details=details,
                        address="",
                    )
                )
    browser = make.browser(me)
    browser.get("/my-data/seen")
    main = browser.text.partition("<tbody>")[2].partition("</tbody>")[0]
    assert main.count("<tr>") == 2
    assert main.index("Đơn vị mới") < main.index("Kiểm tra") < main.index("Đơn vị cũ") < main.index("Báo cáo theo")


def test_the_page_of_those_who_saw_costs_as_many_queries_for_one_as_for_fifty(make: Make, world: World) -> None:
    me, by = world.people["learner"], world.people["trainer"]

    def read(times: int) -> None:
        entry = {"action": "person.read", "object_kind": "person", "object_id": str(me.public_id), "details": {}}
        with make.writing() as session:
            session.add_all(AuditEntry(at=clock.now(), actor=by.public_id, address="", **entry) for _ in range(times))

    read(1)
    browser = make.browser(me)
    browser.get("/my-data/seen")
    with count_queries(make.app) as few:
        browser.get("/my-data/seen")
    read(60)
    with count_queries(make.app) as many:
        browser.get("/my-data/seen")
    assert len(few) == len(many)
    assert 'rel="next"' in browser.text


# Asking and being answered


def test_a_correction_is_asked_for_taken_on_made_and_read(make: Make, world: World, canary: Person) -> None:
    mine, administrator = make.browser(canary), world.browser("administrator")
    sent(mine, "correction", "Tên đệm là Thu.")
    assert "Mới gửi" in mine.text
    administrator.get("/privacy-requests")
    assert NAME in administrator.text
    administrator.get(f"/privacy-requests/{request_of(make, canary).public_id}")
    administrator.submit("/take")
    mine.get("/my-data")
    assert "Đang xử lý" in mine.text
    administrator.get(f"/privacy-requests/{request_of(make, canary).public_id}/correct")
    spelled = EMAIL.upper()  # an address is kept as it is looked for, however it is typed
    administrator.submit("Lưu và trả lời", full_name="Hoàng Thu Canary", email=spelled, answer="Đã sửa tên đệm.")
    mine.get("/my-data")
    for words in ("Hoàng Thu Canary", "Đã trả lời: đã đính chính", "Đã sửa tên đệm."):
        assert words in mine.text
    assert noted(make, "person.change")[-1].details == {"fields": ["full_name"]}
    assert noted(make, "privacy.answer")[-1].details["changes"]["state"] == ["in_work", "answered"]


def test_a_refusal_needs_a_reason_and_what_was_typed_stays(make: Make, world: World, canary: Person) -> None:
    sent(make.browser(canary), "erasure")
    administrator = world.browser("administrator")
    administrator.get(f"/privacy-requests/{request_of(make, canary).public_id}/refuse")
    assert administrator.submit("Gửi trả lời", answer="").status_code == 422
    assert request_of(make, canary).state == "new"
    administrator.submit("Gửi trả lời", answer="Hồ sơ phải giữ theo luật.")
    assert (request_of(make, canary).outcome, request_of(make, canary).answer) == (
        "refused",
        "Hồ sơ phải giữ theo luật.",
    )


def test_the_same_is_not_asked_twice_while_it_waits(make: Make, canary: Person) -> None:
    browser = make.browser(canary)
    sent(browser, "correction")
    sent(browser, "correction", "Lần nữa.")
    assert "chưa được trả lời" in browser.text
    assert "Lần nữa." in browser.text
    assert len(noted(make, "privacy.ask")) == 1


def test_what_is_answered_is_answered_once(make: Make, world: World, canary: Person) -> None:
    sent(make.browser(canary), "correction")
    path = f"/privacy-requests/{request_of(make, canary).public_id}/refuse"
    one, other = world.browser("administrator"), world.browser("administrator")
    one.get(path)
    other.get(path)
    one.submit("Gửi trả lời", answer="Lần một.")
    assert other.submit("Gửi trả lời", answer="Lần hai.").status_code == 404
    assert request_of(make, canary).answer == "Lần một."


def test_nobody_answers_their_own_request(make: Make, world: World) -> None:
    administrator = world.people["administrator"]
    with make.writing() as session:
        ask(session, administrator.id, administrator.public_id, kind="erasure", reason="Xóa tôi.")
    browser = world.browser("administrator")
    browser.get(f"/privacy-requests/{request_of(make, administrator).public_id}/erase")
    assert "chỉ do quản trị viên khác trả lời" in browser.text
    assert "Xóa hẳn" not in browser.text


def test_an_auditor_reads_requests_with_a_note_in_the_log_and_answers_none(
    make: Make, world: World, canary: Person
) -> None:
    sent(make.browser(canary), "correction", "Tên đệm là Thu.")
    path = f"/privacy-requests/{request_of(make, canary).public_id}"
    by = make.person("Kiểm Tra", unit=world.outside, role="auditor")
    auditor = make.browser(by)
    assert NAME in auditor.get("/privacy-requests").text
    page = auditor.get(path).text
    assert "Tên đệm là Thu." in page
    assert [rest for rest in ("take", "correct", "refuse") if f"{path}/{rest}" in page] == []
    assert [send(auditor, f"{path}/{rest}", {"answer": "Không."}) for rest in ("take", "correct", "refuse")] == [
        404
    ] * 3
    assert [auditor.get(f"{path}/{rest}").status_code for rest in ("correct", "refuse")] == [404] * 2
    assert request_of(make, canary).state == "new"
    assert [noted(make, act)[-1].actor for act in ("privacy.list", "privacy.read")] == [by.public_id] * 2
    assert f"{path}/take" in world.browser("administrator").get(path).text
    keeper = make.browser(make.person(unit=world.inside, role="unit_administrator", over=world.inside))
    assert [keeper.get(one).status_code for one in ("/privacy-requests", path)] == [404] * 2


def test_a_request_is_found_under_the_permission_asked_for_and_no_other(make: Make) -> None:
    person = make.person()
    with make.writing() as session:
        ask(session, person.id, person.public_id, kind="erasure", reason="")
    asked, auditor = request_of(make, person).public_id, signed_in_as("auditor")
    with make.reading() as session:
        assert access_request(session, auditor, asked, READ).person_id == person.id
        for actor, permission in ((auditor, ANSWER), (signed_in_as("trainer"), READ)):
            with pytest.raises(NotFound):
                access_request(session, actor, asked, permission)


def signed_in_as(role: str) -> SignedIn:
    return SignedIn("", 0, 0, uuid4(), "", "vi", clock.now(), "", (Grant(role, None),))


def test_whoever_answers_requests_and_audits_too_is_offered_no_answer(make: Make, world: World, canary: Person) -> None:
    sent(make.browser(canary), "erasure")
    path = f"/privacy-requests/{request_of(make, canary).public_id}"
    both = make.person(role="administrator")
    with make.writing() as session:
        grant_role(session, session.get_one(Person, both.id), "auditor", unit=None, since=clock.today())
    browser = make.browser(both)
    page = browser.get(path).text
    assert NAME in page
    assert f"{path}/" not in page
    assert send(browser, f"{path}/take", {}) == 403


# Erasing


def test_nothing_is_erased_until_the_word_is_typed(make: Make, world: World, canary: Person) -> None:
    administrator = erased(make, world, canary, word="có")
    assert f"Xóa dữ liệu của {canary.full_name}" in administrator.text
    assert "Gõ đúng chữ XÓA để xác nhận." in administrator.text
    with make.reading() as session:
        assert session.get_one(Person, canary.id).full_name == NAME
    assert noted(make, "privacy.erase") == []


def texts_of_every_table(make: Make) -> Iterator[tuple[str, str]]:
    """Every value of every column of every table, as text; bytes as far as they are text."""
    with make.reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                for name, value in row._mapping.items():
                    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    yield f"{table.name}.{name}", text


def found_in(make: Make) -> set[str]:
    return {where for where, text in texts_of_every_table(make) if any(one in text for one in CANARIES)}


def test_after_erasure_no_table_holds_the_name_the_address_or_the_code(
    make: Make, world: World, canary: Person
) -> None:
    before = found_in(make)
    assert {
        "person.full_name",
        "staff_code.code",
        "roster_line.cells",
        "roster_upload.file_name",
        "passkey.name",
    } < before
    assert "xapi_document.contents" in before
    erased(make, world, canary)
    assert found_in(make) == set()


@pytest.mark.parametrize(
    ("cells", "about"),
    [
        (["HOÀNG THỊ CANARY", "Chuyên viên"], True),
        (["1", "Hoàng Thị", "Canary"], True),
        (["Đ/c Hoang  Thị Canary (nghỉ)"], True),
        (["Trần Văn Khác", "A.B@X.vn; hoang@x.vn"], True),
        (["Trần Văn Khác", "c-77"], True),
        (["canary"], True),
        (["Canary Hoàng Thị"], True),
        (["Canary", "Hoàng Thị"], True),
        (["Hoàng", "Nữ", "Thị", "Chuyên viên", "CANARY"], True),
        (["Hoµng ThÞ", "Nữ", "Canary"], True),
        (["Hoaøng Thò Canary"], True),
        (["Trần Văn Khác", "+84 (91) 234-56.78"], True),
        (["Trần Văn Khác", "0987654321; 912345678"], True),
        (["Trần Văn Khác", "0912345679"], False),
        (["Hoàng Thị Canarya"], False),
        (["Lý Canary Hoa", "C-778"], False),
        (["Hoàng", "Thị", "Hoa"], False),
        (["Hoàng Thị Hoa", "Canary Lý"], False),
    ],
)
def test_a_line_that_tells_of_somebody_is_known_however_it_is_written(cells: list[str], about: bool) -> None:
    assert says(cells, [fold("Hoàng Thị Canary"), "hoang@x.vn", "0912 345 678", "canary"], {"C-77"}) is about


def test_erasure_reaches_lists_that_name_the_person_only_as_somebody_who_may_be_meant(
    make: Make, world: World, canary: Person
) -> None:
    rows = f"Họ và tên;Email\nTrần Văn Khác;{EMAIL.upper()}\n"
    with make.writing() as session:
        unit, by = session.get_one(Unit, world.inside.id), world.people["trainer"].public_id
        upload = receive(session, unit, taken_apart(rows.encode()), file_name=f"Danh sách {NAME.upper()}.csv", by=by)
        choose(session, upload, Settings.of(upload.settings))
        rehearse(session, upload)
        of_upload = select(RosterLine).where(RosterLine.upload_id == upload.id)
        for line in session.scalars(of_upload.where(RosterLine.told.is_not(None))):
            line.cells = ["Trần Văn Khác", ""]
            line.told = {**(line.told or {}), "perhaps": [[str(canary.public_id), NAME, "", 1, ""]]}
        elsewhere = (
            f"Số hiệu;Họ đệm;Tên\n{CODE};Hoàng T;Canary\n{CODE};Trần;Khác\n"  # of another unit: a code of theirs
        )
        unit = session.get_one(Unit, world.outside.id)
        receive(session, unit, taken_apart(elsewhere.encode()), file_name="hai.csv", by=by)
    erased(make, world, canary)
    with make.reading() as session:
        assert [one.cells for one in session.scalars(select(RosterLine)) if CODE in one.cells] == [
            [CODE, "Trần", "Khác"]
        ]
        assert NAME not in str([(one.cells, one.told) for one in session.scalars(of_upload)])
        assert EMAIL.upper() not in str([one.cells for one in session.scalars(of_upload)])
        assert set(session.scalars(select(RosterUpload.file_name))) == {"-"}


def test_records_that_are_linked_as_the_same_person_are_erased_with_the_one_that_asks(
    make: Make, world: World, canary: Person
) -> None:
    first, second = (make.person(f"{NAME} {n}", unit=world.inside) for n in (2, 3))
    with make.writing() as session:
        kept = session.get_one(Person, canary.id)
        for one in (first, second):
            link_people(session, session.get_one(Person, one.id), kept, by=world.people["administrator"].public_id)
    erased(make, world, canary)
    assert found_in(make) == set()
    assert len(noted(make, "privacy.erase")) == 3


def figures(make: Make) -> dict[str, Any]:
    """What is counted anywhere, and what was said and noted."""
    with make.reading() as session:
        return {
            "people": session.scalar(select(func.count()).select_from(Person)),
            "memberships": session.execute(
                select(Membership.unit_id, Membership.person_id).order_by(Membership.id)
            ).all(),
            "tallies": session.execute(select(Tally.__table__).order_by(Tally.unit_id)).all(),
            "standings": session.execute(select(Standing.__table__).order_by(Standing.person_id)).all(),
            "bodies": session.scalars(select(XapiBody.body).order_by(XapiBody.sequence)).all(),
            "agents": session.scalars(select(XapiAgent.digest).order_by(XapiAgent.id)).all(),
        }


def test_every_figure_and_statement_is_the_same_after_an_erasure_and_verify_finds_nothing(
    make: Make, world: World, canary: Person
) -> None:
    before, log = figures(make), noted(make, "person.create")
    erased(make, world, canary)
    assert figures(make) == before
    assert [(one.id, one.object_id) for one in noted(make, "person.create")] == [(one.id, one.object_id) for one in log]
    assert {name: lines for name, lines in check_projections(make.database).items() if lines} == {}


def test_whoever_is_erased_stays_as_somebody_without_a_name_whom_nobody_can_sign_in_as_find_or_change(
    make: Make, world: World, canary: Person
) -> None:
    mine = make.browser(canary)
    administrator = erased(make, world, canary)
    assert mine.get("/profile", follow=False).status_code == 302  # to sign in
    with make.reading() as session:
        person, account = session.get_one(Person, canary.id), session.get_one(SignInAccount, canary.id)
        assert (person.full_name, person.email, person.position) == (ERASED_NAME, None, "")
        assert person.erased_at is not None
        assert (account.password_hash, account.disabled_at is None) == (None, False)
        assert session.scalars(select(RoleGrant).filter_by(person_id=canary.id, valid_to=None)).all() == []
    assert administrator.get(f"/people/{canary.public_id}").status_code == 404
    administrator.get("/people")
    assert ERASED_NAME not in administrator.text


def test_an_erasure_is_noted_by_whom_and_of_which_opaque_id_and_never_with_a_name(
    make: Make, world: World, canary: Person
) -> None:
    erased(make, world, canary)
    [entry] = noted(make, "privacy.erase")
    assert (entry.actor, entry.object_id) == (world.people["administrator"].public_id, str(canary.public_id))
    assert entry.details == {}


def test_a_list_that_waits_with_the_person_in_it_must_be_rehearsed_anew(
    make: Make, world: World, canary: Person
) -> None:
    erased(make, world, canary)
    with make.reading() as session:
        upload = session.scalars(select(RosterUpload)).one()
        assert (upload.state, upload.digest, upload.stale) == ("received", "", True)
        assert session.scalars(select(RosterLine).where(RosterLine.person_id == canary.id)).all() == []


def test_lines_about_others_stay_in_lists_though_they_hold_the_same_short_words(
    make: Make, world: World, canary: Person
) -> None:
    with make.writing() as session:
        session.get_one(SignInAccount, canary.id).username = "an"
        session.scalars(select(StaffCode)).one().code = "12"
        unit, by = session.get_one(Unit, world.inside.id), world.people["trainer"].public_id
        rows = "Họ và tên;Số hiệu\nNguyễn Văn An;128\nan;9\n"
        other = receive(session, unit, taken_apart(rows.encode()), file_name="an-12.csv", by=by).id
        without = receive(session, unit, taken_apart(rows[:-5].encode()), file_name="an-12.csv", by=by).id
    erased(make, world, canary)
    with make.reading() as session:
        names = [session.get_one(RosterUpload, one).file_name for one in (other, without)]
        assert names == ["-", "an-12.csv"]  # of the list that told of the person, nobody knows what its name says
        cells = session.scalars(select(RosterLine.cells).where(RosterLine.upload_id == other)).all()
        assert [one[0] for one in cells if one[0] not in {"Họ và tên"}] == ["Nguyễn Văn An"]


STAYS = {
    "activity_progress.person_id",  # figures
    "announcement.author_id",  # by an opaque person
    "assignment.assigned_by_id",  # by an opaque person
    "attendance.person_id",  # figures
    "attempt.person_id",  # figures
    "certificate.person_id",  # without the name, so that its code fits no more
    "course_progress.person_id",  # figures
    "course_version.published_by_id",
    "frozen_person.person_id",  # counts
    "head_told.person_id",  # that the opaque person was told figures
    "lesson_draft.changed_by_id",
    "membership.person_id",  # where the opaque person is counted
    "module_version.published_by_id",
    "person_link.duplicate_id",  # that two opaque records are one; both are erased
    "person_link.person_id",
    "point_sighting.person_id",  # figures
    "privacy_request.person_id",  # that it was asked and answered; its words go
    "reflection_result.person_id",  # figures
    "reminder_sent.person_id",  # that the opaque person was reminded
    "role_grant.person_id",  # ended, and without a name
    "sign_in_account.person_id",  # closed, and without a name
    "standing.person_id",  # figures
    "viewing.person_id",  # who looked as the opaque person
}
LISTENED = {"date_of_birth.person_id", "reflection.person_id", "roll_decision.person_id", "staff_code.person_id"}
BY_NAME = {"viewing.viewer_id"}  # goes in `forget_viewings`, before the session it hangs on


def test_every_table_that_refers_to_people_is_known_to_erasure() -> None:
    """Whoever adds a table about people says here, and in the product, what becomes of its rows."""
    refers = {
        f"{column.table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name == "person"
    }
    goes = {f"{table.__tablename__}.person_id" for table in GOES_WITH_THE_PERSON}
    assert refers == goes | LISTENED | BY_NAME | STAYS


def test_what_a_person_wants_no_mail_about_is_said_in_words(make: Make) -> None:
    person = make.person()
    browser = make.browser(person)
    assert "[]" not in browser.get("/my-data").text
    with make.writing() as session:
        session.get_one(Person, person.id).muted = [STUDY, UNIT_NEWS]
    words = "Việc học tập: được giao khóa học, sắp đến hạn, quá hạn, Thông báo của cơ quan, đơn vị"
    assert words in browser.get("/my-data").text


NEVER = re.compile(
    r"cccd|cmnd|cmt\b|citizen|identity_?(no|number)|national_?id|id_?card|passport|ssn|dinh_danh"
    r"|ethnic|dan_toc|nationality|religio|ton_giao|photo|portrait|picture|card_image|scan",
    re.IGNORECASE,
)


def test_no_table_has_a_place_for_identity_numbers_ethnicity_or_pictures_of_cards() -> None:
    columns = {f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns}
    assert len(columns) > 200
    assert {one for one in columns if NEVER.search(one)} == set()


@pytest.mark.parametrize("name", ["cccd", "so_dinh_danh", "identity_number", "ethnicity", "dan_toc", "card_image"])
def test_that_guard_would_see_such_a_column(name: str) -> None:
    assert NEVER.search(f"person.{name}")


def test_nobody_who_looks_as_a_person_opens_what_is_kept_about_them(make: Make, world: World) -> None:
    person = world.people["learner"]
    viewer = world.browser("administrator")
    viewer.get(f"/people/{person.public_id}/view-as")
    viewer.submit("/view-as")
    for path in ("", "/seen", "/download.zip", "/ask"):
        answer = viewer.get(f"/my-data{path}")
        assert answer.status_code == 403
        assert "Chỉ chính người đó mở được" in answer.text
    assert noted(make, "privacy.download") == []
    own = make.browser(person)
    own.get("/my-data/seen")
    assert "xem hệ thống như người khác thấy" in own.text
