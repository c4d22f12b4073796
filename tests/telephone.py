"""A telephone with an authenticator app, which has scanned the picture on a page, or been told the key below it."""

import base64
import dataclasses
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from lms import clock
from lms.accounts.models import Person, SignInAccount
from lms.authentication.actions import begin_authenticator, confirm_authenticator, secret_of, waiting_authenticator
from lms.authentication.rules import totp
from tests.browser import Browser
from tests.make import Make

PASSWORD = "Bốn mươi tám, nghị quyết 1 lòng"


@dataclass(frozen=True)
class Telephone:
    """What the app keeps of one account."""

    secret: bytes

    def code(self, at: datetime | None = None) -> str:
        """The six figures it shows."""
        return totp(self.secret).generate(int((at or clock.now()).timestamp())).decode()


def scanned(browser: Browser) -> Telephone:
    """A telephone that has been told the key on this page."""
    found = re.search(r"secret=([A-Z2-7]+)", browser.text)
    assert found is not None
    return Telephone(base64.b32decode(found[1]))


def connected(make: Make, person: Person) -> tuple[Telephone, list[str]]:
    """Somebody's telephone, connected a minute ago, and the codes for emergencies."""
    with clock.moved_to(clock.now() - A_MINUTE), make.writing() as session:
        begin_authenticator(session, person.id)
        session.flush()
        waiting = waiting_authenticator(session, person.id)
        assert waiting is not None
        telephone = Telephone(secret_of(session, waiting) or b"")
        codes = confirm_authenticator(session, person.id, telephone.code())
    assert codes is not None
    return telephone, codes


A_MINUTE = timedelta(minutes=1)


def sign_in(make: Make, username: str, password: str = PASSWORD, browser: Browser | None = None) -> Browser:
    """A browser in which name and password have been sent."""
    browser = browser or make.browser()
    browser.get("/sign-in")
    browser.submit("/sign-in", username=username, password=password)
    return browser


def is_in(browser: Browser) -> bool:
    """Whether somebody is signed in there."""
    return browser.client.get("/profile").status_code == 200


def account_of(make: Make, person: Person) -> SignInAccount:
    """The account as it stands now."""
    with make.reading() as session:
        return session.scalars(select(SignInAccount).where(SignInAccount.person_id == person.id)).one()


def fill(browser: Browser, **fields: str) -> TestResponse:
    """Fill in and send the form of the page that has these fields."""
    [form] = [one for one in browser.forms if set(fields) <= one.names]
    changes: dict[str, Any] = dict(fields)
    return browser.submit(form.action or browser.path, **changes)


def set_up_anew(make: Make, **fields: object) -> None:
    """The product starts again with these settings changed."""
    config = dataclasses.replace(make.database.config, **fields)  # type: ignore[arg-type]
    make.database.config = config
    make.database.write_sessions.kw["info"]["config"] = config  # both kinds of session are made with this
