"""Setting up and taking away what people sign in with, and checking what they show."""

import base64
import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.actions import LinkHandedOver, PasswordSet, RoleGranted, create_person, new_link
from lms.accounts.models import Person, SignInAccount
from lms.accounts.queries import account_by_username
from lms.accounts.rules import LINK_LIFE
from lms.accounts.session import end_all_sessions, end_links, hold_accounts
from lms.audit.actions import note
from lms.authentication.models import (
    ActivationCode,
    Authenticator,
    ExternalIdentity,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
)
from lms.authentication.queries import (
    authenticator_of,
    known_identity,
    new_authenticator_of,
    passkeys_of,
    people_by_claim,
)
from lms.authentication.rules import (
    ACTIVATION_LIFE,
    CHALLENGE_LIFE,
    CODE_LENGTH,
    ENROLLING_LIFE,
    LETTERS,
    MOST_PASSKEYS,
    RECOVERY_CODES,
    SECRET_BYTES,
    as_made,
    in_groups,
    looks_like_digits,
    matching_step,
)
from lms.authentication.signature import Answer, NotAccepted, Site, registered, signed
from lms.config import Config, OpenIdProvider
from lms.db import config_of

ACTIVATED_LINK_LIFE = timedelta(minutes=30)


class NotKnown(LookupError):
    """Another service vouches for somebody who is not found here; `reason`: "claim", "nobody" or "several"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooMany(ValueError):
    """The person has as many passkeys as one may have."""


def keys_of(config: Config, purpose: str) -> list[bytes]:
    """A key for this purpose from LMS_SECRET_KEY, and after it those from former ones."""
    info = f"lms.authentication {purpose}".encode()
    wanted = (config.secret_key, *config.former_secret_keys)
    return [HKDF(SHA256(), length=32, salt=None, info=info).derive(one.encode()) for one in wanted]


def sealing(config: Config) -> MultiFernet:
    """Seals with the present key and opens with former ones too."""
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys_of(config, "secrets")])


def code_digests(config: Config, person_id: int, code: str) -> list[bytes]:
    """What is kept of a code on paper: it cannot be tried out without LMS_SECRET_KEY. The present key comes first."""
    told = f"{person_id} {as_made(code)}".encode()
    return [hmac.new(key, told, hashlib.sha256).digest() for key in keys_of(config, "codes")]


def new_code() -> str:
    """A code of ten letters and figures, some fifty random bits."""
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))


def begin_authenticator(session: Session, person_id: int) -> None:
    """Make a new secret, which counts once a code has confirmed it. The present one stays in use until then."""
    session.execute(
        delete(Authenticator).where(Authenticator.person_id == person_id, Authenticator.confirmed_at.is_(None))
    )
    sealed = sealing(config_of(session)).encrypt(secrets.token_bytes(SECRET_BYTES))
    session.add(Authenticator(person_id=person_id, sealed_secret=sealed, created_at=clock.now()))
    noted(session, "second_factor.begin", person_id)


def secret_of(session: Session, authenticator: Authenticator) -> bytes | None:
    """The secret; None when it was sealed with a key this product does not have any more."""
    try:
        return sealing(config_of(session)).decrypt(authenticator.sealed_secret)
    except InvalidToken:
        return None


def waiting_authenticator(session: Session, person_id: int) -> Authenticator | None:
    """The new secret that waits for its first code."""
    return session.scalar(new_authenticator_of(person_id, since=clock.now() - ENROLLING_LIFE))


def confirm_authenticator(session: Session, person_id: int, code: str) -> list[str] | None:
    """Take the new authenticator into use and return fresh codes for emergencies; None when the code is wrong."""
    waiting = waiting_authenticator(session, person_id)
    secret = secret_of(session, waiting) if waiting is not None else None
    step = matching_step(secret, code, now=clock.now(), last=None) if secret is not None else None
    if waiting is None or step is None:
        return None
    session.execute(delete(Authenticator).where(Authenticator.person_id == person_id, Authenticator.id != waiting.id))
    waiting.confirmed_at, waiting.last_step = clock.now(), step
    noted(session, "second_factor.on", person_id)
    return renew_recovery_codes(session, person_id)


def renew_recovery_codes(session: Session, person_id: int) -> list[str]:
    """Ten new codes, to be shown this once; those before end."""
    config, now = config_of(session), clock.now()
    codes = [new_code() for _ in range(RECOVERY_CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    session.add_all(
        RecoveryCode(person_id=person_id, code_digest=code_digests(config, person_id, code)[0], created_at=now)
        for code in codes
    )
    noted(session, "recovery_codes.new", person_id)
    return [in_groups(code) for code in codes]


def code_fits(session: Session, person_id: int, typed: str) -> bool:
    """Whether this is the code the telephone shows now, or one for emergencies. Each fits once."""
    if looks_like_digits(typed):
        return telephone_code_fits(session, person_id, typed)
    used = session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.used_at.is_(None),
            RecoveryCode.code_digest.in_(code_digests(config_of(session), person_id, typed)),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    )
    if used is not None:
        noted(session, "recovery_codes.use", person_id)
    return used is not None


def telephone_code_fits(session: Session, person_id: int, typed: str) -> bool:
    """Whether this is the code of now, or of the half minute before or after. The database takes each step once."""
    found = session.scalar(authenticator_of(person_id))
    secret = secret_of(session, found) if found is not None else None
    if found is None or secret is None:
        return False
    step = matching_step(secret, typed, now=clock.now(), last=found.last_step)
    if step is None:
        return False
    taken = session.scalar(
        update(Authenticator)
        .where(Authenticator.id == found.id, or_(Authenticator.last_step.is_(None), Authenticator.last_step < step))
        .values(last_step=step, sealed_secret=sealing(config_of(session)).encrypt(secret))  # under the present key
        .returning(Authenticator.id)
    )
    return taken is not None


def remove_authenticator(session: Session, person_id: int) -> None:
    """The person signs in with the password alone from now on, or with a passkey."""
    session.execute(delete(Authenticator).where(Authenticator.person_id == person_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    noted(session, "second_factor.off", person_id)


def reset_second_factors(session: Session, person: Person, *, by: uuid.UUID) -> None:
    """An administrator takes everything away from somebody who has lost it; every session ends.

    A password that was good only together with a second factor must be replaced at the next sign-in.
    """
    for table in (Authenticator, RecoveryCode, Passkey):
        session.execute(delete(table).where(table.person_id == person.id))
    end_all_sessions(session, person.id)
    note(session, "second_factor.reset", actor=by, object_kind="person", object_id=person.public_id)


def noted(session: Session, action: str, person_id: int, **details: Any) -> None:
    """What a person did with an account of their own."""
    public_id = session.scalar(select(Person.public_id).where(Person.id == person_id))
    note(session, action, actor=public_id, object_kind="person", object_id=public_id, **details)


def new_challenge(session: Session, person_id: int | None) -> bytes:
    """What a device is to sign within five minutes; for somebody's new key, or (None) to sign in. Old ones go."""
    challenge, now = secrets.token_bytes(32), clock.now()
    session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at < now))
    session.add(PasskeyChallenge(challenge=challenge, person_id=person_id, expires_at=now + CHALLENGE_LIFE))
    return challenge


