"""The five forms: what was read becomes a paper, with headings, definitions and the sentence. Nothing here is SQL."""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from analytics.facts.rules import PER_POINT
from analytics.facts.vocabulary import BY_CODE, FROZEN, IN_FORM_01, METRICS, in_sentence
from analytics.reports import filters, projection
from analytics.reports.queries import Subject, last_frozen, period_of, top_node
from analytics.reports.render import cells_by_activity, done, points, written
from analytics.reports.rules import (
    TEXT,
    Column,
    Line,
    Node,
    Paper,
    Value,
    Words,
    below,
    chosen_wrong,
    correlation,
    levels_that_fit,
    month_bounds,
    numbered,
    shown,
    summed_cells,
    value_of,
)
from analytics.reports.vocabulary import (
    FORMULAS,
    GROUPS,
    GROUPS_05,
    LABELS,
    LABELS_01,
    NOTE_ENTERED_THEN,
    NOTE_FILTERED,
    NOTE_FROZEN,
    NOTE_MONTH_OF_CATEGORY,
    NOTE_NEVER_FROZEN,
    NOTE_NO_MEMBERS_THEN,
    NOTE_NOT_FROZEN_SO,
    NOTE_POINTS_OF_CATEGORY,
    NOTE_POINTS_THEN,
    NOTE_ROLL_UP,
    NOTES,
    NUMBER_WIDTH,
    REGISTER_HEAD,
    STRONG,
    TEN_THOUSAND,
    TITLES,
    WAYS,
    WIDTHS,
    WORDS_OF_CODES,
)
from courses.learning.queries import editions
from lms.clock import day_of, in_vietnam
from lms.organisation.models import PARTY_TREE
from lms.roster.render import CATEGORIES
from lms.web.wording import number, percent

MOST_LINES = 1_000
"""So many lines a page or file shows at once; the worker makes longer ones."""


def by_unit(session: Session, of: Subject, levels: int | None = None, *, most: int = MOST_LINES) -> Paper:
    """Biểu 01. `levels` below the unit, as far as so many lines allow; None: as many as fit on a page."""
    top = top_node(session, of)
    depth = min(levels, levels_that_fit(top, most)) if levels else levels_that_fit(top)
    kept = session.scalar(last_frozen(of.briefing_id)) if of.structure is None else None
    untold = of.by.untold
    rows = [
        Line(node.key, {"place": place, "name": node.name, **cells_of(node, kept, untold)}, depth=own, parent=parent)
        for place, own, parent, node in numbered(top, depth)
    ]
    total = Line(top.key, {"place": "", "name": "TỔNG CỘNG", **cells_of(top, kept, untold)}, parent=True)
    notes = (
        *(f"{metric.name[0]}: {metric.means[0]}" for metric in METRICS if metric.code in EXPLAINED),
        *notes_on_empty(of, kept),
        NOTE_ROLL_UP,
    )
    return paper(of, "01", columns_01(), rows, total, sentence=sentence(of, top), notes=notes)


def notes_on_empty(of: Subject, kept: datetime | None) -> list[str]:
    """Of which frozen roll columns 4 to 6 are, or why they are empty, and what else is."""
    if of.by.untold:
        return [NOTE_FILTERED, *([NOTE_ENTERED_THEN] if of.by.until is not None else [])]
    if of.structure is not None:
        return [NOTE_NOT_FROZEN_SO]
    return [NOTE_FROZEN.format(at=f"{in_vietnam(kept):%H:%M, %d/%m/%Y}") if kept else NOTE_NEVER_FROZEN]


EXPLAINED = frozenset(
    ["points", "roll", "exempt", "people", "briefed", "excused", "unexcused", "score", "completed", "overdue", "state"]
)
"""The metrics whose definitions are printed under Biểu 01; a page opens all."""


def cells_of(node: Node, kept: datetime | None, untold: Container[str]) -> dict[str, Value]:
    """The figures of a unit, and what it has entered; nothing of a frozen roll where none was kept, nor untold."""
    found = {
        one.code: None
        if one.numerator in untold or (one.code in FROZEN and not kept)
        else value_of(node.whole, one.numerator, one.denominator)
        for one in IN_FORM_01
    }
    return {**found, "plan": node.plan, "note": node.note}


