"""The two protocols by which people sign in without a password: passkeys (WebAuthn) and another service (OpenID)."""

import secrets
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from webauthn import generate_authentication_options, generate_registration_options, options_to_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from lms import clock
from lms.accounts.models import SignInAccount, UserSession
from lms.accounts.protocol import (
    WAY,
    begin_again,
    budgets,
    by_address,
    follow,
    forgiven,
    held_back,
    typed,
    wrong_password,
)
from lms.accounts.rules import SECOND_FACTOR, STEP_LIFE
from lms.audit.actions import note
from lms.authentication import actions, queries
from lms.authentication.delivery import ServiceFailed, provider_of
from lms.authentication.forms import CredentialForm, PasskeyForm, PasswordForm, ProtectedForm, ProtectedPasskeyForm
from lms.authentication.rules import PROVIDER, multi_factor, relying_party
from lms.authentication.signature import NotAccepted, Site, answer_in, as_text
from lms.config import OpenIdProvider
from lms.db import apart, database, get_read_session, get_session
from lms.throttle.rules import PER_CODE
from lms.web.acting import NotFound, actor
from lms.web.addresses import local_path
from lms.web.feature import Feature
from lms.web.gate import needs, public

bp = Feature("ways", __name__, within="accounts")

CHALLENGE, REGISTERING, ASKED = "challenge", "registering", "asked"


@bp.app_template_global()
def passkeys_here() -> str | None:
    """The name under which devices keep passkeys of this site, as far as this page's address allows any."""
    config = database().config
    return relying_party(config.site_url, asked_host=request.host, local=config.local)


@bp.app_template_global()
def other_service() -> str | None:
    """The name of the other service at which people may sign in, when there is one."""
    provider = database().config.provider
    return provider.name if provider is not None else None


def site() -> Site:
    """For whom passkeys are made here. Raises `NotFound` at an address in numbers."""
    rp_id, config = passkeys_here(), database().config
    if rp_id is None:
        raise NotFound
    return Site(rp_id, request.host_url.rstrip("/") if config.local else config.site_url)


def own_account() -> SignInAccount:
    """The account of whoever is signed in, for looking at."""
    return get_read_session().get_one(SignInAccount, actor().person_id)


def oneself_again(plain: type[PasswordForm], guarded: type[PasswordForm], **made_with: Any) -> PasswordForm:
    """What is asked in an open session before anything that protects it is changed: `guarded`, which asks for a code
    too, where a telephone is connected.
    """
    connected = get_read_session().scalar(queries.authenticator_of(actor().person_id)) is not None
    return (guarded if connected else plain)(**made_with)


def is_oneself(form: PasswordForm) -> bool:
    """Whether the password, and the code where one is asked for, are right; else the form says what is not.

    Where a role asks for a second factor and no telephone is connected, it is a passkey or another service that was
    shown on the way in: then that must have been a moment ago.
    """
    account = own_account()
    if (fault := wrong_password(account, typed(form.password))) is not None:
        form.password.errors = [fault]
    elif not isinstance(form, ProtectedForm):
        if not shown_lately(account.person_id):
            form.password.errors = [_("Đã đăng nhập lâu. Đăng xuất, đăng nhập lại bằng khóa, rồi làm trong mười phút.")]
    elif (wait := held_back(wanted := budgets("code", account.username, PER_CODE, in_all=PER_CODE))) is not None:
        form.code.errors = [wait]
    elif not actions.code_fits(get_session(), account.person_id, typed(form.code)):
        form.code.errors = [wrong_code()]
    else:
        forgiven(wanted)
    return not form.errors


def shown_lately(person_id: int) -> bool:
    """Whether nothing more than a password is asked of this person, or it was shown when the session began just now."""
    own = get_read_session()
    if not queries.required_of(own, person_id):
        return True
    began = own.get_one(UserSession, actor().session_id).created_at  # type: ignore[attr-defined]
    return bool(clock.now() - began < STEP_LIFE)


