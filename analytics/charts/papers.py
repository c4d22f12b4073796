"""What was read becomes charts: for each one sentence, a table, the figure drawn over it, or what is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from analytics.charts import queries
from analytics.charts.rules import STEPS, Day, steps
from analytics.dashboard.queries import Overview
from analytics.dashboard.rules import first_shown, most_urgent
from analytics.facts.rules import FEWEST, Branch, Count, whole_percent
from analytics.figures import plots
from analytics.figures.plots import Bubble, Column, HeatRow, Mark, Series
from courses.briefings.render import called
from courses.catalog.rules import OutlineModule
from lms.clock import day_of
from lms.web.wording import day as worded
from lms.web.wording import decimal, number, percent, scale10

Names = Callable[[Branch[Count]], str]
LABELLED = 3
"""So many of the units to be urged on bear their names in the chart of bubbles."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with what stands beside it: `sentence` says what it shows; `missing` what is not there yet, what to do.

    `notes`: what the heads of its columns stand for.
    """

    title: str
    sentence: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str | int]] = ()
    figure: dict[str, Any] | None = None
    missing: str = ""
    notes: Sequence[str] = field(default_factory=list)


def progress(session: Session, shown: Overview[Count], _name: Names) -> Chart:
    """How many were briefed and had completed it by each day, against all who must study, with the due date."""
    count, days = shown.count, queries.history(session, shown)
    title = _("Tiến độ theo thời gian")
    if not days:
        return Chart(
            title,
            missing=_(
                "Chưa có ai được quán triệt nên chưa có tiến độ để vẽ. Biểu đồ có từ ngày người đầu tiên học xong hoặc "
                "được điểm danh tại điểm cầu; hãy đôn đốc theo danh sách chưa hoàn thành."
            ),
        )
    sentence = _(
        "Đến ngày %(day)s có %(briefed)s/%(people)s người phải học đã được quán triệt (%(share)s), %(completed)s người "
        "hoàn thành; 7 ngày qua thêm %(new)s người được quán triệt.",
        day=worded(shown.now),
        briefed=number(count.briefed),
        people=number(count.people),
        share=percent(count.briefed, count.people),
        completed=number(count.completed),
        new=number(shown.change.briefed),
    )
    head = [_("Ngày"), _("Quán triệt trong ngày"), _("Cộng dồn đã quán triệt (B)"), _("B/A")]
    head += [_("Hoàn thành trong ngày"), _("Cộng dồn hoàn thành (C)"), _("C/A")]
    rows = [day_cells(one, count.people) for one in days]
    return Chart(title, sentence, head, rows, line_of(shown, days))


def day_cells(one: Day, people: int) -> list[str | int]:
    """A row of the table of days."""
    briefed: list[str | int] = [one.briefed, one.briefed_by, percent(one.briefed_by, people)]
    return [worded(one.day), *briefed, one.completed, one.completed_by, percent(one.completed_by, people)]


def line_of(shown: Overview[Count], days: Sequence[Day]) -> dict[str, Any]:
    """The figure: from the day before the first to today."""
    today = day_of(shown.now)
    before, after = [days[0].day - timedelta(days=1)], [today] if today > days[-1].day else []
    last = days[-1]
    briefed = (0, *(one.briefed_by for one in days), *(last.briefed_by for _day in after))
    completed = (0, *(one.completed_by for one in days), *(last.completed_by for _day in after))
    shown_days = [*before, *(one.day for one in days), *after]
    series = [
        Series(_("Phải học (A)"), "--muted", (shown.count.people,) * len(shown_days), dashed=True),
        Series(_("Đã quán triệt (B)"), "--accent-mid", briefed),
        Series(_("Hoàn thành (C)"), "--accent", completed),
    ]
    due = Mark(day_of(shown.due_at), _("Hạn %(day)s", day=f"{day_of(shown.due_at):%d/%m}")) if shown.due_at else None
    return plots.lines(shown_days, series, due, people=_("người"))


def units(_session: Session, shown: Overview[Count], name: Names) -> Chart:
    """Units by their rate and their size."""
    title, known = _("Đơn vị theo tỷ lệ và quy mô"), most_urgent(shown.branches)
    if len(known) < 2:
        return Chart(
            title,
            missing=_(
                "Không có từ hai đơn vị trực thuộc trở lên có người phải học nên không có gì để so sánh. Biểu đồ này "
                "có ở trang của đơn vị cấp trên."
            ),
        )
    lowest = min(known, key=lambda one: one.count.briefed / one.count.people)
    largest = max(known, key=lambda one: one.count.people)
    sentence = _(
        "Trong %(units)s đơn vị có người phải học, %(half)s đơn vị có tỷ lệ đã quán triệt dưới 50 %%; thấp nhất là "
        "%(lowest)s (%(share)s), đông nhất là %(largest)s (%(people)s người).",
        units=number(len(known)),
        half=number(sum(2 * one.count.briefed < one.count.people for one in known)),
        lowest=name(lowest),
        share=percent(lowest.count.briefed, lowest.count.people),
        largest=name(largest),
        people=number(largest.count.people),
    )
    head = [_("Cơ quan, đơn vị"), _("Phải học (A)"), _("Đã quán triệt (B)"), _("B/A"), _("Quá hạn")]
    rows: list[list[str | int]] = [
        [
            name(one),
            one.count.people,
            one.count.briefed,
            percent(one.count.briefed, one.count.people),
            one.count.overdue,
        ]
        for one in known
    ]
    drawn = [bubble_of(one, place < LABELLED) for place, one in enumerate(known)]
    return Chart(
        title, sentence, head, rows, plots.bubbles(drawn, rate=_("Tỷ lệ đã quán triệt"), people=_("Số người phải học"))
    )


def bubble_of(one: Branch[Count], labelled: bool) -> Bubble:
    count = one.count
    words = _(
        "%(share)s (%(briefed)s/%(people)s người)",
        share=percent(count.briefed, count.people),
        briefed=number(count.briefed),
        people=number(count.people),
    )
    return Bubble(one.short_name or one.name, count.people, count.briefed, words, count.overdue > 0, labelled)


def modules(session: Session, shown: Overview[Count], name: Names) -> Chart:
    """Which share of each unit has finished each module of the course."""
    title, versions = _("Chuyên đề đã học xong ở từng đơn vị"), queries.known_editions(session, shown)
    known, count, asked = most_urgent(shown.branches), shown.count, versions[-1].outline.modules
    finished = queries.finished_modules(session, shown, versions)
    sums = [sum(row[place] for row in finished.values()) for place in range(len(asked))]
    if not any(sums):
        return Chart(
            title,
            missing=_(
                "Chưa có ai học xong chuyên đề nào trên hệ thống nên chưa có gì để vẽ. Người dự tại điểm cầu chỉ được "
                "tính ở đây khi cũng học các bài; hãy nhắc mọi người mở khóa học."
            ),
        )
    most, least = max(range(len(asked)), key=sums.__getitem__), min(range(len(asked)), key=sums.__getitem__)
    sentence = _(
        "Trong %(people)s người phải học, chuyên đề %(most)s được nhiều người học xong nhất (%(most_share)s), chuyên "
        "đề %(least)s ít nhất (%(least_share)s).",
        people=number(count.people),
        most=most + 1,
        most_share=percent(sums[most], count.people),
        least=least + 1,
        least_share=percent(sums[least], count.people),
    )
    head = [
        _("Cơ quan, đơn vị"),
        _("Phải học (A)"),
        *(_("Chuyên đề %(n)s", n=place + 1) for place in range(len(asked))),
    ]
    rows = [module_cells(name(one), one.count.people, finished[one.public_id]) for one in known]
    rows.append(module_cells(_("Tổng cộng"), count.people, sums))
    drawn = [heat_row(name(one), one, finished[one.public_id], asked) for one in known[: first_shown(known)]]
    figure = plots.heat(drawn, [str(place + 1) for place in range(len(asked))], over=_("Chuyên đề"))
    return Chart(title, sentence, head, rows, figure, notes=[module_title(*one) for one in enumerate(asked, 1)])


def module_cells(name: str, people: int, finished: Sequence[int]) -> list[str | int]:
    """A row of the table of modules."""
    return [name, people, *(f"{percent(one, people)} ({number(one)})" for one in finished)]


def heat_row(name: str, one: Branch[Count], finished: Sequence[int], asked: Sequence[OutlineModule]) -> HeatRow:
    people = one.count.people
    words = tuple(
        f"{name}: {module_title(place + 1, asked[place])}: {percent(done, people)} ({number(done)}/{number(people)})"
        for place, done in enumerate(finished)
    )
    shares = tuple(done / people for done in finished)
    written = tuple(f"{whole_percent(share)} %" for share in shares)
    return HeatRow(name, one.short_name or name, shares, written, words)


def module_title(place: int, module: OutlineModule) -> str:
    """The title of a module in the reader's language, with its place in the course."""
    title = module.title_en if str(get_locale()) == "en" and module.title_en else module.title
    return str(_("Chuyên đề %(n)s: %(title)s", n=place, title=title))


