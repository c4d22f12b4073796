"""What is kept about a person, and who has seen their name."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Membership, Person, PersonLink, RoleGrant, SignInAccount, UserSession
from lms.accounts.queries import roles_of
from lms.audit.models import AuditEntry
from lms.audit.queries import Page, page_of
from lms.audit.rules import DISCLOSURES
from lms.authentication.models import Authenticator, ExternalIdentity, Passkey
from lms.db import config_of
from lms.doors import OwnData, doors_of
from lms.forwarding.models import ForwardTarget
from lms.organisation.models import STATE_TREE, Unit, UnitClosure
from lms.organisation.queries import holds_on
from lms.privacy.models import PrivacyRequest
from lms.webhooks.models import Webhook
from lms.xapi.models import XapiAgent, XapiBody, XapiStatement
from lms.xapi.statement import agent_digest

PIECE = 500
WHOLE_SYSTEM = "-"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Somebody saw or took out names, and that of the person could be among them. `scope` "": the person alone.

    `tree`: by which of the two the list was made ("": by neither, or by both).
    """

    entry: AuditEntry
    who: str
    office: str
    scope: str
    tree: str


def own_data(session: Session, person: Person) -> Iterator[OwnData]:
    """Everything that is kept, part by part: of the ground first, then of each package that has registered."""
    yield identity(person, session.get_one(SignInAccount, person.id))
    yield linked_records(session, person.id)
    yield memberships(session, person.id)
    yield roles(session, person.id)
    yield devices(session, person.id)
    yield from ways_in(session, person.id)
    for part in doors_of(session).own_data:
        yield from part(session, person.id)
    yield stores(session)
    yield channels(session)


def identity(person: Person, account: SignInAccount) -> OwnData:
    """The row of the person, under the names of its columns."""
    columns = {
        "full_name": _l("Họ và tên"),
        "username": _l("Tên đăng nhập"),
        "email": _l("Thư điện tử"),
        "phone": _l("Điện thoại"),
        "muted": _l("Không nhận thư về"),
        "position": _l("Chức vụ"),
        "category": _l("Loại cán bộ"),
        "party": _l("Đảng viên"),
        "language": _l("Ngôn ngữ"),
        "public_id": _l("Mã trong bản ghi học tập"),
        "created_at": _l("Có từ lúc"),
    }
    values = {name: getattr(person, name) for name in columns if name != "username"} | {"username": account.username}
    values["public_id"] = str(person.public_id)
    return OwnData("identity", _l("Thông tin của tôi"), columns, [[values[name] for name in columns]])


