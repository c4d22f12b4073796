"""Pages with which the organisation is changed: a form, a rehearsal of what it would do, then the operation or none."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lms.audit.actions import note
from lms.audit.forms import UNIT_KINDS
from lms.db import apart, get_session
from lms.doors import Named, doors_of
from lms.organisation import actions, queries
from lms.organisation.access import KEEP, Reach, access_any_unit, first_tree, must_reach, reach_of, units_by_code
from lms.organisation.actions import Basis
from lms.organisation.forms import (
    OPERATIONS,
    TREE_WORDS,
    AbolishForm,
    AbsorbForm,
    BasisForm,
    MoveForm,
    Part,
    RenameForm,
    SplitForm,
    TogetherForm,
    UnitForm,
    refused,
    refused_words,
    split_form,
)
from lms.organisation.models import PARTY_TREE, STATE_TREE, TREES, Unit, UnitOperation
from lms.organisation.queries import Rehearsal
from lms.organisation.storage import CodeTaken, NewUnit, Refused, Words
from lms.web.acting import actor, behind
from lms.web.feature import Feature
from lms.web.forms import choices, day_in, text_in
from lms.web.gate import needs
from lms.web.wording import day as worded

bp = Feature("changes", __name__, url_prefix="/units", within="organisation")

MOST_PEOPLE = 200
Doing = Callable[[], UnitOperation]
FORMS: dict[str, type[BasisForm]] = {
    "create": UnitForm,
    "rename": RenameForm,
    "move": MoveForm,
    "absorb": AbsorbForm,
    "consolidate": TogetherForm,
    "abolish": AbolishForm,
}
CHANGES = "<any(rename, move, absorb, consolidate, divide, separate, abolish):kind>"


@dataclass(frozen=True, slots=True)
class Asked:
    """A change somebody asks for: of which kind, of which unit (None: of a new one), with which form."""

    session: Session
    kind: str
    unit: Unit | None
    form: Any
    reach: Reach | None

    @property
    def basis(self) -> Basis:
        """The document it rests on."""
        return Basis(text_in(self.form.number), self.form.dated.data, text_in(self.form.issuer))

    @property
    def told(self) -> dict[str, Any]:
        """What every operation is told."""
        return {"on": day_in(self.form.on), "basis": self.basis, "by": actor().public_id}


def asked(kind: str, public_id: uuid.UUID | None) -> Asked:
    """The form of a change, filled from the unit or from what was sent."""
    person, session = actor(), get_session()
    reach = reach_of(session, person, KEEP)
    unit = access_any_unit(session, person, public_id) if public_id is not None else None
    form = (
        split_of(session, unit, kind) if kind in ("divide", "separate") else FORMS[kind](**filled(session, unit, kind))
    )
    offered = queries.every_tree(session, only=reach)
    for field in form.units:
        field.offer(offered)
    if kind == "create" and not offered and reach is None:
        del form["parent"]
    if isinstance(form, TogetherForm):
        place = queries.last_place(session, unit.id) if unit is not None else None
        beside = queries.below_on(session, place.parent_id, on=queries.LAST, tree=place.tree) if place else []
        beside = [one for one in beside if reach is None or one.id in reach.below]
        form.siblings.choices = choices({str(one.public_id): one.name for one in beside if unit and one.id != unit.id})
    return Asked(session, kind, unit, form, reach)


def filled(session: Session, unit: Unit | None, kind: str) -> dict[str, Any]:
    """What a form says before anybody has typed."""
    if unit is None:
        return {"parent": request.args.get("under", ""), "tree": first_tree(actor(), KEEP)}
    place = queries.last_place(session, unit.id)
    above = str(place.parent.public_id) if place is not None else ""
    last = queries.last_name(session, unit.id)
    kept = ("name", "short_name", "code", "kind") if kind == "rename" else ("kind",)
    words = {name: getattr(last, name) for name in kept} if last is not None else {}
    return {"parent": above, **words}


def split_of(session: Session, unit: Unit | None, kind: str) -> SplitForm:
    """The form of a division: with units below and people, whose names are then noted as seen."""
    if unit is None:
        raise LookupError(kind)
    below = {one.id: one for tree in TREES for one in queries.below_on(session, unit.id, on=queries.LAST, tree=tree)}
    form = split_form(below.values(), named(session, unit), ends=kind == "divide")
    start = filled(session, unit, kind)
    return form(parent=start["parent"], kind=start.get("kind"))


def named(session: Session, unit: Unit) -> list[Named]:
    """Those counted in the unit, when they are few enough to be placed one by one."""
    who = behind()
    people = doors_of(session).headcount.named(session, unit.id, on=queries.LAST, most=MOST_PEOPLE + 1)
    if len(people) > MOST_PEOPLE:
        return []
    of, rows = unit.public_id, len(people)
    apart(
        lambda own: note(
            own,
            "person.list",
            actor=who,
            object_kind="unit",
            object_id=of,
            rows=rows,
            page=1,
            searched=False,
            purpose="organise",
        )
    )
    return people


def create(one: Asked) -> Doing:
    """A new unit."""
    form = one.form
    parent = form.parent.unit if "parent" in form else None
    new = NewUnit(words_in(form), {text_in(form.tree): parent}, counted=form.counted.data)
    return lambda: actions.found_unit(one.session, new, **one.told)


def rename(one: Asked) -> Doing:
    """Other words."""
    words = words_in(one.form)
    return lambda: actions.rename_unit(one.session, there(one), words, **one.told)


def move(one: Asked) -> Doing:
    """Another place."""
    tree = text_in(one.form.tree)
    return lambda: actions.move_unit(one.session, there(one), one.form.parent.unit, tree=tree, **one.told)


def absorb(one: Asked) -> Doing:
    """Into another."""
    return lambda: actions.merge_units(one.session, [there(one)], one.form.into.unit, **one.told)


def tree_of(one: Asked) -> str:
    """Where what follows a unit stands: in the Party tree after a unit that stands in that alone."""
    place = queries.last_place(one.session, there(one).id)
    return place.tree if place is not None else STATE_TREE


def consolidate(one: Asked) -> Doing:
    """Together with others. Raises ValueError when a code belongs to no unit; the form says which."""
    form = one.form
    chosen = {uuid.UUID(value) for value in form.siblings.data or ()}
    others = [access_any_unit(one.session, actor(), public_id) for public_id in sorted(chosen)]
    named, unknown = units_by_code(one.session, text_in(form.codes).split(","), within=one.reach)
    if unknown:
        form.codes.errors = [_("Không có đơn vị nào mang mã %(code)s.", code=", ".join(unknown))]
    units = [there(one), *(unit for unit in dict.fromkeys([*others, *named]) if unit is not there(one))]
    if len(units) < 2 and not unknown:
        form.siblings.errors = [_("Chọn ít nhất một đơn vị nữa để hợp nhất.")]
    if form.errors:
        raise ValueError("units")
    parents = {tree_of(one): form.parent.unit}
    if form.party_parent.unit is not None:
        parents[PARTY_TREE] = form.party_parent.unit
    return lambda: actions.merge_units(one.session, units, NewUnit(words_in(form), parents), **one.told)


def split(one: Asked) -> Doing:
    """Into parts. Raises ValueError when the parts are not right; the form says what is wrong."""
    form, ends = one.form, one.kind == "divide"
    parts = [part_of(one, part) for part in form.parts()]
    if len(parts) < (fewest := 2 if ends else 1):
        form.code_1.errors = [_("Nhập ít nhất %(n)d đơn vị.", n=fewest)]
    numbers = {part.number: index for index, part in enumerate(form.parts())}
    told = set() if numbers else {str(number) for number in range(5)}  # that there is no part has been said
    below, people = (places(form, prefix, numbers, told) for prefix in ("unit", "person"))
    takers = [part for part in parts if part is not None]
    if form.errors or len(takers) < len(parts):
        raise ValueError("parts")
    units = {access_any_unit(one.session, actor(), public_id).id: number for public_id, number in below.items()}
    return lambda: actions.split_unit(
        one.session, there(one), takers, ends=ends, children=units, people=people, **one.told
    )


def part_of(one: Asked, part: Part) -> Unit | NewUnit | None:
    """A new unit, or one that is there; None when the form now says what is wrong."""
    code, name = text_in(part.code), text_in(part.name)
    there, _unknown = units_by_code(one.session, [code], within=one.reach)
    if not code:
        part.code.errors = [_("Nhập mã đơn vị.")]
    elif name:
        words = Words(code, name, one.form.kind.data, text_in(part.short_name))
        return NewUnit(words, {tree_of(one): one.form.parent.unit})
    elif there:
        return there[0]
    else:
        part.name.errors = [_("Nhập tên đơn vị mới; chỉ để trống khi mã là của một đơn vị đã có.")]
    return None


def places(form: SplitForm, prefix: str, numbers: dict[int, int], told: set[str]) -> dict[uuid.UUID, int]:
    """Whoever was given a part, by public id; a part that was not filled in is a fault, told once."""
    found: dict[uuid.UUID, int] = {}
    for field in form.where(prefix):
        if not field.data:
            continue
        if int(field.data) not in numbers:
            if field.data not in told:
                field.errors = [_("Đơn vị thứ %(n)s chưa được nhập.", n=field.data)]
            told.add(field.data)
            continue
        found[uuid.UUID(field.name.partition("-")[2])] = numbers[int(field.data)]
    return found


def abolish(one: Asked) -> Doing:
    """No more."""
    receiver, children_to = one.form.receiver.unit, one.form.children_to.unit
    return lambda: actions.abolish_unit(one.session, there(one), receiver=receiver, children_to=children_to, **one.told)


PLANS: dict[str, Callable[[Asked], Doing]] = {
    "create": create,
    "rename": rename,
    "move": move,
    "absorb": absorb,
    "consolidate": consolidate,
    "divide": split,
    "separate": split,
    "abolish": abolish,
}


def there(one: Asked) -> Unit:
    """The unit that is changed."""
    if one.unit is None:
        raise LookupError(one.kind)
    return one.unit


def words_in(form: Any) -> Words:
    """Names, code and kind as typed."""
    return Words(text_in(form.code), text_in(form.name), form.kind.data, text_in(form.short_name))


def ask_page(one: Asked, *, status: int = 200) -> ResponseReturnValue:
    """The form of a change."""
    page = "changes/split.html" if isinstance(one.form, SplitForm) else "changes/form.html"
    return render_template(
        page, form=one.form, kind=one.kind, unit=one.unit, title=OPERATIONS[one.kind], ends=one.kind == "divide"
    ), status


def rehearsal_page(one: Asked, seen: Rehearsal, *, changed: bool = False) -> ResponseReturnValue:
    """What the change would do; `changed`: it is other than what was rehearsed before."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_SENT_ON]
    return render_template(
        "changes/rehearsal.html",
        kind=one.kind,
        unit=one.unit,
        title=OPERATIONS[one.kind],
        on=day_in(one.form.on),
        seen=seen,
        fields=fields,
        changed=changed,
        kinds=UNIT_KINDS,
        tree_words=TREE_WORDS,
    ), 409 if changed else 200


