"""Before a course is assigned its page tells how many have studied it already, and asks whether that counts."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from courses.briefings.models import BriefingPolicy, Standing
from courses.catalog.models import Course
from courses.enrolment.actions import plain_briefing
from courses.enrolment.models import Assignment
from lms import clock
from lms.accounts.models import Person
from lms.audit.models import AuditEntry
from lms.cli import check_projections
from lms.organisation.models import Unit
from tests.browser import Browser
from tests.courses.learner import FINISH, Learner
from tests.library_course import CODE, load_small_course
from tests.make import Make

LESSONS = ("m1-1", "m1-2", "m2-1", "m2-2")
FROM_HERE = {"Origin": "http://localhost"}
HEADING = "Kết quả đã có từ trước"


class Office:
    """An agency of three: one has completed the course nine days ago, one has read all of it, one has not begun."""

    def __init__(self, make: Make, folder: Path) -> None:
        load_small_course(make, folder)
        self.make = make
        self.root = make.unit("Tỉnh")
        self.unit, self.other = (make.unit(name, under=self.root) for name in ("Sở Y tế", "Sở Nội vụ"))
        self.people = [make.person(f"Người Thứ {n}", unit=self.unit) for n in range(3)]
        self.admin = make.browser(make.person("Quản Trị", unit=self.root, role="administrator"))
        with clock.moved_to(clock.now() - timedelta(days=9)):
            self.studies(self.people[0], tests=True)
            self.studies(self.people[1])

    def studies(self, person: Person, *, tests: bool = False) -> None:
        learner = Learner(self.make, person)
        learner.read(*LESSONS)
        if tests:
            learner.take("m1-test", 1.0)
            learner.take("m2-test", 1.0)

    def look(self, unit: Unit, *, days: int = 9) -> str:
        """The page before the course is assigned to the unit."""
        due = (clock.today() + timedelta(days=days)).isoformat()
        self.admin.get("/assignments/check", query_string={"course": CODE, "unit": str(unit.public_id), "due": due})
        return words(self.admin)

    def states(self) -> list[str]:
        with self.make.reading() as session:
            return list(session.scalars(select(Standing.state).order_by(Standing.person_id)))


def words(browser: Browser) -> str:
    return " ".join(browser.text.split())


@pytest.fixture
def office(make: Make, tmp_path: Path) -> Office:
    return Office(make, tmp_path)


def test_who_assigns_a_course_is_told_who_has_studied_it_and_that_counts_unless_said_otherwise(office: Office) -> None:
    page = office.look(office.root)
    assert HEADING in page
    assert (
        "Trong 4 người mới được giao, 2 người đã học hết các bài của khóa này, trong đó 1 người cũng đã đạt các bài "
        "kiểm tra bắt buộc." in page
    )
    assert "không phải học lại. 2 người được tính đã quán triệt ngay, trong đó 1 người hoàn thành." in page
    assert "học lại từ đầu. Chưa ai được tính đã quán triệt." in page
    assert 'value="y" checked' in page
    with office.make.reading() as session:
        assert session.scalars(select(Assignment)).all() == []  # to look changes nothing
    office.admin.submit("/assignments")
    assert office.states() == ["completed", "briefed", "not_started", "not_started"]
    with office.make.reading() as session:
        assert session.scalars(select(BriefingPolicy)).all() == []  # as it is anyway


def test_what_was_studied_before_a_course_was_assigned_counts_for_nothing_when_that_is_said(office: Office) -> None:
    office.look(office.unit)
    office.admin.submit("/assignments", study_before="n")
    assert "Đã giao khóa học cho Sở Y tế" in office.admin.text
    assert office.states() == ["not_started"] * 3
    with office.make.reading() as session:
        kept = session.scalars(select(BriefingPolicy).order_by(BriefingPolicy.number)).all()
        assert [one.policy["counts_before"] for one in kept if one.policy] == [False]
        assert kept[-1].reason == "Chọn khi giao khóa học."
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "briefing.change")).one()
        assert noted.details["briefing"] == CODE
    office.studies(office.people[2], tests=True)
    assert office.states() == ["not_started", "not_started", "completed"]
    assert [line for lines in check_projections(office.make.database).values() for line in lines] == []


def test_once_somebody_has_the_course_the_page_says_what_was_settled_and_offers_no_choice(office: Office) -> None:
    late = office.make.person("Người Đến Sau", unit=office.other)
    with clock.moved_to(clock.now() - timedelta(days=3)):
        office.studies(late)
    assert "1 người được tính đã quán triệt ngay" in office.look(office.other)
    office.admin.submit("/assignments", study_before="n")
    page = office.look(office.unit)
    assert "Như đã định cho khóa học này, kết quả có trước khi giao lần đầu không được tính: Chưa ai" in page
    assert "study_before" not in page
    token = dict(office.admin.form("/assignments").fields)
    office.admin.post("/assignments", data={**token, "study_before": "y"}, headers={"Origin": "http://localhost"})
    assert "Đã giao khóa học cho Sở Y tế" in office.admin.text
    assert set(office.states()) == {"not_started"}  # a choice that was not offered is none


def test_the_page_says_when_nobody_has_studied_the_course_and_that_all_stays_when_nobody_is_new(
    office: Office,
) -> None:
    office.make.person("Người Mới", unit=office.other)
    assert "Chưa ai trong 1 người mới được giao đã học hết các bài của khóa này." in office.look(office.other)
    office.admin.submit("/assignments")
    page = office.look(office.other, days=20)
    assert HEADING not in page
    assert "Mọi người ở đây đã được giao khóa học này từ trước; kết quả đã có được giữ nguyên." in page


def test_what_was_studied_since_the_course_was_first_assigned_is_no_matter_of_choice(office: Office) -> None:
    with clock.moved_to(clock.now() - timedelta(days=20)), office.make.writing() as session:
        plain_briefing(session, session.scalars(select(Course)).one())
    page = office.look(office.unit)
    assert "2 người đã học hết các bài của khóa này" in page
    assert "Tất cả đều học sau khi khóa học được giao lần đầu nên được tính." in page
    assert "study_before" not in page
    office.admin.submit("/assignments")
    assert office.states() == ["completed", "briefed", "not_started"]


def test_a_course_whose_briefing_was_closed_is_assigned_to_nobody_and_the_form_says_why(office: Office) -> None:
    office.look(office.other)
    office.admin.submit("/assignments")
    page = office.look(office.unit)
    assert "Xem trước khi giao" in page
    with office.make.writing() as session:
        session.scalars(select(Assignment)).one().briefing.closed_at = clock.now()
    for answer in (office.admin.submit("/assignments"), None):
        page = words(office.admin) if answer is not None else office.look(office.unit)
        assert "đã đóng nên không giao thêm được. Mở lại đợt" in page
        assert "Sở Y tế" in page  # what was chosen is still there
    with office.make.reading() as session:
        assert len(session.scalars(select(Assignment)).all()) == 1


def test_what_does_not_count_is_studied_again_and_then_counts(office: Office) -> None:
    office.look(office.unit)
    office.admin.submit("/assignments", study_before="n")
    learner = Learner(office.make, office.people[0])
    browser = learner.browser
    browser.get("/learning")
    page = words(browser)
    assert "bài học trước ngày ấy thì học lại" in page
    assert "0/4" in page
    for code in LESSONS:
        browser.get(f"/courses/{CODE}/lessons/{code}")
        assert "Đã hoàn thành ngày" not in browser.text
        form = browser.form(FINISH)
        browser.submit(FINISH)
        browser.get(f"/courses/{CODE}/lessons/{code}")
        assert "Đã hoàn thành ngày" in browser.text
    assert learner.said().count(("completed", LESSONS[0])) == 2
    assert office.states() == ["briefed", "not_started", "not_started"]
    browser.post(form.action, data=dict(form.fields), headers=FROM_HERE)
    assert learner.said().count(("completed", LESSONS[-1])) == 2  # what counts is not stated again
    assert "0/2" in browser.get(f"/courses/{CODE}").text
    learner.take("m1-test", 1.0)
    learner.take("m2-test", 1.0)
    assert office.states() == ["completed", "not_started", "not_started"]
    assert "học lại" not in browser.get(f"/courses/{CODE}").text
    other = office.make.browser(office.people[1])
    assert "0/4" in other.get(f"/courses/{CODE}").text
    assert [line for lines in check_projections(office.make.database).values() for line in lines] == []


def test_whose_briefing_counts_what_was_before_is_asked_for_nothing_again(office: Office) -> None:
    office.look(office.unit)
    office.admin.submit("/assignments", study_before="n")
    elsewhere = office.make.person("Người Nơi Khác", unit=office.other)
    learner = Learner(office.make, elsewhere)
    learner.read(*LESSONS[:3])
    browser = learner.browser
    browser.get(f"/courses/{CODE}/lessons/{LESSONS[3]}")
    form = browser.form(FINISH)
    for _twice in range(2):
        browser.post(form.action, data=dict(form.fields), headers=FROM_HERE)
    assert learner.said().count(("completed", LESSONS[3])) == 1
    assert "4/4" in learner.browser.get(f"/courses/{CODE}").text
