"""Briefings are opened, given, changed and frozen; people on their rolls are decided about and told why."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DatabaseError

from assessments.reflections.actions import set_questions
from assessments.reflections.rules import Question
from courses.briefings import filters
from courses.briefings.models import STATES, BriefingPolicy, BriefingSession, FrozenPerson, MeetingPoint, Standing
from courses.briefings.rehearsal import words_of
from courses.briefings.render import sentences
from courses.briefings.rules import KINDS_OF_STANDING, MAKE_UP, ONLINE, POINT, Asked, Policy
from courses.briefings.statements import Told, was_seen
from courses.enrolment import actions as enrolment
from courses.enrolment.actions import RollChanged
from courses.enrolment.models import Assignment, Briefing, RollDecision
from lms import clock
from lms.accounts.actions import move_person
from lms.accounts.models import Membership, Person
from lms.audit.models import AuditEntry
from lms.cli import check_projections
from lms.db import lock_people
from lms.doors import tell
from lms.organisation.models import STATE_TREE, Unit
from lms.xapi.actions import ourselves, record
from tests.browser import Browser
from tests.counting import count_queries
from tests.courses.learner import HOME, Learner, give
from tests.floor.walk import send
from tests.kept import kept
from tests.library_course import CODE, load_small_course
from tests.make import LONG_AGO, Make

OPEN = {"title": "Quán triệt Nghị quyết số 48-NQ/TU", "code": "nq48-dot-1", "documents": "Nghị quyết số 48-NQ/TU"}
PAGE = "/briefings/nq48-dot-1"
ROLL = "/rolls/nq48-dot-1"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Far from midnight in Vietnam: who comes first on a new day pays for its beginning."""
    with time_machine.travel(datetime.combine(clock.today(), time(12), clock.VIETNAM)):
        yield


@dataclass
class Place:
    """A province of two agencies with two people each, and an administrator; the small course is there."""

    make: Make
    root: Unit
    units: list[Unit]
    people: list[Person]
    administrator: Person

    @property
    def admin(self) -> Browser:
        return self.make.browser(self.administrator)

    def standing(self, who: int) -> tuple[str, bool]:
        with self.make.reading() as session:
            one = session.scalars(select(Standing).where(Standing.person_id == self.people[who].id)).one()
            return one.state, one.exempt


