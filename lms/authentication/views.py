"""Pages on which people protect their account, and the steps of signing in beyond the password."""

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lms.accounts.models import SignInAccount
from lms.accounts.protocol import (
    STEP,
    begin,
    begin_again,
    budgets,
    forgiven,
    held_back,
    remember_device,
    step_done,
    step_here,
    typed,
    wrong_password,
)
from lms.accounts.rules import SECOND_FACTOR, stands_not_alone
from lms.accounts.session import Step, end_step
from lms.audit.actions import note
from lms.authentication import actions, queries
from lms.authentication.forms import ActivateForm, CodeForm, NameForm, PasswordForm, ProtectedForm
from lms.authentication.models import Authenticator, Passkey
from lms.authentication.protocol import is_oneself, oneself_again, own_account, wrong_code
from lms.authentication.rules import MOST_PASSKEYS, RECOVERY_CODES, totp
from lms.db import apart, database, get_read_session, get_session
from lms.throttle.rules import PER_ACCOUNT, PER_ACCOUNT_IN_ALL, PER_CODE, Budget
from lms.web import kept
from lms.web.acting import NotFound, actor
from lms.web.addresses import local_path
from lms.web.feature import Feature
from lms.web.gate import needs, public
from lms.web.squares import qr_address

bp = Feature("authentication", __name__, within="accounts")

ENROLLING = "enrolling"
SERVICE = "Quán triệt"
"""How an authenticator names this site beside its codes."""


@bp.get("/profile/protection")
@needs("profile:own")
def index() -> ResponseReturnValue:
    """What protects one's account."""
    own, person_id = get_session(), actor().person_id
    return render_template(
        "authentication/index.html",
        authenticator=own.scalar(queries.authenticator_of(person_id)),
        required=queries.required_of(own, person_id),
        left=own.scalar(queries.recovery_codes_left(person_id)) or 0,
        of=RECOVERY_CODES,
        passkeys=own.scalars(queries.passkeys_of(person_id)).all(),
        most=MOST_PASSKEYS,
    )


@bp.route("/profile/protection/telephone", methods=["GET", "POST"])
@needs("profile:own")
def set_up() -> ResponseReturnValue:
    """A telephone shows codes from now on. First the password again, then the picture of squares, then a code.

    Where a telephone is in use already, a code of it is asked for with the password.
    """
    proving = "code" in request.form and "password" not in request.form
    if proving or (request.method == "GET" and waiting(actor().person_id) is not None):
        return first_code(actor().person_id, "authentication/telephone.html")
    form = oneself_again(PasswordForm, ProtectedForm)
    if form.validate_on_submit() and is_oneself(form):
        begin_enrolling(actor().person_id)
        return redirect(url_for("authentication.set_up"))
    return render_template("authentication/password_first.html", form=form), (422 if form.is_submitted() else 200)


@bp.route("/sign-in/telephone", methods=["GET", "POST"])
@public
def enrol() -> ResponseReturnValue:
    """The same for somebody on the way in, whose role asks for it and whose password was right a moment ago."""
    step = step_here()
    if step is None:
        return begin_again()
    if "code" in request.form:
        return first_code(step.person_id, "authentication/telephone.html", step=step)
    if request.method == "POST" and "begin" in request.form:
        begin_enrolling(step.person_id)
        return first_code(step.person_id, "authentication/telephone.html", step=step)
    if request.method == "GET" and waiting(step.person_id) is not None:
        return first_code(step.person_id, "authentication/telephone.html", step=step)
    return render_template("authentication/enrol.html", kept=request.form.get("kept", ""))


def begin_enrolling(person_id: int) -> None:
    """Make a new secret, which only this browser is shown."""
    actions.begin_authenticator(get_session(), person_id)
    cookie[ENROLLING] = person_id


def waiting(person_id: int) -> Authenticator | None:
    """The secret this browser has begun to set up."""
    if cookie.get(ENROLLING) != person_id:
        return None
    own = get_session() if "begin" in request.form else get_read_session()
    return actions.waiting_authenticator(own, person_id)


