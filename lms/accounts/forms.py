"""Forms of accounts."""

import re
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField, StringField, validators

from lms.accounts.rules import ADMINISTRATOR, IN_PARTY_TREE, WITH_AN_END
from lms.accounts.vocabulary import EVERYONE, ROLES
from lms.organisation.forms import TREE_WORDS, UnitField
from lms.organisation.models import PARTY_TREE, STATE_TREE
from lms.web.forms import ChoiceField, MustBe, PageForm, at_most, choices, chosen, required, tidy

CATEGORIES = {
    "can_bo": _l("Cán bộ"),
    "cong_chuc": _l("Công chức"),
    "vien_chuc": _l("Viên chức"),
    "nguoi_lao_dong": _l("Người lao động"),
    "khac": _l("Khác"),
}
PARTY = {
    "quan_chung": _l("Quần chúng"),
    "du_bi": _l("Đảng viên dự bị"),
    "chinh_thuc": _l("Đảng viên chính thức"),
}
NOT_IN_TREE = _l("Đơn vị này không đứng trong cây được chọn. Chọn cây khác hoặc đơn vị khác.")
"""What is said of a unit that was chosen for the wrong tree."""
OUTSIDER = "quan_chung"
"""Whoever is no member of the Party."""
TAKEN = _l(
    "Tên đăng nhập này đã có người dùng. Nếu vừa bấm “Lưu” hai lần thì người này đã được thêm, có thể tìm "
    "trong danh sách. Nếu không, chọn tên khác."
)
"""What is said of a user name that somebody has."""
USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,48}[a-z0-9])")
EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\".]+(?:\.[^@\s,;<>\".]+)+")


class SignInForm(PageForm):
    """Name and password."""

    username = StringField(_l("Tên đăng nhập"), [required(_l("Nhập tên đăng nhập.")), at_most(150)])
    password = PasswordField(_l("Mật khẩu"), [required(_l("Nhập mật khẩu.")), at_most(200)])


class ForgottenForm(PageForm):
    """Who has forgotten the password."""

    who = StringField(
        _l("Tên đăng nhập hoặc thư điện tử"), [required(_l("Nhập tên đăng nhập hoặc địa chỉ thư.")), at_most(200)]
    )


class NewPasswordForm(PageForm):
    """A password, twice."""

    new_password = PasswordField(_l("Mật khẩu mới"), [required(_l("Nhập mật khẩu mới.")), at_most(200)])
    repeat = PasswordField(_l("Nhập lại mật khẩu mới"), [required(_l("Nhập lại mật khẩu mới.")), at_most(200)])


class ChangePasswordForm(NewPasswordForm):
    """The present password, and a new one twice: in the order of the page, which is that of the summary of errors."""

    password = PasswordField(_l("Mật khẩu hiện nay"), [required(_l("Nhập mật khẩu hiện nay.")), at_most(200)])
    new_password = PasswordField(_l("Mật khẩu mới"), [required(_l("Nhập mật khẩu mới.")), at_most(200)])
    repeat = PasswordField(_l("Nhập lại mật khẩu mới"), [required(_l("Nhập lại mật khẩu mới.")), at_most(200)])


def lower(value: Any) -> Any:
    """As user names are kept."""
    return tidy(value).lower() if isinstance(value, str) else value


def email_field(description: Any = "") -> StringField:
    """Where mail reaches somebody, as it is kept and looked for; it may be left out."""
    form = MustBe(
        lambda value: not value or EMAIL.fullmatch(value) is not None, _l("Địa chỉ thư có dạng ten@coquan.gov.vn.")
    )
    return StringField(_l("Thư điện tử"), [at_most(200), form], filters=[lower], description=description)


def scope_field() -> UnitField:
    """Over which unit a role is held."""
    return UnitField(
        _l("Phạm vi"),
        none=_l("Đơn vị của người này"),
        description=_l(
            "Đơn vị được chọn và mọi đơn vị trực thuộc. Giảng viên, kiểm tra viên, quản trị viên luôn có phạm vi toàn "
            "hệ thống."
        ),
    )


