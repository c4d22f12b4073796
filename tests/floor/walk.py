"""Addresses and forms with which every route is really reached: ids of things that are there, forms that are valid.

An argument or a form this page does not know stops the walk: whoever adds a route gives it something real here.
"""

import functools
import io
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import xlsxwriter
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from analytics.api.actions import make_token
from analytics.reports.actions import freeze, order_file, schedule
from analytics.reports.actions import send as send_report
from analytics.reports.models import ReportFilePiece, ReportSubmission
from analytics.reports.papers import by_unit
from analytics.reports.queries import subject
from assessments.attempts.access import access_test
from assessments.attempts.actions import Absent, close_attempt, start_attempt
from assessments.bank.actions import load_questions
from assessments.reflections.access import access_own
from assessments.reflections.actions import hand_in, keep, set_questions
from assessments.reflections.models import Reflection
from assessments.reflections.rules import Question, Sent, fingerprint
from courses.briefings.actions import freeze_roll, open_briefing
from courses.briefings.projector import settle_briefing
from courses.briefings.queries import rehearsal as foreseen
from courses.briefings.rehearsal import Wanted
from courses.briefings.rules import ONLINE, Asked, Policy
from courses.catalog.models import Course
from courses.certificates.actions import ask_for_print, issue, set_rule
from courses.certificates.models import Certificate, CertificateRule
from courses.enrolment.actions import decide, give
from courses.enrolment.models import Assignment, Briefing
from lms import clock
from lms.accounts.actions import create_person, hasher, issue_link
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount
from lms.announcements.actions import announce
from lms.duplicates.actions import tell_apart
from lms.forwarding.models import DeadLetter
from lms.memberships.queries import candidates
from lms.memberships.rules import digest_of, judged
from lms.notices.actions import Line, give_notices
from lms.notices.models import Notice
from lms.organisation.actions import found_unit, rename_unit, undo
from lms.organisation.models import Unit, UnitOperation
from lms.organisation.queries import rehearsal
from lms.organisation.storage import NewUnit, Words
from lms.privacy.actions import ask
from lms.records.admin import present
from lms.roster.actions import choose, receive, rehearse, taken_apart
from lms.roster.models import RosterUpload
from lms.roster.rules import Settings
from lms.web.gate import CLIENTS, PUBLIC, policy_of
from lms.xapi.models import XapiClient, XapiStatement
from tests.briefed import briefing_in
from tests.browser import ORIGIN, Browser
from tests.channels import channel_with_trouble
from tests.floor.gatherings import Gatherings, gatherings
from tests.floor.keys import RECOVERY_CODE, Keys, give_keys
from tests.floor.world import ACTORS, World
from tests.make import LONG_AGO

PASSWORD, ANOTHER = "Muoi bon ky tu, 14 tro len", "Ba con suoi, 1 dong song"
Form = Mapping[str, str | list[str] | tuple[str, str]]
"""Values by name; of a file, its path and the name it is sent under."""


@dataclass(frozen=True)
class Records:
    """Two records that may be one person, two about which somebody has decided, a post of each who may be moved, and
    an announcement."""

    one: Person
    other: Person
    decided: uuid.UUID
    posts: Mapping[int, int]
    announcement: uuid.UUID


@dataclass(frozen=True)
class Briefed:
    """A briefing given to everybody: a frozen roll, what was decided about two people, and what a change would do."""

    code: str
    roll: uuid.UUID
    decisions: Mapping[int, uuid.UUID]
    digest: str


@dataclass(frozen=True)
class Reports:
    """A report of the agency that was kept, two that came to it, a schedule of mail, and a large file of each actor."""

    snapshot: uuid.UUID
    sent: uuid.UUID
    returned: uuid.UUID
    schedule: uuid.UUID
    files: Mapping[str, uuid.UUID]


@dataclass(frozen=True)
class Certified:
    """A briefing that asks for a reflection and issues certificates: what was handed in, and what each actor has.

    Everybody has begun to write; everybody holds a certificate, and has asked for a print.
    """

    code: str
    handed_in: uuid.UUID
    certificate: uuid.UUID
    own: Mapping[str, uuid.UUID]
    prints: Mapping[str, uuid.UUID]
    token: uuid.UUID


