"""A reflection is written without loss, handed in, read by whoever may, and accepted or written again."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from assessments.reflections import rules
from assessments.reflections.models import Reflection, ReflectionTakenBack, ReflectionTask, ReflectionVersion
from assessments.reflections.rules import EMPTY, LONG, SHORT, Merged, Question, Sent, fingerprint, merged, problems
from courses.briefings.models import Standing
from courses.certificates.actions import set_rule
from courses.certificates.models import Certificate
from courses.certificates.rules import STANDING
from courses.enrolment.actions import RollChanged
from courses.enrolment.models import Briefing, RollDecision
from lms import clock
from lms.accounts.models import Person
from lms.audit.models import AuditEntry
from lms.cli import check_projections
from lms.doors import tell
from lms.organisation.models import Unit
from lms.privacy.actions import PersonErased
from lms.xapi.models import XapiBody, XapiStatement
from tests.briefed import WITH_REFLECTION, come, open_briefing
from tests.browser import Browser
from tests.counting import count_queries
from tests.kept import kept
from tests.library_course import load_small_course
from tests.make import Make

FIRST, SECOND = "Tôi tâm đắc nhất ba đột phá.", "Dạy bà con dùng dịch vụ công."
ASKED = [Question("Một?", 3, 5), Question("Hai?", 0, 5)]


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (["một hai ba", "bốn"], {}),
        (["một hai", "bốn"], {1: SHORT}),
        (["một hai ba bốn năm sáu", " \n"], {1: LONG, 2: EMPTY}),
        (["một hai ba"], {2: EMPTY}),
        ([], {1: EMPTY, 2: EMPTY}),
    ],
)
def test_what_keeps_a_reflection_from_being_handed_in(answers: list[str], found: dict[int, str]) -> None:
    assert problems(ASKED, answers) == found


@pytest.mark.parametrize(
    ("saved", "known", "text", "result"),
    [
        ("cũ", "cũ", "mới", Merged(["mới"], ())),
        ("cũ", "cũ", "cũ", Merged(["cũ"], ())),
        ("khác", "cũ", "cũ", Merged(["khác"], ())),  # an old page takes nothing back
        ("khác", "cũ", "mới", Merged(["khác"], (1,))),  # both changed it: nobody loses anything
        ("mới", "cũ", "mới", Merged(["mới"], ())),  # sent twice
    ],
)
def test_what_two_pages_wrote_is_laid_together(saved: str, known: str, text: str, result: Merged) -> None:
    assert merged([saved], {1: Sent(fingerprint(known), text)}) == result


def typed(first: str, *more: str, then: str = "stay") -> dict[str, Any]:
    """What is typed into the fields of the answers, and which button is pressed."""
    return {"_then": then, **{f"Câu {number}": text for number, text in enumerate((first, *more), 1)}}


@dataclass(frozen=True)
class Scene:
    """A briefing that asks for a reflection, given to the province; two agencies in it, and who may read."""

    make: Make
    root: Unit
    inside: Unit
    outside: Unit
    writer: Person
    head: Person
    stranger: Person
    trainer: Person
    code: str

    def writes(self, first: str = FIRST, second: str = SECOND, *, then: str = "stay") -> Browser:
        """The writer's browser after this has been saved."""
        browser = self.make.browser(self.writer)
        browser.get(f"/reflections/{self.code}")
        browser.submit("Lưu bài", **typed(first, second, then=then))
        return browser

    def hands_in(self, first: str = FIRST) -> Browser:
        browser = self.writes(first, then="confirm")
        browser.submit("Nộp rồi thì không sửa được")
        return browser

    def reflection(self) -> Reflection:
        with self.make.reading() as session:
            return session.scalars(select(Reflection)).one()

    def reads(self, reader: Person) -> Browser:
        """The reader's browser on the page of the reflection."""
        browser = self.make.browser(reader)
        browser.get(f"/reflections-to-read/{self.reflection().public_id}")
        return browser

    def standing(self) -> str:
        with self.make.reading() as session:
            return session.scalars(
                select(Standing.state)
                .join(Briefing, Briefing.id == Standing.briefing_id)
                .where(Standing.person_id == self.writer.id, Briefing.code == self.code)
            ).one()


