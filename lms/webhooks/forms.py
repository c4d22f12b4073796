"""The form of a channel, and the words for what it is told."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, StringField, validators
from wtforms.widgets import CheckboxInput, ListWidget

from lms.config import Config
from lms.forwarding.rules import BadAddress
from lms.web.forms import PageForm, at_most, choices, chosen, tidy
from lms.webhooks.rules import ABOVE, DIGEST, REMINDER, TRIAL, address_of

KIND_WORDS = {
    REMINDER: _l("Nhắc người học: những ai được nhắc, về đợt nào, mốc nào"),
    DIGEST: _l("Tổng hợp hằng ngày cho thủ trưởng"),
    ABOVE: _l("Báo cấp trên: đơn vị nào còn người quá hạn"),
}
TOLD_WORDS = {REMINDER: _l("nhắc người học"), DIGEST: _l("tổng hợp"), ABOVE: _l("báo cấp trên"), TRIAL: _l("gửi thử")}
FAULTS = {
    "form": _l("Địa chỉ có dạng https://zalo.coquan.gov.vn/nhan-tin, không kèm tên đăng nhập, dấu ? hay dấu #."),
    "open_line": _l("Địa chỉ phải bắt đầu bằng https://."),
    "ourselves": _l("Đây là địa chỉ của chính hệ thống này. Nhập địa chỉ của kênh nhận."),
    "inside": _l(
        "Địa chỉ nằm trong mạng nội bộ. Người quản trị máy chủ phải ghi tên máy:cổng vào LMS_FORWARD_TO trước."
    ),
}


class WebhookForm(PageForm):
    """A new channel."""

    name = StringField(
        _l("Tên gọi"),
        [chosen(_l("Nhập tên gọi.")), at_most(100)],
        filters=[tidy],
        description=_l("Ví dụ: Cổng nhắn tin Zalo của tỉnh."),
    )
    address = StringField(
        _l("Địa chỉ nhận"),
        [chosen(_l("Nhập địa chỉ nhận.")), at_most(500)],
        filters=[tidy],
        description=_l("Ví dụ: https://zalo.coquan.gov.vn/nhan-tin"),
    )
    kinds = SelectMultipleField(
        _l("Gửi những tin nào"),
        choices=choices(KIND_WORDS),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[chosen(_l("Chọn ít nhất một loại tin."))],
    )

    def __init__(self, config: Config, **options: Any) -> None:
        super().__init__(**options)
        self.config = config

    def validate_address(self, field: StringField) -> None:
        """One that may be called at all; a name is looked up when something is sent."""
        config = self.config
        try:
            address_of(field.data or "", own_host=config.host, local=config.local, allowed=config.forward_to)
        except BadAddress as reason:
            raise validators.ValidationError(FAULTS[reason.fault]) from reason
