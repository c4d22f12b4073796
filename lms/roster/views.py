"""Pages for importing a list of people: hand it in, say what its columns are, rehearse it, apply it."""

import uuid
from dataclasses import replace
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from lms import clock
from lms.accounts.access import UnitThen, access_unit, access_unit_then, trees_within
from lms.accounts.forms import CATEGORIES, PARTY
from lms.db import apart, config_of, get_read_session, get_session
from lms.organisation.forms import AsOf, as_of
from lms.organisation.models import Unit
from lms.roster import actions, forms, queries
from lms.roster.access import KEEP, access_upload, people_within, reach, reach_of
from lms.roster.models import RosterUpload
from lms.roster.rules import SKIP, Refused, Settings
from lms.web.acting import NotFound, actor, behind
from lms.web.feature import Feature
from lms.web.gate import needs

bp = Feature("roster", __name__, url_prefix="/roster", within="people")

PAGE = 50
AGAIN_SECONDS = 3
FORM_BYTES = 200_000
"""What the form may hold beside the file."""


@bp.url_value_preprocessor
def let_files_in(endpoint: str | None, _values: Any) -> None:
    """A list may be larger than a form: said before anybody reads what was sent."""
    if endpoint == "roster.receive":
        request.max_content_length = most_bytes() + FORM_BYTES


def most_bytes() -> int:
    """How large a file may be."""
    return config_of(get_read_session()).roster_megabytes * 1_000_000


@bp.get("")
@needs(KEEP)
def index() -> ResponseReturnValue:
    """Where lists are handed in; those under way; and where lists are taken out."""
    form = forms.UploadForm(unit=request.args.get("unit", ""))
    return start_page(form), 200


def absent_then(session: Session, asked: AsOf) -> UnitThen | None:
    """The unit of the address, when it did not stand on the day a list was asked for."""
    try:
        public_id = uuid.UUID(request.args.get("unit", ""))
        then = access_unit_then(session, actor(), KEEP, public_id, on=asked.on) if asked.chosen else None
    except (ValueError, NotFound):
        return None
    return then if then is not None and then.unit is None else None


def start_page(form: forms.UploadForm) -> str:
    """The page on which lists begin."""
    session, person = get_read_session(), actor()
    form.unit.offer(trees_within(session, person, KEEP))
    own = queries.uploads(reach(session, person.public_id)).limit(PAGE)
    lists = session.execute(own.join(Unit, Unit.id == RosterUpload.unit_id).add_columns(Unit.name)).all()
    asked = as_of(request.args)
    return render_template(
        "roster/start.html",
        form=form,
        lists=lists,
        most=config_of(session).roster_megabytes,
        kinds=forms.KINDS,
        asked=asked,
        absent=absent_then(session, asked),
    )


@bp.post("")
@needs(KEEP)
def receive() -> ResponseReturnValue:
    """Take in a file; then the page about its columns. It is read before anything is written, lest others wait."""
    looking, person = get_read_session(), actor()
    form = forms.UploadForm()
    form.unit.offer(trees_within(looking, person, KEEP))
    if form.validate() and form.unit.unit is not None:
        unit_id = access_unit(looking, person, KEEP, form.unit.unit.public_id).public_id
        try:
            content, name = content_of(form.file.data)
            taken = actions.taken_apart(content, name)
        except Refused as refused:
            most, called = config_of(looking).roster_megabytes, form.file.data.filename or ""
            form.file.errors = [forms.refusal(refused.reason, most=most, name=called)]
        else:
            session = get_session()
            unit = access_unit(session, person, KEEP, unit_id)
            upload = actions.receive(session, unit, taken, file_name=name, by=person.public_id)
            return redirect(url_for("roster.columns", public_id=upload.public_id))
    return start_page(form), 422


def content_of(file: FileStorage) -> tuple[bytes, str]:
    """The bytes of a file and its name. Raises `Refused`."""
    content = file.stream.read(most_bytes() + 1)
    if len(content) > most_bytes():
        raise Refused("size")
    return content, file.filename or ""


