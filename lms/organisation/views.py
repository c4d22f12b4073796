"""Pages with which the organisation is looked at and added to: the tree, a unit, a new unit."""

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lms import clock, text
from lms.db import get_session
from lms.organisation import actions, queries
from lms.organisation.access import KEEP, access_any_unit
from lms.organisation.forms import KINDS, UnitForm
from lms.organisation.models import Unit
from lms.organisation.storage import CodeTaken
from lms.web.acting import actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import day_in, text_in
from lms.web.gate import needs
from lms.web.wording import day as worded

bp = Feature("organisation", __name__, url_prefix="/units")

MOST_FOUND = 50


@bp.get("")
@needs(KEEP)
def index() -> ResponseReturnValue:
    """The tree of today, to unfold, or what was searched for in it."""
    holds_everywhere(KEEP)
    trees = queries.unit_trees(get_session(), on=clock.today())
    sought = text.nfc(request.args.get("q", ""))[:100]
    found = [branch for tree in trees for branch in tree.walk() if sought and fits(branch.unit, sought)]
    return render_template(
        "organisation/tree.html",
        trees=trees,
        sought=sought,
        found=found[:MOST_FOUND],
        number_found=len(found),
        total=sum(1 for tree in trees for _branch in tree.walk()),
        today=clock.today(),
        kinds=KINDS,
    )


def fits(unit: Unit, sought: str) -> bool:
    """Whether every word is found in name, short name or code, with or without marks."""
    words = text.fold(f"{unit.name} {unit.short_name} {unit.code}")
    return all(word in words for word in text.fold(sought).split())


@bp.get("/<uuid:public_id>")
@needs(KEEP)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One unit: where it stands, since when, and what stands below it."""
    session, today = get_session(), clock.today()
    unit = access_any_unit(session, actor(), public_id)
    return render_template(
        "organisation/unit.html",
        unit=unit,
        above=session.scalars(queries.ancestors(unit.id, on=today)).all()[:-1],
        below=session.scalars(queries.children(unit.id, on=today)).all(),
        standing=unit.valid_to is None or unit.valid_to > today,
        kinds=KINDS,
    )


@bp.route("/new", methods=["GET", "POST"])
@needs(KEEP)
def new() -> ResponseReturnValue:
    """A new unit below another, from a day on."""
    person, session = holds_everywhere(KEEP), get_session()
    trees = queries.unit_trees(session, on=clock.today())
    form = UnitForm(parent=request.args.get("under", ""))
    form.parent.offer(trees)
    if not trees:
        del form.parent
    if form.validate_on_submit() and (unit := created(session, form, by=person.public_id)) is not None:
        flash(_("Đã thêm đơn vị %(name)s.", name=unit.name), "success")
        return redirect(url_for("organisation.show", public_id=unit.public_id))
    status = 200 if request.method == "GET" else 422
    return render_template("organisation/new.html", form=form, first=not trees), status


def created(session: Session, form: UnitForm, *, by: uuid.UUID) -> Unit | None:
    """The new unit, or None when the form now says what must be changed."""
    parent = form.parent.unit if "parent" in form else None
    since, earliest = day_in(form.since), session.scalar(queries.standing_since(parent.id)) if parent else None
    if earliest is not None and since < earliest:
        form.since.errors = [_("Đơn vị cấp trên chỉ có từ ngày %(day)s; chọn từ ngày đó trở đi.", day=worded(earliest))]
        return None
    try:
        return actions.create_unit(
            session,
            code=text_in(form.code),
            name=text_in(form.name),
            short_name=text_in(form.short_name),
            kind=form.kind.data,
            parent=parent,
            since=since,
            position=None,
            counted=form.counted.data,
            by=by,
        )
    except CodeTaken:
        form.code.errors = [
            _("Mã này đã thuộc về một đơn vị khác, hiện nay hoặc trước đây. Mã không bao giờ dùng lại; chọn mã khác.")
        ]
        return None
