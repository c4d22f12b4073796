"""What the people of the walk sign in with beside a password: an authenticator, a code for emergencies, a passkey."""

import secrets
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.models import Person, UserSession
from lms.accounts.session import begin_session
from lms.authentication.actions import code_digests, sealing
from lms.authentication.models import Authenticator, Passkey, RecoveryCode
from lms.db import config_of

RECOVERY_CODE = "AAAAA-BBBBB"


@dataclass(frozen=True)
class Keys:
    """Another session of the person, and a passkey."""

    session_id: int
    passkey: uuid.UUID


def give_keys(session: Session, person: Person) -> Keys:
    """Give the person one of everything."""
    config, now = config_of(session), clock.now()
    begin_session(session, person.id, browser="another", proof="second factor")
    passkey = give_passkey(session, person)
    sealed = sealing(config).encrypt(secrets.token_bytes(20))
    digest = code_digests(config, person.id, RECOVERY_CODE)[0]
    session.add_all(
        [
            Authenticator(person_id=person.id, sealed_secret=sealed, created_at=now, confirmed_at=now),
            RecoveryCode(person_id=person.id, code_digest=digest, created_at=now),
        ]
    )
    mine = select(UserSession.id).where(UserSession.person_id == person.id, UserSession.browser == "another")
    return Keys(session.scalars(mine).one(), passkey)


def give_passkey(session: Session, person: Person) -> uuid.UUID:
    """A passkey of the person, which no device has."""
    passkey = Passkey(
        public_id=uuid.uuid4(),
        person_id=person.id,
        credential_id=secrets.token_bytes(16),
        public_key=b"",
        sign_count=0,
        name="Điện thoại",
        created_at=clock.now(),
    )
    session.add(passkey)
    return passkey.public_id
