"""Horizontal bars of shares, as plain values: counts in, a figure for Plotly out. Colours are named as in the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from lms.web.wording import number, percent

ROW = 54
"""Height of one bar with its label above it."""

LONGEST = 60
"""Letters of a label that still fit above a bar on a desk."""

LONGEST_ON_A_PHONE = 28
"""Letters of a label that still fit above a bar on a phone, beside its figure."""

LAYOUT: dict[str, Any] = {
    "barmode": "stack",
    "showlegend": False,
    "margin": {"l": 2, "r": 2, "t": 24, "b": 34, "pad": 0},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"color": "var(--ink)", "size": 14},
    "dragmode": False,
    "hovermode": "closest",
    "hoverlabel": {
        "align": "left",
        "bgcolor": "var(--surface)",
        "bordercolor": "var(--edge)",
        "font": {"color": "var(--ink)", "size": 14},
    },
    "legend": {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "traceorder": "normal",
        "itemclick": False,
        "itemdoubleclick": False,
    },
    "xaxis": {
        "range": [0, 100],
        "fixedrange": True,
        "tickvals": [0, 25, 50, 75, 100],
        "ticktext": ["", "25 %", "50 %", "75 %", ""],
        "gridcolor": "var(--line)",
        "zeroline": False,
    },
}
"""What all these figures share. Dragging zooms nothing, so that a finger on the chart scrolls the page."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one colour stands for. `color` is a custom property of the stylesheet, such as "--accent"."""

    name: str
    color: str
    opacity: float = 1.0
    striped: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: its name, a shorter one for narrow places, how many there are of each part, and the figure beside it.

    `late` of those in the last parts have let their day pass: a line under the end of the bar says how many.
    """

    name: str
    short_name: str
    counts: tuple[int, ...]
    beside: str
    late: int = 0


def stacked_shares(bars: Sequence[Bar], parts: Sequence[Part], *, late: str, people: str) -> dict[str, Any]:
    """Each bar is the whole of its row, divided into `parts`; rows that count nobody are left out.

    `late` is what being late is called, `people` the word after a number. Names are taken as text: what looks like
    markup is shown as it was written. The label of a row has as its `name` the words for a phone.
    """
    shown = [bar for bar in bars if sum(bar.counts)]
    traces = [trace(shown, place, part, people) for place, part in enumerate(parts)]
    return {
        "data": [*traces, late_line(shown, late, people)],
        "layout": {
            **LAYOUT,
            "height": ROW * len(shown) + 74,
            "yaxis": {"range": [len(shown) - 0.5, -0.75], "fixedrange": True, "visible": False},
            "annotations": [note for place, bar in enumerate(shown) for note in labels(place, bar)],
        },
    }


def trace(bars: Sequence[Bar], place: int, part: Part, people: str) -> dict[str, Any]:
    """One part of every bar."""
    marker: dict[str, Any] = {"color": f"var({part.color})", "line": {"width": 0}}
    if part.striped:
        marker["pattern"] = {"shape": "/", "fgcolor": "var(--accent)", "size": 6, "solidity": 0.25}
    return {
        "type": "bar",
        "orientation": "h",
        "name": escape(part.name, quote=False),
        "x": [round(100 * bar.counts[place] / sum(bar.counts), 3) for bar in bars],
        "y": list(range(len(bars))),
        "width": 0.4,
        "opacity": part.opacity,
        "marker": marker,
        "customdata": [hover(bar, part.name, bar.counts[place], people) for bar in bars],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def late_line(bars: Sequence[Bar], name: str, people: str) -> dict[str, Any]:
    """A thin red line under the end of each bar, as long as the share of those who are late."""
    shares = [round(100 * bar.late / sum(bar.counts), 3) for bar in bars]
    return {
        "type": "bar",
        "orientation": "h",
        "name": escape(name, quote=False),
        "x": shares,
        "base": [round(100 - share, 3) for share in shares],
        "y": [place + 0.29 for place in range(len(bars))],
        "width": 0.1,
        "marker": {"color": "var(--red)", "line": {"width": 0}},
        "customdata": [hover(bar, name, bar.late, people) for bar in bars],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def hover(bar: Bar, name: str, count: int, people: str) -> str:
    """What is shown when one points at a part of a bar."""
    words = f"{name}: {number(count)} {people} ({percent(count, sum(bar.counts))})"
    return f"{escape(bar.name, quote=False)}<br>{escape(words, quote=False)}"


def labels(place: int, bar: Bar) -> list[dict[str, Any]]:
    """The name above the left end of a bar and its figure above the right end."""
    common = {
        "y": place - 0.22,
        "yanchor": "bottom",
        "xref": "x",
        "yref": "y",
        "showarrow": False,
        "bgcolor": "var(--paper)",
    }
    figure = {"weight": 700, "color": "var(--red)" if bar.late else "var(--ink)"}
    long, short = (escape(fitting(bar, longest), quote=False) for longest in (LONGEST, LONGEST_ON_A_PHONE))
    return [
        {**common, "x": 0, "xanchor": "left", "text": long, "name": short, "align": "left"},
        {**common, "x": 100, "xanchor": "right", "text": escape(bar.beside, quote=False), "font": figure},
    ]


def fitting(bar: Bar, longest: int) -> str:
    """The name, or the shorter one, or as many of its words as fit."""
    name = bar.name if len(bar.name) <= longest else bar.short_name
    return name if len(name) <= longest else name[:longest].rpartition(" ")[0][: longest - 1] + "…"
