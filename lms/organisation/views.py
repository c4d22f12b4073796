"""Pages on which the organisation is looked at, as it is on a day: the tree, a unit with its history, an operation."""

import uuid
from collections.abc import Container, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock, text
from lms.audit.actions import note_each
from lms.audit.forms import UNIT_KINDS
from lms.db import apart, get_session
from lms.doors import BuiltOn, doors_of
from lms.organisation import actions, gathering, queries
from lms.organisation.access import (
    KEEP,
    READ,
    Reach,
    access_operation,
    first_tree,
    must_reach,
    out_of_reach,
    reach_of,
    scope_of,
)
from lms.organisation.forms import OPERATIONS, TREE_WORDS, as_of, refused_words
from lms.organisation.models import PARTY_TREE, Unit, UnitOperation
from lms.organisation.queries import OnDay, Rehearsal, touched_lines
from lms.organisation.rules import Event
from lms.organisation.storage import Refused
from lms.web.acting import NotFound, actor, behind
from lms.web.feature import Feature
from lms.web.gate import needs

bp = Feature("organisation", __name__, url_prefix="/units")


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """The tree of a day, to unfold, or what was searched for in it, with the people counted in each unit and below."""
    session, everywhere = get_session(), actor().everywhere(READ)
    asked = as_of(request.args, begins=first_tree(actor(), READ))
    seen = gathering.units_seen(session, reach_of(session, actor(), READ))
    sought = text.nfc(request.args.get("q", ""))[:100]
    shown = gathering.shown(session, sought, on=asked.on, tree=asked.tree, seen=seen)
    return render_template(
        "organisation/tree.html",
        shown=shown,
        sought=sought,
        asked=asked,
        empty=everywhere and not shown.total and not queries.any_unit(session),
        everywhere=everywhere,
        kinds=UNIT_KINDS,
    ), 422 if asked.form.errors else 200


@bp.get("/<uuid:public_id>")
@needs(READ)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One unit as it is on a day: where it stands, what stands below it and how many people; and its whole history."""
    session, person = get_session(), actor()
    asked = as_of(request.args, begins=first_tree(person, READ))
    reach = reach_of(session, person, READ)
    seen = gathering.units_seen(session, reach)
    unit = session.scalar(select(Unit).where(Unit.public_id == public_id))
    if unit is None or (seen is not None and unit.id not in seen):
        raise NotFound
    names = session.scalars(queries.names_of(unit.id)).all()
    places = session.execute(queries.places_of(unit.id)).all()
    words = queries.worn_on(names, asked.on)
    history = queries.history(session, unit.id, names, places)
    happened = [told.operation for event in history for told in event.operations]
    people = doors_of(session).headcount.by_branch(session, unit.id, on=asked.on, tree=asked.tree)
    return render_template(
        "organisation/unit.html",
        unit=unit,
        words=words or unit,
        standing=words is not None,
        above=among(queries.above_on(session, unit.id, on=asked.on, tree=asked.tree)[:-1], seen),
        below=among(queries.below_on(session, unit.id, on=asked.on, tree=asked.tree), seen),
        people=people,
        everybody=sum(people.values()),
        history=history,
        closed=out_of_reach(session, reach, happened, by=person.public_id),
        linked=public_ids(session, seen, history),
        offered=offered(session, unit, reach),
        trees={
            row.tree for row in places if row.valid_from <= asked.on and (not row.valid_to or row.valid_to > asked.on)
        },
        asked=asked,
        is_today=asked.on == clock.today(),
        kinds=UNIT_KINDS,
        kinds_of_operation=OPERATIONS,
        tree_words=TREE_WORDS,
    ), 422 if asked.form.errors else 200


def among(units: Sequence[OnDay], seen: Container[int] | None) -> list[OnDay]:
    """Those of the units that may be seen."""
    return [one for one in units if seen is None or one.id in seen]


def public_ids(
    session: Session, seen: Container[int] | None, history: Sequence[Event[UnitOperation]]
) -> set[object] | None:
    """Of the units that a history names, those whose pages may be opened; None: all."""
    if seen is None:
        return None
    told = [one for event in history for one in event.operations]
    named = {one.public_id for each in told for one in (*each.predecessors, *each.successors)}
    rows = session.execute(select(Unit.id, Unit.public_id).where(Unit.public_id.in_(named)))
    return {public_id for unit_id, public_id in rows if unit_id in seen}


CHANGES = ("rename", "move", "absorb", "consolidate", "divide", "separate", "abolish")
KEEP_IT = ("rename", "separate")
"""What may be done to the unit at the top of one's own: it neither moves nor ends."""


