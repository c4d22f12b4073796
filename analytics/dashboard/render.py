"""A dashboard in words, cells and bars: what its rows are called, their numbers on a page and in a file, the chart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup

from analytics.dashboard.rules import in_sentence, unit_state
from analytics.facts.rules import Branch, Change, Headline
from analytics.figures.bars import Bar, Part, stacked_shares
from lms.web.wording import exact_percent, number, percent


def branch_name(branch: Branch[Headline]) -> str:
    """The name of a row of the table."""
    if branch.itself:
        return str(_("Cơ quan %(unit)s (không kể đơn vị trực thuộc)", unit=in_sentence(branch.name)))
    return branch.name


def figure(branches: Sequence[Branch[Headline]]) -> dict[str, Any]:
    """The rows of the table as bars, in the same order and the same colours."""
    parts = (
        Part(_("Hoàn thành"), "--accent"),
        Part(_("Đã quán triệt, chưa hoàn thành"), "--accent-mid"),
        Part(_("Đang học"), "--accent-soft", striped=True),
        Part(_("Chưa học"), "--line"),
    )
    bars = []
    for one in branches:
        state, name = one.count.by_state, branch_name(one)
        counts = (state["completed"], state["briefed"], state["in_progress"], state["not_started"])
        short_name = str(_("Cơ quan %(unit)s", unit=one.short_name)) if one.itself else one.short_name
        bars.append(Bar(name, short_name, counts, percent(one.count.briefed, one.count.people), one.count.overdue))
    return stacked_shares(bars, parts, late=_("Quá hạn"), people=_("người"))


def cells(count: Headline) -> list[str | int]:
    """The numbers of a row of a file, in the order of its head."""
    briefed, completed = percent(count.briefed, count.people), percent(count.completed, count.people)
    return [count.people, count.started, count.briefed, briefed, count.completed, completed, count.overdue]


def cells_of_week(count: Headline, change: Change) -> list[str | int]:
    """Those, then how many were briefed in the last seven days, and how many percentage points that is."""
    return [*cells(count), change.briefed, percent(change.briefed, count.people).removesuffix(" %")]


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides how a row of the table is written, whatever its numbers are.

    `leads`: its name leads to its own page. `opens`: its numbers do. `alone`: they are of the unit without those below.
    `parts`: the states in which there is somebody.
    """

    leads: bool
    opens: bool
    alone: bool
    state: str
    parts: tuple[str, ...]
    late: bool
    lately: bool


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the table as a page shows it."""

    shape: Shape
    values: Mapping[str, str]


PARTS = ("completed", "briefed", "in_progress", "not_started")
"""The states of people in the order in which the bar of a unit has them."""


def table_row(branch: Branch[Headline]) -> TableRow:
    """A branch as a row."""
    leads, own = branch.open and not branch.itself, str(branch.public_id)
    return counted_row(branch_name(branch), own, branch.count, branch.change, leads, branch.open, branch.itself)


def counted_row(
    name: str, own: str, count: Headline, change: Change, leads: bool = False, opens: bool = True, alone: bool = False
) -> TableRow:
    """A row of that name; `own` is the id in the addresses it leads to."""
    people = count.by_state
    parts = tuple(one for one in PARTS if people[one])
    shape = Shape(leads, opens, alone, unit_state(count), parts, count.overdue > 0, change.briefed > 0)
    values = {
        "own": own,
        "name": name,
        "rate": exactly(count.briefed, count.people),
        "briefed": number(count.briefed),
        "people": number(count.people),
        "lately": number(change.briefed),
        "lately_rate": exactly(change.briefed, count.people).removesuffix("\u00a0%"),
        "completed": number(count.completed),
        "completed_rate": exactly(count.completed, count.people),
        "overdue": number(count.overdue),
    }
    return TableRow(shape, {**values, **dict(places_in_bar(count, parts))})


def places_in_bar(count: Headline, parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Where each part of the bar of a unit begins and how wide it is, out of 100; then those who are late."""
    scale, people = 100 / (count.people or 1), count.by_state
    begins: float = 0
    for one in parts:
        width = people[one] * scale
        yield f"{one}_x", str(round(begins, 2))
        yield f"{one}_w", str(round(width, 2))
        begins += width
    yield "overdue_x", str(round(100 - count.overdue * scale, 2))
    yield "overdue_w", str(round(count.overdue * scale, 2))


def exactly(part: int, whole: int) -> str:
    """A share for a column of figures, which does not break before its sign."""
    return exact_percent(part, whole).replace(" ", "\u00a0")


def writer(pattern: Callable[[Shape], Markup]) -> Callable[[TableRow], Markup]:
    """How rows are written by a macro that is asked once for each shape, and says `%(name)s` where a value stands.

    To ask a macro for every one of 160 rows cost half of what the page of a province did. Values are escaped, for the
    pattern is markup.
    """
    ready = cache(pattern)
    return lambda row: ready(row.shape) % row.values
