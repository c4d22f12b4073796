"""Horizontal bars of shares, as plain values: counts in, a figure for Plotly out. Colours are named as in the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from lms.web.wording import number, percent

ROW = 50
"""Height of one bar with its label above it."""

LONGEST = 38
"""Letters of a label that still fit above a bar on a phone."""

LAYOUT: dict[str, Any] = {
    "barmode": "stack",
    "margin": {"l": 2, "r": 2, "t": 60, "b": 34, "pad": 0},
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
    """One row: its name, a shorter one for narrow places, how many there are of each part, and the figure beside it."""

    name: str
    short_name: str
    counts: tuple[int, ...]
    beside: str


LEGEND = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1,
    "yanchor": "bottom",
    "traceorder": "normal",
    "itemclick": False,
    "itemdoubleclick": False,
}
"""What the parts are called, in a row above the bars; a press on it hides nothing."""


def stacked_shares(bars: Sequence[Bar], parts: Sequence[Part], *, people: str) -> dict[str, Any]:
    """Each bar is the whole of its row, divided into `parts`; rows that count nobody are left out.

    `people` is the word after a number. Names are taken as text: what looks like markup is shown as it was written.
    """
    shown = [bar for bar in bars if sum(bar.counts)]
    return {
        "data": [trace(shown, place, part, people) for place, part in enumerate(parts)],
        "layout": {
            **LAYOUT,
            "height": ROW * len(shown) + 110,
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
        "customdata": [hover(bar, place, part, people) for bar in bars],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def hover(bar: Bar, place: int, part: Part, people: str) -> str:
    """What is shown when one points at a part of a bar."""
    count = bar.counts[place]
    words = f"{part.name}: {number(count)} {people} ({percent(count, sum(bar.counts))})"
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
    return [
        {**common, "x": 0, "xanchor": "left", "text": escape(fitting(bar), quote=False), "align": "left"},
        {**common, "x": 100, "xanchor": "right", "text": escape(bar.beside, quote=False), "font": {"weight": 700}},
    ]


def fitting(bar: Bar) -> str:
    """The name, or the shorter one, or as many of its words as fit."""
    name = bar.name if len(bar.name) <= LONGEST else bar.short_name
    return name if len(name) <= LONGEST else name[:LONGEST].rpartition(" ")[0][: LONGEST - 1] + "…"
