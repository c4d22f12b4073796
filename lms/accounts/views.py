"""Signing in and out, the first password, and one's own profile."""

from flask import current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user, logout_user
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select
from wtforms import Field

from lms import clock
from lms.accounts import actions, queries
from lms.accounts.forms import ROLES, ChangePasswordForm, NewPasswordForm, SignInForm
from lms.accounts.models import Person, SignInAccount
from lms.accounts.rules import ATTEMPTS_PER_ACCOUNT, ATTEMPTS_PER_ADDRESS, PASSWORD_LENGTH, password_fault
from lms.accounts.session import SignedIn, begin_session, end_session, mark_seen, must_be_marked, signed_in
from lms.audit.actions import note
from lms.db import apart, database, get_read_session, get_session, if_there_is_room
from lms.web import kept
from lms.web.acting import actor, login_manager
from lms.web.addresses import local_path
from lms.web.feature import Feature
from lms.web.gate import needs, public

bp = Feature("accounts", __name__)

KNOWN_BROWSER = "known"
KNOWN_BROWSER_DAYS = 180


@login_manager.user_loader  # type: ignore[untyped-decorator]  # Flask-Login carries no types
def load_person(key: str) -> SignedIn | None:
    """The person behind the key in the cookie; also notes, now and then, that the session is in use."""
    person = signed_in(get_read_session(), key)
    if person is not None and must_be_marked(person):
        with if_there_is_room():
            apart(lambda own: mark_seen(own, person.session_id))
    return person


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Name and password. What was typed elsewhere before the session ended travels along in `kept`."""
    form = SignInForm()
    next_path = local_path(request.args.get("next")) or ""
    if request.endpoint != "accounts.sign_in":
        return render_template("accounts/sign_in.html", form=SignInForm(formdata=None), next="", kept=kept.kept_form())
    kept_form = request.form.get("kept", "")
    if form.validate_on_submit():
        outcome = check_password(typed(form.username), typed(form.password))
        if isinstance(outcome, int):
            return enter(outcome, kept_form, next_path)
        form.password.errors = [outcome]
    status = 422 if request.method == "POST" else 200
    return render_template("accounts/sign_in.html", form=form, next=next_path, kept=kept_form), status


def check_password(username: str, password: str) -> int | str:
    """The id of the person, or why not, in words that are the same whether or not there is such an account."""
    name = username.strip().lower()
    subject = f"{name} {'known' if known_browser() == name else 'unknown'}"
    with database().writing() as own:
        allowed = actions.attempt_allowed(own, "account", subject, limit=ATTEMPTS_PER_ACCOUNT)
        allowed &= actions.attempt_allowed(own, "address", request.remote_addr or "", limit=ATTEMPTS_PER_ADDRESS)
    if not allowed:
        return str(_("Có quá nhiều lần thử. Chờ năm phút rồi thử lại."))
    account = get_read_session().scalar(queries.account_by_username(name))
    if not actions.password_fits(account, password) or account is None:
        apart(lambda own: note(own, "sign_in.refused", actor=None, object_kind="account", object_id="-"))
        return str(_("Tên đăng nhập hoặc mật khẩu không đúng."))
    with database().writing() as own:
        actions.forgive_attempts(own, "account", subject)
        actions.uncount_attempt(own, "address", request.remote_addr or "")
    return account.person_id


def enter(person_id: int, kept_form: str, next_path: str) -> ResponseReturnValue:
    """Open a new session under a new key, then go where the person was going."""
    own = get_session()
    key = begin_session(own, person_id, browser=request.user_agent.string)
    public_id = own.scalar(select(Person.public_id).where(Person.id == person_id))
    note(own, "sign_in", actor=public_id, object_kind="person", object_id=public_id, address=request.remote_addr or "")
    person = signed_in(own, key)
    language = session.get("language")
    session.clear()
    g.pop("csrf_token", None)  # Flask-WTF keeps it for the request; it belonged to the session that has just ended
    if language:
        session["language"] = language
    login_user(person)
    username = own.scalar(select(SignInAccount.username).where(SignInAccount.person_id == person_id))
    again = kept.send_again(kept_form, _("Phiên làm việc đã hết hạn trước khi gửi."))
    answer = again if again is not None else redirect(next_path or url_for("web.home"))
    return remember_browser(answer, str(username))


def remember_browser(answer: ResponseReturnValue, username: str) -> ResponseReturnValue:
    """Mark the browser as one this person has signed in from: an attacker elsewhere then cannot lock the person out."""
    response = make_response(answer)
    response.set_cookie(
        KNOWN_BROWSER,
        str(URLSafeSerializer(str(current_app.secret_key), salt="known browser").dumps(username)),
        max_age=KNOWN_BROWSER_DAYS * 86400,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        path=url_for("accounts.sign_in"),
    )
    return response


def known_browser() -> str | None:
    """The user name somebody has signed in with from this browser before."""
    try:
        sealed = request.cookies.get(KNOWN_BROWSER, "")
        return str(URLSafeSerializer(str(current_app.secret_key), salt="known browser").loads(sealed))
    except BadData:
        return None


@bp.post("/sign-out")
@needs("profile:own")
def sign_out() -> ResponseReturnValue:
    """End this session, in the database too."""
    end_session(get_session(), actor().get_id())  # type: ignore[attr-defined]
    logout_user()
    session.clear()
    return redirect(url_for("accounts.sign_in"))


@bp.route("/first-password/<token>", methods=["GET", "POST"])
@public
def first_password(token: str) -> ResponseReturnValue:
    """The page behind a one-time link."""
    own = get_session()
    account = actions.link_account(own, token)
    if account is None:
        return render_template("accounts/link_ended.html"), 404
    form = NewPasswordForm()
    if form.validate_on_submit() and new_password_ok(form, account.username):
        actions.use_link(own, token, account, typed(form.new_password))
        flash(_("Đã đặt mật khẩu. Mời đăng nhập."), "success")
        return redirect(url_for("accounts.sign_in"))
    status = 422 if request.method == "POST" else 200
    return render_template(
        "accounts/first_password.html", form=form, username=account.username, length=PASSWORD_LENGTH
    ), status


@bp.get("/profile")
@needs("profile:own")
def profile() -> ResponseReturnValue:
    """Who the system thinks one is."""
    own = get_session()
    person = own.get_one(Person, actor().person_id)
    unit = own.scalar(queries.main_unit(person.id, on=clock.today()))
    return render_template(
        "accounts/profile.html",
        person=person,
        unit=unit,
        username=own.get_one(SignInAccount, person.id).username,
        roles=own.scalars(queries.roles_held(person.id, on=clock.today())).all(),
        words=ROLES,
    )


@bp.route("/profile/password", methods=["GET", "POST"])
@needs("profile:own")
def change_password() -> ResponseReturnValue:
    """A new password; every other session ends, and this one begins anew."""
    own = get_session()
    account = own.get_one(SignInAccount, actor().person_id)
    form = ChangePasswordForm()
    if form.validate_on_submit() and new_password_ok(form, account.username):
        if actions.password_fits(account, typed(form.password)):
            actions.set_password(own, account, typed(form.new_password))
            flash(_("Đã đổi mật khẩu. Các phiên đăng nhập khác đã kết thúc."), "success")
            return enter(account.person_id, "", url_for("accounts.profile"))
        form.password.errors = [_("Mật khẩu hiện nay không đúng.")]
    status = 422 if request.method == "POST" else 200
    return render_template("accounts/change_password.html", form=form, length=PASSWORD_LENGTH), status


def typed(field: Field) -> str:
    """What was typed into a field; nothing is an empty text."""
    return str(field.data or "")


def new_password_ok(form: NewPasswordForm, username: str) -> bool:
    """Whether the new password may be used; otherwise the form says why not."""
    fault = password_fault(typed(form.new_password), username=username)
    reasons = {
        "short": _("Mật khẩu cần ít nhất %(n)d ký tự. Một câu dễ nhớ là cách tốt nhất.", n=PASSWORD_LENGTH),
        "name": _("Mật khẩu không được chứa tên đăng nhập."),
        "simple": _("Mật khẩu này quá dễ đoán. Hãy chọn một câu dài, riêng của mình."),
    }
    if fault:
        form.new_password.errors = [reasons[fault]]
    elif form.new_password.data != form.repeat.data:
        form.repeat.errors = [_("Hai lần nhập không giống nhau.")]
    return not form.errors
