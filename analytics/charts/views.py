"""The page of charts of a unit in a briefing, and the table of each as a file."""

import uuid

from flask import render_template
from flask.typing import ResponseReturnValue

from analytics.charts.papers import CHARTS
from analytics.dashboard import queries
from analytics.dashboard.access import ancestors_in_scope
from analytics.dashboard.protocol import FIGURES, answered, chosen, figures_of, file_of, looked_at, title
from analytics.dashboard.render import branch_name
from courses.enrolment.access import ASSIGN
from lms import clock
from lms.db import get_session
from lms.web.acting import NotFound, actor
from lms.web.feature import Feature
from lms.web.gate import needs

bp = Feature("charts", __name__, url_prefix="/dashboard", within="dashboard")


@bp.get("/units/<uuid:unit_id>/charts")
@needs(FIGURES)
def unit(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Four charts over their tables; where nothing is given or the unit did not stand, the same words as its page."""
    own, me = get_session(), actor()
    looked = looked_at(unit_id, FIGURES)
    if looked.absent:
        return render_template("dashboard/not_then.html", **looked.told)
    one, then, structure, now = looked.unit, looked.then, looked.structure, looked.now
    above = ancestors_in_scope(own, me, FIGURES, one, on=clock.today()) if then is None else then.above
    briefings = queries.briefings_given(own, one, structure)
    briefing = chosen(briefings, one, structure)
    common = {**looked.told, "above": above, "briefings": briefings, "briefing": briefing, "title": title}
    if briefing is None:
        return render_template("dashboard/not_assigned.html", **common, may_assign=me.may(ASSIGN)), answered(looked)
    shown = queries.overview(own, one, briefing, structure, now=now, seen=then.seen if then else None)
    charts = {code: draw(own, shown, branch_name) for code, draw in CHARTS.items()}
    return render_template("charts/unit.html", **common, shown=shown, charts=charts), answered(looked)


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
