"""A dashboard in words, cells and bars: what its rows are called, their numbers for a file, the chart over them."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from analytics.dashboard.rules import in_sentence
from analytics.facts.rules import Branch, Change, Count
from analytics.figures.bars import Bar, Part, stacked_shares
from lms.web.wording import percent


def branch_name(branch: Branch) -> str:
    """The name of a row of the table."""
    if branch.itself:
        return str(_("Cơ quan %(unit)s (không kể đơn vị trực thuộc)", unit=in_sentence(branch.name)))
    return branch.name


def figure(branches: Sequence[Branch]) -> dict[str, Any]:
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


def cells(count: Count) -> list[str | int]:
    """The numbers of a row of a file, in the order of its head."""
    briefed, completed = percent(count.briefed, count.people), percent(count.completed, count.people)
    return [count.people, count.started, count.briefed, briefed, count.completed, completed, count.overdue]


def cells_of_week(count: Count, change: Change) -> list[str | int]:
    """Those, then how many were briefed in the last seven days, and how many percentage points that is."""
    return [*cells(count), change.briefed, percent(change.briefed, count.people).removesuffix(" %")]
