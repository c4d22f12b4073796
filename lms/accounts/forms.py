"""Forms of accounts."""

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField

from lms.web.forms import PageForm, at_most, required


class SignInForm(PageForm):
    """Name and password."""

    username = StringField(_l("Tên đăng nhập"), [required(_l("Nhập tên đăng nhập.")), at_most(150)])
    password = PasswordField(_l("Mật khẩu"), [required(_l("Nhập mật khẩu.")), at_most(200)])


class NewPasswordForm(PageForm):
    """A password, twice."""

    new_password = PasswordField(_l("Mật khẩu mới"), [required(_l("Nhập mật khẩu mới.")), at_most(200)])
    repeat = PasswordField(_l("Nhập lại mật khẩu mới"), [required(_l("Nhập lại mật khẩu mới.")), at_most(200)])


class ChangePasswordForm(NewPasswordForm):
    """The present password, and a new one twice."""

    password = PasswordField(_l("Mật khẩu hiện nay"), [required(_l("Nhập mật khẩu hiện nay.")), at_most(200)])
