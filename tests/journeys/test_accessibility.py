"""Every page of the product, as each of the four people reaches it: axe finds nothing, and nothing is cut off."""

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from analytics.api.actions import make_token
from analytics.reports.actions import freeze, order_file
from analytics.reports.models import ReportSubmission
from analytics.reports.papers import by_unit
from analytics.reports.queries import subject
from assessments.attempts.access import access_test
from assessments.attempts.actions import Absent, start_attempt
from assessments.reflections.access import access_own
from assessments.reflections.actions import hand_in, keep, set_questions
from assessments.reflections.models import Reflection
from assessments.reflections.rules import Question, Sent, fingerprint
from courses.briefings.actions import change_briefing, freeze_roll, open_briefing
from courses.briefings.models import MeetingPoint
from courses.briefings.queries import rehearsal
from courses.briefings.rehearsal import Wanted
from courses.briefings.rules import MAKE_UP, ONLINE, POINT, Asked, Policy
from courses.catalog.models import Course
from courses.certificates.actions import ask_for_print, issue, set_rule
from courses.certificates.models import Certificate, CertificateRule
from courses.enrolment.actions import decide, give
from courses.enrolment.models import Assignment, Briefing
from courses.meetings.actions import Mark, open_check_in, take
from lms import clock
from lms.accounts.actions import issue_link
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount
from lms.accounts.rules import EVERYONE, PERMISSIONS
from lms.announcements.actions import announce
from lms.duplicates.actions import tell_apart
from lms.forwarding.actions import Wish, add_target
from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.organisation.models import Unit, UnitOperation
from lms.privacy.actions import ask
from lms.privacy.models import PrivacyRequest
from lms.roster.actions import receive, rehearse, taken_apart
from lms.roster.models import RosterUpload
from lms.web.gate import PUBLIC, policy_of
from lms.xapi.models import XapiStatement
from tests import rosters
from tests.channels import channel_with_trouble
from tests.courses.gathering import briefing_of, sitting_of
from tests.floor.keys import give_passkey
from tests.journeys.conftest import Site
from tests.journeys.looks import LOOKS, faults
from tests.journeys.province import (
    ADMINISTRATOR,
    COURSE,
    HEAD,
    LEARNER,
    PASSWORD,
    PEOPLE,
    TRAINER,
    Province,
    due_day,
    pass_test,
)
from tests.store import Outsider, statement
from tests.telephone import Telephone, set_up_anew

pytestmark = pytest.mark.chromium

NOBODY = "nobody"
IN_TURN = (LEARNER, HEAD, TRAINER, ADMINISTRATOR)
ALREADY_SIGNED_IN = {
    "accounts.sign_in",
    "accounts.first_password",
    "accounts.forgotten",
    "accounts.mail_on_its_way",
    "authentication.activate",
}
"""Pages for whoever is not signed in yet."""
STEPS = {"accounts.renew_password", "authentication.code", "authentication.enrol"}
"""Pages between the password and the session, looked at on their own below."""
NOT_PAGES = {
    "web.home",
    "web.health",
    "api.document",
    "audit.export",
    "certificates.download",
    "charts.table",
    "dashboard.unit_csv",
    "lists.roll_csv",
    "sittings.board_csv",
    "people.units",
    "dashboard.unit_json",
    "issued.print_file",
    "meetings.worker",
    "numbers.course_csv",
    "numbers.points_csv",
    "privacy.download",
    "report_files.content",
    "report_files.form_file",
    "report_files.metrics",
    "report_files.questions_file",
    "report_files.snapshot_file",
    "roster_files.corrected",
    "roster_files.leave",
    "ways.to_service",
    "ways.back_from_service",
    "ways.leave_service",
}
"""What leads elsewhere at once or answers programs."""

OF_CERTIFICATES = (
    "questions.edit",
    "reflections.write",
    "reflections.confirm",
    "issued.rule",
)
"""Pages about the briefing that asks for a reflection and issues certificates."""


def permissions_of(username: str) -> set[str]:
    """What this person may do."""
    if username == NOBODY:
        return {PUBLIC}
    return {PUBLIC} | PERMISSIONS[EVERYONE] | PERMISSIONS.get(PEOPLE[username].role, frozenset())


def pages_of(app: Flask, username: str) -> list[Rule]:
    """The routes behind which this person finds a page."""
    allowed = permissions_of(username)
    elsewhere = NOT_PAGES | STEPS | (set() if username == NOBODY else ALREADY_SIGNED_IN)
    return [
        rule
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
        if "GET" in (rule.methods or ()) and rule.endpoint not in elsewhere and policy_of(app, rule.endpoint) in allowed
    ]