def take_challenge(session: Session, challenge: bytes, person_id: int | None) -> bool:
    """Whether this was asked for that purpose, lately and not answered yet. It is over now."""
    asked = session.execute(
        delete(PasskeyChallenge)
        .where(PasskeyChallenge.challenge == challenge)
        .returning(PasskeyChallenge.person_id, PasskeyChallenge.expires_at)
    ).one_or_none()
    return asked is not None and asked.person_id == person_id and asked.expires_at > clock.now()


def register_passkey(session: Session, person_id: int, answer: Answer, *, site: Site, name: str) -> Passkey:
    """Keep the key a device has made for this person. Raises `NotAccepted`, `TooMany`."""
    if len(session.scalars(passkeys_of(person_id)).all()) >= MOST_PASSKEYS:
        raise TooMany
    if not take_challenge(session, answer.challenge, person_id):
        raise NotAccepted("the challenge was not asked, or is over")
    made = registered(answer, challenge=answer.challenge, site=site)
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == made.credential_id)) is not None:
        raise NotAccepted("the key is registered already")
    passkey = Passkey(
        public_id=uuid.uuid4(),
        person_id=person_id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=name,
        created_at=clock.now(),
    )
    session.add(passkey)
    noted(session, "passkey.new", person_id, passkey=str(passkey.public_id))
    return passkey


