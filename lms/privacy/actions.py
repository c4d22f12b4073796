"""Asking for one's data to be put right or erased, answering that, and erasing a person."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.actions import PeopleMoved
from lms.accounts.models import (
    Membership,
    OneTimeLink,
    PasswordBefore,
    Person,
    RoleGrant,
    SignInAccount,
    SignInStep,
    UserSession,
    Viewing,
)
from lms.accounts.queries import links_of
from lms.accounts.session import end_viewing, hold_accounts
from lms.audit.actions import note
from lms.authentication.models import (
    ActivationCode,
    Authenticator,
    ExternalIdentity,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
)
from lms.db import config_of, lock_roll
from lms.documents.models import XapiDocument
from lms.doors import tell
from lms.notices.models import Notice
from lms.privacy.models import PrivacyRequest
from lms.privacy.rules import due_day
from lms.xapi.models import XapiAgent
from lms.xapi.statement import agent_digest

NEW, IN_WORK, ANSWERED = "new", "in_work", "answered"
CHOSEN_BY = frozenset({"category", "party", "position"})
"""By these rolls choose people: when they change, the rolls are looked at again."""

ERASED_NAME = "(đã xóa dữ liệu)"
"""What stands in the place of a name; pages show it as it is, in whatever language."""

GOES_WITH_THE_PERSON = (
    UserSession,
    OneTimeLink,
    PasswordBefore,
    SignInStep,
    Authenticator,
    RecoveryCode,
    Passkey,
    PasskeyChallenge,
    ActivationCode,
    ExternalIdentity,
    Notice,
)
"""What lets somebody in, or tells with what: it goes. A test compares this with every table that names people."""


class AlreadyAsked(ValueError):
    """The person has asked the same and has not been answered yet."""


@dataclass(frozen=True, slots=True)
class PersonErased:
    """Told when a person is being erased, so that each feature lets go of what tells who it was."""

    person_id: int
    marks: tuple[str, ...]
    """The name, address, telephone and user name by which the person could be found until now."""


def ask(session: Session, person_id: int, public_id: uuid.UUID, *, kind: str, reason: str) -> PrivacyRequest:
    """Ask for one's data to be put right or erased. Raises `AlreadyAsked`."""
    now = clock.now()
    request = PrivacyRequest(
        public_id=uuid.uuid4(),
        person_id=person_id,
        kind=kind,
        state=NEW,
        reason=reason,
        asked_at=now,
        due_on=due_day(clock.day_of(now)),
    )
    try:
        with session.begin_nested():
            session.add(request)
    except IntegrityError as error:
        raise AlreadyAsked(kind) from error
    note(session, "privacy.ask", actor=public_id, **about(request), kind=kind)
    return request


def take(session: Session, request: PrivacyRequest, *, by: uuid.UUID) -> None:
    """Somebody begins to work on it; who has begun goes on."""
    if request.state == NEW:
        request.state, request.taken_by = IN_WORK, by
        note(session, "privacy.take", actor=by, **about(request), changes={"state": (NEW, IN_WORK)})


def refuse(session: Session, request: PrivacyRequest, *, answer: str, by: uuid.UUID) -> None:
    """Nothing is changed, and the person reads why."""
    conclude(session, request, "refused", answer=answer, by=by)


def correct(
    session: Session, request: PrivacyRequest, wanted: Mapping[str, str], *, answer: str, by: uuid.UUID
) -> list[str]:
    """Put the person's particulars right and answer; returns the names of the fields that changed."""
    person = session.get_one(Person, request.person_id)
    values: dict[str, str | None] = {name: text.nfc(value) for name, value in wanted.items()}
    values["email"] = values.get("email") or None
    before = {name: getattr(person, name) for name in values}
    changed = sorted(name for name, value in values.items() if before[name] != value)
    if CHOSEN_BY.intersection(changed):
        lock_roll(session)  # before any row is written, as all who need both take them
    for name in changed:
        setattr(person, name, values[name])
    if "full_name" in changed:
        person.sort_key, person.search_key = text.person_sort_key(person.full_name), text.fold(person.full_name)
    if changed:
        coded = {name: (before[name], values[name]) for name in ("category", "party")}
        note(
            session,
            "person.change",
            actor=by,
            object_kind="person",
            object_id=person.public_id,
            fields=changed,
            changes=coded,
        )
    if CHOSEN_BY.intersection(changed):
        session.flush()  # those who are told read who the person is by now
        tell(session, PeopleMoved((person.id,)))
    conclude(session, request, "corrected", answer=answer, by=by)
    return changed