@dataclass(frozen=True)
class Walk:
    """The world with one of everything an address can name, and for each actor a test handed in and one under way.

    `below` is a part of the agency whose ids the walk uses; `unit_administrator_outside` keeps the people of the other.
    `kept` and `unopened` are people whom those who keep the people of the unit may keep; `subject` holds a role that
    reaches further.
    """

    world: World
    below: Unit
    subject: Person
    grant_id: int
    kept: Person
    kept_grant_id: int
    unopened: Person
    assignment: uuid.UUID
    token: str
    handed_in: Mapping[str, uuid.UUID]
    under_way: Mapping[str, uuid.UUID]
    letter_id: int
    channel: tuple[uuid.UUID, uuid.UUID]
    present: str
    keys: Mapping[str, Keys]
    roster: uuid.UUID
    digest: str
    file: str
    renamed: Mapping[str, uuid.UUID]
    digests: Mapping[str, Mapping[str, str]]
    asked: Mapping[str, uuid.UUID]
    records: Records
    briefing: Briefed
    gatherings: Gatherings
    reports: Reports
    certified: Certified
    notices: Mapping[str, uuid.UUID]

    @property
    def app(self) -> Flask:
        return self.world.make.app

    def path(self, rule: Rule, actor: str, *, attempts_of: str = "") -> str:
        """The address of the route with what is there for this actor. KeyError: an argument nobody has given."""
        values = self.arguments(attempts_of or actor)
        named = {name: given(values, rule.endpoint, name) for name in rule.arguments}
        with self.app.test_request_context():
            built = rule.build(named)
        assert built is not None
        query = urlencode(self.queries().get(rule.endpoint, {}))
        return f"{built[1]}?{query}" if query else built[1]

    def arguments(self, actor: str) -> dict[str, object]:
        """By argument, blueprint and argument, or endpoint and argument: the closest name wins."""
        within = actor.startswith("unit_administrator")
        subject, grant_id = (self.kept, self.kept_grant_id) if within else (self.subject, self.grant_id)
        return {
            "accounts.token": self.token,
            "accounts.session_id": self.keys[actor].session_id if actor in self.keys else 0,
            "authentication.public_id": self.keys[actor].passkey if actor in self.keys else uuid.uuid4(),
            "credentials.public_id": (self.unopened if within else subject).public_id,
            "credentials.unit_id": self.world.inside.public_id,
            "course_code": self.world.course,
            "lesson_code": "m1-1",
            "module_code": "m1",
            "activity_code": "m1-test",
            "attempts.start.activity_code": "m2-test",
            "attempts.attempt_id": self.under_way.get(actor, uuid.uuid4()),
            "attempts.review.attempt_id": self.handed_in.get(actor, uuid.uuid4()),
            "dashboard.unit_id": self.world.inside.public_id,
            "numbers.metric": "briefed_rate",
            "numbers.public_id": (self.unopened if within else subject).public_id,
            "charts.chart": "progress",
            "reminders.code": self.world.course,
            "notices.public_id": self.notices.get(actor, uuid.uuid4()),
            "enrolment.public_id": self.assignment,
            "briefing_code": self.briefing.code,
            "briefings.roll_id": self.briefing.roll,
            "standings.my_standing.briefing_code": self.world.course,
            "rolls.public_id": (self.unopened if within else subject).public_id,
            "decisions.public_id": (self.unopened if within else subject).public_id,
            "decisions.decision_id": self.briefing.decisions[(self.unopened if within else subject).id],
            "organisation.public_id": self.world.inside.public_id,
            "organisation.operation_id": self.renamed[self.scope_of(actor)],
            "changes.public_id": self.world.inside.public_id,
            "changes.kind": "rename",
            "people.public_id": (self.unopened if within else subject).public_id,
            "memberships.public_id": (self.unopened if within else subject).public_id,
            "memberships.membership_id": self.records.posts[(self.unopened if within else subject).id],
            "duplicates.one": self.records.one.public_id,
            "duplicates.other": self.records.other.public_id,
            "duplicates.link_id": self.records.decided,
            "announcements.announcement_id": self.records.announcement,
            "roles.public_id": subject.public_id,
            "roles.ask_view_as.public_id": self.world.people["learner"].public_id,
            "roles.view_as.public_id": self.world.people["learner"].public_id,
            "roles.grant_id": grant_id,
            "xapi.path": "khong-co",
            "profile.profile.number": 1,
            "profile.part.folder": "verbs",
            "profile.part.name": "completed",
            "records.statement_id": self.world.statement,
            "clients.client_id": self.world.client,
            "forwarding.public_id": self.world.target.public_id,
            "forwarding.letter_id": self.letter_id,
            "webhooks.public_id": self.channel[0],
            "webhooks.message_id": self.channel[1],
            "privacy_requests.public_id": self.asked["correction"],
            "privacy_requests.refuse.public_id": self.asked["refuse"],
            "privacy_requests.erase.public_id": self.asked["erasure"],
            "code": self.world.course,
            "form": "01",
            "kind": "csv",
            "unit_id": self.world.inside.public_id,
            "snapshot_id": self.reports.snapshot,
            "submission_id": self.reports.sent,
            "reports.give_back.submission_id": self.reports.returned,
            "schedule_id": self.reports.schedule,
            "file_id": self.reports.files.get(actor, uuid.uuid4()),
            "roster.public_id": self.roster,
            "roster_files.public_id": self.roster,
            **self.gatherings.arguments(actor),
            "reflections.briefing_code": self.certified.code,
            "questions.briefing_code": self.certified.code,
            "issued.briefing_code": self.certified.code,
            "certificates.briefing_code": self.certified.code,
            "reading.reflection_id": self.certified.handed_in,
            "certificates.certificate_id": self.certified.own.get(actor, uuid.uuid4()),
            "issued.certificate_id": self.certified.certificate,
            "issued.print_id": self.certified.prints.get(actor, uuid.uuid4()),
            "issued.unit_id": self.world.inside.public_id,
            "tokens.token_id": self.certified.token,
        }

    def scope_of(self, actor: str) -> str:
        """Where the actor keeps the organisation: the operations and rehearsals of the walk are of there."""
        return "inside" if actor == "unit_administrator_inside" else "everywhere"

    def queries(self) -> dict[str, dict[str, str]]:
        """What a page needs behind its address to have something to show."""
        whose = {"unit": str(self.world.inside.public_id), "kind": "csv"}
        return {"enrolment.check": self.assigning(), "roster_files.leave": whose}

    def assigning(self) -> dict[str, str]:
        due = clock.today() + timedelta(days=20)
        return {"course": self.world.course, "unit": str(self.world.inside.public_id), "due": due.isoformat()}

    def forms(self, actor: str = "") -> dict[str, Form]:
        """A valid form for every endpoint that takes one, in the order in which all can be sent one after the other."""
        inside = str(self.world.inside.public_id)
        unopened = self.unopened if actor.startswith("unit_administrator") else self.subject
        kept = str(self.world.outside.public_id) if actor == "unit_administrator_outside" else inside
        lesson = {
            "revision": "0",
            "title": "Bài viết lại",
            "minutes": "4",
            "objectives": "Nêu được một điều\nNêu được điều nữa",
            "action": "Làm một việc.",
            "body": "## Mục\n\nMột điều [BT L1].",
        }
        person = {"full_name": "Người Mới", "username": "nguoimoi", "category": "cong_chuc", "party": "quan_chung"}
        return {
            **self.forms_about_units(self.scope_of(actor)),
            **self.forms_about_briefings(),
            **self.gatherings.forms(actor, self.world, self.roll_file),
            "learning.start": {},
            "learning.finish": {"_version": "1"},
            "attempts.start": {},
            "attempts.save": {"_1": "", "Câu 1": "A"},
            "attempts.submit": {},
            "dashboard.search": {"q": "hoc", "state": ""},
            "dashboard.state_purpose": {"purpose": "urge"},
            "authoring.preview_lesson": lesson,
            "authoring.preview_part": lesson,
            "authoring.save_lesson": lesson,
            "authoring.publish_settings": {
                "seen": "1",
                "counts": "final",
                "pass_mark": "7,5",
                "max_attempts": "3",
                "attempt": "last",
                "note": "Một bài cuối khóa.",
            },
            "authoring.publish": {"seen": "1-1-0", "note": "Viết lại bài thứ nhất."},
            "enrolment.assign": self.assigning(),
            "enrolment.withdraw": {},
            "credentials.sheet": {"people": [str(unopened.public_id)]},
            "credentials.issue_slip": {},
            "credentials.unlock": {},
            "credentials.end_sessions": {},
            "credentials.reset": {},
            "people.search": {"q": "hoc"},
            "people.found": {"q": "hoc"},
            "duplicates.look": {"q": "hoc"},
            "people.new": {**person, "unit": kept, "role": ""},
            "people.issue_link": {},
            "roles.grant": {"role": "head", "role_unit": inside, "tree": "state", "since": day()},
            "roles.end": {},
            **self.forms_about_belonging(kept),
            "people.close": {},
            "people.reopen": {},
            "roles.view_as": {},
            "roles.end_viewing_as": {},
            **FORMS_OF_REPORTS,
            **self.forms_about_lists(),
            **self.forms_about_certificates(),
            **self.forms_about_own_data(),
            **self.forms_about_other_systems(),
            **self.forms_about_signing_in(),
            "accounts.change_password": {"password": PASSWORD, "new_password": ANOTHER, "repeat": ANOTHER},
            "accounts.sign_out": {},
        }

    def forms_about_briefings(self) -> dict[str, Form]:
        """Those of a briefing: changed as it was rehearsed, given to more, decided about, and closed at the end."""
        asked: dict[str, str | list[str]] = {
            "ways": ["online"],
            "test": "y",
            "counts_before": "y",
            "reason": "Theo công văn.",
        }
        more = {"codes": self.below.code, "due_kind": "days", "due_days": "20", "tree": "state"}
        decided = {"kind": "exempt", "reason": "Cao tuổi", "approved_by": "Chi bộ"}
        return {
            "briefing_admin.change": {**asked, "due_kind": "never"},
            "briefing_admin.apply": {**asked, "due_kind": "never", "digest": self.briefing.digest},
            "briefing_admin.give": more,
            "briefing_admin.given": more,
            "briefing_admin.freeze": {"reason": "Báo cáo"},
            "briefing_admin.new": {
                "title": "Đợt khác",
                "code": "dot-khac",
                "course": self.world.course,
                "opened_on": day(),
                **asked,
            },
            "rolls.search": {"q": "hoc"},
            "decisions.decide": decided,
            "decisions.revoke": {},
            "briefing_admin.withdraw": {"every": "y"},
            "briefing_admin.close": {},
            "briefing_admin.reopen": {"reason": "Giao sót một đơn vị."},
        }

    def forms_about_certificates(self) -> dict[str, Form]:
        """Those of reflections, certificates and what other systems read."""
        until = (clock.today() + timedelta(days=90)).isoformat()
        return {
            "reflections.save": {"_1": fingerprint(DRAFT), "Câu 1": "Viết thêm một câu."},
            "reflections.hand_in": {},
            "reading.judge": {"number": "1", "verdict": "accepted", "comment": ""},
            "reading.take_back": {"reason": "Bấm nhầm."},
            "questions.edit": {"text_1": "Câu khác?", "least_1": "1", "most_1": "9"},
            "issued.print_all": {"briefing": self.certified.code},
            "issued.rule": {"issuer": "Cơ quan khác (mẫu)", "active": "y"},
            "issued.revoke": {"reason": "mistake", "remark": "Cấp nhầm."},
            "tokens.new": {"name": "Cổng khác", "scopes": ["tallies"], "unit": "", "expires": until},
            "tokens.revoke": {},
        }

    def forms_about_signing_in(self) -> dict[str, Form]:
        """Those of what protects an account: first they take away, then they make anew."""
        return {
            "accounts.end_one": {},
            "accounts.end_others": {},
            "authentication.rename_passkey": {"name": "Điện thoại cũ"},
            "authentication.remove": {"password": PASSWORD, "code": RECOVERY_CODE},
            "authentication.remove_passkey": {"password": PASSWORD},
            "authentication.renew_codes": {"password": PASSWORD},
            "authentication.set_up": {"password": PASSWORD},
            "authentication.resume": {},
            "ways.registration_challenge": {"password": PASSWORD, "name": "Điện thoại"},
            "ways.register_passkey": {"name": "Điện thoại", "credential": "{}"},
        }

    def forms_about_belonging(self, kept: str) -> dict[str, Form]:
        """Those of posts, transfers, records and announcements; what they are about ends last."""
        below, one = str(self.below.public_id), self.records.one.public_id
        transfer = {"tree": "state", "unit": below, "on": day(), "_people": one.hex}
        until = (clock.today() + timedelta(days=7)).isoformat()
        return {
            "memberships.add_post": {"kind": "concurrent", "unit": below, "on": day()},
            "memberships.end_post": {"on": day()},
            "memberships.ask": {"person": [str(one)]},
            "memberships.rehearse": transfer,
            "memberships.apply": {**transfer, "digest": self.digests["everywhere"]["transfer"]},
            "memberships.move": {"unit": below, "on": day()},
            "duplicates.apart": {},
            "duplicates.unlink": {},
            "duplicates.link": {"keep": str(one)},
            "announcements.new": {"unit": kept, "text": "Một tin.", "since": day(), "until": until},
            "announcements.withdraw": {},
            "notices.seen": {},
            "chasing.change": {"daily": "y", "from_hour": "7", "to_hour": "19"},
            "reminders.change": {
                "before": "7, 1",
                "after": "1",
                "without_due": "14",
                "above": "3",
                "from_hour": "7",
                "to_hour": "19",
            },
            "contact.edit": {"language": "en", "email": "", "phone": "0912 345 678", "wanted": ["study"]},
        }

    def forms_about_lists(self) -> dict[str, Form]:
        """Those of a list of one new person, from the file to where it is forgotten."""
        return {
            "roster.receive": {"unit": str(self.world.inside.public_id), "file": (self.file, "danh-sach.csv")},
            "roster.columns": {"sheet": "0", "line": "0", "on": day(), "then": "on", "column-0": "full_name"},
            "roster.units": {},
            "roster.answer": {"namesakes": "y"},
            "roster.rehearse": {},
            "roster.apply": {"digest": self.digest},
            "roster.drop": {},
        }

    def forms_about_units(self, scope: str) -> dict[str, Form]:
        """Those of the organisation, before others change what was rehearsed."""
        unit, digests = self.unit(scope), self.digests[scope]
        return {
            "organisation.rehearse_undo": {},
            "organisation.undo": {"digest": digests["undo"]},
            "changes.rehearse": self.words,
            "changes.apply": {**self.words, "digest": digests["rename"]},
            "changes.rehearse_new": unit,
            "changes.create_unit": {**unit, "digest": digests["create"]},
        }

    @property
    def roll_file(self) -> str:
        """A list of who was there."""
        file = Path(self.file).with_name("diem-danh.csv")
        file.write_text("Họ và tên;Tình trạng\nNgười Đến Ba;có mặt\n", encoding="utf-8")
        return str(file)

    @property
    def words(self) -> Form:
        return {"name": "Sở Y tế (mẫu)", "short_name": "SYT", "code": "syt", "kind": "department", "on": day()}

    def unit(self, scope: str) -> Form:
        under = self.world.inside if scope == "inside" else self.world.root
        place = {"tree": "state", "parent": str(under.public_id), "kind": "department", "counted": "y"}
        return {**place, "name": "Phòng Một", "code": "phong-1", "on": day()}

    def forms_about_own_data(self) -> dict[str, Form]:
        """Those by which people ask about their data and are answered; each answer is to a request of its own."""
        particulars = {"full_name": "Người Đúng Tên", "category": "cong_chuc", "party": "quan_chung"}
        return {
            "audit.search": {"action": "audit.read", "who": ""},
            "privacy.ask": {"kind": "correction", "reason": "Sai tên."},
            "privacy_requests.take": {},
            "privacy_requests.correct": {**particulars, "answer": "Đã sửa."},
            "privacy_requests.refuse": {"answer": "Không sai."},
            "privacy_requests.erase": {"word": "XÓA"},
        }

    def forms_about_other_systems(self) -> dict[str, Form]:
        """Those of forwarding, of the record and of connected systems; the last one ends what the others are about."""
        credentials = {"key": "key", "secret": "another secret"}
        grant: Form = {"scopes": ["statements/write"], "trusted": ""}
        return {
            "records.search": {"q": "hoc"},
            "forwarding.new": {**credentials, "name": "Kho khác", "address": "https://lrs2.example.gov.vn/xapi"},
            "forwarding.pause": {},
            "forwarding.resume": {},
            "forwarding.renew": credentials,
            "forwarding.replay_one": {},
            "forwarding.replay_all": {},
            "forwarding.remove": {},
            "webhooks.new": {"name": "Zalo", "address": "https://zalo.example.gov.vn/", "kinds": ["reminder"]},
            "webhooks.pause": {},
            "webhooks.resume": {},
            "webhooks.try_out": {},
            "webhooks.replay_one": {},
            "webhooks.replay_all": {},
            "webhooks.renew": {},
            "webhooks.remove": {},
            "clients.new": {**grant, "name": "Cổng khác", "once": uuid.uuid4().hex},
            "clients.grant": grant,
            "clients.rotate": {"present": self.present},
            "clients.revoke": {},
        }


