""" "My data": what is kept about whoever is signed in, who saw their name, and what they may ask."""

from datetime import date, datetime

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lms import clock
from lms.accounts.models import Person
from lms.accounts.rules import device_named
from lms.audit.actions import note
from lms.audit.forms import purpose_of, sentence
from lms.db import apart, get_session
from lms.organisation.forms import TREE_WORDS
from lms.privacy import actions, queries, render
from lms.privacy.forms import KIND_WORDS, OUTCOMES, STATES, VALUES, AskForm
from lms.web import errors
from lms.web.acting import OWN_EYES, actor, signed_in
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs
from lms.web.wording import day, moment, scale10

bp = Feature("privacy", __name__, url_prefix="/my-data", within="accounts")

OWN = "profile:own"
LARGEST_NUMBER = 18
SCORES = frozenset({"best", "score"})
"""Columns of shares from 0 to 1, which people read on the scale of 10."""


@bp.before_request
def own_eyes_only() -> ResponseReturnValue | None:
    """Closed while somebody looks as the person."""
    person = signed_in()
    return errors.tied(OWN_EYES) if person is not None and person.viewer is not None else None


def me() -> Person:
    """Whoever is signed in."""
    return get_session().get_one(Person, actor().person_id)


def shown(column: str, value: object) -> str:
    """A value as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(_("có") if value else _("không"))
    if isinstance(value, list):
        return ", ".join(shown(column, one) for one in value) or "–"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if column == "browser":
        return " – ".join(name for name in device_named(str(value)) if name) or str(_("Trình duyệt khác"))
    if isinstance(value, float) and column in SCORES:
        return scale10(value)
    return str(VALUES.get(f"{column}.{value}", value))


@bp.get("")
@needs(OWN)
def index() -> ResponseReturnValue:
    """All that is kept, part by part, and what was asked."""
    own, person = get_session(), me()
    parts = list(queries.own_data(own, person))
    return render_template(
        "privacy/index.html",
        parts=parts,
        empty=[part for part in parts if not part.rows],
        statements=queries.statements_count(own, person),
        requests=own.scalars(queries.requests_of(person.id)).all(),
        shown=shown,
        kinds=KIND_WORDS,
        states=STATES,
        outcomes=OUTCOMES,
    )


@bp.get("/seen")
@needs(OWN)
def seen() -> ResponseReturnValue:
    """Who saw or took out names among which mine could be."""
    number = request.args.get("before", "")
    before = int(number) if number.isascii() and number.isdigit() and len(number) <= LARGEST_NUMBER else None
    found, older = queries.disclosures(get_session(), me(), before=before)
    return render_template(
        "privacy/seen.html",
        found=found,
        sentence=sentence,
        purpose_of=purpose_of,
        tree_words=TREE_WORDS,
        continued=before is not None,
        older=url_for("privacy.seen", before=found[-1].entry.id) if older else None,
    )


@bp.get("/download.zip")
@needs(OWN)
def download() -> ResponseReturnValue:
    """All of it as a file to keep: a page to read, the same as JSON, and the statements one a line."""
    own, person, now = get_session(), me(), clock.now()
    parts = list(queries.own_data(own, person))
    page = render_template("privacy/download.html", parts=parts, shown=shown, taken_at=now)
    data = render.as_json(parts, taken_at=now)
    whole = render.archive(page, data, queries.statements(own, person))
    whose = person.public_id
    apart(lambda log: note(log, "privacy.download", actor=whose, object_kind="person", object_id=whose))
    answer = Response(whole, content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="du-lieu-cua-toi_{clock.today():%Y-%m-%d}.zip"'
    return answer


@bp.route("/ask", methods=["GET", "POST"])
@needs(OWN)
def ask() -> ResponseReturnValue:
    """Ask for it to be put right or erased."""
    form, person = AskForm(kind=request.args.get("kind", "")), actor()
    if form.validate_on_submit():
        try:
            made = actions.ask(
                get_session(), person.person_id, person.public_id, kind=text_in(form.kind), reason=text_in(form.reason)
            )
        except actions.AlreadyAsked:
            form.kind.errors = [
                _("Đồng chí đã gửi đề nghị loại này và chưa được trả lời; xem ở trang Dữ liệu của tôi.")
            ]
        else:
            flash(_("Đã gửi đề nghị. Hạn trả lời: %(day)s.", day=day(made.due_on)), "success")
            return redirect(url_for("privacy.index"))
    return render_template("privacy/ask.html", form=form), 200 if request.method == "GET" else 422