def is_own(app: Flask, rule: Rule, username: str) -> bool:
    """Whether the page is looked at from all sides with this person: the first of the four who may open it.

    Others see it under another menu and perhaps with more on it, which is looked at where it is of a new sort.
    """
    before = IN_TURN[: IN_TURN.index(username)] if username in IN_TURN else ()
    return not any(policy_of(app, rule.endpoint) in permissions_of(one) for one in before)


def real_ids(site: Site, username: str) -> dict[str, Any]:
    """For each argument of an address, or of one endpoint only, something that is there."""
    province = site.province
    ids: dict[str, Any] = {
        "course_code": COURSE,
        "code": COURSE,
        "module_code": "m1",
        "lesson_code": "m1-1",
        "activity_code": "m1-test",
        "unit_id": province.unit("snn").public_id,
        "organisation.show": {"public_id": province.unit("snn").public_id},
        "changes.ask": {"public_id": province.unit("snn").public_id, "kind": "consolidate"},
        "public_id": province.person(LEARNER).public_id,
        "metric": "briefed_rate",
    }
    outsider = Outsider(site.make, "all", name="Cổng học tập")
    ids["client_id"] = outsider.id
    [ids["statement_id"]] = outsider.post(statement()).get_json()
    if username != NOBODY:
        ids |= gathering(site, province.person(username))
    with site.make.writing() as session:
        ids["token"] = issue_link(session, session.get_one(Person, province.person("maibt").id))
        ids["enrolment.show"] = {
            "public_id": session.scalars(select(Assignment.public_id).order_by(Assignment.id).limit(1)).one()
        }
        ids["enrolment.ask_withdraw"] = ids["enrolment.show"]
        head = province.person(HEAD)
        held = session.scalars(select(RoleGrant.id).where(RoleGrant.person_id == head.id)).one()
        ids["operation_id"] = session.scalars(select(UnitOperation.public_id).limit(1)).one()
        ids["roles.ask_end"] = {"public_id": head.public_id, "grant_id": held}
        if username != NOBODY:
            me = province.person(username)
            ids["authentication.rename_passkey"] = {"public_id": give_passkey(session, me)}
            who = Absent(me.id, me.public_id)
            ids["attempts.review"] = {"attempt_id": pass_test(session, who, "m1-test").public_id}
            sitting = access_test(session, who, COURSE, "m1-test", to_change=True)
            ids["attempt_id"] = start_attempt(session, who, sitting).public_id
            ids |= of_a_briefing(session, province, me)
        for page, kind in (
            ("show", "correction"),
            ("correct", "correction"),
            ("refuse", "erasure"),
            ("erase", "erasure"),
        ):
            ids[f"privacy_requests.{page}"] = {"public_id": asked_by(session, province.person(LEARNER), kind)}
        ids |= people_decided_about(session, province)
        ids |= briefed(session, province)
        ids |= reported(session, province.unit("snn"), province.person(username if username != NOBODY else LEARNER))
        for endpoint in ("forwarding.show", "forwarding.renew", "forwarding.remove"):
            ids[endpoint] = {"public_id": failing_target(session).public_id}
        hook, _message = channel_with_trouble(session)
        ids |= {f"webhooks.{page}": {"public_id": hook} for page in ("show", "renew", "remove")}
        for endpoint in ("roster.columns", "roster.units", "roster.show"):
            ids[endpoint] = {"public_id": list_of(session, province.unit("snn")).public_id}
    return ids


def briefed(session: Session, province: Province) -> dict[str, Any]:
    """A briefing with everything a page may say of it: documents, exceptions, choices, a change, a frozen roll."""
    course = session.scalars(select(Course).where(Course.code == COURSE)).one()
    asked = Asked(frozenset({POINT, ONLINE, MAKE_UP}), pass_mark=0.7, reflection=True)
    policy = Policy(asked, {"vien_chuc": Asked(asked.ways, test=False)})
    about: dict[str, Any] = {"title": "Hội nghị quán triệt Nghị quyết số 48-NQ/TU"}
    about["documents"] = ["Nghị quyết số 48-NQ/TU"]
    briefing = open_briefing(session, course, code="nq48-hoi-nghi", policy=policy, **about)
    unit = session.get_one(Unit, province.unit("tinh").id)
    give(session, briefing, unit, due_days=20, choices=[("category", "cong_chuc"), ("party", "quan_chung")])
    learner = session.get_one(Person, province.person(LEARNER).id)
    decide(session, briefing, learner, "leave", reason="Đi công tác", approved_by="Giám đốc Sở")
    roll = freeze_roll(session, briefing, reason="Báo cáo Ban Thường vụ")
    wanted = Wanted(policy)
    digest = rehearsal(session, briefing, wanted, now=clock.now()).digest
    change_briefing(session, briefing, wanted, digest=digest, reason="Theo công văn.")
    return {"briefing_code": briefing.code, "roll_id": roll.public_id}


