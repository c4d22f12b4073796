"""Pages of reminders: how each briefing reminds, what tonight would send, and what was sent to whom."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select

from courses.briefings.access import ORGANISE, READ, access_briefing
from courses.briefings.queries import titles_of
from courses.enrolment.models import Briefing
from courses.reminders import actions, queries
from courses.reminders.forms import PlanForm, said
from courses.reminders.models import ReminderSent
from courses.reminders.queries import Reminded
from courses.reminders.rules import Occasion
from lms import clock
from lms.audit.actions import note
from lms.db import apart, get_session
from lms.organisation.models import Unit
from lms.web.acting import actor, behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.gate import needs

bp = Feature("reminders", __name__, url_prefix="/reminders")

PAGE, LAST_DAYS = 50, 30


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """Every open briefing with how it reminds, and how many were reminded in the last month."""
    holds_everywhere(READ)
    own = get_session()
    briefings = own.scalars(queries.open_briefings()).all()
    ids = [one.id for one in briefings]
    since = clock.now() - timedelta(days=LAST_DAYS)
    return render_template(
        "reminders/index.html",
        briefings=briefings,
        titles=titles_of(own, briefings),
        plans=queries.plans_of(own, ids),
        undated=queries.given_undated(own, ids),
        sent={briefing_id: numbers for briefing_id, *numbers in own.execute(queries.numbers_sent(since=since))},
    )


@bp.get("/<code>")
@needs(READ)
def show(code: str) -> ResponseReturnValue:
    """How a briefing reminds, and whom tonight would remind of what."""
    own = get_session()
    briefing = access_briefing(own, actor(), code, READ)
    return page_of(briefing, PlanForm.of(queries.plan_of(own, briefing.id)))


@bp.post("/<code>")
@needs(ORGANISE)
def change(code: str) -> ResponseReturnValue:
    """From tonight on the briefing reminds as this form says."""
    own, me = get_session(), actor()
    briefing = access_briefing(own, me, code, ORGANISE)
    form = PlanForm()
    if not form.validate_on_submit() or not says_something(form, queries.undated(own, briefing.id)):
        return page_of(briefing, form), 422
    actions.keep_plan(own, briefing, form.plan(), by=me.public_id)
    flash(_("Đã lưu cách nhắc. Áp dụng từ đêm nay."), "success")
    return redirect(url_for("reminders.show", code=code))


def says_something(form: PlanForm, undated: int) -> bool:
    """Whether people without a due date are reminded too; else the form says what to do."""
    if not undated or form.plan().without_due:
        return True
    told = _("Đợt có người không có hạn hoàn thành. Nhập ít nhất một mốc, ví dụ 14, hoặc đặt hạn cho đợt.")
    form.without_due.errors = [told]
    return False


def page_of(briefing: Briefing, form: PlanForm) -> str:
    """The page of a briefing with this form."""
    own = get_session()
    plan = queries.plan_of(own, briefing.id)
    tonight = queries.to_remind(own, briefing, plan, today=clock.today() + timedelta(days=1))
    return render_template(
        "reminders/briefing.html",
        briefing=briefing,
        title=titles_of(own, [briefing])[briefing.id][0],
        form=form,
        plan=plan,
        undated=queries.undated(own, briefing.id),
        tonight=by_unit(tonight),
        people=len(tonight),
        mails=sum(one.mailed for one in tonight),
        said=said,
        may_organise=actor().everywhere(ORGANISE),
    )


def by_unit(people: Sequence[Reminded]) -> list[tuple[str, Occasion, int, int]]:
    """For each unit and occasion how many people, and how many of them by mail, in the order of the units' names."""
    numbers: Counter[tuple[int, Occasion]] = Counter()
    mailed: Counter[tuple[int, Occasion]] = Counter()
    for one in people:
        numbers[one.unit_id, one.occasion] += 1
        mailed[one.unit_id, one.occasion] += one.mailed
    units = get_session().execute(
        select(Unit.id, Unit.name).where(Unit.id.in_({unit_id for unit_id, _ in numbers})).order_by(Unit.sort_key)
    )
    return [
        (name, occasion, numbers[unit_id, occasion], mailed[unit_id, occasion])
        for unit_id, name in units
        for occasion in sorted((one for of, one in numbers if of == unit_id), key=lambda one: one.code)
    ]


@bp.get("/<code>/sent")
@needs(READ)
def sent(code: str) -> ResponseReturnValue:
    """Who was reminded of what and when. That names were shown is noted."""
    own, me = get_session(), actor()
    briefing = access_briefing(own, me, code, READ)
    total = own.scalar(select(func.count(ReminderSent.id)).where(ReminderSent.briefing_id == briefing.id)) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    rows = own.execute(queries.sent(briefing.id).limit(PAGE).offset((page - 1) * PAGE)).all()
    if rows:
        note_names(briefing, {"briefing": briefing.code, "count": len(rows)})
    return render_template(
        "reminders/sent.html",
        briefing=briefing,
        title=titles_of(own, [briefing])[briefing.id][0],
        rows=rows,
        total=total,
        page=page,
        pages=pages,
        page_url=lambda n: url_for("reminders.sent", code=code, page=n),
        said=lambda kept: said(Occasion.from_code(kept)),
    )


def note_names(briefing: Briefing, details: dict[str, Any]) -> None:
    """Put into the log that names were shown, in a transaction of its own: this request only reads."""
    by = behind()
    apart(
        lambda own: note(own, "names.read", actor=by, object_kind="briefing", object_id=briefing.public_id, **details)
    )