def columns_01() -> tuple[Column, ...]:
    """The 25 columns."""
    found = []
    for place, (code, label) in enumerate(LABELS_01.items(), 1):
        metric = BY_CODE.get(code)
        group = GROUPS.get(code, ("", ""))[0]
        found.append(
            Column(
                code,
                label[0],
                metric.shown if metric else TEXT,
                group,
                FORMULAS.get(code, str(place)),
                WIDTHS.get(code, NUMBER_WIDTH),
                code in STRONG,
            )
        )
    return tuple(found)


ALL_BRIEFINGS = "Các đợt học tập, quán triệt trong tháng"
"""What Biểu 05 is about."""


def paper(
    of: Subject,
    form: str,
    columns: Iterable[Column],
    lines: Iterable[Line],
    total: Line | None = None,
    *,
    sentence: str = "",
    notes: Iterable[str] = (),
    period: str = "",
) -> Paper:
    """A report about the subject."""
    title = TITLES[form] + (f" {period[5:]}/{period[:4]}" if period else "")
    if of.structure is not None:
        title, period = f"{title} ({counted_so(of, period)})", period_of(period, of.structure)
    return Paper(
        form=form,
        title=title,
        about=ALL_BRIEFINGS if form == "05" else of.about,
        unit_id=str(of.unit.public_id),
        unit=of.unit.name,
        kind=of.unit.kind,
        above=of.above,
        briefing=of.title,
        at=of.at,
        on=of.by.on,
        columns=tuple(columns),
        lines=tuple(lines),
        total=total,
        sentence=sentence,
        period=period,
        notes=tuple(notes),
    )


def counted_so(of: Subject, month: str = "") -> str:
    """By which structure a report counts whom, and until which day, as its title says it."""
    said, structure = [], of.by
    if structure.then:
        tree = "cây tổ chức đảng, " if structure.tree == PARTY_TREE else ""
        said.append(f"theo {tree}cơ cấu tổ chức ngày {structure.on:%d/%m/%Y}")
    last = told_until(of, month)
    said.append(f"kết quả đến {'hết ' if last < day_of(of.now) else ''}ngày {last:%d/%m/%Y}")
    said += [f"chỉ tính {CATEGORIES[structure.category].lower()}"] if structure.category else []
    said += ["chỉ tính người nay thuộc phạm vi"] if structure.people is not None else []
    return ", ".join(said)


def told_until(of: Subject, month: str = "") -> date:
    """The last day whose results a report has: that of its figures, or the last of the month it is about."""
    last = day_of(of.at)
    return min(last, day_of(month_bounds(month)[1] - timedelta.resolution)) if month else last


def sentence(of: Subject, top: Node) -> str:
    """The summary in the standard shape of reports (domain.md §6(d))."""
    count, here, units = top.whole.count, in_vietnam(of.at), below(top)
    said = (
        f"Đến {here.hour} giờ {here.minute:02} phút ngày {here:%d/%m/%Y}, toàn {in_sentence(of.unit.name)} có "
        f"{number(count.briefed)}/{number(count.people)} cán bộ, đảng viên được học tập, quán triệt {of.about}, đạt "
        f"{percent(count.briefed, count.people)}; {number(count.completed)} người hoàn thành "
        f"({percent(count.completed, count.people)})"
    )
    if units.concerned:
        said += f"; {units.briefed}/{units.concerned} đơn vị đạt 100 %, {units.not_begun} đơn vị chưa triển khai"
    return f"{said}.".replace(" %", "\u00a0%")  # on paper as on the page a figure does not break before its sign


def columns_of(form: str) -> tuple[Column, ...]:
    """The columns of Biểu 02 to 05."""
    groups = GROUPS_05 if form == "05" else {}
    return tuple(
        Column(code, label[0], shown, groups.get(code, ("", ""))[0], width=width)
        for code, (label, shown, width) in LABELS[form].items()
    )