def first_code(person_id: int, template: str, *, step: Step | None = None) -> ResponseReturnValue:
    """The picture to scan, and the first code, which proves that the telephone has it."""
    sent = "code" in request.form
    form = CodeForm() if sent else CodeForm(formdata=None)
    found = waiting(person_id)
    if found is None:
        flash(_("Đã quá lâu. Hãy làm lại từ đầu."), "warning")
        if step is not None:
            return render_template("authentication/enrol.html", kept=request.form.get("kept", ""))
        return redirect(request.full_path.rstrip("?"))
    account = get_read_session().get_one(SignInAccount, person_id)
    if sent and form.validate_on_submit():
        wanted = budgets("code", account.username, PER_CODE, in_all=PER_CODE)
        if (wait := held_back(wanted)) is not None:
            form.code.errors = [wait]
        elif (made := confirmed(person_id, typed(form.code))) is not None:
            return enrolled(account, *made, step)
        else:
            form.code.errors = [wrong_code()]
    secret = actions.secret_of(get_session() if "begin" in request.form else get_read_session(), found) or b""
    address = totp(secret).get_provisioning_uri(account.username, SERVICE)
    return render_template(
        template,
        form=form,
        picture=qr_address(address),
        address=address,
        key=address.partition("secret=")[2].partition("&")[0],
        username=account.username,
        service=SERVICE,
        kept=request.form.get("kept", ""),
    ), (422 if form.errors else 200)


def confirmed(person_id: int, code: str) -> tuple[list[str], bool] | None:
    """The codes for emergencies of a telephone that is in use now, and whether they replace others; None: wrong."""
    own = get_session()
    replaced = has_codes(own, person_id)
    codes = actions.confirm_authenticator(own, person_id, code)
    return (codes, replaced) if codes is not None else None


def has_codes(own: Session, person_id: int) -> bool:
    """Whether there are codes for emergencies that still open, which new ones end."""
    return bool(own.scalar(queries.recovery_codes_left(person_id)))


def enrolled(account: SignInAccount, codes: list[str], replaced: bool, step: Step | None) -> ResponseReturnValue:
    """The codes for emergencies, once. Whoever was on the way in is in now, and goes on from this page."""
    cookie.pop(ENROLLING, None)
    next_path = local_path(request.args.get("next")) or ""
    if step is None:
        return codes_page(codes, replaced=replaced, next_path=url_for("authentication.index"))
    own = get_session()
    end_step(own, str(cookie.get(STEP, "")))
    begin(own, step.person_id, proof=SECOND_FACTOR)
    next_path, kept_form = next_path or url_for("web.home"), request.form.get("kept", "")
    page = codes_page(codes, replaced=replaced, next_path=next_path, kept=kept_form)
    return remember_device(page, account.username)


def codes_page(codes: list[str], *, replaced: bool, next_path: str, kept: str = "") -> str:
    """The ten codes, to be written down; `replaced`: there were others, which have ended."""
    return render_template("authentication/codes.html", codes=codes, replaced=replaced, next=next_path, kept=kept)


@bp.route("/sign-in/code", methods=["GET", "POST"])
@public
def code() -> ResponseReturnValue:
    """The code that follows a right password."""
    step = step_here()
    if step is None:
        return begin_again()
    sent = "code" in request.form
    form = CodeForm() if sent else CodeForm(formdata=None)
    if sent and form.validate_on_submit():
        account = get_read_session().get_one(SignInAccount, step.person_id)
        wanted = budgets("code", account.username, PER_CODE, in_all=PER_CODE)
        if (wait := held_back(wanted)) is not None:
            form.code.errors = [wait]
        elif actions.code_fits(get_session(), step.person_id, typed(form.code)):
            forgiven(wanted)
            return step_done(step, proof=SECOND_FACTOR)
        else:
            apart(lambda own: note(own, "code.refused", actor=None, object_kind="account", object_id="-"))
            form.code.errors = [wrong_code()]
    return render_template(
        "authentication/code.html",
        form=form,
        has_telephone=get_read_session().scalar(queries.authenticator_of(step.person_id)) is not None,
        kept=request.form.get("kept", ""),
        next=local_path(request.args.get("next")) or "",
    ), (422 if sent else 200)


@bp.post("/sign-in/resume")
@needs("profile:own")
def resume() -> ResponseReturnValue:
    """What was typed before the session ended, shown again to whoever has come in by another way."""
    reason = _("Phiên làm việc đã hết hạn trước khi gửi.")
    again = kept.send_again(request.form.get("kept", ""), reason, to=str(actor().public_id))
    return again if again is not None else redirect(url_for("web.home"))


@bp.route("/profile/protection/codes", methods=["GET", "POST"])
@needs("profile:own")
def renew_codes() -> ResponseReturnValue:
    """Ten new codes for emergencies; the old ones end."""
    form, person_id = oneself_again(PasswordForm, ProtectedForm), actor().person_id
    replaced = has_codes(get_read_session(), person_id)
    if form.validate_on_submit() and is_oneself(form):
        codes = actions.renew_recovery_codes(get_session(), person_id)
        return codes_page(codes, replaced=replaced, next_path=url_for("authentication.index"))
    status = 422 if form.is_submitted() else 200
    return render_template("authentication/renew_codes.html", form=form, replaced=replaced), status


