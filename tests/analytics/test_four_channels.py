"""One catalogue of metrics serves web, files, API and mail: what each of them finally says of a unit is the same."""

import io
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import docx
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from analytics.chasing.actions import plan_the_morning
from analytics.chasing.rules import IN_DIGEST
from analytics.facts.vocabulary import FROZEN, IN_FORM_01, METRICS, RATE
from courses.briefings.actions import freeze_roll
from courses.briefings.models import Attendance, BriefingSession, MeetingPoint, ReflectionResult
from courses.briefings.projector import settle_briefing
from courses.briefings.rules import WAYS, Asked, Policy
from courses.enrolment.actions import decide
from courses.enrolment.models import Assignment, Briefing
from courses.learning.models import ActivityProgress
from lms import clock
from lms.accounts.models import Person
from lms.organisation.models import Unit
from lms.outbox.cli import Worker
from lms.roster.actions import taken_apart
from tests.analytics.agency import course_loaded, hired, studied
from tests.briefed import briefing_in
from tests.browser import Browser
from tests.kept import kept
from tests.make import Make
from tests.smtp import mail_server, sends_by

ALL_ASKED = Policy(Asked(ways=frozenset(WAYS), test=True, reflection=True))
NAMES = {metric.name[0]: metric.code for metric in METRICS}
Told = dict[str, str]
"""What something says of a unit: figures by the codes of the catalogue, written as Biểu 01 writes them."""


@dataclass(frozen=True)
class Fate:
    """How far somebody has come: what the points say, lessons, tests passed, and how far the reflection is."""

    seen: str = ""
    at: str = "hn"
    lessons: int = 0
    tests: int = 0
    reflection: str = ""
    exempt: bool = False


DONE = Fate("present", tests=2, reflection="accepted")
ONLINE = Fate(lessons=4, tests=1, reflection="submitted")
MADE_UP = Fate("present", at="hb", tests=2, reflection="submitted")
EXCUSED, UNEXCUSED = Fate("excused"), Fate("unexcused", lessons=1)
FREE, IDLE = Fate(exempt=True), Fate()

PEOPLE: Mapping[str, Sequence[Fate]] = {
    "tinh": (IDLE, UNEXCUSED),
    "nho": (DONE, DONE, ONLINE, EXCUSED),
    "lon": (DONE, DONE, DONE, MADE_UP, ONLINE, UNEXCUSED, IDLE, IDLE),
    "phong": (FREE, FREE, FREE, DONE, DONE, DONE, MADE_UP, MADE_UP, DONE, EXCUSED),
}
"""By unit: the province, a leaf, a parent, and the leaf below it with people who are exempt."""


@dataclass
class Province:
    """The units by code, the head of each, an administrator, and the code of the briefing."""

    units: dict[str, Unit]
    heads: dict[str, Person]
    administrator: Person
    briefing: str


def built(make: Make, folder: Path) -> Province:
    course_loaded(make, folder)
    root = make.unit("Tỉnh Mẫu", code="tinh")
    small, large = make.unit("Sở Nhỏ", under=root, code="nho"), make.unit("Sở Lớn", under=root, code="lon")
    units = {one.code: one for one in (root, small, large, make.unit("Phòng Một", under=large, code="phong"))}
    heads = {code: make.person(f"Trưởng {code}", role="head", over=unit) for code, unit in units.items()}
    with make.writing() as session:
        for code, one in heads.items():
            session.get_one(Person, one.id).email = f"{code}@example.gov.vn"
        briefing = briefing_in(session, root, policy=ALL_ASKED)
        past = clock.now() - timedelta(days=1)
        session.execute(update(Assignment).where(Assignment.briefing_id == briefing.id).values(due_at=past))
        sittings = held(session, briefing, list(units.values()))
        for code, unit in units.items():
            people = hired(session, unit, len(PEOPLE[code]))
            for person_id, fate in zip(people, PEOPLE[code], strict=True):
                befall(session, briefing, sittings, person_id, fate)
            session.execute(update(Person).where(Person.id.in_(people[::2])).values(party="chinh_thuc"))
        worse = session.scalars(select(Person.id).order_by(Person.id.desc()).limit(2)).all()
        less = dict.fromkeys(("first_score", "last_score", "best_score"), 0.83)
        session.execute(update(ActivityProgress).where(ActivityProgress.person_id.in_(worse)).values(less))
        settle_briefing(session, briefing.id)
        freeze_roll(session, briefing, reason="Chốt")
    return Province(units, heads, make.person("Quản Trị", role="administrator"), briefing.code)


def held(session: Session, briefing: Briefing, units: Sequence[Unit]) -> Mapping[str, tuple[int, int]]:
    """The sittings by code, each with one point: the conference has a point of every unit."""
    now = clock.now()
    sitting = session.scalars(select(BriefingSession).where(BriefingSession.briefing_id == briefing.id)).one()
    again = BriefingSession(briefing=briefing, code="hb", title="Lớp bù", kind="make_up", starts_at=now, ends_at=now)
    session.add(again)
    session.flush()  # ids
    points = [MeetingPoint(session_id=sitting.id, code=one.code, name=one.name, unit_id=one.id) for one in units]
    points.append(MeetingPoint(session_id=again.id, code="lop", name="Lớp", unit_id=units[0].id))
    session.add_all(points)
    session.flush()
    return {"hn": (sitting.id, points[0].id), "hb": (again.id, points[-1].id)}


