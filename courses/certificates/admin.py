"""Certificates of a unit and their prints, for its head; rules of briefings and revoking, for who gives briefings."""

import uuid
from math import ceil
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.briefings.queries import titles_of
from courses.certificates import actions, queries
from courses.certificates.access import KEEP, NAMES, RULES, access_kept, access_print, access_rule
from courses.certificates.forms import REASON_WORDS, RevokeForm, RuleForm, pdf
from courses.certificates.models import Certificate
from courses.certificates.rules import PRINTED_AT_ONCE, REPLACED, grouped
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.access import access_unit, top_units
from lms.audit.actions import note
from lms.db import apart, get_session
from lms.organisation.access import first_tree
from lms.organisation.forms import TREE_WORDS
from lms.organisation.models import PARTY_TREE, TREES, Unit
from lms.web.acting import NotFound, actor, behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs, reading

bp = Feature("issued", __name__, url_prefix="/certificates-issued")

PAGE = 50
LAST_PAGE = 100_000
AGAIN_SECONDS = 5


@bp.get("")
@needs(NAMES)
def index() -> ResponseReturnValue:
    """The units where one's scope begins, in either tree; to the unit at once when there is one."""
    own, me = get_session(), actor()
    units: list[tuple[Unit, str | None]] = [(one, None) for one in top_units(own, me, NAMES)]
    if not me.everywhere(NAMES):
        units += [(one, PARTY_TREE) for one in top_units(own, me, NAMES, tree=PARTY_TREE)]
    if len(units) == 1:
        return redirect(url_for("issued.unit", unit_id=units[0][0].public_id, tree=units[0][1]))
    return render_template("certificates/units.html", units=units, tree_words=TREE_WORDS)


def tree_asked() -> str:
    """The tree by which people of the unit are counted: that of the address or form, else where one's scope begins."""
    tree = request.values.get("tree")
    return tree if tree in TREES else first_tree(actor(), NAMES)


def chosen(unit: Unit, code: str | None, tree: str) -> tuple[list[Briefing], Briefing | None]:
    """The briefings in which people of the unit hold certificates, and the one that is asked for, or the last."""
    asked = queries.briefings_with_certificates([unit.id], on=clock.today(), tree=tree)
    found = list(get_session().scalars(asked))
    return found, next((one for one in found if code in (None, one.code)), None)


