"""Pages on which something is announced and withdrawn, and what first pages show of it."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Row

from lms import clock
from lms.accounts.access import trees_of_both
from lms.accounts.models import Person
from lms.announcements import actions, queries
from lms.announcements.access import READ, WRITE, access_announcement
from lms.announcements.forms import AnnouncementForm
from lms.db import get_read_session, get_session
from lms.organisation.access import scope_of
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.forms import day_in, text_in
from lms.web.gate import needs

bp = Feature("announcements", __name__, url_prefix="/announcements")


@bp.app_template_global()
def announced() -> Sequence[Row[*tuple[object, ...]]]:
    """What is announced today to whoever looks at the page, for first pages ("announcements/here.html")."""
    return queries.announced_to(get_read_session(), actor().person_id, on=clock.today())


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """What was announced within one's scope: to come, shown now, over or withdrawn."""
    own, person, today = get_session(), actor(), clock.today()
    units = None if person.everywhere(READ) else scope_of(person, READ)
    return render_template(
        "announcements/index.html", rows=own.scalars(queries.written(units, on=today)).all(), today=today
    )


@bp.route("/new", methods=["GET", "POST"])
@needs(WRITE)
def new() -> ResponseReturnValue:
    """Something to announce."""
    own, form = get_session(), AnnouncementForm()
    form.unit.offer(trees_of_both(own, actor(), WRITE))
    if form.validate_on_submit() and form.unit.unit is not None:
        author, until = own.get_one(Person, actor().person_id), day_in(form.until) + timedelta(days=1)
        actions.announce(
            own,
            form.unit.unit,
            text_in(form.text).strip(),
            since=day_in(form.since),
            until=until,
            author=author,
            by_mail=bool(form.by_mail.data),
        )
        flash(_("Đã đăng thông báo."), "success")
        return redirect(url_for("announcements.index"))
    return render_template("announcements/new.html", form=form), (422 if form.is_submitted() else 200)


@bp.get("/<uuid:announcement_id>/withdraw")
@needs(WRITE)
def ask_withdraw(announcement_id: uuid.UUID) -> ResponseReturnValue:
    """Before an announcement is withdrawn."""
    one = access_announcement(get_session(), actor(), announcement_id)
    return render_template("announcements/withdraw.html", one=one)


@bp.post("/<uuid:announcement_id>/withdraw")
@needs(WRITE)
def withdraw(announcement_id: uuid.UUID) -> ResponseReturnValue:
    """Nobody is shown it any more."""
    own = get_session()
    actions.withdraw(own, access_announcement(own, actor(), announcement_id), by=actor().public_id)
    flash(_("Đã gỡ thông báo."), "success")
    return redirect(url_for("announcements.index"))
