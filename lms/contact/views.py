"""The page on which one says how one is reached."""

from flask import flash, redirect, render_template, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lms.accounts.models import Person, SignInAccount
from lms.accounts.protocol import address_taken, wrong_password
from lms.contact.actions import Contact, keep_contact
from lms.contact.forms import ContactForm
from lms.db import get_read_session, get_session
from lms.outbox.rules import TOPICS
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs

bp = Feature("contact", __name__, url_prefix="/profile", within="accounts")


@bp.route("/contact", methods=["GET", "POST"])
@needs("profile:own")
def edit() -> ResponseReturnValue:
    """Language, address, telephone and mail. Another address is taken only with the password: it opens the account."""
    known = get_read_session().get_one(Person, actor().person_id)
    form = ContactForm(
        language=known.language,
        email=known.email or "",
        phone=known.phone or "",
        wanted=[topic for topic in TOPICS if topic not in known.muted],
    )
    if form.validate_on_submit() and may_change_address(form, known):
        own = get_session()
        wanted = set(form.wanted.data or ())
        contact = Contact(
            email=text_in(form.email) or None,
            phone=text_in(form.phone) or None,
            language=text_in(form.language),
            muted=tuple(topic for topic in TOPICS if topic not in wanted),
        )
        keep_contact(own, own.get_one(Person, known.id), contact)
        cookie["language"] = contact.language
        flash(_("Đã lưu."), "success")
        return redirect(url_for("accounts.profile"))
    return render_template("contact/edit.html", form=form), (422 if form.is_submitted() else 200)


def may_change_address(form: ContactForm, known: Person) -> bool:
    """Whether the address stays, or is free and the password was given; otherwise the form says what is wrong."""
    if (text_in(form.email) or None) == known.email:
        return True
    if (taken := address_taken(get_read_session(), text_in(form.email), but=known.id)) is not None:
        form.email.errors = [taken]
        return False
    if not form.password.data:
        form.password.errors = [_("Nhập mật khẩu hiện nay để đổi địa chỉ thư.")]
        return False
    account = get_read_session().get_one(SignInAccount, known.id)
    fault = wrong_password(account, text_in(form.password))
    if fault is not None:
        form.password.errors = [fault]
    return fault is None
