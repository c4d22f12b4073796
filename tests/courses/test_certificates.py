"""Certificates follow the standing, say what was signed, are found by what is printed on them and by nothing else."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from courses.briefings.actions import change_briefing
from courses.briefings.models import Standing
from courses.briefings.projector import StandingChange, StandingsChanged
from courses.briefings.queries import rehearsal
from courses.briefings.rehearsal import Wanted
from courses.certificates import actions
from courses.certificates.access import checked
from courses.certificates.models import Certificate, CertificatePrint, CertificateRule
from courses.certificates.queries import printed
from courses.certificates.render import TEMPLATE, Printed, as_pdf, check_address, told
from courses.certificates.rules import FALL, ISSUE, Fields, as_made, follows, grouped
from courses.certificates.signature import code_fits, code_of, is_ours, signed
from courses.enrolment.actions import give, withdraw_many
from courses.enrolment.models import Assignment, Briefing
from lms import clock
from lms.accounts.actions import grant_role
from lms.accounts.models import Person
from lms.accounts.storage import place_people
from lms.audit.models import AuditEntry
from lms.doors import tell
from lms.duplicates.actions import link_people
from lms.organisation.actions import create_unit
from lms.organisation.models import PARTY_TREE, Unit
from lms.outbox.cli import Worker
from lms.privacy.actions import PersonErased
from lms.xapi import vocabulary
from lms.xapi.actions import ourselves, record
from tests.briefed import AT_A_POINT, come, open_briefing
from tests.browser import Browser
from tests.conftest import config_for
from tests.kept import kept
from tests.library_course import load_small_course
from tests.lms.test_printing import unpacked
from tests.make import Make

ISSUER = "Ban Tuyên giáo và Dân vận (mẫu)"
CONFIG = config_for("sqlite://", Path())
SIGNED = Fields(
    number="7K4M9PXR",
    person=uuid.UUID(int=7),
    subject="Học tập Nghị quyết",
    documents=("48-NQ/TU",),
    policy=1,
    unit="Sở Y tế",
    issuer=ISSUER,
    completed_on=date(2026, 11, 20),
    issued_on=date(2026, 11, 26),
)
ALTERED: Mapping[str, Any] = {
    "number": "7K4M9PXS",
    "person": uuid.UUID(int=8),
    "subject": "Học tập Nghị quyết khác",
    "documents": ("48-NQ/TU", "55/KH-UBND"),
    "policy": 2,
    "unit": "Sở Nội vụ",
    "issuer": "Cơ quan khác",
    "completed_on": date(2026, 11, 19),
    "issued_on": date(2026, 11, 25),
}
ON_PAPER = Printed(
    number="7K4M9PXR",
    code="ABCDEFGH2345",
    name="Nguyễn Thị Thuỷ",
    unit="Sở Y tế <b>",
    subject="Học tập #Nghị quyết* số 48",
    documents=("48-NQ/TU",),
    issuer=ISSUER,
    completed_on=date(2026, 11, 20),
    issued_on=date(2026, 11, 26),
    fictional=False,
)


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (None, "completed", ISSUE),
        ("briefed", "completed", ISSUE),
        ("completed", "briefed", FALL),
        ("completed", "completed", ""),
        ("completed", None, ""),  # left the roll: what was completed stays so
        (None, "briefed", FALL),  # came onto the roll: one from before says more than is so by now
        ("briefed", "in_progress", ""),
    ],
)
def test_what_follows_from_a_standing_that_changes(before: str | None, after: str | None, what: str) -> None:
    rows = [None if state is None else {"state": state} for state in (before, after)]
    assert follows(*rows) == what


def test_altered_in_any_field_it_is_refused_and_a_former_key_still_vouches() -> None:
    signature = signed(CONFIG, SIGNED.content())
    assert is_ours(CONFIG, SIGNED.content(), signature)
    assert {
        name for name in ALTERED if is_ours(CONFIG, replace(SIGNED, **{name: ALTERED[name]}).content(), signature)
    } == set()
    assert set(ALTERED) == set(SIGNED.__dataclass_fields__)
    renewed = replace(
        CONFIG, secret_key="another secret for tests, long enough: 3v8k", former_secret_keys=(CONFIG.secret_key,)
    )
    assert is_ours(renewed, SIGNED.content(), signature)
    code = code_of(CONFIG, signature, "Nguyễn Thị Thuỷ")
    assert code_fits(renewed, signature, "Nguyễn Thị Thuỷ", code)
    assert not code_fits(CONFIG, signature, "Nguyễn Thị Thủy Tiên", code)
    assert not is_ours(replace(CONFIG, secret_key=renewed.secret_key), SIGNED.content(), signature)


@pytest.mark.parametrize("typed", ["7k4m-9pxr", " 7K4M 9PXR", "7K4M9PXR"])
def test_a_number_is_taken_however_it_is_typed(typed: str) -> None:
    assert as_made(typed) == "7K4M9PXR"
    assert (as_made("oil"), grouped("7K4M9PXR")) == ("011", "7K4M-9PXR")


def test_the_file_has_a_page_for_each_its_fonts_and_the_same_bytes_for_the_same() -> None:
    site, other = "https://hoc.example.gov.vn", replace(ON_PAPER, fictional=True)
    file = as_pdf(site, [ON_PAPER, other], at=clock.now())
    parts = b"".join(unpacked(file))
    assert b"/Count 2" in parts
    assert b"FontFile" in parts
    long = replace(other, name="Nguyễn " * 12, unit="Trung tâm " * 20, subject="Quán triệt " * 40, issuer="Ban " * 36)
    one_page = as_pdf(site, [replace(long, documents=("48-NQ/TU",) * 20)], at=clock.now())
    assert b"/Count 1" in b"".join(unpacked(one_page))
    noon = clock.now()
    assert as_pdf(site, [ON_PAPER], at=noon) == as_pdf(site, [ON_PAPER], at=noon)
    assert check_address(site, ON_PAPER) == f"{site}/certificates/check?number=7K4M9PXR&code=ABCDEFGH2345"
    assert told(site, ON_PAPER)["completed_on"] == "20/11/2026"


def test_it_is_called_by_its_name_and_never_by_that_of_a_regulated_diploma() -> None:
    folder = Path(actions.__file__).parent
    texts = [path.read_text("utf-8") for path in (*folder.glob("templates/*"), *folder.glob("*.py"))]
    assert not any(re.search(r"chứng\s+chỉ", text, re.IGNORECASE) for text in texts)
    assert any("GIẤY CHỨNG NHẬN HOÀN THÀNH" in text for text in texts)


@dataclass(frozen=True)
class Scene:
    """A briefing that issues certificates, given to the province; two agencies in it."""

    make: Make
    inside: Unit
    outside: Unit
    learner: Person
    head: Person
    stranger: Person
    administrator: Person
    code: str

    def certificates(self) -> list[Certificate]:
        with self.make.reading() as session:
            return list(session.scalars(select(Certificate).order_by(Certificate.id)))

    def paper(self, certificate: Certificate) -> Printed:
        """What is printed on it."""
        with self.make.reading() as session:
            shown = printed(session, certificate, session.get_one(Person, certificate.person_id))
        assert shown is not None
        return shown

    def check(self, number: str, code: str) -> Browser:
        """The page for whoever is not signed in."""
        browser = self.make.browser()
        browser.get("/certificates/check", query_string={"number": number, "code": code})
        return browser


def set_up(make: Make, folder: Path) -> Scene:
    root = make.unit("Tỉnh")
    inside, outside = make.unit("Sở Y tế", under=root), make.unit("Sở Nội vụ", under=root)
    load_small_course(make, folder)
    learner = make.person("Nguyễn Thị Thuỷ", unit=inside)
    head = make.person("Trưởng Trong", unit=inside, role="head", over=inside)
    stranger = make.person("Trưởng Ngoài", unit=outside, role="head", over=outside)
    administrator = make.person("Quản Trị", role="administrator")
    code = open_briefing(make, root)
    browser = make.browser(administrator)
    browser.get(f"/certificates-issued/rules/{code}")
    browser.submit("Cơ quan cấp", issuer=ISSUER)
    work(make)
    return Scene(make, inside, outside, learner, head, stranger, administrator, code)


def work(make: Make) -> None:
    """Let the worker do what waits."""
    worker = Worker(make.database)
    while worker.step():
        pass


@pytest.fixture
def scene(make: Make, tmp_path: Path) -> Scene:
    return kept(make, tmp_path, set_up)


def test_whoever_completes_gets_one_and_the_public_page_shows_all_that_is_printed_and_no_more(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner)
    [certificate] = scene.certificates()
    paper = scene.paper(certificate)
    own = scene.make.browser(scene.learner)
    assert grouped(certificate.number) in own.get("/certificates").text
    file = own.get(f"/certificates/{certificate.public_id}.pdf")
    assert (file.status_code, file.data[:5]) == (200, b"%PDF-")
    page = scene.check(paper.number, paper.code)
    shown = told("https://localhost", paper)
    lines = [
        unescape(line) for line in re.findall(r"<dd>(?:<strong>)?(?:<span[^>]*>)?(.*?)</", page.text.split("<main")[1])
    ]
    assert "còn giá trị" in page.text
    wanted = ("name", "unit", "subject", "documents", "completed_on", "issued_on", "issuer", "number", "code")
    assert lines == [", ".join(shown[one]) if one == "documents" else shown[one] for one in wanted]
    assert str(scene.learner.public_id) not in page.text
    assert str(certificate.public_id) not in page.text


def test_guessing_tells_nothing_and_soon_has_to_wait(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner, scene.head)
    one, other = (scene.paper(each) for each in scene.certificates())
    answers = [
        scene.check(one.number, other.code),
        scene.check("0" * 8, one.code),
        scene.check(one.number, "0" * 12),
    ]
    assert [answer.page.status_code for answer in answers if answer.page] == [404] * 3
    assert not any("Thuỷ" in answer.text or "Sở Y tế" in answer.text for answer in answers)
    assert scene.check(one.number, "x").page.status_code == 422  # type: ignore[union-attr]
    for _guess in range(17):
        scene.check(one.number, "1" * 12)
    assert scene.check(one.number, one.code).page.status_code == 429  # type: ignore[union-attr]


def test_what_is_altered_in_the_database_is_neither_shown_nor_printed(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner)
    [certificate] = scene.certificates()
    paper, own = scene.paper(certificate), scene.make.browser(scene.learner)
    columns = {
        "subject": "Khác",
        "documents": [],
        "policy_number": 9,
        "unit_name": "Khác",
        "issuer": "Khác",
        "completed_on": date(2020, 1, 1),
        "issued_on": date(2020, 1, 1),
        "person_id": scene.head.id,
        "signature": b"x" * 64,
    }
    for name, value in columns.items():
        with scene.make.writing() as session:
            session.execute(update(Certificate).values({name: value}))
        with scene.make.reading() as session:
            assert checked(session, paper.number, paper.code) is None, name
        assert own.get(f"/certificates/{certificate.public_id}.pdf").status_code == 404, name
        with scene.make.writing() as session:
            session.execute(update(Certificate).values({name: getattr(certificate, name)}))
    with scene.make.writing() as session:  # another name: what was printed under the former one fits no more
        session.get_one(Person, scene.learner.id).full_name = "Nguyễn Thị Khác"
    with scene.make.reading() as session:
        assert checked(session, paper.number, paper.code) is None


def take_back(scene: Scene, said: uuid.UUID) -> None:
    """Void a statement of ours."""
    with scene.make.writing() as session:
        source = ourselves(session)
        void = {
            "actor": {
                "account": {"homePage": "https://quan-triet.example", "name": str(scene.administrator.public_id)}
            },
            "verb": {"id": vocabulary.VOIDED},
            "object": {"objectType": "StatementRef", "id": str(said)},
        }
        record(session, [void], source=source)


def test_it_falls_with_the_standing_and_completing_anew_brings_another(scene: Scene) -> None:
    [said] = come(scene.make, scene.code, scene.learner)
    first = scene.paper(scene.certificates()[0])
    take_back(scene, said)
    page = scene.check(first.number, first.code)
    assert "đã bị thu hồi" in page.text
    assert "không còn đủ" in page.text
    assert (
        scene.make.browser(scene.learner).get(f"/certificates/{scene.certificates()[0].public_id}.pdf").status_code
        == 404
    )
    come(scene.make, scene.code, scene.learner)
    fallen, valid = scene.certificates()
    assert (fallen.reason, valid.reason) == ("standing", "")
    assert fallen.number != valid.number


def test_revoked_by_hand_says_why_and_only_what_is_replaced_comes_again(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner, scene.head)
    administrator = scene.make.browser(scene.administrator)
    one, other = scene.certificates()
    for certificate, reason in ((one, "mistake"), (other, "replaced")):
        administrator.get(f"/certificates-issued/{certificate.public_id}/revoke")
        administrator.submit("Nêu rõ", reason=reason, remark="Theo công văn số 5.")
    work(scene.make)
    with scene.make.writing() as session:
        actions.issue_missing(session, {"briefing": one.briefing_id})
    found = [(each.person_id, each.reason) for each in scene.certificates()]
    assert found == [(one.person_id, "mistake"), (other.person_id, "replaced"), (other.person_id, "")]
    page = scene.check(scene.paper(one).number, scene.paper(one).code)
    assert "Cấp nhầm" in page.text
    assert "công văn" not in page.text


def test_lost_for_good_it_does_not_come_again_by_completing_anew(scene: Scene) -> None:
    [said] = come(scene.make, scene.code, scene.learner)
    administrator = scene.make.browser(scene.administrator)
    administrator.get(f"/certificates-issued/{scene.certificates()[0].public_id}/revoke")
    administrator.submit("Nêu rõ", reason="misuse", remark="Theo công văn số 5.")
    take_back(scene, said)
    come(scene.make, scene.code, scene.learner, scene.head)
    found = [(one.person_id, one.reason) for one in scene.certificates()]
    assert found == [(scene.learner.id, "misuse"), (scene.head.id, "")]


def test_a_rule_reaches_back_and_without_one_nothing_is_issued(scene: Scene) -> None:
    make = scene.make
    plain = open_briefing(make, scene.inside, code="dot-2", title="Đợt hai")
    come(make, plain, scene.learner)
    assert scene.certificates() == []
    administrator = make.browser(scene.administrator)
    administrator.get(f"/certificates-issued/rules/{plain}")
    administrator.submit("Cơ quan cấp", issuer=ISSUER)
    work(make)
    work(make)
    [certificate] = scene.certificates()
    assert certificate.subject == "Đợt hai"
    with make.writing() as session:  # told twice: nobody gets two
        row = session.scalars(select(Standing).where(Standing.state == "completed")).one()
        values = {column.name: getattr(row, column.name) for column in Standing.__table__.columns}
        change = StandingChange(row.briefing_id, row.person_id, None, values)
        tell(session, StandingsChanged((change,)))
    assert len(scene.certificates()) == 1


def test_an_auditor_reads_in_which_briefings_certificates_are_issued_and_changes_none(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner)
    auditor, rule = scene.make.browser(scene.make.person(role="auditor")), f"/certificates-issued/rules/{scene.code}"
    page = auditor.get(f"/certificates-issued/units/{scene.inside.public_id}").text
    assert 'href="/certificates-issued/rules"' in page
    assert "/revoke" not in page
    page = auditor.get("/certificates-issued/rules").text
    assert ISSUER in page
    assert rule not in page
    assert auditor.get(rule).status_code == 404
    assert rule in scene.make.browser(scene.administrator).get("/certificates-issued/rules").text
    trainer = scene.make.browser(scene.make.person(role="trainer"))
    assert trainer.get("/certificates-issued/rules").status_code == 404


def test_the_head_prints_the_unit_and_nobody_elses(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    come(scene.make, scene.code, scene.learner, scene.stranger)
    head, address = scene.make.browser(scene.head), f"/certificates-issued/units/{scene.inside.public_id}"
    page = head.get(address)
    assert "Nguyễn Thị Thuỷ" in page.text
    assert "Trưởng Ngoài" not in page.text.split("<main")[1]
    file = head.submit("In cả 1 giấy")
    assert file.data.startswith(b"%PDF-")
    assert scene.make.browser(scene.stranger).get(address).status_code == 404
    monkeypatch.setattr("courses.certificates.admin.PRINTED_AT_ONCE", 0)
    head.get(address)
    head.submit("In cả 1 giấy")
    assert "Đang in 1 giấy" in head.text
    waiting = head.path
    work(scene.make)
    assert "đã sẵn sàng" in head.get(waiting).text
    assert head.get(f"{waiting}.pdf").data.startswith(b"%PDF-")
    assert scene.make.browser(scene.administrator).get(waiting).status_code == 404
    with scene.make.reading() as session:
        noted = select(AuditEntry.action).where(AuditEntry.actor == scene.head.public_id).order_by(AuditEntry.id)
        assert session.scalars(noted).all().count("certificate.print") == 2
    with scene.make.writing() as session:
        tell(session, PersonErased(scene.learner.id, ()))
        assert session.scalar(select(func.count()).select_from(CertificatePrint)) == 0


def test_who_heads_an_organisation_of_the_party_alone_prints_those_of_its_members(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(scene.make, scene.code, scene.learner, scene.head, scene.stranger)
    since, secretary_id = clock.today() - timedelta(days=30), scene.make.person("Bí Thư").id
    with scene.make.writing() as session:
        kept: dict[str, Any] = {"kind": "party_body", "parent": None, "since": since, "tree": PARTY_TREE}
        cell = create_unit(session, code="cb", name="Chi bộ 1", **kept)
        create_unit(session, code="cb2", name="Chi bộ 2", **kept)
        members = dict.fromkeys([scene.learner.id, scene.stranger.id], cell.id)
        place_people(session, members, on=since, tree=PARTY_TREE)
        secretary = session.get_one(Person, secretary_id)
        grant_role(session, secretary, "head", unit=cell, since=since, tree=PARTY_TREE)
        address = f"/certificates-issued/units/{cell.public_id}"
    browser = scene.make.browser(secretary)
    page = browser.get("/certificates-issued").text
    assert browser.path.startswith(address)
    assert all(name in page for name in ("Nguyễn Thị Thuỷ", "Trưởng Ngoài", "Cây tổ chức đảng"))
    assert "Trưởng Trong" not in page
    assert browser.submit("In cả 2 giấy").data.startswith(b"%PDF-")
    assert browser.get(f"{address}?tree=state").status_code == 404
    assert browser.get(f"/certificates-issued/units/{scene.inside.public_id}").status_code == 404
    assert scene.make.browser(scene.head).get(f"{address}?tree=party").status_code == 404
    monkeypatch.setattr("courses.certificates.admin.PRINTED_AT_ONCE", 0)
    browser.get(address)
    browser.submit("In cả 2 giấy")
    work(scene.make)
    assert browser.get(f"{browser.path}.pdf").data.startswith(b"%PDF-")
    with scene.make.reading() as session:
        assert session.scalars(select(CertificatePrint.number)).all() == [2]
        noted = select(AuditEntry).where(AuditEntry.action.startswith("certificate.p"))
        assert [one.details["tree"] for one in session.scalars(noted)] == ["party", "party"]


def test_that_of_somebody_fictional_says_so(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner)
    real = scene.paper(scene.certificates()[0])
    with scene.make.writing() as session:
        session.get_one(Person, scene.learner.id).fictional = True
    assert "nhân vật hư cấu" in scene.check(real.number, real.code).text
    assert scene.paper(scene.certificates()[0]) == replace(real, fictional=True)
    assert "if one.fictional {\n    place" in TEMPLATE.read_text("utf-8")


def test_nobody_fetches_the_certificate_of_somebody_else(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner)
    [certificate] = scene.certificates()
    for person in (scene.head, scene.administrator):
        browser = scene.make.browser(person)
        assert browser.get(f"/certificates/{certificate.public_id}.pdf").status_code == 404


def test_another_briefing_given_to_a_unit_keeps_its_own_certificates(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner)
    with scene.make.writing() as session:  # another due date for the same people: nothing falls, nothing comes
        briefing = session.scalars(select(Briefing).where(Briefing.code == scene.code)).one()
        give(session, briefing, session.get_one(Unit, scene.inside.id), due_days=3)
    assert [one.reason for one in scene.certificates()] == [""]


def asked_more(scene: Scene) -> None:
    """The briefing asks for the test too, which nobody has taken."""
    with scene.make.writing() as session:
        briefing = session.scalars(select(Briefing).where(Briefing.code == scene.code)).one()
        wanted = Wanted(replace(AT_A_POINT, asked=replace(AT_A_POINT.asked, test=True)))
        digest = rehearsal(session, briefing, wanted, now=clock.now()).digest
        change_briefing(session, briefing, wanted, digest=digest, reason="Thêm bài kiểm tra")


def test_whoever_comes_back_onto_the_roll_holds_none_that_says_more_than_is_so_by_now(scene: Scene) -> None:
    come(scene.make, scene.code, scene.learner)
    with scene.make.writing() as session:
        withdraw_many(session, session.scalars(select(Assignment)).all())
    asked_more(scene)
    assert [one.reason for one in scene.certificates()] == [""]  # off the roll it was kept
    with scene.make.writing() as session:
        briefing = session.scalars(select(Briefing).where(Briefing.code == scene.code)).one()
        give(session, briefing, session.get_one(Unit, scene.inside.id), due_days=3)
    assert [one.reason for one in scene.certificates()] == ["standing"]


def test_what_another_record_of_the_person_was_issued_falls_too(scene: Scene) -> None:
    twice = scene.make.person("Nguyễn Thị Thuỷ", unit=scene.inside)
    come(scene.make, scene.code, twice, scene.head)
    with scene.make.writing() as session:
        both = (session.get_one(Person, one.id) for one in (twice, scene.learner))
        link_people(session, *both, by=scene.administrator.public_id)
    issued = {one.person_id: one.reason for one in scene.certificates()}
    assert issued == dict.fromkeys((twice.id, scene.learner.id, scene.head.id), "")
    asked_more(scene)
    assert {one.reason for one in scene.certificates()} == {"standing"}


@pytest.mark.parametrize("left", ["rule", "roll"])
def test_what_would_not_come_again_is_not_taken_to_be_replaced(scene: Scene, left: str) -> None:
    come(scene.make, scene.code, scene.learner)
    with scene.make.writing() as session:
        if left == "rule":
            session.execute(update(CertificateRule).values(active=False))
        else:
            withdraw_many(session, session.scalars(select(Assignment)).all())
    [certificate] = scene.certificates()
    administrator = scene.make.browser(scene.administrator)
    administrator.get(f"/certificates-issued/{certificate.public_id}/revoke")
    administrator.submit("Nêu rõ", reason="replaced", remark="Đổi đơn vị, theo công văn số 5.")
    assert administrator.page is not None
    assert administrator.page.status_code == 422
    assert "Giấy mới không được cấp" in administrator.text
    assert "Đổi đơn vị, theo công văn số 5." in administrator.text
    assert [one.reason for one in scene.certificates()] == [""]
    administrator.submit("Nêu rõ", reason="other", remark="Theo công văn số 5.")
    assert [one.reason for one in scene.certificates()] == ["other"]
