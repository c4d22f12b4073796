"""Forms about units, the field with which other forms let one choose a unit, and the choice of a day and a tree."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    SelectField,
    SelectMultipleField,
    StringField,
    validators,
)
from wtforms.widgets import CheckboxInput, ListWidget

from lms import clock
from lms.audit.forms import UNIT_KINDS
from lms.doors import BuiltOn, Named
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit
from lms.organisation.queries import OnDay
from lms.organisation.rules import Branch
from lms.organisation.storage import (
    Beyond,
    ChangedLater,
    CodeTaken,
    GoesRound,
    NamedTwice,
    NoReceiver,
    NothingNew,
    NotStanding,
    Refused,
    Superseded,
)
from lms.web.forms import ChoiceField, DayField, MustBe, PageForm, at_most, choices, chosen, required, tidy
from lms.web.wording import day as worded

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


TREE_WORDS = {STATE_TREE: _l("Cây cơ quan nhà nước"), PARTY_TREE: _l("Cây tổ chức đảng")}
"""What the two trees are called."""

OPERATIONS = {
    "create": _l("Thành lập"),
    "rename": _l("Đổi tên"),
    "reclassify": _l("Đổi loại"),
    "recode": _l("Đổi mã"),
    "move": _l("Chuyển cấp trên"),
    "consolidate": _l("Hợp nhất"),
    "absorb": _l("Sáp nhập"),
    "divide": _l("Chia"),
    "separate": _l("Tách"),
    "abolish": _l("Giải thể"),
}
"""What operations of the organisation are called."""


class AsOfForm(PageForm):
    """The structure on which day, and which tree: what reports are asked for. Read from the address.

    `as_of(form)` is the answer; "organisation/as_of.html" draws the fields inside a form of any page.
    """

    on = DayField(_l("Cơ cấu tại ngày"), default=clock.today)
    tree = ChoiceField(_l("Cây tổ chức"), choices=choices(TREE_WORDS), default=STATE_TREE)


@dataclass(frozen=True, slots=True)
class AsOf:
    """A day and a tree. `chosen`: others than today's state tree."""

    on: date
    tree: str
    chosen: bool
    form: AsOfForm

    @property
    def address(self) -> dict[str, Any]:
        """What an address carries on to another page, which then speaks of the same day and tree."""
        return {"on": self.on.isoformat(), "tree": self.tree} if self.chosen else {}


def as_of(address: MultiDict[str, str], *, begins: str = STATE_TREE) -> AsOf:
    """The day and tree an address asks for; today, and the tree one `begins` with, where none is asked for."""
    asked = MultiDict({name: address[name] for name in ("on", "tree") if address.get(name)})
    form = AsOfForm(asked or None, meta={"csrf": False})
    valid = not asked or form.validate()
    on = form.on.data if valid and form.on.data is not None else clock.today()
    tree = str(form.tree.data) if valid and form.tree.data in TREE_WORDS else begins
    if not address.get("tree"):
        tree = form.tree.data = begins
    if valid and form.on.data is None:
        form.on.data = on
    return AsOf(on, tree, on != clock.today() or tree != STATE_TREE, form)


def name_field() -> StringField:
    """The full name of a unit."""
    return StringField(_l("Tên đầy đủ"), [chosen(_l("Nhập tên cơ quan, đơn vị.")), at_most(200)], filters=[tidy])


def short_name_field() -> StringField:
    """What it is called for short."""
    hint = _l("Không bắt buộc. Ví dụ: Sở GD&ĐT.")
    return StringField(_l("Tên gọi tắt"), [at_most(60)], filters=[tidy], description=hint)


def code_field(*checks: Any, told: bool = True) -> StringField:
    """The code of a unit; `told`: with what one should know of codes."""
    shape = MustBe(
        lambda text: not text or CODE.fullmatch(text) is not None,
        _l("Mã gồm tối đa 30 chữ cái không dấu, chữ số, dấu chấm, gạch nối; bắt đầu bằng chữ hoặc số."),
    )
    hint = _l("Mỗi mã chỉ dùng cho một đơn vị và không bao giờ dùng lại, kể cả khi đơn vị đã giải thể.")
    return StringField(_l("Mã đơn vị"), [*checks, shape], filters=[tidy], description=hint if told else "")