FORMS_OF_REPORTS: dict[str, Form] = {
    "reports.enter": {"plan": "15-CTr/ĐU, 02/12/2026", "note": "Thiếu đường truyền."},
    "reports.freeze": {},
    "reports.send": {},
    "reports.accept": {},
    "reports.give_back": {"remark": "Thiếu một phòng."},
    "reports.schedule": {"every": "daily", "place": ""},
    "reports.end_schedule": {},
    "report_files.take_list": {"what": "02-xlsx", "purpose": "urge"},
}
"""Those of reports, from what is entered to what is decided."""


def given(values: Mapping[str, object], endpoint: str, name: str) -> object:
    """The value under the closest name."""
    blueprint = endpoint.partition(".")[0]
    for key in (f"{endpoint}.{name}", f"{blueprint}.{name}", name):
        if key in values:
            return values[key]
    raise KeyError(f"tests/floor/walk.py knows no real {name!r} for {endpoint}")


def day() -> str:
    return clock.today().isoformat()


EVERYBODY = (
    *ACTORS,
    "deputy",
    "former_deputy",
    "unit_administrator_inside",
    "unit_administrator_outside",
    "auditor",
)


def hold_more_roles(world: World) -> None:
    """Add those who hold a role for a time, over a unit, or only to look."""
    make, today = world.make, clock.today()
    world.people |= {
        "deputy": make.person(
            "Phó Trong", unit=world.inside, role="deputy", over=world.inside, until=today + timedelta(days=30)
        ),
        "former_deputy": make.person("Phó Cũ", unit=world.inside, role="deputy", over=world.inside, until=today),
        "unit_administrator_inside": make.person(
            "Giữ Trong", unit=world.inside, role="unit_administrator", over=world.inside
        ),
        "unit_administrator_outside": make.person(
            "Giữ Ngoài", unit=world.outside, role="unit_administrator", over=world.outside
        ),
        "auditor": make.person("Kiểm Tra", unit=world.outside, role="auditor"),
    }