def scores(session: Session, shown: Overview[Count], _name: Names) -> Chart:
    """How the scores of those who have taken all required tests are spread, with the pass mark."""
    title, count = _("Phân bố điểm kiểm tra"), shown.count
    if "score" in shown.structure.untold:
        return Chart(title, missing=not_told(shown))
    found = steps(queries.scores(session, shown))
    if not found:
        return Chart(title, missing=too_few(count.scored))
    mark, others = queries.pass_marks(session, shown, queries.known_editions(session, shown))
    sentence = _(
        "%(scored)s người đã làm đủ bài kiểm tra bắt buộc, điểm bình quân %(mean)s trên 10; %(tested)s người đạt "
        "từng bài (điểm đạt là %(mark)s).",
        scored=number(count.scored),
        mean=decimal(count.mean_score or 0),
        tested=number(count.tested),
        mark=marks_words(mark, others),
    )
    head = [_("Điểm"), _("Số người"), _("Tỷ lệ")]
    rows: list[list[str | int]] = [
        [step_words(one.low, one.high), one.people, percent(one.people, count.scored)] for one in found
    ]
    line = Mark(mark * 10, _("Điểm đạt %(mark)s", mark=scale10(mark)))
    drawn = [Column(one.low, one.high, one.people) for one in found]
    figure = plots.columns(drawn, line, points=_("Điểm (thang 10)"), people=_("người"))
    notes = [
        _(
            "Điểm của một người là bình quân các bài kiểm tra bắt buộc, mỗi bài lấy kết quả được tính; phải đạt từng "
            "bài mới là đạt, nên điểm bình quân cao vẫn có thể còn bài chưa đạt."
        ),
        _("Khoảng có dưới %(n)s người được gộp với khoảng bên cạnh, để không lộ điểm của từng người.", n=FEWEST),
    ]
    return Chart(title, sentence, head, rows, figure, notes=notes)


