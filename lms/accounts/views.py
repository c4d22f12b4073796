"""Signing in and out, passwords, one's own sessions and profile."""

from flask import flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import logout_user
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts import actions, queries
from lms.accounts.forms import ChangePasswordForm, ForgottenForm, NewPasswordForm, SignInForm
from lms.accounts.models import Person, SignInAccount, UserSession, Viewing
from lms.accounts.protocol import (
    WAY,
    begin_again,
    budgets,
    enter,
    follow,
    forgiven,
    held_back,
    known_from_now,
    new_password_ok,
    password_hint,
    step_done,
    step_here,
    typed,
    wrong_password,
)
from lms.accounts.rules import MAILED_LINK_LIFE, device_named
from lms.accounts.session import (
    SignedIn,
    end_all_sessions,
    end_one_session,
    end_session,
    end_viewing,
    link_account,
    mark_seen,
    must_be_marked,
    signed_in,
    whose_session,
)
from lms.accounts.vocabulary import ROLES
from lms.audit.actions import note
from lms.db import apart, database, get_read_session, get_session, if_there_is_room
from lms.organisation.models import TREES
from lms.throttle.rules import PER_ACCOUNT, PER_ACCOUNT_IN_ALL, PER_RESET, PER_RESET_IN_ALL, Budget
from lms.web import kept
from lms.web.acting import NotFound, actor, behind, login_manager
from lms.web.addresses import local_path
from lms.web.feature import Feature
from lms.web.gate import leaving, needs, public

bp = Feature("accounts", __name__)

LEFT = "left"
"""Who has signed out of this browser: what was typed in another window is still theirs."""


