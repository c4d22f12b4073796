"""The pages of reports: what a unit reports, what was kept, sending up and deciding, mail, and checking a code."""

import logging
import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import literal, select

from analytics.facts.queries import given_to
from analytics.reports import actions, forms, gathering, papers, queries
from analytics.reports.access import (
    ACCEPT,
    FIGURES,
    LIST,
    NAMES,
    QUALITY,
    SEND,
    access_course,
    access_file,
    access_own,
    access_schedule,
    access_snapshot,
    access_submission,
    answers_for,
    to_keep,
    waiting_for,
)
from analytics.reports.forms import figures_asked, figures_told, made, named, told
from analytics.reports.loader import Unreadable, paper_of
from analytics.reports.models import ReportFile, ReportSubmission
from analytics.reports.protocol import asked_page, asked_subject, mail_subject, mail_trees
from analytics.reports.queries import Entered, Subject, category_of
from analytics.reports.rules import (
    SumsDisagree,
    code_of,
    differences,
    digest,
    next_due,
    shown,
    typed_code,
)
from analytics.reports.vocabulary import FORMS, HEADS, head_for
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.access import top_units, tree_asked
from lms.db import get_session
from lms.organisation.forms import TREE_WORDS
from lms.organisation.models import PARTY_TREE, Unit
from lms.web.acting import NotFound, actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs, public

log = logging.getLogger(__name__)

bp = Feature("reports", __name__, url_prefix="/reports")
bp.add_app_template_filter(forms.month_words)


@bp.app_errorhandler(SumsDisagree)
def disagree(_error: SumsDisagree) -> ResponseReturnValue:
    """No report is made of figures that do not add up; `lms verify` says where they went wrong."""
    log.error("a report was not made: its sums disagree")
    return render_template("reports/disagree.html"), 409


@bp.app_errorhandler(Unreadable)
def unreadable(_error: Unreadable) -> ResponseReturnValue:
    """A report that was kept and cannot be read: what to do."""
    log.error("a report that was kept cannot be read")
    return render_template("reports/unreadable.html"), 409


@bp.get("")
@needs(FIGURES)
def mine() -> ResponseReturnValue:
    """What waits for one's decision, in whichever briefing; and the units where one's scope begins."""
    own, me = get_session(), actor()
    found = waiting_for(own, me)
    names = queries.titles(own) if found else {}
    units: list[tuple[Unit, str | None]] = [(one, None) for one in top_units(own, me, FIGURES)]
    if not me.everywhere(FIGURES):
        units += [(one, PARTY_TREE) for one in top_units(own, me, FIGURES, tree=PARTY_TREE)]
    return render_template("reports/mine.html", units=units, tree_words=TREE_WORDS, waiting=found, names=names)


@bp.get("/units/<uuid:unit_id>")
@needs(FIGURES)
def unit(unit_id: uuid.UUID) -> ResponseReturnValue:
    """What the unit reports about a briefing: forms, what it enters by hand, what it sent and what came from below.

    By another structure the forms are made by it; what is entered and sent is of today.
    """
    return asked_page(FIGURES, unit_id, "", unit_page)


def unit_page(of: Subject, entry_form: forms.EntryForm | None = None) -> str:
    own, me = get_session(), actor()
    row = own.get_one(Unit, of.unit.id)
    entry = queries.entries(own, select(literal(of.unit.id)), of).get(of.unit.id, Entered())
    form = entry_form or forms.EntryForm(formdata=None, obj=entry, data={"_read": entry.version})
    sent, month = own.scalars(gathering.sent_by(of)).all(), forms.month_asked(clock.today())
    return render_template(
        "reports/unit.html",
        of=of,
        code=own.get_one(Briefing, of.briefing_id).code,
        briefings=given_to(own, of.unit.id, of.by),
        **figures_told(of),
        form_names=FORMS,
        said=forms.said,
        heads=HEADS,
        head=head_for(of.unit.kind, forms.head_asked()),
        month=month,
        months=forms.months_to_choose(clock.today(), month),
        levels=request.args.get("levels", ""),
        entry=entry,
        entry_form=form,
        above=own.scalar(queries.unit_above(of.unit.id, on=clock.today())) if of.structure is None else None,
        sent=sent,
        received=own.scalars(gathering.sent_to(of)).all(),
        kept=gathering.kept_for(own, me, of),
        period_words=forms.period_words,
        states=forms.STATES,
        may_send=answers_for(me, SEND, row),
        may_read_mail=of.by.on == clock.today() and answers_for(me, FIGURES, row, of.by.tree),
        may_accept=answers_for(me, ACCEPT, row),
        may_see_names=me.may(NAMES),
        code_of=code_of,
    )