@bp.route("/<uuid:public_id>/columns", methods=["GET", "POST"])
@needs(KEEP)
def columns(public_id: uuid.UUID) -> ResponseReturnValue:
    """How the list is read: its sheet, its head, its letters, and what each column is about."""
    session = get_session()
    upload = access_upload(session, actor(), public_id)
    if upload.state in {*actions.UNDER_WAY, actions.APPLIED_STATE}:
        return redirect(url_for("roster.show", public_id=public_id))
    if no_more(session, upload):
        return redirect(url_for("roster.index"))
    before = settings = Settings.of(upload.settings)
    if request.method == "GET":
        return columns_page(session, upload, settings)
    settings = forms.chosen(request.form.to_dict(), before)
    if request.form.get("then") == "again":
        return columns_page(session, upload, guessed(session, upload, settings))
    raw = queries.sheet_of(session, upload, settings.sheet, most=forms.SAMPLE_LINES)
    shown = forms.shown(upload, raw, settings)
    shown.form.validate()
    check_columns(shown, settings)
    if shown.form.errors:
        return columns_page(session, upload, settings, shown)
    actions.choose(session, upload, replace(settings, on=shown.form.on.data or clock.today()))
    session.flush()  # what was chosen is read again from the row
    if actions.texts_of_units(session, upload, everywhere=everywhere(session, upload))[0]:
        return redirect(url_for("roster.units", public_id=public_id))
    actions.rehearse(session, upload, by=actor().public_id)
    return redirect(url_for("roster.show", public_id=public_id))


def everywhere(session: Session, upload: RosterUpload) -> bool:
    """Whether whoever asks and whoever handed the list in keep people everywhere."""
    return reach_of(session, upload, reader=actor().public_id) is None


def no_more(session: Session, upload: RosterUpload) -> bool:
    """Whether the unit of the list has ended meanwhile, or never was, which the next page then says."""
    unit = upload.unit
    if not unit.undone and (unit.valid_to is None or unit.valid_to > clock.today()):
        return False
    said = _("%(unit)s đã kết thúc hoạt động nên danh sách này không đọc tiếp được.", unit=unit.name)
    flash(said + " " + _("Tải danh sách lên lại cho đơn vị kế thừa."), "warning")
    return True


def guessed(session: Session, upload: RosterUpload, settings: Settings) -> Settings:
    """The settings with the head and the columns guessed anew for another sheet, line or reading."""
    before = Settings.of(upload.settings)
    raw = queries.sheet_of(session, upload, settings.sheet, most=forms.SAMPLE_LINES)
    return queries.guessed_anew(session, upload.unit_id, raw, settings, same_sheet=settings.sheet == before.sheet)


def check_columns(shown: forms.Shown, settings: Settings) -> None:
    """Say what is missing: the head, a column of names, or one column for what two claim to be."""
    if shown.head is None:
        shown.form.line.errors = [_("Chọn dòng có tên các cột.")]
    elif not shown.head.names_people:
        shown.form.line.errors = [_("Chưa có cột nào là “Họ và tên” hoặc “Tên”. Chọn ở bảng các cột bên dưới.")]
    elif (doubled := forms.twice(settings.fields)) is not None:
        shown.form.line.errors = [_("Hai cột cùng là “%(field)s”. Chỉ giữ một.", field=forms.FIELDS[doubled])]


def columns_page(
    session: Session, upload: RosterUpload, settings: Settings, shown: forms.Shown | None = None
) -> ResponseReturnValue:
    """The page about columns; status 422 when it was refused."""
    status = 422 if shown is not None else 200
    raw = queries.sheet_of(session, upload, settings.sheet, most=forms.SAMPLE_LINES)
    seen(upload, rows=min(len(raw.lines), forms.SAMPLES))
    page = shown or forms.shown(upload, raw, settings)
    unit = upload.unit
    return render_template(
        "roster/columns.html", upload=upload, unit=unit, page=page, fields=forms.FIELDS, readings=forms.READINGS
    ), status