@bp.get("/units/<uuid:unit_id>")
@needs(NAMES)
def unit(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The certificates of a unit in a briefing. Every list of names is noted."""
    own, tree = get_session(), tree_asked()
    one = access_unit(own, actor(), NAMES, unit_id, tree=tree)
    briefings, briefing = chosen(one, request.args.get("briefing"), tree)
    rows: Any = []
    page, found, valid = min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE), 0, 0
    if briefing is not None:
        query = queries.certificates_of([one.id], briefing.id, on=clock.today(), tree=tree)
        found = own.scalar(queries.number_of(query)) or 0
        valid = own.scalar(queries.number_of(queries.valid(query))) or 0
        rows = own.execute(query.limit(PAGE).offset((page - 1) * PAGE)).all()
    if rows and briefing is not None:
        note_list("certificate.list", one, briefing, len(rows), tree)
    return render_template(
        "certificates/unit.html",
        unit=one,
        briefings=briefings,
        briefing=briefing,
        titles=titles_of(own, briefings),
        rows=rows,
        valid=valid,
        page=page,
        pages=max(1, ceil(found / PAGE)),
        tree=tree,
        tree_words=TREE_WORDS,
        page_url=lambda n: url_for(
            "issued.unit", unit_id=unit_id, briefing=briefing and briefing.code, tree=tree, page=n
        ),
        grouped=grouped,
        reasons=REASON_WORDS,
        may_keep=actor().may(KEEP),
        may_read_rules=actor().may(RULES),
    )


def note_list(action: str, one: Unit, briefing: Briefing, number: int, tree: str) -> None:
    """Put into the log that names of a unit were shown or taken out."""
    by, of, code = behind(), one.public_id, briefing.code
    about: dict[str, Any] = {"object_kind": "unit", "object_id": of, "briefing": code, "count": number}
    about["tree"] = tree
    if action == "certificate.print":
        apart(lambda own: note(own, "certificate.print", actor=by, **about))
    else:
        apart(lambda own: note(own, "certificate.list", actor=by, **about))


@bp.post("/units/<uuid:unit_id>/print")
@needs(NAMES)
@reading
def print_all(unit_id: uuid.UUID) -> ResponseReturnValue:
    """All valid certificates of the unit as one file: at once when they are few, else made by the worker."""
    own, me, tree = get_session(), actor(), tree_asked()
    one = access_unit(own, me, NAMES, unit_id, tree=tree)
    _briefings, briefing = chosen(one, request.form.get("briefing"), tree)
    if briefing is None:
        raise NotFound
    query = queries.valid(queries.certificates_of([one.id], briefing.id, on=clock.today(), tree=tree))
    number = own.scalar(queries.number_of(query)) or 0
    note_list("certificate.print", one, briefing, number, tree)
    if number > PRINTED_AT_ONCE:
        asked = actions.ask_for_print(own, one, briefing, tree=tree, number=number, by=me.public_id)
        return redirect(url_for("issued.print_under_way", print_id=asked.public_id))
    rows = [(certificate, person) for certificate, person in own.execute(query)]
    return pdf(actions.file_of(own, rows, at=clock.now()), file_name(one, briefing))


def file_name(one: Unit, briefing: Briefing) -> str:
    return f"giay-chung-nhan_{one.code}_{briefing.code}.pdf"


@bp.get("/prints/<uuid:print_id>")
@needs(NAMES)
def print_under_way(print_id: uuid.UUID) -> ResponseReturnValue:
    """How far the file is; whoever asked for it fetches it here."""
    own = get_session()
    asked = access_print(own, actor(), print_id)
    page = render_template(
        "certificates/print.html", asked=asked, unit=own.get_one(Unit, asked.unit_id), again=AGAIN_SECONDS
    )
    answer = make_response(page)
    if asked.content is None:
        answer.headers["Refresh"] = str(AGAIN_SECONDS)  # without a script; the page holds nothing that is typed
    return answer


@bp.get("/prints/<uuid:print_id>.pdf")
@needs(NAMES)
def print_file(print_id: uuid.UUID) -> ResponseReturnValue:
    """The file."""
    own = get_session()
    asked = access_print(own, actor(), print_id)
    one, briefing = own.get_one(Unit, asked.unit_id), own.get_one(Briefing, asked.briefing_id)
    access_unit(own, actor(), NAMES, one.public_id, tree=asked.tree)  # it may have gone out of one's scope since
    if asked.content is None:
        return redirect(url_for("issued.print_under_way", print_id=print_id))
    return pdf(asked.content, file_name(one, briefing))


@bp.get("/rules")
@needs(RULES)
def rules() -> ResponseReturnValue:
    """Every briefing, and whether certificates are issued in it."""
    holds_everywhere(RULES)
    own = get_session()
    found = [(briefing, rule) for briefing, rule in own.execute(queries.briefings_with_rules())]
    titles = titles_of(own, [briefing for briefing, _rule in found])
    return render_template("certificates/rules.html", found=found, titles=titles)


@bp.route("/rules/<briefing_code>", methods=["GET", "POST"])
@needs(KEEP)
def rule(briefing_code: str) -> ResponseReturnValue:
    """Whether certificates are issued in a briefing, and in whose name."""
    own, me = get_session(), actor()
    briefing, known = access_rule(own, me, briefing_code)
    form = RuleForm(data={"issuer": known.issuer, "active": known.active} if known is not None else {"active": True})
    if form.validate_on_submit():
        active = bool(form.active.data)
        actions.set_rule(own, briefing, issuer=text_in(form.issuer), active=active, by=me.public_id)
        flash(
            _("Từ nay ai hoàn thành được cấp giấy chứng nhận. Người đã hoàn thành được cấp trong ít phút.")
            if active
            else _("Từ nay đợt này không cấp giấy chứng nhận. Giấy đã cấp vẫn còn giá trị."),
            "success",
        )
        return redirect(url_for("issued.rules"))
    title = titles_of(own, [briefing])[briefing.id][0]
    status = 200 if request.method == "GET" else 422
    return render_template("certificates/rule.html", form=form, title=title), status


@bp.route("/<uuid:certificate_id>/revoke", methods=["GET", "POST"])
@needs(KEEP)
def revoke(certificate_id: uuid.UUID) -> ResponseReturnValue:
    """Why a certificate is revoked; asked once, done once."""
    own, me = get_session(), actor()
    certificate, person = access_kept(own, me, certificate_id, to_change=request.method == "POST")
    form = RevokeForm()
    if certificate.revoked_at is not None:
        flash(_("Giấy chứng nhận này đã bị thu hồi trước đó."), "info")
        return redirect(url_for("issued.index"))
    if form.validate_on_submit() and can_be_done(form, certificate):
        actions.revoke(own, certificate, reason=str(form.reason.data), remark=text_in(form.remark), by=me.public_id)
        flash(_("Đã thu hồi giấy chứng nhận số %(number)s.", number=grouped(certificate.number)), "success")
        return redirect(url_for("issued.index"))
    by, whose = behind(), person.public_id
    apart(lambda other: note(other, "certificate.read", actor=by, object_kind="person", object_id=whose))
    status = 200 if request.method == "GET" else 422
    return render_template(
        "certificates/revoke.html", form=form, certificate=certificate, person=person, grouped=grouped
    ), status


def can_be_done(form: RevokeForm, certificate: Certificate) -> bool:
    """Whether what is to be replaced would be issued anew; else the form says what to do, and the old one stays."""
    if form.reason.data != REPLACED or get_session().scalar(queries.comes_again(certificate)) is not None:
        return True
    told = _(
        "Giấy mới không được cấp: đợt đã thôi cấp giấy, hoặc người này không còn trong danh sách hoàn thành của đợt. "
        "Bật lại việc cấp giấy của đợt, hoặc chọn lý do khác."
    )
    form.reason.errors = [told]
    return False
