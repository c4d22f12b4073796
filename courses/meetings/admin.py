"""The organiser's pages of sittings, points and the board; and the lists of a point on paper and as files."""

import uuid
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from courses.briefings.models import BriefingSession, MeetingPoint
from courses.enrolment.models import Briefing
from courses.meetings import actions, filters, queries
from courses.meetings.access import ATTEND, ORGANISE, READ, SEEN_TWICE, access_point, access_sitting, organised_point
from courses.meetings.forms import (
    FAULT_WORDS,
    KIND_WORDS,
    RESULT_WORDS,
    STATE_WORDS,
    FileForm,
    NewPointForm,
    PointForm,
    PointsForm,
    SearchForm,
    SheetForm,
    SittingForm,
    time_typed,
)
from courses.meetings.protocol import about, difference, names_seen, paged
from courses.meetings.rehearsal import Candidate, Line, NoHead, filled_in, read
from courses.meetings.rules import sheet_mark, urgency
from lms import clock
from lms.audit.actions import note
from lms.db import apart, get_session
from lms.doors import Named, doors_of
from lms.organisation.models import Unit
from lms.organisation.queries import children, unit_trees
from lms.roster.actions import taken_apart
from lms.roster.forms import refusal
from lms.roster.queries import staff_codes
from lms.roster.rules import MOST_ROWS, Refused
from lms.text import as_csv
from lms.web.acting import actor, behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import choices, text_in
from lms.web.gate import needs, reading

bp = Feature("sittings", __name__, url_prefix="/meetings")
lists = Feature("lists", __name__, url_prefix="/meetings/points/<uuid:point_id>", within="meetings")

SITTINGS_ON_PAGE = 50
MOST_FOUND = 12


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """Every sitting, the latest first."""
    holds_everywhere(READ)
    own = get_session()
    found, way = paged(own, queries.sittings(), SITTINGS_ON_PAGE)
    numbers = filters.reported_of(own, found)
    return render_template("sittings/list.html", sittings=found, numbers=numbers, kinds=KIND_WORDS, **way)


def offered(own: Session, form: SittingForm) -> SittingForm:
    """The form with the briefings that can have sittings."""
    form.briefing.choices = choices({one.code: one.title for one in own.scalars(filters.briefings_to_gather())})
    return form


@bp.route("/new", methods=["GET", "POST"])
@needs(ORGANISE)
def new() -> ResponseReturnValue:
    """Another sitting of a briefing; `briefing` in the address chooses one."""
    person, own = holds_everywhere(ORGANISE), get_session()
    form = offered(own, SittingForm())
    if not form.is_submitted():
        form.briefing.data = request.args.get("briefing", "")
    if not form.validate_on_submit():
        return render_template("sittings/edit.html", form=form, sitting=None), 422 if form.is_submitted() else 200
    briefing = own.scalars(select(Briefing).where(Briefing.code == text_in(form.briefing))).one()
    made = actions.make_sitting(own, briefing, form.wanted(text_in(form.kind)), by=person.public_id)
    flash(_("Đã lập buổi. Thêm các điểm cầu bên dưới."), "success")
    return redirect(url_for("sittings.board", session_id=made.public_id))


@bp.route("/<uuid:session_id>/edit", methods=["GET", "POST"])
@needs(ORGANISE)
def edit(session_id: uuid.UUID) -> ResponseReturnValue:
    """Another title or time."""
    own = get_session()
    sitting = access_sitting(own, actor(), session_id, ORGANISE)
    form = SittingForm(
        kind=sitting.kind,
        title=sitting.title,
        day=clock.day_of(sitting.starts_at),
        starts=time_typed(sitting.starts_at),
        ends=time_typed(sitting.ends_at),
    )
    del form.briefing, form.kind
    if not form.validate_on_submit():
        return render_template("sittings/edit.html", form=form, sitting=sitting), 422 if form.is_submitted() else 200
    actions.change_sitting(own, sitting, form.wanted(sitting.kind), by=actor().public_id)
    flash(_("Đã sửa."), "success")
    return redirect(url_for("sittings.board", session_id=session_id))


def board_of(own: Session, sitting: BriefingSession) -> dict[str, Any]:
    """The board: every point with its numbers, what needs attention first."""
    numbers = filters.numbers(own, sitting, on=clock.today())
    points = own.scalars(queries.points().where(MeetingPoint.session_id == sitting.id)).all()
    rows = sorted(((one, numbers[one.id]) for one in points), key=lambda row: urgency(row[1]))
    return {
        "sitting": sitting,
        "briefing": sitting.briefing,
        "rows": rows,
        "reported": sum(one.reported for one in numbers.values()),
        "amiss": sum(one.state == "amiss" for one in numbers.values()),
        "uncounted": sum(one.uncounted for one in numbers.values()),
        "twice": own.scalar(select(func.count()).select_from(queries.seen_twice(sitting.id).subquery())),
        "fault_words": FAULT_WORDS,
        "difference": difference,
        "now": clock.now(),
    }