def build_walk(world: World, folder: Path) -> Walk:
    """Add to the world what its routes can name; `folder` holds the small course."""
    make = world.make
    hold_more_roles(world)
    below = make.unit("Phòng Nghiệp vụ", under=world.inside)
    with make.writing() as session:
        list(load_questions(session, folder))
    subject = make.person("Người Được Sửa", unit=world.inside, role="trainer")
    kept = make.person("Người Được Giữ", unit=world.inside, role="host", over=world.inside)
    unopened = make.person("Người Chưa Vào", unit=world.inside)
    records = told_of_people(world, below, (subject, unopened))
    points = gatherings(world)
    handed_in, under_way, keys = {}, {}, {}
    with make.writing() as session:
        give_keys(session, subject)
        give_keys(session, unopened)
    with make.writing() as session:
        for actor, person in world.people.items():
            session.get_one(SignInAccount, person.id).password_hash = hashed()
            keys[actor] = give_keys(session, person)
            who = Absent(person.id, person.public_id)
            sitting = access_test(session, who, world.course, "m1-test", to_change=True)
            first = start_attempt(session, who, sitting)
            close_attempt(session, who, sitting, first)
            handed_in[actor] = first.public_id
            under_way[actor] = start_attempt(session, who, sitting).public_id
    with make.writing() as session:
        reports = reported(session, world, below)
    briefing = opened(world, (subject, unopened))  # its rehearsal is of everybody who is there by now
    file = folder / FILE
    file.write_text(LIST, encoding="utf-8")
    with make.writing() as session:
        roster = rehearsed(session, world, file.read_bytes())
        everybody = certified(session, world, kept)  # before what it adds to is rehearsed
        return Walk(
            world,
            below,
            subject,
            session.scalars(select(RoleGrant.id).where(RoleGrant.person_id == subject.id)).one(),
            kept,
            session.scalars(select(RoleGrant.id).where(RoleGrant.person_id == kept.id)).one(),
            unopened,
            session.scalars(select(Assignment.public_id).order_by(Assignment.id).limit(1)).one(),
            issue_link(session, session.get_one(Person, subject.id)),
            handed_in,
            under_way,
            refused(session, world),
            channel_with_trouble(session),
            present(session, session.get_one(XapiClient, world.client)),
            keys,
            roster.public_id,
            roster.digest,
            str(file),
            *rehearsed_units(session, world, records.one, below),
            asked_for(session),
            records,
            briefing,
            points,
            reports,
            everybody,
            told(session, world),
        )


