"""Pages on which briefings are looked at: the list, one of them, its roll, and why somebody stands where they stand."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from courses.briefings import filters, queries
from courses.briefings.access import (
    DECIDE,
    LIST,
    NAMES,
    READ,
    access_briefing,
    access_frozen,
    access_on_roll,
    access_own,
    briefing_of,
)
from courses.briefings.filters import AtOnce
from courses.briefings.forms import page_of
from courses.briefings.models import Standing
from courses.briefings.queries import Placed
from courses.briefings.rehearsal import words_of
from courses.briefings.render import (
    DECISION_WORDS,
    STANDING_WORDS,
    briefing_title,
    due_words,
    lacking_words,
    reason_words,
    sentences,
)
from courses.briefings.rules import WAYS, Asked, Past, lacking, met_by, policy_of, reasons
from courses.catalog.models import Course
from courses.enrolment.models import Assignment, Briefing, RollDecision
from courses.enrolment.queries import assignments_given, plain_briefing, reached_through
from lms import clock
from lms.accounts.access import access_listed, top_units, units_found, units_to_choose
from lms.accounts.admin import seen
from lms.db import config_of, get_read_session, get_session
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.queries import subtree
from lms.records.forms import SEEN_WORDS
from lms.text import nfc
from lms.web.acting import Actor, actor, holds_everywhere
from lms.web.feature import Feature
from lms.web.gate import needs, reading
from lms.xapi import vocabulary

bp = Feature("briefings", __name__)
rolls = Feature("rolls", __name__, url_prefix="/rolls")
standings = Feature("standings", __name__, url_prefix="/my-briefings", within="learning")

PAGE = 50
SOUGHT = "people on a roll sought"
SHOWN = 20
"""So many versions of a policy, frozen rolls and sittings a page shows."""


bp.add_app_template_filter(briefing_title, "briefing_title")
bp.add_app_template_filter(due_words, "due_words")


@bp.app_template_filter("standing_words")
def standing_word(code: str) -> str:
    """What one of the eight standings is called."""
    return str(STANDING_WORDS[code])


@bp.app_template_global("briefing_name")
def briefing_name(briefing: Briefing) -> str:
    """What the briefing is called: by its own title, or by that of its course as it is now."""
    return briefing_title(briefing, *queries.titles_of(get_session(), [briefing])[briefing.id])


def standing_code(one: Standing) -> str:
    """The one of the eight standings somebody is in now."""
    return words_of(queries.row_of(one), now=clock.now())


@bp.get("/briefings")
@needs(READ)
def index() -> ResponseReturnValue:
    """Every briefing, those that are open first."""
    holds_everywhere(READ)
    own = get_session()
    total = own.scalar(select(func.count(Briefing.id))) or 0
    page, pages = page_of(total)
    rows = own.execute(filters.briefings().limit(PAGE).offset((page - 1) * PAGE)).all()
    return render_template(
        "briefings/list.html", rows=rows, page=page, pages=pages, page_url=lambda n: url_for("briefings.index", page=n)
    )


@bp.get("/briefings/<briefing_code>")
@needs(READ)
def show(briefing_code: str) -> ResponseReturnValue:
    """One briefing: its policy in a sentence, its numbers, to whom it is given, and what was kept of it."""
    own, me, now = get_session(), actor(), clock.now()
    briefing = access_briefing(own, me, briefing_code)
    row = own.execute(filters.briefings().where(Briefing.id == briefing.id)).one()
    page, pages = page_of(row[3])
    given = assignments_given().where(Assignment.briefing_id == briefing.id, Assignment.withdrawn_at.is_(None))
    assignments = own.scalars(given.limit(PAGE).offset((page - 1) * PAGE)).all()
    return render_template(
        "briefings/show.html",
        briefing=briefing,
        title=briefing_title(*row[:3]),
        course=row[1],
        given=row[3],
        policy=sentences(policy_of(briefing.policy)),
        numbers=own.execute(filters.numbers(briefing.id, now=now)).one(),
        assignments=assignments,
        chosen=filters.chosen_by(own, assignments),
        versions=[
            (one, sentences(policy_of(one.policy))) for one in own.scalars(filters.versions(briefing.id).limit(SHOWN))
        ],
        rolls=own.execute(filters.frozen_rolls(briefing.id).limit(SHOWN)).all(),
        sittings=own.scalars(filters.sittings(briefing.id).limit(SHOWN)).all(),
        now=now,
        dashboard=dashboard_of(own, me, briefing),
        page=page,
        pages=pages,
        page_url=lambda n: url_for("briefings.show", briefing_code=briefing_code, page=n),
    )


def dashboard_of(own: Session, me: Actor, briefing: Briefing) -> str | None:
    """The figures of the briefing over all, for whoever may see them and where there is such a page."""
    if "dashboard.unit" not in current_app.view_functions or not me.everywhere("unit:read_figures"):
        return None
    tops = top_units(own, me, "unit:read_figures")
    return url_for("dashboard.unit", unit_id=tops[0].public_id, briefing=briefing.code) if tops else None


@bp.get("/briefings/<briefing_code>/rolls/<uuid:roll_id>")
@needs(READ)
def frozen(briefing_code: str, roll_id: uuid.UUID) -> ResponseReturnValue:
    """A frozen roll beside the live one, unit by unit."""
    own = get_session()
    briefing, roll = access_frozen(own, actor(), briefing_code, roll_id)
    rows = own.execute(filters.compared(roll, on=clock.today())).all()
    page, pages = page_of(len(rows), 2 * PAGE)
    return render_template(
        "briefings/frozen.html",
        briefing=briefing,
        roll=roll,
        rows=rows[(page - 1) * 2 * PAGE : page * 2 * PAGE],
        total={name: sum(getattr(row, name) for row in rows) for name in filters.COMPARED},
        page=page,
        pages=pages,
        page_url=lambda n: url_for("briefings.frozen", briefing_code=briefing_code, roll_id=roll_id, page=n),
    )


@rolls.get("")
@needs(LIST)
def choose() -> ResponseReturnValue:
    """The briefings on whose rolls one may see people."""
    own = get_session()
    return render_template("briefings/rolls.html", rows=own.execute(filters.briefings()).all())


@rolls.get("/<briefing_code>")
@needs(LIST)
def roll(briefing_code: str) -> ResponseReturnValue:
    """Who is on the roll within one's own units, with standings; that the names were seen is noted."""
    own, me, now = get_session(), actor(), clock.now()
    briefing = briefing_of(own, briefing_code)
    listed = access_listed(own, me, LIST, {**request.args, "tree": STATE_TREE})  # a roll is frozen by that tree
    unit, tree = listed.unit, listed.tree
    kind = request.args.get("standing", "")
    kind = kind if kind in STANDING_WORDS else ""
    query = filters.on_roll(briefing.id, within_of(me, unit), kind, sought(), now=now)
    total = own.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    page, pages = page_of(total)
    rows = own.execute(query.limit(PAGE).offset((page - 1) * PAGE)).all()
    told = {"briefing": briefing.code, "rows": len(rows), "page": page, "searched": bool(sought())}
    seen("roll.read", unit, permission=LIST, tree=tree, **told)
    return render_template(
        "briefings/roll.html",
        briefing=briefing,
        people=[(one, person, where, standing_code(one)) for one, person, where in rows],
        total=total,
        unit=unit,
        units=units_to_choose(own, me, LIST, nfc(request.args.get("units", ""))[:100]),
        kind=kind,
        kinds=STANDING_WORDS,
        sought=sought(),
        may_ask_why=me.may(NAMES),
        page=page,
        pages=pages,
        page_url=lambda n: url_for(
            "rolls.roll",
            briefing_code=briefing_code,
            unit=unit.public_id if unit else None,
            standing=kind or None,
            page=n,
        ),
    )


