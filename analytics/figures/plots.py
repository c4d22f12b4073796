"""Charts over time, of units and of scores, as plain values: numbers in, figures for Plotly out.

Words are taken as text: what looks like markup is shown as it was written. Colours are named as in the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from math import log10
from typing import Any

from analytics.figures.bars import LAYOUT, LONGEST, LONGEST_ON_A_PHONE, Bar, fitting
from lms.web.wording import day as worded
from lms.web.wording import decimal, number

SHARED = {name: value for name, value in LAYOUT.items() if name not in {"barmode", "xaxis"}} | {"separators": ",."}
AXIS: dict[str, Any] = {"fixedrange": True, "gridcolor": "var(--line)", "zeroline": False, "automargin": True}
HEIGHT = 380
DARK = 75
SHADES = [
    [0, "var(--accent-soft)"],
    [DARK / 100 - 0.0001, "var(--accent-mid)"],
    [DARK / 100, "var(--accent)"],
    [1, "var(--accent-strong)"],
]
"""From `DARK` percent on a cell is dark."""

WIDEST, ROOM = 44, 1.12
"""The largest bubble in pixels; how much longer than the largest value an axis is."""

FAR_APART = 20
"""From so many times the smallest the largest unit is drawn on a logarithmic axis."""


def text(words: str) -> str:
    return escape(words, quote=False)


@dataclass(frozen=True, slots=True)
class Series:
    """A line over the days: its name, its colour, and its value at each day."""

    name: str
    color: str
    values: tuple[int, ...]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across a chart that says what it stands for."""

    at: Any
    words: str
    color: str = "--red"


def lines(days: Sequence[date], series: Sequence[Series], mark: Mark | None, *, people: str) -> dict[str, Any]:
    """Numbers that stay as they are from one day to the next, and a day that is marked."""
    shown = [one.isoformat() for one in days]
    last = max(days[-1], mark.at) if mark is not None else days[-1]
    ends = [(days[0] - timedelta(days=1)).isoformat(), (last + timedelta(days=2)).isoformat()]
    top = max((max(one.values) for one in series), default=1)
    return {
        "data": [line(shown, one, people) for one in series],
        "layout": {
            **SHARED,
            "height": HEIGHT,
            "showlegend": True,
            "margin": {"l": 8, "r": 8, "t": 56, "b": 40, "pad": 0},
            "xaxis": {**AXIS, "type": "date", "range": ends, "tickformat": "%d/%m", "nticks": 7},
            "yaxis": {**AXIS, "range": [0, top * ROOM], "tickformat": ",d", "nticks": 6},
            "shapes": [upright(mark.at.isoformat(), mark)] if mark is not None else [],
            "annotations": [beside(mark.at.isoformat(), mark)] if mark is not None else [],
        },
    }


def line(days: Sequence[str], one: Series, people: str) -> dict[str, Any]:
    values = [f"{text(one.name)}: {number(value)} {text(people)}" for value in one.values]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": text(one.name),
        "x": list(days),
        "y": list(one.values),
        "line": {"shape": "hv", "width": 3, "color": f"var({one.color})", "dash": "dot" if one.dashed else "solid"},
        "customdata": [
            f"{worded(date.fromisoformat(day))}<br>{words}" for day, words in zip(days, values, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def upright(at: Any, mark: Mark) -> dict[str, Any]:
    """A line from bottom to top."""
    ends = {"x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", **ends, "line": {"color": f"var({mark.color})", "width": 2, "dash": "dash"}}


def beside(at: Any, mark: Mark) -> dict[str, Any]:
    """Its words, at the upper end, on the side where there is room."""
    font = {"color": f"var({mark.color})", "size": 14}
    common = {"y": 1, "yref": "paper", "yanchor": "top", "xanchor": "right", "showarrow": False}
    return {"x": at, **common, "xshift": -4, "text": text(mark.words), "font": font}


@dataclass(frozen=True, slots=True)
class Bubble:
    """A unit: how many people, how many of them are briefed, what is said of it, and whether it is late."""

    name: str
    people: int
    briefed: int
    words: str
    late: bool = False
    labelled: bool = False


def bubbles(units: Sequence[Bubble], *, rate: str, people: str) -> dict[str, Any]:
    """Each unit where its rate and its number of people meet, as large as it is; the words name both axes."""
    largest, smallest = max(one.people for one in units), min(one.people for one in units)
    wide = largest > FAR_APART * smallest
    scale: dict[str, Any] = {"type": "log", "dtick": 1} if wide else {"range": [0, largest * ROOM * 1.1]}
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "cliponaxis": False,
                "x": [round(100 * one.briefed / one.people, 3) for one in units],
                "y": [one.people for one in units],
                "marker": discs(units, largest),
                "customdata": [f"{text(one.name)}<br>{text(one.words)}" for one in units],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        ],
        "layout": {
            **SHARED,
            "height": HEIGHT + 40,
            "margin": {"l": 8, "r": 16, "t": 24, "b": 56, "pad": 0},
            "xaxis": {
                **AXIS,
                "range": [-4, 104],
                "tickvals": [0, 25, 50, 75, 100],
                "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"],
                "title": {"text": text(rate), "standoff": 10},
            },
            "yaxis": {**AXIS, **scale, "tickformat": ",d", "title": {"text": text(people), "standoff": 14}},
            "annotations": names_beside(units, largest, smallest, logarithmic=wide),
        },
    }


