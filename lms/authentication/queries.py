"""Reading what people sign in with."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount
from lms.accounts.queries import roles_held
from lms.accounts.rules import is_required
from lms.authentication.models import Authenticator, ExternalIdentity, Passkey, RecoveryCode
from lms.authentication.rules import MOST_ON_A_SHEET, page_after
from lms.db import config_of
from lms.doors import doors_of
from lms.organisation.models import STATE_TREE, Unit
from lms.organisation.queries import holds_on, subtree


def authenticator_of(person_id: int) -> Select[Authenticator]:
    """The confirmed authenticator of a person."""
    return select(Authenticator).where(Authenticator.person_id == person_id, Authenticator.confirmed_at.is_not(None))


def new_authenticator_of(person_id: int, *, since: datetime) -> Select[Authenticator]:
    """The one that waits for its first code."""
    return select(Authenticator).where(
        Authenticator.person_id == person_id, Authenticator.confirmed_at.is_(None), Authenticator.created_at > since
    )


def recovery_codes_left(person_id: int) -> Select[int]:
    """How many codes for emergencies have not been used."""
    return select(func.count()).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))


def passkeys_of(person_id: int) -> Select[Passkey]:
    """The passkeys of a person, the oldest first."""
    return select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.id)


def known_identity(issuer: str, subject: str) -> Select[int]:
    """The person another service knows by this mark."""
    return select(ExternalIdentity.person_id).where(
        ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject
    )


def people_to_activate(
    unit_id: int, *, on: date, everywhere: bool, tree: str = STATE_TREE
) -> Select[Person, SignInAccount, Unit]:
    """People counted in the unit and below in that tree who have never set a password, by unit, then by name.

    Whoever may not look after everybody makes no code for people who hold a role, today or from a later day on: it
    would open more than that.
    """
    query = (
        select(Person, SignInAccount, Unit)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .join(Membership, Membership.person_id == Person.id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.tree == tree,
            Membership.kind == "main",
            holds_on(on, Membership.valid_from, Membership.valid_to),
            Membership.unit_id.in_(subtree(unit_id, on=on, tree=tree)),
            SignInAccount.password_hash.is_(None),
            SignInAccount.disabled_at.is_(None),
        )
        .order_by(Unit.sort_key, Unit.id, Person.sort_key, Person.id)
        .limit(MOST_ON_A_SHEET)
    )
    if not everywhere:
        held = and_(or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > on), RoleGrant.over_standing(on))
        query = query.where(~exists().where(and_(RoleGrant.person_id == Person.id, held)))
    return query


def people_by_claim(session: Session, match: str, value: str) -> list[int]:
    """The ids of those a claim of another service means. Several are none: nobody enters by what others have too."""
    if match == "code":
        return list(doors_of(session).bearers_of(session, value))[:2]
    wanted = SignInAccount.username == value.lower()
    if match == "email":
        wanted = Person.email.in_((value, value.lower()))
    query = select(Person.id).join(SignInAccount, SignInAccount.person_id == Person.id).where(wanted)
    return list(session.scalars(query.limit(2)))


class SecondFactorsHere:
    """What must follow a right password (`SecondFactors` in lms/doors.py)."""

    def after_password(self, session: Session, person_id: int, *, proof: str) -> str | None:
        """The endpoint of the page that asks for a code, or for an authenticator to be set up."""
        return page_after(
            proof,
            required=required_of(session, person_id),
            has_authenticator=self.guards(session, person_id),
            has_passkey=session.scalar(passkeys_of(person_id).limit(1)) is not None,
        )

    def guards(self, session: Session, person_id: int) -> bool:
        """Whether a code is asked for after each password."""
        return session.scalar(authenticator_of(person_id)) is not None


def required_of(session: Session, person_id: int) -> bool:
    """Whether a role held today asks for a second factor."""
    wanted = config_of(session).second_factor
    if not wanted:
        return False
    held: Sequence[RoleGrant] = session.scalars(roles_held(person_id, on=clock.today())).all()
    return is_required([grant.role for grant in held], of=wanted)