def seen(upload: RosterUpload, **details: Any) -> None:
    """Note that names of a list were looked at."""
    by, unit_id, said = behind(), upload.unit_id, str(upload.public_id)
    apart(lambda own: actions.note_seen(own, "roster.read", unit_id, by=by, list=said, **details))


@bp.route("/<uuid:public_id>/units", methods=["GET", "POST"])
@needs(KEEP)
def units(public_id: uuid.UUID) -> ResponseReturnValue:
    """Which units are meant by texts that are no unit's name for sure; then the rehearsal."""
    session = get_session()
    upload = access_upload(session, actor(), public_id)
    if upload.state in {*actions.UNDER_WAY, actions.APPLIED_STATE} or Settings.of(upload.settings).place < 0:
        return redirect(url_for("roster.show", public_id=public_id))
    if no_more(session, upload):
        return redirect(url_for("roster.index"))
    places = queries.places_below(session, upload.unit_id, on=clock.today())
    anywhere = everywhere(session, upload)
    branches = queries.branches(session, of=None if anywhere else upload.unit_id, on=clock.today())
    unsure, decided = actions.texts_of_units(session, upload, everywhere=anywhere)
    if request.method == "POST":
        told, wrong = forms.units_chosen(request.form.to_dict(), places, branches)
        if not wrong:
            settings = Settings.of(upload.settings)
            actions.choose(session, upload, replace(settings, units={**settings.units, **told}))
            session.flush()  # what was chosen is read again from the row
            actions.rehearse(session, upload, by=actor().public_id)
            return redirect(url_for("roster.show", public_id=public_id))
    unit = upload.unit
    many = len(places.places) > forms.MANY_UNITS
    return render_template(
        "roster/units.html",
        upload=upload,
        unit=unit,
        asked=[*unsure, *decided],
        chosen=Settings.of(upload.settings).units,
        places=places.places,
        branches=branches.places,
        many=many,
        skip=SKIP,
        posted=request.form if request.method == "POST" else {},
    ), 422 if request.method == "POST" else 200


@bp.post("/<uuid:public_id>/rehearse")
@needs(KEEP)
def rehearse(public_id: uuid.UUID) -> ResponseReturnValue:
    """Compare once more with the people who are here now."""
    session = get_session()
    upload = access_upload(session, actor(), public_id)
    try:
        actions.rehearse(session, upload, by=actor().public_id)
    except actions.NotReady:
        flash(_("Danh sách đang được xử lý hoặc chưa chọn cột."), "warning")
    return redirect(url_for("roster.show", public_id=public_id))


@bp.get("/<uuid:public_id>")
@needs(KEEP)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """How far the list is: under way, what it would change, or what it has changed."""
    session = get_session()
    upload = access_upload(session, actor(), public_id)
    unit = upload.unit
    if upload.state == actions.RECEIVED:
        return redirect(url_for("roster.columns", public_id=public_id))
    if upload.state in actions.UNDER_WAY:
        answer = make_response(render_template("roster/waiting.html", upload=upload, unit=unit, again=AGAIN_SECONDS))
        answer.headers["Refresh"] = str(AGAIN_SECONDS)  # without a script; the page holds nothing that is typed
        return answer
    if upload.state == actions.APPLIED_STATE:
        return render_template("roster/applied.html", upload=upload, unit=unit, kinds=forms.KINDS)
    return rehearsed_page(session, upload, unit)


