"""Forms with which briefings are opened, given to units and changed, and with which one decides about a person."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, SelectMultipleField, StringField, TextAreaField, validators
from wtforms.widgets import CheckboxInput, ListWidget

from courses.briefings.render import DECISION_WORDS, WAY_WORDS
from courses.briefings.rules import CATEGORIES, ONLINE, Asked, Policy
from lms import clock
from lms.accounts.forms import CATEGORIES as CATEGORY_WORDS
from lms.accounts.forms import PARTY
from lms.clock import end_of_day, start_of_day
from lms.organisation.forms import TREE_WORDS, UnitField
from lms.organisation.models import STATE_TREE
from lms.text import nfc
from lms.web.forms import (
    ChoiceField,
    DayField,
    MustBe,
    PageForm,
    as_typed,
    at_most,
    choices,
    chosen,
    required,
    text_in,
    tidy,
    unify,
)

CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])")
MARK = re.compile(r"(?:10|[0-9](?:[.,][0-9]{1,2})?)")
DAYS = re.compile(r"[1-9][0-9]{0,3}")
MOST_LINES = 2_000
LATEST = timedelta(days=3 * 366)

REST_WORDS = {
    "": _l("như mọi người"),
    "briefed": _l("chỉ cần đã quán triệt (B)"),
    "test": _l("B và kiểm tra"),
    "reflection": _l("B và thu hoạch"),
    "both": _l("B, kiểm tra và thu hoạch"),
}
"""What may be asked of a staff category beside being briefed."""

DUE_WORDS = {
    "day": _l("đến hết một ngày"),
    "days": _l("sau một số ngày kể từ ngày giao, hoặc từ ngày người học đến đơn vị"),
    "never": _l("không có hạn"),
}
"""The kinds of due dates."""


def ticked(label: Any, words: Mapping[str, Any], *checks: Any, **options: Any) -> SelectMultipleField:
    """Boxes to tick, one for each of the words."""
    shown: dict[str, Any] = {"widget": ListWidget(prefix_label=False), "option_widget": CheckboxInput()}
    return SelectMultipleField(label, [*checks], choices=choices(words), **shown, **options)


def lines_in(text: str) -> list[str]:
    """The lines of a text that say something."""
    return [line for line in (nfc(one) for one in text.split("\n")) if line]


class PolicyForm(PageForm):
    """What a briefing asks. What a category is asked differs in test and reflection; ways and mark are everybody's."""

    ways = ticked(
        _l("Đã quán triệt (B) khi"),
        WAY_WORDS,
        chosen(_l("Chọn ít nhất một cách được tính là đã quán triệt.")),
        default=list(WAY_WORDS),
        description=_l("Có một trong các cách được chọn là đã quán triệt."),
    )
    test = BooleanField(_l("Hoàn thành (C) cần đạt kiểm tra"), default=True)
    pass_mark = StringField(
        _l("Điểm kiểm tra cần đạt"),
        [
            MustBe(
                lambda text: not text or MARK.fullmatch(text) is not None,
                _l("Nhập điểm từ 0 đến 10, ví dụ 7 hoặc 7,5; để trống nếu theo điểm đạt của khóa học."),
            )
        ],
        filters=[tidy],
        description=_l("Thang điểm 10, tính trên bài kiểm tra thấp điểm nhất. Để trống: theo điểm đạt của khóa học."),
    )
    reflection = BooleanField(_l("Hoàn thành (C) cần bài thu hoạch đạt"))
    counts_before = BooleanField(
        _l("Tính cả kết quả học trực tuyến có trước ngày mở đợt"),
        default=True,
    )
    can_bo, cong_chuc, vien_chuc, nguoi_lao_dong, khac = (
        ChoiceField(_l("Riêng %(category)s", category=CATEGORY_WORDS[one]), choices=choices(REST_WORDS), default="")
        for one in CATEGORIES
    )

    @property
    def by_category(self) -> list[Any]:
        """The fields of the staff categories."""
        return [self[category] for category in CATEGORIES]

    @property
    def policy(self) -> Policy:
        """The policy of a form that has been checked."""
        mark = text_in(self.pass_mark).replace(",", ".")
        least = float(mark) / 10 if mark else None
        ways = frozenset(self.ways.data or () if "ways" in self else (ONLINE,))

        def asked(test: bool, reflection: bool) -> Asked:
            return Asked(ways, test, least if test else None, reflection)

        kinds = {category: text_in(self[category]) for category in CATEGORIES}
        return Policy(
            asked(bool(self.test.data), "reflection" in self and bool(self.reflection.data)),
            {
                category: asked(kind in {"test", "both"}, kind in {"reflection", "both"})
                for category, kind in kinds.items()
                if kind
            },
            bool(self.counts_before.data),
        )

    def show(self, policy: Policy) -> None:
        """Fill in what is asked now."""
        asked = policy.asked
        marks = [one.pass_mark for one in (asked, *policy.by_category.values()) if one.pass_mark is not None]
        if "ways" in self:
            self.ways.data = [way for way in WAY_WORDS if way in asked.ways]
            self.reflection.data = asked.reflection
        self.test.data = asked.test
        self.pass_mark.data = f"{marks[0] * 10:.2f}".rstrip("0").rstrip(".").replace(".", ",") if marks else ""
        self.counts_before.data = policy.counts_before
        for category, one in policy.by_category.items():
            kind = "both" if one.test and one.reflection else "test" if one.test else ""
            self[category].data = kind or ("reflection" if one.reflection else "briefed")

    def only_online(self) -> None:
        """Ask for nothing but study and test: a course was merely assigned."""
        del self.ways
        del self.reflection
        for field in self.by_category:
            field.choices = choices({code: REST_WORDS[code] for code in ("", "briefed", "test")})


