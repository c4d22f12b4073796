"""Forms: one base, and validators whose words are ours. WTForms has no Vietnamese of its own."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # SelectChoice is newer than the stubs
    DateField,
    Field,
    Form,
    SelectChoice,
    SelectField,
    validators,
)
from wtforms.widgets import TextInput

from lms.text import composed, nfc, visible


class PageForm(FlaskForm):
    """A form of a page: protected against forged requests, keeps what was typed when it is shown again.

    Characters that nobody sees (`lms.text.visible`) reach no field: the form says so beside the field and shows the
    rest, to be sent again.
    """

    class Meta(FlaskForm.Meta):
        """Every field of text is filtered first, whatever other filters it has."""

        def bind_field(self, form: Any, unbound_field: Any, options: Any) -> Any:
            field = super().bind_field(form, unbound_field, options)
            field.filters = (seen, *field.filters)
            return field

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether every field is valid and held nothing invisible."""
        valid = super().validate(extra_validators)
        hidden = [field for field in self if any(seen(value) != value for value in field.raw_data or ())]
        for field in hidden:
            field.errors = [*field.errors, _l("Ô này có ký tự ẩn, đã được bỏ đi. Xem lại rồi gửi lại.")]
        return bool(valid) and not hidden


def seen(value: Any) -> Any:
    """Text without what nobody sees; anything else as it is."""
    return visible(value) if isinstance(value, str) else value


def tidy(value: Any) -> Any:
    """Text as it is stored: NFC, single spaces. For one-line fields."""
    return nfc(value) if isinstance(value, str) else value


def unify(value: Any) -> Any:
    """Text of several lines: NFC and plain line ends."""
    return composed(visible(value)).replace("\r\n", "\n") if isinstance(value, str) else value


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


def text_in(field: Field) -> str:
    """What was typed into a field of a form that has been checked."""
    return str(field.data or "")


def day_in(field: DateField) -> date:
    """The day in a required field of a form that has been checked."""
    if field.data is None:
        raise ValueError(f"no day in {field.name}")
    return field.data


DAY = "%d/%m/%Y"
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
DAY_SHAPE = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")
EIGHT_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")


def as_typed(text: str) -> str:
    """A day as people type it (1/2/2026, 01-02-2026, 1.2.2026, 01022026) with strokes between its parts."""
    text = text.strip()
    if ISO_DAY.fullmatch(text):
        return text
    return EIGHT_DIGITS.sub(r"\1/\2/\3", text) if EIGHT_DIGITS.fullmatch(text) else re.sub(r"[\s./-]+", "/", text)


class DayField(DateField):
    """A calendar day, typed as day/month/year: a browser's own field shows the month first where Windows is English."""

    widget = TextInput()

    def __init__(self, label: str, checks: Any = None, **options: Any) -> None:
        kind = {"class": "short", "inputmode": "numeric", "autocomplete": "off", "placeholder": _l("ngày/tháng/năm")}
        super().__init__(label, checks, format=[DAY, "%Y-%m-%d"], render_kw=kind, **options)

    def _value(self) -> str:
        """As days are written on our pages; what is none stays as it was typed."""
        return self.data.strftime(DAY) if self.data is not None else " ".join(self.raw_data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([as_typed(value) for value in valuelist])
        except ValueError:
            self.data = None
            typed = [as_typed(value) for value in valuelist if value.strip()]
            if typed and DAY_SHAPE.fullmatch(typed[0]):
                raise ValueError(
                    _l("Không có ngày %(day)s. Nhập ngày theo dạng ngày/tháng/năm, ví dụ 31/12/2026.", day=typed[0])
                ) from None
            if typed:
                raise ValueError(_l("Nhập ngày theo dạng ngày/tháng/năm, ví dụ 31/12/2026.")) from None


def choices(words: Mapping[str, Any]) -> list[SelectChoice]:
    """What a ChoiceField offers: from value to the words for it, in order."""
    return [SelectChoice(value, label) for value, label in words.items()]


class ChoiceField(SelectField):
    """One of a list."""

    def pre_validate(self, form: Any) -> None:
        try:
            super().pre_validate(form)
        except (ValueError, TypeError):
            raise validators.ValidationError(_l("Chọn một mục trong danh sách.")) from None
