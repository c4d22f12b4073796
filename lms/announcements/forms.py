"""The form with which something is announced."""

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, TextAreaField, validators

from lms import clock
from lms.organisation.forms import UnitField
from lms.web.forms import DayField, PageForm, at_most, chosen, required, unify

LONGEST = timedelta(days=366)


class AnnouncementForm(PageForm):
    """Plain text for a unit and those below it, between two days."""

    unit = UnitField(
        _l("Gửi đến"),
        [required(_l("Chọn cơ quan, đơn vị."))],
        description=_l("Mọi người của đơn vị này và các đơn vị trực thuộc thấy ở trang đầu."),
    )
    text = TextAreaField(
        _l("Nội dung"),
        [chosen(_l("Nhập nội dung thông báo.")), at_most(1000)],
        filters=[unify],
        description=_l("Chữ thường, không quá 1000 ký tự. Không ghi tên hay thông tin riêng của ai."),
    )
    since = DayField(_l("Từ ngày"), [required(_l("Chọn ngày bắt đầu."))], default=clock.today)
    until = DayField(
        _l("Đến hết ngày"),
        [required(_l("Chọn ngày kết thúc."))],
        default=lambda: clock.today() + timedelta(days=14),
    )

    by_mail = BooleanField(_l("Gửi cả thư điện tử, vào ngày đầu, cho người có địa chỉ và muốn nhận"))

    def validate_until(self, field: DayField) -> None:
        """Not before the first day, not in the past, and within a year."""
        day: date | None = field.data
        since: date = self.since.data or clock.today()
        if day is None:
            return
        if day < since or day < clock.today():
            raise validators.ValidationError(_l("Ngày kết thúc phải từ ngày bắt đầu và từ hôm nay trở đi."))
        if day > since + LONGEST:
            raise validators.ValidationError(_l("Ngày này còn quá xa. Kiểm tra lại năm."))
