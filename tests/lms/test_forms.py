"""Fields of forms: how a day may be typed, and how it is shown again."""

from datetime import date

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import Form

from lms.web.forms import DayField


class OneDay(Form):
    """A form with a day."""

    day = DayField("Ngày")


@pytest.mark.parametrize(
    "typed",
    ["01/02/2026", "1/2/2026", "01-02-2026", "1.2.2026", " 1 / 2 / 2026 ", "1 2 2026", "01022026", "2026-02-01"],
)
def test_a_day_is_read_as_people_type_it_and_shown_as_days_are_written(app: Flask, typed: str) -> None:
    with app.test_request_context():
        form = OneDay(MultiDict({"day": typed}))
        assert form.validate()
        assert form.day.data == date(2026, 2, 1)
        shown = str(form.day())
    assert 'value="01/02/2026"' in shown
    assert 'type="text"' in shown  # the browser's own field follows the language of Windows, not of the page
    assert 'inputmode="numeric"' in shown


@pytest.mark.parametrize(
    "typed", ["31/02/2026", "1/2/26", "112026", "2/1", "mai", "1/2/2026/3", "0102202", "9999999999"]
)
def test_what_is_no_day_is_said_to_be_none_and_kept(app: Flask, typed: str) -> None:
    with app.test_request_context():
        form = OneDay(MultiDict({"day": typed}))
        assert not form.validate()
        assert "ngày/tháng/năm, ví dụ 31/12/2026" in str(form.day.errors[0])
        assert ("Không có ngày 31/02/2026." in str(form.day.errors[0])) == (typed == "31/02/2026")
        assert f'value="{typed}"' in str(form.day())


def test_an_empty_day_is_no_fault_of_writing(app: Flask) -> None:
    with app.test_request_context():
        form = OneDay(MultiDict({"day": " "}))
        form.validate()
        assert form.day.data is None
        assert not form.day.errors
