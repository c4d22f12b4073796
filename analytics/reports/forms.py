"""Forms of reports, what an address asks for, and how pages word what a report keeps in codes."""

from datetime import date
from typing import Any

from flask import request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, StringField, TextAreaField, validators

from analytics.facts.forms import asked_of, filter_words
from analytics.facts.projection import Structure
from analytics.facts.vocabulary import METRICS
from analytics.reports import actions, papers, queries
from analytics.reports.access import FIGURES, NAMES
from analytics.reports.queries import Subject
from analytics.reports.rules import (
    DAILY,
    MONTHLY,
    WEEKLY,
    Column,
    Paper,
    Words,
    cells_shown,
    headings,
    month_bounds,
    people_named,
    typed_code,
)
from analytics.reports.rules import (
    FIGURES as NUMBERS,
)
from analytics.reports.vocabulary import (
    FORMS,
    GROUPS,
    GROUPS_05,
    HEADS,
    LABELS,
    LABELS_01,
    NOTE_ROLL_UP,
    ON_FROZEN,
    WORDS_OF_CODES,
    Pair,
)
from lms import clock
from lms.accounts.forms import CATEGORIES
from lms.db import apart, get_read_session
from lms.organisation.forms import TREE_WORDS
from lms.organisation.models import STATE_TREE, TREES
from lms.web.acting import NotFound, actor, behind
from lms.web.forms import ChoiceField, MustBe, PageForm, at_most, choices, chosen, text_in, tidy, unify
from lms.web.wording import day as worded

PURPOSES = {
    "urge": _l("Đôn đốc việc học tập, quán triệt"),
    "check": _l("Kiểm tra, đối chiếu số liệu"),
    "report": _l("Báo cáo theo yêu cầu của cấp trên"),
}
LISTS = {
    "02-xlsx": _l("Biểu 02 – Danh sách chưa hoàn thành (XLSX)"),
    "02-docx": _l("Biểu 02 – Danh sách chưa hoàn thành (DOCX)"),
    "02-pdf": _l("Biểu 02 – Danh sách chưa hoàn thành (PDF)"),
    "01-xlsx": _l("Biểu 01, mọi cấp đơn vị (XLSX, làm ở nền)"),
    "01-docx": _l("Biểu 01, mọi cấp đơn vị (DOCX, làm ở nền)"),
    "01-pdf": _l("Biểu 01, mọi cấp đơn vị (PDF, làm ở nền)"),
    "register-csv": _l("Sổ theo dõi: người × bài học, bài kiểm tra (CSV)"),
    "register-xlsx": _l("Sổ theo dõi: người × bài học, bài kiểm tra (XLSX, làm ở nền)"),
}
EVERY = {DAILY: _l("Hằng ngày"), WEEKLY: _l("Hằng tuần"), MONTHLY: _l("Hằng tháng")}
STATES = {"sent": _l("Đã gửi, chờ xác nhận"), "accepted": _l("Đã xác nhận"), "returned": _l("Trả lại")}


class EntryForm(PageForm):
    """Columns 23 and 25 of Biểu 01; `read` is the version of them that was seen."""

    read = HiddenField(name="_read", default=queries.Entered().version)
    plan = StringField(
        _l("Chương trình, kế hoạch hành động đã ban hành (số, ngày)"),
        [at_most(200)],
        filters=[tidy],
        description=_l("Cột 23 của Biểu 01. Ví dụ: 15-CTr/TU, 02/12/2026. Chưa ban hành thì để trống."),
    )
    note = TextAreaField(
        _l("Ghi chú: khó khăn, kiến nghị"),
        [at_most(500)],
        filters=[unify],
        description=_l("Cột 25 của Biểu 01. Không ghi tên hay thông tin riêng của ai."),
    )

    @property
    def entered(self) -> queries.Entered:
        """What is to stand, of a form that has been checked."""
        return queries.Entered(text_in(self.plan), text_in(self.note).strip())

    def would_lose(self, now: queries.Entered) -> bool:
        """Whether it would replace what was entered since it was opened; then it says so, and does when sent again."""
        if now == self.entered or now.version == self.read.data:
            return False
        said = {"plan": now.plan or "–", "note": now.note or "–"}
        words = _("Từ khi bạn mở trang, phần này đã đổi thành: “%(plan)s”; ghi chú: “%(note)s”.", **said)
        self.plan.errors = [words, _("Lưu lần nữa thì thay bằng phần bạn nhập.")]
        self.read.data = now.version
        return True


class ReturnForm(PageForm):
    """Why a report goes back."""

    remark = TextAreaField(
        _l("Ý kiến"),
        [chosen(_l("Ghi rõ vì sao trả lại, để đơn vị sửa.")), at_most(500)],
        filters=[unify],
    )