def opened(world: World, decided_about: tuple[Person, ...]) -> Briefed:
    """A briefing given to the province, with a frozen roll and a leave of each of these people."""
    policy = Policy(Asked(frozenset({ONLINE})))
    with world.make.writing() as session:
        course = session.scalars(select(Course).where(Course.code == world.course)).one()
        briefing = open_briefing(session, course, code="dot-3", title="Đợt ba", policy=policy)
        given = give(session, briefing, session.get_one(Unit, world.root.id), due_days=30)
        decisions = {
            one.id: decide(
                *(session, briefing, session.get_one(Person, one.id), "leave"), reason="Ốm", approved_by="Chi bộ"
            ).public_id
            for one in decided_about
        }
        roll = freeze_roll(session, briefing, reason="Báo cáo").public_id
        digest = foreseen(session, briefing, Wanted(policy, {given.id: (None, None)}), now=clock.now()).digest
        return Briefed(briefing.code, roll, decisions, digest)


def told(session: Session, world: World) -> dict[str, uuid.UUID]:
    """A notice for each actor, not seen yet."""
    people = {person.id: actor for actor, person in world.people.items()}
    give_notices(session, dict.fromkeys(people, Line("Một việc.", "Something.", "/learning")), key="walk")
    rows = session.execute(select(Notice.person_id, Notice.public_id).where(Notice.person_id.in_(people)))
    return {people[person_id]: public_id for person_id, public_id in rows}


