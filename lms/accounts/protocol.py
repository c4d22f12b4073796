"""How somebody is let in over HTTP: attempts are counted, what must follow is asked, and new passwords are judged."""

import hashlib
import secrets
from datetime import datetime
from functools import partial

from flask import current_app, g, make_response, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import Field

from lms import clock
from lms.accounts import actions
from lms.accounts.forms import NewPasswordForm, SignInForm
from lms.accounts.loader import common_passwords
from lms.accounts.models import Person, SignInAccount
from lms.accounts.rules import length_needed, must_renew, password_fault
from lms.accounts.session import Step, administers, begin_session, begin_step, end_step, signed_in, step_of
from lms.audit.actions import note
from lms.db import apart, database, get_read_session, get_session
from lms.doors import doors_of
from lms.throttle.actions import forgive, refused_until, take_back
from lms.throttle.rules import (
    PER_ACCOUNT,
    PER_ACCOUNT_IN_ALL,
    PER_ADDRESS,
    SITE_BITS,
    Budget,
    minutes_until,
    network_of,
)
from lms.web import kept
from lms.web.addresses import local_path

KNOWN_DEVICE = "device"
"""Sent to every page: passwords are asked for on several."""
KNOWN_DEVICE_DAYS = 180
MOST_KNOWN = 8
STEP, WAY = "step", "way"


def budgets(kind: str, name: str, limit: int, *, in_all: int, address: str = "address") -> list[Budget]:
    """Under which keys an attempt at this account is counted, in the order in which they refuse.

    A browser from which the person has signed in before has a budget of its own, which nobody else can use up: an
    attacker elsewhere, or in the same office, locks nobody out. Of other browsers each network has its own, within what
    is allowed `in_all`: an attacker in one network does not keep the person out in another (decision 0040).
    """
    if device := known_device(name):
        return [Budget(kind, f"{name} {device}", limit, subject=name)]
    site = network_of(request.remote_addr or "", bits=SITE_BITS)
    return [
        by_address(address),
        Budget(kind, f"{name} from {site}", limit, subject=name),
        Budget(kind, f"{name} unknown", in_all, subject=name),
    ]


def by_address(kind: str = "address") -> Budget:
    """Attempts from one network address, whomever they are about; of the ways in each has its own."""
    return Budget(kind, network_of(request.remote_addr or ""), PER_ADDRESS)


def held_back(wanted: list[Budget]) -> str | None:
    """Count an attempt. None: it may be evaluated; otherwise the words for whoever must wait.

    In transactions of their own, so that what is refused is counted too: to be called before the request writes. Each
    budget has one, so that nobody holds one count and waits for another. The first budget that refuses is the last
    that counts: what is not evaluated uses up nothing of what others share.
    """
    for budget in wanted:
        with database().writing() as own:
            until = refused_until(own, budget)
        if until is not None:
            minutes = minutes_until(until, clock.now())
            return str(_("Có quá nhiều lần thử. Chờ %(n)d phút rồi thử lại.", n=minutes))
    return None


def forgiven(wanted: list[Budget]) -> None:
    """The right answer was given: the account's count begins anew, and the address gets its attempt back."""
    for budget in wanted:
        apart(partial(forgive if budget.subject else take_back, budget=budget))


RENEW = "accounts.renew_password"


def what_next(own: Session, person_id: int, proof: str) -> str | None:
    """The endpoint of the page that asks for more before a session begins; None: it may begin."""
    second_factors = doors_of(own).second_factors
    if (asked := second_factors.after_password(own, person_id, proof=proof)) is not None:
        return asked
    account, now = own.get_one(SignInAccount, person_id), clock.now()
    policy, shorter = database().config.passwords, administers(own, person_id)
    due = must_renew(account.password_changed_at, administers=shorter, policy=policy, now=now)
    alone = account.short_password and not second_factors.guards(own, person_id)
    return RENEW if account.password_hash and (due or alone) else None