def befall(
    session: Session, briefing: Briefing, sittings: Mapping[str, tuple[int, int]], person_id: int, fate: Fate
) -> None:
    """Let somebody come so far."""
    now = clock.now()
    if fate.lessons or fate.tests:
        studied(session, briefing.course_id, [person_id], lessons=fate.lessons, tests=fate.tests)
    if fate.seen:
        sitting, point = sittings[fate.at]
        about = {"session_id": sitting, "person_id": person_id, "point_id": point}
        session.execute(insert(Attendance), {**about, "state": fate.seen, "at": now, "statement_id": uuid.uuid4()})
    if fate.reflection:
        accepted = now if fate.reflection == "accepted" else None
        about = {"briefing_id": briefing.id, "person_id": person_id}
        session.execute(insert(ReflectionResult), {**about, "submitted_at": now, "accepted_at": accepted})
    if fate.exempt:
        person = session.get_one(Person, person_id)
        decide(session, briefing, person, "exempt", reason="Cao tuổi", approved_by="Chi bộ")


def bare(html: str) -> str:
    """The words of a piece of a page."""
    return unescape(re.sub(r"<[^>]+>", "", html)).strip()


def plainly(figure: str) -> str:
    """A figure without the sign that stands in the heading of Biểu 01."""
    return figure.replace("\u00a0", " ").removesuffix(" %")


def on_the_dashboard(browser: Browser, unit: Unit, briefing: str) -> Told:
    """Every figure of the unit that opens on its dashboard; one that stands there twice says the same twice."""
    page = browser.get(f"/dashboard/units/{unit.public_id}?briefing={briefing}").text
    found: dict[str, set[str]] = {}
    for way, inside in re.findall(r'<a class="opened" href="([^"]+)">(.*?)</a>', page):
        if str(unit.public_id) in way and "alone=1" not in way:
            code = way.split("/numbers/")[1].split("?")[0]
            found.setdefault(code, set()).add(plainly(bare(inside)))
    assert all(len(figures) == 1 for figures in found.values()), found
    return {code: figures.pop() for code, figures in found.items()}


def on_the_page_of_numbers(browser: Browser, unit: Unit, asked: str) -> Told:
    """The table of all figures of the unit in the briefing, and of whatever else is asked."""
    page = browser.get(f"/dashboard/units/{unit.public_id}/numbers/people?briefing={asked}").text
    rows = re.findall(r"<tr><th[^>]*>(.*?)</th><td[^>]*>(.*?)</td></tr>", page.split("all-numbers")[1])
    return {NAMES[bare(name)]: plainly(bare(figure)) for name, figure in rows}


def in_a_table(rows: Sequence[Sequence[str]]) -> dict[str, Told]:
    """Biểu 01 as it stands in a file: the figures by the name of the unit, each under the heading of its column."""
    top, below = ([NAMES.get(cell) for cell in row] for row in rows[:2])
    codes = [lower or upper for upper, lower in zip(top, below, strict=True)]
    lines = [row for row in rows[2:] if row[1] and not row[0].startswith("(")]
    return {row[1]: {code: cell for code, cell in zip(codes, row, strict=True) if code} for row in lines}


def in_the_document(content: bytes) -> dict[str, Told]:
    table = docx.Document(io.BytesIO(content)).tables[1]
    return in_a_table([[cell.text for cell in row.cells] for row in table.rows])


def in_the_workbook(content: bytes) -> dict[str, Told]:
    """Numbers are numbers there."""
    (sheet,) = taken_apart(content).sheets
    rows = [[re.sub(r"^(\d+)\.0$", r"\1", line.cell(place)) for place in range(25)] for line in sheet.lines]
    start = next(place for place, row in enumerate(rows) if row[0] == "TT")
    end = next(place for place, row in enumerate(rows) if row[1] == "TỔNG CỘNG")
    return in_a_table(rows[start : end + 1])


def by_the_api(make: Make, token: str, unit: Unit, briefing: str, asked: str = "") -> Told:
    """The total that another system reads; of a rate both sums, divided here."""
    path = f"/api/v1/briefings/{briefing}/tallies?unit={unit.public_id}{asked}"
    answer = make.app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
    total = json.loads(answer.data)["total"]
    found = {}
    for metric in METRICS:
        if metric.code == "score":
            mean = "–" if total["mean_score"] is None else f"{total['mean_score']:.1f}".replace(".", ",")
            found["score"] = f"{mean} ({total['scored']})"
        elif metric.shown == RATE:
            part, whole = total[metric.numerator], total[metric.denominator]
            found[metric.code] = f"{100 * part / whole:.1f}".replace(".", ",")
        elif total.get(metric.numerator) is not None:
            found[metric.code] = str(total[metric.numerator])
    return found


