"""Pages with which briefings are opened, given, changed, frozen and closed, and single people decided about."""

import uuid
from datetime import datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from courses.briefings import access, actions, filters, queries
from courses.briefings.access import DECIDE, ORGANISE, access_briefing, access_decision, access_on_roll, briefing_of
from courses.briefings.forms import (
    ChangeForm,
    DecideForm,
    FreezeForm,
    GiveForm,
    OpenForm,
    ReopenForm,
    WithdrawForm,
    lines_in,
    page_of,
)
from courses.briefings.rehearsal import Rehearsal, Wanted
from courses.briefings.render import DECISION_WORDS, chosen_words, due_words, sentences
from courses.briefings.rules import policy_of
from courses.catalog.queries import course_by_code
from courses.enrolment import actions as enrolment
from courses.enrolment.actions import Wish
from courses.enrolment.models import Assignment, Briefing
from courses.enrolment.queries import assignments_given, courses_to_assign, is_id, reached_by_unit, reached_through
from lms import clock
from lms.accounts.admin import seen
from lms.accounts.models import Person
from lms.db import get_session
from lms.memberships.queries import stands_from
from lms.organisation.forms import UnitField
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit
from lms.organisation.queries import children, subtree, unit_trees
from lms.web.acting import actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import choices, text_in
from lms.web.gate import needs
from lms.web.wording import day, number

bp = Feature("briefing_admin", __name__, url_prefix="/briefings", within="briefings")
deciding = Feature("decisions", __name__, url_prefix="/rolls", within="rolls")

PAGE = 50
SHOWN = 200
"""So many names of people who would stand elsewhere a rehearsal shows; the numbers are of all."""
BEFORE = "study_before"
"""On the page before a briefing is given: whether what was studied before it counts."""
NOT_SENT_ON = frozenset({"csrf_token", "digest", "edit", BEFORE})


def to_page(briefing: Briefing) -> ResponseReturnValue:
    """Back to the page of the briefing."""
    return redirect(url_for("briefings.show", briefing_code=briefing.code))


def sent_on() -> list[tuple[str, str]]:
    """What was typed, to be sent again from the next page."""
    return [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_SENT_ON]


@bp.route("/new", methods=["GET", "POST"])
@needs(ORGANISE)
def new() -> ResponseReturnValue:
    """A new briefing; then its page, from which it is given to units."""
    me, own, form = holds_everywhere(ORGANISE), get_session(), OpenForm()
    form.course.choices = choices({row.code: row.title for row in own.execute(courses_to_assign())})
    if form.validate_on_submit():
        course = own.scalars(course_by_code(text_in(form.course))).one()
        try:
            briefing = actions.open_briefing(
                own,
                course,
                code=text_in(form.code),
                title=text_in(form.title),
                title_en=text_in(form.title_en),
                documents=lines_in(text_in(form.documents)),
                policy=form.policy,
                opened_at=form.opened_at,
                by=me.public_id,
            )
        except actions.CodeTaken:
            form.code.errors = [_("Mã này đã là mã của một đợt, một khóa học hoặc do hệ thống dùng. Chọn mã khác.")]
        else:
            flash(_("Đã mở đợt. Tiếp theo: giao đợt cho các đơn vị."), "success")
            return to_page(briefing)
    return render_template("briefings/new.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/<briefing_code>/close", methods=["GET", "POST"])
@needs(ORGANISE)
def close(briefing_code: str) -> ResponseReturnValue:
    """Ask once more; then nothing more is assigned in it."""
    own, me = get_session(), actor()
    briefing = access_briefing(own, me, briefing_code, ORGANISE)
    if request.method == "GET":
        return render_template("briefings/close.html", briefing=briefing)
    actions.close_briefing(own, briefing, by=me.public_id)
    flash(_("Đã đóng đợt. Kết quả đã ghi được giữ nguyên."), "success")
    return to_page(briefing)


@bp.route("/<briefing_code>/reopen", methods=["GET", "POST"])
@needs(ORGANISE)
def reopen(briefing_code: str) -> ResponseReturnValue:
    """Ask why; then it may be given to units again."""
    own, me, form = get_session(), actor(), ReopenForm()
    briefing = access_briefing(own, me, briefing_code, ORGANISE)
    if not form.validate_on_submit():
        page = render_template("briefings/reopen.html", form=form, briefing=briefing)
        return page, 422 if form.is_submitted() else 200
    actions.reopen_briefing(own, briefing, reason=text_in(form.reason), by=me.public_id)
    flash(_("Đã mở lại đợt. Có thể giao thêm cho các đơn vị."), "success")
    return to_page(briefing)