@bp.route("/profile/protection/telephone/remove", methods=["GET", "POST"])
@needs("profile:own")
def remove() -> ResponseReturnValue:
    """No more codes: password and a code, and only where the role does not ask for them."""
    form, person_id = ProtectedForm(), actor().person_id
    required = queries.required_of(get_read_session(), person_id)
    if not required and form.validate_on_submit() and may_remove(form):
        actions.remove_authenticator(get_session(), person_id)
        flash(_("Đã tắt bước xác nhận thứ hai."), "success")
        return redirect(url_for("authentication.index"))
    status = 422 if form.is_submitted() else 200
    return render_template("authentication/remove.html", form=form, required=required), status


def may_remove(form: ProtectedForm) -> bool:
    """Whether password and code are right, and the password is one that may stand alone; else the form says why not."""
    if stands_not_alone(typed(form.password), database().config.passwords):
        if (fault := wrong_password(own_account(), typed(form.password))) is None:
            fault = _("Mật khẩu này ngắn, chỉ dùng được cùng bước thứ hai. Đổi mật khẩu dài hơn trước.")
        form.password.errors = [fault]
    return not form.errors and is_oneself(form)


def own_passkey(own: Session, public_id: uuid.UUID) -> Passkey:
    """A passkey of whoever is signed in. Raises `NotFound`."""
    found = own.scalar(queries.passkeys_of(actor().person_id).where(Passkey.public_id == public_id))
    if found is None:
        raise NotFound
    return found


@bp.route("/profile/passkeys/<uuid:public_id>", methods=["GET", "POST"])
@needs("profile:own")
def rename_passkey(public_id: uuid.UUID) -> ResponseReturnValue:
    """Another name, by which one knows which device it is; and the way to remove it."""
    passkey = own_passkey(get_session(), public_id)
    form = NameForm(name=passkey.name)
    if form.validate_on_submit():
        actions.rename_passkey(get_session(), passkey, typed(form.name))
        flash(_("Đã đổi tên khóa."), "success")
        return redirect(url_for("authentication.index"))
    removing = oneself_again(PasswordForm, ProtectedForm, formdata=None)
    status = 422 if form.is_submitted() else 200
    return render_template("authentication/passkey.html", form=form, removing=removing, passkey=passkey), status


@bp.post("/profile/passkeys/<uuid:public_id>/remove")
@needs("profile:own")
def remove_passkey(public_id: uuid.UUID) -> ResponseReturnValue:
    """The key opens nothing any more; for whoever shows again that it is them."""
    passkey = own_passkey(get_read_session(), public_id)
    removing = oneself_again(PasswordForm, ProtectedForm)
    if not removing.validate_on_submit() or not is_oneself(removing):
        form = NameForm(formdata=None, name=passkey.name)
        return render_template("authentication/passkey.html", form=form, removing=removing, passkey=passkey), 422
    own = get_session()
    actions.remove_passkey(own, own_passkey(own, public_id))
    flash(_("Đã xóa khóa. Có thể xóa cả trong phần cài đặt mật khẩu của thiết bị."), "success")
    return redirect(url_for("authentication.index"))


@bp.route("/activate", methods=["GET", "POST"])
@public
def activate() -> ResponseReturnValue:
    """For whoever holds a slip of paper: user name and code lead to a password."""
    form = ActivateForm()
    if form.validate_on_submit():
        wanted = guesses_at(typed(form.username), typed(form.code))
        if (wait := held_back(wanted)) is not None:
            form.code.errors = [wait]
        elif (token := actions.activate(get_session(), typed(form.username), typed(form.code))) is not None:
            forgiven(wanted)
            return redirect(url_for("accounts.first_password", token=token))
        else:
            form.code.errors = [_("Tên đăng nhập hoặc mã không đúng, mã đã dùng, hoặc đã hết hạn. Xem lại phiếu.")]
    status = 422 if form.is_submitted() else 200
    return render_template("authentication/activate.html", form=form), status


def guesses_at(username: str, code: str) -> list[Budget]:
    """What an attempt at a slip counts against. The right one counts against nothing: nobody, elsewhere or in the same
    office, can use up what whoever holds the slip has, and fifty random bits are not guessed.
    """
    if actions.slip_holder(get_read_session(), username, code) is not None:
        return []
    return budgets("activation", username.strip().lower(), PER_ACCOUNT, in_all=PER_ACCOUNT_IN_ALL)