ON_A_DESK, ON_A_PHONE = 900, 250
"""About how many pixels the chart of bubbles is wide between its axes, so that names know where there is room."""
TALL, LETTER, TALL_LETTER = HEIGHT - 60, 7.2, 18


@dataclass(frozen=True, slots=True)
class Box:
    """A place in a chart, in pixels from its lower left corner."""

    left: float
    low: float
    right: float
    top: float

    def meets(self, other: "Box") -> bool:
        """Whether something of both stands at the same place."""
        return self.left < other.right and other.left < self.right and self.low < other.top and other.low < self.top


def names_beside(units: Sequence[Bubble], largest: int, smallest: int, *, logarithmic: bool) -> list[dict[str, Any]]:
    """The names of the labelled units above or below their bubbles, those first that come first.

    A name that would stand on another name or bubble, or leave the chart, is left out: the table below has them all.
    What fits on a phone stands in `name`, "" where nothing does.
    """
    ends = (log10(smallest) - 0.2, log10(largest) + 0.2) if logarithmic else (0, largest * ROOM * 1.1)
    heights = [log10(one.people) if logarithmic else one.people for one in units]
    places = [
        ((104 * one.briefed / one.people + 4) / 108, (height - ends[0]) / (ends[1] - ends[0]))
        for one, height in zip(units, heights, strict=True)
    ]
    radii = [max(WIDEST * (one.people / largest) ** 0.5 / 2, 4) for one in units]
    taken = {wide: [disc_at(*one, wide) for one in zip(places, radii, strict=True)] for wide in (ON_A_DESK, ON_A_PHONE)}
    found = []
    for one, height, place, radius in zip(units, heights, places, radii, strict=True):
        for shift in (radius + 2, -radius - 2) if one.labelled else ():
            boxes = {wide: box_at(place, one.name, wide, shift) for wide in taken}
            free = {wide: is_free(box, wide, taken[wide]) for wide, box in boxes.items()}
            if any(free.values()):
                for wide in taken:
                    taken[wide] += [boxes[wide]] * free[wide]
                words = {wide: text(one.name) * free[wide] for wide in taken}
                found.append(name_at(100 * one.briefed / one.people, height, shift, words))
                break
    return found


def disc_at(at: tuple[float, float], radius: float, wide: int) -> Box:
    """Where a bubble stands."""
    x, y = at[0] * wide, at[1] * TALL
    return Box(x - radius, y - radius, x + radius, y + radius)


def box_at(at: tuple[float, float], name: str, wide: int, shift: float) -> Box:
    """Where a name stands that is centred so many pixels above (or, below nought, below) a place."""
    middle, half, near = at[0] * wide, len(name) * LETTER / 2, at[1] * TALL + shift
    far = near + (TALL_LETTER if shift > 0 else -TALL_LETTER)
    return Box(middle - half, min(near, far), middle + half, max(near, far))


def is_free(box: Box, wide: int, taken: Sequence[Box]) -> bool:
    """Whether a name has its place for itself, and does not leave the chart by more than the margin has room for."""
    return box.left > -48 and box.right < wide + 16 and box.low > 0 and not any(box.meets(one) for one in taken)


def name_at(x: float, y: float, shift: float, words: dict[int, str]) -> dict[str, Any]:
    """A name without an arrow; "name" is what stands there on a phone."""
    where = {"x": round(x, 3), "y": y, "yshift": round(shift, 1), "yanchor": "bottom" if shift > 0 else "top"}
    font = {"size": 13, "color": "var(--ink)"}
    return {**where, "text": words[ON_A_DESK], "name": words[ON_A_PHONE], "showarrow": False, "font": font}


