"""What the pages of a unit's figures and those behind them have in common: the unit, the filters, the briefing."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from analytics.dashboard import queries
from analytics.dashboard.access import ancestors_in_scope
from analytics.dashboard.queries import Given, Overview
from analytics.facts.access import access_counted
from analytics.facts.forms import Asked, asked_of, file_marks, filter_words
from analytics.facts.projection import Structure
from analytics.facts.queries import opened_first
from analytics.facts.rules import OF_NOW, Count, N
from courses.enrolment.access import ASSIGN
from lms import clock
from lms.accounts.access import UnitThen
from lms.accounts.forms import CATEGORIES
from lms.db import get_session
from lms.organisation.models import STATE_TREE, TREES, Unit
from lms.organisation.queries import OnDay
from lms.text import as_csv
from lms.web.acting import NotFound, actor

FIGURES = "unit:read_figures"
NAMES = "unit:read_names"


@dataclass(frozen=True, slots=True)
class Looked:
    """The unit somebody looks at by the structure they ask for; `then` is what it was on another day than today.

    `unit` is as it is called on that day, or now where it did not stand then, which `absent` says.
    """

    asked: Asked
    unit: Unit | OnDay
    structure: Structure
    then: UnitThen | None = None

    @property
    def absent(self) -> bool:
        """Whether it did not stand in that tree that day."""
        return self.then is not None and self.then.unit is None

    @property
    def now(self) -> datetime:
        """The moment of which figures are: the end of the day that was asked for, or this one."""
        return self.structure.until or clock.now()

    @property
    def until_noted(self) -> dict[str, str]:
        """What the log is told of the day of the figures whose people are looked at; nothing where it is now."""
        return {"until": self.asked.until.isoformat()} if self.asked.until else {}

    @property
    def filters(self) -> list[str]:
        """What every page and file says of the filters they are under, a sentence each; nothing without any."""
        return filter_words(self.structure)

    @property
    def told(self) -> dict[str, Any]:
        """What every page about it is told; `today`: the address of now, in the tree where one sees the unit."""
        me = actor()
        both = me.everywhere(FIGURES) or all(me.unit_ids(FIGURES, tree) for tree in TREES)
        today = {} if both or self.asked.tree == STATE_TREE else {"tree": self.asked.tree}
        told: dict[str, Any] = {"asked": self.asked, "unit": self.unit, "then": self.then, "both": both, "today": today}
        told |= {"by_category": me.may(NAMES), "category_words": CATEGORIES, "of_now": OF_NOW}
        told |= {"untold": self.structure.untold, "forgotten": self.structure.forgotten}
        return {**told, "filters": self.filters, "marks": file_marks(self.structure)}


def looked_at(unit_id: uuid.UUID, permission: str) -> Looked:
    """The unit, today or on the day the address asks for, for whoever may see it. Raises `NotFound`."""
    asked = asked_of(request.args)
    now, then, structure = access_counted(get_session(), actor(), permission, unit_id, asked.structure)
    return Looked(asked, (then.unit if then is not None else None) or now, structure, then)


def answered(looked: Looked) -> int:
    """The status of a page: whether the day that was asked for is one."""
    return 422 if looked.asked.errors else 200


LOOKED_AT = "briefing"
"""Where a browser keeps which briefing was looked at last."""


def chosen(briefings: Sequence[Given], unit: Unit | OnDay, structure: Structure) -> Given | None:
    """The briefing the address asks for, which is kept; else the one looked at last; else as `rules.opened_first`.

    None when there is none, or the one asked for is none of these.
    """
    code = request.args.get("briefing")
    found = next((one for one in briefings if one.code == (code or session.get(LOOKED_AT))), None)
    if code is not None:
        if found is not None and session.get(LOOKED_AT) != code:
            session[LOOKED_AT] = code
        return found if code else None
    if found is None and len(briefings) > 1:
        first = opened_first(get_session(), unit.id, structure, now=structure.until or clock.now())
        found = next((one for one in briefings if one.code == first), None)
    return found or next(iter(briefings), None)


def shown_figures(
    unit_id: uuid.UUID, page: Callable[[Overview[N], dict[str, Any]], str], kind: type[N]
) -> ResponseReturnValue:
    """The page of the figures of a unit in the briefing chosen, or what says that nothing is given, or no unit stood.

    `page` is told the figures, and what every page about them is told.
    """
    own, me, looked = get_session(), actor(), looked_at(unit_id, FIGURES)
    if looked.absent:
        return render_template("dashboard/not_then.html", **looked.told)
    one, then, structure = looked.unit, looked.then, looked.structure
    above = ancestors_in_scope(own, me, FIGURES, one, on=clock.today()) if then is None else then.above
    briefings = queries.briefings_given(own, one, structure)
    briefing = chosen(briefings, one, structure)
    common = {**looked.told, "above": above, "briefings": briefings, "briefing": briefing, "title": title}
    if briefing is None:
        return render_template("dashboard/not_assigned.html", **common, may_assign=me.may(ASSIGN)), answered(looked)
    shown = queries.overview(own, one, briefing, structure, kind, now=looked.now, seen=then.seen if then else None)
    return page(shown, {**common, "shown": shown}), answered(looked)


def figures_of(unit_id: uuid.UUID) -> tuple[Looked, Overview[Count]]:
    """The figures of a unit one may see, in the briefing asked for. Raises `NotFound`."""
    own, looked = get_session(), looked_at(unit_id, FIGURES)
    one, then, structure = looked.unit, looked.then, looked.structure
    briefing = chosen(queries.briefings_given(own, one, structure), one, structure) if not looked.absent else None
    if briefing is None or looked.asked.errors:
        raise NotFound
    seen = then.seen if then else None
    return looked, queries.overview(own, one, briefing, structure, Count, now=looked.now, seen=seen)


def file_of(looked: Looked, rows: Sequence[Sequence[Any]], name: str, *, column: int = 2) -> Response:
    """A table as a file for a spreadsheet; its last line says the filters it is under, and so does its name."""
    told = [[*[""] * column, " ".join(looked.filters)]] if looked.filters else []
    response = Response(as_csv([*rows, *told]), content_type="text/csv; charset=utf-8")
    name = f"{name}_{clock.day_of(looked.now):%Y-%m-%d}{file_marks(looked.structure)}.csv"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def not_filtered(looked: Looked, endpoint: str, what: str, *, form: str = "", **address: Any) -> str:
    """The page in place of what is told of now, or of everybody, alone: says so, and leads there.

    `form`: the form of reports that tells part of it by these filters.
    """
    told, briefing = looked.told, request.args.get("briefing")
    now = url_for(endpoint, unit_id=looked.unit.public_id, briefing=briefing, **{**told["today"], **address})
    back = url_for("dashboard.unit", unit_id=looked.unit.public_id, briefing=briefing, **looked.asked.address)
    words = {"what": what, "now_url": now, "back_url": back, "form": form, "address": looked.asked.address}
    return render_template("dashboard/not_filtered.html", **told, **words, briefing_code=briefing)


def title(briefing: Given) -> str:
    """The title of the briefing in the reader's language."""
    return briefing.title_en if str(get_locale()) == "en" and briefing.title_en else briefing.title