@bp.route("/<briefing_code>/freeze", methods=["GET", "POST"])
@needs(ORGANISE)
def freeze(briefing_code: str) -> ResponseReturnValue:
    """Keep the roll as it is now."""
    own, me, form = get_session(), actor(), FreezeForm()
    briefing = access_briefing(own, me, briefing_code, ORGANISE)
    if not form.validate_on_submit():
        return render_template(
            "briefings/freeze.html", form=form, briefing=briefing
        ), 422 if form.is_submitted() else 200
    roll = actions.freeze_roll(own, briefing, reason=text_in(form.reason), by=me.public_id)
    flash(_("Đã chốt sĩ số."), "success")
    return redirect(url_for("briefings.frozen", briefing_code=briefing_code, roll_id=roll.public_id))


def offer(own: Session, field: UnitField) -> None:
    """Let the units of both trees be chosen, each once."""
    state, party = (unit_trees(own, on=clock.today(), tree=tree) for tree in (STATE_TREE, PARTY_TREE))
    known = {branch.unit.id for tree in state for branch in tree.walk()}
    field.offer([*state, *(tree for tree in party if tree.unit.id not in known)])


@bp.route("/<briefing_code>/change", methods=["GET", "POST"])
@needs(ORGANISE)
def change(briefing_code: str) -> ResponseReturnValue:
    """Another policy or other due dates: the form, then what they would change. Nothing is changed."""
    own = get_session()
    briefing = access_briefing(own, actor(), briefing_code, ORGANISE)
    form = change_form(own, briefing)
    if request.method == "GET":
        form.show(policy_of(briefing.policy))
    if request.method == "GET" or "edit" in request.form:
        return render_template("briefings/change.html", form=form, briefing=briefing)
    if not form.validate_on_submit():
        return render_template("briefings/change.html", form=form, briefing=briefing), 422
    return rehearsal_page(own, briefing, queries.rehearsal(own, briefing, wanted(own, briefing, form), now=clock.now()))


def change_form(own: Session, briefing: Briefing) -> ChangeForm:
    """The form, without what a merely assigned course cannot ask for."""
    form = ChangeForm()
    offer(own, form.unit)
    if briefing.plain:
        form.only_online()
    return form


def wanted(own: Session, briefing: Briefing, form: ChangeForm) -> Wanted:
    """What a form asks for that has been checked."""
    if text_in(form.due_kind) == "keep":
        return Wanted(form.policy)
    given = select(Assignment.id).where(Assignment.briefing_id == briefing.id, Assignment.withdrawn_at.is_(None))
    if form.unit.unit is not None:
        below = [subtree(form.unit.unit.id, on=clock.today(), tree=tree) for tree in (STATE_TREE, PARTY_TREE)]
        given = given.where(or_(*(Assignment.unit_id.in_(units) for units in below)))
    return Wanted(form.policy, dict.fromkeys(own.scalars(given.order_by(Assignment.id)), form.due))


def rehearsal_page(own: Session, briefing: Briefing, found: Rehearsal, *, changed: bool = False) -> ResponseReturnValue:
    """How many in which unit would change from what to what, and who; `changed`: other than rehearsed before."""
    units = {row.id: row.name for row in own.execute(select(Unit.id, Unit.name).where(Unit.id.in_(found.by_unit)))}
    moves = {one.person_id: one for one in found.moves[:SHOWN]}
    people = own.scalars(select(Person).where(Person.id.in_(moves)).order_by(Person.sort_key, Person.id)).all()
    if people:
        seen("briefing.rehearse", None, briefing=briefing.code, rows=len(people))
    return render_template(
        "briefings/rehearsal.html",
        briefing=briefing,
        found=found,
        policy=sentences(found.wanted.policy),
        due=due_words(*next(iter(found.wanted.dues.values()))) if found.wanted.dues else None,
        units=sorted((units[unit], rows) for unit, rows in found.by_unit.items()),
        people=[(person, moves[person.id], units[moves[person.id].unit_id]) for person in people],
        fields=sent_on(),
        changed=changed,
    ), 409 if changed else 200


@bp.post("/<briefing_code>/change/apply")
@needs(ORGANISE)
def apply(briefing_code: str) -> ResponseReturnValue:
    """Do what was rehearsed; when it would do something else by now, the new rehearsal."""
    own, me = get_session(), actor()
    briefing = access_briefing(own, me, briefing_code, ORGANISE)
    form = change_form(own, briefing)
    if not form.validate_on_submit():
        return render_template("briefings/change.html", form=form, briefing=briefing), 422
    asked, reason = wanted(own, briefing, form), text_in(form.reason)
    try:
        done = actions.change_briefing(
            own, briefing, asked, digest=text_in(form.digest), reason=reason, by=me.public_id
        )
    except actions.Stale as stale:
        return rehearsal_page(own, briefing, stale.rehearsal, changed=True)
    except actions.AlreadyGiven:
        form.due_day.errors = [_("Một đơn vị đã có lần giao khác với đúng hạn này. Chọn hạn khác hoặc thu hồi bớt.")]
        return render_template("briefings/change.html", form=form, briefing=briefing), 422
    flash(_("Đã áp dụng. %(n)s người đổi trạng thái.", n=number(len(done.moves))), "success")
    return to_page(briefing)