def offered(session: Session, unit: Unit, reach: Reach | None) -> tuple[str, ...]:
    """The changes of the unit which whoever asks may make; `reach` is where they read of units."""
    person = actor()
    if not person.may(KEEP):
        return ()
    same = person.everywhere(KEEP) == person.everywhere(READ) and person.unit_ids(KEEP) == person.unit_ids(READ)
    same = same and PARTY_TREE not in scope_of(person, KEEP)  # there more is read than may be changed
    kept = reach if same else reach_of(session, person, KEEP)
    if kept is None or unit.id in kept.below:
        return CHANGES
    return KEEP_IT if unit.id in kept else ()


@bp.get("/operations/<uuid:operation_id>")
@needs(READ)
def operation(operation_id: uuid.UUID) -> ResponseReturnValue:
    """What an operation did, on which document it rests, who entered it; that this name was seen is noted."""
    session = get_session()
    one = access_operation(session, actor(), operation_id, READ)
    people = [public_id for public_id in (one.entered_by, one.undone_by) if public_id is not None]
    known = people if actor().everywhere(READ) else [one for one in people if one == actor().public_id]
    names = doors_of(session).people.names(session, known)  # others' may be names from beyond one's own units
    told: dict[str, Any] = {"operation": str(one.public_id), "purpose": "organise"}
    who, seen = behind(), [(public_id, told) for public_id in names]
    apart(lambda own: note_each(own, "person.list", actor=who, object_kind="person", objects=seen))
    return render_template(
        "organisation/operation.html",
        operation=one,
        names=names,
        units=queries.units_of_operation(session, one),
        lines=touched_lines(session, one),
        title=gathering.titled(session, one)[0],
        kinds_of_operation=OPERATIONS,
    )


@bp.post("/operations/<uuid:operation_id>/undo/rehearse")
@needs(KEEP)
def rehearse_undo(operation_id: uuid.UUID) -> ResponseReturnValue:
    """What undoing would change, or why it cannot be."""
    return undone(operation_id)


@bp.post("/operations/<uuid:operation_id>/undo")
@needs(KEEP)
def undo(operation_id: uuid.UUID) -> ResponseReturnValue:
    """Undo the operation as rehearsed."""
    return undone(operation_id, request.form.get("digest", "-"))


def undone(operation_id: uuid.UUID, digest: str = "") -> ResponseReturnValue:
    """The rehearsal of undoing, or back to the operation: undone, or with the reason why not."""
    person, session = actor(), get_session()
    one = access_operation(session, person, operation_id)
    reach = reach_of(session, person, KEEP, on=one.effective_on)
    back = redirect(url_for("organisation.operation", operation_id=operation_id))
    on = one.effective_on

    def work() -> UnitOperation:
        must_reach(session, reach, one)
        return actions.undo(session, one, by=person.public_id)

    try:
        if digest:
            seen = actions.apply_rehearsed(session, on, work, digest=digest, back=one)
        else:
            seen = queries.rehearsal(session, on, work, back=one)
    except (Refused, BuiltOn) as reason:
        flash(refused_words(reason), "warning")
        return back
    if isinstance(seen, Rehearsal):
        return render_template(
            "organisation/undo.html",
            operation=one,
            title=gathering.titled(session, one)[0],
            kind=OPERATIONS[one.kind],
            on=on,
            seen=seen,
            changed=bool(digest),
            kinds=UNIT_KINDS,
            tree_words=TREE_WORDS,
        ), 409 if digest else 200
    flash(_("Đã hoàn tác: %(what)s.", what=OPERATIONS[one.kind]), "success")
    return back