def set_up(make: Make, folder: Path) -> Scene:
    root = make.unit("Tỉnh")
    inside, outside = make.unit("Sở Y tế", under=root), make.unit("Sở Nội vụ", under=root)
    load_small_course(make, folder)
    writer = make.person("Người Viết", unit=inside)
    head = make.person("Trưởng Trong", unit=inside, role="head", over=inside)
    stranger = make.person("Trưởng Ngoài", unit=outside, role="head", over=outside)
    trainer = make.person("Giảng Viên", unit=outside, role="trainer")
    code = open_briefing(make, root, policy=WITH_REFLECTION)
    return Scene(make, root, inside, outside, writer, head, stranger, trainer, code)


@pytest.fixture
def scene(make: Make, tmp_path: Path) -> Scene:
    return kept(make, tmp_path, set_up)


def test_a_reflection_is_written_handed_in_returned_written_again_and_accepted(scene: Scene, make: Make) -> None:
    come(make, scene.code, scene.writer)
    assert scene.standing() == "briefed"
    browser = scene.hands_in()
    assert "Đã nộp bài thu hoạch" in browser.text
    head = scene.reads(scene.head)
    assert FIRST in head.text
    head.submit("Nhận xét", verdict="returned", comment="")
    assert "Nêu cần viết lại những gì" in head.text
    head.submit("Nhận xét", verdict="returned", comment="Nói rõ việc của mình.")
    browser.get(f"/reflections/{scene.code}")
    assert "Nói rõ việc của mình." in browser.text
    scene.hands_in("Tôi tâm đắc nhất dữ liệu số.")
    head = scene.reads(scene.head)
    head.submit("Nhận xét", verdict="accepted", comment="")
    assert scene.standing() == "completed"
    with make.reading() as session:
        verdicts = session.execute(
            select(ReflectionVersion.number, ReflectionVersion.verdict).order_by(ReflectionVersion.number)
        ).all()
        bodies = b"".join(session.scalars(select(XapiBody.body)))
    assert verdicts == [(1, "returned"), (2, "accepted")]
    assert str(scene.head.public_id).encode() in bodies, "the reader is the instructor of the statement"
    assert FIRST.encode() not in bodies
    assert b"b\xc3\xa0 con" not in bodies
    assert not any(check_projections(make.database).values())


def test_a_reflection_accepted_by_mistake_waits_again_and_what_rested_on_it_falls(scene: Scene, make: Make) -> None:
    with make.writing() as session:
        briefing = session.scalars(select(Briefing).where(Briefing.code == scene.code)).one()
        set_rule(session, briefing, issuer="Cơ quan (mẫu)", active=True, by=scene.head.public_id)
    come(make, scene.code, scene.writer)
    scene.hands_in()
    scene.reads(scene.head).submit("Nhận xét", verdict="accepted", comment="Tốt.")
    head, address = scene.reads(scene.head), f"/reflections-to-read/{scene.reflection().public_id}/take-back"
    assert f'href="{address}"' in head.text
    assert make.browser(scene.stranger).get(address).status_code == 404
    head.get(address)
    head.submit("Lý do rút lại", reason="")
    assert "Ghi lý do, ví dụ" in head.text
    assert scene.standing() == "completed"
    head.submit("Lý do rút lại", reason="Bấm nhầm nút.")
    assert "Lý do: Bấm nhầm nút." in head.text
    assert scene.standing() == "briefed"
    head.get(address)
    head.submit("Lý do rút lại", reason="Bấm hai lần.")
    assert "không có gì để rút lại" in head.text
    writer = make.browser(scene.writer)
    writer.get(f"/reflections/{scene.code}")
    assert "Lý do: Bấm nhầm nút." in writer.text
    scene.reads(scene.head).submit("Nhận xét", verdict="accepted", comment="")
    assert scene.standing() == "completed"
    with make.reading() as session:
        certificates = session.execute(select(Certificate.reason).order_by(Certificate.id)).all()
        gone = session.scalars(select(ReflectionTakenBack)).one()
        voided = session.scalars(select(XapiStatement.statement_id).where(XapiStatement.voided)).all()
        log = session.scalars(select(AuditEntry).where(AuditEntry.action == "reflection.take_back")).one()
    assert [tuple(one) for one in certificates] == [(STANDING,), ("",)]
    assert [gone.statement_id] == voided
    assert (gone.number, gone.comment, gone.read_by) == (1, "Tốt.", scene.head.public_id)
    assert log.details["why"] == "Bấm nhầm nút."
    assert not any(check_projections(make.database).values())