def kind_field() -> ChoiceField:
    """Of what kind a unit is."""
    return ChoiceField(_l("Loại"), choices=choices(UNIT_KINDS), default="department")


def counted_field() -> BooleanField:
    """Whether its people count."""
    return BooleanField(
        _l("Tính người của đơn vị này vào sĩ số"),
        default=True,
        description=_l("Bỏ chọn với tổ chức không có biên chế riêng, như ban chỉ đạo, hoặc đơn vị ngoài tỉnh."),
    )


class BasisForm(PageForm):
    """From which day something changes, and the document that says so."""

    on = DayField(
        _l("Ngày có hiệu lực"),
        [required(_l("Chọn ngày có hiệu lực."))],
        default=clock.today,
        description=_l("Có thể ở quá khứ, hôm nay hoặc sắp tới. Từ ngày này cơ cấu mới được áp dụng."),
    )
    number = StringField(
        _l("Số, ký hiệu văn bản"), [at_most(60)], filters=[tidy], description=_l("Căn cứ pháp lý, nếu có.")
    )
    dated = DayField(_l("Ngày văn bản"), [validators.Optional()])
    issuer = StringField(_l("Cơ quan ban hành"), [at_most(200)], filters=[tidy])

    def validate_on(self, field: DayField) -> None:
        """Not years ahead, which would be a slip of the hand."""
        day: date | None = field.data
        if day is not None and day > clock.today() + LATEST:
            raise validators.ValidationError(_l("Ngày này còn quá xa. Kiểm tra lại năm."))

    @property
    def units(self) -> list[UnitField]:
        """The fields in which a unit is chosen."""
        return [field for field in self if isinstance(field, UnitField)]


class UnitForm(BasisForm):
    """A new unit. Without any unit yet, `parent` is left out: the first one is the root."""

    on = DayField(_l("Hoạt động từ ngày"), [required(_l("Chọn ngày bắt đầu hoạt động."))], default=clock.today)
    tree = ChoiceField(_l("Cây tổ chức"), choices=choices(TREE_WORDS), default=STATE_TREE)
    parent = UnitField(_l("Đơn vị cấp trên"), [required(_l("Chọn đơn vị cấp trên."))])
    name = name_field()
    short_name = short_name_field()
    code = code_field(required(_l("Nhập mã đơn vị.")))
    kind = kind_field()
    counted = counted_field()


class RenameForm(BasisForm):
    """Another name, code or kind."""

    name = name_field()
    short_name = short_name_field()
    code = code_field(required(_l("Nhập mã đơn vị.")))
    kind = kind_field()


class MoveForm(BasisForm):
    """Another place in one of the trees."""

    tree = ChoiceField(_l("Cây tổ chức"), choices=choices(TREE_WORDS), default=STATE_TREE)
    parent = UnitField(
        _l("Đơn vị cấp trên mới"),
        none=_l("– Đứng đầu cây –"),
        description=_l("Các đơn vị trực thuộc chuyển theo. Đơn vị chưa có trong cây được đặt vào cây."),
    )


class AbsorbForm(BasisForm):
    """Into a unit that goes on."""

    into = UnitField(_l("Đơn vị tiếp nhận"), [required(_l("Chọn đơn vị tiếp nhận."))])