NOT_SENT_ON = frozenset({"csrf_token", "digest", "edit"})


def within_reach(one: Asked) -> Doing:
    """The change, refused when it turns out to touch what is not theirs who ask for it."""
    work = PLANS[one.kind](one)
    reach = reach_of(one.session, actor(), KEEP, on=day_in(one.form.on))

    def done() -> UnitOperation:
        operation = work()
        must_reach(one.session, reach, operation)
        return operation

    return done


def rehearsed(one: Asked, digest: str = "") -> Rehearsal | UnitOperation | None:
    """The rehearsal, or with its digest the operation; None when the form now says what must be changed."""
    if not one.form.validate_on_submit():
        return None
    try:
        work, on = within_reach(one), day_in(one.form.on)
        if digest:
            return actions.apply_rehearsed(one.session, on, work, digest=digest)
        return queries.rehearsal(one.session, on, work)
    except CodeTaken:
        code = "code" if "code" in one.form else "code_1"
        one.form[code].errors = [refused_words(CodeTaken())]
    except Refused as reason:
        refused(one.form, reason)
    except ValueError:
        pass  # the form says what
    return None


@bp.get("/new")
@needs(KEEP)
def new() -> ResponseReturnValue:
    """A new unit below another, from a day on."""
    return ask_page(asked("create", None))


