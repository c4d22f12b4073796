"""Pages on which the organisation is looked at, as it is on a day: the tree, a unit with its history, an operation."""

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lms import text
from lms.audit.actions import note_each
from lms.audit.forms import UNIT_KINDS
from lms.db import apart, get_session
from lms.doors import BuiltOn, doors_of
from lms.organisation import actions, gathering, queries
from lms.organisation.access import KEEP, READ, access_any_unit, access_operation
from lms.organisation.forms import OPERATIONS, TREE_WORDS, as_of, refused_words
from lms.organisation.models import UnitOperation
from lms.organisation.queries import Rehearsal, touched_lines
from lms.organisation.storage import Refused
from lms.web.acting import actor, behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.gate import needs

bp = Feature("organisation", __name__, url_prefix="/units")


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """The tree of a day, to unfold, or what was searched for in it, with the people counted in each unit and below."""
    holds_everywhere(READ)
    session, asked = get_session(), as_of(request.args)
    sought = text.nfc(request.args.get("q", ""))[:100]
    shown = gathering.shown(session, sought, on=asked.on, tree=asked.tree)
    return render_template(
        "organisation/tree.html",
        shown=shown,
        sought=sought,
        asked=asked,
        empty=not shown.total and not queries.any_unit(session),
        kinds=UNIT_KINDS,
    ), 422 if asked.form.errors else 200


@bp.get("/<uuid:public_id>")
@needs(READ)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One unit as it is on a day: where it stands, what stands below it and how many people; and its whole history."""
    session, asked = get_session(), as_of(request.args)
    unit = access_any_unit(session, actor(), public_id, READ)
    names = session.scalars(queries.names_of(unit.id)).all()
    places = session.execute(queries.places_of(unit.id)).all()
    words = queries.worn_on(names, asked.on)
    people = doors_of(session).headcount.by_branch(session, unit.id, on=asked.on, tree=asked.tree)
    return render_template(
        "organisation/unit.html",
        unit=unit,
        words=words or unit,
        standing=words is not None,
        above=queries.above_on(session, unit.id, on=asked.on, tree=asked.tree)[:-1],
        below=queries.below_on(session, unit.id, on=asked.on, tree=asked.tree),
        people=people,
        everybody=sum(people.values()),
        history=queries.history(session, unit.id, names, places),
        trees={
            row.tree for row in places if row.valid_from <= asked.on and (not row.valid_to or row.valid_to > asked.on)
        },
        asked=asked,
        kinds=UNIT_KINDS,
        kinds_of_operation=OPERATIONS,
        tree_words=TREE_WORDS,
    ), 422 if asked.form.errors else 200


@bp.get("/operations/<uuid:operation_id>")
@needs(READ)
def operation(operation_id: uuid.UUID) -> ResponseReturnValue:
    """What an operation did, on which document it rests, who entered it; that this name was seen is noted."""
    session = get_session()
    one = access_operation(session, actor(), operation_id, READ)
    people = [public_id for public_id in (one.entered_by, one.undone_by) if public_id is not None]
    names = doors_of(session).people.names(session, people)
    told: dict[str, Any] = {"operation": str(one.public_id), "purpose": "organise"}
    who, seen = behind(), [(public_id, told) for public_id in names]
    apart(lambda own: note_each(own, "person.list", actor=who, object_kind="person", objects=seen))
    return render_template(
        "organisation/operation.html",
        operation=one,
        names=names,
        units=queries.units_of_operation(session, one),
        lines=touched_lines(session, one),
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
    person, session = holds_everywhere(KEEP), get_session()
    one = access_operation(session, person, operation_id)
    back = redirect(url_for("organisation.operation", operation_id=operation_id))
    on = one.effective_on

    def work() -> UnitOperation:
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
            title=OPERATIONS[one.kind],
            on=on,
            seen=seen,
            changed=bool(digest),
            kinds=UNIT_KINDS,
            tree_words=TREE_WORDS,
        ), 409 if digest else 200
    flash(_("Đã hoàn tác: %(what)s.", what=OPERATIONS[one.kind]), "success")
    return back