def reported(session: Session, world: World, below: Unit) -> Reports:
    """What reports there are: made by the actions that make them, but for files, which the worker makes."""
    briefing = session.scalars(select(Briefing).where(Briefing.plain)).one()
    inside, part = (session.get_one(Unit, one.id) for one in (world.inside, below))
    person = make_person(session, part)
    settle_briefing(session, briefing.id)
    of, of_part = (subject(session, one, briefing.id, now=clock.now()) for one in (inside, part))
    assert of is not None
    assert of_part is not None, person
    kept = freeze(session, of, by_unit(session, of, None), by=None)
    sent = send_report(session, of_part, by=None)
    about = {"briefing_id": briefing.id, "unit_id": world.outside.id, "to_unit_id": inside.id, "snapshot_id": kept.id}
    returned = ReportSubmission(public_id=uuid.uuid4(), state="sent", sent_at=clock.now(), **about)
    session.add(returned)
    told = schedule(session, of, every="weekly", place=1, by=world.people["administrator"].public_id)
    files = {}
    for actor, someone in world.people.items():
        wish = {"what": "register", "kind": "xlsx", "purpose": "check"}
        one = order_file(session, of, wish, name="so-theo-doi.xlsx", by=someone.public_id)
        one.state = "made"
        session.add(ReportFilePiece(file_id=one.id, number=0, content=empty_workbook()))
        files[actor] = one.public_id
    return Reports(kept.public_id, sent.public_id, returned.public_id, told.public_id, files)