def test_who_reads_is_in_scope_and_never_the_writer(scene: Scene, make: Make) -> None:
    scene.hands_in()
    with make.writing() as session:  # the head writes too, and reads everything of the unit but that
        session.add(
            Reflection(
                briefing_id=scene.reflection().briefing_id,
                person_id=scene.head.id,
                state="waiting",
                answers=["của tôi", ""],
                saved_at=clock.now(),
                handed_in_at=clock.now(),
            )
        )
        session.flush()
        own = session.scalars(select(Reflection.public_id).where(Reflection.person_id == scene.head.id)).one()
        theirs = session.scalars(select(Reflection.public_id).where(Reflection.person_id == scene.writer.id)).one()
    assert make.browser(scene.trainer).get(f"/reflections-to-read/{theirs}").status_code == 200
    for reader, which in ((scene.head, own), (scene.stranger, theirs), (scene.writer, theirs)):
        browser = make.browser(reader)
        assert browser.get(f"/reflections-to-read/{which}").status_code == 404
        browser.get("/profile")
        answer = browser.client.post(
            f"/reflections-to-read/{which}",
            data={"csrf_token": dict(browser.forms[0].fields)["csrf_token"], "number": "1", "verdict": "accepted"},
        )
        assert answer.status_code == 404
    assert "Trưởng Trong" not in make.browser(scene.head).get("/reflections-to-read").text.split("<main")[1]
    assert "Người Viết" not in make.browser(scene.stranger).get("/reflections-to-read").text


def test_what_was_read_stands_in_the_log_of_the_writer(scene: Scene, make: Make) -> None:
    scene.hands_in()
    make.browser(scene.head).get("/reflections-to-read")
    scene.reads(scene.head)
    with make.reading() as session:
        noted = session.execute(
            select(AuditEntry.action, AuditEntry.object_id).where(AuditEntry.actor == scene.head.public_id)
        ).all()
    assert ("reflection.list", str(scene.inside.public_id)) in noted
    assert ("reflection.read", str(scene.writer.public_id)) in noted
    assert "Chấm bài thu hoạch" in make.browser(scene.writer).get("/my-data/seen").text


def test_two_readers_judge_once_and_a_version_handed_in_anew_is_read_anew(scene: Scene, make: Make) -> None:
    scene.hands_in()
    first, second = scene.reads(scene.head), scene.reads(scene.trainer)
    first.submit("Nhận xét", verdict="returned", comment="Viết lại.")
    second.submit("Nhận xét", verdict="accepted", comment="")
    assert "đã được chấm" in second.text
    scene.hands_in("Tôi viết lại từ đầu đây.")
    stale = second.client.post(
        f"/reflections-to-read/{scene.reflection().public_id}",
        data={"csrf_token": dict(second.forms[0].fields)["csrf_token"], "number": "1", "verdict": "accepted"},
        headers={"Origin": "http://localhost"},
    )
    assert stale.status_code == 302
    assert scene.reflection().state == rules.WAITING


def test_what_was_typed_survives_another_tab_and_the_end_of_the_session(scene: Scene, make: Make) -> None:
    old = make.browser(scene.writer)
    old.get(f"/reflections/{scene.code}")
    scene.writes("Bản ở máy cơ quan.")
    answer = old.submit("Lưu bài", **typed("Bản ở nhà."))
    assert answer.status_code == 409
    assert "Bản ở nhà." in answer.text
    assert "Bản ở máy cơ quan." in answer.text
    old.submit("Lưu bài", **typed("Bản ở nhà. Bản ở máy cơ quan."))
    assert scene.reflection().answers[0] == "Bản ở nhà. Bản ở máy cơ quan."
    with old.client.session_transaction() as cookie:
        cookie.pop("_user_id")
    old.submit("Lưu bài", **typed("Gõ khi phiên đã hết."))
    assert old.page is not None
    assert old.page.status_code == 401
    assert old.form("sign-in").fields, "the sign-in page holds the form"


def test_the_script_is_answered_in_its_own_words(scene: Scene, make: Make) -> None:
    browser = scene.writes()
    fields = dict(browser.form("Lưu bài").fields)
    json, path = {"Accept": "application/json", "Origin": "http://localhost"}, f"/reflections/{scene.code}"
    sent = {"csrf_token": fields["csrf_token"], "_1": fields["_1"], "Câu 1": "Viết tiếp câu một."}
    told = browser.client.post(path, data=sent, headers=json)
    assert told.get_json()["known"]["1"] == fingerprint("Viết tiếp câu một.")
    again = browser.client.post(path, data={**sent, "Câu 1": "Từ trang cũ."}, headers=json)
    assert (again.status_code, again.json) == (409, {"error": "elsewhere"})
    long = browser.client.post(
        path, data={**sent, "_1": fingerprint("Viết tiếp câu một."), "Câu 1": "a" * 20_001}, headers=json
    )
    assert long.status_code == 422
    assert scene.reflection().answers[0] == "Viết tiếp câu một."
    browser.get(f"{path}/hand-in")
    browser.submit("Nộp rồi thì không sửa được")
    closed = browser.client.post(path, data=sent, headers=json)
    assert (closed.status_code, closed.json) == (409, {"error": "closed"})