def within_of(me: Actor, unit: Unit | None) -> Sequence[Any] | None:
    """The unit that was asked for, or those for which one holds the permission, with all below; None: everywhere."""
    if unit is None and me.everywhere(LIST):
        return None
    tops = [unit.id] if unit is not None else list(me.unit_ids(LIST))
    return [subtree(one, on=clock.today()) for one in tops]


def sought() -> str:
    """What this browser looks for: a name never stands in an address."""
    return nfc(str(session.get(SOUGHT, "")))[:100]


@rolls.post("/<briefing_code>/search")
@needs(LIST)
@reading
def search(briefing_code: str) -> ResponseReturnValue:
    """Look for a name, a unit or a standing."""
    session[SOUGHT] = nfc(request.form.get("q", ""))[:100]
    unit, typed = request.form.get("unit") or None, nfc(request.form.get("units", ""))[:100] or None
    if typed:
        found = units_found(get_read_session(), actor(), LIST, typed)
        exact = [one for one in found if one.name == typed] or found
        unit, typed = (str(exact[0].public_id), None) if len(exact) == 1 else (None, typed)
    kind = request.form.get("standing") or None
    return redirect(url_for("rolls.roll", briefing_code=briefing_code, unit=unit, units=typed, standing=kind))


@dataclass(frozen=True, slots=True)
class Why:
    """Where somebody stands in a briefing and why: what this person is asked, what of it is done, what lacks, what was
    decided.

    Of the `ways` any will do; the `rest` is asked besides.
    """

    placed: Placed
    title: str
    code: str
    policy: list[str]
    ways: list[tuple[bool, str]]
    rest: list[tuple[bool, str]]
    lacks: str
    sittings: Sequence[Any]
    decisions: Sequence[RollDecision]