class ListForm(PageForm):
    """Which list with names is taken out, and for what."""

    what = RadioField(
        _l("Tệp cần tải"),
        choices=choices(LISTS),
        validators=[MustBe(LISTS.__contains__, _l("Chọn một tệp."))],
        validate_choice=False,
    )
    purpose = RadioField(
        _l("Mục đích"),
        choices=choices(PURPOSES),
        validators=[MustBe(PURPOSES.__contains__, _l("Chọn một mục đích trước khi tải."))],
        validate_choice=False,
    )


class ScheduleForm(PageForm):
    """When the summary goes out by mail."""

    every = ChoiceField(_l("Gửi"), choices=choices(EVERY), default=WEEKLY)
    place = StringField(
        _l("Vào ngày"),
        [at_most(2)],
        filters=[tidy],
        default="1",
        description=_l("Hằng tuần: 1 (thứ Hai) đến 7 (Chủ nhật). Hằng tháng: 1 đến 31. Hằng ngày: để trống."),
        render_kw={"inputmode": "numeric", "class": "short"},
    )

    def validate_place(self, field: StringField) -> None:
        """A day of the week, or of the month."""
        most = {DAILY: 31, WEEKLY: 7, MONTHLY: 31}.get(self.every.data, 0)
        if self.every.data != DAILY and not (str(field.data).isdecimal() and 1 <= int(str(field.data)) <= most):
            raise validators.ValidationError(_l("Nhập ngày từ 1 đến %(most)d.", most=most))

    def at(self) -> int:
        """The day that was typed; 1 for daily."""
        return 1 if self.every.data == DAILY else int(str(self.place.data))


class CheckForm(PageForm):
    """A code as it stands on paper."""

    class Meta:
        csrf = False  # it only reads

    code = StringField(
        _l("Mã kiểm tra"),
        [MustBe(typed_code, _l("Mã kiểm tra có 20 chữ số, chữ cái từ A đến F, như in trên báo cáo."))],
        filters=[tidy],
        description=_l("In ở cuối báo cáo, ví dụ 1A2B-3C4D-5E6F-7A8B-9C0D."),
        render_kw={"autocomplete": "off"},
    )


def in_english() -> bool:
    """Whether this page speaks English."""
    return str(get_locale()) == "en"


def said(pair: Pair) -> str:
    """Of two words the one in the language of the page."""
    return pair[in_english()]


def page_words(names: dict[str, str] | None = None) -> Words:
    """Codes in the language of the page."""
    return Words({code: said(pair) for code, pair in WORDS_OF_CODES.items()}, names or {})


def file_words(names: dict[str, str] | None = None) -> Words:
    """Codes in Vietnamese: files go into offices."""
    return Words({code: pair[0] for code, pair in WORDS_OF_CODES.items()}, names or {})


def heading(form: str, column: Column) -> str:
    """The heading of a column in the language of the page; of a report that was kept, its own words in Vietnamese."""
    if not in_english():
        return column.label
    pair = LABELS_01.get(column.code) if form == "01" else LABELS[form].get(column.code, (None,))[0]
    return pair[1] if pair else column.label


def group_heading(form: str, label: str) -> str:
    """The same of a group of columns."""
    groups = GROUPS if form == "01" else GROUPS_05
    return next((said(pair) for pair in groups.values() if pair[0] == label), label)


def definitions() -> list[dict[str, str]]:
    """Every metric of the catalogue, in the language of the page."""
    return [
        {
            "name": said(one.name),
            "means": said(one.means),
            "left_out": said(one.left_out),
            "numerator": one.numerator,
            "denominator": one.denominator,
        }
        for one in METRICS
    ]


def catalogue() -> list[dict[str, Any]]:
    """The catalogue of metrics for programs: both languages."""
    return [
        {
            "code": one.code,
            "name": {"vi": one.name[0], "en": one.name[1]},
            "means": {"vi": one.means[0], "en": one.means[1]},
            "left_out": {"vi": one.left_out[0], "en": one.left_out[1]},
            "numerator": one.numerator,
            "denominator": one.denominator,
            "shown": one.shown,
        }
        for one in METRICS
    ]


def head_asked() -> str:
    """Which head of document the address asks for: "" is the one that becomes the unit."""
    asked = request.args.get("head", "")
    return asked if asked in HEADS else ""


def month_asked(today: date) -> str:
    """The month the address asks for, or this one."""
    asked = request.args.get("month", "")
    try:
        month_bounds(asked)
    except (ValueError, OverflowError):
        return f"{today:%Y-%m}"
    return asked


def month_words(period: str) -> str:
    """What a month is called: "2026-11" is "tháng 11/2026"."""
    return str(_("tháng %(month)s", month=f"{period[5:]}/{period[:4]}"))


