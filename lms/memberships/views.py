"""Pages on which a list of people is moved, and posts are given to and taken from one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.access import KEEP, access_listed, people_kept, trees_within
from lms.accounts.actions import MoveTooEarly, move_person, open_membership
from lms.accounts.admin import people_sought, seen
from lms.accounts.models import Person
from lms.accounts.queries import main_unit
from lms.accounts.storage import UnitEnded
from lms.db import get_session, lock_roll
from lms.memberships import actions, queries
from lms.memberships.access import access_placed, access_post
from lms.memberships.actions import Transfer
from lms.memberships.forms import PLACES, REASONS, EndForm, MoveForm, PostForm, TransferForm
from lms.memberships.rules import MOST, Line, digest_of, from_units, ids_in, judged
from lms.organisation.access import first_tree, units_by_tree
from lms.organisation.actions import Basis
from lms.organisation.forms import TREE_WORDS, BasisForm, UnitField, ended_words
from lms.organisation.gathering import heirs_named
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.forms import day_in, text_in
from lms.web.gate import needs
from lms.web.wording import day as worded
from lms.web.wording import number

bp = Feature("memberships", __name__, url_prefix="/people", within="people")

SHOWN = 500
"""So many names a rehearsal shows; the numbers are of all."""
NOT_SENT_ON = frozenset({"csrf_token", "digest", "edit", "_people"})


@bp.post("/transfer")
@needs(KEEP)
def ask() -> ResponseReturnValue:
    """To where the people who were ticked on a list shall go, or all who were found."""
    own = get_session()
    people = chosen(own)
    if not people:
        flash(_("Chưa chọn ai. Đánh dấu ít nhất một người, hoặc chọn chuyển tất cả."), "warning")
        return redirect(url_for("people.index", unit=request.form.get("unit_of_list") or None, choose=1))
    if len(people) > MOST:
        flash(
            _("Mỗi lần chuyển được nhiều nhất %(n)s người. Chọn một đơn vị để thu hẹp danh sách.", n=number(MOST)),
            "warning",
        )
        return redirect(url_for("people.index", choose=1))
    form = TransferForm(formdata=None, tree=first_tree(actor(), KEEP))
    offer(own, form.unit)
    return form_page(form, people)


def chosen(own: Session) -> list[uuid.UUID]:
    """Those who were ticked, or all whom the list would show; when they are too many, one more than can be moved."""
    if "all" not in request.form:
        return ids_in(" ".join([request.form.get("_people", ""), *request.form.getlist("person")]))
    sent = {name: request.form.get(f"{name}_of_list", "") for name in ("unit", "tree")}
    query = people_sought(access_listed(own, actor(), KEEP, sent)).with_only_columns(Person.public_id)
    return list(own.scalars(query.limit(MOST + 1)))


def offer(own: Session, field: UnitField) -> dict[str, set[int]]:
    """Let the units of both trees be chosen, each once; the ids of those of each tree."""
    found = {tree: queries.trees_to_choose(own, actor(), KEEP, tree) for tree in (STATE_TREE, PARTY_TREE)}
    ids = {tree: {branch.unit.id for top in tops for branch in top.walk()} for tree, tops in found.items()}
    field.offer([*found[STATE_TREE], *(top for top in found[PARTY_TREE] if top.unit.id not in ids[STATE_TREE])])
    return ids


def form_page(form: TransferForm, people: Sequence[uuid.UUID], *, status: int = 200) -> ResponseReturnValue:
    """Where to, from when, by which document."""
    ids = " ".join(one.hex for one in people)
    return render_template("memberships/transfer.html", form=form, ids=ids, total=len(people)), status


@dataclass(frozen=True, slots=True)
class Asked:
    """A transfer somebody asks for, with what it would do."""

    transfer: Transfer
    lines: tuple[Line, ...]
    digest: str

    @property
    def moving(self) -> list[Line]:
        """Those who would move."""
        return [one for one in self.lines if one.moves]

    @property
    def staying(self) -> list[Line]:
        """Those who cannot."""
        return [one for one in self.lines if not one.moves]


def transfer_in(own: Session, form: TransferForm, offered: dict[str, set[int]]) -> Transfer | None:
    """What the form asks for; None when it now says what must be changed."""
    if not form.validate_on_submit() or form.unit.unit is None:
        return None
    unit, tree, on = form.unit.unit, text_in(form.tree), day_in(form.on)
    if unit.id not in offered[tree] or not queries.stands_from(own, unit.id, on=on, tree=tree):
        form.unit.errors = [not_standing(own, unit, tree)]
        return None
    return Transfer(unit, tree, on, text_in(form.position), basis_in(form))


def basis_in(form: BasisForm) -> Basis:
    """The document a form names."""
    return Basis(text_in(form.number), form.dated.data, text_in(form.issuer))


def not_standing(own: Session, unit: Unit, tree: str) -> str:
    """What is said of a unit that is not in the tree on the day, or ends some day."""
    if unit.valid_to is not None:
        return ended_words(unit.name, unit.valid_to, heirs_named(own, [unit.id]).get(unit.id, ""))
    words = _("%(unit)s không có trong %(tree)s vào ngày này, hoặc đã có ngày kết thúc. Chọn nơi khác hoặc ngày khác.")
    return str(words % {"unit": unit.name, "tree": str(TREE_WORDS[tree]).lower()})


def would_do(own: Session, transfer: Transfer, people: Sequence[uuid.UUID]) -> Asked:
    """What the transfer does to these people, with the reach of whoever asks at this moment."""
    reach, within = people_kept(actor(), KEEP), units_by_tree(own, actor(), KEEP)
    known = queries.candidates(own, people, tree=transfer.tree, reach=reach, within=within)
    lines = judged(known, transfer.unit.id, on=transfer.on, tree=transfer.tree)
    digest = digest_of(lines, transfer.unit.id, on=transfer.on, tree=transfer.tree, position=transfer.position)
    return Asked(transfer, lines, digest)


def rehearsal_page(asked: Asked, people: Sequence[uuid.UUID], *, changed: bool = False) -> ResponseReturnValue:
    """Who would move from where, who cannot and why; `changed`: it is other than what was rehearsed before."""
    shown = [*asked.moving[:SHOWN], *asked.staying[:SHOWN]]
    seen("person.list", asked.transfer.unit, rows=len(shown), page=1, searched=False, purpose="transfer")
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_SENT_ON]
    return render_template(
        "memberships/rehearsal.html",
        asked=asked,
        leaving=from_units(asked.lines),
        most=SHOWN,
        fields=fields,
        ids=" ".join(one.hex for one in people),
        changed=changed,
        tree_words=TREE_WORDS,
        reasons=REASONS,
    ), 409 if changed else 200


@bp.post("/transfer/rehearse")
@needs(KEEP)
def rehearse() -> ResponseReturnValue:
    """What the transfer would do, or the form again; nothing is done."""
    own, form = get_session(), TransferForm()
    people = ids_in(request.form.get("_people", ""))
    offered = offer(own, form.unit)
    if "edit" in request.form:
        return form_page(form, people)
    transfer = transfer_in(own, form, offered)
    if transfer is None:
        return form_page(form, people, status=422)
    return rehearsal_page(would_do(own, transfer, people), people)


@bp.post("/transfer/apply")
@needs(KEEP)
def apply() -> ResponseReturnValue:
    """Do what was rehearsed, in one transaction; when it would do something else by now, the new rehearsal."""
    own, form = get_session(), TransferForm()
    people = ids_in(request.form.get("_people", ""))
    lock_roll(own)  # before any row is read: nobody moves between what is compared and what is written
    offered = offer(own, form.unit)
    transfer = transfer_in(own, form, offered)
    if transfer is None:
        return form_page(form, people, status=422)
    asked = would_do(own, transfer, people)
    if asked.digest != request.form.get("digest") or not asked.moving:
        return rehearsal_page(asked, people, changed=True)
    moved = actions.transfer_people(own, transfer, asked.lines, by=actor().public_id)
    words = _("Đã điều động %(n)s người đến %(unit)s, từ ngày %(day)s.")
    flash(words % {"n": number(moved), "unit": transfer.unit.name, "day": worded(transfer.on)}, "success")
    return redirect(url_for("people.index", unit=transfer.unit.public_id, tree=transfer.tree))


@bp.route("/<uuid:public_id>/move", methods=["GET", "POST"])
@needs(KEEP)
def move(public_id: uuid.UUID) -> ResponseReturnValue:
    """To another unit from a day on."""
    own = get_session()
    person = access_placed(own, actor(), public_id)
    present = own.scalar(main_unit(person.id, on=clock.today()))
    form = MoveForm()
    form.unit.offer(trees_within(own, actor(), KEEP))
    if form.validate_on_submit() and moved(own, form, person, by=actor().public_id):
        return redirect(url_for("people.show", public_id=person.public_id))
    seen("person.read", person)
    status = 200 if request.method == "GET" else 422
    return render_template("memberships/move.html", form=form, person=person, present=present), status


def moved(own: Session, form: MoveForm, person: Person, *, by: uuid.UUID) -> bool:
    """Whether the person was moved; otherwise the form says what must be changed."""
    unit, on = form.unit.unit, day_in(form.on)
    latest = own.scalar(open_membership(person.id))
    if unit is None or (latest is not None and latest.unit_id == unit.id):
        form.unit.errors = [_("Người này đã ở đơn vị được chọn. Chọn đơn vị khác.")]
        return False
    try:
        move_person(own, person, unit, on=on, position=text_in(form.position), basis=basis_in(form), by=by)
    except UnitEnded as ended:
        form.unit.errors = [ended_words(ended.unit.name, ended.day, ended.heir)]
        return False
    except MoveTooEarly as too_early:
        form.on.errors = [
            _("Người này thuộc đơn vị hiện nay từ ngày %(day)s; chọn từ ngày đó trở đi.", day=worded(too_early.since))
        ]
        return False
    flash(moved_words(person, unit, on), "success")
    return True


def moved_words(person: Person, unit: Unit, on: date) -> str:
    """What is said after a move."""
    return str(
        _("%(name)s được tính ở %(unit)s từ ngày %(day)s.", name=person.full_name, unit=unit.name, day=worded(on))
    )


@bp.route("/<uuid:public_id>/posts/new", methods=["GET", "POST"])
@needs(KEEP)
def add_post(public_id: uuid.UUID) -> ResponseReturnValue:
    """A concurrent post, or a Party organisation, for one person."""
    own = get_session()
    person = access_placed(own, actor(), public_id)
    form = PostForm(kind="concurrent" if first_tree(actor(), KEEP) == STATE_TREE else "party")
    offered = offer(own, form.unit)
    if form.validate_on_submit() and added(own, form, person, offered):
        flash(_("Đã ghi nhận."), "success")
        return redirect(url_for("people.show", public_id=public_id))
    seen("person.read", person)
    status = 422 if form.is_submitted() else 200
    return render_template("memberships/post.html", form=form, person=person), status


def added(own: Session, form: PostForm, person: Person, offered: dict[str, set[int]]) -> bool:
    """Whether the post was given; otherwise the form says what must be changed."""
    tree, counts = PLACES[text_in(form.kind)]
    unit, on = form.unit.unit, day_in(form.on)
    until = form.until.data + timedelta(days=1) if form.until.data is not None else None
    if unit is None:
        return False
    if unit.id not in offered[tree] or not queries.stands_from(own, unit.id, on=on, tree=tree):
        form.unit.errors = [not_standing(own, unit, tree)]
        return False
    asked = Transfer(unit, tree, on, text_in(form.position), basis_in(form))
    if counts and until is not None:
        form.until.errors = [_("Nơi sinh hoạt đảng chính không có ngày kết thúc định trước; kết thúc khi chuyển đi.")]
        return False
    if counts:
        return counted_there(own, form, person, asked)
    if tree == PARTY_TREE and person.party == "quan_chung":
        form.kind.errors = [_("Người này không phải đảng viên. Sửa tình trạng đảng viên trước.")]
        return False
    try:
        actions.add_post(own, person, asked, until=until, by=actor().public_id)
    except actions.PostHeld:
        form.unit.errors = [_("Người này đã thuộc nơi đó trong thời gian này. Chọn nơi khác hoặc ngày khác.")]
        return False
    return True


def counted_there(own: Session, form: PostForm, person: Person, asked: Transfer) -> bool:
    """Whether the person is counted in a Party organisation from now on; otherwise the form says why not."""
    lock_roll(own)  # before any row is read, as for a whole list
    found = would_do(own, asked, [person.public_id])
    if found.moving:
        return actions.transfer_people(own, asked, found.lines, by=actor().public_id) == 1
    [line] = found.lines
    form.unit.errors = [_("Chưa thêm được: %(reason)s.", reason=REASONS[line.reason])]
    return False


@bp.route("/<uuid:public_id>/posts/<int:membership_id>/end", methods=["GET", "POST"])
@needs(KEEP)
def end_post(public_id: uuid.UUID, membership_id: int) -> ResponseReturnValue:
    """A concurrent post or a Party membership holds no longer, from a day on."""
    own = get_session()
    person = access_placed(own, actor(), public_id)
    membership = access_post(own, actor(), person, membership_id)
    form = EndForm()
    if form.validate_on_submit():
        try:
            actions.end_post(own, person, membership, on=day_in(form.on), by=actor().public_id)
        except actions.EndsTooEarly as reason:
            form.on.errors = [_("Bắt đầu từ ngày %(day)s; chọn ngày sau đó.", day=worded(reason.since))]
        else:
            flash(_("Đã ghi nhận ngày kết thúc."), "success")
            return redirect(url_for("people.show", public_id=public_id))
    seen("person.read", person)
    status = 422 if form.is_submitted() else 200
    return render_template("memberships/end.html", form=form, person=person, membership=membership), status