def test_who_is_exempt_is_not_asked_and_nobody_is_before_there_are_questions(scene: Scene, make: Make) -> None:
    learner = make.browser(scene.writer)
    with make.writing() as session:
        briefing = session.scalars(select(Briefing).where(Briefing.code == scene.code)).one()
        session.add(
            RollDecision(
                briefing_id=briefing.id,
                person_id=scene.writer.id,
                kind="exempt",
                reason="Miễn sinh hoạt.",
                approved_by="Chi ủy",
                decided_at=clock.now(),
            )
        )
        session.flush()
        tell(session, RollChanged(briefing.id, (scene.writer.id,)))
    assert "không có đợt" in learner.get("/reflections").text
    assert learner.get(f"/reflections/{scene.code}").status_code == 404
    other = make.browser(scene.head)
    with make.writing() as session:
        session.delete(session.scalars(select(ReflectionTask)).one())
    assert "Câu hỏi chưa được ra" in other.get(f"/reflections/{scene.code}").text


def test_questions_are_set_and_what_was_handed_in_keeps_those_it_answered(scene: Scene, make: Make) -> None:
    scene.hands_in()
    organiser = make.browser(make.person("Quản Trị", role="administrator"))
    organiser.get(f"/reflection-questions/{scene.code}")
    organiser.submit("Lưu câu hỏi", text_1="", text_2="")
    assert "Viết ít nhất một câu hỏi" in organiser.text
    organiser.submit("Lưu câu hỏi", text_1="Câu mới?", least_1="9", most_1="3")
    assert "từ số chữ ít nhất trở lên" in organiser.text
    organiser.submit("Lưu câu hỏi", text_1="Câu mới?", least_1="1", most_1="30")
    assert "Đã lưu câu hỏi" in organiser.text
    assert "Đồng chí tâm đắc điều gì?" in scene.reads(scene.head).text


def test_an_auditor_reads_which_briefings_ask_what_and_sets_no_questions(scene: Scene, make: Make) -> None:
    auditor, edit = make.browser(make.person("Kiểm Tra", role="auditor")), f"/reflection-questions/{scene.code}"
    page = auditor.get("/reflection-questions").text
    assert "Đồng chí tâm đắc điều gì?" in page
    assert edit not in page
    assert auditor.get(edit).status_code == 404
    organiser = make.browser(make.person("Quản Trị", role="administrator"))
    assert edit in organiser.get("/reflection-questions").text
    assert make.browser(scene.trainer).get("/reflection-questions").status_code == 404


def test_texts_are_shown_to_their_writer_and_go_with_the_person(scene: Scene, make: Make) -> None:
    scene.hands_in()
    assert FIRST in make.browser(scene.writer).get("/my-data").text
    with make.writing() as session:
        tell(session, PersonErased(scene.writer.id, ()))
    with make.reading() as session:
        assert session.scalar(select(func.count()).select_from(Reflection)) == 0
        assert session.scalar(select(func.count()).select_from(ReflectionVersion)) == 0


def test_the_queue_costs_the_same_with_ten_times_the_reflections(scene: Scene, make: Make) -> None:
    head, costs = make.browser(scene.head), []
    briefing_id = None
    for number in (2, 20):
        people = [make.person(f"Người {number} {n}", unit=scene.inside) for n in range(number)]
        with make.writing() as session:
            briefing_id = session.scalars(select(Briefing.id).where(Briefing.code == scene.code)).one()
            now = clock.now()
            for one in people:
                made = Reflection(
                    public_id=uuid.uuid4(),
                    briefing_id=briefing_id,
                    person_id=one.id,
                    state="waiting",
                    answers=["", ""],
                    saved_at=now,
                    handed_in_at=now,
                )
                session.add(made)
        head.get("/reflections-to-read")
        with count_queries(make.app) as counted:
            head.get("/reflections-to-read")
        costs.append(len(counted))
    assert costs[0] == costs[1]
