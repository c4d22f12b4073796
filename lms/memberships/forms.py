"""Forms with which people are moved, and posts given and ended."""

from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import StringField, validators

from lms import clock
from lms.memberships.rules import BEYOND, LATER, LINKED, NO_MEMBER, THERE
from lms.organisation.forms import LATEST, TREE_WORDS, BasisForm, UnitField
from lms.organisation.models import PARTY_TREE, STATE_TREE
from lms.web.forms import ChoiceField, DayField, PageForm, at_most, choices, required, tidy

REASONS = {
    THERE: _l("đã ở đơn vị này"),
    LATER: _l("đã có quyết định chuyển từ một ngày sau đó"),
    LINKED: _l("hồ sơ trùng, đã ghép vào hồ sơ khác"),
    BEYOND: _l("giữ vai trò vượt phạm vi của người chuyển"),
    NO_MEMBER: _l("không phải đảng viên"),
}
"""Why somebody on the list is not moved."""


def position_field() -> StringField:
    """The position from the day on."""
    return StringField(
        _l("Chức vụ mới"), [at_most(150)], filters=[tidy], description=_l("Để trống nếu chức vụ không đổi.")
    )


class TransferForm(BasisForm):
    """To which unit of which tree, from which day, by which document."""

    tree = ChoiceField(
        _l("Trong cây"),
        choices=choices(TREE_WORDS),
        default=STATE_TREE,
        description=_l("Cây cơ quan nhà nước: nơi công tác. Cây tổ chức đảng: nơi sinh hoạt đảng."),
    )
    unit = UnitField(_l("Chuyển đến"), [required(_l("Chọn cơ quan, đơn vị."))])
    position = position_field()
    on = DayField(
        _l("Từ ngày"),
        [required(_l("Chọn ngày chuyển."))],
        default=clock.today,
        description=_l("Có thể ở quá khứ, hôm nay hoặc sắp tới. Từ ngày này mỗi người được tính ở đơn vị mới."),
    )


class MoveForm(BasisForm):
    """Another unit for one person, from a day on."""

    unit = UnitField(_l("Chuyển đến"), [required(_l("Chọn cơ quan, đơn vị."))])
    position = position_field()
    on = DayField(
        _l("Từ ngày"),
        [required(_l("Chọn ngày chuyển."))],
        default=clock.today,
        description=_l("Từ ngày này, người được tính vào sĩ số của đơn vị mới. Kết quả đã học được giữ nguyên."),
    )

    def validate_on(self, field: DayField) -> None:
        """Not years ahead, and not before the new unit exists."""
        super().validate_on(field)
        day: date | None = field.data
        if day is not None and self.unit.unit is not None and day < self.unit.unit.valid_from:
            raise validators.ValidationError(_l("Đơn vị mới chưa hoạt động vào ngày này."))


POST_KINDS = {
    "concurrent": _l("Kiêm nhiệm ở một cơ quan, đơn vị"),
    "party": _l("Sinh hoạt đảng ở một tổ chức đảng"),
    "party_concurrent": _l("Tham gia thêm ở một tổ chức đảng khác"),
}
"""What a post added to a person may be. Only the second is where somebody is counted, in the Party tree."""

PLACES = {
    "concurrent": (STATE_TREE, False),
    "party": (PARTY_TREE, True),
    "party_concurrent": (PARTY_TREE, False),
}
"""Each with its tree, and whether the person is counted there."""


class PostForm(BasisForm):
    """A concurrent post, or a Party organisation."""

    kind = ChoiceField(_l("Thêm"), choices=choices(POST_KINDS), default="concurrent")
    unit = UnitField(_l("Ở đơn vị, tổ chức"), [required(_l("Chọn đơn vị hoặc tổ chức."))])
    position = StringField(_l("Chức vụ ở đó"), [at_most(150)], filters=[tidy], description=_l("Không bắt buộc."))
    on = DayField(_l("Từ ngày"), [required(_l("Chọn ngày bắt đầu."))], default=clock.today)
    until = DayField(
        _l("Đến hết ngày"), [validators.Optional()], description=_l("Để trống nếu chưa biết ngày kết thúc.")
    )

    def validate_until(self, field: DayField) -> None:
        """Not before the first day."""
        day: date | None = field.data
        if day is not None and self.on.data is not None and day < self.on.data:
            raise validators.ValidationError(_l("Ngày kết thúc phải từ ngày bắt đầu trở đi."))


class EndForm(PageForm):
    """From which day a post no longer holds."""

    on = DayField(
        _l("Từ ngày"),
        [required(_l("Chọn ngày kết thúc."))],
        default=clock.today,
        description=_l("Từ ngày này, người này không còn thuộc nơi đó. Lịch sử được giữ nguyên."),
    )

    def validate_on(self, field: DayField) -> None:
        """Not years ahead."""
        day: date | None = field.data
        if day is not None and day > clock.today() + LATEST:
            raise validators.ValidationError(_l("Ngày này còn quá xa. Kiểm tra lại năm."))
