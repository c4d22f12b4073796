"""The page of charts of a unit in a briefing, and the table of each as a file."""

import uuid
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from analytics.charts.papers import CHARTS
from analytics.dashboard.protocol import FIGURES, figures_of, file_of, shown_figures
from analytics.dashboard.queries import Overview
from analytics.dashboard.render import branch_name
from analytics.facts.rules import Count
from lms.db import get_session
from lms.web.acting import NotFound
from lms.web.feature import Feature
from lms.web.gate import needs

bp = Feature("charts", __name__, url_prefix="/dashboard", within="dashboard")


@bp.get("/units/<uuid:unit_id>/charts")
@needs(FIGURES)
def unit(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Four charts over their tables; where nothing is given or the unit did not stand, the same words as its page."""
    return shown_figures(unit_id, charts_page, Count)


def charts_page(shown: Overview[Count], common: dict[str, Any]) -> str:
    """The page of the charts."""
    charts = {code: draw(get_session(), shown, branch_name) for code, draw in CHARTS.items()}
    return render_template("charts/unit.html", **common, charts=charts)


@bp.get("/units/<uuid:unit_id>/charts/<chart>.csv")
@needs(FIGURES)
def table(unit_id: uuid.UUID, chart: str) -> ResponseReturnValue:
    """The table of a chart for a spreadsheet."""
    if chart not in CHARTS:
        raise NotFound
    looked, shown = figures_of(unit_id)
    drawn = CHARTS[chart](get_session(), shown, branch_name)
    rows = [drawn.head, *drawn.rows, *([note] for note in (*drawn.notes, drawn.missing) if note)]
    return file_of(looked, rows, f"bieu-do-{chart}_{shown.unit.code}_{shown.briefing.code}", column=0)
