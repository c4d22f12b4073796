"""The form with which a course is assigned."""

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import validators

from lms import clock
from lms.organisation.forms import UnitField
from lms.web.forms import ChoiceField, DayField, PageForm, required

LATEST = timedelta(days=3 * 366)


class AssignForm(PageForm):
    """Which course, to whom, by when. `course` holds the code of the course."""

    course = ChoiceField(_l("Khóa học"), [required(_l("Chọn khóa học."))])
    unit = UnitField(
        _l("Giao cho"),
        [required(_l("Chọn cơ quan, đơn vị."))],
        description=_l("Mọi người của đơn vị này và của các đơn vị trực thuộc sẽ học khóa học."),
    )
    due = DayField(
        _l("Hạn hoàn thành"),
        [required(_l("Chọn hạn hoàn thành."))],
        description=_l("Tính đến hết ngày này theo giờ Việt Nam."),
    )

    def validate_due(self, field: DayField) -> None:
        """Neither past nor years ahead."""
        day: date | None = field.data
        if day is not None and day < clock.today():
            raise validators.ValidationError(_l("Hạn hoàn thành không được ở trong quá khứ. Chọn từ hôm nay trở đi."))
        if day is not None and day > clock.today() + LATEST:
            raise validators.ValidationError(_l("Hạn này còn quá xa. Kiểm tra lại năm."))
