"""The form of a plan of reminders, and the words for occasions."""

import re

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField, validators

from courses.reminders.rules import AFTER, BEFORE, Occasion, Plan
from lms.web.forms import MustBe, PageForm, text_in, tidy

DAYS = re.compile(r"(?:[0-9]{1,3}(?:[ ,;]+[0-9]{1,3}){0,9})?")
MOST_DAYS = 365


def days_in(text: str) -> tuple[int, ...]:
    """The numbers of days somebody has typed, each once."""
    return tuple(sorted({int(one) for one in re.findall("[0-9]+", text)}))


def typed(days: tuple[int, ...]) -> str:
    """Days as one types them."""
    return ", ".join(map(str, days))


def few_days(text: object) -> bool:
    """Whether it is a list of numbers of days, none further than a year."""
    found = str(text or "")
    return DAYS.fullmatch(found) is not None and all(day <= MOST_DAYS for day in days_in(found))


LIST_OF_DAYS = _l("Nhập các số ngày cách nhau bằng dấu phẩy, mỗi số từ 0 đến 365, ví dụ 7, 1.")
DAYS_AFTER = _l("Nhập các số ngày cách nhau bằng dấu phẩy, mỗi số từ 1 đến 365, ví dụ 3, 7.")


def days_past(text: object) -> bool:
    """The same, each a day on which the due date has passed."""
    return few_days(text) and 0 not in days_in(str(text or ""))


class PlanForm(PageForm):
    """On which days, by which means and in which hours."""

    before = StringField(
        _l("Nhắc trước hạn (ngày)"),
        [MustBe(few_days, LIST_OF_DAYS)],
        filters=[tidy],
        description=_l("0 là đúng ngày hết hạn. Để trống: không nhắc trước hạn."),
    )
    after = StringField(
        _l("Nhắc sau khi quá hạn (ngày)"),
        [MustBe(days_past, DAYS_AFTER)],
        filters=[tidy],
        description=_l("Để trống: không nhắc sau hạn."),
    )
    without_due = StringField(
        _l("Khi không đặt hạn: nhắc sau ngày giao (ngày)"),
        [MustBe(few_days, LIST_OF_DAYS)],
        filters=[tidy],
        description=_l(
            "Người không có hạn hoàn thành vẫn được nhắc, sau mốc cuối thì nhắc đều như khoảng cách hai mốc cuối; "
            "khi đợt có người như vậy thì không để trống."
        ),
    )
    above = StringField(
        _l("Báo cấp trên sau khi quá hạn (ngày)"),
        [MustBe(days_past, DAYS_AFTER)],
        filters=[tidy],
        description=_l(
            "Người đứng đầu đơn vị cấp trên được báo đơn vị nào còn người quá hạn, chỉ có số liệu. Để trống: không báo."
        ),
    )
    by_mail = BooleanField(_l("Gửi cả thư điện tử cho người có địa chỉ và muốn nhận"))
    from_hour = IntegerField(_l("Gửi thư từ (giờ)"), [validators.NumberRange(0, 23, _l("Nhập giờ từ 0 đến 23."))])
    to_hour = IntegerField(
        _l("Gửi đến trước (giờ)"),
        [validators.NumberRange(1, 24, _l("Nhập giờ từ 1 đến 24."))],
        description=_l("Ngoài khoảng này không gửi thư; thư chờ đến sáng hôm sau."),
    )

    def validate_to_hour(self, field: IntegerField) -> None:
        """After the first hour."""
        if field.data is not None and self.from_hour.data is not None and field.data <= self.from_hour.data:
            raise validators.ValidationError(_l("Giờ kết thúc phải sau giờ bắt đầu."))

    @classmethod
    def of(cls, plan: Plan) -> "PlanForm":
        """The form as the plan fills it; what was typed and sent stands in its place."""
        return cls(
            before=typed(tuple(sorted(plan.before, reverse=True))),
            after=typed(plan.after),
            without_due=typed(plan.without_due),
            above=typed(plan.above),
            by_mail=plan.by_mail,
            from_hour=plan.from_hour,
            to_hour=plan.to_hour,
        )

    def plan(self) -> Plan:
        """What was typed, once it has been checked."""
        typed_days = self.before, self.after, self.without_due, self.above
        before, after, without, above = (days_in(text_in(one)) for one in typed_days)
        hours = self.from_hour.data or 0, self.to_hour.data or 24
        return Plan(before, after, without, bool(self.by_mail.data), *hours, above)


def said(occasion: Occasion) -> str:
    """The occasion in words of the page."""
    if occasion.kind == BEFORE:
        return str(_("còn %(days)d ngày đến hạn", days=occasion.days))
    if occasion.kind == AFTER:
        return str(_("quá hạn %(days)d ngày", days=occasion.days))
    return str(_("không đặt hạn, giao đã %(days)d ngày", days=occasion.days))