class OpenForm(PolicyForm):
    """A new briefing."""

    title = StringField(_l("Tên đợt"), [chosen(_l("Nhập tên đợt học tập, quán triệt.")), at_most(200)], filters=[tidy])
    title_en = StringField(_l("Tên tiếng Anh"), [at_most(200)], filters=[tidy], description=_l("Không bắt buộc."))
    code = StringField(
        _l("Mã đợt"),
        [
            required(_l("Nhập mã đợt.")),
            MustBe(
                lambda text: CODE.fullmatch(text or "") is not None,
                _l("Mã gồm 2 đến 40 chữ thường không dấu, chữ số và gạch nối, ví dụ nq48-dot-1."),
            ),
        ],
        filters=[tidy],
        description=_l("Đứng trong địa chỉ và trong nhật ký học tập; không đổi được về sau. Ví dụ: nq48-dot-1."),
    )
    documents = TextAreaField(
        _l("Văn bản được quán triệt"),
        [at_most(2_000)],
        filters=[unify],
        description=_l("Mỗi dòng một văn bản, ví dụ: Nghị quyết số 48-NQ/TU."),
        render_kw={"rows": 3},
    )
    course = ChoiceField(_l("Khóa học"), [required(_l("Chọn khóa học."))])
    opened_on = DayField(_l("Mở từ ngày"), [required(_l("Chọn ngày mở đợt."))], default=clock.today)

    def validate_opened_on(self, field: DayField) -> None:
        """Not to come: what is opened is open."""
        if field.data is not None and field.data > clock.today():
            raise validators.ValidationError(_l("Ngày mở không được ở sau hôm nay."))

    @property
    def opened_at(self) -> datetime:
        """When the briefing begins: now, or with an earlier day."""
        day: date = self.opened_on.data or clock.today()
        if day == clock.today():
            return clock.now()
        return start_of_day(day)


