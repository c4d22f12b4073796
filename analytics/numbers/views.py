"""Pages behind the figures of a unit: a number and what makes it, somebody it counts, equals, course, points."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import Row

from analytics.dashboard.access import among
from analytics.dashboard.forms import PurposeForm
from analytics.dashboard.protocol import (
    FIGURES,
    NAMES,
    Looked,
    answered,
    chosen,
    file_of,
    looked_at,
    not_filtered,
    title,
)
from analytics.dashboard.queries import Given, briefings_given
from analytics.dashboard.render import cells as count_cells
from analytics.dashboard.rules import asked_state
from analytics.dashboard.views import OWN_UNIT, visit
from analytics.facts.rules import FEWEST, PEOPLE, PER_POINT, Count
from analytics.facts.vocabulary import BY_CODE, FROZEN, Metric
from analytics.numbers import queries
from analytics.numbers.rules import LEAST_PEERS, LEAST_PEOPLE, OPENED, Comparison, compared, opened, shown, summed
from courses.briefings import filters
from courses.briefings.access import READ
from courses.briefings.models import BriefingSession
from courses.briefings.queries import Placed, evidence_about
from courses.briefings.views import WORDS, why
from courses.meetings.access import openable
from courses.meetings.forms import FAULT_WORDS
from courses.meetings.protocol import difference
from courses.meetings.rules import Numbers, urgency
from lms import clock
from lms.audit.actions import note, note_each
from lms.db import apart, config_of, get_session
from lms.doors import doors_of
from lms.organisation.models import Unit
from lms.records.rules import own_account
from lms.records.views import Line, lines
from lms.web.acting import NotFound, actor, behind
from lms.web.feature import Feature
from lms.web.gate import needs
from lms.web.wording import decimal
from lms.web.wording import number as written

bp = Feature("numbers", __name__, url_prefix="/dashboard/units/<uuid:unit_id>", within="dashboard")


@dataclass(frozen=True, slots=True)
class Opened:
    """A unit and the briefing whose figures are opened; all that may be seen of either was asked."""

    looked: Looked
    given: list[Given]
    briefing: Given

    @property
    def told(self) -> dict[str, Any]:
        """What every page about it is told."""
        address = {"unit_id": self.looked.unit.public_id, "briefing": self.briefing.code, **self.looked.asked.address}
        common = {**self.looked.told, "briefing": self.briefing, "title": title, "address": address}
        return {**common, "unit_url": url_for("dashboard.unit", **address)}


def opened_here(unit_id: uuid.UUID, permission: str = FIGURES) -> Opened:
    """The unit, by the structure the address asks for, with the briefing it asks for. Raises `NotFound`."""
    looked = looked_at(unit_id, permission)
    given = briefings_given(get_session(), looked.unit, looked.structure) if not looked.absent else []
    briefing = chosen(given, looked.unit, looked.structure)
    if briefing is None:
        raise NotFound
    return Opened(looked, given, briefing)


@bp.get("/numbers/<metric>")
@needs(FIGURES)
def number(unit_id: uuid.UUID, metric: str) -> ResponseReturnValue:
    """One number: what it means, what it is made of, who is left out, of which moment and structure it is."""
    own, here = get_session(), opened_here(unit_id)
    one = opened(metric)
    if one is None:
        raise NotFound
    looked, alone, now = here.looked, request.args.get("alone") == "1", here.looked.now
    units = queries.units_of(looked.structure, looked.unit.id, alone=alone)
    count = queries.count_of(own, units, here.briefing.id, looked.structure, now=now)
    today = not looked.asked.filtered
    kept_roll = queries.kept_roll(own, units, here.briefing.id, on=looked.structure.on) if today else None
    return render_template(
        "numbers/number.html",
        **here.told,
        metric=one,
        metrics=OPENED,
        by_code=BY_CODE,
        count=count,
        fewest=FEWEST,
        frozen=FROZEN,
        parts=parts_of(one, count) if one.numerator not in looked.structure.untold else [],
        people=[(state, words) for state, words in people_of(one) if state not in looked.structure.untold],
        kept_roll=kept_roll,
        comparable=comparison(here) is not None if one.denominator == "people" and not alone else None,
        may_read_rolls=actor().everywhere(READ),
        may_see_names=actor().may(NAMES),
        alone={"alone": 1} if alone else {},
        english=is_english(),
        shown=partial(shown, untold=looked.structure.untold),
        now=now,
    ), answered(looked)


def is_english() -> bool:
    """Whether the reader reads English: words of the catalogue come in pairs."""
    return str(get_locale()) == "en"


def parts_of(metric: Metric, count: Count) -> list[tuple[str, Metric | None, str]]:
    """Numerator and denominator of a rate or a mean: what it is called here, the metric it is, the number."""
    if not metric.denominator:
        return []
    names = (_("Tử số"), metric.numerator), (_("Mẫu số"), metric.denominator)
    found = []
    for word, name in names:
        part = BY_CODE.get(name) if name != metric.code else None
        value = sum_of_scores(count) if name == "score" else written(getattr(count, name))
        found.append((word, part, value))
    return found


def sum_of_scores(count: Count) -> str:
    """All scores together, where these are not too few to be told."""
    return "–" if count.few_scored else decimal(count.score / PER_POINT, 2)


def people_of(metric: Metric) -> list[tuple[str, str]]:
    """The lists of people behind a number: the state to ask for, and what the list is called."""
    if metric.code == "score":
        return [("scored", _("Xem những người đã có điểm"))]
    lists = [(metric.numerator, _("Xem những người được tính ở đây"))] if metric.numerator in PEOPLE else []
    left = {"briefed": ("not_briefed", _("Xem những người chưa được quán triệt"))}
    left["completed"] = "", _("Xem những người chưa hoàn thành")
    return [*lists, left[metric.numerator]] if metric.numerator in left else lists


@bp.get("/people/<uuid:public_id>")
@needs(NAMES)
def person(unit_id: uuid.UUID, public_id: uuid.UUID) -> ResponseReturnValue:
    """Why somebody on the list stands where they stand, and the statements behind it; noted with the purpose."""
    own, me, here = get_session(), actor(), opened_here(unit_id, NAMES)
    looked, purpose = here.looked, str(visit(here.looked.unit).get("purpose", ""))
    alone, state = request.args.get("alone") == "1", asked_state(request.args.get("state", ""))
    back = {"state": state or None, **({"alone": 1} if alone else {})}
    told = {**here.told, "back": back}
    where, now = (looked.unit.id, looked.structure), looked.now
    within, beyond = among(me, NAMES, *where, on=clock.today(), purpose=bool(purpose), alone=alone)
    found = queries.is_among(own, within, here.briefing.id, public_id, now=now)
    if found is None:
        if beyond is None or queries.is_among(own, beyond, here.briefing.id, public_id, now=now) is None:
            raise NotFound
        return render_template("numbers/purpose.html", **told, purpose_form=PurposeForm(formdata=None))
    return person_page(here, found, public_id, purpose or OWN_UNIT, told)


def person_page(here: Opened, row: Row[Any], public_id: uuid.UUID, purpose: str, told: dict[str, Any]) -> str:
    """The page of somebody whom the reader may see now, of whom the list has this row; by the day of the figures."""
    own, me, until = get_session(), actor(), here.looked.structure.until
    by, details = behind(), {"briefing": here.briefing.code, "unit": str(here.looked.unit.public_id)}
    details |= {"purpose": purpose, **here.looked.until_noted}
    apart(lambda log: note(log, "standing.read", actor=by, object_kind="person", object_id=public_id, **details))
    placed, past = Placed(*own.execute(filters.standing_of(here.briefing.id, row.id)).one()), None
    ids = evidence_about(own, placed)[1]
    if until is not None:
        placed, past = queries.as_of(own, placed, ids, row, until)
    said = queries.said_of(own, placed.briefing, ids, until)
    entries = lines(own, said.entries, by=me)
    words = {"lines": entries, "recorded_by": recorders(entries), "more": said.more}
    return render_template("numbers/person.html", **told, why=why(own, placed, past), **WORDS, **words)


def recorders(entries: Iterable[Line]) -> dict[uuid.UUID, str]:
    """Who said so, by the statement: whoever took the roll or read the reflection, where that was somebody.

    That their names were seen is noted.
    """
    own, by = get_session(), behind()
    home, said = config_of(own).iri_base, dict[uuid.UUID, uuid.UUID]()
    for line in entries:
        instructor = line.entry.document.get("context", {}).get("instructor", {})
        account = own_account(instructor, home=home) if line.entry.client_id is None else None
        if account is not None:
            said[line.entry.statement_id] = account
    names = doors_of(own).people.names(own, sorted(set(said.values()))) if said else {}
    told = [(one, {"people": 1, "rows": sum(who == one for who in said.values())}) for one in sorted(names)]
    if told:
        apart(lambda log: note_each(log, "record.names", actor=by, object_kind="person", objects=told))
    return {statement: names[one] for statement, one in said.items() if one in names}


@bp.get("/peers")
@needs(FIGURES)
def peers(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The rates of the unit among those of its equals. Of today's state tree alone: see `rules.protected`."""
    now, here = clock.now(), opened_here(unit_id)
    return render_template(
        "numbers/peers.html",
        **here.told,
        found=comparison(here),
        of_today=of_today(here.looked),
        by_code=BY_CODE,
        least_peers=LEAST_PEERS,
        least_people=LEAST_PEOPLE,
        english=is_english(),
        now=now,
    ), answered(here.looked)