def empty_workbook() -> bytes:
    """A file such as the worker makes, with nothing in it."""
    file = io.BytesIO()
    xlsxwriter.Workbook(file).close()
    return file.getvalue()


def make_person(session: Session, unit: Unit) -> Person:
    """Somebody in the part, so that it has something to report."""
    return create_person(session, full_name="Người Ở Phòng", username="nguoiophong", unit=unit, since=LONG_AGO)


DRAFT = "Điều tôi tâm đắc."


def certified(session: Session, world: World, writer: Person) -> Certified:
    """A second briefing, to the whole province: everybody writes, one has handed in, everybody holds a certificate."""
    policy = Policy(Asked(reflection=True))
    briefing = briefing_in(session, world.root, policy=policy, code="dot-2", title="Đợt hai")
    set_questions(session, briefing, [Question("Điều gì?", 1, 99)], by=world.people["administrator"].public_id)
    set_rule(session, briefing, issuer="Cơ quan (mẫu)", active=True, by=world.people["administrator"].public_id)
    session.flush()  # the rule is read where certificates are issued
    everybody = [*world.people.items(), ("", writer)]
    for _actor, person in everybody:
        who = Absent(person.id, person.public_id)
        keep(session, who, access_own(session, who, briefing.code), {1: Sent(fingerprint(""), DRAFT)})
        session.flush()  # what is kept is handed in
    who = Absent(writer.id, writer.public_id)
    hand_in(session, who, access_own(session, who, briefing.code))
    rule = session.get_one(CertificateRule, briefing.id)
    home = {person.id: world.inside.id for _actor, person in everybody}
    issue(session, rule, {own: {"unit_id": unit, "completed_at": clock.now()} for own, unit in home.items()})
    held = dict(session.execute(select(Certificate.person_id, Certificate.public_id)).all())
    prints = {}
    for actor, person in world.people.items():
        unit = session.get_one(Unit, (world.outside if actor.endswith("outside") else world.inside).id)
        prints[actor] = ask_for_print(session, unit, briefing, number=1, by=person.public_id).public_id
    token, _secret = make_token(
        session,
        name="Cổng",
        scopes=["tallies"],
        unit=None,
        expires_on=clock.today() + timedelta(days=9),
        by=world.people["administrator"].public_id,
    )
    written = select(Reflection.public_id).where(Reflection.person_id == writer.id)
    own = {actor: held[person.id] for actor, person in world.people.items()}
    return Certified(briefing.code, session.scalars(written).one(), held[writer.id], own, prints, token.public_id)


def asked_for(session: Session) -> dict[str, uuid.UUID]:
    """What somebody asks about their data: to be put right twice (by two people), and to be erased."""
    found = {}
    for purpose, kind in (("correction", "correction"), ("refuse", "correction"), ("erasure", "erasure")):
        person = create_person(session, full_name="Người Đề Nghị", username=purpose, unit=None, since=clock.today())
        found[purpose] = ask(session, person.id, person.public_id, kind=kind, reason="Vì sao.").public_id
    return found


def told_of_people(world: World, below: Unit, movable: tuple[Person, ...]) -> Records:
    """Records that may be one person, posts that can be ended, and what was announced."""
    make, today = world.make, clock.today()
    one, other, third = (make.person("Người Trùng Tên", unit=world.inside) for _ in range(3))
    with make.writing() as session:
        posts = [
            Membership(
                person_id=person.id, unit_id=world.inside.id, tree="state", kind="concurrent", valid_from=LONG_AGO
            )
            for person in movable
        ]
        session.add_all(posts)
        by = world.people["administrator"]
        decided = tell_apart(session, other, third, by=by.public_id)
        said = announce(
            session, world.inside, "Họp lúc 8 giờ.", since=today, until=today + timedelta(days=9), author=by
        )
        session.flush()  # their ids
        held = {post.person_id: post.id for post in posts}
        return Records(one, other, decided.public_id, held, said.public_id)