class DueFields(PageForm):
    """When something is due: of `due_kind`, `due_day` or `due_days` says when."""

    due_kind = ChoiceField(_l("Hạn hoàn thành"), choices=choices(DUE_WORDS), default="day")
    due_day = DayField(_l("Ngày hết hạn"))
    due_days = StringField(
        _l("Số ngày"),
        [MustBe(lambda text: not text or DAYS.fullmatch(text) is not None, _l("Nhập số ngày, ví dụ 20."))],
        filters=[tidy],
    )

    def validate_due_day(self, field: DayField) -> None:
        """There must be one when it is due on a day; neither past nor years ahead."""
        if text_in(self.due_kind) != "day" or field.process_errors:
            return
        if field.data is None:
            raise validators.ValidationError(_l("Nhập ngày hết hạn, hoặc chọn loại hạn khác."))
        if (fault := due_fault(field.data)) is not None:
            raise validators.ValidationError(fault)

    def validate_due_days(self, field: StringField) -> None:
        """There must be a number when it is due after so many days."""
        if text_in(self.due_kind) == "days" and not field.data:
            raise validators.ValidationError(_l("Nhập số ngày, hoặc chọn loại hạn khác."))

    @property
    def due(self) -> tuple[datetime | None, int | None]:
        """Moment and days, of a form that has been checked; neither: never due."""
        kind = text_in(self.due_kind)
        if kind == "day" and self.due_day.data is not None:
            return end_of_day(self.due_day.data), None
        return None, int(text_in(self.due_days)) if kind == "days" else None


def due_fault(day: date) -> Any:
    """What is wrong with a day on which something is to be due; None when nothing is."""
    if day < clock.today():
        return _l("Hạn hoàn thành không được ở trong quá khứ. Chọn từ hôm nay trở đi.")
    if day > clock.today() + LATEST:
        return _l("Hạn này còn quá xa. Kiểm tra lại năm.")
    return None