def rehearsed_page(session: Session, upload: RosterUpload, unit: Unit) -> str:
    """What the list would change, one kind of line at a time; that the names were seen is noted."""
    today = clock.today()
    missing = queries.left_out(upload, on=today)
    counts = {**upload.counts, "left": session.scalar(select(func.count()).select_from(missing.subquery())) or 0}
    present = [kind for kind in forms.KINDS if counts.get(kind)]
    kind = request.args.get("show", "")
    kind = kind if kind in present else present[0] if present else "new"
    pages = max(1, -(-counts.get(kind, 0) // PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    query = (missing if kind == "left" else queries.outcomes_of(upload, kind)).limit(PAGE).offset((page - 1) * PAGE)
    rows = session.execute(query).all()
    lines = [] if kind == "left" else [row[0] for row in rows]
    told = queries.tellings(session, lines, within=people_within(reach(session, actor().public_id)))
    named = told.values()
    ids = {one["unit"] for one in named if one.get("unit")}
    ids |= {other[3] for one in named for other in one.get("perhaps", ()) if other[3]}
    seen(upload, rows=len(rows), kind=kind, page=page)
    return render_template(
        "roster/rehearsed.html",
        upload=upload,
        unit=unit,
        counts=counts,
        present=present,
        kind=kind,
        rows=rows,
        told_of=told,
        page=page,
        pages=pages,
        page_url=lambda n: url_for("roster.show", public_id=upload.public_id, show=kind, page=n),
        names=queries.unit_names(session, ids),
        labels=forms.labels_of(session, upload) if kind in {"bad", "aside"} else (),
        words=words(),
        worded=forms.worded,
        answers=AnswersShown(upload),
        apply_form=forms.ApplyForm(digest=upload.digest),
        changing=sum(counts.get(one, 0) for one in ("new", "changed", "moved")),
    )


class AnswersShown:
    """What was answered for the lines in doubt, and the form beside them."""

    def __init__(self, upload: RosterUpload) -> None:
        settings = Settings.of(upload.settings)
        self.by_line = settings.answers
        self.form = forms.AnswerForm(namesakes=settings.namesakes)


def words() -> dict[str, Any]:
    """The words of outcomes, fields and values."""
    values = {**CATEGORIES, **PARTY}
    return {"kinds": forms.KINDS, "fields": forms.FIELDS, "why": forms.WHY, "values": values}


@bp.post("/<uuid:public_id>/answers")
@needs(KEEP)
def answer(public_id: uuid.UUID) -> ResponseReturnValue:
    """Who the lines in doubt are; then compare once more."""
    session = get_session()
    upload = access_upload(session, actor(), public_id)
    if upload.state != actions.REHEARSED:
        return redirect(url_for("roster.show", public_id=public_id))
    if no_more(session, upload):
        return redirect(url_for("roster.index"))
    given = {
        name.removeprefix("line-"): value[:40]
        for name, value in request.form.items()
        if name.startswith("line-") and value and name.removeprefix("line-").isdecimal()
    }
    before = Settings.of(upload.settings)
    namesakes = "namesakes" in request.form
    upload.settings = replace(before, answers={**before.answers, **given}, namesakes=namesakes).stored()
    actions.rehearse(session, upload, by=actor().public_id)
    return redirect(url_for("roster.show", public_id=public_id))


@bp.post("/<uuid:public_id>/apply")
@needs(KEEP)
def apply(public_id: uuid.UUID) -> ResponseReturnValue:
    """Apply exactly what was rehearsed; where that is no longer what would happen, rehearse again and say so."""
    session = get_session()
    upload = access_upload(session, actor(), public_id)
    try:
        actions.apply(session, upload, request.form.get("digest", ""), by=actor().public_id)
    except actions.Stale:
        actions.rehearse(session, upload, by=actor().public_id)
        flash(_("Dữ liệu đã thay đổi sau lần diễn tập trước nên chưa ghi gì. Xem lại kết quả diễn tập mới."), "warning")
    except actions.NotReady:
        flash(_("Danh sách đang được xử lý hoặc đã áp dụng xong."), "warning")
    return redirect(url_for("roster.show", public_id=public_id))


@bp.post("/<uuid:public_id>/drop")
@needs(KEEP)
def drop(public_id: uuid.UUID) -> ResponseReturnValue:
    """Forget the list."""
    session = get_session()
    actions.drop(session, access_upload(session, actor(), public_id), by=actor().public_id)
    flash(_("Đã xóa danh sách đã tải lên. Những gì đã áp dụng được giữ nguyên."), "success")
    return redirect(url_for("roster.index"))