FILE = "danh-sach.csv"
LIST = "Họ và tên;Ngày sinh\nNgười Trong Danh Sách;1980\n"


def rehearsed(session: Session, world: World, content: bytes) -> RosterUpload:
    """A list that waits to be applied, as it is after every form about it has been sent."""
    by = world.people["administrator"].public_id
    upload = receive(session, world.inside, taken_apart(content), file_name="danh-sach.csv", by=by)
    choose(session, upload, replace(Settings.of(upload.settings), namesakes=True, fields=("full_name",)))
    rehearse(session, upload)
    return upload


def rehearsed_units(
    session: Session, world: World, one: Person, below: Unit
) -> tuple[dict[str, uuid.UUID], dict[str, dict[str, str]]]:
    """An operation that can be undone, and what rehearsals of the forms of units say, one after the other.

    For whoever keeps all units, and for whoever keeps the agency of the walk.
    """
    inside, outside, root = (session.get_one(Unit, one.id) for one in (world.inside, world.outside, world.root))
    part, today = session.get_one(Unit, below.id), clock.today()
    words = Words(outside.code, "Sở Nội vụ (mẫu)", "department")
    renamed = {
        "everywhere": rename_unit(session, outside, words, on=today),
        "inside": rename_unit(session, part, Words(part.code, "Phòng Chuyên môn", "department"), on=today),
    }
    digests = {
        scope: in_turn(session, renamed[scope], inside, root if scope == "everywhere" else inside) for scope in renamed
    }
    people = candidates(session, [one.public_id], tree="state", reach=None, within=None)
    lines = judged(people, below.id, on=today, tree="state")
    digests["everywhere"]["transfer"] = digest_of(lines, below.id, on=today, tree="state", position="")
    return {scope: operation.public_id for scope, operation in renamed.items()}, digests


def in_turn(session: Session, renamed: UnitOperation, inside: Unit, above: Unit) -> dict[str, str]:
    """The digests of undoing an operation, of renaming the agency, and of founding a unit, rehearsed in that order."""
    attempt, today, digests = session.begin_nested(), clock.today(), {}
    works: dict[str, Callable[[], UnitOperation]] = {
        "undo": lambda: undo(session, renamed),
        "rename": lambda: rename_unit(session, inside, Words("syt", "Sở Y tế (mẫu)", "department", "SYT"), on=today),
        "create": lambda: found_unit(
            session, NewUnit(Words("phong-1", "Phòng Một", "department"), {"state": above}), on=today
        ),
    }
    for name, work in works.items():
        digests[name] = rehearsal(session, today, work, back=renamed if name == "undo" else None).digest
        work()
    attempt.rollback()
    session.expire_all()
    return digests


def refused(session: Session, world: World) -> int:
    """Two statements the target of forwarding refused; the id of the first."""
    sequences = session.scalars(select(XapiStatement.sequence).limit(2)).all()
    letters = [
        DeadLetter(target_id=world.target.id, sequence=one, status=400, reason="no", at=clock.now())
        for one in sequences
    ]
    session.add_all(letters)
    session.flush()  # the address of one has its id
    return letters[0].id


@functools.cache
def hashed() -> str:
    """Argon2 is slow on purpose: once is enough."""
    return hasher.hash(PASSWORD)


def every_rule(app: Flask) -> list[Rule]:
    """The routes of the pages and of what other systems reach."""
    both = (*app.url_map.iter_rules(), *app.extensions["systems"].url_map.iter_rules())
    return sorted(both, key=lambda rule: (rule.rule, sorted(rule.methods or ())))


def guarded(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every route for the signed-in, with the permission it needs and each of its methods."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        policy = policy_of(app, rule.endpoint)
        if policy is not None and policy not in {PUBLIC, CLIENTS}:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, policy, method


def send(browser: Browser, path: str, form: Form) -> int:
    """Post a form with the token of this browser's pages; the status of the answer."""
    data = {"csrf_token": token(browser), **form}
    return browser.client.post(path, data=data, headers={"Origin": ORIGIN}).status_code


def token(browser: Browser) -> str:
    """What the next page of this browser would carry, without asking for it again where one has been seen."""
    with browser.client.session_transaction() as cookie:
        seen = cookie.get("csrf_token")
    if seen is None:
        browser.get("/profile")  # whoever is signed out lands on the sign-in page, which has a token too
        return next(value for one in browser.forms for name, value in one.fields if name == "csrf_token")
    return str(URLSafeTimedSerializer(str(browser.client.application.secret_key), salt="wtf-csrf-token").dumps(seen))
