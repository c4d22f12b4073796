"""Pages for granting and ending roles, the table of permissions, and seeing the product as another person sees it."""

import uuid
from datetime import timedelta
from typing import cast

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts import actions, queries
from lms.accounts.access import GRANT, power_ends, trees_held, trees_of_both
from lms.accounts.admin import asked, seen
from lms.accounts.forms import NOT_IN_TREE
from lms.accounts.models import Person, SignInAccount, Viewing
from lms.accounts.rules import ADMINISTRATOR, EVERYWHERE, VIEWING_LIFE, may_give
from lms.accounts.session import SignedIn, begin_viewing, end_viewing
from lms.accounts.vocabulary import ABOUT_ROLES, ROLES
from lms.db import get_session
from lms.organisation.access import stands_today, units_by_tree
from lms.organisation.queries import every_tree
from lms.roles import render
from lms.roles.access import READ_TABLE, VIEW_AS, access_grant, access_holder, access_seen
from lms.roles.forms import RoleForm, grantable
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.forms import day_in, text_in
from lms.web.gate import leaving, needs, reading
from lms.web.wording import day as worded

bp = Feature("roles", __name__, url_prefix="/people", within="people")
permissions = Feature("permissions", __name__, url_prefix="/people")


@permissions.get("/permissions")
@needs(READ_TABLE)
def table() -> ResponseReturnValue:
    """Which role may do what."""
    return render_template("permissions/table.html", roles=render.columns(), about=ABOUT_ROLES, rows=render.rows())


@bp.route("/<uuid:public_id>/roles/new", methods=["GET", "POST"])
@needs(GRANT)
def grant(public_id: uuid.UUID) -> ResponseReturnValue:
    """A role for somebody who is here already."""
    own = get_session()
    person = access_holder(own, actor(), public_id)
    form = RoleForm()
    form.offer(grantable(everywhere=actor().everywhere(GRANT)))
    everywhere = actor().everywhere(GRANT)
    form.role_unit.offer(every_tree(own) if everywhere else trees_of_both(own, actor(), GRANT))
    form.offer_trees(trees_held(actor(), GRANT))
    if form.validate_on_submit() and granted(own, form, person, by=actor().public_id):
        flash(_("Đã giao vai trò. Người này sẽ đăng nhập lại để dùng vai trò mới."), "success")
        if own.get_one(SignInAccount, person.id).password_hash is None:
            flash(
                _("Phiếu kích hoạt và liên kết trao trước đó hết hiệu lực. Trao lại phiếu hoặc liên kết mới."),
                "warning",
            )
        return redirect(url_for("people.show", public_id=person.public_id))
    seen("person.read", person)
    return render_template("roles/grant.html", form=form, person=person), (422 if form.is_submitted() else 200)


def granted(own: Session, form: RoleForm, person: Person, *, by: uuid.UUID) -> bool:
    """Whether the role was given; otherwise the form says what must be changed."""
    role = text_in(form.role)
    tree = text_in(form.tree)
    unit = form.role_unit.unit or own.scalar(queries.main_unit(person.id, on=clock.today(), tree=tree))
    over = None if role in EVERYWHERE else unit
    if role not in EVERYWHERE and unit is None:
        form.role_unit.errors = [_("Người này chưa thuộc đơn vị nào. Chọn đơn vị.")]
        return False
    if not may_give(role, over.id if over else None, within=units_by_tree(own, actor(), GRANT), tree=tree):
        form.role_unit.errors = [_("Chọn một đơn vị trong danh sách.")]
        return False
    if over is not None and not own.scalar(stands_today(over.id, tree)):
        form.role_unit.errors = [NOT_IN_TREE]
        return False
    last = form.until.data
    until = last + timedelta(days=1) if last is not None else None
    end = power_ends(own, actor(), GRANT, over, tree=tree)
    if end is not None and (until is None or until > end):
        latest = worded(end - timedelta(days=1))
        form.until.errors = [
            _("Quyền của chính đồng chí hết ngày %(day)s. Nhập ngày từ ngày ấy trở về trước.", day=latest)
        ]
        return False
    try:
        actions.grant_role(own, person, role, unit=over, since=day_in(form.since), until=until, tree=tree, by=by)
    except actions.RoleHeld:
        form.role.errors = [_("Người này đang giữ đúng vai trò này.")]
        return False
    return True


