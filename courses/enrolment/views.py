"""Pages with which administrators assign courses to units: the list, a new assignment, withdrawing one."""

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from courses.catalog.queries import course_by_code
from courses.enrolment import actions, queries
from courses.enrolment.access import ASSIGN, READ, access_assignment
from courses.enrolment.forms import AssignForm
from courses.enrolment.models import Assignment
from lms import clock
from lms.clock import end_of_day
from lms.db import get_session
from lms.organisation.queries import unit_trees
from lms.web.acting import actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import choices, day_in, text_in
from lms.web.gate import needs
from lms.web.wording import day as worded

bp = Feature("enrolment", __name__, url_prefix="/assignments")

PAGE = 50
BEFORE = "study_before"
"""Of the last step: whether what was studied before the course was assigned counts, where that can be chosen."""


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """What has been assigned to whom, the latest first; withdrawn ones at the end."""
    holds_everywhere(READ)
    session = get_session()
    total = session.scalar(select(func.count(Assignment.id))) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    return render_template(
        "enrolment/list.html",
        assignments=session.scalars(queries.assignments_given().limit(PAGE).offset((page - 1) * PAGE)).all(),
        titles=titles(session),
        now=clock.now(),
        page=page,
        pages=pages,
        page_url=lambda n: url_for("enrolment.index", page=n),
    )


def titles(session: Session) -> dict[int, str]:
    """What each course is called now, by its id."""
    return {row.id: row.title for row in session.execute(queries.courses_to_assign())}


def offered(session: Session, form: AssignForm) -> AssignForm:
    """The form with the courses and units there are."""
    form.course.choices = choices({row.code: row.title for row in session.execute(queries.courses_to_assign())})
    form.unit.offer(unit_trees(session, on=clock.today()))
    return form


def in_address(session: Session) -> AssignForm:
    """The form as the address of the page fills it: looking at what an assignment would do changes nothing."""
    return offered(session, AssignForm(request.args or None, meta={"csrf": False}))


@bp.get("/new")
@needs(ASSIGN)
def new() -> ResponseReturnValue:
    """Which course, to whom, by when."""
    holds_everywhere(ASSIGN)
    return render_template("enrolment/new.html", form=in_address(get_session()))


@bp.get("/check")
@needs(ASSIGN)
def check() -> ResponseReturnValue:
    """Whom the assignment would reach, to be confirmed; or the form again, which says what must be changed."""
    holds_everywhere(ASSIGN)
    session = get_session()
    form = in_address(session)
    unit = form.unit.unit
    if not form.validate() or unit is None or is_closed(session, form):
        return render_template("enrolment/new.html", form=form), 422
    course = session.scalars(course_by_code(text_in(form.course))).one()
    today = clock.today()
    return render_template(
        "enrolment/check.html",
        course=course,
        title=titles(session)[course.id],
        unit=unit,
        due=day_in(form.due),
        reached=session.scalar(queries.counted(queries.people_reached(unit.id, on=today))),
        nearer=passed_by(session, course.id, unit.id),
    )


def is_closed(session: Session, form: AssignForm) -> bool:
    """Whether the course is assigned to nobody any more, because its briefing was closed; the form then says so."""
    course = session.scalars(course_by_code(text_in(form.course))).one()
    briefing = session.scalar(queries.plain_briefing(course.id))
    if briefing is None or briefing.closed_at is None:
        return False
    form.course.errors = [
        _(
            "Đợt giao khóa học này (mã %(code)s) đã đóng nên không giao thêm được. Mở lại đợt ở trang Đợt học tập, "
            "quán triệt, hoặc chọn khóa học khác.",
            code=briefing.code,
        )
    ]
    return True


def passed_by(session: Session, course_id: int, unit_id: int) -> int:
    """How many people below the unit study the course by an assignment nearer to them."""
    briefing = session.scalar(queries.plain_briefing(course_id))
    if briefing is None:
        return 0
    return session.scalar(queries.counted(queries.people_nearer(briefing.id, unit_id, on=clock.today()))) or 0


@bp.post("")
@needs(ASSIGN)
def assign() -> ResponseReturnValue:
    """Give the course; a second press of the button finds it given."""
    person, session = holds_everywhere(ASSIGN), get_session()
    form = offered(session, AssignForm())
    unit = form.unit.unit
    if not form.validate() or unit is None or is_closed(session, form):
        return render_template("enrolment/new.html", form=form), 422
    course = session.scalars(course_by_code(text_in(form.course))).one()
    counts = request.form[BEFORE] == "y" if BEFORE in request.form else None
    said = {"counts": counts, "why": _("Chọn khi giao khóa học.")}
    try:
        actions.assign(session, course, unit, due_at=end_of_day(day_in(form.due)), by=person.public_id, **said)
    except actions.AlreadyAssigned:
        flash(_("Khóa học này đã được giao cho %(unit)s với đúng hạn này.", unit=unit.name), "info")
    else:
        day = worded(day_in(form.due))
        flash(_("Đã giao khóa học cho %(unit)s, hạn hoàn thành %(day)s.", unit=unit.name, day=day), "success")
    return redirect(url_for("enrolment.index"))


@bp.get("/<uuid:public_id>")
@needs(READ)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One assignment: whom it reaches today, and how to withdraw it."""
    session, today = get_session(), clock.today()
    assignment = access_assignment(session, actor(), public_id, READ)
    return render_template(
        "enrolment/assignment.html",
        assignment=assignment,
        title=titles(session)[assignment.course_id],
        reached=session.scalar(queries.counted(queries.people_reached(assignment.unit_id, on=today))),
        holds_for=session.scalar(queries.counted(queries.people_held_by(assignment, on=today))),
        now=clock.now(),
    )


@bp.get("/<uuid:public_id>/withdraw")
@needs(ASSIGN)
def ask_withdraw(public_id: uuid.UUID) -> ResponseReturnValue:
    """Before an assignment is ended: how many people it is about."""
    session, today = get_session(), clock.today()
    assignment = access_assignment(session, actor(), public_id)
    if assignment.withdrawn_at is not None:
        return redirect(url_for("enrolment.show", public_id=public_id))
    return render_template(
        "enrolment/withdraw.html",
        assignment=assignment,
        title=titles(session)[assignment.course_id],
        holds_for=session.scalar(queries.counted(queries.people_held_by(assignment, on=today))),
    )


@bp.post("/<uuid:public_id>/withdraw")
@needs(ASSIGN)
def withdraw(public_id: uuid.UUID) -> ResponseReturnValue:
    """End an assignment; what was studied stays."""
    session = get_session()
    assignment = access_assignment(session, actor(), public_id)
    actions.withdraw(session, assignment, by=actor().public_id)
    flash(_("Đã thu hồi việc giao học. Kết quả đã học được giữ nguyên."), "success")
    return redirect(url_for("enrolment.index"))