@bp.get("/units/<uuid:unit_id>/<any('01','03','05'):form>")
@needs(FIGURES)
def form_page(unit_id: uuid.UUID, form: str) -> ResponseReturnValue:
    """A form on a page, as its files have it, by the structure that is asked for."""
    own = get_session()

    def page(of: Subject) -> str:
        may_keep = answers_for(actor(), SEND, own.get_one(Unit, of.unit.id))
        words = {**figures_told(of, form), **told(made(of, form)), "may_keep": may_keep}
        return render_template("reports/form.html", of=of, briefing=own.get_one(Briefing, of.briefing_id), **words)

    return asked_page(FIGURES, unit_id, form, page)


@bp.post("/units/<uuid:unit_id>/entry")
@needs(SEND)
def enter(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Columns 23 and 25."""
    own, row, of = get_session(), access_own(get_session(), actor(), SEND, unit_id), asked_subject(SEND, unit_id)
    form = forms.EntryForm()
    if not form.validate_on_submit() or form.would_lose(actions.held_entry(own, of)):
        return unit_page(of, form), 422
    new = form.entered
    actions.enter(own, row, of.briefing_id, plan=new.plan, note_text=new.note, by=actor().public_id)
    flash(_("Đã lưu phần đơn vị nhập."), "success")
    return back(of)


@bp.post("/units/<uuid:unit_id>/freeze/<any('01','02','03','05'):form>")
@needs(SEND)
def freeze(unit_id: uuid.UUID, form: str) -> ResponseReturnValue:
    """Keep a form as it is at this moment."""
    own = get_session()
    of = to_keep(own, asked_subject(SEND, unit_id, figures_asked(form)))
    if not answers_for(actor(), SEND, own.get_one(Unit, of.unit.id)):
        raise NotFound
    paper = papers.missing(own, of) if form == LIST else made(of, form)
    kept = actions.freeze(own, of, paper, by=actor().public_id)
    flash(_("Đã lưu bản chốt, mã kiểm tra %(code)s.", code=code_of(kept.digest)), "success")
    return redirect(url_for("reports.snapshot", snapshot_id=kept.public_id))


@bp.post("/units/<uuid:unit_id>/send")
@needs(SEND)
def send(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Keep Biểu 01 and send it to the unit above."""
    own = get_session()
    access_own(own, actor(), SEND, unit_id)
    of = asked_subject(SEND, unit_id)
    try:
        sent = actions.send(own, of, by=actor().public_id)
    except actions.NobodyAbove:
        flash(_("Đơn vị này ở cấp cao nhất, không có cấp trên để gửi."), "warning")
    except actions.AlreadySent:
        flash(_("Báo cáo trước còn chờ cấp trên xác nhận, nên chưa gửi thêm được."), "warning")
    else:
        flash(_("Đã gửi báo cáo đến %(unit)s.", unit=own.get_one(Unit, sent.to_unit_id).name), "success")
    return back(of)


def back(of: Subject) -> ResponseReturnValue:
    """To the page of the unit."""
    code = get_session().get_one(Briefing, of.briefing_id).code
    return redirect(url_for("reports.unit", unit_id=of.unit.public_id, briefing=code))


@bp.get("/submissions/<uuid:submission_id>")
@needs(ACCEPT)
def submission(submission_id: uuid.UUID) -> ResponseReturnValue:
    """A report that came from below, to be accepted or returned."""
    return submission_page(submission_id, forms.ReturnForm(formdata=None))


def submission_page(submission_id: uuid.UUID, form: forms.ReturnForm) -> str:
    one = access_submission(get_session(), actor(), submission_id)
    paper, code = paper_of(one.snapshot.document), code_of(one.snapshot.digest)
    words = {"above": queries.decider(get_session(), one, on=clock.today()), "code": code, **told(paper)}
    return render_template("reports/submission.html", one=one, form=form, states=forms.STATES, **words)


def to_decider(one: ReportSubmission) -> ResponseReturnValue:
    """To the page of the unit that decides about a report."""
    unit_id = queries.decider(get_session(), one, on=clock.today()).public_id
    return redirect(url_for("reports.unit", unit_id=unit_id, briefing=one.briefing.code))


@bp.post("/submissions/<uuid:submission_id>/accept")
@needs(ACCEPT)
def accept(submission_id: uuid.UUID) -> ResponseReturnValue:
    """The figures are accepted as they were sent."""
    one = access_submission(get_session(), actor(), submission_id)
    try:
        actions.accept(get_session(), one, by=actor().public_id)
    except actions.AlreadyDecided:
        flash(_("Báo cáo này đã được xác nhận hoặc trả lại trước đó."), "warning")
    else:
        flash(_("Đã xác nhận số liệu của %(unit)s.", unit=one.unit.name), "success")
    return to_decider(one)


@bp.post("/submissions/<uuid:submission_id>/return")
@needs(ACCEPT)
def give_back(submission_id: uuid.UUID) -> ResponseReturnValue:
    """The report goes back, with a remark."""
    one, form = access_submission(get_session(), actor(), submission_id), forms.ReturnForm()
    if not form.validate_on_submit():
        return submission_page(submission_id, form), 422
    try:
        actions.give_back(get_session(), one, text_in(form.remark).strip(), by=actor().public_id)
    except actions.AlreadyDecided:
        flash(_("Báo cáo này đã được xác nhận hoặc trả lại trước đó."), "warning")
    else:
        flash(_("Đã trả lại báo cáo của %(unit)s.", unit=one.unit.name), "success")
    return to_decider(one)


@bp.get("/snapshots/<uuid:snapshot_id>")
@needs(FIGURES)
def snapshot(snapshot_id: uuid.UUID) -> ResponseReturnValue:
    """A report that was kept: what it says, its code, and what the next one says otherwise."""
    own, me = get_session(), actor()
    kept = access_snapshot(own, me, snapshot_id)
    waits = own.scalar(gathering.submission_waiting(kept))
    decides = waits is not None and answers_for(me, ACCEPT, queries.decider(own, waits, on=clock.today()))
    paper, later = paper_of(kept.document), own.scalar(gathering.beside(kept, after=True))
    changed = differences(paper, paper_of(later.document)) if later is not None else []
    words = forms.page_words(named(paper))
    return render_template(
        "reports/snapshot.html",
        kept=kept,
        code=code_of(kept.digest),
        intact=digest(kept.document) == kept.digest,
        later=later,
        before=own.scalar(gathering.beside(kept, after=False)),
        changed=[(one, *(shown(one.column, value, words) for value in (one.before, one.after))) for one in changed],
        is_list=kept.form == LIST,
        waits=waits if decides else None,
        **told(paper),
    )


@bp.get("/units/<uuid:unit_id>/lists")
@needs(NAMES)
def lists(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Which list with names is to be taken out, and for what."""

    def page(of: Subject) -> str:
        form = forms.ListForm(formdata=None)
        return render_template("reports/lists.html", of=of, form=form, **figures_told(of, LIST))

    return asked_page(NAMES, unit_id, LIST, page)


@bp.get("/files/<uuid:file_id>")
@needs(NAMES)
def waiting(file_id: uuid.UUID) -> ResponseReturnValue:
    """How far a large file is, and where it is fetched."""
    one: ReportFile = access_file(get_session(), actor(), file_id)
    return render_template("reports/file.html", one=one)


@bp.get("/units/<uuid:unit_id>/mail")
@needs(FIGURES)
def mail(unit_id: uuid.UUID) -> ResponseReturnValue:
    """By what schedules the summary is mailed to the heads, and a rehearsal: what would be sent today, to how many.

    By one tree at a time: each has heads of its own.
    """
    tree = tree_asked(actor(), FIGURES, request.args)
    return mail_page(mail_subject(FIGURES, unit_id, tree), forms.ScheduleForm(formdata=None))


def mail_page(of: Subject, form: forms.ScheduleForm) -> str:
    own, now = get_session(), clock.now()
    found = own.scalars(gathering.schedules_of(of)).all()
    heads = own.execute(queries.heads(of.unit.id, on=clock.day_of(now), tree=of.by.tree)).all()
    letter = papers.letter(own, of, "en" if forms.in_english() else "vi")
    return render_template(
        "reports/mail.html",
        of=of,
        form=form,
        code=own.get_one(Briefing, of.briefing_id).code,
        trees=mail_trees(of),
        tree_words=TREE_WORDS,
        every=forms.EVERY,
        schedules=[(one, next_due(one.every, one.place, one.begun_at, now)) for one in found],
        reached=sum(row[2] for row in heads),
        heads=len(heads),
        letter=letter,
        sentence=letter.values["sentence"],
        figures=letter.values["figures"].splitlines(),
    )


@bp.post("/units/<uuid:unit_id>/mail")
@needs(SEND)
def schedule(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Mail the summary from now on."""
    tree, form = tree_asked(actor(), SEND, request.args), forms.ScheduleForm()
    of = mail_subject(SEND, unit_id, tree)
    if not form.validate_on_submit():
        return mail_page(of, form), 422
    try:
        actions.schedule(get_session(), of, every=text_in(form.every), place=form.at(), by=actor().public_id)
    except actions.AlreadyScheduled:
        flash(_("Lịch gửi này đã có."), "info")
    else:
        flash(_("Đã đặt lịch gửi."), "success")
    code = get_session().get_one(Briefing, of.briefing_id).code
    return redirect(url_for("reports.mail", unit_id=unit_id, briefing=code, tree=tree))


@bp.post("/schedules/<uuid:schedule_id>/end")
@needs(SEND)
def end_schedule(schedule_id: uuid.UUID) -> ResponseReturnValue:
    """No more mail by this schedule."""
    one = access_schedule(get_session(), actor(), schedule_id)
    actions.end_schedule(get_session(), one, by=actor().public_id)
    flash(_("Đã thôi gửi theo lịch này."), "success")
    back_to = url_for("reports.mail", unit_id=one.unit.public_id, briefing=one.briefing.code, tree=one.tree)
    return redirect(back_to)


@bp.get("/questions")
@needs(QUALITY)
def questions() -> ResponseReturnValue:
    """The briefings whose test questions can be looked at."""
    holds_everywhere(QUALITY)
    rows = get_session().scalars(select(Briefing).order_by(Briefing.opened_at.desc(), Briefing.id.desc())).all()
    return render_template("reports/questions.html", rows=rows, names=queries.titles(get_session()))


@bp.get("/questions/<code>")
@needs(QUALITY)
def question_page(code: str) -> ResponseReturnValue:
    """Biểu 04 on a page."""
    briefing = access_course(get_session(), actor(), code)
    of = queries.whole(get_session(), briefing, now=clock.now())
    return render_template("reports/quality.html", of=of, code=code, **told(papers.questions(get_session(), of)))


@bp.get("/check")
@public
def check() -> ResponseReturnValue:
    """Which report a printed code belongs to, and whether it is unchanged. For whoever holds the paper."""
    form = forms.CheckForm(request.args if "code" in request.args else None)
    found, asked = [], "code" in request.args and form.validate()
    if asked:
        found = list(get_session().scalars(gathering.by_code(typed_code(text_in(form.code)))))
    one = found[0] if len(found) == 1 else None
    paper = paper_of(one.document) if one is not None else None
    status = 422 if form.errors else 404 if asked and one is None else 200
    page = render_template(
        "reports/check.html",
        period_words=forms.period_words,
        form=form,
        asked=asked,
        one=one,
        paper=paper,
        sentence=paper.sentence if paper is not None and one is not None and not category_of(one.period) else "",
        intact=one is not None and digest(one.document) == one.digest,
        form_name=forms.said(FORMS[one.form]) if one is not None else "",
        code=code_of(one.digest) if one is not None else "",
    )
    return page, status
