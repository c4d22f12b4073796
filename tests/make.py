"""Nouns for tests: each method makes one thing through the product's own actions, with sensible defaults."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count

from flask import Flask
from sqlalchemy.orm import Session

from lms.accounts import actions as accounts
from lms.accounts.models import Person
from lms.accounts.session import begin_session
from lms.db import Database
from lms.organisation import actions as organisation
from lms.organisation.models import Unit
from tests.browser import Browser

LONG_AGO = date(2020, 1, 1)


class Make:
    """`make.unit()`, `make.person()`, `make.browser(person)` … Things are committed at once."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.database: Database = app.extensions["database"]
        self.numbers = count(1)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits."""
        with self.database.writing() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that cannot write."""
        with self.database.reading() as session:
            yield session

    def unit(self, name: str = "Đơn vị", *, under: Unit | None = None, code: str = "", since: date = LONG_AGO) -> Unit:
        """A unit of the state tree."""
        with self.database.writing() as session:
            return organisation.create_unit(
                session,
                code=code or f"u{next(self.numbers)}",
                name=name,
                kind="department",
                parent=under,
                since=since,
            )

    def person(
        self,
        name: str = "Nguyễn Văn An",
        *,
        unit: Unit | None = None,
        role: str | None = None,
        over: Unit | None = None,
        username: str = "",
        password: str | None = None,
        since: date = LONG_AGO,
        until: date | None = None,
    ) -> Person:
        """A person counted in `unit`; with `role`, over `over` (None: everywhere), and before the day `until`."""
        with self.database.writing() as session:
            person = accounts.create_person(
                session,
                full_name=name,
                username=username or f"user{next(self.numbers)}",
                unit=unit,
                since=since,
                password=password,
            )
            if role is not None:
                accounts.grant_role(session, person, role, unit=over, since=since, until=until)
            return person

    def browser(self, person: Person | None = None) -> Browser:
        """A browser, signed in as the person without going through the sign-in page."""
        browser = Browser(self.app)
        if person is not None:
            with self.database.writing() as session:
                key = begin_session(session, person.id, browser="test", proof="second factor")
            with browser.client.session_transaction() as cookie:
                cookie["_user_id"] = key
                cookie["_fresh"] = True
        return browser
