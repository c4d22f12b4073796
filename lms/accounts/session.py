"""Who is asking: a random key in the cookie, a row in the database, and one query that finds the person and roles.

The same for somebody who has shown a password and from whom more is asked: a step, which opens no page but that of it;
and for whoever holds a one-time link, which lets them set a password.
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import cast

from flask_login import UserMixin
from sqlalchemy import ColumnElement, Date, Select, and_, bindparam, delete, insert, select, true, update
from sqlalchemy.orm import Session, aliased

from lms import clock
from lms.accounts.models import OneTimeLink, Person, RoleGrant, SignInAccount, SignInStep, UserSession, Viewing
from lms.accounts.queries import roles_held
from lms.accounts.rules import (
    ADMINISTRATOR,
    AUDITOR,
    EVERYONE,
    PERMISSIONS,
    SECOND_FACTOR,
    SEEN_EVERY,
    STEP_LIFE,
    VIEWING_LIFE,
    Grant,
    is_required,
    may_go_on,
    may_see_as,
)
from lms.audit.actions import note
from lms.config import Config
from lms.db import config_of
from lms.notices.queries import unseen
from lms.organisation.models import STATE_TREE
from lms.organisation.queries import holds_on
from lms.web.acting import ONLY_READS, VIEWING, VIEWING_OVER, Viewer


@dataclass(frozen=True, slots=True)
class SignedIn(UserMixin):
    """The person behind a session, with the roles of this very moment."""

    key: str
    session_id: int
    person_id: int
    public_id: uuid.UUID
    name: str
    language: str
    seen_at: datetime
    proof: str
    grants: tuple[Grant, ...]
    viewer: Viewer | None = None
    viewing_over: int | None = None
    """The viewing that is over, and must be noted as ended."""

    has_notices: bool = False
    """Whether there are notices that this person has not seen."""

    @property
    def tied(self) -> str:
        """Why nothing may be changed, or ""."""
        if self.viewer is not None:
            return VIEWING
        if self.viewing_over is not None:
            return VIEWING_OVER
        return ONLY_READS if any(grant.role == AUDITOR for grant in self.grants) else ""

    def get_id(self) -> str:
        """The random key of this session: it is what the cookie carries, and it dies with the session."""
        return self.key

    def may(self, permission: str) -> bool:
        """Whether some role, anywhere, carries the permission."""
        return any(permission in PERMISSIONS[role] for role in (EVERYONE, *(grant.role for grant in self.grants)))

    def everywhere(self, permission: str) -> bool:
        """Whether it holds for every unit."""
        return any(permission in PERMISSIONS[grant.role] for grant in self.grants if grant.unit_id is None)

    def unit_ids(self, permission: str, tree: str = STATE_TREE) -> tuple[int, ...]:
        """The units at and below which it holds in that tree."""
        return tuple(
            grant.unit_id
            for grant in self.grants
            if grant.unit_id is not None and grant.tree == tree and permission in PERMISSIONS[grant.role]
        )


def digest(key: str) -> bytes:
    """What is kept of a key or token: a copy of the database opens no door."""
    return hashlib.sha256(key.encode()).digest()


def begin_session(session: Session, person_id: int, *, browser: str, proof: str, since: datetime | None = None) -> str:
    """Open a session for a person who has shown `proof`, and return its key, which is new at each sign-in.

    `since`: when it was shown, where another session goes on under a new key; else now.
    """
    key = secrets.token_urlsafe(32)
    now = clock.now()
    began = since or now
    session.execute(
        insert(UserSession).values(
            key_digest=digest(key),
            person_id=person_id,
            created_at=began,
            seen_at=now,
            expires_at=began + config_of(session).sessions.length,
            browser=browser[:200],
            proof=proof,
        )
    )
    return key


def signed_in(session: Session, key: str) -> SignedIn | None:
    """The person of a session that is neither revoked, expired nor idle too long, and whose account is open.

    Nobody goes on without a second factor once a role asks for one, as one that begins on a later day does.
    """
    now, limits = clock.now(), config_of(session).sessions
    rows = session.execute(live_session(), {"key": digest(key), "now": now, "today": clock.today()}).all()
    if not rows:
        return None
    first = rows[0]
    grants = tuple(Grant(row.role, row.unit_id, row.tree) for row in rows if row.role)
    roles = [row.role for row in rows]
    if not may_go_on(roles, created_at=first.created_at, seen_at=first.seen_at, now=now, limits=limits):
        return None
    if first.proof != SECOND_FACTOR and is_required(roles, of=config_of(session).second_factor):
        return None
    me = SignedIn(
        key=key,
        session_id=first.session_id,
        person_id=first.person_id,
        public_id=first.public_id,
        name=first.full_name,
        language=first.language,
        seen_at=first.seen_at,
        proof=first.proof,
        grants=grants,
        has_notices=first.has_notices,
    )
    if first.viewing_id is None:
        return me
    seen = seen_as(session, me, first.viewed_id) if first.ends_at > now else None
    return seen or replace(me, viewing_over=first.viewing_id)


def seen_as(session: Session, me: SignedIn, person_id: int) -> SignedIn | None:
    """The other person, as I see the product now; None when one of us has gained or lost what it rested on."""
    person = session.get_one(Person, person_id)
    grants = grants_held(session, person_id)
    if not may_see_as(me.grants, grants):
        return None
    viewer = Viewer(me.public_id, me.name)
    return replace(
        me,
        person_id=person_id,
        public_id=person.public_id,
        name=person.full_name,
        grants=grants,
        viewer=viewer,
        has_notices=False,
    )


def grants_held(session: Session, person_id: int) -> tuple[Grant, ...]:
    """The roles somebody holds today."""
    rows = session.execute(
        select(RoleGrant.role, RoleGrant.unit_id, RoleGrant.tree).where(
            RoleGrant.person_id == person_id,
            holds_on(clock.today(), RoleGrant.valid_from, RoleGrant.valid_to),
            RoleGrant.over_standing(clock.today()),
        )
    )
    return tuple(Grant(row.role, row.unit_id, row.tree) for row in rows)


def begin_viewing(session: Session, me: SignedIn, person: Person) -> None:
    """From the next page on this session sees what the person sees, for half an hour; noted in the person's log.

    Whoever asks has found out with `may_see_as` that it is allowed.
    """
    now = clock.now()
    session.add(
        Viewing(
            session_id=me.session_id,
            viewer_id=me.person_id,
            person_id=person.id,
            started_at=now,
            ends_at=now + VIEWING_LIFE,
        )
    )
    note(session, "view_as.start", actor=me.public_id, object_kind="person", object_id=person.public_id)


def end_viewing(session: Session, viewings: ColumnElement[bool]) -> None:
    """End those of these viewings that go on, at the latest when their time was over; noted in the log of the seen."""
    now, viewer = clock.now(), aliased(Person)
    rows = session.execute(
        select(Viewing, viewer.public_id, Person.public_id)
        .join(viewer, viewer.id == Viewing.viewer_id)
        .join(Person, Person.id == Viewing.person_id)
        .where(viewings, Viewing.ended_at.is_(None))
    ).all()
    for viewing, by, public_id in rows:
        viewing.ended_at = min(now, viewing.ends_at)
        note(session, "view_as.end", actor=by, object_kind="person", object_id=public_id)


def end_overdue_viewings(session: Session, now: datetime) -> None:
    """At night: what nobody ended is noted as ended."""
    end_viewing(session, Viewing.ends_at < now)


@cache
def live_session() -> Select[
    int, datetime, datetime, str, int, uuid.UUID, str, str, str, int | None, str, int | None, int | None, datetime, bool
]:
    """Session, person and each role held today (one row without a role, when there is none), in one query.

    With them the viewing that goes on in this session, when there is one. Every page asks this: it is composed once,
    and `key` (a digest), `now` and `today` are its parameters.
    """
    today = cast(date, bindparam("today", type_=Date()))
    return (
        select(
            UserSession.id.label("session_id"),
            UserSession.created_at,
            UserSession.seen_at,
            UserSession.proof,
            Person.id.label("person_id"),
            Person.public_id,
            Person.full_name,
            Person.language,
            RoleGrant.role,
            RoleGrant.unit_id,
            RoleGrant.tree,
            Viewing.id.label("viewing_id"),
            Viewing.person_id.label("viewed_id"),
            Viewing.ends_at,
            unseen(Person.id).exists().label("has_notices"),
        )
        .join(Person, Person.id == UserSession.person_id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .outerjoin(RoleGrant, and_(RoleGrant.person_id == Person.id, *holding(today)))
        .outerjoin(Viewing, and_(Viewing.session_id == UserSession.id, Viewing.ended_at.is_(None)))
        .where(
            UserSession.key_digest == bindparam("key"),
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > bindparam("now"),
            SignInAccount.disabled_at.is_(None),
        )
    )


def holding(today: date) -> tuple[ColumnElement[bool], ...]:
    """That a role holds that day, over a unit that stands."""
    return holds_on(today, RoleGrant.valid_from, RoleGrant.valid_to), RoleGrant.over_standing(today)


def whose_session(session: Session, key: str) -> str:
    """The public id of the person whose session this is or was; "" when there is none such."""
    query = select(Person.public_id).join(UserSession, UserSession.person_id == Person.id)
    found = session.scalar(query.where(UserSession.key_digest == digest(key)))
    return str(found) if found is not None else ""


def must_be_marked(person: SignedIn) -> bool:
    """Whether the session should be noted as used: at most once in a few minutes, so that reading stays reading."""
    return clock.now() - person.seen_at > SEEN_EVERY


def mark_seen(session: Session, session_id: int) -> None:
    """Note that the session is in use, so that it does not end as idle."""
    session.execute(update(UserSession).where(UserSession.id == session_id).values(seen_at=clock.now()))


def end_session(session: Session, key: str) -> None:
    """Revoke one session; a copied cookie opens nothing from now on."""
    session.execute(
        update(UserSession)
        .where(UserSession.key_digest == digest(key), UserSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


def end_all_sessions(session: Session, person_id: int, *, but: int | None = None) -> None:
    """Revoke every session of a person, but for one: after a change of password, or when the account is closed."""
    session.execute(
        update(UserSession)
        .where(UserSession.person_id == person_id, UserSession.revoked_at.is_(None), UserSession.id != (but or 0))
        .values(revoked_at=clock.now())
    )
    session.execute(delete(SignInStep).where(SignInStep.person_id == person_id))


def end_one_session(session: Session, person_id: int, session_id: int) -> bool:
    """Revoke one session of that person; False when there is none such."""
    ended = session.scalar(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.person_id == person_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(UserSession.id)
    )
    return ended is not None


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody on the way in: who, and what has been shown so far ("password", "provider", "second factor")."""

    person_id: int
    proof: str


