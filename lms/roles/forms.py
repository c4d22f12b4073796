"""The form with which a role is granted."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import validators

from lms import clock
from lms.accounts.forms import SecondLook, scope_field
from lms.accounts.rules import EVERYWHERE, IN_PARTY_TREE, WITH_AN_END
from lms.accounts.vocabulary import ROLES
from lms.organisation.forms import TREE_WORDS
from lms.organisation.models import PARTY_TREE, STATE_TREE
from lms.web.forms import ChoiceField, DayField, choices, required

LATEST = timedelta(days=5 * 366)
LONGEST_DEPUTY = timedelta(days=366)


def needs_an_end(form: "RoleForm", field: DayField) -> None:
    """Some roles have no meaning without an end."""
    if form.role.data in WITH_AN_END and field.data is None and not field.errors:
        raise validators.StopValidation(_l("Ủy quyền phải có ngày kết thúc. Nhập ngày, không quá một năm."))


class RoleForm(SecondLook):
    """A role, over a unit, between two days."""

    role = ChoiceField(_l("Vai trò"), [required(_l("Chọn vai trò."))], choices=[], default="")
    role_unit = scope_field()
    tree = ChoiceField(
        _l("Trong cây"),
        choices=choices(TREE_WORDS),
        default=STATE_TREE,
        description=_l(
            "Cây tổ chức đảng: chỉ với thủ trưởng, người được ủy quyền, quản trị viên của một tổ chức đảng; phạm vi là "
            "đảng viên sinh hoạt ở đó và ở các tổ chức trực thuộc."
        ),
    )
    since = DayField(_l("Từ ngày"), [required(_l("Chọn ngày bắt đầu."))], default=clock.today)
    until = DayField(
        _l("Đến hết ngày"),
        [needs_an_end, validators.Optional()],
        description=_l(
            "Để trống nếu không có thời hạn. Người được thủ trưởng ủy quyền phải có ngày kết thúc, không quá một năm."
        ),
    )

    def offer(self, roles: Collection[str]) -> None:
        """Let these roles be chosen, in the usual order."""
        words = {role: word for role, word in ROLES.items() if role in roles}
        self.role.choices = choices({"": _l("– Chọn vai trò –"), **words})

    def offer_trees(self, trees: Sequence[str]) -> None:
        """Let these trees be chosen; the first of them where none of them is."""
        self.tree.choices = choices({tree: TREE_WORDS[tree] for tree in trees})
        if self.tree.data not in trees and trees:
            self.tree.data = trees[0]

    def validate_tree(self, field: ChoiceField) -> None:
        """Only whoever sees people has something to see there."""
        if field.data == PARTY_TREE and self.role.data not in IN_PARTY_TREE:
            raise validators.ValidationError(_l("Vai trò này không có trong cây tổ chức đảng."))

    def validate_since(self, field: DayField) -> None:
        """Nobody has held a role before it was granted; and not years ahead, which would be a slip of the hand."""
        day: date | None = field.data
        if day is not None and day < clock.today():
            raise validators.ValidationError(_l("Vai trò chỉ được giao từ hôm nay trở đi."))
        if day is not None and day > clock.today() + LATEST:
            raise validators.ValidationError(_l("Ngày này còn quá xa. Kiểm tra lại năm."))

    def validate_until(self, field: DayField) -> None:
        """Not before the first day, and near enough."""
        day: date | None = field.data
        since: date = self.since.data or clock.today()
        if day is not None and day < since:
            raise validators.ValidationError(_l("Ngày kết thúc phải từ ngày bắt đầu trở đi."))
        longest = LONGEST_DEPUTY if self.role.data in WITH_AN_END else LATEST
        if day is not None and day > since + longest:
            deputy = self.role.data in WITH_AN_END
            year, slip = (
                _l("Ngày này còn quá xa. Ủy quyền không quá một năm."),
                _l("Ngày này còn quá xa. Kiểm tra lại năm."),
            )
            raise validators.ValidationError(year if deputy else slip)


def grantable(*, everywhere: bool) -> frozenset[str]:
    """The roles somebody may grant: all, or those that are held over a unit."""
    return frozenset(ROLES) if everywhere else frozenset(ROLES) - EVERYWHERE
