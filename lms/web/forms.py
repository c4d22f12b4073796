"""Forms: one base, and validators whose words are ours. WTForms has no Vietnamese of its own."""

import unicodedata
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, Form, validators

from lms.text import nfc


class PageForm(FlaskForm):
    """A form of a page: protected against forged requests, keeps what was typed when it is shown again."""


def tidy(value: Any) -> Any:
    """Text as it is stored: NFC, single spaces. For one-line fields."""
    return nfc(value) if isinstance(value, str) else value


def unify(value: Any) -> Any:
    """Text of several lines: NFC and plain line ends."""
    return unicodedata.normalize("NFC", value).replace("\r\n", "\n") if isinstance(value, str) else value


def required(message: str | None = None) -> validators.InputRequired:
    """The field must not be empty."""
    return validators.InputRequired(message or _l("Ô này không được để trống."))


def chosen(message: str | None = None) -> validators.DataRequired:
    """Something must have been chosen or typed, beyond white space."""
    return validators.DataRequired(message or _l("Ô này không được để trống."))


def at_most(length: int) -> validators.Length:
    """No longer than so many characters."""
    return validators.Length(max=length, message=_l("Không quá %(max)d ký tự."))


class MustBe:
    """A validator made of a test and a message."""

    def __init__(self, test: Any, message: str) -> None:
        self.test = test
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        if not self.test(field.data):
            raise validators.ValidationError(self.message)
