"""The form with which a token is made."""

from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, StringField, validators
from wtforms.widgets import CheckboxInput, ListWidget

from analytics.api.render import SCOPE_WORDS
from analytics.api.rules import NAMES, STANDINGS
from lms import clock
from lms.organisation.forms import UnitField
from lms.web.forms import DayField, PageForm, at_most, choices, chosen, required, tidy

LONGEST = timedelta(days=2 * 366)


class TokenForm(PageForm):
    """For which system, what it may read, of which unit, and until when."""

    name = StringField(_l("Tên hệ thống"), [chosen(_l("Nhập tên của hệ thống.")), at_most(100)], filters=[tidy])
    scopes = SelectMultipleField(
        _l("Được đọc"),
        choices=choices(SCOPE_WORDS),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[chosen(_l("Chọn ít nhất một việc được phép."))],
    )
    unit = UnitField(
        _l("Của đơn vị"),
        none=_l("Toàn hệ thống"),
        description=_l("Đơn vị này và mọi đơn vị trực thuộc."),
    )
    expires = DayField(
        _l("Dùng đến hết ngày"),
        [required(_l("Nhập ngày hết hạn."))],
        default=lambda: clock.today() + timedelta(days=365),
        description=_l("Nhiều nhất hai năm. Hết hạn thì tạo khóa mới."),
    )

    def validate_scopes(self, field: Any) -> None:
        """Names are those of standings."""
        if NAMES in (field.data or []) and STANDINGS not in (field.data or []):
            raise validators.ValidationError(_l("Đọc họ tên thì phải được đọc kết quả từng người."))

    def validate_expires(self, field: DayField) -> None:
        """Neither past nor years ahead."""
        day: date | None = field.data
        if day is not None and not clock.today() <= day <= clock.today() + LONGEST:
            raise validators.ValidationError(_l("Chọn một ngày từ hôm nay, trong vòng hai năm."))