def missing(session: Session, of: Subject) -> Paper:
    """Biểu 02: who has not completed, in the order of names. People are in it by their opaque ids. Restricted."""
    lines = []
    for place, row in enumerate(session.execute(filters.missing_people(of)), 1):
        late = row.due_at is not None and row.due_at < of.now
        cells: dict[str, Value] = {
            "place": str(place),
            "person": str(row.public_id),
            "position": row.position,
            "unit": row.unit,
            "branch": row.branch or "",
            "state": "overdue" if late else row.state,
            "absence": row.absence,
            "due": day_of(row.due_at).isoformat() if row.due_at else "",
            "reminded": row.reminded,
            "reminded_on": day_of(row.reminded_at).isoformat() if row.reminded_at else "",
        }
        lines.append(Line(str(row.public_id), cells))
    return paper(of, "02", columns_of("02"), lines, notes=NOTES["02"])


def by_point(session: Session, of: Subject) -> Paper:
    """Biểu 03: the points that the unit and those below it host; who came to several of a sitting is one in all."""
    summoned = filters.summoned_by_point(session, of)
    lines = []
    rows = session.execute(filters.points_of(of)).all()
    for place, row in enumerate(rows, 1):
        called = summoned.get(row.id, 0)
        cells: dict[str, Value] = {
            "place": str(place),
            "name": row.name,
            "host_unit": row.unit,
            "sitting": row.sitting,
            "summoned": called,
            "present": row.present,
            "excused": row.excused,
            "unexcused": row.unexcused,
            "rate": (row.present, called),
            "host": str(row.host) if row.host else "",
            "connected": row.connected_at.isoformat() if row.connected_at else "",
        }
        lines.append(Line(str(row.public_id), cells))
    total, there = total_of(lines), filters.people_there(session, of)
    total.cells.update(present=there, rate=(there, sum(summoned.get(row.id, 0) for row in rows)))
    notes = [NOTE_POINTS_THEN] if of.by.until is not None else []
    notes += [NOTE_POINTS_OF_CATEGORY] if of.by.category else []
    return paper(of, "03", columns_of("03"), lines, total, notes=(*NOTES["03"], *notes))


def total_of(lines: Iterable[Line]) -> Line:
    """The last row: sums of numbers, and of numerators and denominators apart."""
    return Line("total", {"place": "", "name": "TỔNG CỘNG", **summed_cells(one.cells for one in lines)}, parent=True)


LEAST_ATTEMPTS = 10
"""With fewer a discrimination says nothing."""


def questions(session: Session, of: Subject) -> Paper:
    """Biểu 04: how the questions of the briefing's course did in all attempts handed in. Never for learners."""
    answers: dict[int, list[tuple[Any, int]]] = {}
    for version_id, response, times in session.execute(projection.answers_given(of.course_id)):
        answers.setdefault(version_id, []).append((json.loads(response), times))
    lines = []
    for place, row in enumerate(session.execute(projection.question_figures(of.course_id)), 1):
        letter, times = chosen_wrong(row.kind, row.key, answers.get(row.version_id, ()))
        told = correlation(row.attempts, row.x, row.y, row.xx, row.yy, row.xy)
        index = round(told * PER_POINT) if told is not None and row.attempts >= LEAST_ATTEMPTS else None
        wrong = f"{chr(ord('A') + letter)}. {row.options[letter]}" if letter is not None else ""
        cells: dict[str, Value] = {
            "place": str(place),
            "code": row.code if row.number == 1 else f"{row.code} (bản {row.number})",
            "name": row.stem,
            "attempts": row.attempts,
            "right": (row.right, row.attempts),
            "discrimination": index,
            "wrong": wrong,
            "wrong_rate": (times, row.attempts) if letter is not None else "",
        }
        lines.append(Line(f"{row.code} {row.number}", cells))
    return paper(of, "04", columns_of("04"), lines, notes=NOTES["04"])