class SecondLook(PageForm):
    """A form that grants a role: that of an administrator only to whoever says so twice."""

    sure = BooleanField(_l("Đã kiểm tra đúng người, giao quyền quản trị viên"))

    def validate_sure(self, field: BooleanField) -> None:
        """Ask once more before somebody may do everything."""
        role = self["role"].data if "role" in self else None
        if role == ADMINISTRATOR and not field.data:
            raise validators.ValidationError(
                _l(
                    "Quản trị viên xem và sửa được mọi nơi, kể cả giao vai trò này cho người khác. Kiểm tra lại họ "
                    "tên, đơn vị rồi đánh dấu ô này và lưu lần nữa."
                )
            )


class PersonForm(SecondLook):
    """A new person with an account, a unit and perhaps a role. `namesake` is asked once somebody has the same name."""

    full_name = StringField(
        _l("Họ và tên"),
        [chosen(_l("Nhập họ và tên.")), at_most(100)],
        filters=[tidy],
        description=_l("Đủ họ, tên đệm và tên, viết có dấu. Ví dụ: Lý A Hoa."),
    )
    username = StringField(
        _l("Tên đăng nhập"),
        [
            required(_l("Nhập tên đăng nhập.")),
            MustBe(
                lambda text: USERNAME.fullmatch(text or "") is not None,
                _l("Tên đăng nhập gồm 3 đến 50 chữ cái không dấu, chữ số, dấu chấm, gạch nối; không có dấu cách."),
            ),
        ],
        filters=[lower],
        description=_l("Chữ thường không dấu, không có dấu cách. Ví dụ: hoala."),
    )
    namesake = BooleanField(_l("Đây là người khác trùng họ tên, vẫn thêm"))
    position = StringField(_l("Chức vụ"), [at_most(150)], filters=[tidy], description=_l("Không bắt buộc."))
    category = ChoiceField(_l("Đối tượng"), choices=choices(CATEGORIES), default="cong_chuc")
    party = ChoiceField(_l("Tình trạng đảng viên"), choices=choices(PARTY), default="quan_chung")
    email = email_field(_l("Không bắt buộc. Dùng để nhắc việc học tập và đặt lại mật khẩu."))
    unit = UnitField(_l("Cơ quan, đơn vị"), [required(_l("Chọn cơ quan, đơn vị."))])
    tree = ChoiceField(
        _l("Được tính trong cây"),
        choices=choices(TREE_WORDS),
        default=STATE_TREE,
        description=_l("Cây tổ chức đảng: đảng viên chỉ sinh hoạt ở chi bộ, như đảng viên đã nghỉ hưu."),
    )
    role = ChoiceField(
        _l("Vai trò"),
        choices=choices({"": EVERYONE, **{role: word for role, word in ROLES.items() if role not in WITH_AN_END}}),
        default="",
    )
    role_unit = scope_field()

    def offer_trees(self, trees: Sequence[str]) -> None:
        """Let these trees be chosen; the first of them where none of them is."""
        self.tree.choices = choices({tree: TREE_WORDS[tree] for tree in trees})
        if self.tree.data not in trees and trees:
            self.tree.data = trees[0]

    @property
    def role_tree(self) -> str:
        """In which tree a role that is given at once holds: where the person is counted, if it may hold there."""
        return str(self.tree.data) if self.role.data in IN_PARTY_TREE else STATE_TREE

    def validate_party(self, field: ChoiceField) -> None:
        """Only members are counted in the Party tree."""
        if self.tree.data == PARTY_TREE and field.data == OUTSIDER:
            raise validators.ValidationError(
                _l("Cây tổ chức đảng chỉ tính đảng viên. Chọn tình trạng đảng viên, hoặc cây cơ quan nhà nước.")
            )

    def grants_nothing(self) -> None:
        """Leave the roles out: whoever keeps the people of a unit grants them on the page of the person."""
        for name in ("role", "role_unit", "sure"):
            del self[name]
