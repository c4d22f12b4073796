"""The form of when heads get their mail."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, validators

from analytics.chasing.rules import Daily
from lms.web.forms import PageForm


class DailyForm(PageForm):
    """Whether there is a mail a day, and in which hours."""

    daily = BooleanField(
        _l("Mỗi ngày gửi thủ trưởng và người được ủy quyền một thư tổng hợp"),
        description=_l("Chỉ gửi khi đơn vị còn đợt chưa xong, cho người có địa chỉ và muốn nhận thư về đơn vị."),
    )
    from_hour = IntegerField(_l("Gửi thư từ (giờ)"), [validators.NumberRange(0, 23, _l("Nhập giờ từ 0 đến 23."))])
    to_hour = IntegerField(
        _l("Gửi đến trước (giờ)"),
        [validators.NumberRange(1, 24, _l("Nhập giờ từ 1 đến 24."))],
        description=_l("Ngoài khoảng này không gửi thư nào cho thủ trưởng."),
    )

    def validate_to_hour(self, field: IntegerField) -> None:
        """After the first hour."""
        if field.data is not None and self.from_hour.data is not None and field.data <= self.from_hour.data:
            raise validators.ValidationError(_l("Giờ kết thúc phải sau giờ bắt đầu."))

    @classmethod
    def of(cls, plan: Daily) -> "DailyForm":
        """The form as the plan fills it; what was typed and sent stands in its place."""
        return cls(daily=plan.daily, from_hour=plan.from_hour, to_hour=plan.to_hour)

    def plan(self) -> Daily:
        """What was typed, once it has been checked."""
        return Daily(bool(self.daily.data), self.from_hour.data or 0, self.to_hour.data or 24)
