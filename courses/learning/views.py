"""The learner's pages: what I must study, a course, a lesson, and what the system keeps of my learning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from courses.catalog.models import Activity
from courses.catalog.render import as_markup
from courses.learning import actions, queries, rules
from courses.learning.access import (
    Study,
    access_course,
    access_courses,
    access_lesson,
    access_lesson_place,
    counts_since,
)
from courses.learning.queries import Duty
from courses.learning.rules import Elsewhere, Overview, Reached, Record, Result, Step
from lms import clock
from lms.db import get_session
from lms.doors import doors_of
from lms.web.acting import Actor, actor
from lms.web.feature import Feature
from lms.web.gate import needs
from lms.web.wording import day

bp = Feature("learning", __name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A course as the pages show it to one learner. `duty` is None when nobody assigned it.

    `elsewhere`: another record of the learner has come further, and counts. `anew`: something is to be done again, for
    what was studied before then does not count.
    """

    study: Study
    steps: list[Step]
    overview: Overview
    duty: Duty | None
    elsewhere: Elsewhere | None
    anew: datetime | None = None


Known = Mapping[tuple[int, int], Mapping[int, Record]]
"""The records of the learner, as `queries.records_with_linked` has them."""


def shown(study: Study, known: Known, duty: Duty | None, now: datetime, *, since: datetime | None = None) -> Shown:
    """The course with everything that follows from the learner's results, as far as they count since then."""
    own, me = get_session(), actor().person_id
    records = known.get((me, study.course.id), {})
    mine = records.get(me)
    since = duty.anew if duty is not None else since
    results = rules.counting(study.outline, study.settings, mine, since)
    again = results != results_of(mine)
    steps = rules.way(study.outline, study.settings, results)
    due_at = duty.due_at if duty is not None else None
    overview = rules.overview(steps, begun=study.progress is not None, due_at=due_at, now=now)
    others = [come(own, record) for person_id, record in records.items() if person_id != me and not again]
    elsewhere = rules.further(rules.reached(study.outline, study.settings, mine), others)
    anew = since if again and overview.completed_at is None else None
    return Shown(study, steps, rules.joined(overview, elsewhere), duty, elsewhere, anew)


def come(own: Session, record: Record) -> Reached:
    """How far a record brings whoever it is of, in the version it was begun in."""
    edition = queries.edition(own, record.version_id)
    return rules.reached(edition.outline, edition.settings, record)


def known_of(own: Session, me: Actor) -> Known:
    """What the learner has done, in every course."""
    return queries.records_with_linked(own, [me.person_id])


@dataclass(frozen=True, slots=True)
class Sitting:
    """A test of a course that the learner has begun and not handed in."""

    study: Study
    step: Step
    ends_at: datetime | None
    over: bool


def sittings(own: Session, person_id: int, courses: Sequence[Shown], now: datetime) -> list[Sitting]:
    """The tests the learner is in the middle of, in the order of the courses: their clocks are running."""
    tests = doors_of(own).activity_kinds.get("test")
    begun = {one.activity_id: one.ends_at for one in tests.underway(own, person_id)} if tests is not None else {}
    found = []
    for one in courses:
        mine = {test.code: begun[test.activity_id] for test in one.study.outline.tests() if test.activity_id in begun}
        for step in one.steps:
            if step.code in mine:
                ends_at = mine[step.code]
                found.append(Sitting(one.study, step, ends_at, over=ends_at is not None and ends_at < now))
    return found


def address(study: Study, step: Step | None) -> str:
    """The page of a lesson or test of the course; the page of the course itself when there is none."""
    tests = current_app.extensions["doors"].activity_kinds.get("test")
    if step is not None and step.lesson is not None:
        return url_for("learning.lesson", course_code=study.course.code, lesson_code=step.code)
    if step is not None and tests is not None:
        return str(tests.address(study.course.code, step.code))
    return url_for("learning.course", course_code=study.course.code)


@bp.app_template_filter("titled")
def titled(thing: object) -> str:
    """The title of a course, module or lesson in the reader's language, where it has one."""
    english = getattr(thing, "title_en", "") if str(get_locale()) == "en" else ""
    return str(english or getattr(thing, "title", ""))


@bp.get("/learning")
@needs("course:study")
def home() -> ResponseReturnValue:
    """What I must study and by when, then what else there is."""
    own, me, now = get_session(), actor(), clock.now()
    known = known_of(own, me)
    duties = queries.duties(own, me.person_id, on=clock.day_of(now))
    courses = [shown(study, known, duties.get(study.course.id), now) for study in access_courses(own, me)]
    assigned = sorted(
        (one for one in courses if one.duty is not None),
        key=lambda one: (one.overview.completed_at is not None, one.overview.due_at or now),
    )
    others = [one for one in courses if one.duty is None]
    sitting = sittings(own, me.person_id, courses, now)
    return render_template(
        "learning/home.html",
        assigned=assigned,
        others=others,
        sitting=sitting,
        address=address,
        by_module=rules.by_module,
    )


