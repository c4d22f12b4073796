"""The form of one's own contact."""

import re

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, ListWidget

from lms.accounts.forms import email_field
from lms.outbox.rules import STUDY, UNIT_NEWS
from lms.web.forms import ChoiceField, MustBe, PageForm, at_most, choices, tidy

PHONE = re.compile(r"\+?[0-9][0-9 .-]{6,18}[0-9]")
LANGUAGES = {"vi": _l("Tiếng Việt"), "en": _l("Tiếng Anh")}
TOPIC_WORDS = {
    STUDY: _l("Việc học tập: được giao khóa học, sắp đến hạn, quá hạn"),
    UNIT_NEWS: _l("Thông báo của cơ quan, đơn vị"),
}
"""What mail may be about, in words of the page."""


class ContactForm(PageForm):
    """Language, address, telephone, and what mail is wanted. The password is asked for when the address changes."""

    language = ChoiceField(_l("Ngôn ngữ"), choices=choices(LANGUAGES))
    email = email_field(_l("Để nhận thư nhắc việc và đặt lại mật khẩu. Có thể để trống."))
    phone = StringField(
        _l("Điện thoại"),
        [
            MustBe(
                lambda text: not text or PHONE.fullmatch(text) is not None,
                _l("Số điện thoại chỉ gồm chữ số, dấu cách, dấu chấm, ví dụ 0912 345 678."),
            )
        ],
        filters=[tidy],
        description=_l("Để quản trị viên của cơ quan liên hệ khi cần. Có thể để trống."),
    )
    wanted = SelectMultipleField(
        _l("Nhận thư về"),
        choices=choices(TOPIC_WORDS),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("Thư đặt lại mật khẩu luôn được gửi khi chính mình yêu cầu."),
    )
    password = PasswordField(
        _l("Mật khẩu hiện nay"),
        [at_most(200)],
        description=_l("Chỉ cần khi đổi địa chỉ thư, vì địa chỉ ấy đặt lại được mật khẩu."),
    )