def of_today(looked: Looked) -> bool:
    """Whether the figures are those of now, of everybody, by today's state tree: no others are compared."""
    return isinstance(looked.unit, Unit) and not looked.asked.filtered


def comparison(here: Opened) -> Comparison | None:
    """The unit among its equals, by today's structure; None where they are too few, or where it is another day's."""
    me, now, one = actor(), clock.now(), here.looked.unit
    if not isinstance(one, Unit) or not of_today(here.looked):
        return None
    tops = None if me.everywhere(FIGURES) else me.unit_ids(FIGURES)
    return compared(queries.peers(get_session(), one, here.briefing.id, tops, on=clock.day_of(now), now=now))


def rows_of_course(here: Opened) -> list[tuple[Given, Count]]:
    """The figures of the unit in each briefing on the course of the one that was chosen."""
    looked, course_id = here.looked, here.briefing.course_id
    about = here.given, course_id, looked.structure
    return queries.by_briefing(get_session(), looked.unit.id, *about, now=looked.now)


@bp.get("/course")
@needs(FIGURES)
def course(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The course of the briefing in all its briefings that were given to the unit."""
    here = opened_here(unit_id)
    named = queries.title_of(get_session(), here.briefing.course_id)
    words = {"name": named[is_english()] or named[0], "rows": rows_of_course(here), "now": here.looked.now}
    return render_template("numbers/course.html", **here.told, **words), answered(here.looked)


@bp.get("/course.csv")
@needs(FIGURES)
def course_csv(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The table of the page as a file."""
    here = opened_here(unit_id)
    head = [_("TT"), _("Mã đợt"), _("Đợt học tập, quán triệt"), _("Phải học (A)"), _("Đã bắt đầu học")]
    head += [_("Đã quán triệt (B)"), _("Tỷ lệ B/A"), _("Hoàn thành (C)"), _("Tỷ lệ C/A"), _("Quá hạn")]
    rows = enumerate(rows_of_course(here), 1)
    cells = [[place, given.code, title(given), *count_cells(count)] for place, (given, count) in rows]
    return file_of(here.looked, [head, *cells], f"khoa-hoc_{here.looked.unit.code}_{here.briefing.code}")


@bp.get("/points")
@needs(FIGURES)
def points(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The meeting points that the unit and those below it host, of one sitting of the briefing."""
    here = opened_here(unit_id)
    if here.looked.asked.narrowed:
        sitting = request.args.get("sitting")
        return not_filtered(here.looked, "numbers.points", _("Số liệu điểm cầu"), form="03", sitting=sitting)
    sittings, found = gathered(here)
    shown_rows = sorted(found.points, key=lambda row: urgency(row[1])) if found else []
    return render_template(
        "numbers/points.html",
        **here.told,
        sittings=sittings,
        found=found,
        rows=shown_rows,
        sums=summed((n for _point, n in shown_rows), there=found.there if found else 0),
        fault_words=FAULT_WORDS,
        difference=difference,
        may_read_board=actor().everywhere(READ),
        openable=openable(get_session(), actor(), found.sitting.id) if found else (),
        now=clock.now(),
    ), answered(here.looked)


@bp.get("/points.csv")
@needs(FIGURES)
def points_csv(unit_id: uuid.UUID) -> ResponseReturnValue:
    """The table of the page as a file."""
    here = opened_here(unit_id)
    if here.looked.asked.narrowed:
        raise NotFound
    _sittings, found = gathered(here)
    head = [_("TT"), _("Điểm cầu"), _("Đơn vị chủ trì"), _("Đã báo cáo"), _("Số triệu tập"), _("Có mặt")]
    head += [_("Vắng có lý do"), _("Vắng không lý do"), _("Chưa điểm danh"), _("Số đếm được"), _("Chênh lệch")]
    rows = [
        [place, one.name, one.unit.name, _("có") if n.reported else _("chưa"), *point_cells(n)]
        for place, (one, n) in enumerate(found.points if found else (), 1)
    ]
    of = f"_{found.sitting.code}" if found else ""
    return file_of(here.looked, [head, *rows], f"diem-cau_{here.looked.unit.code}_{here.briefing.code}{of}")


def point_cells(n: Numbers) -> list[Any]:
    """The numbers of a point, in the order of the head of the file."""
    heads = "" if n.headcount is None else n.headcount
    return [n.called, n.there, n.excused, n.unexcused, n.unanswered, heads, n.difference]


def gathered(here: Opened) -> tuple[Sequence[BriefingSession], queries.Gathering | None]:
    """The sittings of the briefing, and the points of the one asked for, or of the latest."""
    own, looked = get_session(), here.looked
    sittings, asked = queries.sittings_of(own, here.briefing.id), request.args.get("sitting")
    one = next((one for one in sittings if asked in (None, one.code)), None)
    if one is None:
        if asked is not None:
            raise NotFound
        return sittings, None
    units = looked.structure.hosts(looked.unit.id)
    return sittings, queries.gathering(own, one, units, on=clock.today())