def conclude(session: Session, request: PrivacyRequest, outcome: str, *, answer: str, by: uuid.UUID) -> None:
    before = request.state
    request.state, request.outcome, request.answer = ANSWERED, outcome, answer
    request.answered_at, request.taken_by = clock.now(), request.taken_by or by
    changes = {"state": (before, ANSWERED), "outcome": (None, outcome)}
    note(session, "privacy.answer", actor=by, **about(request), changes=changes)


def about(request: PrivacyRequest) -> dict[str, str]:
    return {"object_kind": "privacy_request", "object_id": str(request.public_id)}


def erase(session: Session, request: PrivacyRequest, *, by: uuid.UUID) -> None:
    """Take away whatever tells who the person was, for ever; counts, statements and the audit log stay as they are.

    The person stays in the units where they are counted, without a name, and nobody can sign in as them. Records that
    are linked as the same person (decision 0022) are erased with the one that asks.
    """
    same = {request.person_id}
    for _step in range(2):  # from a duplicate to the record that stands for it, and to its other duplicates
        for pair in session.execute(links_of(same)).all():
            same.update(pair)
    lock_roll(session)  # nothing becomes known of them meanwhile, and rolls are looked at again
    for person_id in sorted(same):
        erase_record(session, session.get_one(Person, person_id), by=by)
    session.flush()  # those who are told read who they are by now
    tell(session, PeopleMoved(tuple(sorted(same))))  # their positions are gone
    conclude(session, request, "erased", answer="", by=by)
    spoken = update(PrivacyRequest).where(PrivacyRequest.person_id.in_(same))
    session.execute(spoken.values(reason="", answer=""))


def erase_record(session: Session, person: Person, *, by: uuid.UUID) -> None:
    """One record of a person; the log says so."""
    hold_accounts(session, person.id)
    account = session.get_one(SignInAccount, person.id)
    marks = (person.full_name, person.email, person.phone, account.username)
    forget_viewings(session, person)
    for table in GOES_WITH_THE_PERSON:
        session.execute(delete(table).where(table.person_id == person.id).execution_options(synchronize_session=False))
    tell(session, PersonErased(person.id, tuple(mark for mark in marks if mark)))
    forget_documents(session, person)
    end_roles(session, person)
    forget_identity(person, account)
    session.execute(update(Membership).where(Membership.person_id == person.id).values(position="", due_on=None))
    note(session, "privacy.erase", actor=by, object_kind="person", object_id=person.public_id)


def forget_identity(person: Person, account: SignInAccount) -> None:
    """A person of whom nothing is known but where they are counted, and an account that nobody can open."""
    person.full_name, person.search_key = ERASED_NAME, ""
    person.sort_key = text.person_sort_key(ERASED_NAME)
    person.email = person.phone = None
    person.muted = []
    person.position, person.language = "", "vi"
    person.erased_at = clock.now()
    account.username = f"-{person.public_id.hex}"  # nobody can choose a name that begins so
    account.password_hash = account.password_changed_at = None
    account.short_password = False
    account.disabled_at = account.disabled_at or clock.now()


def forget_viewings(session: Session, person: Person) -> None:
    """Nobody looks as the person any longer; where the person looked as others, the log alone keeps it."""
    end_viewing(session, or_(Viewing.viewer_id == person.id, Viewing.person_id == person.id))
    session.flush()  # what has just ended is written before its row goes
    session.execute(delete(Viewing).where(Viewing.viewer_id == person.id))


def end_roles(session: Session, person: Person) -> None:
    """From today on the person holds no role, also where it would have ended or begun on a later day."""
    today = clock.today()
    held = update(RoleGrant).where(
        RoleGrant.person_id == person.id, or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > today)
    )
    session.execute(held.values(valid_to=today))


def forget_documents(session: Session, person: Person) -> None:
    """What other systems keep about the person beside statements: their profile, and where they had got to."""
    digest = agent_digest({"account": {"homePage": config_of(session).iri_base, "name": str(person.public_id)}})
    agent = select(XapiAgent.id).where(XapiAgent.digest == digest)
    kept = delete(XapiDocument).where(XapiDocument.agent_id.in_(agent))
    session.execute(kept.execution_options(synchronize_session=False))