def person_with_passkey(session: Session, answer: Answer, *, site: Site) -> int:
    """The person whose device signed the challenge. Raises `NotAccepted`."""
    if not take_challenge(session, answer.challenge, None):
        raise NotAccepted("the challenge was not asked, or is over")
    found = session.execute(
        select(Passkey, Person.public_id)
        .join(Person, Person.id == Passkey.person_id)
        .join(SignInAccount, SignInAccount.person_id == Passkey.person_id)
        .where(Passkey.credential_id == answer.credential_id, SignInAccount.disabled_at.is_(None))
    ).one_or_none()
    if found is None:
        raise NotAccepted("no such key")
    passkey, public_id = found
    if answer.user_handle and answer.user_handle != public_id.bytes:
        raise NotAccepted("the key is of somebody else")
    count = signed(
        answer,
        challenge=answer.challenge,
        site=site,
        public_key=passkey.public_key,
        sign_count=passkey.sign_count,
    )
    passkey.sign_count, passkey.used_at = count, clock.now()
    return int(passkey.person_id)


def rename_passkey(session: Session, passkey: Passkey, name: str) -> None:
    """Another name for a key."""
    passkey.name = name
    noted(session, "passkey.rename", passkey.person_id, passkey=str(passkey.public_id))


def remove_passkey(session: Session, passkey: Passkey) -> None:
    """The key opens nothing any more."""
    noted(session, "passkey.remove", passkey.person_id, passkey=str(passkey.public_id))
    session.delete(passkey)


def make_activation_codes(
    session: Session, people: Iterable[Person], *, unit: uuid.UUID, tree: str, by: uuid.UUID
) -> Mapping[int, str]:
    """A code for each of these people, good for thirty days and to be shown this once. Earlier links and codes end."""
    codes = fresh_codes(session, [person.id for person in people], life=ACTIVATION_LIFE)
    note(session, "activation.print", actor=by, object_kind="unit", object_id=unit, codes=len(codes), tree=tree)
    return codes


def issue_slip(session: Session, person: Person, *, by: uuid.UUID) -> str:
    """A code on paper in place of a link: shown once, good as long. Earlier links and codes end, the password stays."""
    note(session, "slip.issue", actor=by, object_kind="person", object_id=person.public_id)
    return fresh_codes(session, [person.id], life=LINK_LIFE)[person.id]


def fresh_codes(session: Session, person_ids: Iterable[int], *, life: timedelta) -> dict[int, str]:
    """A code for each person in place of the one before and of any link, as it is written down; its digest is kept."""
    codes, now = {one: new_code() for one in person_ids}, clock.now()
    hold_accounts(session, *codes)
    session.execute(delete(ActivationCode).where(ActivationCode.person_id.in_(codes)))
    end_links(session, *codes)
    for one, code in codes.items():
        kept = code_digests(config_of(session), one, code)[0]
        session.add(ActivationCode(person_id=one, code_digest=kept, created_at=now, expires_at=now + life))
    return {one: in_groups(code) for one, code in codes.items()}


def activate(session: Session, username: str, code: str) -> str | None:
    """A token for the page that sets a password, when the code on paper is this person's; the code holds until then."""
    found = slip_holder(session, username, code, keeping=True)
    return new_link(session, found, life=ACTIVATED_LINK_LIFE) if found is not None else None


