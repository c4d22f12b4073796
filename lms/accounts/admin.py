"""Pages with which administrators look after people: finding, adding, moving, closing accounts, giving roles."""

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts import actions, queries
from lms.accounts.access import (
    GRANT,
    KEEP,
    MOST_TYPED,
    PAGE,
    READ,
    Listed,
    access_account,
    access_kept,
    access_listed,
    access_person,
    ids_of_page,
    own_grants,
    people_kept,
    people_typed,
    permitted,
    power_ends,
    stands_within,
    tree_asked,
    trees_held,
    trees_of_both,
    units_found,
    units_to_choose,
)
from lms.accounts.forms import CATEGORIES, NOT_IN_TREE, PARTY, TAKEN, PersonForm
from lms.accounts.models import Person, SignInAccount
from lms.accounts.protocol import address_taken, held_back
from lms.accounts.rules import EVERYWHERE, LINK_LIFE, may_see_as
from lms.accounts.session import grants_held
from lms.accounts.storage import UnitEnded
from lms.accounts.vocabulary import ROLES
from lms.audit.actions import note_each
from lms.db import apart, config_of, get_read_session, get_session
from lms.organisation.access import first_tree, scope_of
from lms.organisation.forms import TREE_WORDS, ended_words
from lms.organisation.models import Unit
from lms.throttle.rules import PER_TYPED, Budget
from lms.web.acting import actor, behind
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs, reading

bp = Feature("people", __name__, url_prefix="/people")

