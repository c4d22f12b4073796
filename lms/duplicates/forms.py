"""The form with which one of two records is chosen, and why two records may be one person in words."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, validators

from lms.duplicates.rules import BORN, CODE, UNIT
from lms.web.forms import PageForm

REASONS = {
    CODE: _l("cùng số hiệu và cùng họ tên (không kể dấu)"),
    BORN: _l("cùng họ tên (không kể dấu) và cùng ngày sinh"),
    UNIT: _l("cùng họ tên (không kể dấu) trong cùng một đơn vị"),
}
"""Why a pair is suggested."""

CANNOT = {
    "linked": _l("Một trong hai hồ sơ đã được ghép vào hồ sơ khác. Bỏ ghép đó trước, hoặc ghép với hồ sơ được tính."),
    "stands for others": _l("Hồ sơ không giữ lại đang được tính thay cho hồ sơ khác. Chọn giữ hồ sơ đó."),
}
"""Why a pair cannot be linked."""


class KeepForm(PageForm):
    """Which record goes on counting."""

    keep = RadioField(
        _l("Hồ sơ được giữ để tính và đăng nhập"),
        [validators.InputRequired(_l("Chọn hồ sơ được giữ."))],
        choices=[],
    )