def slip_holder(session: Session, username: str, code: str, *, keeping: bool = False) -> Person | None:
    """The person whose code on paper this is. `keeping`: and it stays so until this transaction ends."""
    account = session.scalar(account_by_username(username))
    if keeping and account is not None:  # a role granted at this moment ends the slip first, or the link made of it
        hold_accounts(session, account.person_id)
    digests = code_digests(config_of(session), account.person_id if account is not None else 0, code)
    query = select(ActivationCode.person_id).where(
        ActivationCode.person_id == (account.person_id if account is not None else 0),
        ActivationCode.code_digest.in_(digests),
        ActivationCode.expires_at > clock.now(),
    )
    found = session.scalar(query)
    if found is None or account is None or account.disabled_at is not None:
        return None
    return session.get_one(Person, found)


def end_activation_code(session: Session, event: PasswordSet | LinkHandedOver) -> None:
    """Whoever has a password, or a link to set one, needs no code on paper any more."""
    session.execute(delete(ActivationCode).where(ActivationCode.person_id == event.person_id))


def end_what_was_handed_out(session: Session, event: RoleGranted) -> None:
    """A slip of paper, and a telephone somebody has begun to connect, were for an account that opened less."""
    session.execute(delete(ActivationCode).where(ActivationCode.person_id == event.person_id))
    session.execute(
        delete(Authenticator).where(Authenticator.person_id == event.person_id, Authenticator.confirmed_at.is_(None))
    )


def person_vouched_for(session: Session, provider: OpenIdProvider, claims: Mapping[str, Any]) -> int:
    """The person another service vouches for, remembered by that service's own mark. Raises `NotKnown`.

    Somebody who is new here becomes a person only where the settings say so; a closed account stays closed.
    """
    person_id = session.scalar(known_identity(provider.issuer, str(claims["sub"])))
    if person_id is None:
        person_id = linked(session, provider, claims)
    if session.get_one(SignInAccount, person_id).disabled_at is not None:
        raise NotKnown("closed")
    return person_id


def linked(session: Session, provider: OpenIdProvider, claims: Mapping[str, Any]) -> int:
    """Find the person by the claim the settings name, and remember the service's mark. Raises `NotKnown`."""
    value = claims.get(provider.claim)
    if not isinstance(value, str) or not text.nfc(value) or not address_proven(provider, claims):
        raise NotKnown("claim")
    found = people_by_claim(session, provider.match, text.nfc(value))
    if len(found) > 1:
        raise NotKnown("several")
    person_id = found[0] if found else created(session, provider, claims, text.nfc(value))
    session.add(
        ExternalIdentity(
            issuer=provider.issuer, subject=str(claims["sub"]), person_id=person_id, created_at=clock.now()
        )
    )
    noted(session, "identity.link", person_id)
    return person_id


def address_proven(provider: OpenIdProvider, claims: Mapping[str, Any]) -> bool:
    """Whether an address may tell who it is: the service says, in so many words, that it has tried it."""
    if provider.match != "email":
        return True
    said = claims.get("email_verified")
    return said is True or (said is None and provider.email_unsaid)


def created(session: Session, provider: OpenIdProvider, claims: Mapping[str, Any], value: str) -> int:
    """A new person, in no unit yet. Raises `NotKnown` where none is to be made."""
    name = claims.get(provider.name_claim)
    if not provider.create or not isinstance(name, str) or not text.nfc(name):
        raise NotKnown("nobody")
    username = re.sub(r"[^a-z0-9._-]", "", text.fold(value.partition("@")[0])).strip("._-") or "u"
    if len(username) < 3 or session.scalar(account_by_username(username)) is not None:
        username = f"{username}.{secrets.token_hex(3)}"
    email = value if provider.match == "email" else None
    person = create_person(session, full_name=name, username=username, unit=None, since=clock.today(), email=email)
    return person.id