def monthly(session: Session, of: Subject, period: str) -> Paper:
    """Biểu 05: a month over all briefings, in the labels of the province's own form, by the units directly below.

    Raises ValueError for what is no month.
    """
    found, untold = filters.month_by_unit(session, of, period), "members" in of.by.untold
    empty: dict[str, Value] = {"member_rate": None} if untold else {}
    lines = [
        Line(key, {"place": str(place), "name": name, **cells, **empty})
        for place, (key, name, cells) in enumerate(found.branches, 1)
    ]
    total = Line("total", {"place": "", "name": "TỔNG CỘNG", **found.total, **empty}, parent=True)
    notes = [NOTE_NO_MEMBERS_THEN] if untold else []
    notes += [NOTE_MONTH_OF_CATEGORY] if of.by.category else []
    return paper(of, "05", columns_of("05"), lines, total, notes=(*NOTES["05"], *notes), period=period)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to the head of a unit, without the name: that is put in when it goes."""

    subject: str
    template: str
    values: Mapping[str, str]


IN_MAIL = ("people", "briefed", "briefed_rate", "completed", "completed_rate", "overdue")
"""The metrics of the catalogue that a mail tells."""

BY_PARTY_TREE = ("theo cây tổ chức đảng", "by the Party tree")


def letter(session: Session, of: Subject, language: str) -> Letter:
    """The summary of a unit as a mail: the sentence, and the numbers as the catalogue calls and shows them.

    By the Party tree it says so, and leads to the page that does.
    """
    top, english, of_party = top_node(session, of), language == "en", of.by.tree == PARTY_TREE
    unit = of.unit.name + f" ({BY_PARTY_TREE[english]})" * of_party
    words = Words({code: pair[english] for code, pair in WORDS_OF_CODES.items()})
    lines = []
    for metric in (BY_CODE[code] for code in IN_MAIL):
        column = Column(metric.code, metric.name[english], metric.shown)
        value = value_of(top.whole, metric.numerator, metric.denominator)
        lines.append(f"{column.label}: {shown(column, value, words)}")
    values = {
        "unit": unit,
        "briefing": of.title,
        "sentence": sentence(of, top),
        "figures": "\n".join(lines),
        "path": f"/reports/units/{of.unit.public_id}" + "?tree=party" * of_party,
    }
    subject = f"Learning figures: {unit}" if english else f"Số liệu học tập, quán triệt: {unit}"
    return Letter(subject, f"analytics.reports/report.{'en' if english else 'vi'}.txt", values)


AT_ONCE = 1_000


def register(session: Session, of: Subject, *, told: Callable[[int], None] = lambda _done: None) -> Iterator[list[str]]:
    """The head, then a row for each person on the roll of the unit and below, in the order of names. Three statements.

    `told` is called with the number of each row. Of a lesson it says whether it is finished, of a test the score that
    counts.
    """
    newest = editions(session, of.course_id)[-1]
    outline = newest.outline
    order = [*(one.activity_id for one in outline.lessons()), *(one.activity_id for one in outline.required_tests())]
    cells = cells_by_activity({activity_id: place for place, activity_id in enumerate(order)})
    lessons = (f"{one.code}. {one.title}" for one in outline.lessons())
    yield [*REGISTER_HEAD, *lessons, *(f"Bài kiểm tra {one.code}" for one in outline.required_tests())]
    rows = session.execute(filters.register_people(of, newest.settings), execution_options={"yield_per": AT_ONCE})
    for place, row in enumerate(rows, 1):
        yield [str(place), *told_of(row), *done(row.done, cells, len(order))]
        told(place)


def told_of(row: Any) -> list[str]:
    """What is known of the person's standing."""
    state = "Được miễn" if row.exempt else "Quá hạn" if row.late else WORDS_OF_CODES[row.state][0]
    return [
        row.full_name,
        row.position,
        row.unit,
        CATEGORIES[row.category],
        "x" if row.member else "",
        state,
        WAYS.get(row.way, ""),
        written(row.due),
        written(row.briefed),
        written(row.completed),
        points(round(row.score * TEN_THOUSAND)) if row.score is not None else "",
    ]