@bp.post("/new")
@needs(KEEP)
def rehearse_new() -> ResponseReturnValue:
    """What the new unit would change, or the form again."""
    return answer(asked("create", None))


@bp.post("/new/apply")
@needs(KEEP)
def create_unit() -> ResponseReturnValue:
    """The new unit, as rehearsed."""
    return answer(asked("create", None), request.form.get("digest", "-"))


@bp.get(f"/<uuid:public_id>/change/{CHANGES}")
@needs(KEEP)
def ask(public_id: uuid.UUID, kind: str) -> ResponseReturnValue:
    """The form of a change of a unit."""
    return ask_page(asked(kind, public_id))


@bp.post(f"/<uuid:public_id>/change/{CHANGES}")
@needs(KEEP)
def rehearse(public_id: uuid.UUID, kind: str) -> ResponseReturnValue:
    """What the change would do, or the form again; nothing is done."""
    return answer(asked(kind, public_id))


@bp.post(f"/<uuid:public_id>/change/{CHANGES}/apply")
@needs(KEEP)
def apply(public_id: uuid.UUID, kind: str) -> ResponseReturnValue:
    """Do what was rehearsed; when it would change something else by now, the new rehearsal."""
    return answer(asked(kind, public_id), request.form.get("digest", "-"))


def answer(one: Asked, digest: str = "") -> ResponseReturnValue:
    """The form again, the rehearsal, or to the operation that was done."""
    if "edit" in request.form:
        return ask_page(one)
    found = rehearsed(one, digest)
    if found is None:
        return ask_page(one, status=422)
    if isinstance(found, Rehearsal):
        return rehearsal_page(one, found, changed=bool(digest))
    day = worded(found.effective_on)
    flash(_("Đã ghi nhận: %(what)s, có hiệu lực từ ngày %(day)s.", what=OPERATIONS[found.kind], day=day), "success")
    return redirect(url_for("organisation.operation", operation_id=found.public_id))