def gathering(site: Site, host: Person) -> dict[str, Any]:
    """A sitting with a point whose roll this person takes, somebody seen there, and codes on the screen."""
    unit = site.province.unit("snn")
    briefing = briefing_of(site.make, unit, course_code=COURSE)
    sitting, points = sitting_of(site.make, briefing, {"main": site.province.unit("tinh"), "snn": unit}, by=host)
    with site.make.writing() as session:
        point = session.get_one(MeetingPoint, points["snn"].id)
        point.host, point.headcount, seen = host.public_id, 9, site.province.person("duyennt").public_id
        take(session, point, [Mark(seen, "present")], by=host.public_id)
        open_check_in(session, point, by=host.public_id)
        return {"session_id": sitting.public_id, "point_id": point.public_id, "person_id": seen}


def reported(session: Session, unit: Unit, by: Person) -> dict[str, Any]:
    """A report that was kept, the next one, one that came from another unit, and a large file."""
    briefing_id = session.scalars(select(Briefing.id).where(Briefing.plain)).one()
    of = subject(session, session.get_one(Unit, unit.id), briefing_id, now=clock.now())
    assert of is not None
    later = replace(of, now=clock.now())
    kept, _next = (freeze(session, one, by_unit(session, one, None), by=None) for one in (of, later))
    about = {"unit_id": unit.id, "to_unit_id": unit.id, "briefing_id": briefing_id, "snapshot_id": kept.id}
    session.execute(delete(ReportSubmission))
    sent = ReportSubmission(public_id=uuid.uuid4(), state="sent", sent_at=clock.now(), **about)
    session.add(sent)
    file = order_file(
        session, of, {"what": "register", "kind": "xlsx", "purpose": "check"}, name="so-theo-doi.xlsx", by=by.public_id
    )
    given = {"form": "01", "kind": "csv", "code": COURSE, "snapshot_id": kept.public_id}
    return {**given, "submission_id": sent.public_id, "file_id": file.public_id}


def of_a_briefing(session: Session, province: Province, me: Person) -> dict[str, Any]:
    """A briefing that asks this person for a reflection and issues certificates; what somebody has handed in."""
    unit, writer = session.get_one(Unit, province.unit("tinh").id), province.person("duyennt")
    course = session.scalars(select(Course).where(Course.code == COURSE)).one()
    asked = {"ways": ["online"], "test": True, "pass_mark": None, "reflection": True}
    policy = {"asked": asked, "by_category": {}, "counts_before": True}
    briefing = Briefing(code="dot-2", course=course, plain=False, title="Đợt một", policy=policy, opened_at=clock.now())
    session.add(briefing)
    session.flush()  # it is given
    give(session, briefing, unit, due_days=9)
    set_questions(session, briefing, [Question("Điều gì?", 1, 99)], by=me.public_id)
    set_rule(session, briefing, issuer="Cơ quan (mẫu)", active=True, by=me.public_id)
    session.flush()  # the rule is read where certificates are issued
    for one in (me, writer):
        own = access_own(session, Absent(one.id, one.public_id), briefing.code)
        keep(session, Absent(one.id, one.public_id), own, {1: Sent(fingerprint(""), "Một điều.")})
    session.flush()  # what is kept is handed in
    who = Absent(writer.id, writer.public_id)
    hand_in(session, who, access_own(session, who, briefing.code))
    here = {"unit_id": province.unit("snn").id, "completed_at": clock.now()}
    issue(session, session.get_one(CertificateRule, briefing.id), {me.id: here, writer.id: here})
    asked_for = ask_for_print(session, province.unit("snn"), briefing, number=1, by=me.public_id)
    until = clock.today() + timedelta(days=9)
    token, _secret = make_token(session, name="Cổng", scopes=["tallies"], unit=None, expires_on=until, by=me.public_id)
    return {
        **{endpoint: {"briefing_code": briefing.code} for endpoint in OF_CERTIFICATES},
        "reflection_id": session.scalars(select(Reflection.public_id).filter_by(person_id=writer.id)).one(),
        "certificate_id": session.scalars(select(Certificate.public_id).filter_by(person_id=writer.id)).one(),
        "print_id": asked_for.public_id,
        "token_id": token.public_id,
    }