class TogetherForm(BasisForm):
    """Several units become a new one."""

    siblings = SelectMultipleField(
        _l("Cùng hợp nhất"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("Các đơn vị đang cùng cấp trên trực tiếp."),
    )
    codes = StringField(
        _l("Mã của đơn vị khác cùng hợp nhất"),
        [at_most(600)],
        filters=[tidy],
        description=_l("Không bắt buộc. Nhiều mã thì cách nhau bằng dấu phẩy."),
    )
    parent = UnitField(_l("Cấp trên của đơn vị mới"), none=_l("– Đứng đầu cây –"))
    party_parent = UnitField(
        _l("Cấp trên trong cây tổ chức đảng"),
        none=_l("– Không đặt vào cây tổ chức đảng –"),
        description=_l("Cần khi một đơn vị cùng hợp nhất có tổ chức trực thuộc trong cây này."),
    )
    name = name_field()
    short_name = short_name_field()
    code = code_field(required(_l("Nhập mã đơn vị.")))
    kind = kind_field()


class AbolishForm(BasisForm):
    """Who takes in the people, and the units below."""

    receiver = UnitField(
        _l("Đơn vị tiếp nhận người"),
        none=_l("– Không có ai phải chuyển –"),
        description=_l("Bắt buộc khi đơn vị còn người. Người chuyển đi giữ nguyên chức vụ và kết quả học tập."),
    )
    children_to = UnitField(
        _l("Đơn vị trực thuộc chuyển về"),
        none=_l("– Cũng về đơn vị tiếp nhận người –"),
    )


MOST_PARTS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One of those that take over: a new unit, or without a name one that is there, by its code."""

    number: int
    code: Field
    name: Field
    short_name: Field


class SplitForm(BasisForm):
    """Who takes over, and where units below and people go; `split_form` adds the fields for both."""

    kind = kind_field()
    parent = UnitField(_l("Cấp trên của đơn vị mới"), none=_l("– Đứng đầu cây –"))

    def all_parts(self) -> list[Part]:
        """The fields of each part."""
        numbers = range(1, MOST_PARTS + 1)
        return [Part(n, *(self[f"{one}_{n}"] for one in ("code", "name", "short_name"))) for n in numbers]

    def parts(self) -> list[Part]:
        """Those that were filled in."""
        return [one for one in self.all_parts() if one.code.data or one.name.data]

    def where(self, prefix: str) -> list[Field]:
        """The fields about units below ("unit") or people ("person")."""
        return [field for field in self if field.name.startswith(f"{prefix}-")]


def split_form(units: Iterable[OnDay], people: Iterable[Named], *, ends: bool) -> type[SplitForm]:
    """The form with fields for each part, and a choice among them for each unit below and each person."""
    made: dict[str, Any] = {}
    for n in range(1, MOST_PARTS + 1):
        name = StringField(_l("Tên đầy đủ"), [at_most(200)], filters=[tidy])
        short_name = StringField(_l("Tên gọi tắt"), [at_most(60)], filters=[tidy])
        made |= {f"name_{n}": name, f"short_name_{n}": short_name, f"code_{n}": code_field(told=False)}
    numbers = {str(n): _l("Đơn vị thứ %(n)d", n=n) for n in range(1, MOST_PARTS + 1)}
    offered = choices(numbers if ends else {"": _l("Ở lại"), **numbers})
    labels = {
        **{f"unit-{one.public_id}": one.name for one in units},
        **{f"person-{one.public_id}": one.name for one in people},
    }
    for field, label in labels.items():
        made[field] = ChoiceField(label, choices=offered, default="1" if ends else "")
    return type("AskedSplitForm", (SplitForm,), made)


def ended_words(unit: str, day: date, heir: str) -> str:
    """What is said of a unit that has ended by the day on which somebody would come to it."""
    said = {"unit": unit, "day": worded(day), "heir": heir}
    if not heir:
        return str(_("%(unit)s kết thúc hoạt động từ ngày %(day)s. Chọn đơn vị khác.", **said))
    return str(_("%(unit)s kết thúc hoạt động từ ngày %(day)s; đơn vị tiếp nhận là %(heir)s. Chọn đơn vị ấy.", **said))


def refused(form: BasisForm, reason: Refused) -> None:
    """Let the form say, beside the field that can mend it, why the organisation cannot be changed so."""
    fields: dict[type[Refused], tuple[str, ...]] = {
        NoReceiver: ("receiver",),
        NothingNew: ("name", "parent", "into"),
        GoesRound: ("into", "parent", "receiver"),
        NamedTwice: ("into", "receiver", "code_1"),
    }
    names = [name for name in (*fields.get(type(reason), ()), "on") if name in form]
    form[names[0]].errors = [refused_words(reason)]


def refused_words(reason: Refused | BuiltOn) -> str:
    """Why something cannot be done, and what can."""
    if isinstance(reason, BuiltOn):
        sort, *said = reason.args
        return str(BUILT_ON[sort]) % dict(zip(("unit", "role"), reversed(said), strict=False))
    unit, day = reason.unit.name if reason.unit else "", worded(reason.day) if reason.day else ""
    return str(REFUSED[type(reason)]) % {"unit": unit, "day": day}


REFUSED: dict[type[Refused], Any] = {
    CodeTaken: _l(
        "Mã này đã thuộc về một đơn vị khác, hiện nay hoặc trước đây. Mã không bao giờ dùng lại; chọn mã khác."
    ),
    NotStanding: _l(
        "%(unit)s chưa có, đã có ngày kết thúc hoặc không đứng trong cây này vào ngày đó. Chọn ngày hoặc đơn vị khác."
    ),
    ChangedLater: _l("%(unit)s đã có thay đổi từ ngày %(day)s. Chọn ngày sau đó, hoặc hoàn tác thay đổi ấy trước."),
    GoesRound: _l("%(unit)s sẽ đứng dưới chính mình. Chọn đơn vị khác."),
    Beyond: _l(
        "Thay đổi này động đến đơn vị ngoài phạm vi quản trị vào ngày đó, hoặc chuyển, kết thúc chính đơn vị đứng đầu "
        "phạm vi. Đề nghị quản trị viên cấp trên thực hiện."
    ),
    NamedTwice: _l("%(unit)s được nêu hai lần trong cùng một thay đổi. Chọn đơn vị khác."),
    NothingNew: _l("Chưa có gì khác so với hiện nay. Sửa ít nhất một mục, hoặc hủy."),
    NoReceiver: _l("%(unit)s còn người hoặc đơn vị trực thuộc. Chọn nơi tiếp nhận."),
    Superseded: _l(
        "Chưa hoàn tác được: các đơn vị này đã có thay đổi khác, hiệu lực từ ngày %(day)s. Hoàn tác thay đổi đó trước."
    ),
}
"""What is said when the organisation cannot be changed so."""

BUILT_ON = {
    "people": _l("Chưa hoàn tác được: sau thay đổi này đã có người được chuyển hoặc được thêm vào đơn vị."),
    "roles": _l(
        "Chưa hoàn tác được: từ khi ghi nhận thay đổi này đã giao vai trò “%(role)s” ở %(unit)s. Kết thúc vai trò ấy "
        "trước; hoàn tác xong thì giao lại nếu vẫn cần."
    ),
    "assignments": _l("Chưa hoàn tác được: sau thay đổi này đã giao hoặc thu hồi khóa học ở các đơn vị này."),
    "points": _l(
        "Chưa hoàn tác được: %(unit)s đã có điểm cầu. Bỏ điểm cầu ấy trước; nếu ở đó đã điểm danh thì ghi một thay đổi "
        "mới (chia, tách) thay cho hoàn tác."
    ),
    "rolls": _l(
        "Chưa hoàn tác được: đã chốt sĩ số có người của %(unit)s, và sĩ số chốt không đổi được. Ghi một thay đổi mới "
        "(chia, tách) thay cho hoàn tác."
    ),
    "reports": _l(
        "Chưa hoàn tác được: %(unit)s đã nhập nội dung báo cáo, đã chốt báo cáo hoặc đã nhận báo cáo của cấp dưới. Ghi "
        "một thay đổi mới (chia, tách) thay cho hoàn tác."
    ),
}
"""What is said when something was built on an operation that shall be undone."""