def wrong_code() -> str:
    """What is said of a code that is wrong or has been used."""
    return str(_("Mã không đúng hoặc đã dùng. Chờ mã mới hiện ra trên điện thoại rồi nhập lại."))


@bp.get("/profile/passkeys/new")
@needs("profile:own")
def new_passkey() -> ResponseReturnValue:
    """The page whose script lets the device make a key."""
    return render_template("ways/new_passkey.html", form=oneself_again(PasskeyForm, ProtectedPasskeyForm))


@bp.post("/profile/passkeys/challenge")
@needs("profile:own")
def registration_challenge() -> ResponseReturnValue:
    """What the device is to sign to make a key; for whoever shows again that it is them. For the script: JSON."""
    form, person = oneself_again(PasskeyForm, ProtectedPasskeyForm), actor()
    if not form.validate_on_submit() or not is_oneself(form):
        return {"errors": [str(error) for field in form for error in field.errors]}, 422
    here, own = site(), get_session()
    challenge = actions.new_challenge(own, person.person_id)
    cookie[REGISTERING] = as_text(challenge)
    keys = own.scalars(queries.passkeys_of(person.person_id)).all()
    options = generate_registration_options(
        rp_id=here.rp_id,
        rp_name="Quán triệt",
        user_id=person.public_id.bytes,
        user_name=own_account().username,
        user_display_name=person.name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in keys],
    )
    return as_json(options_to_json(options))


@bp.post("/profile/passkeys")
@needs("profile:own")
def register_passkey() -> ResponseReturnValue:
    """Keep the key the device has made."""
    form, asked = CredentialForm(), cookie.pop(REGISTERING, "")
    if not form.validate_on_submit():
        flash(_("Chưa thêm được khóa. Hãy thử lại."), "warning")
        return redirect(url_for("ways.new_passkey"))
    try:
        answer = answer_in(typed(form.credential))
        if as_text(answer.challenge) != asked:
            raise NotAccepted("the challenge was asked of another browser")
        actions.register_passkey(get_session(), actor().person_id, answer, site=site(), name=typed(form.name))
    except actions.TooMany:
        flash(_("Đã đủ số khóa. Xóa bớt một khóa rồi thêm."), "warning")
    except NotAccepted:
        flash(_("Thiết bị chưa xác nhận được. Hãy thử lại."), "warning")
        return redirect(url_for("ways.new_passkey"))
    else:
        flash(_("Đã thêm khóa. Từ nay có thể đăng nhập bằng khóa này."), "success")
    return redirect(url_for("authentication.index"))


