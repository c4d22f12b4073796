"""The pages of a head: has my unit been briefed, how do the units below stand, and who is still missing."""

import uuid
from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from math import ceil
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from analytics.dashboard import queries
from analytics.dashboard.access import among
from analytics.dashboard.forms import PURPOSE_WORDS, PurposeForm, SearchForm, state_words
from analytics.dashboard.protocol import (
    FIGURES,
    NAMES,
    Looked,
    answered,
    chosen,
    figures_of,
    file_of,
    looked_at,
    shown_figures,
    title,
)
from analytics.dashboard.queries import Given, Names, Overview, Wanted
from analytics.dashboard.render import branch_name, cells_of_week, counted_row, figure, table_row, writer
from analytics.dashboard.rules import (
    STATES,
    asked_state,
    days_late,
    document_of,
    first_shown,
    in_sentence,
    late_since,
    many,
    order_of,
    ordered,
    to_urge,
)
from analytics.facts.rules import Count, Headline
from courses.briefings.render import lacking_words, sentences
from courses.briefings.rules import policy_of
from lms import clock
from lms.accounts.access import top_units
from lms.accounts.forms import CATEGORIES
from lms.audit.actions import note_each
from lms.db import apart, get_session
from lms.organisation.forms import TREE_WORDS
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit
from lms.organisation.queries import OnDay
from lms.web.acting import NotFound, actor, behind
from lms.web.feature import Feature
from lms.web.forms import choices
from lms.web.gate import needs, reading
from lms.web.wording import number

bp = Feature("dashboard", __name__, url_prefix="/dashboard")

OWN_UNIT = "own_unit"
UNFOLDED = "all"
"""What an address says that asks for all rows of a table which otherwise has its first alone."""
LAST_PAGE = 100_000
PURPOSE_HOLDS = timedelta(minutes=30)


@bp.get("/")
@needs(FIGURES)
def mine() -> ResponseReturnValue:
    """To the unit where one's scope begins; a list when there are several."""
    own, me = get_session(), actor()
    trees = {STATE_TREE: top_units(own, me, FIGURES)}
    if not me.everywhere(FIGURES):  # whoever sees all begins at the state tree, and chooses the other there
        trees[PARTY_TREE] = top_units(own, me, FIGURES, tree=PARTY_TREE)
    units: list[tuple[Unit, dict[str, Any]]]
    units = [(one, {} if tree == STATE_TREE else {"tree": tree}) for tree, tops in trees.items() for one in tops]
    if len(units) == 1:
        [(one, address)] = units
        return redirect(url_for("dashboard.unit", unit_id=one.public_id, **address))
    return render_template("dashboard/mine.html", units=units, tree_words=TREE_WORDS)