def marks_words(mark: float, others: Mapping[str, float]) -> str:
    """The pass mark, and those of the staff categories of whom another is asked: "7; riêng cán bộ: 9"."""
    words = [scale10(mark)]
    words += [_("riêng %(category)s: %(mark)s", category=called(one), mark=scale10(own)) for one, own in others.items()]
    return "; ".join(words)


def not_told(shown: Overview[Count]) -> str:
    """Why scores are not told of a day that is over, nor of a staff category."""
    if shown.structure.until is not None:
        return str(
            _(
                "Điểm không nêu theo ngày đã qua: lấy số của hai ngày trừ cho nhau có thể lộ điểm của từng người. Hãy "
                "xem ở số liệu hiện nay."
            )
        )
    return str(
        _(
            "Điểm chỉ nêu chung cho mọi loại cán bộ: lấy số chung trừ số của một loại có thể lộ điểm của vài người còn "
            "lại. Hãy bỏ lọc theo loại cán bộ."
        )
    )


def too_few(scored: int) -> str:
    """Why there is no chart of scores, and what to do."""
    if scored:
        return str(
            _(
                "Mới có %(scored)s người làm đủ bài kiểm tra bắt buộc; dưới %(n)s người thì không vẽ, để không lộ điểm "
                "của từng người. Hãy xem ở đơn vị cấp trên hoặc khi có thêm người làm bài.",
                scored=number(scored),
                n=FEWEST,
            )
        )
    return str(
        _(
            "Chưa có ai làm đủ bài kiểm tra bắt buộc nên chưa có điểm để vẽ. Hãy nhắc những người đã học xong làm bài "
            "kiểm tra."
        )
    )


def step_words(low: int, high: int) -> str:
    """From which score to which."""
    if high == STEPS:
        return str(_("Từ %(low)s đến %(high)s", low=low, high=high))
    return str(_("Từ %(low)s đến dưới %(high)s", low=low, high=high))


CHARTS: dict[str, Callable[[Session, Overview[Count], Names], Chart]] = {
    "progress": progress,
    "units": units,
    "modules": modules,
    "scores": scores,
}
"""The charts of a unit, in the order in which they stand on the page."""