@bp.post("/sign-in/passkey/challenge")
@public
def sign_in_challenge() -> ResponseReturnValue:
    """What the device is to sign to let its owner in. For the script: JSON."""
    if (wait := held_back([by_address("passkey address")])) is not None:
        return {"errors": [wait]}, 429
    challenge = actions.new_challenge(get_session(), None)
    cookie[CHALLENGE] = as_text(challenge)
    options = generate_authentication_options(
        rp_id=site().rp_id, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return as_json(options_to_json(options))


@bp.post("/sign-in/passkey")
@public
def sign_in_with_passkey() -> ResponseReturnValue:
    """The device has answered. It has verified its owner, so nothing more is asked, except for a due password."""
    next_path = local_path(request.args.get("next")) or ""
    asked, own = cookie.pop(CHALLENGE, ""), get_session()
    try:
        answer = answer_in(request.form.get("credential", "")[:20_000])
        if as_text(answer.challenge) != asked:
            raise NotAccepted("the challenge was asked of another browser")
        person_id = actions.person_with_passkey(own, answer, site=site())
    except NotAccepted:
        apart(lambda log: note(log, "passkey.refused", actor=None, object_kind="account", object_id="-"))
        flash(_("Khóa này không mở được tài khoản nào ở đây. Thử lại, hoặc đăng nhập bằng mật khẩu."), "warning")
        return begin_again(next_path=next_path)
    forgiven([by_address("passkey address")])
    kept_form = request.form.get("kept", "")
    return follow(person_id, proof=SECOND_FACTOR, kept_form=kept_form, next_path=next_path)


def as_json(text: str) -> Response:
    """JSON for the script."""
    return Response(text, mimetype="application/json")


def provider() -> OpenIdProvider:
    """The other service. Raises `NotFound` when none is set up: then these addresses do not exist."""
    found = database().config.provider
    if found is None:
        raise NotFound
    return found


def callback_address() -> str:
    """Where the other service sends people back; by the settings, never by what the browser says of the host."""
    return database().config.site_url + url_for("ways.back_from_service")


@bp.get("/sign-in/service")
@public
def to_service() -> ResponseReturnValue:
    """To the other service, with what will prove that the answer is to this very question."""
    config = provider()
    asked = {"state": secrets.token_urlsafe(32), "nonce": secrets.token_urlsafe(32)}
    asked |= {"verifier": secrets.token_urlsafe(48), "next": local_path(request.args.get("next")) or ""}
    try:
        address = provider_of(config).question(config, asked, back=callback_address())
    except ServiceFailed as failed:
        return service_failed(failed)
    cookie[ASKED] = asked
    return redirect(address)


@bp.get("/sign-in/service/back")
@public
def back_from_service() -> ResponseReturnValue:
    """The other service has answered. This GET signs somebody in, which its state, asked once, guards like a token."""
    config, asked = provider(), cookie.pop(ASKED, None)
    state = request.args.get("state", "").encode()  # bytes: of texts only plain ones are compared
    if not isinstance(asked, dict) or not secrets.compare_digest(str(asked["state"]).encode(), state):
        flash(_("Lần đăng nhập ấy đã cũ. Hãy bấm lại."), "warning")
        return redirect(url_for("accounts.sign_in"))
    try:
        if "code" not in request.args:
            raise ServiceFailed(f"refused: {request.args.get('error', '')[:40]}")
        claims = provider_of(config).claims(config, asked, code=request.args["code"], back=callback_address())
    except ServiceFailed as failed:
        return service_failed(failed)
    return signed_in_elsewhere(config, claims, next_path=local_path(str(asked["next"])) or "")


def signed_in_elsewhere(config: OpenIdProvider, claims: dict[str, Any], *, next_path: str) -> ResponseReturnValue:
    """Let in whom the other service vouches for; a second factor is asked for unless the service did so."""
    proof = SECOND_FACTOR if multi_factor(claims.get("amr")) else PROVIDER
    try:
        with database().writing() as own:
            person_id = actions.person_vouched_for(own, config, claims)
    except actions.NotKnown as unknown:
        reason = unknown.reason
        apart(lambda log: note(log, "service.refused", actor=None, object_kind="account", object_id="-", why=reason))
        told = _("%(service)s đã xác nhận, nhưng ở đây chưa có tài khoản ứng với đồng chí.", service=config.name)
        flash(f"{told} {_('Báo quản trị viên của cơ quan, đơn vị.')}", "warning")
        return redirect(url_for("accounts.sign_in"))
    with database().writing() as own:
        answer = follow(person_id, proof=proof, kept_form="", next_path=next_path, own=own)
    cookie[WAY] = PROVIDER
    return answer


def service_failed(failed: ServiceFailed) -> ResponseReturnValue:
    """The other service could not be asked, or its answer proves nothing. What was wrong is for the log alone."""
    reason = str(failed)
    apart(lambda log: note(log, "service.failed", actor=None, object_kind="account", object_id="-", why=reason))
    flash(
        _("Chưa đăng nhập được qua %(service)s. Thử lại, hoặc đăng nhập bằng mật khẩu.", service=provider().name),
        "warning",
    )
    return redirect(url_for("accounts.sign_in"))


@bp.get("/sign-in/service/leave")
@public
def leave_service() -> ResponseReturnValue:
    """To where one signs out of the other service too, when it has such a page."""
    config = provider()
    try:
        address = provider_of(config).farewell(config, back=database().config.site_url + url_for("accounts.sign_in"))
    except ServiceFailed:
        address = None
    return redirect(address or url_for("accounts.sign_in"))
