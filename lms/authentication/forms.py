"""Forms of what people sign in with."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, ListWidget

from lms.web.forms import PageForm, at_most, chosen, required, tidy


class PasswordForm(PageForm):
    """The present password, again."""

    password = PasswordField(_l("Mật khẩu hiện nay"), [required(_l("Nhập mật khẩu hiện nay.")), at_most(200)])


class CodeForm(PageForm):
    """A code of the telephone, or one for emergencies."""

    code = StringField(_l("Mã xác nhận"), [chosen(_l("Nhập mã xác nhận.")), at_most(30)])


class ProtectedForm(PasswordForm):
    """Password and code together."""

    code = StringField(_l("Mã xác nhận"), [chosen(_l("Nhập mã xác nhận.")), at_most(30)])


class PasskeyForm(PasswordForm):
    """A new passkey, made by a script. `credential`: what the device said."""

    name = StringField(
        _l("Tên của khóa"),
        [chosen(_l("Nhập tên để sau này nhận ra.")), at_most(60)],
        filters=[tidy],
        description=_l("Để sau này nhận ra. Ví dụ: Điện thoại của tôi."),
    )


class ProtectedPasskeyForm(PasskeyForm, ProtectedForm):
    """A new passkey of somebody whose telephone shows codes."""


class NameForm(PageForm):
    """Another name for a passkey."""

    name = StringField(_l("Tên của khóa"), [chosen(_l("Nhập tên để sau này nhận ra.")), at_most(60)], filters=[tidy])


class CredentialForm(NameForm):
    """What the device made, with the name given to it."""

    credential = HiddenField(validators=[at_most(20_000)])


class ActivateForm(PageForm):
    """What stands on the slip of paper."""

    username = StringField(_l("Tên đăng nhập"), [chosen(_l("Nhập tên đăng nhập ghi trên phiếu.")), at_most(150)])
    code = StringField(
        _l("Mã kích hoạt"),
        [chosen(_l("Nhập mã kích hoạt ghi trên phiếu.")), at_most(30)],
        description=_l("Mười chữ và số ghi trên phiếu. Viết hoa hay thường, có gạch hay không đều được."),
    )


class PeopleField(SelectMultipleField):
    """People chosen from a list, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        """Whoever is no longer on the list is left out in silence: somebody else was quicker."""


class SheetForm(PageForm):
    """For whom codes are printed."""

    people = PeopleField(_l("Người được cấp mã"), [required(_l("Chọn ít nhất một người."))])