def follow(
    person_id: int, *, proof: str, kept_form: str, next_path: str, own: Session | None = None
) -> ResponseReturnValue:
    """What follows when somebody has shown `proof`: the page that asks for more, or a new session.

    `own`: a session that writes, where that of the request does not.
    """
    own = own or get_session()
    endpoint = what_next(own, person_id, proof)
    if endpoint is None:
        return enter(own, person_id, proof, kept_form=kept_form, next_path=next_path)
    cookie[STEP] = begin_step(own, person_id, proof=proof)
    address = url_for(endpoint, next=next_path or None)
    if kept.opened(kept_form) is not None:
        return render_template("accounts/step.html", address=address, kept=kept_form)
    return redirect(address)


def step_here() -> Step | None:
    """The step of this browser, when this page is the one that is due. Reads only."""
    step = step_of(get_read_session(), str(cookie.get(STEP, "")))
    if step is None or what_next(get_read_session(), step.person_id, step.proof) != request.endpoint:
        return None
    return step


def begin_again(*, next_path: str = "") -> ResponseReturnValue:
    """The sign-in page once more: what was asked for was not shown, or not in time. What was typed waits in it on."""
    kept_form = request.form.get("kept", "")
    next_path = next_path or local_path(request.args.get("next")) or ""
    if kept.opened(kept_form) is None:
        return redirect(url_for("accounts.sign_in", next=next_path or None))
    form = SignInForm(formdata=None)
    return render_template("accounts/sign_in.html", form=form, next=next_path, kept=kept_form)


def step_done(step: Step, *, proof: str) -> ResponseReturnValue:
    """What was asked for was shown: on to what follows."""
    end_step(get_session(), str(cookie.pop(STEP, "")))
    next_path = local_path(request.args.get("next")) or ""
    return follow(step.person_id, proof=proof, kept_form=request.form.get("kept", ""), next_path=next_path)


def enter(
    own: Session, person_id: int, proof: str, *, kept_form: str, next_path: str, since: datetime | None = None
) -> ResponseReturnValue:
    """Open a new session under a new key, then go where the person was going. `since`: as for `begin_session`."""
    me = begin(own, person_id, proof=proof, since=since)
    again = kept.send_again(kept_form, _("Phiên làm việc đã hết hạn trước khi gửi."), to=me)
    answer = again if again is not None else redirect(next_path or url_for("web.home"))
    username = own.scalar(select(SignInAccount.username).where(SignInAccount.person_id == person_id))
    return remember_device(answer, str(username))


def begin(own: Session, person_id: int, *, proof: str, since: datetime | None = None) -> str:
    """Open a new session under a new key; nothing of the cookie before it is kept but the language.

    Returns the public id of the person.
    """
    key = begin_session(own, person_id, browser=request.user_agent.string, proof=proof, since=since)
    public_id = own.scalar(select(Person.public_id).where(Person.id == person_id))
    note(own, "sign_in", actor=public_id, object_kind="person", object_id=public_id)
    person = signed_in(own, key)
    language = cookie.get("language")
    cookie.clear()
    g.pop("csrf_token", None)  # Flask-WTF keeps it for the request; it belonged to the session that has just ended
    if language:
        cookie["language"] = language
    login_user(person)
    return str(public_id)


def known_from_now(own: Session, answer: ResponseReturnValue, username: str) -> ResponseReturnValue:
    """Whoever has used a link or a slip signs in from this browser next, whatever was tried before."""
    for budget in budgets("account", username, PER_ACCOUNT, in_all=PER_ACCOUNT_IN_ALL):
        if budget.subject:
            forgive(own, budget)
    return remember_device(answer, username)


def remember_device(answer: ResponseReturnValue, username: str) -> ResponseReturnValue:
    """Mark the browser as one this person has signed in from. It holds a random mark and digests of user names."""
    device, known = devices()
    known = [mark_of(username), *(one for one in known if one != mark_of(username))][:MOST_KNOWN]
    response = make_response(answer)
    response.set_cookie(
        KNOWN_DEVICE,
        str(sealer().dumps([device or secrets.token_urlsafe(12), known])),
        max_age=KNOWN_DEVICE_DAYS * 86400,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        path="/",
    )
    return response


def sealer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="known device")


def mark_of(username: str) -> str:
    """A user name as the cookie holds it: nobody who shares the computer reads who else signs in there."""
    return hashlib.sha256(username.encode()).hexdigest()[:16]


