"""Forms about units, and the field with which other forms let one choose a unit."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, validators

from lms import clock
from lms.organisation.models import Unit
from lms.organisation.rules import Branch
from lms.web.forms import ChoiceField, DayField, MustBe, PageForm, at_most, choices, chosen, required, tidy

KINDS = {
    "province": _l("Tỉnh"),
    "provincial_party_committee": _l("Tỉnh ủy"),
    "party_committee_direct": _l("Đảng ủy trực thuộc Tỉnh ủy"),
    "party_body": _l("Tổ chức đảng"),
    "party_agency": _l("Cơ quan của Đảng"),
    "peoples_council": _l("Hội đồng nhân dân"),
    "peoples_committee": _l("Ủy ban nhân dân"),
    "steering_committee": _l("Ban chỉ đạo"),
    "department": _l("Sở, ban, ngành"),
    "district": _l("Huyện, thành phố"),
    "commune": _l("Xã, phường, thị trấn"),
    "office": _l("Phòng, đơn vị trực thuộc"),
    "partner": _l("Đơn vị ngoài tỉnh"),
}
"""What kinds of unit are called."""

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,29}")
INDENT = "\u2003"
LATEST = timedelta(days=366)


class UnitField(SelectField):
    """A unit of the tree, chosen from a list that shows the tree by indenting. `offer` fills it; `unit` is the choice.

    With JavaScript a box to search in stands above the list (organisation/pick.js); pages that have it include
    "organisation/pick.html".
    """

    def __init__(self, label: Any, checks: Any = None, *, none: Any = None, **options: Any) -> None:
        super().__init__(label, checks, choices=[], validate_choice=False, **options)
        self._none = none or _l("– Chọn cơ quan, đơn vị –")
        self._units: dict[str, Unit] = {}

    def offer(self, trees: Iterable[Branch[Unit]]) -> None:
        """Let the units of these trees be chosen."""
        found = [branch for tree in trees for branch in tree.walk()]
        self._units = {str(branch.unit.public_id): branch.unit for branch in found}
        named = {str(branch.unit.public_id): INDENT * branch.depth + branch.unit.name for branch in found}
        self.choices = choices({"": self._none, **named})

    @property
    def unit(self) -> Unit | None:
        """The unit that was chosen."""
        return self._units.get(self.data or "")

    def pre_validate(self, form: Any) -> None:
        if self.data and self.unit is None:
            raise validators.ValidationError(_l("Chọn một đơn vị trong danh sách."))


class UnitForm(PageForm):
    """A new unit. Without any unit yet, `parent` is left out: the first one is the root."""

    parent = UnitField(_l("Đơn vị cấp trên"), [required(_l("Chọn đơn vị cấp trên."))])
    name = StringField(_l("Tên đầy đủ"), [chosen(_l("Nhập tên cơ quan, đơn vị.")), at_most(200)], filters=[tidy])
    short_name = StringField(
        _l("Tên gọi tắt"), [at_most(60)], filters=[tidy], description=_l("Không bắt buộc. Ví dụ: Sở GD&ĐT.")
    )
    code = StringField(
        _l("Mã đơn vị"),
        [
            required(_l("Nhập mã đơn vị.")),
            MustBe(
                lambda text: CODE.fullmatch(text or "") is not None,
                _l("Mã gồm tối đa 30 chữ cái không dấu, chữ số, dấu chấm, gạch nối; bắt đầu bằng chữ hoặc số."),
            ),
        ],
        filters=[tidy],
        description=_l("Mỗi mã chỉ dùng cho một đơn vị và không bao giờ dùng lại, kể cả khi đơn vị đã giải thể."),
    )
    kind = ChoiceField(_l("Loại"), choices=choices(KINDS), default="department")
    since = DayField(_l("Hoạt động từ ngày"), [required(_l("Chọn ngày bắt đầu hoạt động."))], default=clock.today)
    counted = BooleanField(
        _l("Tính người của đơn vị này vào sĩ số"),
        default=True,
        description=_l("Bỏ chọn với tổ chức không có biên chế riêng, như ban chỉ đạo, hoặc đơn vị ngoài tỉnh."),
    )

    def validate_since(self, field: DayField) -> None:
        """Not before the unit above, and not years ahead, which would be a slip of the hand."""
        day: date | None = field.data
        if day is not None and day > clock.today() + LATEST:
            raise validators.ValidationError(_l("Ngày này còn quá xa. Kiểm tra lại năm."))