def why(own: Session, placed: Placed, past: Past | None = None) -> Why:
    """All that is said of a standing; of one at a moment that is over, with what had been said by then."""
    briefing, one = placed.briefing, placed.standing
    seen_of, ids = queries.evidence_about(own, placed)
    policy, category = policy_of(briefing.policy), placed.person.category
    asked = reasons(policy, category, seen_of)
    if past is not None:
        asked = [met_by(reason, past.until, one.submitted_at) for reason in asked]
    fails = any(reason.code == "test" and not reason.done for reason in asked)
    short = queries.short_of(own, placed, policy) if fails and past is None else []
    told = [(reason.code, (reason.done, reason_words(reason, short))) for reason in asked]
    row = own.execute(filters.briefings().where(Briefing.id == briefing.id)).one()
    return Why(
        placed,
        briefing_title(*row[:3]),
        words_of(queries.row_of(one), now=past.until if past is not None else clock.now()),
        sentences(policy, of=category),
        [line for code, line in told if code in WAYS],
        [line for code, line in told if code not in WAYS],
        lacks_of(one, policy.of(category)),
        own.execute(filters.attended(briefing.id, ids)).all() if past is None else past.sittings,
        own.scalars(filters.in_force(briefing.id, ids, past.until if past is not None else None)).all(),
    )


def lacks_of(one: Standing, asked: Asked) -> str:
    """What this standing lacks to be complete, in words; "" for nothing."""
    if one.exempt:
        return ""
    briefed, tested = one.state in {"briefed", "completed"}, one.tested_at is not None
    handed_in, accepted = one.submitted_at is not None, one.accepted_at is not None
    return lacking_words(asked, lacking(asked, briefed=briefed, tested=tested, submitted=handed_in, accepted=accepted))


@rolls.get("/<briefing_code>/people/<uuid:public_id>")
@needs(NAMES)
def person(briefing_code: str, public_id: uuid.UUID) -> ResponseReturnValue:
    """Why somebody stands where they stand; noted."""
    own, me = get_session(), actor()
    placed = access_on_roll(own, me, briefing_code, public_id, NAMES)
    seen("standing.read", placed.person, permission=NAMES, briefing=briefing_code)
    home = config_of(own).iri_base
    course = placed.briefing.course.iri
    return render_template(
        "briefings/person.html",
        why=why(own, placed),
        **WORDS,
        records=[course, vocabulary.briefing_iri(home, briefing_code)] if me.may("record:browse") else [],
        may_list=me.may(LIST),
        may_decide=me.may(DECIDE),
        now=clock.now(),
    )


WORDS: dict[str, Any] = {"seen_words": SEEN_WORDS, "decision_words": DECISION_WORDS}


@standings.get("")
@needs("course:study")
def mine() -> ResponseReturnValue:
    """Where I stand in every briefing I am on the roll of."""
    session, me = get_session(), actor()
    rows = session.execute(filters.standings_of_one(me.person_id)).all()
    shown = [
        (briefing, briefing_title(briefing, *titles), standing_code(one), one)
        for one, briefing, _category, *titles in rows
    ]
    return render_template("briefings/mine.html", rows=shown)


@standings.get("/<briefing_code>")
@needs("course:study")
def my_standing(briefing_code: str) -> ResponseReturnValue:
    """Why I stand where I stand."""
    session = get_session()
    told = why(session, access_own(session, actor(), briefing_code))
    return render_template("briefings/my_standing.html", why=told, **WORDS)


@bp.app_template_global("own_standings")
def own_standings(course_id: int) -> list[tuple[str, str, str, datetime | None]]:
    """Code, title, standing and due date of the reader in the briefings on a course."""
    return [
        (one.code, briefing_title(one, *titles), standing_code(standing), standing.due_at)
        for standing, one, _category, *titles in own_rows()
        if not one.plain and one.course_id == course_id
    ]


@bp.app_template_global("own_marks")
def own_marks(course_id: int) -> list[tuple[str, float]]:
    """The briefings on a course that ask the reader, by the reader's staff category, for a pass mark of their own."""
    found = []
    for standing, one, category, *titles in own_rows():
        asked = policy_of(one.policy).of(category)
        if one.course_id == course_id and asked.test and asked.pass_mark is not None and not standing.exempt:
            found.append((briefing_title(one, *titles), asked.pass_mark))
    return found


@bp.app_template_global("studied_before")
def studied_before(course: Course, unit: Unit) -> AtOnce:
    """For the page before a course is assigned: who of the unit and below has studied it, and whether that counts."""
    own = get_read_session()
    plain = own.scalar(plain_briefing(course.id))
    plain = plain or Briefing(course_id=course.id, plain=True, opened_at=clock.now(), policy={})
    return filters.at_once(own, plain, reached_through([unit.id], (), on=clock.today()))


def own_rows() -> Sequence[Any]:
    """Where the reader stands in every briefing, read once a page."""
    if "own_standings" not in g:
        g.own_standings = get_read_session().execute(filters.standings_of_one(actor().person_id)).all()
    return cast(Sequence[Any], g.own_standings)