MONTHS_BACK = 24


def months_to_choose(today: date, asked: str) -> dict[str, str]:
    """The months of the last two years, the latest first, and the one that is asked for, with what each is called."""
    months = (today.year * 12 + today.month - 1 - back for back in range(MONTHS_BACK))
    known = [f"{month // 12}-{month % 12 + 1:02}" for month in months]
    return {one: month_words(one) for one in (*known, *([] if asked in known else [asked]))}


def levels_asked() -> int | None:
    """How many levels below the unit the address asks for; None: as many as fit."""
    asked = request.args.get("levels", "")
    return 99 if asked == "all" else int(asked) if asked in {"1", "2", "3"} else None


UNTIL, BY_CATEGORY = frozenset({"01", "03", "05"}), frozenset({"01", "02", "03", "05", "register"})
"""The forms that can be told of a day that is over, and of one staff category. By structure and tree all can."""


def figures_asked(form: str) -> Structure | None:
    """What the address asks the form of: a structure, a day that is over, a category; None: of now, by today's tree.

    Raises `NotFound` for what makes no sense, or what the form cannot be told of.
    """
    asked = asked_of(request.args)
    if asked.errors or (asked.until and form not in UNTIL) or (asked.category and form not in BY_CATEGORY):
        raise NotFound
    return asked.structure if asked.filtered else None


def figures_told(of: Subject, form: str = "") -> dict[str, Any]:
    """What a page needs to let this be chosen, the tree where the reader sees both, and to say what was chosen.

    `today`: the address of now, in the tree where one sees the unit.
    """
    asked, me = asked_of(request.args), actor()
    both = me.everywhere(FIGURES) or all(me.unit_ids(FIGURES, tree) for tree in TREES)
    by_category = form in BY_CATEGORY and me.may(NAMES)
    if form not in UNTIL:
        asked.form.on.description = _("Để trống: hôm nay.")
    told = {"asked": asked, "both": both, "until": form in UNTIL, "by_category": by_category}
    today = {} if both or asked.tree == STATE_TREE else {"tree": asked.tree}
    to = papers.told_until(of, month_asked(clock.today())) if form == "05" else None
    return {**told, "today": today, "filters": filter_words(of.structure, to=to) if of.structure is not None else []}


def period_words(period: str) -> str:
    """The month of a kept report, by which structure, until when and whom it counts: see `queries.period_of`."""
    category = queries.category_of(period)
    parts = period.removesuffix(category).split()
    said = [month_words(parts.pop(0))] if parts and len(parts[0]) == len("2026-11") else []
    if parts:
        on, tree, *until = parts
        said += [str(TREE_WORDS[tree])] if tree != STATE_TREE else []
        said.append(_("cơ cấu ngày %(day)s", day=worded(date.fromisoformat(on))))
        said += [_("số liệu đến hết ngày %(day)s", day=worded(date.fromisoformat(one))) for one in until]
    said += [_("chỉ tính %(category)s", category=str(CATEGORIES[category]).lower())] if category else []
    return ", ".join(said)


def made(of: Subject, form: str) -> Paper:
    """The report as the address asks for it."""
    session = get_read_session()
    if form == "01":
        return papers.by_unit(session, of, levels_asked())
    return papers.by_point(session, of) if form == "03" else papers.monthly(session, of, month_asked(clock.today()))


def told(paper: Paper) -> dict[str, object]:
    """What a page needs to show a paper."""
    words = page_words(named(paper))
    lines = [*paper.lines, *([paper.total] if paper.total else [])]
    return {
        "paper": paper,
        "rows": [(line, cells_shown(paper, line, words)) for line in lines],
        "headings": headings(paper.columns),
        "grouped": any(column.group for column in paper.columns),
        "heading": heading,
        "group_heading": group_heading,
        "numbers": NUMBERS,
        "form_name": said(FORMS[paper.form]),
        "remarks": [note for note in paper.notes if paper.form == "01" and note.startswith(ON_FROZEN)],
        "period_words": period_words,
        "definitions": definitions() if paper.form == "01" else [],
        "roll_up": said(ROLL_UP),
    }


def named(paper: Paper, *, noted: bool = False) -> dict[str, str]:
    """The names of those in a paper, for whoever may see names; noted unless that was done with a purpose."""
    ids = people_named(paper)
    if not ids or not actor().may(NAMES):
        return {}
    if not noted:
        by = behind()
        apart(lambda own: actions.note_shown(own, paper, ids, by=by))
    return queries.names_of(get_read_session(), ids)


ROLL_UP = (
    NOTE_ROLL_UP,
    "A unit above is the sum of the people of its units, each person once; a rate is sum over sum, never a mean of "
    "rates. With nobody to count it is “–”; before all are there it is not 100.0.",
)