def built(make: Make, folder: Path) -> Place:
    load_small_course(make, folder)
    root = make.unit("Tỉnh", code="tinh")
    units = [make.unit("Sở Y tế", under=root, code="syt"), make.unit("Sở Nội vụ", under=root, code="snv")]
    people = [make.person(f"Người Thứ {n}", unit=units[n // 2]) for n in range(4)]
    with make.writing() as session:
        for person, category in zip(people, ("can_bo", "vien_chuc", "cong_chuc", "cong_chuc"), strict=True):
            session.execute(update(Person).where(Person.id == person.id).values(category=category))
    return Place(make, root, units, people, make.person("Quản Trị", unit=root, role="administrator"))


@pytest.fixture
def place(make: Make, tmp_path: Path) -> Place:
    return kept(make, tmp_path, built)


def opened(place: Place, **more: str) -> Browser:
    admin = place.admin
    admin.get("/briefings/new")
    said: dict[str, Any] = {**OPEN, "pass_mark": "7", "reflection": "y", **more}
    admin.submit("Mở đợt", course=CODE, **said)
    return admin


def given(admin: Browser, **more: Any) -> None:
    admin.get(f"{PAGE}/give")
    admin.submit("/give", **more)
    admin.submit("/give/apply")


def day(days: int) -> str:
    return (clock.today() + timedelta(days=days)).strftime("%d/%m/%Y")


def test_a_briefing_is_opened_given_and_shown_with_its_policy_in_a_sentence(place: Place) -> None:
    admin = opened(place, vien_chuc="briefed")
    assert admin.path == PAGE
    sentence = (
        "Đã quán triệt (B) = có mặt tại điểm cầu HOẶC học trực tuyến HOẶC học bù; "
        "hoàn thành (C) = B VÀ kiểm tra ≥ 7 VÀ thu hoạch đạt."
    )
    assert sentence in admin.text
    assert "Riêng viên chức: đã quán triệt (B) = có mặt tại điểm cầu HOẶC học trực tuyến" in admin.text
    assert "Chưa giao cho đơn vị nào" in admin.text
    given(admin, codes=f"syt; {day(9)}\nsnv; 20", due_kind="never")
    assert "Đã giao cho 2 đơn vị." in admin.text
    assert f"hết ngày {day(9)}" in admin.text
    assert "sau 20 ngày kể từ ngày giao" in admin.text
    assert f'/dashboard/units/{place.root.public_id}?briefing=nq48-dot-1"' in admin.text
    admin.get("/briefings")
    assert "Quán triệt Nghị quyết số" in admin.text
    with place.make.reading() as session:
        assert session.scalars(select(BriefingPolicy.number)).all() == [1]
        found = session.execute(select(Standing.due_at).order_by(Standing.person_id)).scalars().all()
        assert [clock.day_of(one) - clock.today() for one in found if one] == [timedelta(d) for d in (9, 9, 20, 20)]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_page_of_a_briefing_leads_to_its_sittings_and_says_when_nobody_can_write_a_reflection(place: Place) -> None:
    admin, unasked = opened(place), "Đợt cần bài thu hoạch nhưng chưa có câu hỏi"
    assert unasked in admin.text
    assert 'href="/reflection-questions/nq48-dot-1"' in admin.text
    assert "Chưa lập buổi nào." in admin.text
    assert 'href="/meetings/new?briefing=nq48-dot-1"' in admin.text
    at = clock.now()
    with place.make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        made = BriefingSession(briefing_id=briefing.id, code="hn", title="Hội nghị toàn tỉnh", starts_at=at, ends_at=at)
        session.add(made)
        set_questions(session, briefing, [Question("Đồng chí sẽ làm gì?", 3, 20)], by=place.administrator.public_id)
        session.flush()
        sitting = made.public_id
    admin.get(PAGE)
    assert f'<a href="/meetings/{sitting}">Hội nghị toàn tỉnh</a>' in admin.text
    assert unasked not in admin.text
    auditor = place.make.browser(place.make.person("Kiểm Tra", role="auditor"))
    assert f"/meetings/{sitting}" in auditor.get(PAGE).text
    assert "/meetings/new" not in auditor.text


def test_a_form_says_what_is_wrong_and_loses_nothing(place: Place) -> None:
    for code in (CODE, "new"):  # at its address stands the page on which briefings are opened
        admin = opened(place, code=code)
        assert "Mã này đã là mã của một đợt, một khóa học hoặc do hệ thống dùng." in admin.text
    assert OPEN["title"] in admin.text
    admin.submit("Mở đợt", code="Mã Đợt", pass_mark="11", opened_on=day(3), ways=[])
    for fault in ("Mã gồm 2 đến 40", "Nhập điểm từ 0 đến 10", "không được ở sau hôm nay", "Chọn ít nhất một cách"):
        assert fault in admin.text
    opened(place)
    admin.get(f"{PAGE}/give")
    admin.submit("/give", codes="syt; 31/2/2027", due_kind="days")
    assert "Dòng 1: hạn riêng viết là" in admin.text
    assert "Nhập số ngày" in admin.text
    admin.submit("/give", codes="syt", due_kind="day")
    assert "Nhập ngày hết hạn, hoặc chọn loại hạn khác." in admin.text
    admin.submit("/give", codes="khong-co", due_kind="never", due_days="")
    assert "Không có đơn vị nào mang mã: khong-co." in admin.text
    admin.submit("/give", codes="syt", tree="party")
    assert "Không có trong cây này hôm nay: Sở Y tế." in admin.text
    admin.submit("/give", codes="", tree="state")
    assert "Chọn một đơn vị, hoặc nhập mã đơn vị" in admin.text


def test_only_those_who_are_chosen_are_given_it_and_a_date_that_never_comes_is_said(place: Place) -> None:
    admin = opened(place)
    admin.get(f"{PAGE}/give")
    admin.submit("/give", unit=str(place.root.public_id), each="y", due_kind="never", category=["cong_chuc"])
    assert "Đợt sẽ được giao cho 3 đơn vị. Chỉ những người: Công chức." in admin.text
    admin.submit("/give/apply")
    assert "không có hạn" in admin.text
    with place.make.reading() as session:
        on = set(session.scalars(select(Standing.person_id)))
        assert on == {place.people[2].id, place.people[3].id, place.administrator.id}
    learner = place.make.browser(place.people[2])
    learner.get("/learning")
    assert "không có hạn" in learner.text
    admin.get("/assignments")
    assert "không có hạn" in admin.text


def test_a_change_is_rehearsed_and_then_applied_by_its_digest_alone(place: Place) -> None:
    admin = opened(place)
    given(admin, codes=f"syt; {day(9)}\nsnv; {day(9)}", due_kind="never")
    Learner(place.make, place.people[0]).read("m1-1", "m1-2", "m2-1", "m2-2")
    assert place.standing(0) == ("briefed", False)
    admin.get(f"{PAGE}/change")
    form = dict(admin.form("/change").fields)
    assert form["pass_mark"] == "7"
    changes = {"due_kind": "never", "unit": str(place.units[0].public_id), "reason": "Theo công văn."}
    fields = {name: value for name, value in form.items() if name not in {"test", "reflection"}}
    admin.post(f"{PAGE}/change", data={**fields, **changes, "ways": ["online"]}, headers={"Origin": "http://localhost"})
    assert "1 trong 4 người phải học đổi trạng thái" in admin.text
    assert "1 người: Đã quán triệt (B) → Hoàn thành (C)" in admin.text
    assert "Người Thứ 0" in admin.text
    assert place.standing(0) == ("briefed", False)
    Learner(place.make, place.people[1]).read("m1-1", "m1-2", "m2-1", "m2-2")
    assert admin.submit("/change/apply").status_code == 409
    assert "dữ liệu đã thay đổi" in admin.text
    assert place.standing(0) == ("briefed", False)
    assert admin.submit("/change/apply").status_code == 200
    assert "Đã áp dụng. 2 người đổi trạng thái." in admin.text
    assert "Phiên bản 2" in admin.text
    assert "Đổi hạn của 1 lần giao." in admin.text
    assert place.standing(0) == place.standing(1) == ("completed", False)
    with place.make.reading() as session:
        dues = session.execute(select(Assignment.due_at).order_by(Assignment.id)).scalars().all()
        assert [one is None for one in dues] == [True, False]
        last = session.scalars(select(BriefingPolicy).order_by(BriefingPolicy.number.desc())).first()
        assert last is not None
        assert [last.number, last.reason, len(last.dues)] == [2, "Theo công văn.", 1]
    assert not any(check_projections(place.make.database).values())


def test_the_plain_briefing_of_a_course_is_shown_and_asks_for_nothing_but_study(place: Place) -> None:
    give(place.make, place.root)
    admin = place.admin
    admin.get("/briefings")
    assert "Khóa học nhỏ" in admin.text
    admin.get(f"/briefings/{CODE}/change")
    assert "có mặt tại điểm cầu" not in admin.text
    admin.submit("/change", pass_mark="9", reason="Nâng điểm.")
    admin.submit("/change/apply")
    assert "kiểm tra ≥ 9" in admin.text
    with place.make.reading() as session:
        assert session.scalars(select(BriefingPolicy.number).order_by(BriefingPolicy.number)).all() == [1, 2]


def test_assignments_are_withdrawn_together_and_a_closed_briefing_is_given_to_nobody(place: Place) -> None:
    admin = opened(place)
    given(admin, codes="syt\nsnv\ntinh", due_kind="never")
    admin.get(f"{PAGE}/withdraw")
    assert "2 người" in admin.text
    assert admin.submit("Thu hồi những lần").status_code == 422
    assert "Chưa chọn lần giao nào." in admin.text
    with place.make.reading() as session:
        ids = [str(one.public_id) for one in session.scalars(select(Assignment).order_by(Assignment.id))]
    form = dict(admin.form("Thu hồi những lần").fields)
    origin = {"Origin": "http://localhost"}
    admin.post(f"{PAGE}/withdraw", data={**form, "assignment": ids[:1]}, headers=origin)
    assert "Đã thu hồi 1 lần giao." in admin.text
    with place.make.reading() as session:
        assert len(session.scalars(select(Standing)).all()) == 5  # whoever is nearer to nothing follows the province
    admin.get(f"{PAGE}/withdraw")
    admin.submit("Thu hồi những lần", every="y")
    with place.make.reading() as session:
        assert session.scalars(select(Standing)).all() == []
    admin.get(f"{PAGE}/give")
    admin.submit("/give", codes="syt", due_kind="never")
    before = admin.form("/give/apply")
    other = place.admin
    other.get(f"{PAGE}/close")
    other.submit("Đóng đợt")
    assert "Đợt đã đóng" in other.text
    admin.post(f"{PAGE}/give/apply", data=dict(before.fields), headers=origin)
    assert "Đợt đã đóng nên không giao thêm được." in admin.text
    other.get(f"{PAGE}/reopen")
    assert other.submit("Lý do mở lại", reason="").status_code == 422
    other.submit("Lý do mở lại", reason="Giao sót một sở.")
    assert "Đã mở lại đợt." in other.text
    admin.post(f"{PAGE}/give/apply", data=dict(before.fields), headers=origin)
    assert "Đã giao cho 1 đơn vị." in admin.text
    with place.make.reading() as session:
        noted = session.scalars(select(AuditEntry.details).where(AuditEntry.action == "briefing.reopen")).one()
    assert noted["why"] == "Giao sót một sở."


def test_whoever_gives_a_briefing_is_told_who_has_studied_before_and_chooses_whether_it_counts(place: Place) -> None:
    learner = Learner(place.make, place.people[0])
    with clock.moved_to(clock.now() - timedelta(days=9)):
        learner.read("m1-1", "m1-2", "m2-1", "m2-2")
        learner.take("m1-test", 1.0)
        learner.take("m2-test", 1.0)
    admin = place.admin
    admin.get("/briefings/new")
    said: dict[str, Any] = OPEN
    admin.submit("Mở đợt", course=CODE, **said)
    admin.get(f"{PAGE}/give")
    admin.submit("/give", codes="snv", due_kind="never")
    assert "Kết quả đã có từ trước" not in admin.text  # of them nobody has
    admin.get(f"{PAGE}/give")
    admin.submit("/give", codes="syt\ntinh", due_kind="never")
    assert "Trong 5 người mới vào danh sách" in admin.text  # each once, though two assignments reach them
    page = " ".join(admin.text.split())
    assert "không phải học lại. 1 người được tính đã quán triệt ngay, trong đó 1 người hoàn thành." in page
    assert "học lại từ đầu. Chưa ai được tính đã quán triệt." in page
    assert 'value="y" checked' in page
    admin.submit("/give/apply", study_before="n")
    assert place.standing(0) == ("not_started", False)
    assert "có trước ngày mở đợt không được tính" in admin.text
    assert "Chọn khi giao đợt." in admin.text
    admin.get(f"{PAGE}/give")
    admin.submit("/give", codes="snv", due_kind="days", due_days="3")
    assert "Kết quả đã có từ trước" not in admin.text  # all are on the roll


def test_a_frozen_roll_stands_beside_the_live_one(place: Place) -> None:
    admin = opened(place)
    given(admin, codes="tinh", due_kind="never")
    admin.get(f"{PAGE}/freeze")
    admin.submit("Chốt sĩ số", reason="Báo cáo Ban Thường vụ")
    assert "Báo cáo Ban Thường vụ" in admin.text
    with place.make.writing() as session:
        moved = session.get_one(Person, place.people[0].id)
        move_person(session, moved, session.get_one(Unit, place.units[1].id), on=clock.today())
    place.make.person("Người Mới", unit=place.units[1])
    with pytest.raises(DatabaseError, match="written once"), place.make.writing() as session:
        session.execute(delete(FrozenPerson))
    with place.make.reading() as session:
        assert len(session.scalars(select(FrozenPerson)).all()) == 5
    admin.get(admin.path)
    rows = [row.split("</tr>")[0] for row in admin.text.split("<tr>")[2:]]
    figures = {
        row.split('row">')[1].split("<")[0]: [cell.split(">")[1].split("<")[0] for cell in row.split("<td ")[1:]]
        for row in rows
    }
    assert figures["Sở Y tế"] == ["2", "1", "0", "1"]
    assert figures["Sở Nội vụ"] == ["2", "4", "2", "0"]
    assert figures["Tất cả"] == ["5", "6", "2", "1"]


def test_somebody_is_decided_about_within_ones_units_and_the_decision_is_revoked(place: Place) -> None:
    admin = opened(place)
    given(admin, codes="tinh", due_kind="day", due_day=day(5))
    keeper = place.make.browser(
        place.make.person("Giữ", unit=place.root, role="unit_administrator", over=place.units[0])
    )
    keeper.get(ROLL)
    assert "Người Thứ 0" in keeper.text
    assert "Người Thứ 2" not in keeper.text
    where = f"{ROLL}/people/{place.people[0].public_id}"
    keeper.get(where)
    keeper.get(f"{where}/decide")
    keeper.submit("Ghi quyết định", kind="extension")
    for fault in ("Nhập hạn mới.", "Nhập lý do.", "Nhập họ tên, chức vụ người phê duyệt"):
        assert fault in keeper.text
    said: dict[str, Any] = {"reason": "Cao tuổi", "approved_by": "Chi bộ 1"}
    keeper.submit("Ghi quyết định", kind="exempt", **said)
    assert place.standing(0) == ("not_started", True)
    for words in ("Miễn", "Cao tuổi", "Chi bộ 1"):
        assert words in keeper.text
    keeper.get(f"{where}/decide")
    keeper.submit("Ghi quyết định", kind="exempt", **said)
    assert "đã có quyết định loại này" in keeper.text
    keeper.get(f"{ROLL}?standing=exempt")
    assert "1 người" in keeper.text
    keeper.get(f"{ROLL}/decisions")
    assert "Cao tuổi" in keeper.text
    keeper.get(where)
    keeper.submit("/revoke")
    assert place.standing(0) == ("not_started", False)
    keeper.get(f"{where}/decide")
    keeper.submit("Ghi quyết định", kind="leave", due=day(9), **said)
    keeper.get(where)
    assert "Vắng có lý do" in keeper.text and f"hết ngày {day(9)}" in keeper.text  # noqa: PT018 - of one page
    assert "Cao tuổi" in place.make.browser(place.people[0]).get("/my-data").text
    outside = f"{ROLL}/people/{place.people[2].public_id}"
    assert keeper.get(outside).status_code == keeper.get(f"{outside}/decide").status_code == 404
    with place.make.reading() as session:
        acts = select(AuditEntry.action).where(AuditEntry.action.like("roll.%")).order_by(AuditEntry.id)
        noted = session.scalars(acts).all()
        assert [one for one in noted if one in {"roll.decide", "roll.revoke"}] == [
            *("roll.decide", "roll.revoke", "roll.decide")
        ]
        assert noted.count("roll.read") == 2
        assert "Cao tuổi" not in str(session.scalars(select(AuditEntry.details)).all())
        assert len(session.scalars(select(RollDecision)).all()) == 2
    assert not any(check_projections(place.make.database).values())


APPROVED: dict[str, Any] = {"reason": "Ốm", "approved_by": "Chi bộ 1"}


def due_soon(place: Place) -> tuple[Browser, str]:
    """The administrator, a briefing due in five days, and the page of somebody on its roll."""
    admin = opened(place)
    given(admin, codes="tinh", due_kind="day", due_day=day(5))
    return admin, f"{ROLL}/people/{place.people[0].public_id}"


def more_time(admin: Browser, where: str, due: str) -> None:
    admin.get(f"{where}/decide")
    admin.submit("Ghi quyết định", kind="extension", due=due, **APPROVED)


def test_whoever_was_given_more_time_never_has_less_than_the_others(place: Place) -> None:
    admin, where = due_soon(place)
    more_time(admin, where, day(4))
    assert f"Hạn mới phải sau hạn hiện nay, hết ngày {day(5)}." in admin.text
    more_time(admin, where, day(9))
    assert f"hết ngày {day(9)}" in admin.get(where).text
    admin.get(f"{PAGE}/change")
    admin.submit("/change", due_kind="day", due_day=day(20), reason="Kéo dài đợt")
    admin.submit("/change/apply")
    assert f"hết ngày {day(20)}" in admin.get(where).text


def test_where_nothing_is_due_more_time_makes_nothing_due(place: Place) -> None:
    admin, where = due_soon(place)
    more_time(admin, where, day(9))
    admin.get(f"{PAGE}/change")
    admin.submit("/change", due_kind="never", reason="Bỏ hạn")
    admin.submit("/change/apply")
    with place.make.reading() as session:
        assert set(session.scalars(select(Standing.due_at))) == {None}
    for page in (admin.get(where), place.make.browser(place.people[0]).get("/my-briefings/nq48-dot-1")):
        assert f"hết ngày {day(9)} (nay không có hạn)" in page.text
    other = f"{ROLL}/people/{place.people[1].public_id}"
    more_time(admin, other, day(9))
    assert "Người này học không có hạn nên không có gì để gia hạn." in admin.text
    assert day(9) in admin.text  # nothing typed is lost
    admin.submit("Ghi quyết định", kind="leave", due=day(9), **APPROVED)
    assert "Người này học không có hạn. Xóa ngày này." in admin.text
    assert not any(check_projections(place.make.database).values())


def test_an_auditor_reads_what_was_decided_everywhere_and_is_offered_no_decision(place: Place) -> None:
    given(opened(place), codes="tinh", due_kind="day", due_day=day(5))
    with place.make.writing() as session:
        briefing, by = session.scalars(select(Briefing)).one(), place.administrator.public_id
        said: dict[str, Any] = {"reason": "Cao tuổi", "approved_by": "Chi bộ 1", "due_at": None, "by": by}
        for one in place.people[::2]:
            enrolment.decide(session, briefing, session.get_one(Person, one.id), "exempt", **said)
        decision = session.scalars(select(RollDecision).where(RollDecision.person_id == place.people[0].id)).one()
    reader = place.make.person("Kiểm Tra", unit=place.root, role="auditor")
    auditor, where = place.make.browser(reader), f"{ROLL}/people/{place.people[0].public_id}"
    assert f'href="{ROLL}/decisions"' in auditor.get(ROLL).text
    page = auditor.get(f"{ROLL}/decisions").text
    assert [words in page for words in ("Người Thứ 0", "Người Thứ 2", "Cao tuổi", "Chi bộ 1")] == [True] * 4
    with place.make.reading() as session:
        looked = session.scalars(select(AuditEntry.actor).where(AuditEntry.action == "roll.decisions")).all()
    assert looked == [reader.public_id]
    revoke = f"{ROLL}/decisions/{decision.public_id}/revoke"
    assert [path for path in (f"{where}/decide", revoke) if path in auditor.get(where).text] == []
    assert [auditor.get(f"{where}/decide").status_code, send(auditor, revoke, {})] == [404] * 2
    assert place.standing(0) == ("not_started", True)
    keeper = place.make.person(unit=place.root, role="unit_administrator", over=place.units[0])
    page = place.make.browser(keeper).get(f"{ROLL}/decisions").text
    assert [words in page for words in ("Người Thứ 0", "Người Thứ 2")] == [True, False]
    for role, over in (("head", place.root), ("trainer", None)):
        other = place.make.browser(place.make.person(unit=place.root, role=role, over=over))
        assert other.get(f"{ROLL}/decisions").status_code == 404


def seen_at_a_point(place: Place, who: int, state: str = "present") -> None:
    """Somebody is seen at the conference of the briefing."""
    with place.make.writing() as session:
        briefing = session.scalars(select(Briefing).where(~Briefing.plain)).one()
        now = clock.now()
        sitting = BriefingSession(briefing_id=briefing.id, code="hn", title="Hội nghị", starts_at=now, ends_at=now)
        session.add(sitting)
        session.flush()
        session.add(MeetingPoint(session_id=sitting.id, code="syt", name="Điểm cầu Sở Y tế", unit_id=place.units[0].id))
        session.flush()
        person = place.people[who]
        lock_people(session, [person.id])
        told = Told(HOME, briefing.code, briefing.title, briefing.policy_number)
        said = was_seen(
            told,
            person.public_id,
            session="hn",
            point="syt",
            name="Hội nghị",
            state=state,
            at=now,
            host=person.public_id,
        )
        record(session, [said], source=ourselves(session))


def test_why_somebody_stands_there_is_told_to_those_who_may_and_to_the_person(place: Place) -> None:
    admin = opened(place)
    given(admin, codes="tinh", due_kind="never")
    seen_at_a_point(place, 0)
    person = place.people[0]
    admin.get(f"{ROLL}/people/{person.public_id}")
    for words in (
        "Đã quán triệt (B)",
        "Có mặt tại điểm cầu: có, lúc",
        "Học trực tuyến: chưa",
        "Kiểm tra ≥ 7: chưa làm đủ bài",
        "Bài thu hoạch: chưa nộp",
        "Còn thiếu: kiểm tra; bài thu hoạch.",
        "Không cần nữa",
        "Điểm cầu Sở Y tế",
        "không có hạn",
        f"/records?person={person.public_id}",
    ):
        assert words in admin.text
    links = [link for part in admin.text.split('href="/records')[1:] if (link := part.split('"')[0])]
    assert len(links) == 3
    for link in links:
        assert admin.get(f"/records{link.replace('&amp;', '&')}").status_code == 200
    learner = place.make.browser(person)
    learner.get("/learning")
    assert "Đã quán triệt (B)</strong>, hạn hoàn thành: không có hạn." in learner.text
    learner.get(f"/courses/{CODE}")
    assert "Đã quán triệt (B)" in learner.text
    learner.get("/my-briefings/nq48-dot-1")
    assert "Có mặt tại điểm cầu: có, lúc" in learner.text
    learner.get("/my-briefings")
    assert "Đã quán triệt (B)" in learner.text
    head = place.make.browser(place.make.person("Trưởng", unit=place.units[1], role="head", over=place.units[1]))
    assert head.get(f"{ROLL}/people/{person.public_id}").status_code == 404
    assert head.get(f"{ROLL}/people/{place.people[2].public_id}").status_code == 200
    lacking = "có mặt tại điểm cầu, học trực tuyến hoặc học bù; kiểm tra; bài thu hoạch"
    assert f"Còn thiếu: {lacking}." in head.text
    with place.make.reading() as session:
        noted = session.scalars(select(AuditEntry).filter_by(action="standing.read").order_by(AuditEntry.id)).all()
        assert [one.object_id for one in noted] == [str(person.public_id), str(place.people[2].public_id)]


def test_a_standing_is_found_in_the_list_by_what_it_is_called(place: Place) -> None:
    """Every combination a standing can have: what the database filters by is what the words say."""
    opened(place)
    now = clock.now()
    dues = (None, now - timedelta(days=1), now + timedelta(days=1))
    kinds = list(itertools.product(STATES, ("", "excused", "unexcused"), dues, (False, True)))
    with place.make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        given_to = enrolment.give(session, briefing, session.get_one(Unit, place.root.id))
        session.execute(delete(Standing))
        one = {"full_name": "Người Khác", "sort_key": b"n", "search_key": "nguoi khac", "created_at": now}
        ids = session.scalars(insert(Person).returning(Person.id), [dict(one) for _ in kinds]).all()
        same = {"briefing_id": briefing.id, "unit_id": place.root.id, "assignment_id": given_to.id}
        names = ("state", "absence", "due_at", "exempt")
        rows: list[dict[str, Any]] = [
            {
                **same,
                "person_id": own,
                "leave": False,
                "member": False,
                "way": "",
                **dict(zip(names, kind, strict=True)),
            }
            for own, kind in zip(ids, kinds, strict=True)
        ]
        session.execute(insert(Standing), rows)
        called: dict[str, set[int]] = {code: set() for code in KINDS_OF_STANDING}
        for row in rows:
            called[words_of(row, now=now)].add(int(str(row["person_id"])))
        for code, expected in called.items():
            found = session.execute(filters.on_roll(briefing.id, None, code, "", now=now)).all()
            assert {person.id for _standing, person, _unit in found} == expected, code
        assert sum(map(len, called.values())) == len(kinds)
        must, briefed, done, late, exempt = session.execute(filters.numbers(briefing.id, now=now)).one()
        assert [done, late, exempt] == [len(called[one]) for one in ("completed", "overdue", "exempt")]
        assert must == len(kinds) - exempt
        assert briefed == sum(row["state"] in {"briefed", "completed"} and not row["exempt"] for row in rows)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_policy_reads_in_english_too(app: Flask) -> None:
    ways = frozenset({POINT, ONLINE, MAKE_UP})
    policy = Policy(Asked(ways, pass_mark=0.75, reflection=True), {"can_bo": Asked(ways, test=False)}, False)
    with app.test_request_context(), force_locale("en"):
        assert sentences(policy) == [
            "Briefed (B) = present at a meeting point OR studied online OR made up; "
            "completed (C) = B AND test ≥ 7,5 AND reflection accepted.",
            "For cadre: briefed (B) = present at a meeting point OR studied online OR made up; completed (C) = B.",
            "What was studied online before the briefing was opened does not count.",
        ]


def add_people(place: Place, number: int) -> None:
    """So many more people, and units with assignments, on the roll."""
    make = place.make
    units = [make.unit(f"Phòng {n}", under=place.units[0]) for n in range(number // 10)]
    with make.writing() as session:
        briefing = session.scalars(select(Briefing).where(~Briefing.plain)).one()
        one = {"full_name": "Người Khác", "sort_key": b"n", "search_key": "nguoi khac", "created_at": clock.now()}
        ids = session.scalars(insert(Person).returning(Person.id), [dict(one) for _ in range(number)]).all()
        counted = {"tree": STATE_TREE, "kind": "main", "valid_from": LONG_AGO}
        places = [{"person_id": own, "unit_id": units[n // 10].id, **counted} for n, own in enumerate(ids)]
        session.execute(insert(Membership), places)
        row = {"briefing_id": briefing.id, "course_id": briefing.course_id, "assigned_at": clock.now()}
        session.execute(insert(Assignment), [{**row, "unit_id": unit.id} for unit in units])
        tell(session, RollChanged(briefing.id))


def test_the_pages_of_a_briefing_cost_the_same_sql_with_ten_times_the_people(app: Flask, place: Place) -> None:
    admin = opened(place)
    given(admin, codes="tinh", due_kind="never")
    admin.get(f"{PAGE}/freeze")
    admin.submit("Chốt sĩ số", reason="Báo cáo")
    paths = ["/briefings", PAGE, ROLL, admin.path, f"{PAGE}/withdraw", "/rolls"]

    def cost(path: str) -> int:
        with count_queries(app) as counted:
            assert admin.get(path).status_code == 200
        return len(counted)

    def spent() -> dict[str, int]:
        """Of two visits the cheaper one: now and then a visit notes that the session is in use."""
        return {path: min(cost(path), cost(path)) for path in paths}

    add_people(place, 20)
    few = spent()
    add_people(place, 180)
    assert spent() == few
    assert max(few.values()) <= 14, few