def asked_by(session: Session, person: Person, kind: str) -> uuid.UUID:
    """What somebody asks about their data, which waits for an answer."""
    waiting = select(PrivacyRequest.public_id).filter_by(person_id=person.id, kind=kind)
    found = session.scalar(waiting)
    return found or ask(session, person.id, person.public_id, kind=kind, reason="Tên đệm viết sai.").public_id


def people_decided_about(session: Session, province: Province) -> dict[str, Any]:
    """Two people who might be one, two who are not, a post that can be ended, and what was announced."""
    one, other, third, unit = (
        *(session.get_one(Person, province.person(username).id) for username in (LEARNER, "maibt", HEAD)),
        session.get_one(Unit, province.unit("snn").id),
    )
    here = {"person_id": one.id, "unit_id": unit.id, "tree": "state", "kind": "concurrent"}
    post = Membership(**here, valid_from=clock.today() - timedelta(days=9))
    session.add(post)
    said = announce(
        session, unit, "Họp lúc 8 giờ.", since=clock.today(), until=clock.today() + timedelta(days=9), author=third
    )
    decided = tell_apart(session, one, third, by=third.public_id)
    session.flush()  # their ids
    return {
        "memberships.end_post": {"public_id": one.public_id, "membership_id": post.id},
        "duplicates.ask": {"one": one.public_id, "other": other.public_id},
        "duplicates.find": {"one": one.public_id},
        "link_id": decided.public_id,
        "announcement_id": said.public_id,
    }


def failing_target(session: Session) -> ForwardTarget:
    """Another store that does not answer and has refused a statement."""
    if (found := session.scalars(select(ForwardTarget)).first()) is not None:
        return found
    target = add_target(
        session,
        name="Kho dữ liệu của tỉnh",
        address="https://kho-du-lieu-hoc-tap.tinh-tuyen-quang.example.gov.vn/xapi",
        edition="1.0.3",
        key="quan-triet",
        secret="a secret",
        wish=Wish(activity_prefix="https://quan-triet.example/xapi/courses/nq48"),
    )
    target.failures, target.trouble, target.failed_at = 3, "503 the database does not answer", clock.now()
    target.not_before = clock.now() + timedelta(hours=1)
    sequence = session.scalars(select(XapiStatement.sequence).limit(1)).one()
    reason = '{"error":"statement.result.score.scaled: 1.7 is above 1"}'
    session.add(DeadLetter(target_id=target.id, sequence=sequence, status=400, reason=reason, at=clock.now()))
    return target


def list_of(session: Session, unit: Unit) -> RosterUpload:
    """A list with a line of every kind: new, wrong, of a unit nobody knows, in old letters."""
    if (found := session.scalars(select(RosterUpload)).first()) is not None:
        return found
    rows = [
        *rosters.TITLE,
        rosters.HEAD,
        *rosters.PEOPLE,
        ("4", "1.2E+12", "NguyÔn V¨n Hµo", "31/2/1980", "Chuyên viên", "Phòng Không Tên", "khong phai thu"),
        ("5", "00021", "Lò Cô", "1980", "Chuyên viên", "Sở Y tế", ""),  # Vietnamese in Unicode and in TCVN3
    ]
    content = rosters.xlsx(rows, fonts={2: ".VnTime"})
    upload = receive(session, unit, taken_apart(content), file_name="danh-sach.xlsx", by=uuid.uuid4())
    rehearse(session, upload)
    return upload


def address(app: Flask, rule: Rule, ids: Mapping[str, Any]) -> str:
    """The path of a page, with ids that exist."""
    known = {**ids, **ids.get(rule.endpoint, {})}
    with app.test_request_context():
        built = rule.build({name: known.get(name, uuid.uuid4()) for name in rule.arguments})
    assert built is not None
    return built[1]


@pytest.mark.parametrize("username", [NOBODY, LEARNER, HEAD, TRAINER, ADMINISTRATOR])
def test_every_page_is_accessible_and_fits_a_narrow_screen(site: Site, username: str) -> None:
    app = site.make.app
    ids = real_ids(site, username)
    page = site.windows.open() if username == NOBODY else site.signed_in(username)
    found = {}
    for rule in pages_of(app, username):
        path = address(app, rule, ids)
        if rule.endpoint == "enrolment.check":
            path += f"?course={COURSE}&unit={ids['unit_id']}&due={due_day()}"
        answer = page.goto(path)
        assert answer is not None
        looks = LOOKS if is_own(app, rule, username) else LOOKS[:1]
        problems = faults(page, looks) if answer.status == 200 else [f"status {answer.status}"]
        if problems:
            found[rule.endpoint] = problems
    assert found == {}