@login_manager.user_loader  # type: ignore[untyped-decorator]  # Flask-Login carries no types
def load_person(key: str) -> SignedIn | None:
    """The person behind the key in the cookie; also notes, now and then, that the session is in use."""
    person = signed_in(get_read_session(), key)
    if person is not None and must_be_marked(person):
        with if_there_is_room():
            apart(lambda own: mark_seen(own, person.session_id))
    if person is not None and person.viewing_over is not None:
        with if_there_is_room():
            apart(lambda own: end_viewing(own, Viewing.id == person.viewing_over))
    return person


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Name and password. What was typed elsewhere before the session ended travels along in `kept`."""
    form = SignInForm()
    next_path = local_path(request.args.get("next")) or ""
    if request.endpoint != "accounts.sign_in":
        return render_template(
            "accounts/sign_in.html", form=SignInForm(formdata=None), next="", kept=kept.kept_form(whose=last_here())
        )
    kept_form = request.form.get("kept", "")
    if form.validate_on_submit():
        outcome = check_password(typed(form.username), typed(form.password))
        if isinstance(outcome, int):
            return follow(outcome, proof="password", kept_form=kept_form, next_path=next_path)
        form.password.errors = [outcome]
    status = 422 if request.method == "POST" else 200
    return render_template("accounts/sign_in.html", form=form, next=next_path, kept=kept_form), status


def last_here() -> str:
    """The public id of whoever was signed in here before; "" when this browser does not tell."""
    own = get_read_session()
    return whose_session(own, str(cookie.get("_user_id", ""))) or str(cookie.get(LEFT, ""))


def check_password(username: str, password: str) -> int | str:
    """The id of the person, or why not, in words that are the same whether or not there is such an account."""
    name = username.strip().lower()
    wanted = budgets("account", name, PER_ACCOUNT, in_all=PER_ACCOUNT_IN_ALL)
    if (wait := held_back(wanted)) is not None:
        way = _("Cần vào ngay: bấm “Quên mật khẩu” để nhận liên kết qua thư, hoặc nhờ quản trị viên cấp liên kết.")
        return f"{wait} {way}"
    account = get_read_session().scalar(queries.account_by_username(name))
    if not actions.password_fits(account, password) or account is None:
        apart(lambda own: note(own, "sign_in.refused", actor=None, object_kind="account", object_id="-"))
        return str(_("Tên đăng nhập hoặc mật khẩu không đúng."))
    forgiven(wanted)
    return account.person_id


@bp.post("/sign-out")
@needs("profile:own")
@leaving
def sign_out() -> ResponseReturnValue:
    """End this session, in the database too, and what it looked at as somebody else."""
    end_viewing(get_session(), Viewing.session_id == here())
    end_session(get_session(), actor().get_id())  # type: ignore[attr-defined]
    way, left = cookie.get(WAY), str(behind())
    logout_user()
    cookie.clear()
    cookie[LEFT] = left
    return redirect(url_for("accounts.sign_in", left=way))


@bp.route("/first-password/<token>", methods=["GET", "POST"])
@public
def first_password(token: str) -> ResponseReturnValue:
    """The page behind a one-time link."""
    own = get_session()
    account = link_account(own, token)
    if account is None:
        return render_template("accounts/link_ended.html"), 404
    form = NewPasswordForm()
    if form.validate_on_submit() and new_password_ok(own, form, account):
        if not actions.use_link(own, token, account, typed(form.new_password)):
            return render_template("accounts/link_ended.html"), 404
        flash(_("Đã đặt mật khẩu. Mời đăng nhập."), "success")
        return known_from_now(own, redirect(url_for("accounts.sign_in")), account.username)
    status = 422 if request.method == "POST" else 200
    return render_template(
        "accounts/first_password.html", form=form, username=account.username, hint=password_hint(own, account)
    ), status


@bp.route("/sign-in/new-password", methods=["GET", "POST"])
@public
def renew_password() -> ResponseReturnValue:
    """The password was right, but must be replaced before a session begins."""
    step = step_here()
    if step is None:
        return begin_again()
    own = get_session()
    account = own.get_one(SignInAccount, step.person_id)
    sent = "new_password" in request.form
    form = NewPasswordForm() if sent else NewPasswordForm(formdata=None)
    if sent and form.validate_on_submit() and new_password_ok(own, form, account):
        actions.set_password(own, account, typed(form.new_password))
        return step_done(step, proof=step.proof)
    return render_template(
        "accounts/renew_password.html",
        form=form,
        username=account.username,
        hint=password_hint(own, account),
        kept=request.form.get("kept", ""),
    ), (422 if sent else 200)


@bp.route("/sign-in/forgotten", methods=["GET", "POST"])
@public
def forgotten() -> ResponseReturnValue:
    """A link by mail. The answer is the same whether or not there is such an account, or an address."""
    form = ForgottenForm()
    if form.validate_on_submit():
        name = typed(form.who).strip().lower()
        if (wait := held_back(resets_of(name))) is None:
            actions.ask_for_reset(get_session(), typed(form.who))
            return redirect(url_for("accounts.mail_on_its_way"))
        form.who.errors = [wait]
    status = 422 if request.method == "POST" else 200
    return render_template("accounts/forgotten.html", form=form), status


def resets_of(name: str) -> list[Budget]:
    """What a question for a link counts against. Guesses at passwords leave this way open."""
    return budgets("reset", name, PER_RESET, in_all=PER_RESET_IN_ALL, address="reset address")


@bp.get("/sign-in/mailed")
@public
def mail_on_its_way() -> ResponseReturnValue:
    """What happens now, if there is such an account."""
    return render_template("accounts/mailed.html", minutes=MAILED_LINK_LIFE.seconds // 60)


@bp.get("/profile")
@needs("profile:own")
def profile() -> ResponseReturnValue:
    """Who the system thinks one is."""
    own = get_session()
    person = own.get_one(Person, actor().person_id)
    places = (queries.main_unit(person.id, on=clock.today(), tree=tree) for tree in TREES)
    unit = next((one for one in map(own.scalar, places) if one is not None), None)  # pensioners have a cell only
    roles = own.scalars(queries.roles_held(person.id, on=clock.today())).all()
    return render_template(
        "accounts/profile.html",
        person=person,
        unit=unit,
        username=own.get_one(SignInAccount, person.id).username,
        roles=roles,
        words=ROLES,
        viewings=own.execute(queries.viewings_of(person.id)).all(),
        now=clock.now(),
        not_asked=bool(roles) and not database().config.second_factor,
    )


@bp.route("/profile/password", methods=["GET", "POST"])
@needs("profile:own")
def change_password() -> ResponseReturnValue:
    """A new password; every other session ends, and this one begins anew."""
    form = ChangePasswordForm()
    account = get_read_session().get_one(SignInAccount, actor().person_id)
    if form.validate_on_submit() and (fault := wrong_password(account, typed(form.password))) is not None:
        form.password.errors = [fault]
    own = get_session()
    if form.is_submitted() and not form.errors and new_password_ok(own, form, account):
        actions.set_password(own, own.get_one(SignInAccount, account.person_id), typed(form.new_password))
        proof = str(actor().proof)  # type: ignore[attr-defined]  # the session goes on with what was shown, and when
        since = get_read_session().get_one(UserSession, here()).created_at
        flash(_("Đã đổi mật khẩu. Các phiên đăng nhập khác đã kết thúc."), "success")
        profile_path = url_for("accounts.profile")
        return enter(own, account.person_id, proof, kept_form="", next_path=profile_path, since=since)
    status = 422 if request.method == "POST" else 200
    hint = password_hint(own, account)
    return render_template("accounts/change_password.html", form=form, hint=hint), status


@bp.get("/profile/sessions")
@needs("profile:own")
def sessions() -> ResponseReturnValue:
    """Where one is signed in."""
    own, config = get_session(), database().config
    roles = [grant.role for grant in actor().grants]  # type: ignore[attr-defined]
    rows = own.scalars(
        queries.open_sessions(actor().person_id, now=clock.now(), limits=config.sessions, roles=roles)
    ).all()
    return render_template(
        "accounts/sessions.html", rows=[(one, *device_named(one.browser)) for one in rows], here=here()
    )


def here() -> int:
    """The id of this session."""
    return int(actor().session_id)  # type: ignore[attr-defined]


@bp.post("/profile/sessions/<int:session_id>/end")
@needs("profile:own")
def end_one(session_id: int) -> ResponseReturnValue:
    """End one of one's own sessions; this one ends by signing out."""
    own = get_session()
    if session_id == here() or not end_one_session(own, actor().person_id, session_id):
        raise NotFound
    note_ended(own)
    flash(_("Đã kết thúc phiên đăng nhập đó."), "success")
    return redirect(url_for("accounts.sessions"))


@bp.post("/profile/sessions/end")
@needs("profile:own")
def end_others() -> ResponseReturnValue:
    """End all of one's own sessions but this one."""
    own = get_session()
    end_all_sessions(own, actor().person_id, but=here())
    note_ended(own)
    flash(_("Đã kết thúc mọi phiên đăng nhập khác."), "success")
    return redirect(url_for("accounts.sessions"))


def note_ended(own: Session) -> None:
    person = actor()
    note(own, "session.end", actor=person.public_id, object_kind="person", object_id=person.public_id)