class ChangeForm(PolicyForm, DueFields):
    """Another policy and other due dates, and why."""

    due_kind = ChoiceField(
        _l("Hạn hoàn thành"), choices=choices({"keep": _l("giữ nguyên các hạn"), **DUE_WORDS}), default="keep"
    )
    unit = UnitField(
        _l("Đổi hạn của"),
        none=_l("– Mọi lần giao của đợt –"),
        description=_l("Chọn một đơn vị thì chỉ đổi hạn của những lần giao cho đơn vị đó và đơn vị trực thuộc."),
    )
    reason = StringField(
        _l("Lý do"), [chosen(_l("Nhập lý do thay đổi, ví dụ số văn bản chỉ đạo.")), at_most(500)], filters=[tidy]
    )
    digest = HiddenField()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list of units: the code, and its own due date where it has one (moment, days)."""

    code: str
    due: tuple[datetime | None, int | None] | None


class GiveForm(DueFields):
    """To which units, by when, and to whom of their people."""

    tree = ChoiceField(_l("Theo cây"), choices=choices(TREE_WORDS), default=STATE_TREE)
    unit = UnitField(_l("Giao cho"))
    each = BooleanField(
        _l("Tách thành một lần giao cho mỗi đơn vị trực thuộc trực tiếp"),
        description=_l("Khi mỗi đơn vị cần có hạn riêng về sau. Người của chính đơn vị được chọn cũng được giao."),
    )
    codes = TextAreaField(
        _l("Đơn vị khác"),
        [at_most(60_000)],
        filters=[unify],
        description=_l("Mỗi dòng một mã đơn vị. Hạn riêng viết sau dấu chấm phẩy: “h-ch; 30/12/2026” hoặc “h-ch; 20”."),
        render_kw={"rows": 4},
    )
    category = ticked(_l("Chỉ loại cán bộ"), CATEGORY_WORDS, description=_l("Không chọn gì: mọi loại."))
    party = ticked(_l("Chỉ đảng viên hoặc quần chúng"), PARTY, description=_l("Không chọn gì: tất cả."))
    positions = TextAreaField(
        _l("Chỉ các chức vụ"),
        [at_most(5_000)],
        filters=[unify],
        description=_l("Mỗi dòng một chức vụ, viết đúng như trong danh sách cán bộ. Để trống: mọi chức vụ."),
        render_kw={"rows": 2},
    )

    def validate_unit(self, field: UnitField) -> None:
        """There must be somebody to give it to."""
        if not field.data and not text_in(self.codes).strip():
            raise validators.ValidationError(_l("Chọn một đơn vị, hoặc nhập mã đơn vị ở ô dưới."))

    def validate_codes(self, field: TextAreaField) -> None:
        """Each line is a code, with a due date that is one."""
        lines = lines_in(text_in(field))
        if len(lines) > MOST_LINES:
            raise validators.ValidationError(_("Nhiều nhất %(n)s dòng mỗi lần.", n=MOST_LINES))
        for place, text in enumerate(lines, 1):
            if (fault := line_fault(text)) is not None:
                raise validators.ValidationError(_("Dòng %(place)s: %(fault)s", place=place, fault=fault))

    @property
    def lines(self) -> list[Line]:
        """The units that were typed, of a form that has been checked."""
        return [line_of(text) for text in lines_in(text_in(self.codes))]

    @property
    def chosen_people(self) -> list[tuple[str, str]]:
        """Rows of `AssignmentChoice`: kind and value."""
        named = {"category": self.category.data, "party": self.party.data}
        positions = dict.fromkeys(lines_in(text_in(self.positions)))
        return [
            *((kind, value) for kind, values in named.items() for value in values or ()),
            *(("position", value) for value in positions),
        ]


def line_of(text: str) -> Line:
    """A line of the list of units as a value."""
    code, _mark, due = (part.strip() for part in text.partition(";"))
    if not due:
        return Line(code, None)
    if DAYS.fullmatch(due):
        return Line(code, (None, int(due)))
    return Line(code, (end_of_day(datetime.strptime(as_typed(due), "%d/%m/%Y").date()), None))  # noqa: DTZ007 - a day


def line_fault(text: str) -> Any:
    """What is wrong with a line; None when nothing is."""
    try:
        line = line_of(text)
    except ValueError:
        return _l("hạn riêng viết là một ngày (30/12/2026) hoặc một số ngày (20).")
    day = clock.day_of(line.due[0]) if line.due is not None and line.due[0] is not None else None
    return due_fault(day) if day is not None else None


class WithdrawForm(PageForm):
    """Which assignments end. `every`: all that are in force."""

    assignment = SelectMultipleField(_l("Lần giao"), choices=[], validate_choice=False)
    every = BooleanField(_l("Thu hồi mọi lần giao đang có hiệu lực"))


class FreezeForm(PageForm):
    """Why the roll is kept."""

    reason = StringField(
        _l("Lý do chốt"),
        [chosen(_l("Nhập lý do, ví dụ: chốt để báo cáo Ban Thường vụ.")), at_most(300)],
        filters=[tidy],
    )


class ReopenForm(PageForm):
    """Why a briefing that was closed is opened again."""

    reason = StringField(
        _l("Lý do mở lại"),
        [chosen(_l("Ghi lý do mở lại.")), at_most(200)],
        filters=[tidy],
        description=_l("Không ghi họ tên."),
    )


class DecideForm(PageForm):
    """What is decided about one person, why, and who approved it."""

    kind = ChoiceField(_l("Quyết định"), choices=choices(DECISION_WORDS), default="exempt")
    due = DayField(
        _l("Hạn mới"),
        description=_l("Bắt buộc khi gia hạn; có thể ghi khi vắng có lý do; không ghi khi miễn."),
    )
    reason = StringField(_l("Lý do"), [chosen(_l("Nhập lý do.")), at_most(500)], filters=[tidy])
    approved_by = StringField(
        _l("Người phê duyệt"),
        [chosen(_l("Nhập họ tên, chức vụ người phê duyệt hoặc số văn bản.")), at_most(200)],
        filters=[tidy],
    )

    def validate_due(self, field: DayField) -> None:
        """An extension has one, an exemption none."""
        kind = text_in(self.kind)
        if kind == "extension" and field.data is None and not field.process_errors:
            raise validators.ValidationError(_l("Nhập hạn mới."))
        if kind == "exempt" and field.data is not None:
            raise validators.ValidationError(_l("Người được miễn không có hạn. Xóa ngày này."))
        if field.data is not None and (fault := due_fault(field.data)) is not None:
            raise validators.ValidationError(fault)

    @property
    def due_at(self) -> datetime | None:
        """The due date, of a form that has been checked."""
        return end_of_day(self.due.data) if self.due.data is not None else None


def page_of(total: int, size: int = 50) -> tuple[int, int]:
    """The page the address asks for, and how many there are."""
    pages = max(1, -(-total // size))
    return min(max(request.args.get("page", 1, type=int), 1), pages), pages
