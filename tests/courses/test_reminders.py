"""Who is reminded of what, when, how, and never twice."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from courses.briefings.models import Standing
from courses.briefings.projector import settle_briefing
from courses.enrolment.actions import give as give_briefing
from courses.enrolment.models import Assignment, Briefing
from courses.reminders.actions import AT_ONCE, REMIND, keep_plan, plan_the_night, remind
from courses.reminders.models import ReminderSent
from courses.reminders.queries import plan_of
from courses.reminders.rules import STANDARD, Occasion, Plan, occasion_of
from lms import clock
from lms.accounts.models import Membership, Person
from lms.clock import VIETNAM, end_of_day
from lms.notices.models import Notice
from lms.organisation.models import Unit
from lms.outbox.models import Job
from lms.outbox.rules import STUDY, mail_at
from lms.webhooks.actions import add_webhook, pause_webhook
from lms.webhooks.models import WebhookMessage
from lms.webhooks.rules import KINDS
from tests.analytics.agency import hired
from tests.browser import Browser
from tests.counting import count_queries
from tests.courses.learner import Learner, give
from tests.library_course import load_small_course
from tests.make import Make

TODAY = date(2026, 11, 26)
GIVEN = datetime(2026, 11, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def due(days: int) -> datetime:
    """The end of the day that is so many days from today."""
    return end_of_day(TODAY + days * DAY)


@pytest.mark.parametrize(
    ("due_at", "expected"),
    [
        (due(8), None),
        (due(7), ("before", 7)),
        (due(6), ("before", 7)),  # yesterday's night did not run, or was done: the code is the same
        (due(4), None),  # three nights ago is too long ago
        (due(1), ("before", 1)),
        (due(0), ("before", 1)),
        (due(-1), ("after", 1)),  # and no longer that one day is left
        (due(-3), ("after", 1)),
        (due(-4), None),
        (due(-7), ("after", 7)),
        (due(-99), None),
        (None, None),
    ],
)
def test_somebody_is_reminded_on_the_days_of_the_plan(
    due_at: datetime | None, expected: tuple[str, int] | None
) -> None:
    found = occasion_of(STANDARD, due_at, GIVEN, TODAY)
    assert (found and (found.kind, found.days)) == expected


def test_what_is_never_due_is_never_silent_and_an_empty_plan_is() -> None:
    assert occasion_of(STANDARD, None, datetime(2026, 11, 12, tzinfo=UTC), TODAY) == Occasion(
        "without", 14, date(2026, 11, 12)
    )
    assert occasion_of(Plan((), (), ()), None, GIVEN, TODAY) is None


@pytest.mark.parametrize(
    ("days", "since", "expected"),
    [
        ((14, 30, 60), 60, 60),
        ((14, 30, 60), 63, None),
        ((14, 30, 60), 90, 90),
        ((14, 30, 60), 92, 90),  # two nights did not run
        ((14, 30, 60), 960, 960),
        ((14,), 28, 28),
        ((14,), 35, None),
        ((1, 2), 3, 2),
        ((1, 2), 5, None),
        ((1, 2), 9, 9),  # once a week, not every day
        ((60, 14, 30), 90, 90),
    ],
)
def test_what_is_never_due_goes_on_after_the_last_day_of_the_plan(
    days: tuple[int, ...], since: int, expected: int | None
) -> None:
    assigned = datetime(2026, 11, 26, 5, tzinfo=UTC) - since * DAY
    found = occasion_of(Plan(without_due=days), None, assigned, TODAY)
    assert (found and found.days) == expected


@pytest.mark.parametrize(("hour", "day", "sent"), [(3, 26, 7), (7, 26, 7), (12, 26, 12), (19, 27, 7), (23, 27, 7)])
def test_mail_waits_for_the_hours_of_the_day(hour: int, day: int, sent: int) -> None:
    found = mail_at(STANDARD, datetime(2026, 11, 26, hour, tzinfo=VIETNAM)).astimezone(VIETNAM)
    assert (found.day, found.hour) == (day, sent)


@pytest.fixture
def unit(make: Make, tmp_path: Path) -> Unit:
    """An agency with the small course, due in a week."""
    load_small_course(make, tmp_path)
    one = make.unit("Sở Y tế")
    give(make, one, due_at=end_of_day(clock.today() + 7 * DAY))
    return one


def night(make: Make) -> int:
    """What a night does; how many rounds it took."""
    with make.writing() as session:
        plan_the_night(session, clock.now())
        [briefing_id] = session.scalars(select(Briefing.id))
    for rounds in range(1, 99):
        with make.writing() as session:
            if remind(session, {"briefing_id": briefing_id}) is None:
                return rounds
    raise AssertionError("the night does not end")


def test_a_night_reminds_whoever_has_not_completed_once_in_the_pages_and_by_mail(make: Make, unit: Unit) -> None:
    with_address, without, done, exempt = (make.person(unit=unit) for _ in range(4))
    learner = Learner(make, done)
    learner.read("m1-1", "m1-2", "m2-1", "m2-2")
    learner.take("m1-test", 0.9)
    learner.take("m2-test", 0.9)
    with make.writing() as session:
        session.execute(update(Person).values(email=None))
        session.execute(update(Person).where(Person.id == with_address.id).values(email="an@example.gov.vn"))
        session.execute(update(Standing).where(Standing.person_id == exempt.id).values(exempt=True))
    assert night(make) == 1
    night(make)  # whatever runs again
    with make.reading() as session:
        rows = session.execute(
            select(ReminderSent.person_id, ReminderSent.mailed).order_by(ReminderSent.person_id)
        ).all()
        assert [tuple(row) for row in rows] == [(with_address.id, True), (without.id, False)]
        [mail] = session.scalars(select(Job).where(Job.kind == "mail"))
        assert mail.payload["values"]["text"].startswith("“Khóa học nhỏ”: còn 7 ngày, hạn hoàn thành ")
        assert mail.due_at.astimezone(VIETNAM).hour in range(7, 19)
        assert len(session.scalars(select(Job).where(Job.kind == REMIND)).all()) == 1
    browser = make.browser(without)
    assert "còn 7 ngày, hạn hoàn thành" in browser.get("/learning").text
    browser.submit("/seen")
    assert "còn 7 ngày, hạn hoàn thành" not in browser.get("/learning").text
    assert "còn 7 ngày" in browser.get("/notices").text
    assert "Chưa có lời nhắc nào" in make.browser(done).get("/notices").text


def test_after_a_night_that_was_missed_the_days_told_are_those_of_today(make: Make, unit: Unit) -> None:
    person = make.person(unit=unit)
    with clock.moved_to(clock.now() + DAY):
        night(make)
    with make.reading() as session:
        assert session.scalars(select(ReminderSent.occasion)).one().startswith("before 7")
        assert "còn 6 ngày" in session.scalars(select(Notice.text).where(Notice.person_id == person.id)).one()


def test_whoever_wants_no_mail_about_study_is_told_by_no_channel_either(make: Make, unit: Unit) -> None:
    person, other = make.person(unit=unit), make.person(unit=unit)
    with make.writing() as session:
        hook, _secret = add_webhook(session, name="Zalo", address="https://zalo.example.gov.vn/", kinds=KINDS)
        pause_webhook(session, hook)
        session.execute(update(Person).where(Person.id == person.id).values(email="a@example.vn", muted=[STUDY]))
    night(make)
    night(make)
    with make.reading() as session:
        assert set(session.scalars(select(ReminderSent.mailed))) == {False}
        told = json.loads(session.scalars(select(WebhookMessage.body)).one())
    assert (told["type"], told["data"]["people"]) == ("reminder", [str(other.public_id)])
    assert told["data"]["occasion"] == {"kind": "before", "days": 7, "day": str(clock.today() + 7 * DAY)}


def test_the_list_of_plans_costs_the_same_for_any_number_of_briefings(app: Flask, make: Make, unit: Unit) -> None:
    browser = organiser(make)
    browser.get("/reminders")
    with count_queries(app) as few:
        browser.get("/reminders")
    with make.writing() as session:
        course_id = session.scalars(select(Briefing.course_id)).one()
        for number in range(9):
            rest = {"course_id": course_id, "plain": False, "title": f"Đợt {number}", "opened_at": clock.now()}
            session.add(Briefing(code=f"d{number}", **rest))
    with count_queries(app) as many:
        assert "Đợt 8" in browser.get("/reminders").text
    assert len(many) == len(few)


def test_nobody_marks_the_notice_of_somebody_else(make: Make, unit: Unit) -> None:
    one, other = make.person(unit=unit), make.person(unit=unit)
    night(make)
    with make.reading() as session:
        mine = session.scalars(select(Notice.public_id).where(Notice.person_id == one.id)).one()
    browser = make.browser(other)
    browser.get("/learning")
    browser.post(f"/notices/{mine}/seen", data=dict(browser.form("/seen").fields))
    with make.reading() as session:
        assert session.scalars(select(Notice.seen_at).where(Notice.person_id == one.id)).one() is None


def test_many_are_reminded_some_at_a_time(make: Make, unit: Unit) -> None:
    with make.writing() as session:
        session.execute(update(Briefing).values(closed_at=None))
    people = [make.person(unit=unit) for _ in range(3)]
    with make.writing() as session:
        hired(session, unit, 5)  # without an account nobody sees a notice
    assert len(people) < AT_ONCE
    night(make)
    with make.reading() as session:
        assert len(session.scalars(select(ReminderSent.id)).all()) == len(people)


def organiser(make: Make) -> Browser:
    return make.browser(make.person(role="administrator"))


def test_the_plan_is_changed_by_who_organises_and_what_is_wrong_is_said(make: Make, unit: Unit) -> None:
    make.person(unit=unit)
    night(make)
    browser = organiser(make)
    page = browser.get("/reminders/demo").text
    assert "Đêm nay không ai đến mốc" in page
    answer = browser.submit("/reminders/demo", before="6, x", from_hour="19", to_hour="7")
    assert answer.status_code == 422
    assert "ví dụ 7, 1" in answer.text
    assert "Giờ kết thúc phải sau giờ bắt đầu" in answer.text
    assert 'value="6, x"' in answer.text
    answer = browser.submit("/reminders/demo", above="0, 3", from_hour="7", to_hour="19")
    assert (answer.status_code, "mỗi số từ 1 đến 365" in answer.text) == (422, True)
    assert (
        "Đã lưu"
        in browser.submit("/reminders/demo", before="6; 3", after="", above="", from_hour="8", to_hour="17").text
    )
    page = browser.get("/reminders/demo").text
    assert "1 người, trong đó 0 người nhận cả thư" in page  # tomorrow six days are left
    assert 'value="6, 3"' in page
    assert "6, 3" in browser.get("/reminders").text
    reader = make.browser(make.person(role="auditor"))
    assert "Các mốc nhắc" not in reader.get("/reminders/demo").text
    assert make.browser(make.person(unit=unit)).get("/reminders/demo").status_code in {403, 404}


def test_a_plan_kept_before_days_after_began_with_one_says_nothing_is_late_on_the_due_day(
    make: Make, unit: Unit
) -> None:
    person = make.person(unit=unit)
    with make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        keep_plan(session, briefing, Plan(before=(), after=(0, 1), above=(0, 3)), by=person.public_id)
        kept = plan_of(session, briefing.id)
    assert (kept.after, kept.above) == ((1,), (3,))
    with clock.moved_to(clock.now() + 7 * DAY):
        night(make)
    with make.reading() as session:
        assert session.scalars(select(Notice.text).where(Notice.person_id == person.id)).all() == []
    browser = organiser(make)
    browser.get("/reminders/demo")
    answer = browser.submit("/reminders/demo", after="0, 1")
    assert (answer.status_code, "mỗi số từ 1 đến 365" in answer.text) == (422, True)


def test_who_was_reminded_is_listed_and_the_looking_is_noted(make: Make, unit: Unit) -> None:
    make.person(unit=unit, name="Nguyễn Văn Kể")
    night(make)
    page = organiser(make).get("/reminders/demo/sent").text
    assert "Nguyễn Văn Kể" in page
    assert "còn 7 ngày đến hạn" in page


def test_who_plans_a_briefing_without_a_due_date_is_warned_and_cannot_silence_it(make: Make, unit: Unit) -> None:
    person = make.person(unit=unit)
    browser = organiser(make)
    assert "chưa đặt hạn" not in browser.get("/reminders").text + browser.get("/reminders/demo").text
    with make.writing() as session:
        session.execute(update(Assignment).values(due_at=None, assigned_at=clock.now() - 14 * DAY))
        settle_briefing(session, session.scalars(select(Briefing.id)).one())
    assert "có nơi chưa đặt hạn" in browser.get("/reminders").text
    page = browser.get("/reminders/demo").text
    assert "1 người trong đợt chưa đặt hạn hoàn thành." in page
    assert "Họ được nhắc sau ngày giao: 14, 30, 60 ngày, rồi cứ 30 ngày một lần." in page
    answer = browser.submit("/reminders/demo", without_due="", before="5")
    assert answer.status_code == 422
    assert "Nhập ít nhất một mốc" in answer.text
    assert 'value="5"' in answer.text
    night(make)
    with make.reading() as session:
        assert session.scalars(select(Notice.text).where(Notice.person_id == person.id)).one().startswith("“Khóa học")
        assert session.scalars(select(ReminderSent.occasion)).one().startswith("without 14 ")


def test_whoever_comes_to_a_unit_long_after_is_reminded_without_a_due_date_too(make: Make, unit: Unit) -> None:
    person, before = make.person(unit=unit), make.person(unit=unit)
    came = clock.today() - 14 * DAY
    with make.writing() as session:
        session.execute(update(Assignment).values(due_at=None, assigned_at=clock.now() - 80 * DAY))
        session.execute(update(Membership).where(Membership.person_id == person.id).values(valid_from=came))
        settle_briefing(session, session.scalars(select(Briefing.id)).one())
    night(make)
    night(make)
    with make.reading() as session:
        [(told, occasion)] = session.execute(select(ReminderSent.person_id, ReminderSent.occasion)).all()
        assert (told, occasion) == (person.id, f"without 14 {came}")
        assert session.scalars(select(Notice.id).where(Notice.person_id == before.id)).all() == []


@pytest.mark.parametrize(("plan", "since"), [((14, 30, 60), 390), ((1,), 393)])  # once a month, and once a week
def test_whoever_has_no_due_date_is_still_reminded_in_the_second_year(
    make: Make, unit: Unit, plan: tuple[int, ...], since: int
) -> None:
    person = make.person(unit=unit)
    with make.writing() as session:
        session.execute(update(Assignment).values(due_at=None, assigned_at=clock.now() - since * DAY))
        session.execute(
            update(Membership).where(Membership.person_id == person.id).values(valid_from=clock.today() - 999 * DAY)
        )
        briefing = session.scalars(select(Briefing)).one()
        keep_plan(session, briefing, Plan(without_due=plan), by=person.public_id)
        settle_briefing(session, session.scalars(select(Briefing.id)).one())
    night(make)
    night(make)
    with make.reading() as session:
        assert session.scalars(select(ReminderSent.occasion)).one().startswith(f"without {since} ")
        assert len(session.scalars(select(Notice.text).where(Notice.person_id == person.id)).all()) == 1


def test_whom_a_new_due_date_reaches_is_reminded_of_that_one_too(make: Make, unit: Unit) -> None:
    person = make.person(unit=unit)
    night(make)
    with make.writing() as session:
        briefing = session.scalars(select(Briefing)).one()
        below = session.get_one(Unit, unit.id)
        give_briefing(session, briefing, below, due_at=end_of_day(clock.today() + DAY))
    night(make)
    with make.reading() as session:
        codes = session.scalars(select(ReminderSent.occasion).where(ReminderSent.person_id == person.id)).all()
    assert sorted(code.rpartition(" ")[0] for code in codes) == ["before 1", "before 7"]