@bp.route("/<briefing_code>/give", methods=["GET", "POST"])
@needs(ORGANISE)
def give(briefing_code: str) -> ResponseReturnValue:
    """To whom: the form, then how many people it would reach. Nothing is given."""
    own, form = get_session(), GiveForm()
    briefing = access_briefing(own, actor(), briefing_code, ORGANISE)
    offer(own, form.unit)
    wishes = wishes_in(own, form) if request.method == "POST" and "edit" not in request.form else None
    if wishes is None:
        refused = bool(form.errors)
        return render_template("briefings/give.html", form=form, briefing=briefing), 422 if refused else 200
    tree, people, today = text_in(form.tree), form.chosen_people, clock.today()
    ids = [one.unit.id for one in wishes]
    reached = own.execute(reached_by_unit(ids, people, on=today, tree=tree))
    return render_template(
        "briefings/given.html",
        briefing=briefing,
        wishes=wishes,
        reached=dict(reached.all()),
        chosen=chosen_words(people),
        at_once=filters.at_once(own, briefing, reached_through(ids, people, on=today, tree=tree)),
        fields=sent_on(),
    )


def wishes_in(own: Session, form: GiveForm) -> list[Wish] | None:
    """The units a form names, each with its due date; None when it now says what must be changed."""
    if not form.validate_on_submit():
        return None
    tree, lines = text_in(form.tree), form.lines
    units = [form.unit.unit] if form.unit.unit is not None else []
    if units and form.each.data:
        units += own.scalars(children(units[0].id, on=clock.today(), tree=tree)).all()
    found = {one.code: one for one in own.scalars(select(Unit).where(Unit.code.in_([line.code for line in lines])))}
    if missing := [line.code for line in lines if line.code not in found]:
        form.codes.errors = [_("Không có đơn vị nào mang mã: %(codes)s.", codes=", ".join(missing[:10]))]
        return None
    wishes = [Wish(unit, *form.due) for unit in units]
    wishes += [Wish(found[line.code], *(line.due or form.due)) for line in lines]
    away = [one.unit for one in wishes if not stands_from(own, one.unit.id, on=clock.today(), tree=tree)]
    if away:
        form.tree.errors = [_("Không có trong cây này hôm nay: %(units)s.", units=", ".join(one.name for one in away))]
        return None
    return wishes


@bp.post("/<briefing_code>/give/apply")
@needs(ORGANISE)
def given(briefing_code: str) -> ResponseReturnValue:
    """Give it; units that have it by this very due date are passed over."""
    own, me, form = get_session(), actor(), GiveForm()
    briefing = access_briefing(own, me, briefing_code, ORGANISE)
    offer(own, form.unit)
    wishes = wishes_in(own, form)
    if wishes is None:
        return render_template("briefings/give.html", form=form, briefing=briefing), 422
    people, tree = form.chosen_people, text_in(form.tree)
    if BEFORE in request.form:
        counts, why = request.form[BEFORE] == "y", _("Chọn khi giao đợt.")
        actions.count_before(own, briefing, counts=counts, reason=why, by=me.public_id)
    try:
        done = enrolment.give_many(own, briefing, wishes, choices=people, by=me.public_id, tree=tree)
    except enrolment.BriefingClosed:
        flash(_("Đợt đã đóng nên không giao thêm được."), "warning")
        return to_page(briefing)
    flash(_("Đã giao cho %(n)s đơn vị.", n=number(len(done))), "success")
    if len(done) < len(wishes):
        flash(_("%(n)s đơn vị đã có đợt này với đúng hạn này.", n=number(len(wishes) - len(done))), "info")
    return to_page(briefing)