MOST_PRINTED = 5_000
"""So many names on one printed list; a longer one is printed unit by unit."""
SOUGHT = "people sought"
ONE_TIME_LINK = "one_time_link"


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """People by name, or those searched for, within one's own units; that the list was seen is noted.

    With `choose` each can be ticked, for whoever may move them.
    """
    person, own = actor(), get_session()
    choosing = "choose" in request.args and person.may(KEEP)
    allowed = KEEP if choosing else READ
    listed = access_listed(own, person, allowed, request.args)
    asked_page = max(request.args.get("page", 1, type=int), 1)
    ids, total = ids_of_page(own, sought(), listed.scope, asked_page)
    pages = max(1, -(-total // PAGE))
    page = min(asked_page, pages)
    rows = own.execute(queries.people_shown(on=clock.today(), tree=listed.tree).where(Person.id.in_(ids))).all()
    told = {"rows": len(rows), "page": page, "searched": bool(sought())}
    seen("person.list", listed.unit, permission=allowed, tree=listed.tree, **told)
    typed = text.nfc(request.args.get("units", ""))[:100]
    unit_id = listed.unit.public_id if listed.unit else None
    kept: dict[str, Any] = {"unit": unit_id, "choose": 1 if choosing else None, "tree": listed.told}
    return render_template(
        "people/list.html",
        rows=rows,
        total=total,
        page=page,
        pages=pages,
        sought=sought(),
        unit=listed.unit,
        units=units_to_choose(own, person, allowed, typed, tree=listed.tree),
        choosing=choosing,
        listed=listed,
        trees={one: TREE_WORDS[one] for one in trees_held(person, allowed)},
        page_url=lambda n: url_for("people.index", **kept, page=n),
    )


@bp.get("/units")
@needs(READ)
def units() -> ResponseReturnValue:
    """The units that fit what is being typed, as JSON: for the box in which one is chosen where there are many."""
    typed = text.nfc(request.args.get("q", ""))[:100]
    found = units_found(get_read_session(), actor(), READ, typed, tree=tree_asked(actor(), READ, request.args))
    return {"units": [{"id": str(one.public_id), "name": one.name, "code": one.code} for one in found]}


@bp.post("/found")
@needs(READ)
@reading
def found() -> ResponseReturnValue:
    """The people who fit what is being typed, as JSON, within one's own units; noted as a list of names is.

    `keep`: only those whom one may look after. A form, for a name never enters an address.
    """
    person, typed = actor(), text.nfc(request.form.get("q", ""))[:100]
    allowed = KEEP if request.form.get("keep") else READ
    if (wait := held_back([Budget("names typed", str(behind()), PER_TYPED)])) is not None:
        return {"people": [], "error": wait}, 429
    rows = people_typed(get_read_session(), person, allowed, typed)
    if rows:
        seen("person.list", None, permission=allowed, rows=len(rows), page=1, searched=True, purpose="typing")
    told = [
        {"id": str(one.public_id), "name": one.full_name, "about": ", ".join(filter(None, (one.position, unit)))}
        for one, _account, where in rows
        for unit in [where.name if where is not None else ""]
    ]
    return {"people": told, "more": len(rows) == MOST_TYPED}


@bp.get("/print")
@needs(READ)
def print_list() -> ResponseReturnValue:
    """The whole list on one page, to be printed: everybody the list would show, page after page. Noted as one."""
    person, own = actor(), get_session()
    listed = access_listed(own, person, READ, request.args)
    rows = own.execute(people_sought(listed).limit(MOST_PRINTED + 1)).all()
    more = len(rows) > MOST_PRINTED
    rows = rows[:MOST_PRINTED]
    told = {"rows": len(rows), "page": 1, "searched": bool(sought()), "purpose": "print"}
    seen("person.list", listed.unit, permission=READ, tree=listed.tree, **told)
    return render_template("people/print.html", rows=rows, more=more, listed=listed, sought=sought(), now=clock.now())


def sought() -> str:
    """What this browser looks for."""
    return text.nfc(str(session.get(SOUGHT, "")))  # also of a cookie from before


def people_sought(listed: Listed) -> queries.Found:
    """Those whom the list shows, as this browser looks for them."""
    return queries.people_found(sought(), on=clock.today(), within=listed.scope, tree=listed.tree)


@bp.post("/search")
@needs(READ)
@reading
def search() -> ResponseReturnValue:
    """Keep what is sought for this browser; a name never enters an address."""
    session[SOUGHT] = text.nfc(request.form.get("q", ""))[:100]
    tree, chosen = tree_asked(actor(), READ, request.form), request.form.get("unit") or None
    typed = text.nfc(request.form.get("units", ""))[:100] or None
    if tree != request.form.get("tree_shown", tree):
        chosen = typed = None  # they were of the other tree
    if typed:
        found = units_found(get_read_session(), actor(), READ, typed, tree=tree)
        exact = [one for one in found if one.name == typed] or found
        chosen, typed = (str(exact[0].public_id), None) if len(exact) == 1 else (None, typed)
    choose, told = request.form.get("choose") or None, None if tree == first_tree(actor(), READ) else tree
    return redirect(url_for("people.index", unit=chosen, units=typed, choose=choose, tree=told))


def seen(
    action: str, about: Person | Unit | None, *, permission: str = READ, tree: str = "", **details: object
) -> None:
    """Note that names were looked at. The words searched for are not kept: they may be a name.

    Where no unit was asked for, there is an entry for each one where whoever looks holds the permission (in that tree,
    or in both): those in other units were not seen. Each says by which tree, where the list was made by one.
    """
    kind = "person" if isinstance(about, Person) else "unit"
    who, looking, about_id = behind(), actor(), about.public_id if about is not None else "-"
    looked_in = scope_of(looking, permission) if about is None and not looking.everywhere(permission) else {}
    within = [(name, list(ids)) for name, ids in looked_in.items() if tree in ("", name)]

    def noted(own: Session) -> None:
        units = select(Unit.public_id).order_by(Unit.id)
        each: list[Any] = [(one, name) for name, ids in within for one in own.scalars(units.where(Unit.id.in_(ids)))]
        told = [(one, {**details, "tree": name} if name else details) for one, name in each or [(about_id, tree)]]
        note_each(own, action, actor=who, object_kind=kind, objects=told)

    apart(noted)


@bp.route("/new", methods=["GET", "POST"])
@needs(KEEP)
def new() -> ResponseReturnValue:
    """A new person; then the page with the link to hand over."""
    by, own = actor(), get_session()
    form = PersonForm(unit=request.args.get("unit", ""), tree=request.args.get("tree", ""))
    trees = trees_of_both(own, by, KEEP)
    form.unit.offer(trees)
    form.offer_trees(trees_held(by, KEEP))
    if by.everywhere(KEEP):
        form.role_unit.offer(trees)
    else:
        form.grants_nothing()
    if request.method == "GET":
        return render_template("people/new.html", form=form, no_units=not trees)
    if acceptable(own, form) and (person := created(own, form, by=by.public_id)) is not None:
        return with_link(own, person, by=by.public_id)
    return render_template("people/new.html", form=form, no_units=not trees), 422


def acceptable(own: Session, form: PersonForm) -> bool:
    """Whether the person may be added; otherwise the form tells all its faults at once, or asks about a namesake."""
    form.validate()
    must_stand(own, form)
    if not form.username.errors and own.scalar(queries.account_by_username(text_in(form.username))) is not None:
        form.username.errors = [TAKEN]
    if not form.email.errors and (fault := address_taken(own, text_in(form.email))) is not None:
        form.email.errors = [fault]
    if not form.errors and not form.namesake.data:
        within = people_kept(actor(), KEEP)
        same = own.execute(queries.namesakes(text_in(form.full_name), on=clock.today(), within=within)).all()
        if same:
            seen("person.list", None, permission=KEEP, rows=len(same), page=1, searched=True)
            there = "; ".join(
                f"{one.full_name}, {unit.name}" if unit else f"{one.full_name} ({account.username})"
                for one, account, unit in same
            )
            form.namesake.errors = [_("Đã có %(people)s. Nếu đây là người khác, đánh dấu ô này rồi lưu.", people=there)]
    return not form.errors


def created(own: Session, form: PersonForm, *, by: uuid.UUID) -> Person | None:
    """The new person, or None when the form now says what must be changed."""
    try:
        person = actions.create_person(
            own,
            full_name=text_in(form.full_name),
            username=text_in(form.username),
            unit=form.unit.unit,
            tree=text_in(form.tree),
            since=clock.today(),
            position=text_in(form.position),
            category=form.category.data,
            party=form.party.data,
            email=text_in(form.email) or None,
            by=by,
        )
    except UnitEnded as ended:
        form.unit.errors = [ended_words(ended.unit.name, ended.day, ended.heir)]
        return None
    except actions.UsernameTaken:
        form.username.errors = [TAKEN]  # by somebody else, at this moment
        return None
    if "role" in form and form.role.data:
        give(own, person, form, by=by)
    return person


def must_stand(own: Session, form: PersonForm) -> None:
    """The unit, and the one over which a role is given, are one's own in the tree; else the form says which is not."""
    asked = [(form.unit, form.unit.unit, text_in(form.tree))]
    if "role" in form and form.role.data and form.role.data not in EVERYWHERE:
        asked.append((form.role_unit, form.role_unit.unit or form.unit.unit, form.role_tree))
    for field, unit, tree in asked:
        if unit is not None and not stands_within(own, actor(), KEEP, unit, tree):
            field.errors = [NOT_IN_TREE]


def give(own: Session, person: Person, form: PersonForm, *, by: uuid.UUID) -> None:
    """Grant a role from today, over the unit unless it holds everywhere, and no longer than one's own reaches."""
    role, tree = text_in(form.role), form.role_tree
    over = None if role in EVERYWHERE else form.role_unit.unit or form.unit.unit
    until = power_ends(own, actor(), GRANT, over, tree=tree)
    actions.grant_role(own, person, role, unit=over, since=clock.today(), until=until, tree=tree, by=by)


def with_link(own: Session, person: Person, *, by: uuid.UUID) -> ResponseReturnValue:
    """Issue a link and go to the page that shows it. Until then it travels in the administrator's own cookie."""
    session[ONE_TIME_LINK] = [str(person.public_id), actions.issue_link(own, person, by=by)]
    return redirect(url_for("people.link", public_id=person.public_id))


@bp.get("/<uuid:public_id>")
@needs(READ)
def show(public_id: uuid.UUID) -> ResponseReturnValue:
    """One person: account, units, roles, and what of it this reader may change."""
    own = get_session()
    person = access_person(own, actor(), READ, public_id)
    seen("person.read", person)
    today = clock.today()
    return render_template(
        "people/person.html",
        person=person,
        account=own.get_one(SignInAccount, person.id),
        memberships=own.scalars(queries.memberships_of(person.id)).all(),
        link=own.scalar(queries.link_of(person.id)),
        linked=own.execute(queries.linked_with(person.id)).all(),
        tree_words=TREE_WORDS,
        kept_in=trees_held(actor(), KEEP),
        roles=own.scalars(queries.roles_of(person.id)).all(),
        today=today,
        oneself=person.public_id == actor().public_id,
        keeps=permitted(access_kept, own, actor(), public_id),
        keeps_account=permitted(access_account, own, actor(), public_id),
        grants=permitted(access_kept, own, actor(), public_id, GRANT)
        and (person.id != actor().person_id or actor().everywhere(GRANT)),
        sees_as=person.id != actor().person_id and may_see_as(own_grants(own, actor()), grants_held(own, person.id)),
        words={**CATEGORIES, **PARTY, **ROLES},
    )


@bp.get("/<uuid:public_id>/link")
@needs(KEEP)
def link(public_id: uuid.UUID) -> ResponseReturnValue:
    """The one-time link, once: whoever reloads the page is told to issue another."""
    own = get_session()
    person = access_account(own, actor(), public_id)
    whose, token = session.pop(ONE_TIME_LINK, ("", ""))
    address = config_of(own).site_url + url_for("accounts.first_password", token=token) if token else None
    seen("person.read", person)
    return render_template(
        "people/link.html",
        person=person,
        account=own.get_one(SignInAccount, person.id),
        memberships=own.scalars(queries.memberships_of(person.id)).all(),
        kept_in=trees_held(actor(), KEEP),
        address=address if whose == str(person.public_id) else None,
        until=clock.now() + LINK_LIFE,
    )


def asked(person: Person, title: str, told: list[str], *, button: str, address: str) -> str:
    """A page that says what pressing its button does; nothing has been done."""
    seen("person.read", person)
    return render_template("people/confirm.html", person=person, title=title, told=told, button=button, address=address)


@bp.get("/<uuid:public_id>/link/new")
@needs(KEEP)
def ask_link(public_id: uuid.UUID) -> ResponseReturnValue:
    """Before another link: what it ends."""
    person = access_account(get_session(), actor(), public_id)
    told = [
        _("Hệ thống cấp cho %(name)s một liên kết để tự đặt mật khẩu, chỉ hiện ra một lần.", name=person.full_name),
        _("Liên kết và phiếu đã cấp trước đó hết hiệu lực. Mật khẩu đang dùng vẫn dùng được đến khi đặt mật khẩu mới."),
    ]
    address = url_for("people.issue_link", public_id=public_id)
    return asked(person, _("Cấp liên kết đặt mật khẩu"), told, button=_("Cấp liên kết"), address=address)


@bp.post("/<uuid:public_id>/link")
@needs(KEEP)
def issue_link(public_id: uuid.UUID) -> ResponseReturnValue:
    """Another link; earlier ones end."""
    own = get_session()
    return with_link(own, access_account(own, actor(), public_id), by=actor().public_id)


@bp.get("/<uuid:public_id>/close")
@needs(KEEP)
def ask_close(public_id: uuid.UUID) -> ResponseReturnValue:
    """Before an account is closed: what ends, and what stays."""
    person = access_account(get_session(), actor(), public_id)
    told = [
        _("%(name)s không đăng nhập được nữa; mọi phiên đăng nhập kết thúc ngay.", name=person.full_name),
        _("Kết quả học tập được giữ nguyên, người này vẫn được tính vào sĩ số. Mở lại được bất cứ lúc nào."),
    ]
    address = url_for("people.close", public_id=public_id)
    return asked(person, _("Khóa tài khoản"), told, button=_("Khóa tài khoản"), address=address)


@bp.post("/<uuid:public_id>/close")
@needs(KEEP)
def close(public_id: uuid.UUID) -> ResponseReturnValue:
    """Nobody signs in with this account any more. One's own is closed by another administrator."""
    own = get_session()
    person = access_account(own, actor(), public_id)
    if person.public_id == actor().public_id:
        flash(_("Tài khoản của chính mình chỉ do quản trị viên khác khóa."), "warning")
    else:
        actions.close_account(own, person, by=actor().public_id)
        flash(_("Đã khóa tài khoản. Mọi phiên đăng nhập của tài khoản này đã kết thúc."), "success")
    return redirect(url_for("people.show", public_id=person.public_id))


@bp.post("/<uuid:public_id>/open")
@needs(KEEP)
def reopen(public_id: uuid.UUID) -> ResponseReturnValue:
    """The account opens again."""
    own = get_session()
    person = access_account(own, actor(), public_id)
    actions.reopen_account(own, person, by=actor().public_id)
    flash(_("Đã kích hoạt lại tài khoản."), "success")
    return redirect(url_for("people.show", public_id=person.public_id))