@bp.get("/courses/<course_code>")
@needs("course:study")
def course(course_code: str) -> ResponseReturnValue:
    """What the course asks, how far I am, and every lesson and test of it."""
    own, me, now = get_session(), actor(), clock.now()
    study = access_course(own, me, course_code)
    duty = queries.duties(own, me.person_id, on=clock.day_of(now)).get(study.course.id)
    one = shown(study, known_of(own, me), duty, now)
    return render_template(
        "learning/course.html",
        one=one,
        study=study,
        sitting=sittings(own, me.person_id, [one], now),
        modules=rules.by_module(one.steps),
        prefaces=queries.prefaces(own, study.outline),
        address=address,
        as_markup=as_markup,
    )


@bp.post("/courses/<course_code>/start")
@needs("course:study")
def start(course_code: str) -> ResponseReturnValue:
    """Begin the course and open its first lesson."""
    own, me = get_session(), actor()
    study = access_course(own, me, course_code, to_change=True)
    actions.start_course(own, me, study)
    first = rules.way(study.outline, study.settings, {})[0]
    return redirect(address(study, first if study.progress is None else None))


@bp.get("/courses/<course_code>/lessons/<lesson_code>")
@needs("course:study")
def lesson(course_code: str, lesson_code: str) -> ResponseReturnValue:
    """One lesson to read, with its place in the course."""
    own, me = get_session(), actor()
    study = access_course(own, me, course_code)
    module, text = access_lesson(own, study, lesson_code)
    source = study.version.register.source
    one = shown(study, known_of(own, me), None, clock.now(), since=counts_since(own, me, study))
    before, behind = rules.neighbours(one.steps, lesson_code)
    return render_template(
        "learning/lesson.html",
        one=one,
        study=study,
        module=module,
        lesson=text,
        step=next(step for step in one.steps if step.code == lesson_code),
        before=before,
        behind=behind,
        following=rules.step_after(one.steps, lesson_code) or one.overview.following,
        source=source,
        source_day=written_day(source.date),
        body=as_markup(text.html),
        address=address,
    )


def written_day(text: str) -> str:
    """An ISO date as days are written on our pages; any other text as it is."""
    try:
        return day(date.fromisoformat(text))
    except ValueError:
        return text


@bp.post("/courses/<course_code>/lessons/<lesson_code>/finish")
@needs("course:study")
def finish(course_code: str, lesson_code: str) -> ResponseReturnValue:
    """I have finished this lesson: on to what comes next."""
    own, me = get_session(), actor()
    study = access_course(own, me, course_code, to_change=True)
    if request.form.get("_version", type=int) != study.version.number:
        flash(_("Khóa học có phiên bản mới sau khi trang được mở. Mời đọc lại bài rồi bấm nút một lần nữa."), "warning")
        return redirect(address(study, None))
    module, place = access_lesson_place(study, lesson_code)
    record = actions.finish_lesson(own, me, study, module, place)
    results = rules.counting(study.outline, study.settings, record, counts_since(own, me, study))
    steps = rules.way(study.outline, study.settings, results)
    flash(_("Hệ thống đã ghi nhận hoàn thành bài “%(title)s”.", title=titled(place)), "success")
    return redirect(address(study, rules.step_after(steps, lesson_code)))


@bp.get("/my-record")
@needs("course:study")
def my_record() -> ResponseReturnValue:
    """What the system keeps of my learning, in plain sentences."""
    own, me = get_session(), actor()
    known = known_of(own, me)
    results = {place: one for records in known.values() for place, one in results_of(records.get(me.person_id)).items()}
    activities = own.scalars(queries.activities_with_results(me.person_id)).all()
    courses = [shown(study, known, None, clock.now()) for study in access_courses(own, me)]
    kept = [(one, entries(one, activities, results)) for one in courses if one.study.progress]
    further = [one for one in courses if one.elsewhere is not None]
    return render_template("learning/my_record.html", kept=kept, further=further, account=me.public_id)


def results_of(record: Record | None) -> Mapping[int, Result]:
    """What is known of each lesson and test of a course; nothing before it was begun."""
    return record.results if record is not None else {}


def entries(
    one: Shown, activities: Sequence[Activity], results: Mapping[int, Result]
) -> list[tuple[Activity, Step | None, Result]]:
    """What is kept of each lesson and test of a course, in the order of the course; last what its version lacks."""
    steps = {step.code: step for step in one.steps}
    mine = [activity for activity in activities if activity.course_id == one.study.course.id]
    order = {code: place for place, code in enumerate(steps)}
    mine.sort(key=lambda activity: order.get(activity.code, len(order)))
    return [(activity, steps.get(activity.code), results[activity.id]) for activity in mine]