def discs(units: Sequence[Bubble], largest: int) -> dict[str, Any]:
    """How large and in which colour each unit is drawn: its area is its number of people."""
    return {
        "size": [one.people for one in units],
        "sizemode": "area",
        "sizeref": 2 * largest / WIDEST**2,
        "sizemin": 4,
        "opacity": 0.75,
        "color": ["var(--red)" if one.late else "var(--accent-mid)" for one in units],
        "line": {"width": 1, "color": "var(--surface)"},
    }


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A unit and the share of its people, 0 to 1, in each column, as it is written there, and what is said of each."""

    name: str
    short_name: str
    shares: tuple[float, ...]
    written: tuple[str, ...]
    words: tuple[str, ...]


def heat(rows: Sequence[HeatRow], columns: Sequence[str], *, over: str) -> dict[str, Any]:
    """Shares as cells, the darker the larger, under the name of their row. `over`: what the columns are."""
    return {
        "data": [
            {
                "type": "heatmap",
                "x": list(range(len(columns))),
                "y": list(range(len(rows))),
                "z": [[round(100 * share, 1) for share in row.shares] for row in rows],
                "zmin": 0,
                "zmax": 100,
                "colorscale": SHADES,
                "showscale": False,
                "xgap": 3,
                "ygap": 26,
                "customdata": [list(map(text, row.words)) for row in rows],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        ],
        "layout": {
            **SHARED,
            "height": 60 * len(rows) + 72,
            "margin": {"l": 2, "r": 2, "t": 56, "b": 8, "pad": 0},
            "xaxis": {
                "side": "top",
                "fixedrange": True,
                "showgrid": False,
                "zeroline": False,
                "tickvals": list(range(len(columns))),
                "ticktext": list(map(text, columns)),
                "title": {"text": text(over), "standoff": 4},
                "range": [-0.5, len(columns) - 0.5],
            },
            "yaxis": {"range": [len(rows) - 0.5, -0.75], "fixedrange": True, "visible": False},
            "annotations": [note for place, row in enumerate(rows) for note in (label(place, row), *cells(place, row))],
        },
    }


def cells(place: int, row: HeatRow) -> list[dict[str, Any]]:
    """What is written in the cells of a row, light on the dark ones."""
    common = {"y": place, "showarrow": False}
    return [
        {
            **common,
            "x": column,
            "text": text(words),
            "font": {"color": "var(--on-accent)" if round(100 * share, 1) >= DARK else "var(--ink)", "size": 13},
        }
        for column, (share, words) in enumerate(zip(row.shares, row.written, strict=True))
    ]


def label(place: int, row: HeatRow) -> dict[str, Any]:
    """The name of a row above its left end; as its `name` the words for a phone."""
    bar = Bar(row.name, row.short_name, (), "")
    long, short = (text(fitting(bar, longest)) for longest in (LONGEST, LONGEST_ON_A_PHONE + 8))
    at = {"x": 0, "xref": "paper", "xanchor": "left", "y": place - 0.29, "yref": "y", "yanchor": "bottom"}
    return {**at, "text": long, "name": short, "showarrow": False, "align": "left"}


@dataclass(frozen=True, slots=True)
class Column:
    """So many people have from `low` to `high` points of ten."""

    low: int
    high: int
    people: int


def columns(bins: Sequence[Column], mark: Mark | None, *, points: str, people: str) -> dict[str, Any]:
    """How many people have how many points; those who do not reach the mark are paler."""
    paler = [mark is not None and one.high <= mark.at for one in bins]
    top = max((one.people for one in bins), default=1)
    return {
        "data": [
            {
                "type": "bar",
                "x": [(one.low + one.high) / 2 for one in bins],
                "width": [one.high - one.low - 0.08 for one in bins],
                "y": [one.people for one in bins],
                "text": [number(one.people) if one.people else "" for one in bins],
                "textposition": "outside",
                "cliponaxis": False,
                "marker": {"color": ["var(--accent-mid)" if pale else "var(--accent)" for pale in paler]},
                "customdata": [
                    f"{decimal(one.low, 0)}–{decimal(one.high, 0)} {text(points)}: {number(one.people)} {text(people)}"
                    for one in bins
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        ],
        "layout": {
            **SHARED,
            "height": HEIGHT,
            "margin": {"l": 8, "r": 8, "t": 40, "b": 56, "pad": 0},
            "xaxis": {**AXIS, "range": [-0.1, 10.1], "dtick": 1, "showgrid": False, "title": {"text": text(points)}},
            "yaxis": {**AXIS, "range": [0, top * 1.25], "tickformat": ",d", "nticks": 6},
            "shapes": [upright(mark.at, mark)] if mark is not None else [],
            "annotations": [beside(mark.at, mark)] if mark is not None else [],
        },
    }