def test_the_names_of_a_day_that_is_over_are_accessible_too(site: Site) -> None:
    with site.make.writing() as session:
        session.execute(update(Assignment).values(assigned_at=clock.now() - timedelta(days=3)))
    page, found = site.signed_in(HEAD), list[str]()
    unit, person = (one.public_id for one in (site.province.unit("snn"), site.province.person(LEARNER)))
    for path in ("missing", "missing?state=scored", f"people/{person}"):
        day = f"until={clock.today() - timedelta(days=1)}"
        answer = page.goto(f"/dashboard/units/{unit}/{path}{'&' if '?' in path else '?'}{day}")
        assert answer is not None
        problems = faults(page) if answer.status == 200 else [f"status {answer.status}"]
        found += [f"{path}: {problem}" for problem in problems]
    assert found == []


def test_the_steps_of_signing_in_and_the_slips_of_a_unit_are_accessible_too(site: Site) -> None:
    set_up_anew(site.make, second_factor=frozenset({"trainer"}))
    found = {}
    page = site.windows.open()
    page.goto("/sign-in")
    send_password(page, TRAINER)
    found["enrol"] = faults(page)
    page.get_by_role("button", name="Bắt đầu").click()
    page.locator("details", has_text="Không quét được").locator("summary").click()
    found["telephone"] = faults(page)
    secret = re.search(r"secret=([A-Z2-7]+)", page.content())
    assert secret is not None
    page.get_by_label("Mã xác nhận").fill(Telephone(base64.b32decode(secret[1])).code())
    page.get_by_role("button", name="Xác nhận").click()
    found["codes"] = faults(page)
    for path in ("telephone", "codes", "telephone/remove"):  # with a telephone they ask for a code too
        page.goto(f"/profile/protection/{path}")
        found[f"{path}, again"] = faults(page, LOOKS[:1])
    page = site.windows.open()
    page.goto("/sign-in")
    send_password(page, TRAINER)
    page.get_by_label("Mã xác nhận").fill("000 000")
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    found["code"] = faults(page)
    with site.make.writing() as session:
        session.get_one(SignInAccount, site.province.person("maibt").id).password_hash = None
    page = site.signed_in(ADMINISTRATOR)
    page.goto(f"/people/activation/{site.province.unit('syt').public_id}")
    found["people"] = faults(page)
    page.get_by_role("button", name="Tạo phiếu").click()
    found["slips"] = faults(page)
    site.windows.excuse("422")
    assert {name: lines for name, lines in found.items() if lines} == {}


def send_password(page: Page, username: str) -> None:
    page.get_by_label("Tên đăng nhập").fill(username)
    page.get_by_label("Mật khẩu", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()


REFUSING = {
    "/people/new": "Lưu và cấp liên kết",
    "/roster": "Tải lên và đọc thử",
    "/units/new": "Xem trước thay đổi",
    "/forwarding/new": "Lưu và bắt đầu gửi",
    "/webhooks/new": "Lưu và bắt đầu gửi",
    "/clients/new": "Lưu và hiện khóa",
    "/records?counts=x": "",
    "/khong-co": "",
}


def test_pages_that_refuse_are_accessible_too(site: Site) -> None:
    page = site.signed_in(ADMINISTRATOR)
    found = {}
    for path, button in REFUSING.items():
        page.goto(path)
        if button:
            page.get_by_role("button", name=button).click()
            page.get_by_role("alert").wait_for()
        found[path] = faults(page)
    page.goto("/forwarding/new")
    page.get_by_label("Chỉ về hoạt động bắt đầu bằng").fill("khoa")  # the error has an address in it
    page.get_by_role("button", name="Lưu và bắt đầu gửi").click()
    page.get_by_role("alert").wait_for()
    found["a wrong prefix"] = faults(page)
    page.goto("/clients/new")
    page.get_by_label("Tên hệ thống").fill("Cổng học tập")
    page.get_by_label("Đọc mọi bản ghi, của mọi học viên").check()
    page.get_by_role("button", name="Lưu và hiện khóa").click()
    page.get_by_role("button", name="Chép khóa").click()
    page.get_by_role("button", name="Đã chép").wait_for()
    found["the secret"] = faults(page)
    site.windows.excuse("422")
    site.windows.excuse("404")
    assert {path: lines for path, lines in found.items() if lines} == {}
