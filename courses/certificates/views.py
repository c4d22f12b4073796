"""One's own certificates, and the page on which anybody checks one that was printed."""

import uuid

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from courses.certificates import queries
from courses.certificates.access import access_own, checked
from courses.certificates.actions import file_of
from courses.certificates.forms import REASON_WORDS, CheckForm, pdf
from courses.certificates.rules import as_made, grouped
from lms import clock
from lms.accounts.models import Person
from lms.db import apart, get_session
from lms.throttle.actions import refused_until, waiting_until
from lms.throttle.rules import Budget, network_of
from lms.web import errors
from lms.web.acting import NotFound, actor
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs, public

bp = Feature("certificates", __name__, url_prefix="/certificates")

GUESSES = 20
"""So many wrong numbers or codes from one address before the next must wait."""


@bp.get("")
@needs("course:study")
def mine() -> ResponseReturnValue:
    """My certificates, those that were revoked too."""
    found = get_session().scalars(queries.own_certificates(actor().person_id)).all()
    return render_template("certificates/mine.html", found=found, grouped=grouped, reasons=REASON_WORDS)


@bp.get("/<uuid:certificate_id>.pdf")
@needs("course:study")
def download(certificate_id: uuid.UUID) -> ResponseReturnValue:
    """My certificate, to be kept or printed. One that is not as it was signed is not given out."""
    own = get_session()
    certificate = access_own(own, actor(), certificate_id)
    person = own.get_one(Person, certificate.person_id)
    if queries.printed(own, certificate, person) is None:
        raise NotFound
    content = file_of(own, [(certificate, person)], at=clock.now())
    return pdf(content, f"giay-chung-nhan-{certificate.number}.pdf")


@bp.get("/check")
@public
def check() -> ResponseReturnValue:
    """Whether a printed certificate is what it claims to be: everything printed on it, and nothing else.

    Who guesses learns nothing, and has to wait after some guesses.
    """
    if not request.args:
        return render_template("certificates/check.html", form=CheckForm(formdata=None), wrong=False)
    form = CheckForm(request.args)
    if not form.validate():
        return render_template("certificates/check.html", form=form, wrong=False), 422
    own, guesses = get_session(), Budget("certificate", network_of(request.remote_addr or ""), GUESSES)
    if waiting_until(own, guesses) is not None:
        return errors.page(429)
    found = checked(own, as_made(text_in(form.number)), as_made(text_in(form.code)))
    if found is None:
        apart(lambda other: count(other, guesses))
        return render_template("certificates/check.html", form=form, wrong=True), 404
    certificate, shown = found
    return render_template(
        "certificates/checked.html",
        shown=shown,
        grouped=grouped,
        revoked_at=certificate.revoked_at,
        reason=REASON_WORDS.get(certificate.reason, ""),
        now=clock.now(),
    )


def count(session: Session, guesses: Budget) -> None:
    """One wrong guess more."""
    refused_until(session, guesses)