@bp.get("/<uuid:session_id>")
@needs(READ)
def board(session_id: uuid.UUID) -> ResponseReturnValue:
    """All points on one screen; its script asks for the part that changes alone."""
    own = get_session()
    sitting = access_sitting(own, actor(), session_id)
    page = "sittings/part.html" if "part" in request.args else "sittings/board.html"
    return render_template(page, **board_of(own, sitting), kinds=KIND_WORDS)


@bp.get("/<uuid:session_id>/points.csv")
@needs(READ)
def board_csv(session_id: uuid.UUID) -> ResponseReturnValue:
    """The points of a sitting as a file: the columns of Biểu 03."""
    own = get_session()
    sitting = access_sitting(own, actor(), session_id)
    shown = board_of(own, sitting)
    head = [_("TT"), _("Điểm cầu"), _("Đơn vị chủ trì"), _("Số triệu tập"), _("Có mặt"), _("Vắng có lý do")]
    head += [_("Vắng không lý do"), _("Chưa điểm danh"), _("Số đếm được"), _("Giờ kết nối"), _("Giờ báo cáo")]
    rows = []
    for place, (one, n) in enumerate(sorted(shown["rows"], key=lambda row: not row[0].main), 1):
        counts = [n.called, n.there, n.excused, n.unexcused, n.unanswered, "" if n.headcount is None else n.headcount]
        rows.append(
            [place, one.name, one.unit.name, *counts, time_typed(one.connected_at), time_typed(one.reported_at)]
        )
    return file_of([head, *rows], f"diem-cau_{sitting.briefing.code}_{sitting.code}.csv")