@bp.get("/units/<uuid:unit_id>")
@needs(FIGURES)
def unit(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The answer in one sentence, four numbers, a table by unit, and a chart over it."""
    return shown_figures(unit_id, unit_page, Headline)


def unit_page(shown: Overview[Headline], common: dict[str, Any]) -> str:
    """The page of the unit."""
    briefing, now = shown.briefing, shown.now
    order = order_of(request.args.get("sort", ""))
    rows = ordered(shown.branches, order)
    late = sorted((one for one in shown.branches if one.count.overdue), key=lambda one: -one.count.overdue)
    return render_template(
        "dashboard/unit.html",
        **common,
        rows=rows,
        first=first_shown(rows),
        unfolded=request.args.get("rows") == UNFOLDED,
        unfolded_as=UNFOLDED,
        order=order,
        urgent=to_urge(shown.branches),
        nobody=[one for one in shown.branches if not one.count.people and not one.itself and one.open],
        late=late,
        late_since=late_since(late),
        branch_name=branch_name,
        figure=figure(rows[: first_shown(rows)]) if shown.has_units else None,
        document=document(briefing),
        policy=sentences(policy_of(briefing.policy)),
        days_left=(clock.day_of(shown.due_at) - clock.day_of(now)).days if shown.due_at else None,
        here=now.astimezone(clock.VIETNAM),
        may_see_names=actor().may(NAMES),
        in_sentence=in_sentence,
        table_row=table_row,
        counted_row=counted_row,
        writer=writer,
    )


@bp.get("/units/<uuid:unit_id>.json")
@needs(FIGURES)
def unit_json(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The numbers of the page, for scripts."""
    looked, shown = figures_of(unit_id)
    untold = shown.structure.untold
    return {
        "unit": {"id": str(shown.unit.public_id), "code": shown.unit.code, "name": shown.unit.name},
        "briefing": {"code": shown.briefing.code, "title": title(shown.briefing)},
        "at": shown.now.isoformat(timespec="seconds"),
        "structure": {"on": shown.structure.on.isoformat(), "tree": shown.structure.tree},
        "until": looked.asked.until.isoformat() if looked.asked.until else None,
        "category": looked.asked.category or None,
        "filters": looked.filters,
        "due_at": shown.due_at.isoformat() if shown.due_at else None,
        "total": shown.count.told(untold),
        "units": [
            {
                "id": str(one.public_id),
                "code": one.code,
                "name": one.name,
                "itself": one.itself,
                **one.count.told(untold),
                "change": asdict(one.change),
            }
            for one in shown.branches
        ],
        "change": {"since": shown.since.isoformat(), **asdict(shown.change)},
        "units_below": asdict(shown.below),
    }


@bp.get("/units/<uuid:unit_id>.csv")
@needs(FIGURES)
def unit_csv(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The table of the page as a file for a spreadsheet."""
    looked, shown = figures_of(unit_id)
    head = [_("TT"), _("Mã đơn vị"), _("Tên cơ quan, đơn vị"), _("Phải học (A)"), _("Đã bắt đầu học")]
    head += [_("Đã quán triệt (B)"), _("Tỷ lệ B/A"), _("Hoàn thành (C)"), _("Tỷ lệ C/A"), _("Quá hạn")]
    head += [_("Quán triệt thêm trong 7 ngày (người)"), _("B/A tăng trong 7 ngày (điểm %)")]
    rows = [
        [str(place), one.code, branch_name(one), *cells_of_week(one.count, one.change)]
        for place, one in enumerate(shown.branches, 1)
    ]
    total = [
        "",
        shown.unit.code,
        _("Tổng cộng: %(unit)s", unit=shown.unit.name),
        *cells_of_week(shown.count, shown.change),
    ]
    return file_of(looked, [head, *rows, total], f"quan-triet_{shown.unit.code}_{shown.briefing.code}")


@bp.get("/units/<uuid:unit_id>/missing")
@needs(NAMES)
def missing(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Who has not completed the course, or is in any other state asked for. Every showing of names is noted."""
    return names_page(looked_at(unit_id, NAMES), PurposeForm())


@bp.post("/units/<uuid:unit_id>/missing/purpose")
@needs(NAMES)
@reading
def state_purpose(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Say what the names are needed for: they are open for half an hour from now."""
    looked, form = looked_at(unit_id, NAMES), PurposeForm()
    one, kept = looked.unit, looked.asked.address
    if not form.validate_on_submit():
        return names_page(looked, form, status=422)
    until = (clock.now() + PURPOSE_HOLDS).timestamp()
    session["names"] = {**visit(one), "unit": str(one.public_id), "purpose": form.purpose.data, "until": until}
    wanted: dict[str, Any] = {name: value for name in ("briefing", "state") if (value := request.args.get(name))}
    return redirect(url_for("dashboard.missing", unit_id=unit_id, **wanted, **kept_alone(), **kept))


def kept_alone() -> dict[str, Any]:
    """What the address says of the unit alone, to be carried on."""
    return {"alone": 1} if request.args.get("alone") == "1" else {}


@bp.post("/units/<uuid:unit_id>/missing/search")
@needs(NAMES)
@reading
def search(unit_id: uuid.UUID) -> ResponseReturnValue:
    """Look for a name or a state. The name stays in the cookie: none ever stands in an address."""
    looked, form = looked_at(unit_id, NAMES), SearchForm()
    one, kept = looked.unit, dict(looked.asked.address)
    if not form.validate_on_submit():
        return names_page(looked, PurposeForm(formdata=None), form, status=422)
    session["names"] = {**visit(one), "unit": str(one.public_id), "search": form.q.data or ""}
    kept |= {"state": form.state.data or None, "category": form.category.data or None, **kept_alone()}
    return redirect(url_for("dashboard.missing", unit_id=unit_id, briefing=request.args.get("briefing"), **kept))


def names_page(
    looked: Looked, purpose_form: PurposeForm, search_form: SearchForm | None = None, *, status: int = 200
) -> ResponseReturnValue:
    """The names one may see at once, or all below when a purpose has been stated, a page at a time."""
    own, me, now = get_session(), actor(), looked.now
    if looked.absent:
        return render_template("dashboard/not_then.html", **looked.told)
    one, structure = looked.unit, looked.structure
    briefing = chosen(queries.briefings_given(own, one, structure), one, structure)
    if briefing is None:
        raise NotFound
    wanted, purpose = wanted_names(one), str(visit(one).get("purpose", ""))
    within, beyond = among(me, NAMES, one.id, structure, on=clock.today(), purpose=bool(purpose), alone=wanted.alone)
    found = queries.names(own, within, beyond, briefing, wanted, now=now)
    if found.people:
        note_names_read(looked, found, {"briefing": briefing.code, "purpose": purpose or OWN_UNIT})
    return render_template(
        "dashboard/missing.html",
        **looked.told,
        briefing=briefing,
        document=document(briefing),
        lacking=lambda person: lacking_words(person.asked, person.unsaid),
        found=found,
        wanted=wanted,
        asked_for=str(state_words()[wanted.state]) if wanted.state not in STATES else "",
        **how_many(found, wanted.state if wanted.state not in STATES else "", structure.untold),
        alone=kept_alone(),
        pages=max(1, ceil(found.found / queries.PAGE)),
        before=(wanted.page - 1) * queries.PAGE,
        purpose=PURPOSE_WORDS.get(purpose),
        purpose_form=purpose_form,
        search_form=search_form or search_fields(found.count, wanted, structure.untold),
        lateness=lambda person: days_late(person.due_at, now, looked.asked.until),
    ), status if status != 200 else answered(looked)


def how_many(found: Names, state: str, untold: Collection[str]) -> dict[str, int]:
    """How many there are to see, and how many only once a purpose was stated."""
    kinds = {"seen_now": found.count, "unseen": found.beyond}
    return {kind: many(count, state) if state not in untold else 0 for kind, count in kinds.items()}


def note_names_read(looked: Looked, found: Names, details: dict[str, Any]) -> None:
    """Put into the log that names of a unit were shown, in a transaction of its own: this request only reads.

    By the structure of another day it is noted for each person: they belong to other units by now.
    """
    by, details["count"], details["tree"] = behind(), len(found.people), looked.structure.tree
    details |= looked.until_noted
    kind, objects = "unit", [looked.unit.public_id]
    if looked.then is not None:
        details |= {"unit": str(looked.unit.public_id), "structure": looked.asked.on.isoformat()}
        kind, objects = "person", [one.public_id for one in found.people]
    told = [(one, details) for one in objects]
    apart(lambda own: note_each(own, "names.read", actor=by, object_kind=kind, objects=told))


def wanted_names(one: Unit | OnDay) -> Wanted:
    """Which names the address and the cookie ask for; what makes no sense asks for all."""
    state = request.args.get("state", "")
    page = min(max(1, request.args.get("page", 1, type=int)), LAST_PAGE)
    category = request.args.get("category", "")
    return Wanted(
        asked_state(state),
        str(visit(one).get("search", "")),
        category if category in CATEGORIES else "",
        request.args.get("alone") == "1",
        page,
    )


def search_fields(count: Count, wanted: Wanted, untold: Collection[str]) -> SearchForm:
    """The form of the search as it stands, with the number of people in each state that is told."""
    form = SearchForm(formdata=None, q=wanted.search, state=wanted.state, category=wanted.category)
    words = {code: word for code, word in state_words().items() if code not in untold}
    form.state.choices = choices({code: f"{word} ({number(many(count, code))})" for code, word in words.items()})
    return form


def visit(one: Unit | OnDay) -> dict[str, Any]:
    """What this browser has said about the names of this unit: what for, in the last half hour, and whom it seeks."""
    said = session.get("names")
    if not isinstance(said, dict) or said.get("unit") != str(one.public_id):
        return {}
    if said.get("until", 0) < clock.now().timestamp():
        said = {key: value for key, value in said.items() if key not in {"purpose", "until"}}
    return said


def document(briefing: Given) -> str:
    """What people were briefed on: the documents, the one the title names, or else the course."""
    named = ", ".join(briefing.documents) or document_of(title(briefing))
    return named or str(_("nội dung khóa học “%(title)s”", title=title(briefing)))