def begin_step(session: Session, person_id: int, *, proof: str) -> str:
    """Remember for ten minutes that the person has shown this, and return the key of it. Old ones are removed."""
    key, now = secrets.token_urlsafe(32), clock.now()
    session.execute(delete(SignInStep).where(SignInStep.expires_at < now))
    session.execute(
        insert(SignInStep).values(key_digest=digest(key), person_id=person_id, proof=proof, expires_at=now + STEP_LIFE)
    )
    return key


def step_of(session: Session, key: str) -> Step | None:
    """Whose step this is; None when it is over, or the account has been closed meanwhile."""
    found = session.execute(
        select(SignInStep.person_id, SignInStep.proof)
        .join(SignInAccount, SignInAccount.person_id == SignInStep.person_id)
        .where(
            SignInStep.key_digest == digest(key),
            SignInStep.expires_at > clock.now(),
            SignInAccount.disabled_at.is_(None),
        )
    ).one_or_none()
    return Step(found.person_id, found.proof) if found is not None else None


def end_step(session: Session, key: str) -> None:
    """The step is done: its key opens nothing any more."""
    session.execute(delete(SignInStep).where(SignInStep.key_digest == digest(key)))


def link_account(session: Session, token: str) -> SignInAccount | None:
    """The account a one-time token opens, or None when it is unknown, used or too old."""
    return session.scalar(
        select(SignInAccount)
        .join(OneTimeLink, OneTimeLink.person_id == SignInAccount.person_id)
        .where(
            OneTimeLink.token_digest == digest(token),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > clock.now(),
            SignInAccount.disabled_at.is_(None),
        )
    )


def hold_accounts(session: Session, *person_ids: int) -> None:
    """Keep others from changing how these people get in, until this transaction ends.

    Taken before any slip or link of theirs: whoever changes both never waits for one who waits for them.
    """
    accounts = select(SignInAccount.person_id).where(SignInAccount.person_id.in_(person_ids))
    session.execute(accounts.order_by(SignInAccount.person_id).with_for_update())


def end_links(session: Session, *person_ids: int, mailed_only: bool = False) -> None:
    """Every link that would let somebody set these people's passwords opens nothing more; or those by mail alone."""
    which = OneTimeLink.mailed if mailed_only else true()
    session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.person_id.in_(person_ids), OneTimeLink.used_at.is_(None), which)
        .values(used_at=clock.now())
    )


def administers(session: Session, person_id: int) -> bool:
    """Whether the person is an administrator today, of anything."""
    held = roles_held(person_id, on=clock.today()).where(RoleGrant.role == ADMINISTRATOR)
    return bool(session.scalar(select(held.exists())))


def mailed_token(config: Config, seed: str) -> str:
    """The token of a link that travels by mail."""
    return hmac.new(config.secret_key.encode(), f"reset {seed}".encode(), hashlib.sha256).hexdigest()