def token_of(browser: Browser) -> str:
    """A token for figures, as the page of administrators makes one."""
    browser.get("/api-tokens/new")
    browser.submit("Tạo và hiện", name="Cổng", scopes=["tallies", "standings", "names"], unit="")
    return browser.text.split('id="secret" readonly value="')[1].split('"')[0]


def in_the_mail(mail: EmailMessage) -> Told:
    """The figures of the one briefing that the mail of the day tells, by the names the catalogue has for them."""
    line = next(line for line in mail.get_content().splitlines() if line.startswith("  Số phải học (A):"))
    told = (one.strip().rsplit(": ", 1) for one in line.split(";"))
    return {NAMES[name]: figure for name, figure in told}


OF_PEOPLE = {metric.code for metric in METRICS} - {"points", "state"}
COUNTED = OF_PEOPLE - {"roll", "non_members"} - FROZEN
HEADLINES = {"people", "briefed", "completed", "overdue"}


def test_page_file_api_and_mail_tell_the_same_figures_of_every_unit(make: Make, tmp_path: Path) -> None:
    province = kept(make, tmp_path, built)
    at = clock.now().astimezone(clock.VIETNAM).replace(hour=8, minute=0) + timedelta(days=1)
    with clock.moved_to(at.replace(hour=0, minute=6)), make.writing() as session:
        plan_the_morning(session, clock.now())
    with clock.moved_to(at), mail_server() as server:
        sends_by(make, server)
        worker = Worker(make.database)
        while worker.step():
            pass
        mails = {str(one["To"]).split("@")[0]: in_the_mail(one) for one in server.mails}
        administrator = make.browser(province.administrator)
        token, report = token_of(administrator), f"/reports/units/{province.units['tinh'].public_id}/01"
        document = in_the_document(administrator.client.get(f"{report}.docx").data)
        workbook = in_the_workbook(administrator.client.get(f"{report}.xlsx").data)
        for code, unit in province.units.items():
            name = "TỔNG CỘNG" if code == "tinh" else unit.name
            head = make.browser(province.heads[code])
            told = {
                "page": on_the_dashboard(head, unit, province.briefing),
                "numbers": on_the_page_of_numbers(head, unit, province.briefing),
                "workbook": workbook[name],
                "document": document[name],
                "api": by_the_api(make, token, unit, province.briefing),
                "mail": mails[code],
            }
            rates = {"briefed_rate", "completed_rate"} if code in {"tinh", "lon"} else set()
            assert {channel: set(found) for channel, found in told.items()} == {
                "page": HEADLINES | rates,
                "numbers": OF_PEOPLE,
                "workbook": {metric.code for metric in IN_FORM_01},
                "document": {metric.code for metric in IN_FORM_01},
                "api": COUNTED,
                "mail": set(IN_DIGEST),
            }
            for metric in METRICS:
                figures = {channel: found[metric.code] for channel, found in told.items() if metric.code in found}
                assert len(set(figures.values())) == 1, (unit.name, metric.code, figures)
    assert "0" not in [workbook["TỔNG CỘNG"][metric.code] for metric in IN_FORM_01]
    assert [workbook[name]["exempt"] for name in ("Phòng Một", "Sở Lớn", "Sở Nhỏ")] == ["3", "3", "0"]


@pytest.mark.parametrize("asked", ["on", "until", "category"])
def test_page_file_and_api_tell_the_same_by_every_filter(make: Make, tmp_path: Path, asked: str) -> None:
    province = kept(make, tmp_path, built)
    yesterday = clock.today() - timedelta(days=1)
    with make.writing() as session:
        session.execute(update(Assignment).values(assigned_at=clock.now() - timedelta(days=9)))
        for number, one in enumerate(session.scalars(select(Person).order_by(Person.id)).all()):
            one.category = "vien_chuc" if number % 3 else "cong_chuc"
    address = {"on": f"&on={yesterday}", "until": f"&until={yesterday}", "category": "&category=vien_chuc"}[asked]
    administrator = make.browser(province.administrator)
    token, report = token_of(administrator), f"/reports/units/{province.units['tinh'].public_id}/01"
    about = f"?briefing={province.briefing}{address}"
    document = in_the_document(administrator.client.get(f"{report}.docx{about}").data)
    workbook = in_the_workbook(administrator.client.get(f"{report}.xlsx{about}").data)
    for code, unit in province.units.items():
        name = "TỔNG CỘNG" if code == "tinh" else unit.name
        told = {
            "numbers": on_the_page_of_numbers(administrator, unit, f"{province.briefing}{address}"),
            "workbook": {metric: figure for metric, figure in workbook[name].items() if figure},
            "document": {metric: figure for metric, figure in document[name].items() if figure},
            "api": by_the_api(make, token, unit, province.briefing, address),
        }
        for metric in METRICS:
            figures = {channel: found[metric.code] for channel, found in told.items() if metric.code in found}
            assert len(set(figures.values()) - {"–"}) <= 1, (unit.name, metric.code, figures)
        assert min(len(found) for found in told.values()) >= 10