def linked_records(session: Session, person_id: int) -> OwnData:
    """The other records of the same person, which count by this one."""
    rows = session.execute(
        select(SignInAccount.username, Person.public_id, PersonLink.decided_on)
        .select_from(PersonLink)
        .join(Person, Person.id == PersonLink.duplicate_id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(PersonLink.person_id == person_id, PersonLink.same, PersonLink.undone_at.is_(None))
        .order_by(PersonLink.id)
    )
    columns = {
        "username": _l("Tên đăng nhập"),
        "public_id": _l("Mã trong bản ghi học tập"),
        "since": _l("Ghép từ ngày"),
    }
    told = [[username, str(public_id), since] for username, public_id, since in rows]
    return OwnData("linked_records", _l("Hồ sơ khác của tôi, đã ghép"), columns, told)


def memberships(session: Session, person_id: int) -> OwnData:
    """Every unit in both trees, past ones too."""
    rows = session.execute(
        select(
            Unit.name, Membership.tree, Membership.kind, Membership.position, Membership.valid_from, Membership.valid_to
        )
        .join(Unit, Unit.id == Membership.unit_id)
        .where(Membership.person_id == person_id)
        .order_by(Membership.valid_from.desc(), Membership.id.desc())
    )
    columns = {
        "unit": _l("Đơn vị"),
        "tree": _l("Hệ thống tổ chức"),
        "kind": _l("Loại"),
        "position": _l("Chức vụ"),
        "from": _l("Từ ngày"),
        "to": _l("Đến ngày"),
    }
    return OwnData("memberships", _l("Đơn vị công tác"), columns, [list(row) for row in rows])


EVERYWHERE = "everywhere"


def roles(session: Session, person_id: int) -> OwnData:
    """Every role, past ones too."""
    columns = {"role": _l("Vai trò"), "unit": _l("Phạm vi"), "from": _l("Từ ngày"), "to": _l("Đến ngày")}
    found: Iterable[RoleGrant] = session.scalars(roles_of(person_id))
    rows = [[one.role, one.unit.name if one.unit else EVERYWHERE, one.valid_from, one.valid_to] for one in found]
    return OwnData("roles", _l("Vai trò"), columns, rows)


def devices(session: Session, person_id: int) -> OwnData:
    """Every session, ended ones too: from which browser, and when it was used."""
    columns = {
        "browser": _l("Trình duyệt"),
        "begun": _l("Đăng nhập lúc"),
        "used": _l("Dùng lần cuối"),
        "ended": _l("Kết thúc lúc"),
    }
    rows = session.execute(
        select(UserSession.browser, UserSession.created_at, UserSession.seen_at, UserSession.revoked_at)
        .where(UserSession.person_id == person_id)
        .order_by(UserSession.id.desc())
    )
    return OwnData("sessions", _l("Nơi đã đăng nhập"), columns, [list(row) for row in rows])


def ways_in(session: Session, person_id: int) -> Iterator[OwnData]:
    """Second factors, passkeys, other services: that they are there, and since when; never a secret."""
    passkeys = session.execute(
        select(Passkey.name, Passkey.created_at, Passkey.used_at).where(Passkey.person_id == person_id)
    )
    columns = {"name": _l("Tên"), "since": _l("Có từ lúc"), "used": _l("Dùng lần cuối")}
    yield OwnData("passkeys", _l("Khóa truy cập"), columns, [list(row) for row in passkeys])
    telephone = session.execute(
        select(Authenticator.created_at, Authenticator.confirmed_at).where(Authenticator.person_id == person_id)
    )
    columns = {"since": _l("Có từ lúc"), "confirmed": _l("Xác nhận lúc")}
    yield OwnData("authenticators", _l("Mã xác nhận trên điện thoại"), columns, [list(row) for row in telephone])
    others = session.execute(
        select(ExternalIdentity.issuer, ExternalIdentity.subject, ExternalIdentity.created_at).where(
            ExternalIdentity.person_id == person_id
        )
    )
    columns = {"issuer": _l("Dịch vụ đăng nhập"), "subject": _l("Mã ở dịch vụ đó"), "since": _l("Có từ lúc")}
    yield OwnData("external_identities", _l("Dịch vụ đăng nhập khác"), columns, [list(row) for row in others])


def stores(session: Session) -> OwnData:
    """The stores to which statements are sent on, with the opaque id of the person and never the name."""
    rows = session.execute(select(ForwardTarget.name, ForwardTarget.created_at).order_by(ForwardTarget.id))
    columns = {"name": _l("Nơi nhận"), "since": _l("Từ lúc")}
    return OwnData("forwarded_to", _l("Nơi bản ghi học tập được gửi tới"), columns, [list(row) for row in rows])


def channels(session: Session) -> OwnData:
    """Other channels that are told of reminders, by the opaque id of the person and never the name."""
    rows = session.execute(select(Webhook.name, Webhook.created_at).order_by(Webhook.id))
    columns = {"name": _l("Nơi nhận"), "since": _l("Từ lúc")}
    return OwnData("told_to", _l("Kênh được báo lời nhắc, bằng mã"), columns, [list(row) for row in rows])


def agent_of(session: Session, person: Person) -> Select[int]:
    """The key of the person as statements name them."""
    digest = agent_digest({"account": {"homePage": config_of(session).iri_base, "name": str(person.public_id)}})
    return select(XapiAgent.id).where(XapiAgent.digest == digest)


def statements_count(session: Session, person: Person) -> int:
    """How many statements say what the person did."""
    mine = XapiStatement.actor_id.in_(agent_of(session, person))
    return session.scalar(select(func.count()).select_from(XapiStatement).where(mine)) or 0


def statements(session: Session, person: Person) -> Iterator[bytes]:
    """The statements of the person as they are stored, in order, each as JSON on one line."""
    after = 0
    while True:
        rows: Sequence[Any] = session.execute(
            select(XapiBody.sequence, XapiBody.body)
            .join(XapiStatement, XapiStatement.sequence == XapiBody.sequence)
            .where(XapiStatement.actor_id.in_(agent_of(session, person)), XapiBody.sequence > after)
            .order_by(XapiBody.sequence)
            .limit(PIECE)
        ).all()
        if not rows:
            return
        yield from (row.body for row in rows)
        after = rows[-1].sequence


def disclosures(session: Session, person: Person, *, before: int | None) -> tuple[list[Disclosure], bool]:
    """Who saw or took out names among which the person's could be, the latest first; and whether there are older ones.

    Lists are of a unit and all below it: they count for the days on which the person belonged there, in whatever tree.
    """
    mine = and_(AuditEntry.object_kind == "person", AuditEntry.object_id == str(person.public_id))
    whole = AuditEntry.object_id == WHOLE_SYSTEM
    query = (
        select(AuditEntry)
        .where(
            AuditEntry.action.in_(DISCLOSURES),
            AuditEntry.at >= person.created_at,
            or_(AuditEntry.actor.is_(None), AuditEntry.actor != person.public_id),
            or_(mine, whole, *lists_of_units(session, person.id)),
        )
        .order_by(AuditEntry.id.desc())
    )
    found: Page = page_of(session, query, before=before)
    people = offices(session, {one.actor for one in found.entries if one.actor is not None})
    ids = {uuid.UUID(one.object_id) for one in found.entries if one.object_kind == "unit" and one.object_id != "-"}
    units = dict(session.execute(select(Unit.public_id, Unit.name).where(Unit.public_id.in_(ids))).all())
    return [told(one, people, units) for one in found.entries], found.older


def told(one: AuditEntry, people: Mapping[uuid.UUID, tuple[str, str]], units: Mapping[uuid.UUID, str]) -> Disclosure:
    who, office = people.get(one.actor, ("", "")) if one.actor is not None else ("", "")
    tree = str(one.details.get("tree", ""))
    if one.object_id == WHOLE_SYSTEM:
        return Disclosure(one, who, office, WHOLE_SYSTEM, tree)
    scope = units.get(uuid.UUID(one.object_id), "") if one.object_kind == "unit" else ""
    return Disclosure(one, who, office, scope, tree)


def lists_of_units(session: Session, person_id: int) -> Iterator[ColumnElement[bool]]:
    """For each unit the person belonged to, and all above it then: lists of it on the days when both held.

    A list that was made by one tree was of those who belonged there in that tree. On days on which somebody belongs
    to no unit of the state tree, that tree counts them where their Party unit stands in it.
    """
    rows = session.execute(
        select(Unit.public_id, UnitClosure.tree, Membership.tree.label("own"), Membership.valid_from)
        .add_columns(Membership.valid_to, UnitClosure.valid_from, UnitClosure.valid_to)
        .select_from(Membership)
        .join(
            UnitClosure,
            and_(
                UnitClosure.descendant_id == Membership.unit_id,
                or_(UnitClosure.tree == Membership.tree, UnitClosure.tree == STATE_TREE),
            ),
        )
        .join(Unit, Unit.id == UnitClosure.ancestor_id)
        .where(Membership.person_id == person_id)
        .distinct()
    ).all()
    counted = session.execute(
        select(Membership.valid_from, Membership.valid_to).where(
            Membership.person_id == person_id, Membership.tree == STATE_TREE
        )
    ).all()
    by = AuditEntry.details["tree"].as_string()
    for public_id, tree, own, came, left, stood, moved in rows:
        span = max(came, stood), min(left or date.max, moved or date.max)
        elsewhere = [(one, ended or date.max) for one, ended in counted] if tree != own else []
        for since, until in without(span, elsewhere):
            days = [AuditEntry.at >= clock.start_of_day(since)]
            days += [AuditEntry.at < clock.start_of_day(until)] if until < date.max else []
            about = AuditEntry.object_kind == "unit", AuditEntry.object_id == str(public_id)
            yield and_(*about, *days, or_(by.is_(None), by == tree))


Days = tuple[date, date]
"""From one day to before another."""


def without(span: Days, taken: Iterable[Days]) -> list[Days]:
    """What is left of some days when others are taken out of them."""
    left = [span]
    for begins, ends in taken:
        parts = [part for since, until in left for part in ((since, min(until, begins)), (max(since, ends), until))]
        left = [(since, until) for since, until in parts if since < until]
    return [(since, until) for since, until in left if since < until]


def offices(session: Session, people: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, tuple[str, str]]:
    """The name of each of these people, and the unit where they are counted today."""
    here = and_(
        Membership.person_id == Person.id,
        Membership.tree == STATE_TREE,
        Membership.kind == "main",
        holds_on(clock.today(), Membership.valid_from, Membership.valid_to),
    )
    rows = session.execute(
        select(Person.public_id, Person.full_name, Unit.name)
        .outerjoin(Membership, here)
        .outerjoin(Unit, Unit.id == Membership.unit_id)
        .where(Person.public_id.in_(set(people)))
    )
    return {public_id: (name, unit or "") for public_id, name, unit in rows}


def requests_of(person_id: int) -> Select[PrivacyRequest]:
    """What the person has asked, the latest first."""
    return select(PrivacyRequest).where(PrivacyRequest.person_id == person_id).order_by(PrivacyRequest.id.desc())


def worklist(*, answered: bool) -> Select[PrivacyRequest, Person]:
    """What waits for an answer, the most urgent first; or what has been answered, the latest first."""
    query = select(PrivacyRequest, Person).join(Person, Person.id == PrivacyRequest.person_id)
    if answered:
        return query.where(PrivacyRequest.state == "answered").order_by(PrivacyRequest.answered_at.desc())
    return query.where(PrivacyRequest.state != "answered").order_by(PrivacyRequest.due_on, PrivacyRequest.id)
