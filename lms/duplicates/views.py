"""Pages on which records that may be one person are looked at, linked and unlinked."""

import uuid

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lms import clock, text
from lms.accounts.access import KEEP, access_account, people_kept, people_typed
from lms.accounts.admin import asked, seen
from lms.accounts.models import Person
from lms.db import get_session
from lms.duplicates import actions, queries
from lms.duplicates.access import access_link, access_pair
from lms.duplicates.forms import CANNOT, REASONS, KeepForm
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.gate import needs, reading

bp = Feature("duplicates", __name__, url_prefix="/people/duplicates", within="people")


SOUGHT = "record sought"
MOST_FOUND = 30
"""So many people are shown who may be the other record; whoever is not among them is looked for with more words."""


@bp.get("")
@needs(KEEP)
def index() -> ResponseReturnValue:
    """Pairs that may be one person, and why; and what was decided so far. That these names were seen is noted."""
    own, person, today = get_session(), actor(), clock.today()
    reach = people_kept(person, KEEP)
    found = queries.suggestions(own, on=today, reach=reach)
    people = [one for pair in found for one in (pair.one, pair.other)]
    linked, apart = (own.execute(queries.decided(reach, same=same)).all() for same in (True, False))
    seen("person.list", None, permission=KEEP, rows=len(people), page=1, searched=False, purpose="duplicates")
    return render_template(
        "duplicates/index.html",
        found=found,
        told=queries.particulars(own, people, on=today),
        linked=linked,
        apart=apart,
        reasons=REASONS,
        most=queries.MOST,
    )


@bp.get("/<uuid:one>/find")
@needs(KEEP)
def find(one: uuid.UUID) -> ResponseReturnValue:
    """The other record of somebody, looked for by name: also where nothing suggests it."""
    own, by = get_session(), actor()
    person, words = access_account(own, by, one), str(session.get(SOUGHT, ""))
    rows = [row for row in people_typed(own, by, KEEP, words, most=MOST_FOUND + 1) if row[0] is not person][:MOST_FOUND]
    seen("person.list", None, permission=KEEP, rows=len(rows), page=1, searched=True, purpose="duplicates")
    return render_template("duplicates/find.html", person=person, rows=rows, sought=words, most=MOST_FOUND)


@bp.post("/<uuid:one>/find")
@needs(KEEP)
@reading
def look(one: uuid.UUID) -> ResponseReturnValue:
    """Keep what is sought for this browser; a name never enters an address."""
    access_account(get_session(), actor(), one)
    session[SOUGHT] = text.nfc(request.form.get("q", ""))[:100]
    return redirect(url_for("duplicates.find", one=one))


@bp.get("/<uuid:one>/<uuid:other>")
@needs(KEEP)
def ask(one: uuid.UUID, other: uuid.UUID) -> ResponseReturnValue:
    """Before two records are linked: what it means, and which goes on counting."""
    first, second = access_pair(get_session(), actor(), one, other)
    return pair_page(KeepForm(formdata=None), first, second)


def pair_page(form: KeepForm, first: Person, second: Person, *, status: int = 200) -> ResponseReturnValue:
    """Both records beside each other."""
    people = (first, second)
    told = queries.particulars(get_session(), people, on=clock.today())
    seen("person.list", None, permission=KEEP, rows=2, page=1, searched=False, purpose="duplicates")
    form.keep.choices = [
        (str(one.public_id), f"{one.full_name}, {told[one.id].unit or '–'} ({told[one.id].username})") for one in people
    ]
    return render_template("duplicates/pair.html", form=form, people=people, told=told), status


@bp.post("/<uuid:one>/<uuid:other>")
@needs(KEEP)
def link(one: uuid.UUID, other: uuid.UUID) -> ResponseReturnValue:
    """Both are one person from now on."""
    own = get_session()
    first, second = access_pair(own, actor(), one, other)
    form = KeepForm()
    form.keep.choices = [(str(person.public_id), "") for person in (first, second)]
    if not form.validate_on_submit():
        return pair_page(form, first, second, status=422)
    kept, duplicate = (first, second) if form.keep.data == str(first.public_id) else (second, first)
    if duplicate.public_id == actor().public_id:
        form.keep.errors = [_("Hồ sơ đang dùng để đăng nhập phải là hồ sơ được giữ.")]
        return pair_page(form, first, second, status=422)
    try:
        actions.link_people(own, duplicate, kept, by=actor().public_id)
    except actions.CannotLink as reason:
        form.keep.errors = [CANNOT[str(reason)]]
        return pair_page(form, first, second, status=422)
    flash(_("Đã ghép. Hai hồ sơ được tính là một người; bỏ ghép được bất cứ lúc nào."), "success")
    return redirect(url_for("people.show", public_id=kept.public_id))


@bp.post("/<uuid:one>/<uuid:other>/apart")
@needs(KEEP)
def apart(one: uuid.UUID, other: uuid.UUID) -> ResponseReturnValue:
    """These are two people: the pair is suggested no more."""
    own = get_session()
    first, second = access_pair(own, actor(), one, other)
    actions.tell_apart(own, first, second, by=actor().public_id)
    flash(_("Đã ghi nhận đây là hai người. Cặp này không được gợi ý nữa."), "success")
    return redirect(url_for("duplicates.index"))


@bp.get("/links/<uuid:link_id>/undo")
@needs(KEEP)
def ask_unlink(link_id: uuid.UUID) -> ResponseReturnValue:
    """Before a decision is taken back: what comes back with it."""
    decided, duplicate, person = access_link(get_session(), actor(), link_id)
    seen("person.read", person)
    if decided.same:
        title, button = _("Bỏ ghép hồ sơ"), _("Bỏ ghép")
        told = [
            _("Hai hồ sơ của %(name)s lại là hai người, như trước khi ghép.", name=person.full_name),
            _("Hồ sơ trùng lại được tính ở đơn vị của mình và đăng nhập được như trước. Không có gì bị mất."),
        ]
    else:
        title, button = _("Xét lại hai hồ sơ"), _("Xét lại")
        told = [_("Cặp hồ sơ của %(name)s lại được gợi ý là có thể trùng.", name=duplicate.full_name)]
    return asked(person, title, told, button=button, address=url_for("duplicates.unlink", link_id=link_id))


@bp.post("/links/<uuid:link_id>/undo")
@needs(KEEP)
def unlink(link_id: uuid.UUID) -> ResponseReturnValue:
    """What was decided holds no more."""
    own = get_session()
    decided, duplicate, person = access_link(own, actor(), link_id)
    actions.undo(own, decided, duplicate, person, by=actor().public_id)
    flash(_("Đã trở lại như trước."), "success")
    return redirect(url_for("duplicates.index"))
