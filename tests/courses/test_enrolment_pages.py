"""Administrators assign courses to units, look at what was assigned, and withdraw it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from courses.catalog.models import Course, CourseVersion
from courses.enrolment.actions import assign
from courses.enrolment.models import Assignment
from courses.enrolment.queries import roll
from lms import clock
from lms.clock import end_of_day
from lms.organisation.models import Unit
from tests.browser import Browser
from tests.make import Make

TITLE = "Quán triệt Nghị quyết số 48-NQ/TU"


@pytest.fixture
def course(make: Make) -> Course:
    """A published course."""
    with make.writing() as session:
        one = Course(code="nq48", iri="https://quan-triet.example/courses/nq48", created_at=clock.now())
        session.add(one)
        session.flush()
        version = dict.fromkeys(("title_en", "summary", "summary_en", "intro", "intro_html", "note"), "")
        for number, title in enumerate(("Tên cũ", TITLE), 1):
            session.add(
                CourseVersion(
                    course_id=one.id,
                    number=number,
                    title=title,
                    minutes=90,
                    settings={},
                    outline={"modules": []},
                    register={},
                    published_at=clock.now(),
                    **version,
                )
            )
        return one


def administrator(make: Make) -> Browser:
    return make.browser(make.person("Quản Thị Trị", role="administrator"))


def day(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def test_an_administrator_sees_how_many_it_reaches_and_then_assigns(make: Make, course: Course) -> None:
    root = make.unit("Tỉnh")
    unit = make.unit("Sở Y tế", under=root)
    people = [make.person(unit=unit), make.person(unit=unit)]
    make.person(unit=root)
    admin = administrator(make)
    admin.get("/assignments")
    assert "Chưa giao khóa học nào" in admin.text
    admin.get("/assignments/new")
    assert TITLE in admin.text
    assert "Tên cũ" not in admin.text
    admin.submit("/check", course="nq48", unit=str(unit.public_id), due=day(14))
    assert "Khóa học sẽ được giao cho 2 người." in admin.text
    with make.reading() as session:
        assert session.scalar(select(func.count(Assignment.id))) == 0
    admin.submit("/assignments")
    assert admin.path == "/assignments"
    assert "Đã giao khóa học cho Sở Y tế" in admin.text
    with make.reading() as session:
        given = session.scalars(select(Assignment)).one()
        assert given.due_at == end_of_day(clock.today() + timedelta(days=14))
        assert given.assigned_by_id is not None
        assert {row.person_id for row in roll(session, course.id, on=clock.today())} == {one.id for one in people}


def test_a_second_press_of_the_button_assigns_nothing_more(make: Make, course: Course) -> None:
    unit = make.unit("Sở Y tế")
    admin = administrator(make)
    for _ in range(2):
        admin.get("/assignments/check", query_string={"course": "nq48", "unit": str(unit.public_id), "due": day(3)})
        admin.submit("/assignments")
    assert "đã được giao cho Sở Y tế với đúng hạn này" in admin.text
    with make.reading() as session:
        assert session.scalar(select(func.count(Assignment.id))) == 1


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"due": ""}, "due", "Chọn hạn hoàn thành."),
        ({"due": day(-1)}, "due", "không được ở trong quá khứ"),
        ({"due": "32/13/2026"}, "due", "Nhập ngày theo dạng"),
        ({"due": day(4000)}, "due", "Kiểm tra lại năm"),
        ({"unit": ""}, "unit", "Chọn cơ quan, đơn vị."),
        ({"course": "khong-co"}, "course", "Chọn một mục trong danh sách."),
    ],
)
def test_an_assignment_that_cannot_be_says_why_on_preview_and_on_sending(
    make: Make, course: Course, changes: dict[str, str], field: str, reason: str
) -> None:
    unit = make.unit("Sở Y tế")
    values = {"course": "nq48", "unit": str(unit.public_id), "due": day(3), **changes}
    admin = administrator(make)
    admin.get("/assignments/new")
    for answer in (admin.submit("/check", follow=True, **values), send(admin, values)):
        assert answer.status_code == 422
        assert reason in answer.text.split(f'id="{field}-error"')[1].split("</p>")[0]
        assert field == "due" or f'value="{clock.today() + timedelta(days=3):%d/%m/%Y}"' in answer.text
    with make.reading() as session:
        assert session.scalar(select(func.count(Assignment.id))) == 0


def send(admin: Browser, values: dict[str, str]) -> TestResponse:
    """Send the last step without the page before it."""
    token = dict(admin.form("/sign-out").fields)["csrf_token"]
    return admin.post("/assignments", data={**values, "csrf_token": token}, headers={"Origin": "http://localhost"})


def test_today_is_still_in_time(make: Make, course: Course) -> None:
    unit = make.unit("Sở Y tế")
    admin = administrator(make)
    admin.get("/assignments/check", query_string={"course": "nq48", "unit": str(unit.public_id), "due": day(0)})
    assert "Hiện chưa có ai được tính ở đơn vị này." in admin.text
    admin.submit("/assignments")
    with make.reading() as session:
        assert session.scalar(select(Assignment.due_at > clock.now()))


def test_the_preview_says_who_keeps_a_nearer_date(make: Make, course: Course) -> None:
    root = make.unit("Tỉnh")
    unit = make.unit("Sở Y tế", under=root)
    for where in (root, unit, unit):
        make.person(unit=where)
    with make.writing() as session:
        due = end_of_day(clock.today() + timedelta(days=5))
        assign(session, session.get_one(Course, course.id), session.get_one(Unit, unit.id), due_at=due)
    admin = administrator(make)
    admin.get("/assignments/check", query_string={"course": "nq48", "unit": str(root.public_id), "due": day(9)})
    assert "được giao cho 3 người" in admin.text
    assert "2 người trong số đó vẫn theo hạn đã giao ở đơn vị gần hơn" in admin.text
    admin.submit("/assignments")
    admin.get("/assignments")
    admin.get(next(link for link in links(admin) if "Tỉnh" in link[1])[0])
    assert "1 người theo hạn này; 2 người khác trong phạm vi" in admin.text


def links(browser: Browser) -> list[tuple[str, str]]:
    """Address and words of the links in the table."""
    rows = browser.text.split("<tbody>")[1].split('<a href="')[1:]
    return [(row.split('"')[0], row.split(">")[1].split("<")[0]) for row in rows]


def test_withdrawing_takes_people_off_the_roll_and_stays_in_the_list(make: Make, course: Course) -> None:
    unit = make.unit("Sở Y tế")
    make.person(unit=unit)
    with make.writing() as session:
        due = end_of_day(clock.today() + timedelta(days=5))
        assign(session, session.get_one(Course, course.id), session.get_one(Unit, unit.id), due_at=due)
    admin = administrator(make)
    admin.get("/assignments")
    admin.get(links(admin)[0][0])
    admin.get(admin.path + "/withdraw")
    assert "đang có hiệu lực với 1 người" in admin.text
    with make.reading() as session:
        assert roll(session, course.id, on=clock.today())  # to be asked changes nothing
    admin.submit("/withdraw")
    assert "Đã thu hồi việc giao học." in admin.text
    assert "đã thu hồi" in admin.text
    admin.get(links(admin)[0][0])
    assert "Thu hồi lần giao học này" not in admin.text
    with make.reading() as session:
        assert not roll(session, course.id, on=clock.today())


def test_without_a_published_course_the_form_says_so(make: Make) -> None:
    make.unit("Sở Y tế")
    admin = administrator(make)
    admin.get("/assignments/new")
    assert "Chưa có khóa học nào được công bố" in admin.text
    assert admin.get("/assignments/11111111-1111-4111-8111-111111111111").status_code == 404