@bp.route("/<briefing_code>/withdraw", methods=["GET", "POST"])
@needs(ORGANISE)
def withdraw(briefing_code: str) -> ResponseReturnValue:
    """Which assignments end, and how many people each holds for; then they end."""
    own, me, form = get_session(), actor(), WithdrawForm()
    briefing = access_briefing(own, me, briefing_code, ORGANISE)
    in_force = assignments_given().where(Assignment.briefing_id == briefing.id, Assignment.withdrawn_at.is_(None))
    if form.validate_on_submit():
        ids = [one for one in form.assignment.data or () if is_id(one)]
        chosen = in_force if form.every.data else in_force.where(Assignment.public_id.in_(map(uuid.UUID, ids)))
        number_ended = enrolment.withdraw_many(own, own.scalars(chosen).all(), by=me.public_id)
        if number_ended:
            flash(_("Đã thu hồi %(n)s lần giao. Kết quả đã học được giữ nguyên.", n=number(number_ended)), "success")
            return to_page(briefing)
        form.assignment.errors = [_("Chưa chọn lần giao nào. Đánh dấu ít nhất một, hoặc chọn thu hồi tất cả.")]
    total = own.scalar(select(func.count()).select_from(in_force.order_by(None).subquery())) or 0
    page, pages = page_of(total)
    rows = own.scalars(in_force.limit(PAGE).offset((page - 1) * PAGE)).all()
    return render_template(
        "briefings/withdraw.html",
        form=form,
        briefing=briefing,
        assignments=rows,
        chosen=filters.chosen_by(own, rows),
        people=filters.holding(own, briefing, rows),
        total=total,
        page=page,
        pages=pages,
        page_url=lambda n: url_for("briefing_admin.withdraw", briefing_code=briefing_code, page=n),
    ), 422 if form.is_submitted() else 200


@deciding.get("/<briefing_code>/decisions")
@needs(access.DECISIONS)
def index(briefing_code: str) -> ResponseReturnValue:
    """What was decided about single people of one's scope; that names were seen is noted."""
    own, me, read = get_session(), actor(), access.DECISIONS
    briefing = briefing_of(own, briefing_code)
    within = None if me.everywhere(read) else [subtree(one, on=clock.today()) for one in me.unit_ids(read)]
    query = filters.decided(briefing.id, within)
    total = own.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    page, pages = page_of(total)
    rows = own.execute(query.limit(PAGE).offset((page - 1) * PAGE)).all()
    seen("roll.decisions", None, permission=read, briefing=briefing.code, rows=len(rows), page=page)
    return render_template(
        "briefings/decisions.html",
        briefing=briefing,
        rows=rows,
        words=DECISION_WORDS,
        page=page,
        pages=pages,
        page_url=lambda n: url_for("decisions.index", briefing_code=briefing_code, page=n),
    )


@deciding.route("/<briefing_code>/people/<uuid:public_id>/decide", methods=["GET", "POST"])
@needs(DECIDE)
def decide(briefing_code: str, public_id: uuid.UUID) -> ResponseReturnValue:
    """Exempt somebody, note leave, or give more time, with a reason and who approved it."""
    own, me, form = get_session(), actor(), DecideForm()
    placed = access_on_roll(own, me, briefing_code, public_id, DECIDE)
    if form.validate_on_submit() and later(form, placed.standing.due_at):
        try:
            enrolment.decide(
                own,
                placed.briefing,
                placed.person,
                text_in(form.kind),
                reason=text_in(form.reason),
                approved_by=text_in(form.approved_by),
                due_at=form.due_at,
                by=me.public_id,
            )
        except enrolment.AlreadyDecided:
            form.kind.errors = [_("Người này đã có quyết định loại này. Thu hồi quyết định cũ trước.")]
        else:
            flash(_("Đã ghi quyết định."), "success")
            return redirect(url_for("rolls.person", briefing_code=briefing_code, public_id=public_id))
    seen("standing.read", placed.person, permission=DECIDE, briefing=briefing_code)
    status = 422 if form.is_submitted() else 200
    return render_template("briefings/decide.html", form=form, placed=placed), status


def later(form: DecideForm, due_at: datetime | None) -> bool:
    """Whether a new due date gives more time than there is; else the form says so."""
    if form.due_at is None or (due_at is not None and form.due_at > due_at):
        return True
    if due_at is None and text_in(form.kind) == "extension":
        form.kind.errors = [_("Người này học không có hạn nên không có gì để gia hạn.")]
    elif due_at is None:
        form.due.errors = [_("Người này học không có hạn. Xóa ngày này.")]
    else:
        form.due.errors = [_("Hạn mới phải sau hạn hiện nay, hết ngày %(day)s.", day=day(clock.day_of(due_at)))]
    return False


@deciding.post("/<briefing_code>/decisions/<uuid:decision_id>/revoke")
@needs(DECIDE)
def revoke(briefing_code: str, decision_id: uuid.UUID) -> ResponseReturnValue:
    """A decision holds no longer."""
    own, me = get_session(), actor()
    decision, placed = access_decision(own, me, briefing_code, decision_id)
    enrolment.revoke(own, decision, by=me.public_id)
    flash(_("Đã thu hồi quyết định."), "success")
    return redirect(url_for("rolls.person", briefing_code=briefing_code, public_id=placed.person.public_id))