@bp.get("/<uuid:public_id>/roles/<int:grant_id>/end")
@needs(GRANT)
def ask_end(public_id: uuid.UUID, grant_id: int) -> ResponseReturnValue:
    """Before a role is ended: whose it is, and where it holds."""
    own = get_session()
    person = access_holder(own, actor(), public_id)
    found = access_grant(own, actor(), person, grant_id)
    told = [
        _(
            "%(name)s thôi giữ vai trò %(role)s (%(where)s).",
            name=person.full_name,
            role=ROLES[found.role],
            where=found.unit.name if found.unit else _("Toàn hệ thống"),
        ),
        _("Người này phải đăng nhập lại. Cần thì giao lại vai trò bất cứ lúc nào."),
    ]
    address = url_for("roles.end", public_id=public_id, grant_id=grant_id)
    return asked(person, _("Kết thúc vai trò"), told, button=_("Kết thúc vai trò"), address=address)


@bp.post("/<uuid:public_id>/roles/<int:grant_id>/end")
@needs(GRANT)
def end(public_id: uuid.UUID, grant_id: int) -> ResponseReturnValue:
    """The role holds no longer, from today on. One's own role as administrator is ended by another administrator."""
    own = get_session()
    person = access_holder(own, actor(), public_id)
    found = access_grant(own, actor(), person, grant_id)
    if found.role == ADMINISTRATOR and person.public_id == actor().public_id:
        flash(_("Vai trò quản trị của chính mình chỉ do quản trị viên khác kết thúc."), "warning")
    else:
        actions.end_role(own, found, by=actor().public_id)
        flash(_("Đã kết thúc vai trò."), "success")
    return redirect(url_for("people.show", public_id=person.public_id))


@bp.get("/<uuid:public_id>/view-as")
@needs(VIEW_AS)
def ask_view_as(public_id: uuid.UUID) -> ResponseReturnValue:
    """Before one looks as somebody else: what is noted, and how it ends."""
    person = access_seen(get_session(), actor(), public_id)
    told = [
        _("Hệ thống mở ra như %(name)s thấy, để kiểm tra hoặc hỗ trợ. Không thay đổi được gì.", name=person.full_name),
        _(
            "Việc xem được ghi vào nhật ký; %(name)s thấy ai đã xem và khi nào, ở trang hồ sơ của mình.",
            name=person.full_name,
        ),
        _(
            "Kết thúc khi bấm “Thôi xem”, khi đăng xuất, và chậm nhất sau %(minutes)s phút.",
            minutes=VIEWING_LIFE.seconds // 60,
        ),
    ]
    address = url_for("roles.view_as", public_id=public_id)
    return asked(person, _("Xem như người này"), told, button=_("Bắt đầu xem"), address=address)


@bp.post("/<uuid:public_id>/view-as")
@needs(VIEW_AS)
@reading
def view_as(public_id: uuid.UUID) -> ResponseReturnValue:
    """From the next page on the product is as that person sees it."""
    own = get_session()
    begin_viewing(own, cast(SignedIn, actor()), access_seen(own, actor(), public_id))
    return redirect(url_for("web.home"))


@bp.post("/view-as/end")
@needs("profile:own")
@leaving
def end_viewing_as() -> ResponseReturnValue:
    """Back to oneself, at the page of whoever was looked at."""
    me = cast(SignedIn, actor())
    end_viewing(get_session(), Viewing.session_id == me.session_id)
    flash(_("Đã thôi xem. Từ bây giờ là tài khoản của chính mình."), "success")
    return redirect(url_for("people.show", public_id=me.public_id) if me.viewer is not None else url_for("web.home"))