def devices() -> tuple[str, list[str]]:
    """The random mark of this browser, and the marks of those who have signed in from it."""
    try:
        device, known = sealer().loads(request.cookies.get(KNOWN_DEVICE, ""), max_age=KNOWN_DEVICE_DAYS * 86400)
    except (BadData, ValueError, TypeError):
        return "", []
    return str(device), list(known)


def known_device(username: str) -> str:
    """The mark of this browser, when the person has signed in from it before; else nothing."""
    device, known = devices()
    return device if mark_of(username) in known else ""


def wrong_password(account: SignInAccount, password: str) -> str | None:
    """None when this is the password of whoever is signed in; else the words. Guesses count as those at the sign-in."""
    wanted = budgets("account", account.username, PER_ACCOUNT, in_all=PER_ACCOUNT_IN_ALL)
    if (wait := held_back(wanted)) is not None:
        return wait
    if not actions.password_fits(account, password):
        return str(_("Mật khẩu hiện nay không đúng."))
    forgiven(wanted)
    return None


def address_taken(own: Session, address: str, *, but: int = 0) -> str | None:
    """The words when somebody else has this address of mail and people are told apart by it at the sign-in."""
    provider = database().config.provider
    if not address or provider is None or provider.match != "email":
        return None
    taken = select(Person.id).where(func.lower(Person.email) == address.lower(), Person.id != but)
    if own.scalar(taken.limit(1)) is None:
        return None
    return str(
        _("Địa chỉ này là của người khác. Đăng nhập qua %(service)s cần mỗi người một địa chỉ.", service=provider.name)
    )


def typed(field: Field) -> str:
    """What was typed into a field; nothing is an empty text."""
    return str(field.data or "")


def password_hint(own: Session, account: SignInAccount) -> str:
    """What a new password of this person must be, in one or two sentences."""
    policy, guarded = database().config.passwords, doors_of(own).second_factors.guards(own, account.person_id)
    length = length_needed(policy, second_factor=guarded)
    if guarded or policy.classes < 2:
        return str(_("Ít nhất %(n)d ký tự. Một câu dễ nhớ, riêng của mình là cách tốt nhất.", n=length))
    return str(
        _(
            "Ít nhất %(n)d ký tự, gồm %(kinds)s. Dễ nhất là một câu riêng của mình, viết hoa chữ đầu, có con số.",
            n=length,
            kinds=kinds_needed(policy.classes),
        )
    )


def kinds_needed(classes: int) -> str:
    """The kinds of characters, as people call them."""
    all_four = _("chữ hoa, chữ thường, chữ số, và dấu cách hoặc dấu câu")
    return str(all_four if classes == 4 else _("%(n)d trong bốn loại: %(all)s", n=classes, all=all_four))


def new_password_ok(own: Session, form: NewPasswordForm, account: SignInAccount) -> bool:
    """Whether the new password may be used; otherwise the form says why not."""
    policy, guarded = database().config.passwords, doors_of(own).second_factors.guards(own, account.person_id)
    password = typed(form.new_password)
    fault = password_fault(
        password, username=account.username, policy=policy, second_factor=guarded, common=common_passwords()
    )
    if fault is None and form.new_password.data != form.repeat.data:
        form.repeat.errors = [_("Hai lần nhập không giống nhau.")]
    elif fault is None and actions.password_reused(own, account, password):
        fault = "used"
    length = length_needed(policy, second_factor=guarded)
    reasons = {
        "short": _("Mật khẩu cần ít nhất %(n)d ký tự. Một câu dễ nhớ là cách tốt nhất.", n=length),
        "classes": _("Mật khẩu cần có %(kinds)s.", kinds=kinds_needed(policy.classes)),
        "name": _("Mật khẩu không được chứa tên đăng nhập."),
        "simple": _("Mật khẩu này nhiều người dùng, quá dễ đoán. Hãy chọn một câu dài, riêng của mình."),
        "used": _("Mật khẩu này đã dùng rồi. Hãy chọn mật khẩu khác."),
    }
    if fault:
        form.new_password.errors = [reasons[fault]]
    return not form.errors
