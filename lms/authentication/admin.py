"""Pages with which administrators help people in: what protects an account, letting it try again, codes on paper."""

import uuid
from itertools import groupby
from typing import cast

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.access import KEEP, access_account, access_listed, top_units
from lms.accounts.admin import asked, seen
from lms.accounts.models import Person, SignInAccount
from lms.accounts.queries import open_sessions, roles_held
from lms.accounts.rules import LINK_LIFE
from lms.accounts.session import end_all_sessions
from lms.audit.actions import note
from lms.authentication import actions, queries
from lms.authentication.forms import SheetForm
from lms.authentication.rules import ACTIVATION_LIFE, MOST_ON_A_SHEET
from lms.db import config_of, get_session
from lms.organisation.forms import TREE_WORDS
from lms.organisation.models import TREES, Unit
from lms.organisation.queries import unit_trees
from lms.throttle.actions import attempts_about, forgive_all
from lms.throttle.rules import PER_CODE
from lms.web.acting import NotFound, actor
from lms.web.feature import Feature
from lms.web.gate import needs
from lms.web.wording import day as worded

bp = Feature("credentials", __name__, url_prefix="/people", within="people")


@bp.get("/<uuid:public_id>/protection")
@needs(KEEP)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """How somebody signs in, and what may be done when that fails."""
    own = get_session()
    person = access_account(own, actor(), public_id)
    seen("person.read", person)
    account, config = own.get_one(SignInAccount, person.id), config_of(own)
    roles = [grant.role for grant in own.scalars(roles_held(person.id, on=clock.today()))]
    sessions = open_sessions(person.id, now=clock.now(), limits=config.sessions, roles=roles)
    return render_template(
        "credentials/show.html",
        person=person,
        account=account,
        authenticator=own.scalar(queries.authenticator_of(person.id)),
        required=queries.required_of(own, person.id),
        passkeys=len(own.scalars(queries.passkeys_of(person.id)).all()),
        sessions=len(own.scalars(sessions).all()),
        attempts=own.scalar(select(attempts_about(account.username))) or 0,
        many=PER_CODE,
        oneself=person.public_id == actor().public_id,
    )


def back(person: Person, words: str) -> ResponseReturnValue:
    """To the page of the person, which says what was done."""
    flash(words, "success")
    return redirect(url_for("credentials.show", public_id=person.public_id))