def file_of(rows: list[list[object]], name: str) -> Response:
    """A table as a file to be saved."""
    response = Response(as_csv(rows), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@bp.get("/<uuid:session_id>/twice")
@needs(SEEN_TWICE)
def twice(session_id: uuid.UUID) -> ResponseReturnValue:
    """Who was seen at two points, with both. The showing of names is noted."""
    own = get_session()
    sitting = access_sitting(own, actor(), session_id, SEEN_TWICE)
    rows = own.execute(filters.names_seen_twice(sitting.id)).all()
    people: dict[uuid.UUID, list[Any]] = {}
    for row in rows:
        people.setdefault(row.public_id, []).append(row)
    by, details = behind(), {"purpose": "check", "count": len(people)}
    if people:
        kind, of = actions.SITTING, sitting.public_id
        apart(lambda log: note(log, "names.read", actor=by, object_kind=kind, object_id=of, **details))
    return render_template(
        "sittings/twice.html", sitting=sitting, people=list(people.values()), state_words=STATE_WORDS
    )


@bp.route("/<uuid:session_id>/points/new", methods=["GET", "POST"])
@needs(ORGANISE)
def new_point(session_id: uuid.UUID) -> ResponseReturnValue:
    """One more point, of any unit; or the main one."""
    own, form = get_session(), NewPointForm()
    sitting = access_sitting(own, actor(), session_id, ORGANISE)
    form.unit.offer(unit_trees(own, on=clock.today()))
    if form.validate_on_submit() and form.unit.unit is not None:
        try:
            made = actions.make_points(own, sitting, [form.unit.unit], main=bool(form.main.data), by=actor().public_id)
        except actions.MainTaken:
            form.main.errors = [_("Buổi này đã có điểm cầu chính.")]
        else:
            if made:
                return redirect(url_for("sittings.point", point_id=made[0].public_id))
            form.unit.errors = [_("Đơn vị này đã có điểm cầu trong buổi này.")]
    status = 422 if form.is_submitted() else 200
    return render_template("sittings/new_point.html", form=form, sitting=sitting), status


@bp.route("/<uuid:session_id>/points/many", methods=["GET", "POST"])
@needs(ORGANISE)
def many_points(session_id: uuid.UUID) -> ResponseReturnValue:
    """A point for each chosen unit of those directly below a unit, which the address names."""
    own, form, today = get_session(), PointsForm(), clock.today()
    sitting = access_sitting(own, actor(), session_id, ORGANISE)
    trees = unit_trees(own, on=today)
    wanted = request.args.get("under", "")
    above = next((one.unit for tree in trees for one in tree.walk() if str(one.unit.public_id) == wanted), None)
    above = above or (trees[0].unit if trees else None)
    seated = set(own.scalars(select(MeetingPoint.unit_id).where(MeetingPoint.session_id == sitting.id)))
    below: list[Unit] = list(own.scalars(children(above.id, on=today))) if above is not None else []
    form.offer([one for one in below if one.id not in seated])
    if form.validate_on_submit():
        made = actions.make_points(own, sitting, form.chosen(), by=actor().public_id)
        flash(_("Đã thêm %(n)s điểm cầu.", n=len(made)), "success")
        return redirect(url_for("sittings.board", session_id=session_id))
    shown = {"form": form, "sitting": sitting, "above": above, "trees": trees, "seated": len(seated)}
    return render_template("sittings/many.html", **shown), 422 if form.is_submitted() else 200


@bp.route("/points/<uuid:point_id>/edit", methods=["GET", "POST"])
@needs(ORGANISE)
def point(point_id: uuid.UUID) -> ResponseReturnValue:
    """The name of a point, and whether it is the main one."""
    own = get_session()
    one = organised_point(own, actor(), point_id)
    form = PointForm(name=one.name, main=one.main)
    if form.validate_on_submit():
        try:
            actions.change_point(own, one, name=text_in(form.name), main=bool(form.main.data), by=actor().public_id)
        except actions.MainTaken:
            form.main.errors = [_("Buổi này đã có điểm cầu chính.")]
        else:
            flash(_("Đã lưu điểm cầu."), "success")
            return redirect(url_for("sittings.board", session_id=one.session.public_id))
    return render_template("sittings/point.html", form=form, **about(one)), 422 if form.is_submitted() else 200


@bp.post("/points/<uuid:point_id>/remove")
@needs(ORGANISE)
def remove(point_id: uuid.UUID) -> ResponseReturnValue:
    """Take away a point at which nobody was seen."""
    own = get_session()
    one = organised_point(own, actor(), point_id)
    sitting = one.session.public_id
    try:
        actions.remove_point(own, one, by=actor().public_id)
    except actions.InUse:
        flash(_("Điểm cầu này đã có người điểm danh hoặc đã báo cáo nên không bỏ được."), "warning")
    else:
        flash(_("Đã bỏ điểm cầu."), "success")
    return redirect(url_for("sittings.board", session_id=sitting))


@bp.get("/points/<uuid:point_id>/host")
@needs(ORGANISE)
def host(point_id: uuid.UUID) -> ResponseReturnValue:
    """Who takes the roll of a point, and a field to look for somebody else."""
    return host_page(organised_point(get_session(), actor(), point_id), SearchForm(formdata=None), [])


@bp.post("/points/<uuid:point_id>/host/find")
@needs(ORGANISE)
@reading
def find_host(point_id: uuid.UUID) -> ResponseReturnValue:
    """People whose name or user name fits what was typed."""
    own, form = get_session(), SearchForm()
    one = organised_point(own, actor(), point_id)
    if not form.validate_on_submit():
        return host_page(one, form, []), 422
    sought = text_in(form.q)
    return host_page(one, form, doors_of(own).people.found(own, sought, most=MOST_FOUND) if sought else [])


def host_page(one: MeetingPoint, form: SearchForm, found: list[Named]) -> str:
    """The page with those who were found. Their showing is noted."""
    own = get_session()
    named = doors_of(own).people.names(own, [one.host] if one.host else [])
    if rows := len(found) + len(named):
        by, unit = behind(), one.unit.public_id
        apart(lambda log: note(log, "person.list", actor=by, object_kind="unit", object_id=unit, rows=rows))
    return render_template(
        "sittings/host.html", form=form, found=found, named=named.get(one.host) if one.host else None, **about(one)
    )


@bp.post("/points/<uuid:point_id>/host")
@needs(ORGANISE)
def name_host(point_id: uuid.UUID) -> ResponseReturnValue:
    """This person takes the roll of the point from now on, or (nothing chosen) nobody by name."""
    own = get_session()
    one = organised_point(own, actor(), point_id)
    chosen = request.form.get("host", "")
    wanted = uuid_in(chosen)
    if chosen and not (wanted and doors_of(own).people.names(own, [wanted])):
        flash(_("Chọn một người trong danh sách."), "error")
        return redirect(url_for("sittings.host", point_id=point_id))
    actions.name_host(own, one, wanted, by=actor().public_id)
    flash(_("Đã cử người chủ trì điểm cầu.") if chosen else _("Điểm cầu này chưa cử ai."), "success")
    return redirect(url_for("sittings.board", session_id=one.session.public_id))


def uuid_in(value: str) -> uuid.UUID | None:
    """An opaque id as a form sends it."""
    try:
        return uuid.UUID(value)
    except ValueError:
        return None


@lists.get("/sheet")
@needs(ATTEND)
def sheet(point_id: uuid.UUID) -> ResponseReturnValue:
    """The roll on paper, with a place to sign on each line."""
    own = get_session()
    one = access_point(own, actor(), point_id)
    people = called_people(own, one)
    names_seen(one, len(people))
    mark = sheet_mark([person.public_id for person in people])
    return render_template("lists/sheet.html", people=people, mark=mark, now=clock.now(), **about(one))


def called_people(own: Session, one: MeetingPoint) -> list[queries.OnList]:
    """Those on the roll of a point, in the order of its sheet."""
    return [person for person in queries.listed(own, one, on=clock.today()) if not person.guest]


@lists.route("/entry", methods=["GET", "POST"])
@needs(ATTEND)
@reading
def entry(point_id: uuid.UUID) -> ResponseReturnValue:
    """What a signed sheet says, by the numbers of its lines; then what that would enter, name by name."""
    own, form = get_session(), SheetForm()
    one = access_point(own, actor(), point_id)
    if not form.validate_on_submit():
        return render_template("lists/entry.html", form=form, **about(one)), 422 if form.is_submitted() else 200
    people = called_people(own, one)
    if text_in(form.mark).upper() != sheet_mark([person.public_id for person in people]):
        told = _("Mã này không phải của danh sách hiện nay: đã thêm, bớt người từ khi in. In lại, hoặc ghi từng người.")
        form.mark.errors = [told]
    exceptions = form.exceptions(len(people))
    if form.errors or exceptions is None:
        return render_template("lists/entry.html", form=form, **about(one)), 422
    return rehearsed(one, filled_in([candidate(person) for person in people], exceptions))


def candidate(person: queries.OnList, codes: tuple[str, ...] = ()) -> Candidate:
    """Somebody of the point as lines of lists are compared with."""
    return Candidate(person.public_id, person.name, person.unit, person.state, bool(person.elsewhere), codes)


def rehearsed(one: MeetingPoint, lines: list[Line]) -> str:
    """What the lines would enter; nothing is entered before it is confirmed."""
    names_seen(one, sum(line.person is not None for line in lines))
    entered = [line for line in lines if line.result == "say"]
    return render_template(
        "lists/rehearsal.html", lines=lines, entered=entered, result_words=RESULT_WORDS, **about(one)
    )


@lists.route("/upload", methods=["GET", "POST"])
@needs(ATTEND)
@reading
def upload(point_id: uuid.UUID) -> ResponseReturnValue:
    """A list as a file, by staff code or by name and unit; then what it would enter, line by line."""
    own, form = get_session(), FileForm()
    one = access_point(own, actor(), point_id)
    if form.validate_on_submit():
        try:
            sheets = taken_apart(form.file.data.read(), form.file.data.filename or "").sheets
            people = queries.listed(own, one, on=clock.today())
            codes = staff_codes(own, [person.person_id for person in people])
            known = [candidate(person, codes.get(person.person_id, ())) for person in people]
            return rehearsed(one, read([(line.number, line.cells) for line in sheets[0].lines], known))
        except Refused as error:
            form.file.errors = [refusal(error.reason, most=MOST_ROWS, name=form.file.data.filename or "")]
        except NoHead:
            form.file.errors = [_("Không thấy dòng tiêu đề. Cần cột “Tình trạng” và cột “Họ và tên” hoặc “Mã cán bộ”.")]
    return render_template("lists/upload.html", form=form, **about(one)), 422 if form.is_submitted() else 200


@lists.get("/roll.csv")
@needs(ATTEND)
def roll_csv(point_id: uuid.UUID) -> ResponseReturnValue:
    """The roll as a file: to be kept, or filled in and handed in again."""
    own = get_session()
    one = access_point(own, actor(), point_id)
    people = queries.listed(own, one, on=clock.today())
    names_seen(one, len(people))
    codes = staff_codes(own, [person.person_id for person in people])
    head: list[object] = [_("TT"), _("Mã cán bộ"), _("Họ và tên"), _("Đơn vị"), _("Tình trạng"), _("Giờ ghi nhận")]
    rows: list[list[object]] = []
    for place, person in enumerate(people, 1):
        state = str(STATE_WORDS[person.state]) if person.state else ""
        code = next(iter(codes.get(person.person_id, ())), "")
        rows.append([place, code, person.name, person.unit, state, time_typed(person.at)])
    return file_of([head, *rows], f"diem-danh_{one.session.code}_{one.code}.csv")
