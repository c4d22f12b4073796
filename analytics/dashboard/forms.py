"""The forms of the list of names: what for, and whom one is looking for."""

from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField

from analytics.facts.rules import PEOPLE
from analytics.facts.vocabulary import METRICS
from lms.accounts.forms import CATEGORIES
from lms.web.forms import ChoiceField, MustBe, PageForm, at_most, choices, tidy

PURPOSE_WORDS = {
    "urge": _l("Đôn đốc việc học tập, quán triệt"),
    "check": _l("Kiểm tra, đối chiếu số liệu"),
    "report": _l("Báo cáo theo yêu cầu của cấp trên"),
    "request": _l("Giải quyết đề nghị của chính cán bộ, đảng viên"),
}

STATE_WORDS = {
    "": _l("Tất cả"),
    "not_briefed": _l("Chưa được quán triệt"),
    "not_started": _l("Chưa học"),
    "in_progress": _l("Đang học"),
    "not_passed": _l("Đã quán triệt, chưa hoàn thành"),
    "overdue": _l("Quá hạn"),
    "scored": _l("Đã có điểm"),
    "started": _l("Đã bắt đầu học"),
}


def state_words() -> dict[str, Any]:
    """What one may ask of the list of names, with the words for it: what is missing, then every count of people."""
    english = str(get_locale()) == "en"
    counted = {one.numerator: one.name[english] for one in METRICS if one.numerator in PEOPLE and not one.denominator}
    return {**STATE_WORDS, **{code: word for code, word in counted.items() if code not in STATE_WORDS}}


class PurposeForm(PageForm):
    """Why somebody farther above opens the names of a unit."""

    purpose = RadioField(
        _l("Mục đích xem danh sách"),
        choices=choices(PURPOSE_WORDS),
        validators=[MustBe(PURPOSE_WORDS.__contains__, _l("Chọn một mục đích trước khi mở danh sách."))],
        validate_choice=False,
    )


class SearchForm(PageForm):
    """Whom one is looking for, and in which state."""

    q = StringField(
        _l("Tìm theo họ tên"),
        filters=[tidy],
        validators=[at_most(100)],
        render_kw={"maxlength": 100, "autocomplete": "off"},
    )
    state = ChoiceField(_l("Trạng thái"), choices=lambda: choices(state_words()))
    category = ChoiceField(  # the filter of the same page has a field of this name
        _l("Loại cán bộ"), choices=choices({"": _l("Tất cả"), **CATEGORIES}), default="", id="search-category"
    )