@bp.post("/<uuid:public_id>/protection/unlock")
@needs(KEEP)
def unlock(public_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody who has tried too often may try again at once."""
    own = get_session()
    person = access_account(own, actor(), public_id)
    forgive_all(own, own.get_one(SignInAccount, person.id).username)
    note(own, "attempts.forgive", actor=actor().public_id, object_kind="person", object_id=person.public_id)
    return back(person, _("Người này có thể thử đăng nhập lại ngay."))


@bp.get("/<uuid:public_id>/protection/reset")
@needs(KEEP)
def ask_reset(public_id: uuid.UUID) -> ResponseReturnValue:
    """Before everything beside the password is taken away."""
    person = access_account(get_session(), actor(), public_id)
    seen("person.read", person)
    return render_template("credentials/reset.html", person=person)


@bp.post("/<uuid:public_id>/protection/reset")
@needs(KEEP)
def reset(public_id: uuid.UUID) -> ResponseReturnValue:
    """For somebody who has lost telephone and codes. One's own are taken away by another administrator."""
    own = get_session()
    person = access_account(own, actor(), public_id)
    if person.public_id == actor().public_id:
        flash(_("Của chính mình thì do quản trị viên khác làm, hoặc tự làm ở trang Bảo vệ tài khoản."), "warning")
        return redirect(url_for("credentials.show", public_id=public_id))
    actions.reset_second_factors(own, person, by=actor().public_id)
    return back(person, _("Đã xóa bước xác nhận thứ hai, mã dự phòng và mọi khóa. Các phiên đăng nhập đã kết thúc."))


@bp.post("/<uuid:public_id>/protection/sessions/end")
@needs(KEEP)
def end_sessions(public_id: uuid.UUID) -> ResponseReturnValue:
    """The person is signed out everywhere."""
    own = get_session()
    person = access_account(own, actor(), public_id)
    here = getattr(actor(), "session_id", None) if person.public_id == actor().public_id else None
    end_all_sessions(own, person.id, but=here)
    note(own, "session.end", actor=actor().public_id, object_kind="person", object_id=person.public_id)
    return back(person, _("Đã kết thúc mọi phiên đăng nhập của người này."))


@bp.get("/activation")
@needs(KEEP)
def choose_unit() -> ResponseReturnValue:
    """For which unit codes are printed."""
    own, person = get_session(), actor()
    asked, _dot, tree = request.args.get("unit", "").partition(".")
    if (unit_id := as_uuid(asked)) is not None:
        return redirect(url_for("credentials.sheet", unit_id=unit_id, tree=tree if tree in TREES[1:] else None))
    everywhere = person.everywhere(KEEP)
    trees = {tree: unit_trees(own, on=clock.today(), tree=tree) if everywhere else [] for tree in TREES}
    units = {tree: [] if everywhere else top_units(own, person, KEEP, tree=tree) for tree in TREES}
    any_unit = any(trees.values()) or any(units.values())
    return render_template(
        "credentials/choose.html", trees=trees, units=units, any_unit=any_unit, tree_words=TREE_WORDS
    )


@bp.get("/<uuid:public_id>/slip")
@needs(KEEP)
def ask_slip(public_id: uuid.UUID) -> ResponseReturnValue:
    """Before a slip for somebody who cannot be sent a link: what it ends."""
    person = another(get_session(), public_id)
    told = [
        _("Hệ thống tạo cho %(name)s một mã kích hoạt để in ra giấy. Mã chỉ hiện ra một lần.", name=person.full_name),
        _("Người này mở địa chỉ ghi trên phiếu, nhập mã rồi tự đặt mật khẩu mới. Không cần thư điện tử."),
        _("Liên kết hoặc phiếu đã cấp trước đó hết hiệu lực. Mật khẩu cũ vẫn dùng được cho đến khi đặt mật khẩu mới."),
    ]
    address = url_for("credentials.issue_slip", public_id=public_id)
    return asked(person, _("In phiếu đặt lại mật khẩu"), told, button=_("Tạo phiếu"), address=address)


@bp.post("/<uuid:public_id>/slip")
@needs(KEEP)
def issue_slip(public_id: uuid.UUID) -> ResponseReturnValue:
    """One slip, whether or not there is a password. Its code is shown this once."""
    own = get_session()
    person = another(own, public_id)
    seen("person.read", person)
    return render_template(
        "credentials/slip.html",
        person=person,
        account=own.get_one(SignInAccount, person.id),
        code=actions.issue_slip(own, person, by=actor().public_id),
        address=config_of(own).site_url + url_for("authentication.activate"),
        until=worded(clock.now() + LINK_LIFE),
    )


def another(own: Session, public_id: uuid.UUID) -> Person:
    """The person, whose account the reader may reset; never the reader. Raises `NotFound`."""
    person = access_account(own, actor(), public_id)
    if person.public_id == actor().public_id:
        raise NotFound
    return person


def as_uuid(text: str) -> uuid.UUID | None:
    """What stands in the address, when it is an id at all."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@bp.route("/activation/<uuid:unit_id>", methods=["GET", "POST"])
@needs(KEEP)
def sheet(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Who has never set a password; and the slips with their codes, to be cut and handed out."""
    own, person = get_session(), actor()
    listed = access_listed(own, person, KEEP, {"unit": str(unit_id), "tree": request.args.get("tree", "")})
    unit, tree = cast(Unit, listed.unit), listed.tree
    query = queries.people_to_activate(unit.id, on=clock.today(), everywhere=person.everywhere(KEEP), tree=tree)
    if (only := as_uuid(request.args.get("person", ""))) is not None:  # from the page of one person
        query = query.where(Person.public_id == only)
    rows = [(one, account, where) for one, account, where in own.execute(query)]
    form = SheetForm(people=[str(one.public_id) for one, _account, _where in rows])
    form.people.choices = [(str(one.public_id), f"{one.full_name}, {where.name}") for one, _a, where in rows]
    if form.validate_on_submit():
        wanted = set(form.people.data or ())
        chosen = [row for row in rows if str(row[0].public_id) in wanted]
        if chosen:
            seen("person.list", unit, tree=tree, rows=len(chosen), page=1, purpose="activation")
            return printed(own, unit, tree, chosen)
    seen("person.list", unit, tree=tree, rows=len(rows), page=1, purpose="activation")
    status = 422 if form.is_submitted() else 200
    return render_template("credentials/people.html", form=form, unit=unit, rows=rows, most=MOST_ON_A_SHEET), status


def printed(
    own: Session, unit: Unit, tree: str, chosen: list[tuple[Person, SignInAccount, Unit]]
) -> ResponseReturnValue:
    """The slips, one sheet for each unit. The codes are shown this once."""
    codes = actions.make_activation_codes(
        own, [one for one, _account, _where in chosen], unit=unit.public_id, tree=tree, by=actor().public_id
    )
    sheets = [(where, list(slips)) for where, slips in groupby(chosen, key=lambda row: row[2])]
    return render_template(
        "credentials/sheet.html",
        unit=unit,
        sheets=sheets,
        codes=codes,
        address=config_of(own).site_url + url_for("authentication.activate"),
        until=worded(clock.now() + ACTIVATION_LIFE),
    )
